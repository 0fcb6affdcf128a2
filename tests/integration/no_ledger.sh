#!/bin/bash
# no_ledger.sh: own records open without ledger, certificate or network. The ledger is taken away, or something else is put in its place, in
# every way a person or a disk may do it. Saved files are read bit for bit; files that are saved meanwhile wait, and are sent when the
# ledger is back.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin no_ledger
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state LEDGER=$EMRFS_HOME/state/ledger
open_folder() { run 0 mount --passphrase-file "$EMR_PASS" "$@" "$MNT"; }
entries() { sqlite3 "$LEDGER/ledger.sqlite" 'SELECT count(*) FROM entries'; }
same() { diff -r "$1" "$MNT" >out/differs || { cat out/differs >&2; emr_fail "$2: the folder differs"; }; }
status_says() { json 0 status; expect "$1: read only" "$(field read_only)" "$2"; expect "$1: error" "$(field ledger.error)" "$3"; }

emr_init
open_folder
mkdir -p "$MNT/Imaging/2026" "$MNT/Letters"
head -c 3000000 /dev/urandom >"$MNT/Imaging/2026/big.dcm"
head -c 63884 /dev/urandom >"$MNT/Imaging/report.pdf"
echo "first" >"$MNT/Letters/letter.txt"
: >"$MNT/Letters/empty"
ln -s ../Letters/letter.txt "$MNT/Imaging/link"
run 0 status --wait
echo "second" >"$MNT/Letters/letter.txt"
run 0 status --wait
run 0 unmount
cp -a "$LEDGER" rewound		# one version short of what follows
cp -a "$STATE/replica.sqlite" earlier-own
mkdir watchers && cp -a "$STATE"/replica.* watchers/
open_folder
echo "third" >"$MNT/Letters/letter.txt"
run 0 status --wait
cp -a "$MNT" was
run 0 unmount
cp -a "$STATE" base
SIZE=$(entries)
again() { rm -rf "$STATE" && cp -a base "$STATE"; }

mend() { rm -rf "$LEDGER" && cp -a base/ledger "$LEDGER"; }
gone() { rm "$LEDGER"/ledger.sqlite*; }
no_directory() { rm -rf "$LEDGER"; }
emptied() { : >"$LEDGER/ledger.sqlite"; }
no_database() { head -c 40000 /dev/urandom >"$LEDGER/ledger.sqlite"; }
foreign() { rm -rf "$LEDGER" && cp -a foreign-ledger "$LEDGER"; }
rewound() { rm -rf "$LEDGER" && cp -a rewound "$LEDGER"; }

say "a ledger of somebody else, for later"
(
	export EMRFS_HOME=$EMR_WORK/other
	mkdir -m 700 other && cp home/settings other/
	"$EMRFS" init --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/other-words" >out/said 2>&1
) || emr_fail "a second keyring"
cp -a other/state/ledger foreign-ledger

# change saves without the ledger; the folder must show it from then on.
change() {
	echo "new" >"$MNT/Letters/new.txt"
	echo "fourth" >"$MNT/Letters/letter.txt"
	printf 'in the middle' | dd of="$MNT/Imaging/2026/big.dcm" bs=1 seek=1000000 conv=notrunc,fsync status=none
	mv "$MNT/Imaging/report.pdf" "$MNT/Letters/moved.pdf"
	mkdir "$MNT/Later" && echo "deep" >"$MNT/Later/deep.txt"
	rm "$MNT/Letters/empty"
}

