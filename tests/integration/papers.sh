#!/bin/bash
# papers.sh: doc/papers.md answers every claim by something that is there, and its examples/latency times each function on a ledger of this computer,
# over a host and on a channel of Fabric, which PEER plays, and leaves nothing. No time is judged.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin papers
top=$(cd "$SUPPORT/../.." && pwd) page=$(cd "$SUPPORT/../../doc" && pwd)/papers.md
mkdir "$EMR_WORK/tmp" && export TMPDIR=$EMR_WORK/tmp FABRIC_NETWORK=$SUPPORT/played_fabric
at_end() {
	[ -n "$(ls -A "$TMPDIR")" ] || return
	for who in "$TMPDIR"/*/*/{ana,lima}; do emr_clear_away "$who" "$who-folder"; done
	kill $("$EMRFS" host "$TMPDIR"/*/host/net --status --json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p') $(cat "$TMPDIR"/*/Fabric/channel/holder)
}
for claim in A{1..25} B{1..15} C{1..16}; do
	grep -qE "^\| $claim \|.*\| \`[^\`]+\` \|\$" "$page" || emr_fail "no row with something to see: $claim"
done
while read -r verb option; do
	"$EMRFS" help "$verb" >"$EMR_WORK/help" 2>&1 || emr_fail "no verb: $verb"
	[ -z "$option" ] || grep -qF -- "  $option" "$EMR_WORK/help" || emr_fail "$verb has no $option"
done < <(grep -oE '`emrfs [^`]*`' "$page" | tr -d '`' | awk '{ option = ""; for (i = 3; i <= NF; i++) if ($i ~ /^--/) option = $i; print $2, option }' | sort -u)
for place in $(grep -oE '`(examples|tests|doc)/[a-z0-9/._-]+' "$page" | tr -d '`' | sort -u); do [ -e "$top/$place" ] || emr_fail "not there: $place"; done
timeout "$EMR_PATIENCE" "$top/examples/latency" --reps 2 --network fabric >"$EMR_WORK/said" 2>"$EMR_WORK/complained" ||
	{ tail -40 "$EMR_WORK/complained"; emr_fail "the example ended with an error"; }
cat "$EMR_WORK/said"
figure="[0-9]+\.[0-9]{2} \([0-9]+\.[0-9]{2} to [0-9]+\.[0-9]{2}\)"
for row in connect_node create_hash add_transaction mine_block get_chain "get_chain, long" "get_file_hash, cold" "get_file_hash, warm" "get_file, own"; do
	grep -qE "^\| $row \| [^|]*( \| $figure){3} \|\$" "$EMR_WORK/said" || emr_fail "not three figures: $row"
done
grep -qE "^\| get_file, another's \| [^|]* \| -( \| $figure){2} \|\$" "$EMR_WORK/said" || emr_fail "what another shares does not open everywhere"
[ -z "$(ls -A "$TMPDIR")" ] || emr_fail "left: $(find "$TMPDIR")"
echo "all is well"
