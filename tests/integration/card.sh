#!/bin/bash
# card.sh: a card to print is a picture and a page whose code a camera reads as the card itself; a terminal shows the code whole or not at
# all.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ -x "$DESKTOP/draw-card" ] || emr_skip "built without cairo"
export LC_ALL=C.UTF-8
emr_begin card
cd "$EMR_WORK" || exit 2
# Installed as a package would.
mkdir -p usr/bin usr/libexec/emrfs
cp "$EMRFS" usr/bin/emrfs && cp "$DESKTOP/draw-card" usr/libexec/emrfs/ || exit 2
EMRFS=$EMR_WORK/usr/bin/emrfs
export EMR_PERSON='Ana Conceição Silva-Größe'
emr_init
emr_mount
# Each card is signed again; up to its time, all are the same.
json 0 people card
same=$(field qr | cut -c1-250)
[ "${same%%:*}" = EMRFS ] || emr_fail "no text of a code: $same"
# Of one kind only: in the noise of a large code others can be seen by chance.
read_code() { zbarimg --quiet --raw -Sdisable -Sqrcode.enable "$1" 2>/dev/null; }

say "a picture"
json 0 people card -o card.png
expect "the code in the picture" "$(read_code card.png)" "$(field qr)"
run 1 people card -o card.png		# what is there stays
says "card.png"
say "a page"
json 0 people card -o Card.PDF
wanted=$(field qr)
expect "pages" "$(pdfinfo Card.PDF | sed -n 's/^Pages: *//p')" 1
pdftoppm -r 300 -png Card.PDF page || emr_fail pdftoppm
expect "the code on the page" "$(read_code page-1.png)" "$wanted"
pdftotext Card.PDF text && grep -qF "$EMR_PERSON" text || emr_fail "no name on the page: $(cat text)"
say "it can be taken from the code, by somebody else"
mkdir -m 700 other && cp "$EMRFS_HOME/settings" other/
EMRFS_HOME=$EMR_WORK/other must "$EMRFS" init --yes --name Lima --passphrase-file "$EMR_PASS" --words-file other/words >out/said 2>&1
EMRFS_HOME=$EMR_WORK/other must "$EMRFS" people add "$(read_code page-1.png)" --name ana --passphrase-file "$EMR_PASS" >out/said 2>&1
grep -q 'Ana Conceição' out/said || emr_fail "not Ana: $(cat out/said)"

# The picture itself is not what is added, and who tries is told what is.
for file in card.png Card.PDF; do
	run 8 people add $file
	says "this is a picture; the card is the text of the code in it"
done

say "nobody draws"
mv usr/libexec/emrfs/draw-card hidden
run 1 people card -o none.pdf
says "draw-card"
says "emrfs people card -o my.card"
[ ! -e none.pdf ] || emr_fail "an empty page is left"
printf '#!/bin/sh\necho half; exit 1\n' >usr/libexec/emrfs/draw-card && chmod +x usr/libexec/emrfs/draw-card
run 1 people card -o none.png
says "The card could not be drawn for none.png"
[ ! -e none.png ] || emr_fail "half a picture is left"
mv hidden usr/libexec/emrfs/draw-card

say "terminals"
on_terminal() { # COLUMNS: what is shown on a terminal of so many
	python3 -c '
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", 200, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], [sys.argv[2], "people", "card"])
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$1" "$EMRFS" >shown || emr_fail "people card on $1 columns"
}
on_terminal 80
! grep -q '▀' shown || emr_fail "a code that wraps"
grep -q 'emrfs people card -o card.pdf' shown || emr_fail "80 columns: $(cat shown)"
wide=$(sed -n 's/.*QR code is \([0-9]*\) characters.*/\1/p' shown)
on_terminal $((wide - 1))
! grep -q '▀' shown || emr_fail "a code that wraps at $((wide - 1))"
on_terminal "$wide"
grep -q '▀' shown || emr_fail "no code on $wide columns"
# The code is read as a camera would see it: each character is two modules, above each other.
python3 -c '
import sys
rows = []
for line in open("shown", encoding="utf-8"):
    if "\033[30;107m" not in line:
        continue
    line = line.split("\033[30;107m")[1].split("\033[0m")[0]
    rows += [[c in "▀█" for c in line], [c in "▄█" for c in line]]
print("P1", 4 * len(rows[0]), 4 * len(rows))
for row in rows:
    for _ in range(4):
        print(" ".join("1 1 1 1" if black else "0 0 0 0" for black in row))' >shown.pbm || emr_fail "no picture of the terminal"
expect "the code on the terminal" "$(read_code shown.pbm | cut -c1-250)" "$same"
emr_unmount
echo "all is well"
