/* This file reads rows of the ledger's state and lets the contract judge a batch with them. A
 * host that was built with other rules than the ledger's is refused. */
#include "chain_private.h"

#include <stdlib.h>

/* ---- keys ---- */

static bool parse_hex(const char **at, void *out, size_t len, char end)
{
	char copy[65];

	for (size_t i = 0; i < 2 * len; i++) {
		copy[i] = (*at)[i];
		if (copy[i] == '\0')
			return false;
	}
	copy[2 * len] = '\0';
	if (emr_unhex(copy, out, len) != EMR_OK || (*at)[2 * len] != end)
		return false;
	*at += 2 * len + (end != '\0');
	return true;
}

static uint64_t big_endian(const uint8_t bytes[8])
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

bool chain_parse_key(const char *key, char letter, emr_part_key *out)
{
	uint8_t version[8];
	const char *at = key + 2;

	if (key[0] != letter || key[1] != '/')
		return false;
	if (!parse_hex(&at, &out->family, 1, '/') || !parse_hex(&at, out->domain.b, 16, '/') ||
		!parse_hex(&at, out->object.b, 16, '/') || !parse_hex(&at, version, 8, '\0'))
		return false;
	out->version = big_endian(version);
	return true;
}

emr_part_key chain_part_key(const emr_item *item, emr_span pub)
{
	emr_part_key key = {.version = item->version,
		.family = emr_op_family(item->op),
		.domain = EMR_ID16_AT(item->domain_id),
		.object = EMR_ID16_AT(item->object_id)};
	emr_pub_restore restore;

	if (item->op == EMR_OP_RESTORE_PART && emr_pub_restore_parse(pub, &restore)) {
		key.family = restore.family;
		key.version = restore.version;
	}
	return key;
}

/* ERASE and RESTORE_PART name theirs. */
uint8_t emr_chain_family(const emr_item *item, emr_span pub)
{
	uint8_t family = emr_op_family(item->op);

	return family == 0 && pub.len > 0 ? pub.data[0] : family;
}

/* Leaving a dataset stands at the grant that it ends, too; all approvals of a proposal at one
 * place. */
bool emr_chain_has_place(const emr_item *item, emr_span pub, const emr_part_key *key)
{
	if (memcmp(item->domain_id, key->domain.b, 16) != 0)
		return false;
	if (item->op == EMR_OP_DATASET_LEAVE && key->family == EMR_FAMILY_GRANT)
		return true;
	return emr_chain_family(item, pub) == key->family &&
	       memcmp(item->object_id, key->object.b, 16) == 0 &&
	       (item->op == EMR_OP_ORG_APPROVE || item->version == key->version);
}

emr_status chain_bind_key(
	emr_chain *chain, chain_statement which, const emr_part_key *key, sqlite3_stmt **out)
{
	EMR_TRY(emr_sql_use(&chain->sql, (int)which, out));
	emr_sql_bind_u64(*out, 1, key->family);
	emr_sql_bind(*out, 2, key->domain.b, 16);
	emr_sql_bind(*out, 3, key->object.b, 16);
	emr_sql_bind_u64(*out, 4, key->version);
	return EMR_OK;
}

emr_status chain_contract_status(emr_contract_status status)
{
	switch (status) {
	case EMR_CONTRACT_OK:
		return EMR_OK;
	case EMR_CONTRACT_NO_ROOM:
		return EMR_NO_MEMORY;
	case EMR_CONTRACT_FORMAT:
	case EMR_CONTRACT_STATE:
		return EMR_DAMAGED;
	case EMR_CONTRACT_ARGUMENT:
	case EMR_CONTRACT_UNDECLARED:
		return EMR_INVALID;
	case EMR_CONTRACT_NEWER:
		return EMR_NEWER_RULES;
	}
	return EMR_INVALID;
}

/* ---- rows ---- */

emr_status emr_chain_place(emr_chain *chain, const emr_part_key *key, emr_chain_placed *out)
{
	sqlite3_stmt *s;

	EMR_TRY(chain_bind_key(chain, PLACE_GET, key, &s));
	EMR_TRY(emr_sql_step(s));
	*out = (emr_chain_placed){.seq = emr_sql_u64(s, 0),
		.time = emr_sql_u64(s, 1),
		.purged = emr_sql_u64(s, 2),
		.index = (uint16_t)emr_sql_u64(s, 3),
		.id = emr_sql_id32(s, 4)};
	(void)sqlite3_reset(s);
	return EMR_OK;
}

