/* This file writes one judged entry with everything that follows from it: rows, index, hash tree
 * and the running digest of the state. It is called within one transaction, so the entry is
 * there whole or not at all. */
#include "chain_private.h"

#include <stdlib.h>

#include "base/codec.h"
#include "crypto/merkle.h"
#include "ledger/hash.h"

static emr_status put_entry(emr_chain *chain, uint64_t seq, const uint8_t batch_id[32],
	emr_bytes entry, emr_bytes items)
{
	sqlite3_stmt *s;

	EMR_TRY(emr_sql_use(&chain->sql, ENTRY_PUT, &s));
	emr_sql_bind_u64(s, 1, seq);
	emr_sql_bind(s, 2, batch_id, 32);
	emr_sql_bind(s, 3, entry.data, entry.len);
	emr_sql_bind(s, 4, items.data, items.len);
	return emr_sql_done(s);
}

/* The leaf, and every subtree that it completes. */
static emr_status put_leaf(emr_chain *chain, uint64_t seq, const uint8_t leaf[32])
{
	uint8_t hash[32];
	uint8_t left[32];
	uint64_t index = seq;
	emr_status status;

	memcpy(hash, leaf, 32);
	status = chain_put_node(chain, 0, index, hash);
	for (uint32_t level = 0; status == EMR_OK && index % 2 == 1; level++) {
		EMR_TRY(emr_required(emr_chain_subtree(chain, level, index - 1, left)));
		emr_merkle_node(left, hash, hash);
		index /= 2;
		status = chain_put_node(chain, level + 1, index, hash);
	}
	return status;
}

typedef struct appending {
	emr_chain *chain;
	uint64_t seq;
	uint64_t time;
	const emr_batch *batch; /* and what stands in its entry; entry 0 has none */
	emr_entry entry;
	bool is_put[EMR_BATCH_COUNT_MAX];
	emr_chain_keep_fn keep;
	void *keep_arg;
	emr_buf changes; /* what the digest of state takes in */
} appending;

static void appending_free(appending *a)
{
	emr_buf_free(&a->changes);
}

static emr_status note_change(appending *a, const emr_write *write)
{
	emr_writer w = emr_writer_of(&a->changes);
	size_t key_len = strlen(write->key);

	emr_write_u8(&w, (uint8_t)write->kind);
	emr_write_u16(&w, (uint16_t)key_len);
	emr_write_bytes(&w, write->key, key_len);
	emr_write_u32(&w, (uint32_t)write->value.len);
	emr_write_bytes(&w, write->value.data, write->value.len);
	return w.status;
}

static emr_status put_state(appending *a, const emr_write *write)
{
	sqlite3_stmt *s;

	EMR_TRY(note_change(a, write));
	EMR_TRY(emr_sql_use(&a->chain->sql, STATE_PUT, &s));
	emr_sql_bind_text(s, 1, write->key);
	emr_sql_bind(s, 2, write->value.data, write->value.len);
	emr_sql_bind_u64(s, 3, a->seq);
	emr_sql_bind_u64(s, 4, a->time);
	return emr_sql_done(s);
}

static emr_status put_id(appending *a, const uint8_t *id, size_t len)
{
	sqlite3_stmt *s;

	EMR_TRY(emr_sql_use(&a->chain->sql, ID_PUT, &s));
	emr_sql_bind(s, 1, id, len);
	return emr_sql_done(s);
}

/* The row of item I at PLACE; NULL: it has none of its own. One at another place comes first, has
 * no id, and an index above those of items. */
static emr_status put_item(appending *a, size_t i, const emr_part_key *place)
{
	emr_part_key own;
	emr_item item;
	emr_span pub;
	uint8_t id[32];
	sqlite3_stmt *s;

	emr_batch_item_at(a->batch, i, &item, &pub);
	own = (emr_part_key){.family = emr_chain_family(&item, pub),
		.domain = EMR_ID16_AT(item.domain_id),
		.object = EMR_ID16_AT(item.object_id),
		.version = item.version};
	a->is_put[i] =
		place == NULL || (place->family == own.family && place->version == own.version);
	emr_item_id(a->batch->items[i].bytes, id);
	EMR_TRY(put_id(a, item.domain_id, 16));
	EMR_TRY(put_id(a, item.signer_id, 32));
	EMR_TRY(chain_bind_key(a->chain, ITEM_PUT, place != NULL ? place : &own, &s));
	emr_sql_bind_u64(s, 5, a->seq);
	emr_sql_bind_u64(s, 6, a->is_put[i] ? i : i + EMR_BATCH_COUNT_MAX);
	if (a->is_put[i])
		emr_sql_bind(s, 7, id, sizeof id);
	emr_sql_bind_u64(s, 8, item.op);
	emr_sql_bind(s, 9, item.signer_id, 32);
	emr_sql_bind(s, 10, a->entry.submitter_id, 32);
	emr_sql_bind_u64(s, 11, a->time);
	emr_sql_bind_u64(s, 12, a->entry.results.data[i]);
	emr_sql_bind_u64(s, 13, item.flags);
	if (place != NULL)
		emr_sql_bind_u64(s, 14, 0);
	return emr_sql_done(s);
}

static emr_status put_place(appending *a, const emr_write *write)
{
	emr_part_key key;
	emr_row_place row;

	return chain_parse_key(write->key, 'i', &key) &&
			       emr_row_place_parse(write->value, &row) == EMR_CONTRACT_OK &&
			       a->batch != NULL && row.index < a->batch->count
		       ? put_item(a, row.index, &key)
		       : EMR_INVALID;
}

