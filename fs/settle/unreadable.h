/* This keeps what others put into one's own domains and what does not open here: counted, and
 * named so that it can be erased. It holds ids, never bytes. */
#pragma once

#include "base/id.h"
#include "base/status.h"

#include "index16.h"

typedef struct unreadable_object {
	emr_id16 domain, object;
	uint64_t version; /* of the row, when it did not open; 0: it is not unreadable any more */
} unreadable_object;

/* Zeroed memory is an empty one; the caller's lock protects it. */
typedef struct unreadable {
	unreadable_object *all;
	size_t n, cap;
	index16 by_object;
	uint64_t count; /* with a version */
} unreadable;

/* VERSION 0: it opens, or is gone. */
emr_status unreadable_note(unreadable *u, emr_id16 domain, emr_id16 object, uint64_t version);
void unreadable_free(unreadable *u);
