#!/bin/bash
# rot_rounds.sh [ROUNDS [SEED]]: in each round files are saved, single bits flip in the ledger, in this computer's copy of it, in
# both, in the blocks, in their index or in the journal's head, and a backup is made and restored: of a closed folder in one round, and in the
# next of one that is open and that a program goes on saving into.  A backup that ended with 0 restores to the same bytes, file for file; one that
# did not said so, and what it has shows nothing that was never saved; nor does the open folder.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/rotten.sh"
emr_begin rot_rounds
cd "$EMR_WORK" || exit 2
ROUNDS=${1:-4} RANDOM=${2:-1}
STATE=$EMRFS_HOME/state

# One bit of a random byte of FILE, anywhere behind SQLite's header (or behind FROM): rows, indexes, free pages.
flip() {
	python3 - "$1" "$RANDOM$RANDOM" "${2:-4096}" <<'END' || emr_fail "no bit was flipped"
import os, random, sys
random.seed(int(sys.argv[2]))
with open(sys.argv[1], "r+b") as f:
    at = random.randrange(int(sys.argv[3]), os.path.getsize(sys.argv[1]))
    f.seek(at)
    byte = f.read(1)[0]
    f.seek(at)
    f.write(bytes([byte ^ 1 << random.randrange(8)]))
END
}
# try ARGUMENTS...: the exit code in $code; only those that a person is told something with, and $also.
try() {
	timeout "$EMR_PATIENCE" "$EMRFS" "$@" >out/said 2>out/complained </dev/null
	code=$?
	case $code in 0 | 1 | 3 | 8 | "${also:-0}") ;; *) emr_fail "emrfs $*: exit $code, $(cat out/said out/complained)" ;; esac
	[ $code = 0 ] || [ -s out/said ] || [ -s out/complained ] || emr_fail "emrfs $*: exit $code without a word"
}

# One bit flips in the place that WHERE names.
rot() {
	case $where in 0 | 2) flip "$STATE/replica.sqlite" ;; esac
	case $where in 1 | 2) flip "$STATE/ledger/ledger.sqlite" ;; esac
	[ $where != 3 ] || flip "$(ls "$STATE"/blocks/seg-*.car | tail -1)" 96
	[ $where != 4 ] || flip "$STATE/blocks/index.sqlite"
	[ $where != 5 ] || flip "$head" 0
}
# Goes on saving until somebody says that it is enough; a folder that became read-only takes nothing.
save_on() {
	local i
	for ((i = 0; ; i = (i + 1) % 20)); do
		echo "while it is copied, $i" >"$MNT/meanwhile-$i.txt"
		[ $i != 3 ] || : >begun
		[ ! -e enough ] || return 0
	done 2>/dev/null
}
# Each file that was saved meanwhile is there as it was saved, or is not there yet.
look_at_meanwhile() {
	local file i
	for file in "$MNT"/meanwhile-*.txt; do
		[ -s "$file" ] || continue
		i=${file##*-}
		cat "$file" >out/bytes 2>/dev/null || continue
		[ "$(cat out/bytes)" = "while it is copied, ${i%.txt}" ] || emr_fail "round $round: $file shows what was never saved"
	done
}
# The backup of an open folder; $ended is its exit code.
back_up_open() {
	local saver
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	rm -f enough begun
	rot
	save_on &
	saver=$!
	emr_until [ -e begun ]
	try backup copy
	ended=$code
	touch enough
	wait $saver
	rotten_files "round $round, open" was
	look_at_meanwhile
	also=4 try unmount --now	# what was saved last may not be on the ledger yet
	! mountpoint -q "$MNT" || emr_fail "round $round: it does not close: $(cat out/said out/complained)"
}
back_up_closed() {
	rot
	try backup copy
	ended=$code
}
# The backup becomes a computer of its own: what it has is what was saved, and all of it where the backup ended with 0.
back() {
	rm -rf back && mkdir -m 700 back && cp home/settings back/
	(
		export EMRFS_HOME=$EMR_WORK/back
		try init --restore copy --passphrase-file "$EMR_PASS"
		case $ended-$code in 0-0 | 3-0 | 3-3) ;; *) emr_fail "round $round: backup $ended, restore $code: $(cat out/said out/complained)" ;; esac
		if [ "$ended" = 3 ]; then
			rotten_mount "round $round, restored" was
			exit 0
		fi
		run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
		diff -r -x 'meanwhile-*' was "$MNT" >out/differs || { cat out/differs >&2; emr_fail "round $round: the restored folder differs"; }
		look_at_meanwhile
		run 0 unmount
	) || exit 1
}

emr_init
declare -a flipped
restored=0 refused=0
for ((round = 1; round <= ROUNDS; round++)); do
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	(for ((i = 0; i < 6; i++)); do echo "round $round, $i" >"$MNT/$round-$i.txt"; done) &
	saver=$!
	head -c $((RANDOM * 3)) /dev/urandom >"$MNT/$round.bin"
	wait $saver
	run 0 status --wait=2min
	rm -rf was && mkdir was && cp -a "$MNT/." was
	run 0 unmount
	rm -rf whole && cp -a "$STATE" whole
	where=$((RANDOM % 6))
	head=$(ls "$STATE"/blocks/journal-*.head 2>/dev/null)
	[ -n "$head" ] || [ $where != 5 ] || where=4	# a short journal has none
	flipped[where]=$((${flipped[where]:-0} + 1))
	rm -rf copy
	if [ $((round % 2)) = 0 ]; then back_up_open; else back_up_closed; fi
	case $ended in
	0) back && restored=$((restored + 1)) ;;
	3) back && refused=$((refused + 1)) ;;
	*) refused=$((refused + 1)) ;;
	esac
	rm -rf "$STATE" && cp -a whole "$STATE"
done
say "flips by place: ${flipped[*]}"
say "$ROUNDS rounds: $restored backups were restored to the same bytes, $refused said that they are not whole"
[ "$restored" -ge $((ROUNDS / 2)) ] || emr_fail "one file at a time is damaged as a rule: most must restore"
