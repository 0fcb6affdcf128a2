#!/bin/bash
# fabric_said.sh: gateways fail, or refuse what a person does: the folder and the status say which fault each one has (of silent ones
# fabric_silent.sh). A gateway that answers is never called away; work that they do not take waits, and goes to the ledger when they take
# it. PEER plays the channel, because real peers say none of this on demand.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_said
channel_begin
channel_network "São Lucas"
two_ana_and_lima
FAULT=$EMR_WORK/channel/fault
two_mount ana
echo "a knee" >ana-folder/knee.txt
as ana run 0 status --wait
tells() { # ID WORDS
	as ana json 0 status
	[ "$(field ledger.error)" = "$1" ] || return 1
	[ "$1" = None ] || grep -qF -- "$2" out/said || emr_fail "$1, and not: $2: $(cat out/said)"
}

say "a clock that is wrong where one organisation's contract runs keeps nobody from the others"
touch "$FAULT/endorse-1-says-clock"
echo "a clock" >ana-folder/knee.txt
as ana run 0 status --wait=120s
rm "$FAULT/endorse-1-says-clock"

say "what the gateways have against her is said, and is not called away"
while read -r name id words; do
	touch "$FAULT/evaluate-says-$name"
	emr_until tells "$id" "$words"
	rm "$FAULT/evaluate-says-$name"
	emr_until tells None
done <<'END'
clock ledger-refuses the clock of this computer
expired ledger-refuses by their clocks your certificate has ended
identity ledger-refuses they do not take your certificate
permission ledger-refuses they do not take your certificate
precondition ledger-refuses they answer with an error
argument ledger-refuses they answer with an error
unimplemented ledger-refuses they answer with an error
chaincode ledger-refuses they answer with an error
other ledger-refuses they answer with an error
unavailable ledger-away cannot be reached
no-peers ledger-away cannot be reached
slow ledger-away cannot be reached
END

say "what is not taken at one stage is logged with stage, name and transaction, waits, and makes nothing away"
told_away() { grep -c ledger-away ana-folder/.emrfs/notices; }
before=$(told_away)
while read -r stage name; do
	touch "$FAULT/$stage-says-$name"
	echo "$stage $name" >ana-folder/knee.txt
	emr_until grep -qE "fabric: $stage, $name \(.*\), transaction [0-9a-f]{64}: " ana/state/log
	emr_until tells None
	expect "what failed by $stage, $name" "$(field failed)" 0
	[ "$(field pending)" -gt 0 ] || emr_fail "nothing waits"
	waits() { as ana json 0 status && [ "$(field ledger.not_taken.stage)" = "$stage" ]; } # $stage: where it failed
	emr_until waits
	as ana run 0 status
	says "Waiting since "
	rm "$FAULT/$stage-says-$name"
	as ana run 0 status --wait
	expect "what she reads" "$(cat ana-folder/knee.txt)" "$stage $name"
done <<'END'
endorse clock
endorse identity
endorse endorsement
endorse no-peers
endorse not-spread
submit identity
submit permission
commit permission
END
expect "how often she was told that the ledger is away" "$(told_away)" "$before"
as ana json 0 ledger knee.txt --limit 100
expect "versions" "$(python3 -c 'import json
print(sum(e["op"] == "PUT" and e["result"] == "applied" for e in json.load(open("out/said"))["entries"]))')" 10

say "a share that they do not take waits, too, and is given when they do"
for name in clock identity permission precondition; do
	touch "$FAULT/endorse-says-$name"
	: >ana/state/log
	as ana "$EMRFS" share knee.txt with lima --yes --wait >out/sharing 2>&1 &
	sharing=$!
	emr_until grep -q "fabric: endorse, $name " ana/state/log
	rm "$FAULT/endorse-says-$name"
	wait "$sharing" || emr_fail "not given, by $name: $(cat out/sharing)"
	grep -q "Nobody elsewhere can open what is shared: your settings name no IPFS node" out/sharing || emr_fail "$(cat out/sharing)"
	as ana run 0 revoke --yes knee.txt from lima --yes --wait
done

