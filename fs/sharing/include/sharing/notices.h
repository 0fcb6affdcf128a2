/* Notices are what a person should know, kept in the memory of the mount: names never reach the
 * log on the disk. It refuses to grow: the oldest notice goes when a thousand are there. */
#pragma once

#include <jansson.h>

#include "base/bytes.h"
#include "base/id.h"
#include "kit/message.h"

typedef struct emr_notices emr_notices; /* thread-safe */

/* PROGRAM (NULL = none) gets each notice as one JSON object on its standard input, one after the
 * other. */
emr_status emr_notices_new(const char *program, emr_notices **out_notices);
/* Ends the program's run that is under way, if any.  NULL is fine. */
void emr_notices_free(emr_notices *notices);

/* As emr_view_options.notice; NOTICES is the first argument. */
void emr_notices_add(void *notices, const char *error_id, const char *path);
/* As emr_view_options.notice_with. */
void emr_notices_add_with(
	void *notices, const char *error_id, const char *path, const char *detail);
/* The same with words that are filled in already, about PATH ("" = the folder).  NOTICES may be
 * NULL: nobody is told. */
void emr_notices_add_problem(emr_notices *notices, const emr_problem *problem, const char *path);
/* The same with MESSAGE and pairs of name and value, as emr_problem_set has them. */
void emr_notices_add_that(emr_notices *notices, const char *path, emr_message message, ...)
	__attribute__((sentinel));
/* The same about what waits for an answer of this person: ID is its whole id, SHOWN what a person
 * calls it.  The program that shows it gets the read end of a pipe that ends with the request, and
 * with NOTICES. */
void emr_notices_add_request(emr_notices *notices, const emr_problem *problem, const char *path,
	emr_id16 id, const char *shown);
/* Of those, only the N in OPEN wait still, wherever the others were answered. */
void emr_notices_answered(emr_notices *notices, const emr_id16 *open, size_t n);
/* Where the folder is open, for hints that other programs' commands are made of.  Before the first
 * notice. */
emr_status emr_notices_set_folder(emr_notices *notices, const char *folder);
/* Where the encrypted blocks lie: what is damaged is said with it.  Before the first notice. */
emr_status emr_notices_set_place(emr_notices *notices, const char *place);
/* "" while it was not set.  Lives as long as NOTICES. */
const char *emr_notices_folder(const emr_notices *notices);

/* `TIME ID LEVEL ERROR PATH: message. hint`, newest last. */
emr_status emr_notices_text(emr_notices *notices, emr_buf *out);
/* At most MAX newest warnings and errors, oldest first, of PATH (NULL = all): [{at path error
 * message hint}].  NULL without memory. */
json_t *emr_notices_errors(emr_notices *notices, const char *path, size_t max);
