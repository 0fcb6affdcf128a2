/* This file tells an owner which readers asked for records, which of them got a key (the ledger
 * proves it), and which files were opened (the reader's computer reports it); and an auditor what
 * the staff of the auditor's organisation asked for. An entry that cannot be opened is still
 * listed, with what the ledger says of it in the clear. */
#include "share/audit.h"

#include <stdlib.h>
#include <string.h>

#include "keyring/keyring.h"
#include "replica/ask.h"

#include "judge.h"

/* The answerers of one grant's questions, and how many agents of them must. */
typedef struct asked_grant {
	emr_id16 domain, id;
	emr_id32 owners[EMR_FORMER_MAX + 1]; /* signer ids of the domain, the last so many */
	unsigned owners_n, needed, n;
	emr_id32 agents[EMR_AGENTS_MAX]; /* of the owner's audit: an auditor sees no fragments */
} asked_grant;

typedef struct audit {
	emr_share *share;
	emr_id32 rid; /* by whose BOX questions open */
	emr_box_key *box;
	emr_buf agents; /* emr_known_person, ...: an auditor's, of all organisations */
	emr_buf grants; /* asked_grant, ...: each is read once, and not for each of its questions */
	emr_buf *out;	/* emr_audit_entry, ... */
	uint64_t damaged;
	bool is_auditor;
} audit;

static void audit_end(audit *a)
{
	emr_box_key_free(a->box);
	emr_buf_free(&a->agents);
	emr_buf_free(&a->grants);
}

/* ---- released ---- */

/* An agent's answer brings the owner the question's key, if the reader did not. */
static emr_status open_by_answer(
	const audit *a, question *q, emr_id16 domain, const emr_known_answer *answer)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_replica_item item;

	EMR_TRY(share_item(a->share, EMR_FAMILY_SERVED, domain, answer->object, 1, &bytes, &item));
	EMR_TRY(share_part(a->share, EMR_FAMILY_SERVED, domain, answer->object, 1, &part));
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
	if (answer.given > 0 && entry->given_count < EMR_AGENTS_MAX)
		entry->given[entry->given_count++] = responder;
	if (q->body.slots == NULL && !a->is_auditor)
		status = open_by_answer(a, q, release->domain, &answer);
	return emr_status_is_unreadable(status) ? EMR_OK : status;
}

static emr_status read_grant(const audit *a, asked_grant *out)
{
	AUTO_GRANT_FACTS facts = {0};
	EMR_AUTO_BUF owners = {0};
	emr_status status =
		a->is_auditor
			? emr_replica_grant(a->share->o.replica, out->domain, out->id, &facts.known)
			: share_grant_facts(a->share, out->domain, out->id, &facts);

	if (status != EMR_OK && !(a->is_auditor && status == EMR_NOT_FOUND))
		return status;
	EMR_TRY(emr_replica_owners_of(a->share->o.replica, out->domain, &owners));
	EMR_EACH (const emr_known_owner, owner, &owners)
		out->owners[out->owners_n++ % (EMR_FORMER_MAX + 1)] = owner->signer;
	if (out->owners_n > EMR_FORMER_MAX + 1)
		out->owners_n = EMR_FORMER_MAX + 1;
	out->needed = facts.known.row.t;
	out->n = facts.read.n;
	memcpy(out->agents, facts.read.agents, out->n * sizeof *out->agents);
	return EMR_OK;
}

static emr_status find_grant(audit *a, const emr_known_release *release, asked_grant *out)
{
	EMR_EACH (const asked_grant, grant, &a->grants)
		if (emr_id16_equal(grant->id, release->grant) &&
			emr_id16_equal(grant->domain, release->domain)) {
			*out = *grant;
			return EMR_OK;
		}
	*out = (asked_grant){.domain = release->domain, .id = release->grant};
	EMR_TRY(read_grant(a, out));
	return emr_buf_append(&a->grants, out, sizeof *out);
}

static emr_status note_answers(
	audit *a, const emr_known_release *release, question *q, emr_audit_entry *entry)
{
	asked_grant grant;

	EMR_TRY(find_grant(a, release, &grant));
	for (unsigned i = 0; i < grant.owners_n; i++)
		EMR_TRY(note_answer(a, release, q, grant.owners[i], entry));
	for (unsigned i = 0; i < grant.n; i++)
		EMR_TRY(note_answer(a, release, q, grant.agents[i], entry));
	EMR_EACH (const emr_known_person, agent, &a->agents)
		EMR_TRY(note_answer(a, release, q, agent->signer_id, entry));
	if (entry->is_by_owner || (grant.needed > 0 && entry->given_count >= grant.needed))
		entry->kind = EMR_AUDIT_RELEASED;
	return EMR_OK;
}

static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	(void)index;
	return part.data != NULL ? emr_buf_append(arg, part.data, part.len) : EMR_NOT_FOUND;
}

/* Parts of others' domains are not kept here: the ledger is asked; reading compares with the item's
 * hash. */
static emr_status fetch_question(const audit *a, const emr_known_release *release, question *q)
{
	emr_part_key key = {.family = EMR_FAMILY_ACCESS,
		.domain = release->domain,
		.object = release->access,
		.version = 1};

	EMR_TRY(question_read_public(a->share, release->domain, release->access, q));
	EMR_TRY(emr_ledger_fetch(a->share->o.ledger, &key, 1, take_part, &q->part));
	return emr_access_part_read(emr_buf_view(&q->item), emr_buf_view(&q->part), &q->read);
}

