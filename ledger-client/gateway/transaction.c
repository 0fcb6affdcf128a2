/* This file brings a signed transaction to its end: it is sent, sent again, and asked for, until a
 * peer says in which block it is and whether it counts there. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "fields.h"
#include "gateway_private.h"

#define LOOK_MS 1500	   /* for a commit that may be there already */
#define COMMIT_MS 10000	   /* for one that is on its way, before the next gateway is asked */
#define PAUSE_FIRST_MS 200 /* between two tries; twice as long after each */
#define PAUSE_MAX_MS 5000
#define APART_FIRST_MS 100 /* before what was overtaken is proposed again; doubled each time */
#define APART_DOUBLED_MAX 4

enum {
	VALID = 0,
	DUPLICATE_TXID = 9,
	ENDORSEMENT_POLICY_FAILURE = 10,
	MVCC_READ_CONFLICT = 11,
	PHANTOM_READ_CONFLICT = 12,
	CODE_MAX = 255,
}; /* peer/transaction.proto, TxValidationCode */

/* ---- The envelope ---- */

typedef struct header_facts {
	emr_bytes channel, tx_id, chaincode, creator, nonce;
} header_facts;

static emr_status read_facts(const gateway_prepared *p, header_facts *out)
{
	emr_bytes extension = {0};
	const proto_want of_channel[] = {{CHANNEL_HEADER_CHANNEL_ID, PROTO_BYTES, &out->channel},
		{CHANNEL_HEADER_TX_ID, PROTO_BYTES, &out->tx_id},
		{CHANNEL_HEADER_EXTENSION, PROTO_BYTES, &extension}};
	const proto_want of_signature[] = {{SIGNATURE_HEADER_CREATOR, PROTO_BYTES, &out->creator},
		{SIGNATURE_HEADER_NONCE, PROTO_BYTES, &out->nonce}};
	const proto_want of_chaincode[] = {{CHAINCODE_ID_NAME, PROTO_BYTES, &out->chaincode}};
	const proto_want of_extension[] = {{CHAINCODE_HEADER_EXTENSION_CHAINCODE_ID, PROTO_MESSAGE,
		PROTO_INSIDE(of_chaincode)}};

	EMR_TRY(proto_read(p->channel_header, of_channel, 3));
	EMR_TRY(proto_read(p->signature_header, of_signature, 2));
	return proto_read(extension, of_extension, 1);
}

emr_status emr_gateway_envelope_tx_id(
	const emr_gateway *gateway, emr_bytes envelope, char out[EMR_GATEWAY_TX_ID_BYTES])
{
	emr_bytes payload = {0}, signature = {0};
	const proto_want of_envelope[] = {{ENVELOPE_PAYLOAD, PROTO_BYTES, &payload},
		{ENVELOPE_SIGNATURE, PROTO_BYTES, &signature}};
	header_facts facts = {{0}, {0}, {0}, {0}, {0}};
	char tx_id[EMR_GATEWAY_TX_ID_BYTES];
	gateway_prepared p;

	if (proto_read(envelope, of_envelope, 2) != EMR_OK || signature.len == 0 ||
		prepared_read(payload, &p) != EMR_OK || read_facts(&p, &facts) != EMR_OK)
		return EMR_DAMAGED;
	proposal_tx_id(facts.nonce, facts.creator, tx_id);
	if (!is_text(facts.tx_id, tx_id) || !is_text(facts.channel, gateway->channel) ||
		!is_text(facts.chaincode, gateway->chaincode))
		return EMR_DAMAGED;
	memcpy(out, tx_id, sizeof tx_id);
	return EMR_OK;
}

static emr_status begin_envelope(gateway_run *run, emr_bytes envelope)
{
	if (envelope.len > EMR_GATEWAY_REQUEST_MAX)
		return gateway_run_fail(run, EMR_GATEWAY_TOO_LARGE, "the envelope");
	if (emr_gateway_envelope_tx_id(run->gateway, envelope, run->call->tx_id) != EMR_OK)
		return gateway_run_fail_here(run, EMR_DAMAGED);
	return EMR_OK;
}

