/* This file hands in the entries of a directory at the channel into which its members have moved,
 * in order, some in each transaction. How far the channel is, its blocks say, so it goes on from
 * there behind a kill at any moment. It sends no entry that does not verify, and nothing before
 * the members have agreed. */
#include "embedded_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "ledger/hash.h"

#define ARGS 3				/* of an entry */
#define PORTION_BYTES ((size_t)1 << 19) /* or one entry more */
#define WAIT_S 20
#define NOTHING 0xffffffffu

/* The next ones, on their way. */
typedef struct embedded_move {
	embedded *e;
	emr_chain *copy; /* of what was read: by what stood there then an entry is judged */
	emr_buf args[EMR_FABRIC_ARGS_MAX], parts;
	size_t n, bytes;
	uint64_t first;	    /* number of the first of them */
	unsigned has_ended; /* how often without effect */
	bool is_in;	    /* a block has them */
	emr_ledger_trouble trouble;
} embedded_move;

static void drop_portion(embedded_move *m)
{
	for (size_t i = 0; i < EMR_FABRIC_ARGS_MAX; i++)
		emr_buf_free(&m->args[i]);
	emr_buf_free(&m->parts);
	m->n = m->bytes = 0;
	m->has_ended = 0;
	m->is_in = false;
}

void embedded_move_free(embedded_move *m)
{
	if (m == NULL)
		return;
	drop_portion(m);
	emr_chain_close(m->copy);
	free(m);
}

/* ---- a portion ---- */

static emr_status write_parts(embedded_move *m, const emr_chain_parts *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const emr_span part = parts->spans[i];
		uint8_t len[4];

		emr_put_u32(len, part.data != NULL ? (uint32_t)part.len : NOTHING);
		EMR_TRY(emr_buf_append(&m->parts, len, sizeof len));
		EMR_TRY(emr_buf_append(&m->parts, part.data, part.len));
	}
	return EMR_OK;
}

