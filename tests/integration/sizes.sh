#!/bin/bash
# sizes.sh: files whose sizes lie on every edge of the format.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin sizes
emr_init
emr_mount
src=$EMR_WORK/src
must mkdir "$src"
sizes="0 1 4095 4096 4097 16383 16384 16385 262143 262144 262145 524287 524288 1048575 1048576 1048577 45875199 45875200 45875201"
for size in $sizes; do
	head -c "$size" /dev/urandom >"$src/$size"
	must cp "$src/$size" "$MNT/$size"
done
same() {
	local size
	for size in $sizes; do
		expect "size of $size $1" "$(stat -c %s "$MNT/$size")" "$size"
		must cmp "$src/$size" "$MNT/$size"
	done
}
same "as written"
for size in $sizes; do confirmed_version "$MNT/$size" >/dev/null || exit 1; done
emr_remount
same "after a remount"
for size in $sizes; do # one byte more, and one less than before
	printf 'x' >>"$MNT/$size" && printf 'x' >>"$src/$size" || emr_fail "append to $size"
done
for size in $sizes; do
	must cmp "$src/$size" "$MNT/$size"
	must truncate -s "$((size == 0 ? 0 : size - 1))" "$MNT/$size" "$src/$size"
	must cmp "$src/$size" "$MNT/$size"
done
emr_kill
emr_mount
for size in $sizes; do must cmp "$src/$size" "$MNT/$size"; done
emr_remount
for size in $sizes; do must cmp "$src/$size" "$MNT/$size"; done
say "$(wc -w <<<"$sizes") sizes"

emr_unmount
