/* This cache keeps sealed leaves that were read and checked against their CIDs, in this process's
 * memory, where nobody else can change them.
 *
 * The segments that a leaf is read from may lie in a network's directory, and a person who holds
 * the key of a content can seal one of its chunks again so that its tag fits: only the hash of the
 * whole block tells.  So a leaf is read whole, hashed, and opened out of that same memory; it is
 * not read again after it was hashed, and nothing is remembered of a block but the block itself.
 * The last ones are held, because the kernel asks for a leaf in several pieces and a checked byte
 * shall not cost 256 KiB of hashing each time.
 *
 * What is held is ciphertext: it may outlive the right to read it.  Any thread. */
#pragma once

#include "base/bytes.h"
#include "base/worker.h"
#include "store/block_store.h"

#define RECORD_HELD_LEAVES 32 /* at most 8 MiB */

typedef enum record_held_state { HELD_EMPTY, HELD_LOADING, HELD_READY } record_held_state;

typedef struct record_held {
	record_held_state state;
	unsigned users;
	uint64_t last_use; /* for choosing whom to replace */
	emr_cid cid;
	emr_buf block;
} record_held;

typedef struct record_holder {
	pthread_mutex_t lock; /* all below; nothing is read or hashed under it */
	pthread_cond_t changed;
	uint64_t uses;
	record_held leaves[RECORD_HELD_LEAVES];
} record_holder;

struct emr_record_ctx;

void record_holder_init(record_holder *holder);
void record_holder_end(record_holder *holder); /* nobody has any of them */

/* The block CID, LEN bytes, as *out_sealed until it is given back; read when no copy is held. A
 * thread that has one takes no second. EMR_MISSING_DATA; EMR_DAMAGED: other bytes stand there, or
 * another number of them; EMR_IO, EMR_NO_MEMORY. */
emr_status record_held_take(struct emr_record_ctx *ctx, const emr_cid *cid, size_t len,
	record_held **out_held, const uint8_t **out_sealed);
void record_held_give(struct emr_record_ctx *ctx, record_held *held);
/* The same from the store in any case, into SEALED, of which nothing else is left. */
emr_status record_sealed_fetch(
	struct emr_record_ctx *ctx, const emr_cid *cid, size_t len, emr_buf *sealed);
