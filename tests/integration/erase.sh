#!/bin/bash
# erase.sh: an erased record is gone from the folder, from its past, from every byte of the state and, after the next backup, from the
# second copy; a mount that is killed in the middle goes on with it. `move` replaces nothing.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin erase
cd "$EMR_WORK" || exit 2
emr_init
run 10 erase --deleted
run 10 move a b
emr_mount

# sections DIR: the first bytes of every section of every segment below it, but for lists of pins, which name hashes only.
cat >sections.py <<'END'
import os, sys
def content(where, name):	# an open folder puts files in place of others, and what was listed may be gone
    try: return open(os.path.join(where, name), "rb").read()
    except FileNotFoundError: return b""
def sections(top):
    out = set()
    for where, _, names in os.walk(top):
        for name in names:
            if not (name.startswith("seg-") or name.endswith(".car")): continue
            data = content(where, name)
            at = 96
            while at < len(data) and data[at]:
                n = shift = 0
                while True:
                    n |= (data[at] & 127) << shift
                    shift += 7
                    at += 1
                    if not data[at - 1] & 128: break
                block = data[at + 36:at + n]
                if block[:4] != b"EMRS" and len(block) >= 40: out.add(block[:40])
                at += n
    return out
what, top, store = sys.argv[1:4]
if what == "keep":
    open(store, "wb").write(b"".join(sections(top)))
elif what == "new":  # of TOP, less what STORE has
    old = open(store, "rb").read()
    old = {old[i:i + 40] for i in range(0, len(old), 40)}
    new = sections(top) - old
    open(sys.argv[4], "wb").write(b"".join(new))
    print(len(new))
elif what == "count":  # how many of STORE are anywhere below TOP
    wanted = open(store, "rb").read()
    wanted = [wanted[i:i + 40] for i in range(0, len(wanted), 40)]
    found = 0
    for where, _, names in os.walk(top):
        for name in names:
            data = content(where, name)
            found += sum(data.count(w) > 0 for w in wanted)
    print(found)
END
state=$EMRFS_HOME/state
sections() { python3 sections.py "$@" || emr_fail "sections.py $*"; }

say "a record, its versions, and a backup of them"
must mkdir "$MNT/Imaging" "$MNT/Letters"
head -c 300000 /dev/urandom >kept
must cp kept "$MNT/Imaging/kept"
run 0 status --wait
sections keep "$state" before
head -c 500000 /dev/urandom >one
must cp one "$MNT/Imaging/scan"
confirmed_version "$MNT/Imaging/scan" >/dev/null || exit 1
must cp kept "$MNT/Imaging/scan"
run 0 status --wait
expect "version" "$(confirmed_version "$MNT/Imaging/scan")" 2
n=$(sections new "$state" before scan.sections)
[ "$n" -ge 8 ] || emr_fail "only $n sections are new"
[ "$(sections count "$state" scan.sections)" -ge "$n" ] || emr_fail "they are not found"
run 0 backup "$EMR_WORK/backup"
[ "$(sections count backup scan.sections)" -gt 0 ] || emr_fail "the backup has nothing of it"

say "asks first, and for the passphrase"
run 13 erase Imaging/scan --passphrase-file "$EMR_PASS"
says "1 file"
run 13 erase Imaging/scan --yes
secret wrong "not this one"
run 12 erase Imaging/scan --yes --passphrase-file wrong
run 2 erase --yes
run 2 erase Imaging/scan --deleted
run 2 erase Imaging/scan --before 2d
run 2 erase --deleted --before never
run 5 erase Imaging/none --yes --passphrase-file "$EMR_PASS"
run 6 erase Inbox --yes --passphrase-file "$EMR_PASS"
cd "$MNT" || exit 2
run 6 erase . --yes --passphrase-file "$EMR_PASS"
cd "$EMR_WORK" || exit 2
must cmp kept "$MNT/Imaging/scan"

say "gone: from the folder, its past, and the disk"
at=$(date +%FT%H:%M)
[ -e "$MNT/.emrfs/at/$at/Imaging/scan" ] || at=$(date +%FT%H:%M)
must ls "$MNT/.emrfs/at/$at/Imaging/scan" >/dev/null
json 0 erase Imaging/scan --yes --passphrase-file "$EMR_PASS"
expect erased "$(field erased)" 1
expect finished "$(field finished)" True
grep -q "$EMR_WORK/backup" out/said || emr_fail "the backup is not named: $(cat out/said)"
[ ! -e "$MNT/Imaging/scan" ] || emr_fail "it is there"
[ ! -e "$MNT/.emrfs/deleted/Imaging/scan" ] || emr_fail "it is among the deleted"
[ ! -e "$MNT/.emrfs/at/$at/Imaging/scan" ] || emr_fail "it is in the past"
must cmp kept "$MNT/.emrfs/at/$at/Imaging/kept"
expect "sections in the state" "$(sections count "$state" scan.sections)" 0
run 5 restore Imaging/scan
run 0 ledger
says ERASE
must cmp kept "$MNT/Imaging/kept"
run 0 verify

