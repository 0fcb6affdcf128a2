#!/bin/bash
# cli.sh: the promises of the verbs at their edges: exit codes, JSON, refusals, and things that must not be left anywhere.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin cli
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state
MARK=Zwiebelkuchen-Befund		# a name and a content that are nowhere else

# run WANTED-EXIT ARGUMENTS...: the program; output in $EMR_WORK/out/said and out/complained.
run() {
	local wanted=$1 code
	shift
	timeout "$EMR_PATIENCE" "$EMRFS" "$@" >out/said 2>out/complained </dev/null
	code=$?
	[ "$code" = "$wanted" ] || {
		cat out/said out/complained >&2
		emr_fail "emrfs $*: exit $code, wanted $wanted"
	}
}
says() { grep -qF -- "$1" out/said out/complained || { cat out/said out/complained >&2; emr_fail "not said: $1"; }; }
field() { python3 -c 'import json,sys; v=json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v=v[k]
print(v)' out/said "$1"; }
json() { run "$@" --json; python3 -m json.tool out/said >/dev/null || emr_fail "no JSON: emrfs $*"; expect "lines of JSON" "$(wc -l <out/said)" 1; }
open_folder() { run 0 mount --passphrase-file "$EMR_PASS" "$@" "$MNT"; json 0 status; }
pid_of_mount() { sed -n 's/^pid //p' "$STATE/lock"; }
await_gone() { local i; for ((i = 0; i < 6000; i++)); do [ -d "/proc/$1" ] || return 0; sleep 0.02; done; emr_fail "process $1 stays"; }
at_end() { emr_clear_away "$EMRFS_HOME" "$MNT"; }

say "help, wrong use"
run 0 help
says "Open your folder"
run 0 help --all
run 0 help unmount
says "man emrfs-unmount"
verbs=$("$EMRFS" help --all | sed -n 's/^  emrfs \([a-z]*\).*/\1/p' | grep -vx help | sort -u)
[ "$(wc -w <<<"$verbs")" -gt 30 ] || emr_fail "only these verbs were found: $verbs"
for verb in $verbs; do
	[ "$("$EMRFS" "$verb" --help | wc -l)" -le 40 ] || emr_fail "the help of $verb is longer than a screen"
done
run 0 umount --help
run 2 mont
says 'Did you mean "mount"?'
run 2 mount --read-onyl
says "Did you mean --read-only?"
run 2 mount a b
json 2 mount --idle never-ever
expect "error id" "$(field error)" wrong-use
run 2 help mont
says 'Did you mean "mount"?'
run 2 share Imaging

say "no keyring"
json 10 mount "$MNT"
expect "error id" "$(field error)" no-keyring
run 10 status
mkdir new-home
home_before=$HOME
export HOME=$EMR_WORK/new-home
run 10 unmount
expect "what closing makes where nothing was open" "$(ls new-home)" ""
HOME=$home_before
run 13 init			# no terminal and no file for the words
says "--words-file"

say "init"
printf 'short\n' >open-pass
chmod 644 open-pass
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
run 6 init --passphrase-file open-pass --words-file "$EMR_WORK/words"
says "can be read"
printf '\n' >empty-pass
chmod 600 empty-pass
run 2 init --passphrase-file empty-pass --words-file "$EMR_WORK/words"
run 2 init --passphrase-file "$EMR_PASS.none" --words-file w --born 1984-02-30
touch taken
printf 'passphrase of the test\n' >"$EMR_PASS"
chmod 600 "$EMR_PASS"
run 1 init --passphrase-file "$EMR_PASS" --words-file taken
expect "what a failed init leaves" "$(ls -A "$STATE")" lock
emr_init
expect "rights of the words" "$(stat -c %a "$EMR_WORK/words")" 600
expect "words" "$(wc -l <"$EMR_WORK/words")" 24
json 11 init --passphrase-file "$EMR_PASS" --words-file w2
expect "error id" "$(field error)" has-keyring
[ ! -e w2 ] || emr_fail "a refused init wrote words"
bash -c 'ulimit -f 0; exec "$0" words --passphrase-file "$1" --words-file w3' "$EMRFS" "$EMR_PASS" >/dev/null 2>&1 </dev/null && emr_fail "words where nothing can be written"
[ ! -e w3 ] || emr_fail "words that could not be written left a file"

say "passphrases"
printf 'wrong\n' >wrong-pass
chmod 600 wrong-pass
json 12 mount --passphrase-file wrong-pass "$MNT"
expect "error id" "$(field error)" wrong-passphrase
run 12 mount -f --passphrase-file wrong-pass "$MNT" # it ends by itself, before there is a ledger
run 13 mount "$MNT"
printf '#!/bin/sh\necho "passphrase of the test"\n' >ask
chmod 700 ask
EMRFS_ASKPASS=$EMR_WORK/ask run 0 mount "$MNT"
run 0 unmount
expect "the mode of a directory that was the folder for the first time" "$(stat -c %a "$MNT")" 0
mkdir credentials && cp "$EMR_PASS" credentials/emrfs.passphrase
CREDENTIALS_DIRECTORY=$EMR_WORK/credentials run 0 mount "$MNT"
run 0 unmount "$MNT"

say "where a folder cannot be opened"
run 1 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/nowhere"
says "does not exist"
run 1 mount --passphrase-file "$EMR_PASS" "$EMR_PASS"
mkdir full && touch full/x
run 1 mount --passphrase-file "$EMR_PASS" full
says "not empty"

say "what is saved in the directory while it is closed does not stay in clear unsaid"
for ending in unmount kill; do
	EMRFS_ASKPASS=$EMR_WORK/ask run 0 mount "$MNT"
	if [ $ending = unmount ]; then
		run 0 unmount
	else
		pid=$(pid_of_mount) && kill -KILL "$pid" && await_gone "$pid"
		fusermount3 -u "$MNT"
	fi
	expect "the mode of the closed folder after $ending" "$(stat -c %a "$MNT")" 0
	! setpriv --reuid 65534 --clear-groups touch "$MNT/scan.dcm" 2>/dev/null || emr_fail "another account saved there"
done
touch "$MNT/scan.dcm" && mkdir "$MNT/CD" && touch "$MNT/CD/IM1"	# as root, or a program that was stubborn
EMRFS_ASKPASS=$EMR_WORK/ask json 0 mount "$MNT"
there=$(field saved_while_closed)
expect "where it lies" "$(dirname "$there")" "$(dirname "$MNT")"
[ -f "$there/scan.dcm" ] && [ -f "$there/CD/IM1" ] && [ "$(stat -c %a "$there")" = 700 ] || emr_fail "not moved: $there"
grep -q "saved-while-closed.*2 files were saved" "$MNT/.emrfs/notices" || emr_fail "no notice"
[ ! -e "$MNT/scan.dcm" ] || emr_fail "it is in the folder"
run 0 unmount
rm -r "$there"
touch "$MNT/again"
run 12 mount --passphrase-file wrong-pass "$MNT"
expect "the mode after a mount that failed" "$(stat -c %a "$MNT")" 0
rm -r "$MNT (saved while closed"*

say "the usual folder takes nothing in clear before it was ever open"
HOME=$EMR_WORK/new-home
run 12 mount --passphrase-file wrong-pass
expect "its mode" "$(stat -c %a new-home/Health)" 0
HOME=$home_before

say "a closed folder is not taken for an empty one, however it was closed"
# Without what root may do besides: the owner's own permissions decide.
owner() { if [ "$(id -u)" = 0 ]; then setpriv --bounding-set=-dac_override,-dac_read_search "$@"; else "$@"; fi; }
mirrored() {	# by rsync that may delete: what it ends with
	owner rsync -a --delete --exclude .emrfs "$1/" mirror/ >out/rsync 2>&1
	expect "what rsync of $2 ends with" $? "$3"
	[ "$(cat mirror/Letters/kept)" = "a letter" ] || emr_fail "the mirror of $2 lost it: $(cat out/rsync)"
}
mkdir -m 755 own mirror
for place in "$MNT" own; do
	for ending in unmount --idle kill; do
		EMRFS_ASKPASS=$EMR_WORK/ask run 0 mount --idle $([ $ending = --idle ] && echo 1s || echo 1h) "$place"
		pid=$(pid_of_mount)
		if [ ! -e mirror/Letters ]; then
			mkdir "$place/Letters" && echo "a letter" >"$place/Letters/kept"
			mirrored "$place" "the open folder" 0
		fi
		case $ending in
			unmount) run 0 unmount;;
			--idle) await_gone "$pid";;
			kill) kill -KILL "$pid" && await_gone "$pid" && fusermount3 -u "$place";;
		esac
		mirrored "$place" "the folder at $place after $ending" 23
	done
