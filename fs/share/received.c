/* This file lists the grants that a person or his team has received, and opens the sealed letter
 * of each. It refuses a letter whose card belongs to another folder than the ledger names, so
 * that nobody can hide behind a familiar name. */
#include <string.h>

#include "base/log.h"

#include "shared_private.h"

/* The letter's card must be of the domain that the ledger has: whoever could write another ledger
 * could else put his own domain behind a familiar name. */
emr_status share_read_card(emr_share *share, emr_id16 domain, emr_bytes bytes, emr_card *out)
{
	emr_row_domain row;
	emr_card card;
	emr_status status = emr_card_read(bytes, &card);

	if (status == EMR_OK)
		status = share_domain(share, domain, &row);
	if (status != EMR_OK)
		return status;
	if (card.kind != EMR_CARD_DOMAIN || !emr_id16_equal(card.domain_id, domain) ||
		!emr_id16_equal(card.net_id, share->net_id) ||
		memcmp(card.dom_pk, row.owner_pk, 32) != 0 || memcmp(card.x25519, row.box, 32) != 0)
		return EMR_DAMAGED;
	*out = card;
	return EMR_OK;
}

/* A dataset's reader is told no name: in it everybody is called by a pseudonym. */
static emr_status name_participant(
	const emr_team *dataset, const emr_box_key *box, emr_received *out)
{
	uint8_t key[EMR_PSEUDONYM_KEY_BYTES];
	emr_status status = emr_pseudonym_key_open(box, dataset->name, dataset->sealed, key);

	if (status != EMR_OK)
		return status;
	emr_pseudonym(key, out->card.signer_id, out->pseudonym);
	out->line = emr_pseudonym_line(key);
	out->terms = dataset->terms;
	out->terms_id = dataset->terms_id;
	emr_wipe(key, sizeof key);
	return EMR_OK;
}

emr_status share_open_letter(emr_share *share, const standing *s, const emr_box_key *box,
	const emr_known_grant *known, emr_received *out, emr_grant_terms *out_terms)
{
	AUTO_GRANT_FACTS facts = {0};
	emr_status status = share_grant_facts(share, known->domain, known->grant, &facts);

	if (status != EMR_OK)
		return status;
	memset(out, 0, sizeof *out);
	out->grant = *known;
	out->phase = share_phase(share, s, &out->grant);
	if (s->is_team) {
		out->via = s->team.id;
		memcpy(out->team, s->team.name, sizeof out->team);
		out->is_dataset = s->team.kind == EMR_TEAM_DATASET;
	}
	out->agents_count = facts.read.n;
	memcpy(out->agents, facts.read.agents, facts.read.n * sizeof *out->agents);
	status = emr_grant_letter_open(box, emr_buf_view(&facts.item), &facts.read, &out->letter);
	if (status == EMR_OK)
		status = share_read_card(share, known->domain,
			emr_bytes_of(out->letter.card, out->letter.card_len), &out->card);
	if (status == EMR_OK && out->is_dataset)
		status = name_participant(&s->team, box, out);
	if (status == EMR_OK && out_terms != NULL)
		*out_terms = facts.terms;
	return status;
}

typedef struct walk {
	emr_share *share;
	emr_received_fn fn;
	void *arg;
	emr_id32 root;
	size_t damaged;
} walk;

/* EMR_NOT_FOUND: it was never this person's. */
static emr_status open_one(emr_share *share, const emr_known_grant *known, emr_received *out)
{
	emr_box_key *box = NULL;
	bool was_his = false;
	standing s;
	emr_status status = share_standing(share, known, &s);

	if (status == EMR_OK)
		status = share_was_his(share, &s, known, &was_his);
	if (status == EMR_OK && !was_his)
		return EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = share_standing_keys(share, &s, &box, NULL);
	if (status == EMR_OK)
		status = share_open_letter(share, &s, box, known, out, NULL);
	emr_box_key_free(box);
	return status;
}

static emr_status one_grant(void *arg, const emr_known_grant *known)
{
	walk *w = arg;
	emr_received received;
	emr_status status = open_one(w->share, known, &received);

	if (status == EMR_NOT_FOUND && memcmp(known->row.grantee, w->root.b, 32) != 0)
		return EMR_OK;
	if (status == EMR_OK)
		return w->fn(w->arg, &received);
	if (emr_status_is_local(status))
		return status;
	emr_log(EMR_LOG_WARN, "the letter of a grant does not open: %s", emr_status_text(status));
	w->damaged++;
	return EMR_OK;
}

emr_status emr_share_received(emr_share *share, emr_received_fn fn, void *arg, size_t *out_damaged)
{
	walk w = {.share = share, .fn = fn, .arg = arg};
	emr_known_person me;
	emr_status status = emr_replica_person(share->o.replica, share->me.signer_id, &me);

	if (status != EMR_OK)
		return status;
	memcpy(w.root.b, me.row.root, sizeof w.root.b);
	status = emr_replica_grants_to(share->o.replica, w.root, one_grant, &w);
	if (status == EMR_OK)
		status = emr_teams_grants(share->o.replica, w.root, one_grant, &w);
	if (status == EMR_OK && out_damaged != NULL)
		*out_damaged = w.damaged;
	return status;
}

/* ---- keeping ---- */

typedef struct keeping {
	emr_share *share;
	bool fetch;
} keeping;

/* A grant's own part is here when its domain was adopted: everything later is then here as well. */
static emr_status keep_domain(void *arg, const emr_known_grant *known)
{
	const keeping *k = arg;
	emr_replica *replica = k->share->o.replica;
	AUTO_GRANT_FACTS facts = {0};
	emr_status status = share_grant_facts(k->share, known->domain, known->grant, &facts);

	if (status != EMR_OK && status != EMR_MISSING_DATA)
		return status;
	if (status == EMR_OK)
		return emr_replica_keep(replica, known->domain);
	if (!k->fetch)
		return EMR_OK;
	status = emr_replica_keep(replica, known->domain);
	return status == EMR_OK ? emr_replica_adopt(replica, known->domain, NULL) : status;
}

emr_status emr_share_keep_received(emr_share *share, bool fetch)
{
	keeping k = {.share = share, .fetch = fetch};
	emr_known_person me;
	emr_id32 root;
	emr_status status = emr_replica_person(share->o.replica, share->me.signer_id, &me);

	if (status != EMR_OK)
		return status;
	memcpy(root.b, me.row.root, sizeof root.b);
	status = emr_replica_grants_to(share->o.replica, root, keep_domain, &k);
	return status == EMR_OK ? emr_teams_grants(share->o.replica, root, keep_domain, &k)
				: status;
}
