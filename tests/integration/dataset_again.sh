#!/bin/bash
# dataset_again.sh: an erasure takes the copies of what it names and no other, and who joins a de-identified dataset again gives what she is asked for then, and nothing of before.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
. "$SUPPORT/two.sh"
python3 -c 'import pydicom' 2>/dev/null || { echo "needs pydicom"; exit 77; }
two_begin again
mkdir -p usr/bin usr/libexec/emrfs
cp "$EMRFS" usr/bin/emrfs && cp "$DEIDENTIFY" usr/libexec/emrfs/ || exit 2
EMRFS=$EMR_WORK/usr/bin/emrfs
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join dora "Dora Reis" researcher
steward() { as hospital run "$1" dataset "${@:2}" --passphrase-file "$EMR_PASS"; }
cat >terms.json <<'END'
{"purpose": "To measure bones", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "de-identified"}
END
steward 0 create plain --terms terms.json
steward 0 admit plain dora@saolucas
two_mount ana dora
knows() { as ana "$EMRFS" dataset plain >out/known 2>&1 </dev/null; }
two_until 20 knows

slices() { # FOLDER FIRST LAST [BURNED_IN]: slices of pydicom's CT_small under ana's name
	python3 - "$@" <<'END'
import os, sys
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid
top, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
data = dcmread(get_testdata_file("CT_small.dcm"))
data.PatientName, data.PatientID = "Silva^Anabela", "MRN7734512"
data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(entropy_srcs=["study"]), generate_uid(entropy_srcs=["series"])
if len(sys.argv) > 4:
    data.BurnedInAnnotation = "YES"
os.makedirs(top, exist_ok=True)
for number in range(first, last + 1):
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
    data.InstanceNumber = number
    data.save_as(os.path.join(top, f"anabela-{number:02}.dcm"))
END
}
seen() { (cd dora-folder/datasets/plain 2>/dev/null && find . -name '*.dcm' | sed 's|.*/0*||; s|-.*||' | sort -n | tr '\n' ' '); }
sees() { [ "$(seen)" = "$1" ]; }
copies() { (cd "ana-folder/$COPIES" && find . -type f | sort); }
follows() { as ana json 0 dataset plain && field datasets.0.follows.0."$1"; }
is_at() { [ "$(follows "$1")" = "$2" ]; }
settled() { as ana "$EMRFS" status --wait >out/settled 2>&1 && is_at waiting 0; }

as ana run 0 status --wait; slices ana-folder/CT 1 3
as ana run 0 status --wait
as ana json 0 dataset join plain CT --yes --wait
COPIES=$(field folder)
two_until 60 sees "1 2 3 "
number() { getfattr --absolute-names --only-values -n user.emrfs.id "ana-folder/$COPIES"/*/*/0000"$1"-*.dcm; }

say "a copy that was taken back and is there again stays when something else is erased"
mv ana-folder/CT/anabela-01.dcm picture.dcm
two_until 60 sees "2 3 "
as ana run 0 status --wait
mv picture.dcm ana-folder/CT/anabela-01.dcm
two_until 60 sees "1 2 3 "
two_until 60 settled
stood=$(number 01)
as ana json 0 erase CT/anabela-03.dcm --yes --passphrase-file "$EMR_PASS"
expect "its copy, and the one that was taken back" "$(field copies)" 2
expect "the copy that is there" "$(number 01)" "$stood"
two_until 60 sees "1 2 "

say "who joins again with another folder gives that one, and nothing of what she gave before"
as ana run 0 dataset leave plain --wait
two_until 60 sees ""
slices ana-folder/Other 300 300
as ana run 0 status --wait
as ana json 0 dataset join plain Other --once --yes --wait
two_until 60 sees "300 "
expect "copies" "$(copies | wc -l)" 1

say "what goes with an erasure is counted once, also by who joined twice"
as ana run 13 erase Other </dev/null
says "With it goes what was made of it for datasets: 3 copies."

say "erasing needs no program that makes copies"
rm usr/libexec/emrfs/deidentify
as ana run 0 dataset plain
as ana json 0 erase Other --yes --passphrase-file "$EMR_PASS"
expect "copies of it and of before" "$(field copies)" 3
two_until 60 sees ""
two_unmount ana dora
echo "all is well"
