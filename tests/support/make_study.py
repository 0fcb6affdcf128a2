"""make_study.py SEED DIR: one participant's records as a research group has them: a series of DICOM, a BIDS folder with volumes, a table, a
database, reads of a genome; and Parquet, HDF5, Zarr where Debian's or another Python has what writes them.  SEED makes them different."""
import contextlib, gzip, json, math, os, random, sqlite3, struct, sys

from pydicom import dcmread
from pydicom.data import get_testdata_file

noise = random.Random(sys.argv[1])
os.makedirs(sys.argv[2])
os.chdir(sys.argv[2])


def put(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as out:
        out.write(data if isinstance(data, bytes) else data.encode())


def volume(*sizes):
    """NIfTI-1: shorts, voxels of 2 mm."""
    head = struct.pack("<i28xi2xcx8h", 348, 0, b"r", len(sizes), *sizes, *[1] * (7 - len(sizes))) + bytes(14)
    head += struct.pack("<hhh8fffh2B", 4, 16, 0, 1, *[2] * 7, 352, 1, 0, 0, 10)
    head = head.ljust(252, b"\0") + struct.pack("<hh6f12f", 0, 1, *[0] * 6, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0)
    voxels = struct.pack(f"<{math.prod(sizes)}h", *(noise.randrange(1000) for _ in range(math.prod(sizes))))
    return head.ljust(344, b"\0") + b"n+1\0" + bytes(4) + voxels


ct = dcmread(get_testdata_file("CT_small.dcm"))
ct.remove_private_tags()
ct.StudyInstanceUID, ct.SeriesInstanceUID = "1.2.826.0.1.3680043.10.7.1", "1.2.826.0.1.3680043.10.7.2"
os.mkdir("CT")
for number in range(8):
    ct.SOPInstanceUID = ct.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.10.7.2.{number}"
    ct.InstanceNumber, ct.ImagePositionPatient = number + 1, [0, 0, number * 5]
    ct.PixelData = ct.PixelData[2:] + struct.pack("<h", noise.randrange(1000))
    ct.save_as(f"CT/{number:03}.dcm")
put("t1.nii", volume(32, 32, 16))
put("BIDS/dataset_description.json", json.dumps({"Name": "knees", "BIDSVersion": "1.8.0", "DatasetType": "raw", "Authors": ["A", "B"]}))
put("BIDS/README", "What this folder has. " * 20)
put("BIDS/participants.tsv", "participant_id\tage\nsub-01\t40\n")
put("BIDS/.bidsignore", "extra/\n")
put("BIDS/extra/notes.txt", "x")
put("BIDS/sub-01/anat/sub-01_T1w.nii.gz", gzip.compress(volume(32, 32, 16), mtime=0))
put("BIDS/sub-01/anat/sub-01_T1w.json", '{"EchoTime": 0.003}')
rows = [(i, noise.random(), f"x{i % 50}") for i in range(20000)]
put("big.csv", "t,v,s\n" + "".join(f"{t},{v},{s}\n" for t, v, s in rows))
with sqlite3.connect("visits.sqlite") as base:
    base.execute("CREATE TABLE visits (t INTEGER PRIMARY KEY, v REAL, s TEXT)")
    base.executemany("INSERT INTO visits VALUES (?, ?, ?)", rows)
put("reads.sam", "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:100000\n" + "".join(
    f"r{p}\t0\tchr1\t{p}\t60\t20M\t*\t0\t0\t{''.join(noise.choice('ACGT') for _ in range(20))}\t{'I' * 20}\n" for p in range(1, 40000, 8)))
with contextlib.suppress(ImportError):
    import pandas
    pandas.DataFrame(rows, columns=["t", "v", "s"]).to_parquet("big.parquet", row_group_size=5000)
with contextlib.suppress(ImportError):
    import h5py
    with h5py.File("x.h5", "w") as out:
        out.create_dataset("a", data=[[noise.random() for _ in range(400)] for _ in range(200)], chunks=(50, 100), compression="gzip")
with contextlib.suppress(ImportError):
    import zarr
    for form in ({"zarr_format": 2}, {"zarr_format": 3}) if zarr.__version__ >= "3" else ({},):
        zarr.open(f"v{form.get('zarr_format', 2)}.zarr", mode="w", shape=(400, 400), chunks=(100, 100), dtype="f8", **form)[:] = noise.random()
