/* This file answers the requests of a served ledger: which there are, who may make them, and what
 * each says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/backend.h"
#include "served_private.h"

#define ENTRIES_MAX 4096u /* of one answer */

static const char *query(const served_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *header(const served_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

/* A decimal number, or what stands for one that is not there. */
static emr_status query_number(
	const served_call *call, const char *name, uint64_t absent, uint64_t *out)
{
	const char *text = query(call, name);
	char *end;

	*out = absent;
	if (text == NULL)
		return EMR_OK;
	if (*text < '0' || *text > '9')
		return EMR_INVALID;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? EMR_OK : EMR_INVALID;
}

/* The domain that is asked for; *OUT_IS_ANY: all of them. */
static emr_status query_domain(const served_call *call, emr_id16 *out, bool *out_is_any)
{
	const char *text = query(call, "domain");

	*out_is_any = text == NULL;
	return text == NULL || emr_unhex(text, out->b, sizeof out->b) == EMR_OK ? EMR_OK
										: EMR_INVALID;
}

static emr_status put_number(served_call *call, uint64_t number)
{
	char text[24];

	return emr_buf_append(&call->out, text,
		(size_t)snprintf(text, sizeof text, "%llu\n", (unsigned long long)number));
}

/* ---- one function a request ---- */

static emr_status give_descriptor(emr_served *served, served_call *call)
{
	emr_bytes descriptor = emr_ledger_descriptor(served->ledger);

	return emr_buf_append(&call->out, descriptor.data, descriptor.len);
}

static emr_status take_batch(emr_served *served, served_call *call)
{
	emr_ledger_answer answer = {.seq = 0};
	emr_id32 submitter;
	emr_status status;

	if (call->body.len < WIRE_SUBMIT_HEAD)
		return EMR_INVALID;
	memcpy(submitter.b, call->body.data, 32);
	status = emr_embedded_take(served->ledger, submitter, call->body.data + 32,
		emr_bytes_of(call->body.data + WIRE_SUBMIT_HEAD, call->body.len - WIRE_SUBMIT_HEAD),
		&answer);
	atomic_fetch_add(&served->batches, 1);
	return status == EMR_OK ? wire_put_answer(&answer, &call->out) : status;
}

static emr_status give_size(emr_served *served, served_call *call)
{
	uint64_t size, wait_ms;
	emr_status status = query_number(call, "since", 0, &call->wait_since);

	if (status == EMR_OK)
		status = query_number(call, "wait-ms", 0, &wait_ms);
	if (status == EMR_OK)
		status = emr_ledger_size(served->ledger, &size);
	if (status != EMR_OK)
		return status;
	if (size > call->wait_since || wait_ms == 0 || call->wait_until_ns != 0)
		return put_number(call, size);
	if (wait_ms > WIRE_WAIT_MAX_MS)
		wait_ms = WIRE_WAIT_MAX_MS;
	call->wait_until_ns = emr_clock_boot_ns(emr_clock_system()) + (int64_t)wait_ms * 1000000;
	return EMR_AWAITED;
}

static emr_status give_changes(emr_served *served, served_call *call)
{
	emr_ledger_change change;
	emr_id16 domain;
	bool is_any;
	uint64_t since;
	emr_status status = query_domain(call, &domain, &is_any);

	if (status == EMR_OK)
		status = query_number(call, "since", 0, &since);
	if (status == EMR_OK)
		status =
			emr_ledger_changes(served->ledger, is_any ? NULL : &domain, since, &change);
	return status == EMR_OK ? wire_put_change(&change, &call->out) : status;
}

/* EMR_EXISTS: the answer is full; the client asks for more. */
static emr_status put_entry(void *arg, const emr_ledger_entry *entry)
{
	served_call *call = arg;

	return call->out.len >= WIRE_PORTION ? EMR_EXISTS : wire_put_entry(entry, &call->out);
}

static emr_status give_entries(emr_served *served, served_call *call)
{
	emr_id16 domain;
	bool is_any;
	uint64_t from, max;
	size_t n = 0;
	emr_status status = query_domain(call, &domain, &is_any);

	if (status == EMR_OK)
		status = query_number(call, "from", 0, &from);
	if (status == EMR_OK)
		status = query_number(call, "max", ENTRIES_MAX, &max);
	if (status != EMR_OK)
		return status;
	if (max > ENTRIES_MAX)
		max = ENTRIES_MAX;
	status = is_any ? emr_ledger_entries(served->ledger, from, max, put_entry, call, &n)
			: emr_ledger_domain_entries(
				  served->ledger, domain, from, max, put_entry, call, &n);
	/* What could be read is given; the next request meets what could not. */
	return n > 0 || status == EMR_EXISTS ? EMR_OK : status;
}

static emr_status put_part(void *arg, size_t index, emr_bytes part)
{
	served_call *call = arg;

	(void)index;
	return call->out.len >= WIRE_PORTION ? EMR_EXISTS : wire_put_part(part, &call->out);
}

static emr_status give_parts(emr_served *served, served_call *call)
{
	emr_part_key *keys = malloc(WIRE_KEYS_MAX * sizeof *keys);
	size_t n = 0;
	emr_status status =
		keys ? wire_read_keys(emr_buf_view(&call->body), keys, &n) : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = emr_ledger_fetch(served->ledger, keys, n, put_part, call);
	free(keys);
	return status == EMR_EXISTS ? EMR_OK : status;
}

static emr_status find_item(emr_served *served, served_call *call)
{
	uint8_t place[10];
	emr_id32 id;
	uint64_t seq;
	uint16_t index;
	emr_status status = emr_unhex(call->path + strlen("items/"), id.b, sizeof id.b);

	if (status == EMR_OK)
		status = emr_ledger_find_item(served->ledger, id, &seq, &index);
	if (status != EMR_OK)
		return status;
	emr_put_u64(place, seq);
	emr_put_u16(place + 8, index);
	return emr_buf_append(&call->out, place, sizeof place);
}

static emr_status give_subtree(emr_served *served, served_call *call)
{
	const emr_ledger_backend *backend;
	void *self;
	uint8_t hash[32];
	uint64_t level, index;
	emr_status status = query_number(call, "level", 64, &level);

	if (status == EMR_OK)
		status = query_number(call, "index", 0, &index);
	if (status != EMR_OK || level >= 64)
		return EMR_INVALID;
	backend = emr_ledger_below(served->ledger, &self);
	status = backend->subtree(self, (uint32_t)level, index, hash);
	return status == EMR_OK ? emr_buf_append(&call->out, hash, sizeof hash) : status;
}

static emr_status give_note(emr_served *served, served_call *call)
{
	return emr_ledger_checkpoint(served->ledger, &call->out);
}

/* The handle judges what it is left, and unites it with what is there. */
static emr_status take_note(emr_served *served, served_call *call)
{
	return emr_ledger_leave_checkpoint(served->ledger, emr_buf_view(&call->body));
}

static const struct {
	const char *method, *path; /* one that ends in "/" has something behind it */
	bool is_for_all;	   /* without a token: what is sent is signed, or is public */
	emr_status (*answer)(emr_served *served, served_call *call);
} requests[] = {
	{"GET", "descriptor", true, give_descriptor},
	{"POST", "token", true, served_give_token},
	{"POST", "batches", true, take_batch},
	{"GET", "size", false, give_size},
	{"GET", "changes", false, give_changes},
	{"GET", "entries", false, give_entries},
	{"POST", "parts", false, give_parts},
	{"GET", "items/", false, find_item},
	{"GET", "subtree", false, give_subtree},
	{"GET", "note", false, give_note},
	{"POST", "note", false, take_note},
};

static bool is_path(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);

	return pattern[len - 1] == '/' ? strncmp(pattern, path, len) == 0
				       : strcmp(pattern, path) == 0;
}

emr_status served_answer(emr_served *served, const char *method, served_call *call)
{
	emr_status status = EMR_OK;

	if (call->is_too_long)
		return EMR_LIMIT;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		if (strcmp(requests[i].method, method) != 0 ||
			!is_path(requests[i].path, call->path))
			continue;
		if (!requests[i].is_for_all)
			status = served_check_token(
				served, header(call, "Authorization"), &call->reader);
		return status == EMR_OK ? requests[i].answer(served, call) : status;
	}
	return EMR_NOT_FOUND;
}
