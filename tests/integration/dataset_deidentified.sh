#!/bin/bash
# dataset_deidentified.sh: a participant in a dataset of de-identified records gives copies, and sees which files are withheld and why.
# Nothing of the originals reaches a reader.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
python3 -c 'import pydicom' 2>/dev/null || { echo "needs pydicom"; exit 77; }
two_begin deidentified
two_installed "$DEIDENTIFY"
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join dora "Dora Reis" researcher
steward() { as hospital run "$1" dataset "${@:2}" --passphrase-file "$EMR_PASS"; }
cat >terms.json <<'END'
{"purpose": "To measure bones", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "de-identified",
 "dates": "removed", "characteristics": true, "safe-private": "kept"}
END
steward 0 create plain --terms terms.json
steward 0 admit plain dora@saolucas
two_mount ana dora
knows() { as ana "$EMRFS" dataset plain >out/known 2>&1 </dev/null; }
emr_until knows

series() { # FIRST LAST: slices of pydicom's CT_small under ana's name, and their UIDs in uids
	python3 - ana-folder/CT "$@" <<'END' >>uids
import os, sys
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid
top, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
data = dcmread(get_testdata_file("CT_small.dcm"))
data.PatientName, data.PatientID = "Silva^Anabela", "MRN7734512"
data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(entropy_srcs=["study"]), generate_uid(entropy_srcs=["series"])
os.makedirs(top, exist_ok=True)
for number in range(first, last + 1):
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
    data.InstanceNumber = number
    data.save_as(os.path.join(top, f"anabela-{number:02}.dcm"))
    print(data.SOPInstanceUID)
print(data.StudyInstanceUID, data.SeriesInstanceUID, sep="\n")
END
}
series 1 3
printf '%%PDF-1.4\nSilva Anabela\n' >ana-folder/CT/letter.pdf
echo "dear Anabela" >ana-folder/CT/anabela.txt
ln -s anabela-01.dcm ana-folder/CT/first.dcm
cp "$(type -P true)" ana-folder/CT/program
truncate -s $(((1 << 30) + 1)) ana-folder/CT/huge
python3 - ana-folder/CT <<'END' || emr_fail "kinds"
# Devices that call their documents and screens a CT without text.
import sys
from pydicom import dcmread
from pydicom.data import get_testdata_file
for name, uid in (("document", "104.1"), ("report", "88.33"), ("presentation", "11.1"), ("screenshot", "7")):
    data = dcmread(get_testdata_file("CT_small.dcm"))
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1." + uid
    data.BurnedInAnnotation, data.Modality, data.PatientName = "NO", "CT", "Silva^Anabela"
    data.save_as(f"{sys.argv[1]}/{name}")
END
as ana run 0 status --wait
sums() { (cd ana-folder/CT && sha256sum *.dcm letter.pdf anabela.txt); }
sums >before

say "what would be given is said before, and without a yes nothing is made or given"
as ana run 13 dataset join plain CT
says "Dates: none stays"
says "Sex, age (to 90), size and weight stay."
says "Numbers and codes of a maker's own stay, too"
says "read copies of CT"
says "for what lies in CT now and for what comes there later"
says "3 copies for it, under the name"
says "3 files are withheld, no DICOM file: CT/anabela.txt, CT/letter.pdf, CT/program"
says "1 file is withheld, a link, or no file: CT/first.dcm"
[ ! -e ana-folder/Research ] || emr_fail "made without a yes"
as ana json 0 share
expect grants "$(field grants)" "[]"
mkdir ana-folder/Letters && echo "dear Anabela" >ana-folder/Letters/a.txt
as ana json 5 dataset join plain Letters --yes
expect "nothing clean" "$(field error)" nothing-clean
ln -s ../CT ana-folder/Letters/CT
as ana json 6 dataset join plain Letters/CT/anabela-01.dcm --yes
expect "through a link" "$(field error)" never-shared
[ ! -e ana-folder/Research ] || emr_fail "made of nothing"

