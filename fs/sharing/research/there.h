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
} there;

/* A folder that is not there has none.  Halves that somebody who was killed has left count as
 * nothing. */
emr_status there_read(const cleaner *c, there *out);
void there_free(there *t);
#define AUTO_THERE __attribute__((cleanup(there_free))) there
copy_there *there_by_source(const there *t, const uint8_t source[32]); /* NULL: none */
copy_there *there_by_name(const there *t, const char *name);
/* The next copy of version IO, or of one before it, which IO is before then; NEWEST is where this
 * began.  NULL: none. */
copy_there *there_of_record(const there *t, const cleaner *c, uint64_t newest, version *io);

/* The folders of copies that this person may have. */
typedef struct folders {
	emr_session *session;
	struct folder {
		cleaner c;
		there there; /* of who reads it */
	} * all;
	size_t n, room;
} folders;
/* Also for datasets in which this person never was: copies lie there before they are granted, and
 * whoever killed the process in between has left them. A dataset that got another key has the same
 * folder. OUT is to be freed, also after an error. */
emr_status folders_find(emr_session *session, folders *out);
void folders_free(folders *f);
#define AUTO_FOLDERS __attribute__((cleanup(folders_free))) folders
