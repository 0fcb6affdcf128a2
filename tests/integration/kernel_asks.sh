#!/bin/bash
# kernel_asks.sh: counts how often the kernel asks for one operation, how many chunks are decrypted for it, as `emrfs status` counts both,
# and how often the program reads for it, as the kernel counts.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin kernel_asks
emr_init
emr_mount
GROUPS_OF_20=8
python3 - "$MNT" "$EMRFS" "$GROUPS_OF_20" <<'END'
import json, os, subprocess, sys
folder, emrfs, groups = sys.argv[1:]
failed = []

def counts():
    said = subprocess.run([emrfs, "--json", "status"], capture_output=True, check=True, text=True).stdout
    return json.loads(said)["kernel_requests"]

def measure(what, most, work):
    """What is published meanwhile only adds to it, so the least of several counts is that of the work itself."""
    for attempt in range(12):
        before = counts()
        work()
        after = counts()
        found = {kind: after.get(kind, 0) - before.get(kind, 0) for kind in most}
        print(f"- {what}: {found}")
        if all(found[kind] <= most[kind] for kind in most):
            return
    failed.append(f"{what}: {found}, wanted at most {most}")

def path(name):
    return os.path.join(folder, name)

def save(name, size):
    with open(path(name), "wb", buffering=0) as file:
        file.write(os.urandom(size))

def read(name):
    with open(path(name), "rb", buffering=0) as file:
        while file.read(1 << 17):
            pass

names = iter(range(100))
save("first", 100)
measure("a new file of 100 bytes, saved", {"create": 1, "write": 1, "flush": 1, "release": 1, "getxattr": 0, "chunks_opened": 0},
        lambda: save(f"new{next(names)}", 100))
measure("read", {"open": 1, "flush": 0}, lambda: read("first"))
for i in range(20 * int(groups)):
    save(f"many{i}", 100)
if failed:
    sys.exit("\n".join(failed))
END
[ $? -eq 0 ] || emr_fail "kernel_asks"
must "$EMRFS" status --wait=20min >/dev/null
emr_remount
# Three requests, and for each of three blocks the bytes and now and then a page of the index; no section heads.
python3 - "$MNT" "$(emr_pid)" "$GROUPS_OF_20" <<'END'
import os, sys
folder, pid, groups = sys.argv[1:]

def reads():
    return int(next(line for line in open(f"/proc/{pid}/io") if line.startswith("syscr")).split()[1])

least = None
for group in range(int(groups)):
    paths = [os.path.join(folder, f"many{group * 20 + i}") for i in range(20)]
    for path in paths:
        os.stat(path)
    before = reads()
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            file.read(1000)
    found = (reads() - before) / 20
    least = found if least is None else min(least, found)
print(f"- read for the first time after opening: {least} times")
if least > 8:
    sys.exit(f"the program reads {least} times for a small file, wanted at most 8")
END
[ $? -eq 0 ] || emr_fail "reads"
emr_unmount
