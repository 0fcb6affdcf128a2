/* This file compares byte strings and makes buffers that grow. It is not for secrets: a buffer
 * is neither locked in memory nor wiped. */
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

bool emr_bytes_equal(emr_bytes a, emr_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

emr_status emr_buf_reserve(emr_buf *buf, size_t extra)
{
	size_t need;
	size_t cap = buf->cap;
	uint8_t *data;

	if (__builtin_add_overflow(buf->len, extra, &need) || need > PTRDIFF_MAX)
		return EMR_NO_MEMORY;
	if (need <= cap && buf->data != NULL)
		return EMR_OK;
	if (cap < 64)
		cap = 64;
	while (cap < need && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap < need)
		cap = need;
	data = realloc(buf->data, cap);
	EMR_TRY_MEMORY(data);
	buf->data = data;
	buf->cap = cap;
	return EMR_OK;
}

emr_status emr_buf_append(emr_buf *buf, const void *data, size_t len)
{
	EMR_TRY(emr_buf_reserve(buf, len));
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return EMR_OK;
}

emr_status emr_buf_append_zeros(emr_buf *buf, size_t len)
{
	EMR_TRY(emr_buf_reserve(buf, len));
	if (len > 0)
		memset(buf->data + buf->len, 0, len);
	buf->len += len;
	return EMR_OK;
}

bool emr_buf_has(const emr_buf *buf, emr_bytes item)
{
	for (size_t at = 0; at < buf->len; at += item.len)
		if (memcmp(buf->data + at, item.data, item.len) == 0)
			return true;
	return false;
}

void emr_buf_sort(const emr_buf *buf, size_t size, int (*order)(const void *, const void *))
{
	if (buf->len > size)
		qsort(buf->data, buf->len / size, size, order);
}

void emr_buf_clear(emr_buf *buf)
{
	buf->len = 0;
}

void emr_buf_free(emr_buf *buf)
{
	free(buf->data);
	*buf = (emr_buf){0};
}
