/* This file makes proposals: the question to the chaincode, its asker, and a transaction id that is
 * bound to both. It refuses arguments beyond its limits. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "crypto/hashsig.h"
#include "fields.h"
#include "gateway_private.h"

void proposal_free(gateway_proposal *proposal)
{
	emr_buf_free(&proposal->channel_header);
	emr_buf_free(&proposal->signature_header);
	emr_buf_free(&proposal->payload);
	emr_buf_free(&proposal->bytes);
}

void proposal_tx_id(emr_bytes nonce, emr_bytes creator, char out[EMR_GATEWAY_TX_ID_BYTES])
{
	emr_sha256_ctx ctx;
	uint8_t hash[32];

	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, nonce.data, nonce.len);
	emr_sha256_update(&ctx, creator.data, creator.len);
	emr_sha256_final(&ctx, hash);
	emr_hex(hash, sizeof hash, out);
}

/* Of two nested messages the inner one is made first: OUT gets NUMBER with what FROM holds, which
 * is empty afterwards. */
static void wrap(proto_writer *w, uint32_t number, emr_buf *from)
{
	proto_put_message(w, number, emr_buf_view(from));
	emr_buf_clear(from);
}

static const char *chaincode_of(
	const emr_gateway *gateway, const emr_gateway_invocation *invocation)
{
	return invocation->chaincode != NULL ? invocation->chaincode : gateway->chaincode;
}

static emr_status write_channel_header(const emr_gateway *gateway, const char *name,
	const char *tx_id, int64_t now_ns, emr_buf *out)
{
	EMR_AUTO_BUF time = {0};
	EMR_AUTO_BUF chaincode = {0};
	EMR_AUTO_BUF extension = {0};
	proto_writer of_time = proto_writer_of(&time);
	proto_writer of_extension = proto_writer_of(&extension);
	proto_writer w = proto_writer_of(out);
	proto_writer of_chaincode = proto_writer_of(&chaincode);
	emr_status status;

	proto_put_text(&of_chaincode, CHAINCODE_ID_NAME, name);
	status = of_chaincode.status;
	proto_put_number(&of_time, TIMESTAMP_SECONDS, (uint64_t)(now_ns / 1000000000));
	proto_put_number(&of_time, TIMESTAMP_NANOS, (uint64_t)(now_ns % 1000000000));
	proto_put_message(
		&of_extension, CHAINCODE_HEADER_EXTENSION_CHAINCODE_ID, emr_buf_view(&chaincode));
	proto_put_number(&w, CHANNEL_HEADER_TYPE, HEADER_TYPE_ENDORSER_TRANSACTION);
	proto_put_message(&w, CHANNEL_HEADER_TIMESTAMP, emr_buf_view(&time));
	proto_put_text(&w, CHANNEL_HEADER_CHANNEL_ID, gateway->channel);
	proto_put_text(&w, CHANNEL_HEADER_TX_ID, tx_id);
	proto_put_bytes(&w, CHANNEL_HEADER_EXTENSION, emr_buf_view(&extension));
	if (status == EMR_OK)
		status = of_time.status;
	if (status == EMR_OK)
		status = of_extension.status;
	return status == EMR_OK ? w.status : status;
}

static emr_status write_invocation(
	const emr_gateway *gateway, const emr_gateway_invocation *invocation, emr_buf *out)
{
	EMR_AUTO_BUF inner = {0};
	EMR_AUTO_BUF spec = {0};
	proto_writer of_inner = proto_writer_of(&inner);
	proto_writer of_spec = proto_writer_of(&spec);
	proto_writer w = proto_writer_of(out);

	proto_put_text(&of_inner, CHAINCODE_ID_NAME, chaincode_of(gateway, invocation));
	wrap(&of_spec, CHAINCODE_SPEC_CHAINCODE_ID, &inner);
	for (size_t i = 0; i < invocation->arg_count; i++)
		proto_put_message(&of_inner, CHAINCODE_INPUT_ARGS, invocation->args[i]);
	wrap(&of_spec, CHAINCODE_SPEC_INPUT, &inner);
	wrap(&w, CHAINCODE_INVOCATION_SPEC_CHAINCODE_SPEC, &spec);
	if (of_inner.status != EMR_OK)
		return of_inner.status;
	return of_spec.status != EMR_OK ? of_spec.status : w.status;
}

