#!/bin/bash
# dataset.sh: a hospital calls for records on terms, patients put a folder in and take it out, and whom the hospital admits reads it under pseudonyms, for as long as it is there.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
. "$SUPPORT/two.sh"
two_begin dataset
emr_noon
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join rui "Costa, Rui" patient
two_join dora "Dora Reis" researcher
steward() { as hospital run "$1" dataset "${@:2}" --passphrase-file "$EMR_PASS"; }
terms() { # MEMBER VALUE ...: terms that are whole but for these
	python3 - "$@" <<'END' >terms.json
import json, sys
t = {"purpose": "To count pixels of knees", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "identified"}
for name, value in zip(sys.argv[1::2], sys.argv[2::2]):
    t[name] = json.loads(value)
    if t[name] is None:
        del t[name]
json.dump(t, sys.stdout)
END
}

say "a call says its terms, whole, or is none"
for wrong in 'until "soon"' 'until "2001-01-01"' 'who null' 'data "secret"' 'color "red"' 'price -1' 'daily-limit 99999999'; do
	terms "${wrong%% *}" "${wrong#* }"
	steward 8 create knees --terms terms.json
	says "The terms in terms.json cannot be used"
done
terms
steward 2 create "two words" --terms terms.json
steward 2 create knees
steward 0 create knees --terms terms.json
says "For: To count pixels of knees"
says "Nobody reads it yet."
steward 6 create knees --terms terms.json
as ana json 0 dataset --passphrase-file "$EMR_PASS"	# the folder is closed
expect "called" "$(field datasets.0.called)" knees@saolucas
two_mount ana rui dora
for who in ana rui; do
	mkdir "$who-folder/Imaging" "$who-folder/Letters"
	echo "the knee of $who" >"$who-folder/Imaging/MRI.txt"
	echo "dear $who" >"$who-folder/Letters/letter.txt"
	as "$who" run 0 status --wait
done
knows() { as "$1" json 0 dataset; [ "$(field datasets.0.name)" = knees ]; }
for who in ana rui dora; do two_until 20 knows "$who"; done

say "nothing is in it but on its terms"
as ana json 6 share Imaging with dataset:knees@saolucas --yes
expect error "$(field error)" joined-only
setfattr -n user.emrfs.grant.dataset:knees@saolucas -v "read until=2030-01-01" ana-folder/Imaging 2>out/said && emr_fail "by an attribute"
as ana json 5 dataset leave knees
expect error "$(field error)" not-joined
as ana run 13 dataset join knees Imaging
says "To join is to let all whom São Lucas admits, now and later, read Imaging itself"
says "What was worked out from your records before stays."
terms data '"de-identified"'
steward 0 create plain --terms terms.json
knows_plain() { as ana json 0 dataset plain; }
two_until 20 knows_plain
as ana json 6 dataset join plain Imaging --yes
expect error "$(field error)" cannot-join
for who in ana rui; do as "$who" run 0 dataset join knees Imaging --yes --wait; done
as ana json 0 dataset knees
expect "hers" "$(field datasets.0.joined.0)" Imaging
counts() { as "$1" json 0 dataset knees && [ "$(field datasets.0.participants)" = "$2" ]; }
for who in ana rui dora; do two_until 20 counts "$who" 2; done
says_not ana

say "everybody is told of every reader"
steward 0 admit knees dora@saolucas
says "Dora Reis, São Lucas"
told() { as "$1" run 0 dataset knees; grep -q "Dora Reis, São Lucas .* reads it, since" out/said; }
for who in ana rui; do two_until 20 told "$who"; done
