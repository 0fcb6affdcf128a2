/* This file holds what the owner's computer and the agents have in common when they answer a
 * question: sending a refusal, seeing whether an answer is still needed, and going on after one
 * question that cannot be answered. */
#include "replica/people.h"
#include "base/log.h"

#include "share/read.h"

#include "judge.h"

emr_status desk_refuse(desk *d, const question *q, emr_signer who, uint8_t code)
{
	emr_asked asked = question_asked(q);
	AUTO_PARCEL p = {0};
	emr_act act;
	bool may = false;

	EMR_TRY(desk_may_refuse(d, q, &may));
	if (!may)
		return EMR_OK;
	EMR_TRY(parcel_begin(d->share, who, &p));
	act = emr_act_served(q->domain, p.signer, q->req, q->access, EMR_SERVED_REFUSED, 0, code);
	EMR_TRY(parcel_prepare(&p, &act));
	EMR_TRY(emr_served_part_seal_refusal(emr_buf_view(&p.item), &asked, &p.part));
	EMR_TRY(parcel_add(&p, &act, NULL));
	return parcel_send(&p);
}

emr_status desk_pass_over(emr_status status, const char *what)
{
	bool is_its_own = status == EMR_DAMAGED || status == EMR_BAD_SIGNATURE ||
			  status == EMR_MISSING_DATA || status == EMR_UNSUPPORTED ||
			  status == EMR_DENIED || status == EMR_REFUSED;

	if (is_its_own)
		emr_log(EMR_LOG_WARN, "%s was passed over: %s", what, emr_status_text(status));
	return is_its_own || status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- is one still needed? ---- */

emr_status question_is_answered(
	emr_share *share, const question *q, emr_id32 signer, bool *out_is_answered)
{
	emr_known_release release = {.domain = q->domain, .access = q->access, .req = q->req};
	emr_known_answer answer;
	emr_status status = emr_replica_answer(share->o.replica, &release, signer, &answer);

	*out_is_answered = status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* All that was asked for. */
static emr_status has_given(
	emr_share *share, const question *q, emr_id32 signer, enum emr_served_mode mode, bool *out)
{
	emr_known_release release = {.domain = q->domain, .access = q->access, .req = q->req};
	emr_known_answer answer;
	emr_status status = emr_replica_answer(share->o.replica, &release, signer, &answer);

	*out = status == EMR_OK && answer.mode == mode && answer.given >= q->pub.count;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status question_is_served(emr_share *share, const question *q, bool *out_is_served)
{
	EMR_AUTO_BUF owners = {0};
	bool has_all = false;
	unsigned n = 0;
	emr_status status = emr_replica_owners_of(share->o.replica, q->domain, &owners);

	*out_is_served = false;
	EMR_EACH (const emr_known_owner, owner, &owners)
		if (status == EMR_OK && !*out_is_served)
			status =
				has_given(share, q, owner->signer, EMR_SERVED_OWNER, out_is_served);
	for (unsigned i = 0; i < q->grant.read.n && status == EMR_OK; i++) {
		emr_id32 agent = q->grant.read.agents[i];

		status = has_given(share, q, agent, EMR_SERVED_FRAGMENTS, &has_all);
		n += has_all && emr_access_part_is_to(&q->read, agent);
	}
	if (status == EMR_OK && q->grant.terms.t > 0 && n >= q->grant.terms.t)
		*out_is_served = true;
	return status;
}

bool question_is_awaited(const desk *d, const question *q, int64_t since_boot_ns)
{
	int64_t passed_ns = emr_clock_boot_ns(d->share->o.clock) - since_boot_ns;

	if (since_boot_ns != 0 && passed_ns <= (int64_t)EMR_ASK_LIFE_S * 1000000000)
		return true;
	return share_now(d->share) <= q->ledger_time + EMR_ASK_LIFE_S + CLOCKS_S;
}
