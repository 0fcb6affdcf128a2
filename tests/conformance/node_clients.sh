#!/bin/bash
# node_clients.sh: programs that know nothing of emrfs read from a host of ours, which ipfs_node.sh has started: Kubo's own `ipfs`, which
# takes the host for a node, and curl, whose CAR another Kubo accepts.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
KUBO=$("$here/../../examples/network/ipfs" build)
cd "$EMR_NODE_DIR"
fail() { echo "FAILED: $*"; exit 1; }
alone() { # REPOSITORY WORDS...: without a node
	[ -d "$1" ] || IPFS_PATH=$PWD/$1 "$KUBO" init --profile test >/dev/null
	IPFS_PATH=$PWD/$1 "$KUBO" --offline "${@:2}"
}
at_host() { IPFS_PATH=$PWD/his "$KUBO" --api "/unix/${EMR_NODE_RPC#unix:}" "$@"; }

head -c 3000000 /dev/urandom >scan
cid=$(alone his add -Q --cid-version 1 --raw-leaves scan)
alone his dag export "$cid" >scan.car 2>/dev/null
at_host dag import scan.car | grep -q "$cid" || fail "dag import"
at_host pin ls --type recursive | grep -q "$cid" || fail "pin ls"
at_host cat "$cid" | cmp - scan || fail "cat"
at_host block get "$cid" >root
alone his block get "$cid" | cmp - root || fail "block get"
at_host dag stat --progress=false "$cid" | grep -q "$cid" || fail "dag stat"
curl -sf --unix-socket "${EMR_NODE_GATEWAY#unix:}" -o given.car "http://host/ipfs/$cid?format=car" || fail "curl"
alone hers dag import given.car >/dev/null
alone hers cat "$cid" | cmp - scan || fail "what curl got"
at_host pin rm "$cid" >/dev/null
! at_host pin ls --type recursive | grep -q "$cid" || fail "pin rm"
echo "all is well"
