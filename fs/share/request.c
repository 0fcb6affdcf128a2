/* This file sends a request for access, takes it back, and answers one with yes or no. */
#include "share/request.h"

#include <string.h>

#include "base/log.h"
#include "share/write.h"

#include "share_private.h"
#include "teams_private.h"

#define CARD_YEAR_S ((uint64_t)365 * 86400)

static const emr_id16 nowhere; /* the domain of what is said to a person */

bool request_terms_ok(uint16_t rights, uint32_t purposes, uint64_t until_unix_s)
{
	return (rights == EMR_RIGHTS_READ || rights == EMR_RIGHTS_WRITE ||
		       rights == EMR_RIGHTS_DEPOSIT) &&
	       purposes != 0 && (purposes & ~EMR_PURPOSES_ALL) == 0 &&
	       until_unix_s <= EMR_REQUEST_UNTIL_MAX;
}

bool request_is_timely(const emr_known_request *known, uint64_t now)
{
	uint64_t age = known->ledger_time < now ? now - known->ledger_time : 0;

	switch ((emr_share_request_state)known->row.head.state) {
	case EMR_SHARE_REQUEST_OPEN:
		return age < EMR_SHARE_REQUEST_OPEN_S;
	case EMR_SHARE_REQUEST_APPROVED:
	case EMR_SHARE_REQUEST_DENIED:
		return age < EMR_SHARE_REQUEST_ANSWERED_S;
	case EMR_SHARE_REQUEST_WITHDRAWN:
		return false;
	}
	return false;
}

/* ---- asking ---- */

static emr_status check_order(const emr_share *share, const emr_share_request_order *o)
{
	bool is_good = request_terms_ok(o->rights, o->purposes, o->until_unix_s) &&
		       o->until_unix_s > share_now(share) &&
		       strlen(o->path) <= EMR_REQUEST_PATH_MAX &&
		       strlen(o->reason) <= EMR_REQUEST_REASON_MAX &&
		       !emr_id32_equal(o->owner, share->me.signer_id);

	return is_good ? EMR_OK : EMR_INVALID;
}

static emr_status active_person(emr_share *share, emr_id32 signer, emr_known_person *out)
{
	bool is_active = false;

	EMR_TRY(emr_replica_present(share->o.replica, signer, out));
	EMR_TRY(emr_replica_person_is_active(share->o.replica, out, share_now(share), &is_active));
	return is_active ? EMR_OK : EMR_DENIED;
}

static emr_status write_body(
	const emr_share *share, const emr_share_request_order *o, emr_request_body *out)
{
	EMR_AUTO_BUF card = {0};
	emr_id32 salt = emr_id32_is_zero(o->agreement) ? emr_id32_random() : o->agreement;
	uint64_t now = share_now(share);

	EMR_TRY(emr_card_make_person(
		share->o.keyring, share->net_id, now, now + CARD_YEAR_S, o->name, o->born, &card));
	if (card.len > sizeof out->card)
		return EMR_LIMIT;
	*out = (emr_request_body){.rights = o->rights,
		.purposes = o->purposes,
		.until = o->until_unix_s,
		.card_len = card.len};
	memcpy(out->rsalt, salt.b, sizeof out->rsalt);
	memcpy(out->card, card.data, card.len);
	memcpy(out->path, o->path, strlen(o->path) + 1);
	memcpy(out->reason, o->reason, strlen(o->reason) + 1);
	out->reader = o->reader;
	out->domain = o->domain;
	return EMR_OK;
}

static emr_status send_body(emr_share *share, const emr_known_person *to,
	const emr_request_body *body, emr_id16 *out_id)
{
	emr_id32 addressee;
	emr_act act;
	AUTO_PARCEL p = {0};

	EMR_TRY(parcel_begin(share, emr_signer_identity(), &p));
	emr_request_to(body->rsalt, to->signer_id.b, addressee.b);
	act = emr_act_request(nowhere, share->me.signer_id, addressee);
	EMR_TRY(parcel_prepare(&p, &act));
	EMR_TRY(emr_request_part_seal(emr_buf_view(&p.item), to->row.x25519, body, &p.part));
	EMR_TRY(parcel_add(&p, &act, NULL));
	EMR_TRY(parcel_send(&p));
	*out_id = act.object;
	return EMR_OK;
}

emr_status emr_share_request_send(
	emr_share *share, const emr_share_request_order *order, emr_id16 *out_request)
{
	emr_known_person to;
	emr_request_body body;

	share->refusal = 0;
	EMR_TRY(check_order(share, order));
	EMR_TRY(active_person(share, order->owner, &to));
	EMR_TRY(write_body(share, order, &body));
	return send_body(share, &to, &body, out_request);
}

/* ---- one that is there ---- */

