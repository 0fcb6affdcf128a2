#!/bin/bash
# copies_told.sh: answers about copies are true when they are given: by `copies --repair`, `status --wait=copies`, `unmount` and `erase`,
# with a node that is away, that came back empty, or that left the settings, with this computer's own blocks gone, and with one leaf of a
# record gone everywhere.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin copies_told
node=
stop() {
	kill "$node" && wait "$node" 2>/dev/null
	node=
	rm -f node/*.sock node/ready
}
at_end() { [ -z "$node" ] || kill "$node" 2>/dev/null; }
start() {
	python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >out/node 2>&1 &
	node=$!
	emr_until test -f node/ready
}
cd "$EMR_WORK" || exit 2
mkdir node
name=unix:$EMR_WORK/node/fills.sock # which takes nothing while node/full is there
P="--yes --passphrase-file $EMR_PASS"
start
emr_init
echo "node = $name" >>"$EMRFS_HOME/settings"
emr_mount
save() { head -c 100000 /dev/urandom >"$MNT/$1"; }
at_node() { python3 -c 'import json; print([p["copies"] for p in json.load(open("out/said"))["places"]][1])'; }
# left prints the names that were not reached, and the field `finished`.
left() { python3 -c 'import json; a = json.load(open("out/said")); print(*[l["who"] for l in a["not_reached"]], a["finished"])'; }

say "status --wait=copies returns when the node has what was just saved"
for i in 1 2 3 4; do save $i; done
json 0 status --wait=copies
json 0 copies
expect "has all" "$(at_node)" 4
run 2 status --wait=copied

say "copies --repair says what the node has now, and not what it had"
: >node/full # what it lacks is not sent again before it is counted
rm -rf node/blocks
json 3 copies --repair
expect "has" "$(at_node)" 0
rm node/full
"$EMRFS" copies --repair >out/said # it is tried at once
json 0 status --wait=copies
json 0 copies
expect "has all again" "$(at_node)" 4

say "erase is finished when the node has let go"
json 0 erase 1 $P
expect "left" "$(left)" "True"

say "a node that is away: erase names it and is not finished, and unmount says what has too few copies"
stop
save 5
json 0 status --wait
json 3 erase 2 $P
expect "left" "$(left)" "$name False"
run 3 erase --deleted $P
says "Not reached: $name: it has, or may have, 1 version; it is told until it lets go"
run 0 unmount
says "Fewer copies than wanted: 1 version."

say "a node that left the settings is named, as it is told nothing; in the settings again it lets go"
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
emr_mount
json 0 erase 3 $P
expect "left" "$(left)" "$name True"
run 0 unmount
says_not "Fewer copies"
echo "node = $name" >>"$EMRFS_HOME/settings"
start
emr_mount
let_go() { json 0 erase --deleted $P && [ "$(left)" = True ]; }
emr_until let_go
json 0 status --wait=copies
run 0 unmount
says_not "Fewer copies"

say "one leaf of a record is gone here and at the node: its reader is told that, and not that it is late, and the node counts no more"
emr_mount
head -c 900000 /dev/urandom >"$MNT/scan"
json 0 status --wait=copies
must "$EMRFS" export scan out/scan.car >out/said
must "$SUPPORT/car_walk.py" export out/scan.car "$(attribute cid "$MNT/scan")" out/record.car
emr_unmount
"$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/record.car >/dev/null
rm "$(find node/blocks -name '*.data' -size +200k -newer out/said -o -name '*.data' -size +250k | head -1)"
emr_mount
cat "$MNT/scan" >read 2>/dev/null && emr_fail "it was read from nowhere"
emr_until grep -q "No copy of the data of scan can be found" "$MNT/.emrfs/notices"
! grep "is lost\|in time" "$MNT/.emrfs/notices" || emr_fail "it is said to be late"
lacks_scan() { json 3 copies scan && [ "$(at_node)" = 0 ]; }
emr_until lacks_scan
emr_unmount

say "this computer's own blocks are gone, and no node is named: nothing is said to be safe on this disk"
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
mv "$EMRFS_HOME/state/blocks" gone
mkdir "$EMRFS_HOME/state/blocks"
emr_mount
is_told() { json 0 status && [ "$(field not_whole)" = 3 ]; } # status waits half a second for who looks
emr_until is_told
run 0 status
says "Not all of it is on this disk"
says_not "Safe on this disk: all"
emr_unmount
echo "all is well"