for cause in gone; do
	say "the ledger is away: $cause"
	again && $cause
	run 10 status
	says "cannot be reached since"
	json 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	expect "$cause: mount says why" "$(field ledger_error)" ledger-away
	same was "$cause"
	status_says "$cause" False ledger-away
	since=$(field ledger.away_at)
	expect "$cause: size as verified" "$(field ledger.size)" "$SIZE"
	run 0 status
	says "$LEDGER"
	emr_until grep -q "ledger-away" "$MNT/.emrfs/notices"
	json 3 verify
	expect "$cause: verify" "$(field error) $(field bad) $(field chain.reached)" "ledger-away [] False"
	json 0 ledger
	expect "$cause: entries" "$(field reached) $(grep -o '"index":[0-9]*' out/said | head -1)" "False \"index\":$((SIZE - 1))"
	change
	cp -a "$MNT" changed
	json 0 status
	[ "$(field pending)" -ge 5 ] || emr_fail "$cause: only $(field pending) changes wait"
	run 0 status
	says "waiting for the ledger"
	json 0 restore Letters/letter.txt@v1 --to Letters/old.txt
	expect "$cause: an earlier version" "$(cat "$MNT/Letters/old.txt")" first
	cp "$MNT/Letters/old.txt" changed/Letters/
	json 0 copies Letters/old.txt
	expect "$cause: copies of what waits" "$(field files) $(field waiting)" "0 1"
	run 0 copies Letters/old.txt
	says "so not counted: 1 file"
	[ ! -e "$LEDGER/ledger.sqlite" ] || emr_fail "$cause: a new ledger was made"
	json 4 unmount
	expect "$cause: error id" "$(field error)" unsent
	open_folder && kill -KILL "$(pid_of_mount)" && await_gone "$(pid_of_mount)"
	open_folder
	same changed "$cause, after a remount and a kill"
	status_says "$cause again" False ledger-away
	expect "$cause: since when" "$(field ledger.away_at)" "$since"
	run 4 unmount
	mend
	open_folder
	run 0 status --wait=2min
	status_says "$cause, put back" False None
	expect "$cause: everything settled" "$(field pending) $(field failed)" "0 0"
	[ ! -e "$STATE/ledger-away" ] || emr_fail "$cause: the note of the absence stays"
	same changed "$cause, put back"
	json 0 verify
	run 0 unmount
	open_folder && same changed "$cause, put back and opened again" && run 0 unmount
	rm -rf changed
done

# Root reads everything: the program must be without that power to meet a file it cannot read.
if [ "$(id -u)" = 0 ]; then
	say "the ledger is away: unreadable"
	again && chmod 0 "$LEDGER/ledger.sqlite"
	EMR_WRAP="setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all" emr_mount
	same was unreadable
	status_says unreadable False ledger-away
	emr_unmount
	chmod 600 "$LEDGER/ledger.sqlite"
fi

# More of these, below the kernel: tests/unit/test_no_ledger.c.
for cause in emptied no_database foreign rewound; do
	say "not the ledger: $cause"
	again && $cause
	json 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	expect "$cause: read only" "$(field read_only)" True
	same was "$cause"
	(echo x >"$MNT/Letters/x.txt") 2>/dev/null && emr_fail "$cause: the folder took a file"
	json 0 status
	expect "$cause: status" "$(field read_only)" True
	emr_until grep -q "ledger-damaged\|newer-format\|rollback" "$MNT/.emrfs/notices"
	json 8 verify
	run 0 unmount
	[ -s "$STATE/replica.sqlite" ] || emr_fail "$cause: the verified copy is gone"
	mend
	open_folder
	status_says "$cause, mended" False None
	same was "$cause, mended"
	(echo "again" >"$MNT/Letters/again.txt") || emr_fail "$cause, mended: the folder takes nothing"
	run 0 unmount
	[ "$(entries)" -gt "$SIZE" ] || emr_fail "$cause, mended: nothing was registered"
done

