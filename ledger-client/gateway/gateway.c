/* This file opens a client, and has the calls that change nothing or make a transaction: evaluate,
 * endorse, submit, commit status. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "gateway_private.h"

#define AUTHORITY_PEM_MAX 65536

/* ---- Opening ---- */

static emr_status read_authority(const char *pem, X509_STORE *store)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = NULL;
	bool is_fine = false;

	/* OpenSSL asks at the terminal for the passphrase of a PEM that says it has one: "" is
	 * none.
	 */
	while (bio != NULL && (certificate = PEM_read_bio_X509(
				       bio, NULL, NULL, (void *)(uintptr_t) "")) != NULL) {
		is_fine = X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
		if (!is_fine)
			break;
	}
	(void)BIO_free(bio);
	ERR_clear_error();
	return is_fine ? EMR_OK : EMR_INVALID;
}

static emr_status open_authorities(emr_gateway *gateway, const char *const *texts)
{
	size_t count = 0;

	if (texts == NULL)
		return EMR_OK;
	gateway->has_authorities = true;
	while (texts[2 * count] != NULL)
		count++;
	gateway->authorities = calloc(count + 1, sizeof *gateway->authorities);
	if (gateway->authorities == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		gateway_authority *authority = &gateway->authorities[i];

		gateway->authority_count++;
		authority->msp_id = strdup(texts[2 * i]);
		authority->store = X509_STORE_new();
		if (authority->msp_id == NULL || authority->store == NULL)
			return EMR_NO_MEMORY;
		EMR_TRY(strnlen(texts[2 * i + 1], AUTHORITY_PEM_MAX) == AUTHORITY_PEM_MAX
				? EMR_LIMIT
				: read_authority(texts[2 * i + 1], authority->store));
	}
	return EMR_OK;
}

static bool is_name(const char *name)
{
	return name != NULL && name[0] != '\0' && strlen(name) <= EMR_GATEWAY_NAME_MAX;
}

static emr_status fill(emr_gateway *gateway, const emr_gateway_options *options)
{
	if (!emr_curl_begin())
		return EMR_NO_MODULE;
	if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) == 0)
		return EMR_UNSUPPORTED;
	gateway->channel = strdup(options->channel);
	gateway->chaincode = strdup(options->chaincode);
	if (asprintf(&gateway->agent, "emrfs/%s", options->version) < 0)
		gateway->agent = NULL;
	if (gateway->channel == NULL || gateway->chaincode == NULL || gateway->agent == NULL)
		return EMR_NO_MEMORY;
	gateway->identity = options->identity;
	gateway->clock = options->clock != NULL ? options->clock : emr_clock_system();
	gateway->endorsers_least = options->endorsers_least > 0 ? options->endorsers_least : 1;
	gateway->has_genesis = options->genesis != NULL;
	if (gateway->has_genesis)
		memcpy(gateway->genesis, options->genesis, sizeof gateway->genesis);
	for (size_t i = 0; i < options->endpoint_count; i++) {
		gateway->endpoint_count++;
		EMR_TRY(endpoint_open(&gateway->endpoints[i], &options->endpoints[i]));
	}
	return open_authorities(gateway, options->authorities);
}

emr_status emr_gateway_open(const emr_gateway_options *options, emr_gateway **out_gateway)
{
	emr_gateway *gateway;
	emr_status status;

	if (!is_name(options->channel) || !is_name(options->chaincode) ||
		options->identity == NULL || options->version == NULL ||
		options->endpoint_count == 0 || options->endpoint_count > EMR_GATEWAY_ENDPOINTS_MAX)
		return EMR_INVALID;
	gateway = calloc(1, sizeof *gateway);
	if (gateway == NULL)
		return EMR_NO_MEMORY;
	(void)pthread_mutex_init(&gateway->lock, NULL);
	status = fill(gateway, options);
	if (status != EMR_OK) {
		emr_gateway_close(gateway);
		return status;
	}
	*out_gateway = gateway;
	return EMR_OK;
}

void emr_gateway_close(emr_gateway *gateway)
{
	if (gateway == NULL)
		return;
	for (size_t i = 0; i < gateway->endpoint_count; i++)
		endpoint_close(&gateway->endpoints[i]);
	for (size_t i = 0; i < gateway->authority_count; i++) {
		free(gateway->authorities[i].msp_id);
		X509_STORE_free(gateway->authorities[i].store);
	}
	free(gateway->authorities);
	free(gateway->channel);
	free(gateway->chaincode);
	free(gateway->agent);
	(void)pthread_mutex_destroy(&gateway->lock);
	free(gateway);
}

