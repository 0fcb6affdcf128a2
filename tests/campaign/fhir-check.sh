#!/bin/bash
# tests/campaign/fhir-check.sh - asks a validator of others whether the logs and shares that emrfs exports are AuditEvents and Consents of
# FHIR R4.
#
#   tests/campaign/fhir-check.sh [--emrfs FILE] [--work DIR]
#
# Runs examples/two-clinics in a new directory, exports the log of everybody in it and what they share by packaging/emrfs-fhir, and gives the files to
# the npm package `fhir` (tests/campaign/fhir, its version and checksum fixed).  Needs node 20, npm and what a mount needs.
# Status 0: all are valid; 1: one is not, the files stay; 2: it could not be run.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
emrfs=$top/build/release/fs/emrfs work=''
usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}
while [ $# -ge 2 ]; do
	case $1 in
	--emrfs) emrfs=$(realpath "$2") ;;
	--work) work=$2 ;;
	*) usage ;;
	esac
	shift 2
done
[ $# -eq 0 ] && [ -x "$emrfs" ] || usage
work=${work:-$(mktemp -d)}
mkdir -p "$work/events" && cp -r "$top/tests/campaign/fhir" "$work/validator" || exit 2
(cd "$work/validator" && npm ci --no-fund --no-audit) >"$work/npm.log" 2>&1 || {
	tail -5 "$work/npm.log" >&2
	exit 2
}
EMRFS=$emrfs "$top/examples/two-clinics" "$work/two-clinics" >"$work/log" 2>&1 || {
	tail -5 "$work/log" >&2
	exit 2
}
export_of() { # WHO
	EMRFS_HOME=$work/two-clinics/$1 "$emrfs" log --json 2>>"$work/log" | "$top/packaging/emrfs-fhir" "$work/events-$1" >>"$work/log" 2>&1 || return
	EMRFS_HOME=$work/two-clinics/$1 "$emrfs" share --all --json 2>>"$work/log" | "$top/packaging/emrfs-fhir" "$work/events-$1" >>"$work/log" 2>&1 || return
	for event in "$work/events-$1"/*.json; do mv "$event" "$work/events/$1-${event##*/}" || return; done
}
failed=0
for who in ana rui eva lima nuno; do
	[ ! -d "$work/two-clinics/$who" ] || export_of "$who" || failed=2
done
for who in ana rui eva lima nuno; do EMRFS_HOME=$work/two-clinics/$who "$emrfs" unmount >>"$work/log" 2>&1; done
for keys in "$work"/two-clinics/keys-*/state/lock; do kill "$(sed -n 's/^pid //p' "$keys")"; done
[ "$failed" -eq 0 ] || {
	echo "a log or shares could not be exported: $work/log" >&2
	exit 2
}
node "$work/validator/validate.js" "$work/events" || {
	echo "the files: $work/events" >&2
	exit 1
}
rm -rf "$work"
