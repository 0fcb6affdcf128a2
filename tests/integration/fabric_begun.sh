#!/bin/bash
# fabric_begun.sh: an organisation on Fabric waits for others, perhaps for days. All that it has made until then is kept,
# sealed: after an end or a kill the same command goes on with the same CA. PEER plays the network, where FABRIC does not name the programs of a real one.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_begun
CHANNEL_TAKEN=$EMR_WORK/ca-1.pem
at_end() {
	[ -z "${founding:-}" ] || kill "$founding" 2>/dev/null
	channel_stop
}
channel_begin
two_home hospital
create() { # EXIT NAME WITHIN [PASSPHRASE-FILE]
	run "$1" org create "$2" --network "$NET" --within "$3" --yes --passphrase-file "${4:-$EMR_PASS}" --words-file words
}
state() { ls "$EMRFS_HOME/state" | grep -v lock; }

say "a channel that does not take its CA in time: it is kept, and nothing that could be taken for a folder"
create 6 "São Lucas" 1s
says "does not take the certificates of the CA in ca.pem there"
expect "what is kept" "$(state)" begun
expect "its mode" "$(stat -c %a "$EMRFS_HOME/state/begun")" 600
cp net/ca.pem first.pem
run 10 mount --passphrase-file "$EMR_PASS" "$MNT"

say "killed while it waits, the same line goes on with the same CA"
rm net/ca.pem
"$EMRFS" org create "São Lucas" --network "$NET" --within 10min --yes --passphrase-file "$EMR_PASS" --words-file words >out/founding 2>&1 </dev/null &
founding=$!
emr_until test -s net/ca.pem
kill -KILL $founding
wait $founding 2>/dev/null
founding=
cmp net/ca.pem first.pem || emr_fail "another CA"
expect "what is kept" "$(state)" begun

say "by nobody else, and for nothing else"
printf 'another passphrase\n' >other && chmod 600 other
create 12 "São Lucas" 1s other
create 11 "Clínica Aurora" 1s
says "What was begun here is not Clínica Aurora in this network"
sed -i 's/^msp = .*/msp = OrgZ/' net/network
create 11 "São Lucas" 1s
cp channel/settings net/network
cmp net/ca.pem first.pem || emr_fail "another CA"

say "where its words cannot go is said before the channel hears of it"
echo "somebody's" >words
create 1 "São Lucas" 10min
says "words"
rm words

say "the ledger takes its key, and the network does not get its place: the same line goes on"
"$EMRFS" org create "São Lucas" --network "$NET" --within 10min --yes --passphrase-file "$EMR_PASS" --words-file words >out/founding 2>&1 </dev/null &
founding=$!
emr_until grep -q "has to know it" out/founding
mkdir net/ledger && touch net/ledger/in-the-way
channel_take 1 net/ca.pem
! wait $founding || emr_fail "a network took the place of another: $(cat out/founding)"
founding=
rm -r net/ledger
expect "what is kept" "$(state)" begun
create 0 "São Lucas" 10min
cmp net/ca.pem first.pem || emr_fail "another CA"
[ ! -e "$EMRFS_HOME/state/begun" ] || emr_fail "what was begun is still there"
run 0 org show --json --passphrase-file "$EMR_PASS"
grep -qF '{"name":"São Lucas","member":true}' out/said || emr_fail "$(cat out/said)"
TWO_ADMIN=hospital
two_join ana "Silva, Ana" patient
echo "all is well"
