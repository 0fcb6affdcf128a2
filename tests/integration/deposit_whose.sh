#!/bin/bash
# deposit_whose.sh: a file that names another patient than the one whose number it came by (in DICOM, CDA, FHIR or HL7 v2; by a number, a
# birth date, or a name that no birth date makes good) is held with the reason; one that says the same person in other words is placed.
. "${SUPPORT:=$(dirname "$0")/../support}/ward.sh"
ward_begin deposit_whose
mkdir "$drop/C1@1.2.3" || exit 2
table ,K7QF,ana,1984-03-12 "São Lucas,R1,rui,1951-07-30" 1.2.3,C1,ana,
must /usr/bin/python3 - "$drop" wanted <<'END'
import io, json, os, struct, sys, warnings
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
warnings.simplefilter("ignore")
drop, wanted = sys.argv[1], open(sys.argv[2], "w")

def leave(name, data, held="", where="K7QF"):
    """HELD: how the reason begins; empty: it is placed."""
    with open(os.path.join(drop, where, name), "wb") as out:
        out.write(data if isinstance(data, bytes) else data.encode())
    wanted.write(f"{name}\t{held}\n")

def issuer(**said):
    one = Dataset()
    for key, value in said.items():
        setattr(one, key, value)
    return one

def image(name, held="", change=lambda data: data, where="", qualifiers=(), **said):
    data = dcmread(get_testdata_file("CT_small.dcm"))
    for key in ("OtherPatientIDsSequence", "PatientBirthDate"):
        if key in data:
            delattr(data, key)
    data.PatientID, data.PatientName = "K7QF", "Silva^Ana"
    for key, value in said.items():
        setattr(data, key, value)
    if qualifiers:
        data.IssuerOfPatientIDQualifiersSequence = Sequence(list(qualifiers))
    # The Modality is what the copy's name begins with: it tells one from another here.
    data.Modality, data.SOPInstanceUID = name.upper(), generate_uid(entropy_srcs=[name])
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    file = io.BytesIO()
    data.save_as(file)
    leave(name.upper(), change(file.getvalue()), held, where)

def element(data, tag):
    at = data.index(tag)
    return at, at + 8 + struct.unpack_from("<H", data, at + 6)[0]

def twice(tag, value, behind=None):
    def change(data):
        first, end = element(data, tag)
        at = end if behind is None else len(data) if behind == b"" else data.index(behind)
        return data[:at] + tag + struct.pack("<H", len(value)) + value + data[at:]
    return change

def only_behind(tag):
    def change(data):
        at, end = element(data, tag)
        return data[:at] + data[end:] + data[at:end]
    return change

TWICE, NAME, BORN = "what it says of its patient stands twice", "patient K7QF has another name", "patient K7QF was born on another day"
ID, ISSUER, PIXELS = b"\x10\0\x20\0LO", b"\x10\0\x21\0LO", b"\xe0\x7f\x10\0OW"
image("honest")
image("honest-born", PatientBirthDate="19840312", PatientName="Costa^Ana")
image("middle", PatientName="SILVA^ANA MARIA^^DRA")
image("turned", PatientName="Ana da Silva")
image("accents", PatientName="Sílvà^Anâ", SpecificCharacterSet="ISO_IR 192")
image("groups", PatientName="Yamada^Tarou=Silva^Ana", SpecificCharacterSet="ISO_IR 192")
image("initial", PatientName="SILVA^A.")
ONE = "patient K7QF has neither a name nor a birth date in it that confirms"
image("nameless", ONE, PatientName="")
image("nameless-born", PatientName="", PatientBirthDate="19840312")
image("nameless-year", ONE, PatientName="", PatientBirthDate="1984")
image("word", ONE, PatientName="Ana")
image("initials", ONE, PatientName="S^A")
image("joined", PatientName="SILVAANA", PatientBirthDate="1984")
image("type", qualifiers=[issuer(UniversalEntityIDType="ISO")])
image("id-twice", TWICE, twice(ID, b"R1"))
image("id-again", TWICE, twice(ID, b"K7QF", PIXELS))
image("id-behind", TWICE, twice(ID, b"9999", b""))
image("issuer-twice", TWICE, twice(ISSUER, b"HERE"), IssuerOfPatientID="ELSEWHERE")
image("issuer-behind", TWICE, only_behind(ISSUER), IssuerOfPatientID="ELSEWHERE")
image("issuer-0024", "unknown patient K7QF of 1.2.999.77.1", qualifiers=[issuer(UniversalEntityID="1.2.999.77.1", UniversalEntityIDType="ISO")])
agency = issuer(CodeValue="1", CodingSchemeDesignator="99X", CodeMeaning="X")
image("issuer-agency", "who issued its patient's number", qualifiers=[issuer(AssigningAgencyOrDepartmentCodeSequence=Sequence([agency]))])
image("issuer-two", "who issued its patient's number", qualifiers=[issuer(UniversalEntityID="1.2.3"), issuer(UniversalEntityID="1.2.4")])
image("name", NAME, PatientName="Costa^Rui")
image("sister", NAME, PatientName="Silva^Rita")
image("born", BORN, PatientBirthDate="19510730")
image("name-year", NAME, PatientName="Costa^Rui", PatientBirthDate="1984")
image("dots", PatientName="Costa^Ana", PatientBirthDate="1984.03.12")

