#!/usr/bin/env python3
"""people_terminal.py: the QR code that a terminal shows is the card (read by zbarimg), and emrfs asks about the number.

Part of people.sh: EMRFS names the program, the folder is open, and `joao` is in the list."""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from terminal import talk  # noqa: E402

LATER = re.compile(rb"later\.")  # the question about the number ends so


def picture(shown, scale):
    """The lines of half blocks as a portable bitmap, SCALE dots a module."""
    rows = []
    for line in re.findall("\033\\[30;107m([ \u2580\u2584\u2588]+)\033\\[0m", shown):
        rows.append([c in "\u2580\u2588" for c in line])
        rows.append([c in "\u2584\u2588" for c in line])
    dots = "\n".join("\n".join([" ".join(("1" if black else "0") for black in row for _ in range(scale))] * scale) for row in rows)
    return f"P1\n{len(rows[0]) * scale} {len(rows) * scale}\n{dots}\n"


def main():
    shown, code, _ = talk(LATER, None, "people", "card")
    assert code == 0, shown
    # Only that kind of code: in one card of a hundred it finds a bar code, too, among the dots.  Of a few it misses a corner at one size.
    for scale in (8, 6, 10, 4, 12):
        with tempfile.NamedTemporaryFile("w", suffix=".pbm") as file:
            file.write(picture(shown, scale))
            file.flush()
            read = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file.name],
                                  capture_output=True, text=True).stdout.strip()
        if re.fullmatch("EMRFS:[A-Z2-7]{300,}", read):
            break
    assert re.fullmatch("EMRFS:[A-Z2-7]{300,}", read), f"zbarimg reads {read!r}"
    # The code and the text on the same screen are one card, and another program can take it from the screen.
    told, code, _ = talk(LATER, None, "people", "add", read)
    assert code == 2 and "your own card" in told, told
    told, code, _ = talk(LATER, "", "people", "check", "joao")
    assert code == 0 and "Noted" not in told, told
    told, code, _ = talk(LATER, "yes", "people", "check", "joao")
    assert code == 0 and "Noted as compared" in told, told
    told, code, _ = talk(LATER, "no", "people", "check", "joao")
    assert code == 8 and "The numbers differ" in told, told


main()
sys.exit(0)
