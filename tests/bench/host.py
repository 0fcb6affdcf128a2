"""The rows of a host: the costs of a network that one computer serves.

Two scenes (sharing_scene.py).  One is a network that is a directory of one person, who saves in a folder of the same name.  In the other that
person serves it, and a patient and a doctor joined over HTTPS.  All are on one computer, the host in a network namespace of its own behind a
link of 1 Gb/s.
"""
import base64
import contextlib
import glob
import hashlib
import hmac
import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import time

from filesystems import Failed, drop_caches
from sharing_scene import Scene, until

SAVES = 9
READS = 3
SMALL = 64 << 10
LULL_S = 2  # another save within a second waits for a second
LINK = "1gbit"
HERE, THERE = "198.51.100.1", "198.51.100.2"  # of no network (RFC 5737)


class Link:
    """A network namespace, and how it is reached."""

    def __init__(self):
        self.name = f"emrfs{os.getpid()}"
        self.inside = ["ip", "netns", "exec", self.name]

    def begin(self):
        here, there = self.name + "a", self.name + "b"
        for words in (f"ip netns add {self.name}", f"ip link add {here} type veth peer name {there} netns {self.name}",
                      f"ip addr add {HERE}/30 dev {here}", f"ip link set {here} up"):
            subprocess.run(words.split(), check=True)
        for words in (f"ip addr add {THERE}/30 dev {there}", f"ip link set {there} up",
                      f"tc qdisc add dev {there} root tbf rate {LINK} burst 512k latency 50ms"):
            subprocess.run([*self.inside, *words.split()], check=True)

    def end(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class Alone(Scene):
    """A network that is a directory, and the only person in it."""

    def __init__(self, bed, data, name="alone"):
        super().__init__(os.path.join(os.path.dirname(bed.back), name), data.emrfs, bed.secrets["secret"], bed.fb_path)
        self.owner = self.person("lucas")

    def begin(self):
        self.owner.end(self.found("lucas", "São Lucas"))
        self.imaging()

    def imaging(self):
        self.owner.open_folder()
        os.mkdir(self.owner.path("Imaging"))
        save(self.owner.path("Imaging", "first"), b"first")
        self.owner.settled()

    def end(self):
        super().end()
        shutil.rmtree(self.dir, ignore_errors=True)


class Practice(Alone):
    """A host, a patient and a doctor who have a shared folder."""

    def __init__(self, bed, data):
        super().__init__(bed, data, "hosted")
        self.link = Link()
        self.owner, self.lima = self.person("ana"), self.person("lima")

    def serve(self):
        self.link.begin()
        self.person("lucas").before = self.link.inside
        super().serve(THERE + ":7443")
        self.person("lucas").before = []

    def begin(self):
        Scene.begin(self)
        self.lima.open_folder()
        self.imaging()
        self.owner.run("share", "Imaging", "with", "lima", "--yes", "--wait")
        self.opened("first", b"first")

    def end(self):
        super().end()
        self.link.end()

    def seen(self, name):
        return glob.glob(os.path.join(self.lima.path("shared-with-me"), "ana", "Imaging", name))

    def opened(self, name, content):
        """The seconds from when the doctor sees it until she has read it."""
        until(lambda: self.seen(name), f"the doctor sees {name}")

        def reads():
            try:
                with open(self.seen(name)[0], "rb") as file:
                    return file.read() == content
            except OSError:
                return False

        return until(reads, f"the doctor reads {name}")

    def token(self):
        """Of some member, as the host gives them: this program has the host's secret."""
        with open(os.path.join(self.net, "host/secret"), "rb") as file:
            secret = file.read()
        with contextlib.closing(sqlite3.connect(os.path.join(self.net, "ledger/ledger.sqlite"))) as ledger:
            (key,) = ledger.execute("SELECT key FROM state WHERE key LIKE 'K/%' LIMIT 1").fetchone()
        said = bytes.fromhex(key[2:]) + (int(time.time()) + 3600).to_bytes(8, "little")
        return base64.urlsafe_b64encode(said + hmac.digest(secret, said, hashlib.sha256)).decode().rstrip("=")

    def curl(self, cid, token):
        """The seconds in which curl gets all of it; None: the host has not got all of it."""
        began = time.monotonic()
        done = subprocess.run(["curl", "-skf", "-o", "/dev/null", "-H", "Authorization: Bearer " + token,
                               f"https://{self.address}/ipfs/{cid}?format=car"], check=False)
        return time.monotonic() - began if done.returncode == 0 else None


def save(path, content):
    with open(path, "xb", buffering=0) as file:
        file.write(content)
        os.fsync(file.fileno())


def state(path):
    return os.getxattr(path, "user.emrfs.state")


def saving(scene, then=lambda name, content: None):
    """The median of the seconds until a record of 64 KiB is on the ledger; what is done with each then."""
    took = []
    for i in range(SAVES):
        name, content = f"record {i}", random.randbytes(SMALL)
        path = scene.owner.path("Imaging", name)
        time.sleep(LULL_S)
        save(path, content)
        took.append(until(lambda path=path: state(path).startswith(b"confirmed"), name))
        then(name, content)
    return statistics.median(took)


def alone(scene, _data):
    yield "host_save_dir", saving(scene)


def practice(scene, data):
    first, got = [], []

    def read(name, content):
        first.append(scene.opened(name, content))
        got.append(scene.curl(os.getxattr(scene.owner.path("Imaging", name), "user.emrfs.cid").decode(), scene.token()))

    yield "host_save", saving(scene, read)
    yield "host_open", statistics.median(first)
    yield "host_open_curl", statistics.median(got)
    yield from large(scene, data)


def large(scene, data):
    """200 MB of another's, cold at the host and at the reader, beside curl."""
    for i in range(READS):
        name, content = f"large {i}", random.randbytes(data.big_bytes)
        save(scene.owner.path("Imaging", name), content)
        scene.owner.settled()
        cid, token = os.getxattr(scene.owner.path("Imaging", name), "user.emrfs.cid").decode(), scene.token()
        until(lambda cid=cid, token=token: scene.curl(cid, token), "all of it is at the host")
        until(lambda name=name: scene.seen(name), name)
        drop_caches()
        yield "host_curl", scene.curl(cid, token)
        drop_caches()
        began = time.monotonic()
        with open(scene.seen(name)[0], "rb", buffering=0) as file:
            got = file.read(1 << 20)
            yield "host_first_byte", time.monotonic() - began
            pieces = [got, *iter(lambda file=file: file.read(1 << 20), b"")]
        yield "host_read", time.monotonic() - began
        if b"".join(pieces) != content:
            raise Failed(f"{name} is read otherwise")


def registrations(data, row, *words):
    built = os.path.dirname(os.path.dirname(data.emrfs))
    done = subprocess.run([os.path.join(built, "tests/bench/bench_ledger"), "11400", *words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    found = re.search(r"at once, a record each time: (\d+) a second", done.stdout)
    if done.returncode != 0 or found is None:
        raise Failed(f"bench_ledger: {done.stdout[-300:]}{done.stderr[-300:]}")
    yield row, float(found.group(1))


def host(bed, data, _is_first):
    if bed.name != "emrfs":
        return
    yield from registrations(data, "host_reg_dir")
    yield from registrations(data, "host_reg", "served")
    for scene, rows in ((Alone(bed, data), alone), (Practice(bed, data), practice)):
        try:
            scene.begin()
            yield from rows(scene, data)
        finally:
            scene.end()
