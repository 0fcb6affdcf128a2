#!/bin/bash
# tests/campaign/ipfs-carry.sh - an export lives through a real IPFS node, and emrfs opens what the node gives back.
#
#   EMRFS=PROGRAM tests/campaign/ipfs-carry.sh /path/to/ipfs
#
# Saves records of sizes at the edges of chunks and leaves, and two thousand small ones; exports them; lets the given ipfs program (0.43.1
# when this was written) import, pin, collect, list, get, add and export them again, offline, in a repository of its own; and imports
# what comes back into the folder they are from and into one with the same keyring that does not know them.
# Status 0: all of it is so; 1: something is not; 77: this computer cannot open folders.
case ${1:-} in
'' | -*)
	sed -n '2,/^case/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
kubo=$(realpath "$1")
SUPPORT=$(cd "$(dirname "$0")/../support" && pwd)
. "$SUPPORT/mount.sh"
emr_begin ipfs-carry
cd "$EMR_WORK" || exit 2
SIZES='0 1 16383 16384 262143 262144 262145 5000000 40000000'
RECORDS=2000
export IPFS_PATH=$EMR_WORK/repo IPFS_TELEMETRY=off

ipfs() { "$kubo" --offline "$@" 2>>"$EMR_WORK/ipfs.log" || emr_fail "ipfs $*: $(tail -3 "$EMR_WORK/ipfs.log")"; }
# As README says it.
like_ours() {
	ipfs add --quieter --only-hash --cid-version=1 --raw-leaves --chunker=size-262400 --max-file-links=1024 --hash=sha2-256 --trickle=false "$@"
}
cid_of() { getfattr --only-values --absolute-names -n user.emrfs.cid "$MNT/$1"; }
sums() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

"$kubo" version
ipfs init --profile test --empty-repo >/dev/null
emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 backup early
must mkdir -p "$MNT/Sizes" "$MNT/Letters"
for size in $SIZES; do head -c "$size" /dev/urandom >"$MNT/Sizes/$size"; done
for ((f = 0; f < RECORDS; f++)); do echo "letter $f" >"$MNT/Letters/$f"; done
run 0 status --wait
json 0 export / all.car
root=$(field root)

say "the node pins one root, and keeps all of it when it collects"
ipfs dag import --pin-roots --stats all.car
expect "pins" "$(ipfs pin ls -q --type=recursive | grep -v '^QmUNLL')" "$root"
ipfs repo gc --silent
ipfs repo verify >/dev/null
ipfs dag export --progress=false "$root" >back.car
expect "blocks" "$(python3 "$SUPPORT/car_walk.py" below back.car | sort | sha256sum)" "$(python3 "$SUPPORT/car_walk.py" below all.car | sort | sha256sum)"

say "ipfs add of what ipfs get made gives the same names"
ipfs get -o got "/ipfs/$root" >/dev/null
expect "the root" "$(like_ours -r got)" "$root"
for size in $SIZES; do
	bundle=$(cid_of "Sizes/$size")
	for part in c m; do
		ipfs cat "/ipfs/$bundle/$part" >bytes
		expect "$part of $size bytes" "$(like_ours bytes)" "$(ipfs resolve "/ipfs/$bundle/$part" | sed 's|/ipfs/||')"
	done
done

say "a node gives back one record, and it is the record that it was"
for size in $SIZES; do
	bundle=$(cid_of "Sizes/$size")
	cp "$MNT/Sizes/$size" original
	rm "$MNT/Sizes/$size"
	run 0 status --wait
	ipfs dag export --progress=false "$bundle" >one.car
	json 0 import one.car
	expect "$size bytes" "$(field records)" 1
	cmp original "$MNT/Sizes/$size" || emr_fail "$size bytes"
	run 0 status --wait
	expect "the CID of $size bytes" "$(cid_of "Sizes/$size")" "$bundle"
done

say "and all of them, where no ledger knows them"
sums "$MNT" >wanted
run 0 unmount
EMRFS_HOME=$EMR_WORK/elsewhere
run 0 init --restore early --passphrase-file "$EMR_PASS"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
json 0 import back.car
expect "records" "$(field records)" $((RECORDS + $(wc -w <<<"$SIZES")))
sums "$MNT" >found
diff wanted found || emr_fail "other files than went out"
run 0 unmount
echo "all is well"
