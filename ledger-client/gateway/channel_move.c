/* This file brings the ledger of a directory, which its members have ended there, into the channel
 * in which they go on: entry by entry, as everybody who followed it has judged them. The channel
 * says how far it has come; so after a kill this administrator, or another one, goes on where it
 * ended. It sends no entry that does not verify. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "channel_private.h"
#include "gateway/batch.h"
#include "gateway_private.h"
#include "ledger/chain.h"

#define ARGS 3				/* of an entry */
#define PORTION_BYTES ((size_t)1 << 20) /* an entry may be larger, and goes alone then */
#define END_BYTES 40
#define NOTHING 0xffffffffu

/* Rows of the chaincode's own: entries (u64) and the hash of the newest; the contract's NC. */
static const char *const end_keys[] = {"moved", "NC"};

typedef struct end {
	uint64_t size; /* entries that the channel has */
	uint8_t leaf[32];
	bool has_leaf, is_over;
} end;

typedef struct move {
	emr_gateway *gateway;
	emr_gateway_identity *identity;
	emr_gateway_call call;
	emr_ledger *from;
	emr_chain *copy; /* of what was read: it says what is not in an entry */
	emr_bytes descriptor;
	end there;
	uint64_t size; /* of the directory's ledger */
	/* The next ones, on their way. */
	emr_buf args[EMR_GATEWAY_MOVED_MAX * ARGS], parts;
	size_t n, bytes;
	uint64_t first; /* number of the first of them */
	emr_channel_moved_fn tell;
	void *arg;
} move;

static void move_free(move **m)
{
	if (*m == NULL)
		return;
	for (size_t i = 0; i < EMR_GATEWAY_MOVED_MAX * ARGS; i++)
		emr_buf_free(&(*m)->args[i]);
	emr_buf_free(&(*m)->parts);
	emr_chain_close((*m)->copy);
	emr_gateway_close((*m)->gateway);
	emr_gateway_identity_free((*m)->identity);
	free(*m);
}

/* ---- how far it is ---- */

static emr_status keep_end(void *arg, size_t index, emr_bytes value)
{
	end *e = arg;

	if (index == 1)
		e->is_over = value.data != NULL;
	else if (value.len == END_BYTES) {
		e->size = emr_get_u64(value.data);
		memcpy(e->leaf, value.data + 8, sizeof e->leaf);
		e->has_leaf = true;
	}
	return EMR_OK;
}

static emr_status look(move *m)
{
	m->there = (end){.size = 1};
	return emr_gateway_rows(m->gateway, &m->call, end_keys, 2, keep_end, &m->there);
}

/* ---- sending ---- */

static emr_status send_once(move *m)
{
	EMR_AUTO_BUF envelope = {0};
	emr_bytes args[1 + EMR_GATEWAY_MOVED_MAX * ARGS] = {emr_bytes_of("move", 4)};
	emr_gateway_invocation invocation = {.args = args,
		.arg_count = 1 + m->n * ARGS,
		.transient_name = "parts",
		.transient = emr_buf_view(&m->parts)};
	emr_gateway_commit commit;

	for (size_t i = 0; i < m->n * ARGS; i++)
		args[1 + i] = emr_buf_view(&m->args[i]);
	EMR_TRY(emr_gateway_endorse(m->gateway, &m->call, &invocation, &envelope, NULL));
	return emr_gateway_settle(m->gateway, &m->call, emr_buf_view(&envelope), false, &commit);
}

/* The row that a transaction would have written says what became of it: a lost answer, an earlier
 * one of a program that was killed, and another administrator who does the same look alike. */