static emr_part_key key_of_write(const emr_write *write)
{
	emr_part_key key = {.family = write->family,
		.version = write->first_version,
		.domain = EMR_ID16_AT(write->domain_id),
		.object = EMR_ID16_AT(write->object_id)};

	return key;
}

static emr_status put_part(appending *a, const emr_write *write)
{
	emr_part_key key = key_of_write(write);
	bool is_new;

	if (a->keep && !a->keep(a->keep_arg, write->domain_id))
		return EMR_OK;
	return chain_fill_part(a->chain, &key, bytes_of(write->value), &is_new);
}

static emr_status purge_parts(appending *a, const emr_write *write)
{
	emr_part_key key = key_of_write(write);
	sqlite3_stmt *s;

	EMR_TRY(chain_purge_parts(a->chain, &key, write->last_version));
	EMR_TRY(chain_bind_key(a->chain, PLACE_PURGE, &key, &s));
	emr_sql_bind_u64(s, 5, write->last_version);
	emr_sql_bind_u64(s, 6, a->seq);
	return emr_sql_done(s);
}

static emr_status do_write(appending *a, const emr_write *write)
{
	const char *key = write->key;

	switch (write->kind) {
	case EMR_WRITE_PUT:
		if (key[1] == '/' && (key[0] == 'b' || key[0] == 'c'))
			return EMR_OK; /* stands in the entry */
		if (key[1] == '/' && key[0] == 'i')
			return put_place(a, write);
		return put_state(a, write);
	case EMR_WRITE_PUT_PART:
		return put_part(a, write);
	case EMR_WRITE_PURGE_PARTS:
		return purge_parts(a, write);
	}
	return EMR_INVALID;
}

/* digest = SHA-256(digest before, changes of the entry): equal on every computer that replayed the
 * same entries. */
static emr_status extend_digest(appending *a)
{
	uint8_t before[32] = {0};
	emr_id32 digest;

	if (a->seq > 0)
		EMR_TRY(emr_required(emr_chain_digest(a->chain, before)));
	digest = emr_sha256_of(
		(emr_bytes[]){emr_bytes_of(before, 32), emr_buf_view(&a->changes)}, 2);
	return chain_meta_put(a->chain, "digest", emr_bytes_of(digest.b, 32));
}

static emr_status do_writes(appending *a, const emr_write *writes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		EMR_TRY(do_write(a, &writes[i]));
	return extend_digest(a);
}

emr_status emr_chain_append_genesis(emr_chain *chain, emr_bytes descriptor)
{
	__attribute__((cleanup(appending_free))) appending a = {.chain = chain};
	emr_contract_arena arena = {.cap = (size_t)1024 * 257};
	EMR_AUTO_FREE uint8_t *memory = malloc(arena.cap);
	const emr_write *writes = NULL;
	size_t n = 0;
	uint8_t leaf[32];

	arena.base = memory;
	if (memory == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(chain_contract_status(
		emr_contract_genesis(emr_span_of(descriptor), &arena, &writes, &n)));
	emr_entry_leaf(emr_span_of(descriptor), leaf);
	/* No batch made entry 0; its leaf stands where the others have a batch id. */
	EMR_TRY(put_entry(chain, 0, leaf, descriptor, (emr_bytes){0}));
	EMR_TRY(put_leaf(chain, 0, leaf));
	return do_writes(&a, writes, n);
}

/* A note of every part that must exist from now on until something purges it. */
static emr_status expect_parts(appending *a)
{
	for (size_t i = 0; i < a->batch->count; i++) {
		emr_item item;
		emr_span pub;
		emr_part_key key;

		emr_batch_item_at(a->batch, i, &item, &pub);
		if (a->entry.results.data[i] != EMR_RESULT_APPLIED || item.priv_len == 0 ||
			(a->keep && !a->keep(a->keep_arg, item.domain_id)))
			continue;
		key = chain_part_key(&item, pub);
		EMR_TRY(chain_expect_part(a->chain, &key, &item, a->seq));
	}
	return EMR_OK;
}

emr_status emr_chain_append(emr_chain *chain, emr_bytes entry, const emr_batch *batch,
	const emr_outcome *outcome, emr_chain_keep_fn keep, void *keep_arg)
{
	__attribute__((cleanup(appending_free)))
	appending a = {.chain = chain, .batch = batch, .keep = keep, .keep_arg = keep_arg};
	uint8_t leaf[32];

	EMR_TRY(chain_contract_status(emr_entry_parse(emr_span_of(entry), &a.entry)));
	if (outcome->kind != EMR_OUTCOME_APPLIED)
		return EMR_INVALID;
	a.seq = a.entry.seq;
	a.time = a.entry.ledger_time_unix_s;
	emr_entry_leaf(emr_span_of(entry), leaf);
	EMR_TRY(put_entry(chain, a.seq, outcome->batch_id, entry, bytes_of(batch->items_bytes)));
	EMR_TRY(put_leaf(chain, a.seq, leaf));
	EMR_TRY(put_id(&a, a.entry.submitter_id, 32));
	EMR_TRY(expect_parts(&a));
	EMR_TRY(do_writes(&a, outcome->writes, outcome->writes_count));
	/* An item that was refused, or has no place for another reason, has a row all the same. */
	for (size_t i = 0; i < batch->count; i++)
		if (!a.is_put[i])
			EMR_TRY(put_item(&a, i, NULL));
	return EMR_OK;
}
