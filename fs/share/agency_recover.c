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
#define AGAIN_S 60	/* when the ledger's clock is behind this one */
#define NEVER UINT64_MAX

/* A request that waits, in the file "asked". */
typedef struct asked {
	emr_id16 request;
	uint64_t due_unix_s; /* NEVER: given, or not asked of this agent */
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

static emr_status give(emr_agency *agency, const emr_known_recovery *r, asked *one)
{
	emr_share *share = agency->desk.share;
	emr_act act = emr_act_recover_give(r->request, share->me.signer_id);
	uint8_t sealed[EMR_TRUSTEE_ANSWER_BYTES];
	AUTO_PARCEL p = {0};
	emr_id32 salt = emr_id32_random();
	emr_status status = answer(agency, r, sealed);

	if (status == EMR_MISSING_DATA)
		return EMR_OK;
	one->due_unix_s = NEVER;
	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED) /* no letter of it is to this agent */
		return EMR_OK;
	EMR_TRY(status);
	EMR_TRY(parcel_begin(share, emr_signer_identity(), &p));
	EMR_TRY(parcel_prepare(&p, &act));
	EMR_TRY(emr_buf_append(&p.part, salt.b, sizeof salt.b));
	EMR_TRY(emr_buf_append(&p.part, sealed, sizeof sealed));
	EMR_TRY(parcel_add(&p, &act, NULL));
	status = parcel_send(&p);
	if (status != EMR_OK) /* stopped since, or the ledger's clock is behind */
		one->due_unix_s = share_now(share) + AGAIN_S;
	return status == EMR_REFUSED || status == EMR_DENIED ? EMR_OK : status;
}

/* Given already, or for a key that another follows. */
static emr_status is_over(emr_share *share, const emr_known_recovery *r, bool *out_is)
{
	emr_known_person lost;

	EMR_TRY(has_given(share, r->request, out_is));
	EMR_TRY(emr_replica_person(share->o.replica, EMR_ID32_AT(r->row.identity), &lost));
	*out_is = *out_is || lost.row.head.state != EMR_KEY_ACTIVE;
	return EMR_OK;
}

static emr_status consider(
	emr_agency *agency, const emr_known_recovery *r, asked *one, emr_release_tally *tally)
{
	emr_share *share = agency->desk.share;
	const uint64_t now = share_now(share);
	bool is_done = false;

	if (one->due_unix_s == NEVER)
		return EMR_OK;
	if (now >= one->due_unix_s) {
		EMR_TRY(is_over(share, r, &is_done));
		if (!is_done)
			return give(agency, r, one);
		one->due_unix_s = NEVER;
		return EMR_OK;
	}
	if (tally->next_ms < 0 || tally->next_ms > LOOK_MS)
		tally->next_ms = LOOK_MS;
	if (one->due_unix_s - now < LOOK_MS / 1000 &&
		tally->next_ms > (int)(one->due_unix_s - now) * 1000)
		tally->next_ms = (int)(one->due_unix_s - now) * 1000;
	return EMR_OK;
}

/* ---- requests that wait ---- */

/* One that is heard of for the first time. */
static emr_status note(emr_share *share, const emr_known_recovery *r, emr_buf *list)
{
	EMR_AUTO_BUF row = {0};
	emr_row_trustees trustees;
	emr_key_text key;
	asked one = {.request = r->request, .due_unix_s = r->row.earliest_unix_s};

	emr_key_by_object("TR", r->row.trustees, &key);
	EMR_TRY(emr_replica_state_get(share->o.replica, key.text, &row));
	if (emr_row_trustees_parse((emr_span){row.data, row.len}, &trustees) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (one.due_unix_s < share_now(share) + trustees.delay_s)
		one.due_unix_s = share_now(share) + trustees.delay_s;
	return emr_buf_append(list, &one, sizeof one);
}

/* Puts LIST on the disk in the place of *BEFORE, which becomes a copy of it. */
static emr_status keep(const emr_agency *agency, emr_buf *before, const emr_buf *list)
{
	if (before->len == list->len &&
		(list->len == 0 || memcmp(before->data, list->data, list->len) == 0))
		return EMR_OK;
	EMR_TRY(emr_file_replace(agency->dirfd, ASKED_FILE, emr_buf_view(list), 0600));
	emr_buf_clear(before);
	return emr_buf_append(before, list->data, list->len);
}

/* Those of ALL that wait, in its order, which is that of their ids.  After a damaged file the
 * delays begin again. */
static emr_status note_all(emr_agency *agency, const emr_buf *all, emr_buf *before, emr_buf *list)
{
	emr_status status = emr_file_read(agency->dirfd, ASKED_FILE, ASKED_MAX, before);
	const asked *known, *end;

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	known = (const asked *)(const void *)before->data;
	end = known + before->len / sizeof *known;
	EMR_EACH (const emr_known_recovery, r, all) {
		if (r->row.head.state != EMR_RECOVERY_WAITS)
			continue;
		while (known < end && memcmp(known->request.b, r->request.b, 16) < 0)
			known++;
		EMR_TRY(known < end && emr_id16_equal(known->request, r->request)
				? emr_buf_append(list, known, sizeof *known)
				: note(agency->desk.share, r, list));
	}
	return keep(agency, before, list);
}

emr_status agency_recover(emr_agency *agency, emr_release_tally *tally)
{
	EMR_AUTO_BUF all = {0};
	EMR_AUTO_BUF before = {0};
	EMR_AUTO_BUF list = {0};
	emr_status status = EMR_OK, kept;
	asked *one;

	EMR_TRY(EMR_ASK_ALL(&all, agency->desk.share->o.replica, RECOVERIES));
	if (all.len == 0)
		return EMR_OK;
	EMR_TRY(note_all(agency, &all, &before, &list));
	one = (asked *)(void *)list.data;
	EMR_EACH (const emr_known_recovery, r, &all)
		if (r->row.head.state == EMR_RECOVERY_WAITS && status == EMR_OK)
			status = consider(agency, r, one++, tally);
	kept = keep(agency, &before, &list);
	return status == EMR_OK ? kept : status;
}
