#!/bin/bash
# fabric_faults.sh: under two people's folders real peers and orderers fail, one thing after the other: killed, stopped, cut off from
# blocks, from each other, or from their disk (CHANNEL_KIND=bft; raft has what happens to orderers alone). Nothing that was saved is lost, a
# person who has another way goes on, and a member that was away comes back by itself. Lines are cut where root starts the test, in a
# loopback of its own (with an address that peers do not call loopback, without which they do not start).
if [ -z "${APART:-}" ] && command -v ip >/dev/null && unshare --net true 2>/dev/null; then
	APART=1 exec unshare --net bash -c 'ip link set lo up && ip addr add 192.0.2.1/32 dev lo && exec bash "$0"' "$0"
fi
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
[ -n "${FABRIC:-}" ] || emr_skip "only where FABRIC names the programs of Hyperledger Fabric"
two_begin fabric_faults
eval "members_$(declare -f at_end)"
at_end() {
	# Only ana's log has the answers of the gateways.
	grep -h "fabric:" ana/state/log 2>/dev/null | tail -n 20
	# shellcheck disable=SC2086
	[ -z "${STOPPED:-}" ] || kill -CONT $STOPPED
	members_at_end
}
export ORDERER_METRICS_PROVIDER=prometheus # who leads stands there
versions=0
channel_begin
channel_network "São Lucas"
two_ana_and_lima
two_mount ana lima
mkdir ana-folder/Imaging

# A member that was cut off from its leader needs longer to find another one than `status --wait` waits by itself.
on_ledger() { as ana run 0 status --wait="${EMR_PATIENCE}s"; }
# saves WHAT: she saves, the ledger has it, and he reads it.
saves() {
	echo "$1" >ana-folder/Imaging/MRI.txt
	on_ledger
	versions=$((versions + 1))
	SAVED=$1
	emr_until he_reads
}
he_reads() {
	[ -n "$SHARE" ] || SHARE=$(ls -d lima-folder/shared-with-me/*/Imaging)
	[ "$(cat "$SHARE/MRI.txt")" = "$SAVED" ]
}
stop() { STOPPED=$(for member in "$@"; do channel_pid "$member"; done) && kill -STOP $STOPPED; }
go_on() { kill -CONT $STOPPED && STOPPED=; }
# through GATEWAY...: both open their folders again, and know only these, in this order; 1 is the first organisation's.
through() {
	local number
	two_unmount ana lima
	{
		grep -v ^gateway channel/settings
		for number in "$@"; do grep ^gateway channel/settings | sed -n "${number}p"; done
	} >net/network
	two_mount ana lima
}

echo "a knee" >ana-folder/Imaging/MRI.txt
on_ledger
as ana run 0 share Imaging with lima --yes --wait
versions=1 SAVED="a knee" SHARE=
emr_until he_reads

# Peers and chaincodes know nothing of how orderers agree: theirs is told once, with BFT.
if [ "${CHANNEL_KIND:-raft}" = bft ]; then
	say "a chaincode is killed: the other organisations endorse"
	channel_kill chaincode-1
	saves "a shin"
	channel_start

	say "the peer of her gateway is killed: the next gateway takes over, for both of them"
	channel_kill peer-1
	saves "a heel"
	saves "a toe"

	say "it comes back, and has what was saved while it was dead"
	channel_start
	through 1
	emr_until he_reads
	saves "a hip"
	through 1 2 3

	say "the peer of her gateway runs and gets no blocks: whoever has another gateway goes on"
	channel_kill peer-1
	CORE_PEER_GOSSIP_ORGLEADER=false channel_start
	saves "a wrist"
	saves "a thumb"
	channel_kill peer-1
	channel_start

	if [ -z "${APART:-}" ]; then # whose lines are cut, below, says nothing either; until a call to it is given up takes a minute
		say "the peer of her gateway says nothing any more, and does not end either"
		stop peer-1
		saves "an elbow"
		go_on
		saves "a shoulder"
	fi

	say "the peer of an organisation has lost its disk: it joins again, and gives others all that it had"
	channel_kill peer-3
	rm -rf channel/3/peer/ledger channel/3/peer/snapshots
	channel_start
	through 3
	saves "a knuckle"
	two_join eva "Eva Reis" clinician
	rm ana.card
	two_cards ana eva
	two_mount eva
	as ana run 0 share Imaging with eva --yes --wait
	eva_reads() { [ "$(cat eva-folder/shared-with-me/*/Imaging/MRI.txt)" = "$SAVED" ]; }
	emr_until eva_reads
	two_unmount eva
	through 1 2 3
fi

# Packets to these ports, and answers from them, get nowhere.
port_of() { sed -n "s/^$1=//p" channel/net; }
cut_off() {
	local port
	ip rule add pref 100 lookup local && ip rule del pref 0
	for port; do
		ip rule add pref 50 ipproto tcp dport "$port" blackhole && ip rule add pref 50 ipproto tcp sport "$port" blackhole || emr_fail "no line can be cut"
	done
}
heal() { while ip rule del pref 50 2>/dev/null; do :; done; }

case ${CHANNEL_KIND:-raft} in
raft)
	say "the orderer that leads is killed: another one leads"
	leads() { curl -s --max-time 20 "http://127.0.0.1:$(sed -n "s/^orderer_operations_$1=//p" channel/net)/metrics" | grep -q '^consensus_etcdraft_is_leader{.*} 1$'; }
	leader() { for LEADER in 1 2 3; do ! leads "$LEADER" || return 0; done; false; }
	emr_until leader
	channel_kill "orderer-$LEADER"
	saves "a neck"
	channel_start
	emr_until leader
	gone="orderer-1 orderer-2"
	;;
bft)
	say "one of four orderers is killed: nobody notices"
	channel_kill orderer-4
	saves "a neck"
	saves "a jaw"
	channel_start
	LEADER=1
	gone="orderer-3 orderer-4"
	;;
