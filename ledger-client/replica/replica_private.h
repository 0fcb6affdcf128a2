/* This is the inside of a replica (this computer's verified copy of the ledger), for the files
 * of this folder only. */
#pragma once

#include <stdatomic.h>

#include "base/worker.h"
#include "ledger/chain.h"
#include "replica/follower.h"
#include "replica/people.h"
#include "replica/restart.h"

#include "mark.h"

#define REPLICA_DB "replica.sqlite"
#define REPLICA_LOCK "replica.lock"
#define REPLICA_REBUILD "replica.rebuild" /* its presence: the next open makes the copy again */
#define REPLICA_NEXT "replica.next"	  /* a directory: the copy that takes its place */
#define REPLICA_AHEAD "replica.ahead"	  /* a head that the copy has not reached */
#define REPLICA_RESTARTS "replica.restarts"
/* emr_key_text, ... of rows that urgent operations had ended which are gone after a restart. */
#define REPLICA_LACKING "replica.lacking"
#define READERS_KEPT 8
#define ENTRIES_KEPT 8 /* of at most 120 KiB, as a rule */

/* When parts that did not come with their entries are asked for again: the run under way only. */
typedef struct late_look {
	int64_t due_ns, pause_ns; /* boot time; 0: none is lacking */
	uint64_t newest;	  /* entry of a part that was lacking */
	uint64_t next;		  /* entry to go on at */
} late_look;

/* The runs and the thread that bring the copy up to date for all: follower.c only. */
typedef struct follower {
	pthread_mutex_t lock;  /* has_thread .. shown */
	pthread_cond_t turned; /* a run or a turn of the thread has ended */
	pthread_t thread;
	bool has_thread, is_ending, is_hurried;
	uint64_t failed;    /* turns that could not follow */
	emr_status trouble; /* of the last of them */
	int64_t heard_ns;   /* system's boot time of the last that could; 0: the last could not */
	bool is_running;
	uint64_t begun, ended; /* runs */
	emr_status status;     /* of the one that ended last */
	uint64_t shown;	       /* entries of a ledger that a still copy does not follow */
	int64_t late_due_ns;   /* boot time of the next run for late parts; INT64_MAX: none */
	late_look late;
	int64_t lost_due_ns; /* boot time of the next look for parts that the ledger lost */
	uint64_t lost_next;  /* entry to go on at */

	pthread_mutex_t told_lock; /* listeners are listed and called under it */
	emr_listener *listeners;
} follower;
void follower_init(follower *f);
/* Ends the thread. */
void follower_stop(emr_replica *r);
void follower_destroy(follower *f);

/* Every certificate that the ledger knows, so that nobody is called as somebody else:
 * replica_names.c only. */
typedef struct known_names {
	pthread_mutex_t lock; /* reads the copy under it */
	uint64_t size;	      /* entries that were looked at; 0: none yet */
	emr_buf all;
} known_names;
void names_init(known_names *names);
void names_destroy(known_names *names);

/* Those of the host that this computer has seen: replica_restart.c only. */
typedef struct known_restarts {
	emr_known_restart list[EMR_REPLICA_RESTARTS_MAX];
	size_t n;
	bool is_new;	      /* this opening changed them, and nobody was told */
	bool is_bad;	      /* the file cannot be read: no other is taken */
	atomic_bool is_asked; /* since the host was away last; any thread */
	bool is_short;	      /* the ledger reaches one of which the copy cannot tell yet */
	emr_chain *former;    /* this copy takes its place, and has its parts; borrowed, or NULL */
} known_restarts;

/* Entries that a host in recovery was given: replica_bring.c only. */
typedef struct brought {
	emr_id16 id;		   /* of the recovery */
	uint64_t size;		   /* entries of the host when it was asked; 0: it is asked again */
	bool is_all;		   /* it has all that this copy has */
	emr_id16 said, said_after; /* the recovery about which this was said, and behind its end */
} brought;

