#!/bin/bash
# join.sh: a person who began alone takes all records along into a network. The joining is killed again and again on the way; after it every
# id, version, CID, name, link and attribute is the same, the past is readable, and no member learns a name.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin join
two_network "São Lucas"

say "ana begins alone"
as ana run 0 init --yes --name "Ana Silva" --born 1984-03-12 --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/ana.words"
two_mount ana
two_home ana
must mkdir -p "$MNT/Imaging/2025/CT" "$MNT/Letters" "$MNT/Gone"
for ((i = 0; i < 100; i++)); do echo "slice $i, malignant" >"$MNT/Imaging/2025/CT/slice-$i.txt"; done
head -c 700000 /dev/urandom >"$MNT/Imaging/MRI.pdf"
echo "first" >"$MNT/Letters/report.txt"
echo "lost and found" >"$MNT/Gone/lost.txt"
echo "to be erased" >"$MNT/Letters/secret.txt"
run 0 status --wait
for version in second third; do
	echo "$version" >"$MNT/Letters/report.txt"
	run 0 status --wait
done
run 0 restore Letters/report.txt@v2
must mv "$MNT/Imaging/MRI.pdf" "$MNT/Imaging/MRI of May.pdf"
must rm -r "$MNT/Gone"
must ln -s ../Imaging/2025 "$MNT/Letters/scans"
must setfattr -n user.comment -v "seen by Dr Lima" "$MNT/Letters/report.txt"
must chmod 600 "$MNT/Imaging/2025/CT/slice-7.txt"
echo "not a record" >"$MNT/Letters/.~lock.report.odt#"
run 0 status --wait

# picture FILE: everything that must stay as it was.
picture() {
	(cd "$MNT" && find . -path ./.emrfs -prune -o -type d -printf '%p %m\n' -o -printf '%p %y %m %T@ %l\n' | sort &&
		find . -path ./.emrfs -prune -o -type f -print0 | sort -z | xargs -0 sha256sum &&
		getfattr -R -P -h -m '^user\.comment$' -d . 2>/dev/null | sed '/^$/d' | sort
		for name in id cid version; do for file in Letters/report.txt Imaging/2025/CT/slice-7.txt; do echo "$file $name $(attribute $name $file)"; done; done) >"$1"
}
# past FILE: what was.
past() {
	{
		"$EMRFS" restore --list Letters/report.txt
		"$EMRFS" log | sed 's/ entry .*//'
		(cd "$MNT/.emrfs/deleted" && find . -type f | sort)
		ls "$MNT/.emrfs/at"
	} >"$1" 2>&1
}
picture before.picture
past before.past
grep -q slice-99 before.picture && grep -q 'version 2' before.picture && grep -q lost.txt before.past || emr_fail "nothing to compare"

say "what is refused"
run 5 join x.invitation --passphrase-file "$EMR_PASS"
picture still.picture # the folder is open as it was
cmp before.picture still.picture || emr_fail "the folder was closed for nothing"
two_unmount ana
two_home ana
run 2 join --passphrase-file "$EMR_PASS"
run 5 join x.invitation --passphrase-file "$EMR_PASS"
emr_until test ! -e "$EMR_WORK/ana.invitation"
as hospital two_invite ana patient
inviting=$!
emr_until test -s "$EMR_WORK/ana.invitation"
run 13 join ana.invitation --passphrase-file "$EMR_PASS"
says "how many entries came from you, all at once ("
must mv "$EMRFS_HOME/state/ledger" ledger.away
run 7 join ana.invitation --yes --passphrase-file "$EMR_PASS"
must mv ledger.away "$EMRFS_HOME/state/ledger"
[ ! -e "$EMRFS_HOME/state/joining" ] || emr_fail "a refused join left something"

say "a certificate that is none"
emr_stop "$inviting"
"$EMRFS" join ana.invitation --yes --within 20min --passphrase-file "$EMR_PASS" >out/joined 2>out/complained </dev/null &
joining=$!
emr_until compgen -G "$NET/host/mail/*.reply" >out/reply
kill $joining
! wait $joining || emr_fail "joined before anybody answered"
(umask 077 && echo garbage >"$EMRFS_HOME/state/joining/certificate") # as a disk may leave it
kill -CONT "$inviting"

