"""This module says which patients a file names, and whether that contradicts where it lies: DICOM, CDA, FHIR (also bundles, contained resources
and lines of JSON) and HL7 v2.  It only contradicts: nobody is found by what stands in a file.  A format that it does not know names nobody."""
import contextlib
import json
import re
import resource
import unicodedata
import xml.etree.ElementTree as tree
from collections import namedtuple

from pydicom import dcmread

MOST_BYTES = 256 << 20
MOST_MEMORY = 4 << 30
FOLDED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "a", "œ": "o", "ı": "i"} | dict.fromkeys("'’`´ʼ"))
NO_NAMES = set("da das de do dos e del della di du la le van von der den al el bin ibn dr dra mr mrs ms sr sra prof".split())
MARKS = (b"recordTarget", b"hl7.org/fhir", b'"resourceType"')  # of a format that names patients
OID = re.compile(r"[0-2](\.[0-9]+)+")

# ids: (number, {who issued it}); born: YYYYMMDD, or less of it; needs_two: nothing but the number in it said whose it is
Person = namedtuple("Person", "ids names born needs_two", defaults=[False])


def text_of(value):
    return "" if value is None else str(value).strip()


def day(value):
    return re.sub("[^0-9]", "", text_of(value).split("T")[0])[:8]


def issuers(*said):
    return {text.removeprefix("urn:oid:") for text in map(text_of, said)} - {""}


# ---- the formats ----

