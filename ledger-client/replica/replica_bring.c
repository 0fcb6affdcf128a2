/* This file brings a host that lost entries of its ledger what the copy here has of them, which
 * proves itself; and it says to the host, signed by a member, when nothing of it is missing. */
#include "replica_private.h"

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "ledger/checkpoint.h"
#include "ledger/restart.h"

#define PORTION_BYTES ((size_t)1 << 20)

/* The newest head here: of the copy, or one that it has not reached, which is told alone. */
static emr_status newest_head(emr_replica *r, bool of_copy, emr_buf *note, emr_checkpoint *out)
{
	if (of_copy)
		EMR_TRY(emr_chain_note(r->writer, note));
	else
		EMR_TRY(emr_file_read(r->dirfd, REPLICA_AHEAD, EMR_CHECKPOINT_MAX, note));
	return emr_checkpoint_parse(emr_buf_view(note), out);
}

static emr_status bring(emr_replica *r, const emr_buf *note, uint64_t *io_next, size_t bytes)
{
	EMR_AUTO_BUF body = {0};
	EMR_AUTO_BUF answer = {0};

	EMR_TRY(emr_restart_bring(emr_buf_view(note), r->writer, io_next, bytes, &body));
	return emr_ledger_ask(r->ledger, EMR_ASK_RECOVERY, emr_buf_view(&body), &answer);
}

/* The head alone, without an entry. */
static emr_status tell_head(emr_replica *r, bool of_copy)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	uint64_t next = 0;

	EMR_TRY(newest_head(r, of_copy, &note, &head));
	return bring(r, &note, &next, 0);
}

/* All entries below the head that the copy fits; the host has SIZE. */
static emr_status bring_all(emr_replica *r, uint64_t size)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	uint64_t next;
	emr_status status = newest_head(r, true, &note, &head);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	next = size < head.size ? size : head.size;
	/* Nothing but the head, with the entry before what the host lacks: on which chain it is. */
	status = bring(r, &note, &next, 0);
	while (status == EMR_OK && next < head.size)
		status = bring(r, &note, &next, PORTION_BYTES);
	return status;
}

void replica_bring(emr_replica *r)
{
	brought *b = &r->heads.brought;
	EMR_AUTO_BUF answer = {0};
	emr_reader host;
	emr_id16 id;
	uint64_t size;
	emr_status status = emr_ledger_ask(r->ledger, EMR_ASK_RECOVERY, (emr_bytes){0}, &answer);

	host = emr_reader_of(emr_buf_view(&answer));
	emr_read_copy(&host, id.b, sizeof id.b);
	size = emr_read_u64(&host);
	if (status != EMR_OK || host.bad || r->heads.is_forked ||
		(emr_id16_equal(id, b->id) && size == b->size))
		return;
	b->id = id;
	if (r->heads.ahead > 0)
		status = tell_head(r, false);
	if (status == EMR_OK)
		status = bring_all(r, size);
	b->is_all = status == EMR_OK;
	b->size = emr_status_may_pass(status) ? 0 : size;
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "replica: the host did not take what it lost: %s",
			emr_status_text(status));
}

emr_status replica_begin_bringing(emr_replica *r)
{
	uint64_t size;

	return tell_head(r, r->heads.ahead == 0) == EMR_OK ? emr_ledger_size(r->ledger, &size)
							   : EMR_OK;
}

emr_status emr_replica_say(emr_replica *replica, const emr_keyring *keyring)
{
	brought *b = &replica->heads.brought;
	emr_checkpoint note = {.net_id = emr_ledger_net_id(replica->ledger)};
	emr_known_restart last;
	bool is_over = emr_replica_restarts(replica, &last, 1) > 0;
	emr_id16 *said;
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF answer = {0};
	EMR_LOCKED(&replica->write_lock);

	is_over = is_over && (emr_id16_is_zero(b->id) || emr_id16_equal(b->id, last.recovery));
	said = is_over ? &b->said_after : &b->said;
	if (is_over ? replica_waits(replica) == EMR_OK : b->is_all)
		note.recovery = is_over ? last.recovery : b->id;
	if (emr_id16_is_zero(note.recovery) || emr_id16_equal(note.recovery, *said) ||
		(is_over && replica_is_lacking(replica)))
		return EMR_OK;
	EMR_TRY(emr_chain_size(replica->writer, &note.size));
	EMR_TRY(emr_chain_root(replica->writer, note.size, note.root));
	EMR_TRY(emr_checkpoint_cosign(&note, keyring, emr_clock_unix_s(replica->clock)));
	EMR_TRY(emr_checkpoint_format(&note, &text));
	EMR_TRY(emr_ledger_ask(replica->ledger, EMR_ASK_SAID, emr_buf_view(&text), &answer));
	*said = note.recovery;
	return EMR_OK;
}
