#include "proof/make.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "contract/pubs.h"
#include "contract/rows.h"
#include "crypto/hashsig.h"
#include "ledger/checkpoint.h"
#include "store/unixfs.h"

#define CARD_BYTES 185
#define FIRST_GEN 1 /* domain keys are not rotated yet */

/* Everything that a proof borrows while it is put together. */
typedef struct making {
	const emr_proof_sources *from;
	emr_place place;
	emr_public self;
	emr_replica_position at;
	emr_ledger_proof item;
	emr_buf note, priv, directory, manifest;
	uint8_t statement[EMR_STATEMENT_BYTES + 64];
	emr_statement parsed;
	uint8_t hk[32];
	uint8_t mime[512];
	size_t mime_len;
	size_t n_keys, n_cards;
	emr_id32 key_ids[EMR_PROOF_KEYS_MAX];
	emr_buf keys[EMR_PROOF_KEYS_MAX], chains[EMR_PROOF_KEYS_MAX];
	uint8_t cards[EMR_PROOF_KEYS_MAX][CARD_BYTES + 128];
} making;

static void making_end(making *m)
{
	emr_ledger_proof_free(&m->item);
	emr_buf_free(&m->note);
	emr_buf_free(&m->priv);
	emr_buf_free(&m->directory);
	emr_buf_free(&m->manifest);
	for (size_t i = 0; i < EMR_PROOF_KEYS_MAX; i++) {
		emr_buf_free(&m->keys[i]);
		emr_buf_free(&m->chains[i]);
	}
}

/* ---- checkpoint ---- */

/* The head as this computer has verified it, signed by the person's log key, and by whoever signed the same head before. */
static emr_status sign_head(making *m)
{
	emr_checkpoint head = {.net_id = emr_ledger_net_id(m->from->ledger)}, kept;
	EMR_AUTO_BUF old = {0};
	emr_status status = emr_replica_at(m->from->replica, &m->at);

	if (status != EMR_OK)
		return status;
	head.size = m->at.size;
	memcpy(head.root, m->at.root, 32);
	if (emr_ledger_checkpoint(m->from->ledger, &old) == EMR_OK &&
		emr_checkpoint_parse(emr_buf_view(&old), &kept) == EMR_OK &&
		kept.size == head.size && memcmp(kept.root, head.root, 32) == 0)
		head = kept;
	status = emr_checkpoint_cosign(&head, m->from->keyring, m->from->now_unix_s);
	return status == EMR_OK ? emr_checkpoint_format(&head, &m->note) : status;
}

/* ---- ledger item ---- */

