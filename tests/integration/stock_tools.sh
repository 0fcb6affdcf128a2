#!/bin/bash
# stock_tools.sh: records on a live node are ordinary IPFS: for sizes at the edges of chunks and leaves `ipfs add` gives a record the CID
# that emrfs gave it, and a node that `ipfs dag import` gave an exported CAR brings back what is lost here.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
kubo_begin stock_tools
kubo() { IPFS_PATH=$EMR_WORK/net/$1 "$KUBO" "${@:2}"; }
has_state() { [ "$(attribute state "$1")" = "$2" ]; }
# The words of doc/operate.md.
like_ours() { kubo 1 add --quieter --only-hash --progress=false --cid-version=1 --raw-leaves --chunker=size-262400 --max-file-links=1024 --hash=sha2-256 --trickle=false "$@"; }
sizes="0 1 16383 16384 16385 262143 262144 262145 524288 524289 4000000"

must "$NETWORK" up net >/dev/null
emr_init
echo "node = unix:$EMR_WORK/net/1/api.sock" >>"$EMRFS_HOME/settings"
emr_mount
mkdir "$MNT/Imaging" records cars
for bytes in $sizes; do head -c "$bytes" /dev/urandom >"records/$bytes"; done
cp records/* "$MNT/Imaging"
for bytes in $sizes; do emr_until has_state "$MNT/Imaging/$bytes" "confirmed 2/2"; done

say "ipfs add names each of them as emrfs does"
for bytes in $sizes; do
	attribute cid "$MNT/Imaging/$bytes" >"cars/$bytes.cid"
	bundle=$(<"cars/$bytes.cid")
	must kubo 1 get --progress=false -o "got-$bytes" "$bundle" >out/got 2>&1
	expect "what it lists of $bytes" "$(ls "got-$bytes" | xargs)" "c m"
	expect "its name for $bytes" "$(like_ours -r "got-$bytes")" "$bundle"
	expect "its name for the content of $bytes" "$(like_ours "got-$bytes/c")" "$(kubo 1 ls --size=false "$bundle" | awk '$NF == "c" { print $1 }')"
done

say "the files in which this computer keeps them are CARs that ipfs reads"
emr_unmount
for segment in "$EMRFS_HOME"/state/blocks/seg-*.car; do must kubo 3 dag import --pin-roots=false "$segment" >/dev/null; done
must kubo 3 cat "$(<cars/4000000.cid)/m" >/dev/null
emr_mount

say "a folder without a node exports them, and this computer loses them"
must "$EMRFS" export Imaging out/all.car >out/said 2>&1
emr_unmount
sed -i '/^node/d' "$EMRFS_HOME/settings"
rm -rf "$EMRFS_HOME/cache"
python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/all.car >/dev/null
emr_mount
cat "$MNT/Imaging/262144" >/dev/null 2>&1 && emr_fail "it was read from nowhere"
emr_unmount

say "another node, which is given the CAR by ipfs and named in the settings, brings each back as it was"
must kubo 3 dag import --pin-roots out/all.car >/dev/null
echo "node = unix:$EMR_WORK/net/3/api.sock" >>"$EMRFS_HOME/settings"
emr_mount
for bytes in $sizes; do
	cmp "records/$bytes" "$MNT/Imaging/$bytes" || emr_fail "$bytes: other bytes"
	expect "CID of $bytes" "$(attribute cid "$MNT/Imaging/$bytes")" "$(<"cars/$bytes.cid")"
	expect "version of $bytes" "$(attribute version "$MNT/Imaging/$bytes")" 1
done
run 0 verify
emr_unmount
sed -i '/^node/d' "$EMRFS_HOME/settings"
emr_mount

say "more records than one push may have: a node that takes their one CAR keeps each of them"
mkdir letters
for ((i = 0; i < 620; i++)); do echo "letter $i" >"letters/$i"; done
must cp -r letters "$MNT/Letters"
run 0 status --wait
json 0 export Letters out/letters.car
expect records "$(field records)" 620
root=$(field root)
kubo 3 pin ls --type=recursive -q >before
must kubo 3 dag import --pin-roots out/letters.car >/dev/null
kubo 3 pin ls --type=recursive -q | sort | comm -13 <(sort before) - >pinned
expect "pins" "$(cat pinned)" "$root"
must kubo 3 repo gc >/dev/null
must kubo 3 dag export --progress=false "$root" >cars/letters.car
blocks() { python3 "$SUPPORT/car_walk.py" below "$1" | sort; }
cmp <(blocks out/letters.car) <(blocks cars/letters.car) || emr_fail "other blocks after a collection"
[ "$(blocks cars/letters.car | wc -l)" -gt 620 ] || emr_fail "fewer blocks than records"

say "and what is given to a node by itself, in as many pushes as it takes, is pinned one by one"
emr_unmount
echo "node = unix:$EMR_WORK/net/2/api.sock" >>"$EMRFS_HOME/settings"
emr_mount
all_are_there() { [ "$(getfattr --absolute-names -n user.emrfs.state "$MNT"/Letters/* | grep -cF '"confirmed 2/2"')" = 620 ]; }
emr_until all_are_there
must kubo 2 repo gc >/dev/null
kubo 2 pin ls --type=recursive -q | sort >pinned
getfattr --absolute-names -n user.emrfs.cid "$MNT"/Letters/* | sed -n 's/^user.emrfs.cid="\(.*\)"$/\1/p' | sort >cids
expect "letters that it pins" "$(comm -12 cids pinned | wc -l)" 620
# shellcheck disable=SC2046
must kubo 2 dag stat --offline --progress=false $(<cids) >/dev/null
emr_unmount
echo "all is well"
