/* The open folder answers `emrfs revoke` here: it ends shares and tells what that person could
 * see and opened before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "share/audit.h"
#include "sharing/answers.h"
#include "sharing/received.h"
#include "sharing/requests.h"
#include "sharing/shares.h"
#include "sharing/shown.h"

#include "sharing_private.h"

typedef struct taking {
	emr_session *session;
	const emr_sink *sink;
	emr_share *share;
	emr_share_rows ended;
	const char *path; /* NULL: everything */
	emr_crowd *crowd;
	emr_id16 domain; /* whose audit is being read */
	emr_buf seen;	 /* of it */
	json_t *orders;
	bool names_seen;
} taking;

static void taking_end(taking *t)
{
	emr_shares_free(&t->ended);
	emr_share_free(t->share);
	emr_buf_free(&t->seen);
	json_decref(t->orders);
}

/* ---- what was seen ---- */

/* One version of one record: its key was released, or its reader's computer says that it was
 * opened, or both. */
typedef struct seen {
	emr_id16 object;
	uint64_t version, at;
	bool is_released, is_opened;
} seen;

static bool is_ending(const taking *t, emr_id16 grant)
{
	for (size_t i = 0; i < t->ended.n; i++)
		if (emr_id16_equal(t->ended.list[i].grant, grant))
			return true;
	return false;
}

static emr_status note_one(
	taking *t, emr_id16 object, uint64_t version, uint64_t at, bool is_opened)
{
	seen *all = (seen *)t->seen.data, one = {.object = object, .version = version, .at = at};

	one.is_opened = is_opened;
	one.is_released = !is_opened;
	for (size_t i = t->seen.len / sizeof *all; i-- > 0;) {
		if (all[i].version != version || !emr_id16_equal(all[i].object, object))
			continue;
		/* The moment of the opening is the one to be told. */
		if (is_opened || !all[i].is_opened)
			all[i].at = at;
		all[i].is_opened |= one.is_opened;
		all[i].is_released |= one.is_released;
		return EMR_OK;
	}
	return emr_buf_append(&t->seen, &one, sizeof one);
}

/* Keys that were released are proven, and come along with what lies beside it; what became of them
 * is the reader's word. */
static emr_status note_seen(taking *t, const emr_audit_entry *entry)
{
	if (!is_ending(t, entry->grant))
		return EMR_OK;
	switch (entry->kind) {
	case EMR_AUDIT_ASKED:
		return EMR_OK;
	case EMR_AUDIT_RELEASED:
		if (!entry->is_readable || entry->slot.kind == EMR_CAPSULE_LISTING)
			t->names_seen = true;
		if (!entry->is_readable || entry->slot.kind == EMR_CAPSULE_LISTING)
			return EMR_OK;
		return note_one(
			t, entry->slot.object_id, entry->slot.version, entry->ledger_time, false);
	case EMR_AUDIT_OPENED:
		return entry->opened.refused
			       ? EMR_OK
			       : note_one(t, entry->opened.object_id, entry->opened.version,
					 entry->opened.last, true);
	}
	return EMR_OK;
}

/* A log that cannot be read now does not stop a share from being ended. */
static void look_back(taking *t)
{
	for (size_t i = 0; i < t->ended.n; i++) {
		EMR_AUTO_BUF entries = {0};
		emr_status status;

		if (i > 0 && emr_id16_equal(t->ended.list[i].domain, t->ended.list[i - 1].domain))
			continue;
		t->domain = t->ended.list[i].domain;
		status = emr_share_audit(t->share, t->domain, &entries, NULL);
		EMR_EACH (const emr_audit_entry, entry, &entries)
			status = status == EMR_OK ? note_seen(t, entry) : status;
		if (status != EMR_OK)
			emr_log(EMR_LOG_WARN, "what was opened cannot be told: %s",
				emr_status_text(status));
	}
}

