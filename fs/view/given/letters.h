/* The files of .emrfs/requests: names that come and go while the folder is open, made when they are
 * opened.  Their nodes live as long as the view, a name that came back gets its old one; they
 * refuse every change. */
#pragma once

#include "node.h"

#define SPECIAL_LETTER (UINT8_MAX - 3) /* node.special of all of them */
#define LETTERS_FOLDER "requests"

static inline bool letters_has(const node *n)
{
	return n->special == SPECIAL_LETTER;
}

/* ---- under view->lock */
/* NULL: no such file now. */
node *letters_child(const emr_view *view, const char *name);
/* Entries after COOKIE, as emr_view_each_entry. */
void letters_list(const emr_view *view, uint64_t cookie, bool take, emr_entry_fn fn, void *arg);

/* ---- without view->lock */
/* EMR_NOT_FOUND: it has gone meanwhile. */
emr_status letters_make(emr_view *view, const node *n, emr_buf *out);
/* When the view ends. */
void letters_free(emr_view *view);
