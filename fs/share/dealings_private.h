/* This header declares the rows that dealings.c reads and dealings_told.c tells. */
#pragma once

#include "share/dealings.h"
#include "share_private.h"

#define NEVER UINT64_MAX

/* One grant, or one deposit, from its beginning to its end. */
typedef struct life {
	emr_share_dealing given;
	emr_id16 grant;		      /* zero: a deposit */
	emr_id16 share_id;	      /* zero: a deposit, or the note is gone */
	uint64_t ended_seq, ended_at; /* NEVER */
	emr_id32 ended_batch;
	bool ends_silently; /* by a move, by another right in its place, with the rest of a share,
			       or by him */
} life;

/* Appends those of LIVES (life, ...) that are deeds of the owner to OUT (emr_share_dealing, ...).
 */
emr_status dealings_tell(const emr_buf *lives, emr_buf *out);
