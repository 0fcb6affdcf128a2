/* This file reads blocks of a channel through the peer's system chaincode, checks that each
 * continues the one before, and finds the batches that were entered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "crypto/hashsig.h"
#include "fields.h"
#include "gateway/entries.h"
#include "gateway_private.h"

#define METADATA_FILTER 2 /* common/common.proto, BlockMetadataIndex */
#define MOVED_ARGS 3
#define ARGS_MAX (1 + MOVED_ARGS * EMR_GATEWAY_MOVED_MAX)
#define HEIGHT_MS 10000 /* for a number, before the next gateway is asked */
/* One stream of blocks ends behind the block that reaches one of these. */
#define STREAM_BLOCKS 64
#define STREAM_BYTES ((size_t)16 << 20)
#define STREAM_MS 5000

/* ---- A block ---- */

typedef struct block {
	uint64_t number;
	emr_bytes previous, data_hash, filter;
	emr_bytes *transactions; /* owned */
	size_t count;
} block;

/* COUNT transactions into TRANSACTIONS, or how many there are where COUNT is 0. */
static emr_status read_parts(emr_bytes bytes, block *out)
{
	emr_bytes values[METADATA_MAX];
	proto_list transactions = {.items = out->transactions, .max = out->count};
	proto_list metadata = {.items = values, .max = METADATA_MAX};
	const proto_want of_header[] = {{BLOCK_HEADER_NUMBER, PROTO_NUMBER, &out->number},
		{BLOCK_HEADER_PREVIOUS_HASH, PROTO_BYTES, &out->previous},
		{BLOCK_HEADER_DATA_HASH, PROTO_BYTES, &out->data_hash}};
	const proto_want of_data[] = {{BLOCK_DATA_DATA, PROTO_REPEATED, &transactions}};
	const proto_want of_metadata[] = {{BLOCK_METADATA_METADATA, PROTO_REPEATED, &metadata}};
	const proto_want of_block[] = {{BLOCK_HEADER, PROTO_MESSAGE, PROTO_INSIDE(of_header)},
		{BLOCK_DATA, PROTO_MESSAGE, PROTO_INSIDE(of_data)},
		{BLOCK_METADATA, PROTO_MESSAGE, PROTO_INSIDE(of_metadata)}};
	emr_status status = proto_read(bytes, of_block, 3);

	out->count = transactions.total;
	if (metadata.count > METADATA_FILTER)
		out->filter = values[METADATA_FILTER];
	return status;
}

emr_status block_flags(emr_bytes bytes, uint8_t out_hash[32], emr_buf *out_filter)
{
	block b = {.number = 0};

	EMR_TRY(read_parts(bytes, &b));
	if (b.previous.len > HASH_BYTES || b.data_hash.len != HASH_BYTES)
		return EMR_DAMAGED;
	block_hash(b.number, b.previous, b.data_hash, out_hash);
	return emr_buf_append(out_filter, b.filter.data, b.filter.len);
}

static emr_status read_block(emr_bytes bytes, block *out)
{
	EMR_TRY(read_parts(bytes, out));
	if (out->count == 0)
		return EMR_OK;
	out->transactions = calloc(out->count, sizeof *out->transactions);
	return out->transactions != NULL ? read_parts(bytes, out) : EMR_NO_MEMORY;
}

static void block_free(block *b)
{
	free(b->transactions);
}

static bool is_data_of(const block *b)
{
	emr_sha256_ctx ctx;
	uint8_t hash[HASH_BYTES];

	emr_sha256_init(&ctx);
	for (size_t i = 0; i < b->count; i++)
		emr_sha256_update(&ctx, b->transactions[i].data, b->transactions[i].len);
	emr_sha256_final(&ctx, hash);
	return emr_bytes_equal(b->data_hash, emr_bytes_of(hash, sizeof hash));
}

