#!/bin/bash
# handles.sh: file handles, as servers of NFS and backup programs keep them, open the same file after the kernel has forgotten it, also
# under another name. They open nothing once the file is gone or the folder was closed. And times that a record cannot have become the
# nearest ones, also after the folder was closed.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin handles
[ "$(id -u)" = 0 ] && [ -w /proc/sys/vm/drop_caches ] || emr_skip "handles are opened, and caches dropped, by root alone"
emr_init
emr_mount
mkdir -p "$MNT/Imaging/CT/deep"
echo "a slice" >"$MNT/Imaging/CT/deep/slice"
echo "a letter" >"$MNT/letter"

cat >"$EMR_WORK/handles.py" <<'END'
"""handles.py take|open FOLDER FILE PATH...: takes handles of PATHs into FILE, or opens those in it, caches dropped: what each one says."""
import ctypes, os, pickle, sys
libc = ctypes.CDLL(None, use_errno=True)
what, folder, kept = sys.argv[1:4]


class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]


def take(path):
    handle, mount = Handle(bytes=128), ctypes.c_int()
    if libc.name_to_handle_at(-100, path.encode(), ctypes.byref(handle), ctypes.byref(mount), 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return bytes(handle)


def said(top, raw):
    fd = libc.open_by_handle_at(top, ctypes.byref(Handle.from_buffer_copy(raw)), os.O_RDONLY)
    if fd < 0:
        return os.strerror(ctypes.get_errno())
    try:
        return os.read(fd, 100).decode().strip()
    except IsADirectoryError:
        return " ".join(sorted(os.listdir(fd)))
    finally:
        os.close(fd)


if what == "take":
    with open(kept, "wb") as file:
        pickle.dump([take(path) for path in sys.argv[4:]], file)
else:
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("2\n")
    top = os.open(folder, os.O_RDONLY)
    with open(kept, "rb") as file:
        print(*[said(top, raw) for raw in pickle.load(file)], sep=", ")
END
handles() { python3 "$EMR_WORK/handles.py" "$1" "$MNT" "$EMR_WORK/handles" "${@:2}" || emr_fail "handles $1"; }

say "handles"
handles take "$MNT/Imaging/CT/deep/slice" "$MNT/Imaging/CT/deep" "$MNT/letter" "$MNT"
expect "caches dropped" "$(handles open)" "a slice, slice, a letter, Imaging Inbox letter"
mv "$MNT/Imaging/CT" "$MNT/Imaging/MR"
confirmed_version "$MNT/Imaging/MR/deep/slice" >/dev/null
expect "moved, and on the ledger" "$(handles open)" "a slice, slice, a letter, Imaging Inbox letter"
rm "$MNT/letter"
# As long as the kernel itself has the inode in use it opens what was removed, as every file system lets it.
gone() { [ "$(handles open)" = "a slice, slice, Stale file handle, Imaging Inbox" ]; }
emr_until gone

say "times"
set_times() {
	touch -d '1601-01-01 00:00 UTC' "$MNT/1601"
	touch -d '9999-12-31 00:00 UTC' "$MNT/9999"
	touch -d '1700-01-01 00:00 UTC' "$MNT/1700"
}
times() { (cd "$MNT" && TZ=UTC stat -c '%n %y' 1601 1700 9999 | cut -c1-15 | tr '\n' ' '); }
set_times
years="1601 1677-09-21 1700 1700-01-01 9999 2262-04-11 "
expect "as they were set" "$(times)" "$years"
for f in 1601 1700 9999; do confirmed_version "$MNT/$f" >/dev/null; done
expect "published" "$(times)" "$years"
emr_remount
expect "opened again" "$(times)" "$years"
expect "handles of the time before" "$(handles open | cut -d, -f1-3)" "Stale file handle, Stale file handle, Stale file handle"
emr_kill
emr_mount
expect "after a kill" "$(times)" "$years"
emr_unmount
echo "all is well"
