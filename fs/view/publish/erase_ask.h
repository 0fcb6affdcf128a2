/* These files share what a person asked to be erased: one finds its objects, the other begins with
 * them. */
#pragma once

#include "publish.h"

typedef struct asking {
	emr_view *view;
	const emr_erase *what;
	const char *path; /* below the top, or below .emrfs/deleted; NULL: everything that was
			     deleted */
	bool only_deleted;
	emr_buf objects; /* erasing, ...: first those of nodes */
	emr_buf records; /* emr_id16, ...; sorted once it is complete */
	emr_buf nodes;	 /* numbers, parents first */
	emr_buf scratch; /* scratch_file, ...: what has the bytes of those */
	emr_buf paths;	 /* of what goes, each with its NUL */
	emr_buf stays;	 /* of what may have some of the bytes, each with its NUL */
	emr_buf names;	 /* of gone_name */
	bool has_inbox, is_written, is_in_run;
	emr_status status;
	emr_erased erased;
} asking;

/* ---- erase_begin.c ---- */

/* The rows behind which there is no way back; then the names go.  Without view->lock.  EMR_BUSY:
 * something was moved, written or brought back since it was looked at, and nothing was done. */
emr_status erase_begin(asking *a);
