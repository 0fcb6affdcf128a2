#!/bin/bash
# host_members.sh: the same verbs from another computer. A practice's owner serves its network; members, an organisation and its
# administrator, and second computers have nothing of that directory: they have only the files that are handed over, and the host.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin host-members
host_stop() {
	kill "$TWO_HOST" && await_gone "$TWO_HOST"
	TWO_HOST=
}
P="--passphrase-file $EMR_PASS"
# Everything of WHO's state that leads to the network is his own.
stands_alone() {
	[ "$(readlink -f "$EMR_WORK/$1/state/ledger")" = "$EMR_WORK/$1/state/network/ledger" ] || emr_fail "$1 stands in another directory"
	[ -f "$EMR_WORK/$1/state/network/ledger/host" ] && [ ! -e "$EMR_WORK/$1/state/network/ledger/ledger.sqlite" ] || emr_fail "$1 has a ledger"
}
reads() { [ "$(cat $1 2>/dev/null)" = "$2" ]; }

TWO_ALONE=1 two_network "Praxis Ana" ana
two_host
two_join bento "Bento Reis" patient ana
stands_alone bento

say "a second computer of a member, and of the host's owner: each stands at the host by itself"
as bento run 0 device add laptop -o bento.device --yes $P
as bento-laptop run 0 device accept bento.device $P
stands_alone bento-laptop
as ana run 0 device add laptop -o ana.device --yes $P
as ana-laptop run 0 device accept ana.device $P
stands_alone ana-laptop
two_mount bento bento-laptop
as bento must mkdir "$EMR_WORK/bento-folder/Notes"
echo "from the first" >"$EMR_WORK/bento-folder/Notes/one.txt"
emr_until reads "$EMR_WORK/bento-laptop-folder/Notes/one.txt" "from the first"
echo "from the second" >"$EMR_WORK/bento-laptop-folder/Notes/two.txt"
emr_until reads "$EMR_WORK/bento-folder/Notes/two.txt" "from the second"
as bento run 0 device remove laptop $P
echo "after that" >"$EMR_WORK/bento-folder/Notes/three.txt"
as bento run 0 status --wait=1min
two_unmount bento-laptop

say "an organisation is made from another computer: the members admit it, and its administrator invites"
address=$TWO_ADDRESS
as clara run 6 org create "Lab Clara" --network "${address%#*}" --yes $P --words-file "$EMR_WORK/clara.words"
says "no address of a host"
as clara run 6 org create "Lab Clara" --network "${address%,*},sha256//$(head -c 32 /dev/zero | base64)" --yes $P --words-file "$EMR_WORK/clara.words"
says "another key"
as clara run 6 org create "Lab Clara" --network "$address#" --yes $P --words-file "$EMR_WORK/clara.words"
says "no address of a host"
for ((i = 0; i < 100; i++)); do echo none >"$NET/host/mail/$(printf %032x $i).application"; done
as clara run 7 org create "Lab Clara" --network "$address" --yes $P --words-file "$EMR_WORK/clara.words"
says "that it takes no more"
rm "$NET"/host/mail/*.application
as clara orgs_apply clara "Lab Clara"
applying=$!
disown "$applying"
emr_until orgs_waits
kill -KILL "$applying" && await_gone "$applying"
as clara orgs_apply clara "Lab Clara" # the same line goes on, with the same number
applying=$!
emr_until orgs_waits
as ana run 0 org show $P
says "$(sed -n 's/.*this number: //p' "$EMR_WORK/out/applied-clara")"
[ "$(ls "$NET/host/mail" | grep -c application)" = 1 ] || emr_fail "two applications"
as ana run 0 org admit "Lab Clara" --yes $P
wait "$applying" || emr_fail "org create: $(cat "$EMR_WORK/out/applied-clara")"
stands_alone clara
two_join lima "Paula Lima" clinician clara
two_join dora "Dora Nunes" pharmacist clara
stands_alone lima
orgs_agent keys clara
agent_start keys
as clara run 0 org show $P
says "lima"
says " administrator "
says_not "patient, administrator"

say "a third organisation needs both, of whom one is elsewhere; rules and points are agreed on so, too"
as eva orgs_apply eva "Clinica Eva"
applying=$!
emr_until orgs_waits
as ana run 0 org admit "Clinica Eva" --yes $P
as clara run 0 org admit "Clinica Eva" --yes $P
wait "$applying" || emr_fail "org create: $(cat "$EMR_WORK/out/applied-eva")"
two_join rui "Rui Melo" researcher eva
printf 'slots-a-day = 50\n' >rules
as clara run 0 org rules rules --yes $P
as ana run 0 org rules rules --yes $P
as eva run 0 org rules $P
says "slots-a-day = 50"
as clara run 0 org mint lima@labclara 10 --yes $P
as ana run 0 org mint lima@labclara 10 --yes $P
as lima run 0 wallet $P
says "10"
as clara run 0 org team Rounds add lima --yes $P
as clara run 0 org revoke dora --yes $P

say "cards, shares, requests, deposits and the Inbox, each from elsewhere"
two_cards bento lima rui clara
two_mount lima rui clara
as bento run 0 share Notes with Rounds@labclara --yes --wait
there() { ls "$EMR_WORK/$1-folder/shared-with-me"/bento*/Notes/"$2" >/dev/null 2>&1; }
emr_until there lima one.txt
emr_until reads "$EMR_WORK/lima-folder/shared-with-me/bento*/Notes/one.txt" "from the first"
echo "a report" >report.txt
inbox() { ls -d "$EMR_WORK/lima-folder/shared-with-me"/bento*/Inbox >/dev/null 2>&1; }
emr_until inbox
must cp report.txt "$EMR_WORK/lima-folder/shared-with-me"/bento*/Inbox/
arrived() { cmp -s report.txt "$EMR_WORK/bento-folder/Inbox"/*/*/report.txt; }
emr_until arrived
as lima run 0 request bento:Letters --reason "second opinion"
asked() { as bento json 0 request; [ "$(python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["requests"]))' "$EMR_WORK/out/said")" = 1 ]; }
emr_until asked