emr_status emr_chain_part(emr_chain *chain, const emr_part_key *key, emr_buf *out_part)
{
	sqlite3_stmt *s;
	emr_bytes hash;
	emr_bytes part;
	uint8_t found[32];
	emr_status status = chain_bind_key(chain, PART_GET, key, &s);

	if (status == EMR_OK)
		status = emr_sql_step(s);
	if (status != EMR_OK)
		return status;
	hash = emr_sql_bytes(s, 0);
	part = emr_sql_bytes(s, 1);
	emr_buf_clear(out_part);
	if (part.len == 0) /* expected, and it never came */
		status = EMR_MISSING_DATA;
	else
		status = emr_buf_append(out_part, part.data, part.len);
	if (status == EMR_OK)
		emr_item_priv_hash(emr_span_of(part), found);
	if (status == EMR_OK && (hash.len != 32 || memcmp(found, hash.data, 32) != 0))
		status = EMR_DAMAGED;
	(void)sqlite3_reset(s);
	return status;
}

emr_status chain_expect_part(
	emr_chain *chain, const emr_part_key *key, const emr_item *item, uint64_t seq)
{
	sqlite3_stmt *s;

	EMR_TRY(chain_bind_key(chain, PART_EXPECT, key, &s));
	emr_sql_bind_u64(s, 5, seq);
	emr_sql_bind(s, 6, item->priv_hash, 32);
	return emr_sql_done(s);
}

emr_status chain_fill_part(
	emr_chain *chain, const emr_part_key *key, emr_bytes part, bool *out_is_new)
{
	EMR_AUTO_BUF present = {0};
	uint8_t hash[32];
	sqlite3_stmt *s;
	emr_status status = emr_chain_part(chain, key, &present);

	*out_is_new = false;
	if (status != EMR_MISSING_DATA && status != EMR_DAMAGED)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_TRY(chain_bind_key(chain, PART_PUT, key, &s));
	emr_item_priv_hash(emr_span_of(part), hash);
	emr_sql_bind(s, 5, hash, sizeof hash);
	emr_sql_bind(s, 6, part.data, part.len);
	status = emr_sql_done(s);
	*out_is_new = status == EMR_OK && sqlite3_changes(chain->sql.db) > 0;
	return status;
}

emr_status emr_chain_fill(emr_chain *chain, const emr_part_key *key, emr_bytes part, bool *out_fits)
{
	EMR_AUTO_BUF present = {0};
	bool is_new = false;
	emr_status status = chain_fill_part(chain, key, part, &is_new);

	*out_fits = is_new;
	if (status != EMR_OK || is_new)
		return status;
	/* Another process may have been quicker. */
	status = emr_chain_part(chain, key, &present);
	*out_fits = status == EMR_OK && emr_bytes_equal(emr_buf_view(&present), part);
	return status == EMR_MISSING_DATA || status == EMR_DAMAGED || status == EMR_NOT_FOUND
		       ? EMR_OK
		       : status;
}

emr_status chain_purge_parts(emr_chain *chain, const emr_part_key *first, uint64_t last)
{
	sqlite3_stmt *s;

	EMR_TRY(chain_bind_key(chain, PART_PURGE, first, &s));
	emr_sql_bind_u64(s, 5, last);
	return emr_sql_done(s);
}

/* The item at KEY's place; EMR_NOT_FOUND also when the part that it put there was purged. */
static emr_status item_with_part(emr_chain *chain, const emr_part_key *key, emr_item *out)
{
	EMR_AUTO_OPENED o = NULL;
	emr_span pub;
	emr_chain_placed at;

	EMR_TRY(emr_chain_place(chain, key, &at));
	if (at.purged != 0)
		return EMR_NOT_FOUND;
	EMR_TRY(chain_item_at(chain, at.seq, at.index, &o, out, &pub));
	if (!emr_chain_has_place(out, pub, key))
		return EMR_DAMAGED;
	return out->priv_len > 0 ? EMR_OK : EMR_NOT_FOUND;
}

/* From the entries alone, so that a computer that keeps no parts of a domain answers the same. */
static emr_status row_of_part(emr_chain *chain, const char *key, emr_buf *out)
{
	emr_part_key part;
	emr_item item;

	if (!chain_parse_key(key, 'p', &part))
		return EMR_INVALID;
	EMR_TRY(item_with_part(chain, &part, &item));
	return emr_buf_append(out, item.priv_hash, 32);
}

