#!/bin/bash
# nodes.sh: records go to an IPFS node as a CAR. Everything that tools of IPFS give back of them opens again: all of it, a part, one file's
# CID alone, blocks in another order. The tools are a walker that knows the codecs and nothing of emrfs.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
emr_begin nodes
cd "$EMR_WORK" || exit 2
RECORDS=2000

walk() { python3 "$SUPPORT/car_walk.py" "$@" || emr_fail "car_walk $*"; }
cid_of() { getfattr --only-values --absolute-names -n user.emrfs.cid "$MNT/$1"; }
picture() { (cd "$1" && find . -type f -printf '%p %s %T@\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 backup early
for ((d = 0; d < 10; d++)); do must mkdir -p "$MNT/Letters/$d/deep"; done
head -c 600000 /dev/urandom >scan
must cp scan "$MNT/Letters/scan"	# first: it is damaged below, and where the journal still begins before it, that would be damaged, too
for ((f = 0; f < RECORDS; f++)); do echo "letter $f" >"$MNT/Letters/$((f % 10))/deep/$f.txt"; done
run 0 status --wait
json 0 export / all.car
expect records "$(field records)" $((RECORDS + 1))
root=$(field root)
json 0 import all.car
expect "as they were" "$(field records) $(field there)" "0 $((RECORDS + 1))"
find "$MNT/Letters" -type f -exec getfattr --only-values --absolute-names -n user.emrfs.cid {} \; -printf '\n' | sort >cids

say "one root leads to every record, and a node that pins it keeps all"
walk keep all.car kept.car
expect "collected" "$(walk below kept.car | sort | sha256sum)" "$(walk below all.car | sort | sha256sum)"
expect "bytes after a collection" "$(stat -c %s kept.car)" "$(stat -c %s all.car)"
expect "the root" "$(walk names all.car | sed -n 's|^/ ||p')" "$root"
expect "records below the root" "$(walk names all.car | cut -d' ' -f2 | sort -u | comm -12 - <(sort -u cids) | wc -l)" $((RECORDS + 1))
walk export all.car "$root" back.car
walk stir back.car stirred.car 7

say "all of it opens on another computer with the same keyring, whose ledger has none of it"
picture "$MNT/Letters" >wanted
part=$(walk names all.car | sed -n 's|^\(/[0-9a-f]*\)/catalogue .*|\1|p' | sed -n 2p)
walk export all.car "$(walk names all.car | sed -n "s|^$part ||p")" part.car
one=$(cid_of Letters/3/deep/3.txt)
walk export all.car "$one" one.car
run 0 unmount
mine=$EMRFS_HOME
export EMRFS_HOME=$EMR_WORK/elsewhere
run 0 init --restore early --passphrase-file "$EMR_PASS"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
json 0 import stirred.car
expect records "$(field records)" $((RECORDS + 1))
picture "$MNT/Letters" >found
diff wanted found || emr_fail "other files than went out"

say "a part opens with names and places; a content alone has neither, and is said to"
json 0 import part.car Part
[ "$(field records)" -gt 50 ] || emr_fail "a part of $(field records) records"
expect "places" "$(find "$MNT/Part" -type f | grep -cv "^$MNT/Part/Letters/")" 0
json 6 import one.car One
expect error "$(field error)" not-yours
run 0 unmount

say "where the ledger is, a content alone is the record that it was: deleted, or damaged on this disk"
EMRFS_HOME=$mine
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
json 0 import one.car
expect "there" "$(field records) $(field there) $(field mended_records)" "0 1 0"
must rm "$MNT/Letters/3/deep/3.txt"
run 0 status --wait
json 0 import one.car
expect "deleted" "$(field records) $(field there) $(field mended_records)" "1 0 0"
expect "its text" "$(cat "$MNT/Letters/3/deep/3.txt")" "letter 3"
run 0 status --wait
expect "its CID" "$(cid_of Letters/3/deep/3.txt)" "$one"
# Also when it was deleted a moment ago.
just=$(cid_of Letters/4/deep/4.txt)
walk export all.car "$just" just.car
must rm "$MNT/Letters/4/deep/4.txt"
json 0 import just.car
run 0 status --wait
expect "its CID" "$(cid_of Letters/4/deep/4.txt)" "$just"
json 0 import just.car
expect "there" "$(field records) $(field there) $(field mended_records)" "0 1 0"
walk export all.car "$(cid_of Letters/scan)" scan.car
run 0 unmount
python3 - "$EMRFS_HOME"/state/blocks/seg-*.car <<'END' || emr_fail "damage"
import sys
leaf = open("scan.car", "rb").read()[300000:300064]
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    at = data.find(leaf)
    if at >= 0:
        with open(path, "r+b") as segment:
            segment.seek(at)
            segment.write(bytes(b ^ 1 for b in leaf))
        sys.exit(0)
sys.exit(1)
END
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
cmp -s scan "$MNT/Letters/scan" && emr_fail "the damage is not seen"
json 0 import scan.car
expect "mended" "$(field records) $(field there) $(field mended_records) $(field lacking)" "0 1 1 0"
cmp scan "$MNT/Letters/scan" || emr_fail "not mended"
json 8 verify	# the place where the spoilt bytes lie, which is cleared by that
expect "records at fault" "$(python3 -c 'import json; print([b["path"] for b in json.load(open("out/said"))["bad"]])')" "['']"
json 0 verify

say "what was erased since is named, also in a CAR from a node, and comes back by a yes only"
run 0 erase --yes --passphrase-file "$EMR_PASS" Letters/scan
json 13 import back.car
expect error "$(field error)" needs-yes
expect named "$(field erased_paths)" "['Letters/scan']"
[ ! -e "$MNT/Letters/scan" ] || emr_fail "read without a yes"
json 6 import scan.car
json 0 import back.car --yes
expect "by a yes" "$(field records) $(field there)" "1 $RECORDS"
cmp scan "$MNT/Letters/scan" || emr_fail "by a yes"
run 0 unmount
echo "all is well"
