#!/bin/bash
# played.sh PEER PROGRAM ARGUMENT...: PROGRAM with the directory of a network that PEER plays, as examples/network/fabric makes one of a real
# network, and the ARGUMENTs. Without any it is gateway_hostile.c, a member who has odd transactions ordered.
. "${0%/*}/peer.sh"
program=$2
shift 2
export MSP_1=OrgA MSP_2=OrgB MSP_3=OrgC
mkdir -p "$work"/net/{1,2,3}/{ca,tlsca} "$work"/net/1/client/msp/{signcerts,keystore}
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
own=$work/net/1
key "$own/ca/key.pem"
openssl req -x509 -key "$own/ca/key.pem" -subj /CN=ca -days 2 -out "$own/ca/cert.pem" -addext keyUsage=critical,keyCertSign
(umask 077 && key "$own/client/msp/keystore/key.pem")
openssl req -new -key "$own/client/msp/keystore/key.pem" -subj /OU=client/CN=somebody |
	openssl x509 -req -CA "$own/ca/cert.pem" -CAkey "$own/ca/key.pem" -days 2 -out "$own/client/msp/signcerts/cert.pem" 2>/dev/null
cp "$own/ca/cert.pem" "$work/ca.pem"
play_network "$work/ca.pem"
for i in 1 2 3; do
	cp "$work/channel/tlsca.pem" "$work/net/$i/tlsca/cert.pem"
	address=$(cat "$work/channel/address-$i")
	echo "peer_$i=${address##*:}" >>"$work/net/net"
done
cat "$work/channel/ca-a.pem" >>"$own/ca/cert.pem"
cp "$work/channel/ca-b.pem" "$work/net/2/ca/cert.pem"
cp "$work/channel/ca-c.pem" "$work/net/3/ca/cert.pem"
[ $# = 0 ] || { "$program" "$work/net" "$@"; exit; }
mkfifo "$work/to" "$work/from"
seed=${SEED:-$RANDOM}
echo "seed $seed"
"$peer" garble "$seed" <"$work/to" >"$work/from" &
"$program" "$work/net" "$work/to" "$work/from" "${FORMS:-200}" "$work/channel/fault"
