/* Known answers from tests/vectors: JSON with hex fields.  A missing file or field ends the test
 * program. */
#pragma once

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/id.h"

static inline void vectors_die(const char *what)
{
	fprintf(stderr, "vectors: %s is missing or malformed\n", what);
	abort();
}

static inline json_t *vectors_open(const char *name)
{
	char path[1024];
	json_t *root;

	snprintf(path, sizeof path, "%s/%s", EMR_VECTOR_DIR, name);
	root = json_load_file(path, 0, NULL);
	if (root == NULL)
		vectors_die(name);
	return root;
}

static inline const json_t *vectors_get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		vectors_die(key);
	return value;
}

static inline const char *vectors_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(vectors_get(object, key));

	if (text == NULL)
		vectors_die(key);
	return text;
}

/* An integer that is a JSON number or, beyond 2^53, a decimal string. */
static inline uint64_t vectors_u64(const json_t *object, const char *key)
{
	const json_t *value = vectors_get(object, key);

	return json_is_string(value) ? strtoull(json_string_value(value), NULL, 10)
				     : (uint64_t)json_integer_value(value);
}

/* For AUTO. */
static inline void auto_json_decref(json_t **it)
{
	json_decref(*it);
}

/* Decodes hex into BUF, which the caller frees, and shows it. */
static inline emr_bytes vectors_unhex(const char *text, emr_buf *buf)
{
	size_t len = strlen(text) / 2;

	emr_buf_clear(buf);
	/* One byte more: an empty field is not a NULL pointer. */
	if (emr_buf_append_zeros(buf, len + 1) != EMR_OK ||
		emr_unhex(text, buf->data, len) != EMR_OK)
		vectors_die(text);
	buf->len = len;
	return emr_buf_view(buf);
}

static inline emr_bytes vectors_hex(const json_t *object, const char *key, emr_buf *buf)
{
	return vectors_unhex(vectors_text(object, key), buf);
}

/* Exactly LEN bytes. */
static inline void vectors_fixed(const json_t *object, const char *key, void *out, size_t len)
{
	if (emr_unhex(vectors_text(object, key), out, len) != EMR_OK)
		vectors_die(key);
}

static inline bool vectors_valid(const json_t *test)
{
	return strcmp(vectors_text(test, "result"), "invalid") != 0;
}
