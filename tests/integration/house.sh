#!/bin/bash
# house.sh SOURCES: nothing is left to do, nothing speaks of where it was made, every file says what it is for.
cd "$1" || exit 2
if ! git rev-parse --git-dir >/dev/null 2>&1; then
	echo "SKIPPED: not a git work tree, so nobody knows which files are the project's"
	exit 77
fi
bad=0
wrong() {
	printf '%s\n' "$*"
	bad=1
}

# The words are put together here so that this file does not find itself.
unfinished="TO""DO|FIX""ME|X""XX "
elsewhere="(^|[^A-Za-z0-9_\$}.~])/wo""rk/|\.\./sha""red|(^|[^A-Za-z0-9_/.-])sha""red/"
found=$(git grep -nIE "$unfinished" -- ':!tests/vectors' ':!tests/fuzz/corpus') && wrong "left to do:" "$found"
found=$(git grep -nIE "$elsewhere" -- ':!tests/vectors/wycheproof') && wrong "speaks of another place:" "$found"

# A source file begins with what it is for; one that does not has a line in the DESIGN.md of its folder or of one above it.
says_its_purpose() { # FILE
	case $1 in
	*.c | *.h) head -1 "$1" | grep -q '^/[*/]' ;;
	*) head -2 "$1" | grep -q '^# [A-Za-z]' ;;
	esac
}
while IFS= read -r file; do
	says_its_purpose "$file" && continue
	dir=$(dirname "$file") name=$(basename "$file")
	while [ ! -f "$dir/DESIGN.md" ] && [ "$dir" != . ]; do dir=$(dirname "$dir"); done
	if [ ! -f "$dir/DESIGN.md" ]; then
		wrong "$file: does not begin with what it is for, and no DESIGN.md in its folder or above does it instead"
	elif ! grep -qF "${name%.*}." "$dir/DESIGN.md"; then	# NAME.c stands for its NAME.h, too
		wrong "$file: does not begin with what it is for, and has no line in $dir/DESIGN.md"
	fi
done < <(git ls-files '*.c' '*.h' '*.sh' '*.py' | grep -v '^tests/vectors/model/')

# A header says what it is for before anything else.
while IFS= read -r file; do
	head -2 "$file" | grep -q '^/\*' || wrong "$file: does not open with what it is for"
	grep -q '^#pragma once' "$file" || wrong "$file: no #pragma once"
done < <(git ls-files '*/include/*.h')

if command -v clang-format >/dev/null; then
	unformatted=$(git ls-files '*.c' '*.h' | xargs -P 2 -n 40 clang-format --dry-run 2>&1 | sed -n 's/^\([^:]*\):.*\[-Wclang-format-violations\]$/\1/p' | sort -u)
	[ -z "$unformatted" ] || wrong "laid out otherwise than clang-format lays it out (clang-format -i FILE):" "$unformatted"
fi
exit $bad
