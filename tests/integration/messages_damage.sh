# Part of messages.sh: a full disk, and files that were changed or are gone.
say "a full disk, a quota"
FIRST_HOME=$EMRFS_HOME
mkdir small && must mount -t tmpfs -o size=20m,mode=700 none small
home_of small
run 0 init --yes --passphrase-file "$EMR_PASS" --words-file words-small
EMR_FAULT_ROOT=$EMRFS_HOME EMR_FAULT_PAGE=$EMR_WORK/page LD_PRELOAD=$TOOLS/libfault_shim.so \
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
echo "before" >"$MNT/quota.bin"
run 0 status --wait
head -c 3000000 /dev/urandom >big
"$TOOLS/fault_control" page arm write,pwrite,ftruncate after 1 EDQUOT || emr_fail "fault_control"
refused "Disk quota exceeded" dd if=big of="$MNT/quota.bin" bs=1M conv=fsync,notrunc
"$TOOLS/fault_control" page off
noticed quota quota.bin
echo "before" >"$MNT/full.bin"
run 0 status --wait
head -c 30000000 /dev/zero >big
refused "No space left on device" cp big "$MNT/full.bin"
noticed disk-full full.bin
refused "No space left on device" cp big "$MNT/never.bin"
noticed disk-full-new never.bin
"$EMRFS" unmount --now >out/said 2>&1 </dev/null	# some of it is not on the ledger: 4
umount small
export EMRFS_HOME=$FIRST_HOME

say "damaged records"
opened
head -c 2000000 /dev/urandom >"$MNT/Imaging/scan.dcm"
head -c 2000000 /dev/urandom >"$MNT/Imaging/lost.dcm"
run 0 status --wait
closed
whole
run 0 backup "$EMR_WORK/whole-copy"
# In the middle of the larger file's blocks, and everything of the other one cut out.
python3 - "$STATE"/blocks/seg-*.car <<'END' || emr_fail "no segment to damage"
import sys
path = max(sys.argv[1:], key=lambda p: len(open(p, "rb").read()))
data = bytearray(open(path, "rb").read())
for at in range(len(data) // 20, len(data), len(data) // 20):
    data[at] ^= 1
open(path, "r+b").write(data)
END
opened
for file in scan.dcm lost.dcm; do cat "$MNT/Imaging/$file" >out/bytes 2>>out/error; done
grep -qF "Input/output error" out/error || emr_fail "damaged data was read: $(cat out/error)"
sed 's/^/notice: /' "$MNT/.emrfs/notices" >>"$MET"
grep -q ' bad-data Imaging/' "$MNT/.emrfs/notices" || emr_fail "no notice of bad data"
grep -qF "($STATE/blocks)" "$MNT/.emrfs/notices" || emr_fail "bad data, and not where"
grep -qF "emrfs restore --list 'Imaging/" "$MNT/.emrfs/notices" || emr_fail "bad data, and not where earlier versions are"
met 8 bad-data verify
"$EMRFS" unmount --now >out/said 2>&1 </dev/null
again
must "$SUPPORT/flip.py" "$(ls "$STATE"/blocks/seg-*.car | tail -n 1)" frame 1	# what this computer has written down for itself
opened					# journal-damaged
refused "Read-only file system" touch "$MNT/new"
closed
again
# A hole with whole blocks behind it.
biggest=$(ls -S "$STATE"/blocks/seg-*.car | head -1)
dd if=/dev/zero of="$biggest" bs=1k seek=1000 count=700 conv=notrunc status=none
met 3 missing-data backup "$EMR_WORK/damaged-copy"
again
must "$SUPPORT/flip.py" "$biggest" pins 2	# not what a record needs
met 3 bad-data backup "$EMR_WORK/flipped-copy"
again
mv "$biggest" segment-gone
met 3 missing-data backup "$EMR_WORK/whole-copy"	# which keeps what it had
"$EMRFS" mount --json --passphrase-file "$EMR_PASS" "$MNT" >>"$MET" 2>&1 </dev/null && {
	for file in scan.dcm lost.dcm; do cat "$MNT/Imaging/$file" >out/bytes 2>>out/error; done
	sed 's/^/notice: /' "$MNT/.emrfs/notices" >>"$MET"
	"$EMRFS" unmount --now >out/said 2>&1 </dev/null
}
again

say "damaged parts"
part() {	# WANTED-EXIT ID: opening says it
	met "$1" "$2" mount --passphrase-file "$EMR_PASS" "$MNT"
	again
}
say "the ledger is away"
mv "$STATE/ledger" ledger-aside
opened					# ledger-away, since when
refused "No such file" ls "$STATE/ledger"
run 0 backup "$EMR_WORK/own-copy"	# ledger-away, and the own copy goes in instead
heard
run 3 verify
heard
run 0 ledger
heard
echo meanwhile >"$MNT/meanwhile.txt"
cp -a ledger-aside "$STATE/ledger"
run 0 status --wait=2min
grep ' ledger-' "$MNT/.emrfs/notices" | sed 's/^/notice: /' >>"$MET"
closed
again
flip "$STATE/ledger/descriptor" 40
opened					# ledger-damaged: it cannot be used
refused "Read-only file system" touch "$MNT/new"
closed
again
mv "$STATE/ledger" ledger-gone
rm "$STATE"/replica.sqlite*
met 8 ledger-away backup "$EMR_WORK/no-copy"
part 8 ledger-away
flip "$STATE/replica.hw" 20
rm "$STATE/replica.sqlite"
part 8 bad-data
printf 'emrfs store 9\nand more\n' >"$STATE/blocks/format"
part 1 newer-format
grep -q "does not know: version 9, and it reads up to 1\." "$MET" || emr_fail "newer-format does not say by how much"

say "a ledger that went back or was changed"
opened
echo later >"$MNT/later.txt"
run 0 status --wait
closed
rm -rf later-state && cp -a "$STATE" later-state
rm -rf "$STATE/ledger" "$STATE"/replica.sqlite* && cp whole-state/replica.sqlite "$STATE/"
opened					# ledger-away, and the copy lacks the newest entries
closed
rm -rf "$STATE" && cp -a later-state "$STATE"
rm -rf "$STATE/ledger" && cp -a whole-state/ledger "$STATE/ledger"
opened
refused "Read-only file system" touch "$MNT/new"
emr_until grep -q rollback "$MNT/.emrfs/notices"
sed 's/^/notice: /' "$MNT/.emrfs/notices" >>"$MET"
closed
again
for file in "$STATE/ledger/ledger.sqlite" "$STATE/replica.sqlite"; do	# in both: what one of them has whole is put right
python3 - "$file" <<'END' || emr_fail "the ledger could not be damaged"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for table in [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'entr%'")]:
    for column in [c[1] for c in db.execute(f"PRAGMA table_info({table})") if c[2].upper() == "BLOB"]:
        row = db.execute(f"SELECT rowid, {column} FROM {table} WHERE length({column}) > 300 ORDER BY rowid DESC").fetchone()
        if row:
            changed = bytearray(row[1])
            changed[200] ^= 1
            db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (bytes(changed), row[0]))
            db.commit()
            sys.exit(0)
sys.exit(1)
END
done
met 8 bad-data verify --chain --passphrase-file "$EMR_PASS"
opened
refused "Read-only file system" touch "$MNT/new"
emr_until grep -q ' ledger-damaged ' "$MNT/.emrfs/notices"
sed 's/^/notice: /' "$MNT/.emrfs/notices" >>"$MET"
closed
again
