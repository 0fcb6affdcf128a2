#!/bin/bash
# fabric_parts.sh: on a Fabric network the private part of an entry may come to the peers after its block, or never. PEER plays the
# channel. The owner of a record reads it all the same; the reader of a share gets it as soon as a peer has it; nothing calls that damage.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_parts
FAULT=$EMR_WORK/channel/fault
channel_begin
channel_network "São Lucas"
two_ana_and_lima
two_mount ana lima
mkdir ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
shown() { SHARE=$(ls -d lima-folder/shared-with-me/*/Imaging) && [ "$(cat "$SHARE/$1")" = "$2" ]; }
emr_until shown MRI.txt "a knee" 2>/dev/null

# reads WHAT: with a folder that was opened again, so that nothing is known but what is on the ledger.
reads() {
	expect "what she reads" "$(cat "ana-folder/Imaging/$1")" "$2"
	two_unmount ana
	two_mount ana
	expect "what she reads after it was opened again" "$(cat "ana-folder/Imaging/$1")" "$2"
	as ana run 0 verify
}
followed() { # NUMBER: he has taken in as many entries as she has
	as ana json 0 status
	local size
	size=$(field ledger.size)
	as lima json 0 status
	[ "$(field ledger.size)" -ge "$size" ]
}

say "private parts come later than their block: she reads what she saved, and nobody speaks of damage"
touch "$FAULT/late-parts"
echo "a shin" >ana-folder/Imaging/CT.txt
as ana run 0 status --wait
reads CT.txt "a shin"
emr_until followed
as lima run 0 verify
says "1 private part that the ledger names has not come yet"
grep -q "ledger is damaged\|own copy is damaged" lima/state/log ana/state/log && emr_fail "damage: $(grep damaged lima/state/log ana/state/log)"
! cat "$SHARE/CT.txt" 2>/dev/null || emr_fail "he reads what no peer has given him"
rm "$FAULT/late-parts"

say "they come, and he has them"
emr_until shown CT.txt "a shin" 2>/dev/null
as lima run 0 verify
says_not "not come yet"

say "she is killed after the orderer took it and before she heard of it: her batch has what peers have not"
touch "$FAULT/late-parts" "$FAULT/lost-answer"
echo "a heel" >ana-folder/Imaging/CT.txt
ordered() { [ ! -e "$FAULT/lost-answer" ]; }
emr_until ordered
two_kill ana
two_mount ana
as ana run 0 status --wait
reads CT.txt "a heel"
rm "$FAULT/late-parts"
emr_until shown CT.txt "a heel" 2>/dev/null

say "a part that no peer has any more: she reads it, and her folder, opened again meanwhile, brings it once more for others"
touch "$FAULT/lost-parts"
echo "a toe" >ana-folder/Imaging/toe.txt
as ana run 0 status --wait
rm "$FAULT/lost-parts"
reads toe.txt "a toe"
waits_for_none() { as ana json 0 verify && [ "$(field chain.awaited)" = 0 ]; } # her copy takes her own part with the next look
emr_until waits_for_none
emr_until shown toe.txt "a toe" 2>/dev/null
grep -q "1 private parts that no peer had were sent again: applied" ana/state/log || emr_fail "it was not lost: $(tail -3 ana/state/log)"
as lima json 0 verify
expect "parts that he waits for" "$(field chain.awaited)" 0
reads toe.txt "a toe"
echo "a hip" >ana-folder/Imaging/hip.txt
as ana run 0 status --wait
emr_until shown hip.txt "a hip" 2>/dev/null
tended() { [ -z "$(find ana/state -name 'lacking-*')" ]; }
emr_until tended
[ "$(grep -c "were sent again" ana/state/log)" = 1 ] || emr_fail "sent again and again: $(grep "sent again" ana/state/log)"
