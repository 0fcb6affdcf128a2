/* This file lists the grants that a person, or a team of that person, has received, and opens the
 * sealed letter of each. It refuses a letter whose card belongs to another folder than the ledger
 * names, so that nobody can hide behind a familiar name. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replica/people.h"

#include "share/request.h"
#include "shared_private.h"

/* It was of the domain before that went over to another key of its owner. */
static emr_status is_former_card(emr_share *share, emr_id16 domain, const emr_card *card)
{
	EMR_AUTO_BUF owners = {0};

	EMR_TRY(emr_replica_owners_of(share->o.replica, domain, &owners));
	EMR_EACH (const emr_known_owner, owner, &owners)
		if (memcmp(card->dom_pk, owner->owned.owner_pk, 32) == 0 &&
			memcmp(card->x25519, owner->box, 32) == 0)
			return EMR_OK;
	return EMR_DAMAGED;
}

/* The letter's card must be of the domain that the ledger has: whoever could write another ledger
 * could else put his own domain behind a familiar name. */
emr_status share_read_card(emr_share *share, emr_id16 domain, emr_bytes bytes, emr_card *out)
{
	emr_row_domain row;
	emr_card card;

	EMR_TRY(emr_card_read(bytes, &card));
	EMR_TRY(share_domain(share, domain, &row));
	if (card.kind != EMR_CARD_DOMAIN || !emr_id16_equal(card.domain_id, domain) ||
		!emr_id16_equal(card.net_id, share->net_id))
		return EMR_DAMAGED;
	if (memcmp(card.dom_pk, row.owner_pk, 32) != 0)
		EMR_TRY(is_former_card(share, domain, &card));
	else if (memcmp(card.x25519, row.box, 32) != 0)
		return EMR_DAMAGED;
	/* Answers go to the key of now. */
	memcpy(card.dom_pk, row.owner_pk, 32);
	memcpy(card.x25519, row.box, 32);
	*out = card;
	return EMR_OK;
}

/* A dataset's reader is told no name: in it everybody is called by a pseudonym. */
static emr_status name_participant(
	const emr_team *dataset, const emr_box_key *box, emr_received *out)
{
	uint8_t key[EMR_PSEUDONYM_KEY_BYTES];

	EMR_TRY(emr_pseudonym_key_open(box, dataset->name, dataset->sealed, key));
	emr_pseudonym(key, out->card.signer_id, out->pseudonym);
	out->line = emr_pseudonym_line(key, dataset->terms_id);
	out->terms_id = dataset->terms_id;
	emr_wipe(key, sizeof key);
	return EMR_OK;
}

emr_status share_open_letter(emr_share *share, const standing *s, const emr_box_key *box,
	const emr_known_grant *known, emr_received *out, emr_grant_terms *out_terms)
{
	AUTO_GRANT_FACTS facts = {0};

	EMR_TRY(share_grant_facts(share, known->domain, known->grant, &facts));
	memset(out, 0, sizeof *out);
	out->grant = *known;
	out->phase = share_phase(share, s, &out->grant);
	if (s->is_team) {
		out->via = s->team_id;
		memcpy(out->team, s->team->name, sizeof out->team);
		out->is_dataset = s->team->kind == EMR_TEAM_DATASET;
	}
	memcpy(out->B, facts.read.B, sizeof out->B);
	out->agents_count = facts.read.n;
	memcpy(out->agents, facts.read.agents, facts.read.n * sizeof *out->agents);
	EMR_TRY(emr_grant_letter_open(box, emr_buf_view(&facts.item), &facts.read, &out->letter));
	EMR_TRY(share_read_card(share, known->domain,
		emr_bytes_of(out->letter.card, out->letter.card_len), &out->card));
	if (out->is_dataset)
		EMR_TRY(name_participant(s->team, box, out));
	if (out_terms != NULL)
		*out_terms = facts.terms;
	return EMR_OK;
}

/* ---- letters that are open ---- */

/* All that a letter said depends on: the row names the item of its last change, by hash. */
typedef struct letter_version {
	emr_id16 domain, grant;
	emr_id32 item;	     /* the grant's last, */
	emr_id32 membership; /* and that of who stands so; zero: to him by name */
	emr_id16 team;
	uint8_t owner_pk[32], box[32]; /* of the domain, by which its card was judged */
} letter_version;

