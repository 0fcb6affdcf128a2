#!/bin/bash
# doors.sh: a folder is shared and taken back by attributes and by a directory; copies never share; and nothing becomes visible to others by
# being moved.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin doors
export TZ=UTC
two_network "São Lucas"
two_ana_and_lima "Ana Silva"
two_mount ana
two_home ana
cd "$MNT" || exit 2
mkdir Imaging Imaging/Old Bills
echo "a knee" >Imaging/MRI.pdf
run 0 status --wait
refused() {	# ERRNO-TEXT COMMAND...
	local text=$1
	shift
	"$@" >"$EMR_WORK/out/refused" 2>&1 && emr_fail "not refused: $*"
	grep -qF "$text" "$EMR_WORK/out/refused" || emr_fail "$*: $(cat "$EMR_WORK/out/refused"), wanted: $text"
}
granted() { attribute "$1" "$2" | grep -q "state=confirmed$"; }
grants() { json 0 share && python3 -c 'import json; print(*["%s %s" % (g["path"], g["who"]) for g in json.load(open("'"$EMR_WORK"'/out/said"))["grants"]], sep=",")'; }
none() { [ "$(grants)" = "" ]; }

say "attributes"
expect "private" "$(attribute shared-with Imaging)" ""
expect "access" "$(attribute access Imaging/MRI.pdf)" "owner"
refused "No such attribute" getfattr -n user.emrfs.grant.lima Imaging
refused "No such file" setfattr -n user.emrfs.grant.eva -v read Imaging
refused "Invalid argument" setfattr -n user.emrfs.grant.lima -v everything Imaging
refused "Invalid argument" setfattr -n user.emrfs.grant.lima -v "read versions=yes" Imaging
refused "Invalid argument" setfattr -n user.emrfs.grant.lima -v "read until=yesterday" Imaging
grep -q " grant-value Imaging: Imaging was not shared with lima: 'everything' is none of read, write and deposit" .emrfs/notices &&
	grep -q "not shared with lima: 'versions=yes' is none of until=, purpose= and confirm=" .emrfs/notices &&
	grep -q "not shared with lima: the end is written otherwise than 12h" .emrfs/notices || emr_fail "no notice: $(cat .emrfs/notices)"
refused "not permitted" setfattr -n user.emrfs.grant.lima -v "$(confirmed read Inbox)" Inbox
grep -q " unknown-person Imaging: Nobody here is called eva" .emrfs/notices || emr_fail "no notice: $(cat .emrfs/notices)"
refused "No such attribute" setfattr -x user.emrfs.grant.lima Imaging
must setfattr -n user.emrfs.grant.lima -v "$(confirmed "read until=2099-12-31 purpose=treatment,legal" Imaging)" Imaging
emr_until granted grant.lima Imaging
[[ $(attribute grant.lima Imaging) =~ ^read\ until=2099-12-31T23:59:59Z\ purpose=treatment,legal\ grant=g-[a-z2-7]{4}\ state=confirmed$ ]] ||
	emr_fail "grant.lima: $(attribute grant.lima Imaging)"
expect "shared" "$(attribute shared-with Imaging)" "lima until 2099-12-31T23:59:59Z"
expect "shared, in it" "$(attribute shared-with Imaging/MRI.pdf)" "lima until 2099-12-31T23:59:59Z"
expect "not beside it" "$(attribute shared-with Bills)" ""
refused "No such attribute" getfattr -n user.emrfs.grant.lima Imaging/MRI.pdf
expect "the verb says the same" "$(grants)" "Imaging lima"

say "a value replaces the one before"
must setfattr -n user.emrfs.grant.lima -v "read until=2098-12-31 purpose=treatment" Imaging
narrowed() { [ "$(attribute shared-with Imaging)" = "lima until 2098-12-31T23:59:59Z" ] && [ "$(grants)" = "Imaging lima" ]; }
emr_until narrowed
json 13 share Imaging with lima --until 2d
run 13 share Imaging with lima --until 2d
says "What lima, São Lucas (gives the name Paula Lima) has of Imaging now (read, treatment, until 31 Dec 2098"
says "ends when this stands."
before=$(attribute grant.lima Imaging)
must setfattr -n user.emrfs.grant.lima -v "read until=2098-12-31 purpose=treatment" Imaging
expect "the same again is nothing" "$(attribute grant.lima Imaging)" "$before"
run 0 log Imaging
says "ended    an earlier share of Imaging with lima, São Lucas (gives the name Paula Lima); another goes on   proven"
says_not "ended    the share of"

