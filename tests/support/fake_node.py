#!/usr/bin/env python3
"""fake_node.py DIR [CERTIFICATE KEY]: IPFS nodes that do what a live one cannot be made to do, each behind its own socket DIR/NAME.sock.
`good` behaves: it keeps blocks as files, as Kubo's flatfs does, and is held against the same suite as a live node.  The others
break one thing each (see SCENES).  With a certificate, `good` also listens with TLS: DIR/port has the port.  DIR/ready: all listen."""
import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import select
import socket
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse

from car_varint import varint

DIR = sys.argv[1]
LOCK = threading.Lock()
LINE = threading.Lock()
PINS, KEPT = set(), pathlib.Path(DIR, "pins")	# a test that has made this file has them kept in it
TOKEN = "right"


class PinLock:
    """Kubo's: an import that pins holds it from before its first block until it has answered, and a collection waits for all of them.
    An import that comes while a collection waits stands behind it."""

    def __init__(self):
        self.turn, self.imports, self.collections = threading.Condition(), 0, 0

    @contextlib.contextmanager
    def pinning(self):
        with self.turn:
            self.turn.wait_for(lambda: not self.collections)
            self.imports += 1
        try:
            yield
        finally:
            with self.turn:
                self.imports -= 1
                self.turn.notify_all()

    @contextlib.contextmanager
    def collecting(self):
        with self.turn:
            self.collections += 1
            self.turn.wait_for(lambda: not self.imports)
        try:
            yield
        finally:
            with self.turn:
                self.collections -= 1
                self.turn.notify_all()


PIN_LOCK = PinLock()


# ---- Blocks ----

def cid_bytes(text):
    return base64.b32decode(text[1:].upper() + "=" * (-len(text[1:]) % 8))


def cid_text(cid):
    return "b" + base64.b32encode(cid).decode().lower().rstrip("=")


OTHER = cid_text(b"\x01\x55\x12\x20" + hashlib.sha256(b"other").digest())	# a record that nobody asked for


def block_file(cid):
    name = base64.b32encode(cid[2:]).decode().rstrip("=")
    return f"{DIR}/blocks/{name[-3:-1]}/{name}.data"


