#!/bin/bash
# deposit_study.sh: a PACS sends by TLS what a hospital has: an object in each transfer syntax, one of a private class, and a CT of 1,500
# slices, while receiver, service and folder are killed and begun again. All of it is in the patient's Inbox as it was sent, a folder for each study;
# what names its patient by one number alone, or somebody else, is held; a full Inbox and a receiver that does not answer are said at once.
. "${SUPPORT:=$(dirname "$0")/../support}/ward.sh"
ward_begin deposit_study storescp storescu dcmsend echoscu openssl
must openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out pacs.pem -subj /CN=pacs -days 2 2>>out/openssl
SLICES=1500
must /usr/bin/python3 - $SLICES <<'PYTHON'
import os, sys, warnings
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import generate_uid
warnings.simplefilter("ignore")

def image(path, study, syntax="1.2.840.10008.1.2.1", kind=None, **said):
    data = dcmread(get_testdata_file("CT_small.dcm"))
    data.PatientID, data.PatientName, data.PatientBirthDate = "K7QF", "Silva^Ana", "19840312"
    data.Rows = data.Columns = 8
    del data[0xfffcfffc]  # storescu sends no padding
    data.StudyDate, data.StudyInstanceUID, data.SOPInstanceUID = "20260102", generate_uid(entropy_srcs=[study]), generate_uid(entropy_srcs=[path])
    for key, value in said.items():
        setattr(data, key, value)
    data.SOPClassUID = kind or data.SOPClassUID
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = syntax
    data.is_little_endian, data.is_implicit_VR = syntax != "1.2.840.10008.1.2.2", syntax == "1.2.840.10008.1.2"
    is_raw = syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
    data.PixelData = os.urandom(128) if is_raw else encapsulate([os.urandom(90)])
    data["PixelData"].VR, data["PixelData"].is_undefined_length = "OW" if is_raw else "OB", not is_raw
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data.save_as(path)

for n in range(int(sys.argv[1])):
    image(f"ct/IM{n}", "ct", InstanceNumber=n)
SYNTAXES = {"-xi": "", "-xe": ".1", "-xb": ".2", "-xd": ".1.99", "-xy": ".4.50", "-xx": ".4.51", "-xs": ".4.70", "-xt": ".4.80", "-xu": ".4.81", "-xv": ".4.90",
            "-xw": ".4.91", "-xm": ".4.100", "-xn": ".4.102", "-xr": ".5"}
for option, end in SYNTAXES.items():
    image(f"syntaxes/{option[1:]}", "syntaxes", "1.2.840.10008.1.2" + end)
image("private/xe", "private", kind="1.3.12.2.1107.5.9.1")
image("wrong/name", "wrong", PatientName="Costa^Rui", PatientBirthDate="")
image("wrong/number", "wrong", PatientName="", PatientBirthDate="")
image("wrong/word", "wrong", PatientName="Silva", PatientBirthDate="1984")
PYTHON
sends() { storescu "${TLS[@]}" -aec HOSPITAL "$@" >out/sent 2>&1; }
ends() { kill -KILL -- "-$1" && await_gone "$1"; }

say "monitoring asks the receiver: before it begins, when it takes connections and answers nothing, and when it answers"
PORT=$(emr_port)
must place env
! status && grep -q "no receiver answers at port $PORT" out/said || emr_fail "there is no receiver: $(cat out/said)"
receive
status || emr_fail "it runs: $(cat out/said)"
must dcmsend -nuc -aec HOSPITAL 127.0.0.1 $PORT private/xe >out/sent 2>&1	# storescu knows no class of a maker's own
ends $RECEIVER
TLS=(+tls key.pem pacs.pem +cf pacs.pem)
receive
status || emr_fail "it runs: $(cat out/said)"
kill -STOP -- "-$RECEIVER"
! status && grep -q "no receiver" out/said || emr_fail "it hangs: $(cat out/said)"
kill -CONT -- "-$RECEIVER"
! storescu -aec HOSPITAL 127.0.0.1 $PORT ct/IM0 >out/clear 2>&1 || emr_fail "it takes clear text"

