/* This file puts some disk space aside and gives it back when the disk is full, so that a person
 * can still delete, and the ledger still be told, on a full disk. */
#include "store/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/log.h"
#include "database/files.h"

#define STEP ((uint64_t)64 << 10)
/* Btrfs gives back what was allocated by one call only when all of that is given. */
#define PIECE ((uint64_t)256 << 10)

struct emr_reserve {
	pthread_mutex_t lock; /* of the file, but for what a database takes (give_a_piece) */
	int fd;
	uint64_t bytes;
	unsigned lent; /* nothing is taken meanwhile; under lock */
};

static _Atomic int fd_of_databases = -1;

/* The bytes that are put aside now: the size of the file. */
static uint64_t bytes_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

/* For a database that finds no room in the middle of its work; also in a signal handler, so without
 * the lock: who holds it finds less than he thought. */
static bool give_a_piece(void)
{
	int fd = atomic_load(&fd_of_databases);
	uint64_t have = fd >= 0 ? bytes_of(fd) : 0;

	return have > 0 && ftruncate(fd, (off_t)(have > PIECE ? have - PIECE : 0)) == 0;
}

/* The bytes that everybody may still write. The excess in f_bfree is not all the super-user's: ext4
 * and btrfs count there what they keep for themselves. */
static uint64_t free_bytes(const emr_reserve *reserve)
{
	struct statvfs disk;

	return fstatvfs(reserve->fd, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

/* Under lock.  All of WANTED, or what was there before. */
static bool reserve_take(emr_reserve *reserve, uint64_t wanted)
{
	const uint64_t had = bytes_of(reserve->fd);
	int error = 0;

	for (uint64_t at = had, end; error == 0 && at < wanted; at = end) {
		end = (at / PIECE + 1) * PIECE;
		end = end < wanted ? end : wanted;
		error = posix_fallocate(reserve->fd, (off_t)at, (off_t)(end - at));
	}
	if (error != 0 && bytes_of(reserve->fd) > had && ftruncate(reserve->fd, (off_t)had) != 0)
		emr_log(EMR_LOG_WARN, "reserve: errno %d", errno);
	return error == 0;
}

/* Under lock. Takes the bytes that are free beyond a little for the others; true when nothing is
 * missing. */
static bool reserve_fill(emr_reserve *reserve)
{
	uint64_t have = bytes_of(reserve->fd), missing, is_free, more;

	if (have >= reserve->bytes)
		return true;
	missing = reserve->bytes - have;
	if (reserve->lent > 0)
		return false;
	is_free = free_bytes(reserve);
	more = is_free > EMR_RESERVE_LOW ? (is_free - EMR_RESERVE_LOW) / STEP * STEP : 0;
	if (more == 0 || !reserve_take(reserve, have + (more < missing ? more : missing)))
		return false;
	if (more < missing)
		return false;
	emr_log(EMR_LOG_INFO, "room for a full disk is put aside");
	return true;
}

/* Under lock.  A part at a time: what is given may be taken by anybody. */
static bool reserve_give(emr_reserve *reserve, uint64_t bytes)
{
	uint64_t have = bytes_of(reserve->fd);

	if (have == 0 || ftruncate(reserve->fd, have > bytes ? (off_t)(have - bytes) : 0) != 0)
		return false;
	if (have == reserve->bytes)
		emr_log(EMR_LOG_WARN, "the disk is full: room that was put aside is used, and "
				      "nothing new is taken");
	return true;
}

static emr_status open_file(emr_reserve *reserve, int dirfd)
{
	struct stat st;

	reserve->fd =
		openat(dirfd, EMR_RESERVE_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (reserve->fd < 0 || fstat(reserve->fd, &st) != 0)
		return emr_status_from_errno(errno);
	if (!S_ISREG(st.st_mode))
		return EMR_EXPOSED;
	/* A file with holes puts nothing aside. */
	if ((uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size && ftruncate(reserve->fd, 0) != 0)
		return emr_status_from_errno(errno);
	return EMR_OK;
}

/* Small disks, as tests have them, keep most of their room. */
static uint64_t usual_bytes(const emr_reserve *reserve)
{
	struct statvfs disk;
	uint64_t part;

	if (fstatvfs(reserve->fd, &disk) != 0)
		return EMR_RESERVE_BYTES;
	part = (uint64_t)disk.f_blocks * disk.f_frsize / 4 / STEP * STEP;
	return part < EMR_RESERVE_BYTES ? part : EMR_RESERVE_BYTES;
}

emr_status emr_reserve_open(int dirfd, uint64_t bytes, emr_reserve **out_reserve)
{
	emr_reserve *reserve = calloc(1, sizeof *reserve);
	emr_status status;

	if (reserve == NULL)
		return EMR_NO_MEMORY;
	pthread_mutex_init(&reserve->lock, NULL);
	reserve->fd = -1;
	status = open_file(reserve, dirfd);
	reserve->bytes = bytes == 0 && status == EMR_OK ? usual_bytes(reserve) : bytes;
	if (status == EMR_OK && bytes_of(reserve->fd) > reserve->bytes)
		/* made for another disk, or by somebody else */
		(void)reserve_give(reserve, bytes_of(reserve->fd) - reserve->bytes);
	if (status != EMR_OK) {
		if (reserve->fd >= 0)
			close(reserve->fd);
		pthread_mutex_destroy(&reserve->lock);
		free(reserve);
		return status;
	}
	if (free_bytes(reserve) < EMR_RESERVE_LOW)
		(void)reserve_give(reserve, EMR_RESERVE_LOW);
	else
		(void)reserve_fill(reserve);
	atomic_store(&fd_of_databases, reserve->fd);
	emr_database_room(give_a_piece);
	*out_reserve = reserve;
	return EMR_OK;
}

void emr_reserve_close(emr_reserve *reserve)
{
	if (reserve == NULL)
		return;
	if (!emr_disk_takes_nothing(reserve->fd) && !reserve_fill(reserve)) {
		uint64_t more = free_bytes(reserve) / STEP * STEP, have = bytes_of(reserve->fd);

		while (more >= STEP &&
			!reserve_take(reserve,
				have + more < reserve->bytes ? have + more : reserve->bytes))
			more = more / 2 / STEP * STEP;
	}
	if (atomic_load(&fd_of_databases) == reserve->fd)
		atomic_store(&fd_of_databases, -1);
	close(reserve->fd);
	pthread_mutex_destroy(&reserve->lock);
	free(reserve);
}

bool emr_reserve_release(emr_reserve *reserve)
{
	bool gave;

	if (reserve == NULL)
		return false;
	pthread_mutex_lock(&reserve->lock);
	gave = reserve_give(reserve, EMR_RESERVE_LOW);
	pthread_mutex_unlock(&reserve->lock);
	return gave;
}

void emr_reserve_check(emr_reserve *reserve)
{
	if (reserve == NULL)
		return;
	pthread_mutex_lock(&reserve->lock);
	if (free_bytes(reserve) < EMR_RESERVE_LOW)
		(void)reserve_give(reserve, EMR_RESERVE_LOW);
	pthread_mutex_unlock(&reserve->lock);
}

void emr_reserve_lend(emr_reserve *reserve)
{
	if (reserve == NULL)
		return;
	pthread_mutex_lock(&reserve->lock);
	reserve->lent++;
	if (bytes_of(reserve->fd) < reserve->bytes)
		(void)reserve_give(reserve, reserve->bytes);
	pthread_mutex_unlock(&reserve->lock);
}

void emr_reserve_take_back(emr_reserve *reserve)
{
	if (reserve == NULL)
		return;
	pthread_mutex_lock(&reserve->lock);
	reserve->lent--;
	(void)reserve_fill(reserve);
	pthread_mutex_unlock(&reserve->lock);
}

bool emr_reserve_is_out(emr_reserve *reserve)
{
	bool is_out;

	if (reserve == NULL)
		return false;
	pthread_mutex_lock(&reserve->lock);
	is_out = !reserve_fill(reserve);
	pthread_mutex_unlock(&reserve->lock);
	return is_out;
}

uint64_t emr_reserve_left(emr_reserve *reserve, uint64_t free_of_disk)
{
	uint64_t kept;

	if (reserve == NULL || !emr_reserve_is_out(reserve))
		return free_of_disk;
	kept = reserve->bytes + EMR_RESERVE_LOW;
	return free_of_disk > kept ? free_of_disk - kept : 0;
}
