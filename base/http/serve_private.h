/* This header has what the files of the server share: the server, and the requests that wait. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "http/serve.h"
#include "httpd.h"

#define SERVE_WORKERS 24u   /* of each lane */
#define SERVE_OF_ONE_KEY 2u /* of these at a time, where it is known who asks */
#define SERVE_KEYS 1024u    /* more than ask in a minute, or those that ask least are forgotten */

/* Workers, and the calls that are suspended until one of them has answered. */
typedef struct serve_lane {
	emr_serve *serve;
	emr_serve_call *first;
	pthread_cond_t has_work;
	pthread_t workers[SERVE_WORKERS];
	emr_id32 at_work[SERVE_WORKERS]; /* for whom each works, where that is known */
	unsigned n_workers;
} serve_lane;

/* A connection: of the first key that has shown itself there; zeros: of none yet. */
typedef struct serve_line {
	emr_id32 key;
	uint8_t address[8];
	struct serve_line *next;
} serve_line;

typedef struct serve_key {
	emr_id32 id;
	uint64_t work; /* bytes that were read for it, and drain away */
	int64_t at_ns; /* of system boot, when they were looked at */
	uint64_t over; /* how often it asked for more than it gets */
} serve_key;

struct emr_serve {
	struct MHD_Daemon *daemon;
	emr_serve_set sets[EMR_SERVE_SETS];
	pthread_mutex_t lock; /* of what follows */
	emr_serve_call *waiting;
	uint64_t number; /* that emr_serve_wake said last */
	bool is_ending;
	serve_lane lanes[2]; /* what is handed in; what keys ask for */
	serve_line *lines;
	serve_key keys[SERVE_KEYS];
	void (*over)(void *arg, emr_id32 key, uint64_t times);
	void *over_arg;
	atomic_uint_fast64_t requests, refused;
	uint64_t bytes_max;
	atomic_uint_fast64_t bytes; /* that all requests hold */
};

/* The client of CALL waits, as its route has said. */
void serve_suspend(emr_serve *serve, emr_serve_call *call);
/* Lock held: those whose wait NUMBER ends, or their time; or all. */
void serve_wake_those(emr_serve *serve, uint64_t number, bool is_all);

/* A thread that speaks with clients is given back to them meanwhile.  False: the server ends, or
 * has no workers. */
bool serve_give_work(emr_serve *serve, emr_serve_call *call);
void serve_start_workers(emr_serve *serve);
void serve_end_workers(emr_serve *serve); /* is_ending is set */

/* serve_keys.c: of the library, for a connection that comes, and when it begins and ends. */
enum MHD_Result serve_admits(void *arg, const struct sockaddr *at, socklen_t len);
void serve_note_line(void *arg, struct MHD_Connection *connection, void **memory,
	enum MHD_ConnectionNotificationCode what);
/* False: the key of CALL has as many connections as it may. */
bool serve_is_within(emr_serve *serve, const emr_serve_call *call);
/* Lock held: CALL waits, because its key has had its work of this minute. */
bool serve_is_spent(emr_serve *serve, const emr_serve_call *call);
/* CALL is asked by its address. */
void serve_ask_by_address(emr_serve_call *call);
/* ID asked for more than it gets. */
void serve_tell_over(emr_serve *serve, emr_id32 id);
