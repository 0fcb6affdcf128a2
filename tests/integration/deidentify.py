#!/usr/bin/env python3
"""deidentify.py HELPER FILES: plants identifiers in real DICOM files wherever de-identifiers of the field are known to leave
some, in each transfer syntax.  No identifier is left in a copy; pydicom, dcmtk and dcm2niix read the copies, and see the same pixels.
HELPER is the program that emrfs starts, FILES the program that calls it as emrfs does (deidentify_files.c)."""
import copy
import glob
import itertools
import os
import struct
import subprocess
import sys
import tempfile

from pydicom import Dataset, Sequence, dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_pixel_data_frame
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

HELPER, FILES = sys.argv[1:3]
UID = "1.2.276.7.19590708"
bad = []
marks = []


def check(is_so, words):
    if not is_so:
        bad.append(words)
        print("not so:", words)


def mark(prefix="PLANT"):
    """A text that stands nowhere else."""
    marks.append(f"{prefix}{len(marks):04d}X")
    return marks[-1]  # ten characters, which is even


def item(**values):
    made = Dataset()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def plant(data):
    """Where tools are known to leave something: in and beside the standard's table, at every depth, private, unknown, in graphics."""
    data.PatientName, data.PatientID, data.PatientBirthDate = f"{mark()}^Ana", mark(), "19590708"
    for name in ("AccessionNumber", "StudyID", "ReferringPhysicianName", "StudyDescription", "SeriesDescription", "ProtocolName",
                 "ImageComments", "PatientComments", "AdditionalPatientHistory", "InstitutionName", "StationName",
                 "DeviceSerialNumber", "DerivationDescription", "Manufacturer", "ManufacturerModelName", "SoftwareVersions",
                 "IssuerOfPatientID", "PatientAddress", "PatientBirthName", "OperatorsName", "WindowCenterWidthExplanation",
                 "RequestedProcedureDescription", "PositionReferenceIndicator", "RescaleType", "ConvolutionKernel"):
        setattr(data, name, mark())
    data.StudyDate, data.StudyTime = "20240119", "233015.250000"
    data.SeriesDate = data.ContentDate = data.AcquisitionDate = "20240120"
    data.AcquisitionTime = data.ContentTime = "001015.750000"
    data.AcquisitionDateTime, data.TimezoneOffsetFromUTC = "20240119231015.750000+0000", "+0100"
    data.InstanceCreationDate, data.DateOfLastCalibration, data.TimeOfLastCalibration = "20240121", ["19700101", "20240105"], ["000000", "071500"]
    data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID = UID + ".1", UID + ".2", UID + ".3"
    data.FrameOfReferenceUID, data.IrradiationEventUID = UID + ".4", UID + ".5"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.OtherPatientIDsSequence = Sequence([item(PatientID=mark(), TypeOfPatientID="TEXT")])
    data.RequestAttributesSequence = Sequence([item(ScheduledProcedureStepDescription=mark())])
    data.OriginalAttributesSequence = Sequence([item(ModifyingSystem=mark(), SourceOfPreviousValues=mark(), ModifiedAttributesSequence=Sequence(
        [item(PatientName=mark())]), ReasonForTheAttributeModification="COERCE", AttributeModificationDateTime="20240122")])
    data.AcquisitionContextSequence = Sequence([item(TextValue=mark())])
    data.ProcedureCodeSequence = Sequence([item(CodeValue="77477000", CodingSchemeDesignator="SCT", CodeMeaning=mark(),
                                                MappingResource="DCMR", ContextGroupVersion="20170914", ContextIdentifier="4031"),
                                           item(CodeValue=mark(), CodingSchemeDesignator="99X", CodeMeaning=mark())])
    data.ReferencedImageSequence = Sequence([item(ReferencedSOPClassUID=data.SOPClassUID, ReferencedSOPInstanceUID=UID + ".6")])
    data.IconImageSequence = Sequence([item(Rows=1, Columns=8, BitsAllocated=8, PixelData=mark().encode())])
    data.AnatomicRegionSequence = Sequence([item(CodeValue="39607008", CodingSchemeDesignator="SCT", CodeMeaning=mark(), PatientName=mark())])
    data.AnatomicRegionSequence[0].add_new(0x00090010, "LO", mark())
    data.add_new(0x00324000, "LT", mark())  # StudyComments
    data.add_new(0x00090010, "LO", mark())
    data.add_new(0x00091001, "LO", mark())
    data.add_new(0x00091002, "UN", mark().encode())
    data.add_new(0x00091003, "SQ", Sequence([item(PatientName=mark())]))
    data.add_new(0x00111001, "LO", mark())  # without a creator
    data.add_new(0x00089ffe, "UN", mark().encode())
    data.add_new(0x60000010, "US", 4)
    data.add_new(0x60000011, "US", 4)
    data.add_new(0x60000040, "CS", "G")
    data.add_new(0x60000102, "US", 0)
    data.add_new(0x60003000, "OW", mark().encode())
    data.add_new(0x60004000, "LT", mark())
    data.add_new(0x60001500, "LO", mark())
    data.add_new(0x50003000, "OW", mark().encode())
    data.add_new(0xfffcfffc, "OB", mark().encode())
    data.preamble = mark().encode().ljust(128, b"p")
    data.file_meta.SourceApplicationEntityTitle = mark()
    data.file_meta.ImplementationVersionName = mark()
    data.file_meta.PrivateInformationCreatorUID = UID + ".7"
    data.file_meta.PrivateInformation = mark().encode()
    return data