say "killed again and again"
# After a hundred kills, up to 0.8 s after its start, a busy computer is left alone: the test must end, too.
killed=0
for ((i = 1; ; i++)); do
	"$EMRFS" join ana.invitation --yes --json --passphrase-file "$EMR_PASS" >out/joined 2>out/complained </dev/null &
	joining=$!
	[ $i -gt 100 ] || sleep "$(printf '0.%03d' $((i * 8)))"
	if [ $i -le 100 ] && kill -KILL $joining 2>/dev/null; then
		wait $joining 2>/dev/null && break
		killed=$((killed + 1))
	else
		wait $joining || emr_fail "join: $(cat out/joined out/complained)"
		break
	fi
	[ $((i % 8)) != 0 ] || as ana run 0 verify --quick --passphrase-file "$EMR_PASS"
done
grep -q '"registered":true' out/joined || emr_fail "joined: $(cat out/joined out/complained)"
[ "$killed" -ge 5 ] || emr_fail "only $killed kills"
wait "$inviting" || emr_fail "invite: $(cat out/invited-ana)"
[ -z "$(ls "$NET/host/mail" | grep -v '\.certificate$\|\.invitation$')" ] || emr_fail "mail was left: $(ls "$NET/host/mail")"
[ ! -e "$EMRFS_HOME/state/joining" ] || emr_fail "left over: $(ls "$EMRFS_HOME/state/joining")"
echo "  $killed times"
expect "ledger" "$(readlink "$EMRFS_HOME/state/ledger")" "$EMRFS_HOME/state/network/ledger"
python3 - <<'END' || emr_fail "the answer: $(cat out/joined)"
import json
a = json.load(open("out/joined"))
assert a["network"] == "São Lucas", a
if "copied" not in a:	# killed when all was done but the answer
    raise SystemExit
assert a["copied"] > 100, a
assert {m["role"] for m in a["members"]} >= {"patient"} and len(a["members"]) == 2, a
assert a["visible_to_members"][0]["n"] == a["copied"], a
END

say "everything is what it was"
two_mount ana
two_home ana
picture after.picture
diff before.picture after.picture >out/said || emr_fail "$(head -20 out/said)"
past after.past
diff before.past after.past >out/said || emr_fail "$(head -20 out/said)"
expect "what another program left" "$(cat "$MNT/Letters/.~lock.report.odt#")" "not a record"
json 0 verify
expect "bad" "$(field bad)" "[]"

say "the past is readable, and goes on"
run 0 restore Letters/report.txt@v1
expect "version 1" "$(cat "$MNT/Letters/report.txt")" "first"
run 0 restore Gone/lost.txt
expect "deleted before" "$(cat "$MNT/Gone/lost.txt")" "lost and found"
echo "fourth" >"$MNT/Letters/report.txt"
run 0 status --wait
expect "the next version" "$(attribute version "$MNT/Letters/report.txt")" 4
run 0 erase Letters/secret.txt --yes --passphrase-file "$EMR_PASS"
! "$EMRFS" log | grep -q 'secret.txt v1' || emr_fail "an erased name is told"
two_unmount ana
two_mount ana
two_home ana
json 0 verify
expect "bad after all that" "$(field bad)" "[]"
run 0 restore --list Letters/report.txt
for v in v1 v2 v3 v4; do says "$v "; done

say "no member learns a name"
two_join rui "Rui Costa" patient
two_mount rui
nothing_in_clear "Ana Silva" Imaging slice- malignant report.txt "Dr Lima" 1984-03-12 -- "$NET" hospital/state rui/state
[ "$(ls "$EMR_WORK/rui-folder")" = Inbox ] || emr_fail "rui sees $(ls "$EMR_WORK/rui-folder")"
two_unmount rui ana