/* The payload as it goes into a block, and behind it what only endorsers are told. */
static emr_status write_payload(const emr_gateway *gateway,
	const emr_gateway_invocation *invocation, emr_buf *out_payload, emr_buf *out_full)
{
	EMR_AUTO_BUF inner = {0};
	proto_writer of_inner = proto_writer_of(&inner);
	proto_writer w = proto_writer_of(out_payload);
	proto_writer full = proto_writer_of(out_full);

	EMR_TRY(write_invocation(gateway, invocation, &inner));
	wrap(&w, CHAINCODE_PROPOSAL_PAYLOAD_INPUT, &inner);
	if (w.status == EMR_OK)
		w.status = emr_buf_append(out_full, out_payload->data, out_payload->len);
	if (w.status != EMR_OK || invocation->transient_name == NULL)
		return w.status;
	proto_put_text(&of_inner, MAP_KEY, invocation->transient_name);
	proto_put_message(&of_inner, MAP_VALUE, invocation->transient);
	wrap(&full, CHAINCODE_PROPOSAL_PAYLOAD_TRANSIENT_MAP, &inner);
	return of_inner.status != EMR_OK ? of_inner.status : full.status;
}

static emr_status check_invocation(const emr_gateway_invocation *invocation)
{
	size_t total = invocation->transient.len;

	if (invocation->arg_count == 0)
		return EMR_INVALID;
	if (invocation->arg_count > EMR_GATEWAY_ARGS_MAX || total > EMR_GATEWAY_REQUEST_MAX)
		return EMR_LIMIT;
	for (size_t i = 0; i < invocation->arg_count; i++) {
		if (invocation->args[i].len > EMR_GATEWAY_REQUEST_MAX - total)
			return EMR_LIMIT;
		total += invocation->args[i].len;
	}
	return EMR_OK;
}

static emr_status write_proposal(const emr_gateway *gateway,
	const emr_gateway_invocation *invocation, emr_bytes nonce, int64_t now_ns,
	gateway_proposal *out)
{
	EMR_AUTO_BUF header = {0};
	EMR_AUTO_BUF full = {0};
	emr_bytes creator = emr_gateway_identity_creator(gateway->identity);
	proto_writer of_signature = proto_writer_of(&out->signature_header);
	proto_writer of_header = proto_writer_of(&header);
	proto_writer w = proto_writer_of(&out->bytes);
	emr_status status = write_channel_header(gateway, chaincode_of(gateway, invocation),
		out->tx_id, now_ns, &out->channel_header);

	proto_put_bytes(&of_signature, SIGNATURE_HEADER_CREATOR, creator);
	proto_put_bytes(&of_signature, SIGNATURE_HEADER_NONCE, nonce);
	if (status == EMR_OK)
		status = of_signature.status;
	if (status == EMR_OK)
		status = write_payload(gateway, invocation, &out->payload, &full);
	if (status != EMR_OK)
		return status;
	proto_put_bytes(&of_header, HEADER_CHANNEL_HEADER, emr_buf_view(&out->channel_header));
	proto_put_bytes(&of_header, HEADER_SIGNATURE_HEADER, emr_buf_view(&out->signature_header));
	proto_put_bytes(&w, PROPOSAL_HEADER, emr_buf_view(&header));
	proto_put_bytes(&w, PROPOSAL_PAYLOAD, emr_buf_view(&full));
	return of_header.status != EMR_OK ? of_header.status : w.status;
}

emr_status proposal_make(const emr_gateway *gateway, const emr_gateway_invocation *invocation,
	const uint8_t nonce[24], int64_t now_ns, gateway_proposal *out)
{
	emr_bytes nonce_bytes = emr_bytes_of(nonce, NONCE_BYTES);
	emr_status status;

	gateway_proposal made = {0};

	EMR_TRY(check_invocation(invocation));
	proposal_tx_id(nonce_bytes, emr_gateway_identity_creator(gateway->identity), made.tx_id);
	status = write_proposal(gateway, invocation, nonce_bytes, now_ns, &made);
	if (status != EMR_OK) {
		proposal_free(&made);
		return status;
	}
	*out = made;
	return EMR_OK;
}

emr_status proposal_sign(const emr_gateway *gateway, const gateway_proposal *proposal, emr_buf *out)
{
	EMR_AUTO_BUF signature = {0};
	proto_writer w = proto_writer_of(out);
	emr_status status = emr_gateway_identity_sign(
		gateway->identity, emr_buf_view(&proposal->bytes), &signature);

	proto_put_bytes(&w, SIGNED_PROPOSAL_PROPOSAL_BYTES, emr_buf_view(&proposal->bytes));
	proto_put_bytes(&w, SIGNED_PROPOSAL_SIGNATURE, emr_buf_view(&signature));
	return status == EMR_OK ? w.status : status;
}
