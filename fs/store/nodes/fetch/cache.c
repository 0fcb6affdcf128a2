/* This file keeps blocks that came from elsewhere as one file each, named by their hash. It knows
 * from memory which it has and which was used last, and drops the oldest when there are too many
 * bytes, when they were not used for too long, or when the disk gets full; none of those that are
 * the last copies for all that is known, and none at all before that was looked at. */
#include "fetch/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define BUCKETS 16384
#define NAME_CHARS 64
#define TEMPORARY ".tmp-"
#define TOUCH_S 3600 /* the time of last use is not written more often than this */
#define DAY_S 86400
#define SPARE_MAX ((uint64_t)1 << 30) /* left free for others; a twentieth of a small disk */

typedef struct entry {
	struct entry *chain;	     /* of its bucket */
	struct entry *newer, *older; /* by use */
	uint8_t digest[32];
	uint64_t bytes;
	int64_t used_s, touched_s;
	uint64_t last_of; /* 0, or the look that found no other copy of it */
	bool is_unread;	  /* its file could not be read just now, for no reason of its bytes */
} entry;

struct emr_block_cache {
	int fd;
	emr_block_cache_options options;
	pthread_mutex_t lock; /* of what follows; no block is read or written under it */
	entry *buckets[BUCKETS];
	entry *newest, *oldest;
	uint64_t bytes;
	uint64_t coming; /* bytes that have room and no entry yet: several are put at once */
	uint64_t temporaries;
	uint64_t looks;	       /* that are over */
	bool is_held;	       /* none is over yet: nothing is dropped */
	int64_t drops_until_s; /* what is to be dropped then */
};

/* ---- What is there: all with the lock ---- */

static entry **slot_of(emr_block_cache *cache, const uint8_t *digest)
{
	uint32_t h;
	entry **at;

	memcpy(&h, digest, sizeof h);
	at = &cache->buckets[h % BUCKETS];
	while (*at != NULL && memcmp((*at)->digest, digest, sizeof(*at)->digest) != 0)
		at = &(*at)->chain;
	return at;
}

static void unlink_by_use(emr_block_cache *cache, entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &cache->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &cache->oldest) = e->newer;
}

/* In the order of use; nearly always at the end. */
static void link_by_use(emr_block_cache *cache, entry *e)
{
	entry *older = cache->newest;

	while (older != NULL && older->used_s > e->used_s)
		older = older->older;
	e->older = older;
	e->newer = older != NULL ? older->newer : cache->oldest;
	*(e->newer != NULL ? &e->newer->older : &cache->newest) = e;
	*(older != NULL ? &older->newer : &cache->oldest) = e;
}

static void name_of(const uint8_t *digest, char out[NAME_CHARS + 1])
{
	emr_hex(digest, 32, out);
}

static void drop_entry(emr_block_cache *cache, entry *e)
{
	char name[NAME_CHARS + 1];

	*slot_of(cache, e->digest) = e->chain;
	unlink_by_use(cache, e);
	cache->bytes -= e->bytes;
	name_of(e->digest, name);
	(void)unlinkat(cache->fd, name, 0);
	free(e);
}

static emr_status add_entry(
	emr_block_cache *cache, const uint8_t *digest, uint64_t bytes, int64_t used_s)
{
	entry **at = slot_of(cache, digest);
	entry *e;

	if (*at != NULL) { /* written again because it could not be read */
		cache->bytes += bytes - (*at)->bytes;
		(*at)->bytes = bytes;
		(*at)->is_unread = false;
		return EMR_OK;
	}
	e = calloc(1, sizeof *e);
	if (e == NULL)
		return EMR_NO_MEMORY;
	memcpy(e->digest, digest, sizeof e->digest);
	e->bytes = bytes;
	e->used_s = e->touched_s = used_s;
	*at = e;
	link_by_use(cache, e);
	cache->bytes += bytes;
	return EMR_OK;
}

static int64_t now_s(const emr_block_cache *cache)
{
	return emr_clock_unix_ns(cache->options.clock) / 1000000000;
}

/* The next one that may go, E or what was used later; NULL: there is none. */
static entry *free_from(const emr_block_cache *cache, entry *e)
{
	while (e != NULL && e->last_of > 0 && e->last_of >= cache->looks)
		e = e->newer;
	return e;
}

static entry *oldest_free(const emr_block_cache *cache)
{
	return cache->is_held ? NULL : free_from(cache, cache->oldest);
}