esac

if [ -n "${APART:-}" ]; then
	say "nobody reaches one of the orderers, in Raft the leading one, nor the peer of her gateway: the others go on, and when they are found again all have the same"
	cut_off "$(port_of "orderer_$LEADER")" "$(port_of peer_1)"
	saves "a cheek"
	saves "a chin"
	heal
	through 1
	emr_until he_reads
	saves "a tooth"
	through 1 2 3
	emr_until he_reads
fi

say "too few orderers: nothing gets on, nothing is lost, and it goes on with them"
# shellcheck disable=SC2086
channel_kill $gone
SAVED="an ear"
echo "$SAVED" >ana-folder/Imaging/MRI.txt
waits_here() { as ana json 0 status && [ "$(field pending)" -gt 0 ]; }
emr_until waits_here
[ "$(cat "$SHARE/MRI.txt")" != "$SAVED" ] || emr_fail "he reads what no orderer has taken"
channel_start
on_ledger
versions=$((versions + 1))
emr_until he_reads

say "all of them stop at once, and start again"
channel_stop
SAVED="an eye"
echo "$SAVED" >ana-folder/Imaging/MRI.txt
channel_start
on_ledger
versions=$((versions + 1))
emr_until he_reads

say "each version is there once, and the ledger is what everybody has signed"
as ana json 0 ledger Imaging/MRI.txt --limit 100
expect "versions" "$(python3 -c 'import json
print(sum(e["op"] == "PUT" and e["result"] == "applied" for e in json.load(open("out/said"))["entries"]))')" "$versions"
two_unmount ana lima
as ana run 0 mount --passphrase-file "$EMR_PASS" ana-folder
as ana run 0 verify
says "Each block is signed by orderers of these organisations"
expect "what she has" "$(cat ana-folder/Imaging/MRI.txt)" "an eye"
