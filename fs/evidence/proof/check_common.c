/* This file is what the checks of a proof file ask: whether an item stands in the tree and in a
 * signed batch, who is known so far, and a proof of one item that lies inside another. */
#include "check_private.h"

#include <string.h>

#include "crypto/hashsig.h"

bool fail(checking *c, emr_proof_step step, const char *why)
{
	c->verdict->step = step;
	c->verdict->why = why;
	return false;
}

const known_key *key_of(const checking *c, const uint8_t signer_id[32])
{
	for (size_t i = 0; i < c->n_keys; i++)
		if (memcmp(c->keys[i].signer_id.b, signer_id, 32) == 0)
			return &c->keys[i];
	return NULL;
}

const known_key *first_of(const known_key *key)
{
	while (key->before != NULL)
		key = key->before;
	return key;
}

bool is_in_log(const emr_proof *proof, const emr_checkpoint *head, const emr_entry *entry)
{
	uint8_t leaf[32];

	emr_entry_leaf((emr_span){proof->entry.data, proof->entry.len}, leaf);
	return entry->seq == proof->index &&
	       emr_merkle_inclusion_verify(leaf, proof->index, head->size, proof->log_path.hashes,
		       proof->log_path.n, head->root);
}

bool is_in_batch(const emr_proof *proof, const emr_header *header)
{
	uint8_t leaf[32];

	emr_merkle_leaf(proof->item.data, proof->item.len, leaf);
	return emr_merkle_inclusion_verify(leaf, proof->item_index, header->count,
		proof->item_path.hashes, proof->item_path.n, header->root);
}

bool batch_is_signed(const emr_entry *entry, const emr_header *header)
{
	uint8_t message[EMR_HEADER_MESSAGE_BYTES];

	emr_header_message(entry->header, message);
	return emr_ed25519_verify(header->signer_pk, message, sizeof message, header->sig);
}

const char *read_nested(const checking *c, emr_bytes file, size_t item_len, nested *out)
{
	emr_status status = emr_proof_parse(file, &out->proof);
	const emr_proof *p = &out->proof;
	uint8_t signer_id[32];

	if (status == EMR_NO_MEMORY) {
		out->is_out_of_memory = true;
		return "there is not enough memory";
	}
	if (status != EMR_OK)
		return "cannot be read";
	if (p->n_parts != 0 || !emr_bytes_equal(p->note, c->proof->note))
		return "is not under the same checkpoint";
	if (emr_entry_parse((emr_span){p->entry.data, p->entry.len}, &out->entry) !=
			EMR_CONTRACT_OK ||
		emr_header_parse((emr_span){out->entry.header, EMR_HEADER_BYTES}, &out->header) !=
			EMR_CONTRACT_OK ||
		p->item.len != item_len ||
		emr_item_parse((emr_span){p->item.data, EMR_ITEM_BYTES}, &out->item) !=
			EMR_CONTRACT_OK)
		return "cannot be read";
	if (memcmp(out->header.net_id, c->verdict->net_id.b, 16) != 0 ||
		!is_in_log(p, &c->head, &out->entry) || !is_in_batch(p, &out->header) ||
		!batch_is_signed(&out->entry, &out->header))
		return "is not on this ledger";
	emr_signer_id(out->header.signer_pk, signer_id);
	if (memcmp(out->item.signer_id, signer_id, 32) != 0 ||
		out->entry.results.data[p->item_index] > EMR_RESULT_ALREADY)
		return "was not accepted";
	return NULL;
}

emr_span nested_pub(const nested *n)
{
	return (emr_span){n->proof.item.data + EMR_ITEM_BYTES, n->proof.item.len - EMR_ITEM_BYTES};
}

void nested_end(nested *n)
{
	emr_proof_free(&n->proof);
}

bool priv_fits(const emr_item *item, emr_bytes priv)
{
	return emr_item_has_part(item, (emr_span){priv.data, priv.len});
}