static emr_status send_all(move *m)
{
	const uint64_t behind = m->first + m->n;
	emr_status status = m->n == 0 ? EMR_OK : EMR_CONFLICT;

	for (int i = 0; i < AGAIN_MAX && m->n > 0 && m->there.size < behind; i++) {
		emr_status sent = send_once(m);

		status = look(m);
		if (status == EMR_OK && m->there.size < behind)
			status = sent != EMR_OK ? sent : EMR_CONFLICT;
		if (status != EMR_OK && status != EMR_CONFLICT && !m->call.is_open)
			return status;
	}
	if (m->n > 0 && m->there.size < behind)
		return status;
	for (size_t i = 0; i < m->n * ARGS; i++)
		emr_buf_clear(&m->args[i]);
	emr_buf_clear(&m->parts);
	m->n = m->bytes = 0;
	if (m->tell != NULL)
		m->tell(m->arg, m->there.size, m->size);
	return EMR_OK;
}

/* ---- an entry ---- */

/* The CA of who vouches for a lone registration, where the descriptor has another one. */
static emr_status write_authority(move *m, const emr_caller *caller, emr_buf *out)
{
	emr_id16 org;
	emr_status status;

	if (!caller->cert.is_present)
		return EMR_OK;
	memcpy(org.b, caller->cert.org, sizeof org.b);
	status = emr_chain_authority(m->copy, org, out);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status write_parts(move *m, const emr_chain_parts *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const emr_span part = parts->spans[i];
		uint8_t len[4];

		emr_put_u32(len, part.data != NULL ? (uint32_t)part.len : NOTHING);
		EMR_TRY(emr_buf_append(&m->parts, len, sizeof len));
		if (part.data != NULL)
			EMR_TRY(emr_buf_append(&m->parts, part.data, part.len));
	}
	return EMR_OK;
}

static emr_status put_entry(move *m, const emr_ledger_entry *entry, const emr_entry *parsed,
	const emr_chain_parts *parts)
{
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	emr_buf *args = m->args + m->n * ARGS;
	emr_span header = {parsed->header, EMR_HEADER_BYTES};
	emr_caller caller;
	emr_id32 submitter;

	if (batch == NULL)
		return EMR_NO_MEMORY;
	if (emr_batch_parse_items(header, emr_span_of(entry->items), parts->spans, parsed->count,
		    batch) != EMR_RESULT_APPLIED)
		return EMR_DAMAGED;
	memcpy(submitter.b, parsed->submitter_id, sizeof submitter.b);
	EMR_TRY(emr_chain_caller(m->copy, EMR_HOST_EMBEDDED, m->descriptor, batch, submitter,
		parsed->ledger_time_unix_s, &caller));
	EMR_TRY(emr_buf_append(&args[0], entry->entry.data, entry->entry.len));
	EMR_TRY(emr_buf_append(&args[1], entry->items.data, entry->items.len));
	EMR_TRY(write_authority(m, &caller, &args[2]));
	EMR_TRY(write_parts(m, parts, parsed->count));
	if (m->n++ == 0)
		m->first = entry->seq;
	m->bytes = m->parts.len;
	for (size_t i = 0; i < m->n * ARGS; i++)
		m->bytes += m->args[i].len;
	return EMR_OK;
}

/* The entries that the channel has already are of this very ledger. */
static emr_status check_there(const move *m, const emr_ledger_entry *entry)
{
	uint8_t leaf[32];

	if (!m->there.has_leaf || entry->seq + 1 != m->there.size)
		return EMR_OK;
	emr_entry_leaf(emr_span_of(entry->entry), leaf);
	return memcmp(leaf, m->there.leaf, sizeof leaf) == 0 ? EMR_OK : EMR_FORK;
}

/* Each is verified and judged here before it is sent: what somebody has damaged in the directory
 * goes nowhere. */
