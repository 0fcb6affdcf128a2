/* This file speaks to our chaincode: it knows its functions, their arguments, and the form of what
 * they answer. */
#include "gateway/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "gateway_private.h"

#define NOTHING 0xffffffffu /* a length in a list that says that there is nothing */

/* ---- A batch ---- */

static emr_status split(
	gateway_run *run, emr_bytes batch, size_t *out_public_len, uint16_t *out_count)
{
	emr_batch *parsed = malloc(sizeof *parsed);
	emr_result result;

	if (parsed == NULL)
		return gateway_run_fail_here(run, EMR_NO_MEMORY);
	*parsed = (emr_batch){.count = 0};
	result = emr_batch_parse((emr_span){batch.data, batch.len}, parsed);
	*out_public_len = EMR_HEADER_BYTES + parsed->items_bytes.len;
	*out_count = parsed->count;
	free(parsed);
	return result == EMR_RESULT_APPLIED ? EMR_OK : gateway_run_fail_here(run, EMR_INVALID);
}

/* As the chaincode gives it: the kind, then a result for each item. */
static bool read_answer(emr_bytes bytes, uint16_t count, emr_gateway_answer *out)
{
	if (bytes.len != 1 + (size_t)count ||
		(bytes.data[0] != EMR_OUTCOME_APPLIED && bytes.data[0] != EMR_OUTCOME_KNOWN))
		return false;
	out->kind = bytes.data[0];
	out->refusal = 0;
	out->n_results = count;
	memcpy(out->results, bytes.data + 1, count);
	return true;
}

/* A refusal is not endorsed, so it comes as an error, whose words are the chaincode's: "refused 23:
 * ...". */
static bool read_refusal(const emr_gateway_call *call, emr_gateway_answer *out)
{
	const char *words = ", refused ", *found = strstr(call->said, words);
	unsigned long code = found == NULL ? 0 : strtoul(found + strlen(words), NULL, 10);

	if (call->fault != EMR_GATEWAY_REFUSED || code == 0 || code > UINT8_MAX)
		return false;
	*out = (emr_gateway_answer){.kind = EMR_OUTCOME_REFUSED, .refusal = (uint8_t)code};
	return true;
}

emr_status emr_gateway_register(emr_gateway *gateway, emr_gateway_call *call,
	const emr_gateway_handed *handed, emr_bytes batch, emr_bytes authority,
	emr_buf *out_envelope, emr_gateway_answer *out_answer)
{
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_ENDORSE);
	EMR_AUTO_BUF envelope = {0};
	EMR_AUTO_BUF result = {0};
	emr_bytes args[5] = {emr_bytes_of("register", 8),
		emr_bytes_of(handed->submitter.b, sizeof handed->submitter.b),
		emr_bytes_of(handed->signature, sizeof handed->signature), {0}, authority};
	emr_gateway_invocation invocation = {
		.args = args, .arg_count = authority.len > 0 ? 5 : 4, .transient_name = "parts"};
	size_t public_len = 0;
	uint16_t count = 0;
	emr_status status;

	EMR_TRY(split(&run, batch, &public_len, &count));
	args[3] = emr_bytes_of(batch.data, public_len);
	invocation.transient = emr_bytes_of(batch.data + public_len, batch.len - public_len);
	if (invocation.transient.len == 0)
		invocation.transient_name = NULL;
	status = emr_gateway_endorse(gateway, call, &invocation, &envelope, &result);
	if (status != EMR_OK && read_refusal(call, out_answer))
		return EMR_OK;
	if (status != EMR_OK)
		return status;
	if (!read_answer(emr_buf_view(&result), count, out_answer))
		return gateway_run_fail(&run, EMR_GATEWAY_STRANGE, "no answer of our chaincode");
	if (out_answer->kind == EMR_OUTCOME_APPLIED)
		status = emr_buf_append(out_envelope, envelope.data, envelope.len);
	return status == EMR_OK ? EMR_OK : gateway_run_fail_here(&run, status);
}

/* ---- Reading ---- */

