/* This file notices a host that shows its members different histories of a ledger: every head that
 * the host has signed, here or for another member, must fit what this computer has verified. */
#include "replica_private.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "follow_private.h"
#include "ledger/checkpoint.h"
#include "replica/follower.h"

static const char two_histories[] = "the host has signed another history of the ledger";

/* ---- comparing ---- */

/* The newest one here.  EMR_NOT_FOUND, EMR_UNSUPPORTED. */
static emr_status last_head(emr_replica *r, emr_buf *note, emr_checkpoint *out)
{
	EMR_TRY(emr_ledger_head(r->ledger, note));
	return emr_checkpoint_parse(emr_buf_view(note), out);
}

/* The first HEAD_SIZE of SIZE entries, of which MARK may know the root. */
static emr_status compare_head(emr_replica *r, uint64_t size, const high_mark *mark,
	uint64_t head_size, const uint8_t head_root[32], emr_ledger_trouble *out)
{
	uint8_t root[32];

	if (head_size == 0 || head_size > size)
		return EMR_OK;
	if (head_size == mark->frontier.size)
		memcpy(root, mark->root, sizeof root);
	else
		EMR_TRY(replica_own(r, emr_chain_root(r->writer, head_size, root)));
	return memcmp(root, head_root, 32) == 0
		       ? EMR_OK
		       : give_trouble(out, EMR_FORK, head_size - 1, two_histories);
}

emr_status replica_check_heads(
	emr_replica *r, uint64_t size, const high_mark *mark, emr_ledger_trouble *out)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	emr_status status = last_head(r, &note, &head);

	if (status == EMR_UNSUPPORTED || status == EMR_NOT_FOUND)
		return EMR_OK;
	if (status == EMR_OK)
		status = compare_head(r, size, mark, head.size, head.root, out);
	if (status == EMR_OK)
		status = compare_head(r, size, mark, r->heads.ahead, r->heads.ahead_root, out);
	return status;
}

bool replica_is_signed(emr_replica *r, uint64_t size)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	uint8_t root[32];

	return last_head(r, &note, &head) == EMR_OK && head.size == size &&
	       emr_chain_root(r->writer, size, root) == EMR_OK &&
	       memcmp(root, head.root, sizeof root) == 0;
}

emr_status replica_keep_head(emr_replica *r, uint64_t size)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	emr_status status = last_head(r, &note, &head);

	if (status == EMR_UNSUPPORTED || status == EMR_NOT_FOUND)
		return EMR_OK;
	return status == EMR_OK && head.size <= size
		       ? emr_chain_put_note(r->writer, emr_buf_view(&note))
		       : status;
}

/* ---- what stays ---- */

static void log_fork(const emr_replica *r)
{
	emr_log(EMR_LOG_ERROR,
		"the host of the ledger shows two histories: nothing is sent to it%s",
		r->is_still ? "" : " (" EMR_REPLICA_FORKED ")");
}

/* Both notes, for whoever has to be shown: the one that this copy fits, and the other. */
static emr_status keep_proof(emr_replica *r, emr_bytes other)
{
	EMR_AUTO_BUF notes = {0};
	emr_status status = emr_chain_note(r->writer, &notes);

	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = emr_buf_append(&notes, other.data, other.len);
	return status == EMR_OK && !r->is_still
		       ? emr_file_replace(r->dirfd, EMR_REPLICA_FORKED, emr_buf_view(&notes), 0600)
		       : status;
}

static void condemn(emr_replica *r, emr_bytes other)
{
	emr_status status;

	r->heads.is_forked = true;
	emr_ledger_distrust(r->ledger);
	status = keep_proof(r, other);
	if (status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "replica: that the host is not believed is not kept: %s",
			emr_status_text(status));
	log_fork(r);
}

void replica_condemn(emr_replica *r, const emr_ledger_trouble *trouble)
{
	EMR_AUTO_BUF other = {0};

	/* Another network's ledger in its place signs nothing for this one. */
	if (!r->heads.is_forked && trouble->status == EMR_FORK &&
		emr_ledger_head(r->ledger, &other) == EMR_OK)
		condemn(r, emr_buf_view(&other));
}

