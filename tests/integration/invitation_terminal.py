#!/usr/bin/env python3
"""invitation_terminal.py close|wrong ARGUMENTS...: emrfs at a terminal until the 24 words; there the window is closed, or all words asked back are wrong.

Part of invitation.sh: EMRFS names the program.  Prints what it showed, without the words; fails when they were not shown."""
import os
import pty
import re
import sys

# The questions, and the answers typed; the newest that was not answered yet counts.
ANSWERS = [(rb"\(yes, no\)\?", b"yes"), (rb"press Enter", b""), (rb"Word \d+:", b"zoo")]


def main():
    mode, arguments = sys.argv[1], sys.argv[2:]
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(os.environ["EMRFS"], [os.environ["EMRFS"], *arguments])
    seen, shown, pages = b"", b"", 0
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen, shown = seen + data, shown + data
        for question, answer in ANSWERS:
            if re.search(question, seen):
                pages += answer == b""
                seen = b""
                if mode == "close" and answer == b"":
                    os.close(fd)
                    os.waitpid(pid, 0)
                    return
                os.write(fd, answer + b"\n")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(shown.decode(errors="replace")[-300:])
    if code == 0 or pages == 0:
        sys.exit(f"exit {code}, {pages} pages of words")


main()
