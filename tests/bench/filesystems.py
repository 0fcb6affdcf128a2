"""The file systems of the benchmark: how each is made, mounted and unmounted.

In a command {back} is the backing directory, {mnt} the mount point, {secret} a file with the
passphrase, {tmp} a directory for what the commands leave behind.  A mount command returns once the
directory is mounted.  A wrong_secret command must fail, having done all the work of deriving a key.
"""
import os
import select
import shlex
import subprocess
import time

LIMIT_S = 300
ENCRYPTED = ("gocryptfs", "securefs")  # the neighbours that "best" in a target means
DROP_CACHES = "/proc/sys/vm/drop_caches"


class FileSystem:
    def __init__(self, name, mount, unmount, init="true", wrong_secret=None):
        self.name = name
        self.commands = {"init": init, "mount": mount, "unmount": unmount,
                         "wrong_secret": wrong_secret}


def emrfs_as(name, emrfs, before=""):
    """emrfs, with BEFORE (variables of a shell) in front of its mount."""
    emrfs = shlex.quote(emrfs)
    return FileSystem(
        name, f"{before} EMRFS_HOME={{back}} {emrfs} mount --passphrase-file {{secret}} {{mnt}}",
        f"EMRFS_HOME={{back}} {emrfs} unmount {{mnt}}",
        # as cheap a key derivation as gocryptfs' -scryptn 10: it is told apart
        init="echo 'kdf = 8,1' >{back}/settings && "
             f"EMRFS_HOME={{back}} {emrfs} init --yes --name Bench --born 1980-01-01 "
             "--passphrase-file {secret} --words-file {tmp}/words",
        wrong_secret=f"EMRFS_HOME={{back}} {emrfs} mount --passphrase-file {{wrong}} {{mnt}}")


def twins(emrfs, late):
    """emrfs, emrfs once more, and emrfs with every request a fifth later (late.c)."""
    return [emrfs_as("emrfs", emrfs), emrfs_as("again", emrfs),
            emrfs_as("late", emrfs, "LD_PRELOAD=" + shlex.quote(late))]


def table(emrfs, pt_ll):
    """Every file system that can be measured here, the base of the ratios first."""
    fuse_end = "fusermount3 -u {mnt}"
    return [
        FileSystem("plain", "mount --bind {back} {mnt}", "umount {mnt}"),
        FileSystem("pt_ll", shlex.quote(pt_ll) + " -o source={back} {mnt}", fuse_end),
        FileSystem("gocryptfs", "gocryptfs -q -nosyslog -passfile {secret} {back} {mnt}", fuse_end,
                   init="gocryptfs -q -nosyslog -init -scryptn 10 -passfile {secret} {back}",
                   wrong_secret="gocryptfs -q -nosyslog -passfile {wrong} {back} {mnt}"),
        FileSystem("securefs", 'securefs mount --background --pass "$(cat {secret})" {back} {mnt}', fuse_end,
                   init="securefs create --pbkdf pkcs5-pbkdf2-hmac-sha256 --rounds 1000 "
                        '--pass "$(cat {secret})" {back}',
                   wrong_secret='securefs mount --background --pass "$(cat {wrong})" {back} {mnt}'),
        emrfs_as("emrfs", emrfs),
    ]


class Failed(Exception):
    """A step that could not be done; the message says which and why."""


def drop_caches():
    os.sync()
    with open(DROP_CACHES, "w", encoding="ascii") as file:
        file.write("3\n")
    time.sleep(0.1)


def wait_for_end(process):
    """Waits for a program by its descriptor: Popen.wait with a limit looks again after up to
    50 ms, which is as long as a mount takes."""
    end = os.pidfd_open(process.pid)
    try:
        if not select.select([end], [], [], LIMIT_S)[0]:
            process.kill()
            raise Failed(f"over {LIMIT_S} s: {process.args}")
    finally:
        os.close(end)
    process.wait()


