#!/bin/bash
# fault_proof.sh TOOLS - proves fault_shim by programs whose calls are known.
set -u
tools=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root" "$work/outside"
page=$work/page
export EMR_FAULT_ROOT=$work/root EMR_FAULT_PAGE=$page
shim() { LD_PRELOAD=$tools/libfault_shim.so "$@"; }
control() { "$tools/fault_control" "$page" "$@"; }
expect() { # WHAT FOUND WANTED
	[ "$2" = "$3" ] && return
	echo "not so: $1: $2, expected $3"
	exit 1
}
copy() { shim dd if=/dev/zero of="$1" bs=1000 count=20 conv=fsync status=none 2> "$work/err"; }

copy "$work/root/file"
expect "dd writes 20 times" "$(control count write)" 20
expect "dd flushes once" "$(control count flush)" 1
copy "$work/outside/file"
expect "a file outside is not counted" "$(control count write)" 20

control arm write once 7 ENOSPC
copy "$work/root/file"
expect "dd fails" $? 1
expect "the 7th write fails" "$(stat -c %s "$work/root/file")" 6000
grep -q 'No space left' "$work/err" || expect "dd says so" "$(cat "$work/err")" "No space left"
copy "$work/root/file"
expect "once is once" $? 0

control arm flush after 1 EIO
copy "$work/root/file"
expect "the flush fails" $? 1
copy "$work/root/file"
expect "and the next" $? 1
control off
copy "$work/root/file"
expect "off is off" $? 0

control arm write once 7 ENOSPC
EMR_FAULT_SHORT=1 copy "$work/root/file"
expect "half of a write that does not fit is kept" "$(stat -c %s "$work/root/file")" 20000
control arm all chance 1000000 EIO
shim mv "$work/root/file" "$work/root/moved" 2> "$work/err"
expect "a rename fails" $? 1
[ -e "$work/root/file" ]
expect "and had no effect" $? 0
control arm write chance 300000 EIO 5
for _ in 1 2 3 4 5 6 7 8 9 10; do copy "$work/root/file"; done
failed=$(control count | sed -n 's/^failed //p')
[ "$failed" -ge 5 ] && [ "$failed" -le 10 ]
expect "chance fails some of the time ($failed of 10 copies)" $? 0
echo "fault_shim counts and fails what it must"
