/* This file brings a member whose backup is restored back to the network. A member goes on with the
 * network's ledger, not with a copy, which would be a second one. The faults of the backup are told
 * here, too. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "contract/item.h"
#include "gateway/channel.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "ledger/network.h"
#include "network/own_dir.h"
#include "served/client.h"
#include "session/network_dir.h"

#include "init_restore_private.h"

#define DESCRIPTOR_MAX ((size_t)60000)

void init_restore_found(void *arg, const char *path, const char *what)
{
	restoring *r = arg;

	r->n_found++;
	emr_progress_end(r->out);
	emr_say(r->out, "%s: %s\n", path, what);
}

void init_restore_say(const restoring *r, emr_status status, emr_problem *out_problem)
{
	char n[EMR_TEXT_BYTES];

	emr_number_text(r->n_found, n);
	if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY)
		emr_problem_set(out_problem, EMR_SAY_BACKUP_NONE, "dir", r->dir, NULL);
	else if (status == EMR_DAMAGED && r->n_found > 0)
		emr_problem_set(out_problem, EMR_SAY_RESTORE_BAD, "dir", r->dir, "n", n, NULL);
	else if (status == EMR_DAMAGED)
		emr_problem_set(out_problem, EMR_SAY_BACKUP_LIST, "dir", r->dir, NULL);
	else
		emr_problem_set_status(out_problem, status, r->dir);
}

static bool is_lost(const restoring *r, const char *path, emr_status status)
{
	return status == EMR_NOT_FOUND && emr_backup_manifest_find(&r->list, path) != NULL;
}

static emr_status say_where(const restoring *r, emr_problem *out_problem)
{
	return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_RESTORE_WHERE, "dir", r->dir, NULL);
}

/* DIR out of what the backup says of the network's place; where that is damaged, --network says it.
 * EMR_NOT_FOUND: it had none but the state itself. */
static emr_status named_dir(const restoring *r, char **out_dir, emr_problem *out_problem)
{
	const char *named = r->args->values[EMR_OPT_NETWORK];
	EMR_AUTO_BUF target = {0};
	emr_status status =
		emr_file_read(r->session.state_fd, EMR_BACKUP_NETWORK_PATH, PATH_MAX - 1, &target);

	if (is_lost(r, EMR_BACKUP_NETWORK_PATH, status)) {
		if (named == NULL || emr_own_dir_is_address(named))
			return emr_backup_manifest_find(&r->list, EMR_BACKUP_CHANNEL_PATH) != NULL
				       ? EMR_NOT_FOUND /* read_way says whether that is whole */
				       : say_where(r, out_problem);
		*out_dir = emr_path_real(named);
		return *out_dir != NULL ? EMR_OK : EMR_NO_MEMORY;
	}
	EMR_TRY(status);
	EMR_TRY(emr_buf_append_zeros(&target, 1));
	return emr_network_dir_parse((const char *)target.data, out_dir);
}

static emr_status read_beginning(int state_fd, emr_buf *out)
{
	EMR_AUTO_FD ledger =
		openat(state_fd, EMR_STATE_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return ledger >= 0 ? emr_file_read(ledger, EMR_NETWORK_DESCRIPTOR, DESCRIPTOR_MAX, out)
			   : emr_status_from_errno(errno);
}

/* The words bring back what was sealed under them, and no keyfile: without the profile nothing says
 * which channel is the owner's but what whoever had the copy may have written there.  (A host has
 * the network that the keyring knows, or none that is followed.) */
static emr_status check_channel_known(const restoring *r, emr_bytes place, emr_problem *out_problem)
{
	EMR_AUTO_BUF known = {0};
	emr_status status =
		r->by_words && !emr_network_place_is_host(place)
			? emr_keyring_tlv_get(r->session.keyring, EMR_KEYRING_CHANNEL, &known)
			: EMR_OK;

	if (status != EMR_NOT_FOUND)
		return status;
	return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_RESTORE_CHANNEL, "dir", r->dir, NULL);
}

/* The way to the network, as the backup has it. Where that is damaged, --network says where a host
 * is; the settings of a channel come from nowhere else. */