static emr_status append_batch_id(emr_chain *chain, uint64_t seq, emr_buf *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_entry entry;
	uint8_t id[32];

	EMR_TRY(emr_chain_parsed(chain, seq, &bytes, &entry));
	emr_batch_id(entry.header, id);
	return emr_buf_append(out, id, sizeof id);
}

static emr_status row_of_place(emr_chain *chain, const char *key, emr_buf *out)
{
	emr_part_key place;
	emr_chain_placed at;
	uint8_t big[2];

	if (!chain_parse_key(key, 'i', &place))
		return EMR_INVALID;
	EMR_TRY(emr_chain_place(chain, &place, &at));
	EMR_TRY(append_batch_id(chain, at.seq, out));
	big[0] = (uint8_t)(at.index >> 8);
	big[1] = (uint8_t)at.index;
	return emr_buf_append(out, big, sizeof big);
}

static emr_status row_of_domain(emr_chain *chain, const char *key, emr_buf *out)
{
	uint8_t domain[16];
	const char *at = key + 2;
	sqlite3_stmt *s;
	uint64_t last;

	if (!parse_hex(&at, domain, sizeof domain, '\0'))
		return EMR_INVALID;
	EMR_TRY(emr_sql_use(&chain->sql, DOMAIN_LAST, &s));
	emr_sql_bind(s, 1, domain, sizeof domain);
	EMR_TRY(emr_sql_step(s));
	last = emr_sql_u64(s, 0);
	(void)sqlite3_reset(s);
	return append_batch_id(chain, last, out);
}

/* header, results, items and public parts: all of it stands in the entry. */
static emr_status row_of_batch(emr_chain *chain, const char *key, emr_buf *out)
{
	EMR_AUTO_BUF entry = {0};
	EMR_AUTO_BUF items = {0};
	emr_entry parsed;
	uint8_t id[32];
	const char *at = key + 2;
	uint64_t seq;

	if (!parse_hex(&at, id, sizeof id, '\0'))
		return EMR_INVALID;
	EMR_TRY(emr_chain_find_batch(chain, id, &seq));
	EMR_TRY(emr_chain_entry(chain, seq, &entry, &items));
	if (emr_entry_parse(emr_span_of(emr_buf_view(&entry)), &parsed) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append(out, parsed.header, EMR_HEADER_BYTES));
	EMR_TRY(emr_buf_append(out, parsed.results.data, parsed.results.len));
	return emr_buf_append(out, items.data, items.len);
}

static emr_status plain_row(
	emr_chain *chain, const char *key, emr_buf *out, uint64_t *out_seq, uint64_t *out_time)
{
	sqlite3_stmt *s;
	emr_bytes value;
	emr_status status;

	EMR_TRY(emr_sql_use(&chain->sql, STATE_GET, &s));
	emr_sql_bind_text(s, 1, key);
	EMR_TRY(emr_sql_step(s));
	value = emr_sql_bytes(s, 0);
	status = emr_buf_append(out, value.data, value.len);
	if (status == EMR_OK && out_seq)
		*out_seq = emr_sql_u64(s, 1);
	if (status == EMR_OK && out_time)
		*out_time = emr_sql_u64(s, 2);
	(void)sqlite3_reset(s);
	return status;
}

/* Appends the value to OUT. */
static emr_status append_row(
	emr_chain *chain, const char *key, emr_buf *out, uint64_t *out_seq, uint64_t *out_time)
{
	if (key[0] != '\0' && key[1] == '/') {
		if (key[0] == 'p')
			return row_of_part(chain, key, out);
		if (key[0] == 'i')
			return row_of_place(chain, key, out);
		if (key[0] == 'b')
			return row_of_batch(chain, key, out);
		if (key[0] == 'c')
			return row_of_domain(chain, key, out);
	}
	return plain_row(chain, key, out, out_seq, out_time);
}

emr_status emr_chain_row(emr_chain *chain, const char *key, emr_buf *out_value, uint64_t *out_seq,
	uint64_t *out_time)
{
	emr_buf_clear(out_value);
	return append_row(chain, key, out_value, out_seq, out_time);
}

