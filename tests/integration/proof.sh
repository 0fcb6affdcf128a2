#!/bin/bash
# proof.sh: the proof of a saved file, out of the open folder, is checked by emrfs without a keyring and by an auditor's program.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin proof
cd "$EMR_WORK" || exit 2
PROOFS=$MNT/.emrfs/proof

# both PROOF [COPY]: emrfs and the stand-alone program are content.
both() {
	run 0 verify --proof "$@"
	"$VERIFY_AUDIT" "$@" >out/audit || { cat out/audit >&2; emr_fail "verify-audit $*"; }
	grep -q '^Genuine' out/audit || emr_fail "verify-audit does not say so"
}
# refused WORD PROOF [COPY]: both refuse, for the same reason.
refused() {
	local word=$1
	shift
	json 8 verify --proof "$@"
	expect "reason for $*" "$(field bad)" "[{'path': '$1', 'error': '$word'}]"
	expect "message id" "$(field error)" bad-proof
	! "$VERIFY_AUDIT" "$@" >out/audit || emr_fail "verify-audit takes $*"
	grep -q "^FAILED $word:" out/audit || { cat out/audit >&2; emr_fail "verify-audit names something else"; }
}

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
must mkdir -p "$MNT/Imaging/Old scans" "$MNT/Letters"
head -c 700000 /dev/urandom >scan
must cp scan "$MNT/Imaging/Old scans/MRI 1.bin"
echo "a letter" | tee letter >"$MNT/Letters/letter.txt"
: >"$MNT/empty"
must ln -s Letters/letter.txt "$MNT/link"
must mkdir "$MNT/Letters/empty.tlog-proof"
run 0 status --wait

say "every file has a proof, where it is"
(cd "$PROOFS" && find . -type f | sort) >found
printf '%s\n' "./Imaging/Old scans/MRI 1.bin.tlog-proof" ./Letters/letter.txt.tlog-proof ./empty.tlog-proof >wanted
diff wanted found || emr_fail "names below .emrfs/proof"
must cp "$PROOFS/Imaging/Old scans/MRI 1.bin.tlog-proof" scan.tlog-proof
must cp "$PROOFS/Letters/letter.txt.tlog-proof" letter.tlog-proof
must cp "$PROOFS/empty.tlog-proof" empty.tlog-proof
: >nothing
both scan.tlog-proof scan
# The signer of a version is no witness of the ledger's head: the proof counts that signature elsewhere.
grep -q " 1 good signature on it, 0 by keys that are not in the file; 0 witnesses" out/audit || emr_fail "counted: $(cat out/audit)"
both letter.tlog-proof letter
both empty.tlog-proof nothing
both letter.tlog-proof
json 0 verify --proof letter.tlog-proof letter
expect bytes "$(field bytes)" 9
expect "own network" "$(field own_network)" True
expect version "$(field version)" 1
tx=$(attribute tx "$MNT/Letters/letter.txt")
expect tx "$(field tx)" "$tx"

say "the folder of proofs is for reading, and follows the folder"
! touch "$PROOFS/x" 2>/dev/null && ! rm -f "$PROOFS/empty.tlog-proof" 2>/dev/null || emr_fail "it can be changed"
! cat "$PROOFS/Letters/none.tlog-proof" 2>/dev/null || emr_fail "a proof of nothing"
must mv "$MNT/Letters/letter.txt" "$MNT/Imaging/moved.txt"
! cat "$PROOFS/Letters/letter.txt.tlog-proof" 2>/dev/null || emr_fail "the proof stays where the file was"
run 0 status --wait
must cp "$PROOFS/Imaging/moved.txt.tlog-proof" moved.tlog-proof
both moved.tlog-proof letter
echo "another letter" >"$MNT/Imaging/moved.txt"
run 0 status --wait
must cp "$PROOFS/Imaging/moved.txt.tlog-proof" second.tlog-proof
both second.tlog-proof "$MNT/Imaging/moved.txt"
json 0 verify --proof second.tlog-proof
expect version "$(field version)" 2

say "what is wrong is named"
refused copy letter.tlog-proof scan
refused copy second.tlog-proof letter
head -c 3000 letter.tlog-proof >cut
refused format cut
{ cat letter.tlog-proof; echo; } >longer
refused format longer
refused format scan
sed 's/^index .*/index 1/' letter.tlog-proof >elsewhere
refused log-path elsewhere
# The checkpoint of another proof: the entry is in that tree, too, but this path does not lead there.
{ sed '/^$/,$d' letter.tlog-proof; sed -n '/^$/,$p' second.tlog-proof; } >mixed
refused log-path mixed
json 5 verify --proof none
expect id "$(field error)" no-such-file
json 5 verify --proof letter.tlog-proof none
json 2 verify --quick --proof letter.tlog-proof
run 2 verify --proof

say "another computer needs nothing"
run 0 unmount
EMRFS_HOME=$EMR_WORK/nobody run 0 verify --proof scan.tlog-proof scan
says "compare these numbers"
both scan.tlog-proof scan
echo "all is well"
