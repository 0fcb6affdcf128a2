/* The replica is this computer's own verified copy of the ledger. This file opens and closes it,
 * and throws a damaged copy away only when the ledger can replace it. */
#include "opened_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/file.h"
#include "base/log.h"

/* ---- readers ---- */

/* A thread that reads or writes just now keeps its connection. */
void emr_replica_rest(emr_replica *replica)
{
	replica_forget_entries(replica);
	(void)pthread_mutex_lock(&replica->pool_lock);
	for (size_t i = 0; i < replica->n_readers; i++)
		emr_chain_rest(replica->readers[i]);
	(void)pthread_mutex_unlock(&replica->pool_lock);
	if (pthread_mutex_trylock(&replica->write_lock) != 0)
		return;
	emr_chain_rest(replica->writer);
	(void)pthread_mutex_unlock(&replica->write_lock);
}

/* ---- opening ---- */

/* Without the ledger the copy cannot be opened, whatever is the matter with the ledger: only that
 * it is busy is its own. */
static emr_status without_ledger(emr_status status)
{
	return status == EMR_OK || status == EMR_BUSY ? status : EMR_OFFLINE;
}

/* Only what the ledger can replace is thrown away. */
static emr_status discard(emr_replica *r, const char *why)
{
	uint64_t size;
	emr_status status = r->is_still ? EMR_READ_ONLY : emr_ledger_size(r->ledger, &size);

	if (status != EMR_OK) {
		emr_log(EMR_LOG_ERROR, "replica: the copy must be made again, and %s (%s): %s",
			r->is_still ? "the disk takes nothing" : "the ledger cannot be asked",
			emr_status_text(status), why);
		return without_ledger(status);
	}
	emr_log(EMR_LOG_WARN, "replica: the copy is made again: %s", why);
	emr_chain_close(r->writer);
	r->writer = NULL;
	(void)unlinkat(r->dirfd, REPLICA_DB "-wal", 0);
	(void)unlinkat(r->dirfd, REPLICA_DB "-shm", 0);
	(void)unlinkat(r->dirfd, REPLICA_DB, 0);
	return EMR_OK;
}

bool emr_replica_is_whole(emr_replica *replica)
{
	uint64_t size = atomic_load(&replica->reached);

	return size > 0 && size >= replica->mark.frontier.size && !replica_is_doubtful(replica);
}

bool emr_replica_should_reopen(emr_replica *replica)
{
	uint64_t size;

	return atomic_load(&replica->has_met_damage) && !replica->is_still &&
	       emr_ledger_size(replica->ledger, &size) == EMR_OK;
}

static emr_status open_or_make(emr_replica *r)
{
	emr_status status = emr_file_check_private(r->dirfd, REPLICA_DB);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	status = emr_chain_open(r->dirfd, REPLICA_DB, EMR_CHAIN_PRIVATE, true, BUSY_MS, &r->writer);
	if (status != EMR_DAMAGED)
		return status;
	EMR_TRY(discard(r, "the file cannot be read"));
	return emr_chain_open(r->dirfd, REPLICA_DB, EMR_CHAIN_PRIVATE, true, BUSY_MS, &r->writer);
}

/* While the ledger is away, or damaged where the copy is not, what is whole in a damaged copy can
 * still be read. */
static emr_status open_copy(emr_replica *r)
{
	emr_replica_mended mended;
	uint64_t size;

	EMR_TRY(open_or_make(r));
	emr_chain_make_indexes(r->writer);
	r->has_locals = !r->is_still && emr_chain_make_locals(r->writer) == EMR_OK;
	if (replica_is_doubtful(r) && !r->is_still && emr_ledger_size(r->ledger, &size) == EMR_OK &&
		replica_mend(r, &mended) != EMR_OK)
		emr_log(EMR_LOG_ERROR, "replica: the damaged copy stays: entry %llu: %s",
			(unsigned long long)mended.trouble.seq, mended.trouble.cause);
	return EMR_OK;
}

