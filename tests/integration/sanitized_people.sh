#!/bin/bash
# sanitized_people.sh NAME SCRIPT: runs a test of several people with a program that was built with a sanitizer, which must make no report.
# The sanitizer NAME (tsan, asan) must be in the program, or the test would prove nothing.
here=$(cd "$(dirname "$0")" && pwd)
grep -q "__$1_init" "$EMRFS" || { echo "FAILED: the program is built without $1" >&2; exit 1; }
reports=$(mktemp -d) || exit 2
trap 'rm -rf "$reports"' EXIT
# Each report goes to a file of its own, whatever becomes of the process and of what the script makes of its status.
options="log_path=$reports/report:exitcode=66"
export TSAN_OPTIONS="$options:second_deadlock_stack=1:history_size=4" ASAN_OPTIONS="$options:detect_stack_use_after_return=1"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports/report"
bash "$here/$2"
status=$?
if [ -n "$(ls -A "$reports")" ]; then
	cat "$reports"/* | head -150 >&2
	echo "FAILED: the sanitizer reports" >&2
	exit 1
fi
exit $status
