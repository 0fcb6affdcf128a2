#!/bin/bash
# ended.sh: a doctor has a file open in a viewer when the patient takes it back. The drawn page stays on the screen, the next page is not
# drawn, and the file does not open again.  The same keys drew the same document before, so that an empty screen proves something.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/screen.sh"
two_begin ended
two_network "São Lucas"
two_join ana "Ana Silva" patient
two_join lima "Dr Paula Lima" clinician
two_cards ana lima
two_mount ana lima
must mkdir ana-folder/Imaging
# Eight pages of text, a megabyte of nothing before each: no page comes along with another.
python3 - "$EMR_WORK/report.pdf" <<'END' || emr_fail "no document"
import random, sys
PAGES = ["knee", "shoulder", "elbow", "ankle", "wrist", "finger", "pelvis", "thorax"]
out, places = bytearray(b"%PDF-1.4\n"), []
dice = random.Random(7)

def thing(body):
    places.append(len(out))
    out.extend(b"%d 0 obj\n" % len(places) + body + b"\nendobj\n")

def stream(data):
    thing(b"<< /Length %d >>\nstream\n" % len(data) + data + b"\nendstream")

first = 4
thing(b"<< /Type /Catalog /Pages 2 0 R >>")
thing(b"<< /Type /Pages /Kids [" + b" ".join(b"%d 0 R" % (first + 3 * i) for i in range(len(PAGES))) + b"] /Count %d >>" % len(PAGES))
thing(b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>")
for i, word in enumerate(PAGES):
    thing(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>" % (first + 3 * i + 2))
    stream(dice.randbytes(1000000))
    stream(b"".join(b"BT /F1 20 Tf 60 %d Td (The %s is without finding.) Tj ET\n" % (760 - 60 * n, word.encode()) for n in range(8)))
table = len(out)
out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1) + b"".join(b"%010d 00000 n \n" % at for at in places)
out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, table)
open(sys.argv[1], "wb").write(out)
END
must cp report.pdf ana-folder/Imaging/
as ana run 0 status --wait
shares() {
	as ana run 0 share Imaging with lima --yes --wait
	emr_until compgen -G "lima-folder/shared-with-me/*/Imaging/report.pdf" >out/shared
	IMAGING=$(echo "$EMR_WORK"/lima-folder/shared-with-me/*/Imaging)
}
screen_begin
at_end() {
	screen_end
	two_end
}
printf 'set %s\n' 'window-title-basename true' 'statusbar-basename true' 'adjust-open best-fit' 'database null' >zathurarc
viewed() {	# to the first page
	screen_start zathura --config-dir="$EMR_WORK" "$IMAGING/report.pdf"
	screen_await knee
	screen_still "$EMR_WORK/first.rgb"
}
to_the_last() {
	must xdotool key shift+g
	screen_await_other "$EMR_WORK/first.rgb" "$EMR_WORK/last.rgb"
	screen_read
}

say "while it is shared, every page is drawn"
shares
viewed
to_the_last
screen_await thorax
screen_stop

say "taken back while it is open: no page that was not drawn"
as lima run 0 unmount	# nothing is left from the first reading
two_mount lima
emr_until test -e "$IMAGING/report.pdf"
viewed
exec 9<"$IMAGING/report.pdf"
must head -c 1 <&9 >out/byte
as ana run 0 revoke --yes Imaging from lima --wait
ended() { ! head -c 1 <&9 >out/byte; }	# for who has it open, and its pages are dropped
emr_until ended
exec 9<&-
to_the_last
! grep -E 'thorax|knee|without' out/text || emr_fail "a page was drawn after the end"
screen_stop

say "and it does not open again"
screen_start zathura --config-dir="$EMR_WORK" "$IMAGING/report.pdf"
screen_says 'could not open document' zathura
screen_still "$EMR_WORK/again.rgb"
screen_read
! grep -E 'knee|without' out/text || emr_fail "it opened after the end"
screen_stop
screen_end
two_unmount ana lima
