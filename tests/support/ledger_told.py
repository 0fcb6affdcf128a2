#!/usr/bin/env python3
"""ledger_told.py COPY [NAME=ID...]: reads a copy of the ledger without any key, by ledger-client/FORMAT.md alone, and prints a line for each fact:

  person HANDLE | HANDLE shared with HANDLE until UNIX | HANDLE joined DATASET | HANDLE asked

ID is the key on the card of a person whom the reader knows as NAME."""
import hashlib
import sqlite3
import struct
import sys

KEY, GRANT, ACCESS, DATASET, JOIN = 0x01, 0x30, 0x48, 0x50, 0x54
COMMON_NAME = bytes.fromhex("0603550403")

db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
handles, known = {}, {}
for object_id, part in db.execute("SELECT object, part FROM parts WHERE family = ? AND length(part) > 34 ORDER BY version", (KEY,)):
    der = part[34:34 + struct.unpack(">H", part[32:34])[0]]
    at = der.rfind(COMMON_NAME)  # the subject's stands behind the authority's
    if at >= 0:
        handles[object_id] = der[at + 7:at + 7 + der[at + 6]].decode()


for name, _, key in (word.partition("=") for word in sys.argv[2:]):
    known[bytes.fromhex(key)[:16]] = name


def who(signer):
    return known.get(signer[:16]) or handles.get(signer[:16], signer.hex())


def brought(family):
    """Place, submitter and time of each item of FAMILY."""
    for domain, object_id, entry in db.execute(
            "SELECT ids.id, object, entry FROM item JOIN entries USING (seq) JOIN ids ON ids.n = domain WHERE family = ? AND purged IS NOT NULL", (family,)):
        yield domain, object_id, who(entry[24:56]), entry


said = {f"person {name}" for name in handles.values()}
datasets = {hashlib.sha256(b"emrfs/v1/dataset\0" + object_id).digest(): object_id.hex() for _, object_id, _, _ in brought(DATASET)}
for value, entry in db.execute("SELECT value, entry FROM state JOIN entries USING (seq)"):
    if value[0] == GRANT and len(value) >= 96 and value[48:80] not in datasets:
        said.add(f"{who(entry[24:56])} shared with {who(value[48:80])} until {struct.unpack('>Q', value[88:96])[0]}")
for _, object_id, name, _ in brought(JOIN):
    said.add(f"{name} joined {object_id.hex()}")
for _, _, name, _ in brought(ACCESS):
    said.add(f"{name} asked")
print("\n".join(sorted(said)))
