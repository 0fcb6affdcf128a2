/* A chain is one SQLite file with entries and everything that follows from them (tree, state rows,
 * items, parts). The embedded ledger shares one; each replica keeps its own. It refuses
 * to append what the contract did not judge, and to follow an entry that does not verify. */
#pragma once

#include "contract/contract.h"
#include "ledger/ledger.h"

typedef struct emr_chain emr_chain; /* one connection; one thread at a time */

/* Of a thing that must be there, because another says so: not to find it is damage. */
static inline emr_status emr_required(emr_status status)
{
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
}

/* As the contract takes bytes. */
static inline emr_span emr_span_of(emr_bytes bytes)
{
	return (emr_span){.data = bytes.data, .len = bytes.len};
}

typedef enum emr_chain_use {
	EMR_CHAIN_SHARED,  /* the ledger itself: survives a power cut, other processes write too */
	EMR_CHAIN_PRIVATE, /* a replica: can be made again */
} emr_chain_use;

emr_status emr_chain_open(int dirfd, const char *name, emr_chain_use use, bool may_create,
	uint32_t busy_ms, emr_chain **out_chain);
/* On no name; gone at close. */
emr_status emr_chain_open_temporary(emr_chain **out_chain);
void emr_chain_close(emr_chain *chain);
EMR_AUTO_CALL(emr_chain_auto, emr_chain *, emr_chain_close);
#define EMR_AUTO_CHAIN __attribute__((cleanup(emr_chain_auto))) emr_chain *

/* The file still has the name under which it was opened; EMR_OFFLINE also when that cannot be told.
 */
emr_status emr_chain_in_place(emr_chain *chain);
/* See emr_sql_is_overtaken, emr_sql_seen. */
bool emr_chain_is_overtaken(const emr_chain *chain);
emr_status emr_chain_seen(const emr_chain *chain, emr_status status);

emr_status emr_chain_begin(emr_chain *chain); /* to write */
/* To write thousands of entries, in one such transaction after the other until emr_chain_settle. */
emr_status emr_chain_begin_many(emr_chain *chain);
bool emr_chain_has_room_for_many(const emr_chain *chain); /* on its disk */
void emr_chain_settle(emr_chain *chain);
emr_status emr_chain_begin_read(emr_chain *chain); /* a snapshot */
emr_status emr_chain_commit(emr_chain *chain);
/* Commits what went well; rolls back and returns any other STATUS. */
emr_status emr_chain_end(emr_chain *chain, emr_status status);
void emr_chain_rollback(emr_chain *chain);
/* After parts were purged: the write-ahead log's copies go, too, as soon as no reader holds them.
 */
void emr_chain_forget_log(emr_chain *chain);

/* ---- reading ---- */

emr_status emr_chain_size(emr_chain *chain, uint64_t *out_size);
/* Entry bytes and items; either may be NULL.  EMR_NOT_FOUND. */
emr_status emr_chain_entry(emr_chain *chain, uint64_t seq, emr_buf *out_entry, emr_buf *out_items);
emr_status emr_chain_leaf(emr_chain *chain, uint64_t seq, uint8_t out_leaf[32]);
/* As emr_chain_entry (both are wanted), but EMR_DAMAGED where the chain's own tree has another hash
 * there: no signature covers the time of an entry.  Where the tree itself cannot be read, it says
 * nothing. */
emr_status emr_chain_entry_in_tree(
	emr_chain *chain, uint64_t seq, emr_buf *out_entry, emr_buf *out_items);
/* Entry 0, as the tree has it; EMR_DAMAGED. */
emr_status emr_chain_descriptor(emr_chain *chain, emr_buf *out);
/* Reads ENTRY and its ITEMS, with views into them; false: they cannot be read. */
bool emr_entry_open(emr_bytes entry, emr_bytes items, emr_entry *out_entry, emr_batch *out_batch);
/* An entry with its operations, as views into its own bytes. */
typedef struct emr_opened_entry {
	emr_buf bytes, items;
	emr_entry entry;
	emr_batch batch;
} emr_opened_entry;
void emr_opened_entry_free(emr_opened_entry **opened);
#define EMR_AUTO_OPENED __attribute__((cleanup(emr_opened_entry_free))) emr_opened_entry *
/* Entry SEQ into OPENED, which may hold another one.  EMR_DAMAGED when it is not there, cannot be
 * read, or, WITH_ITEMS, is not what the root in its header says: without, each item that is used is
 * compared with its id. */
