#!/bin/bash
# package_inside.sh DEB: runs in a root that is thrown away: installs the package, uses it as an ordinary user, removes it,
# and finds everything that belongs to the user where it was.  apt-get when it may fetch (EMR_FETCH=1), else dpkg.
deb=$1
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
fail() { echo "FAILED in the root: $*" >&2; exit 1; }
must() { "$@" || fail "status $? of: $*"; }

# The root is a copy of a computer that may have emrfs, or serve a hospital as doc/hospital.md has it.  It begins without.
[ "${deb%/*}" = /pkg ] || fail "this is no root to throw away"
! dpkg -s emrfs >/dev/null 2>&1 || must dpkg -P emrfs >/dev/null
rm -rf /var/lib/emrfs* /srv/emrfs-drop
found() { # what has the name of emrfs where programs are
	find / -xdev \( -path /proc -o -path /home -o -path /sys -o -path /dev -o -path /pkg -o -path /tmp \) -prune -o \
		\( -path '/usr/*emrfs*' -o -path '/etc/*emrfs*' \) "$@"
}
found -prune -exec rm -rf {} +
for account in emrfs-receive emrfs-deposit emrfs anatest; do
	! getent passwd $account >/dev/null || must userdel -f $account 2>/dev/null
	! getent group $account >/dev/null || must groupdel $account
done

add() {
	if [ -n "${EMR_FETCH:-}" ]; then
		{ apt-get update -qq && apt-get install -qq -y --no-install-recommends "$deb"; } >/tmp/added 2>&1 || fail "apt-get install: $(tail -5 /tmp/added)"
	else
		must dpkg -i "$deb" >/tmp/added
	fi
	! grep -i warning /tmp/added || fail "the installation warned"
}
add
getent passwd anatest >/dev/null || must useradd -m anatest
mkdir -p /run/user/4242 && chown anatest /run/user/4242 && chmod 700 /run/user/4242
# as COMMAND...: as an ordinary user without a desktop.
as() {
	(cd /home/anatest && setpriv --reuid=anatest --regid=anatest --init-groups env -i HOME=/home/anatest \
		LC_ALL=C.UTF-8 PATH=/usr/bin:/bin XDG_RUNTIME_DIR=/run/user/4242 "$@")
}
as sh -c 'umask 077; mkdir -p .config/emrfs credentials; echo "kdf = 8,1" >.config/emrfs/settings
	echo "passphrase of the test" >credentials/emrfs.passphrase'

# Everything is well but that there is no keyring yet.
as emrfs check --json >/tmp/checked
wrong=$(grep -o '"name": *"[a-z0-9]*", *"ok": *false' /tmp/checked | grep -vE '"(state|keyfile|clock|disk|memory)"')
[ -z "$wrong" ] || fail "emrfs check: $wrong: $(cat /tmp/checked)"
must as emrfs init --yes --name Ana --passphrase-file credentials/emrfs.passphrase --words-file words >/tmp/said
must as emrfs check >/tmp/checked
# A first try that fails leaves no open directory behind, where a program would save in clear.
as sh -c 'umask 077; echo "another" >credentials/wrong'
as emrfs mount --passphrase-file credentials/wrong >/tmp/said 2>&1
[ $? = 12 ] || fail "a wrong passphrase: $(cat /tmp/said)"
! as touch Health/clear 2>/dev/null || fail "the folder takes files before it was ever open"
# The way of the unit: the credential answers, and the service manager is told.
as env CREDENTIALS_DIRECTORY=/home/anatest/credentials /usr/libexec/emrfs/askpass --can-ask || fail "askpass does not see the credential"
! as /usr/libexec/emrfs/askpass --can-ask || fail "askpass would ask where there is no window"
must as env CREDENTIALS_DIRECTORY=/home/anatest/credentials EMRFS_ASKPASS=/usr/libexec/emrfs/askpass emrfs mount >/tmp/said
must as sh -c 'mkdir Health/Imaging && echo "first" >"Health/Imaging/a letter.txt"'
must as emrfs status --wait >/tmp/said
must as sh -c 'echo "second" >"Health/Imaging/a letter.txt"'
must as emrfs status --wait >/tmp/said

# The catalogue is found where the package put it.  The C library of Debian 13 translates nothing in C.UTF-8, whatever LANGUAGE says.
[ -e /usr/share/i18n/locales/pt_PT ] || must apt-get install -qq -y --no-install-recommends locales >/dev/null
mkdir /tmp/locales && must localedef -i pt_PT -f UTF-8 /tmp/locales/pt_PT.UTF-8
as env LOCPATH=/tmp/locales LC_ALL=pt_PT.UTF-8 emrfs status >/tmp/said
grep -q '^Saúde de Ana, aberta em ' /tmp/said || fail "status in Portuguese: $(cat /tmp/said)"