def save(data, path):
    for element in data.iterall():
        if element.VR == "OB" or element.VR == "UN" or element.VR == "OW":
            if isinstance(element.value, bytes) and len(element.value) & 1:
                element.value += b"\0"
    data.save_as(path, write_like_original=False)
    return path


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def recode(data, top, *command):
    """DATA as another program of the field writes it."""
    before, after = os.path.join(top, "before.dcm"), os.path.join(top, "after.dcm")
    data.save_as(before)
    done = run(*command, before, after)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    return dcmread(after)


def originals(top):
    """Name to data set: a CT in each transfer syntax, and other kinds."""
    ct = dcmread(get_testdata_file("CT_small.dcm"))
    ct.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    mr = dcmread(get_testdata_file("MR_small.dcm"))
    mr.ImageType, mr.BodyPartExamined = ["ORIGINAL", "PRIMARY", "M"], "KNEE"
    made = {"explicit": copy.deepcopy(ct), "implicit": copy.deepcopy(ct), "mr": mr}
    made["implicit"].file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    made["implicit"].is_implicit_VR = True
    big = dcmread(get_testdata_file("MR_small_bigendian.dcm"))
    big.ImageType, big.BodyPartExamined = mr.ImageType, "KNEE"
    assert big.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    made["big"] = big
    made["rle"] = recode(ct, top, "dcmcrle")
    made["jpeg"] = recode(ct, top, "dcmcjpeg", "+e1")
    made["jpeg_ls"] = recode(ct, top, "dcmcjpls")
    j2k = dcmread(get_testdata_file("J2K_pixelrep_mismatch.dcm"))
    j2k.BodyPartExamined = "CHEST"
    made["j2k"] = j2k
    made["dose"] = dcmread(get_testdata_file("rtdose.dcm"))
    made["segments"] = dcmread(get_testdata_file("liver_1frame.dcm"))
    for data in made.values():
        if "BodyPartExamined" not in data:
            data.BodyPartExamined = "CHEST"
        plant(data)
        if data.Modality in ("SEG", "RTDOSE"):
            for name in ("RescaleType", "ConvolutionKernel", "WindowCenterWidthExplanation"):
                delattr(data, name)
    return made


def copies(top, paths, dataset="set", participant="ana", options="-"):
    """The paths of the copies, None for what was withheld, the reasons, and the pseudonym."""
    out = tempfile.mkdtemp(dir=top)
    done = run(FILES, HELPER, dataset, participant, options, out, *paths)
    check(done.returncode == 0, f"copying ends well: {done.stdout} {done.stderr}")
    lines = done.stdout.splitlines()
    made = [os.path.join(out, f"{i}.dcm") if line.startswith("copied") else None for i, line in enumerate(lines[:-1])]
    return made, lines[:-1], lines[-1].split()[0]


