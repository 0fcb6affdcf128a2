#!/bin/bash
# host_barred.sh: the socket of a network's host that this account may not open (it lies in another's directory) is told as that, with whose it is and
# what is in the way, and not as a host that does not run.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/ordinary.sh"
ordinary_user "$0"
. "$SUPPORT/two.sh"
two_begin host_barred
mkdir -m 700 run
TWO_ALONE=1 two_network "Praxis Ana" ana
TWO_SOCKET=$EMR_WORK/run/host.sock
begin_host() {
	: >out/host # what an earlier one said is not waited for
	"$EMRFS" host "$NET" "unix:$TWO_SOCKET" -f >out/host 2>&1 </dev/null &
	TWO_HOST=$!
	disown "$TWO_HOST"
	emr_until grep -q serves out/host
}
at_end() { chmod 700 "$EMR_WORK/run" && two_end; }
begin_host
two_join bento "Bento Reis" patient
two_mount bento
told() { as bento "$EMRFS" status >out/said && grep -qF "This account may not open $TWO_SOCKET, the socket of your network's host. In the way is $EMR_WORK/run ($(id -un):$(id -gn), mode 0000)." out/said; }
kill "$TWO_HOST" && await_gone "$TWO_HOST"	# connections that are open would go on
chmod 0 run
echo "kept here" >bento-folder/a.txt
emr_until told
chmod 700 run
begin_host
as bento run 0 status --wait
two_unmount bento
echo "all is well"