done
says_where() { grep -qF "Your folder was at $1 before." out/said || emr_fail "not said that $1 stays closed: $(cat out/said)"; }
EMRFS_ASKPASS=$EMR_WORK/ask run 0 mount "$MNT"
says_where "$EMR_WORK/own"
run 0 unmount
mirrored own "the directory where the folder was before" 23
EMRFS_ASKPASS=$EMR_WORK/ask run 0 mount own
says_where "$MNT"
rm -r own/Letters
run 0 unmount
rmdir own
EMRFS_ASKPASS=$EMR_WORK/ask run 0 mount "$MNT"
! grep "was at" out/said || emr_fail "a directory that is gone is said to be closed"
run 0 unmount
mkdir -m 2751 own
run 12 mount --passphrase-file wrong-pass own
expect "the mode of a directory that was not opened on" "$(stat -c %a own)" 2751
chmod 0 own
run 12 mount --passphrase-file wrong-pass own
expect "the mode of one that was closed" "$(stat -c %a own)" 0
rm -r own mirror

mkdir "$STATE/inside"
run 2 mount --passphrase-file "$EMR_PASS" "$STATE/inside"
says "inside the directories of emrfs"
rmdir "$STATE/inside"
ln -s "$STATE" disguised
run 2 mount --passphrase-file "$EMR_PASS" disguised
rm disguised
if [ "$(id -u)" = 0 ]; then
	mkdir other && mount -t tmpfs none other
	run 11 mount --passphrase-file "$EMR_PASS" other
	umount other
