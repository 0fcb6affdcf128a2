/* This file copies a backup back into a new place. Every file is compared with its hash; a damaged
 * file is told and left out, or mended of what is beside it. */
#include "backup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "contract/item.h"
#include "kit/language.h"
#include "ledger/network.h"

#define MENDED "mended"

typedef struct restoring {
	const emr_backup_options *options;
	int data_fd, stage_fd;
	uint8_t *buffer;
	uint64_t done, total;
	bool has_lost_annex, has_bad_ledger;
	bool is_members; /* the ledger is with others, too */
} restoring;

/* Bytes of IN to OUT as far as they can be read; EMR_DAMAGED when they are not what FILE says. */
static emr_status copy_checked(restoring *r, const emr_backup_file *file, int in, int out)
{
	crypto_hash_sha256_state state;
	uint8_t sha256[32];

	crypto_hash_sha256_init(&state);
	for (uint64_t at = 0; at < file->bytes;) {
		size_t len =
			file->bytes - at < COPY_BYTES ? (size_t)(file->bytes - at) : COPY_BYTES;
		emr_status status = emr_pread_all(in, r->buffer, len, (off_t)at);

		if (status != EMR_OK)
			return EMR_DAMAGED;
		status = emr_pwrite_all(out, r->buffer, len, (off_t)at);
		if (status != EMR_OK)
			return status;
		crypto_hash_sha256_update(&state, r->buffer, len);
		at += len;
		r->done += len;
		backup_progress(r->options, r->done, r->total);
	}
	crypto_hash_sha256_final(&state, sha256);
	if (fsync(out) != 0)
		return emr_status_from_errno(errno);
	return memcmp(sha256, file->sha256, sizeof sha256) == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status make_directory(const restoring *r, const char *path)
{
	char name[EMR_BACKUP_PATH_BYTES];

	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		memcpy(name, path, (size_t)(slash - path));
		name[slash - path] = '\0';
		EMR_TRY(emr_dir_make(r->stage_fd, name));
	}
	return EMR_OK;
}

/* Decides how bad a damaged or missing file of that kind is. */
static emr_status judge_loss(restoring *r, const emr_backup_file *file)
{
	switch (emr_backup_kind_of(file->path)) {
	case EMR_BACKUP_CHANNEL: /* missed when the network is looked for, as its kind is known */
	case EMR_BACKUP_STORE_FORMAT: /* made again when the store is opened */
		break;
	case EMR_BACKUP_LEDGER:
		backup_found(
			r->options, file->path, "it is damaged; what is whole in it is restored");
		r->has_bad_ledger = true;
		return EMR_OK;
	case EMR_BACKUP_DESCRIPTOR:
		backup_found(r->options, file->path,
			"it is damaged, and is made again of the ledger's first entry");
		r->has_bad_ledger = true;
		break;
	case EMR_BACKUP_KEYFILE:
		backup_found(r->options, file->path, "it is damaged; the 24 words bring it back");
		break;
	case EMR_BACKUP_SEGMENT:
		backup_found(r->options, file->path,
			"blocks in it are damaged; the others are restored");
		return EMR_OK;
	case EMR_BACKUP_ANNEX:
		backup_found(r->options, file->path,
			"it is damaged; what was before you joined is lost, the records of today "
			"are not");
		r->has_lost_annex = true;
		return EMR_OK;
	case EMR_BACKUP_PROFILE:
	case EMR_BACKUP_PEOPLE:
	case EMR_BACKUP_GUARDIANS:
	case EMR_BACKUP_MARK:
	case EMR_BACKUP_HEAD:
	case EMR_BACKUP_SPILL:
	case EMR_BACKUP_NETWORK:
	case EMR_BACKUP_NONE:
		backup_found(r->options, file->path, "it is damaged and was left out");
		break;
	}
	return unlinkat(r->stage_fd, file->path, 0) == 0 || errno == ENOENT
		       ? EMR_OK
		       : emr_status_from_errno(errno);
}

/* A file that came as it was copied may have been damaged when it was copied. */
static emr_status look_at_small(const restoring *r, const emr_backup_file *file)
{
	EMR_AUTO_BUF bytes = {0};

	if (emr_backup_kind_of(file->path) == EMR_BACKUP_SEGMENT || file->bytes > SMALL_MAX)
		return EMR_OK;
	if (emr_file_read(r->stage_fd, file->path, SMALL_MAX, &bytes) != EMR_OK)
		return EMR_IO;
	return backup_is_whole(file->path, emr_buf_view(&bytes)) ? EMR_OK : EMR_DAMAGED;
}

