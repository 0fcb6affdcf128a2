/* The handlers of requests share this header: the session of the mount, what goes through
 * /dev/fuse, and what the kernel is told. There is one mount in a process: the session is a
 * static of run.c. */
#pragma once

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 12)
#include <fuse_lowlevel.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "fuse/fuse.h"

typedef struct session {
	emr_fuse_options options; /* set before there are threads, as all that is not atomic */
	struct fuse_session *fuse;
	uid_t uid;
	gid_t gid;
	uint32_t generation; /* of every node but the top: random, so that no file handle of an
				earlier mount means a node of this one */
	int64_t last_request_boot_ns; /* atomic */
	uint64_t open_count;	      /* atomic */
} session;

/* ---- session.c ---- */

/* The session a request belongs to; notes the time for --idle. */
session *session_of(fuse_req_t req);
void session_opened(session *s);
void session_closed(session *s);

/* How long the kernel may keep what it was told, seconds. */
#define FILE_TIMEOUT_S 3600.0 /* nothing changes a node but the kernel itself */
#define DIRECTORY_ENTRY_TIMEOUT_S                                                                  \
	10.0 /* bounds the race of a lookup with a change from elsewhere */
#define NEGATIVE_TIMEOUT_S 5.0

/* ops_*.c: each adds its handlers. */
void ops_name_add(struct fuse_lowlevel_ops *ops);
void ops_file_add(struct fuse_lowlevel_ops *ops);
void ops_attr_add(struct fuse_lowlevel_ops *ops);

/* ---- requests.c ---- */
/* This counts requests of the kernel, with one atomic addition each. */

#define REQUEST_KINDS 48 /* opcodes of the kernel, from 0 */

void requests_note(uint32_t opcode);
void requests_reset(void); /* before a new session */
/* The name ("lookup") of the opcode KIND, and how often it came; NULL: no kind. */
const char *requests_count(size_t kind, uint64_t *out_count);

/* ---- init_hook.c ---- */
/* libfuse 3.14 drops two flags of the INIT reply that the kernel offers.  Without
 * HANDLE_KILLPRIV_V2 every write(2) costs a GETXATTR of security.capability; without
 * PARALLEL_DIROPS one lookup holds its whole directory.  This reads and writes /dev/fuse for
 * libfuse and adds them. */

ssize_t init_hook_read(int fd, void *data, size_t len, void *userdata);
ssize_t init_hook_writev(int fd, struct iovec *iov, int count, void *userdata);
/* Before a new session. */
void init_hook_reset(void);

/* ---- notifier.c ---- */
/* Tells the kernel that what it holds is out of date.  Its threads hold no lock of ours and no
 * handler waits for them: an invalidation may have to wait for a request that a handler is just
 * answering. */

emr_status notifier_start(session *s);
void notifier_stop(void); /* drops what is queued; fine when not started */
/* Waits until both queues are empty, TIMEOUT_NS at most.  Never in a handler: see above. */
void notifier_await(int64_t timeout_ns);
/* Queues and returns: an entry of a directory, or (NAME NULL) the cached data of a node.  Any
 * thread. */
void notifier_add(uint64_t node, const char *name);
/* Answers a WRITE of LEN bytes, not 0, that went past the cache, once the kernel has dropped what
 * it had of them. */
void notifier_reply_write(fuse_req_t req, uint64_t node, off_t at, size_t len);
