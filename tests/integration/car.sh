#!/bin/bash
# car.sh: the contents of records leave the folder in a CAR, encrypted.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
emr_begin car
cd "$EMR_WORK" || exit 2

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
must mkdir -p "$MNT/Imaging/Old scans/deep" "$MNT/None"
head -c 700000 /dev/urandom >scan
must cp scan "$MNT/Imaging/Old scans/scan 1.bin"
: >"$MNT/Imaging/Old scans/deep/empty"
echo "a note" >"$MNT/Imaging/note.txt"
must ln -s note.txt "$MNT/Imaging/link"
echo gone >"$MNT/Imaging/gone.txt"
run 0 status --wait
rm "$MNT/Imaging/gone.txt"

say "a directory goes out, encrypted"
json 0 export Imaging "$EMR_WORK/imaging.car"
expect records "$(field records)" 3
expect bytes "$(field bytes)" "$(stat -c %s imaging.car)"
expect out "$(field out)" "$EMR_WORK/imaging.car"
expect mode "$(stat -c %a imaging.car)" 600
nothing_in_clear note.txt "scan 1" "a note" -- imaging.car

say "a file alone is its own root, and a directory without files is one without links"
json 0 export Imaging/note.txt one.car
expect root "$(field root)" "$(getfattr --only-values --absolute-names -n user.emrfs.cid "$MNT/Imaging/note.txt")"
json 0 export None none.car
expect "what is in it" "$(python3 "$SUPPORT/car_walk.py" below none.car | cut -d' ' -f1)" "$(field root)"

say "what is wrong is refused"
json 5 export nothing x.car
json 2 export Imaging
json 2 export Imaging "$MNT/x.car"
expect error "$(field error)" bad-place
json 2 export Imaging "$EMRFS_HOME/state/x.car"
json 1 export Imaging imaging.car
expect error "$(field error)" exists
json 2 export Imaging x.proof --proof
run 0 export Imaging/note.txt note.proof --proof
run 0 verify --proof note.proof "$MNT/Imaging/note.txt"
run 0 unmount
json 10 export Imaging y.car
echo "all is well"
