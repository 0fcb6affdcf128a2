/* This file makes one grant: it checks what the owner wants, chooses the agents, cuts the
 * re-encryption key into fragments for them, and sends everything in one batch. If the ledger
 * takes only a part of it, that part is taken back: half a share is not what the owner meant. */
#include "share/give.h"
#include "share/write.h"

#include <string.h>

#include "base/log.h"

#include "share_private.h"
#include "teams_private.h"

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
	char rule[EMR_GRANT_RULE_MAX + 1]; /* of a guardian's */
	uint64_t writes_until_unix_s;
	bool joins; /* a dataset, with the same batch */
} making;

/* Reading, writing or both; for reading there are purposes, and writing begins at once. */
static bool rights_ok(const emr_grant_order *o)
{
	uint16_t shown = emr_rights_shown(o->rights);

	return (shown != 0 || (o->writes != 0 && o->rights == 0)) &&
	       (o->rights & ~(shown | EMR_AWAY_BITS | EMR_GRANT_TWO | EMR_GRANT_GUARDIAN)) == 0 &&
	       (o->rights & EMR_AWAY_BITS) != EMR_AWAY_BITS &&
	       (o->writes & ~EMR_WRITES_GUARDIAN) == 0 && (o->purposes != 0 || o->rights == 0) &&
	       (o->purposes & ~EMR_PURPOSES_ALL) == 0 &&
	       (o->writes == 0 || o->not_before_unix_s == 0) &&
	       ((o->writes & EMR_RIGHT_GUARDIAN) == 0 || shown == EMR_RIGHTS_READ) &&
	       ((o->rights & EMR_GRANT_TWO) == 0 ||
		       (o->writes == 0 && o->purposes == EMR_PURPOSE_EMERGENCY && o->hours > 0 &&
			       o->hours <= EMR_EMERGENCY_HOURS_MAX));
}

static emr_status check_order(const making *m)
{
	const emr_grant_order *o = m->order;
	bool is_good = rights_ok(o) && o->not_after_unix_s > share_now(m->share) &&
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

	EMR_TRY(share_own_domain(share, m->order->domain, &m->row, &m->domain));
	EMR_TRY(share_party(share, m->order->grantee, &m->grantee, &is_active));
	/* A writer signs with a key of the person's own: a team has none. */
	if (m->order->writes != 0 && share_is_team(&m->grantee))
		return EMR_UNSUPPORTED;
	if ((m->order->rights & EMR_GRANT_TWO) != 0 && !share_is_team(&m->grantee))
		return EMR_INVALID; /* one person is no two */
	return is_active ? EMR_OK : EMR_DENIED;
}

/* Those of an order are of an earlier share: somebody of an organisation of theirs may read now. */
static emr_status choose(making *m, bool *out_chosen)
{
	const emr_grant_order *o = m->order;
	emr_id32 agents[EMR_AGENTS_MAX];
	unsigned n = 0, near = 0;
	bool are_own = false;

	*out_chosen = false;
	if (o->agents != NULL)
		EMR_TRY(share_agents_near(m->share, EMR_ID32_AT(m->grantee.row.root), o->rights,
			NULL, o->agents, o->agents_count, NULL, &near));
	if (o->agents != NULL && near == 0)
		return EMR_OK;
	EMR_TRY(share_choose_agents(m->share, &m->grantee, o->rights, agents, &n, &are_own));
	/* Never with fewer who must agree than she was told. */
	*out_chosen = o->agents == NULL || share_must_agree(n, are_own) >= o->threshold;
	if (!*out_chosen)
		return EMR_OK;
	m->made.n = (uint8_t)n;
	memcpy(m->made.agents, agents, n * sizeof *agents);
	m->made.away = n == 0 ? EMR_AWAY_NOBODY : are_own ? EMR_AWAY_OWN : EMR_AWAY_OTHERS;
	m->made.t = 0;
	return EMR_OK;
}

