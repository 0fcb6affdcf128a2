#!/bin/bash
# fetch_write.sh: only a node has the blocks of a file any more. The file is written to, cut, moved, shared and backed up as if they were
# here; where the node is away, or has other bytes by now, emrfs names it, and nothing is lost.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin fetch_write
at_end() { [ -z "${node:-}" ] || kill "$node" 2>/dev/null; }
cd "$EMR_WORK" || exit 2
NODE=$EMR_WORK/node/good.sock
node_up() {
	rm -f node/ready node/*.sock
	python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >out/node 2>&1 &
	node=$!
	emr_until test -f node/ready
}
node_down() { kill "$node" && wait "$node" 2>/dev/null; node=; }
everywhere() { [ "$(attribute state "$MNT/$1")" = "confirmed 2/2" ]; }
# The blocks of what was exported, or (--nodes) those above its leaves, are on the node alone from here on.
taken_away() {
	emr_unmount
	taken=$(python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" "${1:-out/all.car}" ${2:-}) || emr_fail "take_blocks"
	rm -rf "$EMRFS_HOME/cache"
	emr_mount
}

mkdir node && touch node/pins # it keeps its pins when it is down
node_up
emr_init
echo "node = unix:$NODE" >>"$EMRFS_HOME/settings"
emr_mount
mkdir -p records "$MNT/Imaging/inner" "$MNT/Letters"
names="middle appended cut longer moved old away rotten headless"
for name in $names; do
	head -c 800000 /dev/urandom >records/$name
	cp records/$name "$MNT/Imaging/$name"
done
echo "deep" >records/deep && cp records/deep "$MNT/Imaging/inner/deep"
echo "gone" >"$MNT/Imaging/gone"
echo "gone, too" >"$MNT/Imaging/gone-too"
for name in $names inner/deep gone gone-too; do emr_until everywhere Imaging/$name; done
run 0 export Imaging/headless out/headless.car
run 0 export Imaging/rotten out/rotten.car

say "what lies here below what only a node has is not taken for dead when something else is erased"
taken_away out/headless.car --nodes
[ "$taken" -gt 1 ] || emr_fail "only $taken blocks were taken away"
run 0 erase --yes --passphrase-file "$EMR_PASS" Imaging/gone
rm -rf "$EMRFS_HOME/cache"
node_down
cmp records/headless "$MNT/Imaging/headless" || emr_fail "headless: other bytes"
node_up

say "nor what lies below what was brought from a node that is away by now"
taken_away out/headless.car --nodes
run 0 export Imaging/headless out/brought.car
node_down
run 3 erase --yes --passphrase-file "$EMR_PASS" Imaging/gone-too
emr_unmount
rm -rf "$EMRFS_HOME/cache"
emr_mount
cmp records/headless "$MNT/Imaging/headless" || emr_fail "headless: other bytes, without the node"
emr_unmount
node_up
emr_mount
run 0 export Imaging out/all.car
taken_away
[ "$taken" -gt 40 ] || emr_fail "only $taken blocks were taken away"

say "a write into the middle, one at the end, and a cut bring what they need, and are published"
printf 'in the middle' | dd of=records/middle bs=1 seek=500000 conv=notrunc status=none
printf 'in the middle' | dd of="$MNT/Imaging/middle" bs=1 seek=500000 conv=notrunc status=none || emr_fail "into the middle"
echo "more" >>records/appended
echo "more" >>"$MNT/Imaging/appended" || emr_fail "at the end"
truncate -s 300001 records/cut
truncate -s 300001 "$MNT/Imaging/cut" || emr_fail "a cut"
truncate -s 900000 records/longer
truncate -s 900000 "$MNT/Imaging/longer" || emr_fail "longer"
for name in middle appended cut longer; do
	cmp records/$name "$MNT/Imaging/$name" || emr_fail "$name: other bytes"
	emr_until everywhere Imaging/$name
	expect "$name: version" "$(attribute version "$MNT/Imaging/$name")" 2
done

say "a leaf that is other bytes on the node by now: a write is refused and says so, and changes nothing; put right, it goes on"
# The first leaf of a CAR, where the node keeps it.
leaf=node/blocks/$(python3 - out/rotten.car "$SUPPORT" <<'PY'
import base64, sys
sys.path.insert(0, sys.argv[2])
from car_varint import sections
car = open(sys.argv[1], "rb").read()
cid = next(car[at:at + 36] for at, end in sections(car) if car[at + 1] == 0x55 and end - at > 200000)
name = base64.b32encode(cid[2:]).decode().rstrip("=")
print(f"{name[-3:-1]}/{name}.data")
PY
) || emr_fail "no leaf"
flip() { python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(1000); b = f.read(1)[0]; f.seek(1000); f.write(bytes([b ^ 1]))' "$leaf"; }
flip
(echo "lost" >>"$MNT/Imaging/rotten") 2>complaint && emr_fail "written over what is not what it was"
[ -s complaint ] || emr_fail "refused without a word"
grep -q "Imaging/rotten" "$MNT/.emrfs/notices" || emr_fail "$(cat "$MNT/.emrfs/notices")"
expect "size" "$(stat -c %s "$MNT/Imaging/rotten")" 800000
expect "version" "$(attribute version "$MNT/Imaging/rotten")" 1
cmp -s records/rotten "$MNT/Imaging/rotten" && emr_fail "the rot is not there: then there is nothing to see here"
flip
goes_on() { echo "more" >>"$MNT/Imaging/rotten"; }
emr_until goes_on
echo "more" >>records/rotten
cmp records/rotten "$MNT/Imaging/rotten" || emr_fail "rotten: other bytes"

say "a version before comes back, and what moves under another key or is shared goes along"
run 0 restore Imaging/middle@v1
cp records/old records/was && cmp "$MNT/Imaging/old" records/was || emr_fail "old: other bytes"
taken_away
must mv "$MNT/Imaging/moved" "$MNT/Letters/moved"
must mv "$MNT/Imaging/inner" "$MNT/Letters/inner"
run 0 status --wait=2min
for name in moved inner/deep; do cmp records/${name#*/} "$MNT/Letters/$name" || emr_fail "$name: other bytes"; done

