/* The open folder answers `emrfs request` and `emrfs deny` here: the list of requests, a new
 * one, and no. A yes is the share that a request asks for: this file says which one that is. */
#include "sharing/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keyring/card.h"
#include "kit/frame.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "org/datasets.h"
#include "session/absence.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/office.h"
#include "sharing/received.h"
#include "sharing/sharing.h"
#include "view/received.h"

#define NAMES_MAX (2 * EMR_WHO_TEXT_BYTES)
#define DAY_S ((uint64_t)86400)
#define PURPOSE_EMERGENCY (UINT32_C(1) << 4)

void emr_requests_say(emr_session *session, emr_status status, const emr_request *request,
	emr_problem *out_problem)
{
	if (emr_status_is_unanswered(status) &&
		emr_absence_say_refusal(session, session->ledger, out_problem))
		return;
	switch ((int)status) {
	case EMR_NOT_FOUND:
		emr_problem_set(out_problem, EMR_SAY_NO_REQUEST, "id", request->id, NULL);
		return;
	case EMR_CONFLICT:
		emr_problem_set(out_problem, EMR_SAY_ANSWERED, "id", request->id, NULL);
		return;
	case EMR_OFFLINE:
		emr_problem_set(out_problem, EMR_SAY_REQUEST_AWAY, NULL);
		return;
	case EMR_TIMEOUT: /* what was sent may have been taken */
	case EMR_BUSY:
		emr_problem_set(out_problem, EMR_SAY_REQUEST_LATE, NULL);
		return;
	case EMR_READ_ONLY:
		emr_problem_set(out_problem, EMR_SAY_READ_ONLY, "path", _("Your folder"), NULL);
		return;
	}
	emr_problem_set_status(out_problem, status, _("The request"));
}

/* ---- the list ---- */

static emr_status answer_list(emr_session *session, const emr_sink *sink)
{
	EMR_AUTO_SHARES rows = {0};
	json_auto_t *all = json_array();

	EMR_TRY(emr_shares_asked(session, NULL, &rows));
	for (size_t i = 0; i < rows.n; i++)
		if (json_array_append_new(all, emr_share_json(NULL, &rows.list[i])) != 0)
			return EMR_NO_MEMORY;
	EMR_TRY(emr_emit_list("requests", all, sink));
	return emr_emit(
		sink, json_pack("{s:b, s:I}", "done", 1, "held_back", (json_int_t)rows.held_back));
}

static emr_status answer_one(const emr_share_row *row, const emr_sink *sink)
{
	return emr_emit(
		sink, json_pack("{s:b, s:[o]}", "done", 1, "requests", emr_share_json(NULL, row)));
}

/* *OUT is one of OUT_ROWS, which is the caller's. */
static emr_status find_request(emr_session *session, const emr_request *request,
	emr_share_rows *out_rows, const emr_share_row **out, emr_problem *out_problem)
{
	emr_status status;

	EMR_TRY(emr_sharing_may_act(session, out_problem));
	EMR_TRY(emr_shares_asked(session, NULL, out_rows));
	status = emr_shares_find(out_rows, request->id, out);
	if (status == EMR_CONFLICT) /* several begin so */
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_WHICH_REQUEST, "id", request->id, NULL);
	return status;
}

/* One that may be said yes to. */
static emr_status find_waiting(emr_session *session, const emr_request *request,
	emr_share_rows *out_rows, const emr_share_row **out, emr_problem *out_problem)
{
	EMR_TRY(find_request(session, request, out_rows, out, out_problem));
	if (!emr_share_is_to_me(*out))
		return EMR_PROBLEM(
			EMR_DENIED, out_problem, EMR_SAY_YOUR_OWN_REQUEST, "id", (*out)->id, NULL);
	return emr_share_waits(*out) ? EMR_OK : EMR_CONFLICT;
}

/* ---- a new one ---- */

/* All persons who may be meant are named, and nobody is asked by chance. */
static emr_status say_which(const char *text, const char *names, emr_problem *out_problem)
{
	return EMR_PROBLEM(
		EMR_CONFLICT, out_problem, EMR_SAY_WHICH_PERSON, "who", text, "names", names, NULL);
}

/* TEXT is nobody's name. A code that is too short to name somebody leads to those whose keys begin
 * so, and the person says which. */
static emr_status name_by_code(
	emr_crowd *crowd, const char *text, emr_who *out, emr_problem *out_problem)
{
	char names[NAMES_MAX];
	size_t n = 0, len = strlen(text);

	if (len >= EMR_KEY_CODE_SHOWN && len < EMR_KEY_CODE_NAMES)
		EMR_TRY(emr_who_alike(crowd, text, len, NULL, names, sizeof names, &n));
	return n > 0 ? say_which(text, names, out_problem)
		     : emr_who_find_or_say(crowd, text, out, out_problem);
}

