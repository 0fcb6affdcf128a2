#!/bin/bash
# fabric_device.sh: two computers of one person in a network on Fabric. The hospital invites the second one, which gets a certificate of its
# own, and both write and read. Once it is removed, neither it nor its certificate can do anything. PEER plays the network.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_device
channel_begin
channel_network "São Lucas"
two_join ana "Silva, Ana" patient
two_mount ana
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait

# Waits in the background for whoever uses it; what it says is in out/invited.
invite() { # HANDLE ROLE
	rm -f invitation
	env --default-signal=INT "$EMRFS" invite "$1" --role "$2" -o "$EMR_WORK/invitation" --within 10min --passphrase-file "$EMR_PASS" \
		>"$EMR_WORK/out/invited" 2>&1 </dev/null &
	inviting=$!
	emr_until test -s "$EMR_WORK/invitation"
}
invited() { wait "$inviting" || emr_fail "invite: $(cat out/invited)"; }
add() { # EXIT NAME OPTION...
	local exit=$1 name=$2
	shift 2
	as ana run "$exit" device add "$name" -o "$EMR_WORK/$name.device" --yes --passphrase-file "$EMR_PASS" "$@"
}
names() { # of ana's computers, and of what else acts as one
	as ana json 0 device
	python3 -c 'import json; d = json.load(open("out/said")); print(*sorted(x["name"] or "first" for x in d["devices"]), len(d["strangers"]))'
}

say "another computer needs an invitation, and it is for a computer and for nobody else"
add 6 laptop
says "certificate of its own"
as hospital invite lima clinician
cp invitation person.invitation
add 8 laptop --join person.invitation
says "for a person"
kill -INT "$inviting" && wait "$inviting" 2>/dev/null
[ ! -e laptop.device ] || emr_fail "a file for nobody"
as hospital invite ana-laptop device
two_home thief
run 8 init --join "$EMR_WORK/invitation" --yes --name "No One" --born 1970-01-01 --passphrase-file "$EMR_PASS" --words-file thief.words
says "emrfs device add"

say "with it the laptop has a certificate, and opens the folder"
cp invitation used.invitation
echo "something else" >laptop.device # the invitation opens once, and is not used for what cannot be written
add 1 laptop --join "$EMR_WORK/invitation"
says "laptop.device"
rm laptop.device
add 0 laptop --join "$EMR_WORK/invitation"
invited
[ "$(names)" = "first laptop 0" ] || emr_fail "her computers: $(names)"
add 8 other --join "$EMR_WORK/used.invitation" # it opened once
says "used already"
[ "$(names)" = "first laptop 0" ] || emr_fail "her computers: $(names)"
two_home laptop
run 0 device accept "$EMR_WORK/laptop.device" --passphrase-file "$EMR_PASS"
two_mount laptop

say "both write, and both read"
is() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
emr_until is laptop-folder/Imaging/MRI.txt "a knee"
echo "written on the laptop" >laptop-folder/Imaging/laptop.txt
as laptop run 0 status --wait
emr_until is ana-folder/Imaging/laptop.txt "written on the laptop"
echo "written at home" >ana-folder/Imaging/home.txt
as ana run 0 status --wait
emr_until is laptop-folder/Imaging/home.txt "written at home"
as laptop run 6 device add third --join "$EMR_WORK/used.invitation" -o "$EMR_WORK/third.device" --yes --passphrase-file "$EMR_PASS"

say "removed, it can write nothing"
as ana run 0 device remove laptop --passphrase-file "$EMR_PASS"
[ "$(names)" = "first 0" ] || emr_fail "her computers: $(names)"
echo "after it was removed" >ana-folder/Imaging/after.txt
as ana run 0 status --wait
emr_until grep -q device-removed laptop-folder/.emrfs/notices
[ ! -e laptop-folder/Imaging/after.txt ] || emr_fail "it sees what came after its removal"
pid=$(as laptop pid_of_mount)
as laptop "$EMRFS" unmount --now >/dev/null 2>&1
await_gone "$pid"
as laptop run 6 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/laptop-folder"
says "was removed"

