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
mkdir "$MNT"/Health/{One,Two} && for name in list {One,Two}/story; do echo "first" >"$MNT/Health/$name"; done
run 0 status --wait
run 0 share --away own
added() { "$EMRFS" guardian add rosa with lima vera --for "$MNT/Health" --until 60d --within 7d --yes --wait --json >out/said 2>&1 </dev/null; }
reads() { timeout 5 cat "$1"-folder/shared-with-me/*/Health/"$2" 2>/dev/null | grep -q "$3"; } # WHO FILE WORD
gone() { ! reads "$@"; }
her() { as rosa "$EMRFS" "$1" rosa-folder/shared-with-me/*/Health "${@:2}" --json >out/said 2>&1 </dev/null; }
unsure() { ! her "$@" && [ "$(field error)" = ledger-away ] || emr_fail "she was told that it is so: $(cat out/said)"; }
emr_until added
emr_until reads rosa list first
two_unmount rosa
OLD=$(host_size)
must cp -a rosa old && mkdir old-folder
TWO_MEMBERS="$TWO_MEMBERS old"
two_mount rosa
her share with lima --until 7d || emr_fail "share: $(cat out/said)"
emr_until reads lima list first

say "the host throws away that she ends it: she is not told that it has ended"
loses rosa
unsure revoke from lima --yes
emr_until reads lima list first # nothing has ended
keeps rosa
her revoke from lima --yes || emr_fail "revoke: $(cat out/said)"
emr_until gone lima list first

say "the host shows neither the agent nor the one who asks that she ended it, while Ana is away"
her share with lima --until 7d || emr_fail "share: $(cat out/said)"
emr_until reads lima list first
two_unmount ana
emr_until reads lima One/story first # by the agent
two_home rosa
shows_no_more keys lima
her revoke from lima --yes || emr_fail "revoke: $(cat out/said)"
size=$(host_size)
cat lima-folder/shared-with-me/*/Health/Two/story >out/opened 2>/dev/null &
asking=$!
asked() { [ "$(host_size)" -gt "$size" ]; }
emr_until asked
shows_all keys lima
wait "$asking"
[ ! -s out/opened ] || emr_fail "opened after the end"
emr_until gone lima list first
reads lima Two/story first && emr_fail "opened after the end"

say "the host does not show her that Ana ended her"
two_mount ana
two_home ana
shows_no_more rosa
run 0 revoke "$MNT/Health" from rosa --yes --wait
echo second >"$MNT/Health/list"
run 0 status --wait
unsure share with vera --until 7d
! echo late 2>/dev/null >"$(echo rosa-folder/shared-with-me/*/Health)/late" || emr_fail "she was told that it is saved"
shows_all rosa
emr_until gone rosa list .
denied() { "$EMRFS" request --json >out/said 2>&1 && DENIED=$(jq -r '.requests[] | select(.who == "vera" and .state == "denied") | .id' out/said) && [[ $DENIED && $DENIED != "$BEFORE" ]]; }
BEFORE=
emr_until denied
BEFORE=$DENIED
reads vera list second && emr_fail "opened by nobody's word"
[ ! -e "$MNT/Health/late" ] || emr_fail "saved after the end"

say "an old copy of her computer, to which the host shows what there was then, has what was read then"
two_unmount rosa
echo "$OLD" >"${BETWEEN[rosa]}"
two_mount old
emr_until reads old list first
reads old Two/story first && emr_fail "an old copy opens what is new to it"
shows_all rosa
emr_until gone old list .
two_unmount old

say "the host keeps what she asked from Ana until the date is over, and from a copy of her computer for ever"
two_mount rosa
emr_until added
emr_until reads rosa list second
two_unmount rosa
rm -r old && must cp -a rosa old
two_mount rosa
shows_no_more ana
her share with vera --until 7d || emr_fail "share: $(cat out/said)"
two_unmount rosa
shows_no_more rosa
two_mount old
emr_until reads old list second
echo $((61 * 86400)) | tee clock-of-host >clock
shows_all ana
emr_until denied
reads vera list second && emr_fail "opened when the date was over"
emr_until gone old list second
echo "all is well"