/* ---- Submit ---- */

static emr_status pass_message(void *arg, emr_bytes message)
{
	(void)arg;
	(void)message; /* SubmitResponse has no fields */
	return EMR_OK;
}

static emr_status ask_submit(gateway_run *run, emr_bytes envelope)
{
	EMR_AUTO_BUF message = {0};
	proto_writer w = proto_writer_of(&message);
	gateway_request request = {.path = "/gateway.Gateway/Submit", .take = pass_message};

	run->call->stage = EMR_GATEWAY_SUBMIT;
	proto_put_text(&w, REQUEST_TRANSACTION_ID, run->call->tx_id);
	proto_put_text(&w, REQUEST_CHANNEL_ID, run->gateway->channel);
	proto_put_message(&w, REQUEST_TRANSACTION, envelope);
	if (w.status != EMR_OK)
		return gateway_run_fail_here(run, w.status);
	request.message = emr_buf_view(&message);
	run->call->is_open = true;
	return gateway_ask(run, &request);
}

emr_status emr_gateway_submit(emr_gateway *gateway, emr_gateway_call *call, emr_bytes envelope)
{
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_SUBMIT);

	EMR_TRY(begin_envelope(&run, envelope));
	return ask_submit(&run, envelope);
}

/* ---- Commit status ---- */

static emr_status write_commit_request(const emr_gateway *gateway, const char *tx_id, emr_buf *out)
{
	EMR_AUTO_BUF inner = {0};
	EMR_AUTO_BUF signature = {0};
	proto_writer of_inner = proto_writer_of(&inner);
	proto_writer w = proto_writer_of(out);
	emr_status status;

	proto_put_text(&of_inner, COMMIT_STATUS_REQUEST_TRANSACTION_ID, tx_id);
	proto_put_text(&of_inner, COMMIT_STATUS_REQUEST_CHANNEL_ID, gateway->channel);
	proto_put_bytes(&of_inner, COMMIT_STATUS_REQUEST_IDENTITY,
		emr_gateway_identity_creator(gateway->identity));
	status = of_inner.status != EMR_OK ? of_inner.status
					   : emr_gateway_identity_sign(gateway->identity,
						     emr_buf_view(&inner), &signature);
	proto_put_bytes(&w, SIGNED_REQUEST_REQUEST, emr_buf_view(&inner));
	proto_put_bytes(&w, SIGNED_REQUEST_SIGNATURE, emr_buf_view(&signature));
	return status == EMR_OK ? w.status : status;
}

static emr_status keep_message(void *arg, emr_bytes message)
{
	return message.len > 0 ? emr_buf_append(arg, message.data, message.len) : EMR_OK;
}

static emr_status ask_commit(gateway_run *run, const char *tx_id, emr_gateway_commit *out_commit)
{
	EMR_AUTO_BUF message = {0};
	EMR_AUTO_BUF answer = {0};
	uint64_t code = 0, block = 0;
	const proto_want wants[] = {{COMMIT_STATUS_RESPONSE_RESULT, PROTO_NUMBER, &code},
		{COMMIT_STATUS_RESPONSE_BLOCK_NUMBER, PROTO_NUMBER, &block}};
	gateway_request request = {
		.path = "/gateway.Gateway/CommitStatus", .take = keep_message, .arg = &answer};
	emr_status status = write_commit_request(run->gateway, tx_id, &message);

	run->call->stage = EMR_GATEWAY_COMMIT;
	if (status != EMR_OK)
		return gateway_run_fail_here(run, status);
	request.message = emr_buf_view(&message);
	EMR_TRY(gateway_ask(run, &request));
	/* Block 0 is the channel's configuration: what names no block says nothing, also not that
	 * all is well, which is what an empty answer would mean by its default. */
	if (proto_read(emr_buf_view(&answer), wants, 2) != EMR_OK || code > CODE_MAX || block == 0)
		return gateway_run_fail(run, EMR_GATEWAY_STRANGE, "a status of no block");
	run->call->validation = (int)code;
	*out_commit = (emr_gateway_commit){.validation = (int)code, .block = block};
	return EMR_OK;
}

