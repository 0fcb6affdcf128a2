#!/bin/bash
# deposit.sh: files that a PACS sends, and files that a record system leaves in a folder, are in the Inbox of their patient, once, wherever
# examples/hospital-deposit is killed; a file that cannot be placed is kept and named.
. "${SUPPORT:=$(dirname "$0")/../support}/ward.sh"
ward_begin deposit storescp storescu dcmodify strace
sends() { storescu -aec HOSPITAL +sd +r 127.0.0.1 $PORT "$@" >out/sent 2>&1; }

say "the receiver is killed in the middle of an image: what it wrote is not taken for one; nor is half a copy in an Inbox"
must /usr/bin/python3 "$SUPPORT/make_cd.py" cd 6
must cp -r cd/DICOM/ST0 ct
must cp ct/SE0/IM0 rui.dcm
must cp ct/SE0/IM0 nobody.dcm
must cp ct/SE0/IM0 other-day.dcm
must dcmodify -q -nb -gin -m PatientID=R1 -i "SpecificCharacterSet=ISO_IR 192" -i "IssuerOfPatientID=São Lucas" -i PatientBirthDate=19510730 rui.dcm
must dcmodify -q -nb -gin -m PatientID=4711 -m PatientName=Silva^Rui nobody.dcm
must dcmodify -q -nb -gin -m PatientID=K7QF -i PatientBirthDate=19911102 other-day.dcm
receive
must cp ct/SE0/IM0 large.dcm
head -c 8000000 /dev/urandom >pixels
must dcmodify -q -nb -gin -m Rows=2000 -m Columns=2000 -if PixelData=pixels large.dcm
# The sender stops itself at its 40th write of about 130, so that the image is not whole when the receiver is killed, on any computer.
setsid strace -qq -o out/trace -e trace=write -e inject=write:signal=SIGSTOP:when=40 storescu -aec HOSPITAL 127.0.0.1 $PORT large.dcm >out/large 2>&1 &
SENDER=$!
half() { grep -q 'stopped by SIGSTOP' out/trace && [ -n "$(find "$state/arriving" -size +500k)" ]; }
emr_until half
kill -KILL -- "-$RECEIVER"
kill -CONT -- "-$SENDER"
! wait $SENDER || emr_fail "the whole image was sent before the receiver was killed"
SENDER=
torn=$(find "$state/arriving" -size +500k)
[ "$(stat -c %s "$torn")" -lt 8000000 ] || emr_fail "not torn: $torn"
receive
must sends large.dcm

for ((n = 5; ; n += 4)); do
	place strace -qq -o out/trace -e trace=write -e inject=write:signal=SIGKILL:when=$n 2>>out/killed && break
	[ $? = 137 ] && [ "$n" -lt 200 ] || emr_fail "the service ended by itself: $(tail -5 out/place)"
done
say "a receiver that begins while the service removes what is empty has a directory to write to, and keeps it"
must /usr/bin/python3 -B - "$service" "$state/arriving/9-9" <<'END'
import fcntl, importlib.machinery, importlib.util, os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
loader = importlib.machinery.SourceFileLoader("service", sys.argv[1])
service = importlib.util.module_from_spec(importlib.util.spec_from_loader("service", loader))
loader.exec_module(service)
folder, real = sys.argv[2], {"open": os.open, "flock": fcntl.flock, "rmdir": os.rmdir}

def removed_before(name, where):
    """The service comes by just before the receiver does NAME."""
    def between(*words):
        setattr(where, name, real[name])
        service.remove_empty(folder)
        return real[name](*words)
    setattr(where, name, between)
    lock = service.locked(folder)
    assert lock is None and not os.path.exists(folder), f"locked what is gone, before {name}"

removed_before("open", os)
removed_before("flock", fcntl)
lock = service.locked(folder)
service.remove_empty(folder)
assert os.path.samestat(os.stat(folder), os.fstat(lock)), "what a receiver has was removed"
os.close(lock)

def while_removed(path):
    try:
        fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return real["rmdir"](path)
    raise AssertionError("a receiver gets the lock of what is being removed")
os.rmdir = while_removed
service.remove_empty(folder)
assert not os.path.exists(folder)
END

