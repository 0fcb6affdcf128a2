/* Of the processes that have the file of a channel open, one reads the channel: this file says
 * which, by a lock beside the ledger, and runs its thread. It makes the file of a directory that
 * has none. */
#include "embedded_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/network.h"

#define PAUSE_MS 1000 /* between two looks while it cannot be read, or another process reads */
#define WAIT_S 10     /* for the next transaction; then the backend says how its reader is */

static bool has(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* All that follows from blocks is read from them again. */
emr_status embedded_make_file(const embedded_channel *c, int dirfd)
{
	EMR_AUTO_CHAIN chain = NULL;
	EMR_AUTO_BUF descriptor = {0};
	uint64_t size = 0;

	if (has(dirfd, EMR_NETWORK_LEDGER) && !has(dirfd, EMR_NETWORK_CHANNEL_BEHIND))
		return EMR_OK;
	if (c->lock_fd < 0 || flock(c->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return has(dirfd, EMR_NETWORK_LEDGER) ? EMR_OK : EMR_BUSY;
	EMR_TRY(emr_file_replace(dirfd, EMR_NETWORK_CHANNEL_BEHIND, (emr_bytes){0}, 0600));

	EMR_TRY(emr_required(emr_file_read(
		dirfd, EMR_NETWORK_DESCRIPTOR, EMR_NETWORK_DESCRIPTOR_MAX, &descriptor)));
	EMR_TRY(emr_chain_open(
		dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, true, EMBEDDED_BUSY_MS, &chain));
	EMR_TRY(emr_chain_size(chain, &size));
	if (size > 0)
		return EMR_OK;
	EMR_TRY(emr_chain_begin(chain));
	return emr_chain_end(chain, emr_chain_append_genesis(chain, emr_buf_view(&descriptor)));
}

emr_status embedded_open_lock(embedded_channel *c, int dirfd)
{
	c->lock_fd = openat(
		dirfd, EMR_NETWORK_CHANNEL_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return c->lock_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

/* As long as the next look for parts is away. */
static unsigned waits_s(const embedded_channel *c)
{
	const int64_t now = emr_clock_boot_ns(emr_clock_system());
	const int64_t left = c->lacking_due_ns == INT64_MAX || c->lacking_due_ns < now
				     ? WAIT_S
				     : (c->lacking_due_ns - now) / 1000000000 + 1;

	if (!c->is_read)
		return 1;
	return left < WAIT_S ? (unsigned)left : WAIT_S;
}

/* The lock of the directory that the file is in, by the names of both: where one of them is no
 * longer what was opened, whoever opens that directory now follows.  EMR_BUSY: another one does. */
static emr_status take_lock(embedded *e)
{
	embedded_channel *c = e->channel;
	struct stat own, there;
	emr_status status;

	(void)pthread_mutex_lock(&e->write_lock);
	status = emr_chain_in_place(e->writer);
	(void)pthread_mutex_unlock(&e->write_lock);
	if (status == EMR_OK && flock(c->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? EMR_BUSY : emr_status_from_errno(errno);
	if (status == EMR_OK && (fstat(c->lock_fd, &own) != 0 ||
					fstatat(e->dirfd, EMR_NETWORK_CHANNEL_LOCK, &there,
						AT_SYMLINK_NOFOLLOW) != 0 ||
					own.st_dev != there.st_dev || own.st_ino != there.st_ino)) {
		(void)close(c->lock_fd);
		status = embedded_open_lock(c, e->dirfd);
		return status == EMR_OK ? EMR_OFFLINE : status;
	}
	if (status != EMR_OK)
		(void)flock(c->lock_fd, LOCK_UN);
	return status;
}

void *embedded_follow_on(void *self)
{
	embedded *e = self;
	embedded_channel *c = e->channel;
	struct pollfd end_of_all = {.fd = c->end_fd, .events = POLLIN};
	emr_status status = EMR_OK;

	while (poll(&end_of_all, 1, status == EMR_OK ? 0 : PAUSE_MS) == 0) {
		const bool was_fine = status == EMR_OK;

		status = take_lock(e);
		if (status != EMR_OK && status != EMR_BUSY) {
			embedded_note_channel(e, status, EMR_NETWORK_CHANNEL_LOCK);
			continue;
		}
		(void)pthread_mutex_lock(&c->known_lock);
		c->is_beside = status == EMR_BUSY;
		(void)pthread_mutex_unlock(&c->known_lock);
		/* Behind a fault it is known at once that it is over. */
		if (!c->is_beside)
			status = embedded_follow(e, was_fine ? waits_s(c) : 0, false);
		else if (!c->is_read)
			(void)!embedded_follow(e, 0, true);
	}
	return NULL;
}
