/* This file counts what every handler tells of its request: when the last one came, and how many
 * files are open. */
#include "session.h"

#include <time.h>

static int64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

session *session_of(fuse_req_t req)
{
	session *s = fuse_req_userdata(req);

	__atomic_store_n(&s->last_request_boot_ns, boot_ns(), __ATOMIC_RELAXED);
	return s;
}

void session_opened(session *s)
{
	__atomic_add_fetch(&s->open_count, 1, __ATOMIC_RELAXED);
}

void session_closed(session *s)
{
	__atomic_sub_fetch(&s->open_count, 1, __ATOMIC_RELAXED);
}