fi
run 2 mount --passphrase-file "$EMR_PASS" -o suid "$MNT"

say "keyfile and state that others can read"
chmod 640 "$STATE/keyfile"
json 6 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "error id" "$(field error)" keyfile
says "chmod 600"
json 3 check
chmod 600 "$STATE/keyfile"
chmod 750 "$STATE"
json 6 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "error id" "$(field error)" exposed
chmod 700 "$STATE"
cp "$STATE/keyfile" good-keyfile
printf 'X' | dd of="$STATE/keyfile" bs=1 seek=0 conv=notrunc status=none
json 8 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "error id" "$(field error)" keyfile
cp good-keyfile "$STATE/keyfile"
truncate -s 100 "$STATE/keyfile"
json 8 mount --passphrase-file "$EMR_PASS" "$MNT"
cp good-keyfile "$STATE/keyfile"

say "open, use, say, close"
open_folder
json 0 status
expect "folder" "$(field folder)" "$MNT"
expect "second copy" "$(field second_copy)" False
must mkdir "$MNT/Imaging"
echo "content: $MARK" >"$MNT/Imaging/$MARK.txt"
head -c 300000 /dev/urandom >"$EMR_WORK/scan"
must cp "$EMR_WORK/scan" "$MNT/Imaging/scan.dcm"
ln -s scan.dcm "$MNT/Imaging/link"
run 0 status --wait
says "  3 files and 2 folders, "
says "On the ledger: 3 files."
json 0 status Imaging/scan.dcm
expect "state" "$(field state)" "confirmed 1/1"
(cd "$MNT/Imaging" && timeout "$EMR_PATIENCE" "$EMRFS" status scan.dcm --json >"$EMR_WORK/out/said") || emr_fail "status from inside"
expect "path from inside" "$(field path)" Imaging/scan.dcm
run 0 status "$MNT/Imaging/scan.dcm"
for screen in status "status Imaging/scan.dcm" share "log Imaging" wallet copies keep people request device "restore --list Imaging/scan.dcm" "verify Imaging/scan.dcm" check; do
	"$EMRFS" $screen </dev/null >out/said 2>&1
	! grep -E '[0-9a-f]{16}|confirmed [0-9]' out/said || emr_fail "emrfs $screen says what --details is for"
