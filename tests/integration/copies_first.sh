#!/bin/bash
# copies_first.sh: a person wants copies before the ledger hears of a file (copies-before-register). Nothing is registered before live nodes
# have all of it, also when a node, the mount, or one's own file ends in between. Nodes that only claim to have it do not count.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
at_end() {
	[ -z "${fake:-}" ] || kill "$fake" 2>/dev/null
	kubo_end
}
kubo_begin copies_first
stop_node() { read -r pid _ <"net/$1.pid" && kill -9 "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null; }
has_state() { [ "$(attribute state "$MNT/$1")" = "$2" ]; }
settings() { printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings" && printf '%s\n' "$@" >>"$EMRFS_HOME/settings"; }
live() { echo "node = unix:$EMR_WORK/net/$1/api.sock"; }
# Whether the node itself has all of CID.
holds() { IPFS_PATH=$EMR_WORK/net/$1 "$KUBO" pin ls --type=recursive "$2" && IPFS_PATH=$EMR_WORK/net/$1 "$KUBO" dag stat --offline --progress=false "$2"; } >/dev/null 2>&1
entries() { run 0 ledger --json && python3 -c 'import json, sys; print(sum(e["op"] == "PUT" for e in json.load(open(sys.argv[1]))["entries"]))' out/said; }

must "$NETWORK" up net >/dev/null
emr_init
settings "copies-before-register = 3" "$(live 1)" "$(live 2)"
emr_mount

say "what two nodes and this computer have is registered, and each of them has it then"
must mkdir "$MNT/Imaging"
for i in 1 2 3; do head -c $((i * 100000)) /dev/urandom >scan-$i && must cp scan-$i "$MNT/Imaging/$i"; done
for i in 1 2 3; do emr_until has_state Imaging/$i "confirmed 3/3"; done
for i in 1 2 3; do
	for n in 1 2; do holds $n "$(attribute cid "$MNT/Imaging/$i")" || emr_fail "node $n does not hold $i"; done
done
expect "on the ledger" "$(entries)" 3

say "a node that is away: nothing new is registered, which is said, and what brings nothing new goes on"
stop_node 2
must cp scan-1 "$MNT/Imaging/late"
emr_until has_state Imaging/late "pending 2/3"
must cp scan-2 "$MNT/Imaging/later"	# behind it
emr_until has_state Imaging/later "pending 1/3"
must mv "$MNT/Imaging/3" "$MNT/Imaging/three"
renamed() { run 0 ledger Imaging/three --json && python3 -c 'import json, sys; sys.exit(json.load(open("out/said"))["entries"][0]["op"] != "META")'; }
emr_until renamed
must rm "$MNT/Imaging/2"
json 0 status
expect "waiting" "$(field awaiting_copies) $(field copies_first)" "2 3"
run 0 status
says "Waiting for 3 copies, this computer's included, before the ledger: 2 files."
run 0 status Imaging/late
says "waiting for copies: 2 of 3"
json 0 copies Imaging/late
expect "counted, waiting" "$(field files) $(field waiting)" "0 1"
run 0 copies Imaging/late
says "Not on the ledger yet as they are, and so not counted: 1 file"
run 4 status --wait=1s
cmp scan-1 "$MNT/Imaging/late" || emr_fail "other bytes"
expect "on the ledger" "$(entries)" 3

say "killed meanwhile, nothing is lost, and nothing is registered by opening the folder"
emr_kill
emr_mount
emr_until has_state Imaging/late "pending 2/3"
cmp scan-1 "$MNT/Imaging/late" && cmp scan-2 "$MNT/Imaging/later" || emr_fail "other bytes"
expect "on the ledger" "$(entries)" 3

say "what is erased while it waits never gets there"
must cp scan-3 "$MNT/Imaging/erased"
emr_until has_state Imaging/erased "pending 1/3"
echo "another text" >"$MNT/Imaging/later"	# in no batch yet: what is erased has the others made again
run 3 erase --yes --passphrase-file "$EMR_PASS" Imaging/erased
[ ! -e "$MNT/Imaging/erased" ] || emr_fail "it is there"

say "the node comes back: what waited is registered, once, as it was saved last"
must "$NETWORK" up net >/dev/null
for f in late later three; do emr_until has_state Imaging/$f "confirmed 3/3"; done
for n in 1 2; do holds $n "$(attribute cid "$MNT/Imaging/late")" || emr_fail "node $n does not hold it"; done
expect "its text" "$(cat "$MNT/Imaging/later")" "another text"
run 0 status --wait=2min
expect "on the ledger" "$(entries)" 5
[ ! -e "$MNT/Imaging/erased" ] || emr_fail "it came back"
emr_unmount

say "a node that answers in order and keeps nothing is no copy, and too few nodes are named"
mkdir fake
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/fake" &
fake=$!
emr_until test -f fake/ready
settings "copies-before-register = 4" "$(live 1)" "node = unix:$EMR_WORK/fake/not-pinned.sock"
emr_mount
must cp scan-1 "$MNT/Imaging/doubtful"
emr_until has_state Imaging/doubtful "pending 2/4"
run 0 status
says "The settings name too few nodes for that"
run 4 unmount --now
settings "copies-before-register = 2" "$(live 1)" "node = unix:$EMR_WORK/fake/not-pinned.sock"
emr_mount
emr_until has_state Imaging/doubtful "confirmed 2/3"
expect "on the ledger" "$(entries)" 6
emr_unmount
echo "all is well"
