/* This is the handle of the embedded ledger, for embedded*.c only. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/worker.h"
#include "channel/backend.h"
#include "ledger/backend.h"
#include "ledger/chain.h"

#define EMBEDDED_BUSY_MS 10000u

/* Of a ledger that stands in a channel of Fabric: its file is what was read there. */
typedef struct embedded_channel {
	/* set when it is opened */
	emr_fabric *fabric;
	char *dir;   /* of the backend */
	int lock_fd; /* locked while this process follows the channel */
	int end_fd;  /* readable when the handle is closed */
	int stop_fd; /* readable from emr_ledger_stop on */
	bool is_stop_lent;
	pthread_t follower;
	bool has_follower;
	/* of the follower */
	emr_fabric_place place;
	bool is_known;	      /* the place; what was read before it fits the file */
	atomic_bool is_stuck; /* the last reading failed */
	int64_t lacking_due_ns, lacking_pause_ns; /* when parts that did not come are asked for */
	pthread_mutex_t known_lock;		  /* what follows */
	pthread_cond_t has_grown;
	bool is_current;  /* all that the backend had was read once */
	bool is_read;	  /* and all that most of its peers had, by whoever reads */
	bool is_beside;	  /* another process reads */
	bool is_met;	  /* its backend reads the channel of the ledger in the file */
	int64_t asked_ns; /* when the backend was asked how it is */
	emr_ledger_absence absence;
	emr_status own; /* this computer is what does not let it be read; EMR_OK: it is not */
	struct handing *in_hand; /* what waits for peers, for others */
	char said[EMR_FABRIC_SAID_BYTES];
} embedded_channel;

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
	embedded_channel *channel; /* NULL: the ledger is this file's own */
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

/* ---- embedded_channel.c, embedded_follow.c, embedded_parts.c: of a ledger in a channel ---- */

/* Opens the backend that the file beside the ledger names; NULL: there is none.  A ledger file that
 * is away is made again, to be read from the channel. */
emr_status embedded_channel_open(
	embedded *e, const emr_ledger_options *options, embedded_channel **out_channel);
/* Behind all the rest. */
emr_status embedded_channel_start(embedded *e);
void embedded_channel_stop(embedded *e); /* before anything else is closed */
void embedded_channel_free(embedded_channel *channel);
/* Until when a batch may wait that comes now.  A batch of this process is answered once what the
 * channel had is read, or cannot be: a host has read it before. */
int64_t embedded_await_follower(embedded *e);
/* As embedded_take, of a batch whose signatures are right. */
emr_status embedded_hand_in(embedded *e, const emr_id32 *submitter, const uint8_t sig[64],
	emr_bytes bytes, const emr_batch *batch, int64_t until_ns, emr_ledger_answer *out_answer);
/* embedded_lock.c */
/* All that follows from blocks is read from them again, where the file is not there. */
emr_status embedded_make_file(const embedded_channel *channel, int dirfd);
emr_status embedded_open_lock(embedded_channel *channel, int dirfd);
/* As long as a call may take from now on. */
int64_t embedded_end_ns(const embedded *e);
bool embedded_is_stopped(const embedded_channel *channel);
/* With known_lock, for what has grown. */
void embedded_wait_a_moment(embedded_channel *channel);

/* An emr_chain_fetch_fn on a handle; what no peer has is not given. */
emr_status embedded_fetch_peers(
	void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg);
/* All that the file lacks; *OUT_IS_LEFT: some of it no peer has yet. */
emr_status embedded_bring_lacking(embedded *e, bool *out_is_left);
/* The same, where it is time for it: it is soon where entries came. */
emr_status embedded_tend_lacking(embedded *e);
void embedded_expect_parts(embedded *e);
void embedded_look(void *self, emr_ledger_absence *out_absence);
void embedded_stop(void *self);

/* The backend reads the channel of the ledger in the file: its last entry stands there.
 * EMR_FORK: another one does. */
emr_status embedded_meet(embedded *e, int64_t until_ns);
/* Notes how the backend is; one whose reader goes no further counts as away. */
emr_status embedded_look_at_reader(embedded *e, int64_t until_ns);
/* Reads what came, of the channel or, IS_BESIDE another process that does, only whether the file
 * has it all: EMR_AWAITED, it has not. */
emr_status embedded_follow(embedded *e, unsigned wait_s, bool is_beside);
/* The thread that reads the channel until end_fd. */
void *embedded_follow_on(void *self);
emr_fabric_call embedded_call(const embedded *e, unsigned wait_s, int64_t until_ns);
void embedded_note_channel(embedded *e, emr_status status, const char *said);
