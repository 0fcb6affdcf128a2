#!/bin/bash
# menus.sh EMRFS_PAGES MAKE_ACTIONS: a language is one more catalogue: with one of French, every kind of menu has its label in French, and no script names a language.
pages=$1 make=$2
fail() { echo "FAILED: $*" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-menus-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
mkdir "$work/po" && cp "$(dirname "$make")"/../../po/*.po "$work/po/" || exit 2
printf 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "%s"\nmsgstr "%s"\n' >"$work/po/fr.po" "Earlier versions" "Versions précédentes"
printf '\nmsgid "%s"\nmsgstr "%s"\n' >>"$work/po/fr.po" "Medical records: Earlier versions" "Dossier médical : versions précédentes" "Report" "Rapport"
sh "$make" "$pages" "$work/share" "$work/po" || fail "$make: $?"
for file in nemo/actions/emrfs-restore.nemo_action file-manager/actions/emrfs-restore.desktop kio/servicemenus/emrfs-restore.desktop; do
	grep -qx 'Name\[fr\]=Versions précédentes' "$work/share/$file" && grep -qx 'Name\[pt\]=Versões anteriores' "$work/share/$file" || fail "$file: $(cat "$work/share/$file")"
done
! grep -q Tooltip "$work/share/file-manager/actions/emrfs-restore.desktop" || fail "pcmanfm shows a tooltip in the place of the name"
grep -qx 'Name\[fr\]=Dossier médical : versions précédentes' "$work/share/Thunar/sendto/emrfs-restore.desktop" || fail "Thunar"
grep -qx 'Name\[fr\]=Rapport' "$work/share/applications/emrfs.desktop" && grep -qx 'Name\[pt\]=Relatório' "$work/share/applications/emrfs.desktop" || fail "the applications menu"
[ "$(grep -c -e '^Name\[pt\]=.*: Relatório$' -e '^Name=Medical Records: Report$' -e '^Exec=.*/action report$' "$work/share/applications/emrfs-report.desktop")" = 3 ] || fail "a menu that shows no actions"