say "a value for writing, and for leaving things"
must setfattr -n user.emrfs.grant.lima -v "$(confirmed "write until=2099-12-31 purpose=legal" Bills)" Bills
emr_until granted grant.lima Bills
[[ $(attribute grant.lima Bills) =~ ^write\ until=2099-12-31T23:59:59Z\ purpose=legal\ grant=g-[a-z2-7]{4}\ state=confirmed$ ]] ||
	emr_fail "grant.lima: $(attribute grant.lima Bills)"
refused "not permitted" mv Imaging/MRI.pdf Bills/	# for another purpose, and to be changed
grep -q ' would-share .* would show it to lima, São Lucas (gives the name Paula Lima) (who may change it: lima, São Lucas (gives the name Paula Lima))' .emrfs/notices ||
	emr_fail "notice: $(cat .emrfs/notices)"
must setfattr -n user.emrfs.grant.lima -v "$(confirmed "deposit until=2097-12-31 purpose=legal" Bills)" Bills
left_only() { [[ $(attribute grant.lima Bills) =~ ^deposit\ until=2097-12-31T23:59:59Z\ grant=g-[a-z2-7]{4}\ state=confirmed$ ]] &&
	[ "$(attribute shared-with Bills)" = "lima until 2097-12-31T23:59:59Z" ]; }
emr_until left_only
links() { [ "$(readlink shared-by-me/lima/Bills)" = ../../Bills ]; }
emr_until links
must rm shared-by-me/lima/Bills
ended() { [ "$(grants)" = "Imaging lima" ] && [ "$(attribute shared-with Bills)" = "" ]; }
emr_until ended

say "copies never share"
value=$(attribute grant.lima Imaging)
must setfattr -n user.emrfs.grant.lima -v "$value" Bills
must cp -a Imaging "Copy a"
must cp -r --preserve=xattr Imaging "Copy x"
must rsync -aX Imaging/ "Copy rsync/"
must rsync -aX Bills/ Imaging/
must rsync -aX --delete --exclude=MRI.pdf --exclude=Old Bills/ Imaging/
if command -v gio >/dev/null; then must gio copy Imaging/MRI.pdf Bills/; fi
must mv Imaging Pictures
expect "after copies" "$(grants)" "Pictures lima"
must mv Pictures Imaging
run 0 status --wait	# the links show names as the ledger has them
for d in "Copy a" "Copy x" "Copy rsync" Bills; do
	expect "$d" "$(attribute shared-with "$d")" ""
	rm -r "$d"
done

say "shared-by-me"
expect "top" "$(ls)" "Imaging
Inbox
shared-by-me"
expect "links" "$(find shared-by-me -printf '%p %y %l\n' | sort)" "shared-by-me d 
shared-by-me/lima d 
shared-by-me/lima/Imaging l ../../Imaging"
expect "through it" "$(cat shared-by-me/lima/Imaging/MRI.pdf)" "a knee"
refused "not permitted" mkdir shared-by-me/eva
refused "not permitted" touch shared-by-me/lima/x
refused "not permitted" ln -s ../../Bills shared-by-me/lima/Bills
refused "not permitted" mv shared-by-me/lima/Imaging shared-by-me/lima/X
refused "not permitted" mv Imaging/MRI.pdf shared-by-me/lima/
refused "Directory not empty" rmdir shared-by-me/lima
run 0 status
must rm shared-by-me/lima/Imaging
emr_until none
gone() { [ ! -e shared-by-me ]; }
emr_until gone
expect "private again" "$(attribute shared-with Imaging)" ""
must setfattr -n user.emrfs.grant.lima -v "$(confirmed read Imaging)" Imaging
emr_until granted grant.lima Imaging
linked() { [ -L shared-by-me/lima/Imaging ]; }
emr_until linked
must rm -r shared-by-me/lima
emr_until none
must setfattr -n user.emrfs.grant.lima -v "$(confirmed read Imaging)" Imaging
emr_until granted grant.lima Imaging
must setfattr -x user.emrfs.grant.lima Imaging
emr_until none
emr_until gone
expect "not there" "$(ls)" "Imaging
Inbox"

