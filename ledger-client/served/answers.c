/* This file answers the requests of a served ledger: which there are, who may make them, and what
 * each says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/worker.h"
#include "ledger/backend.h"
#include "ledger/network.h"
#include "served/authority.h"
#include "served/client.h"
#include "served_private.h"

_Static_assert(WIRE_KINDS_MAX <= EMR_SERVED_FAILURES, "each kind is counted");

#define ENTRIES_MAX 4096u /* of one answer */

/* ---- one function a request ---- */

static emr_status give_descriptor(emr_served *served, emr_serve_call *call)
{
	emr_bytes descriptor = emr_ledger_descriptor(served->ledger);

	return emr_buf_append(&call->out, descriptor.data, descriptor.len);
}

/* The handle of the directory has what lies in that of its host. */
static emr_status give_kept(emr_served *served, emr_serve_call *call)
{
	char what[96];

	if (strcmp(call->path, EMR_HOSTS) == 0)
		return served_name_others(served, call);
	(void)snprintf(what, sizeof what, EMR_ASK_KEPT "%s", call->path);
	return emr_ledger_ask(served->ledger, what, (emr_bytes){0}, &call->out);
}

/* Said about now.  In recovery about nothing before it: members refuse a restart for which somebody
 * was heard before an entry came. */
static emr_status take_said(emr_served *served, emr_serve_call *call)
{
	const uint64_t first = emr_clock_unix_s(served->clock) - WIRE_CLOCKS_APART_S;
	uint64_t size = 0, newest = 0;
	emr_checkpoint said;
	EMR_LOCKED(&served->rows_lock);

	EMR_TRY(emr_checkpoint_parse_said(emr_buf_view(&call->body), &said));
	if (!emr_id16_equal(said.recovery, served->lost.id))
		EMR_TRY(served_is_open(served));
	EMR_TRY(emr_chain_size(served->rows, &size));
	if (served_is_open(served) != EMR_OK && size > 0)
		EMR_TRY(emr_chain_time(served->rows, size - 1, &newest));
	/* A time before FIRST is a very large difference. */
	return said.sigs[0].time - first > 2 * WIRE_CLOCKS_APART_S || said.sigs[0].time < newest
		       ? EMR_DENIED
		       : emr_restart_said_keep(
				 served->host_dirfd, served->rows, emr_buf_view(&call->body));
}

static emr_status take_batch(emr_served *served, emr_serve_call *call)
{
	emr_ledger_answer answer = {.seq = 0};
	emr_id32 submitter;
	emr_status status;

	if (call->body.len < WIRE_SUBMIT_HEAD + EMR_HEADER_BYTES)
		return EMR_INVALID;
	memcpy(submitter.b, call->body.data, 32);
	status = emr_embedded_take(served->ledger, submitter, call->body.data + 32,
		emr_bytes_of(call->body.data + WIRE_SUBMIT_HEAD, call->body.len - WIRE_SUBMIT_HEAD),
		&answer);
	atomic_fetch_add(&served->batches, 1);
	return status == EMR_OK ? wire_put_answer(&answer, &call->out) : status;
}

/* EMR_AWAITED: there are no more yet. */
static emr_status give_size(emr_served *served, emr_serve_call *call, uint64_t below)
{
	uint64_t size, since, wait_ms;

	EMR_TRY(emr_serve_number(call, "since", 0, &since));
	EMR_TRY(emr_serve_number(call, "wait-ms", 0, &wait_ms));
	EMR_TRY(emr_ledger_size(served->ledger, &size));
	size = size < below ? size : below;
	if (size > since || wait_ms == 0 || call->waits_until_ns != 0)
		return served_put_head(served, size, &call->out);
	emr_serve_wait(call, since, wait_ms < WIRE_WAIT_MAX_MS ? wait_ms : WIRE_WAIT_MAX_MS);
	return EMR_AWAITED;
}

typedef struct giving {
	emr_serve_call *call;
	uint64_t below; /* of entries: what the asking key may read */
} giving;

/* EMR_EXISTS: the answer is full, and the client asks for more; or these are all. */
static emr_status put_entry(void *arg, const emr_ledger_entry *entry)
{
	const giving *g = arg;

	return g->call->out.len >= WIRE_PORTION || entry->seq >= g->below
		       ? EMR_EXISTS
		       : wire_put_entry(entry, &g->call->out);
}

