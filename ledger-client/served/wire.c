/* This file writes and reads the messages between client and server of a served ledger. */
#include "wire.h"

#include <string.h>

#include "base/codec.h"
#include "served/client.h"

#define NO_PART UINT32_MAX

static const struct {
	emr_status status;
	uint16_t http;
	const char *word;
} statuses[] = {
	{EMR_OK, 200, "ok"},
	{EMR_INVALID, 400, "invalid"},
	{EMR_BAD_SIGNATURE, 401, "token"},
	{EMR_DENIED, 403, "denied"},
	{EMR_NOT_FOUND, 404, "not-found"},
	{EMR_CONFLICT, 412, "conflict"},
	{EMR_LIMIT, 413, "limit"},
	{EMR_LETTERS_SPENT, 429, "letters-spent"},
	{EMR_BYTES_SPENT, 429, "bytes-spent"},
	{EMR_DAMAGED, 500, "damaged"},
	{EMR_IO, 500, "failed"},
	{EMR_READ_ONLY, 500, EMR_LEDGER_STILL},
	{EMR_NEWER_FORMAT, 501, "newer-format"},
	{EMR_NEWER_RULES, 501, EMR_SERVED_OLD_HOST},
	{EMR_OFFLINE, 503, "offline"},
	{EMR_BUSY, 503, "busy"},
	{EMR_NO_MEMORY, 503, "no-memory"},
	{EMR_TIMEOUT, 504, "timeout"},
	{EMR_NO_SPACE, 507, EMR_LEDGER_FULL},
};
#define N_STATUSES (sizeof statuses / sizeof statuses[0])
_Static_assert(N_STATUSES <= WIRE_KINDS_MAX, "each kind is counted");

size_t wire_kind_of(emr_status status)
{
	for (size_t i = 0; i < N_STATUSES; i++)
		if (statuses[i].status == status)
			return i;
	return wire_kind_of(EMR_IO);
}

const char *wire_word_at(size_t i)
{
	return i < N_STATUSES ? statuses[i].word : NULL;
}

unsigned wire_http_of(emr_status status)
{
	return statuses[wire_kind_of(status)].http;
}

const char *wire_word_of(emr_status status)
{
	return statuses[wire_kind_of(status)].word;
}

emr_status wire_status_of(const char *word)
{
	for (size_t i = 0; i < N_STATUSES; i++)
		if (strcmp(statuses[i].word, word) == 0)
			return statuses[i].status;
	return EMR_OFFLINE;
}

size_t wire_token_message(emr_id16 net_id, emr_id32 host, emr_id32 signer, uint64_t unix_s,
	emr_bytes root, uint8_t out[WIRE_TOKEN_MESSAGE_BYTES])
{
	memcpy(out, net_id.b, 16);
	memcpy(out + 16, host.b, 32);
	memcpy(out + 48, signer.b, 32);
	emr_put_u64(out + 80, unix_s);
	if (root.len == WIRE_ROOT_BYTES)
		memcpy(out + 88, root.data, root.len);
	return root.len == WIRE_ROOT_BYTES ? WIRE_TOKEN_MESSAGE_BYTES : 88;
}

size_t wire_token_given(const uint8_t request[WIRE_TOKEN_REQUEST_BYTES], emr_bytes given,
	uint8_t out[WIRE_TOKEN_GIVEN_BYTES])
{
	memcpy(out, "emrfs/v1/token-given", 21);
	memcpy(out + 21, request, WIRE_TOKEN_REQUEST_BYTES);
	memcpy(out + 21 + WIRE_TOKEN_REQUEST_BYTES, given.data, given.len);
	return 21 + WIRE_TOKEN_REQUEST_BYTES + given.len;
}

emr_status wire_put_answer(const emr_ledger_answer *answer, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_write_bytes(&w, answer->batch_id.b, 32);
	emr_write_u64(&w, answer->seq);
	emr_write_u64(&w, answer->ledger_time);
	emr_write_u8(&w, answer->refusal);
	emr_write_u8(&w, answer->is_repeat);
	emr_write_u16(&w, answer->n_results);
	emr_write_bytes(&w, answer->results, answer->n_results);
	return w.status;
}

