#!/bin/bash
# stalled.sh: the disk does not answer. A read of this disk waits until the disk answers, however late: emrfs gives no such read up for
# the time it takes. A person who does not want to wait ends the program; names are listed meanwhile.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin stalled
emr_init
emr_mount
src=$EMR_WORK/src
head -c 3000000 /dev/urandom >"$src"
must cp "$src" "$MNT/scan.bin"
must cp "$src" "$MNT/other.bin"
emr_unmount
export EMR_STALL_WHILE=$EMR_WORK/stall
EMR_WRAP="env LD_PRELOAD=$TOOLS/libstall_shim.so"
emr_mount
# opened NAME FLAG: opens it while the disk answers, says so in NAME.open, and reads it when it does not.
opened() { exec python3 -c 'import mmap, os, sys, time
path, mark, stall, flag = sys.argv[1:]
f = os.open(path, os.O_RDONLY | getattr(os, flag))
open(mark, "w")
while not os.path.exists(stall): time.sleep(0.01)
page = mmap.mmap(-1, 1 << 20)
while True:
    n = os.readv(f, [page])
    if n == 0: break
    sys.stdout.buffer.write(page[:n])' "$MNT/$1" "$EMR_WORK/$1.open" "$EMR_STALL_WHILE" "$2"; }
# One request for each read, where a read through the cache is tried again by the kernel.
opened scan.bin O_DIRECT >"$EMR_WORK/got" 2>"$EMR_WORK/said" &
patient=$!
opened other.bin O_CLOEXEC >/dev/null 2>&1 &
hasty=$!
reached() { [ -e "$EMR_STALL_WHILE.reached" ]; }
both_open() { [ -e "$EMR_WORK/scan.bin.open" ] && [ -e "$EMR_WORK/other.bin.open" ]; }
wait_until() { # COMMAND...: ten minutes at most
	local i
	for ((i = 0; i < 6000; i++)); do "$@" && return; sleep 0.1; done
	emr_fail "never: $*"
}
wait_until both_open
: >"$EMR_STALL_WHILE"
wait_until reached
[ "$(ls "$MNT" | grep -cE "^(other|scan).bin$")" = 2 ] || emr_fail "names wait for the disk"
kill -9 $hasty
has_ended() { ! kill -0 $hasty 2>/dev/null; }
wait_until has_ended
# Nothing tells that a read will not be given up but that time has passed: a read was, after 30 s.
sleep 35
kill -0 $patient || emr_fail "the read was given up: $(cat "$EMR_WORK/said")"
rm "$EMR_STALL_WHILE"
wait $patient || emr_fail "the read failed: $(cat "$EMR_WORK/said")"
must cmp "$EMR_WORK/got" "$src"
must cmp "$MNT/other.bin" "$src"
emr_unmount
