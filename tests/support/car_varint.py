"""car_varint.py: the numbers of CAR, dag-pb and CIDs, and where the sections of a CAR lie; for the tools beside it."""


def varint(data, at):
    """The number at AT, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def sections(data):
    """Where each block's CID begins, and where the block ends."""
    n, at = varint(data, 0)
    at += n
    while at < len(data) and data[at] != 0:
        n, at = varint(data, at)
        yield at, at + n
        at += n
