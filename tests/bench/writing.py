"""The rows of writing: the waits of a doctor who saves in somebody else's folder, and of the owner until the file is seen there.

The scene is that of sharing (sharing_scene.py).  Beside each stands the same in a folder of one's own, and in the plain directory.
"""
import os
import random
import time

import sharing
from filesystems import Failed
from sharing_scene import until

BYTES = 1000000
SAVES = 5


def begin(bed, data):
    """Once in a run: a folder to write in, one to leave things in, and one of one's own."""
    scene = data.scene or sharing.begin(bed, data)
    scene.ana.open_folder()
    scene.lima.open_folder()
    if not hasattr(scene, "written"):
        scene.written = 0
        for name, right in (("Desk", "--write"), ("Post", "--deposit")):
            os.mkdir(scene.ana.path(name))
            scene.ana.settled()
            scene.ana.run("share", name, "with", "lima", right, "--yes", "--wait")
        os.mkdir(scene.lima.path("Mine"))
        scene.lima.settled()
    scene.written += 1
    return scene


def save(path, content):
    """The seconds until close returned."""
    began = time.monotonic()
    with open(path, "xb", buffering=0) as file:
        if file.write(content) != len(content):
            raise Failed("written short: " + path)
    return time.monotonic() - began


def attribute(path, name):
    try:
        return os.getxattr(path, name)
    except OSError:
        return b""


def is_read(path, content):
    try:
        with open(path, "rb") as file:
            return file.read() == content
    except OSError:
        return False


def found_below(directory, name):
    """A deposit lies under who left it, and the day."""
    return [os.path.join(at, name) for at, _, names in os.walk(directory) if name in names]


def writing(bed, data, _is_first):
    if bed.name == "plain":
        yield from plain(bed, data)
    if bed.name != "emrfs":
        return
    scene = begin(bed, data)
    for i in range(SAVES):
        name, content = f"{scene.written}-{i}", random.randbytes(BYTES)
        yield from own(scene, name, content)
        yield from guest(scene, name, content)
        yield from deposit(scene, name, content)
    yield from listing(scene, f"Open{scene.written}")


def plain(bed, data):
    directory = bed.path("writing")
    os.makedirs(directory)
    for i in range(SAVES):
        seconds = save(os.path.join(directory, str(i)), random.randbytes(BYTES))
        for row in ("write_own_close", "write_guest_close", "write_deposit_close"):
            yield row, seconds
    os.mkdir(os.path.join(directory, "many"))
    bed.fb("tree", os.path.join(directory, "many"), 10 if data.quick else 100, 100, 100)
    bed.cold()
    for row in ("write_ls_cold", "write_ls_warm"):
        yield row, sharing.ls(os.path.join(directory, "many"))[0]
    bed.run("rm -rf " + directory)


def own(scene, name, content):
    path = scene.lima.path("Mine", name)
    closed = save(path, content)
    yield "write_own_close", closed
    yield "write_own_confirmed", closed + until(
        lambda: attribute(path, "user.emrfs.state").startswith(b"confirmed"), "one's own save on the ledger")


def guest(scene, name, content):
    there = sharing.shared(scene, "Desk")
    closed = save(os.path.join(there, name), content)
    yield "write_guest_close", closed
    yield "write_guest_seen", closed + until(
        lambda: is_read(scene.ana.path("Desk", name), content), "the owner reads what was saved in her folder")


def deposit(scene, name, content):
    there = sharing.shared(scene, "Post")
    closed = save(os.path.join(there, name), content)
    yield "write_deposit_close", closed
    yield "write_deposit_seen", closed + until(
        lambda: any(is_read(path, content) for path in found_below(scene.ana.path("Post"), name)), "the owner reads a deposit")


def listing(scene, folder):
    os.mkdir(scene.ana.path(folder))
    scene.tree("ana", os.path.join(folder, "Inner"), scene.records // 100, 100, 100)
    scene.ana.settled()
    scene.ana.run("share", folder, "with", "lima", "--write", "--yes", "--wait")
    until(lambda: sharing.ls(sharing.shared(scene, folder))[1] == scene.records, "the first listing")
    scene.lima.cold()
    for row in ("write_ls_cold", "write_ls_warm"):
        seconds, count = sharing.ls(sharing.shared(scene, folder))
        if count != scene.records:
            raise Failed(f"{count} of {scene.records} records are listed where one may write")
        yield row, seconds
    scene.ana.run("revoke", folder, "from", "lima", "--wait")
