#!/bin/bash
# orgs.sh: several organisations in one network: coming in with approvals, staff, rules, teams, revoking, leaving.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin orgs
has() { grep -qF -- "$1" out/said || emr_fail "not in the answer: $1: $(cat out/said)"; }
PF="--passphrase-file $EMR_PASS"

say "nobody comes in without the members"
two_network "São Lucas"
two_home aurora
run 6 org create "Clínica Aurora" --network "$NET" --yes $PF --words-file aurora.words
says "Only its owner opens the network in $NET; everybody else comes over its host."
run 2 org create "Clínica  Aurora" --network "$TWO_ADDRESS" --within 1s --yes $PF --words-file aurora.words	# nobody could say yes to two blanks
run 7 org create "Clínica Breve" --network "$TWO_ADDRESS" --within 1s --yes $PF --words-file aurora.words
[ ! -e aurora/state/keyfile ] || emr_fail "half an organisation"
rm -rf aurora/state aurora.words
two_home hospital
over() { run 0 org show --json $PF; ! grep -q "Clínica Breve" out/said; } && emr_until over

say "the first needs one approval, and both see one number"
as aurora orgs_apply aurora "Clínica Aurora"
waiting=$!
emr_until orgs_waits
run 0 org show --json $PF
has '"awaiting_you":[{"what":"admit","who":"Clínica Aurora"'
run 13 org admit "Clinica aurora" $PF
run 5 org admit "clinica aurora" --yes $PF	# nobody looks whether that is the one
says "Clínica Aurora"
run 0 org admit "Clínica Aurora" --yes --json $PF
has '"have":1,"need":1,"done":true'
number=$(grep -o '"number":"[0-9 ]*"' out/said)
wait $waiting || emr_fail "$(cat out/applied-aurora)"
grep -qF "${number:10:47}" out/applied-aurora || emr_fail "another number: $number, $(cat out/applied-aurora)"
run 0 org show --json $PF
has '{"name":"Clínica Aurora","member":true}'

say "the next ones need a majority"
as trust orgs_apply trust "Patients' Trust"
waiting=$!
emr_until orgs_waits
run 0 org admit "Patients' Trust" --yes --json $PF
has '"have":1,"need":2,"done":false'
run 0 org admit "Patients' Trust" --json $PF	# ours is given: nothing to ask
has '"have":1,"need":2'
two_home aurora
run 0 org show $PF
says "Patients' Trust asks to be admitted: 1 of 2 approvals"
[ ! -e trust/state/keyfile ] || emr_fail "in with one approval of two"
run 0 org admit "Patients' Trust" --yes $PF
says "is a member now"
wait $waiting || emr_fail "$(cat out/applied-trust)"

say "an organisation that came later has staff of its own"
two_join lima "Paula Lima" clinician aurora
two_join nuno "Nuno Reis" clinician aurora
two_home aurora
run 0 org show --json $PF
has '"handle":"lima","says":"Paula Lima","role":"clinician"'
two_mount lima
echo "a note" >lima-folder/note.txt
two_home lima
run 0 status --wait
json 0 verify
expect "bad" "$(field bad)" "[]"
two_unmount lima
run 6 org show $PF
says "This keyring runs no organisation"

say "points are made when enough organisations have said the same, and once"
two_home hospital
run 13 org mint lima@clinicaaurora 100 $PF
run 2 org mint lima@clinicaaurora 0 --yes $PF
run 2 org mint lima@clinicaaurora 100.5 --yes $PF
run 0 org mint lima@clinicaaurora 100 --yes --json $PF
has '"points":100,"have":1,"need":2,"done":false'
run 0 org mint lima@clinicaaurora 100 --yes --json $PF	# said already
has '"have":1,"need":2,"done":false'
two_home lima
run 0 wallet $PF
says "Points: 0.  Credit: 0."
two_home aurora
run 0 org show $PF
says "Points are proposed for somebody: 1 of 2 approvals."
run 0 org mint lima@clinicaaurora 100 --yes $PF
says "lima, Clínica Aurora (gives the name Paula Lima) has 100 points more."