static bool continues(const block *b, const emr_gateway_position *position)
{
	emr_bytes hash = emr_bytes_of(position->hash, HASH_BYTES);

	return b->number == 0 || emr_bytes_equal(b->previous, hash);
}

/* Everything behind the first block leads back to it, and nobody signs it: who orders the channel
 * is its word alone. */
static bool is_beginning(const emr_gateway *gateway, const block *b)
{
	uint8_t hash[HASH_BYTES];

	if (b->number > 0 || !gateway->has_genesis)
		return true;
	block_hash(b->number, b->previous, b->data_hash, hash);
	return memcmp(hash, gateway->genesis, sizeof hash) == 0;
}

/* ---- Its entries ---- */

static emr_status read_args(emr_bytes proposal_payload, proto_list *args)
{
	emr_bytes input = {0};
	const proto_want of_payload[] = {{CHAINCODE_PROPOSAL_PAYLOAD_INPUT, PROTO_BYTES, &input}};
	const proto_want of_input[] = {{CHAINCODE_INPUT_ARGS, PROTO_REPEATED, args}};
	const proto_want of_spec[] = {
		{CHAINCODE_SPEC_INPUT, PROTO_MESSAGE, PROTO_INSIDE(of_input)}};
	const proto_want of_invocation[] = {
		{CHAINCODE_INVOCATION_SPEC_CHAINCODE_SPEC, PROTO_MESSAGE, PROTO_INSIDE(of_spec)}};

	EMR_TRY(proto_read(proposal_payload, of_payload, 1));
	return proto_read(input, of_invocation, 1);
}

static emr_status read_header(const gateway_prepared *p, emr_gateway_entry *out)
{
	emr_bytes tx_id = {0};
	uint64_t seconds = 0;
	const proto_want of_time[] = {{TIMESTAMP_SECONDS, PROTO_NUMBER, &seconds}};
	const proto_want of_channel[] = {
		{CHANNEL_HEADER_TIMESTAMP, PROTO_MESSAGE, PROTO_INSIDE(of_time)},
		{CHANNEL_HEADER_TX_ID, PROTO_BYTES, &tx_id}};

	EMR_TRY(proto_read(p->channel_header, of_channel, 2));
	if (tx_id.len != TX_ID_CHARS)
		return EMR_DAMAGED;
	memcpy(out->tx_id, tx_id.data, tx_id.len);
	out->tx_id[TX_ID_CHARS] = '\0';
	out->ledger_time_unix_s = seconds;
	return EMR_OK;
}

/* The content of a transaction: a batch, or entries of the ledger of a directory. */
typedef struct entered {
	emr_bytes args[ARGS_MAX];
	size_t count;
	emr_bytes result;
	bool is_something, has_moved;
	bool is_endorsed;	 /* by as many as must, for this channel */
	emr_gateway_entry entry; /* what all of it have in common */
} entered;

static bool read_batch(const entered *e, emr_gateway_entry *out)
{
	emr_header header;
	size_t public_len;

	if (e->count < 4 || e->args[1].len != sizeof out->submitter.b ||
		e->args[2].len != sizeof out->submit_sig || e->args[3].len < EMR_HEADER_BYTES ||
		emr_header_parse((emr_span){e->args[3].data, EMR_HEADER_BYTES}, &header) !=
			EMR_CONTRACT_OK ||
		e->result.len != 1 + (size_t)header.count)
		return false;
	memcpy(out->submitter.b, e->args[1].data, e->args[1].len);
	memcpy(out->submit_sig, e->args[2].data, e->args[2].len);
	/* Somebody may have sent private parts in the open, which the contract takes as well. */
	public_len = emr_batch_public_len((emr_span){e->args[3].data, e->args[3].len});
	out->batch = emr_bytes_of(e->args[3].data, public_len > 0 ? public_len : e->args[3].len);
	out->results = emr_bytes_of(e->result.data + 1, header.count);
	return true;
}

