"""terminal.py runs a verb of emrfs at a terminal of its own, for scripts in tests/integration: `talk` answers one question, a Terminal many, in their
order. EMRFS names the program."""
import codecs
import errno
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import time


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


class Terminal:
    """A program on a terminal of its own; `seen` is all it has shown."""

    def __init__(self, *arguments, program=None):
        self.seen = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()  # a letter may come in two parts
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(program or os.environ["EMRFS"], [program or os.environ["EMRFS"], *arguments])

    @classmethod
    def of(cls, program, *arguments):
        return cls(*arguments, program=program)

    def read_more(self, deadline):
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"nothing more is said after: {self.seen!r}")
        try:
            data = os.read(self.fd, 4096)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        self.seen += self.decoder.decode(data)
        return len(data) > 0

    def expect(self, pattern):
        """Waits for PATTERN in what was not yet taken, and takes it."""
        deadline = time.monotonic() + 1200
        while not (found := re.search(pattern, self.seen[self.taken :])):
            if not self.read_more(deadline):
                raise AssertionError(f"ended without {pattern!r}: {self.seen!r}")
        self.taken += found.end()
        return found

    taken = 0

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def press(self, key):
        os.write(self.fd, key)

    def end(self):
        deadline = time.monotonic() + 1200
        while self.read_more(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


def picture(shown, scale):
    """The lines of half blocks as a portable bitmap, SCALE dots a module."""
    rows = []
    for line in re.findall("\033\\[30;107m([ \u2580\u2584\u2588]+)\033\\[0m", shown):
        rows.append([c in "\u2580\u2588" for c in line])
        rows.append([c in "\u2584\u2588" for c in line])
    dots = "\n".join("\n".join([" ".join(("1" if black else "0") for black in row for _ in range(scale))] * scale) for row in rows)
    return f"P1\n{len(rows[0]) * scale} {len(rows) * scale}\n{dots}\n"


def read_picture(shown, form):
    """What zbarimg reads from the QR code in SHOWN, which is of FORM, an expression, where it was read."""
    read = ""
    # Only that kind of code: in one card of a hundred it finds a bar code, too, among the dots.  Of a few it misses a corner at one size.
    for scale in (8, 6, 10, 4, 12):
        with tempfile.NamedTemporaryFile("w", suffix=".pbm") as file:
            file.write(picture(shown, scale))
            file.flush()
            read = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file.name],
                                  capture_output=True, text=True).stdout.strip()
        if re.fullmatch(form, read):
            break
    return read
