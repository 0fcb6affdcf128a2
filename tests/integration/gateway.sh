#!/bin/bash
# gateway.sh: two clinicians on one computer, each with a mount and a Samba server of examples/clinic-gateway. Each opens only what is
# shared with this clinician, saves as Word and Excel do where writing is allowed, leaves deposits, and is named in the patient's log; a
# closed folder takes nothing.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
for program in smbd smbclient pdbedit; do
	command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin
done
. "$SUPPORT/mount.sh"
. "$SUPPORT/ordinary.sh"
. "$SUPPORT/two.sh"
for program in smbd smbclient pdbedit; do
	command -v "$program" >/dev/null || emr_skip "$program is not installed (Debian: samba, smbclient)"
done
ordinary_user "$0"
gateway=$(cd "$(dirname "$0")/../../examples/clinic-gateway" && pwd)/clinic-gateway
two_begin gateway
eval "members_$(declare -f at_end)"
SERVERS=
at_end() {
	local pid all
	# A server's children write in its directory until they have ended, too.
	all="$SERVERS $(for pid in $SERVERS; do pgrep -P "$pid"; done)"
	for pid in $SERVERS; do kill "$pid" 2>/dev/null; done
	for pid in $all; do await_gone "$pid"; done
	members_at_end
}
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join lima "Paula Lima" clinician
two_join reis "Nuno Reis" clinician
two_cards ana lima reis
two_mount ana lima reis
mkdir -p ana-folder/Imaging ana-folder/Letters && echo "a knee" >ana-folder/Imaging/MRI.txt && echo "first words" >ana-folder/Letters/plan.docx && echo 1 >ana-folder/Letters/doses.xlsx || exit 2
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
as ana run 0 share Letters with lima --write --yes --wait

say "at a terminal the password is asked for, and not shown; an address that this computer has not is named"
python3 -c '
import os, pty, sys
shown = b""
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while b"not shown):" not in shown:
    shown += os.read(fd, 1000)
os.write(fd, b"typed-by-hand\ntyped-by-hand\n")
try:
    while piece := os.read(fd, 1000):
        shown += piece
except OSError:
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$gateway" password lima "$EMR_WORK/smb-lima" >out/asked || emr_fail "password: $(cat out/asked)"
! grep typed out/asked || emr_fail "the password is on the screen"
"$gateway" serve lima "$EMR_WORK/smb-lima" "$EMR_WORK/lima-folder" 192.0.2.11 2>out/no-address && emr_fail "served where it has no address"
grep -q "192.0.2.11 is no address of this computer" out/no-address || emr_fail "said: $(cat out/no-address)"

PORT=$(emr_port)
port() { [ "$1" = lima ] && echo $PORT || echo $((PORT + 1)); }
for who in lima reis; do
	login=$who
	[ $who = lima ] || login=Reis
	printf '%s-pass\n%s-pass\n' $who $who | "$gateway" password $login "$EMR_WORK/smb-$who" 2>out/pdbedit || emr_fail "password: $(cat out/pdbedit)"
	setsid "$gateway" serve $login "$EMR_WORK/smb-$who" "$EMR_WORK/$who-folder" 127.0.0.1 "$(port $who)" >"out/smbd-$who" 2>&1 </dev/null &
	SERVERS="$SERVERS $!"
done
disown -a
# smb WHO COMMANDS [LOG-IN [PASSWORD]]: at the server of WHO
smb() { smbclient -s "$EMR_WORK/smb-$1/smb.conf" -p "$(port "$1")" "//127.0.0.1/health" -U "${3:-${1/reis/Reis}}%${4:-${3:-$1}-pass}" -m SMB3 -c "$2" >out/smb 2>&1; }
must_smb() { smb "$@" || { cat out/smb "$EMR_WORK/smb-$1"/log* >&2; emr_fail "smbclient $1: $2"; }; }
emr_until smb lima ls
emr_until smb reis ls
ANA=shared-with-me/ana

