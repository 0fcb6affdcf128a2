# Part of messages.sh: backup and coming back from one.
say "backup"
COPY=$EMR_WORK/copy
met 2 bad-backup backup "$STATE/inside"
met 1 bad-backup backup "$EMR_PASS"
run 0 backup "$COPY"
heard					# same-disk
exec 7>"$COPY/emrfs-data/lock"
flock 7
met 11 in-use backup "$COPY"
exec 7>&-
secret new "another passphrase of hers"
run 0 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file new
heard					# old-keyfile
run 0 passwd --passphrase-file new --new-passphrase-file "$EMR_PASS"
wait $away
grep -q '"ledger-away"' away.said || emr_fail "erase with a ledger that is held: $(cat away.said away.log)"
cat away.said >>"$MET"
EMRFS_HOME=$EMR_WORK/nobody met 1 bad-backup backup "$COPY"
mkdir other-disk && must mount -t tmpfs -o size=1m none other-disk
met 1 disk-full backup other-disk
umount other-disk
rm -rf copy2 && cp -r "$COPY" copy2
flip copy2/emrfs-backup
flip copy2/emrfs-data/list
met 8 bad-data backup copy2
rm -rf copy2 && cp -r "$COPY" copy2
flip "$(ls -S copy2/emrfs-data/seg-* | head -1)"
mkdir -m 700 no-state && EMRFS_HOME=$EMR_WORK/no-state met 8 bad-data backup copy2 --verify
cp -r copy2 copy3
run 0 backup copy3 --verify
heard					# bad-data: written again
cp "$STATE/profile" profile.whole
flip "$STATE/profile"
met 3 bad-data backup copy3
must cp profile.whole "$STATE/profile"

say "coming back"
FIRST_HOME=$EMRFS_HOME
mkdir nothing
home_of back
met 1 bad-backup init --restore nothing --passphrase-file "$EMR_PASS"
met 3 missing-data init --restore copy2 --passphrase-file "$EMR_PASS"	# a block of hers rotted there, and is nowhere else
rm -rf back copy2 && cp -r "$COPY" copy2
home_of back
must "$SUPPORT/flip.py" "$(ls -S copy2/emrfs-data/seg-* | head -1)" pins 2	# not what a record needs
met 3 bad-data init --restore copy2 --passphrase-file "$EMR_PASS"
rm -rf back copy2 && cp -r "$COPY" copy2
home_of back
for keyfile in copy2/emrfs-data/keyfile.*; do flip "$keyfile"; done
met 8 keyfile init --restore copy2 --passphrase-file "$EMR_PASS"
export EMRFS_HOME=$FIRST_HOME
