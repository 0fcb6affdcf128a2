#!/bin/bash
# closes.sh: the menu, without a terminal, makes a card to print, as a picture and as a page, and closes a folder. It lists what the desktop
# keeps of the folder elsewhere and removes it on demand. The real zenity on a screen that nobody sees.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/screen.sh"
. "$SUPPORT/windows.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
[ -x "$DESKTOP/draw-card" ] || emr_skip "built without cairo"
command -v zbarimg >/dev/null || emr_skip "no zbarimg"
python3 "$SUPPORT/desktop_traces.py" --can || emr_skip "no GLib or GdkPixbuf"
emr_begin closes
cd "$EMR_WORK" || exit 2
windows_begin
# Installed as a package would.
mkdir -p usr/bin usr/libexec/emrfs
cp "$EMRFS" usr/bin/emrfs && cp "$DESKTOP/draw-card" "$PACKAGING"/{action,askpass,dialog,windows} usr/libexec/emrfs/ || exit 2
export EMRFS=$EMR_WORK/usr/bin/emrfs
action=$EMR_WORK/usr/libexec/emrfs/action
MNT=$HOME/Health # the usual one, which an entry of the menu opens and closes
mkdir -p "$MNT" && emr_init
emr_mount

say "a card to print"
json 0 people card
same=$(field qr | cut -c1-250) # each is signed again; up to its time, all are the same
[ "${same%%:*}" = EMRFS ] || emr_fail "no text of a code: $same"
for name in card.png card.pdf; do
	choose_path "$EMR_WORK/$name"
	screen_start "$action" my-card
	next_window file-selection
	next_window 'text-info'
	click_ok
	wait "$screen_program" || emr_fail "$name: $?"
done
expect "pages" "$(pdfinfo card.pdf | sed -n 's/^Pages: *//p')" 1
must pdftoppm -r 300 -png -singlefile card.pdf page
for picture in card.png page.png; do
	expect "the code in $picture" "$(zbarimg --quiet --raw "$picture" 2>/dev/null | cut -c1-250)" "$same"
done

say "a folder of which nothing is left is closed, and that is all that is said"
screen_start "$action" close
next_window 'ok-label=OK'
emr_until grep -q 'Your folder is closed' "$page"
click_ok
wait "$screen_program" || emr_fail "close: $?"
run 10 unmount
pictures() { find "$HOME/.cache/thumbnails" -name '*.png' | wc -l; }
thumbnail() {
	local uri
	uri=$(gio info -a standard::name "$MNT/photo.png" | sed -n 's/^uri: //p') && [ -n "$uri" ] || emr_fail "no address"
	must mkdir -p "$HOME/.cache/thumbnails/normal"
	must python3 "$SUPPORT/desktop_traces.py" thumbnail "$uri" "$HOME/.cache/thumbnails/normal/$(printf %s "$uri" | md5sum | cut -d' ' -f1).png"
}

say "a folder that a program uses stays open, which is said, and is closed when that program has ended"
emr_mount
must convert -size 40x40 xc:red photo.png
must cp photo.png "$MNT/"
run 0 status --wait
exec 5<"$MNT/photo.png"
screen_start "$action" close 5<&- # else the entry itself would be that program
next_window 'ok-label=Try again'
emr_until grep -qF "$MNT is in use by another program" "$page"
run 0 status
exec 5<&-
click_ok
next_window 'ok-label=OK'
emr_until grep -q 'Your folder is closed' "$page"
click_ok
wait "$screen_program" || emr_fail "close, tried again: $?"
run 10 unmount

say "what is left outside is listed, and stays when it is left"
emr_mount
thumbnail
screen_start "$action" close
next_window 'extra-button=Yes'
for words in 'photo.png' '1 thumbnail' '"Close the folder" in the menu'; do
	emr_until grep -qF "$words" "$page" || emr_fail "not said: $words: $(cat "$page")"
done
run 10 unmount
click_no
wait "$screen_program" || emr_fail "close, and leave: $?"
expect "thumbnails that were left" "$(pictures)" 1
say "the same entry removes it later"
screen_start "$action" close
next_window 'ok-label=Remove them'
emr_until grep -q 'Your folder is closed' "$page"
click_ok
next_window 'ok-label=OK'
emr_until grep -q 'Removed: 1 thumbnail' "$page"
click_ok
wait "$screen_program" || emr_fail "close again: $?"
expect "thumbnails that were removed" "$(pictures)" 0
screen_end
echo "all is well"