say "a call by a steward elsewhere: a member joins and leaves it, a reader reads"
printf '{"purpose":"Which notes help.","who":"Lab Clara.","until":"2099-12-31","data":"identified"}' >terms.json
as clara run 0 dataset create Notes2 --terms terms.json $P
as clara run 0 dataset admit Notes2 rui $P
called() { as bento run 0 dataset && grep -q Notes2 "$EMR_WORK/out/said"; }
emr_until called
as bento must mkdir "$EMR_WORK/bento-folder/Given"
echo "a row" >"$EMR_WORK/bento-folder/Given/row.txt"
as bento run 0 status --wait=1min
as bento run 0 dataset join Notes2 Given --yes --wait
row() { [ "$(cat "$EMR_WORK/rui-folder"/datasets/Notes2/*/Given/row.txt 2>/dev/null)" = "a row" ]; }
emr_until row
as bento run 0 dataset leave Notes2 --yes --wait

say "somebody with records of his own brings them along to the host"
as olga run 0 init --yes --name "Olga Pires" --born 1990-01-01 $P --words-file olga.words
two_mount olga
as olga must mkdir "$EMR_WORK/olga-folder/Old"
echo "from before" >"$EMR_WORK/olga-folder/Old/old.txt"
as olga run 0 status --wait=1min
two_unmount olga
as clara two_invite olga patient
inviting=$!
emr_until test -s "$EMR_WORK/olga.invitation"
as olga run 0 join "$EMR_WORK/olga.invitation" --yes $P
wait "$inviting" || emr_fail "invite olga: $(cat "$EMR_WORK/out/invited-olga")"
stands_alone olga
two_mount olga
reads "$EMR_WORK/olga-folder/Old/old.txt" "from before" || emr_fail "olga's records did not come along"
as olga run 0 verify