done
run 0 status --details Imaging/scan.dcm
says "Transaction: "
says "State: confirmed 1/1"
json 5 status Imaging/none
json 5 status ../outside
json 11 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "error id" "$(field error)" in-use
says "$MNT"
mkdir second
json 11 mount --passphrase-file "$EMR_PASS" second
for verb in "ledger" "ledger Imaging/scan.dcm" "ledger --limit 3" "ledger --checkpoint" "verify" "verify --quick" "verify --chain" "verify Imaging" "verify Imaging/scan.dcm" "help" "help mount"; do
	# shellcheck disable=SC2086
	json 0 $verb
done
json 5 verify Imaging/none
json 5 ledger Imaging/none
json 2 ledger --limit many
expect "names on the ledger" "$("$EMRFS" ledger --limit 1000 --json | grep -c "$MARK")" 0
expect "special files" "$(ls "$MNT/.emrfs")" "$(printf 'README.txt\nat\nconsent\ndeleted\nindex.csv\nlog\nlog.json\nnotices\nproof\nreport.html\nrequests\nstatus.json\nstatus.txt')"
python3 -m json.tool "$MNT/.emrfs/status.json" >/dev/null || emr_fail "status.json is no JSON"
grep -q "Health of Ana" "$MNT/.emrfs/status.txt" || emr_fail "status.txt does not say whose folder it is"

say "in use by another program"
exec 5<"$MNT/Imaging/scan.dcm"
json 11 unmount
expect "error id" "$(field error)" folder-busy
exec 5<&-

say "no secret and no name outside"
pid=$(pid_of_mount)
for leak in "$MARK" "passphrase of the test" "$(sed -n '7,9s/^ *[0-9]* //p' "$EMR_WORK/words" | paste -sd' ')"; do	# three words in a row: one alone stands in many a sentence
	tr '\0' '\n' <"/proc/$pid/environ" | grep -qF -- "$leak" && emr_fail "environment has: $leak"
	tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$leak" && emr_fail "command line has: $leak"
done
grep -rqaF -- "$MARK" "$EMRFS_HOME" && emr_fail "state, log or socket directory has the marker: $(grep -rlaF -- "$MARK" "$EMRFS_HOME")"
grep -rqaF -- "passphrase of the test" "$EMRFS_HOME" && emr_fail "the passphrase is in the state"
grep -rqaF -- "Imaging" "$EMRFS_HOME" && emr_fail "a folder's name is in the state"
grep -rqaF -- "Ana" "$STATE/log" && emr_fail "the log has a name"
expect "not dumpable" "$(grep -c . "/proc/$pid/maps" >/dev/null 2>&1 && [ "$(id -u)" != 0 ] && echo readable)" ""
expect "rights in the state" "$(find "$STATE" -perm /077 -not -type l | head -3)" ""

say "who may write beside the ledger cuts what all programs share of it in memory, again and again, and ends none"
cut() {
	python3 - "$STATE/ledger/ledger.sqlite-shm" "$1" <<'E'
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
if sys.argv[2] == "remove":
    os.unlink(sys.argv[1])
os.ftruncate(fd, 0)
E
}
for how in leave leave remove; do
	cut $how
	echo "$how" >"$MNT/cut-$how.txt"
	run 0 status --wait
