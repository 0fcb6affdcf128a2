/* This makes of what a writer says of records in the owner's folder what may be believed of it: a
 * writer's own computer checks none of this. A writer names and describes new files, inside the
 * domain of the right; where that lies, what emrfs does with it and what leads elsewhere are the
 * owner's to say. It is worked out from the ledger alone, so every start comes to the same.
 * Deposits in the Inbox have rules of their own (deposits.h). */
#pragma once

#include "share/write.h"

#include "node.h"

/* The description of one record. */
typedef struct writers_word {
	bool is_others; /* somebody else than the owner described it last */
	bool is_hidden; /* and it is a link that leads away, or lies in the domain of a file: not to
			   be shown */
	emr_buf plain, attributes; /* what META points into by now */
	char name[EMR_WORDS_NAME_BYTES];
} writers_word;

/* Whether anybody but the owner may or might ever write in DOMAIN. */
emr_status writers_has_any(emr_view *view, emr_id16 domain, bool *out_has);

/* Without view->lock, or before there are threads: META, that of PLACE, becomes what may be
 * believed. A writer's word about the root of a domain is replaced by the owner's last one. OUT:
 * zeroed; freed by the caller whatever the status. */
emr_status writers_judge(emr_view *view, const emr_place *place, emr_meta *meta, writers_word *out);
void writers_forget(writers_word *word);
/* Whether all that was ever said of the object was said by her domain's key, which is her own hand,
 * or by this computer.  Her other computers have keys of their own, which may be in anybody's
 * hands; and whoever speaks last repeats what was said before (r_pid). */
emr_status writers_is_by_own_hand(emr_view *view, emr_id16 domain, emr_id16 object, bool *out_is);

/* The root of DOMAIN, where a writer has removed it: what the owner said of it last, at the place
 * where it stood; META points into *PLAIN.  EMR_NOT_FOUND: it is none. */
emr_status writers_lost_root(
	emr_view *view, emr_id16 domain, emr_place *out_place, emr_buf *plain, emr_meta *out_meta);
/* Whether a writer has removed the object, which the owner had described. */
emr_status writers_have_ended(emr_view *view, emr_id16 domain, emr_id16 object, bool *out_have);

/* Whether what a writer of DOMAIN said last may lie in DIRECTORY; otherwise it lies at the root of
 * DOMAIN, and is called as what she has no name for (emr_words_name).  Not deeper than that: paths
 * have an end, and whatever walks them needs memory for each level.  Nor below a directory that
 * configures a program, as her own ".git". */
#define WRITERS_DEPTH_MAX 200
bool writers_may_place(const node *directory, emr_id16 domain);
/* Whether her name for N, or where it lies, would make bytes of theirs configure a program. */
bool writers_are_kept_out(const node *n, emr_id16 domain);
/* *NAME, which is owned, becomes what something of theirs is called that she has no name for. */
emr_status writers_call_anew(emr_meta_type type, char **name);
