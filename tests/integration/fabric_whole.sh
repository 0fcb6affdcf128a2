#!/bin/bash
# fabric_whole.sh: one command starts, and one ends, all that a network of health records is made of: peers, orderers, the contract out of
# these sources, Fabric CAs, IPFS nodes. A hospital, a doctor and a patient stand on it, and `check --network` finds nothing wrong. A part
# that is killed is missed, keeps nobody from writing, and comes back with what it had. FABRIC has the programs of Fabric.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_whole
NETWORK=$CHANNEL_EXAMPLE
at_end() {
	local who
	for who in $TWO_MEMBERS; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	[ ! -d "$EMR_WORK/channel" ] || "$NETWORK" down "$EMR_WORK/channel" >/dev/null 2>&1
}

say "one line starts all of it, and its status names each process"
unset CHAINCODE
CHANNEL_KIND=bft CHANNEL_WITH="--ca --ipfs"
"$NETWORK" up bft --cb channel >said 2>&1 && emr_fail "a word that means nothing was taken"
[ ! -e channel ] || emr_fail "left: $(find channel)"
mkdir spies
for program in awk cat cp curl grep jq mv openssl sed; do
	printf '#!/bin/sh\nprintf "%%s " "$@" >>%q\nexec %q "$@"\n' "$EMR_WORK/arguments" "$(command -v $program)" >"spies/$program" && chmod +x "spies/$program"
done
PATH=$EMR_WORK/spies:$PATH channel_begin
[ -s arguments ] || emr_fail "nothing was overheard"
grep -qFf <(cat channel/[123]/authority/admin.secret) arguments && emr_fail "a secret of a registrar was an argument, which anybody on this computer reads"
"$NETWORK" status channel >said || emr_fail "$(cat said)"
for line in 'hospital-b peer: ' 'trust chaincode: ' 'trust orderer 4: ' 'hospital-a CA: ' 'hospital-b CA: ' 'trust CA: ' 'node 3: '; do
	grep -q "^${line}process [0-9]*, " said || emr_fail "not there: $line: $(cat said)"
done
for n in 1 2 3; do
	grep -qx "msp = Emr${n}MSP" "channel/$n/settings" || emr_fail "$(cat "channel/$n/settings")"
	expect "who may read the secret of its registrar" "$(stat -c %a "channel/$n/authority/admin.secret")" 600
done

say "nothing of it listens but on loopback"
for file in channel/*.pid channel/ipfs/*.pid; do
	read -r pid _ <"$file"
	find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n' >mine
	awk 'NR == FNR { mine[$1]; next } $4 == "0A" && $10 in mine { print $2 }' mine "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" >listens
	[ -s listens ] || emr_fail "$file listens nowhere"
	grep -vE '^(0100007F|0000000000000000FFFF00000100007F):' listens && emr_fail "$file listens elsewhere"
done

say "a hospital, a doctor and a patient with certificates of its CA, and nodes of their own"
as hospital run 0 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/hospital.words" --login admin \
	--secret-file "$EMR_WORK/channel/1/authority/admin.secret"
join() { # WHO NAME ROLE NODE
	as hospital run 0 invite "$1" --role "$3" -o "$EMR_WORK/$1.invitation" --within 1h --passphrase-file "$EMR_PASS"
	EMR_NODE=unix:$EMR_WORK/channel/ipfs/$4/api.sock as "$1" run 0 init --join "$EMR_WORK/$1.invitation" --yes --name "$2" --born 1984-03-12 \
		--passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/$1.words"
}
join ana "Silva, Ana" patient 1
join lima "Paula Lima" clinician 2
as ana json 0 check --network --passphrase-file "$EMR_PASS"
expect "what is not well" "$(python3 -c 'import json
print(*(c["name"] for c in json.load(open("out/said"))["checks"] if not c["ok"] and not c["warning"]))')" ""
for name in node private peering peer endorser channel; do grep -q "\"name\":\"$name\",\"ok\":true" out/said || emr_fail "$name: $(cat out/said)"; done
two_cards ana lima
two_mount ana lima
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 share Imaging with lima --yes --wait
reads() { [ "$(cat lima-folder/shared-with-me/*/Imaging/"$1")" = "$2" ]; }
emr_until reads MRI.txt "a knee" 2>/dev/null

say "a CA, an orderer and a node that nobody reads by are killed: each is missed, and she goes on writing"
missed() { # NAME LABEL
	kill -KILL "$(cut -d' ' -f1 "$1.pid")" && await_gone "$(cut -d' ' -f1 "$1.pid")"
	"$NETWORK" status channel >said && emr_fail "status says that all is well without $2"
	grep -qx "$2: does not run" said || emr_fail "$(cat said)"
}
missed channel/authority-1 "hospital-a CA"
missed channel/orderer-2 "hospital-b orderer 2"
missed channel/ipfs/3 "node 3"
echo "a shoulder" >ana-folder/Imaging/CT.txt
as ana run 0 status --wait
emr_until reads CT.txt "a shoulder" 2>/dev/null

say "up brings back what had been asked for once, and the CA knows its people"
must "$NETWORK" up bft channel >/dev/null
must "$NETWORK" status channel >/dev/null
as hospital run 0 invite eva --role patient -o "$EMR_WORK/eva.invitation" --within 1h --passphrase-file "$EMR_PASS"
as hospital json 0 org revoke lima --yes --passphrase-file "$EMR_PASS"
expect "what the CA says of her" "$(field authority)" ended
two_unmount ana lima

say "one line ends all of it"
pids=$(cut -d' ' -f1 channel/*.pid channel/ipfs/*.pid)
must "$NETWORK" down channel
[ ! -e channel ] || emr_fail "left: $(find channel)"
for pid in $pids; do
	kill -0 "$pid" 2>/dev/null && emr_fail "process $pid goes on"
done
echo "all is well"
