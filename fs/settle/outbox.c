/* This file is the byte format of a batch that is signed and not answered yet. It stays in the
 * journal until then, so that a crash sends the same bytes again and nothing twice. */
#include "outbox.h"

#include <stdlib.h>

#include "settle/place.h"

#define OUTBOX_VERSION 2 /* 1 had no numbers of statements */
#define OUTBOX_ITEMS_MAX 1024

void emr_place_write(emr_writer *w, const emr_place *place)
{
	emr_write_bytes(w, place->domain.b, sizeof place->domain.b);
	emr_write_bytes(w, place->object.b, sizeof place->object.b);
	emr_write_bytes(w, place->record_id.b, sizeof place->record_id.b);
	emr_write_u64(w, place->cver);
	emr_write_u64(w, place->version);
	emr_write_u64(w, place->pversion);
	emr_write_u64(w, place->padded);
	emr_write_bytes(w, place->root.b, sizeof place->root.b);
	emr_write_bytes(w, place->r_pid, sizeof place->r_pid);
}

void emr_place_read(emr_reader *r, emr_place *out_place)
{
	emr_read_copy(r, out_place->domain.b, sizeof out_place->domain.b);
	emr_read_copy(r, out_place->object.b, sizeof out_place->object.b);
	emr_read_copy(r, out_place->record_id.b, sizeof out_place->record_id.b);
	out_place->cver = emr_read_u64(r);
	out_place->version = emr_read_u64(r);
	out_place->pversion = emr_read_u64(r);
	out_place->padded = emr_read_u64(r);
	emr_read_copy(r, out_place->root.b, sizeof out_place->root.b);
	emr_read_copy(r, out_place->r_pid, sizeof out_place->r_pid);
}

emr_status outbox_encode(const outbox *box, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_write_u8(&w, OUTBOX_VERSION);
	emr_write_bytes(&w, box->domain.b, sizeof box->domain.b);
	emr_write_u16(&w, box->first);
	emr_write_u16(&w, box->count);
	for (size_t i = 0; i < box->count; i++) {
		emr_write_u8(&w, (uint8_t)box->outcomes[i].kind);
		emr_write_bytes(&w, box->outcomes[i].node.b, sizeof box->outcomes[i].node.b);
		emr_write_u64(&w, box->outcomes[i].change);
		emr_place_write(&w, &box->outcomes[i].place);
	}
	emr_write_bytes(&w, box->issued_to.b, sizeof box->issued_to.b);
	emr_write_u64(&w, box->issued_before);
	emr_write_bytes(&w, box->batch.data, box->batch.len);
	return w.status;
}

static void read_outcome(emr_reader *r, emr_change_outcome *out)
{
	uint8_t kind = emr_read_u8(r);

	if (kind < EMR_CHANGE_PUT || kind > EMR_CHANGE_ERASE)
		r->bad = true;
	out->kind = (emr_change_kind)kind;
	emr_read_copy(r, out->node.b, sizeof out->node.b);
	out->change = emr_read_u64(r);
	emr_place_read(r, &out->place);
}

emr_status outbox_decode(emr_bytes bytes, outbox *out_box)
{
	emr_reader r = emr_reader_of(bytes);
	outbox box = {0};
	emr_bytes batch;
	uint8_t version;
	emr_status status;

	version = emr_read_u8(&r);
	if (version > OUTBOX_VERSION)
		return emr_newer_format(version, OUTBOX_VERSION);
	emr_read_copy(&r, box.domain.b, sizeof box.domain.b);
	box.first = emr_read_u16(&r);
	box.count = emr_read_u16(&r);
	if (r.bad || box.count > OUTBOX_ITEMS_MAX)
		return EMR_DAMAGED;
	box.outcomes = calloc(box.count == 0 ? 1 : box.count, sizeof *box.outcomes);
	if (box.outcomes == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < box.count; i++)
		read_outcome(&r, &box.outcomes[i]);
	if (version > 1) {
		emr_read_copy(&r, box.issued_to.b, sizeof box.issued_to.b);
		box.issued_before = emr_read_u64(&r);
	}
	batch = emr_read_bytes(&r, r.left);
	status = r.bad ? EMR_DAMAGED : emr_buf_append(&box.batch, batch.data, batch.len);
	if (status != EMR_OK) {
		outbox_free(&box);
		return status;
	}
	*out_box = box;
	return EMR_OK;
}

void outbox_free(outbox *box)
{
	free(box->outcomes);
	emr_buf_free(&box->batch);
	*box = (outbox){0};
}