static emr_status give_entries(emr_served *served, emr_serve_call *call, uint64_t below)
{
	giving g = {.call = call, .below = below};
	uint64_t from, max;
	size_t n = 0;
	emr_status status;

	EMR_TRY(emr_serve_number(call, "from", 0, &from));
	EMR_TRY(emr_serve_number(call, "max", ENTRIES_MAX, &max));
	if (max > ENTRIES_MAX)
		max = ENTRIES_MAX;
	status = emr_ledger_entries(served->ledger, from, max, put_entry, &g, &n);
	/* The entries that could be read are given; the next request meets the fault. */
	return n > 0 || status == EMR_EXISTS ? EMR_OK : status;
}

static emr_status put_part(void *arg, size_t index, emr_bytes part)
{
	emr_serve_call *call = arg;

	(void)index;
	return call->out.len >= WIRE_PORTION ? EMR_EXISTS : wire_put_part(part, &call->out);
}

/* Of entries that the asking key may read. */
static emr_status check_keys(emr_served *served, const emr_part_key *keys, size_t n, uint64_t below)
{
	if (below == UINT64_MAX)
		return EMR_OK;
	EMR_LOCKED(&served->rows_lock);
	for (size_t i = 0; i < n; i++) {
		emr_chain_placed at = {0};

		EMR_TRY(emr_chain_place(served->rows, &keys[i], &at));
		if (at.seq >= below)
			return EMR_DENIED;
	}
	return EMR_OK;
}

static emr_status give_parts(emr_served *served, emr_serve_call *call, uint64_t below)
{
	EMR_AUTO_FREE emr_part_key *keys = malloc(WIRE_KEYS_MAX * sizeof *keys);
	size_t n = 0;
	emr_status status;

	EMR_TRY(keys ? wire_read_keys(emr_buf_view(&call->body), keys, &n) : EMR_NO_MEMORY);
	EMR_TRY(check_keys(served, keys, n, below));
	status = emr_ledger_fetch(served->ledger, keys, n, put_part, call);
	return status == EMR_EXISTS ? EMR_OK : status;
}

/* Members give what the ledger lost. */
static emr_status give_lacking(emr_served *served, emr_serve_call *call)
{
	EMR_AUTO_FREE emr_chain_lacking *lacking = malloc(sizeof *lacking);
	uint8_t next[8];
	uint64_t from;

	EMR_TRY(emr_serve_number(call, "from", 0, &from));
	EMR_TRY(lacking != NULL ? emr_ledger_lacks(served->ledger, from, lacking) : EMR_NO_MEMORY);
	emr_put_u64(next, lacking->next);
	EMR_TRY(emr_buf_append(&call->out, next, sizeof next));
	return wire_put_keys(lacking->keys, lacking->n, &call->out);
}

typedef struct given {
	emr_part_key keys[WIRE_KEYS_MAX];
	emr_bytes parts[WIRE_KEYS_MAX];
} given;

static emr_status take_given(emr_served *served, emr_serve_call *call)
{
	EMR_AUTO_FREE given *g = malloc(sizeof *g);
	uint8_t taken[4];
	size_t n = 0, n_taken = 0;

	EMR_TRY(g != NULL ? wire_read_given(emr_buf_view(&call->body), g->keys, g->parts, &n)
			  : EMR_NO_MEMORY);
	EMR_TRY(emr_ledger_give(served->ledger, g->keys, g->parts, n, &n_taken));
	emr_put_u32(taken, (uint32_t)n_taken);
	return emr_buf_append(&call->out, taken, sizeof taken);
}

static emr_status find_item(emr_served *served, emr_serve_call *call)
{
	uint8_t place[10];
	emr_id32 id;
	uint64_t seq;
	uint16_t index;

	EMR_TRY(emr_unhex(call->path, id.b, sizeof id.b));
	EMR_TRY(emr_ledger_find_item(served->ledger, id, &seq, &index));
	emr_put_u64(place, seq);
	emr_put_u16(place + 8, index);
	return emr_buf_append(&call->out, place, sizeof place);
}