/* Entry I of those that moved, behind the function's name: its bytes, its items, a hint for peers.
 */
static bool read_moved(const entered *e, size_t i, emr_gateway_entry *out)
{
	const emr_bytes *at = e->args + 1 + MOVED_ARGS * i;
	emr_entry parsed;

	if (emr_entry_parse((emr_span){at[0].data, at[0].len}, &parsed) != EMR_CONTRACT_OK)
		return false;
	memcpy(out->submitter.b, parsed.submitter_id, sizeof out->submitter.b);
	out->moved = at[0];
	out->batch = at[1];
	out->results = emr_bytes_of(parsed.results.data, parsed.results.len);
	return true;
}

static bool are_moved(const entered *e)
{
	emr_gateway_entry entry;
	bool are = e->count > 1 && (e->count - 1) % MOVED_ARGS == 0;

	for (size_t i = 0; are && i < (e->count - 1) / MOVED_ARGS; i++)
		are = read_moved(e, i, &entry);
	return are;
}

/* Whether a transaction has entered something: it is one of ours, its function is register or move,
 * and the contract has applied it.  An answer that a batch is known can be submitted too, and
 * enters nothing; what the contract would not have applied in this form is none of its batches.
 * EMR_DAMAGED: it cannot be read. */
static emr_status read_entered(const emr_gateway *gateway, const gateway_prepared *p, entered *out)
{
	proto_list args = {.items = out->args, .max = ARGS_MAX};

	if (!is_text(p->chaincode_name, gateway->chaincode) || p->result.len == 0 ||
		p->result.data[0] != EMR_OUTCOME_APPLIED)
		return EMR_OK;
	EMR_TRY(read_args(p->proposal_payload, &args));
	if (args.count == 0 || args.total > args.max)
		return EMR_OK;
	out->count = args.count;
	out->result = p->result;
	out->has_moved = is_text(out->args[0], "move");
	if (out->has_moved)
		out->is_something = are_moved(out);
	else if (is_text(out->args[0], "register"))
		out->is_something = read_batch(out, &out->entry);
	return out->is_something ? read_header(p, &out->entry) : EMR_OK;
}

static emr_status read_type(emr_bytes payload, uint32_t *out_type)
{
	uint64_t type = 0;
	emr_bytes channel_header = {0};
	const proto_want of_header[] = {{HEADER_CHANNEL_HEADER, PROTO_BYTES, &channel_header}};
	const proto_want of_payload[] = {{PAYLOAD_HEADER, PROTO_MESSAGE, PROTO_INSIDE(of_header)}};
	const proto_want of_channel[] = {{CHANNEL_HEADER_TYPE, PROTO_NUMBER, &type}};
	emr_status status = proto_read(payload, of_payload, 1);

	if (status == EMR_OK)
		status = proto_read(channel_header, of_channel, 1);
	*out_type = (uint32_t)type;
	return status;
}

/* NULL: the transaction is its creator's and this channel's, and the organisations that must have
 * endorsed it. */
static const char *entry_wrong(const emr_gateway *gateway, const gateway_prepared *p,
	emr_bytes payload, emr_bytes signature, bool *out_is_endorsed)
{
	emr_bytes channel = {0}, creator = {0};
	const proto_want of_channel[] = {{CHANNEL_HEADER_CHANNEL_ID, PROTO_BYTES, &channel}};
	const proto_want of_signature[] = {{SIGNATURE_HEADER_CREATOR, PROTO_BYTES, &creator}};
	const char *wrong;

	if (proto_read(p->channel_header, of_channel, 1) != EMR_OK ||
		proto_read(p->signature_header, of_signature, 1) != EMR_OK)
		return "its header cannot be read";
	if (!is_text(channel, gateway->channel))
		return "it is of another channel";
	wrong = endorsements_wrong(gateway, p, gateway->endorsers_least);
	*out_is_endorsed = wrong == NULL;
	return wrong != NULL ? wrong : creator_wrong(creator, payload, signature);
}

