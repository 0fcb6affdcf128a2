/* A segment is one append-only file of blocks of one computer. This file lists, opens and begins
 * segments, keeps few of them open, and ignores files that others put there under such
 * names. */
#include "store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/log.h"
#include "store/segment_file.h"

emr_segment *emr_segment_by_handle(emr_store *store, uint32_t handle)
{
	return handle == 0 || handle > store->segment_count ? NULL : store->segments[handle - 1];
}

/* From the newest: what is asked for is mostly young. */
emr_segment *emr_segment_by_index_id(emr_store *store, int64_t id)
{
	for (size_t i = store->segment_count; i > 0; i--)
		if (store->segments[i - 1]->index_id == id && !store->segments[i - 1]->gone)
			return store->segments[i - 1];
	return NULL;
}

static emr_status add_slot(emr_store *store, emr_segment **out_segment)
{
	emr_segment *segment;

	if (emr_array_room(&store->segments, store->segment_count, &store->segment_capacity,
		    sizeof(emr_segment *)) != EMR_OK)
		return EMR_NO_MEMORY;
	segment = calloc(1, sizeof *segment);
	if (segment == NULL)
		return EMR_NO_MEMORY;
	segment->fd = segment->tags_fd = -1;
	segment->known_to = EMR_SEGMENT_PREFIX_BYTES;
	store->segments[store->segment_count++] = segment;
	segment->handle = (uint32_t)store->segment_count;
	*out_segment = segment;
	return EMR_OK;
}

/* Finds or makes the slot of a segment; call with map_lock held. */
static emr_status segment_slot(
	emr_store *store, emr_id16 writer, uint64_t number, emr_segment **out_segment)
{
	for (size_t i = 0; i < store->segment_count; i++) {
		emr_segment *segment = store->segments[i];

		/* One that we dropped may still stand in a listing; one that was not there for a
		 * moment is back. */
		if (segment->number == number && emr_id16_equal(segment->writer, writer)) {
			segment->gone = segment->condemned;
			*out_segment = segment;
			return EMR_OK;
		}
	}
	EMR_TRY(add_slot(store, out_segment));
	(*out_segment)->writer = writer;
	(*out_segment)->number = number;
	(*out_segment)->own =
		(!store->read_only || store->is_still) && emr_id16_equal(writer, store->writer);
	return EMR_OK;
}

static void close_one(emr_store *store, int *fd)
{
	if (*fd < 0)
		return;
	close(*fd);
	*fd = -1;
	store->open_files--;
}

void emr_segment_close_files(emr_store *store, emr_segment *segment)
{
	close_one(store, &segment->fd);
	close_one(store, &segment->tags_fd);
}

/* map_lock held: closes one idle descriptor when there are many. */
static void make_room(emr_store *store)
{
	if (store->open_files < EMR_OPEN_FILES_MAX)
		return;
	for (size_t i = 0; i < store->segment_count; i++) {
		emr_segment *segment = store->segments[i];

		if (segment->fd < 0 || segment->users > 0)
			continue;
		emr_segment_close_files(store, segment);
		return;
	}
}

/* map_lock held. */
static void note_gone(emr_store *store, emr_segment *segment)
{
	store->vanished += !segment->gone;
	segment->gone = true;
}

static emr_status open_file(emr_store *store, emr_segment *segment)
{
	char name[EMR_SEGMENT_NAME_MAX];
	emr_status status;

	make_room(store);
	emr_segment_name_of(segment->writer, segment->number, name);
	status = emr_segment_file_open(store->dirfd, name,
		segment->own && !store->is_still ? O_RDWR : O_RDONLY, &segment->fd);
	if (status == EMR_DENIED && segment->own) {
		/* Not to be written any more, so it is read like another's, and we go on in a new
		 * one. */
		segment->own = false;
		status = emr_segment_file_open(store->dirfd, name, O_RDONLY, &segment->fd);
	}
	if (status == EMR_OK) {
		store->open_files++;
		return EMR_OK;
	}
	if (status == EMR_INVALID && !segment->odd) {
		emr_log(EMR_LOG_WARN, "store: %s is no regular file and is left out", name);
		segment->odd = true;
	}
	if (status == EMR_DENIED && !segment->odd) {
		emr_log(EMR_LOG_WARN, "store: %s may not be read and is left out", name);
		segment->odd = true;
	}
	/* The rest must open all the same. */
	if (status == EMR_INVALID || status == EMR_DENIED)
		status = EMR_NOT_FOUND;
	if (status == EMR_NOT_FOUND)
		note_gone(store, segment);
	return status;
}

emr_status emr_segment_use(emr_store *store, emr_segment *segment, int *out_fd)
{
	emr_status status = EMR_OK;
	EMR_LOCKED(&store->map_lock);

	if (segment->fd < 0)
		status = segment->gone ? EMR_NOT_FOUND : open_file(store, segment);
	if (status == EMR_OK) {
		segment->users++;
		*out_fd = segment->fd;
	}
	return status;
}

void emr_segment_unuse(emr_store *store, emr_segment *segment)
{
	EMR_LOCKED(&store->map_lock);

	segment->users--;
	if (segment->gone && segment->users == 0)
		emr_segment_close_files(store, segment);
}

