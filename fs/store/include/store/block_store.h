/* This is the interface of every block store: record, journal and view keep sealed blocks through
 * it. A store never sees plaintext or keys, and refuses blocks over 2 MiB, and bytes that it has
 * not checked: segments lie where others may write, come back from backups and are read from CARs
 * that somebody handed over, and a person who has a content's key can change a part of a block so
 * that its tag fits. No place is taken for one that only its owner can change. There are two ways
 * to a block's bytes: all of them, hashed, or units of which this computer has kept tags under a
 * key of its own since the whole was right (crypto/unit.h). */
#pragma once

#include "crypto/unit.h"
#include "store/cid.h"

#define EMR_BLOCK_MAX ((size_t)2 << 20)

/* A block and its name.  The caller hashed it; a store that passes blocks on to strangers checks
 * again. */
typedef struct emr_block {
	emr_cid cid;
	emr_bytes data;
} emr_block;

/* Why a root is kept, the further on its way to the ledger the higher.  Every state protects
 * equally; the owner reads it back. */
typedef enum emr_pin_state {
	EMR_PIN_WRITTEN = 1, /* ours: bytes that no batch for the ledger names */
	EMR_PIN_SENT = 2,    /* ours: a version that a batch without an answer brings */
	EMR_PIN_REGISTERED =
		3,	  /* ours, and on the ledger: of a living record, earlier, or deleted */
	EMR_PIN_KEPT = 4, /* a copy of somebody's, kept for offline use */
} emr_pin_state;

/* Everything reachable from ROOT stays until OWNER unpins it.  Only who pinned may unpin. */
typedef struct emr_pin {
	emr_cid root;
	emr_id16 owner;
	emr_pin_state state;
} emr_pin;

typedef struct emr_store_stats {
	uint64_t blocks;
	uint64_t block_bytes;
	uint64_t disk_bytes; /* what the store occupies, dead blocks included; 0 = not known */
	uint64_t pins;
	uint64_t quarantined; /* damaged places found since the store was opened */
} emr_store_stats;

typedef struct emr_block_store emr_block_store;

/* EMR_OK goes on, anything else stops the walk and is returned. */
typedef emr_status (*emr_pin_visit)(void *context, const emr_pin *pin);

/* The functions that an implementation provides. All are thread-safe.  Contracts: the functions
 * below. */
typedef struct emr_block_store_ops {
	emr_status (*put)(emr_block_store *store, const emr_block *blocks, size_t count);
	emr_status (*get_verified)(emr_block_store *store, const emr_cid *cid, emr_buf *out);
	emr_status (*size)(emr_block_store *store, const emr_cid *cid, uint64_t *out_bytes);
	emr_status (*pin)(emr_block_store *store, const emr_pin *pins, size_t count);
	emr_status (*unpin)(emr_block_store *store, const emr_pin *pins, size_t count);
	emr_status (*each_pin)(emr_block_store *store, emr_pin_visit visit, void *context);
	emr_status (*sync)(emr_block_store *store);
	emr_status (*stats)(emr_block_store *store, emr_store_stats *out_stats);
	/* These two may be NULL: nothing is kept. */
	emr_status (*get_units)(
		emr_block_store *store, const emr_cid *cid, emr_units units, uint8_t *out);
	void (*note_units)(
		emr_block_store *store, const emr_cid *cid, emr_units units, const uint8_t *bytes);
} emr_block_store_ops;

/* An implementation begins with this. */
struct emr_block_store {
	const emr_block_store_ops *ops;
};

/* Hands a group of blocks to the store: all of them, or EMR_NO_SPACE, EMR_IO, EMR_LIMIT (a block
 * over 2 MiB) and none that a reader could rely on.  Putting a block that is there is fine.
 * Survives the end of this process; on disk after sync.  The data may go away on return. */
emr_status emr_block_store_put(emr_block_store *store, const emr_block *blocks, size_t count);
/* Appends the whole block to OUT and hashes what is there then, so
 * that it is what CID names whatever happens to the place where it stood.  EMR_NOT_FOUND;
 * EMR_DAMAGED (OUT as it was): other bytes stand there. */
emr_status emr_block_store_get_verified(emr_block_store *store, const emr_cid *cid, emr_buf *out);
/* Units of the leaf CID as it was when it was made or hashed here; OUT has room for them and is
 * anybody's guess unless EMR_OK.  EMR_NOT_FOUND: that is not known here, or what stands there is
 * something else; get_verified says which. */
emr_status emr_block_store_get_units(
	emr_block_store *store, const emr_cid *cid, emr_units units, uint8_t *out);
/* The caller has BYTES in memory that nobody else writes, and knows that they are UNITS of the leaf
 * CID, because all of it had that hash there.  Kept if there is room. */
void emr_block_store_note_units(
	emr_block_store *store, const emr_cid *cid, emr_units units, const uint8_t *bytes);
/* EMR_NOT_FOUND when the store does not have it. */
emr_status emr_block_store_size(emr_block_store *store, const emr_cid *cid, uint64_t *out_bytes);
bool emr_block_store_has(emr_block_store *store, const emr_cid *cid);
/* Pinning again replaces the state.  The blocks need not be there yet.  Durable after sync. */
emr_status emr_block_store_pin(emr_block_store *store, const emr_pin *pins, size_t count);
/* Idempotent; the states in PINS are ignored. */
emr_status emr_block_store_unpin(emr_block_store *store, const emr_pin *pins, size_t count);
/* In no order; VISIT must not call the store. */
emr_status emr_block_store_each_pin(emr_block_store *store, emr_pin_visit visit, void *context);
/* Returns when everything put and pinned before the call is on disk. */
emr_status emr_block_store_sync(emr_block_store *store);
emr_status emr_block_store_stats(emr_block_store *store, emr_store_stats *out_stats);