typedef struct letter_said {
	letter_version of;
	emr_received said;
	emr_grant_terms terms;
} letter_said;

static int compare_letters(const void *a, const void *b)
{
	const letter_version *x = &((const letter_said *)a)->of, *y = &((const letter_said *)b)->of;
	int order = memcmp(x->grant.b, y->grant.b, sizeof x->grant.b);

	return order != 0 ? order : memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);
}

static emr_status letter_version_of(
	emr_share *share, const standing *s, const emr_known_grant *known, letter_version *out)
{
	emr_row_domain row;
	emr_status status = share_domain(share, known->domain, &row);

	memset(out, 0, sizeof *out); /* it is compared as bytes */
	if (status != EMR_OK)
		return status;
	out->domain = known->domain;
	out->grant = known->grant;
	memcpy(out->item.b, known->row.head.item, sizeof out->item.b);
	memcpy(out->owner_pk, row.owner_pk, sizeof out->owner_pk);
	memcpy(out->box, row.box, sizeof out->box);
	if (s->is_team) {
		out->team = s->team_id;
		memcpy(out->membership.b, s->membership.row.head.item, sizeof out->membership.b);
	}
	return EMR_OK;
}

static const letter_said *letter_find(const emr_share *share, const letter_version *of)
{
	const letter_said key = {.of = *of};
	const size_t n = share->letters.len / sizeof key;

	return n > 0 ? bsearch(&key, share->letters.data, n, sizeof key, compare_letters) : NULL;
}

/* It was opened by this process, which has kept its domain since. */
static bool letter_was_read(const emr_share *share, const emr_known_grant *known)
{
	const letter_version of = {.domain = known->domain, .grant = known->grant};
	const letter_said *open = letter_find(share, &of);

	return open != NULL && memcmp(open->of.item.b, known->row.head.item, 32) == 0;
}

bool share_letter_said(emr_share *share, const standing *s, const emr_known_grant *known,
	emr_received *out, emr_grant_terms *out_terms)
{
	letter_version of;
	const letter_said *one =
		letter_version_of(share, s, known, &of) == EMR_OK ? letter_find(share, &of) : NULL;

	if (one == NULL || memcmp(&one->of, &of, sizeof of) != 0)
		return false;
	*out = one->said;
	*out_terms = one->terms;
	out->grant = *known;
	out->phase = share_phase(share, s, &out->grant);
	return true;
}

/* ---- all that I was given ---- */

typedef struct walk {
	emr_share *share;
	emr_id32 root;
	emr_unopened unopened;
	/* Of the grantee whose grants are gone through: by name, or one of the teams. */
	bool has_standing;
	emr_id32 grantee;
	standing standing;
	emr_team team;
	emr_box_key *box; /* NULL: not needed yet */
	emr_buf letters;  /* letter_said, ...: of the grants that there are */
} walk;

static emr_status stand(walk *w, const emr_known_grant *known)
{
	emr_status status = EMR_OK;

	if (w->has_standing && memcmp(known->row.grantee, w->grantee.b, 32) == 0)
		return EMR_OK;
	emr_box_key_free(w->box);
	w->box = NULL;
	status = share_standing(w->share, known, &w->team, &w->standing);
	w->has_standing = status == EMR_OK;
	memcpy(w->grantee.b, known->row.grantee, sizeof w->grantee.b);
	return status;
}

/* EMR_NOT_FOUND: it was never this person's. */
static emr_status open_one(walk *w, const emr_known_grant *known, emr_received *out)
{
	bool was_his = false;
	const letter_said *before;
	letter_said one;

	EMR_TRY(stand(w, known));
	EMR_TRY(share_was_his(w->share, &w->standing, known, &was_his));
	if (!was_his)
		return EMR_NOT_FOUND;
	EMR_TRY(letter_version_of(w->share, &w->standing, known, &one.of));
	before = letter_find(w->share, &one.of);
	if (before != NULL && memcmp(&before->of, &one.of, sizeof one.of) == 0) {
		one = *before;
	} else {
		if (w->box == NULL)
			EMR_TRY(share_standing_keys(w->share, &w->standing, &w->box, NULL));
		EMR_TRY(share_open_letter(
			w->share, &w->standing, w->box, known, &one.said, &one.terms));
	}
	/* Without memory it is opened again the next time. */
	(void)emr_buf_append(&w->letters, &one, sizeof one);
	*out = one.said;
	out->grant = *known;
	out->phase = share_phase(w->share, &w->standing, &out->grant);
	return EMR_OK;
}

