/* This file reads a working copy: the written bytes, over the sealed leaf or the base below it. It
 * changes nothing. */
#include "staging_impl.h"

#include <string.h>

#include "reader.h"
#include "spill_log.h"

static emr_status read_sealed(
	emr_staging *st, const bucket *b, uint32_t from, uint32_t len, uint8_t *out)
{
	record_leaf_source source = {.ctx = st->ctx,
		.cipher = b->under->cipher,
		.leaf = b->leaf,
		.stream_len = EMR_LEAF_BYTES};

	source.cid = emr_cid_of_digest(EMR_CODEC_RAW, b->under_digest);
	return record_leaf_read(&source, from, len, out);
}

/* The bytes that show where nothing was written: the sealed leaf, the base, or zeros. */
static emr_status read_below(
	emr_staging *st, const bucket *b, uint64_t leaf, uint32_t from, uint32_t len, uint8_t *out)
{
	uint64_t start = leaf << EMR_LEAF_LOG2;
	uint64_t shows;
	size_t got = 0;
	emr_status status = EMR_OK;

	if (b != NULL && b->under != NULL)
		shows = b->under_len;
	else
		shows = st->base_limit > start ? st->base_limit - start : 0;
	shows = shows > from ? shows - from : 0;
	if (shows > len)
		shows = len;
	if (shows > 0 && b != NULL && b->under != NULL) {
		status = read_sealed(st, b, from, (uint32_t)shows, out);
		got = (size_t)shows;
	} else if (shows > 0) {
		status = emr_content_reader_read(st->base, start + from, out, (size_t)shows, &got);
	}
	if (status == EMR_OK)
		memset(out + got, 0, len - got);
	return status;
}

static emr_status read_extent(emr_staging *st, const bucket *b, const extent *e, uint32_t from,
	uint32_t len, uint8_t *out)
{
	spill_record record = {.at = e->record_at, .seq = e->record_seq, .len = e->record_len};
	uint8_t payload[SPILL_PAYLOAD_MAX];

	if (e->bytes != NULL) {
		memcpy(out, e->bytes + (from - e->from), len);
		return EMR_OK;
	}
	record.off = (b->leaf << EMR_LEAF_LOG2) + e->from - e->skip;
	EMR_TRY(spill_read(&st->spill, &record, payload));
	memcpy(out, payload + e->skip + (from - e->from), len);
	return EMR_OK;
}

emr_status staging_read_leaf(
	emr_staging *st, uint64_t leaf, uint32_t from, uint32_t len, uint8_t *out)
{
	const bucket *b = staging_bucket(st, leaf);
	uint32_t end = from + len;
	emr_status status = EMR_OK;

	for (uint32_t i = 0; b != NULL && i < b->count && from < end && status == EMR_OK; i++) {
		const extent *e = &b->extents[i];
		uint32_t take;

		if (e->from + e->len <= from)
			continue;
		if (e->from >= end)
			break;
		if (e->from > from) {
			status = read_below(st, b, leaf, from, e->from - from, out);
			out += e->from - from;
			from = e->from;
		}
		if (status != EMR_OK)
			break;
		take = (e->from + e->len < end ? e->from + e->len : end) - from;
		status = read_extent(st, b, e, from, take, out);
		out += take;
		from += take;
	}
	if (status == EMR_OK && from < end)
		status = read_below(st, b, leaf, from, end - from, out);
	return status;
}

emr_status emr_staging_read(
	emr_staging *st, uint64_t offset, void *buffer, size_t len, size_t *out_got)
{
	uint8_t *out = buffer;
	size_t got = 0;
	emr_status status = EMR_OK;

	gate_read(&st->gate);
	if (offset >= st->size)
		len = 0;
	else if (len > st->size - offset)
		len = (size_t)(st->size - offset);
	while (got < len && status == EMR_OK) {
		size_t from = (size_t)((offset + got) & (EMR_LEAF_BYTES - 1));
		size_t take = EMR_LEAF_BYTES - from < len - got ? EMR_LEAF_BYTES - from : len - got;

		status = staging_read_leaf(st, (offset + got) >> EMR_LEAF_LOG2, (uint32_t)from,
			(uint32_t)take, out + got);
		got += take;
	}
	gate_read_end(&st->gate);
	if (status == EMR_OK)
		*out_got = got;
	return status;
}
