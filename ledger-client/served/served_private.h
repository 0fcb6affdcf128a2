/* This header has what the files of the server share: the server, one request under way, and what
 * answers it. */
#pragma once

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "ledger/chain.h"
#include "served/server.h"
#include "wire.h"

/* One request, from its first line to its answer. */
typedef struct served_call {
	struct MHD_Connection *connection;
	const char *path; /* behind WIRE_ROOT */
	emr_buf body;	  /* of a POST */
	bool is_too_long;
	bool has_head;	 /* MHD has told the headers */
	emr_id32 reader; /* whose the token is */
	emr_buf out;
	uint64_t wait_since;	  /* of a client that waits: until there are more entries */
	int64_t wait_until_ns;	  /* of system boot; 0: it does not wait */
	struct served_call *next; /* among those that wait */
} served_call;

struct emr_served {
	/* set when it is started */
	emr_ledger *ledger;
	emr_id16 net_id;
	const emr_clock *clock;
	uint8_t secret[32];
	struct MHD_Daemon *daemon;
	pthread_t watcher; /* wakes those who wait */
	bool has_watcher;
	int dirfd;

	pthread_mutex_t rows_lock;
	emr_chain *rows; /* keys of members */

	pthread_mutex_t lock; /* of what follows */
	served_call *waiting;
	bool is_ending;

	atomic_uint_fast64_t requests, refused, batches;
};

/* The status of the answer, whose body is in CALL->out.  EMR_AWAITED: not yet, CALL waits. */
emr_status served_answer(emr_served *served, const char *method, served_call *call);

/* For the token that CALL's body asks for. */
emr_status served_give_token(emr_served *served, served_call *call);
/* Whether the token is the server's, not over, and of a key that is in force now:
 * EMR_BAD_SIGNATURE, EMR_DENIED. */
emr_status served_check_token(emr_served *served, const char *text, emr_id32 *out_reader);
/* The K row's public key of a key that is in force; EMR_DENIED. */
emr_status served_key_in_force(emr_served *served, emr_id32 signer, uint8_t out_pk[32]);
