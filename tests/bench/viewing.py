"""The rows of viewing: what a doctor's viewer asks of a CT series that a patient shares, beside the plain directory.

The scene is that of sharing (sharing_scene.py).  The first opening is that of somebody who never read there: keys are asked for, and the disk is cold.
"""
import contextlib
import mmap
import os
import random
import shutil

import sharing
from filesystems import Failed
from research import SIDE, slice_of
from sharing import timed
from sharing_scene import until

SLICES = 500
NAMES = 5000
LARGE_BYTES = 50 << 20
RANGES = 20
RANGE_BYTES = 16384
PAGE = mmap.PAGESIZE


def fill(directory, slices):
    """A series, many small files, and one large file of which only parts are read."""
    os.makedirs(os.path.join(directory, "CT"))
    os.mkdir(os.path.join(directory, "Names"))
    for number in range(1, slices + 1):
        with open(os.path.join(directory, "CT", f"{number:04}.dcm"), "wb") as file:
            file.write(slice_of(number))
    for number in range(NAMES):
        with open(os.path.join(directory, "Names", f"{number:05}.txt"), "wb") as file:
            file.write(b"%100d" % number)
    with open(os.path.join(directory, "large.h5"), "wb") as file:
        for _ in range(LARGE_BYTES >> 20):
            file.write(random.randbytes(1 << 20))


def read(path):
    with open(path, "rb") as file:
        if len(file.read()) < 2 * SIDE * SIDE:
            raise Failed("read short: " + path)


def map_all(paths):
    """Each page of each file, as viewers do that map what they show."""
    for path in paths:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
            sum(pages[at] for at in range(0, len(pages), PAGE))


def ranges_of(path):
    """The head, and then parts that an index leads to (HDF5, BAM and tabix)."""
    places = random.Random(1)
    with open(path, "rb", buffering=0) as file:
        for at in [0] + [places.randrange(LARGE_BYTES - RANGE_BYTES) for _ in range(RANGES)]:
            if len(os.pread(file.fileno(), RANGE_BYTES, at)) != RANGE_BYTES:
                raise Failed("read short: " + path)


def look_at(directory):
    """What a file manager wants to know of each name."""
    with os.scandir(directory) as names:
        count = sum(len(os.listxattr(name.path)) >= 0 and name.stat().st_size == 100 for name in names)
    if count != NAMES:
        raise Failed(f"{count} of {NAMES} names are listed")


def seen(place, cold):
    """COLD() begins anew, and waits until the names are there."""
    paths = sharing.slices(os.path.join(place, "CT"))
    yield "view_first", timed(lambda: read(paths[0]))
    yield "view_series", timed(lambda: [read(path) for path in paths[1:]])
    for row in ("view_map", "view_map_again"):
        yield row, timed(lambda: map_all(paths))
    yield "view_ranges", timed(lambda: ranges_of(os.path.join(place, "large.h5")))
    yield "view_ranges_again", timed(lambda: ranges_of(os.path.join(place, "large.h5")))
    cold()
    yield "view_names", timed(lambda: look_at(os.path.join(place, "Names")))
    yield "view_names_again", timed(lambda: look_at(os.path.join(place, "Names")))


def begin(bed, data, slices):
    scene = data.scene or sharing.begin(bed, data)
    scene.ana.open_folder()
    if not os.path.isdir(scene.ana.path("View")):
        fill(scene.ana.path("View"), slices)
        scene.ana.settled()
        scene.ana.run("share", "View", "with", "lima", "--yes", "--wait")
    scene.ana.close()
    return scene


def viewing(bed, data, _is_first):
    slices = 100 if data.quick else SLICES
    if bed.name in ("plain", "pt_ll"):
        place = bed.path("viewing")
        fill(place, slices)
        bed.cold()
        yield from seen(place, bed.cold)
        shutil.rmtree(place)
    if bed.name != "emrfs":
        return
    scene = begin(bed, data, slices)
    scene.lima.close()
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(scene.lima.home, "state/shared-keys"))
    scene.lima.cold()
    yield from seen(found(scene), lambda: (scene.lima.cold(), found(scene)))


def found(scene):
    """The folder, with the names in its top; those in Names are read when they are listed."""
    place = sharing.shared(scene, "View")
    until(lambda: len(os.listdir(place)) == 3, "the doctor sees what the folder has")
    return place
