# Sourced after mount.sh and screen.sh by tests of what the menus of a desktop start: the real zenity on a screen that nobody sees, and
# somebody who types and clicks there. At each window the arguments and environment of every process are noted in $EMR_WORK/seen.
#
#   windows_begin                  the screen, zenity, and an xdg-open which notes in $EMR_WORK/opened what it was to open
#   next_window WORDS              waits until the next window was asked for with WORDS, and stands there; its text is in $page
#   type_in TEXT                   and Return, until that window is gone
#   click_ok / click_no            the right one of the lowest row of buttons, and the one beside it
#   choose_row N                   the Nth line of a list, and the right button
#   close_window                   as its corner does
#   choose_path PATH               what the next window that asks for a file or directory answers ("": it is cancelled): its keys depend on
#                                  what it completes when, so that it alone is not real
windows_begin() {
	REAL_ZENITY=$(command -v zenity) || emr_skip "no zenity"
	export REAL_ZENITY
	screen_begin
	ZENITY_MAJOR=$(zenity --version | cut -d. -f1) # it asks for a screen
	mkdir "$EMR_WORK/bin" "$EMR_WORK/windows" || exit 2
	cat >"$EMR_WORK/bin/zenity" <<'END'
#!/bin/bash
case $* in *--progress*) exec "$REAL_ZENITY" "$@" ;; esac # comes and goes by itself
n=$(ls "$EMR_WORK/windows" | wc -l)
for process in /proc/[0-9]*; do
	tr '\0' ' ' <"$process/cmdline"; tr '\0' '\n' <"$process/environ"
done >>"$EMR_WORK/seen" 2>/dev/null
case $* in
*--file-selection*)
	printf '%s\n' "$*" >"$EMR_WORK/windows/$(printf %03d "$n")"
	cat "$EMR_WORK/chosen"; [ -s "$EMR_WORK/chosen" ]; exit ;;
esac
printf '%s\n' "$*" >"$EMR_WORK/windows/$(printf %03d "$n")"
case $* in
*--text-info* | *--list*) tee "$EMR_WORK/shown-$n" | "$REAL_ZENITY" "$@"; exit "${PIPESTATUS[1]}" ;;
*) exec "$REAL_ZENITY" "$@" ;;
esac
END
	printf '#!/bin/sh\necho "$1" >"$EMR_WORK/opened"\n' >"$EMR_WORK/bin/xdg-open"
	chmod +x "$EMR_WORK/bin/zenity" "$EMR_WORK/bin/xdg-open"
	export PATH=$EMR_WORK/bin:$PATH
	unset EMRFS_ASKPASS EMRFS_DIALOG
	window=0 window_id='' window_pid='' page=''
}

next_window() {
	local note=$EMR_WORK/windows/$(printf %03d $window)
	emr_until test -s "$note"
	grep -q -- "$1" "$note" || emr_fail "window $window is: $(cat "$note" "$EMR_WORK/shown-$window" 2>/dev/null), wanted: $1"
	page=$EMR_WORK/shown-$window
	window=$((window + 1))
	case $(cat "$note") in *--file-selection*) return ;; esac
	emr_until drawn
}
# The widest, because a list of names that fit is a window, too; of another program than the last one.
drawn() {
	local WINDOW X Y WIDTH HEIGHT SCREEN id pid widest=0 found=
	for id in $(xdotool search --onlyvisible --class zenity); do
		pid=$(xdotool getwindowpid "$id" 2>/dev/null)
		[ -n "$pid" ] && [ "$pid" != "$window_pid" ] && eval "$(xdotool getwindowgeometry --shell "$id" 2>/dev/null)" || continue
		case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in '' | *--progress*) continue ;; esac
		[ "${WIDTH:-0}" -le "$widest" ] || { widest=$WIDTH found="$id $pid"; }
	done
	[ -n "$found" ] && window_id=${found% *} window_pid=${found#* } || return 1
	# Keys go to the window below the pointer: zenity 3 puts it into the middle of the screen, zenity 4 into a corner.
	eval "$(xdotool getwindowgeometry --shell "$window_id")"
	must xdotool mousemove $((X + WIDTH / 2)) $((Y + HEIGHT / 2))
}
gone() { ! kill -0 "$window_pid" 2>/dev/null; }
# From standard input: what is typed is an argument of nobody, because every process is looked at.
type_keys() { printf %s "$1" | xdotool type --delay 20 --file - || emr_fail "nothing was typed"; }
type_in() {
	type_keys "$1"
	must xdotool key Return
	emr_until gone
}
# Buttons of zenity 3 are as wide as their words and stand at the right, those of zenity 4 share the width of the window.
click_button() { # N [RIGHT]: from the right, which is 0; RIGHT: how far from the window's edge it is in zenity 3, where words are long
	local WINDOW X Y WIDTH HEIGHT SCREEN buttons=2 right=${2:-$((40 + 90 * $1))} down=24
	eval "$(xdotool getwindowgeometry --shell "$window_id")"
	if [ "$ZENITY_MAJOR" -ge 4 ]; then
		! grep -q -- --extra-button "$EMR_WORK/windows/$(printf %03d $((window - 1)))" || buttons=3
		right=$((30 + (WIDTH - 60) * (2 * $1 + 1) / (2 * buttons))) down=50
	fi
	must xdotool mousemove $((X + WIDTH - right)) $((Y + HEIGHT - down)) click 1
	emr_until gone
}
click_ok() { click_button 0; }
click_no() { click_button 1; }
# A window is there before its list has read its lines, and a key that comes before that moves nothing.
has_read() { [ ! -e "/proc/$window_pid/fd/0" ]; }
choose_row() {
	local n
	emr_until has_read
	if [ "$ZENITY_MAJOR" -lt 4 ]; then must xdotool key Home; else must xdotool key Tab Tab Tab; fi # its first line is chosen, but keys go to a button
	for ((n = 1; n < $1; n++)); do must xdotool key Down; done
	click_ok
}
close_window() {
	must xdotool key Escape
	emr_until gone
}
choose_path() { printf %s "$1" >"$EMR_WORK/chosen"; }
