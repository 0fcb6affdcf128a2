#!/bin/bash
# foreign.sh: a doctor writes in Ana's folder with ordinary programs, through two mounts; nothing that the doctor closed is lost, also when
# the right ends.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$(dirname "$0")/held.sh"
two_begin foreign
export TZ=UTC
two_network "São Lucas"
two_ana_and_lima
two_mount ana lima
mkdir -p ana-folder/Imaging/Old ana-folder/Post
echo "a knee" >ana-folder/Imaging/MRI.txt
echo "a head" >ana-folder/Imaging/Old/CT.txt
as ana run 0 status --wait
lists() { [ -e "$1" ]; }
gone() { [ ! -e "$1" ]; }
says() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
as ana run 0 share Imaging with lima --write --yes --wait
as ana run 0 share Post with lima --deposit --yes --wait
emr_until lists lima-folder/shared-with-me
THEIRS=lima-folder/shared-with-me/$(ls lima-folder/shared-with-me)
emr_until says "$THEIRS/Imaging/MRI.txt" "a knee"
access() { getfattr --only-values -n user.emrfs.access "$1"; }
[[ $(access "$THEIRS/Imaging/MRI.txt") == "write until="*" purpose=treatment" ]] || emr_fail "$(access "$THEIRS/Imaging/MRI.txt")"

# save FILE TEXT: as LibreOffice does: a lock, a new file beside it, flushed, renamed over, and the lock goes
save() {
	python3 - "$1" "$2" <<'END' || emr_fail "save $1"
import os, sys
path, text = sys.argv[1:3]
folder, name = os.path.split(path)
lock, new = os.path.join(folder, f".~lock.{name}#"), os.path.join(folder, "lu12345.tmp")
for p, t in ((lock, "lima"), (new, text + "\n")):
    with open(p, "x") as f:
        f.write(t)
        f.flush()
        os.fsync(f.fileno())
os.rename(new, path)
os.unlink(lock)
END
}

say "programs save there, and she sees it"
save "$THEIRS/Imaging/report.odt" "healthy"
expect "at once" "$(cat "$THEIRS/Imaging/report.odt")" healthy
emr_until says ana-folder/Imaging/report.odt healthy
save "$THEIRS/Imaging/report.odt" "healthy again"
emr_until says ana-folder/Imaging/report.odt "healthy again"
version() { [ "$(getfattr --only-values -n user.emrfs.version ana-folder/Imaging/report.odt)" = "$1" ]; }
emr_until version 2
mkdir -p tree/one/two
for i in 1 2 3 4 5; do head -c $((i * 30000)) /dev/urandom >"tree/one/$i.bin"; done
echo "deep" >tree/one/two/deep.txt
must cp -r tree "$THEIRS/Imaging/tree"
must diff -r tree "$THEIRS/Imaging/tree"
same() { diff -r "$1" "$2" >/dev/null 2>&1; }
emr_until same tree ana-folder/Imaging/tree
must mv "$THEIRS/Imaging/Old/CT.txt" "$THEIRS/Imaging/tree/CT head.txt"
must rmdir "$THEIRS/Imaging/Old"
must rm -r "$THEIRS/Imaging/tree/one/two"
echo "another knee" >"$THEIRS/Imaging/MRI.txt"
printf 'X' | dd of="$THEIRS/Imaging/tree/one/5.bin" bs=1 seek=7000 conv=notrunc status=none || emr_fail "in the middle"
printf 'X' | dd of=tree/one/5.bin bs=1 seek=7000 conv=notrunc status=none
must truncate -s 1000 "$THEIRS/Imaging/tree/one/4.bin"
truncate -s 1000 tree/one/4.bin && rm -r tree/one/two && echo "a head" >"tree/CT head.txt"
mv "$THEIRS/Imaging/MRI.txt" lima-folder/moved.txt || emr_fail "mv copies"
must mv lima-folder/moved.txt "$THEIRS/Imaging/MRI.txt"
emr_until same tree ana-folder/Imaging/tree
emr_until gone ana-folder/Imaging/Old
emr_until says ana-folder/Imaging/MRI.txt "another knee"
emr_until same "$THEIRS/Imaging" ana-folder/Imaging
expect "scratch" "$(ls -A ana-folder/Imaging | tr '\n' ' ')" "MRI.txt report.odt tree "

