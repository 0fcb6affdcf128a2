/* This file says yes to a request: it shows what would be shared, orders the grant and, once the
 * grant is on the ledger, says there that it is the answer. It refuses a second answer to one
 * request: at the same moment, after the first, and from another computer, because the grant has
 * the id of the request and exists once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "share/give.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/office.h"
#include "sharing/requests.h"
#include "sharing/sharing.h"
#include "sharing/shown.h"

#define DEFAULT_S ((uint64_t)30 * 86400)

typedef struct approving {
	emr_session *session;
	const emr_request *request;
	emr_problem *problem;
	emr_listed_request listed;
	emr_who who; /* as `share` would find and call him */
	char path[EMR_ASK_PATH_MAX + 1], label[EMR_ORDER_TEXT_MAX + 1];
	emr_id16 domain;
	uint64_t until;
} approving;

/* The asker's words, as a path of this folder. */
static emr_status find_place(approving *a)
{
	emr_attr attr;
	emr_status status = emr_path_clean(a->listed.path, a->path, sizeof a->path);

	if (status == EMR_OK && a->path[0] == '\0')
		status = EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = emr_view_find(a->session->view, a->path, &attr);
	if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY)
		return EMR_PROBLEM(EMR_NOT_FOUND, a->problem, EMR_SAY_NOT_HERE, "path",
			a->listed.path[0] != '\0' ? a->listed.path : _("(no folder named)"), "who",
			a->listed.who.called, "id", a->listed.id, NULL);
	return status == EMR_OK
		       ? emr_sharing_place(a->session, a->path, &a->domain, a->label, a->problem)
		       : status;
}

/* `share` is told a name: it must mean him, and nobody else. */
static emr_status check_name(approving *a)
{
	EMR_AUTO_CROWD crowd = {0};

	EMR_TRY(emr_crowd_open(a->session, &crowd));
	EMR_TRY(emr_who_find_or_say(&crowd, a->listed.who.called, &a->who, a->problem));
	return emr_id32_equal(a->who.id, a->listed.who.id) ? EMR_OK : EMR_CONFLICT;
}

static emr_status find_request(approving *a)
{
	EMR_TRY(emr_requests_may_act(a->session, a->problem));
	EMR_TRY(emr_requests_find(a->session, a->request, &a->listed, a->problem));
	if (!a->listed.is_to_me)
		return EMR_PROBLEM(
			EMR_DENIED, a->problem, EMR_SAY_YOUR_OWN_REQUEST, "id", a->listed.id, NULL);
	if (a->listed.state != EMR_SHARE_REQUEST_OPEN)
		return EMR_CONFLICT;
	if (a->listed.file[0] != '\0' && a->listed.is_over)
		EMR_TRY(emr_consents_refuse(a->listed.file, N_("its period is over"), a->problem));
	EMR_TRY(find_place(a));
	EMR_TRY(emr_sharing_may_have(&a->listed.who, a->problem));
	EMR_TRY(check_name(a));
	a->until =
		a->request->until_unix_s != 0 ? a->request->until_unix_s : a->listed.until_unix_s;
	if (a->listed.is_over && a->request->until_unix_s == 0)
		a->until = emr_clock_unix_s(emr_clock_system()) + DEFAULT_S;
	a->until = a->until < EMR_FOREVER_UNIX_S ? a->until : EMR_FOREVER_UNIX_S;
	/* The grant follows the Consent, which is its evidence. */
	if (a->listed.file[0] != '\0' && a->until > a->listed.until_unix_s)
		a->until = a->listed.until_unix_s;
	return EMR_OK;
}

static emr_status note_yes(const approving *a)
{
	emr_asked_for row = {.kind = EMR_ASKED_SAID_YES,
		.request = a->listed.request,
		.owner = a->listed.who.root,
		.domain = a->domain,
		.asked_at = emr_clock_unix_s(emr_clock_system()),
		.until_unix_s = a->until,
		.purposes = a->listed.purposes,
		.rights = a->listed.rights};

	if (a->listed.file[0] != '\0') { /* stays, with the end that is its own */
		row.kind = EMR_ASKED_CONSENT;
		row.owner = a->listed.who.id;
		row.asked_at = a->listed.asked_at;
		row.until_unix_s = a->listed.until_unix_s;
		row.told = EMR_SHARE_REQUEST_OPEN;
		memcpy(row.path, a->listed.path, sizeof row.path);
		memcpy(row.reason, a->listed.file, sizeof row.reason);
	}
	return emr_asked_add(a->session->keyring, a->session->state_fd, &row);
}

