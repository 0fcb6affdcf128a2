/* After a crash this file restores a working copy from its temporary file: it follows the log as
 * far as it is authentic and as far as the blocks that it names exist, and cuts off the rest. */
#include "staging_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "format_checks.h"
#include "spill_log.h"

/* The findings of a first pass over the log. */
typedef struct log_extent {
	uint64_t end;	     /* of the last good mark */
	uint64_t last_seq;   /* of that mark */
	uint64_t before_end; /* the last mark before anything that speaks of a block the store has
				not */
	uint64_t before_seq;
	bool has_mark, has_before, lacks_blocks;
} log_extent;

typedef struct recovery {
	emr_staging *st;
	emr_content_reader *given;
	uint8_t *payload; /* SPILL_PAYLOAD_MAX */
} recovery;

/* ---- First pass: how far the log authenticates ---- */

static bool leaves_are_there(emr_record_ctx *ctx, const spill_control *control)
{
	for (uint32_t i = 0; i < control->leaf_count; i++) {
		spill_leaf leaf;
		emr_cid cid;

		if (spill_leaf_decode(control->leaves.data + (size_t)i * SPILL_LEAF_BYTES, &leaf) !=
			EMR_OK)
			return false;
		cid = emr_cid_of_digest(EMR_CODEC_RAW, leaf.digest);
		if (!emr_block_store_has(ctx->options.store, &cid))
			return false;
	}
	return true;
}

static bool own_base_is_there(emr_record_ctx *ctx, const emr_content *content)
{
	emr_content_reader *reader = NULL;
	emr_content_key *key = NULL;
	bool present = false;
	emr_status status;

	status = emr_content_open_key(ctx, content, &key);
	if (status == EMR_OK)
		status = emr_content_reader_open(ctx, content, key, &reader);
	if (status == EMR_OK)
		status = emr_content_reader_present(reader, &present, NULL);
	emr_content_reader_free(reader);
	emr_content_key_free(key);
	return status == EMR_OK && present;
}

/* Blocks were appended before the record, but without a flush a power cut may have kept only the
 * record. */
static bool blocks_are_there(emr_record_ctx *ctx, const spill_control *control)
{
	if (control->kind == SPILL_LEAVES)
		return leaves_are_there(ctx, control);
	if (control->kind == SPILL_BASE && control->base == SPILL_BASE_OWN)
		return own_base_is_there(ctx, &control->content);
	return true;
}

static void note_control(emr_record_ctx *ctx, const spill_control *control, uint64_t end,
	uint64_t seq, log_extent *found)
{
	if (!found->lacks_blocks && !blocks_are_there(ctx, control))
		found->lacks_blocks = true;
	if (control->kind != SPILL_MARK)
		return;
	found->end = end;
	found->last_seq = seq;
	found->has_mark = true;
	if (!found->lacks_blocks) {
		found->before_end = end;
		found->before_seq = seq;
		found->has_before = true;
	}
}

static emr_status scan(recovery *r, log_extent *out)
{
	spill_file *spill = &r->st->spill;
	log_extent found = {0};
	uint64_t at = SPILL_HEADER_BYTES, last = 0;
	bool first = true;
	emr_status status;

	for (;;) {
		spill_record record;
		spill_control control;

		status = spill_read_at(spill, at, &record, r->payload);
		if (status != EMR_OK)
			break;
		if (first ? record.seq != 0 : !spill_seq_follows(last, record.seq))
			break;
		first = false;
		last = record.seq;
		at += spill_record_room(record.len);
		if (record.off != SPILL_OFF_CONTROL)
			continue;
		if (spill_control_decode(emr_bytes_of(r->payload, record.len), &control) != EMR_OK)
			return EMR_DAMAGED; /* authentic, yet not ours: a bug, or a newer program */
		note_control(r->st->ctx, &control, at, record.seq, &found);
	}
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (!found.has_mark)
		return EMR_NOT_FOUND;
	*out = found;
	return EMR_OK;
}

/* ---- Second pass: applying ---- */

