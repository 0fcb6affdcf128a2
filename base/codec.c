/* This file reads and writes numbers and bytes of all binary formats. A reader never reads
 * behind its end: once something is missing it stays "bad", and one check at the end is enough. */
#include "base/codec.h"

/* The next LEN bytes, or NULL once the reader is bad. */
static const uint8_t *reader_take(emr_reader *r, size_t len)
{
	const uint8_t *at = r->at;

	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	if (len > 0)
		r->at += len;
	r->left -= len;
	return at;
}

uint8_t emr_read_u8(emr_reader *r)
{
	const uint8_t *p = reader_take(r, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t emr_read_u16(emr_reader *r)
{
	const uint8_t *p = reader_take(r, 2);

	return p == NULL ? 0 : emr_get_u16(p);
}

uint32_t emr_read_u32(emr_reader *r)
{
	const uint8_t *p = reader_take(r, 4);

	return p == NULL ? 0 : emr_get_u32(p);
}

uint64_t emr_read_u64(emr_reader *r)
{
	const uint8_t *p = reader_take(r, 8);

	return p == NULL ? 0 : emr_get_u64(p);
}

emr_bytes emr_read_bytes(emr_reader *r, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	return emr_bytes_of(p, p == NULL ? 0 : len);
}

void emr_read_copy(emr_reader *r, void *out, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	if (len == 0)
		return;
	if (p == NULL)
		memset(out, 0, len);
	else
		memcpy(out, p, len);
}

void emr_read_zeros(emr_reader *r, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	/* The first is zero, and each other what the one before it is. */
	if (p != NULL && len > 0 && (p[0] != 0 || memcmp(p, p + 1, len - 1) != 0))
		r->bad = true;
}

void emr_read_magic(emr_reader *r, const char *magic)
{
	size_t len = strlen(magic);
	const uint8_t *p = reader_take(r, len);

	if (p != NULL && memcmp(p, magic, len) != 0)
		r->bad = true;
}

bool emr_reader_done(const emr_reader *r)
{
	return !r->bad && r->left == 0;
}

void emr_write_bytes(emr_writer *w, const void *data, size_t len)
{
	if (w->status == EMR_OK)
		w->status = emr_buf_append(w->buf, data, len);
}

void emr_write_zeros(emr_writer *w, size_t len)
{
	if (w->status == EMR_OK)
		w->status = emr_buf_append_zeros(w->buf, len);
}

void emr_write_u8(emr_writer *w, uint8_t v)
{
	emr_write_bytes(w, &v, sizeof v);
}

void emr_write_u16(emr_writer *w, uint16_t v)
{
	uint8_t bytes[2];

	emr_put_u16(bytes, v);
	emr_write_bytes(w, bytes, sizeof bytes);
}

void emr_write_u32(emr_writer *w, uint32_t v)
{
	uint8_t bytes[4];

	emr_put_u32(bytes, v);
	emr_write_bytes(w, bytes, sizeof bytes);
}

void emr_write_u64(emr_writer *w, uint64_t v)
{
	uint8_t bytes[8];

	emr_put_u64(bytes, v);
	emr_write_bytes(w, bytes, sizeof bytes);
}