emr_status emr_chain_open_entry(
	emr_chain *chain, uint64_t seq, bool with_items, emr_opened_entry *opened);
/* The same without its operations; views into OUT_BYTES. */
emr_status emr_chain_parsed(
	emr_chain *chain, uint64_t seq, emr_buf *out_bytes, emr_entry *out_entry);
/* Of entry 0: when the network began.  EMR_DAMAGED as above. */
emr_status emr_chain_time(emr_chain *chain, uint64_t seq, uint64_t *out_unix_s);
emr_status emr_chain_subtree(
	emr_chain *chain, uint32_t level, uint64_t index, uint8_t out_hash[32]);
/* The complete subtrees of the first SIZE entries.  EMR_DAMAGED, also when there are not so many.
 */
emr_status emr_chain_frontier(emr_chain *chain, uint64_t size, emr_merkle_frontier *out_frontier);
/* Root over the first SIZE entries.  EMR_DAMAGED, also when there are not so many. */
emr_status emr_chain_root(emr_chain *chain, uint64_t size, uint8_t out_root[32]);
emr_status emr_chain_find_batch(emr_chain *chain, const uint8_t batch_id[32], uint64_t *out_seq);
emr_status emr_chain_find_item(
	emr_chain *chain, const uint8_t item_id[32], uint64_t *out_seq, uint16_t *out_index);
/* Where and when the applied item of a row's version was entered, and which entry purged its part
 * (0: none).  EMR_NOT_FOUND, EMR_DAMAGED. */
typedef struct emr_chain_placed {
	uint64_t seq, time, purged;
	uint16_t index;
	emr_id32 id; /* of the item; zeros at its second place */
} emr_chain_placed;
emr_status emr_chain_place(emr_chain *chain, const emr_part_key *key, emr_chain_placed *out);
/* Bytes of a private part of an object's content that say which record it is of. */
#define EMR_CHAIN_NUMBER_AT 76
/* So that questions for a submitter or for that record cost what they find, and not the whole
 * chain: for a caller that asks them, once, with a connection that may write.  Its indexes are no
 * part of the format: without it the answers are the same. */
void emr_chain_make_indexes(emr_chain *chain);
/* That of emr_chain_lacks alone, which costs nothing where all parts are there. */
void emr_chain_make_lacking_index(emr_chain *chain);
/* Local copies, for who asks with a connection that may write to a private file: its keeper has
 * sealed them with its own key, beside the parts of objects.  They are no part of the format:
 * without what this makes there are none. */
emr_status emr_chain_make_locals(emr_chain *chain);
/* The copy beside the part at KEY.  EMR_NOT_FOUND. */
emr_status emr_chain_local(emr_chain *chain, const emr_part_key *key, emr_buf *out_sealed);
/* Inside a write transaction.  One copy a part, gone when the part goes; where there is no part
 * nothing is put, and that is no error. */
emr_status emr_chain_put_local(emr_chain *chain, const emr_part_key *key, emr_bytes sealed);
emr_status emr_chain_drop_locals(emr_chain *chain);
/* Gives back the pages that this connection keeps to read them again; NULL: nothing. */
void emr_chain_rest(emr_chain *chain);
/* A part whose stored hash fits.  EMR_NOT_FOUND, EMR_DAMAGED. */
emr_status emr_chain_part(emr_chain *chain, const emr_part_key *key, emr_buf *out_part);
/* A part that came later, in a transaction of the caller's.  *OUT_FITS: it is the one whose hash
 * stands in the item there, and is in the log now, if it was not before. */
emr_status emr_chain_fill(
	emr_chain *chain, const emr_part_key *key, emr_bytes part, bool *out_fits);
/* As many as an entry may bring, so that a portion has all of at least one. */
#define EMR_CHAIN_LACKING_MAX EMR_BATCH_COUNT_MAX
typedef struct emr_chain_lacking {
	size_t n;
	uint64_t next; /* where the next portion begins; 0: this was the last */
	emr_part_key keys[EMR_CHAIN_LACKING_MAX];
} emr_chain_lacking;
/* Parts that entries from FROM on brought, that belong here and are not: a portion of them.  Costs
 * what it finds, behind emr_chain_make_indexes. */
