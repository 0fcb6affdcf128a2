/* This file lets a thread sleep until the embedded ledger has grown, woken by the file system,
 * and by a look once a second where that tells nothing; or until its channel is read. */
#include "embedded_private.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_MS 1000 /* how often a waiter looks although nothing told it to */
#define SOON_MS 2    /* after a write to the log was seen: others and its commit follow */

static void drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof bytes) > 0)
		;
}

emr_status embedded_wait(void *self, uint64_t since, int timeout_ms, uint64_t *out_size)
{
	embedded *e = self;
	int64_t end_ns = emr_clock_boot_ns(emr_clock_system()) + timeout_ms * INT64_C(1000000);
	int next_look = LOOK_MS;
	bool is_written = false;

	for (;;) {
		/* A commit writes hundreds of times: after the first there is no look at each. */
		struct pollfd fds[2] = {{.fd = e->wake_fd, .events = POLLIN},
			{.fd = is_written ? -1 : e->inotify_fd, .events = POLLIN}};
		uint64_t size;
		int64_t left;
		emr_status status;
		drain(e->inotify_fd); /* before looking: what comes later wakes the poll below */
		status = embedded_size(e, &size);
		if (status != EMR_OK && status != EMR_BUSY)
			return status;
		if (status == EMR_OK && size > since) {
			*out_size = size;
			return EMR_OK;
		}
		left = (end_ns - emr_clock_boot_ns(emr_clock_system())) / 1000000;
		if (left <= 0)
			return EMR_TIMEOUT;
		if (poll(fds, 2, left < next_look ? (int)left : next_look) < 0 && errno != EINTR)
			return EMR_IO;
		if (fds[0].revents & POLLIN) {
			drain(e->wake_fd);
			return EMR_INTERRUPTED;
		}
		/* The log's bytes are seen before the commit counts: look again soon, then less and
		 * less often. */
		is_written = (fds[1].revents & POLLIN) != 0;
		next_look =
			is_written ? SOON_MS : (next_look * 2 < LOOK_MS ? next_look * 2 : LOOK_MS);
	}
}

void embedded_wake(void *self)
{
	const embedded *e = self;

	(void)eventfd_write(e->wake_fd, 1); /* it fails only when a wake is pending already */
}

/* ---- a channel ---- */

int64_t embedded_await_follower(embedded *e)
{
	embedded_channel *c = e->channel;
	const int64_t until_ns = embedded_end_ns(e);
	EMR_LOCKED(&c->known_lock);

	while (e->submitter != NULL && !c->is_current && !c->is_beside &&
		c->absence.status == EMR_OK && !embedded_is_stopped(c) &&
		emr_clock_boot_ns(emr_clock_system()) < until_ns)
		embedded_wait_a_moment(c);
	return until_ns;
}
