#!/bin/bash
# slow.sh: a mount over blocks and a ledger that are slow, where the ledger loses half of its answers, and where it is away
# three times of four.  The program is emrfs itself with delays linked in front of both (support/slow_world.c).
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin slow
cd "$EMR_WORK" || exit 2
export EMR_SLOW=slow EMR_SLOW_LEDGER_MS=${EMR_SLOW_LEDGER_MS:-20} EMR_SLOW_BLOCK_MS=${EMR_SLOW_BLOCK_MS:-5}
mkdir records
for i in $(seq 12); do head -c $((i * 30000)) /dev/urandom >"records/$i"; done
emr_init
export EMR_SLOW_EVERYWHERE=1
for EMR_SLOW in lost away; do
	say "$EMR_SLOW: what is saved is read at once, and is on the ledger once, in the end"
	emr_mount
	must cp -r records "$MNT/$EMR_SLOW"
	diff -r records "$MNT/$EMR_SLOW" || emr_fail "other bytes"
	must mv "$MNT/$EMR_SLOW/1" "$MNT/$EMR_SLOW/first"
	must rm "$MNT/$EMR_SLOW/2"
	run 0 status --wait=5min
	for i in $(seq 3 12); do
		expect "versions of $i" "$(getfattr --only-values -n user.emrfs.version "$MNT/$EMR_SLOW/$i")" 1
	done
	emr_remount
	expect names "$(ls "$MNT/$EMR_SLOW" | tr '\n' ' ')" "10 11 12 3 4 5 6 7 8 9 first "
	cmp records/1 "$MNT/$EMR_SLOW/first" || emr_fail "other bytes"
	for i in $(seq 3 12); do cmp "records/$i" "$MNT/$EMR_SLOW/$i" || emr_fail "other bytes of $i"; done
	run 0 verify
	emr_unmount
done
echo "all is well"
