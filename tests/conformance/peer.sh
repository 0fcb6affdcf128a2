# Sourced by scripts here: a peer for tests (chaincode/gateway_peer) that runs as long as the script, with $work as its directory.
set -eu
peer=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/emr-peer-XXXXXX")
at_end() {
	eval "exec ${SERVE[1]}>&-" # it ends when nobody holds its standard input any more
	wait "$pid" || true
	rm -rf "$work"
}
begin_peer() { # ARGUMENT...
	coproc SERVE { exec "$peer" "$@" 2>"$work/peer.log"; }
	pid=$SERVE_PID
	trap at_end EXIT
}
# play_network CA: a whole network in $work/channel, once its settings are there. Its client's CA is to be put at CA.
play_network() {
	mkdir -m 700 "$work/channel"
	begin_peer network "$work/channel" "$1"
	until [ -s "$work/channel/settings" ]; do
		kill -0 "$pid" || { cat "$work/peer.log" >&2; exit 1; }
		sleep 0.05
	done
}