/* The question shows what `share` would with the same terms. */
static emr_status check_shown(approving *a, const emr_order *order)
{
	char text[EMR_WHO_TEXT_BYTES], shown[EMR_SHOWN_CHARS];

	emr_who_text(&a->who, text, sizeof text);
	emr_shown_share(order, a->path, text, shown);
	return emr_shown_check(a->request, shown, a->problem);
}

static emr_status order_it(approving *a, uint64_t *out_number)
{
	emr_order order = {.kind = EMR_ORDER_GRANT,
		.domain = a->domain,
		.grantee = a->listed.who.id,
		.root = a->listed.who.root,
		.asked_unix_s = emr_clock_unix_s(emr_clock_system()),
		.rights = emr_sharing_by_rule(a->session, a->listed.rights),
		.purposes = a->listed.rights == EMR_RIGHTS_DEPOSIT ? 0 : a->listed.purposes,
		.until_unix_s = a->until,
		.request = a->listed.request};
	emr_status status =
		emr_sharing_may_do(a->session, a->path, &a->listed.who, order.rights, a->problem);

	if (status == EMR_OK && (a->session->sharing == NULL || a->session->read_only))
		status = EMR_READ_ONLY;
	if (status == EMR_OK)
		status = check_shown(a, &order);
	if (status == EMR_OK)
		status = emr_view_make_domain(a->session->view, a->path, &order.domain);
	if (status != EMR_OK)
		return status;
	memcpy(order.label, a->label, sizeof order.label);
	snprintf(order.who, sizeof order.who, "%s", a->listed.who.called);
	return emr_sharing_give(a->session->sharing, &order, out_number);
}

/* The order first: what was ordered twice is one grant, what was only noted is none. */
static emr_status say_yes(approving *a, uint64_t *out_number)
{
	emr_status status;

	emr_requests_lock();
	status = emr_requests_check_open(a->session, a->listed.request);
	if (status == EMR_OK)
		status = order_it(a, out_number);
	if (status == EMR_OK)
		status = note_yes(a);
	emr_requests_unlock();
	return status;
}

/* WHOLE is what the yes names then: the beginning of an id that somebody typed may be another's
 * request by the time that he has read what this one asks for. */
static json_t *say_terms(const approving *a)
{
	return json_pack("{s:b, s:s, s:s, s:s, s:o, s:o, s:I, s:I}", "done", 1, "id", a->listed.id,
		"whole", a->listed.whole, "rights", emr_rights_word(a->listed.rights), "path",
		emr_json_text(a->path), "who", emr_json_text(a->listed.who.called), "purposes",
		(json_int_t)a->listed.purposes, "until_unix", (json_int_t)a->until);
}

emr_status emr_answer_approve(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem)
{
	EMR_AUTO_FREE approving *a = calloc(1, sizeof *a);
	uint64_t number = 0;
	emr_status status;

	if (a == NULL)
		return EMR_NO_MEMORY;
	*a = (approving){.session = session, .request = request, .problem = out_problem};
	status = find_request(a);
	if (status == EMR_OK && !request->look)
		status = say_yes(a, &number);
	if (status == EMR_OK)
		return emr_emit(emit, arg,
			request->look ? say_terms(a)
				      : json_pack("{s:b, s:s, s:I, s:b}", "done", 1, "id",
						a->listed.id, "order", (json_int_t)number,
						"reached", emr_sharing_reaches_ledger(session)));
	if (!out_problem->is_set)
		emr_requests_say(session, status, request, out_problem);
	return status;
}

/* ---- one answer to one request ---- */

static pthread_mutex_t answering = PTHREAD_MUTEX_INITIALIZER;

void emr_requests_lock(void)
{
	pthread_mutex_lock(&answering);
}

void emr_requests_unlock(void)
{
	pthread_mutex_unlock(&answering);
}

