#!/usr/bin/env python3
"""device_terminal.py ANSWER ARGUMENTS...: emrfs at a terminal, where ANSWER is typed at its question; prints what it showed.

Part of device_saved.sh: EMRFS names the program.  Fails when it asks nothing, or ends otherwise than well."""
import os
import pty
import re
import sys


def main():
    answer, arguments = sys.argv[1], sys.argv[2:]
    program = os.environ["EMRFS"]
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(program, [program, *arguments])
    seen, asked = b"", False
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
        if not asked and re.search(rb"\((yes, no|sim, n\xc3\xa3o)\)", seen):
            os.write(fd, answer.encode() + b"\n")
            asked = True
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    # A question may be broken over lines of the terminal.
    print(re.sub(r"\s*\r\n(?! )", "\n", seen.decode()))
    if code != 0 or not asked:
        sys.exit(f"emrfs {' '.join(arguments)}: exit {code}, {'asked' if asked else 'asked nothing'}")


main()
