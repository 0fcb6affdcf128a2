#!/bin/bash
# fabric_anywhere.sh: a doctor with another account, who can enter nothing of the hospital's, comes into its network on Fabric with
# nothing but an invitation that was mailed to her; shares go both ways by an IPFS node. PEER plays the network, with the contract as
# its chaincode. The invitation opens once, and not after its end.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
. "$SUPPORT/two.sh"
FAR_USER=games
[ "$(id -u)" = 0 ] || emr_skip "only root can be two accounts"
if [ -z "${FAR_INSIDE:-}" ]; then # /dev/fuse is everybody's on Debian; where it is not, in a space of mounts of this test's own
	[ -c /dev/fuse ] || emr_skip "no /dev/fuse"
	FAR_FUSE=$(mktemp -d) && mknod -m 666 "$FAR_FUSE/fuse" c 10 229 || exit 2
	FAR_INSIDE=1 FAR_FUSE=$FAR_FUSE unshare -m sh -c 'mount --bind "$FAR_FUSE/fuse" /dev/fuse && exec bash "$0"' "$0"
	status=$?
	rm -rf "$FAR_FUSE"
	exit $status
fi
two_begin fabric_anywhere
[ "$(stat -c %a "$EMR_WORK")" = 700 ] || emr_fail "others can enter the hospital's directory"
# The other account's: its home, and everything that it can see of this test.
FAR=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-far-XXXXXX") && chown "$FAR_USER:" "$FAR" || exit 2
HERE_EMRFS=$EMRFS
FAR_AS=(setpriv --reuid="$FAR_USER" --regid="$(id -g "$FAR_USER")" --clear-groups env -C "$FAR" HOME="$FAR")
far() { "${FAR_AS[@]}" "$@"; }
far "$HERE_EMRFS" help >/dev/null 2>&1 || emr_skip "$FAR_USER may not run $EMRFS"
far ls "$EMR_WORK" 2>/dev/null && emr_fail "$FAR_USER can look into $EMR_WORK"
printf '#!/bin/bash\nexec %s %q "$@"\n' "${FAR_AS[*]}" "$HERE_EMRFS" >"$EMR_WORK/far-emrfs"
chmod 700 "$EMR_WORK/far-emrfs"
# Someone with the other account: a home there, and `run` speaks for him.
far_home() {
	far mkdir -m 700 "$FAR/$1" "$FAR/$1-folder"
	far sh -c "printf 'kdf = 8,1\nnotify = none\n' >'$FAR/$1/settings'"
}
far_as() {
	local EMRFS=$EMR_WORK/far-emrfs who=$1
	local -x EMRFS_HOME=$FAR/$who
	shift
	"$@"
}
far sh -c "umask 077; echo 'passphrase of the test' >'$FAR/passphrase'"

peer_start() {
	rm -f channel/settings
	coproc SERVE { exec "$PEER" network "$EMR_WORK/channel" "$NET/ca.pem" 2>>"$EMR_WORK/peer.log"; }
	PEER_PID=$SERVE_PID
	two_until 60 test -s channel/settings
}
peer_stop() {
	eval "exec ${SERVE[1]}>&-"
	await_gone "$PEER_PID"
}
at_end() {
	local who
	for who in $TWO_MEMBERS; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	for who in lima rita eva late; do emr_clear_away "$FAR/$who" "$FAR/$who-folder"; done
	[ -z "${node:-}" ] || kill "$node" 2>/dev/null
	[ -z "${PEER_PID:-}" ] || peer_stop
	[ -n "${EMR_KEEP:-}" ] || rm -rf "$FAR"
}
mkdir -m 700 channel net
peer_start
# One IPFS node that both can reach, as two would be that know each other.
far mkdir -m 755 "$FAR/node"
install -m 644 -o "$FAR_USER" "$SUPPORT/fake_node.py" "$SUPPORT/car_varint.py" "$FAR"
"${FAR_AS[@]}" python3 "$FAR/fake_node.py" "$FAR/node" >out/node 2>&1 &
node=$!
two_until 60 test -f "$FAR/node/ready"

# Waits in the background for whoever uses it; what it says is in out/invited-WHO.
invite() { # WHO ROLE WITHIN
	env --default-signal=INT "$EMRFS" org invite "$1" --role "$2" -o "$EMR_WORK/$1.invitation" --within "$3" --passphrase-file "$EMR_PASS" --json \
		>"$EMR_WORK/out/invited-$1" 2>&1 </dev/null &
	inviting=$!
	two_until 60 test -s "$EMR_WORK/$1.invitation"
}
mail() { install -m 600 -o "$FAR_USER" "$EMR_WORK/$1.invitation" "$FAR/$1.invitation"; }
join() { # WHO NAME EXIT OPTION...
	local who=$1 name=$2 exit=$3
	shift 3
	far_as "$who" run "$exit" init --join "$FAR/$who.invitation" --yes --name "$name" --born 1970-01-01 \
		--passphrase-file "$FAR/passphrase" --words-file "$FAR/$who.words" "$@"
}

say "a hospital founds a network in a channel; a patient of its own account joins"
cp channel/settings net/network
two_network "São Lucas"
two_join ana "Silva, Ana" patient
echo "node = unix:$FAR/node/good.sock" >>ana/settings
two_mount ana

