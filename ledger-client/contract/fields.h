/* Forms of a fixed length: a table says once where each field stands, and both directions follow
 * it. Numbers are big-endian, and bytes of no field are zero. It checks nothing: lengths are the
 * caller's. */
#pragma once

#include <stddef.h>

#include "bytes.h"
#include "contract/rows.h"

typedef emr_field field;

/* One field of `form`, which FIELDS names. */
#define F(offset, name)                                                                            \
	{                                                                                          \
#name, offset, offsetof(form, name), sizeof((form *)0)->name,                      \
			_Generic(((form *)0)->name, uint16_t : 1, uint32_t : 1, uint64_t : 1,      \
				default : 0)                                                       \
	}

/* NAME_fields(): the table of the struct TYPE. */
#define FIELDS(name, type, ...)                                                                    \
	static const field *name##_fields(void)                                                    \
	{                                                                                          \
		typedef type form;                                                                 \
		static const field fields[] = {__VA_ARGS__, {0}};                                  \
		return fields;                                                                     \
	}

static inline void field_copy(const field *f, uint8_t *to, const uint8_t *from)
{
	if (!f->is_number || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		memcpy(to, from, f->size);
	else
		for (size_t i = 0; i < f->size; i++)
			to[i] = from[f->size - 1 - i];
}

static inline void fields_read(const field *fields, const uint8_t *bytes, void *out_form)
{
	for (const field *f = fields; f->size != 0; f++)
		field_copy(f, (uint8_t *)out_form + f->member, bytes + f->at);
}

static inline void fields_write(const field *fields, const void *form, uint8_t *out, size_t len)
{
	memset(out, 0, len);
	for (const field *f = fields; f->size != 0; f++)
		field_copy(f, out + f->at, (const uint8_t *)form + f->member);
}

/* emr_pub_NAME_encode() and _parse() of a public part. */
#define PUB(name, total, ...)                                                                      \
	FIELDS(name, emr_pub_##name, __VA_ARGS__)                                                  \
	void emr_pub_##name##_encode(const emr_pub_##name *pub, uint8_t out[total])                \
	{                                                                                          \
		fields_write(name##_fields(), pub, out, total);                                    \
	}                                                                                          \
	bool emr_pub_##name##_parse(emr_span bytes, emr_pub_##name *out_pub)                       \
	{                                                                                          \
		if (bytes.len != total)                                                            \
			return false;                                                              \
		fields_read(name##_fields(), bytes.data, out_pub);                                 \
		return true;                                                                       \
	}

/* emr_row_NAME_encode(), and _parse() where the row is read, too. Its head comes first in both. */
#define ROW_WRITTEN(name, total, ...)                                                              \
	FIELDS(name, emr_row_##name, __VA_ARGS__)                                                  \
	const emr_field *emr_row_##name##_fields(void)                                             \
	{                                                                                          \
		return name##_fields();                                                            \
	}                                                                                          \
	void emr_row_##name##_encode(const emr_row_##name *row, uint8_t out[total])                \
	{                                                                                          \
		fields_write(name##_fields(), row, out, total);                                    \
		emr_row_put_head(&row->head, out);                                                 \
	}
#define ROW(name, total, family, ...)                                                              \
	ROW_WRITTEN(name, total, __VA_ARGS__)                                                      \
	emr_contract_status emr_row_##name##_parse(emr_span value, emr_row_##name *out)            \
	{                                                                                          \
		if (!emr_row_head_is(value, total, family, &out->head))                            \
			return EMR_CONTRACT_STATE;                                                 \
		fields_read(name##_fields(), value.data, out);                                     \
		return EMR_CONTRACT_OK;                                                            \
	}
