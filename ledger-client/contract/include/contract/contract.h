/* The rules of the ledger as a pure function: state, batch, caller and time in; writes and answers
 * out.  It refuses clocks, input and output, randomness, floating point, call-backs and allocation,
 * so that every host and every replay reaches the same bytes; and it refuses to read a row that it
 * did not declare first.
 *
 * How a host uses it, inside one transaction:
 *
 * - emr_batch_parse: refused? answer the code, write nothing;
 * - emr_contract_keys, pass 1: fetch these rows;
 * - emr_contract_keys, pass 2: fetch these too (rows that the first ones point to);
 * - emr_contract_apply: KNOWN or REFUSED? answer, write nothing.  APPLIED: do the writes in order,
 *   append the entry with the results.
 *
 * A batch is judged by the rules of the number that row N has before it.  Where that is a later one
 * than this library knows, each step that reads rows is EMR_CONTRACT_NEWER, and nothing is said of
 * the batch: also a refusal of emr_batch_parse counts only where emr_contract_rules does not say
 * so.
 *
 * Memory comes from an arena: emr_contract_arena_bytes() always suffices for one such run.  Keys,
 * writes and results lie in the arena or borrow from the batch and the values; they live until any
 * of these goes.  Thread-safe: nothing is shared between runs. */
#pragma once

#include "contract/item.h"
#include "contract/pubs.h"
#include "contract/rows.h"

typedef struct emr_contract_arena {
	uint8_t *base; /* aligned for any type, as malloc gives it */
	size_t cap;
	size_t used;
} emr_contract_arena;

/* Bytes of arena for both passes of keys and one apply of BATCH. */
size_t emr_contract_arena_bytes(const emr_batch *batch);

/* A certificate that the host itself verified: chained to the CA of ORG (its M row's ca_hash) and
 * in force now. Embedded: the one in the private part of the batch's only KEY_REG or KEY_CERT;
 * Fabric: the creator's. */
typedef struct emr_caller_cert {
	bool is_present;
	uint8_t ref[32];       /* SHA-256(certificate DER) */
	uint8_t org[16];       /* organisation whose CA issued it */
	uint8_t enrolment[32]; /* emr_enrolment_id of its common name there */
	uint16_t roles;	       /* attribute emr.roles */
	uint64_t not_after_unix_s;
	uint8_t key_alg; /* 1 Ed25519, 2 P-256 */
	emr_span key;	 /* 1: the 32 bytes; 2: DER SubjectPublicKeyInfo */
} emr_caller_cert;

/* Is the leaf that header.seen names in this log? */
typedef enum emr_seen {
	EMR_SEEN_UNCHECKED = 0, /* a Fabric peer, which keeps no log */
	EMR_SEEN_IN_LOG,	/* also what a host says when seen_seq is 0 */
	EMR_SEEN_NOT_IN_LOG,
} emr_seen;

/* How far honest clocks may be apart. */
#define EMR_CLOCKS_APART_S 600u

/* Facts that the host knows about the submitter of the batch. */
typedef struct emr_caller {
	enum emr_host host;
	uint8_t net_id[16];
	uint8_t submitter_id[32];
	emr_caller_cert cert;
	emr_seen seen;
	/* A replay of an entry gives its recorded results here (one for each item).  Then a part
	 * that is not supplied is taken at the word of the recorded result: erased parts do not
	 * break a replay.  Nothing else is.  Empty for a new batch, where a part that is not
	 * supplied is refused with PRIVATE_PART. */
	emr_span recorded;
	/* The host itself has found emr_header_is_signed true of this very header before, and need
	 * not have it computed again.  False where it has not looked. */
	bool is_signed;
} emr_caller;

/* A declared row as the host has it.  A key that begins with "p/" asks for the priv_hash of the
 * item that put a private part there (32 bytes; its i/ row says which item), absent when none did
 * or the part was purged since: the same for every host, whether it holds the part or not.  Every
 * other key asks for a row's value. */
typedef struct emr_value {
	const char *key; /* as in the key list */
	bool is_present;
	emr_span value;
} emr_value;

