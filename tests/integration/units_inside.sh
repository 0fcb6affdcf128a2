#!/bin/bash
# units_inside.sh: runs in a container with a systemd of its own (units.sh): the commands of doc/hospital.md set up a hospital's deposits and a
# clinician's server, as they stand there, line by line, and their services place a letter and serve the folder; then the units of a person's
# own service manager.
export LC_ALL=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
fail() {
	echo "FAILED in the container: $*"
	journalctl --no-pager -n 40 -o cat
	exit 1
}
must() { "$@" || fail "status $? of: $*"; }
say() { printf '%s\n' "- $*"; }
until_it_is() { # COMMAND...
	local end=$((SECONDS + 120))
	until "$@" >/tmp/tried 2>&1; do
		[ $SECONDS -lt $end ] || fail "not within two minutes: $*: $(cat /tmp/tried)"
		sleep 0.2
	done
}
PATH=$PATH:/usr/local/lib/emrfs/hospital-deposit:/usr/local/lib/emrfs/clinic-gateway:/pkg/source/examples/pacs-view
cd /pkg/source || exit 2
page=/pkg/source/doc/hospital.md
# block HEADING: the commands of PAGE below it; inline BEGINNING: the command in the text of PAGE that begins so
inline() { grep -o '`[^`]*`' "$page" | tr -d '`' | grep -m 1 "^$1" || fail "the page has no such command: $1"; }
block() { awk -v heading="$1" 'index($0, heading) == 1 && /^#/ { below = 1; next } below && /^```$/ { if (inside) exit; inside = 1; next } inside' "$page"; }

# The program `types` answers every question for a passphrase.
printf '#!/bin/sh\necho "the passphrase of this test"\n' >/usr/local/bin/types && chmod 755 /usr/local/bin/types
export EMRFS_ASKPASS=/usr/local/bin/types
printf 'issuer,patient_id,who,born\n,K7QF,ana,1984-03-12\n' >patients.csv
ana_comes() {
	as admin invite ana --role patient -o ana.invitation --wait >/tmp/said 2>&1 &
	until_it_is test -s /var/lib/emrfs/ana.invitation
	must as ana init --join ana.invitation --words-file ana.words --yes --name "Silva, Ana" --born 1984-03-12 >/tmp/said 2>&1
	must wait $!
	must as ana people card -o ana.card >/tmp/said 2>&1
	echo "tell-patients = yes" | runuser -u emrfs -- tee -a /var/lib/emrfs/ana/settings >/dev/null
	mkdir -m 700 /var/lib/emrfs/ana-folder && chown emrfs:emrfs /var/lib/emrfs/ana-folder
}
# at_a_terminal LINE: who sits there types the passphrase when nothing that is typed shows any more; what the screen has stays in /tmp/screen.
at_a_terminal() {
	/usr/bin/python3 - "$1" "$(types)" >/tmp/screen <<'END'
import os, pty, sys, termios, time
pid, screen = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "-c", sys.argv[1]])
for _ in range(600):
    if not termios.tcgetattr(screen)[3] & termios.ECHO:
        break
    time.sleep(0.1)
os.write(screen, sys.argv[2].encode() + b"\n")
try:
    while said := os.read(screen, 4096):
        sys.stdout.buffer.write(said)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}
