#!/bin/bash
# history.sh: the folder as it was, deleted files, and bringing both back, with the programs people have.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
emr_begin history
export TZ=UTC
cd "$EMR_WORK" || exit 2

# run WANTED-EXIT ARGUMENTS...: the program; output in out/said and out/complained.
run() {
	local wanted=$1 code
	shift
	timeout 60 "$EMRFS" "$@" >out/said 2>out/complained </dev/null
	code=$?
	[ "$code" = "$wanted" ] || {
		cat out/said out/complained >&2
		emr_fail "emrfs $*: exit $code, wanted $wanted"
	}
}
says() { grep -qF -- "$1" out/said out/complained || { cat out/said out/complained >&2; emr_fail "not said: $1"; }; }
# Everything is on the ledger; SECOND is then, and what follows is later.
settle() {
	run 0 status --wait=30s
	SECOND=$(date -u +%Y-%m-%dT%H:%M:%S)
	while [ "$(date -u +%Y-%m-%dT%H:%M:%S)" = "$SECOND" ]; do sleep 0.05; done
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
	"mkdir $MNT/.emrfs/at/2026-01-01x" "chmod 600 $MNT/.emrfs/at/$FIRST/Imaging/report.txt" \
	"truncate -s 0 $MNT/.emrfs/deleted/Imaging/Disc/scan.dcm" "mv $MNT/Letters $MNT/.emrfs/at/$FIRST/" \
	"setfattr -n user.note -v x $MNT/.emrfs/at/$FIRST/Imaging/report.txt" "rmdir $MNT/.emrfs/deleted"; do
	$attempt 2>out/complained && emr_fail "succeeded: $attempt"
	grep -qE 'Read-only file system|Permission denied' out/complained || emr_fail "$attempt: $(cat out/complained)"
done
sums "$MNT/.emrfs/at/$FIRST" | cmp - first.sums || emr_fail "content of $FIRST after all that"

emr_unmount
say "done"
