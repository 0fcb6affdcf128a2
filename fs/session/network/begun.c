/* This file keeps what an organisation on Fabric has made while it waits for others, so that a
 * killed or ended `org create` goes on with the same CA. */
#include "network/begun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

bool emr_begun_is_there(int state_fd)
{
	return faccessat(state_fd, EMR_STATE_BEGUN, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

emr_status emr_begun_open(emr_begun *begun, emr_keyring **out_keyring)
{
	EMR_AUTO_KEYRING keyring = NULL;
	emr_status status = emr_keyring_open(
		begun->state_fd, EMR_STATE_BEGUN, begun->passphrase, &keyring, NULL);

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
	emr_status status;

	EMR_TRY(emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, certificate));
	if (emr_bytes_equal(emr_buf_view(&begun->what), what))
		return EMR_OK;
	status = emr_keyring_tlv_set(keyring, EMR_KEYRING_BEGUN, what);
	if (status == EMR_OK)
		status = emr_keyring_save(
			keyring, begun->state_fd, EMR_STATE_BEGUN, begun->passphrase, begun->kdf);
	emr_buf_clear(&begun->what);
	return status == EMR_OK ? emr_buf_append(&begun->what, what.data, what.len) : status;
}

emr_status emr_begun_forget(int state_fd)
{
	if (unlinkat(state_fd, EMR_STATE_BEGUN, 0) != 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	return fsync(state_fd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status emr_begun_say_other(const emr_begun *begun, const char *name, emr_problem *out_problem)
{
	char file[4400];

	snprintf(file, sizeof file, "%.4300s/" EMR_STATE_BEGUN, begun->state_path);
	emr_problem_set(out_problem, EMR_SAY_ORG_BEGUN, "what", name, "file", file, NULL);
	return EMR_EXISTS;
}
