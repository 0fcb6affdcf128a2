/* These functions hold requests that wait for what another computer must give, until the view has
 * it, or a deadline, or an interrupt. They refuse to keep a thread: the thread that takes the
 * request out of the table of waiting ones answers it. */
#pragma once

#include "view/received.h"

#include "session.h"

/* A request as it came, for when it can be answered. */
typedef struct parked {
	uint64_t node;
	struct fuse_file_info info; /* OPEN */
	size_t size;		    /* READDIR, READ, WRITE, FALLOCATE */
	off_t offset;
	char *data; /* WRITE: owned by whoever has the request */
	bool plus;
	char name[256];	  /* LOOKUP; "": none */
	emr_attr wanted;  /* SETATTR */
	unsigned mask;	  /* SETATTR; the mode of FALLOCATE */
	unsigned tries;	  /* how many blocks it waited for */
	unsigned at_once; /* how often there was nothing to wait for */
} parked;

/* Answers the request as if it came now; STATUS is not EMR_OK when there is only an error to give.
 */
typedef void (*park_fn)(fuse_req_t req, const parked *p, emr_status status);

/* How often a call that was EMR_BUSY, and has nothing to wait for by now, is made again: somebody
 * else's close has just taken away what an open had found, or a share came back after a look. */
#define PARK_TRIES 8

/* More blocks than a READ can need: then they go as fast as they come.  The first of a record that
 * was sealed again after it was signed needs all of them: 4 GiB here. */
#define PARK_READ_TRIES (1u << 14)
/* A WRITE needs the whole file: 4 TiB of leaves. */
#define PARK_WRITE_TRIES (1u << 24)
/* A call on HANDLE gave EMR_BUSY for P, because of a block that is not here: as below, at most MOST
 * times. False: it waited too often. The memory that P owns goes with it. */
bool park_block(fuse_req_t req, emr_handle *handle, const parked *p, park_fn go, unsigned most);

/* A call on P's node gave EMR_BUSY, because of something that the view needs for NEED first: GO
 * will be called when it has come, or the request was answered. False: too often there was nothing
 * to wait for. */
bool park(fuse_req_t req, session *s, emr_need need, const parked *p, park_fn go);

/* ---- wait.c ---- */
/* Requests that wait for what another computer must give, each with a deadline. The one that takes
 * a request out of the table answers it, and nobody else: the thread that did the work, the
 * deadline, or an interrupt. Reads of what is on this disk are not among them: they have no
 * deadline. Reads of what must be brought are, block by block. */

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
