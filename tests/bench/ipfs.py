"""The rows of IPFS: emrfs gives blocks to nodes and reads from them, beside `ipfs` itself with as many bytes on the same nodes.

The nodes are those of examples/network/ipfs: private, with synced blocks, on the disk that is measured.  The second
one has nothing of what the first one has; `ipfs` itself gives to the third one what emrfs gives to the first.  Content is random, as sealed blocks are, and new
for each measurement, so that nothing is there already.
"""
import base64
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

from filesystems import Failed, drop_caches
from sharing_scene import Person, until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from car_varint import varint  # noqa: E402 pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
NETWORK = os.path.join(TOP, "examples/network/ipfs")
TAKE_BLOCKS = os.path.join(TOP, "tests/support/take_blocks.py")
ADD = ("add", "-q", "--pin=true", "--cid-version=1", "--raw-leaves", "--chunker=size-262400", "--max-file-links=1024",
       "--hash=sha2-256", "--trickle=false", "--progress=false")
SMALL_BYTES = 65536
SAVES = 200


class Nodes:
    """Also the scene of persons: where their homes are, and which program they run."""

    def __init__(self, bed, data):
        self.dir = os.path.join(os.path.dirname(bed.back), "ipfs")
        self.net = os.path.join(self.dir, "net")
        self.emrfs, self.secret, self.rounds = data.emrfs, bed.secrets["secret"], 0
        self.large, self.small = (20 << 20, 200) if data.quick else (200 * 1000 * 1000, 2000)
        self.larger = self.large * 5 // 2
        os.makedirs(self.dir, mode=0o700)
        self.kubo = self.network("build").strip()
        self.network("up")

    def network(self, verb):
        command = [NETWORK, verb] + ([self.net] if verb != "build" else [])
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def ipfs(self, node, *words, to=None):
        """Its own program asks NODE; the seconds, and what it said."""
        began = time.monotonic()
        done = subprocess.run([self.kubo, *words], stdin=subprocess.DEVNULL, stdout=to or subprocess.PIPE,
                              stderr=subprocess.PIPE, env=dict(os.environ, IPFS_PATH=f"{self.net}/{node}"), check=False)
        seconds = time.monotonic() - began
        if done.returncode != 0:
            raise Failed(f"ipfs {words[0]}: {done.stderr.decode(errors='replace').strip()}")
        return seconds, (done.stdout or b"").decode().split()

    def address(self, node):
        return f"unix:{self.net}/{node}/api.sock"

    def end(self):
        self.network("down")
        shutil.rmtree(self.dir, ignore_errors=True)


def random_file(path, size):
    with open(path, "wb") as file:
        for at in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - at)))
        os.fsync(file.fileno())


def random_tree(directory, count):
    os.makedirs(directory)
    for i in range(count):
        random_file(os.path.join(directory, str(i)), SMALL_BYTES)
    return [os.path.join(directory, str(i)) for i in range(count)]


def settings(person, *lines):
    with open(os.path.join(person.home, "settings"), "w", encoding="ascii") as file:
        file.write("\n".join(("kdf = 8,1", "notify = none") + lines) + "\n")


def state(path):
    return os.getxattr(path, "user.emrfs.state").decode()


def read_all(path):
    began = time.monotonic()
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    return time.monotonic() - began


def number(value):
    """As a varint."""
    return bytes([value & 127 | 128]) + number(value >> 7) if value > 127 else bytes([value])


def name_roots(car, paths):
    """The file CAR, of one root above all, gets the records themselves as roots: so a node pins each, as it does with what emrfs sends."""
    with open(car, "rb") as file:
        data = file.read()
    cids = [os.getxattr(path, "user.emrfs.cid").decode() for path in paths]
    roots = b"".join(b"\xd8\x2a\x58\x25\x00" + base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8)) for cid in cids)
    header = b"\xa2eroots\x99" + len(cids).to_bytes(2, "big") + roots + b"gversion\x01"
    length, at = varint(data, 0)
    with open(car, "wb") as file:
        file.write(number(len(header)) + header + data[at + length:])


def imported(scene, person, path, paths):
    """The seconds in which `ipfs` has the third node take and pin what emrfs gives to the first: PATHS, all that is in PATH."""
    car = scene.dir + "/given.car"
    person.run("export", path, car)
    name_roots(car, paths)
    drop_caches()
    seconds = scene.ipfs(3, "dag", "import", car)[0]
    os.remove(car)
    return seconds


def given(scene, person, paths):
    """The seconds until a node has all of it that the ledger had before.  The node stands still until the clock begins: sending begins with the folder,
    before whoever opens it hears that it is open.  It had no time to answer in by then, and is asked at once when it goes on."""
    person.close()
    settings(person, "node = " + scene.address(1))
    with open(f"{scene.net}/1.pid", encoding="ascii") as file:
        node = int(file.read().split()[0])
    os.kill(node, signal.SIGSTOP)
    try:
        person.open_folder()
        drop_caches()
    finally:
        began = time.monotonic()
        os.kill(node, signal.SIGCONT)
    try:
        person.run("copies", "--repair")
    except Failed:  # says that there are fewer copies than wanted
        pass
    for path in paths:
        until(lambda path=path: state(path) == "confirmed 2/2", path + " on the node")
    return time.monotonic() - began


