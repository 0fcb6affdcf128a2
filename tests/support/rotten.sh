# Sourced after said.sh by tests of rot: compares a folder with flipped bits, and a backup of it, with what was saved. Wants MNT, STATE.
#
# rotten_files WHAT WAS: each file is what it was, or cannot be read; $unreadable says how many cannot.
rotten_files() {
	local file
	unreadable=0
	while IFS= read -r file; do
		if cat "$MNT/$file" >out/bytes 2>/dev/null; then
			cmp "$2/$file" out/bytes || emr_fail "$1: $file shows what was never saved"
		else
			unreadable=$((unreadable + 1))
		fi
	done < <(cd "$2" && find . -type f)
}
# rotten_mount WHAT WAS: opens, or says why not; $mounted is the exit code.
rotten_mount() {
	unreadable=all
	timeout "$EMR_PATIENCE" "$EMRFS" mount --passphrase-file "$EMR_PASS" "$MNT" >out/said 2>out/complained </dev/null
	mounted=$?
	case $mounted in 0 | 1 | 3 | 8) ;; *) emr_fail "$1: mount: exit $mounted, $(cat out/said out/complained)" ;; esac
	if ! mountpoint -q "$MNT"; then
		[ -s out/complained ] || emr_fail "$1: nothing is said"
		return
	fi
	rotten_files "$1" "$2"
	"$EMRFS" unmount --now >out/said 2>&1 </dev/null
	! mountpoint -q "$MNT" || emr_fail "$1: it does not close: $(cat out/said)"
}
# rotten_backup WHAT COPY WAS: $code is the backup's; with 0 everything is restored, with 3 nothing wrong is.
rotten_backup() {
	timeout "$EMR_PATIENCE" "$EMRFS" backup "$2" >out/said 2>out/complained </dev/null
	code=$?
	case $code in 0 | 1 | 3 | 8) ;; *) emr_fail "$1: backup: exit $code, $(cat out/said out/complained)" ;; esac
	[ $code = 0 ] || [ -s out/complained ] || emr_fail "$1: backup: exit $code without a word"
	[ $code = 0 ] || [ $code = 3 ] || return
	rm -rf back && mkdir -m 700 back && cp home/settings back/
	(
		export EMRFS_HOME=$EMR_WORK/back
		timeout "$EMR_PATIENCE" "$EMRFS" init --restore "$2" --passphrase-file "$EMR_PASS" >out/said 2>out/complained </dev/null
		restored=$?
		case $code-$restored in 0-0 | 3-0 | 3-3) ;; *) emr_fail "$1: backup $code, restore $restored: $(cat out/said out/complained)" ;; esac
		was=$mounted-$unreadable
		rotten_mount "$1, restored" "$3"
		[ $code != 0 ] || [ "$mounted-$unreadable" = 0-0 ] ||
			emr_fail "$1: the backup ended with 0; its copy: mount $mounted, $unreadable files unreadable (before: $was)"
	) || exit 1
}
