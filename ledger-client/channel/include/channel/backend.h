/* The backend of a host on a channel of Hyperledger Fabric (emrfs-fabric; ../fabric/FORMAT.md) is
 * called with these functions: a transaction is handed in, how it ended is asked, verified
 * transactions and private parts are read, and how the channel is. They refuse answers that are
 * not as that text says, or longer than stated limits. They look into no transaction. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "base/status.h"

typedef struct emr_fabric emr_fabric; /* thread-safe */

/* DIR has the backend's socket; nobody is asked.  EMR_INVALID: no socket can be there. */
emr_status emr_fabric_open(const char *dir, emr_fabric **out_fabric);
void emr_fabric_close(emr_fabric *fabric); /* NULL is fine; no other thread may be inside */
EMR_AUTO_CALL(emr_fabric_auto, emr_fabric *, emr_fabric_close);
#define EMR_AUTO_FABRIC __attribute__((cleanup(emr_fabric_auto))) emr_fabric *

#define EMR_FABRIC_SAID_BYTES 256

/* How a call is made, and what was said about it.  Each may fail with EMR_OFFLINE (the backend, or
 * all peers, are away), EMR_TIMEOUT, EMR_INTERRUPTED, EMR_DAMAGED (no answer of a backend),
 * EMR_INVALID (it does not take the question), EMR_LIMIT (above a limit of it or of the channel),
 * EMR_BUSY (too much waits there), EMR_IO (it could not, and its log says why), EMR_NO_MEMORY. */
typedef struct emr_fabric_call {
	unsigned wait_s;		  /* until there is something to answer; at most 60 */
	int64_t until_ns;		  /* of system boot, it takes no longer; 0: its own time */
	int cancel_fds[2];		  /* readable: it is given up; 0 = none; borrowed */
	char said[EMR_FABRIC_SAID_BYTES]; /* printable; empty: nothing */
} emr_fabric_call;

typedef struct emr_fabric_transaction {
	const char *id, *line; /* ../fabric/FORMAT.md, §1 */
	const char *function;
	const emr_bytes *args;
	size_t n_args;
	const char *transient_name; /* NULL: none */
	emr_bytes transient;
} emr_fabric_transaction;

typedef struct emr_fabric_end {
	enum {
		EMR_FABRIC_WAITING,
		EMR_FABRIC_ENTERED,
		EMR_FABRIC_ANSWERED,
		EMR_FABRIC_REFUSED
	} state;
	uint64_t validity; /* of one that was entered: 0 = it counts */
	uint64_t status;   /* of one that was refused; 0, or from 500 on: no decision */
	char said[EMR_FABRIC_SAID_BYTES];
} emr_fabric_end;

/* It is kept behind EMR_OK, also across a power cut.  EMR_CONFLICT: another one was handed in by
 * that id. */
emr_status emr_fabric_hand_in(emr_fabric *fabric, emr_fabric_call *call,
	const emr_fabric_transaction *transaction, emr_fabric_end *out_end);
/* EMR_NOT_FOUND: none was handed in by that id, or long ago. */
emr_status emr_fabric_ended(
	emr_fabric *fabric, emr_fabric_call *call, const char *id, emr_fabric_end *out_end);

#define EMR_FABRIC_ARGS_MAX 4

/* A transaction that counts and writes; borrowed for the time of the call. */
typedef struct emr_fabric_logged {
	uint64_t block, index;
	uint64_t time; /* Unix seconds */
	const char *function;
	emr_bytes args[EMR_FABRIC_ARGS_MAX]; /* of more the first ones */
	size_t n_args;
	emr_bytes answer;
} emr_fabric_logged;
typedef emr_status (*emr_fabric_logged_fn)(void *arg, const emr_fabric_logged *logged);

typedef struct emr_fabric_place {
	uint64_t block, index;
	uint64_t height;  /* out alone: how many blocks are verified */
	char genesis[65]; /* in hex, of the channel; "": not known yet */
} emr_fabric_place;

