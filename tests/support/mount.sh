# Sourced by the integration tests: a home of their own, a folder that is open, killed and opened again, and
# an end that leaves no process and no mount behind.
#
#   EMRFS    the program under test
#   TOOLS    directory of the built test tools
#   EMR_KEEP set: the working directory stays for a look
#
# A test begins with `emr_begin NAME`.  A hook that runs in another shell sources this file again and finds
# the same home through EMR_WORK.  Nothing here knows how emrfs stores anything.
set -u
SUPPORT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$SUPPORT/said.sh"
# An event that does not come within so many seconds does not come, on the busiest of computers.  No test judges by a shorter time.
EMR_PATIENCE=${EMR_PATIENCE:-1200}
# Debian's programs come first, as in tests/run: a Python of a version manager has none of Debian's modules, and a test would be skipped for
# that.  A shell that finds a test's home has what that test plays before them.
[ -n "${EMR_WORK:-}" ] || export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL=C	# messages to compare, and names that are bytes

# Real DICOM files, from Debian's python3-pydicom.
SAMPLES=/usr/lib/python3/dist-packages/pydicom/data/test_files

# Not every machine can mount.  Exit 77 is "skipped" for CTest, and tests/run counts it.
emr_skip() {
	echo "SKIPPED: $*"
	exit 77
}

emr_fail() {
	echo "FAILED: $*" >&2
	if [ -s "${EMR_LOG:-}" ]; then
		echo "--- what the mount said (last lines):" >&2
		tail -20 "$EMR_LOG" >&2
		echo "--- its private log:" >&2
		tail -20 "$EMRFS_HOME/state/log" >&2
	fi
	exit 1
}

# Where the threads of a process that should have ended are.
emr_where() {
	local pid task
	pid=$(emr_pid)
	for task in /proc/"$pid"/task/*; do
		echo "thread ${task##*/}: $(cat "$task/wchan" 2>/dev/null) $(cat "$task/syscall" 2>/dev/null)"
	done
	! command -v gdb >/dev/null || gdb -batch -p "$pid" -ex 'thread apply all bt 12' 2>/dev/null | grep '^[#T]'
}

# expect WHAT FOUND WANTED
expect() {
	[ "$2" = "$3" ] || emr_fail "$1: found '$2', wanted '$3'"
}

# must COMMAND...: it succeeds, or the test ends here and says which one did not.
must() {
	"$@" || emr_fail "status $? of: $*"
}

say() { printf '%s\n' "- $*"; }

# From here on LC_ALL=pt_PT.UTF-8 speaks Portuguese.  The locale is made here, because a test does not change the system, and the C library
# of Debian 13 translates nothing in C.UTF-8, whatever LANGUAGE says.
emr_portuguese() {
	local place=$EMR_WORK/locales/pt_PT.UTF-8 said
	mkdir -p "$EMR_WORK/locales"
	said=$(localedef -i pt_PT -f UTF-8 "$place" 2>&1)
	[ -d "$place" ] || emr_skip "no Portuguese locale can be made here: $said"
	export LOCPATH=$EMR_WORK/locales
}

