"""The rows of IPFS that say when somebody else sees what was saved: two open folders with nothing in common but a host and two nodes.

Each reads and publishes by a node of their own.
"""
import glob
import os
import shutil

from filesystems import Failed
from sharing_scene import Scene, until

BYTES = 700000
SAVES = 9


class Apart(Scene):
    """ana and lima, who meet at the host, and each of whom has a node."""

    def end(self):
        super().end()
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
    scene = Apart(os.path.join(nodes.dir, f"apart{nodes.rounds}"), nodes.emrfs, nodes.secret, None)
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