/* An order that failed has answered nothing. */
static emr_status find_order(
	const emr_session *session, emr_id16 request, bool *out_waits, bool *out_failed)
{
	EMR_AUTO_ORDERS orders = {0};
	emr_status status =
		session->sharing != NULL ? emr_sharing_orders(session->sharing, &orders) : EMR_OK;

	for (size_t i = 0; i < orders.n && status == EMR_OK; i++) {
		const emr_order *o = &orders.list[i];

		if (!emr_id16_equal(o->request, request))
			continue;
		*out_failed = *out_failed || o->has_failed;
		*out_waits = *out_waits || !o->has_failed;
	}
	return status;
}

/* Of its own domain alone: where it was said yes to, the row knows.  Somebody else's grant of that
 * name, which another who manages the folder can make, answers nobody. */
static emr_status is_granted(const emr_session *session, const emr_asked_for *row, bool *out_is)
{
	emr_asked_for yes = *row;
	emr_known_person person;
	emr_known_grant grant;
	emr_status status = emr_replica_grant(session->replica, row->domain, row->request, &grant);

	if (status == EMR_OK && row->kind == EMR_ASKED_CONSENT) { /* it has his present key */
		status = emr_replica_person(session->replica, row->owner, &person);
		if (status == EMR_OK)
			memcpy(yes.owner.b, person.row.root, sizeof yes.owner.b);
	}
	*out_is =
		status == EMR_OK && emr_asked_compare(&yes, &grant.row) != EMR_ASKED_GRANT_ANOTHERS;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status check_ledger(const emr_session *session, emr_id16 request)
{
	EMR_AUTO_FREE emr_share_request *asked = malloc(sizeof *asked);
	EMR_AUTO_SHARE share = NULL;

	EMR_TRY(asked != NULL ? emr_requests_share(session, &share) : EMR_NO_MEMORY);
	EMR_TRY(emr_share_request_get(share, request, asked));
	return asked->state == EMR_SHARE_REQUEST_OPEN ? EMR_OK : EMR_CONFLICT;
}

/* A Consent is on the ledger as a file, not as a request: what answers it is known here, and is the
 * grant that is called after it. */
static emr_status check_consent(const emr_session *session, const emr_asked_for *row)
{
	bool stands = false;

	if (row->told != EMR_SHARE_REQUEST_OPEN)
		return EMR_CONFLICT;
	if (!emr_id16_is_zero(row->domain))
		EMR_TRY(is_granted(session, row, &stands));
	return stands ? EMR_CONFLICT : EMR_OK;
}

/* In this order: an order that waits no more stands on the ledger, and a row that is not there any
 * more was answered there. */
emr_status emr_requests_check_open(const emr_session *session, emr_id16 request)
{
	EMR_AUTO_ASKED list = {0};
	const emr_asked_for *row;
	bool waits = false, has_failed = false, stands = false;

	EMR_TRY(find_order(session, request, &waits, &has_failed));
	EMR_TRY(emr_asked_load(session->keyring, session->state_fd, &list));
	if (waits)
		return EMR_CONFLICT;
	row = emr_asked_find(&list, request);
	if (row != NULL && row->kind == EMR_ASKED_CONSENT)
		return check_consent(session, row);
	EMR_TRY(check_ledger(session, request));
	if (row == NULL || row->kind != EMR_ASKED_SAID_YES)
		return EMR_OK;
	if (row->rights == EMR_RIGHTS_DEPOSIT)
		stands = !has_failed;
	else
		EMR_TRY(is_granted(session, row, &stands));
	return stands ? EMR_CONFLICT : EMR_OK;
}

/* ---- when the grant stands there ---- */

typedef struct waiting {
	const emr_asked_for *row;
	uint64_t now;
	bool is_there;
} waiting;

static emr_status is_right(void *arg, const emr_given *given)
{
	waiting *w = arg;

	w->is_there = w->is_there ||
		      (memcmp(given->grant.row.grantee, w->row->owner.b, 32) == 0 &&
			      given->phase == EMR_GRANT_IN_FORCE && emr_given_is_deposit(given));
	return EMR_OK;
}

/* The asker takes the request back after seeing the right. */
static bool is_closed(emr_share *share, emr_id16 request)
{
	EMR_AUTO_FREE emr_share_request *asked = malloc(sizeof *asked);

	return asked != NULL && emr_share_request_get(share, request, asked) == EMR_OK &&
	       asked->state != EMR_SHARE_REQUEST_OPEN;
}

/* APPROVE names a grant, and a right to leave things comes without one: that it is there is the
 * answer, and here is noted that nobody waits for another.  The row goes when the request would be
 * over in any case. */
static emr_status finish_deposit(
	const emr_session *session, emr_share *share, const emr_asked_for *row)
{
	waiting w = {.row = row, .now = emr_clock_unix_s(emr_clock_system())};
	emr_status status = EMR_OK;

	if (row->asked_at + EMR_SHARE_REQUEST_OPEN_S <= w.now || is_closed(share, row->request))
		return emr_asked_drop(session->keyring, session->state_fd, row->request);
	if (row->told != EMR_SHARE_REQUEST_APPROVED)
		status = emr_share_given(share, row->domain, is_right, &w);
	if (status == EMR_OK && w.is_there)
		status = emr_asked_told(session->keyring, session->state_fd, row->request,
			EMR_SHARE_REQUEST_APPROVED);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* not on the ledger yet */
}

/* The request was answered by another computer meanwhile, with no or with another folder, or taken
 * back by who asked: one request has one answer, so this one goes.  Only what was ordered here: a
 * grant on other terms is not this computer's to end. */
static emr_status undo(const emr_session *session, emr_share *share, const emr_asked_for *row)
{
	emr_status status = emr_share_revoke(share, row->domain, row->request);

	emr_view_tie(session->view); /* and what lies inside */
	emr_log(EMR_LOG_INFO, "a share that no request waits for any more was ended: %s",
		emr_status_text(status));
	return status == EMR_DENIED || status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status finish_one(const emr_session *session, emr_share *share, const emr_asked_for *row)
{
	emr_asked_grant is = EMR_ASKED_GRANT_ANOTHERS;
	emr_grant_phase phase = EMR_GRANT_IS_OVER;
	emr_known_grant grant;
	emr_status status;
	uint64_t now;

	if (row->rights == EMR_RIGHTS_DEPOSIT)
		return finish_deposit(session, share, row);
	status = emr_replica_grant(session->replica, row->domain, row->request, &grant);
	/* Afterwards: one that was given this second has begun. */
	now = emr_clock_unix_s(emr_clock_system());
	if (status == EMR_OK)
		is = emr_asked_compare(row, &grant.row);
	if (status == EMR_OK && is != EMR_ASKED_GRANT_ANOTHERS)
		phase = emr_grant_phase_at(&grant, now);
	if (status == EMR_NOT_FOUND && row->until_unix_s > now)
		return EMR_OK; /* the grant is on its way, or has failed: then it is said, and the
				  request stays open */
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	/* One that is coming was given by a clock that is ahead of this one. */
	if (phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING)
		status = emr_share_request_approve(share, row->request, row->domain, row->request);
	if (status == EMR_CONFLICT)
		status = is == EMR_ASKED_GRANT_ORDERED ? undo(session, share, row) : EMR_OK;
	/* Answered, taken back, ended, or its time is over. */
	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = emr_asked_drop(session->keyring, session->state_fd, row->request);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* somebody was quicker */
}

/* The grant stands: that is the answer. */
static emr_status finish_consent(const emr_session *session, const emr_asked_for *row)
{
	bool stands = false;

	if (row->told == EMR_SHARE_REQUEST_OPEN && !emr_id16_is_zero(row->domain))
		EMR_TRY(is_granted(session, row, &stands));
	if (stands)
		EMR_TRY(emr_asked_told(session->keyring, session->state_fd, row->request,
			EMR_SHARE_REQUEST_APPROVED));
	return EMR_OK;
}

emr_status emr_requests_finish(const emr_session *session, emr_share *share)
{
	EMR_AUTO_ASKED list = {0};
	emr_status status, first;

	/* A grant that is on the ledger already may be that of a yes which is still being noted. */
	emr_requests_lock();
	first = status = emr_asked_load(session->keyring, session->state_fd, &list);
	emr_requests_unlock();
	for (size_t i = 0; i < list.n && status == EMR_OK; i++) {
		emr_status one = EMR_OK;

		if (list.rows[i].kind == EMR_ASKED_SAID_YES)
			one = finish_one(session, share, &list.rows[i]);
		else if (list.rows[i].kind == EMR_ASKED_CONSENT)
			one = finish_consent(session, &list.rows[i]);

		first = first == EMR_OK ? one : first;
	}
	return first;
}
