/* A network has a directory: that of its owner has its ledger, that of anybody else leads to its
 * host. This file makes it, checks it, and remembers where it is. */
#include "session/network_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "contract/item.h"
#include "kit/language.h"
#include "kit/places.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "served/client.h"
#include "session/shared_blocks.h"
#include "session/stage.h"

static emr_status say_bad_dir(
	const char *dir, const char *cause, emr_status status, emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", dir, "cause", cause, NULL);
	return status;
}

emr_status emr_network_dir_refuse(const char *dir, emr_problem *out_problem)
{
	emr_problem_set(out_problem, EMR_SAY_OVER_ITS_HOST, "dir", dir, NULL);
	return EMR_DENIED;
}

/* Parts of a ledger that was begun here and not finished give way. */
static bool is_empty(const char *dir)
{
	static const char begun[] = EMR_NETWORK_DIR_LEDGER ".new-";
	DIR *listing = opendir(dir);
	const struct dirent *entry;
	bool found = false;

	if (listing == NULL)
		return errno == ENOENT;
	while ((entry = readdir(listing)) != NULL)
		found = found ||
			(strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
				(strncmp(entry->d_name, begun, sizeof begun - 1) != 0 ||
					emr_stage_remove_tree(dirfd(listing), entry->d_name) !=
						EMR_OK));
	closedir(listing);
	return !found;
}

static emr_status open_ours(const char *dir, int *out_fd, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == EACCES)
		return emr_network_dir_refuse(dir, out_problem);
	if (fd < 0 || fstat(fd, &st) != 0)
		return say_bad_dir(dir, emr_text_errno(errno), EMR_NOT_FOUND, out_problem);
	if (st.st_uid != geteuid())
		return emr_network_dir_refuse(dir, out_problem);
	if ((st.st_mode & 077) != 0)
		return say_bad_dir(
			dir, _("it is not yours alone (chmod 700)"), EMR_EXPOSED, out_problem);
	if (emr_network_check_place(fd) != EMR_OK)
		return say_bad_dir(dir, _("a ledger needs a disk of this computer"),
			EMR_UNSUPPORTED, out_problem);
	*out_fd = fd;
	fd = -1;
	return EMR_OK;
}

static bool has(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path &&
	       access(path, F_OK) == 0;
}

static emr_status make_dir(const char *dir, emr_problem *out_problem)
{
	emr_status status = emr_dir_make(AT_FDCWD, dir);

	if (status == EMR_OK)
		return EMR_OK;
	return say_bad_dir(dir,
		status == EMR_NO_SPACE ? _("no space left on the disk")
				       : emr_text(emr_status_text(status)),
		EMR_IO, out_problem);
}

emr_status emr_network_dir_make(const char *dir, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = -1;

	/* One that was begun with an authority, and ended meanwhile, is free. */
	if (!has(dir, EMR_NETWORK_DIR_LOGIN) && !is_empty(dir))
		return say_bad_dir(dir, _("it is not empty"), EMR_NOT_EMPTY, out_problem);
	EMR_TRY(make_dir(dir, out_problem));
	return open_ours(dir, &fd, out_problem);
}

