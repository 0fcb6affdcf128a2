#!/bin/bash
# nodes.sh: two thousand records go out as a CAR, their blocks are lost here, and the node of the settings that was given the CAR brings
# them back. A walker that knows the codecs, and nothing of emrfs, tells what is in the CAR.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin nodes
cd "$EMR_WORK" || exit 2
RECORDS=2000
at_end() { [ -z "$node" ] || kill "$node" 2>/dev/null; }
mkdir node
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >out/node 2>&1 &
node=$!
emr_until test -f node/ready

walk() { python3 "$SUPPORT/car_walk.py" "$@" || emr_fail "car_walk $*"; }
picture() { (cd "$1" && find . -type f -printf '%p %s %T@\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
for ((d = 0; d < 10; d++)); do must mkdir -p "$MNT/Letters/$d/deep"; done
head -c 600000 /dev/urandom >"$MNT/Letters/scan"
for ((f = 0; f < RECORDS; f++)); do echo "letter $f" >"$MNT/Letters/$((f % 10))/deep/$f.txt"; done
run 0 status --wait
json 0 export / all.car
expect records "$(field records)" $((RECORDS + 1))
root=$(field root)
find "$MNT/Letters" -type f -exec getfattr --only-values --absolute-names -n user.emrfs.cid {} \; -printf '\n' | sort >cids
picture "$MNT/Letters" >wanted

say "one root leads to every record, and a node that pins it keeps all"
walk keep all.car kept.car
expect "collected" "$(walk below kept.car | sort | sha256sum)" "$(walk below all.car | sort | sha256sum)"
expect "bytes after a collection" "$(stat -c %s kept.car)" "$(stat -c %s all.car)"
expect "the root" "$(walk names all.car | sed -n 's|^/ ||p')" "$root"
expect "records below the root" "$(walk names all.car | cut -d' ' -f2 | sort -u | comm -12 - <(sort -u cids) | wc -l)" $((RECORDS + 1))
run 0 unmount

say "their blocks are lost here, and no node is known"
python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" all.car >/dev/null
rm -rf "$EMRFS_HOME/cache"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
cat "$MNT/Letters/scan" >/dev/null 2>&1 && emr_fail "it was read from nowhere"
run 0 unmount

say "a node that was given the CAR brings each of them back"
must curl -sS -A emrfs/by-hand -H Expect: --unix-socket node/good.sock -F file=@all.car 'http://node/api/v0/dag/import?pin-roots=true&stats=true&timeout=60s' >out/given
grep -qF "$root" out/given || emr_fail "$(cat out/given)"
echo "node = unix:$EMR_WORK/node/good.sock" >>"$EMRFS_HOME/settings"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
picture "$MNT/Letters" >found
diff wanted found || emr_fail "other files than went out"
json 0 verify
expect faults "$(field bad)" "[]"
run 0 unmount
echo "all is well"
