/* When somebody joins a network, the earlier ledger stays beside the new one. This file opens
 * that old ledger for reading, so that the earlier history is still shown; if it cannot be
 * opened, the records of today open all the same. */
#include "session/annex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "replica/follower.h"

#define JOINED_MAX 200
#define JOINED_FORMAT "emrfs joined 1\nentries %llu\nat %llu\n"

emr_status emr_joined_write(int dirfd, const emr_joined *joined)
{
	char text[JOINED_MAX];
	int n = snprintf(text, sizeof text, JOINED_FORMAT, (unsigned long long)joined->size,
		(unsigned long long)joined->at_unix_s);

	return emr_file_replace(
		dirfd, EMR_JOINING_JOINED, emr_bytes_of((const uint8_t *)text, (size_t)n), 0600);
}

emr_status emr_joined_read(int dirfd, emr_joined *out_joined)
{
	EMR_AUTO_BUF text = {0};
	unsigned long long size, at;

	EMR_TRY(emr_file_read(dirfd, EMR_JOINING_JOINED, JOINED_MAX, &text));
	EMR_TRY(emr_buf_append_zeros(&text, 1));
	if (sscanf((const char *)text.data, JOINED_FORMAT, &size, &at) != 2 || size == 0)
		return EMR_DAMAGED;
	*out_joined = (emr_joined){.size = size, .at_unix_s = at};
	return EMR_OK;
}

static emr_status known_descriptor(void *arg, emr_buf *out_descriptor)
{
	const emr_session *session = arg;

	return emr_replica_descriptor(session->annex_fd, out_descriptor);
}

static emr_status open_parts(emr_session *session, const emr_joined *joined)
{
	char path[4400];
	emr_ledger_options ledger = {.path = path,
		.submitter = session->keyring,
		.known = known_descriptor,
		.known_arg = session};
	emr_replica_options replica = {.state_dirfd = session->annex_fd,
		.is_mine = emr_session_is_mine,
		.is_mine_arg = session->keyring};
	emr_status status;

	snprintf(path, sizeof path, "%.4000s/" EMR_STATE_ANNEX "/%s", session->state_path,
		EMR_STATE_LEDGER);
	EMR_TRY(emr_ledger_open(&ledger, &session->annex.ledger));
	replica.ledger = session->annex.ledger;
	EMR_TRY(emr_replica_open(&replica, &session->annex.replica));
	/* Nobody writes there: this is for a copy that had to be made again, after init --restore.
	 */
	status = emr_follow_now(session->annex.replica);
	if (status != EMR_OK && !emr_status_is_away(status))
		return status;
	session->annex.joined_size = joined->size;
	emr_facts_set_annex(session->facts, &session->annex);
	return EMR_OK;
}

emr_status emr_annex_open(emr_session *session)
{
	emr_joined joined;
	emr_status status;

	session->annex_fd = openat(session->state_fd, EMR_STATE_ANNEX,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (session->annex_fd < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	status = emr_joined_read(session->annex_fd, &joined);
	if (status == EMR_OK)
		status = open_parts(session, &joined);
	if (status == EMR_OK || status == EMR_NO_MEMORY || status == EMR_BUSY)
		return status;
	/* The records of today do not wait for the earlier ones. */
	emr_log(EMR_LOG_ERROR, "annex: %s", emr_status_text(status));
	emr_annex_close(session);
	session->has_lost_annex = session->read_only = true;
	return EMR_OK;
}

void emr_annex_close(emr_session *session)
{
	emr_replica_close(session->annex.replica);
	emr_ledger_close(session->annex.ledger);
	session->annex = (emr_annex){.joined_size = 0};
	if (session->annex_fd >= 0)
		close(session->annex_fd);
	session->annex_fd = -1;
}
