#!/bin/bash
# inbox.sh: a doctor who has nothing but a printed card leaves signed records. The patient finds them, checks them without a network, and
# moves them; amendments go on with what was signed, until the right ends; the patient's backup has it all.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin inbox
emr_noon
UTC_DAY=$(date -u +%F)
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join lima "Paula Lima" clinician
two_join ward "Ward 7" hospital
signature() { getfattr --only-values -n user.emrfs.signature "$1" 2>/dev/null; }
is_signed() { signature "$1" | grep -q -- "^$2"; }
is() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

say "the text of the code on ana's card, and nothing else"
two_home ana
json 0 people card --passphrase-file "$EMR_PASS"
QR=$(field qr)
as lima run 0 people add "$QR" --name ana --passphrase-file "$EMR_PASS"
as ward run 0 people add "$QR" --name ana --passphrase-file "$EMR_PASS"
two_mount ana lima ward
INBOX() { echo lima-folder/shared-with-me/*/Inbox; }
shows_inbox() { [ -d "$(echo "$1"-folder/shared-with-me/ana)/Inbox" ]; }
emr_until shows_inbox lima
INBOX=$(INBOX)
expect "owner" "$(basename "$(dirname "$INBOX")")" ana
[[ $(getfattr --only-values -n user.emrfs.patient "$INBOX") =~ ^ana\ \([A-Z2-7]{8}\)\ \[Silva,\ Ana\ 1984-03-12\]$ ]] || emr_fail "patient: $INBOX"
expect "access" "$(getfattr --only-values -n user.emrfs.access "$INBOX")" "deposit"

say "a PDF and an image come to her, where they belong"
"$SUPPORT/make_pdf.py" 63884 report.pdf || exit 2
head -c 300000 /dev/urandom >image.dcm
must cp report.pdf "$INBOX/Findings.pdf"
must cp image.dcm "$INBOX/IM0001.dcm"
as lima run 0 status --wait
PLACE=ana-folder/Inbox/São\ Lucas/$(date +%Y-%m-%d)
emr_until test -e "$PLACE/IM0001.dcm"
emr_until cmp report.pdf "$PLACE/Findings.pdf"
must cmp image.dcm "$PLACE/IM0001.dcm"
emr_until is_signed "$PLACE/Findings.pdf" "valid by=lima, São Lucas at=20"
expect "by" "$(getfattr --only-values -n user.emrfs.signed-by "$PLACE/Findings.pdf")" "lima, São Lucas"
as ana run 0 status "Inbox/São Lucas/$(date +%Y-%m-%d)/Findings.pdf"
says "Signed by lima, São Lucas"
DAY=Inbox/São\ Lucas/$(date +%Y-%m-%d)
as ana run 0 status --wait
as ana json 0 verify "$DAY/Findings.pdf"
expect "who, of which organisation" "$(field signed.by) $(field signed.organisation) $(field signed.signature) $(field signed.own)" "lima São Lucas valid False"
TX=$(field signed.entry):$(field signed.tx)
REGISTERED=$(as ana registered "$DAY/Findings.pdf")
# told: what verify says of who signed it, when, and with which entry
told() { json 0 verify "$1" && echo "$(field signed.by) $(field signed.placed) $(field signed.entry):$(field signed.tx) $(field signed.at)"; }
expect "when, in which entry" "$(as ana told "$DAY/Findings.pdf")" "lima False $REGISTERED"

say "a copy that ana makes of it is hers, and that is said"
must cp "$PLACE/Findings.pdf" ana-folder/Mine.pdf
as ana run 0 status --wait
is_signed ana-folder/Mine.pdf self || emr_fail "the copy: $(signature ana-folder/Mine.pdf)"
emr_until grep -qF "The copy Mine.pdf is yours; the signature of lima, São Lucas stays with $DAY/Findings.pdf." ana-folder/.emrfs/notices
must rm ana-folder/Mine.pdf

say "and what she left has a proof for others, where it lies and where it was moved to"
must cp "ana-folder/.emrfs/proof/$DAY/Findings.pdf.tlog-proof" deposit.tlog-proof
as ana json 0 verify --proof deposit.tlog-proof report.pdf
expect "who and when" "$(field signer) $(field organisation) $(field tx)" "lima São Lucas $TX"

say "a link cannot be left there, and what can is said"
! ln -s elsewhere "$INBOX/link" 2>out/said || emr_fail "a link in an Inbox"
grep -qF 'takes deposits takes new files, alone or in new folders, and no links. Copy the files themselves, or one ZIP of them.' lima-folder/.emrfs/notices || emr_fail "notice: $(cat lima-folder/.emrfs/notices)"

say "the depositor sees nothing of it any more, and another of the same name takes nobody's place"
gone() { [ -z "$(ls "$INBOX")" ]; }
emr_until gone
echo "a second opinion" >"$INBOX/Findings.pdf"
as lima run 0 status --wait
second() { [ "$(ls "$PLACE" | grep -c Findings)" = 2 ]; }
emr_until second
must cmp report.pdf "$PLACE/Findings.pdf"

say "a hospital's own computer signs for the hospital"
emr_until shows_inbox ward
must cp image.dcm "$(echo ward-folder/shared-with-me/*/Inbox)/Ward.dcm"
emr_until test -e "$PLACE/Ward.dcm"
must cmp image.dcm "$PLACE/Ward.dcm"
signed_when_read() { must cmp image.dcm "$1" && is_signed "$1" "$2"; }	# what lies at the host is compared when it is here
emr_until signed_when_read "$PLACE/Ward.dcm" "valid by=São Lucas at=20"
as ana registered "$DAY/Ward.dcm" >ward.registered

