#!/bin/bash
# host_hangs.sh: a host whose clock is wrong, and one that takes connections and answers nothing. One's own files, and others' that were read,
# are there all the same; everything else ends, and says why; no clock is called a missing permission, or the end of a share.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
. "$SUPPORT/../../examples/network/kit.sh"
two_begin host_hangs
echo 0 >clock
PP="--passphrase-file $EMR_PASS"
TWO_ALONE=1 two_network "Praxis Ana" ana
port=$(free_port)
EMR_CLOCK_FILE=$EMR_WORK/clock LD_PRELOAD=$TOOLS/libclock_shim.so "$EMRFS" host "$NET" "127.0.0.1:$port" -f >host.out 2>&1 </dev/null &
TWO_HOST=$!
disown "$TWO_HOST"
emr_until grep -q serves host.out
two_join bento "Bento Reis" patient ana
two_join clara "Clara Dias" patient ana
two_cards ana bento clara
two_mount bento clara
must mkdir bento-folder/Notes
echo one >bento-folder/Notes/1.txt
as bento run 0 share Notes with clara --yes --wait
reads() { [ "$(cat clara-folder/shared-with-me/bento*/Notes/"$1" 2>out/refused)" = "$2" ]; }
emr_until reads 1.txt one

say "the host's clock is ahead: it is named, by how much, and nobody lacks a permission"
echo two >bento-folder/Notes/2.txt
as bento run 0 status --wait=1min
listed() { ls clara-folder/shared-with-me/bento*/Notes/2.txt >/dev/null 2>&1; }
emr_until listed
echo 1200 >clock
! reads 2.txt two || emr_fail "a question that has ended is answered"
grep -q "No route to host" out/refused || emr_fail "$(cat out/refused)"
grep -q "The clock of https://127.0.0.1:$port is 20 minutes ahead of this computer's; one of them is wrong" clara-folder/.emrfs/notices || emr_fail "$(cat clara-folder/.emrfs/notices)"
! grep -q "no permission" clara-folder/.emrfs/notices || emr_fail "$(cat clara-folder/.emrfs/notices)"
as clara run 0 status
says "The clock of https://127.0.0.1:$port is 20 minutes ahead of this computer's"
as clara run 3 check
says "The clock of https://127.0.0.1:$port is 20 minutes ahead of this computer's"
echo 4000000 >clock # a month and more: behind the end of the share
over() { ! reads 1.txt one; }
emr_until over
grep -q "No route to host" out/refused || emr_fail "$(cat out/refused)"
echo 0 >clock
emr_until reads 2.txt two
reads 1.txt one || emr_fail "it has not come back: $(cat out/refused clara-folder/.emrfs/notices)"
! grep "ended" clara-folder/.emrfs/notices || emr_fail "it had not ended"

say "the host's clock is a day behind: what is saved waits, says why, and is there once when the clock is right"
echo -100000 >clock
echo three >bento-folder/Notes/3.txt
told() { as bento run 0 status && grep -q "is 27 hours behind this computer's; one of them is wrong" out/said; }
emr_until told
as bento run 4 status --wait=1s
expect "what is one's own" "$(cat bento-folder/Notes/3.txt)" three
emr_until grep -q "is 27 hours behind" bento-folder/.emrfs/notices
echo 0 >clock
as bento run 0 status --wait=1min
emr_until reads 3.txt three
as bento run 0 restore --list Notes/3.txt
expect "versions" "$(grep -c 'v[0-9]' out/said)" 1

say "the host answers nothing: what is known here is shown, and nothing else waits for it one by one"
emr_stop "$TWO_HOST"
away() { as "$1" run 0 status && grep -q "https://127.0.0.1:$port, cannot be reached since" out/said; }
emr_until away bento
emr_until away clara
# Each by itself ends long before somebody could have waited for the host.
local_deed() { timeout 8 "$@" >out/said 2>out/complained </dev/null || emr_fail "$*: $? $(cat out/said out/complained)"; }
echo four >bento-folder/Notes/4.txt
for ((i = 0; i < 5; i++)); do
	local_deed ls bento-folder/Notes
	local_deed cat bento-folder/Notes/4.txt
	local_deed ls clara-folder/shared-with-me/bento*/Notes
	local_deed cat clara-folder/shared-with-me/bento*/Notes/1.txt
	as bento local_deed "$EMRFS" status
	as bento local_deed "$EMRFS" restore --list Notes/3.txt
	says "v1"
done
as bento run 0 status
says "waiting for the ledger"

say "everything else ends, and says no success"
as bento run 4 status --wait=1s
as bento run 3 copies Notes --repair
says "did not answer in time"
as bento run 3 verify
as bento run 0 share Notes with ana --yes
says "It will be shared as soon as the ledger answers"
as bento run 3 erase Notes/1.txt --yes $PP
as bento run 4 unmount
as bento run 10 status
says "cannot be reached since"
two_mount bento
as bento run 4 unmount --now

say "it goes on, and has everything once"
kill -CONT "$TWO_HOST"
two_mount bento
as bento run 0 status --wait=1min
emr_until reads 4.txt four
as bento run 0 verify
two_unmount bento clara
kill "$TWO_HOST" && await_gone "$TWO_HOST"
TWO_HOST=
echo "all is well"
