#!/usr/bin/env python3
"""node_car.py NODE_HOST: reads the CAR files of a host as a client that knows nothing of emrfs (specs.ipfs.tech, trustless gateway)."""
import hashlib
import http.client
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from car_walk import put_varint, text_of  # noqa: E402  pylint: disable=wrong-import-position

RAW, DAG_PB = 0x55, 0x70
MOST = 3 << 20  # bytes of a CAR


def cid_of(codec, block):
    return bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(block).digest()


def field(number, content):
    return bytes([number << 3 | 2]) + put_varint(len(content)) + content


def node_of(cids):
    """A dag-pb node that links to them."""
    links = b"".join(field(2, field(1, cid) + field(2, b"") + b"\x18" + put_varint(1)) for cid in cids)
    return links + field(1, b"\x08\x02")


def section(cid, block):
    return put_varint(len(cid) + len(block)) + cid + block


def car_of(root, blocks):
    head = b"\xa2eroots\x81\xd8*X%\x00" + root + b"gversion\x01"
    return put_varint(len(head)) + head + b"".join(section(cid, block) for cid, block in blocks)


class Socket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("host", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def ask(path, where, accept=None):
    """Status, headers, and the bytes; None: the answer broke off."""
    line = Socket(path)
    line.request("GET", where, headers={"Accept": accept} if accept else {})
    answer = line.getresponse()
    try:
        return answer.status, answer.headers, answer.read()
    except http.client.IncompleteRead:
        return answer.status, answer.headers, None


def give(path, car, query=""):
    line = Socket(path)
    boundary = b"--------boundary"
    body = (b"--" + boundary + b'\r\nContent-Disposition: form-data; name="file"; filename="car"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n" + car + b"\r\n--" + boundary + b"--\r\n")
    line.request("POST", "/api/v0/dag/import" + query, body, {"Content-Type": "multipart/form-data; boundary=" + boundary.decode()})
    answer = line.getresponse()
    said = answer.read()
    assert answer.status == 200, said


def look(path):
    maker = random.Random(7)
    leaves = [maker.randbytes(300000), maker.randbytes(1), maker.randbytes(262144)]
    leaf_cids = [cid_of(RAW, leaf) for leaf in leaves]
    inner = node_of([leaf_cids[1], leaf_cids[2]])
    root = node_of([leaf_cids[0], cid_of(DAG_PB, inner), leaf_cids[0]])
    root_cid, inner_cid = cid_of(DAG_PB, root), cid_of(DAG_PB, inner)
    first = (leaf_cids[0], leaves[0])  # it is linked to twice, and comes once
    blocks = [(root_cid, root), first, (inner_cid, inner), *zip(leaf_cids[1:], leaves[1:])]
    give(path, car_of(root_cid, blocks))
    where = "/ipfs/" + text_of(root_cid)

    status, headers, car = ask(path, where + "?format=car")
    assert status == 200 and car == car_of(root_cid, blocks), "not the whole DAG, depth first"
    kind = headers["Content-Type"]
    assert kind == "application/vnd.ipld.car; version=1; order=dfs; dups=n", kind
    assert headers["Content-Disposition"].startswith("attachment")
    assert ask(path, where, "application/vnd.ipld.car; order=dfs")[2] == car, "Accept is not heard"
    assert ask(path, where + "?format=car&dag-scope=all")[2] == car
    assert ask(path, where + "?format=car&dag-scope=block")[2] == car_of(root_cid, blocks[:1])
    assert ask(path, where + "?format=car&dag-scope=some")[0] == 400
    assert ask(path, where + "?format=tar")[0] == 406 and ask(path, where)[0] == 406
    assert ask(path, "/ipfs/nothing?format=car")[0] == 400
    assert ask(path, "/ipfs/" + text_of(leaf_cids[1]) + "?format=car")[2] == car_of(leaf_cids[1], [blocks[3]])
    assert ask(path, "/ipfs/" + text_of(cid_of(RAW, b"nobody has it")) + "?format=car")[0] == 404

    torn = node_of([leaf_cids[0], cid_of(RAW, b"nobody has it"), leaf_cids[1]])
    give(path, car_of(cid_of(DAG_PB, torn), [(cid_of(DAG_PB, torn), torn)]), "?pin-roots=false")
    assert ask(path, "/ipfs/" + text_of(cid_of(DAG_PB, torn)) + "?format=car")[0] == 404, "a CAR that is not whole"

    # A few blocks that lead to one leaf by 1,000 ** 15 ways.
    tower, tower_cid = [first], first[0]
    for _ in range(15):
        node = node_of([tower_cid] * 1000)
        tower_cid = cid_of(DAG_PB, node)
        tower.insert(0, (tower_cid, node))
    give(path, car_of(tower_cid, tower))
    status, _, car = ask(path, "/ipfs/" + text_of(tower_cid) + "?format=car")
    assert status == 200 and car == car_of(tower_cid, tower), "each block once"
    for _ in range(2):
        node = node_of([tower_cid])
        tower_cid = cid_of(DAG_PB, node)
        give(path, car_of(tower_cid, [(tower_cid, node)]), "?pin-roots=false")
    assert ask(path, "/ipfs/" + text_of(tower_cid) + "?format=car")[0] == 500, "a tree of any depth"

    # More than a CAR may have.
    many = [maker.randbytes(1 << 20) for _ in range(3)]
    for leaf in many:
        give(path, car_of(cid_of(RAW, leaf), [(cid_of(RAW, leaf), leaf)]))
    node = node_of([cid_of(RAW, leaf) for leaf in many])
    give(path, car_of(cid_of(DAG_PB, node), [(cid_of(DAG_PB, node), node)]))
    assert ask(path, "/ipfs/" + text_of(cid_of(DAG_PB, node)) + "?format=car")[0] == 413, "an answer without a bound"


def main():
    with tempfile.TemporaryDirectory() as directory:
        with subprocess.Popen([sys.argv[1], directory, str(MOST)]) as host:
            try:
                while not os.path.exists(directory + "/ready"):
                    assert host.poll() is None, "it does not start"
                    time.sleep(0.01)
                look(directory + "/host.sock")
            finally:
                host.terminate()
    print("all is well")


main()
