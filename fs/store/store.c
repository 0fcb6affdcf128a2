/* This file opens and closes the store of blocks in a directory, for one process of each writer
 * at a time, and offers it through the common face of all stores. It refuses a directory of a
 * newer format. */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/disk.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hashsig.h"

#define FORMAT_TEXT "emrfs store 1\n"
#define SEGMENT_BYTES_MIN 4096
#define INDEX_AHEAD_BYTES (16 << 20) /* some 200,000 blocks */
#define INDEX_DELAY_MS 1000

/* Beside an index of one's own all can be made again, later too. */
static emr_status write_format(const emr_store *store, int dirfd)
{
	emr_status status = emr_file_create(
		dirfd, "format", emr_bytes_of(FORMAT_TEXT, sizeof FORMAT_TEXT - 1), 0600);

	return status == EMR_EXISTS || (store->has_own_index && emr_status_is_full(status))
		       ? EMR_OK
		       : status;
}

emr_bytes emr_store_format(void)
{
	return emr_bytes_of(FORMAT_TEXT, sizeof FORMAT_TEXT - 1);
}

emr_status emr_store_format_check(emr_bytes text)
{
	const emr_bytes known = emr_store_format();

	if (emr_bytes_equal(text, known))
		return EMR_OK;
	/* A program to come says more than its number: another number alone is a bit that flipped.
	 */
	return text.len > known.len && memcmp(text.data, known.data, 12) == 0 &&
			       text.data[12] > '1' && text.data[12] <= '9'
		       ? emr_newer_format((uint64_t)(text.data[12] - '0'), 1)
		       : EMR_DAMAGED;
}

/* A file that can only say one thing is made again when it does not. */
static emr_status judge_format(const emr_store *store, int dirfd, emr_bytes text)
{
	emr_status status = emr_store_format_check(text);

	if (status != EMR_DAMAGED)
		return status;
	emr_log(EMR_LOG_WARN, "store: format was damaged, and is made anew");
	if (store->read_only)
		return EMR_OK;
	return unlinkat(dirfd, "format", 0) == 0 ? write_format(store, dirfd)
						 : emr_status_from_errno(errno);
}

static emr_status check_format(emr_store *store)
{
	EMR_AUTO_BUF text = {0};
	const int dirfd = emr_store_directory(store);
	emr_status status;

	if (dirfd < 0)
		return EMR_OK;
	status = emr_file_read(dirfd, "format", 64, &text);
	if (status == EMR_NOT_FOUND && !store->read_only)
		return write_format(store, dirfd);
	if (status == EMR_NOT_FOUND && store->has_own_index)
		return EMR_OK;
	if (status != EMR_OK && status != EMR_LIMIT)
		return status;
	return judge_format(store, dirfd, emr_buf_view(&text));
}

