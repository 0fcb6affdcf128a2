#!/bin/bash
# dialogs.sh: first start, sharing, who opened it, and a second copy without a terminal: the real zenity on a screen that nobody
# sees, and somebody who types and clicks there. Nothing secret is in an argument or in the environment of any program.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/screen.sh"
. "$SUPPORT/said.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
REAL_ZENITY=$(command -v zenity) || emr_skip "no zenity"
export REAL_ZENITY
emr_begin dialogs
cd "$EMR_WORK" || exit 2
screen_begin
# Windows stand in the middle, and keys go to the one below the pointer.
must xdotool mousemove 640 450
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
# zenity itself, and a note of what it was given; xdg-open, which says only what it was to open.
mkdir bin windows || exit 2
cat >bin/zenity <<'END'
#!/bin/bash
n=$(ls "$EMR_WORK/windows" | wc -l)
note=$EMR_WORK/windows/$(printf %03d "$n")
printf '%s\n' "$*" >"$note"
for process in /proc/[0-9]*; do
	tr '\0' ' ' <"$process/cmdline"; tr '\0' '\n' <"$process/environ"
done >>"$EMR_WORK/seen" 2>/dev/null
case $* in
*--text-info* | *--list*) tee "$EMR_WORK/shown-$n" | "$REAL_ZENITY" "$@" ; exit "${PIPESTATUS[1]}" ;;
*--file-selection*) echo "$EMR_WORK/stick" ;; # its keys depend on what it completes when: the one window that is not real
*) exec "$REAL_ZENITY" "$@" ;;
esac
END
printf '#!/bin/sh\necho "$1" >"$EMR_WORK/opened"\n' >bin/xdg-open
chmod +x bin/zenity bin/xdg-open
export PATH=$EMR_WORK/bin:$PATH
unset EMRFS_ASKPASS EMRFS_DIALOG

window=0
# window WORDS: waits until the next window is asked for with WORDS, and stands on the screen.
next_window() {
	local note=$EMR_WORK/windows/$(printf %03d $window)
	emr_until test -s "$note"
	grep -q -- "$1" "$note" || emr_fail "window $window is: $(cat "$note"), wanted: $1"
	emr_until drawn
	window=$((window + 1))
}
drawn() { [ -n "$(xdotool search --onlyvisible --class zenity)" ]; }
gone() { ! drawn; }
type_in() { # TEXT: and Return, until the window is gone
	must xdotool type --delay 20 "$1"
	must xdotool key Return
	emr_until gone
}
# The button that goes on is the right one of the lowest row.
click_ok() {
	local WINDOW X Y WIDTH HEIGHT SCREEN id widest=0 at=
	for id in $(xdotool search --onlyvisible --class zenity); do	# a list of names that fit is a window, too
		eval "$(xdotool getwindowgeometry --shell "$id")"
		[ "$WIDTH" -le "$widest" ] || { widest=$WIDTH && at=$id; }
	done
	eval "$(xdotool getwindowgeometry --shell "$at")"
	must xdotool mousemove $((X + WIDTH - 40)) $((Y + HEIGHT - 24)) click 1
	emr_until gone
	must xdotool mousemove 640 450
}
say "first start"
screen_start "$PACKAGING/open-folder"
next_window 'ok-label=Begin'
click_ok
next_window 'Your name'
type_in 'Ana Silva'
next_window 'Born on'
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
page=shown-$((window - 1))
emr_until grep -q 'press Enter' "$page"
click_ok
word() { tr -s ' \n' '\n' <"$page" | grep -x -A1 "$1" | tail -1; }
for i in 1 2 3; do
	next_window 'Word [0-9]*:'
	number=$(sed -n 's/.*Word \([0-9]*\):.*/\1/p' "windows/$(printf %03d $((window - 1)))")
	type_in "$(word "$number")"
done
next_window 'text-info'
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

say "a second copy"
echo letter >"$MNT/letter.txt"
run 0 status --wait
mkdir stick
screen_start "$PACKAGING/action" backup
emr_until grep -qs file-selection "windows/$(printf %03d $window)"
window=$((window + 1))
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
emr_until grep -q 'You know nobody yet' "shown-$((window - 1))"
click_ok
wait "$screen_program"

say "nothing secret was to be seen by others"
! grep -aE "seven green kettles|$first $second|$(sed -n 's/^ *1 \([a-z]*\) .*/\1/p' "$page") *2" seen || emr_fail "in an argument or environment"
grep -aq "zenity" seen || emr_fail "nothing was looked at"
run 0 unmount
screen_end
echo "all is well"