/* Transactions from *PLACE on, which is then behind the last one that FN took with EMR_OK, or
 * behind all that were looked at.  EMR_INVALID: the backend has not so many blocks; EMR_FORK: it
 * reads another channel. */
emr_status emr_fabric_log(emr_fabric *fabric, emr_fabric_call *call, emr_fabric_place *place,
	emr_fabric_logged_fn fn, void *arg);

#define EMR_FABRIC_KEYS_MAX 256
typedef struct emr_fabric_part {
	emr_bytes part; /* data NULL: nobody who answered has it */
	bool has_hash;	/* by the verified blocks somebody put one there, and nobody purged it */
	bool is_later;	/* nothing is said of it: ask again */
} emr_fabric_part;
typedef emr_status (*emr_fabric_part_fn)(void *arg, size_t index, const emr_fabric_part *part);
/* *OUT_IS_COMPLETE: every peer answered. */
emr_status emr_fabric_parts(emr_fabric *fabric, emr_fabric_call *call, const char *collection,
	const char *const *keys, size_t n, emr_fabric_part_fn fn, void *arg, bool *out_is_complete);

/* The word of one peer, appended.  EMR_REFUSED: the contract said no. */
emr_status emr_fabric_ask(emr_fabric *fabric, emr_fabric_call *call, const char *function,
	const emr_bytes *args, size_t n, emr_buf *out);

#define EMR_FABRIC_MSP_MAX 250
#define EMR_FABRIC_LIST_MAX 16
typedef struct emr_fabric_certificate {
	char of[EMR_FABRIC_SAID_BYTES];
	int64_t days; /* until it ends; below 0: since then */
} emr_fabric_certificate;
typedef struct emr_fabric_alone {
	char policy[EMR_FABRIC_SAID_BYTES], organisations[EMR_FABRIC_SAID_BYTES];
} emr_fabric_alone;
typedef struct emr_fabric_state {
	uint64_t height, time; /* verified blocks; the newest time in them, Unix seconds */
	uint64_t waiting;      /* transactions that have not ended */
	size_t n_peers,
		n_away; /* the latter: those that did not answer when they were asked last */
	/* Those that end first, and policies that these organisations each fulfil alone. */
	size_t n_certificates, n_alone;
	emr_fabric_certificate certificates[EMR_FABRIC_LIST_MAX];
	emr_fabric_alone alone[EMR_FABRIC_LIST_MAX];
	char msp[EMR_FABRIC_MSP_MAX]; /* of the backend's own organisation */
	char genesis[65];	      /* of the channel, in hex */
	bool is_stopped;	      /* the reader goes no further, because of SAID */
	bool is_behind; /* most peers that it hears have more blocks, or it hears none */
	char said[EMR_FABRIC_SAID_BYTES];
} emr_fabric_state;
emr_status emr_fabric_ask_state(
	emr_fabric *fabric, emr_fabric_call *call, emr_fabric_state *out_state);

/* ---- applications of organisations, which lie in the channel ---- */

#define EMR_FABRIC_LETTER_MAX 12288
#define EMR_FABRIC_LETTERS_MAX 4096 /* that are looked at */
typedef emr_status (*emr_fabric_letter_fn)(void *arg, emr_bytes letter);

/* ID follows from LETTER.  It is there behind EMR_OK, or on its way: call->wait_s is how long
 * that is waited for.  EMR_EXISTS: another one is there by that id; EMR_LETTERS_SPENT: as
 * many were left today as may be. */
emr_status emr_fabric_leave(
	emr_fabric *fabric, emr_fabric_call *call, emr_id16 id, emr_bytes letter);
/* Each that lies there, by the word of one peer. */
emr_status emr_fabric_letters(
	emr_fabric *fabric, emr_fabric_call *call, emr_fabric_letter_fn fn, void *arg);
