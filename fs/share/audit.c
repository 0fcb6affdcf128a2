/* This file tells an owner which readers asked for records, which of them got a key (the ledger
 * proves it), and which files were opened (the reader's computer reports it). An entry that cannot
 * be opened is still listed, with what the ledger says of it in the clear. */
#include "share/audit.h"

#include <stdlib.h>
#include <string.h>

#include "replica/ask.h"

#include "judge.h"

/* The agents that answer the questions of one grant, and how many of them must. */
typedef struct asked_grant {
	emr_id16 id;
	unsigned needed, n;
	emr_id32 agents[EMR_AGENTS_MAX];
} asked_grant;

typedef struct audit {
	emr_share *share;
	emr_id16 domain;
	emr_id32 owner; /* signer id of the domain */
	emr_box_key *box;
	emr_buf *out; /* emr_audit_entry, ... */
	uint64_t damaged;
	emr_buf *
		grants; /* asked_grant, ...: each is read once, and not for each of its questions */
} audit;

static bool is_damage(emr_status status)
{
	return status == EMR_DAMAGED || status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ||
	       status == EMR_BAD_SIGNATURE;
}

/* ---- released ---- */

/* An agent's answer brings the owner the question's key, if the reader did not. */
static emr_status open_by_answer(const audit *a, question *q, const emr_known_answer *answer)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_replica_item item;

	EMR_TRY(share_item(
		a->share, EMR_FAMILY_SERVED, a->domain, answer->object, 1, &bytes, &item));
	EMR_TRY(share_part(a->share, EMR_FAMILY_SERVED, a->domain, answer->object, 1, &part));
	EMR_TRY(emr_request_key_of_served(
		a->box, emr_buf_view(&bytes), emr_buf_view(&part), &q->read, &q->key));
	return emr_access_body_open(q->key, emr_buf_view(&q->item), &q->read, &q->body);
}

static emr_status note_answer(const audit *a, const emr_known_release *release, question *q,
	emr_id32 responder, emr_audit_entry *entry)
{
	emr_known_answer answer;
	emr_status status = emr_replica_answer(a->share->o.replica, release, responder, &answer);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (answer.mode == EMR_SERVED_OWNER && answer.given > 0)
		entry->is_by_owner = true;
	if (answer.mode != EMR_SERVED_FRAGMENTS)
		return EMR_OK;
	if (answer.given > 0)
		entry->given[entry->given_count++] = responder;
	if (q->body.slots == NULL)
		status = open_by_answer(a, q, &answer);
	return is_damage(status) ? EMR_OK : status;
}

static emr_status find_grant(audit *a, emr_id16 id, asked_grant *out)
{
	AUTO_GRANT_FACTS facts = {0};

	EMR_EACH (const asked_grant, grant, a->grants)
		if (emr_id16_equal(grant->id, id)) {
			*out = *grant;
			return EMR_OK;
		}
	EMR_TRY(share_grant_facts(a->share, a->domain, id, &facts));
	*out = (asked_grant){.id = id, .needed = facts.terms.t, .n = facts.read.n};
	memcpy(out->agents, facts.read.agents, out->n * sizeof *out->agents);
	return emr_buf_append(a->grants, out, sizeof *out);
}

static emr_status note_answers(
	audit *a, const emr_known_release *release, question *q, emr_audit_entry *entry)
{
	asked_grant grant;

	EMR_TRY(find_grant(a, release->grant, &grant));
	EMR_TRY(note_answer(a, release, q, a->owner, entry));
	for (unsigned i = 0; i < grant.n; i++)
		EMR_TRY(note_answer(a, release, q, grant.agents[i], entry));
	if (entry->is_by_owner || (grant.needed > 0 && entry->given_count >= grant.needed))
		entry->kind = EMR_AUDIT_RELEASED;
	return EMR_OK;
}

