#!/bin/bash
# fabric_proof.sh: evidence of people whose ledger is a channel of Fabric: of a saved file, out of the folder and by export.
# emrfs without a keyring and an auditor's program say the same, also whose word in the channel it rests on.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_proof
channel_begin

both() { # PROOF [COPY]
	run 0 verify --proof "$@"
	says "The ledger is a channel of Fabric: that its peers took the entry then is the word of who signed the head."
	"$VERIFY_AUDIT" "$@" >out/audit || { cat out/audit >&2; emr_fail "verify-audit $*"; }
	grep -q '^Genuine' out/audit || emr_fail "verify-audit does not say so"
	grep -q '^The ledger is a channel of Fabric' out/audit || emr_fail "verify-audit does not say by whose word"
}

say "a hospital on a channel, a patient and her doctor"
channel_network "São Lucas"
two_ana_and_lima
two_mount ana lima
mkdir ana-folder/Imaging
echo "a knee" | tee knee >ana-folder/Imaging/MRI.txt
as ana run 0 status --wait

say "evidence of what she saved, for a stranger"
two_home ana
cp ana-folder/.emrfs/proof/Imaging/MRI.txt.tlog-proof out-of-folder
run 0 export --proof ana-folder/Imaging/MRI.txt "$EMR_WORK/exported"
for file in out-of-folder exported; do
	both $file
	both $file knee
done
json 0 verify --proof exported knee
expect "the kind of ledger" "$(field chain.kind) $(field own_network) $(field bytes)" "fabric True 7"
expect "its entry" "$(field tx)" "$(attribute tx ana-folder/Imaging/MRI.txt)"

say "another document is not what she signed"
echo "a hip" >hip
json 8 verify --proof exported hip
expect "why" "$(field bad)" "[{'path': 'exported', 'error': 'copy'}]"
! "$VERIFY_AUDIT" exported hip >out/audit || emr_fail "verify-audit takes another copy"
grep -q "^FAILED copy:" out/audit || emr_fail "verify-audit names something else"