/* A registration by an organisation that came later brings its CA along. */
emr_status embedded_authority(emr_chain *chain, const emr_batch *batch, emr_buf *out)
{
	EMR_AUTO_BUF signer = {0};
	emr_header header;
	emr_key_text key;
	emr_id16 org;
	emr_id32 id;
	emr_status status;

	if (emr_header_parse(batch->header, &header) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	emr_signer_id(header.signer_pk, id.b);
	emr_key_signer(id.b, &key);
	status = emr_chain_row(chain, key.text, &signer, NULL, NULL);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (!emr_batch_certified_by(batch, emr_span_of(emr_buf_view(&signer)), org.b))
		return EMR_OK;
	status = emr_chain_authority(chain, org, out);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status put_entry(
	embedded_move *m, const emr_ledger_entry *entry, const emr_chain_parts *parts)
{
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	emr_buf *args = m->args + m->n * ARGS;
	emr_entry parsed;

	if (batch == NULL)
		return EMR_NO_MEMORY;
	if (emr_entry_parse(emr_span_of(entry->entry), &parsed) != EMR_CONTRACT_OK ||
		emr_batch_parse_items((emr_span){parsed.header, EMR_HEADER_BYTES},
			emr_span_of(entry->items), parts->spans, parsed.count,
			batch) != EMR_RESULT_APPLIED)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append(&args[0], entry->entry.data, entry->entry.len));
	EMR_TRY(emr_buf_append(&args[1], entry->items.data, entry->items.len));
	EMR_TRY(embedded_authority(m->copy, batch, &args[2]));
	EMR_TRY(write_parts(m, parts, parsed.count));
	m->n++;
	m->bytes += args[0].len + args[1].len + args[2].len + parts->bytes.len;
	return EMR_OK;
}

/* Each is verified: what somebody has damaged in the directory goes nowhere. */
static emr_status take_entry(embedded_move *m, uint64_t seq)
{
	EMR_AUTO_FREE emr_chain_parts *parts = calloc(1, sizeof *parts);
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF items = {0};
	emr_ledger_entry entry = {.seq = seq};
	emr_status status = EMR_NO_MEMORY;

	if (parts != NULL) {
		EMR_LOCKED(&m->e->read_lock);
		status = emr_required(emr_chain_entry(m->e->reader, seq, &bytes, &items));
	}
	EMR_TRY(status);
	entry.entry = emr_buf_view(&bytes);
	entry.items = emr_buf_view(&items);
	status = emr_chain_parts_of(&entry, embedded_fetch, m->e, NULL, NULL, parts);
	if (status == EMR_OK && seq >= m->first)
		status = put_entry(m, &entry, parts);
	if (status == EMR_OK)
		status = emr_chain_follow(
			m->copy, &entry, NULL, parts->spans, NULL, NULL, &m->trouble);
	emr_chain_parts_free(parts);
	return status;
}

/* Those from FIRST on, of SIZE. */
static emr_status fill_portion(embedded_move *m, uint64_t first, uint64_t size)
{
	uint64_t at = 0;

	drop_portion(m);
	if (m->copy != NULL)
		EMR_TRY(emr_chain_size(m->copy, &at));
	if (m->copy == NULL || at > first) { /* somebody else brought some of the last portion */
		emr_chain_close(m->copy);
		m->copy = NULL;
		at = 0;
		EMR_TRY(emr_chain_open_temporary(&m->copy));
		EMR_TRY(emr_chain_begin(m->copy));
	}
	m->first = first;
	for (; at < size && m->n < EMR_FABRIC_MOVED_MAX && m->bytes < PORTION_BYTES; at++)
		EMR_TRY(take_entry(m, at));
	return EMR_OK;
}

/* ---- handing in ---- */

/* The same entries with the same parts are the same transaction, also behind a kill. */
static void name_portion(const embedded_move *m, const emr_bytes *args, char out[128])
{
	emr_bytes all[EMR_FABRIC_ARGS_MAX + 1];
	char hex[2 * 32 + 1];

	memcpy(all, args, m->n * ARGS * sizeof *all);
	all[m->n * ARGS] = emr_buf_view(&m->parts);
	emr_hex(emr_sha256_of(all, m->n * ARGS + 1).b, 32, hex);
	(void)snprintf(
		out, 128, "move-%llu-%s-%u", (unsigned long long)m->first, hex, m->has_ended);
}

static emr_status hand_in(embedded_move *m, emr_fabric_end *end, char *said)
{
	emr_fabric *fabric = m->e->channel->fabric;
	emr_fabric_call call = embedded_call(m->e, WAIT_S, 0);
	emr_bytes args[EMR_FABRIC_ARGS_MAX];
	char id[128];
	const emr_fabric_transaction t = {.id = id,
		.line = "move",
		.function = "move",
		.args = args,
		.n_args = m->n * ARGS,
		.transient_name = "parts",
		.transient = emr_buf_view(&m->parts)};
	emr_status status;

	for (size_t i = 0; i < t.n_args; i++)
		args[i] = emr_buf_view(&m->args[i]);
	name_portion(m, args, id);
	status = emr_fabric_hand_in(fabric, &call, &t, end);
	if (status == EMR_OK && end->state == EMR_FABRIC_WAITING)
		status = emr_fabric_ended(fabric, &call, id, end);
	(void)snprintf(said, EMR_FABRIC_SAID_BYTES, "%s", status != EMR_OK ? call.said : end->said);
	return status;
}

/* A portion that a block has is seen there next: one that is not is made again, later. */
static emr_status send_portion(embedded_move *m, uint64_t there, uint64_t size, char *said)
{
	emr_fabric_end end = {.state = EMR_FABRIC_WAITING};
	emr_status status = EMR_OK;

	if (m->n == 0 || there != m->first)
		status = fill_portion(m, there, size);
	else if (m->is_in) { /* and it is not there where a block should have it */
		m->is_in = false;
		return EMR_OFFLINE;
	}
	if (status != EMR_OK)
		(void)snprintf(said, EMR_FABRIC_SAID_BYTES, "%s", m->trouble.cause);
	EMR_TRY(status);
	EMR_TRY(hand_in(m, &end, said));
	m->is_in = end.state == EMR_FABRIC_ENTERED && end.validity == 0;
	m->has_ended += end.state == EMR_FABRIC_ENTERED && end.validity != 0;
	return m->is_in ? EMR_OK : EMR_OFFLINE;
}

/* *OUT_SIZE: of the directory, which the members have left; 0: the channel goes on already. */
static emr_status look(embedded *e, uint64_t *out_size, char *said)
{
	EMR_AUTO_BUF bytes = {0};
	enum emr_host host;
	emr_entry newest;
	EMR_LOCKED(&e->read_lock);

	EMR_TRY(emr_chain_size(e->reader, out_size));
	EMR_TRY(emr_chain_host(e->reader, emr_buf_view(&e->descriptor), &host));
	if (host == EMR_HOST_EMBEDDED) {
		(void)snprintf(said, EMR_FABRIC_SAID_BYTES,
			"the entries of the network's directory are not all in it yet");
		return EMR_OFFLINE;
	}
	EMR_TRY(emr_chain_parsed(e->reader, *out_size - 1, &bytes, &newest));
	if (newest.host == EMR_HOST_FABRIC)
		*out_size = 0;
	return EMR_OK;
}

emr_status embedded_bring(embedded *e, bool *out_has_brought, char said[EMR_FABRIC_SAID_BYTES])
{
	embedded_channel *c = e->channel;
	uint64_t size;

	*out_has_brought = false;
	if (!embedded_is_of_directory(e))
		return EMR_OK;
	EMR_TRY(look(e, &size, said));
	if (c->moved >= size) {
		embedded_move_free(c->move);
		c->move = NULL;
		return EMR_OK;
	}
	if (c->moved == 0)
		return EMR_OFFLINE; /* who agrees to move begins it there */
	embedded_note_channel(e, EMR_OFFLINE, "the directory's entries are on their way to it");
	if (c->move == NULL)
		c->move = calloc(1, sizeof *c->move);
	if (c->move == NULL)
		return EMR_NO_MEMORY;
	c->move->e = e;
	EMR_TRY(send_portion(c->move, c->moved, size, said));
	*out_has_brought = true;
	return EMR_OK;
}
