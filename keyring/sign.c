/* This file signs with fixed labels: a table says which key may sign what, so that a signature
 * for one use is good for no other. */
#include "keyring/keyring.h"

#include <sodium.h>
#include <string.h>

#include "crypto/hashsig.h"
#include "crypto/pre.h"
#include "keyring_private.h"

#define BY_IDENTITY (1u << EMR_SIGNER_IDENTITY)
#define BY_DOMAIN (1u << EMR_SIGNER_DOMAIN)
#define BY_LOG (1u << EMR_SIGNER_LOG)
#define BY_CERTIFICATE (1u << EMR_SIGNER_CERTIFICATE)

typedef struct label_rule {
	const char *label;
	size_t label_len; /* with the NUL where the format has one */
	size_t min;	  /* bytes of the message */
	size_t max;
	unsigned signers;
	bool inside; /* the message begins with the label itself */
} label_rule;

/* A label that ends in NUL: sizeof counts it. */
#define NUL_LABEL(text) .label = text, .label_len = sizeof text
#define BARE_LABEL(text) .label = text, .label_len = sizeof text - 1

static const label_rule rules[EMR_SIGN_LABEL_COUNT] = {
	[EMR_SIGN_BATCH] = {NUL_LABEL("emrfs/v1/batch"), 144, 144, BY_IDENTITY | BY_DOMAIN, false},
	[EMR_SIGN_SUBMIT] = {NUL_LABEL("emrfs/v1/submit"), 32, 32, BY_IDENTITY, false},
	[EMR_SIGN_BIND] = {NUL_LABEL("emrfs/v1/bind"), 80, 80, BY_IDENTITY | BY_CERTIFICATE, false},
	[EMR_SIGN_ROTATE] = {NUL_LABEL("emrfs/v1/rotate"), 64, 80, BY_IDENTITY | BY_DOMAIN, false},
	[EMR_SIGN_CARD] = {NUL_LABEL("emrfs/v1/card"), 185, 249, BY_IDENTITY, false},
	[EMR_SIGN_CARD_DOM] = {NUL_LABEL("emrfs/v1/card-dom"), 185, 249, BY_DOMAIN, false},
	[EMR_SIGN_INVITE] = {NUL_LABEL("emrfs/v1/invite"), 128, 65536, BY_IDENTITY, false},
	[EMR_SIGN_STMT] = {NUL_LABEL("emrfs-stmt-v1"), 320, 320,
		BY_IDENTITY | BY_DOMAIN | BY_CERTIFICATE, true},
	[EMR_SIGN_KFRAG] = {NUL_LABEL("emrfs-kfrag-v1"), 192, 192, BY_IDENTITY | BY_DOMAIN, false},
	[EMR_SIGN_OUTER] = {NUL_LABEL("emrfs/v1/outer"), 204, 204, BY_DOMAIN, false},
	[EMR_SIGN_FABRIC] = {.label = "\n",
		.label_len = 1,
		.min = 2,
		.max = 16u << 20,
		.signers = BY_CERTIFICATE,
		.inside = true},
	/* The base64 of "/api/v1/": nothing that Fabric's peers, or emrfs, are sent begins so. */
	[EMR_SIGN_FABRIC_CA] = {.label = "POST.L2FwaS92MS9",
		.label_len = 16,
		.min = 17,
		.max = 64u << 10,
		.signers = BY_CERTIFICATE,
		.inside = true},
	[EMR_SIGN_ADDRESS] = {NUL_LABEL("emrfs/v1/address"), 57, 400, BY_IDENTITY, false},
	[EMR_SIGN_TOKEN] = {NUL_LABEL("emrfs/v1/token"), 88, 124, BY_IDENTITY, false},
	[EMR_SIGN_COSIGNATURE] = {BARE_LABEL("cosignature/v1\n"), 8, 1024, BY_LOG, false},
};

/* The rule of LABEL when MESSAGE obeys it, else NULL. */
static const label_rule *rule_for(emr_sign_label label, emr_bytes message)
{
	const label_rule *rule;

	if ((unsigned)label >= EMR_SIGN_LABEL_COUNT)
		return NULL;
	rule = &rules[label];
	if (message.len < rule->min || message.len > rule->max)
		return NULL;
	/* An identity's old id has 32 bytes, a domain's 16; a token is for a root, or for none:
	 * nothing between. */
	if ((label == EMR_SIGN_ROTATE || label == EMR_SIGN_TOKEN) && message.len != rule->min &&
		message.len != rule->max)
		return NULL;
	if (rule->inside && memcmp(message.data, rule->label, rule->label_len) != 0)
		return NULL;
	return rule;
}

/* Makes the signed bytes: the label, unless the message has it, and the message. */
static emr_status signed_bytes(const label_rule *rule, emr_bytes message, emr_buf *out)
{
	if (!rule->inside)
		EMR_TRY(emr_buf_append(out, rule->label, rule->label_len));
	return emr_buf_append(out, message.data, message.len);
}

static emr_status sign_as(const emr_keyring *kr, emr_signer who, const size_t *seed,
	emr_sign_label label, emr_bytes message, uint8_t out_sig[64])
{
	const label_rule *rule = rule_for(label, message);
	EMR_AUTO_SECRET sk = {0};
	EMR_AUTO_BUF bytes = {0};

	if (rule == NULL || (unsigned)who.kind > EMR_SIGNER_CERTIFICATE ||
		(rule->signers & 1u << who.kind) == 0)
		return EMR_INVALID;
	EMR_TRY(signed_bytes(rule, message, &bytes));
	if (who.kind == EMR_SIGNER_CERTIFICATE)
		return emr_p256_sign(kr, 0, emr_buf_view(&bytes), out_sig);
	EMR_TRY(seed != NULL ? emr_derive_signer_of(kr, who, *seed, &sk)
			     : emr_derive_signer(kr, who, &sk));
	crypto_sign_detached(out_sig, NULL, bytes.data, bytes.len, sk.data);
	return EMR_OK;
}

emr_status emr_keyring_sign(const emr_keyring *kr, emr_signer who, emr_sign_label label,
	emr_bytes message, uint8_t out_sig[64])
{
	return sign_as(kr, who, NULL, label, message, out_sig);
}

emr_status emr_sign_by_seed(const emr_keyring *kr, emr_signer who, size_t number,
	emr_sign_label label, emr_bytes message, uint8_t out_sig[64])
{
	return sign_as(kr, who, &number, label, message, out_sig);
}

emr_status emr_sign_verify(
	const uint8_t pk[32], emr_sign_label label, emr_bytes message, const uint8_t sig[64])
{
	const label_rule *rule = rule_for(label, message);
	EMR_AUTO_BUF bytes = {0};

	if (rule == NULL)
		return EMR_INVALID;
	EMR_TRY(signed_bytes(rule, message, &bytes));
	return emr_ed25519_verify(pk, bytes.data, bytes.len, sig) ? EMR_OK : EMR_BAD_SIGNATURE;
}

emr_status emr_keyring_pop(const emr_keyring *kr, emr_id16 net_id, uint8_t out_pop[64])
{
	EMR_AUTO_SECRET b = {0};
	EMR_AUTO_SECRET sk = {0};
	emr_id32 signer_id;

	EMR_TRY(emr_derive_signer(kr, emr_signer_identity(), &sk));
	EMR_TRY(emr_derive_pre(kr, 0, &b));
	emr_sha256(sk.data + 32, 32, signer_id.b);
	return emr_pre_pop(&b, net_id.b, signer_id.b, out_pop);
}
