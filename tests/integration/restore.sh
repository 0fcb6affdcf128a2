#!/bin/bash
# restore.sh: a clean machine gets everything back from a backup, bit for bit: with the passphrase, and with the 24 words.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin restore
cd "$EMR_WORK" || exit 2
FIRST=$EMRFS_HOME
COPY=$EMR_WORK/copy

# clean NAME: from here on a computer that has nothing; the others stay as they are.
clean() {
	export EMRFS_HOME=$EMR_WORK/$1
	rm -rf "$EMRFS_HOME"
	mkdir -m 700 "$EMRFS_HOME"
	printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
}
# picture prints what the mount shows as one text: names, contents, links, modes, times of files, versions, attributes of people.
picture() {
	(cd "$MNT" && find . -type d -printf '%p %y %m\n' -o -printf '%p %y %m %s %T@ %l\n' | LC_ALL=C sort &&
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum &&
		find . -print0 | LC_ALL=C sort -z | xargs -0 getfattr -h -d -m 'user\.note|system\.emrfs\.(id|cid|version|signature)' 2>/dev/null)
}

# findings prints what a check of everything finds, which is the same before and after.
findings() { "$EMRFS" verify --json | python3 -c 'import json,sys; v=json.load(sys.stdin); print(v["checked"], v["chain"]["root"], v.get("bad", []))'; }

emr_init
secret second "the new passphrase"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
must mkdir -p "$MNT/Imaging/deep" "$MNT/empty"
head -c 3000000 /dev/urandom >"$MNT/Imaging/scan.dcm"
echo "a letter" >"$MNT/letter.txt"
ln -s Imaging/scan.dcm "$MNT/link"
: >"$MNT/Imaging/deep/nothing"
setfattr -n user.note -v "see Dr Lima" "$MNT/letter.txt"
run 0 status --wait
for ((i = 0; i < 20; i++)); do echo "version $i" >"$MNT/Imaging/deep/often.txt"; done
mv "$MNT/letter.txt" "$MNT/Imaging/letter.txt"
rm "$MNT/Imaging/deep/nothing"
run 0 status --wait
picture >whole
findings >checked
run 0 backup "$COPY"
cp "$FIRST/state/keyfile" first-keyfile

say "with the passphrase"
run 0 unmount
clean other
json 10 mount "$MNT"
json 0 init --restore "$COPY" --passphrase-file "$EMR_PASS"
expect "name" "$(field name)" Ana
expect "second copy" "$(field second_copy)" False	# it is on the same disk
must cmp first-keyfile "$EMRFS_HOME/state/keyfile"
expect "rights in the state" "$(find "$EMRFS_HOME/state" -perm /077 -not -type l | head -3)" ""
expect "left over" "$(find "$EMRFS_HOME/state" -name '.init-*')" ""
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
says_not "No second copy"
run 0 status
says "No second copy"
picture >restored
must diff whole restored
findings >again
must diff checked again
json 0 status
expect "pending" "$(field pending)" 0
echo more >"$MNT/more.txt"
run 0 status --wait
json 0 status more.txt
expect "it goes on" "$(field state)" "confirmed 1/1"
run 0 unmount
json 11 init --restore "$COPY" --passphrase-file "$EMR_PASS"
expect "error id" "$(field error)" has-keyring

say "with the 24 words alone"
rm -f "$EMR_WORK/copy2" && cp -r "$COPY" copy2
rm copy2/emrfs-data/keyfile.*		# not even the keyfile
clean words-only
json 8 init --restore copy2 --passphrase-file "$EMR_PASS"
expect "error id" "$(field error)" keyfile
expect "what a failed restore leaves" "$(ls -A "$EMRFS_HOME/state")" lock
json 3 init --restore copy2 --words-file words --passphrase-file second
json 10 status
clean words-only
json 0 init --restore "$COPY" --words-file words --passphrase-file second
expect "name" "$(field name)" Ana
expect "words" "$(field words_checked)" True
json 12 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 mount --passphrase-file second "$MNT"
picture >restored
must diff whole restored
json 0 status
[ "$(field words_tested_at)" != None ] || emr_fail "the words were used, and nobody knows"
findings >again
must diff checked again
run 0 unmount

say "what was not on the ledger yet comes back, too"
export EMRFS_HOME=$FIRST
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
head -c 500000 /dev/urandom >"$MNT/just-saved.bin"
sync "$MNT/just-saved.bin"
exec 6>"$MNT/still-open.bin"
for ((i = 0; i < 10; i++)); do
	dd if=/dev/urandom of="$MNT/still-open.bin" bs=5000 count=1 seek=$((i * 3)) conv=notrunc,fsync status=none