say "what he closed reaches her, also when his computer dies at that moment"
echo "closed, and then it died" >"$THEIRS/Imaging/last.txt"
must mkdir "$THEIRS/Imaging/Later"
echo "deeper" >"$THEIRS/Imaging/Later/deep.txt"
must mv "$THEIRS/Imaging/tree/CT head.txt" "$THEIRS/Imaging/tree/CT.txt"
two_kill lima
two_mount lima
emr_until says ana-folder/Imaging/last.txt "closed, and then it died"
emr_until says ana-folder/Imaging/Later/deep.txt deeper
emr_until lists ana-folder/Imaging/tree/CT.txt
emr_until lists "$THEIRS/Imaging/last.txt"
emr_until gone "ana-folder/Imaging/tree/CT head.txt"

say "both write one file while the ledger is held: both are kept, and she is told which came second"
hold_ledger
echo "as ana saw it" >ana-folder/Imaging/MRI.txt
echo "as lima saw it" >"$THEIRS/Imaging/MRI.txt"
let_ledger_go
both() { [ "$(cat "$1"/MRI*.txt | sort | tr '\n' ' ')" = "as ana saw it as lima saw it " ]; }
emr_until both ana-folder/Imaging
emr_until both "$THEIRS/Imaging"
knows() { as "$1" json 0 status && [[ $(field conflicts) =~ ^\[.*Imaging/MRI\ \(conflict,.*\]$ ]] && as "$1" run 0 status && grep -q "both kept: 1 copy for you to choose" out/said; }
told() { grep -q " conflict .*Imaging/MRI (conflict, .*: $2 changed this file at the same time." "$1-folder/.emrfs/notices"; }
emr_until knows ana
emr_until told ana 'lima, São Lucas\( (gives the name Paula Lima)\)\?'	# and the writer when his came second
must rm ana-folder/Imaging/MRI\ \(conflict*
as ana run 0 status --wait
one_left() { ! ls "$THEIRS/Imaging/"*conflict* >/dev/null 2>&1; }
emr_until one_left
as ana json 0 status
expect "chosen" "$(field conflicts)" "[]"

say "it is hers now: she renames, removes, brings back, erases, and keeps it over a restart"
must mv ana-folder/Imaging/last.txt ana-folder/Imaging/first.txt
must rm ana-folder/Imaging/report.odt
as ana run 0 status --wait
emr_until lists "$THEIRS/Imaging/first.txt"
emr_until gone "$THEIRS/Imaging/report.odt"
two_unmount ana
two_mount ana
expect "after a restart" "$(cat ana-folder/Imaging/first.txt)" "closed, and then it died"
as ana run 0 restore Imaging/report.odt
expect "brought back" "$(cat ana-folder/Imaging/report.odt)" "healthy again"
as ana run 0 erase Imaging/first.txt --yes --passphrase-file "$EMR_PASS"
as ana run 0 status --wait
emr_until gone "$THEIRS/Imaging/first.txt"
as ana run 0 verify

say "a folder for deposits shows nothing of what was sent"
expect "empty" "$(ls -A "$THEIRS/Post")" ""
[[ $(access "$THEIRS/Post") == "deposit until="* ]] || emr_fail "$(access "$THEIRS/Post")"
echo "a letter of lima" >"$THEIRS/Post/letter.txt"
emr_until says ana-folder/Post/letter.txt "a letter of lima"
emr_until gone "$THEIRS/Post/letter.txt"
expect "nothing" "$(ls -A "$THEIRS/Post")" ""
ln -s letter.txt "$THEIRS/Post/mine" 2>out/said && emr_fail "a link"
grep -q "Permission denied" out/said || emr_fail "$(cat out/said)"

say "the right ends while a program writes: its bytes are kept, and said"
python3 - "$THEIRS/Imaging/unsent.txt" <<'END' &
import os, sys, time
f = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o600)
os.write(f, b"before, ")
open("writing.open", "w")
while not os.path.exists("writing.go"):
    time.sleep(0.02)
os.write(f, b"after\n")
os.close(f)
open("writing.done", "w")
END
emr_until lists writing.open
as ana run 0 revoke --yes Imaging from lima --wait
kept() { ls -d "lima-folder/Imaging (not sent to ana, "*")" >/dev/null 2>&1; }
emr_until kept
touch writing.go
emr_until lists writing.done
whole() { [ "$(cat "lima-folder/Imaging (not sent to ana, "*")/unsent.txt")" = "before, after" ]; }
emr_until whole
noticed() { grep -q -- " not-sent .*It is kept: Imaging (not sent to ana, " lima-folder/.emrfs/notices; }
emr_until noticed
as lima run 0 status --wait
gone "$THEIRS/Imaging/unsent.txt" && gone ana-folder/Imaging/unsent.txt || emr_fail "it is there"
two_unmount lima ana
echo "all is well"
