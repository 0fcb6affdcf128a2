#!/bin/bash
# meet_menu.sh: a practice is begun, a doctor invited, and joins by the code, in the menus of a desktop alone. A stand-in for zenity answers
# each question by its words, and notes what it was shown; viewers_begins has the real one.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
emr_begin meet_menu
cd "$EMR_WORK" || exit 2
port=$(emr_port)
at_end() {
	local who
	for who in ana lima; do
		kill $(sed -n "s/^pid //p" "$EMR_WORK/$who/.home/state/as/agent/lock" "$EMR_WORK/$who/.home/state-network/host/lock" 2>/dev/null) 2>/dev/null
		EMRFS_HOME=$EMR_WORK/$who/.home emr_clear_away "$EMR_WORK/$who/.home" "$EMR_WORK/$who/Health"
	done
}
. "$SUPPORT/answers.sh"
answers_begin
for who in ana lima; do
	mkdir -p -m 700 "$who/.home/as/agent"
	printf 'kdf = 8,1\nnotify = none\n' | tee "$who/.home/settings" >"$who/.home/as/agent/settings"
done

say "nothing here yet: a practice is begun from the first window, and its folder opens"
cat >answers <<END
no medical records of yours|practice
called?|Praxis Ana
The address of this computer|127.0.0.1:$port
Your name|Ana Silva
birth date|1984-03-12
assphrase|seven green kettles sing
The same again|seven green kettles sing
END
in_menu ana open-folder
expect "what was opened" "$(cat opened)" "$EMR_WORK/ana/Health"

say "somebody is invited: the code is shown, and as a picture that a telephone reads"
printf '%s\n' 'Who is invited|lima' 'As what|clinician' >answers
in_menu ana action invite
code=$(grep -x 'J[A-Z2-7]*' shown)
[ -n "$code" ] && [ "${#code}" -le 160 ] || emr_fail "no code: $(cat shown)"
expect "lines of the picture" "$(($(grep -c '[▀▄█]' shown) > 15))" 1
! grep -q $'\033' shown || emr_fail "colours of a terminal in a window"

say "it is typed on the other computer, and the folder opens with what members share"
cat >answers <<END
no medical records of yours|join
The code that you were given|$code
Your name|Dr Paula Lima
birth date|1975-05-06
assphrase|nine violet ladders hum
The same again|nine violet ladders hum
END
in_menu lima open-folder
expect "what was opened" "$(cat opened)" "$EMR_WORK/lima/Health"
grep -q "Praxis Ana" shown || emr_fail "the network is not named: $(cat shown)"
HOME=$EMR_WORK/lima EMRFS_HOME=$EMR_WORK/lima/.home "$EMRFS" people >said || emr_fail "$(cat said)"
grep -q "Praxis Ana" said || emr_fail "nobody is known: $(cat said)"
! grep -aF -e "$code" -e "green kettles" -e "violet ladders" arguments || emr_fail "secrets are in arguments"
echo "all is well"
