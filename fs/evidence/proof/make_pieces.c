/* This file gathers the pieces that all proofs are made of: the signed head of the ledger with
 * its witnesses, keys with their certificates, cards, and how organisations were admitted. */
#include "make_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "contract/pubs.h"
#include "contract/rows.h"
#include "crypto/hashsig.h"
#include "keyring/card.h"
#include "keyring/cert.h"
#include "ledger/act.h"
#include "replica/people.h"

#define CARD_DOMAIN_KEY 136 /* where a card has it */

void pieces_end(pieces *p)
{
	emr_buf_free(&p->note);
	for (size_t i = 0; i < EMR_PROOF_KEYS_MAX; i++) {
		emr_buf_free(&p->keys[i]);
		emr_buf_free(&p->chains[i]);
	}
	for (size_t i = 0; i < EMR_PROOF_ADMISSIONS_MAX; i++)
		emr_buf_free(&p->admissions[i]);
	for (size_t i = 0; i < EMR_PROOF_APPROVALS_MAX; i++)
		emr_buf_free(&p->approvals[i]);
}

/* ---- checkpoint ---- */

/* Whether SIG of HEAD is by a member with a certificate, whose key can go along; it is found by the
 * first bytes of the member's id, which then stands among the witnesses. */
static emr_status is_witness(
	pieces *p, const emr_checkpoint *head, const emr_checkpoint_sig *sig, bool *out_is)
{
	emr_known_person person;
	emr_id32 begins = {{0}};

	*out_is = false;
	if (memcmp(sig->name_id, p->self.signer_id.b, sizeof sig->name_id) == 0 ||
		p->n_witnesses == EMR_PROOF_KEYS_MAX)
		return EMR_OK;
	memcpy(begins.b, sig->name_id, sizeof sig->name_id);
	EMR_ASK(asked, p->from->replica, PEOPLE_NEAR, .who = begins);
	do
		if (!emr_next(&asked, &person))
			return asked.status;
	while (person.row.how != EMR_HOW_CERTIFICATE);
	if (emr_checkpoint_verify(head, person.signer_id, person.row.log_pk) != EMR_OK)
		return EMR_OK;
	p->witnesses[p->n_witnesses++] = person.signer_id;
	*out_is = true;
	return EMR_OK;
}

/* Signatures that nobody could check are left out of HEAD. */
static emr_status keep_witnesses(pieces *p, emr_checkpoint *head)
{
	emr_checkpoint all = *head;

	head->n_sigs = 0;
	for (size_t i = 0; i < all.n_sigs; i++) {
		bool is = false;

		EMR_TRY(is_witness(p, &all, &all.sigs[i], &is));
		if (is)
			head->sigs[head->n_sigs++] = all.sigs[i];
	}
	return EMR_OK;
}

/* The newest head that others have signed, if it is one of this computer's own history. */
static emr_status find_witnessed(pieces *p, emr_checkpoint *out_head)
{
	EMR_AUTO_BUF note = {0};
	uint8_t root[32];
	emr_checkpoint kept;
	emr_status status = emr_ledger_checkpoint(p->from->ledger, &note);

	if (status != EMR_OK || emr_checkpoint_parse(emr_buf_view(&note), &kept) != EMR_OK ||
		!emr_id16_equal(kept.net_id, out_head->net_id) || kept.size > p->at.size)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_replica_root_at(p->from->replica, kept.size, root));
	if (memcmp(root, kept.root, sizeof root) != 0)
		return EMR_NOT_FOUND;
	EMR_TRY(keep_witnesses(p, &kept));
	if (kept.n_sigs == 0)
		return EMR_NOT_FOUND;
	*out_head = kept;
	return EMR_OK;
}

/* The head as this computer has verified it, signed by the person's log key, and by whoever signed
 * the same head before. */