emr_status wire_read_answer(emr_bytes bytes, emr_ledger_answer *out)
{
	emr_reader r = emr_reader_of(bytes);

	memset(out, 0, sizeof *out);
	emr_read_copy(&r, out->batch_id.b, 32);
	out->seq = emr_read_u64(&r);
	out->ledger_time = emr_read_u64(&r);
	out->refusal = emr_read_u8(&r);
	out->is_repeat = emr_read_u8(&r);
	out->n_results = emr_read_u16(&r);
	if (out->n_results > EMR_LEDGER_ITEMS_MAX || out->is_repeat > 1 ||
		(out->refusal != 0 && out->n_results > 0))
		return EMR_DAMAGED;
	emr_read_copy(&r, out->results, out->n_results);
	return emr_reader_done(&r) ? EMR_OK : EMR_DAMAGED;
}

emr_status wire_put_keys(const emr_part_key *keys, size_t n, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	for (size_t i = 0; i < n; i++) {
		emr_write_bytes(&w, keys[i].domain.b, 16);
		emr_write_bytes(&w, keys[i].object.b, 16);
		emr_write_u64(&w, keys[i].version);
		emr_write_u8(&w, keys[i].family);
	}
	return w.status;
}

static void read_key(emr_reader *r, emr_part_key *out)
{
	emr_read_copy(r, out->domain.b, 16);
	emr_read_copy(r, out->object.b, 16);
	out->version = emr_read_u64(r);
	out->family = emr_read_u8(r);
}

emr_status wire_read_keys(emr_bytes bytes, emr_part_key *out, size_t *out_n)
{
	emr_reader r = emr_reader_of(bytes);

	*out_n = bytes.len / WIRE_KEY_BYTES;
	if (bytes.len % WIRE_KEY_BYTES != 0 || *out_n == 0 || *out_n > WIRE_KEYS_MAX)
		return EMR_INVALID;
	for (size_t i = 0; i < *out_n; i++)
		read_key(&r, &out[i]);
	return EMR_OK;
}

emr_status wire_put_entry(const emr_ledger_entry *entry, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_write_u64(&w, entry->seq);
	emr_write_u32(&w, (uint32_t)entry->entry.len);
	emr_write_u32(&w, (uint32_t)entry->items.len);
	emr_write_bytes(&w, entry->entry.data, entry->entry.len);
	emr_write_bytes(&w, entry->items.data, entry->items.len);
	return w.status;
}

bool wire_read_entry(emr_reader *reader, emr_ledger_entry *out)
{
	uint32_t entry_len, items_len;

	if (reader->left == 0 || reader->bad)
		return false;
	out->seq = emr_read_u64(reader);
	entry_len = emr_read_u32(reader);
	items_len = emr_read_u32(reader);
	out->entry = emr_read_bytes(reader, entry_len);
	out->items = emr_read_bytes(reader, items_len);
	return !reader->bad;
}

emr_status wire_put_part(emr_bytes part, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_write_u32(&w, part.data != NULL ? (uint32_t)part.len : NO_PART);
	emr_write_bytes(&w, part.data, part.data != NULL ? part.len : 0);
	return w.status;
}

bool wire_read_part(emr_reader *reader, emr_bytes *out)
{
	uint32_t len;

	if (reader->left == 0 || reader->bad)
		return false;
	len = emr_read_u32(reader);
	*out = len != NO_PART ? emr_read_bytes(reader, len) : (emr_bytes){NULL, 0};
	return !reader->bad;
}

emr_status wire_read_given(emr_bytes bytes, emr_part_key *keys, emr_bytes *parts, size_t *out_n)
{
	emr_reader r = emr_reader_of(bytes);

	for (*out_n = 0; r.left > 0 && !r.bad && *out_n < WIRE_KEYS_MAX; (*out_n)++) {
		read_key(&r, &keys[*out_n]);
		if (!wire_read_part(&r, &parts[*out_n]) || parts[*out_n].data == NULL)
			return EMR_INVALID;
	}
	return r.bad || r.left > 0 ? EMR_INVALID : EMR_OK;
}
