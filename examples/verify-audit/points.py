#!/usr/bin/env python3
"""points.py [--json] LEDGER: counts the points and the credit of everybody from the entries of a ledger.

Made from ledger-client/contract/CONTRACT.md (Points) alone: it shares no code with emrfs and needs nothing but Python 3. LEDGER is the
file ledger.sqlite of a network's directory, or a copy of it (ledger/replica.sqlite of a member). It believes no row and no sum in
there, only entries and the items that hang from them by their hashes, with the result that stands in each entry.

It says how large the log is and its root (compare them with `emrfs ledger --checkpoint`), and of each account what it has. An account
is the first key of a person, or sixteen zeros and a dataset; `emrfs wallet --json` names one's own.

Exit: 0 all is as it should be; 1 it is not: a point that was spent twice, or that nobody made (the line that begins with FAILED says where).
"""
import hashlib
import json
import sqlite3
import sys
from collections import defaultdict

PUBLIC = {  # bytes of the public part of each operation
    0x01: 288, 0x02: 256, 0x03: 48, 0x04: 96, 0x05: 16, 0x06: 32, 0x07: 104, 0x08: 48, 0x09: 56, 0x0A: 48, 0x10: 64, 0x11: 32, 0x12: 224, 0x13: 48, 0x14: 0, 0x15: 0, 0x20: 0, 0x21: 0,
    0x22: 0, 0x23: 0, 0x24: 24, 0x30: 64, 0x31: 8, 0x32: 0, 0x33: 0, 0x34: 40, 0x40: 32, 0x41: 32, 0x42: 32, 0x43: 0, 0x48: 40, 0x49: 56, 0x4A: 32, 0x4B: 49,
    0x50: 152, 0x52: 64, 0x53: 0, 0x54: 48, 0x55: 0, 0x56: 64, 0x57: 0, 0x60: 56, 0x61: 72, 0x68: 8, 0x69: 48, 0x6A: 32, 0x6B: 16, 0x7F: 16}
HOSPITAL = 4
NOBODY = bytes(32)


def failed(where, what):
    print(f"FAILED entry {where}: {what}")
    sys.exit(1)