emr_status emr_chain_lacks(emr_chain *chain, uint64_t from, emr_chain_lacking *out);
/* The newest entry that brought such a part.  EMR_NOT_FOUND: all are here. */
emr_status emr_chain_lacks_last(emr_chain *chain, uint64_t *out_seq);
/* Whether entry SEQ brought such a part. */
emr_status emr_chain_lacks_of(emr_chain *chain, uint64_t seq, bool *out_does);
/* In a transaction of the caller's: what CHAIN lacks of the parts of BATCH, as it was sent, which
 * an entry stands for already. */
emr_status emr_chain_fill_batch(emr_chain *chain, emr_bytes batch);
/* A state row as the contract sees it (also b/, c/, i/ and p/ keys, which are made from the
 * tables).  SEQ and TIME of its last change may be NULL and are given for plain rows only. */
emr_status emr_chain_row(emr_chain *chain, const char *key, emr_buf *out_value, uint64_t *out_seq,
	uint64_t *out_time);
/* The rows of a key and of an organisation. OUT_SEQ, which may be NULL: the entry that wrote it. */
emr_status emr_chain_key_row(
	emr_chain *chain, const uint8_t id[32], emr_row_key *out_row, uint64_t *out_seq);
emr_status emr_chain_org_row(
	emr_chain *chain, const uint8_t org[16], emr_row_org *out_row, uint64_t *out_seq);
/* Plain rows whose key begins with PREFIX, in order, read from one statement: one walk at a time on
 * a chain. */
typedef struct emr_chain_rows {
	emr_chain *chain;
	const char *prefix;
	emr_status status; /* when there is no next one: EMR_OK at the end */
	struct sqlite3_stmt *statement;
	/* The row, until the next one. */
	const char *key;
	emr_bytes value;
	uint64_t seq, time;
} emr_chain_rows;
bool emr_chain_next_row(emr_chain_rows *rows);
void emr_chain_rows_end(emr_chain_rows *rows);
#define EMR_AUTO_CHAIN_ROWS __attribute__((cleanup(emr_chain_rows_end))) emr_chain_rows
/* A question in SQL over the tables of a chain and the views of its rows (chain_views.c). TEXT is
 * static and always the same for one QUESTION, a number below EMR_CHAIN_QUESTIONS: it is prepared
 * once, and again while it is in use. It is given to emr_chain_asked when it was answered. */
#define EMR_CHAIN_QUESTIONS 42
emr_status emr_chain_ask(
	emr_chain *chain, size_t question, const char *text, struct sqlite3_stmt **out_statement);
void emr_chain_asked(emr_chain *chain, struct sqlite3_stmt *statement);
uint8_t emr_chain_family(const emr_item *item, emr_span pub);
/* Whether ITEM, applied, has KEY for its place: what an index says is no more than that. */
bool emr_chain_has_place(const emr_item *item, emr_span pub, const emr_part_key *key);
/* Running digest over all changes of state, in order. */
emr_status emr_chain_digest(emr_chain *chain, uint8_t out_digest[32]);

/* The checkpoint note that members leave (ledger/checkpoint.h). */
emr_status emr_chain_note(emr_chain *chain, emr_buf *out_note);
emr_status emr_chain_put_note(emr_chain *chain, emr_bytes note);
/* In a transaction of its own; EMR_CONFLICT: the note is not OLD_NOTE (empty: there is none). */
emr_status emr_chain_replace_note(emr_chain *chain, emr_bytes old_note, emr_bytes note);
/* SQLite's own check of the file's structure; EMR_DAMAGED. */
emr_status emr_chain_check_file(emr_chain *chain);

/* ---- judging and appending (inside a write transaction) ---- */

/* Keeps what an outcome borrows from.  Zero-initialised is empty. */
typedef struct emr_chain_verdict {
	emr_outcome outcome;
	uint8_t *arena;
	emr_value *values;
	emr_buf rows[2]; /* values of the two passes */
} emr_chain_verdict;
void emr_chain_verdict_free(emr_chain_verdict *verdict);
#define EMR_AUTO_VERDICT __attribute__((cleanup(emr_chain_verdict_free))) emr_chain_verdict

/* Collects what HOST says about the bringer of BATCH at NOW: net, submitter, seen leaf, and the
 * certificate in the private part of a lone KEY_REG or KEY_CERT when
 * a CA of DESCRIPTOR signed it. */
