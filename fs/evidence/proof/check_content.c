/* This part of checking a proof goes from the item on the ledger to the signed plaintext:
 * private part, encrypted content, statement, whose it is, and a copy of the file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "check_private.h"
#include "crypto/hashsig.h"
#include "keyring/card.h"
#include "store/unixfs.h"

bool check_private_part(checking *c)
{
	emr_bytes priv = c->proof->priv;

	if (!priv_fits(&c->item, priv))
		return fail(c, EMR_PROOF_BAD_PRIVATE_PART,
			"the private part is not the one that the item commits to");
	if (emr_put_part_decode(priv, &c->put) != EMR_OK)
		return fail(c, EMR_PROOF_BAD_PRIVATE_PART, "the private part cannot be read");
	return true;
}

/* Private part -> directory -> content and manifest -> what the statement names. */
bool check_content(checking *c)
{
	emr_bytes directory = emr_proof_part_of(c->proof, EMR_PROOF_DIRECTORY, 0);
	emr_bytes m = emr_proof_part_of(c->proof, EMR_PROOF_MANIFEST, 0), sealed;
	emr_bytes statement = emr_proof_part_of(c->proof, EMR_PROOF_STATEMENT, 0);
	emr_unixfs_bundle bundle;
	emr_m_header header;
	uint8_t content[32];

	if (emr_cid_verify(&c->put.root, directory) != EMR_OK ||
		emr_unixfs_bundle_decode(directory, &bundle) != EMR_OK ||
		emr_cid_verify(&bundle.manifest, m) != EMR_OK ||
		emr_m_header_decode(m, &header, &sealed) != EMR_OK)
		return fail(c, EMR_PROOF_BAD_CONTENT, "the blocks are not those of the item");
	if (header.padded != c->put.padded)
		return fail(c, EMR_PROOF_BAD_CONTENT, "the lengths differ");
	if (emr_statement_decode(statement.data, &c->statement) != EMR_OK)
		return fail(c, EMR_PROOF_BAD_STATEMENT, "the statement cannot be read");
	emr_content_hash(header.suite, header.leaf_log2, header.padded, &bundle.content, content);
	if (memcmp(content, c->statement.content, 32) != 0 ||
		memcmp(header.com, c->statement.com, 32) != 0)
		return fail(c, EMR_PROOF_BAD_CONTENT,
			"the statement is about another encrypted content");
	if (c->statement.n > EMR_RECORD_MAX_BYTES ||
		emr_padded_len(c->statement.n, (header.flags & EMR_M_FLAG_POW2) != 0) !=
			header.padded)
		return fail(c, EMR_PROOF_BAD_CONTENT, "the signed length does not fit the content");
	c->has_holes = (header.flags & EMR_M_FLAG_HOLES) != 0;
	return true;
}

/* ---- whose statement ---- */

/* A card about domain key DOM_ID that identity and domain have signed; "" is one about another. */
static const char *read_card(
	const checking *c, emr_bytes bytes, const uint8_t dom_id[32], emr_card *out_card)
{
	emr_status status = emr_card_read_bare(bytes, out_card);
	uint8_t id[32];

	if (status != EMR_OK)
		return status == EMR_BAD_SIGNATURE ? "a signature of a domain card does not fit"
						   : "a domain card cannot be read";
	emr_signer_id(out_card->dom_pk, id);
	if (memcmp(id, dom_id, 32) != 0)
		return "";
	return emr_id16_equal(out_card->net_id, c->verdict->net_id)
		       ? NULL
		       : "a domain card is of another network";
}

/* Whose key DOM_ID is, by its card: NULL and *OUT_WHY when the file does not show it. */
static const known_key *owner_of(
	const checking *c, const uint8_t dom_id[32], emr_card *out_card, const char **out_why)
{
	emr_bytes bytes;
	const known_key *key;

	*out_why = "no card shows whose domain key signed";
	for (size_t i = 0; (bytes = emr_proof_part_of(c->proof, EMR_PROOF_CARD, i)).data != NULL;
		i++) {
		const char *why = read_card(c, bytes, dom_id, out_card);

		if (why != NULL && why[0] == '\0')
			continue;
		if (why != NULL) {
			*out_why = why;
			return NULL;
		}
		key = key_of(c, out_card->signer_id.b);
		if (key == NULL)
			*out_why = "the identity of a domain card is not registered here";
		return key;
	}
	return NULL;
}

static bool is_signed_with(const checking *c, const uint8_t *key, size_t len)
{
	emr_bytes bytes = emr_proof_part_of(c->proof, EMR_PROOF_STATEMENT, 0);
	const uint8_t *sig = bytes.data + EMR_STATEMENT_BYTES;

	if (c->statement.alg == EMR_STATEMENT_ED25519)
		return len == 32 && emr_ed25519_verify(key, bytes.data, EMR_STATEMENT_BYTES, sig);
	return emr_p256_verify(key, len, bytes.data, EMR_STATEMENT_BYTES, sig);
}

