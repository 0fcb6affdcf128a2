/* A viewer goes through a series slice by slice. While it reads one, this file makes the readers of
 * the next ones, asks for the keys of more, and has their blocks brought, so that the viewer waits
 * for neither. It reports nothing: an opening is what a program opens. */
#include <stdlib.h>

#include "base/log.h"
#include "fetch/fetch.h"

#include "edit.h"
#include "node.h"
#include "ops_file.h"
#include "shared.h"

#define LEAVES_AHEAD 16u /* of each: 4 MiB */
#define TRIES_MAX 8u	 /* for blocks of what lies ahead of one opening */

static void look_again(void *arg, emr_status status)
{
	emr_view *view = arg;

	if (status != EMR_OK)
		return;
	pthread_mutex_lock(&view->lock);
	shared_wake(view);
	pthread_mutex_unlock(&view->lock);
}

/* The leaves that a viewer reads first. */
static void bring_leaves(emr_view *view, emr_content_reader *reader)
{
	emr_unixfs_run run;
	uint64_t leaf = 0;

	if (emr_content_reader_run(reader, &leaf, LEAVES_AHEAD, &run) == EMR_OK)
		(void)emr_fetcher_bring_ahead(view->options.fetcher, &run, 0);
}

/* Under view->lock: files behind FROM in its directory that have names in the kernel, keys and no
 * reader yet, each held by one more open. */
static size_t find_next(
	emr_view *view, const shared_share *s, uint32_t from, node *out[SHARED_MADE_MAX])
{
	const shared_tree *tree = s->tree;
	const flat_place *up = &tree->names.places[tree->names.places[from].parent];
	size_t n = 0;

	for (uint32_t i = from + 1; i < up->first_kid + up->nkids && i <= from + s->made.n; i++) {
		const shared_entry *e = &tree->entries[i];
		node *at = tree_by_shown_id(
			view, shared_record_id(s->space, e->object, shared_version_of(e)));

		if (at == NULL || e->type != EMR_META_FILE || tree_has_reader(at) ||
			!emr_shared_has_key(s->opened, e->object, e->pversion))
			continue;
		at->opens++;
		out[n++] = at;
	}
	return n;
}

static void make(emr_view *view, shared_share *s, node *n, bool *io_lacks)
{
	emr_fetcher *fetcher = view->options.fetcher;
	emr_cid missed;
	emr_status status;

	emr_fetcher_begin(fetcher);
	status = shared_attach(view, s, n, shared_check_copy);
	if (status == EMR_OK) {
		pthread_rwlock_rdlock(&node_file(n)->lock);
		if (fetcher != NULL && node_file(n)->reader != NULL)
			bring_leaves(view, node_file(n)->reader);
		pthread_rwlock_unlock(&node_file(n)->lock);
		__atomic_store_n(&node_file(n)->is_made_ahead, true, __ATOMIC_RELAXED);
	} else if (status == EMR_MISSING_DATA && emr_fetcher_missed(fetcher, &missed)) {
		*io_lacks |= emr_fetcher_bring_beside(fetcher, &missed, look_again, view) == EMR_OK;
	}
	handle_keep(view, n);
}

void shared_make_ahead(emr_view *view, shared_share *s)
{
	node *next[SHARED_MADE_MAX];
	bool lacks = false, has_tree;
	uint32_t from;
	size_t n = 0;

	pthread_mutex_lock(&view->lock);
	from = s->made.from;
	s->made.from = FLAT_TOP;
	has_tree = from != FLAT_TOP && s->tree != NULL && from < s->tree->names.count;
	if (has_tree)
		n = find_next(view, s, from, next);
	pthread_mutex_unlock(&view->lock);
	for (size_t i = 0; i < n; i++)
		make(view, s, next[i], &lacks);
	if (has_tree)
		shared_ask_ahead(view, s, from, s->made.n);
	pthread_mutex_lock(&view->lock);
	if (lacks && s->made.from == FLAT_TOP && s->made.tries++ < TRIES_MAX)
		s->made.from = from;
	pthread_mutex_unlock(&view->lock);
}

/* In datasets each copy is scanned first, and may count as opened that day: nothing of them is made
 * before somebody opens it. A single file that somebody opens leads to no other. */
void shared_go_on(emr_view *view, shared_share *s, const node *n, bool was_ready)
{
	const uint32_t before = s != NULL ? s->made.last : FLAT_TOP;
	const flat_tree *names;

	if (s == NULL || s->owner->set != NULL || s->tree == NULL || !shared_has(n) ||
		n->shared->entry == FLAT_NONE)
		return;
	names = &s->tree->names;
	s->made.last = n->shared->entry;
	if (before == FLAT_TOP || before == s->made.last || before >= names->count ||
		names->places[before].parent != names->places[s->made.last].parent)
		return;
	s->made.n = was_ready && s->made.n < SHARED_MADE_MAX ? 2 * s->made.n : s->made.n;
	s->made.n = s->made.n == 0 ? 1 : s->made.n;
	s->made.from = s->made.last;
	s->made.tries = 0;
	shared_stir(view, s);
	shared_wake(view);
}
