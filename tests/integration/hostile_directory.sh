#!/bin/bash
# hostile_directory.sh: a member scribbles in the network's directory while others work in it: planted files of every kind in blocks,
# ledger and mail. Nobody waits for him, nobody reads what he wrote, and what he damaged is named. Two devices share one folder at one moment.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin hostile-directory
export TZ=UTC
two_network "São Lucas"
two_join ana "Ana Silva" patient
two_join lima "Paula Lima" clinician
two_join eva "Eva Reis" clinician
two_cards ana lima eva
two_mount ana lima
mkdir ana-folder/Imaging
for i in 1 2 3; do echo "finding number $i" >"ana-folder/Imaging/$i.txt"; done
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
there() { [ -e "$1" ]; }
reads() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
hers() { ls -d "$1"-folder/shared-with-me/*"Ana Silva "*/Imaging 2>/dev/null; }	# what WHO sees of it
sees() { [ -n "$(hers "$1")" ]; }
emr_until sees lima
SHARE=$(hers lima)
emr_until reads "$SHARE/1.txt" "finding number 1"
own=$(head -c 32 ana/state/device) strange=00112233445566778899aabbccddeeff

say "planted in blocks, ledger and mail: pipes, links, directories, files of every size and by the thousand"
python3 - "$NET" "$own" $strange <<'END' || emr_fail "nothing planted"
import os, sys
net, own, strange = sys.argv[1:]
def name(writer, number): return "seg-%s-%06d.car" % (writer, number)
def write(path, data): open(path, "wb").write(data)
os.chdir(net + "/blocks")
for i in range(500, 1500):
    write(name(own, i), b"no segment")
    write(name(strange, i), b"")
for i in (3, 5, 7):
    os.symlink("/dev/zero", name(own, i))
    os.mkfifo(name(strange, i))
os.mkdir(name(strange, 8))
write(name(strange, 9), b"")
os.truncate(name(strange, 9), 1 << 40)	# zeros without end
hers = open(name(own, 1), "rb").read()
write(name(strange, 10), hers)	# under another name
write(name(strange, 11), os.urandom(3000000))
write(name(strange, 12), hers[:-7])
write("seg-$(reboot).car", b"")
write("seg-\033[2J\n.car", b"")
os.chdir("../mail")
for step in ("application", "certificate", "reply", "invitation"):
    os.mkfifo("%032x.%s" % (1, step))
    os.symlink("/dev/zero", "%032x.%s" % (2, step))
    os.mkdir("%032x.%s" % (3, step))
    write("%032x.%s" % (4, step), b"")
    os.truncate("%032x.%s" % (4, step), 1 << 40)
    for i in range(10, 99):
        write("%032x.%s" % (i, step), b"junk")
os.chdir("../ledger")
os.mkfifo("pipe")
os.symlink("/etc/passwd", "link")
os.mkdir("directory")
write("noise", os.urandom(100000))
END
quick() { # SECONDS COMMAND...: within them
	local limit=$1
	shift
	local status
	timeout "$limit" "$@" && return
	status=$?
	[ $status != 124 ] || emr_fail "not within $limit s: $*"
	return $status
}
echo "finding number 4" >ana-folder/Imaging/4.txt
head -c 300000 /dev/urandom >ana-folder/Imaging/scan.bin
as ana run 0 status --wait
emr_until there "$SHARE/scan.bin"
same() { quick 100 cmp ana-folder/Imaging/scan.bin "$SHARE/scan.bin"; }
emr_until same
emr_until reads "$SHARE/4.txt" "finding number 4"
as ana run 0 revoke --yes Imaging from lima --wait
as ana run 0 share Imaging with lima --yes --wait
two_unmount ana lima

