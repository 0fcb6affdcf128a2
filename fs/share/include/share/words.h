/* These functions say what a writer whom the owner has let in says of records in her folder, made
 * to what may be believed of it. He names and describes what he writes; what emrfs itself goes
 * by, and where a link leads, are not his to say. */
#pragma once

#include "record/format.h"

#define EMR_WORDS_MODE 0777 /* of what he says of permissions */

/* A target that is absolute or goes up leads who knows where, once a directory above it has another
 * place. */
bool emr_words_lead_away(emr_bytes target);
/* *OUT (emptied first): the attributes of WORDS, which he said, without those that emrfs goes by;
 * of OWN, the owner's, those that it goes by.  *OUT_COUNT entries. */
emr_status emr_words_attributes(emr_bytes words, emr_bytes own, emr_buf *out, uint16_t *out_count);
