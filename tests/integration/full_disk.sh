#!/bin/bash
# full_disk.sh: the disk that holds the state is full, then refuses to write: the program is told, at write, close or fsync; files that were
# saved before stay whole and readable; and saving works again as soon as there is room.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
emr_begin full
at_end() { umount -l "$EMRFS_HOME" 2>/dev/null; }
must mount -t tmpfs -o size=24m,mode=700 tmpfs "$EMRFS_HOME"
emr_init
page=$EMR_WORK/page
EMR_WRAP="env LD_PRELOAD=$TOOLS/libfault_shim.so EMR_FAULT_ROOT=$EMRFS_HOME EMR_FAULT_PAGE=$page"
emr_mount
src=$EMR_WORK/src
must mkdir "$src" "$MNT/old"
for i in 1 2 3 4 5 6 7 8; do
	head -c $((i * 40000)) /dev/urandom >"$src/$i"
	must cp "$src/$i" "$MNT/old/$i"
done
for i in 1 2 3 4 5 6 7 8; do confirmed_version "$MNT/old/$i" >/dev/null || exit 1; done
old_is_whole() {
	must diff -r "$src" "$MNT/old"
}

# refused WHAT COMMAND...: it fails with the right errno.
refused() {
	local what=$1
	shift
	"$@" 2>"$EMR_WORK/err" >&2 && emr_fail "$what: done on a full disk"
	grep -q "${EMR_WANTED:-No space left}" "$EMR_WORK/err" || emr_fail "$what says: $(cat "$EMR_WORK/err")"
}
say "a copy that is too large, and was removed, is in nobody's way"
head -c 60000000 /dev/urandom >"$EMR_WORK/huge"
refused "a copy of 60 MB" cp "$EMR_WORK/huge" "$MNT/huge"
must rm "$MNT/huge" "$EMR_WORK/huge"
echo small >"$MNT/old/small" || emr_fail "six bytes do not fit"
cp "$MNT/old/small" "$src/small"
confirmed_version "$MNT/old/small" >/dev/null || exit 1
old_is_whole

say "the disk fills up"
i=0
while head -c 1000000 /dev/urandom >"$EMR_WORK/piece" && cp "$EMR_WORK/piece" "$MNT/fill-$i" 2>"$EMR_WORK/err"; do
	cp "$EMR_WORK/piece" "$EMR_WORK/out/fill-$i"
	i=$((i + 1))
	[ $i -lt 60 ] || emr_fail "60 MB fit on 24 MB"
done
[ $i -ge 5 ] || emr_fail "full after $i files"
grep -q 'No space left' "$EMR_WORK/err" || emr_fail "full, but it says: $(cat "$EMR_WORK/err")"
say "full after $i MB: $(cat "$EMR_WORK/err")"
rm -f "$MNT/fill-$i"
old_is_whole

say "saving over old records is refused, and they stay as they were"
head -c 3000000 /dev/urandom >"$EMR_WORK/new"
# Room that is left in the last blocks of the disk is used up first.
dd if=/dev/zero of="$EMRFS_HOME/ballast" bs=4k status=none 2>/dev/null
refused "fsync" dd if="$EMR_WORK/new" of="$MNT/new" bs=64k conv=fsync status=none
refused "rename over" bash -c 'cp "$1" "$2" && mv "$2" "$3"' - "$EMR_WORK/new" "$MNT/three" "$MNT/old/3"
old_is_whole
refused "append" bash -c 'dd if="$1" of="$2" bs=64k oflag=append conv=notrunc,fsync status=none' - "$EMR_WORK/new" "$MNT/old/4"
expect "state of what was refused, still open to reading" "$(cmp -n 160000 "$src/4" "$MNT/old/4" && echo same)" same
dd if=/dev/zero of="$EMRFS_HOME/ballast" bs=4k oflag=append conv=notrunc status=none 2>/dev/null	# what was given back meanwhile
expect "free space that the folder tells" "$(($(stat -f -c '%a * %S' "$MNT") / 1000000))" 0

still_whole() {
	local n
	for n in 1 2 3 5 6 7 8 small; do must cmp "$src/$n" "$MNT/old/$n"; done
	must cmp -n 160000 "$src/4" "$MNT/old/4"
}
still_whole
say "a crash on the full disk loses nothing that was saved"
emr_kill
emr_mount
still_whole

say "with room again saving works again"
rm "$EMRFS_HOME/ballast"
must mount -o remount,size=64m "$EMRFS_HOME"
must cp "$EMR_WORK/new" "$MNT/old/3"
must cp "$src/4" "$MNT/old/4"
cp "$EMR_WORK/new" "$src/3"
confirmed_version "$MNT/old/3" >/dev/null || exit 1
confirmed_version "$MNT/old/4" >/dev/null || exit 1
old_is_whole
for ((n = 0; n < i; n++)); do must cmp "$EMR_WORK/out/fill-$n" "$MNT/fill-$n"; done
emr_remount
old_is_whole
for ((n = 0; n < i; n++)); do must cmp "$EMR_WORK/out/fill-$n" "$MNT/fill-$n"; done

say "the disk answers EIO to everything"
control() { must "$TOOLS/fault_control" "$page" "$@"; }
control arm write,pwrite,fsync,fdatasync after 1 EIO
EMR_WANTED='Input/output error'
refused "fsync" dd if="$EMR_WORK/new" of="$MNT/eio" bs=64k conv=fsync status=none
old_is_whole
control off
EMR_WANTED=
must rm -f "$MNT/eio"
say "and answers again"
emr_kill # a disk that failed once is trusted again only after a fresh start
emr_mount
old_is_whole
must cp "$EMR_WORK/new" "$MNT/after"
confirmed_version "$MNT/after" >/dev/null || exit 1
emr_remount
old_is_whole
must cmp "$EMR_WORK/new" "$MNT/after"
emr_unmount
