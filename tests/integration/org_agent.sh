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

say "one line makes organisation and agent"
prepare lucas
run 2 org create "São Lucas" --network "$NET" --yes --role clinician --passphrase-file "$EMR_PASS" --words-file lucas.words
run 0 org create "São Lucas" --network "$NET" --yes --role agent --passphrase-file "$EMR_PASS" --words-file lucas.words
says "The agent runs."
emr_until runs
[ ! -e lucas/state/agent.invitation ] && [ -z "$(ls "$NET/mail")" ] || emr_fail "an invitation is left"
run 0 org show --passphrase-file "$EMR_PASS"
says "  keys "
run 3 check --network	# there is no IPFS node
says "each organisation has one"

say "an organisation without one is named"
orgs_join aurora "Clínica Aurora" lucas
run 0 org show --passphrase-file "$EMR_PASS"
run 3 check --network
says "Clínica Aurora has no agent"
says_not "São Lucas has no agent"
run 0 org revoke keys --yes --passphrase-file "$EMR_PASS"
run 3 check --network
says "São Lucas has no agent"

say "at a terminal it is asked"
TERMINAL=$SUPPORT EMR_PASS=$EMR_PASS python3 - <<'END' || emr_fail "at a terminal"
import os, re, sys
sys.path.insert(0, os.environ["TERMINAL"])
import terminal
work = os.environ["EMR_WORK"]
for who, answer, runs in ("no", "no", False), ("yes", "yes", True):
    home = f"{work}/ask-{who}"
    os.makedirs(f"{home}/as/agent", 0o700)
    for place in home, f"{home}/as/agent":
        with open(f"{place}/settings", "w") as settings:
            settings.write("kdf = 8,1\nnotify = none\n")
    os.environ["EMRFS_HOME"] = home
    shown, code, asked = terminal.talk(re.compile(rb"Run one on this computer now"), answer, "org", "create", "Hospital", "--network",
        f"{work}/net-{who}", "--passphrase-file", os.environ["EMR_PASS"], "--words-file", f"{work}/{who}.words")
    assert code == 0 and asked and ("The agent runs." in shown) == runs, shown
END

say "what fails leaves the organisation, and says what to type"
two_home other
mkdir -p -m 700 other/as/agent && echo "what is this" >other/as/agent/settings
run 3 org create "Outro" --network "$EMR_WORK/net-other" --yes --role agent --passphrase-file "$EMR_PASS" --words-file other.words
says "The organisation stands, and its agent does not run."
[ ! -e other/state/agent.invitation ] || emr_fail "the invitation is left"
run 0 org show --passphrase-file "$EMR_PASS"
says_not "  keys "
echo "all is well"
