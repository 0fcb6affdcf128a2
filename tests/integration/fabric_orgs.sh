#!/bin/bash
# fabric_orgs.sh: several organisations of emrfs in one channel of Fabric. A hospital founds the network. Another one, with another account,
# an MSP of its own and nothing in common but the channel, asks to be admitted, is admitted, and has people of its own, with whom the first
# one's patient shares. With FABRIC the peers and orderers are real, without it PEER plays them.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
. "$SUPPORT/far.sh"
far_fuse "$0"
two_begin fabric_orgs
B=games C=news # the accounts of the second hospital, and of others
far_account $B
far_account $C
PF="--passphrase-file $EMR_PASS"
has() { grep -qF -- "$1" out/said || emr_fail "not in the answer: $1: $(cat out/said)"; }

at_end() {
	local who
	for who in $TWO_MEMBERS; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	far_end
	for who in ${node:-} ${nobody:-} ${waiting:-} ${thief:-}; do kill "$who" 2>/dev/null; done # else the runner waits for their output
	channel_stop
}
fault() { [ -n "${FABRIC:-}" ] || touch "channel/fault/$1"; }
channel_begin
MSP_B=$(channel_msp 2) MSP_C=$(channel_msp 3)

# The directory of an organisation elsewhere: its own settings, and what the founder has handed over.
directory() { # USER DIR MSP
	local to=${FAR[$1]}/$2 file
	far "$1" mkdir -m 700 "$2" "$2/ledger"
	cp channel/settings settings
	for file in $(grep -o "$EMR_WORK/channel/.*" settings); do
		far_take "$1" "$file" "$2/$(tr / - <<<"${file#"$EMR_WORK/channel/"}")"
		sed -i "s|$file|$to/$(tr / - <<<"${file#"$EMR_WORK/channel/"}")|" settings
	done
	sed -i "s|^msp = .*|msp = $3|" settings
	far_take "$1" settings "$2/network"
	far_take "$1" "${4:-net/ledger/descriptor}" "$2/ledger/descriptor"
}
# In the background; what it says is in out/applied-WHO.
apply() { # USER WHO NAME DIR [WITHIN]
	rm -f "${FAR[$1]}/$2.words" "out/applied-$2"
	EMRFS_HOME=${FAR[$1]}/$2 $(far_words "$1") "$FAR_EMRFS" org create "$3" --network "${FAR[$1]}/$4" --within "${5:-10min}" --yes \
		--passphrase-file "${FAR[$1]}/passphrase" --words-file "${FAR[$1]}/$2.words" >"$EMR_WORK/out/applied-$2" 2>&1 </dev/null &
	applying=$!
}
asks() { grep -q "They must see this number" "out/applied-$1"; }
number_of() { sed -n 's/^They must see this number: //p' "out/applied-$1"; }
create() { # USER WHO EXIT DIR
	far_as "$1" "$2" run "$3" org create "Clínica Aurora" --network "${FAR[$1]}/$4" --within 1s --yes --passphrase-file "${FAR[$1]}/passphrase" \
		--words-file "${FAR[$1]}/$2.words"
}
nothing_made() { # USER WHO: but for what the same line goes on with, which whoever begins again takes away
	[ -z "$(ls "${FAR[$1]}/$2/state" | grep -v -e lock -e begun)" ] || emr_fail "something was made: $(ls "${FAR[$1]}/$2/state")"
}
fresh() { # USER WHO
	rm "${FAR[$1]}/$2/state/begun"
}
# The organisation's own people in the channel put its CA, which it makes again unless it goes on, into their MSP.
taken() { # USER DIR ORGANISATION
	local ca=${FAR[$1]}/$2/ca.pem
	emr_until test -s "$ca"
	channel_take "$3" "$ca"
	cp "$ca" "ca-of-$1.pem"
	rm "$ca"
}

say "a hospital founds a network in the channel; a patient joins"
far_home $B aurora
far_home $C eva
channel_network "São Lucas"
two_join ana "Silva, Ana" patient
far $C mkdir -m 755 "${FAR[$C]}/node" # one IPFS node that all can reach
for file in fake_node.py car_varint.py; do install -m 644 -o $C "$SUPPORT/$file" "${FAR[$C]}"; done
$(far_words $C) python3 "${FAR[$C]}/fake_node.py" "${FAR[$C]}/node" >out/node 2>&1 &
node=$!
chmod 755 "${FAR[$C]}"
emr_until test -f "${FAR[$C]}/node/ready"
NODE="node = unix:${FAR[$C]}/node/good.sock"
echo "$NODE" >>ana/settings
two_mount ana

say "who is not of the channel, or takes the network for another one, does not come in"
directory $B net $MSP_B
create $B aurora 6 net
says "its channel does not take the certificates of the CA in ca.pem there"
nothing_made $B aurora
fresh $B aurora
rm "${FAR[$B]}/net/ca.pem"
python3 -c "import sys; b = bytearray(open('net/ledger/descriptor', 'rb').read()); b[20] ^= 1; open('other.descriptor', 'wb').write(b)"
directory $B other $MSP_B other.descriptor
apply $B aurora "Clínica Aurora" other
taken $B other 2
wait $applying && emr_fail "another network is the channel's"
grep -q "another network has begun in its channel" out/applied-aurora || emr_fail "$(cat out/applied-aurora)"
nothing_made $B aurora
fresh $B aurora

say "the channel knows its CA under another name than it says"
directory $B claims $MSP_C
apply $B aurora "Clínica Aurora" claims 3s
taken $B claims 2
wait $applying && emr_fail "members of one are another's"
grep -q "does not take the certificates" out/applied-aurora || emr_fail "$(cat out/applied-aurora)"
nothing_made $B aurora
fresh $B aurora

say "killed while it waits for its channel, and for the members: the same line goes on with the same CA and the same number"
apply $B aurora "Clínica Aurora" net 1h
emr_until test -s "${FAR[$B]}/net/ca.pem"
kill -KILL $applying
wait $applying 2>/dev/null
taken $B net 2
apply $B aurora "Clínica Aurora" net
emr_until asks aurora
old=$(number_of aurora)
kill -KILL $applying
wait $applying 2>/dev/null
nothing_made $B aurora
apply $B aurora "Clínica Aurora" net
emr_until asks aurora
expect "its number" "$(number_of aurora)" "$old"
kill -KILL $applying
wait $applying 2>/dev/null
fresh $B aurora
rm "${FAR[$B]}/net/ca.pem"

say "nobody is admitted by a name that somebody else has taken, too"
directory $C net $MSP_C
create $B aurora 6 net # it goes on behind its application's time, which nobody admits any more: by the same CA it makes another one
ends=$(($(date +%s) + 3))
past() { [ "$(date +%s)" -ge "$ends" ]; }
emr_until past
cp "${FAR[$B]}/net/ca.pem" earlier.pem
apply $B aurora "Clínica Aurora" net
waiting=$applying
taken $B net 2
emr_until asks aurora
number=$(number_of aurora)
grep -q "joins over a host" out/applied-aurora && emr_fail "who joins on Fabric needs no account here: $(cat out/applied-aurora)"
cmp "ca-of-$B.pem" earlier.pem || emr_fail "another CA"
apply $C eva "Clínica Aurora" net
thief=$applying
taken $C net 3
emr_until asks eva
[ "$number" != "$old" ] && [ "$number" != "$(number_of eva)" ] || emr_fail "two have one number"
two_home hospital
run 5 org admit "Clínica Aurora" --yes $PF
says "More than one that is called Clínica Aurora waits for this"
for one in "$old" "$number" "$(number_of eva)"; do says "$one"; done
run 0 org show $PF
says "$number"

say "the channel is away for a while: who waits to be admitted goes on waiting, as the same organisation"
ask_often() { ! kill -0 "$waiting" 2>/dev/null || [ "$(wc -l <out/asked)" -ge 16 ]; } # in more than one look of each who waits
port=$(sed -n 's|^gateway = https://127.0.0.1:\([0-9]*\) .*|\1|p' channel/settings | head -n 1)
channel_stop
python3 -c "
import socket, sys
line = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    line.accept()[0].close()
    print(flush=True)" "$port" >out/asked &
nobody=$!
emr_until grep -q python "/proc/$nobody/comm" # until then it is this shell, with its traps
emr_until ask_often
kill -0 "$waiting" || emr_fail "who waits has ended: $(cat out/applied-aurora)"
kill "$nobody"
await_gone "$nobody"
channel_start
run 0 org show $PF
says "$number"
kill -0 "$waiting" 2>/dev/null || emr_fail "the waiting has ended: $(cat out/applied-aurora)"

say "one is admitted by its number, though the answer of the ledger is lost"
run 13 org admit "$number" $PF
says "In the channel its people are members of $MSP_B"
fault lost-answer
run 0 org admit "$number" --yes --json $PF
has '"have":1,"need":1,"done":true'
has "\"msp\":\"$MSP_B\""
wait $waiting || emr_fail "$(cat out/applied-aurora)"
kill -0 $thief || emr_fail "who took the name is in: $(cat out/applied-eva)"
kill -TERM $thief
wait $thief && emr_fail "who took the name is in: $(cat out/applied-eva)"
run 0 org show --json $PF
has '{"name":"Clínica Aurora","member":true}'
BF="--passphrase-file ${FAR[$B]}/passphrase"
far_as $B aurora run 0 org show --json $BF
has '{"name":"São Lucas","member":true}'

say "it has people of its own: somebody with another account again, and somebody with its own"
invite_b() { # WHO ROLE
	EMRFS_HOME=${FAR[$B]}/aurora $(far_words $B) env --default-signal=INT "$FAR_EMRFS" invite "$1" --role "$2" \
		-o "${FAR[$B]}/$1.invitation" --within 10min $BF --json >"$EMR_WORK/out/invited-$1" 2>&1 </dev/null &
	inviting=$!
	emr_until test -s "${FAR[$B]}/$1.invitation"
}
join_b() { # USER WHO ROLE NAME
	local user=$1 who=$2
	far_home "$user" "$who"
	invite_b "$who" "$3"
	[ "$user" = $B ] || far_take "$user" "${FAR[$B]}/$who.invitation" "$who.invitation"
	far_as "$user" "$who" run 0 init --join "${FAR[$user]}/$who.invitation" --yes --name "$4" --born 1970-01-01 \
		--passphrase-file "${FAR[$user]}/passphrase" --words-file "${FAR[$user]}/$who.words"
	wait "$inviting" || emr_fail "invite $who: $(cat "out/invited-$who")"
	echo "$NODE" >>"${FAR[$user]}/$who/settings"
	far_as "$user" "$who" run 0 mount --passphrase-file "${FAR[$user]}/passphrase" "${FAR[$user]}/$who-folder"
}
join_b $C lima clinician "Paula Lima"
join_b $B rita patient "Sá, Rita"
far_as $B aurora run 0 org show --json $BF
has '"handle":"lima","says":"Paula Lima","role":"clinician"'

say "a patient of the first and a doctor of the second share, both ways"
as ana run 0 people card -o "$EMR_WORK/ana.card"
far_take $C ana.card ana.card
far_as $C lima run 0 people add "${FAR[$C]}/ana.card" --name ana
far_as $C lima run 0 people card -o "${FAR[$C]}/lima.card"
as ana run 0 people add "${FAR[$C]}/lima.card" --name lima
mkdir ana-folder/Imaging && echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
far $C mkdir lima-folder/Reports && far $C sh -c "echo 'it will heal' >lima-folder/Reports/knee.txt"
far_as $C lima run 0 status --wait
far_as $C lima run 0 share Reports with ana --yes --wait
hers() { [ "$(far $C sh -c "cat lima-folder/shared-with-me/*/Imaging/MRI.txt")" = "a knee" ]; }
emr_until hers
his() { [ "$(cat ana-folder/shared-with-me/*/Reports/knee.txt)" = "it will heal" ]; }
emr_until his
as ana json 0 people lima
expect "her organisation" "$(field people.0.organisation)" "Clínica Aurora"

say "points need both, through whichever organisation of the channel the second one comes: her signature counts"
two_home hospital
run 0 org mint lima@clinicaaurora 100 --yes --json $PF
has '"have":1,"need":2,"done":false'
channel_take 3 "ca-of-$B.pem" # the third organisation calls its people its own
sed -i "s/^msp = .*/msp = $MSP_C/" "${FAR[$B]}/net/network"
far_as $B aurora run 0 org mint lima@clinicaaurora 100 --yes $BF
sed -i "s/^msp = .*/msp = $MSP_B/" "${FAR[$B]}/net/network"
says "lima, Clínica Aurora (own word: Paula Lima) has 100 points more."
her_points() { far_as $C lima json 0 wallet --passphrase-file "${FAR[$C]}/passphrase" && [ "$(field points)" = 100 ]; }
emr_until her_points # her open folder says what her computer has heard by now

say "the next one needs a majority, and the second says it from elsewhere"
rm -f "${FAR[$C]}/net/ca.pem"
far_home $C trust
apply $C trust "Patients' Trust" net
waiting=$applying
taken $C net 3
emr_until asks trust
run 0 org admit "Patients' Trust" --yes --json $PF
has '"have":1,"need":2,"done":false'
far_as $B aurora run 0 org show $BF
says "Patients' Trust asks to be admitted: 1 of 2 approvals, number $(number_of trust)"
far_as $B aurora run 0 org admit "Patients' Trust" --yes --json $BF
has '"have":2,"need":2,"done":true'
wait $waiting || emr_fail "$(cat out/applied-trust)"

say "its administrator ends what its people may do, and it leaves with the others' approval"
far $B sh -c "echo 'an ankle' >rita-folder/ankle.txt"
far_as $B rita run 0 status --wait
far_as $B aurora run 0 org revoke lima --yes $BF
far $C sh -c "echo more >lima-folder/Reports/more.txt"
far_as $C lima run 4 status --wait=1s
far_as $B aurora run 0 org leave --yes --json $BF
has '"have":1,"need":2,"done":false'
run 0 org leave "Clínica Aurora" --yes --json $PF
has '"done":true'
far_as $B aurora run 6 org show $BF
far $B sh -c "echo 'too late' >rita-folder/late.txt"
far_as $B rita run 4 status --wait=1s

say "everything again, from the blocks, by who was there from the beginning"
two_unmount ana
rm -rf ana/state/fabric
two_mount ana
as ana run 0 verify --chain
echo "all is well"
