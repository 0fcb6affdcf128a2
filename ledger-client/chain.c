/* This file stores the ledger's entries, their hash tree and the state that follows from them in
 * SQLite, and finds them again. The ledger and each computer's own copy of it use the same
 * tables. */
#include "chain_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"
#include "crypto/merkle.h"
#include "ledger/hash.h"

#define REPLICA_ID 0x454d5252u /* "EMRR" */

static emr_sql_kind kind_of(emr_chain_use use)
{
	emr_sql_kind kind = {.application_id = CHAIN_LEDGER_ID,
		.format = CHAIN_FORMAT,
		.schema = chain_schema,
		.texts = chain_texts,
		.survives_power_cut = true};

	if (use == EMR_CHAIN_PRIVATE) {
		kind.application_id = REPLICA_ID;
		kind.survives_power_cut = false;
		kind.has_triggers = true;
	}
	return kind;
}

static emr_status keep_chain(emr_chain *chain, emr_status status, emr_chain **out_chain)
{
	if (status == EMR_OK)
		status = chain_make_functions(chain);
	if (status != EMR_OK)
		emr_chain_close(chain);
	else
		*out_chain = chain;
	return status;
}

emr_status emr_chain_open(int dirfd, const char *name, emr_chain_use use, bool may_create,
	uint32_t busy_ms, emr_chain **out_chain)
{
	emr_sql_kind kind = kind_of(use);
	emr_chain *chain = calloc(1, sizeof *chain);

	return chain != NULL
		       ? keep_chain(chain,
				 emr_sql_open(dirfd, name, &kind, may_create, busy_ms, &chain->sql),
				 out_chain)
		       : EMR_NO_MEMORY;
}

emr_status emr_chain_open_temporary(emr_chain **out_chain)
{
	emr_sql_kind kind = kind_of(EMR_CHAIN_PRIVATE);
	emr_chain *chain = calloc(1, sizeof *chain);

	return chain != NULL
		       ? keep_chain(chain, emr_sql_open_temporary(&kind, &chain->sql), out_chain)
		       : EMR_NO_MEMORY;
}

void emr_chain_close(emr_chain *chain)
{
	if (chain == NULL)
		return;
	chain_forget_questions(chain);
	emr_sql_close(&chain->sql);
	free(chain);
}

void emr_chain_make_indexes(emr_chain *chain)
{
	emr_status status = emr_sql_run(&chain->sql, chain_indexes);

	if (status != EMR_OK)
		emr_log(EMR_LOG_INFO, "ledger: it is searched without indexes: %s",
			emr_status_text(status));
}

emr_status emr_chain_in_place(emr_chain *chain)
{
	int has_moved = 1;
	int code = sqlite3_file_control(chain->sql.db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);

	return code == SQLITE_OK && has_moved == 0 ? EMR_OK : EMR_OFFLINE;
}

bool emr_chain_is_overtaken(const emr_chain *chain)
{
	return emr_sql_is_overtaken(&chain->sql);
}

emr_status emr_chain_seen(const emr_chain *chain, emr_status status)
{
	return emr_sql_seen(&chain->sql, status);
}

emr_status emr_chain_begin(emr_chain *chain)
{
	return emr_sql_begin(&chain->sql);
}

emr_status emr_chain_begin_many(emr_chain *chain)
{
	return emr_sql_begin_many(&chain->sql);
}

bool emr_chain_has_room_for_many(const emr_chain *chain)
{
	return emr_sql_has_room_for_many(&chain->sql);
}

void emr_chain_settle(emr_chain *chain)
{
	emr_sql_settle(&chain->sql);
}

emr_status emr_chain_begin_read(emr_chain *chain)
{
	return emr_sql_begin_read(&chain->sql);
}

emr_status emr_chain_commit(emr_chain *chain)
{
	emr_status status = emr_sql_commit(&chain->sql);

	if (status != EMR_OK)
		emr_sql_rollback(&chain->sql);
	return status;
}

emr_status emr_chain_end(emr_chain *chain, emr_status status)
{
	if (status == EMR_OK)
		return emr_chain_commit(chain);
	emr_chain_rollback(chain);
	return status;
}

void emr_chain_rollback(emr_chain *chain)
{
	emr_sql_rollback(&chain->sql);
}

