/* This file makes the keys of another computer of the same person, and the file by which it takes
 * its place there: keyfile and profile, and where the network is. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/coowned.h"
#include "network/device_file.h"
#include "session/network_dir.h"
#include "session/session.h"
#include "session/stage.h"

#include "verbs_private.h"

#define MAKING ".device" /* in the state: keyfile and profile of a device that is being added */

emr_status verb_device_seal(const emr_session *session, const emr_kdf_cost *cost,
	emr_bytes passphrase, const emr_keyring *device, const char *dir, emr_buf *out,
	emr_problem *out_problem)
{
	EMR_AUTO_BUF keyfile = {0};
	EMR_AUTO_BUF profile = {0};
	EMR_AUTO_BUF channel = {0};
	emr_device_file file = {.dir = emr_bytes_of(dir, strlen(dir))};
	emr_profile person = {0};
	EMR_AUTO_FD fd = -1;
	const int state_fd = session->state_fd;
	struct stat st;
	emr_status status;

	if (fstatat(state_fd, MAKING, &st, AT_SYMLINK_NOFOLLOW) == 0)
		EMR_TRY(emr_stage_remove_tree(state_fd, MAKING));
	if (mkdirat(state_fd, MAKING, 0700) != 0)
		return emr_status_from_errno(errno);
	fd = openat(state_fd, MAKING, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return emr_status_from_errno(errno);
	/* Without a profile here the other computer has no name, either. */
	(void)!emr_profile_load(session->keyring, state_fd, &person);
	status = emr_keyring_save_new(device, fd, EMR_STATE_KEYFILE, passphrase, cost);
	if (status == EMR_OK)
		status = emr_profile_save(device, fd, &person);
	if (status == EMR_OK)
		status = emr_file_read(fd, EMR_STATE_KEYFILE, EMR_DEVICE_FILE_MAX, &keyfile);
	if (status == EMR_OK)
		status = emr_file_read(fd, EMR_STATE_PROFILE, EMR_DEVICE_FILE_MAX, &profile);
	file.keyfile = emr_buf_view(&keyfile);
	file.profile = emr_buf_view(&profile);
	if (status == EMR_OK)
		status = emr_network_dir_carry(dir, &channel, out_problem);
	if (status == EMR_OK && channel.len > 0) {
		file.channel = emr_buf_view(&channel);
		file.descriptor = emr_ledger_descriptor(session->ledger);
	}
	if (status == EMR_OK)
		status = emr_device_file_write(&file, out);
	(void)!emr_stage_remove_tree(state_fd, MAKING);
	return status;
}

emr_status verb_device_make(const emr_keyring *person, const emr_kdf_cost *least, emr_keyring **out)
{
	EMR_AUTO_KEYRING device = NULL;
	EMR_AUTO_BUF network = {0};
	emr_kdf_cost cost = emr_keyring_cost(person);
	uint8_t owner[32];
	emr_status status;

	EMR_TRY(emr_keyring_create(
		EMR_KEYRING_DEVICE, emr_clock_unix_s(emr_clock_system()), &device));
	EMR_TRY(emr_keyring_person_pk(person, owner));
	EMR_TRY(emr_keyring_tlv_set(device, EMR_KEYRING_OWNER, emr_bytes_of(owner, sizeof owner)));
	/* Most often the same passphrase opens both: it must not be cheaper to guess with the file
	 * that is carried over. */
	emr_keyring_cost_at_least(device, &cost);
	emr_keyring_cost_at_least(device, least);
	status = emr_keyring_tlv_get(person, EMR_KEYRING_NET_DESCRIPTOR, &network);
	if (status == EMR_OK)
		status = emr_keyring_tlv_set(
			device, EMR_KEYRING_NET_DESCRIPTOR, emr_buf_view(&network));
	EMR_TRY(status);
	*out = device;
	device = NULL;
	return EMR_OK;
}
