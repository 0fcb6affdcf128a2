/* A spill is the encrypted temporary file of a working copy. This file decides what must be
 * written to it and when, so that close and fsync keep their promises and memory stays within
 * its limit; a disk that once refused a sync is not trusted again with the same file. */
#include "staging_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "spill_write.h"

#define COMPACT_FROM_BYTES ((uint64_t)1 << 20) /* smaller spills are not worth it */

/* ---- Data ---- */

static emr_status spill_bucket(emr_staging *st, bucket *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		extent *e = &b->extents[i];
		extent pieces[SPILL_PIECES_MAX];
		uint32_t count;
		emr_status status;

		if (e->bytes == NULL)
			continue;
		status =
			spill_write_bytes(&st->spill, b, e->from, e->bytes, e->len, pieces, &count);
		if (status == EMR_OK)
			status = bucket_reserve(b, SPILL_PIECES_MAX - 1);
		if (status != EMR_OK)
			return status;
		bucket_replace(st, b, i, pieces, count);
		i += count - 1;
	}
	bucket_unlist_if_clean(st, b);
	return EMR_OK;
}

/* ---- What must come before data ---- */

static emr_status have_file(emr_staging *st)
{
	if (st->spill.fd >= 0)
		return EMR_OK;
	if (st->ctx->options.spill_dirfd < 0)
		return EMR_UNSUPPORTED;
	return spill_create(st->ctx, st->id, false, &st->spill);
}

/* Everything that changed the meaning of earlier records, in the order in which a recovery must see
 * it. */
static emr_status log_changes(emr_staging *st)
{
	spill_leaf_list list = {0};
	emr_status status = have_file(st);

	if (status == EMR_OK && st->base_unlogged) {
		status = spill_write_base(st, &st->spill);
		if (status == EMR_OK) {
			st->base_unlogged = false;
			st->cut_unlogged = UINT64_MAX; /* nothing before it counts; the limit of the
							  base is in it */
		}
	}
	if (status == EMR_OK && st->cut_unlogged != UINT64_MAX) {
		status = spill_write_cut(&st->spill, st->cut_unlogged);
		if (status == EMR_OK)
			st->cut_unlogged = UINT64_MAX;
	}
	for (bucket *b = st->oldest; b != NULL && status == EMR_OK; b = b->newer) {
		if (b->under_unlogged)
			status = spill_list_leaf(st, &st->spill, &list, b);
	}
	if (status == EMR_OK)
		status = spill_write_leaves(st, &st->spill, &list);
	emr_buf_free(&list.leaves);
	for (bucket *b = st->oldest, *newer; b != NULL && status == EMR_OK; b = newer) {
		newer = b->newer;
		b->under_unlogged = false;
		bucket_unlist_if_clean(st, b);
	}
	return status;
}

static bool wants_rewrite(const emr_staging *st)
{
	return st->spill.broken ||
	       (st->spill.end > COMPACT_FROM_BYTES && st->spill.end > 2 * st->spilled_bytes);
}

/* ---- For the caller ---- */

static emr_status spill_all(emr_staging *st)
{
	EMR_TRY(log_changes(st));
	for (bucket *b = st->oldest, *newer; b != NULL; b = newer) {
		newer = b->newer;
		EMR_TRY(spill_bucket(st, b));
	}
	return EMR_OK;
}

static void note_mark(emr_staging *st, int64_t mtime_ns)
{
	st->mtime_ns = mtime_ns;
	st->marked_seq = atomic_load(&st->dirty_seq);
	st->has_mark = true;
	st->retired_marked = st->retired_dropped + st->retired.len;
}

emr_status emr_staging_spill(emr_staging *st, int64_t mtime_ns)
{
	emr_status status = EMR_OK;

	gate_write(&st->gate);
	staging_wait_jobs(st);
	if (st->has_mark && !st->spill.broken && st->marked_seq == atomic_load(&st->dirty_seq) &&
		st->mtime_ns == mtime_ns) {
		gate_write_end(&st->gate);
		return EMR_OK;
	}
	if (st->spill.fd < 0 || !st->spill.broken) {
		status = spill_all(st);
		if (status == EMR_OK)
			status = spill_write_mark(st, &st->spill, mtime_ns);
		if (status == EMR_OK)
			note_mark(st, mtime_ns);
	}
	if (status == EMR_OK && wants_rewrite(st)) {
		bool must = st->spill.broken;

		status = spill_rewrite(st, mtime_ns);
		if (status == EMR_OK)
			note_mark(st, mtime_ns);
		else if (!must)
			status = EMR_OK; /* the long file is as good; it is tried again later */
	}
	gate_write_end(&st->gate);
	return status;
}

uint64_t emr_staging_mark(emr_staging *st)
{
	uint64_t mark;

	gate_read(&st->gate);
	mark = st->spill.fd >= 0 ? st->spill.mark : 0;
	gate_read_end(&st->gate);
	return mark;
}

bool emr_staging_needs_store_flush(emr_staging *st)
{
	bool needs;

	gate_write(&st->gate);
	st->refs_asked = st->refs_logged;
	needs = st->refs_flushed != st->refs_logged;
	gate_write_end(&st->gate);
	return needs;
}

