/* A request that needs keys of somebody else is put aside here until they come, the share ends,
 * or its deadline is over; it is answered exactly once. */
#include <stdlib.h>
#include <string.h>

#include "fetch/fetch.h"

#include "edit.h"
#include "node.h"
#include "shared.h"
#include "shared_place.h"

/* ---- what has to wait ---- */

/* Under view->lock: the share that must be asked about before N can be listed, or NAME be found in
 * it; NULL: none. */
static shared_share *lacks_names(const emr_view *view, const node *n, const char *name)
{
	const shared_at *at = n->shared;
	shared_share *of = at->share;

	if (at->level == SHARED_RECORD && n->type == EMR_META_DIR) {
		bool lacks = of->tree == NULL || shared_awaits_inner(of) != NULL;

		/* A share inside takes no known name's place. */
		if (lacks && of->tree != NULL && name != NULL && at->entry != FLAT_NONE)
			lacks = flat_child(&of->tree->names, at->entry, name) == FLAT_NONE &&
				shared_placed_child(of, at->entry, name) == NULL;
		return lacks && !of->is_blind && shared_is_readable(view, of) == EMR_OK ? of : NULL;
	}
	if (at->level != SHARED_OWNER)
		return NULL;
	/* A share that is one file has a size, which nobody knows before its name is read. */
	for (shared_share *s = at->owner->shares; s != NULL; s = s->next_of_owner)
		if (s->is_file && s->tree == NULL && shared_file_node(view, s) == NULL &&
			(name == NULL || strcmp(s->name, name) == 0) &&
			shared_is_readable(view, s) == EMR_OK)
			return s;
	return NULL;
}

/* The same for the bytes of N, which is shown, or one's own with the bytes that the other's folder
 * shows; or it was, and the kernel still knows it. */
static shared_share *lacks_bytes(const emr_view *view, const node *n)
{
	shared_share *s = shared_gives(n);

	/* The maker of the reader has put it there before anybody was told; it goes with the last
	 * open, or with the keys. */
	if (s == NULL || (s->is_blind && !shared_has(n)) || tree_has_reader(n))
		return NULL;
	return shared_is_readable(view, s) == EMR_OK ? s : NULL;
}

/* N is the list of all that the folder shows of a dataset. */
static bool is_list(const emr_view *view, const node *n)
{
	return n->special != 0 && strcmp(view->options.special_names[n->special - 1],
					  EMR_SPECIAL_TOP "MANIFEST.sha256") == 0;
}

/* Names that nobody answers for are not in the list. */
shared_share *shared_lacks_list(const emr_view *view)
{
	for (shared_share *s = view->shares->all; s != NULL; s = s->next)
		if (s->owner->set != NULL &&
			emr_id16_equal(s->owner->set->line, view->shares->only) &&
			s->tree == NULL && s->phase == SHARED_OPEN && !s->has_failed &&
			!shared_is_absent(view, s) && shared_share_is_shown(view, s))
			return s;
	return NULL;
}

static shared_share *lacking(const emr_view *view, const node *n, emr_need need, const char *name)
{
	if (n == NULL)
		return NULL;
	if (is_list(view, n))
		return shared_lacks_list(view);
	if (need == EMR_NEED_BYTES)
		return lacks_bytes(view, n);
	return shared_has(n) ? lacks_names(view, n, name) : NULL;
}

/* Under view->lock: who ASKS waits for S. */
static emr_status add_waiter(emr_view *view, shared_share *s, const shared_waiter *asks)
{
	shared_waiter *w = malloc(sizeof *w);

	if (w == NULL)
		return EMR_NO_MEMORY;
	*w = *asks;
	w->next = view->shares->waiters;
	w->share = s;
	w->deadline_boot_ns = view_boot_ns(view) + EMR_SHARED_WAIT_NS;
	w->n->opens++;
	view->shares->waiters = w;
	shared_stir(view, s);
	shared_wake(view);
	return EMR_BUSY;
}

