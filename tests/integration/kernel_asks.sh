#!/bin/bash
# kernel_asks.sh: how often the kernel asks for one operation, and how many chunks are decrypted for it, as
# `emrfs status` counts both.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
emr_begin kernel_asks
emr_init
emr_mount
python3 - "$MNT" "$EMRFS" <<'END'
import json, os, subprocess, sys
folder, emrfs = sys.argv[1:]
failed = []

def counts():
    said = subprocess.run([emrfs, "--json", "status"], capture_output=True, check=True, text=True).stdout
    return json.loads(said)["requests"]

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
measure("a new file of 100 bytes, saved", {"create": 1, "write": 1, "flush": 1, "release": 1, "chunks_opened": 0},
        lambda: save(f"new{next(names)}", 100))
measure("read", {"open": 1, "flush": 0}, lambda: read("first"))
if failed:
    sys.exit("\n".join(failed))
END
[ $? -eq 0 ] || emr_fail "kernel_asks"
emr_unmount
