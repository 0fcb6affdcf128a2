"""The rows of sharing: a patient, a doctor and three organisations (sharing_scene.py) who joined at one host.

People wait for these, which are measured: a verb that returns, a grant that stands on the ledger, a file that opens, a folder
that is listed, a new record that appears.  The plain directory is listed beside it; no neighbour shares anything.
"""
import contextlib
import glob
import os
import re
import shlex
import signal
import subprocess
import time

from filesystems import Failed
from sharing_scene import Scene, until

SLICES = 300
SLICE_BYTES = 20000
GROWN = 10  # new records, one after the other


def begin(bed, data):
    """Made once in a run: people, agents, folders; no agent releases keys of Rui's Solo, and one of Ana's Lone."""
    scene = Scene(os.path.join(os.path.dirname(bed.back), "sharing"), data.emrfs, bed.secrets["secret"], bed.fb_path)
    data.scene = scene
    scene.records = 1000 if data.quick else 10000
    scene.rounds = 0
    scene.begin()
    scene.ana, scene.lima = scene.person("ana"), scene.person("lima")
    scene.rui = scene.invite("lucas", "rui", "patient", "--yes", "--name", "Rui Reis", "--born", "1980-01-01")
    scene.introduce("rui", "lima")
    for one, name, files in ((scene.ana, "One", 1), (scene.rui, "Solo", SLICES), (scene.ana, "Lone", SLICES), (scene.ana, "Series", SLICES)):
        one.open_folder()
        scene.tree(one.who, name, 1, files, SLICE_BYTES)
        one.settled()
    scene.rui.run("share", "Solo", "with", "lima", "--away", "nobody", "--yes", "--wait")
    scene.works(scene.agent("lucas"))
    scene.ana.run("share", "Lone", "with", "lima", "--away", "own", "--yes", "--wait")
    scene.agents()
    scene.ana.run("share", "Series", "with", "lima", "--yes", "--wait")
    agents = {grant["path"]: (grant["needed"], grant["away"]) for one in (scene.ana, scene.rui) for grant in one.told("share")["grants"]}
    scene.rui.close()
    if agents != {"Solo": (0, "nobody"), "Lone": (1, "own"), "Series": (2, "others")}:
        raise Failed(f"nobody, one and two of three organisations should have to answer: {agents}")
    scene.rosa = scene.invite("lucas", "rosa", "clinician", "--yes", "--name", "Rosa Dias", "--born", "1980-01-01")
    for admin in ("lucas", "aurora", "trust", "norte"):  # emergencies need these rules
        scene.person(admin).run("org", "contract", "2", "--yes", secret=True)
    return scene


def shared(scene, *names):
    """Where the doctor sees it, once she does."""
    found = []

    def look():
        found[:] = glob.glob(os.path.join(scene.lima.path("shared-with-me"), "*", *names))
        return found

    until(look, f"the doctor sees {os.path.join(*names)}")
    return found[0]


def grant(scene, name, row):
    """`share` returns; and the time from its start until it is on the ledger."""
    returned = scene.ana.run("share", name, "with", "lima", "--yes")
    yield row + "_returns", returned
    yield row + "_confirmed", returned + until(
        lambda: "state=confirmed" in granted(scene.ana.path(name)), "a grant on the ledger")


def granted(path):
    try:
        return os.getxattr(path, "user.emrfs.grant.lima").decode()
    except OSError:
        return ""


def revoke(scene, name, row):
    ids = [g["id"] for g in scene.ana.told("share")["grants"] if g["path"] == name]
    returned = scene.ana.run("revoke", name, "from", "lima")
    yield row + "_returns", returned
    yield row + "_confirmed", returned + until(lambda: not granted(scene.ana.path(name)), "the end of a grant")
    if len(ids) != 1 or any(g["id"] in ids for g in scene.ana.told("share")["grants"]):
        raise Failed(f"{name}: the grant has not ended")


