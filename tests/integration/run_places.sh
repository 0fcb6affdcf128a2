#!/bin/bash
# run_places.sh: the state of a folder says whether it is open, the same to every log-in (XDG_RUNTIME_DIR). Opening waits for a process that
# was killed and has not quite ended, and for a verb that works on the folder.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin run_places
emr_init
cd "$EMR_WORK" || exit 2
at_end() {
	rm -f "$EMR_WORK/hold"
	mountpoint -q "$MNT" && fusermount3 -uqz "$MNT"	# the mount ends by it
	emr_clear_away "$EMR_WORK/home" "$MNT"
}

say "a process that was killed and has not quite ended is waited for"
# As the kernel shows one: its first thread is a zombie, another one still has the lock.
cat >ending.py <<'END'
import ctypes, fcntl, os, sys, threading, time
lock = open(sys.argv[1], "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.truncate(0)
lock.write("pid %d\nfolder /somewhere\n" % os.getpid())
lock.flush()
def hold():
    while os.path.exists("hold"):
        time.sleep(0.02)
    os._exit(0)
threading.Thread(target=hold).start()
ctypes.CDLL(None).pthread_exit(None)
END
touch hold
python3 ending.py "$EMRFS_HOME/state/lock" &
ending=$!
emr_until grep -q '^State:.*Z' "/proc/$ending/status"
"$EMRFS" mount --passphrase-file "$EMR_PASS" "$MNT" >out/early 2>&1 </dev/null &
opening=$!
# It, or the process that goes behind for it, has the lock file open. Without starting a program: who is waited for has only so long.
has_lock() {
	local pid fd
	for pid in "$1" $(<"/proc/$1/task/$1/children"); do
		for fd in "/proc/$pid/fd/"*; do [ ! "$fd" -ef "$EMRFS_HOME/state/lock" ] || return 0; done
	done 2>/dev/null
	return 1
}
# And goes on having it: it neither gave up nor was let in.
for ((seen = 0; seen < 10;)); do
	[ -d "/proc/$opening" ] || emr_fail "not waited: $(cat out/early)"
	if has_lock $opening; then seen=$((seen + 1)); else seen=0; fi
	sleep 0.05
done
rm hold
wait $opening || emr_fail "mount after a kill: $(cat out/early)"
mountpoint -q "$MNT" || emr_fail "not open: $(cat out/early)"
for _ in 1 2 3 4 5; do
	pid=$(pid_of_mount)
	kill -KILL "$pid"
	run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
done
run 0 unmount

say "an open folder lets its caller go, though nobody reads what it says"
timeout "$EMR_PATIENCE" "$EMRFS" mount --passphrase-file "$EMR_PASS" "$MNT" >/dev/full 2>out/complained </dev/null
expect "exit: the words were not written" $? 1
mountpoint -q "$MNT" || emr_fail "not open"
run 0 unmount

say "who opens the folder while a verb works on it waits until that is done"
mkfifo answer && printf '#!/bin/sh\ncat %s\n' "$EMR_WORK/answer" >ask && chmod 700 ask
EMRFS_ASKPASS=$EMR_WORK/ask "$EMRFS" verify --quick >out/verb 2>&1 </dev/null &
verb=$!
holds() { [ "$(pid_of_mount)" = $verb ] && [ -n "$(pgrep -P $verb)" ]; } # and asks for its passphrase
emr_until holds
"$EMRFS" mount --passphrase-file "$EMR_PASS" "$MNT" >out/early 2>&1 </dev/null &
opening=$!
until has_lock $opening; do
	[ -d "/proc/$opening" ] || emr_fail "not waited: $(cat out/early)"
	sleep 0.05
done
: >answer # nobody types one
wait $verb && emr_fail "verify without a passphrase: $(cat out/verb)"
wait $opening || emr_fail "mount while a verb works: $(cat out/early)"
mountpoint -q "$MNT" || emr_fail "not open: $(cat out/early)"
run 0 unmount

say "an open folder is not waited for"
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
mkdir other
json 11 mount --passphrase-file "$EMR_PASS" other
expect error "$(field error)" in-use
run 0 unmount

say "another XDG_RUNTIME_DIR sees the same folder"
unset EMRFS_HOME
export XDG_DATA_HOME=$EMR_WORK/place/data XDG_CONFIG_HOME=$EMR_WORK/place/config
for login in first second; do mkdir -p -m 700 "place/$login"; done
mkdir -p -m 700 place/config/emrfs
printf 'kdf = 8,1\nnotify = none\n' >place/config/emrfs/settings
by() { local login=$1; shift; XDG_RUNTIME_DIR=$EMR_WORK/place/$login "$@"; }
by first run 0 init --yes --name Rui --born 1970-01-01 --passphrase-file "$EMR_PASS" --words-file rui
by first run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
echo note >"$MNT/note.txt"
by second json 0 status
expect "the folder" "$(field folder)" "$MNT"
by second json 11 mount --passphrase-file "$EMR_PASS" "$MNT"
by second run 0 status note.txt
# As cron: without any.
env -u XDG_RUNTIME_DIR "$EMRFS" status note.txt >out/cron 2>&1 </dev/null || emr_fail "without XDG_RUNTIME_DIR: $(cat out/cron)"
by second run 0 unmount
mountpoint -q "$MNT" && emr_fail "still open"
by first json 10 status
by second run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
by first json 0 status
expect "the folder" "$(field folder)" "$MNT"

say "somebody else's socket there is not this folder's"
XDG_DATA_HOME=$EMR_WORK/place/data2 by second run 0 init --yes --name Eva --born 1971-01-01 --passphrase-file "$EMR_PASS" --words-file eva
XDG_DATA_HOME=$EMR_WORK/place/data2 by second json 10 status
expect error "$(field error)" not-open
XDG_DATA_HOME=$EMR_WORK/place/data2 by second json 10 unmount
mountpoint -q "$MNT" || emr_fail "another keyring's folder was closed"
by first run 0 unmount
echo "all is well"
