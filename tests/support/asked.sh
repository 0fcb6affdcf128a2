# Sourced after mount.sh: how often the kernel asked the mount for what, between two moments.
#
# asked_before; COMMAND...; asked NAME [NAME...]: the sum since then.  chunks_opened counts decrypted chunks of 16 KiB.
requests() { "$EMRFS" status --json | python3 -c 'import json,sys; json.dump(json.load(sys.stdin)["requests"], sys.stdout)'; }
asked_before() { requests >"$EMR_WORK/out/asked"; }
asked() {
	requests | python3 -c 'import json,sys
was, now = json.load(open(sys.argv[1])), json.load(sys.stdin)
print(sum(now.get(n, 0) - was.get(n, 0) for n in sys.argv[2:]))' "$EMR_WORK/out/asked" "$@"
}

# at_most WHAT FOUND LIMIT
at_most() { [ "$2" -le "$3" ] || emr_fail "$1: $2, more than $3"; }