say "each reads what is shared with him, and nobody else what is not"
arrived() { smb lima "cd \"$ANA/Imaging\"; get MRI.txt $EMR_WORK/out/MRI.txt"; }
emr_until arrived
must cmp ana-folder/Imaging/MRI.txt out/MRI.txt
must_smb reis "cd \"$ANA\"; ls"
! grep -q "Imaging\|Letters" out/smb || emr_fail "the other sees it: $(cat out/smb)"
! smb reis ls lima || emr_fail "lima logs in at the other's server"
! smb lima ls reis || emr_fail "the other logs in at lima's server"
! smb lima ls "$(id -un)" lima-pass || emr_fail "the account that runs the server logs in, beside lima"
! smb lima "cd \"$ANA/Imaging\"; put out/MRI.txt new.txt" || emr_fail "written where only reading is allowed"
grep -q MEDIA_WRITE_PROTECTED out/smb || emr_fail "said: $(cat out/smb)"

say "where she may write, a save by Word or Excel is one version, and hers"
version_is() { [ "$(attribute version "ana-folder/Letters/$1")" = "$2" ] && cmp -s "$3" "ana-folder/Letters/$1"; }
echo "better words" >plan && echo 2 >doses || exit 2
must_smb lima "cd \"$ANA/Letters\"; put plan ~\$plan.docx; put plan ~WRD0001.tmp; rename plan.docx ~WRL0002.tmp; rename ~WRD0001.tmp plan.docx; del ~WRL0002.tmp; del ~\$plan.docx"
must_smb lima "cd \"$ANA/Letters\"; put doses 1A2B3C4D; del doses.xlsx; rename 1A2B3C4D doses.xlsx"
emr_until version_is plan.docx 2 plan
emr_until version_is doses.xlsx 2 doses
signed() { getfattr --only-values -n user.emrfs.signature "ana-folder/Letters/$1" 2>/dev/null | grep -q "^valid by=lima, São Lucas "; }
emr_until signed plan.docx
emr_until signed doses.xlsx
expect "left behind" "$(ls -A ana-folder/Letters)" $'doses.xlsx\nplan.docx'

say "both leave deposits; each log names the right one, and the servers' logs the workstations"
must_smb lima "cd \"$ANA/Inbox\"; put plan lima.txt"
must_smb reis "cd \"$ANA/Inbox\"; put doses reis.txt"
both() { [ "$(ls ana-folder/Inbox/*/*/)" = $'lima.txt\nreis.txt' ]; }
emr_until both
by() { cat "$(echo ana-folder/Inbox/*/*)/$1" >/dev/null && getfattr --only-values -n user.emrfs.signed-by "$(echo ana-folder/Inbox/*/*)/$1" 2>/dev/null | grep -qx "$2, São Lucas"; }
emr_until by lima.txt lima
emr_until by reis.txt reis
opened() { as ana run 0 log Imaging && grep -q "lima, São Lucas (gives the name Paula Lima), treatment.*MRI.txt" out/said; }
emr_until opened
! grep -q Nuno out/said || emr_fail "the other opened it: $(cat out/said)"
"$gateway" log lima "$EMR_WORK/smb-lima" >out/audit
grep -q "^$(date +%F) [0-9:]*|lima|127.0.0.1|.*|openat|ok|r|.*Imaging/MRI.txt$" out/audit || emr_fail "workstation: $(cat out/audit "$EMR_WORK"/smb-lima/log* | head -40)"
! grep "|reis|.*|ok" out/audit || emr_fail "of the other: $(cat out/audit)"
say "each connection has a log of its own, which can be removed when it is old"
[ "$(grep -l do_log "$EMR_WORK"/smb-lima/log.[0-9]* | wc -l)" -gt 1 ] || emr_fail "one log for all: $(ls "$EMR_WORK/smb-lima")"
say "each log shows who logged in, also as the account of the server, and who was refused, also where the name has a capital"
grep -qx "$(date +%F) [0-9:]*|$(id -un)|127.0.0.1|.*||log-in|ok" out/audit || emr_fail "the account's log-in: $(cat out/audit)"
! smb reis ls 'x|y' || emr_fail "somebody unknown logs in"
"$gateway" log Reis "$EMR_WORK/smb-reis" >out/audit
for line in 'Reis|127.0.0.1|.*||log-in|ok' 'x?y|127.0.0.1|.*||log-in|NT_STATUS_.*' 'reis|127.0.0.1|.*|openat|ok|w|.*reis.txt'; do
	grep -qx "[^|]*|$line" out/audit || emr_fail "no $line: $(cat out/audit)"
done

say "who tries to log in again and again fills no disk, and who was let in stays known"
mkdir flood && python3 -c '
import json
def tried(name, status):
    print(json.dumps({"type": "Authentication", "Authentication": {"clientAccount": name, "status": status, "remoteAddress": "ipv4:192.0.2.1:1", "workstation": "W" * 200}}))
