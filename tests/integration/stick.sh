#!/bin/bash
# stick.sh: a stick, an archive or a disk has attributes that would share the patient's folders, and is copied into the
# folder by cp, rsync and tar: nobody sees more than before. Only a person who types the code of the folder shares by an attribute;
# and files that are copied out of the folder carry nothing of it.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin stick
export TZ=UTC
touch here && setfattr -n user.test -v 1 here 2>/dev/null || emr_skip "no user.* attributes below $EMR_WORK"
two_network "São Lucas"
two_ana_and_lima "Ana Silva"
two_mount ana
two_home ana
cd "$MNT" || exit 2
mkdir Imaging Guarded Shared Copies
echo "a knee" >Imaging/MRI.pdf
echo "debts" >Guarded/secret.txt
run 0 share Shared with lima --until 2031-12-31 --yes --wait
run 0 status --wait
grants() { json 0 share && python3 -c 'import json; print(*["%s %s %s" % (g["path"], g["who"], g["until"][:4]) for g in json.load(open("'"$EMR_WORK"'/out/said"))["grants"]], sep=",")'; }
refused() {	# ERRNO-TEXT COMMAND...
	local text=$1
	shift
	"$@" >"$EMR_WORK/out/refused" 2>&1 && emr_fail "not refused: $*"
	grep -qF "$text" "$EMR_WORK/out/refused" || emr_fail "$*: $(cat "$EMR_WORK/out/refused"), wanted: $text"
}
granted() { attribute "$1" "$2" | grep -q "state=confirmed$"; }
code() { getfattr --only-values -n user.emrfs.confirm "$1"; }
expect "before" "$(grants)" "Shared lima 2031"

say "a notice has the whole command, whatever the folder is called"
nothing_else() { [ "$(grants)" = "Shared lima 2031" ]; }
mkdir "a 'b'"
refused "not permitted" setfattr -n user.emrfs.grant.lima -v "read until=2033-12-31" "a 'b'"
command=$(sed -n "s/.* grant-unconfirmed a 'b': .* If you want that: //p" .emrfs/notices | head -1)
bash -c "$command" || emr_fail "the command of the notice: $command"
emr_until granted grant.lima "a 'b'"
must rm "shared-by-me/lima/a 'b'"
emr_until nothing_else

say "a hostile stick, by three programs, twice"
stick=$EMR_WORK/stick
mkdir -p "$stick"/{Imaging,Guarded,Shared,New,shared-by-me/lima}
echo "a letter" | tee "$stick/Imaging/letter.txt" "$stick/New/letter.txt" >"$stick/Shared/letter.txt"
wide="read until=2099-12-31"
for d in "$stick" "$stick"/{Imaging,Imaging/letter.txt,New,Shared}; do
	for who in lima @saolucas lima@saolucas; do must setfattr -n "user.emrfs.grant.$who" -v "$wide" "$d"; done
	must setfattr -n user.emrfs.confirm -v aaaaaaaa "$d"
done
must setfattr -n user.emrfs.grant.lima -v "$wide confirm=aaaaaaaa" "$stick/Imaging"
must setfattr -n user.emrfs.grant.@saolucas -v "$wide confirm=" "$stick/Imaging"
ln -s ../../Guarded "$stick/shared-by-me/lima/Guarded"
tar -C "$stick" --format=posix --xattrs --xattrs-include='*' -cf "$EMR_WORK/stick.tar" . || emr_fail "tar"
private() {
	expect "$1: grants" "$(grants)" "Shared lima 2031"
	expect "$1: Imaging" "$(attribute shared-with Imaging)" ""
	expect "$1: New" "$(attribute shared-with New)" ""
	expect "$1: Shared" "$(attribute shared-with Shared)" "lima until 2031-12-31T23:59:59Z"
	expect "$1: links" "$(find shared-by-me -type l)" shared-by-me/lima/Shared
	expect "$1: the files came" "$(cat Imaging/letter.txt New/letter.txt Shared/letter.txt)" $'a letter\na letter\na letter'
	rm Imaging/letter.txt New/letter.txt Shared/letter.txt
}
for round in 1 2; do
	cp -a "$stick/." . 2>"$EMR_WORK/out/cp"
	private "cp -a"
	cp -r --preserve=all "$stick/." . 2>"$EMR_WORK/out/cp"
	private "cp --preserve=all"
	rsync -aX "$stick/" . 2>"$EMR_WORK/out/rsync"
	private "rsync -aX"
	tar --xattrs --xattrs-include='*' -xpf "$EMR_WORK/stick.tar" 2>"$EMR_WORK/out/tar"
	private "tar --xattrs"
done
run 0 status --wait	# nothing waits to be shared either
expect "afterwards" "$(grants)" "Shared lima 2031"
grep -q " grant-unconfirmed Imaging: Something that was copied, or a command without its code, wanted to share Imaging with lima, São Lucas (gives the name Paula Lima)" \
	.emrfs/notices || emr_fail "notices: $(cat .emrfs/notices)"

say "by the code of the folder"
[[ $(code Imaging) =~ ^[a-z2-7]{8}$ ]] || emr_fail "code: $(code Imaging)"
[ "$(code Imaging)" = "$(code Imaging)" ] && [ "$(code Imaging)" != "$(code Guarded)" ] || emr_fail "codes of two folders"
set_grant() { setfattr -n user.emrfs.grant.lima -v "$1" Imaging; }
refused "not permitted" set_grant "read until=2050-12-31"
refused "not permitted" set_grant "read until=2050-12-31 confirm=$(code Guarded)"
refused "not permitted" set_grant "read until=2050-12-31 confirm=$(code Guarded) confirm=$(code Imaging)"
refused "not permitted" set_grant "read until=2050-12-31 confirm=$(code Imaging)a"
expect "until here" "$(grants)" "Shared lima 2031"
must set_grant "read confirm=$(code Imaging) until=2050-12-31 purpose=treatment,legal"
emr_until granted grant.lima Imaging
expect "shared" "$(grants)" "Imaging lima 2050,Shared lima 2031"

