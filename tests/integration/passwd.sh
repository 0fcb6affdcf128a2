#!/bin/bash
# passwd.sh: a new passphrase, with the folder open and closed; the old one opens nothing any more.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin passwd
cd "$EMR_WORK" || exit 2
STATE=$EMRFS_HOME/state

json 10 passwd
expect "error id" "$(field error)" no-keyring
emr_init
secret new "the second passphrase"
secret wrong "not the passphrase"

say "what is refused changes nothing"
cp "$STATE/keyfile" before
json 12 passwd --passphrase-file wrong --new-passphrase-file new
expect "error id" "$(field error)" wrong-passphrase
secret empty ""
json 2 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file empty
printf 'open to all\n' >exposed && chmod 644 exposed
json 6 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file exposed
run 13 passwd --passphrase-file "$EMR_PASS"
exec 7>"$STATE/keyfile.lock"
flock 7
json 11 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file new
expect "error id" "$(field error)" in-use
exec 7>&-
must cmp before "$STATE/keyfile"

say "closed"
json 0 passwd --passphrase-file "$EMR_PASS" --new-passphrase-file new
expect "rights" "$(stat -c %a "$STATE/keyfile")" 600
expect "files left behind" "$(find "$STATE" -name '*.tmp-*')" ""
json 12 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 mount --passphrase-file new "$MNT"
echo text >"$MNT/a.txt"
run 0 status --wait
for copy in first second deleted; do run 0 backup "$EMR_WORK/$copy"; done
rm -r "$EMR_WORK/deleted"

say "open: the folder stays open"
printf '#!/bin/sh\ncase $1 in "Passphrase") echo "the second passphrase" ;; *) echo "the third one of them" ;; esac\n' >ask
chmod 700 ask
EMRFS_ASKPASS=$EMR_WORK/ask run 0 passwd
says "The backup in $EMR_WORK/first still opens with the old passphrase."
says "The backup in $EMR_WORK/second still opens with the old passphrase."
says_not "$EMR_WORK/deleted"
expect "reading goes on" "$(cat "$MNT/a.txt")" text
run 0 status --wait
run 0 unmount
json 12 verify --passphrase-file new
secret third "the third one of them"
json 0 verify --passphrase-file third

say "systemd's credential is the old one, never the new one"
mkdir credentials && cp third credentials/emrfs.passphrase
CREDENTIALS_DIRECTORY=$EMR_WORK/credentials run 13 passwd
CREDENTIALS_DIRECTORY=$EMR_WORK/credentials run 0 passwd --new-passphrase-file new

say "killed at any moment, the keyfile is the old or the new one"
old=new next=third
for ((i = 0; i < 12; i++)); do
	"$EMRFS" passwd --passphrase-file $old --new-passphrase-file $next >/dev/null 2>&1 &
	sleep "0.0$((i * 7 % 10))"
	kill -KILL $! 2>/dev/null
	wait $! 2>/dev/null
	if "$EMRFS" ledger --passphrase-file $next >/dev/null 2>&1; then
		hold=$old old=$next next=$hold
	else
		run 0 ledger --passphrase-file $old
	fi
done
echo "all is well"
