#!/usr/bin/env python3
"""make_cd.py DIR SLICES: a patient's CD as hospitals burn it: DIR/DICOM/ST0/SE0/IM0 ..., three series of CT slices whose pixels
differ, made from pydicom's CT_small.  dcmmkdir adds the DICOMDIR."""
import array
import os
import random
import sys

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

top, slices = sys.argv[1], int(sys.argv[2])
data = dcmread(get_testdata_file("CT_small.dcm"))
pixels = array.array("h", data.PixelData)
study = generate_uid(entropy_srcs=["study"])
noise = random.Random(7)
data.PatientName, data.PatientID, data.StudyID = "Silva^Ana", "K7QF", "1"
data.StudyInstanceUID = study
for series in range(3):
    folder = os.path.join(top, "DICOM", "ST0", f"SE{series}")
    os.makedirs(folder)
    data.SeriesInstanceUID = generate_uid(entropy_srcs=["series", str(series)])
    data.SeriesNumber = series + 1
    for number in range(slices // 3):
        uid = generate_uid(entropy_srcs=["slice", str(series), str(number)])
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid
        data.InstanceNumber = number + 1
        data.ImagePositionPatient = [0, 0, number]
        add = [noise.randrange(64) for _ in range(64)]
        data.PixelData = array.array("h", [p + add[i & 63] for i, p in enumerate(pixels)]).tobytes()
        data.save_as(os.path.join(folder, f"IM{number}"))
