#!/bin/bash
# full_disk_open.sh KIND: a folder on a disk of that kind (tests/support/small_disk.sh) that others filled to the last byte and the
# last inode opens, shows its names and bytes, is verified and closed: after an orderly end and after kill -9, with what emrfs had put
# aside and without it, and when the disk was filled while it was open.  When there is room again everything goes on.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/small_disk.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
kind=$1
emr_begin "full-open-$kind"
cd "$EMR_WORK" || exit 2
at_end() { umount -l "$EMRFS_HOME" 2>/dev/null; }
small_disk "$kind" 140 || emr_skip "$kind: no such disk here: $(cat out/unmounted)"
mkdir -m 700 runtime
export XDG_RUNTIME_DIR=$EMR_WORK/runtime
emr_init
emr_mount
head -c 3000000 /dev/urandom >large
mkdir small
for ((i = 0; i < 20; i++)); do head -c $((i * 700)) /dev/urandom >"small/$i"; done
must cp large "$MNT/large"
must cp -r small "$MNT/"
must ls -lR "$MNT/.emrfs" >/dev/null # who follows .emrfs/consent has a directory Consents made
run 0 status --wait

names() { find "$MNT" -mindepth 1 -not -path '*/.emrfs*' | wc -l; }
begun=$(names)

# reads does what a person does with an open folder, which has ADDED more files by now.
reads() { # ADDED
	echo 3 >/proc/sys/vm/drop_caches
	must cmp large "$MNT/large"
	must diff -r small "$MNT/small"
	expect "names" "$(names)" "$((begun + $1))"
	must getfattr --absolute-names -d -m - "$MNT/small/7" >/dev/null
	must ls -lR "$MNT/.emrfs" >/dev/null
	must cat "$MNT/.emrfs/notices" >/dev/null
	run 0 verify
	says "nothing wrong"
	"$EMRFS" status >out/said 2>&1 </dev/null || [ $? = 1 ] || emr_fail "status: $(cat out/said)"
	run 0 log --all
}
# Blocks that could not be sent may wait; exit 4 of unmount is no error here.
closes() {
	"$EMRFS" unmount >out/said 2>&1 </dev/null || [ $? = 4 ] || emr_fail "unmount: $(cat out/said)"
	emr_await_end || emr_fail "the process did not end after unmount"
}
goes_on() { # NAME
	make_room
	emr_mount
	must cp large "$MNT/$1"
	confirmed_version "$MNT/$1" >/dev/null || exit 1
	must rm "$MNT/$1"
	run 0 status --wait
	reads 0
}

for end in emr_unmount emr_kill; do
	for reserve in whole gone; do
		say "$kind, $end, what was put aside is $reserve"
		"$end"
		[ "$reserve" = whole ] || : >"$EMRFS_HOME/state/reserve"
		fill_disk
		emr_mount
		reads 0
		closes
		goes_on "after-$end-$reserve"
	done
done

say "$kind, filled while it is open"
fill_disk
reads 0
cp large "$MNT/refused" 2>out/refused && emr_fail "3 MB fit on a full disk"
must rm -f "$MNT/refused"
reads 0
sync -f "$EMRFS_HOME"
fill_disk
reads 0
make_room
must cp large "$MNT/later"
confirmed_version "$MNT/later" >/dev/null || exit 1
say "$kind, and nothing put aside, while it is open"
: >"$EMRFS_HOME/state/reserve"
fill_disk
reads 1
make_room
must cp large "$MNT/last"
confirmed_version "$MNT/last" >/dev/null || exit 1
reads 2
emr_unmount