static emr_status add_seen(taking *t, const seen *one, json_t *list)
{
	char when[EMR_TEXT_BYTES];
	EMR_AUTO_FREE char *path = NULL;
	emr_status status = emr_view_path_of_object(t->session->view, one->object, &path);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	emr_time_json((int64_t)one->at, when);
	return json_array_append_new(
		       list, json_pack("{s:o, s:I, s:s, s:I, s:b}", "path",
				     emr_json_text(path != NULL ? path : _("(removed since)")),
				     "version", (json_int_t)one->version, "at", when, "at_unix",
				     (json_int_t)one->at, "proven", one->is_released)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

/* "openings": what somebody says he opened; "released": what he could have opened, too. */
static emr_status emit_seen(taking *t, const char *name, bool is_opened)
{
	const seen *all = (const seen *)t->seen.data;
	json_auto_t *list = json_array();

	for (size_t i = 0; i < t->seen.len / sizeof *all; i++)
		if (all[i].is_opened == is_opened)
			EMR_TRY(add_seen(t, &all[i], list));
	return emr_emit_list(name, list, t->sink);
}

/* ---- ending ---- */

static void keep_of(emr_share_rows *rows, const emr_who *who)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->n; i++) {
		if (emr_who_is_same(&rows->list[i].who, who))
			rows->list[kept++] = rows->list[i];
		else
			free(rows->list[i].path);
	}
	rows->n = kept;
}

static emr_status emit_ended(taking *t)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < t->ended.n; i++)
		if (json_array_append_new(
			    list, json_pack("{s:s, s:o}", "id", t->ended.list[i].id, "path",
					  emr_json_text(t->ended.list[i].path[0] != '\0'
								? t->ended.list[i].path
								: "/"))) != 0)
			return EMR_NO_MEMORY;
	return emr_emit_list("ended", list, t->sink);
}

/* An order ends everything of one root in a domain. */
static bool is_ordered(const taking *t, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (emr_id16_equal(t->ended.list[k].domain, t->ended.list[i].domain) &&
			emr_id32_equal(t->ended.list[k].who.root, t->ended.list[i].who.root))
			return true;
	return false;
}

