/* This file is the face of a block store in front of what is here and what was brought. It notes
 * for each thread which block it missed, and lets a thread that may wait have it brought. */
#include "fetch_private.h"

#include "base/log.h"
#include "store/car_store.h"

/* The block that this thread missed, and whether it waits. */
static _Thread_local struct {
	const emr_fetcher *fetcher;
	emr_cid cid;
	bool has_missed;
	bool is_waiting, is_home;
	emr_fetch_count came;
} mine;

static emr_fetcher *of(emr_block_store *face)
{
	return (emr_fetcher *)face;
}

static void note_missed(const emr_fetcher *fetcher, const emr_cid *cid)
{
	mine.fetcher = fetcher;
	mine.cid = *cid;
	mine.has_missed = true;
}

static emr_status get_brought(emr_fetcher *fetcher, const emr_cid *cid, emr_buf *out)
{
	emr_block_cache *cache = fetcher->options.cache;
	emr_status status = held_get(&fetcher->held, cid, out);

	return status == EMR_NOT_FOUND && cache != NULL ? emr_block_cache_get(cache, cid, out)
							: status;
}

static emr_status get_here(emr_fetcher *fetcher, const emr_cid *cid, emr_buf *out)
{
	emr_status status = get_brought(fetcher, cid, out);

	if (status == EMR_NOT_FOUND)
		status = emr_block_store_get_verified(fetcher->options.store, cid, out);
	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED)
		note_missed(fetcher, cid);
	return status;
}

static emr_status size_here(emr_fetcher *fetcher, const emr_cid *cid, uint64_t *out_bytes)
{
	size_t held;
	emr_status status;

	if (fetcher->options.cache != NULL &&
		emr_block_cache_has(fetcher->options.cache, cid, out_bytes))
		return EMR_OK;
	held = held_size(&fetcher->held, cid);
	if (held > 0) {
		*out_bytes = held;
		return EMR_OK;
	}
	status = emr_block_store_size(fetcher->options.store, cid, out_bytes);
	if (status == EMR_NOT_FOUND)
		note_missed(fetcher, cid);
	return status;
}

typedef struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool is_over;
	emr_status status;
} waiting;

static void end_wait(void *arg, emr_status status)
{
	waiting *w = arg;

	pthread_mutex_lock(&w->lock);
	w->is_over = true;
	w->status = status;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

/* Of a thousand records not each waits for a node that does not answer. */
static bool is_away(emr_fetcher *fetcher)
{
	bool is;

	pthread_mutex_lock(&fetcher->lock);
	is = fetch_boot_ns(fetcher) < fetcher->away_until_boot_ns;
	pthread_mutex_unlock(&fetcher->lock);
	return is;
}

static emr_status wait_for(emr_fetcher *fetcher, const emr_cid *cid)
{
	waiting w = {.lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};
	emr_status status = EMR_OFFLINE;
	uint64_t bytes = 0;

	if (!is_away(fetcher))
		status = emr_fetcher_bring(fetcher, cid, end_wait, &w);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&w.lock);
	while (!w.is_over)
		pthread_cond_wait(&w.told, &w.lock);
	pthread_mutex_unlock(&w.lock);
	if (w.status == EMR_OK && size_here(fetcher, cid, &bytes) == EMR_OK) {
		mine.came.blocks++;
		mine.came.bytes += bytes;
	}
	return w.status;
}

emr_status fetch_bring_home(emr_fetcher *fetcher, const emr_cid *cid)
{
	EMR_AUTO_BUF block = {0};
	emr_status status = emr_block_store_get_verified(fetcher->options.store, cid, &block);
	bool is_lacking = status == EMR_NOT_FOUND || status == EMR_DAMAGED;

	if (is_lacking)
		status = get_brought(fetcher, cid, &block);
	if (is_lacking && status == EMR_OK) {
		const emr_block one = {.cid = *cid, .data = emr_buf_view(&block)};

		status = emr_block_store_put(&fetcher->face, &one, 1); /* the cache gives way */
	}
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "fetch: a block was brought and not kept: %s",
			emr_status_text(status));
	else if (fetcher->options.cache != NULL) /* or whoever asks again reads it again */
		emr_block_cache_drop(fetcher->options.cache, cid);
	return status;
}

/* STATUS of a look at what is here; true: look again. */
static bool may_look_again(emr_fetcher *fetcher, const emr_cid *cid, emr_status status)
{
	bool is_missing = status == EMR_NOT_FOUND || status == EMR_DAMAGED;

	if (!mine.is_waiting || (is_missing && wait_for(fetcher, cid) != EMR_OK))
		return false;
	if (is_missing)
		mine.has_missed = false;
	if (mine.is_home && fetch_is_brought(fetcher, cid))
		(void)fetch_bring_home(
			fetcher, cid); /* it stays where it is, and has been logged */
	return is_missing;
}

static emr_status get_verified(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	emr_fetcher *fetcher = of(face);
	emr_status status = get_here(fetcher, cid, out);

	return may_look_again(fetcher, cid, status) ? get_here(fetcher, cid, out) : status;
}

static emr_status get_units(
	emr_block_store *face, const emr_cid *cid, emr_units units, uint8_t *out)
{
	return emr_block_store_get_units(of(face)->options.store, cid, units, out);
}

