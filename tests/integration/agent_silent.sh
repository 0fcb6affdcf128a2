#!/bin/bash
# agent_silent.sh: an agent that has not answered for an hour is named by `share`, `unmount`, `status` and `check --network`, on the owner's and on
# the reader's computer, and nothing is said to open any time by it. One that answers is not, however still the ledger is. `emrfs host` says when
# the agent of its account does not run.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin agent-silent
echo 0 >clock
export EMR_CLOCK_FILE=$EMR_WORK/clock LD_PRELOAD=$TOOLS/libclock_shim.so
agent=
at_end() {
	[ -z "$agent" ] || kill -KILL "$agent" 2>/dev/null
	two_end
}
P="--passphrase-file $EMR_PASS"
two_network "Praxis Ana"
two_home hospital
two_invite agent agent
emr_until test -s agent.invitation
run 0 --as agent init --join agent.invitation --yes $P
wait $! || emr_fail "$(cat out/invited-agent)"
run 0 --as agent agent $P
agent_pid() { as hospital "$EMRFS" --as agent agent --status --json >out/agent && "$JSON_FIELD" out/agent pid; }
agent=$(agent_pid) || emr_fail "no agent"
run 0 host --status "$NET"
says_not "agent of this account does not run"
two_ana_and_lima
two_mount ana lima
must mkdir ana-folder/Imaging
echo knee >ana-folder/Imaging/a.txt
as ana run 0 share Imaging with lima --away own --yes --wait
there() { ls lima-folder/shared-with-me/*/Imaging >out/there 2>&1; }
emr_until there
says_any_time() { as lima run 0 share; grep -q "opens any time" out/said; }
emr_until says_any_time

# look_again SECONDS: the clock goes on, and the folders are opened then.
look_again() {
	two_unmount ana lima
	echo "$1" >clock
	two_mount ana lima
	emr_until there
}
names_it() { grep -q '"agents_silent":\[{"name":"Praxis Ana"' out/said; }
owner_is_told() { as ana run 0 share --json; names_it; }
reader_is_told() { as lima run 0 share --json; names_it; }

say "an agent that runs is not named, although nothing happens for hours"
signed_again() { as hospital "$EMRFS" --as agent agent --status --json >out/agent && [ "$("$JSON_FIELD" out/agent witnessed_at)" != "$1" ]; }
two_unmount ana lima
echo 10000 >clock
two_mount ana lima
echo "more" >ana-folder/Imaging/b.txt # the agent's waiting goes by the clock that nobody sets: what it signs again is a unit test's
as ana run 0 status --wait
emr_until signed_again 0
look_again 10000
as ana run 0 share --json
! names_it || emr_fail "it runs: $(cat out/said)"
as lima run 0 share
says "opens any time"

say "what it did not answer for is not said to open now, until somebody answers"
kill -TERM "$agent" && await_gone "$agent"
agent=
two_unmount ana
! cat lima-folder/shared-with-me/*/Imaging/b.txt 2>/dev/null || emr_fail "nobody gives its key"
as lima run 0 share
says "May not open for you now: the service that gives the keys did not answer when it was asked last."
two_mount ana
opens() { cat lima-folder/shared-with-me/*/Imaging/b.txt >/dev/null 2>&1; }
emr_until opens
as lima run 0 share
says "Opens for you now"

say "gone for two hours"
look_again 18000
emr_until owner_is_told
emr_until reader_is_told
as ana run 0 share
says "The agent of Praxis Ana has not answered since"
as lima run 0 share
says_not "opens any time"
says_not "Opens for you now"
says "opens only while that folder is open"
says "May not open for you now"
as ana run 0 status
says "The agent of Praxis Ana has not answered since"
as lima run 0 status
says "The agent of Praxis Ana has not answered since"
as ana run 0 share Imaging/a.txt with lima --away own --yes
says "The agent of Praxis Ana has not answered since"
for who in hospital lima; do
	as "$who" "$EMRFS" check --network >out/said 2>out/complained </dev/null
	says "The agent of Praxis Ana has not answered since"
done
as ana run 0 status --wait
as ana run 0 unmount
says "The agent of Praxis Ana has not answered since"
says "nothing new opens"
says "Imaging, for lima"
run 0 host --status "$NET"
says "The agent of this account does not run"
two_host_kill
two_host
grep -q '"agent_stopped":true' out/host || emr_fail "not said: $(cat out/host)"

say "it is back"
as hospital run 0 --as agent agent $P
agent=$(agent_pid)
two_mount ana
look_again 18010
emr_until says_any_time
as ana run 0 share --json
! names_it || emr_fail "it is back: $(cat out/said)"
two_unmount ana lima
echo "all is well"
