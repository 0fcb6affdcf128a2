"""Makes table_rows.inc and table_uids.inc, the facts that rules of de-identification stand on.

Sources: the Basic profile's action codes of DICOM PS3.15 Table E.1-1, 2026c, as the Python package dicom-anonymizer 2.1.0
lists them; tags, value representations and registered UIDs of PS3.6, as the dictionaries of pydicom 3.0.2 list them.  Only
facts are taken (tag, VR, code, keyword, UID), no code.  It runs by hand, where both packages are installed:

    pip install dicom-anonymizer==2.1.0 pydicom==3.0.2
    python3 make_table.py DIRECTORY_FOR_THE_TWO_FILES
"""
import re
import sys

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as profile
from pydicom._dicom_dict import DicomDictionary
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


def write(path, what, lines):
    with open(path, "w", encoding="ascii") as out:
        out.write(HEAD.format(what=what) + "\n".join(lines) + "\n")


def main():
    where = sys.argv[1]
    write(where + "/table_rows.inc", "Elements of DICOM PS3.6 that are not retired, or stand in PS3.15 Table E.1-1 (2026c):\n"
          " * tag, its VRs, code of the Basic profile (\"-\": no row), whether its text names somebody or something.", rows())
    write(where + "/table_uids.inc", "UIDs that DICOM PS3.6 registers, in the order of strcmp: they name no person's things.",
          (f'"{uid}",' for uid in sorted(UID_dictionary) if uid.startswith("1.2.840.10008.")))


main()
