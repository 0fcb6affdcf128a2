"""The rows of Hyperledger Fabric: how fast records get onto a channel of three organisations, whose peers, orderers and contract run here.

The network is that of examples/network/fabric (Raft, a block after 500 ms at the latest), on the disk that is measured, with the programs
of --fabric.  Registrations are measured by bench_gateway, as the gateway's client sends them; saving and opening by two people's folders.
"""
import glob
import os
import shutil
import subprocess
import time

from filesystems import Failed
from sharing_scene import Scene, until

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
NETWORK = os.path.join(TOP, "examples/network/fabric")
SAVES = 9
AWAY = 3
OF_FOLDERS = {"fabric_save", "fabric_open", "fabric_reached", "fabric_open_own", "fabric_rss"}


class Channel(Scene):
    """The hospital is organisation 1; what `org create` waits for is done meanwhile."""

    def __init__(self, bed, data):
        super().__init__(os.path.join(os.path.dirname(bed.back), "fabric"), data.emrfs, bed.secrets["secret"], bed.fb_path)
        built = os.path.dirname(os.path.dirname(data.emrfs))
        self.bench = os.path.join(built, "tests/bench/bench_gateway")
        self.channel = os.path.join(self.dir, "channel")
        self.environment = dict(os.environ, FABRIC=data.fabric,
                                CHAINCODE=os.path.join(built, "ledger-client/chaincode/emr-chaincode"))
        self.plain = os.path.join(built, "ledger-client/chaincode/plain")
        for program in (self.bench, self.environment["CHAINCODE"], self.plain):
            if not os.access(program, os.X_OK):
                raise Failed(program + " is not built")

    def run_channel(self, *words):
        done = subprocess.run([NETWORK, *words, self.channel], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=self.environment, check=False)
        if done.returncode != 0:
            raise Failed(f"{NETWORK} {words[0]}: {done.stderr.strip()}")

    def found(self, who, name, network=None):
        os.makedirs(self.net, mode=0o700)
        shutil.copy(os.path.join(self.channel, "settings"), os.path.join(self.net, "network"))
        founding = super().found(who, name, network)
        until(lambda: os.path.exists(self.net + "/ca.pem"), "the hospital's CA")
        self.run_channel("trust", "1", self.net + "/ca.pem")
        return founding

    def serve(self):
        """The channel is where all meet."""

    def end(self):
        super().end()
        if os.path.isdir(self.channel):
            self.run_channel("down")
        shutil.rmtree(self.dir, ignore_errors=True)


def registrations(scene):
    """The client alone, on a fresh channel, whose chaincode has beside the contract what it is compared with."""
    scene.environment["CHAINCODE"] = scene.plain
    scene.run_channel("up", "raft")
    done = subprocess.run([scene.bench, scene.channel], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{scene.bench}: {done.stderr.strip()[-500:]}")
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == 2 and words[0].startswith("fabric_"):
            yield words[0], float(words[1])


def state(path):
    return os.getxattr(path, "user.emrfs.state").decode()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
        os.fsync(file.fileno())


def middle(numbers):
    return sorted(numbers)[len(numbers) // 2]


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(next(line for line in file if line.startswith("VmRSS:")).split()[1])


def seen(scene, name):
    return glob.glob(os.path.join(scene.person("lima").path("shared-with-me"), "ana", "Imaging", name))


def opened(scene, name, text):
    """The seconds from now until the doctor has read it."""
    def reads():
        found = seen(scene, name)
        if not found:
            return False
        try:
            with open(found[0], encoding="ascii") as file:
                return file.read() == text
        except OSError:
            return False
    return until(reads, f"the doctor reads {name}")


def folders(scene):
    """Saving until the ledger has it, and until another has read it for the first time."""
    scene.run_channel("up", "raft")
    scene.begin()
    ana, lima = scene.person("ana"), scene.person("lima")
    ana.open_folder()
    lima.open_folder()
    os.mkdir(ana.path("Imaging"))
    write(ana.path("Imaging", "first"), "first")
    ana.settled()
    ana.run("share", "Imaging", "with", "lima", "--yes", "--wait")
    opened(scene, "first", "first")
    confirmed, reached, first = [], [], []
    for i in range(SAVES):
        name, text = f"record {i}", f"text {i}"
        write(ana.path("Imaging", name), text)
        began = time.monotonic()
        until(lambda name=name: state(ana.path("Imaging", name)).startswith("confirmed"), name)
        confirmed.append(time.monotonic() - began)
        until(lambda name=name: seen(scene, name), name)
        first.append(opened(scene, name, text))
        reached.append(time.monotonic() - began)
    yield "fabric_save", middle(confirmed)
    yield "fabric_open", middle(first)
    yield "fabric_reached", middle(reached)
    yield "fabric_open_own", middle(list(away(scene, ana)))
    yield "fabric_rss", max(rss_kib(ana.pid()), rss_kib(lima.pid()))


def away(scene, ana):
    """First opens while the owner's folder is closed, by one agent of her organisation."""
    scene.works(scene.agent("lucas"))
    ana.run("share", "Imaging", "with", "lima", "--away", "own", "--yes", "--wait")
    for i in range(AWAY):
        name, text = f"away {i}", f"away text {i}"
        write(ana.path("Imaging", name), text)
        ana.settled()
        until(lambda name=name: seen(scene, name), name)
        ana.close()
        yield opened(scene, name, text)
        ana.open_folder()


def fabric(bed, data, _is_first):
    if bed.name != "emrfs" or not data.fabric:
        return
    wanted = {key for key in data.wanted if key.startswith("fabric_")}
    for part, keys in (registrations, wanted - OF_FOLDERS), (folders, wanted & OF_FOLDERS):
        if not keys:
            continue
        scene = Channel(bed, data)
        try:
            yield from part(scene)
        finally:
            scene.end()
