"""pdf_form_made.py OUT CONSENT [--sign KEY CERT [CHAIN]] [--modern] [--way WAY]: a PDF form with CONSENT attached, signed (detached CMS, ByteRange) as a hospital would.

--modern puts the objects into a compressed stream, as PDF 1.5 does. WAY spoils it: changed (a byte after signing), added (an update after it), part (the range ends early), late (it begins late),
gap (something beside the signature where it does not cover), twice (a second signature in an update), several (two Consents), none (no Consent), bomb (1 GiB of zeros), slow (12 GiB of
blanks that mean nothing, in 20 KB), deep (a tree of names 5,000 deep), sha1 (a weak digest), inside (the signature has its content in it).
"""
import argparse
import subprocess
import tempfile
import zlib

ROOM = 16384  # hexadecimal digits for the signature


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("consent")
    parser.add_argument("--sign", nargs="+")
    parser.add_argument("--modern", action="store_true")
    parser.add_argument("--way", default="")
    parser.add_argument("--name", default="consent.json")
    return parser.parse_args()


def stream(entries, data):
    packed = zlib.compress(data, 9)
    return b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (entries, len(packed), packed)


def bomb():
    """1 GiB of zeros, packed twice."""
    pack = zlib.compressobj(9)
    once = b"".join(pack.compress(bytes(1 << 20)) for _ in range(1024)) + pack.flush()
    twice = zlib.compress(once, 9)
    return b"<< /Type /EmbeddedFile /Filter [/FlateDecode /FlateDecode] /Length %d >>\nstream\n%s\nendstream" % (len(twice), twice)


def slow():
    """12 GiB of blanks, packed twice, of which hexadecimal digits are made: none."""
    pack = zlib.compressobj(9)
    head = pack.compress(bytes(b" " * (1 << 20))) + pack.flush(zlib.Z_FULL_FLUSH)
    again = pack.compress(bytes(b" " * (1 << 20))) + pack.flush(zlib.Z_FULL_FLUSH)
    twice = zlib.compress(head + again * (12 << 10), 9)
    return b"<< /Type /EmbeddedFile /Filter [/FlateDecode /FlateDecode /ASCIIHexDecode] /Length %d >>\nstream\n%s\nendstream" % (len(twice), twice)


def placeholder(kind=b"/ETSI.CAdES.detached"):
    return (b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter %s /ByteRange [0 ********** ********** **********]" % kind +
            b" /Contents <" + b"0" * ROOM + b"> >>")


def objects(args, consent):
    """number -> bytes; 6 and 8 are streams, 10 is the signature."""
    made = {
        1: b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles 4 0 R >> /AF [5 0 R]" +
           (b" /AcroForm << /SigFlags 3 /Fields [9 0 R] >>" if args.sign else b"") + b" >>",
        2: b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]" + (b" /Annots [9 0 R]" if args.sign else b"") + b" >>",
        4: b"<< /Names [(%s) 5 0 R] >>" % args.name.encode(),
        5: b"<< /Type /Filespec /F (%s) /UF (%s) /AFRelationship /Data /EF << /F 6 0 R >> >>" % ((args.name.encode(),) * 2),
        6: bomb() if args.way == "bomb" else slow() if args.way == "slow" else stream(b"/Type /EmbeddedFile /Subtype /application#2Fjson", consent),
    }
    if args.way == "several":
        made[4] = b"<< /Names [(a.json) 5 0 R (b.json) 7 0 R] >>"
        made[7] = b"<< /Type /Filespec /F (b.json) /UF (b.json) /EF << /F 8 0 R >> >>"
        made[8] = stream(b"/Type /EmbeddedFile", consent)
    if args.way == "none":
        made[4] = b"<< /Names [] >>"
    if args.way == "deep":
        made[4] = b"<< /Kids [20 0 R] >>"
        made.update({n: b"<< /Kids [%d 0 R] >>" % (n + 1) for n in range(20, 5020)})
        made[5020] = b"<< /Names [(a.json) 5 0 R] >>"
    if args.sign:
        made[9] = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (signature) /Rect [0 0 0 0] /P 3 0 R /V 10 0 R >>"
        made[10] = placeholder()
    return made


def classic(made):
    out, at = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", {}
    for number, body in sorted(made.items()):
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, top = len(out), max(made) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % top
    for number in range(1, top):
        out += b"%010d 00000 n \n" % at[number] if number in at else b"0000000000 65535 f \n"
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (top, start)


