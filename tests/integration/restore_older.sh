#!/bin/bash
# restore_older.sh: the network's directory has older files of its owner's blocks, or junk under their names, or flipped bits in them.
# init --restore brings from the second copy whatever the directory lacks, and counts what neither has.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin restore_older
TWO_ALONE=1
two_network "São Lucas"
two_home hospital
own=$(head -c 32 hospital/state/device)
hers() { ls "$NET/blocks" | grep -F "$own"; }
keep() { # DIR: what the directory has of her now, for later
	rm -rf "$1" && mkdir "$1" || exit 2
	local name
	for name in $(hers); do must cp "$NET/blocks/$name" "$1/"; done
}
put() { # DIR: as it was then
	local name
	for name in $(hers); do must rm -rf "$NET/blocks/$name"; done
	must cp "$1"/* "$NET/blocks/"
}
saves() { # NAME BYTES
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	head -c "$2" /dev/urandom >"$MNT/Letters/$1" || emr_fail "not saved: $1"
	run 0 status --wait
	rm -rf was && cp -a "$MNT" was
	run 0 unmount
}
loses() { rm -rf hospital/state hospital/cache hospital/run; }
restored() { # EXIT LACKING
	loses
	json "$1" init --restore copy --passphrase-file "$EMR_PASS"
	expect "versions that lack blocks" "$(field lacking)" "$2"
}
whole() { # everything that is in was/ is in the folder
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	must diff -r was "$MNT"
	run 0 status --wait
	run 0 unmount
	run 0 verify --passphrase-file "$EMR_PASS"
}

run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
mkdir "$MNT/Letters"
run 0 unmount
saves first.bin 300000
keep at-first
saves second.bin 700000
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
echo "of this computer only" >"$MNT/Letters/~\$plan.docx" # no ledger has it: it is in her journal
rm -rf was && cp -a "$MNT" was
run 0 unmount
keep at-second
run 0 backup copy
cp -a "$NET" net-then

say "an older file of hers: what it lacks comes from the second copy, and she goes on saving"
put at-first
restored 0 0
[ "$(field versions)" -ge 2 ] || emr_fail "it looked at $(field versions) versions"
whole
[ -z "$(ls -d "$NET"/blocks/before-restore-* 2>/dev/null)" ] || emr_fail "the older file was left"
saves third.bin 1000
whole

say "as much by the 24 words"
rm -rf "$NET" && cp -a net-then "$NET"
rm -rf was && mkdir was
put at-first
loses
json 0 init --restore copy --words-file hospital.words --passphrase-file "$EMR_PASS"
expect "versions that lack blocks" "$(field lacking)" 0
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "bytes" "$(stat -c %s "$MNT/Letters/second.bin")" 700000
must cat "$MNT/Letters/second.bin" >out/second
rm -rf was && cp -a "$MNT" was
run 0 unmount

say "junk under her names, and the mark of a move: neither counts"
rm -rf "$NET" && cp -a net-then "$NET"
for name in $(hers); do rm "$NET/blocks/$name"; done
for i in 3 7 700; do echo "no segment" >"$NET/blocks/seg-$own-$(printf %06d $i).car"; done
mkdir "$NET/blocks/journal-$own.head"
touch "$NET/blocks/.moving-$own"
restored 0 0
whole

say "what she saved after the copy is there still, and a block of before that was changed comes from the copy"
rm -rf "$NET" && cp -a net-then "$NET"
loses
json 0 init --restore copy --passphrase-file "$EMR_PASS"
saves later.bin 400000
touch "$NET/blocks/.moving-$own"
python3 - "$NET/blocks" "$own" <<'END' || emr_fail "nothing to change"
import glob, os, sys
path = sorted(glob.glob("%s/seg-%s-*.car" % tuple(sys.argv[1:])))[0]
with open(path, "r+b") as f:
    data = f.read()
    f.seek(200000) # in first.bin
    f.write(bytes(b ^ 0xff for b in data[200000:200064]))
END
restored 0 0
whole

say "what neither has is counted, is no success, and nothing is thrown away"
put at-first
restored 3 1
says "error"
expect "versions" "$(($(field versions) - $(field lacking) >= 2))" 1
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
for name in first second; do must cmp "was/Letters/$name.bin" "$MNT/Letters/$name.bin"; done
! cat "$MNT/Letters/later.bin" >out/later 2>/dev/null || emr_fail "bytes that nobody has"
run 0 unmount
echo "all is well"
