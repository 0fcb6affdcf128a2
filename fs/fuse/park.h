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
	size_t size;			 /* READDIR, READ */
	off_t offset;
	bool plus;
	char name[256];	 /* LOOKUP; "": none */
	emr_attr wanted; /* SETATTR */
	unsigned mask;
	unsigned tries; /* READ: how many blocks it waited for */
} parked;

/* Answers the request as if it came now; STATUS is not EMR_OK when there is only an error to give.
 */
typedef void (*park_fn)(fuse_req_t req, const parked *p, emr_status status);

/* How often a call that was EMR_BUSY, and has nothing to wait for by now, is made again. */
#define PARK_TRIES 8

/* More blocks than a READ can need: then they go as fast as they come. */
#define PARK_READ_TRIES 64
/* After emr_view_read gave EMR_BUSY for P: as below.  False: it waited too often. */
bool park_read(fuse_req_t req, const parked *p, park_fn go);

/* True: the view needs something for NEED of P's node first, and GO will be called, or the request
 * was answered. */
bool park(fuse_req_t req, session *s, emr_need need, const parked *p, park_fn go);
