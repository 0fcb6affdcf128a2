#!/usr/bin/env python3
"""node_bomb.py: a member sends a host small trees that unfold into endless files, and asks for a part of them: each request ends, and the host answers others.

ipfs_node.sh runs it; EMR_NODE_RPC names the host's socket."""
import base64
import hashlib
import http.client
import os
import socket


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ["EMR_NODE_RPC"].removeprefix("unix:"))


def ask(path, body=b"", headers={}):
    line = Unix("host")
    line.request("POST", "/api/v0/" + path, body, headers)
    answer = line.getresponse()
    return answer.status, answer.read()


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(tag, data):
    return bytes([tag]) + varint(len(data)) + data


def cid(block, codec):
    return bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(block).digest()


def tree(leaf, levels, links, said):
    """Nodes above LEAF, each of LINKS links to the one below, which has SAID bytes by its parent's word."""
    blocks = [(cid(leaf, 0x55), leaf)]
    for _ in range(levels):
        below, size = blocks[-1][0], said(len(blocks) - 1)
        link = field(0x12, field(0x0A, below) + field(0x12, b"") + b"\x18" + varint(size))
        data = b"\x08\x02\x18" + varint(links * size) + (b"\x20" + varint(size)) * links
        node = link * links + field(0x0A, data)
        blocks.append((cid(node, 0x70), node))
    return blocks


def give(roots, blocks):
    header = b"\xa2eroots\x99" + len(roots).to_bytes(2, "big") + b"".join(b"\xd8\x2aX\x25\x00" + root for root in roots) + b"gversion\x01"
    if len(roots) == 1:
        header = header.replace(b"\x99\x00\x01", b"\x81", 1)
    car = varint(len(header)) + header + b"".join(varint(len(c) + len(d)) + c + d for c, d in blocks)
    form = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="car"\r\nContent-Type: application/octet-stream\r\n\r\n' + car + b"\r\n--XX--\r\n"
    return ask("dag/import?pin-roots=true", form, {"Content-Type": "multipart/form-data; boundary=XX"})


def send(blocks):
    root = blocks[-1][0]
    status, said = give([root], blocks)
    assert status == 200 and b"PinErrorMsg\":\"\"" in said.replace(b" ", b""), (status, said)
    return "b" + base64.b32encode(root).decode().lower().rstrip("=")


for name, blocks in {
    "nothing, fifteen levels high": tree(b"", 14, 1000, lambda level: 0),
    "nothing, said to be something": tree(b"", 14, 1000, lambda level: 1),
    "a byte a leaf": tree(b"x", 3, 1000, lambda level: 1000**level),
    "sizes without end": tree(b"x", 2, 1000, lambda level: (1 << 62) - 1),
}.items():
    root = send(blocks)
    for offset in 0, 999, 1 << 40:
        status, said = ask(f"cat?arg={root}&offset={offset}&length=1000000")
        assert status in (200, 500) and len(said) < 1000000, (name, offset, status, len(said))
    print("-", name)

whole = tree(b"0123456789", 2, 10, lambda level: 10 * 10**level)
assert ask(f"cat?arg={send(whole)}&offset=95&length=10") == (200, b"5678901234")
root = send(tree(b"y" * 262144, 1, 100, lambda level: 262144))
assert ask(f"cat?arg={root}&offset=0&length={9 << 20}")[0] == 500, "an answer of any size"
assert len(ask(f"cat?arg={root}&offset=1&length={8 << 20}")[1]) == 8 << 20

# Many roots that lead to one tree: it is not walked again and again without end.
def node_of(cids, size=1):
    return b"".join(field(0x12, field(0x0A, c) + field(0x12, b"") + b"\x18" + varint(size)) for c in cids) + field(0x0A, b"\x08\x02")


leaves = [(cid(leaf, 0x55), leaf) for leaf in (b"%d" % i for i in range(2000))]
wide = [(cid(node, 0x70), node) for node in (node_of(c for c, _ in leaves[at : at + 1000]) for at in (0, 1000))]
roots = [(cid(node, 0x70), node) for node in (node_of([c for c, _ in wide], i + 1) for i in range(1024))]
status, said = give([c for c, _ in roots], leaves + wide + roots)
assert status == 500 and b"bigger than" in said, (status, said[:200])
status, said = give([c for c, _ in roots[:500]], leaves + wide + roots)
assert status == 200 and said.count(b'"PinErrorMsg":""') == 500, (status, said[:200])
