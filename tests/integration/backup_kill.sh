#!/bin/bash
# backup_kill.sh: a backup that is killed at any moment leaves the one before it whole, and goes on where it was.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/backup_copy.sh"
emr_begin backup
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state
COPY=$EMR_WORK/copy

# A computer that has no keyring can only check.
mkdir -m 700 nobody
check_only() { EMRFS_HOME=$EMR_WORK/nobody timeout "$EMR_PATIENCE" "$EMRFS" backup "$COPY" --verify >out/checked 2>&1; }

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
must mkdir "$MNT/Imaging"
echo "a letter" >"$MNT/letter.txt"
run 0 status --wait
run 0 backup "$COPY"

say "killed at any moment, the backup that was there is whole"
killed=0
for ((i = 0; i < 15 || (i < 90 && killed < 5); i++)); do	# a fast computer is done before most of them
	head -c 4000000 /dev/urandom >"$MNT/Imaging/big-$((i % 4))"
	[ $((i % 5)) != 0 ] || run 0 status --wait
	"$EMRFS" backup "$COPY" >/dev/null 2>&1 &
	sleep "0.0$((i * 7 % 10))$((i * 3 % 10))"
	kill -KILL $! 2>/dev/null && killed=$((killed + 1))
	wait $! 2>/dev/null
	check_only || emr_fail "after kill $i: $(cat out/checked)"
done
[ "$killed" -ge 5 ] || emr_fail "only $killed of $i were killed in time"
run 0 status --wait
run 0 backup "$COPY" --verify
compare_copy
expect "left over" "$(find "$COPY" -name '.tmp-*' -o -name partial)" ""

say "an interrupted one goes on where it was"
for ((try = 0; try < 5; try++)); do
	head -c 160000000 /dev/urandom >"$MNT/Imaging/long.dcm"
	run 0 status --wait
	"$EMRFS" backup "$COPY" >/dev/null 2>&1 &
	while [ ! -e "$COPY/emrfs-data/partial" ] && kill -0 $! 2>/dev/null; do sleep 0.002; done
	kill -KILL $! 2>/dev/null
	wait $! 2>/dev/null
	[ ! -e "$COPY/emrfs-data/partial" ] || break	# else it was done before it could be killed
done
[ -e "$COPY/emrfs-data/partial" ] || emr_fail "no partial list"
check_only || emr_fail "after the kill: $(cat out/checked)"
json 0 backup "$COPY"
[ "$(field new_bytes)" -lt 130000000 ] || emr_fail "all was copied again: $(cat out/said)"
check_only || emr_fail "$(cat out/checked)"
compare_copy
run 0 unmount

echo "all is well"
