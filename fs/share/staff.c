/* This file finds the auditors of a reader's organisation, to whom questions for keys are sealed
 * besides, and shows an auditor the questions that the staff of the auditor's organisation asked.
 * It shows no answers and no names. */
#include <string.h>

#include "contract/codes.h"
#include "crypto/hpke.h"
#include "replica/ask.h"
#include "share/audit.h"

#include "judge.h"

/* ---- who audits me ---- */

/* Whether an entry from SEQ on says that a key came, went or changed. */
static emr_status have_keys_changed(emr_replica *replica, uint64_t seq, bool *out_have)
{
	emr_replica_change change;
	EMR_ASK(changes, replica, SINCE, .at = seq);

	while (!*out_have && emr_next(&changes, &change))
		*out_have = change.op < EMR_OP_DOMAIN_NEW;
	return changes.status;
}

static emr_status find_auditors(emr_share *share, const uint8_t org[16], auditors *out)
{
	emr_known_person person;
	EMR_ASK(people, share->o.replica, PEOPLE);

	while (out->n < AUDITORS_MAX && emr_next(&people, &person)) {
		bool is_active = false;

		if ((person.row.roles & EMR_ROLE_AUDITOR) == 0 ||
			memcmp(person.row.org, org, 16) != 0 ||
			emr_id32_equal(person.signer_id, share->me.signer_id) ||
			!emr_hpke_takes(person.row.x25519)) /* he would stop every question */
			continue;
		EMR_TRY(emr_replica_person_is_active(
			share->o.replica, &person, share_now(share), &is_active));
		if (!is_active)
			continue;
		out->list[out->n].rid = person.signer_id;
		memcpy(out->list[out->n++].x25519, person.row.x25519, 32);
	}
	return people.status;
}

/* Looks again only when the ledger says something about keys. */
emr_status staff_auditors(emr_share *share, const auditors **out)
{
	auditors found = {0};
	emr_replica_position at;
	emr_known_person me;
	bool is_new = share->auditors.size == 0;

	EMR_TRY(emr_replica_at(share->o.replica, &at));
	EMR_TRY(is_new ? EMR_OK
		       : have_keys_changed(share->o.replica, share->auditors.size, &is_new));
	if (is_new) {
		EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
		EMR_TRY(find_auditors(share, me.row.org, &found));
		share->auditors = found;
	}
	share->auditors.size = at.size;
	*out = &share->auditors;
	return EMR_OK;
}

/* ---- what an auditor sees ---- */

typedef struct audit {
	emr_share *share;
	emr_box_key *box;
	emr_buf agents; /* emr_known_person, ...: of all organisations */
	emr_buf *out;	/* emr_audit_entry, ... */
	uint64_t damaged;
} audit;

static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	(void)index;
	return part.data != NULL ? emr_buf_append(arg, part.data, part.len) : EMR_NOT_FOUND;
}

/* Parts of others' domains are not kept here: the ledger is asked; reading compares with the item's
 * hash. */
static emr_status fetch_question(audit *a, const emr_known_release *release, question *q)
{
	emr_part_key key = {.family = EMR_FAMILY_ACCESS,
		.domain = release->domain,
		.object = release->access,
		.version = 1};
	emr_replica_item item;

	EMR_TRY(share_item(
		a->share, EMR_FAMILY_ACCESS, release->domain, release->access, 1, &q->item, &item));
	q->batch_id = item.batch_id;
	emr_buf_clear(&q->part);
	EMR_TRY(emr_ledger_fetch(a->share->o.ledger, &key, 1, take_part, &q->part));
	EMR_TRY(emr_access_part_read(emr_buf_view(&q->item), emr_buf_view(&q->part), &q->read));
	return question_open(q, a->box, a->share->me.signer_id);
}

