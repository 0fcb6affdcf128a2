#!/bin/bash
# fabric_package.sh: the Debian package of emrfs-fabric is in order, and what is in it runs. BACKEND is the directory with the built program.
work=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-package-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
top=$(cd "$(dirname "$0")/../.." && pwd)
"$top/packaging/fabric/make_package" "$work" "$BACKEND/emrfs-fabric" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
deb=$(ls "$work"/*.deb)
dpkg-deb -c "$deb" | awk '{ print $2, $6 }' >"$work/contents"
for file in usr/bin/emrfs-fabric lib/systemd/system/emrfs-fabric.service usr/share/doc/emrfs-fabric/copyright usr/share/doc/emrfs-fabric/changelog.Debian.gz; do
	grep -qx "root/root ./$file" "$work/contents" || fail "not in the package: $file"
done
[ -z "$(dpkg-deb -I "$deb" | grep -E 'preinst|postinst|prerm|postrm')" ] || fail "a script runs when the package comes or goes"
said=$(lintian --allow-root --fail-on error "$deb" 2>&1) || fail "$said"
dpkg-deb -x "$deb" "$work/x" || fail "it does not unpack"
"$work/x/usr/bin/emrfs-fabric" serve "$work/none" >"$work/said" 2>&1
[ $? = 2 ] || fail "without settings it does not end with 2: $(cat "$work/said")"
grep -q "none" "$work/said" || fail "it does not say which settings: $(cat "$work/said")"
# With the program at its place systemd finds nothing wrong.
sed "s|/usr/bin/emrfs-fabric|$work/x&|" "$top/packaging/fabric/emrfs-fabric.service" >"$work/emrfs-fabric.service"
said=$(systemd-analyze verify --man=no "$work/emrfs-fabric.service" 2>&1) || fail "$said"
echo "PASSED: fabric_package"
