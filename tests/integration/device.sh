#!/bin/bash
# device.sh: two computers of one person, each with an EMRFS_HOME of its own, both with the folder open: files go both ways, each signs as
# itself, conflicts become copies, an addition that was killed can be done again, a removed one sees nothing new.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$(dirname "$0")/held.sh"
emr_begin device
cd "$EMR_WORK" || exit 2
at_end() {
	local who
	for who in a b c; do
		emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"
	done
}
printf 'passphrase of the test\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
home() { export EMRFS_HOME=$EMR_WORK/$1; [ -d "$1" ] || { mkdir -m 700 "$1" && printf 'kdf = 8,1\nnotify = none\n' >"$1/settings"; mkdir -p "$1-folder"; }; }
NET=$EMR_WORK/net
await() { # FILE WANTED: its content, as soon as it is there
	local i who
	for ((i = 0; i < 2400; i++)); do [ "$(cat "$1" 2>/dev/null)" = "$2" ] && return; sleep 0.05; done
	# Which of them it stopped at: saved, on the ledger, seen by the other.
	for who in a b; do
		home $who
		echo "-- $who:" && "$EMRFS" status --json && tail -n 5 "$who-folder/.emrfs/notices" && ls -lR "$who-folder"
	done 2>&1 | tail -n 80
	emr_fail "$1 has not become: $2"
}
P="--passphrase-file $EMR_PASS"

