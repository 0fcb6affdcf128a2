#!/bin/bash
# rot_tables.sh: one flipped bit in every column of every table of the ledger and of this computer's own copy of it, and what a
# mount, a backup and a restore make of that.  The databases say which columns there are, so that a new one is asked about, too.  The
# other of the two is whole: the next mount shows everything, and the backup restores to the same bytes.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/rotten.sh"
emr_begin rot_tables
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
mkdir "$MNT/Letters"
for i in 1 2 3 4; do
	echo "letter $i" >"$MNT/Letters/$i.txt"
	run 0 status --wait
done
cp -a "$MNT" was
run 0 unmount
cp -a "$STATE" base

# change FILE TABLE COLUMN ROW: one bit of that column flips in the first, middle or last row (0, 1, 2) that has something in it, as on a
# disk that rots; 3 where no row has.  A number takes the lowest bit from the third on that gives no other row's.
change() {
	python3 - "$@" <<'PY'
import sqlite3, sys
path, table, column, row = sys.argv[1:]
db = sqlite3.connect(path)
keys = [c[1] for c in db.execute(f"PRAGMA table_info({table})")]
rows = db.execute(f"SELECT {', '.join(keys)} FROM {table} WHERE length({column}) > 0 ORDER BY {column}").fetchall()
if not rows:
    sys.exit(3)
whole = rows[(len(rows) - 1) * int(row) // 2]
old = whole[keys.index(column)]
for bit in range(2, 60):
    if isinstance(old, bytes):
        new = bytearray(old)
        new[len(new) // 2] ^= 1 << bit % 8
        new = bytes(new)
    elif isinstance(old, str):
        at = len(old) // 2
        new = old[:at] + chr(ord(old[at]) ^ 1 << bit % 5) + old[at + 1:]
    else:
        new = old ^ 1 << bit
    try:
        db.execute(f"UPDATE {table} SET {column}=? WHERE " + " AND ".join(f"{k} IS ?" for k in keys), (new, *whole))
        break
    except sqlite3.IntegrityError:
        pass
if db.total_changes != 1:
    sys.exit(f"{table}.{column}: {db.total_changes} rows changed")
db.commit()
PY
}
columns() {
	python3 - "$1" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%' ORDER BY 1").fetchall():
    for row in db.execute(f"PRAGMA table_info({table})"):
        print(table, row[1])
PY
}
# one FILE TABLE COLUMN ROW: a look at the folder, then a backup of what was changed, and back.
one() {
	local what="$1, $2.$3, row $4 of 0 to 2"
	rm -rf "$STATE" copy && cp -a base "$STATE"
	change "$STATE/$1" "$2" "$3" "$4"
	case $? in 0) ;; 3) say "$1: $2.$3 is empty" && return ;; *) emr_fail "$what: no bit was flipped" ;; esac
	rotten_mount "$what" was
	rm -rf "$STATE" && cp -a base "$STATE" && change "$STATE/$1" "$2" "$3" "$4"
	rotten_backup "$what" copy was
	[ "$mounted-$unreadable-$code" = 0-0-0 ] || emr_fail "$what: the other one is whole: $(cat out/said out/complained)"
}
asked=0
for file in ledger/ledger.sqlite replica.sqlite; do
	while read -r table column; do
		for row in 0 1 2; do
			# Entries are the whole ledger: each of their places; of what is made of them one row in turn.
			[ "$table" = entries ] || [ $((asked % 3)) = $row ] || continue
			one $file "$table" "$column" $row </dev/null
		done
		asked=$((asked + 1))
	done < <(columns "base/$file")
done
say "$asked columns"
[ $asked -ge 60 ] || emr_fail "the tables were not read"

say "without its own copy a computer makes it again from the ledger"
rm -rf "$STATE" && cp -a base "$STATE" && rm "$STATE"/replica.sqlite*
rotten_mount "no copy" was
expect "no copy" "$mounted-$unreadable" 0-0
echo "all is well"
