#!/bin/bash
# words_renew_device.sh: Ana's second computer goes on when she takes new words at the first one: what was there, what is new, and its own
# saves, with the folder open meanwhile; it takes no words of its own, and can be removed by the new key.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin words-renew-device
cd "$EMR_WORK" || exit 2
at_end() {
	local who
	for who in a b; do
		emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"
	done
}
printf 'passphrase of the test\n' >"$EMR_PASS" && chmod 600 "$EMR_PASS"
home() { export EMRFS_HOME=$EMR_WORK/$1; [ -d "$1" ] || { mkdir -m 700 "$1" && printf 'kdf = 8,1\nnotify = none\n' >"$1/settings"; mkdir -p "$1-folder"; }; }
has() { [ "$(cat "$1")" = "$2" ]; }
P="--passphrase-file $EMR_PASS"
home a
run 0 init --yes --name "Ana Silva" --born 1984-03-12 $P --words-file words
run 0 mount $P "$EMR_WORK/a-folder"
must mkdir a-folder/Imaging
echo first >a-folder/Imaging/scan
run 0 status --wait
run 0 unmount
run 0 device add laptop --network "$EMR_WORK/net" -o laptop.device --yes $P
home b
run 0 device accept laptop.device $P
run 2 words renew $P --words-file none
says "those of your first computer"
run 0 mount $P "$EMR_WORK/b-folder"
has b-folder/Imaging/scan first || emr_fail "not what was there"
echo "from b" >b-folder/Imaging/b
run 0 status --wait

say "new words at the first one"
home a
json 0 words renew $P --words-file new
run 0 mount $P "$EMR_WORK/a-folder"
has a-folder/Imaging/b "from b" || emr_fail "not what the other one saved"
must mkdir a-folder/Two
echo two >a-folder/Two/two
echo second >a-folder/Imaging/scan
run 0 status --wait
emr_until has b-folder/Two/two two
emr_until has b-folder/Imaging/scan second
home b
echo "from b, later" >b-folder/Imaging/b2
run 0 status --wait
for path in scan b b2; do
	run 0 status b-folder/Imaging/$path
	says "Signed by you"
done
run 0 unmount
run 0 mount $P "$EMR_WORK/b-folder"
has b-folder/Imaging/b2 "from b, later" && has b-folder/Two/two two || emr_fail "not after it was closed"
home a
emr_until has a-folder/Imaging/b2 "from b, later"
run 0 verify a-folder
json 0 device $P
grep -q '"name": *"laptop"' out/said || emr_fail "no laptop: $(cat out/said)"

say "and the new key removes it"
run 0 device remove laptop $P
echo "not for b" >a-folder/Imaging/without
run 0 status --wait
home b
gone() { ! cat b-folder/Imaging/without 2>/dev/null; }
gone || emr_fail "the removed one opens what is new"
