#!/bin/bash
# channel_away_host.sh: on a channel a member whose own host is away reads and saves by the host of another organisation, reads records that lie
# there, and goes back to its own. A host whose key no administrator has signed is not asked, and a guest leaves no blocks.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
ON_CHANNEL=1 two_begin channel_away_host
P="--passphrase-file $EMR_PASS"
ledger_says() { as "$1" json 0 status && [ "$(field "ledger.$2")" = "$3" ]; }
stands_in() { ledger_says ana stands_in.by "Clínica Aurora"; }
is_home() { ledger_says ana stands_in.by None && ledger_says ana stands_in.since None; }
node_is() { as ana json 0 status && [ "$(field places.0.state)" = "$1" ]; }
is_state() { [[ $(getfattr --only-values -n user.emrfs.state "$EMR_WORK/$1-folder/$2" 2>/dev/null) == $3* ]]; }
reads() { [ "$(cat "$EMR_WORK/$1-folder"/shared-with-me/*/"$2" 2>/dev/null)" = "$3" ]; }
kept() { find "$EMR_WORK/$1" -path '*/ledger/hosts' -exec cat {} +; }
knows() { [ "$(kept "$1")" = "$2" ]; }
# DIR PORT OTHERS: a host, again where it was, which names others.
named_host() {
	"$EMRFS" host "$1" "127.0.0.1:$2" --witness "$3" --json >out/host 2>&1 </dev/null || emr_fail "host: $(cat out/host)"
}
own_host() { named_host "$NET" "$TWO_PORT" "$STRANGER $AURORA" && TWO_HOST=$("$JSON_FIELD" out/host pid); }

say "two organisations with a host each, and a host of another network, whose key is in no row of theirs"
two_network "São Lucas"
channel_org aurora "Clínica Aurora" 2 hospital
AURORA=$("$JSON_FIELD" out/host address)
as hospital run 0 org contract 2 --yes $P
as aurora run 0 org contract 2 --yes $P
as hospital run 0 org host "$TWO_ADDRESS" --yes $P
as aurora run 0 org host "$AURORA" --yes $P
two_join ana "Silva, Ana" patient
two_join lima "Paula Lima" clinician aurora
two_cards ana lima
as stranger run 0 org create "Praxis" --network "$EMR_WORK/net-stranger" --yes $P --words-file "$EMR_WORK/stranger.words"
channel_host stranger
STRANGER=$("$JSON_FIELD" out/host address)

say "one's own host tells which others there are, and of those one is kept"
two_host_kill && own_host
channel_host_kill aurora && named_host net-aurora "${CHANNEL_PORT[aurora]}" "$TWO_ADDRESS" && CHANNEL_HOST[aurora]=$("$JSON_FIELD" out/host pid)
two_mount ana lima
emr_until knows ana "$AURORA"
emr_until knows lima "$TWO_ADDRESS"
two_unmount ana lima && two_mount ana lima # records are read from those who are known when the folder is opened
mkdir ana-folder/Imaging lima-folder/Reports
echo "a knee" >ana-folder/Imaging/MRI.txt
emr_until is_state ana Imaging/MRI.txt confirmed
is_home || emr_fail "somebody stands in for a host that is there"
as ana run 0 share Imaging with lima --yes --wait
emr_until reads lima Imaging/MRI.txt "a knee"

say "its own host is away: she saves and revokes by the other one, and status says so"
two_host_kill
echo "a hip" >ana-folder/Imaging/CT.txt
emr_until is_state ana Imaging/CT.txt confirmed
emr_until stands_in
as ana run 0 status
grep -q "Your own host has been away since .*: you read and save by that of Clínica Aurora\." out/said || emr_fail "$(cat out/said)"

say "she reads a new share, whose record lies at the other host alone"
echo "it will heal" >lima-folder/Reports/knee.txt
as lima run 0 share Reports with ana --yes --wait
emr_until reads ana Reports/knee.txt "it will heal"

say "opened again with its own host away it goes on by the other one"
two_unmount ana && two_mount ana
emr_until stands_in
echo "an ankle" >ana-folder/Imaging/US.txt
emr_until is_state ana Imaging/US.txt confirmed

say "its own host is back: nothing was entered twice, and the blocks come there"
own_host
emr_until is_home
emr_until reads lima Imaging/US.txt "an ankle"
emr_until node_is works
as ana run 0 verify --chain
as lima run 0 verify --chain
for file in CT US; do
	expect "versions of $file" "$(getfattr --only-values -n user.emrfs.version ana-folder/Imaging/$file.txt)" 1
done
two_unmount ana

say "a guest leaves no blocks at another organisation's host, whatever its settings say"
host=$(find "$EMR_WORK/ana" -path '*/ledger/host')
key=${AURORA#*#}
printf '{"url": "%s", "pin": "%s", "key": "%s"}' "${AURORA%%#*}" "${key#*,}" "${key%%,*}" >"$host"
two_mount ana
echo "a wrist" >ana-folder/Imaging/XA.txt
emr_until node_is fails
as ana json 0 status
expect "copies there" "$(field places.0.copies)" 0
two_kill ana
two_unmount lima
