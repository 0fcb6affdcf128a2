#!/bin/bash
# fabric_ended.sh: a certificate ends while its holder's folder is open; then it ends while the computer is off. The folder says that and
# what to do, opens, and keeps what is saved; a new certificate brings it to the ledger. PEER plays the channel where FABRIC names no real
# one, support/fake_ca.py the hospital's authority where FABRIC_CA names none.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
. "$SUPPORT/authority.sh"
two_begin fabric_ended
channel_begin
authority_begin
printf 'adminpw\n' >admin.secret && chmod 600 admin.secret
authority_network
cp net/network settings
as hospital run 0 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/hospital.words" \
	--login admin --secret-file "$EMR_WORK/admin.secret"
cp net/network settings
away() { sed "s#https://127.0.0.1:$(cat ca/port) #https://127.0.0.1:1 #" settings >net/network; }
invite() { as hospital run 0 invite "$1" --role clinician -o "$EMR_WORK/$1.invitation" --within 1h --passphrase-file "$EMR_PASS"; }

say "he saves while his certificate counts"
seconds=20 # where that was too short for what comes before, another person has a longer one
[ -z "${FABRIC:-}" ] || seconds=69
for who in rui rui-2 rui-3 rui-4; do
	invite "$who"
	authority_lasts "$seconds"
	as "$who" run 0 init --join "$EMR_WORK/$who.invitation" --yes --name "Rui Paz" --born 1970-01-01 --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/$who.words"
	authority_lasts
	away # nobody renews it
	two_mount "$who"
	echo "when it counted" >"$who-folder/before.txt"
	as "$who" "$EMRFS" status --wait=20s >out/waited 2>&1 && break
	as "$who" "$EMRFS" unmount --now >out/waited 2>&1
	cp settings net/network
	seconds=$((seconds * 3))
	who=
done
[ -n "$who" ] || emr_fail "nobody saved before his certificate ended"

say "whoever has his folder open then reads it among the notices, and in his status"
tells() {
	says "Your certificate ended on"
	says "Ask 'São Lucas' for an invitation, then: emrfs join INVITE"
	says_not "cannot be reached"
}
emr_until grep -q "certificate-ended .*Your certificate ended on" "$who-folder/.emrfs/notices"
answers_nobody() { as "$who" run 0 status && grep -q "Your certificate ended on" out/said out/complained; }
emr_until answers_nobody
tells
two_unmount "$who"
cp settings net/network # from here on the authority is there, and gives nothing to whom it does not know any more

say "one that has ended by the clocks of the peers, and not yet by his own, is no ledger that is away"
invite zita
authority_lasts 691
as zita run 0 init --join "$EMR_WORK/zita.invitation" --yes --name "Zita Paz" --born 1970-01-01 --passphrase-file "$EMR_PASS" \
	--words-file "$EMR_WORK/zita.words"
authority_lasts
two_mount zita
hers() { as zita json 0 status && [ "$(field ledger.error)" = "$1" ]; }
emr_until hers None
if [ -z "${FABRIC:-}" ]; then # real peers' clocks are those of this computer
	touch channel/fault/evaluate-says-expired
	emr_until hers certificate-ended
	rm channel/fault/evaluate-says-expired
	emr_until hers None
fi
two_unmount zita

say "his folder opens, with what is in it, and says what has ended and what to do"
as "$who" run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/$who-folder"
tells
says_not "Your certificate ends on"
expect "what he has" "$(cat "$who-folder/before.txt")" "when it counted"
grep -q "Your certificate ended on" "$who-folder/.emrfs/notices" || emr_fail "whoever looks later is not told: $(cat "$who-folder/.emrfs/notices")"

say "what he saves is kept here, waits and is not refused"
echo "when it had ended" >"$who-folder/while.txt"
as "$who" run 0 status
tells
as "$who" run 4 status --wait=5s
tells
as "$who" json 0 status
[ "$(field pending)" -gt 0 ] || emr_fail "nothing waits: $(cat out/said)"
expect "what failed" "$(field failed)" 0
grep -q "refused" "$who-folder/.emrfs/notices" && emr_fail "refused: $(cat "$who-folder/.emrfs/notices")"
as "$who" run 4 unmount
as "$who" run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/$who-folder"
expect "what he saved" "$(cat "$who-folder/while.txt")" "when it had ended"
as "$who" run 4 unmount

say "the invitation that he is told to ask for brings a new certificate, and what waited goes to the ledger, once"
invite again
as "$who" run 0 join "$EMR_WORK/again.invitation" --yes --passphrase-file "$EMR_PASS"
says "Your key has a new certificate of São Lucas."
two_mount "$who"
says_not "certificate"
as "$who" run 0 status --wait
expect "what he saved" "$(cat "$who-folder/while.txt")" "when it had ended"
for name in before while; do
	as "$who" json 0 ledger $name.txt --limit 100
	expect "versions of $name.txt" "$(python3 -c 'import json
print(sum(e["op"] == "PUT" and e["result"] == "applied" for e in json.load(open("out/said"))["entries"]))')" 1
done
as "$who" run 0 verify
two_unmount "$who"
