/* This file makes the proof of one access: who asked for which record, for what purpose, under
 * which grant, and who released the key. */
#include "make_private.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "crypto/hashsig.h"
#include "keyring/access.h"
#include "keyring/grant.h"
#include "keyring/held.h"

/* Everything that a proof of an access borrows while it is put together. */
typedef struct accessing {
	pieces p;
	uint64_t seq;
	emr_known_release release;
	bool is_found, is_mine;
	emr_id32 owner; /* signer id of the domain */
	uint16_t index; /* of the question in its batch */
	emr_ledger_proof item;
	emr_buf priv, grant_priv, grant;
	emr_id32 agents[EMR_AGENTS_MAX]; /* of the grant */
	size_t n_agents;
	uint8_t k[32];
	bool has_k;
	size_t n_answers, n_fragments;
	bool is_by_owner;
	emr_buf answers[EMR_PROOF_ANSWERS_MAX];
	unsigned needed;
} accessing;

static void accessing_free(accessing **made)
{
	accessing *a = *made;

	if (a == NULL)
		return;
	pieces_end(&a->p);
	emr_ledger_proof_free(&a->item);
	emr_buf_free(&a->priv);
	emr_buf_free(&a->grant_priv);
	emr_buf_free(&a->grant);
	emr_wipe(a->k, sizeof a->k);
	for (size_t i = 0; i < EMR_PROOF_ANSWERS_MAX; i++)
		emr_buf_free(&a->answers[i]);
	free(a);
}

/* ---- the question ---- */

static emr_status look_at_release(void *arg, const emr_known_release *release)
{
	accessing *a = arg;

	if (!a->is_found && release->seq == a->seq) {
		a->is_found = true;
		a->release = *release;
	}
	return EMR_OK;
}

