/* This file leaves applications of organisations in a channel's private collection, and lists them.
 * It judges none of them. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "channel/backend.h"
#include "channel_private.h"

#define ID_CHARS 32
#define KIND_APPLICATION 3
#define NOTHING 0xffffffffu
#define TAKEN 409
#define SPENT 429

/* The id is told to endorsers alone: who reads blocks does not learn it. */
emr_status emr_fabric_leave(
	emr_fabric *fabric, emr_fabric_call *call, emr_id16 id, emr_bytes letter)
{
	static const uint8_t kind = KIND_APPLICATION;
	EMR_AUTO_BUF whole = {0};
	char name[12 + ID_CHARS + 1] = "application-";
	emr_fabric_transaction t = {
		.id = name, .line = "", .function = "leave", .transient_name = "letter"};
	emr_fabric_end end;

	EMR_TRY(letter.len <= EMR_FABRIC_LETTER_MAX ? EMR_OK : EMR_LIMIT);
	EMR_TRY(emr_buf_append(&whole, id.b, sizeof id.b));
	EMR_TRY(emr_buf_append(&whole, &kind, 1));
	EMR_TRY(emr_buf_append(&whole, letter.data, letter.len));
	emr_hex(id.b, sizeof id.b, name + 12);
	t.transient = emr_buf_view(&whole);
	EMR_TRY(emr_fabric_hand_in(fabric, call, &t, &end));
	if (call->wait_s > 0 && end.state == EMR_FABRIC_WAITING)
		EMR_TRY(emr_fabric_ended(fabric, call, name, &end));
	if (end.state != EMR_FABRIC_REFUSED)
		return EMR_OK; /* it is there, or on its way */
	(void)snprintf(call->said, sizeof call->said, "%s", end.said);
	return end.status == TAKEN   ? EMR_EXISTS
	       : end.status == SPENT ? EMR_LETTERS_SPENT
				     : EMR_OFFLINE;
}

/* Length in four bytes, then the bytes. */
static emr_bytes take_value(emr_reader *r)
{
	uint32_t len = emr_read_u32(r);

	return r->bad || len == NOTHING ? (emr_bytes){0} : emr_read_bytes(r, len);
}

/* In order, so that whoever tells them wrongly does not make it go on for ever. */
emr_status channel_read_letters(
	emr_bytes list, char from[ID_CHARS + 2], emr_fabric_letter_fn fn, void *arg, size_t *n)
{
	emr_reader r = emr_reader_of(list);

	while (!emr_reader_done(&r)) {
		emr_bytes id = take_value(&r), letter = take_value(&r);

		if (r.bad || id.len != ID_CHARS || memchr(id.data, '\0', id.len) != NULL ||
			strncmp((const char *)id.data, from, ID_CHARS) <= 0)
			return EMR_DAMAGED;
		memcpy(from, id.data, ID_CHARS);
		from[ID_CHARS] = '!'; /* before every other character: the one behind this one */
		from[ID_CHARS + 1] = '\0';
		if (letter.len <= EMR_FABRIC_LETTER_MAX)
			EMR_TRY(fn(arg, letter));
		++*n;
	}
	return EMR_OK;
}

emr_status emr_fabric_letters(
	emr_fabric *fabric, emr_fabric_call *call, emr_fabric_letter_fn fn, void *arg)
{
	char from[ID_CHARS + 2] = "";
	size_t n = 0, before;

	do {
		const emr_bytes arg0 = emr_bytes_of(from, strlen(from));
		EMR_AUTO_BUF list = {0};

		before = n;
		EMR_TRY(emr_fabric_ask(fabric, call, "applications", &arg0, 1, &list));
		EMR_TRY(channel_read_letters(emr_buf_view(&list), from, fn, arg, &n));
	} while (n > before && n < EMR_FABRIC_LETTERS_MAX);
	return EMR_OK;
}
