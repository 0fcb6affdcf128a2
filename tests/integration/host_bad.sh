#!/bin/bash
# host_bad.sh: a host has a slow line, a full disk, and strangers who hold connections. Its members lose nothing, are told which of the
# computers it is, and go on when it is over.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
[ "$(id -u)" = 0 ] || emr_skip "only root can make a small disk"
two_begin host_bad
host= line= holder=
two_at_end=$(declare -f at_end)
eval "members_end() ${two_at_end#at_end ()}"
at_end() {
	[ -z "$host$line$holder" ] || kill $host $line $holder 2>/dev/null
	members_end
	umount -l "$EMR_WORK/disk" 2>/dev/null
}
port=$(emr_port)
far=$((port + 1))
host_start() {
	"$EMRFS" host "$NET" "127.0.0.1:$port" "https://127.0.0.1:$far" -f >>"$EMR_WORK/host.out" 2>&1 </dev/null &
	host=$!
	disown "$host"
	emr_until host_answers
}
host_answers() { curl -sk -o /dev/null "https://127.0.0.1:$port/emrfs/v1/descriptor"; }
line_start() { # DELAY RATE
	[ -z "$line" ] || { kill "$line" && await_gone "$line"; }
	python3 "$SUPPORT/slow_line.py" "$far" "$port" "$@" >"$EMR_WORK/line.out" 2>&1 &
	line=$!
	disown "$line"
	emr_until grep -q ready "$EMR_WORK/line.out"
}
there() { [ "$(cat "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/"$1" 2>/dev/null | sha256sum)" = "$(sha256sum <"$EMR_WORK/bento-folder/Notes/$1")" ]; }

mkdir disk && must mount -t tmpfs -o size=24m,mode=700 tmpfs disk
NET=$EMR_WORK/disk/net
TWO_ALONE=1 two_network "Praxis Ana" ana
host_start
line_start 0 1e9
two_join bento "Bento Reis" patient ana
two_join clara "Clara Dias" clinician ana
two_cards bento clara
two_mount bento clara
as bento must mkdir bento-folder/Notes
echo first >bento-folder/Notes/first.txt
as bento run 0 share Notes with clara --yes --wait
emr_until there first.txt

say "a line of half a second and 100 KB a second"
line_start 0.5 1e5
head -c 400000 /dev/urandom >bento-folder/Notes/scan.pdf
as bento run 0 status --wait=5min
emr_until there scan.pdf
as clara run 0 status

say "somebody holds all connections that one address gets: others are served"
line_start 0 1e9
python3 - "$port" >holder.out <<'PYTHON' &
import socket, sys, time
held = []
for i in range(200):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=("127.0.0.2", 0))
    s.send(b"\x16\x03\x01")
    held.append(s)
print("held", flush=True)
time.sleep(600)
PYTHON
holder=$!
emr_until grep -q held holder.out
echo held >bento-folder/Notes/held.txt
as bento run 0 status --wait=1min
emr_until there held.txt
kill "$holder" && holder=

say "the line is cut"
kill "$line" && await_gone "$line"
line=
echo away >bento-folder/Notes/away.txt
said() { grep -qF "$1" bento-folder/.emrfs/notices; }
emr_until said "The ledger cannot be reached. Your records open from this computer's own verified copy of it; what you save is kept here and sent when it is back."
line_start 0 1e9
emr_until there away.txt

say "a file of the host is damaged or gone: it is named, and what members know the host by is not made again"
host_stop() { kill "$host" && await_gone "$host"; }
spoil() { # FILE bit|cut|gone
	case $2 in
	bit) python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[9] ^= 1; open(sys.argv[1], "wb").write(b)' "$1" ;;
	cut) truncate -s 12 "$1" ;;
	gone) rm "$1" ;;
	esac
}
host_stop
for file in host/secret host/key.pem ledger/descriptor; do
	cp -p "$NET/$file" kept
	for how in bit cut gone; do
		spoil "$NET/$file" $how
		as ana run 8 host "$NET" "127.0.0.1:$port"
		says "needs its file $NET/$file"
		cp -p kept "$NET/$file"
	done
done
for file in host/certificate.pem host/writer; do
	for how in bit cut gone; do
		spoil "$NET/$file" $how
		host_start
		host_stop
	done
done
echo "known as before" >bento-folder/Notes/known.txt

say "its blocks are lost: they are missing from the first minute on, and come back"
rm -rf "$NET/blocks" "$NET/host/index"
bento_says() { as bento "$EMRFS" "$@" --json >"$EMR_WORK/out/said" 2>/dev/null </dev/null || :; }
host_fails() { bento_says status && [ "$(field places.1.state)" != works ]; }
emr_until host_fails
host_start
as ana json 0 host --status "$NET"
[ "$(field missing_roots)" -gt 0 ] || emr_fail "nothing is said to be missing"
is_back() { bento_says copies && [ "$(field short_files)" = 0 ] && as ana json 0 host --status "$NET" && [ "$(field missing_roots)" = 0 ]; }
emr_until is_back
as bento run 0 copies --repair
emr_until there known.txt

say "the host's disk is full: what is saved waits, and whose disk it is is said"
head -c 30000000 /dev/zero >disk/ballast 2>/dev/null
head -c 300000 /dev/urandom >bento-folder/Notes/late.pdf
emr_until said "The disk of https://127.0.0.1:$far is full. Whoever runs it makes room there."
as bento run 0 revoke Notes from clara --yes
as ana json 0 host --status "$NET"
expect "what is free" "$(field free_bytes)" 0
rm disk/ballast
as bento run 0 status --wait=2min
gone() { ! cat "$EMR_WORK/clara-folder/shared-with-me"/bento*/Notes/first.txt >/dev/null 2>&1; }
emr_until gone
as bento run 0 verify
two_unmount bento clara
echo "all is well"
