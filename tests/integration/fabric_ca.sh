#!/bin/bash
# fabric_ca.sh: a hospital on Fabric has an authority of its own, a Fabric CA: the administrator and a doctor get their certificates from
# it, the doctor by an invitation for which nobody waits; another person comes by a log-in of the hospital's directory. PEER plays the
# network, support/fake_ca.py the authority (fabric_ca_real.sh has a real one).
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
. "$SUPPORT/authority.sh"
two_begin fabric_ca
channel_begin
authority_begin
secret() { # NAME SECRET: a file of it
	printf '%s\n' "$2" >"$1.secret" && chmod 600 "$1.secret"
}
secret admin adminpw
secret wrong guess
authority_network
cp net/network settings
create() { # EXIT OPTION...
	local exit=$1
	shift
	as hospital run "$exit" org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/hospital.words" "$@"
	rm -f hospital.words
}
nothing_made() { [ -z "$(ls "$EMR_WORK/$1/state" | grep -v lock)" ] || emr_fail "something was made: $(ls "$EMR_WORK/$1/state")"; }

# By its opening, or, where gateways took longer than a folder waits for them, while it is open.
is_renewed() { grep -qF "Your certificate was renewed." out/said || emr_until grep -q "certificate: it was renewed" "$1/state/log"; }

say "a wrong secret, an authority that nobody vouches for, and one that is away make nothing"
create 6 --login admin --secret-file "$EMR_WORK/wrong.secret"
says "log-in or secret is wrong"
create 6 --login weak --secret-file "$EMR_WORK/admin.secret"
says "log-in or secret is wrong"
printf '#!/bin/sh\necho "$1" >>"%s/asked"\ncat "%s/wrong.secret"\n' "$EMR_WORK" "$EMR_WORK" >ask && chmod 700 ask
EMRFS_ASKPASS=$EMR_WORK/ask create 6 --login admin # who is asked sees to whom it goes
grep -qF "https://127.0.0.1:$(cat ca/port)" asked || emr_fail "asked: $(cat asked)"
sed -i 's#ca/tls.pem#ca/stranger.pem#' net/network
create 6 --login admin --secret-file "$EMR_WORK/admin.secret"
says "do not vouch for its certificate"
sed "s#https://127.0.0.1:$(cat ca/port) #https://127.0.0.1:1 #" settings >net/network
create 7 --login admin --secret-file "$EMR_WORK/admin.secret"
says "it does not answer"
sed "s#authority = https#authority = http#" settings >net/network
create 6 --login admin --secret-file "$EMR_WORK/admin.secret"
says "authority: http://"
nothing_made hospital
cp settings net/network
chmod 644 admin.secret
create 6 --login admin --secret-file "$EMR_WORK/admin.secret"
chmod 600 admin.secret
secret weak weakpw
create 6 --login weak --secret-file "$EMR_WORK/weak.secret"
says "does not say that its owner is patient and admin"

say "the administrator's certificate is the authority's, and so is the organisation's root"
create 0 --login admin --secret-file "$EMR_WORK/admin.secret"
cmp <(openssl x509 -in net/ca.pem -outform der) <(openssl x509 -in ca/ca.pem -outform der) || emr_fail "the organisation's root is another"
as hospital run 0 org show --passphrase-file "$EMR_PASS"
says "admin"

say "an invitation tells the authority who comes, and waits for nobody"
invite() { # WHO ROLE EXIT
	as hospital run "$3" invite "$1" --role "$2" -o "$EMR_WORK/$1.invitation" --within 1h --passphrase-file "$EMR_PASS"
}
invite lima clinician 0
says "knows lima now"
join() { # WHO NAME EXIT OPTION...
	local who=$1 name=$2 exit=$3
	shift 3
	as "$who" run "$exit" init --join "$EMR_WORK/$who.invitation" --yes --name "$name" --born 1970-01-01 --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/$who.words" "$@"
	rm -f "$who.words"
}
join lima "Paula Lima" 0
as hospital run 0 org show --passphrase-file "$EMR_PASS"
says "lima"
says "clinician"

say "it opens once: the secret in it was used"
cp lima.invitation eva.invitation
join eva "Eva Reis" 6
says "the secret was used already"
nothing_made eva