class Bed:
    """One file system with its directories: what the workloads work on."""

    def __init__(self, file_system, work, fb):
        self.name = file_system.name
        self.commands = file_system.commands
        self.fb_path = fb
        self.back = os.path.join(work, "back-" + self.name)
        self.mnt = os.path.join(work, "mnt-" + self.name)
        self.tmp = os.path.join(work, "tmp-" + self.name)
        self.secrets = {key: os.path.join(work, key) for key in ("secret", "wrong")}
        for path in (self.back, self.mnt, self.tmp):
            os.makedirs(path, exist_ok=True)
        os.chmod(self.back, 0o700)

    def command(self, which):
        return self.commands[which].format(
            back=shlex.quote(self.back), mnt=shlex.quote(self.mnt), tmp=shlex.quote(self.tmp),
            **{key: shlex.quote(path) for key, path in self.secrets.items()})

    def run(self, command, may_fail=False):
        """Runs a shell command; returns (status, seconds, output)."""
        with open(os.path.join(self.tmp, "log"), "a", encoding="utf-8") as log:
            log.write("$ " + command + "\n")
            log.flush()
            began = time.monotonic()
            try:
                done = subprocess.run(command, shell=True, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=log, timeout=LIMIT_S,
                                      text=True, errors="replace", check=False)
            except subprocess.TimeoutExpired as error:
                raise Failed(f"{self.name}: over {LIMIT_S} s: {command}") from error
            seconds = time.monotonic() - began
        if done.returncode != 0 and not may_fail:
            raise Failed(f"{self.name}: status {done.returncode}: {command} (see {self.tmp}/log)")
        return done.returncode, seconds, done.stdout

    def init(self):
        self.run(self.command("init"))

    def is_up(self):
        # not os.path.ismount: a bind mount has the device number of what it shows
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
            return any(line.split()[1].replace("\\040", " ") == self.mnt for line in file)

    def up(self):
        """Mounts and returns the seconds until the directory answered."""
        if self.is_up():
            return 0.0
        began = time.monotonic()
        log = os.path.join(self.tmp, "mount.log")
        # a daemon keeps its descriptors: no pipe to it, or waiting for its end would not end
        with open(log, "a", encoding="utf-8") as out:
            with subprocess.Popen(self.command("mount"), shell=True, stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=out) as mounting:
                wait_for_end(mounting)
        if mounting.returncode != 0:
            raise Failed(f"{self.name}: does not mount, see {log}")
        while not self.is_up():
            if time.monotonic() - began > 20:
                raise Failed(f"{self.name}: no mount after 20 s, see {log}")
            time.sleep(0.001)
        os.stat(self.mnt)
        os.listdir(self.mnt)
        return time.monotonic() - began

    def down(self):
        """Unmounts and waits for the end of the daemon, so that its last writes are done."""
        if not self.is_up():
            return
        for _ in range(50):
            self.run(self.command("unmount"), may_fail=True)
            if not self.is_up():
                break
            time.sleep(0.2)
        else:
            raise Failed(f"{self.name}: does not unmount")
        for _ in range(LIMIT_S * 20):
            if not self.daemons():
                return
            time.sleep(0.05)
        raise Failed(f"{self.name}: its daemon does not end")

    def cold(self):
        """What was read before helps no longer: neither the kernel nor the daemon remembers."""
        self.down()
        drop_caches()
        return self.up()

    def warm_disk(self):
        """A new daemon, but the disk's bytes in memory: what the daemon itself costs."""
        self.down()
        self.run("find {0} -type f -print0 | xargs -0 -r cat > /dev/null".format(
            shlex.quote(self.back)))
        self.up()

    def daemons(self):
        """Processes with the mount point among their arguments; emrfs, which overwrites its own, has its home in its environment."""
        found = []
        home = f"EMRFS_HOME={self.back}".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                with open(f"/proc/{pid}/environ", "rb") as file:
                    words += [word for word in file.read().split(b"\0") if word == home]
                with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                    is_alive = "VmRSS" in file.read()
            except OSError:
                continue
            if is_alive and (self.mnt.encode() in words or home in words) and int(pid) != os.getpid():
                found.append(int(pid))
        return found

    def rss_kib(self):
        total = 0
        for pid in self.daemons():
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        return total

    def forget_peak(self):
        """From now on peak_kib counts: opening itself takes the memory of one key derivation."""
        for pid in self.daemons():
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")

    def peak_kib(self):
        """The most that the daemon has had since forget_peak."""
        total = 0
        for pid in self.daemons():
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
        return total

    def cpu_s(self):
        total = 0
        for pid in self.daemons():
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def fb(self, *words):
        """Runs fb and returns its numbers (None for -)."""
        command = " ".join(shlex.quote(str(word)) for word in (self.fb_path,) + words)
        _, _, out = self.run(command)
        return [None if word == "-" else float(word) for word in out.split()]

    def path(self, *names):
        return os.path.join(self.mnt, *names)

    def seconds(self, *words):
        """Runs a program and returns its seconds."""
        command = " ".join(shlex.quote(str(word)) for word in words)
        return self.run(command + " > /dev/null")[1]

    def shell_seconds(self, command):
        return self.run(command)[1]
