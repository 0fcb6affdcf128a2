#!/bin/bash
# releases.sh: the state directory and the proof files of format 1 open and verify for ever.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
RELEASES=${RELEASES:-$(cd "$(dirname "$0")/../releases" && pwd)}
emr_begin releases
cd "$EMR_WORK" || exit 2

same() { cmp "$1" "$2" || emr_fail "$2 is not what was saved"; }

must cp -r "$RELEASES/state-v1" "$EMRFS_HOME/state"
rm "$EMRFS_HOME/state/README.md"
chmod -R go-rwx "$EMRFS_HOME/state"
secret "$EMR_PASS" "copper lantern orchid violet tractor"
printf 'Dear reader,\nthis file was saved by the first format and must open for ever.\n' >letter.txt
python3 -c 'import sys; sys.stdout.buffer.write(bytes((i * 7 + (i >> 8) * 13) & 255 for i in range(20000)))' >scan.bin

say "a closed folder is whole"
json 0 verify --passphrase-file "$EMR_PASS"
expect faults "$(field bad)" "[]"

say "every file, link, attribute and earlier version is there"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
same letter.txt "$MNT/Imaging/letter.txt"
same scan.bin "$MNT/Imaging/scan.bin"
expect note "$(cat "$MNT/note.txt")" second
expect attribute "$(getfattr --only-values -n user.comment --absolute-names "$MNT/note.txt")" kept
expect link "$(readlink "$MNT/link")" Letters/letter.txt
expect deleted "$(cat "$MNT/.emrfs/deleted/gone.txt")" gone
expect names "$(cd "$MNT" && find . | sort | tr '\n' ' ')" \
	". ./Imaging ./Imaging/letter.txt ./Imaging/scan.bin ./Inbox ./Letters ./link ./note.txt "
expect owner "$("$EMRFS" status | head -1)" "Health of Release Test, open at $MNT"
json 0 restore --list note.txt
expect versions "$(python3 -c 'import json; print([v["version"] for v in json.load(open("out/said"))["version_list"]])')" "[2, 1]"
run 0 restore note.txt@v1
expect restored "$(cat "$MNT/note.txt")" first

say "and it goes on from there"
echo new >"$MNT/Letters/new.txt"
run 0 status --wait
json 0 verify
expect faults "$(field bad)" "[]"
run 0 unmount
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
expect new "$(cat "$MNT/Letters/new.txt")" new
run 0 unmount

say "its proofs verify, by both programs"
json 0 verify --proof "$RELEASES/proof-v1/letter.txt.tlog-proof" letter.txt
expect network "$(field own_network)" True
must "$VERIFY_AUDIT" --network "$(field network)" "$RELEASES/proof-v1/letter.txt.tlog-proof" letter.txt >out/audit
same letter.txt "$RELEASES/proof-v1/letter.txt"
run 0 verify --proof "$RELEASES/proof-v1/scan.bin.tlog-proof" scan.bin
must "$VERIFY_AUDIT" "$RELEASES/proof-v1/scan.bin.tlog-proof" scan.bin >out/audit
run 0 verify --proof "$RELEASES/proof-v2/letter.txt.tlog-proof" "$RELEASES/proof-v2/letter.txt"
must "$VERIFY_AUDIT" "$RELEASES/proof-v2/letter.txt.tlog-proof" "$RELEASES/proof-v2/letter.txt" >out/audit
echo "all is well"
