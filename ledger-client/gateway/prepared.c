/* This file looks at what a gateway gives to sign: whether it is the transaction of our proposal
 * and nothing else, and whether those who are said to have endorsed it have. */
#include <inttypes.h>
#include <limits.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/hashsig.h"
#include "fields.h"
#include "gateway_private.h"

#define STATUS_OK 200
#define STATUS_ERROR 400

static void signature_free(ECDSA_SIG **signature)
{
	ECDSA_SIG_free(*signature);
}
static void integer_free(ASN1_INTEGER **integer)
{
	ASN1_INTEGER_free(*integer);
}
static void bytes_free(uint8_t **bytes)
{
	OPENSSL_free(*bytes);
}
static void context_free(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}
static void store_context_free(X509_STORE_CTX **context)
{
	X509_STORE_CTX_free(*context);
}
#define AUTO(kind, free_it) __attribute__((cleanup(free_it))) kind *

/* ---- Reading ---- */

static emr_status read_action(emr_bytes data, gateway_prepared *out)
{
	emr_bytes action = {0};
	proto_list actions = {.items = &action, .max = 1};
	proto_list endorsements = {.items = NULL};
	const proto_want of_transaction[] = {{TRANSACTION_ACTIONS, PROTO_REPEATED, &actions}};
	const proto_want of_action[] = {
		{TRANSACTION_ACTION_HEADER, PROTO_BYTES, &out->action_header},
		{TRANSACTION_ACTION_PAYLOAD, PROTO_BYTES, &out->action_payload}};
	const proto_want of_endorsed[] = {{CHAINCODE_ENDORSED_ACTION_PROPOSAL_RESPONSE_PAYLOAD,
						  PROTO_BYTES, &out->response_payload},
		{CHAINCODE_ENDORSED_ACTION_ENDORSEMENTS, PROTO_REPEATED, &endorsements}};
	const proto_want of_payload[] = {{CHAINCODE_ACTION_PAYLOAD_CHAINCODE_PROPOSAL_PAYLOAD,
						 PROTO_BYTES, &out->proposal_payload},
		{CHAINCODE_ACTION_PAYLOAD_ACTION, PROTO_MESSAGE, PROTO_INSIDE(of_endorsed)}};
	emr_status status = proto_read(data, of_transaction, 1);

	if (status == EMR_OK && actions.total != 1)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = proto_read(action, of_action, 2);
	if (status == EMR_OK)
		status = proto_read(out->action_payload, of_payload, 2);
	out->endorsement_count = endorsements.total;
	return status;
}

static emr_status read_response(gateway_prepared *out)
{
	emr_bytes extension = {0};
	const proto_want of_payload[] = {
		{PROPOSAL_RESPONSE_PAYLOAD_PROPOSAL_HASH, PROTO_BYTES, &out->proposal_hash},
		{PROPOSAL_RESPONSE_PAYLOAD_EXTENSION, PROTO_BYTES, &extension}};
	const proto_want of_response[] = {{RESPONSE_STATUS, PROTO_NUMBER, &out->status},
		{RESPONSE_PAYLOAD, PROTO_BYTES, &out->result}};
	const proto_want of_chaincode[] = {{CHAINCODE_ID_NAME, PROTO_BYTES, &out->chaincode_name}};
	const proto_want of_action[] = {
		{CHAINCODE_ACTION_RESPONSE, PROTO_MESSAGE, PROTO_INSIDE(of_response)},
		{CHAINCODE_ACTION_CHAINCODE_ID, PROTO_MESSAGE, PROTO_INSIDE(of_chaincode)}};

	EMR_TRY(proto_read(out->response_payload, of_payload, 2));
	return proto_read(extension, of_action, 2);
}

emr_status prepared_read(emr_bytes payload, gateway_prepared *out)
{
	emr_bytes data = {0};
	const proto_want of_header[] = {{HEADER_CHANNEL_HEADER, PROTO_BYTES, &out->channel_header},
		{HEADER_SIGNATURE_HEADER, PROTO_BYTES, &out->signature_header}};
	const proto_want of_payload[] = {{PAYLOAD_HEADER, PROTO_MESSAGE, PROTO_INSIDE(of_header)},
		{PAYLOAD_DATA, PROTO_BYTES, &data}};

	*out = (gateway_prepared){0};
	EMR_TRY(proto_read(payload, of_payload, 2));
	EMR_TRY(read_action(data, out));
	return read_response(out);
}

