# Part of messages.sh: opening and closing, and what programs in the folder are refused.
# hold STATE FILE: holds the ledger there, as another program may, until FILE is taken away.
hold() {
	python3 -c 'import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1] + "/ledger/ledger.sqlite", timeout=100, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open(sys.argv[2], "w").close()
while os.path.exists(sys.argv[2]):
    time.sleep(0.05)' "$1" "$2"
}
# erase gives the ledger twenty seconds: somebody else's folder waits for it beside everything that follows.
mkdir away
(
	export EMRFS_HOME=$EMR_WORK/nobody
	"$EMRFS" mount --passphrase-file second away && echo x >away/x.txt && echo z >away/z.txt && "$EMRFS" status --wait || exit
	hold "$EMRFS_HOME/state" held-away &
	for ((i = 0; i < 6000; i++)); do [ -e held-away ] && break; sleep 0.02; done
	"$EMRFS" erase --yes --json --passphrase-file second z.txt >away.said	# unfinished
	echo y >away/y.txt	# what is not on the ledger must be there first
	"$EMRFS" erase --yes --json --passphrase-file second x.txt >>away.said
	rm held-away
	wait
	"$EMRFS" unmount
) >away.log 2>&1 </dev/null &
away=$!

say "where a folder cannot be opened"
at() { met "$1" "$2" mount --passphrase-file "$EMR_PASS" "$3"; }
at 1 bad-mountpoint "$EMR_WORK/nowhere"
mkdir full && touch full/x
at 1 bad-mountpoint full
mkdir "$STATE/inside"
at 2 bad-mountpoint "$STATE/inside"
long=$EMR_WORK/$(printf 'x%.0s' {1..240})	# so that nothing can be made beside it
mkdir "$long"
run 0 mount --passphrase-file "$EMR_PASS" "$long"
run 0 unmount
touch "$long/saved"
at 1 bad-mountpoint "$long"
mkdir closed
run 0 mount --passphrase-file "$EMR_PASS" closed
run 0 unmount
touch closed/saved
run 0 mount --passphrase-file "$EMR_PASS" closed
heard					# saved-while-closed
run 0 unmount
rmdir "$STATE/inside"
mkdir other && must mount -t tmpfs none other
at 11 bad-mountpoint other
umount other
HOME=/proc EMRFS_HOME=$EMRFS_HOME met 1 failed mount --passphrase-file "$EMR_PASS"
unshare --mount bash -c 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 &&
	"$1" mount --json --passphrase-file "$2" "$3" </dev/null' - "$EMRFS" "$EMR_PASS" "$MNT" >>"$MET" 2>&1
# As somebody who may not mount: the superuser without that right, and no helper.
weak() { PATH=/nonexistent "$(command -v setpriv)" --bounding-set=-sys_admin --inh-caps=-sys_admin "$EMRFS" "$@" --json </dev/null; }
weak mount --passphrase-file "$EMR_PASS" "$MNT" >>"$MET" 2>&1 && emr_fail "mounted without the right to"
# A verb that works on the closed folder and waits for its passphrase.
mkfifo answer && printf '#!/bin/sh\ncat %s\n' "$EMR_WORK/answer" >ask && chmod 700 ask
EMRFS_ASKPASS=$EMR_WORK/ask "$EMRFS" verify --quick >out/verify 2>&1 </dev/null &
asker=$!
for ((i = 0; i < 6000; i++)); do [ "$(sed -n 's/^pid //p' "$STATE/lock")" = $asker ] && break; sleep 0.02; done
met 11 in-use mount --passphrase-file "$EMR_PASS" "$MNT"
cat "$EMR_PASS" >answer
wait $asker || emr_fail "verify: $(cat out/verify)"

say "an open folder"
met 10 not-open status
opened
met 11 in-use mount --passphrase-file "$EMR_PASS" other
must mkdir "$MNT/Imaging"
echo one >"$MNT/Imaging/report.txt"
run 0 status --wait
cp "$MNT/.emrfs/proof/Imaging/report.txt.tlog-proof" own.proof
run 0 verify --proof own.proof
heard					# not-witnessed
met 5 no-such-path status Imaging/none
met 2 bad-place export Imaging/report.txt "$MNT/x.car"
refused "No such file or directory" cat "$MNT/Imaging/none"
met 5 no-such-version restore Imaging/report.txt@v7
met 2 which-version restore Imaging/report.txt
met 1 exists restore Imaging/report.txt@v1 --to Imaging/report.txt
met 2 bad-name restore Imaging/report.txt@v1 --to "Imaging/$(printf '%0300d' 0)"
expect "why not that name" "$(field message)" "This name cannot be kept: it has 300 bytes, and 255 fit."
met 1 reserved-name restore Imaging/report.txt@v1 --to datasets
exec 5>>"$MNT/Imaging/report.txt"
met 11 file-busy restore Imaging/report.txt@v1
met 11 folder-busy unmount
exec 5>&-

