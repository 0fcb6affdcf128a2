#!/bin/bash
# git.sh: a git repository lives in the folder: clone, commits, gc, fsck, and all of it again after a remount.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin git
emr_init
emr_mount
export HOME=$EMR_WORK GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=Ana GIT_AUTHOR_EMAIL=ana@example.org
export GIT_COMMITTER_NAME=Ana GIT_COMMITTER_EMAIL=ana@example.org
origin=$EMR_WORK/origin

# A history with directories, changed, moved and removed files, and something that is no text.
must git init -q -b main "$origin"
for i in $(seq 40); do
	mkdir -p "$origin/d$((i % 7))/e$((i % 3))"
	seq "$i" $((i * 50)) >"$origin/d$((i % 7))/e$((i % 3))/f$i"
	head -c $((i * 977)) /dev/urandom >"$origin/bytes"
	if ((i % 10 == 0)); then
		git -C "$origin" mv "d$(((i - 5) % 7))" "moved$i"
		git -C "$origin" rm -q "d$((i % 7))/e$(((i - 7) % 3))/f$((i - 7))" 2>/dev/null
	fi
	must git -C "$origin" add -A
	must git -C "$origin" commit -q -m "change $i"
done

say "clone into the folder"
must git clone -q --no-local "$origin" "$MNT/clone"
must git -C "$MNT/clone" fsck --full --strict --no-progress
expect "status of the clone" "$(git -C "$MNT/clone" status --porcelain)" ""

say "commits in the folder"
for i in 1 2 3 4 5; do
	date +%s%N >"$MNT/clone/new$i"
	seq $((i * 1000)) >>"$MNT/clone/bytes"
	must git -C "$MNT/clone" add -A
	must git -C "$MNT/clone" commit -q -m "in the folder $i"
done
must git -C "$MNT/clone" checkout -q -b side HEAD~3
must git -C "$MNT/clone" checkout -q main
must git -C "$MNT/clone" gc -q --prune=now
must git -C "$MNT/clone" fsck --full --strict --no-progress
head=$(git -C "$MNT/clone" rev-parse HEAD)

say "the same after a remount"
emr_remount
must git -C "$MNT/clone" fsck --full --strict --no-progress
expect "head" "$(git -C "$MNT/clone" rev-parse HEAD)" "$head"
expect "status" "$(git -C "$MNT/clone" status --porcelain)" ""
must git clone -q --no-local "$MNT/clone" "$EMR_WORK/back"
expect "cloned back" "$(git -C "$EMR_WORK/back" rev-parse HEAD)" "$head"
must diff -r --exclude=.git "$MNT/clone" "$EMR_WORK/back"
emr_unmount