static emr_status apply_data(emr_staging *st, const spill_record *record)
{
	uint32_t done = 0;

	while (done < record->len) {
		uint64_t off = record->off + done;
		uint32_t from = (uint32_t)(off & (EMR_LEAF_BYTES - 1));
		uint32_t room = (uint32_t)EMR_LEAF_BYTES - from;
		uint32_t take = room < record->len - done ? room : record->len - done;
		extent piece = {.from = from,
			.len = take,
			.skip = done,
			.record_len = record->len,
			.record_at = record->at,
			.record_seq = record->seq};
		bucket *b;

		EMR_TRY(staging_bucket_make(st, off >> EMR_LEAF_LOG2, &b));
		EMR_TRY(bucket_put_spilled(st, b, &piece));
		done += take;
	}
	return EMR_OK;
}

static emr_status open_own_base(emr_staging *st, const emr_content *content)
{
	emr_content_key *key;
	emr_status status;

	EMR_TRY(emr_content_open_key(st->ctx, content, &key));
	status = emr_content_reader_open(st->ctx, content, key, &st->base);
	emr_content_key_free(key);
	return status;
}

static emr_status apply_base(recovery *r, const spill_control *control)
{
	emr_staging *st = r->st;
	emr_status status = EMR_OK;

	staging_clear(st);
	emr_content_reader_free(st->base);
	st->base = NULL;
	st->base_limit = 0;
	st->base_is_own = control->base == SPILL_BASE_OWN;
	if (control->base == SPILL_BASE_OWN) {
		status = open_own_base(st, &control->content);
	} else if (control->base == SPILL_BASE_GIVEN) {
		if (r->given == NULL || !emr_cid_equal(&emr_content_reader_content(r->given)->c,
						&control->base_cid))
			return EMR_CONFLICT;
		st->base = emr_content_reader_share(r->given);
	}
	if (status == EMR_OK)
		st->base_limit = control->base_limit;
	staging_note_base(st);
	return status;
}

/* The life that a LEAVES record names, opened at its first mention. */
static emr_status find_life(emr_staging *st, const spill_control *control, key_life **out)
{
	key_life *life;

	for (life = st->lives; life != NULL; life = life->next) {
		if (memcmp(life->salt, control->salt, sizeof life->salt) != 0)
			continue;
		if (life->cipher == NULL)
			return EMR_DAMAGED; /* its key did not open before either */
		*out = life;
		return EMR_OK;
	}
	life = calloc(1, sizeof *life);
	if (life == NULL)
		return EMR_NO_MEMORY;
	life->next = st->lives;
	st->lives = life;   /* freed with the others, whatever comes */
	life->ended = true; /* every restart ends a key for sealing */
	life->suite = control->suite;
	memcpy(life->salt, control->salt, sizeof life->salt);
	EMR_TRY(emr_content_key_open_local(st->ctx->options.keyring, control->sealed_dek,
		EMR_ID16_AT(control->salt), &life->key));
	EMR_TRY(emr_content_key_cipher(
		life->key, life->suite, life->salt, &life->cipher, life->com));
	*out = life;
	return EMR_OK;
}

static emr_status apply_leaves(emr_staging *st, const spill_control *control)
{
	key_life *life;

	EMR_TRY(find_life(st, control, &life));
	for (uint32_t i = 0; i < control->leaf_count; i++) {
		record_sealed_leaf sealed = {0};
		spill_leaf leaf;
		bucket *b;

		EMR_TRY(spill_leaf_decode(
			control->leaves.data + (size_t)i * SPILL_LEAF_BYTES, &leaf));
		EMR_TRY(staging_bucket_make(st, leaf.leaf, &b));
		EMR_TRY(staging_may_lie_on_one_more(st));
		memcpy(sealed.digest, leaf.digest, 32);
		bucket_settle(st, b, life, &sealed, leaf.len);
	}
	return EMR_OK;
}

static emr_status apply_control(recovery *r, emr_bytes payload)
{
	emr_staging *st = r->st;
	spill_control control;

	EMR_TRY(spill_control_decode(payload, &control));
	switch (control.kind) {
	case SPILL_BASE:
		return apply_base(r, &control);
	case SPILL_CUT:
		staging_cut(st, control.size);
		return EMR_OK;
	case SPILL_LEAVES:
		return apply_leaves(st, &control);
	case SPILL_MARK:
		st->size = control.size;
		st->mtime_ns = control.mtime_ns;
		st->marks = st->spill.mark = control.number;
		return EMR_OK;
	}
	return EMR_DAMAGED;
}

