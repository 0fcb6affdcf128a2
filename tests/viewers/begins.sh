#!/bin/bash
# begins.sh: a person joins a network, takes a card, brings a second copy back, and has forgotten a passphrase, without a terminal: the real
# zenity on a screen that nobody sees. A window that is closed leaves nothing half made, a kill neither, and nothing secret is in an
# argument or in the environment of any program.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/screen.sh"
. "$SUPPORT/windows.sh"
. "$SUPPORT/two.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
two_begin begins
two_network "São Lucas"
two_join lima "Dr Paula Lima" clinician
as lima run 0 people card -o "$EMR_WORK/lima.card" --passphrase-file "$EMR_PASS"
windows_begin
at_end() {
	emr_clear_away "$EMR_WORK/ana" "$HOME/Health"
	two_end
	screen_end
}
two_home ana
passphrase='seven green kettles sing'
nothing_begun() { # nothing but what every try may leave: the settings
	run 10 status --json
	[ -z "$(find "$EMRFS_HOME" -name keyfile -o -name blocks)" ] || emr_fail "half made: $(find "$EMRFS_HOME")"
}
words_shown() { # on the page: from 1 to 24
	for number in $(seq 24); do tr -s ' \n' '\n' <"$1" | grep -x -A1 "$number" | tail -1; done
}
passphrase_typed() { # twice
	next_window 'New passphrase'
	type_in "$1"
	next_window 'The same again'
	type_in "$1"
}

say "an invitation: what members will see is asked, and a no leaves nothing"
as hospital two_invite ana patient
inviting=$!
MNT=$HOME/Health
emr_until test -s "$EMR_WORK/ana.invitation"
for answer in click_no close_window; do
	screen_start "$PACKAGING/action" join "$EMR_WORK/ana.invitation"
	next_window 'extra-button=Yes'
	emr_until grep -q '^Join?' "$page"
	grep -q 'São Lucas' "$page" || emr_fail "the network is not named: $(cat "$page")"
	$answer
	wait "$screen_program" || emr_fail "join, $answer: $?"
	nothing_begun
done
say "a window that is closed later leaves nothing either"
screen_start "$PACKAGING/action" join "$EMR_WORK/ana.invitation"
next_window 'extra-button=Yes'
click_ok
next_window 'Your name'
type_in 'Ana Silva'
next_window 'Your birth date'
close_window
wait "$screen_program" || emr_fail "join, closed at the date: $?"
screen_start "$PACKAGING/action" join "$EMR_WORK/ana.invitation"
next_window 'extra-button=Yes'
click_ok
next_window 'Your name'
type_in 'Ana Silva'
next_window 'Your birth date'
type_in '1984-03-12'
next_window 'New passphrase'
close_window
wait "$screen_program" || emr_fail "join, closed at the passphrase: $?"
nothing_begun
say "somebody who waits for the organisation sees that, and may cancel it"
as hospital two_invite rui patient
absent=$!
emr_until test -s "$EMR_WORK/rui.invitation"
emr_stop "$absent" # it does not answer,
emr_stop "$inviting" # nor does this one, which lets everybody in
MNT=$HOME/Health
screen_start "$PACKAGING/action" join "$EMR_WORK/rui.invitation"
next_window 'extra-button=Yes'
click_ok
next_window 'Your name'
type_in 'Rui'
next_window 'Your birth date'
type_in '1984-03-12'
passphrase_typed "$passphrase"
waits() { pgrep -f "^$REAL_ZENITY --progress" | while read -r one; do if grep -qzx "EMR_WORK=$EMR_WORK" "/proc/$one/environ"; then echo "$one"; fi; done | grep -q . && [ -n "$(xdotool search --onlyvisible --class zenity)" ] || { [ ! -s "$EMR_WORK/windows/$(printf %03d "$window")" ] && kill -0 "$screen_program" || emr_fail "nobody waits: $(tail -n 3 "$EMR_WORK"/windows/*)"; false; }; }
emr_until waits
must xdotool key Escape
wait "$screen_program" || emr_fail "join, cancelled: $?"
kill -9 "$absent" $(pgrep -P "$absent")
kill -CONT "$inviting"
nothing_begun
say "joined: from the first window, with a file that is chosen, to the open folder"
choose_path "$EMR_WORK/ana.invitation"
screen_start "$PACKAGING/open-folder"
next_window 'no medical records of yours'
choose_row 2
next_window 'code that you were given'
must xdotool key Return
emr_until gone
next_window file-selection
next_window 'extra-button=Yes'
click_ok
next_window 'Your name'
type_in 'Ana Silva'
next_window 'Your birth date'
type_in '1984-03-12'
passphrase_typed "$passphrase"
next_window 'Go on'
emr_until grep -q 'press Enter' "$page"
paper=$(words_shown "$page")
[ "$(wc -l <<<"$paper")" = 24 ] || emr_fail "the page: $(cat "$page")"
click_ok
for i in 1 2 3; do
	next_window 'Word [0-9]*:'
	number=$(sed -n 's/.*Word \([0-9]*\):.*/\1/p' "windows/$(printf %03d $((window - 1)))")
	type_in "$(sed -n "${number}p" <<<"$paper")"