/* Heads that other organisations' hosts have signed: replica_witness.c only. */
typedef struct witness {
	atomic_bool is_known;
	_Atomic uint64_t size; /* entries; 0: nothing */
	int64_t due_ns;	       /* boot time: the follower's thread only */
} witness;

/* Heads that the host of a ledger has signed: replica_head.c only. */
typedef struct signed_heads {
	brought brought;
	atomic_bool is_forked;	/* two histories; any thread */
	uint64_t ahead;		/* entries of the head in REPLICA_AHEAD; 0: none */
	uint8_t ahead_root[32]; /* of that head */
	known_restarts restarts;
	witness witness;
} signed_heads;

/* By the follower's thread, once a minute.  *OUT_TROUBLE, where hosts have signed another history.
 */
/* replica_witness.c: another host was asked than one's own, or that lags and another is asked now
 * (emr_ledger_stand_in): EMR_OFFLINE, and no trouble; or WHY. */
emr_status replica_pass_over(emr_replica *r, emr_status why, emr_ledger_trouble *io_trouble);
/* Which hosts may stand in, by the rows of this copy. */
void replica_name_hosts(emr_replica *r);
void replica_look_for_witness(emr_replica *r, emr_ledger_trouble *out_trouble);

/* Each lock protects what is named beside it or stands below it. write_lock is the outermost, and
 * the ledger's locks are inside of it (but for the follower's); nothing is called under the other
 * three. The members above them are set when it is opened. */
struct emr_replica {
	int dirfd;
	int lock_fd;
	bool is_still;		    /* the disk takes nothing: the copy stays as it is */
	bool has_locals;	    /* its file has room for local copies */
	atomic_bool has_met_damage; /* in its own copy, since it was opened */
	emr_ledger *ledger;
	const emr_clock *clock;
	emr_replica_mine_fn is_mine;
	void *is_mine_arg;

	follower follower; /* its locks stand outside of all others here */
	known_names names; /* its lock stands outside of pool_lock and entries_lock */

	_Atomic uint64_t reached;   /* verified entries that are known to be in the copy */
	pthread_mutex_t write_lock; /* writer, mark, heads; held for a whole catch_up */
	emr_chain *writer;
	high_mark mark;
	signed_heads heads;
	bool is_mark_saved;    /* the file says the same */
	int64_t mark_saved_ns; /* boot time; -1 = not by this process */

	pthread_mutex_t kept_lock; /* the two below; nothing is called under it */
	emr_id16 *kept;		   /* domains of others whose parts are kept */
	size_t n_kept;

	pthread_mutex_t entries_lock;
	struct opened
		*entries[ENTRIES_KEPT]; /* owned, the last used first; NULL where there is none */

	pthread_mutex_t pool_lock; /* readers, n_readers, trouble, rot, fresh_ns */
	emr_chain *readers[READERS_KEPT];
	size_t n_readers;
	emr_ledger_trouble trouble;
	emr_ledger_trouble rot; /* what a comparison found and nothing has put right */
	int64_t fresh_ns;	/* boot time; -1 = never */
};

#define BUSY_MS 10000u /* for another process that writes */

/* A connection to read with, and back again. */
emr_status replica_take(emr_replica *replica, emr_chain **out_chain);
void replica_give(emr_replica *replica, emr_chain *chain);
/* One read, for which replica_take gives the chain, until the block is left. */
typedef struct reading {
	emr_replica *replica;
	emr_chain *chain;
	bool is_lent; /* the chain is that of the thread's snapshot */
} reading;
static inline void reading_end(const reading *r)
{
	if (r->chain && !r->is_lent)
		replica_give(r->replica, r->chain);
}
/* A connection for R, or the one of the snapshot in which this thread is. */
emr_status replica_reading_begin(reading *r);
#define READING(r, which) __attribute__((cleanup(reading_end))) reading r = {.replica = (which)}
/* The file that processes lock in turn, until flock(lock_fd, LOCK_UN). */
emr_status replica_lock_file(emr_replica *replica);
/* Remembers that this computer's copy is damaged, so that the next open makes it again; returns
 * STATUS. */