typedef struct emr_key_list {
	const char *const *keys; /* NUL-terminated, each once */
	size_t count;
} emr_key_list;

/* The number of the rules in force by VALUE, the N row; data NULL, which only a ledger without its
 * first entry has: the first.  NEWER, with the number all the same; STATE. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_contract_rules(emr_span value, uint32_t *out_rules);

/* Which rows apply will read.  PASS 1: VALUES is not read (NULL, 0).  PASS 2: VALUES are those of
 * pass 1, in any order; only keys that pass 1 did not name are given.  NO_ROOM, ARGUMENT (another
 * pass), UNDECLARED (pass 2 without a value of pass 1), STATE, NEWER. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_contract_keys(int pass, const emr_batch *batch, const emr_caller *caller,
	const emr_value *values, size_t values_count, emr_contract_arena *arena,
	emr_key_list *out_keys);

typedef enum emr_write_kind {
	EMR_WRITE_PUT = 1,	/* state row KEY becomes VALUE */
	EMR_WRITE_PUT_PART = 2, /* private part KEY becomes VALUE */
	EMR_WRITE_PURGE_PARTS =
		3, /* private parts of versions first..last go: emr_write_part_key() */
} emr_write_kind;

/* A state row appears at most once in the writes of a batch, with its final value. */
typedef struct emr_write {
	emr_write_kind kind;
	const char *key; /* PURGE_PARTS: the key of first_version */
	emr_span value;
	/* Parts only: what the key is made of. */
	uint8_t family;
	uint8_t domain_id[16];
	uint8_t object_id[16];
	uint64_t first_version;
	uint64_t last_version; /* PURGE_PARTS: at most 255 more; PUT_PART: the same */
} emr_write;

/* Key of part VERSION of a parts write. */
void emr_write_part_key(const emr_write *write, uint64_t version, emr_key_text *out);

typedef enum emr_outcome_kind {
	EMR_OUTCOME_APPLIED = 1, /* an entry follows, even if every item in it was refused */
	EMR_OUTCOME_KNOWN = 2, /* this batch is in the log already: results are those that it got */
	EMR_OUTCOME_REFUSED = 3, /* no entry, no writes; refusal says why */
} emr_outcome_kind;

typedef struct emr_outcome {
	emr_outcome_kind kind;
	emr_result refusal; /* REFUSED */
	uint8_t batch_id[32];
	emr_span results;	 /* APPLIED, KNOWN: one u8 for each item */
	const emr_write *writes; /* APPLIED */
	size_t writes_count;
} emr_outcome;

/* Judges BATCH at NOW (ledger time, Unix seconds) on the rows VALUES (both passes, any order).
 * A refusal is an outcome, not a status; the status is EMR_CONTRACT_OK whenever the batch was
 * judged.  NO_ROOM, UNDECLARED (a row needed that VALUES has not: a bug of the host), STATE (a row
 * that cannot be), NEWER, ARGUMENT. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_contract_apply(const emr_batch *batch, const emr_caller *caller,
	uint64_t now_unix_s, const emr_value *values, size_t values_count,
	emr_contract_arena *arena, emr_outcome *out_outcome);

/* For clients that build items.  The key of the row that ITEM (op, domain_id, object_id, signer_id)
 * moves; false when the operation moves none, or is not served. */
EMR_CONTRACT_MUST_CHECK
bool emr_contract_row_key(const emr_item *item, emr_span pub, emr_key_text *out_key);
/* Version and prev of the next item of OP on ROW, the value at that key (data NULL = absent).
 * STATE when ROW cannot be.  Not for ERASE of other families than objects: version 0, prev 0. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_contract_follow(
	uint8_t op, emr_span row, uint64_t *out_version, uint8_t out_prev[32]);

/* Entry 0: the rows N and M that a network's descriptor makes.  Arena: 1 KiB for each organisation
 * and one more. FORMAT when it is no descriptor, NO_ROOM. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_contract_genesis(emr_span descriptor, emr_contract_arena *arena,
	const emr_write **out_writes, size_t *out_count);