def in_dicom(path):
    data = dcmread(path, stop_before_pixels=True, force=True,
                   specific_tags=["SpecificCharacterSet", "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "PatientName", "PatientBirthDate"])
    issued = issuers(data.get("IssuerOfPatientID"), *(one.get("UniversalEntityID") for one in data.get("IssuerOfPatientIDQualifiersSequence") or []))
    names = [" ".join(group.split("^")[:3]) for group in text_of(data.get("PatientName")).split("=")]
    return [Person([(text_of(data.get("PatientID")), issued)], names, day(data.get("PatientBirthDate")), True)]


def in_hl7(data):
    try:
        lines = data.decode("utf-8-sig")
    except ValueError:
        lines = data.decode("latin-1")
    found, marks = [], "|^~\\&"
    for line in map(str.strip, re.split("[\r\n\v\x1c]+", lines)):
        if line[:3] in ("MSH", "FHS", "BHS"):
            marks = (line[3:8] + "|^~\\&"[len(line[3:8]):])
        if line[:3] != "PID":
            continue
        field, part, again, _, piece = marks
        fields = [text if text != '""' else "" for text in line.split(field)] + [""] * 8
        ids = [one.split(part) + [""] * 4 for one in (fields[3] or fields[2]).split(again)]
        names = [" ".join(text.split(piece)[0] for text in one.split(part)[:3]) for one in fields[5].split(again)]
        found.append(Person([(one[0].strip(), issuers(*one[3].split(piece)[:2])) for one in ids], names, day(fields[7])))
    return found


def in_fhir(value):
    """Each Patient, and each subject that is named where it is referred to; the id of a reference is a server's, and no patient number."""
    found = []
    if isinstance(value, dict):
        is_patient = value.get("resourceType") == "Patient"
        referred = [value[key] for key in ("subject", "patient", "for") if "resourceType" in value and isinstance(value.get(key), dict)]
        of_patients = [one for one in referred if one.get("type", "Patient") == "Patient" and re.match("#|urn:|$|.*Patient/", text_of(one.get("reference")))]
        for one in [value] if is_patient else of_patients:
            ids = one.get("identifier") or []
            names = one.get("name") or [] if is_patient else [{"text": one.get("display")}]
            found.append(Person([(text_of(id.get("value")), issuers(id.get("system"))) for id in (ids if isinstance(ids, list) else [ids])],
                                [" ".join([*(name.get("given") or []), name.get("family") or ""]).strip() or text_of(name.get("text")) for name in names],
                                day(one.get("birthDate"))))
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += in_fhir(inner)
    return found


def in_xml(data):
    """CDA, and FHIR in XML; in whatever namespace."""
    found, top = [], tree.fromstring(data)
    for one in top.iter():
        one.tag = one.tag.rpartition("}")[2] if isinstance(one.tag, str) else ""
    said = lambda one, where: [text_of(inner.get("value") or inner.text) for inner in one.iterfind(where)]
    for role in top.iterfind(".//recordTarget/patientRole"):
        names = [" ".join(said(name, "given") + said(name, "family")) or text_of(name.text) for name in role.iterfind("patient/name")]
        ids = [(text_of(id.get("extension") or id.get("root")), issuers(id.get("root") if id.get("extension") else "")) for id in role.iterfind("id") if not id.get("nullFlavor")]
        found.append(Person(ids, names, day((said(role, "patient/birthTime") + [""])[0])))
    for one in [top] * (top.tag == "Patient") + top.findall(".//Patient"):
        names = [" ".join(said(name, "given") + said(name, "family")) or " ".join(said(name, "text")) for name in one.iterfind("name")]
        ids = [("".join(said(id, "value")), issuers(*said(id, "system"))) for id in one.iterfind("identifier")]
        found.append(Person(ids, names, day("".join(said(one, "birthDate")))))
    return found


def in_json(data):
    try:
        return in_fhir(json.loads(data))
    except ValueError:  # or one resource a line
        return in_fhir([json.loads(line) for line in data.splitlines() if line.strip()])


@contextlib.contextmanager
def bounded():
    """A library that a hostile file makes take too much gets MemoryError, which ends that file and not the service."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY if soft == resource.RLIM_INFINITY else min(soft, MOST_MEMORY), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def named(path):
    """The patients that the file names; None: it is of a format that names them, and cannot be read."""
    with open(path, "rb") as file:
        data = file.read(4096)
        is_dicom, start = data[128:132] == b"DICM", data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe\0\v \t\r\n")[:3]
        reads = {b"<": in_xml, b"{": in_json, b"[": in_json}.get(start[:1]) or (in_hl7 if start in (b"MSH", b"FHS", b"BHS") else None)
        if reads and not is_dicom:
            data += file.read(MOST_BYTES)
    try:
        with bounded():
            if is_dicom or data[:2] in (b"\x02\0", b"\x08\0"):
                return in_dicom(path)
            return [] if reads is None else reads(data) if len(data) < MOST_BYTES else None
    except Exception:  # whatever a hostile file makes a library do; what only looked like one of these names nobody
        return None if is_dicom or any(mark in data.replace(b"\0", b"") for mark in MARKS) else []


# ---- whether they are the one ----

def words(name):
    """Of a name what everybody writes alike: no case, no accents, ue as ü, no titles and particles."""
    text = unicodedata.normalize("NFKD", name.casefold().translate(FOLDED))
    text = re.sub("([aou])e", r"\1", "".join(c for c in text if not unicodedata.combining(c)))
    found = re.findall(r"[^\W\d_]+", text)
    return [word for word in found if word not in NO_NAMES] or found


def is_within(some, others):
    return all(word in others or (len(word) == 1 and any(other.startswith(word) for other in others)) for word in some)


def is_same_name(one, other):
    """In whatever order, and one may have more than the other (a middle name); an initial stands for what begins so."""
    one, other = words(one), words(other)
    turned = ["".join(one[at:] + one[:at]) for at in range(len(one))]
    return not one or not other or is_within(one, other) or is_within(other, one) or "".join(other) in turned


def confirms(name, card_name):
    """The same name, and enough of it: a word alone is many people's, and so are two initials."""
    said, known = words(name), words(card_name)
    is_enough = len(said) >= min(2, len(known)) or sorted("".join(said)) == sorted("".join(known))
    return bool(known) and any(len(word) > 1 for word in said) and is_enough and is_same_name(name, card_name)


def contradiction(path, patient, issuer, card_name, born, whose):
    """Why what the file names is not that patient, or None.  WHOSE says to whom the table gives a number, true for another person."""
    people = named(path)
    for person in people or ():
        ids = [(number, issued) for number, issued in person.ids if number]
        is_other = lambda issued: OID.fullmatch(issuer) and issued and all(map(OID.fullmatch, issued)) and issuer not in issued
        if ids and not any(number == patient and not is_other(issued) for number, issued in ids):
            return f"it lies in the directory of {patient} and is of {' of '.join([ids[0][0], *sorted(ids[0][1])][:2])}"
        if any(whose(one, number) for number, issued in ids for one in issued):
            return f"it lies in the directory of {patient} and has another patient's number, too"
        if person.born and born and not (born.startswith(person.born) or person.born.startswith(born)):
            return f"patient {patient} has another birth date in it"
        names = [name for name in person.names if words(name)]
        if len(person.born) == 8 and person.born == born:
            continue
        if names and not any(is_same_name(name, card_name) for name in names):
            return f"patient {patient} has another name in it, and no birth date confirms"
        if person.needs_two and not any(confirms(name, card_name) for name in names):
            return f"patient {patient} has neither a name nor a birth date in it that confirms the number"
    return "whom it names cannot be read" if people is None else None
