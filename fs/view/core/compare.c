/* This thread compares bytes that somebody else has signed with the hash that was signed, after the
 * file was opened, so that opening does not wait for it. Bytes that do not fit are remembered, the
 * person is told ("bad-signature"), and they are not opened again. */
#include "compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/worker.h"

#include "file.h"
#include "kept.h"
#include "kind.h"
#include "tree.h"

typedef struct waiting {
	struct waiting *next;
	uint64_t node;
	emr_cid root;
	emr_content_reader *reader; /* owned */
} waiting;

typedef struct known {
	emr_cid root;
	compare_result result;
} known;

struct comparing { /* view->lock */
	waiting *first, **last;
	emr_buf known; /* known, ... */
	emr_worker worker;
	bool runs, stop;
};

static compare_result find(const struct comparing *c, const emr_cid *root)
{
	if (c == NULL)
		return COMPARE_NOT_YET;
	EMR_EACH (const known, one, &c->known)
		if (emr_cid_equal(&one->root, root))
			return one->result;
	return COMPARE_NOT_YET;
}

compare_result compare_known(const emr_view *view, const emr_cid *root)
{
	return find(view->comparing, root);
}

compare_result compare_of(emr_view *view, const emr_cid *root)
{
	EMR_LOCKED(&view->lock);

	return compare_known(view, root);
}

/* ---- one ---- */

static void tell(emr_view *view, uint64_t number)
{
	char *path = NULL;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL)
		path = kind_path(n);
	pthread_mutex_unlock(&view->lock);
	if (view->options.notice != NULL)
		view->options.notice(
			view->options.notice_arg, "bad-signature", path != NULL ? path : "");
	free(path);
}

static void compare(emr_view *view, const waiting *w)
{
	emr_status status = emr_content_reader_verify(w->reader);
	known one = {.root = w->root, .result = COMPARE_NOT_YET};

	if (status == EMR_OK)
		one.result = COMPARE_FITS;
	else if (status == EMR_BAD_SIGNATURE)
		one.result = COMPARE_DIFFERS;
	else
		emr_log(EMR_LOG_WARN, "a signed root could not be compared: %s",
			emr_status_text(status));
	pthread_mutex_lock(&view->lock);
	if (one.result != COMPARE_NOT_YET &&
		emr_buf_append(&view->comparing->known, &one, sizeof one) != EMR_OK)
		emr_log(EMR_LOG_WARN, "no memory to remember a comparison");
	pthread_mutex_unlock(&view->lock);
	if (one.result != COMPARE_FITS)
		kept_doubt(view, w->node); /* the next opening judges and compares again */
	if (one.result == COMPARE_DIFFERS)
		tell(view, w->node);
}

static void waiting_free(waiting *w)
{
	emr_content_reader_free(w->reader);
	free(w);
}

/* Under view->lock; NULL: nothing waits. */
static waiting *take(struct comparing *c)
{
	waiting *w = c->first;

	if (w == NULL)
		return NULL;
	c->first = w->next;
	if (c->first == NULL)
		c->last = &c->first;
	return w;
}

static waiting *next_one(emr_view *view)
{
	struct comparing *c;
	waiting *w = NULL;
	EMR_LOCKED(&view->lock);

	c = view->comparing;
	if (c != NULL && !c->stop)
		w = take(c);
	if (c != NULL && w == NULL)
		c->runs = false;
	return w;
}

void compare_turn(emr_view *view)
{
	for (waiting *w = next_one(view); w != NULL; w = next_one(view)) {
		compare(view, w);
		waiting_free(w);
	}
}

static void *compare_loop(void *view)
{
	compare_turn(view);
	return NULL;
}

/* ---- what waits ---- */

/* Under view->lock. */
static bool is_waiting(const struct comparing *c, const emr_cid *root)
{
	for (const waiting *w = c->first; w != NULL; w = w->next)
		if (emr_cid_equal(&w->root, root))
			return true;
	return false;
}

static struct comparing *need(emr_view *view)
{
	if (view->comparing == NULL) {
		view->comparing = calloc(1, sizeof *view->comparing);
		if (view->comparing != NULL) {
			view->comparing->last = &view->comparing->first;
			emr_worker_init(&view->comparing->worker);
		}
	}
	return view->comparing;
}

/* A view without threads leaves it to its publisher's turn; a thread that has ended is collected
 * first. */
static void start(emr_view *view, struct comparing *c)
{
	if (c->runs || c->stop || !view->is_started)
		return;
	emr_worker_stop(&c->worker);
	c->runs = emr_worker_start(&c->worker, "comparing", compare_loop, view) == EMR_OK;
}

bool compare_note(emr_view *view, const node *n, const emr_cid *root, emr_content_reader *reader)
{
	uint64_t bytes = emr_content_reader_content(reader)->n;
	struct comparing *c;
	waiting *w;

	if (bytes > (shared_has(n) ? COMPARE_SHARED_MAX : COMPARE_BYTES_MAX))
		return true;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return false;
	pthread_mutex_lock(&view->lock);
	c = need(view);
	if (c == NULL || c->stop || find(c, root) != COMPARE_NOT_YET || is_waiting(c, root)) {
		pthread_mutex_unlock(&view->lock);
		free(w);
		return c != NULL;
	}
	*w = (waiting){
		.node = n->number, .root = *root, .reader = emr_content_reader_share(reader)};
	*c->last = w;
	c->last = &w->next;
	start(view, c);
	pthread_mutex_unlock(&view->lock);
	return true;
}

void compare_free(emr_view *view)
{
	struct comparing *c = view->comparing;
	waiting *w;

	if (c == NULL)
		return;
	pthread_mutex_lock(&view->lock);
	c->stop = true;
	pthread_mutex_unlock(&view->lock);
	emr_worker_stop(&c->worker);
	while ((w = take(c)) != NULL)
		waiting_free(w);
	emr_worker_free(&c->worker);
	emr_buf_free(&c->known);
	free(c);
	view->comparing = NULL;
}
