#!/bin/bash
# fabric_anywhere.sh: a doctor with another account, who can enter nothing of the hospital's, comes into its network on Fabric with nothing
# but a mailed invitation; shares go both ways by an IPFS node. The invitation opens once, and not after its end. The network is the program
# PEER, with the contract as its chaincode, or, with FABRIC, real peers and orderers.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
. "$SUPPORT/far.sh"
far_fuse "$0"
two_begin fabric_anywhere
[ "$(stat -c %a "$EMR_WORK")" = 700 ] || emr_fail "others can enter the hospital's directory"

far_account games
THERE=${FAR[games]} # the home of another account

at_end() {
	local who
	for who in $TWO_MEMBERS; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	far_end
	[ -z "${node:-}" ] || kill "$node" 2>/dev/null
	channel_stop
}
channel_begin
# One IPFS node that both can reach, as two would be that know each other.
far games mkdir -m 755 "$THERE/node"
install -m 644 -o games "$SUPPORT/fake_node.py" "$SUPPORT/car_varint.py" "$THERE"
$(far_words games) python3 "$THERE/fake_node.py" "$THERE/node" >out/node 2>&1 &
node=$!
emr_until test -f "$THERE/node/ready"

# Waits in the background for whoever uses it; what it says is in out/invited-WHO.
invite() { # WHO ROLE WITHIN
	env --default-signal=INT "$EMRFS" invite "$1" --role "$2" -o "$EMR_WORK/$1.invitation" --within "$3" --passphrase-file "$EMR_PASS" --json \
		>"$EMR_WORK/out/invited-$1" 2>&1 </dev/null &
	inviting=$!
	emr_until test -s "$EMR_WORK/$1.invitation"
}
mail() { far_take games "$EMR_WORK/$1.invitation" "$1.invitation"; }
join() { # WHO NAME EXIT OPTION...
	local who=$1 name=$2 exit=$3
	shift 3
	far_as games "$who" run "$exit" init --join "$THERE/$who.invitation" --yes --name "$name" --born 1970-01-01 \
		--passphrase-file "$THERE/passphrase" --words-file "$THERE/$who.words" "$@"
}

say "a hospital founds a network in a channel; a patient of its own account joins"
channel_network "São Lucas"
two_join ana "Silva, Ana" patient
echo "node = unix:$THERE/node/good.sock" >>ana/settings
two_mount ana

say "a doctor with another account comes with nothing but the mailed invitation"
far_home games lima
as hospital invite lima clinician 10min
mail lima
cp lima.invitation kept.invitation
join lima "Paula Lima" 0
wait "$inviting" || emr_fail "invite lima: $(cat out/invited-lima)"
[ -s "$THERE/lima/state/network/network" ] || emr_fail "her state does not keep where the network is"
[ ! -e lima.invitation ] || emr_fail "the used invitation is still there"
grep -q "$EMR_WORK" "$THERE/lima/state/network/network" && emr_fail "her settings lead to the hospital's files"
far games sh -c "echo 'node = unix:$THERE/node/good.sock' >>'$THERE/lima/settings'"
far_as games lima run 0 mount --passphrase-file "$THERE/passphrase" "$THERE/lima-folder"
far_as games lima json 0 status
expect "the kind of her ledger" "$(field ledger.kind)" fabric

