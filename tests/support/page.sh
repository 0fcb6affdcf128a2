# Sourced after mount.sh by tests that play a page: every command of it does what the page says, in the order in which it stands there.
#
# A line `WHO$ COMMAND` in a code block is typed by WHO, in a directory and with a home of their own.  A command that
# is marked "a moment later" is repeated until it succeeds; a command that ends in & goes on beside those that follow. CODE is the one that was said last.
#
#   page_begin NAME     the working directory, with emrfs on the PATH; PLAYED may have words of sed for what stands elsewhere here
#   play PAGE           sets count
top=$(cd "$SUPPORT/../.." && pwd)
page_begin() {
	emr_begin "$1"
	cd "$EMR_WORK" || exit 2
	mkdir -m 700 bin && ln -s "$EMRFS" "$top/packaging/emrfs-fhir" bin/
	printf '#!/bin/sh\necho passphrase of the page\n' >bin/askpass && chmod 700 bin/askpass
	export PATH=$EMR_WORK/bin:$PATH EMRFS_ASKPASS=$EMR_WORK/bin/askpass
	port=$(emr_port) # the page's may be in use here
	everybody=
}

at_end() {
	local who job
	for job in $(jobs -p); do kill "$job" 2>/dev/null; done
	kill $(cat "$EMR_WORK"/{readme/,}hosts-said 2>/dev/null | sed -n 's/.*(process \([0-9]*\)).*/\1/p') 2>/dev/null
	for who in $everybody; do
		kill $(sed -n 's/^pid //p' "$who/.home/state/as/agent/lock" 2>/dev/null) 2>/dev/null
		EMRFS_HOME=$who/.home emr_clear_away "$who/.home" "$who/Health"
	done
}

# The computer of WHO: a directory with what the page supposes to be there.
computer() {
	[ -d "$1" ] && return
	everybody="$everybody $PWD/$1"
	mkdir -p -m 700 "$1/.home/as/agent" "$1/Health"
	printf 'kdf = 8,1\nnotify = none\n' | tee "$1/.home/settings" >"$1/.home/as/agent/settings"	# a tour need not resist who guesses passphrases
	cp /usr/share/doc/shared-mime-info/shared-mime-info-spec.pdf "$1/MRI.pdf" 2>/dev/null ||
		python3 "$SUPPORT/make_pdf.py" 63884 "$1/MRI.pdf" || emr_fail "no PDF"
	mkdir "$1/CD" && cp "$SAMPLES"/MR_small.dcm "$1/CD/IM1.dcm" && cp "$SAMPLES"/CT_small.dcm "$1/CD/IM2.dcm"
}

typed() { (cd "$1" && HOME=$PWD EMRFS_HOME=$PWD/.home bash -eo pipefail -c "$2") >said 2>&1 </dev/null; }

# play PAGE: every line with somebody's prompt in its blocks
play() {
	count=0 code=CODE && : >host-said
	while IFS= read -r line; do
		who=${line%%\$ *} command=${line#*\$ }
		computer "$who"
		count=$((count + 1))
		echo "$who\$ $command"
		case $command in
		*"# a moment later"*) patience=600 ;;
		*) patience=1 ;;
		esac
		address=$(sed -n "s/.*--network '\(.*\)'$/\1/p" host-said)
		bare=$(sed "s/ *# .*\$//; s|'https:.*#KEY'|'$address'|; s/:7443/:$port/; s/CODE/$code/; ${PLAYED:-}" <<<"$command")
		if [ "${bare%&}" != "$bare" ]; then
			# A command beside the others is repeated, too, until it has begun well: it ends when somebody came in.
			(for ((i = 0; i < patience; i++)); do
				(cd "$who" && EMRFS_HOME=$PWD/.home bash -c "${bare%&}") >"beside-$count" 2>&1 </dev/null && exit 0
				sleep 0.5
			done; exit 1) &
			continue
		fi
		for ((i = 1; ; i++)); do
			typed "$who" "$bare" && break
			[ "$i" -lt "$patience" ] || { cat said >&2; tail -n 5 beside-* >&2 2>/dev/null; emr_fail "$who\$ $command"; }
			sleep 0.5
		done
		case $bare in *"emrfs host "*) cp said host-said && cat said >>hosts-said ;; *" invite "*) [[ $bare == *" -o "* ]] || code=$(grep '^J[A-Z2-7]*$' said) || emr_fail "no code" ;; esac
		sed 's/^/      /' said | head -12
	done < <(awk '/^```/ { inside = !inside; next } inside && /^[a-z-]+\$ / { print }' "$1")
}
