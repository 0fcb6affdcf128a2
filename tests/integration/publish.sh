#!/bin/bash
# publish.sh: saved files are given to the nodes of the settings, which are live: each keeps every block of them, soon after it is
# confirmed, whatever happens to node or mount in between; and no saving waits for the nodes.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
kubo_begin publish
process() { read -r pid _ <"net/$1.pid" && echo "$pid"; }
ended() { tail -s 0.05 --pid="$1" -f /dev/null; }
has_state() { [ "$(attribute state "$1")" = "$2" ]; }
# kubo NODE COMMAND...: the node's own program says it.
kubo() { IPFS_PATH=$EMR_WORK/net/$1 "$KUBO" "${@:2}"; }
# holds NODE CID...: all are pinned there, and every block of them is read where the node stores it.
holds() { [ $# -ge 2 ] && kubo "$1" pin ls --type=recursive "${@:2}" && kubo "$1" dag stat --offline --progress=false "${@:2}"; } >/dev/null 2>&1
copied() { "$EMRFS" copies "$@" >copied 2>&1; }
lacks() { ! kubo "$1" pin ls --type=recursive "$2" >/dev/null 2>&1; }
cid() { attribute cid "$1"; }
cids() { local path; for path; do cid "$path" && echo; done; }
nodes() { printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings" && for n in "$@"; do echo "node = unix:$EMR_WORK/net/$n/api.sock"; done >>"$EMRFS_HOME/settings"; }

must "$NETWORK" up net >/dev/null
emr_init

say "without nodes there is one copy"
emr_mount
head -c 300000 /dev/urandom >scan
must cp scan "$MNT/scan"
must confirmed_version "$MNT/scan" >/dev/null
expect state "$(attribute state "$MNT/scan")" "confirmed 1/1"
emr_unmount

say "what was there before, and what comes, is given to both nodes, and each keeps all of it"
nodes 1 2
emr_mount
must mkdir "$MNT/Imaging"
for i in $(seq 30); do head -c $((i * 1000)) /dev/urandom >"$MNT/Imaging/$i"; done
emr_until has_state "$MNT/scan" "confirmed 3/3"
for i in $(seq 30); do emr_until has_state "$MNT/Imaging/$i" "confirmed 3/3"; done
for n in 1 2; do
	# shellcheck disable=SC2046
	holds $n $(cids "$MNT/scan" "$MNT/Imaging"/*) || emr_fail "node $n does not hold the scan and the thirty"
done
lacks 3 "$(cid "$MNT/scan")" || emr_fail "a node that nobody named has it"
must copied
grep -q "^unix:$EMR_WORK/net/1/api.sock *31 of 31$" copied || emr_fail "$(cat copied)"
"$EMRFS" status | grep -q "net/2/api.sock has 31 of 31 versions" || emr_fail "$("$EMRFS" status)"

say "a new version is given to them, too, and the one before stays, as it can be brought back"
before=$(cid "$MNT/Imaging/7")
echo "another text" >"$MNT/Imaging/7"
has_version() { [ "$(attribute version "$1")" = "$2" ] && has_state "$1" "confirmed 3/3"; }
emr_until has_version "$MNT/Imaging/7" 2
for n in 1 2; do
	holds $n "$(cid "$MNT/Imaging/7")" && holds $n "$before" || emr_fail "node $n lacks a version"
done

say "a node that is away holds up nothing, is named with why, and gets the rest when it comes"
kill -9 "$(process 2)"
ended "$(process 2)"
must cp scan "$MNT/while-away"
emr_until has_state "$MNT/while-away" "confirmed 2/3"
noted() { "$EMRFS" status | grep -q "net/2/api.sock does not answer"; }
emr_until noted
copied while-away
expect "exit of copies" $? 3
grep -q "net/2/api.sock *0 of 1$" copied && grep -q "Fewer copies than wanted: 1 file" copied || emr_fail "$(cat copied)"
copied Imaging || emr_fail "what both have: $(cat copied)"
expect notices "$(grep -c node-no-answer "$MNT/.emrfs/notices")" 1
must "$NETWORK" up net >/dev/null
emr_until has_state "$MNT/while-away" "confirmed 3/3"
holds 2 "$(cid "$MNT/while-away")" || emr_fail "node 2 does not hold it"

say "a mount that is killed while it sends goes on where it was"
for i in $(seq 10); do head -c 2000000 /dev/urandom >"$MNT/large-$i"; done
must confirmed_version "$MNT/large-10" >/dev/null
emr_kill
emr_mount
for i in $(seq 10); do
	emr_until has_state "$MNT/large-$i" "confirmed 3/3"
done
# shellcheck disable=SC2046
for n in 1 2; do holds $n $(cids "$MNT"/large-*) || emr_fail "node $n lacks one of them"; done

say "a record that is too large for one import is kept whole, and nothing is left of the pieces"
one_pin_more() { [ "$(kubo 1 pin ls --type=recursive -q | wc -l)" = $((pins + 1)) ]; }
pins=$(kubo 1 pin ls --type=recursive -q | wc -l)
head -c 80000000 /dev/urandom >"$MNT/study"
emr_until has_state "$MNT/study" "confirmed 3/3"
for n in 1 2; do holds $n "$(cid "$MNT/study")" || emr_fail "node $n lacks the study"; done
emr_until one_pin_more

say "what is erased is let go, also by a node that was away, after a kill, and without the list of what is where"
erased="$(cid "$MNT/Imaging/7") $before $(cid "$MNT/scan")"
kill -9 "$(process 2)"
ended "$(process 2)"
for path in Imaging/7 scan; do
	"$EMRFS" erase --yes --passphrase-file "$EMR_PASS" "$path" >/dev/null 2>&1 # which says that one of them is away
	[ $? = 3 ] || emr_fail "erased with a node that is away"
done
for c in $erased; do emr_until lacks 1 "$c"; done
holds 1 "$(cid "$MNT/study")" || emr_fail "something else went"
emr_kill
rm "$EMRFS_HOME/state/copies"
must "$NETWORK" up net >/dev/null
holds 2 "$before" || emr_fail "node 2 has not had it: then there is nothing to see here"
emr_mount
for c in $erased; do emr_until lacks 2 "$c"; done
emr_until has_state "$MNT/study" "confirmed 3/3"
told() { "$EMRFS" status | grep -q "let go there yet"; }
! told || emr_until eval '! told'
emr_unmount
echo "all is well"