say "they share, both ways"
as ana run 0 people card -o "$EMR_WORK/ana.card"
far_take games ana.card ana.card
far_as games lima run 0 people add "$THERE/ana.card" --name ana
far_as games lima run 0 people card -o "$THERE/lima.card"
as ana run 0 people add "$THERE/lima.card" --name lima
mkdir ana-folder/Imaging && echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
far games mkdir "$THERE/lima-folder/Reports" && far games sh -c "echo 'it will heal' >'$THERE/lima-folder/Reports/knee.txt'"
far_as games lima run 0 status --wait
far_as games lima run 0 share Reports with ana --yes --wait
hers() { [ "$(far games sh -c "cat '$THERE'/lima-folder/shared-with-me/*/Imaging/MRI.txt")" = "a knee" ]; }
emr_until hers
his() { [ "$(cat ana-folder/shared-with-me/*/Reports/knee.txt)" = "it will heal" ]; }
emr_until his
far_as games lima run 0 unmount
far_as games lima run 0 mount --passphrase-file "$THERE/passphrase" "$THERE/lima-folder"
emr_until hers

say "somebody with another account brings her folder along, and comes for a new certificate later"
far_home games rita
far_as games rita run 0 init --yes --name "Rita Sá" --born 1970-01-01 --passphrase-file "$THERE/passphrase" --words-file "$THERE/rita.words"
far_as games rita run 0 mount --passphrase-file "$THERE/passphrase" "$THERE/rita-folder"
far games sh -c "echo 'an ankle' >'$THERE/rita-folder/ankle.txt'"
far_as games rita run 0 unmount
far games ln -s "$THERE/rita" "$THERE/rita-by-link"
for home in rita rita-by-link; do
	settings=$(stat -c %i "$THERE/rita/state/network/network" 2>/dev/null)
	as hospital invite rita patient 10min
	mail rita
	far_as games $home json 0 join "$THERE/rita.invitation" --yes --passphrase-file "$THERE/passphrase"
	wait "$inviting" || emr_fail "invite rita: $(cat out/invited-rita)"
	expect "that she is registered" "$(field registered)" True
done
expect "her certificate" "$(field renewed)" True
expect "the settings of a network that she is in" "$(stat -c %i "$THERE/rita/state/network/network")" "$settings"
far_as games rita run 0 mount --passphrase-file "$THERE/passphrase" "$THERE/rita-folder"
expect "what she has brought" "$(far games cat "$THERE/rita-folder/ankle.txt")" "an ankle"
far_as games rita json 0 status
expect "the kind of her ledger" "$(field ledger.kind)" fabric
far_as games rita run 0 unmount

say "the invitation opens once"
far_home games eva
far_take games kept.invitation eva.invitation
join eva "Eva Reis" 8
says "it was used already, or withdrawn"
[ -z "$(ls "$THERE/eva/state" | grep -v lock)" ] || emr_fail "something was made: $(ls "$THERE/eva/state")"

say "withdrawn, it opens for nobody"
as hospital invite eva clinician 10min
far_take games eva.invitation eva.invitation
kill -INT "$inviting"
wait "$inviting"
join eva "Eva Reis" 8
says "it was used already, or withdrawn"

say "who invites goes away; the invited comes meanwhile, and is answered when the same line goes on"
as hospital invite eva clinician 1h
far_take games eva.invitation eva.invitation
kill -TERM "$inviting"
wait "$inviting"
grep -q "stays valid until its end" out/invited-eva || emr_fail "$(cat out/invited-eva)"
cp eva.invitation carla.invitation
as hospital invite carla clinician 1h
refused() { ! kill -0 "$inviting" 2>/dev/null; }
emr_until refused # somebody else's name is not given to whoever has it
wait "$inviting" && emr_fail "an invitation of eva is carla's: $(cat out/invited-carla)"
[ -s carla.invitation ] || emr_fail "a file of somebody's is gone"
join eva "Eva Reis" 7 --within 1s
says "does not answer this invitation"
join eva "Eva Reis" 0 &
joining=$!
as hospital invite eva clinician 1h
wait "$joining" || emr_fail "she is not in: $(cat out/said out/complained)"
wait "$inviting" || emr_fail "invite eva: $(cat out/invited-eva)"

say "after its end it opens for nobody"
far_home games late
as hospital invite late clinician 2s
mail late
wait "$inviting"
ended=$(($(date +%s) + 2))
over() { [ "$(date +%s)" -gt "$ended" ]; }
emr_until over
join late "Too Late" 8
says "it ended; ask for a new one"
