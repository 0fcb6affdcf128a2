#!/bin/bash
# dataset_middle.sh: a participant who leaves a dataset while copies are made gives no more of them. Copies that a killed joining left are
# erased with their originals. A copy goes also while the next version of its original is on its way. Nothing is copied once the terms have
# ended.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
python3 -c 'import pydicom' 2>/dev/null || { echo "needs pydicom"; exit 77; }
two_begin middle
two_installed "$DEIDENTIFY"
two_network "São Lucas"
two_join ana "Silva, Ana" patient
steward() { as hospital run "$1" dataset "${@:2}" --passphrase-file "$EMR_PASS"; }
for name in plain other; do
	cat >terms.json <<-END
		{"purpose": "To measure bones: $name", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "de-identified"}
	END
	steward 0 create $name --terms terms.json
done
two_mount ana
knows() { as ana "$EMRFS" dataset other >out/known 2>&1 </dev/null; }
emr_until knows

slices() { # FOLDER FIRST LAST: slices of pydicom's CT_small
	python3 - "$@" <<'END'
import os, sys
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid
top, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
data = dcmread(get_testdata_file("CT_small.dcm"))
os.makedirs(top, exist_ok=True)
for number in range(first, last + 1):
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
    data.InstanceNumber = number
    data.save_as(os.path.join(top, f"anabela-{number:03}.dcm"))
END
}
hold_helper() { # the helper that writes copies waits before its first file, as held-1 says, until go-1
	rm -f held-1 go-1
	mv usr/libexec/emrfs/deidentify real-deidentify
	cat >usr/libexec/emrfs/deidentify <<-END
		#!/bin/bash
		if [ "\$1" = write ] && [ ! -e "$EMR_WORK/held-1" ]; then
			: >"$EMR_WORK/held-1"
			until [ -e "$EMR_WORK/go-1" ]; do sleep 0.05; done
		fi
		exec "$EMR_WORK/real-deidentify" "\$@"
	END
	chmod +x usr/libexec/emrfs/deidentify
}
copies() { find "ana-folder/Research/$1" -name '0*.dcm' 2>/dev/null | wc -l; }
has_more() { [ "$(copies "$1")" -gt "$2" ]; }

say "what a joining that was killed before its grant has left goes with its original"
slices ana-folder/CT 1 20
as ana run 0 status --wait
# It goes on for a moment at a time, and stands still while its copies are counted: so it is not done before it is killed.
two_home ana
"$EMRFS" dataset join other CT --yes >out/killed 2>&1 </dev/null &
joining=$!
until has_more other 0; do
	kill -CONT $joining && sleep 0.01 && kill -STOP $joining || emr_fail "it made no copy: $(cat out/killed)"
done
kill -9 $joining
wait $joining 2>/dev/null
as ana json 0 dataset other
expect "it was not joined" "$(field datasets.0.joined)" "[]"
as ana run 0 status --wait
[ -e ana-folder/Research/other/*/STUDY-*/SERIES-*/000001-*.dcm ] || emr_fail "the first copy is not there: $(find ana-folder/Research)"
as ana json 0 erase CT/anabela-001.dcm --yes --passphrase-file "$EMR_PASS"
expect "its copy" "$(field copies)" 1
[ ! -e ana-folder/Research/other/*/STUDY-*/SERIES-*/000001-*.dcm ] || emr_fail "the copy outlived its original"

say "where several copies go, nothing that was purged stays in the log of the database"
slices ana-folder/Foot 201 206
as ana run 0 status --wait
as ana json 0 dataset join other Foot --yes --wait
expect "copies are there" "$([ "$(copies other)" -ge 6 ] && echo yes)" yes
as ana json 0 erase Foot --yes --passphrase-file "$EMR_PASS"
[ "$(field copies)" -ge 6 ] || emr_fail "$(field copies) copies were erased"
expect "what was kept back" "$(grep -c 'stay in the write-ahead log' ana/state/log)" 0

say "who leaves in the middle gives nothing more, from the next file on"
slices ana-folder/Head 1 1
as ana run 0 status --wait
as ana json 0 dataset join plain Head --yes --wait
slices ana-folder/Head 101 140
as ana run 0 status --wait
hold_helper
(as ana run 0 dataset update) &
updating=$!
emr_until [ -e held-1 ]
as ana run 0 dataset leave --yes plain --wait
: >go-1
wait $updating || emr_fail "the update failed"
[ "$(copies plain)" -le 2 ] || emr_fail "$(copies plain) copies: one of the joining, and one that was being made"
mv real-deidentify usr/libexec/emrfs/deidentify

say "a copy goes also while the next version of its original waits for copies on nodes"
as ana run 0 status --wait
slices ana-folder/Knee 301 303
as ana run 0 status --wait
as ana json 0 dataset join plain Knee --yes --wait
two_unmount ana
cp ana/settings settings.before
printf 'copies-before-register = 3\nnode = unix:%s/none.sock\n' "$EMR_WORK" >>ana/settings
two_mount ana
python3 - ana-folder/Knee/anabela-302.dcm <<'END'
import sys
from pydicom import dcmread
data = dcmread(sys.argv[1])
data.PixelData = data.PixelData[:-2] + b"\x7e\x01"
data.save_as(sys.argv[1])
END
waits() { as ana json 0 status && [ "$(field awaiting_copies)" -gt 0 ]; }
emr_until waits
rm ana-folder/Knee/anabela-303.dcm
copy() { compgen -G "ana-folder/Research/plain/*/STUDY-*/SERIES-*/000$1-*.dcm" >/dev/null; }
gone() { ! copy "$1"; }
emr_until gone 303
emr_until gone 302
two_kill ana # its new version waits for ever

say "nothing is copied once the terms have ended, also in the middle"
two_day() { date -u -d "$1 days" +%F; }
cat >terms.json <<-END
	{"purpose": "To measure arms", "who": "Researchers of the hospital", "until": "$(two_day +1)", "data": "de-identified"}
END
steward 0 create short --terms terms.json
cp settings.before ana/settings
echo 0 >clock
export EMR_CLOCK_FILE=$EMR_WORK/clock
LD_PRELOAD=$TOOLS/libclock_shim.so two_mount ana
knows_short() { as ana "$EMRFS" dataset short >out/known 2>&1 </dev/null; }
emr_until knows_short
slices ana-folder/Arm 401 401
as ana run 0 status --wait
as ana json 0 dataset join short Arm --yes --wait
slices ana-folder/Arm 402 441
as ana run 0 status --wait
hold_helper
(as ana run 0 dataset update) &
updating=$!
emr_until [ -e held-1 ]
echo $((3 * 86400)) >clock
: >go-1
wait $updating || emr_fail "the update failed"
[ "$(copies short)" -le 2 ] || emr_fail "$(copies short) copies: one of the joining, and what was being made at the end"
echo 0 >clock # a host speaks to nobody whose clock is days off
as ana run 0 status --wait=2min
two_unmount ana
echo "all is well"
