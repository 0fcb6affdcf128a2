#!/bin/bash
# fetch_slow.sh: an IPFS node that is slow, hangs or lies holds up nobody but the program that reads from it, and that one not for ever.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin fetch-slow
FAKE=
at_end() { [ -z "$FAKE" ] || kill "$FAKE" 2>/dev/null; }
cd "$EMR_WORK" || exit 2
mkdir fake
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/fake" &
FAKE=$!
emr_until test -f fake/ready
# SCENE: the settings name it, nothing is cached, and what was exported is not here.  A folder that is open for longer brings what its
# cache has home, for no node is known to hold it (fs/store/nodes/fetch/DESIGN.md, last copies): the next try, or scene, would ask for nothing.
node() {
	sed -i '/^node/d' "$EMRFS_HOME/settings"
	printf 'node = unix:%s/fake/%s.sock\n' "$EMR_WORK" "$1" >>"$EMRFS_HOME/settings"
	rm -rf "$EMRFS_HOME/cache"
	must python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/all.car >/dev/null
}
# errno_of PATH: opens and reads it, and says 0 or how it failed
errno_of() { python3 -c 'import sys
try: open(sys.argv[1], "rb").read(); print(0)
except OSError as e: print(e.errno)' "$1"; }
noticed() { grep -q -- " $1 .*$2" "$MNT/.emrfs/notices"; }

emr_init
emr_mount
mkdir "$MNT/Imaging" records
for i in $(seq 48); do head -c $((i * 1000)) /dev/urandom >"records/$i"; done
head -c 1200000 /dev/urandom >records/scan
head -c 12600000 /dev/urandom >records/study
cp records/* "$MNT/Imaging"
for file in records/*; do confirmed_version "$MNT/Imaging/${file##*/}" >/dev/null; done
must "$EMRFS" export Imaging out/all.car >out/said 2>&1
emr_unmount
curl -sS -A emrfs/test -H Expect: --unix-socket fake/good.sock -F file=@out/all.car "http://node/api/v0/dag/import?timeout=60s" >out/said 
grep -q '"PinErrorMsg": ""' out/said || emr_fail "the node did not take it: $(cat out/said)"

say "while more readers wait than there are threads, names, sizes and what is here go on"
node gate
emr_mount
echo "is here" >"$MNT/here"
# All of them wait at the beginning and at the end of it: on a busy computer a try may take longer than anybody waits.
goes_on() {
	local i pid
	readers=
	for i in $(seq 48); do
		cat "$MNT/Imaging/$i" >"out/$i" 2>"out/$i.complaint" &
		readers="$readers $!"
	done
	emr_until test -s fake/asked
	expect listing "$(ls "$MNT/Imaging" | wc -l)" 50
	expect size "$(stat -c %s "$MNT/Imaging/scan")" 1200000
	expect bytes "$(cat "$MNT/here")" "is here"
	echo "and saved" >"$MNT/saved"
	mkdir -p "$MNT/made" && mv "$MNT/saved" "$MNT/made/saved" || emr_fail "nothing can be made"
	for pid in $readers; do [ -d "/proc/$pid" ] || break; done
	[ -d "/proc/$pid" ] && return 0
	for pid in $readers; do wait "$pid"; done
	return 1
}
emr_until goes_on

