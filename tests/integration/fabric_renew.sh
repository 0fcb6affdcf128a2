#!/bin/bash
# fabric_renew.sh: a folder stays open for longer than its certificate lasts and gets another one meanwhile, while it saves. The hospital
# has an authority of its own (support/fake_ca.py, or a real one where FABRIC_CA names it). PEER plays the channel where FABRIC names no
# real one.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
. "$SUPPORT/authority.sh"
two_begin fabric_renew
channel_begin
authority_begin
printf 'adminpw\n' >admin.secret && chmod 600 admin.secret
authority_network
as hospital run 0 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/hospital.words" \
	--login admin --secret-file "$EMR_WORK/admin.secret"
# A folder whose certificate is to be renewed after that many seconds. Where joining took longer it was renewed at the opening, which
# proves nothing: another person comes with a longer one. Real peers need longer, and their CA is started again for each length.
open_with() { # SECONDS: $who has it
	local seconds=$1
	[ -z "${FABRIC_CA:-}" ] || seconds=115
	for who in "$2" "$2-2" "$2-3" "$2-4"; do
		as hospital run 0 invite "$who" --role clinician -o "$EMR_WORK/$who.invitation" --within 1h --passphrase-file "$EMR_PASS"
		authority_due "$seconds"
		as "$who" run 0 init --join "$EMR_WORK/$who.invitation" --yes --name "Rui Paz" --born 1970-01-01 --passphrase-file "$EMR_PASS" \
			--words-file "$EMR_WORK/$who.words"
		authority_lasts
		two_mount "$who"
		[ -e "$who/state/certificate" ] || return 0
		two_unmount "$who"
		seconds=$((seconds * 3))
	done
	emr_fail "no folder is open before its certificate is to be renewed"
}
keep_saving() { # WHO, until ./$1.enough is there
	local i
	for ((i = 0; ; i++)); do
		echo "saved $i" >"$1-folder/$i.txt" || return 1
		[ ! -e "$1.enough" ] || break
		sleep 1
	done
	echo "$i" >"$1.saved"
}

say "an open folder gets another certificate meanwhile, and what is saved before, meanwhile and after reaches the ledger"
open_with 15 rui
keep_saving "$who" &
saving=$!
emr_until grep -q "certificate: it was renewed" "$who/state/log"
[ -s "$who/state/certificate" ] && [ ! -e "$who/state/certificate.next" ] || emr_fail "it is not kept: $(ls "$who/state")"
touch "$who.enough"
wait "$saving" || emr_fail "the folder stopped saving"
as "$who" run 0 status --wait
grep -q "refused" "$who/state/log" && emr_fail "something was refused: $(grep refused "$who/state/log")"
python3 - "$who-folder" "$(cat "$who.saved")" <<'END' || emr_fail "not everything is on the ledger"
import os, sys
for i in range(int(sys.argv[2]) + 1):
    said = os.getxattr(f"{sys.argv[1]}/{i}.txt", "user.emrfs.state").decode()
    assert said.startswith("confirmed"), (i, said)
END
as "$who" run 0 verify
two_unmount "$who"

say "what cannot be renewed leaves the former in use, and is said"
open_with 15 sara
authority_stop
emr_until grep -q "no newer one came" "$who/state/log"
emr_until grep -q "no newer one came" "$who-folder/.emrfs/notices"
[ ! -e "$who/state/certificate" ] || emr_fail "where is it from?"
echo "under the former" >"$who-folder/former.txt"
as "$who" run 0 status --wait
as "$who" registered former.txt >/dev/null
two_unmount "$who"
