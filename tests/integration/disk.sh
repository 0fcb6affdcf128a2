#!/bin/bash
# disk.sh TABLE: the disk is full, refuses to write, to flush or to be read, or is mounted read-only, and a person goes on working. The exit
# code or errno and the sentence of each action are compared with the rows of TABLE (doc/disk.md), so that the promises there are true.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
table=$1
emr_begin disk
cd "$EMR_WORK" || exit 2
at_end() {
	[ ! -e page ] || "$TOOLS/fault_control" page off
	umount -l "$EMRFS_HOME" "$EMR_WORK/other" 2>/dev/null
}
page=$EMR_WORK/page rows=$EMR_WORK/rows
: >"$rows"
shim="env LD_PRELOAD=$TOOLS/libfault_shim.so EMR_FAULT_ROOT=$EMRFS_HOME EMR_FAULT_PAGE=$page"
head -c 3000000 /dev/urandom >new
control() { must "$TOOLS/fault_control" "$page" "$@"; }
notices() { cat "$MNT/.emrfs/notices" 2>/dev/null; }

# row WHAT RESULT SENTENCE: a line of the table.  How many changes wait is the moment's business: some are saved as soon as
# there is room.
row() {
	local sentence
	sentence=$(sed -E 's/^[1-9][0-9]* changes? (is|are) not safe/N changes are not safe/; s/backup-[0-9]+/BACKUP/' <<<"${3//"$MNT"/DIR}")
	sentence=${sentence//"$EMRFS_HOME"/HOME}
	printf '| %s | %s | %s | %s |\n' "$SCENE" "$1" "$2" "${sentence//"$EMR_WORK"\//}" >>"$rows"
	say "$SCENE, $1: $2: $sentence"
}
# program WHAT COMMAND...: runs a program in the folder; the row has its error, and the notice that comes of it.  A notice about an
# earlier program may come again while emrfs tries again, and does not count.
program() {
	local what=$1 text said=
	shift
	if "$@" >out/said 2>&1; then text="done"; else text=$(sed -n '$s/.*: //p' out/said); fi
	notices | sed 's/^[^ ]* [^ ]* [^ ]* \([^ ]*\) [^:]*: /\1: /' >heard
	said=$(grep -vxFf told heard | head -1)
	cat heard >>told
	row "$what" "$text" "$said"
}
# verb WHAT ARGUMENTS...: a verb, its exit code and its last sentence.
verb() {
	local what=$1 code
	shift
	timeout "$EMR_PATIENCE" ${WRAP:-} "$EMRFS" "$@" >out/said 2>out/complained </dev/null
	code=$?
	row "$what" "exit $code" "$(sed -n 's/^emrfs: //p' out/complained | tail -1 | sed 's/  .*//')"
}
synced() { dd if="$1" of="$2" bs=64k conv=fsync status=none; }
fill() {
	dd if=/dev/zero of="$EMRFS_HOME/ballast" bs=64k oflag=append conv=notrunc status=none 2>/dev/null
	dd if=/dev/zero of="$EMRFS_HOME/ballast" bs=4k oflag=append conv=notrunc status=none 2>/dev/null
}
# A folder with a small and a large record on a disk of its own.
begin() { # SCENE
	SCENE=$1
	: >told
	must mount -t tmpfs -o size=40m,mode=700 tmpfs "$EMRFS_HOME"
	rm -f words*
	emr_init
	EMR_WRAP=$shim emr_mount
	must cp new "$MNT/large"
	echo old >"$MNT/old"
	run 0 status --wait
}
# Closes whatever way it can, and takes the disk away.
end() {
	[ ! -e "$page" ] || control off
	"$EMRFS" unmount --now >/dev/null 2>&1 </dev/null
	! emr_lives || emr_kill
	must umount -l "$EMRFS_HOME"
}
# open_folder does in the open folder what every scene does there.
open_folder() {
	program "fsync" synced new "$MNT/synced"	# first: whatever is said of the disk is said now
	program "save a new file" cp new "$MNT/new"
	program "save over a file" cp new "$MNT/old"
	program "read" cmp new "$MNT/large"
	verb "status" status
	verb "erase" erase --yes --passphrase-file "$EMR_PASS" large
	verb "backup" backup "$EMR_WORK/backup-$RANDOM"
	verb "unmount" unmount
	verb "unmount --now" unmount --now
	emr_await_end || emr_fail "the process stays"
}
closed_folder() {
	WRAP=$shim verb "mount" mount --passphrase-file "$EMR_PASS" "$MNT"
	if mountpoint -q "$MNT"; then
		program "read after mount" cat "$MNT/old"
		WRAP=$shim "$EMRFS" unmount --now >/dev/null 2>&1 </dev/null
	fi
	[ "$SCENE" != full ] || fill
	WRAP=$shim EMRFS_HOME=$EMRFS_HOME/second verb "init" init --yes --name Bea --born 1984-03-12 --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/words-$RANDOM"
}

begin "full"
fill
open_folder
fill
closed_folder
end

begin "refuses to write"
control arm write,pwrite,ftruncate after 1 EIO
open_folder
closed_folder
end

begin "refuses to flush"
control arm fsync,fdatasync after 1 EIO
open_folder
closed_folder
end

# A file that was read before is in memory; so the folder is opened again, on a disk that goes bad then.
begin "cannot be read"
run 0 unmount
emr_await_end || emr_fail "the process stays"
EMR_WRAP=$shim emr_mount
control arm read after 1 EIO
program "read" cmp new "$MNT/large"
verb "status" status
verb "verify" verify
WRAP=$shim verb "backup" backup "$EMR_WORK/backup-unread"
verb "unmount" unmount
emr_await_end || emr_fail "the process stays"
WRAP=$shim verb "mount" mount --passphrase-file "$EMR_PASS" "$MNT"
end

begin "read-only"
control arm write,pwrite,ftruncate,rename,unlink,fsync,fdatasync after 1 EROFS
# A program may meet it first, which is told EROFS, or the folder's own work: then the program is told EIO.
meets() {
	! LC_ALL=C synced new "$MNT/met" 2>out/met || emr_fail "the disk took it"
	grep -qE 'Read-only file system|Input/output error' out/met && notices | grep -q disk-refuses
}
emr_until meets
program "whatever is written first" sh -c 'echo "met: Read-only file system or Input/output error"; exit 1'
open_folder
control off
must mount -o remount,ro "$EMRFS_HOME"
closed_folder
end

grep -E "^\| ($(cut -d'|' -f2 "$rows" | sed 's/^ *//; s/ *$//' | sort -u | paste -sd'|')) \|" "$table" >wanted
diff -u wanted "$rows" || emr_fail "$table says something else than what happens"
say "$(wc -l <"$rows") rows"
