/* This says who did what in one's own folder: oneself, with one of one's computers or a domain's
 * key, or somebody who may write there. It refuses to call a deed of another's one's own. */
#pragma once

#include "people/who.h"

struct emr_owner_called; /* view/received.h */

typedef struct emr_author {
	emr_id32 signer_id;
	bool is_me;
	emr_who who; /* unless it is me */
} emr_author;

/* Those met so far: few sign many things.  One thread at a time. */
typedef struct emr_authors {
	emr_author *list; /* owned */
	size_t n;
	emr_crowd crowd; /* open once somebody else was met */
	emr_id32 me;	 /* the person's first key */
	bool knows_me;
} emr_authors;

/* The person who signed entry SEQ with that key, by the name of then; UINT64_MAX: by the name
 * of now. OUT is borrowed, until the next call.  EMR_NO_MEMORY; errors of the ledger's copy. */
emr_status emr_authors_find(emr_authors *authors, const emr_session *session, emr_id32 signer,
	uint64_t seq, const emr_author **out);
/* One of those met; NULL: none. */
const emr_author *emr_authors_known(const emr_authors *authors, emr_id32 signer, uint64_t seq);
void emr_authors_free(emr_authors *authors);
#define EMR_AUTO_AUTHORS __attribute__((cleanup(emr_authors_free))) emr_authors
/* For emr_view_options.named and names; ARG: emr_session. */
emr_status emr_session_named(void *arg, emr_id32 signer, char *out, size_t size);
emr_status emr_session_names(
	void *arg, const emr_id32 *ids, size_t n, struct emr_owner_called *out);