say "one that is elsewhere needs nothing of the network's directory"
as hospital invite ana-phone device
add 0 phone --join "$EMR_WORK/invitation"
invited
two_unmount ana
mv net net-away && mkdir -m 700 net && cp net-away/ca.pem net # the authority, which the channel of this test reads there
two_home phone
python3 - net-away/network <<'END' || emr_fail "no file of another channel" # any first block will do, it says now
import sys
genesis = bytes.fromhex([line.split()[2] for line in open(sys.argv[1]) if line.startswith("genesis")][0])
was = open("phone.device", "rb").read()
at = was.index(b"\x20" + genesis)
way = max(i for i in range(at) if i + 4 + int.from_bytes(was[i:i + 4], "big") > at + 33 and was[i + 4:i + 8] == b"EMCH")
size = int.from_bytes(was[way:way + 4], "big")
open("other.device", "wb").write(was[:way] + (size - 32).to_bytes(4, "big") + was[way + 4:at] + b"\0" + was[at + 33:])
END
if [ -z "${FABRIC:-}" ]; then # real peers cannot begin otherwise for once
	mkdir -p channel/fault && touch channel/fault/other-beginning
	run 7 device accept "$EMR_WORK/other.device" --passphrase-file "$EMR_PASS"
	says "begins with another block"
	[ ! -e phone/state/keyfile ] || emr_fail "it came into another channel"
	rm channel/fault/other-beginning
fi
run 0 device accept "$EMR_WORK/phone.device" --passphrase-file "$EMR_PASS"
[ -s phone/state/network/network ] || emr_fail "its state does not keep where the network is"
two_mount phone
emr_until test -e phone-folder/Imaging/after.txt
echo "written elsewhere" >phone-folder/Imaging/phone.txt
as phone run 0 status --wait
two_unmount phone
rm -r net && mv net-away net

say "an addition that is killed once the ledger knows its key is whole when the file is accepted"
computers() { # in force, as the hospital sees them
	as hospital json 0 org show --passphrase-file "$EMR_PASS"
	python3 -c 'import json; print(sum(x["in_force"] and "device" in x["role"] for x in json.load(open("out/said"))["members"]))'
}
as hospital invite ana-desk device
EMRFS_HOME=$EMR_WORK/ana "$EMRFS" device add desk -o "$EMR_WORK/desk.device" --yes --passphrase-file "$EMR_PASS" --join "$EMR_WORK/invitation" \
	>out/killed 2>&1 </dev/null &
adding=$!
until [ -s desk.device ]; do
	[ -d "/proc/$adding" ] || emr_fail "device add: $(cat out/killed)"
	sleep 0.01
done
kill -STOP $adding
invited
until [ "$(computers)" = 2 ]; do # the phone is the other one
	kill -CONT $adding || emr_fail "device add: $(cat out/killed)"
	sleep 0.02
	kill -STOP $adding
done
kill -KILL $adding && wait $adding 2>/dev/null
two_mount ana # it hands on the keys
two_home desk
accepted() { "$EMRFS" device accept "$EMR_WORK/desk.device" --passphrase-file "$EMR_PASS" >out/accepted 2>&1; }
emr_until accepted
two_mount desk
emr_until test -d desk-folder/Imaging # the keys come by letter, once ana's folder has seen the new computer
echo "written at the desk" >desk-folder/Imaging/desk.txt
as desk run 0 status --wait
emr_until is ana-folder/Imaging/desk.txt "written at the desk"
two_unmount desk ana

say "after a loss the first computer cuts the others off"
as ana json 0 recover --lost --yes --words-file "$EMR_WORK/ana.words" --new-passphrase-file "$EMR_PASS"
expect "what is cut off" "$(python3 -c 'import json; print(*sorted(json.load(open("out/said"))["removed_devices"]))')" "desk phone"
two_mount ana
[ "$(cat ana-folder/Imaging/after.txt)" = "after it was removed" ] || emr_fail "her records are not there"
emr_until test -e ana-folder/Imaging/phone.txt # its blocks were on the phone alone
as phone run 6 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/phone-folder"
says "was removed"
two_unmount ana
echo "all is well"
