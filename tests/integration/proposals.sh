#!/bin/bash
# proposals.sh: proposals of an administrator with a changed program, applications with misleading names, and odd dates: the others decide
# about exactly what they are shown and asked.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin proposals
PF="--passphrase-file $EMR_PASS"
ESC=$'\033'

# WHAT THE LEDGER SAYS, then what the administrator of the trust proposes.
propose() {
	local wanted=$1 said
	shift
	said=$(two_home trust && "$PROPOSE" "$EMR_PASS" "$NET" "$@")
	expect "propose $*" "$said" "$wanted"
}
# No line of it obeys or turns a terminal, whatever others wrote.
is_harmless() {
	LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]' out/said && emr_fail "a terminal obeys that: $(cat -v out/said)"
	return 0
}
never_says() { ! grep -qF -- "$1" out/said || emr_fail "it says $1: $(cat out/said)"; }
show() {
	two_home hospital
	run 0 org show $PF
	is_harmless
}
NOBODY="is proposed, and nobody can be asked about it"

two_network "São Lucas"
orgs_join aurora "Clínica Aurora" hospital
orgs_join trust "Patients' Trust" hospital aurora

say "a member that does not want to leave is not said to want it"
propose applied remove "of:Clínica Aurora"
show
says "Clínica Aurora is to be expelled: 1 of 2 approvals"
says "Proposed by Patients' Trust."
run 13 org leave "Clínica Aurora" $PF
says "Clínica Aurora has not asked to leave: it is to be expelled, as Patients' Trust proposes."
run 5 org leave "Clínica Aurora" --yes $PF	# a script that lets who wants to leave
two_home aurora
run 13 org leave $PF	# does not take the other's proposal for its own
never_says "expelled"
show
says "Clínica Aurora is to be expelled: 1 of 2 approvals"

say "nobody else proposes a member's authority, and nobody uses an id twice"
propose "not authorised" admit "of:Clínica Aurora" "Laboratory"
propose "not authorised" admit "of:São Lucas" "São Lucas"
propose rules remove "new:nobody"
show
never_says "Laboratory"

say "a member's own other authority is called that, and is nobody's with --yes"
propose applied admit own "São Lucas"
show
says "Patients' Trust proposes another authority for itself: 1 of 2 approvals"
run 13 org admit "Patients' Trust" $PF
says "Patients' Trust, which is a member, proposes another authority for itself"
says "It would be called São Lucas then."
says "Another organisation, which is a member, is called São Lucas.  They are not the same."
run 5 org admit "Patients' Trust" --yes $PF
number=$(show && grep -o 'number [0-9 ]*[0-9]' out/said | head -1)
two_home trust
run 0 org show $PF
says "$number"	# it sees the same
propose applied admit own "Patients' Trust"
two_home hospital
run 5 org admit "Patients' Trust" $PF
says "More than one that is called Patients' Trust waits for this."	# the name is part of what is decided
run 13 org admit "${number#number }" $PF
says "It would be called São Lucas then."
run 5 org admit "São Lucas" --yes $PF

say "who waits is admitted under the name that he says, with the number that he sees"
two_home lab
orgs_apply lab "Laboratório Sul"
waiting=$!
emr_until orgs_waits
propose applied admit waiting "Clínica Aurora"
show
says "Laboratório Sul asks to be admitted: 0 of 2 approvals, number"
says "Clínica Aurora $NOBODY"
run 5 org admit "Clínica Aurora" $PF
run 5 org admit "Clínica Aurora" --yes $PF
propose applied admit waiting "Laboratório Sul"
show
says "Laboratório Sul asks to be admitted: 1 of 2 approvals, number"
says "Proposed by Patients' Trust."
run 13 org admit "Laboratorio Sul" $PF
says "Patients' Trust has proposed it."
kill $waiting
wait $waiting && emr_fail "it was admitted"

say "names of every kind, of somebody whom nobody can ask"
long=$(printf 'x%.0s' $(seq 255))
for name in "São Lucas" "$long" "${ESC}[2Jhidden" $'\u202esacuL oãS' $'S\u200bão Lucas' \
	$'Lab\n  Clínica Aurora wants to leave: 1 of 2 approvals' $'\xff\xfe' "%s%n" "!!!" " " "-" \
	"Lab$(printf ' %.0s' $(seq 80))Clínica Aurora wants to leave: 1 of 2 approvals"; do
	propose applied admit "new:$name" "$name"
	show
	! grep -q '   Clínica' out/said || emr_fail "a name fills the line: $(cat out/said)"
	! grep -q '^  Clínica Aurora wants to leave' out/said || emr_fail "a line of others: $(cat out/said)"
	run 5 org admit "$name" $PF
	is_harmless
	run 5 org admit "$name" --yes $PF
done
run 0 org show --json $PF
is_harmless

say "dates that are over, or beyond what counts"
propose "limit" admit new:early Early -1
propose "limit" admit new:today Today 0
propose "limit" admit new:late Late 400
propose "limit" admit new:ever Ever 9000000000000000

say "applications whose names look like others'"
alike() { # NAME WHAT IS SAID
	two_home looks
	orgs_apply looks "$1"
	waiting=$!
	emr_until orgs_waits
	two_home hospital
	run 13 org admit "$1" $PF
	is_harmless
	says "$2"
	kill $waiting
	wait $waiting && emr_fail "$1 was admitted"
	rm -rf looks looks-folder looks.words "$NET"/host/mail/*.application
}
alike "Sao-Lucas" "Another organisation, which is a member, is called São Lucas.  They are not the same."
alike "Ѕао Lucas" "Not all letters of that name are Latin ones: it may look like another name."

say "rules: what changes stands behind the text, however long that is"
{ echo "slots-a-day = 1"; for i in $(seq 900); do echo "# line $i of what nobody reads"; done; echo "deposit-bytes-a-day = 5"; } >rules
propose applied rules 1 rules
id=$(show && grep -o 'Proposed as p-[a-z2-7]*' out/said | head -1 | sed 's/.* //')
run 13 org rules approve "$id" $PF
says "Patients' Trust proposes these rules."
tail -4 out/said >end && grep -qF "slots-a-day: 1 instead of 20,000" end || emr_fail "what changes is not at the end: $(cat end)"
says "Approvals needed for a change from then on: 1 (now: those of most members)"
printf '# \xe2\x80\xaeyad-a-stols\n' >rules
propose applied rules 0 rules
printf 'deposit-bytes = 99999999999999999999\n' >rules
propose applied rules 0 rules
printf 'slots-a-day = 5\033[2J\n' >rules
propose applied rules 0 rules
show
expect "not shown" "$(grep -c 'a text that cannot be shown, and is not approved here' out/said)" 3
for id in $(grep -B1 'a text that cannot be shown' out/said | grep -o 'Proposed as p-[a-z2-7]*' | sed 's/.* //'); do
	run 5 org rules approve "$id" --yes $PF
done
echo "all is well"