say "a patient is called by a random number"
invite ana patient 0
join ana "Ana Silva" 0
grep -q "CN = ana" <(for file in ca/*.pem; do openssl x509 -in "$file" -noout -subject 2>/dev/null; done) && emr_fail "her name is in a certificate"

say "a second computer has a log-in of its own, for a computer and nothing else, and its certificate is renewed, too"
echo "300 60" >ca/days
invite ana-laptop device 0
as ana run 0 device add laptop --join "$EMR_WORK/ana-laptop.invitation" -o "$EMR_WORK/laptop.device" --yes --passphrase-file "$EMR_PASS"
rm ca/days
two_home laptop
run 0 device accept "$EMR_WORK/laptop.device" --passphrase-file "$EMR_PASS"
as laptop run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/laptop-folder"
is_renewed laptop
echo "on the laptop" >laptop-folder/laptop.txt
as laptop run 0 status --wait
two_unmount laptop
as laptop run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/laptop-folder"
says_not "renewed"
two_unmount laptop

say "a name that is taken is said"
rm -f lima.invitation
invite lima clinician 6
says "it knows somebody by that name already"
[ ! -e lima.invitation ] || emr_fail "there is an invitation"

say "whom a directory knows comes by log-in and password"
sed -i 's#ca/tls.pem$#ca/tls.pem directory#' net/network
invite tablet device 2
says "no certificates of their own"
invite weak clinician 0
says "log-in and password of your directory"
join weak "Rita Sá" 6 --login weak --secret-file "$EMR_WORK/wrong.secret"
says "log-in or secret is wrong"
join weak "Rita Sá" 0 --login weak --secret-file "$EMR_WORK/weak.secret"

say "who is not what the invitation says does not come in"
invite nuno auditor 0
join nuno "Nuno Reis" 8 --login weak --secret-file "$EMR_WORK/weak.secret"
says "does not let you be what you are invited for"
nothing_made nuno

say "they share"
two_mount ana lima
two_cards ana lima
mkdir ana-folder/Imaging && echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 share Imaging with lima --yes --wait
hers() { [ "$(cat lima-folder/shared-with-me/*/Imaging/MRI.txt)" = "a knee" ]; }
emr_until hers
two_unmount ana lima

say "a certificate of which a third is left is renewed when the folder is opened, and what it brings counts"
sed -i 's#ca/tls.pem directory$#ca/tls.pem#' net/network
echo "300 60" >ca/days
invite rui clinician 0
join rui "Rui Paz" 0
rm ca/days
as rui run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
is_renewed rui
[ -s rui/state/certificate ] && [ ! -e rui/state/certificate.next ] || emr_fail "it is not kept: $(ls rui/state)"
echo one >rui-folder/one.txt
as rui run 0 status --wait
two_unmount rui
as rui run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
says_not "renewed"
echo two >rui-folder/two.txt
as rui run 0 status --wait
two_unmount rui

say "gateways that take calls and answer none do not keep a folder closed; the certificate is renewed when they answer"
echo "300 60" >ca/days
invite rosa clinician 0
join rosa "Rosa Luz" 0
rm ca/days
kill -STOP "$PEER_PID"
as rosa run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rosa-folder"
says "has not answered yet"
[ ! -e rosa/state/certificate.next ] || emr_fail "the opening waited for it"
kill -CONT "$PEER_PID"
emr_until grep -q "certificate: it was renewed" rosa/state/log
echo three >rosa-folder/three.txt
as rosa run 0 status --wait
two_unmount rosa

say "who is revoked gets no other certificate, and that an authority is away keeps nobody in"
invite sara clinician 0
join sara "Sara Gil" 0
revoke() { # EXIT WHO
	as hospital json "$1" org revoke "$2" --yes --passphrase-file "$EMR_PASS"
}
sed "s#https://127.0.0.1:$(cat ca/port) #https://127.0.0.1:1 #" settings >net/network
revoke 3 sara # its end on the ledger waits for no authority
[ "$(field error) $(field authority)" = "authority-keeps not-told" ] || emr_fail "$(cat out/said)"
grep -q "does not answer" out/said || emr_fail "$(cat out/said)"
[ ! -e ca/sara.revoked ] || emr_fail "the authority was told"
as hospital json 0 org show --passphrase-file "$EMR_PASS"
python3 - out/said <<'END' || emr_fail "she is not revoked on the ledger"
import json, sys
members = json.load(open(sys.argv[1]))["members"]
sys.exit([m["in_force"] for m in members if m["handle"] == "sara"] != [False])
END
cp settings net/network
revoke 0 sara # the same line tells it what it was not told
[ "$(field authority)" = ended ] || emr_fail "$(cat out/said)"
[ -e ca/sara.revoked ] || emr_fail "the authority goes on giving her certificates"
as sara run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/sara-folder"
says_not "renewed"
emr_until grep -q "ended your key" sara-folder/.emrfs/notices
two_unmount sara

