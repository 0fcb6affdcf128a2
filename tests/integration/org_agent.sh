#!/bin/bash
# org_agent.sh: one command makes an organisation and its agent, where the administrator says so, and `check --network` names an
# organisation that has none.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin org_agent
agent_pids() { sed -n 's/^pid //p' "$EMR_WORK"/*/state/as/agent/lock 2>/dev/null; }
at_end() {
	local pid
	for pid in $(agent_pids); do kill "$pid" 2>/dev/null; done
	two_end
}
# of WHO: agents of a test need not resist who guesses passphrases
prepare() { two_home "$1" && mkdir -p -m 700 "$1/as/agent" && printf 'kdf = 8,1\n' >"$1/as/agent/settings"; }
runs() { json 0 agent --as agent --status && grep -q '"in_force": *true' out/said; }

say "a new directory has no agent: no host leads there yet"
prepare lucas
run 2 org create "São Lucas" --network "$NET" --yes --role clinician --passphrase-file "$EMR_PASS" --words-file lucas.words
run 2 org create "São Lucas" --network "$NET" --yes --role agent --passphrase-file "$EMR_PASS" --words-file lucas.words
says "an agent comes over a host"
[ ! -e lucas/state/keyfile ] && [ ! -e "$NET" ] || emr_fail "something was made"
two_network "São Lucas" lucas --role hospital
as lucas json 0 org rules --passphrase-file "$EMR_PASS"
expect "deposits a day in a hospital's network" "$(field limits.deposits_a_day)" 10000

say "rules --role hospital keeps what else is in force; at a terminal a hospital is asked"
printf '# ours\ncopies = 2\ndeposits-a-day = 7\n' >rules
as lucas run 0 org rules rules --yes --passphrase-file "$EMR_PASS"
as lucas run 2 org rules rules --role hospital --yes --passphrase-file "$EMR_PASS"
as lucas run 0 org rules --role hospital --yes --passphrase-file "$EMR_PASS"
as lucas json 0 org rules --passphrase-file "$EMR_PASS"
expect "the rules" "$(field text)" $'# ours\ncopies = 2\ndeposits-a-day = 10000'
prepare norte
for answer in no yes; do
	two_home norte && rm -rf norte/state norte/*.words
	TERMINAL=$SUPPORT EMR_PASS=$EMR_PASS python3 - $answer "$EMR_WORK/net-$answer" <<'END' || emr_fail "at a terminal"
import os, re, sys
sys.path.insert(0, os.environ["TERMINAL"])
import terminal
shown, code, asked = terminal.talk(re.compile(rb"Propose 10,000"), sys.argv[1], "org", "create", "Norte", "--network", sys.argv[2], "--role", "hospital",
    "--passphrase-file", os.environ["EMR_PASS"], "--words-file", sys.argv[1] + ".words")
assert code == 0 and asked and ("Proposed: 10,000" in shown) == (sys.argv[1] == "yes"), shown
END
	json 0 org rules --passphrase-file "$EMR_PASS"
	expect "deposits a day, where $answer was said" "$(field limits.deposits_a_day)" $([ $answer = yes ] && echo 10000 || echo 200)
done

say "one line makes organisation and agent; at a terminal it is asked"
prepare aurora
TERMINAL=$SUPPORT EMR_PASS=$EMR_PASS python3 - "$TWO_ADDRESS" <<'END' &
import os, re, sys
sys.path.insert(0, os.environ["TERMINAL"])
import terminal
shown, code, asked = terminal.talk(re.compile(rb"Run one on this computer now"), "yes", "org", "create", "Clínica Aurora", "--network", sys.argv[1],
    "--passphrase-file", os.environ["EMR_PASS"], "--words-file", "aurora.words")
assert code == 0 and asked and "The agent runs." in shown, shown
END
waiting=$!
shows() { as lucas run 0 org show --passphrase-file "$EMR_PASS" && grep -q "Clínica Aurora asks" out/said; }
emr_until shows
as lucas run 0 org admit "Clínica Aurora" --yes --passphrase-file "$EMR_PASS"
wait "$waiting" || emr_fail "at a terminal"
emr_until runs
run 0 org show --passphrase-file "$EMR_PASS"
says "  keys "

say "an organisation without one is named"
run 0 check --network
says "São Lucas has no agent"
says_not "Clínica Aurora has no agent"
orgs_agent keys lucas
run 0 org show --passphrase-file "$EMR_PASS" # whose copy check reads
run 0 check --network
says "each organisation has one"
run 0 org revoke keys --yes --passphrase-file "$EMR_PASS"
run 0 check --network
says "Clínica Aurora has no agent"

say "what fails leaves the organisation, and says what to type"
prepare other && echo "what is this" >other/as/agent/settings
orgs_apply other "Outro" --role agent
waiting=$! && emr_until orgs_waits
for admin in lucas aurora; do as $admin run 0 org admit "Outro" --yes --passphrase-file "$EMR_PASS"; done
wait "$waiting"; expect "exit code" $? 3
grep -q "The organisation stands, and its agent does not run." "$ORGS_APPLIED" || emr_fail "$(cat "$ORGS_APPLIED")"
[ ! -e other/state/agent.invitation ] || emr_fail "the invitation is left"
run 0 org show --passphrase-file "$EMR_PASS"
says_not "  keys "
echo "all is well"