say "moving into a folder that others see"
echo bill >Bills.txt
mkdir Other Shared2
must setfattr -n user.emrfs.grant.lima -v "$(confirmed read Imaging)" Imaging
must setfattr -n user.emrfs.grant.lima -v "$(confirmed read Shared2)" Shared2
emr_until granted grant.lima Imaging
emr_until granted grant.lima Shared2
refused "not permitted" mv Bills.txt Imaging/
[ -e Bills.txt ] && [ ! -e Imaging/Bills.txt ] || emr_fail "it moved"
grep -q " would-share Bills.txt: Moving Bills.txt to Imaging would show it to lima, São Lucas (gives the name Paula Lima). To do that: emrfs move 'Bills.txt' 'Imaging/Bills.txt'" \
	.emrfs/notices || emr_fail "notice: $(cat .emrfs/notices)"
refused "not permitted" python3 -c 'import ctypes, os
l = ctypes.CDLL(None, use_errno=True)
if l.renameat2(-100, b"Bills.txt", -100, b"Imaging/MRI.pdf", 2): raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))'
mkdir Private Box Box/plain
echo debts >Private/secret.txt
echo debts >Box/plain/secret.txt
run 0 status --wait
refused "not permitted" mv Private Imaging/	# a domain of its own, which takes it along
grep -q ' would-share Private: Moving Private to Imaging would show it to lima, São Lucas' .emrfs/notices || emr_fail "notice: $(cat .emrfs/notices)"
json 13 move Private Imaging
must setfattr -n user.emrfs.grant.lima -v "$(confirmed "read until=2099-12-31" Box/plain)" Box/plain
emr_until granted grant.lima Box/plain
refused "not permitted" mv Box Imaging/	# with one in it that lima sees
must mv Box/plain Imaging/	# she sees it as long already
refused "not permitted" mv Imaging/MRI.pdf Imaging/plain/	# and what lies there for longer
must mv Imaging/plain Box/
must setfattr -x user.emrfs.grant.lima Box/plain
rm -r Private Box
run 0 status --wait
must mv Other/ "Other again"
must mv Imaging/MRI.pdf Shared2/	# the same person sees both
must mv Shared2/MRI.pdf "Other again/"	# less is seen
json 13 move Bills.txt Imaging
expect error "$(field error)" needs-yes
grep -q "lets lima, São Lucas (gives the name Paula Lima) see Bills.txt" "$EMR_WORK/out/said" || emr_fail "$(cat "$EMR_WORK/out/said")"
json 0 move Bills.txt Imaging --yes
expect "gains" "$(field gains)" "['lima']"
expect "moved" "$(cat Imaging/Bills.txt)" bill
json 0 move Imaging/Bills.txt "Other again"
expect "loses" "$(field gains) $(field loses)" "[] ['lima']"
cp "Other again/Bills.txt" Imaging/	# saved there on purpose

say "what lies in a shared folder keeps its owner's name"
mkdir Deep
echo deep >Deep/deep.txt
run 0 status --wait
two_mount lima
theirs=$EMR_WORK/lima-folder/shared-with-me
emr_until test -d "$theirs"
owner=$(ls "$theirs")
expect "owner" "$owner" ana
json 0 move Deep Imaging --yes
run 0 status --wait
follows() { find "$theirs" | grep -q deep.txt; }
emr_until follows
expect "her name" "$(ls "$theirs")" "$owner"

say "a file that is open while it is moved out of the share reads on, and not behind the share's end"
echo kept >Imaging/open.txt
run 0 status --wait
opened() { exec 9<"$(find "$theirs" -name open.txt)"; } 2>/dev/null
emr_until opened
must mv Imaging/open.txt .
unlisted() { ! find "$theirs" | grep -q open.txt; }
emr_until unlisted
reads_on() { python3 -c 'import os, sys; sys.exit(os.pread(9, 9, 0) != b"kept\n")' 2>/dev/null; }
reads_on || emr_fail "it ended with the move"
run 0 revoke --all from lima --yes --wait
ended() { ! reads_on; }
emr_until ended
exec 9<&-
cd "$EMR_WORK" || exit 2
two_unmount ana
two_unmount lima
echo "all is well"
