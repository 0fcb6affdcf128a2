/* The open folder answers `emrfs ledger` here: it lists entries of the ledger, and signs the
 * head of the ledger that this computer has verified, so that others can compare it with theirs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/item.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/checkpoint.h"
#include "replica/ask.h"
#include "sharing/received.h"

#include "answers.h"

#define PORTION 50
#define LIMIT_DEFAULT 20

static json_t *hex_json(const void *data, size_t len)
{
	char text[65];

	emr_hex(data, len, text);
	return json_string(text);
}

/* The item's predecessor in its row: the hash before; its own id is the hash after. */
static json_t *before_of(const emr_replica_item *item)
{
	emr_item parsed;
	emr_span bytes = {.data = item->bytes.data, .len = item->bytes.len};

	if (item->version <= 1 || emr_item_parse(bytes, &parsed) != EMR_CONTRACT_OK)
		return json_null();
	return hex_json(parsed.prev, sizeof parsed.prev);
}

static emr_status add_entry(const emr_replica_listing *line, json_t *list)
{
	const emr_replica_item *item = &line->item;
	char at[EMR_TEXT_BYTES];
	json_t *entry;

	emr_time_json((int64_t)item->ledger_time, at);
	entry = json_pack("{s:I, s:o, s:o, s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:s}", "index",
		(json_int_t)item->seq, "tx", hex_json(item->batch_id.b, 32), "previous",
		hex_json(line->prev_entry.b, 32), "at", at, "op", emr_op_text(item->op), "object",
		hex_json(line->object.b, 16), "version", (json_int_t)item->version, "before",
		before_of(item), "after", hex_json(item->item_id.b, 32), "signer",
		hex_json(item->signer_id.b, 32), "domain", hex_json(line->domain.b, 16), "result",
		emr_result_text(line->result));
	return json_array_append_new(list, entry) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* The signatures of others under the same head go along. */
static emr_status take_cosignatures(emr_session *session, const emr_checkpoint *own, emr_buf *note)
{
	EMR_AUTO_BUF kept = {0};
	emr_checkpoint all;
	emr_status status = emr_ledger_checkpoint(session->ledger, &kept);

	if (status != EMR_OK || emr_checkpoint_parse(emr_buf_view(&kept), &all) != EMR_OK ||
		all.size != own->size || memcmp(all.root, own->root, sizeof all.root) != 0)
		return EMR_OK; /* another one is the newest now; ours is as good */
	status =
		emr_checkpoint_cosign(&all, session->keyring, emr_clock_unix_s(emr_clock_system()));
	emr_buf_clear(note);
	return status == EMR_OK ? emr_checkpoint_format(&all, note) : status;
}

/* Signs the head as this computer has verified it, leaves it beside the ledger, and gives the note.
 */
static emr_status sign_head(emr_session *session, emr_buf *out_note)
{
	emr_checkpoint checkpoint = {.net_id = emr_ledger_net_id(session->ledger)};
	emr_replica_position at;
	emr_status status;

	EMR_TRY(emr_replica_at(session->replica, &at));
	checkpoint.size = at.size;
	memcpy(checkpoint.root, at.root, sizeof at.root);
	EMR_TRY(emr_checkpoint_cosign(
		&checkpoint, session->keyring, emr_clock_unix_s(emr_clock_system())));
	EMR_TRY(emr_checkpoint_format(&checkpoint, out_note));
	if (session->read_only)
		return take_cosignatures(session, &checkpoint, out_note);
	status = emr_ledger_leave_checkpoint(session->ledger, emr_buf_view(out_note));
	if (status == EMR_OK)
		return take_cosignatures(session, &checkpoint, out_note);
	/* It is as good in a drawer. */
	return emr_status_is_away(status) ? EMR_OK : status;
}

static emr_status emit_end(emr_session *session, const emr_request *request, const emr_sink *sink)
{
	EMR_AUTO_BUF note = {0};
	emr_ledger_absence absence;

	if (request->checkpoint)
		EMR_TRY(sign_head(session, &note));
	emr_ledger_look(session->ledger, &absence);
	return emr_emit(
		sink, json_pack("{s:b, s:b, s:o}", "done", 1, "reached", absence.status == EMR_OK,
			      "checkpoint",
			      request->checkpoint ? json_stringn((const char *)note.data, note.len)
						  : json_null()));
}

/* The newest lines, of all or of OBJECT, as many as are asked for; they may be a million. */
static emr_status emit_entries(emr_replica *replica, const emr_request *request,
	const emr_id16 *object, const emr_sink *sink)
{
	EMR_ASK(asked, replica, RECENT);
	size_t left = request->limit > 0 ? request->limit : request->checkpoint ? 0 : LIMIT_DEFAULT;
	json_auto_t *list = json_array();
	emr_replica_listing line;

	while (left > 0 && emr_next(&asked, &line)) {
		if (object != NULL && !emr_id16_equal(*object, line.object))
			continue;
		EMR_TRY(add_entry(&line, list));
		if (--left % PORTION != 0)
			continue;
		EMR_TRY(emr_emit_list("entries", list, sink));
		json_array_clear(list);
	}
	return asked.status == EMR_OK ? emr_emit_list("entries", list, sink) : asked.status;
}

emr_status emr_answer_ledger(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	emr_id16 object = {{0}};
	bool has_object = request->has_path, is_published;
	emr_status status;

	if (has_object && emr_path_is_shared(request->path))
		return emr_shared_refuse(
			request->path, EMR_SAY_NOT_YOURS, _("ledger PATH"), out_problem);
	if (has_object)
		EMR_TRY(emr_answer_find(
			session, request->path, &object, &is_published, out_problem));
	status = emit_entries(session->replica, request, has_object ? &object : NULL, sink);
	if (status == EMR_OK)
		status = emit_end(session, request, sink);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("The ledger"));
	return status;
}
