#!/bin/bash
# run_packages.sh SOURCES: no service begins because tests/run installs packages: not while it does, not if it is killed in between, not at the
# computer's next start; and decisions of an administrator stay. Programs that would change this computer (apt-get, dpkg, update-rc.d) are played.
SUPPORT=$1/tests/support
. "$SUPPORT/mount.sh"
EMR_WORK=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-packages-XXXXXX") || exit 2
trap 'rm -rf "$EMR_WORK"' EXIT
cd "$EMR_WORK" || exit 2
export NO_SERVICE=$EMR_WORK/policy-rc.d
mkdir played
program() { cat >"played/$1" && chmod +x "played/$1"; }
# The played apt-get notes what a service would be told, and stands still where the test has made the pipe `stands`.
program apt-get <<'END_PROGRAM'
#!/bin/bash
[ "$1" = install ] || exit 0
"$NO_SERVICE" >/dev/null; echo "$?" >told
[ ! -p stands ] || { echo "$$" >installing && exec cat stands; }
END_PROGRAM
program update-rc.d <<'END_PROGRAM'
#!/bin/bash
echo "$*" >>disabled
END_PROGRAM
program dpkg <<'END_PROGRAM'
#!/bin/bash
printf '/etc/init.d/%sd\n/usr/share/doc/%s/README\n' "$2" "$2"
END_PROGRAM
program sudo <<'END_PROGRAM'
#!/bin/bash
exec "$@"
END_PROGRAM
install_them() { PATH=$EMR_WORK/played:$PATH exec setsid -w bash -c 'set -euo pipefail; . "$0"; forget_no_service; install_packages "$@"' "$SUPPORT/packages.sh" "$@"; }

echo "-- no service begins meanwhile, nor with the computer, and nothing is left"
(install_them jq samba slapd) || emr_fail "they are not installed"
expect "what a service is told" "$(cat told)" 101
expect "what does not begin with the computer" "$(cat disabled)" "sambad disable
slapdd disable"
[ ! -e "$NO_SERVICE" ] || emr_fail "it stays"

echo "-- a service of a package that was there before is its administrator's"
rm disabled
(install_them jq)
[ ! -e disabled ] || emr_fail "changed: $(cat disabled)"

echo "-- an end by a signal leaves nothing"
mkfifo stands
install_them slapd &
run=$!
emr_until test -s installing
[ -e "$NO_SERVICE" ] || emr_fail "nothing keeps a service from beginning"
kill -TERM -- "-$run" # as Ctrl-C does: all of them
wait "$run" && emr_fail "it ended well"
is_gone() { [ ! -e "$NO_SERVICE" ]; }
emr_until is_gone # who removes it may end after who was waited for

echo "-- what a killed run leaves, the next one removes, whatever it installs"
rm installing
install_them slapd &
run=$!
emr_until test -s installing
kill -KILL -- "-$run"
wait "$run" 2>/dev/null
[ -e "$NO_SERVICE" ] || emr_fail "it was not killed in between"
rm stands
(. "$SUPPORT/packages.sh" && forget_no_service)
[ ! -e "$NO_SERVICE" ] || emr_fail "it stays"

echo "-- an administrator's own answer stays as it is"
printf '#!/bin/sh\nexit 104\n' >"$NO_SERVICE" && chmod 755 "$NO_SERVICE"
(install_them slapd) || emr_fail "it is not installed"
expect "what a service is told" "$(cat told)" 104
expect "his own" "$(cat "$NO_SERVICE")" "#!/bin/sh
exit 104"
