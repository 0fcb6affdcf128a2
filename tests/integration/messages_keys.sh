# Part of messages.sh: the command line, settings, keyring, passphrase and words.
say "use and keyring"
met 2 wrong-use mont
met 10 no-keyring mount "$MNT"
met 13 needs-words-file init
secret empty ""
secret second "the second passphrase"
secret wrong "not the passphrase"
printf 'open to all\n' >exposed && chmod 644 exposed
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
met 6 exposed init --passphrase-file exposed --words-file w
chmod 666 "$EMRFS_HOME/settings"
met 6 exposed init --passphrase-file second --words-file w
chmod 600 "$EMRFS_HOME/settings"
met 2 passphrase-length init --passphrase-file empty --words-file w
secret weak "Ana1984"
met 2 weak-passphrase init --passphrase-file weak --words-file w
mkdir broken && : >broken/libzxcvbn.so.0 # where none can be judged, none is taken for strong
LD_LIBRARY_PATH=$PWD/broken met 1 failed init --passphrase-file second --words-file w
met 1 passphrase-file init --passphrase-file none --words-file w
touch taken
met 1 words-file init --passphrase-file second --words-file taken
printf '#!/bin/sh\necho "no such words twice $RANDOM $$ $RANDOM"\n' >ask && chmod 700 ask
EMRFS_ASKPASS=$EMR_WORK/ask met 12 passphrase-differs init --words-file w
emr_init
cat init.out >>"$MET"			# one-copy, words-not-checked
met 11 has-keyring init --passphrase-file second --words-file w
met 13 no-passphrase mount "$MNT"
met 12 wrong-passphrase mount --passphrase-file wrong "$MNT"
printf 'kdf = 1,1\n' >"$EMRFS_HOME/settings"
met 2 settings mount --passphrase-file "$EMR_PASS" "$MNT"
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
chmod 640 "$STATE/keyfile"
met 6 keyfile mount --passphrase-file "$EMR_PASS" "$MNT"
met 3 not-ready check
chmod 600 "$STATE/keyfile"
cp "$STATE/keyfile" keyfile
truncate -s 100 "$STATE/keyfile"
met 8 keyfile mount --passphrase-file "$EMR_PASS" "$MNT"
cp keyfile "$STATE/keyfile"
exec 7>"$STATE/keyfile.lock"
flock 7
met 11 in-use passwd --passphrase-file "$EMR_PASS" --new-passphrase-file second
exec 7>&-

say "the 24 words"
words() { met "$1" "$2" recover --words-file "$3" --new-passphrase-file second; }
head -20 words >some && chmod 600 some
words 12 wrong-words some
sed 's/^ *3 .*/ 3 zooo/' words >some
words 12 wrong-words some
another_word 7 words >some
words 12 wrong-words some
# Four wrong words: whether the checksum fits by chance (1 in 256), another set does not.
for set in "zoo zone zero youth" "abandon zoo abandon zoo" "youth abandon zone zero"; do
	# shellcheck disable=SC2086
	set -- $set
	sed "s/^ *5 .*/ 5 $1/; s/^ *9 .*/ 9 $2/; s/^ *14 .*/14 $3/; s/^ *20 .*/20 $4/" words >some
	run 12 recover --words-file some --new-passphrase-file second
	heard
done
words 1 words-file none
met 13 needs-words-file recover --new-passphrase-file second
mkdir -m 700 nobody && printf 'kdf = 8,1\n' >nobody/settings
EMRFS_HOME=$EMR_WORK/nobody run 0 init --yes --passphrase-file second --words-file strange
words 12 wrong-words strange
