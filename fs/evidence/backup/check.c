/* This file checks a backup: it reads all its files, compares them with their hashes, and
 * verifies the ledger in it, without changing the disk that it is on. */
#include "backup_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/network.h"
#include "store/segment_file.h"
#include "kit/language.h"

typedef struct checking {
	const emr_backup_options *options;
	emr_backup_manifest list;
	int dir_fd, data_fd, stage_fd;
	char *stage; /* path of a directory of its own; owned */
	uint8_t *buffer;
	uint64_t checked, bad, done, total;
	const char *path; /* of the file at work */
} checking;

static void note_bad(checking *c, const char *path, const char *what)
{
	c->bad++;
	backup_found(c->options, path, what);
}

/* ---- files ---- */

static void note_damage(void *arg, uint64_t offset, uint64_t len)
{
	checking *c = arg;
	char what[100];

	snprintf(what, sizeof what, _("blocks at %llu, %llu bytes, are not what they were"),
		(unsigned long long)offset, (unsigned long long)len);
	note_bad(c, c->path, what);
}

static emr_status check_blocks(checking *c, const emr_backup_file *file, int fd)
{
	emr_status status = emr_segment_file_check(fd, file->bytes, note_damage, c);

	return status == EMR_DAMAGED ? EMR_OK : status;
}

/* Counts a file that is as it was copied, and was damaged before. */
static void check_small(checking *c, const emr_backup_file *file, int fd)
{
	EMR_AUTO_BUF bytes = {0};

	if (file->bytes <= SMALL_MAX && emr_buf_append_zeros(&bytes, file->bytes) == EMR_OK &&
		emr_pread_all(fd, bytes.data, bytes.len, 0) == EMR_OK &&
		!backup_is_whole(file->path, emr_buf_view(&bytes)))
		note_bad(c, file->path, "the file was damaged when it was copied");
}

