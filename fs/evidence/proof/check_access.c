/* This part of checking a proof is about an access: who asked, for what, under which grant, and
 * who gave the key. */
#include <string.h>

#include "check_private.h"
#include "crypto/hashsig.h"
#include "keyring/access.h"
#include "keyring/content.h"

#define GRANT_BYTES (EMR_ITEM_BYTES + 64)
#define ANSWER_BYTES (EMR_ITEM_BYTES + 56)
#define ASKED_BYTES (EMR_ITEM_BYTES + 40)

static emr_bytes asked_item(const checking *c)
{
	return c->proof->item;
}

static bool note_who(checking *c)
{
	const known_key *who = key_of(c, c->item.signer_id);
	emr_proof_verdict *v = c->verdict;

	if (asked_item(c).len != ASKED_BYTES ||
		!emr_pub_access_req_parse(
			(emr_span){asked_item(c).data + EMR_ITEM_BYTES, 40}, &c->asked))
		return fail(c, EMR_PROOF_BAD_QUESTION, "the question cannot be read");
	if (who == NULL)
		return fail(c, EMR_PROOF_BAD_QUESTION, "the key that asked is not shown");
	memcpy(v->signer, who->certificate.handle, sizeof v->signer);
	v->certificate = who->certificate.ref;
	memcpy(v->handle_id, who->signer_id.b, 8);
	organisation_name(c, who, v->organisation);
	memcpy(v->domain.b, c->item.domain_id, 16);
	memcpy(v->grant.b, c->asked.grant, 16);
	v->asked = c->asked.count;
	return true;
}

static void note_body(checking *c, const emr_access_body *body)
{
	emr_proof_verdict *v = c->verdict;

	v->is_readable = true;
	v->purpose = body->purpose;
	v->is_software = body->reader == EMR_READER_SOFTWARE;
	c->purposes_asked = UINT32_C(1) << body->purpose;
	for (uint16_t i = 0; i < body->count; i++) {
		bool is_names = body->slots[i].kind == EMR_CAPSULE_LISTING;

		c->asks_names |= is_names;
		c->asks_contents |= !is_names;
		if (v->n_slots == EMR_PROOF_SLOTS_SHOWN)
			continue;
		v->slots[v->n_slots].object = body->slots[i].object_id;
		v->slots[v->n_slots].version = body->slots[i].version;
		v->slots[v->n_slots++].is_names = is_names;
	}
}

/* This opens the question with the key that the proof shows. */
static emr_status read_question(checking *c)
{
	emr_bytes k = emr_proof_part_of(c->proof, EMR_PROOF_QUESTION_KEY, 0);
	emr_request_key *key = NULL;
	emr_access_part part;
	emr_access_body body = {0};
	emr_status status = emr_access_part_read(asked_item(c), c->proof->priv, &part);

	if (status == EMR_OK)
		status = emr_request_key_shown(k.data, &part, &key);
	if (status == EMR_OK)
		status = emr_access_body_open(key, asked_item(c), &part, &body);
	if (status == EMR_OK)
		note_body(c, &body);
	emr_access_body_free(&body);
	emr_request_key_free(key);
	return status;
}

bool check_question(checking *c)
{
	emr_status status;

	if (!note_who(c))
		return false;
	if (c->proof->priv.len == 0)
		return true; /* how many records, not which */
	if (!priv_fits(&c->item, c->proof->priv))
		return fail(c, EMR_PROOF_BAD_PRIVATE_PART,
			"the private part is not the one that the item commits to");
	status = read_question(c);
	if (status == EMR_NO_MEMORY) {
		c->status = status;
		return false;
	}
	return status == EMR_OK ||
	       fail(c, EMR_PROOF_BAD_QUESTION, "the key that is shown does not open the question");
}

/* ---- the grant ---- */