static emr_status settle_agents(making *m)
{
	const emr_grant_order *o = m->order;
	bool is_chosen = false;

	if (o->rights == 0) /* there is nothing to release */
		return EMR_OK;
	EMR_TRY(choose(m, &is_chosen));
	if (!is_chosen) {
		m->made.n = (uint8_t)o->agents_count;
		m->made.away = emr_away_of(o->rights, o->agents_count);
		memcpy(m->made.agents, o->agents, o->agents_count * sizeof *o->agents);
		m->made.t = o->threshold;
	}
	if (m->made.t == 0)
		m->made.t = share_must_agree(m->made.n, m->made.away == EMR_AWAY_OWN);
	return share_agents(m->share, EMR_ID32_AT(m->grantee.row.root), (uint16_t)m->made.away,
		m->made.agents, m->made.n, m->agents);
}

/* The domain's card, so that the grantee can compare it with the ledger. */
static emr_status write_letter(making *m)
{
	const emr_grant_order *o = m->order;
	EMR_AUTO_BUF card = {0};

	EMR_TRY(share_make_card(
		m->share, o->domain, o->not_after_unix_s, o->owner_name, o->owner_born, &card));
	if (card.len > sizeof m->letter.card)
		return EMR_LIMIT;
	memcpy(m->letter.card, card.data, card.len);
	m->letter.card_len = card.len;
	m->letter.root_dir_id = emr_id16_is_zero(o->root_dir) ? o->domain : o->root_dir;
	m->letter.share_id = emr_id16_is_zero(o->share_id) ? emr_id16_random() : o->share_id;
	m->made.share_id = m->letter.share_id;
	if ((o->rights & EMR_GRANT_TWO) != 0) { /* readers have no card */
		m->letter.word = o->share_id;
		emr_object_emergency(o->share_id.b, m->letter.root_dir_id.b,
			m->letter.root_dir_id.b, (uint8_t)o->hours, m->letter.share_id.b);
	}
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
		.rights = emr_rights_shown(m->order->rights) | (m->order->rights & EMR_GRANT_TWO) |
			  ((m->order->writes & EMR_RIGHT_GUARDIAN) != 0 ? EMR_GRANT_GUARDIAN : 0) |
			  (m->made.away == EMR_AWAY_OWN ? EMR_GRANT_OWN_AGENTS : 0),
		.t = m->made.t,
		.n = m->made.n};
	memcpy(m->terms.grantee, m->grantee.row.root, 32);
}

/* It lies in the folder that was shared, and comes with it. */
static bool is_inner(const making *m)
{
	return !emr_id16_equal(m->letter.root_dir_id, m->order->domain);
}

static emr_status add_grant(parcel *p, making *m, emr_grant_terms *out_terms)
{
	emr_act act = emr_act_grant(m->order->domain, m->made.grant, m->made.epoch, &m->terms);
	emr_grant_parties parties = {.agents = m->made.agents};

	memcpy(parties.owner_box, m->domain.box, 32);
	memcpy(parties.grantee_x25519, m->grantee.row.x25519, 32);
	memcpy(parties.B, m->grantee.row.B, 32);
	EMR_TRY(parcel_prepare(p, &act));
	EMR_TRY(emr_grant_terms_read(emr_buf_view(&p->item), out_terms));
	EMR_TRY(emr_grant_part_seal(emr_buf_view(&p->item), &parties, &m->letter, &p->part));
	if (is_inner(m))
		EMR_TRY(share_add_outer(p, out_terms->grantee, m->letter.root_dir_id));
	else if ((m->order->writes & EMR_RIGHT_GUARDIAN) != 0)
		EMR_TRY(emr_grant_rule_seal(
			emr_buf_view(&p->item), m->domain.box, m->rule, &p->part));
	return parcel_add(p, &act, NULL);
}

/* ---- writing ---- */

