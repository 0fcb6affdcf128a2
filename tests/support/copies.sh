# Sourced by tests of copies for a de-identified dataset: São Lucas with its dataset "plain", Ana who may take part, Dora who is
# admitted to read, both folders open, and functions that look at them.
#
#   copies_begin NAME                         all that, in a working directory of its own
#   slices FOLDER FIRST LAST [BURNED_IN]      slices of pydicom's CT_small under Ana's name
#   sees "1 2 "                               Dora sees the copies with these numbers
#   copies                                    those in Ana's folder; COPIES says where they lie
#   update                                    Ana has them brought up to date, once all is on the ledger
#   of_first FIELD, settled                   what her computer says of the first folder that they are made of; nothing waits
. "$SUPPORT/mount.sh"
. "$SUPPORT/two.sh"

steward() { as hospital run "$1" dataset "${@:2}" --passphrase-file "$EMR_PASS"; }
knows() { as ana "$EMRFS" dataset plain >out/known 2>&1 </dev/null; }

copies_begin() {
	python3 -c 'import pydicom' 2>/dev/null || { echo "needs pydicom"; exit 77; }
	two_begin "$1"
	two_installed "$DEIDENTIFY"
	two_network "São Lucas"
	two_join ana "Silva, Ana" patient
	two_join dora "Dora Reis" researcher
	cat >terms.json <<'END'
{"purpose": "To measure bones", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "de-identified"}
END
	steward 0 create plain --terms terms.json
	steward 0 admit plain dora@saolucas
	two_mount ana dora
	emr_until knows
}

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
of_first() { as ana json 0 dataset plain && field datasets.0.sources.0."$1"; }
settled() { as ana "$EMRFS" status --wait >out/settled 2>&1 && [ "$(of_first without)" = 0 ]; }
update() { as ana run 0 status --wait && as ana json 0 dataset update; }
