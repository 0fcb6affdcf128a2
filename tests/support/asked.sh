# Sourced after mount.sh: counts how often the kernel asked the mount for what, between two moments.
#
# asked_before; COMMAND...; asked NAME [NAME...]: the sum since then.  chunks_opened counts decrypted chunks of 16 KiB.
# Not from within the mount, where a test may be: python looks for its modules where it stands, and that would be counted.
requests() { (cd / && "$EMRFS" status --json | python3 -c 'import json,sys; json.dump(json.load(sys.stdin)["kernel_requests"], sys.stdout)'); }
# A read-ahead that the kernel began before may still be under way: what counts begins once two looks are equal.
asked_before() {
	local i
	requests >"$EMR_WORK/out/asked"
	for ((i = 0; i < 600; i++)); do
		sleep 0.1
		requests >"$EMR_WORK/out/asked-again"
		! cmp -s "$EMR_WORK/out/asked" "$EMR_WORK/out/asked-again" || return 0
		mv "$EMR_WORK/out/asked-again" "$EMR_WORK/out/asked"
	done
	emr_fail "the kernel did not stop asking: $(cat "$EMR_WORK/out/asked") and now $(requests)"
}
asked() {
	requests | python3 -I -c 'import json,sys
was, now = json.load(open(sys.argv[1])), json.load(sys.stdin)
print(sum(now.get(n, 0) - was.get(n, 0) for n in sys.argv[2:]))' "$EMR_WORK/out/asked" "$@"
}

# at_some_try COMMAND...: succeeds with TRY 1, 2 ... 5.  The kernel gives pages and names back when it likes, and asks for
# them again; emrfs is to blame when it does so each time.
at_some_try() {
	local try
	for try in 1 2 3 4 5; do ! "$@" "$try" || return 0; done
	return 1
}

# at_most WHAT FOUND LIMIT
at_most() { [ "$2" -le "$3" ] || emr_fail "$1: $2, more than $3"; }
