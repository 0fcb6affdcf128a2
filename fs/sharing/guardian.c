/* A guardian acts for somebody. On the guardian's computer this file asks that others may read, and
 * ends what they read; on the owner's it says yes by the owner's rule, and tells what was done. */
#include "sharing/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "session/registered.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/received.h"
#include "sharing/shown.h"

#include "sharing_private.h"

/* ---- the guardian's ---- */

typedef struct ward {
	emr_id16 domain;    /* of the share in which the path lies */
	const char *name;   /* the share's, in the path */
	const char *inside; /* what lies behind it */
} ward;

/* The share of which this person is the guardian. */
static emr_status find_ward(emr_session *session, const char *path, const char *verb, ward *out,
	emr_problem *out_problem)
{
	emr_problem why = {0};
	json_auto_t *list = NULL;
	const char *found = NULL;
	json_t *one;
	size_t i;

	if (emr_own_key_is_revoked(session, out_problem))
		return EMR_DENIED;
	if (emr_session_is_read_only(session, &why) || session->sharing == NULL) {
		*out_problem = why;
		return EMR_READ_ONLY;
	}
	EMR_TRY(emr_shared_with_me_json(session, &list));
	json_array_foreach(list, i, one)
	{
		if (emr_path_below(emr_json_text_at(one, "path"), path) == NULL ||
			strcmp(emr_json_text_at(one, "rights"), "guardian") != 0 ||
			emr_unhex(emr_json_text_at(one, "folder_id"), out->domain.b,
				sizeof out->domain.b) != EMR_OK)
			continue;
		found = emr_json_text_at(one, "path");
	}
	if (found == NULL)
		return emr_shared_refuse(path, EMR_SAY_NOT_YOURS, verb, out_problem);
	out->inside = path + strlen(found);
	out->name = path + (strrchr(found, '/') + 1 - found);
	return EMR_OK;
}

emr_status emr_guardian_asks(
	emr_session *session, const emr_request *request, emr_order *row, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARE share = NULL;
	emr_writing writing;
	emr_who reader;
	ward w;

	EMR_TRY(find_ward(session, request->path, "share", &w, out_problem));
	EMR_TRY(emr_crowd_open(session, &crowd));
	EMR_TRY(emr_who_find_or_say(&crowd, request->who, &reader, out_problem));
	if (reader.kind != EMR_WHO_PERSON)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_GUARDIAN_PERSON, "who",
			reader.called, NULL);
	EMR_TRY(emr_sharing_may_have(&reader, out_problem));
	EMR_TRY(emr_sharing_handle(session, &share));
	EMR_TRY(emr_share_writing(share, w.domain, &writing));
	row->grantee = writing.card.signer_id;
	row->domain = w.domain;
	row->root = reader.root;
	snprintf(row->who, sizeof row->who, "%s", reader.called);
	snprintf(row->path, sizeof row->path, "%s", w.name);
	return EMR_OK;
}

const char *emr_guardian_inside(const char *path)
{
	return strchr(path, '/') != NULL ? strchr(path, '/') + 1 : "";
}

emr_status emr_guardian_revoke(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_SHARE share = NULL;
	char text[EMR_WHO_TEXT_BYTES];
	size_t n = 0;
	emr_who who;
	ward w;
	emr_status status = find_ward(session, request->path, "revoke", &w, out_problem);

	if (status == EMR_OK)
		status = emr_crowd_open(session, &crowd);
	if (status == EMR_OK)
		status = emr_who_find_or_say(&crowd, request->who, &who, out_problem);
	if (status == EMR_OK && !request->look)
		status = emr_sharing_begin(session, &share);
	if (status == EMR_OK && !request->look && w.inside[0] == '\0') /* as a whole */
		status = emr_guardian_end(share, w.domain, who.root, &n);
	if (status == EMR_OK)
		emr_who_text(&who, text, sizeof text);
	if (status == EMR_OK && n == 0 && !request->look)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NOT_SHARED, "path",
			request->path, "who", text, NULL);
	if (status == EMR_DENIED && !out_problem->is_set)
		return emr_shared_refuse(request->path, EMR_SAY_NOT_YOURS, "revoke", out_problem);
	if (status == EMR_REFUSED)
		emr_problem_set(out_problem, EMR_SAY_LEDGER_REFUSED, "cause",
			emr_result_text(emr_share_refusal(share)), NULL);
	if (status != EMR_OK)
		return out_problem->is_set ? status
					   : EMR_PROBLEM_STATUS(out_problem, status, request->path);
	return emr_emit(
		sink, json_pack("{s:b, s:[{s:s, s:o}], s:[], s:[], s:[], s:[], s:b, s:b, s:o, s:s}",
			      "done", 1, "ended", "id", "", "path", emr_json_text(request->path),
			      "orders", "openings", "released", "still", "names_seen", 0, "reached",
			      1, "text", emr_json_text(text), "shown", ""));
}

/* ---- the owner's ---- */

/* Whether GUARDIAN is one of everything that a share of PATH gives: of the folder in which it lies,
 * and of all with keys of their own below. */
