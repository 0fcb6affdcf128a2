#!/bin/bash
# channel_move.sh: a network in a directory, of two organisations at one host, goes on in a channel of Fabric (real peers) while its members have
# their folders open. Host and backend are killed in the middle, and people save meanwhile: nobody notices, nothing is lost, and each entry stays
# what it was, for old members, a newcomer, a restore, and the second organisation's host, which is made from the channel.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
ON_CHANNEL=1 two_begin channel_move
P="--passphrase-file $EMR_PASS"
backend() { echo "$EMR_WORK/channel/backend/$1/run"; }
state() { curl -s --max-time 60 --unix-socket "$(backend 1)/backend" "http://backend/v1/state" | jq -r ".$1"; }
entries() { sqlite3 "$1/ledger/ledger.sqlite" "SELECT seq, hex(entry) FROM entries WHERE seq < ${2:-1000000} ORDER BY seq"; }
size() { sqlite3 "$1/ledger/ledger.sqlite" "SELECT count(*) FROM entries"; }
is_sent() { [[ $(getfattr --only-values -n user.emrfs.state "$EMR_WORK/$1-folder/$2" 2>/dev/null) == confirmed* ]]; }
sound() { as "$1" json 0 verify --chain && expect "$1: bad" "$(field bad)" "[]"; }
reads() { [ "$(cat lima-folder/shared-with-me/*/Imaging/$1 2>/dev/null)" = "$2" ]; }

say "two organisations at one host in a directory, a patient and her doctor, and more entries than one transaction takes"
TWO_CHANNEL=''
two_network "São Lucas"
orgs_join aurora "Clínica Aurora" hospital
two_ana_and_lima
two_mount ana lima
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
emr_until reads MRI.txt "a knee"
for i in $(seq 70); do
	echo "note $i" >"ana-folder/note-$i.txt"
	as ana run 0 status --wait
done
as ana run 0 status --wait
as ana run 0 export --proof ana-folder/Imaging/MRI.txt "$EMR_WORK/before.proof"
as ana run 0 backup "$EMR_WORK/kept"
two_home hospital

say "nothing moves before enough members have agreed, nor with another channel in mind"
run 6 host "$NET" "127.0.0.1:1" --channel "$(backend 1)"
says "no network has begun in its channel"
run 2 org move --yes $P
json 0 org move --channel "$(backend 1)" --yes $P
expect agreed "$(field done) $(field have) $(field need)" "False 1 2"
expect "its channel" "$(field genesis)" "$(state genesis)"
run 6 host "$NET" "127.0.0.1:1" --channel "$(backend 1)"
says "the members have not agreed to go on in it"
TWO_ALONE=1 NET=$EMR_WORK/net-other two_network "Outra" other
TWO_ADMIN=hospital
as other run 6 org move --channel "$(backend 3)" --yes $P
says "another network has begun in its channel"
[ ! -e "$NET/ledger/channel" ] || emr_fail "it left the directory"

say "agreed: the directory takes nothing more, and what is saved waits"
as aurora json 0 org move --channel "$(backend 2)" --yes $P
expect agreed "$(field done)" True
before=$(size "$NET")
[ "$before" -gt 80 ] || emr_fail "only $before entries"
entries "$NET" >out/before
echo "saved meanwhile" >ana-folder/meanwhile.txt
as ana run 4 status --wait=1s

say "host and backend are killed with the first entries on their way, and both go on"
kill -STOP "$(channel_pid orderer-1)" "$(channel_pid orderer-2)" "$(channel_pid orderer-3)"
run 0 org move --channel "$(backend 1)" --yes $P
says "It is agreed"
waits() { [ "$(state waiting)" != 0 ]; }
emr_until waits
two_host_kill
channel_kill backend-1
kill -CONT "$(channel_pid orderer-1)" "$(channel_pid orderer-2)" "$(channel_pid orderer-3)"
two_host
must "$CHANNEL_EXAMPLE" backends "$EMR_WORK/channel"
emr_until is_sent ana meanwhile.txt

say "nobody has noticed: the same folder, the same entries, and what was saved meanwhile behind them"
entries "$NET" "$before" | cmp - out/before || emr_fail "entries have changed"
echo "a hip" >ana-folder/Imaging/CT.txt
emr_until is_sent ana Imaging/CT.txt
emr_until reads CT.txt "a hip"
sound ana
sound lima
run 0 verify --proof before.proof "$EMR_WORK/ana-folder/Imaging/MRI.txt"
two_home late
as late run 2 org create "Praxis" --network "$TWO_ADDRESS" --yes $P --words-file "$EMR_WORK/late.words"
says "is in a channel of Fabric"

say "the second organisation's host is made from the channel, and a newcomer's copy is as all others"
channel_host_from() {
	"$EMRFS" host "$EMR_WORK/net-$1" "127.0.0.1:$(emr_port)" --channel "$(backend "$2")" --json >out/host 2>&1 </dev/null || emr_fail "host: $(cat out/host)"
	CHANNEL_HOST[$1]=$("$JSON_FIELD" out/host pid)
}
channel_host_from aurora 2
same() { [ "$(entries "$NET")" = "$(entries net-aurora)" ]; }
emr_until same
two_join rui "Rui Melo" patient
two_mount rui
echo "mine" >rui-folder/mine.txt
emr_until is_sent rui mine.txt
sound rui
emr_until same

say "a restore from before has everything"
two_unmount ana
rm -rf ana/state
as ana run 0 init --restore "$EMR_WORK/kept" $P
two_mount ana
expect "saved meanwhile" "$(cat ana-folder/meanwhile.txt)" "saved meanwhile"
sound ana
two_unmount ana lima rui
