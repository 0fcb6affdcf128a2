#!/bin/bash
# fetch_write.sh: a file whose blocks only a node has any more is written to, cut, moved, shared and backed up as if they were
# here; where the node is away, it is said which, and nothing is lost.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
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
# The blocks of what was exported are on the node alone from here on.
taken_away() {
	emr_unmount
	taken=$(python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/all.car) || emr_fail "take_blocks"
	rm -rf "$EMRFS_HOME/cache"
	emr_mount
}

mkdir node
node_up
emr_init
echo "node = unix:$NODE" >>"$EMRFS_HOME/settings"
emr_mount
mkdir -p records "$MNT/Imaging/inner" "$MNT/Letters"
for name in middle appended cut longer moved old away; do
	head -c 2500000 /dev/urandom >records/$name
	cp records/$name "$MNT/Imaging/$name"
done
echo "deep" >records/deep && cp records/deep "$MNT/Imaging/inner/deep"
for name in middle appended cut longer moved old away inner/deep; do emr_until everywhere Imaging/$name; done
run 0 export Imaging out/all.car
taken_away
[ "$taken" -gt 60 ] || emr_fail "only $taken blocks were taken away"

say "a write into the middle, one at the end, and a cut bring what they need, and are published"
printf 'in the middle' | dd of=records/middle bs=1 seek=1000000 conv=notrunc status=none
printf 'in the middle' | dd of="$MNT/Imaging/middle" bs=1 seek=1000000 conv=notrunc status=none || emr_fail "into the middle"
echo "more" >>records/appended
echo "more" >>"$MNT/Imaging/appended" || emr_fail "at the end"
truncate -s 700001 records/cut
truncate -s 700001 "$MNT/Imaging/cut" || emr_fail "a cut"
truncate -s 3000000 records/longer
truncate -s 3000000 "$MNT/Imaging/longer" || emr_fail "longer"
for name in middle appended cut longer; do
	cmp records/$name "$MNT/Imaging/$name" || emr_fail "$name: other bytes"
	emr_until everywhere Imaging/$name
	expect "$name: version" "$(attribute version "$MNT/Imaging/$name")" 2
done

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
json 0 status
[ "$(field not_whole)" -gt 2 ] || emr_fail "not whole: $(field not_whole)"
expect "state" "$(attribute state "$MNT/Imaging/away")" "confirmed 1/2"
run 0 status
says "Not all of it is on this disk"
says "brings home what your IPFS nodes have"
run 3 copies Imaging/away
grep -q "^this computer  *0 of 1$" out/said || emr_fail "$(cat out/said)"
json 0 backup "$EMR_WORK/copy"
[ "$(field brought_bytes)" -gt 5000000 ] || emr_fail "brought: $(field brought_bytes)"
expect "missing" "$(field missing)" 0
expect "state" "$(attribute state "$MNT/Imaging/away")" "confirmed 2/2"
json 0 status
expect "not whole" "$(field not_whole)" 0
json 0 backup "$EMR_WORK/copy"
expect "brought again" "$(field brought_bytes)" 0

say "a node that is away: a write says which, changes nothing, and a move waits for it and keeps nothing else back"
taken_away
node_down
(echo "lost" >>"$MNT/Imaging/away") 2>complaint && emr_fail "written over what is not there"
grep -q "No route to host" complaint || emr_fail "$(cat complaint)"
(truncate -s 100 "$MNT/Imaging/away") 2>complaint && emr_fail "cut what is not there"
grep -q "place-away.*Imaging/away.*$NODE" "$MNT/.emrfs/notices" || emr_fail "$(cat "$MNT/.emrfs/notices")"
expect "size" "$(stat -c %s "$MNT/Imaging/away")" 2500000
must mv "$MNT/Imaging/old" "$MNT/Letters/old"
echo "a letter" >"$MNT/Letters/new"
must confirmed_version "$MNT/Letters/new" >/dev/null
noticed() { grep -q "place-away.*Letters/old.*$NODE" "$MNT/.emrfs/notices"; }
emr_until noticed
: >"$MNT/Imaging/away" || emr_fail "to nothing needs none of it"
expect "emptied" "$(cat "$MNT/Imaging/away")" ""
run 0 status
says "Not all of it is on this disk"
node_up
run 0 status --wait=2min
cmp records/old "$MNT/Letters/old" || emr_fail "old: other bytes"
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