/* NULL: OUT is what the transaction has entered, if it has.  Else what is wrong with it here; OUT
 * is that all the same, where it can be read. */
static const char *read_transaction(const emr_gateway *gateway, emr_bytes bytes, entered *out)
{
	emr_bytes payload = {0}, signature = {0};
	uint32_t type = 0;
	const proto_want of_envelope[] = {{ENVELOPE_PAYLOAD, PROTO_BYTES, &payload},
		{ENVELOPE_SIGNATURE, PROTO_BYTES, &signature}};
	gateway_prepared p;
	emr_status status = proto_read(bytes, of_envelope, 2);

	out->is_something = out->is_endorsed = false;
	if (status == EMR_OK)
		status = read_type(payload, &type);
	if (status == EMR_OK && type != HEADER_TYPE_ENDORSER_TRANSACTION)
		return NULL;
	if (status == EMR_OK)
		status = prepared_read(payload, &p);
	if (status == EMR_OK)
		status = read_entered(gateway, &p, out);
	if (status != EMR_OK) {
		out->is_something = false;
		return "a valid transaction that cannot be read";
	}
	return out->is_something ? entry_wrong(gateway, &p, payload, signature, &out->is_endorsed)
				 : NULL;
}

static emr_status visit_entered(const entered *e, const block_reader *reader)
{
	const size_t n = e->has_moved ? (e->count - 1) / MOVED_ARGS : 1;

	for (size_t i = 0; i < n; i++) {
		emr_gateway_entry entry = e->entry;

		if (!e->has_moved || read_moved(e, i, &entry))
			EMR_TRY(reader->visit(reader->arg, &entry));
	}
	return EMR_OK;
}

/* A transaction that peers call valid is in their state: to pass it over, or to stop at it, would
 * part the readers here from them. So the word of those that must endorse decides. *OUT_WRONG: it
 * is not theirs, and the one that is asked has made it up. */
static emr_status confirm(const block_reader *reader, const block *b, const entered *e,
	const char *wrong, const char **out_wrong)
{
	block_doubt doubt = {.number = b->number,
		.tx = e->entry.tx,
		.transaction = b->transactions[e->entry.tx],
		.wrong = wrong,
		.may_count = !e->is_something || e->is_endorsed};
	emr_status status;

	block_hash(b->number, b->previous, b->data_hash, doubt.hash);
	status = reader->confirm != NULL ? reader->confirm(reader->confirm_arg, &doubt)
					 : EMR_DAMAGED;
	if (status == EMR_DAMAGED)
		*out_wrong = wrong;
	return status;
}

static emr_status visit_entries(const emr_gateway *gateway, const block *b,
	const block_reader *reader, const char **out_wrong)
{
	EMR_AUTO_FREE entered *e = calloc(1, sizeof *e);

	if (e == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < b->count; i++) {
		const char *wrong;

		if (b->filter.data[i] != 0)
			continue; /* not valid */
		e->entry = (emr_gateway_entry){.block = b->number, .tx = (uint32_t)i};
		wrong = read_transaction(gateway, b->transactions[i], e);
		if (wrong != NULL)
			EMR_TRY(confirm(reader, b, e, wrong, out_wrong));
		if (e->is_something)
			EMR_TRY(visit_entered(e, reader));
	}
	return EMR_OK;
}

static void advance(const block *b, emr_gateway_position *position)
{
	emr_sha256_ctx ctx;

	block_hash(b->number, b->previous, b->data_hash, position->hash);
	emr_sha256_init(&ctx);
	emr_sha256_update(&ctx, position->digest, HASH_BYTES);
	emr_sha256_update(&ctx, position->hash, HASH_BYTES);
	emr_sha256_update(&ctx, b->filter.data, b->filter.len);
	emr_sha256_final(&ctx, position->digest);
	position->next_block++;
}

