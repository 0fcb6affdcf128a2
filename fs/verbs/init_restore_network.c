/* This file brings a member whose backup is restored back to the network. A member goes on with the
 * network's ledger, not with a copy, which would be a second one; but the verified copy that the
 * backup has is enough to open everything, whoever answers. The faults of the backup are told here,
 * too. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "contract/item.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "ledger/copy.h"
#include "ledger/network.h"
#include "network/own_dir.h"
#include "session/network_dir.h"

#include "init_restore_private.h"

#define BACKUP_LEDGER "ledger/ledger.sqlite"

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

/* Whether the backup should have PATH, be it whole or not. */
static bool is_listed(const restoring *r, const char *path)
{
	return emr_backup_manifest_find(&r->list, path) != NULL;
}

/* DIR: the person's own word, or out of what the backup says of the network's place.
 * EMR_NOT_FOUND: neither. */
static emr_status named_dir(const restoring *r, bool is_named, char **out_dir)
{
	EMR_AUTO_BUF target = {0};

	if (is_named) {
		*out_dir = emr_path_real(r->args->values[EMR_OPT_NETWORK]);
		return *out_dir != NULL ? EMR_OK : EMR_NO_MEMORY;
	}
	EMR_TRY(emr_file_read(r->session.state_fd, EMR_BACKUP_NETWORK_PATH, PATH_MAX - 1, &target));
	EMR_TRY(emr_buf_append_zeros(&target, 1));
	return emr_network_dir_parse((const char *)target.data, out_dir);
}

static emr_status read_beginning(int state_fd, emr_buf *out)
{
	EMR_AUTO_FD ledger =
		openat(state_fd, EMR_STATE_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return ledger >= 0 ? emr_file_read(ledger, EMR_NETWORK_DESCRIPTOR,
				     EMR_NETWORK_DESCRIPTOR_MAX, out)
			   : emr_status_from_errno(errno);
}

/* The way to the network, as the backup has it, or --network for a host; empty: nobody knows it. */
static emr_status read_way(restoring *r, emr_buf *out, emr_problem *out_problem)
{
	const char *named = r->args->values[EMR_OPT_NETWORK];
	emr_status status = emr_file_read(
		r->session.state_fd, EMR_BACKUP_CHANNEL_PATH, EMR_INVITE_PLACE_MAX, out);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	/* Of a copy of a channel's client: no host leads there any more by that. */
	if (out->len > 0 && emr_network_place_check(emr_buf_view(out)) != EMR_OK) {
		emr_buf_clear(out);
		status = EMR_NOT_FOUND;
	}
	if (status == EMR_NOT_FOUND && is_listed(r, EMR_BACKUP_CHANNEL_PATH))
		init_restore_found(r, EMR_BACKUP_CHANNEL_PATH,
			_("it is damaged: where the host of your network is must be said"));
	return emr_own_dir_readdress(named, out, out_problem);
}

/* The network's own directory counts where it is there; else the way that came along makes one in
 * the state, which leads elsewhere, or nowhere yet. */
static emr_status find_network(restoring *r, char **out_dir, emr_problem *out_problem)
{
	const char *named = r->args->values[EMR_OPT_NETWORK];
	const bool is_named =
		named != NULL && !emr_own_dir_is_address(named) && strncmp(named, "unix:", 5) != 0;
	EMR_AUTO_BUF way = {0};
	EMR_AUTO_BUF descriptor = {0};
	emr_status status = named_dir(r, is_named, out_dir);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	status = read_beginning(r->session.state_fd, &descriptor);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	EMR_TRY(read_way(r, &way, out_problem));
	if (r->by_words) /* nothing says that it is the owner's */
		EMR_TRY(emr_own_dir_allow(emr_buf_view(&way), named, r->out, out_problem));
	if (is_named)
		EMR_TRY(emr_network_dir_check(*out_dir, out_problem));
	if (*out_dir != NULL && !emr_network_dir_is_served(*out_dir) &&
		emr_network_dir_has(*out_dir, emr_buf_view(&descriptor))) {
		status = emr_network_dir_check(*out_dir, out_problem);
		if (status != EMR_NOT_FOUND)
			return status;
		*out_problem = (emr_problem){.is_set = false};
	} else if (is_named) {
		return EMR_PROBLEM(EMR_FORK, out_problem, EMR_SAY_NETWORK_DIR, "dir", *out_dir,
			"cause", _("another network is there"), NULL);
	}
	free(*out_dir);
	*out_dir = NULL;
	r->own_dir_made = true;
	r->has_no_way = way.len == 0;
	if (r->has_no_way && !is_listed(r, EMR_BACKUP_CHANNEL_PATH))
		init_restore_found(r, EMR_BACKUP_NETWORK_PATH,
			_("the directory of your network is not there: where it is must be said"));
	return emr_own_dir_make(r->stage.state_fd, r->places.state, emr_buf_view(&way),
		emr_buf_view(&descriptor), out_dir, out_problem);
}

static emr_status remove_file(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) == 0 || errno == ENOENT ? EMR_OK
								: emr_status_from_errno(errno);
}

