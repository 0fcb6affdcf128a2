/* This file plays a backend of a host on a channel. */
#include "channel_play.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/codec.h"
#include "base/worker.h"
#include "ledger/hash.h"

#define WAIT_MS 200	/* that it waits at most for a transaction */
#define LOGGED_MAX 2000 /* transactions in one answer */

channel_play play;

static emr_buf bytes_of(const json_t *text)
{
	emr_buf out = {0};
	size_t len = json_string_length(text);

	assert_ok(emr_buf_reserve(&out, len + 1));
	assert_int_equal(sodium_base642bin(out.data, len + 1, json_string_value(text), len, NULL,
				 &out.len, NULL, sodium_base64_VARIANT_ORIGINAL),
		0);
	return out;
}

static json_t *text_of(emr_bytes bytes)
{
	const size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(size);
	json_t *json;

	sodium_bin2base64(text, size, bytes.data, bytes.len, sodium_base64_VARIANT_ORIGINAL);
	json = json_string(text);
	free(text);
	return json;
}

static bool answer(emr_serve_call *call, unsigned code, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	call->code = code;
	call->type = "application/json";
	assert_ok(emr_buf_append(&call->out, text, strlen(text)));
	free(text);
	return true;
}

/* ---- the contract ---- */

static void log_it(channel_play *p, const json_t *asked, emr_bytes said, uint64_t now)
{
	const json_int_t block = (json_int_t)json_array_size(p->log) + 1;

	json_array_append_new(p->log,
		json_pack("{s:I, s:i, s:i, s:I, s:O, s:O, s:b, s:o}", "block", block, "index", 0,
			"validity", 0, "time", (json_int_t)(now + p->later_s), "function",
			json_object_get(asked, "function"), "args", json_object_get(asked, "args"),
			"writes", 1, "answer", text_of(said)));
}

static json_t *entered(const channel_play *p)
{
	return json_pack("{s:s, s:I, s:i, s:i}", "state", "entered", "block",
		(json_int_t)json_array_size(p->log), "index", 0, "validity", 0);
}

static json_t *begin_network(channel_play *p, const json_t *asked, uint64_t now)
{
	if (p->descriptor.len > 0)
		return json_pack("{s:s, s:i, s:s}", "state", "refused", "status", 500, "said",
			"this network has begun already");
	p->descriptor = bytes_of(json_array_get(json_object_get(asked, "args"), 0));
	assert_ok(emr_chain_begin(p->chain));
	assert_ok(emr_chain_end(
		p->chain, emr_chain_append_genesis(p->chain, emr_buf_view(&p->descriptor))));
	log_it(p, asked, (emr_bytes){0}, now);
	return entered(p);
}

static void append(channel_play *p, const emr_batch *batch, const emr_outcome *outcome,
	const emr_buf *submitter, const emr_buf *sig, uint64_t now)
{
	uint8_t bytes[EMR_ENTRY_BYTES_MAX];
	size_t len = 0;
	emr_entry entry = {.host = EMR_HOST_FABRIC,
		.count = batch->count,
		.ledger_time_unix_s = now,
		.block = json_array_size(p->log),
		.results = outcome->results};

	assert_ok(emr_chain_size(p->chain, &entry.seq));
	assert_ok(emr_chain_leaf(p->chain, entry.seq - 1, entry.prev_entry));
	memcpy(entry.submitter_id, submitter->data, 32);
	memcpy(entry.submit_sig, sig->data, 64);
	memcpy(entry.header, batch->header.data, EMR_HEADER_BYTES);
	assert_int_equal(emr_entry_encode(&entry, bytes, sizeof bytes, &len), EMR_CONTRACT_OK);
	assert_ok(emr_chain_append(p->chain, emr_bytes_of(bytes, len), batch, outcome, NULL, NULL));
}

static json_t *judge(channel_play *p, const json_t *asked, const emr_batch *batch,
	const emr_buf *submitter, const emr_buf *sig, uint64_t now)
{
	EMR_AUTO_VERDICT verdict = {0};
	uint8_t said[1 + EMR_BATCH_COUNT_MAX];
	char words[32];
	emr_caller caller;
	emr_id32 by;

	memcpy(by.b, submitter->data, sizeof by.b);
	assert_ok(emr_chain_caller(
		p->chain, EMR_HOST_FABRIC, emr_buf_view(&p->descriptor), batch, by, now, &caller));
	assert_ok(emr_chain_judge(p->chain, batch, &caller, now, &verdict));
	if (verdict.outcome.kind == EMR_OUTCOME_REFUSED) {
		(void)snprintf(words, sizeof words, "refused %d: no", (int)verdict.outcome.refusal);
		return json_pack(
			"{s:s, s:i, s:s}", "state", "refused", "status", 400, "said", words);
	}
	if (verdict.outcome.kind == EMR_OUTCOME_KNOWN)
		return json_pack("{s:s, s:s}", "state", "answered", "answer", "AgA=");
	said[0] = EMR_OUTCOME_APPLIED;
	memcpy(said + 1, verdict.outcome.results.data, verdict.outcome.results.len);
	log_it(p, asked, emr_bytes_of(said, 1 + verdict.outcome.results.len), now);
	append(p, batch, &verdict.outcome, submitter, sig, now);
	return entered(p);
}

