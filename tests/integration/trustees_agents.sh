#!/bin/bash
# trustees_agents.sh: Ana's two trustees need the agent of another organisation, which waits two days. Trustees who hurry get nothing, her open
# folder says who asks, and she stops it. When all is lost the delay runs, and then the words are there; new words end what the trustees had.
# Over a host, whose members' clocks a test moves; on a channel of Fabric (ON_CHANNEL) no clock is moved, so nothing is given there.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin trustees-agents
P="--passphrase-file $EMR_PASS"
if [ -z "${ON_CHANNEL:-}" ]; then
	echo 0 >clock
	export EMR_CLOCK_FILE=$EMR_WORK/clock LD_PRELOAD=$TOOLS/libclock_shim.so
fi
at_end() {
	two_end
}
two_network "São Lucas"
if [ -n "${ON_CHANNEL:-}" ]; then
	channel_org aurora "Clínica Aurora" 2 hospital
else
	orgs_join aurora "Clínica Aurora" hospital
fi
two_join ana "Ana Silva" patient
two_join bento "Bento Reis" patient
two_join lima "Paula Lima" clinician aurora
orgs_agent own hospital
two_cards ana bento lima
mkdir -m 700 friend && printf 'kdf = 8,1\nnotify = none\n' >friend/settings
EMRFS_HOME=$EMR_WORK/friend run 0 init --yes --name Duarte --born 1984-03-12 $P --words-file friend.words
EMRFS_HOME=$EMR_WORK/friend run 0 people card -o friend.card $P
as ana run 0 people add friend.card --name duarte $P
two_home ana
json 6 trustees set bento lima --need 2 --delay 2d --yes $P # the agent of her own organisation does not count
expect "no agent" "$(field error)" no-delay
orgs_agent keys aurora
orgs_agent more aurora # a second one of one organisation does not count
agent_start keys
agent_start more
emr_until agent_says keys '"key_made_at":"2'
sets() { as ana "$EMRFS" trustees set bento lima --need 2 --delay 2d --yes $P --json >out/said 2>&1 </dev/null; }
refused() { # ERROR: when Ana's copy of the ledger has come so far
	! sets && [ "$(field error)" = "$1" ]
}
emr_until refused later-rules
for who in hospital aurora; do as "$who" run 0 org contract 2 --yes $P; done
emr_until sets
expect "one of each organisation" "$(field needed) of $(field trustees), $(field agents_needed) of $(field agents)" "2 of 2, 1 of 1"
json 2 trustees set duarte --need 1 --delay 2d --yes $P # the card of one who is no member
says "too few of these are"
two_mount ana
mkdir "$MNT/Imaging"
echo "a knee" >"$MNT/Imaging/MRI"
run 0 status --wait
run 0 backup "$EMR_WORK/copy"

# asks DIRECTORY OF REQUEST; helps WHO REQUEST: the answer is WHO.answer.
asks() {
	two_home "$1"
	json 0 trustees ask "$2" -o "$3" $P
	expect "how many" "$(field needed) $(field agents_needed) $(field delay)" "2 1 172800"
}
helps() {
	rm -f "$1.answer"
	as "$1" run 0 trustees help "$2" -o "$1.answer" --yes --json $P
}
hears() { # WORD: an open folder says so
	"$EMRFS" status >out/heard 2>&1 </dev/null
	grep -qF -- "$1" out/heard
}

say "two who hurry together: her open folder says who asks, and she stops it"
as bento run 0 trustees stop $P # his copy of the ledger follows
asks thief bento/state theirs
helps bento theirs
expect "nobody has given" "$(field agents)" 0
two_home ana
emr_until hears "bento, São Lucas"
hears "emrfs trustees stop" || emr_fail "$(cat out/heard)"
helps lima theirs
two_home thief
json 5 trustees words theirs bento.answer lima.answer --words-file none $P
expect "the agent waits" "$(field error)" few-agents
as bento json 0 trustees stop $P
expect "another person stops nothing of hers" "$(field stopped)" 0
as ana json 0 trustees stop $P
expect "stopped" "$(field stopped)" 1
rm bento.answer
as bento json 6 trustees help theirs -o bento.answer --yes $P
expect "it was stopped" "$(field error)" recovery-stopped
[ ! -e none ] && [ ! -e bento.answer ] || emr_fail "something was written"

say "all is lost: both answer, and the agent does not yet"
two_unmount ana
mv ana lost && mv ana.words lost.words
asks new copy request
helps bento request
helps lima request
json 5 trustees words request bento.answer lima.answer --words-file none $P
expect "the agent waits" "$(field error)" few-agents
if [ -z "${ON_CHANNEL:-}" ]; then
	later() { # SECONDS
		agent_stop keys
		agent_stop more
		echo "$1" >clock
		agent_start keys
		agent_start more
	}
	later 172000
	helps lima request
	expect "not yet" "$(field agents)" 0
	later 173000
	given() { helps lima request && [ "$(field agents)" = 1 ]; }
	emr_until given
	json 5 trustees words request lima.answer --words-file none $P
	expect "one trustee and the agent" "$(field error) $(field answers) $(field agents)" "few-answers 1 1"
	json 8 trustees words theirs bento.answer lima.answer --words-file none $P
	# Any agent may say something on the ledger.
	python3 -c 'import json, sys; a = json.load(open(sys.argv[1])); a["agents"].insert(0, "00" * 81); json.dump(a, open(sys.argv[1], "w"))' lima.answer
	json 0 trustees words request bento.answer lima.answer --words-file words $P
	must cmp words lost.words

	say "everything is there, and new words end what they had"
	run 0 init --yes --restore copy --words-file words $P
	run 0 trustees stop $P
	says "agents may have given their part before"
	run 0 words renew $P --words-file newest
	says "choose them again"
	two_mount new
	! as new hears "asks agents" || emr_fail "asked before: $(cat out/heard)"
	expect "the record" "$(cat new-folder/Imaging/MRI)" "a knee"
	two_home new
	run 0 trustees set bento lima --need 2 --yes $P
	as aurora run 0 org revoke lima --yes $P
	emr_until hears "Too few could give you your words back: of your trustees 1, and 2 must; of the agents 1, and 1 must."
	two_unmount new
	asks thief bento/state again
	as bento json 12 trustees help again -o nothing --yes $P
	expect "replaced" "$(field error)" wrong-words
	echo 9000000 >early
	EMR_CLOCK_FILE=$EMR_WORK/early json 6 trustees help again -o nothing --yes $P
	expect "a request of months ago" "$(field error)" old-request
	as bento json 6 trustees set lima --need 1 --yes $P
	expect "her key was revoked" "$(field error)" trustee-ended
	as bento run 0 trustees set ana --need 1 --yes $P
	two_home thief
	json 13 trustees ask bento/state -o which $P
	expect "of two people" "$(field error)" whose-trustees
fi
echo "all is well"
