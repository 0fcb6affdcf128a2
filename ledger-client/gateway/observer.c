/* This file makes entries of the batches that stand in blocks, and judges each again before it is
 * appended. */
#include "gateway/observer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "fields.h"
#include "gateway_private.h"
#include "ledger/hash.h"

#define ROUND_BLOCKS 64 /* whose entries are in memory at once */

/* One entry of a block, copied. */
typedef struct found {
	struct found *next;
	emr_gateway_entry entry;
	emr_buf batch, results, moved;
} found;

typedef struct block_entries {
	found *first, **last;
} block_entries;

typedef struct observing {
	emr_chain *chain;
	emr_bytes descriptor;
	emr_ledger_trouble *trouble;
} observing;

static void entries_free(block_entries *entries)
{
	while (entries->first != NULL) {
		found *f = entries->first;

		entries->first = f->next;
		emr_buf_free(&f->batch);
		emr_buf_free(&f->results);
		emr_buf_free(&f->moved);
		free(f);
	}
}

static emr_status keep(emr_buf *buf, emr_bytes *bytes)
{
	emr_status status = emr_buf_append(buf, bytes->data, bytes->len);

	*bytes = emr_buf_view(buf);
	return status;
}

static emr_status collect(void *arg, const emr_gateway_entry *entry)
{
	block_entries *entries = arg;
	found *f = calloc(1, sizeof *f);

	if (f == NULL)
		return EMR_NO_MEMORY;
	*entries->last = f;
	entries->last = &f->next;
	f->entry = *entry;
	EMR_TRY(keep(&f->batch, &f->entry.batch));
	EMR_TRY(keep(&f->results, &f->entry.results));
	return keep(&f->moved, &f->entry.moved);
}

static emr_status trouble(const observing *o, emr_status status, uint64_t seq, const char *cause)
{
	*o->trouble = (emr_ledger_trouble){.status = status, .seq = seq};
	(void)snprintf(o->trouble->cause, sizeof o->trouble->cause, "%s", cause);
	return status;
}

/* ---- Private parts ---- */

/* A part that was asked for before its entry is judged. */
typedef struct brought {
	emr_key_text key;
	emr_gateway_part_state state;
	size_t offset, len; /* of its bytes */
} brought;

typedef struct asking {
	emr_gateway *gateway;
	emr_gateway_call *call;
	emr_ledger_part_fn fn;
	void *arg;
	brought *parts;
	size_t n, cap, at; /* looked for from AT on */
	emr_buf bytes;
} asking;

static void asking_free(asking *a)
{
	free(a->parts);
	emr_buf_free(&a->bytes);
}

static emr_status pass_part(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	const asking *a = arg;

	return a->fn(a->arg, index, state == EMR_GATEWAY_PART_HERE ? part : (emr_bytes){0});
}

static void key_text(const emr_part_key *key, emr_key_text *out)
{
	emr_key_part(key->family, key->domain.b, key->object.b, key->version, out);
}

static const brought *find_brought(asking *a, const emr_part_key *key)
{
	emr_key_text text;

	key_text(key, &text);
	for (size_t i = 0; i < a->n; i++) {
		size_t place = (a->at + i) % a->n; /* they are asked for in the same order */

		if (strcmp(a->parts[place].key.text, text.text) == 0) {
			a->at = place;
			return &a->parts[place];
		}
	}
	return NULL;
}

/* An emr_chain_fetch_fn.  Keys are those of one batch: what was not brought is asked for. */
static emr_status fetch_now(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	asking *a = arg;
	EMR_AUTO_FREE emr_key_text *texts = calloc(n, sizeof *texts);
	EMR_AUTO_FREE const char **names = calloc(n, sizeof *names);

	if (texts == NULL || names == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		key_text(&keys[i], &texts[i]);
		names[i] = texts[i].text;
	}
	a->fn = fn;
	a->arg = fn_arg;
	return emr_gateway_parts(a->gateway, a->call, names, n, pass_part, a);
}

static emr_status fetch(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	asking *a = arg;

	if (n == 0 || find_brought(a, &keys[0]) == NULL)
		return fetch_now(arg, keys, n, fn, fn_arg);
	a->fn = fn;
	a->arg = fn_arg;
	for (size_t i = 0; i < n; i++) {
		const brought *b = find_brought(a, &keys[i]);

		if (b != NULL)
			EMR_TRY(pass_part(
				a, i, b->state, emr_bytes_of(a->bytes.data + b->offset, b->len)));
	}
	return EMR_OK;
}

/* ---- An entry ---- */

