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
#include "sharing/request_list.h"
#include "sharing/requests.h"
#include "sharing/sharing.h"

#define SHORT_BYTES 200
#define SOON_NS INT64_C(1000000000)

/* Requests that their person was told of since the folder was opened. */
typedef struct told {
	emr_id16 *requests; /* owned */
	size_t n;
	emr_consents_seen consents;
	uint64_t mark; /* of what is known here alone */
	bool has_looked;
} told;

void emr_look_requests_end(void *memory)
{
	told *t = memory;

	if (t == NULL)
		return;
	emr_buf_free(&t->consents.files);
	free(t->requests);
	free(t);
}

static bool was_told(const told *t, emr_id16 request)
{
	for (size_t i = 0; i < t->n; i++) {
		if (emr_id16_equal(t->requests[i], request))
			return true;
	}
	return false;
}

static emr_status note_told(told *t, emr_id16 request)
{
	emr_id16 *grown = realloc(t->requests, (t->n + 1) * sizeof *grown);

	if (grown == NULL)
		return EMR_NO_MEMORY;
	t->requests = grown;
	t->requests[t->n++] = request;
	return EMR_OK;
}

/* ---- notices ---- */

static void tell_request(emr_visit *visit, const emr_listed_request *listed, emr_message message)
{
	bool is_question = message == EMR_SAY_ASKED || message == EMR_SAY_CONSENT_ASKS;
	char who[900], what[SHORT_BYTES + 120], bits[EMR_PURPOSES_TEXT_BYTES],
		purposes[2 * EMR_PURPOSES_TEXT_BYTES], reason[SHORT_BYTES],
		because[SHORT_BYTES + 8];
	emr_problem problem = {0};

	emr_listed_request_who_text(listed, who, sizeof who);
	emr_listed_request_path_text(listed, what, SHORT_BYTES);
	snprintf(what + strlen(what), sizeof what - strlen(what), "%s",
		emr_listed_request_besides(listed));
	emr_purposes_text(listed->purposes, bits);
	emr_text_words(bits, purposes, sizeof purposes);
	emr_listed_request_reason_text(
		listed->is_to_me ? listed->reason : listed->answer, reason, sizeof reason);
	snprintf(because, sizeof because, "%s%s%s", reason[0] != '\0' ? ": \"" : ".", reason,
		reason[0] != '\0' ? "\"" : "");
	emr_problem_set(&problem, message, "who", who, "what", what, "purpose", purposes, "because",
		because, "id", is_question ? listed->whole : listed->id, "path", listed->file,
		NULL);
	if (is_question)
		emr_notices_add_request(
			visit->notices, &problem, listed->file, listed->request, listed->whole);
	else
		emr_notices_add_problem(visit->notices, &problem, listed->file);
}

static emr_status tell_received(emr_visit *visit, told *t, const emr_listed_request *listed)
{
	if (listed->state != EMR_SHARE_REQUEST_OPEN || was_told(t, listed->request))
		return EMR_OK;
	tell_request(visit, listed, listed->file[0] != '\0' ? EMR_SAY_CONSENT_ASKS : EMR_SAY_ASKED);
	return note_told(t, listed->request);
}

/* A request that was answered by the right itself stands open on the ledger: the asker's computer
 * takes it back, after the asker was told. */
