# Sourced after mount.sh by tests of a full disk: small disks of several kinds at EMRFS_HOME, and how one is filled.

# small_disk KIND MEGABYTES: tmpfs, ext4 (made with few inodes: ext4-inodes) or btrfs.  Status 1: this computer has no such disk.
# btrfs needs 110 MB at least.
small_disk() {
	local image=$EMR_WORK/image
	[ "$1" != tmpfs ] || {
		must mount -t tmpfs -o "size=${2}m,mode=700" tmpfs "$EMRFS_HOME"
		return 0
	}
	rm -f "$image"
	must truncate -s "${2}M" "$image"
	case $1 in
	ext4) must mkfs.ext4 -q -m 0 "$image" ;;
	ext4-inodes) must mkfs.ext4 -q -m 0 -N 256 "$image" ;;
	btrfs) mkfs.btrfs -q "$image" >/dev/null || return 1 ;;
	esac
	mount -o loop "$image" "$EMRFS_HOME" 2>"$EMR_WORK/out/unmounted" || return 1
	must chmod 700 "$EMRFS_HOME"
}

# fill_disk: no byte and no inode is left.  Room that was freed since the last time is taken, too.
fill_disk() {
	mkdir -p "$EMRFS_HOME/small"
	python3 - "$EMRFS_HOME" <<'PYTHON'
import itertools, os, sys
home = sys.argv[1]
for size in (1 << 20, 65536, 4096, 1):
    with open(home + "/ballast", "ab", buffering=0) as ballast:
        try:
            while size > 1 or os.fstat(ballast.fileno()).st_size % 4096:
                ballast.write(b"\1" * size)
            os.fsync(ballast.fileno())
        except OSError:
            pass
# Small files fill the tables of the file system itself.  Each call takes new names and leaves the files of an earlier one as they are.
for n in itertools.count():
    try:
        with open(f"{home}/small/{os.getpid()}-{n}", "xb", buffering=0) as f:
            f.write(b"\1" * 1500)
    except OSError:
        break
os.sync()
PYTHON
}
# Btrfs says a moment later what became free.
make_room() {
	rm -rf "$EMRFS_HOME/ballast" "$EMRFS_HOME/small"
	sync -f "$EMRFS_HOME"
	emr_until has_room
}
has_room() { [ "$(($(stat -f -c '%a * %S' "$EMRFS_HOME") / 1000000))" -ge 20 ]; }