emr_status replica_own(emr_replica *replica, emr_status status);
/* Damage was found in this computer's copy, and it could not be made again yet. */
bool replica_is_doubtful(const emr_replica *replica);
/* As emr_replica_catch_up, where the ledger has just shown KNOWN entries (0: it has not). */
emr_status replica_catch_up(emr_replica *replica, uint64_t known, emr_replica_change_fn change,
	void *arg, uint64_t *out_n);
/* As emr_replica_mend, when the file is locked and nobody else is there. */
emr_status replica_mend(emr_replica *replica, emr_replica_mended *out_mended);

/* Whether emr_replica_keep was called for DOMAIN. */
bool replica_keeps(emr_replica *replica, emr_id16 domain);
/* WHAT, with ARG, in one transaction of the only writer, among threads and among processes. */
emr_status replica_write_alone(
	emr_replica *r, emr_status (*what)(emr_replica *r, void *arg), void *arg);
emr_status replica_ask_for_all(emr_replica *r);
/* Parts of entry SEQ that the copy lacks come from BATCH, which was sent from here and is that
 * entry's. EMR_MISSING_DATA: it lacks one all the same. */
emr_status replica_take_sent(emr_replica *r, emr_bytes batch, uint64_t seq);
/* Those that entry SEQ brought, at least. */
emr_status replica_ask_for_entry(emr_replica *r, uint64_t seq);
/* As often as it is worth it, if the ledger can be asked; when it is next (boot time). */
int64_t replica_late_turn(emr_replica *r, bool may_ask);
/* The same for parts that the ledger has lost, and this copy has. */
int64_t replica_lost_turn(emr_replica *r, bool may_ask);
/* When it is opened: what is known of its host. */
void replica_open_heads(emr_replica *r);
/* With SIZE entries in the copy: that they are what the host signed last, and for others; what it
 * signed of more is left for later.  MARK is of the copy, or of one that was here.  EMR_FORK with
 * *OUT. */
emr_status replica_check_heads(
	emr_replica *r, uint64_t size, const high_mark *mark, emr_ledger_trouble *out);
/* Whether the host has signed exactly the SIZE entries of the copy last. */
bool replica_is_signed(emr_replica *r, uint64_t size);
/* The copy has SIZE entries, which were compared. */
void replica_reached(emr_replica *r, uint64_t size);
/* To a host that lost entries, which is away meanwhile. */
void replica_bring(emr_replica *r);
/* Whether a row of REPLICA_LACKING is in force. */
bool replica_is_lacking(emr_replica *r);
/* Of a host that is shorter than what it signed: away, once it says that it lost entries. */
emr_status replica_begin_bringing(emr_replica *r);
/* For emr_replica_last_trouble. */
void replica_keep_trouble(emr_replica *r, const emr_ledger_trouble *trouble, bool is_fresh);
/* In a transaction of the writer: the last one that fits is kept, to be shown to others. */
emr_status replica_keep_head(emr_replica *r, uint64_t size);
/* After EMR_FORK.  Of a ledger that a host serves: nothing is handed in from here on, now and after
 * each opening. */
void replica_condemn(emr_replica *r, const emr_ledger_trouble *trouble);
struct emr_checkpoint;
/* When it is opened: what restarts it knows, and the copy that was made after the newest. */
void replica_open_restarts(emr_replica *r);
void replica_take_next(emr_replica *r);
/* An emr_chain_fetch_fn on a replica: of its ledger, and of the copy whose place it is to take. */
emr_status replica_fetch(
	void *replica, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg);
