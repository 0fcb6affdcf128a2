/* Saying yes to a request: what it would share, that it is meant so, and, once the grant stands on
 * the ledger, the word that it answers.  The grant itself is made as by `share`. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kit/out.h"
#include "kit/text.h"
#include "session/walk.h"
#include "share/give.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/requests.h"
#include "sharing/sharing.h"

#define DEFAULT_S ((uint64_t)30 * 86400)

typedef struct approving {
	emr_session *session;
	const emr_request *request;
	emr_problem *problem;
	emr_plea plea;
	char path[EMR_ASK_PATH_MAX + 1];
	emr_id16 domain;
	uint64_t until;
} approving;

/* The asker's words, as a path of this folder. */
static emr_status find_place(approving *a)
{
	char label[EMR_ORDER_TEXT_MAX + 1];
	emr_attr attr;
	emr_status status = emr_path_clean(a->plea.path, a->path, sizeof a->path);

	if (status == EMR_OK && a->path[0] == '\0')
		status = EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = emr_view_find(a->session->view, a->path, &attr);
	if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY) {
		emr_problem_set(a->problem, EMR_SAY_NOT_HERE, "path",
			a->plea.path[0] != '\0' ? a->plea.path : "(no folder named)", "who",
			a->plea.who.called, "id", a->plea.id, NULL);
		return EMR_NOT_FOUND;
	}
	return status == EMR_OK
		       ? emr_sharing_place(a->session, a->path, &a->domain, label, a->problem)
		       : status;
}

/* `share` is told a name: it must mean him, and nobody else. */
static emr_status check_name(approving *a)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_who who;
	emr_status status = emr_crowd_open(a->session, &crowd);

	if (status == EMR_OK)
		status = emr_who_find_or_say(&crowd, a->plea.who.called, &who, a->problem);
	if (status != EMR_OK)
		return status;
	return emr_id32_equal(who.id, a->plea.who.id) ? EMR_OK : EMR_CONFLICT;
}

static emr_status find(approving *a)
{
	emr_status status = emr_requests_may_act(a->session, a->problem);

	if (status == EMR_OK)
		status = emr_requests_find(a->session, a->request, &a->plea, a->problem);
	if (status == EMR_OK && !a->plea.is_to_me) {
		emr_problem_set(a->problem, EMR_SAY_YOUR_OWN_REQUEST, "id", a->plea.id, NULL);
		return EMR_DENIED;
	}
	if (status == EMR_OK && a->plea.state != EMR_PETITION_OPEN)
		status = EMR_CONFLICT;
	if (status == EMR_OK)
		status = find_place(a);
	if (status == EMR_OK)
		status = emr_sharing_may_have(&a->plea.who, a->problem);
	if (status == EMR_OK)
		status = check_name(a);
	if (status != EMR_OK)
		return status;
	a->until = a->request->until_unix_s != 0 ? a->request->until_unix_s : a->plea.until_unix_s;
	if (a->plea.is_over && a->request->until_unix_s == 0)
		a->until = emr_clock_unix_s(emr_clock_system()) + DEFAULT_S;
	a->until = a->until < EMR_FOREVER_UNIX_S ? a->until : EMR_FOREVER_UNIX_S;
	return EMR_OK;
}

static emr_status note_yes(const approving *a)
{
	emr_asked_for row = {.kind = EMR_ASKED_SAID_YES,
		.request = a->plea.request,
		.owner = a->plea.who.root,
		.domain = a->domain,
		.asked_at = emr_clock_unix_s(emr_clock_system()),
		.until_unix_s = a->until,
		.purposes = a->plea.purposes,
		.rights = a->plea.rights};

	return emr_asked_add(a->session->keyring, a->session->state_fd, &row);
}

/* The grant may stand there already. */
static emr_status say_yes(const approving *a)
{
	emr_share *share = NULL;
	emr_status status = note_yes(a);

	if (status == EMR_OK)
		status = emr_requests_share(a->session, &share);
	if (status == EMR_OK)
		status = emr_requests_finish(a->session, share);
	emr_share_free(share);
	return status;
}

