"""points_agree.py POINTS.py LEDGER WALLET...: each WALLET (the output of `emrfs wallet --explain --json`) has the points and the credit that POINTS.py counts from
LEDGER, and ranks as it counts; and POINTS.py says no to a ledger with a point spent twice, a sum changed, an entry lacking, a point made twice."""
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter

POINTS, LEDGER = sys.argv[1:3]
KINDS = ("patient", "agent", "hospital")


def count(path, *options):
    ran = subprocess.run([sys.executable, POINTS, *options, path], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout


def compare(whole, path):
    by_account = {row["account"]: row for row in whole["accounts"]}
    with open(path, encoding="utf-8") as file:
        wallet = json.load(file)
    own = by_account.get(wallet["account"], {})
    for name, said in [("points", wallet["points"])] + [(kind, wallet["counted"][kind]) for kind in KINDS]:
        counted = own.get(name, 0)
        if counted != said:
            sys.exit(f"{path}: {name}: the wallet says {said}, the ledger {counted}")
    ranked = Counter(tuple(row[kind] for kind in KINDS) for row in wallet["ranking"])
    if ranked != Counter(tuple(row[kind] for kind in KINDS) for row in whole["accounts"] if row["agent"] + row["hospital"] > 0):
        sys.exit(f"{path}: another ranking: {ranked}")
    print(f"{path}: {wallet['points']} points, credit {wallet['counted']}")


def entries_of(database):
    return {seq: (entry, items) for seq, entry, items in database.execute("SELECT seq, entry, items FROM entries")}


def again(database, op):
    """The entry of an operation of OP once more, behind the last one, as somebody would who keeps the ledger and spends twice."""
    all_of_them = entries_of(database)
    last = max(all_of_them)
    seq = next((s for s, (_, items) in all_of_them.items() if s > 0 and items[5] == op), None)
    if seq is None:
        return False
    entry, items = all_of_them[seq]
    entry = entry[:8] + (last + 1).to_bytes(8, "big") + entry[16:72] + hashlib.sha256(b"\0" + all_of_them[last][0]).digest() + entry[104:]
    database.execute("INSERT INTO entries(seq, batch_id, entry, items) VALUES(?, ?, ?, ?)", (last + 1, os.urandom(32), entry, items))
    return True


def changed(database):
    seq, (_, items) = max(entries_of(database).items())
    database.execute("UPDATE entries SET items=? WHERE seq=?", (items[:-1] + bytes([items[-1] ^ 1]), seq))
    return True


HOSTILE = {  # what is done to the ledger: what must be said
    "spent twice": (lambda d: again(d, 0x61), "comes twice"),
    "made twice": (lambda d: again(d, 0x60), "made twice"),
    "changed": (changed, "not those that were signed"),
    "lacking": (lambda d: d.execute("DELETE FROM entries WHERE seq=3"), "is lacking"),
}

status, said = count(LEDGER, "--json")
if status != 0:
    sys.exit(said)
for wallet_path in sys.argv[3:]:
    compare(json.loads(said), wallet_path)
for what, (spoil, word) in HOSTILE.items():
    shutil.copy(LEDGER, "spoilt.sqlite")
    if os.path.exists(LEDGER + "-wal"):
        shutil.copy(LEDGER + "-wal", "spoilt.sqlite-wal")
    with sqlite3.connect("spoilt.sqlite") as spoilt:
        done = spoil(spoilt)
    spoilt.close()
    status, said = count("spoilt.sqlite")
    for name in ("spoilt.sqlite", "spoilt.sqlite-wal", "spoilt.sqlite-shm"):
        if os.path.exists(name):
            os.remove(name)
    if done and (status != 1 or word not in said):
        sys.exit(f"{what}: {said}")
