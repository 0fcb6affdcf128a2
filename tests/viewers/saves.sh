#!/bin/bash
# saves.sh: more programs, run or replayed as they were traced: Excel, emacs, browsers, zip, qpdf, tar, cp -a, dcmmkdir, the trash, and what
# macOS and Windows leave behind. One save is one version; no name of scratch is ever one; nothing is lost.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/saved.sh"
emr_begin saves
emr_noon
emr_init
emr_mount
export HOME=$EMR_WORK XDG_DATA_HOME=$EMR_WORK/xdg
head -c 63884 /dev/urandom >"$EMR_WORK/document"
must python3 "$SUPPORT/make_pdf.py" 40000 "$EMR_WORK/report.pdf"
(cd "$EMR_WORK" && must zip -qX archive.zip document) || exit 1
new_records "$EMR_WORK/document" Budget.xlsx Letter.doc notes.txt kate.txt image.jpg plain.bin again.bin tar.bin
must cp "$EMR_WORK/archive.zip" "$MNT/archive.zip"
must cp "$EMR_WORK/report.pdf" "$MNT/report.pdf"
for name in archive.zip report.pdf; do expect "$name" "$(confirmed_version "$MNT/$name")" 1; done

before=$(versions_on_ledger)
saves=0
# saved_once beside others; the next program need not wait for the quiet of this one.
one_save() {
	saves=$((saves + 1))
	saved_once "$@" &
	jobs_of_saves+=($!)
}
saves_are_done() {
	local job
	for job in "${jobs_of_saves[@]}"; do wait "$job" || exit 1; done
	jobs_of_saves=()
}
jobs_of_saves=()

head -c 70001 /dev/urandom >"$EMR_WORK/new"
# ---- Excel: a name of eight hexadecimal digits, three seconds on a slow disk, the old book aside, then away
excel_save() {
	printf 'ana' >"$MNT/~\$Budget.xlsx" && cp "$EMR_WORK/new" "$MNT/1D24AB00" && sleep 3 &&
		renamed "$MNT/Budget.xlsx" "$MNT/9F1C2A10.tmp" "$MNT/1D24AB00" "$MNT/Budget.xlsx" &&
		rm "$MNT/9F1C2A10.tmp" "$MNT/~\$Budget.xlsx"
}
one_save Budget.xlsx "$EMR_WORK/new" excel_save

# ---- Word on a share that cannot rename over: the old document is deleted, and its backup stays
word_save() {
	cp "$EMR_WORK/new" "$MNT/~WRD0003.tmp" &&
		renamed "$MNT/Letter.doc" "$MNT/~WRL0004.tmp" "$MNT/~WRD0003.tmp" "$MNT/Letter.doc"
}
one_save Letter.doc "$EMR_WORK/new" word_save

# ---- emacs: a lock that is a link, an autosave, a backup by renaming
emacs_save() {
	ln -s "ana@host.4711:1700000000" "$MNT/.#notes.txt" && printf x >"$MNT/#notes.txt#" &&
		python3 -c 'import os, sys
os.rename(sys.argv[2], sys.argv[2] + "~")
open(sys.argv[2], "xb").write(open(sys.argv[1], "rb").read())' "$EMR_WORK/new" "$MNT/notes.txt" &&
		sync "$MNT/notes.txt" && rm "$MNT/.#notes.txt" "$MNT/#notes.txt#"
}
one_save notes.txt "$EMR_WORK/new" emacs_save

# ---- Kate and other KDE programs (QSaveFile)
kate_save() {
	printf x >"$MNT/.kate.txt.kate-swp" && cp "$EMR_WORK/new" "$MNT/kate.txt.aB12cd" &&
		mv "$MNT/kate.txt.aB12cd" "$MNT/kate.txt" && rm "$MNT/.kate.txt.kate-swp"
}
one_save kate.txt "$EMR_WORK/new" kate_save

# ---- exiftool, as it overwrites an original
exiftool_save() { cp "$EMR_WORK/new" "$MNT/image.jpg_exiftool_tmp" && mv "$MNT/image.jpg_exiftool_tmp" "$MNT/image.jpg"; }
one_save image.jpg "$EMR_WORK/new" exiftool_save

# ---- run for real: qpdf, zip, cp -a, cp --remove-destination, tar
cp "$EMR_WORK/report.pdf" "$EMR_WORK/rotated.pdf" && qpdf --static-id --rotate=90 --replace-input "$EMR_WORK/rotated.pdf" || emr_fail qpdf
one_save report.pdf "$EMR_WORK/rotated.pdf" qpdf --static-id --rotate=90 --replace-input "$MNT/report.pdf"

must cp "$EMR_WORK/archive.zip" "$EMR_WORK/zipped.zip"
(cd "$EMR_WORK" && must zip -qX zipped.zip new) || exit 1
zip_save() { (cd "$EMR_WORK" && zip -qX "$MNT/archive.zip" new); }
one_save archive.zip "$EMR_WORK/zipped.zip" zip_save
one_save plain.bin "$EMR_WORK/new" cp -a "$EMR_WORK/new" "$MNT/plain.bin"
one_save again.bin "$EMR_WORK/new" cp --remove-destination "$EMR_WORK/new" "$MNT/again.bin"
(cd "$EMR_WORK" && cp -p new tar.bin && tar -cf one.tar tar.bin) || emr_fail "tar outside"
one_save tar.bin "$EMR_WORK/new" tar -C "$MNT" -xf "$EMR_WORK/one.tar"