static void note_units(
	emr_block_store *face, const emr_cid *cid, emr_units units, const uint8_t *bytes)
{
	emr_block_store_note_units(of(face)->options.store, cid, units, bytes);
}

static emr_status size(emr_block_store *face, const emr_cid *cid, uint64_t *out_bytes)
{
	emr_fetcher *fetcher = of(face);
	emr_status status = size_here(fetcher, cid, out_bytes);

	return may_look_again(fetcher, cid, status) ? size_here(fetcher, cid, out_bytes) : status;
}

/* A block that was brought can be brought again; a person's save cannot. */
static emr_status put(emr_block_store *face, const emr_block *blocks, size_t count)
{
	emr_fetcher *fetcher = of(face);
	emr_status status = emr_block_store_put(fetcher->options.store, blocks, count);
	uint64_t bytes = 0;

	if (!emr_status_is_full(status))
		return status;
	for (size_t i = 0; i < count; i++)
		bytes += blocks[i].data.len;
	return emr_fetcher_give_way(fetcher, bytes)
		       ? emr_block_store_put(fetcher->options.store, blocks, count)
		       : status;
}

static emr_status pin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	return emr_block_store_pin(of(face)->options.store, pins, count);
}

static emr_status unpin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	return emr_block_store_unpin(of(face)->options.store, pins, count);
}

static emr_status each_pin(emr_block_store *face, emr_pin_visit visit, void *context)
{
	return emr_block_store_each_pin(of(face)->options.store, visit, context);
}

static emr_status sync_store(emr_block_store *face)
{
	return emr_block_store_sync(of(face)->options.store);
}

/* Gives the figures of the store that keeps; a cache is nobody's second copy. */
static emr_status stats(emr_block_store *face, emr_store_stats *out_stats)
{
	return emr_block_store_stats(of(face)->options.store, out_stats);
}

const emr_block_store_ops fetch_face_ops = {.put = put,
	.get_verified = get_verified,
	.get_units = get_units,
	.note_units = note_units,
	.size = size,
	.pin = pin,
	.unpin = unpin,
	.each_pin = each_pin,
	.sync = sync_store,
	.stats = stats};

emr_block_store *emr_fetcher_blocks(emr_fetcher *fetcher)
{
	return &fetcher->face;
}

void emr_fetcher_begin(emr_fetcher *fetcher)
{
	if (mine.fetcher == fetcher)
		mine.has_missed = false;
}

bool emr_fetcher_missed(emr_fetcher *fetcher, emr_cid *out_cid)
{
	if (fetcher == NULL || mine.fetcher != fetcher || !mine.has_missed ||
		fetcher->options.node_count == 0)
		return false;
	*out_cid = mine.cid;
	return true;
}

void emr_fetcher_wait_begin(emr_fetcher *fetcher, bool is_home)
{
	mine.is_waiting = fetcher != NULL;
	mine.is_home = is_home;
	mine.came = (emr_fetch_count){0};
}

emr_fetch_count emr_fetcher_wait_end(emr_fetcher *fetcher)
{
	mine.is_waiting = false;
	return fetcher != NULL ? mine.came : (emr_fetch_count){0};
}

emr_status emr_fetcher_await(
	emr_fetcher *fetcher, const emr_cid *cid, bool is_home, emr_fetch_count *count)
{
	emr_status status;

	mine.came = (emr_fetch_count){0};
	status = wait_for(fetcher, cid);
	if (status == EMR_OK && is_home)
		(void)fetch_bring_home(fetcher, cid); /* as above */
	count->blocks += mine.came.blocks;
	count->bytes += mine.came.bytes;
	return status;
}

emr_status emr_fetcher_take_home(emr_fetcher *fetcher, const emr_cid *cid)
{
	uint64_t bytes;

	if (fetch_is_brought(fetcher, cid))
		return fetch_bring_home(fetcher, cid);
	if (emr_block_store_size(fetcher->options.store, cid, &bytes) == EMR_OK)
		return EMR_OK;
	note_missed(fetcher, cid);
	return EMR_NOT_FOUND;
}

static emr_status keep_block(void *cache, const emr_cid *cid)
{
	emr_block_cache_keep(cache, cid);
	return EMR_OK;
}

static emr_status save_block(void *arg, const emr_cid *cid)
{
	emr_fetcher *fetcher = arg;

	if (fetch_is_brought(fetcher, cid))
		(void)fetch_bring_home(fetcher, cid); /* without room it stays, and is logged */
	return EMR_OK;
}

/* All of it is kept first: for what goes home the cache gives way, and not with the rest of it. */
emr_status emr_fetcher_save(emr_fetcher *fetcher, const emr_cid *root)
{
	if (fetcher == NULL || fetcher->options.cache == NULL ||
		emr_block_cache_bytes(fetcher->options.cache) == 0)
		return EMR_OK;
	EMR_TRY(emr_store_walk_here(&fetcher->face, root, keep_block, fetcher->options.cache));
	return emr_store_walk_here(&fetcher->face, root, save_block, fetcher);
}

void emr_fetcher_looked(emr_fetcher *fetcher)
{
	if (fetcher != NULL && fetcher->options.cache != NULL)
		emr_block_cache_looked(fetcher->options.cache);
}
