/* The tests of the record module stand on this kit: a keyring, a block store in memory that can
 * fail and lose power, a spill folder. Tests look inside it. */
#pragma once

#include "emr_test.h"

#include "keyring/content.h"
#include "record/staging.h"

typedef struct kit_block {
	emr_cid cid;
	uint8_t *data;
	size_t len;
	bool synced;
} kit_block;

/* A block store by the common face.  Thread-safe. */
typedef struct kit_store kit_store;

emr_block_store *kit_store_new(void);
kit_block *kit_store_find(emr_block_store *store, const emr_cid *cid); /* NULL; for tampering */
size_t kit_store_count(emr_block_store *store);
kit_block *kit_store_at(emr_block_store *store, size_t i);
void kit_store_remove(emr_block_store *store, const emr_cid *cid);
void kit_store_fail_put_after(emr_block_store *store, int puts); /* -1 = never */
unsigned kit_store_gets(emr_block_store *store);		 /* blocks that were read so far */
void kit_store_power_cut(emr_block_store *store);		 /* what was not synced is gone */

typedef struct kit {
	emr_block_store *store;
	emr_keyring *keyring;
	emr_record_ctx *ctx;
	emr_record_options options;
	int spill_dirfd;
	char spill_dir[64];
} kit;

/* WORKERS as in the options. */
void kit_open(kit *k, unsigned workers, uint64_t memory_bytes);
uint64_t kit_memory(kit *k); /* bytes that stagings hold in memory now */
void kit_restart(kit *k);    /* a new context over the same store and folder */
void kit_close(kit *k);

/* The first LEN bytes of the xorshift32 stream of SEED that tests/vectors/README.md defines, caller
 * frees. */
uint8_t *kit_bytes(size_t len, uint32_t seed);
uint32_t kit_random(uint32_t *state);
/* A content key whose DEK is these 32 bytes, made the way a ledger would bring it: through a
 * capsule. */
emr_content_key *kit_key(emr_keyring *keyring, const uint8_t dek[32]);
/* Freezes DATA and opens a reader on it. */
emr_content_reader *kit_reader_of(kit *k, const uint8_t *data, size_t len, emr_content *out_content,
	emr_content_key **out_key);
/* The spill of ID: path in the folder. */
void kit_spill_path(const kit *k, emr_id16 id, char out[160]);
