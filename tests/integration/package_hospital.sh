#!/bin/bash
# package_hospital.sh DEB: runs in a root that is thrown away: the commands of doc/hospital.md set up a hospital's deposits and a clinician's
# server, as they stand there, line by line; then the services' own commands, as their units have them, place a letter and serve the folder.
# No service manager runs here: of the units it reads accounts and commands, and systemd-analyze the rest.
deb=$1
export LC_ALL=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
fail() { echo "FAILED in the root: $*" >&2; exit 1; }
must() { "$@" || fail "status $? of: $*"; }
until_it_is() { # COMMAND...
	local end=$((SECONDS + 60))
	until "$@" >/tmp/tried 2>&1; do
		[ $SECONDS -lt $end ] || fail "not within a minute: $*: $(cat /tmp/tried)"
		sleep 0.2
	done
}
for program in systemctl systemd-creds systemd-analyze adduser runuser setpriv; do
	command -v $program >/dev/null || { echo "- (the page of hospitals is not tried: no $program)"; exit 0; }
done
/usr/bin/python3 -c 'import pydicom' 2>/dev/null || { echo "- (the page of hospitals is not tried: no pydicom)"; exit 0; }
must dpkg -i "$deb" >/tmp/added
ip link set lo up
cd /pkg/source || exit 2
page=/usr/share/doc/emrfs/doc/hospital.md
block() { awk -v heading="### $1" '$0 == heading { below = 1; next } below && /^```$/ { if (inside) exit; inside = 1; next } inside' "$page"; }

# Who is asked for a passphrase types this one.
printf '#!/bin/sh\necho "the passphrase of this test"\n' >/usr/local/bin/types && chmod 755 /usr/local/bin/types
export EMRFS_ASKPASS=/usr/local/bin/types
printf 'issuer,patient_id,who,born\n,K7QF,ana,1984-03-12\n' >patients.csv
ana_comes() {
	as admin org invite ana --role patient -o ana.invitation >/tmp/said 2>&1 &
	until_it_is test -s /var/lib/emrfs/ana.invitation
	must as ana init --join ana.invitation --words-file ana.words --yes --name "Silva, Ana" --born 1984-03-12 >/tmp/said 2>&1
	must wait $!
	must as ana people card -o ana.card >/tmp/said 2>&1
	mkdir -m 700 /var/lib/emrfs/ana-folder && chown emrfs:emrfs /var/lib/emrfs/ana-folder
}
# paste: each line on standard input, as it stands; what another terminal answers goes on in the background.
paste() {
	local line file
	while IFS= read -r line <&3; do
		case $line in
		*"org create"* | *" init "*) eval "${line/ --words-file/ --yes --words-file}" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)" ;;
		*"org invite"*)
			file=${line##*-o } file=/var/lib/emrfs/${file%% *}
			eval "$line" >/tmp/invited 2>&1 &
			until_it_is test -s "$file"
			;;
		*"systemd-creds encrypt"*) types | eval "$line" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)" ;;
		"systemctl enable --now "*) must eval "${line/ --now/}" >/tmp/pasted 2>&1 ;; # nothing starts it here
		*clinic-gateway\ password*) printf 'at Windows\nat Windows\n' | eval "$line" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)" ;;
		*ana.card*)
			ana_comes
			as deposit mount /var/lib/emrfs/deposit-folder >/tmp/said 2>&1 || fail "the folder of deposits: $(cat /tmp/said)"
			eval "$line" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)"
			;;
		*) eval "$line" >/tmp/pasted 2>&1 || fail "$line: $(cat /tmp/pasted)" ;;
		esac
	done 3<&0
	wait
}
# of UNIT KEY: what the unit says there, of the clinician where it is a template
of() { sed -n "s/^$2=//p" "/etc/systemd/system/$1.service" | sed 's/%i/lima/g'; }
verified() { # UNIT [INSTANCE]
	local said
	said=$(systemd-analyze verify "/etc/systemd/system/${1/@/@${2:-}}.service" 2>&1 | grep -i emrfs)
	[ -z "$said" ] || fail "$1: $said"
}

block "Setting it up" >/tmp/deposits && [ "$(wc -l </tmp/deposits)" -gt 10 ] || fail "the page has no such commands: deposits"
paste </tmp/deposits
for unit in emrfs-deposit-folder emrfs-deposit-receive emrfs-deposit-place; do
	verified $unit
	[ -L /etc/systemd/system/multi-user.target.wants/$unit.service ] || fail "$unit does not start with the computer"