static emr_status end_all(taking *t)
{
	for (size_t i = 0; i < t->ended.n; i++) {
		const emr_share_row *row = &t->ended.list[i];
		uint64_t number = 0;
		emr_status status;

		if (is_ordered(t, i))
			continue;
		status = emr_sharing_take_back(
			t->session->sharing, row->domain, row->path, &row->who, &number);
		if (status == EMR_NOT_FOUND)
			continue; /* it ended meanwhile */
		if (status != EMR_OK)
			return status;
		if (number != 0 &&
			json_array_append_new(t->orders, json_integer((json_int_t)number)) != 0)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

static int by_domain(const void *a, const void *b)
{
	return memcmp(((const emr_share_row *)a)->domain.b, ((const emr_share_row *)b)->domain.b,
		sizeof(emr_id16));
}

/* Nothing of his own ends where he has nothing of his own; what he reads by other shares is said in
 * any case. */
static emr_status take_back(taking *t, const emr_who *who)
{
	json_auto_t *ways = NULL;

	EMR_TRY(end_all(t)); /* first of all */
	if (who->kind == EMR_WHO_PERSON)
		EMR_TRY(emr_still_reads(t->session, t->crowd, who, t->path, &t->ended, &ways));
	if (t->ended.n == 0 && json_array_size(ways) == 0)
		return EMR_NOT_FOUND;
	EMR_TRY(emit_ended(t));
	look_back(t);
	EMR_TRY(emit_seen(t, "openings", true));
	EMR_TRY(emit_seen(t, "released", false));
	EMR_TRY(emr_emit_list("still", ways, t->sink));
	return emr_emit(t->sink,
		json_pack("{s:b, s:O, s:b, s:b}", "done", 1, "orders", t->orders, "names_seen",
			t->names_seen, "reached", emr_sharing_reaches_ledger(t->session)));
}

/* A person who has a grant comes before a person who is known: a person whose key was revoked is
 * not known any more, and the grants still stand. */
static emr_status find_who(taking *t, const char *text, emr_crowd *crowd, const emr_id16 *domain,
	emr_who *who, emr_problem *out_problem)
{
	char ids[400];
	emr_status status;

	EMR_TRY(emr_shares_collect(t->session, crowd, domain, 0, &t->ended));
	status = emr_shares_who(&t->ended, domain, text, who, ids, sizeof ids);
	if (status == EMR_CONFLICT)
		emr_problem_set(out_problem, EMR_SAY_WHICH_PERSON, "who", text, "names", ids, NULL);
	return status == EMR_NOT_FOUND ? emr_who_find_or_say(crowd, text, who, out_problem)
				       : status;
}

static void keep_deleted(emr_share_rows *rows, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->n; i++) {
		if (rows->list[i].is_deleted && strcmp(rows->list[i].path, name) == 0)
			rows->list[kept++] = rows->list[i];
		else
			free(rows->list[i].path);
	}
	rows->n = kept;
}

/* A deleted folder has no path any more: its shares are found by the name they are listed under.
 * PROBLEM says that it is not there. */
static emr_status find_deleted(
	taking *t, const emr_request *request, emr_crowd *crowd, emr_who *who, emr_problem *problem)
{
	emr_problem ignored = {0};
	emr_status status = find_who(t, request->who, crowd, NULL, who, &ignored);

	keep_deleted(&t->ended, request->path);
	if (status != EMR_OK || t->ended.n == 0)
		return EMR_NOT_FOUND;
	*problem = (emr_problem){0};
	return EMR_OK;
}

/* Everything of DOMAIN, or of the folder, is in t->ended afterwards. */
static emr_status find_shares(taking *t, const emr_request *request, emr_crowd *crowd, emr_who *who,
	emr_id16 *domain, emr_problem *out_problem)
{
	emr_session *session = t->session;
	char label[EMR_ORDER_TEXT_MAX + 1];
	emr_status status = EMR_OK;

	if (request->has_path)
		status =
			emr_sharing_place(session, request->path, true, domain, label, out_problem);
	if (status == EMR_NOT_FOUND)
		status = find_deleted(t, request, crowd, who, out_problem);
	else if (status == EMR_OK)
		status = find_who(t, request->who, crowd, request->has_path ? domain : NULL, who,
			out_problem);
	if (status == EMR_OK && (session->sharing == NULL || session->read_only))
		return EMR_PROBLEM(EMR_READ_ONLY, out_problem, EMR_SAY_READ_ONLY, "path",
			_("Your folder"), NULL);
	return status;
}

emr_status emr_answer_revoke(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	__attribute__((cleanup(taking_end))) taking t = {.session = session,
		.sink = sink,
		.path = request->has_path ? request->path : NULL,
		.orders = json_array()};
	EMR_AUTO_CROWD crowd = {0};
	emr_id16 domain;
	emr_who who;
	char text[EMR_WHO_TEXT_BYTES], shown[EMR_SHOWN_CHARS];
	emr_status status;

	if (request->has_path && emr_path_is_shared(request->path))
		return emr_guardian_revoke(session, request, sink, out_problem);
	status = emr_crowd_open(session, &crowd);

	t.crowd = &crowd;
	if (status == EMR_OK)
		status = find_shares(&t, request, &crowd, &who, &domain, out_problem);
	if (status == EMR_OK)
		status = emr_sharing_handle(session, &t.share);
	if (status == EMR_OK) {
		keep_of(&t.ended, &who);
		EMR_SORT(t.ended.list, t.ended.n, by_domain);
		emr_shown_ends(&t.ended, &who, shown);
		emr_who_text(&who, text, sizeof text);
		status = request->look ? emit_ended(&t)
				       : emr_shown_check(request, shown, out_problem);
	}
	if (status == EMR_OK && request->look) /* what would end, and the code for it */
		status = emr_emit(sink, json_pack("{s:b, s:o, s:s}", "done", 1, "text",
						emr_json_text(text), "shown", shown));
	if (status == EMR_OK && !request->look)
		status = take_back(&t, &who);
	if (status == EMR_NOT_FOUND && !out_problem->is_set) {
		emr_who_text(&who, text, sizeof text);
		emr_problem_set(out_problem, EMR_SAY_NOT_SHARED, "path",
			request->has_path ? request->path : "Nothing", "who", text, NULL);
	}
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "revoke");
	return status;
}