/* The issuer is a registered identity, its certificate's key, or a domain key of one. */
static const known_key *issuer_of(const checking *c, bool *out_is_signed, const char **out_why)
{
	const uint8_t *issuer_id = c->statement.issuer_id;
	const known_key *key = key_of(c, issuer_id);
	uint8_t id[32];
	emr_card domain;

	for (size_t i = 0; i < c->n_keys && key == NULL; i++) {
		emr_sha256(c->keys[i].certificate.spki, EMR_P256_SPKI_BYTES, id);
		if (c->statement.alg == EMR_STATEMENT_P256 && memcmp(id, issuer_id, 32) == 0) {
			*out_is_signed =
				is_signed_with(c, c->keys[i].certificate.spki, EMR_P256_SPKI_BYTES);
			return &c->keys[i];
		}
	}
	if (key != NULL) {
		*out_is_signed = is_signed_with(c, key->pk, 32);
		return key;
	}
	key = owner_of(c, issuer_id, &domain, out_why);
	if (key != NULL)
		*out_is_signed = is_signed_with(c, domain.dom_pk, 32);
	return key;
}

bool check_statement(checking *c)
{
	const emr_statement *s = &c->statement;
	emr_proof_verdict *v = c->verdict;
	bool is_signed = false;
	const char *why = "";
	const known_key *issuer;

	if (!emr_id16_equal(s->record_id, c->put.record_id) || s->cver != c->put.cver)
		return fail(c, EMR_PROOF_BAD_STATEMENT,
			"the statement is about another record or version");
	issuer = issuer_of(c, &is_signed, &why);
	if (issuer == NULL)
		return fail(c, EMR_PROOF_BAD_OWNER, why);
	if (!is_signed)
		return fail(c, EMR_PROOF_BAD_STATEMENT, "the statement's signature does not fit");
	if (!emr_id32_is_zero(EMR_ID32_AT(s->cert_ref)) &&
		memcmp(s->cert_ref, issuer->certificate.ref.b, 32) != 0)
		return fail(c, EMR_PROOF_BAD_STATEMENT, "the statement names another certificate");
	if (emr_proof_part_of(c->proof, EMR_PROOF_DOMAIN, 0).data != NULL &&
		memcmp(issuer->signer_id.b, c->item.signer_id, 32) != 0)
		return fail(c, EMR_PROOF_BAD_STATEMENT,
			"neither who signed it nor the owner put it there");
	memcpy(c->verdict->signer, issuer->certificate.handle, sizeof c->verdict->signer);
	c->verdict->certificate = issuer->certificate.ref;
	memcpy(c->verdict->handle_id, issuer->signer_id.b, 8);
	/* A checkpoint that the same person signed by another key is no second party's. */
	for (size_t i = 0; i < c->n_keys; i++)
		for (size_t n = 0; n < v->n_names; n++)
			if (first_of(&c->keys[i]) == first_of(issuer) &&
				memcmp(v->names[n], c->keys[i].signer_id.b, 8) == 0)
				memcpy(v->names[n], issuer->signer_id.b, 8);
	organisation_name(c, issuer, c->verdict->organisation);
	c->verdict->record_id = s->record_id;
	c->verdict->cver = s->cver;
	c->verdict->n = s->n;
	c->verdict->issued_at = s->issued_at;
	return true;
}

/* The signer of the item is the owner of its domain. */
static const known_key *domain_owner(
	const checking *c, const uint8_t dom_id[32], const char **out_why)
{
	emr_card domain;
	const known_key *owner = owner_of(c, dom_id, &domain, out_why);

	if (owner == NULL || memcmp(domain.domain_id.b, c->item.domain_id, 16) == 0)
		return owner;
	*out_why = "the card is of another domain";
	return NULL;
}

/* Somebody else wrote there, as the ledger allowed him: whose domain it is says the item that began
 * it. */
static const known_key *owner_of_begun(checking *c, const char **out_why)
{
	AUTO_NESTED n = {.is_out_of_memory = false};
	const char *why = read_nested(
		c, emr_proof_part_of(c->proof, EMR_PROOF_DOMAIN, 0), EMR_ITEM_BYTES + 64, &n);

	if (n.is_out_of_memory)
		c->status = EMR_NO_MEMORY;
	*out_why = "the beginning of the domain is not on this ledger";
	if (why != NULL || n.item.op != EMR_OP_DOMAIN_NEW || n.proof.priv.len != 0 ||
		memcmp(n.item.object_id, c->item.domain_id, 16) != 0)
		return NULL;
	*out_why = "the key that wrote there is not shown";
	if (key_of(c, c->item.signer_id) == NULL)
		return NULL;
	return domain_owner(c, n.item.signer_id, out_why);
}

