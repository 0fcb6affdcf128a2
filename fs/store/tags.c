/* This file keeps, beside the segments and for this computer only, tags of the pieces of large
 * blocks that were right once, so that a piece is known again without the whole block being hashed.
 * A tag that is missing, torn or wrong only costs the hash. */
#include "store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "store/segment_file.h"

#define SUFFIX ".tags"
#define NAME_MAX_BYTES (EMR_SEGMENT_NAME_MAX + sizeof SUFFIX)
#define HEAD_BYTES 1024
#define SLOT_BYTES (EMR_UNITS_PER_LEAF * EMR_UNIT_TAG_BYTES)
#define SLOT_LOG2 18 /* leaves are longer than this: no two begin in the same slot's stretch */

static const uint8_t head[HEAD_BYTES] = {'E', 'M', 'R', 'U', 1};

static void name_of(const emr_segment *segment, char out[NAME_MAX_BYTES])
{
	emr_segment_name_of(segment->writer, segment->number, out);
	memcpy(out + strlen(out), SUFFIX, sizeof SUFFIX);
}

/* ---- The directory ---- */

/* NAME without its suffix is a segment that is here. */
static bool has_segment(emr_store *store, const char *name)
{
	char segment[NAME_MAX_BYTES];
	size_t len = strlen(name);
	emr_id16 writer;
	uint64_t number;
	bool has = false;

	if (len >= sizeof segment || len < sizeof SUFFIX ||
		strcmp(name + len - (sizeof SUFFIX - 1), SUFFIX) != 0)
		return true; /* none of ours: it stays */
	memcpy(segment, name, len + 1);
	segment[len - (sizeof SUFFIX - 1)] = 0;
	if (!emr_segment_file_parse(segment, &writer, &number))
		return true;
	pthread_mutex_lock(&store->map_lock);
	for (size_t i = 0; i < store->segment_count && !has; i++)
		has = store->segments[i]->number == number && !store->segments[i]->gone &&
		      emr_id16_equal(store->segments[i]->writer, writer);
	pthread_mutex_unlock(&store->map_lock);
	return has;
}

