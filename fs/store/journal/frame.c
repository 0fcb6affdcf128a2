/* This file is the byte format of the journal's entries (frames): it seals and opens them. An
 * entry that was changed, or moved to another place in the order, does not open. */
#include "journal_private.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/id.h"

#define FRAME_VERSION 1
#define PARTS_MAX 65536

/* Head: 0 "EMRJ" | 4 ver | 5 type | 6 0[2] | 8 seq u64 | 16 part u32 | 20 parts u32 | 24 chain[32]
 * | 56 0[24] | 80 nonce[24] | 104 sealed */
#define NONCE_AT 80

static void put_head(const emr_frame *frame, uint8_t out[EMR_FRAME_HEAD])
{
	memset(out, 0, EMR_FRAME_HEAD);
	memcpy(out, "EMRJ", 4);
	out[4] = FRAME_VERSION;
	out[5] = (uint8_t)frame->type;
	emr_put_u64(out + 8, frame->seq);
	emr_put_u32(out + 16, frame->part);
	emr_put_u32(out + 20, frame->parts);
	memcpy(out + 24, frame->chain, sizeof frame->chain);
	memcpy(out + NONCE_AT, frame->nonce, sizeof frame->nonce);
}

emr_status emr_frame_head_parse(emr_bytes head, emr_frame *out_frame)
{
	emr_reader r = emr_reader_of(head);
	emr_frame frame = {0};
	uint8_t version, type;

	emr_read_magic(&r, "EMRJ");
	version = emr_read_u8(&r);
	if (r.bad)
		return EMR_DAMAGED;
	if (version > FRAME_VERSION)
		return emr_newer_format(version, FRAME_VERSION);
	type = emr_read_u8(&r);
	emr_read_zeros(&r, 2);
	frame.seq = emr_read_u64(&r);
	frame.part = emr_read_u32(&r);
	frame.parts = emr_read_u32(&r);
	emr_read_copy(&r, frame.chain, sizeof frame.chain);
	emr_read_zeros(&r, 24);
	emr_read_copy(&r, frame.nonce, sizeof frame.nonce);
	if (r.bad || version != FRAME_VERSION ||
		(type != EMR_FRAME_LOG && type != EMR_FRAME_SNAPSHOT))
		return EMR_DAMAGED;
	if (frame.parts == 0 || frame.parts > PARTS_MAX || frame.part >= frame.parts)
		return EMR_DAMAGED;
	if (type == EMR_FRAME_LOG && (frame.parts != 1 || frame.seq == 0))
		return EMR_DAMAGED;
	frame.type = (emr_frame_type)type;
	*out_frame = frame;
	return EMR_OK;
}

/* A snapshot's body begins with the digest of the last log frame it covers. */
static size_t covered_len(const emr_frame *frame)
{
	return frame->type == EMR_FRAME_SNAPSHOT ? sizeof frame->covered : 0;
}

emr_status emr_frame_seal(
	const emr_local_key *key, const emr_frame *frame, emr_bytes body, emr_buf *out)
{
	emr_id32 random = emr_id32_random();
	size_t extra = covered_len(frame);
	emr_frame sealed = *frame;
	size_t from = out->len;
	emr_status status;
	uint8_t *p;

	memcpy(sealed.nonce, random.b, sizeof sealed.nonce);
	EMR_TRY(emr_buf_append_zeros(out, EMR_FRAME_OVERHEAD + extra + body.len));
	p = out->data + from;
	put_head(&sealed, p);
	memcpy(p + EMR_FRAME_HEAD, frame->covered, extra);
	if (body.len > 0)
		memcpy(p + EMR_FRAME_HEAD + extra, body.data, body.len);
	status = emr_local_seal(key, sealed.nonce, emr_bytes_of(p, EMR_FRAME_HEAD),
		emr_bytes_of(p + EMR_FRAME_HEAD, extra + body.len), p + EMR_FRAME_HEAD);
	if (status != EMR_OK)
		out->len = from;
	return status;
}

