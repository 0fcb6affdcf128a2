/* A person says with the attribute user.emrfs.keep what is to stay on this computer: of a file,
 * or of a directory and then of everything in it that says nothing else. This finds what holds
 * where. */
#pragma once

#include "tree.h"

#define KEEP_KEY "user.emrfs.keep"

/* "yes" or "no", else EMR_INVALID. */
emr_status keep_check(emr_bytes value);
/* Whether saying VALUE of N itself would change what it says: a copy (rsync -X) writes what is
 * there. */
bool keep_differs(const node *n, emr_bytes value);
/* Whether the store has every block below ROOTS (emr_cid, ...).  Without view->lock. */
emr_status keep_look(emr_view *view, const emr_buf *roots, bool *out_is_here);
emr_status keep_say(const node *n, emr_buf *out);
/* emr_view_each_kept, of what is one's own. */
emr_status keep_each(emr_view *view, const char *path, emr_kept_fn fn, void *arg);
