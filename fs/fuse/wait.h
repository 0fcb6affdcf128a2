/* Requests that may have to wait for something slow, each with a deadline.  Whoever takes a request
 * out of the table answers it, and nobody else: the thread that did the work, the deadline, or
 * (where it is listened to) an interrupt.  Reads do not listen: the kernel sends no interrupts for
 * those through its cache, whose programs can be killed while they wait. */
#pragma once

#include "session.h"

#define WAIT_READ_NS                                                                               \
	INT64_C(30000000000) /* for the bytes of a record, unless the options say otherwise */
#define WAIT_MAX 192	     /* above it the oldest is answered at once */

/* The thread that watches deadlines (CLOCK_BOOTTIME: suspended time counts). */
emr_status wait_start(void);
void wait_stop(void); /* fine when not started; nothing may be waiting any more */

/* REQ will be answered by whoever takes the id; ETIMEDOUT after NS. */
uint64_t wait_begin(fuse_req_t req, int64_t ns);
/* The same, and the program that waits may be interrupted: then it is answered with EINTR. */
uint64_t wait_begin_listening(fuse_req_t req, int64_t ns);
/* True: the caller answers.  False: it was answered already, REQ must not be touched. */
bool wait_take(uint64_t id);