# It is about noon here, whenever the test runs: the day that a test names does not end meanwhile, and is the one of UTC.
emr_noon() { export TZ=NOON$((10#$(date -u +%H) - 12)); }

emr_begin() {
	[ -c /dev/fuse ] && [ -w /dev/fuse ] || emr_skip "no /dev/fuse for this user: nothing can be mounted here"
	[ -x "${EMRFS:-}" ] || emr_fail "EMRFS names no program"
	EMR_WORK=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-$1-XXXXXX") || exit 2
	export EMR_WORK
	trap emr_end EXIT
	trap 'exit 130' INT TERM
	emr_names
	mkdir "$MNT" "$EMRFS_HOME" "$EMR_WORK/out"
	chmod 700 "$EMRFS_HOME"
}

# emr_names sets the names that follow from EMR_WORK; also for a shell that only wants to remount.
emr_names() {
	export EMRFS_HOME=$EMR_WORK/home
	MNT=$EMR_WORK/folder EMR_LOG=$EMR_WORK/mount.log EMR_PASS=$EMR_WORK/passphrase
}
[ -z "${EMR_WORK:-}" ] || emr_names

# The file has the number of the mount and, because numbers are given again, when that process began.
emr_pid() { cut -d' ' -f1 "$EMR_WORK/pid" 2>/dev/null; }
emr_began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
emr_note_pid() { echo "$1 $(emr_began "$1")" >"$EMR_WORK/pid"; }

# The first thread can be a zombie while others still hold what the process had open.
emr_lives() {
	local pid began
	read -r pid began 2>/dev/null <"$EMR_WORK/pid" && [ -n "$pid" ] && [ "$(emr_began "$pid")" = "$began" ] && [ -n "$began" ] || return 1
	! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null || [ "$(ls "/proc/$pid/task" 2>/dev/null | wc -l)" -gt 1 ]
}

# Waits until the mounted process is gone.  Polls, because it need not be a child of this shell.
emr_await_end() {
	local i
	for ((i = 0; i < EMR_PATIENCE * 50; i++)); do
		emr_lives || return 0
		sleep 0.02
	done
	return 1
}

emr_end() {
	local status=$?
	trap - EXIT
	# The output of the last try says why the event did not come, and the logs what became of a folder that is not open any more.
	[ "$status" = 0 ] || { cat "$EMR_WORK/tried"; tail -n 5 "$EMR_WORK"/*/state/log; } 2>/dev/null
	# A test that works inside the mount must not hold it.
	cd /
	if emr_lives; then
		fusermount3 -uqz "$MNT" 2>/dev/null
		kill -TERM "$(emr_pid)" 2>/dev/null
		local i
		for ((i = 0; i < 500; i++)); do emr_lives && sleep 0.02; done
		emr_lives && kill -KILL "$(emr_pid)"
	fi
	fusermount3 -uqz "$MNT" 2>/dev/null
	[ "$(type -t at_end)" != function ] || at_end
	[ -n "${EMR_KEEP:-}" ] || rm -rf "$EMR_WORK"
	exit "$status"
}

# A keyring whose passphrase takes a moment instead of a second.
emr_init() {
	printf 'passphrase of the test\n' >"$EMR_PASS"
	chmod 600 "$EMR_PASS"
	printf 'kdf = 8,1\n%s\n' "${EMR_NODE:+node = $EMR_NODE}" >"$EMRFS_HOME/settings"
	"$EMRFS" init --yes --name "${EMR_PERSON:-Ana}" --born 1984-03-12 --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/words" >"$EMR_WORK/init.out" 2>&1 || {
		cat "$EMR_WORK/init.out" >&2
		emr_fail "emrfs init"
	}
}

# Opens the folder and returns when it answers; arguments go to `emrfs mount`.  EMR_WRAP goes before the
# program (env VAR=..., a tracer), EMR_MOUNT_ARGS after it each time.
emr_mount() {
	local i
	# shellcheck disable=SC2086
	${EMR_WRAP:-} "$EMRFS" mount -f --passphrase-file "$EMR_PASS" ${EMR_MOUNT_ARGS:-} "$@" "$MNT" \
		</dev/null >>"$EMR_LOG" 2>&1 &
	emr_note_pid $!
	disown	# a killed mount is no news for the shell
	for ((i = 0; i < EMR_PATIENCE * 100; i++)); do
		mountpoint -q "$MNT" && return 0
		emr_lives || emr_fail "the mount ended before it was ready"
		sleep 0.01
	done
	emr_fail "not mounted after $EMR_PATIENCE s"
}

# Arguments go to `emrfs unmount`.  Exit 11: a program is in the folder; what a viewer leaves behind may still be on its way out.
emr_unmount() {
	local status end=$((SECONDS + 120))
	while :; do
		"$EMRFS" unmount "$@" "$MNT" >>"$EMR_LOG" 2>&1
		status=$?
		[ $status = 11 ] && [ "$SECONDS" -lt "$end" ] || break
		sleep 0.1
	done
	[ $status = 0 ] || {
		emr_where >&2
		emr_fail "emrfs unmount: exit $status"
	}
	emr_await_end || emr_fail "the process did not end after unmount"
	! mountpoint -q "$MNT" || emr_fail "still mounted after unmount"
}

emr_remount() {
	emr_unmount
	emr_mount "$@"
}

# As a crash: nothing is said to the process, and the dead mount is cleaned away.
emr_kill() {
	kill -KILL "$(emr_pid)" || emr_fail "nothing to kill"
	emr_await_end || emr_fail "killed, and still there"
	wait "$(emr_pid)" 2>/dev/null
	fusermount3 -uqz "$MNT" 2>/dev/null
}

# emr_stop PID: it answers nothing from here on, until kill -CONT.  The signal alone stops it only when the thread that is to take it
# has had a processor; the others work meanwhile.
emr_stop() {
	kill -STOP "$1" || emr_fail "nothing to stop"
	emr_until emr_stopped "$1"
}
emr_stopped() { ! grep -h '^State:' "/proc/$1/task"/*/status | grep -qv 'T (stopped)'; }

# For tools that run a command to remount.
emr_hook() { printf 'bash -c ". %q && %s"' "$SUPPORT/mount.sh" "${1:-emr_remount}"; }

# The value VALUE of an attribute that lets somebody see more of PATH, with the code that only a person can have: confirmed VALUE PATH.
confirmed() { printf '%s confirm=%s' "$1" "$(getfattr --only-values -n user.emrfs.confirm --absolute-names -- "$2")"; }
attribute() { getfattr --only-values -n "user.emrfs.$1" --absolute-names -- "$2" 2>/dev/null; }

# emr_holder prints the process that holds the state of HOME, if one does: the number in a lock that nobody holds may be another process's by now.
emr_holder() { [ ! -e "$1/state/lock" ] || flock -n "$1/state/lock" true || sed -n 's/^pid //p' "$1/state/lock"; }

# Ends what a test may have left: the process that holds HOME, and the mount of FOLDER.
emr_clear_away() { # HOME FOLDER
	local pid
	pid=$(emr_holder "$1" 2>/dev/null)
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	fusermount3 -uqz "$2" 2>/dev/null
}

# emr_port: the first of two ports of this computer on which nobody listens. They lie below those that the kernel gives to whoever connects:
# a connection of another test took a server's port once.
emr_port() {
	local port=$((20000 + 2 * ($$ % 6000)))
	while (: <"/dev/tcp/127.0.0.1/$port" || : <"/dev/tcp/127.0.0.1/$((port + 1))") 2>/dev/null; do
		port=$((20000 + (port - 20000 + 2) % 12000))
	done
	echo $port
}

# emr_until COMMAND...: until it succeeds; nothing is judged by how long that takes (EMR_PATIENCE).
emr_until() {
	local end=$((SECONDS + EMR_PATIENCE))
	until "$@" 2>"$EMR_WORK/tried"; do
		[ "$SECONDS" -lt "$end" ] || emr_fail "not within $EMR_PATIENCE s: $*"
		sleep 0.05
	done
}

# Waits until FILE is on the ledger, and prints its version.
confirmed_version() {
	local state='' end=$((SECONDS + EMR_PATIENCE))
	while [ "$SECONDS" -lt "$end" ]; do
		state=$(attribute state "$1")
		case $state in
		confirmed*)
			attribute version "$1"
			return 0
			;;
		failed*) break ;;
		esac
		sleep 0.02
	done
	emr_fail "$1 is '$state', not confirmed, after $EMR_PATIENCE s"
}
