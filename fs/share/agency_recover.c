/* This file is an agent's part of what trustees give: whoever asked for the keys of a person who
 * lost them gets it when the delay is over on the ledger and nobody stopped it, and not before. */
#include "agency.h"

#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "contract/rows_share.h"
#include "keyring/letters.h"
#include "replica/ask.h"

#define LOOK_MS 3600000 /* at least so often while a request waits */

static emr_status has_given(emr_share *share, emr_id16 request, bool *out_has)
{
	uint8_t object[16];
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	emr_status status;

	emr_object_recovery(request.b, share->me.signer_id.b, object);
	emr_key_by_object("RS", object, &key);
	status = emr_replica_state_get(share->o.replica, key.text, &row);
	*out_has = status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* EMR_NOT_FOUND: no letter of it is to this agent. */
static emr_status answer(emr_agency *agency, const emr_known_recovery *r, uint8_t *out)
{
	emr_share *share = agency->desk.share;
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_replica_item item;
	emr_id16 trustees = EMR_ID16_AT(r->row.trustees);
	emr_status status;

	EMR_TRY(share_item(
		share, EMR_FAMILY_TRUSTEES, (emr_id16){{0}}, trustees, 1, &bytes, &item));
	EMR_TRY(share_part(share, EMR_FAMILY_TRUSTEES, (emr_id16){{0}}, trustees, 1, &part));
	status = EMR_DAMAGED;
	for (int i = 0; i < AGENCY_BOXES && status == EMR_DAMAGED; i++)
		if (agency->boxes[i] != NULL)
			status = emr_trustee_answer(agency->boxes[i], share->me.signer_id,
				item.bytes, emr_buf_view(&part), r->row.box,
				emr_trustees_about(item.bytes, r->row.box), out);
	return status;
}

static emr_status give(emr_agency *agency, const emr_known_recovery *r)
{
	emr_share *share = agency->desk.share;
	emr_act act = emr_act_recover_give(r->request, share->me.signer_id);
	uint8_t sealed[EMR_TRUSTEE_ANSWER_BYTES];
	AUTO_PARCEL p = {0};
	emr_id32 salt = emr_id32_random();
	emr_status status = answer(agency, r, sealed);

	if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA)
		return EMR_OK;
	if (status == EMR_DAMAGED) {
		emr_log(EMR_LOG_ERROR, "a trustee's letter to this agent does not open");
		return EMR_OK;
	}
	EMR_TRY(status);
	EMR_TRY(parcel_begin(share, emr_signer_identity(), &p));
	EMR_TRY(parcel_prepare(&p, &act));
	EMR_TRY(emr_buf_append(&p.part, salt.b, sizeof salt.b));
	EMR_TRY(emr_buf_append(&p.part, sealed, sizeof sealed));
	EMR_TRY(parcel_add(&p, &act, NULL));
	status = parcel_send(&p);
	/* Stopped since, or the ledger's clock is behind this one. */
	return status == EMR_REFUSED || status == EMR_DENIED ? EMR_OK : status;
}

emr_status agency_recover(emr_agency *agency, emr_release_tally *tally)
{
	emr_share *share = agency->desk.share;
	const uint64_t now = share_now(share);
	EMR_AUTO_BUF all = {0};

	EMR_TRY(EMR_ASK_ALL(&all, share->o.replica, RECOVERIES));
	EMR_EACH (const emr_known_recovery, r, &all) {
		bool has = false;

		if (r->row.head.state != EMR_RECOVERY_WAITS)
			continue;
		EMR_TRY(has_given(share, r->request, &has));
		if (has)
			continue;
		if (tally->next_ms < 0 || tally->next_ms > LOOK_MS)
			tally->next_ms = LOOK_MS;
		if (now >= r->row.earliest_unix_s)
			EMR_TRY(give(agency, r));
		else if (r->row.earliest_unix_s - now < LOOK_MS / 1000 &&
			 tally->next_ms > (int)(r->row.earliest_unix_s - now) * 1000)
			tally->next_ms = (int)(r->row.earliest_unix_s - now) * 1000;
	}
	return EMR_OK;
}
