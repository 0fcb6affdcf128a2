#!/bin/bash
# sparse.sh: a file that is mostly holes keeps its few bytes where they were, and costs only what was written of it.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin sparse
emr_init
emr_mount
src=$EMR_WORK/src
must mkdir "$src"
big=4300000123 # over 4 GiB
pieces="0:100000 1048570:20 2147483640:16 4294967290:12 4294967296:70000 4299999999:124"
sparse() {
	local piece
	truncate -s $big "$1" || return
	for piece in $pieces; do
		head -c "${piece#*:}" <(yes "$piece") | dd of="$1" bs=64k seek="${piece%:*}" oflag=seek_bytes conv=notrunc status=none ||
			return
	done
}
must sparse "$src/sparse"
must sparse "$MNT/sparse"
big_same() {
	local piece
	expect "size $1" "$(stat -c %s "$MNT/sparse")" $big
	for piece in $pieces 1000000:100000 4294900000:200000 $((big - 50000)):50000; do
		must cmp -n "${piece#*:}" -i "${piece%:*}" "$src/sparse" "$MNT/sparse"
	done
}
big_same "as written"
emr_unmount
emr_mount
big_same "after a remount"
emr_unmount

# ---- what it costs ----

model="$SUPPORT/sparse_model.py"
kilobytes() { du -sk "$EMRFS_HOME" | cut -f1; }
allocated() { echo $(($(stat -c %b "$1") / 2)); }
at_most() {
	[ "$2" -le "$3" ] || emr_fail "$1: $2 KiB, wanted at most $3"
}
before=$(kilobytes)
emr_mount
must truncate -s 12G "$MNT/huge"
expect "nothing was written, so nothing is there" "$(allocated "$MNT/huge")" 0
must dd of="$MNT/huge" bs=10 count=1 seek=7G oflag=seek_bytes conv=notrunc status=none <<<"ten bytes."
at_most "after ten bytes" "$(allocated "$MNT/huge")" 512
must confirmed_version "$MNT/huge" >/dev/null
at_most "once it is on the ledger" "$(allocated "$MNT/huge")" 512
expect "where its data is" "$(must python3 "$model" map "$MNT/huge")" "28672-28673"
must cp --sparse=auto "$MNT/huge" "$src/huge"
at_most "a copy out of the folder" "$(allocated "$src/huge")" 512
must cp --sparse=auto "$src/huge" "$MNT/again"
must confirmed_version "$MNT/again" >/dev/null
at_most "a copy into the folder" "$(allocated "$MNT/again")" 1024
must python3 "$model" same 1 "$src/huge" "$MNT/again"
for how in --punch-hole --zero-range --collapse-range --insert-range; do
	said=$(fallocate $how -o 0 -l 1M "$MNT/huge" 2>&1) && emr_fail "done: $how"
	case $said in
	*"not supported"* | *unsupported*) ;;
	*) emr_fail "$how: $said" ;;
	esac
done
must python3 "$model" same 1 "$src/huge" "$MNT/huge"
emr_unmount
at_most "two files of 12 GiB with ten bytes each" $(($(kilobytes) - before)) 6144
emr_mount
at_most "after a remount, before anybody opened it" "$(allocated "$MNT/huge")" 512
expect "where its data is after a remount" "$(must python3 "$model" map "$MNT/huge")" "28672-28673"
expect "the ten bytes" "$(must dd if="$MNT/huge" bs=12 count=1 skip=$(((7 << 30) - 1)) iflag=skip_bytes status=none | tr '\0' .)" \
	".ten bytes.."

# ---- a hole that somebody is just writing to, in the kernel's memory ----

must truncate -s 64M "$MNT/mapped"
must python3 "$model" mapped "$MNT/mapped"

# ---- beside a plain file, through crashes ----

for seed in 1 2 3 4; do
	must python3 "$model" change $seed "$src/plain" "$MNT/random"
	case $seed in
	1) emr_kill && emr_mount ;;
	2) must confirmed_version "$MNT/random" >/dev/null ;;
	3) emr_remount ;;
	*) must sync "$MNT/random" && emr_kill && emr_mount ;;
	esac
	must python3 "$model" same $seed "$src/plain" "$MNT/random"
done
emr_unmount