static emr_status restore_file(restoring *r, const emr_backup_file *file)
{
	EMR_AUTO_FD in =
		openat(r->data_fd, file->stored, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	EMR_AUTO_FD out = -1;
	emr_status status;

	if (in < 0)
		return judge_loss(r, file);
	EMR_TRY(make_directory(r, file->path));
	out = openat(r->stage_fd, file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		0600);
	if (out < 0)
		return emr_status_from_errno(errno);
	status = copy_checked(r, file, in, out);
	if (status == EMR_OK)
		status = look_at_small(r, file);
	return status == EMR_DAMAGED ? judge_loss(r, file) : status;
}

static emr_status restore_some(restoring *r, const emr_backup_manifest *list, bool are_segments)
{
	for (size_t i = 0; i < list->n; i++) {
		bool is_segment = emr_backup_kind_of(list->files[i].path) == EMR_BACKUP_SEGMENT;

		if (is_segment == are_segments)
			EMR_TRY(restore_file(r, &list->files[i]));
	}
	return EMR_OK;
}

/* Half of it would keep the folder from opening. */
static void drop_annex(int dirfd)
{
	static const char *const names[] = {
		"joined", "replica.hw", "ledger/descriptor", "ledger/ledger.sqlite"};
	EMR_AUTO_FD fd = openat(dirfd, "annex", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	drop_annex(fd); /* what was left before */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unlinkat(fd, names[i], 0);
	(void)unlinkat(fd, "ledger", AT_REMOVEDIR);
	(void)unlinkat(dirfd, "annex", AT_REMOVEDIR);
}

/* ---- a damaged ledger ---- */

/* Of its whole entries everything else in it is made again.  One that has a damaged entry stays as
 * it is: it is read as far as that. */
static emr_status mend_in(int dirfd, bool is_members, emr_id16 net_id)
{
	EMR_AUTO_LEDGER_COPY ledger = NULL;
	EMR_AUTO_BUF first = {0};
	bool was_damaged = false;
	char path[40];
	emr_id16 its;

	snprintf(path, sizeof path, "/proc/self/fd/%d", dirfd);
	EMR_TRY(emr_ledger_copy_open(path, &ledger));
	EMR_TRY(emr_ledger_copy_descriptor(ledger, &first));
	emr_descriptor_net_id((emr_span){first.data, first.len}, its.b);
	if (!emr_id16_equal(its, net_id))
		return EMR_DAMAGED;
	EMR_TRY(emr_file_replace(dirfd, EMR_NETWORK_DESCRIPTOR, emr_buf_view(&first), 0600));
	if (!is_members)
		EMR_TRY(emr_ledger_copy_make_whole(ledger, path, NULL, NULL, &was_damaged));
	return was_damaged ? emr_ledger_copy_write(ledger, dirfd, MENDED) : EMR_OK;
}

/* A fault that stays is told when the ledger is opened. */
static emr_status mend_ledger(const restoring *r, const emr_backup_manifest *list)
{
	EMR_AUTO_FD fd = openat(r->stage_fd, "ledger", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_status status = fd >= 0 ? mend_in(fd, r->is_members, list->net_id) : EMR_NOT_FOUND;

	if (status == EMR_OK && renameat(fd, MENDED, fd, EMR_NETWORK_LEDGER) != 0 &&
		errno != ENOENT)
		return emr_status_from_errno(errno);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "restore: the ledger: %s", emr_status_text(status));
	return status == EMR_NO_SPACE || status == EMR_NO_MEMORY ? status : EMR_OK;
}

/* Small files come first: a wrong passphrase is known before the hours that the rest may take. */
static emr_status restore_all(restoring *r, const emr_backup_manifest *list)
{
	emr_status status;

	r->total = emr_backup_manifest_bytes(list);
	r->is_members = emr_backup_manifest_find(list, EMR_BACKUP_NETWORK_PATH) != NULL ||
			emr_backup_manifest_find(list, EMR_BACKUP_CHANNEL_PATH) != NULL;
	status = restore_some(r, list, false);
	if (r->has_lost_annex)
		drop_annex(r->stage_fd);
	if (status == EMR_OK && r->has_bad_ledger)
		status = mend_ledger(r, list);
	if (status == EMR_OK && r->options->before_segments != NULL)
		status = r->options->before_segments(r->options->arg);
	return status == EMR_OK ? restore_some(r, list, true) : status;
}

emr_status emr_backup_restore(const char *dir, int stage_fd, const emr_backup_options *options,
	emr_backup_manifest *out_manifest)
{
	EMR_AUTO_MANIFEST list = {0};
	EMR_AUTO_FD dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FD data_fd = -1;
	EMR_AUTO_FREE uint8_t *buffer = malloc(COPY_BYTES);
	restoring r = {.options = options, .stage_fd = stage_fd, .buffer = buffer};

	if (dir_fd < 0)
		return errno == ENOTDIR ? EMR_NOT_DIRECTORY : emr_status_from_errno(errno);
	EMR_TRY(buffer != NULL ? backup_list_of(dir_fd, &list) : EMR_NO_MEMORY);
	data_fd = openat(dir_fd, DATA_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (data_fd < 0)
		return EMR_DAMAGED;
	r.data_fd = data_fd;
	EMR_TRY(restore_all(&r, &list));
	*out_manifest = list;
	list = (emr_backup_manifest){0};
	return EMR_OK;
}
