"""The rows of research: a patient joins a de-identified dataset with a CT series, beside gdcmanon and saving what it made; and researchers who read.

All have folders of their own and joined at one host (sharing_scene.py).  gdcmanon gets its own way: one run over the whole series, from the
open folder into the open folder, and the clock of both stops when the ledger has all of it.
"""
import glob
import json
import os
import re
import shlex
import struct
import subprocess

from filesystems import Failed, drop_caches
from sharing import timed
from sharing_scene import Scene, until

SIDE = 512  # pixels, of 16 bits
READERS = 10
LISTED = (1000, 100)  # participants and files of each, of the frozen set


# ---- slices ----

def element(group, number, vr, value):
    value = value.encode() if isinstance(value, str) else value
    value += b"" if len(value) % 2 == 0 else (b"\0" if vr in ("UI", "OB") else b" ")
    head = struct.pack("<HH", group, number) + vr.encode()
    return head + (struct.pack("<HI", 0, len(value)) if vr in ("OB", "OW", "SQ", "UN", "UT") else struct.pack("<H", len(value))) + value


def slice_of(number):
    """A CT slice with names, ids, dates, a private text and pixels that no compression helps."""
    study, instance, kind = "1.2.276.0.7230010.3.1.2.7", f"1.2.276.0.7230010.3.1.4.7.{number}", "1.2.840.10008.5.1.4.1.1.2"
    meta = b"".join((element(2, 1, "OB", b"\0\1"), element(2, 2, "UI", kind), element(2, 3, "UI", instance),
                     element(2, 0x10, "UI", "1.2.840.10008.1.2.1"), element(2, 0x12, "UI", "1.2.276.0.7230010.3.0")))
    data = b"".join((
        element(8, 8, "CS", "ORIGINAL\\PRIMARY\\AXIAL"), element(8, 0x16, "UI", kind), element(8, 0x18, "UI", instance),
        element(8, 0x20, "DA", "20240119"), element(8, 0x30, "TM", "101500"), element(8, 0x50, "SH", "A7734512"),
        element(8, 0x60, "CS", "CT"), element(8, 0x70, "LO", "SIEMENS"), element(8, 0x80, "LO", "Hospital of Example"),
        element(8, 0x90, "PN", "Reis^Dora"), element(8, 0x1030, "LO", "Chest of Silva"), element(9, 0x10, "LO", "EXAMPLE"),
        element(9, 0x1001, "LO", "Silva^Ana"), element(0x10, 0x10, "PN", "Silva^Ana"), element(0x10, 0x20, "LO", "MRN7734512"),
        element(0x10, 0x30, "DA", "19590708"), element(0x10, 0x40, "CS", "F"), element(0x18, 0x15, "CS", "CHEST"),
        element(0x18, 0x50, "DS", "5.0"), element(0x20, 0xd, "UI", study), element(0x20, 0xe, "UI", study + ".1"),
        element(0x20, 0x10, "SH", "7"), element(0x20, 0x11, "IS", "1"), element(0x20, 0x13, "IS", str(number)),
        element(0x28, 2, "US", struct.pack("<H", 1)), element(0x28, 4, "CS", "MONOCHROME2"), element(0x28, 0x10, "US", struct.pack("<H", SIDE)),
        element(0x28, 0x11, "US", struct.pack("<H", SIDE)), element(0x28, 0x100, "US", struct.pack("<H", 16)), element(0x28, 0x101, "US", struct.pack("<H", 16)),
        element(0x28, 0x102, "US", struct.pack("<H", 15)), element(0x28, 0x103, "US", struct.pack("<H", 0)),
        element(0x7fe0, 0x10, "OW", os.urandom(2 * SIDE * SIDE))))
    return bytes(128) + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(meta))) + meta + data


# ---- the people ----

