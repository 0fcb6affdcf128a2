#!/bin/bash
# host_gone.sh: a doctor's computer is lost while the host of her practice is away: it is dead, or takes connections and answers nothing,
# or has another address. Her records, and what a patient shared and she has read, come back from her backup all the same, for writing,
# by passphrase and by words; the host has what she saves when it is there again, once. So does what is the host's owner's.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin host-gone
at_end() {
	kill -CONT "${TWO_HOST:-}" 2>/dev/null
	two_end
}
P="--passphrase-file $EMR_PASS"
# Her computer is another one; the cache of what others share is no part of it.
lost() { rm -rf lima/state lima/run && rmdir lima-folder; mkdir lima-folder; }
restored() { # CODE ARGUMENTS...
	lost
	as lima run "$1" init --restore "$EMR_WORK/copy" $P "${@:2}"
}
reads() { [ "$(cat $1 2>/dev/null)" = "$2" ]; }
opens() {
	two_mount lima
	reads lima-folder/Own/plan.txt "the first plan" || emr_fail "her own record"
	reads "lima-folder/shared-with-me/bento*/Notes/one.txt" "a note" || emr_fail "what she had read"
}
waits_for() { # ADDRESS, says status, and the last word when she closes it
	as lima json 0 status
	expect "that she may save" "$(field read_only)" False
	as lima run 0 restore --list Own/plan.txt
	as lima run 0 status
	grep -q "The host of your network, ${1%%#*}, cannot be reached" out/said out/complained || emr_fail "status does not name the host"
	two_pid lima >out/pid
	as lima run 4 unmount
	says_not "Everything is on the ledger"
	says "not on the ledger yet"
	await_gone "$(cat out/pid)"
}
# The versions of PATH, and that nobody else's folder missed them.
once() {
	as lima run 0 status --wait=1min
	as lima json 0 restore --list "$1"
	expect "versions of $1" "$(python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["version_list"]))' out/said)" "$2"
	as lima run 0 verify
}

say "a practice, a patient who shares, a doctor who reads, and her backup"
two_network "Praxis Ana" ana
two_join bento "Bento Reis" patient
two_join lima "Paula Lima" clinician
two_cards bento lima
two_mount bento lima
mkdir bento-folder/Notes lima-folder/Own
echo "a note" >bento-folder/Notes/one.txt
as bento run 0 share Notes with lima --yes --wait
emr_until reads "lima-folder/shared-with-me/bento*/Notes/one.txt" "a note"
echo "the first plan" >lima-folder/Own/plan.txt
as lima run 0 status --wait=1min
two_unmount lima # what was read is kept
as lima run 0 backup copy
as lima run 0 backup copy --verify
two_mount lima
echo "the second plan" >lima-folder/Own/plan.txt # which the backup does not know
as lima run 0 status --wait=1min
two_unmount lima

say "the host is dead: everything opens for writing, and what is saved waits for that host"
two_host_kill
restored 0
opens
echo "saved meanwhile" >lima-folder/Own/new.txt
echo "another plan" >lima-folder/Own/plan.txt
waits_for "$TWO_ADDRESS"
two_host
two_mount lima
once Own/new.txt 1
both() { cat lima-folder/Own/plan* | sort | tr '\n' ' ' | grep -q "another plan the second plan"; }
emr_until both
two_unmount lima

say "it is dead, and the ledger in the backup is damaged: what is whole in it opens for reading, and the host brings the rest"
two_host_kill
cp -a copy whole
damaged() { # WHICH entry
	python3 - "$(ls copy/emrfs-data/ledger.sqlite.*)" "$1" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute(f"UPDATE entries SET entry = substr(entry, 1, 120) || x'aaaa' || substr(entry, 123) WHERE seq = {sys.argv[2]}")
db.commit()
END
}
damaged 1
restored 7 # nothing says what is there
says "all of its entries have to come from your network"
rm -rf copy && cp -a whole copy
damaged "(SELECT max(seq) FROM entries)"
restored 3
says "ledger/ledger.sqlite: it is damaged"
says "its last entries have to come from your network"
two_mount lima
says "for reading only"
reads "lima-folder/shared-with-me/bento*/Notes/one.txt" "a note" || emr_fail "what she had read"
as lima run 0 unmount
two_host
two_mount lima
once Own/new.txt 1
two_unmount lima
rm -rf copy && mv whole copy

say "it takes connections and answers nothing, and there are the 24 words alone"
kill -STOP "$TWO_HOST"
restored 0 --words-file "$EMR_WORK/lima.words"
opens
echo "by the words" >lima-folder/Own/words.txt
kill -CONT "$TWO_HOST"
once Own/words.txt 1
two_unmount lima

say "it has another address, which the backup does not know; another key is another host"
was=$TWO_ADDRESS
TWO_PORT=$(emr_port)
two_host_kill
two_host
restored 6 --network "${TWO_ADDRESS%%#*}#ed25519//$(head -c 32 /dev/zero | base64)"
says "another key"
restored 0 --network "$TWO_ADDRESS"
two_mount lima
echo "at the new address" >lima-folder/Own/moved.txt
once Own/moved.txt 1
[ "$was" != "$TWO_ADDRESS" ] || emr_fail "it has the same address"
two_unmount lima bento

say "the owner's directory is gone with the host: hers opens, too, and waits"
two_mount ana
echo hers >ana-folder/hers.txt
as ana run 0 status --wait=1min
two_unmount ana
as ana run 0 backup hers
two_host_kill
mv "$NET" gone && rm -rf ana/state
as ana run 0 init --restore hers $P
two_mount ana
reads ana-folder/hers.txt hers || emr_fail "her own"
mv gone "$NET"
two_host
as ana run 0 verify
two_unmount ana
echo "all is well"
