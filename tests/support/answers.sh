# Sourced after mount.sh by tests that use the menus of a desktop alone, in $EMR_WORK: a stand-in for zenity answers each question by its words.
#
#   answers_begin              the stand-in, and an xdg-open which notes in `opened` what it was to open
#   in_menu WHO SCRIPT [DEED [FILE...]]  the script of packaging/, with WHO's home; the answers are in `answers`: WORDS OF THE QUESTION|ANSWER, a line each,
#                              and behind that |once where the question comes again. `shown` has the texts of all windows, `arguments` those of every process
answers_begin() {
	mkdir bin
	cat >bin/zenity <<'END'
#!/bin/bash
text=$*
case $* in
*--progress*) cat >/dev/null; exit ;;
*--text-info* | *--list*) text="$*
$(cat)" ;;
esac
printf 'window: %s\n' "$text" >>"$EMR_WORK/shown"
for process in /proc/[0-9]*/cmdline; do tr '\0' ' ' <"$process" 2>/dev/null; echo; done >>"$EMR_WORK/arguments"
case $text in
*--extra-button=*) sed -n 's/.*--extra-button=//p' <<<"$*"; exit 1 ;;
*"ress Enter"*) printf '%s\n' "$text" | tr -s ' \n' '\n' >"$EMR_WORK/page" ;;
*--entry*"Word "*) number=$(sed 's/.*Word \([0-9]*\):.*/\1/' <<<"$text"); grep -x -A1 "$number" "$EMR_WORK/page" | tail -1; exit ;;
esac
line=0
while IFS='|' read -r words answer once; do
	line=$((line + 1))
	[[ $text = *"$words"* ]] || continue
	[ -z "$once" ] || sed -i "${line}d" "$EMR_WORK/answers"
	printf '%s\n' "$answer"
	exit
done <"$EMR_WORK/answers"
case $* in *--entry* | *--list*) echo "nobody answers: $text" >>"$EMR_WORK/unanswered"; exit 1 ;; esac
END
	printf '#!/bin/sh\necho "$1" >>"$EMR_WORK/opened"\n' >bin/xdg-open
	chmod 700 bin/*
	export EMR_WORK
}
in_menu() { # WHO SCRIPT [DEED [FILE...]]
	local who=$1
	shift
	: >shown
	: >opened
	(cd "$who" && unset EMRFS_ASKPASS && HOME=$EMR_WORK/$who EMRFS_HOME=$EMR_WORK/$who/${MENU_HOME-.home} PATH=$EMR_WORK/bin:$PATH DISPLAY=:none LC_ALL=C.UTF-8 \
		"$PACKAGING/$1" "${@:2}") >said 2>&1 </dev/null || emr_fail "$*: $(cat said shown)"
	[ ! -e unanswered ] || emr_fail "$(cat unanswered)"
}
