#!/bin/bash
# backup_same_disk.sh: a backup on another partition or volume of the disk that has the records, or on the disk that has a mounted file with
# them in it, is lost together with them: emrfs says that it is no second copy.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ "$(id -u)" -eq 0 ] || emr_skip "a disk with two partitions needs root"
emr_begin backup_same_disk
cd "$EMR_WORK" || exit 2
loop=
at_end() {
	umount "$EMRFS_HOME" "$EMR_WORK/other" 2>/dev/null
	[ -z "$loop" ] || losetup -d "$loop"
	case ${EMR_OTHER_DISK:-} in /dev/shm/emrfs-*) rm -rf "$EMR_OTHER_DISK" ;; esac
}
must truncate -s 64M disk
loop=$(losetup --partscan --show --find disk) || emr_skip "no loop device"
# The kernel is told where the partitions are: not every one reads a table of them.
must addpart "$loop" 1 2048 61440
must addpart "$loop" 2 63488 61440
for n in 1 2; do must mkfs.ext4 -q "${loop}p$n"; done
mkdir other
must mount "${loop}p1" "$EMRFS_HOME"
must mount "${loop}p2" other
must chmod 700 "$EMRFS_HOME"
other_disk
emr_init

# copied DIR IS_SAME: what backup says of it, and status afterwards.
copied() {
	local is_second=True
	[ "$2" = False ] || is_second=False
	json 0 backup "$1/copy"
	expect "$1: same disk" "$(field same_disk)" "$2"
	json 10 status
	expect "$1: second copy" "$(field second_copy)" "$is_second"
	must rm -r "$1/copy"
}
say "the other partition"
copied other True
say "the disk that has the mounted file"
copied . True
say "another disk"
copied "$EMR_OTHER_DISK" False

# Not every kernel has volumes: the program alone is shown a /sys in which both file systems are volumes.
cat >volumes <<'SCRIPT'
#!/bin/bash
[ -n "${IS_INSIDE:-}" ] || IS_INSIDE=1 exec unshare --mount "$0" "$@"
mount -t tmpfs tmpfs /sys/dev/block || exit 99
while read -r volume disk; do
	mkdir -p "/sys/dev/block/$volume/slaves/disk" && echo "$disk" >"/sys/dev/block/$volume/slaves/disk/dev" || exit 99
done <"$VOLUMES"
exec "$PROGRAM" "$@"
SCRIPT
chmod +x volumes
# volumes_of DISK DISK: of which disks the two file systems are.
volumes_of() {
	printf '%s %s\n' "$(mountpoint -d "$EMRFS_HOME")" "$1" "$(mountpoint -d other)" "$2" >disks
}
export PROGRAM=$EMRFS VOLUMES=$EMR_WORK/disks
EMRFS=$EMR_WORK/volumes
say "another volume of the disk"
volumes_of 252:0 252:0
copied other True
say "a volume of another disk"
volumes_of 252:0 252:16
copied other False
