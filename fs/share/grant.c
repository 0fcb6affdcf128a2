#include "share/give.h"

#include <string.h>

#include "share_private.h"

#define RIGHTS_ALL (EMR_GRANT_LIST | EMR_GRANT_READ | EMR_GRANT_HISTORY)

/* One grant in the making. */
typedef struct making {
	emr_share *share;
	const emr_grant_order *order;
	emr_row_domain row;
	emr_domain_public domain;
	emr_known_person grantee;
	emr_agent agents[EMR_AGENTS_MAX];
	emr_grant_made made;
	emr_pub_grant terms;
	emr_grant_letter letter;
} making;

static emr_status check_order(const making *m)
{
	const emr_grant_order *o = m->order;
	bool is_good = o->rights != 0 && (o->rights & ~RIGHTS_ALL) == 0 && o->purposes != 0 &&
		       (o->purposes & ~EMR_PURPOSES_ALL) == 0 &&
		       o->not_after_unix_s > share_now(m->share) &&
		       o->not_after_unix_s > o->not_before_unix_s && o->label != NULL &&
		       strlen(o->label) <= EMR_SHARE_LABEL_MAX &&
		       o->agents_count <= EMR_AGENTS_MAX &&
		       (o->agents == NULL || o->threshold <= o->agents_count) &&
		       !emr_id32_equal(o->grantee, m->share->me.signer_id);

	return is_good ? EMR_OK : EMR_INVALID;
}

static emr_status look_up(making *m)
{
	emr_share *share = m->share;
	bool is_active = false;
	emr_status status = share_own_domain(share, m->order->domain, &m->row, &m->domain);

	if (status == EMR_OK)
		status = emr_replica_person(share->o.replica, m->order->grantee, &m->grantee);
	if (status == EMR_OK)
		status = emr_replica_person_is_active(
			share->o.replica, &m->grantee, share_now(share), &is_active);
	if (status != EMR_OK)
		return status;
	return is_active ? EMR_OK : EMR_DENIED;
}

static emr_status settle_agents(making *m)
{
	const emr_grant_order *o = m->order;
	emr_status status = EMR_OK;

	if (o->agents != NULL) {
		m->made.n = (uint8_t)o->agents_count;
		memcpy(m->made.agents, o->agents, o->agents_count * sizeof *o->agents);
		m->made.t = o->threshold;
	} else {
		unsigned n = 0;

		status = share_choose_agents(m->share, &m->grantee, m->made.agents, &n);
		m->made.n = (uint8_t)n;
	}
	if (status != EMR_OK)
		return status;
	if (m->made.t == 0)
		m->made.t = m->made.n >= 2 ? 2 : m->made.n;
	return share_agents(m->share, m->made.agents, m->made.n, m->agents);
}

/* The domain's card, so that the grantee can compare it with the ledger. */
static emr_status write_letter(making *m)
{
	const emr_grant_order *o = m->order;
	EMR_AUTO_BUF card = {0};
	uint64_t now = share_now(m->share);
	emr_status status = emr_card_make_domain(m->share->o.keyring, m->share->net_id, o->domain,
		SHARE_GEN, m->made.epoch, now, o->not_after_unix_s,
		o->owner_name != NULL ? o->owner_name : "",
		o->owner_born != NULL ? o->owner_born : "", &card);

	if (status != EMR_OK)
		return status;
	if (card.len > sizeof m->letter.card)
		return EMR_LIMIT;
	memcpy(m->letter.card, card.data, card.len);
	m->letter.card_len = card.len;
	m->letter.root_dir_id = o->domain;
	m->letter.share_id = emr_id16_random();
	memcpy(m->letter.label, o->label, strlen(o->label) + 1);
	return EMR_OK;
}

static void write_terms(making *m)
{
	uint64_t now = share_now(m->share);
	uint64_t begins = m->order->not_before_unix_s;

	m->terms = (emr_pub_grant){.not_before_unix_s = begins != 0 ? begins : now,
		.not_after_unix_s = m->order->not_after_unix_s,
		.purposes = m->order->purposes,
		.rights = m->order->rights,
		.t = m->made.t,
		.n = m->made.n};
	memcpy(m->terms.grantee, m->grantee.row.root, 32);
}

static emr_status add_grant(parcel *p, making *m, emr_grant_terms *out_terms)
{
	emr_act act = emr_act_grant(m->order->domain, m->made.grant, m->made.epoch, &m->terms);
	emr_grant_parties parties = {.agents = m->made.agents};
	emr_status status;

	memcpy(parties.owner_box, m->domain.box, 32);
	memcpy(parties.grantee_x25519, m->grantee.row.x25519, 32);
	memcpy(parties.B, m->grantee.row.B, 32);
	status = parcel_prepare(p, &act);
	if (status == EMR_OK)
		status = emr_grant_terms_read(emr_buf_view(&p->item), out_terms);
	if (status == EMR_OK)
		status =
			emr_grant_part_seal(emr_buf_view(&p->item), &parties, &m->letter, &p->part);
	return status == EMR_OK ? parcel_add(p, &act, NULL) : status;
}

/* GRANT with its fragments: of this epoch, with HISTORY of all. */
static emr_status send(making *m)
{
	uint32_t epoch = m->order->rights & EMR_GRANT_HISTORY ? 1 : m->made.epoch;
	emr_grant_terms terms;
	uint64_t version = 0;
	emr_id32 prev = {{0}};
	AUTO_PARCEL p = {0};
	emr_status status =
		parcel_begin(m->share, emr_signer_domain(m->order->domain, SHARE_GEN), &p);

	if (status == EMR_OK)
		status = add_grant(&p, m, &terms);
	for (; status == EMR_OK && m->made.n > 0 && epoch <= m->made.epoch; epoch++)
		status = share_add_fragments(
			&p, &terms, m->grantee.row.B, m->agents, epoch, &version, &prev);
	return status == EMR_OK ? parcel_send(&p) : status;
}

emr_status emr_share_grant(emr_share *share, const emr_grant_order *order, emr_grant_made *out_made)
{
	making m = {.share = share, .order = order};
	emr_status status = check_order(&m);

	share->refusal = 0;
	if (status == EMR_OK)
		status = share_catch_up(share);
	if (status == EMR_OK)
		status = look_up(&m);
	if (status == EMR_OK)
		status = settle_agents(&m);
	if (status == EMR_OK)
		status = emr_share_renew(share, order->domain);
	if (status == EMR_OK && (order->rights & EMR_GRANT_HISTORY) == 0)
		status = share_hide_past(share, order->domain, &m.made.wrapped_again);
	if (status == EMR_OK)
		status = share_own_domain(share, order->domain, &m.row, &m.domain);
	if (status != EMR_OK)
		return status;
	m.made.grant = emr_id16_random();
	m.made.epoch = m.row.head.epoch;
	write_terms(&m);
	status = write_letter(&m);
	if (status == EMR_OK)
		status = send(&m);
	if (status == EMR_OK)
		*out_made = m.made;
	return status;
}