# Proposed with a day so far off that the ledger takes no approval: nobody is held up by it.
two_home hospital
EMR_CLOCK_SECONDS=26000000 LD_PRELOAD=$TOOLS/libclock_shim.so run 0 org mint nuno@clinicaaurora 7 --yes $PF
two_home aurora
run 0 org mint nuno@clinicaaurora 7 --yes --json $PF
has '"have":1,"need":2,"done":false'
two_home hospital
run 0 org mint nuno@clinicaaurora 7 --yes $PF
says "nuno, Clínica Aurora (gives the name Nuno Reis) has 7 points more."
two_home lima
json 0 wallet $PF
expect "made" "$(field points) $(field entries.0.why) $(field entries.0.amount)" "100 made 100"

say "points go to somebody else, and not twice"
run 13 wallet send nuno@clinicaaurora 30 $PF
run 2 wallet send nuno@clinicaaurora -30 --yes $PF
run 5 wallet send nobody@clinicaaurora 30 --yes $PF
run 6 wallet send nuno@clinicaaurora 101 --yes $PF
says "That takes 101 points, and you have 100. Nothing was sent."
run 0 wallet send nuno@clinicaaurora 30 --yes $PF
says "Points left: 70."
run 0 wallet send nuno@clinicaaurora 70 --yes $PF
run 6 wallet send nuno@clinicaaurora 1 --yes $PF
json 0 wallet --explain $PF
expect "spent" "$(field points) $(field entries.1.amount) $(field entries.2.amount) $(field entries.2.why)" "0 -30 -70 sent"
expect "thresholds" "$(field thresholds.0.credit) $(field thresholds.0.reached)" "10 False"
two_home nuno
json 0 wallet $PF
expect "received" "$(field points) $(field entries.1.amount) $(field entries.1.who)" "107 30 lima, Clínica Aurora (gives the name Paula Lima)"
json 0 wallet --explain $PF
cp out/said nuno.wallet
must python3 "$SUPPORT/points_agree.py" "$SUPPORT/../../examples/verify-audit/points.py" "$NET/ledger/ledger.sqlite" nuno.wallet

# A handle is one person's, and two organisations may have the same one.
two_home aurora
two_invite lima clinician
waiting=$!
emr_until test -s lima.invitation
two_home other
"$EMRFS" init --join "$EMR_WORK/lima.invitation" --yes $PF --words-file other.words >out/other 2>&1 </dev/null &
second=$!
wait $waiting && emr_fail "invited a second lima"
grep -q '"error":"handle-taken"' out/invited-lima || emr_fail "$(cat out/invited-lima)"
kill $second	# nobody answers any more, however long it waits
wait $second && emr_fail "a second lima"
two_join lima2 "Rita Lima" clinician trust

say "rules are what the members agree on"
two_home hospital
run 0 org rules --json $PF
has '"text":"","read":true,"limits":{"slots_a_day":20000,"deposit_bytes":4294967296,"deposits_a_day":200},"quorum":0,"need":2,"proposals":[]'
printf '# agreed in November\nslots-a-day = 500\nquota-bytes = 10\n' >rules
run 2 org rules rules --yes $PF	# members must not rely on what no program keeps
says "rules, line 3: no program enforces a rule of that name."
printf '# agreed in November\nslots-a-day = 500\n' >rules
printf 'slots-a-day = 500\nslots-a-day = 600\n' >twice
run 2 org rules twice --yes $PF
says "twice, line 2"
printf 'slots-a-day = 5\033[2J\n' >drives
run 2 org rules drives --yes $PF
run 2 org rules no-such-file --yes $PF
run 2 org rules rules --quorum 4 --yes $PF
says "from 1 to 3"
run 2 org rules rules --quorum 0 --yes $PF
run 2 org rules one two $PF
run 13 org rules rules $PF
run 0 org rules rules --quorum 3 --yes --json $PF
has '"have":1,"need":2,"done":false'
id=$(field id | tr -d '"')
run 0 org rules rules --quorum 3 --yes --json $PF	# the same once more is neither proposed nor counted again
expect "id" "$(field id | tr -d '"')" "$id"
has '"have":1,"need":2,"done":false'
two_home aurora
run 0 org show $PF
says "Proposed as $id: 1 of 2 approvals.  Yours is missing: emrfs org rules approve $id"
says "slots-a-day = 500"
run 5 org rules approve p-aaaaaaaa --yes $PF
run 13 org rules approve $id $PF
says "slots-a-day = 500"
run 0 org rules approve $id --yes --json $PF
has '"have":2,"need":2,"done":true'
run 0 org show --json $PF
has '"limits":{"slots_a_day":500,'
has '"quorum":3,"need":3,"proposals":[]'
run 0 org rules --quorum majority --yes --json $PF	# the text stays
has '"have":1,"need":3,"done":false'
id=$(field id | tr -d '"')
two_home hospital
run 0 org rules approve $id --yes $PF
says "2 of 3 members have approved"
two_home trust
run 0 org rules approve $id --yes $PF
says "in force now"
run 0 org rules $PF
says "Approvals needed for a change: those of most members"
says "# agreed in November"
says "Keys of one share on one day: 500."

