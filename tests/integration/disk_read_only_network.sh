#!/bin/bash
# disk_read_only_network.sh: a member of a network whose directory lies on a disk that takes nothing, with his state or without
# it: his folder opens for reading, and nothing is written where nothing is taken.  Where only his own disk takes nothing, or only
# his mount of the disk of the network, he reads, too, while the others go on.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
. "$SUPPORT/two.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
two_begin disk_read_only_network
at_end() {
	for who in $TWO_MEMBERS; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	umount -l "$EMR_WORK/disk" "$EMR_WORK/ana" 2>/dev/null
}
mkdir -m 700 runtime disk
export XDG_RUNTIME_DIR=$EMR_WORK/runtime
SENTENCE="takes no changes: your records can be read, and nothing is changed."
state_of() { (cd "$1" && find . -printf '%p %y %m %s %T@ %i\n' | sort && find . -type f -exec sha256sum {} + | sort) | sha256sum; }
must mount -t tmpfs -o size=160m,mode=700 tmpfs disk
must mkdir -m 700 ana
must mount -t tmpfs -o size=160m,mode=700 tmpfs ana
printf 'kdf = 8,1\nnotify = none\n' >ana/settings
mkdir ana-folder
NET=$EMR_WORK/disk/net
two_network "São Lucas"
TWO_MEMBERS="$TWO_MEMBERS ana"
two_join ana "Ana Silva" patient
two_home ana
opened() { run 0 mount --passphrase-file "$EMR_PASS" "$MNT"; }
closed() { run 0 unmount; emr_until flock -n "$EMRFS_HOME/state/lock" true; }
head -c 3000000 /dev/urandom >large
opened
must cp large "$MNT/large"
echo saved >"$MNT/note.txt"
run 0 status --wait
closed

reads() { # PLACE
	opened
	says "for reading only"
	says "The disk of $1 $SENTENCE"
	must cmp large "$MNT/large"
	expect "a file" "$(cat "$MNT/note.txt")" saved
	touch "$MNT/new" 2>out/refused && emr_fail "not refused"
	grep -q "Read-only file system" out/refused || emr_fail "$(cat out/refused)"
	json 6 restore note.txt@v1 --to other.txt
	expect "error" "$(field error)" read-only-disk
	json 0 status
	expect "read_only" "$(field read_only)" True
	run 0 verify
	run 0 log --all
	says "note.txt v1"
	rm -rf second
	run 0 backup second
	run 0 backup --verify second
	closed
}

say "the network's directory takes nothing, and the state does"
must mount -o remount,ro disk
before=$(state_of disk)
reads "$NET/blocks"
expect "the network's disk" "$(state_of disk)" "$before"

say "neither does"
must mount -o remount,ro ana
before=$before$(state_of ana)
reads "$EMRFS_HOME/state"
expect "both disks" "$(state_of disk)$(state_of ana)" "$before"

say "the state takes nothing, and the others go on"
must mount -o remount,rw disk
as hospital two_mount hospital
echo new >"$EMR_WORK/hospital-folder/new"
as hospital run 0 status --wait
before=$(state_of ana)
reads "$EMRFS_HOME/state"
echo newer >"$EMR_WORK/hospital-folder/new"
as hospital run 0 status --wait
expect "the own disk" "$(state_of ana)" "$before"

say "when both take changes again all is as before"
must mount -o remount,rw ana
opened
says_not "takes no changes"
must cmp large "$MNT/large"
echo again >"$MNT/note.txt"
run 0 status --wait
expect "saved" "$(attribute state "$MNT/note.txt")" "confirmed 1/1"
closed
as hospital two_unmount hospital

say "only this mount takes nothing, and another writes where it may"
elsewhere() { # TEXT, in the folder of hospital, for which the same disk takes changes
	unshare -m --propagation private bash -c 'mount -o remount,bind,rw "$EMR_WORK/disk" || exit
		"$EMRFS" mount --passphrase-file "$EMR_PASS" "$MNT" || exit
		for i in $(seq 40); do echo "$0" >"$MNT/$0-$i" || exit; done
		"$EMRFS" status --wait && "$EMRFS" unmount' "$1" >out/elsewhere 2>&1 || emr_fail "$(cat out/elsewhere)"
}
export EMR_PASS MNT
must mount -o remount,bind,ro disk
opened
for round in 1 2 3; do
	as hospital elsewhere "$round"
	run 0 verify
	run 0 status
	says_not "damaged"
	must cmp large "$MNT/large"
done
closed
must mount -o remount,bind,rw disk