emr_bytes *prepared_endorsements(const gateway_prepared *p)
{
	emr_bytes *items = calloc(p->endorsement_count + 1, sizeof *items);
	proto_list list = {.items = items, .max = p->endorsement_count};
	const proto_want of_endorsed[] = {
		{CHAINCODE_ENDORSED_ACTION_ENDORSEMENTS, PROTO_REPEATED, &list}};
	const proto_want of_payload[] = {
		{CHAINCODE_ACTION_PAYLOAD_ACTION, PROTO_MESSAGE, PROTO_INSIDE(of_endorsed)}};

	if (items != NULL)
		(void)proto_read(p->action_payload, of_payload, 1); /* which was read before */
	return items;
}

/* ---- The transaction ---- */

/* The transaction that a gateway makes of a proposal, its answer and its endorsements. Whatever
 * else it put anywhere, for example a field that we do not know and peers of a later version do,
 * makes another row of bytes. */
static emr_status rebuild(
	const gateway_proposal *proposal, const gateway_prepared *prepared, emr_buf *out)
{
	EMR_AUTO_BUF inner = {0};
	EMR_AUTO_BUF outer = {0};
	EMR_AUTO_FREE emr_bytes *endorsements = prepared_endorsements(prepared);
	proto_writer of_inner = proto_writer_of(&inner);
	proto_writer of_outer = proto_writer_of(&outer);
	proto_writer w = proto_writer_of(out);

	if (endorsements == NULL)
		return EMR_NO_MEMORY;
	proto_put_bytes(&of_inner, CHAINCODE_ENDORSED_ACTION_PROPOSAL_RESPONSE_PAYLOAD,
		prepared->response_payload);
	for (size_t i = 0; i < prepared->endorsement_count; i++)
		proto_put_message(
			&of_inner, CHAINCODE_ENDORSED_ACTION_ENDORSEMENTS, endorsements[i]);
	proto_put_bytes(&of_outer, CHAINCODE_ACTION_PAYLOAD_CHAINCODE_PROPOSAL_PAYLOAD,
		emr_buf_view(&proposal->payload));
	proto_put_message(&of_outer, CHAINCODE_ACTION_PAYLOAD_ACTION, emr_buf_view(&inner));
	emr_buf_clear(&inner);
	proto_put_bytes(
		&of_inner, TRANSACTION_ACTION_HEADER, emr_buf_view(&proposal->signature_header));
	proto_put_bytes(&of_inner, TRANSACTION_ACTION_PAYLOAD, emr_buf_view(&outer));
	emr_buf_clear(&outer);
	proto_put_message(&of_outer, TRANSACTION_ACTIONS, emr_buf_view(&inner));
	emr_buf_clear(&inner);
	proto_put_bytes(&of_inner, HEADER_CHANNEL_HEADER, emr_buf_view(&proposal->channel_header));
	proto_put_bytes(
		&of_inner, HEADER_SIGNATURE_HEADER, emr_buf_view(&proposal->signature_header));
	proto_put_message(&w, PAYLOAD_HEADER, emr_buf_view(&inner));
	proto_put_bytes(&w, PAYLOAD_DATA, emr_buf_view(&outer));
	if (of_inner.status != EMR_OK)
		return of_inner.status;
	return of_outer.status != EMR_OK ? of_outer.status : w.status;
}

/* The endorsers have signed an answer to the proposal that stands beside it, as peers demand it of
 * every transaction: endorsements of another one are none. The header of the action is the one of
 * the proposal; that of the whole may be another, and says who brings it. */
static bool is_answer_to_it(const gateway_prepared *p)
{
	const emr_bytes parts[3] = {p->channel_header, p->action_header, p->proposal_payload};
	emr_sha256_ctx ctx;
	uint8_t own[32];

	emr_sha256_init(&ctx);
	for (size_t i = 0; i < 3; i++)
		emr_sha256_update(&ctx, parts[i].data, parts[i].len);
	emr_sha256_final(&ctx, own);
	return emr_bytes_equal(p->proposal_hash, emr_bytes_of(own, sizeof own));
}

static bool is_name(emr_bytes bytes, const char *name)
{
	return emr_bytes_equal(bytes, emr_bytes_of(name, strlen(name)));
}

/* ---- Endorsements ---- */

bool gateway_is_role(X509 *certificate, const char *role)
{
	static const char *const roles[] = {"client", "admin", "peer", "orderer"};
	const X509_NAME *name = X509_get_subject_name(certificate);
	bool is_other = false;

	for (int at = -1;
		(at = X509_NAME_get_index_by_NID(name, NID_organizationalUnitName, at)) >= 0;) {
		const ASN1_STRING *unit = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
		emr_bytes text =
			emr_bytes_of(ASN1_STRING_get0_data(unit), (size_t)ASN1_STRING_length(unit));

		if (is_name(text, role))
			return true;
		for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
			is_other = is_other || is_name(text, roles[i]);
	}
	return !is_other;
}

