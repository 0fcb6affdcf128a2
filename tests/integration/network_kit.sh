#!/bin/bash
# network_kit.sh: the programs that the example networks build are there whole, or it is said why not: a cache that is full or cannot be
# written, a proxy that refuses a module or Go itself, a program that was lost, and the rest of a killed run. Small modules stand for the
# large ones. One program at a time changes a network, in a directory of its user's; a directory that it does not understand is refused.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
command -v go >/dev/null || emr_skip "no Go"
kit=$(cd "$(dirname "$0")/../../examples/network" && pwd)/kit.sh
EMR_WORK=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-kit-XXXXXX") || exit 2
export EMR_WORK
proxy= running=
at_end() { [ -z "$proxy" ] || kill "$proxy"; [ -z "$running" ] || kill "$running" 2>/dev/null; umount -l "$EMR_WORK/full" 2>/dev/null; rm -rf "$EMR_WORK"; }
trap at_end EXIT
cd "$EMR_WORK" || exit 2
cache=$EMR_WORK/cache/emrfs

# module DIR GO: a program
module() {
	mkdir -p "$1"
	printf 'module emrfs.invalid/test\n\ngo %s\n' "$2" >"$1/go.mod"
	: >"$1/go.sum"
	printf 'package main\n\nfunc main() {}\n' >"$1/main.go"
}
# make WANTED-EXIT CACHE-HOME [DIR]: as the networks do it, what was built is in "is", what was said in "said"
make() {
	local code=0
	XDG_CACHE_HOME=$2 KIT=$kit timeout "$EMR_PATIENCE" bash -c 'set -euo pipefail; . "$KIT"; at=$(built "$@") || exit; echo "$at"' \
		kit program "$EMR_WORK/${3:-module}" . >is 2>said || code=$?
	[ "$code" = "$1" ] || emr_fail "it ended with $code, wanted $1: $(cat said)"
	[ "$1" = 0 ] || [ ! -s is ] || emr_fail "what was not built is at $(cat is)"
}
said() { grep -qF -- "$1" said || emr_fail "not said: $1: $(cat said)"; }

module module 1.16
echo "-- what is built is kept, and taken from there"
make 0 "$EMR_WORK/cache"
said "building program"
"$(cat is)" || emr_fail "the program does not run"
make 0 "$EMR_WORK/cache"
expect "what a second one says" "$(cat said)" ""

echo "-- a computer of another kind that shares the home builds its own"
mkdir another && printf '#!/bin/sh\necho another\n' >another/uname && chmod +x another/uname
mine=$(cat is)
PATH=$EMR_WORK/another:$PATH make 0 "$EMR_WORK/cache"
[ "$(cat is)" != "$mine" ] || emr_fail "it would run what was built for this one"
make 0 "$EMR_WORK/cache"
expect "what this one runs" "$(cat is)" "$mine"

echo "-- a program that was lost is built anew, and what a killed run left is gone"
rm "$(cat is)"
mkdir -p "$cache/build.program.killed/modules" "$cache/build.another.AAAAAA" && chmod 500 "$cache/build.program.killed/modules"
make 0 "$EMR_WORK/cache"
"$(cat is)" || emr_fail "the lost program is not there"
expect "in the cache" "$(cd "$cache" && echo build.*)" "build.another.AAAAAA" # which may run now
whole() { bash -c '. "$1" && is_built "$2" "$3" tool' kit "$kit" "$EMR_WORK/several" "$(dirname "$kit")/fabric-programs"; }
mkdir several && (cd several && touch configtxgen configtxlator orderer osnadmin peer && chmod +x -- *)
whole || emr_fail "all programs are there, and would be built anew"
rm several/osnadmin
! whole || emr_fail "one program of several is lost, and is not missed"

echo "-- a cache that cannot be made, locked or written is named, and nothing is written elsewhere"
make 1 /dev/null
said "cannot be made"
mkdir -p locked/emrfs/program.lock
make 1 "$EMR_WORK/locked"
said "cannot be written"
if [ "$(id -u)" -eq 0 ]; then
	mkdir full && must mount -t tmpfs -o nr_inodes=3 none full # the root of it, emrfs and the lock
	make 1 "$EMR_WORK/full"
	said "cannot be written"
	must mount -o remount,nr_inodes=100,size=8k full
	make 1 "$EMR_WORK/full"
	said "cannot be built"
	expect "what stays" "$(ls full/emrfs)" program.lock
fi

echo "-- a proxy that refuses a module, or the Go that builds it, is told from another failure"
python3 - >port <<'END' &
import http.server, sys
class Refuses(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(403)
    def log_message(self, *said):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Refuses)
print(server.server_port, flush=True)
server.serve_forever()
END
proxy=$!
until [ -s port ]; do sleep 0.1; done
export GOPROXY=http://127.0.0.1:$(cat port) GONOSUMDB=* GOFLAGS=
module lacks 1.16
printf 'require emrfs.invalid/lacking v1.0.0\n' >>lacks/go.mod
printf 'emrfs.invalid/lacking v1.0.0 h1:%s=\nemrfs.invalid/lacking v1.0.0/go.mod h1:%s=\n' "$(printf 'A%.0s' {1..43})" "$(printf 'A%.0s' {1..43})" >lacks/go.sum
printf 'package main\n\nimport _ "emrfs.invalid/lacking"\n\nfunc main() {}\n' >lacks/main.go
make 3 "$EMR_WORK/cache" lacks
said "the module proxy refuses a module of program"
module newer 1.99.0
make 3 "$EMR_WORK/cache" newer
said "fetching Go"
said "the module proxy refuses a module of program"
module broken 1.17
echo broken >broken/main.go
make 1 "$EMR_WORK/cache" broken
said "cannot be built"

