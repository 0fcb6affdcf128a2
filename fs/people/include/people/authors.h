/* Who did what is said in one's own folder: oneself, with one of one's computers or a domain's key,
 * or somebody who may write there.  It refuses to call a deed of another's one's own. */
#pragma once

#include "people/who.h"

typedef struct emr_author {
	emr_id32 signer_id;
	bool is_me;
	emr_who who; /* unless it is me */
} emr_author;

/* Those met so far: few sign many things. */
typedef struct emr_authors {
	emr_author *list; /* owned */
	size_t n;
	emr_id32 me; /* the person's first key */
	bool knows_me;
} emr_authors;

/* OUT is borrowed, until the next call.  EMR_NO_MEMORY; errors of the ledger's copy. */
emr_status emr_authors_find(
	emr_authors *authors, const emr_session *session, emr_id32 signer, const emr_author **out);
void emr_authors_free(emr_authors *authors);
/* For emr_view_options.named; ARG: emr_session. */
emr_status emr_session_named(void *arg, emr_id32 signer, char *out, size_t size);
