#!/bin/bash
# single_file.sh: Ana shares one file for writing. The doctor's programs write in it through two mounts, nothing that either closed is lost,
# and all but its bytes stays Ana's.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin single_file
export TZ=UTC
two_network "São Lucas"
two_ana_and_lima
two_mount ana lima
mkdir -p ana-folder/Plans/Old
echo "rest" >ana-folder/Plans/plan.txt
echo "nobody else's" >ana-folder/Plans/diary.txt
as ana run 0 status --wait
lists() { [ -e "$1" ]; }
says() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
access() { getfattr --only-values -n user.emrfs.access "$1"; }
version() { [ "$(getfattr --only-values -n user.emrfs.version ana-folder/Plans/plan.txt)" = "$1" ]; }

say "it is shared for writing by itself; nobody leaves files in it"
as ana run 6 share Plans/plan.txt with lima --deposit --yes
grep -q "nothing can be left in it" out/said out/complained || emr_fail "$(cat out/said out/complained)"
as ana run 0 share Plans/plan.txt with lima --write --yes --wait
emr_until lists lima-folder/shared-with-me
THEIRS=lima-folder/shared-with-me/$(ls lima-folder/shared-with-me)
emr_until says "$THEIRS/plan.txt" rest
expect "nothing else" "$(ls -A "$THEIRS" | tr '\n' ' ')" "Inbox plan.txt "
[[ $(access "$THEIRS/plan.txt") == "write until="*" purpose=treatment" ]] || emr_fail "$(access "$THEIRS/plan.txt")"

say "what programs write in place reaches her"
echo "walk" >new.txt
must cp new.txt "$THEIRS/plan.txt"
expect "at once" "$(cat "$THEIRS/plan.txt")" walk
emr_until says ana-folder/Plans/plan.txt walk
emr_until version 2
echo "swim" >>"$THEIRS/plan.txt" || emr_fail "append"
emr_until says ana-folder/Plans/plan.txt "walk
swim"
printf 'W' | dd of="$THEIRS/plan.txt" bs=1 seek=0 conv=notrunc status=none || emr_fail "in the middle"
emr_until says ana-folder/Plans/plan.txt "Walk
swim"
must truncate -s 5 "$THEIRS/plan.txt"
emr_until says ana-folder/Plans/plan.txt Walk
must rsync --inplace --times new.txt "$THEIRS/plan.txt"
emr_until says ana-folder/Plans/plan.txt walk
python3 - "$THEIRS/plan.txt" <<'END' || emr_fail "truncate and write"
import os, sys
f = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(f, b"walk, and rest\n")
os.fsync(f)
os.close(f)
END
emr_until says ana-folder/Plans/plan.txt "walk, and rest"

say "and she sees who wrote"
as ana run 0 log Plans/plan.txt
grep -q "lima, São Lucas (gives the name Paula Lima)" out/said || emr_fail "log: $(cat out/said)"
as ana run 0 restore Plans/plan.txt --list
grep -q "lima, São Lucas" out/said || emr_fail "versions: $(cat out/said)"
[[ $(getfattr --only-values -n user.emrfs.signed-by ana-folder/Plans/plan.txt) == *"lima"* ]] || emr_fail "signed-by"

say "all but its bytes is hers to say"
refused() { # ERROR COMMAND...
	local why=$1
	shift
	"$@" >out/said 2>&1 && emr_fail "$* went through"
	grep -q "$why" out/said || emr_fail "$*: $(cat out/said)"
}
refused "Read-only file system" rm -f "$THEIRS/plan.txt"
refused "Read-only file system" mv "$THEIRS/plan.txt" "$THEIRS/other.txt"
refused "Read-only file system" mv -f new.txt "$THEIRS/plan.txt"
refused "Read-only file system" cp new.txt "$THEIRS/beside.txt"
refused "Read-only file system" mkdir "$THEIRS/dir"
refused "Read-only file system" sed -i s/walk/run/ "$THEIRS/plan.txt"
refused "Permission denied" chmod 444 "$THEIRS/plan.txt"
refused "Permission denied" touch -d 2020-01-01 "$THEIRS/plan.txt"
refused "Permission denied" setfattr -n user.note -v his "$THEIRS/plan.txt"
mkdir new-plan && echo run >new-plan/plan.txt
must cp -f new-plan/plan.txt "$THEIRS/plan.txt"
emr_until says ana-folder/Plans/plan.txt run
must mv ana-folder/Plans/plan.txt ana-folder/Plans/Old/exercise.txt
as ana run 0 status --wait
emr_until test -e "$THEIRS/exercise.txt"	# as she calls it now
[ ! -e "$THEIRS/plan.txt" ] || emr_fail "the share has two names: $(ls "$THEIRS")"
echo "run more" >"$THEIRS/exercise.txt"
emr_until says ana-folder/Plans/Old/exercise.txt "run more"
must mv ana-folder/Plans/Old/exercise.txt ana-folder/Plans/plan.txt
as ana run 0 status --wait
emr_until test -e "$THEIRS/plan.txt"
expect "her folder" "$(ls -A ana-folder/Plans | tr '\n' ' ')" "Old diary.txt plan.txt "

