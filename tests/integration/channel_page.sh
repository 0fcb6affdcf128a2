#!/bin/bash
# channel_page.sh: every command of doc/fabric.md does what the page says, from nothing to three hospitals (support/page.sh), and each name in
# its settings is one that a backend has.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/page.sh"
page_begin channel_page
eval "page_$(declare -f at_end)"
at_end() {
	page_at_end
	[ ! -d "$EMR_WORK/srv/channel" ] || "$top/examples/network/fabric" down "$EMR_WORK/srv/channel" >/dev/null 2>&1
}
[ -n "${FABRIC:-}" ] || emr_skip "only where FABRIC names the programs of Hyperledger Fabric"
export FABRIC CHAINCODE BACKEND
mkdir srv
PLAYED="s|/srv/|$EMR_WORK/srv/|g; s|examples/|$top/examples/|; s/:7444/:$((port + 1))/; s/:7445/:$((port + 2))/; s/:7447/:$((port + 4))/"

say "doc/fabric.md"
play "$top/doc/fabric.md"
[ "$count" -gt 50 ] || emr_fail "only $count commands were found in doc/fabric.md"
expect "its settings" "$(awk '/^```settings/ { inside = 1; next } /^```/ { inside = 0 } inside { print $1 }' "$top/doc/fabric.md" | sort -u)" \
	"$(awk '{ print $1 }' srv/channel/backend/2/settings | sort -u)"
