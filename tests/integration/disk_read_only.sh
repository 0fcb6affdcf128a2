#!/bin/bash
# disk_read_only.sh: a state on a disk that takes nothing opens, shows everything that was saved, refuses every change with EROFS and one
# sentence, and no byte on the disk changes. The disk is mounted read-only after an orderly end, after kill -9, with a torn end and without
# an index; another one refuses from the beginning; a restored copy is seen through a read-only mount.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
emr_begin disk_read_only
cd "$EMR_WORK" || exit 2
page=$EMR_WORK/page
at_end() {
	[ ! -e page ] || "$TOOLS/fault_control" page off
	emr_clear_away "$EMRFS_HOME" "$MNT"
	umount -l "$EMR_WORK/seen" "$EMRFS_HOME" 2>/dev/null
}
mkdir -m 700 runtime
export XDG_RUNTIME_DIR=$EMR_WORK/runtime
SENTENCE="takes no changes: your records can be read, and nothing is changed."
head -c 30000000 /dev/urandom >large
head -c 700000 large >middle
# But for the time of the inode, which SQLite touches as root when it says again whose its log is.
state_of() { (cd "$1" && find . -printf "%p %y %m %s %T@ %i\n" | sort && find . -type f -exec sha256sum {} + | sort) | sha256sum; }
rejects() { # COMMAND...: EROFS
	"$@" >out/refused 2>&1 && emr_fail "not refused: $*"
	grep -q "Read-only file system" out/refused || emr_fail "$*: $(cat out/refused)"
}

# A folder with records of several kinds, all on the ledger.
fill() {
	must cp large "$MNT/large"
	must mkdir -p "$MNT/Imaging/CT"
	must cp "$SAMPLES/CT_small.dcm" "$MNT/Imaging/CT/1.dcm"
	ln -s Imaging "$MNT/link"
	echo first >"$MNT/note.txt"
	must setfattr -n user.colour -v blue "$MNT/note.txt"
	must truncate -s 5M "$MNT/sparse"
	run 0 status --wait
	echo second, longer >"$MNT/note.txt"
	must touch -d '2020-02-03 04:05:06' "$MNT/note.txt"
	run 0 status --wait
	echo gone >"$MNT/gone.txt"
	run 0 status --wait
	must rm "$MNT/gone.txt"
	run 0 status --wait
}

# reads_everything reads as a viewer does, and compares with what was saved.
reads_everything() {
	must cmp large "$MNT/large"
	must cmp "$SAMPLES/CT_small.dcm" "$MNT/Imaging/CT/1.dcm"
	expect "a link" "$(readlink "$MNT/link")" Imaging
	must cmp "$SAMPLES/CT_small.dcm" "$MNT/link/CT/1.dcm"
	expect "the newest version" "$(cat "$MNT/note.txt")" "second, longer"
	expect "its time" "$(stat -c %Y "$MNT/note.txt")" "$(date -d '2020-02-03 04:05:06' +%s)"
	expect "its attribute" "$(getfattr --only-values -n user.colour --absolute-names "$MNT/note.txt")" blue
	expect "its state" "$(attribute state "$MNT/note.txt")" "confirmed 1/1"
	expect "zeros" "$(head -c 5000000 /dev/zero | cmp -n 5000000 - "$MNT/sparse" && stat -c %s "$MNT/sparse")" 5242880
	expect "names" "$(find "$MNT" -mindepth 1 -not -path '*/.emrfs*' -printf '%P\n' | grep -c .)" "$1"
	expect "bytes by a random access" "$(dd if="$MNT/large" bs=1 skip=12345678 count=9 status=none | xxd -p)" \
		"$(dd if=large bs=1 skip=12345678 count=9 status=none | xxd -p)"
	expect "bytes of a mapping" "$(python3 -c 'import mmap,sys
f = open(sys.argv[1], "rb"); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); print(m[20000000:20000032].hex())' "$MNT/large")" \
		"$(dd if=large bs=1 skip=20000000 count=32 status=none | xxd -p -c 64)"
	must df "$MNT" >/dev/null
	must cp -a "$MNT/Imaging" copied
	must diff -r copied/CT "$MNT/Imaging/CT"
	rm -rf copied
	ls "$MNT/.emrfs/at" >/dev/null || emr_fail "no days"
	for name in status log.html; do [ ! -e "$MNT/.emrfs/$name" ] || must cat "$MNT/.emrfs/$name" >/dev/null; done
}

