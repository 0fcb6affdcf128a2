/* This file is an agent's part of what trustees give: whoever asked for the keys of a person who
 * lost them gets it when the delay is over and nobody stopped it, and not before. The delay runs by
 * the ledger's time and by this agent's clock since it heard of the request: who writes the ledger
 * could date one back. */
#include "agency.h"

#include <string.h>

#include "base/file.h"
#include "contract/codes.h"
#include "contract/rows_share.h"
#include "keyring/letters.h"
#include "replica/ask.h"

#define LOOK_MS 3600000 /* at least so often while a request waits */

/* A request that waits, in the file "asked". */
typedef struct asked {
	emr_id16 request;
	uint64_t heard_unix_s;
} asked;

#define ASKED_FILE "asked"
#define ASKED_MAX ((size_t)64 << 20)

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

	EMR_TRY(answer(agency, r, sealed));
	EMR_TRY(parcel_begin(share, emr_signer_identity(), &p));
	EMR_TRY(parcel_prepare(&p, &act));
	EMR_TRY(emr_buf_append(&p.part, salt.b, sizeof salt.b));
	EMR_TRY(emr_buf_append(&p.part, sealed, sizeof sealed));
	EMR_TRY(parcel_add(&p, &act, NULL));
	return parcel_send(&p);
}

/* From when on this agent may give its part. */
static emr_status due_at(
	emr_share *share, const emr_known_recovery *r, uint64_t heard_unix_s, uint64_t *out_unix_s)
{
	EMR_AUTO_BUF row = {0};
	emr_row_trustees trustees;
	emr_key_text key;

	emr_key_by_object("TR", r->row.trustees, &key);
	EMR_TRY(emr_replica_state_get(share->o.replica, key.text, &row));
	if (emr_row_trustees_parse((emr_span){row.data, row.len}, &trustees) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	*out_unix_s = heard_unix_s + trustees.delay_s;
	if (*out_unix_s < r->row.earliest_unix_s)
		*out_unix_s = r->row.earliest_unix_s;
	return EMR_OK;
}

static emr_status consider(emr_agency *agency, const emr_known_recovery *r, uint64_t heard_unix_s,
	emr_release_tally *tally)
{
	emr_share *share = agency->desk.share;
	const uint64_t now = share_now(share);
	bool has = false, is_opened = false;
	emr_known_person lost;
	uint64_t due;

	EMR_TRY(has_given(share, r->request, &has));
	EMR_TRY(emr_replica_person(share->o.replica, EMR_ID32_AT(r->row.identity), &lost));
	EMR_TRY(emr_replica_is_opened(
		share->o.replica, EMR_ID32_AT(r->row.identity), r->row.trustees, &is_opened));
	if (has || !is_opened || lost.row.head.state != EMR_KEY_ACTIVE)
		return EMR_OK;
	EMR_TRY(due_at(share, r, heard_unix_s, &due));
	if (now >= due)
		return give(agency, r);
	if (tally->next_ms < 0 || tally->next_ms > LOOK_MS)
		tally->next_ms = LOOK_MS;
	if (due - now < LOOK_MS / 1000 && tally->next_ms > (int)(due - now) * 1000)
		tally->next_ms = (int)(due - now) * 1000;
	return EMR_OK;
}

/* ---- requests that wait ---- */

/* Those of ALL that wait, in its order, which is that of their ids, with when they were heard of:
 * in LIST and on the disk.  A clock that was ahead then, and a damaged file, begin the delay again.
 */
static emr_status note_all(emr_agency *agency, const emr_buf *all, emr_buf *list)
{
	const uint64_t now = share_now(agency->desk.share);
	EMR_AUTO_BUF before = {0};
	emr_status status = emr_file_read(agency->dirfd, ASKED_FILE, ASKED_MAX, &before);
	const asked *known = (const asked *)(const void *)before.data;
	size_t left = before.len / sizeof *known;

	if (status != EMR_OK && status != EMR_NOT_FOUND && status != EMR_LIMIT)
		return status;
	EMR_EACH (const emr_known_recovery, r, all) {
		asked one = {.request = r->request, .heard_unix_s = now};

		if (r->row.head.state != EMR_RECOVERY_WAITS)
			continue;
		for (; left > 0 && memcmp(known->request.b, r->request.b, 16) < 0; left--)
			known++;
		if (left > 0 && emr_id16_equal(known->request, r->request) &&
			known->heard_unix_s < now)
			one.heard_unix_s = known->heard_unix_s;
		EMR_TRY(emr_buf_append(list, &one, sizeof one));
	}
	if (before.len == list->len &&
		(list->len == 0 || memcmp(before.data, list->data, list->len) == 0))
		return EMR_OK;
	return emr_file_replace(agency->dirfd, ASKED_FILE, emr_buf_view(list), 0600);
}

emr_status agency_recover(emr_agency *agency, emr_release_tally *tally)
{
	EMR_AUTO_BUF all = {0};
	EMR_AUTO_BUF list = {0};
	const asked *one;

	EMR_TRY(EMR_ASK_ALL(&all, agency->desk.share->o.replica, RECOVERIES));
	if (all.len == 0)
		return EMR_OK;
	EMR_TRY(note_all(agency, &all, &list));
	one = (const asked *)(const void *)list.data;
	EMR_EACH (const emr_known_recovery, r, &all) {
		emr_status status;

		if (r->row.head.state != EMR_RECOVERY_WAITS)
			continue;
		status = consider(agency, r, one++->heard_unix_s, tally);
		/* Not asked of this agent, its letter is damaged or not here yet, or the ledger
		 * does not take it (any more, or its clock is behind). */
		if (status != EMR_OK && status != EMR_NOT_FOUND && status != EMR_DAMAGED &&
			status != EMR_MISSING_DATA && status != EMR_REFUSED && status != EMR_DENIED)
			return status;
	}
	return EMR_OK;
}
