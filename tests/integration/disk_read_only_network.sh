#!/bin/bash
# disk_read_only_network.sh: the directory of a network lies on a disk that takes nothing, with its owner's state or without it: the folder
# opens for reading, and nothing is written there.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a small file system of its own needs root"
two_begin disk_read_only_network
at_end() {
	two_end
	umount -l "$EMR_WORK/disk" "$EMR_WORK/hospital" 2>/dev/null
}
mkdir -m 700 runtime disk
export XDG_RUNTIME_DIR=$EMR_WORK/runtime
SENTENCE="takes no changes: your records can be read, and nothing is changed."
state_of() { (cd "$1" && find . -printf '%p %y %m %s %T@ %i\n' | sort && find . -type f -exec sha256sum {} + | sort) | sha256sum; }
must mount -t tmpfs -o size=160m,mode=700 tmpfs disk
must mkdir -m 700 hospital
must mount -t tmpfs -o size=160m,mode=700 tmpfs hospital
printf 'kdf = 8,1\nnotify = none\n' >hospital/settings
mkdir hospital-folder
NET=$EMR_WORK/disk/net TWO_ALONE=1
TWO_MEMBERS=hospital
two_network "São Lucas"
two_home hospital
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
must mount -o remount,ro hospital
before=$before$(state_of hospital)
reads "$EMRFS_HOME/state"
expect "both disks" "$(state_of disk)$(state_of hospital)" "$before"

say "when both take changes again all is as before"
must mount -o remount,rw disk
must mount -o remount,rw hospital
opened
says_not "takes no changes"
must cmp large "$MNT/large"
echo again >"$MNT/note.txt"
run 0 status --wait
expect "saved" "$(attribute state "$MNT/note.txt")" "confirmed 1/1"
closed