/* *OUT_WRONG is set when the block is what is wrong, not what the reader said. */
emr_status block_visit(const emr_gateway *gateway, emr_bytes bytes, emr_gateway_position *position,
	const block_reader *reader, const char **out_wrong)
{
	__attribute__((cleanup(block_free))) block b = {.number = 0};
	emr_status status = read_block(bytes, &b);

	*out_wrong = NULL;
	if (status != EMR_OK && status != EMR_NO_MEMORY)
		*out_wrong = "a block that cannot be read";
	else if (status == EMR_OK && (b.number != position->next_block || b.filter.len != b.count ||
					     b.previous.len > HASH_BYTES || !is_data_of(&b)))
		*out_wrong = "a block that is not what its header says";
	else if (status == EMR_OK && b.number == 0 && b.previous.len > 0)
		*out_wrong = "a first block that names one before it";
	else if (status == EMR_OK && (!continues(&b, position) || !is_beginning(gateway, &b)))
		status = EMR_FORK;
	if (*out_wrong != NULL)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = visit_entries(gateway, &b, reader, out_wrong);
	if (status == EMR_OK)
		advance(&b, position);
	return status;
}

/* ---- Asking ---- */

static emr_status ask_ledger(emr_gateway *gateway, emr_gateway_call *call, const char *function,
	const char *number, emr_buf *out)
{
	emr_bytes args[3] = {emr_bytes_of(function, strlen(function)),
		emr_bytes_of(gateway->channel, strlen(gateway->channel)),
		emr_bytes_of(number, number == NULL ? 0 : strlen(number))};
	emr_gateway_invocation invocation = {
		.args = args, .arg_count = number == NULL ? 2 : 3, .chaincode = "qscc"};

	emr_buf_clear(out);
	return emr_gateway_evaluate(gateway, call, &invocation, out);
}

static emr_status other_history(emr_gateway_call *call, emr_status status, const char *said)
{
	gateway_run run = {.call = call};

	(void)gateway_run_fail(&run, EMR_GATEWAY_OTHER_HISTORY, said);
	return status;
}

static emr_status ask_height(
	emr_gateway *gateway, emr_gateway_call *call, uint64_t least, uint64_t *out_height)
{
	EMR_AUTO_BUF answer = {0};
	gateway_run run = {.call = call};
	const proto_want wants[] = {{BLOCKCHAIN_INFO_HEIGHT, PROTO_NUMBER, out_height}};
	emr_status status = ask_ledger(gateway, call, "GetChainInfo", NULL, &answer);

	*out_height = 0;
	if (status != EMR_OK)
		return status;
	if (proto_read(emr_buf_view(&answer), wants, 1) != EMR_OK || *out_height == 0)
		return gateway_run_fail(&run, EMR_GATEWAY_STRANGE, "a height that cannot be read");
	return *out_height < least ? other_history(call, EMR_ROLLBACK, "fewer blocks than before")
				   : EMR_OK;
}

/* A peer that was cut off answers, and has fewer blocks than were read from another; one that was
 * stopped says nothing: then the next one is asked. */
static emr_status ask_height_of_any(
	emr_gateway *gateway, emr_gateway_call *call, uint64_t least, uint64_t *out_height)
{
	gateway_run run = {.gateway = gateway,
		.call = call,
		.has_end = true,
		.deadline_ns =
			emr_clock_boot_ns(gateway->clock) + (int64_t)call->timeout_ms * 1000000};
	const uint32_t all_ms = call->timeout_ms;
	bool is_another = true;
	emr_status status = gateway_run_fail(&run, EMR_GATEWAY_SLOW, NULL);

	for (size_t i = 0; i < gateway->endpoint_count && is_another; i++) {
		call->timeout_ms = gateway_run_left_ms(&run);
		if (gateway->endpoint_count > 1 && call->timeout_ms > HEIGHT_MS)
			call->timeout_ms = HEIGHT_MS;
		if (call->timeout_ms == 0)
			break;
		status = ask_height(gateway, call, least, out_height);
		is_another = status == EMR_ROLLBACK || call->fault == EMR_GATEWAY_SLOW;
		if (is_another)
			endpoint_defer(gateway, call->endpoint);
	}
	call->timeout_ms = all_ms;
	return status;
}

