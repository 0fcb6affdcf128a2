#!/bin/bash
# trust_menu.sh: Ana chooses two friends, who give her the 24 words back, in the menus of a desktop alone: who chooses, who asks, who answers, and
# who puts the answers together has no terminal. An executor is named and asked for in the same windows (executor.sh goes on from there).
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/answers.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
emr_begin trust_menu
cd "$EMR_WORK" || exit 2
answers_begin
printf 'nine violet ladders hum\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
P="--passphrase-file $EMR_PASS"
home() { export EMRFS_HOME=$EMR_WORK/$1/.home; [ -d "$1" ] || { mkdir -p -m 700 "$1/.home" && printf 'kdf = 8,1\nnotify = none\n' >"$1/.home/settings"; }; }
for who in bento clara duarte ana; do
	home $who
	run 0 init --yes --name "$who" --born 1984-03-12 $P --words-file $who.words
	[ $who = ana ] || run 0 people card -o $who.card $P
done
for who in bento clara duarte; do run 0 people add $who.card --name $who $P; done
trust() { # WHO ANSWERS
	printf '%s\nassphrase|nine violet ladders hum\nThe same again|nine violet ladders hum\n' "$2" >answers
	in_menu "$1" action trust
}

say "two are chosen, one after the other, and nobody twice"
trust ana 'would you like to do?|set
Who is a trustee?|0|once
Who is a trustee?|2|once
Who is a trustee?|all
How many of them must help|2'
grep -q "Any 2 of these together (.*bento.*; .*duarte" shown || emr_fail "it is not said who can open what: $(cat shown)"
expect "offered the second time" "$(awk '/Who is a trustee/ { n++ } n == 2' shown | sed '1d; /^window/,$d' | grep -cx bento)" 0
home ana
json 6 trustees set clara --need 1 --yes $P
expect "set" "$(field error)" trustees-there
mkdir stick && run 0 backup "$EMR_WORK/stick/emrfs-backup"

say "at a new computer: a request, two answers, and the words"
home new
trust new "would you like to do?|ask
Where is the second copy?|$EMR_WORK/stick
Trustees and executor|$EMR_WORK/request"
number=$(grep -oE '([0-9]{5} ){5}' shown | head -1)
[ -s request ] && [ -n "$number" ] || emr_fail "no request, or no number: $(cat shown)"
for who in bento duarte; do
	trust $who "would you like to do?|help
Where is the request?|$EMR_WORK/request
Trustees and executor|$EMR_WORK/$who.answer"
	grep -qF "$number" shown && [ -s $who.answer ] || emr_fail "$who did not answer: $(cat shown)"
done
trust new "would you like to do?|words
Where is the request?|$EMR_WORK/request
Where is an answer?|$EMR_WORK/bento.answer|once
Where is an answer?|$EMR_WORK/duarte.answer|once
Where is an answer?|"
while read -r n word; do grep -qE " $n $word( |\$)" shown || emr_fail "word $n is not shown: $(cat shown)"; done <ana.words
say "new words are shown, asked back, and in force"
trust bento 'would you like to do?|renew'
grep -q "Your 24 new words are in force" shown || emr_fail "no new words: $(cat shown)"
home bento
run 12 recover --words-file bento.words --new-passphrase-file "$EMR_PASS"
say "a child's folder is made where others are invited"
printf '%s\n' "Who is invited?|lena" "As what?|child" "is the child called?|Lena Silva" "was the child born?|2015-03-01" "24 words go?|$EMR_WORK/lena.words" \
	"assphrase|nine violet ladders hum" >answers
in_menu bento action invite
[ -s lena.words ] || emr_fail "no words of the child: $(cat shown)"
run 0 --as lena recover --test --words-file lena.words $P
! grep -aF "violet ladders" arguments || emr_fail "the passphrase is in arguments"
echo "all is well"