OTHER = "it lies in the directory of K7QF and is of 9999"
def hl7(pid, line="\r", before=""):
    return before + line.join(["MSH|^~\\&|LAB|SL|EMR|SL|20240101||ORU^R01|1|P|2.5", pid, "OBX|1|TX|||fine"]) + line
leave("hl7-honest.hl7", hl7("PID|1||111^^^GOV^NNESP~K7QF^^^SL^MR||SILVA^ANA^MARIA||19840312"))
leave("hl7-newlines.hl7", hl7("PID|1||K7QF||SILVA^ANA", "\n"))
leave("hl7-married.hl7", hl7("PID|1||K7QF||COSTA^ANA||198403120830"))
leave("hl7-other.hl7", hl7("PID|1||9999^^^SL^MR||Costa^Rui"), OTHER)
leave("hl7-old.hl7", hl7("PID|1|9999|||Silva^Ana"), OTHER)
leave("hl7-framed.hl7", hl7("PID|1||9999||Costa^Rui", before="\v"), OTHER)
leave("hl7-second.hl7", hl7("PID|1||K7QF||Silva^Ana") + hl7("PID|1||9999||Costa^Rui"), OTHER)
leave("hl7-marks.hl7", "MSH$*~\\&$LAB\rPID$1$$9999*1*2$$Costa*Rui\r", OTHER)
leave("hl7-name.hl7", hl7("PID|1||K7QF||Costa^Rui"), NAME)
leave("hl7-born.hl7", hl7("PID|1||K7QF||Silva^Ana||19510730"), "patient K7QF has another birth date")
leave("hl7-foreign.hl7", hl7("PID|1||R1^^^São Lucas~K7QF"), "it lies in the directory of K7QF and has another patient's number")

def cda(ids, name="<given>Ana</given><family>Silva</family>", born="19840312", head='<?xml version="1.0"?>', prefix=""):
    text = (f'<ClinicalDocument xmlns="urn:hl7-org:v3"><title>L</title><recordTarget><patientRole>{ids}<patient><name>{name}</name>'
            f'<birthTime value="{born}"/></patient></patientRole></recordTarget></ClinicalDocument>')
    return head + text
own, other = '<id root="1.2.3" extension="K7QF"/>', '<id root="1.2.3" extension="9999"/>'
leave("cda-honest.xml", cda(own + '<id root="1.2.9" extension="111"/><id nullFlavor="NI"/>'))
leave("cda-utf16.xml", cda(other, head="").encode("utf-16"), OTHER)
leave("cda-other.xml", "\ufeff" + cda(other, head=""), OTHER)
leave("cda-two.xml", cda(own).replace("</recordTarget>", "</recordTarget><recordTarget><patientRole>" + other + "</patientRole></recordTarget>"), OTHER)
leave("cda-name.xml", cda(own, "Rui Costa", ""), NAME)
leave("cda-broken.xml", cda(own)[:-9], "whom it names cannot be read")
leave("cda-oid.xml", cda('<id root="1.2.9" extension="C1"/>'), "it lies in the directory of C1 and is of C1 of 1.2.9", "C1@1.2.3")
leave("page.xml", "<html><p>a page that <b>is no XML</p>")