tried("Reis", "NT_STATUS_OK")
for i in range(30000): tried("nobody%d \"status\": \"NT_STATUS_OK\"" % i, "NT_STATUS_NO_SUCH_USER")' >flood/log.in || exit 2
flood_port=$(emr_port)
setsid "$gateway" serve Reis "$EMR_WORK/flood" "$EMR_WORK/reis-folder" 127.0.0.1 "$flood_port" >out/smbd-flood 2>&1 </dev/null &
SERVERS="$SERVERS $!"
emr_until test -s flood/log.in-refused
[ "$(cat flood/log.in* | wc -c)" -lt 5000000 ] || emr_fail "it is not bounded: $(ls -l flood)"
"$gateway" log Reis "$EMR_WORK/flood" >out/audit
grep -q '^|Reis|192.0.2.1|.*|log-in|ok' out/audit || emr_fail "who was let in is forgotten: $(ls -l flood)"
grep -q '^|nobody29999 .*|log-in|NT_STATUS_NO_SUCH_USER' out/audit || emr_fail "the newest refusal is forgotten"

say "a name that a patient chose is no line of the server's log"
forged=$'knee\xc2\x9b2J\nlima|198.51.100.7|EVIL|health|openat|ok|r|never opened'
echo "a strange name" >"ana-folder/Imaging/$forged" || exit 2
strange() { smb lima "cd \"$ANA/Imaging\"; ls" && mangled=$(sed -n 's/^  \([^ ]*~[^ ]*\) .*/\1/p' out/smb) && [ -n "$mangled" ]; }
emr_until strange
must_smb lima "cd \"$ANA/Imaging\"; get $mangled $EMR_WORK/out/strange"
expect "read by another name" "$(cat out/strange)" "a strange name"
"$gateway" log lima "$EMR_WORK/smb-lima" >out/audit
grep -q "|openat|ok|r|.*Imaging/knee_2J_lima|198.51.100.7|EVIL|health|openat|ok|r|never opened$" out/audit || emr_fail "its opening is not told: $(tail -5 out/audit)"
! grep -E "^([^|]*[|])?lima[|]198" out/audit || emr_fail "a line that nobody caused"

say "a folder that is closed in the middle of a session takes and gives nothing more, and nothing lands in clear below it"
mkfifo session && exec 6<>session || exit 2
smbclient -s "$EMR_WORK/smb-lima/smb.conf" -p "$PORT" "//127.0.0.1/health" -U lima%lima-pass -m SMB3 <session >out/session 2>&1 6>&- &
SESSION=$!
echo "get \"$ANA/Imaging/MRI.txt\" $EMR_WORK/out/before" >&6
emr_until cmp -s ana-folder/Imaging/MRI.txt out/before
as lima run 0 unmount --now
echo "get \"$ANA/Imaging/MRI.txt\" $EMR_WORK/out/after
put plan in-clear.txt
mkdir in-clear
cd \"$ANA/Inbox\"
put plan in-clear.txt
quit" >&6
exec 6>&- # it reads the rest at the end
await_gone $SESSION
grep -q NT_STATUS out/session || emr_fail "nothing was refused: $(cat out/session)"
[ ! -s out/after ] || emr_fail "read after it was closed"
expect "in clear" "$(ls -A lima-folder)" ""
two_mount lima
emr_until smb lima ls

say "a closed folder is refused, and nothing lands in clear below it; the other's stays open"
two_unmount lima
! smb lima "put plan in-clear.txt" || emr_fail "written below the closed folder"
grep -q NT_STATUS_ACCESS_DENIED out/smb || emr_fail "said: $(cat out/smb)"
expect "in clear" "$(ls -A lima-folder)" ""
must_smb reis "cd \"$ANA/Inbox\"; ls"
must mkdir "$EMR_WORK/other"
"$gateway" serve 'li/ma' "$EMR_WORK/other" "$EMR_WORK" 127.0.0.1 1 2>/dev/null
expect "a log-in that leads elsewhere" $? 2
must mkdir "$EMR_WORK/\$(id) %U"
"$gateway" serve lima "$EMR_WORK/other" "$EMR_WORK/\$(id) %U" 127.0.0.1 1 2>/dev/null
expect "a folder that Samba or a shell would call otherwise" $? 2
echo "all is well"