static emr_status apply_until(recovery *r, uint64_t end)
{
	uint64_t at = SPILL_HEADER_BYTES;

	while (at < end) {
		spill_record record;
		emr_status status = spill_read_at(&r->st->spill, at, &record, r->payload);

		if (status == EMR_NOT_FOUND)
			return EMR_DAMAGED; /* it was there a moment ago */
		if (status == EMR_OK && record.off == SPILL_OFF_CONTROL)
			status = apply_control(r, emr_bytes_of(r->payload, record.len));
		else if (status == EMR_OK)
			status = apply_data(r->st, &record);
		if (status != EMR_OK)
			return status;
		at += spill_record_room(record.len);
	}
	return EMR_OK;
}

/* ---- The whole ---- */

/* The parts of the store's blocks that show: a leaf that the log names may be covered by later
 * bytes, or lost with a power cut. */
static bool visible_blocks_are_there(emr_staging *st)
{
	bool present = true;

	if (st->base_is_own &&
		(emr_content_reader_present(st->base, &present, NULL) != EMR_OK || !present))
		return false;
	for (uint64_t leaf = staging_next_used(st, 0); leaf != STAGING_NO_LEAF;
		leaf = staging_next_used(st, leaf + 1)) {
		const bucket *b = staging_bucket(st, leaf);
		emr_cid cid;

		if (b->under == NULL || b->under_len == 0 || bucket_is_covered(b, b->under_len))
			continue;
		cid = emr_cid_of_digest(EMR_CODEC_RAW, b->under_digest);
		if (!emr_block_store_has(st->ctx->options.store, &cid))
			return false;
	}
	return true;
}

/* Goes on after the mark: what stood behind it is cut, and the number jumps so that none of it fits
 * any more. */
static emr_status continue_log(emr_staging *st, uint64_t end, uint64_t last_seq)
{
	/* On a disk that takes nothing nothing is written behind it, either. */
	if (!st->ctx->is_still && ftruncate(st->spill.fd, (off_t)end) != 0)
		return emr_status_from_errno(errno);
	st->spill.end = end;
	st->spill.next_seq = ((last_seq >> 32) + 1) << 32;
	st->cut_unlogged = UINT64_MAX;
	emr_buf_clear(&st->retired); /* of states before this one */
	st->has_mark = true;
	st->marked_seq = atomic_load(&st->dirty_seq);
	st->refs_logged =
		1; /* blocks it speaks of may be unflushed still: a killed mount flushed nothing */
	return EMR_OK;
}

static emr_status rebuild(recovery *r)
{
	log_extent found;
	emr_status status;

	uint64_t end, seq;

	EMR_TRY(scan(r, &found));
	end = found.end;
	seq = found.last_seq;
	status = apply_until(r, end);
	if (found.lacks_blocks && status != EMR_NO_MEMORY &&
		(status != EMR_OK || !visible_blocks_are_there(r->st))) {
		if (!found.has_before)
			return EMR_MISSING_DATA;
		end = found.before_end;
		seq = found.before_seq;
		status = apply_until(r, end); /* its BASE record clears what the first try left */
	}
	if (status == EMR_OK)
		status = continue_log(r->st, end, seq);
	return status;
}

emr_status emr_staging_recover(
	emr_record_ctx *ctx, emr_id16 id, emr_content_reader *base, emr_staging **out_staging)
{
	recovery r = {.given = base};
	char name[SPILL_NAME_MAX];
	emr_status status = EMR_OK;

	EMR_TRY(staging_alloc(ctx, id, &r.st));
	r.payload = malloc(SPILL_PAYLOAD_MAX);
	if (r.payload == NULL)
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = spill_open(ctx, id, &r.st->spill);
	if (status == EMR_OK)
		status = rebuild(&r);
	free(r.payload);
	if (status != EMR_OK) {
		emr_staging_free(r.st);
		return status;
	}
	spill_name(id, true, name);
	(void)!unlinkat(ctx->options.spill_dirfd, name, 0); /* a rewrite that a crash cut short */
	*out_staging = r.st;
	return EMR_OK;
}
