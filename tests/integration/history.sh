#!/bin/bash
# history.sh: ordinary programs read the folder as it was and deleted files, and bring both back.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin history
emr_noon
cd "$EMR_WORK" || exit 2

# run WANTED-EXIT ARGUMENTS...: the program; output in out/said and out/complained.
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
# Everything is on the ledger; SECOND is then, and what follows is later.
settle() {
	run 0 status --wait=2min
	SECOND=$(date +%Y-%m-%dT%H:%M:%S)
	while [ "$(date +%Y-%m-%dT%H:%M:%S)" = "$SECOND" ]; do sleep 0.05; done
}
sums() { (cd "$1" && find . -type f ! -path './.emrfs*' -print0 | sort -z | xargs -0 -r sha256sum); }
# Names, types, sizes, modes and times of files.
facts() { (cd "$1" && find . -mindepth 1 ! -path './.emrfs*' ! -type d -printf '%p %y %s %m %T@ %l\n' | sort); }

emr_init
emr_mount
say "a folder with a history"
must mkdir -p "$MNT/Imaging/CD"
head -c 1500000 /dev/urandom >"$EMR_WORK/scan"
must cp "$EMR_WORK/scan" "$MNT/Imaging/CD/scan.dcm"
echo "first finding" >"$MNT/Imaging/report.txt"
must chmod 640 "$MNT/Imaging/report.txt"
must touch -d '2020-02-29 10:20:30.123' "$MNT/Imaging/report.txt"
ln -s CD/scan.dcm "$MNT/Imaging/link"
must setfattr -n user.note -v "first" "$MNT/Imaging/report.txt"
settle
FIRST=$SECOND
sums "$MNT" >first.sums
facts "$MNT" >first.facts
echo "second finding, longer" >"$MNT/Imaging/report.txt"
must mv "$MNT/Imaging/CD" "$MNT/Imaging/Disc"
must setfattr -n user.note -v "second" "$MNT/Imaging/report.txt"
settle
AFTER=$SECOND
sums "$MNT" >second.sums
must rm "$MNT/Imaging/Disc/scan.dcm"
must rmdir "$MNT/Imaging/Disc"
must mkdir "$MNT/Letters"
must mv "$MNT/Imaging/report.txt" "$MNT/Letters/finding.txt"
settle

say "the folder as it was"
DAY=${FIRST%T*}
ls "$MNT/.emrfs/at" | grep -qx "$DAY" || emr_fail "$DAY is not among the days with changes"
ls -a "$MNT" | grep -q emrfs && emr_fail "ls -a shows .emrfs"
sums "$MNT/.emrfs/at/$FIRST" | cmp - first.sums || emr_fail "content of $FIRST"
facts "$MNT/.emrfs/at/$FIRST" | cmp - first.facts || emr_fail "names, sizes, modes or times of $FIRST"
sums "$MNT/.emrfs/at/$AFTER" | cmp - second.sums || emr_fail "content of $AFTER"
expect "version" "$(attribute version "$MNT/.emrfs/at/$FIRST/Imaging/report.txt")" 1
expect "own attribute" "$(getfattr --only-values -n user.note "$MNT/.emrfs/at/$FIRST/Imaging/report.txt" 2>/dev/null)" first
[ -n "$(attribute cid "$MNT/.emrfs/at/$FIRST/Imaging/report.txt")" ] || emr_fail "no cid"
must cp -a "$MNT/.emrfs/at/$FIRST/Imaging" copied
diff -r --no-dereference copied "$MNT/.emrfs/at/$FIRST/Imaging" || emr_fail "cp -a of the past"
python3 -c 'import mmap, sys
f = open(sys.argv[1], "rb")
sys.exit(mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[:] != open(sys.argv[2], "rb").read())' \
	"$MNT/.emrfs/at/$FIRST/Imaging/CD/scan.dcm" "$EMR_WORK/scan" || emr_fail "a mapped file of the past differs"
[ -e "$MNT/.emrfs/at/2999-01-01" ] && emr_fail "a day that has not begun is there"
[ -e "$MNT/.emrfs/at/yesterday" ] && emr_fail "what is no time is there"
cmp "$MNT/.emrfs/at/$DAY/Letters/finding.txt" "$MNT/Letters/finding.txt" || emr_fail "today is not as it is"
echo "third" >"$MNT/Letters/finding.txt"
settle
cmp "$MNT/.emrfs/at/$DAY/Letters/finding.txt" "$MNT/Letters/finding.txt" || emr_fail "today did not go on"

say "deleted files"
cmp "$MNT/.emrfs/deleted/Imaging/Disc/scan.dcm" "$EMR_WORK/scan" || emr_fail "content of the deleted scan"
expect "what was deleted" "$(cd "$MNT/.emrfs/deleted" && find . -type f | sort)" ./Imaging/Disc/scan.dcm

