/* Before a key is released, this file decides whether the question may be answered: it checks the
 * grant, its dates and purposes, the certificate of the reader who asks, the limit a day, and each
 * record that is asked for. The owner's computer and the agents decide by the same rules. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replica/follower.h"
#include "replica/rules.h"
#include "share/request.h"
#include "share/frozen.h"

#include "teams_private.h"

/* ---- questions ---- */

emr_status question_read_public(emr_share *share, emr_id16 domain, emr_id16 access, question *out)
{
	emr_replica_item item;

	EMR_TRY(share_item(share, EMR_FAMILY_ACCESS, domain, access, 1, &out->item, &item));
	out->domain = domain;
	out->access = access;
	out->req = item.item_id;
	out->signer = item.signer_id;
	out->batch_id = item.batch_id;
	out->ledger_time = item.ledger_time;
	out->seq = item.seq;
	out->is_time_suspect = item.is_time_suspect;
	return emr_pub_access_req_parse(
		       (emr_span){out->item.data + EMR_ITEM_BYTES, out->item.len - EMR_ITEM_BYTES},
		       &out->pub)
		       ? EMR_OK
		       : EMR_DAMAGED;
}

emr_status question_read(emr_share *share, emr_id16 domain, emr_id16 access, question *out)
{
	EMR_TRY(question_read_public(share, domain, access, out));
	EMR_TRY(share_part(share, EMR_FAMILY_ACCESS, domain, access, 1, &out->part));
	return emr_access_part_read(emr_buf_view(&out->item), emr_buf_view(&out->part), &out->read);
}

emr_status question_load(emr_share *share, emr_id16 domain, emr_id16 access, question *out)
{
	EMR_TRY(question_read(share, domain, access, out));
	EMR_TRY(share_domain(share, domain, &out->row));
	return share_grant_facts(share, domain, EMR_ID16_AT(out->pub.grant), &out->grant);
}

void question_free(question *q)
{
	emr_access_body_free(&q->body);
	emr_request_key_free(q->key);
	grant_facts_free(&q->grant);
	emr_buf_free(&q->item);
	emr_buf_free(&q->part);
	memset(q, 0, sizeof *q);
}

/* The number of names in it is true: a limit of files a day does not count them. */
emr_status question_open(question *q, const emr_box_key *box, emr_id32 rid)
{
	size_t names = 0;

	EMR_TRY(emr_request_key_open(box, rid, emr_buf_view(&q->item), &q->read, &q->key));
	EMR_TRY(emr_access_body_open(q->key, emr_buf_view(&q->item), &q->read, &q->body));
	for (size_t i = 0; i < q->body.count; i++)
		names += q->body.slots[i].kind == EMR_CAPSULE_LISTING;
	return names >= q->pub.names ? EMR_OK : EMR_DAMAGED;
}

emr_asked question_asked(const question *q)
{
	emr_asked asked = {.key = q->key};

	memcpy(asked.epk, q->read.epk, 32);
	memcpy(asked.owner_box, q->row.box, 32);
	return asked;
}

/* ---- rates ---- */

/* After a start the ledger tells what was asked today; questions count then, not only answers. */
static emr_status rate_of(desk *d, const question *q, rate **out)
{
	uint64_t day = share_now(d->share) / 86400, from = day * 86400;
	rate new = {.domain = q->domain, .grant = q->grant.known.grant, .day = day};
	emr_known_release release;

	EMR_EACH (rate, r, &d->rates) {
		if (!emr_id16_equal(r->grant, q->grant.known.grant) ||
			!emr_id16_equal(r->domain, q->domain))
			continue;
		if (r->day != day)
			*r = (rate){.domain = r->domain, .grant = r->grant, .day = day};
		*out = r;
		return EMR_OK;
	}
	EMR_ASK(releases, d->share->o.replica, RELEASES, .domain = q->domain);
	while (emr_next(&releases, &release))
		if (emr_id16_equal(release.grant, new.grant) && release.ledger_time >= from)
			new.slots += release.asked;
	EMR_TRY(releases.status);
	/* The one in hand is among them. */
	if (q->ledger_time >= from && new.slots >= q->pub.count)
		new.slots -= q->pub.count;
	EMR_TRY(emr_buf_append(&d->rates, &new, sizeof new));
	*out = (rate *)(void *)(d->rates.data + d->rates.len - sizeof new);
	return EMR_OK;
}

emr_status desk_count(desk *d, const question *q, size_t slots)
{
	rate *r = NULL;

	EMR_TRY(rate_of(d, q, &r));
	r->slots += slots;
	return EMR_OK;
}

emr_status desk_may_refuse(desk *d, const question *q, bool *out_may)
{
	rate *r = NULL;

	EMR_TRY(rate_of(d, q, &r));
	*out_may = r->refused < REFUSALS_A_DAY;
	r->refused += *out_may;
	if (!*out_may)
		emr_log(EMR_LOG_WARN, "a question is not answered: too many of this grant were "
				      "refused today");
	return EMR_OK;
}

