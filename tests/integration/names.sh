#!/bin/bash
# names.sh: names of any bytes, and directories with many of them.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin names
emr_init
emr_mount
dir=$MNT/names plain=$EMR_WORK/plain
must mkdir "$dir" "$plain"

long=$(printf 'n%.0s' {1..255})
wide=$(printf '\303\251%.0s' {1..127})x
names=("$(printf 'line\nbreak')" "$(printf 'not\377utf\200\376')" "$long" "$wide" ' blank at both ends ' '-rf' '*?[a' '\backslash' '"quotes'"'"
	$'\001\002\t\177' '...' '.hidden' 'Straße' $'e\314\201' $'\303\251' 'CON' 'a:b' '~x~y' '%s%n' $'\357\273\277bom' 'ends.')
for name in "${names[@]}"; do
	printf 'file %s' "$name" >"$dir/$name" || emr_fail "create $(printf %q "$name")"
	printf 'file %s' "$name" >"$plain/$name"
	mkdir "$dir/${name:0:250}.dir" "$plain/${name:0:250}.dir" 2>/dev/null
	ln -s -- "$name" "$dir/${name:0:200}.ln" && ln -s -- "$name" "$plain/${name:0:200}.ln" || emr_fail "link"
done
same() {
	diff <(cd "$plain" && find . -print0 | sort -z | od -An -c) <(cd "$dir" && find . -print0 | sort -z | od -An -c) >&2 ||
		emr_fail "$1: other names"
	must diff -r --no-dereference "$plain" "$dir"
}
same "as written"

# refused: the system must refuse COMMAND, with the error that programs know.
refused() { # WANTED COMMAND...
	local wanted=$1 said
	shift
	said=$("$@" 2>&1) && emr_fail "not refused: $*"
	[[ $said == *"$wanted"* ]] || emr_fail "refused, but with: $said"
}
refused 'File name too long' touch "$dir/${long}x"
refused 'File name too long' mkdir "$dir/${long}x"
refused 'File name too long' mv "$dir/$long" "$dir/${long}x"
refused 'File name too long' ln -s target "$dir/${long}x"
refused 'File name too long' stat "$dir/${long}x"
refused 'not permitted' ln "$dir/$long" "$dir/hard"
for reserved in shared-with-me shared-by-me datasets .emrfs; do
	refused 'File exists' mkdir "$MNT/$reserved"
done
must mv "$dir/$long" "$dir/${long:1}m"
must mv "$plain/$long" "$plain/${long:1}m"
emr_remount
same "after a remount"

say "10,000 files in a directory"
must mkdir "$MNT/many"
(cd "$MNT/many" && seq -f 'Observation-%06.0f.json' 10000 | xargs touch) || emr_fail "create 10,000"
(cd "$MNT/many" && seq -f 'Observation-%06.0f.json' 1 97 10000 | while read -r f; do echo "$f" >"$f"; done) || emr_fail "write some"
ls -l --time-style=full-iso "$MNT/many" >"$EMR_WORK/before"
expect "lines of ls -l" "$(wc -l <"$EMR_WORK/before")" 10001
expect "names of find" "$(find "$MNT/many" -type f | sort -u | wc -l)" 10000
# Half of them leave while the directory is being read: the others are all seen, and once.
expect "removed while listing" "$(find "$MNT/many" -name '*[13579].json' -delete -print | wc -l)" 5000
expect "left" "$(ls "$MNT/many" | sort -u | wc -l)" 5000
ls -l --time-style=full-iso "$MNT/many" >"$EMR_WORK/before"
emr_remount
ls -l --time-style=full-iso "$MNT/many" >"$EMR_WORK/after"
must cmp "$EMR_WORK/before" "$EMR_WORK/after"
emr_kill
emr_mount
ls -l --time-style=full-iso "$MNT/many" >"$EMR_WORK/after"
must cmp "$EMR_WORK/before" "$EMR_WORK/after"
must rm -r "$MNT/many"
emr_unmount

say "a folder is not opened where no command could name it afterwards"
for name in $'not\377utf' $'escape\e[31m'; do
	must mkdir "$EMR_WORK/$name"
	! "$EMRFS" mount --passphrase-file "$EMR_PASS" "$EMR_WORK/$name" >"$EMR_WORK/out/odd" 2>&1 || emr_fail "opened at $(printf %q "$name")"
	grep -qF "The path of the folder is no UTF-8" "$EMR_WORK/out/odd" || emr_fail "$(cat "$EMR_WORK/out/odd")"
done
