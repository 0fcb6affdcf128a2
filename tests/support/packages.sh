# packages.sh: installs packages for tests/run, and none of their services: now, later in this run, or at the computer's next start.
# A test may name another NO_SERVICE, and another as_root.

# Debian asks this program before it starts a service (samba, slapd), and 101 is no.  An administrator may have one of his own, which stays.
NO_SERVICE=${NO_SERVICE:-/usr/sbin/policy-rc.d}
NO_SERVICE_MARK="# of tests/run of emrfs, for as long as it installs packages"
# These are there for their programs, which tests start themselves.
SERVICES_OF="samba slapd"

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# Removes what an earlier run left that was killed.
forget_no_service() {
	if grep -qsxF "$NO_SERVICE_MARK" "$NO_SERVICE"; then as_root rm -f "$NO_SERVICE"; fi
}

services_of() { # PACKAGE: with another name of a service, which is a link, nothing can be done
	local file
	dpkg -L "$1" | grep -E '^((/usr)?/lib/systemd/system/[^@/]*\.service|/etc/init\.d/[^/]*)$' | while read -r file; do
		[ -L "$file" ] || basename "$file" .service
	done | sort -u
}

# The packages of KINDs in tests/packages that this release of Debian has: a third word there is the only one that does.
packages_of() { # KIND...
	awk -v kinds=" $* " -v release="$(. /etc/os-release && echo "$VERSION_ID")" \
		'index(kinds, " " $1 " ") && (NF == 2 || $3 == release) { print $2 }' tests/packages | sort -u
}

install_missing() { # KIND...
	local missing
	missing=$(for p in $(packages_of "$@"); do dpkg -s "$p" >/dev/null 2>&1 || echo "$p"; done)
	# shellcheck disable=SC2086
	[ -z "$missing" ] || install_packages $missing
}

install_packages() ( # NAME...: that are not there
	trap 'exit 1' HUP INT TERM # so that EXIT comes
	trap forget_no_service EXIT
	if [ ! -e "$NO_SERVICE" ]; then
		printf '#!/bin/sh\n%s\nexit 101\n' "$NO_SERVICE_MARK" | as_root install -m 755 /dev/stdin "$NO_SERVICE"
	fi
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
	for package; do
		[[ " $SERVICES_OF " = *" $package "* ]] || continue
		for service in $(services_of "$package"); do
			# A unit that is a link to /dev/null (samba-ad-dc) is none that starts; one without systemd starts by its links in /etc/rc?.d.
			as_root update-rc.d "$service" disable >/dev/null 2>&1 || as_root systemctl disable "$service" >/dev/null 2>&1 ||
				echo "tests/run: the service $service of $package may start with this computer" >&2
		done
	done
)
