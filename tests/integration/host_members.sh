#!/bin/bash
# host_members.sh: who comes in from another computer. A practice's owner serves its network; a member, and an organisation and its
# administrator, have nothing of that directory: they have only the files that are handed over, and the host.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
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

TWO_ALONE=1 two_network "Praxis Ana" ana
two_host
two_join bento "Bento Reis" patient ana
stands_alone bento

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
stands_alone lima
as clara run 0 org show $P
says "lima"
says " administrator "
says_not "patient, administrator"

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
two_mount bento
as bento run 0 check --network
says "https://127.0.0.1:$TWO_PORT answers"
host_stop
as bento run 3 check --network
says "does not answer"
says "VPN"
as quim run 7 org create "Lab Quim" --network "$address" --yes $P --words-file quim.words
says "VPN"
echo "meanwhile" >"$EMR_WORK/bento-folder/new.txt"
away() { as bento run 0 status && grep -q "The host of your network, https://127.0.0.1:$TWO_PORT, cannot be reached" "$EMR_WORK/out/said" "$EMR_WORK/out/complained"; }
emr_until away
two_host
as bento run 0 status --wait=1min
two_unmount bento
echo "all is well"