/* Where the directory TEXT of SHARER has few digits of his code in its name nobody else may have
 * them, also who shares nothing now. */
static emr_status name_by_directory(
	emr_crowd *crowd, const char *text, emr_id32 sharer, emr_who *out, emr_problem *out_problem)
{
	const char *bracket = strrchr(text, '('), *code = bracket != NULL ? bracket + 1 : text;
	const size_t len = strcspn(code, ")");
	char names[NAMES_MAX];
	size_t others = 0;

	EMR_TRY(emr_who_of(crowd, sharer, out));
	if (len >= EMR_KEY_CODE_SHOWN)
		EMR_TRY(emr_who_alike(crowd, code, len, out, names, sizeof names, &others));
	if (others > 0)
		EMR_TRY(say_which(text, names, out_problem));
	return EMR_OK;
}

/* As one calls him, or as his directory below shared-with-me is called, whose card came with a
 * share and may be in nobody's book. */
static emr_status owner_called(const emr_session *session, emr_crowd *crowd, const char *text,
	emr_who *out, emr_problem *out_problem)
{
	char names[NAMES_MAX];
	emr_id32 sharer;
	emr_who called;
	emr_status by_name = emr_who_find(crowd, text, &called, names, sizeof names);
	emr_status status = emr_shared_owner(session->view, text, &sharer);

	if (by_name != EMR_OK && by_name != EMR_NOT_FOUND && by_name != EMR_CONFLICT)
		return by_name;
	if (status == EMR_CONFLICT)
		return say_which(text, _("several below shared-with-me"), out_problem);
	if (status == EMR_NOT_FOUND && by_name == EMR_NOT_FOUND)
		return name_by_code(crowd, text, out, out_problem);
	if (status == EMR_NOT_FOUND || by_name == EMR_CONFLICT)
		return emr_who_find_or_say(crowd, text, out, out_problem);
	if (status == EMR_OK)
		status = name_by_directory(crowd, text, sharer, out, out_problem);
	if (status == EMR_OK && by_name == EMR_OK && !emr_who_is_same(out, &called)) {
		const emr_id32 ids[] = {out->id, called.id}; /* they are called alike */

		emr_who_names(crowd, emr_bytes_of(ids, sizeof ids), names, sizeof names);
		return say_which(text, names, out_problem);
	}
	return status;
}

static emr_status find_owner(const emr_session *session, const emr_request *request, emr_who *out,
	emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	const char *text = request->who[0] != '\0' ? request->who : _("That person");

	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(owner_called(session, &crowd, text, out, out_problem));
	if (out->kind == EMR_WHO_PERSON && out->is_active &&
		!emr_id32_equal(out->id, session->identity.signer_id))
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem,
		out->kind != EMR_WHO_PERSON ? EMR_SAY_ASK_A_PERSON
		: out->is_active	    ? EMR_SAY_ASK_YOURSELF
					    : EMR_SAY_NOT_ON_LEDGER,
		"who", text, NULL);
}

static emr_status send(emr_session *session, emr_id32 agreement, emr_order *row)
{
	const emr_profile *profile = &session->profile;
	emr_share_request_order order = {.owner = row->grantee,
		.rights = row->rights,
		.purposes = row->purposes,
		.until_unix_s = row->until_unix_s,
		.path = emr_id32_is_zero(row->root) ? row->path : emr_guardian_inside(row->path),
		.reason = row->reason,
		.agreement = agreement,
		.reader = row->root,
		.domain = row->domain,
		.name = emr_card_name_ok(profile->name) ? profile->name : "",
		.born = ""};
	EMR_AUTO_SHARE share = NULL;

	EMR_TRY(emr_sharing_begin(session, &share));
	return emr_share_request_send(share, &order, &row->request);
}

static emr_status answer_sent(emr_session *session, emr_id16 request, const emr_sink *sink)
{
	EMR_AUTO_SHARES rows = {0};

	EMR_TRY(emr_shares_asked(session, NULL, &rows));
	for (size_t i = 0; i < rows.n; i++)
		if (emr_id16_equal(rows.list[i].order.request, request))
			return answer_one(&rows.list[i], sink);
	return EMR_TIMEOUT; /* it was sent, and is not seen here yet */
}

/* ---- to read a dataset ---- */

/* The steward is asked, under the name by which everybody calls the dataset. Nobody signs what was
 * not shown: *OUT_SHOW is the agreement in that case, the answer, and nothing is sent. */
