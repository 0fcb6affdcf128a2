#!/bin/bash
# emergency.sh: Ana prepares what two clinicians of the hospital may read in an emergency, and carries the card. One alone opens nothing; two who say
# why read it for a day while her computer is off, and nothing else. She and the hospital's auditor hear it, her keys change, and the card is used up.
# Over a host, whose members' clocks a test moves; on a channel of Fabric (ON_CHANNEL) no clock is moved, and the day does not end.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
. "$SUPPORT/answers.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
two_begin emergency
answers_begin
MENU_HOME=
P="--passphrase-file $EMR_PASS"
if [ -z "${ON_CHANNEL:-}" ]; then
	echo 0 >clock
	export EMR_CLOCK_FILE=$EMR_WORK/clock LD_PRELOAD=$TOOLS/libclock_shim.so
fi
draws=${TOOLS%/tests/tools}/fs/tell/desktop/draw-card
[ ! -x "$draws" ] || two_installed "$draws"
two_network "São Lucas"
if [ -n "${ON_CHANNEL:-}" ]; then
	channel_org aurora "Clínica Aurora" 2 hospital
else
	orgs_join aurora "Clínica Aurora" hospital
	orgs_join trust "Patients' Trust" hospital aurora
	orgs_agent keys-trust trust
	agent_start keys-trust
fi
two_join ana "Ana Silva" patient
two_join eva "Eva Reis" patient
two_join lima "Paula Lima" clinician
two_join rosa "Rosa Dias" clinician
two_join rui "Rui Costa" clinician
two_join vera "Vera Pinto" clinician
two_join joana "Joana Pinto" auditor
two_join nuno "Nuno Alves" clinician aurora
orgs_agent keys-aurora aurora
agent_start keys-aurora
two_cards ana eva
two_mount ana eva
two_home ana
mkdir -p "$MNT/Allergies/Deep" "$MNT/Diary"
echo "penicillin" >"$MNT/Allergies/list"
echo "since 1999" >"$MNT/Allergies/Deep/story"
echo "private" >"$MNT/Diary/june"
run 0 status --wait

prepares() { as ana "$EMRFS" emergency prepare "ana-folder/$1" with @saolucas -o "$2" --yes --json "${@:3}" >out/said 2>&1 </dev/null; }
refused() { ! prepares Allergies card && [ "$(field error)" = "$1" ]; }
emr_until refused later-rules
[ ! -e card ] || emr_fail "a card that opens nothing"
for who in hospital aurora; do as "$who" run 0 org contract 2 --yes $P; done
emr_until prepares Allergies card
CODE=$(field code)
[ "${#CODE}" = 32 ] && tr -d " " <card | grep -q "$CODE" || emr_fail "no code: $(cat card)"
expect "who may read the card's file" "$(stat -c %a card)" 600
run 2 emergency prepare Allergies -o other --yes
run 6 emergency prepare "$MNT/Allergies" with lima -o other --yes
says "is one person"
run 0 guardian add eva --for "$MNT/Allergies" --until 60d --yes --wait
run 0 share "$MNT/Allergies/Deep" with nuno@clínicaaurora --yes --wait

say "in windows alone: another card makes this one worthless, and what is prepared goes on when somebody leaves the staff"
OLD=$CODE
picture=card.png && [ -x "$draws" ] || picture=card.txt
row=$("$EMRFS" people --json | jq '[.people[].organisation | select(. != "")] | unique | index("São Lucas")')
printf '%s\n' "doctors and nurses|$row" "Where does your card go|$EMR_WORK/$picture" >answers
in_menu ana action prepare "$MNT/Allergies"
grep -q "Two clinicians of .* can read Allergies" shown && grep -q "The card is in" shown || emr_fail "$(cat shown)"
CODE=$([ "$picture" = card.txt ] && sed -n '2s/ //gp' card.txt || zbarimg --quiet --raw -Sdisable -Sqrcode.enable card.png)
[ "${#CODE}" = 32 ] && [ "$CODE" != "$OLD" ] || emr_fail "no other code: $CODE"
prepared() { "$EMRFS" share --all --json | jq -r '[.grants[] | select(.purpose == "emergency" and .state == "confirmed") | .grantee_id] | unique | join(" ")'; }
"$EMRFS" share --all --json | jq -c ".grants[]" >out/j; before=$(prepared)
[ "$(wc -w <<<"$before")" = 1 ] || emr_fail "prepared for $before $(cat out/j)"
as hospital run 0 org revoke rui --yes $P
followed() { [ -n "$(prepared)" ] && [ "$(prepared)" != "$before" ]; }
emr_until followed
run 0 share
says "emergency"
run 0 unmount

