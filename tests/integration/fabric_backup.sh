#!/bin/bash
# fabric_backup.sh: people whose ledger is a channel of Fabric restore their second copies. The folder has the same bytes and follows
# the channel again: with the passphrase, with the 24 words, and where the previous directory of the network is not there.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_backup
FAULT=$EMR_WORK/channel/fault
channel_begin

say "a hospital on a channel, a patient and her doctor"
channel_network "São Lucas"
two_ana_and_lima
two_mount ana lima
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
head -c 700000 /dev/urandom >ana-folder/Imaging/MRI.dcm
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
(cd ana-folder && sha256sum Imaging/*) >sums

say "a second copy, made while her folder is open"
as ana run 0 backup "$EMR_WORK/copy" --verify
says "the ledger of your network"
grep -q " channel$" copy/emrfs-backup || emr_fail "what leads to the channel is not in it"
two_unmount ana # her certificate is renewed: that is what the 24 words are to find in the copy
rm -f ana.invitation
as hospital two_invite ana patient
inviting=$!
emr_until test -s ana.invitation
as ana json 0 join ana.invitation --yes --passphrase-file "$EMR_PASS"
expect "that it is new" "$(field renewed)" True
wait "$inviting" || emr_fail "invite ana: $(cat out/invited-ana)"
two_mount ana
echo "a hip" >ana-folder/Imaging/hip.txt
as ana run 0 status --wait
(cd ana-folder && sha256sum Imaging/*) >sums
as ana json 0 backup "$EMR_WORK/copy"
expect "versions that it lacks" "$(field missing)" 0
expect "records in it" "$([ "$(field records)" -ge 3 ] && echo enough)" enough
(cd copy && find . -type f -exec sha256sum {} + | sort) >copied
as ana run 0 backup "$EMR_WORK/copy" --verify
two_unmount ana

restores() { # WHO: what came back is what she had, and goes on
	as "$1" run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/$1-folder"
	(cd "$1-folder" && sha256sum -c ../sums >/dev/null) || emr_fail "other bytes"
	as "$1" json 0 status
	expect "the kind of ledger" "$(field ledger.kind)" fabric
	as "$1" run 0 verify
	says "Each block is signed by orderers of these organisations"
}

say "it comes back with her passphrase, and the ledger from the channel"
mv ana/state lost
two_home ana
run 0 init --restore "$EMR_WORK/copy" --passphrase-file "$EMR_PASS"
[ -e ana/state/replica.fabric/fabric.sqlite ] || emr_fail "the ledger was not followed"
[ "$(readlink ana/state/ledger)" = "$NET/ledger" ] || emr_fail "her state leads to $(readlink ana/state/ledger)"
for left in network channel; do [ ! -e "ana/state/$left" ] || emr_fail "ana/state/$left was left"; done
restores ana
echo "an elbow" >ana-folder/Imaging/elbow.txt
as ana run 0 status --wait
shown() { [ "$(cat lima-folder/shared-with-me/*/Imaging/elbow.txt)" = "an elbow" ]; }
emr_until shown
as ana run 0 backup "$EMR_WORK/copy" # it goes on from the one that it came out of
(cd ana-folder && sha256sum Imaging/*) >sums
two_unmount ana

say "and with the 24 words, where the previous directory is gone and what the copy says of it is damaged"
rm -rf ana/state
mv net away && mkdir -m 700 net && cp away/ca.pem net/ # which the channel reads
two_unmount lima
two_home ana
printf 'a new passphrase\n' >fresh && chmod 600 fresh
printf x | dd of="$(ls copy/emrfs-data/network.*)" bs=1 conv=notrunc status=none
run 3 init --restore "$EMR_WORK/copy" --words-file ana.words --passphrase-file "$EMR_WORK/fresh"
[ "$(readlink ana/state/ledger)" = "$EMR_WORK/ana/state/network/ledger" ] || emr_fail "her state leads to $(readlink ana/state/ledger)"
EMR_PASS=$EMR_WORK/fresh restores ana
as ana run 0 backup "$EMR_WORK/second"
grep -q " channel$" second/emrfs-backup || emr_fail "what leads to the channel is not in it"
grep -q " network$" second/emrfs-backup && emr_fail "the copy leads to a directory that goes with her state"
two_unmount ana

say "a copy of that leads to no previous place"
mv ana/state lost-too
run 0 init --restore "$EMR_WORK/second" --passphrase-file "$EMR_WORK/fresh"
[ -s ana/state/network/network ] || emr_fail "the way to the channel is not there"
EMR_PASS=$EMR_WORK/fresh restores ana
two_unmount ana

say "her second copy was edited and names another channel: she comes into that one by no way, and into her own by each"
# edited COPY FILE PYTHON: a file of the copy in other words, and the list as if it had been made so
edited() {
	python3 - "$@" <<'END' || emr_fail "not edited: $1 $2"
import glob, hashlib, os, sys
copy, what, change = sys.argv[1:4]
path = glob.glob("%s/emrfs-data/%s.*" % (copy, what))[0]
genesis = bytes.fromhex([line.split()[2] for line in open("ana-network") if line.startswith("genesis")][0])
lines = open(copy + "/emrfs-backup", "rb").read().splitlines(True)[:-1]
was = open(path, "rb").read()
now = eval(change)
assert now != was
name = os.path.basename(path).encode()
digests = [hashlib.sha256(x).hexdigest().encode() for x in (was, now)]
named = name.replace(digests[0][:16], digests[1][:16])
os.remove(path)
open("%s/emrfs-data/%s" % (copy, named.decode()), "wb").write(now)
lines = [b"file %d %s %s %s" % (len(now), digests[1], named, x.split(b" ")[-1]) if b" %s " % name in x else x for x in lines]
text = b"".join(lines)
open(copy + "/emrfs-backup", "wb").write(text + b"sum %s\n" % hashlib.sha256(text).hexdigest().encode())
END
}
nothing_made() { [ -z "$(ls ana/state | grep -v '^lock$')" ] || emr_fail "something was made: $(ls ana/state)"; }
cp lost-too/network/network ana-network
rm -rf ana/state && cp -a second other-channel
edited other-channel channel 'was.replace(b"\x20" + genesis, b"\0")' # any first block will do, it says now
if [ -z "${FABRIC:-}" ]; then # the played network begins otherwise when it is told to; real peers cannot
	touch "$FAULT/other-beginning"
	run 7 init --restore "$EMR_WORK/other-channel" --passphrase-file "$EMR_WORK/fresh"
	says "begins with another block"
	nothing_made
	run 7 init --restore "$EMR_WORK/other-channel" --words-file ana.words --passphrase-file "$EMR_WORK/fresh"
	says "begins with another block"
	nothing_made
	rm "$FAULT/other-beginning"
fi
run 0 init --restore "$EMR_WORK/other-channel" --passphrase-file "$EMR_WORK/fresh"
EMR_PASS=$EMR_WORK/fresh restores ana
two_unmount ana
rm -rf ana/state
cp -a other-channel without
python3 - <<'END' || emr_fail "not edited" # the profile says to the words which channel it is, and the files of blocks whose profile it is
import hashlib
lines = open("without/emrfs-backup", "rb").read().splitlines(True)[:-1]
text = b"".join(x for x in lines if b" profile\n" not in x and b" blocks/seg-" not in x)
open("without/emrfs-backup", "wb").write(text + b"sum %s\n" % hashlib.sha256(text).hexdigest().encode())
END
run 8 init --restore "$EMR_WORK/without" --words-file ana.words --passphrase-file "$EMR_WORK/fresh"
says "Which channel"
nothing_made

say "while the channel is away nothing is made, and it is said"
rm -rf ana/state
channel_stop
run 7 init --restore "$EMR_WORK/second" --passphrase-file "$EMR_WORK/fresh"
says "No gateway of your network answers"
[ -z "$(ls ana/state | grep -v '^lock$')" ] || emr_fail "something was made: $(ls ana/state)"
channel_start

say "a changed way is damage, and nothing is made"

printf xxxx | dd of="$(ls second/emrfs-data/channel.*)" bs=1 seek=20 conv=notrunc status=none
run 8 init --restore "$EMR_WORK/second" --passphrase-file "$EMR_WORK/fresh"
says "nothing can be restored without it"
[ -z "$(ls ana/state | grep -v '^lock$')" ] || emr_fail "something was made: $(ls ana/state)"
