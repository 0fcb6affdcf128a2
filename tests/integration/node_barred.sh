#!/bin/bash
# node_barred.sh: this account may not open the socket of an IPFS node. emrfs says so, names the socket's owner and what is in the way, and
# does not call it a node that does not run.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/ordinary.sh"
ordinary_user "$0"
emr_begin node_barred
at_end() {
	chmod 700 "$EMR_WORK/node"
	[ -z "${node:-}" ] || kill "$node" 2>/dev/null
}
cd "$EMR_WORK" || exit 2
mkdir node
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >out/node 2>&1 &
node=$!
emr_until test -f node/ready
emr_init
name=unix:$EMR_WORK/node/good.sock
echo "node = $name" >>"$EMRFS_HOME/settings"
chmod 0 node/good.sock
emr_mount
in_the_way() { ! "$EMRFS" copies --repair >out/said && grep -qF "This account may not open $name. In the way is $1." out/said; }

say "its socket, and then the directory that it lies in"
emr_until in_the_way "$EMR_WORK/node/good.sock ($(id -un):$(id -gn), mode 0000)"
"$EMRFS" check --network >out/said 2>&1
says "This account may not open $name."
chmod 0 node
emr_until in_the_way "$EMR_WORK/node ($(id -un):$(id -gn), mode 0000)"

say "open again, it is used"
chmod 700 node
chmod 600 node/good.sock
works() { "$EMRFS" copies --repair >out/said && ! grep -qF "In the way" out/said; }
emr_until works
emr_unmount
echo "all is well"
