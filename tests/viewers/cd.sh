#!/bin/bash
# cd.sh: a patient's CD of 300 slices with its DICOMDIR is copied in, browsed, and read by the tools that read CDs; then its ZIP is unpacked
# in the folder. Bytes, pixels and references are those of the source; each file is one version.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/saved.sh"
. "$SUPPORT/asked.sh"
emr_begin cd
emr_init
emr_mount
src=$EMR_WORK/CD dest=$MNT/Imaging/CD
must mkdir "$src" "$MNT/Imaging"
must /usr/bin/python3 "$SUPPORT/make_cd.py" "$src" 300
(cd "$src" && must dcmmkdir +r +id . DICOM >"$EMR_WORK/out/mkdir") || exit 1
(cd "$EMR_WORK" && must zip -qr CD.zip CD) || exit 1

say "copied in: $(find "$src" -type f | wc -l) files, $(du -sk "$src" | cut -f1) KiB"
began=$(date +%s%N)
must cp -r "$src" "$MNT/Imaging/"
say "copied in $((($(date +%s%N) - began) / 1000000)) ms"
must "$EMRFS" status --wait --quiet
expect "versions" "$(versions_on_ledger)" 301
must diff -r "$src" "$dest"
emr_remount

say "browsed, from nothing in the kernel"
asked_before
must ls -lR "$dest" >/dev/null
say "ls -lR: $(asked lookup) LOOKUP, $(asked getattr) GETATTR, $(asked readdir readdirplus) READDIR(PLUS), $(asked open) OPEN, $(asked access) ACCESS, $(asked getxattr) GETXATTR"
at_most "LOOKUP" "$(asked lookup)" 310
at_most "ACCESS" "$(asked access)" 0
at_most "OPEN" "$(asked open)" 0
listed_again() {
	asked_before
	must ls -lR "$dest" >/dev/null
	[ "$(asked lookup getattr)" -le 20 ]
}
at_some_try listed_again || emr_fail "LOOKUP the second time: $(asked lookup getattr)"

say "read by the tools"
# Every reference of the DICOMDIR leads to a DICOM file with the instance that it names.
look() {
	cd "$1" || exit 1
	dcmdump +P 0004,1430 +P 0004,1500 +P 0004,1511 DICOMDIR
	dcmdump +P 0004,1500 DICOMDIR | sed -n 's/.*\[\(.*\)\].*/\1/p' | tr '\\' / | xargs dcmdump +F +P 0008,0018
	for file in DICOM/ST0/SE?/IM0 DICOM/ST0/SE?/IM99; do
		dcmj2pnm --write-raw-pnm "$file" | sha256sum
		dcm2pnm +Wm "$file" | sha256sum
	done
}
(look "$src") >"$EMR_WORK/wanted"
expect "images in the DICOMDIR" "$(grep -c '\[IMAGE\]' "$EMR_WORK/wanted")" 300
expect "images that the DICOMDIR leads to" "$(grep -c '^(0008,0018)' "$EMR_WORK/wanted")" 300
looked() {
	emr_remount
	asked_before
	(look "$dest") >"$EMR_WORK/found"
	must cmp "$EMR_WORK/wanted" "$EMR_WORK/found"
	say "dcmdump of all and pixels of six: $(asked lookup) LOOKUP, $(asked getattr) GETATTR, $(asked open) OPEN, $(asked read) READ, $(asked chunks_opened) chunks"
	[ "$(asked read)" -le 1000 ]
}
at_some_try looked || emr_fail "READ: $(asked read)"
must cmp "$dest/DICOMDIR" "$src/DICOMDIR"

say "turned into volumes by dcm2niix"
volumes() { mkdir "$2" && dcm2niix -b n -z n -f %s -o "$2" "$1/DICOM" >"$EMR_WORK/out/niix"; }
must volumes "$src" "$EMR_WORK/niix-wanted"
expect "volumes" "$(find "$EMR_WORK/niix-wanted" -name '*.nii' -size +3000k | wc -l)" 3
turned() { # TRY
	emr_remount
	asked_before
	must volumes "$dest" "$EMR_WORK/niix-found-$1"
	must diff -r "$EMR_WORK/niix-wanted" "$EMR_WORK/niix-found-$1"
	say "dcm2niix: $(asked lookup) LOOKUP, $(asked getattr) GETATTR, $(asked open) OPEN, $(asked read) READ"
	[ "$(asked lookup)" -le 400 ] && [ "$(asked getattr)" -le 950 ] && [ "$(asked read)" -le 1000 ]
}
at_some_try turned || emr_fail "LOOKUP: $(asked lookup), GETATTR: $(asked getattr), READ: $(asked read)"

say "a DICOMDIR written in the folder leads to the same"
(cd "$dest" && must rm DICOMDIR && must dcmmkdir +r +id . DICOM >"$EMR_WORK/out/mkdir") || exit 1
(look "$dest") >"$EMR_WORK/found"
must cmp "$EMR_WORK/wanted" "$EMR_WORK/found"
# The next version, or a new record: it reads 300 files between removing and writing, and a name that is gone for a second is gone.
[[ $(confirmed_version "$dest/DICOMDIR") =~ ^[12]$ ]] || emr_fail "DICOMDIR: $(attribute version "$dest/DICOMDIR")"

say "the ZIP, unpacked by unzip, and as file-roller does"
must unzip -q "$EMR_WORK/CD.zip" -d "$MNT/Imaging/unzipped"
must mkdir "$MNT/Imaging/.fr-aB12cd"
must unzip -q "$EMR_WORK/CD.zip" -d "$MNT/Imaging/.fr-aB12cd"
must mv "$MNT/Imaging/.fr-aB12cd/CD" "$MNT/Imaging/CD 2"
must rmdir "$MNT/Imaging/.fr-aB12cd"
must "$EMRFS" status --wait --quiet
expect "versions" "$(versions_on_ledger)" $((301 * 3 + 1))
emr_remount
must diff -r "$src" "$MNT/Imaging/unzipped/CD"
must diff -r "$src" "$MNT/Imaging/CD 2"
emr_unmount
