#!/bin/bash
# guardian.sh: Ana makes a keyring for her daughter Lena in her family's network, which she and Rui open, each by their own passphrase, whatever they do
# to theirs. Lena takes it over with the words that were printed; from then on nobody else opens it, nor a backup that was made later.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/between.sh"
two_begin guardian
between_begin
set_up() { for who; do mkdir -p -m 700 "$EMRFS_HOME/as/$who" && cp "$EMRFS_HOME/settings" "$EMRFS_HOME/as/$who/settings"; done; }
opens() { # WITH THE PASSPHRASE IN FILE
	run 0 --as lena mount --passphrase-file "$1" "$MNT"
	run 0 --as lena unmount
}
two_network "Família Silva" ana
two_home ana
set_up rui lena
secret ruis "nine violet ladders hum"
secret other "another passphrase of the test"
secret strange "the passphrase of nobody here"
W="--name Lena --born 2015-03-01 --words-file lena.words"
two_invite rui patient
emr_until test -s rui.invitation
run 0 --as rui init --yes --join rui.invitation --name "Rui Silva" --born 1983-01-01 --passphrase-file ruis --words-file rui.words
wait "$!" || emr_fail "the invitation: $(cat out/invited-rui)"
run 0 --as rui people card -o rui.card --passphrase-file ruis
run 0 people add rui.card --name rui $P
run 2 guardian
run 2 guardian make lena $P
run 2 guardian make lena --name Lena --born 2015-13-01 --words-file lena.words $P
run 2 guardian make lena --name Lena --born $(($(date +%Y) + 1))-01-01 --words-file lena.words $P
run 5 guardian make lena nobody $W $P
run 12 guardian make lena rui $W --passphrase-file strange
[ ! -e "$EMRFS_HOME/state/as/lena/guardians" ] && [ ! -e lena.words ] || emr_fail "a failure left something"
json 0 guardian make lena rui $W $P
expect "its keyring" "$(field as)" lena
[ -s lena.words ] || emr_fail "no words"
run 11 guardian make lena $W $P
run 2 --as lena guardian make leo $W $P # by a guardian whose passphrase nobody has
says "Guardians open this keyring"

say "a try that is killed leads to one keyring, which opens, and has its name"
makes() { "$EMRFS" guardian make nina --name Nina --born 2018-01-01 --words-file nina.words $P >out/said 2>&1 </dev/null; }
mkdir -p -m 700 "$EMRFS_HOME/as/nina" && cp "$EMRFS_HOME/settings" "$EMRFS_HOME/as/nina/"
"$EMRFS" guardian make nina --name Nina --born 2018-01-01 --words-file nina.words $P >out/killed 2>&1 </dev/null &
killed=$!
emr_until test -e "$EMRFS_HOME/state/as/nina/guardians"
kill -KILL "$killed"
INVITES=$(pgrep -P 1 emrfs | while read -r pid; do [ "$(readlink "/proc/$pid/cwd")" != "$EMR_WORK" ] || echo "$pid"; done) # it goes on waiting alone
wait "$killed" 2>/dev/null || emr_until makes # it may have been quicker than the kill
run 0 --as nina mount $P "$MNT"
json 0 --as nina status
expect "whose" "$(field owner)" Nina
run 0 --as nina unmount

say "each opens it by their own passphrase, and nobody else"
json 12 --as lena mount --passphrase-file strange "$MNT"
expect "a stranger" "$(field error)" wrong-passphrase
run 0 --as lena mount $P "$MNT"
mkdir "$MNT/Vaccines"
echo "measles" >"$MNT/Vaccines/2016"
json 0 --as lena status --wait
expect "whose" "$(field owner)" Lena
expect "of age" "$(field of_age)" False
run 0 --as lena unmount
opens ruis
run 2 --as lena passwd $P --new-passphrase-file other
says "Guardians open this keyring"
run 0 --as lena recover --test --words-file lena.words --passphrase-file ruis

say "a new passphrase, the words, and new words of a guardian's"
secret rui2 "the second of Rui's passphrases"
run 0 --as rui passwd --passphrase-file ruis --new-passphrase-file rui2
run 12 --as lena mount --passphrase-file ruis "$MNT"
opens rui2
secret rui3 "the third of Rui's passphrases"
run 0 --as rui recover --words-file rui.words --new-passphrase-file rui3
opens rui3
run 0 --as rui words renew --words-file rui.new --yes --passphrase-file rui3
opens rui3
opens "$EMR_PASS"

say "new words for the child, by a guardian"
run 0 --as lena words renew --words-file lena.second --yes --passphrase-file rui3
opens "$EMR_PASS"
run 2 --as lena device add lena-phone -o phone.file --yes $P
says "Guardians open this keyring"
[ ! -e phone.file ] || emr_fail "a computer whose passphrase nobody has"
run 0 --as lena backup "$EMR_WORK/copy"
run 0 backup "$EMR_WORK/anas"

