#!/bin/bash
# family.sh: Ana has records of her own, and begins a family's network on the home computer; nobody keeps words of that. Rui comes from another
# computer, and Lena's folder is made for her: Ana's passphrase opens it. What Ana had is still there, and she shares it with Rui.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/said.sh" 2>/dev/null
emr_begin family
cd "$EMR_WORK" || exit 2
P="--passphrase-file $EMR_PASS"
printf 'passphrase of the test\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
PORT=$(emr_port)
home() {
	export EMRFS_HOME=$EMR_WORK/$1 MNT=$EMR_WORK/$1-folder
	[ -d "$1" ] || { mkdir -p -m 700 "$1" "$1/as/family" "$1/as/family-agent" "$1/as/lena" "$MNT" && printf 'kdf = 8,1\nnotify = none\n' | tee "$1/settings" "$1"/as/*/settings >/dev/null; }
}
at_end() {
	for lock in "$EMR_WORK"/ana/state/as/*/lock "$EMR_WORK"/ana/state/as/*-network/host/lock; do kill $(sed -n "s/^pid //p" "$lock" 2>/dev/null) 2>/dev/null; done
	for who in ana rui; do EMRFS_HOME=$EMR_WORK/$who emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
}
home ana
run 0 init --yes --name "Ana Silva" --born 1984-03-12 $P --words-file ana.words
run 0 mount $P "$MNT"
echo "a knee" >"$MNT/MRI"
run 0 status --wait
run 0 unmount
run 0 practice begin "Família Silva" 127.0.0.1:$PORT --family $P
says "The family is ready"
[ "$(ls "$EMR_WORK" | grep -c words)" = 1 ] || emr_fail "words of a family: $(ls)"
run 0 mount $P "$MNT"
expect "what she had" "$(cat "$MNT/MRI")" "a knee"

say "another one comes, from another computer"
run 0 --as family invite rui --role patient -o rui.invitation $P
home rui
run 0 init --yes --join "$EMR_WORK/rui.invitation" --name "Rui Silva" $P --words-file rui.words
home ana
run 0 share "$MNT/MRI" with rui@familiasilva --yes

say "and a child"
run 0 guardian make lena --name Lena --born 2015-03-01 --words-file lena.words $P
run 0 --as lena mount $P "$EMR_WORK/lena-folder"
run 0 --as lena unmount
run 0 unmount
echo "all is well"