static emr_status encode_behind(const observing *o, const uint8_t previous[32],
	const emr_gateway_entry *entry, uint64_t seq, emr_buf *out)
{
	emr_entry made = {.host = EMR_HOST_FABRIC,
		.count = (uint16_t)entry->results.len,
		.seq = seq,
		.ledger_time_unix_s = entry->ledger_time_unix_s,
		.block = entry->block,
		.tx = entry->tx,
		.results = emr_span_of(entry->results)};
	emr_status status = emr_buf_append_zeros(out, EMR_ENTRY_BYTES + entry->results.len);

	memcpy(made.prev_entry, previous, sizeof made.prev_entry);
	memcpy(made.submitter_id, entry->submitter.b, sizeof made.submitter_id);
	memcpy(made.header, entry->batch.data, EMR_HEADER_BYTES);
	memcpy(made.submit_sig, entry->submit_sig, sizeof made.submit_sig);
	if (status == EMR_OK &&
		emr_entry_encode(&made, out->data, out->len, &out->len) != EMR_CONTRACT_OK)
		status = trouble(o, EMR_DAMAGED, seq, "it has not a result for each item");
	return status;
}

static emr_status encode(
	const observing *o, const emr_gateway_entry *entry, uint64_t seq, emr_buf *out)
{
	uint8_t previous[32];

	EMR_TRY(emr_chain_leaf(o->chain, seq - 1, previous));
	return encode_behind(o, previous, entry, seq, out);
}

static emr_bytes items_of(const emr_gateway_entry *entry)
{
	return emr_bytes_of(
		entry->batch.data + EMR_HEADER_BYTES, entry->batch.len - EMR_HEADER_BYTES);
}

/* The chain has it already: then at this place, and with these bytes. */
static emr_status compare(const observing *o, const emr_gateway_entry *entry, uint64_t seq)
{
	EMR_AUTO_BUF kept = {0}, made = {0};
	emr_status status = emr_chain_entry(o->chain, seq, &kept, NULL);

	if (status == EMR_OK)
		status = encode(o, entry, seq, &made);
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&kept), emr_buf_view(&made)))
		status = trouble(o, EMR_FORK, seq, "the chain has another entry there");
	return status;
}

/* ---- An entry that stood in a directory before ---- */

static emr_status compare_moved(const observing *o, const emr_gateway_entry *entry, uint64_t seq)
{
	EMR_AUTO_BUF kept = {0}, items = {0};

	EMR_TRY(emr_chain_entry(o->chain, seq, &kept, &items));
	if (!emr_bytes_equal(emr_buf_view(&kept), entry->moved) ||
		!emr_bytes_equal(emr_buf_view(&items), entry->batch))
		EMR_TRY(trouble(o, EMR_FORK, seq, "the chain has another entry there"));
	return EMR_OK;
}

/* The entry to follow; number 0: the chain has it already. */
static emr_status place_moved(
	const observing *o, const emr_gateway_entry *entry, emr_ledger_entry *out)
{
	emr_entry parsed;
	uint64_t size = 0;

	EMR_TRY(emr_chain_size(o->chain, &size));
	if (emr_entry_parse(emr_span_of(entry->moved), &parsed) != EMR_CONTRACT_OK ||
		parsed.host != EMR_HOST_EMBEDDED)
		return trouble(o, EMR_DAMAGED, size, "it is no entry of a directory");
	if (parsed.seq < size)
		return compare_moved(o, entry, parsed.seq);
	*out = (emr_ledger_entry){.seq = parsed.seq, .entry = entry->moved, .items = entry->batch};
	return EMR_OK;
}

static emr_status place(
	const observing *o, const emr_gateway_entry *entry, emr_buf *bytes, emr_ledger_entry *out)
{
	uint64_t seq = 0;
	uint8_t batch_id[32];
	emr_status status;

	if (entry->batch.len < EMR_HEADER_BYTES)
		return trouble(o, EMR_DAMAGED, 0, "its items cannot be read");
	emr_batch_id(entry->batch.data, batch_id);
	status = emr_chain_find_batch(o->chain, batch_id, &seq);
	if (status != EMR_NOT_FOUND)
		return status == EMR_OK ? compare(o, entry, seq) : status;
	EMR_TRY(emr_chain_size(o->chain, &seq));
	EMR_TRY(encode(o, entry, seq, bytes));
	*out = (emr_ledger_entry){
		.seq = seq, .entry = emr_buf_view(bytes), .items = items_of(entry)};
	return EMR_OK;
}

