/* This file counts what every handler tells of its request: when the last one came, and how many
 * files are open. */
#include "session.h"

#include "base/clock.h"

#include <time.h>

session *session_of(fuse_req_t req)
{
	session *s = fuse_req_userdata(req);

	__atomic_store_n(
		&s->last_request_boot_ns, emr_clock_boot_ns(emr_clock_system()), __ATOMIC_RELAXED);
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