emr_status pieces_begin(const emr_proof_sources *from, bool witnessed, pieces *out)
{
	emr_checkpoint head = {.net_id = emr_ledger_net_id(from->ledger)};
	emr_status status = emr_keyring_public(from->keyring, &out->self);

	out->from = from;
	if (status == EMR_OK)
		status = emr_replica_at(from->replica, &out->at);
	if (status != EMR_OK)
		return status;
	head.size = out->at.size;
	memcpy(head.root, out->at.root, 32);
	if (witnessed)
		status = find_witnessed(out, &head);
	if (status != EMR_OK)
		return status;
	out->at.size = head.size;
	EMR_TRY(emr_checkpoint_cosign(&head, from->keyring, from->now_unix_s));
	return emr_checkpoint_format(&head, &out->note);
}

/* ---- items ---- */

emr_status pieces_prove(
	const pieces *p, uint64_t seq, uint16_t index, emr_bytes priv, emr_buf *out_file)
{
	__attribute__((cleanup(emr_ledger_proof_free))) emr_ledger_proof proof = {.seq = 0};
	emr_proof file = {.index = seq, .note = emr_buf_view(&p->note), .priv = priv};

	EMR_TRY(emr_ledger_prove(p->from->ledger, seq, index, p->at.size, &proof));
	file.item_index = proof.index;
	file.log_path = proof.log_path;
	file.item_path = proof.item_path;
	file.entry = emr_buf_view(&proof.entry);
	file.item = emr_buf_view(&proof.item);
	return emr_proof_format(&file, out_file);
}

/* ---- admissions ---- */

typedef struct admission_search {
	pieces *p;
	const uint8_t *org;
	emr_bytes chain; /* of certificates, which must lead to its CA */
	emr_id16 proposal;
	emr_buf part, row;	       /* of the proposal */
	bool is_taken[EMR_VOICES_MAX]; /* the approvals in its row */
} admission_search;

static void admission_search_end(admission_search *s)
{
	emr_buf_free(&s->part);
	emr_buf_free(&s->row);
}

/* Finds the proposal to whose CA the certificates in hand lead.  EMR_MISSING_DATA: there is none.
 */
static emr_status find_proposal(admission_search *s)
{
	EMR_ASK(asked, s->p->from->replica, PROPOSALS);
	emr_part_key key = {.family = EMR_FAMILY_ORG, .version = 1};
	emr_known_proposal known;

	while (emr_next(&asked, &known)) {
		EMR_AUTO_BUF part = {0};
		emr_cert_facts facts, leaf;
		emr_status status;
		emr_bytes ca;

		if (known.row.kind != EMR_PROPOSAL_ADMIT ||
			known.row.head.state != EMR_PROPOSAL_DONE ||
			memcmp(known.row.org, s->org, 16) != 0)
			continue;
		key.object = s->proposal = known.proposal;
		status = emr_replica_part(s->p->from->replica, &key, &part);
		if (status == EMR_OK && emr_proposal_admit_ca(emr_buf_view(&part), &ca) == EMR_OK &&
			emr_cert_read(s->chain, &leaf) == EMR_OK &&
			emr_cert_verify(s->chain, ca, leaf.not_before, &facts) == EMR_OK)
			return emr_buf_append(&s->part, part.data, part.len);
		if (status != EMR_OK && status != EMR_NOT_FOUND && status != EMR_MISSING_DATA)
			return status;
	}
	return asked.status == EMR_OK ? EMR_MISSING_DATA : asked.status;
}

/* Did this approval count?  Lines come from the newest down: what somebody said before he said it
 * again is not in the row any more. */
static bool takes_approval(admission_search *s, const emr_replica_listing *line)
{
	emr_span row = {s->row.data, s->row.len};
	emr_row_proposal proposal;
	emr_voice voice;

	if (emr_row_proposal_parse(row, &proposal) != EMR_CONTRACT_OK)
		return false;
	for (size_t i = 0; i < proposal.count; i++) {
		emr_row_proposal_voice(row, i, &voice);
		if (s->is_taken[i] || memcmp(voice.signer, line->item.signer_id.b, 32) != 0)
			continue;
		s->is_taken[i] = true;
		return true;
	}
	return false;
}

