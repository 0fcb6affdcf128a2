"""What is measured.  Each group takes a mounted Bed and the Data and yields (row, value) pairs.

Rules (DESIGN.md): writing ends with fsync and close inside the clock; cold is unmount, sync,
drop_caches, mount, with the mount outside the clock; warm is the same command once more; what was
written is compared once with what it was made from.
"""
import os
import shlex
import shutil
import subprocess

from filesystems import Failed, drop_caches
from host import host
from ipfs import ipfs
from research import frozen, research
from samba import samba
from sharing import sharing
from viewing import viewing
from writing import writing

REPORT = 63884  # bytes of the report of the second paper


class Data:
    """The sources, in memory, so that no source disk is measured; made once for all."""

    def __init__(self, directory, fb, emrfs, quick):
        self.dir = directory
        self.quick = quick
        self.emrfs = emrfs
        self.wanted = set()  # keys of the rows that are asked for
        self.scene = None  # of the sharing rows, once they were begun
        self.research = None  # the same of the rows of research
        self.nodes = None  # of the rows of IPFS, once they were begun
        self.big_bytes = (64 if quick else 200) << 20
        self.tree_files = 400 if quick else 2000
        self.list_dirs = 20 if quick else 100
        self.small_files = 100 if quick else 300
        self.source_dirs = 10 if quick else 50
        self.rand_reads = 1000 if quick else 5000
        self.rand_writes = 500 if quick else 2000
        self.stats = 20000 if quick else 100000
        self.reports = 3 if quick else 8
        self.big = os.path.join(directory, "big")
        self.tree = os.path.join(directory, "tree")
        self.tar = os.path.join(directory, "source.tar")
        self.git = os.path.join(directory, "source.git")
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        self._make(fb)

    def _make(self, fb):
        with open(self.big, "wb") as file:
            for _ in range(self.big_bytes >> 20):
                file.write(os.urandom(1 << 20))
        os.mkdir(self.tree)
        for i in range(self.tree_files):
            with open(os.path.join(self.tree, f"image-{i:05}.dcm"), "wb") as file:
                file.write(os.urandom(65536))
        source = os.path.join(self.dir, "source")
        os.mkdir(source)
        subprocess.run([fb, "tree", source, str(self.source_dirs), "100", "6000"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "cf", self.tar, "-C", self.dir, "source"], check=True)
        script = ("cd {0} && git init -q . && git config gc.auto 0 && git add . && "
                  "git -c user.name=bench -c user.email=bench@example.org commit -qm all && "
                  "git clone -q --bare . {1} && git -C {1} repack -adq")
        subprocess.run(script.format(shlex.quote(source), shlex.quote(self.git)), shell=True,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(source)

    def remove(self):
        if self.scene is not None:
            self.scene.end()
        if self.research is not None:
            self.research.end()
        if self.nodes is not None:
            self.nodes.end()
        shutil.rmtree(self.dir, ignore_errors=True)


def remove(bed, *names):
    for name in names:
        path = bed.path(name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)


def need_equal(bed, command):
    status, _, _ = bed.run(command + " > /dev/null", may_fail=True)
    if status != 0:
        raise Failed(f"{bed.name}: what was read back differs: {command}")


def mounting(bed, _data, _is_first):
    """Before anything else is in it."""
    for _ in range(3):
        bed.down()
        drop_caches()
        yield "mount_empty", bed.up()
    bed.down()
    if bed.commands["wrong_secret"]:
        status, seconds, _ = bed.run(bed.command("wrong_secret"), may_fail=True)
        if status == 0:
            raise Failed(f"{bed.name}: a wrong passphrase was accepted")
        yield "wrong_secret", seconds
    bed.up()


def sequential(bed, data, is_first):
    big, big4 = bed.path("big.bin"), bed.path("big4.bin")
    remove(bed, "big.bin", "big4.bin")
    sha_ns, aes_ns = bed.fb("primitives")
    cpu = bed.cpu_s()
    yield "seq_write", bed.fb("write", data.big, big, 1 << 20)[0]
    cpu = bed.cpu_s() - cpu
    yield "seq_write_cpu", cpu
    if bed.daemons():
        yield "seq_write_byte", cpu * 1e9 / data.big_bytes / (2 * sha_ns + aes_ns)
    yield "seq_write_4k", bed.fb("write", data.big, big4, 4096)[0]
    remove(bed, "big4.bin")
    bed.cold()
    if is_first:
        need_equal(bed, f"cmp {shlex.quote(data.big)} {shlex.quote(big)}")
        bed.cold()
    cpu = bed.cpu_s()
    yield "seq_read_cold", bed.fb("read", big, 1 << 20)[0]
    cpu = bed.cpu_s() - cpu
    yield "seq_read_cpu", cpu
    if bed.daemons():
        yield "seq_read_byte", cpu * 1e9 / data.big_bytes / (sha_ns + aes_ns)
    yield "seq_read_warm", bed.fb("read", big, 1 << 20)[0]
    bed.cold()
    yield "map_read_cold", bed.fb("mapread", big)[0]
    bed.warm_disk()
    yield "seq_read_disk", bed.fb("read", big, 1 << 20)[0]


def random_access(bed, data, _is_first):
    big = bed.path("big.bin")
    if not os.path.exists(big):
        bed.fb("write", data.big, big, 1 << 20)
    bed.cold()
    yield "rand_read_cold", bed.fb("randread", big, 4096, data.rand_reads)[0]
    bed.seconds("cat", big)
    yield "rand_read_warm", bed.fb("randread", big, 4096, data.rand_reads * 10)[0]
    bed.cold()
    yield "rand_write", bed.fb("randwrite", big, 4096, data.rand_writes)[0]
    remove(bed, "big.bin")


def tree(bed, data, is_first):
    remove(bed, "tree")
    target = shlex.quote(bed.path("tree"))
    yield "cp_tree", bed.seconds("cp", "-r", data.tree, bed.path("tree"))
    bed.cold()
    if is_first:
        need_equal(bed, f"diff -r {shlex.quote(data.tree)} {target}")
        bed.cold()
    yield "read_tree_cold", bed.shell_seconds(f"cat {target}/* > /dev/null")
    yield "read_tree_warm", bed.shell_seconds(f"cat {target}/* > /dev/null")
    yield "rm_tree", bed.seconds("rm", "-rf", bed.path("tree"))


def peak_of_copy(bed, data):
    """1 GB from a file that is in memory, and everything listed meanwhile."""
    target = shlex.quote(bed.path("copy.mov"))
    bed.forget_peak()
    bed.shell_seconds(f"cat {' '.join([shlex.quote(data.big)] * 5)} > {target} & "
                      f"ls -lR {shlex.quote(bed.path('list'))} > /dev/null; wait")
    peak = bed.peak_kib()
    remove(bed, "copy.mov")
    return peak


def listing(bed, data, _is_first):
    remove(bed, "list")
    os.mkdir(bed.path("list"))
    shape = (bed.path("list"), data.list_dirs, 100)
    yield "create_10k", bed.fb("tree", *shape, 100)[0]
    yield "mount_10k", bed.cold()
    yield "ls_cold", bed.seconds("ls", "-lR", bed.path("list"))
    yield "ls_warm", bed.seconds("ls", "-lR", bed.path("list"))
    if bed.name != "plain":
        yield "rss", bed.rss_kib()
        yield "rss_copy", peak_of_copy(bed, data)
    bed.cold()
    yield "find_cold", bed.seconds("find", bed.path("list"), "-type", "f")
    yield "find_warm", bed.seconds("find", bed.path("list"), "-type", "f")
    bed.cold()
    yield "stat_cold", bed.fb("stats", *shape, data.stats)[0]
    yield "stat_warm", bed.fb("stats", *shape, data.stats)[0]
    remove(bed, "list")


def two(row, numbers):
    yield row + "_p50", numbers[0]
    yield row + "_p99", numbers[1]


def small(bed, data, _is_first):
    remove(bed, "small")
    os.mkdir(bed.path("small"))
    count = data.small_files
    yield from two("save_fsync", bed.fb("save", bed.path("small"), count, REPORT, "fsync"))
    bed.cold()
    yield from two("open_cold", bed.fb("open", bed.path("small"), count))
    yield from two("open_warm", bed.fb("open", bed.path("small"), count))
    remove(bed, "small")
    os.mkdir(bed.path("small"))
    yield from two("save_close", bed.fb("save", bed.path("small"), count, REPORT, "close"))
    remove(bed, "small")


def real(bed, data, _is_first):
    remove(bed, "source", "clone")
    yield "tar_x", bed.seconds("tar", "xf", data.tar, "-C", bed.mnt)
    yield "rm_5000", bed.seconds("rm", "-rf", bed.path("source"))
    yield "git_clone", bed.seconds("git", "clone", "-q", data.git, bed.path("clone"))
    bed.cold()
    yield "git_status", bed.seconds("git", "-C", bed.path("clone"), "status", "--short")
    remove(bed, "clone")


def report(bed, data, _is_first):
    """The report of 63,884 bytes: saved one by one, then opened as a reader would."""
    remove(bed, "reports")
    os.mkdir(bed.path("reports"))
    numbers = bed.fb("report", bed.path("reports"), data.reports, REPORT)
    for place, row in enumerate(("report_return", "report_durable", "report_confirmed")):
        if numbers[2 * place] is not None:
            yield row, numbers[2 * place]
    bed.cold()
    yield "report_open_cold", bed.fb("open", bed.path("reports"), data.reports)[0]
    yield "report_open_warm", bed.fb("open", bed.path("reports"), data.reports)[0]
    remove(bed, "reports")


GROUPS = [("mount", mounting), ("seq", sequential), ("rand", random_access), ("tree", tree),
          ("list", listing), ("small", small), ("real", real), ("report", report),
          ("sharing", sharing), ("writing", writing), ("viewing", viewing), ("research", research), ("frozen", frozen), ("samba", samba), ("ipfs", ipfs),
          ("host", host)]
