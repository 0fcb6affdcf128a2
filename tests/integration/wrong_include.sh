#!/bin/bash
# wrong_include.sh CC INCLUDE:PATH ALLOWED FORBIDDEN...: a file of the module compiles when it includes ALLOWED,
# and does not with any FORBIDDEN, because the compiler cannot find it.
cc=$1 path=$2 allowed=$3
shift 3
IFS=: read -ra dirs <<<"$path"
flags=()
for dir in "${dirs[@]}"; do [ -z "$dir" ] || flags+=(-I "$dir"); done
compile() { printf '#include "%s"\n' "$1" | LC_ALL=C "$cc" -std=gnu11 -fsyntax-only "${flags[@]}" -x c - 2>&1; }
root=$(cd "$(dirname "$0")/../.." && pwd)
said=$(compile "$allowed") || {
	echo "$allowed should compile: $said"
	exit 1
}
for header in "$@"; do
	[ -n "$(find "$root" \( -path "*/include/$header" -o -path "*/fs/view/*/$header" \) -not -path '*/build/*' -print -quit)" ] || {
		echo "$header does not exist at all: this tests nothing"
		exit 1
	}
	if said=$(compile "$header"); then
		echo "$header could be included"
		exit 1
	fi
	case $said in
	*"$header"*"file not found"* | *"$header: No such file"*) ;;
	*)
		echo "$header does not compile, but for another reason: $said"
		exit 1
		;;
	esac
done
