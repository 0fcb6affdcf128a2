#!/bin/bash
# shared.sh: Ana's share appears in her doctor's folder, opens in any program, and ends there, too.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$(dirname "$0")/held.sh"
two_begin shared
emr_noon
two_network "São Lucas"
two_ana_and_lima
two_join nuno "Nuno Reis" clinician	# has nobody's card
two_mount ana lima nuno
mkdir -p ana-folder/Imaging/Old ana-folder/Imaging/Series
echo "a knee" >ana-folder/Imaging/MRI.txt
head -c 3000000 /dev/urandom >ana-folder/Imaging/Old/CT.bin
for i in $(seq -w 60); do echo "slice $i" >"ana-folder/Imaging/Series/$i.dcm"; done
as ana run 0 status --wait
# errno_of PATH: opens and reads it, and says 0 or how it failed
errno_of() { python3 -c 'import sys
try: open(sys.argv[1], "rb").read(); print(0)
except OSError as e: print(e.errno)' "$1"; }
noticed() { grep -q -- " $1 .*$2" lima-folder/.emrfs/notices; }
lists() { [ -e "$1" ]; }

say "it appears, with every byte"
her_inbox() { [ "$(ls lima-folder/shared-with-me/*)" = Inbox ]; }
emr_until her_inbox	# lima is a doctor and has her card: nothing else yet
as ana run 0 share Imaging with lima --yes --wait
imaging() { ls -d lima-folder/shared-with-me/*/Imaging >/dev/null 2>&1; }
emr_until imaging
expect "the top" "$(ls lima-folder)" "Inbox
shared-with-me"
OWNER=$(ls lima-folder/shared-with-me)
expect "a path that viewers remember" "$OWNER" ana
PATIENT=$(getfattr --only-values -n user.emrfs.patient lima-folder/shared-with-me/ana)
[[ $PATIENT =~ ^ana\ \([A-Z2-7]{8}\)\ \[Silva,\ Ana\ 1984-03-12\]$ ]] || emr_fail "patient: $PATIENT"
SHARE=lima-folder/shared-with-me/$OWNER/Imaging
same() { diff -r ana-folder/Imaging "$SHARE" >/dev/null 2>&1; }	# each opening waits some seconds for an answer, and not longer
at_once=yes
same || at_once=no
emr_until same
asked() { as lima json 0 ledger --limit 1000; python3 -c 'import json
print(sum(e["op"] == "ACCESS_REQ" for e in json.load(open("out/said"))["entries"]))'; }
n=$(asked)
[ $at_once = no ] || [ "$n" -le 12 ] || emr_fail "$n questions for 62 files"	# who waited in vain asks again
getfattr --only-values -n user.emrfs.access "$SHARE/MRI.txt" | grep -Eq '^read until=20[0-9-]+T[0-9:]+Z purpose=treatment$' || emr_fail "access"
expect owner "$(getfattr --only-values -n user.emrfs.owner "$SHARE/MRI.txt")" "$PATIENT"
signed() { cat "$SHARE/MRI.txt" >/dev/null && getfattr --only-values -n user.emrfs.signature "$SHARE/MRI.txt" | grep -qF "self by=$PATIENT at=20"; }
emr_until signed
for name in tx version state signed-by; do [ -n "$(attribute $name "$SHARE/MRI.txt")" ] || emr_fail "no $name"; done
expect "cid" "$(getfattr --only-values -n user.emrfs.cid "$SHARE/MRI.txt")" \
	"$(getfattr --only-values -n user.emrfs.cid ana-folder/Imaging/MRI.txt)"

say "he opens what she saves again and again: it is always there"
cat >opens.py <<'END'
import os, sys, collections
seen = collections.Counter()
while not os.path.exists(sys.argv[2]) or not seen[0]:
    try:
        open(sys.argv[1], "rb").read()
        seen[0] += 1
    except OSError as e:
        seen[e.errno] += 1
print(dict(seen))
sys.exit(seen[2] > 0)
END
python3 opens.py "$SHARE/MRI.txt" saved >out/opened &
opener=$!
for i in 1 2 3 4 5 6 7 8; do
	echo "a knee, looked at $i times" >ana-folder/Imaging/MRI.txt
	as ana run 0 status --wait
done
touch saved
wait $opener || emr_fail "it was not there: $(cat out/opened)"
say "$(cat out/opened)"
echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
emr_until same

say "what she shares stands in his list, and a folder with nothing of its own gives no alarm"
as lima run 0 share
says "You share nothing."
says "Shared with you:"
says "  Imaging               $OWNER   read   treatment   until "
says "   opens only while that folder is open   Opens for you now."
as lima json 0 share
received() { python3 -c 'import json
for s in json.load(open("out/said"))["shared_with_me"]: print(s["path"], s["owner"], s["rights"], s["purpose"], s["opens"], s["state"], sep="|")'; }
expect "shared with him" "$(received)" "shared-with-me/$OWNER/Imaging|$OWNER|read|treatment|while-open|open
shared-with-me/$OWNER/Inbox|$OWNER|deposit|||open"
expect "when it opens" "$(getfattr --only-values -n user.emrfs.opens "$SHARE/MRI.txt")" while-open
[[ $(field shared_with_me.0.until) =~ ^20[0-9-]*T ]] || emr_fail "until: $(cat out/said)"
as lima run 0 status
says "  Shared with you: 1 share, until "
says "    Of them open only while their owner's folder is open: 1."
says_not "No second copy"
as ana run 0 status --wait=copies
as ana run 0 status	# the host has what is hers
says_not "No second copy"
as lima run 0 status "$SHARE/MRI.txt"
says "Opens only while the folder of $PATIENT is open."

say "verbs for one's own records, and its earlier versions, are refused: it says whose it is"
FILE="shared-with-me/$OWNER/Imaging/MRI.txt"
for verb in "ledger $FILE" "export $FILE out.car" "export $FILE out.proof --proof" "erase $FILE --yes --passphrase-file $EMR_PASS" "verify $FILE" "move $FILE mine.txt" \
	"restore --list $FILE" "restore $FILE@v1" "restore $FILE@v1 --to mine.txt"; do
	as lima json 6 ${verb%%"$FILE"*} "$FILE"${verb#*"$FILE"}
	expect "$verb" "$(field error)" not-yours
done
as lima run 6 ledger "$FILE"
says "$FILE belongs to $OWNER; ledger PATH is for your own records."
as lima run 6 restore --list "$FILE"
says "$FILE belongs to $OWNER; restore is for your own records."
[ ! -e out.car ] && [ ! -e out.proof ] && [ ! -e lima-folder/mine.txt ] || emr_fail "a file was made"

say "nothing of it can be changed"
for change in "touch $EMR_WORK/x/new" "mkdir $EMR_WORK/x/new" "rm $EMR_WORK/x/MRI.txt" "mv $EMR_WORK/x/MRI.txt lima-folder/" \
	"truncate -s 1 $EMR_WORK/x/MRI.txt" "ln -s there $EMR_WORK/x/mine" "touch $EMR_WORK/x/Old/new" "mkdir $EMR_WORK/x/../new" "mkdir $EMR_WORK/x/../../new" "chmod 600 $EMR_WORK/x/MRI.txt" "setfattr -n user.mine -v 1 $EMR_WORK/x/MRI.txt" "rmdir $EMR_WORK/x/Old"; do
	ln -sfn "$SHARE" x
	$change 2>out/said && emr_fail "$change"
	grep -q "Read-only file system" out/said || emr_fail "$change: $(cat out/said)"
done
noticed read-only "Imaging/MRI.txt is shared with you for reading" || emr_fail "no notice"
must cp -a "$SHARE/MRI.txt" lima-folder/mine.txt
must cmp lima-folder/mine.txt ana-folder/Imaging/MRI.txt

say "what she saves later is there, under the same name"
echo "another knee" >ana-folder/Imaging/MRI.txt
echo "new" >ana-folder/Imaging/new.txt
rm ana-folder/Imaging/Old/CT.bin
as ana run 0 status --wait
emr_until lists "$SHARE/new.txt"
emr_until cmp -s "$SHARE/MRI.txt" ana-folder/Imaging/MRI.txt
is_gone() { [ ! -e "$1" ]; }
emr_until is_gone "$SHARE/Old/CT.bin"

say "her folder is closed: she was told what that means, he is told within three seconds, and who waits can be interrupted"
for i in 1 2; do echo "unseen $i" >"ana-folder/Imaging/unseen$i.txt"; done
as ana run 0 status --wait
emr_until lists "$SHARE/unseen2.txt"
notices() { grep -c " no-release " lima-folder/.emrfs/notices; }
told=$(notices)
two_unmount ana
says "While it is closed, nothing new opens of what only your folder can release:"
says "  Imaging, for lima, São Lucas"
# A reader that is interrupted does not wait for the answer; on a busy computer one second may be as long as three, and three as long as eight.
soon() { # SECONDS COMMAND...
	local began=$SECONDS most=$1
	shift
	"$@"
	[ $((SECONDS - began)) -le "$most" ]
}
interrupted() { ! timeout 1 cat "$SHARE/unseen1.txt" 2>/dev/null || emr_fail "read"; }
refused() { expect ETIMEDOUT "$(errno_of "$SHARE/unseen$1.txt")" 110; }
for ((i = 0; i < 20; i++)); do soon 2 interrupted && break; done
[ $i -lt 20 ] || emr_fail "not interrupted"
for ((i = 0; i < 20; i++)); do soon 8 refused 1 && break; done
[ $i -lt 20 ] || emr_fail "waited for ten seconds for a folder that is closed"
more_notices() { [ "$(notices)" -gt "$told" ]; }
emr_until more_notices
emr_until noticed no-release "only the open folder of $OWNER can release its key, and nothing came from there within [0-9]* seconds"
refused 2
expect "told once" "$(notices)" $((told + 1))
expect "what was open stays readable" "$(cat "$SHARE/MRI.txt")" "another knee"
as lima run 0 share
says "Does not open for you now: the folder that gives the keys did not answer."
two_mount ana
emr_until cat "$SHARE/unseen1.txt" >/dev/null
as lima run 0 share
says "Opens for you now."

mkdir ana-folder/Imaging/Apart
for i in 1 2 3 4; do echo "apart $i" >ana-folder/Imaging/Apart/$i.txt; done
as ana run 0 status --wait
emr_until lists "$SHARE/Apart/4.txt"
# With the second one of a folder comes the key of another, which nobody opens.
for i in 1 2; do emr_until cat "$SHARE/Apart/$i.txt" >/dev/null; done
reported() { as ana run 0 log Imaging/Apart && grep -q "opened Imaging/Apart/1.txt" out/said && grep -q "opened Imaging/Apart/2.txt" out/said; }
emr_until reported

say "taking back acts on what is open, and says what was opened, a folder of it in one line"
hold_file "$SHARE/MRI.txt" held 120
emr_until lists held.open
as ana run 0 revoke --yes Imaging from lima --wait
grep -qE "[0-9]+ files of Imaging/Series   .*released: proven   \(each: emrfs log --all Imaging/Series\)" out/said &&
	[ "$(wc -l <out/said)" -lt 60 ] || emr_fail "opened: $(cat out/said)"
apart() { sed -n "/^$1/,/^[^ ]/s:^  .*   Imaging/Apart/\\(.*\\)\$:\\1:p" out/said; }
expect "opened" "$(apart "What was opened cannot be un-seen:" | sort)" "1.txt   opened: reported; its key was released: proven
2.txt   opened: reported; its key was released: proven"
[[ $(apart "Could have been opened, and nobody reports that it was:") =~ ^[34].txt\ \ \ its\ key\ was\ released:\ proven$ ]] || emr_fail "could have been opened: $(cat out/said)"
emr_until lists held.errno
expect EKEYREVOKED "$(cat held.errno)" 128
gone() { [ ! -e "$SHARE" ]; }
emr_until gone
refused_as() { ! cat "$2" >/dev/null 2>out/said && grep -q "$1" out/said; }
emr_until refused_as "Key has been revoked" "$SHARE/MRI.txt"	# opened again by its path, it says why
NOTE="lima-folder/shared-with-me/$OWNER/Imaging - access ended $(date +%F).txt"
emr_until grep -qF "$OWNER ended your access to Imaging" "$NOTE"
emr_until noticed grant-revoked "$OWNER ended your access to Imaging on"
listed_as_ended() { as lima run 0 share && grep -qE "^  Imaging +$OWNER   read   treatment   ended [0-9].*   Does not open for you any more: it was taken back\.$" out/said; }
emr_until listed_as_ended

say "and so does the end of its time"
# timed SECONDS: shared for so long, and open when that is over.  On a slow computer it may be over before it can be opened.
timed() {
	as ana timeout "$EMR_PATIENCE" "$EMRFS" share Imaging with lima --until "${1}s" --yes --wait >out/said 2>&1 || return 1
	hold_file "$SHARE/MRI.txt" timed "$1"
	wait $!
	lists timed.open
}
timed 7 || timed 20 || timed 60 || emr_fail "not open before its time was over: $(cat out/said)"
emr_until lists timed.errno
expect EKEYEXPIRED "$(cat timed.errno)" 127
emr_until noticed grant-expired "Your access to Imaging of $OWNER ended on"
emr_until refused_as "Key has expired" "$SHARE/MRI.txt"

say "and what the notice says to do asks her again, with her card or without"
# hint WHO: the command of WHO's last notice of that; pasted COMMAND: as a person would, at a shell
hint() { sed -n 's/.* grant-expired .*Ask again: //p' "$1-folder/.emrfs/notices" | tail -1; }
pasted() { PATH=$(dirname "$EMRFS"):$PATH timeout "$EMR_PATIENCE" bash -c "$1 --json" >out/said 2>out/complained </dev/null || emr_fail "$1: $(cat out/said out/complained)"; }
asked_for() { python3 -c 'import json
r = json.load(open("out/said"))["requests"][0]
print(r["name"], r["path"], r["direction"], sep="|")'; }
nuno_was_told() { [ -n "$(hint nuno)" ]; }
# told_after SECONDS: shared for so long; on a slow computer it may be over before nuno could see it.
told_after() {
	local i
	as ana timeout "$EMR_PATIENCE" "$EMRFS" share Imaging with nuno@saolucas --until "${1}s" --yes --wait >out/said 2>&1 || return 1
	for ((i = 0; i < $1 + 30; i++)); do
		! nuno_was_told || return 0
		sleep 1
	done
	return 1
}
told_after 5 || told_after 20 || told_after 60 || emr_fail "nuno is not told: $(cat out/said)"
for who in lima nuno; do
	[ $who = nuno ] || expect "the hint of $who" "$(hint $who)" "emrfs request '$OWNER:Imaging'"
	[ $who = lima ] || [[ $(hint nuno) =~ ^emrfs\ request\ \'Silva,\ Ana\ \([A-Z2-7]{8}\):Imaging\'$ ]] || emr_fail "the hint of nuno: $(hint nuno)"
	two_home $who
	pasted "$(hint $who)"
	[[ $(asked_for) == "ana|Imaging|from-me" || $who == nuno && $(asked_for) == *"|Imaging|from-me" ]] || emr_fail "asked: $(asked_for)"
done
two_home ana
both_asked() { json 0 request && [ "$(grep -o '"path": *"Imaging"' out/said | wc -l)" = 2 ]; }
emr_until both_asked
CODE=${PATIENT#*\(}
CODE=${CODE%%\)*}
as nuno json 5 request "${CODE:0:4}:Letters"
expect "four letters" "$(field error)" unknown-person
as nuno json 5 request "$CODE:Letters"	# a key can be made that has these letters
expect "eight letters" "$(field error)" which-person
WHOLE=$(grep -o "([A-Z2-7]\{26\})" out/said) || emr_fail "not said which code to type: $(cat out/said)"
as nuno json 0 request "${WHOLE:1:26}:Letters"
as nuno json 5 request "$PATIENT:Imaging"
expect "what is said of her is no name" "$(field error)" unknown-person

say "whoever calls herself as her directory is called is not taken for her"
HERS=$(ls nuno-folder/shared-with-me)
renamed() { ls nuno-folder/shared-with-me | grep -qx "$1" && getfattr --only-values -n user.emrfs.patient "nuno-folder/shared-with-me/$1" 2>/dev/null | grep -q "Silva, Ana"; }
as nuno run 0 people add lima.card --name "$HERS"
emr_until renamed "$HERS"	# nobody's word takes it from her
as nuno run 0 people add lima.card --name lima
emr_until renamed "$HERS"
two_join eve "$HERS" patient
says_not "No second copy"
as eve run 10 status
says_not "No second copy"
as eve run 0 people card -o eve.card --passphrase-file "$EMR_PASS"
as nuno run 0 people add eve.card
as nuno json 5 request "$HERS:Imaging"
expect "two of that name" "$(field error)" which-person
as nuno run 5 request "$HERS"
says "$HERS may be any of these: "
says "São Lucas (gives the name Silva, Ana _"	# the name on her card stands for nobody
renamed "$HERS" || emr_fail "her directory: $(ls nuno-folder/shared-with-me)"
as nuno run 0 people add ana.card --name ana
emr_until renamed ana	# his own word for her
two_unmount nuno

say "for another purpose nothing opens"
as ana run 0 share Imaging with lima --yes --wait
two_unmount lima
as lima run 2 mount --purpose fun
as lima run 2 mount --purpose treatment,research
as lima run 0 mount --purpose research --passphrase-file "$EMR_PASS" "$EMR_WORK/lima-folder"
emr_until lists "$SHARE"
ls "$SHARE" 2>out/said && emr_fail "listed for research"
grep -q "Permission denied" out/said || emr_fail "$(cat out/said)"
emr_until noticed wrong-purpose "Imaging is shared for treatment; this folder was opened for research"

say "after a start it is all there again"
two_unmount lima
two_mount lima
emr_until lists "$SHARE"
reads() { [ "$(cat "$1")" = "$2" ]; }
emr_until reads "$SHARE/MRI.txt" "another knee"

say "and she can see what she did: whom she gave what, until when and for what, and how it ended"
two_home ana
run 0 log Imaging --who lima
says "Silva, Ana  shared   Imaging with lima, São Lucas (gives the name Paula Lima), to read until "
says ", for treatment   proven"
says "Silva, Ana  ended    the share of Imaging with lima, São Lucas (gives the name Paula Lima)   proven"
says "the share of Imaging with lima, São Lucas (gives the name Paula Lima) ended (its time was over)   proven"
says_not "saved"
series_is_folded() {	# once he has told of all
	local all
	run 0 log Imaging/Series --all
	all=$(wc -l <out/said)
	run 0 log Imaging/Series
	[ "$all" -ge 120 ] && [ "$(wc -l <out/said)" -lt 60 ] &&
		grep -qE "opened [0-9]+ files in Imaging/Series \(whole\)   reported; key proven, by you" out/said
}
emr_until series_is_folded
says "each has its own with --all"
run 0 log
says_not "changed"	# an epoch began twice
fhir fhir log Imaging --purpose treatment
python3 - <<'END' || emr_fail "the deeds: $(cat out/said)"
import json
entries = json.load(open("out/said"))["entries"]
import re
deeds = [e for e in entries if "with" in e and e["with"]["who"] == "lima"]
# On a slow computer a time was over before it could be seen, and was tried again.
assert re.fullmatch("shared ended (shared expired )+shared ", "".join(e["action"] + " " for e in deeds)), deeds
assert all(e["who"] == "you" and e["path"] == "Imaging" and e["rights"] == "read" and e["proven"] for e in deeds), deeds
assert all(e["with"] == {"who": "lima", "name": "lima", "organisation": "São Lucas", "says": "Paula Lima", "kind": "person"} for e in deeds), deeds
assert deeds[3]["at"] == deeds[2]["until"] and deeds[3]["tx"] == deeds[2]["tx"], deeds
assert not any("until_unix" in e or "at_unix" in e for e in entries)
END
must python3 "$SUPPORT/fhir_audit_event.py" fhir
for action in shared ended expired; do grep -lq "\"$action\"" fhir/*.json || emr_fail "no AuditEvent of $action"; done
python3 "$SUPPORT/../integration/page.py" ana-folder/.emrfs/report.html | grep -q '^log .*"ended".*"path": "Imaging".*"with": {"who": "lima"' || emr_fail "the page"
two_unmount lima ana
echo "all is well"
