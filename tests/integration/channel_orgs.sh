#!/bin/bash
# channel_orgs.sh: three organisations on a channel, each with its own backend, directory and host. The founding is killed and goes on; the second
# one applies in the channel, is killed while it waits and goes on with its number, and is admitted by it beside another one of its name; the
# third needs a majority. Their people share with each other, agents of two release, and a directory that is lost is made again from the channel.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
CHANNEL_WITH=--ipfs ON_CHANNEL=1 two_begin channel_orgs
P="--passphrase-file $EMR_PASS"
has() { grep -qF -- "$1" out/said || emr_fail "not in the answer: $1: $(cat out/said)"; }
backend() { echo "$EMR_WORK/channel/backend/$1/run"; }
node() { echo "unix:$EMR_WORK/channel/ipfs/$1/api.sock"; }
applies() { # WHO "Name" NUMBER
	as "$1" orgs_apply "$1" "$2" --network "$EMR_WORK/net-$1" --channel "$(backend "$3")"
	applying=$!
	emr_until orgs_waits
}
number_of() { sed -n 's/^They must see this number: //p' "out/applied-$1"; }

say "a founding that is killed goes on by the same line"
two_home hospital

killed_after 0.3 org create "São Lucas" --network "$NET" --channel "$(backend 1)" --yes $P --words-file "$EMR_WORK/hospital.words"
[ -e hospital/state/profile ] || { rm -f hospital.words && two_network "São Lucas"; }
TWO_ADMIN=hospital
[ -n "$TWO_HOST" ] || two_host

say "without a backend nothing is made"
two_home stranger
run 6 org create "Praxis" --network "$EMR_WORK/net-of-own" --yes $P --words-file stranger.words --channel "$EMR_WORK/nowhere"
[ ! -e stranger/state/keyfile ] || emr_fail "half an organisation"

say "killed while it waits, the second goes on with its number, and by that it is admitted, though another one has its name"
applies aurora "Clínica Aurora" 2
number=$(number_of aurora)
kill -KILL $applying
wait $applying 2>/dev/null
rm -f aurora.words
applies aurora "Clínica Aurora" 2
waiting=$applying
expect "its number" "$(number_of aurora)" "$number"
applies thief "Clínica Aurora" 3
[ "$(number_of thief)" != "$number" ] || emr_fail "two have one number"
two_home hospital
run 5 org admit "Clínica Aurora" --yes $P
says "More than one that is called Clínica Aurora waits for this"
run 0 org admit "$number" --yes --json $P
has '"have":1,"need":1,"done":true'
wait $waiting || emr_fail "$(cat out/applied-aurora)"
kill $applying
wait $applying && emr_fail "the name alone was enough: $(cat out/applied-thief)"
channel_host aurora

say "the third needs a majority, which says so at hosts of its own"
applies sul "Hospital do Sul" 3
as hospital run 0 org admit "Hospital do Sul" --yes --json $P
has '"have":1,"need":2,"done":false'
as aurora run 0 org show $P
says "Hospital do Sul asks to be admitted: 1 of 2 approvals, number $(number_of sul)"
as aurora run 0 org admit "Hospital do Sul" --yes $P
wait $applying || emr_fail "$(cat out/applied-sul)"
channel_host sul

say "people of each, who share over the channel, and agents of two"
EMR_NODE=$(node 1) two_join ana "Silva, Ana" patient
EMR_NODE=$(node 2) two_join lima "Paula Lima" clinician aurora
orgs_agent keys hospital
orgs_agent keys-sul sul
agent_start keys
agent_start keys-sul
two_cards ana lima
two_mount ana lima
mkdir ana-folder/Imaging lima-folder/Reports
echo "a knee" >ana-folder/Imaging/MRI.txt
echo "it will heal" >lima-folder/Reports/knee.txt
as ana run 0 share Imaging with lima --away others --yes --wait
as lima run 0 share Reports with ana --away others --yes --wait
reads() { [ "$(cat "$1"-folder/shared-with-me/*/$2)" = "$3" ]; }
emr_until reads lima Imaging/MRI.txt "a knee"
emr_until reads ana Reports/knee.txt "it will heal"
as ana json 0 people lima
expect "her organisation" "$(field people.0.organisation)" "Clínica Aurora"

say "the computer of one is off, and another one's agent releases"
echo "a hip" >ana-folder/Imaging/CT.txt
as ana run 0 status --wait
two_unmount ana
emr_until reads lima Imaging/CT.txt "a hip"
two_mount ana
released() { as ana run 0 log Imaging --who lima && grep -q "CT.txt v1   proven, keys by" out/said; }
emr_until released

say "points need a majority, whichever hosts it says so at"
as hospital run 0 org mint lima@clinicaaurora 100 --yes --json $P
has '"have":1,"need":2,"done":false'
as sul run 0 org mint lima@clinicaaurora 100 --yes $P
has_points() { as lima json 0 wallet $P && [ "$(field points)" = 100 ]; }
emr_until has_points

say "a proof of what she saved says on whose word in the channel it rests, and another document is not that"
cp ana-folder/.emrfs/proof/Imaging/MRI.txt.tlog-proof knee.tlog-proof
echo "a knee" >knee
for copy in "" knee; do
	run 0 verify --proof knee.tlog-proof $copy
	says "The ledger is a channel of Fabric: that its peers took the entry then is the word of who signed the head."
	"$VERIFY_AUDIT" knee.tlog-proof $copy >out/audit || emr_fail "verify-audit: $(cat out/audit)"
	grep -q '^The ledger is a channel of Fabric' out/audit || emr_fail "verify-audit does not say by whose word"
done
echo "a hip" >knee
run 8 verify --proof knee.tlog-proof knee
"$VERIFY_AUDIT" knee.tlog-proof knee >out/audit && emr_fail "verify-audit takes another copy"

say "what is taken back ends at the other host"
as ana run 0 revoke Imaging from lima --yes --wait
ended() { ! cat lima-folder/shared-with-me/*/Imaging/MRI.txt >out/opened && ls lima-folder/shared-with-me/* | grep -q "access ended"; }
emr_until ended

say "a directory that is lost is made again from the channel, and everything verifies from the first block"
channel_host_kill sul
rm -rf net-sul/ledger
"$EMRFS" host "$EMR_WORK/net-again" "127.0.0.1:$(emr_port)" --channel "$(backend 3)" --json >out/host-again 2>&1 </dev/null || emr_fail "$(cat out/host-again)"
CHANNEL_HOST[again]=$("$JSON_FIELD" out/host-again pid)
entries() { sqlite3 "$1/ledger/ledger.sqlite" "SELECT seq, hex(entry) FROM entries ORDER BY seq"; }
same() { [ -n "$(entries net)" ] && [ "$(entries net)" = "$(entries net-again)" ] && [ "$(entries net)" = "$(entries net-aurora)" ]; }
emr_until same
as ana run 0 verify --chain
as lima run 0 verify --chain
agent_stop keys
agent_stop keys-sul
two_unmount ana lima
