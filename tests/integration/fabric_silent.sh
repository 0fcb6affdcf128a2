#!/bin/bash
# fabric_silent.sh: gateways take calls and answer none. The folder opens and says so, keeps what is saved, and brings it to the ledger when
# they answer. Without a copy of the ledger it waits for them; with an older copy it opens for reading only. PEER plays the channel where
# FABRIC does not name the programs of a real one, whose peers are stopped.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_silent
mkdir early
channel_begin
channel_network "São Lucas"
two_join ana "Silva, Ana" patient
two_mount ana
echo "a knee" >ana-folder/knee.txt
as ana run 0 status --wait
tells() { # ID WORDS
	as ana json 0 status
	[ "$(field ledger.error)" = "$1" ] || return 1
	[ "$1" = None ] || grep -qF -- "$2" out/said || emr_fail "$1, and not: $2: $(cat out/said)"
}
two_unmount ana
cp -p ana/state/replica.hw ana/state/replica.sqlite* early

say "her folder opens before gateways that take calls and answer none count as away, and says that they are asked"
opens() { as ana run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"; }
channel_freeze
opens
says "has not answered yet"
says_not "cannot be reached"
expect "what she has" "$(cat ana-folder/knee.txt)" "a knee"
echo "while they were silent" >ana-folder/knee.txt
emr_until tells ledger-away "cannot be reached" # they had all their time
as ana run 0 device
as ana run 0 wallet
channel_thaw
as ana run 0 status --wait
emr_until tells None
two_unmount ana

say "who closes it while they are asked waits for them, and what she saved goes there"
channel_freeze
opens
says "has not answered yet"
echo "before she went" >ana-folder/knee.txt
as ana "$EMRFS" unmount >out/closing 2>&1 &
closing=$!
channel_thaw
wait "$closing" || emr_fail "closed with less on the ledger: $(cat out/closing)"

say "one whose copy was put back opens for reading only while they are silent, and hears of them when they answer"
rm ana/state/replica.sqlite* && cp -p early/* ana/state
channel_freeze
opens
expect "what the copy has" "$(cat ana-folder/knee.txt)" "a knee"
tells ledger-away "lacks the newest entries" || emr_fail "it is told otherwise: $(cat out/said)"
[ "$(field read_only)" = True ] || emr_fail "it takes changes upon a copy that lacks what she has seen"
channel_thaw
emr_until tells None # nobody asks them before they had all their time
two_unmount ana

say "who has no copy of her own waits for them"
rm ana/state/replica.sqlite*
channel_freeze
opens &
opening=$!
sleep 6 # longer than a folder with a copy waits
channel_thaw
wait "$opening" || exit 1
says_not "has not answered yet"
expect "what she has" "$(cat ana-folder/knee.txt)" "before she went"
as ana run 0 verify
two_unmount ana

say "what she has stands in her own copy, also when her folder is closed and nobody answers"
channel_stop
as ana run 0 wallet --passphrase-file "$EMR_PASS"
says_not "reached"