say "what he closed reaches her, also when his computer dies at that moment"
echo "closed, and then it died" >"$THEIRS/plan.txt"
two_kill lima
two_mount lima
emr_until says "$THEIRS/plan.txt" "closed, and then it died"
emr_until says ana-folder/Plans/plan.txt "closed, and then it died"
two_unmount ana
two_mount ana
expect "after a restart" "$(cat ana-folder/Plans/plan.txt)" "closed, and then it died"

# holds FILE TEXT NAME: a program that opens FILE, says so with NAME.open, and writes TEXT and closes it after NAME.go
holds() {
	python3 - "$@" <<'END' &
import os, sys, time
path, text, name = sys.argv[1:4]
f = os.open(path, os.O_WRONLY | os.O_TRUNC)
os.write(f, text.encode())
open(name + ".open", "w")
while not os.path.exists(name + ".go"):
    time.sleep(0.02)
os.close(f)
open(name + ".done", "w")
END
	emr_until lists "$3.open"
}

say "two write at the same time: both versions are kept"
holds "$THEIRS/plan.txt" "his" first
echo "hers" >ana-folder/Plans/plan.txt
as ana run 0 status --wait
touch first.go
emr_until lists first.done
his() { cat "lima-folder/plan.txt (not sent to ana, "*")/plan.txt" 2>/dev/null; }
kept() { [ "$(his)" = his ]; }
emr_until kept
emr_until says "$THEIRS/plan.txt" hers
expect "hers" "$(cat ana-folder/Plans/plan.txt)" hers
noticed() { grep -q -- "$1" lima-folder/.emrfs/notices; }
emr_until noticed " conflict plan.txt (not sent to ana, .*: ana.* changed this file at the same time"
rm -r "lima-folder/plan.txt (not sent to ana, "*")"
holds ana-folder/Plans/plan.txt "hers again" second
echo "his again" >"$THEIRS/plan.txt"
as lima run 0 status --wait
touch second.go
emr_until lists second.done
emr_until says ana-folder/Plans/plan.txt "his again"
copy() { [ "$(cat "ana-folder/Plans/plan (conflict, "*").txt" 2>/dev/null)" = "hers again" ]; }
emr_until copy
rm "ana-folder/Plans/plan (conflict, "*").txt"

say "the right ends while a program writes: its bytes are kept, and said"
holds "$THEIRS/plan.txt" "not sent" third
as ana run 0 revoke --yes Plans/plan.txt from lima --wait
unsent() { [ "$(his)" = "not sent" ]; }
emr_until unsent
touch third.go
emr_until lists third.done
emr_until noticed " not-sent .*It is kept: plan.txt (not sent to ana, "
as lima run 0 status --wait
expect "hers" "$(cat ana-folder/Plans/plan.txt)" "his again"
ended() { ls -d "$THEIRS/plan.txt - access ended "*.txt >/dev/null 2>&1; }
emr_until ended

say "the attribute, and a request that she says yes to, let him write as well"
must setfattr -n user.emrfs.grant.lima -v "$(confirmed write ana-folder/Plans/plan.txt)" ana-folder/Plans/plan.txt
written() { echo "$1" 2>/dev/null >"$THEIRS/plan.txt"; }
emr_until written "by the attribute"
emr_until says ana-folder/Plans/plan.txt "by the attribute"
as ana run 0 revoke --yes Plans/plan.txt from lima --wait
emr_until ended
as lima json 0 request "ana:Plans/plan.txt" --reason "the next plan" --write
asked() { as ana json 0 request && grep -q "the next plan" out/said; }
emr_until asked
as ana json 0 approve "$(python3 -c 'import json; print(next(r["id"] for r in json.load(open("out/said"))["requests"] if r["state"] == "open"))')" --yes
emr_until written "after a request"
emr_until says ana-folder/Plans/plan.txt "after a request"
expect "at its place" "$(ls -A ana-folder/Plans | tr '\n' ' ')$(ls ana-folder | tr '\n' ' ')" "Old diary.txt plan.txt Inbox Plans shared-by-me "
as ana run 0 verify
two_unmount lima ana
echo "all is well"
