/* This is what settle.c, send.c and seen.c share: the handle, and a batch on its way. It refuses
 * nothing of its own. */
#pragma once

#include "share/give.h"

#include "outbox.h"
#include "settle/settle.h"

/* Of the one thread that publishes, but for `statements`, which has a lock of its own. */
struct emr_settle {
	emr_settle_options options;
	emr_id16 net_id;
	uint8_t person_pk[32];
	emr_status followed; /* of the last emr_settle_catch_up: the run's thread only */
	bool has_compared;   /* the ledger with what the journal has seen of it */
	emr_id16 seen_key;   /* of row H: zero, or the network's id after a join */
	emr_share *share;    /* begins epochs that are due before anything is written */
	struct known_statements *statements; /* amend.h */
	emr_buf former_keys; /* former_key, ...: each domain once, as long as it is so */
	size_t most_changes; /* in one batch: fewer where the ledger takes no large ones */
};

/* seen.c: the journal row of the network NET_ID. */
emr_id16 settle_seen_key(emr_journal *journal, emr_id16 net_id);
emr_status settle_remember_seen(emr_settle *settle, emr_journal_txn *txn);
/* The replica has what the ledger answered to BATCH, and all of its parts; as emr_settle_catch_up.
 */
emr_status settle_reach(emr_settle *settle, emr_bytes batch, const emr_ledger_answer *answer);

/* ---- send.c ---- */

/* BOX reaches the disk in a row of KIND, with the blocks it names, which are pinned until it is
 * answered or forgotten. */
emr_status settle_keep_batch(emr_settle *settle, uint8_t kind, emr_id16 key, const outbox *box);
/* It is in the journal: sends it, and notes the answers in BOX.  EMR_LIMIT: the ledger takes none
 * so large; then the next ones are smaller.  A single change that it never takes is refused. */
emr_status settle_ask_ledger(emr_settle *settle, outbox *box);
/* The caller hears of the answers, in the transaction that forgets the batch. */
emr_status settle_hand_out(
	emr_settle *settle, emr_id16 key, const outbox *box, emr_outcome_fn fn, void *arg);
/* Nothing of BOX, in a row of KIND, was taken, and nobody has heard of it: it can be made again.
 * NULL: it cannot be read, and what it pinned stays. */
emr_status settle_forget_batch(emr_settle *settle, uint8_t kind, emr_id16 key, const outbox *box);

/* ---- await.c ---- */

typedef struct kept_batch {
	emr_id16 key;
	emr_status status; /* EMR_DAMAGED, or another: it cannot be read, and BOX is empty */
	outbox box;
} kept_batch;
/* Those of the journal in rows of KIND, appended. */
emr_status settle_batches(emr_settle *settle, uint8_t kind, emr_buf *out_batches);
void settle_batches_free(emr_buf *batches);
#define AUTO_BATCHES __attribute__((cleanup(settle_batches_free))) emr_buf

/* O brings a version that no ledger has yet. */
bool await_brings_new(const emr_change_outcome *o);
/* BOX is not for the ledger yet. */
bool await_must(emr_settle *settle, const outbox *box);
/* A waiting batch that has its copies is among those that emr_settle_resend sends. */
emr_status await_release(emr_settle *settle);
/* EMR_AWAITED: CHANGES, of one domain, come after a batch that waits. */
emr_status await_look(emr_settle *settle, const emr_change *changes, size_t n);
