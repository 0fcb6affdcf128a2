#!/bin/bash
# dataset_follow.sh: later files follow into a de-identified dataset as it was agreed to, once, whatever is killed; a removed file takes its
# copy back.
. "${SUPPORT:=$(dirname "$0")/../support}/follows.sh"
follows_begin follow

slices ana-folder/CT 1 2
as ana run 0 status --wait
say "the question says that what comes later is given, too, and a yes is kept"
as ana run 13 dataset join plain CT
says "for what lies in CT now and for what comes there later"
as ana json 0 dataset join plain CT --yes --wait
COPIES=$(field folder)
expect "it follows" "$(field is_followed)" True
emr_until sees "1 2 "
as ana run 0 dataset plain
says "What comes into CT follows: 2 copies, 0 waiting, 0 withheld."

say "a new file is copied by itself, and a reader sees the copy and no word of the original"
slices ana-folder/CT 3 3
mkdir ana-folder/CT/later && slices ana-folder/CT/later 4 4
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

say "what is withheld is told once, and counted"
slices ana-folder/CT 5 5 burned-in
echo "dear Anabela" >ana-folder/CT/letter.txt
emr_until is_at withheld 2
as ana run 0 dataset plain
says "What comes into CT follows: 4 copies, 0 waiting, 2 withheld."
notices() { grep -c " follows-not " ana-folder/.emrfs/notices; }
grep -h " follows-not " ana-folder/.emrfs/notices | grep -q "CT/letter.txt (no DICOM file)" || emr_fail "not told"
told=$(notices)
echo "dear Anabela, again" >ana-folder/CT/other.txt
emr_until is_at withheld 3
expect "one notice more" "$(notices)" $((told + 1))

say "a file that was changed is copied anew, as the same record, and one that was renamed or moved keeps its copy"
records() { for copy in "ana-folder/$COPIES"/*/*/*; do echo "$copy $(getfattr --absolute-names --only-values -n user.emrfs.id "$copy")"; done; }
records >stood
python3 - ana-folder/CT/anabela-02.dcm <<'END'
import sys
from pydicom import dcmread
data = dcmread(sys.argv[1])
data.PixelData = data.PixelData[:-2] + b"\x7e\x01"
data.save_as(sys.argv[1])
END
mv ana-folder/CT/anabela-01.dcm ana-folder/CT/later/first.dcm
mv ana-folder/CT ana-folder/Pictures
newer() { (cd dora-folder/datasets/plain && find . -name '000002-*.dcm' -exec tail -c 2 {} + | od -An -tx1 | grep -q "7e 01"); }
emr_until newer
emr_until is_at path Pictures
emr_until settled
expect "copies" "$(follows copies) $(copies | wc -l)" "4 4"
records | cmp -s - stood || emr_fail "other copies than before: $(copies)"

say "a file that was removed takes its copy back"
rm ana-folder/Pictures/later/anabela-04.dcm
emr_until sees "1 2 3 "
expect "copies" "$(copies | wc -l)" 3

say "an erased file erases its copy, of which no key is left"
copy=$(find "ana-folder/$COPIES" -name '000003-*.dcm')
[ -n "$(find ana-folder/.emrfs/deleted -name '000004-*.dcm' 2>/dev/null)" ] || emr_fail "what was taken back is not deleted"
as ana json 0 erase Pictures/anabela-03.dcm --yes --passphrase-file "$EMR_PASS"
expect "its copy, and the one that was taken back" "$(field copies)" 2
[ ! -e "$copy" ] || emr_fail "the copy is there"
emr_until sees "1 2 "
as ana run 0 status --wait
[ -z "$(find ana-folder/.emrfs/deleted -name '00000[34]-*.dcm' 2>/dev/null)" ] || emr_fail "it could be brought back"
as ana run 5 restore "${copy#ana-folder/}@v1"

say "closed in the middle, and killed at any moment, it goes on, and nothing is copied twice"
slices ana-folder/Pictures/many 100 139
two_unmount ana
for round in 1 2 3 4; do
	two_mount ana
	before=$(follows copies)
	slices ana-folder/Pictures/many $((136 + 4 * round)) $((139 + 4 * round))
	# Asked of the computer and not of the folder: copies are made while no program uses that.
	more() { [ "$(follows copies)" -gt $((before + round % 3)) ]; }
	emr_until more
	two_kill ana
done
two_mount ana
all() { [ "$(find dora-folder/datasets/plain -name '0001*.dcm' | wc -l)" = "$1" ]; }
emr_until all 56
emr_until settled
expect "copies, each once" "$(copies | grep -c '/0001') $(copies | sed 's|.*/\(0001[0-9]*\)-.*|\1|' | grep '^0001' | sort -u | wc -l)" "56 56"
expect "halves" "$(find "ana-folder/$COPIES" -name '*.part' | wc -l)" 0
versions() { for copy in "ana-folder/$COPIES"/*/*/0001*; do getfattr --absolute-names --only-values -n user.emrfs.version "$copy"; echo; done | sort | uniq -c | tr -s ' '; }
expect "no copy has a second version" "$(versions)" " 56 1"
emr_until reads

say "who leaves gives nothing more, and is asked again before anything follows"
as ana run 0 dataset leave --yes plain --wait
emr_until sees ""
slices ana-folder/Pictures 200 200
as ana run 0 status --wait
as ana json 0 dataset join plain Pictures --once --yes --wait
expect "as often as asked" "$(field is_followed)" False
slices ana-folder/Pictures 201 201
as ana run 0 status --wait
as ana run 0 dataset plain
says "What comes later does not follow."
expect "copies" "$(copies | grep -c '/00020[01]')" 1
as ana json 0 dataset join plain Pictures --yes --wait
expect "from now on" "$(field is_followed) $(copies | grep -c '/00020[01]')" "True 2"
two_unmount ana dora
echo "all is well"