static emr_status find_item(making *m)
{
	const emr_part_key at = {.domain = m->place.domain,
		.object = m->place.object,
		.version = m->place.pversion,
		.family = EMR_FAMILY_OBJECT};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status = emr_replica_item_get(m->from->replica, &at, &bytes, &item);

	if (status == EMR_OK)
		status = emr_replica_part(m->from->replica, &at, &m->priv);
	if (status == EMR_OK)
		status = emr_ledger_prove(
			m->from->ledger, item.seq, item.index, m->at.size, &m->item);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

/* ---- content and statement ---- */

static emr_status copy_statement(making *m, const emr_bundle *bundle)
{
	if (!bundle->has_statement)
		return EMR_MISSING_DATA;
	m->parsed = bundle->statement;
	memcpy(m->statement, bundle->statement_bytes, EMR_STATEMENT_BYTES);
	memcpy(m->statement + EMR_STATEMENT_BYTES, bundle->sig, 64);
	memcpy(m->hk, bundle->content.hk, 32);
	m->mime[0] = bundle->mime_len;
	memcpy(m->mime + 1, bundle->mime, bundle->mime_len);
	m->mime[1 + bundle->mime_len] = bundle->doc_len;
	memcpy(m->mime + 2 + bundle->mime_len, bundle->doc, bundle->doc_len);
	m->mime_len = (size_t)2 + bundle->mime_len + bundle->doc_len;
	return EMR_OK;
}

static emr_status read_blocks(making *m)
{
	emr_unixfs_bundle names;
	emr_status status =
		emr_block_store_get_verified(m->from->store, &m->place.root, &m->directory);

	if (status == EMR_OK)
		status = emr_unixfs_bundle_decode(emr_buf_view(&m->directory), &names);
	if (status == EMR_OK)
		status = emr_block_store_get_verified(m->from->store, &names.manifest, &m->manifest);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

static emr_status read_content(making *m)
{
	emr_bundle *bundle = calloc(1, sizeof *bundle);
	emr_content_key *key = NULL;
	emr_content content;
	emr_status status = bundle != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = emr_facts_open_content(m->from->facts, &m->place, &content, &key);
	if (status == EMR_OK)
		status = emr_bundle_open(m->from->records, &m->place.root, key, m->place.record_id,
			m->place.cver, bundle);
	if (status == EMR_OK)
		status = copy_statement(m, bundle);
	emr_content_key_free(key);
	free(bundle);
	return status == EMR_OK ? read_blocks(m) : status;
}

/* ---- keys ---- */

/* The registration as a proof of its own, under the same checkpoint. */
static emr_status prove_key(making *m, const emr_replica_item *item, emr_buf *out_file)
{
	emr_ledger_proof proof = {.seq = 0};
	emr_proof file = {.index = item->seq, .note = emr_buf_view(&m->note)};
	emr_status status =
		emr_ledger_prove(m->from->ledger, item->seq, item->index, m->at.size, &proof);

	if (status != EMR_OK)
		return status;
	file.item_index = proof.index;
	file.log_path = proof.log_path;
	file.item_path = proof.item_path;
	file.entry = emr_buf_view(&proof.entry);
	file.item = emr_buf_view(&proof.item);
	status = emr_proof_format(&file, out_file);
	emr_ledger_proof_free(&proof);
	return status;
}

/* The certificate out of the registration's private part: salt, u16 length, DER. */
static emr_status read_certificate(emr_bytes part, emr_buf *out_chain)
{
	emr_reader r = emr_reader_of(part);
	emr_bytes der;

	(void)emr_read_bytes(&r, 32);
	der = emr_read_bytes(&r, emr_read_u16(&r));
	return r.bad ? EMR_DAMAGED : emr_buf_append(out_chain, der.data, der.len);
}

/* Behind it the CA that the network's description gives for that organisation. */
static emr_status append_ca(const making *m, emr_bytes item, emr_buf *out_chain)
{
	emr_bytes bytes = emr_ledger_descriptor(m->from->ledger);
	emr_descriptor descriptor;
	emr_descriptor_org org;
	emr_pub_key_reg pub;

	if (item.len <= EMR_ITEM_BYTES ||
		!emr_pub_key_reg_parse((emr_span){item.data + EMR_ITEM_BYTES,
					       item.len - EMR_ITEM_BYTES},
			&pub) ||
		emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &descriptor) !=
			EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	for (size_t i = 0; i < descriptor.norg; i++)
		if (emr_descriptor_org_at(&descriptor, i, &org) == EMR_CONTRACT_OK &&
			memcmp(org.org, pub.org, 16) == 0)
			return emr_buf_append(out_chain, org.ca_der.data, org.ca_der.len);
	return EMR_UNSUPPORTED; /* an organisation that was admitted later */
}

static emr_status add_key(making *m, const uint8_t id[32])
{
	emr_part_key at = {.version = 1, .family = EMR_FAMILY_KEY};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF part = {0};
	emr_replica_item item;
	emr_status status;
	size_t n = m->n_keys;

	for (size_t i = 0; i < n; i++)
		if (memcmp(m->key_ids[i].b, id, 32) == 0)
			return EMR_OK;
	if (n == EMR_PROOF_KEYS_MAX)
		return EMR_LIMIT;
	memcpy(at.object.b, id, 16);
	status = emr_replica_item_get(m->from->replica, &at, &bytes, &item);
	if (status == EMR_OK)
		status = emr_replica_part(m->from->replica, &at, &part);
	if (status == EMR_OK)
		status = prove_key(m, &item, &m->keys[n]);
	if (status == EMR_OK)
		status = read_certificate(emr_buf_view(&part), &m->chains[n]);
	if (status == EMR_OK)
		status = append_ca(m, item.bytes, &m->chains[n]);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	memcpy(m->key_ids[n].b, id, 32);
	m->n_keys++;
	return EMR_OK;
}

/* ---- cards ---- */

/* That this identity owns the key of DOMAIN: good for evidence only, it has run out when it is made. */
static emr_status add_card(making *m, emr_id16 domain)
{
	uint8_t *card = m->cards[m->n_cards];
	emr_id16 net = emr_ledger_net_id(m->from->ledger);
	emr_bytes body = emr_bytes_of(card, CARD_BYTES);
	emr_domain_public public;
	emr_status status =
		emr_keyring_domain_public(m->from->keyring, domain, FIRST_GEN, 1, &public);

	if (status != EMR_OK)
		return status;
	memcpy(card, "EMCD\x01\x02\0\0", 8);
	memcpy(card + 8, net.b, 16);
	memcpy(card + 24, m->self.pk, 32);
	memcpy(card + 56, m->self.x25519, 32);
	memcpy(card + 88, m->self.B, 32);
	memcpy(card + 120, domain.b, 16);
	memcpy(card + 136, public.owner_pk, 32);
	emr_put_u64(card + 168, m->from->now_unix_s);
	emr_put_u64(card + 176, m->from->now_unix_s);
	card[184] = 0;
	status = emr_keyring_sign(m->from->keyring, emr_signer_identity(), EMR_SIGN_CARD, body,
		card + CARD_BYTES);
	if (status == EMR_OK)
		status = emr_keyring_sign(m->from->keyring, emr_signer_domain(domain, FIRST_GEN),
			EMR_SIGN_CARD_DOM, body, card + CARD_BYTES + 64);
	if (status == EMR_OK)
		m->n_cards++;
	return status;
}

typedef struct domain_search {
	const uint8_t *owner_id;
	emr_id16 domain;
	bool is_found;
} domain_search;

static emr_status look_at_domain(void *arg, emr_id16 domain, bool is_mine, emr_bytes d_row)
{
	domain_search *s = arg;
	emr_row_domain row;
	uint8_t id[32];

	if (s->is_found || !is_mine ||
		emr_row_domain_parse((emr_span){d_row.data, d_row.len}, &row) != EMR_CONTRACT_OK)
		return EMR_OK;
	emr_signer_id(row.owner_pk, id);
	s->is_found = memcmp(id, s->owner_id, 32) == 0;
	if (s->is_found)
		s->domain = domain;
	return EMR_OK;
}

/* The statement of a record that was moved is signed with the key of the domain in which it was saved. */
static emr_status add_issuer(making *m)
{
	domain_search search = {.owner_id = m->parsed.issuer_id};
	emr_status status = emr_replica_domains(m->from->replica, look_at_domain, &search);

	if (status != EMR_OK)
		return status;
	if (!search.is_found)
		return add_key(m, m->parsed.issuer_id);
	return emr_id16_equal(search.domain, m->place.domain) ? EMR_OK
							      : add_card(m, search.domain);
}

static emr_status add_signers(making *m)
{
	emr_status status = emr_keyring_public(m->from->keyring, &m->self);

	if (status == EMR_OK)
		status = add_key(m, m->self.signer_id.b); /* signs checkpoint and cards */
	if (status == EMR_OK)
		status = add_key(m, m->item.entry.data + 24); /* who appended the entry */
	if (status == EMR_OK)
		status = add_card(m, m->place.domain);
	return status == EMR_OK ? add_issuer(m) : status;
}

/* ---- putting it together ---- */

static void add_part(emr_proof *p, emr_proof_type type, const void *data, size_t len)
{
	p->parts[p->n_parts++] =
		(emr_proof_part){.type = (uint8_t)type, .bytes = emr_bytes_of(data, len)};
}

/* Two keys may have one certificate. */
static bool is_new_chain(const making *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (emr_bytes_equal(emr_buf_view(&m->chains[i]), emr_buf_view(&m->chains[n])))
			return false;
	return true;
}

static emr_status write_file(const making *m, emr_buf *out_file)
{
	emr_bytes descriptor = emr_ledger_descriptor(m->from->ledger);
	emr_proof p = {.index = m->item.seq,
		.log_path = m->item.log_path,
		.note = emr_buf_view(&m->note),
		.item_index = m->item.index,
		.entry = emr_buf_view(&m->item.entry),
		.item = emr_buf_view(&m->item.item),
		.priv = emr_buf_view(&m->priv),
		.item_path = m->item.item_path};

	add_part(&p, EMR_PROOF_STATEMENT, m->statement, sizeof m->statement);
	for (size_t i = 0; i < m->n_keys; i++)
		if (is_new_chain(m, i))
			add_part(&p, EMR_PROOF_CHAIN, m->chains[i].data, m->chains[i].len);
	add_part(&p, EMR_PROOF_HK, m->hk, 32);
	add_part(&p, EMR_PROOF_DESCRIPTOR, descriptor.data, descriptor.len);
	for (size_t i = 0; i < m->n_keys; i++)
		add_part(&p, EMR_PROOF_KEY, m->keys[i].data, m->keys[i].len);
	add_part(&p, EMR_PROOF_MIME, m->mime, m->mime_len);
	for (size_t i = 0; i < m->n_cards; i++)
		add_part(&p, EMR_PROOF_CARD, m->cards[i], sizeof m->cards[i]);
	add_part(&p, EMR_PROOF_PATIENT, m->place.r_pid, 32);
	add_part(&p, EMR_PROOF_DIRECTORY, m->directory.data, m->directory.len);
	add_part(&p, EMR_PROOF_MANIFEST, m->manifest.data, m->manifest.len);
	return emr_proof_format(&p, out_file);
}

/* What is handed out proves itself. */
static emr_status check_own(const making *m, emr_bytes file)
{
	const emr_id16 net = emr_ledger_net_id(m->from->ledger);
	emr_proof_verdict verdict;
	emr_status status = emr_proof_check(file, -1, &net, &verdict);

	if (status != EMR_OK || verdict.step == EMR_PROOF_SOUND)
		return status;
	emr_log(EMR_LOG_ERROR, "proof: %s: %s", emr_proof_step_text(verdict.step), verdict.why);
	return EMR_BAD_SIGNATURE;
}

emr_status emr_proof_make(const emr_proof_sources *sources, const emr_place *place, emr_buf *out_file)
{
	making *m = calloc(1, sizeof *m);
	EMR_AUTO_BUF file = {0};
	emr_status status;

	if (m == NULL)
		return EMR_NO_MEMORY;
	m->from = sources;
	m->place = *place;
	status = place->pversion != 0 ? sign_head(m) : EMR_NO_ATTRIBUTE;
	if (status == EMR_OK)
		status = find_item(m);
	if (status == EMR_OK)
		status = read_content(m);
	if (status == EMR_OK)
		status = add_signers(m);
	if (status == EMR_OK)
		status = write_file(m, &file);
	if (status == EMR_OK)
		status = check_own(m, emr_buf_view(&file));
	if (status == EMR_OK)
		status = emr_buf_append(out_file, file.data, file.len);
	making_end(m);
	free(m);
	return status;
}
