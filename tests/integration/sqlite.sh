#!/bin/bash
# sqlite.sh: a database in the folder under load, in both journal modes: its writer is killed, the mount is killed, and it stays whole with
# everything that was committed.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin sqlite
emr_init
emr_mount
export MNT

# One writer: each transaction inserts a row and moves a sum, then notes outside what was committed.
writer() { # DATABASE LOG FROM
	local i=$3
	while :; do
		# Never a new file: when the mount has just been killed, that would lie below it.
		sqlite3 -cmd '.timeout 100000' "file:$1?mode=rw" "PRAGMA synchronous=FULL; BEGIN IMMEDIATE;
			INSERT INTO rows VALUES($i, hex(randomblob(400)));
			UPDATE total SET n = n + 1; COMMIT;" 2>>"$EMR_WORK/sqlite.err" || return
		echo "$i" >>"$2"
		i=$((i + 1))
	done
}

check() { # DATABASE LOG
	local committed
	expect "integrity of $1" "$(sqlite3 -cmd '.timeout 100000' "$1" 'PRAGMA integrity_check;')" ok
	# One question: a writer's last child may have been born when its parent was killed, and still works.
	expect "rows and their sum" "$(sqlite3 -cmd '.timeout 100000' "$1" 'SELECT count(*) - (SELECT n FROM total) FROM rows;')" 0
	committed=$(sqlite3 -cmd '.timeout 100000' "$1" 'SELECT id FROM rows ORDER BY id;')
	[ -z "$(comm -23 <(sort "$2") <(sort <<<"$committed"))" ] || emr_fail "$1 lost rows that were committed"
}

for mode in delete wal; do
	say "journal mode $mode"
	db=$MNT/$mode.db log=$EMR_WORK/$mode.log
	: >"$log"
	expect "the mode" "$(sqlite3 "$db" "PRAGMA journal_mode=$mode; CREATE TABLE rows(id INTEGER PRIMARY KEY, t);
		CREATE TABLE total(n); INSERT INTO total VALUES(0);")" "$mode"
	for round in 1 2 3; do
		writer "$db" "$log" $((round * 100000)) &
		one=$!
		writer "$db" "$log" $((round * 100000 + 50000)) &
		two=$!
		sleep 1.5
		for ((i = 0; i < 1000; i++)); do [ "$(wc -l <"$log")" -lt $((round * 3)) ] || break; sleep 0.1; done
		for each in "$one" "$two"; do
			child=$(cat "/proc/$each/task/$each/children")
			# shellcheck disable=SC2086
			kill -KILL "$each" $child 2>/dev/null
			wait "$each" 2>/dev/null
		done
		check "$db" "$log"
	done
	[ "$(wc -l <"$log")" -ge 5 ] || emr_fail "only $(wc -l <"$log") transactions: this was no load"
	say "$(wc -l <"$log") transactions; and now the mount is killed under it"
	writer "$db" "$log" 900000 &
	one=$!
	sleep 1
	for ((i = 0; i < 1000; i++)); do ! grep -q '^9' "$log" || break; sleep 0.1; done
	emr_kill
	wait "$one" 2>/dev/null
	emr_mount
	check "$db" "$log"
	sqlite3 "$db" 'VACUUM;' || emr_fail "vacuum"
	check "$db" "$log"
	emr_remount
	check "$db" "$log"
done

say "scratch files of a database are nobody's record"
sqlite3 "$MNT/wal.db" >/dev/null <<'END' || emr_fail "a look at the scratch files"
PRAGMA journal_mode=wal;
INSERT INTO rows VALUES(999999, 'x'); UPDATE total SET n = n + 1;
.shell getfattr --only-values --absolute-names -n user.emrfs.state "$MNT/wal.db-wal" "$MNT/wal.db-shm" >"$EMR_WORK/states"
END
expect "their state" "$(cat "$EMR_WORK/states")" locallocal
emr_unmount
