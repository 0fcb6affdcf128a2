/* The points and the credit of the person are counted here for `emrfs wallet`, from the local copy
 * of the ledger. It moves none of them. */
#include "mount/points.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "people/who.h"
#include "replica/people.h"
#include "replica/ask.h"

emr_status emr_account(const emr_session *session, emr_id32 *out_account)
{
	emr_public public;

	EMR_TRY(emr_keyring_public(session->keyring, &public));
	return emr_replica_account(session->replica, public.signer_id, out_account);
}

/* ---- counting ---- */

typedef struct counting {
	emr_session *session;
	emr_crowd crowd;
	emr_id32 account;
	uint64_t points;
	emr_credit own;
	json_t *entries, *ranking;
} counting;

static void counting_end(counting *c)
{
	emr_crowd_close(&c->crowd);
	json_decref(c->entries);
	json_decref(c->ranking);
}

static emr_status append(json_t *list, json_t *one)
{
	return json_array_append_new(list, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status name_of(counting *c, emr_id32 account, char *out, size_t size)
{
	emr_who who;

	EMR_TRY(emr_who_of(&c->crowd, account, &who));
	emr_who_text(&who, out, size);
	return EMR_OK;
}

static const char *const whys[] = {[EMR_MOVEMENT_MADE] = "made",
	[EMR_MOVEMENT_RECEIVED] = "received",
	[EMR_MOVEMENT_SENT] = "sent",
	[EMR_MOVEMENT_JOINED] = "joined",
	[EMR_MOVEMENT_FUNDED] = "funded",
	[EMR_MOVEMENT_REFUNDED] = "refunded"};

static emr_status note_movement(counting *c, const emr_movement *m)
{
	char at[EMR_TEXT_BYTES], tx[65], dataset[33] = "", who[EMR_WHO_TEXT_BYTES] = "";
	bool has_other = m->kind == EMR_MOVEMENT_RECEIVED || m->kind == EMR_MOVEMENT_SENT;
	bool has_dataset = !has_other && m->kind != EMR_MOVEMENT_MADE;

	if (m->points > INT64_MAX)
		return EMR_LIMIT;
	if (has_other && name_of(c, m->other, who, sizeof who) != EMR_OK)
		return EMR_IO;
	if (has_dataset)
		emr_hex(m->dataset.b, sizeof m->dataset.b, dataset);
	emr_hex(m->batch_id.b, sizeof m->batch_id.b, tx);
	emr_time_json((int64_t)m->at_unix_s, at);
	return append(
		c->entries, json_pack("{s:s, s:I, s:s, s:s, s:o, s:o}", "at", at, "amount",
				    m->is_out ? -(json_int_t)m->points : (json_int_t)m->points,
				    "why", whys[m->kind], "tx", tx, "who",
				    has_other ? emr_json_text(who) : json_null(), "for_dataset",
				    has_dataset ? json_string(dataset) : json_null()));
}

/* Of the ranking. */
typedef struct ranked {
	emr_credit credit;
	char who[EMR_WHO_TEXT_BYTES];
} ranked;

static int by_credit(const void *a, const void *b)
{
	const ranked *x = a, *y = b;
	uint64_t more = x->credit.agent + x->credit.hospital,
		 less = y->credit.agent + y->credit.hospital;

	return more != less ? (more > less ? -1 : 1) : strcmp(x->who, y->who);
}

/* Most first; those who have the same by name, so that everybody gets the same list.  Nobody's list
 * says how much a patient shares. */
static emr_status rank(counting *c, const emr_buf *credits)
{
	EMR_AUTO_BUF all = {0};
	ranked one;

	EMR_EACH (const emr_credit, credit, credits) {
		if (emr_id32_equal(c->account, credit->account))
			c->own = *credit;
		if (credit->agent + credit->hospital == 0)
			continue;
		one.credit = *credit;
		if (name_of(c, credit->account, one.who, sizeof one.who) != EMR_OK)
			return EMR_IO;
		EMR_TRY(emr_buf_append(&all, &one, sizeof one));
	}
	if (all.len > 0)
		qsort(all.data, all.len / sizeof one, sizeof one, by_credit);
	EMR_EACH (const ranked, row, &all)
		EMR_TRY(append(c->ranking,
			json_pack("{s:o, s:I, s:I, s:I}", "who", emr_json_text(row->who), "patient",
				(json_int_t)row->credit.patient, "agent",
				(json_int_t)row->credit.agent, "hospital",
				(json_int_t)row->credit.hospital)));
	return EMR_OK;
}

static emr_status count(counting *c)
{
	const emr_session *session = c->session;
	EMR_AUTO_BUF credits = {0};
	EMR_AUTO_BUF movements = {0};

	EMR_TRY(emr_account(session, &c->account));
	EMR_TRY(emr_replica_points(session->replica, c->account, &c->points));
	EMR_TRY(emr_replica_credits(session->replica, &credits));
	EMR_TRY(rank(c, &credits));
	EMR_TRY(emr_replica_movements(session->replica, c->account, &movements));
	EMR_EACH (const emr_movement, one, &movements)
		EMR_TRY(note_movement(c, one));
	return EMR_OK;
}

/* ---- the answer ---- */

static emr_status emit_all(const counting *c, const emr_sink *sink)
{
	const emr_credit *own = &c->own;
	char account[65];

	emr_hex(c->account.b, sizeof c->account.b, account);
	if (c->points > INT64_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_emit_list("entries", c->entries, sink));
	EMR_TRY(emr_emit_list("ranking", c->ranking, sink));
	return emr_emit(
		sink, json_pack("{s:b, s:s, s:I, s:I, s:{s:I, s:I, s:I}}", "done", 1, "account",
			      account, "points", (json_int_t)c->points, "credit",
			      (json_int_t)(own->patient + own->agent + own->hospital), "counted",
			      "patient", (json_int_t)own->patient, "agent", (json_int_t)own->agent,
			      "hospital", (json_int_t)own->hospital));
}

emr_status emr_answer_wallet(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	counting c = {.session = session, .entries = json_array(), .ranking = json_array()};
	/* The copy as it is: whoever has it open follows the ledger all the time. */
	emr_status status = emr_crowd_open(session, &c.crowd);

	(void)request;
	if (status == EMR_OK)
		status = count(&c);
	if (status == EMR_OK)
		status = emit_all(&c, sink);
	counting_end(&c);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The wallet"));
	return status;
}