/* The giver: any agent there is, or the owner. */
static emr_status note_answers(audit *a, const emr_known_release *release, emr_audit_entry *entry)
{
	emr_known_answer answer;
	emr_known_grant grant;
	emr_row_domain domain;
	const emr_bytes pk = emr_bytes_of(domain.owner_pk, sizeof domain.owner_pk);
	unsigned t = 0;
	emr_status status;

	EMR_TRY(share_domain(a->share, release->domain, &domain));
	status = emr_replica_answer(a->share->o.replica, release, emr_sha256_of(&pk, 1), &answer);
	entry->is_by_owner = status == EMR_OK && answer.given > 0;
	EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
	EMR_EACH (const emr_known_person, agent, &a->agents) {
		status =
			emr_replica_answer(a->share->o.replica, release, agent->signer_id, &answer);
		EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
		if (status == EMR_OK && answer.mode == EMR_SERVED_FRAGMENTS && answer.given > 0 &&
			entry->given_count < EMR_AGENTS_MAX)
			entry->given[entry->given_count++] = agent->signer_id;
	}
	status = emr_replica_grant(a->share->o.replica, release->domain, release->grant, &grant);
	if (status == EMR_OK)
		t = grant.row.t;
	if (entry->is_by_owner || (t > 0 && entry->given_count >= t))
		entry->kind = EMR_AUDIT_RELEASED;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_audit_entry audit_entry_of(const emr_known_release *release)
{
	return (emr_audit_entry){.kind = EMR_AUDIT_ASKED,
		.who = release->signer,
		.domain = release->domain,
		.grant = release->grant,
		.via = release->via,
		.ledger_time = release->ledger_time,
		.item = release->req,
		.seq = release->seq,
		.asked = release->asked};
}

emr_status audit_add_slots(const question *q, emr_audit_entry *entry, emr_buf *out)
{
	entry->is_readable = true;
	entry->purpose = q->body.purpose;
	entry->reader = q->body.reader;
	for (uint16_t i = 0; i < q->body.count; i++) {
		entry->slot = q->body.slots[i];
		EMR_TRY(emr_buf_append(out, entry, sizeof *entry));
	}
	return EMR_OK;
}

static emr_status add_release(audit *a, const emr_known_release *release)
{
	AUTO_QUESTION q = {0};
	emr_audit_entry entry = audit_entry_of(release);
	emr_status status = fetch_question(a, release, &q);

	entry.batch_id = q.batch_id;
	if (emr_status_may_pass(status))
		return status;
	EMR_TRY(note_answers(a, release, &entry));
	if (status == EMR_OK)
		return audit_add_slots(&q, &entry, a->out);
	a->damaged++; /* not addressed to me, or gone: that he asked stands there all the same */
	return emr_buf_append(a->out, &entry, sizeof entry);
}

static emr_status add_all(audit *a)
{
	EMR_AUTO_BUF all = {0};
	emr_known_person me;

	EMR_TRY(emr_replica_person(a->share->o.replica, a->share->me.signer_id, &me));
	if ((me.row.roles & EMR_ROLE_AUDITOR) == 0)
		return EMR_DENIED;
	EMR_TRY(emr_box_key_identity(a->share->o.keyring, &a->box));
	EMR_TRY(EMR_ASK_ALL(&a->agents, a->share->o.replica, AGENTS));
	EMR_TRY(EMR_ASK_ALL(
		&all, a->share->o.replica, RELEASES_BY, .org = EMR_ID16_AT(me.row.org)));
	EMR_EACH (const emr_known_release, release, &all)
		EMR_TRY(add_release(a, release));
	return EMR_OK;
}

emr_status emr_share_staff(emr_share *share, emr_buf *out_entries, uint64_t *out_damaged)
{
	audit a = {.share = share, .out = out_entries};
	emr_status status = add_all(&a);

	emr_box_key_free(a.box);
	emr_buf_free(&a.agents);
	if (status == EMR_OK && out_damaged != NULL)
		*out_damaged = a.damaged;
	return status;
}
