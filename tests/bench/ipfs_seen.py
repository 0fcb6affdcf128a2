"""The rows of IPFS that say when somebody else sees what was saved: two open folders with nothing in common but a channel of Fabric and two nodes.

The channel is played by one program (tests/support/played_fabric), so that the rows need none of Fabric; the nodes are real.  The
doctor joins without the network's directory, as from another computer: all reads come from the doctor's node, which has them from the patient's.
"""
import glob
import os
import shutil
import subprocess

from filesystems import Failed
from sharing_scene import Scene, until

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PLAYED = os.path.join(TOP, "tests/support/played_fabric")
BYTES = 700000
SAVES = 9
WITHOUT = 'mount -t tmpfs none "$0" && exec "$@"'  # the directory, in a space of mounts of its own


class Apart(Scene):
    """ana, and lima, who has no way to her but the channel and the nodes."""

    def __init__(self, nodes, peer):
        super().__init__(os.path.join(nodes.dir, f"apart{nodes.rounds}"), nodes.emrfs, nodes.secret, None)
        self.hidden = os.path.join(self.dir, "hospital")
        self.net = os.path.join(self.hidden, "net")
        self.channel = os.path.join(self.hidden, "channel")
        self.peer = peer
        os.makedirs(self.net, mode=0o700)
        self.played("up", "raft")
        shutil.copy(os.path.join(self.channel, "settings"), os.path.join(self.net, "network"))

    def played(self, *words):
        subprocess.run([PLAYED, *words, self.channel], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, PEER=self.peer), check=True)

    def found(self, who, name, network=None):
        founding = super().found(who, name, network)
        until(lambda: os.path.exists(self.net + "/ca.pem"), "the hospital's CA")
        self.played("trust", "1", self.net + "/ca.pem")
        return founding

    def serve(self):
        """The channel is where both meet."""

    def invite(self, admin, who, role, *facts):
        if who == "lima":
            self.person(who).before = ["unshare", "-m", "sh", "-c", WITHOUT, self.hidden]
        new = super().invite(admin, who, role, *facts)
        new.before = []
        return new

    def end(self):
        super().end()
        self.played("down")
        shutil.rmtree(self.dir, ignore_errors=True)


def found_there(scene, name):
    return glob.glob(os.path.join(scene.person("lima").path("shared-with-me"), "*", "Imaging", name))


def is_read(scene, name, content):
    try:
        with open(found_there(scene, name)[0], "rb") as file:
            return file.read() == content
    except (OSError, IndexError):
        return False


def save(path, content):
    with open(path, "xb", buffering=0) as file:
        if file.write(content) != len(content):
            raise Failed("written short: " + path)


def is_confirmed(path):
    return os.getxattr(path, "user.emrfs.state").startswith(b"confirmed")


def begin(scene, nodes, settings):
    scene.begin()
    for who, node in (("ana", 1), ("lima", 2)):
        settings(scene.person(who), "node = " + nodes.address(node))
        scene.person(who).open_folder()
    scene.introduce("lima", "ana")
    ana = scene.person("ana")
    os.mkdir(ana.path("Imaging"))
    save(ana.path("Imaging", "first"), b"first")
    ana.settled()
    ana.run("share", "Imaging", "with", "lima", "--yes", "--wait")
    until(lambda: is_read(scene, "first", b"first"), "the doctor reads the first record")


def came_by_node(nodes, path):
    """Else nothing was measured: a leaf of the patient's record PATH is at the doctor's node, which is only read from."""
    cid = os.getxattr(path, "user.emrfs.cid").decode()
    leaf = [one for one in nodes.ipfs(1, "refs", "--recursive", "--offline", cid)[1] if one.startswith("bafkr")][-1]
    nodes.ipfs(2, "block", "stat", "--offline", leaf)


def seen(nodes, settings):
    """The seconds from `confirmed` until the doctor sees a record's name, and until she has read all of it."""
    built = os.path.dirname(os.path.dirname(nodes.emrfs))
    peer = os.path.join(built, "ledger-client/chaincode/gateway_peer")
    done = subprocess.run([os.path.join(TOP, "ledger-client/chaincode/build"), built, os.path.dirname(peer),
                           os.path.join(TOP, "tests/conformance/chaincode"), "./gateway_peer"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{peer} cannot be built: {done.stderr.strip()[-300:]}")
    scene = Apart(nodes, peer)
    try:
        begin(scene, nodes, settings)
        for i in range(SAVES):
            name, content = f"scan-{i}", os.urandom(BYTES)
            path = scene.person("ana").path("Imaging", name)
            save(path, content)
            until(lambda path=path: is_confirmed(path), name + " on the ledger")
            listed = until(lambda name=name: found_there(scene, name), name + " in the doctor's folder")
            yield "ipfs_seen", listed
            yield "ipfs_seen_read", listed + until(
                lambda name=name, content=content: is_read(scene, name, content), "the doctor reads " + name)
        came_by_node(nodes, scene.person("ana").path("Imaging", f"scan-{SAVES - 1}"))
    finally:
        scene.end()
