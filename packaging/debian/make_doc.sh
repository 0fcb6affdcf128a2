#!/bin/sh
# make_doc.sh SOURCES DIRECTORY: the documents of the package, compressed as Debian wants them; the same bytes each time.
set -eu
sources=$1 directory=$2
mkdir -p "$directory"
install -m 644 "$sources/packaging/debian/copyright" "$directory/copyright"
gzip -9nc "$sources/packaging/debian/changelog" >"$directory/changelog.Debian.gz"
gzip -9nc "$sources/CHANGELOG.md" >"$directory/changelog.gz"
