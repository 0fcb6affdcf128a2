/* Keys that the ledger registered, and the certificates that vouch for them. */
#include <string.h>

#include "check_private.h"
#include "crypto/hashsig.h"

/* ---- registrations ---- */

/* A KEY_REG that the key signed itself, applied, under the same checkpoint. */
static const char *read_key(checking *c, const emr_proof *p, known_key *key)
{
	emr_entry entry;
	emr_header header;
	emr_item item;

	if (p->priv.len != 0 || p->n_parts != 0 || !emr_bytes_equal(p->note, c->proof->note))
		return "a key's registration is not under the same checkpoint";
	if (emr_entry_parse((emr_span){p->entry.data, p->entry.len}, &entry) != EMR_CONTRACT_OK ||
		emr_header_parse((emr_span){entry.header, EMR_HEADER_BYTES}, &header) !=
			EMR_CONTRACT_OK ||
		p->item.len != EMR_ITEM_BYTES + 288 ||
		emr_item_parse((emr_span){p->item.data, EMR_ITEM_BYTES}, &item) !=
			EMR_CONTRACT_OK ||
		!emr_pub_key_reg_parse(
			(emr_span){p->item.data + EMR_ITEM_BYTES, 288}, &key->pub))
		return "a key's registration cannot be read";
	emr_signer_id(header.signer_pk, key->signer_id.b);
	memcpy(key->pk, header.signer_pk, 32);
	if (memcmp(header.net_id, c->verdict->net_id.b, 16) != 0 ||
		!is_in_log(p, &c->head, &entry) || !is_in_batch(p, &header) ||
		!batch_is_signed(&entry, &header))
		return "a key's registration is not on this ledger";
	if (item.op != EMR_OP_KEY_REG || memcmp(item.signer_id, key->signer_id.b, 32) != 0 ||
		memcmp(item.object_id, key->signer_id.b, 16) != 0 ||
		entry.results.data[p->item_index] > EMR_RESULT_ALREADY)
		return "what should register a key does not";
	return key->pub.how == EMR_HOW_CERTIFICATE ? NULL : "a key is not vouched for by a certificate";
}

bool check_keys(checking *c)
{
	emr_bytes file;

	while (c->n_keys < EMR_PROOF_KEYS_MAX &&
		(file = emr_proof_part_of(c->proof, EMR_PROOF_KEY, c->n_keys)).data != NULL) {
		EMR_AUTO_PROOF nested = {.index = 0};
		known_key *key = &c->keys[c->n_keys];
		emr_status status = emr_proof_parse(file, &nested);
		const char *why = "a key's registration cannot be read";

		if (status == EMR_NO_MEMORY) {
			c->status = status;
			return false;
		}
		if (status == EMR_OK)
			why = read_key(c, &nested, key);
		if (why != NULL)
			return fail(c, EMR_PROOF_BAD_KEY, why);
		if (key_of(c, key->signer_id.b) != NULL)
			return fail(c, EMR_PROOF_BAD_KEY, "a key is shown twice");
		c->n_keys++;
	}
	return true;
}

/* ---- certificates ---- */

/* The DER value at the front of REST: two or four bytes of head, and at most EMR_CERT_MAX. */
static bool take_der(emr_bytes *rest, emr_bytes *out_der)
{
	size_t len;

	if (rest->len < 4 || rest->data[0] != 0x30)
		return false;
	if (rest->data[1] < 0x80)
		len = (size_t)rest->data[1] + 2;
	else if (rest->data[1] == 0x81)
		len = (size_t)rest->data[2] + 3;
	else if (rest->data[1] == 0x82)
		len = ((size_t)rest->data[2] << 8 | rest->data[3]) + 4;
	else
		return false;
	if (len > rest->len || len > EMR_CERT_MAX)
		return false;
	*out_der = emr_bytes_of(rest->data, len);
	rest->data += len;
	rest->len -= len;
	return true;
}

/* CA is what the network's description gives for ORG. */
static bool is_ca_of(const checking *c, emr_bytes ca, const uint8_t org[16])
{
	emr_bytes bytes = emr_proof_part_of(c->proof, EMR_PROOF_DESCRIPTOR, 0);
	emr_descriptor descriptor;
	emr_descriptor_org row;

	if (emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &descriptor) != EMR_CONTRACT_OK)
		return false;
	for (size_t i = 0; i < descriptor.norg; i++)
		if (emr_descriptor_org_at(&descriptor, i, &row) == EMR_CONTRACT_OK &&
			memcmp(row.org, org, 16) == 0)
			return emr_bytes_equal(ca, emr_bytes_of(row.ca_der.data, row.ca_der.len));
	return false;
}

static const char *check_chain(checking *c, const known_key *key, emr_bytes leaf, emr_bytes ca)
{
	uint64_t at = c->entry.ledger_time_unix_s;
	uint8_t message[EMR_BIND_MESSAGE_BYTES];
	emr_cert_facts facts;
	uint8_t pub[288];
	emr_status status;

	if (!is_ca_of(c, ca, key->pub.org))
		return "the certificate is from a CA that is not this network's";
	status = emr_cert_verify(leaf, ca, at, &facts);
	if (status == EMR_DENIED || key->pub.not_after_unix_s <= at)
		return "the certificate was not in force when the entry was made";
	if (status != EMR_OK || facts.is_ca)
		return "the certificate is not signed by the network's CA";
	if (memcmp(facts.org.b, key->pub.org, 16) != 0)
		return "the certificate is for another organisation";
	emr_pub_key_reg_encode(&key->pub, pub);
	if (emr_bind_message(c->verdict->net_id.b, key->signer_id.b, (emr_span){pub, sizeof pub},
		    message) != EMR_CONTRACT_OK ||
		!emr_p256_verify(facts.spki, sizeof facts.spki, message, sizeof message,
			key->pub.bind_sig))
		return "the certificate's key does not vouch for the key on the ledger";
	return NULL;
}

/* The chain whose first certificate the registration names. */
static const char *check_certificate(checking *c, known_key *key)
{
	emr_bytes rest, leaf, ca;
	uint8_t ref[32];
	const char *why;

	for (size_t i = 0; (rest = emr_proof_part_of(c->proof, EMR_PROOF_CHAIN, i)).data != NULL;
		i++) {
		if (!take_der(&rest, &leaf) || !take_der(&rest, &ca) || rest.len != 0)
			return "a certificate cannot be read";
		emr_sha256(leaf.data, leaf.len, ref);
		if (memcmp(ref, key->pub.ref, 32) != 0)
			continue;
		why = check_chain(c, key, leaf, ca);
		if (why == NULL && emr_cert_read(leaf, &key->certificate) != EMR_OK)
			why = "a certificate cannot be read";
		return why;
	}
	return "the certificate that the registration names is not shown";
}

bool check_certificates(checking *c)
{
	for (size_t i = 0; i < c->n_keys; i++) {
		const char *why = check_certificate(c, &c->keys[i]);

		if (why != NULL)
			return fail(c, EMR_PROOF_BAD_CERTIFICATE, why);
	}
	return true;
}
