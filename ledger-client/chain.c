#include "chain_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"
#include "ledger/hash.h"

#define LEDGER_ID 0x454d524cu	/* "EMRL" */
#define REPLICA_ID 0x454d5252u	/* "EMRR" */
#define FORMAT 1u

static const char schema[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE entries(seq INTEGER PRIMARY KEY, batch_id BLOB NOT NULL UNIQUE, entry BLOB NOT NULL,"
	" items BLOB NOT NULL);"
	"CREATE TABLE nodes(level INTEGER, idx INTEGER, hash BLOB NOT NULL, PRIMARY KEY(level, idx)) WITHOUT ROWID;"
	"CREATE TABLE domains(domain BLOB, seq INTEGER, PRIMARY KEY(domain, seq)) WITHOUT ROWID;"
	"CREATE TABLE items(prefix INTEGER, seq INTEGER, idx INTEGER, PRIMARY KEY(prefix, seq, idx)) WITHOUT ROWID;"
	"CREATE TABLE state(key TEXT PRIMARY KEY, value BLOB NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE places(family INTEGER, domain BLOB, object BLOB, version INTEGER, seq INTEGER NOT NULL,"
	" idx INTEGER NOT NULL, PRIMARY KEY(family, domain, object, version)) WITHOUT ROWID;"
	"CREATE TABLE parts(family INTEGER, domain BLOB, object BLOB, version INTEGER, seq INTEGER NOT NULL,"
	" hash BLOB NOT NULL, part BLOB NOT NULL, UNIQUE(domain, object, family, version));";

#define KEY_MATCH "family=?1 AND domain=?2 AND object=?3 AND version=?4"

static const char *const texts[CHAIN_STATEMENTS] = {
	[SIZE] = "SELECT coalesce(max(seq)+1, 0) FROM entries",
	[ENTRY_GET] = "SELECT entry, items FROM entries WHERE seq=?1",
	[ENTRY_PUT] = "INSERT INTO entries(seq, batch_id, entry, items) VALUES(?1, ?2, ?3, ?4)",
	[BATCH_GET] = "SELECT seq FROM entries WHERE batch_id=?1",
	[NODE_GET] = "SELECT hash FROM nodes WHERE level=?1 AND idx=?2",
	[NODE_PUT] = "INSERT INTO nodes(level, idx, hash) VALUES(?1, ?2, ?3)",
	[DOMAIN_PUT] = "INSERT INTO domains(domain, seq) VALUES(?1, ?2)",
	[DOMAIN_COUNT] = "SELECT count(*) FROM domains WHERE domain=?1 AND seq>?2",
	[DOMAIN_LAST] = "SELECT coalesce(max(seq), 0) FROM domains WHERE domain=?1",
	[DOMAIN_SEQS] = "SELECT seq FROM domains WHERE domain=?1 AND seq>=?2 ORDER BY seq LIMIT ?3",
	[DOMAIN_BEFORE] = "SELECT seq FROM domains WHERE domain=?1 AND seq<?2 ORDER BY seq DESC LIMIT 1",
	[ITEM_GET] = "SELECT seq, idx FROM items WHERE prefix=?1 ORDER BY seq, idx",
	[ITEM_PUT] = "INSERT INTO items(prefix, seq, idx) VALUES(?1, ?2, ?3)",
	[STATE_GET] = "SELECT value, seq, time FROM state WHERE key=?1",
	[STATE_PUT] = "INSERT INTO state(key, value, seq, time) VALUES(?1, ?2, ?3, ?4)"
		      " ON CONFLICT(key) DO UPDATE SET value=?2, seq=?3, time=?4",
	[STATE_DELETE] = "DELETE FROM state WHERE key=?1",
	[STATE_RANGE] = "SELECT key, value, seq, time FROM state WHERE key>=?1 AND key<?2 ORDER BY key",
	[PLACE_GET] = "SELECT seq, idx FROM places WHERE " KEY_MATCH,
	[PLACE_PUT] = "INSERT INTO places(family, domain, object, version, seq, idx) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		      " ON CONFLICT(family, domain, object, version) DO UPDATE SET seq=?5, idx=?6",
	[PLACE_RANGE] = "SELECT version, seq, idx FROM places WHERE family=?1 AND domain=?2 AND object=?3"
			" ORDER BY version",
	[PART_GET] = "SELECT hash, part FROM parts WHERE " KEY_MATCH,
	[PART_PUT] = "INSERT INTO parts(family, domain, object, version, seq, hash, part)"
		     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
		     " ON CONFLICT(domain, object, family, version) DO UPDATE SET seq=?5, hash=?6, part=?7",
	[PART_EXPECT] = "INSERT OR IGNORE INTO parts(family, domain, object, version, seq, hash, part)"
			" VALUES(?1, ?2, ?3, ?4, ?5, x'', x'')",
	[PART_PURGE] = "DELETE FROM parts WHERE family=?1 AND domain=?2 AND object=?3 AND version>=?4 AND version<=?5",
	[META_GET] = "SELECT value FROM meta WHERE name=?1",
	[META_PUT] = "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value=?2",
	/* Whole tables for comparisons; the last column is the entry to name. */
	[ALL_ENTRIES] = "SELECT seq, batch_id, entry, items, seq FROM entries ORDER BY 1",
	[ALL_NODES] = "SELECT level, idx, hash, ((idx+1)<<level)-1 FROM nodes ORDER BY 1, 2",
	[ALL_DOMAINS] = "SELECT domain, seq, seq FROM domains ORDER BY 2, 1",
	[ALL_ITEMS] = "SELECT prefix, seq, idx, seq FROM items ORDER BY 1, 2, 3",
	[ALL_STATE] = "SELECT key, value, time, seq FROM state ORDER BY 1",
	[ALL_PLACES] = "SELECT family, domain, object, version, idx, seq FROM places ORDER BY 1, 2, 3, 4",
	[ALL_PARTS] = "SELECT family, domain, object, version, hash, part, seq FROM parts ORDER BY 2, 3, 1, 4",
	[ALL_META] = "SELECT name, value, 0 FROM meta WHERE name IN ('digest') ORDER BY 1",
};

static emr_sql_kind kind_of(emr_chain_use use)
{
	emr_sql_kind kind = { .application_id = LEDGER_ID, .format = FORMAT, .schema = schema, .texts = texts,
			      .survives_power_cut = true, .mode = 0600 };

	if (use == EMR_CHAIN_SHARED_GROUP)
		kind.mode = 0660;
	if (use == EMR_CHAIN_PRIVATE) {
		kind.application_id = REPLICA_ID;
		kind.survives_power_cut = false;
	}
	return kind;
}

emr_status emr_chain_open(int dirfd, const char *name, emr_chain_use use, bool may_create, uint32_t busy_ms,
			  emr_chain **out_chain)
{
	emr_sql_kind kind = kind_of(use);
	emr_chain *chain = calloc(1, sizeof *chain);
	emr_status status;

	if (chain == NULL)
		return EMR_NO_MEMORY;
	status = emr_sql_open(dirfd, name, &kind, may_create, busy_ms, &chain->sql);
	if (status != EMR_OK) {
		free(chain);
		return status;
	}
	*out_chain = chain;
	return EMR_OK;
}

emr_status emr_chain_open_temporary(emr_chain **out_chain)
{
	emr_sql_kind kind = kind_of(EMR_CHAIN_PRIVATE);
	emr_chain *chain = calloc(1, sizeof *chain);
	emr_status status;

	if (chain == NULL)
		return EMR_NO_MEMORY;
	status = emr_sql_open_temporary(&kind, &chain->sql);
	if (status != EMR_OK) {
		free(chain);
		return status;
	}
	*out_chain = chain;
	return EMR_OK;
}

void emr_chain_close(emr_chain *chain)
{
	if (chain == NULL)
		return;
	emr_sql_close(&chain->sql);
	free(chain);
}

emr_status emr_chain_begin(emr_chain *chain)
{
	return emr_sql_begin(&chain->sql);
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

void emr_chain_rollback(emr_chain *chain)
{
	emr_sql_rollback(&chain->sql);
}

void emr_chain_forget_log(emr_chain *chain)
{
	int code = sqlite3_wal_checkpoint_v2(chain->sql.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	/* A reader holds it: the next checkpoint of any process gets there. */
	if (code != SQLITE_OK)
		emr_log(EMR_LOG_INFO, "ledger: purged parts stay in the write-ahead log for now (%d)", code);
}

/* ---- entries ---- */

emr_status emr_chain_size(emr_chain *chain, uint64_t *out_size)
{
	sqlite3_stmt *s;
	emr_status status = emr_sql_use(&chain->sql, SIZE, &s);

	if (status == EMR_OK)
		status = emr_sql_step(s);
	if (status != EMR_OK)
		return status;
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
	emr_status status = emr_sql_use(&chain->sql, ENTRY_GET, &s);

	if (status != EMR_OK)
		return status;
	emr_sql_bind_u64(s, 1, seq);
	status = emr_sql_step(s);
	if (status != EMR_OK)
		return status;
	if (out_entry)
		status = copy_column(s, 0, out_entry);
	if (status == EMR_OK && out_items)
		status = copy_column(s, 1, out_items);
	(void)sqlite3_reset(s);
	return status;
}

emr_status emr_chain_find_batch(emr_chain *chain, const uint8_t batch_id[32], uint64_t *out_seq)
{
	sqlite3_stmt *s;
	emr_status status = emr_sql_use(&chain->sql, BATCH_GET, &s);

	if (status != EMR_OK)
		return status;
	emr_sql_bind(s, 1, batch_id, 32);
	status = emr_sql_step(s);
	if (status != EMR_OK)
		return status;
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
	emr_bytes hash = { 0 };
	emr_status status = emr_sql_use(&chain->sql, NODE_GET, &s);

	if (status != EMR_OK)
		return status;
	emr_sql_bind_u64(s, 1, level);
	emr_sql_bind_u64(s, 2, index);
	status = emr_sql_step(s);
	if (status != EMR_OK)
		return status;
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

emr_status chain_put_node(emr_chain *chain, uint32_t level, uint64_t index, const uint8_t hash[32])
{
	EMR_AUTO_BUF sealed = { 0 };
	char name[40];
	sqlite3_stmt *s;
	emr_status status;

	node_name(level, index, name);
	status = emr_sql_seal(name, emr_bytes_of(hash, 32), &sealed);
	if (status == EMR_OK)
		status = emr_sql_use(&chain->sql, NODE_PUT, &s);
	if (status != EMR_OK)
		return status;
	emr_sql_bind_u64(s, 1, level);
	emr_sql_bind_u64(s, 2, index);
	emr_sql_bind(s, 3, sealed.data, sealed.len);
	return emr_sql_done(s);
}

/* ---- indexes ---- */

emr_status emr_chain_find_item(emr_chain *chain, const uint8_t item_id[32], uint64_t *out_seq, uint16_t *out_index)
{
	EMR_AUTO_BUF entry = { 0 };
	EMR_AUTO_BUF items = { 0 };
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	sqlite3_stmt *s;
	emr_status status = batch ? emr_sql_use(&chain->sql, ITEM_GET, &s) : EMR_NO_MEMORY;

	if (status != EMR_OK)
		return status;
	emr_sql_bind_u64(s, 1, emr_get_u64(item_id));
	while ((status = emr_sql_step(s)) == EMR_OK) {
		uint64_t seq = emr_sql_u64(s, 0);
		uint64_t index = emr_sql_u64(s, 1);
		uint8_t id[32];
		emr_entry parsed;
		status = emr_chain_entry(chain, seq, &entry, &items);
		if (status != EMR_OK ||
		    emr_entry_parse(span_of(emr_buf_view(&entry)), &parsed) != EMR_CONTRACT_OK ||
		    emr_batch_parse_items((emr_span){ parsed.header, EMR_HEADER_BYTES },
					  span_of(emr_buf_view(&items)), NULL, 0, batch) != EMR_RESULT_APPLIED ||
		    index >= batch->count) {
			status = status == EMR_OK || status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
			break;
		}
		emr_item_id(batch->items[index].bytes, id);
		if (memcmp(id, item_id, 32) == 0 && parsed.results.data[index] <= EMR_RESULT_ALREADY) {
			*out_seq = seq;
			*out_index = (uint16_t)index;
			break;
		}
	}
	(void)sqlite3_reset(s);
	return status;
}

static emr_status domain_number(emr_chain *chain, chain_statement which, const uint8_t domain[16], uint64_t since,
				uint64_t *out)
{
	sqlite3_stmt *s;
	emr_status status = emr_sql_use(&chain->sql, (int)which, &s);

	if (status != EMR_OK)
		return status;
	emr_sql_bind(s, 1, domain, 16);
	if (which == DOMAIN_COUNT)
		emr_sql_bind_u64(s, 2, since);
	status = emr_sql_step(s);
	if (status != EMR_OK)
		return status;
	*out = emr_sql_u64(s, 0);
	(void)sqlite3_reset(s);
	return EMR_OK;
}

emr_status emr_chain_changes(emr_chain *chain, const uint8_t *domain, uint64_t since, uint64_t *out_count,
			     uint64_t *out_last)
{
	uint64_t size = 0;
	uint64_t last = 0;
	uint64_t count = 0;
	emr_status status;

	if (domain) {
		status = domain_number(chain, DOMAIN_COUNT, domain, since, &count);
		if (status == EMR_OK)
			status = domain_number(chain, DOMAIN_LAST, domain, 0, &last);
	} else {
		status = emr_chain_size(chain, &size);
		last = size ? size - 1 : 0;
		count = last > since ? last - since : 0;
	}
	if (status != EMR_OK)
		return status;
	*out_count = count;
	*out_last = last;
	return EMR_OK;
}

emr_status emr_chain_domain_seqs(emr_chain *chain, const uint8_t domain[16], uint64_t from, size_t max, uint64_t *out,
				 size_t *out_n)
{
	sqlite3_stmt *s;
	size_t n = 0;
	emr_status status = emr_sql_use(&chain->sql, DOMAIN_SEQS, &s);

	if (status != EMR_OK)
		return status;
	emr_sql_bind(s, 1, domain, 16);
	emr_sql_bind_u64(s, 2, from);
	emr_sql_bind_u64(s, 3, max);
	while (n < max && (status = emr_sql_step(s)) == EMR_OK)
		out[n++] = emr_sql_u64(s, 0);
	(void)sqlite3_reset(s);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	*out_n = n;
	return EMR_OK;
}

emr_status emr_chain_before(emr_chain *chain, const uint8_t *domain, uint64_t before, uint64_t *out_seq)
{
	sqlite3_stmt *s;
	emr_status status;

	if (domain == NULL) {
		if (before < 2)
			return EMR_NOT_FOUND;
		*out_seq = before - 1;
		return EMR_OK;
	}
	status = emr_sql_use(&chain->sql, DOMAIN_BEFORE, &s);
	if (status != EMR_OK)
		return status;
	emr_sql_bind(s, 1, domain, 16);
	emr_sql_bind_u64(s, 2, before);
	status = emr_sql_step(s);
	if (status != EMR_OK)
		return status;
	*out_seq = emr_sql_u64(s, 0);
	(void)sqlite3_reset(s);
	return EMR_OK;
}

/* ---- meta ---- */

emr_status chain_meta_get(emr_chain *chain, const char *name, emr_buf *out)
{
	sqlite3_stmt *s;
	emr_bytes value = { 0 };
	emr_status status = emr_sql_use(&chain->sql, META_GET, &s);

	if (status != EMR_OK)
		return status;
	emr_sql_bind_text(s, 1, name);
	status = emr_sql_step(s);
	if (status != EMR_OK)
		return status;
	status = emr_sql_unseal(name, emr_sql_bytes(s, 0), &value);
	emr_buf_clear(out);
	if (status == EMR_OK)
		status = emr_buf_append(out, value.data, value.len);
	(void)sqlite3_reset(s);
	return status;
}

emr_status chain_meta_put(emr_chain *chain, const char *name, emr_bytes value)
{
	EMR_AUTO_BUF sealed = { 0 };
	sqlite3_stmt *s;
	emr_status status = emr_sql_seal(name, value, &sealed);

	if (status == EMR_OK)
		status = emr_sql_use(&chain->sql, META_PUT, &s);
	if (status != EMR_OK)
		return status;
	emr_sql_bind_text(s, 1, name);
	emr_sql_bind(s, 2, sealed.data, sealed.len);
	return emr_sql_done(s);
}

emr_status emr_chain_digest(emr_chain *chain, uint8_t out_digest[32])
{
	EMR_AUTO_BUF value = { 0 };
	emr_status status = chain_meta_get(chain, "digest", &value);

	if (status != EMR_OK)
		return status;
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

emr_status emr_chain_check_file(emr_chain *chain)
{
	sqlite3_stmt *s = NULL;
	const char *answer;
	emr_status status;
	int code = sqlite3_prepare_v2(chain->sql.db, "PRAGMA integrity_check(1)", -1, &s, NULL);

	if (code != SQLITE_OK)
		return emr_sql_status(chain->sql.db, code);
	status = emr_sql_step(s);
	if (status == EMR_OK) {
		answer = (const char *)sqlite3_column_text(s, 0);
		status = answer && strcmp(answer, "ok") == 0 ? EMR_OK : EMR_DAMAGED;
	}
	(void)sqlite3_finalize(s);
	return status;
}
