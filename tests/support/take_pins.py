#!/usr/bin/env python3
"""take_pins.py STORE: takes every pin of a registered record out of the index in the directory STORE, as an attacker who may write there, or a
bug, would: the sum over the rows fits afterwards, so nothing is made again.  Nobody has the store open.  Prints how many."""
import sqlite3
import sys

REGISTERED = 2


def fnv(data):
    h = 0xcbf29ce484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 & (1 << 64) - 1
    return h


def main():
    index = sqlite3.connect(sys.argv[1] + "/index.sqlite")
    total = index.execute("SELECT value FROM meta WHERE key = 'sum'").fetchone()[0]
    pins = index.execute("SELECT writer, owner, root FROM pin WHERE state = ?", (REGISTERED,)).fetchall()
    for writer, owner, root in pins:
        total ^= fnv(b"p" + writer + owner + root + bytes([REGISTERED]))
    total &= (1 << 64) - 1
    index.execute("UPDATE meta SET value = ? WHERE key = 'sum'", (total - (1 << 64) if total >> 63 else total,))
    index.execute("DELETE FROM pin WHERE state = ?", (REGISTERED,))
    index.commit()
    index.close()
    print(len(pins))


main()
