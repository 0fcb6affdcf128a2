#!/bin/bash
# run_again.sh SOURCES: what tests/run says of a test that fails beside others and passes alone, in a small project of its own:
# where a change lands it is named, and counts as passed; by hand it has failed; what always fails has failed everywhere.
set -u
sources=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
bad=0
wrong() {
	printf '%s\n' "$*"
	bad=1
}
mkdir -p "$place/tests/support"
cp "$sources/tests/run" "$place/tests/"
cp "$sources/tests/support/junit_counts.py" "$sources/tests/support/plain.py" "$sources/tests/support/packages.sh" "$place/tests/support/"
cp "$sources/tests/costs" "$place/tests/"
cp "$sources/CMakePresets.json" "$place/"
cat >"$place/once" <<-'END'
	#!/bin/bash
	[ -e "$1" ] && exit
	touch "$1"
	echo "the first time, this is why"
	exit 1
END
chmod +x "$place/once"

# The project, with one test that passes and those of KINDS: once (fails the first time), never, crowd (eleven of once).
project() { # KINDS...
	rm -rf "$place/build" "$place/been"
	{
		printf 'cmake_minimum_required(VERSION 3.25)\nproject(three NONE)\nenable_testing()\n'
		printf 'add_test(NAME passes COMMAND true)\n'
		case " $* " in *" once "*) printf 'add_test(NAME passes_alone COMMAND "%s" "%s")\n' "$place/once" "$place/been" ;; esac
		case " $* " in *" never "*) printf 'add_test(NAME never_passes COMMAND false)\n' ;; esac
		case " $* " in *" crowd "*) for i in 1 2 3 4 5 6 7 8 9 10 11; do
			printf 'add_test(NAME crowd_%s COMMAND "%s" "%s")\n' "$i" "$place/once" "$place/been$i"
		done ;; esac
	} >"$place/CMakeLists.txt"
}
runs() { # CI LAST-LINE EXIT
	text=$(CI=$1 "$place/tests/run" --only dev --no-install 2>&1)
	local code=$?
	[ "$code" -eq "$3" ] || wrong "exit $code, not $3: $text"
	[ "$(tail -1 <<<"$text")" = "$2" ] || wrong "\"$(tail -1 <<<"$text")\", not \"$2\""
}
heading="unstable: failed beside others, passed alone"

project once
runs true "2 passed, 0 failed, 0 skipped" 0
grep -A1 -xF "$heading" <<<"$text" | grep -qxF "  passes_alone (dev)" || wrong "it is not listed: $text"
grep -qF "the first time, this is why" <<<"$text" || wrong "its first output is not shown: $text"
grep -qF "the first time, this is why" "$place/build/test-logs/dev.log" || wrong "its first output is not kept"

project once
runs "" "1 passed, 1 failed, 0 skipped" 1
[[ $text != *unstable* ]] || wrong "by hand it was run twice: $text"

project once never
runs true "2 passed, 1 failed, 0 skipped" 1
grep -A2 -xF "$heading" <<<"$text" | grep -q never_passes && wrong "what always fails is listed: $text"
grep -A1 -xF "  passes_alone (dev)" <<<"$text" | grep -qF "| the first time, this is why" || wrong "the end does not say why it failed: $text"
grep -A1 -xF "failed:" <<<"$text" | grep -qxF "  never_passes (dev)" || wrong "the end does not name what failed: $text"

project
runs true "1 passed, 0 failed, 0 skipped" 0
[[ $text != *unstable* ]] || wrong "nothing failed: $text"

project crowd
runs true "1 passed, 11 failed, 0 skipped" 1
exit $bad
