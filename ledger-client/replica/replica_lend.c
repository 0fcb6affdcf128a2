/* This file lends connections to the copy to its readers, and remembers when one of them met
 * damage. */
#include "replica_private.h"

#include <errno.h>
#include <sys/file.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

emr_status replica_take(emr_replica *replica, emr_chain **out_chain)
{
	emr_chain *chain = NULL;

	(void)pthread_mutex_lock(&replica->pool_lock);
	if (replica->n_readers > 0)
		chain = replica->readers[--replica->n_readers];
	(void)pthread_mutex_unlock(&replica->pool_lock);
	if (chain) {
		*out_chain = chain;
		return EMR_OK;
	}
	return replica_own(replica, emr_chain_open(replica->dirfd, REPLICA_DB, EMR_CHAIN_PRIVATE,
					    false, BUSY_MS, out_chain));
}

void replica_give(emr_replica *replica, emr_chain *chain)
{
	(void)pthread_mutex_lock(&replica->pool_lock);
	if (replica->n_readers < READERS_KEPT) {
		replica->readers[replica->n_readers++] = chain;
		chain = NULL;
	}
	(void)pthread_mutex_unlock(&replica->pool_lock);
	emr_chain_close(chain);
}

bool replica_is_doubtful(const emr_replica *r)
{
	return faccessat(r->dirfd, REPLICA_REBUILD, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

emr_status replica_own(emr_replica *replica, emr_status status)
{
	if (status == EMR_DAMAGED)
		atomic_store(&replica->has_met_damage, true);
	if (status == EMR_DAMAGED && !replica->is_still) {
		EMR_AUTO_FD fd = openat(
			replica->dirfd, REPLICA_REBUILD, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		emr_log(EMR_LOG_ERROR,
			"replica: own copy is damaged; it is made again at the next start (%d)",
			fd >= 0);
	}
	return status;
}

emr_status replica_lock_file(emr_replica *r)
{
	while (flock(r->lock_fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return emr_status_from_errno(errno);
	return EMR_OK;
}
