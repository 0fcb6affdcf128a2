/* These are the files of the hidden folder .emrfs, made when they are opened. They refuse to be
 * written. */
#pragma once

#include "session/session.h"
#include "share/frozen.h"
#include "sharing/notices.h"

extern const char *const emr_special_names[];
extern const size_t emr_special_count;

typedef struct emr_special {
	emr_session *session; /* open when the first file is read */
	emr_notices *notices;
	emr_id16 dataset;  /* any key of the one that the folder shows; zero: none */
	emr_frozen frozen; /* its state; log_size 0: as it is by now */
} emr_special;

/* As emr_view_options.make_proof; ARG is an emr_special. */
emr_status emr_special_proof(void *arg, const emr_place *place, emr_buf *out);
/* As emr_view_options.make_special; ARG is an emr_special. */
emr_status emr_special_make(void *arg, const char *name, emr_buf *out);
