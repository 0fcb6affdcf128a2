#!/bin/bash
# trustees.sh: Ana chooses three friends, of whom two give her the 24 words back when passphrase, words and computer are lost. One alone, a
# stranger and a false answer do not; and after new words earlier answers open nothing.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin trustees
cd "$EMR_WORK" || exit 2
printf 'passphrase of the test\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
P="--passphrase-file $EMR_PASS"
home() { export EMRFS_HOME=$EMR_WORK/$1; [ -d "$1" ] || { mkdir -m 700 "$1" && printf 'kdf = 8,1\nnotify = none\n' >"$1/settings"; }; }
for who in bento clara duarte ana; do
	home $who
	run 0 init --yes --name "$who" --born 1984-03-12 $P --words-file $who.words
	[ $who = ana ] || run 0 people card -o $who.card $P
done
for who in bento clara duarte; do
	run 0 people add $who.card --name $who $P
done

say "it is said what they are trusted with, before it counts"
run 2 trustees set bento clara --need 3 $P
run 2 trustees set bento clara $P
run 2 trustees set bento bento --need 1 $P
run 2 trustees set bento clara --need 2x $P
run 2 trustees set bento clara --need 1 --delay 1h $P
json 6 trustees set bento clara --need 1 --delay 7d --yes $P
expect "nobody holds to a delay" "$(field error)" no-delay
run 5 trustees set bento nobody --need 1 $P
json 13 trustees set bento clara duarte --need 2 $P
json 5 trustees ask "$EMRFS_HOME/state" -o none $P
expect "nobody is a trustee" "$(field error)" no-trustees
[ ! -e none ] && [ ! -e none.keyring ] || emr_fail "a request to nobody"
json 0 trustees set bento clara duarte --need 2 --yes $P
expect "set" "$(field needed) of $(field trustees)" "2 of 3"
json 6 trustees set bento --need 1 --yes $P
expect "those of before could still help" "$(field error)" trustees-there
run 0 mount $P "$MNT"
mkdir "$MNT/Imaging"
echo "a knee" >"$MNT/Imaging/MRI"
run 0 status --wait
run 0 backup "$EMR_WORK/copy"
run 0 unmount
mv ana lost && mv ana.words lost.words

say "at another computer two of them give the words back"
home new
json 0 trustees ask copy -o request --name "Ana Silva" $P
NUMBER=$(field number)
expect "how many" "$(field needed) $(field agents_needed)" "2 0"
expect "the number" "$(printf %s "$NUMBER" | tr -d '0-9 ' | wc -c) $(stat -c %a request request.keyring | tr '\n' ' ')" "0 600 600 "
cp request.keyring keyring.before
json 1 trustees ask copy -o request $P
cmp request.keyring keyring.before || emr_fail "the key of the first request is gone"
json 1 trustees ask nowhere -o other.request $P
expect "no such directory" "$(field error)" bad-backup
mkdir stick
json 0 trustees ask copy -o stick/request $P
[ -s stick/request ] && [ -s stick/request.keyring ] || emr_fail "no request in another directory: $(ls stick)"
helps() { # WHO
	home "$1"
	json 0 trustees help request -o "stick/$1.answer" --yes $P
	expect "both see one number" "$(field number)" "$NUMBER"
	mv "stick/$1.answer" "$1.answer"
}
helps bento
home bento
json 13 trustees help request -o nothing $P
[ ! -e nothing ] || emr_fail "an answer without a yes"
run 13 trustees help request -o nothing $P
head -c 300 request >cut.request
json 8 trustees help cut.request -o nothing --yes $P
expect "a damaged request" "$(field error)" wrong-request
run 2 trustees words request $P
home new
json 5 trustees words request bento.answer bento.answer --words-file none $P
expect "one is too few, also twice" "$(field error)" few-answers
[ ! -e none ] || emr_fail "words of one answer"
helps clara
home stranger
run 0 init --yes $P --words-file stranger.words
json 5 trustees help request -o stranger.answer --yes $P
expect "a stranger" "$(field error)" not-a-trustee
home new
tr 0-9 1-90 <clara.answer >false.answer
json 8 trustees words request bento.answer false.answer --words-file none $P
expect "a false answer is named" "$(field error)" wrong-answer
says "false.answer"
printf 'another passphrase of the test\n' >other && chmod 600 other
run 12 trustees words request bento.answer clara.answer --words-file none --passphrase-file other
json 0 trustees words request bento.answer clara.answer --test $P
expect "a test shows nothing" "$(field answers) $(ls none 2>/dev/null)" "2 "
json 0 trustees words request clara.answer bento.answer --words-file words $P
must cmp words lost.words

say "a thief with another request gets nothing out of the answers"
home thief
run 0 trustees ask copy -o theirs $P
json 8 trustees words theirs bento.answer clara.answer --words-file none $P
cp request theirs
json 8 trustees words theirs bento.answer clara.answer --words-file none $P

say "everything is there, and new words end what the trustees could open"
home new
run 0 init --yes --restore copy --words-file words $P
run 0 words renew $P --words-file newest
says "choose them again"
run 0 mount $P "$MNT"
expect "the record" "$(cat "$MNT/Imaging/MRI")" "a knee"
run 0 unmount
run 12 recover --words-file words --new-passphrase-file other
says "replaced by new ones"
json 5 trustees ask "$EMRFS_HOME/state" -o again $P
expect "nobody helps with the new ones yet" "$(field error)" no-trustees
run 0 trustees set clara duarte --need 1 --yes $P
says "Any 1 of these"
run 0 trustees ask "$EMRFS_HOME/state" -o again $P
home duarte
run 0 trustees help again -o duarte.answer --yes $P
home new
run 0 mount $P "$MNT"
run 0 status
says_not "Trustees tested"
run 0 trustees words again duarte.answer --test $P
run 0 status
says "Trustees tested "
run 0 unmount
run 0 trustees words again duarte.answer --words-file found $P
must cmp found newest
