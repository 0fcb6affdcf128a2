#!/bin/bash
# house.sh SOURCES: nothing is left to do, nothing speaks of where it was made, every file begins with what it is for.
cd "$1" || exit 2
if ! git rev-parse --git-dir >/dev/null 2>&1; then
	echo "SKIPPED: not a git work tree, so nobody knows which files are the project's"
	exit 77
fi
bad=0
wrong() { printf '%s\n' "$*"; bad=1; }

# The words are put together here so that this file does not find itself.
unfinished="TO""DO|FIX""ME|X""XX "
elsewhere="(^|[^A-Za-z0-9_\$}.~])/wo""rk/|\.\./sha""red|(^|[^A-Za-z0-9_/.-])sha""red/"
found=$(git grep -nIE "$unfinished" -- ':!tests/vectors' ':!tests/fuzz/corpus') && wrong "left to do:" "$found"
found=$(git grep -nIE '^(<{7}|>{7}) ') && wrong "a merge that is not finished:" "$found"
found=$(git grep -nIE "$elsewhere" -- ':!tests/vectors/wycheproof') && wrong "speaks of another place:" "$found"

# A source file begins with what it is for, in words: before any #include, and not in a list elsewhere that is forgotten when the file changes.
purposeless=$(git ls-files -z '*.c' '*.h' ':!tests/vectors/model' | xargs -0 awk '
	function judge() {
		words = gsub(/[^ \t\/*]*[A-Za-z][^ \t]*/, "", text)
		if (words < 4)
			print file
	}
	FNR == 1 {
		file = FILENAME
		text = ""
		open = /^\/\*/
		if (!open)
			print file
	}
	open { text = text " " $0 }
	open && /\*\// {
		open = 0
		judge()
	}')
[ -z "$purposeless" ] || wrong "does not begin with what it is for (a comment above the first line of code):" "$purposeless"
while IFS= read -r file; do
	head -3 "$file" | grep -qE '^(# |""")[A-Za-z]' || wrong "$file: does not begin with what it is for"
done < <(git ls-files '*.sh' '*.py' | grep -v '^tests/vectors/model/')

unguarded=$(git grep -L '^#pragma once' -- '*.h' ':!tests/vectors/model/'); [ -z "$unguarded" ] || wrong "no #pragma once:" "$unguarded"

# Twenty pages that people read stay as short as they are: so many words, and in SECURITY.md 40 a sentence. The helps of verbs: cli.sh.
for page in README.md:900 CHANGELOG.md:700 CONTRIBUTING.md:750 SECURITY.md:4500 examples/DESIGN.md:1200 doc/architecture.md:1600 doc/disk.md:1950 doc/glossary.md:1600 doc/hospital.md:4100 doc/limits.md:2100 \
	doc/operate.md:5850 doc/papers.md:3800 doc/research.md:1750 doc/speed.md:850 doc/tour.md:2400 doc/manual/contract.md:17200 doc/manual/limits.md:9900 tests/DESIGN.md:2200 tests/bench/DESIGN.md:2750 tests/vectors/README.md:2000; do
	[ "$(wc -w <"${page%:*}")" -le "${page#*:}" ] || wrong "${page%:*} has more than ${page#*:} words"
done
long=$(python3 -c 'import re; print("\n".join(s for b in re.split(r"\n\n|\n(?=\s*- |\|)", open("SECURITY.md").read()) if b[:1] != "|" for s in re.split(r"(?<=[.!?])[)*`]*\s+(?=[A-Z`*(])", b.lstrip(" -")) if len(s.split()) > 40))')
[ -z "$long" ] || wrong "sentences of SECURITY.md with more than 40 words:" "$long"

# Words that English has better ones for do not come back ("again", "one's own" or "this computer's", "earlier", "request", "module").
old=$(git grep -nIE '\b(anew|[Tt]he own|of before|petitions?|pleas?|rooms)\b' -- '*.c' '*.h' '*.sh' '*.py' '*.md' ':!tests/integration/house.sh' ':!doc/manual' ':!CHANGELOG.md' ':!tests/vectors' |
	grep -vE '"[^"]*(anew|the own|of before)|-anew`') && wrong "words that the project does not use:" "$old"

# Whether an error passes by itself is said once, in base/status.c: nobody makes such a list of statuses again.
lists=$(git grep -nE 'EMR_NO_MEMORY \|\| .*EMR_(IO|OFFLINE)\b' -- 'fs/*.c' 'keyring/*.c' 'ledger-client/*.c') && wrong "decides by itself what may pass (emr_status_is_local, emr_status_may_pass):" "$lists"
lists=$(git grep -nE 'EMR_NO_SPACE (\|\||&&) .*EMR_QUOTA\b' -- 'fs/*.c' 'keyring/*.c' 'ledger-client/*.c') && wrong "decides by itself that there is no room (emr_status_is_full):" "$lists"

# That somebody is away is found out where he is asked, and given on as it is: at the ledger (its hosts, the copy), at the nodes and their cache, at
# a directory of the network.  The faults of a gateway, a node or a CA stand in tables of their own.  "Too late" is where somebody waits; those
# places only become fewer: who lowers their number writes it here.
born_of() {
	git grep -nE "\bEMR_$1\b" -- 'fs/*.c' 'ledger-client/*.c' | sed -E "s/(==|!=) *EMR_$1\b//g; s/case EMR_$1\b//; s#/\*.*##" | grep -E "\bEMR_$1\b" | cut -d: -f1
}
AWAY_IN="ledger-client/(chain|chain_follow|channel/answers|channel/letters|embedded_channel|embedded_follow|embedded_lock|embedded_restart|network_channel|embedded_take|ledger|sql|replica/replica|replica/replica_restart|replica/replica_witness|enrol/answers|served/(client|hosts|hosts_told|line|meet|recovery|relay|wire|witness))\.c|fs/(store/nodes/fetch/(face|fetch)|session/shared_blocks|evidence/backup/moment|verbs/org_host)\.c"
LATE_MAX=44
beyond=$(born_of OFFLINE | grep -vxE "$AWAY_IN") && wrong "finds out by itself that somebody is away (it gives on what it was told):" "$beyond"
late=$(born_of TIMEOUT | wc -l)
[ "$late" -le "$LATE_MAX" ] || wrong "$late places say that something came too late, and $LATE_MAX did"

# A code that is shorter than a key or a hash is for eyes: a key can be made that begins like another's. Programs find people by user.emrfs.owner-id or the
# `id` of an answer, and files by the whole hash. The places that make such a text, to show it or to answer it with those it may mean, are these.
SHORT_CODE_IN="fs/(people/(book|members|people|who|who_text)|sharing/requests|tell/report/deeds_json|verbs/request|view/core/owner)\.c|ledger-client/replica/replica_names\.c"
SHORT_ID_IN="fs/(session/(session|stage)|sharing/research/cleaner|tell/report/(gathering|page|report_text)|verbs/(dataset|init|join|ledger|verify|wallet)|view/core/handle|view/received/shared_(asking|say)|helper/deidentify/csv)\.c"
code=$(git grep -nE '\bEMR_KEY_CODE_SHOWN\b' -- 'fs/*.c' 'ledger-client/*.c' | grep -vE "^($SHORT_CODE_IN):") && wrong "makes or compares the short code of a key (emr_key_code_names, emr_id32_equal):" "$code"
cut=$(git grep -nE '"[^"]*%\.(4|8|12|16|26)s' -- 'fs/*.c' 'ledger-client/*.c' | grep -vE "^($SHORT_ID_IN):") && wrong "cuts an id or a hash:" "$cut"
cut=$(git grep -nE '(digest\(\)|\b(key|hash|sha256|digest|owner))\[:|endswith\(f?["'"'"'] ?\(|(get\(|\[)["'"'"']code["'"'"']|\bfield [a-z.0-9]*\bcode\b' -- examples packaging) && wrong "decides by a part of a key or a hash:" "$cut"

# The folders of fs/ only become fewer: who merges two writes the number here.
FOLDERS_MAX=15
folders=$(git ls-files fs | sed -n 's#^fs/\([^/]*\)/.*#\1#p' | sort -u | wc -l)
[ "$folders" -le "$FOLDERS_MAX" ] || wrong "fs/ has $folders folders, and had $FOLDERS_MAX"

# The follower (replica/follower.h) is who asks the ledger what is new. Nothing in fs/ asks it besides, and the places that want to know all there is now,
# which is a request each, only become fewer: who lowers their number writes it here. An answer, or more than was seen, is waited for (emr_follow_answer, _wait).
# A ledger that is opened is asked in one place (emr_share_begin), and so is a deed in an open folder (emr_sharing_begin, publish_run); what it is made of reads the copy. Releasing keys must act on what is newest.
LOOKS_MAX=9
beside=$(git grep -nE '\b(emr_replica_catch_up|emr_ledger_wait|emr_ledger_wake)\(' -- 'fs/*.c' 'fs/*.h') && wrong "follows the ledger by itself (replica/follower.h):" "$beside"
looks=$(git grep -hE '\b(emr_follow_now|emr_follow_lately|emr_settle_catch_up)\(' -- 'fs/*.c' | grep -vcE '^emr_status ')
[ "$looks" -le "$LOOKS_MAX" ] || wrong "$looks places ask for all that is new on the ledger, and $LOOKS_MAX did (git grep -E 'emr_follow_now|emr_follow_lately|emr_settle_catch_up' fs)"

uses=$(python3 tests/integration/view_parts.py .) || wrong "fs/view: a part uses more of later parts than before:" "$uses"

roles=$(sed -n '/role_words\[/,/^};/s/^\t"\(.*\)",$/\1/p' keyring/cert_read.c | while IFS= read -r role; do grep -qF "\`$role\`" doc/operate.md || echo "$role"; done)
[ -z "$roles" ] || wrong "roles that doc/operate.md does not name:" "$roles"

gone=$(tests/campaign/mutate --look) || wrong "protections (tests/campaign/protections) whose words are not there once any more, or that do not go with their results in tests/MUTATIONS.md:" "$gone"

grown=$(python3 tests/integration/budget.py .) || wrong "larger than it may become:" "$grown"

# Each version has other opinions; Debian 13 has newer ones only.
case $(clang-format --version 2>&1) in
*" version 14."*)
	unformatted=$(git ls-files '*.c' '*.h' | xargs -P 2 -n 40 clang-format --dry-run 2>&1 | sed -n 's/^\([^:]*\):.*\[-Wclang-format-violations\]$/\1/p' | sort -u)
	[ -z "$unformatted" ] || wrong "laid out otherwise than clang-format lays it out (clang-format -i FILE):" "$unformatted"
	;;
*) echo "not looked at: the layout, because clang-format is not here as version 14" ;;
esac
exit $bad