def decoded(path, top):
    """Pixels as dcmtk decodes them (J2K: as dcm2niix does)."""
    data = dcmread(path)
    name = data.file_meta.TransferSyntaxUID.name
    tool = "dcmdrle" if "RLE" in name else "dcmdjpls" if "JPEG-LS" in name else "dcmdjpeg" if "JPEG Lossless" in name else None
    if "2000" in name:
        folder = tempfile.mkdtemp(dir=top)
        done = run("dcm2niix", "-o", folder, "-f", "x", "-s", "y", path)
        images = glob.glob(folder + "/*.nii")
        check(images != [], f"dcm2niix reads {path}: {done.stdout}")
        return open(images[0], "rb").read()[352:] if images else None
    if tool is None:
        return data.PixelData
    plain = os.path.join(top, "plain.dcm")
    done = run(tool, path, plain)
    check(done.returncode == 0, f"{tool} reads {path}: {done.stderr}")
    return dcmread(plain).PixelData


def look_at(name, original, made, top, pseudonym):
    whole = open(made, "rb").read()
    for word in marks + [UID, "19590708", "20240119", "20240120", "20240121", "20240122", "Ana"]:
        check(word.encode() not in whole, f"{name}: {word} is gone")
        check(word.encode("utf-16-le") not in whole, f"{name}: {word} is gone as UTF-16")
    data = dcmread(made)
    for element in data.iterall():
        check(element.tag.group % 2 == 0 and element.tag.group & 0xff00 not in (0x5000, 0x6000), f"{name}: {element.tag} is gone")
        str(element.value)  # decodes
    check(data.PatientID == data.PatientName == pseudonym, f"{name}: pseudonym")
    check(data.PatientIdentityRemoved == "YES" and data.LongitudinalTemporalInformationModified == "MODIFIED", f"{name}: says so")
    check([i.CodeValue for i in data.DeidentificationMethodCodeSequence] == ["113100", "113107"], f"{name}: methods")
    check(data.SOPInstanceUID == data.file_meta.MediaStorageSOPInstanceUID, f"{name}: one name")
    check(data.ProcedureCodeSequence[0].CodeMeaning == "77477000" and len(data.ProcedureCodeSequence) == 1, f"{name}: codes")
    check(whole[:128] == bytes(128), f"{name}: preamble")
    dumped = run("dcmdump", "-E", "+Ep", made)
    check(dumped.returncode == 0 and dumped.stderr == "", f"{name}: dcmdump reads it: {dumped.stderr}")
    pixels = decoded(original, top)
    check(pixels is not None and pixels == decoded(made, top), f"{name}: pixels are the same")
    return data


def seconds(data, date, time):
    from datetime import datetime
    return datetime.strptime(data[date].value + data[time].value, "%Y%m%d%H%M%S.%f")


NO_DATES = ("", None, "18581117", "000000", "18581117000000")
VISIT = {what + kind for what in ("Study", "Series", "Acquisition", "Content") for kind in ("Date", "Time", "DateTime")} | {
    "RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime", "FrameAcquisitionDateTime", "FrameReferenceDateTime"}


def dates(data):
    return {e.keyword for e in data.iterall() if e.VR in ("DA", "TM", "DT") and e.value not in NO_DATES}


def planted_identifiers_are_gone(top):
    made = originals(top)
    paths = [save(data, os.path.join(top, name + ".dcm")) for name, data in made.items()]
    out, lines, pseudonym = copies(top, paths)
    known = []
    for name, path, copied, line in zip(made, paths, out, lines):
        check(copied is not None, f"{name} is copied: {line}")
        if copied is not None:
            known.append(look_at(name, path, copied, top, pseudonym))
    check(len({d.StudyInstanceUID for d in known}) == 1, "one study stays one")
    check(all((seconds(d, "ContentDate", "ContentTime") - seconds(d, "StudyDate", "StudyTime")).total_seconds() == 2400.5 for d in known),
          "times keep their distance, over midnight")
    check(all(d.AcquisitionDateTime == d.AcquisitionDate + d.AcquisitionTime for d in known), "two ways to say a time say the same")
    check(all({"StudyDate", "AcquisitionDateTime"} <= dates(d) <= VISIT for d in known), "only days of the patient are moved")
    check(not any(e.keyword.startswith(("Context", "Mapping")) for d in known for e in d.iterall()), "no list of codes is named")
    again, _, _ = copies(top, paths[:1])
    check(open(again[0], "rb").read() == open(out[0], "rb").read(), "the same file gives the same copy")
    for other in (("other", "ana"), ("set", "rui")):
        theirs, _, their_name = copies(top, paths[:1], *other)
        data = dcmread(theirs[0])
        check(their_name != pseudonym and data.PatientID == their_name, f"{other}: another pseudonym")
        check(not {data.StudyInstanceUID, data.SOPInstanceUID, data.StudyDate} & {known[0].StudyInstanceUID, known[0].SOPInstanceUID, known[0].StudyDate},
              f"{other}: nothing in common")
    undated, _, _ = copies(top, paths, options="n")
    for path in filter(None, undated):
        check(not dates(dcmread(path)), f"{path}: no dates")


