/* This file brings a host that lost entries of its ledger what the copy here has of them, which
 * proves itself; an administrator's copy says when all of it was taken. */
#include "replica_private.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "ledger/checkpoint.h"

/* The newest head here: of the copy, or one that it has not reached, which is told alone. */
static emr_status newest_head(emr_replica *r, bool of_copy, emr_buf *note, emr_checkpoint *out)
{
	if (of_copy)
		EMR_TRY(emr_chain_note(r->writer, note));
	else
		EMR_TRY(emr_file_read(r->dirfd, REPLICA_AHEAD, EMR_CHECKPOINT_MAX, note));
	return emr_checkpoint_parse(emr_buf_view(note), out);
}

static emr_status tell_ahead(emr_replica *r)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	uint64_t next;

	return r->heads.ahead > 0 && newest_head(r, false, &note, &head) == EMR_OK
		       ? emr_ledger_bring(r->ledger, emr_buf_view(&note), r->writer, 0, 0, &next)
		       : EMR_OK;
}

/* All entries below the head that the copy fits, from where it stopped in this recovery. */
static emr_status bring_all(emr_replica *r, const emr_ledger_recovery *host)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	uint64_t next;
	emr_status status = newest_head(r, true, &note, &head);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	next = host->size < head.size ? host->size : head.size;
	/* Nothing but the head, with the entry before what the host lacks: on which chain it is. */
	EMR_TRY(emr_ledger_bring(r->ledger, emr_buf_view(&note), r->writer, next, 0, &next));
	for (next = r->heads.brought.next; next < head.size; r->heads.brought.next = next)
		EMR_TRY(emr_ledger_bring(
			r->ledger, emr_buf_view(&note), r->writer, next, SIZE_MAX, &next));
	return EMR_OK;
}

void replica_bring(emr_replica *r)
{
	emr_ledger_recovery host;
	emr_status status = emr_ledger_recovery_of(r->ledger, &host);

	if (status != EMR_OK || r->heads.is_forked ||
		(emr_id16_equal(host.id, r->heads.brought.id) &&
			host.size == r->heads.brought.size))
		return;
	if (!emr_id16_equal(host.id, r->heads.brought.id))
		r->heads.brought.next = host.from;
	r->heads.brought.id = host.id;
	status = tell_ahead(r);
	if (status == EMR_OK)
		status = bring_all(r, &host);
	if (status == EMR_OK)
		status = emr_ledger_say_heard(r->ledger, &host, r->writer);
	r->heads.brought.size = emr_status_may_pass(status) ? 0 : host.size;
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "replica: the host did not take what it lost: %s",
			emr_status_text(status));
}

bool replica_begin_bringing(emr_replica *r)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	uint64_t size, next;

	return (newest_head(r, r->heads.ahead == 0, &note, &head) == EMR_OK &&
		emr_ledger_bring(r->ledger, emr_buf_view(&note), r->writer, 0, 0, &next) ==
			EMR_OK &&
		emr_ledger_size(r->ledger, &size) == EMR_OFFLINE);
}