say "originals are not granted to it, whoever asks the open folder"
as ana json 0 dataset plain
asked=$(python3 - "$EMR_WORK/ana" "$(field datasets.0.terms)" <<'END'
import glob, json, os, socket, stat, struct, sys
paths = [os.path.join(d, f) for d, _, files in os.walk(sys.argv[1]) for f in files]
path = next(p for p in paths if stat.S_ISSOCK(os.lstat(p).st_mode))
s = socket.socket(socket.AF_UNIX)
s.connect(path)
text = json.dumps({"v": 1, "verb": "share", "join": True, "path": "CT", "who": "dataset:plain@saolucas", "name": sys.argv[2], "purposes": 8}).encode()
s.sendall(struct.pack(">I", len(text)) + text)
with s.makefile("rb") as said:
    print(said.read(struct.unpack(">I", said.read(4))[0]).decode())
END
)
grep -q cannot-join <<<"$asked" || emr_fail "granted: $asked"

say "with a yes the copies lie in a folder of their own, and the originals are as they were"
as ana json 0 dataset join plain CT --yes --wait
expect "copies" "$(field cleaned) $(field added)" "3 3"
expect "withheld" "$(python3 -c 'import json; print(*sorted(w["path"] + "=" + w["why"] for w in json.load(open("out/said"))["withheld_files"]))')" \
	"CT/anabela.txt=not-dicom CT/document=document CT/first.dcm=no-file CT/huge=too-large CT/letter.pdf=not-dicom CT/presentation=presentation CT/program=not-dicom CT/report=report CT/screenshot=screenshot"
COPIES=$(field folder)
[[ $COPIES =~ ^Research/plain/[a-z2-7]{12}$ ]] || emr_fail "folder: $COPIES"
sums | cmp - before || emr_fail "an original changed"
as ana json 0 dataset plain
expect "hers" "$(field datasets.0.joined.0)" "$COPIES"
copies() { (cd "ana-folder/$COPIES" && find . -type f | sort); }
expect "files" "$(copies | grep -cE '^\./STUDY-[a-z2-7]{8}/SERIES-[a-z2-7]{8}/00000[123]-[a-z2-7]{12}\.dcm$')" 3

say "a copy is signed as one: from which version and by which rules, and nobody is told which version"
as ana run 0 status --wait
signature() { getfattr --absolute-names --only-values -n user.emrfs.signature "$1" 2>/dev/null; }
for copy in "ana-folder/$COPIES"/*/*/*; do
	[[ $(signature "$copy") == "derived at="* ]] || emr_fail "signed as $(signature "$copy")"
	getfattr --absolute-names -d -m - "$copy" | grep -q derived= && emr_fail "the mark is shown"
	[ $(($(date -d "$(stat -c %y "$copy")" +%s%N) % (86400 * 1000000000))) = 0 ] || emr_fail "its time tells its entry: $(stat -c %y "$copy")"
done
[[ $(signature ana-folder/CT/anabela-01.dcm) == "self at="* ]] || emr_fail "an original is signed as $(signature ana-folder/CT/anabela-01.dcm)"

say "a reader has the pictures under a pseudonym, and no word of the originals"
there() { [ "$(find dora-folder/datasets/plain -name '*.dcm' 2>/dev/null | wc -l)" = "$1" ]; }
emr_until there 3
reads() { (cd dora-folder/datasets/plain && find . -name '*.dcm' -exec cat {} + >/dev/null); }
emr_until reads
python3 - "$(basename "$COPIES")" <<'END' || emr_fail "what a reader has"
import os, pathlib, sys
from pydicom import dcmread
from pydicom.data import get_testdata_file
pixels = dcmread(get_testdata_file("CT_small.dcm")).PixelData
uids = [u for u in open("uids").read().split() if u]
words = [b"silva", b"anabela", b"mrn7734512", b"dear", b"letter"] + [u.encode() for u in uids]
top = pathlib.Path("dora-folder/datasets/plain")
files = sorted(p for p in top.rglob("*") if p.is_file())
assert len(files) == 3, files
safe = {"0x190010", "0x191023", "0x191024", "0x191027", "0x250010", "0x251007"}
for path in top.rglob("*"):
    for word in words:
        assert word not in str(path).lower().encode(), path