/* ---- Evaluate and endorse ---- */

static emr_status keep_message(void *arg, emr_bytes message)
{
	return message.len > 0 ? emr_buf_append(arg, message.data, message.len) : EMR_OK;
}

static emr_status ask_for_one(
	gateway_run *run, const char *path, emr_bytes message, emr_buf *out_answer)
{
	gateway_request request = {
		.path = path, .message = message, .take = keep_message, .arg = out_answer};

	emr_buf_clear(out_answer);
	return gateway_ask(run, &request);
}

static emr_status make_proposal(
	gateway_run *run, const emr_gateway_invocation *invocation, gateway_proposal *out)
{
	uint8_t nonce[24];
	emr_status status;

	randombytes_buf(nonce, sizeof nonce);
	status = proposal_make(
		run->gateway, invocation, nonce, emr_clock_unix_ns(run->gateway->clock), out);
	if (status == EMR_LIMIT)
		return gateway_run_fail(run, EMR_GATEWAY_TOO_LARGE, "the arguments");
	if (status != EMR_OK)
		return gateway_run_fail_here(run, status);
	memcpy(run->call->tx_id, out->tx_id, sizeof out->tx_id);
	return EMR_OK;
}

/* EvaluateRequest and EndorseRequest are the same. */
static emr_status write_request(const emr_gateway *gateway, const gateway_proposal *proposal,
	const emr_gateway_invocation *invocation, emr_buf *out)
{
	EMR_AUTO_BUF signed_proposal = {0};
	proto_writer w = proto_writer_of(out);
	emr_status status = proposal_sign(gateway, proposal, &signed_proposal);

	proto_put_text(&w, REQUEST_TRANSACTION_ID, proposal->tx_id);
	proto_put_text(&w, REQUEST_CHANNEL_ID, gateway->channel);
	proto_put_message(&w, REQUEST_TRANSACTION, emr_buf_view(&signed_proposal));
	for (size_t i = 0; i < invocation->organisation_count; i++)
		proto_put_text(&w, REQUEST_ORGANIZATIONS, invocation->organisations[i]);
	return status == EMR_OK ? w.status : status;
}

static emr_status ask_proposal(gateway_run *run, const char *path,
	const emr_gateway_invocation *invocation, gateway_proposal *out_proposal,
	emr_buf *out_answer)
{
	EMR_AUTO_BUF request = {0};
	emr_status status;

	EMR_TRY(make_proposal(run, invocation, out_proposal));
	status = write_request(run->gateway, out_proposal, invocation, &request);
	if (status != EMR_OK)
		return gateway_run_fail_here(run, status);
	return ask_for_one(run, path, emr_buf_view(&request), out_answer);
}

static emr_status read_evaluated(gateway_run *run, emr_bytes answer, emr_buf *out)
{
	emr_bytes message = {0}, payload = {0};
	uint64_t chaincode_status = 0;
	const proto_want of_result[] = {{RESPONSE_STATUS, PROTO_NUMBER, &chaincode_status},
		{RESPONSE_MESSAGE, PROTO_BYTES, &message},
		{RESPONSE_PAYLOAD, PROTO_BYTES, &payload}};
	const proto_want of_answer[] = {
		{EVALUATE_RESPONSE_RESULT, PROTO_MESSAGE, PROTO_INSIDE(of_result)}};
	emr_status status = EMR_OK;

	if (proto_read(answer, of_answer, 1) != EMR_OK)
		return gateway_run_fail(run, EMR_GATEWAY_STRANGE, "an answer that cannot be read");
	run->call->chaincode_status = (int)(uint32_t)chaincode_status;
	if (chaincode_status < 200 || chaincode_status >= 400) {
		char text[EMR_GATEWAY_SAID_BYTES];

		grpc_clean(text, sizeof text, message);
		return gateway_run_fail(run,
			chaincode_status >= 400 && chaincode_status < 500 ? EMR_GATEWAY_REFUSED
									  : EMR_GATEWAY_CHAINCODE,
			text);
	}
	run->call->chaincode_status = 0;
	if (payload.len > 0)
		status = emr_buf_append(out, payload.data, payload.len);
	return status == EMR_OK ? EMR_OK : gateway_run_fail_here(run, status);
}

emr_status emr_gateway_evaluate(emr_gateway *gateway, emr_gateway_call *call,
	const emr_gateway_invocation *invocation, emr_buf *out)
{
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_EVALUATE);
	EMR_AUTO_BUF answer = {0};
	gateway_proposal made = {0};
	emr_status status =
		ask_proposal(&run, "/gateway.Gateway/Evaluate", invocation, &made, &answer);

	proposal_free(&made);
	return status == EMR_OK ? read_evaluated(&run, emr_buf_view(&answer), out) : status;
}