def publishing(scene, person, source):
    """SOURCE is the file that `ipfs add` gives; as much of one's own, in a folder that had no node."""
    drop_caches()
    added = scene.ipfs(1, *ADD, source)[0]
    yield "ipfs_add_large", added
    person.open_folder()
    random_file(person.path("large"), scene.large)
    person.settled()
    yield "ipfs_import_large", imported(scene, person, "large", [person.path("large")])
    seconds = given(scene, person, [person.path("large")])
    yield "ipfs_publish_large", seconds
    yield "ipfs_publish_large_share", seconds / added


def publishing_many(scene, person):
    many = random_tree(scene.dir + "/many", scene.small)
    drop_caches()
    added = scene.ipfs(1, *ADD, *many)[0]
    yield "ipfs_add_many", added
    person.close()
    settings(person)
    person.open_folder()
    paths = random_tree(person.path("many"), scene.small)
    person.settled()
    yield "ipfs_import_many", imported(scene, person, "many", paths)
    seconds = given(scene, person, paths)
    yield "ipfs_publish_many", seconds
    yield "ipfs_publish_many_share", seconds / added


def only_on_nodes(scene, person, node, name="large"):
    """The blocks of the file NAME are here no longer, and nothing of it was read before; NODE is asked for them."""
    car = scene.dir + "/large.car"
    person.run("export", name, car)
    person.close()
    subprocess.run([sys.executable, TAKE_BLOCKS, person.home + "/state/blocks", car], check=True, stdout=subprocess.DEVNULL)
    os.remove(car)
    ask(scene, person, node)


def ask(scene, person, node):
    person.close()
    with contextlib.suppress(FileNotFoundError):
        # Not removed: for minutes afterwards ext4 looks at each inode that became free before it gives a new file another one.
        os.rename(person.home + "/cache", f"{person.home}/cache-before-{time.monotonic()}")
    settings(person, "node = " + scene.address(node))
    drop_caches()
    person.open_folder()


def reading(scene, person, cid):
    """CID is the file of `ipfs add`, of which the second node has nothing either."""
    drop_caches()
    with open(os.devnull, "wb") as null:
        yield "ipfs_cat", scene.ipfs(1, "cat", cid, to=null)[0]
    only_on_nodes(scene, person, 1)
    seconds = read_all(person.path("large"))
    yield "ipfs_read", seconds
    yield from kubos_mount(scene, cid, seconds)
    ask(scene, person, 2)
    seconds = first_byte(person.path("large"))
    yield "ipfs_first_byte", seconds
    yield "ipfs_read_remote", seconds + read_all(person.path("large"))
    drop_caches()
    with open(os.devnull, "wb") as null:
        yield "ipfs_cat_remote", scene.ipfs(2, "cat", cid, to=null)[0]


def first_byte(path):
    began = time.monotonic()
    with open(path, "rb", buffering=0) as file:
        if len(file.read(1)) != 1:
            raise Failed("no first byte")
    return time.monotonic() - began


def larger(scene, person):
    """The first byte of a file whose tree is one node deeper, which is one block more to wait for."""
    person.close()
    settings(person, "node = " + scene.address(1))
    person.open_folder()
    random_file(person.path("larger"), scene.larger)
    until(lambda: state(person.path("larger")) == "confirmed 2/2", "500 MB on the node")
    only_on_nodes(scene, person, 2, "larger")
    yield "ipfs_first_byte_larger", first_byte(person.path("larger"))


def kubos_mount(scene, cid, ours):
    """OURS: the seconds in which emrfs read as much.  Where the node cannot mount, there is no such row."""
    mounts = [f"{scene.dir}/{name}" for name in ("ipfs", "ipns", "mfs")]
    for path in mounts:
        os.makedirs(path, exist_ok=True)
    drop_caches()
    try:
        scene.ipfs(1, "mount", *(f"--{os.path.basename(path)}-path={path}" for path in mounts))
    except Failed as error:
        print("#", error)
        return
    try:
        seconds = read_all(f"{mounts[0]}/{cid}")
        yield "ipfs_kubo_mount", seconds
        yield "ipfs_read_mount_share", ours / seconds
    finally:
        for path in mounts:
            subprocess.run(["umount", "-l", path], check=False, stderr=subprocess.DEVNULL)


def saving(scene, person, bed):
    """The same saves with a node in the settings and without."""
    for word, lines in (("off", ()), ("on", ("node = " + scene.address(1),))):
        person.close()
        settings(person, *lines)
        person.open_folder()
        os.mkdir(person.path("saves"))
        p50 = bed.fb("save", person.path("saves"), SAVES, SMALL_BYTES, "fsync")[0]
        yield "ipfs_save_" + word, p50
        yield "ipfs_tree_" + word, bed.shell_seconds(
            f"cp -r '{scene.dir}/many' '{person.path('tree')}'")
        person.settled()
        shutil.rmtree(person.path("saves"))
        shutil.rmtree(person.path("tree"))
        person.settled()


def ipfs(bed, data, is_first):
    if bed.name != "emrfs":
        return
    bed.down()
    if is_first:
        data.nodes = Nodes(bed, data)
    scene = data.nodes
    scene.rounds += 1
    person = Person(scene, f"ana{scene.rounds}")
    settings(person)
    person.run("init", "--yes", "--name", "Ana", "--born", "1980-01-01", "--words-file", person.words, secret=True)
    try:
        source = scene.dir + "/source"
        random_file(source, scene.large)
        yield from publishing(scene, person, source)
        yield from reading(scene, person, scene.ipfs(1, *ADD, "--only-hash", source)[1][-1])
        yield from publishing_many(scene, person)
        yield from saving(scene, person, bed)
        yield from larger(scene, person)
    finally:
        person.close()
        shutil.rmtree(scene.dir + "/many", ignore_errors=True)