/* Items about the proposal: itself, and the approvals that counted. */
static emr_status take_line(admission_search *s, const emr_replica_listing *line)
{
	pieces *p = s->p;

	if (line->result > EMR_RESULT_ALREADY || !emr_id16_equal(line->object, s->proposal))
		return EMR_OK;
	if (line->family == EMR_FAMILY_ORG)
		return pieces_prove(p, line->item.seq, line->item.index, emr_buf_view(&s->part),
			&p->admissions[p->n_admissions]);
	if (line->family != EMR_FAMILY_APPROVAL || !takes_approval(s, line))
		return EMR_OK;
	if (p->n_approvals == EMR_PROOF_APPROVALS_MAX)
		return EMR_LIMIT;
	return pieces_prove(p, line->item.seq, line->item.index, (emr_bytes){0},
		&p->approvals[p->n_approvals++]);
}

static emr_status add_admission(
	pieces *p, const uint8_t org[16], emr_bytes chain, emr_buf *out_chain)
{
	__attribute__((cleanup(admission_search_end)))
	admission_search s = {.p = p, .org = org, .chain = chain};
	emr_replica_listing line;
	emr_key_text key;
	emr_bytes ca;

	EMR_TRY(find_proposal(&s));
	EMR_TRY(emr_proposal_admit_ca(emr_buf_view(&s.part), &ca));
	EMR_TRY(emr_buf_append(out_chain, ca.data, ca.len));
	for (size_t i = 0; i < p->n_admissions; i++)
		if (memcmp(p->orgs[i], s.proposal.b, 16) == 0)
			return EMR_OK;
	if (p->n_admissions == EMR_PROOF_ADMISSIONS_MAX)
		return EMR_LIMIT;
	emr_key_proposal(s.proposal.b, &key);
	EMR_TRY(emr_replica_state_get(p->from->replica, key.text, &s.row));
	EMR_ASK(asked, p->from->replica, RECENT_IN); /* of nobody's domain */
	while (emr_next(&asked, &line))
		EMR_TRY(take_line(&s, &line));
	EMR_TRY(asked.status);
	if (p->admissions[p->n_admissions].len == 0)
		return EMR_MISSING_DATA;
	memcpy(p->orgs[p->n_admissions++], s.proposal.b, 16);
	return EMR_OK;
}

/* ---- keys ---- */

/* The certificates out of the registration's private part: salt, u16 length, DER after DER. */
static emr_status read_certificates(emr_bytes part, emr_bytes *out_der)
{
	emr_reader r = emr_reader_of(part);

	(void)emr_read_bytes(&r, 32);
	*out_der = emr_read_bytes(&r, emr_read_u16(&r));
	return r.bad || out_der->len == 0 ? EMR_DAMAGED : EMR_OK;
}

/* The CA that the network's description gives for ORG, behind the certificates. */
static emr_status append_ca(pieces *p, const uint8_t org[16], emr_bytes chain, emr_buf *out_chain)
{
	emr_bytes bytes = emr_ledger_descriptor(p->from->ledger);
	emr_descriptor descriptor;
	emr_descriptor_org row;

	if (emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &descriptor) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	for (size_t i = 0; i < descriptor.norg; i++)
		if (emr_descriptor_org_at(&descriptor, i, &row) == EMR_CONTRACT_OK &&
			memcmp(row.org, org, 16) == 0)
			return emr_buf_append(out_chain, row.ca_der.data, row.ca_der.len);
	return add_admission(p, org, chain, out_chain);
}