static emr_status give_subtree(emr_served *served, emr_serve_call *call)
{
	const emr_ledger_backend *backend;
	void *self;
	uint8_t hash[32];
	uint64_t level, index;

	EMR_TRY(emr_serve_number(call, "level", 64, &level));
	EMR_TRY(emr_serve_number(call, "index", 0, &index));
	if (level >= 64)
		return EMR_INVALID;
	backend = emr_ledger_below(served->ledger, &self);
	EMR_TRY(backend->subtree(self, (uint32_t)level, index, hash));
	return emr_buf_append(&call->out, hash, sizeof hash);
}

static emr_status give_note(emr_served *served, emr_serve_call *call)
{
	return emr_ledger_checkpoint(served->ledger, &call->out);
}

/* The handle judges what it is left, and unites it with what is there. */
static emr_status take_note(emr_served *served, emr_serve_call *call)
{
	return emr_ledger_leave_checkpoint(served->ledger, emr_buf_view(&call->body));
}

/* ---- as HTTP has them ---- */

/* Each answer says how it went by a word, too: several have one number of HTTP.  A ledger that
 * lacks entries answers nobody. */
static bool finish(emr_served *served, emr_serve_call *call, emr_status status)
{
	const char *word = status == EMR_OFFLINE && atomic_load(&served->is_recovering)
				   ? EMR_SERVED_RECOVERY
				   : wire_word_of(status);

	if (status == EMR_AWAITED)
		return false;
	call->header[0] = WIRE_STATUS_HEADER;
	call->header[1] = word;
	if (status == EMR_OK)
		return true;
	atomic_fetch_add(&served->failures[wire_kind_of(status)], 1);
	call->code = wire_http_of(status);
	if (status == EMR_DENIED && call->out.len == WIRE_TIME_BYTES)
		return true;
	call->type = "text/plain";
	emr_buf_clear(&call->out);
	(void)!emr_buf_append(&call->out, word, strlen(word));
	return true;
}

/* No token is needed for what is public, and for what is sent signed; letters.c says which letters
 * need one. */
#define ALWAYS(name, function)                                                                     \
	static bool name(void *arg, emr_serve_call *call)                                          \
	{                                                                                          \
		return finish(arg, call, function(arg, call));                                     \
	}
#define WHEN(name, check, function)                                                                \
	static bool name(void *arg, emr_serve_call *call)                                          \
	{                                                                                          \
		emr_status status = check;                                                         \
		return finish(arg, call, status == EMR_OK ? function(arg, call) : status);         \
	}
#define OPEN(name, function) WHEN(name, served_is_open(arg), function)
#define FOR_MEMBERS(name, function)                                                                \
	WHEN(name, emr_served_check(arg, call, (emr_bytes){0}), function)
/* Also a key that has ended reads of that. */
#define FOR_READERS(name, function)                                                                \
	static bool name(void *arg, emr_serve_call *call)                                          \
	{                                                                                          \
		uint64_t below;                                                                    \
		emr_status status = served_check_reader(arg, call, &below);                        \
                                                                                                   \
		return finish(arg, call, status == EMR_OK ? function(arg, call, below) : status);  \
	}
/* A key that has ended may say long things, too: they are refused for what they are. */
static bool may_send(void *arg, emr_serve_call *call)
{
	uint64_t below;
	emr_status status = served_check_reader(arg, call, &below);

	return status == EMR_OK || !finish(arg, call, status);
}

static bool is_members(void *arg, emr_serve_call *call)
{
	emr_status status = emr_served_check(arg, call, (emr_bytes){0});

	return status == EMR_OK || !finish(arg, call, status);
}

/* Many bytes are taken by a host that knows from its own head that it lacks them; else by members,
 * of whom it is asked under the same lock. */
static bool may_bring(void *arg, emr_serve_call *call)
{
	emr_served *served = arg;
	bool lacks;

	(void)pthread_mutex_lock(&served->rows_lock);
	lacks = served->lost.heads[0].size > 0;
	(void)pthread_mutex_unlock(&served->rows_lock);
	return lacks || may_send(arg, call);
}

