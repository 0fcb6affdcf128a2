/* This is the inside of a chain (the tables of a ledger or of a copy), for chain*.c only. */
#pragma once

#include "ledger/chain.h"
#include "ledger/sql.h"

#define CHAIN_FORMAT 3u
#define CHAIN_OWN_COPY "replica.sqlite"			     /* in a state */
#define CHAIN_LEDGER_ID 0x454d524cu			     /* "EMRL" */
#define CHAIN_NAME_LEDGER "PRAGMA application_id=1162695244" /* the same */

struct emr_chain {
	emr_sql sql;
	sqlite3_stmt *asked[EMR_CHAIN_QUESTIONS]; /* these two: chain_views.c only */
	bool is_asked[EMR_CHAIN_QUESTIONS];
};

typedef enum chain_statement {
	SIZE,
	ENTRY_GET,
	ENTRY_PUT,
	BATCH_GET,
	NODE_GET,
	NODE_PUT,
	DOMAIN_NEXT,
	DOMAIN_LAST,
	ID_PUT,
	ITEM_GET,
	ITEM_PUT,
	STATE_GET,
	STATE_PUT,
	STATE_RANGE,
	PLACE_GET,
	PLACE_PURGE,
	PART_GET,
	PART_PUT,
	PART_EXPECT,
	PART_PURGE,
	PARTS_LACKING,
	PART_IN,
	PART_LACKING_OF,
	PART_LACKING_LAST,
	LOCAL_GET,
	LOCAL_PUT,
	LOCALS_DROP,
	META_GET,
	META_PUT,
	ALL_PARTS,
	CHAIN_STATEMENTS
} chain_statement;
_Static_assert(CHAIN_STATEMENTS <= EMR_SQL_STATEMENTS, "room for every statement");

/* The value of a row of the state; its sum covers the entry and the time of its last change. */
#define CHAIN_ROW "checked(key||' '||seq||' '||time,value)"
extern const char chain_schema[];
extern const char chain_indexes[], chain_lacking[];
extern const char chain_locals[], chain_items[];
extern const char *const chain_texts[CHAIN_STATEMENTS];

/* A p/ or i/ key in its parts: LETTER/ff/<32 hex>/<32 hex>/<16 hex>. */
bool chain_parse_key(const char *key, char letter, emr_part_key *out);
/* Key of the private part of an item. */
emr_part_key chain_part_key(const emr_item *item, emr_span pub);
/* Of a row that begins with family, domain, object and version; zeros where it has no such ids. */
emr_part_key chain_part_key_of_row(sqlite3_stmt *s);
emr_status chain_bind_key(
	emr_chain *chain, chain_statement which, const emr_part_key *key, sqlite3_stmt **out);
/* PART goes under KEY, where an item expects it and it has that item's priv_hash; *out_is_new: it
 * was not there. */
emr_status chain_fill_part(
	emr_chain *chain, const emr_part_key *key, emr_bytes part, bool *out_is_new);
/* ITEM, applied in entry SEQ, expects its part under KEY from now on. */
emr_status chain_expect_part(
	emr_chain *chain, const emr_part_key *key, const emr_item *item, uint64_t seq);
/* The parts of KEY's and the following versions up to LAST go. */
emr_status chain_purge_parts(emr_chain *chain, const emr_part_key *first, uint64_t last);
/* Those that the statements call; NULL is fine. */
emr_status chain_make_functions(emr_chain *chain);
/* Before the connection is closed. */
void chain_forget_questions(emr_chain *chain);
/* A value with its checksum under NAME. */
emr_status chain_meta_put(emr_chain *chain, const char *name, emr_bytes value);
/* The status for what the contract says about its own call. */
/* The item at INDEX of entry SEQ, which *OUT has from then on, also when this fails. */
emr_status chain_item_at(emr_chain *chain, uint64_t seq, uint64_t index, emr_opened_entry **out,
	emr_item *out_item, emr_span *out_pub);
emr_status chain_contract_status(emr_contract_status status);
emr_status chain_put_node(emr_chain *chain, uint32_t level, uint64_t index, const uint8_t hash[32]);

static inline emr_bytes bytes_of(emr_span span)
{
	return (emr_bytes){.data = span.data, .len = span.len};
}

/* ---- copy.c ---- */

struct emr_ledger_copy;
/* The chain that gives the facts and the file. */
emr_chain *copy_source(const struct emr_ledger_copy *copy);