bool gateway_knows(const emr_gateway *gateway, emr_bytes msp_id)
{
	for (size_t i = 0; i < gateway->authority_count; i++)
		if (is_name(msp_id, gateway->authorities[i].msp_id))
			return true;
	return false;
}

bool gateway_is_by_authority(const emr_gateway *gateway, emr_bytes msp_id, X509 *certificate)
{
	struct tm began = {0};

	if (ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &began) != 1)
		return false;
	for (size_t i = 0; i < gateway->authority_count; i++) {
		AUTO(X509_STORE_CTX, store_context_free) context = NULL;

		if (!is_name(msp_id, gateway->authorities[i].msp_id))
			continue;
		context = X509_STORE_CTX_new();
		if (context == NULL || X509_STORE_CTX_init(context, gateway->authorities[i].store,
					       certificate, NULL) != 1)
			return false;
		X509_STORE_CTX_set_time(context, 0, timegm(&began) + 1);
		return X509_verify_cert(context) == 1;
	}
	return false;
}

/* ECDSA-Sig-Value in the one form that OpenSSL takes.  Fabric takes others: encoding/asn1 of Go
 * passes over what stands behind the two numbers and behind the sequence.  0: it is none. */
static int canonical(emr_bytes signature, uint8_t **out_der)
{
	AUTO(ECDSA_SIG, signature_free) made = ECDSA_SIG_new();
	AUTO(ASN1_INTEGER, integer_free) r = NULL;
	AUTO(ASN1_INTEGER, integer_free) s = NULL;
	const uint8_t *at = signature.data;
	BIGNUM *numbers[2];
	long len = 0;
	int tag = 0, class = 0, kind;

	if (made == NULL || signature.len == 0 || signature.len > LONG_MAX)
		return 0;
	kind = ASN1_get_object(&at, &len, &tag, &class, (long)signature.len);
	if ((kind & 0x80) != 0 || tag != V_ASN1_SEQUENCE || class != V_ASN1_UNIVERSAL)
		return 0;
	signature = emr_bytes_of(at, (size_t)len);
	r = d2i_ASN1_INTEGER(NULL, &at, len);
	s = r == NULL ? NULL
		      : d2i_ASN1_INTEGER(NULL, &at, (long)(signature.data + signature.len - at));
	if (s == NULL)
		return 0;
	numbers[0] = ASN1_INTEGER_to_BN(r, NULL);
	numbers[1] = ASN1_INTEGER_to_BN(s, NULL);
	if (ECDSA_SIG_set0(made, numbers[0], numbers[1]) == 1)
		return i2d_ECDSA_SIG(made, out_der);
	BN_free(numbers[0]);
	BN_free(numbers[1]);
	return 0;
}

bool gateway_is_signed_by(
	X509 *certificate, emr_bytes signature, emr_bytes payload, emr_bytes signer)
{
	AUTO(EVP_MD_CTX, context_free) context = EVP_MD_CTX_new();
	AUTO(uint8_t, bytes_free) der = NULL;
	EMR_AUTO_BUF message = {0};
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	bool is_ed25519 = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	int len;

	if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		len = canonical(signature, &der);
		signature = emr_bytes_of(der, len > 0 ? (size_t)len : 0);
	}
	return context != NULL && key != NULL && signature.len > 0 &&
	       emr_buf_append(&message, payload.data, payload.len) == EMR_OK &&
	       (signer.len == 0 || emr_buf_append(&message, signer.data, signer.len) == EMR_OK) &&
	       EVP_DigestVerifyInit(context, NULL, is_ed25519 ? NULL : EVP_sha256(), NULL, key) ==
		       1 &&
	       EVP_DigestVerify(
		       context, signature.data, signature.len, message.data, message.len) == 1;
}

const char *creator_wrong(emr_bytes creator, emr_bytes payload, emr_bytes signature)
{
	AUTO(X509, certificate_free) certificate = NULL;
	emr_bytes pem = {0};
	const proto_want of_identity[] = {{SERIALIZED_IDENTITY_ID_BYTES, PROTO_BYTES, &pem}};
	const char *wrong = NULL;

	if (proto_read(creator, of_identity, 1) != EMR_OK)
		return "its creator cannot be read";
	certificate = gateway_certificate_of(pem);
	if (certificate == NULL)
		wrong = "its creator has no certificate";
	else if (!gateway_is_signed_by(certificate, signature, payload, (emr_bytes){0}))
		wrong = "it is not signed by its creator";
	ERR_clear_error();
	return wrong;
}