def begin(bed, data):
    """Made once in a run: the steward, the patient with her series, ten researchers."""
    scene = Scene(os.path.join(os.path.dirname(bed.back), "research"), data.emrfs, bed.secrets["secret"], bed.fb_path)
    data.research = scene
    scene.slices, scene.rounds = (100 if data.quick else 1000), 0
    scene.network()
    scene.ana = scene.invite("lucas", "ana", "patient", "--yes", "--name", "Ana Silva", "--born", "1980-01-01")
    scene.readers = [scene.invite("lucas", f"r{i}", "researcher", "--yes", "--name", f"Reader {i}", "--born", "1980-01-01")
                     for i in range(READERS)]
    scene.ana.open_folder()
    os.mkdir(scene.ana.path("CT"))
    for number in range(1, scene.slices + 1):
        with open(scene.ana.path("CT", f"{number:04}.dcm"), "wb") as file:
            file.write(slice_of(number))
    scene.ana.settled()
    key, scene.certificate = (os.path.join(scene.dir, name) for name in ("key.pem", "certificate.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-keyout", key, "-out",
                    scene.certificate], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return scene


def call(scene, name):
    """A dataset of its own for each round: copies that lie there already are not made again."""
    terms = os.path.join(scene.dir, name + ".json")
    with open(terms, "w", encoding="ascii") as file:
        json.dump({"purpose": "To measure", "who": "Researchers", "until": "2099-12-31", "data": "de-identified"}, file)
    scene.person("lucas").run("dataset", "create", name, "--terms", terms, secret=True)
    for i in range(READERS):
        scene.person("lucas").run("dataset", "admit", name, f"r{i}@saolucas", secret=True)
    until(lambda: any(one["called"].startswith(name + "@") and len(one["readers"]) == READERS
                      for one in scene.ana.told("dataset")["datasets"]), "the patient knows the dataset and its readers")


# ---- rows ----

def anonymised(bed, scene):
    out = scene.ana.path(f"Anonymised{scene.rounds}")
    os.mkdir(out)
    command = f"gdcmanon -e -r -c {scene.certificate} -i {shlex.quote(scene.ana.path('CT'))} -o {shlex.quote(out)}"
    seconds = bed.run(command + " >/dev/null")[1] + timed_settling(scene)
    if sum(len(files) for _, _, files in os.walk(out)) != scene.slices:
        raise Failed("gdcmanon made fewer files than there are")
    return seconds


def timed_settling(scene):
    return scene.ana.run("status", "--wait=2min")


def of_dataset(reader, name):
    return glob.glob(os.path.join(reader.path("datasets", name), "*", "*", "*", "*", "*.dcm"))


def opening(scene, name):
    reader = scene.readers[0]
    reader.cold()
    until(lambda: len(of_dataset(reader, name)) == scene.slices, "the reader sees all copies")
    paths = sorted(of_dataset(reader, name))
    yield "research_open_first", timed(lambda: read(paths[:1]))
    yield "research_open_rest", timed(lambda: read(paths[1:]))


def read(paths):
    for path in paths:
        with open(path, "rb") as file:
            if len(file.read()) < 2 * SIDE * SIDE:
                raise Failed("read short: " + path)


def leaving(scene, name):
    """From the start of the command until the last of ten open folders shows nothing of it."""
    for reader in scene.readers:
        reader.open_folder()
        until(lambda reader=reader: of_dataset(reader, name), "each reader sees copies")
    returned = scene.ana.run("dataset", "leave", name)
    yield "research_leave_returns", returned
    yield "research_leave_seen", returned + until(
        lambda: not any(of_dataset(reader, name) for reader in scene.readers), "no reader sees a copy")


def frozen(bed, data, _is_first):
    """A frozen set, made through the library: processor of the researcher's computer."""
    if bed.name != "emrfs":
        return
    program = os.path.join(os.path.dirname(os.path.dirname(data.emrfs)), "tests/bench/bench_datasets")
    if not os.access(program, os.X_OK):
        print(f"# {program} is not there: its rows are left out")
        return
    counts = (20, 10) if data.quick else LISTED
    said = subprocess.run([program, *map(str, counts)], capture_output=True, text=True, check=True).stdout
    yield from listed(said)


def listed(said):
    for row, word in (("research_list_first", "first"), ("research_list_again", "opened again")):
        found = re.search(rf"^{word}: .*?ls -lR ([0-9.]+) s and", said, re.MULTILINE)
        if found is None:
            raise Failed("bench_datasets says something else: " + said[-300:])
        yield row, float(found.group(1))


def research(bed, data, _is_first):
    if bed.name != "emrfs":
        return
    scene = data.research or begin(bed, data)
    scene.rounds += 1
    name = f"slices{scene.rounds}"
    for reader in scene.readers:
        reader.close()
    call(scene, name)
    drop_caches()
    yield "research_anon", anonymised(bed, scene)
    drop_caches()
    yield "research_join", scene.ana.run("dataset", "join", name, "CT", "--yes", "--wait") + timed_settling(scene)
    yield from opening(scene, name)
    yield from leaving(scene, name)
