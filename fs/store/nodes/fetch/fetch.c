/* This file has missing blocks brought by the threads of the copies, keeps what came, and asks
 * ahead for what is read next. A block that no node could give is not asked for again for two
 * seconds. */
#include "fetch_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define NODE_MS 10000
#define FAILURE_NS INT64_C(2000000000)
#define AWAY_NS INT64_C(10000000000)
#define SLOW_NS INT64_C(1000000000)
#define AGE_NS INT64_C(3600000000000)

int64_t fetch_boot_ns(const emr_fetcher *fetcher)
{
	return emr_clock_boot_ns(fetcher->options.clock);
}

/* ---- What was brought ---- */

bool fetch_is_brought(emr_fetcher *fetcher, const emr_cid *cid)
{
	return (fetcher->options.cache != NULL &&
		       emr_block_cache_has(fetcher->options.cache, cid, NULL)) ||
	       held_size(&fetcher->held, cid) > 0;
}

static bool is_here(void *fetcher, const emr_cid *cid)
{
	return fetch_is_brought(fetcher, cid);
}

static void age(emr_fetcher *fetcher)
{
	bool is_due;

	pthread_mutex_lock(&fetcher->lock);
	is_due = fetch_boot_ns(fetcher) - fetcher->aged_boot_ns >= AGE_NS;
	if (is_due)
		fetcher->aged_boot_ns = fetch_boot_ns(fetcher);
	pthread_mutex_unlock(&fetcher->lock);
	if (is_due)
		emr_block_cache_age(fetcher->options.cache);
}

