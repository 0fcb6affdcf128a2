/* .emrfs/index.csv: one line for each file that is a record.  It refuses to hand a spreadsheet
 * anything that could be a formula. */
#pragma once

#include "session/session.h"

/* RFC 4180, UTF-8, sorted by path, header line
 * path,kind,modality,study_date,description,organisation,signature,added_at,bytes. */
emr_status emr_index_csv(emr_session *session, emr_buf *out);

/* One text field, always in quotes, appended: control characters and broken UTF-8 become '?', and
 * what a spreadsheet could take for a formula (it begins with = + - @, their full-width forms, or a
 * quote mark that would hide one) gets a ' in front. */
emr_status emr_csv_text(emr_buf *out, const char *text);