say "a reader who is interrupted ends at once, while the node still says nothing"
first=${readers# }
first=${first%% *}
kill -TERM "$first"
ended() { [ ! -d "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }
emr_until ended "$first"

say "when the node goes on, everybody gets his bytes, also whoever gave up before"
touch fake/open
for pid in $readers; do wait "$pid"; done
for i in $(seq 2 48); do
	[ -s "out/$i.complaint" ] || cmp "records/$i" "out/$i" || emr_fail "$i: other bytes"
done
same() { cmp "records/$1" "$MNT/Imaging/$1"; }
for i in $(seq 48); do emr_until same "$i"; done
emr_unmount

say "to end the mount waits for no node, and who reads is told"
rm -f fake/open fake/asked
node gate
emr_mount
cat "$MNT/Imaging/7" >out/7 2>out/7.complaint &
reader=$!
emr_until test -s fake/asked
kill -TERM "$(emr_pid)"
emr_await_end || emr_fail "the mount did not end"
wait "$reader" && emr_fail "it was read from nowhere"
touch fake/open

say "who begins to read at the beginning gets the next leaves ahead"
# Which leaves were asked for (or passed): a line each, whether alone or several of a file in one request.
leaves() {
	grep -ohE 'arg=bafkr[a-z0-9]*|arg=[a-z0-9]*&offset=[0-9]+&length=[0-9]+' "fake/$1" 2>/dev/null |
		awk -F'[=&]' -v leaf=262400 'NF < 6 { print $2; next } { for (k = int($4 / leaf); k * leaf < $4 + $6; k++) print $2 ":" k }' | sort -u
}
all_asked() { [ "$(leaves asked | wc -l)" -ge 5 ]; }	# of the file
# On a busy computer what he reads may come so slowly that nothing is asked for ahead.
goes_ahead() {
	rm -f fake/asked
	node gate
	emr_mount
	head -c 1000 "$MNT/Imaging/scan" | cmp - <(head -c 1000 records/scan) || emr_fail "other bytes"
	for _ in $(seq 50); do
		all_asked && break
		sleep 0.1
	done
	emr_unmount
	all_asked
}
emr_until goes_ahead

say "who reads on has sixteen leaves on their way while he waits for one"
# Those that stand at the gate: what was asked for as it closed is on its way, too, and what it let through is not.
flying() { comm -23 <(leaves asked) <(leaves passed) | wc -l; }
none_flies() { [ "$(flying)" = 0 ]; }
# As above: of whom the beginning comes slowly nothing is asked for ahead.
reads_on() {
	local are_many=no
	touch fake/open
	rm -f fake/asked fake/passed
	node gate
	emr_mount
	exec 5<"$MNT/Imaging/study"
	head -c 1000000 <&5 >out/study
	emr_until none_flies # one behind a gap that comes would be missing among those on their way
	rm -f fake/open
	cat <&5 >>out/study 2>out/complaint &
	reader=$!
	for _ in $(seq 50); do
		[ "$(flying)" -ge 16 ] && are_many=yes && break
		sleep 0.1
	done
	touch fake/open
	wait "$reader"
	exec 5<&-
	emr_unmount
	[ $are_many = yes ] && cmp records/study out/study
}
emr_until reads_on

# Reads a little of each leaf that is named, one after the other, and nothing beside it.
cat >leaf_reader.py <<'END'
import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
print("open", flush=True)
for line in sys.stdin:
    with open(sys.argv[2], "rb") as kept:
        kept.seek(int(line) * 262144 + 4096)
        print("read" if os.pread(file, 1000, int(line) * 262144 + 4096) == kept.read(1000) else "other bytes", flush=True)
END
# with_reader COMMAND: with one who is told by `leaf N` which leaf he reads, and who says nothing before he has it.
with_reader() {
	rm -f fake/asked fake/passed
	touch fake/open
	node gate
	emr_mount
	coproc READER { python3 leaf_reader.py "$MNT/Imaging/study" records/study; }
	local said told
	read -r said <&"${READER[0]}"
	expect "the reader" "$said" open
	rm -f fake/asked
	"$1"
	told=$?
	touch fake/open
	eval "exec ${READER[1]}>&-"
	wait "$READER_PID" 2>/dev/null
	emr_unmount
	return $told
}
leaf() {
	local said
	echo "$1" >&"${READER[1]}"
	read -r said <&"${READER[0]}"
	expect "leaf $1" "$said" read
}
# ahead FROM TO: whether all of these were asked for, now or in a while.
ahead() {
	local i
	for _ in $(seq 50); do
		for i in $(seq "$1" "$2"); do leaves asked | grep -q ":$i$" || { sleep 0.1; continue 2; }; done
		return 0
	done
	return 1
}

say "who jumps back and reads on there gets the next leaves ahead again"
jumps() { for i in 30 31 32 10 11; do leaf $i; done && ahead 12 15; }
with_reader jumps || emr_fail "nothing was asked for ahead: $(leaves asked)"

say "what comes slowly is asked for alone, and ahead again as soon as it does not"
# After one leaf was read, the blocks above the leaves are here; the first leaf is slow then, and the next one fast.
slow_once() {
	leaf 40
	rm -f fake/open fake/asked
	echo 0 >&"${READER[1]}"
	emr_until test -s fake/asked
	sleep 1.2
	touch fake/open
	read -r said <&"${READER[0]}"
	expect "leaf 0" "$said" read
	leaf 1
	ahead 2 5
}
with_reader slow_once || emr_fail "nothing was asked for ahead: $(leaves asked)"

say "over 100 KB/s and half a second to each answer a file comes whole"
node slow
emr_mount
cmp records/scan "$MNT/Imaging/scan" || emr_fail "other bytes"
emr_unmount

say "on a line that four leaves at a time do not come over in time they come one by one"
node narrow
emr_mount
cmp records/scan "$MNT/Imaging/scan" || emr_fail "other bytes"
emr_unmount

say "a folder whose only node hangs from the beginning opens and takes what is saved; a reader is told that it is late, and status why"
node hangs
emr_mount
echo "meanwhile" >"$MNT/meanwhile"
must confirmed_version "$MNT/meanwhile" >/dev/null
expect bytes "$(cat "$MNT/meanwhile")" meanwhile
expect errno "$(errno_of "$MNT/Imaging/9")" 110
emr_until noticed place-late Imaging/9
told_why() { "$EMRFS" status >out/said 2>&1 </dev/null; grep -q "hangs.sock did not answer in time" out/said; }
emr_until told_why
expect listing "$(ls "$MNT/Imaging" | wc -l)" 50
run 8 verify
emr_unmount

say "of a node that lies nothing is shown"
while read -r scene errno notice; do
	node "$scene"
	emr_mount
	expect "errno with $scene" "$(errno_of "$MNT/Imaging/9")" "$errno"
	emr_until noticed "$notice" Imaging/9
	emr_unmount
done <<<"wrong-bytes 5 missing-everywhere
endless 5 missing-everywhere
short 113 place-away"
echo "all is well"
