/* Borrowed and owned runs of bytes.  Not for secrets: an emr_buf is neither locked nor wiped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Borrows; the owner is named where one is made. */
typedef struct emr_bytes {
	const uint8_t *data;
	size_t len;
} emr_bytes;

/* Owns; zero-initialised is valid and empty. */
typedef struct emr_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
} emr_buf;

static inline emr_bytes emr_bytes_of(const void *data, size_t len)
{
	return (emr_bytes){.data = data, .len = len};
}

static inline emr_bytes emr_buf_view(const emr_buf *buf)
{
	return (emr_bytes){.data = buf->data, .len = buf->len};
}

bool emr_bytes_equal(emr_bytes a, emr_bytes b); /* not constant time */

/* Room for EXTRA more bytes, also for none: afterwards `data` points somewhere.  EMR_NO_MEMORY
 * leaves the buffer as it was. */
emr_status emr_buf_reserve(emr_buf *buf, size_t extra);
emr_status emr_buf_append(emr_buf *buf, const void *data, size_t len);
emr_status emr_buf_append_zeros(emr_buf *buf, size_t len);
/* Whether BUF, an array of things of the size of ITEM, has one like it. */
bool emr_buf_has(const emr_buf *buf, emr_bytes item);
void emr_buf_clear(emr_buf *buf); /* keeps the memory */
void emr_buf_free(emr_buf *buf);  /* a zeroed buffer is fine */

#define EMR_AUTO_BUF __attribute__((cleanup(emr_buf_free))) emr_buf

static inline bool emr_buf_is_within(const emr_buf *buf, const void *item)
{
	return buf->len > 0 && (const uint8_t *)item < buf->data + buf->len;
}
/* A loop over BUF, an array of TYPE, in which ITEM points to one after the other.  BUF must not
 * grow meanwhile. */
#define EMR_EACH(type, item, buf)                                                                  \
	for (type *item = (type *)(void *)(buf)->data; emr_buf_is_within(buf, item); item++)

/* Sorts BUF, an array of things of SIZE bytes, as qsort() does; it may be empty. */
void emr_buf_sort(
	const emr_buf *buf, size_t size, int (*order)(const void *one, const void *other));
/* The same for an array of N, which may be NULL where N is 0. */
#define EMR_SORT(array, n, order)                                                                  \
	do {                                                                                       \
		if ((n) > 1)                                                                       \
			qsort((array), (n), sizeof *(array), (order));                             \
	} while (0)

/* free() for __attribute__((cleanup)) on a char or uint8_t pointer. */
static inline void emr_auto_free(void *pointer)
{
	extern void free(void *);
	free(*(void **)pointer);
}
#define EMR_AUTO_FREE __attribute__((cleanup(emr_auto_free)))

/* Makes NAME for __attribute__((cleanup(NAME))) on a variable of TYPE, a pointer: it hands the
 * pointer to CALL, which takes NULL, too. */
#define EMR_AUTO_CALL(name, type, call)                                                            \
	static inline void name(type *variable)                                                    \
	{                                                                                          \
		(void)call(*variable);                                                             \
	}                                                                                          \
	_Static_assert(sizeof(type) == sizeof(void *), "a pointer")
