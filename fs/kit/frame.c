/* A verb talks to the open folder through a socket: this file sends and receives JSON objects
 * with a length and a time limit, and reads requests from them. It refuses other users, unknown
 * fields, and everything that is too long. */
#include "kit/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/secret.h"

emr_status emr_frame_length(const uint8_t head[4], size_t *out_len)
{
	uint32_t len = emr_get_u32(head);

	if (len == 0 || len > EMR_FRAME_MAX)
		return EMR_LIMIT;
	*out_len = len;
	return EMR_OK;
}

static int64_t deadline_of(int timeout_ms)
{
	return emr_clock_boot_ns(emr_clock_system()) + (int64_t)timeout_ms * 1000000;
}

/* Until FD is ready for EVENTS or DEADLINE has passed. */
static emr_status await(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd poller = {.fd = fd, .events = events};
		int64_t left_ms =
			(deadline - emr_clock_boot_ns(emr_clock_system()) + 999999) / 1000000;
		int n;

		if (left_ms <= 0)
			return EMR_TIMEOUT;
		n = poll(&poller, 1, left_ms > 3600000 ? 3600000 : (int)left_ms);
		if (n > 0)
			return EMR_OK;
		if (n < 0 && errno != EINTR)
			return EMR_IO;
	}
}

static emr_status send_all(int fd, const uint8_t *data, size_t len, int64_t deadline)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			EMR_TRY(await(fd, POLLOUT, deadline));
			continue;
		}
		if (n < 0)
			return EMR_IO;
		data += n;
		len -= (size_t)n;
	}
	return EMR_OK;
}

/* EMR_NOT_FOUND when the stream ends before the first byte. */
static emr_status receive_all(int fd, uint8_t *data, size_t len, int64_t deadline)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = recv(fd, data + got, len - got, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			EMR_TRY(await(fd, POLLIN, deadline));
		else if (n < 0)
			return EMR_IO;
		else if (n == 0)
			EMR_TRY(got == 0 ? EMR_NOT_FOUND : EMR_IO);
		got += n > 0 ? (size_t)n : 0;
	}
	return EMR_OK;
}

emr_status emr_frame_send(int fd, const json_t *object, int timeout_ms)
{
	EMR_AUTO_FREE char *text = json_dumps(object, JSON_COMPACT);
	size_t len = text != NULL ? strlen(text) : 0;
	uint8_t head[4];
	int64_t deadline = deadline_of(timeout_ms);

	if (text == NULL)
		return EMR_NO_MEMORY;
	if (len > EMR_FRAME_MAX)
		return EMR_LIMIT;
	emr_put_u32(head, (uint32_t)len);
	EMR_TRY(send_all(fd, head, sizeof head, deadline));
	return send_all(fd, (const uint8_t *)text, len, deadline);
}