/* The writer that stands there decides what the one row says from now on. */
static emr_status note_present(making *m, const known_writer *present)
{
	uint16_t theirs = present->row.rights, ours = m->order->writes;

	if (!known_writer_is_alive(present, share_now(m->share)) || m->order->replaces ||
		!present->is_hers)
		return EMR_OK;
	if ((theirs & ~ours) != 0)
		return EMR_EXISTS;
	if (theirs == ours && present->row.not_after_unix_s > m->writes_until_unix_s)
		m->writes_until_unix_s = present->row.not_after_unix_s;
	return EMR_OK;
}

static emr_status settle_writing(making *m)
{
	EMR_AUTO_BUF writers = {0};
	emr_id32 root = EMR_ID32_AT(m->grantee.row.root);

	if (m->order->writes == 0)
		return EMR_OK;
	m->writes_until_unix_s = m->order->not_after_unix_s;
	EMR_TRY(share_known_writers(m->share, m->order->domain, &root, &writers));
	EMR_EACH (const known_writer, writer, &writers)
		EMR_TRY(note_present(m, writer));
	return EMR_OK;
}

static emr_status add_writing(parcel *p, making *m)
{
	const writer_terms terms = {.domain = m->order->domain,
		.writer = &m->grantee,
		.rights = m->order->writes,
		.not_after_unix_s = m->writes_until_unix_s,
		.label = m->order->label,
		.card = emr_bytes_of(m->letter.card, m->letter.card_len)};

	return m->order->writes != 0 ? share_add_writer(p, &terms) : EMR_OK;
}

/* A deposit is called by its operation. */
static emr_status name_deposit(making *m)
{
	EMR_AUTO_BUF writers = {0};
	emr_id32 root = EMR_ID32_AT(m->grantee.row.root);

	EMR_TRY(share_known_writers(m->share, m->order->domain, &root, &writers));
	EMR_EACH (const known_writer, writer, &writers)
		m->made.grant = EMR_ID16_AT(writer->item_id.b);
	return EMR_OK;
}

/* Given again by the owner's computer, for another key or other agents: by the same rule. */
static emr_status settle_rule(making *m)
{
	emr_guardian_grant before;
	emr_status status = EMR_NOT_FOUND;

	if (m->order->rule != NULL) {
		if (strlen(m->order->rule) >= sizeof m->rule)
			return EMR_LIMIT;
		memcpy(m->rule, m->order->rule, strlen(m->order->rule) + 1);
	} else if ((m->order->writes & EMR_RIGHT_GUARDIAN) != 0) {
		status = emr_share_guardian_of(
			m->share, m->order->domain, EMR_ID32_AT(m->grantee.row.root), 0, &before);
		if (status == EMR_OK)
			memcpy(m->rule, before.rule, sizeof m->rule);
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	}
	return EMR_OK;
}

/* ---- sending ---- */

/* A folder inside one that takes part comes with it, and takes no part itself. */
static emr_status add_join(parcel *p, making *m)
{
	return share_is_team(&m->grantee) && !is_inner(m)
		       ? share_add_join(p, m->order->domain, EMR_ID32_AT(m->grantee.row.root),
				 m->made.grant, &m->joins)
		       : EMR_OK;
}

/* GRANT with its fragments, of this epoch: those before it are the past. */
static emr_status add_reading(parcel *p, making *m)
{
	emr_grant_terms terms;
	uint64_t version = 0;
	emr_id32 prev = {{0}};

	EMR_TRY(add_grant(p, m, &terms));
	return m->made.n > 0 ? share_add_fragments(p, &terms, m->grantee.row.B, m->agents,
				       m->made.epoch, &version, &prev)
			     : EMR_OK;
}

/* Both in one batch.  Should the ledger take only one of the two, neither is left: half a share is
 * not what was meant. */
