"""Makes table_rows.inc, table_uids.inc and table_private.inc, the facts that rules of de-identification stand on.

Sources: the Basic profile's action codes of DICOM PS3.15 Table E.1-1, 2026c, as the Python package dicom-anonymizer 2.1.0
lists them; tags, value representations and registered UIDs of PS3.6, as the dictionaries of pydicom 3.0.2 list them; PS3.15
Table E.3.10-1, 2026d, as lib/pymedphys/_dicom/deidentify/_standard/e3_10_1.json of github.com/pymedphys/pymedphys, commit
985a1bd9, lists it.  Only facts are taken (tag, VR, code, keyword, UID, private creator), no code.  It runs by hand, where both
packages are installed and that file is:

    pip install dicom-anonymizer==2.1.0 pydicom==3.0.2
    python3 make_table.py DIRECTORY_FOR_THE_THREE_FILES e3_10_1.json

Two other sources were compared with Table E.3.10-1 as it is here: all 130 rows that the text of PS3.15 had in 2020
(github.com/chsasank/dicom_standard, source/part15/chapter_E.rst) stand in it with the same VR and number of values; of the 205
rows that pydicom's dictionary of private elements has, too, 203 have the same VR there (not (2001,xx55), CS, and (7E01,xx02)).
"""
import hashlib
import json
import re
import sys

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as profile
from pydicom._dicom_dict import DicomDictionary
from pydicom._private_dict import private_dictionaries
from pydicom._uid_dict import UID_dictionary

LISTS = {"D": "D_TAGS", "Z": "Z_TAGS", "X": "X_TAGS", "U": "U_TAGS", "Z/D": "Z_D_TAGS", "X/Z": "X_Z_TAGS",
         "X/D": "X_D_TAGS", "X/Z/D": "X_Z_D_TAGS", "X/Z/U*": "X_Z_U_STAR_TAGS"}
HEAD = """/* {what}
 * Made by make_table.py, which names its sources; not to be changed by hand. */
"""
# Elements whose values name somebody or something of his: the checker looks for them in the copy.
NAMES = re.compile(r"ID$|ID[A-Z]|IDs|Identifier|Number|Name|Address|Telephone|Issuer|Serial|Organization|Physician|Location")
NO_NAMES = re.compile(r"Protocol|Version|Scheme|NumberOf|Label|Machine|Series(Number|Description)")
TEXTS = {"LO", "SH", "AE", "UC", "UT", "ST", "LT"}
SAFE_TABLE = "7acb26dbab0e3124c02d075cbf8c5510354a20ded9f89ee4765976a905d92f63"  # SHA-256 of its rows, which the file says
SAFE_VRS = {"US", "SS", "UL", "SL", "FL", "FD", "IS", "DS", "CS"}  # numbers and code strings: what has no room for a name


def codes():
    """Tag to the letters of its row in Table E.1-1; rows of repeating groups (curves, overlays) need none: no such group is kept."""
    return {tag[0] << 16 | tag[1]: code for code, name in LISTS.items() for tag in getattr(profile, name) if len(tag) == 2}


def rows():
    table = codes()
    for tag, (vr, _, _, is_retired, keyword) in sorted(DicomDictionary.items()):
        if tag >> 16 < 8 or tag >> 16 == 0xfffe or vr == "NONE" or not keyword or (is_retired and tag not in table):
            continue
        code = table.get(tag, "-")
        vrs = vr.replace(" or ", "")
        names = int(code != "-" and vr in TEXTS and bool(NAMES.search(keyword)) and not NO_NAMES.search(keyword))
        yield f'{{0x{tag:08x}, "{vrs}", "{code}", {names}}}, /* {keyword} */'


def private_rows(path):
    """The rows of Table E.3.10-1 whose values are numbers or code strings, and not as many as somebody likes."""
    rows = json.load(open(path, encoding="utf-8"))["rows"]
    assert hashlib.sha256(json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest() == SAFE_TABLE
    vr, most, name, _ = private_dictionaries["SIEMENS MR HEADER"]["0019xx0A"]
    yield f'{{"SIEMENS MR HEADER", 0x0019000a, "{vr}", {most}, EMR_PRIVATE_MOSAIC}}, /* {name} */'
    for row in rows:
        group, number = re.fullmatch(r"\((\w{4}),xx(\w\w)\)", row["tag"].lower()).groups()
        most = row["vm"].split("-")[-1]
        if row["vr"] in SAFE_VRS and "n" not in most:
            yield f'{{"{row["private_creator"]}", 0x{group}00{number}, "{row["vr"]}", {most}, EMR_PRIVATE_SAFE}}, /* {row["meaning"].split(" - ")[0]} */'


def write(path, what, lines):
    with open(path, "w", encoding="ascii") as out:
        out.write(HEAD.format(what=what) + "\n".join(lines) + "\n")


def main():
    where = sys.argv[1]
    write(where + "/table_rows.inc", "Elements of DICOM PS3.6 that are not retired, or stand in PS3.15 Table E.1-1 (2026c):\n"
          " * tag, its VRs, code of the Basic profile (\"-\": no row), whether its text names somebody or something.", rows())
    write(where + "/table_uids.inc", "UIDs that DICOM PS3.6 registers, in the order of strcmp: they name no person's things.",
          (f'"{uid}",' for uid in sorted(UID_dictionary) if uid.startswith("1.2.840.10008.")))
    write(where + "/table_private.inc", "Private elements that a copy may have where its terms say so: their creator, tag (its block as 00), VR, the most\n"
          " * values, and which word of the terms allows it.  MOSAIC: from the dictionary of private elements of pydicom 3.0.2.  SAFE: the rows\n"
          " * of DICOM PS3.15 Table E.3.10-1 (2026d) that are numbers or code strings; its sequences, bytes, UIDs and texts (LO, SH, ST, LT) are\n"
          " * not here, nor rows of as many values as somebody likes (1-n).", private_rows(sys.argv[2]))


main()