emr_status emr_frame_open(
	const emr_local_key *key, emr_bytes block, emr_frame *out_frame, emr_buf *out_body)
{
	EMR_AUTO_BUF plain = {0};
	emr_frame frame;
	size_t extra;

	if (block.len < EMR_FRAME_OVERHEAD)
		return EMR_DAMAGED;
	EMR_TRY(emr_frame_head_parse(emr_bytes_of(block.data, EMR_FRAME_HEAD), &frame));
	EMR_TRY(emr_buf_append_zeros(&plain, block.len - EMR_FRAME_OVERHEAD + 1));
	EMR_TRY(emr_local_open(key, frame.nonce, emr_bytes_of(block.data, EMR_FRAME_HEAD),
		emr_bytes_of(block.data + EMR_FRAME_HEAD, block.len - EMR_FRAME_HEAD), plain.data));
	plain.len--;
	extra = covered_len(&frame);
	if (plain.len < extra)
		return EMR_DAMAGED;
	memcpy(frame.covered, plain.data, extra);
	EMR_TRY(emr_buf_append(out_body, plain.data + extra, plain.len - extra));
	*out_frame = frame;
	return EMR_OK;
}

emr_status emr_frame_put_op(
	emr_buf *body, emr_frame_op op, uint8_t kind, emr_id16 key, emr_bytes value)
{
	emr_writer w = emr_writer_of(body);

	EMR_TRY(emr_buf_reserve(body, EMR_FRAME_OP_HEAD + value.len));
	emr_write_u8(&w, (uint8_t)op);
	emr_write_u8(&w, kind);
	emr_write_bytes(&w, key.b, sizeof key.b);
	emr_write_u32(&w, (uint32_t)value.len);
	emr_write_bytes(&w, value.data, value.len);
	return w.status;
}

emr_status emr_frame_next_op(emr_bytes *body, bool *out_more, emr_frame_step *out_op)
{
	emr_reader r = emr_reader_of(*body);
	emr_frame_step op;
	uint8_t code;
	uint32_t len;

	*out_more = body->len > 0;
	if (body->len == 0)
		return EMR_OK;
	code = emr_read_u8(&r);
	op.kind = emr_read_u8(&r);
	emr_read_copy(&r, op.key.b, sizeof op.key.b);
	len = emr_read_u32(&r);
	if (r.bad || len > EMR_JOURNAL_VALUE_MAX || (code != EMR_OP_PUT && code != EMR_OP_DELETE))
		return EMR_DAMAGED;
	if (code == EMR_OP_DELETE && len != 0)
		return EMR_DAMAGED;
	op.value = emr_read_bytes(&r, len);
	if (r.bad)
		return EMR_DAMAGED;
	op.op = (emr_frame_op)code;
	*out_op = op;
	*body = emr_bytes_of(r.at, r.left);
	return EMR_OK;
}

static emr_status count_ops(emr_bytes body, size_t *out_puts)
{
	size_t puts = 0;
	bool more = true;
	emr_frame_step op;

	while (more) {
		EMR_TRY(emr_frame_next_op(&body, &more, &op));
		puts += more && op.op == EMR_OP_PUT;
	}
	*out_puts = puts;
	return EMR_OK;
}

static void free_made(emr_row **made, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(made[i]);
	free(made);
}

emr_status emr_frame_apply(emr_bytes body, emr_rows *rows)
{
	emr_bytes rest = body;
	emr_row **made;
	size_t puts = 0, n = 0;
	bool more = true;
	emr_frame_step op;

	EMR_TRY(count_ops(body, &puts));
	EMR_TRY(emr_rows_reserve(rows, puts));
	made = calloc(puts + 1, sizeof(emr_row *));
	if (made == NULL)
		return EMR_NO_MEMORY;
	while (emr_frame_next_op(&rest, &more, &op) == EMR_OK && more) {
		if (op.op != EMR_OP_PUT)
			continue;
		made[n] = emr_row_new(op.kind, op.key, op.value);
		if (made[n++] == NULL) {
			free_made(made, n);
			return EMR_NO_MEMORY;
		}
	}
	n = 0;
	while (emr_frame_next_op(&body, &more, &op) == EMR_OK && more) {
		if (op.op == EMR_OP_PUT)
			emr_rows_put(rows, made[n++]);
		else
			emr_rows_delete(rows, op.kind, op.key);
	}
	free(made);
	return EMR_OK;
}
