#!/bin/bash
# tests/campaign/desktop-check.sh - the heavy viewers and file managers of a desktop, on a real mount.
#
#   EMRFS=build/release/fs/emrfs tests/campaign/desktop-check.sh
#
# evince and okular show a PDF of the folder pixel for pixel as beside it; Thunar (with tumbler) and Nautilus list a folder of
# slices and one of documents.  Requests are counted.
# Needs, besides what tests/packages names: evince okular nautilus thunar tumbler tumbler-plugins-extra gvfs dbus-x11
# tracker-miner-fs (350 packages: for that reason by hand, and not in tests/run).
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/saved.sh"
. "$SUPPORT/asked.sh"
. "$SUPPORT/screen.sh"
for program in evince okular nautilus thunar dbus-run-session; do
	command -v "$program" >/dev/null || { echo "cannot be run: no $program" >&2; exit 2; }
done
if [ -z "${EMR_DESKTOP:-}" ]; then
	EMR_DESKTOP=1 exec dbus-run-session -- "$0" "$@"
fi
emr_begin desktop
EMR_PERSON="Ana Silva" emr_init
emr_mount
src=$EMR_WORK/files dest=$MNT/files
must mkdir "$src"
must python3 "$SUPPORT/make_pdf.py" 1016315 "$src/report.pdf"
must /usr/bin/python3 "$SUPPORT/make_cd.py" "$src/cd" 60
must mkdir "$src/series" "$src/documents"
for ((i = 0; i < 20; i++)); do must mv "$src/cd/DICOM/ST0/SE0/IM$i" "$src/series/IM$i.dcm"; done
must rm -r "$src/cd"
for ((i = 0; i < 10; i++)); do must python3 "$SUPPORT/make_pdf.py" $((60000 + i)) "$src/documents/letter$i.pdf"; done
must cp -r "$src" "$MNT/"
must "$EMRFS" status --wait --quiet
bus=$DBUS_SESSION_BUS_ADDRESS
screen_begin
screen_zoom=300
# The programs that the bus starts (tumblerd) have the home and the screen of the test, too.
export DBUS_SESSION_BUS_ADDRESS=$bus
dbus-update-activation-environment HOME XDG_RUNTIME_DIR DISPLAY GSETTINGS_BACKEND NO_AT_BRIDGE

visit() { # OUT REGEX KEY COMMAND...
	local out=$EMR_WORK/$1 text=$2 key=$3
	shift 3
	screen_start "$@"
	screen_await "$text"
	screen_still "$out.rgb"
	[ -n "$key" ] || return 0
	must xdotool key "$key"
	screen_await_other "$out.rgb" "$out.2.rgb"
}

counted() { say "$1: $(asked lookup) LOOKUP, $(asked getattr) GETATTR, $(asked access) ACCESS, $(asked open) OPEN, $(asked read) READ"; }

# shows NAME REGEX KEY COMMAND...: the same pixels in both places; names are relative, because titles contain them.
shows() {
	local name=$1
	shift
	cd "$src" || exit 1
	visit wanted "$@"
	screen_stop
	cd "$EMR_WORK" && emr_remount && cd "$dest" || exit 1
	asked_before
	visit found "$@"
	cd "$EMR_WORK" && screen_stop
	cmp "$EMR_WORK/wanted.rgb" "$EMR_WORK/found.rgb" || emr_fail "$name shows other pixels of the file in the folder"
	cmp "$EMR_WORK/wanted.2.rgb" "$EMR_WORK/found.2.rgb" || emr_fail "$name shows another second page"
	counted "$name, both pages pixel for pixel"
	at_most "$name: ACCESS" "$(asked access)" 0
}

# lists NAME DIRECTORY REGEX COMMAND...: what a file manager shows of a folder.
lists() {
	local name=$1 where=$2 text=$3
	shift 3
	emr_remount
	asked_before
	cd "$dest" || exit 1
	visit found "$text" '' "$@" "$where"
	[ "$where" != documents ] || await_thumbnails "$name"
	cd "$EMR_WORK" && screen_stop
	counted "$name, $where"
	at_most "$name: ACCESS" "$(asked access)" 0
}

# Pictures; "fail" holds marks that there is none.
thumbnails() { find "$HOME/.cache/thumbnails" -name '*.png' -not -path '*/fail/*' 2>/dev/null | wc -l; }
await_thumbnails() {
	local i
	for ((i = 0; i < 100; i++)); do
		[ "$(thumbnails)" = 0 ] || return 0
		sleep 0.1
	done
	emr_fail "$1 makes no thumbnail where it may: the next check would pass for nothing"
}

want=${EMR_ONLY:-evince okular thunar nautilus}
for one in $want; do
	case $one in
	evince)
		shows evince 'within' Next evince report.pdf
		at_most "evince: GETATTR" "$(asked getattr)" 12
		;;
	okular)
		shows okular 'within' Next okular report.pdf
		;;
	thunar)
		lists Thunar series 'IM[0-9]+' thunar
		thunar -q 2>/dev/null
		lists Thunar documents 'letter[0-9]' thunar
		thunar -q 2>/dev/null
		;;
	nautilus)	# its thumbnailers want bubblewrap and user namespaces: what it reads itself is looked at
		lists Nautilus series 'IM[0-9]+' nautilus
		nautilus -q 2>/dev/null
		;;
	esac
done
screen_end
emr_unmount
echo "all is well"
