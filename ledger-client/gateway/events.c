/* This file hears what the chaincode says in valid transactions, block by block. An event is a
 * hint, never a fact. */
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "gateway_private.h"

#define EVENTS_OF_BLOCK_MAX 16384

typedef struct listener {
	gateway_run *run;
	emr_gateway_event_fn tell;
	void *arg;
	uint64_t next_block; /* nothing from before it is told */
	emr_bytes *items;
} listener;

static emr_status write_events_request(
	const emr_gateway *gateway, uint64_t start_block, emr_buf *out)
{
	EMR_AUTO_BUF position = {0};
	EMR_AUTO_BUF inner = {0};
	EMR_AUTO_BUF signature = {0};
	proto_writer of_inner = proto_writer_of(&inner);
	proto_writer w = proto_writer_of(out);
	emr_status status = seek_position_write(start_block, &position);

	proto_put_text(&of_inner, EVENTS_REQUEST_CHANNEL_ID, gateway->channel);
	proto_put_text(&of_inner, EVENTS_REQUEST_CHAINCODE_ID, gateway->chaincode);
	proto_put_bytes(&of_inner, EVENTS_REQUEST_IDENTITY,
		emr_gateway_identity_creator(gateway->identity));
	proto_put_message(&of_inner, EVENTS_REQUEST_START_POSITION, emr_buf_view(&position));
	if (status != EMR_OK || of_inner.status != EMR_OK)
		return EMR_NO_MEMORY;
	status = emr_gateway_identity_sign(gateway->identity, emr_buf_view(&inner), &signature);
	proto_put_bytes(&w, SIGNED_REQUEST_REQUEST, emr_buf_view(&inner));
	proto_put_bytes(&w, SIGNED_REQUEST_SIGNATURE, emr_buf_view(&signature));
	return status == EMR_OK ? w.status : status;
}

static bool read_tx_id(emr_bytes bytes, char out[EMR_GATEWAY_TX_ID_BYTES])
{
	if (bytes.len != TX_ID_CHARS)
		return false;
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.data[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		out[i] = (char)c;
	}
	out[TX_ID_CHARS] = '\0';
	return true;
}

static emr_status strange(const listener *l, const char *what)
{
	return gateway_run_fail(l->run, EMR_GATEWAY_STRANGE, what);
}

static emr_status tell_one(const listener *l, emr_bytes message, uint64_t block)
{
	emr_gateway_event event = {.block = block};
	emr_bytes chaincode = {0}, tx_id = {0};
	const proto_want wants[] = {{CHAINCODE_EVENT_CHAINCODE_ID, PROTO_BYTES, &chaincode},
		{CHAINCODE_EVENT_TX_ID, PROTO_BYTES, &tx_id},
		{CHAINCODE_EVENT_EVENT_NAME, PROTO_BYTES, &event.name},
		{CHAINCODE_EVENT_PAYLOAD, PROTO_BYTES, &event.payload}};
	const char *own = l->run->gateway->chaincode;

	if (proto_read(message, wants, 4) != EMR_OK || !read_tx_id(tx_id, event.tx_id))
		return strange(l, "an event that cannot be read");
	if (!emr_bytes_equal(chaincode, emr_bytes_of(own, strlen(own))))
		return strange(l, "an event of another chaincode");
	return l->tell(l->arg, &event);
}

/* One message is one block. */
static emr_status hear(void *arg, emr_bytes message)
{
	listener *l = arg;
	emr_gateway_event end = {.is_block_end = true};
	proto_list events = {.items = l->items, .max = EVENTS_OF_BLOCK_MAX};
	const proto_want wants[] = {{EVENTS_RESPONSE_EVENTS, PROTO_REPEATED, &events},
		{EVENTS_RESPONSE_BLOCK_NUMBER, PROTO_NUMBER, &end.block}};
	emr_status status = EMR_OK;

	if (proto_read(message, wants, 2) != EMR_OK)
		return strange(l, "events that cannot be read");
	if (end.block < l->next_block || end.block == UINT64_MAX)
		return strange(l, "events of a block that was told before");
	for (size_t i = 0; i < events.count && status == EMR_OK; i++)
		status = tell_one(l, events.items[i], end.block);
	if (status == EMR_OK)
		status = l->tell(l->arg, &end);
	l->next_block = end.block + 1;
	return status;
}

emr_status emr_gateway_events(emr_gateway *gateway, emr_gateway_call *call, uint64_t start_block,
	emr_gateway_event_fn tell, void *arg)
{
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_EVENTS);
	EMR_AUTO_BUF message = {0};
	listener l = {.run = &run, .tell = tell, .arg = arg, .next_block = start_block};
	gateway_request request = {.path = "/gateway.Gateway/ChaincodeEvents",
		.is_stream = true,
		.take = hear,
		.arg = &l};
	emr_status status = write_events_request(gateway, start_block, &message);

	if (status == EMR_OK) {
		l.items = calloc(EVENTS_OF_BLOCK_MAX, sizeof *l.items);
		status = l.items == NULL ? EMR_NO_MEMORY : EMR_OK;
	}
	if (status != EMR_OK)
		return gateway_run_fail_here(&run, status);
	request.message = emr_buf_view(&message);
	status = gateway_ask(&run, &request);
	free(l.items);
	/* A gateway has no reason to end it well. */
	return status == EMR_OK
		       ? gateway_run_fail(&run, EMR_GATEWAY_BROKEN_OFF, "the gateway has ended it")
		       : status;
}