static emr_status one_grant(walk *w, const emr_known_grant *known, emr_buf *out)
{
	emr_received received;
	emr_emergency e;
	emr_status status = EMR_OK;

	/* A grant that two must open is nothing to anybody else, and to them not before they have.
	 */
	if ((known->row.rights & EMR_GRANT_TWO) != 0) {
		status = emr_emergency_of(w->share, known, &e);
		if (status == EMR_NOT_FOUND ||
			(status == EMR_OK && (e.until_unix_s == 0 ||
						     (!emr_id32_equal(e.first, w->root) &&
							     !emr_id32_equal(e.second, w->root)))))
			return EMR_OK;
	}
	EMR_TRY(status);
	status = open_one(w, known, &received);

	if (status == EMR_NOT_FOUND && memcmp(known->row.grantee, w->root.b, 32) != 0)
		return EMR_OK;
	if (status == EMR_OK)
		return emr_buf_append(out, &received, sizeof received);
	if (emr_status_is_local(status))
		return status;
	if (status == EMR_MISSING_DATA) {
		w->unopened.late++;
		w->share->awaits_team_key |= w->standing.is_team && w->box == NULL;
		return EMR_OK;
	}
	emr_log(EMR_LOG_WARN, "the letter of a grant does not open: %s", emr_status_text(status));
	w->unopened.damaged++;
	return EMR_OK;
}

static emr_status find_grants(emr_share *share, emr_id32 *out_root, emr_buf *out_grants)
{
	emr_known_person me;

	EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
	memcpy(out_root->b, me.row.root, sizeof out_root->b);
	return emr_grants_to_person(share->o.replica, *out_root, out_grants);
}

emr_status emr_share_received(emr_share *share, emr_buf *out_received, emr_unopened *out_unopened)
{
	walk w = {.share = share};
	EMR_AUTO_BUF grants = {0};
	emr_status status = find_grants(share, &w.root, &grants);

	share_forget_team_key(share);
	EMR_EACH (const emr_known_grant, grant, &grants)
		if (status == EMR_OK)
			status = one_grant(&w, grant, out_received);
	emr_box_key_free(w.box);
	if (status == EMR_OK) {
		const emr_buf before = share->letters;

		share->letters = w.letters;
		w.letters = before;
		emr_buf_sort(&share->letters, sizeof(letter_said), compare_letters);
	}
	emr_buf_free(&w.letters);
	if (status == EMR_OK && out_unopened != NULL)
		*out_unopened = w.unopened;
	return status;
}

/* ---- keeping ---- */

/* A grant's own part is here when its domain was adopted: everything later is then here as well. */
static emr_status keep_domain(emr_share *share, const emr_known_grant *known, bool fetch)
{
	emr_replica *replica = share->o.replica;
	AUTO_GRANT_FACTS facts = {0};
	emr_status status;

	if (letter_was_read(share, known))
		return EMR_OK;
	status = share_grant_facts(share, known->domain, known->grant, &facts);
	if (status != EMR_OK && status != EMR_MISSING_DATA)
		return status;
	if (status != EMR_OK && !fetch)
		return EMR_OK;
	EMR_TRY(emr_replica_keep(replica, known->domain));
	return status == EMR_OK ? EMR_OK : emr_replica_adopt(replica, known->domain, NULL);
}

emr_status emr_share_keep_received(emr_share *share, bool fetch)
{
	EMR_AUTO_BUF grants = {0};
	emr_id32 root;

	EMR_TRY(find_grants(share, &root, &grants));
	if (fetch && share->awaits_team_key) { /* such letters are of no domain */
		EMR_TRY(emr_replica_adopt(share->o.replica, (emr_id16){{0}}, NULL));
		share->awaits_team_key = false;
	}
	EMR_EACH (const emr_known_grant, grant, &grants)
		EMR_TRY(keep_domain(share, grant, fetch));
	return EMR_OK;
}