say "each transfer syntax and a private class are taken as they are; a full Inbox is said as that, at once"
echo "deposits-a-day = 3" >rules
as hospital run 0 org rules rules --yes --passphrase-file "$EMR_PASS"
for file in syntaxes/*; do sends -R "-$(basename "$file")" 127.0.0.1 $PORT "$file" || emr_fail "$file is refused: $(cat out/sent)"; done
must place env
! status || emr_fail "nobody is told: $(cat out/said)"
expect "why" "$(field stops.0)" 'the Inbox of ana is full for today (deposits-a-day in `emrfs org rules`)'
expect "reasons" "$(jq -c '.reasons | keys' out/said)" "$(jq -c '[.stops[0]]' out/said)"

say "with a hospital's rules a CT of $SLICES slices goes on; the receiver is killed in its middle, and it is sent again"
as hospital run 0 org rules --role hospital --yes --passphrase-file "$EMR_PASS"
as hospital json 0 org rules --passphrase-file "$EMR_PASS"
expect "deposits a day" "$(field limits.deposits_a_day)" 10000
sends +sd 127.0.0.1 $PORT ct &
SENDING=$!
some_came() { [ "$(find "$state/arriving" -type f | wc -l)" -gt 200 ]; }
emr_until some_came
ends $RECEIVER
! wait $SENDING || emr_fail "it was all sent before the receiver was killed"
receive
sends +sd 127.0.0.1 $PORT ct || emr_fail "sent again: $(tail -3 out/sent)"
sends +sd 127.0.0.1 $PORT wrong || emr_fail "the wrong ones: $(cat out/sent)"

say "folder and service are killed in the middle, while something is on its way to the ledger, and go on"
at_once
place exec setsid &
PLACER=$!
disown
half_done() { [ "$(sqlite3 "$state/deposit.sqlite" "SELECT count(*) FROM object WHERE state = 'placed'")" -gt 300 ]; }
emr_until half_done
two_kill ward
ends $PLACER
PLACER=
two_mount ward
emr_until is_open
# It places also objects that were refused for a moment, as the service does that runs on. The object that was on its way when both were killed may come
# twice: she is sent it again rather than never.
arrived() {
	at_once
	place env || return 1
	[[ $(names ana | wc -l) =~ ^($((SLICES + 15))|$((SLICES + 16)))$ ]]
}
(emr_until arrived) || emr_fail "of $((SLICES + 15)) there are $(names ana | wc -l): $(sqlite3 "$state/deposit.sqlite" "SELECT state, reason, count(*) FROM object GROUP BY state, reason")"
! status || emr_fail "nobody is told of the wrong ones"
expect "held ($(ls "$state/unplaced" | tr "\n" " "))" "$(field held) $(field queued) $(field placed)" "3 0 $((SLICES + 15))"
held "patient K7QF has another name in it, and no birth date confirms"
expect "one number" "$(ls "$state/unplaced" | grep -c '^patient K7QF has neither a name nor a birth date in it')" 2

say "each study is a folder, whole, and each object is what was sent"
expect "studies" "$(cd ana-folder/Inbox/*/ && ls -- */ | grep -c '^20260102 ')" 3
as ana run 0 status --wait
must /usr/bin/python3 - ana-folder/Inbox ct syntaxes private <<'PYTHON'
import os, sys
import warnings
from pydicom import dcmread
warnings.simplefilter("ignore")

def objects(top):
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            data = dcmread(os.path.join(folder, name))
            found[data.SOPInstanceUID] = data.file_meta.TransferSyntaxUID, data, folder
    return found
came, sent = objects(sys.argv[1]), {top: objects(top) for top in sys.argv[2:]}
for top, those in sent.items():
    for uid, (syntax, data, _) in those.items():
        assert came[uid][0] == syntax and list(came[uid][1]) == list(data), f"not as it was sent: {uid} of {top}, in {syntax.name}"
    assert len({came[uid][2] for uid in those}) == 1, f"{top} is in more than one folder"
assert len(came) == sum(map(len, sent.values())), "there are others"
PYTHON
echo "all is well"
