/* This file says which roots each node is to have: those of pins, and those that no pin names any
 * more but the ledger does.  Erased roots go. */
#include <stdlib.h>

#include "base/log.h"
#include "book.h"
#include "node.h"

emr_status wanted_roots(emr_store *store, emr_buf *out)
{
	EMR_AUTO_BUF needed = {0};

	EMR_TRY(emr_store_needed(store, true, &needed));
	EMR_EACH (const emr_pin, pin, &needed)
		if (pin->state != EMR_PIN_WRITTEN) /* a part of a version, without its signature */
			EMR_TRY(emr_buf_append(out, &pin->root, sizeof pin->root));
	return EMR_OK;
}

static emr_status note_root(void *arg, const emr_cid *root)
{
	return emr_buf_append(arg, root, sizeof *root);
}

/* The same content may be pinned for more than one record. */
static size_t sort_roots(emr_buf *roots)
{
	emr_cid *all = (void *)roots->data;
	size_t n = roots->len / sizeof *all, kept = 0;

	EMR_SORT(all, n, book_compare);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !emr_cid_equal(&all[i], &all[kept - 1]))
			all[kept++] = all[i];
	}
	return kept;
}

/* Whatever the file knows of it: each node is told that it is gone. */
static emr_status take_leaving(emr_publisher *p, const emr_buf *leaving)
{
	const emr_cid *roots = (const void *)leaving->data;
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < leaving->len / sizeof *roots; i++) {
		book_entry *entry;

		status = book_add(&p->book, &roots[i], &entry);
		if (status != EMR_OK || entry->is_noted || entry->is_wanted)
			continue;
		entry->is_noted = true;
		for (size_t node = 0; node < p->count; node++)
			entry->sent |= (uint16_t)(1u << p->nodes[node].number);
	}
	return status;
}

/* ---- What no pin names any more ---- */

bool wanted_has(const emr_buf *sorted, const emr_cid *root)
{
	return sorted->len > 0 && bsearch(root, sorted->data, sorted->len / sizeof *root,
					  sizeof *root, book_compare) != NULL;
}

/* Roots that nodes may have, and of which neither a pin nor the journal says anything. */
static emr_status list_unnamed(
	emr_publisher *p, const emr_buf *wanted, const emr_buf *leaving, emr_buf *out_unnamed)
{
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; status == EMR_OK && i < book_count(&p->book); i++) {
		const book_entry *entry = book_at(&p->book, i);

		if ((entry->held | entry->sent) != 0 && !wanted_has(wanted, &entry->root) &&
			!wanted_has(leaving, &entry->root))
			status = emr_buf_append(out_unnamed, &entry->root, sizeof entry->root);
	}
	pthread_mutex_unlock(&p->lock);
	return status;
}

typedef struct living {
	const emr_buf *unnamed; /* of emr_cid, sorted, as the book is */
	emr_buf found;
} living;

static emr_status note_living(void *arg, const emr_cid *root)
{
	living *l = arg;

	return wanted_has(l->unnamed, root) ? emr_buf_append(&l->found, root, sizeof *root)
					    : EMR_OK;
}

/* A pin that is lost here is no erasure: what the ledger still has stays wanted, and all that
 * nobody says anything of while the ledger's word cannot be had.  WANTED is added to, LEAVING
 * sorted. OUT_TOLD: how the ledger's word was had. */
static emr_status keep_living(
	emr_publisher *p, emr_buf *wanted, const emr_buf *leaving, emr_status *out_told)
{
	EMR_AUTO_BUF unnamed = {0};
	living l = {.unnamed = &unnamed};
	emr_status status;
	bool is_told;

	*out_told = EMR_OK;
	wanted->len = sort_roots(wanted) * sizeof(emr_cid);
	status = list_unnamed(p, wanted, leaving, &unnamed);
	if (status != EMR_OK || p->options.each_living == NULL)
		return status;
	if (unnamed.len > 0)
		*out_told = p->options.each_living(p->options.arg, note_living, &l);
	is_told = *out_told == EMR_OK;
	if (is_told && l.found.len > 0)
		emr_log(EMR_LOG_WARN, "publisher: pins of living records are lost here");
	if (is_told && p->options.lost != NULL && !p->options.is_still)
		*out_told = p->options.lost(
			p->options.arg, (const void *)l.found.data, l.found.len / sizeof(emr_cid));
	status = is_told ? emr_buf_append(wanted, l.found.data, l.found.len)
			 : emr_buf_append(wanted, unnamed.data, unnamed.len);
	emr_buf_free(&l.found);
	return status;
}

emr_status wanted_look(emr_publisher *p)
{
	EMR_AUTO_BUF wanted = {0}, leaving = {0};
	emr_status status, told;
	uint64_t asked;

	pthread_mutex_lock(&p->lock);
	asked = p->wanted_asked;
	pthread_mutex_unlock(&p->lock);
	/* A root that is missing in a list that is being made again is not gone. */
	status = wanted_roots(p->options.store, &wanted);
	if (status == EMR_OK && p->options.each_leaving != NULL)
		status = p->options.each_leaving(p->options.arg, note_root, &leaving);
	if (status != EMR_OK)
		return status;
	leaving.len = sort_roots(&leaving) * sizeof(emr_cid);
	EMR_TRY(keep_living(p, &wanted, &leaving, &told));
	pthread_mutex_lock(&p->lock);
	status = book_want(&p->book, (const void *)wanted.data, sort_roots(&wanted));
	if (status == EMR_OK)
		status = take_leaving(p, &leaving);
	p->has_looked = p->has_looked || status == EMR_OK;
	if (status == EMR_OK)
		p->wanted_answered = asked;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	return status == EMR_OK ? told : status;
}