# opens WHO, says CODE WHO OPERAND REASON.
opens() { cat "$1"-folder/shared-with-me/*/Allergies/list 2>/dev/null | grep -q penicillin; }
in_window() { # WHO CODE REASON
	printf '%s\n' "code on the patient|$2" "must it be opened|$3" >answers
	in_menu "$1" action emergency
}
why() { as "$2" run "$1" emergency "$3" --reason "$4" --json "${@:5}"; }

say "one alone opens nothing, by whichever name or key"
two_mount lima rosa joana nuno vera
[ ! -e lima-folder/shared-with-me ] || emr_fail "what is prepared is seen: $(ls lima-folder/shared-with-me)"
why 5 rosa second "no first"
why 8 lima "${CODE%?}$([ "${CODE: -1}" = A ] && echo B || echo A)" "mistyped"
why 5 nuno "$CODE" "of another organisation"
why 5 joana "$CODE" "an auditor"
as lima run 2 emergency "$CODE" --json
in_window lima "$(sed "s/..../& /g" <<<"$CODE")" "found unconscious in ward 3" # in groups, as on the card
grep -q 'Nothing is open yet.*"Open in an emergency" in the menu' shown || emr_fail "after one: $(cat shown)"
why 0 lima "$CODE" "the same person again"
expect "after the same one" "$(field state)" first
why 5 lima second "herself"
why 5 rosa "$OLD" "by a card that was replaced"
[ ! -e lima-folder/shared-with-me ] || emr_fail "opened by one"

say "two open it, for reading, while her computer is off"
why 13 rosa second "without a yes"
in_window rosa "" "her colleague asked me, allergies unknown"
grep -q "do you agree" shown && grep -q "to read: Allergies of Ana Silva" shown || emr_fail "after two: $(cat shown)"
! grep -aF -e "$CODE" -e "${CODE:0:4} ${CODE:4:4}" -e unconscious -e "asked me" arguments || emr_fail "the code or a reason is in arguments"
emr_until opens lima
emr_until opens rosa
deep() { grep -q 1999 rosa-folder/shared-with-me/*/Allergies/Deep/story 2>/dev/null; }
emr_until deep
! ls rosa-folder/shared-with-me/*/Diary 2>/dev/null || emr_fail "more than what was prepared"
! echo x 2>/dev/null >rosa-folder/shared-with-me/*/Allergies/new || emr_fail "written"
why 6 vera "$CODE" "a third"
[ ! -e vera-folder/shared-with-me ] || emr_fail "a third reads"
! opens nuno || emr_fail "read in another organisation"
mkdir eva-folder/Pills && as eva run 0 status --wait
as eva json 0 emergency prepare eva-folder/Pills with @saolucas -o eva.paper --yes
why 0 lima "$(field code)" "another patient"
why 0 rosa second "of the other patient" --yes
expect "the newer one" "$(field state) $(field owner)" "open Eva Reis"
hears() { # WHO WORD
	as "$1" "$EMRFS" status >out/heard 2>&1 </dev/null
	grep -qF -- "$2" out/heard
}
emr_until hears eva "for whom you act, is in an emergency"
emr_until hears joana "says that a patient's records must be opened"
! grep -q "unconscious" out/heard || emr_fail "the auditor reads the reason"

say "she hears who, and why"
two_mount ana
two_home ana
emr_until hears ana "her colleague asked me"
hears ana "rosa" || emr_fail "$(cat out/heard)"
logged() { "$EMRFS" log "$MNT/Allergies" >out/logged 2>&1 && grep -q 'lima.*"found unconscious in ward 3"' out/logged && grep -q "lima.*opened Allergies/list" out/logged; }
emr_until logged
mkdir fhir && "$EMRFS" log --json | python3 "$SUPPORT/../../packaging/emrfs-fhir" fhir >out/written 2>&1 || emr_fail "$(cat out/written)"
python3 - <<'END' || emr_fail "not in FHIR"
import glob, json
events = [json.load(open(file)) for file in glob.glob("fhir/*.json")]
said = [e for e in events if any(s["code"] == "110127" for s in e.get("subtype", []))]
assert len(said) == 6, len(said)  # each word, of the folder and of the one inside
assert all(c["code"] == "ETREAT" for e in said for p in e["purposeOfEvent"] for c in p["coding"])
assert {e["agent"][0]["altId"] for e in said} == {"lima@saolucas", "rosa@saolucas"}, said[0]["agent"]
assert any(e["agent"][0]["altId"] == "lima@saolucas" and e["action"] == "R" for e in events)
END
[ -z "${ON_CHANNEL:-}" ] || { echo "all is well"; exit 0; }

say "after a day nothing opens, also while she is away; then her keys are new and the card is used up"
run 0 unmount
echo 90000 >clock
closed() { [ ! -e lima-folder/shared-with-me/*/Allergies/list ] || ! opens lima; }
emr_until closed
two_mount ana
emr_until hears ana "The emergency is over"
ended() { "$EMRFS" share >out/said 2>&1 && ! grep -q emergency out/said; }
emr_until ended
why 5 lima "$CODE" "by the used card"

say "for six hours, if she says so"
run 2 emergency prepare "$MNT/Allergies" with @saolucas -o six --for 25h --yes
prepares Allergies six --for 6h || emr_fail "$(cat out/said)"
why 0 lima "$(field code)" "unconscious again"
why 0 rosa second "allergies unknown" --yes
left=$(($(field until_unix) - $(date +%s)))
[ "$left" -le 21600 ] && [ "$left" -gt 21000 ] || emr_fail "open for $left s"
emr_until opens lima
echo 112300 >clock
emr_until closed
run 0 unmount
echo "all is well"
