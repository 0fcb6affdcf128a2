#!/bin/bash
# host.sh: a practice without Fabric. Its owner serves the network's directory; others join from computers of their own, by invitations that
# name the host and its key, share with each other through it, go on while it is away, and lose nothing when it is killed.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
. "$SUPPORT/../../examples/network/kit.sh"
two_begin host
host_start() {
	: >"$EMR_WORK/host.out" # what an earlier one said is not waited for
	"$EMRFS" host "$NET" "127.0.0.1:$port" -f >"$EMR_WORK/host.out" 2>&1 </dev/null &
	TWO_HOST=$!
	disown "$TWO_HOST"
	emr_until grep -q serves "$EMR_WORK/host.out"
}
ask() { curl -sk -o /dev/null -w '%{http_code}' "https://127.0.0.1:$port/$1"; }

TWO_ALONE=1 two_network "Praxis Ana" ana
port=$(free_port)
run 6 host "$EMR_WORK/nowhere" "127.0.0.1:$port"
run 2 host "$NET"
run 2 host --status
run 0 host --status "$NET"
says "No host has served Praxis Ana yet."
host_start

as ana json 0 host --status "$NET"
expect "that it runs" "$(field pid)" "$TWO_HOST"
expect "where" "$(field url)" "https://127.0.0.1:$port"
say "two join from elsewhere, and have nothing of the owner's directory"
two_join bento "Bento Reis" patient ana
two_join clara "Clara Dias" patient ana
for who in bento clara; do
	[ "$(readlink -f "$EMR_WORK/$who/state/ledger")" = "$(readlink -f "$EMR_WORK/$who/state/network/ledger")" ] || emr_fail "$who stands in another directory"
	[ -f "$EMR_WORK/$who/state/ledger/host" ] && [ ! -e "$EMR_WORK/$who/state/ledger/ledger.sqlite" ] || emr_fail "$who has a ledger"
done
two_cards ana bento clara
two_mount ana bento clara

say "they share with each other; the bytes come from the host"
as bento must mkdir "$EMR_WORK/bento-folder/Notes"
head -c 700000 /dev/urandom >"$EMR_WORK/bento-folder/Notes/scan.pdf"
as bento run 0 share Notes with clara --yes --wait
as bento run 0 share Notes with ana --yes --wait
there() { ls "$EMR_WORK/$1-folder/shared-with-me"/bento*/Notes/"$2" >/dev/null 2>&1; }
for who in clara ana; do
	emr_until there "$who" scan.pdf
	cmp "$EMR_WORK/bento-folder/Notes/scan.pdf" "$EMR_WORK/$who-folder/shared-with-me"/bento*/Notes/scan.pdf || emr_fail "$who reads other bytes"
done

say "what is one's own is listed and read without the host"
own=$EMR_WORK/bento-folder/Notes
sum=$(sha256sum <"$own/scan.pdf")
two_unmount bento
two_mount bento # nothing of it is in memory
kill -STOP "$TWO_HOST"
listed=$(timeout 30 ls "$own")
read=$(timeout 30 sha256sum "$own/scan.pdf")
kill -CONT "$TWO_HOST"
expect "the folder" "$listed" scan.pdf
expect "the bytes" "${read%% *}" "${sum%% *}"

say "an agent joins as people do, and what it may release opens while its owner is away"
orgs_agent keys ana
agent_start keys
as bento must mkdir "$EMR_WORK/bento-folder/Letters"
echo "while I sleep" >"$EMR_WORK/bento-folder/Letters/letter.txt"
as bento run 0 share Letters with clara --away own --yes --wait
two_unmount bento
opened() { [ "$(cat "$EMR_WORK/clara-folder/shared-with-me"/bento*/Letters/letter.txt 2>/dev/null)" = "while I sleep" ]; }
emr_until opened
agent_stop keys
two_mount bento

say "what the host keeps is its account's alone"
loose=$(find "$NET" \( -type d ! -perm 700 -o -type f ! -perm 600 \) -printf '%m %p\n')
[ -s "$NET/host/secret" ] && [ -s "$NET/host/key.pem" ] && [ -z "$loose" ] || emr_fail "others may enter: $loose"

