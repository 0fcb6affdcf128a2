#!/bin/bash
# guardian_host.sh: the host between old Ana, her guardian Rosa and those who read is an attacker's. It shows one of them nothing of what another said,
# says yes to what it throws away, and shows it all when a date is over; and Rosa kept an old copy of her computer. Nothing opens that Ana does not want
# to be open, nobody is told what is not so, and what was ended has ended as soon as the host shows what it has.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
. "$SUPPORT/between.sh"
two_begin guardian_host
between_begin
two_network "São Lucas"
orgs_join aurora "Clínica Aurora" hospital
two_join ana "Ana Silva" patient
two_join rosa "Rosa Dias" patient
two_join lima "Paula Lima" clinician aurora
two_join vera "Vera Pinto" clinician aurora
orgs_agent keys hospital
between_know keys
agent_start keys
emr_until agent_says keys '"key_made_at":"2'
two_cards ana rosa lima vera
between_know ana rosa lima
for who in hospital aurora; do as "$who" run 0 org contract 2 --yes $P; done
two_mount ana rosa lima vera
two_home ana
mkdir "$MNT/Health"
mkdir "$MNT/Health/Deep" && for name in list Deep/story; do echo "first" >"$MNT/Health/$name"; done
run 0 status --wait
run 0 share --away own
added() { "$EMRFS" guardian add rosa with lima vera --for "$MNT/Health" --until 60d --within 7d --yes --wait --json >out/said 2>&1 </dev/null; }
reads() { timeout 5 cat "$1"-folder/shared-with-me/*/Health/"$2" 2>/dev/null | grep -q "$3"; } # WHO FILE WORD
nothing() { reads "$@" && emr_fail "$*"; }
her() { as rosa "$EMRFS" "$1" rosa-folder/shared-with-me/*/Health "${@:2}" --json >out/said 2>&1 </dev/null; }
emr_until added
emr_until reads rosa list first
two_unmount rosa
json 0 status
OLD=$(field ledger.size)
must cp -a rosa old && mkdir old-folder
TWO_MEMBERS="$TWO_MEMBERS old"
two_mount rosa
her share with lima --until 7d || emr_fail "share: $(cat out/said)"
emr_until reads lima list first

say "the host throws away that she ends it: she is not told that it has ended"
loses rosa
her revoke from lima --yes && emr_fail "she was told that it has ended"
grep -q "says one thing and shows another" out/said || emr_fail "$(cat out/said)"
reads lima list first || emr_fail "it has ended without a word on the ledger"
keeps rosa
her revoke from lima --yes || emr_fail "revoke: $(cat out/said)"
gone() { ! reads "$@"; }
emr_until gone lima list first

say "the host shows neither the agent nor the one who reads that she ended it, while Ana is away"
her share with lima --until 7d || emr_fail "share: $(cat out/said)"
emr_until reads lima list first
two_unmount ana
two_home rosa
shows_no_more keys lima
her revoke from lima --yes || emr_fail "revoke: $(cat out/said)"
nothing lima Deep/story first
shows_all keys lima
emr_until gone lima list first

say "the host does not show her that Ana ended her"
two_mount ana
two_home ana
shows_no_more rosa
run 0 revoke "$MNT/Health" from rosa --yes --wait
echo second >"$MNT/Health/list"
run 0 status --wait
her share with vera --until 7d && emr_fail "she was told that it is asked"
! echo late 2>/dev/null >"$(echo rosa-folder/shared-with-me/*/Health)/late" || emr_fail "she was told that it is saved"
nothing rosa Deep/story first
shows_all rosa
emr_until gone rosa list first
BEFORE=
denied() { "$EMRFS" request --json >out/said 2>&1 && DENIED=$(jq -r '.requests[] | select(.who == "vera" and .state == "denied") | .id' out/said) && [[ $DENIED && $DENIED != "$BEFORE" ]]; }
emr_until denied
BEFORE=$DENIED
nothing vera list second
[ ! -e "$MNT/Health/late" ] || emr_fail "saved after the end"

say "the host shows an old copy of her computer what there was then"
two_unmount rosa
echo "$OLD" >"${BETWEEN[rosa]}"
two_mount old
nothing old list second
nothing old Deep/story first
two_unmount old
shows_all rosa

say "the host keeps what she asked from Ana until the date is over, and from the old copy for ever"
two_mount rosa
emr_until added
emr_until reads rosa list second
shows_no_more ana
her share with vera --until 7d || emr_fail "share: $(cat out/said)"
two_unmount rosa
echo "$OLD" >"${BETWEEN[rosa]}"
echo $((61 * 86400)) | tee clock-of-host >clock
shows_all ana
emr_until denied
nothing vera list second
two_mount old
nothing old list first
echo "all is well"
