/* This file looks at what a gateway gives to sign: whether it is the transaction of our proposal
 * and nothing else, and whether those who are said to have endorsed it have. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "crypto/hashsig.h"
#include "fields.h"
#include "gateway_private.h"

#define STATUS_OK 200
#define STATUS_ERROR 400

static void certificate_free(X509 **certificate)
{
	X509_free(*certificate);
}
static void bio_free(BIO **bio)
{
	(void)BIO_free(*bio);
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

static emr_status read_headers(emr_bytes payload, gateway_prepared *out, emr_bytes *out_data)
{
	emr_bytes header = {0};
	const proto_want of_payload[] = {
		{PAYLOAD_HEADER, PROTO_MESSAGE, &header}, {PAYLOAD_DATA, PROTO_BYTES, out_data}};
	const proto_want of_header[] = {{HEADER_CHANNEL_HEADER, PROTO_BYTES, &out->channel_header},
		{HEADER_SIGNATURE_HEADER, PROTO_BYTES, &out->signature_header}};
	emr_status status = proto_read(payload, of_payload, 2);

	return status == EMR_OK ? proto_read(header, of_header, 2) : status;
}

static emr_status read_action(emr_bytes data, gateway_prepared *out)
{
	emr_bytes action = {0}, payload = {0}, endorsed = {0};
	proto_list actions = {.items = &action, .max = 1};
	proto_list endorsements = {.items = out->endorsements, .max = PREPARED_ENDORSEMENTS_MAX};
	const proto_want of_transaction[] = {{TRANSACTION_ACTIONS, PROTO_REPEATED, &actions}};
	const proto_want of_action[] = {
		{TRANSACTION_ACTION_HEADER, PROTO_BYTES, &out->action_header},
		{TRANSACTION_ACTION_PAYLOAD, PROTO_BYTES, &payload}};
	const proto_want of_payload[] = {{CHAINCODE_ACTION_PAYLOAD_CHAINCODE_PROPOSAL_PAYLOAD,
						 PROTO_BYTES, &out->proposal_payload},
		{CHAINCODE_ACTION_PAYLOAD_ACTION, PROTO_MESSAGE, &endorsed}};
	const proto_want of_endorsed[] = {{CHAINCODE_ENDORSED_ACTION_PROPOSAL_RESPONSE_PAYLOAD,
						  PROTO_BYTES, &out->response_payload},
		{CHAINCODE_ENDORSED_ACTION_ENDORSEMENTS, PROTO_REPEATED, &endorsements}};
	emr_status status = proto_read(data, of_transaction, 1);

	if (status == EMR_OK)
		status = proto_read(action, of_action, 2);
	if (status == EMR_OK)
		status = proto_read(payload, of_payload, 2);
	if (status == EMR_OK)
		status = proto_read(endorsed, of_endorsed, 2);
	out->endorsement_count = endorsements.count;
	return status;
}

static emr_status read_response(gateway_prepared *out)
{
	emr_bytes extension = {0}, response = {0}, chaincode = {0};
	const proto_want of_payload[] = {
		{PROPOSAL_RESPONSE_PAYLOAD_PROPOSAL_HASH, PROTO_BYTES, &out->proposal_hash},
		{PROPOSAL_RESPONSE_PAYLOAD_EXTENSION, PROTO_BYTES, &extension}};
	const proto_want of_action[] = {{CHAINCODE_ACTION_RESPONSE, PROTO_MESSAGE, &response},
		{CHAINCODE_ACTION_CHAINCODE_ID, PROTO_MESSAGE, &chaincode}};
	const proto_want of_response[] = {{RESPONSE_STATUS, PROTO_NUMBER, &out->status},
		{RESPONSE_PAYLOAD, PROTO_BYTES, &out->result}};
	const proto_want of_chaincode[] = {{CHAINCODE_ID_NAME, PROTO_BYTES, &out->chaincode_name}};
	emr_status status = proto_read(out->response_payload, of_payload, 2);

	if (status == EMR_OK)
		status = proto_read(extension, of_action, 2);
	if (status == EMR_OK)
		status = proto_read(response, of_response, 2);
	return status == EMR_OK ? proto_read(chaincode, of_chaincode, 1) : status;
}

emr_status prepared_read(emr_bytes payload, gateway_prepared *out)
{
	emr_bytes data = {0};
	emr_status status;

	*out = (gateway_prepared){0};
	status = read_headers(payload, out, &data);
	if (status == EMR_OK)
		status = read_action(data, out);
	return status == EMR_OK ? read_response(out) : status;
}

/* ---- The transaction ---- */

/* What a gateway makes of a proposal, its answer and its endorsements.  Whatever else it put
 * anywhere, for example a field that we do not know and peers of a later version do, makes another
 * row of bytes. */