done
expect "what was saved" "$(cat "$MNT/cut-remove.txt")" remove
rm "$MNT"/cut-*.txt
run 0 status --wait

say "close, and open again"
mkdir "$MNT/empty.part" # as a download begins
json 0 status
expect "files that stay here" "$(field local_files) $(field local)" "0 []"
: >"$MNT/empty.part/half.part"
json 0 status
expect "files that stay here" "$(field local_files) $(field local)" "1 ['empty.part/half.part']"
run 3 export empty.part "$EMR_WORK/none.car"
says "kept by a program for itself"
run 3 verify empty.part/half.part
says "kept by a program for itself"
echo half >"$MNT/empty.part/half.part"
run 0 status --wait=60s
json 0 status
expect "what stayed" "$(field local_files) $(getfattr --only-values --absolute-names -n user.emrfs.state "$MNT/empty.part/half.part")" "0 confirmed 1/1"
rm -r "$MNT/empty.part"
run 0 unmount
says "Everything is on the ledger"
await_gone "$pid"
json 10 status
expect "error id" "$(field error)" not-open
expect "ledger of a closed folder" "$(field ledger.kind)" embedded
json 10 dataset
expect "who looks for a call" "$(field error)" not-open
# A program that asks whether the folder is open holds its lock for a moment, as here for half a second; the folder is not open by that.
flock -s "$STATE/lock" sh -c 'touch asking; sleep 0.5' &
emr_until test -e asking
truncate -s 4194305 "$STATE/log"
json 0 verify --quick --passphrase-file "$EMR_PASS"
wait $!
expect "a private log of more than 4 MiB begins anew" "$(stat -c %s "$STATE/log.1")" 4194305
[ "$(stat -c %s "$STATE/log")" -lt 1000000 ] || emr_fail "the private log did not begin anew"
json 10 unmount
json 0 verify --passphrase-file "$EMR_PASS"
expect "nothing bad" "$(field bad)" "[]"
json 0 ledger --passphrase-file "$EMR_PASS" Imaging/scan.dcm
# The lock says who has the state, and nothing of whoever had it before in a longer place.
printf 'pid 1\nrun /run/nobody\nfolder %s/%0500d/farther-away\n' "$MNT" 0 >"$STATE/lock"
open_folder
run 11 mount --passphrase-file "$EMR_PASS" second
grep -q "$MNT" out/complained || emr_fail "it is not said who has it: $(cat out/complained)"
grep -q farther-away out/complained && emr_fail "somebody else has it: $(cat out/complained)"
must cmp "$EMR_WORK/scan" "$MNT/Imaging/scan.dcm"
expect "link" "$(readlink "$MNT/Imaging/link")" scan.dcm

say "closed, though another name space has a copy of the mount"
if [ "$(id -u)" = 0 ]; then
	mkfifo copied
	unshare --mount --propagation private bash -c 'echo >copied; exec sleep 100' &
	holder=$!
	read -r _ <copied
	pid=$(pid_of_mount)
	run 0 unmount
	await_gone "$pid"
	kill -KILL "$holder"
	open_folder
	must cmp "$EMR_WORK/scan" "$MNT/Imaging/scan.dcm"
fi

say "killed, and open again"
pid=$(pid_of_mount)
kill -KILL "$pid"
await_gone "$pid"
run 10 status
open_folder				# cleans the dead mount away by itself
must cmp "$EMR_WORK/scan" "$MNT/Imaging/scan.dcm"
pid=$(pid_of_mount)
kill -KILL "$pid"
await_gone "$pid"
run 0 unmount "$MNT"			# or unmount does
! mountpoint -q "$MNT" || emr_fail "a dead mount stays after unmount"

say "a signal ends it in order"
open_folder
echo late >"$MNT/late.txt"
pid=$(pid_of_mount)
kill -TERM "$pid"
await_gone "$pid"
! mountpoint -q "$MNT" || emr_fail "still mounted after SIGTERM"
open_folder
expect "what was written last" "$(cat "$MNT/late.txt")" late
json 0 status late.txt
expect "it was published" "$(field state)" "confirmed 1/1"
run 0 unmount --now

