/* A journal that lost its end, or of which an earlier copy was put back, says of a record what was
 * so before. This file leaves out what this computer itself has published past since: such a row
 * would bring an earlier save back under today's name, and register it above the true last one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "settle/history.h"

#include "load_private.h"

#define FORGOTTEN_AT_ONCE 2048

typedef struct overtaken {
	emr_id16 key;
	emr_cid root;
	bool has_root, is_vacated;
} overtaken;

static int by_object(const void *a, const void *b)
{
	const emr_unheard *x = a, *y = b;

	return memcmp(x->object.b, y->object.b, sizeof x->object.b);
}

void load_sort_unheard(emr_buf *unheard)
{
	emr_buf_sort(unheard, sizeof(emr_unheard), by_object);
}

/* The change in ROW is the one that was registered as ONE. */
static bool has_registered(const loading *l, const node_row *row, const emr_unheard *one)
{
	EMR_AUTO_BUF bytes = {0};
	emr_place place;
	emr_meta meta;

	if (emr_facts_version(l->view->options.facts, row->place.domain, one->object, one->version,
		    0, &place, &bytes, &meta) != EMR_OK ||
		(row->type == EMR_META_FILE && meta.mtime_ns != row->mtime_ns))
		return false;
	if ((row->flags & ROW_CONTENT_DIRTY) != 0 && (row->flags & ROW_HAS_CONTENT) != 0)
		return meta.n == row->content.n;
	return emr_bytes_equal(meta.name, row->name) && emr_id16_equal(meta.parent, row->parent) &&
	       meta.mode == row->mode && emr_bytes_equal(meta.xattrs, row->attributes);
}

/* ROW, unless NULL: only one that registered the change in it. */
static bool has_later(const loading *l, emr_id16 object, uint64_t version, const node_row *row)
{
	const emr_unheard wanted = {.object = object};
	const emr_unheard *all = (const void *)l->unheard->data;
	const size_t n = l->unheard->len / sizeof *all;
	const emr_unheard *at = n == 0 ? NULL : bsearch(&wanted, all, n, sizeof *all, by_object);
	bool is = false;

	while (at != NULL && at > all && by_object(at - 1, &wanted) == 0)
		at--;
	for (; at != NULL && at < all + n && by_object(at, &wanted) == 0; at++)
		is = is || (at->version > version && (row == NULL || has_registered(l, row, at)));
	return is;
}

/* Bytes that were being written when the journal ended so are nowhere else. */
static bool has_spill(const loading *l, const node_row *row)
{
	char hex[33], path[48];

	if ((row->flags & ROW_HAS_STAGING) == 0)
		return false;
	emr_hex(row->staging.b, sizeof row->staging.b, hex);
	(void)snprintf(path, sizeof path, "spill/%s", hex);
	return faccessat(l->view->options.state_dirfd, path, F_OK, 0) == 0;
}

/* A change of a record: one that was never registered was made beside the later versions, on
 * another computer with the same key, or is all that is left of what was saved. It stays, and meets
 * them as somebody else's. */
static bool has_change(const node_row *row)
{
	const unsigned own = row->flags & (ROW_CONTENT_DIRTY | ROW_HAS_CONTENT);

	return own == (ROW_CONTENT_DIRTY | ROW_HAS_CONTENT) || (row->flags & ROW_META_DIRTY) != 0;
}

emr_status load_pass_overtaken(loading *l, emr_id16 key, const node_row *row, bool *out_is)
{
	const bool has_place = (row->flags & ROW_HAS_PLACE) != 0;
	overtaken one = {.key = key, .has_root = (row->flags & ROW_HAS_CONTENT) != 0};

	*out_is =
		(has_later(l, has_place ? row->place.object : key,
			 has_place ? row->place.version : 0,
			 has_place && has_change(row) ? row : NULL) ||
			(!emr_id16_is_zero(row->next_id) && has_later(l, row->next_id, 0, NULL))) &&
		!has_spill(l, row);
	if (one.has_root)
		one.root = row->content.c;
	return *out_is ? emr_buf_append(&l->overtaken, &one, sizeof one) : EMR_OK;
}

emr_status load_pass_vacated(loading *l, emr_id16 object, uint64_t version, bool *out_is)
{
	const overtaken one = {.key = object, .is_vacated = true};

	*out_is = has_later(l, object, version, NULL);
	return *out_is ? emr_buf_append(&l->overtaken, &one, sizeof one) : EMR_OK;
}

static void forget_one(edit *e, const overtaken *one)
{
	if (one->is_vacated) {
		edit_unvacate(e, one->key);
		return;
	}
	if (one->has_root)
		edit_unpin(e, &one->root, one->key);
	edit_delete(e, one->key);
}

/* They are left out again at the next start where that fails. */
void load_forget_overtaken(const loading *l)
{
	const overtaken *all = (const void *)l->overtaken.data;
	const size_t n = l->overtaken.len / sizeof *all;
	emr_status status = EMR_OK;

	if (n > 0)
		emr_log(EMR_LOG_WARN,
			"%zu rows of the journal are older than what is on the ledger", n);
	if (l->view->options.read_only || l->is_journal_damaged)
		return;
	for (size_t i = 0; i < n && status == EMR_OK; i += FORGOTTEN_AT_ONCE) {
		edit e = edit_begin(l->view);

		for (size_t k = i; k < n && k < i + FORGOTTEN_AT_ONCE; k++)
			forget_one(&e, &all[k]);
		status = edit_commit(&e, NULL);
	}
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "older rows stay in the journal: %s",
			emr_status_text(status));
}
