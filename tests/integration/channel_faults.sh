#!/bin/bash
# channel_faults.sh: two people at the hosts of two organisations save 300 files, while peers, orderers (CHANNEL_KIND), chaincodes, backends and
# hosts are killed or stand still, alone and together, and start again, and their own computers are killed. Nothing that was saved is lost, nothing is registered twice, and both hosts' copies of
# the channel are the same.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
ON_CHANNEL=1 two_begin channel_faults
SAVES=150 NUMBER=0 # of each of the two; of the last one

say "two hospitals, and a patient at the host of each"
two_network "São Lucas"
channel_org aurora "Clínica Aurora" 2 hospital
two_join ana "Silva, Ana" patient
two_join eva "Eva Reis" patient aurora
two_mount ana eva
sent() { as "$1" json 0 status && [ "$(field pending)" = 0 ]; }
# saves UP-TO: each has so many files in the folder then, whatever the ledger says meanwhile
saves() {
	local who
	for ((; NUMBER < $1; NUMBER++)); do
		for who in ana eva; do echo "$who, finding $NUMBER" >"$who-folder/$NUMBER.txt" || emr_fail "$who cannot save"; done
	done
}
kill_of() { # MEMBER: of the channel, a host, or a person; =MEMBER stands still
	case $1 in
	=*) kill -STOP "$(channel_pid "${1#=}")" ;;
	ana | eva) two_kill "$1" && two_mount "$1" ;;
	host-1) two_host_kill ;;
	host-2) channel_host_kill aurora ;;
	*) channel_kill "$1" ;;
	esac
}
start_of() { # MEMBER
	case $1 in
	=*) kill -CONT "$(channel_pid "${1#=}")" ;;
	host-1) two_host ;;
	host-2) channel_host aurora ;;
	esac
}

orderers="orderer-1 orderer-2 orderer-3"
[ "${CHANNEL_KIND:-raft}" = raft ] || orderers="$orderers orderer-4"
rounds=(peer-1 ana "=peer-1 =peer-2 =peer-3" "=backend-1 eva" backend-1 host-1 chaincode-1 orderer-1 "peer-2 backend-1" host-2 "orderer-2 orderer-3" "host-1 backend-1" "peer-1 peer-2 peer-3" backend-2
	"chaincode-1 chaincode-2 chaincode-3" "peer-1 host-2" "$orderers" "$orderers peer-1 peer-2 peer-3 backend-1 backend-2 host-1 host-2")
for round in "${rounds[@]}"; do
	say "killed while they save: $round"
	saves $((NUMBER + SAVES / ${#rounds[@]} / 2))
	for member in $round; do kill_of "$member"; done
	saves $((NUMBER + SAVES / ${#rounds[@]} / 2))
	for member in $round; do [[ $member != =* ]] || start_of "$member"; done
	channel_start
	for member in $round; do [[ $member == =* ]] || start_of "$member"; done
done
saves $SAVES

say "each save is on the ledger once"
registered() {
	as "$1" json 0 ledger --limit 10000
	python3 -c 'import json, collections
puts = [e for e in json.load(open("out/said"))["entries"] if e["op"] == "PUT" and e["result"] == "applied"]
print(*collections.Counter(e["domain"] for e in puts).values(), max(collections.Counter(e["object"] for e in puts).values()))' >out/often
	[ "$(cat out/often)" = "$SAVES $SAVES 1" ]
}
for who in ana eva; do emr_until sent $who; done
for who in ana eva; do
	as $who run 0 status --wait="${EMR_PATIENCE}s"
	for ((number = 0; number < SAVES; number++)); do echo "$who, finding $number" | cmp - "$who-folder/$number.txt" || emr_fail "$who: $number is not what was saved"; done
	emr_until registered $who # of two people, how often: one may hear of the other's a moment later
	as $who run 0 verify --chain
done

say "both hosts have the same, and so has somebody who comes now, from the first block"
entries() { sqlite3 "$1/ledger/ledger.sqlite" "SELECT seq, hex(entry) FROM entries ORDER BY seq" >"$2"; }
same() { entries "$NET" out/one && entries "$EMR_WORK/net-aurora" out/two && cmp -s out/one out/two; }
emr_until same
[ -s out/one ] || emr_fail "nothing was compared"
two_join rui "Rui Melo" patient aurora
two_mount rui
as rui run 0 verify --chain
two_unmount ana eva rui
