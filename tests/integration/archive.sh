#!/bin/bash
# archive.sh: tar, rsync, cp and mv move trees in and out of the folder, and nothing is lost on the way.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin archive
emr_init
emr_mount
src=$EMR_WORK/src

# Everything of a tree that must come through: types, bytes, modes, times to the nanosecond, attributes.
facts() {
	(cd "$1" && find . -mindepth 1 -printf '%y %m %T@ %s %l %p\0' | sed -z 's/^d \([^ ]*\) \([^ ]*\) [0-9]*/d \1 \2 -/' | sort -z | tr '\0' '\n')
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
attributes() {
	(cd "$1" && find . -print0 | sort -z | xargs -0 getfattr -h -d -m "${2:-^user\.test}" 2>/dev/null)
}
same() {
	facts "$src" >"$EMR_WORK/wanted"
	facts "$2" >"$EMR_WORK/found"
	cmp -s "$EMR_WORK/wanted" "$EMR_WORK/found" || {
		diff "$EMR_WORK/wanted" "$EMR_WORK/found" | head -20 >&2
		emr_fail "$1: the trees differ"
	}
}

mkdir -p "$src/a/b/c" "$src/empty" "$src/many"
for size in 0 1 4095 4096 16383 16384 16385 262143 262144 262145 3000000; do
	head -c $size /dev/urandom >"$src/a/size-$size"
done
for i in $(seq 300); do echo "report $i" >"$src/many/report-$i.txt"; done
printf 'x' >"$src/a/b/$(printf 'line\nbreak')"
printf 'y' >"$src/a/b/$(printf 'not-utf8-\377\376')"
ln -s ../size-1 "$src/a/b/link"
ln -s /nowhere "$src/a/dangling"
chmod 400 "$src/a/size-1"
chmod 751 "$src/a/b"
touch -d '1999-12-31 23:59:59.123456789' "$src/a/size-4096" "$src/a/b/c"
touch -h -d '2001-02-03 04:05:06.7' "$src/a/dangling"
# rsync compares whole seconds: nothing here may be as young as its copy.
find "$src" -depth -newermt '2 hours ago' -printf '%p\0' | while IFS= read -rd '' path; do
	touch -h -d "2020-05-06 07:08:$((RANDOM % 60)).$RANDOM" "$path"
done
setfattr -n user.test -v 'first value' "$src/a/size-0" "$src/a/b"

say "tar"
tar -C "$src" --format=posix -cf "$EMR_WORK/t.tar" . || emr_fail "tar c"
must mkdir "$MNT/tar"
must tar -C "$MNT/tar" -xpf "$EMR_WORK/t.tar"
same tar "$MNT/tar"
must tar -C "$MNT/tar" -df "$EMR_WORK/t.tar"
must mkdir "$EMR_WORK/out/tar"
tar -C "$MNT/tar" --format=posix -cf - . | tar -C "$EMR_WORK/out/tar" -xpf - || emr_fail "tar out of the folder"
same "tar out" "$EMR_WORK/out/tar"

say "rsync twice"
must rsync -a "$src/" "$MNT/rsync/"
same rsync "$MNT/rsync"
again=$(rsync -ai --out-format='%i %n' "$src/" "$MNT/rsync/") || emr_fail "rsync again"
expect "the second rsync -a transfers" "$again" ""
again=$(rsync -aci --out-format='%i %n' "$src/" "$MNT/rsync/") || emr_fail "rsync -c"
expect "a third, by checksum, transfers" "$again" ""

say "rsync with attributes"
must rsync -aX "$src/" "$MNT/rsync-x/"
expect "attributes" "$(attributes "$MNT/rsync-x")" "$(attributes "$src")"
again=$(rsync -aXi --out-format='%i %n' "$src/" "$MNT/rsync-x/") || emr_fail "rsync -aX again"
expect "the second rsync -aX transfers" "$again" ""
must rsync -a --inplace --no-whole-file "$src/" "$MNT/rsync-x/"
must rsync -aX --delete "$MNT/rsync-x/" "$EMR_WORK/out/rsync-x/"
same "rsync out" "$EMR_WORK/out/rsync-x"

# The state of a record changes by itself between the two questions of rsync, which takes another length for a failure.
say "a value is as long as its size was told"
must cp "$src/a/size-4095" "$MNT/changing"
confirmed_version "$MNT/changing" >/dev/null
python3 - "$MNT/changing" <<'END' || emr_fail "a value of another length"
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
path, name = sys.argv[1].encode(), b"user.emrfs.state"

def size():
    return libc.lgetxattr(path, name, None, 0)

def value(size):
    room = ctypes.create_string_buffer(size)
    got = libc.lgetxattr(path, name, room, size)
    if got < 0:
        raise OSError(ctypes.get_errno(), f"a value of {size} bytes")
    return room.raw[:got]

def seen_by_others():
    return subprocess.run(["getfattr", "--only-values", "--absolute-names", "-n", name, path], check=True, capture_output=True).stdout

before = value(64)
assert before.startswith(b"confirmed"), before
writer = os.open(path, os.O_WRONLY)
told = size()
os.pwrite(writer, b"more", 10)
assert seen_by_others() == b"pending", seen_by_others()
assert value(told) == before
assert value(told) == b"pending", "the old value was told twice"
told = size()
os.close(writer)
while not seen_by_others().startswith(b"confirmed"):
    pass
assert value(told) == b"pending"
assert value(64).startswith(b"confirmed")
END

say "cp -a"
must cp -a "$src" "$MNT/cp"
same "cp -a" "$MNT/cp"
expect "attributes" "$(attributes "$MNT/cp")" "$(attributes "$src")"
must cp -a "$src/." "$MNT/cp"	# onto what is there already
same "cp -a again" "$MNT/cp"
must cp -a "$MNT/cp" "$MNT/cp2"
same "cp -a within the folder" "$MNT/cp2"

say "who takes every attribute goes out and comes back without a word"
quiet() { "$@" >"$EMR_WORK/out/words" 2>&1 && [ ! -s "$EMR_WORK/out/words" ] || emr_fail "$*: $(cat "$EMR_WORK/out/words")"; }
must mkdir -p "$MNT/every/tar" "$EMR_WORK/out/every/tar"
quiet tar -C "$MNT/cp" --xattrs --xattrs-include='*' --format=posix -cf "$EMR_WORK/every.tar" .
[ "$(grep -ac 'emrfs\.' "$EMR_WORK/every.tar")" = 0 ] || emr_fail "the archive has what emrfs says"
for to in "$EMR_WORK/out/every" "$MNT/every"; do
	quiet tar -C "$to/tar" --xattrs --xattrs-include='*' -xpf "$EMR_WORK/every.tar"
	quiet cp -a "$MNT/cp" "$to/cp"
	quiet cp -r --preserve=all --no-dereference "$MNT/cp" "$to/all"
	quiet rsync -aX "$MNT/cp/" "$to/rsync/"
	for way in tar cp all rsync; do
		same "$way to $to" "$to/$way"
		expect "$way to $to: attributes" "$(attributes "$to/$way" -)" "$(attributes "$src" -)"
	done
done
quiet cp --preserve=mode,timestamps,xattr "$MNT/cp/a/size-0" "$EMR_WORK/out/strict"
must rm -rf "$MNT/every"

say "mv across the border, both ways"
cp -a "$src" "$EMR_WORK/out/moving"
must mv "$EMR_WORK/out/moving" "$MNT/mv"
[ ! -e "$EMR_WORK/out/moving" ] || emr_fail "mv left its source"
same "mv in" "$MNT/mv"
must mv "$MNT/mv" "$EMR_WORK/out/mv"
[ ! -e "$MNT/mv" ] || emr_fail "mv left its source in the folder"
same "mv out" "$EMR_WORK/out/mv"
must mv "$MNT/cp2" "$MNT/mv-inside"
same "mv inside" "$MNT/mv-inside"

say "everything again after a remount"
emr_remount
for copy in tar rsync rsync-x cp mv-inside; do same "$copy after a remount" "$MNT/$copy"; done
expect "attributes after a remount" "$(attributes "$MNT/cp")" "$(attributes "$src")"
again=$(rsync -aXi --out-format='%i %n' "$src/" "$MNT/rsync-x/") || emr_fail "rsync -aX after a remount"
expect "rsync -aX after a remount transfers" "$again" ""
again=$(rsync -ai --out-format='%i %n' "$src/" "$MNT/rsync/") || emr_fail "rsync -a after a remount"
expect "rsync -a after a remount transfers" "$again" ""
must rm -rf "$MNT/tar" "$MNT/cp"
emr_unmount
