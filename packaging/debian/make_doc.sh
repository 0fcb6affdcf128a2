#!/bin/sh
# make_doc.sh SOURCES DIRECTORY: the documents of the package; the same bytes each time.  Debian wants changelogs compressed.  Pages for
# people stay as they are, in the folders that the pages name, so that every program that shows text opens them.
set -eu
sources=$1 directory=$2
mkdir -p "$directory"
install -m 644 "$sources/packaging/debian/copyright" "$directory/copyright"
gzip -9nc "$sources/packaging/debian/changelog" >"$directory/changelog.Debian.gz"
gzip -9nc "$sources/CHANGELOG.md" >"$directory/changelog.gz"
install -m 644 "$sources/README.md" "$sources/SECURITY.md" "$directory/"
mkdir -p "$directory/doc/manual"
install -m 644 "$sources"/doc/*.md "$sources"/doc/*.svg "$directory/doc/"
install -m 644 "$sources"/doc/manual/*.md "$directory/doc/manual/"
