#!/bin/bash
# channel_witness.sh: hosts of two organisations on a channel sign each other's heads, and a member sees since when none has; what a host in a
# channel tells Prometheus, and check --network of the channel. One organisation has a second root, which ends in ten days.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
ON_CHANNEL=1 two_begin channel_witness
P="--passphrase-file $EMR_PASS"
metrics() { curl -sf "http://$METRICS/metrics" >out/metrics; }
metric() { metrics && [ "$(sed -n "s/^emrfs_$1 //p" out/metrics)" = "$2" ]; }
# The first host, again, with the second one as its witness.
witnessed_host() {
	"$EMRFS" host "$NET" "127.0.0.1:$TWO_PORT" --witness "$WITNESS" --metrics "$METRICS" --json >out/host 2>&1 </dev/null || emr_fail "host: $(cat out/host)"
	TWO_HOST=$("$JSON_FIELD" out/host pid)
}
is_witnessed() { as "$1" json 0 status && [ "$(field ledger.unwitnessed_since)" = None ]; }
is_alone() { as "$1" json 0 status && [ "$(field ledger.unwitnessed_since)" != None ]; }
is_sent() { [[ $(getfattr --only-values -n user.emrfs.state "$EMR_WORK/$1-folder/$2" 2>/dev/null) == confirmed* ]]; }

say "two organisations with a host each, whose keys their administrators name"
two_network "São Lucas"
channel_org aurora "Clínica Aurora" 2 hospital
WITNESS=$("$JSON_FIELD" out/host address) METRICS=127.0.0.1:$(emr_port)
as hospital run 0 org contract 2 --yes $P
as aurora run 0 org contract 2 --yes $P
as hospital run 0 org host "$TWO_ADDRESS" --yes $P
as aurora run 0 org host "$WITNESS" --yes $P
two_join ana "Silva, Ana" patient
two_mount ana
echo "a knee" >ana-folder/knee.txt
emr_until is_sent ana knee.txt

say "without a witness the member is told that one host alone says so"
emr_until is_alone ana

say "with one it is not, and the host tells numbers that name nobody"
two_host_kill
witnessed_host
as ana run 0 unmount && two_mount ana
emr_until is_witnessed ana
as hospital json 0 ledger $P
emr_until metric recovering 0
grep -q '^emrfs_entries [1-9]' out/metrics && grep -q '^emrfs_channel_height [1-9]' out/metrics || emr_fail "$(cat out/metrics)"
grep -qiE "silva|ana|knee" out/metrics && emr_fail "somebody is named: $(cat out/metrics)"
emr_until metric channel_backend_up 1

say "a head that is not the ledger's, or of nobody's host, is signed by no host"
head -c 200 /dev/urandom >noise
[ "$(curl -sk -o out/said -w '%{http_code}' --data-binary @noise "${WITNESS%%#*}/emrfs/v1/cosign")" != 200 ] || emr_fail "noise was signed"

say "a certificate that ends soon is named thirty days before"
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -days 10 -subj /CN=second \
	-addext keyUsage=critical,keyCertSign,cRLSign
must "$CHANNEL_EXAMPLE" trust 2 "$PWD/root.pem" channel
warned() { as hospital run 3 check --network && grep -q "CN=second .*ends in" out/said; }
emr_until warned
says "each of these fulfils it alone"
metrics && grep -q '^emrfs_channel_certificate_days{of="hospital-b root"} [0-9]$' out/metrics || emr_fail "$(cat out/metrics)"

say "the backend away is told as that"
channel_kill backend-1
emr_until metric channel_backend_up 0
as hospital run 3 check --network
says "the backend of the channel at"
two_unmount ana