/* Its submitter has signed its batch, and it is judged as everybody judges it who follows: whoever
 * brought it here vouches for nothing. */
emr_status emr_observe_entry(emr_chain *chain, emr_bytes descriptor, const emr_gateway_entry *entry,
	emr_chain_fetch_fn fetch_parts, void *arg, emr_ledger_trouble *out_trouble)
{
	const observing o = {.chain = chain, .descriptor = descriptor, .trouble = out_trouble};
	const emr_chain_checked checked = {.is_from_peer = true};
	EMR_AUTO_FREE emr_chain_parts *parts = calloc(1, sizeof *parts);
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_entry told = {.seq = 0};
	emr_status status;

	if (parts == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(entry->moved.len > 0 ? place_moved(&o, entry, &told)
				     : place(&o, entry, &bytes, &told));
	if (told.seq == 0)
		return EMR_OK;
	status = emr_chain_parts_of(&told, fetch_parts, arg, NULL, NULL, parts);
	if (status == EMR_OK)
		status = emr_chain_follow(
			chain, &told, &checked, parts->spans, NULL, NULL, out_trouble);
	emr_chain_parts_free(parts);
	return status;
}

emr_status emr_observe_channel(
	emr_chain *chain, const uint8_t *genesis, emr_ledger_trouble *out_trouble)
{
	EMR_AUTO_BUF value = {0};
	emr_row_channel row;
	emr_key_text key;
	emr_status status;

	emr_key_channel(&key);
	status = emr_chain_row(chain, key.text, &value, NULL, NULL);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_row_channel_parse(emr_span_of(emr_buf_view(&value)), &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (genesis != NULL && memcmp(row.genesis, genesis, sizeof row.genesis) == 0)
		return EMR_OK;
	*out_trouble = (emr_ledger_trouble){.status = EMR_FORK};
	(void)snprintf(out_trouble->cause, sizeof out_trouble->cause,
		"the network has moved to another channel");
	return EMR_FORK;
}

/* ---- Parts of several entries in one question ---- */

/* An emr_chain_fetch_fn that gives nothing: it notes what is wanted. */
static emr_status note_wanted(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	asking *a = arg;

	(void)fn;
	(void)fn_arg;
	for (size_t i = 0; i < n; i++) {
		if (emr_array_room(&a->parts, a->n, &a->cap, sizeof *a->parts) != EMR_OK)
			return EMR_NO_MEMORY;
		a->parts[a->n] = (brought){.state = EMR_GATEWAY_PART_UNKNOWN};
		key_text(&keys[i], &a->parts[a->n++].key);
	}
	return EMR_OK;
}

/* An entry that the chain has already asks for nothing. */
static emr_status want_parts(const observing *o, const emr_gateway_entry *entry, asking *a)
{
	static const uint8_t nobody[32];
	EMR_AUTO_BUF bytes = {0};
	emr_chain_parts *none;
	emr_ledger_entry told = {.seq = 1, .entry = entry->moved, .items = entry->batch};
	uint64_t seq = 0;
	uint8_t batch_id[32];
	emr_status status = EMR_OK;

	if (entry->moved.len == 0) {
		if (entry->batch.len < EMR_HEADER_BYTES)
			return EMR_OK; /* whoever takes it says what is wrong with it */
		emr_batch_id(entry->batch.data, batch_id);
		status = emr_chain_find_batch(o->chain, batch_id, &seq);
		if (status != EMR_NOT_FOUND)
			return status;
		status = encode_behind(o, nobody, entry, 1, &bytes);
		told.entry = emr_buf_view(&bytes);
		told.items = items_of(entry);
	}
	if (status != EMR_OK)
		return status;
	none = calloc(1, sizeof *none);
	if (none == NULL)
		return EMR_NO_MEMORY;
	status = emr_chain_parts_of(&told, note_wanted, a, NULL, NULL, none);
	emr_chain_parts_free(none);
	free(none);
	return status;
}

static emr_status keep_part(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	asking *a = arg;
	brought *b = &a->parts[index];

	b->state = state;
	b->offset = a->bytes.len;
	b->len = part.len;
	return emr_buf_append(&a->bytes, part.data, part.len);
}

/* The parts of FROM and of those behind it, until there are enough of them for one question.
 * *OUT_END is the first entry whose parts are not among them. */
static emr_status bring_parts(
	const observing *o, asking *a, const found *from, const found **out_end)
{
	EMR_AUTO_FREE const char **names = NULL;
	emr_status status = EMR_OK;
	const found *f = from;

	a->n = a->at = 0;
	emr_buf_clear(&a->bytes);
	for (; f != NULL && status == EMR_OK; f = f->next) {
		const size_t before = a->n;

		status = want_parts(o, &f->entry, a);
		if (a->n <= EMR_GATEWAY_KEYS_MAX || f == from)
			continue;
		a->n = before; /* one question has no room for these */
		break;
	}
	*out_end = f;
	if (status != EMR_OK || a->n == 0)
		return status;
	names = calloc(a->n, sizeof *names);
	if (names == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < a->n; i++)
		names[i] = a->parts[i].key.text;
	return emr_gateway_parts(a->gateway, a->call, names, a->n, keep_part, a);
}

/* ---- What stands in several blocks ---- */

/* Those from *F on that stand in its block; *F = the first of another one.  From *UNASKED on no
 * parts were brought. */
static emr_status take_block(
	const observing *o, asking *who, const found **f, const found **unasked)
{
	const uint64_t block = (*f)->entry.block;
	emr_status status = emr_chain_begin(o->chain);

	if (status != EMR_OK)
		return status;
	for (; *f != NULL && (*f)->entry.block == block && status == EMR_OK; *f = (*f)->next) {
		if (*f == *unasked)
			status = bring_parts(o, who, *f, unasked);
		if (status == EMR_OK)
			status = emr_observe_entry(
				o->chain, o->descriptor, &(*f)->entry, fetch, who, o->trouble);
	}
	if (status == EMR_OK)
		status = emr_observe_channel(o->chain,
			who->gateway->has_genesis ? who->gateway->genesis : NULL, o->trouble);
	return emr_chain_end(o->chain, status);
}

/* Of the blocks before NEXT_BLOCK.  Parts are asked for outside of the chain's transactions. */
static emr_status take_all(
	const observing *o, asking *who, const block_entries *entries, uint64_t next_block)
{
	const found *f = entries->first, *unasked = f;

	while (f != NULL && f->entry.block < next_block) {
		if (f == unasked)
			EMR_TRY(bring_parts(o, who, f, &unasked));
		EMR_TRY(take_block(o, who, &f, &unasked));
	}
	return EMR_OK;
}

/* ---- A chain ---- */

static emr_status begin_chain(const observing *o)
{
	EMR_AUTO_BUF first = {0};
	uint64_t size = 0;

	EMR_TRY(emr_chain_size(o->chain, &size));
	if (size > 0) {
		EMR_TRY(emr_chain_entry(o->chain, 0, &first, NULL));
		return !emr_bytes_equal(emr_buf_view(&first), o->descriptor) ? EMR_FORK : EMR_OK;
	}
	EMR_TRY(emr_chain_begin(o->chain));
	return emr_chain_end(o->chain, emr_chain_append_genesis(o->chain, o->descriptor));
}

/* At most N blocks from POSITION on. Blocks before a failure count. */
static emr_status observe_round(
	const observing *o, asking *who, emr_gateway_position *position, size_t n, uint64_t *height)
{
	block_entries entries = {.last = &entries.first};
	emr_gateway_position next = *position;
	emr_status came =
		emr_gateway_entries(who->gateway, who->call, &next, n, collect, &entries, height);
	const emr_gateway_call call = *who->call;
	emr_status status = take_all(o, who, &entries, next.next_block);

	entries_free(&entries);
	if (status != EMR_OK)
		return status;
	*position = next;
	if (came != EMR_OK)
		*who->call = call;
	return came;
}

emr_status emr_observe(emr_gateway *gateway, emr_gateway_call *call, emr_chain *chain,
	emr_bytes descriptor, emr_gateway_position *position, size_t max_blocks, uint64_t *height,
	emr_ledger_trouble *out_trouble)
{
	const observing o = {.chain = chain, .descriptor = descriptor, .trouble = out_trouble};
	__attribute__((cleanup(asking_free))) asking who = {.gateway = gateway, .call = call};
	uint64_t known = height != NULL ? *height : 0;
	emr_status status;

	*out_trouble = (emr_ledger_trouble){.status = EMR_OK};
	status = begin_chain(&o);
	while (status == EMR_OK && max_blocks > 0) {
		const uint64_t before = position->next_block;

		status = observe_round(&o, &who, position,
			max_blocks < ROUND_BLOCKS ? max_blocks : ROUND_BLOCKS, &known);
		max_blocks -= (size_t)(position->next_block - before);
		if (status != EMR_OK)
			return status;
		if (height != NULL)
			*height = known;
		if (position->next_block >= known || position->next_block == before)
			return EMR_OK;
	}
	return status;
}
