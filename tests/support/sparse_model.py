#!/usr/bin/env python3
"""sparse_model.py does the same to a file in the folder and to a plain sparse file, and compares them.

    sparse_model.py change SEED PLAIN FILE    random writes and cuts all over 12 GiB
    sparse_model.py same SEED PLAIN FILE      sizes, all that is data in either, and 200 random places
    sparse_model.py mapped FILE               writes through a mapping into a hole, and looks for data before anything was flushed
    sparse_model.py map FILE                  prints where data is, as the file system says: FROM-TO in units of 256 KiB

Whatever the plain file has as a hole reads as zeros; data may be more in one than in the other.
"""
import errno
import mmap
import os
import random
import sys

WHOLE = 12 << 30
UNIT = 256 << 10


def change(seed, *paths):
    for path in paths:
        dice = random.Random(seed)
        # Not to read: what may be mapped to write is said to be data.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.ftruncate(fd, max(os.fstat(fd).st_size, WHOLE - dice.randrange(1 << 20)))
        for _ in range(12):
            at = dice.randrange(WHOLE)
            if dice.random() < 0.2:
                os.ftruncate(fd, WHOLE - dice.randrange(3 << 30))
                continue
            data = dice.randbytes(dice.choice([1, 10, 4096, 70000, 300000]))
            while data:
                done = os.pwrite(fd, data, at)
                at, data = at + done, data[done:]
        os.close(fd)


def regions(fd):
    at, size, found = 0, os.fstat(fd).st_size, []
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as e:
            if e.errno != errno.ENXIO:
                raise
            break
        at = os.lseek(fd, start, os.SEEK_HOLE)
        found.append((start, at))
    return found


def read(fd, at, size):
    data = b""
    while len(data) < size:
        piece = os.pread(fd, size - len(data), at + len(data))
        if not piece:
            break
        data += piece
    return data


def same(seed, *paths):
    fds = [os.open(path, os.O_RDONLY) for path in paths]
    sizes = [os.fstat(fd).st_size for fd in fds]
    if sizes[0] != sizes[1]:
        sys.exit(f"sizes {sizes}")
    dice = random.Random(seed)
    places = [(dice.randrange(WHOLE), 5000) for _ in range(200)]
    for fd in fds:
        found = regions(fd)
        if sum(end - start for start, end in found) > 256 << 20:
            sys.exit(f"too much is data: {found}")
        places += [(at, min(UNIT, end - at)) for start, end in found for at in range(start, end, UNIT)]
    for at, size in places:
        if read(fds[0], at, size) != read(fds[1], at, size):
            sys.exit(f"other bytes at {at}")


def show(path):
    fd = os.open(path, os.O_RDONLY)
    print(" ".join(f"{start // UNIT}-{-(-end // UNIT)}" for start, end in regions(fd)))


def mapped(path):
    # Nothing is forked here: a child's close would flush.
    fd = os.open(path, os.O_RDWR)
    at = os.fstat(fd).st_size // 2 // UNIT * UNIT
    with mmap.mmap(fd, 1 << 20, offset=at) as memory:
        memory[5:11] = b"mapped"
        other = os.open(path, os.O_RDONLY)
        if not any(start <= at < end for start, end in regions(other)):
            sys.exit("a copy by holes would lose what was written through a mapping")


if sys.argv[1] == "change":
    change(int(sys.argv[2]), *sys.argv[3:])
elif sys.argv[1] == "same":
    same(int(sys.argv[2]), *sys.argv[3:])
elif sys.argv[1] == "mapped":
    mapped(sys.argv[2])
else:
    show(sys.argv[2])
