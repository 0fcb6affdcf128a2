#!/bin/bash
# requests.sh: a doctor asks two patients for access on one ledger; one says no with a reason, one says yes and the doctor reads. Notices on
# both sides, files with the open requests, a flood, and names that try to mislead.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
. "$(dirname "$0")/held.sh"
two_begin requests
two_network "São Lucas"
two_join ana "Ana Silva" patient
two_join nuno "Dr Nuno Reis" clinician
two_cards ana nuno
two_mount ana nuno
# one REQUESTS-FIELD [INDEX]: of the last --json
one() { python3 -c 'import json,sys
r = json.load(open("out/said"))["requests"]
print(len(r) if len(sys.argv) < 2 else r[int(sys.argv[2]) if len(sys.argv) > 2 else -1][sys.argv[1]])' "$@"; }

say "asking"
two_home nuno
run 0 request
says "No requests."
run 2 request --reason "why"
run 2 request ""
run 2 request ana --purpose fun
run 2 request ana --until yesterday
run 5 request nobody
run 2 request nuno@saolucas
says "nuno@saolucas is you."
run 2 request @saolucas
says "is an organisation; records belong to people."
as eve run 0 init --yes --name Eve --born 1970-01-01 --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/eve.words"
as eve run 0 people card -o "$EMR_WORK/eve.card" --passphrase-file "$EMR_PASS"
run 0 people add eve.card --name eve
json 6 request eve
expect "of another network" "$(field error)" not-on-ledger
run 2 request "ana:$(printf 'a\342\200\256fdp.exe')"
says "has characters that hide or turn text"
run 2 request ana --reason "$(printf 'a\377')"
says "is not text in UTF-8"
run 2 deny --yes "$(printf 'r-\377')"
says "is not text in UTF-8"
json 0 request "ana:Imaging" --reason 'second opinion on "Thursday"' --until 10d
expect "direction" "$(one direction)" from-me
expect "to" "$(one name)" ana
id=$(one id)
whole=$(one whole)
run 0 request
says "$id"
says "from you    to ana, São Lucas (gives the name Ana Silva), for Imaging, treatment: \"second opinion on 'Thursday'\"     open"

say "saying no"
two_home ana
noticed() { grep -qF -- "$1" "$MNT/.emrfs/notices"; }
emr_until noticed "nuno, São Lucas (gives the name Dr Nuno Reis) asks for Imaging, treatment: \"second opinion on 'Thursday'\""
noticed "emrfs approve $whole, or: emrfs deny $whole" || emr_fail "a notice without its commands"
run 0 status
says "Waiting for you: 1 request (emrfs request)."
expect "files" "$(ls "$MNT/.emrfs/requests")" "$whole.txt"
grep -qF "Who asks:   nuno, São Lucas (gives the name Dr Nuno Reis)" "$MNT/.emrfs/requests/$whole.txt" || emr_fail "$(cat "$MNT/.emrfs/requests/$whole.txt")"
grep -qxF "Yes:        emrfs approve $whole" "$MNT/.emrfs/requests/$whole.txt" || emr_fail "no command in the file"
! touch "$MNT/.emrfs/requests/new" 2>/dev/null && ! rm -f "$MNT/.emrfs/requests/$whole.txt" 2>/dev/null || emr_fail "a request was changed as a file"
json 0 request
expect "requests" "$(one)" 1
expect "direction" "$(one direction)" to-me
expect "who" "$(one who) $(one name) $(one organisation)" "nuno nuno São Lucas"
expect "what" "$(one path) $(one purpose) $(one state)" "Imaging treatment open"
expect "same id" "$(one id)" "$id"
run 0 request
says "$id    to you      nuno, São Lucas (gives the name Dr Nuno Reis) asks for Imaging, treatment: \"second opinion on 'Thursday'\""
says "emrfs approve $whole | emrfs deny $whole"
run 2 deny
run 5 deny --yes r-none
run 2 deny --yes "$id" --reason "$(printf 'two\nlines')"
json 0 deny "$id" --reason "ask me on Friday"
expect "denied" "$(field id)" "$id"
run 6 deny --yes "$id"
no_files() { [ -z "$(ls "$MNT/.emrfs/requests")" ]; }
emr_until no_files
[ ! -e "$MNT/.emrfs/requests/$whole.txt" ] || emr_fail "an answered request is still a file"
run 0 status
says_not "Waiting for you"
two_home nuno
denied() { json 0 request && [ "$(one state)" = denied ]; }
emr_until denied
expect "why not" "$(one answer)" "ask me on Friday"
run 0 request
says "denied: \"ask me on Friday\""
emr_until noticed "ana, São Lucas (gives the name Ana Silva) said no to your request $id for Imaging: \"ask me on Friday\""
two_unmount nuno
two_mount nuno
json 0 request
expect "after a restart" "$(one state) $(one answer)" "denied ask me on Friday"
! noticed "said no" || emr_fail "told twice"

say "saying yes"
two_home nuno
json 0 request "ana:Imaging/Knee" --until 10d
elsewhere=$(one id)
json 0 request "ana:/Imaging/" --until 10d --purpose research
id=$(one id)
two_home ana
must mkdir "$MNT/Imaging"
echo "%PDF a knee" >"$MNT/Imaging/MRI.pdf"
run 0 status --wait
emr_until noticed "$id"
json 5 approve "$elsewhere"
expect "not here" "$(field error)" no-such-path
run 5 approve r-none
says "There is no request r-none"
run 2 approve
run 2 approve "$id" --until yesterday
run 13 approve "$id"
says "This lets nuno, São Lucas (gives the name Dr Nuno Reis) see 1 file."
json 0 approve "$id" --yes
expect "shared" "$(field grant.path) $(field grant.who) $(field grant.purpose)" "Imaging nuno research"
granted() { json 0 share && python3 -c 'import json,sys; g = json.load(open("out/said"))["grants"]
sys.exit(not (len(g) == 1 and g[0]["state"] == "confirmed"))'; }
emr_until granted
approved() { json 0 request && [ "$(one state)" = approved ]; }
emr_until approved
run 6 approve "$id" --yes
run 6 deny --yes "$id"
two_home nuno
run 6 approve "$elsewhere"
says "is a request of yours; the other one answers it."
emr_until approved
emr_until noticed "ana, São Lucas (gives the name Ana Silva) said yes to your request $id for /Imaging/."
run 0 deny --yes "$elsewhere"

say "said yes to twice at once: one answer, and one share"
two_home nuno
json 0 request ana:Twice --until 9d
id=$(one id)
two_home ana
must mkdir "$MNT/Twice"
run 0 status --wait
emr_until noticed "$id"
"$EMRFS" approve "$id" --until 1h --yes >out/yes-1 2>&1 </dev/null &
first=$!
"$EMRFS" approve "$id" --until forever --yes >out/yes-2 2>&1 </dev/null &
second=$!
wait "$first"; first=$?
wait "$second"; second=$?
expect "one of them answered" "$(printf '%s\n' "$first" "$second" | sort | xargs)" "0 6"
grep -qh "$id[a-z2-7]* is answered already" out/yes-1 out/yes-2 || emr_fail "not said: $(cat out/yes-1 out/yes-2)"
run 6 approve "$id" --until 2d --yes
run 6 deny --yes "$id"
state_of() { json 0 request && python3 -c 'import json,sys
print(*[r["state"] for r in json.load(open("out/said"))["requests"] if r["id"] == sys.argv[1]])' "$1"; }
said_yes() { [ "$(state_of "$1")" = approved ]; }
emr_until said_yes "$id"
run 6 approve "$id" --until 2d --yes
of_folder() { json 0 share && python3 -c 'import json,sys
print(*[g["state"] for g in json.load(open("out/said"))["grants"] if g["path"] == sys.argv[1]])' "$1"; }
expect "one share" "$(of_folder Twice)" confirmed
run 0 revoke --yes Twice from nuno --wait
run 6 approve "$id" --yes
expect "ended" "$(of_folder Twice)" ""

say "asking to write, and to leave things"
two_home nuno
run 2 request ana:Drafts --write --deposit
run 2 request --write
json 0 request ana:Drafts --deposit --until 9d
leaving=$(one id)
expect "rights" "$(one rights)" deposit
json 0 request ana:Drafts --write --until 8d
writing=$(one id)
whole=$(one whole)
two_home ana
must mkdir "$MNT/Drafts"
run 0 status --wait
emr_until noticed "asks for Drafts, to leave files there"
emr_until noticed "asks for Drafts, to read and change"
grep -qF "To:         read and change, until" "$MNT/.emrfs/requests/$whole.txt" || emr_fail "$(cat "$MNT/.emrfs/requests/$whole.txt")"
run 0 approve "$leaving" --yes
says "can leave new files in Drafts"
rights_of() { json 0 share && python3 -c 'import json
print(*[g["rights"] for g in json.load(open("out/said"))["grants"] if g["path"] == "Drafts" and g["state"] == "confirmed"])'; }
deposited() { [ "$(rights_of)" = deposit ]; }
emr_until deposited
answered() { [[ $(state_of "$1") =~ ^(approved)?$ ]]; }	# who asked takes it back when he has seen the right
emr_until answered "$leaving"
two_home nuno
emr_until said_yes "$leaving"
emr_until noticed "ana, São Lucas (gives the name Ana Silva) said yes to your request $leaving for Drafts"
two_home ana
run 0 approve "$writing" --yes
says "can read and change Drafts"
emr_until said_yes "$writing"
expect "wider" "$(rights_of)" write
two_home nuno
json 0 request ana:Drafts --deposit --until 9d
less=$(one id)
two_home ana
emr_until noticed "$less"
json 6 approve "$less" --yes
expect "less than that" "$(field error)" may-write-already
run 0 revoke --yes Drafts from nuno --wait
two_home nuno
run 0 deny --yes "$less"
emr_until said_yes "$writing"

say "the log, in words and as FHIR"
two_home ana
run 0 log --who nuno
says "said no to a request of nuno, São Lucas (gives the name Dr Nuno Reis), for \"Imaging\"   proven"
says "shared   Imaging with nuno, São Lucas (gives the name Dr Nuno Reis), to read until "
says "said yes to a request of nuno, São Lucas (gives the name Dr Nuno Reis), for Imaging   proven"
says "shared   Drafts with nuno, São Lucas (gives the name Dr Nuno Reis), to leave files there until "
says "shared   Drafts with nuno, São Lucas (gives the name Dr Nuno Reis), to read and change until "
says "ended    the share of Drafts with nuno, São Lucas (gives the name Dr Nuno Reis)   proven"
expect "ends" "$(grep -c "ended    " out/said)" 2
run 5 log --who nobody
run 2 log --purpose fun
fhir fhir log --who you
expect "written" "$(jq ".entries | length" out/said)" "$(ls fhir | wc -l)"
must python3 "$SUPPORT/fhir_audit_event.py" fhir
for action in shared ended approved denied; do grep -lq "\"$action\"" fhir/*.json || emr_fail "no AuditEvent of $action"; done
json 0 log --software
expect "nothing by software" "$(field entries)" "[]"

say "taking back, and a flood"
two_home nuno
for i in 1 2 3 4 5 6 7; do json 0 request "ana:Folder $i" --purpose research,legal; done
run 0 deny --yes "$(one id)"
says "was yours: it is taken back."
two_home ana
flooded() { json 0 request && [ "$(field held_back)" = 1 ]; }
emr_until flooded
expect "shown" "$(one)" 9	# and the four that are answered
expect "the newest" "$(one path) $(one purpose)" "Folder 6 research, legal"
run 0 request
says "1 older one is not shown"
five_files() { [ "$(ls "$MNT/.emrfs/requests" | wc -l)" = 5 ]; }
emr_until five_files

say "while the ledger is away nothing is asked, and whoever asks when it is there again is not told otherwise"
two_home nuno
mv "$NET/ledger" "$NET/ledger.away"
run 7 request "ana:Imaging" --reason "while it is away"
run 7 request "ana:Imaging" --reason "while it is away"	# looked for a moment ago
says "The ledger cannot be reached: nothing was asked or answered."
mv "$NET/ledger.away" "$NET/ledger"
run 0 request "ana:Imaging" --reason "it is back"

say "one that others are busy with is not called away"
hold_ledger
run 7 request "ana:Imaging" --reason "while others write"
let_ledger_go
says "The ledger did not answer in time. Whether this was asked or answered shows when it does."
run 0 request "ana:Imaging" --reason "when they are done"
two_unmount ana nuno
nothing_in_clear "Folder 6" "Thursday" "ask me on" -- "$NET" ana/state nuno/state
