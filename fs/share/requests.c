/* This file finds the requests for access that are meant for this person: the ledger names
 * nobody, so each new letter is tried with one's own key. Of one asker only the newest few are
 * kept. */
#include <stdlib.h>
#include <string.h>

#include "share_private.h"

static const emr_id16 nowhere;

/* ---- one letter ---- */

static bool is_card_his(const emr_share *share, const emr_card *card, emr_id32 from)
{
	return card->kind == EMR_CARD_PERSON && emr_id32_equal(card->signer_id, from) &&
	       emr_id16_equal(card->net_id, share->net_id);
}

/* Whom H names, only the salt in the letter tells: one that does not fit is not to me, and I could
 * not refuse it. */
static emr_status check_body(
	const emr_share *share, const emr_row_request *row, const emr_request_body *body)
{
	uint8_t to[32];

	emr_request_to(body->rsalt, share->me.signer_id.b, to);
	if (memcmp(to, row->to, sizeof to) != 0 ||
		!request_terms_ok(body->rights, body->purposes, body->until))
		return EMR_DAMAGED;
	return EMR_OK;
}

static void take_body(const emr_share *share, const emr_request_body *body, emr_share_request *out)
{
	out->rights = body->rights;
	out->purposes = body->purposes;
	out->until_unix_s = body->until;
	memcpy(out->rsalt, body->rsalt, sizeof out->rsalt);
	memcpy(out->path, body->path, sizeof out->path);
	memcpy(out->reason, body->reason, sizeof out->reason);
	out->reader = body->reader;
	out->domain = body->domain;
	out->has_card =
		emr_card_read(emr_bytes_of(body->card, body->card_len), &out->card) == EMR_OK &&
		is_card_his(share, &out->card, out->from);
	if (!out->has_card)
		out->card = (emr_card){0};
}

/* EMR_NOT_FOUND: to somebody else, or gone; EMR_DAMAGED: to me, and wrong. */
static emr_status read_letter(emr_share *share, const emr_box_key *box, emr_id16 request,
	const emr_row_request *row, emr_share_request *out)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_replica_item item;
	emr_request_body body;
	emr_status status =
		share_item(share, EMR_FAMILY_REQUEST, nowhere, request, 1, &bytes, &item);

	if (status == EMR_OK)
		status = share_part(share, EMR_FAMILY_REQUEST, nowhere, request, 1, &part);
	if (status == EMR_MISSING_DATA)
		return EMR_NOT_FOUND;
	if (status != EMR_OK)
		return status;
	status = emr_request_part_open(box, item.bytes, emr_buf_view(&part), &body);
	if (status == EMR_DAMAGED)
		return EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = check_body(share, row, &body);
	if (status != EMR_OK) {
		emr_wipe(&body, sizeof body);
		return status;
	}
	*out = (emr_share_request){.request = request,
		.state = (emr_share_request_state)row->head.state,
		.seq = item.seq,
		.asked_at = item.ledger_time,
		.ledger_time = item.ledger_time};
	memcpy(out->from.b, row->signer, sizeof out->from.b);
	take_body(share, &body, out);
	emr_wipe(&body, sizeof body);
	return EMR_OK;
}

emr_status emr_share_request_get(emr_share *share, emr_id16 request, emr_share_request *out)
{
	AUTO_BOX_KEY box = NULL;
	emr_row_request row;

	EMR_TRY(request_row(share, request, &row));
	EMR_TRY(emr_box_key_identity(share->o.keyring, &box));
	return read_letter(share, box, request, &row, out);
}

/* ---- all of them ---- */

typedef struct walk {
	emr_share *share;
	const emr_box_key *box;
	uint64_t now;
	emr_buf *to_me, *mine; /* emr_share_request, ... */
	emr_buf *others;       /* as of this walk */
	size_t at;	       /* in the handle's */
	emr_share_request_tally tally;
} walk;

static int compare_ids(emr_id16 a, emr_id16 b)
{
	return memcmp(a.b, b.b, sizeof a.b);
}

