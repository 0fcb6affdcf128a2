/* A journal in a directory of its own, and rows that are numbers. */
#pragma once

#include "base/codec.h"
#include "journal/journal.h"
#include "store_kit.h"

typedef struct jkit {
	kit *k;
	emr_keyring *keyring;
	emr_journal *journal;
} jkit;

static inline void jopen(jkit *j)
{
	kit_open(j->k);
	assert_ok(emr_journal_open(j->k->store, j->keyring, &j->journal));
}

static inline void jclose(jkit *j)
{
	emr_journal_close(j->journal);
	j->journal = NULL;
	kit_close(j->k);
}

static inline void reopen(jkit *j)
{
	jclose(j);
	jopen(j);
}

static inline int setup(void **state)
{
	jkit *j = calloc(1, sizeof *j);

	kit_setup((void **)&j->k);
	kit_close(j->k);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &j->keyring));
	jopen(j);
	*state = j;
	return 0;
}

static inline int teardown(void **state)
{
	jkit *j = *state;

	emr_journal_close(j->journal);
	emr_keyring_free(j->keyring);
	kit_teardown((void **)&j->k);
	free(j);
	return 0;
}

static inline emr_id16 key_of(uint32_t n)
{
	emr_id16 key = {{0}};

	emr_put_u32(key.b, n);
	return key;
}

static inline uint64_t put(jkit *j, uint32_t n, const char *value)
{
	emr_journal_txn *txn;
	uint64_t seq;

	assert_ok(emr_journal_begin(j->journal, &txn));
	assert_ok(emr_journal_put(txn, 1, key_of(n), emr_bytes_of(value, strlen(value))));
	assert_ok(emr_journal_commit(txn, &seq));
	return seq;
}

static inline void assert_value(jkit *j, uint32_t n, const char *expected)
{
	emr_buf value = {0};
	emr_status status = emr_journal_get(j->journal, 1, key_of(n), &value);

	if (expected == NULL) {
		assert_status(EMR_NOT_FOUND, status);
		return;
	}
	assert_ok(status);
	assert_int_equal(value.len, strlen(expected));
	assert_memory_equal(value.data, expected, value.len);
	emr_buf_free(&value);
}
