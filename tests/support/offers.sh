# Sourced by tests of completion.
#
# offers LINE: what bash completes at the end of LINE, one a line, by the file COMPLETION.
offers() {
	bash -c '
		compopt() { :; }
		. "$1"
		read -ra COMP_WORDS <<<"$2"
		[[ $2 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_emrfs
		printf "%s\n" "${COMPREPLY[@]}"' - "$COMPLETION" "$1"
}