say "no other network takes them from there"
as other run 0 org create Other --network "$EMR_WORK/net2" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/other.words"
as other json 0 host "$EMR_WORK/net2" "127.0.0.1:$(emr_port)"
other_host=$(field pid)
as other two_invite ana patient
inviting=$!
emr_until test -s "$EMR_WORK/ana.invitation"
as ana run 6 join ana.invitation --passphrase-file "$EMR_PASS"
as ana says "on the network in $EMR_WORK/ana/state/network already"
kill -TERM $inviting "$other_host" && wait $inviting
await_gone "$other_host"

say "the annex is in her backups, and comes back"
two_mount ana
two_home ana
json 0 status
expect "network" "$(field network_name)" "São Lucas"
expect "members" "$(field member_count)" 3
past before.past
two_unmount ana
two_home ana
run 0 backup copy
run 0 backup copy --verify
two_home ana2
run 0 init --restore "$EMR_WORK/copy" --words-file "$EMR_WORK/ana.words" --passphrase-file "$EMR_PASS"
two_mount ana2
two_home ana2
past after.past
diff before.past after.past >out/said || emr_fail "$(head -20 out/said)"
run 0 restore Letters/report.txt@v3
expect "version 3" "$(cat "$MNT/Letters/report.txt")" "third"
json 0 verify
expect "bad" "$(field bad)" "[]"
two_unmount ana2
# Damaged there, it costs the past and not the present.
annex=$(awk '$0 ~ / annex\/ledger\/ledger.sqlite$/ { print $(NF - 1) }' copy/emrfs-backup)
[ -f "copy/emrfs-data/$annex" ] || annex=$(grep -o '[a-z0-9.-]* annex/ledger/ledger.sqlite' copy/emrfs-backup | cut -d' ' -f1)
must dd if=/dev/urandom of="copy/emrfs-data/$annex" bs=4096 seek=1 count=1 conv=notrunc status=none
two_home ana3
run 3 init --restore "$EMR_WORK/copy" --passphrase-file "$EMR_PASS"
says "what was before you joined is lost"
two_mount ana3
two_home ana3
expect "the present, as ana2 left it" "$(cat "$MNT/Letters/report.txt")" "third"
two_unmount ana3

say "without the earlier ledger, the records of today"
two_home ana
mv "$EMRFS_HOME/state/annex/joined" joined.away
"$EMRFS" mount --passphrase-file "$EMR_PASS" "$MNT" >out/said 2>out/complained </dev/null || emr_fail "$(cat out/complained)"
says "ledger from before you joined"
expect "read" "$(cat "$MNT/Letters/report.txt")" "third"
! touch "$MNT/new" 2>/dev/null || emr_fail "it was written to"
two_unmount ana
two_home ana
mv joined.away "$EMRFS_HOME/state/annex/joined"

say "a new certificate for the same key"
as hospital two_invite ana patient
inviting=$!
emr_until test -s "$EMR_WORK/ana.invitation"
two_home ana
before=$(sha256sum <"$EMRFS_HOME/state/keyfile")
json 0 join ana.invitation --passphrase-file "$EMR_PASS"
expect "renewed" "$(field renewed)" True
wait "$inviting" || emr_fail "invite: $(cat out/invited-ana)"
[ "$before" != "$(sha256sum <"$EMRFS_HOME/state/keyfile")" ] || emr_fail "the keyfile has no new certificate"
as hospital two_invite ana clinician
inviting=$!
emr_until test -s "$EMR_WORK/ana.invitation"
run 8 join ana.invitation --passphrase-file "$EMR_PASS"
says "another role"
wait "$inviting"
two_mount ana
two_home ana
expect "after it" "$(cat "$MNT/Letters/report.txt")" "third"

say "new words: the past from before she joined opens, and no other network takes it"
past before.past
two_unmount ana
two_home ana
run 0 words renew --words-file "$EMR_WORK/ana.new" --passphrase-file "$EMR_PASS"
run 6 network leave --yes --passphrase-file "$EMR_PASS"
says "took new words"
two_mount ana
two_home ana
past after.past
diff before.past after.past >out/said || emr_fail "$(head -20 out/said)"
run 0 restore Letters/report.txt@v1
expect "version 1" "$(cat "$MNT/Letters/report.txt")" "first"
json 0 verify
expect "bad" "$(field bad)" "[]"
two_unmount ana
echo "all is well"
