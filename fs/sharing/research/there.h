/* The copies that lie in the folder of one dataset now. */
#pragma once

#include <jansson.h>

#include "base/file.h"
#include "cleaner.h"

typedef struct copy_there {
	char name[COPY_NAME_BYTES]; /* below the folder of copies */
	uint8_t source[32];	    /* zeros: it does not say of what it was made */
	bool is_of_today;	    /* by the rules of today */
	bool is_wanted;		    /* what it was made of is there */
} copy_there;

typedef struct there {
	copy_there *all; /* by name */
	size_t n, room;
	copy_there **by_source; /* the same */
	char *other;		/* a path in the folder that is no copy; NULL: none */
	emr_status status;
	const cleaner *c; /* of the reading */
} there;

/* A folder that is not there has none.  Halves that somebody who was killed has left count as
 * nothing. */
emr_status there_read(const cleaner *c, there *out);
void there_free(there *t);
#define AUTO_THERE __attribute__((cleanup(there_free))) there
copy_there *there_by_source(const there *t, const uint8_t source[32]); /* NULL: none */
copy_there *there_by_name(const there *t, const char *name);