# on_paper NAME: what is shown are 24 words, and afterwards nobody finds them on this computer.
on_paper() {
	local words
	words=$(cat "/run/emrfs-words/$1") || fail "there are no words of $1"
	paper "$1" >/tmp/pasted <<<'' || fail "paper $1: $(cat /tmp/pasted)"
	grep -qF "$words" /tmp/pasted && [ "$(grep -oE '[a-z]{3,}' <<<"$words" | wc -l)" -ge 24 ] || fail "no words are shown: $(cat /tmp/pasted)"
	rm /tmp/pasted
	! grep -rslF -- "$(head -n 1 <<<"$words")" /var/lib/emrfs /run/emrfs-words /etc/emrfs /etc/credstore.encrypted || fail "words of $1 are left"
}
# paste: each line on standard input, as it stands; what another terminal answers goes on in the background.
paste() {
	local line file
	while IFS= read -r line <&3; do
		case $line in
		*"org create"* | *" init "*) eval "${line/ --words-file/ --yes --words-file}" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)" ;;
		*"invite"*)
			file=${line##*-o } file=${file%% *}
			eval "$line" >/tmp/invited 2>&1 &
			until_it_is compgen -G "/var/lib/emrfs*/$file"
			;;
		"paper "*) on_paper "${line#paper }" ;;
		"sealed "* | "systemd-creds encrypt"*)
			at_a_terminal "$line" || fail "$line: $(cat /tmp/screen)"
			! grep -q "passphrase of this test" /tmp/screen || fail "a passphrase is on the screen: $line"
			;;
		"sealed()"*) eval "$line" && export -f sealed ;;
		*clinic-gateway\ password*) printf 'at Windows\nat Windows\n' | eval "$line" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)" ;;
		*ana.card*)
			ana_comes
			eval "$line" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)"
			;;
		*) eval "$line" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)" ;;
		esac
	done 3<&0
	wait
}
# started UNIT...: they run; what was tried is compared with what there is at the end.
tried=
started() {
	local unit
	for unit in "$@"; do
		[ "$(systemctl is-active "$unit")" = active ] || fail "$unit: $(systemctl status --no-pager "$unit")"
		tried="$tried ${unit/@*/@}"
	done
}
# stopped UNIT...: in order
stopped() {
	local unit
	must systemctl stop "$@"
	for unit in "$@"; do
		[ "$(systemctl show -p Result --value "$unit")" = success ] || fail "$unit ended with $(systemctl show -p Result --value "$unit")"
	done
}

# stays_closed SYSTEMCTL UNIT: it ended by itself, and is not begun again.
stays_closed() {
	has_ended() { case $("$1" show -p ActiveState --value "$2") in active | deactivating) return 1 ;; esac; }
	until_it_is has_ended "$1" "$2"
	[ "$("$1" show -p ActiveState --value "$2")" = inactive ] || fail "$2 was closed, and is $("$1" show -p SubState --value "$2")"
}

