#!/bin/bash
# teams.sh: every member of a team or of a whole organisation reads what is shared with it, each under their own name; nobody who has left
# it reads.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$(dirname "$0")/held.sh"
two_begin teams
emr_noon
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_mount ana
mkdir -p ana-folder/Imaging/Old ana-folder/Letters
echo "a knee" >ana-folder/Imaging/MRI.txt
echo "a head" >ana-folder/Imaging/Old/CT.txt
echo "dear colleague" >ana-folder/Letters/letter.txt
as ana run 0 status --wait

say "where nobody works there is nobody to share with"
as ana json 6 share Letters with @saolucas --yes
expect error "$(field error)" not-a-person
for who in "lima Paula Lima" "nuno Nuno Reis"; do two_join "${who%% *}" "${who#* }" clinician; done
two_cards ana lima
team() { as hospital run 0 org team "$@" --passphrase-file "$EMR_PASS"; }
team radiology add lima
team radiology add nuno
two_mount lima nuno
as lima run 2 org team "" # the folder has no answer
says "org team takes NAME"
lists() { [ -e "$1" ]; }
shows() { cat "$1" 2>/dev/null | grep -q "$2"; }
not_there() { [ ! -e "$1" ]; }

say "who is in reads"
hears() { as ana "$EMRFS" log --who "$1" >out/said 2>&1 </dev/null; } # her copy of the ledger has it
emr_until hears radiology@saolucas
as ana run 0 share Imaging with radiology@saolucas --yes --wait
says "radiology (team), São Lucas can read Imaging"
as ana json 6 share Imaging with radiology@saolucas --write --yes
expect "a team does not write" "$(field error)" not-a-person
emr_until lists lima-folder/shared-with-me
OWNER=$(ls lima-folder/shared-with-me)
says_of_her() { getfattr --only-values -n user.emrfs.patient "$1-folder/shared-with-me/$(ls "$1-folder/shared-with-me")"; }
of() { echo "$1-folder/shared-with-me/$(ls "$1-folder/shared-with-me" | head -1)/$2"; }	# nuno has no card of hers, and calls her otherwise
emr_until shows "$(of lima Imaging/MRI.txt)" "a knee"
emr_until shows "$(of nuno Imaging/Old/CT.txt)" "a head"

