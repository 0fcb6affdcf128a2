#!/bin/bash
# handover.sh: an organisation that releases keys leaves the network, with the yes of the others. The owner's folder gives the shares
# through those that are left, as many as the owner agreed to, and says so; where it may not, it prints the command that shares again.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin handover
PF="--passphrase-file $EMR_PASS"

say "three organisations beside the doctor's, and agents of two"
two_network "São Lucas"
two_join ana "Ana Silva" patient
two_join lima "Dr Paula Lima" clinician
orgs_join aurora "Clínica Aurora" hospital
orgs_join trust "Patients' Trust" hospital aurora
orgs_join norte "Hospital do Norte" hospital aurora
for at in aurora trust; do
	orgs_agent "keys-$at" $at
	agent_start "keys-$at"
done
two_cards ana lima
two_mount ana lima
saves() {
	echo "finding $1" >"ana-folder/Imaging/MRI-$1.txt"
	as ana run 0 status --wait
}
mkdir ana-folder/Imaging
saves 1
as ana run 0 share Imaging with lima --yes --wait
for name in "Clínica Aurora" "Patients' Trust" "both needed."; do says "$name"; done
shows() { [ "$(cat lima-folder/shared-with-me/*/Imaging/"MRI-$1.txt")" = "finding $1" ]; }
emr_until shows 1

# leaves WHO "Name" ADMIN...: WHO's organisation wishes to, and the others say yes until that is enough.
leaves() {
	local who=$1 name=$2 admin
	shift 2
	as "$who" run 0 org leave --yes --json $PF
	for admin in "$@"; do
		grep -q '"done":true' out/said && return
		as "$admin" run 0 org leave "$name" --yes --json $PF
	done
	grep -q '"done":true' out/said || emr_fail "$name is a member still: $(cat out/said)"
}
noticed() { grep -F -- "$1" ana-folder/.emrfs/notices | grep -qF -- "$2"; }

say "one of the two leaves, and a third is there: the share goes on through those who are left"
orgs_agent keys-norte norte
agent_start keys-norte
leaves trust "Patients' Trust" hospital aurora norte
emr_until noticed "Patients' Trust may release Imaging no more. For lima, São Lucas (gives the name Dr Paula Lima) it is released by" "Hospital do Norte"
emr_until agent_says keys-norte '"grants_held":1'
as ana run 0 share --json
python3 - out/said <<'END' || emr_fail "the list of shares: $(cat out/said)"
import json, sys
shares = json.load(open(sys.argv[1]))["grants"]
assert len(shares) == 1, shares
assert sorted(shares[0]["released_by"]) == ["Clínica Aurora", "Hospital do Norte"], shares
assert shares[0]["needed"] == 2, shares
END
saves 2	# a key that nobody can have had before
two_unmount ana
emr_until shows 2
emr_until agent_says keys-norte '"served":[1-9]'

say "then its keys end, too, and one alone is not what she agreed to"
as norte run 0 org revoke keys-norte --yes $PF
two_mount ana
emr_until noticed "Hospital do Norte may release Imaging no more, and too few others do" "emrfs share 'Imaging' with 'lima'"
saves 3
emr_until shows 3	# her folder is open
as ana run 0 share Imaging with lima --yes --wait
says "Clínica Aurora alone can release this share's keys; nobody else has to agree."
says "The agent of Hospital do Norte is left out: its key is in force no more."
saves 4
emr_until agent_says keys-aurora '"grants_held":[1-9]'
two_unmount ana
emr_until shows 4

say "where nobody releases, who runs and does not count is said, with the reason"
orgs_agent keys-hospital hospital
agent_start keys-hospital
as aurora run 0 org revoke keys-aurora --yes $PF
two_mount ana
emr_until noticed "Clínica Aurora may release Imaging no more, and too few others do" "emrfs share 'Imaging' with 'lima'"
as ana run 0 share Imaging with lima --away others --yes --wait
says "No organisation here releases its keys"
says "The agent of Clínica Aurora is left out: its key is in force no more."
says "The agent of São Lucas is left out: your own organisation."
two_unmount ana
agent_stop keys-hospital
two_unmount lima
for at in aurora trust norte; do agent_stop "keys-$at"; done
echo "all is well"