emr_status emr_chain_caller(emr_chain *chain, enum emr_host host, emr_bytes descriptor,
	const emr_batch *batch, emr_id32 submitter_id, uint64_t now, emr_caller *out_caller);
/* The organisation that vouches for the signer of BATCH (emr_batch_certified_by), by what the chain
 * has of the signer.  EMR_NOT_FOUND: nobody vouches. */
emr_status emr_chain_certified_by(emr_chain *chain, const emr_batch *batch, emr_id16 *out_org);
/* Appends the CA (DER) that ORG was admitted with, or has got since, as its members approved it.
 * EMR_NOT_FOUND: it has none beside the descriptor's, is not known yet, or the proposal's private
 * part is not here. */
emr_status emr_chain_authority(emr_chain *chain, emr_id16 org, emr_buf *out);
/* The number of the rules in force behind the newest entry.  EMR_NEWER_RULES: it is a later one
 * than this program knows, and *OUT_RULES is that number. */
emr_status emr_chain_rules(emr_chain *chain, uint32_t *out_rules);
/* EMR_NEWER_RULES. */
emr_status emr_chain_judge(emr_chain *chain, const emr_batch *batch, const emr_caller *caller,
	uint64_t now, emr_chain_verdict *out_verdict);

/* Which parts are kept: NULL = all. */
typedef bool (*emr_chain_keep_fn)(void *arg, const uint8_t domain[16]);

emr_status emr_chain_append_genesis(emr_chain *chain, emr_bytes descriptor);
emr_status emr_chain_append(emr_chain *chain, emr_bytes entry, const emr_batch *batch,
	const emr_outcome *outcome, emr_chain_keep_fn keep, void *keep_arg);

/* ---- following what others appended ---- */

/* Signatures of an entry that somebody here has found to be right, over these very bytes.  False
 * says nothing: emr_chain_follow looks itself. */
typedef struct emr_chain_checked {
	bool is_batch_signed; /* by the key that the batch names */
	bool is_handed_in;    /* signed by SUBMITTER_PK, of any person, for NET_ID */
	uint8_t submitter_pk[32], net_id[16];
	bool is_from_peer; /* parts may come later: see emr_chain_follow */
} emr_chain_checked;
/* Needs no chain, and is thread-safe.  SUBMITTER_PK is what the submitter of ENTRY is thought to
 * have signed its batch with; NULL: that is not known. */
void emr_chain_check(
	const emr_ledger_entry *entry, const uint8_t *submitter_pk, emr_chain_checked *out_checked);
/* The same for a batch that is no entry yet, handed in with SIG for NET_ID. */
void emr_chain_check_batch(const uint8_t net_id[16], const uint8_t header[EMR_HEADER_BYTES],
	const uint8_t sig[64], const uint8_t *submitter_pk, emr_chain_checked *out_checked);
emr_status emr_chain_submitter_key(emr_chain *chain, const uint8_t submitter[32],
	const uint8_t header[EMR_HEADER_BYTES], uint8_t out_pk[32]);
/* The key of the submitter of ENTRY, as it is registered now.  EMR_NOT_FOUND. */
emr_status emr_chain_submitter(emr_chain *chain, const emr_ledger_entry *entry, uint8_t out_pk[32]);
/* Whether SIG is SUBMITTER's over NET_ID and the batch of HEADER: by the key of the batch, where
 * that is the submitter's, else by the one in the submitter's K row. The signatures that CHECKED
 * covers (NULL = none) are not computed again. EMR_NOT_FOUND: the submitter is not registered;
 * EMR_DENIED: it is another's. */
emr_status emr_chain_check_submitter(emr_chain *chain, const uint8_t net_id[16],
	const uint8_t header[EMR_HEADER_BYTES], const uint8_t submitter[32], const uint8_t sig[64],
	const emr_chain_checked *checked);

/* Verifies the next entry and appends it.  PARTS has one span an item (data NULL = not at hand; one
 * that does not fit its hash must not be given).  The results that CHECKED (NULL = nothing) has of
 * this ENTRY are not computed again.  EMR_OFFLINE: a registration whose part a peer has still to
 * bring. EMR_MISSING_DATA: the CA that it is judged by is in a part that is not there. EMR_DAMAGED
 * or EMR_FORK with *out_trouble set; the transaction is then the caller's to roll back. */
