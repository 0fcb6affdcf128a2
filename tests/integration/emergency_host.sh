#!/bin/bash
# emergency_host.sh: the host is an attacker's when two clinicians open in an emergency what Ana prepared. It throws away what one of them said, shows it
# to neither the other nor the agent, keeps all of it from Ana and the auditor, and sets its clock back. One alone opens nothing, nobody is told what is
# not so, after the hour nothing opens, and Ana and the auditor hear it all when the host shows what it has.
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
prepares() { "$EMRFS" emergency prepare "$MNT/Allergies" with @saolucas --for 1h -o card --yes --json >out/said 2>&1 </dev/null; }
emr_until prepares
CODE=$(field code)
why() { as "$2" run "$1" emergency "$3" --reason "$4" --yes --json; } # EXIT WHO CODE REASON
reads() { timeout 5 cat "$1"-folder/shared-with-me/*/Allergies/"$2" 2>/dev/null | grep -q "$3"; } # WHO FILE WORD
hears() { # WHO WORD
	as "$1" "$EMRFS" status >out/heard 2>&1 </dev/null
	grep -qF -- "$2" out/heard
}

say "the host throws the first word away, and then the second, and shows one to nobody else"
loses lima
why 7 lima "$CODE" "in ward 3"
says "Whether the ledger took this is not known"
keeps lima
shows_no_more ana joana rosa
why 0 lima "$CODE" "in ward 3"
expect "after one" "$(field state)" first
why 5 rosa second "my colleague asked me"
shows_all rosa
seconded() { as rosa "$EMRFS" emergency second --reason "my colleague asked me" --yes --json >out/said 2>&1 </dev/null; [ "$(field error)" = ledger-away ]; }
loses rosa
emr_until seconded
keeps rosa
[ ! -e lima-folder/shared-with-me ] && [ ! -e rosa-folder/shared-with-me ] || emr_fail "opened by one"

say "the host shows two words neither to the agent nor to Ana and the auditor"
shows_no_more keys
why 0 rosa second "my colleague asked me"
expect "after two" "$(field state)" open
shown() { [ -e "$(compgen -G "lima-folder/shared-with-me/*/Allergies")" ]; }
emr_until shown
reads lima list penicillin && emr_fail "released by nobody"
shows_all keys
emr_until reads lima list penicillin
why 0 rosa second "she did not hear it"
expect "said again" "$(field state)" open
hears ana "must read" || hears joana "must be opened" && emr_fail "they were shown it: $(cat out/heard)"
shows_all ana joana
emr_until hears ana "my colleague asked me"
emr_until hears joana "a patient's records must be opened"
"$EMRFS" log "$MNT/Allergies" >out/said 2>&1
says "in ward 3"
says "got the key of Allergies/list"

say "the host and a clinician set their clocks back when the hour is over: an agent that has the time deals with neither"
two_unmount ana lima
cp clock clock-of-lima
EMR_CLOCK_FILE=$EMR_WORK/clock-of-lima two_mount lima
echo 5000 >clock
emr_until shown
reads lima Deep/story 1999 && emr_fail "opened when the hour was over"
two_unmount lima
echo $((366 * 86400)) | tee clock clock-of-host >clock-of-lima
two_mount lima
why 5 lima "$CODE" "by a photograph of a year ago"
echo "all is well"