run 0 keep --not Imaging
heard					# last-copy
met 2 move-inside move Imaging Imaging/deep
refused "Invalid argument" python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[1] + "/deep")' "$MNT/Imaging"
met 13 needs-yes erase --passphrase-file "$EMR_PASS" Imaging/report.txt
met 6 denied erase --yes --passphrase-file "$EMR_PASS" Inbox
met 5 no-such-file verify --proof nothing.tlog-proof
met 8 bad-proof verify --proof "$EMR_PASS"

say "refused, and said"
refused "File exists" mkdir "$MNT/datasets"
refused "Operation not permitted" ln "$MNT/Imaging/report.txt" "$MNT/second-name"
refused "File too large" truncate -s 5T "$MNT/Imaging/report.txt"
grep ' reserved-name datasets: ' "$MNT/.emrfs/notices" | sed 's/^/notice: /' >>"$MET"
grep ' no-hard-links second-name: ' "$MNT/.emrfs/notices" | sed 's/^/notice: /' >>"$MET"
noticed too-big Imaging/report.txt
for ((i = 0; i < 100; i++)); do ln "$MNT/Imaging/report.txt" "$MNT/link$i" 2>/dev/null && emr_fail "linked"; done
[ "$(grep -c ' no-hard-links ' "$MNT/.emrfs/notices")" -le 20 ] || emr_fail "a notice for each of a hundred links"
expect "content after all that" "$(cat "$MNT/Imaging/report.txt")" one
echo lock >"$MNT/Imaging/.~lock.report.odt#"
must mkdir -p "$MNT/.Trash-1/files"
echo thrown >"$MNT/.Trash-1/files/letter.txt"
run 0 unmount
heard					# left-local
says ".~lock.report.odt#"
says_not Trash				# its owner threw it away
opened --read-only
refused "Read-only file system" touch "$MNT/new"
met 6 read-only restore Imaging/report.txt@v1 --to copy.txt
met 6 read-only emergency ABCD --reason so
met 6 read-only share --away own
closed

say "a ledger that is held, and a mount that hangs"
opened
hold "$STATE" held &
holder=$!
emr_until test -e held
echo two >"$MNT/Imaging/late.txt"
met 4 unsent status --wait=1s
rm held
wait $holder
run 0 status --wait
pid=$(pid_of_mount)
emr_stop "$pid"
"$EMRFS" status --json >out/late 2>&1 </dev/null &
asker=$!
# It waits for the answer when it has a socket and sleeps, again and again: who only waits for a processor does not sleep.
for ((i = 0, slept = 0; i < 6000 && slept < 20; i++)); do
	if ls -l "/proc/$asker/fd" 2>/dev/null | grep -q socket: && grep -q '^State:.*S' "/proc/$asker/status"; then
		slept=$((slept + 1))
	else
		slept=0
	fi
	sleep 0.02
done
kill -KILL "$pid"
wait $asker
cat out/late >>"$MET"
await_gone "$pid"
# A dead mount, and nobody who may clean it.
weak mount --passphrase-file "$EMR_PASS" "$MNT" >>"$MET" 2>&1 && emr_fail "cleaned without the right to"
opened

say "a folder that another program unmounted while a file of it was open"
exec 5<"$MNT/.emrfs/status.txt"
umount -l "$MNT"
run 0 status
says "Another program unmounted $MNT"
met 11 folder-busy unmount
grep -q -- "--now" out/said || emr_fail "no way out is named: $(cat out/said)"
exec 5<&-
ended() { "$EMRFS" status >out/ended 2>&1; [ $? = 10 ]; }
emr_until ended
opened

say "a clock that is behind"
closed
EMR_CLOCK_SECONDS=-7200 LD_PRELOAD=$TOOLS/libclock_shim.so run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
heard
echo early >"$MNT/early.txt"
timeout "$EMR_PATIENCE" "$EMRFS" status --wait=3s --json >out/said 2>&1 </dev/null
timeout "$EMR_PATIENCE" "$EMRFS" status early.txt --json >>out/said 2>&1 </dev/null
sed 's/^/notice: /' "$MNT/.emrfs/notices" >>"$MET"
"$EMRFS" unmount >out/said 2>&1 </dev/null
heard

say "a certificate that has ended"
EMR_CLOCK_SECONDS=380000000 LD_PRELOAD=$TOOLS/libclock_shim.so run 0 mount --passphrase-file "$EMR_PASS" "$MNT"	# twelve years
heard
grep -qE 'Your certificate ended on [0-9]+ [A-Z][a-z]+ [0-9]{4}' out/said out/complained || emr_fail "not said when: $(cat out/said out/complained)"
echo late >"$MNT/too-late.txt"
emr_until grep -q ' refused ' "$MNT/.emrfs/notices"
grep -qE 'The ledger did not take too-late.txt: [a-z].*\. It is kept here' "$MNT/.emrfs/notices" || emr_fail "refused, and not why: $(cat "$MNT/.emrfs/notices")"
expect "what is saved then" "$(cat "$MNT/too-late.txt")" late
sed 's/^/notice: /' "$MNT/.emrfs/notices" >>"$MET"
"$EMRFS" unmount --now >out/said 2>&1 </dev/null
