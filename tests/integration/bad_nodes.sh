#!/bin/bash
# bad_nodes.sh: an open folder meets each way in which an IPFS node can fail: one line names the node and says what is wrong, and saving,
# registering, reading and closing go on as if there were no node.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin bad_nodes
FAKE=
at_end() { [ -z "$FAKE" ] || kill "$FAKE" 2>/dev/null; }
cd "$EMR_WORK" || exit 2
mkdir fake
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=node.test -keyout fake/key -out fake/certificate 2>/dev/null || emr_fail "no certificate"
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/fake" fake/certificate fake/key &
FAKE=$!
emr_until test -f fake/ready
emr_init

# Every NAME of a node has a sentence that people read: ADDRESS|SENTENCE, where a name without a slash is a socket of the fake ones.
unpublishable="nowhere|is no address of an IPFS node
http://192.0.2.1:5001|is another computer, and is spoken to with TLS only"
publishing="https://node.invalid|is not known here
https://127.0.0.1:$(cat fake/port)|could not prove who it is
none|does not answer
token|does not accept the token
unauthorized|does not accept the token
not-allowed|accepts the token, but not for this
conflict|refuses for now: not now
busy|has too much to do
error|failed by its own word: something broke
unavailable|The proxy of
overloaded|The proxy of
html|is no IPFS node
old|runs Kubo 0.39.0, and 0.43.1 is the oldest
bad-car|refused what was sent as damaged
not-pinned|took it and does not keep it"
more="full|The disk of
too-large|has to do with more at once than it may
empty|broke off its answer
root-other|answers something else than it was asked
hangs-up|broke off its answer
cut-json|broke off its answer
no-http|is no IPFS node
redirect|is no IPFS node"
address() { case $1 in */* | nowhere) echo "$1" ;; *) echo "unix:$EMR_WORK/fake/$1.sock" ;; esac; }
name_nodes() { # LINES: they are the nodes of the settings
	local name
	printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
	while IFS='|' read -r name _; do echo "node = $(address "$name")" >>"$EMRFS_HOME/settings"; done <<<"$1"
}
registered() { case $(attribute state "$1") in confirmed*) ;; *) return 1 ;; esac; }
# The line behind that of the place says why.
copies_say() { # ADDRESS SENTENCE
	"$EMRFS" copies >copied 2>&1
	grep -A1 -F "$1 " copied | grep -qF "$2"
}
saves() { # NAME: what is saved meanwhile is registered, and reads back
	head -c 300000 /dev/urandom >"$1"
	must cp "$1" "$MNT/$1"
	emr_until registered "$MNT/$1"
	cmp "$1" "$MNT/$1" || emr_fail "other bytes"
}

say "what is no address, and clear text to another computer, are said once, and nothing is sent there"
name_nodes "$unpublishable"
emr_mount
saves first
while IFS='|' read -r name words; do
	grep -F "$name" "$MNT/.emrfs/notices" | grep -qF "$words" || emr_fail "of $name: $(cat "$MNT/.emrfs/notices")"
done <<<"$unpublishable"
emr_unmount

say "nodes that refuse, fail, hang up or are none are each told by their own sentence, and keep nobody from anything"
round=0
for nodes in "$publishing" "$more"; do
	round=$((round + 1))
	name_nodes "$nodes"
	emr_mount
	saves "record-$round"
	while IFS='|' read -r name words; do
		emr_until copies_say "$(address "$name")" "$words"
		emr_until grep -qF "$(address "$name")" "$MNT/.emrfs/notices"
	done <<<"$nodes"
	expect "copies" "$(attribute state "$MNT/record-$round" | cut -d/ -f1)" "confirmed 1"
	"$EMRFS" status >out/said 2>&1
	expect "exit of status" $? 0
	emr_unmount
done

say "a node that takes all of it and never says that it is pinned: how much is on its way is told, then that it is late, and saving goes on"
name_nodes "never-pins|"
emr_mount
sent() { "$EMRFS" status 2>/dev/null | grep -q "Being sent: .* of "; }
emr_until sent # it has a minute, which is waited for by a clock that goes faster
saves being-sent
emr_unmount
EMR_CLOCK_HASTE=5 LD_PRELOAD=$TOOLS/libclock_shim.so emr_mount
emr_until copies_say "$(address never-pins)" "did not answer in time"
emr_until grep -qF "fake/never-pins.sock did not answer in time" "$MNT/.emrfs/notices"
saves while-it-is-late
expect "copies" "$(attribute state "$MNT/being-sent")" "confirmed 1/2"
emr_unmount

say "of nodes that give other bytes, too many, too few or none, nothing is shown, and it is said whose they are"
name_nodes ""
emr_mount
must "$EMRFS" export first out/first.car >out/said 2>&1
emr_unmount
python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/first.car >/dev/null
while IFS='|' read -r name words; do
	name_nodes "$name"
	rm -rf "$EMRFS_HOME/cache"
	emr_mount
	cat "$MNT/first" >read 2>/dev/null && emr_fail "it was read from a node that is $name"
	expect "bytes from $name" "$(wc -c <read)" 0
	notices_name() { grep -F "$words" "$MNT/.emrfs/notices" | grep -qF "fake/$name.sock"; }
	emr_until notices_name
	expect "listing beside $name" "$(ls "$MNT" | grep -c '^first\|^record-')" 3
	cmp record-1 "$MNT/record-1" || emr_fail "what is here"
	emr_unmount
done <<<"wrong-bytes|No copy of the data of first can be found
three-mib|No copy of the data of first can be found
endless|No copy of the data of first can be found
short|gives no whole answer
trailer|gives no whole answer
empty|gives no whole answer
error|gives no whole answer
html|No copy of the data of first can be found
token|cannot be reached
unauthorized|cannot be reached
not-allowed|cannot be reached
conflict|cannot be reached
busy|cannot be reached
unavailable|cannot be reached
none|cannot be reached"
echo "all is well"
