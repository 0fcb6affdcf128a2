#!/bin/bash
# channel_rules.sh: a network on a channel goes over to rules 2 with folders open at the hosts of two organisations, one of them by a program
# that knows rules 1 only ($EMRFS_FIRST). The chaincode judges each transaction by the rules before it, and all copies judge alike.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
ON_CHANNEL=1 two_begin channel_rules
NOW=$EMRFS FIRST=${EMRFS_FIRST:?} KEY=ed25519//$(head -c 32 /dev/urandom | base64 -w0)
P="--passphrase-file $EMR_PASS"
first() { EMRFS=$FIRST "$@"; }
is_sent() { [[ $(getfattr --only-values -n user.emrfs.state "$EMR_WORK/$1-folder/$2" 2>/dev/null) == confirmed* ]]; }
error_is() { as "$1" json 0 status && [ "$(field ledger.error)" = "$2" ]; }
sound() { as "$1" json 0 verify --chain && expect "$1: bad" "$(field bad)" "[]"; }

say "two hospitals with a host each, and a patient at each, under rules 1"
two_network "São Lucas"
channel_org aurora "Clínica Aurora" 2 hospital
two_join ana "Silva, Ana" patient
two_join eva "Eva Reis" patient aurora
first two_mount ana
two_mount eva
echo "before" >ana-folder/before.txt
echo "before" >eva-folder/before.txt
emr_until is_sent ana before.txt
emr_until is_sent eva before.txt
as hospital run 1 org host "$KEY" $P
says "The rules of your network are older, and do not have that yet"

say "the chaincode judges what comes by rules 2, and a member who does not know them waits"
as hospital json 0 org contract 2 --yes $P
expect done "$(field done) $(field have) $(field need)" "False 1 2"
as aurora json 0 org contract 2 --yes $P
expect done "$(field done)" True
as hospital run 0 org host "$KEY" $P
as hospital json 0 org host $P
expect key "$(field hosts.0.key)" "$KEY"
echo "by 2" >eva-folder/second.txt
emr_until is_sent eva second.txt
emr_until error_is ana newer-rules
echo "meanwhile" >ana-folder/meanwhile.txt
as ana first run 4 status --wait=1s
says "rules that this emrfs does not know"
is_sent ana meanwhile.txt && emr_fail "it was sent"
two_kill ana
EMRFS=$NOW

say "with the new program it is sent, and both parts are verified, also by somebody who comes now"
two_mount ana
emr_until is_sent ana meanwhile.txt
sound ana
sound eva
two_join rui "Rui Melo" patient
two_mount rui
sound rui
two_unmount ana eva rui
