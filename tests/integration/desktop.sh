#!/bin/bash
# desktop.sh: notices show on the desktop, and the folder closes when the session is locked or the computer sleeps.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
[ -x "$TOOLS/fake_desktop" ] || emr_skip "built without libsystemd"
emr_begin desktop
cd "$EMR_WORK" || exit 2
at_end() {
	local pid
	for pid in $bus_pid $fake_pid $watch_pid; do kill "$pid" 2>/dev/null; done
	emr_clear_away "$EMRFS_HOME" "$MNT"
}
bus_pid='' fake_pid='' watch_pid=''
# heard TEXT [FILE]: waits until it is there.
heard() {
	local i
	for ((i = 0; i < 3000; i++)); do grep -qF -- "$1" "${2:-heard}" 2>/dev/null && return 0; sleep 0.02; done
	cat "${2:-heard}" >&2
	emr_fail "not heard: $1"
}

cat >bus.conf <<END
<busconfig><type>session</type><listen>unix:path=$EMR_WORK/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
END
dbus-daemon --config-file=bus.conf --nofork --print-address >bus.address 2>bus.log &
bus_pid=$!
heard unix:path bus.address
mkfifo commands
"$TOOLS/fake_desktop" "unix:path=$EMR_WORK/bus" <commands >heard 2>fake.log &
fake_pid=$!
exec 8>commands
heard standing
export DBUS_SESSION_BUS_ADDRESS=unix:path=$EMR_WORK/bus DBUS_SYSTEM_BUS_ADDRESS=unix:path=$EMR_WORK/bus
# Installed as a package would.
mkdir -p usr/bin usr/libexec/emrfs
cp "$EMRFS" usr/bin/emrfs && cp "$DESKTOP/notify" "$DESKTOP/watch" usr/libexec/emrfs/
export EMRFS=$EMR_WORK/usr/bin/emrfs

say "a notice"
printf '%s' '{"at":"","path":"x","error":"bad-data","message":"<b>x</b> & y","hint":"emrfs verify","level":"error"}' |
	must usr/libexec/emrfs/notify
heard "notify 2 Medical records | &lt;b&gt;x&lt;/b&gt; &amp; y emrfs verify"
echo nonsense | usr/libexec/emrfs/notify 2>out/said && emr_fail "nonsense was shown"
mkfifo waits
exec 7<>waits
printf '%s' '{"at":"","path":"","error":"asked","message":"Who asks","hint":"","level":"info","request":"r-4m8t","ends_fd":3}' |
	must usr/libexec/emrfs/notify 3<waits 7>&-
heard "notify 0 Medical records | Who asks"
expect "notices taken away before the answer" "$(grep -c '^close' heard)" 0
exec 7>&-				# answered, wherever
heard "close 2"
emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
echo x >"$MNT/a"
ln "$MNT/a" "$MNT/b" 2>out/said && emr_fail "linked"
heard "notify 1 Medical records | A record has one place. Make a copy or a symbolic link."
run 0 unmount
printf 'kdf = 8,1\nnotify = none\n' >"$EMRFS_HOME/settings"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
ln "$MNT/a" "$MNT/b" 2>out/said && emr_fail "linked"
grep -q no-hard-links "$MNT/.emrfs/notices" || emr_fail "no notice"
run 0 status --wait
expect "notifications with notify = none" "$(grep -c 'one place' heard)" 1

say "the session is locked"
usr/libexec/emrfs/watch 2>watched &
watch_pid=$!
heard watching watched
heard "inhibit sleep delay"
pid=$(pid_of_mount)
echo lock-other >&8
echo hint >&8				# ours; what came before it was passed over when this one is done
await_gone "$pid"
expect "closings" "$(grep -c closing watched)" 1
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
pid=$(pid_of_mount)
exec 5<"$MNT/a"
echo lock >&8
heard "stays open: a program uses it"
[ -d "/proc/$pid" ] || emr_fail "a folder in use was closed"
exec 5<&-

say "the computer sleeps, and wakes up"
expect "sleep is delayed" "$(grep -c released heard)" 0
echo sleep >&8
heard released
! mountpoint -q "$MNT" || emr_fail "sleep began before the folder was closed"
echo wake >&8
for ((i = 0; i < 3000; i++)); do [ "$(grep -c inhibit heard)" = 2 ] && break; sleep 0.02; done
expect "delayed again" "$(grep -c inhibit heard)" 2
echo "all is well"
