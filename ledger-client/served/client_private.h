/* This header has what the ledger of a host (client.c) and its letters and tokens (line.c) share:
 * how the host is asked. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "http/request.h"
#include "ledger/checkpoint.h"
#include "ledger/ledger.h"
#include "served/client.h"
#include "wire.h"

#define TIMEOUT_MS 60000u
#define SILENCE_MS 10000u /* after which nobody is there */
#define LOOK_NS INT64_C(1000000000)
#define SILENT_NS INT64_C(20000000000) /* as long as nobody else waits for one who says nothing */
#define HOSTS_MS 15000		       /* between two looks whether one's own host is back */
#define BEARER "Authorization: Bearer "
#define BYTES "Content-Type: application/octet-stream"

/* Hosts of other organisations (hosts.c). */
typedef struct client_hosts {
	emr_served_at list[EMR_LEDGER_HOSTS_MAX];
	size_t n;
	size_t by;	 /* which one is asked: list[by - 1]; 0: one's own */
	bool is_fixed;	 /* it is asked and no other */
	bool has_lagged; /* one's own, since another has answered */
	bool is_shut;	 /* the last one lets this key in no more, or not yet */
	emr_id32 refused[EMR_LEDGER_HOSTS_MAX]; /* keys */
	size_t n_refused;
	uint64_t away_unix_s; /* since when one's own is; 0: it is not */
	int64_t due_ns;	      /* of system boot: one's own is asked again */
} client_hosts;

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
	int64_t looked_ns;	   /* of system boot, also the next */
	int64_t silent_until_ns;   /* nobody asks but with is_wait */
	bool is_asked;		   /* the last look had no answer in its time, which says nothing */
	int64_t ahead_s;	   /* see emr_ledger_absence */
	bool is_other_host;	   /* it showed another key */
	atomic_bool is_recovering; /* it takes from its members what its ledger lost */
	emr_buf head;		   /* the checkpoint that the host signed last */
	uint64_t head_size;	   /* as it says */
	client_hosts hosts;
	uint64_t untaken_unix_s; /* since when it takes no batch because of UNTAKEN, a fault of its
				  * own; 0: it does */
	const char *untaken;
} client;

/* So far apart are the clocks that there is no token. */
#define CLIENT_IS_BARRED(c) (llabs((c)->ahead_s) > (int64_t)WIRE_CLOCKS_APART_S)

/* One request; what is not said here is as for any. */
typedef struct question {
	const char *path; /* behind WIRE_ROOT */
	bool is_post;
	emr_bytes body;
	const char *header;  /* a line of HTTP; NULL: none */
	uint32_t timeout_ms; /* 0 = TIMEOUT_MS, and SILENCE_MS without a byte */
	bool is_wait;	     /* emr_ledger_wake ends it */
	bool is_brief;	     /* that it has no answer in its time says nothing */
	bool is_open;	     /* needs no token */
	bool is_beside;	     /* its answer does not say whether the ledger is there */
	bool is_own;	     /* for one's own host, whichever is asked now */
} question;

/* Over options->path; it opens while the host is away.  Freed by client_close, also where it fails.
 */
emr_status client_open(const emr_ledger_options *options, int wake_fd, client **out_client);
void client_close(void *self);
/* Where it is, by the settings as they are now: the member may have been told of another address,
 * or of another key. */
emr_served_at client_at(client *c);
/* settings.c: those in the directory PATH.  EMR_EXISTS: the file is still the one that was written
 * at *IO_SEEN. */
emr_status client_settings(const char *path, struct timespec *io_seen, emr_served_at *out);
/* The host's answer, into OUT; EMR_OFFLINE and others where there is none.  BEARER NULL: without a
 * token. */
emr_status client_ask_once(client *c, const question *q, const char *bearer, emr_buf *out);
/* line.c, for meet.c too.  A new connection to the host at AT. */
emr_status client_open_line(const emr_served_at *at, emr_http **out_http);
/* By the number and the word of an answer. */
emr_status client_status_of(const emr_http_answer *answer, const emr_buf *body);
/* Only the host of HOST_KEY can have given the first LEN bytes of TEXT, and to this REQUEST. */
bool client_is_given(emr_id32 host_key, const uint8_t request[WIRE_TOKEN_REQUEST_BYTES],
	const emr_buf *text, size_t len);
/* The clock of a host that said HOST between SENT and NOW (ahead_s of emr_ledger_absence). */
int64_t client_ahead_of(uint64_t host, uint64_t sent, uint64_t now);
/* With the token that is kept, and once more with a new one where that is not taken. */
emr_status client_ask(client *c, const question *q, emr_buf *out);

/* Of the network in DIR, without a ledger over it. */
emr_status client_ask_in(
	const char *dir, const emr_keyring *keyring, const question *q, emr_buf *out);

/* hosts.c.  Which one is asked now (client_hosts.by). */
size_t client_by(client *c);
/* Under c->lock: what was said by the one that was asked so far is forgotten. */
void client_forget(client *c);
/* Under c->lock: the one with the number BY has not answered. */
void client_pass_over(client *c, size_t by);
/* Another one is asked: EMR_OFFLINE; or STATUS, where nobody stands in. */
emr_status client_refuse(client *c, emr_status status);
/* The same under c->lock: EMR_OK, another one is asked now. */
emr_status client_judge(client *c, emr_status shown);
/* The addresses that are kept, with a NUL behind them. */
emr_status client_read_hosts(const char *path, emr_buf *out);
/* One's own, if it is due, and answers. */
void client_try_own(client *c);
/* HEAD is signed by one's own host, or, WITH_OTHERS, by one that may stand in. */
emr_status client_signed(client *c, const emr_checkpoint *head, bool with_others);
emr_status client_knows(void *self, const emr_checkpoint *head);
emr_status client_stand_in(void *self, emr_ledger_standing *io);
/* The one with NUMBER in the directory PATH is asked, and no other.  EMR_NOT_FOUND. */
emr_status client_fix_host(client *c, size_t number);

/* client.c: an answer that came to STATUS, which it gives back, with BODY: whether the host is in
 * recovery. */
emr_status client_hear_recovery(client *c, emr_status status, const emr_buf *body);
/* client.c: the one in DIRFD; where there is none, what is KNOWN. */
emr_status client_descriptor(client *c, int dirfd, emr_bytes known);
