/* Looks at what participants give to de-identified datasets, before who reads it sees a byte: by
 * which rules it says that it was made, and, in a process without keys, what stands in it.  It
 * refuses to call anything a copy that it could not look at. */
#pragma once

#include "deidentify/deidentify.h"
#include "view/received.h"

/* Zeros at first. */
typedef struct emr_copy_scan {
	emr_deidentifier *deidentifier; /* NULL: not needed yet */
	emr_id32 terms_id;		/* whose rules it has */
	emr_id32 participant;		/* whose files it sees */
} emr_copy_scan;

/* emr_view_options.look_at_copy; ARG: an emr_copy_scan. */
emr_status emr_copy_scan_look(void *arg, const emr_copy_claim *claim, bool *out_is_copy);
void emr_copy_scan_end(emr_copy_scan *scan);