/* -1: there is no such place for this account.  Its directories are made if need be. */
static int open_lock(const char *path)
{
	EMR_AUTO_FREE char *dir = strdup(path);
	EMR_AUTO_FD fd = -1;
	struct stat st;
	int ours;

	if (dir == NULL)
		return -1;
	for (char *at = strchr(dir + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(dir, 0700);
		*at = '/';
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_uid != geteuid())
		return -1;
	ours = fd;
	fd = -1;
	return ours;
}

/* A copy of a keyring that is used in another place has the same writer id, and must not write in
 * the same segments: what is locked is the account's, and follows from writer and directory.
 * EMR_UNSUPPORTED: this account has no place for it. */
static emr_status lock_elsewhere(emr_store *store, const char *path)
{
	struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	uint8_t what[32], digest[32];
	struct stat st;

	if (fstat(store->dirfd, &st) != 0)
		return emr_status_from_errno(errno);
	memcpy(what, store->writer.b, sizeof store->writer.b);
	emr_put_u64(what + 16, st.st_dev);
	emr_put_u64(what + 24, st.st_ino);
	emr_sha256(what, sizeof what, digest);
	byte.l_start = (off_t)(emr_get_u64(digest) >> 2);
	store->lockfd = open_lock(path);
	if (store->lockfd < 0)
		return EMR_UNSUPPORTED;
	if (fcntl(store->lockfd, F_OFD_SETLK, &byte) == 0)
		return EMR_OK;
	if (errno == EAGAIN || errno == EACCES)
		return EMR_BUSY;
	close(store->lockfd); /* its file system has no locks */
	store->lockfd = -1;
	return EMR_UNSUPPORTED;
}

static emr_status lock_beside(emr_store *store)
{
	char hex[33];
	char name[64];

	emr_hex(store->writer.b, sizeof store->writer.b, hex);
	snprintf(name, sizeof name, "writer-%s.lock", hex);
	store->lockfd = openat(store->dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lockfd < 0)
		return emr_status_from_errno(errno);
	if (flock(store->lockfd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? EMR_BUSY : emr_status_from_errno(errno);
	return EMR_OK;
}

/* Nobody writes without a lock: where the account has no place for one it lies beside the segments,
 * and whoever writes there can hold it. */
static emr_status lock_writer(emr_store *store, const char *path)
{
	emr_status status = path != NULL ? lock_elsewhere(store, path) : EMR_UNSUPPORTED;

	if (path != NULL && status == EMR_UNSUPPORTED)
		emr_log(EMR_LOG_WARN, "store: no lock at %s; it lies beside the blocks", path);
	return status == EMR_UNSUPPORTED ? lock_beside(store) : status;
}

static emr_status open_directory(emr_store *store)
{
	emr_status status = EMR_OK;

	store->dirfd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dirfd < 0)
		status = store->read_only ? emr_status_from_errno(errno)
					  : emr_dir_open(store->path, &store->dirfd);
	store->is_still = status == EMR_OK && emr_disk_takes_nothing(store->dirfd);
	store->read_only |= store->is_still;
	return status;
}

/* The last own segment goes on; without one the first begins. */
static emr_status choose_current(emr_store *store)
{
	emr_segment *last = NULL;
	struct stat st;
	int fd;

	for (size_t i = 0; i < store->segment_count; i++)
		if (store->segments[i]->own && !store->segments[i]->gone &&
			(last == NULL || store->segments[i]->number > last->number))
			last = store->segments[i];
	if (last == NULL)
		EMR_TRY(emr_segment_create(store, store->lost_number + 1, &last));
	EMR_TRY(emr_segment_use(store, last, &fd));
	/* Cuts zeros written ahead by a process that was killed, and makes sure of what it left in
	 * the page cache. */
	if (fstat(fd, &st) != 0 ||
		(st.st_size != (off_t)last->end && ftruncate(fd, (off_t)last->end) != 0) ||
		fdatasync(fd) != 0) {
		emr_segment_unuse(store, last);
		return emr_status_from_errno(errno);
	}
	emr_store_set_current(store, last);
	return EMR_OK;
}

static emr_status init_locks(emr_store *store)
{
	pthread_mutex_t *mutexes[] = {&store->reclaim_lock, &store->index_lock, &store->append_lock,
		&store->map_lock, &store->sync_lock, &store->file_sync_lock};
	int failed = 0;

	for (size_t i = 0; i < sizeof mutexes / sizeof mutexes[0]; i++)
		failed |= pthread_mutex_init(mutexes[i], NULL);
	failed |= pthread_rwlock_init(&store->index_swap, NULL);
	failed |= pthread_cond_init(&store->window_done, NULL);
	failed |= pthread_cond_init(&store->synced, NULL);
	emr_worker_init(&store->worker);
	return failed ? EMR_NO_MEMORY : EMR_OK;
}

static void destroy(emr_store *store)
{
	emr_index_close(store->index);
	for (size_t i = 0; i < store->segment_count; i++) {
		emr_segment_close_files(store, store->segments[i]);
		free(store->segments[i]);
	}
	free(store->segments);
	emr_pending_free(&store->pending);
	emr_pending_free(&store->flushing);
	emr_pending_free(&store->foreign);
	free(store->cache);
	free(store->damages);
	free(store->pins);
	emr_buf_free(&store->new_roots);
	emr_buf_free(&store->foreign_pins);
	emr_auto_close(&store->lockfd);
	emr_auto_close(&store->own_dirfd);
	emr_auto_close(&store->dirfd);
	emr_auto_close(&store->tags_dirfd);
	free(store->path);
	free(store->index_dir);
	free(store);
}

static const emr_block_store_ops face_ops;

static emr_status store_make(const emr_store_options *options, emr_store **out_store)
{
	emr_store *store = calloc(1, sizeof *store);

	if (store == NULL)
		return EMR_NO_MEMORY;
	store->face.ops = &face_ops;
	store->dirfd = store->own_dirfd = store->lockfd = store->tags_dirfd = -1;
	store->unit_key = options->unit_key;
	store->writer = options->writer;
	store->read_only = options->read_only;
	store->no_background = options->no_background;
	store->states_pins = options->states_pins;
	store->reserve = options->reserve;
	store->segment_bytes =
		options->segment_bytes == 0 ? EMR_SEGMENT_BYTES_DEFAULT : options->segment_bytes;
	if (store->segment_bytes < SEGMENT_BYTES_MIN)
		store->segment_bytes = SEGMENT_BYTES_MIN;
	store->index_delay_ms =
		options->index_delay_ms == 0 ? INDEX_DELAY_MS : options->index_delay_ms;
	store->path = strdup(options->path);
	store->has_own_index = options->index_path != NULL;
	store->index_dir = strdup(store->has_own_index ? options->index_path : options->path);
	store->cache = calloc(EMR_CACHE_SLOTS, sizeof *store->cache);
	if (store->path == NULL || store->index_dir == NULL || store->cache == NULL ||
		init_locks(store) != EMR_OK) {
		destroy(store);
		return EMR_NO_MEMORY;
	}
	*out_store = store;
	return EMR_OK;
}

/* The found rows are in memory, and the segments say them again at the next start: a disk without
 * room for the index must not keep the folder closed. It is written as soon as there is room. */
static emr_status index_at_start(emr_store *store)
{
	emr_status status = emr_store_index_now(store);

	while (emr_status_is_full(status) && emr_reserve_release(store->reserve))
		status = emr_store_index_now(store);
	if (!emr_status_is_full(status))
		return status;
	emr_log(EMR_LOG_WARN, "store: no room for the index; going on without writing it");
	return EMR_OK;
}

static void open_tags_of(emr_store *store, const emr_store_options *options)
{
	if (options->unit_key != NULL && options->tags_path != NULL)
		emr_tags_open(store, options->tags_path);
}

/* A store that only reads makes none. Where the index's disk takes nothing, what is found is kept
 * in memory, and nothing is written beside others either. */
static emr_status make_index_dir(emr_store *store)
{
	emr_status status;

	if (!store->has_own_index)
		return EMR_OK;
	if (store->read_only) {
		store->own_dirfd = open(store->index_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return EMR_OK;
	}
	status = emr_dir_open(store->index_dir, &store->own_dirfd);
	if (status == EMR_READ_ONLY ||
		(status == EMR_OK && emr_disk_takes_nothing(store->own_dirfd))) {
		store->is_still = store->read_only = true;
		return EMR_OK;
	}
	return status;
}

/* Rows are in the order of hashes, so on a cold disk each block that is read would bring a page of
 * the index first, from anywhere.  Before SQLite has it open: closing a file lets go what locks
 * this process has on it. */
static void read_index_ahead(emr_store *store)
{
	struct stat st;
	int fd = openat(emr_store_directory(store), "index.sqlite",
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return; /* there is none yet */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= INDEX_AHEAD_BYTES)
		(void)posix_fadvise(fd, 0, st.st_size, POSIX_FADV_WILLNEED);
	close(fd);
}

static emr_status start(emr_store *store, const emr_store_options *options)
{
	EMR_TRY(open_directory(store));
	EMR_TRY(make_index_dir(store));
	EMR_TRY(check_format(store));
	if (!store->read_only)
		EMR_TRY(lock_writer(store, options->lock_path));
	read_index_ahead(store);
	EMR_TRY(emr_store_load(store));
	if (store->read_only)
		open_tags_of(store, options);
	if (store->read_only)
		return EMR_OK;
	EMR_TRY(choose_current(store));
	EMR_TRY(index_at_start(store));
	open_tags_of(store, options);
	return emr_store_background_start(store);
}

emr_status emr_store_open(const emr_store_options *options, emr_store **out_store)
{
	emr_store *store;
	emr_status status;

	EMR_TRY(store_make(options, &store));
	status = start(store, options);
	if (status != EMR_OK) {
		destroy(store);
		return status;
	}
	*out_store = store;
	return EMR_OK;
}

void emr_store_close(emr_store *store)
{
	if (store == NULL)
		return;
	emr_store_background_stop(store);
	if (!store->read_only && !store->failed) {
		emr_status status = emr_store_index_now(store); /* flushes first */

		if (status == EMR_OK &&
			(ftruncate(store->current->fd, (off_t)store->current->end) != 0 ||
				fsync(store->current->fd) != 0))
			status = emr_status_from_errno(errno);
		if (status != EMR_OK)
			emr_log(EMR_LOG_WARN, "store: not closed cleanly (%s)",
				emr_status_text(status));
	}
	destroy(store);
}

emr_status emr_store_stats_get(emr_store *store, emr_store_stats *out_stats)
{
	emr_store_stats stats = {0};
	emr_status status = emr_store_index_now(store);

	pthread_rwlock_rdlock(&store->index_swap);
	if (status == EMR_OK && store->index != NULL)
		status = emr_index_counts(store->index, store->writer, &stats.blocks,
			&stats.block_bytes, &stats.pins);
	pthread_rwlock_unlock(&store->index_swap);
	if (status != EMR_OK)
		return status;
	stats.disk_bytes = emr_store_disk_bytes(store);
	pthread_mutex_lock(&store->map_lock);
	stats.quarantined = store->damage_count;
	pthread_mutex_unlock(&store->map_lock);
	*out_stats = stats;
	return EMR_OK;
}

uint64_t emr_store_appended(emr_store *store)
{
	EMR_LOCKED(&store->sync_lock);

	return store->written_total;
}

uint64_t emr_store_disk_bytes(emr_store *store)
{
	uint64_t bytes = 0;
	EMR_LOCKED(&store->map_lock);

	for (size_t i = 0; i < store->segment_count; i++)
		if (!store->segments[i]->gone &&
			emr_id16_equal(store->segments[i]->writer, store->writer))
			bytes += store->segments[i]->known_to;
	return bytes;
}

int emr_store_directory(const emr_store *store)
{
	return store->has_own_index ? store->own_dirfd : store->dirfd;
}

emr_id16 emr_store_writer(const emr_store *store)
{
	return store->writer;
}

bool emr_store_refuses(const emr_store *store)
{
	return store->failed;
}

emr_reserve *emr_store_reserve(const emr_store *store)
{
	return store->reserve;
}

/* ---- The common face ---- */

emr_block_store *emr_store_blocks(emr_store *store)
{
	return &store->face;
}

static emr_store *store_of(emr_block_store *face)
{
	return (emr_store *)face;
}

static emr_status face_put(emr_block_store *face, const emr_block *blocks, size_t count)
{
	for (size_t done = 0; done < count; done += EMR_STORE_GROUP_BLOCKS_MAX) {
		size_t n = count - done < EMR_STORE_GROUP_BLOCKS_MAX ? count - done
								     : EMR_STORE_GROUP_BLOCKS_MAX;

		EMR_TRY(emr_store_append(store_of(face), blocks + done, n, NULL));
	}
	return EMR_OK;
}

static emr_status face_get_units(
	emr_block_store *face, const emr_cid *cid, emr_units units, uint8_t *out)
{
	return emr_store_get_units(store_of(face), cid, units, out);
}

static void face_note_units(
	emr_block_store *face, const emr_cid *cid, emr_units units, const uint8_t *bytes)
{
	emr_store_note_units(store_of(face), cid, units, bytes);
}

static emr_status face_get_verified(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	return emr_store_get_verified(store_of(face), cid, out);
}

static emr_status face_size(emr_block_store *face, const emr_cid *cid, uint64_t *out_bytes)
{
	return emr_store_size(store_of(face), cid, out_bytes);
}

static emr_status change_pins(emr_block_store *face, const emr_pin *pins, size_t count, bool unpin)
{
	EMR_AUTO_FREE emr_pin_change *changes = calloc(count + 1, sizeof *changes);

	if (changes == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < count; i++)
		changes[i] = (emr_pin_change){.pin = pins[i], .unpin = unpin};
	return emr_store_pin(store_of(face), changes, count);
}

static emr_status face_pin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	return change_pins(face, pins, count, false);
}

static emr_status face_unpin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	return change_pins(face, pins, count, true);
}

static emr_status face_each_pin(emr_block_store *face, emr_pin_visit visit, void *context)
{
	return emr_store_each_pin(store_of(face), visit, context);
}

static emr_status face_sync(emr_block_store *face)
{
	return emr_store_flush(store_of(face));
}

static emr_status face_stats(emr_block_store *face, emr_store_stats *out_stats)
{
	return emr_store_stats_get(store_of(face), out_stats);
}

static const emr_block_store_ops face_ops = {
	.put = face_put,
	.get_verified = face_get_verified,
	.get_units = face_get_units,
	.note_units = face_note_units,
	.size = face_size,
	.pin = face_pin,
	.unpin = face_unpin,
	.each_pin = face_each_pin,
	.sync = face_sync,
	.stats = face_stats,
};