static const char *judge_grant(const checking *c, const nested *n)
{
	uint64_t at = c->entry.ledger_time_unix_s;
	const emr_pub_grant *g = &c->grant;
	uint8_t team[32];

	if (n->item.op != EMR_OP_GRANT || memcmp(n->item.domain_id, c->item.domain_id, 16) != 0 ||
		memcmp(n->item.object_id, c->asked.grant, 16) != 0)
		return "it is another grant than the one that was asked under";
	if (n->entry.seq > c->entry.seq)
		return "the grant is younger than the question";
	if (at < g->not_before_unix_s || at >= g->not_after_unix_s)
		return "the grant was not in force when it was asked under";
	emr_grantee_dataset(c->asked.via, team);
	if (memcmp(g->grantee, c->item.signer_id, 32) != 0 && memcmp(g->grantee, team, 32) != 0)
		return "the grant is for somebody else";
	if ((c->purposes_asked & ~g->purposes) != 0)
		return "the grant is not for that purpose";
	if ((c->asks_names && (g->rights & EMR_GRANT_LIST) == 0) ||
		(c->asks_contents && (g->rights & EMR_GRANT_READ) == 0))
		return "the grant does not give that right";
	return NULL;
}

/* Its private part names the agents.  Older files do not show it: then an agent is who says so.
 */
static const char *note_agents(checking *c, const nested *n)
{
	emr_grant_part part;

	if (n->proof.priv.len == 0)
		return NULL;
	if (!priv_fits(&n->item, n->proof.priv) ||
		emr_grant_part_read(n->proof.item, n->proof.priv, &part) != EMR_OK)
		return "the private part of the grant is not the one that it commits to";
	memcpy(c->agents, part.agents, sizeof c->agents);
	c->n_agents = part.n;
	c->verdict->agents_shown = true;
	return NULL;
}

bool check_grant(checking *c)
{
	AUTO_NESTED n = {.is_out_of_memory = false};
	const char *why =
		read_nested(c, emr_proof_part_of(c->proof, EMR_PROOF_GRANT, 0), GRANT_BYTES, &n);

	if (n.is_out_of_memory) {
		c->status = EMR_NO_MEMORY;
		return false;
	}
	if (why != NULL)
		return fail(c, EMR_PROOF_BAD_GRANT, "the grant is not on this ledger");
	if (!emr_pub_grant_parse(nested_pub(&n), &c->grant))
		return fail(c, EMR_PROOF_BAD_GRANT, "the grant cannot be read");
	why = judge_grant(c, &n);
	if (why == NULL)
		why = note_agents(c, &n);
	if (why != NULL)
		return fail(c, EMR_PROOF_BAD_GRANT, why);
	memcpy(c->grant_signer.b, n.item.signer_id, 32);
	c->verdict->grant_from = c->grant.not_before_unix_s;
	c->verdict->grant_until = c->grant.not_after_unix_s;
	c->verdict->needed = c->grant.t;
	c->verdict->away = emr_away_of(c->grant.rights, c->grant.n);
	return true;
}

/* ---- the answers ---- */

typedef struct counting {
	emr_id32 signers[EMR_PROOF_ANSWERS_MAX];
	uint8_t organisations[EMR_PROOF_ANSWERS_MAX][16]; /* of agents, each once */
	size_t n, n_organisations;
	bool is_by_owner;
} counting;

static bool is_of_grant(const checking *c, const uint8_t signer_id[32])
{
	for (size_t i = 0; i < c->n_agents; i++)
		if (memcmp(c->agents[i].b, signer_id, 32) == 0)
			return true;
	return !c->verdict->agents_shown;
}

/* Two keys of one organisation are one part of the key's guard. */
static void count_organisation(counting *t, const uint8_t org[16])
{
	for (size_t i = 0; i < t->n_organisations; i++)
		if (memcmp(t->organisations[i], org, 16) == 0)
			return;
	memcpy(t->organisations[t->n_organisations++], org, 16);
}