static void drop_used_until(emr_block_cache *cache, int64_t until_s)
{
	entry *e = oldest_free(cache);

	while (e != NULL && e->used_s <= until_s) {
		entry *next = free_from(cache, e->newer);

		drop_entry(cache, e);
		e = next;
	}
}

static void drop_old(emr_block_cache *cache)
{
	drop_used_until(cache, now_s(cache) - (int64_t)cache->options.max_days * DAY_S - 1);
}

static void drop_surplus(emr_block_cache *cache, uint64_t max_bytes)
{
	entry *e = oldest_free(cache);

	while (e != NULL && cache->bytes + cache->coming > max_bytes) {
		entry *next = free_from(cache, e->newer);

		drop_entry(cache, e);
		e = next;
	}
}

/* ---- The disk ---- */

/* Whether BYTES more leave the disk what others need. */
static bool has_room(const emr_block_cache *cache, uint64_t bytes)
{
	struct statvfs disk;
	uint64_t total, spare;

	if (fstatvfs(cache->fd, &disk) != 0)
		return false;
	total = (uint64_t)disk.f_blocks * disk.f_frsize;
	spare = total / 20 < SPARE_MAX ? total / 20 : SPARE_MAX;
	return (uint64_t)disk.f_bavail * disk.f_frsize >= spare + bytes;
}

bool emr_block_cache_give_way(emr_block_cache *cache, uint64_t bytes)
{
	uint64_t before;
	bool some = false;
	entry *e;

	pthread_mutex_lock(&cache->lock);
	before = cache->bytes;
	e = oldest_free(cache);
	/* With a quota the disk has room, and the person has none. */
	while (e != NULL && (!some || before - cache->bytes < bytes || !has_room(cache, bytes))) {
		entry *next = free_from(cache, e->newer);

		drop_entry(cache, e);
		some = true;
		e = next;
	}
	pthread_mutex_unlock(&cache->lock);
	return some;
}

/* True: BYTES are coming. */
static bool make_room(emr_block_cache *cache, uint64_t bytes)
{
	bool has;
	entry *e;

	if (bytes > cache->options.max_bytes)
		return false;
	pthread_mutex_lock(&cache->lock);
	drop_surplus(cache, cache->options.max_bytes - bytes);
	e = oldest_free(cache);
	while (!(has = has_room(cache, bytes)) && e != NULL) {
		entry *next = free_from(cache, e->newer);

		drop_entry(cache, e);
		e = next;
	}
	has = has && cache->bytes + cache->coming + bytes <= cache->options.max_bytes;
	if (has)
		cache->coming += bytes;
	pthread_mutex_unlock(&cache->lock);
	return has;
}

/* ---- Opening ---- */

static bool digest_of(const char *name, uint8_t out[32])
{
	for (size_t i = 0; i < NAME_CHARS; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = name[i] != '\0' ? strchr(digits, name[i]) : NULL;

		if (at == NULL)
			return false;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (at - digits));
	}
	return name[NAME_CHARS] == '\0';
}

static int by_use(const void *a, const void *b)
{
	const entry *x = a, *y = b;

	return (x->used_s > y->used_s) - (x->used_s < y->used_s);
}

