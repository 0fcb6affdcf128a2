/* This header has what the files of the server share: the server, and what answers its requests. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "http/serve.h"
#include "ledger/chain.h"
#include "served/server.h"
#include "wire.h"

struct emr_served {
	/* set when it is started */
	emr_ledger *ledger;
	emr_id16 net_id;
	const emr_clock *clock;
	uint8_t secret[32];
	emr_serve *serve;
	pthread_t watcher; /* wakes those who wait for entries */
	bool has_watcher;
	atomic_bool is_ending;
	int dirfd, mail_dirfd;

	pthread_mutex_t rows_lock;
	emr_chain *rows; /* keys of members */

	atomic_uint_fast64_t batches;
};

extern const emr_serve_route served_routes[];

/* letters.c */
emr_status served_leave_letter(emr_served *served, emr_serve_call *call);
emr_status served_find_letter(emr_served *served, emr_serve_call *call);

/* For the token that CALL's body asks for. */
emr_status served_give_token(emr_served *served, emr_serve_call *call);
/* The number of entries up to the one that revoked SIGNER's key, which that key may read: its
 * computer would never hear of its end.  EMR_DENIED: nobody has revoked it. */
emr_status served_end_of(emr_served *served, emr_id32 signer, uint64_t *out_below);
