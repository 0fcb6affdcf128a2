#!/usr/bin/env python3
"""not_there.py DIR MANUAL: tries in DIR what other file systems have and a folder of emrfs has not. Each try ends as the section
NOT THERE of MANUAL (doc/manual/emrfs-folder.7.in) says: entry for entry, by the first word of its text. DIR is a folder of a person's own."""
import ctypes
import errno
import fcntl
import os
import re
import socket
import stat
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
TIB = 1 << 40
# Owner, user 1, group, mask and others, all of whom may read.
ACCESS_LIST = struct.pack("<I" + 5 * "HHI", 2, 1, 4, 2**32 - 1, 2, 4, 1, 4, 4, 2**32 - 1, 16, 4, 2**32 - 1, 32, 4, 2**32 - 1)
ROOTS = ("devices", "chown by root", "attributes trusted.*")  # what others are not allowed to try


def call(function, *arguments):
    if function(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")


def bind(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)


def ioctl(fd, request, argument):
    fcntl.ioctl(fd, request, argument)


def chmod_stays(path, mode):
    os.chmod(path, mode)
    return stat.S_IMODE(os.stat(path).st_mode) == mode


def chown_stays(path):
    os.chown(path, os.getuid() + 1, -1)
    return os.stat(path).st_uid == os.getuid() + 1


def read_time(path):
    os.utime(path, (1000, 2000))
    with open(path, "rb") as f:
        f.read()
    return "mtime" if os.stat(path).st_atime == os.stat(path).st_mtime else "taken"


def birth_time(path):
    answer = (ctypes.c_uint32 * 64)()
    call(libc.statx, -100, path.encode(), 0, 0x800, answer)  # STATX_BTIME
    return "taken" if answer[0] & 0x800 else "absent"


def outcome(tried):
    """The errno's name, a word, or `taken`; `ignored` where it was taken and is not so afterwards."""
    try:
        said = tried()
    except OSError as fault:
        return errno.errorcode[fault.errno].replace("ENOTSUP", "EOPNOTSUPP")
    return said if isinstance(said, str) else "ignored" if said is False else "taken"


def main():
    folder, manual = sys.argv[1:]
    os.chdir(folder)
    with open("file", "wb") as f:
        f.write(b"words" * 2000)
    fd, other = os.open("file", os.O_RDWR), os.open("other", os.O_RDWR | os.O_CREAT)
    tries = {
        "named pipes": lambda: os.mkfifo("pipe"),
        "sockets": lambda: bind("socket"),
        "devices": lambda: os.mknod("device", 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
        "hard links": lambda: os.link("file", "second"),
        "the time of the last reading": lambda: read_time("file"),
        "the time of birth": lambda: birth_time("file"),
        "access lists": lambda: os.setxattr("file", "system.posix_acl_access", ACCESS_LIST),
        "attributes trusted.*": lambda: os.setxattr("file", "trusted.a", b"b"),
        "attributes security.*": lambda: os.setxattr("file", "security.a", b"b"),
        "set-user-id, set-group-id": lambda: chmod_stays("file", 0o6755),
        "clones (cp --reflink=always)": lambda: ioctl(other, 0x40049409, fd),
        "holes in what is there": lambda: call(libc.fallocate, fd, 3, ctypes.c_long(0), ctypes.c_long(4096)),
        "chattr": lambda: ioctl(fd, 0x40086602, b"\x10\0\0\0\0\0\0\0"),
        "O_TMPFILE": lambda: os.open(".", os.O_TMPFILE | os.O_RDWR),
        "files over 4 TiB": lambda: os.truncate("other", 4 * TIB + 1),
        "chown by root": lambda: chown_stays("file"),
    }
    with open(manual, encoding="utf-8") as f:
        section = f.read().split(".SH NOT THERE\n")[1].split("\n.SH ")[0].replace("\\", "")
    said = dict(re.findall(r"^\.TP\n(.+)\n(\w+)", section, re.M))
    found = {name: outcome(tried) for name, tried in tries.items() if os.getuid() == 0 or name not in ROOTS}
    bad = [name for name in tries if name not in said or found.get(name, said[name]) != said[name]] + sorted(set(said) - set(tries))
    for name in bad:
        print(f"{name}: it is {found.get(name)}, and {manual} says {said.get(name)}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
