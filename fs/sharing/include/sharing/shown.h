/* A code stands for what a person was shown before a question: the open folder gives it with the
 * question, and the yes repeats it. A yes to anything else is refused: while the person reads, a
 * writer of the folder can give its name to another folder, and a name or an id that was typed can
 * come to mean another person. */
#pragma once

#include "session/answer.h"
#include "sharing/orders.h"
#include "sharing/shares.h"

#define EMR_SHOWN_CHARS 65

/* The code for a share: the folder, the terms, and the reader's name in the question; ORDER has
 * domain, grantee, rights, purposes and end. */
void emr_shown_share(
	const emr_order *order, const char *path, const char *who, char out[EMR_SHOWN_CHARS]);
/* The code for the folder or file OBJECT, whose copies a dataset (copies.h) would get. */
void emr_shown_copies(emr_id32 dataset, emr_id16 object, char out[EMR_SHOWN_CHARS]);
/* The code for the shares that would end, all of WHO, sorted by their domains. */
void emr_shown_ends(const emr_share_rows *ends, const emr_who *who, char out[EMR_SHOWN_CHARS]);
/* Whether REQUEST is an answer to what is SHOWN now, or to no question at all.  EMR_CONFLICT:
 * said. */
emr_status emr_shown_check(const emr_request *request, const char *shown, emr_problem *out_problem);
