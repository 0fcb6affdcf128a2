#!/bin/bash
# posix.sh: the POSIX table on a mount.
# The tests of other users' rights need a mount that other users may enter; only root may offer it unasked.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin posix
emr_init
# The tests of other users' rights need a mount that other users may enter; only root may offer it unasked.
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$EMR_WORK"
	emr_mount -o allow_other
else
	say "not root: the tests of other users are left out"
	emr_mount
fi
must mkdir "$MNT/posix"
must "$TOOLS/posix_suite" --dir "$MNT/posix" --profile emrfs
must mkdir "$MNT/facts"
must python3 "$SUPPORT/not_there.py" "$MNT/facts" "$SUPPORT/../../doc/manual/emrfs-folder.7.in"
must rm -rf "$MNT/posix" "$MNT/facts"
emr_unmount