say "the next backup drops it"
run 0 backup "$EMR_WORK/backup"
expect "sections in the backup" "$(sections count backup scan.sections)" 0
run 0 backup "$EMR_WORK/backup" --verify

say "deleted files, by time"
echo "an old letter" >"$MNT/Letters/old"
run 0 status --wait
rm "$MNT/Letters/old"
json 0 erase --deleted --before 1d --yes --passphrase-file "$EMR_PASS"
expect erased "$(field erased)" 0
[ -e "$MNT/.emrfs/deleted/Letters/old" ] || emr_fail "erased too much"
# One flipped bit (34 years) in the time beside each record makes nothing older for what cannot be undone: its sum does not fit, and the
# copy is made again where the folder opens.
emr_unmount
python3 - "$EMRFS_HOME/state/replica.sqlite" <<'PY' || emr_fail "no time was flipped"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
changed = db.execute("UPDATE state SET time = time & ~(1 << 30) WHERE key LIKE 'O/%'").rowcount
db.commit()
sys.exit(changed < 1)
PY
emr_mount
json 0 erase --deleted --before 1d --yes --passphrase-file "$EMR_PASS"
expect erased "$(field erased)" 0
[ -e "$MNT/.emrfs/deleted/Letters/old" ] || emr_fail "erased by a wrong time"
run 0 verify --chain
json 0 erase .emrfs/deleted/Letters --yes --passphrase-file "$EMR_PASS"
expect erased "$(field deleted_files)" 1
[ ! -e "$MNT/.emrfs/deleted/Letters/old" ] || emr_fail "still among the deleted"
json 0 erase --deleted
expect erased "$(field erased)" 0

say "killed in the middle, it goes on at the next mount"
for pause in 0.001 0.02 0.06; do
	must mkdir "$MNT/Doomed"
	for i in 1 2 3 4 5 6 7 8; do head -c 30000 /dev/urandom >"$MNT/Doomed/$i"; done
	run 0 status --wait
	"$EMRFS" erase Doomed --yes --passphrase-file "$EMR_PASS" >out/erase 2>&1 </dev/null &
	erasing=$!
	# Not before the mount works on it: its first act is to look.
	for ((i = 0; i < 15000; i++)); do [ -e "$MNT/Doomed" ] || break; sleep 0.002; done
	sleep $pause
	emr_kill
	wait $erasing
	emr_mount
	[ ! -e "$MNT/Doomed" ] || emr_fail "begun, and there again"
	run 0 status --wait
	for ((i = 0; i < 3000; i++)); do
		"$EMRFS" erase --deleted --yes --passphrase-file "$EMR_PASS" --json >out/said 2>&1 </dev/null && break
		says unfinished
		sleep 0.02
	done
	expect "erased by a second call" "$(field erased)" 0
	[ ! -e "$MNT/.emrfs/deleted/Doomed" ] || emr_fail "it is among the deleted"
	must cmp kept "$MNT/Imaging/kept"
done
run 0 verify

say "keeping"
json 0 keep
expect kept "$(field kept.0.path 2>/dev/null || python3 -c 'import json;print(json.load(open("out/said"))["kept"][0]["path"])')" .
grep -q '"complete": *true' out/said || emr_fail "not all here: $(cat out/said)"
json 0 keep Imaging --not
expect last_copy "$(field last_copy)" True
run 0 keep Imaging --not
says "last copy of Imaging"
expect attribute "$(attribute keep "$MNT/Imaging/kept")" no
must cmp kept "$MNT/Imaging/kept"
must setfattr -n user.emrfs.keep -v yes "$MNT/Imaging/kept"
expect attribute "$(attribute keep "$MNT/Imaging/kept")" yes
setfattr -n user.emrfs.keep -v perhaps "$MNT/Imaging/kept" 2>/dev/null && emr_fail "took nonsense"
run 0 keep Imaging
run 2 keep --not
run 5 keep nothing
json 0 keep --purge
[ "$(field cache_bytes)" -ge 0 ] || emr_fail "cache_bytes"
run 0 verify

say "moving"
json 0 move Imaging/kept Letters
expect path "$(field path)" Letters/kept
expect gains "$(field gains)" '[]'
must cmp kept "$MNT/Letters/kept"
[ ! -e "$MNT/Imaging/kept" ] || emr_fail "there twice"
must cp one "$MNT/Imaging/kept"
run 1 move Imaging/kept Letters
run 1 move Imaging/kept Letters/kept
must cmp kept "$MNT/Letters/kept"
run 2 move Imaging Imaging/below
run 5 move nothing Letters
run 5 move Imaging/kept nowhere/kept
run 2 move Imaging/kept
cd "$MNT/Imaging" || exit 2
run 0 move kept ../Letters/other
cd "$EMR_WORK" || exit 2
must cmp one "$MNT/Letters/other"
run 0 move Letters Imaging
must cmp kept "$MNT/Imaging/Letters/kept"
run 0 status --wait
emr_remount
must cmp kept "$MNT/Imaging/Letters/kept"
must cmp one "$MNT/Imaging/Letters/other"
emr_unmount