say "read only, idle"
run 0 mount --read-only --passphrase-file "$EMR_PASS" "$MNT"
(echo x >"$MNT/new.txt") 2>/dev/null && emr_fail "a read-only folder took a file"
expect "reading" "$(cat "$MNT/late.txt")" late
run 0 unmount
run 0 mount --passphrase-file "$EMR_PASS" --idle 2s "$MNT"
nobody_holds_it() { [ -z "$(emr_holder "$EMRFS_HOME")" ]; }
emr_until nobody_holds_it
! mountpoint -q "$MNT" || emr_fail "still mounted after idling"

say "a ledger that went back, or is damaged, is not believed"
cp -a "$STATE/ledger" ledger-before
open_folder
echo "after the copy" >"$MNT/after.txt"
run 0 status --wait
run 0 unmount
mv "$STATE/ledger" ledger-after && cp -a ledger-before "$STATE/ledger"
json 0 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "a ledger that went back: read only" "$(field read_only)" True
expect "what was known stays readable" "$(cat "$MNT/after.txt")" "after the copy"
(echo x >"$MNT/new.txt") 2>/dev/null && emr_fail "written on a ledger that went back"
emr_until grep -q "rollback" "$MNT/.emrfs/notices"
json 8 verify --chain
run 0 unmount
rm -rf "$STATE/ledger" && cp -a ledger-after "$STATE/ledger"
python3 - "$STATE/ledger/ledger.sqlite" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
for table in tables:		# one bit in one entry, as a disk would do it
    for column in (c for c in db.execute(f"PRAGMA table_info({table})") if c[2].upper() == "BLOB"):
        row = db.execute(f"SELECT rowid, {column[1]} FROM {table} WHERE length({column[1]}) > 300 ORDER BY rowid DESC").fetchone() if table.startswith("entr") else None
        if row:
            flipped = bytearray(row[1])
            flipped[200] ^= 1
            db.execute(f"UPDATE {table} SET {column[1]} = ? WHERE rowid = ?", (bytes(flipped), row[0]))
            db.commit()
            print("flipped", table, column[1])
            sys.exit(0)
sys.exit("no entry found to damage in " + ", ".join(tables))
END
[ $? = 0 ] || emr_fail "the ledger could not be damaged"
json 8 verify --chain --passphrase-file "$EMR_PASS"
rm -rf "$STATE/ledger" && cp -a ledger-after "$STATE/ledger"
json 0 verify --chain --passphrase-file "$EMR_PASS"

say "one flipped byte in each kind of file: named, or mended"
open_folder
echo "whole" >"$MNT/whole.txt"
run 0 status --wait
run 0 unmount
rm -rf state-before && cp -a "$STATE" state-before
flip() {	# FILE OFFSET
	python3 -c 'import sys
p, at = sys.argv[1], int(sys.argv[2])
d = bytearray(open(p, "rb").read()); d[at] ^= 1; open(p, "wb").write(d)' "$1" "$2"
}
again() { rm -rf "$STATE" && cp -a state-before "$STATE"; }
mended() {
	json 0 mount --passphrase-file "$EMR_PASS" "$MNT"
	expect "$1: still there" "$(cat "$MNT/whole.txt")" whole
	run 0 unmount
	again
}
named() {	# WHAT
	say "  $1"; json 8 mount --passphrase-file "$EMR_PASS" "$MNT"
	again
}
for at in 0 30 100 5000; do flip "$STATE/replica.sqlite" $at; mended "replica at $at"; done
for at in 0 30 100 5000; do flip "$STATE/blocks/index.sqlite" $at; mended "index at $at"; done
rm "$STATE/replica.sqlite" "$STATE/blocks/index.sqlite"; mended "no replica, no index"
flip "$STATE/profile" 100; mended "profile"
flip "$STATE/replica.hw" 20; mended "mark, beside a whole replica"
flip "$STATE/replica.hw" 20; rm "$STATE/replica.sqlite"; named "mark, and no replica"
flip "$STATE/ledger/ledger.sqlite" 0; mended "ledger.sqlite, its head"	# more of this: no_ledger.sh
flip "$STATE/ledger/descriptor" 40; mended descriptor
rm -rf "$STATE/ledger"; mended "no ledger"

