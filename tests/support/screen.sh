# Sourced after mount.sh by tests with windows: a screen that nobody sees, programs on it, and functions that read it.
#
# Programs that look at the screen run in / and not in the folder, where a test may be: they look for files of their own in their
# working directory, and that would be counted.  So FILE is a whole path.
#
# screen_begin; screen_start COMMAND...; screen_await WORDS; screen_says WORDS CLASS; screen_still FILE [LIKE]; screen_stop; screen_end
SCREEN_RESTS=200
screen_begin() {
	local i
	mkdir -p "$EMR_WORK/person/run" && chmod 700 "$EMR_WORK/person/run"
	# Nothing of the desktop of who runs the test, and no other fonts: what is seen here is the same on every computer.
	unset "${!XDG_@}" "${!GTK_@}" "${!GDK_@}" "${!QT_@}" "${!KDE_@}" "${!GNOME_@}" "${!MATE_@}" DESKTOP_SESSION WAYLAND_DISPLAY \
		SESSION_MANAGER XAUTHORITY BROWSER DBUS_SESSION_BUS_ADDRESS
	export HOME=$EMR_WORK/person XDG_RUNTIME_DIR=$EMR_WORK/person/run GSETTINGS_BACKEND=memory NO_AT_BRIDGE=1 FONTCONFIG_FILE=$EMR_WORK/person/fonts
	cat >"$FONTCONFIG_FILE" <<-'END'
		<fontconfig>
			<dir>/usr/share/fonts/truetype/dejavu</dir>
			<cachedir prefix="xdg">fontconfig</cachedir>
			<include ignore_missing="yes">/etc/fonts/conf.d</include>
		</fontconfig>
	END
	screen_program='' screen_pid=''
	at_end() { screen_end; }	# as emr_end asks for it
	# A screen is made again when its last program ends, and the next one that comes meanwhile finds none: not here.
	Xvfb -noreset -displayfd 3 -screen 0 1280x900x24 -nolisten tcp 3>"$EMR_WORK/display" >"$EMR_WORK/out/xvfb" 2>&1 </dev/null &
	screen_pid=$!
	for ((i = 0; i < EMR_PATIENCE * 50; i++)); do
		[ -s "$EMR_WORK/display" ] && break
		sleep 0.02
	done
	DISPLAY=:$(cat "$EMR_WORK/display")
	export DISPLAY
	# No window manager: one window at a time, and keys go to the one below the pointer.
	xdotool mousemove 300 300 || emr_fail "no screen: $(cat "$EMR_WORK/out/xvfb")"
}

screen_start() {
	"$@" >"$EMR_WORK/out/window" 2>&1 </dev/null &
	screen_program=$!
}

# In out/screen.rgb, as it is: to compress and to read a picture again takes longer than all that is done with it.
screen_picture() { (cd / && import -window root -depth 8 "rgb:$EMR_WORK/out/screen.rgb") 2>/dev/null || emr_fail "no picture of the screen"; }

# screen_read writes what OCR makes of the window to out/text; a page of text and scattered words need different ways of looking.
# screen_zoom (per cent) is for small print.
screen_read() (
	cd / || exit
	convert -size 1280x900 -depth 8 "rgb:$EMR_WORK/out/screen.rgb" -fuzz 5% -trim +repage -resize "${screen_zoom:-100}%" "$EMR_WORK/out/trimmed.png" 2>/dev/null
	OMP_THREAD_LIMIT=1 tesseract "$EMR_WORK/out/trimmed.png" - "$@" 2>/dev/null >"$EMR_WORK/out/text"
)

# screen_works prints the state of each process on the screen, and how long it has worked, with those that such a process started.
screen_works() {
	local process
	for process in $(grep -lszx "DISPLAY=$DISPLAY" /proc/[0-9]*/environ); do
		sed -n '/(emrfs) /!s/.*) //p' "${process%environ}stat" 2>/dev/null | cut -d' ' -f1,12,13
	done
}
# Nobody is left who could show anything.
screen_is_over() { [ -n "$screen_program" ] && ! kill -0 "$screen_program" 2>/dev/null && [ -z "$(screen_works)" ]; }

