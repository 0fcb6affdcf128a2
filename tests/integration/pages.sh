#!/bin/bash
# pages.sh PAGES SHARE: the manual pages are sound, and completion offers what the program understands.
PAGES=$1 SHARE=$2 LIMITS=$(dirname "$0")/../../doc/manual/limits.md
work=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-pages-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
bad=0
wrong() { printf '%s\n' "$*"; bad=1; }

"$PAGES" contract >"$work/contract" || exit 1
verbs=$("$PAGES" verbs)

# Each page formats without a warning and names its sections.
for page in "$SHARE"/man/man?/*.gz; do
	name=$(basename "$page" .gz)
	gunzip -c "$page" >"$work/page"
	said=$(LC_ALL=C.UTF-8 groff -man -ww -Tutf8 -rLL=100n "$work/page" 2>&1 >/dev/null)
	[ -z "$said" ] || wrong "$name: $said"
	for section in NAME DESCRIPTION "SEE ALSO" $([ "$name" = emrfs.1 ] || [[ $name != *.1 ]] || echo LIMITS); do
		grep -qx ".SH $section" "$work/page" || wrong "$name has no $section"
	done
	! grep -q '@[A-Z]*@' "$work/page" || wrong "$name: something was not filled in"
done
for verb in $verbs; do
	[ -f "$SHARE/man/man1/emrfs-$verb.1.gz" ] || wrong "no page for $verb"
	gunzip -c "$SHARE/man/man1/emrfs.1.gz" | grep -q "emrfs.-$verb" || wrong "emrfs.1 does not name $verb"
done
gunzip -c "$SHARE/man/man7/emrfs-messages.7.gz" | grep -q 'no.-hard.-links' || wrong "emrfs-messages.7 has no no-hard-links"
gunzip -c "$SHARE/man/man7/emrfs-folder.7.gz" | grep -q 'stored.-bytes' || wrong "emrfs-folder.7 has no stored-bytes"

COMPLETION=$SHARE/bash-completion/completions/emrfs
. "$(dirname "$0")/../support/offers.sh"
[ "$(offers 'emrfs ' | sort)" = "$(sort <<<"$verbs")" ] || wrong "bash does not offer the verbs"
[ "$(offers 'emrfs unm')" = unmount ] || wrong "bash does not complete unmount"
[ "$(offers 'emrfs --as child unm')" = unmount ] || wrong "bash does not complete after --as NAME"
[ "$(offers 'emrfs help unm')" = unmount ] || wrong "bash does not complete the verb of help"
while IFS='|' read -r line wanted; do
	[ "$(offers "$line" | tr '\n' ' ')" = "$wanted " ] || wrong "bash offers after $line: $(offers "$line" | tr '\n' ' ')"
done <<'END'
emrfs org adm|admit
emrfs --as child device |add accept remove
emrfs people a|add
emrfs dataset --wait jo|join
emrfs share Imaging wi|with
END
for verb in $verbs; do
	offers "emrfs $verb -" | sed 's/=$//' | sort >"$work/offered"
	"$PAGES" verb "$verb" "$LIMITS" | sed -n '/^.SH OPTIONS/,/^.SH EXIT/s/.*\\fB\\-\\-\([a-z\\-]*\)\\fR.*/--\1/p' | sed 's/\\-/-/g' | sort >"$work/taken"
	[ -s "$work/taken" ] || wrong "$verb takes no option?"
	missing=$(comm -13 "$work/offered" "$work/taken")
	[ -z "$missing" ] || wrong "bash does not offer after $verb: $missing"
done

bash -n "$SHARE/bash-completion/completions/emrfs" || wrong "no bash"
exit $bad
