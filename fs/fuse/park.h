/* Requests that wait for something another computer must give: put off until the view has it, or a
 * deadline, or an interrupt. Refuses to keep a thread: the request is answered by whoever takes it
 * out of the wait table. */
#pragma once

#include "view/received.h"

#include "caller.h"
#include "session.h"

/* A request as it came, for when it can be answered. */
typedef struct parked {
	uint64_t node;
	struct fuse_file_info info;	 /* OPEN */
	char program[CALLER_NAME_BYTES]; /* that opens without a person; "": a person, or nobody
					    asked */
	size_t size;			 /* READDIR */
	off_t offset;
	bool plus;
	char name[256];	 /* LOOKUP; "": none */
	emr_attr wanted; /* SETATTR */
	unsigned mask;
} parked;

/* Answers the request as if it came now; STATUS is not EMR_OK when there is only an error to give.
 */
typedef void (*park_fn)(fuse_req_t req, const parked *p, emr_status status);

/* How often a call that was EMR_BUSY, and has nothing to wait for by now, is made again. */
#define PARK_TRIES 8

/* True: the view needs something for NEED of P's node first, and GO will be called, or the request
 * was answered. */
bool park(fuse_req_t req, session *s, emr_need need, const parked *p, park_fn go);
