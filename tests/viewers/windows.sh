#!/bin/bash
# windows.sh: viewers with windows, on a screen that nobody sees. They show a file in the folder pixel for pixel as the same file beside it;
# text is found by OCR; requests are counted; and of a damaged file nothing wrong is shown.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/saved.sh"
. "$SUPPORT/asked.sh"
. "$SUPPORT/screen.sh"
emr_begin windows
emr_init
emr_mount
src=$EMR_WORK/files dest=$MNT/files
must mkdir "$src"
must python3 "$SUPPORT/make_pdf.py" 1016315 "$src/report.pdf"
must /usr/bin/python3 "$SUPPORT/make_cd.py" "$src/cd" 60
must cp "$src/cd/DICOM/ST0/SE0/IM0" "$src/CT.dcm"
must mkdir "$src/series"
for ((i = 0; i < 20; i++)); do must mv "$src/cd/DICOM/ST0/SE0/IM$i" "$src/series/IM$i.dcm"; done
must rm -r "$src/cd"
must cp -r "$src" "$MNT/"
must "$EMRFS" status --wait --quiet
screen_begin

# One visit: the first picture in OUT.rgb, and in OUT.2.rgb what KEY makes of it.  The picture `found` is compared with `wanted` until both are alike.
visit() { # OUT REGEX KEY COMMAND...
	local out=$EMR_WORK/$1 text=$2 key=$3 like=
	[ "$1" != found ] || like=$EMR_WORK/wanted
	shift 3
	screen_start "$@"
	screen_await "$text"
	screen_still "$out.rgb" ${like:+"$like.rgb"}
	[ -n "$key" ] || return 0
	must xdotool key "$key"
	screen_await_other "$out.rgb" "$out.2.rgb"
	[ -z "$like" ] || screen_still "$out.2.rgb" "$like.2.rgb"
}

same_pixels() { cmp "$EMR_WORK/wanted$2" "$EMR_WORK/found$2" || emr_fail "$1 shows other pixels of the file in the folder"; }

# shows NAME REGEX KEY COMMAND...: the same in both places.  Names are relative, because titles contain them.
# A program that others keep from working rests before it is done, in either place: what differs is looked at again in both.
shows() {
	local name=$1 key=$3 try
	shift
	for try in 1 2 3 4 5; do
		cd "$src" || exit 1
		visit wanted "$@"
		screen_stop
		cd "$EMR_WORK" && emr_remount && cd "$dest" || exit 1
		asked_before
		visit found "$@"
		cd "$EMR_WORK" && screen_stop
		cmp -s wanted.rgb found.rgb && { [ -z "$key" ] || cmp -s wanted.2.rgb found.2.rgb; } && break
		say "$name: not the same at try $try"
	done
	same_pixels "$name" .rgb
	[ -z "$key" ] || same_pixels "$name" .2.rgb
	say "$name: $(asked lookup) LOOKUP, $(asked getattr) GETATTR, $(asked access) ACCESS, $(asked open) OPEN, $(asked read) READ, $(asked chunks_opened) chunks; pixels are equal"
	at_most "$name: ACCESS" "$(asked access)" 0
}

printf 'set %s\n' 'window-title-basename true' 'statusbar-basename true' 'adjust-open width' 'database null' >"$EMR_WORK/zathurarc"
shows zathura 'values within range' J zathura --config-dir="$EMR_WORK" report.pdf
at_most "zathura: GETATTR" "$(asked getattr)" 7
if command -v aeskulap >/dev/null; then	# Debian 13 has none
	shows aeskulap 'Silva' '' aeskulap CT.dcm
	at_most "aeskulap: GETATTR" "$(asked getattr)" 7
fi

# A file manager shows times and places, which differ: what it lists is read.
emr_remount
asked_before
cd "$dest" || exit 1
visit listed '[IM]M1[0-9]' '' pcmanfm --no-desktop series
cd "$EMR_WORK" && screen_stop
say "pcmanfm, a folder of 20 slices: $(asked lookup) LOOKUP, $(asked getattr) GETATTR, $(asked access) ACCESS, $(asked open) OPEN, $(asked read) READ"
at_most "pcmanfm: GETATTR" "$(asked getattr)" 8
at_most "pcmanfm: LOOKUP" "$(asked lookup)" 40
at_most "pcmanfm: OPEN" "$(asked open)" 0
at_most "pcmanfm: ACCESS" "$(asked access)" 0

# ---- the negative control: one bit of the stored block is turned over, in the pixels of the one and the first page of the other
must python3 "$SUPPORT/make_pdf.py" 100000 "$src/page.pdf"
segment=$(ls "$EMRFS_HOME"/state/blocks/seg-*.car)
for name in CT.dcm page.pdf; do
	emr_remount	# a segment is longer than its bytes while it is written
	stat -c %s "$segment" >>"$EMR_WORK/starts"
	must cp "$src/$name" "$MNT/broken-$name"
	must "$EMRFS" status --wait --quiet
done
emr_unmount
# shellcheck disable=SC2046
python3 - "$segment" $(cat "$EMR_WORK/starts") <<'END' || emr_fail "no damage was done"
import sys
with open(sys.argv[1], "r+b") as file:
    for start, into in zip(map(int, sys.argv[2:]), (20000, 4000)):
        file.seek(start + into)
        byte = file.read(1)[0]
        file.seek(start + into)
        file.write(bytes([byte ^ 4]))
END
emr_mount
"$EMRFS" verify >"$EMR_WORK/out/verified" 2>&1 && emr_fail "verify finds nothing wrong"
for name in CT.dcm page.pdf; do
	grep -q "broken-$name" "$EMR_WORK/out/verified" || { cat "$EMR_WORK/out/verified"; emr_fail "the damage is not in $name"; }
	! cat "$MNT/broken-$name" >"$EMR_WORK/out/got" 2>"$EMR_WORK/out/why" || emr_fail "broken-$name is read whole"
	grep -q 'Input/output error' "$EMR_WORK/out/why" || emr_fail "cat: $(cat "$EMR_WORK/out/why")"
	cmp -n "$(stat -c %s "$EMR_WORK/out/got")" "$EMR_WORK/out/got" "$src/$name" || emr_fail "wrong bytes of $name"
	grep -q "bad-data broken-$name" "$MNT/.emrfs/notices" || emr_fail "no notice of broken-$name"
done
! dcmj2pnm "$MNT/broken-CT.dcm" "$EMR_WORK/out/pixels" 2>"$EMR_WORK/out/why" || emr_fail "dcmj2pnm made pixels of a damaged slice"
cd "$MNT" || exit 1
# A window that could not open anything says so in small print, and OCR does not read it with every font: zathura's own words count.
shows_none() { # WHO
	screen_still "$EMR_WORK/broken.rgb"
	screen_read
	! grep -E 'within range|RHAPSODE|Silva|128 x 128' "$EMR_WORK/out/text" || emr_fail "$1 shows a damaged file"
	screen_stop
	say "$1: nothing of the damaged file"
}
screen_start zathura --config-dir="$EMR_WORK" broken-page.pdf
screen_says 'could not open document' zathura
shows_none zathura
if command -v aeskulap >/dev/null; then
	screen_start aeskulap broken-CT.dcm
	screen_await 'Study Manager|Study List'
	shows_none aeskulap
fi
cd "$EMR_WORK" || exit 1
screen_end
emr_unmount
