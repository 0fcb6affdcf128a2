"""The people of the sharing rows: patients, a doctor, and three organisations whose agents release keys.

Each has a home of their own, as if it were a computer of their own; the network is one directory, which its owner serves to the others.  The scene is made once in a run.
"""
import json
import os
import shlex
import socket
import subprocess
import time

from filesystems import Failed, drop_caches, wait_for_end

STEP_S = 0.001
LIMIT_S = 120


class Person:
    def __init__(self, scene, who):
        self.scene, self.who = scene, who
        self.home = os.path.join(scene.dir, who)
        self.folder = self.home + "-folder"
        self.words = self.home + ".words"
        self.before = []  # words before the program's name
        os.makedirs(self.home, mode=0o700)
        os.makedirs(self.folder)
        with open(os.path.join(self.home, "settings"), "w", encoding="ascii") as file:
            file.write("kdf = 8,1\nnotify = none\n")

    def start(self, *words, secret=True):
        """Begins a verb without waiting for its end."""
        command = [*self.before, self.scene.emrfs, *words]
        if secret:
            command += ["--passphrase-file", self.scene.secret]
        with open(os.path.join(self.scene.dir, "log"), "a", encoding="utf-8") as log:
            log.write(f"$ {self.who}: {shlex.join(words)}\n")
            log.flush()
            # a folder that goes behind keeps its descriptors: a file, and no pipe
            out = open(self.home + ".said", "w+", encoding="utf-8")  # pylint: disable=consider-using-with
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log,  # pylint: disable=consider-using-with
                                     env=dict(os.environ, EMRFS_HOME=self.home))
        return child, out

    def end(self, started):
        child, out = started
        wait_for_end(child)
        with out:
            out.seek(0)
            said = out.read()
        if child.returncode != 0:
            raise Failed(f"{self.who}: status {child.returncode}, see {self.scene.dir}/log: {said.strip()[-200:]}")
        return said

    def run(self, *words, secret=False):
        """Runs a verb to its end; the seconds that took."""
        began = time.monotonic()
        self.end(self.start(*words, secret=secret))
        return time.monotonic() - began

    def told(self, *words):
        return json.loads(self.end(self.start(*words, "--json", secret=False)))

    def pid(self):
        try:
            with open(os.path.join(self.home, "state/lock"), encoding="ascii") as file:
                for line in file:
                    if line.startswith("pid ") and os.path.isdir("/proc/" + line.split()[1]):
                        return int(line.split()[1])
        except OSError:
            pass
        return 0

    def cpu_s(self):
        with open(f"/proc/{self.pid()}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_folder(self):
        if self.pid() == 0:
            self.run("mount", self.folder, secret=True)

    def close(self):
        pid = self.pid()
        if pid == 0:
            return
        self.run("unmount")
        until(lambda: not os.path.isdir(f"/proc/{pid}"), f"{self.who} ends")

    def cold(self):
        """A new start from a cold disk."""
        self.close()
        drop_caches()
        self.open_folder()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def settled(self):
        """Everything saved stands on the ledger."""
        self.run("status", "--wait=2min")


def until(holds, what):
    """The seconds until HOLDS(), looked at each millisecond."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > LIMIT_S:
            raise Failed(f"not within {LIMIT_S} s: {what}")
        time.sleep(STEP_S)
    return time.monotonic() - began


class Scene:
    """ana, a patient, and lima, a doctor, of São Lucas; agents of three other organisations."""

    def __init__(self, directory, emrfs, secret, fb):
        self.dir, self.emrfs, self.secret, self.fb = directory, emrfs, secret, fb
        self.net = os.path.join(directory, "net")
        os.makedirs(directory, mode=0o700)
        self.everybody, self.host, self.address, self.way = {}, 0, "", ""

    def person(self, who):
        if who not in self.everybody:
            self.everybody[who] = Person(self, who)
        return self.everybody[who]

    def invite(self, admin, who, role, *facts):
        invitation = os.path.join(self.dir, who + ".invitation")
        inviting = self.person(admin).start("invite", who, "--role", role, "-o", invitation, "--wait",
                                            "--within", "2min")
        until(lambda: os.path.exists(invitation) and os.path.getsize(invitation) > 0, "an invitation")
        new = self.person(who)
        new.run("init", "--join", invitation, *facts, "--words-file", new.words, secret=True)
        self.person(admin).end(inviting)
        return new

    def found(self, who, name, network=None):
        admin = self.person(who)
        return admin.start("org", "create", name, "--network", network or self.net, "--within", "2min", "--yes",
                           "--words-file", admin.words)

    def network(self):
        """Its first organisation makes it, and serves it."""
        self.person("lucas").end(self.found("lucas", "São Lucas"))
        self.serve()

    def serve(self, address=None):
        if address is None:
            with socket.create_server(("127.0.0.1", 0)) as free:
                address = "127.0.0.1:" + str(free.getsockname()[1])
        self.address = address
        said = self.person("lucas").told("host", self.net, address)
        self.host, self.way = said["pid"], said["address"]

    def organisation(self, who, name, *admitting):
        former = set(os.listdir(self.net + "/host/mail"))  # those of members stay there for a while
        founding = self.found(who, name, self.way)
        until(lambda: ".application" in str(set(os.listdir(self.net + "/host/mail")) - former), "an application")
        for admin in admitting:
            self.person(admin).run("org", "admit", name, "--yes", secret=True)
        self.person(who).end(founding)

    def agent(self, admin):
        new = self.invite(admin, "keys-" + admin, "agent")
        new.run("agent", secret=True)
        return new

    def introduce(self, one, other):
        card = os.path.join(self.dir, other + ".card")
        if not os.path.exists(card):
            self.person(other).run("people", "card", "-o", card, secret=True)
        self.person(one).run("people", "add", card, "--name", other, secret=True)

    def begin(self):
        """The network, patient and doctor; no agent yet."""
        self.network()
        self.members()

    def members(self):
        for who, role, name in (("ana", "patient", "Ana Silva"), ("lima", "clinician", "Paula Lima")):
            self.invite("lucas", who, role, "--yes", "--name", name, "--born", "1980-01-01")
        self.introduce("ana", "lima")

    def works(self, agent):
        """It is chosen when its key is on the ledger."""
        until(lambda: agent.told("agent", "--status")["key_made_at"], "an agent's key")

    def agents(self):
        """Three that belong neither to her organisation nor to the doctor's; they work when their key is on the ledger."""
        self.organisation("aurora", "Aurora", "lucas")
        self.organisation("trust", "Trust", "lucas", "aurora")
        self.organisation("norte", "Norte", "lucas", "aurora")
        for agent in [self.agent(admin) for admin in ("aurora", "trust", "norte")]:
            self.works(agent)

    def tree(self, who, name, directories, files, size):
        os.mkdir(self.person(who).path(name))
        subprocess.run([self.fb, "tree", self.person(who).path(name), str(directories), str(files),
                        str(size)], check=True, stdout=subprocess.DEVNULL)

    def end(self):
        for person in self.everybody.values():
            pid = person.pid()
            if pid == 0:
                continue
            if os.path.ismount(person.folder):
                person.close()
            else:
                os.kill(pid, 15)
                until(lambda pid=pid: not os.path.isdir(f"/proc/{pid}"), f"{person.who} ends")
        if self.host != 0:
            os.kill(self.host, 15)
            until(lambda: not os.path.isdir(f"/proc/{self.host}"), "the host ends")
            self.host = 0
