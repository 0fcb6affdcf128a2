#!/bin/bash
# papers.sh: doc/papers.md answers every claim by something that is there, what it types in a folder of one's own works, and its examples/latency times each
# function on a ledger of this computer and over a host, where FABRIC has its programs on a channel, too, and leaves nothing. No time is judged.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin papers
top=$(cd "$SUPPORT/../.." && pwd) page=$(cd "$SUPPORT/../../doc" && pwd)/papers.md
mkdir "$EMR_WORK/tmp" "$EMR_WORK/bin" && export TMPDIR=$EMR_WORK/tmp PATH=$EMR_WORK/bin:$PATH
at_end() {
	[ -n "$(ls -A "$TMPDIR")" ] || return
	for who in "$TMPDIR"/*/*/{ana,lima}; do emr_clear_away "$who" "$who-folder"; done
	kill $("$EMRFS" host "$TMPDIR"/*/host/net --status --json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
}
for claim in A{1..25} B{1..15} C{1..16}; do grep -qE "^\| $claim \|.*\| \`[^\`]+\` \|\$" "$page" || emr_fail "no row with something to see: $claim"; done
for place in $(grep -oE '`(examples|tests|doc|fs|keyring|ledger-client)/[a-z0-9/._-]+' "$page" | tr -d '`' | sort -u); do [ -e "$top/$place" ] || emr_fail "not there: $place"; done

emr_init
emr_mount
cd "$EMR_WORK" && ln -s "$EMRFS" bin/emrfs && ln -s "$MNT" Health && mkdir Health/Imaging Health/Letters && head -c 63884 /dev/urandom >MRI.pdf || exit 2
cp MRI.pdf Health/Imaging/ && echo plan >Health/Letters/plan.txt && must emrfs status --wait && cp Health/.emrfs/proof/Imaging/MRI.pdf.tlog-proof . || exit 2
while IFS= read -r command; do
	read -r program verb _ <<<"$command"
	[ "$program" != emrfs ] || { emrfs help "$verb" && emrfs help; } | grep -qF -e "$(grep -o -e '--[a-z]*' <<<"$command" || echo "emrfs $verb")" || emr_fail "not in the help of $verb: $command"
	case $command in
	*" with "* | *" org "* | *" host "* | *" agent "* | *" request "* | *" check "* | *" dataset "* | *Inbox*) ;;	# of a network, as the tour has them
	*) bash -c "$command" >"$EMR_WORK/said" 2>&1 || { cat "$EMR_WORK/said"; emr_fail "$command"; } ;;
	esac
done < <(grep -oE '\| `(emrfs|getfattr|ls|cat|cmp) [^`]*` \|$' "$page" | sed 's/^| `//; s/` |$//' | sort -u)

columns=2
[ -z "${FABRIC:-}" ] || { columns=3 && export FABRIC CHAINCODE BACKEND; }
timeout "$EMR_PATIENCE" "$top/examples/latency" --reps 2 ${FABRIC:+--network fabric} >"$EMR_WORK/said" 2>"$EMR_WORK/complained" || { tail -40 "$EMR_WORK/complained"; emr_fail "examples/latency"; }
figure="[0-9]+\.[0-9]{2} \([0-9]+\.[0-9]{2} to [0-9]+\.[0-9]{2}\)"
for row in connect_node create_hash add_transaction mine_block get_chain "get_chain, long" "get_file_hash, cold" "get_file_hash, warm" "get_file, own"; do
	grep -qE "^\| $row \| [^|]*( \| $figure){$columns} \|\$" "$EMR_WORK/said" || { cat "$EMR_WORK/said"; emr_fail "not $columns figures: $row"; }
done
grep -qE "^\| get_file, another's \| [^|]* \| -( \| $figure){$((columns - 1))} \|\$" "$EMR_WORK/said" || emr_fail "what another shares does not open everywhere"
[ -z "$(ls -A "$TMPDIR")" ] || emr_fail "left: $(find "$TMPDIR")"