def questions(scene):
    entries = scene.lima.told("ledger", "--limit", "1000")["entries"]
    return sum(entry["op"] == "ACCESS_REQ" for entry in entries)


def read_all(paths):
    for path in paths:
        with open(path, "rb") as file:
            if len(file.read()) != SLICE_BYTES:
                raise Failed("read short: " + path)


def slices(directory):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(directory) for name in names)


def opening(scene, folder, row):
    """As one who never read there: what was released before is kept on the doctor's computer."""
    scene.lima.close()
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(scene.lima.home, "state/shared-keys"))
    scene.lima.cold()
    paths = until_listed(scene, folder, SLICES)
    asked = questions(scene)
    yield row + "_open", timed(lambda: read_all(paths[:1]))
    yield row + "_series", timed(lambda: read_all(paths[1:]))
    yield row + "_questions", questions(scene) - asked


@contextlib.contextmanager
def asleep(person):
    """A computer that says nothing from one moment on: an orderly end would be inside one of two clocks."""
    os.kill(person.pid(), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(person.pid(), signal.SIGCONT)


def is_read(scene, name):
    paths = glob.glob(os.path.join(scene.lima.path("shared-with-me"), "*", name, "*", "*"))
    with contextlib.suppress(OSError):
        read_all(paths)
        return paths != []
    return False


def read_share(scene, name):
    began = time.monotonic()
    scene.ana.run("share", name, "with", "lima", "--yes")
    until(lambda: "state=confirmed" in granted(scene.ana.path(name)), "a grant on the ledger")
    with asleep(scene.ana):
        until(lambda: is_read(scene, name), "a file of a share")
        yield "share_agents_read", time.monotonic() - began


def read_emergency(scene, name):
    """Each card opens once; the clock starts with the second clinician's word."""
    code = scene.ana.told("emergency", "prepare", name, "with", "@saolucas", "-o", os.path.join(scene.dir, name), "--yes")["code"]
    with asleep(scene.ana):
        scene.lima.run("emergency", code, "--reason", "found unconscious")
        began = time.monotonic()
        scene.rosa.run("emergency", "second", "--reason", "allergies unknown", "--yes")
        until(lambda: is_read(scene, name), "a file in an emergency")
        yield "emergency_read", time.monotonic() - began


def reading(scene):
    """From the start of a verb until the doctor has read a file that was never shared before; another of the two begins in each round."""
    for one in (scene.ana, scene.lima, scene.rosa):
        one.open_folder()
    both = ((read_share, f"Now{scene.rounds}", "lima"), (read_emergency, f"Card{scene.rounds}", "@saolucas"))
    for row, name, who in both[::1 if scene.rounds % 2 else -1]:
        scene.tree("ana", name, 1, 1, SLICE_BYTES)
        scene.ana.settled()
        yield from row(scene, name)
        if [(g["needed"], g["away"]) for g in scene.ana.told("share")["grants"] if g["path"] == name] != [(2, "others")]:
            raise Failed(f"{name}: two of three organisations should have answered")
        scene.ana.run("revoke", name, "from", who, "--wait")
    scene.rosa.close()


def until_listed(scene, folder, count):
    paths = []

    def is_whole():
        paths[:] = slices(shared(scene, folder))
        return len(paths) == count

    until(is_whole, f"{folder} with {count} files")
    return paths


def timed(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def ls(path):
    """ls -lR; the seconds, and how many files it told."""
    began = time.monotonic()
    done = subprocess.run(["ls", "-lR", path], capture_output=True, text=True, errors="replace", check=True)
    seconds = time.monotonic() - began
    return seconds, sum(line.startswith("-") for line in done.stdout.splitlines())


def listing(scene, folder):
    """The doctor's folder was closed when the grant was made: her first look asks for the names."""
    scene.lima.cold()
    yield "share_ls_first", until(lambda: ls(shared(scene, folder))[1] == scene.records, "the first listing")
    scene.lima.cold()
    for row in ("share_ls_cold", "share_ls_warm"):
        seconds, count = ls(shared(scene, folder))
        if count != scene.records:
            raise Failed(f"{count} of {scene.records} shared records are listed")
        yield row, seconds
    scene.ana.cold()
    for row in ("share_own_cold", "share_own_warm"):
        yield row, ls(scene.ana.path(folder))[0]


def growing(scene, folder, row):
    """One new record after the other, until the doctor sees it: her processor's time for each."""
    before = shared(scene, folder)
    cpu, seconds = scene.lima.cpu_s(), 0.0
    for i in range(GROWN):
        with open(scene.ana.path(folder, f"new-{i}"), "wb") as file:
            file.write(b"a new record")
        scene.ana.settled()
        seconds += until(lambda i=i: os.path.exists(os.path.join(before, f"new-{i}")), "a new record")
    yield row + "_cpu", (scene.lima.cpu_s() - cpu) / GROWN * 1000
    yield row + "_seen", seconds / GROWN


def equations(data):
    """What an agent does for 1,000 conversions over what their equations alone need, both now."""
    built = os.path.join(os.path.dirname(os.path.dirname(data.emrfs)), "tests/bench")
    programs = [os.path.join(built, name) for name in ("bench_crypto", "bench_agent")]
    if not all(os.access(program, os.X_OK) for program in programs):
        print(f"# bench_agent and bench_crypto are not in {built}: their row is left out")
        return
    said = [subprocess.run([program], capture_output=True, text=True, check=True).stdout for program in programs]
    alone = float(re.search(r"1,000 conversions: ([0-9.]+) s", said[0]).group(1)) * 1000
    yield "share_agent_cpu", max(float(ms) for ms in re.findall(r"([0-9.]+) ms for 1000 conv", said[1])) / alone


def plain(bed, data):
    count = 10 if data.quick else 100
    os.makedirs(bed.path("share"))
    bed.fb("tree", bed.path("share"), count, 100, 100)
    for rows in (("share_own_cold", "share_ls_cold"), ("share_own_warm", "share_ls_warm")):
        if rows[0].endswith("cold"):
            bed.cold()
        seconds = bed.seconds("ls", "-lR", bed.path("share"))
        for row in rows:
            yield row, seconds
    bed.run("rm -rf " + shlex.quote(bed.path("share")))


def sharing(bed, data, _is_first):
    if bed.name == "plain":
        yield from plain(bed, data)
    if bed.name != "emrfs":
        return
    scene = data.scene or begin(bed, data)
    scene.rounds += 1
    yield from reading(scene)
    if data.wanted <= {"share_agents_read", "emergency_read"}:
        return
    many = f"Many{scene.rounds}"
    os.mkdir(scene.ana.path(many))
    scene.tree("ana", os.path.join(many, "Inner"), scene.records // 100, 100, 100)
    scene.ana.settled()
    yield from measured(scene, many)
    yield from equations(data)


def measured(scene, many):
    inner = os.path.join(many, "Inner")
    scene.ana.close()
    yield from opening(scene, "Series", "share_agents")
    yield from opening(scene, "Lone", "share_own_agent")
    scene.rui.open_folder()
    yield from opening(scene, "Solo", "share_owner")
    scene.rui.close()
    scene.ana.open_folder()
    yield from grant(scene, "One", "share_one")
    yield from growing(scene, "One", "share_grow_one")
    yield from revoke(scene, "One", "revoke_one")
    scene.lima.close()
    yield from grant(scene, many, "share_many")
    yield from listing(scene, many)
    yield from growing(scene, many, "share_grow_many")
    yield from revoke(scene, many, "revoke_many")
    for row in ("share_inner", "share_again"):  # keys of the epoch that ended are not enough: each is wrapped again
        yield from grant(scene, inner, row)
        scene.ana.run("revoke", inner, "from", "lima", "--wait")