say "nothing there can be changed"
for attempt in "rm -f $MNT/.emrfs/at/$FIRST/Imaging/report.txt" "touch $MNT/.emrfs/at/$FIRST/Imaging/new" \
	"mkdir $MNT/.emrfs/at/2026-01-01x" "ln -s x $MNT/.emrfs/at/$FIRST/new" "chmod 600 $MNT/.emrfs/at/$FIRST/Imaging/report.txt" \
	"truncate -s 0 $MNT/.emrfs/deleted/Imaging/Disc/scan.dcm" "mv $MNT/Letters $MNT/.emrfs/at/$FIRST/" \
	"setfattr -n user.note -v x $MNT/.emrfs/at/$FIRST/Imaging/report.txt" "setfattr -x user.note $MNT/.emrfs/at/$FIRST/Imaging/report.txt" "rmdir $MNT/.emrfs/deleted"; do
	$attempt 2>out/complained && emr_fail "succeeded: $attempt"
	grep -qE 'Read-only file system|Permission denied' out/complained || emr_fail "$attempt: $(cat out/complained)"
done
sums "$MNT/.emrfs/at/$FIRST" | cmp - first.sums || emr_fail "content of $FIRST after all that"

say "an earlier version comes back"
field() { python3 -c 'import json,sys; v=json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v=v[int(k)] if isinstance(v,list) else v[k]
print(v)' out/said "$1"; }
FILE=Letters/finding.txt
run 0 restore --list $FILE
says "(now)"
run 0 restore --list $FILE --json
expect "versions" "$(field version_list.0.version) $(field version_list.1.version) $(field version_list.2.version)" "3 2 1"
expect "bytes of version 1" "$(field version_list.2.bytes)" 14
expect "who" "$(field version_list.0.who)" Ana
cat "$MNT/$FILE" >/dev/null		# the kernel has the pages of the newest
exec 5<"$MNT/$FILE"
run 0 restore $FILE@v1
expect "content" "$(cat "$MNT/$FILE")" "first finding"
expect "what was open" "$(cat <&5)" third
exec 5<&-
expect "mode" "$(stat -c %a "$MNT/$FILE")" 640
expect "time" "$(stat -c %Y "$MNT/$FILE")" "$(date -d '2020-02-29 10:20:30' +%s)"
expect "number" "$(confirmed_version "$MNT/$FILE")" 1
(cd "$MNT/Letters" && timeout "$EMR_PATIENCE" "$EMRFS" restore "finding.txt@$AFTER" >/dev/null) || emr_fail "restore from inside"
expect "content of $AFTER" "$(cat "$MNT/$FILE")" "second finding, longer"
expect "number" "$(confirmed_version "$MNT/$FILE")" 2
run 0 restore "$FILE@v2"
says "already"
echo "fourth" >"$MNT/$FILE"
expect "a new save has a new number" "$(confirmed_version "$MNT/$FILE")" 4

say "another name, and a deleted file"
run 0 restore $FILE@v1 --to Letters/first.txt
expect "copy" "$(cat "$MNT/Letters/first.txt")" "first finding"
expect "original" "$(cat "$MNT/$FILE")" fourth
expect "number of the copy" "$(confirmed_version "$MNT/Letters/first.txt")" 1
[ -e "$MNT/Imaging/Disc" ] && emr_fail "Disc is there already"
run 0 restore Imaging/Disc/scan.dcm --json
expect "restored" "$(field restored)" Imaging/Disc/scan.dcm
cmp "$MNT/Imaging/Disc/scan.dcm" "$EMR_WORK/scan" || emr_fail "content of the restored scan"
expect "number" "$(confirmed_version "$MNT/Imaging/Disc/scan.dcm")" 1
expect "deleted files left" "$(find "$MNT/.emrfs/deleted" -type f)" ""

say "what is refused"
refused() { # EXIT ID ARGUMENTS...
	local code=$1 id=$2
	shift 2
	run "$code" restore "$@" --json
	expect "error of restore $*" "$(field error)" "$id"
}
refused 5 no-such-path Letters/none
refused 5 no-such-path ../outside
refused 5 no-such-version $FILE@v99
refused 5 no-such-version $FILE@2001-01-01
refused 2 which-version $FILE
refused 2 wrong-use Letters
refused 2 wrong-use
refused 2 wrong-use --list $FILE --to x
refused 1 exists $FILE@v1 --to Letters/first.txt
refused 1 reserved-name $FILE@v1 --to datasets
exec 6>>"$MNT/$FILE"
refused 11 file-busy $FILE@v1
exec 6>&-
expect "content after all that" "$(cat "$MNT/$FILE")" fourth

say "all of it is genuine, and stays after a kill -9 and for reading only"
run 0 status --wait=2min
run 0 verify
run 0 restore $FILE@v2
emr_kill
emr_mount --read-only
expect "content" "$(cat "$MNT/$FILE")" "second finding, longer"
sums "$MNT/.emrfs/at/$FIRST" | cmp - first.sums || emr_fail "content of $FIRST after the crash"
refused 6 read-only $FILE@v1
run 0 restore --list $FILE
emr_unmount
refused 10 not-open $FILE@v1
say "done"
