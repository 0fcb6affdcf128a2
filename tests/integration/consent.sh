#!/bin/bash
# consent.sh: a hospital's FHIR Consent is copied to .emrfs/consent. It asks, and grants nothing; the patient's yes shares what stands in
# it. It is refused with the reason when it is brought again, is over, or is about somebody else or for an unknown person.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin consent
two_network "São Lucas"
two_join ana "Ana Silva" patient
two_join nuno "Dr Nuno Reis" clinician
two_mount ana nuno
two_home ana
mkdir "$MNT/Imaging" "$MNT/Drafts" && echo scan >"$MNT/Imaging/MRI.txt" && echo draft >"$MNT/Drafts/a.txt" || exit 2
run 0 status --wait
run 0 people card --json
ana=$(field id)
noticed() { grep -qF -- "$1" "$MNT/.emrfs/notices"; }
# one FIELD [INDEX]: of the requests in the last --json
one() { python3 -c 'import json,sys; r=json.load(open("out/said"))["requests"]; print(r[int(sys.argv[2]) if len(sys.argv) > 2 else -1][sys.argv[1]] if r else "none")' "$@"; }
# consent ID FOLDER [PYTHON]: one that PYTHON has changed as c, p its provision
consent() { python3 "$SUPPORT/fhir_consent_made.py" "$ana" "$@"; }

say "it asks"
consent c1 Imaging >c1.json
cp c1.json "$MNT/.emrfs/consent/" || emr_fail "a Consent was not taken"
expect "a record like any other" "$(ls "$MNT/Consents")" c1.json
asked() { json 0 request && [ "$(one state)" = open ]; }
emr_until asked
expect "who, what" "$(one who) $(one path) $(one rights) $(one purpose) $(one direction)" "nuno@saolucas Imaging read treatment to-me"
expect "where it stands" "$(one file)" Consents/c1.json
id=$(one id) whole=$(one whole)
emr_until noticed "Consents/c1.json asks that nuno, São Lucas (gives the name Dr Nuno Reis) (no card of each other) may have Imaging, treatment. Nobody has it before you say yes."
noticed "emrfs approve $whole, or: emrfs deny $whole" || emr_fail "a notice without its commands"
expect "files" "$(ls "$MNT/.emrfs/requests")" "$whole.txt"
grep -qF "Consent:    Consents/c1.json" "$MNT/.emrfs/requests/$whole.txt" || emr_fail "$(cat "$MNT/.emrfs/requests/$whole.txt")"
run 0 status
says "Waiting for you: 1 request (emrfs request)."
run 0 request
says "Consents/c1.json asks that nuno, São Lucas (gives the name Dr Nuno Reis) may have Imaging, treatment     emrfs approve $whole | emrfs deny $whole"
json 0 share
expect "nothing is granted by itself" "$(field grants)" "[]"
[ ! -e "$EMR_WORK/nuno-folder/shared-with-me" ] || emr_fail "it is seen without a yes"

say "a yes shares what stands in it, and no longer"
run 13 approve "$id"
json 0 approve "$id" --yes --until 400d
granted() { json 0 share && [ "$(field grants.0.state)" = confirmed ]; }
emr_until granted
expect "who" "$(field grants.0.who) $(field grants.0.path) $(field grants.0.purpose)" "nuno@saolucas Imaging treatment"
expect "until" "$(field grants.0.until | cut -c 1-10)" "$(python3 -c 'import json; print(json.load(open("c1.json"))["provision"]["period"]["end"][:10])')"
approved() { json 0 request && [ "$(one state)" = approved ]; }
emr_until approved
run 6 approve "$id" --yes
run 6 deny --yes "$id"
cmp c1.json "$MNT/Consents/c1.json" || emr_fail "the evidence was changed"
case $(attribute state "$MNT/Consents/c1.json") in confirmed*) ;; *) emr_fail "the evidence is not on the ledger" ;; esac
two_home nuno
seen() { cmp -s "$EMR_WORK/nuno-folder/shared-with-me/"*/Imaging/MRI.txt "$EMR_WORK/ana-folder/Imaging/MRI.txt"; }
emr_until seen

say "no"
two_home ana
consent c2 Drafts 'p["action"].append({"coding": [{"system": p["action"][0]["coding"][0]["system"], "code": "correct"}]})' >"$MNT/.emrfs/consent/c2.json"
writes() { json 0 request && [ "$(one rights) $(one state)" = "write open" ]; }
emr_until writes
id2=$(one id)
run 0 deny --yes "$id2"
says "You said no to $id2. The file stays, and nobody is told."
expect "files" "$(ls "$MNT/.emrfs/requests")" ""
run 0 status
says_not "Waiting for you"

