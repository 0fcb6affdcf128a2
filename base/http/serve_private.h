/* This header has what the files of the server share: the server, and the requests that wait. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "http/serve.h"
#include "httpd.h"

#define SERVE_WORKERS 24u /* that answer what waits for a disk */

struct emr_serve {
	struct MHD_Daemon *daemon;
	emr_serve_set sets[EMR_SERVE_SETS];
	pthread_mutex_t lock; /* of what follows */
	emr_serve_call *waiting;
	uint64_t number; /* that emr_serve_wake said last */
	bool is_ending;
	emr_serve_call *work, **work_end; /* suspended, until a worker has answered them */
	pthread_cond_t has_work;
	pthread_t workers[SERVE_WORKERS];
	unsigned n_workers;
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