void desk_end(desk *d)
{
	emr_buf_free(&d->rates);
}

/* ---- who, when, why ---- */

static bool is_in_time(const emr_grant_terms *terms, uint64_t t)
{
	return t >= terms->not_before && t < terms->not_after;
}

/* The grantee himself, or a member of the team in whose name he asks, unless what that one pays for
 * was not paid. */
static emr_status judge_grantee(
	desk *d, const question *q, const emr_known_person *person, uint64_t now, uint8_t *out_code)
{
	emr_membership m;
	emr_row_dataset row;
	emr_team terms;
	uint8_t team[32];
	emr_id16 via = EMR_ID16_AT(q->pub.via), outer;
	bool is_paid = true;
	emr_status status;

	*out_code = EMR_RESULT_NOT_GRANTEE;
	if (emr_id16_is_zero(via)) {
		if (memcmp(q->grant.terms.grantee.b, person->row.root, 32) == 0)
			*out_code = EMR_RESULT_APPLIED;
		return EMR_OK;
	}
	emr_grantee_dataset(via.b, team);
	if (memcmp(q->grant.terms.grantee.b, team, 32) != 0)
		return EMR_OK;
	/* The one who closed it need not have let everybody out, and nobody is told of its members.
	 */
	status = emr_replica_team(d->share->o.replica, via, &row);
	if (status != EMR_OK || row.head.state != EMR_DATASET_OPEN)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	/* Terms that are not there bind nobody, and tell nobody who reads. */
	status = emr_team_get(d->share->o.replica, via, &terms);
	if (status == EMR_NOT_FOUND)
		*out_code = EMR_RESULT_PRIVATE_PART;
	if (status == EMR_OK)
		status = emr_team_reader(
			d->share->o.replica, &terms, EMR_ID32_AT(person->row.root), &m);
	if (status != EMR_OK || !emr_membership_is_on(&m, now))
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (row.price > 0)
		status = share_is_paid(d->share, via, &q->grant, &is_paid, &outer);
	*out_code = is_paid ? EMR_RESULT_APPLIED : EMR_RESULT_FUNDS;
	return status;
}

static emr_status judge_person(desk *d, const question *q, uint64_t now, uint8_t *out_code)
{
	emr_known_person person;
	uint8_t code = EMR_RESULT_APPLIED;
	bool is_active = false;

	EMR_TRY(emr_replica_person(d->share->o.replica, q->signer, &person));
	EMR_TRY(emr_replica_person_is_active(d->share->o.replica, &person, now, &is_active));
	EMR_TRY(judge_grantee(d, q, &person, now, &code));
	*out_code = code == EMR_RESULT_APPLIED && !is_active ? EMR_RESULT_KEY_DEAD : code;
	return EMR_OK;
}