static emr_status keep_ahead(emr_replica *r, const emr_checkpoint *head, emr_bytes note)
{
	if (head->size <= r->heads.ahead)
		return EMR_OK; /* who has reached that has this */
	if (!r->is_still)
		EMR_TRY(emr_file_replace(r->dirfd, REPLICA_AHEAD, note, 0600));
	r->heads.ahead = head->size;
	memcpy(r->heads.ahead_root, head->root, 32);
	return EMR_OK;
}

void replica_open_heads(emr_replica *r)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;

	r->heads.is_forked =
		faccessat(r->dirfd, EMR_REPLICA_FORKED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (r->heads.is_forked) {
		emr_ledger_distrust(r->ledger);
		(void)give_trouble(&r->trouble, EMR_FORK, 0, two_histories);
		log_fork(r);
	}
	if (emr_file_read(r->dirfd, REPLICA_AHEAD, EMR_CHECKPOINT_MAX, &note) != EMR_OK)
		return;
	if (emr_checkpoint_parse(emr_buf_view(&note), &head) != EMR_OK) {
		emr_log(EMR_LOG_WARN, "replica: " REPLICA_AHEAD " is damaged and says nothing");
		return;
	}
	r->heads.ahead = head.size;
	memcpy(r->heads.ahead_root, head.root, 32);
}

bool emr_replica_is_forked(const emr_replica *replica)
{
	return atomic_load(&replica->heads.is_forked);
}

/* ---- of others ---- */

emr_status emr_replica_note(emr_replica *replica, emr_buf *out_note)
{
	EMR_AUTO_BUF last = {0};
	READING(r, replica);

	if (emr_ledger_head(replica->ledger, &last) == EMR_UNSUPPORTED)
		return EMR_NOT_FOUND;
	EMR_TRY(replica_take(replica, &r.chain));
	return emr_chain_note(r.chain, out_note);
}

/* In write_lock. */
static emr_status judge(
	emr_replica *r, const emr_checkpoint *head, emr_bytes note, emr_ledger_trouble *out)
{
	uint64_t size = 0;

	EMR_TRY(emr_chain_size(r->writer, &size));
	if (r->heads.is_forked)
		return EMR_FORK;
	if (replica_is_before_restart(r, head))
		return EMR_OK;
	if (head->size == r->heads.ahead && memcmp(head->root, r->heads.ahead_root, 32) != 0)
		return give_trouble(out, EMR_FORK, head->size - 1, two_histories);
	return head->size > size ? keep_ahead(r, head, note)
				 : compare_head(r, size, &r->mark, head->size, head->root, out);
}

emr_status emr_replica_hear(emr_replica *replica, emr_bytes note)
{
	emr_ledger_trouble trouble = {.status = EMR_OK};
	emr_checkpoint head;
	bool is_ahead, is_sure;
	emr_status followed, status = emr_checkpoint_parse(note, &head);

	if (status == EMR_OK)
		status = emr_ledger_knows(replica->ledger, &head);
	if (status != EMR_OK)
		return status == EMR_UNSUPPORTED ? EMR_OK : status;
	/* As far as it can be followed; a restart that nobody here has seen would explain it. */
	atomic_store(&replica->heads.restarts.is_asked, false);
	followed = emr_follow_now(replica);
	(void)pthread_mutex_lock(&replica->write_lock);
	is_sure = followed == EMR_OK ? atomic_load(&replica->heads.restarts.is_asked)
				     : followed == EMR_ROLLBACK || followed == EMR_FORK;
	status = judge(replica, &head, note, &trouble);
	if (status == EMR_FORK && !replica->heads.is_forked && is_sure)
		condemn(replica, note);
	else if (status == EMR_FORK && !replica->heads.is_forked) {
		/* Compared again when it could be followed. */
		trouble.status = EMR_OK;
		status = keep_ahead(replica, &head, note);
	}
	is_ahead = replica->heads.ahead > 0;
	(void)pthread_mutex_unlock(&replica->write_lock);
	if (trouble.status != EMR_OK)
		replica_keep_trouble(replica, &trouble, false);
	/* A ledger that does not go so far is named now, and not at the next save. */
	if (status == EMR_OK && is_ahead && emr_follow_now(replica) == EMR_ROLLBACK)
		return EMR_ROLLBACK;
	return status;
}