static emr_status check_file(checking *c, const emr_backup_file *file)
{
	EMR_AUTO_FD fd =
		openat(c->data_fd, file->stored, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t sha256[32];
	emr_status status;

	c->checked++;
	c->path = file->path;
	if (fd < 0) {
		note_bad(c, file->path,
			errno == ENOENT ? N_("the file is missing")
					: N_("the file cannot be opened"));
		return EMR_OK;
	}
	status = backup_hash(fd, file->bytes, c->buffer, sha256);
	if (status == EMR_DAMAGED)
		note_bad(c, file->path, "the file is too short");
	else if (status == EMR_IO)
		note_bad(c, file->path, "the disk cannot read it");
	else if (status == EMR_OK && memcmp(sha256, file->sha256, sizeof sha256) != 0)
		note_bad(c, file->path, "the file is not what was written");
	if (status != EMR_OK && status != EMR_DAMAGED && status != EMR_IO)
		return status;
	c->done += file->bytes;
	backup_progress(c->options, c->done, c->total);
	if (emr_backup_kind_of(file->path) == EMR_BACKUP_SEGMENT)
		return status == EMR_IO ? EMR_OK : check_blocks(c, file, fd);
	if (status == EMR_OK)
		check_small(c, file, fd);
	return EMR_OK;
}

/* ---- the ledger ---- */

/* SQLite writes beside what it opens, and the disk may be none that it trusts: so it opens a copy.
 */
static emr_status copy_out(checking *c, const char *path, const char *name)
{
	const emr_backup_file *file = emr_backup_manifest_find(&c->list, path);
	EMR_AUTO_FD in = -1;
	EMR_AUTO_FD out = -1;

	if (file == NULL)
		return EMR_MISSING_DATA;
	in = openat(c->data_fd, file->stored, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	out = openat(c->stage_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (in < 0 || out < 0)
		return in < 0 ? EMR_MISSING_DATA : emr_status_from_errno(errno);
	for (uint64_t at = 0; at < file->bytes;) {
		size_t len =
			file->bytes - at < COPY_BYTES ? (size_t)(file->bytes - at) : COPY_BYTES;

		EMR_TRY(emr_pread_all(in, c->buffer, len, (off_t)at));
		EMR_TRY(emr_pwrite_all(out, c->buffer, len, (off_t)at));
		at += len;
	}
	return EMR_OK;
}

static emr_status open_stage(checking *c, const char *scratch)
{
	if (asprintf(&c->stage, "%s/.check-XXXXXX", scratch) < 0)
		c->stage = NULL;
	if (c->stage == NULL)
		return EMR_NO_MEMORY;
	if (mkdtemp(c->stage) == NULL) {
		emr_status status = emr_status_from_errno(errno);

		free(c->stage);
		c->stage = NULL;
		return status;
	}
	c->stage_fd = open(c->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return c->stage_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

static void remove_stage(checking *c)
{
	static const char *const names[] = {
		"descriptor", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"};

	for (size_t i = 0; c->stage_fd >= 0 && i < sizeof names / sizeof *names; i++)
		unlinkat(c->stage_fd, names[i], 0);
	if (c->stage != NULL)
		rmdir(c->stage);
}

static bool is_fault(emr_status status)
{
	return status == EMR_DAMAGED || status == EMR_FORK || status == EMR_BAD_SIGNATURE ||
	       status == EMR_MISSING_DATA || status == EMR_ROLLBACK;
}

/* The descriptor beside the ledger is the one that it began with. */
static emr_status check_descriptor(const checking *c, emr_ledger_copy *ledger)
{
	EMR_AUTO_BUF beside = {0};
	EMR_AUTO_BUF first = {0};
	emr_status status = emr_file_read(
		c->stage_fd, EMR_NETWORK_DESCRIPTOR, EMR_NETWORK_DESCRIPTOR_MAX, &beside);

	if (status == EMR_OK)
		status = emr_ledger_copy_descriptor(ledger, &first);
	return status == EMR_OK && !emr_bytes_equal(emr_buf_view(&beside), emr_buf_view(&first))
		       ? EMR_DAMAGED
		       : status;
}

static emr_status verify_ledger(checking *c)
{
	EMR_AUTO_LEDGER_COPY ledger = NULL;
	emr_ledger_trouble trouble = {.status = EMR_OK};
	emr_ledger_copy_facts facts = {.entries = 0};
	char what[200];
	/* The way to the ledger came along: a restore follows it from there. */
	const bool is_members =
		emr_backup_manifest_find(&c->list, EMR_BACKUP_CHANNEL_PATH) != NULL &&
		emr_backup_manifest_find(&c->list, EMR_BACKUP_NETWORK_PATH) == NULL;
	emr_status status = emr_ledger_copy_open(c->stage, &ledger);

	if (status == EMR_OK)
		status = check_descriptor(c, ledger);
	if (status == EMR_OK)
		status = emr_ledger_copy_check(ledger, is_members, &trouble);
	if (status == EMR_OK)
		status = emr_ledger_copy_tell(ledger, &facts);
	if (is_fault(status)) {
		snprintf(what, sizeof what, _("ledger entry %llu: %s"),
			(unsigned long long)trouble.seq,
			trouble.cause[0] != '\0' ? trouble.cause : _("it cannot be opened"));
		note_bad(c, "ledger/ledger.sqlite", what);
		return EMR_OK;
	}
	if (status == EMR_OK &&
		(facts.entries != c->list.entries || !emr_id16_equal(facts.net_id, c->list.net_id)))
		note_bad(c, "ledger/ledger.sqlite", "it is not the ledger that the list speaks of");
	return status;
}

static emr_status check_ledger(checking *c, const char *scratch)
{
	emr_status status = open_stage(c, scratch);

	c->checked++;
	if (status == EMR_OK)
		status = copy_out(c, "ledger/descriptor", "descriptor");
	if (status == EMR_OK)
		status = copy_out(c, "ledger/ledger.sqlite", "ledger.sqlite");
	if (status == EMR_MISSING_DATA || status == EMR_DAMAGED) {
		note_bad(c, "ledger/ledger.sqlite", "there is no whole ledger");
		return EMR_OK;
	}
	return status == EMR_OK ? verify_ledger(c) : status;
}

/* ---- all ---- */

static void checking_end(checking *c)
{
	remove_stage(c);
	emr_backup_manifest_free(&c->list);
	free(c->stage);
	free(c->buffer);
	if (c->stage_fd >= 0)
		close(c->stage_fd);
	if (c->data_fd >= 0)
		close(c->data_fd);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
}

static emr_status begin_checking(checking *c, const char *dir)
{
	c->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0)
		return errno == ENOTDIR ? EMR_NOT_DIRECTORY : emr_status_from_errno(errno);
	EMR_TRY(backup_list_of(c->dir_fd, &c->list));
	c->total = emr_backup_manifest_bytes(&c->list);
	c->data_fd =
		openat(c->dir_fd, DATA_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	c->buffer = malloc(COPY_BYTES);
	if (c->buffer == NULL)
		return EMR_NO_MEMORY;
	return c->data_fd >= 0 ? EMR_OK : EMR_DAMAGED;
}

static const char *const needed[] = {
	"keyfile", "blocks/format", "ledger/descriptor", "ledger/ledger.sqlite"};

emr_status emr_backup_check(const char *dir, const char *scratch, const emr_backup_options *options,
	uint64_t *out_checked)
{
	__attribute__((cleanup(checking_end)))
	checking c = {.options = options, .dir_fd = -1, .data_fd = -1, .stage_fd = -1};
	emr_status status = begin_checking(&c, dir);

	for (size_t i = 0; i < c.list.n && status == EMR_OK; i++)
		status = check_file(&c, &c.list.files[i]);
	for (size_t i = 0; i < sizeof needed / sizeof *needed && status == EMR_OK; i++) {
		if (emr_backup_manifest_find(&c.list, needed[i]) == NULL)
			note_bad(&c, needed[i], "the list does not have it");
	}
	if (status == EMR_OK)
		status = check_ledger(&c, scratch);
	*out_checked = c.checked;
	return status == EMR_OK && c.bad > 0 ? EMR_DAMAGED : status;
}
