#!/bin/bash
# tour.sh: every command of doc/tour.md does what the page says (support/page.sh). README's first block runs as it stands.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/page.sh"
page_begin tour

mkdir readme && cd readme || exit 2
say "README.md"
computer first
block=$(awk '/^```/ { inside++; next } inside == 1' "$top/README.md")
typed first "$block" || emr_fail "the first block of README.md: $(cat said)"
grep -q '^user.emrfs.state="confirmed ' said && grep -q "knee.txt" said || emr_fail "the first block of README.md says: $(cat said)"
sed 's/^/      /' said
cd .. || exit 2

say "doc/tour.md"
play "$top/doc/tour.md"
[ "$count" -gt 60 ] || emr_fail "only $count commands were found in doc/tour.md"
say "$count commands"