/* Takes the bytes that came as the block that POSITION expects, and gives its entries to VISIT. */
static emr_status take_block(emr_gateway *gateway, emr_gateway_call *call, emr_bytes bytes,
	emr_gateway_position *position, emr_gateway_entry_fn visit, void *arg)
{
	gateway_run run = {.gateway = gateway, .call = call};
	__attribute__((cleanup(block_doubts_free)))
	block_doubts doubts = {.gateway = gateway, .call = call};
	const block_reader reader = {
		.visit = visit, .arg = arg, .confirm = block_doubts_decide, .confirm_arg = &doubts};
	emr_gateway_position next = *position;
	const char *wrong = NULL;
	emr_status status = block_visit(gateway, bytes, &next, &reader, &wrong);

	if (status == EMR_OK && call->orderers != NULL)
		status = orderers_look(gateway, call->orderers, bytes, &wrong);
	if (wrong != NULL)
		return gateway_run_fail(&run, EMR_GATEWAY_LIE, wrong);
	if (status == EMR_FORK && position->next_block == 0)
		return gateway_run_fail(&run, EMR_GATEWAY_OTHER_CHANNEL,
			"another first block than \"genesis\" says");
	if (status == EMR_FORK)
		return other_history(call, status, "a block that follows another one");
	if (status == EMR_OK)
		*position = next;
	return status;
}

static emr_status ask_block(emr_gateway *gateway, emr_gateway_call *call,
	emr_gateway_position *position, emr_gateway_entry_fn visit, void *arg)
{
	EMR_AUTO_BUF bytes = {0};
	char number[24];

	(void)snprintf(number, sizeof number, "%" PRIu64, position->next_block);
	EMR_TRY(ask_ledger(gateway, call, "GetBlockByNumber", number, &bytes));
	return take_block(gateway, call, emr_buf_view(&bytes), position, visit, arg);
}

/* ---- Many at once ---- */

typedef struct streaming {
	emr_gateway *gateway;
	emr_gateway_call *call;
	emr_gateway_position *position;
	emr_gateway_entry_fn visit;
	void *arg;
	size_t bytes;
	int64_t until_ns;
	bool is_enough;
} streaming;

static emr_status take_streamed(void *arg, emr_bytes bytes)
{
	streaming *s = arg;

	s->is_enough =
		s->bytes >= STREAM_BYTES || emr_clock_boot_ns(s->gateway->clock) >= s->until_ns;
	if (s->is_enough && s->bytes > 0)
		return EMR_LIMIT;
	s->bytes += bytes.len;
	return take_block(s->gateway, s->call, bytes, s->position, s->visit, s->arg);
}

/* Nothing is learnt by asking for the same in another way. */
static bool is_the_end(emr_gateway_fault fault)
{
	return fault == EMR_GATEWAY_CANCELLED || fault == EMR_GATEWAY_HERE ||
	       fault == EMR_GATEWAY_RESTING || fault == EMR_GATEWAY_DOUBT;
}

/* As many of the next N blocks as come in one stream.  EMR_OK also when none comes: then each is
 * asked for by itself, which tells what is the matter.  So a stream may not take all of the time.
 */