say "damage is named"
open_folder
head -c 3000000 /dev/urandom >"$MNT/Imaging/big.dcm"
run 0 status --wait
run 0 unmount
segment=$(ls -S "$STATE"/blocks/seg-*.car | head -1)
python3 - "$segment" <<'END'
import sys
path = sys.argv[1]
data = bytearray(open(path, 'rb').read())
data[2 * len(data) // 3] ^= 1
open(path, 'wb').write(data)
END
json 8 verify --passphrase-file "$EMR_PASS"
expect "error id" "$(field error)" bad-data
[ "$(field bad)" != "[]" ] || emr_fail "verify names nothing"

say "settings"
printf 'kdf = 1,1\n' >"$EMRFS_HOME/settings"
json 2 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "error id" "$(field error)" settings
printf '# none\n\nidle = 2h\n' >"$EMRFS_HOME/settings"

say "settings that somebody else may write, or has put there"
chmod 646 "$EMRFS_HOME/settings"
json 6 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "error id" "$(field error)" exposed
says "chmod go-w $EMRFS_HOME/settings"
json 6 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file "$EMR_PASS"
chmod 644 "$EMRFS_HOME/settings"
if [ "$(id -u)" = 0 ]; then
	chown nobody "$EMRFS_HOME/settings"
	json 6 mount --passphrase-file "$EMR_PASS" "$MNT"
	expect "error id" "$(field error)" exposed
	chown 0 "$EMRFS_HOME/settings"
fi
# acl(5) in the kernel's form: a user of the list may write, and the mask stands where the rights of the group do.
listed() {
	python3 - "$1" <<'E'
import errno, os, struct, sys
entries = [(1, 6, -1), (2, 6, 12345), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
try:
    os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))
except OSError as error:
    sys.exit(9 if error.errno == errno.EOPNOTSUPP else 1)
E
}
status=0
listed "$EMRFS_HOME/settings" || status=$?
if [ "$status" != 9 ]; then # this file system has such lists
	expect "a list" "$status" 0
	json 6 mount --passphrase-file "$EMR_PASS" "$MNT"
	expect "error id" "$(field error)" exposed
	says "chmod go-w $EMRFS_HOME/settings"
	run 3 check
	says "chmod go-w $EMRFS_HOME/settings"
	chmod go-w "$EMRFS_HOME/settings" # the mask
fi
chmod 702 "$EMRFS_HOME"
json 6 mount --passphrase-file "$EMR_PASS" "$MNT"
expect "error id" "$(field error)" exposed
says "chmod go-w $EMRFS_HOME"
chmod 700 "$EMRFS_HOME"
mkdir -p above/of
ln -s "$EMRFS_HOME" above/of/home
chmod 777 above
EMRFS_HOME=$PWD/above/of/home json 6 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file "$EMR_PASS"
expect "error id" "$(field error)" exposed
says "chmod go-w $PWD/above"
chmod 755 above
EMRFS_HOME=$PWD/above/of/home run 0 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file "$EMR_PASS"

say "two keyrings"
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
mkdir -p "$EMRFS_HOME/as/child" child
printf 'kdf = 8,1\n' >"$EMRFS_HOME/as/child/settings"
run 0 --as child init --yes --passphrase-file "$EMR_PASS" --words-file words-child
run 0 mount --as child --passphrase-file "$EMR_PASS" child
run 0 --as child status
run 10 status
run 0 --as child unmount
run 2 --as ../x status
run 10 --as child status
says "emrfs --as child mount"
echo "all is well"