echo "-- a program that ended before its moment was read is no running one, and ending it is no failure"
with_kit() { bash -c 'set -euo pipefail; . "$1"; shift; "$@"' kit "$kit" "$@"; }
bash -c 'exit 0' &
ended=$!
wait "$ended"
with_kit remember_process "$ended" ended.pid || emr_fail "one that ended at once ends who started it"
echo "999999999 " >never.pid
sleep 1000 >/dev/null 2>&1 &
running=$!
with_kit remember_process "$running" running.pid
for each in ended never; do
	! with_kit process_in "$each.pid" >is || emr_fail "$each: it would run as $(cat is)"
done
expect "what runs" "$(with_kit process_in running.pid)" "$running"
with_kit end_processes never.pid ended.pid running.pid || emr_fail "what had ended keeps the others from being ended"
! with_kit process_in running.pid >is || emr_fail "what ran after one that had ended was not ended"

echo "-- a process is known from its file before it begins"
mkdir started
with_kit start_process started/it.pid started/log bash -c 'cat "$1" >"$1.seen"; exec sleep 1000' it started/it.pid
emr_until test -s started/it.pid.seen
with_kit process_in started/it.pid >is || emr_fail "it is not known: $(cat started/*)"
expect "what it saw itself" "$(cut -d' ' -f1 started/it.pid.seen)" "$(cat is)"
with_kit end_processes started/it.pid
expect "what is left" "$(cd started && echo *)" "it.pid it.pid.seen log"

networks=$(dirname "$kit")
echo "-- a word or an option that means nothing is refused wherever it stands, and nothing is made"
for words in "fabric up raft net --cb" "fabric up --cb raft net" "fabric up raft net more" "fabric down net --ca" "fabric status --ipfs net" "fabric trust 1 ca.pem net --yes" \
	"fabric down net more" "ipfs up net --ca" "ipfs down net more" "ipfs-cluster up net --nodes"; do
	# shellcheck disable=SC2086
	"$networks"/$words >said 2>&1 && emr_fail "taken: $words"
	grep -qE "has no option -|there is no option -|what is more\?" said || emr_fail "$words: $(cat said)"
	[ ! -e net ] || emr_fail "$words left: $(find net)"
done

echo "-- a program that is missing is named, and nothing is made"
mkdir few && for program in bash dirname mkdir id sed; do ln -s "$(command -v "$program")" few/; done
for words in "fabric up raft net" "ipfs up net" "ipfs-cluster up net"; do
	# shellcheck disable=SC2086
	PATH=$EMR_WORK/few bash "$networks"/$words >said 2>&1 && emr_fail "it goes without: $words"
	grep -qE "^programs are missing: apt install jq curl" said || emr_fail "$words: $(cat said)"
	[ ! -e net ] || emr_fail "$words left: $(find net)"
done
if (command -v jq && command -v curl && command -v openssl) >/dev/null; then
	FABRIC=$EMR_WORK/few "$networks/fabric" up raft net >said 2>&1 && emr_fail "a Fabric without a peer"
	said "has no peer"
	[ ! -e net ] || emr_fail "left: $(find net)"
fi

echo "-- whoever changes a network waits for another, who may remove it"
in_net() { bash -c 'set -euo pipefail; . "$1"; dir=$2; shift 2; eval "$*"' kit "$kit" "$EMR_WORK/net" "$@"; }
in_net 'hold_network is-ours' 2>said && emr_fail "one that is not there is held"
said "there is no network"
mkfifo goes
in_net 'hold_or_begin_network is-ours; mkdir "$dir/1"; touch "$dir/1/key" "$dir/is-made"; echo held >held; read -r _ <goes; remove_network' &
holder=$!
emr_until test -s held
expect "who may enter it" "$(stat -c %a net)" 700
in_net 'hold_network is-ours; echo "held" >second' 2>second.said &
second=$!
in_net 'hold_or_begin_network is-ours; [ ! -e "$dir/1" ] && touch "$dir/2" && echo "held" >third' 2>third.said &
third=$!
emr_until grep -q "waiting for another program" second.said
emr_until grep -q "waiting for another program" third.said
[ ! -e second ] && [ ! -e third ] || emr_fail "two have it at once"
echo goes >goes
wait "$holder" || emr_fail "it cannot be removed"
wait "$second" && emr_fail "what was removed is held"
grep -q "there is no network" second.said || emr_fail "$(cat second.said)"
wait "$third" || emr_fail "who waited cannot begin: $(cat third.said)"
expect "the next one" "$(cd net && echo *)" "2 is-ours"

echo "-- a removal that was killed is gone on with"
mkdir -p net/1 && touch net/1/key
in_net 'hold_network is-ours; remove_network' || emr_fail "it is not removed"
[ ! -e net ] || emr_fail "left: $(find net)"

echo "-- a directory that is somebody's is left alone"
mkdir net && touch net/letter
in_net 'hold_or_begin_network is-ours' 2>said && emr_fail "it was taken"
said "is no network of this program"
rm net/letter
if [ "$(id -u)" -eq 0 ]; then # as one that another user made in /tmp before
	touch net/is-ours && chown -R 65534 net
	in_net 'hold_or_begin_network is-ours' 2>said && emr_fail "another user's directory was taken"
	said "somebody else"
	chown -R 0 net
fi