static emr_status ask_stream(emr_gateway *gateway, emr_gateway_call *call,
	emr_gateway_position *position, uint64_t n, emr_gateway_entry_fn visit, void *arg)
{
	const uint64_t from = position->next_block;
	const uint32_t all_ms = call->timeout_ms;
	streaming s = {.gateway = gateway,
		.call = call,
		.position = position,
		.visit = visit,
		.arg = arg,
		.until_ns = emr_clock_boot_ns(gateway->clock) + (int64_t)STREAM_MS * 1000000};
	emr_status status;

	if (call->timeout_ms > 2 * STREAM_MS)
		call->timeout_ms = 2 * STREAM_MS;
	status = deliver_blocks(gateway, call, from, from + n - 1, take_streamed, &s);
	call->timeout_ms = all_ms;
	if (status == EMR_OK || (!s.is_enough && is_the_end(call->fault)))
		return status;
	call->fault = EMR_GATEWAY_FINE;
	return EMR_OK;
}

/* ---- One by one ---- */

/* The first block is known before any gateway is asked: a gateway that has another one is passed
 * over while one has that. */
static emr_status ask_first_of_any(emr_gateway *gateway, emr_gateway_call *call,
	emr_gateway_position *position, emr_gateway_entry_fn visit, void *arg)
{
	emr_status status = EMR_OFFLINE;

	for (size_t i = 0; i < gateway->endpoint_count; i++) {
		bool is_another;

		status = ask_block(gateway, call, position, visit, arg);
		is_another =
			call->fault == EMR_GATEWAY_OTHER_CHANNEL || call->fault == EMR_GATEWAY_LIE;
		if (!is_another)
			break;
		endpoint_defer(gateway, call->endpoint);
		if (i + 1 < gateway->endpoint_count) /* the last one's is the caller's to log */
			gateway_log_fault("fabric", call);
	}
	return status;
}

/* How many there are may have been told by another one than who is asked now, and he may have
 * fewer.  Where nobody else can be asked, and he has all that was read, nothing went back: the next
 * block is not there for now, as *HEIGHT says then. */
static emr_status ask_block_of_any(emr_gateway *gateway, emr_gateway_call *call,
	emr_gateway_position *position, emr_gateway_entry_fn visit, void *arg, uint64_t *height)
{
	emr_status status = ask_block(gateway, call, position, visit, arg);

	if (status == EMR_OK || call->fault != EMR_GATEWAY_CHAINCODE)
		return status;
	endpoint_defer(gateway, call->endpoint);
	status = ask_height_of_any(gateway, call, position->next_block + 1, height);
	if (status == EMR_ROLLBACK && *height >= position->next_block) {
		call->fault = EMR_GATEWAY_FINE;
		return EMR_OK;
	}
	return status == EMR_OK ? ask_block(gateway, call, position, visit, arg) : status;
}

emr_status emr_gateway_entries(emr_gateway *gateway, emr_gateway_call *call,
	emr_gateway_position *position, size_t max_blocks, emr_gateway_entry_fn visit, void *arg,
	uint64_t *height)
{
	/* Of the first block nothing is known: whether the channel is the right one is asked again.
	 */
	uint64_t known = height != NULL && position->next_block > 0 ? *height : 0;
	const uint64_t end = max_blocks < UINT64_MAX - position->next_block
				     ? position->next_block + max_blocks
				     : UINT64_MAX;
	bool is_streaming = true;
	emr_status status = EMR_OK;

	if (known <= position->next_block)
		status = ask_height_of_any(gateway, call, position->next_block, &known);
	while (status == EMR_OK && position->next_block < known && position->next_block < end) {
		uint64_t before = position->next_block, n = (known < end ? known : end) - before;

		if (is_streaming && before > 0 && n > 1)
			status = ask_stream(gateway, call, position,
				n < STREAM_BLOCKS ? n : STREAM_BLOCKS, visit, arg);
		if (status != EMR_OK || position->next_block > before)
			continue;
		is_streaming = before == 0;
		status = before == 0
				 ? ask_first_of_any(gateway, call, position, visit, arg)
				 : ask_block_of_any(gateway, call, position, visit, arg, &known);
	}
	if (status == EMR_OK && height != NULL)
		*height = known;
	return status;
}
