#!/bin/bash
# rot_network.sh: bits that flip by themselves in the ledger that several members share.  Whoever has a whole copy puts it right
# for all; a member's backup holds what was verified, keeps what the network has lost of hers, and restores.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin rot_network
LEDGER=$NET/ledger/ledger.sqlite
hers() { ls "$NET"/blocks/seg-"$(head -c 32 "$EMR_WORK/ana/state/device")"-*.car; }
change() { sqlite3 "$1" "$2" || emr_fail "sqlite3: $2"; }
old_entry="UPDATE entries SET entry = substr(entry,1,120) || CASE substr(entry,121,1) WHEN x'aa' THEN x'55' ELSE x'aa' END || substr(entry,122) WHERE seq=(SELECT max(seq)-2 FROM entries)"
a_part="UPDATE parts SET part = substr(part,1,40) || x'aaaa' || substr(part,43) WHERE seq=(SELECT max(seq) FROM parts)"
# whole_again WHO: an open folder of WHO's finds it and puts it right, and saving goes on.
whole_again() {
	two_home "$1"
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	emr_until grep -q ' ledger-mended ' "$MNT/.emrfs/notices"
	json 0 status
	expect "read only" "$(field read_only)" False
	echo "saved after" >>"$MNT/after.txt"
	run 0 status --wait
	run 0 verify --chain
	run 0 unmount
}

two_network "São Lucas"
two_join ana "Ana" patient
two_home ana
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
mkdir "$MNT/Letters"
for i in 1 2 3; do
	echo "letter $i" >"$MNT/Letters/$i.txt"
	run 0 status --wait
done
run 0 unmount

say "an older entry: the member's open folder puts the shared ledger right, and the administrator finds nothing"
change "$LEDGER" "$old_entry"
whole_again ana
as hospital run 0 verify --chain --passphrase-file "$EMR_PASS"
as hospital run 0 backup hospital-copy

say "sealed data of hers, which nobody else keeps: hers puts it right"
change "$LEDGER" "$a_part"
whole_again ana

say "a member's backup of a damaged ledger holds what was verified; it restores when anybody's copy has mended the network's"
two_home ana
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
cp -a "$MNT" was
run 0 unmount
change "$LEDGER" "$old_entry"
json 0 backup copy --verify
expect "mended" "$(field mended)" True
mv ana/state ana-before
run 8 init --restore copy --passphrase-file "$EMR_PASS"
says "The ledger of your network was changed or damaged"
whole_again hospital
two_home ana
run 0 init --restore copy --passphrase-file "$EMR_PASS"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
must diff -r was "$MNT"
run 0 unmount

say "a member's file of blocks is gone, and her pins with it: each backup keeps what the one before had, and it restores"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
rm -rf was && cp -a "$MNT" was
run 0 unmount
run 0 backup kept
lost=$(hers | head -1)
must cp "$lost" lost.car && must rm "$lost"
for ((i = 0; i < 2; i++)); do
	json 3 backup kept
	expect "missing" "$(field missing)" 0
	says "$(basename "$lost")"
done
mv ana/state ana-lost
run 0 init --restore kept --passphrase-file "$EMR_PASS"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
must diff -r was "$MNT"
run 0 unmount
echo "all is well"
