#!/bin/bash
# plain.sh: where there is no zenity, kdialog has a window for work that goes on, if it is here; where there is no dialog at all a notice of the
# desktop (the real dunst) tells, and no entry does nothing in silence.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/screen.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
[ -x "$DESKTOP/notify" ] || emr_skip "built without libsystemd"
for program in dunst dbus-daemon; do command -v $program >/dev/null || emr_skip "no $program"; done
emr_begin plain
cd "$EMR_WORK" || exit 2
screen_begin
at_end() {
	local pid
	for pid in $dunst_pid $bus_pid; do kill "$pid" 2>/dev/null; done
	screen_end
}
bus_pid='' dunst_pid=''
mkdir lean installed && ln -s /usr/bin/* lean/ && rm -f lean/{zenity,kdialog,ssh-askpass} || exit 2
cp "$DESKTOP/notify" "$PACKAGING"/{action,askpass,dialog,open-folder,windows} installed/ && ln -s "$EMRFS" lean/emrfs || exit 2
unset EMRFS_ASKPASS EMRFS_DIALOG
emr_init
emr_mount
echo first >"$MNT/letter.txt"
run 0 status --wait
echo second >"$MNT/letter.txt"
run 0 status --wait
action() { screen_start env PATH="$EMR_WORK/lean" "$EMR_WORK/installed/action" "$@"; }

if real=$(command -v kdialog); then
	say "kdialog: work that is over at once leaves no window, one that goes on has one until its end, and who closes it ends it"
	windows() { xdotool search --onlyvisible --class kdialog; }
	none() { [ -z "$(windows)" ]; }
	some() { [ -n "$(windows)" ]; }
	mkfifo work
	mkdir only-kdialog && ln -s "$real" only-kdialog/ || exit 2
	busy() { env PATH="$EMR_WORK/only-kdialog:$EMR_WORK/lean" DISPLAY="$DISPLAY" bash -c 'trap "touch ended" HUP; "$0" busy; exit 0' "$EMR_WORK/installed/dialog"; }
	for i in 1 2 3 4 5 6 7 8; do printf '# Looking\n' | busy; done
	busy <work &
	exec 7>work
	printf '# Checking the records\n' >&7
	emr_until some
	exec 7>&-
	wait $!
	emr_until none
	[ ! -e ended ] || emr_fail "the end of the work ended emrfs"
	busy <work &
	exec 7>work
	printf '# Checking the records\n' >&7
	emr_until some
	xdotool windowfocus --sync "$(windows | tail -1)" key Escape
	emr_until test -e ended
	exec 7>&-
	wait $!
fi

say "without any dialog it stands on the desktop"
cat >bus.conf <<CONF
<busconfig><type>session</type><listen>unix:path=$EMR_WORK/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
CONF
dbus-daemon --config-file=bus.conf --nofork --print-address >bus.address 2>bus.log &
bus_pid=$!
emr_until test -s bus.address
export DBUS_SESSION_BUS_ADDRESS=unix:path=$EMR_WORK/bus
dunst -conf /dev/null >dunst.log 2>&1 &
dunst_pid=$!
emr_until dunstctl is-paused
printf '#!/bin/sh\n[ "$*" = "Medical records: Passphrase" ] && cat "%s"\n' "$EMR_PASS" >asks && chmod +x asks
expect "the passphrase, by the program that SSH_ASKPASS names" "$(env PATH="$EMR_WORK/lean" SSH_ASKPASS="$EMR_WORK/asks" installed/askpass Passphrase)" "$(cat "$EMR_PASS")"
action backup
screen_zoom=100
screen_await 'zenity'
wait "$screen_program"
run 0 unmount
screen_end
echo "all is well"
