#!/bin/bash
# deposit_strange.sh: unusual things happen around examples/hospital-deposit (names in another encoding, a directory that cannot be read, a
# table that is being written, a file that is replaced while it is taken, a full disk, a person with another name, a patient who erases).
# Nothing comes to the wrong patient, nothing is lost, and nobody else waits for it.
. "${SUPPORT:=$(dirname "$0")/../support}/ward.sh"
eval "ward_$(declare -f at_end)"
at_end() {
	umount -l "$EMR_WORK/tiny" 2>/dev/null
	ward_at_end
}
ward_begin deposit_strange dcmodify strace
mkdir "$state/arriving/1-1" || exit 2
must_place() { place "$@" || emr_fail "the service ended by itself: $(tail -5 out/place)"; }
# got WHO BEGINNING [TIMES]: so often it is in the Inbox of WHO
got() { [ "$(names "$1" | grep -cF -- "$2")" = "${3:-1}" ]; }
must /usr/bin/python3 "$SUPPORT/make_cd.py" cd 6
image=cd/DICOM/ST0/SE0/IM0

say "what one program leaves behind stops nothing of the others, and no terminal obeys what is said of it"
closed=$drop/$'CLOSED\e[2J\nheld: nothing'
mkdir "$drop/$(printf 'R1@S\343o Lucas')" "$closed" && echo "by an old system" >"$drop/$(printf 'R1@S\343o Lucas')/latin.txt" || exit 2
must cp "$image" "$drop/$(printf 'R1@S\343o Lucas')/latin.dcm"
echo "not in a directory of a receiver" >"$state/arriving/stray"
: >"$state/arriving/1-1/nothing"
echo "to be placed" >"$drop/K7QF/first.txt"
must_place strace -f -qq -o out/trace -P "$closed" -e trace=openat -e inject=openat:error=EACCES
emr_until got ana "first "
held "the name of its directory cannot be read - latin "
held "the name of its directory cannot be read - CT"
held "it is empty - nothing"
grep -qxF "$drop/CLOSED?[2J?held: nothing: Permission denied: find '$drop/CLOSED?[2J?held: nothing' -maxdepth 0 ! -type l -exec chmod g+rwxs {} +, and umask 007 for the program that writes there" out/place || emr_fail "said: $(cat -v out/place)"
held "it does not begin as a DICOM file - stray"
rm -r "$closed" "$state"/unplaced/* || exit 2

say "from a directory where nothing can be removed nothing is taken, which is said once with the command that mends it"
[ "$(id -u)" = 0 ] || emr_skip "directories of another account need root"
mkdir -m 755 "$drop/NOBODY" && echo "in clear" >"$drop/NOBODY/umask.txt" && chown games "$drop/NOBODY" || exit 2
table ,K7QF,ana,1984-03-12 ,NOBODY,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30"
: >out/placed
setsid env EMRFS_HOME="$EMR_WORK/ward" setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search \
	/usr/bin/python3 -B "$service" place --state "$state" --folder "$EMR_WORK/ward-folder" --table patients.csv --drop "$drop" --still 0 2>out/placed &
PLACER=$!
emr_until grep -q "^$drop/NOBODY: nothing can be removed" out/placed
echo "after it" >"$drop/K7QF/passes.txt" # two passes later
emr_until got ana "passes "
echo "after that" >"$drop/K7QF/passes2.txt"
emr_until got ana "passes2 "
expect "said once" "$(grep -c NOBODY out/placed)" 1
expect "delivered" "$(names ana | grep -c umask)" 0
sh -c "$(sed -n 's/.*so nothing is taken: \(find .*\), and umask.*/\1/p' out/placed)" || emr_fail "the command: $(cat out/placed)"
emr_until got ana "umask "
expect "left in clear" "$(ls "$drop/NOBODY")" ""
kill -KILL -- "-$PLACER" && wait $PLACER
PLACER=
rmdir "$drop/NOBODY" || exit 2
table ,K7QF,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30"