# ---- browsers.  Firefox reserves the name with an empty file and fetches beside it; Chromium renames twice.
firefox_fetch() {
	python3 -c 'import sys
open(sys.argv[2], "xb").close()
open(sys.argv[3], "xb").write(open(sys.argv[1], "rb").read(30000))' "$EMR_WORK/new" "$MNT/fetched.pdf" "$MNT/fetched.kJ2d9x.pdf.part" && sleep 2 &&
		expect "what is fetched" "$(attribute state "$MNT/fetched.kJ2d9x.pdf.part")" pending &&
		expect "the reserved name" "$(attribute state "$MNT/fetched.pdf")" pending &&
		tail -c +30001 "$EMR_WORK/new" >>"$MNT/fetched.kJ2d9x.pdf.part" &&
		mv -f "$MNT/fetched.kJ2d9x.pdf.part" "$MNT/fetched.pdf"
}
chromium_fetch() {
	cp "$EMR_WORK/new" "$MNT/.org.chromium.Chromium.aB12cd" &&
		mv "$MNT/.org.chromium.Chromium.aB12cd" "$MNT/Unconfirmed 471193.crdownload" && sleep 2 &&
		expect "what is fetched" "$(attribute state "$MNT/Unconfirmed 471193.crdownload")" pending && mv "$MNT/Unconfirmed 471193.crdownload" "$MNT/fetched2.pdf"
}
for browser in firefox chromium; do
	${browser}_fetch &
	jobs_of_saves+=($!)
done
saves_are_done
saves=$((saves + 2))
is_local "$MNT/~WRL0004.tmp"
is_local "$MNT/notes.txt~"
for name in fetched.pdf fetched2.pdf; do
	expect "$name: version" "$(confirmed_version "$MNT/$name")" 1
	must cmp "$MNT/$name" "$EMR_WORK/new"
done

# ---- dcmtk writes a DICOMDIR, and then another
must mkdir "$MNT/CD"
must cp "$SAMPLES/CT_small.dcm" "$MNT/CD/IM1"
(cd "$MNT/CD" && must dcmmkdir +id . IM1) || exit 1
expect "CD/IM1" "$(confirmed_version "$MNT/CD/IM1")" 1
expect "CD/DICOMDIR" "$(confirmed_version "$MNT/CD/DICOMDIR")" 1
must cp "$SAMPLES/MR_small.dcm" "$MNT/CD/IM2"
expect "CD/IM2" "$(confirmed_version "$MNT/CD/IM2")" 1
(cd "$MNT/CD" && must dcmmkdir +A +id . IM2) || exit 1
expect "CD/DICOMDIR" "$(confirmed_version "$MNT/CD/DICOMDIR")" 2
saves=$((saves + 4))

# ---- the desktop's trash: gone from the ledger, and back as the record it was
must cp "$EMR_WORK/document" "$MNT/thrown.txt"
saves=$((saves + 1))
confirmed_version "$MNT/thrown.txt" >/dev/null || exit 1
must gio trash "$MNT/thrown.txt"
thrown=$MNT/.Trash-$(id -u)/files/thrown.txt
[ -s "$MNT/.Trash-$(id -u)/info/thrown.txt.trashinfo" ] || emr_fail "the trash has no note of where it was"
is_local "$thrown"
must "$EMRFS" status --wait --quiet
[ -e "$MNT/.emrfs/deleted/thrown.txt" ] || emr_fail "the ledger does not know that it was deleted"
must mv "$thrown" "$MNT/thrown.txt"
expect "out of the trash: version" "$(confirmed_version "$MNT/thrown.txt")" 1
must cmp "$MNT/thrown.txt" "$EMR_WORK/document"
printf ' ' >>"$MNT/thrown.txt" && saves=$((saves + 1))
expect "out of the trash and written: version" "$(confirmed_version "$MNT/thrown.txt")" 2
expect "versions listed" "$("$EMRFS" restore --list "$MNT/thrown.txt" | grep -c '^v')" 3

# ---- what a stick from elsewhere brings along
stick=$EMR_WORK/stick
must mkdir -p "$stick/.Trashes" "$stick/.fseventsd" "$stick/\$RECYCLE.BIN" "$stick/System Volume Information"
for name in ._report.pdf .DS_Store Thumbs.db DESKTOP.INI .apdisk .Trashes/x .fseventsd/no_log '$RECYCLE.BIN/a.pdf' \
	'System Volume Information/IndexerVolumeGuid' report.pdf; do
	printf '%s' "$name" >"$stick/$name" || exit 1
done
must cp -r "$stick" "$MNT/"
saves=$((saves + 1))
expect "stick/report.pdf" "$(confirmed_version "$MNT/stick/report.pdf")" 1
must diff -r "$stick" "$MNT/stick"

# ---- the account
must "$EMRFS" status --wait --quiet
expect "versions on the ledger for $saves saves" $(($(versions_on_ledger) - before)) "$saves"
# A file that left its place has a line below deleted; scratch files have none.
find "$MNT/.emrfs/deleted" "$MNT/.emrfs/at/$(date +%F)" -mindepth 1 -printf '%P\n' >"$EMR_WORK/known"
grep -q '^stick/report.pdf$' "$EMR_WORK/known" || emr_fail "today has no record"
! grep -E '1D24AB00|\.tmp|~|#|kate-swp|aB12cd|\.part|crdownload|BAK|Trash|\._|DS_Store|humbs|DESKTOP|RECYCLE|Volume|fsevents' \
	"$EMR_WORK/known" || emr_fail "a name of scratch is on the ledger"
find "$MNT" -type f -exec sha256sum {} + | sort >"$EMR_WORK/all"
emr_remount
find "$MNT" -type f -exec sha256sum {} + | sort | must cmp - "$EMR_WORK/all"
say "$saves saves, $saves versions; $(wc -l <"$EMR_WORK/all") files are whole after a remount"
emr_unmount
