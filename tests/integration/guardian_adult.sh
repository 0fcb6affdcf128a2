#!/bin/bash
# guardian_adult.sh: Ana is old, and lets her daughter Rosa act for her in one folder until a date, and her son Rui in everything. Each saves under a
# name of their own, lets read whom Ana's rule allows, and ends at once what others read; neither goes beyond the rule, or ends the other.
# Over a host; the test moves the clocks of all.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
. "$SUPPORT/answers.sh"
two_begin guardian_adult
answers_begin
P="--passphrase-file $EMR_PASS"
echo 0 >clock
export EMR_CLOCK_FILE=$EMR_WORK/clock LD_PRELOAD=$TOOLS/libclock_shim.so
two_network "São Lucas"
orgs_join aurora "Clínica Aurora" hospital
two_join ana "Ana Silva" patient
two_join rosa "Rosa Dias" patient
two_join rui "Rui Costa" patient
two_join lima "Paula Lima" clinician
two_join vera "Vera Pinto" pharmacist
two_join nuno "Nuno Alves" clinician aurora
two_cards ana rosa rui
two_mount ana rosa rui lima nuno vera
two_home ana
mkdir -p "$MNT/Health/Deep" "$MNT/Diary"
echo "penicillin" >"$MNT/Health/list"
echo "since 1999" >"$MNT/Health/Deep/story"
echo "private" >"$MNT/Diary/june"
run 0 status --wait

adds() { as ana "$EMRFS" guardian add "$@" --yes --wait --json >out/said 2>&1 </dev/null; }
refused() { ! adds rosa --for ana-folder/Health --until 30d && [ "$(field error)" = "$1" ]; }
emr_until refused later-rules
for who in hospital aurora; do as "$who" run 0 org contract 2 --yes $P; done
added() { adds rosa with @saolucas vera --for ana-folder/Health --until 60d --within 7d; }
emr_until added
expect "what she is" "$(jq -r .grant.rights out/said)" guardian
adds rui --for everything --until 30d || emr_fail "everything: $(cat out/said)"
as ana run 2 guardian add vera --for ana-folder/Health --yes
as ana run 6 guardian add @saolucas --for ana-folder/Health --until 30d --yes
as ana run 2 guardian add vera lima --for ana-folder/Health --until 30d --yes
as ana run 13 guardian add vera --for ana-folder/Health --until 30d # nobody says yes
run 0 share
says "lets read: clinicians of São Lucas, vera@saolucas (7 days at most)"

of() { compgen -G "$1-folder/shared-with-me/*/$2"; } # WHO PATTERN
reads() { grep -rqs "$2" "$1-folder/shared-with-me"; } # WHO WORD
says_later() { as "$1" "$EMRFS" status >out/heard 2>&1 </dev/null; grep -qF -- "$2" out/heard; } # WHO WORDS

say "they read and save, under their own names"
emr_until reads rosa penicillin
! reads rosa private || emr_fail "more than her folder"
emr_until reads rui penicillin
emr_until reads rui private
echo "walks again" >"$(of rosa Health)/from-rosa"
saved() { grep -qs "walks again" "$MNT/Health/from-rosa" && "$EMRFS" log >out/said 2>&1 && grep -q "rosa.*from-rosa" out/said; }
emr_until saved
"$EMRFS" restore --list "$MNT/Health/from-rosa" --json >out/said
says "rosa, "

say "what the rule allows is opened at a guardian's word; for all else she is asked"
asks() { as "$1" run "${*: -1}" share "$(of "$1" "$2")" with "$3" "${@:4:$#-4}" --json; }
in_window() { # DEED PATH WHO QUESTION: Rosa's
	printf '%s\n' "$4|$(as rosa "$EMRFS" people --json | jq --arg who "$3" '.people | map(.called | startswith($who)) | index(true)')" "For how long|7" >answers
	MENU_HOME='' PACKAGING=$SUPPORT/../../packaging in_menu rosa action "$1" "$EMR_WORK/$(of rosa "$2")"
}
in_window share Health lima "Who may open it?"
grep -q "^Asked: ana.*lima" shown || emr_fail "$(cat shown)"
emr_until reads lima penicillin
emr_until says_later ana "let lima"
asks rosa Health vera --until 8d 0
asks rosa Health nuno@clínicaaurora --until 7d 0
asks rui Health lima --until 1d 0
waits() { "$EMRFS" request --json >out/said 2>&1 && [ "$(jq '[.requests[] | select(.state == "open")] | length' out/said)" = "$1" ]; }
emr_until waits 3
run 0 request
says "rosa asks that nuno, Clínica Aurora (gives the name Nuno Alves) may have Health"
! reads vera penicillin && ! reads nuno penicillin || emr_fail "beyond the rule"
asks lima Health vera --until 1d 6
asks rosa Health @clínicaaurora --until 1d 6
NUNO=$("$EMRFS" request --json | jq -r '.requests[] | select(.who | startswith("nuno")) | .whole')
run 0 approve "$NUNO" --yes
emr_until reads nuno penicillin

