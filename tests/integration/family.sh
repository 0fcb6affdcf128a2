#!/bin/bash
# family.sh: Ana has records of her own, and begins a family's network on the home computer; nobody keeps words of that. Rui comes from another
# computer, and Lena's folder is made for her: Ana's passphrase opens it. Her own records are still there, and she shares one with Rui.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin family
cd "$EMR_WORK" || exit 2
export HOME=$EMR_WORK # where the folder of the family is opened
P="--passphrase-file $EMR_PASS"
printf 'passphrase of the test\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
PORT=$(emr_port)
home() {
	export EMRFS_HOME=$EMR_WORK/$1 MNT=$EMR_WORK/$1-folder
	[ -d "$1" ] && return
	mkdir -p -m 700 "$1" "$1/as/family" "$1/as/family-agent" "$1/as/lena" "$MNT"
	for settings in "$1" "$1"/as/*; do printf 'kdf = 8,1\nnotify = none\n' >"$settings/settings"; done
}
at_end() {
	local lock at
	find "$EMR_WORK" -name lock | while read -r lock; do flock -n "$lock" true || kill -KILL "$(sed -n 's/^pid //p' "$lock")" 2>/dev/null; done
	grep -oE "$EMR_WORK/[^ ]*" /proc/self/mounts | while read -r at; do fusermount3 -uqz "$at"; done
}
home ana
run 10 practice begin "Família Silva" 127.0.0.1:$PORT --family $P
run 0 init --yes --name "Ana Silva" --born 1984-03-12 $P --words-file ana.words
run 0 mount $P "$MNT"
echo "a knee" >"$MNT/MRI"
run 0 status --wait
run 0 unmount
secret strange "the passphrase of nobody here"
run 12 practice begin "Família Silva" 127.0.0.1:$PORT --family --passphrase-file strange
json 0 practice begin "Família Silva" 127.0.0.1:$PORT --family $P
expect "the agent" "$(field agent_keyring)" family-agent
expect "words of a family" "$(ls | grep -c words)" 1
run 0 mount $P "$MNT"
expect "what she had" "$(cat "$MNT/MRI")" "a knee"

say "the same line again does what is left; the agent begins by her passphrase, and the strange one opens nothing"
run 0 practice begin "Família Silva" 127.0.0.1:$PORT --family $P
says "The family is ready"
agent=$(sed -n 's/^pid //p' ana/state/as/family-agent/lock)
kill "$agent" && await_gone "$agent"
run 12 --as family-agent agent --passphrase-file strange
run 0 --as family-agent agent $P

say "another one comes, from another computer"
run 0 --as family invite rui --role patient -o rui.invitation $P
home rui
run 0 init --yes --join "$EMR_WORK/rui.invitation" --name "Rui Silva" $P --words-file rui.words
run 0 people card -o rui.card $P
run 0 mount $P "$MNT"
home ana
run 0 people card -o ana.card $P
run 0 people add rui.card --name rui $P
run 0 share MRI with rui --away own --yes
run 0 status --wait
home rui
run 0 people add ana.card --name ana $P
knee() { grep -rqs "a knee" "$MNT"; }
emr_until knee
run 0 unmount

say "and a child"
home ana
run 0 guardian make lena --name Lena --born 2015-03-01 --words-file lena.words $P
mkdir lena-folder
run 0 --as lena mount $P "$EMR_WORK/lena-folder"
echo measles >lena-folder/Vaccines
json 0 --as lena status --wait
expect "her network" "$(field network_name)" "Família Silva"
run 0 --as lena unmount
run 0 unmount
echo "all is well"
