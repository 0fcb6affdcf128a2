#!/bin/bash
# away.sh: a hospital and a clinic, of which only the hospital has an agent. A patient of the hospital shares with a doctor of the clinic
# and is away. The records open if the patient allowed the hospital to release, and stop when the patient did not or takes it back. A
# dishonest agent and the doctor do what they can against that (dishonest.c).
# away.sh fabric: the same on a channel of Fabric, by a host of each organisation and live IPFS nodes.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
kind=${1:-directory}
[ "$kind" = directory ] || . "$SUPPORT/channel.sh"
two_begin "away_$kind"
PF="--passphrase-file $EMR_PASS"
if [ "$kind" = fabric ]; then
	CHANNEL_WITH=--ipfs
	channel_begin
fi
node() { [ "$kind" = directory ] || echo "unix:$EMR_WORK/channel/ipfs/$1/api.sock"; }

say "people of two organisations, and one agent"
two_network "São Lucas"
if [ "$kind" = fabric ]; then
	channel_org aurora "Clínica Aurora" 2 hospital
else
	orgs_join aurora "Clínica Aurora" hospital
fi
EMR_NODE=$(node 1) two_join ana "Ana Silva" patient
EMR_NODE=$(node 2) two_join lima "Paula Lima" clinician aurora
orgs_agent keys hospital
agent_start keys
emr_until agent_says keys '"key_made_at":"2'
two_cards ana lima
two_mount ana
mkdir ana-folder/Imaging
saves() {
	echo "$2" >"ana-folder/Imaging/$1"
	as ana run 0 status --wait
}
shows() { [ "$(cat lima-folder/shared-with-me/*/Imaging/"$1" 2>/dev/null)" = "$2" ]; }
knows() { [ -e "$(echo lima-folder/shared-with-me/*/Imaging)/$1" ]; }
# One's program is another: dishonest HOW COMMAND...
dishonest() { EMRFS=$DISHONEST EMR_DISHONEST=$1 "${@:2}"; }
# Lima begins to open NAME, and the ledger has her question; the text goes to out/opened.
asks() {
	as lima ledger_size >out/size
	cat lima-folder/shared-with-me/*/Imaging/"$1" >out/opened 2>out/refused &
	ASKING=$!
	emr_until has_grown
}
ledger_size() { run 0 status --json && python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["ledger"]["size"])' "$EMR_WORK/out/said"; }
has_grown() { [ "$(as lima ledger_size)" -gt "$(cat out/size)" ]; }
# The agent WHO has answered, and the ledger has not taken it.
answers_in_vain() { grep -q 'agent: request .*: 0 of [0-9]* given, code [1-9]\|dishonest: .* refused' "$1/state/log"; }
# The list has one share, which says what SENTENCE, a condition in Python over `share`, says.
listed() {
	as ana run 0 share --json
	python3 -c 'import json, sys
shares = json.load(open(sys.argv[1]))["grants"]
share = shares[0] if len(shares) == 1 else {"away": "", "released_by": [], "state": ""}
sys.exit(not (share["state"] == "confirmed" and eval(sys.argv[2])))' out/said "$1"
}
saves MRI "a finding of the knee"

say "the question says what would work, whom that trusts, and trusts nobody without a yes to it"
as ana run 13 share Imaging with lima
says "You have not said yet whether"
as ana run 13 share Imaging with lima --yes
as ana run 13 share Imaging with lima --away others
says "No organisation here releases its keys: "
says "To trust 'São Lucas', your own organisation, with that: emrfs share --away own"
as ana run 2 share Imaging with lima --away everybody
as ana run 0 share Imaging with lima --away others --yes --wait
listed 'share["away"] == "nobody" and share["released_by"] == []' || emr_fail "$(cat out/said)"
two_unmount ana
two_mount lima
shows MRI "a finding of the knee" && emr_fail "it opened through nobody"

say "with her word it opens while she is away, whatever is shared already"
two_mount ana
as ana run 0 share --away own
says "That protects you from readers, not from your organisation"
says "1 share changes to that"
expect "the setting" "$(grep -c '^away = own$' ana/settings)" 1
emr_until listed 'share["away"] == "own" and share["released_by"] == ["São Lucas"] and share["needed"] == 1'
as ana run 0 share Imaging with lima --yes # it is so already
says "It is shared so already"
as ana run 0 share Imaging with lima --until 60d --yes --wait
says "São Lucas, your own organisation, alone can release this share's keys: that protects you from lima, Clínica Aurora"
emr_until agent_says keys '"grants_held":1'
two_unmount ana
emr_until shows MRI "a finding of the knee"

say "what was read opens again when its reader comes back, with nobody there, and lies nowhere in clear"
agent_stop keys
two_unmount lima
two_mount lima
shows MRI "a finding of the knee" || emr_fail "what was read does not open again: $(cat lima.log)"
nothing_in_clear "a finding of the knee" -- lima/state keys/state
agent_start keys

say "she takes new words: what she shared under the former key is released, and what came since"
two_mount ana
saves Before "a finding of before"
emr_until knows Before
two_unmount ana
as ana run 0 words renew $PF --words-file ana.new
two_mount ana
saves Since "a finding of since"
emr_until knows Since
two_unmount ana
emr_until shows Since "a finding of since"
emr_until shows Before "a finding of before"

say "the log says who released, and that she allowed it"
two_mount ana
released() {
	as ana run 0 log Imaging --json
	python3 - out/said >/dev/null <<'END'
import json, sys
entries = json.load(open(sys.argv[1]))["entries"]
assert any(e.get("away") == "own" for e in entries), "no share of that rule in the log"
print([e["tx"] for e in entries if e["action"] == "released" and e["released_by"] == ["São Lucas"]][0])
END
}
emr_until released
as ana run 0 log Imaging
says "keys also by your own organisation"

say "an agent that lies is found out and named, and her open folder serves"
agent_stop keys
dishonest lies agent_start keys
saves Xray "a finding of the hand"
emr_until knows Xray
two_unmount ana
shows Xray "a finding of the hand" && emr_fail "a lie opened it"
grep -q "the agent of São Lucas gave what cannot be its key" lima-folder/.emrfs/notices || emr_fail "$(cat lima-folder/.emrfs/notices)"
two_mount ana
emr_until shows Xray "a finding of the hand"
saves CT "a finding of the head"
emr_until knows CT
two_unmount ana lima
agent_stop keys
two_mount lima

say "a revoked agent that answers all the same releases nothing, and a host does not even speak to it; another takes its place"
asks CT
as hospital run 0 org revoke keys --yes $PF
two_home keys
dishonest "reckless keeps" run 1 agent $PF
wait "$ASKING" && emr_fail "a revoked agent released it"
two_mount ana
orgs_agent keys2 hospital
agent_start keys2
emr_until agent_says keys2 '"grants_held":1'
two_unmount ana
emr_until shows CT "a finding of the head"

say "nor does one that answers for what has ended, by a fragment that it keeps"
dishonest silent two_mount ana
saves PET "a finding of the heart"
emr_until knows PET
agent_stop keys2
asks PET
as ana run 0 revoke Imaging from lima --yes --wait
dishonest "reckless keeps" agent_start keys2
emr_until answers_in_vain keys2
wait "$ASKING" && emr_fail "it opened by a grant that has ended"
agent_says keys2 '"fragments":0' && emr_fail "it has kept none"
agent_stop keys2
two_unmount ana
two_mount ana
agent_start keys2
as ana run 0 share Imaging with lima --until 60d --yes --wait
emr_until agent_says keys2 '"grants_held":1'

say "narrowed: the fragments go, and what comes then opens only while she is there"
saves Unread "a finding that nobody read"
emr_until knows Unread
cp -r keys2/state friend
as ana run 0 share --away nobody
emr_until listed 'share["away"] == "nobody" and share["released_by"] == []'
emr_until agent_says keys2 '"grants_held":0,"fragments":0'
as ana run 0 share Imaging with lima --until 50d --yes --wait
says "Nobody releases keys of this share, as you chose: lima, Clínica Aurora"
saves Later "a finding of later"
emr_until knows Later
two_unmount ana
# An agent that put by a copy has nothing that it could use.
agent_stop keys2
cp friend/agent/f-* keys2/state/agent/
agent_start keys2
shows Unread "a finding that nobody read" && emr_fail "a fragment that was put by released it"
emr_until agent_says keys2 '"fragments":0'

say "who has both a copy of the agent's and the reader's key opens what was there, as SECURITY.md says, and nothing that came then"
two_unmount lima
EMR_FRIEND=$EMR_WORK/friend EMR_PASS=$EMR_PASS dishonest colludes two_mount lima
emr_until shows Unread "a finding that nobody read"
shows Later "a finding of later" && emr_fail "what came after it opened"
two_mount ana
emr_until shows Later "a finding of later"
two_unmount ana lima
agent_stop keys2
echo "all is well"
