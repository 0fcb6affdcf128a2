#!/bin/bash
# words_renew.sh: somebody may have seen Ana's 24 words, so she takes new ones. Everything opens as before, what is interrupted is finished,
# and who has the former words and keyfile signs nothing, opens nothing new and takes no folder.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin words_renew
emr_init
RENEW="words renew --passphrase-file $EMR_PASS"
signed_by_you() { # PATH...
	for path in "$@"; do
		run 0 status "$path"
		says "Signed by you"
	done
}
renew() { # FILE
	# shellcheck disable=SC2086
	json 0 $RENEW --words-file "$1"
	expect "what is left" "$(field folders_left) $(field folders_taken)" "0 0"
}
opens() {
	expect "$1" "$(cat "$MNT/$1")" "$2"
}

emr_mount
mkdir "$MNT/Health" "$MNT/Health/Old" "$MNT/Bills"
echo "a knee" >"$MNT/Health/MRI"
echo "a head" >"$MNT/Health/Old/CT"
echo "one" >"$MNT/Bills/one"
run 0 status --wait
echo "a knee again" >"$MNT/Health/MRI"
run 0 status --wait

say "an open folder has the former key: it is closed first, and a person is asked for the words"
# shellcheck disable=SC2086
run 11 $RENEW --words-file "$EMR_WORK/none"
run 11 recover --lost --words-file "$EMR_WORK/words" --new-passphrase-file "$EMR_PASS" -o "$EMR_WORK/none"
[ ! -e "$EMR_WORK/none" ] || emr_fail "words of nothing"
emr_unmount
run 2 words again --passphrase-file "$EMR_PASS"
cp -a "$EMRFS_HOME" "$EMR_WORK/thief"

say "words that could not be shown are in no keyfile"
touch "$EMR_WORK/closed-file"
# shellcheck disable=SC2086
run 1 $RENEW --words-file "$EMR_WORK/closed-file"
cmp "$EMR_WORK/thief/state/keyfile" "$EMRFS_HOME/state/keyfile" || emr_fail "a key that nobody was told of is kept"

say "a ledger that takes nothing: both words are to be kept, and the next try has the same"
python3 -c 'import sqlite3, sys
ledger = sqlite3.connect(sys.argv[1], isolation_level=None)
ledger.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()' "$EMRFS_HOME/state/ledger/ledger.sqlite" < <(emr_until test -e "$EMR_WORK/let-go") >"$EMR_WORK/holder" &
emr_until grep -q held "$EMR_WORK/holder"
# shellcheck disable=SC2086
run 7 $RENEW --words-file "$EMR_WORK/begun"
says "not in force yet"
touch "$EMR_WORK/let-go"
wait $!
cp "$EMRFS_HOME/state/keyfile" "$EMR_WORK/keyfile.begun"
emr_mount
opens Health/MRI "a knee again"
echo "still the former key" >"$MNT/Bills/two"
run 0 status --wait
emr_unmount
renew "$EMR_WORK/new"
expect "the state" "$(field state)" renewed
cmp "$EMR_WORK/begun" "$EMR_WORK/new" || emr_fail "the next try drew other words, and the ledger may have taken the first"
emr_mount
opens Health/MRI "a knee again"
opens Bills/two "still the former key"
signed_by_you "$MNT/Health/MRI" "$MNT/Health/Old/CT" "$MNT/Bills/two"
echo "new" >"$MNT/Bills/three"
echo "knee, new" >"$MNT/Health/MRI"
mkdir "$MNT/Third"
echo "of the new key alone" >"$MNT/Third/file"
run 0 status --wait
signed_by_you "$MNT/Health/MRI" "$MNT/Third/file" "$MNT/Bills/three"
run 0 verify "$MNT"
run 0 verify --chain

say "the power went between ledger and keyfile: the next opening finishes"
emr_unmount
cp "$EMR_WORK/keyfile.begun" "$EMRFS_HOME/state/keyfile"
emr_mount
opens Health/MRI "knee, new"
echo "after the power came back" >"$MNT/Bills/four"
run 0 status --wait
emr_unmount
! cmp -s "$EMR_WORK/keyfile.begun" "$EMRFS_HOME/state/keyfile" || emr_fail "the keyfile is still that of the former key"
cp "$EMR_WORK/keyfile.begun" "$EMRFS_HOME/state/keyfile"
renew "$EMR_WORK/not-drawn-again"
expect "the state" "$(field state)" finished
[ ! -e "$EMR_WORK/not-drawn-again" ] || emr_fail "a renewal that was finished drew other words"

