#!/bin/bash
# ipfs_node.sh fake|live PROGRAM: runs PROGRAM with a node to speak to, and takes the node away again.
# EMR_NODE_RPC, EMR_NODE_GATEWAY, EMR_NODE_BLOCKS say where it is; a fake one also has EMR_NODE_DIR, with a socket for each of its scenes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-node-XXXXXX") || exit 2
export EMR_NODE_DIR=$dir
fake=
at_end() {
	[ -z "$fake" ] || kill "$fake"
	[ ! -d "$dir/net" ] || "$here/../../examples/network/ipfs" down "$dir/net"
	rm -rf "$dir"
}
trap at_end EXIT
trap 'exit 130' INT TERM
if [ "$1" = live ]; then
	"$here/../../examples/network/ipfs" up "$dir/net" || exit 1
	home=$dir/net/1
	export EMR_NODE_RPC=unix:$home/api.sock EMR_NODE_GATEWAY=unix:$home/gateway.sock EMR_NODE_BLOCKS=$home/blocks
else
	# Vouched for as "node.test" and "localhost", not as 127.0.0.1.
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=node.test \
		-addext subjectAltName=DNS:node.test,DNS:localhost -keyout "$dir/key" -out "$dir/certificate" 2>/dev/null || exit 2
	python3 "$here/../support/fake_node.py" "$dir" "$dir/certificate" "$dir/key" &
	fake=$!
	until [ -f "$dir/ready" ]; do
		kill -0 "$fake" 2>/dev/null || exit 2
		sleep 0.05
	done
	export EMR_NODE_RPC=unix:$dir/good.sock EMR_NODE_GATEWAY=unix:$dir/good.sock EMR_NODE_BLOCKS=$dir/blocks
fi
"$2"