static const char *note_answer(
	checking *c, counting *t, const nested *n, const emr_pub_access_served *pub)
{
	const known_key *agent = key_of(c, n->item.signer_id),
			*asker = key_of(c, c->item.signer_id);
	emr_proof_verdict *v = c->verdict;
	emr_proof_releaser *r = &v->releasers[v->n_releasers];

	if (pub->mode == EMR_SERVED_REFUSED || pub->count == 0)
		return NULL;
	*r = (emr_proof_releaser){.is_owner = pub->mode == EMR_SERVED_OWNER,
		.ledger_time = n->entry.ledger_time_unix_s,
		.count = pub->count};
	if (r->is_owner && memcmp(n->item.signer_id, c->grant_signer.b, 32) != 0)
		return "an answer of the owner is not by who granted";
	if (!r->is_owner && (agent == NULL || (agent->pub.roles & EMR_ROLE_AGENT) == 0))
		return "a key that answered is not shown to be an agent's";
	if (!r->is_owner && !is_of_grant(c, n->item.signer_id))
		return "an agent that answered is none of the grant's";
	if (!r->is_owner && asker != NULL && memcmp(agent->pub.org, asker->pub.org, 16) == 0 &&
		v->away != EMR_AWAY_OWN)
		return "an agent of the asker's organisation answered, which the grant does not "
		       "allow";
	if (!r->is_owner) {
		count_organisation(t, agent->pub.org);
		memcpy(r->name, agent->certificate.handle, sizeof r->name);
		organisation_name(c, agent, r->organisation);
	}
	t->is_by_owner |= r->is_owner;
	v->n_releasers++;
	return NULL;
}

static const char *check_answer(checking *c, counting *t, const nested *n)
{
	emr_pub_access_served pub;
	uint8_t req[32];

	emr_sha256(asked_item(c).data, asked_item(c).len, req);
	if (n->item.op != EMR_OP_ACCESS_SERVED || n->proof.priv.len != 0 ||
		!emr_pub_access_served_parse(nested_pub(n), &pub) ||
		pub.mode < EMR_SERVED_FRAGMENTS || pub.mode > EMR_SERVED_REFUSED)
		return "an answer cannot be read";
	if (memcmp(pub.req, req, 32) != 0 || memcmp(pub.req_object, c->item.object_id, 16) != 0 ||
		memcmp(n->item.domain_id, c->item.domain_id, 16) != 0)
		return "an answer is to another question";
	if (n->entry.seq < c->entry.seq || pub.count > c->asked.count)
		return "an answer does not follow from the question";
	for (size_t i = 0; i < t->n; i++)
		if (memcmp(t->signers[i].b, n->item.signer_id, 32) == 0)
			return "somebody is counted twice";
	memcpy(t->signers[t->n++].b, n->item.signer_id, 32);
	return note_answer(c, t, n, &pub);
}

bool check_release(checking *c)
{
	counting t = {.n = 0};
	emr_bytes file;

	while (t.n < EMR_PROOF_ANSWERS_MAX &&
		(file = emr_proof_part_of(c->proof, EMR_PROOF_ANSWER, t.n)).data != NULL) {
		AUTO_NESTED n = {.is_out_of_memory = false};
		const char *why = read_nested(c, file, ANSWER_BYTES, &n);

		if (n.is_out_of_memory) {
			c->status = EMR_NO_MEMORY;
			return false;
		}
		why = why != NULL ? "an answer is not on this ledger" : check_answer(c, &t, &n);
		if (why != NULL)
			return fail(c, EMR_PROOF_BAD_RELEASE, why);
	}
	if (!t.is_by_owner && (c->grant.t == 0 || t.n_organisations < c->grant.t))
		return fail(c, EMR_PROOF_BAD_RELEASE, "not enough answers gave the key");
	return true;
}

/* ---- whose records ---- */

bool check_access_owner(checking *c)
{
	const char *why = "";

	if (emr_proof_part_of(c->proof, EMR_PROOF_CARD, 0).data == NULL)
		return true; /* the domain is a pseudonym */
	c->owner = domain_owner(c, c->grant_signer.b, &why);
	if (c->owner == NULL)
		return fail(c, EMR_PROOF_BAD_OWNER, why);
	memcpy(c->verdict->owner, c->owner->certificate.handle, sizeof c->verdict->owner);
	for (size_t i = 0; i < c->verdict->n_releasers; i++)
		if (c->verdict->releasers[i].is_owner)
			memcpy(c->verdict->releasers[i].name, c->verdict->owner,
				sizeof c->verdict->owner);
	return true;
}

bool check_no_copy(checking *c)
{
	return c->copy_fd < 0 || fail(c, EMR_PROOF_BAD_COPY, "an access has no copy");
}