say "what gives no more needs no code, what gives more does"
for more in "read until=2051-12-31" "write until=2050-12-31" "read until=2050-12-31 purpose=payment" \
	"deposit until=2050-12-31"; do
	refused "not permitted" set_grant "$more"
done
must set_grant "read until=2040-12-31 purpose=treatment"
narrowed() { [ "$(grants)" = "Imaging lima 2040,Shared lima 2031" ]; }
emr_until narrowed
refused "not permitted" set_grant "read until=2050-12-31 purpose=treatment"
must setfattr -x user.emrfs.grant.lima Imaging
emr_until nothing_else

say "the code is in no list, log, notice and copy, and another one next time"
before=$(code Imaging)
listed=$(getfattr -d -m - Imaging Shared Guarded)
[[ $listed != *emrfs.confirm* && $listed != *$before* ]] || emr_fail "listed: $listed"
! grep -rqF "$before" "$EMRFS_HOME" .emrfs/notices .emrfs/log .emrfs/status.json || emr_fail "the code is written down"
run 0 backup "$EMR_WORK/copy"
! grep -rqF "$before" "$EMR_WORK/copy" || emr_fail "the code is in the backup"
run 0 status --wait
cd "$EMR_WORK" || exit 2
two_unmount ana
two_mount ana
cd "$MNT" || exit 2
[ "$(code Imaging)" != "$before" ] || emr_fail "the same code after the folder was closed"
refused "not permitted" set_grant "read until=2050-12-31 confirm=$before"

say "what is said of a record is answered and not listed, where it is one's own and where it is another's, now and in the past"
expect "access" "$(attribute access Shared)" owner
[[ $(attribute grant.lima Shared) == "read until=2031-12-31T23:59:59Z"* ]] || emr_fail "grant: $(attribute grant.lima Shared)"
[[ $(attribute owner Imaging/MRI.pdf) == "patient-"*") [Ana Silva 1984-03-12]" ]] || emr_fail "owner: $(attribute owner Imaging/MRI.pdf)"
echo "a letter" >Shared/letter.txt
two_mount lima
theirs=$(echo "$EMR_WORK"/lima-folder/shared-with-me/*)
reads() { [ -e "$theirs/Shared/letter.txt" ]; }
emr_until reads
for place in . Imaging Imaging/MRI.pdf Shared Shared/letter.txt .emrfs .emrfs/at .emrfs/at/*/Imaging/MRI.pdf .emrfs/deleted shared-by-me \
	"$EMR_WORK/lima-folder/shared-with-me" "$theirs" "$theirs/Shared" "$theirs/Shared/letter.txt"; do
	[ -e "$place" ] || emr_fail "$place is not there"
	expect "$place: listed" "$(getfattr -h -d -m - "$place" 2>&1)" ""
done
[[ $(attribute access "$theirs/Shared/letter.txt") == "read until=2031-"* ]] || emr_fail "access: $(attribute access "$theirs/Shared/letter.txt")"
two_unmount lima
must setfattr -n user.test -v "one's own" Shared/.. && must setfattr -n user.test -v mine Imaging/MRI.pdf

say "copies out carry nothing of it"
out=$EMR_WORK/taken
mkdir "$out" "$out/tar" "$out/x"
must cp -a Imaging Shared "$out/"
must cp -r --preserve=all Imaging "$out/all"
must rsync -aX Imaging/ Shared "$out/rsync/"
tar --xattrs --format=posix -cf - Imaging Shared | tar -C "$out/tar" --xattrs -xpf - || emr_fail "tar"
must gio copy Imaging/MRI.pdf "$out/gio.pdf"
must mv "$(mktemp -p Imaging)" "$out/moved"
carried=$(getfattr -R -h -d -m emrfs "$out" 2>/dev/null)
expect "carried out" "$carried" ""
for copy in Imaging all rsync tar/Imaging; do
	expect "$copy: one's own attribute" "$(getfattr --absolute-names --only-values -n user.test "$out/$copy/MRI.pdf")" mine
done
tar --xattrs --xattrs-include='*' --format=posix -cf "$EMR_WORK/all.tar" Imaging Shared >"$EMR_WORK/out/tar" 2>&1 &&
	tar -C "$out/all" --xattrs --xattrs-include='*' -xpf "$EMR_WORK/all.tar" >>"$EMR_WORK/out/tar" 2>&1 || emr_fail "tar of everything: $(cat "$EMR_WORK/out/tar")"
expect "tar that takes and restores everything, without a warning" "$(cat "$EMR_WORK/out/tar")" ""
expect "archived" "$(grep -ac 'emrfs\.' "$EMR_WORK/all.tar")" 0
must cp --preserve=xattr Imaging/MRI.pdf "$out/strict.pdf"

say "rsync -aX twice is quiet, in and out; a copy takes no share away"
must rsync -aX "$out/rsync/" Copies/
expect "in" "$(rsync -aXi "$out/rsync/" Copies/)" ""
must rsync -aX Shared/ "$out/again/"
expect "out" "$(rsync -aXi Shared/ "$out/again/")" ""
mkdir "$out/empty"
must rsync -aX "$out/empty/" Shared/
must cp -a Shared Copies/
must cp -a Copies/Shared .
expect "shares" "$(grants)" "Shared lima 2031"
cd "$EMR_WORK" || exit 2
two_unmount ana
echo "all is well"
