#!/bin/bash
# disk_space.sh: bytes that were written over give their room back while programs go on writing: two files are rewritten in turns so that
# one of them is always open, and the state's directory never has more than twice the bytes that count, 300 MiB, and while that goes on a sixteenth
# of the disk; without it for a moment, no more than the first two.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
. "$SUPPORT/small_disk.sh"
emr_begin space
at_end() { umount -l "$EMRFS_HOME" 2>/dev/null; }
small_disk tmpfs 1600
emr_init
emr_mount
say "two files of 8 MiB, written in turns 50 times each, one of them always open"
must python3 - "$MNT" "$EMRFS_HOME/state" >"$EMR_WORK/space" <<'PYTHON'
import os, sys, time
mnt, state = sys.argv[1:]
SIZE, TURNS, MIB = 8 << 20, 100, 1 << 20
AHEAD = 1600 * MIB // 16
names = [mnt + "/a", mnt + "/b"]

def used():
    total = 0
    for folder, _, files in os.walk(state):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # given back while we look
    return total

def live():
    """What every version that is kept holds, and what is written now."""
    versions = 0
    for name in names:
        try:
            versions += int(os.getxattr(name, "user.emrfs.version"))
        except (OSError, ValueError):
            pass
    return (versions + 2) * SIZE

most, last = 0, None
for turn in range(TURNS):
    fd = os.open(names[turn % 2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    block = os.urandom(MIB)
    for _ in range(SIZE // MIB):
        os.write(fd, block)
        now = used()
        most = max(most, now)
        if now > 2 * live() + 300 * MIB + AHEAD:
            sys.exit(f"turn {turn}: {now // MIB} MiB on the disk for {live() // MIB} MiB")
    if last is not None:
        os.close(last)
    last = fd
os.close(last)
while used() > 2 * live() + 300 * MIB:  # in the lull that follows
    time.sleep(0.1)
print(f"at most {most // MIB} MiB, at the end {used() // MIB} MiB, for {live() // MIB} MiB that count")
PYTHON
sed 's/^/  /' "$EMR_WORK/space"
