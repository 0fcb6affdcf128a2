#!/bin/bash
# viewers.sh: the tools of viewers see the same in the folder as beside it: real DICOM files of every transfer syntax, PDFs, and a large
# file. They look before and after a remount, so from the page cache and from the store.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin viewers
[ -d "$SAMPLES" ] || emr_fail "no samples: install python3-pydicom"
emr_init
emr_mount
src=$EMR_WORK/src
must mkdir -p "$src/dicom" "$src/pdf"
cp "$SAMPLES"/*.dcm "$src/dicom/" && cp -r "$SAMPLES/dicomdirtests" "$src/" || emr_fail "copy of the samples"
chmod -R u+w "$src"
must python3 "$SUPPORT/make_pdf.py" 63884 "$src/pdf/report.pdf"
expect "size of the report" "$(stat -c %s "$src/pdf/report.pdf")" 63884
document=/usr/share/doc/zlib1g-dev/crc-doc.1.0.pdf.gz
if [ -s $document ]; then
	must gunzip -c $document >"$src/pdf/crc.pdf"
else
	say "this Debian came without documents: no PDF of zlib1g-dev"
fi
head -c 50000000 /dev/urandom >"$src/large" || emr_fail "a large file"
dest=$MNT/files
must cp -a "$src" "$dest"

# look prints what each tool says and shows, with its status.  Names are relative, as messages contain them.
look() {
	local f
	cd "$1" || exit 1
	for f in dicom/*.dcm; do
		echo "== $f"
		dcmdump "$f" 2>&1
		echo "dcmdump $?"
		dcmj2pnm "$f" 2>&1
		echo "dcmj2pnm $?"
	done
	find dicomdirtests -type f -print0 | sort -z | xargs -0 dcmdump 2>&1
	for f in pdf/*; do
		echo "== $f"
		pdftoppm -r 50 "$f" 2>&1
		echo "pdftoppm $?"
		qpdf --check "$f" 2>&1
		echo "qpdf $?"
		pdftotext "$f" - 2>&1
	done
}
(look "$src") >"$EMR_WORK/wanted"
[ "$(grep -ac 'dcmdump 0' "$EMR_WORK/wanted")" -ge 60 ] || emr_fail "dcmdump understood too few of the samples"
[ "$(grep -ac 'dcmj2pnm 0' "$EMR_WORK/wanted")" -ge 30 ] || emr_fail "dcmj2pnm showed too few of the samples"
expect "PDFs that qpdf finds sound" "$(grep -ac 'qpdf 0' "$EMR_WORK/wanted")" "$(find "$src/pdf" -type f | wc -l)"

compare() {
	(look "$dest") >"$EMR_WORK/found"
	must cmp "$EMR_WORK/wanted" "$EMR_WORK/found"
	must diff -r "$src" "$dest"
	say "$1: $(grep -ac '^== ' "$EMR_WORK/found") files, $(stat -c %s "$EMR_WORK/found") bytes of output are equal"
}
compare "as written"
emr_remount
compare "after a remount"

# Random reads of the large file, tail first, as viewers do.
for at in 49999999 49995904 0 16383 16384 131071 262143 262144 1048575 25000000; do
	must cmp -n 5000 -i $at "$src/large" "$dest/large"
done
emr_unmount