bool check_owner(checking *c)
{
	bool is_begun = emr_proof_part_of(c->proof, EMR_PROOF_DOMAIN, 0).data != NULL;
	const char *why;

	c->owner = is_begun ? owner_of_begun(c, &why) : domain_owner(c, c->item.signer_id, &why);
	if (c->status != EMR_OK)
		return false;
	if (c->owner == NULL)
		return fail(c, EMR_PROOF_BAD_OWNER, why);
	memcpy(c->verdict->owner, c->owner->certificate.handle, sizeof c->verdict->owner);
	return true;
}

bool check_patient(checking *c)
{
	emr_bytes patient = emr_proof_part_of(c->proof, EMR_PROOF_PATIENT, 0);
	bool is_owner = false;

	/* It may be of a key before the owner's present one, or behind. */
	for (size_t i = 0; i < c->n_keys && !is_owner; i++) {
		uint8_t commit[32];

		emr_pid_commit(patient.data, c->keys[i].pk, commit);
		is_owner = first_of(&c->keys[i]) == first_of(c->owner) &&
			   memcmp(commit, c->statement.pid_commit, 32) == 0;
	}
	if (!is_owner)
		return fail(c, EMR_PROOF_BAD_PATIENT,
			"the statement is about another person than the owner of the domain");
	return true;
}

bool check_type(checking *c)
{
	emr_bytes part = emr_proof_part_of(c->proof, EMR_PROOF_MIME, 0), mime, doc;
	emr_reader r = emr_reader_of(part);
	uint8_t hash[32];

	mime = emr_read_bytes(&r, emr_read_u8(&r));
	doc = emr_read_bytes(&r, emr_read_u8(&r));
	if (!emr_reader_done(&r))
		return fail(c, EMR_PROOF_BAD_TYPE, "the type cannot be read");
	emr_type_hash(mime, doc, hash);
	if (memcmp(hash, c->statement.type_hash, 32) != 0)
		return fail(c, EMR_PROOF_BAD_TYPE, "the type is not the signed one");
	return true;
}

/* ---- a copy of the plaintext ---- */

static emr_status read_some(int fd, uint8_t *out, size_t len, size_t *out_len)
{
	*out_len = 0;
	while (*out_len < len) {
		ssize_t n = read(fd, out + *out_len, len - *out_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return emr_status_from_errno(errno);
		if (n == 0)
			break;
		*out_len += (size_t)n;
	}
	return EMR_OK;
}

static bool is_zeros(const uint8_t *data, size_t len)
{
	return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

/* LEN is not 0. */
static void hash_segment(
	const checking *c, uint64_t index, const uint8_t *data, size_t len, uint8_t out[32])
{
	emr_bytes hk = emr_proof_part_of(c->proof, EMR_PROOF_HK, 0);
	emr_sha256_ctx ctx;
	uint8_t number[8];

	if (c->has_holes && is_zeros(data, len)) {
		emr_merkle_leaf(hk.data, hk.len, out);
		return;
	}
	emr_put_u64(number, index);
	emr_merkle_leaf_init(&ctx);
	emr_sha256_update(&ctx, hk.data, hk.len);
	emr_sha256_update(&ctx, number, sizeof number);
	emr_sha256_update(&ctx, data, len);
	emr_sha256_final(&ctx, out);
}

/* The tree over the segments of the copy, and its length, until it is longer than the signed one.
 */
static emr_status hash_copy(checking *c, uint64_t *out_n, uint8_t out_root[32])
{
	EMR_AUTO_FREE uint8_t *segment = malloc(EMR_LEAF_BYTES);
	emr_merkle_frontier frontier = {.size = 0};
	uint8_t leaf[32];
	uint64_t n = 0;
	size_t got = 0;
	emr_status status = segment != NULL ? EMR_OK : EMR_NO_MEMORY;

	do {
		if (status == EMR_OK)
			status = read_some(c->copy_fd, segment, EMR_LEAF_BYTES, &got);
		if (status != EMR_OK)
			return status;
		if (got > 0) {
			hash_segment(c, frontier.size, segment, got, leaf);
			emr_merkle_append(&frontier, leaf);
		}
		n += got;
	} while (got == EMR_LEAF_BYTES && n <= c->statement.n);
	emr_merkle_frontier_root(&frontier, out_root);
	*out_n = n;
	return EMR_OK;
}

bool check_copy(checking *c)
{
	uint8_t root[32];
	uint64_t n;

	if (c->copy_fd < 0)
		return true;
	c->status = hash_copy(c, &n, root);
	if (c->status != EMR_OK)
		return false;
	if (n != c->statement.n)
		return fail(c, EMR_PROOF_BAD_COPY, "the copy has another length");
	if (memcmp(root, c->statement.root, 32) != 0)
		return fail(c, EMR_PROOF_BAD_COPY, "the copy is not what was signed");
	return true;
}
