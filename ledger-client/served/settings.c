/* This file reads and writes where a network's host is. */
#include "client_private.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/backend.h"
#include "ledger/network.h"
#include "ledger/restart.h"

#define PIN_PREFIX "sha256//"
#define KEY_PREFIX "ed25519//"
#define BASE64_CHARS 44 /* of 32 bytes */
#define SUM_BYTES 8
#define SETTINGS_MAX ((size_t)4096)

static void put_text(const char *prefix, const uint8_t bytes[32], char out[64])
{
	const size_t n = strlen(prefix);

	memcpy(out, prefix, n);
	(void)sodium_bin2base64(out + n, 64 - n, bytes, 32, sodium_base64_VARIANT_ORIGINAL);
}

static bool read_text(const char *prefix, const char *text, uint8_t out[32])
{
	const size_t n = strlen(prefix);
	char again[64]; /* libsodium 1.0.18 takes bytes from 0x80 on, too */

	if (strlen(text) != n + BASE64_CHARS ||
		sodium_base642bin(out, 32, text + n, BASE64_CHARS, NULL, NULL, NULL,
			sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	put_text(prefix, out, again);
	return strcmp(text, again) == 0;
}

void emr_served_pin_text(emr_id32 pin, char out[64])
{
	put_text(PIN_PREFIX, pin.b, out);
}

bool emr_served_pin_read(const char *text, emr_id32 *out)
{
	return read_text(PIN_PREFIX, text, out->b);
}

EMR_AUTO_CALL(drop_json, json_t *, json_decref);

static const char *word_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

/* AT without its sum, and the sum: of the first as it is written in one line. */
static json_t *describe(const emr_served_at *at, char out_sum[2 * SUM_BYTES + 1])
{
	char key[64];
	EMR_AUTO_FREE char *text = NULL;
	uint8_t hash[32];
	json_t *root;

	put_text(KEY_PREFIX, at->key.b, key);
	root = json_pack("{s:s*, s:s*, s:s*, s:s, s:s*, s:o*}", "url", word_or_null(at->url), "pin",
		word_or_null(at->pin), "socket", word_or_null(at->socket), "key", key, "signed",
		word_or_null(at->word), "login",
		at->is_known	? json_string(at->login)
		: at->has_login ? json_true()
				: NULL);
	text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
	if (text == NULL) {
		json_decref(root);
		return NULL;
	}
	(void)crypto_hash_sha256(hash, (const uint8_t *)text, strlen(text));
	emr_hex(hash, SUM_BYTES, out_sum);
	return root;
}

/* Written by hand it has none. */
static emr_status check_sum(const emr_served_at *at, const char *sum)
{
	char fits[2 * SUM_BYTES + 1];
	__attribute__((cleanup(drop_json))) json_t *root = sum != NULL ? describe(at, fits) : NULL;

	if (sum == NULL)
		return EMR_OK;
	if (root == NULL)
		return EMR_NO_MEMORY;
	return strcmp(sum, fits) == 0 ? EMR_OK : EMR_INVALID;
}

/* True, or the log-in of who is invited. */
static bool read_login(const json_t *login, emr_served_at *out)
{
	const char *text = json_string_value(login);

	out->has_login = login != NULL;
	out->is_known = text != NULL;
	if (text == NULL)
		return login == NULL || json_is_true(login);
	(void)snprintf(out->login, sizeof out->login, "%s", text);
	for (const char *at = text; *at != '\0'; at++)
		if (*at <= ' ' || *at >= 0x7f || *at == ':')
			return false;
	return strlen(text) < sizeof out->login;
}

emr_status emr_served_at_read(emr_bytes json, emr_served_at *out)
{
	__attribute__((cleanup(drop_json))) json_t *root =
		json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
	const char *url = NULL, *pin = NULL, *socket = NULL, *key = NULL, *word = "", *sum = NULL;
	json_t *login = NULL;
	uint8_t hash[32];

	memset(out, 0, sizeof *out);
	if (root == NULL ||
		json_unpack(root, "{s?s, s?s, s?s, s:s, s?s, s?o, s?s !}", "url", &url, "pin", &pin,
			"socket", &socket, "key", &key, "signed", &word, "login", &login, "sum",
			&sum) != 0 ||
		!read_login(login, out) || !read_text(KEY_PREFIX, key, out->key.b) ||
		strlen(word) >= sizeof out->word)
		return EMR_INVALID;
	(void)snprintf(out->word, sizeof out->word, "%s", word);
	if (socket != NULL) {
		if (url != NULL || pin != NULL || socket[0] != '/' ||
			strlen(socket) >= sizeof out->socket)
			return EMR_INVALID;
		(void)snprintf(out->socket, sizeof out->socket, "%s", socket);
		return check_sum(out, sum);
	}
	if (url == NULL || !emr_http_url_ok(url) || strlen(url) >= sizeof out->url ||
		(pin != NULL && !read_text(PIN_PREFIX, pin, hash)))
		return EMR_INVALID;
	(void)snprintf(out->url, sizeof out->url, "%s", url);
	(void)snprintf(out->pin, sizeof out->pin, "%s", pin != NULL ? pin : "");
	return check_sum(out, sum);
}

emr_status emr_served_at_write(const emr_served_at *at, emr_buf *out)
{
	char sum[2 * SUM_BYTES + 1];
	__attribute__((cleanup(drop_json))) json_t *root = describe(at, sum);
	EMR_AUTO_FREE char *text = NULL;

	if (root != NULL && json_object_set_new(root, "sum", json_string(sum)) == 0)
		text = json_dumps(root, JSON_INDENT(1));
	return text != NULL ? emr_buf_append(out, text, strlen(text)) : EMR_NO_MEMORY;
}

emr_status emr_served_address_read(const char *text, emr_served_at *out)
{
	const size_t len = strcspn(text, "#"), n = sizeof KEY_PREFIX - 1 + BASE64_CHARS;
	emr_served_at at = {.url = ""};
	const char *rest;
	char key[sizeof KEY_PREFIX + BASE64_CHARS];
	EMR_AUTO_BUF json = {0};

	if (strncmp(text, "https://", 8) != 0 || len >= sizeof at.url || strlen(text) < len + 1 + n)
		return EMR_INVALID;
	rest = text + len + 1 + n;
	memcpy(at.url, text, len);
	memcpy(key, text + len + 1, n);
	key[n] = '\0';
	if (!read_text(KEY_PREFIX, key, at.key.b) || (*rest != '\0' && *rest != ',') ||
		strcmp(rest, ",") == 0 || strlen(rest) > sizeof at.pin)
		return EMR_INVALID;
	if (*rest == ',')
		(void)snprintf(at.pin, sizeof at.pin, "%s", rest + 1);
	/* Judged as settings are. */
	EMR_TRY(emr_served_at_write(&at, &json));
	return emr_served_at_read(emr_buf_view(&json), out);
}

void emr_served_address_text(const emr_served_at *at, char out[EMR_SERVED_ADDRESS_CHARS])
{
	char key[64];

	put_text(KEY_PREFIX, at->key.b, key);
	(void)snprintf(out, EMR_SERVED_ADDRESS_CHARS, "%s#%s%s%s", at->url, key,
		at->pin[0] != '\0' ? "," : "", at->pin);
}

/* ---- in their directory ---- */

emr_status client_settings(const char *path, struct timespec *io_seen, emr_served_at *out)
{
	EMR_AUTO_FD dirfd = -1;
	EMR_AUTO_BUF bytes = {0};
	struct stat st;
	const char *name = EMR_SERVED_SETTINGS;
	emr_status status;

	EMR_TRY(emr_dir_open(path, &dirfd));
	if (fstatat(dirfd, name, &st, 0) != 0 && fstatat(dirfd, name = EMR_SERVED_OWN, &st, 0) != 0)
		return emr_status_from_errno(errno);
	if (memcmp(io_seen, &st.st_ctim, sizeof *io_seen) == 0)
		return EMR_EXISTS;
	*io_seen = st.st_ctim;
	EMR_TRY(emr_file_read(dirfd, name, SETTINGS_MAX, &bytes));
	status = emr_served_at_read(emr_buf_view(&bytes), out);
	return status == EMR_INVALID ? EMR_DAMAGED : status;
}

static bool has_file(const char *path, const char *name)
{
	EMR_AUTO_FREE char *file = NULL;

	if (asprintf(&file, "%s/%s", path, name) < 0) {
		file = NULL;
		return false;
	}
	return access(file, F_OK) == 0;
}

bool emr_served_is_at(const char *path)
{
	return has_file(path, EMR_SERVED_SETTINGS);
}

bool emr_served_is_recovering(const char *path)
{
	return has_file(path, "../host/" EMR_RECOVERY);
}

emr_status client_hear_recovery(client *c, emr_status status, const emr_buf *body)
{
	const emr_bytes word = emr_bytes_of(EMR_SERVED_RECOVERY, sizeof EMR_SERVED_RECOVERY - 1);

	atomic_store(&c->is_recovering, emr_bytes_equal(emr_buf_view(body), word));
	return status;
}

/* A host that lost all has it from whoever comes first. */
emr_status client_descriptor(client *c, int dirfd, emr_bytes known)
{
	const emr_status status = emr_file_read(
		dirfd, EMR_NETWORK_DESCRIPTOR, EMR_NETWORK_DESCRIPTOR_MAX, &c->descriptor);

	return status == EMR_NOT_FOUND && known.len > 0
		       ? emr_buf_append(&c->descriptor, known.data, known.len)
		       : status;
}
