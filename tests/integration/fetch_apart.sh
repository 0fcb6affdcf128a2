#!/bin/bash
# fetch_apart.sh: the directory of a network is away. The owner reads the folder from a node and from what was read before, changes nothing,
# is told why, and finds everything as it was when the directory is back.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin fetch_apart
at_end() {
	two_end
	[ -z "${node:-}" ] || kill "$node" 2>/dev/null
}
mkdir node
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >out/node 2>&1 &
node=$!
emr_until test -f node/ready
TWO_ALONE=1
two_network "São Lucas"
two_home hospital
echo "node = unix:$EMR_WORK/node/good.sock" >>hospital/settings
two_mount hospital
mkdir mine && head -c 1000000 /dev/urandom >mine/scan && echo "finding, benign" >mine/letter && echo "first" >mine/note
must mkdir hospital-folder/Imaging
must cp mine/* hospital-folder/Imaging
everywhere() { [ "$(attribute state "hospital-folder/Imaging/$1")" = "confirmed 2/2" ]; }
for name in scan letter note; do emr_until everywhere $name; done
run 0 keep Imaging
says "all in $NET/blocks"
two_unmount hospital

say "what was registered is read from the node; what was not is not shown, and nothing can be changed"
cp -a hospital/state before
mv "$NET" "$NET.away"
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
says "is away: your folder is open for reading, as far as your IPFS nodes have it"
diff -r mine hospital-folder/Imaging || emr_fail "other bytes"
expect "signature" "$(attribute signature hospital-folder/Imaging/letter | cut -d' ' -f1)" self
expect "copies" "$(attribute state hospital-folder/Imaging/scan)" "confirmed 1/2"
(echo "x" >hospital-folder/Imaging/new) 2>complaint && emr_fail "something was written"
grep -q "Read-only file system" complaint || emr_fail "$(cat complaint)"
rm hospital-folder/Imaging/note 2>/dev/null && emr_fail "something was removed"
expect "others" "$(ls hospital-folder/shared-with-me 2>/dev/null)" ""
json 0 status
expect "read only" "$(field read_only)" True
expect "whole on a node for certain" "$(field pinned)" 0
expect "copies of each" "$(field copies)" 0
run 0 status
says "$NET"
says "Not all of it is on this disk"
grep -q "let go there yet" out/said && emr_fail "what is away is called erased: $(cat out/said)"
run 0 unmount

say "a gateway is enough for reading, also behind one that lies and one that is away; the node that lacks it is asked first"
rm -rf hospital/cache
cp hospital/settings settings
sed -i '/^node/d' hospital/settings
for name in wrong-bytes nobody good; do echo "gateway = unix:$EMR_WORK/node/$name.sock" >>hospital/settings; done
echo "node = unix:$EMR_WORK/node/lacks.sock" >>hospital/settings
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
diff -r mine hospital-folder/Imaging || emr_fail "other bytes"
expect "places that get copies" "$(attribute state hospital-folder/Imaging/scan | cut -d/ -f2)" 2
run 0 unmount
run 3 check --network
says "unix:$EMR_WORK/node/good.sock answers"
sed -i '/good.sock/d' hospital/settings
rm -rf hospital/cache
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
cat hospital-folder/Imaging/letter >read 2>/dev/null && emr_fail "it was read from one that lies"
expect "bytes of a lie" "$(wc -c <read)" 0
run 0 unmount
cp settings hospital/settings
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
diff -r mine hospital-folder/Imaging || emr_fail "other bytes"
run 0 unmount

say "without the node, too, what was read before opens; the rest says which place is away"
kill "$node" && wait "$node" 2>/dev/null
node=
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
diff -r mine hospital-folder/Imaging || emr_fail "not from the cache"
run 0 unmount

say "and goes on doing so however old it is, because nobody can say what else has it"
touch -d "1 year ago" hospital/cache/blocks/*
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
for _ in 1 2 3; do run 0 status; done # each looks
run 0 unmount
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
diff -r mine hospital-folder/Imaging || emr_fail "not from the cache"
run 0 unmount
rm -rf hospital/cache
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
expect "names" "$(ls hospital-folder/Imaging | wc -l)" 3
cat hospital-folder/Imaging/letter 2>complaint >/dev/null && emr_fail "read from nowhere"
grep -q "No route to host" complaint || emr_fail "$(cat complaint)"
run 0 unmount

say "the directory is back: everything is as it was, and is changed again"
mv "$NET.away" "$NET"
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
[ ! -e hospital/state/apart ] || emr_fail "an empty store is left"
diff -r mine hospital-folder/Imaging || emr_fail "not as it was"
echo "second" >hospital-folder/Imaging/note
run 0 status --wait=2min
expect "version" "$(attribute version hospital-folder/Imaging/note)" 2
json 0 verify
run 0 unmount

say "where the ledger of the directory alone is away, writing goes on, and is registered when it is back"
mv "$NET/ledger" "$NET/ledger.away"
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
echo "third" >hospital-folder/Imaging/note
echo "another" >hospital-folder/Imaging/new
run 0 status
says "2 changes waiting for the ledger"
run 4 unmount
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
expect "after a remount" "$(cat hospital-folder/Imaging/note hospital-folder/Imaging/new | tr '\n' ' ')" "third another "
run 4 unmount
mv "$NET/ledger.away" "$NET/ledger"
run 0 mount --passphrase-file "$EMR_PASS" hospital-folder
run 0 status --wait=2min
expect "version" "$(attribute version hospital-folder/Imaging/note)" 3
json 0 verify
run 0 unmount
echo "all is well"
