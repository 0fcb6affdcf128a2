# Sourced by mount.sh, for tests of verbs: run one, and look at its exit code, words and JSON.
#
# run WANTED-EXIT ARGUMENTS...: the program without a terminal; output in $EMR_WORK/out/said and out/complained.
run() {
	local wanted=$1 code
	shift
	timeout "$EMR_PATIENCE" "$EMRFS" "$@" >"$EMR_WORK/out/said" 2>"$EMR_WORK/out/complained" </dev/null
	code=$?
	[ "$code" = "$wanted" ] || {
		cat "$EMR_WORK/out/said" "$EMR_WORK/out/complained" >&2
		emr_fail "emrfs $*: exit $code, wanted $wanted"
	}
}

# A test that calls what is not there ends with that word. Bash asks this in a process of its own, so the signal ends the test.
command_not_found_handle() { echo "FAILED: $0 calls $1, which is not there" >&2 && kill -TERM $$ && return 127; }

says() {
	grep -qF -- "$1" "$EMR_WORK/out/said" "$EMR_WORK/out/complained" || {
		cat "$EMR_WORK/out/said" "$EMR_WORK/out/complained" >&2
		emr_fail "not said: $1"
	}
}

says_not() { ! grep -F -- "$1" "$EMR_WORK/out/said" "$EMR_WORK/out/complained" >&2 || emr_fail "said: $1"; }

JSON_FIELD=${TOOLS:-${EMRFS:+${EMRFS%/fs/emrfs}/tests/tools}}/json_field
# json WANTED-EXIT ARGUMENTS...: one JSON object in one line; field NAME[.NAME] prints a value of it.
json() {
	run "$@" --json
	"$JSON_FIELD" "$EMR_WORK/out/said" || emr_fail "not one line of JSON: emrfs $*: $(cat "$EMR_WORK/out/said")"
}

field() {
	local status
	"$JSON_FIELD" "$EMR_WORK/out/said" "$1"
	status=$?
	[ "$status" = 3 ] || return "$status"
	python3 -c 'import json,sys; v=json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v=v[int(k)] if isinstance(v,list) else v[k]
print(v)' "$EMR_WORK/out/said" "$1"
}

# registered PATH: "INDEX:TX AT" of the newest PUT among the ledger's own entries about PATH; rewrapped PATH: something came after it.
registered() {
	run 0 ledger "$1" --json
	python3 -c 'import json, sys
puts = [e for e in json.load(open(sys.argv[1]))["entries"] if e["op"] == "PUT" and e["result"] == "applied"]
print("%d:%s %s" % (puts[0]["index"], puts[0]["tx"], puts[0]["at"]))' "$EMR_WORK/out/said" || emr_fail "no PUT of $1"
}
rewrapped() {
	run 0 ledger "$1" --json
	python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["entries"][0]["op"] != "REWRAP")' "$EMR_WORK/out/said"
}

# The mount that went behind by itself.
pid_of_mount() { sed -n 's/^pid //p' "$EMRFS_HOME/state/lock"; }
await_gone() {
	local i
	for ((i = 0; i < EMR_PATIENCE * 50; i++)); do
		[ -d "/proc/$1" ] || return 0
		sleep 0.02
	done
	emr_fail "process $1 stays"
}
at_end() {
	emr_clear_away "$EMRFS_HOME" "$MNT"
	case ${EMR_OTHER_DISK:-} in /dev/shm/emrfs-*) rm -rf "$EMR_OTHER_DISK" ;; esac
}
# A directory on another disk than the one of the test: memory is one, of those that everybody may write to.
other_disk() { EMR_OTHER_DISK=$(mktemp -d /dev/shm/emrfs-XXXXXX) || emr_skip "no second disk here"; }

# The words in FILE with another one at NUMBER.
another_word() { # NUMBER FILE
	sed "s/^ *$1 zoo\$/ $1 abandon/; t; s/^ *$1 .*/ $1 zoo/" "$2"
}

secret() { printf '%s\n' "$2" >"$1" && chmod 600 "$1"; }

# killed_after SECONDS ARGUMENTS...: emrfs is killed then, or had ended well; KILLED_MAY_SAY: or had said that.  Its locks go with its
# memory, a moment after it.
killed_after() {
	local after=$1 status lock
	shift
	timeout -s KILL "$after" "$EMRFS" "$@" >out/killed 2>&1 </dev/null
	status=$?
	[ "$status" = 0 ] || [ "$status" = 137 ] || grep -qF -- "${KILLED_MAY_SAY:-neither killed nor done}" out/killed ||
		emr_fail "emrfs $*: neither killed nor done: exit $status, $(cat out/killed)"
	for lock in lock keyfile.lock; do
		[ ! -e "$EMRFS_HOME/state/$lock" ] || flock -w 120 "$EMRFS_HOME/state/$lock" true || emr_fail "$lock is still held"
	done
}

# fhir DIR ARGUMENTS...: what the verb lists, as FHIR resources in DIR.
fhir() { json 0 "${@:2}" && { python3 "$SUPPORT/../../packaging/emrfs-fhir" "$1" <"$EMR_WORK/out/said" >"$EMR_WORK/out/complained" 2>&1 || emr_fail "fhir: $(cat "$EMR_WORK/out/complained")"; }; }