say "an older ledger, put there with this computer's copy of it and all else that watches it: what is sealed remembers more"
again && rewound && rm -f "$STATE"/replica.* && cp -a watchers/* "$STATE/"
json 0 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "with its watchers: read only" "$(field read_only)" True
emr_until grep -q rollback "$MNT/.emrfs/notices"
for words in "" --chain; do
	json 8 verify $words
	grep -q "rollback.*older than what this computer has seen\|older than what this computer has seen.*rollback" out/said || emr_fail "verify $words: $(cat out/said)"
done
run 0 unmount
json 8 verify --chain --passphrase-file "$EMR_PASS"
grep -q "older than what this computer has seen" out/said || emr_fail "verify of a closed folder: $(cat out/said)"

say "put back while the folder is open; taken away while it is open"
again && mv "$LEDGER" aside
open_folder
echo "one" >"$MNT/Letters/one.txt"
mv aside "$LEDGER"
run 0 status --wait=2min
status_says "put back" False None
mv "$LEDGER" aside
echo "two" >"$MNT/Letters/two.txt"
emr_until grep -q ledger-away "$MNT/.emrfs/notices"
status_says "taken away" False ledger-away
expect "what was saved waits" "$(attribute state "$MNT/Letters/two.txt")" pending
mv aside "$LEDGER"
run 0 status --wait=2min
expect "and is sent" "$(attribute state "$MNT/Letters/two.txt")" "confirmed 1/1"
emr_until grep -q ledger-back "$MNT/.emrfs/notices"
json 0 verify
run 0 unmount

say "an older ledger put in its place while the folder is open gets nothing"
again && mv "$LEDGER" aside
open_folder
echo "one" >"$MNT/Letters/one.txt"
cp -a rewound "$LEDGER"
emr_until grep -q rollback "$MNT/.emrfs/notices"
status_says "rewound" True rollback
expect "the older ledger is as it was" "$(entries)" "$(sqlite3 rewound/ledger.sqlite 'SELECT count(*) FROM entries')"
run 4 unmount
rm -rf "$LEDGER" && mv aside "$LEDGER"
open_folder
run 0 status --wait=2min
expect "the right one gets it" "$(cat "$MNT/Letters/one.txt") $(attribute state "$MNT/Letters/one.txt")" "one confirmed 1/1"
run 0 unmount

say "without the ledger and with a damaged copy of it nothing is guessed"
again && gone
dd if=/dev/urandom of="$STATE/replica.sqlite" bs=4096 seek=1 count=4 conv=notrunc status=none
json 8 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "error id" "$(field error)" ledger-away
mend
open_folder && same was "ledger back, copy made again" && run 0 unmount
again && gone && rm "$STATE/replica.sqlite"
json 8 mount --passphrase-file "$EMR_PASS" "$MNT"

say "other verbs without it"
again && gone
run 3 check
says "cannot be reached since"
run 0 recover --test --words-file words --passphrase-file "$EMR_PASS"
secret second "another passphrase of hers"
run 0 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file second
run 0 recover --words-file words --new-passphrase-file "$EMR_PASS"
open_folder && same was "after all that" && run 0 unmount

for cause in no_directory rewound; do
	say "lost for good, and no backup: the own copy becomes a ledger again ($cause)"
	again && $cause
	if [ "$cause" = no_directory ]; then
		open_folder
		echo "saved without it" >"$MNT/Letters/new.txt"
		run 4 unmount
	fi
	rm -rf copy && mkdir copy
	json 0 backup --verify "$EMR_WORK/copy"
	expect "$cause: what went into the backup" "$(field own_copy) $(field records)" "True 4"
	rm -rf "$STATE"
	json 0 init --restore "$EMR_WORK/copy" --passphrase-file "$EMR_PASS"
	open_folder
	run 0 status --wait=2min
	status_says "$cause: made again" False None
	[ "$cause" != no_directory ] || { expect "what waited" "$(cat "$MNT/Letters/new.txt")" "saved without it" && rm "$MNT/Letters/new.txt"; }
	same was "$cause: made again"
	json 0 verify
	run 0 unmount
	json 0 backup "$EMR_WORK/copy"
	expect "$cause: now it is the ledger" "$(field own_copy)" False
done
again && gone
dd if=/dev/urandom of="$STATE/replica.sqlite" bs=4096 seek=6 count=1 conv=notrunc status=none
rm -rf copy && mkdir copy
json 8 backup "$EMR_WORK/copy"
expect "neither is whole" "$(field error)" ledger-away
say "nor does an own copy that is whole but older than what was seen: the newest version would be lost without a word"
again && gone && cp earlier-own "$STATE/replica.sqlite" && rm -f "$STATE"/replica.sqlite-*
rm -rf copy && mkdir copy
json 8 backup "$EMR_WORK/copy"
expect "older" "$(field error)" ledger-away
[ ! -e copy/emrfs-backup ] || emr_fail "a list was written"

say "without any network"
again
if [ "$(id -u)" = 0 ]; then
	EMR_WRAP="unshare -n" emr_mount
	expect "interfaces of the mount" "$(grep -c : "/proc/$(emr_pid)/net/dev") $(wc -l <"/proc/$(emr_pid)/net/route")" "1 0"
	same was "without network"
	echo "alone" >"$MNT/Letters/alone.txt"
	run 0 status --wait=2min
	expect "registered without network" "$(attribute state "$MNT/Letters/alone.txt")" "confirmed 1/1"
	emr_unmount
fi