say "what is refused"
# refused NAME "reason" FILE
refused() {
	cp "$3" "$MNT/.emrfs/consent/$1.json" || emr_fail "cp"
	emr_until noticed "Consents/$1.json is no request: $2"
}
part=$(printf 'a%.0s' {1..250})/$(printf 'b%.0s' {1..250}) # no request has room for such a path; what lies behind it is read still
mkdir -p "$MNT/Consents/$part/$part/c" || emr_fail "mkdir"
consent c0 Imaging >"$MNT/Consents/$part/$part/c/long-name-of-a-consent.json" || emr_fail "a long path"
emr_until noticed "long-name-of-a-consent.json is no request: the path of the file is too long."
python3 -c 'import json; print(json.dumps(json.load(open("c1.json")), indent=8, sort_keys=True))' >again.json
refused again "it was answered already." again.json
refused denied "it was answered already." "$MNT/Consents/c2.json"
consent c3 Imaging 'p["period"] = {"start": "2001-01-01", "end": "2001-02-01"}' >old.json
refused old "its period is over." old.json
consent c4 Imaging 'c["patient"]["identifier"]["value"] = "nuno@saolucas"' >other.json
refused other "it is not about your records." other.json
consent c5 Imaging 'p["actor"][0]["reference"]["identifier"]["value"] = "Dr Nuno Reis"' >named.json
refused named "whom it names nobody here knows" named.json
consent c6 Nowhere >nowhere.json
refused nowhere "what it names is not in your folder, or can never be shared." nowhere.json
consent c7 Imaging 'p["data"][0]["reference"]["identifier"] = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:00112233-4455-6677-8899-aabbccddeeff"}' >moved.json
refused moved "the folder or file that it means is called otherwise now." moved.json
printf '%%PDF-1.7 signed' >form.json
refused form "it is no JSON of FHIR: other forms (XML) are not read." form.json

say "each file is taken or refused by its own name, whatever it is called and wherever it lies"
mkdir -p "$MNT/Consents/2026/São Lucas" || emr_fail "mkdir"
consent d1 Drafts >d1.json
{ printf '\xef\xbb\xbf' && sed 's/$/\r/' d1.json; } >"$MNT/Consents/2026/São Lucas/of Windows.FHIR"
taken() { noticed "Consents/2026/São Lucas/of Windows.FHIR asks that"; }
emr_until taken
json 0 request
run 0 deny --yes "$(python3 -c 'import json; print([r["id"] for r in json.load(open("out/said"))["requests"] if r["state"] == "open"][-1])')"
# told NAME "reason": what stands in NAME is refused
told() { emr_until noticed "Consents/$1 is no request: $2"; }
touch -d '1 hour ago' "$MNT/Consents/c1.json~" || emr_fail "touch" # no news of the ledger: it is met beside the next one
cp d1.json "$MNT/Consents/copy" && told copy "it was answered already."
: >"$MNT/Consents/nothing.txt" && told nothing.txt "the file is empty."
iconv -f UTF-8 -t UTF-16 d1.json >"$MNT/Consents/wide.json" && told wide.json "it is written in UTF-16 or UTF-32, and FHIR is written in UTF-8."
echo "please share" >"$MNT/Consents/letter.docx" && told letter.docx "it is no JSON of FHIR"
head -c 300000 /dev/zero | tr '\0' ' ' >"$MNT/Consents/large" && told large "it is larger than a Consent may be (256 KiB)."
ln -s c1.json "$MNT/Consents/link.json" && told link.json "it is a link, and only files are read."
odd=$'line\nbreak \e[31m.json'
echo '{}' >"$MNT/Consents/$odd" && told 'line?break ?[31m.json' "it is no FHIR Consent."
told "c1.json~" "by its name it is a program's own file"

say "what emrfs writes itself is read, also after the folder was closed; and the refused is not asked again"
fhir fhir share --all
two_unmount ana
two_mount ana
cp fhir/emrfs-g-*.json "$MNT/.emrfs/consent/" || emr_fail "cp"
states() { python3 -c 'import json; print(*sorted(r["state"] for r in json.load(open("out/said"))["requests"]))'; }
own() { json 0 request && [ "$(states)" = "approved denied denied open" ]; } # that of its own
emr_until own

two_unmount ana nuno
nothing_in_clear "Consents/c1" "saolucas.example" -- "$NET/blocks" ana/state nuno/state
