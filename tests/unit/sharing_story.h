/* Ana's folder and the people around it (story_kit.h) as an open session, for tests of the
 * program's own files: those cannot include both the socket's words and the reader's, which use one
 * name. */
#pragma once

#include "emr_test.h"

#include "base/file.h"
#include "session/session.h"

/* A session on the story's keyring, ledger, copy, records and view, with a state directory. */
void sharing_story_begin(emr_session *session);
void sharing_story_end(emr_session *session);
emr_id16 sharing_story_imaging(void);
emr_id32 sharing_story_lima(void);
/* PATH becomes a domain of its own, and everything is published. */
void sharing_story_make_domain(const char *path);
void sharing_story_publish(void);
/* Dr Lima opens her first grant, reads NAME with Ana's answers, and reports it. */
void sharing_story_lima_reads(const char *name);
/* She gets the key of NAME in the same way, and her computer reports nothing. */
void sharing_story_lima_gets_the_key(const char *name);
