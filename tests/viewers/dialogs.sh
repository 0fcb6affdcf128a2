#!/bin/bash
# dialogs.sh: first start, sharing, who opened it, and a second copy without a terminal: the real zenity on a screen that nobody
# sees, and somebody who types and clicks there. Nothing secret is in an argument or in the environment of any program.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/screen.sh"
. "$SUPPORT/windows.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
emr_begin dialogs
cd "$EMR_WORK" || exit 2
windows_begin
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
say "first start"
screen_start "$PACKAGING/open-folder"
next_window 'no medical records of yours'
click_ok				# nothing was chosen: asked again
next_window 'no medical records of yours'
choose_row 1
next_window 'Your name'
type_in 'Ana Silva'
next_window 'Your birth date'
type_in '1984-03-12'
next_window 'New passphrase'
type_in 'a'
next_window 'text-info'			# too weak: told, and asked again
click_ok
next_window 'New passphrase'
type_in 'seven green kettles sing'
next_window 'The same again'
type_in 'seven green kettles sing'
next_window 'Go on'
paper=$page
emr_until grep -q 'press Enter' "$paper"
click_ok
word() { tr -s ' \n' '\n' <"$paper" | grep -x -A1 "$1" | tail -1; }
for i in 1 2 3; do
	next_window 'Word [0-9]*:'
	number=$(sed -n 's/.*Word \([0-9]*\):.*/\1/p' "windows/$(printf %03d $((window - 1)))")
	type_in "$(word "$number")"
done
next_window 'text-info'
emr_until grep -q '"Make a second copy" in the menu' "$page"
! grep -q 'emrfs [a-z]' "$page" || emr_fail "a command, in a window: $(cat "$page")"
click_ok
next_window 'Passphrase'
type_in 'not that one'
next_window 'text-info'
emr_until grep -q '"Medical Records: New Passphrase" in the menu' "$page"
click_ok
next_window 'Passphrase'
type_in 'seven green kettles sing'
wait "$screen_program" || emr_fail "open-folder: $?"
expect "what was opened" "$(cat opened)" "$HOME/Health"
run 0 status --json
MNT=$HOME/Health
expect "the owner" "$(field owner)" "Ana Silva"
printf 'seven green kettles sing\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
first=$(word 1) second=$(word 2)
[ -n "$first" ] && [ -n "$second" ] || emr_fail "no words on the page"

say "the words are shown again, after the passphrase"
screen_start "$PACKAGING/action" words
next_window 'Passphrase'
type_in 'seven green kettles sing'
next_window 'Go on'
emr_until grep -q " $first " "$page"
expect "the words" "$(tr -s ' \n' '\n' <"$page" | grep -x -A1 '[0-9]*' | grep -x '[a-z]*')" "$(tr -s ' \n' '\n' <"$paper" | grep -x -A1 '[0-9]*' | grep -x '[a-z]*')"
click_ok
wait "$screen_program" || emr_fail "words: $?"

say "a second copy"
echo letter >"$MNT/letter.txt"
run 0 status --wait
mkdir stick
choose_path "$EMR_WORK/stick"
screen_start "$PACKAGING/action" backup
next_window file-selection
next_window 'text-info'
click_ok
wait "$screen_program"
run 0 backup "$EMR_WORK/stick/emrfs-backup" --verify

say "who opened it, and nobody to share with yet"
screen_start "$PACKAGING/action" log "$MNT/letter.txt"
next_window 'text-info'
click_ok
wait "$screen_program"
screen_start "$PACKAGING/action" share "$MNT/letter.txt"
next_window 'text-info'
emr_until grep -q 'You know nobody yet' "$page"
grep -q '"Medical Records: Take a Card" in the menu' "$page" || emr_fail "not said how to know somebody: $(cat "$page")"
click_ok
wait "$screen_program"

say "nobody asks for anything, and that is said"
screen_start "$PACKAGING/action" requests
next_window 'text-info'
emr_until grep -q 'Nobody waits for an answer' "$page"
click_ok
wait "$screen_program"

say "the folder is closed to join, and open again although nothing came of it"
echo nothing >no.invitation
screen_start "$PACKAGING/action" join "$EMR_WORK/no.invitation"
next_window 'Go on'
click_ok
next_window 'Try again'
click_no
next_window 'Passphrase'
! mountpoint -q "$MNT" || emr_fail "still open"
type_in 'seven green kettles sing'
wait "$screen_program" || emr_fail "join: $?"
mountpoint -q "$MNT" || emr_fail "left closed"

say "nothing secret was to be seen by others"
! grep -aE "seven green kettles|$first $second|$(sed -n 's/^ *1 \([a-z]*\) .*/\1/p' "$paper") *2" seen || emr_fail "in an argument or environment"
grep -aq "zenity" seen || emr_fail "nothing was looked at"
run 0 unmount
screen_end
echo "all is well"