static emr_status add_chain(pieces *p, emr_bytes item, emr_bytes part, emr_buf *out_chain)
{
	emr_pub_key_reg pub;
	emr_bytes chain;

	EMR_TRY(read_certificates(part, &chain));
	if (item.len != EMR_ITEM_BYTES + 288 ||
		!emr_pub_key_reg_parse((emr_span){item.data + EMR_ITEM_BYTES, 288}, &pub))
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append(out_chain, chain.data, chain.len));
	return append_ca(p, pub.org, chain, out_chain);
}

static emr_status add_registered(pieces *p, emr_id32 id, size_t n)
{
	emr_part_key at = {.version = 1, .family = EMR_FAMILY_KEY};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_replica_item item;

	memcpy(at.object.b, id.b, sizeof at.object.b);
	EMR_TRY(emr_replica_item_get(p->from->replica, &at, &bytes, &item));
	EMR_TRY(emr_replica_part(p->from->replica, &at, &part));
	EMR_TRY(pieces_prove(p, item.seq, item.index, (emr_bytes){0}, &p->keys[n]));
	return add_chain(p, item.bytes, emr_buf_view(&part), &p->chains[n]);
}

/* By the operation in which the key BEFORE named the one that follows it. */
static emr_status add_followed(pieces *p, emr_id32 before, size_t n)
{
	emr_replica_item item;
	emr_id16 object;

	memcpy(object.b, before.b, sizeof object.b);
	EMR_ASK(items, p->from->replica, HISTORY, .family = EMR_FAMILY_KEY, .object = object);
	while (emr_next(&items, &item))
		if (item.op == EMR_OP_KEY_ROTATE)
			return pieces_prove(p, item.seq, item.index, (emr_bytes){0}, &p->keys[n]);
	return items.status == EMR_OK ? EMR_NOT_FOUND : items.status;
}

static bool has_key(const pieces *p, emr_id32 id)
{
	for (size_t i = 0; i < p->n_keys; i++)
		if (emr_id32_equal(p->key_ids[i], id))
			return true;
	return false;
}

emr_status pieces_add_key(pieces *p, const uint8_t id[32])
{
	EMR_AUTO_BUF keys = {0};
	emr_id32 before = {{0}};
	emr_status status = emr_replica_keys_of(p->from->replica, EMR_ID32_AT(id), &keys);

	EMR_EACH (const emr_known_person, key, &keys) {
		const emr_id32 one = key->signer_id;

		if (status != EMR_OK || has_key(p, EMR_ID32_AT(id)))
			break;
		if (!has_key(p, one)) {
			if (p->n_keys == EMR_PROOF_KEYS_MAX)
				return EMR_LIMIT;
			status = emr_id32_is_zero(before) ? add_registered(p, one, p->n_keys)
							  : add_followed(p, before, p->n_keys);
			if (status == EMR_OK)
				p->key_ids[p->n_keys++] = one;
		}
		before = one;
	}
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

emr_status pieces_add_witnesses(pieces *p)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < p->n_witnesses && status == EMR_OK; i++)
		status = pieces_add_key(p, p->witnesses[i].b);
	/* Those that find no room are told as unknown. */
	return status == EMR_LIMIT ? EMR_OK : status;
}

/* ---- cards ---- */

/* The seed of which DOMAIN has, or had, the key SIGNER. */
static emr_status seed_of(
	const emr_keyring *kr, emr_id16 domain, const uint8_t signer[32], size_t *out_number)
{
	emr_domain_public own;
	uint8_t pk[32], id[32];

	/* A domain that another owns with her is of no seed. */
	EMR_TRY(emr_keyring_domain_public(kr, domain, FIRST_GEN, 1, &own));
	for (*out_number = 0; memcmp(own.signer_id.b, signer, 32) != 0; ++*out_number) {
		EMR_TRY(emr_keyring_domain_owner(kr, domain, *out_number, pk));
		emr_signer_id(pk, id);
		if (memcmp(id, signer, sizeof id) == 0)
			break;
	}
	return EMR_OK;
}

