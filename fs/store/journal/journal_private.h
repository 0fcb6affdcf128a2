/* This header declares the inside of the journal for its .c files. Nothing outside
 * fs/store/journal includes it.
 *
 * Locks, outermost first: snapshot_lock > commit_lock > rows_lock.  The store's locks are inside
 * all of them; sync_lock is innermost.  A field that names no lock is set before the journal is
 * handed out. */
#pragma once

#include "base/worker.h"
#include "journal/journal.h"
#include "keyring/content.h"

/* ---- rows.c: the map ---- */

typedef struct emr_row {
	struct emr_row *next; /* in its bucket */
	emr_id16 key;
	uint8_t kind;
	uint32_t len;
	uint8_t value[];
} emr_row;

/* Zero-initialised is valid and empty.  The caller locks. */
typedef struct emr_rows {
	emr_row **buckets;
	size_t bucket_count;
	size_t count;
	size_t bytes; /* keys and values */
} emr_rows;

emr_row *emr_row_new(uint8_t kind, emr_id16 key, emr_bytes value); /* NULL: no memory */
/* Room for EXTRA more rows, so that put cannot fail. */
emr_status emr_rows_reserve(emr_rows *rows, size_t extra);
/* Takes ROW; frees the row it replaces. */
void emr_rows_put(emr_rows *rows, emr_row *row);
void emr_rows_delete(emr_rows *rows, uint8_t kind, emr_id16 key);
const emr_row *emr_rows_find(const emr_rows *rows, uint8_t kind, emr_id16 key);
void emr_rows_free(emr_rows *rows);

/* ---- frame.c: bytes of a frame ---- */

#define EMR_FRAME_HEAD 104 /* clear; the rest is sealed */
#define EMR_FRAME_OVERHEAD (EMR_FRAME_HEAD + 16)
#define EMR_FRAME_OP_HEAD 22 /* op u8, kind u8, key[16], len u32 */

typedef enum emr_frame_type {
	EMR_FRAME_LOG = 1,
	EMR_FRAME_SNAPSHOT = 2,
} emr_frame_type;

typedef struct emr_frame {
	emr_frame_type type;
	uint64_t seq;	      /* log: its number; snapshot: the last log frame it covers */
	uint32_t part, parts; /* snapshot: 0..parts-1; log: 0, 1 */
	uint8_t chain[32];    /* digest of the frame before it in its own row */
	uint8_t covered[32];  /* snapshot: digest of the log frame SEQ; log: zero */
	uint8_t nonce[24];
} emr_frame;

typedef enum emr_frame_op { EMR_OP_PUT = 1, EMR_OP_DELETE = 2 } emr_frame_op;

emr_status emr_frame_head_parse(emr_bytes head, emr_frame *out_frame);
/* Appends clear head and sealed BODY to OUT; the nonce is drawn. */
emr_status emr_frame_seal(
	const emr_local_key *key, const emr_frame *frame, emr_bytes body, emr_buf *out);
/* Appends the body of BLOCK to OUT.  EMR_DAMAGED. */
emr_status emr_frame_open(
	const emr_local_key *key, emr_bytes block, emr_frame *out_frame, emr_buf *out_body);
emr_status emr_frame_put_op(
	emr_buf *body, emr_frame_op op, uint8_t kind, emr_id16 key, emr_bytes value);
/* Takes the next op of BODY; *out_more is false at its end.  Strict: EMR_DAMAGED. */
typedef struct emr_frame_step {
	emr_frame_op op;
	uint8_t kind;
	emr_id16 key;
	emr_bytes value;
} emr_frame_step;
emr_status emr_frame_next_op(emr_bytes *body, bool *out_more, emr_frame_step *out_op);
/* Applies all ops of BODY to ROWS, or none. */
emr_status emr_frame_apply(emr_bytes body, emr_rows *rows);

/* ---- head.c: where replay starts ---- */

typedef struct emr_journal_head {
	emr_log_place start;
	uint64_t seq; /* of the snapshot */
} emr_journal_head;

emr_status emr_journal_head_read(emr_store *store, emr_journal_head *out_head);
emr_status emr_journal_head_write(emr_store *store, const emr_journal_head *head);
emr_status emr_journal_head_decode(emr_bytes bytes, emr_id16 writer, emr_journal_head *out_head);

struct emr_journal {
	emr_store *store;
	emr_local_key *key;

	pthread_mutex_t snapshot_lock; /* one snapshot at a time */

	pthread_mutex_t commit_lock; /* order of frames; protects down to start */
	uint64_t seq;
	uint8_t chain[32];   /* digest of frame SEQ */
	uint64_t log_bytes;  /* sealed since the last snapshot */
	emr_log_place start; /* where the next start begins to read: of the last snapshot */

	pthread_rwlock_t rows_lock;
	emr_rows rows;		 /* changed under commit_lock and rows_lock, read under either */
	emr_journal_state state; /* what open found; set before the thread starts */

	pthread_mutex_t sync_lock;
	uint64_t synced_seq; /* sync_lock */

	emr_worker worker; /* writes snapshots */
};

/* Fills rows, seq, chain and state from the segments. */
emr_status emr_journal_replay(emr_journal *journal);
bool emr_journal_wants_snapshot(emr_journal *journal); /* commit_lock held */