emr_status emr_answer_approve(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem)
{
	approving *a = calloc(1, sizeof *a);
	json_t *object = NULL;
	emr_status status = EMR_NO_MEMORY;

	if (a != NULL) {
		*a = (approving){.session = session, .request = request, .problem = out_problem};
		status = find(a);
	}
	if (status == EMR_OK && !request->look)
		status = say_yes(a);
	if (status == EMR_OK)
		object = json_pack("{s:b, s:s, s:s, s:o, s:o, s:I, s:I}", "done", 1, "id",
			a->plea.id, "rights", emr_rights_word(a->plea.rights), "path",
			emr_json_text(a->path), "who", emr_json_text(a->plea.who.called),
			"purposes", (json_int_t)a->plea.purposes, "until_unix",
			(json_int_t)a->until);
	free(a);
	if (status != EMR_OK && !out_problem->is_set)
		emr_requests_say(status, request, out_problem);
	if (status != EMR_OK)
		return status;
	return object != NULL ? emit(arg, object) : EMR_NO_MEMORY;
}

/* ---- when the grant stands there ---- */

typedef struct waiting {
	const emr_asked_for *row;
	uint64_t now;
	emr_id16 grant;
	bool is_there;
} waiting;

static emr_status is_it(void *arg, const emr_known_grant *grant)
{
	waiting *w = arg;

	if (memcmp(grant->row.grantee, w->row->owner.b, 32) != 0 ||
		grant->row.not_after_unix_s != w->row->until_unix_s ||
		emr_grant_phase_at(grant, w->now) != EMR_GRANT_IN_FORCE)
		return EMR_OK;
	w->grant = grant->grant;
	w->is_there = true;
	return EMR_OK;
}

static emr_status is_right(void *arg, const emr_given *given)
{
	waiting *w = arg;

	w->is_there = w->is_there ||
		      (memcmp(given->grant.row.grantee, w->row->owner.b, 32) == 0 &&
			      given->phase == EMR_GRANT_IN_FORCE && emr_given_is_deposit(given));
	return EMR_OK;
}

/* Who asked takes it back when he has seen the right. */
static bool is_closed(emr_share *share, emr_id16 request)
{
	emr_petition *petition = malloc(sizeof *petition);
	bool is = petition != NULL && emr_petition_get(share, request, petition) == EMR_OK &&
		  petition->state != EMR_PETITION_OPEN;

	free(petition);
	return is;
}

/* APPROVE names a grant, and a right to leave things comes without one: that it is there is the
 * answer, and here is noted that nobody waits for another.  The row goes when the request would be
 * over in any case. */
static emr_status finish_deposit(
	const emr_session *session, emr_share *share, const emr_asked_for *row)
{
	waiting w = {.row = row, .now = emr_clock_unix_s(emr_clock_system())};
	emr_status status = EMR_OK;

	if (row->asked_at + EMR_PETITION_OPEN_S <= w.now || is_closed(share, row->request))
		return emr_asked_drop(session->keyring, session->state_fd, row->request);
	if (row->told != EMR_PETITION_APPROVED)
		status = emr_share_given(share, row->domain, is_right, &w);
	if (status == EMR_OK && w.is_there)
		status = emr_asked_told(
			session->keyring, session->state_fd, row->request, EMR_PETITION_APPROVED);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* not on the ledger yet */
}

static emr_status finish_one(const emr_session *session, emr_share *share, const emr_asked_for *row)
{
	waiting w = {.row = row, .now = emr_clock_unix_s(emr_clock_system())};
	emr_status status;

	if (row->rights == EMR_RIGHTS_DEPOSIT)
		return finish_deposit(session, share, row);
	status = emr_replica_grants(session->replica, row->domain, is_it, &w);
	if (status != EMR_OK)
		return status;
	if (w.is_there)
		status = emr_petition_approve(share, row->request, row->domain, w.grant);
	else if (row->until_unix_s > w.now)
		return EMR_OK; /* the grant is on its way, or has failed: then it is said, and the
				  request stays open */
	/* Answered or taken back meanwhile, or the time is over. */
	if (status == EMR_OK || status == EMR_CONFLICT || status == EMR_NOT_FOUND)
		status = emr_asked_drop(session->keyring, session->state_fd, row->request);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* somebody was quicker */
}

emr_status emr_requests_finish(const emr_session *session, emr_share *share)
{
	EMR_AUTO_ASKED list = {0};
	emr_status status = emr_asked_load(session->keyring, session->state_fd, &list),
		   first = status;

	for (size_t i = 0; i < list.n && status == EMR_OK; i++) {
		emr_status one = list.rows[i].kind == EMR_ASKED_SAID_YES
					 ? finish_one(session, share, &list.rows[i])
					 : EMR_OK;

		first = first == EMR_OK ? one : first;
	}
	return first;
}