/* Good for evidence only: it has run out when it is made. */
emr_status pieces_add_card(pieces *p, emr_id16 domain, const uint8_t signer[32])
{
	EMR_AUTO_KEYRING was = NULL;
	EMR_AUTO_BUF card = {0};
	uint64_t now = p->from->now_unix_s;
	size_t number;
	uint8_t id[32];

	EMR_TRY(seed_of(p->from->keyring, domain, signer, &number));
	for (size_t i = 0; i < p->n_cards; i++) {
		emr_signer_id(p->cards[i] + CARD_DOMAIN_KEY, id);
		if (memcmp(id, signer, sizeof id) == 0)
			return EMR_OK;
	}
	if (p->n_cards == CARDS_MAX)
		return EMR_LIMIT;
	if (number > 0)
		EMR_TRY(emr_keyring_former(p->from->keyring, number, &was));
	EMR_TRY(emr_card_make_domain(was != NULL ? was : p->from->keyring,
		emr_ledger_net_id(p->from->ledger), domain, FIRST_GEN, 1, now, now, NULL, NULL,
		&card));
	memcpy(p->cards[p->n_cards++], card.data, card.len);
	return EMR_OK;
}

/* ---- putting it together ---- */

void add_part(emr_proof *p, emr_proof_type type, const void *data, size_t len)
{
	p->parts[p->n_parts++] =
		(emr_proof_part){.type = (uint8_t)type, .bytes = emr_bytes_of(data, len)};
}

/* Two keys may have one certificate. */
static bool is_new_chain(const pieces *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (emr_bytes_equal(emr_buf_view(&p->chains[i]), emr_buf_view(&p->chains[n])))
			return false;
	return p->chains[n].len > 0;
}

void pieces_put_chains(const pieces *p, emr_proof *file)
{
	for (size_t i = 0; i < p->n_keys; i++)
		if (is_new_chain(p, i))
			add_part(file, EMR_PROOF_CHAIN, p->chains[i].data, p->chains[i].len);
}

/* A key without a certificate of its own followed another. */
static void put_keys(const pieces *p, emr_proof *file, emr_proof_type type)
{
	for (size_t i = 0; i < p->n_keys; i++)
		if ((p->chains[i].len == 0) == (type == EMR_PROOF_FOLLOWED))
			add_part(file, type, p->keys[i].data, p->keys[i].len);
}

void pieces_put_keys(const pieces *p, emr_proof *file)
{
	put_keys(p, file, EMR_PROOF_KEY);
}

void pieces_put_followed(const pieces *p, emr_proof *file)
{
	put_keys(p, file, EMR_PROOF_FOLLOWED);
}

void pieces_put_cards(const pieces *p, emr_proof *file)
{
	for (size_t i = 0; i < p->n_cards; i++)
		add_part(file, EMR_PROOF_CARD, p->cards[i], sizeof p->cards[i]);
}

void pieces_put_admissions(const pieces *p, emr_proof *file)
{
	for (size_t i = 0; i < p->n_admissions; i++)
		add_part(file, EMR_PROOF_ADMISSION, p->admissions[i].data, p->admissions[i].len);
	for (size_t i = 0; i < p->n_approvals; i++)
		add_part(file, EMR_PROOF_APPROVAL, p->approvals[i].data, p->approvals[i].len);
}

emr_status pieces_write(const pieces *p, const emr_proof *file, emr_buf *out_file)
{
	const emr_id16 net = emr_ledger_net_id(p->from->ledger);
	emr_proof_verdict verdict;
	EMR_AUTO_BUF bytes = {0};

	EMR_TRY(emr_proof_format(file, &bytes));
	EMR_TRY(emr_proof_check(emr_buf_view(&bytes), -1, &net, &verdict));
	if (verdict.step != EMR_PROOF_SOUND) {
		emr_log(EMR_LOG_ERROR, "proof: %s: %s", emr_proof_step_text(verdict.step),
			verdict.why);
		return EMR_BAD_SIGNATURE;
	}
	return emr_buf_append(out_file, bytes.data, bytes.len);
}