say "an invitation waits at the host while nobody runs anything; its keyring waits, too; once, and named to who invited"
as ana run 0 invite nina --role clinician -o nina.invitation --within 2d $P
says "org revoke nina"
as ana run 0 invite paul --role patient -o paul.invitation $P
as nina run 7 init --join nina.invitation --yes --name "Nina Faria" --born 1980-02-02 --within 1s $P --words-file nina.words
says "waits at the host"
[ ! -e nina/state/keyfile ] && [ ! -e nina.words ] || emr_fail "a keyring before the certificate"
as thief run 7 init --join nina.invitation --yes --name "Nina Faria" --born 1980-02-02 --within 1s $P --words-file thief.words
as nina run 7 init --join nina.invitation --yes --name "Nina Faria" --born 1980-02-02 --within 1s $P --words-file nina.words
as ana json 0 invite $P
expect "who is waited for" "$(field invitations.0.handle) $(field invitations.0.state)" "paul waits"
expect "who came and gave up waiting" "$(field invitations.1.handle) $(field invitations.1.state)" "nina let-in"
as nina run 0 init --join nina.invitation --yes --name "Nina Faria" --born 1980-02-02 $P --words-file nina.words
says "Going on"
[ -z "$(find nina/state -name "begun*")" ] || emr_fail "the waiting keyring stays"
as thief run 8 init --join nina.invitation --yes --name "Nina Faria" --born 1980-02-02 --within 1s $P --words-file thief.words
says "used already"
[ -z "$(find thief/state -name "begun*")" ] || emr_fail "what nothing comes of waits"
as ana run 0 org show $P
says "nina"

say "the administrator's open folder lets in who comes; what is withdrawn, and what has ended, opens nothing"
two_mount ana
as paul run 0 init --join paul.invitation --yes --name "Paul Reis" --born 1970-01-01 $P --words-file paul.words
named() { grep -q "paul has come" "$EMR_WORK/ana-folder/.emrfs/notices"; }
emr_until named
as ana run 0 invite vera --role auditor -o vera.invitation $P
as ana run 0 org revoke vera --yes $P
says "withdrawn"
as vera run 8 init --join vera.invitation --yes --name Vera --within 1s $P --words-file vera.words
says "withdrawn"
as ana run 0 invite vera --role auditor -o late.invitation --within 1s $P
sleep 2
as vera run 8 init --join late.invitation --yes --name Vera --within 1s $P --words-file vera.words
says "it ended"
two_unmount ana

say "invite --wait without a name waits for those who were invited before"
as ana run 0 invite "tess d'or" --role auditor -o tess.invitation $P
says "To withdraw it: emrfs org revoke 'tess d'\\''or'"
as ana run 7 invite --wait=1s $P
says "Nobody has used the invitation for tess d'or yet."
as ana "$EMRFS" invite --wait=2min $P >"$EMR_WORK/out/waited" 2>&1 </dev/null &
waiting=$!
as tess run 0 init --join tess.invitation --yes --name "Tess Or" $P --words-file tess.words
wait "$waiting" || emr_fail "it does not wait: $(cat "$EMR_WORK/out/waited")"

say "who cannot reach the host is told so, and works on"
host_stop
as olga run 3 check --network
says "does not answer"
says "VPN"
as quim run 7 org create "Lab Quim" --network "$address" --yes $P --words-file quim.words
says "VPN"
echo "meanwhile" >"$EMR_WORK/olga-folder/Old/new.txt"
away() { as olga run 0 status && grep -q "The host of your network, https://127.0.0.1:$TWO_PORT, cannot be reached" "$EMR_WORK/out/said" "$EMR_WORK/out/complained"; }
emr_until away
two_host
as olga run 0 status --wait=1min

say "what checks, exports, erases and keeps"
as bento run 0 export Notes notes.car
as bento run 0 erase Notes/two.txt --yes $P
as bento run 0 verify --chain
as bento run 0 copies
as bento run 0 check --network
says "https://127.0.0.1:$TWO_PORT answers"
says "VPN"
as ana run 0 check
says "https://127.0.0.1:$TWO_PORT answers"

say "a new computer from a backup, by passphrase and by words, when the old one is lost"
as bento run 0 backup "$EMR_WORK/bento-copy"
says_not "cannot be read"
as bento run 0 verify
two_unmount bento
mv bento bento.lost && rmdir bento-folder
as bento run 0 init --restore "$EMR_WORK/bento-copy" $P
stands_alone bento
two_mount bento
reads "$EMR_WORK/bento-folder/Notes/one.txt" "from the first" || emr_fail "not restored"
two_unmount bento
rm -rf bento && rmdir bento-folder
as bento run 0 init --restore "$EMR_WORK/bento-copy" $P --words-file bento.words
two_mount bento
reads "$EMR_WORK/bento-folder/Notes/one.txt" "from the first" || emr_fail "not restored by words"
emr_until there lima one.txt

echo "all is well"