say "what is missing here is not called safe, and is no copy; a backup brings it first, and is whole"
taken_away
is_told() { json 0 status && [ "$(field not_whole)" -gt 2 ]; } # status waits half a second for who looks
emr_until is_told
expect "state" "$(attribute state "$MNT/Imaging/away")" "confirmed 1/2"
run 0 status
says "Not all of it is on this disk"
says "brings home what your IPFS nodes have"
run 3 copies Imaging/away
grep -q "^this computer  *0 of 1$" out/said || emr_fail "$(cat out/said)"
json 0 backup "$EMR_WORK/copy"
[ "$(field brought_bytes)" -gt 1500000 ] || emr_fail "brought: $(field brought_bytes)"
expect "missing" "$(field missing)" 0
expect "state" "$(attribute state "$MNT/Imaging/away")" "confirmed 2/2"
is_whole() { json 0 status && [ "$(field not_whole)" = 0 ]; }
emr_until is_whole
json 0 backup "$EMR_WORK/copy"
expect "brought again" "$(field brought_bytes)" 0

say "a node that is away: a write says which, changes nothing, and a move waits for it and keeps nothing else back"
root=$(attribute cid "$MNT/Imaging/headless")
taken_away out/all.car "--but=$root"
node_down
(echo "lost" >>"$MNT/Imaging/away") 2>complaint && emr_fail "written over what is not there"
grep -q "No route to host" complaint || emr_fail "$(cat complaint)"
(truncate -s 100 "$MNT/Imaging/away") 2>complaint && emr_fail "cut what is not there"
grep -q "place-away.*Imaging/away.*$NODE" "$MNT/.emrfs/notices" || emr_fail "$(cat "$MNT/.emrfs/notices")"
expect "size" "$(stat -c %s "$MNT/Imaging/away")" 800000
must mv "$MNT/Imaging/old" "$MNT/Letters/old"
echo "a letter" >"$MNT/Letters/new"
must confirmed_version "$MNT/Letters/new" >/dev/null
noticed() { grep -q "place-away.*Letters/$1.*$NODE" "$MNT/.emrfs/notices"; }
emr_until noticed old
must mv "$MNT/Imaging/headless" "$MNT/Letters/headless" # whose first block is here, and nothing below it
emr_until noticed headless
: >"$MNT/Imaging/away" || emr_fail "to nothing needs none of it"
expect "emptied" "$(cat "$MNT/Imaging/away")" ""
run 0 status
says "Not all of it is on this disk"
node_up
for name in old headless; do emr_until cmp -s records/$name "$MNT/Letters/$name"; done
must touch "$MNT/Letters/old" "$MNT/Letters/headless" # what is changed is looked at before what was waited for is asked for again
run 0 status --wait=2min
for name in old headless; do cmp records/$name "$MNT/Letters/$name" || emr_fail "$name: other bytes"; done
grep "^.*refused.*Letters" "$MNT/.emrfs/notices" && emr_fail "a move that waited was given up"
emr_unmount

say "without a node, too: what was lost is counted, and it is said where else to look"
sed -i '/^node/d' "$EMRFS_HOME/settings"
rm "$EMRFS_HOME"/state/blocks/seg-*
emr_mount
run 0 status
says "Not whole on this computer"
says "emrfs init --restore $EMR_WORK/copy"
run 8 verify
says "Where else they may be: emrfs status"
run 3 copies Imaging/cut
expect "state" "$(attribute state "$MNT/Imaging/cut")" "confirmed 0/1"
emr_unmount
echo "all is well"