/* A file that is neither a block nor on its way to be one is left where it is. */
static emr_status note_file(emr_block_cache *cache, const char *name, emr_buf *found)
{
	entry e = {0};
	struct stat st;

	if (strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0) {
		(void)unlinkat(cache->fd, name, 0); /* of a process that was killed */
		return EMR_OK;
	}
	if (!digest_of(name, e.digest) || fstatat(cache->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISREG(st.st_mode))
		return EMR_OK;
	e.bytes = (uint64_t)st.st_size;
	e.used_s = (int64_t)st.st_mtim.tv_sec;
	return emr_buf_append(found, &e, sizeof e);
}

static emr_status find_files(emr_block_cache *cache)
{
	EMR_AUTO_BUF found = {0};
	int fd = openat(cache->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *file;
	emr_status status = EMR_OK;

	if (listing == NULL) {
		emr_auto_close(&fd);
		return EMR_IO;
	}
	while (status == EMR_OK && (file = readdir(listing)) != NULL)
		status = note_file(cache, file->d_name, &found);
	closedir(listing);
	emr_buf_sort(&found, sizeof(entry), by_use);
	for (size_t at = 0; status == EMR_OK && at < found.len; at += sizeof(entry)) {
		entry e;

		memcpy(&e, found.data + at, sizeof e);
		status = add_entry(cache, e.digest, e.bytes, e.used_s);
	}
	return status;
}

emr_status emr_block_cache_open(const emr_block_cache_options *options, emr_block_cache **out_cache)
{
	emr_block_cache *cache = calloc(1, sizeof *cache);
	emr_status status;

	if (cache == NULL)
		return EMR_NO_MEMORY;
	cache->fd = -1;
	cache->options = *options;
	cache->options.path = NULL;
	cache->is_held = options->is_held;
	pthread_mutex_init(&cache->lock, NULL);
	status = emr_dir_open(options->path, &cache->fd);
	if (status == EMR_OK)
		status = find_files(cache);
	if (status != EMR_OK) {
		emr_block_cache_close(cache);
		return status;
	}
	drop_old(cache);
	drop_surplus(cache, cache->options.max_bytes);
	*out_cache = cache;
	return EMR_OK;
}

void emr_block_cache_close(emr_block_cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->newest != NULL) {
		entry *older = cache->newest->older;

		free(cache->newest);
		cache->newest = older;
	}
	pthread_mutex_destroy(&cache->lock);
	emr_auto_close(&cache->fd);
	free(cache);
}

/* ---- One block ---- */

bool emr_block_cache_has(emr_block_cache *cache, const emr_cid *cid, uint64_t *out_bytes)
{
	const entry *e;
	bool has;

	pthread_mutex_lock(&cache->lock);
	e = *slot_of(cache, emr_cid_digest(cid));
	has = e != NULL && !e->is_unread;
	if (has && out_bytes != NULL)
		*out_bytes = e->bytes;
	pthread_mutex_unlock(&cache->lock);
	return has;
}

static bool is_listed(emr_block_cache *cache, const uint8_t *digest)
{
	bool is;

	pthread_mutex_lock(&cache->lock);
	is = *slot_of(cache, digest) != NULL;
	pthread_mutex_unlock(&cache->lock);
	return is;
}

/* It is used now; true when its file should say so, too. */
static bool note_use(emr_block_cache *cache, const uint8_t *digest)
{
	int64_t now = now_s(cache);
	bool is_due = false;
	entry *e;

	pthread_mutex_lock(&cache->lock);
	e = *slot_of(cache, digest);
	if (e != NULL) {
		unlink_by_use(cache, e);
		e->used_s = now;
		e->is_unread = false;
		link_by_use(cache, e);
		is_due = now - e->touched_s >= TOUCH_S || now < e->touched_s;
		if (is_due)
			e->touched_s = now;
	}
	pthread_mutex_unlock(&cache->lock);
	return is_due;
}

/* The file there may be a last copy: it stays, and is looked for elsewhere meanwhile. */
static void note_unread(emr_block_cache *cache, const uint8_t *digest)
{
	entry *e;

	pthread_mutex_lock(&cache->lock);
	e = *slot_of(cache, digest);
	if (e != NULL)
		e->is_unread = true;
	pthread_mutex_unlock(&cache->lock);
}

static void drop_bad(emr_block_cache *cache, const uint8_t *digest)
{
	entry *e;

	pthread_mutex_lock(&cache->lock);
	e = *slot_of(cache, digest);
	if (e != NULL)
		drop_entry(cache, e);
	pthread_mutex_unlock(&cache->lock);
}

void emr_block_cache_drop(emr_block_cache *cache, const emr_cid *cid)
{
	drop_bad(cache, emr_cid_digest(cid));
}

/* Whether NAME is not the block of CID, and not only out of reach: READ is how reading it ended,
 * and BLOCK what came. */
static bool is_bad(emr_block_cache *cache, const char *name, const emr_cid *cid, emr_status read,
	const emr_buf *block)
{
	struct stat st;

	if (read == EMR_OK)
		return emr_cid_verify(cid, emr_buf_view(block)) != EMR_OK;
	if (read == EMR_NOT_FOUND || read == EMR_LIMIT || read == EMR_DAMAGED)
		return true;
	/* A link or a pipe is not read either. */
	return fstatat(cache->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode);
}

emr_status emr_block_cache_get(emr_block_cache *cache, const emr_cid *cid, emr_buf *out)
{
	const uint8_t *digest = emr_cid_digest(cid);
	const struct timespec now[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = now_s(cache)}};
	EMR_AUTO_BUF block = {0};
	char name[NAME_CHARS + 1];
	emr_status status;

	if (!is_listed(cache, digest))
		return EMR_NOT_FOUND;
	name_of(digest, name);
	status = emr_file_read(cache->fd, name, EMR_BLOCK_MAX, &block);
	if (is_bad(cache, name, cid, status, &block)) {
		emr_log(EMR_LOG_WARN, "cache: a block was not what it should be, and is dropped");
		drop_bad(cache, digest);
		return EMR_NOT_FOUND;
	}
	if (status == EMR_NO_MEMORY)
		return status;
	if (status != EMR_OK) {
		emr_log(EMR_LOG_WARN, "cache: a block cannot be read: %s", emr_status_text(status));
		note_unread(cache, digest);
		return EMR_NOT_FOUND;
	}
	if (note_use(cache, digest))
		(void)utimensat(cache->fd, name, now, AT_SYMLINK_NOFOLLOW);
	return emr_buf_append(out, block.data, block.len);
}

