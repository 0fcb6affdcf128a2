/* This file reads what a backend answers. Each number and text has a limit, and what is not as
 * ../fabric/FORMAT.md says is refused. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "channel_private.h"

#define NUMBER_MAX (INT64_C(1) << 53)

EMR_AUTO_CALL(json_drop, json_t *, json_decref);
#define AUTO_JSON __attribute__((cleanup(json_drop))) json_t *

/* A name in a transaction may have any character, also one of number 0. */
static json_t *read_object(emr_bytes body)
{
	json_t *json = json_loadb(
		(const char *)body.data, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static bool take_number(const json_t *object, const char *name, uint64_t *out)
{
	const json_t *number = json_object_get(object, name);

	if (!json_is_integer(number) || json_integer_value(number) < 0 ||
		json_integer_value(number) >= NUMBER_MAX)
		return false;
	*out = (uint64_t)json_integer_value(number);
	return true;
}

/* Words that others wrote, on one line. */
static void take_said(const json_t *object, const char *name, char out[EMR_FABRIC_SAID_BYTES])
{
	const json_t *text = json_object_get(object, name);
	const char *at = json_string_value(text);
	size_t n = 0;

	for (size_t i = 0;
		at != NULL && i < json_string_length(text) && n < EMR_FABRIC_SAID_BYTES - 1; i++)
		out[n++] = at[i] >= ' ' && at[i] <= '~' ? at[i] : ' ';
	out[n] = '\0';
}

/* Appends the bytes; text that is away stands for none. */
static emr_status take_bytes(const json_t *text, emr_buf *out, emr_bytes *out_bytes)
{
	const char *at = json_string_value(text), *end = NULL;
	const size_t len = json_string_length(text);
	size_t got = 0;

	*out_bytes = (emr_bytes){0};
	if (text == NULL || json_is_null(text))
		return EMR_OK;
	if (at == NULL)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_reserve(out, len + 1));
	if (sodium_base642bin(out->data + out->len, len + 1, at, len, NULL, &got, &end,
		    sodium_base64_VARIANT_ORIGINAL) != 0 ||
		end != at + len)
		return EMR_DAMAGED;
	*out_bytes = emr_bytes_of(out->data + out->len, got);
	out->len += got;
	return EMR_OK;
}

emr_status channel_read_error(long http_status, emr_bytes body, emr_fabric_call *call)
{
	static const struct {
		long http_status;
		const char *word;
		emr_status status;
	} errors[] = {{400, "malformed", EMR_INVALID}, {404, "unknown", EMR_NOT_FOUND},
		{409, "other", EMR_CONFLICT}, {413, "large", EMR_LIMIT},
		{422, "refused", EMR_REFUSED}, {429, "full", EMR_BUSY}, {500, "failed", EMR_IO},
		{503, "offline", EMR_OFFLINE}};
	AUTO_JSON json = read_object(body);
	const char *word = json_string_value(json_object_get(json, "error"));

	take_said(json, "said", call->said);
	if (http_status == 200)
		return EMR_OK;
	for (size_t i = 0; word != NULL && i < sizeof errors / sizeof *errors; i++)
		if (errors[i].http_status == http_status && strcmp(errors[i].word, word) == 0)
			return errors[i].status;
	return EMR_DAMAGED;
}

emr_status channel_read_end(emr_bytes body, emr_fabric_end *out)
{
	AUTO_JSON json = read_object(body);
	const char *state = json_string_value(json_object_get(json, "state"));
	emr_fabric_end end = {.state = EMR_FABRIC_WAITING};

	take_said(json, "said", end.said);
	if (state == NULL)
		return EMR_DAMAGED;
	if (strcmp(state, "entered") == 0) {
		end.state = EMR_FABRIC_ENTERED;
		if (!take_number(json, "validity", &end.validity))
			return EMR_DAMAGED;
	} else if (strcmp(state, "answered") == 0) {
		end.state = EMR_FABRIC_ANSWERED;
	} else if (strcmp(state, "refused") == 0) {
		end.state = EMR_FABRIC_REFUSED;
		if (!take_number(json, "status", &end.status))
			return EMR_DAMAGED;
	} else if (strcmp(state, "waiting") != 0) {
		return EMR_DAMAGED;
	}
	*out = end;
	return EMR_OK;
}

static void texts_free(emr_buf (*bytes)[EMR_FABRIC_ARGS_MAX + 1])
{
	for (size_t i = 0; i < EMR_FABRIC_ARGS_MAX + 1; i++)
		emr_buf_free(&(*bytes)[i]);
}

static emr_status give_logged(
	const json_t *one, emr_fabric_logged *logged, emr_fabric_logged_fn fn, void *arg)
{
	const json_t *args = json_object_get(one, "args");
	__attribute__((cleanup(texts_free))) emr_buf bytes[EMR_FABRIC_ARGS_MAX + 1] = {{0}};

	logged->function = json_string_value(json_object_get(one, "function"));
	logged->n_args = json_array_size(args);
	if (logged->function == NULL || !take_number(one, "time", &logged->time))
		return EMR_DAMAGED;
	for (size_t i = 0; i < logged->n_args && i < EMR_FABRIC_ARGS_MAX; i++)
		EMR_TRY(take_bytes(json_array_get(args, i), &bytes[i], &logged->args[i]));
	EMR_TRY(take_bytes(
		json_object_get(one, "answer"), &bytes[EMR_FABRIC_ARGS_MAX], &logged->answer));
	return fn(arg, logged);
}

/* In order, each behind the one before, so that nobody is led in a circle. */
static emr_status read_logged(
	const json_t *one, emr_fabric_place *place, emr_fabric_logged_fn fn, void *arg)
{
	emr_fabric_logged logged = {0};
	uint64_t validity;

	if (!take_number(one, "block", &logged.block) ||
		!take_number(one, "index", &logged.index) ||
		!take_number(one, "validity", &validity) || logged.block < place->block ||
		(logged.block == place->block && logged.index < place->index))
		return EMR_DAMAGED;
	if (validity == 0 && json_is_true(json_object_get(one, "writes")))
		EMR_TRY(give_logged(one, &logged, fn, arg));
	place->block = logged.block;
	place->index = logged.index + 1;
	return EMR_OK;
}

emr_status channel_read_log(
	emr_bytes body, emr_fabric_place *place, emr_fabric_logged_fn fn, void *arg)
{
	AUTO_JSON json = read_object(body);
	const json_t *all = json_object_get(json, "transactions");
	const char *genesis = json_string_value(json_object_get(json, "genesis"));
	const emr_fabric_place before = *place;
	emr_fabric_place next;

	if (!take_number(json, "block", &next.block) || !take_number(json, "index", &next.index) ||
		!take_number(json, "height", &next.height) || !json_is_array(all))
		return EMR_DAMAGED;
	if (genesis == NULL || strlen(genesis) != sizeof place->genesis - 1)
		return EMR_DAMAGED;
	if (place->genesis[0] != '\0' && strcmp(place->genesis, genesis) != 0)
		return EMR_FORK;
	memcpy(place->genesis, genesis, sizeof place->genesis);
	memcpy(next.genesis, genesis, sizeof next.genesis);
	place->height = next.height;
	for (size_t i = 0; i < json_array_size(all); i++)
		EMR_TRY(read_logged(json_array_get(all, i), place, fn, arg));
	/* Nobody stands still before the end, so that nobody asks for ever. */
	if (next.block < place->block ||
		(next.block == place->block && next.index < place->index) ||
		(next.block == before.block && next.index == before.index &&
			next.block < next.height))
		return EMR_DAMAGED;
	*place = next;
	return EMR_OK;
}

emr_status channel_read_parts(
	emr_bytes body, size_t n, emr_fabric_part_fn fn, void *arg, bool *out_is_complete)
{
	AUTO_JSON json = read_object(body);
	const json_t *all = json_object_get(json, "parts");

	if (json_array_size(all) != n || !json_is_boolean(json_object_get(json, "complete")))
		return EMR_DAMAGED;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(all, i);
		emr_fabric_part part = {.has_hash = json_object_get(one, "hash") != NULL,
			.is_later = json_is_true(json_object_get(one, "later"))};
		EMR_AUTO_BUF bytes = {0};

		EMR_TRY(take_bytes(json_object_get(one, "part"), &bytes, &part.part));
		EMR_TRY(fn(arg, i, &part));
	}
	*out_is_complete = json_is_true(json_object_get(json, "complete"));
	return EMR_OK;
}

