#!/bin/bash
# ipfs_node.sh fake|live|token|host PROGRAM [NODE]: runs PROGRAM with a node to speak to, and takes the node away again.
# token: a live one that wants EMR_NODE_TOKEN, and lets its holder do no more than doc/operate.md says that emrfs needs.
# host: NODE, which is one of ours, over a block store.
# EMR_NODE_RPC, EMR_NODE_GATEWAY, EMR_NODE_BLOCKS say where it is; a live one that may be killed also has EMR_NODE_PROCESS, and EMR_NODE_NETWORK to
# start it again in EMR_NODE_NET_DIR; a fake one also has EMR_NODE_DIR, with a socket for each of its scenes.
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
# Node 1 again, for who has the token alone.
want_token() {
	local allowed pid
	allowed=$(sed -n '/^- A token for emrfs needs/s/.*`AllowedPaths`//p' "$here/../../doc/operate.md" | grep -o '/api/v0/[a-z/]*' | jq -R . | jq -s .)
	read -r pid _ <"$dir/net/1.pid"
	kill "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null
	jq --argjson paths "$allowed" '.API.Authorizations = {emrfs: {AuthSecret: "bearer:right", AllowedPaths: $paths}}' \
		"$home/config" >"$dir/config" && cp "$dir/config" "$home/config"
	rm -f "$home"/*.sock
	IPFS_PATH=$home LIBP2P_FORCE_PNET=1 setsid "$("$here/../../examples/network/ipfs" build)" daemon >"$dir/net/1.log" 2>&1 </dev/null &
	pid=$!
	echo "$pid $(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)" >"$dir/net/1.pid"	# which `down` ends
	until curl -s --unix-socket "$home/api.sock" -o /dev/null http://node/; do
		kill -0 "$pid" || exit 1
		sleep 0.1
	done
	export EMR_NODE_TOKEN=right
}
if [ "$1" = host ]; then
	"$3" "$dir" &
	fake=$!
	until [ -f "$dir/ready" ]; do
		kill -0 "$fake" 2>/dev/null || exit 2
		sleep 0.05
	done
	export EMR_NODE_RPC=unix:$dir/host.sock EMR_NODE_GATEWAY=unix:$dir/host.sock
elif [ "$1" != fake ]; then
	"$here/../../examples/network/ipfs" up "$dir/net" || exit 1
	home=$dir/net/1
	export EMR_NODE_RPC=unix:$home/api.sock EMR_NODE_GATEWAY=unix:$home/gateway.sock EMR_NODE_BLOCKS=$home/blocks
	if [ "$1" = token ]; then want_token; else export EMR_NODE_PROCESS=$dir/net/1.pid EMR_NODE_NETWORK=$here/../../examples/network/ipfs EMR_NODE_NET_DIR=$dir/net; fi
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
