/* The tests of store and journal share this: a directory of their own, blocks from numbers, bytes
 * to damage. */
#pragma once

#include "emr_test.h"

#include "store/car_store.h"

typedef struct kit {
	char path[256];
	emr_store_options options;
	emr_store *store;
} kit;

emr_id16 kit_writer_id(void);
int kit_setup(void **state); /* cmocka fixture: *state is a kit, store open with no_background */
int kit_teardown(void **state);
void kit_open(kit *k);
void kit_close(kit *k);
/* Ends the store as kill -9 would: nothing is written or cut any more.  (It is opened again in a
 * child that dies.) */
void kit_run_and_die(kit *k, void (*work)(kit *k));

/* LEN bytes that follow from SEED; a raw block. */
emr_block kit_block(uint32_t seed, size_t len);
void kit_block_free(emr_block *block);
/* Bytes LEN of the xorshift32 (13, 17, 5) stream from *STATE, words little-endian. */
void kit_xorshift(uint32_t *state, uint8_t *out, size_t len);
/* Appends block (SEED, LEN). */
emr_cid kit_put(kit *k, uint32_t seed, size_t len);
/* Of a reclaim: as good as none. */
uint64_t kit_one_byte(const void *context);
/* Asserts that the block is there, verified. */
void kit_has(kit *k, uint32_t seed, size_t len);
emr_status kit_try(kit *k, uint32_t seed, size_t len); /* get_verified, discarding */
emr_id16 kit_owner(uint8_t n);
emr_pin kit_pin(const emr_cid *root, uint8_t owner);
void kit_pin_one(kit *k, const emr_cid *root, bool unpin);
/* Path of a file in the store's directory: "seg-1" stands for the first segment of the kit's
 * writer. */
void kit_file(kit *k, const char *name, char out[512]);
uint64_t kit_size(kit *k, const char *name);
void kit_flip(kit *k, const char *name, uint64_t offset, uint8_t mask);
void kit_truncate(kit *k, const char *name, uint64_t size);
void kit_lose_index(kit *k);	/* removes it */
size_t kit_quarantined(kit *k); /* files in quarantine/ */
/* Every segment must be a CAR from its first byte to its last. */
void kit_segments_are_cars(kit *k);
