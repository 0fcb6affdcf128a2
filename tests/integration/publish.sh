#!/bin/bash
# publish.sh: what is saved is given to the nodes of the settings, live ones: each keeps every block of it, soon after it is
# confirmed, whatever happens to node or mount in between; and nothing that is saved waits for them.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
emr_begin publish
at_end() { [ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1; }
cd "$EMR_WORK" || exit 2
NETWORK=$(cd "$SUPPORT/../../examples/network" && pwd)/ipfs
KUBO=$("$NETWORK" build) || emr_fail "Kubo is not built"
export KUBO
process() { read -r pid _ <"net/$1.pid" && echo "$pid"; }
ended() { tail --pid="$1" -f /dev/null; }
has_state() { [ "$(attribute state "$1")" = "$2" ]; }
# kubo NODE COMMAND...: the node's own program says it.
kubo() { IPFS_PATH=$EMR_WORK/net/$1 "$KUBO" "${@:2}"; }
# holds NODE CID: pinned there, and every block of it is read where the node stores it.
holds() { kubo "$1" pin ls --type=recursive "$2" && kubo "$1" dag stat --offline --progress=false "$2"; } >/dev/null 2>&1
lacks() { ! kubo "$1" pin ls --type=recursive "$2" >/dev/null 2>&1; }
cid() { attribute cid "$1"; }
nodes() { printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings" && for n in "$@"; do echo "node = unix:$EMR_WORK/net/$n/api.sock"; done >>"$EMRFS_HOME/settings"; }

must "$NETWORK" up net >/dev/null
emr_init

say "without nodes there is one copy"
emr_mount
head -c 300000 /dev/urandom >scan
must cp scan "$MNT/scan"
must confirmed_version "$MNT/scan" >/dev/null
expect state "$(attribute state "$MNT/scan")" "confirmed 1/1"
emr_unmount

say "what was there before, and what comes, is given to both nodes, and each keeps all of it"
nodes 1 2
emr_mount
must mkdir "$MNT/Imaging"
for i in $(seq 30); do head -c $((i * 1000)) /dev/urandom >"$MNT/Imaging/$i"; done
emr_until has_state "$MNT/scan" "confirmed 3/3"
for i in $(seq 30); do emr_until has_state "$MNT/Imaging/$i" "confirmed 3/3"; done
for n in 1 2; do
	holds $n "$(cid "$MNT/scan")" || emr_fail "node $n does not hold the scan"
	for i in $(seq 30); do holds $n "$(cid "$MNT/Imaging/$i")" || emr_fail "node $n does not hold $i"; done
done
lacks 3 "$(cid "$MNT/scan")" || emr_fail "a node that nobody named has it"
echo "all is well"
