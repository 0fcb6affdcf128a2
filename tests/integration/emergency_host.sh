#!/bin/bash
# emergency_host.sh: the host is an attacker's when two clinicians open in an emergency what Ana prepared. It throws away what one of them said, shows it
# to neither the other nor the agent, keeps all of it from Ana and the auditor, and its clock is wrong. One alone opens nothing, nobody is told what is
# not so, after a day nothing opens, and Ana and the auditor hear it all when the host shows what it has.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
. "$SUPPORT/between.sh"
two_begin emergency_host
between_begin
two_network "São Lucas"
orgs_join aurora "Clínica Aurora" hospital
two_join ana "Ana Silva" patient
two_join lima "Paula Lima" clinician
two_join rosa "Rosa Dias" clinician
two_join joana "Joana Pinto" auditor
orgs_agent keys aurora
between_know keys
agent_start keys
emr_until agent_says keys '"key_made_at":"2'
between_know ana lima rosa joana
for who in hospital aurora; do as "$who" run 0 org contract 2 --yes $P; done
two_mount ana lima rosa joana
two_home ana
mkdir -p "$MNT/Allergies/Deep"
echo penicillin >"$MNT/Allergies/list"
echo "since 1999" >"$MNT/Allergies/Deep/story"
run 0 status --wait
prepares() { "$EMRFS" emergency prepare "$MNT/Allergies" with @saolucas -o card --yes --json >out/said 2>&1 </dev/null; }
emr_until prepares
CODE=$(field code)
why() { as "$1" "$EMRFS" emergency "$2" --reason "$3" --yes --json >out/said 2>&1 </dev/null; }
reads() { timeout 20 cat "$1"-folder/shared-with-me/*/Allergies/"$2" 2>/dev/null | grep -q "$3"; }
time emr_until agent_says keys '"grants_held":1'

say "the host throws the first word away, and then the second"
loses lima
time why lima "$CODE" "in ward 3"; echo "rc $?"; cat out/said
keeps lima
time why lima "$CODE" "in ward 3"; echo "rc $?"; cat out/said
loses rosa
time why rosa second "my colleague asked me"; echo "rc $?"; cat out/said
[ ! -e lima-folder/shared-with-me ] && [ ! -e rosa-folder/shared-with-me ] || emr_fail "opened by one"
keeps rosa
echo HALF
