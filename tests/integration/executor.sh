#!/bin/bash
# executor.sh: Ana names an executor, who can read her records after her death and change nothing: with a file, a yes of one of her trustees, and
# agents of another organisation, who wait two days. While she lives her open folder says who asks, and she stops it; a trustee without the file,
# and the file without the others, open nothing. Over a host, whose members' clocks a test moves; on a channel of Fabric (ON_CHANNEL) no clock is
# moved, so nothing is given there.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
. "$SUPPORT/answers.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
two_begin executor
answers_begin
MENU_HOME=
trust() { # WHO ANSWERS
	printf '%s\nassphrase|passphrase of the test\nThe same again|passphrase of the test\n' "$2" >answers
	in_menu "$1" action trust
}
P="--passphrase-file $EMR_PASS"
if [ -z "${ON_CHANNEL:-}" ]; then
	echo 0 >clock
	export EMR_CLOCK_FILE=$EMR_WORK/clock LD_PRELOAD=$TOOLS/libclock_shim.so
fi
at_end() { two_end; }
two_network "São Lucas"
if [ -n "${ON_CHANNEL:-}" ]; then
	channel_org aurora "Clínica Aurora" 2 hospital
else
	orgs_join aurora "Clínica Aurora" hospital
fi
two_join ana "Ana Silva" patient
two_join bento "Bento Reis" patient
two_join maria "Maria Silva" patient
two_join clara "Clara Dias" patient aurora
two_cards ana bento maria clara
two_home ana
sets() { run "$1" executor set maria --delay 2d -o maria.file --yes --json $P; }
run 2 executor set maria $P
run 5 executor set ana -o maria.file --yes $P
run 2 executor set maria -o maria.file --yes $P
says "One of your trustees must be"
run 0 trustees set bento --need 1 --yes $P
sets 6
expect "nobody waits" "$(field error)" no-delay
orgs_agent keys aurora
agent_start keys
emr_until agent_says keys '"key_made_at":"2'
for who in hospital aurora; do as "$who" run 0 org contract 2 --yes $P; done
named() { "$EMRFS" executor set maria --delay 2d -o maria.file --yes --json $P >out/said 2>&1 </dev/null; }
emr_until named
expect "who waits" "$(field agents_needed) of $(field agents), $(field delay)" "1 of 1, 172800"
json 1 executor set bento -o bento.file --yes $P
expect "one executor" "$(field error)" device-exists
[ ! -e bento.file ] || emr_fail "a file for nobody"
run 0 device remove executor $P
rm maria.file
json 6 executor set clara -o clara.file --yes $P
expect "the only agent is of the executor's organisation" "$(field error)" no-delay
trust ana "would you like to do?|name
after your death?|2
Trustees and executor|$EMR_WORK/maria.file"
grep -q "have waited 30 days since" shown || emr_fail "it is not said what that means: $(cat shown)"
grep -a maria arguments && emr_fail "her name is in arguments"
trust ana "would you like to do?|drop"
rm maria.file
named || emr_fail "not named again: $(cat out/said)"
run 1 device add executor -o other.file --yes $P
two_mount ana
mkdir "$MNT/Imaging"
echo "a knee" >"$MNT/Imaging/MRI"
run 0 status --wait
run 0 device
says ", only reads"

# asks NAME: a request of Maria's; helps WHO NAME: WHO.answer.
asks() { as maria json 0 executor ask ana -o "$1" $P; }
helps() {
	rm -f "$1.answer"
	as "$1" run 0 trustees help "$2" -o "$1.answer" --yes --json $P
}
hears() {
	as ana "$EMRFS" status >out/heard 2>&1 </dev/null
	grep -qF -- "$1" out/heard
}

