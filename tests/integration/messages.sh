#!/bin/bash
# messages.sh: every message that one person can meet is met here by its real cause: through a verb, a notice, and where it has an errno,
# through a program in the folder. messages.py compares with the program's table; messages.list says why a few cannot be met.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
HERE=$(cd "$(dirname "$0")" && pwd)
. "$SUPPORT/mount.sh"
[ "$(id -u)" = 0 ] || emr_skip "file systems of its own need root"
emr_begin messages
at_end() {
	rm -f "$EMR_WORK/held" "$EMR_WORK/held-away"
	emr_clear_away "$EMR_WORK/nobody" "$EMR_WORK/away"
	emr_clear_away "$EMRFS_HOME" "$MNT"
	[ -z "${fake:-}" ] || kill "$fake" 2>/dev/null
	[ -z "${host:-}" ] || kill "$host" 2>/dev/null
	umount -l "$EMR_WORK/small" "$EMR_WORK/other" 2>/dev/null
}
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state
MET=$EMR_WORK/met
: >"$MET"

# met WANTED-EXIT ID ARGUMENTS...: the verb fails by that message; once in words, once as JSON would be the same.
met() {
	local wanted=$1 id=$2
	shift 2
	json "$wanted" "$@"
	cat out/said >>"$MET"
	expect "error of emrfs $*" "$(field error)" "$id"
}
# heard: what the last verb said in words counts, too.
heard() { cat out/said out/complained >>"$MET"; }
# refused ERRNO-TEXT COMMAND...: a program in the folder gets that errno.
refused() {
	local text=$1
	shift
	"$@" >out/said 2>&1 && emr_fail "not refused: $*"
	grep -qF "$text" out/said || emr_fail "$*: $(cat out/said), wanted: $text"
}
# noticed ID PATH: and a person finds the sentence.
noticed() {
	emr_until grep -q " $1 $2: " "$MNT/.emrfs/notices"
	grep " $1 $2: " "$MNT/.emrfs/notices" >out/notice
	sed 's/^/notice: /' out/notice >>"$MET"
	"$EMRFS" status "$2" --json >out/said 2>out/complained </dev/null	# exit 1 as long as it is not safe
	expect "status of $2 has $1" "$(python3 -c 'import json,sys; print(sys.argv[1] in [e["error"] for e in json.load(open("out/said"))["errors"]])' "$1")" True
}
opened() { run 0 mount --passphrase-file "$EMR_PASS" "$@" "$MNT"; heard; }
closed() { run 0 unmount; heard; }
flip() {	# FILE [OFFSET]: one bit, in the middle if not said
	python3 -c 'import sys
p = sys.argv[1]
d = bytearray(open(p, "rb").read())
d[int(sys.argv[2]) if len(sys.argv) > 2 else len(d) // 2] ^= 1
open(p, "r+b").write(d)' "$@"
}
whole() { rm -rf whole-state && cp -a "$STATE" whole-state; }
again() { rm -rf "$STATE" && cp -a whole-state "$STATE"; }
home_of() { export EMRFS_HOME=$EMR_WORK/$1; mkdir -p -m 700 "$EMRFS_HOME"; printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"; }

. "$HERE/messages_keys.sh"
. "$HERE/messages_folder.sh"
. "$HERE/messages_damage.sh"
. "$HERE/messages_backup.sh"
. "$HERE/messages_people.sh"
. "$HERE/messages_node.sh"

say "all together"
python3 "$HERE/messages.py" "$PAGES" "$HERE/messages.list" "$MET" || emr_fail "messages"
echo "all is well"