# File managers start these programs.
as /usr/libexec/emrfs/action status "/home/anatest/Health/Imaging/a letter.txt" >/tmp/said
grep -q 'Version 2.*on the ledger' /tmp/said || fail "action status: $(cat /tmp/said)"
as /usr/libexec/emrfs/action status "file:///home/anatest/Health/Imaging/a%20letter.txt" >/tmp/said
grep -q 'Version 2' /tmp/said || fail "action with an address: $(cat /tmp/said)"
as env NAUTILUS_SCRIPT_SELECTED_URIS="file:///home/anatest/Health/Imaging/a%20letter.txt
" "/usr/share/emrfs/nautilus-scripts/Earlier versions" >/tmp/said
[ "$(grep -c '^v[12] ' /tmp/said)" = 2 ] || fail "action restore: $(cat /tmp/said)"
as /usr/libexec/emrfs/action keep "/home/anatest/Health/Imaging/a letter.txt" >/tmp/said || fail "action keep: $(cat /tmp/said)"
as emrfs keep >/tmp/said
grep -q 'a letter.txt' /tmp/said || fail "kept: $(cat /tmp/said)"
# A window that chooses version 1.
mkdir -p /opt/window && printf '#!/bin/sh\ncase $* in *--list*) cat >/tmp/listed; echo v1 ;; *) cat >/tmp/told ;; esac\n' >/opt/window/zenity
chmod 755 /opt/window/zenity
rm -f /tmp/listed /tmp/told && touch /tmp/listed /tmp/told && chown anatest /tmp/listed /tmp/told
must as env DISPLAY=:77 PATH=/opt/window:/usr/bin:/bin /usr/libexec/emrfs/action restore "/home/anatest/Health/Imaging/a letter.txt"
[ "$(as cat "Health/Imaging/a letter.txt")" = first ] || fail "the chosen version did not come back: $(cat /tmp/told)"
[ "$(wc -l </tmp/listed)" = 12 ] || fail "two versions in five columns, and a key each: $(cat /tmp/listed)"
rm -rf /opt/window
must as emrfs unmount >/tmp/said

# The system's journal keeps what a unit says: no names of files.
loud=$(grep -L '^ExecStop=-/usr/bin/emrfs.* unmount --quiet$' /usr/lib/systemd/user/emrfs.service /usr/lib/systemd/user/emrfs@.service)
[ -z "$loud" ] || fail "closes with names in the journal: $loud"
if command -v systemd-analyze >/dev/null; then
	for unit in emrfs.service emrfs@child.service emrfs-lock.service emrfs-agent.service; do
		said=$(XDG_RUNTIME_DIR=/run/user/4242 systemd-analyze verify --user "$unit" 2>&1 | grep -i emrfs)
		[ -z "$said" ] || fail "$unit: $said"
	done
	said=$(systemd-analyze verify emrfs-host.service 2>&1 | grep -i emrfs)
	[ -z "$said" ] || fail "emrfs-host.service: $said"
fi

# Removing the package leaves what belongs to the user, also when it is purged.
state=$(as sh -c 'find .local/share/emrfs .config/emrfs words -type f -exec sha256sum {} +' | sort)
[ "$(wc -l <<<"$state")" -gt 8 ] || fail "hardly any state: $state"
for way in -r -P; do
	must dpkg "$way" emrfs >/tmp/said
	[ -z "$(command -v emrfs)" ] || fail "the program stays after dpkg $way"
	left=$(found -print)
	[ -z "$left" ] || fail "left after dpkg $way: $left"
	[ "$(as sh -c 'find .local/share/emrfs .config/emrfs words -type f -exec sha256sum {} +' | sort)" = "$state" ] ||
		fail "dpkg $way changed the state"
	add
done
must as emrfs mount --passphrase-file credentials/emrfs.passphrase >/tmp/said
[ "$(as cat "Health/Imaging/a letter.txt")" = first ] || fail "the record is not there after installing again"
must as emrfs unmount >/tmp/said

# The computer is lost, and all comes back from a second copy: on the directory, too, which the lost keyring had closed.
must as emrfs backup copy >/tmp/said
as rm -rf .local/share/emrfs
must as emrfs init --restore copy --words-file words --passphrase-file credentials/emrfs.passphrase >/tmp/said
must as emrfs mount --passphrase-file credentials/emrfs.passphrase >/tmp/said
[ "$(as cat "Health/Imaging/a letter.txt")" = first ] || fail "the record did not come back from the second copy"
must as emrfs unmount >/tmp/said
