# Sourced by tests of examples/hospital-deposit: São Lucas with its archive "ward", which places arriving files, the patients Ana (K7QF) and
# Rui (R1 of São Lucas), all three folders open, and functions that look at them.
#
#   ward_begin NAME PROGRAM...      all that, in a working directory of its own; skipped where one of the programs is not installed
#   RECEIVER, SENDER, PLACER        what the test began with setsid ends with it
#   table LINE...                   the lines of patients.csv
#   place [TRACER...]               one run of the service, as the ward's; MOST: of larger files it places none
#   receive                         the receiver runs, at PORT; TLS: with these options of storescp
#   status                          what the service says of itself, and of the receiver, where there was one
#   names WHO                       what is in the Inbox of WHO
#   held BEGINNING                  of what nobody could place one file begins so
#   at_once                         what an Inbox did not take is tried again after a minute; after this at once
. "$SUPPORT/mount.sh"
. "$SUPPORT/two.sh"

service=$(cd "$SUPPORT/../../examples/hospital-deposit" && pwd)/hospital-deposit
eval "members_$(declare -f at_end)"
at_end() {
	local group
	for group in ${RECEIVER:-} ${SENDER:-} ${PLACER:-}; do kill -KILL -- "-$group" 2>/dev/null; done
	members_at_end
}
table() { printf '%s\n' issuer,patient_id,who,born "$@" >patients.csv; }
is_open() { [ "$(ls -d ward-folder/shared-with-me/*/Inbox | wc -l)" = 2 ]; }

ward_begin() {
	local name=$1 program
	shift
	for program in "$@"; do
		command -v "$program" >/dev/null || emr_skip "$program is not installed (Debian: dcmtk, strace)"
	done
	two_begin "$name"
	two_network "São Lucas"
	two_join ana "Silva, Ana" patient
	EMR_BORN=1951-07-30 two_join rui "Silva, Rui" patient
	two_join ward "São Lucas archive" hospital
	two_cards ana rui ward
	two_mount ana rui ward
	emr_until is_open
	state=$EMR_WORK/deposits drop=$EMR_WORK/drop
	mkdir -p "$state/arriving" "$drop/K7QF" "$drop/R1@São Lucas" || exit 2
	table ,K7QF,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30"
}

place() { EMRFS_HOME=$EMR_WORK/ward "$@" /usr/bin/python3 -B "$service" place --state "$state" --folder "$EMR_WORK/ward-folder" --table patients.csv --drop "$drop" --still 0 --once ${MOST:+--most "$MOST"} 2>>out/place; }
PORT= TLS=()
receive() {
	PORT=${PORT:-$(emr_port)}
	setsid /usr/bin/python3 -B "$service" receive --state "$state" --port $PORT --title HOSPITAL -- "${TLS[@]}" >out/receive 2>&1 &
	RECEIVER=$!
	disown
	emr_until echoscu "${TLS[@]}" -aec HOSPITAL 127.0.0.1 $PORT
}
status() { EMRFS_HOME=$EMR_WORK/ward /usr/bin/python3 -B "$service" status --state "$state" --drop "$drop" --port "${PORT:-0}" --title HOSPITAL -- "${TLS[@]}" >out/said; }
names() { find "$EMR_WORK/$1-folder/Inbox" -type f -printf '%f\n' | sort; }
held() { [ "$(find "$state/unplaced" -name "$1*" | wc -l)" = 1 ] || emr_fail "$1: $(ls "$state/unplaced")"; }
at_once() { sqlite3 "$state/deposit.sqlite" "UPDATE object SET not_before = 0" || exit 2; }