/* Both lists are in the order of the ids, as the ledger's rows are. */
static bool is_anothers(walk *w, emr_id16 request)
{
	const emr_id16 *known = (const emr_id16 *)(void *)w->share->others.data;
	size_t n = w->share->others.len / sizeof *known;

	while (w->at < n && compare_ids(known[w->at], request) < 0)
		w->at++;
	return w->at < n && compare_ids(known[w->at], request) == 0;
}

/* The newest few of one asker; among all askers, the first that came. */
static emr_status keep_newest(walk *w, const emr_share_request *p)
{
	emr_share_request *oldest = NULL;
	size_t same = 0;

	EMR_EACH (emr_share_request, other, w->to_me) {
		if (!emr_id32_equal(other->from, p->from) ||
			(other->state == EMR_SHARE_REQUEST_OPEN) !=
				(p->state == EMR_SHARE_REQUEST_OPEN))
			continue;
		same++;
		if (oldest == NULL || other->seq < oldest->seq)
			oldest = other;
	}
	if (same < EMR_SHARE_REQUESTS_OPEN_MAX &&
		w->to_me->len / sizeof *p < EMR_SHARE_REQUESTS_MAX)
		return emr_buf_append(w->to_me, p, sizeof *p);
	w->tally.held_back += p->state == EMR_SHARE_REQUEST_OPEN;
	if (oldest != NULL && oldest->seq < p->seq)
		*oldest = *p;
	return EMR_OK;
}

/* Only a guardian asks for another: of anybody else it is none to me. */
static emr_status check_guardian(emr_share *share, const emr_share_request *read)
{
	EMR_AUTO_FREE emr_guardian_grant *g = malloc(sizeof *g);
	emr_known_person asker;

	if (g == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_replica_person(share->o.replica, read->from, &asker));
	return emr_share_guardian_of(
		share, read->domain, EMR_ID32_AT(asker.row.root), read->seq, g);
}

static emr_status one_request(walk *w, const emr_known_request *known)
{
	emr_share_request read;
	emr_status status;

	if (!request_is_timely(known, w->now))
		return EMR_OK;
	if (memcmp(known->row.signer, w->share->me.signer_id.b, sizeof known->row.signer) == 0) {
		status = request_sent(w->share, known, &read);
		w->tally.damaged += status == EMR_DAMAGED;
		if (status == EMR_OK)
			return emr_buf_append(w->mine, &read, sizeof read);
		return status == EMR_DAMAGED ? EMR_OK : status;
	}
	if (is_anothers(w, known->request))
		return emr_buf_append(w->others, &known->request, sizeof known->request);
	status = read_letter(w->share, w->box, known->request, &known->row, &read);
	if (status == EMR_OK && !emr_id32_is_zero(read.reader))
		status = check_guardian(w->share, &read);
	if (status == EMR_NOT_FOUND)
		return emr_buf_append(w->others, &known->request, sizeof known->request);
	if (status == EMR_DAMAGED) {
		w->tally.damaged++;
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	read.ledger_time = known->ledger_time;
	return keep_newest(w, &read);
}

static int by_age(const void *a, const void *b)
{
	const emr_share_request *one = a, *other = b;

	if (one->seq != other->seq)
		return one->seq < other->seq ? -1 : 1;
	return compare_ids(one->request, other->request);
}

emr_status emr_share_requests(
	emr_share *share, emr_buf *out_requests, emr_share_request_tally *out_tally)
{
	const emr_buf known_before = share->others;
	EMR_AUTO_BUF to_me = {0};
	EMR_AUTO_BUF others = {0};
	AUTO_BOX_KEY box = NULL;
	walk w = {.share = share,
		.now = share_now(share),
		.to_me = &to_me,
		.mine = out_requests,
		.others = &others};
	emr_known_request known;
	EMR_ASK(requests, share->o.replica, REQUESTS, .domain = nowhere);

	EMR_TRY(emr_box_key_identity(share->o.keyring, &box));
	w.box = box;
	while (emr_next(&requests, &known))
		EMR_TRY(one_request(&w, &known));
	EMR_TRY(requests.status);
	emr_buf_sort(&to_me, sizeof(emr_share_request), by_age);
	EMR_TRY(emr_buf_append(out_requests, to_me.data, to_me.len));
	share->others = others;
	others = known_before;
	if (out_tally != NULL)
		*out_tally = w.tally;
	return EMR_OK;
}
