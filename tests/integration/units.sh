#!/bin/bash
# units.sh BUILD: each unit of the project starts, does its work once and stops under a real systemd, which boots in a container over a copy
# of this system that is thrown away; so do the commands of doc/hospital.md, as they stand there.
build=$1
skip() { echo "SKIPPED: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
must() { "$@" || fail "status $? of: $*"; }
[ "$(id -u)" = 0 ] || skip "a container needs root"
[ -c /dev/fuse ] || skip "no /dev/fuse"
PATH=$PATH:/usr/sbin:/sbin
for program in systemd-nspawn smbd smbclient pdbedit storescp openssl; do
	command -v "$program" >/dev/null || skip "$program is not installed"
done
/usr/bin/python3 -c 'import pydicom' 2>/dev/null || skip "Debian's python3-pydicom is not installed"
here=$(cd "$(dirname "$0")" && pwd) source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-units-XXXXXX") || exit 2
trap 'umount -l "$work/root" "$work/over" 2>/dev/null; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
umask 022
root=$work/root
mkdir "$root" "$work/over"
must mount -t tmpfs -o mode=755 none "$work/over"
mkdir "$work/over/up" "$work/over/work" && mknod -m 666 "$work/over/fuse" c 10 229 || exit 2 # as udev makes it
mount -t overlay -o "lowerdir=/,upperdir=$work/over/up,workdir=$work/over/work" none "$root" || skip "no overlay here"

# As the package installs it.
DESTDIR=$root cmake --install "$build" --prefix /usr >"$work/installed" 2>&1 || { tail -5 "$work/installed"; fail "cmake --install"; }
mkdir -p "$root/pkg/source/doc" && cp -r "$source/examples" "$root/pkg/source/" && cp "$source/doc/hospital.md" "$source/doc/operate.md" "$root/pkg/source/doc/" && cp "$here/units_inside.sh" "$root/pkg/" || exit 2
rm -rf "$root"/etc/systemd/system/* "$root/var/log/journal" # the units of this system are not what is tried
cat >"$root/etc/systemd/system/tried.target" <<'END'
[Unit]
Requires=basic.target tried.service
Wants=dbus.socket systemd-logind.service
END
cat >"$root/etc/systemd/system/tried.service" <<'END'
[Unit]
After=basic.target dbus.socket systemd-logind.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
StandardOutput=file:/pkg/said
StandardError=inherit
ExecStart=/bin/sh -c 'touch /pkg/began; bash /pkg/units_inside.sh; systemctl exit $?'
END
systemd-nspawn --quiet --keep-unit --register=no --private-network --bind="$work/over/fuse:/dev/fuse" -D "$root" \
	/lib/systemd/systemd --unit=tried.target </dev/null >"$work/console" 2>&1
status=$?
[ -e "$root/pkg/began" ] || skip "systemd does not boot in a container here: $(tail -n 3 "$work/console")"
cat "$root/pkg/said"
[ $status = 0 ] || fail "in the container: $status"
echo "all is well"
