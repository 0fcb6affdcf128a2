/* DICOM files of a few elements, byte by byte, for tests of headers. */
#pragma once

#include "base/bytes.h"

typedef struct dicom {
	emr_buf bytes;
	bool is_implicit; /* of the data set; the file meta group is explicit */
} dicom;

/* Preamble, DICM and a file meta group with SYNTAX; the caller frees D->bytes. */
void dicom_begin(dicom *d, const char *syntax);
/* VALUE is padded to an even length. */
void dicom_text(dicom *d, uint32_t tag, const char *vr, const char *value);
/* A sequence with one item that holds a study date of its own; with or without lengths. */
void dicom_sequence(dicom *d, uint32_t tag, bool has_length);