say "she lives: her open folder says who asks, and she stops it"
as bento run 2 executor ask maria -o none $P
trust maria "would you like to do?|read
Whose executor|0
Trustees and executor|$EMR_WORK/first"
grep -q "You and one of these answer it .*bento" shown || emr_fail "nobody to ask is named: $(cat shown)"
helps maria first
expect "nobody has given" "$(field agents)" 0
emr_until hears "asks to read your records, as your executor"
as ana json 0 trustees stop $P
expect "stopped" "$(field stopped)" 1
as bento json 6 trustees help first -o none --yes $P
expect "it was stopped" "$(field error)" recovery-stopped
two_unmount ana
run 0 device remove executor $P
as bento run 2 trustees help first -o none --yes $P
as maria run 2 executor ask ana -o none $P
says "has named no executor"
rm maria.file
named || emr_fail "not named a third time: $(cat out/said)"
two_mount ana
two_home heir
run 12 device accept "$EMR_WORK/maria.file" $P

say "she is dead: what she saved last opens when the delay is over, and is only read"
as ana must cp ana-folder/Imaging/MRI ana-folder/Imaging/CT
as ana run 0 status --wait
two_unmount ana
asks request
helps maria request
helps bento request
two_home maria
json 5 trustees words request maria.answer bento.answer --words-file phrase $P
expect "the agent waits" "$(field error)" few-agents
[ -z "${ON_CHANNEL:-}" ] || { echo "all is well: nothing is given"; exit 0; }
later() { # SECONDS
	agent_stop keys
	echo "$1" >clock
	agent_start keys
}
later 172000
helps bento request
expect "not yet" "$(field agents)" 0
later 173000
given() { helps bento request && [ "$(field agents)" = 1 ]; }
emr_until given
json 5 trustees words request bento.answer --words-file phrase $P
expect "a trustee and the agent alone" "$(field error)" few-answers
json 0 trustees words request maria.answer bento.answer --words-file phrase $P
two_home heir
json 7 device accept "$EMR_WORK/maria.file" --passphrase-file phrase --network "https://127.0.0.1:1${TWO_ADDRESS#https://127.0.0.1:$TWO_PORT}"
expect "the host is not there" "$(field error)" host-away
run 0 device accept "$EMR_WORK/maria.file" --passphrase-file phrase --network "$TWO_ADDRESS"
says "can be read here now"
run 0 mount --passphrase-file phrase "$MNT"
expect "everything" "$(cat heir-folder/Imaging/MRI heir-folder/Imaging/CT)" "a knee
a knee"
! { echo "by the heir" >heir-folder/Imaging/new; } 2>/dev/null || emr_fail "it was changed"
! rm heir-folder/Imaging/MRI 2>/dev/null || emr_fail "it was removed"
run 6 keep heir-folder/Imaging
says "only reads"
two_unmount heir
printf 'would you like to do?|open\nfile that you were given?|%s\nfolder called here?|later\nassphrase|%s\n' "$EMR_WORK/maria.file" "$(cat phrase)" >answers
in_menu heir action trust
expect "in windows, beside another keyring" "$(cat "$(cat opened)/Imaging/MRI")" "a knee"
"$EMRFS" --as later unmount

say "she lived, and her trustee is a member no more: her folder says that nobody could say yes"
as hospital run 0 org revoke bento --yes $P
two_mount ana
emr_until hears "Your executor could not open your records any more"
two_unmount ana

say "after new words nothing new opens"
as ana run 0 words renew --yes --words-file new.words $P
says "Your executor reads nothing of what you save from now on"
two_home ana
run 0 device $P
! grep -q "executor" out/said || emr_fail "it is one of her computers still"
two_mount ana
echo "a hip" >ana-folder/Imaging/hip
as ana run 0 status --wait
as ana json 0 status
size=$(field ledger.size)
two_home heir
run 0 mount --passphrase-file phrase "$MNT"
has_followed() { "$EMRFS" status --json >out/said 2>/dev/null && [ "$(field ledger.size)" -ge "$size" ]; }
emr_until has_followed
! grep -q "a hip" heir-folder/Imaging/hip 2>/dev/null || emr_fail "the former executor reads what is new"
emr_clear_away "$EMR_WORK/heir" "$MNT"
echo "all is well"
