# Sourced after mount.sh and said.sh by tests of several people: a network in a directory that its owner serves, members of it, each with a
# home and a folder of their own, who have each other's cards. Where ON_CHANNEL is set the network stands on a channel of Fabric (channel.sh).
#
#   two_begin NAME                     the working directory; nothing is made yet
#   two_network "São Lucas" [hospital [OPTION...]] HOME makes the network $NET and is its administrator; the others join over its host
#   two_installed PROGRAM...           $EMRFS is a copy from here on, as it is installed, with these helpers alone
#   two_host                           the host begins, or begins again where it was: process $TWO_HOST at port $TWO_PORT, with $TWO_ADDRESS
#   two_host_kill                      as a crash
#   two_join WHO "Name" ROLE [HOME]    HOME (default: who made the network) invites, WHO comes
#   two_cards WHO WHO...               each of them has the cards of the others, under their handles
#   two_ana_and_lima [NAME]            Ana, a patient, and Dr Lima come, with each other's cards; Ana is called NAME (default: Silva, Ana)
#   two_mount WHO... / two_unmount WHO...
#   two_home WHO                       from here on: EMRFS_HOME, MNT and EMR_LOG are WHO's, so `run`, `json`, `attribute` are, too
#   as WHO COMMAND...                  one command of WHO's, and then again whose turn it was
#   two_kill WHO                       as a crash, and the dead mount is cleaned away
#   $EMR_WORK/WHO-folder               WHO's folder
#
#   two_end                            of at_end, where a test has its own: nothing of all that is left
#
# A test may set beforehand: EMR_BORN (of who joins next; default 1984-03-12); TWO_ALONE=1: nobody joins, and there is no host;
# TWO_SOCKET: the host is at that socket.
TWO_MEMBERS='' TWO_HOST=''

two_begin() {
	emr_begin "$1"
	cd "$EMR_WORK" || exit 2
	NET=$EMR_WORK/net
	printf 'passphrase of the test\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
	[ -z "${ON_CHANNEL:-}" ] || { . "$SUPPORT/channel.sh" && channel_begin; }
}

two_home() {
	TWO_WHO=$1
	export EMRFS_HOME=$EMR_WORK/$1
	MNT=$EMR_WORK/$1-folder EMR_LOG=$EMR_WORK/$1.log
	[ -d "$EMRFS_HOME" ] && return
	mkdir -m 700 "$EMRFS_HOME" && mkdir "$MNT" && printf 'kdf = 8,1\nnotify = none\n%s\n' "${EMR_NODE:+node = $EMR_NODE}" >"$EMRFS_HOME/settings" || exit 2
	TWO_MEMBERS="$TWO_MEMBERS $1"
}

as() {
	local before=${TWO_WHO:-$1} status
	two_home "$1"
	shift
	"$@"
	status=$?
	two_home "$before"
	return "$status"
}

two_network() {
	TWO_ADMIN=${2:-hospital}
	as "$TWO_ADMIN" run 0 org create "$1" --network "$NET" ${TWO_CHANNEL:+--channel "$TWO_CHANNEL"} --yes --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/$TWO_ADMIN.words" "${@:3}"
	[ -n "${TWO_ALONE:-}" ] || two_host
}

two_installed() {
	mkdir -p usr/bin usr/libexec/emrfs
	cp "$EMRFS" usr/bin/emrfs && cp "${EMRFS%/fs/emrfs}/libexec/emrfs/"emrfs-*.so "$@" usr/libexec/emrfs/ || exit 2
	EMRFS=$EMR_WORK/usr/bin/emrfs
}

two_host() {
	TWO_PORT=${TWO_PORT:-$(emr_port)}
	"$EMRFS" host "$NET" "127.0.0.1:$TWO_PORT" --json >"$EMR_WORK/out/host" 2>&1 </dev/null || emr_fail "host: $(cat "$EMR_WORK/out/host")"
	TWO_HOST=$("$JSON_FIELD" "$EMR_WORK/out/host" pid) TWO_ADDRESS=$("$JSON_FIELD" "$EMR_WORK/out/host" address)
}

two_host_kill() { kill -KILL "$TWO_HOST" && await_gone "$TWO_HOST"; }

# The one who invites waits in the background until the other is in.  (At a host an invitation waits by itself: --wait.)
two_join() {
	local who=$1 name=$2 role=$3 admin=${4:-$TWO_ADMIN} inviting
	as "$admin" two_invite "$who" "$role"
	inviting=$!
	emr_until test -s "$EMR_WORK/$who.invitation"
	as "$who" run 0 init --join "$EMR_WORK/$who.invitation" --yes --name "$name" --born "${EMR_BORN:-1984-03-12}" \
		--passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/$who.words" ${TWO_SOCKET:+--network "unix:$TWO_SOCKET"}
	wait "$inviting" || emr_fail "invite $who: $(cat "$EMR_WORK/out/invited-$who")"
}

two_invite() {
	rm -f "$EMR_WORK/$1.invitation" # of an invitation before
	"$EMRFS" invite "$1" --role "$2" -o "$EMR_WORK/$1.invitation" --within 10min --wait --passphrase-file "$EMR_PASS" --json \
		>"$EMR_WORK/out/invited-$1" 2>&1 </dev/null &
}

# With the folders closed or open.
two_cards() {
	local who other
	for who in "$@"; do
		as "$who" run 0 people card -o "$EMR_WORK/$who.card" --passphrase-file "$EMR_PASS"
	done
	for who in "$@"; do
		for other in "$@"; do
			[ "$who" = "$other" ] || as "$who" run 0 people add "$EMR_WORK/$other.card" --name "$other" \
				--passphrase-file "$EMR_PASS"
		done
	done
}

two_ana_and_lima() {
	two_join ana "${1:-Silva, Ana}" patient
	two_join lima "Paula Lima" clinician
	two_cards ana lima
}

two_mount() {
	local who
	for who in "$@"; do as "$who" run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/$who-folder"; done
}

two_unmount() {
	local who pid
	for who in "$@"; do
		pid=$(two_pid "$who")
		as "$who" run 0 unmount
		[ -z "$pid" ] || await_gone "$pid"
	done
}

two_pid() { sed -n 's/^pid //p' "$EMR_WORK/$1/state/lock" 2>/dev/null; }

two_kill() {
	local pid
	pid=$(two_pid "$1")
	[ -n "$pid" ] && [ -d "/proc/$pid" ] || emr_fail "nothing of $1 to kill"
	kill -KILL "$pid" && await_gone "$pid"
	fusermount3 -uqz "$EMR_WORK/$1-folder" 2>/dev/null
}

two_end() {
	local who
	for who in $TWO_MEMBERS; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	[ -z "$TWO_HOST" ] || kill -KILL "$TWO_HOST" 2>/dev/null
	[ "$(type -t channel_end)" != function ] || channel_end
}
at_end() { two_end; }