/* Nothing is flushed: a block that a power cut took half of does not fit its name. */
static emr_status write_file(
	emr_block_cache *cache, const char *temporary, const char *name, emr_bytes block)
{
	EMR_AUTO_FD fd = openat(
		cache->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	emr_status status;

	if (fd < 0)
		return emr_status_from_errno(errno);
	status = emr_pwrite_all(fd, block.data, block.len, 0);
	if (status == EMR_OK && renameat(cache->fd, temporary, cache->fd, name) != 0)
		status = emr_status_from_errno(errno);
	if (status != EMR_OK)
		(void)unlinkat(cache->fd, temporary, 0);
	return status;
}

emr_status emr_block_cache_put(emr_block_cache *cache, const emr_cid *cid, emr_bytes block)
{
	const uint8_t *digest = emr_cid_digest(cid);
	char name[NAME_CHARS + 1], temporary[NAME_CHARS + 40];
	uint64_t number;
	bool is_written;
	emr_status status;

	if (emr_block_cache_has(cache, cid, NULL))
		return EMR_OK;
	if (!make_room(cache, block.len))
		return EMR_NO_SPACE;
	pthread_mutex_lock(&cache->lock);
	number = cache->temporaries++;
	pthread_mutex_unlock(&cache->lock);
	name_of(digest, name);
	snprintf(
		temporary, sizeof temporary, TEMPORARY "%llu-%s", (unsigned long long)number, name);
	status = write_file(cache, temporary, name, block);
	is_written = status == EMR_OK;
	pthread_mutex_lock(&cache->lock);
	cache->coming -= block.len;
	if (is_written)
		status = add_entry(cache, digest, block.len, now_s(cache));
	pthread_mutex_unlock(&cache->lock);
	if (!is_written)
		(void)emr_block_cache_give_way(cache, block.len);
	return status == EMR_QUOTA ? EMR_NO_SPACE : status;
}

/* ---- All of it ---- */

void emr_block_cache_age(emr_block_cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	drop_old(cache);
	pthread_mutex_unlock(&cache->lock);
}

void emr_block_cache_drop_until(emr_block_cache *cache, int64_t until_s)
{
	pthread_mutex_lock(&cache->lock);
	if (cache->is_held && until_s > cache->drops_until_s)
		cache->drops_until_s = until_s;
	drop_used_until(cache, until_s);
	pthread_mutex_unlock(&cache->lock);
}

void emr_block_cache_keep(emr_block_cache *cache, const emr_cid *cid)
{
	entry *e;

	pthread_mutex_lock(&cache->lock);
	e = *slot_of(cache, emr_cid_digest(cid));
	if (e != NULL)
		e->last_of = cache->looks + 1;
	pthread_mutex_unlock(&cache->lock);
}

void emr_block_cache_looked(emr_block_cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	cache->looks++;
	cache->is_held = false;
	drop_used_until(cache, cache->drops_until_s);
	cache->drops_until_s = 0;
	drop_old(cache);
	drop_surplus(cache, cache->options.max_bytes);
	pthread_mutex_unlock(&cache->lock);
}

uint64_t emr_block_cache_bytes(emr_block_cache *cache)
{
	uint64_t bytes;

	pthread_mutex_lock(&cache->lock);
	bytes = cache->bytes;
	pthread_mutex_unlock(&cache->lock);
	return bytes;
}
