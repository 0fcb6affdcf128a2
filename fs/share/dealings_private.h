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

typedef struct lives {
	life *list; /* owned; those of one domain are together */
	size_t n, cap;
} lives;

typedef struct told {
	emr_share_dealing *list; /* owned, and what was asked */
	size_t n, cap;
} told;

emr_status told_add(told *t, const emr_share_dealing *dealing);
/* Which of them are deeds of the owner. */
emr_status dealings_tell(const lives *all, told *out);
