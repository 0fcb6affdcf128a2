/* Requests that wait for what another computer must give, each with a deadline.  Whoever takes a
 * request out of the table answers it, and nobody else: the thread that did the work, the deadline,
 * or an interrupt.  Reads of what is on this disk are not among them: they have no deadline.  Reads
 * of what must be brought are, block by block. */
#pragma once

#include "session.h"

#define WAIT_MAX                                                                                   \
	640 /* above it the oldest is answered at once; the kernel has 256 reads under way */

/* The thread that watches deadlines (CLOCK_BOOTTIME: suspended time counts). */
emr_status wait_start(void);
void wait_stop(void); /* fine when not started; nothing may be waiting any more */

/* REQ will be answered by whoever takes the id: ETIMEDOUT after NS, EINTR when the program that
 * waits is interrupted. */
uint64_t wait_begin(fuse_req_t req, int64_t ns);
/* True: the caller answers.  False: it was answered already, REQ must not be touched. */
bool wait_take(uint64_t id);
