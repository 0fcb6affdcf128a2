#!/bin/bash
# fabric_move.sh: a network that began in a directory moves to a channel of Fabric while people have their folders open, and nobody loses
# anything: not what was saved before, meanwhile or afterwards, nor a proof that was made before. After a kill at any step the same command
# goes on. PEER plays the network where FABRIC does not name the programs of a real one.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_move
PF="--passphrase-file $EMR_PASS"
at_end() {
	two_end
	kill ${moving:-} ${node:-} 2>/dev/null
	channel_stop
}

say "a hospital in a directory, a patient and her doctor"
mkdir node
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >node.log 2>&1 &
node=$!
emr_until test -f node/ready
EMR_NODE=unix:$EMR_WORK/node/good.sock # who reads when the host has ended
two_network "São Lucas"
two_ana_and_lima
two_mount ana lima
mkdir ana-folder/Imaging
echo "a knee" | tee knee >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
reads() { [ "$(cat lima-folder/shared-with-me/*/Imaging/MRI.txt)" = "a knee" ]; }
emr_until reads
for i in $(seq 66); do # more entries than one transaction takes
	echo "note $i" >"ana-folder/note-$i.txt"
	as ana run 0 status --wait
done
as ana run 0 export --proof ana-folder/Imaging/MRI.txt "$EMR_WORK/before.proof"
before=$(as ana attribute tx ana-folder/Imaging/MRI.txt)
cid=$(as ana attribute cid ana-folder/Imaging/MRI.txt)

say "a channel in which the organisation has another name, or which does not know it, takes nothing"
mkdir -m 700 way
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.key -out any.pem -subj /CN=any -days 2 2>/dev/null
printf 'kind = fabric\nmsp = Other\nchannel = any\nchaincode = any\ngateway = https://127.0.0.1:1 %s/any.pem\norganisation = Other %s/any.pem\n' \
	"$EMR_WORK" "$EMR_WORK" >way/network
two_home hospital
refuses() { "$EMRFS" org move way --yes $PF >out/said 2>&1 </dev/null && emr_fail "$1: $(cat out/said)"; }
refuses "a channel of others"
MSP=$(sed -n 's/.*has to be called \([0-9a-f]\{32\}\).*/\1/p' out/said)
[ -n "$MSP" ] || emr_fail "it does not say how: $(cat out/said)"
export MSP_1=$MSP
CHANNEL_MORE="$MSP=$EMR_WORK/taken.pem"
[ -n "${FABRIC:-}" ] || mkdir -m 700 channel
channel_start
sed "s/^msp = .*/msp = $MSP/" channel/settings >way/network
refuses "a channel that does not know it"
says "does not take the certificates of the CA in ca.pem there"
as ana run 0 status
if [ -n "${FABRIC:-}" ]; then channel_take 1 way/ca.pem; else cp way/ca.pem taken.pem; fi

# killed_at kills the moving while the channel makes it wait: that leaves what a power cut leaves.
killed_at() { # FAULT
	rm -f channel/held
	mkdir -p channel/fault && touch "channel/fault/$1"
	"$EMRFS" org move way --yes $PF >out/moving 2>&1 </dev/null &
	moving=$!
	emr_until test -f channel/held
	kill -KILL "$moving"
	wait "$moving" 2>/dev/null
	moving=
	rm "channel/fault/$1"
	[ ! -e net/ledger/moved ] || emr_fail "members are led to a channel that has not got everything"
}

blocks() { "$CHANNEL_EXAMPLE" status "$EMR_WORK/channel" | sed -n 's/^trust peer: .*height //p'; }
if [ -n "${FABRIC:-}" ]; then
	say "killed when the channel has got the first of it: the directory has ended, and what is saved waits"
	had=$(blocks)
	more() { [ "$(blocks)" -gt "$had" ]; }
	"$EMRFS" org move way --yes $PF >out/moving 2>&1 </dev/null &
	moving=$!
	emr_until more
	kill -KILL "$moving"
	wait "$moving" 2>/dev/null
	moving=
else
	say "killed before the network has begun in the channel: the directory has ended, and what is saved waits"
	killed_at held-genesis
fi
echo "saved meanwhile" >ana-folder/meanwhile.txt
as ana run 4 status --wait=1s
pid=$(two_pid ana)
as ana run 4 unmount --now
await_gone "$pid"
as ana run 0 mount $PF ana-folder
says "takes nothing any more"
as ana run 4 status --wait=1s

if [ -z "${FABRIC:-}" ]; then
	say "killed with the first entries on their way, and when they were ordered and nobody had heard so"
	killed_at held-move
	killed_at held-ordered
fi

say "the settings, and what leads members there, cannot be written: the same line goes on"
mkdir net/network
refuses "the settings are a directory"
rmdir net/network
mkdir net/ledger/moved
refuses "the file is a directory"
rmdir net/ledger/moved
json 0 org move way --yes $PF
expect "it is done" "$(field done)" True
run 0 org move way --yes $PF
says "The network is in the channel"

say "who opens the folder again is in the channel, with everything; what waited goes there"
as ana run 4 unmount --now
two_unmount lima
for who in ana lima; do
	as $who run 0 mount $PF $who-folder
	says "is in a channel of Fabric now"
done
as ana run 4 unmount --now
two_unmount lima
as ana run 0 mount $PF ana-folder
as lima run 0 mount $PF lima-folder
as ana run 0 status --wait
expect "the same entry" "$(as ana attribute tx ana-folder/Imaging/MRI.txt)" "$before"
expect "the same content" "$(as ana attribute cid ana-folder/Imaging/MRI.txt)" "$cid"
expect "saved meanwhile" "$(cat ana-folder/meanwhile.txt)" "saved meanwhile"
as ana json 0 verify --chain
expect "where its entries are read" "$(field chain.kind)" fabric
emr_until reads
echo "a hip" >ana-folder/Imaging/MRI2.txt
as ana run 0 status --wait
sees() { [ "$(cat lima-folder/shared-with-me/*/Imaging/MRI2.txt)" = "a hip" ]; }
emr_until sees

say "a proof from before holds, and one from afterwards does"
as ana run 0 export --proof ana-folder/Imaging/MRI2.txt "$EMR_WORK/after.proof"
for proof in before after; do
	as ana run 0 verify --proof $proof.proof
	"$VERIFY_AUDIT" $proof.proof >out/audit || emr_fail "verify-audit $proof: $(cat out/audit)"
	grep -q '^Genuine' out/audit || emr_fail "verify-audit does not say so"
done

say "who comes now joins the channel"
two_join rui "Rui Sá" patient
as rui run 0 mount $PF rui-folder
echo "mine" >rui-folder/mine.txt
as rui run 0 status --wait

say "everything again, from the blocks"
two_unmount ana
two_mount ana
grep -q "channel of Fabric" out/said && emr_fail "it is told again"
two_unmount ana
rm -rf ana/state/fabric
two_mount ana
as ana run 0 verify --chain
echo "all is well"