static emr_status ask_steward(emr_session *session, const emr_request *request, emr_order *row,
	emr_id32 *out_agreement, json_t **out_show, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_BUF text = {0};
	uint64_t signed_unix_s = 0;
	const char *hash;
	emr_team dataset;
	emr_who who;

	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_dataset_find_or_say(
		&crowd, request->who + strlen(EMR_DATASET_PREFIX), &dataset, out_problem));
	EMR_TRY(emr_who_of(&crowd, dataset.grantee, &who));
	snprintf(row->path, sizeof row->path, "%s", who.called);
	row->rights = EMR_RIGHTS_READ;
	row->purposes = UINT32_C(1) << EMR_DATASET_PURPOSE;
	row->grantee = EMR_ID32_AT(dataset.row.steward);
	if (request->until_unix_s == 0)
		row->until_unix_s = dataset.row.not_after_unix_s;
	EMR_TRY(emr_agreement_signed(
		session->replica, &dataset, emr_session_root(session), &signed_unix_s));
	if (!emr_dataset_has_agreement(&dataset) || signed_unix_s != 0)
		return EMR_OK;
	*out_agreement = emr_agreement_salt(&dataset);
	hash = dataset.terms.words[EMR_TERMS_AGREEMENT];
	if (strcmp(request->shown, hash) == 0)
		return EMR_OK;
	EMR_TRY(emr_dataset_file(session->replica, &dataset, EMR_DATASET_AGREEMENT, &text));
	*out_show = json_pack("{s:b, s:[], s:s, s:s, s:s%}", "done", 1, "requests", "what",
		dataset.name, "agreement", hash, "text", text.data, text.len);
	return *out_show != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* The steward's yes. */
static emr_status answer_admit(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	EMR_AUTO_SHARES rows = {0};
	char code[EMR_KEY_CODE_MAX + 1];
	const emr_share_row *row;
	emr_bureau bureau;
	emr_status status;

	EMR_TRY(find_waiting(session, request, &rows, &row, out_problem));
	EMR_TRY(emr_bureau_of_open(session, &bureau, out_problem));
	emr_key_code(row->who.root, EMR_KEY_CODE_NAMES, code);
	status = emr_dataset_admit(&bureau, row->path + strlen(EMR_DATASET_PREFIX), code,
		request->until_unix_s != 0 ? request->until_unix_s : row->until_unix_s,
		out_problem);
	emr_bureau_let_go(&bureau);
	return status == EMR_OK ? answer_list(session, sink) : status;
}

static emr_status answer_ask(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	emr_order row = {.kind = EMR_ORDER_ASKED,
		.asked_unix_s = emr_clock_unix_s(emr_clock_system()),
		.rights = emr_rights_asked(request),
		.until_unix_s = request->until_unix_s,
		.purposes = request->purposes,
		.told = EMR_SHARE_REQUEST_OPEN};
	const bool reads =
		strncmp(request->who, EMR_DATASET_PREFIX, strlen(EMR_DATASET_PREFIX)) == 0;
	const bool is_for_another = emr_path_is_shared(request->path);
	emr_id32 agreement = {{0}};
	json_t *show = NULL;
	emr_who owner;
	emr_status status = emr_sharing_may_act(session, out_problem);

	if (row.until_unix_s == 0)
		row.until_unix_s = row.asked_unix_s +
				   (request->purposes == PURPOSE_EMERGENCY ? DAY_S : 30 * DAY_S);
	if (status == EMR_OK)
		status = reads ? ask_steward(session, request, &row, &agreement, &show, out_problem)
			 : is_for_another ? emr_guardian_asks(session, request, &row, out_problem)
					  : find_owner(session, request, &owner, out_problem);
	if (show != NULL)
		return emr_emit(sink, show);
	if (status == EMR_OK && strlen(request->path) >= sizeof row.path)
		status = EMR_INVALID;
	if (status == EMR_OK) {
		memcpy(row.reason, request->reason, strlen(request->reason) + 1);
		if (!reads && !is_for_another) {
			memcpy(row.path, request->path, strlen(request->path) + 1);
			row.grantee = owner.id;
		}
		status = send(session, agreement, &row);
	}
	if (status == EMR_INVALID && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_BAD_REQUEST, NULL);
	if (status == EMR_DENIED && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_NOT_ON_LEDGER, "who", request->who, NULL);
	EMR_TRY(status);
	/* It stands on the ledger by now: what cannot be noted here is not unsaid. */
	status = emr_sharing_note(session->sharing, &row);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "a request that was sent could not be noted: %s",
			emr_status_text(status));
	return answer_sent(session, row.request, sink);
}

emr_status emr_answer_request(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	emr_status status =
		request->id[0] != '\0'	  ? answer_admit(session, request, sink, out_problem)
		: request->who[0] == '\0' ? answer_list(session, sink)
					  : answer_ask(session, request, sink, out_problem);

	if (status != EMR_OK && !out_problem->is_set)
		emr_requests_say(session, status, request, out_problem);
	return status;
}

/* ---- .emrfs/requests ---- */

