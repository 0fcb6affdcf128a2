/* This file gathers the operations of one deed (a grant, its fragments, its letters), sends them
 * to the ledger as one signed batch, and turns the first refusal into a status. */
#include "share_private.h"

#include "replica/follower.h"

#include <stdlib.h>
#include <string.h>

#define VALID_S                                                                                    \
	500u /* how long the ledger may take it: the limit of questions and answers is 600 */

emr_status parcel_begin(emr_share *share, emr_signer who, parcel *out)
{
	emr_batch_options options = {
		.keyring = share->o.keyring, .signer = who, .net_id = share->net_id};
	emr_replica_position at;
	emr_status status = emr_replica_at(share->o.replica, &at);

	memset(out, 0, sizeof *out);
	if (status != EMR_OK)
		return status;
	if (at.size > 0) {
		options.seen_seq = at.size - 1;
		options.seen_leaf = at.last_leaf;
	}
	out->share = share;
	out->now = share_now(share);
	share->refusal = 0;
	EMR_TRY(emr_batch_new(&options, &out->batch));
	out->signer = emr_batch_signer_id(out->batch);
	return EMR_OK;
}

void parcel_end(parcel *p)
{
	emr_batch_free(p->batch);
	emr_buf_free(&p->item);
	emr_buf_free(&p->part);
	memset(p, 0, sizeof *p);
}

emr_status parcel_item(parcel *p, emr_act *act)
{
	emr_buf_clear(&p->item);
	emr_buf_clear(&p->part);
	return emr_act_item(act, p->signer, p->now, &p->item);
}

emr_status parcel_prepare(parcel *p, emr_act *act)
{
	EMR_TRY(emr_replica_follow(p->share->o.replica, p->signer, act));
	return parcel_item(p, act);
}

emr_status parcel_add(parcel *p, const emr_act *act, emr_id32 *out_id)
{
	emr_operation operation = emr_act_operation(act, p->now, emr_buf_view(&p->part));
	emr_id32 id;

	return emr_batch_add(p->batch, &operation, out_id != NULL ? out_id : &id);
}

static emr_status status_of(uint8_t code)
{
	switch (code) {
	case EMR_RESULT_APPLIED:
	case EMR_RESULT_ALREADY:
		return EMR_OK;
	case EMR_RESULT_CONFLICT:
		return EMR_CONFLICT;
	case EMR_RESULT_EPOCH:
		return EMR_EPOCH;
	case EMR_RESULT_NOT_AUTHORISED:
	case EMR_RESULT_NO_GRANT:
	case EMR_RESULT_GRANT_DEAD:
	case EMR_RESULT_NOT_GRANTEE:
	case EMR_RESULT_KEY_DEAD:
		return EMR_DENIED;
	default:
		return EMR_REFUSED;
	}
}

bool parcel_is_applied(uint8_t code)
{
	return status_of(code) == EMR_OK;
}

static uint8_t first_refusal(const emr_ledger_answer *answer)
{
	if (answer->refusal != 0)
		return answer->refusal;
	for (size_t i = 0; i < answer->n_results; i++)
		if (!parcel_is_applied(answer->results[i]))
			return answer->results[i];
	return EMR_RESULT_APPLIED;
}

static emr_status send(parcel *p, emr_ledger_answer *answer)
{
	EMR_AUTO_BUF bytes = {0};

	EMR_TRY(emr_batch_finish(p->batch, p->now, VALID_S, &bytes, NULL));
	EMR_TRY(emr_ledger_submit(p->share->o.ledger, emr_buf_view(&bytes), answer));
	EMR_TRY(emr_follow_answer(p->share->o.replica, emr_buf_view(&bytes), answer));
	p->share->refusal = first_refusal(answer);
	return EMR_OK;
}

emr_status parcel_send(parcel *p)
{
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);

	EMR_TRY(answer != NULL ? send(p, answer) : EMR_NO_MEMORY);
	return status_of(p->share->refusal);
}

emr_status parcel_send_each(parcel *p, uint8_t *out_codes)
{
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);

	EMR_TRY(answer != NULL ? send(p, answer) : EMR_NO_MEMORY);
	if (answer->refusal != 0)
		EMR_TRY(status_of(answer->refusal));
	memcpy(out_codes, answer->results, answer->n_results);
	return EMR_OK;
}

emr_status parcel_send_one(emr_share *share, emr_signer who, emr_act *act)
{
	AUTO_PARCEL p = {0};

	EMR_TRY(parcel_begin(share, who, &p));
	EMR_TRY(parcel_prepare(&p, act));
	EMR_TRY(parcel_add(&p, act, NULL));
	return parcel_send(&p);
}
