#!/usr/bin/env python3
"""take_blocks.py STORE CAR [--nodes | --but=CID]: takes every block of the file CAR, or only those above leaves, or all but one, out of the segments in the directory STORE,
as if it had never been there: zeros with a name that fits stand in its place, and the index is removed.  Nobody has the store open.  Prints how many."""
import base64
import glob
import hashlib
import os
import sys

from car_varint import sections


def main():
    with open(sys.argv[2], "rb") as file:
        car = file.read()
    wanted = {car[begin + 4:begin + 36] for begin, _ in sections(car) if "--nodes" not in sys.argv or car[begin + 1] == 0x70}
    for option in sys.argv[3:]:
        if option.startswith("--but="):
            text = option.removeprefix("--but=b").upper()
            wanted.remove(base64.b32decode(text + "=" * (-len(text) % 8))[4:36])
    taken = 0
    for name in glob.glob(sys.argv[1] + "/seg-*.car"):
        with open(name, "r+b") as file:
            data = file.read()
            for begin, end in sections(data):
                if data[begin + 4:begin + 36] not in wanted:
                    continue
                zeros = bytes(end - begin - 36)
                file.seek(begin)
                file.write(b"\x01\x55\x12\x20" + hashlib.sha256(zeros).digest() + zeros)
                taken += 1
    for name in glob.glob(sys.argv[1] + "/index.sqlite*"):
        os.remove(name)
    print(taken)


main()
