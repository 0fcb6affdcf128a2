#!/bin/bash
# recover.sh: the 24 words are tested, and give a keyring a new passphrase when the old one is lost.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin recover
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state

json 10 recover
json 10 recover --test --words-file none
json 10 words
emr_init
secret second "the new passphrase"
secret third "the third one of them"
another_word 7 words >wrong-words && chmod 600 wrong-words
sed 's/^ *[0-9]* //' words | tr '\n' ' ' | tr a-z A-Z >shouted && chmod 600 shouted
cp "$STATE/keyfile" before

say "--test changes nothing but the day"
json 13 recover --test --passphrase-file "$EMR_PASS"
json 12 recover --test --words-file words --passphrase-file second
expect "error id" "$(field error)" wrong-passphrase
says "emrfs recover"
json 12 recover --test --words-file wrong-words --passphrase-file "$EMR_PASS"
expect "error id" "$(field error)" wrong-words
says "Word 7 is wrong"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
json 0 status
expect "tested" "$(field words_tested_at)" None
json 0 recover --test --words-file words --passphrase-file "$EMR_PASS"
expect "state" "$(field state)" tested
at=$(field words_tested_at)
json 0 status
expect "tested" "$(field words_tested_at)" "$at"
expect "owner" "$(field owner)" Ana
run 0 recover --test --words-file shouted --passphrase-file "$EMR_PASS"
must cmp before "$STATE/keyfile"

say "the words again: to a terminal, or to a file that is made for it"
json 13 words --passphrase-file "$EMR_PASS"
expect "error id" "$(field error)" needs-words-file
json 12 words --passphrase-file second --words-file shown
expect "a wrong passphrase makes nothing" "$(ls shown 2>&1 | wc -l) $(field error)" "1 wrong-passphrase"
json 0 words --passphrase-file "$EMR_PASS" --words-file shown
must cmp words shown
expect "rights" "$(stat -c %a shown)" 600
says_not "$(sed -n 's/^ *1 //p' words)"
json 0 words --passphrase-file "$EMR_PASS" --words-file shown # the same words, as a try has left them that was ended
echo "a letter" >shown
json 1 words --passphrase-file "$EMR_PASS" --words-file shown
expect "what is there stays" "$(field error) $(cat shown)" "words-file a letter"

say "a new passphrase, with the folder open"
echo text >"$MNT/a.txt"
json 13 recover
expect "error id" "$(field error)" needs-words-file
json 12 recover --words-file wrong-words --new-passphrase-file second
must cmp before "$STATE/keyfile"
chmod 644 shouted
json 6 recover --words-file shouted --new-passphrase-file second
chmod 600 shouted
run 13 recover --words-file words
json 0 recover --words-file words --new-passphrase-file second
expect "state" "$(field state)" recovered
expect "reading goes on" "$(cat "$MNT/a.txt")" text
head -c 500000 /dev/urandom >"$MNT/pending.bin"
sync "$MNT/pending.bin"
cp "$MNT/pending.bin" out/pending.bin
kill -KILL "$(pid_of_mount)"		# what was pending is in the journal of this device
await_gone "$(pid_of_mount)"
json 12 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 mount --passphrase-file second "$MNT"
must cmp out/pending.bin "$MNT/pending.bin"
run 0 status --wait
json 0 status
expect "owner" "$(field owner)" Ana
run 0 unmount
json 0 verify --passphrase-file second
expect "nothing bad" "$(field bad)" "[]"

say "closed, and without any keyfile"
rm "$STATE/keyfile"
run 10 mount --passphrase-file second "$MNT"
run 0 recover --words-file shouted --new-passphrase-file third
expect "rights" "$(stat -c %a "$STATE/keyfile")" 600
run 0 mount --passphrase-file third "$MNT"
must cmp out/pending.bin "$MNT/pending.bin"
run 0 backup "$EMR_WORK/copy"
run 0 recover --words-file words --new-passphrase-file second
says "still opens with the old passphrase"
run 0 unmount

say "words of somebody else"
mkdir -m 700 nobody && printf 'kdf = 8,1\n' >nobody/settings
EMRFS_HOME=$EMR_WORK/nobody run 0 init --yes --passphrase-file second --words-file strange-words
json 12 recover --words-file strange-words --new-passphrase-file third
says "no keyring here has them"
json 12 recover --test --words-file strange-words --passphrase-file second
say "settings that somebody has changed make no guess cheaper"
cost() { python3 -c 'import struct, sys
print("%d MiB, %d passes" % tuple(n >> k for n, k in zip(struct.unpack(">IQ", open(sys.argv[1], "rb").read(20)[8:])[::-1], (20, 0))))' "$1"; }
mkdir -m 700 dear && export EMRFS_HOME=$EMR_WORK/dear
settings() { printf 'kdf = %s\n' "$1" >dear/settings; }
settings 16,2
run 0 init --yes --name Ana --passphrase-file second --words-file dear-words
settings 8,1
run 0 passwd --passphrase-file second --new-passphrase-file third
says "16 MiB and 2 passes"
expect "after passwd" "$(cost dear/state/keyfile)" "16 MiB, 2 passes"
run 0 recover --words-file dear-words --new-passphrase-file second
says "16 MiB and 2 passes"
expect "after recover" "$(cost dear/state/keyfile)" "16 MiB, 2 passes"
settings 24,1
run 0 passwd --passphrase-file second --new-passphrase-file third
expect "more is more" "$(cost dear/state/keyfile)" "24 MiB, 2 passes"
settings 8,1
run 0 mount --passphrase-file third "$MNT"
run 0 status --wait
run 0 backup "$EMR_WORK/dear-copy"
run 0 unmount
rm dear/state/keyfile			# or put there by whoever likes
run 0 recover --words-file dear-words --new-passphrase-file second
expect "what the keyfile costs stands elsewhere, too" "$(cost dear/state/keyfile)" "24 MiB, 2 passes"
mkdir -m 700 again && cp dear/settings again/
EMRFS_HOME=$EMR_WORK/again run 0 init --yes --restore "$EMR_WORK/dear-copy" --words-file dear-words --passphrase-file second
expect "after a restore by words" "$(cost again/state/keyfile)" "24 MiB, 2 passes"
rm dear/state/profile
run 0 recover --words-file dear-words --new-passphrase-file third
expect "where nothing says it, as much as usual" "$(cost dear/state/keyfile)" "256 MiB, 3 passes"
echo "all is well"
