#!/bin/bash
# gateway.sh PEER PROGRAM...: runs a gateway for tests (chaincode/gateway_peer) as long as the programs run, one after the other. They get
# its address.
. "${0%/*}/peer.sh"
shift
begin_peer serve "$work"
read -r -u "${SERVE[0]}" -a ports
for program in "$@"; do "$program" "$work" "${ports[@]}"; done