emr_status emr_view_await(emr_view *view, uint64_t number, emr_need need, const char *name,
	emr_ready_fn ready, void *arg)
{
	shared_waiter asks = {.need = need, .is_listing = name == NULL, .ready = ready, .arg = arg};
	emr_status status = EMR_OK;
	shared_share *s;

	if (view->shares == NULL || !__atomic_load_n(&view->shares->is_in_use, __ATOMIC_ACQUIRE))
		return EMR_OK;
	pthread_mutex_lock(&view->lock);
	asks.n = tree_by_number(view, number);
	s = lacking(view, asks.n, need, name);
	if (s != NULL && is_list(view, asks.n)) {
		asks.need = EMR_NEED_NAMES;
		asks.is_listing = true;
	}
	if (s != NULL && ready == NULL)
		status = EMR_BUSY;
	else if (s != NULL)
		status = view->shares->is_closed ? EMR_INTERRUPTED : add_waiter(view, s, &asks);
	pthread_mutex_unlock(&view->lock);
	return status;
}

uint32_t shared_waits(const emr_view *view, const node *n)
{
	uint32_t count = 0;

	for (const shared_waiter *w = view->shares->waiters; w != NULL; w = w->next)
		count += w->n == n;
	return count;
}

/* ---- answers ---- */

shared_waiter *shared_take(emr_view *view)
{
	shared_waiter **at = &view->shares->waiters, *taken = NULL;

	while (*at != NULL) {
		shared_waiter *w = *at;

		if (!w->is_taken) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = taken;
		taken = w;
		view->shares->answering++;
	}
	return taken;
}

shared_waiter *shared_say(emr_view *view, shared_waiter *w, emr_status status)
{
	shared_waiter *next = w->next;
	bool is_made; /* a list is, without those who do not answer */

	pthread_mutex_lock(&view->lock);
	is_made = status != EMR_INTERRUPTED && is_list(view, w->n);
	pthread_mutex_unlock(&view->lock);
	w->ready(w->arg, is_made ? EMR_OK : status);
	pthread_mutex_lock(&view->lock);
	w->n->opens--;
	tree_release_if_unused(view, w->n);
	if (--view->shares->answering == 0)
		pthread_cond_broadcast(&view->shares->answered);
	pthread_mutex_unlock(&view->lock);
	free(w);
	return next;
}

void shared_answer_all(
	emr_view *view, const shared_share *s, const node *n, emr_need need, emr_status status)
{
	shared_waiter *w;

	pthread_mutex_lock(&view->lock);
	for (w = view->shares->waiters; w != NULL; w = w->next)
		w->is_taken =
			(s == NULL || w->share == s) && (n == NULL || w->n == n) && w->need == need;
	w = shared_take(view);
	pthread_mutex_unlock(&view->lock);
	while (w != NULL)
		w = shared_say(view, w, status);
}

void shared_answer_names(emr_view *view, shared_share *s)
{
	pthread_mutex_lock(&view->lock);
	for (shared_waiter *w = view->shares->waiters; w != NULL; w = w->next) {
		shared_share *next = w->share == s && w->is_listing
					     ? lacking(view, w->n, EMR_NEED_NAMES, NULL)
					     : NULL;

		if (next == NULL || w->need != EMR_NEED_NAMES)
			continue;
		w->share = next;
		shared_stir(view, next);
	}
	pthread_mutex_unlock(&view->lock);
	shared_answer_all(view, s, NULL, EMR_NEED_NAMES, EMR_OK);
}

void emr_view_end_waits(emr_view *view)
{
	emr_fetcher_stop(view->options.fetcher);
	if (view->shares == NULL)
		return;
	pthread_mutex_lock(&view->lock);
	view->shares->is_closed = true;
	pthread_mutex_unlock(&view->lock);
	shared_answer_all(view, NULL, NULL, EMR_NEED_NAMES, EMR_INTERRUPTED);
	shared_answer_all(view, NULL, NULL, EMR_NEED_BYTES, EMR_INTERRUPTED);
	pthread_mutex_lock(&view->lock);
	while (view->shares->answering > 0)
		pthread_cond_wait(&view->shares->answered, &view->lock);
	pthread_mutex_unlock(&view->lock);
}
