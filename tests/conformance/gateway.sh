#!/bin/bash
# gateway.sh PEER PROGRAM...: runs a gateway for tests (chaincode/gateway_peer) as long as the programs run, one after the other. They get
# its address.
set -eu
peer=$1
shift
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
for program in "$@"; do "$program" "$work" "${ports[@]}"; done
