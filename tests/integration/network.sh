#!/bin/bash
# network.sh: a hospital makes a network in a directory, two patients join it; each has a folder of his own, and nothing of
# another's name or content is in any byte of ledger, mail or the others' states. Verify, backup, words and restore of a member.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
emr_begin network
cd "$EMR_WORK" || exit 2
at_end() {
	local who pid
	for who in hospital ana rui; do
		pid=$(sed -n 's/^pid //p' "$EMR_WORK/$who/state/lock" 2>/dev/null)
		[ -z "$pid" ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != emrfs ] || kill -KILL "$pid" 2>/dev/null
		fusermount3 -uqz "$EMR_WORK/$who-folder" 2>/dev/null
	done
}
printf 'passphrase of the test\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
home() { export EMRFS_HOME=$EMR_WORK/$1; [ -d "$1" ] || { mkdir -m 700 "$1" && printf 'kdf = 8,1\n' >"$1/settings"; mkdir "$1-folder"; }; }
NET=$EMR_WORK/net
# join WHO NAME ROLE: the hospital invites and waits; WHO comes.
join() {
	home hospital
	"$EMRFS" org invite "$1" --role "$3" -o "$1.invitation" --passphrase-file "$EMR_PASS" --json >"out/invited-$1" 2>&1 </dev/null &
	local hospital=$! i
	for ((i = 0; i < 600; i++)); do [ -s "$1.invitation" ] && break; sleep 0.05; done
	home "$1"
	run 0 init --join "$1.invitation" --yes --name "$2" --born 1970-01-01 --passphrase-file "$EMR_PASS" --words-file "$1.words"
	says "members of São Lucas see"
	wait "$hospital" || emr_fail "org invite: $(cat "out/invited-$1")"
	grep -q '"role":"'"$3"'"' "out/invited-$1" || emr_fail "invited: $(cat "out/invited-$1")"
	[ ! -e "$1.invitation" ] || emr_fail "the used invitation is still there"
}

say "a hospital makes a network"
home hospital
mkdir full && touch full/file
run 2 org create "São Lucas" --passphrase-file "$EMR_PASS" --words-file w
run 6 org create "São Lucas" --network full --yes --passphrase-file "$EMR_PASS" --words-file w
[ ! -e "$EMRFS_HOME/state/keyfile" ] && [ -e full/file ] || emr_fail "something was made or removed"
run 0 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file hospital.words
[ "$(stat -c %a "$NET")" = 700 ] || emr_fail "others may enter the network's directory"
run 2 org invite ana --passphrase-file "$EMR_PASS"
run 2 org invite ana --role king -o x --passphrase-file "$EMR_PASS"
run 7 org invite ana --role patient -o nobody.invitation --within 1s --passphrase-file "$EMR_PASS"
[ ! -e nobody.invitation ] || emr_fail "the invitation that is over is still there"

say "two patients join"
join ana "Ana Silva" patient
join rui "Rui Costa" patient
run 6 org invite eva --role patient -o x --passphrase-file "$EMR_PASS"
[ -z "$(ls "$NET/mail")" ] || emr_fail "mail was left: $(ls "$NET/mail")"

say "an invitation is for once, for its network, and whole"
home hospital
"$EMRFS" org invite eva --role patient -o eva.invitation --within 60s --passphrase-file "$EMR_PASS" >out/eva 2>&1 </dev/null &
waiting=$!
for ((i = 0; i < 600; i++)); do [ -s eva.invitation ] && break; sleep 0.05; done
cp eva.invitation copy.invitation
python3 -c 'd = bytearray(open("copy.invitation", "rb").read()); d[70] ^= 1; open("changed.invitation", "wb").write(d)'
kill -TERM $waiting && wait $waiting
home eva
run 8 init --join changed.invitation --yes --passphrase-file "$EMR_PASS" --words-file eva.words
run 5 init --join none.invitation --yes --passphrase-file "$EMR_PASS" --words-file eva.words
run 7 init --join copy.invitation --within 1s --yes --passphrase-file "$EMR_PASS" --words-file eva.words
[ ! -e "$EMRFS_HOME/state/keyfile" ] && [ -z "$(ls "$NET/mail")" ] || emr_fail "half a member"

say "each has a folder"
for who in hospital ana rui; do
	home $who
	run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/$who-folder"
done
for who in hospital ana rui; do
	must mkdir "$who-folder/Ward of $who"
	echo "finding of $who, malignant" >"$who-folder/Ward of $who/letter-$who.txt"
done
for who in hospital ana rui; do
	home $who
	run 0 status --wait
	expect "content" "$(cat "$who-folder/Ward of $who/letter-$who.txt")" "finding of $who, malignant"
	expect "top of $who" "$(ls "$who-folder" | tr '\n' ' ')" "Inbox Ward of $who "
	json 0 verify
	expect "bad" "$(field bad)" "[]"
done
home ana
run 0 people card -o ana.card
home hospital
run 0 people add ana.card --name ana
json 0 people ana
expect "registered" "$(python3 -c 'import json; p = json.load(open("out/said"))["people"][0]; print(p["role"], p["organisation"], p["registered"], p["same_network"])')" \
	"patient São Lucas True True"
for who in hospital ana rui; do home $who; run 0 unmount; done
run 0 verify --passphrase-file "$EMR_PASS"
for word in "Ana Silva" "Rui Costa" "Ward of" letter- malignant 1970-01-01; do
	! grep -rlaF "$word" "$NET" hospital/state ana/state rui/state >found || emr_fail "'$word' in clear: $(cat found)"
done

say "a member's second copy, and the network again"
home ana
run 0 backup copy
grep -q ' network$' copy/emrfs-backup || emr_fail "the copy does not say where the network is"
home ana2
mv "$NET" "$NET.away"
run 6 init --restore copy --passphrase-file "$EMR_PASS"
mv "$NET.away" "$NET"
run 0 init --restore copy --passphrase-file "$EMR_PASS"
expect "the ledger of all" "$(readlink "$EMRFS_HOME/state/ledger")" "$NET/ledger"
run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
expect "restored" "$(cat "ana-folder/Ward of ana/letter-ana.txt")" "finding of ana, malignant"
echo "one more" >"ana-folder/Ward of ana/more.txt"
run 0 status --wait
run 0 unmount

say "words of another member open nothing of mine"
home rui
cp rui/state/keyfile keyfile
run 12 recover --words-file ana.words --new-passphrase-file "$EMR_PASS"
must cmp keyfile rui/state/keyfile
run 0 recover --words-file rui.words --new-passphrase-file "$EMR_PASS"

say "the network's directory is away"
mv "$NET" "$NET.away"
run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rui-folder"
expect "without the network" "$(cat "rui-folder/Ward of rui/letter-rui.txt")" "finding of rui, malignant"
echo later >"rui-folder/Ward of rui/later.txt"
mv "$NET.away" "$NET"
run 0 status --wait
run 0 unmount
echo "all is well"