# Every kind of change, by a program and by a verb.
changes_nothing() {
	rejects touch "$MNT/new"
	rejects mkdir "$MNT/newdir"
	rejects rm "$MNT/note.txt"
	rejects rmdir "$MNT/Imaging/CT"
	rejects mv "$MNT/note.txt" "$MNT/other.txt"
	rejects mv "$MNT/note.txt" "$MNT/Imaging/"
	rejects ln -s x "$MNT/newlink"
	rejects ln "$MNT/note.txt" "$MNT/hard"
	rejects chmod 600 "$MNT/note.txt"
	rejects chown 1 "$MNT/note.txt"
	rejects touch -d 2021-01-01 "$MNT/note.txt"
	rejects truncate -s 3 "$MNT/note.txt"
	rejects dd if=/dev/zero of="$MNT/note.txt" count=1 conv=notrunc
	rejects fallocate -l 100 "$MNT/note.txt"
	rejects setfattr -n user.colour -v red "$MNT/note.txt"
	rejects setfattr -x user.colour "$MNT/note.txt"
	rejects mkfifo "$MNT/fifo"
	for change in "restore note.txt@v1 --to back.txt" "restore gone.txt" "erase --yes --passphrase-file $EMR_PASS note.txt" \
		"move note.txt Imaging" "keep --purge" "passwd --passphrase-file $EMR_PASS --new-passphrase-file $EMR_PASS"; do
		# shellcheck disable=SC2086
		json 6 $change
		expect "error of emrfs $change" "$(field error)" read-only-disk
		says "$SENTENCE"
	done
}

# The folder as it is opened, asked, changed and closed.
opens_and_reads() { # NAMES PENDING
	local pid peak
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	says "for reading only"
	says "$SENTENCE"
	reads_everything "$1"
	changes_nothing
	expect "notices" "$(grep -c read-only-disk "$MNT/.emrfs/notices")" 1
	json 0 status
	expect "read_only" "$(field read_only)" True
	expect "pending" "$(field pending)" "$2"
	says "$SENTENCE"
	run 0 verify
	says "nothing wrong"
	run 0 verify --chain
	run 0 log --all
	says "note.txt v2"
	run 0 restore --list note.txt
	says v1
	rm -rf exported second && mkdir exported
	run 0 export "$MNT/Imaging" exported/Imaging.car
	run 0 export "$MNT/note.txt" --proof exported/note.proof
	run 0 backup second
	run 0 backup --verify second
	json 11 mount --passphrase-file "$EMR_PASS" "$MNT"
	run 3 check
	says "takes no changes"
	pid=$(sed -n 's/^pid //p' "$(grep -lxr "folder $MNT" "$XDG_RUNTIME_DIR" | head -1)")
	peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
	say "at most $((peak / 1024)) MiB of memory"
	[ "$peak" -lt $((200 * 1024)) ] || emr_fail "$peak KiB of memory"
	if [ "$2" = 0 ]; then run 0 unmount; else run 4 unmount; fi
	await_gone "$pid"
	run 10 status
	run 0 verify --passphrase-file "$EMR_PASS"
	run 0 log --all --passphrase-file "$EMR_PASS"
	says "note.txt v2"
	run 0 backup second
}
# Nothing on the disk is another.
unchanged() { expect "the disk" "$(state_of "$EMRFS_HOME")" "$before"; }
disk() { must mount -t tmpfs -o size=160m,mode=700 tmpfs "$EMRFS_HOME"; rm -f words*; emr_init; emr_mount; }
remount() { must mount -o "remount,$1" "$EMRFS_HOME"; }

say "after an orderly end"
disk
fill
emr_unmount
remount ro
before=$(state_of "$EMRFS_HOME")
opens_and_reads 8 0
unchanged
expect "what is left in the runtime directory" "$(find runtime -type f)" ""