say "saved, and killed before the ledger took it: the new key brings it there"
emr_mount
echo "not sent yet" >"$MNT/Bills/unsent"
sync "$MNT/Bills/unsent"
emr_kill

say "once more, by the words alone, and everything of three keys opens"
json 0 recover --lost --words-file "$EMR_WORK/new" --new-passphrase-file "$EMR_PASS" -o "$EMR_WORK/third"
expect "what is left" "$(field state) $(field folders_left) $(field folders_taken)" "renewed 0 0"
emr_mount
opens Bills/one one
opens Bills/four "after the power came back"
opens Bills/unsent "not sent yet"
run 0 status --wait
signed_by_you "$MNT/Bills/unsent"
opens Third/file "of the new key alone"
signed_by_you "$MNT/Health/Old/CT" "$MNT/Bills/three" "$MNT/Bills/four"
mv "$MNT/Bills/one" "$MNT/Third/one"
run 0 status --wait
opens Third/one one
run 0 verify "$MNT"
emr_unmount

say "the words before open nothing; those that are in force bring the keyring back"
printf 'another passphrase of the test\n' >"$EMR_WORK/another"
chmod 600 "$EMR_WORK/another"
for words in words new; do
	run 12 recover --words-file "$EMR_WORK/$words" --new-passphrase-file "$EMR_WORK/another"
	says "replaced by new ones"
done
rm "$EMRFS_HOME/state/keyfile"
run 0 recover --words-file "$EMR_WORK/third" --new-passphrase-file "$EMR_WORK/another"
cp "$EMR_PASS" "$EMR_WORK/former-pass"
cp "$EMR_WORK/another" "$EMR_PASS"
emr_mount
opens Bills/two "still the former key"
opens Health/MRI "knee, new"
echo five >"$MNT/Bills/five"
run 0 status --wait
signed_by_you "$MNT/Health/Old/CT" "$MNT/Bills/five"
emr_unmount
cp -a "$EMRFS_HOME" "$EMR_WORK/hers"

say "a thief with the former keyfile, and the ledger as it is now"
export EMRFS_HOME=$EMR_WORK/thief
cp "$EMR_WORK/former-pass" "$EMR_PASS"
rm -rf "$EMRFS_HOME/state/ledger"
cp -a "$EMR_WORK/hers/state/ledger" "$EMRFS_HOME/state/ledger"
rm -rf "$EMRFS_HOME/state/blocks"
cp -a "$EMR_WORK/hers/state/blocks" "$EMRFS_HOME/state/blocks"
before=$(sha256sum <"$EMRFS_HOME/state/ledger/ledger.sqlite")
run_any() { timeout "$EMR_PATIENCE" "$EMRFS" "$@" >"$EMR_WORK/out/said" 2>"$EMR_WORK/out/complained" </dev/null; }
# shellcheck disable=SC2086
# shellcheck disable=SC2086
run 6 $RENEW --words-file "$EMR_WORK/thiefs"
says "Your key was replaced by another one"
[ ! -e "$EMR_WORK/thiefs" ] || emr_fail "words for a key that was followed"
expect "the ledger after the thief" "$(sha256sum <"$EMRFS_HOME/state/ledger/ledger.sqlite")" "$before"
emr_mount
for new in Bills/three Bills/four Bills/five Third/file; do
	! cat "$MNT/$new" 2>/dev/null || emr_fail "the former key opens $new"
done
[ "$(cat "$MNT/Health/MRI" 2>/dev/null)" != "knee, new" ] || emr_fail "the former key opens the present version"
mkdir "$MNT/planted" 2>/dev/null && echo planted >"$MNT/planted/file"
run_any status --wait
timeout "$EMR_PATIENCE" "$EMRFS" unmount --now >/dev/null 2>&1
emr_await_end
wait "$(emr_pid)" 2>/dev/null

say "what the thief brought to the ledger is nothing of hers"
cp "$EMR_WORK/another" "$EMR_PASS"
rm -rf "$EMR_WORK/hers/state/ledger"
cp -a "$EMRFS_HOME/state/ledger" "$EMR_WORK/hers/state/ledger"
export EMRFS_HOME=$EMR_WORK/hers
emr_mount
[ ! -e "$MNT/planted" ] || emr_fail "a folder of the thief's is in hers"
opens Health/MRI "knee, new"
run 0 verify "$MNT"
emr_unmount
