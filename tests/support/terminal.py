"""terminal.py runs a verb of emrfs at a terminal of its own, for scripts in tests/integration that answer one question: EMRFS names the program."""
import fcntl
import os
import pty
import struct
import termios


def talk(question, answer, *arguments):
    """What emrfs shows, its exit code, and whether ANSWER was typed: when QUESTION, a compiled pattern of bytes, is there."""
    pid, fd = pty.fork()
    if pid == 0:
        # So wide that no line is broken, and no code of a card left out.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 200, 0, 0))
        os.execv(os.environ["EMRFS"], [os.environ["EMRFS"], *arguments])
    seen, asked = b"", False
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
        if answer is not None and not asked and question.search(seen):
            os.write(fd, answer.encode() + b"\n")
            asked = True
    os.close(fd)
    return seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), asked
