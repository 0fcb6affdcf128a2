#!/usr/bin/env python3
"""car_walk.py: does with a CAR what tools of IPFS do, and knows nothing of emrfs: only the codecs raw, dag-pb and dag-cbor, and links in them.

  car_walk.py export IN CID OUT     as `ipfs dag export CID` of a node that imported IN
  car_walk.py keep IN OUT           the rest of IN after a node pinned its roots and collected the rest
  car_walk.py below IN              every CID below the roots, one a line: CID, codec, bytes
  car_walk.py names IN              every path below the roots as `ipfs ls` shows it: PATH CID

Every block is hashed; one that is over 1 MiB, or a link that leads nowhere, ends it with status 1."""
import base64
import hashlib
import sys

from car_varint import varint

RAW, DAG_PB, DAG_CBOR = 0x55, 0x70, 0x71


def wrong(why):
    sys.exit(f"car_walk: {why}")


def put_varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def text_of(cid):
    return "b" + base64.b32encode(cid).decode().lower().rstrip("=")


def cid_of(text):
    text = text[1:].upper()
    return base64.b32decode(text + "=" * (-len(text) % 8))


def cbor_links(data):
    """CIDs (tag 42) anywhere in a DAG-CBOR value."""
    out = []

    def head(at):
        kind, low = data[at] >> 5, data[at] & 31
        if low < 24:
            return kind, low, at + 1
        size = 1 << (low - 24)
        return kind, int.from_bytes(data[at + 1:at + 1 + size], "big"), at + 1 + size

    def value(at):
        kind, n, at = head(at)
        if kind in (2, 3):
            return at + n
        if kind in (4, 5):
            for _ in range(n * (kind - 3)):
                at = value(at)
        elif kind == 6:
            _, size, start = head(at)
            if n == 42:
                out.append(data[start + 1:start + size])
            at = value(at)
        return at

    if value(0) != len(data):
        wrong("CBOR that does not end")
    return out


def pb_fields(data):
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            wrong(f"a protobuf field of kind {tag & 7}")
        yield tag >> 3, value


def pb_links(data):
    """(name, CID) of a dag-pb node."""
    for field, value in pb_fields(data):
        if field == 2:
            link = dict(pb_fields(value))
            yield link.get(2, b"").decode(), link[1]


def links_of(cid, block):
    if cid[1] == RAW:
        return []
    if cid[1] == DAG_PB:
        return list(pb_links(block))
    if cid[1] == DAG_CBOR:
        return [("", c) for c in cbor_links(block)]
    return wrong(f"codec {cid[1]:#x} of {text_of(cid)}")


def read(path):
    """Roots, and all blocks by CID in the order in which they stand there."""
    data = open(path, "rb").read()
    size, at = varint(data, 0)
    roots = cbor_links(data[at:at + size])
    at += size
    blocks = {}
    while at < len(data):
        size, at = varint(data, at)
        section, at = data[at:at + size], at + size
        if len(section) < size:
            wrong("a torn end")
        cid, block = section[:36], section[36:]
        if cid[0] != 1 or cid[2:4] != b"\x12\x20" or hashlib.sha256(block).digest() != cid[4:]:
            wrong(f"a block that is not {cid.hex()}")
        if len(block) > 1 << 20:
            wrong(f"{text_of(cid)} has {len(block)} bytes")
        blocks[cid] = block
    return roots, blocks


def header(roots):
    count = len(roots)
    array = bytes([0x80 | count]) if count < 24 else bytes([0x98, count]) if count < 256 else b"\x99" + count.to_bytes(2, "big")
    body = b"\xa2\x65roots" + array + b"".join(b"\xd8\x2a\x58\x25\x00" + r for r in roots) + b"\x67version\x01"
    return put_varint(len(body)) + body


def write(path, roots, sections):
    with open(path, "wb") as out:
        out.write(header(roots))
        for cid, block in sections:
            out.write(put_varint(len(cid) + len(block)) + cid + block)


def below(blocks, roots):
    """Depth first, each once, as nodes export."""
    seen, todo = set(), list(reversed(roots))
    while todo:
        cid = todo.pop()
        if cid in seen:
            continue
        seen.add(cid)
        if cid not in blocks:
            wrong(f"nothing is called {text_of(cid)}")
        yield cid
        todo += [c for _, c in reversed(links_of(cid, blocks[cid]))]


def main(what, path, *rest):
    roots, blocks = read(path)
    if what == "export":
        root = cid_of(rest[0])
        write(rest[1], [root], ((c, blocks[c]) for c in below(blocks, [root])))
    elif what == "keep":
        write(rest[0], roots, ((c, blocks[c]) for c in below(blocks, roots)))
    elif what == "below":
        for cid in below(blocks, roots):
            print(text_of(cid), hex(cid[1]), len(blocks[cid]))
    elif what == "names":
        todo = [("", r) for r in roots]
        while todo:
            name, cid = todo.pop()
            print(name or "/", text_of(cid))
            todo += [(f"{name}/{n}", c) for n, c in links_of(cid, blocks[cid]) if n]
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
