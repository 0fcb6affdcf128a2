#!/bin/bash
# share.sh: Ana shares a folder with a doctor of her hospital and takes it back, through the verbs; an order survives a crash and the
# ledger's absence.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin share
export TZ=UTC
two_network "São Lucas"
two_join ana "Ana Silva" patient
two_join lima "Paula Lima" clinician
two_join eva "Eva Reis" clinician
as lima run 0 people card -o lima.card --passphrase-file "$EMR_PASS"
as ana run 0 people add lima.card --name lima --passphrase-file "$EMR_PASS"
two_mount ana
two_home ana
mkdir ana-folder/Imaging ana-folder/Imaging/Old ana-folder/Bills
echo "a knee" >ana-folder/Imaging/MRI.pdf
echo "a head" >ana-folder/Imaging/Old/CT.pdf
echo "one" >ana-folder/Imaging/MRI2.pdf
run 0 status --wait
echo "two" >ana-folder/Imaging/MRI2.pdf
run 0 status --wait
rows() { python3 -c 'import json,sys
for g in json.load(open("out/said"))["grants"]: print(*[g[k] for k in sys.argv[1:]])' "$@"; }
state_of() { as ana json 0 share && rows path state | grep -qx "$1"; }

say "what cannot be shared, and with whom not"
run 0 share
says "You share nothing"
json 5 share Imaging with nobody --yes
expect error "$(field error)" unknown-person
json 5 share Nothing with lima --yes
expect error "$(field error)" no-such-path
json 5 share Imaging with lime@saolucas --yes
grep -qE 'Near: lima, São Lucas \(gives the name Paula Lima\) \([A-Z2-7]{8}\) called lima\.' out/said out/complained || emr_fail "near: $(cat out/said out/complained)"
json 6 share Inbox with lima --yes
expect error "$(field error)" never-shared
json 6 share . with lima --yes
expect error "$(field error)" never-shared
ln -s MRI.pdf ana-folder/Imaging/link
json 6 share Imaging/link with lima --yes
rm ana-folder/Imaging/link
expect error "$(field error)" not-shareable
(export EMRFS_HOME=$EMR_WORK/stranger && mkdir -m 700 "$EMRFS_HOME" && cp ana/settings "$EMRFS_HOME/" &&
	"$EMRFS" init --yes --name Rui --born 1970-01-01 --passphrase-file "$EMR_PASS" --words-file rui.words &&
	"$EMRFS" people card -o rui.card --passphrase-file "$EMR_PASS") >out/rui 2>&1 || emr_fail "$(cat out/rui)"
run 0 people add rui.card --name rui
json 6 share Imaging with rui --yes
expect error "$(field error)" not-a-member
run 2 share Imaging lima
run 2 share Imaging to lima
run 2 share --until 30d
run 2 share Imaging with lima --until yesterday --yes
run 2 share Imaging with lima --purpose fun --yes
run 2 revoke --yes Imaging lima
run 2 revoke --yes --all lima
json 5 revoke Imaging from lima
expect error "$(field error)" not-shared
run 13 share Imaging with lima
says "This lets lima, São Lucas (gives the name Paula Lima) see 3 files"
json 0 share
expect rows "$(rows id)" ""

say "sharing"
run 0 share Imaging with lima --yes --wait
says "lima, São Lucas (gives the name Paula Lima) can read Imaging (3 files"
says "records are wrapped again"
says "only while your folder is open"
says "Not compared yet"
says "Shared."
run 0 status Imaging/MRI.pdf
says "Can be opened by: lima, São Lucas (gives the name Paula Lima) until "
run 0 share
says "Opens for lima now."
json 0 status Imaging/Old
expect readers "$(field readers.0.name)" "lima, São Lucas (gives the name Paula Lima)"
run 0 status Bills
says "Can be opened by: nobody but you."
json 0 share
expect row "$(rows path who name organisation rights purpose state needed)" "Imaging lima lima São Lucas read treatment confirmed 0"
id=$(rows id)
[[ $id =~ ^g-[a-z2-7]{4}$ ]] || emr_fail "id: $id"
run 0 share Bills with eva@saolucas --until 2099-12-31 --purpose payment,legal --yes --wait
json 0 share
expect rows "$(rows path who name purpose until | cut -c1-200)" "Bills eva@saolucas eva payment, legal 2099-12-31T23:59:59Z
Imaging lima lima treatment $(rows until | tail -1)"

say "the same as FHIR Consents"
expect "no ids in the list" "$(python3 -c 'import json; print(sorted({k for g in json.load(open("out/said"))["grants"] for k in g if k.endswith(("_id", "_unix"))}))')" "[]"
fhir consents share --all
expect "written" "$(ls consents | wc -l) $(rows path | tr '\n' ' ')" "2 Bills Imaging "
must python3 "$SUPPORT/fhir_consent.py" consents active active
consent() { jq -r "select(.provision.data[0].reference.display == \"$1\") | $2" consents/*.json; }
expect "Imaging" "$(consent Imaging '[.patient.display, .provision.actor[0].reference.display, .provision.purpose[].code, .provision.action[].coding[].code] | join(" ")')" "Ana Silva lima TREAT access"
expect "Bills" "$(consent Bills '[.provision.period.end, .provision.purpose[].code] | join(" ")')" "2099-12-31T23:59:59Z HPAYMT HLEGAL"
expect "the days" "$(consent Imaging '(.provision.period.end | fromdate) - (.provision.period.start | fromdate) | . / 86400 | round')" 30
! (fhir out/said share --all 2>&1) >out/no || emr_fail "a file taken for a directory"
! (fhir consents share 2>&1) >out/no || emr_fail "Consents without ids"

say "taking back"
json 0 revoke Bills from eva@saolucas --wait
expect state "$(field state)" confirmed
expect ended "$(python3 -c 'import json; d = json.load(open("out/said")); print(d["ended"][0]["path"], d["openings"], d["names_seen"])')" "Bills [] False"
run 0 revoke --yes --all from lima --wait
says "Ended: Imaging   $id"
says "Nothing was opened by what has ended."
run 0 share
says "You share nothing"
fhir consents share --all
expect "with what is over" "$(rows path state | sort | tr '\n' ' ')" "Bills over Imaging over "
must python3 "$SUPPORT/fhir_consent.py" consents inactive inactive
run 0 share --all
says "Does not open for lima any more"
json 5 revoke --all from lima
expect error "$(field error)" not-shared

say "asked for while the ledger is away, and done after a crash"
mkdir ana-folder/New
two_host_kill
run 4 share Imaging with lima --yes --wait=1s
says "not on the ledger yet"
run 0 share New with lima --yes
surely=$(($(date +%s) + 15))
run 0 share Bills with lima --until 15s --yes
over=$(($(date +%s) + 16))
run 0 share New with lima --until 20d --yes
json 0 share
bills="Bills queued"
[ "$(date +%s)" -lt "$surely" ] || bills=$(rows path state | grep ^Bills)	# on a slow computer its time is over already
expect "while it is away" "$(rows path state | sort -u)" "$bills
Imaging queued
New queued"
expect "why it does not open" "$(rows path opens_now why_not | grep Imaging)" "Imaging False ledger-away"
run 0 status Imaging
says "Can be opened by: nobody but you."
says "Does not open for lima, São Lucas (gives the name Paula Lima) now: the ledger is away, and no key is given without it."
json 0 revoke New from lima --wait=20min
expect "it was asked for only" "$(field state)" confirmed
cp ana-folder/.emrfs/notices notices-before	# on a slow computer it is over already, and notices end with the mount
two_kill ana
has_passed() { [ "$(date +%s)" -ge "$over" ]; }
emr_until has_passed
two_host
two_mount ana
emr_until state_of "Imaging confirmed"
emr_until state_of "Bills failed the time was over before it could be done"
expect "once, and not what was taken back" "$(rows path state)" "Bills failed the time was over before it could be done
Imaging confirmed"
said_over() { grep -q ' share-failed Bills: Bills is not shared with lima: the time was over' notices-before "$MNT/.emrfs/notices"; }
emr_until said_over
run 0 revoke --yes Bills from lima
json 0 share
expect "forgotten" "$(rows path)" Imaging
two_unmount ana
two_mount ana
json 0 share
expect "after a quiet end" "$(rows path state)" "Imaging confirmed"
two_host_kill
run 0 revoke --yes Imaging from lima
says "Will end as soon as the ledger answers: Imaging"
! grep -q "^Ended" out/said || emr_fail "called ended: $(cat out/said)"
json 0 revoke Imaging from lima
expect "not yet" "$(field state)" queued
two_host
nothing() { as ana json 0 share && [ "$(rows path)" = "" ]; }
emr_until nothing
run 0 share Imaging with lima --yes --wait

say "an inner folder and a single file, by themselves"
mkdir ana-folder/Bills/2024
for i in $(seq 120); do echo "bill $i" >"ana-folder/Bills/2024/$i"; done
run 0 status --wait
run 13 share Bills/2024 with lima
says "120 files and folders get keys of their own first"
run 0 share Bills/2024 with lima --yes
two_kill ana
two_mount ana
emr_until state_of "Bills/2024 confirmed"
[[ $(attribute grant.lima ana-folder/Bills/2024) =~ ^read\ .*state=confirmed$ ]] || emr_fail "attribute: $(attribute grant.lima ana-folder/Bills/2024)"
expect "kept" "$(cat ana-folder/Bills/2024/77; ls ana-folder/Bills/2024 | wc -l)" "bill 77
120"
run 0 share Bills/2024/7 with eva@saolucas --yes --wait
json 0 share
expect "each once" "$(rows path who state)" "Bills/2024 lima confirmed
Bills/2024/7 eva@saolucas confirmed
Imaging lima confirmed"
echo "bill 7, corrected" >ana-folder/Bills/2024/.7.swp && mv ana-folder/Bills/2024/.7.swp ana-folder/Bills/2024/7
run 0 status --wait
json 0 revoke Bills/2024 from lima --wait
expect ended "$(python3 -c 'import json; print([e["path"] for e in json.load(open("out/said"))["ended"]])')" "['Bills/2024']"
json 0 share
expect "the rest" "$(rows path who state)" "Bills/2024/7 eva@saolucas confirmed
Imaging lima confirmed"
! mv ana-folder/Bills/2024 ana-folder/Imaging/ 2>out/moved || emr_fail "shown to others by being moved"
mv ana-folder/Bills/2024 ana-folder/2024
expect "moved along" "$(cat ana-folder/2024/7)" "bill 7, corrected"
run 0 status --wait
json 0 share
expect "under its new name" "$(rows path who state)" "2024/7 eva@saolucas confirmed
Imaging lima confirmed"

say "domains inside a shared folder: given with it, and taken back with it"
mkdir ana-folder/Psych ana-folder/Extra
echo sad >ana-folder/Psych/diary
echo more >ana-folder/Extra/x
run 0 status --wait
mkdir ana-folder/Case
mv ana-folder/Psych ana-folder/Case/	# a domain that stays one
run 0 status --wait
run 0 share Case with lima --yes --wait
expect "confirmed: inside, too" "$(attribute shared-with ana-folder/Case/Psych/diary)" "$(attribute shared-with ana-folder/Case)"
[[ $(attribute shared-with ana-folder/Case/Psych) == lima\ until* ]] || emr_fail "inside: '$(attribute shared-with ana-folder/Case/Psych)'"
run 0 move Extra Case --yes
run 0 status --wait
inside() { [ "$(attribute shared-with ana-folder/Case/Extra)" = "$(attribute shared-with ana-folder/Case)" ]; }
emr_until inside
json 0 share
expect "listed once" "$(rows path who state)" "2024/7 eva@saolucas confirmed
Case lima confirmed
Imaging lima confirmed"
json 0 revoke Case/Extra from lima --wait
expect "one inside" "$(attribute shared-with ana-folder/Case/Extra)" ""
[[ $(attribute shared-with ana-folder/Case/Psych) == lima\ until* ]] || emr_fail "more was taken back"
json 0 revoke Case from lima --wait
expect "all, without a remount" "$(attribute shared-with ana-folder/Case)$(attribute shared-with ana-folder/Case/Psych)" ""

say "writing, and leaving things"
mkdir ana-folder/Drafts
run 0 status --wait
run 2 share Drafts with lima --write --deposit --yes
run 2 share --deposit
run 13 share Drafts with lima --deposit
says "can leave new files in Drafts, and sees nothing of it, until"
says "This lets lima, São Lucas (gives the name Paula Lima) leave files in Drafts."
! grep -q "release" out/said || emr_fail "keys of a deposit: $(cat out/said)"
run 0 share Drafts with lima --deposit --yes --wait
json 0 share
expect "leaving" "$(rows path who rights purpose state | grep Drafts)" "Drafts lima deposit  confirmed"
echo "a page" >ana-folder/Drafts/page.txt
json 6 share Drafts/page.txt with lima --deposit --yes
expect error "$(field error)" not-shareable
says "nothing can be left in it"
run 0 share Drafts with lima --write --yes --wait
says "can read and change Drafts"
json 0 share
expect "writing, in its place" "$(rows path who rights purpose state | grep Drafts)" "Drafts lima write treatment confirmed"
two_mount lima
there() { cd "$EMR_WORK"/lima-folder/shared-with-me/*/Drafts 2>/dev/null; }
shown() { (there); }
emr_until shown
[[ $(there && attribute access .) =~ ^write\ until= ]] || emr_fail "access: $(there && attribute access .)"
(there && echo "by the doctor" >note.txt) || emr_fail "lima cannot write"
came() { [ "$(cat ana-folder/Drafts/note.txt 2>/dev/null)" = "by the doctor" ]; }
emr_until came
report_has() { python3 "$SUPPORT/../integration/page.py" ana-folder/.emrfs/report.html | grep -q "$1"; }
LIMA='"name": "lima", "organisation": "São Lucas", "says": "Paula Lima"'
emr_until report_has "^shares .*\"Drafts\", .*$LIMA, \"kind\": \"person\", \"rights\": \"write\", \"purpose\": \"treatment\""
emr_until report_has "^log .*$LIMA.*\"saved\", .*\"Drafts/note.txt\""
emr_until report_has '^log .*"who": "you".*"made", "type": "directory", "path": "Drafts"'
run 0 log Drafts
says "lima, São Lucas (gives the name Paula Lima)  saved    Drafts/note.txt v1, 14 bytes"
says "Ana Silva  made     folder Drafts"
json 0 log --who lima
expect "whose deed" "$(python3 -c 'import json
print(*["%s %s %s" % (e["who"], e["action"], e["path"]) for e in json.load(open("out/said"))["entries"] if e["action"] == "saved"])')" "lima saved Drafts/note.txt"
run 0 log --who you
! grep -q note.txt out/said || emr_fail "called hers: $(cat out/said)"
run 0 restore --list Drafts/note.txt
says "lima, São Lucas (gives the name Paula Lima)"
two_unmount lima
run 13 share Drafts with lima --deposit
says "What lima, São Lucas (gives the name Paula Lima) has of Drafts now (write, treatment, until "
run 0 share Drafts with lima --deposit --until 20d --yes --wait
json 0 share
expect "narrowed" "$(rows path rights | grep Drafts)" "Drafts deposit"
json 0 revoke Drafts from lima --wait
json 0 share
expect "ended" "$(rows path | grep -c Drafts)" 0

say "shared twice is shared once; another end, other rights, another purpose take its place"
run 0 share Drafts with lima --until 30d --yes --wait
json 0 share
id=$(rows path id | grep Drafts)
json 0 share Drafts with lima --until 30d --yes --wait
expect "said" "$(field already)" True
expect "the same one" "$(rows path id | grep Drafts)" "$id"
run 0 share Drafts with lima --until 30d	# nothing to ask about
says "It is shared so already; nothing was changed."
run 0 share Drafts with lima --until 2099-12-31 --yes --wait
json 0 share Drafts with lima --until 2098-12-31 --yes --wait
expect "said" "$(field already)" False
expect "the shorter one ended the longer" "$(rows path until | grep Drafts)" "Drafts 2098-12-31T23:59:59Z"
run 0 share Drafts with lima --until 2098-12-31 --purpose research --yes --wait
json 0 share
expect "for another purpose" "$(rows path purpose | grep Drafts)" "Drafts research"
run 0 share Drafts with lima --until 2098-12-31 --purpose research --write --yes --wait
json 0 share
expect "with other rights" "$(rows path rights | grep Drafts)" "Drafts write"
two_mount lima
shown_now() { [[ $(there && attribute access . | tr -d '\n') == "write until=2098-12-31T23:59:59Z purpose=research" ]]; }
emr_until shown_now
two_unmount lima
json 0 revoke Drafts from lima --wait
expect "one ended" "$(python3 -c 'import json; print(len(json.load(open("out/said"))["ended"]))')" 1
run 0 ledger Drafts --limit 1
run 0 share Drafts with lima --deposit --yes --wait
run 0 revoke --yes Drafts from "$(json 0 share && rows path id | sed -n 's/^Drafts //p')" --wait
json 0 share
expect "by its id" "$(rows path | grep -c Drafts)" 0

say "a share ends with the key of its reader, and a grant's id will do"
run 0 share Bills with eva@saolucas --yes --wait
as hospital run 0 org revoke eva --yes --passphrase-file "$EMR_PASS"
json 5 revoke Imaging from eva@saolucas
no_link() { [ ! -L ana-folder/shared-by-me/eva@saolucas/Bills ]; }
emr_until no_link
json 5 revoke 2024/7 from "eva@São Lucas"
only() { as ana json 0 share && [ "$(rows path who)" = "Imaging lima" ]; }
emr_until only
run 0 revoke --yes Imaging from "$(rows id)" --wait
says "Ended: Imaging"

say "while the ledger is away, both are written down, at once, and say so"
run 0 share Drafts with lima --yes --wait
two_host_kill
away() { run 0 status && grep -q "The host of your network, .*, cannot be reached since" out/said; }
emr_until away
run 0 revoke --yes Drafts from lima
says "Will end as soon as the ledger answers: Drafts"
run 0 share Bills with lima --yes
says "It will be shared as soon as the ledger answers: emrfs share"
two_host
done_since() { json 0 share && [ "$(rows path who state)" = "Bills lima confirmed" ]; }
emr_until done_since

say "what was deleted stays shared, says so, and can be taken back"
must rm -r ana-folder/Bills
deleted() { json 0 share && [ "$(rows path who state)" = "Bills lima deleted" ]; }
emr_until deleted
told_of_it() { grep -q " shared-deleted Bills: Bills was deleted, and is still shared with .* emrfs revoke 'Bills' from 'lima'$" ana-folder/.emrfs/notices; }
emr_until told_of_it
json 5 revoke Bills from hospital
expect "nobody else" "$(field error)" no-such-path
run 0 revoke --yes Bills from lima --wait
says "Ended: Bills"
expect "told once" "$(grep -c " shared-deleted Bills" ana-folder/.emrfs/notices)" 1
json 0 share
expect "nothing is shared" "$(rows path)" ""

say "nothing of it in clear"
run 0 unmount
nothing_in_clear "Ana Silva" Imaging MRI.pdf treatment -- "$NET" ana/state
echo "all is well"
