/* This file reads from open files, and has the blocks brought that a read lacks: the one that it
 * waits for, and for a program that reads on also the next four leaves, then sixteen, then 24, of
 * which two requests are under way at a time.  It says why a block did not come. */
#include <stdlib.h>

#include "fetch/fetch.h"
#include "view/received.h"

#include "file.h"
#include "health.h"
#include "ops_file.h"

#define AHEAD_FIRST 4
#define AHEAD_GROWS 4
/* So many are still to be read when the next ones are asked for: one thread hashes and writes what
 * one request brings, so two of them are under way. */
#define AHEAD_LEFT 40

/* ---- ahead ---- */

/* How many leaves a reader of AT will want, from *OUT_LEAF on, who came from the last one; 0: he
 * jumps, or enough is on its way.  They count as asked for from now on. */
static size_t leaves_ahead(emr_handle *handle, uint64_t at, uint64_t *out_leaf)
{
	uint64_t leaf = at >> EMR_LEAF_LOG2, next;
	size_t n;
	EMR_LOCKED(&handle->view->lock);

	if (leaf > handle->last_leaf + AHEAD_FIRST || leaf + AHEAD_FIRST < handle->last_leaf) {
		handle->ahead = 0;
		handle->ahead_end = 0;
		handle->last_leaf = leaf;
	} else if (leaf > handle->last_leaf) {
		handle->ahead = handle->ahead == 0 ? AHEAD_FIRST : handle->ahead;
		handle->last_leaf = leaf;
	} else if (leaf == 0 && handle->ahead == 0) {
		handle->ahead = AHEAD_FIRST; /* who begins at the beginning goes on as a rule */
	} /* the kernel asks for several pieces at once, in no order */
	n = handle->ahead;
	next = handle->last_leaf + 1;
	*out_leaf = handle->ahead_end > next ? handle->ahead_end : next;
	if (*out_leaf - next > (n < EMR_UNIXFS_RUN_MAX ? 0 : AHEAD_LEFT))
		n = 0;
	if (n > 0)
		handle->ahead_end = *out_leaf + n;
	return n;
}

/* Of those that leaves_ahead told up to END only those before LEAF were asked for; ANY: some were.
 * Nothing changes for who jumped meanwhile. */
static void end_ahead(emr_handle *handle, uint64_t end, uint64_t leaf, bool any)
{
	EMR_LOCKED(&handle->view->lock);

	if (handle->ahead_end == end) {
		handle->ahead_end = leaf;
		if (any)
			handle->ahead *= AHEAD_GROWS;
		if (handle->ahead > EMR_UNIXFS_RUN_MAX)
			handle->ahead = EMR_UNIXFS_RUN_MAX;
	}
}

static void bring_ahead(emr_handle *handle, uint64_t at)
{
	file *f = node_file(handle->node);
	uint64_t leaf, from;
	size_t n = leaves_ahead(handle, at, &leaf);
	emr_unixfs_run run = {0};
	bool are_asked = false;

	if (n == 0)
		return;
	from = leaf;
	pthread_rwlock_rdlock(&f->lock);
	if (f->staging == NULL && f->reader != NULL)
		(void)!emr_content_reader_run(f->reader, &leaf, n, &run);
	pthread_rwlock_unlock(&f->lock);
	if (run.count > 0)
		are_asked = emr_fetcher_bring_ahead(handle->view->options.fetcher, &run, 0);
	end_ahead(handle, from + n, are_asked ? leaf : from, are_asked);
}

emr_status emr_view_read(emr_handle *handle, uint64_t at, void *data, size_t len, size_t *out_len)
{
	emr_status status;

	view_note_reader(handle->view);
	/* A read and the close of its handle may be two threads: whoever comes last ends it. */
	__atomic_add_fetch(&handle->refs, 1, __ATOMIC_RELAXED);
	emr_fetcher_begin(handle->view->options.fetcher);
	status = file_read(handle, at, data, len, out_len);
	if (status == EMR_OK && __atomic_load_n(&handle->is_brought, __ATOMIC_RELAXED))
		bring_ahead(handle, at);
	handle_put(handle);
	return status;
}

/* ---- what leads there ---- */

/* Of one's own records the publisher says which no node has any more, and what is below their
 * roots is saved then.  So the way from the root to the leaves must not be lost before them: it
 * lies in this computer's own store, from which no block goes with its age. */
static bool is_own(emr_view *view, const base_facts *facts)
{
	return facts->is_published && !facts->is_theirs && !view_is_read_only(view);
}

void file_bring_way(emr_handle *handle)
{
	emr_view *view = handle->view;
	base_facts facts;

	if (!__atomic_load_n(&handle->is_brought, __ATOMIC_RELAXED))
		return;
	facts = file_facts(view, handle->node);
	if (is_own(view, &facts))
		emr_fetcher_bring_way(view->options.fetcher, &facts.place.root);
}

static void take_node_home(const emr_handle *handle, const emr_cid *cid)
{
	base_facts facts;

	if (emr_cid_codec(cid) != EMR_CODEC_DAG_PB)
		return;
	facts = file_facts(handle->view, handle->node);
	if (is_own(handle->view, &facts)) /* without room it stays in the cache, and is logged */
		(void)emr_fetcher_take_home(handle->view->options.fetcher, cid);
}

/* ---- what is waited for ---- */

typedef struct bringing {
	emr_handle *handle;
	emr_cid cid;
	emr_ready_fn ready;
	void *arg;
} bringing;

/* A block that was there and is not what it should be stays bad, for whatever reason no other copy
 * came. */
static emr_status say_failure(const emr_handle *handle, emr_status status)
{
	emr_view *view = handle->view;

	if (status != EMR_INTERRUPTED && __atomic_load_n(&handle->is_damaged, __ATOMIC_RELAXED))
		status = EMR_DAMAGED;
	if (status == EMR_DAMAGED)
		file_notice(view, handle->node, status);
	else if (status != EMR_INTERRUPTED)
		file_notice_nodes(
			view, handle->node, status, emr_fetcher_nodes(view->options.fetcher));
	return status;
}

static void came(void *arg, emr_status status)
{
	bringing *b = arg;

	if (status == EMR_OK)
		take_node_home(b->handle, &b->cid);
	else
		status = say_failure(b->handle, status);
	b->ready(b->arg, status);
	handle_put(b->handle);
	free(b);
}

bool emr_view_lacks_block(emr_view *view)
{
	emr_cid missed;

	return emr_fetcher_missed(view->options.fetcher, &missed);
}

emr_status emr_view_await_block(emr_handle *handle, uint64_t at, emr_ready_fn ready, void *arg)
{
	emr_fetcher *fetcher = handle->view->options.fetcher;
	emr_cid missed;
	bringing *b;
	emr_status status;

	if (!emr_fetcher_missed(fetcher, &missed))
		return EMR_MISSING_DATA;
	b = malloc(sizeof *b);
	EMR_TRY_MEMORY(b);
	*b = (bringing){.handle = handle, .cid = missed, .ready = ready, .arg = arg};
	/* One for who is told, who may be answered and close before this returns, and one for us.
	 */
	__atomic_add_fetch(&handle->refs, 2, __ATOMIC_RELAXED);
	__atomic_store_n(&handle->is_brought, true, __ATOMIC_RELAXED);
	status = emr_fetcher_bring(fetcher, &missed, came, b);
	if (status == EMR_OK) {
		bring_ahead(handle, at);
		status = EMR_BUSY;
	} else {
		status = say_failure(handle, status);
		handle_put(handle);
		free(b);
	}
	handle_put(handle);
	return status;
}