/* The contract may answer nothing. */
emr_status channel_read_answer(emr_bytes body, emr_buf *out)
{
	AUTO_JSON json = read_object(body);
	emr_bytes bytes;

	if (json == NULL || json_object_get(json, "answer") == NULL)
		return EMR_DAMAGED;
	return take_bytes(json_object_get(json, "answer"), out, &bytes);
}

static void read_certificates(const json_t *all, emr_fabric_state *out)
{
	size_t i;
	const json_t *one;

	json_array_foreach(all, i, one)
	{
		if (out->n_certificates == EMR_FABRIC_LIST_MAX)
			return;
		take_said(one, "of", out->certificates[out->n_certificates].of);
		out->certificates[out->n_certificates++].days =
			json_integer_value(json_object_get(one, "days"));
	}
}

/* Names with a blank between, as many as find room. */
static void read_alone(const json_t *all, emr_fabric_state *out)
{
	size_t i, k;
	const json_t *one, *name;

	json_array_foreach(all, i, one)
	{
		emr_fabric_alone *alone = &out->alone[out->n_alone];
		size_t len = 0;

		if (out->n_alone == EMR_FABRIC_LIST_MAX)
			return;
		out->n_alone++;
		take_said(one, "policy", alone->policy);
		json_array_foreach(json_object_get(one, "organisations"), k, name)
		{
			const char *text = json_string_value(name);
			int n = snprintf(alone->organisations + len, EMR_FABRIC_SAID_BYTES - len,
				"%s%s", len > 0 ? " " : "", text != NULL ? text : "");

			if (n < 0 || (size_t)n >= EMR_FABRIC_SAID_BYTES - len) {
				alone->organisations[len] = '\0';
				break;
			}
			len += (size_t)n;
		}
	}
}

