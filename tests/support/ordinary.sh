# Sourced by tests of servers that an ordinary user runs: as root they go on as such a user, because root has other rights at the server and
# at the mount.  ordinary_user SCRIPT [ARGUMENTS...] returns for an ordinary user; for root it runs SCRIPT as one and ends with its status.
ordinary_user() {
	local scratch status
	if [ "$(id -u)" != 0 ]; then
		"$EMRFS" help >/dev/null 2>&1 || emr_skip "$(id -un) may not run $EMRFS"
		return
	fi
	[ -c /dev/fuse ] || emr_skip "no /dev/fuse"
	scratch=$(mktemp -d) && chown games "$scratch" && mknod -m 666 "$scratch/fuse" c 10 229 || exit 2
	# Where /dev/fuse is root's alone (Debian gives it to everybody), in a space of mounts of this test's own.
	# There, too, a clone below a directory of root's alone (/root) is made one that the user reaches, by the same path.
	CLONE=$(cd "$SUPPORT/../.." && pwd) TMPDIR=$scratch HOME=$scratch unshare -m sh -c 'mount --bind "$TMPDIR/fuse" /dev/fuse || exit 2
		if ! setpriv --reuid=games --regid=games --clear-groups test -r "$CLONE/README.md"; then
			mkdir "$TMPDIR/clone" && mount --bind "$CLONE" "$TMPDIR/clone" && top=${CLONE#/} && mount -t tmpfs -o mode=755 tmpfs "/${top%%/*}" &&
				mkdir -p "$CLONE" && mount --bind "$TMPDIR/clone" "$CLONE" || exit 2
		fi
		exec setpriv --reuid=games --regid=games --clear-groups bash "$0" "$@"' "$@"
	status=$?
	rm -rf "$scratch"
	exit "$status"
}