def fhir(number, name="Ana Silva", **more):
    return {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3", "value": number}], "name": [{"text": name}], **more}
leave("fhir-honest.json", json.dumps(fhir("K7QF", birthDate="1984-03") | {"name": [{"family": "Silva", "given": ["Ana", "Maria"]}]}))
leave("fhir-other.json", json.dumps(fhir("9999")), OTHER)
leave("fhir-bundle.json", json.dumps({"resourceType": "Bundle", "entry": [{"resource": fhir("K7QF")}, {"resource": fhir("9999", "Rui Costa")}]}), OTHER)
leave("fhir-inside.json", json.dumps({"resourceType": "Observation", "contained": [fhir("9999")]}), OTHER)
leave("fhir-lines.ndjson", json.dumps(fhir("K7QF")) + "\n" + json.dumps(fhir("9999")) + "\n", OTHER)
leave("fhir-subject.json", json.dumps({"resourceType": "Condition", "subject": {"identifier": {"value": "9999"}}}), OTHER)
leave("fhir-display.json", json.dumps({"resourceType": "Condition", "subject": {"reference": "Patient/31", "display": "Rui Costa"}}), NAME)
leave("fhir-reference.json", json.dumps({"resourceType": "Condition", "subject": {"reference": "Patient/31", "display": "SILVA, Ana"}}))
leave("fhir-pump.json", json.dumps({"resourceType": "Observation", "subject": {"reference": "Device/7", "display": "Pump", "identifier": {"value": "9999"}}}))
leave("no-fhir.json", json.dumps({"subject": {"display": "Rui Costa"}}))
leave("fhir-born.json", json.dumps(fhir("K7QF", birthDate="1951-07-30")), "patient K7QF has another birth date")
leave("fhir-cut.json", json.dumps(fhir("9999"))[:-3], "whom it names cannot be read")
leave("fhir.xml", '<Patient xmlns="http://hl7.org/fhir"><identifier><value value="9999"/></identifier></Patient>', OTHER)
leave("other.json", json.dumps({"to": "9999", "name": "Rui Costa"}))
leave("note.txt", "{9999} is a number in braces")
raw = io.BytesIO()
one = dcmread(get_testdata_file("CT_small.dcm"))
one.PatientID = "9999"
one.save_as(raw)
leave("raw.dcm", raw.getvalue()[132 + 12 + struct.unpack_from("<L", raw.getvalue(), 140)[0]:], OTHER)
END
mkdir inputs && find "$drop" -type f >files && while read -r file; do head -c 4000 "$file" >"inputs/$(basename "$file")" || exit 2; done <files
must /usr/bin/python3 -B "$SUPPORT/../fuzz/named_patients.py" "$(dirname "$service")" 3000 1 inputs/*
place || emr_fail "the service ended by itself: $(tail -5 out/place)"
as ward run 0 status --wait
placed() { [ "$(names ana | wc -l)" -ge "$(grep -c $'\t$' wanted)" ]; }
emr_until placed
expect "of rui" "$(names rui)" ""
while IFS=$'\t' read -r name reason; do
	begins=${name%.*}
	if [ -n "$reason" ]; then
		held "$reason"*" - $begins "
	else
		[ "$(names ana | grep -c "^$begins ")" = 1 ] || emr_fail "not placed: $name: $(ls "$state/unplaced" | grep "$begins")"
	fi
done <wanted
expect "held" "$(ls "$state/unplaced" | wc -l)" "$(grep -vc $'\t$' wanted)"
echo "all is well"