static emr_status rebuild(
	const gateway_proposal *proposal, const gateway_prepared *prepared, emr_buf *out)
{
	EMR_AUTO_BUF inner = {0};
	EMR_AUTO_BUF outer = {0};
	proto_writer of_inner = proto_writer_of(&inner);
	proto_writer of_outer = proto_writer_of(&outer);
	proto_writer w = proto_writer_of(out);

	proto_put_bytes(&of_inner, CHAINCODE_ENDORSED_ACTION_PROPOSAL_RESPONSE_PAYLOAD,
		prepared->response_payload);
	for (size_t i = 0; i < prepared->endorsement_count; i++)
		proto_put_message(&of_inner, CHAINCODE_ENDORSED_ACTION_ENDORSEMENTS,
			prepared->endorsements[i]);
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

/* What the endorsers have signed is an answer to the proposal that stands beside it, as peers
 * demand it of every transaction: endorsements of another one are none. */
static bool is_answer_to_it(const gateway_prepared *p)
{
	const emr_bytes parts[3] = {p->channel_header, p->signature_header, p->proposal_payload};
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

typedef struct endorser {
	emr_bytes identity, msp_id, pem;
	bool is_peer;
} endorser;

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

/* At the time of the transaction: an endorser's certificate may end, and what it has endorsed
 * stays. */
bool gateway_is_by_authority(
	const emr_gateway *gateway, emr_bytes msp_id, X509 *certificate, uint64_t at_unix_s)
{
	for (size_t i = 0; i < gateway->authority_count; i++) {
		AUTO(X509_STORE_CTX, store_context_free) context = NULL;

		if (!is_name(msp_id, gateway->authorities[i].msp_id))
			continue;
		context = X509_STORE_CTX_new();
		if (context == NULL || X509_STORE_CTX_init(context, gateway->authorities[i].store,
					       certificate, NULL) != 1)
			return false;
		X509_STORE_CTX_set_time(context, 0, (time_t)at_unix_s);
		return X509_verify_cert(context) == 1;
	}
	return false;
}

bool gateway_is_signed_by(
	X509 *certificate, emr_bytes signature, emr_bytes payload, emr_bytes signer)
{
	AUTO(EVP_MD_CTX, context_free) context = EVP_MD_CTX_new();
	EMR_AUTO_BUF message = {0};
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	bool is_ed25519 = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;

	return context != NULL && key != NULL &&
	       emr_buf_append(&message, payload.data, payload.len) == EMR_OK &&
	       (signer.len == 0 || emr_buf_append(&message, signer.data, signer.len) == EMR_OK) &&
	       EVP_DigestVerifyInit(context, NULL, is_ed25519 ? NULL : EVP_sha256(), NULL, key) ==
		       1 &&
	       EVP_DigestVerify(
		       context, signature.data, signature.len, message.data, message.len) == 1;
}

/* OpenSSL asks at the terminal for the passphrase of a PEM that says it has one: "" is none. */
X509 *gateway_certificate_read(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, NULL, (void *)(uintptr_t) "");
}

const char *creator_wrong(emr_bytes creator, emr_bytes payload, emr_bytes signature)
{
	AUTO(BIO, bio_free) bio = NULL;
	AUTO(X509, certificate_free) certificate = NULL;
	emr_bytes pem = {0};
	const proto_want of_identity[] = {{SERIALIZED_IDENTITY_ID_BYTES, PROTO_BYTES, &pem}};
	const char *wrong = NULL;

	if (proto_read(creator, of_identity, 1) != EMR_OK)
		return "its creator cannot be read";
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	certificate = bio == NULL ? NULL : gateway_certificate_read(bio);
	if (certificate == NULL)
		wrong = "its creator has no certificate";
	else if (!gateway_is_signed_by(certificate, signature, payload, (emr_bytes){0}))
		wrong = "it is not signed by its creator";
	ERR_clear_error();
	return wrong;
}

static const char *endorsement_wrong(const emr_gateway *gateway, emr_bytes endorsement,
	emr_bytes payload, uint64_t at_unix_s, endorser *out)
{
	AUTO(BIO, bio_free) bio = NULL;
	AUTO(X509, certificate_free) certificate = NULL;
	emr_bytes signature = {0};
	const proto_want of_endorsement[] = {{ENDORSEMENT_ENDORSER, PROTO_BYTES, &out->identity},
		{ENDORSEMENT_SIGNATURE, PROTO_BYTES, &signature}};
	const proto_want of_identity[] = {{SERIALIZED_IDENTITY_MSPID, PROTO_BYTES, &out->msp_id},
		{SERIALIZED_IDENTITY_ID_BYTES, PROTO_BYTES, &out->pem}};
	const char *wrong = NULL;

	if (proto_read(endorsement, of_endorsement, 2) != EMR_OK ||
		proto_read(out->identity, of_identity, 2) != EMR_OK)
		return "an endorsement cannot be read";
	bio = BIO_new_mem_buf(out->pem.data, (int)out->pem.len);
	certificate = bio == NULL ? NULL : gateway_certificate_read(bio);
	if (certificate == NULL)
		wrong = "an endorser has no certificate";
	else if (!gateway_is_signed_by(certificate, signature, payload, out->identity))
		wrong = "an endorsement is not signed by its endorser";
	else if (gateway->has_authorities &&
		 !gateway_is_by_authority(gateway, out->msp_id, certificate, at_unix_s))
		wrong = "an endorser is not of the organisation that it names";
	out->is_peer = wrong == NULL && gateway_is_role(certificate, "peer");
	ERR_clear_error();
	return wrong;
}

const char *endorsements_wrong(
	const emr_gateway *gateway, const gateway_prepared *prepared, uint64_t at_unix_s)
{
	endorser endorsers[PREPARED_ENDORSEMENTS_MAX] = {0};
	unsigned organisations = 0;

	if (!is_answer_to_it(prepared))
		return "what was endorsed is another proposal";
	for (size_t i = 0; i < prepared->endorsement_count; i++) {
		const char *wrong = endorsement_wrong(gateway, prepared->endorsements[i],
			prepared->response_payload, at_unix_s, &endorsers[i]);
		bool is_new = endorsers[i].is_peer;

		if (wrong != NULL)
			return wrong;
		for (size_t j = 0; j < i && is_new; j++)
			is_new = !endorsers[j].is_peer ||
				 !emr_bytes_equal(endorsers[i].msp_id, endorsers[j].msp_id);
		organisations += is_new ? 1 : 0;
	}
	return organisations < gateway->endorsers_least
		       ? "fewer organisations have endorsed it than must"
		       : NULL;
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
	return endorsements_wrong(gateway, prepared, emr_clock_unix_s(gateway->clock));
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