/* Does the copy fit the mark?  EMR_DAMAGED when not: then it is not what this computer verified. */
static emr_status compare_mark(emr_replica *r, uint64_t size)
{
	uint8_t hash[32];
	emr_status status;

	if (r->mark.frontier.size == 0 || size < r->mark.frontier.size)
		return EMR_OK;
	status = emr_chain_root(r->writer, r->mark.frontier.size, hash);
	if (status == EMR_OK && memcmp(hash, r->mark.root, 32) != 0)
		status = EMR_DAMAGED;
	if (status == EMR_OK && size == r->mark.frontier.size) {
		status = emr_chain_digest(r->writer, hash);
		if (status == EMR_NOT_FOUND ||
			(status == EMR_OK && memcmp(hash, r->mark.digest, 32) != 0))
			status = EMR_DAMAGED;
	}
	return status;
}

/* Which network it is of says its tree: a damaged first entry is put right later, as any other. */
static emr_status check_network(emr_replica *r, uint64_t size)
{
	emr_id16 net_id = emr_ledger_net_id(r->ledger);
	uint8_t first[32], wanted[32];

	if (r->mark.frontier.size > 0 && !emr_id16_equal(r->mark.net_id, net_id))
		return EMR_FORK;
	if (size == 0)
		return EMR_OK;
	EMR_TRY(emr_required(emr_chain_leaf(r->writer, 0, first)));
	emr_entry_leaf(emr_span_of(emr_ledger_descriptor(r->ledger)), wanted);
	return memcmp(first, wanted, sizeof first) == 0 ? EMR_OK : EMR_FORK;
}

/* An entry whose number is beyond the tree is none that came last: no ledger has to reach it. */
static emr_status check_end(emr_replica *r, uint64_t size)
{
	uint8_t leaf[32];

	return size == 0 ? EMR_OK : emr_required(emr_chain_leaf(r->writer, size - 1, leaf));
}

static emr_status open_checked(emr_replica *r)
{
	uint64_t size = 0;
	emr_status has_mark = mark_read(r->dirfd, &r->mark);
	emr_status status;

	if (has_mark != EMR_OK && has_mark != EMR_NOT_FOUND && has_mark != EMR_DAMAGED)
		return has_mark;
	status = open_copy(r);
	if (status == EMR_OK)
		status = emr_chain_size(r->writer, &size);
	if (status == EMR_OK)
		status = check_network(r, size);
	if (status == EMR_OK)
		status = check_end(r, size);
	if (status == EMR_OK)
		status = compare_mark(r, size);
	if (status == EMR_DAMAGED) {
		size = 0;
		status = discard(r, "it is not what the high-water mark says");
		if (status == EMR_OK)
			status = open_copy(r);
	}
	/* A damaged mark beside a copy that is whole is made again; alone it is all there is
	 * against going back. */
	if (status == EMR_OK && has_mark == EMR_DAMAGED && size == 0)
		return EMR_DAMAGED;
	if (status == EMR_OK && has_mark != EMR_OK && size > 0) {
		status = replica_new_mark(r, size, &r->mark);
		r->is_mark_saved = false;
	}
	atomic_store(&r->reached, size);
	/* An empty copy says nothing about what this computer has seen. */
	if (status == EMR_OK && size == 0 && r->mark.frontier.size > 0)
		return without_ledger(emr_ledger_size(r->ledger, &size));
	return status;
}

