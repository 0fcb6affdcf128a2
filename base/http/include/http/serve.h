/* A server of HTTP on one listening socket, with libmicrohttpd: routes say which requests there
 * are, and one function each answers them, in threads of the server. It bounds headers, bodies,
 * connections of all, of one address and of one key, the work for one key, how long a connection
 * may say nothing, and the bytes of bodies and answers that all requests hold together: above that
 * (large ones: above half of it) it answers 503 with Retry-After. It refuses what is no HTTP, and
 * TLS below 1.2. It does not know which client may ask for what: that is the routes' work. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"

typedef struct emr_serve emr_serve;

/* One request, from its first line to its answer; one thread at a time has it. */
typedef struct emr_serve_call {
	const char *path;    /* behind that of the route */
	emr_buf body;	     /* whole, where the route takes no pieces */
	void *memory;	     /* of a route that takes or gives pieces */
	size_t memory_bytes; /* of it, where they are many: they count as the answer's do */
	emr_id32 asks;	     /* for the route that has found out who asks */

	/* The answer: 200 and bytes, until the route says otherwise. */
	unsigned code;
	const char *type;      /* of content, static text */
	const char *header[2]; /* a name and a value, static texts, or NULL */
	emr_buf out;
	bool is_streamed; /* behind OUT comes what the route's MORE gives */
	size_t sent;	  /* of OUT, where it is */
	int file; /* instead of OUT: its bytes from the beginning; the server closes it; 0: none */

	uint64_t waits_for;	/* emr_serve_wait */
	int64_t waits_until_ns; /* of system boot; 0: it has not waited */

	void *connection; /* of the library */
	const struct emr_serve_route *route;
	void *arg;	  /* of the set of the route */
	void *form;	  /* of the library */
	emr_status taken; /* of the pieces */
	bool is_answered; /* by a worker, or without its body */
	emr_serve *serve;
	uint64_t held; /* bytes that are counted for it */
	struct emr_serve_call *next_waiting;
} emr_serve_call;

typedef struct emr_serve_route {
	const char *method;
	const char *path; /* one that ends in "/" has something behind it */
	size_t body_max;  /* bytes; a longer body is 413 */
	/* Asked with the headers, where the body has more than OPEN_MAX bytes, or does not say how
	 * many: whether any of it is taken.  False: the answer is in CALL.  NULL: always. */
	size_t open_max;
	bool (*may)(void *arg, emr_serve_call *call);
	bool waits_for_disk; /* ANSWER, which may not wait otherwise, runs beside the threads that
			      * speak with clients, so that many wait for one flush together */
	/* Finds out who asks before that, into call->asks: then there are other workers for it, of
	 * which one key has two at a time, and the rest waits.  False: the answer is in CALL. */
	bool (*whose)(void *arg, emr_serve_call *call);
	bool by_address; /* strangers ask: those of one address, as those over a Unix socket, are
			  * one key of them */
	bool is_weighed; /* waits also while its key has had its work (emr_serve_worked) */
	/* Body and answer are wiped, and what the header of that name said; NULL: nothing is. */
	const char *secret;
	bool is_form; /* TAKE gets the bytes of the files in a multipart/form-data body */
	/* Each piece of the body as it comes; NULL: it is kept whole.  Any status but EMR_OK is
	 * kept in call->taken, and the rest of the body passed over. */
	emr_status (*take)(void *arg, emr_serve_call *call, emr_bytes piece);
	/* Called once, and again behind emr_serve_wait.  False: it waits. */
	bool (*answer)(void *arg, emr_serve_call *call);
	/* Appends to call->out what comes next of a streamed answer, some KiB at least; in a thread
	 * of the server, which serves others, too.  EMR_NOT_FOUND: it was all; anything else breaks
	 * the answer off, so that the client sees that it is not whole. */
	emr_status (*more)(void *arg, emr_serve_call *call);
	/* Takes back call->memory; called also when a client has gone. NULL: nothing. */
	void (*drop)(void *arg, emr_serve_call *call);
} emr_serve_route;

/* Routes of one module, ended by one without a method, with what their functions get. */
typedef struct emr_serve_set {
	const emr_serve_route *routes;
	void *arg;
} emr_serve_set;
#define EMR_SERVE_SETS 2

typedef struct emr_serve_options {
	int listen_fd; /* TCP or Unix; the server closes it, also when it does not start */
	const char *key, *certificate; /* PEM; both NULL: without TLS */
	unsigned connections_max; /* 0 = 512, of which one key has 64, and one address 64 more */
	uint64_t bytes_max;	  /* that requests hold together; 0 = 256 MiB */
	emr_serve_set sets[EMR_SERVE_SETS]; /* borrowed until it is stopped */
	/* KEY asked for more than it gets, TIMES in all: told the first time, and each time that
	 * this has doubled; any thread.  May be NULL. */
	void (*over)(void *arg, emr_id32 key, uint64_t times);
	void *over_arg;
} emr_serve_options;

/* EMR_IO: the library does not start. */
emr_status emr_serve_start(const emr_serve_options *options, emr_serve **out_serve);
/* Callers that wait are answered first. NULL is fine. */
void emr_serve_stop(emr_serve *serve);

const char *emr_serve_query(const emr_serve_call *call, const char *name); /* NULL: not there */
const char *emr_serve_header(const emr_serve_call *call, const char *name);
/* A decimal number of the query, ABSENT where it is not there.  EMR_INVALID. */
emr_status emr_serve_number(
	const emr_serve_call *call, const char *name, uint64_t absent, uint64_t *out);

/* A route's last act before it returns false: CALL is answered again when emr_serve_wake says more
 * than FOR, after MS, or when the server ends. */
void emr_serve_wait(emr_serve_call *call, uint64_t for_more_than, uint64_t ms);
/* Any thread, once a second at least: so often those are looked for whose time is over. */
void emr_serve_wake(emr_serve *serve, uint64_t number);

/* So many bytes were read for the key of CALL, which has so many a minute. */
#define EMR_SERVE_WORK_MAX ((uint64_t)2 << 30)
void emr_serve_worked(emr_serve_call *call, uint64_t bytes);

typedef struct emr_serve_counts {
	uint64_t requests, refused; /* refused: answers 4xx */
	unsigned waiting;
	uint64_t bytes; /* that requests hold */
} emr_serve_counts;
emr_serve_counts emr_serve_count(emr_serve *serve);