/* Not addressed to who looks: perhaps an answer tells, and the answers stand there all the same.
 * The ledger may also refuse an auditor the part. */
static emr_status pass_over(const audit *a, emr_status status)
{
	const bool is_sealed =
		a->is_auditor ? !emr_status_may_pass(status) : emr_status_is_unreadable(status);

	return is_sealed ? EMR_OK : status;
}

/* An auditor was asked by the key that he had then. */
static emr_status open_as_asked(const audit *a, question *q)
{
	emr_status status = question_open(q, a->box, a->rid);
	emr_id32 former;

	for (size_t i = 1; a->is_auditor && status == EMR_NOT_FOUND &&
			   emr_keyring_former_id(a->share->o.keyring, i, &former) == EMR_OK;
		i++)
		status = question_open(q, a->box, former);
	return status;
}

static emr_status add_release(audit *a, const emr_known_release *release)
{
	emr_audit_entry entry = {.kind = EMR_AUDIT_ASKED,
		.who = release->signer,
		.domain = release->domain,
		.grant = release->grant,
		.via = release->via,
		.ledger_time = release->ledger_time,
		.item = release->req,
		.seq = release->seq,
		.asked = release->asked};
	AUTO_QUESTION q = {0};
	emr_status status = a->is_auditor
				    ? fetch_question(a, release, &q)
				    : question_read(a->share, release->domain, release->access, &q);

	entry.batch_id = q.batch_id;
	if (status == EMR_OK)
		status = pass_over(a, open_as_asked(a, &q));
	else if (a->is_auditor)
		status = pass_over(a, status);
	if (status == EMR_OK)
		status = note_answers(a, release, &q, &entry);
	if (status != EMR_OK && !emr_status_is_unreadable(status))
		return status;
	if (status != EMR_OK || q.body.slots == NULL) {
		a->damaged++; /* that it was asked stands there, whatever is sealed */
		return emr_buf_append(a->out, &entry, sizeof entry);
	}
	entry.is_readable = true;
	entry.purpose = q.body.purpose;
	entry.reader = q.body.reader;
	for (uint16_t i = 0; i < q.body.count; i++) {
		entry.slot = q.body.slots[i];
		EMR_TRY(emr_buf_append(a->out, &entry, sizeof entry));
	}
	return EMR_OK;
}

static emr_status add_releases(audit *a, const emr_buf *releases)
{
	EMR_EACH (const emr_known_release, release, releases)
		EMR_TRY(add_release(a, release));
	return EMR_OK;
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
		a->share, EMR_FAMILY_REPORT, report->domain, report->report, 1, &bytes, &item);

	if (status == EMR_OK)
		status = share_part(
			a->share, EMR_FAMILY_REPORT, report->domain, report->report, 1, &part);
	if (status == EMR_OK)
		status = emr_report_part_open(
			a->box, emr_buf_view(&bytes), emr_buf_view(&part), &rows, &n);
	a->damaged += emr_status_is_unreadable(status);
	if (status != EMR_OK)
		return emr_status_is_unreadable(status) ? EMR_OK : status;
	return add_rows(a, report, &item, rows, n);
}

emr_status emr_share_audit(
	emr_share *share, emr_id16 domain, emr_buf *out_entries, uint64_t *out_damaged)
{
	__attribute__((cleanup(audit_end)))
	audit a = {.share = share, .out = out_entries, .rid = emr_owner_rid(domain)};
	emr_row_domain row;
	emr_domain_public public;
	EMR_AUTO_BUF releases = {0};
	EMR_AUTO_BUF reports = {0};

	EMR_TRY(share_own_domain(share, domain, &row, &public));
	EMR_TRY(emr_box_key_domain(share->o.keyring, domain, &a.box));
	EMR_TRY(EMR_ASK_ALL(&releases, share->o.replica, RELEASES, .domain = domain));
	EMR_TRY(add_releases(&a, &releases));
	EMR_TRY(EMR_ASK_ALL(&reports, share->o.replica, REPORTS, .domain = domain));
	EMR_EACH (const emr_known_report, report, &reports)
		EMR_TRY(add_report(&a, report));
	if (out_damaged != NULL)
		*out_damaged = a.damaged;
	return EMR_OK;
}

emr_status emr_share_staff(emr_share *share, emr_buf *out_entries, uint64_t *out_damaged)
{
	__attribute__((cleanup(audit_end))) audit a = {
		.share = share, .out = out_entries, .rid = share->me.signer_id, .is_auditor = true};
	EMR_AUTO_BUF releases = {0};
	emr_known_person me;

	EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
	if ((me.row.roles & EMR_ROLE_AUDITOR) == 0)
		return EMR_DENIED;
	EMR_TRY(emr_box_key_identity(share->o.keyring, &a.box));
	EMR_TRY(EMR_ASK_ALL(&a.agents, share->o.replica, AGENTS));
	EMR_TRY(EMR_ASK_ALL(
		&releases, share->o.replica, RELEASES_BY, .org = EMR_ID16_AT(me.row.org)));
	EMR_TRY(add_releases(&a, &releases));
	if (out_damaged != NULL)
		*out_damaged = a.damaged;
	return EMR_OK;
}