static emr_status read_way(
	restoring *r, emr_bytes descriptor, emr_buf *out, emr_problem *out_problem)
{
	const emr_span network = {descriptor.data, descriptor.len};
	const char *named = r->args->values[EMR_OPT_NETWORK];
	emr_served_at at;
	emr_status status = emr_file_read(
		r->session.state_fd, EMR_BACKUP_CHANNEL_PATH, EMR_CHANNEL_CARRIED_MAX, out);

	if (!is_lost(r, EMR_BACKUP_CHANNEL_PATH, status))
		return status;
	if (emr_descriptor_host(network) == EMR_HOST_FABRIC) {
		init_restore_found(r, EMR_BACKUP_CHANNEL_PATH,
			_("it is damaged, and nothing can be restored without it"));
		init_restore_say(r, EMR_DAMAGED, out_problem);
		return EMR_DAMAGED;
	}
	init_restore_found(r, EMR_BACKUP_CHANNEL_PATH,
		_("it is damaged: where the host of your network is must be said"));
	if (emr_own_dir_is_address(named) && emr_served_address_read(named, &at) == EMR_OK)
		return emr_served_at_write(&at, out);
	return say_where(r, out_problem);
}

static emr_status find_network(restoring *r, char **out_dir, emr_problem *out_problem)
{
	int state_fd = r->session.state_fd;
	EMR_AUTO_BUF channel = {0};
	EMR_AUTO_BUF descriptor = {0};
	emr_status named = named_dir(r, out_dir, out_problem);
	emr_status began = read_beginning(state_fd, &descriptor);
	emr_status carried = read_way(r, emr_buf_view(&descriptor), &channel, out_problem);

	EMR_TRY(named == EMR_NOT_FOUND ? carried : named);
	if (carried != EMR_NOT_FOUND)
		EMR_TRY(carried);
	EMR_TRY(began);
	if (carried == EMR_OK)
		EMR_TRY(check_channel_known(r, emr_buf_view(&channel), out_problem));
	if (carried == EMR_OK && r->by_words) /* nothing says that it is the owner's */
		EMR_TRY(emr_own_dir_allow(emr_buf_view(&channel), r->args->values[EMR_OPT_NETWORK],
			r->out, out_problem));
	/* The way elsewhere came along, and needs no previous directory; one in a state that led
	 * to a host is that state's. */
	if (carried == EMR_OK &&
		(*out_dir == NULL || emr_network_dir_is_served(*out_dir) ||
			!emr_network_dir_has(*out_dir, emr_buf_view(&descriptor)))) {
		free(*out_dir);
		*out_dir = NULL;
		r->own_dir_made = true;
		return emr_own_dir_make(r->stage.state_fd, r->places.state, emr_buf_view(&channel),
			emr_buf_view(&descriptor), out_dir, out_problem);
	}
	EMR_TRY(emr_network_dir_check(*out_dir, out_problem));
	if (emr_network_dir_has(*out_dir, emr_buf_view(&descriptor)))
		return EMR_OK;
	return EMR_PROBLEM(EMR_FORK, out_problem, EMR_SAY_NETWORK_DIR, "dir", *out_dir, "cause",
		_("another network is there"), NULL);
}

static emr_status remove_file(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) == 0 || errno == ENOENT ? EMR_OK
								: emr_status_from_errno(errno);
}

emr_status init_restore_network(restoring *r, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_status status = find_network(r, &dir, out_problem);

	if (status == EMR_NOT_FOUND && dir == NULL)
		return EMR_OK; /* the ledger was one's own */
	if (status == EMR_OK)
		status = emr_stage_remove_tree(r->session.state_fd, EMR_STATE_LEDGER);
	if (status == EMR_OK)
		status = emr_network_dir_link(r->session.state_fd, dir);
	if (status == EMR_OK)
		status = emr_restored_blocks_settle(&r->session, dir, &r->blocks, out_problem);
	r->is_of_network = status == EMR_OK;
	if (status == EMR_OK)
		status = emr_own_dir_await(dir, r->out, out_problem);
	if (status == EMR_OK)
		status = remove_file(r->session.state_fd, EMR_BACKUP_NETWORK_PATH);
	if (status == EMR_OK)
		status = remove_file(r->session.state_fd, EMR_BACKUP_CHANNEL_PATH);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The network of these records"));
	return status;
}
