#!/bin/bash
# deposit_alike.sh: somebody makes things that look like others: a key whose eight letters are a patient's, with that patient's name and
# birth date on the card, and letters whose hashes begin alike. A deposit reaches the Inbox of the whole key or none, a request the person
# who was named.
# Two of half a million keys that were made for this: their codes begin alike.
. "${SUPPORT:=$(dirname "$0")/../support}/ward.sh"
TOOLS=${TOOLS:-${EMRFS%/fs/emrfs}/tests/tools}
# Two of half a million keys that were made for this: their codes begin alike.
ONE=c0e02da255462a2055a6b240e43b54e0efeb59a71d814f858b5ecfd878814bc9
OTHER=6a2bee4bbc4feb5fb3bff6a9c9971a09983d7d650b55106b4b499e42282c4067
CODE=XTAB7Y3W
# joins WHO SEED: a patient with the key that SEED makes
joins() {
	as "$1" true
	echo "$2" >"$EMR_WORK/$1/seed"
	EMR_BORN=1990-02-03 LD_PRELOAD=$TOOLS/libseed_shim.so two_join "$1" "Costa, Eva" patient
	[ ! -e "$EMR_WORK/$1/seed" ] || emr_fail "the seed of $1 was not used"
	as "$1" run 0 people card -o "$EMR_WORK/$1.card" --passphrase-file "$EMR_PASS"
	as "$1" json 0 people card --passphrase-file "$EMR_PASS"
	expect "code of $1" "$(field code)" $CODE
}
knows() { as "$1" run 0 people add "$2" --name "$3" --passphrase-file "$EMR_PASS"; }
directories() { ls ward-folder/shared-with-me | grep -cxE 'eva|mia'; }
patient() { getfattr --absolute-names --only-values -n user.emrfs.patient "ward-folder/shared-with-me/$1"; }
sees() { [ "$(directories)" = "$1" ]; }
whose() { getfattr --absolute-names --only-values -n user.emrfs.owner-id "$1" 2>/dev/null; }
id_of() { as ward json 0 people "$1" && field people.0.id; }

ward_begin deposit_alike
joins eva $ONE
joins mia $OTHER
# Of eva the archive has a card without her Inbox, as before she had one.
must python3 - eva.card bare.card <<'END'
import base64, sys
lines = open(sys.argv[1]).read().split("\nemrfs/")[0].split("\n") # how far its holder saw the host's ledger stands below
card = base64.b64decode("".join(lines[1:]))
person = card[:185 + card[184] + 64]
open(sys.argv[2], "w").write("emrfs card v1\n" + base64.encodebytes(person).decode())
END
two_unmount ward
knows ward bare.card eva
knows ward mia.card mia
two_mount ward eva mia
emr_until sees 1
directory=ward-folder/shared-with-me/mia
name=$(patient mia)	# her key was registered later: the other one keeps the code
[[ $name =~ ^mia\ \($CODE[A-Z2-7]+\)\ \[Costa,\ Eva\ 1990-02-03\]$ ]] || emr_fail "its name: $name"
expect "whose it is" "$(whose "$directory")" "$(id_of mia)"
expect "whose its Inbox is" "$(whose "$directory/Inbox")" "$(id_of mia)"
[ "$(id_of mia)" != "$(id_of eva)" ] || emr_fail "one key"
expect "her own" "$(whose mia-folder)" "$(id_of mia)"

say "a letter for eva does not lie in the Inbox of somebody with her name, her birth date and the eight letters of her key"
table ,K7QF,ana,1984-03-12 ,E1,eva,1990-02-03 ,M1,mia,1990-02-03
mkdir "$drop/E1" "$drop/M1" || exit 2
echo "HIV: positive" >"$drop/E1/finding.txt"
must place env
expect "of mia" "$(names mia)" ""
status
expect "waits" "$(field queued)" 1
echo "a broken arm" >"$drop/M1/arm.txt"
must place env
got() { names "$1" | grep -q "^$2 "; }
emr_until got mia arm

say "when both can be seen each gets her own"
knows ward eva.card eva
emr_until sees 2
expect "what is said of mia" "$(patient mia)" "$name"
expect "what is said of eva" "$(patient eva)" "eva ($CODE) [Costa, Eva 1990-02-03]"
for directory in ward-folder/shared-with-me/{eva,mia}; do echo "$(whose "$directory") $(whose "$directory/Inbox")"; done | sort >out/whose
expect "directories" "$(cat out/whose)" "$(for who in eva mia; do echo "$(id_of $who) $(id_of $who)"; done | sort)"
at_once
echo "another arm" >"$drop/M1/arm2.txt"
must place env
emr_until got eva finding
emr_until got mia arm2
for who in eva mia; do as $who run 0 status --wait; done
expect "of eva" "$(names eva | cut -d' ' -f1)" finding
expect "of mia" "$(names mia | cut -d' ' -f1)" $'arm\narm2'
must place env
status
expect "placed" "$(field placed)" 3

say "of two letters whose hashes begin with the same eight digits both are kept, also while they cannot be placed"
must python3 - <<'END'
import hashlib
for patient in ("E1", "NOBODY"):
    seen, n = {}, 0
    while True:
        text = b"letter %d of %s\n" % (n, patient.encode())
        start = hashlib.sha256(patient.encode() + b"\0" + text).hexdigest()[:8]
        if start in seen:
            break
        seen[start], n = text, n + 1
    for at, one in enumerate((seen[start], text)):
        open(f"{patient}.{at}", "wb").write(one)
END
mkdir "$drop/NOBODY" || exit 2
for at in 0 1; do
	for patient in E1 NOBODY; do must cp $patient.$at "$drop/$patient/twin.txt"; done
	must place env
done
expect "held" "$(cat "$state"/unplaced/*twin* | sort)" "$(sort NOBODY.0 NOBODY.1)"
twins() { [ "$(names eva | grep -c '^twin ')" = 2 ]; }
emr_until twins
as eva run 0 status --wait
must place env
expect "in the Inbox" "$(cat eva-folder/Inbox/*/*/twin* | sort)" "$(sort E1.0 E1.1)"
status
expect "placed" "$(field placed)" 5

say "four letters ask nobody, and are answered with those they may mean"
as ward json 5 request "$CODE:Letters"
expect "four letters" "$(field error)" which-person
for who in eva mia; do
	whole=$(id_of $who | python3 -c 'import base64; print(base64.b32encode(bytes.fromhex(input())).decode()[:26])')
	as ward run 5 request "$CODE"
	says "($whole)"
	as ward json 0 request "$whole:Letters"
done
expect "of whom each was asked" "$(jq -r '.requests[0].who' out/said)" mia
echo "all is well"