void emr_staging_store_flushed(emr_staging *st)
{
	gate_write(&st->gate);
	if (st->refs_asked > st->refs_flushed)
		st->refs_flushed = st->refs_asked;
	gate_write_end(&st->gate);
}

static emr_status sync_dir(emr_staging *st)
{
	emr_status status = EMR_OK;

	gate_write(&st->gate);
	if (st->spill.dir_unsynced) {
		if (fsync(st->ctx->options.spill_dirfd) != 0)
			status = emr_status_from_errno(errno);
		else
			st->spill.dir_unsynced = false;
	}
	gate_write_end(&st->gate);
	return status;
}

/* The disk has the mark from which on these are not named. */
static void forget_retired(emr_staging *st, uint64_t upto)
{
	size_t gone;

	gate_write(&st->gate);
	gone = upto > st->retired_dropped ? (size_t)(upto - st->retired_dropped) : 0;
	if (gone > 0)
		staging_forget_retired(st, gone / sizeof(emr_cid));
	gate_write_end(&st->gate);
}

emr_status emr_staging_sync(emr_staging *st)
{
	EMR_AUTO_FD fd = -1;
	bool broken, named;
	uint64_t retired;
	emr_status status;

	gate_read(&st->gate);
	retired = st->retired_marked;
	broken = st->spill.broken;
	named = !st->spill.dir_unsynced;
	if (st->spill.fd >= 0)
		fd = fcntl(st->spill.fd, F_DUPFD_CLOEXEC,
			0); /* a rewrite may close ours; it syncs by itself */
	else
		broken = true;
	gate_read_end(&st->gate);
	if (broken || fd < 0)
		return EMR_IO;
	if (fdatasync(fd) != 0) {
		status = emr_status_from_errno(errno);
		gate_write(&st->gate);
		st->spill.broken =
			true; /* the kernel may have dropped the pages: never ask it again */
		gate_write_end(&st->gate);
		return status;
	}
	EMR_TRY(named ? EMR_OK : sync_dir(st));
	forget_retired(st, retired);
	return EMR_OK;
}

static void remove_file(emr_record_ctx *ctx, emr_id16 id, bool temporary, emr_status *status)
{
	static const uint8_t zeros[SPILL_HEADER_BYTES];
	int dirfd = ctx->options.spill_dirfd;
	char name[SPILL_NAME_MAX];
	EMR_AUTO_FD fd = -1;

	spill_name(id, temporary, name);
	fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && emr_pwrite_all(fd, zeros, sizeof zeros, 0) == EMR_OK)
		(void)!fdatasync(fd); /* half of the key: as good as the medium lets us */
	if (unlinkat(dirfd, name, 0) != 0 && errno != ENOENT)
		*status = emr_status_from_errno(errno);
}

emr_status emr_staging_remove(emr_record_ctx *ctx, emr_id16 id)
{
	emr_status status = EMR_OK;

	if (ctx->options.spill_dirfd < 0)
		return EMR_OK;
	remove_file(ctx, id, false, &status);
	remove_file(ctx, id, true, &status);
	return status;
}

/* ---- Memory ---- */

/* Frees memory by writing the oldest bytes out until at most KEEP bytes are held here. */
static emr_status staging_evict(emr_staging *st, uint64_t keep)
{
	EMR_TRY(log_changes(st));
	for (bucket *b = st->oldest, *newer; b != NULL; b = newer) {
		newer = b->newer;
		if (atomic_load(&st->memory) <= keep)
			break;
		if (!b->sealing)
			EMR_TRY(spill_bucket(st, b));
	}
	return EMR_OK;
}

static emr_staging *largest(emr_record_ctx *ctx)
{
	emr_staging *best = NULL;

	for (emr_staging *st = ctx->stagings; st != NULL; st = st->next) {
		if (best == NULL || atomic_load(&st->memory) > atomic_load(&best->memory))
			best = st;
	}
	return best;
}

void record_balance(emr_record_ctx *ctx)
{
	emr_status status = EMR_OK;

	while (status == EMR_OK && ctx->options.spill_dirfd >= 0 &&
		atomic_load(&ctx->memory) > ctx->options.memory_bytes) {
		uint64_t over = atomic_load(&ctx->memory) - ctx->options.memory_bytes;
		uint64_t before, keep;
		emr_staging *st;

		pthread_mutex_lock(&ctx->stagings_lock);
		st = largest(ctx);
		if (st != NULL)
			st->visitors++;
		pthread_mutex_unlock(&ctx->stagings_lock);
		if (st == NULL)
			return;
		gate_write(&st->gate);
		before = atomic_load(&st->memory);
		keep = before / 2 < over
			       ? before / 2
			       : before - over; /* some more, so that not every write evicts */
		keep -= keep / 8;
		if (!st->spill.broken)
			status = staging_evict(st, keep);
		if (atomic_load(&st->memory) >= before)
			status = EMR_BUSY; /* all of it at the workers: they will free it */
		gate_write_end(&st->gate);
		pthread_mutex_lock(&ctx->stagings_lock);
		st->visitors--;
		pthread_cond_broadcast(&ctx->visitor_left);
		pthread_mutex_unlock(&ctx->stagings_lock);
	}
}
