/* The journal is the durable log below everything: a small map of sealed rows, kept in memory and
 * logged into the store's segments. It holds no content (a row is at most 1.5 MiB), to be a
 * second database, and to apply a frame out of order.
 *
 * Each commit is one sealed frame, a raw block in the segment, written in one call with the blocks
 * it speaks of. Nothing else is durable: the map is replayed from frames at open.  All functions
 * are thread-safe; a transaction belongs to one thread. */
#pragma once

#include "keyring/keyring.h"
#include "store/car_store.h"

typedef struct emr_journal emr_journal;
typedef struct emr_journal_txn emr_journal_txn;

#define EMR_JOURNAL_VALUE_MAX ((size_t)3 << 19) /* 1.5 MiB */
#define EMR_JOURNAL_TXN_MAX                                                                        \
	((size_t)2 << 20) /* one sealed frame; ops and values together stay 4 KiB below */

/* The findings of open. */
typedef struct emr_journal_state {
	bool read_only; /* a frame in the synced log is damaged and no later snapshot mends it */
	uint64_t damaged_seq; /* first frame that could not be applied; 0 = none */
	emr_log_place damaged_at;
	uint64_t last_seq; /* last frame applied */
	uint64_t rows;
	bool full_scan; /* the head file was missing, damaged or old: all segments were searched */
} emr_journal_state;

/* Replays.  EMR_OK also for a damaged log: then state.read_only is set, everything before the
 * damage is readable, and commits give EMR_READ_ONLY.  EMR_NEWER_FORMAT; EMR_NO_MEMORY; EMR_IO.
 * STORE must be open for writing (EMR_READ_ONLY) and must outlive the journal; the keyring is only
 * used during the call. */
emr_status emr_journal_open(
	emr_store *store, const emr_keyring *keyring, emr_journal **out_journal);
/* Does not sync.  NULL is fine. */
void emr_journal_close(emr_journal *journal);
emr_journal_state emr_journal_state_get(emr_journal *journal);

/* A row: KIND belongs to one module, KEY is any 16 bytes. */
emr_status emr_journal_begin(emr_journal *journal, emr_journal_txn **out_txn);
/* Copies VALUE.  EMR_LIMIT: value or transaction too large (the transaction stays as it was). */
emr_status emr_journal_put(emr_journal_txn *txn, uint8_t kind, emr_id16 key, emr_bytes value);
/* Deleting what is not there is fine. */
emr_status emr_journal_delete(emr_journal_txn *txn, uint8_t kind, emr_id16 key);
/* Pin changes that become durable with the commit. */
emr_status emr_journal_pin(emr_journal_txn *txn, const emr_pin *pin);
emr_status emr_journal_unpin(emr_journal_txn *txn, const emr_pin *pin);
void emr_journal_rollback(emr_journal_txn *txn); /* frees; NULL is fine */

/* Seals and appends the frame, then shows the rows to readers.  Survives kill -9 on return; on disk
 * after emr_journal_sync(*out_seq).  Frees TXN whatever the result; on failure nothing of it
 * happened. *out_seq rises by 1 each time.  An empty transaction is fine. */
emr_status emr_journal_commit(emr_journal_txn *txn, uint64_t *out_seq);
/* The same with blocks in front of the frame in the same write: blocks, pins, frame. */
emr_status emr_journal_commit_with_blocks(
	emr_journal_txn *txn, const emr_block *blocks, size_t count, uint64_t *out_seq);

/* On disk up to SEQ: nothing to do when it is already, else one flush shared with all who wait. */
emr_status emr_journal_sync(emr_journal *journal, uint64_t seq);
uint64_t emr_journal_synced_seq(emr_journal *journal);
uint64_t emr_journal_last_seq(emr_journal *journal);

/* Appends the row's value to OUT; EMR_NOT_FOUND. */
emr_status emr_journal_get(emr_journal *journal, uint8_t kind, emr_id16 key, emr_buf *out);
/* Every row of KIND, in no order, under a read lock: VISIT must not call the journal.  VALUE is
 * borrowed. */
typedef emr_status (*emr_journal_visit)(void *context, emr_id16 key, emr_bytes value);
emr_status emr_journal_each(
	emr_journal *journal, uint8_t kind, emr_journal_visit visit, void *context);

/* Writes all rows as snapshot frames now, syncs, and moves the replay start there: older frames are
 * dead afterwards. Done by itself when the log since the last snapshot exceeds both 16 MiB and 4
 * times the rows. */
emr_status emr_journal_snapshot(emr_journal *journal);
/* Before an orderly end: a snapshot when the next start would otherwise have to collect many frames
 * from all over the disk (over 16 KiB of them, and an eighth of the rows), or to walk through much
 * behind the last one, whatever it is (over 1 MiB, and an eighth of the rows).  A damaged journal
 * is left as it is, with EMR_OK. */
emr_status emr_journal_tidy(emr_journal *journal);
/* A snapshot, then emr_store_reclaim: frees the segments that held older frames, too.  With
 * options->scrub or from options->close_from bytes on the segment being written is closed before,
 * so that its older frames go as well.
 */
emr_status emr_journal_reclaim(
	emr_journal *journal, const emr_reclaim_options *options, emr_reclaim_report *out_report);
