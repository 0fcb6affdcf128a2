/* Tests of the contract share this kit: signers, a batch builder, and a host in memory that gives
 * the contract the rows it declared and no others. A failed step fails the test. */
#pragma once

#include "emr_test.h"

#include "contract/contract.h"

#define KIT_NOW 1700000000u
#define KIT_DAY 86400u
#define KIT_RECORD_WHOLE_MAX 400 /* longer values are recorded by their SHA-256 */

typedef struct kit_signer {
	uint8_t pk[32];
	uint8_t sk[64];
	uint8_t id[32];
} kit_signer;

/* Key pair whose seed is SHA-256(NAME). */
kit_signer kit_signer_of(const char *name);
/* 16 bytes of SHA-256(NAME). */
void kit_id16(const char *name, uint8_t out[16]);
emr_span kit_span(const void *data, size_t len);
/* LEN bytes that look random, the same for every SEED; static storage, valid until the fourth next
 * call. */
emr_span kit_part(uint8_t seed, size_t len);

/* ---- rows by key ---- */

typedef struct kit_row {
	char key[EMR_KEY_TEXT_BYTES];
	uint8_t *value;
	size_t len;
} kit_row;

typedef struct kit_state {
	kit_row *rows;
	size_t count;
	size_t cap;
} kit_state;

void kit_state_free(kit_state *state);
void kit_state_copy(const kit_state *from, kit_state *to);
void kit_put(kit_state *state, const char *key, const void *value, size_t len);
void kit_delete(kit_state *state, const char *key);
const kit_row *kit_get(const kit_state *state, const char *key);
bool kit_state_equal(const kit_state *a, const kit_state *b);

/* ---- batches ---- */

typedef struct kit_batch {
	emr_header header;
	const kit_signer *signer;
	uint8_t *items;
	size_t items_len;
	uint8_t *parts;
	size_t parts_len;
} kit_batch;

void kit_begin(kit_batch *batch, const kit_signer *signer, const uint8_t net_id[16]);
/* Adds ITEM; signer_id and time are filled in where zero, priv_len and priv_hash from PART when
 * priv_len is 0. */
void kit_add(kit_batch *batch, emr_item item, emr_span pub, emr_span part);
/* The signed batch; the caller frees it.  BATCH may be ended once. */
emr_span kit_end(kit_batch *batch);
void kit_sign(uint8_t *batch_bytes, const kit_signer *signer);
/* The root over the items is made again, then the signature. */
void kit_seal_again(emr_span batch, const kit_signer *signer);

/* ---- running ---- */

typedef struct kit_run {
	emr_batch batch;
	emr_outcome outcome;
	uint8_t *memory;
	size_t memory_used;
	emr_value *values; /* the declared rows, as the host gave them */
	size_t values_count;
} kit_run;

/* Parses, declares in two passes and applies, with exactly the declared rows of STATE; PART_HASHES
 * (may be NULL) answers p/ keys.  A batch that cannot be split comes back as REFUSED.  NAME, when
 * not NULL, is the name under which the case is recorded if the environment asks for that
 * (EMR_CONTRACT_RECORD = a file). */
#define kit_judge(run, ...) assert_int_equal(kit_try(run, __VA_ARGS__), EMR_CONTRACT_OK)
/* The same, where it may fail. */
emr_contract_status kit_try(kit_run *run, const char *name, emr_span batch,
	const emr_caller *caller, uint64_t now, const kit_state *state,
	const kit_state *part_hashes);
/* Does the writes of an applied run. */
void kit_commit(const kit_run *run, kit_state *state, kit_state *parts);
void kit_run_free(kit_run *run);
/* The one answer: that of the first item, or the refusal of the batch plus 1000. */
int kit_answer(const kit_run *run);

/* Appends the case to the file that EMR_CONTRACT_RECORD names, if it names one and NAME is not
 * NULL. */
void kit_record(const kit_run *run, const char *name, emr_span batch, const emr_caller *caller,
	uint64_t now);

/* ---- a network ---- */

/* One organisation, a patient's identity key that submits, his domain and its owner's key. */
typedef struct kit_world {
	uint8_t net_id[16], org[16], domain[16];
	kit_signer identity, owner;
	kit_state state;
	emr_caller caller;
} kit_world;

void kit_world_make(kit_world *world);
void kit_world_free(kit_world *world);
void kit_put_key(kit_state *state, const kit_signer *signer, const uint8_t org[16], uint16_t roles,
	uint8_t how, uint8_t key_state, uint64_t not_after);
void kit_put_org(kit_state *state, const uint8_t org[16], uint8_t org_state);
void kit_put_domain(kit_state *state, const uint8_t domain[16], const kit_signer *owner,
	uint16_t flags, uint32_t epoch);
void kit_put_writer(kit_state *state, const uint8_t domain[16], const kit_signer *writer,
	uint16_t rights, uint8_t writer_state, uint64_t not_after);
void kit_put_listkey(
	kit_state *state, const uint8_t domain[16], const kit_signer *signer, uint32_t epoch);
void kit_put_listkeys(kit_state *state, const uint8_t domain[16], const kit_signer *signer,
	uint32_t epoch, uint64_t version);
void kit_put_object(kit_state *state, const uint8_t domain[16], const uint8_t object[16],
	const kit_signer *creator, uint8_t object_state, uint16_t flags, uint64_t version);
/* Sets version and prev of ITEM to follow the row of KEY. */
void kit_follow(const kit_state *state, const char *key, emr_item *item);
/* Proof of possession of b = HS("kat", name), for B. */
void kit_pop(const char *name, const uint8_t net_id[16], const uint8_t signer_id[32],
	uint8_t out_B[32], uint8_t out_pop[64]);

/* ---- samples ---- */

void kit_drop(emr_span bytes); /* frees what kit_end() gave */
/* Item of OP on the object of that name in the world's domain, following its O row; epoch 1. */
emr_item kit_item_of(const kit_world *world, uint8_t op, const char *object);
/* A directory, a file, its new name: signed by the owner, judged by nobody yet. */
emr_span kit_three_items(const kit_world *world);
/* OP on the world's domain itself, following its D row. */
emr_item kit_domain_item(const kit_world *world, uint8_t op, uint32_t epoch);
/* The answer to a batch of this one item. */
int kit_answer_item(const kit_world *world, const char *name, const kit_signer *signer,
	emr_item item, emr_span pub, emr_span part, const kit_state *part_hashes);
/* Fails with both results by name. */
void kit_expect(int expected, int got, const char *name);
void kit_expect_item(int expected, const kit_world *world, const char *name,
	const kit_signer *signer, emr_item item, emr_span pub, emr_span part,
	const kit_state *part_hashes);
