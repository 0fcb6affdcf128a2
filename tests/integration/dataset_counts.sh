#!/bin/bash
# dataset_counts.sh: a person who may see a call sees how many people are in it, and how many files of each kind, modality and age. Numbers
# about fewer than five people are never shown, and those of a participant who leaves are gone.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
python3 -c 'import pydicom' 2>/dev/null || emr_skip "needs pydicom"
two_begin counts
two_installed "$DEIDENTIFY" "$READ_HEADERS"
PEOPLE="ana rui mia leo eva"
two_network "São Lucas"
for who in $PEOPLE; do two_join "$who" "Silva, ${who^}" patient; done	# all of one age
two_join ivo "Silva, Ivo" patient
two_join tom "Tom Reis" patient	# he may see the call, and takes no part
steward() { as hospital run "$1" dataset "${@:2}" --passphrase-file "$EMR_PASS"; }
for name in knees bones; do
	data=$([ $name = knees ] && echo identified || echo de-identified)
	echo '{"purpose": "To count", "who": "Researchers", "until": "2099-12-31", "data": "'$data'"}' >terms.json
	steward 0 create $name --terms terms.json
done
two_mount $PEOPLE ivo tom
knows() { as "$1" "$EMRFS" dataset bones >out/known 2>&1 </dev/null; }
for who in $PEOPLE ivo tom; do emr_until knows "$who"; done
for who in $PEOPLE ivo; do
	mkdir "$who-folder/Imaging"
	python3 - "$who" <<'END'
import sys
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid
who = sys.argv[1]
data = dcmread(get_testdata_file("CT_small.dcm"))
data.PatientName = who
data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
for number in (1, 2):
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.save_as(f"{who}-folder/Imaging/{number}.dcm")
END
	printf 'a,b\n1,2\n' >"$who-folder/Imaging/sugar.csv"
	as "$who" run 0 status --wait
done
echo "%PDF-1.4" >ana-folder/Imaging/one.pdf	# nobody else has one
as ana run 0 status --wait

say "who joins is told what her computer says"
as ana run 13 dataset join knees Imaging
says "Your computer tells the steward your age band (such as 40-64) and how many files of which kind and modality you give;"

say "of four people nothing is said"
for who in ana rui mia leo; do as "$who" run 0 dataset join knees Imaging --yes --wait; done
for who in $PEOPLE; do as "$who" run 0 dataset join bones Imaging --yes --wait; done
freeze() { as hospital run 0 dataset freeze "$1" --passphrase-file "$EMR_PASS"; }
as ivo run 0 dataset join knees Imaging --yes --wait

say "each finds in her folder that a steward is told, and how to refuse; who refuses takes it back"
is_told() { grep -q " counts-told .*knees.*tell-counts = no" "$1-folder/.emrfs/notices"; }
for who in ana rui mia leo ivo; do emr_until is_told "$who"; done
two_unmount ivo
echo 'tell-counts = no' >>ivo/settings
two_mount ivo
takes_back() { grep -qa "a steward is told nothing any more" ivo/state/log; }
emr_until takes_back
two_unmount ivo
two_mount ivo # it stands there already

freeze knees
as tom json 0 dataset knees
expect "a table of five, of whom one refuses" "$(field datasets.0.participants) $(grep -c '"table"' out/said)" "5 0"
as ivo run 0 dataset leave --yes knees --wait
four() { as tom json 0 dataset knees && [ "$(field datasets.0.participants)" = 4 ]; }
emr_until four
expect "a table of four" "$(field datasets.0.participants) $(grep -c '"table"' out/said)" "4 0"

say "of five people everybody sees kinds, modalities and ages, in multiples of five, and nothing that one alone has"
as eva run 0 dataset join knees Imaging --yes --wait
counted() { freeze "$1" && as tom json 0 dataset "$1" && [ "$(field datasets.0.table.participants)" = 5 ]; }
emr_until counted knees
expect "what is in it" "$(python3 -c 'import json; c = json.load(open("out/said"))["datasets"][0]["table"]; print(c["fewest"], c["ages"], c["kinds"], c["modalities"])')" \
	"5 [{'age': '40-64', 'participants': 5}] [{'kind': 'dicom', 'participants': 5, 'files': 10}, {'kind': 'csv', 'participants': 5, 'files': 5}] [{'modality': 'CT', 'participants': 5, 'files': 10}]"
as tom run 0 dataset knees
says "Kinds: dicom (5 people, 10 files), csv (5 people, 5 files)"
says "what fewer than 5 people have is not shown"
says_not pdf
for who in $PEOPLE; do says_not "${who^}"; done

say "who comes back is not told again"
told_times() { grep -c " counts-told .*knees" "$1-folder/.emrfs/notices" || true; }
expect "told of it" "$(told_times ana)" 1
as ana run 0 dataset leave --yes knees --wait
as ana run 0 dataset join knees Imaging --yes --wait
emr_until counted knees
expect "told of it once" "$(told_times ana)" 1

say "of copies what they were made of says which modality they are"
emr_until counted bones
expect "copies" "$(python3 -c 'import json; c = json.load(open("out/said"))["datasets"][0]["table"]; print(c["kinds"], c["modalities"])')" \
	"[{'kind': 'dicom', 'participants': 5, 'files': 10}] [{'modality': 'CT', 'participants': 5, 'files': 10}]"

say "and no other table is made that would tell by its difference what a few have"
before=$(field datasets.0.table.as_of)
passed() { [ "$(date -u +%FT%TZ)" \> "$(python3 -c 'import sys, datetime; print(datetime.datetime.fromisoformat(sys.argv[1].replace("Z", "+00:00")).astimezone(datetime.timezone.utc).strftime("%FT%TZ"))' "$before")" ]; }
emr_until passed
freeze bones
as tom json 0 dataset bones
expect "of when" "$(field datasets.0.table.as_of)" "$before"

say "who leaves takes her numbers away"
as eva run 0 dataset leave --yes knees --wait
left() { as tom json 0 dataset knees && [ "$(field datasets.0.participants)" = 4 ]; }
emr_until left
freeze knees
as tom json 0 dataset knees
expect "no table of four" "$(grep -c '"table"' out/said)" 0

say "what was stated of a dataset that was closed goes with whoever leaves it"
steward 0 close bones --yes
closed() { as ana "$EMRFS" dataset bones >out/closed 2>&1 </dev/null; grep -q "nobody joins or reads it any more" out/closed; }
emr_until closed
as ana run 0 dataset leave --yes bones@saolucas --wait
expect "taken back once" "$(grep -ca "a steward is told nothing any more" ivo/state/log)" 1
two_unmount $PEOPLE ivo tom
echo "all is well"
