#!/bin/bash
# dataset_update.sh: `dataset update`, and the opening of a folder, copy what is new or changed in a folder that joined a de-identified
# dataset, once, whatever is killed. A file that is removed, moved away, replaced or erased takes its copy out by itself.
. "${SUPPORT:=$(dirname "$0")/../support}/copies.sh"
copies_begin update

slices ana-folder/CT 1 2
as ana run 0 status --wait
say "the question says that what comes later is given, too"
as ana run 13 dataset join plain CT
says "for what lies in CT now and for what comes there later"
as ana json 0 dataset join plain CT --yes --wait
COPIES=$(field folder)
emr_until sees "1 2 "

say "a new file waits for an update, and then a reader sees the copy and no word of the original"
slices ana-folder/CT 3 3
mkdir ana-folder/CT/later && slices ana-folder/CT/later 4 4
as ana run 0 status --wait
as ana run 0 dataset plain
says "Of what is in CT: 2 copies, 2 without. To copy what is new: emrfs dataset update"
as ana run 0 dataset update
says "plain@saolucas: 4 copies, of which 2 new and 0 changed; 0 taken back"
emr_until sees "1 2 3 4 "
reads() { (cd dora-folder/datasets/plain && find . -name '*.dcm' -exec cat {} + >/dev/null); }
emr_until reads
python3 - "$(basename "$COPIES")" <<'END' || emr_fail "what a reader has"
import pathlib, sys
from pydicom import dcmread
from pydicom.uid import generate_uid
words = [b"silva", b"anabela", b"mrn7734512"] + [generate_uid(entropy_srcs=[w]).encode() for w in ["study", "series", "1", "2", "3", "4"]]
top = pathlib.Path("dora-folder/datasets/plain")
files = [p for p in top.rglob("*") if p.is_file()]
assert len(files) == 4, files
for path in files:
    whole = path.read_bytes().lower()
    assert not [w for w in words if w in whole or w in str(path).lower().encode()], path
    assert str(dcmread(path).PatientID) == sys.argv[1]
assert len({dcmread(p).StudyInstanceUID for p in files}) == 1
assert len({dcmread(p).StudyDate for p in files}) == 1
END
signature() { getfattr --absolute-names --only-values -n user.emrfs.signature "$1" 2>/dev/null; }
for copy in "ana-folder/$COPIES"/*/*/*; do
	[[ $(signature "$copy") == "derived at="* ]] || emr_fail "signed as $(signature "$copy")"
done

say "what is withheld is counted, and named with the reason"
slices ana-folder/CT 5 5 burned-in
echo "dear Anabela" >ana-folder/CT/letter.txt
update
expect "counts" "$(field updated.0.copies) $(field updated.0.new) $(field updated.0.withheld)" "4 0 2"
as ana run 0 dataset update
says "1 file is withheld, no DICOM file: CT/letter.txt"

say "the copy of a file that was changed goes, and one that was renamed or moved within keeps its copy"
python3 - ana-folder/CT/anabela-02.dcm <<'END'
import sys
from pydicom import dcmread
data = dcmread(sys.argv[1])
data.PixelData = data.PixelData[:-2] + b"\x7e\x01"
data.save_as(sys.argv[1])
END
mv ana-folder/CT/anabela-01.dcm ana-folder/CT/later/first.dcm
mv ana-folder/CT ana-folder/Pictures
emr_until sees "1 3 4 "
update
expect "counts" "$(field updated.0.copies) $(field updated.0.new) $(field updated.0.changed)" "4 0 1"
newer() { (cd dora-folder/datasets/plain && find . -name '000002-*.dcm' -exec tail -c 2 {} + | od -An -tx1 | grep -q "7e 01"); }
emr_until newer
expect "where it is" "$(of_first path) $(copies | wc -l)" "Pictures 4"

say "a file that was removed, moved away or replaced takes its copy out, and with it a folder all"
rm ana-folder/Pictures/later/anabela-04.dcm
emr_until sees "1 2 3 "
mv ana-folder/Pictures/later ana-folder/Elsewhere
emr_until sees "2 3 "
cp ana-folder/Pictures/letter.txt ana-folder/new && mv ana-folder/new ana-folder/Pictures/anabela-02.dcm
emr_until sees "3 "
expect "copies" "$(copies | wc -l)" 1
rm ana-folder/Pictures/anabela-02.dcm && slices ana-folder/Pictures 2 2
mv ana-folder/Elsewhere ana-folder/Pictures/later
update
expect "counts" "$(field updated.0.copies) $(field updated.0.taken_back)" "3 0"

say "killed at once, a removal is finished at the next opening"
slices ana-folder/Pictures 6 6
update
emr_until sees "1 2 3 6 "
rm ana-folder/Pictures/anabela-06.dcm
two_kill ana
two_mount ana
emr_until sees "1 2 3 "

say "an erased file erases its copy, of which no key is left"
copy=$(find "ana-folder/$COPIES" -name '000003-*.dcm')
[ -n "$(find ana-folder/.emrfs/deleted -name '000004-*.dcm' 2>/dev/null)" ] || emr_fail "what was taken out is not deleted"
as ana json 0 erase Pictures/anabela-03.dcm --yes --passphrase-file "$EMR_PASS"
[ "$(field copies)" -ge 2 ] || emr_fail "$(field copies) copies: its own, and those that were taken out"
[ ! -e "$copy" ] || emr_fail "the copy is there"
emr_until sees "1 2 "
as ana run 0 status --wait
[ -z "$(find ana-folder/.emrfs/deleted -name '00000[34]-*.dcm' 2>/dev/null)" ] || emr_fail "it could be brought back"
as ana run 5 restore "${copy#ana-folder/}@v1"

say "an opening copies what is new, and killed at any moment nothing is copied twice"
for round in 0 1 2 3; do
	slices ana-folder/Pictures/many $((100 + 14 * round)) $((113 + 14 * round))
	as ana run 0 status --wait
	two_kill ana
	two_mount ana
	two_kill ana
	two_mount ana
done
emr_until sees "1 2 $(seq -s ' ' 100 155) "
update
expect "nothing new" "$(field updated.0.new) $(field updated.0.taken_back)" "0 0"
expect "copies, each once" "$(copies | grep -c '/0001') $(copies | sed 's|.*/\(0001[0-9]*\)-.*|\1|' | grep '^0001' | sort -u | wc -l)" "56 56"
expect "halves" "$(find "ana-folder/$COPIES" -name '*.part' | wc -l)" 0
versions() { for copy in "ana-folder/$COPIES"/*/*/0001*; do getfattr --absolute-names --only-values -n user.emrfs.version "$copy"; echo; done | sort | uniq -c | tr -s ' '; }
expect "no copy has a second version" "$(versions)" " 56 1"
emr_until reads

say "a copy that is there again goes with an update, also when nothing is left of the folder that joined"
copy=$(find "ana-folder/$COPIES" -name '000001-*.dcm')
rm -r ana-folder/Pictures
emr_until sees ""
as ana run 0 restore "${copy#ana-folder/}"
emr_until sees "1 "
update
expect "taken back" "$(field updated.0.taken_back)" 1
emr_until sees ""
slices ana-folder/Pictures 1 2
update
emr_until sees "1 2 "

say "who leaves gives nothing more"
as ana run 0 dataset leave --yes plain --wait
emr_until sees ""
slices ana-folder/Pictures 200 200
update
expect "nothing of hers is in it" "$(field updated)" "[]"
two_unmount ana dora
echo "all is well"