static emr_status open_lock(emr_replica *r)
{
	/* Where no file can be made everybody finds the same directory. */
	r->lock_fd = r->is_still ? openat(r->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				 : openat(r->dirfd, REPLICA_LOCK,
					   O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return r->lock_fd >= 0 ? replica_lock_file(r) : emr_status_from_errno(errno);
}

emr_status emr_replica_descriptor(int state_dirfd, emr_buf *out_descriptor)
{
	EMR_AUTO_CHAIN chain = NULL;
	emr_status status =
		emr_chain_open(state_dirfd, REPLICA_DB, EMR_CHAIN_PRIVATE, false, BUSY_MS, &chain);

	return status == EMR_OK ? emr_chain_descriptor(chain, out_descriptor) : status;
}

emr_status emr_replica_reaches(int state_dirfd, uint64_t *out_size, uint8_t out_root[32])
{
	high_mark mark;

	if (faccessat(state_dirfd, REPLICA_REBUILD, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return EMR_DAMAGED;
	EMR_TRY(mark_read(state_dirfd, &mark));
	*out_size = mark.frontier.size;
	memcpy(out_root, mark.root, sizeof mark.root);
	return EMR_OK;
}

emr_status emr_replica_open(const emr_replica_options *options, emr_replica **out_replica)
{
	emr_replica *r = calloc(1, sizeof *r);
	emr_status status = EMR_OK;

	if (r == NULL)
		return EMR_NO_MEMORY;
	r->ledger = options->ledger;
	r->clock = options->clock ? options->clock : emr_clock_system();
	r->is_mine = options->is_mine;
	r->is_mine_arg = options->is_mine_arg;
	r->fresh_ns = -1;
	r->mark_saved_ns = -1;
	r->is_mark_saved = true;
	r->lock_fd = -1;
	follower_init(&r->follower);
	names_init(&r->names);
	(void)pthread_mutex_init(&r->write_lock, NULL);
	(void)pthread_mutex_init(&r->pool_lock, NULL);
	(void)pthread_mutex_init(&r->kept_lock, NULL);
	(void)pthread_mutex_init(&r->entries_lock, NULL);
	r->dirfd = fcntl(options->state_dirfd, F_DUPFD_CLOEXEC, 0);
	if (r->dirfd < 0)
		status = emr_status_from_errno(errno);
	r->is_still = status == EMR_OK && emr_disk_takes_nothing(r->dirfd);
	if (status == EMR_OK)
		status = open_lock(r);
	if (status == EMR_OK) {
		replica_open_restarts(r);
		replica_take_next(r);
		status = open_checked(r);
	}
	if (status == EMR_OK)
		replica_open_heads(r);
	if (r->lock_fd >= 0)
		(void)flock(r->lock_fd, LOCK_UN);
	if (status == EMR_OK)
		replica_name_hosts(r);
	if (status != EMR_OK) {
		emr_replica_close(r);
		return status;
	}
	*out_replica = r;
	return EMR_OK;
}

static emr_status save_mark_at_end(emr_replica *r)
{
	emr_status status;

	if (r->is_mark_saved)
		return EMR_OK;
	EMR_TRY(replica_lock_file(r));
	status = replica_save_mark(r, true);
	(void)flock(r->lock_fd, LOCK_UN);
	return status;
}

void emr_replica_close(emr_replica *r)
{
	if (r == NULL)
		return;
	follower_stop(r);
	if (r->lock_fd >= 0 && r->dirfd >= 0 && save_mark_at_end(r) != EMR_OK)
		emr_log(EMR_LOG_WARN, "replica: the high-water mark could not be written");
	for (size_t i = 0; i < r->n_readers; i++)
		emr_chain_close(r->readers[i]);
	emr_chain_close(r->writer);
	if (r->lock_fd >= 0)
		(void)close(r->lock_fd);
	if (r->dirfd >= 0)
		(void)close(r->dirfd);
	follower_destroy(&r->follower);
	names_destroy(&r->names);
	(void)pthread_mutex_destroy(&r->write_lock);
	(void)pthread_mutex_destroy(&r->pool_lock);
	(void)pthread_mutex_destroy(&r->kept_lock);
	replica_forget_entries(r);
	(void)pthread_mutex_destroy(&r->entries_lock);
	free(r->kept);
	free(r);
}

void emr_replica_last_trouble(emr_replica *replica, emr_replica_trouble *out_trouble)
{
	(void)pthread_mutex_lock(&replica->pool_lock);
	*out_trouble = replica->trouble.status != EMR_OK ? replica->trouble : replica->rot;
	(void)pthread_mutex_unlock(&replica->pool_lock);
}

void emr_replica_forget_erased(emr_replica *replica)
{
	pthread_mutex_lock(&replica->write_lock);
	emr_chain_forget_log(replica->writer);
	pthread_mutex_unlock(&replica->write_lock);
}
