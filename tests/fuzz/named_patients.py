"""named_patients.py SERVICE TIMES SEED FILE...: changes FILEs at random, TIMES times, and lets the readers of examples/hospital-deposit (the
directory SERVICE) read each: whatever a file has, they name patients in plain text, or say that it cannot be read; nothing else gets out."""
import os
import random
import sys
import tempfile
import warnings

sys.path.insert(0, sys.argv[1])
from named_patients import contradiction, named
from whole_dicom import Broken, whole

warnings.simplefilter("ignore")
PIECES = [b"", b"\0", b"\xff\xff\xff\xff", b"\x80", b"|", b"^", b"~", b"\r", b"MSH|^~\\&|", b"PID|", b'""', b"{", b"[", b'"', b"null", b'"subject":{', b'"resourceType":"Patient",',
          b'"identifier":[', b'"name":[[]]', b"1e999", b"\\ud800", b"<recordTarget>", b"<id/>", b'<id extension="9"/>', b"</", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"SQ\0\0",
          b"\xfe\xff\0\xe0", b"\x10\0\x20\0LO", b"\x10\0\x30\0DA", b"[" * 5000, b"<a>" * 5000]


def changed(data, others, chance):
    for _ in range(chance.randint(1, 6)):
        at, end = sorted(chance.randrange(len(data) + 1) for _ in "ab")
        end = min(end, at + 64) if chance.random() < 0.8 else end
        piece = chance.choice(PIECES)
        if chance.random() < 0.3:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            piece = other[start:start + chance.randint(0, 400)]
        data = data[:at] + piece + data[chance.choice((at, at, min(at + 1, len(data)), end)):]
    return data


def check(path):
    people = named(path)
    for person in people or ():
        assert all(isinstance(number, str) and isinstance(issued, set) for number, issued in person.ids), person
        assert all(isinstance(name, str) for name in person.names) and len(person.born) <= 8 and set(person.born) <= set("0123456789"), person
    for born in ("19840312", ""):
        reason = contradiction(path, "K7QF", "", "Silva, Ana", born, lambda issuer, number: number == "R1")
        assert reason is None or isinstance(reason, str)
        numbers = [[number for number, _ in person.ids if number] for person in people or ()]
        assert reason or (people is not None and all(not those or "K7QF" in those for those in numbers)), "another patient's number, and no reason"
    try:
        said = whole(path)
        assert all(isinstance(said[name], str) for name in ("PatientID", "IssuerOfPatientID", "PatientBirthDate", "StudyInstanceUID"))
    except Broken:
        pass
    return bool(people)


def main():
    chance, files, named_some = random.Random(int(sys.argv[3])), [], 0
    for path in sys.argv[4:]:
        with open(path, "rb") as file:
            files.append(file.read())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "input")
        for turn in range(int(sys.argv[2])):
            data = changed(chance.choice(files), files, chance)
            with open(path, "wb") as out:
                out.write(data)
            try:
                named_some += check(path)
            except BaseException:
                print(f"turn {turn} of seed {sys.argv[3]}: {data[:2000]!r}", file=sys.stderr)
                raise
    assert named_some > int(sys.argv[2]) // 20, f"only {named_some} named anybody: nothing was tried"


main()
