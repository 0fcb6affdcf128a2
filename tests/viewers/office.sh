#!/bin/bash
# office.sh: LibreOffice itself opens a document in the folder, writes a sentence, saves as its menu does, and exports a PDF: one version of
# the same record. Its lock file stays here, and the written sentence is read again, also after a remount.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/saved.sh"
. "$SUPPORT/asked.sh"
emr_begin office
emr_init
emr_mount
export HOME=$EMR_WORK/person
must mkdir "$HOME" "$MNT/Letters"
printf 'A plan for the week after the operation.\n' >"$EMR_WORK/Plan.txt"
# Its first start makes its profile; the document is made outside the folder.
must soffice "-env:UserInstallation=file://$EMR_WORK/profile" --headless --convert-to odt --outdir "$EMR_WORK" "$EMR_WORK/Plan.txt" \
	>"$EMR_WORK/out/office" 2>&1
must cp "$EMR_WORK/Plan.odt" "$MNT/Letters/Plan.odt"
expect "Plan.odt: version" "$(confirmed_version "$MNT/Letters/Plan.odt")" 1
id=$(attribute id "$MNT/Letters/Plan.odt")
before=$(versions_on_ledger)
asked_before
must /usr/bin/python3 "$SUPPORT/office_save.py" "$MNT/Letters/Plan.odt" "Bring the letter of the surgeon." "$EMR_WORK/profile" \
	"$MNT/Letters/Plan.pdf" >"$EMR_WORK/out/beside"
say "LibreOffice: $(asked lookup) LOOKUP, $(asked getattr) GETATTR, $(asked open create) OPEN, $(asked read) READ, $(asked write) WRITE, $(asked fsync) FSYNC, $(asked rename rename2) RENAME"
grep -q '^\.~lock\.Plan\.odt# local$' "$EMR_WORK/out/beside" || { cat "$EMR_WORK/out/beside"; emr_fail "no lock file, or not a local one"; }
expect "Plan.odt: version" "$(confirmed_version "$MNT/Letters/Plan.odt")" 2
expect "Plan.odt: record" "$(attribute id "$MNT/Letters/Plan.odt")" "$id"
expect "Plan.pdf: version" "$(confirmed_version "$MNT/Letters/Plan.pdf")" 1
must "$EMRFS" status --wait --quiet
expect "versions on the ledger" $(($(versions_on_ledger) - before)) 2
expect "what is left beside it" "$(ls -A "$MNT/Letters" | tr '\n' ' ')" 'Plan.odt Plan.pdf '
emr_remount
unzip -p "$MNT/Letters/Plan.odt" content.xml | grep -q 'Bring the letter of the surgeon' || emr_fail "the saved document lacks the sentence"
pdftotext "$MNT/Letters/Plan.pdf" - | grep -q 'Bring the letter of the surgeon' || emr_fail "the exported PDF lacks the sentence"
must "$EMRFS" restore --to Letters/Earlier.odt Letters/Plan.odt@v1
must cmp "$MNT/Letters/Earlier.odt" "$EMR_WORK/Plan.odt"
emr_unmount
