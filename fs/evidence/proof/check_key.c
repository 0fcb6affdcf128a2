/* This part of checking a proof is about keys that the ledger registered, and the certificates
 * that vouch for them. */
#include <string.h>

#include "check_private.h"
#include "contract/pubs_share.h"
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

/* A KEY_ROTATE by which a key of the file named this one, which agreed. */
static const char *read_followed(checking *c, const nested *n, known_key *key)
{
	const known_key *before = key_of(c, n->item.signer_id);
	uint8_t message[EMR_ROTATE_MESSAGE_BYTES];
	emr_pub_key_rotate pub;

	if (n->item.op != EMR_OP_KEY_ROTATE || n->proof.priv.len != 0 ||
		!emr_pub_key_rotate_parse(nested_pub(n), &pub))
		return "what should name the key that follows does not";
	if (before == NULL)
		return "a key that was followed is not shown before the one that follows it";
	if (emr_rotate_message(c->verdict->net_id.b, n->item.signer_id, nested_pub(n), message) !=
			EMR_CONTRACT_OK ||
		!emr_ed25519_verify(pub.new_pk, message, sizeof message, pub.new_sig))
		return "a key that follows another did not agree";
	*key = *before;
	key->before = before;
	emr_signer_id(pub.new_pk, key->signer_id.b);
	memcpy(key->pk, pub.new_pk, sizeof key->pk);
	memcpy(key->pub.log_pk, pub.log_pk, sizeof key->pub.log_pk);
	key->seq = n->entry.seq;
	return NULL;
}

static bool check_one(checking *c, emr_bytes file, bool is_followed)
{
	AUTO_NESTED n = {.is_out_of_memory = false};
	known_key key = {0};
	const char *why = read_nested(c, file, EMR_ITEM_BYTES + (is_followed ? 256 : 288), &n);

	if (n.is_out_of_memory) {
		c->status = EMR_NO_MEMORY;
		return false;
	}
	if (why != NULL)
		return fail(c, EMR_PROOF_BAD_KEY, "a key's registration is not on this ledger");
	why = is_followed ? read_followed(c, &n, &key) : read_key(&n, &key);
	if (why != NULL)
		return fail(c, EMR_PROOF_BAD_KEY, why);
	if (key_of(c, key.signer_id.b) != NULL)
		return fail(c, EMR_PROOF_BAD_KEY, "a key is shown twice");
	if (c->n_keys == EMR_PROOF_KEYS_MAX)
		return fail(c, EMR_PROOF_BAD_KEY, "there are too many keys");
	c->keys[c->n_keys++] = key;
	return true;
}

bool check_keys(checking *c)
{
	static const emr_proof_type types[] = {EMR_PROOF_KEY, EMR_PROOF_FOLLOWED};
	emr_bytes file;

	for (size_t t = 0; t < sizeof types / sizeof *types; t++)
		for (size_t i = 0; (file = emr_proof_part_of(c->proof, types[t], i)).data != NULL;
			i++)
			if (!check_one(c, file, types[t] == EMR_PROOF_FOLLOWED))
				return false;
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
		known_key *key = &c->keys[i];
		const char *why = NULL;

		if (key->before != NULL) {
			key->certificate = key->before->certificate;
			key->by = key->before->by;
		} else {
			why = check_certificate(c, key);
		}

		if (why != NULL)
			return fail(c, EMR_PROOF_BAD_CERTIFICATE, why);
	}
	return true;
}
