#include <string.h>

#include "base/log.h"

#include "shared_private.h"

/* The letter's card must be of the domain that the ledger has: whoever could write another ledger
 * could else put his own domain behind a familiar name. */
static emr_status check_card(emr_share *share, emr_received *r)
{
	emr_row_domain row;
	emr_status status =
		emr_card_read(emr_bytes_of(r->letter.card, r->letter.card_len), &r->card);

	if (status == EMR_OK)
		status = share_domain(share, r->grant.domain, &row);
	if (status != EMR_OK)
		return status;
	if (r->card.kind != EMR_CARD_DOMAIN ||
		!emr_id16_equal(r->card.domain_id, r->grant.domain) ||
		!emr_id16_equal(r->card.net_id, share->net_id) ||
		memcmp(r->card.dom_pk, row.owner_pk, 32) != 0 ||
		memcmp(r->card.x25519, row.box, 32) != 0)
		return EMR_DAMAGED;
	return EMR_OK;
}

emr_status share_open_letter(emr_share *share, const emr_box_key *box, const emr_known_grant *known,
	emr_received *out, emr_grant_terms *out_terms)
{
	AUTO_GRANT_FACTS facts = {0};
	emr_status status = share_grant_facts(share, known->domain, known->grant, &facts);

	if (status != EMR_OK)
		return status;
	memset(out, 0, sizeof *out);
	out->grant = *known;
	out->phase = emr_grant_phase_at(known, share_now(share));
	out->agents_count = facts.read.n;
	memcpy(out->agents, facts.read.agents, facts.read.n * sizeof *out->agents);
	status = emr_grant_letter_open(box, emr_buf_view(&facts.item), &facts.read, &out->letter);
	if (status == EMR_OK)
		status = check_card(share, out);
	if (status == EMR_OK && out_terms != NULL)
		*out_terms = facts.terms;
	return status;
}

typedef struct walk {
	emr_share *share;
	emr_box_key *box;
	emr_received_fn fn;
	void *arg;
	size_t damaged;
} walk;

static emr_status one_grant(void *arg, const emr_known_grant *known)
{
	walk *w = arg;
	emr_received received;
	emr_status status = share_open_letter(w->share, w->box, known, &received, NULL);

	if (status == EMR_OK)
		return w->fn(w->arg, &received);
	if (status == EMR_NO_MEMORY || status == EMR_IO || status == EMR_BUSY)
		return status;
	emr_log(EMR_LOG_WARN, "the letter of a grant does not open: %s", emr_status_text(status));
	w->damaged++;
	return EMR_OK;
}

emr_status emr_share_received(emr_share *share, emr_received_fn fn, void *arg, size_t *out_damaged)
{
	walk w = {.share = share, .fn = fn, .arg = arg};
	emr_known_person me;
	emr_id32 root;
	emr_status status = emr_replica_person(share->o.replica, share->me.signer_id, &me);

	if (status == EMR_OK)
		status = emr_box_key_identity(share->o.keyring, &w.box);
	if (status != EMR_OK)
		return status;
	memcpy(root.b, me.row.root, sizeof root.b);
	status = emr_replica_grants_to(share->o.replica, root, one_grant, &w);
	emr_box_key_free(w.box);
	if (status == EMR_OK && out_damaged != NULL)
		*out_damaged = w.damaged;
	return status;
}