say "what they have against an erasure is named, and not called away; it goes on when they take it"
echo "to be erased" >ana-folder/ankle.txt
as ana run 0 status --wait
erased() { as ana "$EMRFS" erase --deleted --yes --passphrase-file "$EMR_PASS" >out/erased 2>&1; } # 3 while something waits
while read -r name words; do
	touch "$FAULT/endorse-says-$name"
	as ana run 3 erase ana-folder/ankle.txt --yes --passphrase-file "$EMR_PASS"
	says "$words"
	says_not "offline"
	rm "$FAULT/endorse-says-$name"
	if [ $name != clock ]; then # by itself it is tried again after half a minute; now with the next one
		echo "another" >ana-folder/toe.txt
		as ana run 0 status --wait
		as ana run 0 erase ana-folder/toe.txt --yes --passphrase-file "$EMR_PASS"
	fi
	emr_until erased
	echo "to be erased" >ana-folder/ankle.txt
	as ana run 0 status --wait
done <<'END'
clock the clock of this computer
endorsement too few organisations endorse it
END
two_unmount ana

say "a gateway that has fewer blocks than it said is left for another one, and nobody is told"
: >ana/state/log
touch "$FAULT/forgets"
rm -rf ana/state/fabric
two_mount ana
echo "behind all of them" >ana-folder/knee.txt
as ana run 0 status --wait
grep -q "fabric: evaluate" ana/state/log && emr_fail "it is told: $(cat ana/state/log)"
rm "$FAULT/forgets"
two_unmount ana

say "the only gateway goes back while everything is verified: that is one which is behind, and no ledger that went back"
sed '/^gateway/{x;s/^/x/;/^xx/{x;d};x}' net/network >network.one && cp net/network network.all && cp network.one net/network
expect "gateways" "$(grep -c ^gateway net/network)" 1
as ana run 0 verify --chain --passphrase-file "$EMR_PASS"
touch "$FAULT/goes-back"
as ana run 3 verify --chain --passphrase-file "$EMR_PASS"
rm "$FAULT/goes-back"
as ana run 0 verify --chain --passphrase-file "$EMR_PASS"
cp network.all net/network

say "who begins anew has all blocks in streams, and one by one from gateways that give none, or break off"
# once_more: her computer reads everything once more
once_more() {
	rm -rf ana/state/fabric channel/streamed
	two_mount ana
	as ana run 0 verify --chain --passphrase-file "$EMR_PASS"
	must grep -q "behind all of them" ana-folder/knee.txt
	two_unmount ana
}
touch "$FAULT/deliver-says-permission"
once_more
[ ! -e channel/streamed ] || emr_fail "it is no fault"
rm "$FAULT/deliver-says-permission"
touch "$FAULT/breaks-off"
once_more
[ -e channel/streamed ] || emr_fail "no stream was asked for"
rm "$FAULT/breaks-off"
two_mount ana
for part in 1 2; do # two batches more, whose private parts are more than one question has room for
	mkdir ana-folder/many-$part
	for ((i = 0; i < 520; i++)); do echo "$i" >ana-folder/many-$part/$i; done
	as ana run 0 status --wait
done
two_unmount ana
once_more
[ -e channel/streamed ] || emr_fail "no stream was asked for"

say "what they have against a thing that is only sent is named where it is sent, and not called away"
while read -r name words; do
	touch "$FAULT/endorse-says-$name"
	as hospital run 7 org revoke lima --yes --passphrase-file "$EMR_PASS"
	says "$words"
	says_not "does not answer"
	rm "$FAULT/endorse-says-$name"
done <<'END'
clock the clock of this computer
identity they do not take your certificate
precondition they answer with an error
endorsement too few organisations endorse it
END

say "her computer begins with no copy before gateways that have something against it, and says what"
mv ana/state/replica.sqlite* .
touch "$FAULT/evaluate-says-clock"
as ana run 7 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
says "the clock of this computer"
says_not "cannot be reached"
as ana run 7 device --passphrase-file "$EMR_PASS"
says "the clock of this computer"
rm "$FAULT/evaluate-says-clock"
rm -f ana/state/replica.sqlite* && mv replica.sqlite* ana/state
touch "$FAULT/evaluate-says-identity"
as hospital run 7 invite nobody --role patient -o "$EMR_WORK/nobody.invitation" --within 10min --passphrase-file "$EMR_PASS"
says "they do not take your certificate"
rm "$FAULT/evaluate-says-identity"