say "who removes a computer reads what the authority has to be told"
as ana run 0 device remove laptop --passphrase-file "$EMR_PASS"
says "emrfs org revoke ana-laptop"
[ ! -e ca/ana-laptop.revoked ] || emr_fail "who is no administrator told the authority"
revoke 0 ana-laptop
[ "$(field handle) $(field authority)" = "ana-laptop ended" ] || emr_fail "$(cat out/said)"
[ -e ca/ana-laptop.revoked ] || emr_fail "the authority goes on giving it certificates"

say "whom a directory goes on knowing comes back when his organisation invites him again, and not before"
sed "s#https://127.0.0.1:$(cat ca/port) #https://127.0.0.1:1 #" settings >net/network
revoke 3 weak # whoever keeps the directory was not told
sed 's#ca/tls.pem$#ca/tls.pem directory#' settings >net/network
invite zita clinician 0
cp zita.invitation back.invitation
join back "Rita Sá" 8 --login weak --secret-file "$EMR_WORK/weak.secret" # a certificate that no ledger has seen
says "took your name there out of use; its administrator brings the name back with emrfs invite"
nothing_made back
rm weak.invitation
invite weak clinician 0
cp weak.invitation back.invitation
join back "Rita Sá" 0 --login weak --secret-file "$EMR_WORK/weak.secret"
cp settings net/network

say "an administrator who removes a computer tells the authority himself"
invite desk device 0
as hospital run 0 device add desk --join "$EMR_WORK/desk.invitation" -o "$EMR_WORK/desk.device" --yes --passphrase-file "$EMR_PASS"
as hospital json 0 device remove desk --passphrase-file "$EMR_PASS"
[ "$(field handle) $(field authority)" = "desk ended" ] || emr_fail "$(cat out/said)"
[ -e ca/desk.revoked ] || emr_fail "the authority goes on giving it certificates"
revoke 0 desk # its handle, too, by which another one could be given

say "two who are called alike but for a capital are two: the one who stays is renewed when the other one goes"
invite Otto clinician 0
join Otto "Otto Paz" 0
echo "300 60" >ca/days
invite otto clinician 0
join otto "Otto Sá" 0
rm ca/days
revoke 5 Otto	# two are called so but for a capital letter: its code says which
revoke 0 "$(python3 -c 'import json, re; print(re.search(r"Otto \(([A-Z2-7]{26})\)", json.load(open("out/said"))["message"])[1])')"
as otto run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/otto-folder"
is_renewed otto
two_unmount otto

say "an agent whose certificate is to be renewed while it runs gets another one meanwhile"
invite keys agent 0
authority_due 10
join keys "Keys" 0
authority_lasts
as keys run 0 agent --passphrase-file "$EMR_PASS"
emr_until grep -q "certificate: it was renewed" keys/state/log
as keys json 0 agent --status
[ "$(field in_force) $(field error)" = "True None" ] || emr_fail "$(cat out/said)"
pid=$(two_pid keys)
kill -TERM "$pid" && await_gone "$pid"

say "an authority that takes calls and answers none keeps no agent from its work, and is asked meanwhile"
invite spare agent 0
echo "300 60" >ca/days # due at once
join spare "Spare keys" 0
rm ca/days
kill -STOP "$AUTHORITY_PID"
as spare run 0 agent --passphrase-file "$EMR_PASS"
says_not "no newer one came"
as spare json 0 agent --status
[ "$(field in_force) $(field error)" = "True None" ] || emr_fail "$(cat out/said)"
kill -CONT "$AUTHORITY_PID"
emr_until grep -qE "certificate: (it was renewed|.*no newer one came)" spare/state/log
pid=$(two_pid spare)
kill -TERM "$pid" && await_gone "$pid"

say "a newer certificate that no gateway takes is given up, and another one is fetched; what only the clock is against is kept"
echo "300 60" >ca/days
invite nina clinician 0
join nina "Nina Paz" 0
rm ca/days
touch channel/fault/endorse-says-clock
as nina run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/nina-folder"
emr_until grep -q "fabric: endorse, clock " nina/state/log
two_unmount nina
[ -s nina/state/certificate.next ] || emr_fail "it is given up because of a clock: $(ls nina/state)"
rm channel/fault/endorse-says-clock
touch channel/fault/endorse-says-identity
as nina run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/nina-folder"
given_up() { [ ! -e nina/state/certificate.next ]; }
emr_until given_up
two_unmount nina
rm channel/fault/endorse-says-identity
as nina run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/nina-folder"
is_renewed nina
two_unmount nina

