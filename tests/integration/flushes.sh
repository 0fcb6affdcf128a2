#!/bin/bash
# flushes.sh: counts how often the disk is asked to flush: once for each fsync, and not at all for a close. fault_shim counts below the
# program, in all files that it keeps.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin flushes
emr_init
page=$EMR_WORK/page
EMR_WRAP="env LD_PRELOAD=$TOOLS/libfault_shim.so EMR_FAULT_ROOT=$EMRFS_HOME EMR_FAULT_PAGE=$page"
emr_mount
python3 - "$MNT" "$TOOLS/fault_control" "$page" <<'END'
import os, subprocess, sys, time
folder, control, page = sys.argv[1:]
failed = []

def flushes():
    return int(subprocess.run([control, page, "count", "flush"], capture_output=True, check=True, text=True).stdout)

def quiet():
    """Until nothing is flushed in the background for two seconds."""
    seen, since = flushes(), time.monotonic()
    while time.monotonic() - since < 2.2:
        time.sleep(0.1)
        if flushes() != seen:
            seen, since = flushes(), time.monotonic()

def measure(what, wanted, work):
    """Background work only adds flushes, so the least of several counts is that of the work itself."""
    for attempt in range(12):
        quiet()
        before, began = flushes(), time.monotonic()
        work()
        took = time.monotonic() - began
        found = flushes() - before
        print(f"- {what}: {found} flushes in {took * 1000:.0f} ms")
        if wanted[0] <= found <= wanted[1]:
            return
    failed.append(f"{what}: {found}, wanted {wanted[0]} to {wanted[1]}")

def path(name):
    return os.path.join(folder, name)

def write_sync(name, size, flags=os.O_CREAT | os.O_WRONLY | os.O_TRUNC, times=1):
    fd = os.open(path(name), flags, 0o644)
    for i in range(times):
        os.write(fd, os.urandom(size))
        os.fsync(fd)
    os.close(fd)

def create_close():
    for i in range(20):
        with open(path(f"unsynced-{i}"), "wb") as file:
            file.write(os.urandom(3000))

def save_by_rename():
    write_sync("document.tmp", 63884)
    os.rename(path("document.tmp"), path("document"))

def sync_nothing():
    fd = os.open(path("log"), os.O_RDONLY)
    for _ in range(10):
        os.fsync(fd)
    os.close(fd)

measure("the first file of a mount, written and synced", (1, 3), lambda: write_sync("first", 100))
measure("a new small file, written and synced", (1, 1), lambda: write_sync("small", 3000))
measure("ten new small files, each synced", (10, 10), lambda: [write_sync(f"small-{i}", 3000) for i in range(10)])
# A working copy that goes to the spill for the first time flushes that and the row that names it.
measure("50 lines appended to a log, each synced", (50, 52), lambda: write_sync("log", 80, times=50))
measure("a document saved by rename over", (1, 1), save_by_rename)
measure("20 files written and closed", (0, 0), create_close)
measure("synced again without a write", (0, 1), sync_nothing)
if failed:
    sys.exit("\n".join(failed))
END
[ $? -eq 0 ] || emr_fail "flushes"
emr_unmount
