# Sourced after mount.sh, said.sh and two.sh by tests whose people have other Unix accounts, as on other computers: these cannot enter
# anything in the test's own directory. Only root can be several accounts.
#
#   far_fuse SCRIPT                    first of all, before two_begin: goes on where everybody may open /dev/fuse, else runs SCRIPT there and ends
#   far_account USER                   after two_begin: a home for USER, ${FAR[USER]}, with the file `passphrase`
#   far USER COMMAND...                one command of USER's, in that home
#   far_home USER WHO                  a home of emrfs for WHO, ${FAR[USER]}/WHO, and an empty directory WHO-folder beside it
#   far_as USER WHO COMMAND...         as `as` of two.sh: `run`, `json` and so on are WHO's
#   far_take USER FROM TO              hands the file FROM over: a copy, TO in USER's home
#   far_end                            of at_end: folders are closed, and everything of those accounts removed
declare -A FAR
FAR_PEOPLE=

far_fuse() {
	[ "$(id -u)" = 0 ] || emr_skip "only root can be two accounts"
	[ -z "${FAR_INSIDE:-}" ] || return 0
	# /dev/fuse is everybody's on Debian; where it is not, in a space of mounts of this test's own.
	[ -c /dev/fuse ] || emr_skip "no /dev/fuse"
	local device status
	device=$(mktemp -d) && mknod -m 666 "$device/fuse" c 10 229 || exit 2
	FAR_INSIDE=1 FAR_FUSE=$device unshare -m sh -c 'mount --bind "$FAR_FUSE/fuse" /dev/fuse && exec bash "$0"' "$1"
	status=$?
	rm -rf "$device"
	exit $status
}

far_account() {
	FAR_EMRFS=${FAR_EMRFS:-$EMRFS}
	FAR[$1]=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-far-XXXXXX") && chown "$1:" "${FAR[$1]}" || exit 2
	far "$1" "$FAR_EMRFS" help >/dev/null 2>&1 || emr_skip "$1 may not run $EMRFS"
	far "$1" ls "$EMR_WORK" 2>/dev/null && emr_fail "$1 can look into $EMR_WORK"
	far "$1" sh -c "umask 077; echo 'passphrase of the test' >passphrase"
	printf '#!/bin/bash\nexec %s %q "$@"\n' "$(far_words "$1")" "$FAR_EMRFS" >"$EMR_WORK/far-$1"
	chmod 700 "$EMR_WORK/far-$1"
}

far_words() { echo "setpriv --reuid=$1 --regid=$(id -g "$1") --clear-groups env -C ${FAR[$1]} HOME=${FAR[$1]}"; }

far() {
	local user=$1
	shift
	$(far_words "$user") "$@"
}

far_home() {
	far "$1" mkdir -m 700 "$2" "$2-folder"
	far "$1" sh -c "printf 'kdf = 8,1\nnotify = none\n' >'$2/settings'"
	FAR_PEOPLE="$FAR_PEOPLE ${FAR[$1]}/$2"
}

far_as() {
	local EMRFS=$EMR_WORK/far-$1
	local -x EMRFS_HOME=${FAR[$1]}/$2
	shift 2
	"$@"
}

far_take() { install -m 600 -o "$1" "$2" "${FAR[$1]}/$3"; }

far_end() {
	local who user
	for who in $FAR_PEOPLE; do emr_clear_away "$who" "$who-folder"; done
	[ -n "${EMR_KEEP:-}" ] || for user in "${!FAR[@]}"; do rm -rf "${FAR[$user]}"; done
}