def sha(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()


def number(data):
    return int.from_bytes(data, "big")


def root_of(leaves):
    """RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1", root_of(leaves[:half]), root_of(leaves[half:]))


class Item:
    """One operation that was applied."""

    def __init__(self, data, where, submitter):
        self.id, self.where, self.submitter = sha(data), where, submitter
        self.op, self.domain, self.object, self.version, self.signer, self.pub = data[5], data[8:24], data[24:40], number(data[40:48]), data[80:112], data[160:]


def items_of(entry, data, where):
    """What was applied, in order."""
    at, leaves, cut = 0, [], []
    while at < len(data):
        if at + 160 > len(data) or data[at + 5] not in PUBLIC:
            failed(where, "an operation that nobody knows")
        size = 160 + PUBLIC[data[at + 5]]
        cut.append(data[at:at + size])
        leaves.append(sha(b"\0", cut[-1]))
        at += size
    results = entry[376:]
    if at != len(data) or len(cut) != number(entry[6:8]) or len(results) != len(cut) or not cut or root_of(leaves) != entry[104 + 112:104 + 144]:
        failed(where, "its items are not those that were signed")
    return [Item(one, where, entry[24:56]) for one, result in zip(cut, results) if result == 0]


class Book:
    """Who has which key and dataset, and how many points, after each item."""

    def __init__(self):
        self.first, self.org, self.roles = {}, {}, {}  # of keys that are registered
        self.price, self.steward, self.teams, self.joined = {}, {}, {}, set()
        self.points, self.sent, self.minted, self.agreed = defaultdict(int), defaultdict(int), 0, {}
        self.merits = defaultdict(set)
        self.agents = defaultdict(int)

    def account(self, key):
        return self.first.get(key, key)

    def pay(self, item, payer, account, amount):
        if self.points[payer] < amount:
            failed(item.where, f"more is paid than {payer.hex()} has")
        self.points[payer] -= amount
        self.points[account] += amount

    # ---- keys, datasets

    def key_reg(self, i):
        self.first[i.signer] = self.first.get(i.signer, i.signer)
        self.roles[i.signer], self.org[i.signer] = number(i.pub[:2]), i.pub[8:24]

    def key_rotate(self, i):
        new = sha(i.pub[:32])
        self.first[new], self.roles[new], self.org[new] = self.first[i.signer], self.roles[i.signer], self.org[i.signer]

    def dataset_new(self, i):
        self.price[i.object], self.steward[i.object] = number(i.pub[96:104]), i.signer
        self.teams[sha(b"dataset\0", i.object)] = i.object

    # ---- points

    def propose(self, i):
        if i.pub[0] == 5:
            self.agreed[i.object] = [i.pub[32:64], set()]

    def approve(self, i):
        if i.object in self.agreed:
            self.agreed[i.object][1].add(i.pub[:16])

    def mint(self, i):
        proposal, account, amount = i.pub[:16], i.pub[16:48], number(i.pub[48:56])
        subject, approvals = self.agreed.pop(proposal, (None, ()))
        if subject != sha(i.pub[16:56]) or not approvals:
            failed(i.where, "points are made that the organisations did not agree on, or made twice")
        self.minted += amount
        self.points[account] += amount

    def transfer(self, i):
        payer, account, amount = i.pub[:32], i.pub[32:64], number(i.pub[64:72])
        self.sent[payer] += 1
        if i.version != self.sent[payer]:
            failed(i.where, f"payment {i.version} of {payer.hex()} comes twice, or one before it is lacking")
        if (self.steward.get(payer[16:]) != i.signer) if payer[:16] == bytes(16) else (self.account(i.signer) != payer):
            failed(i.where, "somebody else's points are paid")
        self.pay(i, payer, account, amount)

    # ---- credit: each reason once

    def org_of(self, grantee):
        return self.org.get(self.steward.get(self.teams.get(grantee), grantee) if grantee in self.teams else grantee)

    def grant(self, i):
        theirs, ours = self.org_of(i.pub[:32]), self.org.get(i.submitter)
        if None not in (theirs, ours) and theirs != ours:
            self.merits["patient", self.account(i.submitter)].add((i.domain, i.pub[:32]))

    def join(self, i):
        self.merits["patient", self.account(i.submitter)].add((i.domain, i.object))
        account = i.pub[16:48]
        if account != NOBODY:
            if (i.domain, i.object) in self.joined:
                failed(i.where, "a folder is paid twice for one dataset")
            self.pay(i, bytes(16) + i.object, account, self.price[i.object])
        self.joined.add((i.domain, i.object))

    def served(self, i):
        if i.pub[48] == 1:
            self.agents[self.account(i.signer)] += number(i.pub[50:52])

    def registered(self, i):
        if self.roles.get(i.signer, 0) & HOSPITAL:
            self.merits["hospital", self.account(i.signer)].add((i.domain, i.object))

    DOES = {0x01: key_reg, 0x02: key_rotate, 0x04: propose, 0x05: approve, 0x20: registered, 0x30: grant,
            0x49: served, 0x50: dataset_new, 0x54: join, 0x60: mint, 0x61: transfer}


def read(path):
    book, leaves = Book(), []
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for seq, entry, items in database.execute("SELECT seq, entry, items FROM entries ORDER BY seq"):
        if seq != len(leaves):
            failed(seq, "the one before it is lacking")
        if seq:  # entry 0 says which network it is
            if number(entry[8:16]) != seq or entry[72:104] != leaves[-1]:
                failed(seq, "it does not follow the one before it")
            for item in items_of(entry, items, seq):
                Book.DOES.get(item.op, lambda *_: None)(book, item)
        leaves.append(sha(b"\0", entry))
    return book, leaves


def main(arguments):
    as_json = arguments[:1] == ["--json"]
    if len(arguments) != 1 + as_json:
        print(__doc__, file=sys.stderr)
        return 2
    book, leaves = read(arguments[-1])
    accounts = defaultdict(lambda: {"points": 0, "patient": 0, "agent": 0, "hospital": 0})
    for account, amount in book.points.items():
        accounts[account]["points"] = amount
    for (kind, account), reasons in book.merits.items():
        accounts[account][kind] += len(reasons)
    for account, count in book.agents.items():
        accounts[account]["agent"] += count
    put_by = sum(amount for account, amount in book.points.items() if account[:16] == bytes(16))
    if sum(book.points.values()) != book.minted:
        failed(len(leaves) - 1, "there are more or fewer points than were made")
    rows = [{"account": account.hex(), **accounts[account]} for account in sorted(accounts) if any(accounts[account].values())]
    if as_json:
        print(json.dumps({"entries": len(leaves), "root": root_of(leaves).hex(), "made": book.minted, "put_by": put_by, "accounts": rows}))
        return 0
    print(f"{len(leaves)} entries, root {root_of(leaves).hex()}\n{book.minted} points were made, {put_by} of them are put by for datasets")
    for row in rows:
        print("{account}  {points} points   credit: patient {patient}, agent {agent}, hospital {hospital}".format(**row))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
