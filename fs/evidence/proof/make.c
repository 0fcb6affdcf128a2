/* This file makes the proof for one version of a record: signature, certificates and place on
 * the ledger, so that somebody without emrfs's ledger can check who wrote it and when. */
#include "make_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/rows.h"
#include "crypto/hashsig.h"
#include "settle/whose.h"
#include "store/unixfs.h"

#define ITEM_SIGNER 80 /* where an item names its signer */

/* Everything that a proof of a content borrows while it is put together. */
typedef struct making {
	pieces p;
	const emr_proof_sources *from;
	emr_place place;
	emr_ledger_proof item;
	emr_buf priv, directory, manifest, domain;
	uint8_t statement[EMR_STATEMENT_BYTES + 64];
	emr_statement parsed;
	uint8_t hk[32];
	uint8_t mime[512];
	size_t mime_len;
} making;

static void making_free(making **made)
{
	making *m = *made;

	if (m == NULL)
		return;
	pieces_end(&m->p);
	emr_ledger_proof_free(&m->item);
	emr_buf_free(&m->priv);
	emr_buf_free(&m->directory);
	emr_buf_free(&m->manifest);
	emr_buf_free(&m->domain);
	free(m);
}

/* ---- ledger item ---- */

static emr_status find_item(making *m)
{
	const emr_part_key at =
		emr_part_of_object(m->place.domain, m->place.object, m->place.pversion);
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status = emr_replica_item_get(m->from->replica, &at, &bytes, &item);

	if (status == EMR_OK)
		status = emr_replica_part(m->from->replica, &at, &m->priv);
	if (status == EMR_OK)
		status = emr_ledger_prove(
			m->from->ledger, item.seq, item.index, m->p.at.size, &m->item);
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
		status =
			emr_block_store_get_verified(m->from->store, &names.manifest, &m->manifest);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

static emr_status read_content(making *m)
{
	emr_bundle *bundle = calloc(1, sizeof *bundle);
	emr_content_key *key = NULL;
	emr_content content;
	emr_whose whose;
	emr_status status = bundle != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = emr_facts_open_signed(m->from->facts,
			emr_ledger_descriptor(m->from->ledger), &m->place, &content, &key, &whose);
	if (status == EMR_OK)
		status = emr_bundle_open(m->from->records, &m->place.root, key, m->place.record_id,
			m->place.cver, bundle);
	if (status == EMR_OK)
		status = copy_statement(m, bundle);
	emr_content_key_free(key);
	free(bundle);
	return status == EMR_OK ? read_blocks(m) : status;
}

/* ---- whose keys ---- */

/* The statement of a record that was moved is signed with the key of the domain in which it was
 * saved. */
static emr_status add_issuer(making *m)
{
	EMR_ASK(asked, m->from->replica, DOMAINS);
	emr_known_domain known;
	emr_status status;

	while (emr_next(&asked, &known)) {
		status = known.is_mine ? pieces_add_card(&m->p, known.domain, m->parsed.issuer_id)
				       : EMR_NOT_FOUND;
		if (status != EMR_NOT_FOUND)
			return status;
	}
	EMR_TRY(asked.status);
	return pieces_add_key(&m->p, m->parsed.issuer_id);
}

/* A writer has a key of their own in the owner's domain; the first item of its part says whose
 * it is. */
static emr_status add_writer(making *m)
{
	const emr_part_key at = {.domain = m->place.domain,
		.object = m->place.domain,
		.version = 1,
		.family = EMR_FAMILY_DOMAIN};
	const uint8_t *signer = m->item.item.data + ITEM_SIGNER;
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status = pieces_add_card(&m->p, m->place.domain, signer);

	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(pieces_add_key(&m->p, signer));
	status = emr_replica_item_get(m->from->replica, &at, &bytes, &item);
	if (status == EMR_OK)
		status = pieces_prove(&m->p, item.seq, item.index, (emr_bytes){0}, &m->domain);
	if (status == EMR_OK)
		status = pieces_add_card(&m->p, m->place.domain, item.bytes.data + ITEM_SIGNER);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

static emr_status add_signers(making *m)
{
	EMR_TRY(pieces_add_key(&m->p, m->p.self.signer_id.b));	 /* signs checkpoint and cards */
	EMR_TRY(pieces_add_key(&m->p, m->item.entry.data + 24)); /* the submitter */
	EMR_TRY(add_writer(m));
	EMR_TRY(add_issuer(m));
	return pieces_add_witnesses(&m->p);
}

static emr_status write_file(const making *m, emr_buf *out_file)
{
	emr_bytes descriptor = emr_ledger_descriptor(m->from->ledger);
	emr_proof p = {.index = m->item.seq,
		.log_path = m->item.log_path,
		.note = emr_buf_view(&m->p.note),
		.item_index = m->item.index,
		.entry = emr_buf_view(&m->item.entry),
		.item = emr_buf_view(&m->item.item),
		.priv = emr_buf_view(&m->priv),
		.item_path = m->item.item_path};

	add_part(&p, EMR_PROOF_STATEMENT, m->statement, sizeof m->statement);
	pieces_put_chains(&m->p, &p);
	add_part(&p, EMR_PROOF_HK, m->hk, 32);
	add_part(&p, EMR_PROOF_DESCRIPTOR, descriptor.data, descriptor.len);
	pieces_put_keys(&m->p, &p);
	add_part(&p, EMR_PROOF_MIME, m->mime, m->mime_len);
	pieces_put_cards(&m->p, &p);
	add_part(&p, EMR_PROOF_PATIENT, m->place.r_pid, 32);
	add_part(&p, EMR_PROOF_DIRECTORY, m->directory.data, m->directory.len);
	add_part(&p, EMR_PROOF_MANIFEST, m->manifest.data, m->manifest.len);
	pieces_put_admissions(&m->p, &p);
	if (m->domain.len > 0)
		add_part(&p, EMR_PROOF_DOMAIN, m->domain.data, m->domain.len);
	pieces_put_followed(&m->p, &p);
	return pieces_write(&m->p, &p, out_file);
}

static emr_status make_once(
	const emr_proof_sources *sources, const emr_place *place, bool witnessed, emr_buf *out_file)
{
	__attribute__((cleanup(making_free))) making *m = calloc(1, sizeof *m);

	if (m == NULL)
		return EMR_NO_MEMORY;
	m->from = sources;
	m->place = *place;
	EMR_TRY(place->pversion != 0 ? pieces_begin(sources, witnessed, &m->p) : EMR_NO_ATTRIBUTE);
	EMR_TRY(find_item(m));
	EMR_TRY(read_content(m));
	EMR_TRY(add_signers(m));
	return write_file(m, out_file);
}

/* A head that others have signed says more than a newer one that nobody else has; but it may be too
 * old for this item. */
emr_status emr_proof_make(
	const emr_proof_sources *sources, const emr_place *place, emr_buf *out_file)
{
	emr_status status = make_once(sources, place, true, out_file);
	emr_proof_sources there = *sources;
	const emr_annex *annex = NULL;
	emr_place was = *place;

	if (status != EMR_OK && status != EMR_NO_ATTRIBUTE)
		status = make_once(sources, place, false, out_file);
	if (status == EMR_OK || status == EMR_NO_ATTRIBUTE ||
		emr_facts_first(&there.facts, &was, NULL, &annex) != EMR_OK || annex == NULL)
		return status;
	/* Another's word is proven by the ledger that knows them. */
	there.ledger = annex->ledger;
	there.replica = annex->replica;
	return emr_proof_make(&there, &was, out_file);
}