static void drop_left_over(emr_store *store)
{
	int fd = openat(store->tags_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		emr_auto_close(&fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (!has_segment(store, entry->d_name))
			(void)unlinkat(store->tags_dirfd, entry->d_name, 0);
	closedir(dir);
}

void emr_tags_open(emr_store *store, const char *path)
{
	emr_status status = store->read_only ? EMR_OK : emr_dir_make(AT_FDCWD, path);

	if (status == EMR_OK) {
		store->tags_dirfd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (store->tags_dirfd < 0 && !(store->read_only && errno == ENOENT))
			status = emr_status_from_errno(errno);
	}
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "store: every block is hashed whole, tags cannot be kept: %s",
			emr_status_text(status));
	else if (store->tags_dirfd >= 0 && !store->read_only)
		drop_left_over(store);
}

void emr_tags_drop(emr_store *store, const emr_segment *segment)
{
	char name[NAME_MAX_BYTES];

	if (store->tags_dirfd < 0)
		return;
	name_of(segment, name);
	(void)unlinkat(store->tags_dirfd, name, 0);
}

/* Cut, not removed: somebody may have it open, and go on with it. A file that cannot be cut
 * goes. */
static emr_status empty_one(emr_store *store, const char *name)
{
	int fd = openat(store->tags_dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool is_cut = fd >= 0 && ftruncate(fd, HEAD_BYTES) == 0;

	emr_auto_close(&fd);
	if (is_cut || unlinkat(store->tags_dirfd, name, 0) == 0 || errno == ENOENT ||
		errno == EISDIR)
		return EMR_OK;
	emr_log(EMR_LOG_WARN, "store: tags stay in %s", name);
	return emr_status_from_errno(errno);
}

emr_status emr_tags_purge(emr_store *store)
{
	int fd = store->tags_dirfd < 0
			 ? -1
			 : openat(store->tags_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (dir == NULL) {
		status = store->tags_dirfd < 0 ? EMR_OK : emr_status_from_errno(errno);
		emr_auto_close(&fd);
		return status;
	}
	while ((entry = readdir(dir)) != NULL) {
		emr_status one = strncmp(entry->d_name, "seg-", 4) != 0
					 ? EMR_OK
					 : empty_one(store, entry->d_name);

		status = status == EMR_OK ? one : status;
	}
	closedir(dir);
	return status;
}

/* ---- A segment's file ---- */

/* Other bytes than ours at its beginning: a later version's or nobody's, and left alone.  A file
 * that was not begun when the power went or the disk was full has zeros there, or nothing, and is
 * begun now; EMR_NOT_FOUND, unless the caller WRITES. */
static emr_status check_head(int fd, off_t size, bool writes)
{
	static const uint8_t none[HEAD_BYTES];
	uint8_t found[HEAD_BYTES] = {0};

	EMR_TRY(emr_pread_all(fd, found, size < HEAD_BYTES ? (size_t)size : HEAD_BYTES, 0));
	if (size >= HEAD_BYTES && memcmp(found, head, sizeof head) == 0)
		return EMR_OK;
	if (memcmp(found, none, sizeof none) != 0 && memcmp(found, head, sizeof head) != 0)
		return EMR_INVALID;
	return writes ? emr_pwrite_all(fd, head, sizeof head, 0) : EMR_NOT_FOUND;
}

static emr_status open_tags(emr_store *store, const emr_segment *segment, bool writes, int *out_fd)
{
	char name[NAME_MAX_BYTES];
	struct stat st;
	emr_status status;
	int fd;

	name_of(segment, name);
	fd = openat(store->tags_dirfd, name,
		(store->read_only ? O_RDONLY : O_RDWR) | (writes ? O_CREAT : 0) | O_NOFOLLOW |
			O_NONBLOCK | O_CLOEXEC,
		0600);
	if (fd < 0)
		return emr_status_from_errno(errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		status = EMR_INVALID;
	else
		status = check_head(fd, st.st_size, writes);
	if (status != EMR_OK)
		close(fd);
	else
		*out_fd = fd;
	return status;
}

/* For a user of the segment: the file stays open as long as it is used.  -1: there is none. */
static int tags_of(emr_store *store, emr_segment *segment, bool writes)
{
	EMR_LOCKED(&store->map_lock);

	if (segment->tags_fd < 0 && !segment->gone &&
		(segment->tags == EMR_TAGS_UNSEEN || (writes && segment->tags == EMR_TAGS_NONE))) {
		emr_status status = open_tags(store, segment, writes, &segment->tags_fd);

		segment->tags = status == EMR_OK ? EMR_TAGS_UNSEEN
				: status == EMR_NOT_FOUND || emr_status_is_full(status)
					? EMR_TAGS_NONE
					: EMR_TAGS_REFUSED;
		store->open_files += status == EMR_OK;
		/* A reader that jumps about would wait for two reads of the disk each time, and all
		 * tags of a segment are 1/256 of it. Without an answer it only is slower. */
		if (status == EMR_OK && !writes)
			(void)posix_fadvise(segment->tags_fd, 0, 0, POSIX_FADV_WILLNEED);
	}
	return segment->tags_fd;
}

static off_t slot_of(const emr_store_position *at, emr_units units)
{
	return (off_t)(HEAD_BYTES + (at->offset >> SLOT_LOG2) * SLOT_BYTES +
		       units.first * EMR_UNIT_TAG_BYTES);
}

/* The leaf's place, and its segment with the caller as a user; false: nothing of it is kept. */
static bool find_leaf(emr_store *store, const emr_cid *cid, emr_units units, emr_store_position *at,
	emr_segment **out_segment, int *out_fd)
{
	if (store->tags_dirfd < 0 || !emr_units_fit(units) ||
		emr_store_find_quickly(store, emr_cid_digest(cid), at) != EMR_OK ||
		at->len != EMR_UNIT_LEAF_BYTES || at->offset > EMR_SEGMENT_FILE_MAX)
		return false;
	pthread_mutex_lock(&store->map_lock);
	*out_segment = emr_segment_by_handle(store, at->segment);
	pthread_mutex_unlock(&store->map_lock);
	return emr_segment_use(store, *out_segment, out_fd) == EMR_OK;
}

static bool all_are_there(const uint8_t *tags, size_t count)
{
	static const uint8_t none[EMR_UNIT_TAG_BYTES];

	for (size_t i = 0; i < count; i++)
		if (memcmp(tags + i * EMR_UNIT_TAG_BYTES, none, sizeof none) == 0)
			return false;
	return true;
}

static emr_status read_units(emr_store *store, const emr_cid *cid, emr_units units,
	const emr_store_position *at, emr_segment *segment, int fd, uint8_t *out)
{
	uint8_t tags[SLOT_BYTES];
	int tags_fd = tags_of(store, segment, false);

	if (tags_fd < 0 ||
		emr_pread_all(tags_fd, tags, units.count * (size_t)EMR_UNIT_TAG_BYTES,
			slot_of(at, units)) != EMR_OK ||
		!all_are_there(tags, units.count))
		return EMR_NOT_FOUND;
	if (emr_pread_all(fd, out, emr_units_len(units),
		    (off_t)(at->offset + emr_units_at(units))) != EMR_OK ||
		emr_unit_tags_check(store->unit_key, emr_cid_digest(cid), units, out, tags) !=
			EMR_OK)
		return EMR_NOT_FOUND;
	return EMR_OK;
}

emr_status emr_store_get_units(emr_store *store, const emr_cid *cid, emr_units units, uint8_t *out)
{
	emr_store_position at;
	emr_segment *segment;
	emr_status status;
	int fd;

	if (!find_leaf(store, cid, units, &at, &segment, &fd))
		return EMR_NOT_FOUND;
	status = read_units(store, cid, units, &at, segment, fd, out);
	emr_segment_unuse(store, segment);
	if (status == EMR_OK)
		emr_store_cache_put(store, emr_cid_digest(cid), &at);
	return status;
}

void emr_store_note_units(
	emr_store *store, const emr_cid *cid, emr_units units, const uint8_t *bytes)
{
	uint8_t tags[SLOT_BYTES];
	emr_store_position at;
	emr_segment *segment;
	int fd, tags_fd;

	if (store->read_only || emr_reserve_is_out(store->reserve) ||
		!find_leaf(store, cid, units, &at, &segment, &fd))
		return;
	tags_fd = tags_of(store, segment, true);
	/* Without room nothing is kept, and the leaf is hashed again. */
	if (tags_fd >= 0 &&
		emr_unit_tags(store->unit_key, emr_cid_digest(cid), units, bytes, tags) == EMR_OK)
		(void)emr_pwrite_all(tags_fd, tags, units.count * (size_t)EMR_UNIT_TAG_BYTES,
			slot_of(&at, units));
	emr_segment_unuse(store, segment);
}
