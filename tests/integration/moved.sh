#!/bin/bash
# moved.sh: records that were moved to another top-level folder, renamed and given attributes are still whole and signed.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin moved
emr_init
emr_mount

say "saved, registered, and moved"
mkdir "$MNT/Old"
head -c 300000 /dev/urandom >"$MNT/Old/scan.dcm"
echo letter >"$MNT/top.txt"
cp "$MNT/Old/scan.dcm" "$EMR_WORK/scan"
"$EMRFS" status --wait=2min >/dev/null
setfattr -n user.note -v "kept" "$MNT/top.txt"
mkdir "$MNT/New"
mv "$MNT/Old/scan.dcm" "$MNT/New/renamed.dcm"
mv "$MNT/top.txt" "$MNT/New/letter.txt"
"$EMRFS" status --wait=2min >/dev/null
expect "the bytes" "$(cmp "$EMR_WORK/scan" "$MNT/New/renamed.dcm" && echo same)" same
expect "the version" "$(getfattr --only-values --absolute-names -n user.emrfs.version "$MNT/New/renamed.dcm")" 1
"$EMRFS" verify || emr_fail "verify does not find everything whole"
emr_remount
"$EMRFS" verify || emr_fail "verify after a remount"
emr_unmount