say "what was saved before the disk took nothing is there after kill -9, and what was half written, too"
remount rw
emr_mount
echo unsent >"$MNT/unsent.txt"
sync "$MNT/unsent.txt"
exec 7>"$MNT/written"
head -c 700000 large >&7
sync "$MNT/written"
emr_kill
exec 7>&-
cp -a "$EMRFS_HOME" killed
remount ro
before=$(state_of "$EMRFS_HOME")
json 10 status
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "saved and not sent" "$(cat "$MNT/unsent.txt")" unsent
must cmp middle "$MNT/written"
run 4 unmount
says "unsent.txt"
await_gone "$(emr_holder "$EMRFS_HOME" | grep . || echo 0)"
json 0 mount --passphrase-file "$EMR_PASS" "$MNT"
pending=$("$EMRFS" status --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["pending"])')
run 4 unmount
opens_and_reads 10 "$pending"
unchanged
say "$pending wait for the ledger; they are sent when it takes changes"
remount rw
emr_mount
run 0 status --wait
expect "confirmed" "$(attribute state "$MNT/unsent.txt")" "confirmed 1/1"
must cmp middle "$MNT/written"
emr_unmount

say "a torn end, a lost and a damaged index, a lock that was never made"
cp -a killed/. "$EMRFS_HOME"
segment=$(find "$EMRFS_HOME/state/blocks" -name 'seg-*.car' | sort | tail -1)
head -c 5000 /dev/urandom >>"$segment"
rm -f "$EMRFS_HOME/state/blocks/index.sqlite"* "$EMRFS_HOME/state/lock"
remount ro
before=$(state_of "$EMRFS_HOME")
opens_and_reads 10 "$pending"
unchanged
remount rw
cp -a killed/state/blocks/index.sqlite* "$EMRFS_HOME/state/blocks/"
python3 "$SUPPORT/flip.py" "$EMRFS_HOME/state/blocks/index.sqlite" 100 2>/dev/null ||
	printf '\377\377\377\377' | dd of="$EMRFS_HOME/state/blocks/index.sqlite" bs=1 seek=100 conv=notrunc status=none
rm -f "$EMRFS_HOME/state/blocks/index.sqlite-wal"
remount ro
before=$(state_of "$EMRFS_HOME")
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
reads_everything 10
run 4 unmount
unchanged
umount -l "$EMRFS_HOME"

say "a disk that refuses every write, or every flush, from the beginning"
disk
fill
emr_unmount
for refused in write,pwrite,ftruncate,rename,unlink fsync,fdatasync; do
	emr_mount
	echo unsent >"$MNT/unsent.txt"
	sync "$MNT/unsent.txt"
	emr_kill
	must "$TOOLS/fault_control" "$page" arm "$refused" after 1 EIO
	before=$(state_of "$EMRFS_HOME/state/blocks") ledger=$(state_of "$EMRFS_HOME/state/ledger")
	LD_PRELOAD=$TOOLS/libfault_shim.so EMR_FAULT_ROOT=$EMRFS_HOME/state EMR_FAULT_PAGE=$page \
		run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	says "$SENTENCE"
	reads_everything 9
	expect "what was not sent" "$(cat "$MNT/unsent.txt")" unsent
	rejects touch "$MNT/new"
	"$EMRFS" unmount >/dev/null 2>&1
	emr_until flock -n "$EMRFS_HOME/state/lock" true
	must "$TOOLS/fault_control" "$page" off
	expect "$refused: the blocks" "$(state_of "$EMRFS_HOME/state/blocks")" "$before"
	expect "$refused: the ledger" "$(state_of "$EMRFS_HOME/state/ledger")" "$ledger"
	emr_mount
	run 0 status --wait
	must rm "$MNT/unsent.txt"
	emr_unmount
done

say "a backup that was restored, seen through a read-only mount of its directory"
rm -rf second
run 0 backup "$EMR_WORK/second"
umount -l "$EMRFS_HOME"
mkdir -m 700 restored seen
printf 'kdf = 8,1\n' >restored/settings
EMRFS_HOME=$EMR_WORK/restored run 0 init --restore "$EMR_WORK/second" --yes --passphrase-file "$EMR_PASS"
must mount --bind restored seen
must mount -o remount,ro,bind seen
export EMRFS_HOME=$EMR_WORK/seen
before=$(state_of "$EMRFS_HOME")
opens_and_reads 8 0
unchanged
must umount seen
