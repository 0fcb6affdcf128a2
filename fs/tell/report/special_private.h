/* These functions make the contents of the files of .emrfs, for this folder only. */
#pragma once

#include "headers/headers.h"
#include "session/session.h"
#include "sharing/notices.h"

/* ---- index.csv: one line for each file that is a record.  It refuses to hand a spreadsheet
 * anything that could be a formula. ---- */

/* RFC 4180, UTF-8, sorted by path, header line
 * path,kind,modality,study_date,description,organisation,signature,added_at,bytes. */
emr_status emr_index_csv(emr_session *session, emr_buf *out);
/* One text field, always in quotes, appended: control characters and broken UTF-8 become '?', and
 * what a spreadsheet could take for a formula (it begins with = + - @, their full-width forms, or a
 * quote mark that would hide one) gets a ' in front. */
emr_status emr_csv_text(emr_buf *out, const char *text);

/* ---- report.html: one page about the whole folder that needs nothing else.  It refuses the
 * network, and every name in it is text: its own policy lets run nothing but its one script. ----
 */

emr_status emr_page_html(emr_session *session, emr_notices *notices, emr_buf *out);

/* ---- The files at the top of a folder that shows one dataset (study.c). ---- */

typedef struct emr_study_sums {
	uint64_t participants, files;
} emr_study_sums;

struct emr_view;
struct emr_special;
/* Zeros where VIEW shows no dataset. */
emr_status emr_study_sum(struct emr_view *view, emr_study_sums *out);
/* NAME without EMR_SPECIAL_TOP. */
emr_status emr_study_make(const struct emr_special *special, const char *name, emr_buf *out);

/* ---- What kind of file a record is, from its headers, else from the ending of its name. ---- */

/* "dicom", "pdf", "fhir", "image", "video", "sound", "text", "table", "document", "slides",
 * "archive", "genome", "data", "other"; static. */
const char *emr_kind_of(const emr_headers *headers, const char *path);
/* The same for people: "DICOM images", "PDF documents", ... */
const char *emr_kind_title(const char *kind);