emr_status emr_chain_follow(emr_chain *chain, const emr_ledger_entry *entry,
	const emr_chain_checked *checked, const emr_span *parts, emr_chain_keep_fn keep,
	void *keep_arg, emr_ledger_trouble *out_trouble);
/* The private parts of ENTRY's applied items, fetched with FETCH and checked; the rest stays NULL.
 * *out_bad (may be NULL) is set when one did not fit its hash. */
typedef emr_status (*emr_chain_fetch_fn)(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg);
/* One of them: emr_ledger_fetch, where the argument is an emr_ledger. */
emr_status emr_ledger_fetch_for(
	void *ledger, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg);
typedef struct emr_chain_parts {
	emr_span spans[EMR_BATCH_COUNT_MAX];
	emr_buf bytes;
	bool is_bad; /* one did not fit its item's priv_hash */
} emr_chain_parts;
emr_status emr_chain_parts_of(const emr_ledger_entry *entry, emr_chain_fetch_fn fetch, void *arg,
	emr_chain_keep_fn keep, void *keep_arg, emr_chain_parts *out_parts);
void emr_chain_parts_free(emr_chain_parts *parts);
/* Inside a write transaction: DOMAIN's parts, which were not kept so far, are expected where its
 * entries put them, but for what they purged, and filled with what FETCH gives; *out_filled = how
 * many were.  A part that is not at hand stays expected: run it again. */
emr_status emr_chain_adopt(emr_chain *chain, const uint8_t domain[16], emr_chain_fetch_fn fetch,
	void *arg, uint64_t *out_filled);
/* An emr_chain_fetch_fn on a chain; what is not there, or damaged, is not given. */
emr_status emr_chain_fetch(
	void *chain, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg);

/* Replays a whole chain, whose entry 0 must be DESCRIPTOR and which must have every part, or if
 * IS_MEMBERS those of the domains that it has (inside a read transaction), and compares what
 * follows.  EMR_DAMAGED or EMR_FORK with *out_trouble. */
emr_status emr_chain_verify(
	emr_chain *chain, emr_bytes descriptor, bool is_members, emr_ledger_trouble *out_trouble);
/* An emr_chain_keep_fn on a chain: a member's copy has all parts of a domain, or none. */
bool emr_chain_has_parts(void *chain, const uint8_t domain[16]);

/* Each row of COPY is that of TRUTH, which a replay has made (IS_MEMBERS as above: which parts COPY
 * must have; a part that TRUTH lacks may be there), and each part fits its item; on Fabric one that
 * never came is no damage.  EMR_DAMAGED with the entry concerned. */
emr_status emr_chain_compare(
	emr_chain *truth, emr_chain *copy, bool is_members, emr_ledger_trouble *out_trouble);

/* ---- damage ---- */

/* Brings UNITED, a chain on no name, up to SIZE entries with what FIRST and SECOND (may be NULL)
 * have whole between them, each entry verified and replayed; both are inside of a read transaction.
 * A part that neither has stays expected. EMR_DAMAGED: an entry is whole in neither; EMR_FORK: both
 * have a whole one there, and they differ; *out_trouble says which. */
emr_status emr_chain_unite(emr_chain *first, emr_chain *second, emr_bytes descriptor, uint64_t size,
	emr_chain *united, emr_ledger_trouble *out_trouble);
/* Every part of CHAIN that must be there and is not, with the entry that brought it. */
typedef emr_status (*emr_chain_missing_fn)(void *arg, const emr_part_key *key, uint64_t seq);
emr_status emr_chain_each_missing(emr_chain *chain, emr_chain_missing_fn fn, void *arg);
/* Throws away all that stands in the file of CHAIN, which is for USE, where a row of it is not what
 * TRUTH has, or its structure is damaged, and puts TRUTH there: in one transaction, which other
 * connections see as any other, and which keeps the note.  TRUTH is a chain on no name that a
 * replay has made, AS_IT_IS another connection to the file; no transaction is open on either
 * afterwards. EMR_CONFLICT: the file has more entries than TRUTH; EMR_BUSY, EMR_READ_ONLY. */
emr_status emr_chain_build_again(emr_chain *chain, emr_chain_use use, emr_chain *as_it_is,
	emr_chain *truth, bool *out_was_damaged);
/* The note of FROM, if it can be read. */
emr_status emr_chain_take_note(emr_chain *chain, emr_chain *from);
