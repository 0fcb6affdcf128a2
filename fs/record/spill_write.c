/* This file writes each kind of record into a spill (the encrypted temporary file of a working
 * copy): what it lies on, new sizes, encrypted pieces, bytes, and the marks up to which a
 * restart may believe it. */
#include "spill_write.h"

#include "format_checks.h"

/* ---- Control records ---- */

static emr_status append_control(spill_file *spill, const spill_control *control)
{
	EMR_AUTO_BUF payload = {0};
	spill_record record;

	EMR_TRY(spill_control_encode(control, &payload));
	return spill_append(spill, SPILL_OFF_CONTROL, emr_buf_view(&payload), &record);
}

emr_status spill_write_base(emr_staging *st, spill_file *spill)
{
	spill_control control = {
		.kind = SPILL_BASE, .base = SPILL_BASE_NONE, .base_limit = st->base_limit};

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

emr_status spill_write_cut(spill_file *spill, uint64_t size)
{
	spill_control control = {.kind = SPILL_CUT, .size = size};

	return append_control(spill, &control);
}

emr_status spill_write_mark(emr_staging *st, spill_file *spill, int64_t mtime_ns)
{
	spill_control control = {
		.kind = SPILL_MARK, .size = st->size, .mtime_ns = mtime_ns, .number = ++st->marks};

	EMR_TRY(append_control(spill, &control));
	spill->mark = control.number;
	return EMR_OK;
}

/* ---- Sealed leaves ---- */

emr_status spill_write_leaves(emr_staging *st, spill_file *spill, spill_leaf_list *list)
{
	spill_control control = {.kind = SPILL_LEAVES, .leaf_count = list->count};
	emr_status status;

	if (list->count == 0)
		return EMR_OK;
	control.suite = list->life->suite;
	memcpy(control.salt, list->life->salt, sizeof control.salt);
	control.leaves = emr_buf_view(&list->leaves);
	status = emr_content_key_seal_local(st->ctx->options.keyring, list->life->key,
		EMR_ID16_AT(list->life->salt), control.sealed_dek);
	if (status == EMR_OK)
		status = append_control(spill, &control);
	st->refs_logged++;
	emr_buf_clear(&list->leaves);
	list->count = 0;
	return status;
}

emr_status spill_list_leaf(
	emr_staging *st, spill_file *spill, spill_leaf_list *list, const bucket *b)
{
	spill_leaf leaf = {.leaf = b->leaf, .len = b->under_len};
	uint8_t bytes[SPILL_LEAF_BYTES];

	if (list->life != b->under || list->count == SPILL_LEAVES_MAX)
		EMR_TRY(spill_write_leaves(st, spill, list));
	list->life = b->under;
	memcpy(leaf.digest, b->under_digest, 32);
	spill_leaf_encode(&leaf, bytes);
	list->count++;
	return emr_buf_append(&list->leaves, bytes, sizeof bytes);
}

/* ---- Data ---- */

emr_status spill_write_bytes(spill_file *spill, const bucket *b, uint32_t from,
	const uint8_t *bytes, uint32_t len, extent pieces[SPILL_PIECES_MAX], uint32_t *out_count)
{
	uint32_t count = 0;

	while (len > 0) {
		uint32_t take = len < SPILL_PAYLOAD_MAX ? len : SPILL_PAYLOAD_MAX;
		spill_record record;

		EMR_TRY(spill_append(spill, (b->leaf << EMR_LEAF_LOG2) + from,
			emr_bytes_of(bytes, take), &record));
		pieces[count++] = (extent){.from = from,
			.len = take,
			.record_len = take,
			.record_at = record.at,
			.record_seq = record.seq};
		from += take;
		bytes += take;
		len -= take;
	}
	*out_count = count;
	return EMR_OK;
}