say "taking back says by which other shares somebody still reads, and the command"
ways() { python3 -c 'import json; print(*[w["path"] + " " + w["via"] for w in json.load(open("out/said"))["still"]], sep="; ")'; }
echo "and again" >ana-folder/Letters/second.txt
as ana run 0 status --wait
as ana run 0 share Letters with @saolucas --yes --wait
as ana run 0 share Letters with lima --yes --wait
emr_until shows "$(of lima Letters/letter.txt)" "dear colleague"
opened_it() { as ana json 0 log --who lima && python3 -c 'import json, sys
sys.exit(not any(e["action"] == "opened" and e["path"] == "Letters/letter.txt" for e in json.load(open("out/said"))["entries"]))'; }
emr_until opened_it
as ana json 3 revoke --all from lima --wait
expect "said" "$(field error) $(field ended.0.path)" "still-reads Letters"
expect "each way" "$(ways)" "Imaging radiology@saolucas; Letters @saolucas"
expect "the command" "$(field hint)" "To end that: emrfs revoke 'Letters' from '@saolucas'"
expect "opened, and no neighbour" "$(python3 -c 'import json
d = json.load(open("out/said"))
print(*sorted({o["path"] for o in d["openings"]}))
assert not {o["path"] for o in d["openings"]} & {r["path"] for r in d["released"]}, d')" "Letters/letter.txt"
as ana run 3 revoke --yes Imaging/MRI.txt from nuno@saolucas
says "nuno@saolucas still reads Imaging: it is shared with radiology@saolucas."
says "emrfs revoke 'Imaging' from 'radiology@saolucas'"
says_not "nothing to end"
as ana run 0 revoke --yes Letters from @saolucas --wait
as ana json 3 revoke --all from lima
expect "what is left" "$(ways)" "Imaging radiology@saolucas"

say "the owner sees the team, and in the log the persons"
as ana json 0 share
expect "with whom" "$(field grants.0.who 2>/dev/null || python3 -c 'import json; print(json.load(open("out/said"))["grants"][0]["who"])')" radiology@saolucas
expect "the link" "$(readlink "ana-folder/shared-by-me/radiology@saolucas/Imaging")" "../../Imaging"
expect owner "$(getfattr --only-values -n user.emrfs.owner "$(of lima Imaging/MRI.txt)")" "$(says_of_her lima)"
getfattr --only-values -n user.emrfs.grant.radiology@saolucas ana-folder/Imaging | grep -q '^read until=' || emr_fail "the attribute"
getfattr --only-values -n user.emrfs.shared-with ana-folder/Imaging | grep -q '^radiology@saolucas until ' || emr_fail "shared-with"
released() { as ana json 0 log --who "$1" && python3 -c 'import json, sys
e = [e for e in json.load(open("out/said"))["entries"] if e["action"] == "released" and e["path"].startswith("Imaging")]
sys.exit(0 if e and all(x["team"] == "radiology@saolucas" for x in e) else 1)'; }
emr_until released lima
emr_until released nuno@saolucas
emr_until released radiology@saolucas
as ana run 0 log
says "for radiology@saolucas got the key of Imaging/MRI.txt"
in_report() { python3 "$SUPPORT/../integration/page.py" ana-folder/.emrfs/report.html | grep -q "$1"; }
emr_until in_report '^shares .*"name": "radiology", "organisation": "São Lucas".*"kind": "team".*"purpose": "treatment"'
emr_until in_report '^readers .*"name": "lima", "organisation": "São Lucas", "says": "Paula Lima", "team": "radiology@saolucas".*"keys": 1,'
as ana fhir fhir log
must python3 "$SUPPORT/fhir_audit_event.py" fhir
grep -lq '"on behalf of radiology@saolucas"' fhir/*.json || emr_fail "no AuditEvent in the team's name"
as ana json 0 people lima
expect "his team" "$(field people.0.team 2>/dev/null || python3 -c 'import json; print(json.load(open("out/said"))["people"][0]["team"])')" radiology

say "verbs know what another shares"
path="shared-with-me/$OWNER/Imaging"
as lima json 0 status "$path/MRI.txt"
expect "its state" "$(field state)" "confirmed 1/1"
expect "who signed" "$(field signed.by)" "$(says_of_her lima)"
as lima json 0 keep "$path"
expect "what is here" "$(field kept)" "[{'path': '$path', 'bytes': 14, 'complete': False, 'keep': True}]"
as lima run 0 keep "$path/Old"
says "comes from others over the network, and each opening asks for permission."
as lima json 6 keep "$path" --not
expect error "$(field error)" not-yours-to-drop
file=lima-folder/$path/MRI.txt
expect "as an attribute" "$(getfattr --only-values -n user.emrfs.keep "$file")" yes
must setfattr -n user.emrfs.keep -v yes "$file"
setfattr -n user.emrfs.keep -v no "$file" 2>out/said && emr_fail "keep=no of another's"
grep -q "Operation not permitted" out/said || emr_fail "$(cat out/said)"
grep " not-yours-to-drop " lima-folder/.emrfs/notices | grep -qF "Imaging/MRI.txt is $OWNER's" || emr_fail "no notice: $(cat lima-folder/.emrfs/notices)"
expect "afterwards" "$(getfattr --only-values -n user.emrfs.keep "$file")" yes
as lima json 6 log "$path/MRI.txt"
expect error "$(field error)" owners-log

say "what is shared inside lies at its place"
as ana run 0 share Imaging/Old with nuno@saolucas --yes --wait
inside() { as ana run 0 ledger --limit 1000 && [ "$(grep -c ' GRANT ' out/said)" = 5 ]; }	# two of Letters
emr_until inside
for who in lima nuno; do
	emr_until shows "$(of "$who" Imaging/Old/CT.txt)" "a head"
	expect "$who sees no second one" "$(ls "$(of "$who" "")" | grep -vx -e Inbox -e "Letters - access ended .*")" Imaging
	expect "$who sees all" "$(cd "$(of "$who" Imaging)" && find . | sort | tr '\n' ' ')" ". ./MRI.txt ./Old ./Old/CT.txt "
done
mkdir ana-folder/Imaging/Series
mv ana-folder/Imaging/Old ana-folder/Imaging/Series/Older
as ana run 0 status --wait
for who in lima nuno; do emr_until shows "$(of "$who" Imaging/Series/Older/CT.txt)" "a head"; done
emr_until not_there "$(of lima Imaging/Old)"
mkdir ana-folder/Private
mv ana-folder/Imaging/Series/Older ana-folder/Private/Older
as ana run 0 status --wait
emr_until not_there "$(of lima Imaging/Series/Older)"
# The folder has the name that ana gave it also where it is shared by itself.
emr_until shows "$(of nuno Older/CT.txt)" "a head"
mv ana-folder/Private/Older ana-folder/Imaging/Old 2>out/said && emr_fail "unasked"
as ana run 0 move Private/Older Imaging/Old --yes
for who in lima nuno; do emr_until shows "$(of "$who" Imaging/Old/CT.txt)" "a head"; done
emr_until not_there "$(of nuno Older)"
as ana run 3 revoke --yes Imaging/Old from nuno@saolucas --wait	# the team goes on

say "who comes later reads without the owner's doing anything"
two_join rosa "Rosa Dias" clinician
team radiology add rosa
two_mount rosa
emr_until shows "$(of rosa Imaging/MRI.txt)" "a knee"

say "who is taken out loses what is open, and the others read on"
hold_file "$(of lima Imaging/MRI.txt)" held
emr_until lists held.open
as ana run 0 ledger --limit 1000
before=$(grep -c ' REVOKE ' out/said)
team radiology remove lima
says_not lima
emr_until lists held.errno
expect EKEYREVOKED "$(cat held.errno)" 128
emr_until not_there "$(of lima Imaging)"
emr_until lists "$(of lima "Imaging - access ended $(date +%F).txt")"
# Her computer gives the team's new key what the old one had.
moved() { as ana run 0 ledger --limit 1000 && [ "$(grep -c ' REVOKE ' out/said)" -gt "$before" ]; }
emr_until moved
one_share() { as ana json 0 share && [ "$(python3 -c 'import json; print(*[g["who"] for g in json.load(open("out/said"))["grants"]])')" = radiology@saolucas ]; }
emr_until one_share
echo "another knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
emr_until shows "$(of nuno Imaging/MRI.txt)" "another knee"
emr_until shows "$(of rosa Imaging/MRI.txt)" "another knee"
not_there "$(of lima Imaging)" || emr_fail "she has it again"

say "an organisation is everybody who works there"
as ana run 0 share Letters with @saolucas --yes --wait
for who in lima nuno rosa; do emr_until shows "$(of "$who" Letters/letter.txt)" colleague; done
as hospital run 0 org revoke rosa --yes --passphrase-file "$EMR_PASS"
emr_until not_there "$(of rosa Letters)"
emr_until not_there "$(of rosa Imaging)"
emr_until shows "$(of nuno Letters/letter.txt)" colleague

say "taking back ends it for all"
as ana run 0 revoke --yes Imaging from radiology@saolucas --wait
emr_until not_there "$(of nuno Imaging)"
setfattr -x user.emrfs.grant.@saolucas ana-folder/Letters
emr_until not_there "$(of nuno Letters)"
emr_until not_there "$(of lima Letters)"
two_unmount ana lima nuno rosa
echo "all is well"
