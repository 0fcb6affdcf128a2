#!/usr/bin/env python3
"""flip.py SEGMENT WHAT [NTH]: one bit of one block in a segment of the block store (a CAR file) flips, as on a disk that
rots.  WHAT: leaf (the largest block), node (dag-pb), frame (of the journal), pins (of the store), head (of the first
section), or list, which only says what there is.  NTH counts from the end: 1 is the last one."""
import sys

PREFIX = 96  # the header and the empty block


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def sections(data):
    """(offset of the section, offset of the block, end, codec)"""
    at = PREFIX
    while at < len(data) and data[at] != 0:
        length, body = varint(data, at)
        yield at, body + 36, body + length, data[body + 1]
        at = body + length


def kind(data, block, end, codec):
    if codec == 0x70:
        return "node"
    magic = bytes(data[block:block + 4])
    return {b"EMRS": "pins", b"EMRJ": "frame"}.get(magic, "leaf" if end - block >= 16384 else "small")


def main():
    path, what, nth = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with open(path, "rb") as f:
        data = bytearray(f.read())
    found = list(sections(data))
    if what == "list":
        for section, block, end, codec in found:
            print(section, end - block, kind(data, block, end, codec))
        return
    if what == "head":
        at = found[0][0]
    else:
        fitting = [s for s in found if kind(data, s[1], s[2], s[3]) == what]
        if len(fitting) < nth:
            sys.exit(f"no {what} number {nth} in {path}")
        _, block, end, _ = fitting[-nth]
        at = block + (end - block) * 2 // 3
    data[at] ^= 4
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(data[at:at + 1])


main()
