#!/bin/bash
# network_leave.sh: a patient's network loses its host for good. She leaves it: every record, version, CID, signature and proof is what it
# was, also what others left her and what waited to be registered. Killed anywhere, the same line goes on. Then another network takes all.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin leave
two_network "São Lucas" hospital
two_ana_and_lima
# picture FILE: everything that must stay as it was.
picture() {
	(cd ana-folder && find . -name '.emrfs' -prune -o -name 'shared-*' -prune -o -type f -print | sort | while read -r each; do
		stat -c '%n %a %Y %s' "$each" && sha256sum "$each" && getfattr --only-values -n user.comment "$each" 2>/dev/null
		for name in id cid version signed-at signed-by signature stored-bytes; do
			echo "$each $name $(getfattr --only-values -n "user.emrfs.$name" "$each" 2>&1)"
		done
	done) | sed 's/ valid-content / valid /' >"$1" # as it was before a comparison
	{
		as ana run 0 restore --list Letters/report.txt && cat out/said
		as ana run 0 log && sed 's/ entry .*//' out/said | grep -E 'saved|renamed|deleted|restored'
		(cd ana-folder/.emrfs/deleted && find . -type f | sort)
		ls ana-folder/.emrfs/at
	} >"$2" 2>&1
}
same() { diff "$1" "$2" >out/diff || emr_fail "$3: $(head -20 out/diff)"; }
sound() { as ana json 0 verify && expect "bad" "$(field bad)" "[]"; }
# proven PROOF COPY SIGNER
proven() {
	as ana run 0 verify --proof "$1" "$2"
	grep -q "Signed by $3" out/said || emr_fail "$1: $(cat out/said)"
}

say "a member with versions, a letter of another, and shares both ways"
two_mount ana lima
mkdir ana-folder/Letters ana-folder/Plan ana-folder/Gone lima-folder/Leaflets
for version in first second third; do
	echo "$version" >ana-folder/Letters/report.txt
	as ana run 0 status --wait
done
echo "lost and found" >ana-folder/Gone/lost.txt
echo "put away" >ana-folder/Gone/other.txt
echo "old name" >ana-folder/Letters/a.txt
setfattr -n user.comment -v "seen" ana-folder/Letters/report.txt
echo "one" >ana-folder/Plan/plan.txt
as ana run 0 status --wait
rm -r ana-folder/Gone
mv ana-folder/Letters/a.txt ana-folder/Letters/b.txt
as ana run 0 share Plan with lima --write --yes --wait
as lima run 0 share Leaflets with ana --yes --wait
head -c 300000 /dev/urandom >letter.dcm
leave_there() { cp letter.dcm "$(echo lima-folder/shared-with-me/ana*)/Inbox/" && (cd lima-folder/shared-with-me/ana*/Plan && echo "by lima" >therapy.txt && echo "[.ShellClassInfo]" >desktop.ini); }
emr_until leave_there 2>out/there
as lima run 0 status --wait
came() { cmp letter.dcm ana-folder/Inbox/*/*/letter.dcm && [ "$(cat ana-folder/Plan/therapy.txt)" = "by lima" ] && [ -e ana-folder/Plan/_desktop.ini ]; }
emr_until came 2>out/came
home() { as ana json 0 status && [ "$(field coming)" = 0 ] && [ "$(field not_whole)" = 0 ]; }
emr_until home
LETTER=$(cd ana-folder && echo Inbox/*/*/letter.dcm)
as ana run 0 status --wait
for each in Letters/report.txt "$LETTER"; do
	must cp "ana-folder/.emrfs/proof/$each.tlog-proof" "proof-$(basename "$each")"
done
cp ana-folder/Letters/report.txt report.txt
picture before.picture before.past
grep -q "by=lima, São Lucas" before.picture && grep -q lost.txt before.past || emr_fail "nothing to compare: $(cat before.picture before.past)"

say "the host is gone for good, and she saves, removes and renames"
two_unmount lima
two_host_kill
mv "$NET" net.gone
echo "fourth" >ana-folder/Letters/report.txt
echo "new" >ana-folder/Letters/new.txt
rm ana-folder/Plan/plan.txt
mv ana-folder/Letters/b.txt ana-folder/Letters/c.txt
pid=$(two_pid ana)
two_home ana
run 4 unmount
await_gone "$pid"
run 13 network leave --passphrase-file "$EMR_PASS"
says "Shares of others with you end here"
[ ! -e ana/state/joining ] || emr_fail "a refused leave left something"

say "killed again and again"
killed=0
for ((i = 1; ; i++)); do
	"$EMRFS" network leave --yes --json --passphrase-file "$EMR_PASS" >out/left 2>out/complained </dev/null &
	leaving=$!
	[ $i -gt 60 ] || sleep "$(printf '0.%03d' $((i * 5)))"
	if [ $i -le 60 ] && kill -KILL $leaving 2>/dev/null; then
		wait $leaving 2>/dev/null && break
		killed=$((killed + 1))
	else
		wait $leaving || emr_fail "leave: $(cat out/left out/complained)"
		break
	fi
