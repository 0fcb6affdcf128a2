/* This file is the byte format of the private parts that go to the ledger with a save, a new
 * description or a new listing key. It refuses lengths that no sealed part can have. */
#include "record/format.h"

#include "base/codec.h"
#include "format_checks.h"

/* Metadata as sealed: k * 512 bytes and a tag. */
static bool meta_len_is_sound(size_t len)
{
	return len >= EMR_META_UNIT + 16 && len <= EMR_META_BYTES_MAX + 16 &&
	       (len - 16) % EMR_META_UNIT == 0;
}

emr_status emr_put_part_encode(const emr_put_part *part, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	if (!meta_len_is_sound(part->meta_ct.len))
		return EMR_INVALID;
	emr_write_bytes(&w, part->salt, sizeof part->salt);
	emr_write_bytes(&w, part->root.b, sizeof part->root.b);
	emr_write_u64(&w, part->padded);
	emr_write_bytes(&w, part->record_id.b, sizeof part->record_id.b);
	emr_write_u64(&w, part->cver);
	emr_write_bytes(&w, part->capsule, sizeof part->capsule);
	emr_write_bytes(&w, part->wdek, sizeof part->wdek);
	emr_write_bytes(&w, part->listkey_id.b, sizeof part->listkey_id.b);
	emr_write_bytes(&w, part->nonce, sizeof part->nonce);
	emr_write_bytes(&w, part->meta_ct.data, part->meta_ct.len);
	return w.status;
}

emr_status emr_put_part_decode(emr_bytes bytes, emr_put_part *out)
{
	emr_put_part part = {0};
	emr_reader r = emr_reader_of(bytes);

	if (bytes.len < EMR_PUT_FIXED_BYTES || !meta_len_is_sound(bytes.len - EMR_PUT_FIXED_BYTES))
		return EMR_DAMAGED;
	emr_read_copy(&r, part.salt, sizeof part.salt);
	emr_read_copy(&r, part.root.b, sizeof part.root.b);
	part.padded = emr_read_u64(&r);
	emr_read_copy(&r, part.record_id.b, sizeof part.record_id.b);
	part.cver = emr_read_u64(&r);
	emr_read_copy(&r, part.capsule, sizeof part.capsule);
	emr_read_copy(&r, part.wdek, sizeof part.wdek);
	emr_read_copy(&r, part.listkey_id.b, sizeof part.listkey_id.b);
	emr_read_copy(&r, part.nonce, sizeof part.nonce);
	part.meta_ct = emr_read_bytes(&r, r.left);
	if (!emr_reader_done(&r) || memcmp(part.root.b, "\x01\x70\x12\x20", 4) != 0)
		return EMR_DAMAGED;
	if (!record_padded_is_possible(part.padded, false) &&
		!record_padded_is_possible(part.padded, true))
		return EMR_DAMAGED;
	*out = part;
	return EMR_OK;
}

emr_status emr_meta_part_encode(const emr_meta_part *part, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	if (!meta_len_is_sound(part->meta_ct.len))
		return EMR_INVALID;
	emr_write_bytes(&w, part->salt, sizeof part->salt);
	emr_write_bytes(&w, part->listkey_id.b, sizeof part->listkey_id.b);
	emr_write_bytes(&w, part->nonce, sizeof part->nonce);
	emr_write_bytes(&w, part->meta_ct.data, part->meta_ct.len);
	return w.status;
}

emr_status emr_meta_part_decode(emr_bytes bytes, emr_meta_part *out)
{
	emr_meta_part part = {0};
	emr_reader r = emr_reader_of(bytes);

	if (bytes.len < EMR_META_FIXED_BYTES ||
		!meta_len_is_sound(bytes.len - EMR_META_FIXED_BYTES))
		return EMR_DAMAGED;
	emr_read_copy(&r, part.salt, sizeof part.salt);
	emr_read_copy(&r, part.listkey_id.b, sizeof part.listkey_id.b);
	emr_read_copy(&r, part.nonce, sizeof part.nonce);
	part.meta_ct = emr_read_bytes(&r, r.left);
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	*out = part;
	return EMR_OK;
}

void emr_listkey_part_encode(const emr_listkey_part *part, uint8_t out[EMR_LISTKEY_PART_BYTES])
{
	memcpy(out, part->salt, 32);
	memcpy(out + 32, part->capsule, 96);
	memcpy(out + 128, part->kcheck, 32);
}

emr_status emr_listkey_part_decode(emr_bytes bytes, emr_listkey_part *out)
{
	if (bytes.len != EMR_LISTKEY_PART_BYTES)
		return EMR_DAMAGED;
	memcpy(out->salt, bytes.data, 32);
	memcpy(out->capsule, bytes.data + 32, 96);
	memcpy(out->kcheck, bytes.data + 128, 32);
	return EMR_OK;
}

void emr_meta_aad(emr_id16 domain, emr_id16 object, uint64_t item_version, uint32_t epoch,
	emr_id32 listkey_id, uint8_t out[EMR_META_AAD_BYTES])
{
	memcpy(out, domain.b, 16);
	memcpy(out + 16, object.b, 16);
	emr_put_u64(out + 32, item_version);
	emr_put_u32(out + 40, epoch);
	memcpy(out + 44, listkey_id.b, 32);
}
