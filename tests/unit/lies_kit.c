/* Tests of signatures use this file: it makes a writer's computer that puts somebody else's old
 * statement on its own save, or one by a folder of the writer's, which must be found out. */
#include "lies_kit.h"

#include "emr_test.h"

#include <string.h>

#include "record/content.h"

static enum { USUAL, REMEMBER, BRING_AGAIN, SIGN_FOR } mode;
static emr_id16 his_domain;
static emr_content_key *kept_key;
static emr_cid kept_root;
static uint8_t kept_r_pid[32];

void lies_remember(void)
{
	lies_forget();
	mode = REMEMBER;
}

void lies_bring_again(void)
{
	mode = BRING_AGAIN;
}

void lies_sign_for(emr_id16 domain)
{
	his_domain = domain;
	mode = SIGN_FOR;
}

void lies_end(void)
{
	mode = USUAL;
}

void lies_forget(void)
{
	emr_content_key_free(kept_key);
	kept_key = NULL;
	mode = USUAL;
}

const uint8_t *lies_r_pid(void)
{
	return kept_r_pid;
}

WRAPPED(emr_status, emr_content_open_key, emr_record_ctx *ctx, const emr_content *content,
	emr_content_key **out_key)
{
	emr_status status;

	if (mode == BRING_AGAIN && kept_key != NULL) {
		*out_key = kept_key;
		kept_key = NULL;
		return EMR_OK;
	}
	status = __real_emr_content_open_key(ctx, content, out_key);
	if (status == EMR_OK && mode == REMEMBER && kept_key == NULL)
		status = __real_emr_content_open_key(ctx, content, &kept_key);
	return status;
}

WRAPPED(emr_status, emr_statement_make, const emr_keyring *keyring, emr_signer issuer,
	const emr_content *content, const emr_statement_facts *facts,
	uint8_t out_bytes[EMR_STATEMENT_BYTES], uint8_t out_sig[64])
{
	emr_statement_facts own = *facts;

	if (mode == REMEMBER)
		memcpy(kept_r_pid, facts->r_pid, sizeof kept_r_pid);
	if (mode == SIGN_FOR) {
		memset(own.cert_ref, 0, sizeof own.cert_ref);
		own.issuer_seq = 0;
		issuer = emr_signer_domain(his_domain, 1);
		facts = &own;
	}
	return __real_emr_statement_make(keyring, issuer, content, facts, out_bytes, out_sig);
}

WRAPPED(emr_status, emr_bundle_build, emr_record_ctx *ctx, const emr_content *content,
	const emr_content_key *key, const emr_bundle_facts *facts, emr_cid *out_root)
{
	emr_status status = EMR_OK;

	if (mode == BRING_AGAIN) {
		*out_root = kept_root;
		return EMR_OK;
	}
	status = __real_emr_bundle_build(ctx, content, key, facts, out_root);
	if (status == EMR_OK && mode == REMEMBER)
		kept_root = *out_root;
	return status;
}
