#!/bin/bash
# fabric_agents.sh: the service of an organisation on a channel of Fabric: it joins, starts, signs the ledger's head, and does not
# start while the channel is away.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_agents
channel_begin

say "a hospital on a channel and its agent"
channel_network "São Lucas"
orgs_agent keys hospital
agent_start keys
emr_until agent_says keys '"in_force":true'
emr_until agent_says keys '"witnessed_at":"2'

say "while the channel is away it does not start, and then it does"
agent_stop keys
channel_stop
as keys run 7 agent --passphrase-file "$EMR_PASS"
channel_start
if [ -n "${PEER_PID:-}" ]; then
	say "it says what its gateways have against it, and that is not called away"
	touch channel/fault/evaluate-says-clock
	as keys run 7 agent --passphrase-file "$EMR_PASS"
	says "the clock of this computer is more than a quarter of an hour off theirs"
	rm channel/fault/evaluate-says-clock
fi
agent_start keys
emr_until agent_says keys '"in_force":true'
two_join ana "Silva, Ana" patient
well() { agent_says keys '"error":null'; }
emr_until well
agent_stop keys
