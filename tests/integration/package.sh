#!/bin/bash
# package.sh BUILD [--fresh]: cpack makes a Debian package that is in order, installs, works, and leaves the keyring alone.
# The root is a copy of this system that is thrown away (overlay); --fresh makes a minimal one of this release instead, which
# fetches packages.
build=$1
skip() { echo "SKIPPED: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
must() { "$@" || fail "status $? of: $*"; }
say() { printf '%s\n' "- $*"; }
[ "$(id -u)" = 0 ] || skip "installing a package needs root"
[ -c /dev/fuse ] || skip "no /dev/fuse"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-package-XXXXXX") || exit 2
trap 'umount -l "$work/root" "$work/over" 2>/dev/null; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
umask 022

say "cpack"
(cd "$build" && cpack -G DEB -B "$work/out") >"$work/cpack" 2>&1 || { cat "$work/cpack"; fail cpack; }
deb=$(ls "$work"/out/*.deb)

say "contents"
dpkg-deb -c "$deb" >"$work/contents" || fail "the package cannot be read"
awk '{ print $6 }' "$work/contents" >"$work/names"
for file in bin/emrfs bin/emrfs-fhir share/man/man1/emrfs-fhir.1.gz lib/systemd/user/emrfs.service lib/systemd/user/emrfs@.service lib/systemd/user/emrfs-lock.service lib/systemd/user/emrfs-agent.service lib/systemd/system/emrfs-host.service libexec/emrfs/emrfs-curl.so libexec/emrfs/emrfs-microhttpd.so libexec/emrfs/notify libexec/emrfs/watch libexec/emrfs/draw-card libexec/emrfs/deidentify libexec/emrfs/read-headers libexec/emrfs/dialog libexec/emrfs/askpass libexec/emrfs/action \
	share/applications/emrfs.desktop libexec/emrfs/windows share/applications/emrfs-card.desktop share/applications/emrfs-join.desktop share/applications/emrfs-bring-back.desktop share/applications/emrfs-recover.desktop share/mime/packages/emrfs.xml share/nemo/actions/emrfs-card.nemo_action share/icons/hicolor/scalable/apps/emrfs.svg share/man/man1/emrfs.1.gz \
	share/man/man1/emrfs-mount.1.gz share/man/man5/emrfs-settings.5.gz share/man/man7/emrfs-folder.7.gz \
	share/bash-completion/completions/emrfs share/nemo/actions/emrfs-status.nemo_action \
	share/locale/pt/LC_MESSAGES/emrfs.mo share/Thunar/sendto/emrfs-restore.desktop share/doc/emrfs/copyright share/doc/emrfs/changelog.Debian.gz \
	share/doc/emrfs/changelog.gz share/doc/emrfs/README.md share/doc/emrfs/SECURITY.md share/doc/emrfs/doc/tour.md \
	share/doc/emrfs/doc/limits.md share/doc/emrfs/doc/operate.md share/doc/emrfs/doc/manual/contract.md; do
	grep -qx "./usr/$file" "$work/names" || fail "not in the package: $file"
done
strange=$(awk '$2 != "root/root" || $1 ~ /[st]/ || ($6 !~ /^\.\/usr\// && $6 != "./") || $1 ~ /w..$/' "$work/contents")
[ -z "$strange" ] || fail "strange owners, rights or places: $strange"
[ -z "$(dpkg-deb -I "$deb" | grep -E 'preinst|postinst|prerm|postrm')" ] || fail "a script runs when the package comes or goes"
depends=$(dpkg-deb -f "$deb" Depends)
# As Debian 12 and 13 call them.
for package in fuse3 jq 'libfuse3-[34]' libsodium23 'libssl3(t64)?' libsqlite3-0 libjansson4 libexpat1 'libcurl4(t64)?' 'libopenjp2-7' 'libcharls2' zlib1g libzxcvbn0 libqrencode4 libsystemd0 libc6; do
	grep -qE "(^|, )$package( |,|$)" <<<"$depends" || fail "does not depend on $package: $depends"
done
ldd "$build/fs/emrfs" | grep -q libcurl && fail "each verb loads libcurl, which only a folder with a node needs"
ldd "$build/fs/emrfs" | grep -q libzxcvbn && fail "each verb loads libzxcvbn, which only a new passphrase needs"
carried=$(readelf -lW "$build/fs/emrfs" | awk '$1 == "TLS" { print $6 }')
[ $((${carried:-0})) -lt 4096 ] || fail "each thread of an open folder begins by clearing $((carried)) bytes that are its own"

[ "$(dpkg-deb -f "$deb" Recommends)" = "zenity | kdialog" ] || fail "recommends $(dpkg-deb -f "$deb" Recommends)"
grep -qE "(^|, )libfm-modules(,|$)" <<<"$(dpkg-deb -f "$deb" Suggests)" || fail "pcmanfm's menu needs libfm-modules, which is not suggested"

say "lintian"
said=$(lintian --allow-root --fail-on error,warning "$deb" 2>&1) || fail "$said"
mkdir "$work/x" && must dpkg-deb -x "$deb" "$work/x"
for page in "$here"/../../README.md "$here"/../../SECURITY.md; do
	must cmp "$page" "$work/x/usr/share/doc/emrfs/$(basename "$page")"
done
for page in "$here"/../../doc/*.md; do
	must cmp "$page" "$work/x/usr/share/doc/emrfs/doc/$(basename "$page")"
done
must desktop-file-validate "$work"/x/usr/share/applications/*.desktop "$work"/x/usr/share/Thunar/sendto/*.desktop

say "a root to throw away"
mkdir "$work/root" "$work/over"
if [ "${2:-}" = --fresh ]; then
	must mmdebstrap --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$work/root" /etc/apt/sources.list.d/*.sources
	ln -sf ../proc/self/mounts "$work/root/etc/mtab"	# as an installed system has it
	cp /etc/resolv.conf "$work/root/etc/" 2>/dev/null
	fetch=1
else
	must mount -t tmpfs -o mode=755 none "$work/over"
	mkdir "$work/over/up" "$work/over/work"
	mount -t overlay -o "lowerdir=/,upperdir=$work/over/up,workdir=$work/over/work" none "$work/root" || skip "no overlay here"
	fetch=
fi
mkdir -p "$work/root/pkg" && cp "$deb" "$here/package_inside.sh" "$work/root/pkg/"
# A mount name space of its own: nothing that is opened or left in it is seen or stays outside.  /dev/fuse as udev makes it.
inside() {
	unshare --mount --pid --fork --kill-child bash -c '
		mount -t proc proc "$1/proc" && mount -t tmpfs -o mode=755 none "$1/run" && mount -t tmpfs -o mode=1777 none "$1/tmp" &&
		mount -t tmpfs -o mode=755,dev none "$1/dev" &&
		for node in null zero random urandom; do
			touch "$1/dev/$node" && mount --bind "/dev/$node" "$1/dev/$node" || exit
		done && mknod -m 666 "$1/dev/fuse" c 10 229 &&
		ln -s /proc/self/fd "$1/dev/fd" &&
		EMR_FETCH=$2 chroot "$1" bash /pkg/package_inside.sh "/pkg/$3"' - "$work/root" "$fetch" "$(basename "$deb")" || fail "in the root"
}
inside
echo "all is well"
