#!/bin/bash
# with_node.sh NAME: runs NAME.sh of this directory as it is, while everybody in it gives what is saved to a live IPFS node. Publishing
# changes nothing that people see, and in the end the node has got something.
HERE=$(cd "$(dirname "$0")" && pwd)
SUPPORT=${SUPPORT:-$HERE/../support}
. "$SUPPORT/mount.sh"
emr_begin with_node
at_end() { [ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1; }
NETWORK=$(cd "$SUPPORT/../../examples/network" && pwd)/ipfs
KUBO=$("$NETWORK" build) || emr_fail "Kubo is not built"
export KUBO
"$NETWORK" up "$EMR_WORK/net" >/dev/null || emr_fail "the nodes do not start"
pins() { IPFS_PATH=$EMR_WORK/net/1 "$KUBO" pin ls --type=recursive --quiet | wc -l; }
before=$(pins)
EMR_NODE=unix:$EMR_WORK/net/1/api.sock env -u EMR_WORK -u EMRFS_HOME -u MNT -u EMR_LOG -u EMR_PASS bash "$HERE/$1.sh" || exit $?
[ "$(pins)" -gt "$before" ] || emr_fail "the node was given nothing"