say "a folder that she took back from the guardian is not opened by the guardian's word"
run 0 share "$MNT/Health/Deep" with vera --yes --wait
emr_until reads vera 1999
run 0 revoke "$MNT/Health/Deep" from rosa --yes --wait
lost() { ! reads rosa 1999; }
emr_until lost
asks rosa Health vera --until 1d 0
asks rosa Health/list lima --until 6d 0 # answered behind it
listed() { "$EMRFS" request --json >out/said 2>&1 && [ "$(jq '[.requests[] | select(.path == "Health/list" and .state == "approved")] | length' out/said)" = 1 ]; }
emr_until listed
waits 3 || emr_fail "opened with what the guardian does not reach: $(cat out/said)"
run 0 share "$MNT/Health" with vera --deposit --yes --wait
! reads vera penicillin || emr_fail "opened with what the guardian does not reach"

say "a guardian ends at once what others read, while her computer is off, and not another guardian"
emr_until reads lima 1999
run 0 unmount
ends() { as "$1" run "$4" revoke "$(of "$1" "$2")" from "$3" --yes --json; }
ends lima Health vera 6
in_window unshare Health/list nuno "not told who can open it"
grep -q "^Ended: .*Health" shown && ! grep -q "Nothing was opened" shown || emr_fail "$(cat shown)"
ended() { ! grep -qs penicillin nuno-folder/shared-with-me/*/Health/list; }
emr_until ended
none() { ! reads lima "1999\|penicillin"; }
ends rui Health lima 0
emr_until none
ends rosa Health vera 0 # who leaves files there
ends rosa Health rui 5
ends rui Health rosa 5
reads rui private || emr_fail "the other guardian lost it"
two_mount ana
two_home ana
emr_until says_later ana "could read in Health"
"$EMRFS" log --json >out/log 2>&1
expect "who ended it" "$(jq -r '[.entries[] | select(.action == "ended" and (.with.who | startswith("nuno")))] | .[0].who' out/log)" rosa
jq -c ".entries[] | select(.with)" out/log >out/dealings
expect "who ended what was left there" "$(jq -r '[.entries[] | select(.action == "ended" and .rights == "deposit")] | .[0].who' out/log)" rosa
expect "who let in" "$(jq -r '[.entries[] | select(.action == "shared" and (.with.who | startswith("lima")))] | .[0].who' out/log)" rosa
mkdir fhir && python3 "$SUPPORT/../../packaging/emrfs-fhir" fhir <out/log >out/written 2>&1 || emr_fail "$(cat out/written)"
python3 - <<'END' || emr_fail "not in FHIR"
import glob, json
events = [json.load(open(file)) for file in glob.glob("fhir/*.json")]
acting = {(e["action"], e["agent"][0]["altId"]) for e in events for r in e["agent"][0].get("role", []) for c in r.get("coding", []) if c["code"] == "POWATT"}
assert {("E", "rosa"), ("U", "rosa"), ("R", "rui")} <= acting, acting
END

say "on the date, and when she says so, it is over"
run 0 revoke "$MNT" from rui --yes --wait
gone() { ! reads rui "private\|penicillin"; }
emr_until gone
run 0 unmount
echo $((61 * 86400)) >clock
over() { ! reads rosa "penicillin\|walks"; }
emr_until over
! echo "late" 2>/dev/null >"$(of rosa Health)/late" || emr_fail "written after the date"
ends rosa Health lima 6
asks rosa Health lima --until 1d 6
two_mount ana
"$EMRFS" log >out/said 2>&1
says "rosa"
run 0 unmount
echo "all is well"