static bool is_regular(emr_store *store, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_REG;
	return fstatat(store->dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	       S_ISREG(st.st_mode);
}

/* Whether ENTRY is a segment. An entry that only looks like one is somebody's mistake, or meant to
 * stop us. */
static bool is_segment(
	emr_store *store, const struct dirent *entry, emr_id16 *out_writer, uint64_t *out_number)
{
	bool is_named = emr_segment_file_parse(entry->d_name, out_writer, out_number);

	if (is_named && is_regular(store, entry))
		return true;
	if (strncmp(entry->d_name, "seg-", 4) != 0 || store->has_odd_names)
		return false;
	store->has_odd_names = true;
	/* Another name may hold anything, a line of its own too. */
	emr_log(EMR_LOG_WARN, "store: %s is no segment and is left out",
		is_named ? entry->d_name : "a file seg-...");
	return false;
}

/* Another file of another writer has the name now: nothing of the one before counts. */
static void forget_file(emr_store *store, emr_segment *segment)
{
	if (!store->has_own_index || segment->own)
		return;
	segment->known_to = EMR_SEGMENT_PREFIX_BYTES;
	segment->index_id = 0;
	segment->is_kept = false;
	emr_segment_close_files(store, segment);
	emr_store_cache_clear(store);
}

static emr_status list_locked(emr_store *store, DIR *dir)
{
	struct dirent *entry;
	emr_segment *segment;
	emr_id16 writer;
	uint64_t number;

	store->listings++;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? EMR_OK : emr_status_from_errno(errno);
		if (!is_segment(store, entry, &writer, &number))
			continue;
		if (number == store->making && emr_id16_equal(writer, store->writer))
			continue;
		if (segment_slot(store, writer, number, &segment) != EMR_OK)
			return EMR_NO_MEMORY;
		segment->listed = store->listings;
		if (segment->file != 0 && segment->file != entry->d_ino) {
			/* Somebody reads the one before, and what is there now would be read by
			 * that, too: it is seen again. */
			if (segment->users > 0)
				continue;
			forget_file(store, segment);
		}
		segment->file = entry->d_ino;
	}
}

/* A segment that another writer reclaimed is closed: its file is held open by nobody here any
 * longer, or its room would not be free. */
static void let_vanished_go(emr_store *store)
{
	for (size_t i = 0; i < store->segment_count; i++) {
		emr_segment *segment = store->segments[i];

		if (segment->own || segment->listed == store->listings)
			continue;
		if (!segment->gone && !store->read_only)
			emr_tags_drop(store, segment);
		store->has_looked_again &= segment->gone;
		note_gone(store, segment);
		if (segment->users == 0)
			emr_segment_close_files(store, segment);
	}
}

static int compare_segments(const void *x, const void *y)
{
	const emr_segment *a = *(emr_segment *const *)x;
	const emr_segment *b = *(emr_segment *const *)y;
	int writers = memcmp(a->writer.b, b->writer.b, sizeof a->writer.b);

	if (writers != 0)
		return writers;
	return a->number < b->number ? -1 : a->number > b->number;
}

emr_status emr_segment_list(emr_store *store)
{
	int fd = openat(store->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t before;
	emr_status status;

	if (dir == NULL) {
		emr_auto_close(&fd);
		return EMR_IO;
	}
	pthread_mutex_lock(&store->map_lock);
	before = store->segment_count;
	status = list_locked(store, dir);
	if (status == EMR_OK)
		let_vanished_go(store);
	/* New slots in the order of their numbers: what is later in the log is later here. */
	if (store->segment_count > before)
		qsort(store->segments + before, store->segment_count - before,
			sizeof(emr_segment *), compare_segments);
	for (size_t i = before; i < store->segment_count; i++)
		store->segments[i]->handle = (uint32_t)i + 1;
	pthread_mutex_unlock(&store->map_lock);
	closedir(dir);
	return status;
}

static emr_status write_prefix(emr_store *store, int fd)
{
	EMR_TRY(emr_pwrite_all(fd, emr_segment_prefix, sizeof emr_segment_prefix, 0));
	if (fdatasync(fd) != 0 || fsync(store->dirfd) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	return EMR_OK;
}

static void set_making(emr_store *store, uint64_t number)
{
	EMR_LOCKED(&store->map_lock);

	store->making = number;
}

/* Readers that list the directory meanwhile leave the file out: one without its first bytes looks
 * damaged. */
static emr_status make_file(emr_store *store, const char *name, uint64_t number, int *out_fd)
{
	emr_status status;
	int fd;

	set_making(store, number);
	fd = openat(store->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		status = emr_status_from_errno(errno);
		set_making(store, 0);
		return status;
	}
	*out_fd = fd;
	return write_prefix(store, fd);
}

emr_status emr_segment_create(emr_store *store, uint64_t number, emr_segment **out_segment)
{
	char name[EMR_SEGMENT_NAME_MAX];
	emr_segment *segment;
	emr_id16 writer;
	uint64_t parsed;
	emr_status status;
	int fd = -1;

	emr_segment_name_of(store->writer, number, name);
	if (!emr_segment_file_parse(name, &writer, &parsed))
		return EMR_LIMIT;
	status = make_file(store, name, number, &fd);
	if (fd < 0)
		return status;
	pthread_mutex_lock(&store->map_lock);
	store->making = 0;
	if (status == EMR_OK)
		status = segment_slot(store, store->writer, number, &segment);
	if (status == EMR_OK) {
		make_room(store);
		segment->fd = fd;
		segment->end = EMR_SEGMENT_PREFIX_BYTES;
		store->open_files++;
	}
	pthread_mutex_unlock(&store->map_lock);
	if (status != EMR_OK) {
		unlinkat(store->dirfd, name, 0);
		close(fd);
		return status;
	}
	*out_segment = segment;
	return EMR_OK;
}

void emr_store_segment_name(emr_store *store, uint32_t handle, char *out)
{
	emr_segment *segment;
	EMR_LOCKED(&store->map_lock);

	segment = emr_segment_by_handle(store, handle);
	if (segment == NULL)
		snprintf(out, EMR_SEGMENT_NAME_MAX, "no segment");
	else
		emr_segment_name_of(segment->writer, segment->number, out);
}