static emr_status look_at_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes d_row)
{
	accessing *a = arg;
	emr_domain_public own;
	emr_row_domain row;

	if (a->is_found)
		return EMR_OK;
	if (emr_row_domain_parse((emr_span){d_row.data, d_row.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	EMR_TRY(emr_replica_releases(a->p.from->replica, domain, look_at_release, a));
	if (a->is_found) {
		emr_signer_id(row.owner_pk, a->owner.b);
		/* The keyring keeps the keys of domains that others shared with this person, too.
		 */
		a->is_mine = is_mine &&
			     emr_keyring_domain_public(
				     a->p.from->keyring, domain, FIRST_GEN, 1, &own) == EMR_OK &&
			     memcmp(own.owner_pk, row.owner_pk, 32) == 0;
	}
	return EMR_OK;
}

static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	(void)index;
	return part.data != NULL ? emr_buf_append(arg, part.data, part.len) : EMR_NOT_FOUND;
}

/* Parts of others' domains are not kept here: then the ledger is asked. */
static emr_status fetch_part(const accessing *a, const emr_part_key *key, emr_buf *out_part)
{
	emr_status status = emr_replica_part(a->p.from->replica, key, out_part);

	if (status != EMR_NOT_FOUND && status != EMR_MISSING_DATA)
		return status;
	emr_buf_clear(out_part);
	return emr_ledger_fetch(a->p.from->ledger, key, 1, take_part, out_part);
}

/* With the domain's box, or one's own: whoever cannot open it proves how many records it was
 * about, not which. */
static emr_status open_question(accessing *a)
{
	const emr_keyring *keyring = a->p.from->keyring;
	emr_bytes item = emr_buf_view(&a->item.item);
	emr_request_key *key = NULL;
	emr_box_key *box = NULL;
	emr_access_part part;
	emr_id32 rid = a->is_mine ? emr_owner_rid(a->release.domain) : a->p.self.signer_id;
	emr_status status = emr_access_part_read(item, emr_buf_view(&a->priv), &part);

	if (status == EMR_OK)
		status = a->is_mine ? emr_box_key_domain(keyring, a->release.domain, &box)
				    : emr_box_key_identity(keyring, &box);
	if (status == EMR_OK)
		status = emr_request_key_open(box, rid, item, &part, &key);
	if (status == EMR_OK) {
		emr_request_key_show(key, a->k);
		a->has_k = true;
	}
	emr_request_key_free(key);
	emr_box_key_free(box);
	return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
}

static emr_status find_question(accessing *a)
{
	emr_part_key key = {.family = EMR_FAMILY_ACCESS, .version = 1};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status = emr_replica_domains(a->p.from->replica, look_at_domain, a);

	if (status == EMR_OK && !a->is_found)
		return EMR_NOT_FOUND;
	key.domain = a->release.domain;
	key.object = a->release.access;
	if (status == EMR_OK)
		status = emr_replica_item_get(a->p.from->replica, &key, &bytes, &item);
	if (status == EMR_OK)
		status = emr_ledger_prove(
			a->p.from->ledger, item.seq, item.index, a->p.at.size, &a->item);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	status = fetch_part(a, &key, &a->priv);
	return status == EMR_OK ? open_question(a) : status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- the grant ---- */

/* Its agents, out of its private part; where the owner answers there are none, and nothing to show.
 */
static emr_status read_agents(accessing *a, const emr_part_key *key, emr_bytes item)
{
	emr_grant_part part;
	emr_status status;

	a->needed = item.data[EMR_ITEM_BYTES + 62];
	if (a->needed == 0)
		return EMR_OK;
	status = fetch_part(a, key, &a->grant_priv);
	if (status == EMR_OK)
		status = emr_grant_part_read(item, emr_buf_view(&a->grant_priv), &part);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	memcpy(a->agents, part.agents, sizeof a->agents);
	a->n_agents = part.n;
	return EMR_OK;
}

/* The newest terms that were there when the question came. */
static emr_status find_grant(accessing *a)
{
	emr_part_key key = {.family = EMR_FAMILY_GRANT,
		.domain = a->release.domain,
		.object = a->release.grant};
	emr_known_grant known;
	emr_status status =
		emr_replica_grant(a->p.from->replica, a->release.domain, a->release.grant, &known);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	for (key.version = known.row.head.version; key.version > 0; key.version--) {
		EMR_AUTO_BUF bytes = {0};
		emr_replica_item item;

		status = emr_replica_item_get(a->p.from->replica, &key, &bytes, &item);
		if (status != EMR_OK)
			break;
		if (item.seq > a->seq || item.bytes.data[5] != EMR_OP_GRANT)
			continue;
		EMR_TRY(read_agents(a, &key, item.bytes));
		return pieces_prove(
			&a->p, item.seq, item.index, emr_buf_view(&a->grant_priv), &a->grant);
	}
	return status == EMR_OK || status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

/* ---- the answers ---- */

static emr_status add_answer(accessing *a, emr_id32 responder)
{
	emr_part_key key = {.family = EMR_FAMILY_SERVED, .domain = a->release.domain, .version = 1};
	EMR_AUTO_BUF bytes = {0};
	emr_known_answer answer;
	emr_replica_item item;
	emr_status status = emr_replica_answer(a->p.from->replica, &a->release, responder, &answer);

	if (status == EMR_NOT_FOUND ||
		(status == EMR_OK && (answer.given == 0 || answer.mode == EMR_SERVED_REFUSED)))
		return EMR_OK;
	if (status == EMR_OK && a->n_answers == EMR_PROOF_ANSWERS_MAX)
		return EMR_LIMIT;
	key.object = answer.object;
	if (status == EMR_OK)
		status = emr_replica_item_get(a->p.from->replica, &key, &bytes, &item);
	if (status == EMR_OK && answer.mode == EMR_SERVED_FRAGMENTS)
		status = pieces_add_key(&a->p, responder.b);
	if (status == EMR_OK)
		status = pieces_prove(
			&a->p, item.seq, item.index, (emr_bytes){0}, &a->answers[a->n_answers]);
	if (status != EMR_OK)
		return status;
	a->n_answers++;
	a->n_fragments += answer.mode == EMR_SERVED_FRAGMENTS;
	a->is_by_owner |= answer.mode == EMR_SERVED_OWNER;
	return EMR_OK;
}

static emr_status find_answers(accessing *a)
{
	EMR_TRY(add_answer(a, a->owner));
	for (size_t i = 0; i < a->n_agents; i++)
		EMR_TRY(add_answer(a, a->agents[i]));
	if (!a->is_by_owner && (a->needed == 0 || a->n_fragments < a->needed))
		return EMR_REFUSED;
	return EMR_OK;
}

/* ---- whose keys ---- */

/* A computer of his own has no certificate. */
static emr_status add_asker(accessing *a)
{
	emr_known_person person;

	EMR_TRY(emr_replica_person(a->p.from->replica, a->release.signer, &person));
	if (person.row.how != EMR_HOW_CERTIFICATE)
		return EMR_UNSUPPORTED;
	EMR_TRY(pieces_add_key(&a->p, a->release.signer.b));
	EMR_TRY(pieces_add_key(&a->p, a->item.entry.data + 24)); /* the submitter */
	EMR_TRY(pieces_add_key(&a->p, a->p.self.signer_id.b));	 /* signs checkpoint and card */
	if (a->is_mine)
		EMR_TRY(pieces_add_card(&a->p, a->release.domain));
	return pieces_add_witnesses(&a->p);
}

static emr_status write_file(const accessing *a, emr_buf *out_file)
{
	emr_bytes descriptor = emr_ledger_descriptor(a->p.from->ledger);
	emr_proof p = {.index = a->item.seq,
		.log_path = a->item.log_path,
		.note = emr_buf_view(&a->p.note),
		.item_index = a->item.index,
		.entry = emr_buf_view(&a->item.entry),
		.item = emr_buf_view(&a->item.item),
		.priv = a->has_k ? emr_buf_view(&a->priv) : (emr_bytes){0},
		.item_path = a->item.item_path};

	pieces_put_chains(&a->p, &p);
	add_part(&p, EMR_PROOF_DESCRIPTOR, descriptor.data, descriptor.len);
	if (a->has_k)
		add_part(&p, EMR_PROOF_QUESTION_KEY, a->k, sizeof a->k);
	pieces_put_keys(&a->p, &p);
	pieces_put_cards(&a->p, &p);
	add_part(&p, EMR_PROOF_GRANT, a->grant.data, a->grant.len);
	for (size_t i = 0; i < a->n_answers; i++)
		add_part(&p, EMR_PROOF_ANSWER, a->answers[i].data, a->answers[i].len);
	pieces_put_admissions(&a->p, &p);
	return pieces_write(&a->p, &p, out_file);
}

static emr_status make_once(
	const emr_proof_sources *sources, uint64_t seq, bool witnessed, emr_buf *out_file)
{
	__attribute__((cleanup(accessing_free))) accessing *a = calloc(1, sizeof *a);

	if (a == NULL)
		return EMR_NO_MEMORY;
	a->seq = seq;
	EMR_TRY(pieces_begin(sources, witnessed, &a->p));
	EMR_TRY(find_question(a));
	EMR_TRY(find_grant(a));
	EMR_TRY(find_answers(a));
	EMR_TRY(add_asker(a));
	return write_file(a, out_file);
}

/* As for a content: under a head that others have signed, if the access is in it. */
emr_status emr_proof_make_access(const emr_proof_sources *sources, uint64_t seq, emr_buf *out_file)
{
	emr_status status = make_once(sources, seq, true, out_file);

	return status == EMR_OK ? status : make_once(sources, seq, false, out_file);
}
