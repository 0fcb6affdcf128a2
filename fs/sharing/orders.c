/* This file keeps, sealed on this computer, the orders to give or to take back that the ledger
 * has not taken yet, and the shares that wait for somebody's yes, so that they survive a restart.
 */
#include "sharing/orders.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/file.h"
#include "keyring/sealed.h"
#include "kit/places.h"

/* "EMPO" | ver 1 | 0[3]; sealed: u64 next number | u16 n | for each: u64 number | u8 kind | u8
 * failed | u8 status | u8 code | domain[16] | grantee[32] | root[32] | u64 asked | u64 until | u32
 * purposes | u16 rights | request[16] | u8 told | u16 len and text of label, who, path, reason;
 * zeros to a multiple of 4,096. */
#define PAGE_BYTES 4096
#define REPLACES                                                                                   \
	0x8000u /* in the rights (reading in bits 0..7, writing in 8..12): it replaces older ones  \
		 */
#define FILE_MAX ((size_t)2 << 20) /* more than EMR_ORDERS_MAX with the longest texts */

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'O', 3, 0, 0, 0};

void emr_orders_free(emr_orders *orders)
{
	free(orders->list);
	*orders = (emr_orders){0};
}

static void write_text(emr_writer *w, const char *text)
{
	size_t len = strlen(text);

	emr_write_u16(w, (uint16_t)len);
	emr_write_bytes(w, text, len);
}

static void write_one(emr_writer *w, const emr_order *o)
{
	emr_write_u64(w, o->number);
	emr_write_u8(w, (uint8_t)o->kind);
	emr_write_u8(w, o->has_failed);
	emr_write_u8(w, o->failure);
	emr_write_u8(w, o->code);
	emr_write_bytes(w, o->domain.b, sizeof o->domain.b);
	emr_write_bytes(w, o->grantee.b, sizeof o->grantee.b);
	emr_write_bytes(w, o->root.b, sizeof o->root.b);
	emr_write_u64(w, o->asked_unix_s);
	emr_write_u64(w, o->until_unix_s);
	emr_write_u32(w, o->purposes);
	emr_write_u16(w, (uint16_t)(o->rights | (o->replaces ? REPLACES : 0)));
	emr_write_bytes(w, o->request.b, sizeof o->request.b);
	emr_write_u8(w, o->told);
	write_text(w, o->label);
	write_text(w, o->who);
	write_text(w, o->path);
	write_text(w, o->reason);
}

emr_status emr_orders_save(const emr_keyring *keyring, int state_fd, const emr_orders *orders)
{
	EMR_AUTO_BUF plain = {0};
	emr_writer w = emr_writer_of(&plain);
	emr_status status;

	emr_write_u64(&w, orders->next_number);
	emr_write_u16(&w, (uint16_t)orders->n);
	for (size_t i = 0; i < orders->n; i++)
		write_one(&w, &orders->list[i]);
	if (w.status == EMR_OK && plain.len % PAGE_BYTES != 0)
		emr_write_zeros(&w, PAGE_BYTES - plain.len % PAGE_BYTES);
	status = w.status;
	if (status == EMR_OK)
		status = emr_sealed_save(
			keyring, state_fd, EMR_STATE_ORDERS, head, emr_buf_view(&plain));
	if (plain.len > 0)
		emr_wipe(plain.data, plain.len);
	return status;
}

static void read_text(emr_reader *r, char *out, size_t size)
{
	size_t len = emr_read_u16(r);

	if (len >= size) {
		r->bad = true;
		return;
	}
	emr_read_copy(r, out, len);
	out[len] = '\0';
	r->bad = r->bad || strlen(out) != len;
}

static emr_status read_one(emr_reader *r, emr_order *o)
{
	*o = (emr_order){.number = emr_read_u64(r)};
	o->kind = (emr_order_kind)emr_read_u8(r);
	o->has_failed = emr_read_u8(r) != 0;
	o->failure = emr_read_u8(r);
	o->code = emr_read_u8(r);
	emr_read_copy(r, o->domain.b, sizeof o->domain.b);
	emr_read_copy(r, o->grantee.b, sizeof o->grantee.b);
	emr_read_copy(r, o->root.b, sizeof o->root.b);
	o->asked_unix_s = emr_read_u64(r);
	o->until_unix_s = emr_read_u64(r);
	o->purposes = emr_read_u32(r);
	o->rights = emr_read_u16(r);
	o->replaces = (o->rights & REPLACES) != 0;
	o->rights &= (uint16_t)~REPLACES;
	emr_read_copy(r, o->request.b, sizeof o->request.b);
	o->told = emr_read_u8(r);
	read_text(r, o->label, sizeof o->label);
	read_text(r, o->who, sizeof o->who);
	read_text(r, o->path, sizeof o->path);
	read_text(r, o->reason, sizeof o->reason);
	return r->bad || o->kind < EMR_ORDER_GRANT || o->kind > EMR_ORDER_ASKED ||
			       o->failure >= EMR_STATUS_COUNT
		       ? EMR_DAMAGED
		       : EMR_OK;
}

emr_status emr_orders_load(const emr_keyring *keyring, int state_fd, emr_orders *out_orders)
{
	EMR_AUTO_ORDERS orders = {.next_number = 1};
	EMR_AUTO_BUF plain = {0};
	emr_reader r;
	size_t n;
	emr_status status =
		emr_sealed_load(keyring, state_fd, EMR_STATE_ORDERS, head, FILE_MAX, &plain);

	if (status == EMR_OK) {
		r = emr_reader_of(emr_buf_view(&plain));
		orders.next_number = emr_read_u64(&r);
		n = emr_read_u16(&r);
		if (r.bad || n > EMR_ORDERS_MAX)
			return EMR_DAMAGED;
		orders.list = calloc(n > 0 ? n : 1, sizeof *orders.list);
		if (orders.list == NULL)
			return EMR_NO_MEMORY;
		for (; orders.n < n; orders.n++)
			EMR_TRY(read_one(&r, &orders.list[orders.n]));
		emr_read_zeros(&r, r.left);
		if (r.bad)
			return EMR_DAMAGED;
	} else if (status != EMR_NOT_FOUND) {
		return status;
	}
	*out_orders = orders;
	orders = (emr_orders){0};
	return EMR_OK;
}

emr_status emr_orders_add(emr_orders *orders, emr_order *order)
{
	emr_order *grown;

	if (orders->n >= EMR_ORDERS_MAX)
		return EMR_LIMIT;
	grown = realloc(orders->list, (orders->n + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	orders->list = grown;
	if (orders->next_number == 0)
		orders->next_number = 1;
	order->number = orders->next_number++;
	orders->list[orders->n++] = *order;
	return EMR_OK;
}

emr_order *emr_orders_find(const emr_orders *orders, uint64_t number)
{
	for (size_t i = 0; i < orders->n; i++)
		if (orders->list[i].number == number)
			return &orders->list[i];
	return NULL;
}

emr_order *emr_orders_asked(const emr_orders *orders, emr_id16 request)
{
	for (size_t i = 0; i < orders->n; i++)
		if (orders->list[i].kind >= EMR_ORDER_WAITS &&
			emr_id16_equal(orders->list[i].request, request))
			return &orders->list[i];
	return NULL;
}

void emr_orders_drop(emr_orders *orders, uint64_t number)
{
	const emr_order *o = emr_orders_find(orders, number);
	size_t at = o != NULL ? (size_t)(o - orders->list) : orders->n;

	if (o == NULL)
		return;
	orders->n--;
	memmove(&orders->list[at], &orders->list[at + 1], (orders->n - at) * sizeof *orders->list);
}