/* Whether HEAD, of the host, is of what was lost at a restart. */
bool replica_is_before_restart(const emr_replica *r, const struct emr_checkpoint *head);
/* EMR_OFFLINE: entries of the copy are gone, and a new one has to be made first. */
emr_status replica_waits(emr_replica *r);
emr_status replica_restart_is(emr_replica *r, emr_restart_state state);
/* The ledger cannot be read: is the copy the newest that this computer has verified?  Then it is
 * all that is needed; else the folder must not be changed on its ground. */
emr_status replica_check_alone(
	emr_replica *r, uint64_t size, emr_status away, emr_ledger_trouble *out);
/* A run, of a copy with SIZE entries, came to WHY.  Where a restart explains that, EMR_OFFLINE: a
 * new copy has to be made first; or EMR_OK: it can be followed. */
emr_status replica_excuse(emr_replica *r, uint64_t size, uint64_t ledger_size, emr_status why,
	emr_ledger_trouble *io_trouble);
/* The copy waits: whether there is another restart, which takes more away. */
emr_status replica_ask_again(emr_replica *r);
/* The copy has SIZE entries, and fits the host's LEDGER_SIZE: is there a restart that it does not
 * know? */
void replica_ask_restarts(emr_replica *r, uint64_t size, uint64_t ledger_size);
/* The mark of the copy as it stands now, with SIZE entries. */
emr_status replica_new_mark(emr_replica *replica, uint64_t size, high_mark *out);
/* Inside of write_lock, or when nobody else is there. */
emr_status replica_save_mark(emr_replica *replica, bool is_last);
/* Item INDEX of an entry, but for is_mine. */
void replica_change_of(
	const emr_entry *entry, const emr_batch *batch, uint16_t index, emr_replica_change *out);

/* EMR_DAMAGED for a row that cannot be. */
static inline emr_status replica_parsed(emr_contract_status status)
{
	return status == EMR_CONTRACT_OK ? EMR_OK : EMR_DAMAGED;
}

/* The members of OUT that stand in an O row. */
emr_status replica_parse_head(emr_span value, emr_replica_head *out);
bool replica_row_is_mine(const emr_replica *replica, emr_id16 domain, emr_bytes row);
/* The item at version 1 of FAMILY. */
emr_status replica_first_item(emr_replica *replica, uint8_t family, emr_id16 domain,
	emr_id16 object, emr_buf *bytes, emr_replica_item *out_item);
/* Where the item that a row's head names was entered: the row may have been written again since. */
emr_status replica_place_of(emr_replica *replica, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_chain_placed *out);
/* The members of GRANT that are none of its row and key. */
emr_status replica_complete_grant(emr_replica *replica, emr_known_grant *grant);
static inline emr_span pub_of(const emr_replica_item *item)
{
	return (emr_span){item->bytes.data + EMR_ITEM_BYTES, item->bytes.len - EMR_ITEM_BYTES};
}

/* Reads the row of the state under the key TEXT into OUT, by the reader of rows NAME. */
#define REPLICA_ROW(replica, text, name, out)                                                      \
	({                                                                                         \
		EMR_AUTO_BUF bytes_ = {0};                                                         \
		emr_status status_ = emr_replica_state_get(replica, text, &bytes_);                \
                                                                                                   \
		status_ == EMR_OK ? replica_parsed(emr_row_##name##_parse(                         \
					    emr_span_of(emr_buf_view(&bytes_)), out))              \
				  : status_;                                                       \
	})

/* Reads the certificate REF in the private part at KEY; both borrow from OUT_PART. EMR_NOT_FOUND:
 * it is not there, or of another one. */
emr_status replica_certificate_at(emr_replica *replica, const emr_part_key *key,
	const uint8_t ref[32], emr_buf *out_part, emr_bytes *out_der, emr_bytes *out_name);

static inline emr_span view_of(const emr_buf *buf)
{
	return emr_span_of(emr_buf_view(buf));
}