done
next_window 'text-info'
emr_until grep -q 'your keyring is in' "$page"
click_ok
next_window 'Passphrase'
type_in "$passphrase"
wait "$screen_program" || emr_fail "open-folder: $?"
wait "$inviting" || emr_fail "invite: $(cat out/invited-ana)"
expect "what was opened" "$(cat opened)" "$MNT"
run 0 status --json
expect "the network" "$(field network_name)" "São Lucas"
printf '%s\n' "$passphrase" >"$EMR_PASS" && chmod 600 "$EMR_PASS"

say "a card: taken by a double click, and the number compared"
screen_start "$PACKAGING/action" card "$EMR_WORK/ana.invitation.none"
next_window 'Try again'
emr_until grep -q 'ana.invitation.none' "$page"
click_no
wait "$screen_program"
screen_start "$PACKAGING/action" card "$EMR_WORK/lima.card"
next_window 'Compare now'
emr_until grep -q 'Paula Lima' "$page"
click_ok
next_window 'extra-button=Yes'
number=$(sed -n 's/^  \([0-9 ]*\)$/\1/p' "$page")
[ -n "$number" ] || emr_fail "no number: $(cat "$page")"
close_window # later
wait "$screen_program"
run 0 people
says "not compared"
screen_start "$PACKAGING/action" card "$EMR_WORK/lima.card"
next_window 'Compare now'
click_ok
next_window 'extra-button=Yes'
click_ok
next_window 'text-info'
emr_until grep -q 'Noted as compared' "$page"
click_ok
wait "$screen_program"
run 0 people
! grep "Lima" out/said | grep -q "not compared" || emr_fail "not noted: $(cat out/said)"
say "one's own card goes where one says"
choose_path "$EMR_WORK/mine.card"
screen_start "$PACKAGING/action" my-card
next_window file-selection
next_window 'text-info'
click_ok
wait "$screen_program"
grep -q '^emrfs card v1' mine.card || emr_fail "no card"

say "a forgotten passphrase: a wrong word is told, and a closed window leaves the old passphrase"
echo letter >"$MNT/letter.txt"
run 0 status --wait
mkdir stick
run 0 backup "$EMR_WORK/stick/emrfs-backup"
run 0 unmount
type_words() { type_in "$(tr '\n' ' ' <<<"$1")"; } # the paper
wrong=$(sed '24s/.*/zebra/; 23s/.*/zebra/' <<<"$paper")
screen_start "$PACKAGING/action" recover
next_window '--entry .*24 words'
type_words "$wrong"
next_window '--text-info'
emr_until grep -q 'do not fit together' "$page"
click_ok
next_window '--entry .*24 words'
type_words "$paper"
next_window 'New passphrase'
close_window
wait "$screen_program" || emr_fail "recover, closed: $?"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 unmount
second='nine violet ladders hum'
screen_start "$PACKAGING/action" recover
next_window '--entry .*24 words'
type_words "$paper"
passphrase_typed "$second"
next_window 'text-info'
emr_until grep -q 'new passphrase' "$page"
click_ok
next_window 'Passphrase'
type_in "$second"
wait "$screen_program" || emr_fail "recover: $?"
expect "the folder" "$(cat "$MNT/letter.txt")" letter
run 0 unmount

say "everything comes back from the second copy; killed in between, it begins again"
mv "$EMRFS_HOME" old && mkdir -m 700 "$EMRFS_HOME" && cp old/settings "$EMRFS_HOME/"
choose_path ''
screen_start "$PACKAGING/action" bring-back
next_window file-selection
wait "$screen_program"
nothing_begun
choose_path "$EMR_WORK/stick"
screen_start "$PACKAGING/action" bring-back
next_window file-selection
next_window 'extra-button=Yes'
emr_until grep -q 'passphrase (yes), or the 24 words (no)' "$page"
close_window
wait "$screen_program" || emr_fail "bring-back, closed: $?"
nothing_begun
screen_start "$PACKAGING/action" bring-back
next_window file-selection
next_window 'extra-button=Yes'
click_no
next_window '--entry .*24 words'
type_words "$paper"
next_window 'New passphrase'
pid=$(pgrep -x emrfs | # its arguments came on standard input, so that no verb stands behind its name
	while read -r one; do if [[ $(tr -d '\0' <"/proc/$one/cmdline") == */emrfs ]] && [ "$(readlink "/proc/$one/exe")" = "$EMRFS" ] && grep -qzx "EMR_WORK=$EMR_WORK" "/proc/$one/environ"; then echo "$one"; fi; done)
[ -n "$pid" ] || emr_fail "no emrfs that brings back"
kill -9 "$pid" "$window_pid" # as when the session ends
next_window 'Try again'
click_ok
next_window 'extra-button=Yes'
click_no
next_window '--entry .*24 words'
type_words "$paper"
passphrase_typed "$passphrase"
next_window 'text-info'
emr_until grep -q '1 record' "$page"
click_ok
next_window 'Passphrase'
type_in "$passphrase"
wait "$screen_program" || emr_fail "bring-back: $?"
expect "the folder" "$(cat "$MNT/letter.txt")" letter
run 0 unmount

say "nothing secret was to be seen by others"
two=$(sed -n 1,2p <<<"$paper" | tr '\n' ' ')
! grep -aE "seven green kettles|nine violet ladders|${two% }" seen || emr_fail "in an argument or environment"
grep -aq "zenity" seen || emr_fail "nothing was looked at"
leaked=$(grep -rlE "seven green kettles|nine violet ladders|${two% }" "$EMRFS_HOME" old "$HOME" 2>/dev/null | head -3)
[ -z "$leaked" ] || emr_fail "in a file: $leaked"
echo "all is well"