say "deposits: doc/hospital.md, line by line"
block "### Setting it up" >/tmp/deposits && [ "$(wc -l </tmp/deposits)" -gt 10 ] || fail "the page has no such commands: deposits"
paste </tmp/deposits
started emrfs-deposit-folder emrfs-deposit-receive emrfs-deposit-place
as ana mount /var/lib/emrfs/ana-folder >/tmp/said 2>&1 || fail "ana's folder: $(cat /tmp/said)"
is_there() { runuser -u emrfs -- sh -c 'ls -d /var/lib/emrfs/deposit-folder/shared-with-me/*/Inbox'; }
until_it_is is_there
# A record system of another account leaves a letter.
mkdir /srv/emrfs-drop/K7QF && chgrp emrfs-deposit /srv/emrfs-drop/K7QF && chmod 2770 /srv/emrfs-drop/K7QF
echo "a letter" >/srv/emrfs-drop/K7QF/letter.txt && chmod 660 /srv/emrfs-drop/K7QF/letter.txt && touch -d '1 minute ago' /srv/emrfs-drop/K7QF/letter.txt
arrived() { runuser -u emrfs -- find /var/lib/emrfs/ana-folder/Inbox -type f -name 'letter *' | grep -q .; }
until_it_is arrived
image=$(/usr/bin/python3 -c 'from pydicom.data import get_testdata_file; print(get_testdata_file("CT_small.dcm"))')
sent() { storescu -aec EMRFS 127.0.0.1 11112 "$image"; }
until_it_is sent
held() { find /var/lib/emrfs-deposit/unplaced -type f -name 'unknown patient*' | grep -q .; }
until_it_is held
started emrfs-deposit-folder emrfs-deposit-receive emrfs-deposit-place
# By TLS, with the line of the page.
must openssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/emrfs/key.pem -out /etc/emrfs/certificate.pem -subj /CN=pacs -days 2 2>/tmp/said
must cp /etc/emrfs/certificate.pem /etc/emrfs/ca.pem
chgrp emrfs-receive /etc/emrfs/key.pem && chmod 640 /etc/emrfs/key.pem
sed -n 's/^ *\(OPTIONS=.*\)/\1/p' "$page" >/etc/emrfs/receive && . /etc/emrfs/receive
must systemctl restart emrfs-deposit-receive
watched() { eval "$(inline 'hospital-deposit status') ${1:-}" >/tmp/said; grep -c "no receiver answers" /tmp/said; }
answers() { [ "$(watched "$OPTIONS")" = 0 ]; }
until_it_is answers
must storescu ${OPTIONS#-- } -aec EMRFS 127.0.0.1 11112 "$image"
[ "$(watched)" = 1 ] && ! sent 2>/tmp/said || fail "clear text is taken, too"
# The account that faces the network, with the groups of its unit, reads nothing of what waits, whose it is, or whom it is for.
touch /srv/emrfs-drop/K7QF/later.txt.part && chmod 660 /srv/emrfs-drop/K7QF/later.txt.part
facing() { setpriv --reuid=emrfs-receive --regid="$(systemctl show -p Group --value emrfs-deposit-receive)" --init-groups "$@"; }
facing ls /var/lib/emrfs-deposit/arriving >/tmp/said 2>&1 || fail "it does not reach what arrives: $(cat /tmp/said)"
for place in /var/lib/emrfs-deposit/queue /var/lib/emrfs-deposit/unplaced /var/lib/emrfs-deposit/deposit.sqlite /srv/emrfs-drop /srv/emrfs-drop/K7QF \
	/etc/emrfs/patients.csv /var/lib/emrfs/deposit /var/lib/emrfs/deposit-folder; do
	[ -e "$place" ] || runuser -u emrfs -- test -e "$place" || fail "there is no $place"
	! facing test -r "$place" && ! facing test -x "$place" && [ -z "$(facing find "$place" -type f -readable 2>/dev/null)" ] || fail "the account that faces the network reads $place"
done

say "a record system with umask 022: its letter is not delivered and left in clear; the journal has the command, once"
must useradd -G emrfs-deposit records
runuser -u records -- sh -c 'umask 022; mkdir /srv/emrfs-drop/NOBODY && echo "in clear" >/srv/emrfs-drop/NOBODY/note.txt'
mend() { journalctl -u emrfs-deposit-place -o cat | sed -n 's|^/srv/emrfs-drop/NOBODY: .*so nothing is taken: \(find .*\), and umask.*|\1|p'; }
told() { mend | grep -q .; }
until_it_is told
[ "$(mend | wc -l)" = 1 ] || fail "told $(mend | wc -l) times"
must sh -c "$(mend)"
taken() { ! ls /srv/emrfs-drop/NOBODY/* >/dev/null 2>&1; }
until_it_is taken
eval "$(inline 'hospital-deposit status') $OPTIONS" >/tmp/said
[ $? = 1 ] && grep -q '"unknown patient NOBODY": 1' /tmp/said || fail "status: $(cat /tmp/said)"

say "a clinician's server: doc/hospital.md, line by line"
block "### Setting up a clinician" >/tmp/clinic && [ "$(wc -l </tmp/clinic)" -gt 6 ] || fail "the page has no such commands: a clinician"
ip address add 192.0.2.11/32 dev lo
paste </tmp/clinic
runuser -u emrfs -- sh -c 'echo "a note" >/var/lib/emrfs/clinic/lima/folder/note.txt'
listed() { smbclient //192.0.2.11/health -U 'lima%at Windows' -m SMB3 -c ls | grep -q note.txt; }
until_it_is listed
started emrfs-clinic-folder@lima emrfs-clinic-server@lima
# The server sees her folder, and neither her keyring nor other people's.
server=$(systemctl show -p MainPID --value emrfs-clinic-server@lima)
seen() { nsenter -t "$server" -m runuser -u emrfs -- ls "$1" 2>/dev/null; }
[ "$(seen /var/lib/emrfs)" = clinic ] && [ "$(seen /var/lib/emrfs/clinic)" = lima ] || fail "the server sees $(seen /var/lib/emrfs) $(seen /var/lib/emrfs/clinic)"
[ -z "$(seen /var/lib/emrfs/clinic/lima/home)" ] || fail "the server sees her keyring"
seen /var/lib/emrfs/clinic/lima/folder | grep -qx note.txt || fail "the server does not see her folder"
for line in "$(inline 'systemctl is-active')" "$(inline 'find /var/lib')"; do eval "${line//NAME/lima}" >/tmp/said || fail "$line: $(cat /tmp/said)"; done
must runuser -u emrfs -- sh -c "$(inline 'EMRFS_HOME=.* emrfs status' | sed s/NAME/lima/)" >/tmp/said
runuser -u emrfs -- env PATH="$PATH" sh -c "$(inline 'clinic-gateway log' | sed s,DIR,/var/lib/emrfs/clinic/lima/server,)" >/tmp/said
grep -q '|lima|192.0.2.11|.*|log-in|ok' /tmp/said || fail "the server's log: $(cat /tmp/said)"

say "a workstation: doc/hospital.md; it finds the study that is shared with her"
block "## DICOM workstations" >/tmp/workstation && [ -s /tmp/workstation ] || fail "the page has no such command"
ip address add 192.0.2.40/32 dev lo
{
	as clinic/lima/home people card -o lima.card && as ana people add lima.card --name lima && as clinic/lima/home people add ana.card --name ana &&
		runuser -u emrfs -- mkdir -p /var/lib/emrfs/ana-folder/Imaging/Knee && runuser -u emrfs -- cp "$image" /var/lib/emrfs/ana-folder/Imaging/Knee/ &&
		as ana status --wait && as ana share Imaging with lima --yes --wait
} >/tmp/said 2>&1 || fail "sharing: $(cat /tmp/said)"
shared() { runuser -u emrfs -- sh -c 'ls /var/lib/emrfs/clinic/lima/folder/shared-with-me/ana/Imaging/Knee/*.dcm'; }
until_it_is shared
install -d -o emrfs -m 700 /run/lima /tmp/lima && ln -s /var/lib/emrfs/clinic/lima/folder /tmp/lima/Health
runuser -u emrfs -- env HOME=/tmp/lima XDG_RUNTIME_DIR=/run/lima PATH="$PATH" bash -c "$(cat /tmp/workstation)" >/tmp/pacs 2>&1 &
viewing=$!
finds() { findscu -S -aet WS7 -aec LIMA -k QueryRetrieveLevel=STUDY -k StudyInstanceUID -k PatientName 192.0.2.40 11113 2>&1 | grep -q CompressedSamples || { cat /tmp/pacs; false; }; }
until_it_is finds
# Closed by itself (idle, or her own unmount) it stays closed, and the server ends.
as clinic/lima/home unmount >/tmp/said 2>&1 || fail "her folder: $(cat /tmp/said)"
stays_closed systemctl emrfs-clinic-folder@lima
wait $viewing || fail "pacs-view: $(cat /tmp/pacs)"
[ "$(grep -c '^ *```' "$page")" = 14 ] || fail "a block of doc/hospital.md is not tried here"
ended_server() { [ "$(systemctl is-active emrfs-clinic-server@lima)" = inactive ]; }
until_it_is ended_server
as ana unmount >/tmp/said || fail "ana's folder: $(cat /tmp/said)"
stopped emrfs-deposit-place emrfs-deposit-receive emrfs-deposit-folder

say "a host: doc/operate.md, line by line; somebody of another account joins"
page=/pkg/source/doc/operate.md
ip address add 192.168.0.7/32 dev lo
block "### A host that starts with the computer" >/tmp/host && [ "$(wc -l </tmp/host)" -gt 5 ] || fail "the page has no such commands: a host"
bento_comes() {
	until_it_is test -s /var/lib/emrfs-host/bento.invitation
	install -m 600 -o games /var/lib/emrfs-host/bento.invitation /tmp/bento.invitation
	install -d -m 700 -o games /tmp/bento
	must runuser -u games -- env HOME=/tmp/bento EMRFS_HOME=/tmp/bento emrfs init --join /tmp/bento.invitation --yes --name Bento --words-file /tmp/bento/words >/tmp/said 2>&1
}
bento_comes &
paste </tmp/host
[ -e /tmp/bento/state/keyfile ] || fail "nobody joined: $(cat /tmp/said)"
started emrfs-host
as_host emrfs host --status network >/tmp/said || fail "host --status: $(cat /tmp/said)"
grep -q "^The host serves Praxis Ana at https://192.168.0.7:7443" /tmp/said && grep -q "2 members" /tmp/said || fail "host --status: $(cat /tmp/said)"
must systemctl kill -s KILL emrfs-host
again() { [ "$(systemctl show -p NRestarts --value emrfs-host)" = 1 ] && [ "$(systemctl is-active emrfs-host)" = active ]; }
until_it_is again
! journalctl -u emrfs-host -o cat | grep -i bento || fail "the journal names who joined"
stopped emrfs-host

say "the units of a person"
must useradd -m -s /bin/bash anatest
uid=$(id -u anatest)
mkdir -p "/etc/systemd/system/user@$uid.service.d"
for name in emrfs.passphrase emrfs.passphrase.child; do
	types | systemd-creds encrypt --name=$name - /etc/credstore.encrypted/user.$name || fail "systemd-creds"
	printf '[Service]\nLoadCredentialEncrypted=%s:/etc/credstore.encrypted/user.%s\n' $name $name >"/etc/systemd/system/user@$uid.service.d/$name.conf"
done
must systemctl daemon-reload
must loginctl enable-linger anatest
until_it_is systemctl is-active "user@$uid"
of_ana() { runuser -u anatest -- env -C /home/anatest HOME=/home/anatest XDG_RUNTIME_DIR="/run/user/$uid" EMRFS_ASKPASS=$EMRFS_ASKPASS "$@"; }
hers() { of_ana systemctl --user "$@"; }
her_start() { # UNIT
	hers start "$1" || fail "$1: $(hers status --no-pager "$1")"
	[ "$(hers is-active "$1")" = active ] || fail "$1: $(hers status --no-pager "$1")"
	tried="$tried ${1/@*/@}"
}
her_stop() {
	hers stop "$1" || fail "$1 does not stop"
	[ "$(hers show -p Result --value "$1")" = success ] || fail "$1 ended with $(hers show -p Result --value "$1")"
}
of_ana emrfs init --yes --name "Ana Silva" --born 1984-03-12 --words-file words >/tmp/said 2>&1 || fail "init: $(cat /tmp/said)"
of_ana emrfs --as child init --yes --name "Rui Silva" --born 2014-03-12 --words-file child-words >/tmp/said 2>&1 || fail "init: $(cat /tmp/said)"
for unit in emrfs emrfs@child; do
	folder=/home/anatest/Health
	[ $unit = emrfs ] || folder=$folder-child
	her_start $unit
	of_ana sh -c 'echo "a letter" >"$1/letter.txt" && mountpoint -q "$1" && grep -qx "a letter" "$1/letter.txt"' - $folder || fail "$unit: no folder"
	her_stop $unit
	! mountpoint -q $folder || fail "$unit: still open"