done
run 0 backup "$COPY"
cp "$MNT/just-saved.bin" "$MNT/still-open.bin" "$EMR_WORK/out"
exec 6>&-
run 0 unmount
for way in "--passphrase-file $EMR_PASS" "--words-file words --passphrase-file second"; do
	clean pending
	# shellcheck disable=SC2086
	json 0 init --restore "$COPY" $way
	# shellcheck disable=SC2086
	run 0 mount --passphrase-file ${way##* } "$MNT"
	must cmp out/just-saved.bin "$MNT/just-saved.bin"
	must cmp out/still-open.bin "$MNT/still-open.bin"
	run 0 status --wait
	run 0 unmount
done

say "words that do not fit are named"
clean wrong
another_word 7 words >wrong-words && chmod 600 wrong-words
json 12 init --restore "$COPY" --words-file wrong-words --passphrase-file second
expect "error id" "$(field error)" wrong-words
says "Word 7 is wrong"
sed 's/^ *3 .*/ 3 zooo/' words >wrong-words
json 12 init --restore "$COPY" --words-file wrong-words --passphrase-file second
says "zooo"
says "near: zoo"
head -20 words >wrong-words
json 12 init --restore "$COPY" --words-file wrong-words --passphrase-file second
says "20 words"
EMRFS_HOME=$EMR_WORK/nobody
mkdir -m 700 nobody && printf 'kdf = 8,1\n' >nobody/settings
run 0 init --yes --passphrase-file second --words-file strange-words
EMRFS_HOME=$EMR_WORK/wrong
json 12 init --restore "$COPY" --words-file strange-words --passphrase-file second
says "no keyring here has them"
json 12 init --restore "$COPY" --passphrase-file second
expect "error id" "$(field error)" wrong-passphrase
run 1 init --restore "$COPY" --words-file none --passphrase-file second
json 1 init --restore "$EMR_WORK/out" --passphrase-file "$EMR_PASS"
expect "error id" "$(field error)" bad-backup
expect "what refusals leave" "$(ls -A "$EMRFS_HOME/state")" lock

say "a backup with a damaged ledger gives back what is whole in it, and says what is not"
ledger() { ls "$COPY"/emrfs-data/ledger.sqlite.*; }
ledger_again() { cp "$EMR_WORK/whole-ledger" "$(ledger)"; }
cp "$(ledger)" "$EMR_WORK/whole-ledger"
gives_back() { # NAME READ-ONLY: it opens with the earlier file
	clean "$1"
	run 3 init --restore "$COPY" --passphrase-file "$EMR_PASS"
	says "ledger/"
	says_not "Delete"
	json 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	expect "$1: read only" "$(field read_only)" "$2"
	expect "$1: another file" "$(cat "$MNT/Imaging/letter.txt")" "a letter"
	[ "$2" = True ] || run 0 status --wait
	run "$([ "$2" = True ] && echo 4 || echo 0)" unmount --now
}
must sqlite3 "$(ledger)" "UPDATE state SET time=time+4 WHERE seq=2; UPDATE item SET purged=4 WHERE seq=2"
gives_back rows False
run 0 verify --passphrase-file "$EMR_PASS"
ledger_again
must sqlite3 "$(ledger)" "UPDATE entries SET entry=substr(entry,1,50)||x'ffff'||substr(entry,53) WHERE seq=(SELECT max(seq) FROM entries)"
gives_back entry True
ledger_again
descriptor=$(ls "$COPY"/emrfs-data/descriptor.*)
mv "$descriptor" "$EMR_WORK/descriptor"
gives_back descriptor False
run 0 verify --passphrase-file "$EMR_PASS"
mv "$EMR_WORK/descriptor" "$descriptor"
clean unreadable
head -c 4096 /dev/zero >"$(ledger)"
run 8 init --restore "$COPY" --passphrase-file "$EMR_PASS"
says "Keep it as it is"
says_not "Delete"
expect "what a failed restore leaves" "$(ls -A "$EMRFS_HOME/state")" lock
ledger_again

say "a backup with a damaged block gives back the rest"
flip() {
	python3 - "$1" <<'END'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
data[len(data) // 2] ^= 1
open(sys.argv[1], 'wb').write(data)
END
}
clean without-a-block
flip "$(ls -S "$COPY"/emrfs-data/seg-* | head -1)"
json 3 init --restore "$COPY" --passphrase-file "$EMR_PASS"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "another file" "$(cat "$MNT/Imaging/letter.txt")" "a letter"
run 0 unmount

say "a damaged backup is no second copy of what came out of it"
other_disk
cp -a "$COPY" "$EMR_OTHER_DISK/copy"
clean from-another-disk
json 3 init --restore "$EMR_OTHER_DISK/copy" --passphrase-file "$EMR_PASS"
expect "a damaged second copy" "$(field second_copy)" False
export EMRFS_HOME=$FIRST
echo "all is well"
