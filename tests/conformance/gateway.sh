#!/bin/bash
# gateway.sh PEER PROGRAM: a gateway for tests (chaincode/gateway_peer) runs as long as PROGRAM, which is told where it is.
set -eu
peer=$1 program=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/emr-gateway-XXXXXX")
coproc SERVE { exec "$peer" serve "$work"; }
pid=$SERVE_PID
at_end() {
	eval "exec ${SERVE[1]}>&-" # it ends when nobody holds its standard input any more
	wait "$pid" || true
	rm -rf "$work"
}
trap at_end EXIT
read -r -u "${SERVE[0]}" -a ports
"$program" "$work" "${ports[@]}"
