# Sourced after two.sh by tests in which the host between the members is an attacker's ($DISHONEST, dishonest.c). It has a clock of its own, clock-of-host; theirs is clock.
#
#   between_begin                  before two_network, with $P for a passphrase
#   between_know WHO...            their keys; they have joined, an agent just now
#   shows_no_more WHO...           the host shows them what it has now (host_size entries), and no more; shows_all WHO...
#   loses WHO...                   the host says yes to what they hand in, and throws it away; keeps WHO...
between_begin() {
	P="--passphrase-file $EMR_PASS"
	mkdir between && echo 0 >clock && echo 0 >clock-of-host
	export EMR_BETWEEN=$EMR_WORK/between EMR_CLOCK_FILE=$EMR_WORK/clock LD_PRELOAD=$TOOLS/libclock_shim.so
	eval "between_$(declare -f two_host)"
	two_host() { EMRFS=$DISHONEST EMR_DISHONEST=between EMR_CLOCK_FILE=$EMR_WORK/clock-of-host between_two_host; }
}
declare -A BETWEEN=()
between_know() {
	local who
	for who in "$@"; do
		[ -d "$who/state/agent" ] || as "$who" json 0 people card --passphrase-file "$EMR_PASS"
		BETWEEN[$who]=$EMR_BETWEEN/$(field id)
	done
}
host_size() {
	json 0 host "$NET" --status
	field ledger_entries
}
shows_no_more() {
	local size=
	until [ "$(host_size)" = "$size" ]; do # or they have seen more
		size=$(host_size)
		for who in "$@"; do echo "$size" >"${BETWEEN[$who]}"; done
	done
}
shows_all() { for who in "$@"; do rm "${BETWEEN[$who]}"; done; }
loses() { for who in "$@"; do : >"${BETWEEN[$who]}.lost"; done; }
keeps() { for who in "$@"; do rm "${BETWEEN[$who]}.lost"; done; }
