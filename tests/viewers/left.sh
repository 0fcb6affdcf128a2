#!/bin/bash
# left.sh: the menus of the desktop start a file manager and a viewer, which keep files beside the folder; closing takes these away.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/screen.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
command -v xdg-open >/dev/null || emr_skip "no xdg-open"
emr_begin left
emr_init
emr_mount
cd "$EMR_WORK" || exit 2
screen_begin
for i in 1 2 3; do must convert -size 900x700 plasma:red-blue "$MNT/photo$i.png"; done
must python3 "$SUPPORT/make_pdf.py" 100000 "$MNT/report.pdf"
must "$EMRFS" status --wait --quiet
# The user's own settings say which program opens a file, as everywhere.
mkdir -p "$HOME/.config" && printf '[Default Applications]\ninode/directory=pcmanfm.desktop\napplication/pdf=org.pwmt.zathura-pdf-poppler.desktop\n' \
	>"$HOME/.config/mimeapps.list"
mkdir -p "$HOME/.config/zathura" && printf 'set %s\n' 'adjust-open width' 'database null' >"$HOME/.config/zathura/zathurarc"
run 0 status --json
cache=$(field viewer_cache)
pictures() { find "$1" -name '*.png' 2>/dev/null | wc -l; }
have() { [ "$(pictures "$1")" = "$2" ]; }

say "the desktop's entry opens a file manager"
screen_start "$PACKAGING/open-folder"
screen_await 'photo[123]'
emr_until have "$cache/thumbnails" 3
expect "thumbnails in the user's cache" "$(pictures "$HOME/.cache")" 0
# The file manager is a child of a child.
stop_all() {
	local pid
	for pid in $(pgrep "$1"); do
		grep -qzx "EMR_WORK=$EMR_WORK" "/proc/$pid/environ" 2>/dev/null && screen_quit "$pid"
	done
	screen_stop
}
stop_all pcmanfm

say "an entry of its menu opens a viewer"
screen_start "$PACKAGING/action" open "file://$MNT/report.pdf"
screen_await 'values within range'
found=''
for pid in $(pgrep zathura); do
	grep -qzx "EMR_WORK=$EMR_WORK" "/proc/$pid/environ" 2>/dev/null && found=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^XDG_CACHE_HOME=//p')
done
expect "the cache of the viewer" "$found" "$cache"
stop_all zathura

say "closing takes it away"
emr_unmount --purge
[ ! -e "$cache" ] || emr_fail "it is there"
expect "thumbnails in the user's cache" "$(pictures "$HOME/.cache")" 0
screen_end
echo "all is well"
