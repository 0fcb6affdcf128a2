/* When somebody joins a network, or leaves one, the earlier ledger stays beside the new one. This
 * file opens it for reading, and what was left before it, so that the earlier history is still
 * shown; if it cannot be opened, the records of today open all the same. */
#include "session/annex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ledger/copy.h"
#include "ledger/network.h"
#include "session/network_dir.h"

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

/* The ledger that was left in PATH, whose copy is in DIRFD. */
static emr_status open_parts(emr_session *session, const char *path, int dirfd, emr_annex *a)
{
	emr_ledger_options ledger = {.path = path,
		.submitter = session->keyring,
		.known = emr_replica_descriptor,
		.known_dirfd = dirfd};
	emr_replica_options replica = {.state_dirfd = dirfd, .is_mine = emr_session_is_mine};
	emr_session left = {.keyring = session->keyring};
	emr_problem ignored = {0};
	emr_joined joined;
	emr_status followed;

	EMR_TRY(emr_joined_read(dirfd, &joined));
	a->joined_size = joined.size;
	/* Nobody moves after the key was followed: that ledger knows the first one. */
	if (emr_keyring_former_count(session->keyring) > 0) {
		EMR_TRY(emr_keyring_former(
			session->keyring, emr_keyring_former_count(session->keyring), &a->keyring));
		left.keyring = a->keyring;
	}
	replica.is_mine_arg = left.keyring;
	EMR_TRY(emr_ledger_open(&ledger, &a->ledger));
	replica.ledger = a->ledger;
	EMR_TRY(emr_replica_open(&replica, &a->replica));
	EMR_TRY(emr_facts_new(left.keyring, a->replica, session->records, &a->facts));
	/* Nobody writes there: this is for a copy that had to be made again, after init --restore.
	 */
	left.ledger = a->ledger;
	left.replica = a->replica;
	EMR_TRY(emr_session_begin(&left, &followed, &ignored));
	return emr_status_is_away(followed) ? EMR_OK : followed;
}

/* Each lies in that of the next move. */
static emr_status open_all(emr_session *session)
{
	char path[4400], ledger[4500];
	emr_facts *after = session->facts;

	snprintf(path, sizeof path, "%.4000s/" EMR_STATE_ANNEX, session->state_path);
	for (size_t i = 0; i < EMR_MOVES_MAX; i++) {
		EMR_AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		emr_annex *a = &session->annexes[i];

		if (fd < 0)
			return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
		snprintf(ledger, sizeof ledger, "%s/" EMR_STATE_LEDGER, path);
		EMR_TRY(open_parts(session, ledger, fd, a));
		emr_facts_set_annex(after, a);
		after = a->facts;
		snprintf(path + strlen(path), sizeof path - strlen(path), "/" EMR_STATE_ANNEX);
	}
	return EMR_OK;
}

emr_status emr_annex_open(emr_session *session)
{
	emr_status status = open_all(session);

	if (status == EMR_OK || status == EMR_NO_MEMORY || status == EMR_BUSY)
		return status;
	/* The records of today do not wait for the earlier ones. */
	emr_log(EMR_LOG_ERROR, "annex: %s", emr_status_text(status));
	emr_annex_close(session);
	session->has_lost_annex = session->read_only = true;
	return EMR_OK;
}

/* Of a network that was left, private parts of others were not kept: the copy of it in PATH is all
 * that can be replayed. */
static emr_status check_annex(const emr_annex *annex, const char *path)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	emr_ledger_trouble trouble = {0};
	emr_ledger_absence absence;
	uint64_t size = 0;
	char name[256];

	if (emr_network_dir_name(path, name) != EMR_OK || strcmp(name, EMR_NETWORK_ALONE) != 0) {
		EMR_TRY(emr_ledger_copy_open_own(path, &copy));
		return emr_ledger_copy_check(copy, true, &trouble);
	}
	emr_ledger_look(annex->ledger, &absence);
	return absence.status == EMR_OK ? emr_replica_verify_chain(annex->replica, &trouble, &size)
					: emr_replica_verify_own(annex->replica, &trouble, &size);
}

emr_status emr_annex_check(emr_session *session, uint64_t *checked)
{
	char path[4400];
	emr_status status = EMR_OK;

	snprintf(path, sizeof path, "%.4000s", session->state_path);
	for (const emr_annex *a = session->annexes; status == EMR_OK && a->facts != NULL; a++) {
		snprintf(path + strlen(path), sizeof path - strlen(path), "/" EMR_STATE_ANNEX);
		++*checked;
		status = check_annex(a, path);
	}
	return status;
}

void emr_annex_close(emr_session *session)
{
	const emr_annex *none = &session->annexes[EMR_MOVES_MAX];

	if (session->facts != NULL)
		emr_facts_set_annex(session->facts, none);
	for (size_t i = 0; i < EMR_MOVES_MAX; i++) {
		emr_facts_free(session->annexes[i].facts);
		emr_replica_close(session->annexes[i].replica);
		emr_ledger_close(session->annexes[i].ledger);
		emr_keyring_free(session->annexes[i].keyring);
		session->annexes[i] = *none;
	}
}
