#!/bin/bash
# tests/campaign/ipfs-check.sh - asks a real Kubo whether the bytes of the store are what IPFS says they must be.
#
#   tests/campaign/ipfs-check.sh [--build DIR] [--work DIR] /path/to/ipfs
#
# Makes records of sizes at the edges of chunks and leaves, one of 1,024 leaves and one of more; then
# lets the given ipfs program (0.43.0 when this was written) import the segments, list and read the
# bundles, build the same bundles itself, take our archives and give us its own.  Everything runs
# offline in repositories of its own below --work (a new directory in /tmp; 2.5 GB), without a daemon.
# The helper is built below --build (build/campaign).  Prints one line for each thing checked.
# Status 0: all of it is so; 1: something is not, the files stay; 2: it could not be run.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build/campaign work=''
usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}
while [ $# -ge 2 ]; do
	case $1 in
	--build) build=$2 ;;
	--work) work=$2 ;;
	*) usage ;;
	esac
	shift 2
done
[ $# -eq 1 ] && [ -x "$1" ] || usage
kubo=$(realpath "$1")
cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEMRFS_CAMPAIGN=ON > /dev/null &&
	cmake --build "$build" --target ipfs_check > /dev/null || exit 2
helper=$(realpath "$build/tests/campaign/ipfs_check")
made=''
[ -n "$work" ] || made=$(mktemp -d) work=${work:-$made}
mkdir -p "$work" && cd "$work" || exit 2
work=$PWD
[ -z "$(ls -A)" ] || {
	echo "$work is not empty" >&2
	exit 2
}
log=$work/log failed=0 repo=none
: > "$log"

export HOME=$work IPFS_TELEMETRY=off
ipfs() {
	IPFS_PATH=$work/repo-$repo "$kubo" --offline "$@" 2>> "${errors:-$log}"
}
use_new_repo() { # NAME
	repo=$1
	ipfs init --profile test --empty-repo >> "$log" || exit 2
}
cannot() {
	echo "cannot: $1 (see $log)" >&2
	exit 2
}
check() { # SENTENCE COMMAND...
	local sentence=$1
	shift
	echo "## $sentence: $*" >> "$log"
	if "$@" >> "$log" 2>&1; then
		echo "ok      $sentence"
	else
		echo "NOT SO  $sentence"
		failed=1
	fi
}
refuses() { # COMMAND...
	! "$@"
}
same() { # TEXT TEXT
	echo "'$1' and '$2'"
	[ -n "$1" ] && [ "$1" = "$2" ]
}
import() { # DIRECTORY: every segment in it
	local segment
	for segment in "$1"/seg-*.car; do
		ipfs dag import --pin-roots=false --stats "$segment" || return 1
	done
}
like_ours() { # ARGUMENTS of add...: the root that Kubo's own importer computes
	ipfs add --quieter --only-hash --cid-version=1 --raw-leaves --chunker=size-262400 \
		--max-file-links=1024 --hash=sha2-256 --trickle=false "$@"
}
child() { # BUNDLE NAME: the CID of that entry
	ipfs ls --size=false --resolve-type=false "$1" | awk -v name="$2" '$NF == name { print $1 }'
}
names() { # BUNDLE
	ipfs ls --size=false --resolve-type=false "$1" | awk '{ print $NF }' | xargs
}
made_with_files_api() { # C M: the directory of these two
	ipfs files rm -r --force /bundle >> "$log"
	ipfs files mkdir --cid-version=1 /bundle && ipfs files cp "/ipfs/$1" /bundle/c &&
		ipfs files cp "/ipfs/$2" /bundle/m && ipfs files stat --hash /bundle
}

# One bundle as the repository in use has it, beside the leaves as our store has them.
bundle_is_ipfs() { # STORE SIZE CID
	local c m size=$2 cid=$3
	check "$size bytes: the bundle lists c and m, no more" same "$(names "$cid")" 'c m'
	c=$(child "$cid" c) m=$(child "$cid" m)
	rm -f c m leaves
	ipfs cat "$cid/c" > c
	ipfs cat "$cid/m" > m
	"$helper" leaves "$1" "$cid" > leaves || cannot 'read the leaves'
	check "$size bytes: c is the leaves, one after the other" cmp c leaves
	check "$size bytes: m is 1,140 bytes" same "$(stat -c %s m)" 1140
	check "$size bytes: ipfs add names c as we do" same "$(like_ours c)" "$c"
	check "$size bytes: ipfs add names m as we do" same "$(like_ours m)" "$m"
	check "$size bytes: ipfs add names the directory as we do" same "$(like_ours -w c m)" "$cid"
	check "$size bytes: so does ipfs files" same "$(made_with_files_api "$c" "$m")" "$cid"
}
# Our archive in, Kubo's archive out, and back.
archive_goes_round() { # STORE SIZE CID
	local size=$2 cid=$3
	rm -f ours.car kubos.car
	"$helper" export "$1" "$cid" > ours.car || cannot 'export'
	check "$size bytes: Kubo takes our archive and pins its root" ipfs dag import --pin-roots ours.car
	check "$size bytes: the bundle is pinned" same "$(ipfs pin ls -q --type=recursive "$cid")" "$cid"
	check "$size bytes: the garbage is collected" ipfs repo gc --silent
	ipfs dag export --progress=false "$cid" > kubos.car
	check "$size bytes: Kubo's archive is ours, byte for byte" cmp ours.car kubos.car
}

"$kubo" version | tee -a "$log" || exit 2
"$helper" write state \
	0 1 16383 16384 262143 262144 262145 5000000 268435455 270000000 > records ||
	cannot 'make the records'

echo '# closed segments'
use_new_repo closed
check 'Kubo imports closed segments as they are' import state/store
while read -r size cid; do
	bundle_is_ipfs state/store "$size" "$cid"
done < records
check 'the repository verifies' ipfs repo verify
rm -rf repo-closed

echo '# archives'
use_new_repo archives
while read -r size cid; do
	archive_goes_round state/store "$size" "$cid"
done < records
check 'the repository verifies' ipfs repo verify
rm -rf repo-archives state

echo '# segments of a store that is open, was killed, was opened again'
ends_in_zeros() { # FILE: the last 4 KiB
	[ "$(tail -c 4096 "$1" | tr -d '\0' | wc -c)" = 0 ]
}
coproc HOLD { exec "$helper" hold live 0 5000000; }
hold=$HOLD_PID
while read -r line <&"${HOLD[0]}" && [ "$line" != ready ]; do
	echo "$line"
done > records
[ "$(wc -l < records)" = 2 ] || cannot 'hold a store open'
cp -r live/store open
kill -9 "$hold"
wait "$hold" 2>> "$log"
cp -r live/store killed
"$helper" write live || cannot 'open after kill -9'
cp -r live/store reopened
segment=$(basename reopened/seg-*-000001.car)
last=$(tail -1 records | cut -d' ' -f2)

stops_at_zeros() { # DIRECTORY: the import fails, after the last section
	local errors=$work/errors
	: > "$errors"
	import "$1" && return 1
	cat "$errors"
	grep -q 'import failed after block' "$errors"
}
for copy in open killed; do
	use_new_repo "$copy"
	check "the segment ends in zeros ($copy)" ends_in_zeros "$copy/$segment"
	check "Kubo stops at the zeros and says so ($copy)" stops_at_zeros "$copy"
done
use_new_repo reopened
check 'once opened and closed again it ends with a section' refuses ends_in_zeros "reopened/$segment"
check 'and Kubo imports it' import reopened
while read -r size cid; do
	bundle_is_ipfs reopened "$size" "$cid"
done < records
check 'the repository verifies' ipfs repo verify

echo '# damaged segments'
truncate -s -1000 "$(cp -r reopened torn && echo "torn/$segment")"
cp -r reopened rotten
printf '\377\377\377\377' | dd of="rotten/$segment" bs=1 seek=3000000 conv=notrunc 2>> "$log"
for copy in torn rotten; do
	use_new_repo "$copy"
	check "Kubo refuses the segment ($copy)" refuses import "$copy"
	check "our check finds the place and repairs it ($copy)" "$helper" check "$copy"
	check "the bytes are in quarantine ($copy)" test -n "$(ls "$copy/quarantine")"
	check "Kubo imports the repaired segment ($copy)" import "$copy"
	check "the repository verifies ($copy)" ipfs repo verify
done
use_new_repo refused
"$helper" export reopened "$last" > whole.car || cannot 'export'
cp whole.car bad.car
printf '\377\377\377\377' | dd of=bad.car bs=1 seek=3000000 conv=notrunc 2>> "$log"
check 'Kubo refuses an archive with one wrong block' refuses ipfs dag import bad.car

[ $failed = 0 ] && [ -n "$made" ] && rm -rf "$made"
[ $failed = 0 ] || echo "not all of it is so: see $log" >&2
exit $failed