emr_status emr_gateway_commit_status(emr_gateway *gateway, emr_gateway_call *call,
	const char *tx_id, emr_gateway_commit *out_commit)
{
	char asked[EMR_GATEWAY_TX_ID_BYTES] = ""; /* which may be that of the call itself */
	bool is_fine = tx_id != NULL && strlen(tx_id) == TX_ID_CHARS;
	gateway_run run;
	emr_status status;

	if (is_fine)
		memcpy(asked, tx_id, sizeof asked);
	run = gateway_run_begin(gateway, call, EMR_GATEWAY_COMMIT);
	if (!is_fine)
		return gateway_run_fail_here(&run, EMR_INVALID);
	memcpy(call->tx_id, asked, sizeof asked);
	call->is_open = true;
	status = ask_commit(&run, asked, out_commit);
	call->is_open = status != EMR_OK;
	return status;
}

/* ---- Settle ---- */

static emr_gateway_fault validation_fault(int code)
{
	switch (code) {
	case VALID:
		return EMR_GATEWAY_FINE;
	case DUPLICATE_TXID:
		return EMR_GATEWAY_DUPLICATE;
	case ENDORSEMENT_POLICY_FAILURE:
		return EMR_GATEWAY_POLICY;
	case MVCC_READ_CONFLICT:
	case PHANTOM_READ_CONFLICT:
		return EMR_GATEWAY_OVERTAKEN;
	default:
		return EMR_GATEWAY_INVALID;
	}
}

/* A run within the run's time, no longer than MAX_MS. */
static gateway_run part_of(const gateway_run *run, uint32_t max_ms)
{
	gateway_run part = *run;
	int64_t end = emr_clock_boot_ns(run->gateway->clock) + (int64_t)max_ms * 1000000;

	if (!part.has_end || end < part.deadline_ns)
		part.deadline_ns = end;
	part.has_end = true;
	return part;
}

/* EMR_OK: it is known how it ended.  That a copy of it came second says nothing of the first: the
 * peer, asked again, goes by its index. */
static emr_status look(gateway_run *run, uint32_t max_ms, emr_gateway_commit *out_commit)
{
	gateway_run part = part_of(run, max_ms);

	EMR_TRY(ask_commit(&part, run->call->tx_id, out_commit));
	if (out_commit->validation == DUPLICATE_TXID)
		EMR_TRY(ask_commit(&part, run->call->tx_id, out_commit));
	return EMR_OK;
}

/* A transaction that orderers have taken comes with some block. A gateway whose own peer gets no
 * blocks any more says nothing for ever, so they are asked by turns. */
static emr_status await_commit(gateway_run *run, emr_gateway_commit *out_commit)
{
	const uint32_t turn_ms = run->gateway->endpoint_count > 1 ? COMMIT_MS : UINT32_MAX;
	emr_status status;

	do {
		status = look(run, turn_ms, out_commit);
		if (status == EMR_OK || run->call->fault != EMR_GATEWAY_SLOW)
			return status;
		endpoint_defer(run->gateway, run->call->endpoint);
	} while (gateway_run_left_ms(run) > 0);
	return status;
}

static emr_status judge_commit(gateway_run *run, const emr_gateway_commit *commit)
{
	emr_gateway_fault fault = validation_fault(commit->validation);
	char said[sizeof "validation code -2147483648"];

	(void)snprintf(said, sizeof said, "validation code %d", commit->validation);
	run->call->is_open = fault == EMR_GATEWAY_DUPLICATE;
	return gateway_run_fail(run, fault, fault == EMR_GATEWAY_FINE ? NULL : said);
}

