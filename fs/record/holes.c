/* This file tells where a working copy has bytes that somebody wrote and where it has holes. It
 * counts in leaves (256 KiB), because a leaf is what is sealed or left out. */
#include "reader.h"
#include "staging_impl.h"

/* Leaves of the base that show, at least in part. */
static uint64_t base_leaves(const emr_staging *st)
{
	return (st->base_limit + EMR_LEAF_BYTES - 1) >> EMR_LEAF_LOG2;
}

/* As record_reader_next in what shows of the base; where it ends nothing is stored. */
static emr_status next_in_base(emr_staging *st, uint64_t leaf, bool wants_hole, uint64_t *out_leaf)
{
	uint64_t end = base_leaves(st), found;

	if (leaf >= end) {
		*out_leaf = wants_hole ? leaf : STAGING_NO_LEAF;
		return EMR_OK;
	}
	EMR_TRY(record_reader_next(st->base, leaf, wants_hole, &found, NULL));
	*out_leaf = found < end ? found : wants_hole ? end : STAGING_NO_LEAF;
	return EMR_OK;
}

static bool is_used(const emr_staging *st, uint64_t leaf)
{
	const bucket *b = staging_bucket(st, leaf);

	return b != NULL && b->used;
}

static emr_status next_data(emr_staging *st, uint64_t leaf, uint64_t *out_leaf)
{
	uint64_t used = staging_next_used(st, leaf), below;

	EMR_TRY(next_in_base(st, leaf, false, &below));
	*out_leaf = used < below ? used : below;
	return EMR_OK;
}

static emr_status next_hole(emr_staging *st, uint64_t leaf, uint64_t end, uint64_t *out_leaf)
{
	emr_status status = EMR_OK;

	while (leaf < end && status == EMR_OK) {
		uint64_t below;

		if (is_used(st, leaf)) {
			leaf++;
			continue;
		}
		status = next_in_base(st, leaf, true, &below);
		if (status == EMR_OK && below == leaf)
			break;
		leaf = below;
	}
	if (status == EMR_OK)
		*out_leaf = leaf;
	return status;
}

emr_status staging_next(
	emr_staging *st, uint64_t leaf, uint64_t end, bool wants_hole, uint64_t *out_leaf)
{
	uint64_t found = end;

	EMR_TRY(wants_hole ? next_hole(st, leaf, end, &found) : next_data(st, leaf, &found));
	*out_leaf = found < end ? found : end;
	return EMR_OK;
}

emr_status emr_staging_seek(emr_staging *st, uint64_t offset, bool wants_hole, uint64_t *out_offset)
{
	emr_status status = EMR_NOT_FOUND;
	uint64_t leaf;

	gate_read(&st->gate);
	if (offset < st->size) {
		uint64_t end = (st->size + EMR_LEAF_BYTES - 1) >> EMR_LEAF_LOG2;

		status = staging_next(st, offset >> EMR_LEAF_LOG2, end, wants_hole, &leaf);
		if (status == EMR_OK)
			status = record_seek_to(st->size, offset, leaf, wants_hole, out_offset);
	}
	gate_read_end(&st->gate);
	return status;
}

void staging_note_base(emr_staging *st)
{
	uint64_t stored = 0;

	if (st->base != NULL)
		stored = emr_content_stored(emr_content_reader_content(st->base));
	atomic_store(&st->base_stored, stored < st->base_limit ? stored : st->base_limit);
}

uint64_t emr_staging_stored(const emr_staging *st)
{
	return atomic_load(&st->base_stored) + (atomic_load(&st->used_leaves) << EMR_LEAF_LOG2);
}
