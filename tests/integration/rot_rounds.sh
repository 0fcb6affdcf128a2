#!/bin/bash
# rot_rounds.sh [ROUNDS [SEED]]: in each round files are saved, single bits flip in the ledger, in this computer's copy of it, in
# both, in the blocks, in their index or in the journal's head, and a backup is made and restored.  A backup that ended with 0 restores to the same bytes, file for file; one that did
# not said so; and the folder that goes on is whole again or said what it lost.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
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
# try ARGUMENTS...: the exit code in $code; only those that a person is told something with.
try() {
	timeout "$EMR_PATIENCE" "$EMRFS" "$@" >out/said 2>out/complained </dev/null
	code=$?
	case $code in 0 | 1 | 3 | 8) ;; *) emr_fail "emrfs $*: exit $code, $(cat out/said out/complained)" ;; esac
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
	case $where in 0 | 2) flip "$STATE/replica.sqlite" ;; esac
	case $where in 1 | 2) flip "$STATE/ledger/ledger.sqlite" ;; esac
	[ $where != 3 ] || flip "$(ls "$STATE"/blocks/seg-*.car | tail -1)" 96
	[ $where != 4 ] || flip "$STATE/blocks/index.sqlite"
	[ $where != 5 ] || flip "$head" 0
	flipped[where]=$((${flipped[where]:-0} + 1))
	rm -rf copy && try backup copy
	if [ $code = 0 ]; then
		rm -rf back && mkdir -m 700 back && cp home/settings back/
		(
			export EMRFS_HOME=$EMR_WORK/back
			run 0 init --restore copy --passphrase-file "$EMR_PASS"
			run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
			diff -r was "$MNT" >out/differs || { cat out/differs >&2; emr_fail "round $round: the restored folder differs"; }
			run 0 unmount
		) || exit 1
		restored=$((restored + 1))
	else
		[ -s out/said ] || [ -s out/complained ] || emr_fail "round $round: exit $code without a word"
		refused=$((refused + 1))
	fi
	rm -rf "$STATE" && cp -a whole "$STATE"
done
say "flips by place: ${flipped[*]}"
say "$ROUNDS rounds: $restored backups were restored to the same bytes, $refused said that they are not whole"
[ "$restored" -ge $((ROUNDS / 2)) ] || emr_fail "one file at a time is damaged as a rule: most must restore"
