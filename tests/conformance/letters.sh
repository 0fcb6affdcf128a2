#!/bin/bash
# letters.sh PEER PROGRAM: PEER plays a network with the contract as its chaincode as long as PROGRAM runs. PROGRAM gets the network's
# directory and puts its CA there.
. "${0%/*}/peer.sh"
mkdir -m 700 "$work/net"
play_network "$work/net/ca.pem"
cp "$work/channel/settings" "$work/net/network"
"$2" "$work/net"
