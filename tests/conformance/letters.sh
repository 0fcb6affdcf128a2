#!/bin/bash
# letters.sh PEER PROGRAM: PEER plays a network with the contract as its chaincode as long as PROGRAM runs. PROGRAM gets the network's
# directory and puts its CA there.
set -eu
peer=$1 program=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/emr-letters-XXXXXX")
mkdir -m 700 "$work/channel" "$work/net"
coproc SERVE { exec "$peer" network "$work/channel" "$work/net/ca.pem" 2>"$work/peer.log"; }
pid=$SERVE_PID
at_end() {
	eval "exec ${SERVE[1]}>&-" # it ends when nobody holds its standard input any more
	wait "$pid" || true
	rm -rf "$work"
}
trap at_end EXIT
until [ -s "$work/channel/settings" ]; do
	kill -0 "$pid" || { cat "$work/peer.log" >&2; exit 1; }
	sleep 0.05
done
cp "$work/channel/settings" "$work/net/network"
"$program" "$work/net"
