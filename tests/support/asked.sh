# Sourced after mount.sh: how often the kernel asked the mount for what, between two moments.
#
# asked_before; COMMAND...; asked NAME [NAME...]: the sum since then.  chunks_opened counts decrypted chunks of 16 KiB.
requests() { "$EMRFS" status --json | python3 -c 'import json,sys; json.dump(json.load(sys.stdin)["requests"], sys.stdout)'; }
# A read-ahead that the kernel began before may still be under way: what counts begins once two looks are equal.
asked_before() {
	local i
	requests >"$EMR_WORK/out/asked"
	for ((i = 0; i < 100; i++)); do
		sleep 0.1
		requests >"$EMR_WORK/out/asked-again"
		! cmp -s "$EMR_WORK/out/asked" "$EMR_WORK/out/asked-again" || return 0
		mv "$EMR_WORK/out/asked-again" "$EMR_WORK/out/asked"
	done
	emr_fail "the kernel did not stop asking for ten seconds"
}
asked() {
	requests | python3 -c 'import json,sys
was, now = json.load(open(sys.argv[1])), json.load(sys.stdin)
print(sum(now.get(n, 0) - was.get(n, 0) for n in sys.argv[2:]))' "$EMR_WORK/out/asked" "$@"
}

# at_most WHAT FOUND LIMIT
at_most() { [ "$2" -le "$3" ] || emr_fail "$1: $2, more than $3"; }