static emr_status reaches(
	emr_session *session, emr_share *share, const char *path, emr_id32 guardian, bool *out_does)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	EMR_AUTO_FREE emr_guardian_grant *g = malloc(sizeof *g);
	emr_path_domain d;
	size_t n = 0;
	emr_status status = g != NULL ? emr_view_domain_of(session->view, path, &d) : EMR_NO_MEMORY;

	*out_does = false;
	if (status == EMR_OK)
		status = emr_share_guardian_of(share, d.is_root ? d.own : d.domain, guardian, 0, g);
	if (status == EMR_OK)
		status = emr_view_inner_tree(session->view, &tree, &n);
	for (size_t i = 0; i < n && status == EMR_OK; i++) {
		EMR_AUTO_FREE char *inner = emr_sharing_path(session, tree[i].domain, "?");

		EMR_TRY_MEMORY(inner);
		if (emr_path_below(path, inner) != NULL)
			status = emr_share_guardian_of(share, tree[i].domain, guardian, 0, g);
	}
	*out_does = status == EMR_OK;
	return status == EMR_NOT_FOUND || status == EMR_DENIED ? EMR_OK : status;
}

/* The owner's rule alone says it: for whom else, how long, to read, for what and until when the
 * guardian may. G: who asks is one now. */
static emr_status allows(
	emr_visit *visit, const emr_share_row *row, const emr_guardian_grant *g, bool *out_allows)
{
	emr_known_person reader;
	emr_status status;

	*out_allows = false;
	if (row->state != EMR_SHARE_ASKED || row->rights != EMR_RIGHTS_READ ||
		emr_id32_equal(row->who.root, row->guardian) ||
		(row->purposes & ~g->grant.row.purposes) != 0 ||
		row->until_unix_s > g->grant.row.not_after_unix_s)
		return EMR_OK;
	status = emr_replica_person(visit->session->replica, row->who.id, &reader);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (!emr_guardian_allows(g->rule, &reader, row->order.asked_unix_s, row->until_unix_s))
		return EMR_OK;
	return reaches(visit->session, visit->share, row->path, row->guardian, out_allows);
}

/* An order for it that has failed is not tried again by itself. */
static emr_status has_failed(emr_session *session, emr_id16 request, bool *out_has)
{
	EMR_AUTO_ORDERS orders = {0};

	*out_has = false;
	EMR_TRY(emr_sharing_orders(session->sharing, &orders));
	for (size_t i = 0; i < orders.n; i++)
		*out_has |= orders.list[i].kind == EMR_ORDER_GRANT && orders.list[i].has_failed &&
			    emr_id16_equal(orders.list[i].request, request);
	return EMR_OK;
}

static emr_status say_yes(emr_visit *visit, const emr_share_row *row, bool *out_answered)
{
	EMR_AUTO_FREE emr_request *yes = calloc(1, sizeof *yes);
	char guardian[EMR_WHO_TEXT_BYTES], reader[EMR_WHO_TEXT_BYTES], until[EMR_TEXT_BYTES];
	emr_problem problem = {0};
	emr_status status;

	EMR_TRY_MEMORY(yes);
	yes->ask = EMR_ASK_SHARE;
	yes->until_unix_s = row->until_unix_s;
	snprintf(yes->id, sizeof yes->id, "%s", row->whole);
	snprintf(yes->name, sizeof yes->name, "rule");
	status = emr_answer_share(visit->session, yes, NULL, &problem);
	*out_answered = status == EMR_OK || status == EMR_CONFLICT; /* it is on its way */
	if (status != EMR_OK && !*out_answered)			    /* the owner is asked */
		emr_log(EMR_LOG_WARN, "a guardian's request: %s", emr_status_text(status));
	if (status != EMR_OK)
		return emr_status_may_pass(status) ? status : EMR_OK;
	emr_who_text(&row->asker, guardian, sizeof guardian);
	emr_who_text(&row->who, reader, sizeof reader);
	emr_time_text((int64_t)row->until_unix_s, until);
	emr_notices_add_that(visit->notices, row->path, EMR_SAY_GUARDIAN_OPENED, "who", guardian,
		"called", reader, "path", row->path, "time", until, NULL);
	return EMR_OK;
}

/* Whether the key that asked is that of a guardian now, and neither ended nor followed by another.
 */
