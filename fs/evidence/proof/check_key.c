/* This part of checking a proof is about keys that the ledger registered, and the certificates
 * that vouch for them. */
#include <string.h>

#include "check_private.h"
#include "crypto/hashsig.h"

/* ---- registrations ---- */

/* A KEY_REG that the key signed itself. */
static const char *read_key(const nested *n, known_key *key)
{
	if (n->proof.priv.len != 0 || !emr_pub_key_reg_parse(nested_pub(n), &key->pub))
		return "a key's registration cannot be read";
	emr_signer_id(n->header.signer_pk, key->signer_id.b);
	memcpy(key->pk, n->header.signer_pk, 32);
	key->seq = n->entry.seq;
	if (n->item.op != EMR_OP_KEY_REG || memcmp(n->item.object_id, key->signer_id.b, 16) != 0)
		return "what should register a key does not";
	return key->pub.how == EMR_HOW_CERTIFICATE ? NULL
						   : "a key is not vouched for by a certificate";
}

bool check_keys(checking *c)
{
	emr_bytes file;

	while (c->n_keys < EMR_PROOF_KEYS_MAX &&
		(file = emr_proof_part_of(c->proof, EMR_PROOF_KEY, c->n_keys)).data != NULL) {
		AUTO_NESTED n = {.is_out_of_memory = false};
		known_key *key = &c->keys[c->n_keys];
		const char *why = read_nested(c, file, EMR_ITEM_BYTES + 288, &n);

		if (n.is_out_of_memory) {
			c->status = EMR_NO_MEMORY;
			return false;
		}
		if (why != NULL)
			return fail(
				c, EMR_PROOF_BAD_KEY, "a key's registration is not on this ledger");
		why = read_key(&n, key);
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

/* CHAIN is the key's certificate and what is between it and CA. */
static const char *check_chain(checking *c, known_key *key, emr_bytes chain, emr_bytes ca)
{
	uint64_t at = c->entry.ledger_time_unix_s;
	uint8_t message[EMR_BIND_MESSAGE_BYTES];
	emr_cert_facts facts;
	uint8_t pub[288];
	emr_status status;

	if (!is_ca_of(c, ca, key->pub.org, key->seq, &key->by))
		return "the certificate is from a CA that is not this network's";
	status = emr_cert_verify(chain, ca, at, &facts);
	if (status == EMR_DENIED || key->pub.not_after_unix_s <= at)
		return "the certificate was not in force when the entry was made";
	if (status != EMR_OK)
		return "the certificate is not signed by the network's CA";
	if (!emr_cert_is_of(&facts, key->pub.org))
		return "the certificate was not given for this organisation";
	emr_pub_key_reg_encode(&key->pub, pub);
	if (emr_bind_message(c->verdict->net_id.b, key->signer_id.b, (emr_span){pub, sizeof pub},
		    message) != EMR_CONTRACT_OK ||
		!emr_p256_verify(
			facts.spki, sizeof facts.spki, message, sizeof message, key->pub.bind_sig))
		return "the certificate's key does not vouch for the key on the ledger";
	return NULL;
}

/* The first certificate of REST, all but the last, and the last. */
static bool split_chain(
	emr_bytes rest, emr_bytes *out_leaf, emr_bytes *out_chain, emr_bytes *out_ca)
{
	const uint8_t *begin = rest.data;

	if (!take_der(&rest, out_leaf))
		return false;
	for (int i = 0; i <= EMR_CERT_BETWEEN_MAX; i++) {
		*out_chain = emr_bytes_of(begin, (size_t)(rest.data - begin));
		if (!take_der(&rest, out_ca))
			return false;
		if (rest.len == 0)
			return true;
	}
	return false;
}

/* The chain whose first certificate the registration names. */
static const char *check_certificate(checking *c, known_key *key)
{
	emr_bytes rest, leaf, chain, ca;
	uint8_t ref[32];
	const char *why;

	for (size_t i = 0; (rest = emr_proof_part_of(c->proof, EMR_PROOF_CHAIN, i)).data != NULL;
		i++) {
		if (!split_chain(rest, &leaf, &chain, &ca))
			return "a certificate cannot be read";
		emr_sha256(leaf.data, leaf.len, ref);
		if (memcmp(ref, key->pub.ref, 32) != 0)
			continue;
		why = check_chain(c, key, chain, ca);
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
