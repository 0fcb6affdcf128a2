#!/bin/bash
# invitation.sh: an invitation is not used up by a try that did not come to its end: words that could not be written, a window that was closed
# at the words, wrong words, a kill. The same line goes on with the same key; nobody is a member before the words were handed out.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin invitation
two_network "Praxis Ana" ana
P="--passphrase-file $EMR_PASS"
two_mount ana # an open folder lets in who comes
join() { as "$1" run "$2" init --join "$1.invitation" --yes --name "$1" $P --within 10min --words-file "$3"; }
members() { as ana run 0 org show $P; grep -c "clinician" "$EMR_WORK/out/said"; }
terminal() { as lima python3 "$(dirname "$SUPPORT")/integration/invitation_terminal.py" "$1" init --join lima.invitation --name lima --born 1975-05-06 $P >out/terminal 2>&1 || emr_fail "$(cat out/terminal)"; }
# killed_with_words FILE COMMAND...: it is killed when FILE is there, and before its keyring is.
killed_with_words() {
	local file=$1 i
	shift
	for ((i = 0; i < 100; i++)); do
		"$EMRFS" "$@" >out/killed 2>&1 </dev/null &
		until [ -s "$file" ] || ! kill -0 $! 2>/dev/null; do :; done
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
		[ -s "$file" ] || emr_fail "no words: $(cat out/killed)"
		[ -e "$EMRFS_HOME/state/keyfile" ] || return 0
		rm -rf "$EMRFS_HOME/state" "$file" # it was quicker: once more
	done
	emr_fail "never killed in time"
}

as ana run 0 invite lima --role clinician -o lima.invitation $P
say "words that cannot be written"
join lima 1 nowhere/words
says_not "Nothing was made"
echo "something else" >taken
join lima 1 taken
expect "a file that was there" "$(cat taken)" "something else"
expect "members" "$(members)" 0

say "a window that is closed at the words, and wrong words"
terminal close
terminal wrong
grep -q "Look at your sheet" out/terminal || emr_fail "not said: $(cat out/terminal)"
! grep -q "Nothing was made" out/terminal || emr_fail "$(cat out/terminal)"
expect "members" "$(members)" 0

say "killed behind the words"
two_home lima
cp -a lima lima.before
killed_with_words lima.words init --join lima.invitation --yes --name lima $P --words-file lima.words
cp lima.words lima.words.before
join lima 0 lima.words
cmp lima.words lima.words.before || emr_fail "other words"
expect "members" "$(members)" 1

say "ended behind the ledger and before the keyring: the key that is registered with that certificate goes on"
mv lima lima.whole && mv lima.before lima
join lima 0 lima.words
expect "members" "$(members)" 1
two_mount lima
two_unmount lima

say "the administrator ends somebody by the name of the invitation, a patient, too; and the ended key does not come back with the same line"
as ana run 0 invite rui --role patient -o rui.invitation $P
two_home rui
join rui 1 nowhere/words
cp -a rui rui.before
join rui 0 rui.words
as ana run 0 org revoke rui --yes $P
says "is revoked"
rm -r rui && mv rui.before rui
join rui 8 rui.words
says "took your name there out of use"
as ana run 0 invite rui --role patient -o again.invitation $P
rm -r rui/state
mv again.invitation rui.invitation && rm rui.words
join rui 0 rui.words

say "one's own: killed behind the words, the same line goes on with them; another passphrase begins anew"
two_home eva
killed_with_words eva.words init --yes --name Eva $P --words-file eva.words
cp -a eva eva.before
cp eva.words eva.words.before
run 0 init --yes --name Eva $P --words-file eva.words
cmp eva.words eva.words.before || emr_fail "other words"
[ -z "$(ls eva/state | grep begun)" ] || emr_fail "left: $(ls eva/state)"
run 0 recover --test --words-file eva.words $P
rm -r eva && mv eva.before eva
printf 'passphrase of another day\n' >other && chmod 600 other
run 1 init --yes --name Eva --passphrase-file other --words-file eva.words
run 0 init --yes --name Eva --passphrase-file other --words-file eva.other
run 0 recover --test --words-file eva.other --passphrase-file other
two_unmount ana

say "other accounts read no name in the list of processes while somebody waits to be let in, or for a ledger"
as ana run 0 invite dora --role patient -o dora.invitation $P
two_home dora
"$EMRFS" init --join dora.invitation --yes --name "Dora Reis" --born 1979-09-09 --words-file dora.words $P >out/waits 2>&1 </dev/null &
waiting=$!
emr_until compgen -G "dora/state/begun-*" >out/begun
expect "what a process was called with" "$(tr -s '\0' ' ' <"/proc/$waiting/cmdline")" "$EMRFS init "
two_mount ana # lets her in
wait "$waiting" || emr_fail "not let in: $(cat out/waits)"
expect "and a folder" "$(tr -s '\0' ' ' <"/proc/$(two_pid ana)/cmdline")" "$EMRFS mount "
two_unmount ana
echo "all is well"
