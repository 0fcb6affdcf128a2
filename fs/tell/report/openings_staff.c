/* An auditor of an organisation may see what its staff asked for. This file lists that, without
 * names of records, because those are not an auditor's to know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sharing/sharing.h"

#include "deeds_private.h"

/* Asked since the time in hand; what nobody has answered yet is told a moment later. */
static bool is_of_now(const gathering *g, const emr_audit_entry *entry)
{
	return entry->ledger_time >= g->since &&
	       (entry->kind != EMR_AUDIT_ASKED || g->now >= entry->ledger_time + UNANSWERED_S);
}

/* As gathering_add, with who of the staff it was. */
static emr_status add_of_staff(gathering *g, const emr_audit_entry *entry, emr_opening **out)
{
	size_t who = 0;

	g->domain = entry->domain;
	EMR_TRY(gathering_person(g, entry->who, entry->seq, &who));
	EMR_TRY(gathering_add(g, entry, out));
	(*out)->who = who;
	(*out)->is_staff = true;
	return EMR_OK;
}

/* Adds the facts that an auditor may know of a record: the beginnings of its numbers. */
emr_status gathering_staff_record(gathering *g, const emr_audit_entry *entry)
{
	char domain[33], object[33], text[80];
	emr_opening *one;
	size_t before = g->out->n;

	if (!is_of_now(g, entry))
		return EMR_OK;
	EMR_TRY(add_of_staff(g, entry, &one));
	emr_hex(entry->domain.b, sizeof entry->domain.b, domain);
	emr_hex(entry->slot.object_id.b, sizeof entry->slot.object_id.b, object);
	if (!entry->is_readable || one->is_names)
		snprintf(text, sizeof text, "folder %.8s of somebody", domain);
	else
		snprintf(text, sizeof text, "record %.8s in folder %.8s of somebody", object,
			domain);
	one->path = strdup(text);
	g->out->n = before + (one->path != NULL);
	return one->path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- one entry a question ---- */

typedef struct questions {
	gathering g;
	emr_id32 last; /* item of the question in hand */
	bool has_last;
} questions;

static void questions_end(questions *q)
{
	emr_share_free(q->g.share);
	emr_crowd_close(&q->g.crowd);
}

static emr_status describe_opening(emr_opening *one)
{
	char text[96];

	if (one->is_names)
		snprintf(text, sizeof text, "folder %s of somebody", one->folder);
	else
		snprintf(text, sizeof text, "%u record%s in folder %s of somebody", one->records,
			one->records == 1 ? "" : "s", one->folder);
	free(one->path);
	one->path = strdup(text);
	return one->path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status take_question(questions *q, const emr_audit_entry *entry)
{
	gathering *g = &q->g;
	char domain[33];
	emr_opening *one;

	if (!is_of_now(g, entry))
		return EMR_OK;
	if (q->has_last && emr_id32_equal(q->last, entry->item)) {
		one = &g->out->list[g->out->n - 1];
		one->is_names &=
			entry->slot.kind == EMR_CAPSULE_LISTING; /* names alone, or records, too */
		return describe_opening(one);
	}
	EMR_TRY(add_of_staff(g, entry, &one));
	emr_hex(entry->domain.b, sizeof entry->domain.b, domain);
	memcpy(one->folder, domain, 8);
	one->records = entry->asked;
	EMR_TRY(describe_opening(one));
	g->out->n++;
	q->last = entry->item;
	q->has_last = true;
	return EMR_OK;
}

emr_status emr_openings_staff(
	const emr_session *session, uint64_t since_unix_s, uint64_t now_unix_s, emr_openings *out)
{
	__attribute__((cleanup(emr_openings_free))) emr_openings found = {0};
	__attribute__((cleanup(questions_end))) questions q = {
		.g = {.session = session, .out = &found, .since = since_unix_s, .now = now_unix_s}};
	EMR_AUTO_BUF entries = {0};
	emr_status status = emr_crowd_open(session, &q.g.crowd);

	if (status == EMR_OK)
		status = emr_sharing_handle(session, &q.g.share);
	if (status == EMR_OK)
		status = emr_share_staff(q.g.share, &entries, &found.damaged);
	if (status != EMR_OK) /* on no ledger of several */
		return status == EMR_NOT_FOUND ? EMR_DENIED : status;
	EMR_EACH (const emr_audit_entry, entry, &entries)
		EMR_TRY(take_question(&q, entry));
	if (found.n > 0)
		qsort(found.list, found.n, sizeof *found.list, openings_by_entry);
	EMR_TRY(gathering_agents(&q.g));
	*out = found;
	found = (emr_openings){0};
	return EMR_OK;
}
