/* This header has what the ledger of a host (client.c) and its letters and tokens (line.c) share:
 * how the host is asked. */
#pragma once

#include <pthread.h>
#include <time.h>

#include "http/request.h"
#include "ledger/ledger.h"
#include "served/client.h"
#include "wire.h"

#define TIMEOUT_MS 60000u
#define BEARER "Authorization: Bearer "

typedef struct client {
	/* set when it is opened */
	emr_http *http;
	char *path; /* the directory with the settings */
	emr_buf descriptor;
	emr_id16 net_id;
	const emr_keyring *submitter; /* NULL: none, or the one that is there later */
	emr_keyring *const *submitter_at;
	emr_id32 submitter_id;
	const emr_clock *clock;
	int wake_fd, stop_fd;
	bool is_wake_lent, is_stop_lent;

	pthread_mutex_t lock; /* of what follows */
	emr_served_at at;     /* the settings as they were when the file was what is in SEEN */
	struct timespec seen;
	char token[sizeof BEARER + WIRE_TOKEN_CHARS];
	uint64_t token_unix_s; /* since when it is there */
	emr_status last;       /* how the host was when it was asked last */
	uint64_t away_unix_s;
	int64_t looked_ns;  /* of system boot */
	bool is_other_host; /* it showed another key */
	emr_buf head;	    /* the checkpoint that the host signed last */
	uint64_t head_size; /* as it says */
} client;

/* One request; what is not said here is as for any. */
typedef struct question {
	const char *path; /* behind WIRE_ROOT */
	bool is_post;
	emr_bytes body;
	uint32_t timeout_ms; /* 0 = TIMEOUT_MS */
	bool is_wait;	     /* emr_ledger_wake ends it */
	bool is_open;	     /* needs no token */
} question;

/* Over options->path; it opens while the host is away.  Freed by client_close, also where it fails.
 */
emr_status client_open(const emr_ledger_options *options, int wake_fd, client **out_client);
void client_close(void *self);
/* Where it is, by the settings as they are now: the member may have been told of another address,
 * or of another key. */
emr_served_at client_at(client *c);
/* The host's answer, into OUT; EMR_OFFLINE and others where there is none.  BEARER NULL: without a
 * token. */
emr_status client_ask_once(client *c, const question *q, const char *bearer, emr_buf *out);
/* With the token that is kept, and once more with a new one where that is not taken. */
emr_status client_ask(client *c, const question *q, emr_buf *out);