ALWAYS(answer_recovery, served_give_recovery)
ALWAYS(answer_brought, served_take_brought)
ALWAYS(answer_said, take_said)
ALWAYS(answer_relayed, served_relay)
ALWAYS(answer_authority, served_give_authority)
FOR_MEMBERS(answer_kept, give_kept)
OPEN(answer_descriptor, give_descriptor)
OPEN(answer_token, served_give_token)
OPEN(answer_batch, take_batch)
OPEN(answer_letter, served_find_letter)
OPEN(answer_new_letter, served_leave_letter)
FOR_MEMBERS(answer_applications, served_give_applications)
FOR_READERS(answer_size, give_size)
FOR_READERS(answer_entries, give_entries)
FOR_READERS(answer_parts, give_parts)
FOR_MEMBERS(answer_lacking, give_lacking)
OPEN(answer_given, take_given)
OPEN(answer_cosign, served_cosign)
FOR_MEMBERS(answer_item, find_item)
FOR_MEMBERS(answer_subtree, give_subtree)
FOR_MEMBERS(answer_note, give_note)
FOR_MEMBERS(answer_new_note, take_note)

/* A newcomer enrols by a secret; the rest is asked by members. */
#define RELAYED                                                                                    \
	.body_max = EMR_AUTHORITY_BODY_MAX, .waits_for_disk = true, .secret = WIRE_LOGIN_HEADER,   \
	.answer = answer_relayed

const emr_serve_route served_routes[] = {
	{"GET", WIRE_ROOT "descriptor", .answer = answer_descriptor},
	{"POST", WIRE_ROOT "token", .body_max = WIRE_TOKEN_REQUEST_BYTES, .answer = answer_token},
	{"POST", WIRE_ROOT "batches", .body_max = WIRE_BODY_MAX, .open_max = WIRE_OPEN_MAX,
		.may = may_send, .waits_for_disk = true, .answer = answer_batch},
	{"GET", WIRE_ROOT "recovery", .answer = answer_recovery},
	{"POST", WIRE_ROOT "recovery", .body_max = WIRE_ANSWER_MAX, .open_max = WIRE_OPEN_MAX,
		.may = may_bring, .waits_for_disk = true, .answer = answer_brought},
	{"POST", WIRE_ROOT "said", .body_max = WIRE_NOTE_MAX, .answer = answer_said},
	{"GET", WIRE_ROOT "kept/", .answer = answer_kept},
	{"GET", WIRE_ROOT "letters/", .answer = answer_letter},
	{"POST", WIRE_ROOT "letters/", .body_max = WIRE_LETTER_MAX, .waits_for_disk = true,
		.answer = answer_new_letter},
	{"GET", WIRE_ROOT "applications", .waits_for_disk = true, .whose = is_members,
		.answer = answer_applications},
	{"GET", WIRE_ROOT "login", .answer = answer_authority},
	{"POST", WIRE_ROOT "login/enroll", RELAYED, .by_address = true, .is_weighed = true},
	{"POST", WIRE_ROOT "login/reenroll", RELAYED, .whose = is_members},
	{"POST", WIRE_ROOT "login/register", RELAYED, .whose = is_members},
	{"POST", WIRE_ROOT "login/revoke", RELAYED, .whose = is_members},
	{"GET", WIRE_ROOT "size", .answer = answer_size},
	{"POST", WIRE_ROOT "cosign", .body_max = EMR_CHECKPOINT_MAX, .answer = answer_cosign},
	{"GET", WIRE_ROOT "entries", .answer = answer_entries},
	{"POST", WIRE_ROOT "parts", .body_max = WIRE_KEYS_MAX * WIRE_KEY_BYTES, .may = may_send,
		.answer = answer_parts},
	{"GET", WIRE_ROOT "lacking", .answer = answer_lacking},
	{"POST", WIRE_ROOT "given", .body_max = WIRE_BODY_MAX, .may = may_send,
		.waits_for_disk = true, .whose = is_members, .answer = answer_given},
	{"GET", WIRE_ROOT "items/", .answer = answer_item},
	{"GET", WIRE_ROOT "subtree", .answer = answer_subtree},
	{"GET", WIRE_ROOT "note", .answer = answer_note},
	{"POST", WIRE_ROOT "note", .body_max = WIRE_NOTE_MAX, .may = may_send,
		.answer = answer_new_note},
	{.method = NULL},
};
