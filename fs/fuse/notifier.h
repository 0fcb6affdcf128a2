/* Tells the kernel that what it holds is out of date.  Its threads hold no lock of ours and no
 * handler waits for them: an invalidation may have to wait for a request that a handler is just
 * answering. */
#pragma once

#include "session.h"

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
