#!/bin/bash
# channel_whole.sh: one command starts, and one ends, all that a network of health records is made of: peers, orderers, the contract and
# emrfs-fabric out of these sources, Fabric CAs, IPFS nodes. A hospital with a host, a doctor and a patient stand on it, and `check --network`
# finds nothing wrong. A part that is killed is missed, keeps nobody from writing, and comes back with what it had. A patient's second copy and
# the host's own are restored, and follow the channel again. FABRIC has the programs of Fabric.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin channel_whole

say "one line starts all of it, and its status names each process"
. "$SUPPORT/channel.sh"
unset CHAINCODE BACKEND
NETWORK=$CHANNEL_EXAMPLE
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
for line in 'hospital-b peer: ' 'trust chaincode: ' 'trust orderer 4: ' 'hospital-a CA: ' 'hospital-b CA: ' 'trust backend: ' 'node 3: '; do
	grep -q "^${line}process [0-9]*, " said || emr_fail "not there: $line: $(cat said)"
done
for n in 1 2 3; do
	grep -qx "msp = Emr${n}MSP" "channel/backend/$n/settings" || emr_fail "$(cat "channel/backend/$n/settings")"
	expect "who may read the secret of its registrar" "$(stat -c %a "channel/$n/authority/admin.secret")" 600
	expect "who may read the key of its backend" "$(stat -c %a "channel/backend/$n/host.key")" 600
done

say "nothing of it listens but on loopback, and a backend only at its socket"
for file in channel/*.pid channel/ipfs/*.pid; do
	read -r pid _ <"$file"
	find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n' >mine
	awk 'NR == FNR { mine[$1]; next } $4 == "0A" && $10 in mine { print $2 }' mine "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" >listens
	case $file in
	channel/backend-*) [ ! -s listens ] || emr_fail "$file listens: $(cat listens)" ;;
	*) [ -s listens ] || emr_fail "$file listens nowhere" ;;
	esac
	grep -vE '^(0100007F|0000000000000000FFFF00000100007F):' listens && emr_fail "$file listens elsewhere"
done

say "a hospital, a doctor and a patient over its host, with nodes of their own"
two_network "São Lucas"
node() { echo "unix:$EMR_WORK/channel/ipfs/$1/api.sock"; }
EMR_NODE=$(node 1) two_join ana "Silva, Ana" patient
EMR_NODE=$(node 2) two_join lima "Paula Lima" clinician
as ana json 0 check --network
expect "what is not well" "$(python3 -c 'import json
print(*(c["name"] for c in json.load(open("out/said"))["checks"] if not c["ok"] and not c["warning"]))')" ""
two_cards ana lima
two_mount ana lima
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 share Imaging with lima --yes --wait
reads() { [ "$(cat lima-folder/shared-with-me/*/Imaging/"$1")" = "$2" ]; }
emr_until reads MRI.txt "a knee" 2>/dev/null

say "a CA, an orderer, the backend of another organisation and a node that nobody reads by are killed: each is missed, and she goes on writing"
missed() { # NAME LABEL
	kill -KILL "$(cut -d' ' -f1 "$1.pid")" && await_gone "$(cut -d' ' -f1 "$1.pid")"
	"$NETWORK" status channel >said && emr_fail "status says that all is well without $2"
	grep -qx "$2: does not run" said || emr_fail "$(cat said)"
}
missed channel/authority-1 "hospital-a CA"
missed channel/orderer-2 "hospital-b orderer 2"
missed channel/backend-2 "hospital-b backend"
missed channel/ipfs/3 "node 3"
echo "a shoulder" >ana-folder/Imaging/CT.txt
as ana run 0 status --wait
emr_until reads CT.txt "a shoulder" 2>/dev/null

say "up brings back what had been asked for once"
must "$NETWORK" up bft channel >/dev/null
must "$NETWORK" status channel >/dev/null

say "the patient's second copy comes back, and the host's own in its place, and both follow the channel again"
as ana run 0 backup "$EMR_WORK/copy" --verify
as hospital run 0 host "$NET" --backup "$EMR_WORK/host-copy"
echo "a hip" >ana-folder/Imaging/hip.txt
as ana run 0 status --wait
two_unmount ana
mv ana/state lost
as ana run 0 init --restore "$EMR_WORK/copy" --passphrase-file "$EMR_PASS"
two_host_kill
mv net lost-net
cp -rp host-copy/network net
two_host
two_mount ana
echo "an elbow" >ana-folder/Imaging/elbow.txt
as ana run 0 status --wait
emr_until reads elbow.txt "an elbow" 2>/dev/null
emr_until reads hip.txt "a hip" 2>/dev/null
as ana run 0 verify --chain
as lima run 0 verify --chain
two_unmount ana lima

say "one line ends all of it"
pids=$(cut -d' ' -f1 channel/*.pid channel/ipfs/*.pid)
must "$NETWORK" down channel
[ ! -e channel ] || emr_fail "left: $(find channel)"
for pid in $pids; do
	kill -0 "$pid" 2>/dev/null && emr_fail "process $pid goes on"
done
echo "all is well"