emr_status emr_requests_show(emr_session *session, emr_share *share, emr_share_rows *out_rows)
{
	typedef char file_name[EMR_SHARE_ID_BYTES + 8];
	EMR_AUTO_FREE file_name *names = NULL;
	EMR_AUTO_FREE const char **list = NULL;
	size_t n = 0;

	EMR_TRY(emr_shares_asked(session, share, out_rows));
	names = calloc(out_rows->n + 1, sizeof *names);
	list = calloc(out_rows->n + 1, sizeof *list);
	if (names == NULL || list == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < out_rows->n; i++) {
		if (!emr_share_is_to_me(&out_rows->list[i]) || !emr_share_waits(&out_rows->list[i]))
			continue;
		snprintf(names[n], sizeof names[n], "%s.txt", out_rows->list[i].whole);
		list[n] = names[n];
		n++;
	}
	EMR_TRY(emr_view_set_requests(session->view, list, n));
	atomic_store(&session->waiting_requests, (unsigned)n);
	return EMR_OK;
}

/* ---- no, and yes ---- */

/* One's own is taken back. Where yes and no are said at once, the ledger takes one of them. */
static emr_status say_no(emr_session *session, const emr_share_row *row, const char *reason)
{
	EMR_AUTO_SHARES rows = {0};
	EMR_AUTO_SHARE share = NULL;

	EMR_TRY(emr_sharing_begin(session, &share));
	if (!emr_share_is_to_me(row))
		return emr_share_request_withdraw(share, row->order.request);
	if (emr_share_file(row)[0] == '\0') {
		EMR_TRY(emr_sharing_check_open(session->sharing, row->order.request));
		return emr_share_request_deny(share, row->order.request, reason);
	}
	EMR_TRY(emr_sharing_told(session->sharing, row->order.request, EMR_SHARE_REQUEST_DENIED));
	return emr_requests_show(session, share, &rows); /* nobody waits for an answer */
}

emr_status emr_answer_deny(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	EMR_AUTO_SHARES rows = {0};
	const emr_share_row *row;
	emr_status status = find_request(session, request, &rows, &row, out_problem);

	if (status == EMR_OK && !request->look)
		status = say_no(session, row, request->reason);
	if (status == EMR_INVALID)
		emr_problem_set(out_problem, EMR_SAY_BAD_REQUEST, NULL);
	if (status != EMR_OK && !out_problem->is_set)
		emr_requests_say(session, status, request, out_problem);
	EMR_TRY(status);
	return request->look ? answer_one(row, sink)
			     : emr_emit(sink, json_pack("{s:b, s:s, s:b, s:b}", "done", 1, "id",
						      row->id, "was_own", !emr_share_is_to_me(row),
						      "of_file", emr_share_file(row)[0] != '\0'));
}

/* The asker's words, as a path of this folder. */
static emr_status find_place(emr_session *session, const emr_share_row *asked,
	char out[EMR_ASK_PATH_MAX + 1], emr_problem *out_problem)
{
	emr_attr attr;
	emr_status status = emr_path_clean(asked->path, out, EMR_ASK_PATH_MAX + 1);

	if (status == EMR_OK && out[0] == '\0')
		status = EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = emr_view_find(session->view, out, &attr);
	if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NOT_HERE, "path",
			asked->path[0] != '\0' ? asked->path : _("(no folder named)"), "who",
			asked->who.called, "id", asked->id, NULL);
	return status;
}

emr_status emr_requests_as_share(emr_session *session, const emr_request *request,
	emr_request *out_share, emr_share_rows *out_rows, const emr_share_row **out_asked,
	emr_problem *out_problem)
{
	uint64_t until = request->until_unix_s;
	const emr_share_row *asked;
	const char *file;

	EMR_TRY(find_waiting(session, request, out_rows, &asked, out_problem));
	file = emr_share_file(asked);
	if (file[0] != '\0' && asked->state == EMR_SHARE_LATE)
		EMR_TRY(emr_consents_refuse(file, N_("its period is over"), out_problem));
	*out_share = *request;
	EMR_TRY(find_place(session, asked, out_share->path, out_problem));
	if (until == 0)
		until = asked->state == EMR_SHARE_LATE
				? emr_clock_unix_s(emr_clock_system()) + 30 * DAY_S
				: asked->until_unix_s;
	/* The grant follows the Consent, which is its evidence. */
	if (file[0] != '\0' && until > asked->until_unix_s)
		until = asked->until_unix_s;
	out_share->until_unix_s = until < EMR_FOREVER_UNIX_S ? until : EMR_FOREVER_UNIX_S;
	out_share->purposes = asked->purposes;
	out_share->deposit = asked->rights == EMR_RIGHTS_DEPOSIT;
	out_share->write = asked->rights == EMR_RIGHTS_WRITE;
	out_share->join = false;
	snprintf(out_share->who, sizeof out_share->who, "%s", asked->who.called);
	*out_asked = asked;
	return EMR_OK;
}
