#!/bin/bash
# channel_grows.sh: a channel of three organisations changes while folders are open at their hosts: a fourth one joins with peer, backend and
# host, two of four endorse for a while, a CA's root is replaced, each certificate of an organisation is renewed, a peer loses its disk, and an
# organisation leaves. Before, during and after each of these all saves become confirmed, the chain is right for who was there, for who comes and for
# a restored backup, and emrfs-fabric replays the channel from block 0. channel_page.sh does the same deeds once, where a change lands.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
ON_CHANNEL=1 two_begin channel_grows
P="--passphrase-file $EMR_PASS"
OPEN=() SAVED=0 SAVING='' COME=0
change() { must "$CHANNEL_EXAMPLE" "$@" "$EMR_WORK/channel" >>"$EMR_WORK/out/changed" 2>&1; }
saves() { # each open folder gets one more file
	local who
	for who in "${OPEN[@]}"; do echo "$who, finding $SAVED" >"$EMR_WORK/$who-folder/$SAVED.txt" || emr_fail "$who cannot save $SAVED"; done
	SAVED=$((SAVED + 1))
}
all_sent() { as "$1" json 0 status && [ "$(field pending) $(field read_only)" = "0 False" ]; }
confirmed() {
	local who number state
	for who in "${OPEN[@]}"; do
		as "$who" run 0 status --wait="${EMR_PATIENCE}s"
		emr_until all_sent "$who"
		for ((number = FIRST_OF[$who]; number < SAVED; number++)); do
			state=$(getfattr --only-values -n user.emrfs.state "$EMR_WORK/$who-folder/$number.txt" 2>/dev/null)
			[[ $state == confirmed* ]] || emr_fail "$who: $number is $state"
			echo "$who, finding $number" | cmp - "$EMR_WORK/$who-folder/$number.txt" || emr_fail "$who: $number is not what was saved"
		done
	done
}
declare -A FIRST_OF=()
opens() { # WHO: a folder that stays open
	two_mount "$1"
	OPEN+=("$1") FIRST_OF[$1]=$SAVED
}
chain_is_right() { as "$1" json 0 verify --chain && expect "$1: bad" "$(field bad)" "[]"; }
# All that has to be so between two changes.
sound() { # BACKEND...
	local who n
	saves
	confirmed
	for who in "${OPEN[@]}"; do chain_is_right "$who"; done
	COME=$((COME + 1)) who=new-$COME
	two_join "$who" "Nuno $COME" patient "${NEWCOMER_OF:-aurora}"
	two_mount "$who"
	chain_is_right "$who"
	two_unmount "$who"
	rm -rf "$EMR_WORK/back" "$EMR_WORK/back-folder"
	two_home back
	two_home "${OPEN[0]}"
	as back run 0 init --restore "$EMR_WORK/copy" --yes $P
	as back run 0 verify --chain $P
	rm -rf "$EMR_WORK/back" "$EMR_WORK/back-folder"
	for n in "$@"; do replayed "$n"; done
}
# A backend ends, and what it has read gives the same from block 0; its host's members go on saving.
replayed() { # NUMBER
	channel_kill "backend-$1"
	must "$EMR_WORK/channel/backend/emrfs-fabric" verify "$EMR_WORK/channel/backend/$1" >out/replayed
	change backends
	saves
}
# The folders save all the time while COMMAND... changes the channel.
during() { # WORDS COMMAND...
	local before=$SAVED began=$SECONDS
	say "$1"
	shift
	saves
	: >out/go-on
	while [ -e out/go-on ]; do
		saves
		echo "$SAVED" >out/number
		sleep 0.3
	done &
	SAVING=$!
	"$@"
	rm out/go-on
	wait "$SAVING" || emr_fail "a save failed"
	SAVED=$(cat out/number) SAVING=
	[ "$SAVED" -gt $((before + 2)) ] || emr_fail "nothing was saved meanwhile"
	confirmed
	echo "  $((SAVED - before)) saves of each of ${OPEN[*]} in $((SECONDS - began)) s"
}
# The former private parts are at the new organisation's own peer, by a backend that knows no other one and begins with block 0.
former_parts_came() {
	local at=$EMR_WORK/channel/backend/only
	mkdir -m 700 "$at"
	cp channel/backend/4/host.* "$at"
	grep -v '^peer = Emr[123]' channel/backend/4/settings >"$at/settings"
	"$EMR_WORK/channel/backend/emrfs-fabric" serve "$at" 2>out/only &
	ONLY=$!
	emr_until has_parts "$at"
	kill -TERM "$ONLY" && wait "$ONLY" || emr_fail "$(tail -3 out/only)"
	ONLY=
}
has_parts() {
	curl -sf --unix-socket "$1/run/backend" -d "{\"collection\": \"parts\", \"keys\": $FORMER}" http://backend/v1/parts >out/parts &&
		jq -e '[.parts[] | select(.hash)] | length > 0 and all(.part)' out/parts >/dev/null
}
ONLY=
at_end() {
	rm -f "$EMR_WORK/out/go-on"
	[ -z "$SAVING" ] || wait "$SAVING"
	[ -z "$ONLY" ] || kill -KILL "$ONLY" 2>/dev/null
	two_end
}