done
[ "$killed" -ge 3 ] || emr_fail "only $killed kills"
[ ! -e ana/state/joining ] && [ ! -e ana/state/network ] && [ -d ana/state/ledger ] && [ ! -L ana/state/ledger ] || emr_fail "left over: $(ls ana/state)"
echo "  $killed times"
run 0 network leave --passphrase-file "$EMR_PASS" # once more

say "she is alone, with everything"
two_mount ana
expect "what waited" "$(cat ana-folder/Letters/report.txt ana-folder/Letters/new.txt ana-folder/Letters/c.txt)" "fourth
new
old name"
[ ! -e ana-folder/Plan/plan.txt ] && [ ! -e ana-folder/Letters/b.txt ] || emr_fail "what was removed or renamed is back"
as ana run 0 status --wait
expect "the next version" "$(as ana attribute version "$PWD/ana-folder/Letters/report.txt")" 4
as ana run 0 restore Letters/report.txt@v1 && expect "version 1" "$(cat ana-folder/Letters/report.txt)" first
as ana run 0 restore Gone/lost.txt && expect "deleted before" "$(cat ana-folder/Gone/lost.txt)" "lost and found"
as ana run 0 restore Plan/plan.txt
cmp letter.dcm "ana-folder/$LETTER" || emr_fail "the letter is another"
sound
# Keys that a reader, or an agent, has there open nothing of this.
as ana json 0 ledger
grep -q '"op":"EPOCH"' out/said || emr_fail "no new keys: $(cat out/said)"
as ana json 0 status
expect "network" "$(field network_name)" None
as ana run 6 share Plan with lima --yes
says "nothing can be shared with them"
proven proof-report.txt report.txt patient-
proven proof-letter.dcm letter.dcm lima
says "Its network is one that you left: São Lucas"
must cp "ana-folder/.emrfs/proof/$LETTER.tlog-proof" proof-again
proven proof-again letter.dcm lima
say "opened again, and from a backup, it is the same"
picture alone.picture alone.past
# Every line is as it was, of files that did not change since.
others() { grep -F -e "$LETTER" -e therapy.txt -e desktop.ini "$1"; } # names of a writer configure no program
others before.picture >out/was && others alone.picture >out/is && same out/was out/is "what others wrote"
sed 's/  (now)//' before.past >out/was
for line in v1 v2 v3 lima,; do grep "$line " out/was; done | while read -r each; do grep -qF -- "$each" alone.past || emr_fail "not so any more: $each: $(cat alone.past)"; done || exit 1
two_unmount ana
as ana run 0 backup copy
two_home ana2
run 0 init --restore "$EMR_WORK/copy" --words-file "$EMR_WORK/ana.words" --passphrase-file "$EMR_PASS"
rm -rf ana && mv ana2 ana && rmdir ana2-folder
two_mount ana
picture again.picture again.past
same alone.picture again.picture "restored"
same alone.past again.past "the past, restored"
sound

say "another network takes all of it"
NET=$EMR_WORK/net2 TWO_PORT=$(emr_port)
two_network "Praxis Reis" reis
as reis two_invite ana patient
inviting=$!
emr_until test -s ana.invitation
two_unmount ana
as ana run 0 join ana.invitation --yes --passphrase-file "$EMR_PASS"
wait "$inviting" || emr_fail "invite: $(cat out/invited-ana)"
two_mount ana
picture there.picture there.past
same alone.picture there.picture "in the other network"
same alone.past there.past "the past, in the other network"
as ana run 0 restore Gone/other.txt && expect "deleted two ledgers ago" "$(cat ana-folder/Gone/other.txt)" "put away"
sound
must cp "ana-folder/.emrfs/proof/$LETTER.tlog-proof" proof-there && proven proof-there letter.dcm lima
echo "fifth" >ana-folder/Letters/report.txt
as ana run 0 status --wait
as ana run 0 erase Letters/c.txt --yes --passphrase-file "$EMR_PASS"
! as ana "$EMRFS" log | grep -q 'c\.txt' || emr_fail "an erased name is told"
sound
say "who began alone, joined, left while the host is there, and came again to the same one"
two_home bento
run 0 init --yes --name "Bento Reis" --born 1979-01-02 --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/bento.words"
# saves: version N, where he is now.
saves() { two_mount bento && echo "$1" >bento-folder/notes.txt && as bento run 0 status --wait && two_unmount bento; }
comes() {
	as reis two_invite bento patient
	inviting=$!
	emr_until test -s bento.invitation
	as bento run 0 join bento.invitation --yes --passphrase-file "$EMR_PASS"
	wait "$inviting" || emr_fail "invite: $(cat out/invited-bento)"
}
saves one
comes
saves two
as bento run 0 network leave --yes --passphrase-file "$EMR_PASS"
saves three
comes
saves four
two_mount bento
as bento run 0 restore --list notes.txt
expect "versions" "$(grep -c '^v[1-4] ' out/said)" 4
as bento run 0 restore notes.txt@v1 && expect "version 1" "$(cat bento-folder/notes.txt)" one
as bento json 0 verify && expect "bad" "$(field bad)" "[]"
as reis run 6 network leave --yes --passphrase-file "$EMR_PASS"
says "another's host"
echo "all is well"
