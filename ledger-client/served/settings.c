/* This file reads and writes where a network's host is. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/request.h"
#include "served/client.h"

#define PIN_PREFIX "sha256//"
#define PIN_CHARS 44 /* base64 of 32 bytes */

void emr_served_pin_text(emr_id32 pin, char out[64])
{
	memcpy(out, PIN_PREFIX, 8);
	(void)sodium_bin2base64(out + 8, 64 - 8, pin.b, 32, sodium_base64_VARIANT_ORIGINAL);
}

static void drop_json(json_t **json)
{
	json_decref(*json);
}

emr_status emr_served_at_read(emr_bytes json, emr_served_at *out)
{
	__attribute__((cleanup(drop_json))) json_t *root =
		json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
	const char *url = NULL, *pin = NULL, *socket = NULL;

	memset(out, 0, sizeof *out);
	if (root == NULL || json_unpack(root, "{s?s, s?s, s?s !}", "url", &url, "pin", &pin,
				    "socket", &socket) != 0)
		return EMR_INVALID;
	if (socket != NULL) {
		if (url != NULL || pin != NULL || socket[0] != '/' ||
			strlen(socket) >= sizeof out->socket)
			return EMR_INVALID;
		(void)snprintf(out->socket, sizeof out->socket, "%s", socket);
		return EMR_OK;
	}
	if (url == NULL || !emr_http_url_ok(url) || strlen(url) >= sizeof out->url ||
		(pin != NULL && (strlen(pin) != strlen(PIN_PREFIX) + PIN_CHARS ||
					strncmp(pin, PIN_PREFIX, strlen(PIN_PREFIX)) != 0)))
		return EMR_INVALID;
	(void)snprintf(out->url, sizeof out->url, "%s", url);
	(void)snprintf(out->pin, sizeof out->pin, "%s", pin != NULL ? pin : "");
	return EMR_OK;
}

static const char *word_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

emr_status emr_served_at_write(const emr_served_at *at, emr_buf *out)
{
	__attribute__((cleanup(drop_json))) json_t *root =
		json_pack("{s:s*, s:s*, s:s*}", "url", word_or_null(at->url), "pin",
			word_or_null(at->pin), "socket", word_or_null(at->socket));
	EMR_AUTO_FREE char *text = root != NULL ? json_dumps(root, JSON_INDENT(1)) : NULL;

	return text != NULL ? emr_buf_append(out, text, strlen(text)) : EMR_NO_MEMORY;
}

emr_status emr_served_address_read(const char *text, emr_served_at *out)
{
	const size_t len = strcspn(text, "#");
	emr_served_at at = {.url = ""};
	EMR_AUTO_BUF json = {0};

	if (strncmp(text, "https://", 8) != 0 || len >= sizeof at.url)
		return EMR_INVALID;
	memcpy(at.url, text, len);
	if (text[len] == '#' && (text[len + 1] == '\0' || strlen(text + len + 1) >= sizeof at.pin))
		return EMR_INVALID;
	if (text[len] == '#')
		memcpy(at.pin, text + len + 1, strlen(text + len + 1));
	/* Judged as settings are. */
	EMR_TRY(emr_served_at_write(&at, &json));
	return emr_served_at_read(emr_buf_view(&json), out);
}

void emr_served_address_text(const emr_served_at *at, char out[EMR_SERVED_ADDRESS_CHARS])
{
	(void)snprintf(out, EMR_SERVED_ADDRESS_CHARS, "%s%s%s", at->url,
		at->pin[0] != '\0' ? "#" : "", at->pin);
}