static json_t *parse_object(emr_bytes json)
{
	json_error_t error;
	json_t *object =
		json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &error);

	if (object != NULL && !json_is_object(object)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

emr_status emr_frame_receive(int fd, int timeout_ms, json_t **out_object)
{
	EMR_AUTO_FREE uint8_t *data = NULL;
	uint8_t head[4];
	int64_t deadline = deadline_of(timeout_ms);
	size_t len = 0;
	json_t *object;
	emr_status status;

	EMR_TRY(receive_all(fd, head, sizeof head, deadline));
	EMR_TRY(emr_frame_length(head, &len));
	data = malloc(len);
	if (data == NULL)
		return EMR_NO_MEMORY;
	status = receive_all(fd, data, len, deadline);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_IO : status;
	object = parse_object(emr_bytes_of(data, len));
	emr_wipe(data, len);
	if (object == NULL)
		return EMR_DAMAGED;
	*out_object = object;
	return EMR_OK;
}

emr_status emr_peer_check(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return EMR_IO;
	return peer.uid == geteuid() ? EMR_OK : EMR_DENIED;
}

static const char *const ask_texts[EMR_ASK_COUNT] = {
	[EMR_ASK_STATUS] = "status",
	[EMR_ASK_WAIT] = "wait",
	[EMR_ASK_EXPORT] = "export",
	[EMR_ASK_UNMOUNT] = "unmount",
	[EMR_ASK_VERIFY] = "verify",
	[EMR_ASK_LEDGER] = "ledger",
	[EMR_ASK_VERSIONS] = "versions",
	[EMR_ASK_RESTORE] = "restore",
	[EMR_ASK_MOVE] = "move",
	[EMR_ASK_ERASE] = "erase",
	[EMR_ASK_KEEP] = "keep",
	[EMR_ASK_COPIES] = "copies",
	[EMR_ASK_BRING] = "bring",
	[EMR_ASK_PEOPLE] = "people",
	[EMR_ASK_SHARE] = "share",
	[EMR_ASK_REVOKE] = "revoke",
	[EMR_ASK_REQUEST] = "request",
	[EMR_ASK_DENY] = "deny",
	[EMR_ASK_EMERGENCY] = "emergency",
	[EMR_ASK_LOG] = "log",
	[EMR_ASK_AGENT] = "agent",
	[EMR_ASK_DEVICES] = "devices",
	[EMR_ASK_WALLET] = "wallet",
	[EMR_ASK_DATASET] = "dataset",
	[EMR_ASK_INVITE] = "invite",
	[EMR_ASK_ORG] = "org",
};

static bool find_ask(const char *text, emr_request_kind *out_ask)
{
	for (int i = 0; i < EMR_ASK_COUNT; i++) {
		if (strcmp(text, ask_texts[i]) == 0) {
			*out_ask = (emr_request_kind)i;
			return true;
		}
	}
	return false;
}

static bool take_flag(const json_t *value, bool *out)
{
	*out = json_is_true(value);
	return json_is_boolean(value);
}

static bool take_count(const json_t *value, uint32_t max, uint32_t *out)
{
	json_int_t number = json_integer_value(value);

	*out = (uint32_t)number;
	return json_is_integer(value) && number >= 0 && number <= (json_int_t)max;
}

static bool take_number(const json_t *value, uint64_t *out)
{
	json_int_t number = json_integer_value(value);

	*out = (uint64_t)number;
	return json_is_integer(value) && number > 0;
}

static bool take_path(const json_t *value, char out[EMR_ASK_PATH_MAX + 1], bool *has)
{
	const char *text = json_string_value(value);
	size_t len = text != NULL ? json_string_length(value) : EMR_ASK_PATH_MAX + 1;

	/* A NUL inside the JSON string would make two readers see two paths. */
	if (*has || len > EMR_ASK_PATH_MAX || strlen(text) != len)
		return false;
	memcpy(out, text, len + 1);
	*has = true;
	return true;
}

/* A path that is not UTF-8, which JSON cannot carry. */
static bool take_path_hex(const json_t *value, char out[EMR_ASK_PATH_MAX + 1], bool *has)
{
	const char *text = json_string_value(value);
	size_t len = text != NULL ? strlen(text) / 2 : EMR_ASK_PATH_MAX + 1;

	if (*has || len > EMR_ASK_PATH_MAX || emr_unhex(text, out, len) != EMR_OK ||
		memchr(out, '\0', len) != NULL)
		return false;
	out[len] = '\0';
	*has = true;
	return true;
}

static bool take_short(const json_t *value, char *out, size_t max)
{
	const char *text = json_string_value(value);
	size_t len = text != NULL ? json_string_length(value) : 0;

	if (len == 0 || len > max || strlen(text) != len)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool take_reason(const json_t *value, char out[EMR_ASK_REASON_MAX + 1])
{
	const char *text = json_string_value(value);
	size_t len = text != NULL ? json_string_length(value) : EMR_ASK_REASON_MAX + 1;

	if (len > EMR_ASK_REASON_MAX || strlen(text) != len)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool take_card(const json_t *value, emr_request *out)
{
	const char *text = json_string_value(value);
	size_t len = text != NULL ? strlen(text) / 2 : 0;

	if (len == 0 || len > sizeof out->card || emr_unhex(text, out->card, len) != EMR_OK)
		return false;
	out->card_len = len;
	return true;
}

/* Fields of questions about people. */
static bool take_people_field(const char *name, const json_t *value, emr_request *out)
{
	if (strcmp(name, "who") == 0)
		return take_short(value, out->who, EMR_ASK_WHO_MAX);
	if (strcmp(name, "name") == 0)
		return take_short(value, out->name, EMR_ASK_WHO_MAX);
	if (strcmp(name, "card") == 0)
		return take_card(value, out);
	if (strcmp(name, "note") == 0)
		return take_short(value, out->note, EMR_ASK_NOTE_MAX);
	if (strcmp(name, "mine") == 0)
		return take_flag(value, &out->mine);
	if (strcmp(name, "number") == 0)
		return take_flag(value, &out->number);
	if (strcmp(name, "compared") == 0)
		return take_flag(value, &out->compared);
	if (strcmp(name, "staff") == 0)
		return take_flag(value, &out->staff);
	if (strcmp(name, "software") == 0)
		return take_flag(value, &out->software);
	if (strcmp(name, "over") == 0)
		return take_flag(value, &out->over);
	if (strcmp(name, "write") == 0)
		return take_flag(value, &out->write);
	if (strcmp(name, "deposit") == 0)
		return take_flag(value, &out->deposit);
	if (strcmp(name, "away") == 0)
		return take_short(value, out->away, sizeof out->away - 1);
	if (strcmp(name, "join") == 0)
		return take_flag(value, &out->join);
	if (strcmp(name, "update") == 0)
		return take_flag(value, &out->update);
	if (strcmp(name, "order") == 0)
		return take_number(value, &out->order);
	if (strcmp(name, "id") == 0)
		return take_short(value, out->id, EMR_ASK_WHO_MAX);
	if (strcmp(name, "shown") == 0)
		return take_short(value, out->shown, EMR_ASK_WHO_MAX);
	if (strcmp(name, "reason") == 0)
		return take_reason(value, out->reason);
	if (strcmp(name, "purposes") == 0)
		return take_count(value, EMR_ASK_PURPOSES_MAX, &out->purposes);
	if (strcmp(name, "language") == 0)
		return take_short(value, out->language, EMR_ASK_LANGUAGE_MAX);
	return false;
}

static bool take_field(const char *name, const json_t *value, emr_request *out)
{
	if (strcmp(name, "path") == 0)
		return take_path(value, out->path, &out->has_path);
	if (strcmp(name, "path_hex") == 0)
		return take_path_hex(value, out->path, &out->has_path);
	if (strcmp(name, "file") == 0)
		return take_path(value, out->file, &out->has_file);
	if (strcmp(name, "file_hex") == 0)
		return take_path_hex(value, out->file, &out->has_file);
	if (strcmp(name, "proof") == 0)
		return take_flag(value, &out->proof);
	if (strcmp(name, "to") == 0)
		return take_path(value, out->to, &out->has_to);
	if (strcmp(name, "to_hex") == 0)
		return take_path_hex(value, out->to, &out->has_to);
	if (strcmp(name, "until") == 0)
		return take_number(value, &out->until_unix_s);
	if (strcmp(name, "since") == 0)
		return take_number(value, &out->since_unix_s);
	if (strcmp(name, "version") == 0)
		return take_number(value, &out->version);
	if (strcmp(name, "now") == 0)
		return take_flag(value, &out->now);
	if (strcmp(name, "quick") == 0)
		return take_flag(value, &out->quick);
	if (strcmp(name, "chain") == 0)
		return take_flag(value, &out->chain);
	if (strcmp(name, "checkpoint") == 0)
		return take_flag(value, &out->checkpoint);
	if (strcmp(name, "deleted") == 0)
		return take_flag(value, &out->deleted);
	if (strcmp(name, "unreadable") == 0)
		return take_flag(value, &out->unreadable);
	if (strcmp(name, "drop") == 0)
		return take_flag(value, &out->drop);
	if (strcmp(name, "repair") == 0)
		return take_flag(value, &out->repair);
	if (strcmp(name, "purge") == 0)
		return take_flag(value, &out->purge);
	if (strcmp(name, "look") == 0)
		return take_flag(value, &out->look);
	if (strcmp(name, "timeout_ms") == 0)
		return take_count(value, EMR_ASK_WAIT_MAX_MS, &out->timeout_ms);
	if (strcmp(name, "limit") == 0)
		return take_count(value, EMR_ASK_LIMIT_MAX, &out->limit);
	return take_people_field(name, value, out);
}

emr_status emr_request_parse(const json_t *object, emr_request *out_request)
{
	emr_request request = {0};
	const json_t *version = json_object_get(object, "v");
	const char *verb = json_string_value(json_object_get(object, "verb"));
	const char *name;
	json_t *value;

	if (!json_is_object(object) || !json_is_integer(version) || verb == NULL)
		return EMR_INVALID;
	if (json_integer_value(version) != EMR_FRAME_VERSION)
		return emr_newer_format((uint64_t)json_integer_value(version), EMR_FRAME_VERSION);
	if (!find_ask(verb, &request.ask))
		return EMR_UNSUPPORTED;
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (strcmp(name, "v") == 0 || strcmp(name, "verb") == 0)
			continue;
		if (!take_field(name, value, &request))
			return EMR_INVALID;
	}
	*out_request = request;
	return EMR_OK;
}

static int put_path(json_t *object, const char *name, const char *name_hex, const char *path)
{
	char hex[2 * EMR_ASK_PATH_MAX + 1];
	json_t *text = json_string(path);

	if (text != NULL)
		return json_object_set_new(object, name, text);
	emr_hex(path, strlen(path), hex);
	return json_object_set_new(object, name_hex, json_string(hex));
}

static int put_number(json_t *object, const char *name, uint64_t number)
{
	return number == 0 ? 0
			   : json_object_set_new(object, name, json_integer((json_int_t)number));
}

static int put_flag(json_t *object, const char *name, bool flag)
{
	return flag ? json_object_set_new(object, name, json_true()) : 0;
}

static int put_text(json_t *object, const char *name, const char *text)
{
	return text[0] != '\0' ? json_object_set_new(object, name, json_string(text)) : 0;
}

static int put_people(json_t *object, const emr_request *request)
{
	char hex[2 * EMR_ASK_CARD_MAX + 1];
	int failed = put_text(object, "who", request->who);

	failed |= put_text(object, "name", request->name);
	failed |= put_flag(object, "mine", request->mine);
	failed |= put_flag(object, "number", request->number);
	failed |= put_flag(object, "compared", request->compared);
	failed |= put_flag(object, "software", request->software);
	failed |= put_flag(object, "staff", request->staff);
	failed |= put_flag(object, "over", request->over);
	failed |= put_flag(object, "write", request->write);
	failed |= put_flag(object, "deposit", request->deposit);
	failed |= put_text(object, "away", request->away);
	failed |= put_flag(object, "join", request->join);
	failed |= put_flag(object, "update", request->update);
	failed |= put_number(object, "order", request->order);
	failed |= put_text(object, "id", request->id);
	failed |= put_text(object, "shown", request->shown);
	failed |= put_text(object, "reason", request->reason);
	failed |= put_number(object, "purposes", request->purposes);
	failed |= put_text(object, "language", request->language);
	failed |= put_text(object, "note", request->note);
	emr_hex(request->card, request->card_len, hex);
	return failed | put_text(object, "card", hex);
}

json_t *emr_request_make(const emr_request *request)
{
	json_t *object =
		json_pack("{s:i, s:s}", "v", EMR_FRAME_VERSION, "verb", ask_texts[request->ask]);
	int failed = object == NULL;

	if (request->has_path)
		failed |= put_path(object, "path", "path_hex", request->path);
	if (request->has_file)
		failed |= put_path(object, "file", "file_hex", request->file);
	if (request->proof)
		failed |= json_object_set_new(object, "proof", json_true());
	if (request->has_to)
		failed |= put_path(object, "to", "to_hex", request->to);
	failed |= put_number(object, "until", request->until_unix_s);
	failed |= put_number(object, "version", request->version);
	failed |= put_number(object, "since", request->since_unix_s);
	failed |= put_flag(object, "now", request->now);
	failed |= put_flag(object, "quick", request->quick);
	failed |= put_flag(object, "chain", request->chain);
	failed |= put_flag(object, "checkpoint", request->checkpoint);
	failed |= put_flag(object, "deleted", request->deleted);
	failed |= put_flag(object, "unreadable", request->unreadable);
	failed |= put_flag(object, "drop", request->drop);
	failed |= put_flag(object, "purge", request->purge);
	failed |= put_flag(object, "repair", request->repair);
	failed |= put_flag(object, "look", request->look);
	failed |= put_people(object, request);
	if (request->timeout_ms > 0)
		failed |= json_object_set_new(
			object, "timeout_ms", json_integer(request->timeout_ms));
	if (request->limit > 0)
		failed |= json_object_set_new(object, "limit", json_integer(request->limit));
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}
