/* This tells what the headers of DICOM files say of them: modality, date, description and
 * organisation, for the list of records. It refuses to guess: a field that is not plainly there, in
 * the few places it looks at, stays empty; and it reads only the beginning of a file, whatever that
 * file claims. */
#pragma once

#include "base/bytes.h"

/* Formats and sources: DICOM PS3.5 (explicit and implicit VR, little endian) and PS3.10 (file
 * meta).  Any thread. */
#define EMR_HEADERS_HEAD ((size_t)65536) /* no more of it is read */

typedef enum emr_header_kind {
	EMR_HEADER_NONE = 0, /* nothing that is known here */
	EMR_HEADER_DICOM = 1,
	EMR_HEADER_PDF = 2, /* this and the next: of records that earlier versions sealed */
	EMR_HEADER_FHIR = 3,
} emr_header_kind;

#define EMR_HEADER_TEXT_MAX 200 /* bytes of one text */

/* Texts are UTF-8 without control characters, trimmed, cut at a character; "" = not said. */
typedef struct emr_headers {
	emr_header_kind kind;
	char modality[EMR_HEADER_TEXT_MAX + 1]; /* DICOM (0008,0060) */
	char study_date[EMR_HEADER_TEXT_MAX +
			1]; /* YYYY-MM-DD or YYYY-MM or YYYY; a PDF's is its day of creation */
	char description[EMR_HEADER_TEXT_MAX + 1];
	char organisation[EMR_HEADER_TEXT_MAX + 1];
	/* Of DICOM only: what a workstation asks for and names in its answer. */
	char patient_name[EMR_HEADER_TEXT_MAX + 1];
	char patient_id[EMR_HEADER_TEXT_MAX + 1];
	char study_uid[EMR_HEADER_TEXT_MAX + 1];
	char series_uid[EMR_HEADER_TEXT_MAX + 1];
	char instance_uid[EMR_HEADER_TEXT_MAX + 1];
	char class_uid[EMR_HEADER_TEXT_MAX + 1];
} emr_headers;

/* Reads headers in another process, which has neither keys of emrfs nor a file, a network or a
 * clock of this computer (helper/helper.h): only the beginning of the file at hand.  Started when
 * it is first needed, and again after a file that broke it.  One thread at a time. */
typedef struct emr_header_reader emr_header_reader;

/* PROGRAM: the path of the helper, emr_beside("read-headers"); it is copied.  FILE_MS: the longest
 * that one file may take; 0: ten seconds. */
emr_status emr_header_reader_new(const char *program, uint32_t file_ms, emr_header_reader **out);
/* WHOSE is who may read all that the file may be read by: no process sees the files of two.  HEAD:
 * its first EMR_HEADERS_HEAD bytes.  EMR_OK also for a file that has none (kind NONE; it costs no
 * process) or breaks its format.  Otherwise EMR_NO_MEMORY; EMR_TIMEOUT, the file took too long;
 * EMR_IO, it broke the process that read it, or the helper does not start. */
emr_status emr_header_reader_read(
	emr_header_reader *reader, const uint8_t whose[16], emr_bytes head, emr_headers *out);
void emr_header_reader_free(emr_header_reader *reader); /* NULL is fine */

/* As kept in the sealed metadata of a record, under the name EMR_HEADERS_KEY:
 *   u8 1 | u8 kind (1..3) | n x { u8 tag | u8 length 1..200 | text }, tags rising: 1 modality 2
 * study date 3 description 4 organisation 5 patient's name 6 patient's id 7 study 8 series
 * 9 instance 10 class, the last four as UIDs.  No text: the field is left out. */
#define EMR_HEADERS_KEY "emrfs.headers" /* not a user.* name: nobody's attribute can be it */
#define EMR_HEADER_FIELDS 10
#define EMR_HEADERS_BYTES_MAX (2 + EMR_HEADER_FIELDS * (2 + EMR_HEADER_TEXT_MAX))
/* Patient, study, series and instance are not said: their names and ids. */
void emr_headers_leave_out_patient(emr_headers *headers);
/* Appends; HEADERS must have a kind. */
emr_status emr_headers_encode(const emr_headers *headers, emr_buf *out);
/* EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status emr_headers_decode(emr_bytes bytes, emr_headers *out);

/* Appends a line NAME=TEXT for each that is said, "kind" first. */
emr_status emr_headers_lines(const emr_headers *headers, emr_buf *out);

/* "dicom", "pdf", "fhir"; "" for none. */
const char *emr_header_kind_text(emr_header_kind kind);