say "he holds an index of blocks and her lock for ever, and says that her files are of a newer program: the folders open, save and read"
python3 - "$NET/blocks" "$own" <<'END' &
import fcntl, hashlib, os, sqlite3, sys, time
os.chdir(sys.argv[1])
held = sqlite3.connect("index.sqlite", isolation_level=None)
held.execute("PRAGMA locking_mode = EXCLUSIVE")
held.execute("BEGIN EXCLUSIVE")
lock = open("writer-%s.lock" % sys.argv[2], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
open("format", "w").write("emrfs store 2\n")
head = b"EMRH" + bytes([2, 0, 0, 0]) + bytes.fromhex(sys.argv[2]) + (1).to_bytes(8, "big") + bytes(24)
open("journal-%s.head" % sys.argv[2], "wb").write(head + hashlib.sha256(head).digest()[:8])
open("../held", "w").write("held")
time.sleep(100000)
END
holder=$!
emr_until there "$NET/held"
two_mount ana lima
emr_until reads "$SHARE/4.txt" "finding number 4"
echo "finding number 5" >ana-folder/Imaging/5.txt
as ana run 0 status --wait
emr_until reads "$SHARE/5.txt" "finding number 5"
rm ana-folder/Imaging/5.txt
as ana run 0 status --wait
two_unmount ana lima
kill "$holder"

say "a copy of her keyring in another place does not write in her files while she does"
cp -a ana copy
two_mount ana
mkdir copy-folder
EMRFS_HOME=$EMR_WORK/copy "$EMRFS" mount --passphrase-file "$EMR_PASS" "$EMR_WORK/copy-folder" >out/copy 2>&1 && emr_fail "a copy writes beside her"
grep -q "busy" out/copy || emr_fail "$(cat out/copy)"
rm -rf copy copy-folder
two_mount lima
emr_until reads "$SHARE/4.txt" "finding number 4"
as ana run 0 verify
emr_until same
two_join rui "Rui Costa" patient >out/joined
! grep -q "$(printf '\033')" ana/state/log lima/state/log || emr_fail "an escape sequence in a log"
rm -rf "$NET/blocks/seg-$strange-"* "$NET"/mail/*.{application,certificate,reply,invitation}

say "one byte of hers is changed: that file fails, and no other byte is given for it"
as ana run 0 status --wait
two_unmount lima
python3 - "$NET/blocks" ana-folder/Imaging/scan.bin <<'END'
import glob, os, sys
changed = 0
for path in glob.glob(sys.argv[1] + "/seg-*.car"):
    if os.path.islink(path) or not 300000 < os.path.getsize(path) < 10000000:
        continue
    with open(path, "r+b") as f:
        data = f.read()
        f.seek(len(data) - 150000)
        f.write(bytes([data[-150000] ^ 1]))
        changed += 1
sys.exit(0 if changed else 1)
END
[ $? = 0 ] || emr_fail "nothing to change"
two_mount lima
for i in 1 2 3 4; do emr_until reads "$SHARE/$i.txt" "finding number $i"; done
emr_until there "$SHARE/scan.bin"
python3 - "$SHARE" ana-folder/Imaging <<'END' || emr_fail "bytes that nobody saved"
import os, sys
failed = []
for name in sorted(os.listdir(sys.argv[1])):
    try:
        got = open(os.path.join(sys.argv[1], name), "rb").read()
    except OSError as e:
        failed.append((name, e.errno))
        continue
    assert got == open(os.path.join(sys.argv[2], name), "rb").read(), name
assert failed == [("scan.bin", 5)], failed
END

say "two at one moment: the same folder, the same person and another, from verbs and attributes"
two_unmount lima
as ana run 0 revoke --yes --all from lima --wait
pids=
for who in lima eva lima eva; do
	(EMRFS_HOME=$EMR_WORK/ana "$EMRFS" share Imaging with $who --yes --wait >"out/at-once-$who-$RANDOM" 2>&1) &
	pids="$pids $!"
done
setfattr -n user.emrfs.grant.lima -v "$(confirmed "read until=2099-01-01" ana-folder/Imaging)" ana-folder/Imaging || emr_fail "attribute"
for pid in $pids; do wait "$pid" || emr_fail "one of those at once: $(cat out/at-once-*)"; done
rows() { python3 -c 'import json; [print(g["path"], g["who"], g["state"]) for g in json.load(open("out/said"))["grants"]]' | sort -u; }
each_has_it() { as ana json 0 share && [ "$(rows)" = "Imaging eva confirmed
Imaging lima confirmed" ]; }	# nobody waited for what the attribute asked for
emr_until each_has_it
as ana run 0 revoke --yes --all from lima --wait
as ana json 0 share
expect "and is taken back from one, whoever gave it how often" "$(rows)" "Imaging eva confirmed"
two_mount lima eva
emr_until sees eva
emr_until reads "$(hers eva)/1.txt" "finding number 1"
nothing_left() { [ ! -e "$SHARE" ]; }
emr_until nothing_left

say "a second computer of hers writes in the shared folder; sharing is for the first"
as ana run 0 device add laptop -o laptop.device --yes --passphrase-file "$EMR_PASS"
two_home laptop
run 0 device accept laptop.device --passphrase-file "$EMR_PASS"
two_mount laptop
emr_until reads laptop-folder/Imaging/1.txt "finding number 1"
as laptop run 0 people add lima.card --name lima --passphrase-file "$EMR_PASS"
as laptop json 6 share Imaging with lima --yes
expect "who may" "$(field error)" not-first-computer
as laptop json 6 revoke Imaging from eva
expect "who may" "$(field error)" not-first-computer
! setfattr -n user.emrfs.grant.lima -v "$(confirmed "read until=2099-01-01" laptop-folder/Imaging)" laptop-folder/Imaging 2>out/refused || emr_fail "shared from the laptop"
as ana run 0 share Imaging with lima --yes --wait
emr_until reads "$SHARE/1.txt" "finding number 1"
echo "from the laptop" >laptop-folder/Imaging/new.txt
as laptop run 0 status --wait
emr_until reads "$SHARE/new.txt" "from the laptop"
as ana run 0 revoke --yes --all from lima --wait
emr_until nothing_left
as ana json 0 share
expect "eva keeps it" "$(rows)" "Imaging eva confirmed"
echo "all is well"