say "names that never become records are not taken, and an object cannot have one"
for name in '~$plan.docx' scan.bak '#notes.txt#' video.download; do echo "of another program" >"$drop/K7QF/$name"; done
mkdir -p "$state/arriving/1-1"
must cp "$image" "$state/arriving/1-1/odd"
must dcmodify -q -nb -gin -m 'Modality=~$X' "$state/arriving/1-1/odd"
must_place
expect "left where they are" "$(ls "$drop/K7QF" | wc -l)" 4
held 'its name would be one of a temporary file - ~$X'
rm -r "$drop"/K7QF/* "$state"/unplaced/* || exit 2

say "what is held and comes again is held or placed as it is then, and stops nothing; what an administrator took out of the queue stops nothing"
mkdir "$drop/NOBODY" || exit 2
for n in 1 2; do
	echo "of nobody known" >"$drop/NOBODY/late.txt" && echo "of ana, $n" >"$drop/K7QF/beside$n.txt" || exit 2
	must_place
	emr_until got ana "beside$n "
	held "unknown patient"
	expect "taken" "$(ls "$drop/NOBODY")" ""
done
table ,K7QF,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30" ,NOBODY,nora,
must_place # she is in the table, and has no Inbox that can be seen
rm "$(find "$state/queue" -type f)" || exit 2
echo "of ana, 3" >"$drop/K7QF/beside3.txt"
at_once
must_place
emr_until got ana "beside3 "
grep -q '^queue/.*No such file' out/place || emr_fail "nobody was told: $(tail -5 out/place)"
sqlite3 "$state/deposit.sqlite" "DELETE FROM object WHERE state = 'queued'"
table ,K7QF,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30"

say "a table that is half written, or was saved with something else in its first line, places nothing, also not with somebody else"
for bad in 'issuer,patient_id,who,born\n,K7QF,ana,1984-03-12\nSão Lucas,R1,an' 'issuer,patient_id,who,born\n,K7QF,ana\n' 'Issuer;patient_id;who;born\n,K7QF,ana,\n' ''; do
	printf "$bad" >patients.csv
	echo "of rui" >"$drop/R1@São Lucas/second.txt"
	at_once
	must_place
	grep -q "^patients.csv: .*nothing is placed" out/place || emr_fail "no word about: $bad"
	! status && grep -q '"stops": \["patients.csv: ' out/said || emr_fail "monitoring is not told: $(cat out/said)"
	: >out/place
done
printf '\357\273\277issuer,patient_id,who,born\n,K7QF,ana,1984-03-12\nSão Lucas,R1,rui,1951-07-30\n' >patients.csv
at_once
must_place
emr_until got rui "second "
expect "of ana" "$(names ana | grep -c second)" 0
expect "held" "$(ls "$state/unplaced")" ""
table ,K7QF,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30" ',R3,"Silva, Rui",'
mkdir "$drop/R3" && echo "by the name that he gave himself" >"$drop/R3/name.txt" || exit 2
must_place
status
expect "by a name that is the patient's own word" "$(field queued)" 1
table ,K7QF,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30" ',R3,rui,'
at_once
must_place
emr_until got rui "name "

say "a file with a time to come is taken; one that is replaced while it is taken is taken, too"
echo "by a clock that is ahead" >"$drop/K7QF/ahead.txt" && touch -d '+2 days' "$drop/K7QF/ahead.txt" || exit 2
must_place
emr_until got ana "ahead "
echo "the first letter" >"$drop/K7QF/letter.txt"
# The service is stopped when it has the letter in its queue; then the record system replaces it.
place strace -f -qq -o out/trace -e trace=rename -e inject=rename:signal=SIGSTOP:when=1 &
TRACER=$!
stopped() { grep -q 'stopped by SIGSTOP' out/trace; }
emr_until stopped
echo "the corrected letter" >letter.txt && mv letter.txt "$drop/K7QF/letter.txt" || exit 2
# Processes that the service starts may be stopped at a renaming of their own: all are let go on, until the service ends.
goes_on() { sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' out/trace | xargs -r kill -CONT 2>/dev/null; ! kill -0 $TRACER 2>/dev/null; }
emr_until goes_on
wait $TRACER || emr_fail "the service ended by itself: $(tail -5 out/place)"
must_place
emr_until got ana "letter " 2
cat ana-folder/Inbox/*/*/letter* | sort >out/letters
expect "both" "$(cat out/letters)" $'the corrected letter\nthe first letter'

say "a directory that becomes a link while the service is busy leads to no file of anybody else"
mkdir "$drop/0000" elsewhere && echo "of another patient" >elsewhere/secret.txt && echo "to be busy with" >"$drop/0000/busy.txt" || exit 2
rm -f out/trace
place strace -f -qq -o out/trace -e trace=rename -e inject=rename:signal=SIGSTOP:when=1 &
TRACER=$!
emr_until stopped
mv "$drop/K7QF" kept && ln -s "$EMR_WORK/elsewhere" "$drop/K7QF" || exit 2
emr_until goes_on
wait $TRACER || emr_fail "the service ended by itself: $(tail -5 out/place)"
expect "where it was" "$(ls elsewhere)" secret.txt
expect "of ana" "$(names ana | grep -c secret)" 0
grep -q "^$drop/K7QF: Not a directory" out/place || emr_fail "nobody was told: $(tail -5 out/place)"
rm -r "$drop/K7QF" "$drop/0000" "$state"/unplaced/* && mv kept "$drop/K7QF" || exit 2

say "the same instance with other bytes is another record; a full disk loses nothing"
for n in 1 2; do
	mkdir -p "$state/arriving/1-1"
	must cp "$image" "$state/arriving/1-1/same$n"
	must dcmodify -q -nb -i "ImageComments=version $n" "$state/arriving/1-1/same$n"
done
uid=$(dcmdump -q +P SOPInstanceUID "$image" | sed 's/.*\[\(.*\)\].*/\1/')
STEPS=link,rename,fsync,fdatasync,pwrite64
failed=0
for ((n = 1; ; n += 1 + n / 2)); do
	rm -f out/trace
	place strace -f -qq -o out/trace -e trace=$STEPS -e inject=$STEPS:error=ENOSPC:when=$n..$((n + 2))
	at_once
	grep -q INJECTED out/trace || break
	failed=$((failed + 1))
	[ "$n" -lt 2000 ] || emr_fail "never done: $(tail -5 out/place)"
