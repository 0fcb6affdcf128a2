#include "staging_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "format_checks.h"
#include "reader.h"
#include "spill_log.h"

#define COMPACT_FROM_BYTES ((uint64_t)1 << 20)	/* smaller spills are not worth it */

/* ---- Control records ---- */

static emr_status append_control(spill_file *spill, const spill_control *control)
{
	EMR_AUTO_BUF payload = { 0 };
	spill_record record;
	emr_status status = spill_control_encode(control, &payload);

	if (status == EMR_OK)
		status = spill_append(spill, SPILL_OFF_CONTROL, emr_buf_view(&payload), &record);
	return status;
}

static emr_status append_base(emr_staging *st, spill_file *spill)
{
	spill_control control = { .kind = SPILL_BASE, .base = SPILL_BASE_NONE, .base_limit = st->base_limit };

	if (st->base != NULL) {
		const emr_content *content = emr_content_reader_content(st->base);

		control.base = st->base_is_own ? SPILL_BASE_OWN : SPILL_BASE_GIVEN;
		control.base_cid = content->c;
		control.content = *content;
	}
	if (control.base == SPILL_BASE_OWN)
		st->refs_logged++;
	return append_control(spill, &control);
}

static emr_status append_cut(spill_file *spill, uint64_t size)
{
	spill_control control = { .kind = SPILL_CUT, .size = size };

	return append_control(spill, &control);
}

static emr_status append_mark(emr_staging *st, spill_file *spill, int64_t mtime_ns)
{
	spill_control control = { .kind = SPILL_MARK, .size = st->size, .mtime_ns = mtime_ns };

	return append_control(spill, &control);
}

/* ---- Sealed leaves ---- */

typedef struct leaf_list {
	const key_life *life;
	emr_buf leaves;
	uint32_t count;
} leaf_list;

static emr_status append_leaves(emr_staging *st, spill_file *spill, leaf_list *list)
{
	spill_control control = { .kind = SPILL_LEAVES, .leaf_count = list->count };
	emr_status status;

	if (list->count == 0)
		return EMR_OK;
	control.suite = list->life->suite;
	memcpy(control.salt, list->life->salt, sizeof control.salt);
	control.leaves = emr_buf_view(&list->leaves);
	status = emr_content_key_seal_local(st->ctx->options.keyring, list->life->key,
		record_dek_id(list->life->salt), control.sealed_dek);
	if (status == EMR_OK)
		status = append_control(spill, &control);
	st->refs_logged++;
	emr_buf_clear(&list->leaves);
	list->count = 0;
	return status;
}

static emr_status list_leaf(emr_staging *st, spill_file *spill, leaf_list *list, const bucket *b)
{
	spill_leaf leaf = { .leaf = b->leaf, .len = b->under_len };
	uint8_t bytes[SPILL_LEAF_BYTES];
	emr_status status = EMR_OK;

	if (list->life != b->under || list->count == SPILL_LEAVES_MAX)
		status = append_leaves(st, spill, list);
	if (status != EMR_OK)
		return status;
	list->life = b->under;
	memcpy(leaf.digest, b->under_digest, 32);
	spill_leaf_encode(&leaf, bytes);
	list->count++;
	return emr_buf_append(&list->leaves, bytes, sizeof bytes);
}

/* ---- Data ---- */

#define PIECES_MAX (EMR_LEAF_BYTES / SPILL_PAYLOAD_MAX + 1)

/* Appends LEN bytes from FROM of the leaf as records; *out_count pieces. */
static emr_status append_bytes(spill_file *spill, const bucket *b, uint32_t from, const uint8_t *bytes,
	uint32_t len, extent pieces[PIECES_MAX], uint32_t *out_count)
{
	uint32_t count = 0;

	while (len > 0) {
		uint32_t take = len < SPILL_PAYLOAD_MAX ? len : SPILL_PAYLOAD_MAX;
		spill_record record;
		emr_status status = spill_append(spill, (b->leaf << EMR_LEAF_LOG2) + from, emr_bytes_of(bytes, take),
			&record);

		if (status != EMR_OK)
			return status;
		pieces[count++] = (extent){ .from = from, .len = take, .record_len = take,
			.record_at = record.at, .record_seq = record.seq };
		from += take;
		bytes += take;
		len -= take;
	}
	*out_count = count;
	return EMR_OK;
}