say "teams"
two_home aurora
run 5 org team Cardiology $PF
run 0 org team Cardiology add lima $PF
run 0 org team Cardiology add nuno --json $PF
has '"handle":"lima"'
has '"handle":"nuno"'
code=$(python3 -c 'import json; print(next(m["code"] for m in json.load(open("out/said"))["members"] if m["handle"] == "lima"))')
run 5 org team Cardiology add nobody $PF
run 0 org team Cardiology remove "$code" --json $PF
! grep -q '"handle":"lima"' out/said || emr_fail "still in the team"
run 0 org team Cardiology add lima $PF
run 0 org show --json $PF
has '{"name":"Cardiology","members":[{'
two_home trust
run 5 org team Cardiology $PF

say "revoking"
two_home aurora
run 5 org revoke nobody --yes $PF
run 13 org revoke nuno $PF
run 0 org revoke nuno --yes $PF
run 0 org show --json $PF
grep -o '{"handle":"nuno"[^}]*}' out/said | grep -q '"in_force":false' || emr_fail "still in force: $(cat out/said)"
run 6 org revoke nuno --yes $PF

say "whoever was revoked still has his certificate, and no program of his own registers another key with it"
again() { # WHO: what the ledger says to another key with WHO's certificate
	(two_home "$1" && EMRFS_HOME=$EMRFS_HOME "$AGAIN" "$EMR_PASS" "$NET/ledger")
}
[ "$(again nuno)" = "key dead" ] || emr_fail "he is in again: $(again nuno)"
run 0 org show --json $PF
[ "$(grep -o '"handle":"nuno"' out/said | wc -l)" = 1 ] || emr_fail "a second key: $(cat out/said)"
two_join olga "Olga Pais" clinician aurora
[ "$(again olga)" = applied ] || emr_fail "the attack is none" # hers is in force
two_home aurora
run 0 org show --json $PF
[ "$(grep -o '"handle":"olga"[^}]*"in_force":true' out/said | wc -l)" = 2 ] || emr_fail "$(cat out/said)"
code=$(grep -o '"handle":"olga"[^}]*' out/said | head -1 | sed 's/.*"code":"\([^"]*\)".*/\1/')
run 5 org revoke "${code::25}" --yes $PF # so few letters another key can be made to have
run 0 org revoke "$code" --yes $PF
says "1 key more, which had the same certificate, ended with it."
run 0 org show --json $PF
! grep -q '"handle":"olga"[^}]*"in_force":true' out/said || emr_fail "a key of hers is left: $(cat out/said)"
[ "$(again olga)" = "key dead" ] || emr_fail "she is in again"
must python3 "$SUPPORT/../../examples/verify-audit/points.py" "$NET/ledger/ledger.sqlite"	# which knows what revoking is

two_home trust
run 5 org revoke lima --yes $PF	# another's
two_mount nuno
echo "more" >nuno-folder/more.txt
two_home nuno
run 4 status --wait=1s
pid=$(two_pid nuno)
run 4 unmount
await_gone "$pid"

say "the way back is another certificate"
mv nuno nuno-before && mv nuno-folder nuno-before-folder && rm nuno.invitation nuno.words
two_join nuno "Nuno Reis" clinician aurora
two_home aurora
run 0 org show --json $PF
grep -q '"handle":"nuno"[^}]*"in_force":true' out/said || emr_fail "a new certificate opens nothing: $(cat out/said)"

say "an agent is revoked, too"
orgs_agent keys trust
two_home trust
run 0 org revoke keys --yes $PF
two_home keys
run 6 agent $PF
says "The ledger does not know this key as an agent's in force"

say "leaving"
two_home trust
run 13 org leave $PF
run 0 org leave --yes --json $PF
has '"have":1,"need":2,"done":false'
two_home hospital
run 5 org leave "Clínica Aurora" --yes $PF
run 0 org leave "Patients' Trust" --yes --json $PF
has '"done":true'
run 0 org show --json $PF
has '{"name":"Patients'"'"' Trust","member":false}'
two_home trust
run 6 org show $PF
echo "all is well"