say "a CT series of one patient, an image of another, one of nobody here; twice"
must sends ct
must sends rui.dcm nobody.dcm other-day.dcm ct/SE1/IM0
must lsattr -d "$state"/arriving/*/ >out/attributes
grep -q '^[^ ]*S' out/attributes || say "(this file system knows no synchronous directories)"

say "a folder: letters of two patients, and one that is still being written"
"$SUPPORT/make_pdf.py" 20000 "$drop/K7QF/Discharge letter.pdf" || exit 2
must cp "$drop/K7QF/Discharge letter.pdf" "$drop/R1@São Lucas/Discharge letter.pdf"
must cp ct/SE0/IM0 "$drop/R1@São Lucas/misfiled.dcm"
must cp rui.dcm "$drop/again.dcm"
head -c 5000 ct/SE0/IM1 >"$drop/cut.dcm"
exec 7>"$drop/K7QF/growing.txt"
echo "the first half," >&7
echo "of another program" >"$drop/K7QF/letter.txt.part"
echo "whose?" >"$drop/nobody.txt"
must /usr/bin/python3 - "$drop/deep.dcm" ct/SE0/IM0 <<'END'
import sys
with open(sys.argv[2], "rb") as image, open(sys.argv[1], "wb") as out:
    head = image.read(128 + 4 + 12)
    end = 144 + int.from_bytes(head[140:144], "little")
    out.write(head + image.read(end - 144) + (b"\x08\0\x15\x11SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\0\xe0" + b"\xff" * 4) * 20000)
END

say "killed at one step after the other"
STEPS=link,rename,unlink,fsync,fdatasync,pwrite64
killed=0
for ((n = 1; ; n += 1 + n / 3)); do
	place strace -qq -o out/trace -e trace=$STEPS -e inject=$STEPS:signal=SIGKILL:when=$n 2>>out/killed && break
	[ $? = 137 ] || emr_fail "the service ended by itself: $(tail -5 out/place)"
	killed=$((killed + 1))
	[ "$n" -lt 2000 ] || emr_fail "never done: $(tail -5 out/place)"
done
say "($killed times)"
[ "$killed" -ge 8 ] || emr_fail "killed $killed times only"

say "each is in one Inbox, once; nothing that is not whole is"
all_of() { [ "$(names "$1" | wc -l)" -ge "$2" ]; }
emr_until all_of ana 8
emr_until all_of rui 2
as ana run 0 status --wait
as rui run 0 status --wait
wanted() { for file in "$@"; do dcmdump -q +P SOPInstanceUID "$file" | sed 's/.*\[\(.*\)\].*/\1/'; done | sort; }
uids() { names "$1" | sed -n 's/^CT [0-9]* \([0-9.]*\) [0-9a-f]*\.dcm$/\1/p'; }
expect "of ana" "$(uids ana | sort)" "$(wanted ct/SE?/IM? large.dcm)"
expect "of rui" "$(uids rui)" "$(wanted rui.dcm)"
for who in ana rui; do
	expect "letters of $who" "$(names $who | grep -c '^Discharge letter [0-9a-f]\{64\}\.pdf$')" 1
done
expect "of ana, in all" "$(names ana | wc -l)" 8
expect "of rui, in all" "$(names rui | wc -l)" 2
must cmp "$(find ana-folder/Inbox -name 'Discharge*')" "$(find rui-folder/Inbox -name 'Discharge*')"
[ "$(stat -c %s "$(find ana-folder/Inbox -name "*$(wanted large.dcm)*")")" -gt 8000000 ] || emr_fail "half an image"
# A file arrives as it was sent, but for the first group of elements, which the receiver writes.
content() { dcmdump -q +L "$1" | grep -v '^(0002\|^(fffc\|^#'; }
content ct/SE2/IM1 >out/sent-content
content "$(find ana-folder/Inbox -name "*$(wanted ct/SE2/IM1)*")" >out/content
must cmp out/sent-content out/content

say "what nobody could place is kept, with the reason, and a person is told"
! status || emr_fail "nobody is told"
expect "placed" "$(field placed)" 10
expect "held" "$(field held)" 7
held "unknown patient 4711 - CT"
held "patient K7QF was born on another day - CT"
held "it is cut off - CT"
held "it is cut off - cut.dcm"
held "it is nested too deeply - deep.dcm"
held "it does not begin as a DICOM file - nobody.txt"
held "it lies in the directory of R1@São Lucas and is of K7QF - CT"
expect "still being written" "$(ls "$drop"/*)" "$(printf '%s\n' "$drop/K7QF:" growing.txt letter.txt.part "" "$drop/R1@São Lucas:")"
expect "in the queue" "$(ls -A "$state/queue")" ""

say "a line of the table places what was unknown, and the file that is finished is taken"
as ward json 0 people rui
code=$(python3 -c 'import base64,sys; print(base64.b32encode(bytes.fromhex(sys.argv[1])).decode()[:26])' "$(field people.0.id)")
echo ",4711,$code,1951-07-30" >>patients.csv	# by another word than the log has for him
echo "and the second." >&7
exec 7>&-
must place env
emr_until all_of rui 3
emr_until all_of ana 9
expect "finished" "$(cat ana-folder/Inbox/*/*/growing*.txt)" "the first half,
and the second."
expect "4711" "$(uids rui | sort)" "$(wanted rui.dcm nobody.dcm)"

say "with the folder killed nothing is lost or lands beside it, and a week later the same series is known"
two_kill ward
must sends ct
echo "a late word" >"$drop/K7QF/late.txt"
must place env
status
expect "waits" "$(field queued)" 1
expect "why" "$(field stops.0)" "$EMR_WORK/ward-folder is not open"
expect "below the folder" "$(ls -A ward-folder)" ""
at_once
two_mount ward
emr_until is_open
must place env
emr_until all_of ana 10
as ana run 0 status --wait
expect "of ana, in all" "$(names ana | wc -l)" 10
expect "of ana, once each" "$(uids ana | sort | uniq -d)" ""
as ana run 0 verify
echo "all is well"