say "an image series in folders is left with one cp -r; it comes as these folders, and the sender's go when they are not wanted"
must mkdir -p Series/Scout
for n in 1 2 3; do head -c 20000 /dev/urandom >"Series/IM$n.dcm"; done
cp Series/IM1.dcm Series/Scout/IM1.dcm
WARD_INBOX=$(echo ward-folder/shared-with-me/*/Inbox)
must cp -r Series "$WARD_INBOX/"
as ward run 0 status --wait
for n in IM1.dcm IM2.dcm IM3.dcm Scout/IM1.dcm; do
	emr_until test -e "$PLACE/Series/$n"
	emr_until cmp "Series/$n" "$PLACE/Series/$n"
done
emr_until is_signed "$PLACE/Series/Scout/IM1.dcm" "valid by=São Lucas at=20"
files_left() { [ -z "$(find "$WARD_INBOX" -type f)" ]; }
emr_until files_left
must rm -r "$WARD_INBOX/Series"
[ -z "$(ls "$WARD_INBOX")" ] || emr_fail "in the Inbox: $(ls "$WARD_INBOX")"

say "who left something has a receipt of his own: what, where, whose, and the entry; after a restart, too, and without the ledger's names"
# receipts: "NAME BYTES INTO WHOSE ENTRY:TX AT" of every deposit, by name
receipts() {
	run 0 log --json "$@"
	python3 -c 'import json, sys
for e in sorted((e for e in json.load(open(sys.argv[1]))["entries"] if e["action"] == "left"), key=lambda e: (str(e["path"]), e["tx"])):
    w = e["with"]
    print(e["path"], e["bytes"], e["into"], w["who"], w["name"], w["born"], e["who"], e["proven"], e["tx"], e["at"])' "$EMR_WORK/out/said"
}
has_receipt() { as "$1" receipts | grep -qF -- "$2"; }
emr_until has_receipt lima "Findings.pdf $(stat -c %s report.pdf) Inbox ana ana 1984-03-12 you True $REGISTERED"
emr_until has_receipt ward "Ward.dcm 300000 Inbox ana ana 1984-03-12 you True $(cat ward.registered)"
has_receipt lima "IM0001.dcm 300000 Inbox ana" || emr_fail "the image: $(as lima receipts)"
expect "of the two Findings.pdf and the image" "$(as lima receipts | wc -l)" 3
! as ana receipts | grep . || emr_fail "ana left nothing"
as lima run 0 log
says "Paula Lima  left     IM0001.dcm in the Inbox of ana ("
says ") (gives the name Silva, Ana 1984-03-12)"
emr_until has_receipt ward "Series∕Scout∕IM1.dcm 20000 Inbox ana"
as lima run 0 log --who ana
says "left     Findings.pdf in the Inbox of ana ("
grep -q "Paula Lima  left     Findings.pdf in the Inbox of ana " lima-folder/.emrfs/log || emr_fail ".emrfs/log"
python3 "$SUPPORT/../integration/page.py" lima-folder/.emrfs/report.html | grep -q '^log .*"action": "left".*"path": "Findings.pdf".*"with": {"who": "ana".*"into": "Inbox"' || emr_fail "report.html"
as lima fhir fhir log
must python3 "$SUPPORT/fhir_audit_event.py" fhir
grep -lq '"left"' fhir/*.json || emr_fail "no AuditEvent of a deposit"
BEFORE=$(as lima receipts)
two_unmount lima ward
expect "with the folder closed" "$(as lima receipts --passphrase-file "$EMR_PASS")" "$BEFORE"
two_host_kill
two_mount lima
as lima run 0 status
says "The host of your network, https://127.0.0.1:$TWO_PORT, cannot be reached since"
as lima run 0 log
says "left     a file (its name cannot be read) in the Inbox of ana ("
two_host
same_receipts() { [ "$(as lima receipts)" = "$BEFORE" ]; }
emr_until same_receipts

say "moved out, it stays her word; without the ledger, too"
as ana run 0 status --wait
must mkdir -p ana-folder/Imaging
must mv "$PLACE/Findings.pdf" ana-folder/Imaging/Findings.pdf
as ana run 0 status --wait
as ana run 0 verify
expect "when, in which entry, still" "$(as ana told Imaging/Findings.pdf)" "lima False $REGISTERED"
as ana run 0 status Imaging/Findings.pdf
says_not transaction
must cp ana-folder/.emrfs/proof/Imaging/Findings.pdf.tlog-proof moved.tlog-proof
as ana json 0 verify --proof moved.tlog-proof report.pdf
expect "still hers" "$(field signer) $(field organisation)" "lima São Lucas"
two_unmount ana
two_host_kill
two_mount ana
must cmp report.pdf ana-folder/Imaging/Findings.pdf
must cmp image.dcm "$PLACE/IM0001.dcm"
emr_until is_signed ana-folder/Imaging/Findings.pdf "valid by=lima, São Lucas"
emr_until is_signed "$PLACE/IM0001.dcm" "valid by=lima, São Lucas"
two_unmount ana
two_host

say "who may write there amends what she signed, until the right is taken back"
two_mount ana
as lima run 0 people card -o lima.card
as ana run 0 people add lima.card --name lima
as ana run 0 share Imaging with lima --write --yes --wait
SHARE=$(dirname "$INBOX")/Imaging
emr_until test -e "$SHARE/Findings.pdf"
emr_until cmp report.pdf "$SHARE/Findings.pdf"
emr_until is_signed "$SHARE/Findings.pdf" "valid by=lima, São Lucas at=.*Z placed$"
as lima json 0 status "${SHARE#lima-folder/}/Findings.pdf"
expect "who cannot see the Inbox is told so" "$(field signed.by) $(field signed.placed) $(field signed.signature)" "lima True valid"
[[ $(field signed.entry) -gt ${REGISTERED%%:*} ]] || emr_fail "the owner's entry: $(field signed.entry)"
AT=$(date -d "$(field signed.at)" +%s) PUT=$(date -d "${REGISTERED#* }" +%s)
[ "$AT" -le "$PUT" ] && [ "$((PUT - AT))" -lt 600 ] || emr_fail "signed at $(field signed.at), and came $REGISTERED"
as lima run 0 status "${SHARE#lima-folder/}/Findings.pdf"
says "The owner put it here."
must cmp report.pdf ana-folder/Imaging/Findings.pdf
emr_until is_signed ana-folder/Imaging/Findings.pdf "valid by=lima, São Lucas"
grep -qE '^"Imaging/Findings.pdf",.*,"São Lucas","valid",' ana-folder/.emrfs/index.csv || emr_fail "index: $(cat ana-folder/.emrfs/index.csv)"
echo "%PDF corrected" >"$SHARE/Findings.pdf"
as lima run 0 status --wait
corrected() { is ana-folder/Imaging/Findings.pdf "%PDF corrected"; }
emr_until corrected
emr_until is_signed ana-folder/Imaging/Findings.pdf "valid by=lima, São Lucas at=.*Z amendment$"
as ana run 0 status Imaging/Findings.pdf
says "It amends an earlier version."

say "to whom all is there that she signed is told nothing"
as ana json 0 verify
expect "all is here" "$(field gaps)" "[]"

echo "a note of hers" >"$SHARE/note.txt"
as lima run 0 status --wait
emr_until is ana-folder/Imaging/note.txt "a note of hers"
echo "not hers to place" >"$INBOX/late.txt"
as lima run 0 status --wait
emr_until test -e "$PLACE/late.txt"
as ana run 0 status --wait

say "what was erased is missed"
as ana run 0 erase "$DAY"/"$(ls "$PLACE" | grep Findings)" --yes --passphrase-file "$EMR_PASS"
as ana run 0 status --wait
as ana json 0 verify
expect "whose" "$(field gaps.0.by)" "lima, São Lucas"
expect "which" "$(field gaps.0.numbers) $(field gaps.0.unread)" "3 1"
as ana run 0 verify
says "lima, São Lucas signed for you up to number 6. Not here: 3 (1 in all). Of what the ledger shows of theirs 1 cannot be read any more."

say "an Inbox that takes no more in a day says so to the sender, and takes nothing"
echo "deposits-a-day = 4" >rules
as hospital run 0 org rules rules --yes --passphrase-file "$EMR_PASS"
as hospital json 0 ledger --limit 1 --passphrase-file "$EMR_PASS"
NEWEST=$(field entries.0.index)
has_heard() { as lima json 0 ledger --limit 1 && [ "$(field entries.0.index)" -ge "$NEWEST" ]; }
emr_until has_heard
# The day of the ledger is that of UTC: when it ends just now, the next one has room for four again.
for ((taken = 0; taken < 6; taken++)); do
	cp report.pdf "$INBOX/fifth.pdf" 2>out/cp || break
	[ "$(date -u +%F)" != "$UTC_DAY" ] || emr_fail "a fifth file was taken"
	as lima run 0 status --wait
	emr_until gone
done
grep -q "Disk quota exceeded" out/cp || emr_fail "cp said: $(cat out/cp)"
emr_until grep -q "deposits-full .*Inbox/fifth.pdf was not taken: .* for ana" lima-folder/.emrfs/notices
gone || emr_fail "left behind: $(ls "$INBOX")"

as ana run 0 restore Imaging/Findings.pdf@v1
as ana run 0 status --wait
must cmp report.pdf ana-folder/Imaging/Findings.pdf
emr_until is_signed ana-folder/Imaging/Findings.pdf "valid by=lima, São Lucas at=.*Z superseded$"

say "who reads only status, verify or the page sees that a newer version was put aside, too"
SUPERSEDED="Superseded: somebody else has signed a newer version, and the owner put this one back on top of it."
emr_until cmp report.pdf "$SHARE/Findings.pdf"
emr_until is_signed "$SHARE/Findings.pdf" "valid by=lima, São Lucas at=.* superseded"
says_superseded() { as $who run 0 $verb "$path" && grep -qF "$SUPERSEDED" out/said; }
for who in ana lima; do
	path=Imaging/Findings.pdf verbs="status verify"
	[ $who = ana ] || path=${SHARE#lima-folder/}/Findings.pdf verbs=status
	for verb in $verbs; do emr_until says_superseded; done # its block may be on its way to lima
	as $who json 0 $verb "$path"
	expect "$who" "$(field signed.note) $(field signed.signature)" "superseded valid"
done
grep -qE '^"Imaging/Findings.pdf",.*,"São Lucas","valid","superseded",' ana-folder/.emrfs/index.csv || emr_fail "index: $(cat ana-folder/.emrfs/index.csv)"
python3 "$SUPPORT/../integration/page.py" ana-folder/.emrfs/report.html | grep -qx 'notes {"path": "Imaging/Findings.pdf", "note": "superseded"}' || emr_fail "report.html does not say it"
as ana json 0 status "$DAY/IM0001.dcm"
expect "of what is as it was left" "$(field signed.note)" ""
as ana run 0 revoke --yes Imaging from lima --wait
over() { ! echo "%PDF too late" >"$SHARE/Findings.pdf"; }
emr_until over
must cmp report.pdf ana-folder/Imaging/Findings.pdf

say "her backup has what others left and wrote, when the network has lost every block"
as ana run 0 status --wait
BEFORE=$(signature "ana-folder/Imaging/Findings.pdf")
must cp "$PLACE/IM0001.dcm" before.dcm
two_unmount ana
as ana run 0 backup copy
says_not "cannot be read"
as ana run 0 backup copy --verify
must rm -f "$NET"/blocks/seg-*
two_home ana2
run 0 init --restore "$EMR_WORK/copy" --words-file "$EMR_WORK/ana.words" --passphrase-file "$EMR_PASS"
two_mount ana2
PLACE=ana2-folder/${PLACE#ana-folder/}
must cmp before.dcm "$PLACE/IM0001.dcm"
must cmp report.pdf ana2-folder/Imaging/Findings.pdf
signed_as_before() { [ -n "$BEFORE" ] && [ "$(signature ana2-folder/Imaging/Findings.pdf)" = "$BEFORE" ]; }
emr_until signed_as_before
json 0 verify
expect "bad" "$(field bad)" "[]"

say "the hospital's credit is what anybody counts"
as hospital json 0 wallet --explain --passphrase-file "$EMR_PASS"
cp out/said hospital.wallet
python3 -c 'import json, sys; sys.exit(sum(row["hospital"] for row in json.load(open("hospital.wallet"))["ranking"]) < 1)' || emr_fail "no credit: $(cat hospital.wallet)"
must python3 "$SUPPORT/points_agree.py" "$SUPPORT/../../examples/verify-audit/points.py" "$NET/ledger/ledger.sqlite" hospital.wallet

say "whose key the hospital ends is told so, and by whom, wherever it matters; what is open ends"
as ana2 run 0 share Imaging with lima --yes --wait
reads_imaging() { cmp -s report.pdf "$(echo lima-folder/shared-with-me/ana)/Imaging/Findings.pdf"; }
emr_until reads_imaging
exec 8<"$(echo lima-folder/shared-with-me/ana)/Imaging/Findings.pdf"
must head -c 100 <&8 >/dev/null
readers() { as ana2 json 0 share && python3 -c 'import json; print(*[g["who"] for g in json.load(open("out/said"))["grants"] if g["path"].startswith("Imaging")])'; }
expect "who reads" "$(readers)" lima
TAKEN=$(grep -c ' grant-revoked ' lima-folder/.emrfs/notices)
as hospital run 0 org revoke lima --yes --passphrase-file "$EMR_PASS"
told_ended() { grep -q ' error key-revoked : São Lucas ended your key on ' lima-folder/.emrfs/notices; }
emr_until told_ended
as lima run 6 request ana:Imaging
as lima says "São Lucas ended your key on"
mkdir lima-folder/Own && echo "a note" >lima-folder/Own/note.txt
as lima run 6 share Own with ana --yes
as lima says "the ledger takes nothing new of yours"
expect "own records stay" "$(cat lima-folder/Own/note.txt)" "a note"
ends() { ! head -c 100 <&8 >/dev/null 2>out/cut; }
emr_until ends
grep -q "Key has been revoked" out/cut || emr_fail "read otherwise: $(cat out/cut)"
exec 8<&-
expect "told that ana took it back" "$(grep -c ' grant-revoked ' lima-folder/.emrfs/notices)" "$TAKEN"
no_reader() { [ "$(readers)" = "" ]; }
emr_until no_reader
as ana2 json 0 status Imaging
expect "who can open it" "$(field readers)" "[]"

say "nothing is left for a key that was lost: the thief has it"
two_mount ward
emr_until shows_inbox ward
WARD=$(echo ward-folder/shared-with-me/ana)/Inbox
ANA=$(getfattr --only-values -n user.emrfs.owner-id "$WARD" | python3 -c 'import base64; print(base64.b32encode(bytes.fromhex(input())).decode()[:26])')
as hospital run 0 org revoke "$ANA" --yes --passphrase-file "$EMR_PASS"
no_inbox() { [ ! -e "$WARD" ]; }
emr_until no_inbox
echo "HIV: positive" >"$WARD/after.txt" 2>out/cut && emr_fail "left for a key that was lost"
noticed_lost() { grep -q ' owner-ended .*: The key of ana was ended on ' ward-folder/.emrfs/notices; }
emr_until noticed_lost
! grep -l "HIV: positive" ana2-folder/Inbox/*/*/* || emr_fail "the holder of the key reads it"
