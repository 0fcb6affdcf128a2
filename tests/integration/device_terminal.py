#!/usr/bin/env python3
"""device_terminal.py ANSWER ARGUMENTS...: emrfs at a terminal, where ANSWER is typed at its question; prints what it showed.

Part of device_saved.sh: EMRFS names the program.  Fails when emrfs asks nothing, or does not end with 0."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from terminal import talk  # noqa: E402


def main():
    answer, arguments = sys.argv[1], sys.argv[2:]
    shown, code, asked = talk(re.compile(rb"\((yes, no|sim, n\xc3\xa3o)\)"), answer, *arguments)
    # A question may be broken over lines of the terminal.
    print(re.sub(r"\s*\r\n(?! )", "\n", shown))
    if code != 0 or not asked:
        sys.exit(f"emrfs {' '.join(arguments)}: exit {code}, {'asked' if asked else 'asked nothing'}")


main()