def read_block(cid):
    try:
        with open(block_file(cid), "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise Missing(cid)


def write_block(cid, data):
    os.makedirs(os.path.dirname(block_file(cid)), exist_ok=True)
    with open(block_file(cid), "wb") as file:
        file.write(data)


def keep_pins():
    return KEPT.exists() and KEPT.write_text(" ".join(map(cid_text, PINS)), encoding="ascii")


def collect():
    """Removes every block that no pin holds, and returns their files."""
    with LOCK:
        pins = set(PINS)
    seen = {}
    for pin in pins:
        with contextlib.suppress(Missing):
            walk(pin, seen)
    kept = {block_file(cid) for cid in seen}
    gone = [f"{path}/{name}" for path, _, names in os.walk(f"{DIR}/blocks") for name in names if f"{path}/{name}" not in kept]
    for file in gone:
        os.unlink(file)
    return gone


class Missing(Exception):
    def __str__(self):
        return "block was not found locally (offline): ipld: could not find " + cid_text(self.args[0])


def fields(data):
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
        yield tag >> 3, value


def links(cid):
    data = read_block(cid)
    return [] if cid[1] == 0x55 else [dict(fields(link))[1] for number, link in fields(data) if number == 2]


def walk(cid, seen):
    if cid not in seen:
        seen[cid] = len(read_block(cid))
        for link in links(cid):
            walk(link, seen)
    return seen


def leaves_of(cid):
    return [cid] if cid[1] == 0x55 else [leaf for link in links(cid) for leaf in leaves_of(link)]


# ---- CAR ----

def header_roots(data):
    """The roots of a DAG-CBOR header as emrfs writes it: every CID stands behind its tag."""
    return [data[m.end():m.end() + 36] for m in re.finditer(rb"\xd8\x2a\x58\x25\x00", data)]


def take_car(data):
    n, at = varint(data, 0)
    roots, at, count, size = header_roots(data[at:at + n]), at + n, 0, 0
    while at < len(data):
        n, at = varint(data, at)
        if at + n > len(data):
            raise ValueError('import failed after block "": unexpected EOF')
        cid, block = data[at:at + 36], data[at + 36:at + n]
        if hashlib.sha256(block).digest() != cid[4:]:
            raise ValueError('import failed after block "": mismatch in content integrity')
        write_block(cid, block)
        at, count, size = at + n, count + 1, size + len(block)
    return roots, count, size


# ---- One request ----

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scene = "good"
    pace = 0	# seconds for 4 KiB
    line = contextlib.nullcontext()	# held meanwhile

    def log_message(self, *_):
        pass

    def address_string(self):
        return "test"

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts, size = [], 0
            while True:
                n = int(self.rfile.readline(), 16)
                parts.append(self.rfile.read(n))
                self.rfile.readline()
                size += n
                self.passed(size)
                if n == 0:
                    return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def passed(self, size):
        """SIZE bytes of the body are here."""

    def file(self):
        """The one file of a multipart body."""
        body = self.body()
        boundary = b"--" + self.headers["Content-Type"].split("boundary=")[1].encode()
        begin = body.index(b"\r\n\r\n") + 4
        return body[begin:body.rindex(b"\r\n" + boundary)]

    def send(self, data, status=200, kind="application/json", trailer=None, declare=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if trailer is None:
            self.send_header("Content-Length", str(len(data) if declare is None else declare))
            self.end_headers()
            self.wfile.write(data)
        else:
            self.send_header("Trailer", "X-Stream-Error")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(data), 4096):
                piece = data[at:at + 4096]
                with self.line:
                    time.sleep(self.pace)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n" + (b"X-Stream-Error: " + trailer + b"\r\n" if trailer else b"") + b"\r\n")
        if declare is not None:
            self.close_connection = True

    def lines(self, *objects):
        self.send(b"".join(json.dumps(o).encode() + b"\n" for o in objects), trailer=b"")

    def error(self, message, status=500):
        self.send(json.dumps({"Message": message, "Code": 0, "Type": "error"}).encode() + b"\n", status)

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def do_DELETE(self):
        self.answer()

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.verb = url.path.removeprefix("/api/v0/")
        is_pinning = self.verb == "dag/import" and self.query.get("pin-roots") != "false"
        with PIN_LOCK.pinning() if is_pinning else contextlib.nullcontext():
            self.server.scene(self)

    # -- A node that behaves --

    def good(self):
        if self.verb.startswith("/ipfs/"):
            return self.gateway(self.verb[6:])
        if getattr(self.server, "needs_token", False) and self.headers.get("Authorization") != "Bearer " + TOKEN:
            self.body()
            return self.send(b"Kubo RPC Access Denied: Please provide a valid authorization token", 403, "text/plain")
        if "timeout" not in self.query or self.headers.get("Expect") or not self.headers["User-Agent"].startswith("emrfs/"):
            self.body()
            return self.error("a request that emrfs must not make: " + self.path)
        call = getattr(self, "on_" + self.verb.replace("/", "_"), None)
        if call is None:
            self.body()
            return self.send(b"404 page not found\n", 404, "text/plain")
        try:
            if self.verb != "dag/import":
                self.body()
            return call()
        except Missing as missing:
            if self.query.get("offline") != "true":
                time.sleep(float(self.query["timeout"].removesuffix("ms")) / 1000)
                return self.error("context deadline exceeded")
            return self.error(str(missing))
        except ValueError as wrong:
            return self.error(str(wrong))

    def gateway(self, cid):
        if cid == "bafkqaaa":
            return self.send(b"", kind="application/vnd.ipld.raw")
        if self.query.get("format") != "raw" or self.headers.get("Accept") != "application/vnd.ipld.raw":
            return self.send(b"not trustless", 406, "text/plain")
        try:
            return self.send(read_block(cid_bytes(cid)), kind="application/vnd.ipld.raw")
        except Missing as missing:
            return self.send(str(missing).encode(), 404, "text/plain")

    def on_version(self):
        """A file "store" makes it a host of emrfs, with that id of its blocks."""
        store = os.path.join(DIR, "store")
        own = {"Store": open(store).read()} if os.path.exists(store) else {}
        self.lines({"Version": "0.43.1", "Repo": "18"} | own)

    def on_block_get(self):
        self.send(read_block(cid_bytes(self.query["arg"])), kind="application/vnd.ipld.raw", trailer=b"")

    def on_cat(self):
        """What is there of it before the first block that lacks, with an error behind."""
        at, end, parts, error = int(self.query["offset"]), int(self.query["offset"]) + int(self.query["length"]), [], b""
        try:
            for leaf in leaves_of(cid_bytes(self.query["arg"])):
                parts.append(read_block(leaf))
        except Missing as missing:
            if sum(map(len, parts)) <= at:
                raise
            error = str(missing).encode()
        self.send(b"".join(parts)[at:end], kind="application/octet-stream", trailer=error)

    def on_dag_import(self):
        roots, count, size = take_car(self.file())
        said = []
        for root in roots[::-1] if self.query.get("pin-roots") != "false" else []:
            try:
                walk(root, {})
                error = ""
                with LOCK:
                    PINS.add(root)
                    keep_pins()
            except Missing:
                error = "context deadline exceeded"
            said.append({"Root": {"Cid": {"/": cid_text(root)}, "PinErrorMsg": error}})
        self.lines(*said, {"Stats": {"BlockCount": count, "BlockBytesCount": size}})

    def on_pin_ls(self):
        with LOCK:
            pins = set(PINS)
        if "arg" not in self.query:
            return self.lines(*({"Cid": c, "Type": "recursive"} for c in
                                [cid_text(p) for p in pins] + ["QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"]))
        if cid_bytes(self.query["arg"]) not in pins:
            raise ValueError(f"path '{self.query['arg']}' is not pinned")
        self.lines({"Keys": {self.query["arg"]: {"Type": "recursive", "Name": ""}}})

    def on_pin_rm(self):
        with LOCK:
            if cid_bytes(self.query["arg"]) not in PINS:
                raise ValueError("not pinned or pinned indirectly")
            PINS.remove(cid_bytes(self.query["arg"]))
            keep_pins()
        self.lines({"Pins": [self.query["arg"]]})

    def on_dag_stat(self):
        seen = walk(cid_bytes(self.query["arg"]), {})
        self.lines({"UniqueBlocks": len(seen), "DagStats": [{"Cid": self.query["arg"], "NumBlocks": len(seen)}]})

    def on_repo_gc(self):
        """`now`: beside what a node should wait for."""
        note("repo/gc")
        with contextlib.nullcontext() if "now" in self.query else PIN_LOCK.collecting():
            gone = collect()
        self.send(b"".join(json.dumps({"Key": {"/": name}}).encode() + b"\n" for name in gone), trailer=b"")

    # -- Nodes that do not --

    def import_lines(self, change):
        """A right answer to an import, changed by CHANGE(roots, stats)."""
        roots, count, size = take_car(self.file())
        said = [{"Root": {"Cid": {"/": cid_text(r)}, "PinErrorMsg": ""}} for r in roots]
        said, stats = change(said, {"Stats": {"BlockCount": count, "BlockBytesCount": size}})
        self.lines(*said, *([stats] if stats else []))


def status_scene(status, text, kind="text/plain", version=None):
    def scene(h):
        h.body()
        if h.verb == "version" and version:
            return h.lines({"Version": version})
        return h.send(text.encode(), status, kind)
    return scene


def body_scene(data, **how):
    def scene(h):
        h.body()
        h.send(data, **how)
    return scene


def import_scene(change):
    return lambda h: h.import_lines(change) if h.verb == "dag/import" else h.good()


def import_error(h, words):
    if h.verb != "dag/import":
        return h.good()
    h.body()
    return h.error(words)


def other_root(said, stats):
    said[0]["Root"]["Cid"]["/"] = OTHER
    return said, stats


def counted_wrong(said, stats):
    stats["Stats"]["BlockCount"] -= 1
    return said, stats


def not_pinned(said, stats, why="context deadline exceeded"):
    said[-1]["Root"]["PinErrorMsg"] = why
    return said, stats


def holding(pin=None, tree=None, blocks=1):
    """Says that it holds what it was asked for; or, where one is named, that it pinned, let go of, or looked into another record."""
    def scene(h):
        h.body()
        asked = h.query["arg"]
        h.lines({"pin/ls": {"Keys": {pin or asked: {"Type": "recursive"}}}, "pin/rm": {"Pins": [pin or asked]},
                 "dag/stat": {"DagStats": [{"Cid": tree or asked, "NumBlocks": blocks}]}}[h.verb])
    return scene


def byte_by_byte(h):
    roots, count, size = take_car(h.file())
    text = "".join(json.dumps(o) + "\n" for o in [{"Root": {"Cid": {"/": cid_text(r)}, "PinErrorMsg": ""}} for r in roots]
                   + [{"Stats": {"BlockCount": count, "BlockBytesCount": size}}])
    h.send_response(200)
    h.send_header("Content-Type", "application/json")
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    for byte in text.encode():
        h.wfile.write(b"1\r\n%c\r\n" % byte)
        h.wfile.flush()
    h.wfile.write(b"0\r\n\r\n")


def refuses_early(h):
    """Says no before the upload is over: whoever sends goes on when DIR/refused is there, and this hears nothing of it."""
    h.close_connection = True
    h.send(b'{"Message":"write /blocks/x: no space left on device","Code":0,"Type":"error"}\n', 500)
    with open(f"{DIR}/refused", "w", encoding="ascii"):
        pass
    while h.connection.recv(65536):	# until the other side, which has read why, goes away
        pass


def without_an_end(h, piece):
    """Until the other side goes away; DIR/taken: it listened to so much that it would have gone on."""
    try:
        for _ in range((64 << 20) // len(piece)):
            h.wfile.write(piece)
        with open(f"{DIR}/taken", "w", encoding="ascii"):
            pass
    except OSError:
        pass
    h.close_connection = True


def endless(piece, status=200):
    def scene(h):
        h.body()
        h.send_response(status)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        without_an_end(h, b"%x\r\n%s\r\n" % (len(piece), piece))
    return scene


def endless_headers(h):
    h.body()
    h.send_response(200)
    without_an_end(h, b"X-More: " + b"x" * 1000 + b"\r\n")


def endless_version(h):
    """Lets nobody do anything, and says its version without an end."""
    if h.verb == "version":
        return endless(bytes(65536))(h)
    return status_scene(403, "Kubo RPC Access Denied: Please provide a valid authorization token")(h)


def wants_the_right_token(h):
    if h.headers.get("Authorization") != "Bearer " + TOKEN:
        return status_scene(401, "who are you")(h)
    return h.good()


def hangs(h):
    h.body()
    h.rfile.read(1)	# until the other side goes away
    h.close_connection = True


def stands(h):
    """Takes nothing of the body; until the other side goes away."""
    gone = select.poll()
    gone.register(h.connection, select.POLLRDHUP)
    gone.poll()
    h.close_connection = True


def never_pins(h):
    """Takes all of an import, and comes to no end with pinning it."""
    if h.verb == "dag/import":
        return hangs(h)
    return h.good()


def lacks(h):
    h.body()
    h.error("block was not found locally (offline): ipld: could not find " + h.query["arg"])


def note(line, name="asked"):
    with LOCK, open(f"{DIR}/{name}", "a", encoding="ascii") as file:
        file.write(line + "\n")


def takes_ticket():
    """Whether DIR/one was there, which lets one request through."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{DIR}/one")
        return True
    return False


def gate(h):
    """Notes each request in DIR/asked, and answers as `good` once DIR/open is there, or DIR/one for this one.  DIR/passed: who stands
    at it no more."""
    if h.verb == "dag/import":	# all of it is here, whether or not the other side waits for the answer
        body = Handler.file(h)	# that of this request: a connection has several
        h.file = lambda: body
    note(h.path)
    while not os.path.exists(f"{DIR}/open") and not takes_ticket():
        time.sleep(0.01)
    note(h.path, "passed")
    h.good()


FALTERED = threading.Event()


def leaves(h):
    """Notes each request in DIR/asked, and answers as `good` but while DIR/away is there, or DIR/late: then its time is always over.
    DIR/falter: it hangs up, which is not noted, on who asks for a record, until it is asked for its version; it takes the file away then."""
    if h.verb == "dag/stat" and os.path.exists(f"{DIR}/falter"):
        FALTERED.set()
        return hangs_up(h)
    if h.verb == "version" and FALTERED.is_set():
        FALTERED.clear()
        os.unlink(f"{DIR}/falter")
    note(h.path)
    if os.path.exists(f"{DIR}/away"):
        hangs_up(h)
    elif os.path.exists(f"{DIR}/late"):
        h.body()
        h.error("context deadline exceeded")
    else:
        h.good()
    return None


def settings(h):
    """Notes each request in DIR/asked.  Its configuration says that it syncs its blocks, but not while DIR/unsynced is there; while DIR/mute
    is, it does not show it just now, while DIR/strange is, nobody can read it, and while DIR/hidden is, there is no such thing."""
    note(h.path)
    if h.verb != "config/show":
        return h.good()
    h.body()
    if os.path.exists(f"{DIR}/mute"):
        return h.send(b"later", 429, "text/plain")
    if os.path.exists(f"{DIR}/strange"):
        return h.send(HTML.encode(), 200, "text/html")
    if os.path.exists(f"{DIR}/hidden"):
        return h.send(b"404 page not found", 404, "text/plain")
    blocks = {"mountpoint": "/blocks", "type": "flatfs", "sync": not os.path.exists(f"{DIR}/unsynced")}
    return h.lines({"Datastore": {"Spec": {"mounts": [blocks]}}})


MAY_LOOK = threading.Event()


def breaks(h):
    """While DIR/breaks is there it looks into one record after each time that it was asked for its version, and hangs up at the next."""
    if h.verb == "version":
        MAY_LOOK.set()
    elif h.verb == "dag/stat" and os.path.exists(f"{DIR}/breaks"):
        if not MAY_LOOK.is_set():
            return hangs_up(h)
        MAY_LOOK.clear()
    return h.good()


def windowed(change):
    """Notes each request in DIR/asked, and answers as `good`, but to who asks for several leaves at a time: CHANGE(h, data), DATA being what is right."""
    def scene(h):
        note(h.path)
        if h.verb != "cat":
            return h.good()
        h.body()
        at = int(h.query["offset"])
        data = b"".join(read_block(leaf) for leaf in leaves_of(cid_bytes(h.query["arg"])))
        return change(h, data[at:at + int(h.query["length"])])
    return scene


def then_still(h, data):
    """DATA, and nothing more until the other side goes away."""
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    h.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    h.wfile.flush()
    while h.connection.recv(65536):
        pass
    h.close_connection = True


def slowly(h, data):
    """A thousand bytes of it every third of a second."""
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    for at in range(0, len(data), 1000):
        piece = data[at:at + 1000]
        h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        h.wfile.flush()
        time.sleep(0.3)
    h.wfile.write(b"0\r\n\r\n")


def plodding(h):
    """Whatever it gives comes slowly."""
    if h.verb != "cat":
        time.sleep(0.3)
    windowed(slowly)(h)


def then_endless(h, data):
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    h.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    without_an_end(h, b"10000\r\n" + b"x" * 65536 + b"\r\n")


def seeks(h):
    """Has nothing itself, and finds at others what `good` has; notes each request in DIR/asked."""
    note(h.path)
    if h.query.get("offline") == "true":
        lacks(h)
    else:
        h.good()


def slow(h):
    """As a line of 100 KB/s with half a second to each answer."""
    time.sleep(0.5)
    h.pace = 0.04
    h.good()


def narrow(h):
    """As a line of 80 KB/s that all who ask at a time share."""
    h.pace, h.line = 0.05, LINE
    h.good()


def long_header(h):
    if h.verb == "version":
        return h.good()
    if h.verb == "dag/import":
        Handler.file(h)
    h.send_response(200)
    h.send_header("X-Long", "x" * 150000)
    h.end_headers()


def picky(h):
    """Keeps no import in which it finds a word, until DIR/cured is there."""
    if h.verb == "dag/import":
        body = Handler.file(h)	# that of this request: a connection has several
        if b"poison" in body and not os.path.exists(f"{DIR}/cured"):
            return h.error("something broke")
        h.file = lambda: body
    return h.good()


def limited(h):
    """Behind a proxy that takes 70 MiB; notes each import."""
    if h.verb == "dag/import":
        body = Handler.file(h)	# that of this request: a connection has several
        is_fine = len(body) <= 70 << 20
        note(f"import of {len(body)} bytes{'' if is_fine else ', too large'}")
        if not is_fine:
            return h.send(HTML.encode(), 413, "text/html")
        h.file = lambda: body
    return h.good()


def fills(h):
    """Takes no import while DIR/full is there."""
    if h.verb == "dag/import" and os.path.exists(f"{DIR}/full"):
        h.body()
        return h.error(FULL)
    return h.good()


def rotten(h):
    """Cannot say what it has of a record, or let go of one, in which it finds a word."""
    word = {"dag/stat": b"rotten", "pin/rm": b"rooted"}.get(h.verb)
    if word and any(word in read_block(cid) for cid in walk(cid_bytes(h.query["arg"]), {})):
        h.body()
        return h.error("something broke")
    return h.good()


# ---- An IPFS Cluster of three peers ----

PEERS = {f"12D3KooWPeer{n}": f"12D3KooWNode{n}" for n in (1, 2, 3)}
CLUSTER = {}	# what it is to pin: how often it was looked at, and by how many peers
LOGINS = ("Bearer " + TOKEN, "Basic " + base64.b64encode(b"emrfs:right").decode())


def pin_info(cid, statuses, nodes=None):
    nodes = nodes or list(PEERS.values())
    return {"cid": cid, "name": "", "allocations": [], "origins": [], "created": "2026-11-22T00:00:00Z", "metadata": None,
            "peer_map": {peer: {"peername": peer[-5:], "ipfs_peer_id": node, "ipfs_peer_addresses": [], "status": status, "timestamp": "2026-11-22T00:00:00Z",
                                "error": "it is broken" if status == "pin_error" else "", "attempt_count": 0, "priority_pin": False}
                         for peer, node, status in zip(PEERS, nodes, statuses)}}


def usual_statuses(looks, copies):
    return (["pinning" if looks < 2 else "pinned"] * copies + ["remote"] * 3)[:3]


def gated_statuses(_, copies):
    return usual_statuses(2 if os.path.exists(f"{DIR}/open") else 0, copies)


def cluster(statuses=usual_statuses, peers=3, login=False, other=False, nodes=None, needs_block=False):
    """An IPFS Cluster; STATUSES(looks, copies): what its peers say of what it is to pin.  NEEDS_BLOCK: who finds the root nowhere cannot."""
    def scene(h):
        h.body()
        note(f"{h.command} {h.path}")
        if login and h.headers.get("Authorization") not in LOGINS:
            return h.send(b'{"code":401,"message":"Unauthorized"}\n', 401)
        if h.verb == "/version":
            return h.lines({"version": "1.1.6"})
        if not h.verb.startswith("/pins/"):
            return h.send(b'{"code":404,"message":"not found"}\n', 404)
        cid = h.verb.removeprefix("/pins/")
        answered = OTHER if other else cid
        with LOCK:
            if h.command == "POST":
                if int(h.query["replication-min"]) > peers:
                    return h.send(json.dumps({"code": 500, "message": f"not enough peers to allocate CID. Needed at least: {h.query['replication-min']}"
                                              f". Wanted at most: {h.query['replication-max']}. Valid candidates: {peers}."}).encode(), 500)
                CLUSTER[cid] = [0, min(int(h.query["replication-max"]), peers)]
            elif h.command == "DELETE":
                if CLUSTER.pop(cid, None) is None:
                    return h.send(b'{"code":404,"message":"pin is not part of the pinset"}\n', 404)
            else:
                known = CLUSTER.get(cid)
                if known:
                    known[0] += 1
                said = statuses(*known) if known else ["unpinned"] * 3
                if known and needs_block and not os.path.exists(block_file(cid_bytes(cid))):
                    said = ["pin_error"] * known[1] + ["remote"] * (3 - known[1])
                return h.lines(pin_info(answered, said, nodes))
        h.lines({"replication_factor_min": 2, "replication_factor_max": 2, "name": "", "cid": answered, "type": 2, "allocations": [], "max_depth": -1})
    return scene


def beside(scene):
    """Takes an import that is pinned, and does with one that is not what SCENE does.  Of the first one only so much is taken before the
    second has come that there is something left for that one, however long it takes to begin."""
    second_is_here = threading.Event()

    def answer(h):
        if h.verb == "dag/import" and h.query["pin-roots"] == "false":
            second_is_here.set()
            return scene(h)
        h.passed = lambda size: size < 16 << 20 or second_is_here.wait()
        return h.good()
    return answer


def hangs_up(h):
    h.body()
    h.close_connection = True


def between(h):
    """Stands still between the two imports of a large push until DIR/open: the blocks of the second are here, and no pin holds them.
    While DIR/killed is there it answers nobody any more, and pins nothing."""
    is_second = h.verb == "dag/import" and h.query["pin-roots"] == "false"
    if is_second:
        said = take_car(h.file())[1:]
        note("the second is here")
        while not os.path.exists(f"{DIR}/open"):
            time.sleep(0.01)
    if os.path.exists(f"{DIR}/killed"):
        h.connection.shutdown(socket.SHUT_RDWR)
        h.close_connection = True
    elif is_second:
        h.lines({"Stats": {"BlockCount": said[0], "BlockBytesCount": said[1]}})
    else:
        h.good()


def no_http(h):
    h.wfile.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    h.close_connection = True


def error_json(message, code=0):
    return json.dumps({"Message": message, "Code": code, "Type": "error"})


# As a Kubo says it: why stands behind the name of a file, which may be long.
FULL = 'import failed at block "bafk": committing batch to datastore at /blocks: failed to write to temp file: write /' + "deep/" * 100 + ": no space left on device"
HTML = "<!DOCTYPE html><html><body>Welcome</body></html>"
SCENES = {
    "good": Handler.good,
    "trailer": body_scene(b"half", trailer=b"unexpected EOF"),
    "trailer-full": body_scene(b"half", trailer=FULL.encode()),
    "short": body_scene(b"half", declare=1000),
    "empty": body_scene(b""),
    "in-band": body_scene(b'{"Ref":"","Err":"failed to fetch all nodes"}\n'),
    "in-band-message": body_scene(error_json("no space left on device").encode()),
    "html": body_scene(HTML.encode(), kind="text/html"),
    "long-header": long_header,
    "cut-json": body_scene(b'{"Root":{"Cid":'),
    "long-line": body_scene(b"x" * 1000000),
    "wrong-bytes": body_scene(b"other bytes", kind="application/vnd.ipld.raw"),
    "three-mib": body_scene(bytes(3 << 20), kind="application/vnd.ipld.raw"),
    "endless": endless(bytes(65536)),
    "window": windowed(lambda h, data: h.send(data, trailer=b"")),
    "window-short": windowed(lambda h, data: h.send(data[:1500], trailer=b"")),
    "window-cut": windowed(lambda h, data: h.send(data[:1500], declare=len(data))),
    "window-error": windowed(lambda h, data: h.send(data[:1500], trailer=b"unexpected EOF")),
    "window-long": windowed(lambda h, data: h.send(data + b"more", trailer=b"")),
    "window-wrong": windowed(lambda h, data: h.send(data[:1000] + bytes(1) + data[1001:], trailer=b"")),
    "window-still": windowed(lambda h, data: then_still(h, data[:1500])),
    "window-slow": plodding,
    "window-endless": windowed(lambda h, data: then_endless(h, data[:1500])),
    "window-refused": windowed(lambda h, data: h.send(b"Kubo RPC Access Denied: no", 403, "text/plain")),
    "endless-lines": endless(b"\n" * 65536),
    "endless-pins": endless(json.dumps({"Cid": "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", "Type": "recursive"}).encode() + b"\n"),
    "endless-error": endless(b"x" * 65536, 500),
    "endless-headers": endless_headers,
    "endless-version": endless_version,
    "other-pin": holding(pin=OTHER),
    "other-tree": holding(tree=OTHER),
    "tree-of-nothing": holding(blocks=0),
    "lacks": lacks,
    "never-pins": never_pins,
    "gate": gate,
    "leaves": leaves,
    "settings": settings,
    "breaks": breaks,
    "no-pin": body_scene(b"", trailer=b""),
    "seeks": seeks,
    "slow": slow,
    "narrow": narrow,
    "picky": picky,
    "fills": fills,
    "rotten": rotten,
    "limited": limited,
    "hangs": hangs,
    "hangs-up": hangs_up,
    "stands": stands,
    "between": between,
    "cluster": cluster(),
    "cluster-gate": cluster(gated_statuses),
    "cluster-login": cluster(login=True),
    "cluster-never": cluster(lambda looks, copies: ["pinning"] * copies + ["remote"] * (3 - copies)),
    "cluster-behind": cluster(lambda looks, copies: ["pinned", "pinned" if looks >= 3 else "unpinned", "remote"]),
    "cluster-fails": cluster(lambda looks, copies: ["pinned", "pin_error", "remote"]),
    "cluster-lost": cluster(lambda looks, copies: ["pinned", "cluster_error", "unpinned"]),
    "cluster-few": cluster(peers=1),
    "cluster-empty": cluster(needs_block=True),
    "cluster-other": cluster(other=True),
    "cluster-one-node": cluster(lambda looks, copies: ["pinned"] * 3, nodes=list(PEERS.values())[:1] * 3),
    "cluster-no-map": body_scene(b'{"cid":"x","peer_map":[]}\n'),
    "no-http": no_http,
    "refuses-early": refuses_early,
    "byte-by-byte": byte_by_byte,
    "root-missing": import_scene(lambda said, stats: (said[1:], stats)),
    "root-twice": import_scene(lambda said, stats: (said + said[:1], stats)),
    "root-other": import_scene(other_root),
    "stats-missing": import_scene(lambda said, stats: (said, None)),
    "stats-wrong": import_scene(counted_wrong),
    "not-pinned": import_scene(not_pinned),
    "full-for-pins": import_scene(lambda said, stats: not_pinned(said, stats, FULL)),
    "bad-car": lambda h: import_error(h, 'import failed after block "bafk": mismatch in content integrity'),
    "unauthorized": status_scene(401, "who are you"),
    "right-token": wants_the_right_token,
    "token": status_scene(403, "Kubo RPC Access Denied: Please provide a valid authorization token"),
    "not-allowed": status_scene(403, "Kubo RPC Access Denied: Please provide a valid authorization token", version="0.43.1"),
    "not-found": status_scene(404, "404 page not found"),
    "conflict": status_scene(409, "not now"),
    "too-large": status_scene(413, HTML, "text/html"),
    "busy": status_scene(429, "later"),
    "error": status_scene(500, error_json("something broke"), "application/json"),
    "full": status_scene(500, error_json("write /blocks/x: no space left on device"), "application/json"),
    "full-deep": status_scene(500, error_json(FULL), "application/json"),
    "full-text": status_scene(500, FULL),
    "error-html": status_scene(500, HTML, "text/html"),
    "unavailable": status_scene(502, HTML, "text/html"),
    "overloaded": status_scene(503, "upstream", "text/plain"),
    "redirect": status_scene(302, ""),
    "old": status_scene(404, "404 page not found", version="0.39.0"),
    "newer": status_scene(404, "404 page not found", version="0.44.0-dev"),
    "strange-version": status_scene(404, "404 page not found", version="\x1b[2Jx"),
}
SCENES |= {"beside-" + name: beside(SCENES[name]) for name in ("full", "hangs-up", "hangs", "stands", "empty", "stats-wrong")}


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):	# the other side went away, which is what some tests do
        pass


class TlsServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    needs_token = True

    def handle_error(self, *_):
        pass


def main():
    PINS.update(map(cid_bytes, KEPT.read_text(encoding="ascii").split() if KEPT.exists() else ()))
    for name, scene in SCENES.items():
        server = UnixServer(f"{DIR}/{name}.sock", Handler)
        server.scene = scene
        threading.Thread(target=server.serve_forever, daemon=True).start()
    if len(sys.argv) > 2:
        server = TlsServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.scene = Handler.good
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open(f"{DIR}/port", "w", encoding="ascii") as file:
            file.write(str(server.server_address[1]))
    with open(f"{DIR}/ready", "w", encoding="ascii"):
        pass
    threading.Event().wait()


main()