static emr_status take_entry(void *arg, const emr_ledger_entry *entry)
{
	move *m = arg;
	EMR_AUTO_FREE emr_chain_parts *parts = calloc(1, sizeof *parts);
	emr_ledger_trouble trouble = {0};
	emr_entry parsed;
	emr_status status = parts != NULL ? emr_chain_parts_of(entry, emr_ledger_fetch_for, m->from,
						    NULL, NULL, parts)
					  : EMR_NO_MEMORY;

	if (status == EMR_OK && entry->seq > 0 &&
		emr_entry_parse(emr_span_of(entry->entry), &parsed) != EMR_CONTRACT_OK)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = check_there(m, entry);
	if (status == EMR_OK && entry->seq > 0 && entry->seq >= m->there.size) {
		if (m->n == EMR_GATEWAY_MOVED_MAX ||
			(m->n > 0 &&
				m->bytes + entry->entry.len + entry->items.len + parts->bytes.len >
					PORTION_BYTES))
			status = send_all(m);
		if (status == EMR_OK)
			status = put_entry(m, entry, &parsed, parts);
	}
	if (status == EMR_OK)
		status = emr_chain_follow(m->copy, entry, NULL, parts->spans, NULL, NULL, &trouble);
	if (trouble.status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "move: entry %llu: %s", (unsigned long long)trouble.seq,
			trouble.cause);
	if (parts != NULL)
		emr_chain_parts_free(parts);
	return status;
}

static emr_status bring_entries(move *m)
{
	uint64_t at = 0;
	emr_status status = emr_ledger_size(m->from, &m->size);

	if (status == EMR_OK)
		status = emr_chain_open_temporary(&m->copy);
	if (status == EMR_OK)
		status = emr_chain_begin(m->copy);
	while (status == EMR_OK && at < m->size) {
		size_t n = 0;

		status = emr_ledger_entries(m->from, at, EMR_GATEWAY_MOVED_MAX, take_entry, m, &n);
		at += n;
		if (status == EMR_OK && n == 0)
			status = EMR_DAMAGED;
	}
	if (status == EMR_OK)
		status = send_all(m);
	return status == EMR_OK ? look(m) : status;
}

static emr_status run(move *m)
{
	emr_gateway_position first;

	EMR_TRY(channel_first_block(m->gateway, &m->call, &first, NULL));
	EMR_TRY(look(m));
	if (!m->there.is_over)
		EMR_TRY(bring_entries(m));
	if (!m->there.is_over)
		return EMR_INVALID; /* no entry there says that the ledger goes on elsewhere */
	return EMR_OK;
}

emr_status emr_channel_move(const char *way, const emr_keyring *keyring, emr_ledger *from,
	emr_channel_moved_fn tell, void *arg, char *said, size_t said_size)
{
	__attribute__((cleanup(move_free))) move *m = calloc(1, sizeof *m);
	EMR_AUTO_CHANNEL channel = {0};
	EMR_AUTO_BUF chain = {0};
	emr_bytes certificate;
	emr_status status = emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &chain);

	if (m == NULL)
		return EMR_NO_MEMORY;
	certificate = channel_first_certificate(emr_buf_view(&chain));
	m->from = from;
	m->descriptor = emr_ledger_descriptor(from);
	m->call = emr_gateway_call_of(TIMEOUT_MS, -1);
	m->tell = tell;
	m->arg = arg;
	if (status == EMR_OK)
		status = emr_channel_begin(
			way, keyring, certificate, m->descriptor, said, said_size);
	if (status == EMR_OK)
		status = emr_channel_read(way, &channel, said, said_size);
	if (status == EMR_OK)
		status = channel_of_keyring(&channel, keyring);
	if (status == EMR_OK && !channel.has_genesis)
		status = EMR_INVALID;
	if (status == EMR_OK)
		status = emr_gateway_identity_of_keyring(
			keyring, channel.msp, certificate, &m->identity);
	if (status == EMR_OK)
		status = channel_gateway(&channel, m->identity, NULL, &m->gateway);
	if (status != EMR_OK)
		return status;
	status = run(m);
	if (status != EMR_OK)
		(void)snprintf(said, said_size, "%.*s", (int)said_size - 1, m->call.said);
	return status;
}