/* A peer of an organisation that is not among the COUNT of COUNTED has signed it: then *OUT_MSP is
 * that organisation. The checks that cost nothing come first. */
static bool is_one_more(const emr_gateway *gateway, emr_bytes endorsement, emr_bytes payload,
	const emr_bytes *counted, size_t count, emr_bytes *out_msp)
{
	AUTO(X509, certificate_free) certificate = NULL;
	emr_bytes identity = {0}, pem = {0}, signature = {0}, msp = {0};
	const proto_want of_endorsement[] = {{ENDORSEMENT_ENDORSER, PROTO_BYTES, &identity},
		{ENDORSEMENT_SIGNATURE, PROTO_BYTES, &signature}};
	const proto_want of_identity[] = {{SERIALIZED_IDENTITY_MSPID, PROTO_BYTES, &msp},
		{SERIALIZED_IDENTITY_ID_BYTES, PROTO_BYTES, &pem}};

	if (proto_read(endorsement, of_endorsement, 2) != EMR_OK ||
		proto_read(identity, of_identity, 2) != EMR_OK ||
		(gateway->has_authorities && !gateway_knows(gateway, msp)))
		return false;
	for (size_t i = 0; i < count; i++)
		if (emr_bytes_equal(msp, counted[i]))
			return false;
	certificate = gateway_certificate_of(pem);
	*out_msp = msp;
	/* Authorities first: a key that somebody made himself may take long to verify by. */
	return certificate != NULL && gateway_is_role(certificate, "peer") &&
	       (!gateway->has_authorities || gateway_is_by_authority(gateway, msp, certificate)) &&
	       gateway_is_signed_by(certificate, signature, payload, identity);
}

const char *endorsements_wrong(
	const emr_gateway *gateway, const gateway_prepared *prepared, size_t least)
{
	EMR_AUTO_FREE emr_bytes *all = prepared_endorsements(prepared);
	EMR_AUTO_FREE emr_bytes *counted = calloc(least + 1, sizeof *counted);
	size_t count = 0;

	if (all == NULL || counted == NULL)
		return "there is no memory to look at its endorsements";
	if (!is_answer_to_it(prepared))
		return "what was endorsed is another proposal";
	for (size_t i = 0; i < prepared->endorsement_count && count < least; i++)
		if (is_one_more(gateway, all[i], prepared->response_payload, counted, count,
			    &counted[count]))
			count++;
	ERR_clear_error();
	return count < least ? "fewer organisations have endorsed it than must" : NULL;
}

/* The bytes are compared as a whole in the end; what comes before says what the matter is. */
static const char *parts_wrong(const emr_gateway *gateway, const gateway_proposal *proposal,
	const gateway_prepared *prepared)
{
	if (!emr_bytes_equal(prepared->channel_header, emr_buf_view(&proposal->channel_header)))
		return "another channel, time, transaction id or chaincode in the header";
	if (!emr_bytes_equal(prepared->signature_header, emr_buf_view(&proposal->signature_header)))
		return "another creator or nonce";
	if (!emr_bytes_equal(prepared->action_header, emr_buf_view(&proposal->signature_header)))
		return "another creator or nonce of the action";
	if (!emr_bytes_equal(prepared->proposal_payload, emr_buf_view(&proposal->payload)))
		return "other arguments, another chaincode, or private data in the open";
	if (!is_name(prepared->chaincode_name, gateway->chaincode))
		return "another chaincode has answered";
	if (prepared->status < STATUS_OK || prepared->status >= STATUS_ERROR)
		return "a refusal was prepared as if it were none";
	return endorsements_wrong(gateway, prepared, gateway->endorsers_least);
}

const char *prepared_wrong(const emr_gateway *gateway, const gateway_proposal *proposal,
	emr_bytes payload, gateway_prepared *out_prepared)
{
	EMR_AUTO_BUF own = {0};
	const char *wrong;

	if (prepared_read(payload, out_prepared) != EMR_OK)
		return "it is no transaction of one action";
	wrong = parts_wrong(gateway, proposal, out_prepared);
	if (wrong != NULL)
		return wrong;
	if (rebuild(proposal, out_prepared, &own) != EMR_OK)
		return "there is no memory to compare it";
	return emr_bytes_equal(emr_buf_view(&own), payload) ? NULL
							    : "there is more in it than was asked";
}
