#!/bin/bash
# login.sh: an organisation has an authority of its own, a Fabric CA (FABRIC_CA, or support/fake_ca.py), to which its people have no way: the
# host asks it for them. They come by an invitation for which nobody waits, are renewed and revoked there; of a secret nothing stays with the
# host, and a stranger who tries many waits.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/authority.sh"
two_begin login
authority_begin
secret() { printf '%s\n' "$2" >"$1.secret" && chmod 600 "$1.secret"; } # NAME SECRET: a file of it
secret admin adminpw
secret wrong guess
create() { # EXIT WHERE SECRET [WORDS]
	as hospital run "$1" org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/hospital.words" \
		--login-ca "$2" --login admin --secret-file "$EMR_WORK/$3.secret"
	rm -f hospital.words
	[ $# = 3 ] || says "$4"
}
nothing_made() { [ -z "$(ls "$EMR_WORK/$1/state" | grep -v lock)" ] || emr_fail "something was made: $(ls "$EMR_WORK/$1/state")"; }

say "a wrong secret, an authority that nobody vouches for, and one that is away make nothing"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -out stranger.pem -subj /CN=stranger -days 2 2>/dev/null
create 6 "$AUTHORITY" wrong "log-in or secret is wrong"
create 6 "${AUTHORITY%,*},$EMR_WORK/stranger.pem" admin "do not vouch for its certificate"
create 7 "https://127.0.0.1:1,$EMR_WORK/ca/tls.pem" admin "it does not answer"
create 2 "http${AUTHORITY#https}" admin "--login-ca is https://HOST"
create 2 "${AUTHORITY%,*},/dev/null" admin "--login-ca is https://HOST"
chmod 644 admin.secret
create 6 "$AUTHORITY" admin
chmod 600 admin.secret
nothing_made hospital
[ ! -e "$NET" ] || emr_fail "a directory stays: $(find "$NET")"

say "the administrator's certificate is the authority's, and so is the organisation's root"
create 0 "$AUTHORITY" admin
openssl x509 -in ca/ca.pem -outform der >ca/ca.der
python3 -c 'import sys; sys.exit(open(sys.argv[1], "rb").read() not in open(sys.argv[2], "rb").read())' ca/ca.der "$NET/ledger/descriptor" ||
	emr_fail "the organisation's root is another"
two_host
grep -q '"login": true' "$NET/host/at" || emr_fail "the host does not say that it has one: $(cat "$NET/host/at")"

invite() { # WHO ROLE EXIT [HOME]
	as "${4:-hospital}" run "$3" invite "$1" --role "$2" -o "$EMR_WORK/$1.invitation" --within 1h --passphrase-file "$EMR_PASS"
}
join() { # WHO NAME EXIT OPTION...
	local who=$1 name=$2 exit=$3
	shift 3
	as "$who" run "$exit" init --join "$EMR_WORK/$who.invitation" --yes --name "$name" --born 1970-01-01 --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/$who.words" "$@"
	rm -f "$who.words"
}
say "an invitation tells the authority who comes, and waits for nobody; who comes asks the host, once"
invite lima clinician 0
says "knows lima now"
join lima "Paula Lima" 0
as hospital run 0 org show --passphrase-file "$EMR_PASS"
says "clinician"
cp lima.invitation eva.invitation
join eva "Eva Reis" 6
says "the secret was used already"
says "https://127.0.0.1:$TWO_PORT" # who is asked is the host
nothing_made eva
rm lima.invitation eva.invitation
invite lima clinician 6
says "it knows somebody by that name already"
[ ! -e lima.invitation ] || emr_fail "there is an invitation"

say "a patient is called by a random number; by a log-in of one's own comes who has the role"
invite ana patient 0
two_mount hospital # an open folder leaves the authority to the verb
invite eva clinician 0
two_unmount hospital
join ana "Ana Silva" 0
join eva "Eva Reis" 6 --login admin --secret-file "$EMR_WORK/wrong.secret"
says "log-in or secret is wrong"
join eva "Eva Reis" 8 --login admin --secret-file "$EMR_WORK/admin.secret"
says "does not let you be what you are invited for"
nothing_made eva
join eva "Eva Reis" 0

say "they share"
two_mount ana lima
two_cards ana lima
mkdir ana-folder/Imaging && echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 share Imaging with lima --yes --wait
hers() { [ "$(cat lima-folder/shared-with-me/*/Imaging/MRI.txt)" = "a knee" ]; }
emr_until hers
two_unmount ana lima

say "a certificate of which a third is left is renewed over the host when the folder is opened; who has one that lasts asks nobody"
as ana run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
says_not "renewed"
two_unmount ana
invite rui clinician 0
authority_due "$([ -n "${FABRIC_CA:-}" ] && echo 30 || echo 5)"
join rui "Rui Paz" 0
authority_lasts
is_renewed() {
	as rui run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
	grep -q "certificate: it was renewed" rui/state/log || grep -qF "Your certificate was renewed." out/said || { two_unmount rui && false; }
}
emr_until is_renewed
echo one >rui-folder/one.txt
as rui run 0 status --wait
two_unmount rui

say "a host that is away, and an authority that is, are told apart; nobody is kept from a folder, and nothing is half made"
invite nina patient 0
authority_stop
invite zita patient 7
says "it does not answer"
join nina "Nina Paz" 7
says "it does not answer"
revoke() { as hospital json "$1" org revoke "$2" --yes --passphrase-file "$EMR_PASS"; } # EXIT WHO
revoke 3 lima # its end on the ledger waits for no authority
[ "$(field error) $(field authority)" = "authority-keeps not-told" ] || emr_fail "$(cat out/said)"
two_mount ana
two_unmount ana
two_host_kill
join nina "Nina Paz" 7
says "which asks it, does not answer"
nothing_made nina
[ ! -e zita.invitation ] || emr_fail "an invitation of nobody"
authority_start
two_host
join nina "Nina Paz" 0

say "who is revoked gets no other certificate, and the same line tells the authority what it was not told"
authority_revoked lima && emr_fail "who told it?"
revoke 0 lima
[ "$(field authority)" = ended ] && authority_revoked lima || emr_fail "$(cat out/said)"
as lima run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/lima-folder"
says "ended your key"
two_unmount lima

say "the host relays four calls of the authority and nothing else, of bounded size, and three of them for members"
ask() { # PATH PROOF [FILE]: the status of HTTP; its answer is in out/answered
	curl -sk -o out/answered -w '%{http_code}' -H "Emrfs-Login: $2" ${3:+--data-binary "@$3"} "https://127.0.0.1:$TWO_PORT/$1"
}
answers() { [ "$1" = "$2" ] || emr_fail "HTTP $1, not $2: $(cat -v out/answered)"; }
wrong="Basic $(printf 'stranger:guess' | base64)"
echo '{}' >body
head -c 16385 /dev/zero >long
answers "$(ask emrfs/v1/login '')" 200
for path in cainfo identities certificates enroll/x ../api/v1/cainfo; do answers "$(ask "emrfs/v1/login/$path" "$wrong" body)" 404; done
answers "$(ask api/v1/enroll "$wrong" body)" 404
for path in reenroll register revoke; do answers "$(ask "emrfs/v1/login/$path" "$wrong" body)" 401; done
answers "$(ask emrfs/v1/login/enroll "$wrong" long)" 413
answers "$(ask emrfs/v1/login/enroll '' body)" 400

say "a stranger who tries many secrets waits"
began=$SECONDS
for try in $(seq 11); do answers "$(ask emrfs/v1/login/enroll "$wrong" body)" 200; done
[ $((SECONDS - began)) -ge 10 ] || emr_fail "eleven within $((SECONDS - began)) s"
[ "$(od -An -tu1 -N2 out/answered | tr -s ' ')" = " 1 145" ] || emr_fail "not what the authority said: $(cat -v out/answered)"
invite beth clinician 0

say "of secrets the host keeps nothing: not on its disk, nor in its log or its line"
for word in adminpw guess "$(printf admin:adminpw | base64)" "${wrong#Basic }"; do
	grep -rqF -- "$word" "$NET" "out/host" && emr_fail "$word: $(grep -rlF -- "$word" "$NET" out/host)"
	tr '\0' ' ' <"/proc/$TWO_HOST/cmdline" | grep -qF -- "$word" && emr_fail "$word is in its line"
done

say "another organisation of the host, with certificates of its own making, asks no authority; one that wants to is told where there is none"
two_home practice
"$EMRFS" org create "Clínica Aurora" --network "$TWO_ADDRESS" --within 10min --yes --passphrase-file "$EMR_PASS" \
	--words-file "$EMR_WORK/practice.words" >out/applied 2>&1 </dev/null &
applying=$!
asks() { grep -q "They must see this number" out/applied || ! kill -0 "$applying"; }
emr_until asks
as hospital run 0 org admit "Clínica Aurora" --yes --passphrase-file "$EMR_PASS"
wait "$applying" || emr_fail "$(cat out/applied)"
two_join noa "Noa Paz" clinician practice
as noa run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/noa-folder"
says_not "renewed"
two_unmount noa
kill "$TWO_HOST" && await_gone "$TWO_HOST"
run 2 host "$NET" "127.0.0.1:$TWO_PORT" --login-ca "${AUTHORITY%,*}"
says "--login-ca is https://HOST"
run 0 host "$NET" "127.0.0.1:$TWO_PORT" --login-ca ""
TWO_HOST=$(sed -n 's/.*process \([0-9]*\).*/\1/p' out/said)
two_home other
run 6 org create "Outra" --network "$TWO_ADDRESS" --yes --passphrase-file "$EMR_PASS" --words-file other.words --login admin --secret-file "$EMR_WORK/admin.secret"
says "there is no such authority"
nothing_made other
run 2 org create "Outra" --network "$TWO_ADDRESS" --yes --passphrase-file "$EMR_PASS" --words-file other.words --login-ca "$AUTHORITY"
says "--login-ca is https://HOST"