/* The end of an emergency by this computer's clock, whatever the ledger dates the question. */
static emr_status look_at_end(const desk *d, const question *q, uint64_t now, bool *out_is_over)
{
	emr_emergency e;
	emr_status status = EMR_OK;

	*out_is_over = (q->grant.known.row.rights & EMR_GRANT_TWO) != 0;
	if (*out_is_over)
		status = emr_emergency_of(d->share, &q->grant.known, &e);
	if (*out_is_over && status == EMR_OK)
		*out_is_over = now >= e.until_unix_s + CLOCKS_S;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status desk_judge(desk *d, const question *q, uint8_t *out_code)
{
	const emr_grant_terms *terms = &q->grant.terms;
	uint64_t now = share_now(d->share);
	rate *r = NULL;
	emr_rules rules = {.slots_a_day = 0};
	bool is_over = false, is_ended;

	EMR_TRY(look_at_end(d, q, now, &is_ended));
	if (q->grant.known.row.head.state != EMR_GRANT_ACTIVE || !is_in_time(terms, now) ||
		!is_in_time(terms, q->ledger_time) || q->is_time_suspect || is_ended)
		*out_code = EMR_RESULT_GRANT_DEAD;
	else if (now > q->ledger_time && now - q->ledger_time > QUESTION_S)
		*out_code = EMR_RESULT_GONE;
	else if (q->body.purpose > 31 || (terms->purposes & (UINT32_C(1) << q->body.purpose)) == 0)
		*out_code = EMR_RESULT_RULES;
	else
		EMR_TRY(judge_person(d, q, now, out_code));
	if (*out_code == EMR_RESULT_APPLIED)
		EMR_TRY(rate_of(d, q, &r));
	if (r != NULL)
		EMR_TRY(emr_rules_in_force(d->share->o.replica, &rules, NULL, NULL));
	if (r != NULL)
		EMR_TRY(share_is_over_daily_limit(d->share, q, &is_over));
	if (r != NULL && (is_over || r->slots + q->body.count > rules.slots_a_day))
		*out_code = EMR_RESULT_LIMIT;
	return EMR_OK;
}

/* ---- slots ---- */

/* A version that is not the present one is given to readers of a dataset that keeps it. */
static emr_status is_kept(const desk *d, const question *q, const emr_access_slot *slot,
	const emr_replica_head *head, bool *out_is)
{
	emr_team dataset;
	emr_status status;

	*out_is = head->state == EMR_OBJECT_LIVE && slot->version == head->pversion;
	if (*out_is || emr_id16_is_zero(EMR_ID16_AT(q->pub.via)))
		return EMR_OK;
	status = emr_team_get(d->share->o.replica, EMR_ID16_AT(q->pub.via), &dataset);
	if (status == EMR_OK)
		status = emr_frozen_keeps(
			d->share->o.replica, &dataset, head, slot->version, out_is);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status judge_content(const desk *d, const question *q, const emr_access_slot *slot,
	const emr_replica_head *head, const capsule_facts *capsule, uint8_t *out_code)
{
	const emr_grant_terms *terms = &q->grant.terms;
	bool is = false;

	*out_code = EMR_RESULT_NOT_AUTHORISED;
	if ((terms->rights & EMR_GRANT_READ) == 0)
		return EMR_OK;
	EMR_TRY(is_kept(d, q, slot, head, &is));
	*out_code = is && capsule->ledger_time >= terms->from_time ? EMR_RESULT_APPLIED
								   : EMR_RESULT_GONE;
	return EMR_OK;
}

emr_status desk_judge_slot(const desk *d, const question *q, const emr_access_slot *slot,
	capsule_facts *out, uint8_t *out_code)
{
	const emr_grant_terms *terms = &q->grant.terms;
	emr_replica_head head;
	emr_status status = share_capsule(d->share, q->domain, slot, out);

	*out_code = EMR_RESULT_GONE;
	if (status == EMR_OK && slot->kind == EMR_CAPSULE_CONTENT)
		status = emr_replica_head_get(
			d->share->o.replica, q->domain, slot->object_id, &head);
	if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA)
		return EMR_OK; /* unlinked, erased, or never there */
	if (status != EMR_OK)
		return status;
	if (slot->kind == EMR_CAPSULE_CONTENT)
		EMR_TRY(judge_content(d, q, slot, &head, out, out_code));
	else
		*out_code = terms->rights & EMR_GRANT_LIST ? EMR_RESULT_APPLIED
							   : EMR_RESULT_NOT_AUTHORISED;
	/* Records in an epoch before the grant's are the past, which is not shown. */
	if (*out_code == EMR_RESULT_APPLIED && out->epoch < q->grant.known.row.head.epoch)
		*out_code = EMR_RESULT_EPOCH;
	return EMR_OK;
}

/* ---- what is new ---- */

static bool is_worked_on(const emr_replica_change *change, uint64_t now)
{
	if (change->result > EMR_RESULT_ALREADY)
		return false;
	/* After a start the whole ledger is looked through: what nobody waits for any more is not
	 * opened. */
	if (change->op == EMR_OP_ACCESS_REQ)
		return now <= change->ledger_time + QUESTION_S;
	return change->op == EMR_OP_KFRAGS || change->op == EMR_OP_GRANT ||
	       change->op == EMR_OP_REVOKE || change->op == EMR_OP_DATASET_LEAVE;
}

emr_status desk_pending(desk *d, emr_buf *out_all, uint64_t *out_next_seq)
{
	const uint64_t now = share_now(d->share);
	emr_replica_change change;
	emr_replica_position at;

	/* Whether something is given is judged by the newest there is, whenever the copy was
	 * followed last: a grant may have been taken back since. */
	EMR_TRY(emr_follow_now(d->share->o.replica));
	EMR_ASK(changes, d->share->o.replica, SINCE, .at = d->next_seq);

	EMR_TRY(emr_replica_at(d->share->o.replica, &at));
	while (emr_next(&changes, &change)) {
		const pending_question one = {
			change.domain, change.object, change.version, change.op};

		if (is_worked_on(&change, now))
			EMR_TRY(emr_buf_append(out_all, &one, sizeof one));
	}
	*out_next_seq = at.size;
	return changes.status;
}

void desk_has_looked(desk *d, uint64_t next_seq, int64_t began_boot_ns)
{
	d->next_seq = next_seq;
	d->looked_boot_ns = began_boot_ns;
}

emr_status desk_next(const desk *d, int next_ms, int *out_next_ms)
{
	emr_replica_position at;

	EMR_TRY(emr_replica_at(d->share->o.replica, &at));
	*out_next_ms = at.size > d->next_seq ? 0 : next_ms;
	return EMR_OK;
}
