#!/bin/bash
# asked.sh: a request of a doctor stands on the patient's desktop with a button. The button opens a window that says who would see what and
# until when, and nothing is shared before the patient has said yes there. Desktop (dunst) and windows (zenity) are real, on a screen that
# nobody sees.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/screen.sh"
. "$SUPPORT/windows.sh"
. "$SUPPORT/two.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
[ -x "$DESKTOP/notify" ] || emr_skip "built without libsystemd"
command -v dunst >/dev/null || emr_skip "no dunst"
two_begin asked
emr_portuguese
two_network "São Lucas"
two_join lima "Dr Paula Lima" clinician
two_join ana "Ana Silva" patient
two_cards ana lima
windows_begin
at_end() {
	local pid
	for pid in $dunst_pid $bus_pid; do kill "$pid" 2>/dev/null; done
	two_end
	screen_end
}
bus_pid='' dunst_pid=''
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
# Installed as a package would.
mkdir -p usr/share
cp -r "$DESKTOP/../../../share/locale" usr/share/ || emr_fail "the translation is not built"
two_installed "$DESKTOP/notify" "$PACKAGING"/{action,askpass,dialog,windows}
export EMRFS
stand() { [ "$(dunstctl count displayed)" = "$1" ]; } # so many notices
shares_none() { as ana run 0 share --json && [ "$(field grants)" = '[]' ]; }

printf 'kdf = 8,1\n' >ana/settings # the desktop gets the notices
two_mount lima
as ana run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
mkdir ana-folder/Scans && echo one >ana-folder/Scans/a.txt
as ana run 0 status --wait
say "the notice stands until it is closed, and names who asks"
as lima run 0 request 'ana:Scans' --reason 'second <b>opinion</b>'
emr_until stand 1
screen_await 'Dr Paula' # the name is wrapped
waiting() { pgrep -f >/dev/null "^$EMR_WORK/usr/libexec/emrfs/notify"; }
emr_until waiting
say "its button opens the question; a closed window shares nothing"
must dunstctl action 0
next_window 'What is the answer'
emr_until stand 0
choose_row 1
next_window 'extra-button=Yes'
for words in 'Dr Paula Lima' 'São Lucas' 'can read Scans' 'for treatment, until' 'Share it'; do
	emr_until grep -qF "$words" "$page" || emr_fail "not in the question: $words: $(cat "$page")"
done
close_window
shares_none || emr_fail "shared without a yes: $(cat out/said)"
gone_waiting() { ! waiting; }
emr_until gone_waiting
say "a click on the notice itself asks as well, and a yes shares"
as lima run 0 request 'ana:Scans' --reason 'again'
emr_until stand 1
shares_none || emr_fail "shared by a notice alone"
must dunstctl action 0
next_window 'What is the answer'
choose_row 1
next_window 'extra-button=Yes'
emr_until grep -q 'Share it' "$page"
click_ok
next_window 'text-info'
emr_until grep -q 'being shared' "$page"
click_ok
shared() { ! shares_none; }
emr_until shared
say "answered elsewhere, at a terminal or on another computer: nothing asks any more"
as lima run 0 request 'ana:Letters' --reason 'later'
emr_until stand 1
emr_until waiting
as ana run 0 request --json
last=$(python3 -c 'import json, sys; print([r["id"] for r in json.load(open(sys.argv[1]))["requests"] if r["reason"] == "later"][0])' out/said)
as ana run 0 deny --yes "$last"
emr_until stand 0
emr_until gone_waiting
say "in the language of the person"
as ana run 0 unmount
as ana env LC_ALL=pt_PT.UTF-8 "$EMRFS" mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder" >out/said || emr_fail "mount"
as lima run 0 request ana --reason 'more'
emr_until stand 2 # and the one that still waits
must dunstctl action 0
next_window 'Qual é a resposta'
close_window
say "a notice that is closed leaves no process behind"
as lima run 0 request 'ana:Letters' --reason 'more'
emr_until stand 2 # and the one that still waits
must dunstctl close-all
emr_until gone_waiting
say "nor does one stand, with the name of who asks, when the folder is closed"
as lima run 0 request 'ana:Photos' --reason 'more'
emr_until stand 1
as ana run 0 unmount
emr_until stand 0
emr_until gone_waiting
two_unmount lima
echo "all is well"