say "a renewal that is on the ledger, and whose program was killed before it heard so, is known to the next opening while the ledger is away"
echo "300 60" >ca/days
invite tito clinician 0
join tito "Tito Paz" 0
rm ca/days
rm -f channel/held
touch channel/fault/unseen
as tito "$EMRFS" mount --passphrase-file "$EMR_PASS" "$EMR_WORK/tito-folder" >out/tito 2>&1 &
opening=$!
emr_until test -e channel/held
two_kill tito
wait "$opening"
[ -s tito/state/certificate.batch ] || emr_fail "what is on its way is not kept: $(ls tito/state)"
channel_stop
rm channel/fault/unseen
as tito run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/tito-folder"
grep -q "fabric: submit" tito/state/log && emr_fail "the opening waited for a gateway that is not there: $(grep "fabric: submit" tito/state/log)"
echo four >tito-folder/four.txt
channel_start
as tito run 0 status --wait
grep -q "refused" tito/state/log && emr_fail "something was refused: $(grep refused tito/state/log)"
as tito registered four.txt >/dev/null
two_unmount tito
as tito run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/tito-folder"
ended() { [ -s tito/state/certificate ] && [ ! -e tito/state/certificate.next ] && [ ! -e tito/state/certificate.batch ]; }
emr_until ended
two_unmount tito

say "a renewal whose end nobody saw is ended by the next opening, also without the authority"
mv rui/state/certificate rui/state/certificate.next
kill "$AUTHORITY_PID" && wait "$AUTHORITY_PID" 2>/dev/null
authority=
as rui run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
is_renewed rui
echo three >rui-folder/three.txt
as rui run 0 status --wait
two_unmount rui

say "an authority that is away stops nobody, and is told"
rm -f ca/ready
# The previous certificate is nobody's any more: so as who never had another.
rm rui/state/certificate
as rui run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
says "no newer one came"
says "it does not answer"
[ "$(cat rui-folder/one.txt rui-folder/two.txt rui-folder/three.txt)" = "one
two
three" ] || emr_fail "his records are not there"
two_unmount rui

say "a second hospital has an authority of its own: a log-in is never dropped without a word"
mkdir -m 700 ca2 netb netb/ledger
CA_PORT=$(emr_port) python3 "$SUPPORT/fake_ca.py" ca2 >out/authority2 2>&1 &
AUTHORITY2_PID=$!
emr_until test -e ca2/ready
channel_take 2 ca2/ca.pem
cp net/ledger/descriptor netb/ledger/descriptor
sed "s|^msp = .*|msp = $(channel_msp 2)|" channel/settings >netb/network
aurora() { # LOGIN SECRET: behind; what it says is in out/applied
	EMRFS_HOME=$EMR_WORK/aurora "$EMRFS" org create "Clínica Aurora" --network "$EMR_WORK/netb" --within 10min --yes --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/aurora.words" --login "$1" --secret-file "$EMR_WORK/$2.secret" >out/applied 2>&1 </dev/null &
	applying=$!
}
refuses() { # LOGIN SECRET EXIT WORDS
	local exit=0
	aurora "$1" "$2"
	wait "$applying" || exit=$?
	[ "$exit" = "$3" ] && grep -qF -- "$4" out/applied || emr_fail "exit $exit: $(cat out/applied)"
	nothing_made aurora
}
two_home aurora
refuses admin admin 2 "--login is for an organisation with an authority of its own"
echo "authority = https://127.0.0.1:$(cat ca2/port) $EMR_WORK/ca2/tls.pem" >>netb/network
refuses weak weak 6 "does not say that its owner is patient and admin"
aurora admin admin
asks() { grep -q "They must see this number" out/applied || ! kill -0 "$applying"; }
emr_until asks
as hospital run 0 org admit "Clínica Aurora" --yes --passphrase-file "$EMR_PASS"
says "members of $(channel_msp 2)"
wait "$applying" || emr_fail "$(cat out/applied)"

say "its people come by its authority, are renewed and revoked there, though its administrator's certificate names no organisation"
as aurora run 0 invite noa --role clinician -o "$EMR_WORK/noa.invitation" --within 1h --passphrase-file "$EMR_PASS"
says "knows noa now"
echo "300 60" >ca2/days
join noa "Noa Paz" 0
rm ca2/days
as noa run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/noa-folder"
is_renewed noa
echo "of Aurora" >noa-folder/note.txt
as noa run 0 status --wait
two_unmount noa
as aurora json 0 org revoke noa --yes --passphrase-file "$EMR_PASS"
[ "$(field authority)" = ended ] && [ -e ca2/noa.revoked ] || emr_fail "$(cat out/said)"
kill "$AUTHORITY2_PID"
await_gone "$AUTHORITY2_PID"