static emr_status spill_bucket(emr_staging *st, bucket *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		extent *e = &b->extents[i];
		extent pieces[PIECES_MAX];
		uint32_t count;
		emr_status status;

		if (e->bytes == NULL)
			continue;
		status = append_bytes(&st->spill, b, e->from, e->bytes, e->len, pieces, &count);
		if (status == EMR_OK)
			status = bucket_reserve(b, PIECES_MAX - 1);
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

/* Everything that changed the meaning of earlier records, in the order in which a recovery must see it. */
static emr_status log_changes(emr_staging *st)
{
	leaf_list list = { 0 };
	emr_status status = have_file(st);

	if (status == EMR_OK && st->base_unlogged) {
		status = append_base(st, &st->spill);
		if (status == EMR_OK) {
			st->base_unlogged = false;
			st->cut_unlogged = UINT64_MAX;	/* nothing before it counts; the limit of the base is in it */
		}
	}
	if (status == EMR_OK && st->cut_unlogged != UINT64_MAX) {
		status = append_cut(&st->spill, st->cut_unlogged);
		if (status == EMR_OK)
			st->cut_unlogged = UINT64_MAX;
	}
	for (bucket *b = st->oldest; b != NULL && status == EMR_OK; b = b->newer) {
		if (b->under_unlogged)
			status = list_leaf(st, &st->spill, &list, b);
	}
	if (status == EMR_OK)
		status = append_leaves(st, &st->spill, &list);
	emr_buf_free(&list.leaves);
	for (bucket *b = st->oldest, *newer; b != NULL && status == EMR_OK; b = newer) {
		newer = b->newer;
		b->under_unlogged = false;
		bucket_unlist_if_clean(st, b);
	}
	return status;
}

/* ---- Writing anew ---- */

/* Copies one extent into the new file.  Positions are noted, not yet taken. */
static emr_status copy_extent(emr_staging *st, spill_file *fresh, const bucket *b, const extent *e, emr_buf *pieces)
{
	record_scratch *scratch = record_scratch_take(st->ctx);
	extent made[PIECES_MAX];
	uint32_t count;
	emr_status status;

	if (scratch == NULL)
		return EMR_NO_MEMORY;
	status = staging_read_leaf(st, b->leaf, e->from, e->len, scratch->plain);
	if (status == EMR_OK)
		status = append_bytes(fresh, b, e->from, scratch->plain, e->len, made, &count);
	record_scratch_give(st->ctx, scratch);
	if (status == EMR_OK)
		status = emr_buf_append(pieces, &count, sizeof count);
	if (status == EMR_OK)
		status = emr_buf_append(pieces, made, count * sizeof *made);
	return status;
}

/* The whole state but its mark, in the same order as take_positions. */
static emr_status copy_all(emr_staging *st, spill_file *fresh, emr_buf *pieces)
{
	leaf_list list = { 0 };
	emr_status status = append_base(st, fresh);

	for (uint64_t leaf = 0; leaf < staging_leaves_end(st) && status == EMR_OK; leaf++) {
		const bucket *b = staging_bucket(st, leaf);

		if (b != NULL && b->under != NULL)
			status = list_leaf(st, fresh, &list, b);
	}
	if (status == EMR_OK)
		status = append_leaves(st, fresh, &list);
	emr_buf_free(&list.leaves);
	for (uint64_t leaf = 0; leaf < staging_leaves_end(st) && status == EMR_OK; leaf++) {
		const bucket *b = staging_bucket(st, leaf);

		for (uint32_t i = 0; b != NULL && i < b->count && status == EMR_OK; i++)
			status = copy_extent(st, fresh, b, &b->extents[i], pieces);
	}
	return status;
}

/* Room for what take_positions inserts, so that it cannot fail half way. */
static emr_status reserve_positions(emr_staging *st)
{
	for (uint64_t leaf = 0; leaf < staging_leaves_end(st); leaf++) {
		bucket *b = staging_bucket(st, leaf);

		if (b != NULL && b->count > 0 && bucket_reserve(b, b->count * (PIECES_MAX - 1)) != EMR_OK)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

static void take_positions(emr_staging *st, const emr_buf *pieces)
{
	const uint8_t *at = pieces->data;

	for (uint64_t leaf = 0; leaf < staging_leaves_end(st); leaf++) {
		bucket *b = staging_bucket(st, leaf);

		for (uint32_t i = 0; b != NULL && i < b->count;) {
			extent made[PIECES_MAX];
			uint32_t count;

			memcpy(&count, at, sizeof count);
			memcpy(made, at + sizeof count, count * sizeof *made);
			at += sizeof count + count * sizeof *made;
			bucket_replace(st, b, i, made, count);
			i += count;
		}
		if (b != NULL) {
			b->under_unlogged = false;
			bucket_unlist_if_clean(st, b);
		}
	}
}

static emr_status publish_file(emr_staging *st, spill_file *fresh)
{
	int dirfd = st->ctx->options.spill_dirfd;
	char from[SPILL_NAME_MAX], to[SPILL_NAME_MAX];

	spill_name(st->id, true, from);
	spill_name(st->id, false, to);
	if (fdatasync(fresh->fd) != 0 || renameat(dirfd, from, dirfd, to) != 0)
		return emr_status_from_errno(errno);
	fresh->dir_unsynced = fsync(dirfd) != 0;	/* then sync tries again */
	return EMR_OK;
}

/* A new file with the present state and its mark takes the place of the old one. */
static emr_status rewrite(emr_staging *st, int64_t mtime_ns)
{
	EMR_AUTO_BUF pieces = { 0 };
	spill_file fresh = { .fd = -1 };
	uint64_t refs = st->refs_logged;
	char name[SPILL_NAME_MAX];
	emr_status status = reserve_positions(st);

	if (status == EMR_OK)
		status = spill_create(st->ctx, st->id, true, &fresh);
	if (status != EMR_OK)
		return status;
	status = copy_all(st, &fresh, &pieces);
	if (status == EMR_OK)
		status = append_mark(st, &fresh, mtime_ns);
	/* The old file goes: what the new one refers to must be on the disk first. */
	if (status == EMR_OK && st->refs_logged != refs)
		status = emr_block_store_sync(st->ctx->options.store);
	if (status == EMR_OK)
		status = publish_file(st, &fresh);
	if (status != EMR_OK) {
		spill_name(st->id, true, name);
		unlinkat(st->ctx->options.spill_dirfd, name, 0);
		spill_close(&fresh);
		return status;
	}
	take_positions(st, &pieces);
	spill_close(&st->spill);
	st->spill = fresh;
	st->refs_flushed = st->refs_logged;
	st->base_unlogged = false;
	st->cut_unlogged = UINT64_MAX;
	return EMR_OK;
}

static bool wants_rewrite(const emr_staging *st)
{
	return st->spill.broken || (st->spill.end > COMPACT_FROM_BYTES && st->spill.end > 2 * st->spilled_bytes);
}

/* ---- For the caller ---- */

static emr_status spill_all(emr_staging *st)
{
	emr_status status = log_changes(st);

	for (bucket *b = st->oldest, *newer; b != NULL && status == EMR_OK; b = newer) {
		newer = b->newer;
		status = spill_bucket(st, b);
	}
	return status;
}

static void note_mark(emr_staging *st, int64_t mtime_ns)
{
	st->mtime_ns = mtime_ns;
	st->marked_seq = atomic_load(&st->dirty_seq);
	st->has_mark = true;
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
			status = append_mark(st, &st->spill, mtime_ns);
		if (status == EMR_OK)
			note_mark(st, mtime_ns);
	}
	if (status == EMR_OK && wants_rewrite(st)) {
		bool must = st->spill.broken;

		status = rewrite(st, mtime_ns);
		if (status == EMR_OK)
			note_mark(st, mtime_ns);
		else if (!must)
			status = EMR_OK;	/* the long file is as good; it is tried again later */
	}
	gate_write_end(&st->gate);
	return status;
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

emr_status emr_staging_sync(emr_staging *st)
{
	EMR_AUTO_FD fd = -1;
	bool broken, named;

	gate_read(&st->gate);
	broken = st->spill.broken;
	named = !st->spill.dir_unsynced;
	if (st->spill.fd >= 0)
		fd = fcntl(st->spill.fd, F_DUPFD_CLOEXEC, 0);	/* a rewrite may close ours; it syncs by itself */
	else
		broken = true;
	gate_read_end(&st->gate);
	if (broken || fd < 0)
		return EMR_IO;
	if (fdatasync(fd) != 0) {
		emr_status status = emr_status_from_errno(errno);

		gate_write(&st->gate);
		st->spill.broken = true;	/* the kernel may have dropped the pages: never ask it again */
		gate_write_end(&st->gate);
		return status;
	}
	return named ? EMR_OK : sync_dir(st);
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
		(void)!fdatasync(fd);	/* half of the key: as good as the medium lets us */
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

void emr_staging_discard(emr_staging *st)
{
	emr_record_ctx *ctx;
	emr_id16 id;
	bool had_file;

	if (st == NULL)
		return;
	ctx = st->ctx;
	id = st->id;
	had_file = st->spill.fd >= 0;
	emr_staging_free(st);
	if (had_file && emr_staging_remove(ctx, id) != EMR_OK)
		emr_log(EMR_LOG_WARN, "a spill could not be removed");
}

/* ---- Memory ---- */

emr_status staging_evict(emr_staging *st, uint64_t keep)
{
	emr_status status = log_changes(st);

	for (bucket *b = st->oldest, *newer; b != NULL && status == EMR_OK; b = newer) {
		newer = b->newer;
		if (atomic_load(&st->memory) <= keep)
			break;
		if (!b->sealing)
			status = spill_bucket(st, b);
	}
	return status;
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
		keep = before / 2 < over ? before / 2 : before - over;	/* some more, so that not every write evicts */
		keep -= keep / 8;
		if (!st->spill.broken)
			status = staging_evict(st, keep);
		if (atomic_load(&st->memory) >= before)
			status = EMR_BUSY;	/* all of it at the workers: they will free it */
		gate_write_end(&st->gate);
		pthread_mutex_lock(&ctx->stagings_lock);
		st->visitors--;
		pthread_cond_broadcast(&ctx->visitor_left);
		pthread_mutex_unlock(&ctx->stagings_lock);
	}
}
