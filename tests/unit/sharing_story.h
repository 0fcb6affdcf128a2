/* Ana's folder and the people around it (story_kit.h) as an open session, for tests of the
 * program's own files: those cannot include both the socket's words and the reader's, which use one
 * name. */
#pragma once

#include "emr_test.h"

#include "session/session.h"

/* A session on the story's keyring, ledger, copy, records and view, with a state directory. */
void sharing_story_begin(emr_session *session);
void sharing_story_end(emr_session *session);
emr_id16 sharing_story_imaging(void);
emr_id32 sharing_story_lima(void);
emr_id32 sharing_story_eve(void);
/* PATH and SPARE, which is made, change their names. */
void sharing_story_swap(const char *path, const char *spare);

/* The wish of Dr Lima to ana, by a program of her own. */
typedef struct sharing_story_ask {
	const char *path;
	uint16_t rights;
	uint64_t until_unix_s;
	const emr_id16 *begins_as; /* NULL, or a request whose first four letters it gets, too */
	const emr_id16 *called;	   /* NULL, or the id that it asks under */
} sharing_story_ask;
/* The code of the ledger. */
int sharing_story_lima_tries(const sharing_story_ask *what);
emr_id16 sharing_story_lima_asks(const sharing_story_ask *what);
void sharing_story_lima_takes_back(emr_id16 request);
/* As she sees it: emr_share_request_state. */
int sharing_story_request_state(emr_id16 request);

/* PATH becomes a domain of its own, and everything is published. */
void sharing_story_make_domain(const char *path);
void sharing_story_publish(void);
/* Dr Lima opens her first grant, reads NAME with Ana's answers, and reports it. */
void sharing_story_lima_reads(const char *name);
/* She gets the key of NAME in the same way, and her computer reports nothing. */
void sharing_story_lima_gets_the_key(const char *name);
