"""The rows of Samba: the waits of a Windows computer that opens the folder over the network, beside the same server on the plain directory.

One server for each file system, with the settings of examples/smb.conf (encrypted SMB3), on a port of this computer; the client is smbclient, so each
number has its start and log-in in it, which the row of an empty command shows.
"""
import getpass
import os
import re
import shlex
import shutil
import socket
import subprocess
import time

from filesystems import Failed, drop_caches

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ("smbd", "smbclient", "pdbedit")
FILES = 10000
START_S = 60


class Server:
    def __init__(self, bed):
        self.bed = bed
        self.dir = os.path.join(bed.tmp, "samba")
        self.conf = os.path.join(self.dir, "smb.conf")
        self.pid = os.path.join(self.dir, "smbd.pid")
        self.user = getpass.getuser()
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]

    def begin(self):
        os.makedirs(os.path.join(self.dir, "ncalrpc"), mode=0o700)
        with open(os.path.join(TOP, "examples/smb.conf"), encoding="utf-8") as file:
            example = file.read().replace("/home/%U/Health", self.bed.mnt)
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(f"[global]\ninterfaces = 127.0.0.1\nbind interfaces only = yes\nsmb ports = {self.port}\n"
                       f"log file = {self.dir}/log\nload printers = no\ndisable spoolss = yes\nncalrpc dir = {self.dir}/ncalrpc\n"
                       f"passdb backend = tdbsam:{self.dir}/passdb.tdb\n")
            for kind in ("private dir", "state directory", "lock dir", "cache directory", "pid directory"):
                file.write(f"{kind} = {self.dir}\n")
            file.write(example)
        self.bed.run(f"printf 'pass\\npass\\n' | pdbedit -s {shlex.quote(self.conf)} -a -t {shlex.quote(self.user)} >&2")
        # a daemon keeps its descriptors: no pipe to it
        with open(os.path.join(self.dir, "out"), "w", encoding="utf-8") as out:
            subprocess.run(["smbd", "-D", "-s", self.conf, "-l", self.dir], stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True)
        until = time.monotonic() + START_S
        while self.bed.run(self.command("ls"), may_fail=True)[0] != 0:
            if time.monotonic() > until:
                raise Failed(f"{self.bed.name}: smbd does not answer, see {self.dir}")
            time.sleep(0.1)

    def end(self):
        try:
            with open(self.pid, encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return
        os.kill(pid, 15)
        until = time.monotonic() + START_S
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < until:
            time.sleep(0.02)
        shutil.rmtree(self.dir, ignore_errors=True)

    def command(self, words):
        return (f"smbclient -s {shlex.quote(self.conf)} -p {self.port} //127.0.0.1/health -U {shlex.quote(self.user)}%pass -m SMB3 "
                f"-c {shlex.quote(words)}")

    def seconds(self, words):
        """Of a command that says nothing of an error: smbclient ends with 0 after a listing that failed."""
        _, seconds, out = self.bed.run(self.command(words) + " 2>&1")
        if "NT_STATUS_" in out:
            raise Failed(f"{self.bed.name}: {words}: {out[-300:]}")
        return seconds

    def listed(self, words):
        """As above, and how many files stood in it."""
        _, seconds, out = self.bed.run(self.command(words) + " 2>&1")
        if len(re.findall(r"^ +file-\d+", out, re.MULTILINE)) != FILES:
            raise Failed(f"{self.bed.name}: a listing that is not whole: {out[-300:]}")
        return seconds


def fill(bed):
    directory = bed.path("many")
    os.mkdir(directory)
    for i in range(FILES):
        with open(os.path.join(directory, f"file-{i:05}"), "wb") as file:
            file.write(b"%099d\n" % i)


def samba(bed, data, is_first):
    if bed.name not in ("plain", "gocryptfs", "emrfs"):
        return
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise Failed(f"{', '.join(missing)} is not installed (Debian: samba, smbclient)")
    server = Server(bed)
    if is_first:
        fill(bed)
    server.begin()
    try:
        yield "smb_start", server.seconds("pwd")
        yield "smb_write", server.seconds(f"put {data.big} big")
        if is_first:
            copy = os.path.join(data.dir, "copy")
            server.seconds(f"get big {copy}")
            bed.run(f"cmp {shlex.quote(data.big)} {shlex.quote(copy)} && rm {shlex.quote(copy)}")
        yield from cold(bed, server, "smb_read_cold", lambda: server.seconds("get big /dev/null"))
        yield "smb_read_warm", server.seconds("get big /dev/null")
        yield from cold(bed, server, "smb_ls_cold", lambda: server.listed("cd many; ls"))
        yield "smb_ls_warm", server.listed("cd many; ls")
        server.seconds("del big")
    finally:
        server.end()


def cold(bed, server, key, measured):
    """A mount that is used cannot go: the server ends before, and is there again before the clock runs.  Whether the folder is there is all that it asks then."""
    server.end()
    bed.cold()
    server.begin()
    drop_caches()
    yield key, measured()
