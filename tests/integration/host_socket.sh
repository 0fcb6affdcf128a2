#!/bin/bash
# host_socket.sh: a host listens at a socket of this computer: others join, save and read by it, no second host takes its place, and a
# killed one leaves nothing in the way. The socket lets every account in; the host gives nothing to a program without a token.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin socket
socket=$EMR_WORK/at/host.sock
mkdir -m 755 "$EMR_WORK/at"
host_start() {
	: >"$EMR_WORK/host.out" # what an earlier one said is not waited for
	"$EMRFS" host "$NET" "unix:$socket" -f >"$EMR_WORK/host.out" 2>&1 </dev/null &
	TWO_HOST=$!
	disown "$TWO_HOST"
	emr_until grep -q serves "$EMR_WORK/host.out"
}
ask() { curl -s -o /dev/null -w '%{http_code}' --unix-socket "$socket" "http://host/$1"; }

TWO_ALONE=1 two_network "Praxis Ana" ana
run 6 host "$NET" unix:relative.sock
run 6 host "$NET" "unix:$EMR_WORK/$(printf 'x%.0s' {1..120})"
mkdir -m 1777 "$EMR_WORK/open"
for where in /tmp "$EMR_WORK/open"; do # other accounts could put theirs there
	run 6 host "$NET" "unix:$where/emrfs-none.sock"
	says "another account can put its own socket there"
	[ ! -e "$where/emrfs-none.sock" ] || emr_fail "a socket in $where"
done
echo "a file" >"$socket"
run 6 host "$NET" "unix:$socket"
[ "$(cat "$socket")" = "a file" ] || emr_fail "what was there is gone"
rm "$socket"
host_start
[ "$(stat -c %a "$socket")" = 666 ] || emr_fail "other accounts cannot connect"
[ "$(ask emrfs/v1/descriptor)" = 200 ] && [ "$(ask emrfs/v1/entries)" = 401 ] && [ "$(ask "ipfs/bafkqaaa?format=raw")" = 401 ] ||
	emr_fail "strangers are answered"

say "two join by the socket, and read from each other"
as ana two_invite bento patient
inviting=$!
emr_until test -s "$EMR_WORK/bento.invitation"
born=(--name "Bento Reis" --born 1984-03-12 --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/bento.words")
for named in "" "--network unix:$EMR_WORK/other.sock"; do	# a file that somebody sent leads to no socket by itself
	as bento run 6 init --join bento.invitation --yes "${born[@]}" $named
	says "It leads to unix:$socket, a socket of this computer"
	[ ! -e bento/state/network ] || emr_fail "something was made"
done
as bento run 2 init --network "unix:$socket" --yes "${born[@]}"
as bento run 13 init --join bento.invitation "${born[@]}" --network "unix:$socket"
says "This computer will reach the network at unix:$socket."
as bento json 0 init --join bento.invitation --yes "${born[@]}" --network "unix:$socket"
expect "where it leads" "$(field host)" "unix:$socket"
chmod 1777 "$EMR_WORK/at"
as bento run 6 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/bento-folder"
says "another account can put its own socket there"
chmod 755 "$EMR_WORK/at"
wait "$inviting" || emr_fail "invite bento: $(cat out/invited-bento)"
TWO_SOCKET=$socket
two_join clara "Clara Dias" patient ana
grep -q "$socket" "$EMR_WORK/bento/state/network/ledger/host" || emr_fail "bento has another way to the host"
two_cards bento clara
two_mount bento clara
as bento must mkdir "$EMR_WORK/bento-folder/Notes"
head -c 700000 /dev/urandom >"$EMR_WORK/bento-folder/Notes/scan.pdf"
as bento run 0 share Notes with clara --yes --wait
there() { ls "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/"$1" >/dev/null 2>&1; }
emr_until there scan.pdf
cmp "$EMR_WORK/bento-folder/Notes/scan.pdf" "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/scan.pdf || emr_fail "clara reads other bytes"

say "no second host takes its place; after a kill the next one does"
run 6 host "$NET" "unix:$socket"
[ "$(ask emrfs/v1/descriptor)" = 200 ] || emr_fail "the first host is gone"
kill -KILL "$TWO_HOST" && await_gone "$TWO_HOST"
echo "note" >"$EMR_WORK/bento-folder/Notes/note.txt"
host_start
as bento run 0 status --wait=1min
emr_until there note.txt
say "nor does a device file"
as bento run 0 device add laptop -o bento.device --yes --passphrase-file "$EMR_PASS"
as bento-laptop run 6 device accept bento.device --passphrase-file "$EMR_PASS"
says "a socket of this computer"
as bento-laptop run 0 device accept bento.device --network "unix:$socket" --passphrase-file "$EMR_PASS"
two_unmount bento clara
kill "$TWO_HOST" && await_gone "$TWO_HOST"
TWO_HOST=
echo "all is well"
