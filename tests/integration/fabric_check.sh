#!/bin/bash
# fabric_check.sh: `emrfs check --network` in a network on Fabric says of each gateway and of each organisation what is well, and names each
# wrong setting, here or there, with its mend; it sends nothing to the ledger. PEER plays the channel where FABRIC does not name the
# programs of real ones.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_check
channel_begin
channel_network "São Lucas"
two_join ana "Silva, Ana" patient

# look [COMMAND...]: what check --network says by this command is in out/said; the other checks of this computer may be as they are.
look() {
	as ana "$@" "$EMRFS" check --network --json --passphrase-file "$EMR_PASS" >out/said 2>out/complained </dev/null
	python3 -c 'import json; json.load(open("out/said"))["checks"]' || emr_fail "no list: $(cat out/said out/complained)"
}
# found NAME: "True" or "False" for each that is called so, in order.
found() { python3 -c 'import json, sys; print(*(c["ok"] for c in json.load(open("out/said"))["checks"] if c["name"] == sys.argv[1]))' "$1"; }
# tells NAME MESSAGE MEND: the first of these that is not well says so, and how it is mended
tells() {
	python3 - "$@" <<'END' || emr_fail "not told: $*: $(cat out/said)"
import json, sys
bad = [c for c in json.load(open("out/said"))["checks"] if c["name"] == sys.argv[1] and not c["ok"]]
sys.exit(not bad or sys.argv[2] not in bad[0]["message"] or sys.argv[3] not in bad[0]["mend"])
END
}
settings() { sed "$@" channel/settings >net/network; } # SED...: the file of the network is the right one, changed so
entries() { as ana json 0 verify --chain --passphrase-file "$EMR_PASS" && field chain.size; }

say "all is well: each gateway answers, each organisation endorses"
size=$(entries)
look
expect "gateways" "$(found peer)" "True True True"
expect "organisations" "$(found endorser)" "True True True"
expect "settings" "$(found channel)" "True"
as ana run 3 check --network --passphrase-file "$EMR_PASS" # it has no IPFS node
says "answers; blocks: "
says "endorses, and hands on private parts"

say "what is wrong in the file of the network is named by what it leads to"
settings '0,/^gateway = [^ ]*/s//gateway = https:\/\/127.0.0.1:1/'
look
expect "gateways" "$(found peer)" "False True True"
expect "organisations, by the others" "$(found endorser)" "True True True"
tells peer "https://127.0.0.1:1: nobody listens there" "whether the peer runs"
settings "0,/^\(gateway = [^ ]*\) .*/s||\1 $NET/ca.pem|"
look
expect "gateways" "$(found peer)" "False True True"
tells peer "certificate of TLS" "tlsca"
for wrong in "127.0.0.1:1" "https://127.0.0.1:1/" "http://192.0.2.1:1"; do
	settings "0,/^gateway = [^ ]*/s||gateway = $wrong|"
	look
	expect "gateways" "$(found peer)" "False True True"
	tells peer "$wrong: this address" "https://HOST:PORT"
done
settings "s/^msp = .*/msp = $(channel_msp 2)/"
look
expect "gateways" "$(found peer)" "False False False"
tells peer "does not take your certificate" "msp"
settings 's/^channel = .*/channel = elsewhere/'
look
expect "gateways" "$(found peer)" "False False False"
tells peer "channel" "channel"
if [ -n "${FABRIC:-}" ]; then # the played one has its contract by any name
	settings 's/^chaincode = .*/chaincode = another/'
	look
	expect "gateways" "$(found peer)" "False False False"
	expect "organisations, which nobody can ask" "$(found endorser)" ""
	tells peer "no peer is known that could endorse" "look at chaincode in the network's settings"
fi
if [ -z "${FABRIC:-}" ]; then # real ones would have to be started again
	touch channel/fault/no-anchor
	settings ''
	look
	expect "organisations" "$(found endorser)" "True False True"
	tells endorser "OrgB: the channel names no anchor peer" "AnchorPeers"
	rm channel/fault/no-anchor
	touch channel/fault/mutual
	settings ''
	look
	expect "gateways" "$(found peer)" "False False False"
	tells peer "the connection broke" "tls-client"
	settings "\$a tls-client = $EMR_WORK/channel/tls-client.pem $NET/nowhere.key"
	look
	tells channel "nowhere.key: No such file" "correct that line"
	settings "\$a tls-client = $EMR_WORK/channel/tls-client.pem $EMR_WORK/channel/tls-client.key"
	look
	expect "gateways" "$(found peer)" "True True True"
	expect "organisations" "$(found endorser)" "True True True"
	rm channel/fault/mutual
fi
settings 's/^kind = .*/kind/'
look
tells channel "$NET/network: " "correct that line"
expect "gateways" "$(found peer)" ""
settings ''

say "so is a clock that is off"
if command -v faketime >/dev/null; then
	look faketime -f "+20m"
	expect "gateways" "$(found peer)" "False False False"
	tells peer "clock of this computer" "set-ntp"
fi

if [ -n "${FABRIC:-}" ]; then
	say "an organisation whose chaincode is dead is named; its gateway has others answer"
	channel_kill chaincode-2
	look
	expect "gateways" "$(found peer)" "True True True"
	expect "organisations" "$(found endorser)" "True False True"
	tells endorser "$(channel_msp 2): it does not endorse" "whether its chaincode runs"
	channel_start

	say "private parts that reach no second peer are named before anybody saves something"
	channel_kill peer-2 peer-3
	reach_nobody() { look && [ "$(found endorser)" = "False False False" ] && tells endorser "private parts reach no second peer" "anchor peers"; }
	emr_until reach_nobody 2>/dev/null
	expect "gateways" "$(found peer)" "True False False"
	channel_start
	well() { look && [ "$(found peer) $(found endorser)" = "True True True True True True" ]; }
	emr_until well
fi

say "nobody is asked where no passphrase opens the keyring, and that is said"
printf 'another passphrase\n' >other && chmod 600 other
as ana run 3 check --network --passphrase-file "$EMR_WORK/other"
says "passphrase"
says_not "endorses"

say "and nothing came to the ledger by all this"
expect "entries" "$(entries)" "$size"
