#!/usr/bin/env python3
"""make_pdf.py BYTES FILE: a valid PDF of exactly BYTES bytes, with text on two pages and an image."""
import sys
import zlib


def objects(padding):
    text = b"".join(
        b"BT /F1 11 Tf 50 %d Td (Report line %d: all values within range.) Tj ET\n" % (780 - 14 * i, i)
        for i in range(50)
    )
    pixels = zlib.compress(bytes((x * y) % 251 for y in range(120) for x in range(120)))
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 7 0 R >> /XObject << /Im 8 0 R >> >> >>"
    yield b"<< /Type /Catalog /Pages 2 0 R >>"
    yield b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>"
    yield page % 5
    yield page % 6
    for stream in (text, b"q 300 0 0 300 100 300 cm /Im Do Q\n"):
        yield b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream"
    yield b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>"
    yield (
        b"<< /Type /XObject /Subtype /Image /Width 120 /Height 120 /ColorSpace /DeviceGray /BitsPerComponent 8"
        b" /Filter /FlateDecode /Length %d >>\nstream\n" % len(pixels) + pixels + b"\nendstream"
    )
    # Bytes that no page shows, as an attachment would bring.
    filler = bytes((i * 7919 + i // 256) % 256 for i in range(padding))
    yield b"<< /Length %d >>\nstream\n" % padding + filler + b"\nendstream"


def document(padding):
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects(padding), 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, table)
    return bytes(out)


def main():
    wanted, path = int(sys.argv[1]), sys.argv[2]
    # The length of numbers in the file grows with the padding: a few rounds settle it.
    padding = 0
    for _ in range(8):
        made = document(padding)
        if len(made) == wanted:
            break
        padding = max(0, padding + wanted - len(made))
    if len(made) != wanted:
        sys.exit(f"no document of {wanted} bytes: the nearest has {len(made)}")
    with open(path, "wb") as file:
        file.write(made)


main()