def modern(made):
    out, rows = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", {0: (0, 0, 65535)}
    packed = [number for number in sorted(made) if number not in (6, 8, 10)]
    holder, table = max(made) + 1, max(made) + 2
    heads, body = b"", b""
    for index, number in enumerate(packed):
        heads += b"%d %d " % (number, len(body))
        body += made[number] + b"\n"
        rows[number] = (2, holder, index)
    whole = {number: made[number] for number in made if number not in packed}
    whole[holder] = stream(b"/Type /ObjStm /N %d /First %d" % (len(packed), len(heads)), heads + body)
    for number, text in sorted(whole.items()):
        rows[number] = (1, len(out), 0)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    rows[table] = (1, len(out), 0)
    start = len(out)
    cells = b"".join(bytes([kind]) + a.to_bytes(4, "big") + b.to_bytes(2, "big") for kind, a, b in (rows.get(n, (0, 0, 65535)) for n in range(table + 1)))
    return out + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        table, stream(b"/Type /XRef /Size %d /W [1 4 2] /Root 1 0 R" % (table + 1), cells), start)


def sign(pdf, args, skip=0):
    """The last placeholder is filled; SKIP bytes at the end are left out of the range."""
    start = pdf.rindex(b"/Contents <" + b"0" * ROOM) + len(b"/Contents ")
    end = start + ROOM + 2
    hole = b"**********"
    values = (start, end, len(pdf) - skip - end)
    before = pdf.rindex(b"/ByteRange")
    head, tail = pdf[:before], pdf[before:]
    for value in values:
        tail = tail.replace(hole, b"%010d" % value, 1)
    if args.way == "late":
        tail = tail.replace(b"/ByteRange [0 %010d" % start, b"/ByteRange [9 %010d" % (start - 9), 1)
    pdf = head + tail
    inside = args.way == "inside"
    command = ["openssl", "cms", "-sign", "-binary", "-nosmimecap", "-outform", "DER", "-md", "sha1" if args.way == "sha1" else "sha256",
               "-inkey", args.sign[0], "-signer", args.sign[1]] + (["-certfile", args.sign[2]] if len(args.sign) > 2 else []) + (["-nodetach"] if inside else [])
    covered = pdf[9 if args.way == "late" else 0:start] + pdf[end:len(pdf) - skip]
    with tempfile.NamedTemporaryFile() as file:
        file.write(covered[:100] if inside else covered)
        file.flush()
        der = subprocess.run(command + ["-in", file.name], check=True, capture_output=True).stdout
    return pdf[:start + 1] + der.hex().encode().ljust(ROOM, b"0") + pdf[end - 1:]


def update(pdf, made):
    """Objects that are added, or replaced, after what is there."""
    out, at = pdf, {}
    previous = int(pdf[pdf.rindex(b"startxref") + 9:].split()[0])
    for number, body in sorted(made.items()):
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % one for one in sorted(at.items()))
    return out + b"trailer\n<< /Size 40 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (previous, start)


def main(args):
    with open(args.consent, "rb") as file:
        consent = file.read()
    made = objects(args, consent)
    pdf = (modern if args.modern else classic)(made)
    if args.sign and args.way == "part":
        pdf = sign(pdf + b"% more\n", args, 7)
    elif args.sign:
        pdf = sign(pdf, args)
    if args.way == "changed":
        at = pdf.index(b"/MediaBox [0 0 595") + 15
        pdf = pdf[:at] + b"6" + pdf[at + 1:]
    if args.way == "gap":  # where nothing covers it: after the signature's digits
        at = pdf.rindex(b"0>")
        pdf = pdf[:at] + b" >"[:1] + pdf[at + 1:]
    if args.way == "added":
        pdf = update(pdf, {6: stream(b"/Type /EmbeddedFile", consent.replace(b"TREAT", b"HRESCH"))})
    if args.way == "twice":
        catalog = made[1].replace(b"[9 0 R]", b"[9 0 R 11 0 R]")
        field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (second) /Rect [0 0 0 0] /P 3 0 R /V 12 0 R >>"
        pdf = sign(update(pdf, {1: catalog, 11: field, 12: placeholder()}), args)
    with open(args.out, "wb") as file:
        file.write(pdf)


if __name__ == "__main__":
    main(arguments())
