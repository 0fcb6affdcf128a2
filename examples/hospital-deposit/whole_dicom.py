"""This module says whether a DICOM file is whole, and whose it is.  whole(path) reads its structure to the last byte, because tools of the
field read a file that was cut off without a word; it refuses a cut file, one with bytes behind its end, and nesting without end.  Nothing is decoded before."""
import mmap
import os
import struct
import zlib

from pydicom import dcmread
from pydicom.uid import UID

DEEPEST = 32
MOST_INFLATED = 256 << 20
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_ENDS, SEQUENCE_ENDS = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
LONG_FORM = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
IMPLICIT, DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
ROWS, PIXELS = (0x0028, 0x0010), {(0x7FE0, 0x0008), (0x7FE0, 0x0009), (0x7FE0, 0x0010), (0x0028, 0x7FE0)}
ASKED = ["SOPClassUID", "SOPInstanceUID", "Modality", "StudyDate", "StudyInstanceUID", "PatientID", "IssuerOfPatientID",
         "PatientBirthDate", "PatientName"]


class Broken(Exception):
    """What is wrong with the file, as a person reads it."""


class Walk:
    """Steps over the elements of one data set; no position is ever behind its end."""

    def __init__(self, data, implicit, big):
        self.data, self.implicit, self.order = data, implicit, ">" if big else "<"

    def read(self, form, at, end):
        size = struct.calcsize(self.order + form)
        if at + size > end:
            raise Broken("it is cut off")
        return struct.unpack_from(self.order + form, self.data, at), at + size

    def head(self, at, end, implicit):
        """Tag, kind and length of what begins there, and where its value does."""
        tag, at = self.read("HH", at, end)
        if tag[0] == 0xFFFE or implicit:
            (length,), at = self.read("L", at, end)
            return tag, b"", length, at
        (kind,), at = self.read("2s", at, end)
        if not (kind.isalpha() and kind.isupper()):
            raise Broken("it has bytes that are no DICOM element")
        (length,), after = self.read("H", at, end)
        if kind in LONG_FORM:
            (length,), after = self.read("L", at + 2, end)
        return tag, kind, length, after

    def elements(self, at, end, implicit, depth, seen=None):
        """From at to end, or to the mark that ends an item when depth says that there is one; returns where it ended."""
        while at < end:
            tag, kind, length, at = self.head(at, end, implicit)
            if tag == ITEM_ENDS and depth:
                return at
            if tag[0] == 0xFFFE:
                raise Broken("an item stands where none may be")
            if seen is not None:
                # Of two values each program takes the one that it likes, and what stands behind the pixels some do not see.
                if tag[0] == 0x0010 and (tag in seen or seen & PIXELS):
                    raise Broken("what it says of its patient stands twice, or behind the pixels")
                seen.add(tag)
            if length != UNDEFINED:
                at += length
            elif kind in (b"OB", b"OW") and not implicit:
                at = self.items(at, end, implicit, depth + 1, raw=True)
            else:  # a sequence; of an unknown kind it is always in the implicit form
                at = self.items(at, end, implicit or kind == b"UN", depth + 1)
            if at > end:
                raise Broken("it is cut off")
        if depth:
            raise Broken("it is cut off")
        return at

    def items(self, at, end, implicit, depth, raw=False):
        if depth > DEEPEST:
            raise Broken("it is nested too deeply")
        while True:
            tag, _, length, at = self.head(at, end, implicit)
            if tag == SEQUENCE_ENDS:
                return at
            if tag != ITEM or (raw and length == UNDEFINED):
                raise Broken("a sequence has something else than items")
            at = self.elements(at, end, implicit, depth) if length == UNDEFINED else at + length


def data_set(data):
    """Transfer syntax, and where the data set begins, behind what stands before it."""
    if len(data) < 132 or data[128:132] != b"DICM":
        raise Broken("it does not begin as a DICOM file")
    walk, at, syntax = Walk(data, implicit=False, big=False), 132, None
    while at + 2 <= len(data) and data[at:at + 2] == b"\x02\x00":
        tag, _, length, at = walk.head(at, len(data), False)
        if length > len(data) - at:
            raise Broken("it is cut off")
        if tag == (2, 0x0010):
            syntax = data[at:at + length].rstrip(b"\0 ").decode("ascii", "replace")
        at += length
    if syntax is None or at == len(data):
        raise Broken("it names no transfer syntax, or is empty")
    return syntax, at


def structure(data):
    syntax, at = data_set(data)
    if syntax == DEFLATED:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        inflated = stream.decompress(data[at:], MOST_INFLATED)
        if not stream.eof or len(stream.unused_data) > 9:  # some write a check sum behind it, and a byte that makes it even
            raise Broken("it is cut off, or larger than it may be")
        data, at = inflated, 0
    seen = set()
    Walk(data, syntax == IMPLICIT, syntax == BIG_ENDIAN).elements(at, len(data), syntax == IMPLICIT, 0, seen)
    return syntax, ROWS in seen, bool(seen & PIXELS)


def issuer_of(header):
    """Of the patient's number, where (0010,0021) does not say it; an empty text where nobody does."""
    said = {str(one.get("UniversalEntityID") or "").strip() for one in header.get("IssuerOfPatientIDQualifiersSequence") or []
            if "UniversalEntityID" in one or one.dir("Assigning")}
    if said and (len(said) > 1 or "" in said):
        raise Broken("who issued its patient's number stands in (0010,0024) without one name")
    return "".join(said)


def whole(path):
    """What the file says of itself (ASKED, as text) with the transfer syntax and where the data set begins; Broken when it is not whole."""
    try:
        if os.path.getsize(path) == 0:
            raise Broken("it is empty")
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            begins = data_set(data)[1]
            syntax, has_rows, has_pixels = structure(data)
        header = dcmread(path, stop_before_pixels=True, specific_tags=ASKED + ["SpecificCharacterSet", "IssuerOfPatientIDQualifiersSequence"])
        said = {name: str(header.get(name, "") or "").strip() for name in ASKED}
        said["IssuerOfPatientID"] = said["IssuerOfPatientID"] or issuer_of(header)
    except Broken:
        raise
    except Exception as error:  # whatever a hostile file makes a library do, the file is held and the next one comes
        raise Broken(f"it cannot be read ({type(error).__name__})") from error
    if not said["SOPInstanceUID"]:
        raise Broken("it has no SOP Instance UID")
    # A file that was cut off between two elements has no torn one; an image is then without its pixels, which come last.
    if not has_pixels and (has_rows or "Image Storage" in UID(said["SOPClassUID"]).name):
        raise Broken("it is an image without pixels")
    return said | {"syntax": syntax, "begins": begins}
