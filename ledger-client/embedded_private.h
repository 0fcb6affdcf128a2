/* This is the handle of the embedded ledger, for embedded*.c only. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/worker.h"
#include "ledger/backend.h"
#include "ledger/chain.h"

#define EMBEDDED_BUSY_MS 10000u

typedef struct embedded {
	/* set when it is opened */
	int dirfd;
	int inotify_fd;
	int wake_fd;
	bool is_wake_lent; /* whoever opened it closes wake_fd */
	const emr_clock *clock;
	const emr_keyring *submitter;
	emr_id32 submitter_id;
	emr_buf descriptor;
	uint8_t net_id[16];
	pthread_mutex_t queue_lock; /* of what follows */
	pthread_cond_t turn;	    /* one of those who wait may have his answer, or must lead */
	struct taking *waiting;	    /* batches in the order in which they came */
	bool has_leader;
	atomic_bool has_index;	    /* of parts that are lacking: made when they are asked for */
	pthread_mutex_t write_lock; /* writer */
	emr_chain *writer;
	pthread_mutex_t read_lock; /* reader */
	emr_chain *reader;
} embedded;

emr_status embedded_submit(void *self, emr_bytes batch, emr_ledger_answer *out_answer);
emr_status embedded_take(void *self, emr_id32 submitter, const uint8_t submit_sig[64],
	emr_bytes batch, emr_ledger_answer *out_answer);
emr_status embedded_size(void *self, uint64_t *out_size);
emr_status embedded_entries(
	void *self, uint64_t from, size_t max, emr_ledger_entry_fn fn, void *arg, size_t *out_n);
emr_status embedded_fetch(
	void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg);
emr_status embedded_lacks(void *self, uint64_t from, emr_chain_lacking *out);
emr_status embedded_give(
	void *self, const emr_part_key *keys, const emr_bytes *parts, size_t n, size_t *out_n);
emr_status embedded_find_item(void *self, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index);
emr_status embedded_subtree(void *self, uint32_t level, uint64_t index, uint8_t out_hash[32]);
emr_status embedded_note(void *self, emr_buf *out_note);
emr_status embedded_wait(void *self, uint64_t since, int timeout_ms, uint64_t *out_size);
void embedded_wake(void *self);
emr_status embedded_verify(void *self, emr_ledger_trouble *out_trouble);
emr_status embedded_ask(void *self, const char *what, emr_bytes body, emr_buf *out);
/* EMR_OFFLINE: the host of this directory is in recovery. */
emr_status embedded_check_recovery(const embedded *e);
emr_status embedded_mend(void *self, emr_chain *own, uint64_t size, const uint8_t root[32],
	emr_ledger_trouble *out_trouble, bool *out_was_damaged);