static emr_status sign_prepared(gateway_run *run, emr_bytes payload, const gateway_prepared *p,
	emr_buf *out_envelope, emr_buf *out_result)
{
	EMR_AUTO_BUF signature = {0};
	EMR_AUTO_BUF envelope = {0};
	proto_writer w = proto_writer_of(&envelope);
	emr_status status = emr_gateway_identity_sign(run->gateway->identity, payload, &signature);

	proto_put_bytes(&w, ENVELOPE_PAYLOAD, payload);
	proto_put_bytes(&w, ENVELOPE_SIGNATURE, emr_buf_view(&signature));
	if (status == EMR_OK)
		status = w.status;
	if (status == EMR_OK && out_result != NULL)
		status = emr_buf_reserve(out_result, p->result.len);
	if (status == EMR_OK)
		status = emr_buf_append(out_envelope, envelope.data, envelope.len);
	if (status == EMR_OK && out_result != NULL && p->result.len > 0)
		status = emr_buf_append(out_result, p->result.data, p->result.len);
	return status == EMR_OK ? EMR_OK : gateway_run_fail_here(run, status);
}

/* ANSWER of Endorse, which is what TERMS want of PROPOSAL. */
static emr_status read_prepared(gateway_run *run, const emr_gateway *terms,
	const gateway_proposal *proposal, emr_bytes answer, emr_bytes *out_payload,
	gateway_prepared *out)
{
	const proto_want of_envelope[] = {{ENVELOPE_PAYLOAD, PROTO_BYTES, out_payload}};
	const proto_want of_answer[] = {
		{ENDORSE_RESPONSE_PREPARED_TRANSACTION, PROTO_MESSAGE, PROTO_INSIDE(of_envelope)}};
	const char *wrong;

	run->call->stage = EMR_GATEWAY_SIGN;
	if (proto_read(answer, of_answer, 1) != EMR_OK)
		return gateway_run_fail(run, EMR_GATEWAY_STRANGE, "an answer that cannot be read");
	wrong = prepared_wrong(terms, proposal, *out_payload, out);
	return wrong != NULL ? gateway_run_fail(run, EMR_GATEWAY_LIE, wrong) : EMR_OK;
}

emr_status emr_gateway_endorse(emr_gateway *gateway, emr_gateway_call *call,
	const emr_gateway_invocation *invocation, emr_buf *out_envelope, emr_buf *out_result)
{
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_ENDORSE);
	EMR_AUTO_BUF answer = {0};
	gateway_proposal made = {0};
	gateway_prepared p = {0};
	emr_bytes payload = {0};
	emr_status status;

	if (invocation->chaincode != NULL)
		return gateway_run_fail_here(&run, EMR_INVALID);
	status = ask_proposal(&run, "/gateway.Gateway/Endorse", invocation, &made, &answer);

	if (status == EMR_OK)
		status = read_prepared(&run, gateway, &made, emr_buf_view(&answer), &payload, &p);
	if (status == EMR_OK)
		status = sign_prepared(&run, payload, &p, out_envelope, out_result);
	proposal_free(&made);
	return status;
}

emr_status gateway_attest(emr_gateway *gateway, emr_gateway_call *call, size_t i,
	const emr_bytes *args, size_t count, emr_buf *out_answer)
{
	const char *organisation = gateway->authorities[i].msp_id;
	const emr_gateway_invocation invocation = {.chaincode = "qscc",
		.args = args,
		.arg_count = count,
		.organisations = &organisation,
		.organisation_count = 1};
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_ENDORSE);
	emr_gateway one = *gateway; /* to compare with, and for nothing else */
	EMR_AUTO_BUF answer = {0};
	gateway_proposal made = {0};
	gateway_prepared p = {0};
	emr_status status =
		ask_proposal(&run, "/gateway.Gateway/Endorse", &invocation, &made, &answer);

	one.chaincode = (char[]){"qscc"};
	one.authorities = &gateway->authorities[i];
	one.authority_count = one.endorsers_least = 1;
	if (status == EMR_OK)
		status = read_prepared(
			&run, &one, &made, emr_buf_view(&answer), &(emr_bytes){0}, &p);
	if (status == EMR_OK)
		status = emr_buf_append(out_answer, p.result.data, p.result.len);
	proposal_free(&made);
	return status;
}