static emr_status keep(emr_fetcher *fetcher, const emr_cid *cid, emr_bytes block)
{
	emr_block_cache *cache = fetcher->options.cache;
	bool is_cached = false;

	if (fetch_is_brought(fetcher, cid) || block.len == 0) /* or it came for somebody else */
		return EMR_OK;
	if (cache != NULL) {
		age(fetcher);
		is_cached = emr_block_cache_put(cache, cid, block) == EMR_OK;
	}
	return held_add(&fetcher->held, cid, block, is_cached) == EMR_OK || is_cached
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

/* ---- Bringing ---- */

/* Only an answer that says so tells that there is none.  After one that broke off, an error of the
 * node, or what is no node, nobody knows what is there: it is asked again. */
static emr_status status_of(emr_status status)
{
	switch ((int)status) {
	case EMR_OK:
	case EMR_TIMEOUT:
	case EMR_INTERRUPTED:
	case EMR_NO_MEMORY:
		return status;
	case EMR_NOT_FOUND:
	case EMR_DAMAGED: /* it gave what cannot be the block */
	case EMR_LIMIT:
		return EMR_MISSING_DATA;
	}
	return EMR_OFFLINE;
}

/* With the lock. */
static void note_failure(emr_fetcher *fetcher, const emr_cid *cid, emr_status status)
{
	fetcher->failures[fetcher->failure_next++ % FAILURES] = (failure){.cid = *cid,
		.until_boot_ns = fetch_boot_ns(fetcher) + FAILURE_NS,
		.status = status};
}

/* With the lock: EMR_OK, or why it did not come just now. */
static emr_status last_failure(const emr_fetcher *fetcher, const emr_cid *cid)
{
	int64_t now = fetch_boot_ns(fetcher);

	for (size_t i = 0; i < FAILURES; i++) {
		const failure *f = &fetcher->failures[i];

		if (f->until_boot_ns > now && emr_cid_equal(&f->cid, cid))
			return f->status;
	}
	return EMR_OK;
}

static void take_out(emr_fetcher *fetcher, const bringing *b)
{
	bringing **at = &fetcher->all;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
}

static void block_came(void *arg, const emr_copies_answer *answer)
{
	bringing *b = arg;
	emr_fetcher *fetcher = b->fetcher;
	emr_status status = status_of(answer->status);
	emr_fetched_fn done;

	if (status == EMR_OK)
		status = keep(fetcher, &b->cid, answer->block);
	else if (status != EMR_INTERRUPTED)
		emr_log(EMR_LOG_WARN, "fetch: a block did not come: %s, node: %s",
			emr_status_text(answer->status), emr_ipfs_fault_name(answer->fault));
	pthread_mutex_lock(&fetcher->lock);
	/* A block that nobody wanted yet may be late because it stood behind one that somebody
	 * did. */
	if (status != EMR_OK && status != EMR_INTERRUPTED &&
		(b->is_wanted || status != EMR_TIMEOUT))
		note_failure(fetcher, &b->cid, status);
	/* A node that looks for it at others is there: only this block is late.  Nor does one
	 * answer that went wrong say anything of the next. */
	if (!answer->has_answered && answer->status != EMR_IO && emr_status_is_away(status))
		fetcher->away_until_boot_ns = fetch_boot_ns(fetcher) + AWAY_NS;
	if (b->is_wanted)
		fetcher->is_slow = fetch_boot_ns(fetcher) - b->asked_boot_ns > SLOW_NS;
	take_out(fetcher, b);
	done = b->done; /* who forgets does so before, or is told */
	pthread_mutex_unlock(&fetcher->lock);
	if (done != NULL)
		done(b->arg, status);
	free(b);
}

/* With the lock. */
static bool is_brought_for(
	const emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, const void *arg)
{
	const bringing *b = fetcher->all;

	while (b != NULL && (b->done != done || b->arg != arg || !emr_cid_equal(&b->cid, cid)))
		b = b->next;
	return b != NULL;
}

/* With the lock; NULL: no memory. */
static bringing *new_bringing(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg, bool is_wanted)
{
	bringing *b = calloc(1, sizeof *b);

	if (b == NULL)
		return NULL;
	*b = (bringing){.next = fetcher->all,
		.fetcher = fetcher,
		.cid = *cid,
		.done = done,
		.arg = arg,
		.asked_boot_ns = fetch_boot_ns(fetcher),
		.is_wanted = is_wanted};
	fetcher->all = b;
	return b;
}

/* With the lock. */
static emr_status begin_bringing(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg, bool is_wanted)
{
	bringing *b = new_bringing(fetcher, cid, done, arg, is_wanted);
	emr_status status;

	if (b == NULL)
		return EMR_NO_MEMORY;
	status = emr_copies_fetch(fetcher->copies, cid, block_came, b);
	if (status != EMR_OK) {
		take_out(fetcher, b);
		free(b);
	}
	return status;
}

static emr_status bring(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg, bool is_wanted)
{
	emr_status status;

	pthread_mutex_lock(&fetcher->lock);
	status = last_failure(fetcher, cid);
	if (status == EMR_OK && fetcher->copies == NULL)
		status = fetcher->options.node_count > 0 ? EMR_INTERRUPTED : EMR_MISSING_DATA;
	if (status == EMR_OK && !is_brought_for(fetcher, cid, done, arg))
		status = begin_bringing(fetcher, cid, done, arg, is_wanted);
	pthread_mutex_unlock(&fetcher->lock);
	return status;
}

emr_status emr_fetcher_bring(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg)
{
	return bring(fetcher, cid, done, arg, done != NULL);
}

emr_status emr_fetcher_bring_beside(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg)
{
	return bring(fetcher, cid, done, arg, false);
}

/* ---- Ahead ---- */

/* With the lock: notes it, too. */
static bool is_ahead(emr_fetcher *fetcher, const emr_cid *cid)
{
	for (size_t i = 0; i < AHEAD; i++) {
		if (emr_cid_equal(&fetcher->ahead[i], cid))
			return true;
	}
	fetcher->ahead[fetcher->ahead_next++ % AHEAD] = *cid;
	return false;
}

static bool lacks_ahead(emr_fetcher *fetcher, const emr_cid *cid)
{
	bool is_useless;
	uint64_t bytes;

	pthread_mutex_lock(&fetcher->lock);
	is_useless = fetcher->copies == NULL || is_ahead(fetcher, cid) ||
		     last_failure(fetcher, cid) != EMR_OK;
	pthread_mutex_unlock(&fetcher->lock);
	return !is_useless && !fetch_is_brought(fetcher, cid) &&
	       emr_block_store_size(fetcher->options.store, cid, &bytes) != EMR_OK;
}

/* A reader that wants one of them will hear why it did not come. */
static void begin_run(emr_fetcher *fetcher, const emr_unixfs_run *run)
{
	void *args[EMR_UNIXFS_RUN_MAX];
	size_t made = 0, taken = 0;

	pthread_mutex_lock(&fetcher->lock);
	while (made < run->count) {
		args[made] = new_bringing(fetcher, &run->leaves[made], NULL, NULL, false);
		if (args[made] == NULL)
			break;
		made++;
	}
	if (made == run->count && fetcher->copies != NULL)
		taken = emr_copies_fetch_run(fetcher->copies, run, block_came, args);
	for (size_t i = taken; i < made; i++) {
		take_out(fetcher, args[i]);
		free(args[i]);
	}
	pthread_mutex_unlock(&fetcher->lock);
}

/* Several at a time over a slow line would all be late. */
static bool is_slow(emr_fetcher *fetcher)
{
	bool is;

	pthread_mutex_lock(&fetcher->lock);
	is = fetcher->is_slow;
	pthread_mutex_unlock(&fetcher->lock);
	return is;
}

bool emr_fetcher_bring_ahead(emr_fetcher *fetcher, const emr_unixfs_run *run, size_t from)
{
	size_t n = 0;

	if (is_slow(fetcher))
		return false;
	for (size_t at = from; at <= run->count; at++) {
		emr_unixfs_run part;

		if (at < run->count && lacks_ahead(fetcher, &run->leaves[at])) {
			n++;
			continue;
		}
		if (n == 0)
			continue;
		emr_unixfs_run_part(run, at - n, n, &part);
		begin_run(fetcher, &part);
		n = 0;
	}
	return true;
}

/* ---- All of it ---- */

static emr_status name_nodes(emr_fetcher *fetcher)
{
	EMR_AUTO_BUF text = {0};
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < fetcher->options.node_count; i++) {
		const char *address = emr_ipfs_address(fetcher->options.nodes[i]);

		if (i > 0)
			status = emr_buf_append(&text, ", ", 2);
		if (status == EMR_OK)
			status = emr_buf_append(&text, address, strlen(address));
	}
	if (status == EMR_OK)
		status = emr_buf_append_zeros(&text, 1);
	fetcher->nodes = status == EMR_OK ? strdup((const char *)text.data) : NULL;
	return fetcher->nodes != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_fetcher_open(const emr_fetcher_options *options, emr_fetcher **out_fetcher)
{
	emr_fetcher *fetcher = calloc(1, sizeof *fetcher);
	const emr_copies_options copies = {.nodes = options->nodes,
		.node_count = options->node_count,
		.is_here = is_here,
		.here_arg = fetcher,
		.fetch_ms = options->fetch_ms != 0 ? options->fetch_ms : NODE_MS};
	emr_status status;

	if (fetcher == NULL)
		return EMR_NO_MEMORY;
	fetcher->face.ops = &fetch_face_ops;
	fetcher->options = *options;
	pthread_mutex_init(&fetcher->lock, NULL);
	pthread_mutex_init(&fetcher->held.lock, NULL);
	status = name_nodes(fetcher);
	if (status == EMR_OK && options->node_count > 0)
		status = emr_copies_open(&copies, &fetcher->copies);
	if (status != EMR_OK) {
		emr_fetcher_close(fetcher);
		return status;
	}
	*out_fetcher = fetcher;
	return EMR_OK;
}

void emr_fetcher_stop(emr_fetcher *fetcher)
{
	emr_copies *copies;

	if (fetcher == NULL)
		return;
	pthread_mutex_lock(&fetcher->lock);
	copies = fetcher->copies;
	fetcher->copies = NULL;
	pthread_mutex_unlock(&fetcher->lock);
	emr_copies_close(copies);
}

bool emr_fetcher_is_stopped(emr_fetcher *fetcher)
{
	bool is;

	pthread_mutex_lock(&fetcher->lock);
	is = fetcher->copies == NULL && fetcher->options.node_count > 0;
	pthread_mutex_unlock(&fetcher->lock);
	return is;
}

void emr_fetcher_close(emr_fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	emr_fetcher_stop(fetcher);
	held_drop(&fetcher->held);
	pthread_mutex_destroy(&fetcher->held.lock);
	pthread_mutex_destroy(&fetcher->lock);
	free(fetcher->nodes);
	free(fetcher);
}

bool emr_fetcher_give_way(emr_fetcher *fetcher, uint64_t bytes)
{
	return fetcher != NULL && fetcher->options.cache != NULL &&
	       emr_block_cache_give_way(fetcher->options.cache, bytes);
}

void emr_fetcher_forget(emr_fetcher *fetcher, int64_t until_s)
{
	if (fetcher == NULL)
		return;
	held_drop(&fetcher->held);
	if (fetcher->options.cache != NULL)
		emr_block_cache_drop_until(fetcher->options.cache, until_s);
}

const char *emr_fetcher_nodes(const emr_fetcher *fetcher)
{
	return fetcher != NULL ? fetcher->nodes : "";
}