# Waits until REGEX can be read.
screen_await() {
	local last='' now over='' worked='' works rests=0 end=$((SECONDS + EMR_PATIENCE))
	while [ "$SECONDS" -lt "$end" ] && [ -z "$over" ]; do
		! screen_is_over || over=", and what was started has ended"	# its last picture is looked at, too
		screen_picture
		now=$(sha256sum <"$EMR_WORK/out/screen.rgb")
		if [ "$now" != "$last" ]; then
			screen_read && grep -qE "$1" "$EMR_WORK/out/text" && return 0
			screen_read --psm 11 && grep -qE "$1" "$EMR_WORK/out/text" && return 0
		fi
		# Programs that have not worked between so many looks show nothing more; a look takes the longer the busier the computer is.
		works=$(screen_works)
		if [ "$now$works" = "$last$worked" ]; then rests=$((rests + 1)); else rests=0; fi
		worked=$works
		[ $rests -lt $SCREEN_RESTS ] || over=", and nothing moves any more"
		last=$now
		sleep 0.2
	done
	cat "$EMR_WORK/out/window" "$EMR_WORK/out/text" >&2
	[ -z "${EMR_KEEP:-}" ] || convert -size 1280x900 -depth 8 "rgb:$EMR_WORK/out/screen.rgb" "$EMR_WORK/missed.png"
	emr_fail "not to be seen: $1$over"
}

# Waits until the program says WORDS, and has a window of CLASS.
screen_says() { # WORDS CLASS
	local end=$((SECONDS + EMR_PATIENCE))
	screen_said() { grep -q "$1" "$EMR_WORK/out/window" && (cd / && xdotool search --onlyvisible --class "$2") >/dev/null; }
	until screen_said "$@"; do
		! screen_is_over || emr_fail "not said, and what was started has ended: $1: $(cat "$EMR_WORK/out/window")"
		[ "$SECONDS" -lt "$end" ] || emr_fail "not said: $1: $(cat "$EMR_WORK/out/window")"
		sleep 0.2
	done
}

# The picture when it has come to rest, without the lowest 80 lines: a text cursor may blink there.  A program that others keep from
# working may pause before it is done: with LIKE, a picture of the same, it has two minutes to become that; who asks again then
# makes both pictures again, because the other may be the unfinished one.
screen_still() { # FILE [LIKE]
	local last='' now same=0 end=$((SECONDS + EMR_PATIENCE))
	[ -z "${2:-}" ] || end=$((SECONDS + 120))
	while [ "$SECONDS" -lt "$end" ]; do
		screen_picture
		head -c $((1280 * 820 * 3)) "$EMR_WORK/out/screen.rgb" >"$1"
		now=$(sha256sum <"$1")
		if [ "$now" = "$last" ]; then same=$((same + 1)); else same=0; fi
		if [ $same -ge 4 ]; then
			[ -n "${2:-}" ] || return 0
			! cmp -s "$1" "$2" || return 0
		fi
		last=$now
		sleep 0.3
	done
	[ $same -ge 4 ] || [ -n "${2:-}" ] || emr_fail "the screen does not come to rest"
}

# Waits until the screen is at rest and not as in OLD, which a key was to change.
screen_await_other() { # OLD FILE
	local end=$((SECONDS + EMR_PATIENCE))
	while [ "$SECONDS" -lt "$end" ]; do
		screen_still "$2"
		cmp -s "$1" "$2" || return 0
		! screen_is_over || emr_fail "what was to take the key has ended: $(cat "$EMR_WORK/out/window")"
		sleep 0.2
	done
	emr_fail "the key changed nothing"
}

# Ends the process PID, also one that hangs in its own end: pcmanfm does so now and then.
screen_quit() { # PID
	local i
	kill "$1" || return 0
	for ((i = 0; i < 1000; i++)); do
		[ -e "/proc/$1" ] && ! grep -q '^State:.*Z' "/proc/$1/status" || break
		sleep 0.02
	done
	kill -KILL "$1"
	wait "$1"
} 2>/dev/null

screen_stop() {
	[ -z "$screen_program" ] || screen_quit "$screen_program"
	screen_program=''
}

screen_end() {
	screen_stop
	[ -z "$screen_pid" ] || screen_quit "$screen_pid"
	screen_pid=''
}
