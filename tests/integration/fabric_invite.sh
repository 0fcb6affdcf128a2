#!/bin/bash
# fabric_invite.sh: an administrator invites into a network on Fabric and ends the command while a gateway takes calls and answers none: it
# ends at once, and not when the call would have ended.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_invite
channel_begin
channel_network "São Lucas"

invite() { # WITHIN
	rm -f eva.invitation
	env --default-signal=INT "$EMRFS" invite eva --role clinician -o "$EMR_WORK/eva.invitation" --within "$1" \
		--passphrase-file "$EMR_PASS" --json >out/invited 2>&1 </dev/null &
	inviting=$!
	emr_until test -s eva.invitation
}
# A call lasts a minute; the sockets of a stopped program take what comes, and give nothing.
PORTS=$(sed -n 's|^gateway = https://[^ ]*:\([0-9]*\) .*|\1|p' channel/settings)
asks() { # bytes lie there that nobody reads
	local port
	for port in $PORTS; do
		[ -z "$(ss -Htn state all "sport = :$port" | awk '$1 != "LISTEN" && $2 > 0')" ] || return 0
	done
	return 1
}

say "she thinks better of it"
two_home hospital
invite 1h
channel_freeze
emr_until asks
began=$SECONDS
kill -INT "$inviting"
wait "$inviting"
took=$((SECONDS - began))
channel_thaw
[ "$took" -lt 50 ] || emr_fail "it took $took s"
grep -q invitation-stays out/invited || emr_fail "it says something else: $(cat out/invited)"
[ -s eva.invitation ] || emr_fail "the file of an invitation that stays is gone"

say "once the gateway answers she withdraws it"
env --default-signal=INT "$EMRFS" invite eva --role clinician -o "$EMR_WORK/eva.invitation" --within 1h \
	--passphrase-file "$EMR_PASS" --json >out/invited 2>&1 </dev/null &
inviting=$!
# The shell that starts it catches the signal, too, until it has become emrfs, and would take it for nobody.
catches() { [ "/proc/$inviting/exe" -ef "$EMRFS" ] && [ $((0x$(sed -n 's/^SigCgt:\t//p' /proc/$inviting/status) & 2)) = 2 ]; }
emr_until catches
kill -INT "$inviting"
wait "$inviting"
[ ! -e eva.invitation ] || emr_fail "it was not withdrawn: $(cat out/invited)"

say "and an invitation ends by the clock, whatever the gateway does"
invite 3s
channel_freeze
began=$SECONDS
wait "$inviting"
took=$((SECONDS - began))
channel_thaw
[ "$took" -lt 50 ] || emr_fail "it took $took s"
grep -q '"not-used"' out/invited || emr_fail "it says something else: $(cat out/invited)"

say "who has an invitation and nothing else leaves few letters a day there, and reads until when"
invite 1h
kill -KILL "$inviting"
wait "$inviting" 2>/dev/null
for ((tries = 1; tries <= 25; tries++)); do # each leaves a reply and takes it back; 20 a day, unless a day ends meanwhile
	as eva "$EMRFS" init --join "$EMR_WORK/eva.invitation" --within 1s --yes --name "Eva Reis" --born 1970-01-01 --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/eva.words" --json >out/joined 2>&1 </dev/null && emr_fail "who let her in?"
	! grep -q '"letters-spent"' out/joined || break
done
[ "$tries" -le 25 ] && grep -q "It takes more from" out/joined || emr_fail "she leaves as many as she likes: $(cat out/joined)"
