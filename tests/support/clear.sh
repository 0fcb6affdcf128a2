# nothing_in_clear WORD... -- PATH...: fails when a file below a PATH has one of the WORDs as it is written.
# A word of fewer than six bytes is refused: in 16 MB of ciphertext a word of three bytes stands by chance once in a run,
# one of six once in 17 million.
nothing_in_clear() {
	clear_words=
	while [ "$1" != -- ]; do
		[ "$(printf %s "$1" | wc -c)" -ge 6 ] || emr_fail "'$1' is too short to be looked for in ciphertext"
		clear_words="$clear_words$1
"
		shift
	done
	shift
	printf %s "$clear_words" >"$EMR_WORK/clear-words"
	clear_found=0
	grep -rlaF -f "$EMR_WORK/clear-words" "$@" >"$EMR_WORK/clear-found" || clear_found=$?
	case $clear_found in
	0) emr_fail "in clear: $(grep -roaFh -f "$EMR_WORK/clear-words" "$@" | sort -u | tr '\n' ' ')in $(cat "$EMR_WORK/clear-found")" ;;
	1) ;;
	*) emr_fail "could not look for words in clear" ;;
	esac
}
