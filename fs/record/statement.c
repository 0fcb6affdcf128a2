/* This file makes and checks the statement that the author of a version signs: whose record,
 * which content, when. The check says what exactly does not fit. */
#include "record/content.h"

#include <sodium.h>

#include "crypto/hashsig.h"

/* ---- Making ---- */

static emr_status issuer_id_of(const emr_keyring *keyring, emr_signer issuer, uint8_t out[32])
{
	emr_domain_public domain;
	emr_public person;

	if (issuer.kind == EMR_SIGNER_DOMAIN) {
		EMR_TRY(emr_keyring_domain_public(keyring, issuer.id, issuer.gen, 1, &domain));
		memcpy(out, domain.signer_id.b, 32);
		return EMR_OK;
	}
	if (issuer.kind != EMR_SIGNER_IDENTITY)
		return EMR_INVALID;
	EMR_TRY(emr_keyring_public(keyring, &person));
	memcpy(out, person.signer_id.b, 32);
	return EMR_OK;
}

emr_status emr_statement_make(const emr_keyring *keyring, emr_signer issuer,
	const emr_content *content, const emr_statement_facts *facts,
	uint8_t out_bytes[EMR_STATEMENT_BYTES], uint8_t out_sig[64])
{
	emr_statement statement = {.alg = EMR_STATEMENT_ED25519,
		.kind = facts->kind,
		.record_id = facts->record_id,
		.cver = facts->cver,
		.n = content->n,
		.issued_at = facts->issued_at_unix_s,
		.issuer_seq = facts->issuer_seq};
	uint8_t bytes[EMR_STATEMENT_BYTES], sig[64];

	if (facts->kind < EMR_STATEMENT_ORIGINAL || facts->kind > EMR_STATEMENT_ATTESTATION)
		return EMR_INVALID;
	if (facts->mime.len > 255 || facts->doc.len > 255)
		return EMR_LIMIT;
	EMR_TRY(issuer_id_of(keyring, issuer, statement.issuer_id));
	emr_pid_commit(facts->r_pid, facts->patient_pk, statement.pid_commit);
	memcpy(statement.prev, facts->prev, 32);
	memcpy(statement.root, content->root, 32);
	emr_type_hash(facts->mime, facts->doc, statement.type_hash);
	memcpy(statement.cert_ref, facts->cert_ref, 32);
	emr_content_hash(content->suite, content->leaf_log2, content->padded, &content->c,
		statement.content);
	memcpy(statement.com, content->com, 32);
	emr_statement_encode(&statement, bytes);
	EMR_TRY(emr_keyring_sign(
		keyring, issuer, EMR_SIGN_STMT, emr_bytes_of(bytes, sizeof bytes), sig));
	memcpy(out_bytes, bytes, sizeof bytes);
	memcpy(out_sig, sig, sizeof sig);
	return EMR_OK;
}

/* ---- Checking ---- */

static bool patient_fits(const emr_statement *statement, const emr_statement_expect *expect)
{
	uint8_t commit[32];

	if (expect->patient_pk == NULL || expect->r_pid == NULL)
		return true;
	emr_pid_commit(expect->r_pid, expect->patient_pk, commit);
	return memcmp(commit, statement->pid_commit, sizeof commit) == 0;
}

static bool issuer_fits(const emr_statement *statement, emr_bytes key)
{
	uint8_t id[32];

	if (statement->alg == EMR_STATEMENT_ED25519 && key.len != 32)
		return false;
	emr_sha256(key.data, key.len, id);
	return memcmp(id, statement->issuer_id, sizeof id) == 0;
}

static bool signature_fits(const emr_bundle *bundle, emr_bytes key)
{
	if (bundle->statement.alg == EMR_STATEMENT_ED25519)
		return emr_ed25519_verify(
			key.data, bundle->statement_bytes, EMR_STATEMENT_BYTES, bundle->sig);
	return emr_p256_verify(
		key.data, key.len, bundle->statement_bytes, EMR_STATEMENT_BYTES, bundle->sig);
}

/* The ciphertext in hand is the one that the issuer made. */
static bool content_is_original(const emr_bundle *bundle)
{
	const emr_content *content = &bundle->content;
	uint8_t hash[32];

	emr_content_hash(content->suite, content->leaf_log2, content->padded, &content->c, hash);
	return sodium_memcmp(hash, bundle->statement.content, 32) == 0 &&
	       sodium_memcmp(content->com, bundle->statement.com, 32) == 0;
}

static emr_statement_verdict compare_facts(
	const emr_bundle *bundle, const emr_statement_expect *expect)
{
	const emr_statement *statement = &bundle->statement;
	uint8_t type_hash[32];

	if (bundle->content.n != statement->n)
		return EMR_STATEMENT_WRONG_LENGTH;
	if (memcmp(bundle->content.root, statement->root, 32) != 0)
		return EMR_STATEMENT_WRONG_ROOT;
	emr_type_hash(emr_bytes_of(bundle->mime, bundle->mime_len),
		emr_bytes_of(bundle->doc, bundle->doc_len), type_hash);
	if (memcmp(type_hash, statement->type_hash, sizeof type_hash) != 0)
		return EMR_STATEMENT_WRONG_TYPE;
	if (!emr_id16_equal(statement->record_id, expect->record_id))
		return EMR_STATEMENT_WRONG_RECORD;
	if (!patient_fits(statement, expect))
		return EMR_STATEMENT_WRONG_PATIENT;
	if (content_is_original(bundle))
		return statement->cver == expect->cver ? EMR_STATEMENT_VALID
						       : EMR_STATEMENT_WRONG_VERSION;
	if (!expect->reencrypted)
		return EMR_STATEMENT_WRONG_CONTENT;
	return statement->cver < expect->cver ? EMR_STATEMENT_VALID_AFTER_HASH
					      : EMR_STATEMENT_WRONG_VERSION;
}

emr_statement_verdict emr_statement_check(
	const emr_bundle *bundle, const emr_statement_expect *expect)
{
	emr_statement_verdict verdict;

	if (!bundle->has_statement)
		return EMR_STATEMENT_NONE;
	verdict = compare_facts(bundle, expect);
	if (verdict != EMR_STATEMENT_VALID && verdict != EMR_STATEMENT_VALID_AFTER_HASH)
		return verdict;
	if (!issuer_fits(&bundle->statement, expect->issuer_key))
		return EMR_STATEMENT_WRONG_ISSUER;
	return signature_fits(bundle, expect->issuer_key) ? verdict : EMR_STATEMENT_WRONG_SIGNATURE;
}