done
[ "$(systemd-creds decrypt --name=emrfs.passphrase /etc/credstore.encrypted/emrfs.passphrase - 2>/dev/null)" = "$(types)" ] || fail "the credential"
as ana mount /var/lib/emrfs/ana-folder >/tmp/said 2>&1 || fail "ana's folder: $(cat /tmp/said)"
is_there() { runuser -u emrfs -- sh -c 'ls -d /var/lib/emrfs/deposit-folder/shared-with-me/*/Inbox'; }
until_it_is is_there
# A record system of another account leaves a letter.
mkdir /srv/emrfs-drop/K7QF && chgrp emrfs-deposit /srv/emrfs-drop/K7QF && chmod 2770 /srv/emrfs-drop/K7QF
echo "a letter" >/srv/emrfs-drop/K7QF/letter.txt && chmod 660 /srv/emrfs-drop/K7QF/letter.txt && touch -d '1 minute ago' /srv/emrfs-drop/K7QF/letter.txt
account=$(of emrfs-deposit-place User) group=$(getent group "$(of emrfs-deposit-place SupplementaryGroups)" | cut -d: -f3)
place() {
	# shellcheck disable=SC2046,SC2086
	env $(of emrfs-deposit-place Environment) setpriv --reuid="$account" --regid="$account" --groups="$group" --inh-caps=+lease --ambient-caps=+lease \
		python3 -B $(of emrfs-deposit-place ExecStart) --once
}
arrived() { runuser -u emrfs -- find /var/lib/emrfs/ana-folder/Inbox -type f -name 'letter *' | grep -q .; }
comes() { place >/tmp/placed 2>&1 && arrived; }
until_it_is comes
if command -v storescp storescu >/dev/null; then
	# shellcheck disable=SC2046
	setpriv --reuid="$(of emrfs-deposit-receive User)" --regid="$(of emrfs-deposit-receive Group)" --clear-groups python3 -B $(of emrfs-deposit-receive ExecStart) >/tmp/received 2>&1 &
	receiver=$!
	image=$(/usr/bin/python3 -c 'from pydicom.data import get_testdata_file; print(get_testdata_file("CT_small.dcm"))')
	sent() { storescu -aec EMRFS 127.0.0.1 11112 "$image"; }
	until_it_is sent
	kill $receiver
	must place >/tmp/placed 2>&1
	[ "$(find /var/lib/emrfs-deposit/unplaced -type f -name 'unknown patient*' | wc -l)" = 1 ] || fail "an image of nobody here: $(cat /tmp/placed)"
fi

block "Setting up a clinician" >/tmp/clinic && [ "$(wc -l </tmp/clinic)" -gt 6 ] || fail "the page has no such commands: a clinician"
if command -v smbd smbclient pdbedit >/dev/null; then
	paste </tmp/clinic
	verified emrfs-clinic-folder@ lima
	verified emrfs-clinic-server@ lima
	[ "$(systemd-creds decrypt --name=emrfs.passphrase /etc/credstore.encrypted/emrfs.passphrase.lima - 2>/dev/null)" = "$(types)" ] || fail "her credential"
	as clinic/lima/home mount /var/lib/emrfs/clinic/lima/folder >/tmp/said 2>&1 || fail "her folder: $(cat /tmp/said)"
	runuser -u emrfs -- sh -c 'echo "a note" >/var/lib/emrfs/clinic/lima/folder/note.txt'
	grep -qx 'ADDRESS=[0-9.]*' "$(of emrfs-clinic-server@ EnvironmentFile)" || fail "no address: $(cat "$(of emrfs-clinic-server@ EnvironmentFile)")"
	command=$(of emrfs-clinic-server@ ExecStart)
	# shellcheck disable=SC2086
	setpriv --reuid=emrfs --regid=emrfs --clear-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service ${command/'${ADDRESS}'/127.0.0.1} >/tmp/server 2>&1 &
	server=$!
	listed() { smbclient //127.0.0.1/health -U 'lima%at Windows' -m SMB3 -c ls | grep -q note.txt; }
	until_it_is listed
	kill $server
	as clinic/lima/home unmount >/tmp/said 2>&1 || as clinic/lima/home unmount --now >/tmp/said 2>&1
fi
must as ana unmount >/tmp/said
must as deposit unmount >/tmp/said
