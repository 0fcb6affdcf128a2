#!/bin/bash
# fabric_backend.sh: emrfs-fabric, the backend of a host on a channel, on real peers and orderers (CHANNEL_KIND) with a played peer in front of
# each, which holds, changes and adds messages (tests/conformance/backend). FABRIC has the programs of Fabric, CHAINCODE is the contract, BACKEND
# the directory with emrfs-fabric and the tests' program.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin fabric_backend
at_end() { [ ! -d "$EMR_WORK/net" ] || "$NETWORK" down "$EMR_WORK/net" >/dev/null 2>&1; }
cd "$EMR_WORK" || exit 2
top=$(cd "$SUPPORT/../.." && pwd)
NETWORK=$top/examples/network/fabric
export DAYS=9 NETWORK FABRIC CHAINCODE VECTORS=$top/tests/vectors

say "three organisations that order by $CHANNEL_KIND, and two of their hosts"
must "$NETWORK" up "$CHANNEL_KIND" net
must mkdir work
# One of them has a second root, which ends in ten days: a block with a configuration, and what the state names first.
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -days 10 -subj /CN=second \
	-addext keyUsage=critical,keyCertSign,cRLSign
must "$NETWORK" trust 2 "$PWD/root.pem" net
# A second channel of the same orderers, whose blocks they sign, too.
export PATH=$FABRIC:$FABRIC/bin:$PATH
must env FABRIC_CFG_PATH="$PWD/net/config" configtxgen -profile Channel -channelID other -outputBlock other.block 2>"$EMR_WORK/out/other"
. net/net
for orderer in 1 2 3 ${orderer_admin_4:+4}; do
	org=$((orderer > 3 ? 3 : orderer)) admin=orderer_admin_$orderer
	must osnadmin channel join --channelID other --config-block other.block -o "127.0.0.1:${!admin}" --ca-file net/$org/tlsca/cert.pem \
		--client-cert net/$org/admin/tls.pem --client-key net/$org/admin/tls.key >"$EMR_WORK/out/join"
done
odd=
[ "$CHANNEL_KIND" != raft ] || odd=odd	# main.go says why
# shellcheck disable=SC2086
must "$BACKEND/backend" "$PWD/net" "$BACKEND/emrfs-fabric" "$PWD/work" $odd
must "$NETWORK" down net
