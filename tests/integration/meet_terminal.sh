#!/bin/bash
# meet_terminal.sh: README's practice with the questions that a terminal asks, by three people, from nothing to an open picture; the picture of
# a code is the code; and a verb that signs asks for the passphrase of an open folder, and says why.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
command -v zbarimg >/dev/null || emr_skip "no zbarimg"
emr_begin meet_terminal
cd "$EMR_WORK" || exit 2
PORT=$(emr_port)
export PORT EMR_WORK EMRFS LC_ALL=C.UTF-8
unset EMRFS_ASKPASS
at_end() {
	local who
	for who in ana lima bento; do
		kill $(sed -n "s/^pid //p" "$EMR_WORK/$who/.home/state/as/agent/lock" "$EMR_WORK/$who/.home/state-network/host/lock" 2>/dev/null) 2>/dev/null
		EMRFS_HOME=$EMR_WORK/$who/.home emr_clear_away "$EMR_WORK/$who/.home" "$EMR_WORK/$who/Health"
	done
}
for who in ana lima bento; do
	mkdir -p -m 700 "$who/.home/as/agent" "$who/Imaging"
	printf 'kdf = 8,1\nnotify = none\n' | tee "$who/.home/settings" >"$who/.home/as/agent/settings"
	head -c 63884 /dev/urandom >"$who/Imaging/knee.dcm"
done
python3 "$(dirname "$SUPPORT")/integration/meet_terminal.py" || emr_fail "at a terminal"
echo "all is well"