static emr_status is_guardian(
	emr_visit *visit, const emr_share_row *row, emr_guardian_grant *g, bool *out_is)
{
	emr_known_person asker;
	emr_status status = emr_replica_person(visit->session->replica, row->order.grantee, &asker);

	*out_is = false;
	if (status == EMR_OK && emr_id32_is_zero(EMR_ID32_AT(asker.row.next)))
		status = emr_replica_person_is_active(visit->session->replica, &asker,
			emr_clock_unix_s(emr_clock_system()), out_is);
	if (status == EMR_OK && *out_is)
		status =
			emr_share_guardian_of(visit->share, row->order.domain, row->guardian, 0, g);
	*out_is = *out_is && status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_guardian_answer(emr_visit *visit, const emr_share_row *row, bool *out_answered)
{
	EMR_AUTO_FREE emr_guardian_grant *g = malloc(sizeof *g);
	bool is_one = false, may = false;
	emr_status status;

	*out_answered = false;
	if (emr_id32_is_zero(row->guardian) || !emr_share_waits(row) || visit->session->read_only ||
		emr_keyring_kind_of(visit->session->keyring) == EMR_KEYRING_DEVICE)
		return EMR_OK;
	EMR_TRY_MEMORY(g);
	EMR_TRY(is_guardian(visit, row, g, &is_one));
	if (!is_one || row->path[0] == '\0') {
		status = emr_share_request_deny(visit->share, row->order.request,
			is_one ? _("The whole folder is never shared.")
			       : _("You act for this person no more."));
		*out_answered = status == EMR_OK || status == EMR_CONFLICT;
		return *out_answered ? EMR_OK : status;
	}
	EMR_TRY(allows(visit, row, g, &may));
	if (may)
		EMR_TRY(has_failed(visit->session, row->order.request, &is_one));
	return may && !is_one ? say_yes(visit, row, out_answered) : EMR_OK;
}

/* ---- the rule in words ---- */

void emr_guardian_rule_text(emr_crowd *crowd, const char *rule, char *out, size_t size)
{
	char *at;
	const unsigned long long seconds = strtoull(rule, &at, 10);
	const bool is_days = seconds % 86400 == 0;
	const unsigned long long n = seconds / (is_days ? 86400 : 3600);

	out[0] = '\0';
	while (*at == ' ') {
		const size_t digits = strcspn(at + 1, " "), used = strlen(out);
		char text[65] = "";
		emr_id32 id = {{0}};
		emr_who who = {.called = "?"};

		memcpy(text, at + 1, digits < sizeof text ? digits : 0);
		at += 1 + digits;
		if (emr_unhex(text, id.b, digits / 2) == EMR_OK && digits == 64)
			(void)emr_who_of(crowd, id, &who);
		else
			(void)emr_organisation_name(
				crowd->replica, crowd->descriptor, id.b, who.organisation);
		snprintf(out + used, size - used, "%s%s%s", used > 0 ? ", " : "",
			digits == 64 ? "" : _("clinicians of "),
			digits == 64 ? who.called : who.organisation);
	}
	if (out[0] != '\0')
		snprintf(out + strlen(out), size - strlen(out),
			is_days ? emr_text_of(n, " (%llu day at most)", " (%llu days at most)")
				: emr_text_of(n, " (%llu hour at most)", " (%llu hours at most)"),
			n);
}

/* ---- in the list ---- */

emr_status emr_guardian_row_rule(
	emr_share *share, emr_crowd *crowd, const emr_known_grant *grant, emr_share_row *row)
{
	EMR_AUTO_FREE emr_guardian_grant *g = malloc(sizeof *g);
	emr_status status = g == NULL ? EMR_NO_MEMORY
				      : emr_share_guardian_of(share, grant->domain,
						EMR_ID32_AT(grant->row.grantee), grant->seq, g);

	if (status == EMR_OK)
		emr_guardian_rule_text(crowd, g->rule, row->words, sizeof row->words);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_guardian_row_asked(
	emr_session *session, emr_crowd *crowd, const emr_share_request *asked, emr_share_row *row)
{
	EMR_AUTO_FREE char *folder = emr_sharing_path(session, asked->domain, "?");
	EMR_AUTO_FREE char *joined = NULL;
	char clean[EMR_REQUEST_PATH_MAX + 1];

	EMR_TRY_MEMORY(folder);
	EMR_TRY(emr_who_at(crowd, asked->from, asked->seq, &row->asker));
	EMR_TRY(emr_who_of(crowd, asked->reader, &row->who));
	row->guardian = row->asker.root;
	row->order.domain = asked->domain;
	if (asprintf(&joined, "%s/%s", folder, asked->path) < 0)
		joined = NULL;
	EMR_TRY_MEMORY(joined);
	/* One text for what is judged and for what is done. */
	row->path = strdup(emr_path_clean(joined, clean, sizeof clean) == EMR_OK ? clean : "?");
	return EMR_OK;
}

/* ---- what a guardian ended ---- */

emr_status emr_guardian_tell(const emr_visit *visit, const emr_guardian_mark *mark)
{
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_FREE char *path = emr_sharing_path(visit->session, mark->domain, "?");
	char guardian[EMR_WHO_TEXT_BYTES], person[EMR_WHO_TEXT_BYTES];
	emr_who who;

	EMR_TRY_MEMORY(path);
	EMR_TRY(emr_crowd_open(visit->session, &crowd));
	EMR_TRY(emr_who_of(&crowd, mark->guardian, &who));
	emr_who_text(&who, guardian, sizeof guardian);
	EMR_TRY(emr_who_of(&crowd, mark->person, &who));
	emr_who_text(&who, person, sizeof person);
	emr_notices_add_that(visit->notices, path, EMR_SAY_GUARDIAN_ENDED, "who", guardian,
		"called", person, "path", path, NULL);
	return EMR_OK;
}
