/* The points and the credit of the person are counted here for `emrfs wallet`, from the local copy
 * of the ledger. It moves none of them. */
#include "mount/points.h"

#include <string.h>

#include "contract/codes.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "people/who.h"
#include "replica/ask.h"

emr_status emr_account(const emr_session *session, emr_id32 *out_account)
{
	emr_public public;

	EMR_TRY(emr_keyring_public(session->keyring, &public));
	return emr_replica_account(session->replica, public.signer_id, out_account);
}

static emr_status append(json_t *list, json_t *one)
{
	return json_array_append_new(list, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status name_of(emr_crowd *crowd, emr_id32 account, char out[EMR_WHO_TEXT_BYTES])
{
	emr_who who;

	if (emr_who_of(crowd, account, &who) != EMR_OK)
		return EMR_IO;
	emr_who_text(&who, out, EMR_WHO_TEXT_BYTES);
	return EMR_OK;
}

/* ---- movements ---- */

static emr_status add_movement(emr_crowd *crowd, const emr_movement *m, json_t *list)
{
	static const char *const whys[] = {[EMR_MOVEMENT_MADE] = "made",
		[EMR_MOVEMENT_RECEIVED] = "received",
		[EMR_MOVEMENT_SENT] = "sent",
		[EMR_MOVEMENT_JOINED] = "joined",
		[EMR_MOVEMENT_FUNDED] = "funded",
		[EMR_MOVEMENT_REFUNDED] = "refunded"};
	char at[EMR_TEXT_BYTES], tx[65], dataset[33] = "", who[EMR_WHO_TEXT_BYTES] = "";
	bool has_other = m->kind == EMR_MOVEMENT_RECEIVED || m->kind == EMR_MOVEMENT_SENT;
	bool has_dataset = !has_other && m->kind != EMR_MOVEMENT_MADE;

	if (m->points > INT64_MAX)
		return EMR_LIMIT;
	if (has_other)
		EMR_TRY(name_of(crowd, m->other, who));
	emr_hex(m->dataset.b, sizeof m->dataset.b, dataset);
	emr_hex(m->batch_id.b, sizeof m->batch_id.b, tx);
	emr_time_json((int64_t)m->at_unix_s, at);
	return append(list, json_pack("{s:s, s:I, s:s, s:s, s:o, s:o}", "at", at, "amount",
				    m->is_out ? -(json_int_t)m->points : (json_int_t)m->points,
				    "why", whys[m->kind], "tx", tx, "who",
				    has_other ? emr_json_text(who) : json_null(), "for_dataset",
				    has_dataset ? json_string(dataset) : json_null()));
}

/* ---- credit ---- */

typedef struct credit {
	emr_id32 account;
	json_int_t patient, agent, hospital;
	char who[EMR_WHO_TEXT_BYTES]; /* of an agent or a hospital */
} credit;

/* credit, ... appended, one for each account. */
static emr_status count_credits(emr_replica *replica, emr_buf *out)
{
	credit *last = NULL;
	emr_merit merit;
	EMR_ASK(merits, replica, MERITS);

	while (emr_next(&merits, &merit)) {
		if (last == NULL || !emr_id32_equal(last->account, merit.account)) {
			EMR_TRY(emr_buf_append_zeros(out, sizeof *last));
			last = (credit *)(void *)(out->data + out->len - sizeof *last);
			last->account = merit.account;
		}
		*(merit.op == EMR_OP_ACCESS_SERVED ? &last->agent
			: merit.op == EMR_OP_PUT   ? &last->hospital
						   : &last->patient) += merit.count;
	}
	return merits.status;
}

static int by_credit(const void *a, const void *b)
{
	const credit *x = a, *y = b;
	json_int_t more = x->agent + x->hospital, less = y->agent + y->hospital;

	return more != less ? (more > less ? -1 : 1) : strcmp(x->who, y->who);
}

/* Most first; those who have the same by name, so that everybody gets the same list.  Nobody's list
 * says how much a patient shares. */
static emr_status rank(emr_crowd *crowd, emr_buf *credits, json_t *list)
{
	EMR_EACH (credit, one, credits)
		if (one->agent + one->hospital > 0)
			EMR_TRY(name_of(crowd, one->account, one->who));
	emr_buf_sort(credits, sizeof(credit), by_credit);
	EMR_EACH (const credit, one, credits)
		if (one->agent + one->hospital > 0)
			EMR_TRY(append(
				list, json_pack("{s:o, s:I, s:I, s:I}", "who",
					      emr_json_text(one->who), "patient", one->patient,
					      "agent", one->agent, "hospital", one->hospital)));
	return EMR_OK;
}

/* ---- the answer ---- */

static emr_status answer(emr_session *session, const emr_sink *sink)
{
	json_auto_t *entries = json_array(), *ranking = json_array();
	EMR_AUTO_BUF credits = {0}, movements = {0};
	EMR_AUTO_CROWD crowd = {0};
	credit own = {.agent = 0};
	uint64_t points;
	char text[65];
	emr_id32 account;

	/* The copy as it is: whoever has it open follows the ledger all the time. */
	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_account(session, &account));
	EMR_TRY(emr_replica_points(session->replica, account, &points));
	EMR_TRY(count_credits(session->replica, &credits));
	EMR_TRY(rank(&crowd, &credits, ranking));
	EMR_EACH (const credit, one, &credits)
		if (emr_id32_equal(one->account, account))
			own = *one;
	EMR_TRY(emr_replica_movements(session->replica, account, &movements));
	EMR_EACH (const emr_movement, one, &movements)
		EMR_TRY(add_movement(&crowd, one, entries));
	if (points > INT64_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_emit_list("entries", entries, sink));
	EMR_TRY(emr_emit_list("ranking", ranking, sink));
	emr_hex(account.b, sizeof account.b, text);
	return emr_emit(sink, json_pack("{s:b, s:s, s:I, s:I, s:{s:I, s:I, s:I}}", "done", 1,
				      "account", text, "points", (json_int_t)points, "credit",
				      own.patient + own.agent + own.hospital, "counted", "patient",
				      own.patient, "agent", own.agent, "hospital", own.hospital));
}

emr_status emr_answer_wallet(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	emr_status status = answer(session, sink);

	(void)request;
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, _("The wallet"));
	return status;
}
