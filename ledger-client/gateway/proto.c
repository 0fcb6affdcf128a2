/* This file reads and writes protocol buffers.  It keeps no state and believes no length. */
#include "proto.h"

#include <string.h>

#define NUMBER_MAX 0x1fffffffu	   /* of a field: 29 bits */
#define NUMBER_SKIPPED 0x7fffffffu /* inside of an unknown group, as Go has it */
#define VARINT_BYTES 10

typedef enum wire_type {
	WIRE_VARINT = 0,
	WIRE_EIGHT = 1,
	WIRE_LENGTH = 2,
	WIRE_GROUP = 3,
	WIRE_GROUP_END = 4,
	WIRE_FOUR = 5,
} wire_type;

typedef struct field {
	uint32_t number;
	uint8_t type;
	uint64_t value;
	emr_bytes bytes;
} field;

static bool take_varint(emr_bytes *rest, uint64_t *out_value)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_BYTES && i < rest->len; i++) {
		uint8_t byte = rest->data[i];

		if (i == VARINT_BYTES - 1 && byte > 1)
			return false; /* over 64 bits */
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if ((byte & 0x80) == 0) {
			*rest = emr_bytes_of(rest->data + i + 1, rest->len - i - 1);
			*out_value = value;
			return true;
		}
	}
	return false;
}

static bool take_bytes(emr_bytes *rest, uint64_t len, emr_bytes *out_bytes)
{
	if (len > rest->len)
		return false;
	*out_bytes = emr_bytes_of(rest->data, (size_t)len);
	*rest = emr_bytes_of(rest->data + len, rest->len - (size_t)len);
	return true;
}

/* The beginning and the end of a group count as fields without a value. */
static bool take_field(emr_bytes *rest, uint32_t number_max, field *out)
{
	uint64_t tag, len;

	*out = (field){0};
	if (!take_varint(rest, &tag) || tag >> 3 == 0 || tag >> 3 > number_max)
		return false;
	out->number = (uint32_t)(tag >> 3);
	out->type = (uint8_t)(tag & 7);
	switch (out->type) {
	case WIRE_VARINT:
		return take_varint(rest, &out->value);
	case WIRE_EIGHT:
		return take_bytes(rest, 8, &out->bytes);
	case WIRE_FOUR:
		return take_bytes(rest, 4, &out->bytes);
	case WIRE_LENGTH:
		return take_varint(rest, &len) && take_bytes(rest, len, &out->bytes);
	case WIRE_GROUP:
	case WIRE_GROUP_END:
		return true;
	default:
		return false;
	}
}

/* Groups are of no message here; a newer program might still send one. */
static bool skip_group(emr_bytes *rest, uint32_t number)
{
	uint32_t open[PROTO_GROUPS_MAX]; /* there may be millions of groups: it is not cleared */
	size_t depth = 0;
	field f;

	open[depth++] = number;
	while (depth > 0) {
		if (!take_field(rest, NUMBER_SKIPPED, &f))
			return false;
		if (f.type == WIRE_GROUP) {
			if (depth == PROTO_GROUPS_MAX)
				return false;
			open[depth++] = f.number;
		} else if (f.type == WIRE_GROUP_END && f.number != open[--depth]) {
			return false;
		}
	}
	return true;
}

static void keep_listed(proto_list *list, emr_bytes value)
{
	if (list->count < list->max)
		list->items[list->count++] = value;
	list->total++;
}

static emr_status keep(const proto_want *want, const field *f)
{
	const proto_inside *inside = want->out;

	if (want->kind == PROTO_NUMBER && f->type == WIRE_VARINT)
		*(uint64_t *)want->out = f->value;
	if (want->kind == PROTO_NUMBER || f->type != WIRE_LENGTH)
		return EMR_OK; /* of another type: as good as unknown */
	/* A message in pieces is what its pieces are one behind the other. */
	if (want->kind == PROTO_MESSAGE)
		return proto_read(f->bytes, inside->wants, inside->count);
	if (want->kind == PROTO_REPEATED)
		keep_listed(want->out, f->bytes);
	else
		*(emr_bytes *)want->out = f->bytes; /* an empty one lies inside, too */
	return EMR_OK;
}

emr_status proto_read(emr_bytes message, const proto_want *wants, size_t count)
{
	emr_bytes rest = message;
	field f;

	while (rest.len > 0) {
		if (!take_field(&rest, NUMBER_MAX, &f) || f.type == WIRE_GROUP_END ||
			(f.type == WIRE_GROUP && !skip_group(&rest, f.number)))
			return EMR_DAMAGED;
		for (size_t i = 0; i < count; i++) {
			if (wants[i].number == f.number)
				EMR_TRY(keep(&wants[i], &f));
		}
	}
	return EMR_OK;
}

/* ---- Writing ---- */

static void put_varint(proto_writer *w, uint64_t value)
{
	uint8_t bytes[VARINT_BYTES];
	size_t n = 0;

	do {
		bytes[n++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value > 0);
	if (w->status == EMR_OK)
		w->status = emr_buf_append(w->buf, bytes, n);
}

void proto_put_number(proto_writer *w, uint32_t number, uint64_t value)
{
	if (value == 0)
		return;
	put_varint(w, (uint64_t)number << 3 | WIRE_VARINT);
	put_varint(w, value);
}

void proto_put_message(proto_writer *w, uint32_t number, emr_bytes value)
{
	put_varint(w, (uint64_t)number << 3 | WIRE_LENGTH);
	put_varint(w, value.len);
	if (w->status == EMR_OK && value.len > 0)
		w->status = emr_buf_append(w->buf, value.data, value.len);
}

void proto_put_bytes(proto_writer *w, uint32_t number, emr_bytes value)
{
	if (value.len > 0)
		proto_put_message(w, number, value);
}

void proto_put_text(proto_writer *w, uint32_t number, const char *value)
{
	proto_put_bytes(w, number, emr_bytes_of(value, strlen(value)));
}