for path in files:
    whole = path.read_bytes()
    for word in words:
        assert word not in whole.lower(), (path, word)
    data = dcmread(path)
    assert str(data.PatientID) == str(data.PatientName) == sys.argv[1], data.PatientID
    assert data.PatientIdentityRemoved == "YES" and data.PixelData == pixels
    assert data.LongitudinalTemporalInformationModified == "REMOVED" and not data.get("AcquisitionDate"), data
    assert data.PatientSex == "O" and data.PatientAge == "000Y", data
    assert {hex(e.tag) for e in data.iterall() if e.tag.is_private} == safe, data
assert len({dcmread(p).StudyInstanceUID for p in files}) == 1 and len({dcmread(p).SOPInstanceUID for p in files}) == 3
END

say "what a client that lies puts there is withheld by the reader's computer, whatever it is called and signed as"
as ana json 0 dataset plain
python3 - "ana-folder/$COPIES" "$(field datasets.0.terms)" <<'END' || emr_fail "the lies could not be told"
import hashlib, io, os, sys
from pydicom import dcmread
top, terms = sys.argv[1], bytes.fromhex(sys.argv[2])
table = b"PS3.15-2026c/2"
rules = hashlib.sha256(b"emrfs/v1/rules\0" + bytes([len(table)]) + table + terms).digest()
other = hashlib.sha256(b"emrfs/v1/rules\0" + bytes([len(table)]) + table + bytes(32)).digest()
copies = sorted(os.path.join(d, f) for d, _, files in os.walk(top) for f in files)
series = os.path.dirname(copies[0])
def put(name, data, by):
    with open(os.path.join(series, name), "xb") as out:
        out.write(data)
        out.flush()
        if by is not None:
            os.utime(out.fileno())
            os.setxattr(out.fileno(), "user.emrfs.derived", (bytes(32) + by + bytes(32)).hex().encode())
