#!/bin/bash
# rot_each.sh [PLACES]: one bit flips in every file of a state, then in every file of a backup, one file at a time and in so many places of
# it. A mount shows no wrong byte and names the fault. A backup of a rotten state into a good backup leaves one that restores to the same
# bytes. The next backup writes a rotten file of a backup again (a large one by --verify, which reads it). Nobody is told to update.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/rotten.sh"
emr_begin rot_each
cd "$EMR_WORK" || exit 2
PLACES=${1:-1}
STATE=$EMRFS_HOME/state
LARGE=100000

# places_of FILE: the bytes of it of which one bit flips.  Of a small one where formats have their number, then some in between; of a large one the latter only.
places_of() {
	python3 - "$1" "$PLACES" "$LARGE" <<'END'
import os, sys
n, places = os.path.getsize(sys.argv[1]), int(sys.argv[2])
first = [at for at in (4, 12) if at < n] if n <= int(sys.argv[3]) else []
between = [n * (2 * i + 1) // (2 * places) for i in range(places)]
print(*sorted(set((first + between) if n else [])))
END
}
flip_at() { python3 "$SUPPORT/flip.py" "$1" at "$2" || emr_fail "no bit was flipped in $1"; }
# told WHAT: a sentence, and a true one.
told() {
	! grep -hF -e "newer" -e "Update emrfs" out/said out/complained >&2 || emr_fail "$1: rot is called a newer format"
	! grep -hF "not the passphrase" out/said out/complained >&2 || emr_fail "$1: rot is called a wrong passphrase"
}
# restored WHAT DIR: that backup brings back everything.
restored() {
	rm -rf back && mkdir -m 700 back && cp home/settings back/
	(
		export EMRFS_HOME=$EMR_WORK/back
		timeout "$EMR_PATIENCE" "$EMRFS" init --restore "$2" --passphrase-file "$EMR_PASS" >out/said 2>out/complained </dev/null ||
			emr_fail "$1: init --restore: exit $?, $(cat out/said out/complained)"
		run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
		diff -r was "$MNT" >out/differs || { cat out/differs >&2; emr_fail "$1: the restored folder differs"; }
		run 0 people --json
		grep -q Neighbour out/said || emr_fail "$1: the book of people is lost: $(cat out/said)"
		run 0 unmount
	) || exit 1
}
state_again() { rm -rf "$STATE" && cp -a base "$STATE"; }
copy_again() { rm -rf copy && cp -a good copy; }
# try WANTED... -- ARGUMENTS: the exit code, one of those, in $code.
try() {
	local wanted=" "
	while [ "$1" != -- ]; do wanted+="$1 " && shift; done
	shift
	timeout "$EMR_PATIENCE" "$EMRFS" "$@" >out/said 2>out/complained </dev/null
	code=$?
	[[ $wanted == *" $code "* ]] || emr_fail "$what: emrfs $*: exit $code, $(cat out/said out/complained)"
	told "$what: emrfs $1"
}

emr_init
mkdir -m 700 neighbour && cp "$EMRFS_HOME/settings" neighbour/
(
	export EMRFS_HOME=$EMR_WORK/neighbour
	run 0 init --yes --passphrase-file "$EMR_PASS" --words-file neighbour-words --name Neighbour --born 1970-01-01
	run 0 people card -o card --passphrase-file "$EMR_PASS"
) || exit 1
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 people add card --yes
mkdir "$MNT/Letters"
for i in 1 2 3; do
	echo "letter $i" >"$MNT/Letters/$i.txt"
done
head -c 300000 /dev/urandom >"$MNT/scan.bin"
run 0 status --wait
rm -rf was && cp -a "$MNT" was
run 0 unmount
cp -a "$STATE" base
what=whole
run 0 backup good --verify
restored "a whole backup" good

say "a rotten file of the state: no wrong byte, and the backup that was good stays good"
while IFS= read -r file; do
	for at in $(places_of "base/$file"); do
		what="state/$file at $at"
		state_again && flip_at "$STATE/$file" "$at"
		rotten_mount "$what" was
		told "$what: mount"
		state_again && copy_again && flip_at "$STATE/$file" "$at"
		try 0 1 3 8 -- backup copy
		[ $code = 0 ] || [ -s out/complained ] || emr_fail "$what: backup: exit $code without a word"
		restored "$what, backup $code" copy
		say "$what: mount $mounted, backup $code"
	done
done < <(cd base && find . -type f -size +0 ! -name lock ! -name '*.lock' ! -name log | sort)

say "a rotten file of the backup: the next backup writes it again"
state_again
while IFS= read -r file; do
	for at in $(places_of "good/$file"); do
		what="backup/$file at $at"
		copy_again && flip_at "copy/$file" "$at"
		verify=
		[ "$(stat -c %s "copy/$file")" -le $LARGE ] || verify=--verify
		try 0 3 -- backup copy $verify
		again=$code
		try 0 -- backup copy --verify
		restored "$what" copy
		say "$what: backup $verify: $again"
	done
done < <(cd good && find . -type f -size +0 ! -name README.txt ! -name whole | sort)