emr_status emr_network_dir_begin(
	const char *dir, const char *marker, int *out_fd, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = -1;
	EMR_AUTO_FD mark = -1;

	if (!has(dir, marker) && !is_empty(dir))
		return say_bad_dir(dir, _("it is not empty"), EMR_NOT_EMPTY, out_problem);
	EMR_TRY(make_dir(dir, out_problem));
	EMR_TRY(open_ours(dir, &fd, out_problem));
	mark = openat(fd, marker, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (mark < 0 || fsync(fd) != 0)
		return say_bad_dir(dir, emr_text_errno(errno), EMR_IO, out_problem);
	*out_fd = fd;
	fd = -1;
	return EMR_OK;
}

void emr_network_dir_unmake(const char *dir)
{
	static const char *const names[] = {EMR_NETWORK_DESCRIPTOR, EMR_NETWORK_LEDGER,
		EMR_NETWORK_LEDGER "-wal", EMR_NETWORK_LEDGER "-shm", EMR_NETWORK_CHANNEL,
		EMR_NETWORK_CHANNEL_LOCK, EMR_NETWORK_CHANNEL_BEHIND};
	EMR_AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FD ledger = fd >= 0 ? openat(fd, EMR_NETWORK_DIR_LEDGER,
					       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
				     : -1;

	for (size_t i = 0; i < sizeof names / sizeof *names && ledger >= 0; i++)
		(void)unlinkat(ledger, names[i], 0);
	if (fd >= 0) {
		(void)unlinkat(fd, EMR_NETWORK_DIR_LEDGER, AT_REMOVEDIR);
		(void)unlinkat(fd, EMR_NETWORK_DIR_LOGIN, 0);
		(void)unlinkat(fd, EMR_NETWORK_DIR_HOST, AT_REMOVEDIR);
		(void)!emr_stage_remove_tree(fd, EMR_NETWORK_DIR_BLOCKS);
	}
	(void)rmdir(dir);
}

static emr_status read_in(const char *dir, const char *below, const char *name, emr_buf *out)
{
	char path[PATH_MAX];
	EMR_AUTO_FD fd = -1;

	if (snprintf(path, sizeof path, "%s/%s", dir, below) >= (int)sizeof path)
		return EMR_INVALID;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? emr_file_read(fd, name, EMR_NETWORK_DESCRIPTOR_MAX, out) : EMR_NOT_FOUND;
}

emr_status emr_network_dir_descriptor(const char *dir, emr_buf *out)
{
	return read_in(dir, EMR_NETWORK_DIR_LEDGER, EMR_NETWORK_DESCRIPTOR, out);
}

emr_status emr_network_dir_settle(const char *dir, emr_bytes place, emr_bytes descriptor)
{
	EMR_AUTO_FD fd = -1;
	EMR_AUTO_FD ledger = -1;
	emr_status status;

	EMR_TRY(emr_dir_open(dir, &fd));
	EMR_TRY(emr_dir_make(fd, EMR_NETWORK_DIR_LEDGER));
	ledger =
		openat(fd, EMR_NETWORK_DIR_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (ledger < 0)
		return emr_status_from_errno(errno);
	status = emr_file_replace(ledger, EMR_NETWORK_DESCRIPTOR, descriptor, 0600);
	return status == EMR_OK && place.len > 0
		       ? emr_file_replace(ledger, EMR_SERVED_SETTINGS, place, 0600)
		       : status;
}

bool emr_network_dir_has(const char *dir, emr_bytes descriptor)
{
	EMR_AUTO_BUF found = {0};

	return emr_network_dir_descriptor(dir, &found) == EMR_OK &&
	       emr_bytes_equal(emr_buf_view(&found), descriptor);
}

emr_status emr_network_dir_carry(const char *dir, emr_buf *out, emr_problem *out_problem)
{
	const emr_status status = emr_network_dir_host(dir, out);

	return status == EMR_OK || status == EMR_NOT_FOUND
		       ? EMR_OK
		       : say_bad_dir(dir, emr_text(emr_status_text(status)), status, out_problem);
}

emr_status emr_network_place_check(emr_bytes place)
{
	emr_served_at at;

	return emr_served_at_read(place, &at) == EMR_OK ? EMR_OK : EMR_DAMAGED;
}

bool emr_network_dir_is_served(const char *dir)
{
	EMR_AUTO_BUF bytes = {0};

	return read_in(dir, EMR_NETWORK_DIR_LEDGER, EMR_SERVED_SETTINGS, &bytes) == EMR_OK;
}

emr_status emr_network_dir_host(const char *dir, emr_buf *out)
{
	emr_status status = read_in(dir, EMR_NETWORK_DIR_LEDGER, EMR_SERVED_SETTINGS, out);

	return status == EMR_NOT_FOUND ? read_in(dir, EMR_NETWORK_DIR_HOST, EMR_HOST_AT, out)
				       : status;
}

bool emr_network_dir_host_at(const char *place, char *out, size_t size)
{
	EMR_AUTO_FREE char *dir = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_served_at at;

	if (emr_network_dir_parse(place, &dir) != EMR_OK || !emr_network_dir_is_served(dir) ||
		emr_network_dir_host(dir, &bytes) != EMR_OK ||
		emr_served_at_read(emr_buf_view(&bytes), &at) != EMR_OK)
		return false;
	snprintf(out, size, "%s", at.socket[0] != '\0' ? at.socket : at.url);
	return true;
}

emr_status emr_network_dir_check(const char *dir, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = -1;

	EMR_TRY(open_ours(dir, &fd, out_problem));
	if (emr_network_dir_is_served(dir))
		return EMR_OK;
	/* With its key alone a host takes the ledger from its members, and any out of a channel. */
	if (!has(dir, EMR_NETWORK_DIR_LEDGER "/" EMR_NETWORK_CHANNEL) &&
		faccessat(fd, EMR_NETWORK_DIR_LEDGER "/" EMR_NETWORK_LEDGER, R_OK | W_OK, 0) != 0 &&
		faccessat(fd, EMR_NETWORK_DIR_HOST "/" EMR_HOST_SECRET, R_OK, 0) != 0)
		return say_bad_dir(dir, _("there is no ledger in it"), EMR_NOT_FOUND, out_problem);
	return EMR_OK;
}

emr_status emr_network_dir_note(emr_keyring *keyring, emr_bytes descriptor)
{
	const emr_id32 hash = emr_sha256_of(&descriptor, 1);

	return emr_keyring_tlv_set(
		keyring, EMR_KEYRING_NET_DESCRIPTOR, emr_bytes_of(hash.b, sizeof hash.b));
}

bool emr_network_dir_is(const char *dir)
{
	return has(dir, EMR_NETWORK_DIR_LEDGER "/" EMR_NETWORK_DESCRIPTOR);
}

emr_status emr_network_dir_name(const char *dir, char out_name[256])
{
	EMR_AUTO_BUF bytes = {0};
	emr_descriptor network;

	EMR_TRY(emr_network_dir_descriptor(dir, &bytes));
	if (emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &network) != EMR_CONTRACT_OK ||
		network.name.len > 255)
		return EMR_DAMAGED;
	memcpy(out_name, network.name.data, network.name.len);
	out_name[network.name.len] = '\0';
	return EMR_OK;
}

emr_status emr_network_dir_link(int state_fd, const char *dir)
{
	char target[PATH_MAX];

	if (dir[0] != '/' || strlen(dir) + sizeof "/" EMR_NETWORK_DIR_LEDGER > sizeof target)
		return EMR_INVALID;
	snprintf(target, sizeof target, "%s/" EMR_NETWORK_DIR_LEDGER, dir);
	return symlinkat(target, state_fd, EMR_STATE_LEDGER) == 0 && fsync(state_fd) == 0
		       ? EMR_OK
		       : emr_status_from_errno(errno);
}

emr_status emr_network_dir_parse(const char *target, char **out_dir)
{
	const size_t tail = strlen("/" EMR_NETWORK_DIR_LEDGER), len = strlen(target);

	if (len <= tail || target[0] != '/' ||
		strcmp(target + len - tail, "/" EMR_NETWORK_DIR_LEDGER) != 0)
		return EMR_INVALID;
	*out_dir = strndup(target, len - tail);
	return *out_dir != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_network_dir_of(int state_fd, char **out_dir)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(state_fd, EMR_STATE_LEDGER, target, sizeof target - 1);

	if (n < 0)
		return errno == EINVAL || errno == ENOENT ? EMR_NOT_FOUND
							  : emr_status_from_errno(errno);
	target[n] = '\0';
	return emr_network_dir_parse(target, out_dir);
}

bool emr_network_dir_ledger_place(const char *state_path, char *out, size_t size)
{
	char target[PATH_MAX + 1];
	ssize_t n;

	snprintf(out, size, "%.4000s/%s", state_path, EMR_STATE_LEDGER);
	n = readlink(out, target, sizeof target - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	snprintf(out, size, "%.4300s", target);
	return true;
}
