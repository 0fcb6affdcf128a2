/* This file keeps what an organisation, or somebody who is invited, has made while it waits for
 * others, so that a killed or ended command goes on with the same keys. */
#include "network/begun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/hash.h"
#include "session/stage.h"

void emr_begun_name(emr_bytes invitation, emr_begun_file *out)
{
	const emr_id32 hash = emr_sha256_of(&invitation, 1);

	memcpy(out->name, EMR_STATE_BEGUN, sizeof EMR_STATE_BEGUN);
	if (invitation.len == 0)
		return;
	out->name[sizeof EMR_STATE_BEGUN - 1] = '-';
	emr_hex(hash.b, sizeof hash.b, out->name + sizeof EMR_STATE_BEGUN);
}

bool emr_begun_is_there(int state_fd, const emr_begun_file *file)
{
	return faccessat(state_fd, file->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

emr_status emr_begun_open(emr_begun *begun, emr_keyring **out_keyring)
{
	EMR_AUTO_KEYRING keyring = NULL;
	emr_status status = emr_keyring_open(
		begun->state_fd, begun->file.name, begun->passphrase, &keyring, NULL);

	if (status == EMR_OK)
		status = emr_keyring_tlv_get(keyring, EMR_KEYRING_BEGUN, &begun->what);
	if (status == EMR_NOT_FOUND)
		status = EMR_DAMAGED;
	if (status != EMR_OK)
		return status;
	*out_keyring = keyring;
	keyring = NULL;
	return EMR_OK;
}

emr_status emr_begun_keep(
	emr_begun *begun, emr_keyring *keyring, emr_bytes certificate, emr_bytes what)
{
	EMR_AUTO_BUF before = {0};
	emr_status status = emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &before);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (emr_bytes_equal(emr_buf_view(&begun->what), what) &&
		emr_bytes_equal(emr_buf_view(&before), certificate))
		return EMR_OK;
	EMR_TRY(emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, certificate));
	status = emr_keyring_tlv_set(keyring, EMR_KEYRING_BEGUN, what);
	if (status == EMR_OK)
		status = emr_keyring_save(
			keyring, begun->state_fd, begun->file.name, begun->passphrase, begun->kdf);
	emr_buf_clear(&begun->what);
	return status == EMR_OK ? emr_buf_append(&begun->what, what.data, what.len) : status;
}

emr_status emr_begun_forget(int state_fd, const emr_begun_file *file)
{
	if (file == NULL)
		EMR_TRY(emr_stage_remove_all(state_fd, EMR_STATE_BEGUN));
	else if (unlinkat(state_fd, file->name, 0) != 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	return fsync(state_fd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status emr_begun_say_other(const emr_begun *begun, const char *name, emr_problem *out_problem)
{
	char file[4400];

	snprintf(file, sizeof file, "%.4300s/%s", begun->state_path, begun->file.name);
	emr_problem_set(out_problem, EMR_SAY_ORG_BEGUN, "what", name, "file", file, NULL);
	return EMR_EXISTS;
}