done
[ "$failed" -ge 3 ] || emr_fail "full $failed times only"
must_place
emr_until got ana "$uid" 2
as ana run 0 status --wait
got ana "$uid" 2 || emr_fail "not once each: $(names ana)"

if [ "$(id -u)" = 0 ]; then
	say "where the service's own disk has not one free block, what waits still goes to its patient, and that makes room again"
	usual=$state state=$EMR_WORK/tiny
	mkdir "$state" && must mount -t tmpfs -o size=4m none "$state"
	mkdir "$state/arriving" && head -c 2000000 /dev/urandom >"$drop/K7QF/waits.bin" || exit 2
	table "São Lucas,R1,rui,1951-07-30"
	must_place
	held "unknown patient K7QF - waits "
	cat /dev/zero >"$state/others" 2>>out/full && emr_fail "it is not full"
	: >out/place
	table ,K7QF,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30"
	echo "comes meanwhile" >"$drop/K7QF/meanwhile.txt"
	must_place
	emr_until got ana "waits "
	must_place
	emr_until got ana "meanwhile "
	expect "its own once more" "$(names ana | grep -c '^waits ') $(find "$state/queue" "$state/unplaced" -type f | wc -l)" "1 0"
	[ "$(grep -c 'no room can be put aside' out/place)" -le 2 ] || emr_fail "said at each look, not once a run: $(cat out/place)"
	umount "$state" && rmdir "$state" || exit 2
	state=$usual
else
	say "SKIPPED: a small disk of its own needs root"
fi

say "what is larger than the network's rules let a patient see is not sent in vain"
head -c 5000 /dev/urandom >"$drop/K7QF/large.bin"
MOST=4999 must_place
held "it is larger than the network allows - large "
rm "$state"/unplaced/* || exit 2

say "a person who is called otherwise from now on keeps nobody waiting, nor does one who erased what was left for her"
before=$(names ana | wc -l)
echo "one more" >"$drop/K7QF/renamed.txt"
place exec setsid &
PLACER=$!
disown
under_way() { [ "$(sqlite3 "$state/deposit.sqlite" "SELECT count(*) FROM object WHERE state IN ('leaving', 'placed') AND name LIKE 'renamed %'")" = 1 ]; }
emr_until under_way
kill -KILL -- "-$PLACER" 2>>out/killed
PLACER=
as ward run 0 people add "$EMR_WORK/ana.card" --name anita
table ,K7QF,anita,1984-03-12 "São Lucas,R1,rui,1951-07-30"
must_place
emr_until got ana "renamed "
expect "once" "$(names ana | wc -l)" $((before + 1))

echo "to be erased" >"$drop/K7QF/erased.txt"
must_place
emr_until got ana "erased "
as ana run 0 status --wait
as ana "$EMRFS" erase "$(cd ana-folder && ls Inbox/*/*/erased*)" --yes --passphrase-file "$EMR_PASS" </dev/null || expect "the host is told until it lets go" $? 3
as ana run 0 status --wait
unnamed() { as ward json 0 log && [ "$(jq '[.entries[] | select(.action == "left" and .path == null)] | length' out/said)" = 1 ]; }
emr_until unnamed
echo "after it" >"$drop/R1@São Lucas/after.txt"
echo "hers, after it" >"$drop/K7QF/hers.txt"
must_place timeout "$EMR_PATIENCE"
emr_until got rui "after "
emr_until got ana "hers "
expect "in the queue" "$(ls -A "$state/queue")" ""
status || emr_fail "somebody is needed: $(cat out/said)"

say "what was on the ledger when its owner's key was revoked is placed, though no Inbox is seen any more"
echo "the last one" >"$drop/R1@São Lucas/last.txt"
rm -f out/trace
# The service is stopped when the copy has its name in the Inbox, and ends there.
place exec setsid strace -qq -o out/trace -e trace=renameat -e inject=renameat:signal=SIGSTOP:when=1 &
PLACER=$!
disown
emr_until got rui "last "
kill -KILL -- "-$PLACER" 2>>out/killed
PLACER=
as ward run 0 status --wait
in_state() { sqlite3 "$state/deposit.sqlite" "SELECT state FROM object WHERE name LIKE 'last %'"; }
expect "what the service knows of it" "$(in_state)" leaving
RUI=$(getfattr --only-values -n user.emrfs.owner-id ward-folder/shared-with-me/rui/Inbox | python3 -c 'import base64; print(base64.b32encode(bytes.fromhex(input())).decode()[:26])')
as hospital run 0 org revoke "$RUI" --yes --passphrase-file "$EMR_PASS"
unseen() { [ "$(ls -d ward-folder/shared-with-me/*/Inbox | wc -l)" = 1 ]; }
emr_until unseen
must_place timeout "$EMR_PATIENCE"
expect "what became of it" "$(in_state)" placed
expect "in the queue" "$(ls -A "$state/queue")" ""
echo "all is well"
