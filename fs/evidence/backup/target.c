/* This file is the disk that a backup is written to. The earlier backup stays whole until the
 * new one is complete, and a copy that was interrupted goes on where it was. */
#include "backup_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_PREFIX ".tmp-"
#define NOTE_NAME "README.txt"
#define LIST_EVERY ((uint64_t)64 << 20) /* bytes that an interruption may cost */

void target_temporary(char out[64])
{
	emr_id16 id = emr_id16_random();
	char hex[17];

	emr_hex(id.b, 8, hex);
	snprintf(out, 64, TEMPORARY_PREFIX "%s", hex);
}

void target_close(backup_target *t)
{
	emr_backup_manifest_free(&t->old);
	emr_backup_manifest_free(&t->partial);
	emr_backup_manifest_free(&t->made);
	emr_backup_manifest_free(&t->strangers);
	free(t->buffer);
	if (t->lock_fd >= 0)
		close(t->lock_fd);
	if (t->data_fd >= 0)
		close(t->data_fd);
	if (t->dir_fd >= 0)
		close(t->dir_fd);
	*t = (backup_target){.dir_fd = -1, .data_fd = -1, .lock_fd = -1};
}

/* ---- opening ---- */

/* One level is made: a parent that is missing is rather a disk that is not there. */
static emr_status open_directories(backup_target *t, const char *dir)
{
	EMR_TRY(emr_dir_make(AT_FDCWD, dir));
	t->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir_fd < 0)
		return errno == ENOTDIR ? EMR_NOT_DIRECTORY : emr_status_from_errno(errno);
	EMR_TRY(emr_dir_make(t->dir_fd, DATA_DIRECTORY));
	t->data_fd =
		openat(t->dir_fd, DATA_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return t->data_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status lock_data(backup_target *t)
{
	t->lock_fd = openat(t->data_fd, DATA_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (t->lock_fd < 0)
		return emr_status_from_errno(errno);
	if (flock(t->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? EMR_BUSY : emr_status_from_errno(errno);
	return EMR_OK;
}

/* The partial list is a help only: one that cannot be read is none. */
static emr_status read_lists(backup_target *t)
{
	emr_status status = backup_list_of(t->dir_fd, &t->old);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	t->has_old = status == EMR_OK;
	t->has_partial = backup_list_in(t->data_fd, DATA_PARTIAL, &t->partial) == EMR_OK;
	return EMR_OK;
}

emr_status target_open(backup_target *t, const emr_backup_options *options)
{
	emr_status status = open_directories(t, options->dir);

	t->options = options;
	t->buffer = malloc(COPY_BYTES);
	if (t->buffer == NULL)
		return EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = lock_data(t);
	return status == EMR_OK ? read_lists(t) : status;
}

/* ---- small things ---- */

static emr_status sync_directory(int fd)
{
	return fsync(fd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

/* Rights are what the disk has: many know none.  Half files lie among the data, where the next run
 * clears away what was killed. */
static emr_status replace_file(const backup_target *t, int dirfd, const char *name, emr_bytes bytes)
{
	char temporary[64];
	EMR_AUTO_FD fd = -1;
	emr_status status;

	target_temporary(temporary);
	fd = openat(
		t->data_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return emr_status_from_errno(errno);
	status = emr_pwrite_all(fd, bytes.data, bytes.len, 0);
	if (status == EMR_OK &&
		(fsync(fd) != 0 || renameat(t->data_fd, temporary, dirfd, name) != 0))
		status = emr_status_from_errno(errno);
	if (status != EMR_OK) {
		unlinkat(t->data_fd, temporary, 0);
		return status;
	}
	return sync_directory(dirfd);
}

emr_status target_replace(const backup_target *t, const char *name, emr_bytes bytes)
{
	return replace_file(t, t->data_fd, name, bytes);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Files that change as a whole are named after what they hold: an old list keeps its own. */
static void name_after(emr_backup_file *file)
{
	char hex[17];

	emr_hex(file->sha256, 8, hex);
	snprintf(file->stored, sizeof file->stored, "%s.%s", base_of(file->path), hex);
}

/* Of exactly that length: its name says what is in it, and it got the name after it was flushed. */
static bool has_length(const backup_target *t, const emr_backup_file *file)
{
	struct stat st;

	return fstatat(t->data_fd, file->stored, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == file->bytes;
}

/* A small file of the target that is what its name says. */
static bool is_there(const backup_target *t, const emr_backup_file *file, emr_buf *out)
{
	uint8_t sha256[32];

	if (!has_length(t, file) ||
		emr_file_read(t->data_fd, file->stored, SMALL_MAX, out) != EMR_OK)
		return false;
	crypto_hash_sha256(sha256, out->data, out->len);
	return memcmp(sha256, file->sha256, sizeof sha256) == 0;
}

static void note_progress(backup_target *t, uint64_t bytes, bool is_new)
{
	t->done += bytes;
	if (is_new) {
		t->new_bytes += bytes;
		t->unlisted_bytes += bytes;
	}
	backup_progress(t->options, t->done, t->total);
}

emr_status target_put(backup_target *t, const char *path, emr_bytes bytes)
{
	EMR_AUTO_BUF there = {0};
	emr_backup_file file = {.bytes = bytes.len};

	snprintf(file.path, sizeof file.path, "%s", path);
	crypto_hash_sha256(file.sha256, bytes.data, bytes.len);
	name_after(&file);
	if (!is_there(t, &file, &there)) {
		EMR_TRY(replace_file(t, t->data_fd, file.stored, bytes));
		note_progress(t, file.bytes, true);
	}
	return emr_backup_manifest_add(&t->made, &file);
}

emr_status target_keep(backup_target *t, const char *path, bool *out_is_kept)
{
	const emr_backup_file *old = t->has_old ? emr_backup_manifest_find(&t->old, path) : NULL;
	EMR_AUTO_BUF bytes = {0};

	*out_is_kept = old != NULL && is_there(t, old, &bytes) &&
		       backup_is_whole(path, emr_buf_view(&bytes));
	return *out_is_kept ? emr_backup_manifest_add(&t->made, old) : EMR_OK;
}

/* TEMPORARY, flushed, becomes the stored file, also in the place of one that has the name already:
 * nobody has read whether that is still what its name says. */
static emr_status give_name(backup_target *t, emr_backup_file *file, const char *temporary)
{
	bool is_new;

	name_after(file);
	is_new = !has_length(t, file);
	if (renameat(t->data_fd, temporary, t->data_fd, file->stored) != 0)
		return emr_status_from_errno(errno);
	if (is_new)
		note_progress(t, file->bytes, true);
	return emr_backup_manifest_add(&t->made, file);
}

emr_status target_take(backup_target *t, const char *path, const char *temporary)
{
	EMR_AUTO_FD fd =
		openat(t->data_fd, temporary, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	emr_backup_file file = {.bytes = 0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return emr_status_from_errno(errno);
	file.bytes = (uint64_t)st.st_size;
	snprintf(file.path, sizeof file.path, "%s", path);
	EMR_TRY(backup_hash(fd, file.bytes, t->buffer, file.sha256));
	return give_name(t, &file, temporary);
}

/* From AT to END, or with END 0 to the end of IN; STATE goes along. */
static emr_status copy_bytes(backup_target *t, int in, int out, uint64_t at, uint64_t end,
	crypto_hash_sha256_state *state, uint64_t *out_end)
{
	const uint64_t from = at;

	while (end == 0 || at < end) {
		size_t want = end == 0 || end - at > COPY_BYTES ? COPY_BYTES : (size_t)(end - at);
		ssize_t n = pread(in, t->buffer, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return emr_status_from_errno(errno);
		if (n == 0)
			break;
		crypto_hash_sha256_update(state, t->buffer, (size_t)n);
		EMR_TRY(emr_pwrite_all(out, t->buffer, (size_t)n, (off_t)at));
		at += (uint64_t)n;
		backup_progress(t->options, t->done + (at - from), t->total);
	}
	*out_end = at;
	return EMR_OK;
}

emr_status target_put_fd(backup_target *t, const char *path, int fd)
{
	crypto_hash_sha256_state state;
	emr_backup_file file = {.bytes = 0};
	char temporary[64];
	EMR_AUTO_FD out = -1;
	emr_status status;

	target_temporary(temporary);
	out = openat(
		t->data_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return emr_status_from_errno(errno);
	crypto_hash_sha256_init(&state);
	status = copy_bytes(t, fd, out, 0, 0, &state, &file.bytes);
	if (status == EMR_OK && fsync(out) != 0)
		status = emr_status_from_errno(errno);
	if (status != EMR_OK) {
		unlinkat(t->data_fd, temporary, 0);
		return status;
	}
	snprintf(file.path, sizeof file.path, "%s", path);
	crypto_hash_sha256_final(&state, file.sha256);
	return give_name(t, &file, temporary);
}

/* ---- segments ---- */

bool target_distrusts(const backup_target *t, const char *path)
{
	const emr_buf *rotten = t->options->rotten;

	for (size_t at = 0; rotten != NULL && at < rotten->len;
		at += strlen((const char *)rotten->data + at) + 1)
		if (strcmp((const char *)rotten->data + at, path) == 0)
			return true;
	return false;
}

static bool is_strange(const backup_target *t, const emr_backup_file *file)
{
	for (size_t i = 0; i < t->strangers.n; i++) {
		if (memcmp(t->strangers.files[i].sha256, file->sha256, sizeof file->sha256) == 0)
			return true;
	}
	return false;
}

/* The stored file must still be as long as the list says. */
static const emr_backup_file *usable_file(
	const backup_target *t, const emr_backup_manifest *list, const char *path, uint64_t end)
{
	const emr_backup_file *file = emr_backup_manifest_find(list, path);
	struct stat st;

	if (file == NULL || file->bytes > end || is_strange(t, file) || target_distrusts(t, path) ||
		fstatat(t->data_fd, file->stored, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISREG(st.st_mode) || (uint64_t)st.st_size < file->bytes)
		return NULL;
	return file;
}

const emr_backup_file *target_known(const backup_target *t, const char *path, uint64_t end)
{
	const emr_backup_file *file =
		t->has_partial ? usable_file(t, &t->partial, path, end) : NULL;

	return file != NULL || !t->has_old ? file : usable_file(t, &t->old, path, end);
}

uint64_t target_scanned(const backup_target *t, const char *path, uint64_t end)
{
	const emr_backup_file *file = t->has_old ? usable_file(t, &t->old, path, end) : NULL;

	return file != NULL ? file->bytes : 0;
}

/* Written now and then, so that an interrupted backup goes on near where it was.  FILE is the one
 * at work. */
static emr_status list_partial(backup_target *t, const emr_backup_file *file)
{
	EMR_AUTO_BUF text = {0};
	size_t n = t->made.n;
	emr_status status = file != NULL ? emr_backup_manifest_add(&t->made, file) : EMR_OK;

	if (status == EMR_OK)
		status = emr_backup_manifest_write(&t->made, &text);
	t->made.n = n;
	if (status == EMR_OK)
		status = replace_file(t, t->data_fd, DATA_PARTIAL, emr_buf_view(&text));
	if (status == EMR_OK)
		t->unlisted_bytes = 0;
	return status;
}

emr_status target_drop_partial(backup_target *t)
{
	if (unlinkat(t->data_fd, DATA_PARTIAL, 0) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	return sync_directory(t->data_fd);
}

/* FILE has bytes to begin with and STATE their hash; both have all of END afterwards. */
static emr_status append_to(backup_target *t, int in, int out, uint64_t end,
	crypto_hash_sha256_state *state, emr_backup_file *file)
{
	while (file->bytes < end) {
		uint64_t stop = end - file->bytes > LIST_EVERY ? file->bytes + LIST_EVERY : end,
			 reached = 0;
		crypto_hash_sha256_state so_far;

		EMR_TRY(copy_bytes(t, in, out, file->bytes, stop, state, &reached));
		if (reached < stop)
			return EMR_IO; /* the source became shorter */
		if (stop == end && ftruncate(out, (off_t)end) != 0)
			EMR_TRY(emr_status_from_errno(errno));
		if (fdatasync(out) != 0)
			EMR_TRY(emr_status_from_errno(errno));
		note_progress(t, stop - file->bytes, true);
		file->bytes = stop;
		so_far = *state;
		crypto_hash_sha256_final(&so_far, file->sha256);
		if (t->unlisted_bytes >= LIST_EVERY)
			EMR_TRY(list_partial(t, file));
	}
	return EMR_OK;
}

/* Whether SOURCE still begins with what was copied; then STATE is the hash of it. */
static emr_status file_continues(backup_target *t, int source, const emr_backup_file *known,
	crypto_hash_sha256_state *state, bool *out_continues)
{
	crypto_hash_sha256_state copy;
	uint8_t sha256[32];

	crypto_hash_sha256_init(state);
	for (uint64_t at = 0; at < known->bytes;) {
		size_t len =
			known->bytes - at < COPY_BYTES ? (size_t)(known->bytes - at) : COPY_BYTES;

		EMR_TRY(emr_pread_all(source, t->buffer, len, (off_t)at));
		crypto_hash_sha256_update(state, t->buffer, len);
		at += len;
	}
	copy = *state;
	crypto_hash_sha256_final(&copy, sha256);
	*out_continues = memcmp(sha256, known->sha256, sizeof sha256) == 0;
	return EMR_OK;
}

/* A name that no list uses: the old backup keeps its own file. */
static void fresh_name(const backup_target *t, emr_backup_file *file)
{
	emr_id16 id = emr_id16_random();
	char hex[9];

	snprintf(file->stored, sizeof file->stored, "%s", base_of(file->path));
	if (emr_backup_manifest_find(&t->old, file->path) == NULL)
		return;
	emr_hex(id.b, 4, hex);
	snprintf(file->stored, sizeof file->stored, "%s.%s", base_of(file->path), hex);
}

emr_status target_put_segment(backup_target *t, const char *path, int fd, uint64_t end)
{
	const emr_backup_file *known = target_known(t, path, end);
	emr_backup_file file = {.bytes = 0};
	crypto_hash_sha256_state state;
	EMR_AUTO_FD out = -1;
	bool goes_on = false;

	if (known != NULL && known->bytes == end) {
		note_progress(t, end, false);
		return emr_backup_manifest_add(&t->made, known);
	}
	if (known != NULL)
		EMR_TRY(file_continues(t, fd, known, &state, &goes_on));
	snprintf(file.path, sizeof file.path, "%s", path);
	if (goes_on) {
		file = *known;
		note_progress(t, file.bytes, false);
	} else {
		crypto_hash_sha256_init(&state);
		crypto_hash_sha256(file.sha256, NULL, 0);
		fresh_name(t, &file);
	}
	out = openat(t->data_fd, file.stored, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return emr_status_from_errno(errno);
	EMR_TRY(append_to(t, fd, out, end, &state, &file));
	return emr_backup_manifest_add(&t->made, &file);
}

/* ---- the end ---- */

static bool is_listed(const emr_backup_manifest *list, const char *stored)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->files[i].stored, stored) == 0)
			return true;
	}
	return false;
}

/* The data directory is ours alone: what the list does not name is left from earlier backups. */
static bool is_waste(const backup_target *t, const char *name)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, DATA_LOCK) == 0 ||
		strcmp(name, DATA_WHOLE) == 0 || strcmp(name, DATA_LIST) == 0)
		return false;
	return !is_listed(&t->made, name) &&
	       fstatat(t->data_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static emr_status remove_waste(const backup_target *t)
{
	int fd = openat(t->data_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd);
		return EMR_IO;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (is_waste(t, entry->d_name) && unlinkat(t->data_fd, entry->d_name, 0) != 0)
			status = emr_status_from_errno(errno);
	}
	closedir(directory);
	return status;
}

/* For whoever finds the disk. */
static emr_status leave_note(const backup_target *t)
{
	static const char text[] =
		"This is an encrypted copy of somebody's medical records, made by `emrfs backup`.\n"
		"\n"
		"To bring the records back on a computer without them (the passphrase or the 24 "
		"words are asked):\n"
		"\n"
		"    emrfs init --restore THIS-DIRECTORY\n"
		"\n"
		"To check the copy: emrfs backup THIS-DIRECTORY --verify. No record can be read "
		"without the keys;\n"
		"please give the disk back to whoever it belongs to.\n";

	const emr_bytes note = emr_bytes_of(text, sizeof text - 1);
	EMR_AUTO_BUF there = {0};

	return emr_file_read(t->dir_fd, NOTE_NAME, note.len, &there) == EMR_OK &&
			       emr_bytes_equal(emr_buf_view(&there), note)
		       ? EMR_OK
		       : replace_file(t, t->dir_fd, NOTE_NAME, note);
}

emr_status target_finish(backup_target *t)
{
	EMR_AUTO_BUF text = {0};

	EMR_TRY(emr_backup_manifest_write(&t->made, &text));
	/* The names in the data directory come to the disk before the list that speaks of them. */
	EMR_TRY(sync_directory(t->data_fd));
	EMR_TRY(leave_note(t));
	EMR_TRY(sync_directory(t->dir_fd));
	EMR_TRY(target_replace(t, DATA_LIST, emr_buf_view(&text)));
	EMR_TRY(replace_file(t, t->dir_fd, EMR_BACKUP_MANIFEST, emr_buf_view(&text)));
	return remove_waste(t);
}
