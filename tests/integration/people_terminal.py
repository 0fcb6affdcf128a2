#!/usr/bin/env python3
"""people_terminal.py: the QR code that a terminal shows is the card (read by zbarimg), and emrfs asks about the number.

Part of people.sh: EMRFS names the program, the folder is open, and `joao` is in the list."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from terminal import read_picture, talk  # noqa: E402

LATER = re.compile(rb"later\.")  # the question about the number ends so


def main():
    shown, code, _ = talk(LATER, None, "people", "card")
    assert code == 0, shown
    read = read_picture(shown, "EMRFS:[A-Z2-7]{300,}")
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