say "a new computer: the guardian's keyring first"
two_home elsewhere
set_up lena
run 12 --as lena init --restore "$EMR_WORK/copy" $P
run 0 init --restore "$EMR_WORK/anas" $P
run 12 --as lena init --restore "$EMR_WORK/copy" --passphrase-file strange
run 0 --as lena init --restore "$EMR_WORK/copy" $P
opens "$EMR_PASS"

say "or her words alone, which leave no guardian there"
two_home words
set_up lena
run 0 --as lena init --restore "$EMR_WORK/copy" --words-file "$EMR_WORK/lena.second" --passphrase-file other
says "Guardians open it here no more"
run 0 --as lena passwd --passphrase-file other --new-passphrase-file strange

say "each shuts the other out, and the host throws away what Ana said: Rui's words hold, and Ana is told"
knows_lena() { json 0 --as lena people card $P && BETWEEN[lena]=$EMR_BETWEEN/$(field id); }
two_home elsewhere
knows_lena
loses lena
run 7 --as lena words renew --words-file anas.words --yes $P
says "Your new words are not in force yet"
keeps lena
two_home ana
run 0 --as lena words renew --words-file ruis.words --yes --passphrase-file rui3
two_home elsewhere
run 7 --as lena words renew --words-file again.words --yes $P
says "your key is not in force there"
[ ! -e again.words ] || emr_fail "words for a key that was followed"
run 0 --as lena mount $P "$MNT"
told() { "$EMRFS" --as lena status 2>&1 | grep -q "your key is not in force there"; }
emr_until told
run 0 --as lena unmount
run 12 --as lena recover --words-file anas.words --new-passphrase-file other

say "a damaged list is said, and she takes it over all the same; her new words are in force when the host has them, and not before"
two_home ana
knows_lena
LIST=$EMRFS_HOME/state/as/lena/guardians
cp "$LIST" list
printf X | dd of="$LIST" bs=1 seek=80 conv=notrunc 2>/dev/null
json 8 --as lena mount $P "$MNT"
expect "what is damaged" "$(field error)" guardians
run 12 --as lena recover --lost --words-file lena.words --new-passphrase-file other -o new.words
loses lena
run 7 --as lena recover --lost --words-file ruis.words --new-passphrase-file other -o new.words
says "By older backups they do until new words are in force"
[ ! -e "$LIST" ] || emr_fail "there are guardians still"
keeps lena
run 0 --as lena words renew --words-file new.words --yes --passphrase-file other
cp list "$LIST" # somebody has kept it
run 12 --as lena mount $P "$MNT"
rm "$LIST"
run 0 --as lena mount --passphrase-file other "$MNT"
expect "what was there" "$(cat "$MNT/Vaccines/2016")" measles
run 0 --as lena backup "$EMR_WORK/copy"
run 0 --as lena unmount
secret own "a passphrase of Lena's alone"
run 0 --as lena passwd --passphrase-file other --new-passphrase-file own
! ls "$EMR_WORK/copy/emrfs-data" | grep -q guardians || emr_fail "the backup has guardians still"
two_home third
set_up lena
run 0 init --restore "$EMR_WORK/anas" $P
run 12 --as lena init --restore "$EMR_WORK/copy" $P
run 12 --as lena init --restore "$EMR_WORK/copy" --words-file "$EMR_WORK/ruis.words" --passphrase-file other
run 0 --as lena init --restore "$EMR_WORK/copy" --words-file "$EMR_WORK/new.words" --passphrase-file other

say "alone, without a network: the birthday, by the day that is here"
two_home alone
set_up leo
year=$(date +%Y)
run 0 init --yes --name "Eva Dias" --born 1984-03-12 $P --words-file eva.words
run 0 people add "$EMR_WORK/rui.card" --name rui $P
run 2 guardian make leo rui --name "Leo Dias" --born 2015-03-01 --words-file leo.words $P
says "Another guardian has a keyring on this computer"
run 0 guardian make leo --name "Leo Dias" --born $((year - 17))-01-02 --words-file leo.words $P
export TZ=HERE-11 EMR_CLOCK_FILE=$EMR_WORK/clock LD_PRELOAD=$TOOLS/libclock_shim.so
away() { echo $(($(env -u LD_PRELOAD date -d "$((year + 1))-01-02" +%s) + $1 - $(env -u LD_PRELOAD date +%s))) >clock; }
away -7200
run 0 --as leo mount $P "$MNT"
json 0 --as leo status
expect "the evening before" "$(field of_age)" False
away 7200
run 0 --as leo status
says "Of age: the 24 words take it over (emrfs --as leo recover --lost)"
json 0 --as leo status
expect "the day" "$(field of_age)" True
run 0 --as leo unmount
run 0 --as leo recover --lost --words-file leo.words --new-passphrase-file other -o leo.new
run 0 --as leo mount --passphrase-file other "$MNT"
json 0 --as leo status
expect "afterwards" "$(field of_age)" None
run 0 --as leo unmount
[ -z "$INVITES" ] || kill $INVITES 2>/dev/null
echo "all is well"
