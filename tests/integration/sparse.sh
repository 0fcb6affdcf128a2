#!/bin/bash
# A file of more than 4 GiB that is mostly holes keeps its few bytes where they were.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
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
