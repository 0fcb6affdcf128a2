/* A viewer goes through a series slice by slice. While it reads one, this file makes the readers of
 * the next ones, asks for the keys of more, and has their blocks brought, so that the viewer waits
 * for neither. It reports nothing: an opening is what a program opens. */
#include "fetch/fetch.h"

#include "edit.h"
#include "kept.h"
#include "node.h"
#include "ops_file.h"
#include "shared.h"

#define LEAVES_AHEAD 16u /* of each: 4 MiB */
#define TRIES_MAX 8u	 /* for blocks of what lies ahead of one opening */

void shared_look_again(void *arg, emr_status status)
{
	emr_view *view = arg;

	(void)status; /* the next look is told the same */
	pthread_mutex_lock(&view->lock);
	for (shared_waiter *w = view->shares->waiters; w != NULL; w = w->next)
		w->is_seen = false;
	emr_worker_wake(&view->shares->worker);
	pthread_mutex_unlock(&view->lock);
}

unsigned shared_grow_ahead(shared_share *s, emr_id16 directory)
{
	shared_ahead *ahead = &s->ahead;
	size_t places = sizeof ahead->asked / sizeof ahead->asked[0];

	/* Where what is asked for counts, nothing is that nobody opened. */
	if (s->owner->set != NULL && s->owner->set->terms.daily_limit != 0)
		return 1;
	for (size_t i = 0; i < places; i++) {
		unsigned *n = &ahead->asked[i].n;

		if (*n > 0 && emr_id16_equal(ahead->asked[i].directory, directory))
			return *n = *n < SHARED_AHEAD_MAX / 2 ? *n * 2 : SHARED_AHEAD_MAX;
	}
	ahead->asked[ahead->next_asked % places].directory = directory;
	ahead->asked[ahead->next_asked++ % places].n = 1;
	return 1;
}

/* Under view->lock: files behind FROM in its directory that have names in the kernel, keys and no
 * reader yet, each held by one more open. */
static size_t find_next(
	emr_view *view, const shared_share *s, uint32_t from, node *out[SHARED_MADE_MAX])
{
	const shared_tree *tree = s->tree;
	const flat_place *up = &tree->names.places[tree->names.places[from].parent];
	size_t n = 0;

	for (uint32_t i = from + 1; i < up->first_kid + up->nkids && i <= from + s->ahead.made;
		i++) {
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

/* Somebody waits for this thread, and not for keys or blocks. */
static bool is_wanted(emr_view *view)
{
	const shared_waiter *w;
	EMR_LOCKED(&view->lock);

	for (w = view->shares->waiters; w != NULL && w->is_seen;)
		w = w->next;
	return w != NULL;
}

/* True: a block of N is on its way. */
static bool make(emr_view *view, shared_share *s, node *n)
{
	emr_fetcher *fetcher = view->options.fetcher;
	emr_content_reader *reader;
	emr_unixfs_run run;
	uint64_t leaf = 0;
	emr_cid missed;
	emr_status status;

	emr_fetcher_begin(fetcher);
	status = shared_attach(view, s, n, shared_check_copy, true);
	if (status == EMR_OK) {
		pthread_rwlock_rdlock(&node_file(n)->lock);
		reader = node_file(n)->reader;
		if (fetcher != NULL && reader != NULL &&
			emr_content_reader_run(reader, &leaf, LEAVES_AHEAD, &run) == EMR_OK)
			(void)emr_fetcher_bring_ahead(fetcher, &run, 0);
		pthread_rwlock_unlock(&node_file(n)->lock);
	}
	return status == EMR_MISSING_DATA && emr_fetcher_missed(fetcher, &missed) &&
	       emr_fetcher_bring_beside(fetcher, &missed, shared_look_again, view) == EMR_OK;
}

bool shared_make_ahead(emr_view *view, shared_share *s, shared_ahead *out)
{
	node *next[SHARED_MADE_MAX];
	bool lacks = false, stops = false;
	size_t n = 0;

	pthread_mutex_lock(&view->lock);
	*out = s->ahead;
	s->ahead.from = FLAT_TOP;
	if (s->tree == NULL || out->from >= s->tree->names.count)
		out->from = FLAT_TOP;
	if (out->from != FLAT_TOP)
		n = find_next(view, s, out->from, next);
	pthread_mutex_unlock(&view->lock);
	for (size_t i = 0; i < n; i++) {
		/* The next opening goes on from there. */
		stops = stops || is_wanted(view);
		lacks = (!stops && make(view, s, next[i])) || lacks;
		kept_release(view, next[i]);
	}
	if (stops)
		out->from = FLAT_TOP;
	pthread_mutex_lock(&view->lock);
	if (lacks && s->ahead.from == FLAT_TOP && s->ahead.tries++ < TRIES_MAX)
		s->ahead.from = out->from;
	pthread_mutex_unlock(&view->lock);
	return stops;
}
