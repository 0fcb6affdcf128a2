/* This file reads the list of an existing backup and hashes its files, for the making, the checking
 * and the restoring of one. It also says which small files of a state are as they were written. It
 * changes nothing. */
#include "backup_private.h"
#include "kit/language.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/sum.h"
#include "keyring/keyring.h"
#include "served/client.h"
#include "store/car_store.h"
#include "store/segment_file.h"

#define DEVICE_FILE "device"
#define SEALED_AROUND 48 /* a sealed file of the state (keyring/sealed.h) without a sum ... */
#define SEALED_STEP 512	 /* ... and what its contents are a multiple of */

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

		EMR_TRY(emr_pread_all(fd, buffer, len, (off_t)at));
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

emr_status backup_list_of(int dir_fd, emr_backup_manifest *out_manifest)
{
	emr_status status = backup_list_in(dir_fd, EMR_BACKUP_MANIFEST, out_manifest);
	EMR_AUTO_FD data_fd = -1;

	if (status != EMR_DAMAGED)
		return status;
	data_fd = openat(dir_fd, DATA_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return data_fd >= 0 && backup_list_in(data_fd, DATA_LIST, out_manifest) == EMR_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

emr_status emr_backup_list(const char *dir, emr_backup_manifest *out_manifest)
{
	EMR_AUTO_FD dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return errno == ENOTDIR ? EMR_NOT_DIRECTORY : emr_status_from_errno(errno);
	return backup_list_of(dir_fd, out_manifest);
}

/* ---- small files of the state ---- */

static bool is_whole_sealed(emr_bytes file)
{
	bool has_sum = file.len < SEALED_AROUND || (file.len - SEALED_AROUND) % SEALED_STEP != 0;

	return !has_sum || emr_sum_fits(file);
}

bool backup_is_whole(const char *path, emr_bytes file)
{
	emr_served_at host;

	switch (emr_backup_kind_of(path)) {
	case EMR_BACKUP_KEYFILE:
		return emr_keyring_is_whole(file);
	case EMR_BACKUP_PROFILE:
	case EMR_BACKUP_PEOPLE:
		return is_whole_sealed(file);
	case EMR_BACKUP_GUARDIANS:
	case EMR_BACKUP_MARK:
		return emr_sum_fits(file);
	case EMR_BACKUP_ANNEX:
		return strstr(path, "/replica.hw") == NULL || emr_sum_fits(file);
	case EMR_BACKUP_STORE_FORMAT:
		return emr_store_format_check(file) != EMR_DAMAGED;
	case EMR_BACKUP_CHANNEL: /* of a host it is JSON; of a channel it was read before */
		return file.len == 0 || file.data[0] != '{' ||
		       emr_served_at_read(file, &host) == EMR_OK;
	case EMR_BACKUP_HEAD: /* damage is seen when it is read, and costs time only */
	case EMR_BACKUP_NETWORK:
	case EMR_BACKUP_DESCRIPTOR: /* compared with the ledger beside it */
	case EMR_BACKUP_LEDGER:
	case EMR_BACKUP_SEGMENT:
	case EMR_BACKUP_SPILL:
	case EMR_BACKUP_NONE:
		break;
	}
	return true;
}

emr_status backup_device(int state_fd, emr_id16 *out_device)
{
	EMR_AUTO_BUF text = {0};
	emr_status status = emr_file_read(state_fd, DEVICE_FILE, EMR_WRITER_TEXT_BYTES, &text);

	if (status != EMR_OK)
		return status == EMR_LIMIT ? EMR_DAMAGED : status;
	return emr_writer_text_parse(emr_buf_view(&text), out_device);
}