# ---- compressed pixels, in fragments and with comments ----

CODECS = {"jpeg": ("dcmcjpeg", "+eb"), "jpeg_12": ("dcmcjpeg", "+ee"), "jpeg_lossless": ("dcmcjpeg", "+el"), "jpeg_sv1": ("dcmcjpeg", "+e1"),
          "jpeg_ls": ("dcmcjpls", "+el"), "jpeg_ls_near": ("dcmcjpls", "+en"), "j2k": ("gdcmconv", "--j2k", "--force"),
          "j2k_lossy": ("gdcmconv", "--j2k", "--lossy", "-r", "4", "--force"), "rle": ("dcmcrle",)}
BITS = {"jpeg": 8, "rle": 8, "jpeg_12": 12, "jpeg_ls_near": 12}
COMMENT = b"PLANTED by Ana "


def picture(bits, turn):
    """A CT of BITS, moved by TURN pixels, so that one frame is told from another."""
    data = dcmread(get_testdata_file("CT_small.dcm"))
    values = struct.unpack(f"<{len(data.PixelData) // 2}h", data.PixelData)
    values = [max(0, min(v, 4095)) for v in values[turn:] + values[:turn]]
    data.PixelData = bytes(v >> 4 for v in values) if bits == 8 else struct.pack(f"<{len(values)}H", *values)
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = (bits + 7) // 8 * 8, bits, bits - 1, 0
    for name in ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue"):
        if name in data:
            delattr(data, name)
    data["PixelData"].VR = "OB" if bits == 8 else "OW"
    return data


def with_comment(stream, length):
    """STREAM with a segment of LENGTH bytes, marker included, behind its first marker (JPEG 2000: behind SIZ, which must be first)."""
    is_j2k = stream[1] == 0x4f
    at = 4 + int.from_bytes(stream[4:6], "big") if is_j2k else 2
    body = (COMMENT * 9)[:length - 4]
    return stream[:at] + (b"\xff\x64" if is_j2k else b"\xff\xfe") + (length - 2).to_bytes(2, "big") + body + stream[at:]