say "a doctor with another account comes with nothing but the mailed invitation"
far_home lima
as hospital invite lima clinician 10min
mail lima
cp lima.invitation kept.invitation
join lima "Paula Lima" 0
wait "$inviting" || emr_fail "org invite lima: $(cat out/invited-lima)"
[ -s "$FAR/lima/state/network/network" ] || emr_fail "her state does not keep where the network is"
[ ! -e lima.invitation ] || emr_fail "the used invitation is still there"
grep -q "$EMR_WORK" "$FAR/lima/state/network/network" && emr_fail "her settings lead to the hospital's files"
far sh -c "echo 'node = unix:$FAR/node/good.sock' >>'$FAR/lima/settings'"
far_as lima run 0 mount --passphrase-file "$FAR/passphrase" "$FAR/lima-folder"
far_as lima json 0 status
expect "the kind of her ledger" "$(field ledger.kind)" fabric

say "they share, both ways"
as ana run 0 people card -o "$EMR_WORK/ana.card"
install -m 600 -o "$FAR_USER" ana.card "$FAR/ana.card"
far_as lima run 0 people add "$FAR/ana.card" --name ana
far_as lima run 0 people card -o "$FAR/lima.card"
as ana run 0 people add "$FAR/lima.card" --name lima
mkdir ana-folder/Imaging && echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
far mkdir "$FAR/lima-folder/Reports" && far sh -c "echo 'it will heal' >'$FAR/lima-folder/Reports/knee.txt'"
far_as lima run 0 status --wait
far_as lima run 0 share Reports with ana --yes --wait
hers() { [ "$(far sh -c "cat '$FAR'/lima-folder/shared-with-me/*/Imaging/MRI.txt")" = "a knee" ]; }
two_until 60 hers
his() { [ "$(cat ana-folder/shared-with-me/*/Reports/knee.txt)" = "it will heal" ]; }
two_until 60 his
far_as lima run 0 unmount
far_as lima run 0 mount --passphrase-file "$FAR/passphrase" "$FAR/lima-folder"
two_until 60 hers

say "somebody with another account brings her folder along, and comes for a new certificate later"
far_home rita
far_as rita run 0 init --yes --name "Rita Sá" --born 1970-01-01 --passphrase-file "$FAR/passphrase" --words-file "$FAR/rita.words"
far_as rita run 0 mount --passphrase-file "$FAR/passphrase" "$FAR/rita-folder"
far sh -c "echo 'an ankle' >'$FAR/rita-folder/ankle.txt'"
far_as rita run 0 unmount
far ln -s "$FAR/rita" "$FAR/rita-by-link"
for home in rita rita-by-link; do
	settings=$(stat -c %i "$FAR/rita/state/network/network" 2>/dev/null)
	as hospital invite rita patient 10min
	mail rita
	far_as $home json 0 join "$FAR/rita.invitation" --yes --passphrase-file "$FAR/passphrase"
	wait "$inviting" || emr_fail "org invite rita: $(cat out/invited-rita)"
	expect "that she is registered" "$(field registered)" True
done
expect "her certificate" "$(field renewed)" True
expect "the settings of a network that she is in" "$(stat -c %i "$FAR/rita/state/network/network")" "$settings"
far_as rita run 0 mount --passphrase-file "$FAR/passphrase" "$FAR/rita-folder"
expect "what she has brought" "$(far cat "$FAR/rita-folder/ankle.txt")" "an ankle"
far_as rita json 0 status
expect "the kind of her ledger" "$(field ledger.kind)" fabric
far_as rita run 0 unmount

say "the invitation opens once"
far_home eva
install -m 600 -o "$FAR_USER" kept.invitation "$FAR/eva.invitation"
join eva "Eva Reis" 8
says "it was used already, or withdrawn"
[ -z "$(ls "$FAR/eva/state" | grep -v lock)" ] || emr_fail "something was made: $(ls "$FAR/eva/state")"

say "withdrawn, it opens for nobody"
as hospital invite eva clinician 10min
install -m 600 -o "$FAR_USER" eva.invitation "$FAR/eva.invitation"
kill -INT "$inviting"
wait "$inviting"
join eva "Eva Reis" 8
says "it was used already, or withdrawn"

say "who invites goes away; the invited comes meanwhile, and is answered when the same line goes on"
as hospital invite eva clinician 1h
install -m 600 -o "$FAR_USER" eva.invitation "$FAR/eva.invitation"
kill -TERM "$inviting"
wait "$inviting"
grep -q "stays valid until its end" out/invited-eva || emr_fail "$(cat out/invited-eva)"
cp eva.invitation carla.invitation
as hospital invite carla clinician 1h
refused() { ! kill -0 "$inviting" 2>/dev/null; }
two_until 60 refused # somebody else's name is not given to whoever has it
wait "$inviting" && emr_fail "an invitation of eva is carla's: $(cat out/invited-carla)"
[ -s carla.invitation ] || emr_fail "a file of somebody's is gone"
join eva "Eva Reis" 7 --within 1s
says "does not answer this invitation"
join eva "Eva Reis" 0 &
joining=$!
as hospital invite eva clinician 1h
wait "$joining" || emr_fail "she is not in: $(cat out/said out/complained)"
wait "$inviting" || emr_fail "org invite eva: $(cat out/invited-eva)"

say "after its end it opens for nobody"
far_home late
as hospital invite late clinician 2s
mail late
wait "$inviting"
ended=$(($(date +%s) + 2))
over() { [ "$(date +%s)" -gt "$ended" ]; }
two_until 10 over
join late "Too Late" 8
says "it ended; ask for a new one"