static void read_peers(const json_t *all, emr_fabric_state *out)
{
	size_t i, ahead = 0, level = 0;
	const json_t *one;

	json_array_foreach(all, i, one)
	{
		const bool is_away = json_string_length(json_object_get(one, "said")) > 0;
		uint64_t height = 0;

		out->n_peers++;
		out->n_away += is_away;
		if (is_away || !take_number(one, "height", &height) || height == 0)
			continue;
		ahead += height > out->height;
		level += height <= out->height;
	}
	out->is_behind = level == 0 || ahead > level;
}

emr_status channel_read_state(emr_bytes body, emr_fabric_state *out)
{
	AUTO_JSON json = read_object(body);
	const json_t *reading = json_object_get(json, "reading");
	const json_t *msp = json_object_get(json_object_get(json, "identity"), "msp");
	const char *name = json_string_value(msp);
	const char *genesis = json_string_value(json_object_get(json, "genesis"));
	emr_fabric_state state = {.is_stopped = json_is_true(json_object_get(reading, "stopped"))};

	if (!take_number(json, "height", &state.height) ||
		!take_number(json, "time", &state.time) ||
		!take_number(json, "waiting", &state.waiting) || name == NULL || reading == NULL ||
		json_string_length(msp) >= sizeof state.msp ||
		strlen(name) != json_string_length(msp) || genesis == NULL ||
		strlen(genesis) != sizeof state.genesis - 1)
		return EMR_DAMAGED;
	memcpy(state.msp, name, strlen(name));
	memcpy(state.genesis, genesis, sizeof state.genesis);
	take_said(reading, "said", state.said);
	read_certificates(json_object_get(json, "certificates"), &state);
	read_alone(json_object_get(json, "alone"), &state);
	read_peers(json_object_get(json, "peers"), &state);
	*out = state;
	return EMR_OK;
}
