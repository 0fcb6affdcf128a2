/* This file is a member's side of a host that lost entries of its ledger: it brings what this
 * computer has, and asks how the host went on. */
#include <stdio.h>
#include <stdlib.h>

#include "client_private.h"
#include "contract/codes.h"
#include "ledger/restart.h"

emr_status client_recovery(void *self, emr_ledger_recovery *out)
{
	client *c = self;
	EMR_AUTO_BUF bytes = {0};
	emr_reader r;
	bool is_recovering;

	(void)pthread_mutex_lock(&c->lock);
	is_recovering = c->is_recovering;
	(void)pthread_mutex_unlock(&c->lock);
	if (!is_recovering)
		return EMR_NOT_FOUND;
	EMR_TRY(client_ask(
		c, &(question){.path = "recovery", .is_open = true, .is_beside = true}, &bytes));
	r = emr_reader_of(emr_buf_view(&bytes));
	emr_read_copy(&r, out->id.b, sizeof out->id.b);
	out->from = emr_read_u64(&r);
	out->size = emr_read_u64(&r);
	out->head = emr_read_u64(&r);
	out->is_split = emr_read_u8(&r) != 0;
	return emr_reader_done(&r) ? EMR_OK : EMR_DAMAGED;
}

typedef struct bringing {
	emr_chain *own;
	emr_buf *out;
} bringing;

/* An emr_chain_fetch_fn, in whose order the host reads them. */
static emr_status put_parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	const bringing *b = arg;
	EMR_AUTO_BUF part = {0};

	(void)fn;
	(void)fn_arg;
	for (size_t i = 0; i < n; i++) {
		const emr_status status = emr_chain_part(b->own, &keys[i], &part);

		EMR_TRY(wire_put_part(
			status == EMR_OK ? emr_buf_view(&part) : (emr_bytes){NULL, 0}, b->out));
	}
	return EMR_OK;
}

static emr_status put_entry(bringing *b, uint64_t seq, emr_chain_parts *parts)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF items = {0};
	emr_ledger_entry entry = {.seq = seq};

	EMR_TRY(emr_required(emr_chain_entry_in_tree(b->own, seq, &bytes, &items)));
	entry.entry = emr_buf_view(&bytes);
	entry.items = emr_buf_view(&items);
	EMR_TRY(wire_put_entry(&entry, b->out));
	return emr_chain_parts_of(&entry, put_parts, b, NULL, NULL, parts);
}

emr_status client_bring(
	void *self, emr_bytes note, emr_chain *own, uint64_t from, size_t max, uint64_t *out_next)
{
	EMR_AUTO_FREE emr_chain_parts *parts = calloc(1, sizeof *parts);
	EMR_AUTO_BUF entries = {0};
	EMR_AUTO_BUF body = {0};
	EMR_AUTO_BUF ignored = {0};
	bringing b = {own, &entries};
	emr_checkpoint head;
	uint64_t next = from;
	emr_status status = parts != NULL ? EMR_OK : EMR_NO_MEMORY;

	EMR_TRY(status);
	EMR_TRY(emr_checkpoint_parse(note, &head));
	while (status == EMR_OK && next < head.size && next - from < max &&
		entries.len < WIRE_PORTION)
		status = put_entry(&b, next++, parts);
	emr_chain_parts_free(parts);
	EMR_TRY(status);
	EMR_TRY(emr_restart_head_write(note, own, next, &body));
	EMR_TRY(emr_buf_append(&body, entries.data, entries.len));
	EMR_TRY(client_ask(self,
		&(question){.path = "recovery",
			.is_post = true,
			.is_open = true,
			.is_beside = true,
			.body = emr_buf_view(&body)},
		&ignored));
	*out_next = next;
	return EMR_OK;
}

emr_status client_say_heard(void *self, const emr_ledger_recovery *recovery, emr_chain *own)
{
	client *c = self;
	emr_checkpoint note = {
		.net_id = c->net_id, .kind = EMR_CHECKPOINT_RESTART, .recovery = recovery->id};
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF ignored = {0};
	emr_row_key row;
	emr_status status;

	if (c->submitter == NULL || emr_id16_equal(c->heard, recovery->id))
		return EMR_OK;
	status = emr_chain_key_row(own, c->submitter_id.b, &row, NULL);
	if (status != EMR_OK || (row.roles & EMR_ROLE_ORG_ADMIN) == 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_TRY(emr_chain_size(own, &note.size));
	EMR_TRY(emr_chain_root(own, note.size, note.root));
	EMR_TRY(emr_checkpoint_cosign(&note, c->submitter, emr_clock_unix_s(c->clock)));
	EMR_TRY(emr_checkpoint_format(&note, &text));
	EMR_TRY(client_ask(c,
		&(question){.path = "heard",
			.is_post = true,
			.is_open = true,
			.is_beside = true,
			.body = emr_buf_view(&text)},
		&ignored));
	c->heard = recovery->id;
	return EMR_OK;
}

emr_status client_restarts(void *self, emr_restart_fn fn, void *arg)
{
	EMR_AUTO_BUF bytes = {0};

	EMR_TRY(client_ask(self, &(question){.path = "restarts"}, &bytes));
	return emr_restart_each(emr_buf_view(&bytes), fn, arg);
}

emr_status client_say_done(void *self, emr_bytes note)
{
	EMR_AUTO_BUF ignored = {0};

	return client_ask(
		self, &(question){.path = "done", .is_post = true, .body = note}, &ignored);
}

emr_status client_done_of(void *self, emr_id32 signer, emr_buf *out_note)
{
	char path[6 + 64] = "done/";

	emr_hex(signer.b, sizeof signer.b, path + 5);
	return client_ask(self, &(question){.path = path}, out_note);
}
