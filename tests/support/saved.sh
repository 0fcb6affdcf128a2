# Sourced after mount.sh by tests of programs that save: records with a past, and what a save must have done.
#
# Records with two versions behind them, so that "one more" is not also "the first".
new_records() { # SOURCE NAME...
	local source=$1 name
	shift
	for name in "$@"; do must cp "$source" "$MNT/$name"; done
	for name in "$@"; do confirmed_version "$MNT/$name" >/dev/null || exit 1; done
	for name in "$@"; do printf ' ' >>"$MNT/$name" || emr_fail "append to $name"; done
	for name in "$@"; do expect "version of $name" "$(confirmed_version "$MNT/$name")" 2; done
}

# saved_once NAME BYTES-FILE COMMAND...: COMMAND saves BYTES into NAME.
saved_once() {
	local name=$1 wanted=$2 before id after
	shift 2
	before=$(attribute version "$MNT/$name") id=$(attribute id "$MNT/$name")
	"$@" || emr_fail "$name: the save itself failed"
	cmp "$MNT/$name" "$wanted" || emr_fail "$name: other bytes than were saved"
	after=$(confirmed_version "$MNT/$name") || exit 1
	expect "$name: versions" "$after" $((before + 1))
	expect "$name: record" "$(attribute id "$MNT/$name")" "$id"
	say "$name: version $before -> $after"
}

# renamed FROM TO [FROM TO...]: one after the other as one program does it, so that nobody else has his turn between two of them.
renamed() { python3 -c 'import os, sys
for i in range(1, len(sys.argv), 2): os.rename(sys.argv[i], sys.argv[i + 1])' "$@"; }

is_local() {
	expect "state of $1" "$(attribute state "$1")" local
}

# Versions on the ledger so far: whatever its name was, each would be one of them.
versions_on_ledger() { "$EMRFS" ledger --json --limit 100000 | python3 -c 'import json,sys
print(sum(e["op"] == "PUT" for e in json.load(sys.stdin)["entries"]))'; }
