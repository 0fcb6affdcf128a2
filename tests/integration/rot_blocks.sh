#!/bin/bash
# rot_blocks.sh: one flipped bit in each kind of bytes that the block store keeps - contents, nodes, frames of the journal, pins,
# a section's head, the index, the journal's head - and what a mount, a backup and a restore make of it.  A file reads as
# it was saved, or with an error; a backup that ends with 0 restores to the same bytes, file for file.  Verify, backup and restore count
# the same files as gone.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/rotten.sh"
emr_begin rot_blocks
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
mkdir "$MNT/Letters"
for i in $(seq 24); do	# an orderly end writes the journal's head when there is enough before it
	echo "letter $i" >"$MNT/Letters/$i.txt"
	run 0 status --wait
done
head -c 300000 /dev/urandom >"$MNT/scan.dcm"
run 0 status --wait
cp -a "$MNT" was
run 0 unmount
cp -a "$STATE" base
HEAD=$(basename "$STATE"/blocks/journal-*.head)
[ -e "$STATE/blocks/$HEAD" ] || emr_fail "the journal has no head yet: more must be saved before"
expect "segments" "$(ls "$STATE"/blocks/seg-*.car | wc -l)" 1

# one WHAT WANTED-OF-BACKUP COMMAND...: the command flips; a look at the folder, then a backup of what was flipped, and back.
one() {
	local what=$1 wanted=$2
	shift 2
	rm -rf "$STATE" copy && cp -a base "$STATE"
	"$@" || emr_fail "$what: no bit was flipped"
	rotten_mount "$what" was
	rm -rf "$STATE" && cp -a base "$STATE" && "$@"
	rotten_backup "$what" copy was
	[[ $code =~ ^($wanted)$ ]] || emr_fail "$what: backup ended with $code: $(cat out/said out/complained)"
	say "$what: mount ended with $mounted, $unreadable of 25 files unreadable; backup with $code"
}
segment() { "$SUPPORT/flip.py" "$STATE"/blocks/seg-*.car "$@"; }
byte() { # FILE OFFSET-PERCENT
	python3 - "$1" "$2" <<'PY'
import os, sys
at = os.path.getsize(sys.argv[1]) * int(sys.argv[2]) // 100
with open(sys.argv[1], "r+b") as f:
    f.seek(at)
    byte = f.read(1)[0]
    f.seek(at)
    f.write(bytes([byte ^ 4]))
PY
}
one "a content" 3 segment leaf
one "a node" 3 segment node 2
one "the last frame of the journal" "0|3" segment frame 1
one "an earlier frame of the journal" 3 segment frame 3
one "the last pins" "0|3" segment pins 1
one "earlier pins" 3 segment pins 3
one "a section's head" 3 segment head
for at in 1 20 40 60 80 99; do one "the index at $at %" 0 byte "$STATE/blocks/index.sqlite" $at; done
for at in 0 30 60 95; do one "the journal's head at $at %" 0 byte "$STATE/blocks/$HEAD" $at; done

say "blocks of an earlier and of a deleted version are gone: verify, backup and restore count the same"
rm -rf "$STATE" copy && cp -a base "$STATE"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 export scan.dcm out/earlier.car
run 0 export Letters/1.txt out/deleted.car
echo "another" >"$MNT/scan.dcm"
rm "$MNT/Letters/1.txt"
run 0 status --wait
run 0 verify
run 0 unmount
for car in earlier deleted; do
	[ "$("$SUPPORT/take_blocks.py" "$STATE/blocks" out/$car.car)" -gt 0 ] || emr_fail "nothing was taken away"
done
json 8 verify --passphrase-file "$EMR_PASS"
expect "verify" "$(grep -o '"missing-data"' out/said | wc -l)" 2
json 3 backup copy
expect "backup" "$(field missing)" 2
rm -rf back && mkdir -m 700 back && cp home/settings back/
(
	export EMRFS_HOME=$EMR_WORK/back
	json 3 init --restore copy --passphrase-file "$EMR_PASS"
	expect "restore" "$(field lacking)" 2
) || exit 1
echo "all is well"
