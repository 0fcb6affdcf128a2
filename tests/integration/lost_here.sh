#!/bin/bash
# lost_here.sh: this computer loses parts of its owner's records - the pins, a block of the tree - while a node has them. They come
# back, and no room on the disk that may belong to them is given back meanwhile.  Blocks that this computer lost and then read from
# the node are not forgotten when the node loses them, too.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin lost_here
at_end() { [ -z "${node:-}" ] || kill "$node" 2>/dev/null; }
cd "$EMR_WORK" || exit 2
mkdir node mine
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >out/node 2>&1 &
node=$!
emr_until test -f node/ready
emr_init
alone() { printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"; }
with_node() { alone && echo "node = unix:$EMR_WORK/node/good.sock" >>"$EMRFS_HOME/settings"; }
whole() { diff -r mine "$MNT/Imaging" || emr_fail "other bytes"; }
everywhere() { [ "$(attribute state "$MNT/Imaging/$1")" = "confirmed 2/2" ]; }
pins() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM pin WHERE state = 2").fetchone()[0])' "$EMRFS_HOME/state/blocks/index.sqlite"; }

say "records are saved, and a node has them, too"
with_node
emr_mount
for name in scan film; do head -c 1000000 /dev/urandom >mine/$name; done
must mkdir "$MNT/Imaging"
must cp mine/* "$MNT/Imaging"
for name in scan film; do emr_until everywhere $name; done
emr_unmount
was=$(pins)

say "pins that are taken away are said again when the folder is opened, and who wants room back at once gets nothing of theirs"
expect "taken" "$("$SUPPORT/take_pins.py" "$EMRFS_HOME/state/blocks")" "$was"
expect "left" "$(pins)" 0
emr_mount
json 0 keep --purge
emr_unmount
expect "pins" "$(pins)" "$was"
rm -rf "$EMRFS_HOME/cache"
alone
emr_mount
whole
run 0 verify
emr_unmount

say "a tree whose node is away everywhere: what may be below it is not given back, which status says; then it is home, and it goes"
with_node
emr_mount
must "$EMRFS" export Imaging/film out/film.car >out/said
emr_unmount
alone
[ "$("$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/film.car --nodes)" -gt 0 ] || emr_fail "nothing was taken away"
emr_mount
json 0 status
expect "spared" "$(field spared_bytes)" 0
json 0 keep --purge
json 0 status
[ "$(field spared_bytes)" -gt 900000 ] || emr_fail "spared: $(field spared_bytes)"
run 0 status
says "are not given back: they may belong to a file a part of which is not here."
cmp -s mine/film "$MNT/Imaging/film" && emr_fail "it was read from nowhere"
emr_unmount
with_node
emr_mount
json 0 keep --purge # which brings home what leads to leaves
json 0 status
expect "spared" "$(field spared_bytes)" 0
whole
emr_unmount
rm -rf "$EMRFS_HOME/cache"
alone
emr_mount
whole
emr_unmount

say "a record is lost here and read from the node, and then the node loses it: what was read outlives its age in the cache"
with_node
echo 'cache-days = 1' >>"$EMRFS_HOME/settings"
emr_mount
must "$EMRFS" export Imaging/scan out/scan.car >out/said
must "$SUPPORT/car_walk.py" export out/scan.car "$(attribute cid "$MNT/Imaging/scan")" out/record.car
emr_until everywhere scan
emr_unmount
[ "$("$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/record.car)" -gt 5 ] || emr_fail "little was taken away"
emr_mount
must cmp mine/scan "$MNT/Imaging/scan"
way_is_home() { # all but leaves is in this computer's store
	PYTHONPATH=$SUPPORT python3 -c '
import glob, sys
from car_varint import sections
def blocks(name):
    data = open(name, "rb").read()
    return {data[b:b + 36]: e - b for b, e in sections(data)}
home = set().union(*map(blocks, glob.glob(sys.argv[1] + "/seg-*.car")))
sys.exit(any(size < 100000 and cid not in home for cid, size in blocks("out/record.car").items()))' "$EMRFS_HOME/state/blocks"
}
emr_until way_is_home
emr_unmount
rm -rf node/blocks node/pins
kill "$node" && wait "$node" 2>/dev/null
rm -f node/*.sock node/ready
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >out/node 2>&1 &
node=$!
emr_until test -f node/ready
rm "$EMRFS_HOME/state/copies" # or what the node said last is believed until it is asked again
find "$EMRFS_HOME/cache" -type f -exec touch -d '3 days ago' {} +
run 0 unmount --purge "$MNT" # of a folder that is closed: nobody can look, so the cache with the last copies stays
says "it may be the last copy"
emr_mount
emr_unmount --purge # before it was looked which are last copies, and once more when all of them are home
run 0 unmount --purge "$MNT"
says_not "it may be the last copy"
emr_mount
emr_until everywhere scan # given to the node again, which only a record can be that is whole here
emr_unmount
rm -rf "$EMRFS_HOME/cache"
alone
emr_mount
whole
emr_unmount
echo "all is well"
