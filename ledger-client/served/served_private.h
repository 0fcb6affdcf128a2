/* This header has what the files of the server share: the server, and what answers its requests. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "channel/backend.h"
#include "http/serve.h"
#include "ledger/chain.h"
#include "ledger/restart.h"
#include "served/server.h"
#include "wire.h"

/* Other hosts of the channel, and the thread that asks them: witness.c. */
typedef struct others {
	const emr_served_at *list; /* borrowed */
	size_t n;
	pthread_t asker;
	bool has_asker;
	int stop_fd; /* ends its requests, and those of the workers */
} others;

/* Calls at once: an authority or peers that say nothing hold no more workers. */
#define SERVED_RELAYED 8u

struct emr_served {
	/* set when it is started; LEDGER NULL while all of it is lost */
	emr_ledger *ledger;
	const char *path; /* of the ledger's directory; owned */
	emr_id16 net_id;
	const emr_clock *clock;
	uint8_t secret[32], sk[64]; /* SK: of its key, KEY */
	emr_id32 key;
	uint8_t seal[32]; /* of tokens: made when it starts, and nowhere else */
	emr_serve *serve;
	pthread_t watcher; /* wakes those who wait for entries */
	bool has_watcher;
	others others;
	atomic_bool is_ending;
	int dirfd, mail_dirfd, host_dirfd;

	atomic_bool is_recovering; /* recovery.c alone changes it; under rows_lock, as what follows
				    */
	pthread_mutex_t rows_lock;
	emr_chain *rows;    /* keys of members; in recovery the ledger that grows */
	bool is_net_known;  /* by what lay here when it started, not by what a member brought */
	emr_recovery lost;  /* of the recovery under way, or the last one */
	emr_buf restarts;   /* of emr_checkpoint: the host's own statements */
	int64_t changed_ns; /* since when nobody brought anything */

	pthread_mutex_t head_lock;
	emr_buf head; /* of head_size entries, signed; 0: none yet */
	uint64_t head_size;

	atomic_uint_fast64_t batches, failures[EMR_SERVED_FAILURES];
	atomic_uint relayed; /* calls that wait for the authority now, or for peers */
};

extern const emr_serve_route served_routes[];

/* head.c: appends the signed checkpoint of SIZE entries, which the ledger has. */
emr_status served_put_head(emr_served *served, uint64_t size, emr_buf *out);

/* head.c: NOTE, signed by the host now. */
emr_status served_sign(const emr_served *served, emr_checkpoint *note);

/* recovery.c.  Before the ledger, of SIZE entries, is opened: whether entries of it are lost. */
emr_status served_open_recovery(emr_served *served, uint64_t size);
/* EMR_OFFLINE: entries are lost, and nothing is taken or signed. */
emr_status served_is_open(const emr_served *served);
/* Once a second: whether the ledger may go on. */
void served_turn_recovery(emr_served *served);
emr_status served_give_recovery(emr_served *served, emr_serve_call *call);
/* With SIZE entries here. */
emr_status served_begin_recovery(emr_served *served, uint64_t size);

/* brought.c */
emr_status served_take_brought(emr_served *served, emr_serve_call *call);
/* Under rows_lock.  EMR_CONFLICT: the chain here, of SIZE entries, which the head SHOWN proves, is
 * not that of a head that was brought before them. */
emr_status served_compare_kept(emr_served *served, uint64_t size, emr_bytes shown);

/* head.c: the host's key, of its secret. */
emr_id32 served_open_key(const uint8_t secret[32], uint8_t out_sk[64]);

/* letters.c */
emr_status served_leave_letter(emr_served *served, emr_serve_call *call);
emr_status served_find_letter(emr_served *served, emr_serve_call *call);
emr_status served_give_applications(emr_served *served, emr_serve_call *call);

/* relay.c: what CALL asks the authority of the host's organisation, and that one's name. */
emr_status served_relay(emr_served *served, emr_serve_call *call);
emr_status served_give_authority(emr_served *served, emr_serve_call *call);
/* witness.c: this host's signature under the head in CALL's body. */
emr_status served_cosign(emr_served *served, emr_serve_call *call);
/* Their addresses. */
emr_status served_name_others(const emr_served *served, emr_serve_call *call);
/* A thread, with the server: asks the others for theirs. */
void *served_ask_others(void *arg);

/* For the token that CALL's body asks for. */
emr_status served_give_token(emr_served *served, emr_serve_call *call);
/* Whether CALL shows a token, as emr_served_check, and the number of entries that its key may read:
 * all (UINT64_MAX), or those up to the one that ended it. */
emr_status served_check_reader(emr_served *served, emr_serve_call *call, uint64_t *out_below);
