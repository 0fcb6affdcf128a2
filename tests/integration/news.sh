#!/bin/bash
# news.sh: a reader is told of what others newly share, and an owner of what came into the Inbox: each once, also of what came while the
# folder was closed, and of many that come together in one notice.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin news
two_network "São Lucas"
two_ana_and_lima
told() { grep -c "$2" "$1-folder/.emrfs/notices"; }
tells() { [ "$(told "$1" "$2")" = 1 ]; }
says_of() { grep -qF -- "$2" "$1-folder/.emrfs/notices" || emr_fail "not said to $1: $2: $(cat "$1-folder/.emrfs/notices")"; }
shares() { as ana run 0 share "$@" --yes --wait; }
OF_ANA="shared-with-me/ana"

say "two folders that were shared while the reader's folder was closed are one notice at the next opening"
two_mount ana lima
two_unmount lima
mkdir ana-folder/{Imaging,"Lab, \$1 'x'",Later} ; for d in Imaging Lab* Later; do echo knee >"$(echo ana-folder/$d)/a"; done
as ana run 0 status --wait
shares Imaging with lima
shares "Lab, \$1 'x'" with lima --write
two_mount lima
emr_until tells lima "shared-anew"
says_of lima "shared-anew shared-with-me: Newly shared with you (2): $OF_ANA"
says_of lima "/Imaging"
says_of lima "/Lab, \$1 'x'"

say "one that is shared with an open folder is told, the first two are not again, and a longer or second share of the same is no news"
shares Later with lima
shares Imaging with lima --until 200d
later() { grep -q "shared-anew shared-with-me: Newly shared with you (1): $OF_ANA.*/Later$" lima-folder/.emrfs/notices; }
emr_until later
expect "notices" "$(told lima shared-anew)" 2
two_unmount lima
two_mount lima

say "what was taken back and is shared once more is news again"
as ana run 0 revoke Later from lima --yes --wait
ended() { grep -q grant-revoked lima-folder/.emrfs/notices; }
emr_until ended
shares Later with lima
emr_until later
expect "notices after opening again" "$(told lima shared-anew)" 1

say "forty files that a doctor leaves one after the other are one notice, and those of an owner's own are none"
INBOX() { echo lima-folder/shared-with-me/ana/Inbox; }
emr_until test -d "$(INBOX)"
echo "her own" >ana-folder/Inbox/own.txt
for i in {1..40}; do
	echo "letter $i" >"$(INBOX)/letter $i.txt"
	[ $((i % 10)) != 0 ] || as lima run 0 status --wait
done
as lima run 0 status --wait
emr_until tells ana new-letters
says_of ana "New in your Inbox (40): Inbox/São Lucas/"
[ "$(grep new-letters ana-folder/.emrfs/notices | grep -o "letter [0-9]*\.txt" | wc -l)" = 5 ] || emr_fail "names: $(cat ana-folder/.emrfs/notices)"
! grep -q own.txt ana-folder/.emrfs/notices || emr_fail "her own file is news"

say "one that came while her folder was closed is told when she opens it, once"
two_unmount ana
echo "discharged" >"$(INBOX)/Discharge.pdf"
as lima run 0 status --wait
two_mount ana
emr_until tells ana new-letters
DAY=$(basename ana-folder/Inbox/São\ Lucas/20*)
says_of ana "new-letters Inbox: New in your Inbox (1): Inbox/São Lucas/$DAY/Discharge.pdf"
two_unmount ana lima
two_mount ana lima
echo "last" >"$(INBOX)/Last.pdf"
as lima run 0 status --wait
emr_until tells ana new-letters
says_of ana "New in your Inbox (1): Inbox/São Lucas/$DAY/Last.pdf"
! grep -q "Discharge\|letter [0-9]" ana-folder/.emrfs/notices || emr_fail "told twice: $(cat ana-folder/.emrfs/notices)"
expect "what the reader is told again" "$(told lima shared-anew)" 0

say "a log that comes beside a database which is shared by itself is told to its owner, once"
mkdir ana-folder/Meds
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript("pragma journal_mode=wal; create table plan(what); insert into plan values(1)")' ana-folder/Meds/plan.db
as ana run 0 status --wait
shares Meds/plan.db with lima
! grep -q log-apart ana-folder/.emrfs/notices || emr_fail "said without a log: $(cat ana-folder/.emrfs/notices)"
python3 -c 'import os, sqlite3, sys
d = sqlite3.connect(sys.argv[1], isolation_level=None); d.execute("pragma wal_autocheckpoint=0"); d.execute("insert into plan values(2)"); os.kill(os.getpid(), 9)' ana-folder/Meds/plan.db
emr_until tells ana log-apart
says_of ana "Meds/plan.db is a database that is shared by itself"
as ana run 13 share Meds/plan.db with lima --until 2d	# of three warnings two: nobody reads more
says "Meds/plan.db is a database that is shared by itself"
says_not "nobody has checked"

say "that a closed folder of another opens now is not said before it was asked, nor when it did not answer"
two_unmount ana lima
two_mount lima
as lima run 0 share
says "opens only while that folder is open   Opens for you if that folder is open; nothing came from it in the last minute."
! grep "Opens for you now" out/said || emr_fail "nobody asked"
! cat "$(echo lima-folder/shared-with-me/ana/Later)/a" 2>/dev/null || emr_fail "it opened"
as lima run 0 share
says "Does not open for you now: the folder that gives the keys did not answer."
two_mount ana
emr_until cat "$(echo lima-folder/shared-with-me/ana/Later)/a" >/dev/null
as lima run 0 share
says "Opens for you now."
