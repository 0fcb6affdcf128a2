#!/bin/bash
# started_badly.sh: a careless program opens a folder, with its standard descriptors closed and low limits of the process. The folder keeps
# what is saved in it; and where a limit cannot be raised, the program hears of that limit.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin started-badly
emr_init

say "opened without standard descriptors, nothing that is said there gets into a file"
"$EMRFS" mount --passphrase-file "$EMR_PASS" "$MNT" <&- >&- 2>&- || emr_fail "not opened: $?"
head -c 3000000 /dev/urandom >"$EMR_WORK/scan" && must cp "$EMR_WORK/scan" "$MNT/scan"
"$EMRFS" status --wait "$MNT" >&- 2>&- <&- || emr_fail "status --wait: $?"
emr_unmount
"$EMRFS" verify --passphrase-file "$EMR_PASS" >/dev/null 2>&1 || emr_fail "verify: $?"

say "opened with low limits that may be raised, it takes files and large ones as always"
(ulimit -S -n 24 -f 100; "$EMRFS" mount --passphrase-file "$EMR_PASS" "$MNT") >>"$EMR_LOG" 2>&1 || emr_fail "not opened with low limits: $(tail -3 "$EMR_LOG")"
cmp "$EMR_WORK/scan" "$MNT/scan" || emr_fail "other bytes"
must cp "$EMR_WORK/scan" "$MNT/second"
for ((i = 0; i < 40; i++)); do echo "$i" >"$MNT/$i.txt"; done
(for ((i = 0; i < 40; i++)); do exec {fd}<"$MNT/$i.txt" || exit 1; done) || emr_fail "not all open at once"
"$EMRFS" status --wait "$MNT" >>"$EMR_LOG" 2>&1 || emr_fail "status --wait: $?"
emr_unmount

say "numbers of files are such as every program can hold in a number with a fraction"
emr_mount
[ "$(find "$MNT" -printf '%i\n' | sort -n | tail -1)" -lt $((1 << 53)) ] || emr_fail "$(find "$MNT" -printf '%i %p\n')"
emr_unmount
emr_end
