/* This file reads blocks as one stream: a peer looks once at who asks, and not at each block. */
#include <sodium.h>
#include <stdio.h>

#include "fields.h"
#include "gateway_private.h"

#define STATUS_FORBIDDEN 403 /* common/common.proto, Status */

typedef struct listener {
	gateway_run *run;
	grpc_message_fn take;
	void *arg;
	uint64_t status; /* what it ends with; 0: not yet */
} listener;

emr_status seek_position_write(uint64_t block, emr_buf *out)
{
	EMR_AUTO_BUF specified = {0};
	proto_writer of_specified = proto_writer_of(&specified);
	proto_writer w = proto_writer_of(out);

	proto_put_number(&of_specified, SEEK_SPECIFIED_NUMBER, block);
	proto_put_message(&w, SEEK_POSITION_SPECIFIED, emr_buf_view(&specified));
	return of_specified.status != EMR_OK ? of_specified.status : w.status;
}

static emr_status write_channel_header(const emr_gateway *gateway, emr_buf *out)
{
	EMR_AUTO_BUF time = {0};
	proto_writer of_time = proto_writer_of(&time);
	proto_writer w = proto_writer_of(out);
	int64_t now_ns = emr_clock_unix_ns(gateway->clock);

	proto_put_number(&of_time, TIMESTAMP_SECONDS, (uint64_t)(now_ns / 1000000000));
	proto_put_number(&of_time, TIMESTAMP_NANOS, (uint64_t)(now_ns % 1000000000));
	proto_put_number(&w, CHANNEL_HEADER_TYPE, HEADER_TYPE_DELIVER_SEEK_INFO);
	proto_put_message(&w, CHANNEL_HEADER_TIMESTAMP, emr_buf_view(&time));
	proto_put_text(&w, CHANNEL_HEADER_CHANNEL_ID, gateway->channel);
	return of_time.status != EMR_OK ? of_time.status : w.status;
}

static emr_status write_header(const emr_gateway *gateway, emr_buf *out)
{
	EMR_AUTO_BUF of_channel = {0};
	EMR_AUTO_BUF of_signature = {0};
	uint8_t nonce[NONCE_BYTES];
	proto_writer signature = proto_writer_of(&of_signature);
	proto_writer w = proto_writer_of(out);
	emr_status status = write_channel_header(gateway, &of_channel);

	randombytes_buf(nonce, sizeof nonce);
	proto_put_bytes(&signature, SIGNATURE_HEADER_CREATOR,
		emr_gateway_identity_creator(gateway->identity));
	proto_put_bytes(&signature, SIGNATURE_HEADER_NONCE, emr_bytes_of(nonce, sizeof nonce));
	proto_put_bytes(&w, HEADER_CHANNEL_HEADER, emr_buf_view(&of_channel));
	proto_put_bytes(&w, HEADER_SIGNATURE_HEADER, emr_buf_view(&of_signature));
	if (status == EMR_OK)
		status = signature.status;
	return status == EMR_OK ? w.status : status;
}

static emr_status write_seek(uint64_t from, uint64_t to, emr_buf *out)
{
	EMR_AUTO_BUF start = {0};
	EMR_AUTO_BUF stop = {0};
	proto_writer w = proto_writer_of(out);
	emr_status status = seek_position_write(from, &start);

	if (status == EMR_OK)
		status = seek_position_write(to, &stop);
	proto_put_message(&w, SEEK_INFO_START, emr_buf_view(&start));
	proto_put_message(&w, SEEK_INFO_STOP, emr_buf_view(&stop));
	proto_put_number(&w, SEEK_INFO_BEHAVIOR, SEEK_BEHAVIOR_FAIL_IF_NOT_READY);
	return status == EMR_OK ? w.status : status;
}

static emr_status write_envelope(
	const emr_gateway *gateway, uint64_t from, uint64_t to, emr_buf *out)
{
	EMR_AUTO_BUF header = {0};
	EMR_AUTO_BUF seek = {0};
	EMR_AUTO_BUF payload = {0};
	EMR_AUTO_BUF signature = {0};
	proto_writer of_payload = proto_writer_of(&payload);
	proto_writer w = proto_writer_of(out);
	emr_status status = write_header(gateway, &header);

	if (status == EMR_OK)
		status = write_seek(from, to, &seek);
	proto_put_message(&of_payload, PAYLOAD_HEADER, emr_buf_view(&header));
	proto_put_bytes(&of_payload, PAYLOAD_DATA, emr_buf_view(&seek));
	if (status == EMR_OK)
		status = of_payload.status;
	if (status == EMR_OK)
		status = emr_gateway_identity_sign(
			gateway->identity, emr_buf_view(&payload), &signature);
	proto_put_bytes(&w, ENVELOPE_PAYLOAD, emr_buf_view(&payload));
	proto_put_bytes(&w, ENVELOPE_SIGNATURE, emr_buf_view(&signature));
	return status == EMR_OK ? w.status : status;
}

static emr_status hear(void *arg, emr_bytes message)
{
	listener *l = arg;
	emr_bytes block = {0};
	uint64_t status = 0;
	const proto_want wants[] = {{DELIVER_RESPONSE_STATUS, PROTO_NUMBER, &status},
		{DELIVER_RESPONSE_BLOCK, PROTO_BYTES, &block}};

	if (l->status != 0 || proto_read(message, wants, 2) != EMR_OK ||
		(block.data == NULL) == (status == 0))
		return gateway_run_fail(
			l->run, EMR_GATEWAY_STRANGE, "a stream of blocks that cannot be read");
	if (block.data != NULL)
		return l->take(l->arg, block);
	l->status = status;
	return EMR_OK;
}

emr_status deliver_blocks(emr_gateway *gateway, emr_gateway_call *call, uint64_t from, uint64_t to,
	grpc_message_fn take, void *arg)
{
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_DELIVER);
	EMR_AUTO_BUF message = {0};
	listener l = {.run = &run, .take = take, .arg = arg};
	gateway_request request = {
		.path = "/protos.Deliver/Deliver", .is_stream = true, .take = hear, .arg = &l};
	char said[48];
	emr_status status = write_envelope(gateway, from, to, &message);

	if (status != EMR_OK)
		return gateway_run_fail_here(&run, status);
	request.message = emr_buf_view(&message);
	EMR_TRY(gateway_ask(&run, &request));
	if (l.status == DELIVER_STATUS_SUCCESS)
		return EMR_OK;
	(void)snprintf(said, sizeof said, "the stream of blocks ends with %u", (unsigned)l.status);
	return gateway_run_fail(&run,
		l.status == STATUS_FORBIDDEN ? EMR_GATEWAY_PERMISSION : EMR_GATEWAY_BROKEN_OFF,
		said);
}