/* Keys are printable: those that begin with a prefix end before 127 behind it. */
static emr_status step_rows(emr_chain_rows *rows)
{
	if (rows->statement == NULL) {
		EMR_TRY(emr_sql_use(&rows->chain->sql, STATE_RANGE, &rows->statement));
		emr_sql_bind_text(rows->statement, 1, rows->prefix);
	}
	EMR_TRY(emr_sql_step(rows->statement));
	rows->key = (const char *)sqlite3_column_text(rows->statement, 0);
	rows->seq = emr_sql_u64(rows->statement, 2);
	rows->time = emr_sql_u64(rows->statement, 3);
	rows->value = emr_sql_bytes(rows->statement, 1);
	return rows->key != NULL ? EMR_OK : EMR_NO_MEMORY;
}

bool emr_chain_next_row(emr_chain_rows *rows)
{
	const emr_status status = step_rows(rows);

	rows->status = status == EMR_NOT_FOUND ? EMR_OK : status;
	return status == EMR_OK;
}

void emr_chain_rows_end(emr_chain_rows *rows)
{
	(void)sqlite3_reset(rows->statement); /* NULL is fine */
	rows->statement = NULL;
}

/* ---- judging ---- */

void emr_chain_verdict_free(emr_chain_verdict *verdict)
{
	free(verdict->arena);
	free(verdict->values);
	emr_buf_free(&verdict->rows[0]);
	emr_buf_free(&verdict->rows[1]);
	*verdict = (emr_chain_verdict){0};
}

/* Fetches the rows of KEYS into values[at..]; they borrow from ROWS, which does not grow
 * afterwards. */
static emr_status fetch_rows(
	emr_chain *chain, const emr_key_list *keys, emr_buf *rows, emr_value *values)
{
	size_t begin = 0;
	emr_status status = emr_buf_reserve(rows, 1);

	for (size_t i = 0; status == EMR_OK && i < keys->count; i++) {
		values[i] = (emr_value){.key = keys->keys[i]};
		status = append_row(chain, keys->keys[i], rows, NULL, NULL);
		values[i].is_present = status == EMR_OK;
		values[i].value.len = rows->len - begin;
		begin = rows->len;
		if (status == EMR_NOT_FOUND)
			status = EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	begin = 0;
	for (size_t i = 0; i < keys->count; i++) {
		if (values[i].is_present)
			values[i].value.data = rows->data + begin;
		begin += values[i].value.len;
	}
	return EMR_OK;
}

static emr_status fetch_pass(emr_chain *chain, int pass, const emr_batch *batch,
	const emr_caller *caller, emr_contract_arena *arena, emr_chain_verdict *verdict,
	size_t *count)
{
	emr_key_list keys = {0};
	emr_value *more;

	EMR_TRY(chain_contract_status(
		emr_contract_keys(pass, batch, caller, verdict->values, *count, arena, &keys)));
	more = realloc(verdict->values, (*count + keys.count + 1) * sizeof *more);
	if (more == NULL)
		return EMR_NO_MEMORY;
	verdict->values = more;
	EMR_TRY(fetch_rows(chain, &keys, &verdict->rows[pass - 1], more + *count));
	*count += keys.count;
	return EMR_OK;
}

/* Other rules than ours would give other results: then we neither write nor call a ledger damaged.
 */
emr_status emr_chain_rules(emr_chain *chain, uint32_t *out_rules)
{
	EMR_AUTO_BUF value = {0};
	emr_key_text key;

	emr_key_network(&key);
	EMR_TRY(emr_required(emr_chain_row(chain, key.text, &value, NULL, NULL)));
	return chain_contract_status(
		emr_contract_rules(emr_span_of(emr_buf_view(&value)), out_rules));
}

emr_status emr_chain_judge(emr_chain *chain, const emr_batch *batch, const emr_caller *caller,
	uint64_t now, emr_chain_verdict *out_verdict)
{
	EMR_AUTO_VERDICT verdict = {0};
	emr_contract_arena arena = {.cap = emr_contract_arena_bytes(batch)};
	size_t count = 0;

	arena.base = verdict.arena = malloc(arena.cap);
	if (verdict.arena == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(fetch_pass(chain, 1, batch, caller, &arena, &verdict, &count));
	EMR_TRY(fetch_pass(chain, 2, batch, caller, &arena, &verdict, &count));
	EMR_TRY(chain_contract_status(emr_contract_apply(
		batch, caller, now, verdict.values, count, &arena, &verdict.outcome)));
	emr_chain_verdict_free(out_verdict);
	*out_verdict = verdict;
	verdict = (emr_chain_verdict){0};
	return EMR_OK;
}