# copies HOME: for how many records its computer keeps what opens them without the folder's keys.
copies() { python3 -c 'import sqlite3, sys
print(sqlite3.connect("file:%s/state/replica.sqlite?mode=ro" % sys.argv[1], uri=True).execute("SELECT count(*) FROM locals").fetchone()[0])' "$1"; }
# sealed HOME: these copies themselves, a line each; one that is made again has a nonce of its own.
sealed() { python3 -c 'import sqlite3, sys
for (copy,) in sqlite3.connect("file:%s/state/replica.sqlite?mode=ro" % sys.argv[1], uri=True).execute("SELECT sealed FROM locals"): print(copy.hex())' "$1" | sort; }

say "a folder of one computer, and its ledger moved to where another can reach it"
home a
printf 'kdf = 16,1\nnotify = none\n' >a/settings
run 0 init --yes --name "Ana Silva" --born 1984-03-12 $P --words-file words
printf 'kdf = 8,1\nnotify = none\n' >a/settings	# whoever may write there makes no guess cheaper
run 0 mount $P "$EMR_WORK/a-folder"
must mkdir a-folder/Imaging
echo first >a-folder/Imaging/scan.txt
run 0 status --wait
run 13 device add laptop -o laptop.device $P
run 6 device add laptop -o laptop.device --yes $P
says "where laptop cannot reach it"
run 11 device add laptop --network "$NET" -o laptop.device --yes $P
run 0 unmount
mkdir full && touch full/file
run 6 device add laptop --network full -o laptop.device --yes $P
run 2 device add laptop --yes $P

say "killed in the middle, and again"
for after in 0.02 0.05 0.1 0.2; do
	KILLED_MAY_SAY="tablet already" killed_after $after device add tablet --network "$NET" -o killed.device --yes $P
	rm -f killed.device
done
json 0 device $P
grep -q '"name": *"tablet"' out/said && run 0 device remove tablet $P
run 0 device add laptop --network "$NET" -o laptop.device --yes $P
expect "the ledger" "$(readlink a/state/ledger)" "$NET/ledger"
expect "the blocks" "$(readlink a/state/blocks)" "$NET/blocks"
expect "MiB of a guess with the file for the laptop" "$(python3 -c 'import re, struct
print(struct.unpack(">Q", re.search(b"EMRK.{16}", open("laptop.device", "rb").read(), re.S).group()[12:])[0] >> 20)')" 16
[ "$(stat -c %a laptop.device)" = 600 ] && [ ! -e "$NET/.becoming" ] && [ ! -e a/state/ledger.new ] || emr_fail "something was left"
run 1 device add laptop -o again.device --yes $P
[ ! -e again.device ] || emr_fail "a file for nobody"

say "the other computer"
home b
python3 -c 'd = bytearray(open("laptop.device", "rb").read()); d[4] ^= 0x40; open("changed.device", "wb").write(d[:-1])'
run 8 device accept changed.device $P
run 5 device accept none.device $P
run 0 device accept laptop.device $P
run 2 words $P --words-file none
says "those of your first computer"
run 11 device accept laptop.device $P
run 0 mount $P "$EMR_WORK/b-folder"
expect "what was there" "$(cat b-folder/Imaging/scan.txt)" first
home a
run 0 mount $P "$EMR_WORK/a-folder"

say "both ways, each with its own key"
echo "from a" >a-folder/Imaging/a.txt
await b-folder/Imaging/a.txt "from a"
echo "from b" >b-folder/Imaging/b.txt
await a-folder/Imaging/b.txt "from b"
echo "by b" >b-folder/Imaging/a.txt
await a-folder/Imaging/a.txt "by b"
must mkdir b-folder/Letters
echo letter >b-folder/Letters/one.txt
await a-folder/Letters/one.txt letter
must mkdir a-folder/Notes
echo note >a-folder/Notes/one.txt
await b-folder/Notes/one.txt note
echo "note of b" >b-folder/Notes/two.txt
await a-folder/Notes/two.txt "note of b"
must mv b-folder/Imaging/b.txt b-folder/Letters/moved.txt
await a-folder/Letters/moved.txt "from b"
for who in a b; do
	home $who
	run 0 status --wait
	json 0 verify
	expect "bad on $who" "$(field bad)" "[]"
done
"$EMRFS" ledger --json --limit 100 | python3 -c 'import json, sys
assert len({e["signer"] for e in json.load(sys.stdin)["entries"]}) > 2'  || emr_fail "all signed by one"

say "the same file on both while the ledger is held"
hold_ledger
echo "both, on a" >a-folder/Imaging/a.txt
echo "both, on b" >b-folder/Imaging/a.txt
let_ledger_go
for who in a b; do home $who; run 0 status --wait; done
for ((i = 0; i < 2400; i++)); do
	[ "$(cat a-folder/Imaging/a*.txt | sort | tr '\n' ' ')" = "both, on a both, on b " ] &&
		[ "$(cat b-folder/Imaging/a*.txt | sort | tr '\n' ' ')" = "both, on a both, on b " ] && break
	sleep 0.05
done
expect "both are kept on a" "$(cat a-folder/Imaging/a*.txt | sort | tr '\n' ' ')" "both, on a both, on b "
expect "both are kept on b" "$(cat b-folder/Imaging/a*.txt | sort | tr '\n' ' ')" "both, on a both, on b "

say "the list, and a removal"
home b
json 0 device				# an open folder is asked: nobody needs a passphrase to look
expect "this one, on b" "$(python3 -c 'import json; print([d["name"] for d in json.load(open("out/said"))["devices"] if d["this"]])')" "['laptop']"
home a
json 0 device
expect "devices" "$(python3 -c 'import json; print(sorted((d["name"], d["this"], d["seen_at"] is not None) for d in json.load(open("out/said"))["devices"]))')" \
	"[('', True, True), ('laptop', False, True)]"
# newest PATH: when that was saved last, as its log says
newest() { json 0 log "$1"; python3 -c 'import json; print([e["at"] for e in json.load(open("out/said"))["entries"] if e["action"] == "saved"][-1])'; }
echo "a again" >a-folder/Notes/one.txt
await b-folder/Notes/one.txt "a again"
FIRST_AT=$(newest a-folder/Notes/one.txt)
home b
echo "b again" >b-folder/Notes/two.txt
await a-folder/Notes/two.txt "b again"
home a
LAPTOP_AT=$(newest a-folder/Notes/two.txt)
json 0 device
expect "when each saved last" "$(python3 -c 'import json; print(sorted((d["name"], d["seen_at"]) for d in json.load(open("out/said"))["devices"]))')" \
	"[('', '$FIRST_AT'), ('laptop', '$LAPTOP_AT')]"
home b
run 6 device add other -o other.device --yes $P
run 6 device remove laptop $P
home a
run 5 device remove other $P
run 13 device remove laptop		# what signs for the person is not the open folder
[ "$(copies a)" -gt 0 ] || emr_fail "a keeps nothing to open records sooner"
expect "what b keeps of keys that came by letter" "$(copies b)" 0
sealed a >out/kept
run 0 device remove laptop $P
# The open folder may have opened something just then, and keeps that again.
sealed a >out/kept-after
expect "what a keeps of keys after it" "$(comm -12 out/kept out/kept-after)" ""
json 0 device
expect "devices left" "$(python3 -c 'import json; print([d["name"] for d in json.load(open("out/said"))["devices"]])')" "['']"
echo "after b" >a-folder/Imaging/after.txt
run 0 status --wait
emr_until grep -q device-removed b-folder/.emrfs/notices
[ ! -e b-folder/Imaging/after.txt ] || emr_fail "b sees what came after its removal"
home b
pid=$(pid_of_mount)
"$EMRFS" unmount --now >/dev/null 2>&1
await_gone "$pid"
run 6 mount $P "$EMR_WORK/b-folder"
says "was removed"
home a
expect "a goes on" "$(cat a-folder/Imaging/after.txt)" "after b"
json 0 verify
expect "bad at the end" "$(field bad)" "[]"
run 0 unmount

echo "all is well"
