#!/bin/sh
# make_pages.sh EMRFS_PAGES MANUAL SHARE: every page and completion below SHARE, as they are installed.
set -eu
pages=$1 manual=$2 share=$3
rm -rf "$share" && mkdir -p "$share/bash-completion/completions"

# gz PAGE COMMAND...: what COMMAND prints, as share/man/manN/PAGE.gz; the same bytes each time.
gz() {
	page=$1
	shift
	dir=$share/man/man${page##*.}
	mkdir -p "$dir"
	"$@" >"$dir/$page"
	gzip -9nf "$dir/$page"
}
for verb in $("$pages" verbs); do
	gz "emrfs-$verb.1" "$pages" verb "$verb" "$manual/limits.md"
done
for template in "$manual"/*.in; do
	page=${template##*/}
	gz "${page%.in}" "$pages" fill "$template" "$manual/contract.md"
done
"$pages" bash >"$share/bash-completion/completions/emrfs"