emr_status request_row(emr_share *share, emr_id16 request, emr_row_request *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_key_text key;

	emr_key_in_domain("Q", nowhere.b, request.b, &key);
	EMR_TRY(emr_replica_state_get(share->o.replica, key.text, &bytes));
	return emr_row_request_parse((emr_span){bytes.data, bytes.len}, out) == EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* ACT, which ends an open request, with a part that SEAL makes (NULL: none). */
typedef struct ending {
	emr_act act;
	emr_signer signer;
	const uint8_t *to_box;
	const char *reason; /* NULL: no letter */
} ending;

static emr_status send_ending(emr_share *share, ending *e)
{
	AUTO_PARCEL p = {0};
	emr_status status = parcel_begin(share, e->signer, &p);

	if (status == EMR_OK)
		status = parcel_prepare(&p, &e->act);
	if (status == EMR_OK && e->reason != NULL)
		status = emr_deny_part_seal(emr_buf_view(&p.item), e->to_box, e->reason, &p.part);
	if (status == EMR_OK)
		status = parcel_add(&p, &e->act, NULL);
	if (status == EMR_OK)
		status = parcel_send(&p);
	/* Somebody was quicker: the other side, or another computer of mine. */
	return status == EMR_REFUSED && share->refusal == EMR_RESULT_GONE ? EMR_CONFLICT : status;
}

emr_status emr_share_request_withdraw(emr_share *share, emr_id16 request)
{
	ending e = {.act = emr_act_withdraw(nowhere, request), .signer = emr_signer_identity()};
	emr_row_request row;

	EMR_TRY(request_row(share, request, &row));
	if (memcmp(row.signer, share->me.signer_id.b, sizeof row.signer) != 0)
		return EMR_DENIED;
	return row.head.state == EMR_REQUEST_OPEN ? send_ending(share, &e) : EMR_CONFLICT;
}

emr_status emr_share_request_approve(
	emr_share *share, emr_id16 request, emr_id16 grant_domain, emr_id16 grant)
{
	ending e = {.act = emr_act_approve(nowhere, request, grant_domain, grant),
		.signer = emr_signer_domain(grant_domain, SHARE_GEN)};
	emr_row_request row;

	EMR_TRY(request_row(share, request, &row));
	if (row.head.state == EMR_REQUEST_APPROVED &&
		memcmp(row.grant, grant.b, sizeof row.grant) == 0)
		return EMR_OK;
	return row.head.state == EMR_REQUEST_OPEN ? send_ending(share, &e) : EMR_CONFLICT;
}

emr_status emr_share_request_deny(emr_share *share, emr_id16 request, const char *reason)
{
	ending e = {.signer = emr_signer_identity(), .reason = reason};
	emr_share_request asked;
	emr_known_person asker;
	uint64_t ended_unix_s = 0;
	emr_id32 rsalt;

	EMR_TRY(emr_share_request_get(share, request, &asked));
	if (asked.state != EMR_SHARE_REQUEST_OPEN)
		return EMR_CONFLICT;
	EMR_TRY(emr_replica_person(share->o.replica, asked.from, &asker));
	EMR_TRY(share_key_end(share, asked.from, &ended_unix_s));
	if (ended_unix_s != 0)
		e.reason = ""; /* that it is a no everybody sees, and why is for nobody */
	memcpy(rsalt.b, asked.rsalt, sizeof rsalt.b);
	e.act = emr_act_deny(nowhere, request, rsalt);
	e.to_box = asker.row.x25519;
	return send_ending(share, &e);
}

/* ---- what became of mine ---- */

static emr_status read_reason(emr_share *share, emr_bytes item, emr_id16 request, uint64_t version,
	char out[EMR_REQUEST_REASON_MAX + 1])
{
	EMR_AUTO_BUF part = {0};
	AUTO_BOX_KEY box = NULL;

	EMR_TRY(share_part(share, EMR_FAMILY_REQUEST, nowhere, request, version, &part));
	EMR_TRY(emr_box_key_identity(share->o.keyring, &box));
	return emr_deny_part_open(box, item, emr_buf_view(&part), out);
}

static emr_status read_last(
	emr_share *share, emr_id16 request, uint64_t version, emr_share_request_answer *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_pub_approve pub;
	emr_status status =
		share_item(share, EMR_FAMILY_REQUEST, nowhere, request, version, &bytes, &item);

	if (status != EMR_OK)
		return status;
	if (item.op == EMR_OP_APPROVE) {
		emr_span span = {item.bytes.data + EMR_ITEM_BYTES, item.bytes.len - EMR_ITEM_BYTES};

		if (!emr_pub_approve_parse(span, &pub))
			return EMR_DAMAGED;
		memcpy(out->grant_domain.b, pub.grant_domain, 16);
		memcpy(out->grant.b, pub.grant, 16);
	} else if (item.op == EMR_OP_DENY) {
		status = read_reason(share, item.bytes, request, version, out->reason);
		if (status != EMR_OK) /* no is no, with or without a legible reason */
			emr_log(EMR_LOG_WARN, "the reason of a refusal does not open: %s",
				emr_status_text(status));
	}
	return EMR_OK;
}

emr_status emr_share_request_look(emr_share *share, emr_id16 request, emr_share_request_answer *out)
{
	emr_share_request_answer answer = {0};
	emr_row_request row;

	EMR_TRY(request_row(share, request, &row));
	if (memcmp(row.signer, share->me.signer_id.b, sizeof row.signer) != 0)
		return EMR_NOT_FOUND;
	answer.state = (emr_share_request_state)row.head.state;
	EMR_TRY(read_last(share, request, row.head.version, &answer));
	*out = answer;
	return EMR_OK;
}

emr_status request_sent(emr_share *share, const emr_known_request *known, emr_share_request *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_request_answer answer;
	emr_replica_item item;

	EMR_TRY(emr_share_request_look(share, known->request, &answer));
	EMR_TRY(share_item(share, EMR_FAMILY_REQUEST, nowhere, known->request, 1, &bytes, &item));
	*out = (emr_share_request){.request = known->request,
		.is_mine = true,
		.from = share->me.signer_id,
		.state = answer.state,
		.seq = item.seq,
		.asked_at = item.ledger_time,
		.ledger_time = known->ledger_time};
	memcpy(out->reason, answer.reason, sizeof out->reason);
	return EMR_OK;
}