/* The owner's backup has the ledger itself, with the parts of everybody: her copy keeps her own. */
static emr_status follow_whole(emr_session *session, emr_ledger_trouble *out_trouble)
{
	emr_problem ignored = {0};
	emr_status followed = EMR_OK;
	emr_status status = emr_session_open_copy(session, false, &followed, &ignored);

	if (session->replica != NULL)
		emr_replica_last_trouble(session->replica, out_trouble);
	emr_session_close_copy(session);
	return status == EMR_OK ? followed : status;
}

/* Everything is replayed once more. A network's own directory is at hand, and followed from its
 * beginning. */
static emr_status keep_verified(restoring *r)
{
	EMR_AUTO_FD ledger = -1;
	emr_ledger_trouble trouble = {.status = EMR_OK};
	emr_status status;

	if (!r->own_dir_made)
		return EMR_OK;
	ledger = openat(r->session.state_fd, EMR_STATE_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = is_listed(r, EMR_BACKUP_NETWORK_PATH)
			 ? follow_whole(&r->session, &trouble)
			 : emr_ledger_copy_make_own(ledger, r->session.state_fd, &trouble);
	r->has_copy = status == EMR_OK || (status == EMR_DAMAGED && trouble.seq > 1);
	/* With a ledger that is not in the backup nothing is wrong. */
	if (status != EMR_OK && (r->has_copy || is_listed(r, BACKUP_LEDGER)))
		init_restore_found(r, BACKUP_LEDGER,
			r->has_copy ? _("its last entries have to come from your network")
				    : _("all of its entries have to come from your network"));
	if (!r->has_copy)
		EMR_TRY(remove_file(r->session.state_fd, EMR_STATE_OWN_COPY));
	return emr_status_is_full(status) || status == EMR_NO_MEMORY ? status : EMR_OK;
}

emr_status init_restore_network(restoring *r, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_status status;

	if (!is_listed(r, EMR_BACKUP_NETWORK_PATH) && !is_listed(r, EMR_BACKUP_CHANNEL_PATH))
		return EMR_OK; /* the ledger was one's own */
	status = find_network(r, &dir, out_problem);
	if (status == EMR_OK)
		status = keep_verified(r);
	if (status == EMR_OK)
		status = emr_stage_remove_tree(r->session.state_fd, EMR_STATE_LEDGER);
	if (status == EMR_OK)
		status = emr_network_dir_link(r->session.state_fd, dir);
	if (status == EMR_OK)
		status = emr_restored_blocks_settle(&r->session, dir, &r->blocks, out_problem);
	r->is_of_network = status == EMR_OK;
	if (status == EMR_OK)
		status = remove_file(r->session.state_fd, EMR_BACKUP_NETWORK_PATH);
	if (status == EMR_OK)
		status = remove_file(r->session.state_fd, EMR_BACKUP_CHANNEL_PATH);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The network of these records"));
	return status;
}