say "three organisations, two of them with members whose folders are open"
two_network "São Lucas"
channel_org aurora "Clínica Aurora" 2 hospital
two_join ana "Silva, Ana" patient
two_join eva "Eva Reis" patient aurora
two_join bia "Bia Costa" patient
two_mount bia
echo "a hip" >bia-folder/hip.txt
as bia run 0 status --wait="${EMR_PATIENCE}s"
as bia run 0 backup "$EMR_WORK/copy"
two_unmount bia
opens ana
opens eva
channel_org sul "Hospital do Sul" 3 hospital aurora
two_join rui "Rui Melo" patient sul
opens rui
sound 1 2 3

comes() {
	change join
	channel_org norte "Casa do Norte" 4 hospital aurora
}
FORMER=$(sqlite3 -json net/ledger/ledger.sqlite "SELECT printf('p/%02x/%s/%s/%016x', family, lower(hex(domain)), lower(hex(object)), version) AS key
	FROM parts WHERE length(part) > 0 LIMIT 200" | jq -c '[.[].key]')
during "a fourth organisation joins, with peer, backend and host" comes
former_parts_came
two_join nina "Nina Prado" patient norte
opens nina
during "two of the four endorse" change majority 2
is_two() { curl -s --unix-socket channel/backend/4/run/backend http://backend/v1/state | jq -e '.endorsement | test("n: *2")' >/dev/null; }
emr_until is_two
NEWCOMER_OF=norte
sound 1 2 3 4
during "and the majority again" change majority channel
sound 4

during "a root is replaced: both count" change root 1
sound 1
during "new certificates by the new one, of peer, orderer, administrator and host" change renew 1
during "the new one alone" change distrust 1
sound 1 4

during "the second organisation's certificates are renewed, by the root that it had" change renew 2
during "the third organisation's" change renew 3
during "the fourth organisation's" change renew 4
sound 2 3

loses_disk() {
	channel_kill peer-2
	rm -rf channel/2/peer/ledger
	channel_start
}
during "a peer is lost with its disk, and built again" loses_disk
sound 2

say "the third organisation leaves the network, and then the channel"
OPEN=(ana eva nina)
leaves() {
	as sul run 0 org leave --yes $P
	for who in hospital aurora; do as "$who" run 0 org leave "Hospital do Sul" --yes $P; done
	change leave 3
}
during "its peer, orderer, chaincode and backend end" leaves
sound 1 2 4
expect "what its member reads" "$(cat rui-folder/0.txt)" "rui, finding 0"
must cp rui-folder/0.txt rui-folder/later.txt
during "two endorse, of three" change majority 2
sound 4
two_unmount "${OPEN[@]}"
two_kill rui