static emr_status send(making *m)
{
	AUTO_PARCEL p = {0};
	emr_known_grant half;
	uint8_t refusal;
	emr_status status = parcel_begin(
			   m->share, emr_signer_domain(m->order->domain, SHARE_GEN), &p),
		   undone;

	if (status == EMR_OK)
		status = add_writing(&p, m);
	if (status == EMR_OK && m->order->rights != 0)
		status = add_reading(&p, m);
	if (status == EMR_OK && m->order->rights != 0)
		status = add_join(&p, m);
	if (status == EMR_OK)
		status = parcel_send(&p);
	refusal = m->share->refusal;
	if (status == EMR_OK || refusal == 0 || (m->order->writes == 0 && !m->joins))
		return status == EMR_OK && m->order->rights == 0 ? name_deposit(m) : status;
	if (emr_replica_grant(m->share->o.replica, m->order->domain, m->made.grant, &half) ==
		EMR_OK) {
		undone = share_revoke(m->share, &half, 0);
		if (undone != EMR_OK)
			emr_log(EMR_LOG_ERROR, "half a share stands: %s", emr_status_text(undone));
	}
	m->share->refusal = refusal;
	return status;
}

/* A grant that was named before it is sent is there once, whoever was quicker: never its terms
 * again. */
static emr_status settle_name(making *m)
{
	const bool is_for_two = (m->order->rights & EMR_GRANT_TWO) != 0;
	const bool has_name = is_for_two || !emr_id16_is_zero(m->order->grant);
	emr_known_grant there;
	emr_team team;
	emr_status status = EMR_NOT_FOUND;

	m->made.grant = has_name ? m->order->grant : emr_id16_random();
	if (is_for_two) {
		EMR_TRY(emr_team_of_grantee(
			m->share->o.replica, EMR_ID32_AT(m->grantee.row.root), &team));
		emr_object_emergency(m->order->share_id.b, team.id.b, m->order->domain.b,
			(uint8_t)m->order->hours, m->made.grant.b);
	}
	if (has_name)
		status = emr_replica_grant(
			m->share->o.replica, m->order->domain, m->made.grant, &there);
	return status == EMR_NOT_FOUND ? EMR_OK : status == EMR_OK ? EMR_EXISTS : status;
}

emr_status emr_share_preview(
	emr_share *share, const emr_grant_order *order, emr_grant_made *out_made)
{
	making m = {.share = share, .order = order};

	EMR_TRY(check_order(&m));
	EMR_TRY(look_up(&m));
	EMR_TRY(settle_agents(&m));
	EMR_TRY(settle_writing(&m));
	*out_made = m.made;
	return EMR_OK;
}

static emr_status give(making *m)
{
	emr_share *share = m->share;
	const emr_grant_order *order = m->order;

	EMR_TRY(settle_agents(m));
	EMR_TRY(settle_writing(m));
	EMR_TRY(settle_rule(m));
	EMR_TRY(emr_share_renew(share, order->domain));
	/* A grantee who sees nothing has no past to be hidden from. */
	EMR_TRY(order->rights != 0 ? share_hide_past(share, order->domain, &m->made.wrapped_again,
					     &m->made.left_out)
				   : share_let_go(share, order->domain));
	EMR_TRY(share_own_domain(share, order->domain, &m->row, &m->domain));
	EMR_TRY(settle_name(m));
	m->made.epoch = m->row.head.epoch;
	write_terms(m);
	EMR_TRY(write_letter(m));
	return send(m);
}

emr_status emr_share_grant(emr_share *share, const emr_grant_order *order, emr_grant_made *out_made)
{
	making m = {.share = share, .order = order};
	emr_status status;

	share->refusal = 0;
	EMR_TRY(check_order(&m));
	EMR_TRY(look_up(&m));
	memcpy(share->gives_to.b, m.grantee.row.root, sizeof share->gives_to.b);
	status = give(&m);
	share->gives_to = (emr_id32){{0}};
	if (status == EMR_OK)
		*out_made = m.made;
	return status;
}