original, copy = open("ana-folder/CT/anabela-01.dcm", "rb").read(), open(copies[0], "rb").read()
tagged = dcmread(io.BytesIO(copy))
tagged.private_block(0x0029, "ANABELA", create=True).add_new(1, "LO", "Silva^Anabela")
whole = io.BytesIO()
tagged.save_as(whole)
put("000091-aaaaaaaaaaaa.dcm", original, None)  # grants an original
put("000092-aaaaaaaaaaaa.dcm", original, rules)  # signs an original as derived
put("000093-aaaaaaaaaaaa.dcm", whole.getvalue(), rules)  # adds to a copy
put("000094-aaaaaaaaaaaa.dcm", copy, None)  # does not sign it as one
put("000095-aaaaaaaaaaaa.dcm", copy, other)  # made for another dataset
put("Silva Anabela.dcm", copy, rules)  # says it in a name, an attribute, a link
os.setxattr(os.path.join(series, "Silva Anabela.dcm"), "user.comment", b"Silva")
os.symlink("Silva Anabela.dcm", os.path.join(series, "Anabela"))
put("000096-aaaaaaaaaaaa.dcm", copy, rules)  # as the program does
END
told() { [ "$(find dora-folder/datasets/plain -name '0000*.dcm' 2>/dev/null | wc -l)" = 9 ]; }
emr_until told
opens() { cat dora-folder/datasets/plain/*/*/*/*/0000"$1"-*.dcm >out/bytes 2>out/why; }
emr_until opens 96
for lie in 91 92 93 94 95; do
	! opens "$lie" || emr_fail "lie $lie was shown"
	grep -q "Permission denied" out/why || emr_fail "lie $lie: $(cat out/why)"
done
{
	find dora-folder/datasets/plain
	find dora-folder/datasets/plain -type l -exec readlink {} +
	find dora-folder/datasets/plain ! -type l -exec getfattr --absolute-names -d -m - {} + 2>/dev/null
} >out/words
grep -q 000096 out/words || emr_fail "nothing was listed"
! grep -iE 'silva|anabela' out/words || emr_fail "a word of hers is shown"
grep -q " not-a-copy datasets/plain/.*/000093-aaaaaaaaaaaa.dcm: .* is no copy as the terms of plain ask for, and is withheld" dora-folder/.emrfs/notices ||
	emr_fail "not told: $(tail -3 dora-folder/.emrfs/notices)"
as dora json 0 dataset plain
expect "counted" "$(field datasets.0.withheld)" 5
rm "ana-folder/$COPIES"/*/*/*-aaaaaaaaaaaa.dcm "ana-folder/$COPIES"/*/*/*nabela*
emr_until there 3

say "joining again gives what is new, and nothing twice"
stat -c '%n %Y %i' "ana-folder/$COPIES"/*/*/* >stood
as ana run 0 dataset join plain CT --yes
says "Nothing of it is new; nothing was changed."
series 4 4
as ana run 13 dataset join plain CT
expect "without a yes" "$(copies | wc -l)" 3
as ana json 0 dataset join plain CT --yes
expect "one more" "$(field added) $(copies | wc -l)" "1 4"
stat -c '%n %Y %i' "ana-folder/$COPIES"/*/*/* | grep -cFf stood >out/stood
expect "the others as they were" "$(cat out/stood)" 3
emr_until there 4
python3 - ana-folder/CT/anabela-02.dcm <<'END'
import sys
from pydicom import dcmread
data = dcmread(sys.argv[1])
data.PixelData = data.PixelData[:-2] + b"\x7e\x01"  # another pixel, and as many bytes
data.save_as(sys.argv[1])
END
as ana run 0 status --wait
as ana json 0 dataset join plain CT --yes
expect "what was changed is copied again" "$(field added) $(copies | wc -l)" "1 4"
newer() { (cd dora-folder/datasets/plain && find . -name '000002-*.dcm' -exec tail -c 2 {} + | od -An -tx1 | grep -q "7e 01"); }
emr_until newer
as ana json 6 dataset join plain Research --yes
expect "no copies of copies" "$(field error)" never-shared
mkdir "ana-folder/$COPIES/mine" && cp ana-folder/CT/anabela.txt "ana-folder/$COPIES/mine/"
as ana json 6 dataset join plain CT --yes
expect "something else in it" "$(field error)" not-copies
rm -r "ana-folder/$COPIES/mine"

say "who leaves keeps the copies, is told where, and comes back with the same ones"
as ana run 0 dataset leave --yes plain --wait
says "The copies stay in your folder, in $COPIES"
emr_until there 0
expect "copies" "$(copies | wc -l)" 4
as ana json 0 dataset join plain CT --yes --wait
expect "none is made again" "$(field added)" 0
emr_until there 4

say "what is refused in the middle leaves no folder behind"
sed 's/}/, "price": 20}/' terms.json >paid.json
steward 0 create paid --terms paid.json
knows_paid() { as ana "$EMRFS" dataset paid >out/known 2>&1 </dev/null; }
emr_until knows_paid
as ana json 6 dataset join paid CT --yes
expect "no points" "$(field error)" no-points-put-by
[ ! -e ana-folder/Research/paid ] || emr_fail "left: $(find ana-folder/Research/paid)"
expect "the other's copies" "$(copies | wc -l)" 4

say "without the program that makes copies nothing is given"
mv usr/libexec/emrfs/deidentify hidden
as ana run 1 dataset join plain CT --yes
says "the program that makes copies is not installed"
two_unmount ana dora
echo "all is well"
