#!/bin/bash
# host_gap.sh: an older copy of a network's directory is put back, and the patient who saved, shared and revoked after it was made is away when
# the host goes on. Nobody is accused, and nobody reads by her grant meanwhile. She comes later, is told, and her computer signs again what is
# gone: each save is on the ledger once, the revocations hold, also of a share that is as new, and a writer writes.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin host-gap
agent=
at_end() {
	[ -z "$agent" ] || kill -KILL "$agent" 2>/dev/null
	two_end
}
P="--passphrase-file $EMR_PASS"
two_network "Praxis Ana"
orgs_agent keys hospital
agent_start keys && agent=$(two_pid keys)
two_ana_and_lima
two_mount ana lima
must mkdir ana-folder/Imaging ana-folder/Notes
for name in a b c; do echo "knee $name" >ana-folder/Imaging/$name.txt; done
as ana run 0 share Imaging with lima --away own --yes --wait
two_unmount ana
reads() { cat lima-folder/shared-with-me/*/Imaging/"$1" >out/read 2>&1; }
emr_until reads a.txt # by the agent
two_unmount lima

say "a copy of that night, and what came after it: the agent sees a part of it, and then nothing any more"
entries() { as ana json 0 status && field ledger.size; }
two_host_kill
cp -rp "$NET" copy
two_host
two_mount ana
echo after >ana-folder/Notes/after.txt
mkdir ana-folder/Plan ana-folder/Brief && echo one >ana-folder/Plan/plan.txt && echo one >ana-folder/Brief/brief.txt || exit 2
as ana run 0 share Plan with lima --write --away own --yes --wait
as ana run 0 share Brief with lima --away own --yes --wait
now=$(entries)
emr_until agent_says keys "\"ledger_entries\":$now,"
kill -STOP "$agent"
for what in Imaging Brief; do as ana run 0 revoke $what from lima --yes --wait; done
before=$(as ana registered Notes/after.txt)
[ -n "$before" ] || emr_fail "it is not on the ledger"
two_unmount ana

say "the disk is lost, the copy is put back, and the administrator opens: the host goes on, without ana"
two_host_kill
rm -r "$NET" && mv copy "$NET"
two_host
two_mount hospital
goes_on() { as hospital "$EMRFS" status --json >out/hospital 2>&1 </dev/null && grep -q '"restarts":\[{' out/hospital; }
emr_until goes_on
as hospital run 0 status
says "the host of your network went on with"
says_not "two histories"

said_done() { [ -n "$(ls "$NET"/host/said-* 2>/dev/null)" ]; }
emr_until said_done # of a folder that is open and has lost nothing

say "until ana's computer has come, the agent gives nothing by her grants"
kill -CONT "$agent"
await_gone "$agent" # its copy has more than the host: the next start makes that good
agent_start keys && agent=$(two_pid keys)
grep -q "after a restart of the ledger's host: ok" keys/state/log || emr_fail "the agent did not go on"
emr_until agent_says keys '"error":null'
two_mount lima
there() { ls lima-folder/shared-with-me/*/"$1" >out/there 2>&1; }
emr_until there Imaging # the ledger does not know of the revocation
! reads b.txt || emr_fail "the agent released before the owner had been heard: $(cat out/read)"
as lima run 0 status
says_not "two histories"

say "she comes, is told, and what is hers is signed again"
two_mount ana
[ "$(cat ana-folder/Notes/after.txt)" = after ] || emr_fail "her save is gone"
told() { grep -q host-restart ana-folder/.emrfs/notices; }
emr_until told
as ana run 0 status --wait
as ana json 0 status
[ "$(field read_only)" = False ] || [ "$(field read_only)" = false ] || emr_fail "read only: $(cat out/said)"
[ "$(field restarts.0.lost)" = "[]" ] || emr_fail "lost: $(cat out/said)"
as ana run 0 verify --chain
says "the host of your network went on with"
as ana run 0 ledger Notes/after.txt --json
expect "saves of it on the ledger" "$(grep -o '"op":"PUT"[^}]*"result":"applied"' out/said | wc -l)" 1
echo later >ana-folder/Notes/later.txt
as ana run 0 status --wait

say "the revocation holds, for the agent, too"
gone() { ! there Imaging; }
emr_until gone
two_unmount lima
two_mount lima
! reads c.txt && ! there Brief || emr_fail "read after the revocation"
emr_until there Plan/plan.txt
echo two >"$(echo lima-folder/shared-with-me/*/Plan)/two.txt" || emr_fail "the writer's right is gone"
emr_until test -e ana-folder/Plan/two.txt
two_unmount ana lima hospital
agent_stop keys && agent=
echo "all is well"