void emr_chain_forget_log(emr_chain *chain)
{
	int code = sqlite3_wal_checkpoint_v2(
		chain->sql.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	/* A reader holds it: the next checkpoint of any process gets there. */
	if (code != SQLITE_OK)
		emr_log(EMR_LOG_INFO,
			"ledger: purged parts stay in the write-ahead log for now (%d)", code);
}

/* ---- entries ---- */

emr_status emr_chain_size(emr_chain *chain, uint64_t *out_size)
{
	sqlite3_stmt *s;

	EMR_TRY(emr_sql_use(&chain->sql, SIZE, &s));
	EMR_TRY(emr_sql_step(s));
	*out_size = emr_sql_u64(s, 0);
	(void)sqlite3_reset(s);
	return EMR_OK;
}

static emr_status copy_column(sqlite3_stmt *s, int column, emr_buf *out)
{
	emr_bytes bytes = emr_sql_bytes(s, column);

	emr_buf_clear(out);
	return emr_buf_append(out, bytes.data, bytes.len);
}

emr_status emr_chain_entry(emr_chain *chain, uint64_t seq, emr_buf *out_entry, emr_buf *out_items)
{
	sqlite3_stmt *s;
	emr_status status = EMR_OK;

	EMR_TRY(emr_sql_use(&chain->sql, ENTRY_GET, &s));
	emr_sql_bind_u64(s, 1, seq);
	EMR_TRY(emr_sql_step(s));
	if (out_entry)
		status = copy_column(s, 0, out_entry);
	if (status == EMR_OK && out_items)
		status = copy_column(s, 1, out_items);
	(void)sqlite3_reset(s);
	return status;
}

void emr_chain_rest(emr_chain *chain)
{
	if (chain != NULL)
		(void)sqlite3_db_release_memory(chain->sql.db);
}

emr_status emr_chain_find_batch(emr_chain *chain, const uint8_t batch_id[32], uint64_t *out_seq)
{
	sqlite3_stmt *s;

	EMR_TRY(emr_sql_use(&chain->sql, BATCH_GET, &s));
	emr_sql_bind(s, 1, batch_id, 32);
	EMR_TRY(emr_sql_step(s));
	*out_seq = emr_sql_u64(s, 0);
	(void)sqlite3_reset(s);
	return EMR_OK;
}

/* ---- tree ---- */

static void node_name(uint32_t level, uint64_t index, char out[40])
{
	(void)snprintf(out, 40, "n/%u/%llu", (unsigned)level, (unsigned long long)index);
}

emr_status emr_chain_subtree(emr_chain *chain, uint32_t level, uint64_t index, uint8_t out_hash[32])
{
	char name[40];
	sqlite3_stmt *s;
	emr_bytes hash = {0};
	emr_status status;

	EMR_TRY(emr_sql_use(&chain->sql, NODE_GET, &s));
	emr_sql_bind_u64(s, 1, level);
	emr_sql_bind_u64(s, 2, index);
	EMR_TRY(emr_sql_step(s));
	node_name(level, index, name);
	status = emr_sql_unseal(name, emr_sql_bytes(s, 0), &hash);
	if (status == EMR_OK && hash.len != 32)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		memcpy(out_hash, hash.data, 32);
	(void)sqlite3_reset(s);
	return status;
}

emr_status emr_chain_leaf(emr_chain *chain, uint64_t seq, uint8_t out_leaf[32])
{
	return emr_chain_subtree(chain, 0, seq, out_leaf);
}

emr_status emr_chain_descriptor(emr_chain *chain, emr_buf *out)
{
	uint8_t leaf[32], found[32];

	EMR_TRY(emr_required(emr_chain_entry(chain, 0, out, NULL)));
	EMR_TRY(emr_required(emr_chain_leaf(chain, 0, leaf)));
	emr_entry_leaf(emr_span_of(emr_buf_view(out)), found);
	return memcmp(leaf, found, sizeof leaf) == 0 ? EMR_OK : EMR_DAMAGED;
}

emr_status emr_chain_frontier(emr_chain *chain, uint64_t size, emr_merkle_frontier *out)
{
	emr_merkle_frontier frontier = {0};
	uint8_t hash[32];

	for (unsigned level = 63; level-- > 0;) {
		if ((size >> level & 1) == 0)
			continue;
		EMR_TRY(emr_required(
			emr_chain_subtree(chain, level, frontier.size >> level, hash)));
		if (!emr_merkle_append_subtree(&frontier, level, hash))
			return EMR_DAMAGED;
	}
	*out = frontier;
	return EMR_OK;
}

emr_status emr_chain_root(emr_chain *chain, uint64_t size, uint8_t out_root[32])
{
	emr_merkle_frontier frontier;

	EMR_TRY(emr_chain_frontier(chain, size, &frontier));
	emr_merkle_frontier_root(&frontier, out_root);
	return EMR_OK;
}

emr_status chain_put_node(emr_chain *chain, uint32_t level, uint64_t index, const uint8_t hash[32])
{
	EMR_AUTO_BUF sealed = {0};
	char name[40];
	sqlite3_stmt *s;

	node_name(level, index, name);
	EMR_TRY(emr_sql_seal(name, emr_bytes_of(hash, 32), &sealed));
	EMR_TRY(emr_sql_use(&chain->sql, NODE_PUT, &s));
	emr_sql_bind_u64(s, 1, level);
	emr_sql_bind_u64(s, 2, index);
	emr_sql_bind(s, 3, sealed.data, sealed.len);
	return emr_sql_done(s);
}

/* ---- indexes ---- */

emr_status emr_chain_find_item(
	emr_chain *chain, const uint8_t item_id[32], uint64_t *out_seq, uint16_t *out_index)
{
	sqlite3_stmt *s;

	EMR_TRY(emr_sql_use(&chain->sql, ITEM_GET, &s));
	emr_sql_bind(s, 1, item_id, 32);
	emr_sql_bind_u64(s, 2, EMR_RESULT_ALREADY);
	EMR_TRY(emr_sql_step(s));
	*out_seq = emr_sql_u64(s, 0);
	*out_index = (uint16_t)emr_sql_u64(s, 1);
	(void)sqlite3_reset(s);
	return EMR_OK;
}

/* ---- meta ---- */

/* A value with its checksum under NAME. */
static emr_status chain_meta_get(emr_chain *chain, const char *name, emr_buf *out)
{
	sqlite3_stmt *s;
	emr_bytes value = {0};
	emr_status status;

	EMR_TRY(emr_sql_use(&chain->sql, META_GET, &s));
	emr_sql_bind_text(s, 1, name);
	EMR_TRY(emr_sql_step(s));
	status = emr_sql_unseal(name, emr_sql_bytes(s, 0), &value);
	emr_buf_clear(out);
	if (status == EMR_OK)
		status = emr_buf_append(out, value.data, value.len);
	(void)sqlite3_reset(s);
	return status;
}

emr_status chain_meta_put(emr_chain *chain, const char *name, emr_bytes value)
{
	EMR_AUTO_BUF sealed = {0};
	sqlite3_stmt *s;

	EMR_TRY(emr_sql_seal(name, value, &sealed));
	EMR_TRY(emr_sql_use(&chain->sql, META_PUT, &s));
	emr_sql_bind_text(s, 1, name);
	emr_sql_bind(s, 2, sealed.data, sealed.len);
	return emr_sql_done(s);
}

emr_status emr_chain_digest(emr_chain *chain, uint8_t out_digest[32])
{
	EMR_AUTO_BUF value = {0};

	EMR_TRY(chain_meta_get(chain, "digest", &value));
	if (value.len != 32)
		return EMR_DAMAGED;
	memcpy(out_digest, value.data, 32);
	return EMR_OK;
}

emr_status emr_chain_note(emr_chain *chain, emr_buf *out_note)
{
	return chain_meta_get(chain, "note", out_note);
}

emr_status emr_chain_put_note(emr_chain *chain, emr_bytes note)
{
	return chain_meta_put(chain, "note", note);
}

static emr_status replace_note(emr_chain *chain, emr_bytes old_note, emr_bytes note)
{
	EMR_AUTO_BUF kept = {0};
	emr_status status = emr_chain_note(chain, &kept);

	if (status != EMR_NOT_FOUND)
		EMR_TRY(status);
	return emr_bytes_equal(emr_buf_view(&kept), old_note) ? emr_chain_put_note(chain, note)
							      : EMR_CONFLICT;
}

emr_status emr_chain_replace_note(emr_chain *chain, emr_bytes old_note, emr_bytes note)
{
	EMR_TRY(emr_chain_begin(chain));
	return emr_chain_end(chain, replace_note(chain, old_note, note));
}