def fragmented(stream, count):
    stream += b"\0" * (len(stream) % 2)
    step = (len(stream) // count) & ~1
    parts = [stream[i * step:(i + 1) * step] for i in range(count - 1)]
    return parts + [stream[(count - 1) * step:]]


def encapsulated(streams, count, table):
    """Pixel data of STREAMS in COUNT fragments each, its table of offsets if TABLE is "basic", and the offsets and lengths."""
    body, offsets = b"", []
    for stream in streams:
        offsets.append(len(body))
        for part in fragmented(stream, count):
            body += struct.pack("<HHI", 0xfffe, 0xe000, len(part)) + part
    basic = struct.pack(f"<{len(offsets)}I", *offsets) if table == "basic" else b""
    return struct.pack("<HHI", 0xfffe, 0xe000, len(basic)) + basic + body, offsets


def frames_at_offsets(value, count):
    """The COUNT images where the table of offsets says that they begin, each one fragment."""
    length = struct.unpack_from("<I", value, 4)[0]
    frames = []
    for i in range(length // 4):
        at = 8 + length + struct.unpack_from("<I", value, 8 + 4 * i)[0]
        group, number, size = struct.unpack_from("<HHI", value, at)
        check((group, number) == (0xfffe, 0xe000), "an offset leads to a fragment")
        frames.append(value[at + 8:at + 8 + size])
    check(len(frames) == count, "the table of offsets has each image")
    return frames


def decoders(name):
    if name == "rle":
        return [("dcmdrle",), ("gdcmconv", "--raw")]
    if name.startswith("j2k"):
        return [("gdcmconv", "--raw")]
    return [("dcmdjpls" if "ls" in name.split("_") else "dcmdjpeg",), ("gdcmconv", "--raw")]


def compressed(top):
    """For each codec a data set of three images, as its program writes one after the other, and their streams."""
    for name, command in CODECS.items():
        made = [recode(picture(BITS.get(name, 16), 1000 * turn), top, *command) for turn in range(3)]
        streams = [next(generate_pixel_data_frame(data.PixelData, 1)) for data in made]
        if name != "rle":  # the marker of its end is its end
            streams = [s[:s.rindex(b"\xff\xd9") + 2] for s in streams]
        data = made[0]
        data.ImageType, data.BodyPartExamined = ["ORIGINAL", "PRIMARY", "AXIAL"], "CHEST"
        yield name, data, streams


def save_compressed(data, path, streams, count, table):
    data.PixelData, offsets = encapsulated(streams, count, table)
    data.NumberOfFrames = len(streams)
    if table == "extended":
        data.ExtendedOffsetTable = struct.pack(f"<{len(offsets)}Q", *offsets)
        data.ExtendedOffsetTableLengths = struct.pack(f"<{len(offsets)}Q", *map(len, streams))
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
    for tag in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if tag in data:
            delattr(data, tag)
    return path


def pixels_stay(top):
    for name, data, streams in compressed(top):
        paths, said, seen = [], [], {}
        for images, count, length, table in itertools.product((1, 3), (1, 2, 3, 5), (0, 19, 20), ("none", "basic", "extended")):
            if name == "rle" and (count > 1 or length > 0) or table == "extended" and count > 1:
                continue
            used = [with_comment(s, length) if length else s for s in streams[:images]]
            said.append(f"{name}, {images} images in {count} fragments each, a comment of {length} bytes, table: {table}")
            paths.append(save_compressed(data, os.path.join(top, f"{name}{len(paths)}.dcm"), used, count, table))
        out, lines, _ = copies(top, paths)
        for words, copied, line in zip(said, out, lines):
            check(copied is not None, f"{words}: copied: {line}")
            if copied is None:
                continue
            value = dcmread(copied).PixelData
            images = 3 if "3 images" in words else 1
            found = frames_at_offsets(value, images)
            check(all(len(f) % 2 == 0 for f in found) and COMMENT not in value, f"{words}: even, without its comment")
            seen.setdefault(tuple(found), (copied, words))
        check(len(seen) == 2, f"{name}: however an image is cut into pieces, its copy is the same: {len(seen)} copies of 2")
        for frames, (copied, words) in seen.items():
            plain = save_compressed(data, os.path.join(top, "plain.dcm"), streams[:len(frames)], 1, "basic")
            for tool in decoders(name):
                wanted, got = (run_decoder(tool, path, top) for path in (plain, copied))
                check(wanted is not None and wanted == got, f"{words}: the same pixels for {tool[0]}")


def run_decoder(tool, path, top):
    raw = os.path.join(top, "raw.dcm")
    done = run(*tool, path, raw)
    if done.returncode != 0:
        print(f"{tool}: {path}: {done.stderr}")
        return None
    data = dcmread(raw).PixelData
    os.unlink(raw)
    return data


# ---- bits that the image does not have ----

def drawn(data, stored, high, is_signed):
    """DATA with samples of STORED bits, and NAME drawn in the bits around them; the samples, as the standard reads them."""
    low, used = high + 1 - stored, (1 << stored) - 1
    values = struct.unpack(f"<{len(data.PixelData) // 2}H", data.PixelData)
    name = itertools.cycle(b"".join(bytes(int(bit) for bit in f"{c:08b}") for c in b"Silva^Ana"))
    words, wanted = [], []
    for value, bit in zip(values, name):
        value &= used
        around = ~(used << low) & 0xffff if bit else 0
        words.append((value << low) | around)
        wanted.append(value - (1 << stored) if is_signed and value >> (stored - 1) else value)
    data.PixelData = struct.pack(f"<{len(words)}H", *words)
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, stored, high, int(is_signed)
    return wanted


def bits_are_cleared(top):
    """An independent decoder sees the same samples, and nothing but the sign beside them."""
    for stored, high, is_signed in ((12, 11, False), (12, 11, True), (12, 15, False), (12, 15, True), (10, 13, True), (8, 7, False), (15, 14, True)):
        for name, uid in (("explicit", None), ("implicit", ImplicitVRLittleEndian)):
            data = dcmread(get_testdata_file("CT_small.dcm"))
            data.ImageType, data.BodyPartExamined = ["ORIGINAL", "PRIMARY", "AXIAL"], "CHEST"
            for word in ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue"):
                if word in data:
                    delattr(data, word)
            wanted = drawn(data, stored, high, is_signed)
            if uid is not None:
                data.file_meta.TransferSyntaxUID, data.is_implicit_VR = uid, True
            said = f"{stored} bits to {high}, signed: {is_signed}, {name}"
            out, lines, _ = copies(top, [save(data, os.path.join(top, "drawn.dcm"))])
            check(out[0] is not None, f"{said}: copied: {lines}")
            if out[0] is None:
                continue
            made = dcmread(out[0])
            low = high + 1 - stored
            words = struct.unpack(f"<{len(made.PixelData) // 2}H", made.PixelData)
            check(list(words) == [(w << low) & 0xffff for w in wanted], f"{said}: nothing but samples and their signs")
            if low == 0:  # dcmtk knows no bits below the samples in its output
                raw = os.path.join(top, "drawn.pgm")
                done = run("dcmj2pnm", "+opw", "+Wm", out[0], raw)
                plain = run("dcmj2pnm", "+opw", "+Wm", os.path.join(top, "drawn.dcm"), raw + "0")
                check(done.returncode == plain.returncode == 0 and open(raw, "rb").read() == open(raw + "0", "rb").read(),
                      f"{said}: dcmtk sees the same picture: {done.stderr}")


WIDE = [("dcmcjpeg", "+e1"), ("dcmcjpls", "+el"), ("gdcmconv", "--jpeg"), ("gdcmconv", "--jpegls"), ("gdcmconv", "--j2k")] + [
    ("dcmcjpeg", "+el", "+sv", str(predictor)) for predictor in range(1, 8)]


def wide_samples_are_decoded(top):
    """dcmtk and gdcm code 16 bits of which a CT has 12: it is given where the others say nothing, and withheld where one sample's do."""
    for is_signed, command in itertools.product((False, True), WIDE):
        for last, why in ((None, None), (0x1000, "hidden-graphics"), (0x0800 if is_signed else 0x8000, "hidden-graphics")):
            data = picture(16, 0)
            values = list(struct.unpack(f"<{len(data.PixelData) // 2}H", data.PixelData))
            values = [v - 2048 & 0xffff for v in values] if is_signed else values
            values[-1] = values[-1] if last is None else last
            data.PixelData, data.PixelRepresentation = struct.pack(f"<{len(values)}H", *values), int(is_signed)
            data.ImageType, data.BodyPartExamined = ["ORIGINAL", "PRIMARY", "AXIAL"], "CHEST"
            data.IconImageSequence = Sequence([item(Rows=2, Columns=8, BitsAllocated=8, BitsStored=8, HighBit=7, SamplesPerPixel=1,
                                                    PixelRepresentation=0, PhotometricInterpretation="MONOCHROME2", PixelData=b"Silva^AnaSilva^A")])
            coded = recode(data, top, *command)  # dcmtk codes the icon, too
            coded.BitsStored, coded.HighBit = 12, 11
            out, lines, _ = copies(top, [save(coded, os.path.join(top, "wide.dcm"))])
            said = f"{command}, signed: {is_signed}, last: {last}"
            check(lines[0] == why if why else out[0] is not None, f"{said}: {lines}")
            if out[0] is not None:
                made = dcmread(out[0])
                check("IconImageSequence" not in made and made.BitsStored == 12, f"{said}: no icon")
                seen = [run_decoder(tool, path, top) for path in (os.path.join(top, "wide.dcm"), out[0])
                        for tool in (("gdcmconv", "--raw"),)]
                check(seen[0] is not None and seen[0] == seen[1], f"{said}: the same pixels")


def privates(path):
    return {f"{e.tag:08x}" for e in dcmread(path).iterall() if e.tag.is_private}


def volume(path, top):
    """Columns, rows and slices as dcm2niix unpacks the file at PATH, and the pixels in its order."""
    folder = tempfile.mkdtemp(dir=top)
    done = run("dcm2niix", "-o", folder, "-f", "x", "-s", "y", path)
    images = glob.glob(folder + "/*.nii")
    check(images != [], f"dcm2niix reads {path}: {done.stdout}")
    whole = open(images[0], "rb").read() if images else bytes(352)
    return struct.unpack("<3h", whole[42:48]), whole[352:]


def mosaics_keep_their_tiles(top):
    """A mosaic of four tiles is unpacked from its copy as from the original, where that is asked for, and has nothing else of its maker's."""
    data = dcmread(get_testdata_file("MR_small.dcm"))
    data.ImageType, data.Manufacturer, data.BodyPartExamined = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"], "SIEMENS", "KNEE"
    block = data.private_block(0x19, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0a, "US", 4)
    block.add_new(0x0f, "SH", mark())
    for name, uid in (("explicit", None), ("implicit", ImplicitVRLittleEndian)):
        if uid is not None:
            data.file_meta.TransferSyntaxUID, data.is_implicit_VR = uid, True
        path = save(data, os.path.join(top, f"mosaic-{name}.dcm"))
        wanted = volume(path, top)
        check(wanted[0] == (32, 32, 4), f"{name}: a mosaic of four: {wanted[0]}")
        for options, slices, left in (("-", (64, 64, 1), set()), ("p", (64, 64, 1), set()), ("t", (32, 32, 4), {"00190010", "0019100a"})):
            out, lines, _ = copies(top, [path], options=options)
            check(out[0] is not None, f"{name}, {options}: copied: {lines}")
            if out[0] is not None:
                got = volume(out[0], top)
                check(got[0] == slices and (options != "t" or got == wanted), f"{name}, {options}: unpacked: {got[0]}")
                check(privates(out[0]) == left, f"{name}, {options}: nothing else: {privates(out[0])}")


def safe_private_elements_stay(top):
    """Of a CT of GE with 170 private elements those stay that the standard lists, are numbers, and are asked for."""
    data = dcmread(get_testdata_file("CT_small.dcm"))
    data.ImageType, data.BodyPartExamined = ["ORIGINAL", "PRIMARY", "AXIAL"], "CHEST"
    path = save(data, os.path.join(top, "ge.dcm"))
    for options, left in (("-", set()), ("t", set()), ("p", {"00190010", "00191023", "00191024", "00191027", "00250010", "00251007"})):
        out, lines, _ = copies(top, [path], options=options)
        check(out[0] is not None, f"{options}: copied: {lines}")
        if out[0] is not None:
            made = dcmread(out[0])
            check(privates(out[0]) == left, f"{options}: private elements: {privates(out[0])}")
            check(all(made[e].value == data[e].value for e in left), f"{options}: their values")
            codes = [i.CodeValue for i in made.DeidentificationMethodCodeSequence]
            check(codes == ["113100", "113107"] + ["113111"] * (options != "-"), f"{options}: methods: {codes}")


def kinds_are_withheld(top):
    kinds = {"JPEG2000.dcm": "screenshot", "ExplVR_BigEnd.dcm": "photograph", "test-SR.dcm": "report", "reportsi.dcm": "report",
             "rtplan.dcm": "treatment", "waveform_ecg.dcm": "waveform", "image_dfl.dcm": "compression", "MR_truncated.dcm": "damaged",
             "MR_small.dcm": "burned-in", "no_meta.dcm": "not-dicom", "rtplan.dump": "not-dicom", "badVR.dcm": "hidden-graphics",
             "dicomdirtests/DICOMDIR": "directory"}
    folder = os.path.dirname(get_testdata_file("CT_small.dcm"))
    out, lines, _ = copies(top, [os.path.join(folder, name) for name in kinds])
    for (name, why), copied, line in zip(kinds.items(), out, lines):
        check(copied is None and line == why, f"{name} is withheld as {why}: {line}")


with tempfile.TemporaryDirectory(prefix="deidentify-") as where:
    planted_identifiers_are_gone(where)
    pixels_stay(where)
    bits_are_cleared(where)
    wide_samples_are_decoded(where)
    mosaics_keep_their_tiles(where)
    safe_private_elements_stay(where)
    kinds_are_withheld(where)
sys.exit(1 if bad else 0)