static emr_status ask_list(emr_gateway *gateway, emr_gateway_call *call, const char *function,
	const char *const *keys, size_t count, emr_buf *out)
{
	gateway_run run = gateway_run_begin(gateway, call, EMR_GATEWAY_EVALUATE);
	EMR_AUTO_FREE emr_bytes *args = calloc(count + 1, sizeof *args);
	emr_gateway_invocation invocation = {.args = args, .arg_count = count + 1};

	if (count > EMR_GATEWAY_KEYS_MAX)
		return gateway_run_fail(&run, EMR_GATEWAY_TOO_LARGE, "the keys");
	if (args == NULL)
		return gateway_run_fail_here(&run, EMR_NO_MEMORY);
	args[0] = emr_bytes_of(function, strlen(function));
	for (size_t i = 0; i < count; i++)
		args[i + 1] = emr_bytes_of(keys[i], strlen(keys[i]));
	return emr_gateway_evaluate(gateway, call, &invocation, out);
}

/* Length in four bytes, then the bytes. */
static emr_bytes take_value(emr_reader *r)
{
	uint32_t len = emr_read_u32(r);

	return r->bad || len == NOTHING ? (emr_bytes){0} : emr_read_bytes(r, len);
}

static emr_status check_list(
	emr_gateway *gateway, emr_gateway_call *call, const emr_buf *list, size_t count)
{
	gateway_run run = {.gateway = gateway, .call = call};
	emr_reader r = emr_reader_of(emr_buf_view(list));

	for (size_t i = 0; i < count; i++)
		(void)take_value(&r);
	return emr_reader_done(&r)
		       ? EMR_OK
		       : gateway_run_fail(&run, EMR_GATEWAY_STRANGE, "no list of our chaincode");
}

static emr_status read_values(emr_gateway *gateway, emr_gateway_call *call, const char *function,
	const char *const *keys, size_t count, emr_gateway_row_fn visit, void *arg)
{
	EMR_AUTO_BUF list = {0};
	emr_reader r;
	emr_status status = ask_list(gateway, call, function, keys, count, &list);

	if (status == EMR_OK)
		status = check_list(gateway, call, &list, count);
	r = emr_reader_of(emr_buf_view(&list));
	for (size_t i = 0; i < count && status == EMR_OK; i++)
		status = visit(arg, i, take_value(&r));
	return status;
}

emr_status emr_gateway_rows(emr_gateway *gateway, emr_gateway_call *call, const char *const *keys,
	size_t count, emr_gateway_row_fn visit, void *arg)
{
	return read_values(gateway, call, "rows", keys, count, visit, arg);
}

emr_status emr_gateway_letters(emr_gateway *gateway, emr_gateway_call *call,
	const char *const *places, size_t count, emr_gateway_row_fn visit, void *arg)
{
	return read_values(gateway, call, "left", places, count, visit, arg);
}

emr_status emr_gateway_applications(emr_gateway *gateway, emr_gateway_call *call, const char *from,
	emr_gateway_application_fn visit, void *arg)
{
	gateway_run run = {.gateway = gateway, .call = call};
	EMR_AUTO_BUF list = {0};
	emr_reader r;
	emr_status status = ask_list(gateway, call, "applications", &from, 1, &list);

	r = emr_reader_of(emr_buf_view(&list));
	while (status == EMR_OK && !emr_reader_done(&r)) {
		emr_bytes id = take_value(&r), letter = take_value(&r);

		if (r.bad)
			return gateway_run_fail(
				&run, EMR_GATEWAY_STRANGE, "no list of our chaincode");
		status = visit(arg, id, letter);
	}
	return status;
}

static emr_gateway_part_state state_of(emr_bytes part, emr_bytes hash, emr_bytes place)
{
	if (part.data != NULL)
		return EMR_GATEWAY_PART_HERE;
	if (hash.data != NULL)
		return EMR_GATEWAY_PART_ON_ITS_WAY;
	return place.data != NULL ? EMR_GATEWAY_PART_PURGED : EMR_GATEWAY_PART_UNKNOWN;
}

emr_status emr_gateway_parts(emr_gateway *gateway, emr_gateway_call *call, const char *const *keys,
	size_t count, emr_gateway_part_fn visit, void *arg)
{
	EMR_AUTO_BUF list = {0};
	emr_reader r;
	emr_status status = ask_list(gateway, call, "parts", keys, count, &list);

	if (status == EMR_OK)
		status = check_list(gateway, call, &list, 3 * count);
	r = emr_reader_of(emr_buf_view(&list));
	for (size_t i = 0; i < count && status == EMR_OK; i++) {
		emr_bytes part = take_value(&r), hash = take_value(&r), place = take_value(&r);

		status = visit(arg, i, state_of(part, hash, place), part);
	}
	return status;
}