say "strangers leave nothing in the mail, and an answer takes all but itself and the sealed invitation away"
for i in 1 2 3; do
	[ "$(curl -sk -o out/answered -w '%{http_code}' -d "$(printf %4000d 0)" "https://127.0.0.1:$port/emrfs/v1/letters/$(printf %032x $i).reply")" = 404 ] ||
		emr_fail "a stranger's reply is taken: $(cat out/answered)"
done
expect "mail" "$(ls "$NET/host/mail" | grep -Ecv "\.(certificate|invitation)$")" 0

say "who has no token reads nothing"
[ "$(ask emrfs/v1/entries)" = 401 ] && [ "$(ask "ipfs/bafkqaaa?format=raw")" = 401 ] && [ "$(ask emrfs/v1/descriptor)" = 200 ] || emr_fail "strangers are answered"

say "a closed folder is not said to have no host"
two_unmount clara
as clara run 10 status
! grep "cannot be reached" out/said || emr_fail "the host is there"
kill -KILL "$TWO_HOST" && await_gone "$TWO_HOST"
as clara run 10 status
says "The host of your network, https://127.0.0.1:$port, cannot be reached since"
host_start
two_mount clara
emr_until there clara scan.pdf
cmp "$EMR_WORK/bento-folder/Notes/scan.pdf" "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/scan.pdf || emr_fail "clara reads other bytes"

say "the host is away: what was read opens, saves wait, and both go on when it is back"
kill -KILL "$TWO_HOST" && await_gone "$TWO_HOST"
cmp "$EMR_WORK/bento-folder/Notes/scan.pdf" "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/scan.pdf || emr_fail "what clara has read is away"
for i in 1 2 3; do echo "note $i" >"$EMR_WORK/bento-folder/Notes/$i.txt"; done
host_start
as bento run 0 status --wait=1min
emr_until there clara 3.txt
[ "$(cat "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/3.txt)" = "note 3" ] || emr_fail "not what was saved while the host was away"

say "the host is killed again and again while two save: nothing that was confirmed is lost, and none is there twice"
save() {
	local n
	for ((n = 0; n < 40; n++)); do echo "$1 $n" >"$EMR_WORK/$1-folder/$2/$1-$n.txt"; sleep 0.05; done
}
as clara must mkdir "$EMR_WORK/clara-folder/Own"
save bento Notes &
one=$!
save clara Own &
other=$!
for i in 1 2 3 4; do
	sleep 0.5
	kill -KILL "$TWO_HOST" && await_gone "$TWO_HOST"
	host_start
done
wait "$one" "$other" || emr_fail "a save failed while the host was away"
as bento run 0 status --wait=1min
as clara run 0 status --wait=1min
as clara run 0 verify
for ((i = 0; i < 40; i++)); do
	as bento run 0 restore --list "Notes/bento-$i.txt"
	[ "$(grep -c 'v[0-9]' "$EMR_WORK/out/said")" = 1 ] || emr_fail "bento-$i.txt: $(cat "$EMR_WORK/out/said")"
done
emr_until there clara bento-39.txt
cat "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/bento-*.txt | sort -u | wc -l | grep -qx 40 || emr_fail "clara does not see all"

say "what a member erased gives its room back at the host, when nobody keeps it any more"
as clara must mkdir "$EMR_WORK/clara-folder/Large"
head -c 9000000 /dev/urandom >"$EMR_WORK/clara-folder/Large/scan.pdf"
as clara run 0 status --wait=1min
full=$(du -sk "$NET/blocks" | cut -f1)
[ "$full" -gt 9000 ] || emr_fail "the host has no copy: $full KiB"
as clara run 0 erase Large --yes --passphrase-file "$EMR_PASS"
smaller() { # a host that begins gives room back
	kill "$TWO_HOST" && await_gone "$TWO_HOST"
	host_start
	[ "$(du -sk "$NET/blocks" | cut -f1)" -lt $((full - 8000)) ]
}
emr_until smaller
as clara run 0 verify
as bento run 0 verify
cmp "$EMR_WORK/bento-folder/Notes/scan.pdf" "$EMR_WORK/ana-folder/shared-with-me"/bento*/Notes/scan.pdf || emr_fail "what is kept is gone"

say "a second copy is made and read with the host away, and brings everything back, by passphrase and by words"
kill "$TWO_HOST" && await_gone "$TWO_HOST"
as bento run 0 backup "$EMR_WORK/copy" --verify
says_not "of all its members"
two_unmount bento
for words in "" "--words-file $EMR_WORK/bento.words"; do
	rm -rf bento/state
	as bento run 0 init --restore "$EMR_WORK/copy" $words --passphrase-file "$EMR_PASS"
	[ -n "$words" ] || host_start
	two_mount bento
	[ "$(cat "$EMR_WORK/bento-folder/Notes/3.txt")" = "note 3" ] || emr_fail "not what was saved"
	as bento run 0 verify
	two_unmount bento
done
two_mount bento

say "what is taken back opens no more"
as bento run 0 revoke Notes from clara --yes
gone() { ! cat "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/1.txt >/dev/null 2>&1; }
emr_until gone

say "the owner's own folder"
as ana run 0 verify
two_unmount ana bento clara
as ana json 0 host --status "$NET"
expect "members: she, two people, an agent" "$(field member_count)" 4
[ "$(field blocks_bytes)" -gt 700000 ] && [ "$(field free_bytes)" -gt 0 ] || emr_fail "sizes: $(cat out/said)"
kill "$TWO_HOST" && await_gone "$TWO_HOST"
as ana json 0 host --status "$NET"
expect "that none runs" "$(field pid)" 0
! grep -iE "bento|clara|notes|letter" "$EMR_WORK/host.out" || emr_fail "the host names somebody"
TWO_HOST=
echo "all is well"
