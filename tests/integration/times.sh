#!/bin/bash
# times.sh: programs that look for changes find the same ones as in a plain directory.  restic, borg, tar, find and git's untracked cache
# are asked in both after the same was done there, over unmounting and mounting again, and after the program was killed.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin times
emr_init
emr_mount
PLAIN=$EMR_WORK/plain
export HOME=$EMR_WORK GIT_CONFIG_NOSYSTEM=1 RESTIC_PASSWORD=x RESTIC_CACHE_DIR=$EMR_WORK/restic-cache
export BORG_BASE_DIR=$EMR_WORK/borg BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
mkdir -p "$PLAIN"

both() { # both COMMAND: in either tree
	local top
	for top in "$MNT/t" "$PLAIN/t"; do (cd "$top" && bash -ec "$1") || emr_fail "$top: $1"; done
}

# ask NAME TREE: what each program finds new since it was asked last.
ask() {
	local name=$1 tree=$2 kept=$EMR_WORK/kept-$1
	mkdir -p "$kept"
	(
		cd "$tree" || exit 1
		echo "find:"
		[ ! -e "$kept/asked" ] || find . -newercm "$kept/asked" ! -path './repo/.git*' | sort
		echo "tar:"
		tar -c --listed-incremental="$kept/snar" --no-check-device --exclude=./repo -f "$kept/tar" . && tar -tf "$kept/tar" | grep -v '/$' | sort
		echo "restic:"
		[ -e "$kept/restic" ] || restic -q init -r "$kept/restic" >&2
		restic backup -r "$kept/restic" -v -v --exclude .git . | grep -E '^(new|modified) +/[^,]*[^/],' | sed 's/, saved.*//' | sort
		echo "borg:"
		[ -e "$kept/borg" ] || borg init -e none "$kept/borg" >&2
		borg create --list --filter AME -e '*/.git' "$kept/borg::$(date +%s%N)" . 2>&1 | sort
		echo "git:"
		git -C repo status --porcelain
	) >"$kept/answer" 2>"$kept/errors" || emr_fail "$name: $(cat "$kept/errors")"
	sleep 0.05 # a file system's clock goes in steps
	touch "$kept/asked"
	sleep 0.05
}

same_answers() { # same_answers WHEN [SOMETHING that must be among them]
	ask folder "$MNT/t"
	ask plain "$PLAIN/t"
	diff "$EMR_WORK/kept-plain/answer" "$EMR_WORK/kept-folder/answer" || emr_fail "$1: other answers than in a plain directory"
	[ -z "${2:-}" ] || grep -q "$2" "$EMR_WORK/kept-folder/answer" || emr_fail "$1: nothing found $2"
	# borg reads the newest file always again
	[ -n "${2:-}" ] || [ "$(grep -vc ':$\|^A \|^?? ' "$EMR_WORK/kept-folder/answer")" = 0 ] || emr_fail "$1: $(cat "$EMR_WORK/kept-folder/answer")"
}

# Changes that only ctime, or only a directory's time, tells.
change() {
	both "cp -p old/b old/c; printf '$1....' >old/c; touch -r old/b old/c" # as long as before, and as old
	both "cp -p old/a more/copied-$1"
	both "mv moved/$1 more/; rm gone/$1; chmod 600 old/d; : >empty/$1; mkdir -p made/$1; mv made/in made/$1/"
	both "printf '$1' >repo/sub/new-$1; touch -m -d '2001-02-03 04:05:06' stamped"
	both "printf '$1' >saved.tmp; mv saved.tmp saved; ln -sf '$1' link"
	both "mkdir made/in" # it is moved the next time
}

say "a tree"
mkdir "$MNT/t" "$PLAIN/t"
both 'mkdir old more moved gone empty made made/in stamped repo
	for i in a b c d; do printf "12345..." >old/$i; touch -d "2001-01-0${#i} 00:00" old/$i; done
	for i in first second third fourth; do echo $i >moved/$i; echo $i >gone/$i; done
	echo 1 >saved; ln -s target link
	git init -q repo; mkdir repo/sub; echo known >repo/sub/known; git -C repo config user.name Ana; git -C repo config user.email a@example.org
	git -C repo add -A; git -C repo commit -q -m 1; git -C repo update-index --untracked-cache'
ask folder "$MNT/t"
ask plain "$PLAIN/t"

say "nothing has changed over a mount"
same_answers "asked again"
emr_remount
same_answers "mounted again"

say "what has changed is found after a mount"
change first
emr_remount
same_answers "changed and mounted again" old/c
emr_remount
same_answers "mounted once more"

say "also by a program that asked before the mount"
change second
same_answers "changed" old/c
emr_remount
same_answers "then mounted again"

say "the same after the program was killed"
change third
must "$EMRFS" status --wait "$MNT"
emr_kill
emr_mount
same_answers "changed, on the ledger, killed" old/c
change fourth
emr_kill
emr_mount
same_answers "changed, killed" old/c
emr_kill
emr_mount
same_answers "killed"
emr_unmount