static emr_status close_answered(emr_visit *visit, const emr_listed_request *listed)
{
	const emr_session *session = visit->session;
	emr_status status = EMR_OK;

	if (listed->told != EMR_SHARE_REQUEST_APPROVED) {
		tell_request(visit, listed, EMR_SAY_SAID_YES);
		status = emr_sharing_told(
			session->sharing, listed->request, EMR_SHARE_REQUEST_APPROVED);
	}
	if (status == EMR_OK)
		status = emr_share_request_withdraw(visit->share, listed->request);
	return status == EMR_CONFLICT || status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Told once, also over many mounts: the list of what was asked remembers it. */
static emr_status tell_sent(emr_visit *visit, const emr_listed_request *listed)
{
	if (listed->is_readable && listed->rights == EMR_RIGHTS_DEPOSIT &&
		listed->state == EMR_SHARE_REQUEST_APPROVED)
		return close_answered(visit, listed);
	if (!listed->is_readable || (uint8_t)listed->state == listed->told)
		return EMR_OK;
	if (listed->state == EMR_SHARE_REQUEST_APPROVED)
		tell_request(visit, listed, EMR_SAY_SAID_YES);
	else if (listed->state == EMR_SHARE_REQUEST_DENIED)
		tell_request(visit, listed, EMR_SAY_SAID_NO);
	else
		return EMR_OK;
	return emr_sharing_told(visit->session->sharing, listed->request, listed->state);
}

/* ---- .emrfs/requests ---- */

static emr_status show_files(const emr_session *session, const emr_request_list *requests)
{
	typedef char file_name[EMR_LISTED_ID_BYTES + 8];
	file_name *names = calloc(requests->n + 1, sizeof *names);
	const char **list = calloc(requests->n + 1, sizeof *list);
	size_t n = 0;
	emr_status status = names != NULL && list != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; i < requests->n && status == EMR_OK; i++) {
		if (!requests->list[i].is_to_me ||
			requests->list[i].state != EMR_SHARE_REQUEST_OPEN)
			continue;
		snprintf(names[n], sizeof names[n], "%s.txt", requests->list[i].whole);
		list[n] = names[n];
		n++;
	}
	if (status == EMR_OK)
		status = emr_view_set_requests(session->view, list, n);
	free(list);
	free(names);
	return status;
}

emr_status emr_requests_show(emr_session *session, emr_share *share, emr_request_list *out_requests)
{
	EMR_AUTO_REQUEST_LIST requests = {0};

	EMR_TRY(emr_request_list_collect(session, share, &requests));
	EMR_TRY(show_files(session, &requests));
	atomic_store(&session->waiting_requests, (unsigned)requests.waiting);
	if (out_requests != NULL) {
		*out_requests = requests;
		requests = (emr_request_list){0};
	}
	return EMR_OK;
}

/* ---- the look ---- */

static bool is_of_requests(const emr_replica_change *change)
{
	return (change->op >= EMR_OP_REQUEST && change->op <= EMR_OP_WITHDRAW) ||
	       change->op == EMR_OP_WRITER_ADD;
}

/* Wherever they were answered, or taken back: no notice asks for them any more. */
static emr_status take_away_answered(emr_visit *visit, const emr_request_list *requests)
{
	EMR_AUTO_FREE emr_id16 *open = calloc(requests->n + 1, sizeof *open);
	size_t n = 0;

	if (open == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < requests->n; i++) {
		if (requests->list[i].is_to_me && requests->list[i].state == EMR_SHARE_REQUEST_OPEN)
			open[n++] = requests->list[i].request;
	}
	emr_notices_answered(visit->notices, open, n);
	return EMR_OK;
}

static emr_status look_at_requests(emr_visit *visit, told *t)
{
	EMR_AUTO_REQUEST_LIST requests = {0};

	EMR_TRY(emr_requests_show(visit->session, visit->share, &requests));
	EMR_TRY(take_away_answered(visit, &requests));
	for (size_t i = 0; i < requests.n; i++)
		EMR_TRY(requests.list[i].is_to_me ? tell_received(visit, t, &requests.list[i])
						  : tell_sent(visit, &requests.list[i]));
	return EMR_OK;
}

/* *OUT_MARK changes with the rows of which the ledger says nothing.  While a yes is on its way
 * they are looked at again: it is written there after the ledger has grown. */
static emr_status look_at_rows(emr_visit *visit, uint64_t *out_mark)
{
	int64_t soon = emr_clock_boot_ns(emr_clock_system()) + SOON_NS;
	EMR_AUTO_ORDERS orders = {0};

	EMR_TRY(emr_orders_load(visit->session->keyring, visit->session->state_fd, &orders));
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
