/* This part of the office's thread looks at requests: it tells once what came, tells the asker
 * what was answered, and makes the open ones the files of .emrfs/requests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "kit/purposes.h"
#include "share/write.h"
#include "sharing/office.h"
#include "sharing/office_looks.h"
#include "sharing/requests.h"
#include "sharing/sharing.h"

#define SHORT_BYTES 200
#define SOON_NS INT64_C(1000000000)

typedef struct told {
	emr_buf requests; /* emr_id16, ...: told of since the folder was opened */
	emr_buf consents; /* files that were looked at */
	uint64_t mark;	  /* of what is known here alone */
	bool has_looked;
} told;

void emr_look_requests_end(void *memory)
{
	told *t = memory;

	if (t == NULL)
		return;
	emr_buf_free(&t->consents);
	emr_buf_free(&t->requests);
	free(t);
}

/* ---- notices ---- */

static void tell_request(emr_visit *visit, const emr_share_row *row, emr_message message)
{
	bool is_question = message == EMR_SAY_ASKED || message == EMR_SAY_CONSENT_ASKS;
	char who[900], asker[EMR_WHO_TEXT_BYTES], what[SHORT_BYTES + 120],
		bits[EMR_PURPOSES_TEXT_BYTES], purposes[2 * EMR_PURPOSES_TEXT_BYTES],
		reason[SHORT_BYTES], because[SHORT_BYTES + 8];
	emr_problem problem = {0};

	emr_share_who_text(row, who, sizeof who);
	emr_who_text(&row->asker, asker, sizeof asker);
	emr_share_path_text(row, what, SHORT_BYTES);
	snprintf(what + strlen(what), sizeof what - strlen(what), "%s",
		row->rights == EMR_RIGHTS_DEPOSIT	  ? _(", to leave files there")
		: emr_rights_of_writing(row->rights) != 0 ? _(", to read and change")
							  : "");
	emr_purposes_text(row->purposes, bits);
	emr_text_words(bits, purposes, sizeof purposes);
	emr_quoted_text(row->words, reason, sizeof reason);
	snprintf(because, sizeof because, "%s%s%s", reason[0] != '\0' ? ": \"" : ".", reason,
		reason[0] != '\0' ? "\"" : "");
	emr_problem_set(&problem, message, "who", who, "what", what, "purpose", purposes, "because",
		because, "id", is_question ? row->whole : row->id, "path",
		emr_id32_is_zero(row->guardian) ? emr_share_file(row) : asker, NULL);
	if (is_question)
		emr_notices_add_request(visit->notices, &problem, emr_share_file(row),
			row->order.request, row->whole);
	else
		emr_notices_add_problem(visit->notices, &problem, emr_share_file(row));
}

static emr_status tell_received(emr_visit *visit, told *t, const emr_share_row *row)
{
	if (!emr_share_waits(row) || emr_told_has(&t->requests, row->order.request))
		return EMR_OK;
	tell_request(visit, row,
		emr_share_file(row)[0] != '\0' || !emr_id32_is_zero(row->guardian)
			? EMR_SAY_CONSENT_ASKS
			: EMR_SAY_ASKED);
	return emr_buf_append(&t->requests, &row->order.request, sizeof row->order.request);
}

/* Told once, also over many mounts: the list of what was asked remembers it. A request that was
 * answered by the right itself stands open on the ledger: the asker's computer takes it back, after
 * the asker was told. */
static emr_status tell_sent(emr_visit *visit, const emr_share_row *row)
{
	bool is_yes = row->state == EMR_SHARE_APPROVED;
	emr_share_request_state state =
		is_yes ? EMR_SHARE_REQUEST_APPROVED : EMR_SHARE_REQUEST_DENIED;
	emr_status status = EMR_OK;

	if (row->rights == 0 || emr_share_waits(row))
		return EMR_OK;
	if (row->order.told != state) {
		tell_request(visit, row, is_yes ? EMR_SAY_SAID_YES : EMR_SAY_SAID_NO);
		status = emr_sharing_told(visit->session->sharing, row->order.request, state);
	}
	if (status == EMR_OK && is_yes && row->rights == EMR_RIGHTS_DEPOSIT)
		status = emr_share_request_withdraw(visit->share, row->order.request);
	return status == EMR_CONFLICT || status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- the look ---- */

static bool is_of_requests(const emr_replica_change *change)
{
	return (change->op >= EMR_OP_REQUEST && change->op <= EMR_OP_WITHDRAW) ||
	       change->op == EMR_OP_WRITER_ADD;
}

/* Wherever they were answered, or taken back: no notice asks for them any more. */
static emr_status take_away_answered(emr_visit *visit, const emr_share_rows *rows)
{
	EMR_AUTO_FREE emr_id16 *open = calloc(rows->n + 1, sizeof *open);
	size_t n = 0;

	if (open == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < rows->n; i++)
		if (emr_share_is_to_me(&rows->list[i]) && emr_share_waits(&rows->list[i]))
			open[n++] = rows->list[i].order.request;
	emr_notices_answered(visit->notices, open, n);
	return EMR_OK;
}

static emr_status look_at_requests(emr_visit *visit, told *t)
{
	EMR_AUTO_SHARES rows = {0};

	EMR_TRY(emr_requests_show(visit->session, visit->share, &rows));
	EMR_TRY(take_away_answered(visit, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const emr_share_row *row = &rows.list[i];
		bool is_answered = false;

		EMR_TRY(emr_guardian_answer(visit, row, &is_answered));
		if (!is_answered)
			EMR_TRY(emr_share_is_to_me(row) ? tell_received(visit, t, row)
							: tell_sent(visit, row));
	}
	return EMR_OK;
}

/* *OUT_MARK changes with the rows of which the ledger says nothing.  While a yes is on its way
 * they are looked at again: it is written there after the ledger has grown. */
static emr_status look_at_rows(emr_visit *visit, uint64_t *out_mark)
{
	int64_t soon = emr_clock_boot_ns(emr_clock_system()) + SOON_NS;
	EMR_AUTO_ORDERS orders = {0};

	EMR_TRY(emr_sharing_orders(visit->session->sharing, &orders));
	for (size_t i = 0; i < orders.n; i++) {
		const emr_order *o = &orders.list[i];
		uint64_t part;

		memcpy(&part, o->request.b, sizeof part);
		if (o->kind == EMR_ORDER_WAITS)
			*out_mark ^= part * (o->told + 1u);
		else if (o->kind == EMR_ORDER_GRANT && !o->has_failed && part != 0 &&
			 soon < visit->due_boot_ns)
			visit->due_boot_ns = soon;
	}
	return EMR_OK;
}

emr_status emr_look_requests(emr_visit *visit)
{
	bool sees = true;
	uint64_t mark = 0;
	told *t;

	if (visit->memory == NULL)
		visit->memory = calloc(1, sizeof(told));
	t = visit->memory;
	if (t == NULL)
		return EMR_NO_MEMORY;
	if (visit->session->sharing == NULL)
		return EMR_OK;
	if (emr_sharing_forget_over(visit->session->sharing) != EMR_OK ||
		emr_consents_take(visit, &t->consents) != EMR_OK ||
		look_at_rows(visit, &mark) != EMR_OK)
		emr_log(EMR_LOG_WARN, "office: the Consents in the folder were not looked at");
	if (t->has_looked && mark == t->mark)
		EMR_TRY(emr_visit_sees(visit, is_of_requests, &sees));
	if (!sees)
		return EMR_OK;
	EMR_TRY(look_at_requests(visit, t));
	t->has_looked = true;
	t->mark = mark;
	return EMR_OK;
}
