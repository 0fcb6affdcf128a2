/* This file reads the list of an existing backup and hashes its files, for whoever makes, checks
 * or restores one. */
#include "backup_private.h"
#include "kit/language.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void backup_progress(const emr_backup_options *options, uint64_t done, uint64_t total)
{
	if (options->progress != NULL)
		options->progress(options->arg, done, total);
}

void backup_found(const emr_backup_options *options, const char *path, const char *what)
{
	if (options->found != NULL)
		options->found(options->arg, path, emr_text(what));
}

emr_status backup_hash(int fd, uint64_t bytes, uint8_t *buffer, uint8_t out_sha256[32])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	for (uint64_t at = 0; at < bytes;) {
		size_t len = bytes - at < COPY_BYTES ? (size_t)(bytes - at) : COPY_BYTES;
		emr_status status = emr_pread_all(fd, buffer, len, (off_t)at);

		if (status != EMR_OK)
			return status;
		crypto_hash_sha256_update(&state, buffer, len);
		at += len;
	}
	crypto_hash_sha256_final(&state, out_sha256);
	return EMR_OK;
}

emr_status backup_list_in(int dir_fd, const char *name, emr_backup_manifest *out_manifest)
{
	EMR_AUTO_BUF text = {0};
	emr_status status = emr_file_read(dir_fd, name, EMR_BACKUP_MANIFEST_MAX, &text);

	if (status != EMR_OK)
		return status == EMR_LIMIT ? EMR_DAMAGED : status;
	return emr_backup_manifest_read(emr_buf_view(&text), out_manifest);
}

emr_status emr_backup_list(const char *dir, emr_backup_manifest *out_manifest)
{
	EMR_AUTO_FD dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return errno == ENOTDIR ? EMR_NOT_DIRECTORY : emr_status_from_errno(errno);
	return backup_list_in(dir_fd, EMR_BACKUP_MANIFEST, out_manifest);
}