done

say "the folder is closed when the session is locked"
her_start emrfs
her_start emrfs-lock
must systemd-run --quiet --unit=at-the-desk -p PAMName=login -p User=anatest sleep infinity
session() { loginctl list-sessions --no-legend | awk '$3 == "anatest" { print $1 }' | grep .; }
until_it_is session
must loginctl lock-session "$(session)"
closed() { ! mountpoint -q /home/anatest/Health; }
until_it_is closed
stays_closed hers emrfs
her_stop emrfs-lock
must systemctl stop at-the-desk

say "an agent, which reaches hosts from where it is shut in"
of_ana emrfs --as hospital org create "Norte" --network net --yes --words-file hospital-words >/tmp/said 2>&1 || fail "org create: $(cat /tmp/said)"
of_ana emrfs --as hospital host net 127.0.0.1:8443 >/tmp/said 2>&1 || fail "host: $(cat /tmp/said)"
of_ana emrfs --as hospital invite keys --role agent -o keys.invitation --wait >/tmp/said 2>&1 &
until_it_is test -s /home/anatest/keys.invitation
of_ana emrfs --as agent init --join keys.invitation --yes --words-file agent-words >/tmp/joined 2>&1 || fail "init: $(cat /tmp/joined)"
wait $! || fail "invite: $(cat /tmp/said)"
python3 -m http.server --bind 127.0.0.1 8811 >/tmp/listener 2>&1 &
python3 -m http.server --bind ::1 8811 >/tmp/listener6 2>&1 &
mkdir -p /home/anatest/.config/systemd/user/emrfs-agent.service.d
printf '[Service]\nExecStartPre=/usr/bin/curl -sf --retry 20 --retry-connrefused --retry-delay 1 -o /dev/null http://127.0.0.1:8811/ http://[::1]:8811/\n' >/home/anatest/.config/systemd/user/emrfs-agent.service.d/reaches.conf
hers daemon-reload
her_start emrfs-agent
of_ana emrfs --as agent agent --status >/tmp/said 2>&1 || fail "agent --status: $(cat /tmp/said)"
her_stop emrfs-agent

forgotten=$(for file in /usr/lib/systemd/user/emrfs* /usr/lib/systemd/system/emrfs* /etc/systemd/system/emrfs*.service; do basename "${file%.service}"; done | sort -u | grep -vxFf <(printf '%s\n' $tried))
[ -z "$forgotten" ] || fail "not tried: $forgotten"
[ -z "$(systemctl list-units --failed --no-legend 'emrfs*')$(hers --failed --no-legend)" ] || fail "failed: $(systemctl --failed; hers --failed)"