static json_t *take(channel_play *p, const json_t *asked)
{
	const uint64_t now = emr_clock_unix_s(p->clock);
	const json_t *args = json_object_get(asked, "args");
	const json_t *parts = json_object_get(json_object_get(asked, "transient"), "parts");
	EMR_AUTO_BUF submitter = {0};
	EMR_AUTO_BUF sig = {0};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF behind = {0};
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	json_t *end;

	if (strcmp(json_string_value(json_object_get(asked, "function")), "genesis") == 0)
		return begin_network(p, asked, now);
	submitter = bytes_of(json_array_get(args, 0));
	sig = bytes_of(json_array_get(args, 1));
	bytes = bytes_of(json_array_get(args, 2));
	if (parts != NULL)
		behind = bytes_of(parts);
	assert_ok(emr_buf_append(&bytes, behind.data, behind.len));
	assert_int_equal(
		emr_batch_parse((emr_span){bytes.data, bytes.len}, batch), EMR_RESULT_APPLIED);
	assert_ok(emr_chain_begin(p->chain));
	end = judge(p, asked, batch, &submitter, &sig, now);
	assert_ok(emr_chain_commit(p->chain));
	return end;
}

/* ---- the calls ---- */

static bool hand_in(void *arg, emr_serve_call *call)
{
	channel_play *p = arg;
	json_t *asked = json_loadb((const char *)call->body.data, call->body.len, 0, NULL), *end;
	const char *id = json_string_value(json_object_get(asked, "id"));
	EMR_LOCKED(&p->lock);

	p->handed++;
	if (p->is_mute) {
		json_decref(asked);
		emr_serve_wait(call, UINT64_MAX, 600000);
		return false;
	}
	end = json_object_get(p->ended, id);
	if (end != NULL && !json_equal(json_object_get(p->asked, id), asked)) {
		json_decref(asked);
		return answer(call, 409, json_pack("{s:s, s:s}", "error", "other", "said", "no"));
	}
	json_object_set(p->asked, id, asked);
	if (p->is_slow)
		end = json_incref(json_object_get(p->ended, "waits"));
	else if (end != NULL)
		json_incref(end);
	else
		json_object_set(p->ended, id, end = take(p, asked));
	json_decref(asked);
	emr_serve_wake(p->serve, json_array_size(p->log));
	return answer(call, 200, end);
}

static bool how_it_ended(void *arg, emr_serve_call *call)
{
	channel_play *p = arg;
	json_t *end;
	EMR_LOCKED(&p->lock);

	end = json_object_get(p->ended, call->path);
	if (end != NULL && !p->is_slow)
		return answer(call, 200, json_incref(end));
	return answer(call, 503, json_pack("{s:s, s:s}", "error", "offline", "said", "no peer"));
}

static bool give_log(void *arg, emr_serve_call *call)
{
	channel_play *p = arg;
	uint64_t block = 0, index = 0, wait_s = 0, n, next;
	json_t *found = json_array();
	EMR_LOCKED(&p->lock);

	p->looked++;
	assert_ok(emr_serve_number(call, "block", 0, &block));
	assert_ok(emr_serve_number(call, "index", 0, &index));
	assert_ok(emr_serve_number(call, "wait", 0, &wait_s));
	n = json_array_size(p->log);
	if (block > n + 1) {
		json_decref(found);
		return answer(
			call, 400, json_pack("{s:s, s:s}", "error", "malformed", "said", "no"));
	}
	for (next = block == 0 ? 1 : block; next <= n && json_array_size(found) < LOGGED_MAX;
		next++)
		if (next > block || index == 0)
			json_array_append(found, json_array_get(p->log, next - 1));
	if (json_array_size(found) == 0 && wait_s > 0 && call->waits_until_ns == 0) {
		json_decref(found);
		emr_serve_wait(call, n, WAIT_MS);
		return false;
	}
	return answer(call, 200,
		json_pack("{s:I, s:i, s:I, s:s, s:o}", "block", (json_int_t)next, "index", 0,
			"height", (json_int_t)n + 1, "genesis", p->genesis, "transactions", found));
}

static json_t *part_at(channel_play *p, const char *text)
{
	EMR_AUTO_BUF part = {0};
	char domain[33], object[33], version[17];
	unsigned family = 0;
	emr_part_key key;

	assert_int_equal(sscanf(text, "p/%2x/%32[0-9a-f]/%32[0-9a-f]/%16[0-9a-f]", &family, domain,
				 object, version),
		4);
	key = (emr_part_key){.family = (uint8_t)family, .version = strtoull(version, NULL, 16)};
	assert_ok(emr_unhex(domain, key.domain.b, sizeof key.domain.b));
	assert_ok(emr_unhex(object, key.object.b, sizeof key.object.b));
	if ((p->has_lost_parts && !emr_id16_is_zero(key.domain)) || key.family == p->late_family ||
		emr_chain_part(p->chain, &key, &part) != EMR_OK)
		return json_object();
	return json_pack("{s:o, s:s}", "part", text_of(emr_buf_view(&part)), "hash", "00");
}

