#!/bin/bash
# guardian.sh: Ana makes a keyring for her daughter Lena in her family's network, which she and Rui open, each by the own passphrase. Lena takes it
# over with the words that were printed; from then on nobody else opens it, nor a backup that was made later.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin guardian
P="--passphrase-file $EMR_PASS"
two_network "Família Silva"
two_home hospital
W="--name Lena --born 2015-03-01 --words-file lena.words"
run 2 guardian make lena $P
run 2 guardian make lena --name Lena --born 2015-13-01 --words-file lena.words $P
run 5 guardian make lena nobody $W $P
json 0 guardian make lena $W $P
expect "its keyring" "$(field as)" lena
[ -s lena.words ] || emr_fail "no words"
run 7 guardian make lena $W $P
printf 'another passphrase of the test\n' >other && chmod 600 other
run 12 --as lena mount --passphrase-file other "$MNT"
run 0 --as lena mount $P "$MNT"
mkdir "$MNT/Vaccines"
echo "measles" >"$MNT/Vaccines/2016"
run 0 --as lena status --wait
says "Lena"
run 0 --as lena unmount
run 2 --as lena passwd $P --new-passphrase-file other

say "she takes it over"
run 0 --as lena recover --lost --words-file lena.words --new-passphrase-file other -o new.words
says "Guardians open it no more."
run 12 --as lena mount $P "$MNT"
run 0 --as lena mount --passphrase-file other "$MNT"
expect "what was there" "$(cat "$MNT/Vaccines/2016")" measles
run 0 --as lena backup "$EMR_WORK/copy"
run 0 --as lena unmount
[ ! -e "$EMRFS_HOME/state/as/lena/guardians" ] || emr_fail "there are guardians still"
two_home elsewhere
run 12 init --restore "$EMR_WORK/copy" $P
run 13 init --restore "$EMR_WORK/copy" --words-file "$EMR_WORK/lena.words" --passphrase-file other
run 0 init --restore "$EMR_WORK/copy" --words-file "$EMR_WORK/new.words" --passphrase-file other
echo "all is well"