static emr_status add_release(audit *a, const emr_known_release *release)
{
	emr_audit_entry entry = audit_entry_of(release);
	AUTO_QUESTION q = {0};
	emr_status status = question_read(a->share, release->domain, release->access, &q);

	entry.batch_id = q.batch_id;
	if (status == EMR_OK) {
		status = question_open(&q, a->box, emr_owner_rid(a->domain));
		if (is_damage(status)) /* not addressed to the owner: perhaps an answer tells */
			status = EMR_OK;
	}
	if (status == EMR_OK)
		status = note_answers(a, release, &q, &entry);
	if (is_damage(status)) {
		a->damaged++;
		return emr_buf_append(a->out, &entry, sizeof entry); /* that he asked stands there,
									whatever is sealed */
	}
	EMR_TRY(status);
	if (q.body.slots != NULL)
		return audit_add_slots(&q, &entry, a->out);
	a->damaged++;
	return emr_buf_append(a->out, &entry, sizeof entry);
}

/* ---- opened ---- */

static emr_status add_rows(audit *a, const emr_known_report *report, const emr_replica_item *item,
	const emr_report_row *rows, size_t n)
{
	emr_audit_entry entry = {.kind = EMR_AUDIT_OPENED,
		.who = report->signer,
		.domain = report->domain,
		.grant = report->grant,
		.via = report->via,
		.ledger_time = report->ledger_time,
		.item = item->item_id,
		.seq = item->seq,
		.batch_id = item->batch_id,
		.is_readable = true};

	for (size_t i = 0; i < n; i++) {
		entry.opened = rows[i];
		entry.purpose = rows[i].purpose;
		entry.reader = rows[i].reader;
		entry.slot = (emr_access_slot){.object_id = rows[i].object_id,
			.version = rows[i].version,
			.kind = EMR_CAPSULE_CONTENT};
		EMR_TRY(emr_buf_append(a->out, &entry, sizeof entry));
	}
	return EMR_OK;
}

static emr_status add_report(audit *a, const emr_known_report *report)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_FREE emr_report_row *rows = NULL;
	emr_replica_item item;
	size_t n = 0;
	emr_status status = share_item(
		a->share, EMR_FAMILY_REPORT, a->domain, report->report, 1, &bytes, &item);

	if (status == EMR_OK)
		status = share_part(
			a->share, EMR_FAMILY_REPORT, a->domain, report->report, 1, &part);
	if (status == EMR_OK)
		status = emr_report_part_open(
			a->box, emr_buf_view(&bytes), emr_buf_view(&part), &rows, &n);
	if (is_damage(status)) {
		a->damaged++;
		return EMR_OK;
	}
	return status == EMR_OK ? add_rows(a, report, &item, rows, n) : status;
}

emr_status emr_share_audit(
	emr_share *share, emr_id16 domain, emr_buf *out_entries, uint64_t *out_damaged)
{
	EMR_AUTO_BUF grants = {0};
	audit a = {.share = share, .domain = domain, .out = out_entries, .grants = &grants};
	emr_row_domain row;
	emr_domain_public public;
	EMR_AUTO_BUF releases = {0};
	EMR_AUTO_BUF reports = {0};
	AUTO_BOX_KEY box = NULL;

	EMR_TRY(share_own_domain(share, domain, &row, &public));
	EMR_TRY(emr_box_key_domain(share->o.keyring, domain, &box));
	a.box = box;
	a.owner = public.signer_id;
	EMR_TRY(EMR_ASK_ALL(&releases, share->o.replica, RELEASES, .domain = domain));
	EMR_EACH (const emr_known_release, release, &releases)
		EMR_TRY(add_release(&a, release));
	EMR_TRY(EMR_ASK_ALL(&reports, share->o.replica, REPORTS, .domain = domain));
	EMR_EACH (const emr_known_report, report, &reports)
		EMR_TRY(add_report(&a, report));
	if (out_damaged != NULL)
		*out_damaged = a.damaged;
	return EMR_OK;
}