static bool give_parts(void *arg, emr_serve_call *call)
{
	channel_play *p = arg;
	json_t *asked = json_loadb((const char *)call->body.data, call->body.len, 0, NULL);
	json_t *parts = json_array(), *keys = json_object_get(asked, "keys");
	EMR_LOCKED(&p->lock);

	for (size_t i = 0; i < json_array_size(keys); i++)
		json_array_append_new(
			parts, p->parts_most > 0 && i >= p->parts_most
				       ? json_pack("{s:b}", "later", 1)
				       : part_at(p, json_string_value(json_array_get(keys, i))));
	json_decref(asked);
	return answer(call, 200, json_pack("{s:o, s:b}", "parts", parts, "complete", 1));
}

static bool give_state(void *arg, emr_serve_call *call)
{
	channel_play *p = arg;
	EMR_LOCKED(&p->lock);

	p->looked++;
	return answer(call, 200,
		json_pack("{s:s, s:I, s:[{s:I, s:s}], s:i, s:i, s:{s:s}, s:{s:b, s:s}}", "genesis",
			p->genesis, "height", (json_int_t)json_array_size(p->log) + 1, "peers",
			"height", (json_int_t)(json_array_size(p->log) + 1 + p->behind), "said", "",
			"time", 0, "waiting", 0, "identity", "msp", "Emr1MSP", "reading", "stopped",
			p->is_stopped, "said", p->is_stopped ? "peers do not agree" : ""));
}

static const emr_serve_route routes[] = {
	{"POST", "/v1/transactions", .body_max = 24u << 20, .waits_for_disk = true,
		.answer = hand_in},
	{"GET", "/v1/transactions/", .answer = how_it_ended},
	{"GET", "/v1/log", .answer = give_log},
	{"POST", "/v1/parts", .body_max = 1u << 20, .answer = give_parts},
	{"GET", "/v1/state", .answer = give_state},
	{.method = NULL},
};

static void *tick(void *arg)
{
	channel_play *p = arg;

	while (!atomic_load(&p->is_ending)) {
		size_t n;

		(void)usleep(WAIT_MS * 1000);
		(void)pthread_mutex_lock(&p->lock);
		n = json_array_size(p->log);
		(void)pthread_mutex_unlock(&p->lock);
		emr_serve_wake(p->serve, n);
	}
	return NULL;
}

void play_start(channel_play *p)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	emr_serve_options options = {.sets = {{routes, p}}};

	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s/backend", p->dir);
	(void)unlink(at.sun_path);
	options.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(options.listen_fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(options.listen_fd, 64), 0);
	assert_ok(emr_serve_start(&options, &p->serve));
	atomic_store(&p->is_ending, false);
	assert_int_equal(pthread_create(&p->ticks, NULL, tick, p), 0);
}

void play_begin(channel_play *p, const char *dir, const emr_clock *clock)
{
	*p = (channel_play){.clock = clock, .log = json_array(), .asked = json_object()};
	(void)snprintf(p->dir, sizeof p->dir, "%s", dir);
	const emr_bytes name = emr_bytes_of(dir, strlen(dir));
	emr_hex(emr_sha256_of(&name, 1).b, 32, p->genesis);
	p->ended = json_pack("{s:{s:s, s:s}}", "waits", "state", "waiting", "said", "no peer");
	assert_int_equal(mkdir(dir, 0700), 0);
	(void)pthread_mutex_init(&p->lock, NULL);
	assert_ok(emr_chain_open_temporary(&p->chain));
	play_start(p);
}

void play_stop(channel_play *p)
{
	if (p->serve == NULL)
		return;
	atomic_store(&p->is_ending, true);
	assert_int_equal(pthread_join(p->ticks, NULL), 0);
	emr_serve_stop(p->serve);
	p->serve = NULL;
}

void play_end(channel_play *p)
{
	play_stop(p);
	emr_chain_close(p->chain);
	emr_buf_free(&p->descriptor);
	json_decref(p->log);
	json_decref(p->ended);
	json_decref(p->asked);
	(void)pthread_mutex_destroy(&p->lock);
}

/* ---- of the kit ---- */

static void make(kit *k)
{
	emr_network_new options = {.path = k->network,
		.keyring = k->keyring,
		.name = "Silva",
		.handle = "ana@silva",
		.clock = &k->clock.clock,
		.channel = play.dir,
		.msp = "Emr1MSP"};

	play_begin(&play, printed("%s/play", k->base), &k->clock.clock);
	assert_ok(emr_network_create(&options, &k->net_id, NULL));
}

static void end_play(kit *k)
{
	(void)k;
	play_end(&play);
}

const kit_backend *play_kit(void)
{
	static kit_backend backend;

	backend = (kit_backend){.name = "channel",
		.make = make,
		.open = kit_embedded.open,
		.end = end_play,
		.is_files = true,
		.is_in_channel = true};
	return &backend;
}
