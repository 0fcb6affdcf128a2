#!/bin/bash
# host_rot.sh: one bit of the small file that leads a member to the host. A backup keeps the whole one that it had, and restores; of a
# first backup, which has only the damaged one, everything opens, and whoever restores may name the host. Nobody is told to delete a backup.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin host-rot
P="--passphrase-file $EMR_PASS"
flip() { # FILE BYTE
	python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[int(sys.argv[2])] ^= 1; open(sys.argv[1], "wb").write(b)' "$1" "$2"
}
restore() { # CODE ARGUMENTS...
	rm -rf "$EMR_WORK/new" && mkdir -m 700 "$EMR_WORK/new" && mkdir -p "$EMR_WORK/new-folder" && cp "$EMR_WORK/bento/settings" "$EMR_WORK/new/"
	as new run "$1" init --restore "${@:2}" --yes $P
}
opens() {
	two_home new
	run 0 mount $P "$MNT"
	[ "$(cat "$MNT/Notes/one.txt")" = one ] || emr_fail "what was saved is not there"
	run 0 unmount
	two_home ana
}

TWO_ALONE=1 two_network "Praxis Ana" ana
two_host
address=$TWO_ADDRESS
two_join bento "Bento Reis" patient ana
two_mount bento
as bento must mkdir "$EMR_WORK/bento-folder/Notes"
echo one >"$EMR_WORK/bento-folder/Notes/one.txt"
as bento run 0 status --wait=1min
as bento run 0 backup good
two_unmount bento
way=$EMR_WORK/bento/state/network/ledger/host
cp "$way" way

say "each of some bits: the backup keeps the file that it had"
for at in 3 20 60 100 $(($(stat -c %s "$way") - 8)); do
	cp way "$way" && flip "$way" "$at"
	as bento run 3 backup good
	says "keeps the one that it had"
done
restore 0 good
opens

say "a first backup has only the damaged one: who restores says where the host is"
as bento run 3 backup first
says "copied as it is"
as bento run 8 backup first --verify
says_not "Delete"
restore 3 first
says "Ask whoever administers your organisation"
says_not "Delete"
says_not ".init-"
two_home new
run 0 mount $P "$MNT"
says "The ledger of your network cannot be reached"
[ "$(cat "$MNT/Notes/one.txt")" = one ] || emr_fail "what was saved is not there"
echo two >"$MNT/Notes/two.txt"
run 4 unmount
run 0 backup of-new
two_home ana
restore 0 of-new --network "$address"
opens
restore 3 first --network "$address"
opens

say "a member's ledger, and what it began with, come from the host"
for file in ledger.sqlite descriptor; do
	cp -a good bad
	flip "$(ls -S bad/emrfs-data/$file* | head -1)" 100
	restore 3 bad
	says "ledger/$file: it is damaged"
	says_not "Delete"
	opens
	rm -r bad
done

say "where the directory of a network is, who restores says"
run 0 backup of-ana
printf 'x' >"$(echo of-ana/emrfs-data/network.*)"
restore 3 of-ana
says "network: it is damaged and was left out"
says_not "Delete"
as new run 0 org show $P
restore 3 of-ana --network "$NET"
as new run 0 org show $P
says "patient-"
echo "all is well"