/* False: somebody has ended the call. */
static bool pause_for(const gateway_run *run, uint32_t ms)
{
	struct pollfd cancel = {.fd = run->call->cancel_fd, .events = POLLIN};
	uint32_t left = gateway_run_left_ms(run);

	return poll(&cancel, 1, (int)(ms < left ? ms : left)) <= 0;
}

bool gateway_wait_apart(const emr_gateway_call *call, unsigned tries)
{
	const uint32_t most = APART_FIRST_MS
			      << (tries < APART_DOUBLED_MAX ? tries : APART_DOUBLED_MAX);
	struct pollfd cancel = {.fd = call->cancel_fd, .events = POLLIN};

	return poll(&cancel, 1, (int)(most / 2 + randombytes_uniform(most / 2 + 1))) <= 0;
}

/* True for faults that sending again cannot change. */
static bool is_hopeless(emr_gateway_fault fault)
{
	return fault == EMR_GATEWAY_CANCELLED || fault == EMR_GATEWAY_HERE ||
	       fault == EMR_GATEWAY_TOO_LARGE || fault == EMR_GATEWAY_CERTIFICATE_FILE ||
	       fault == EMR_GATEWAY_PERMISSION || fault == EMR_GATEWAY_IDENTITY ||
	       fault == EMR_GATEWAY_ARGUMENT || fault == EMR_GATEWAY_UNIMPLEMENTED ||
	       fault == EMR_GATEWAY_EXPIRED;
}

/* Sends and asks by turns. When the time is over the last word of sending is returned, if there was
 * one: it tells more than that nobody knows. */
static emr_status settle(gateway_run *run, emr_bytes envelope, emr_gateway_commit *out_commit)
{
	uint32_t pause_ms = PAUSE_FIRST_MS;
	emr_gateway_call said = {.fault = EMR_GATEWAY_FINE};

	for (;;) {
		emr_status sent = ask_submit(run, envelope), known;

		if (sent != EMR_OK && is_hopeless(run->call->fault))
			return sent;
		if (sent != EMR_OK && run->call->fault != EMR_GATEWAY_SLOW)
			said = *run->call;
		known = sent == EMR_OK ? await_commit(run, out_commit)
				       : look(run, LOOK_MS, out_commit);
		if (known == EMR_OK)
			return judge_commit(run, out_commit);
		if (run->call->fault == EMR_GATEWAY_CANCELLED || is_hopeless(run->call->fault))
			return emr_gateway_fault_status(run->call->fault);
		if (gateway_run_left_ms(run) > 0 && pause_for(run, pause_ms)) {
			pause_ms = pause_ms < PAUSE_MAX_MS ? 2 * pause_ms : PAUSE_MAX_MS;
			continue;
		}
		if (gateway_run_left_ms(run) > 0)
			return gateway_run_fail(run, EMR_GATEWAY_CANCELLED, NULL);
		if (said.fault != EMR_GATEWAY_FINE)
			*run->call = said;
		return emr_gateway_fault_status(run->call->fault);
	}
}

emr_status emr_gateway_settle(emr_gateway *gateway, emr_gateway_call *call, emr_bytes envelope,
	bool is_retry, emr_gateway_commit *out_commit)
{
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_SUBMIT);
	emr_status status = begin_envelope(&run, envelope);

	if (status != EMR_OK) {
		call->is_open = is_retry;
		return status;
	}
	call->is_open = is_retry;
	if (is_retry && look(&run, LOOK_MS, out_commit) == EMR_OK)
		return judge_commit(&run, out_commit);
	if (is_retry && call->fault == EMR_GATEWAY_CANCELLED)
		return emr_gateway_fault_status(call->fault);
	return settle(&run, envelope, out_commit);
}
