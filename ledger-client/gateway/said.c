/* This file reads how a call of gRPC ended: status, message and details, in headers or trailers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "grpc.h"
#include "proto.h"

#include <sodium.h>

#define ERROR_DETAIL_URL "type.googleapis.com/gateway.ErrorDetail"

void grpc_clean(char *out, size_t size, emr_bytes text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len && n + 1 < size; i++)
		out[n++] = text.data[i] >= 0x20 && text.data[i] <= 0x7e ? (char)text.data[i] : ' ';
	out[n] = '\0';
}

void grpc_said_begin(grpc_said *said)
{
	*said = (grpc_said){.code = GRPC_MISSING};
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Text that is no escape stays as it is, as the protocol wants. */
static void read_message(grpc_said *said, emr_bytes value)
{
	uint8_t plain[GRPC_TEXT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < value.len && n < sizeof plain; i++) {
		uint8_t c = value.data[i];
		int high = -1, low = -1;

		if (c == '%' && i + 2 < value.len) {
			high = hex_digit(value.data[i + 1]);
			low = hex_digit(value.data[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		plain[n++] = c;
	}
	grpc_clean(said->message, sizeof said->message, emr_bytes_of(plain, n));
}

/* A number that gRPC does not have is an error all the same. */
static void read_status(grpc_said *said, emr_bytes value)
{
	int code = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9' || code > GRPC_CODE_MAX)
			code = GRPC_CODE_MAX + 1;
		else
			code = code * 10 + (value.data[i] - '0');
	}
	said->code = value.len == 0 || code > GRPC_CODE_MAX ? GRPC_UNKNOWN : code;
}

static void add_detail(grpc_said *said, emr_bytes any)
{
	emr_bytes url = {0}, value = {0}, address = {0}, msp = {0}, message = {0};
	const proto_want of_any[] = {
		{ANY_TYPE_URL, PROTO_BYTES, &url}, {ANY_VALUE, PROTO_BYTES, &value}};
	const proto_want of_detail[] = {{ERROR_DETAIL_ADDRESS, PROTO_BYTES, &address},
		{ERROR_DETAIL_MSP_ID, PROTO_BYTES, &msp},
		{ERROR_DETAIL_MESSAGE, PROTO_BYTES, &message}};
	char texts[3][GRPC_TEXT_BYTES];
	size_t used = strlen(said->detail);

	if (proto_read(any, of_any, 2) != EMR_OK ||
		!emr_bytes_equal(url, emr_bytes_of(ERROR_DETAIL_URL, strlen(ERROR_DETAIL_URL))) ||
		proto_read(value, of_detail, 3) != EMR_OK)
		return;
	grpc_clean(texts[0], sizeof texts[0], msp);
	grpc_clean(texts[1], sizeof texts[1], address);
	grpc_clean(texts[2], sizeof texts[2], message);
	(void)snprintf(said->detail + used, sizeof said->detail - used, "%s%s at %s: %s",
		used > 0 ? "; " : "", texts[0], texts[1], texts[2]);
}

/* Details help a person; an answer whose details cannot be read has none. */
static void read_details(grpc_said *said, emr_bytes value)
{
	EMR_AUTO_FREE uint8_t *status = NULL;
	emr_bytes items[GRPC_DETAIL_COUNT_MAX];
	proto_list details = {.items = items, .max = GRPC_DETAIL_COUNT_MAX};
	const proto_want wants[] = {{RPC_STATUS_DETAILS, PROTO_REPEATED, &details}};
	size_t len = 0;

	said->detail[0] = '\0';
	while (value.len > 0 && value.data[value.len - 1] == '=')
		value.len--;
	if (value.len == 0 || value.len > GRPC_DETAILS_MAX)
		return;
	status = malloc(value.len);
	if (status == NULL ||
		sodium_base642bin(status, value.len, (const char *)value.data, value.len, NULL,
			&len, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0)
		return;
	/* Those in front of a limit count, too. */
	(void)proto_read(emr_bytes_of(status, len), wants, 1);
	for (size_t i = 0; i < details.count; i++)
		add_detail(said, items[i]);
}

static emr_bytes trimmed(emr_bytes text)
{
	while (text.len > 0 && strchr(" \t", text.data[0]) != NULL && text.data[0] != 0)
		text = emr_bytes_of(text.data + 1, text.len - 1);
	while (text.len > 0 && text.data[text.len - 1] <= ' ')
		text.len--;
	return text;
}

static bool is_named(emr_bytes name, const char *wanted)
{
	return name.len == strlen(wanted) &&
	       strncasecmp((const char *)name.data, wanted, name.len) == 0;
}

static bool begins(emr_bytes text, const char *wanted)
{
	return text.len >= strlen(wanted) &&
	       strncasecmp((const char *)text.data, wanted, strlen(wanted)) == 0;
}

void grpc_said_line(grpc_said *said, emr_bytes line)
{
	const uint8_t *colon;
	emr_bytes name, value;

	if (begins(line, "HTTP/")) {
		grpc_said_begin(said);
		return;
	}
	colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
	if (colon == NULL)
		return;
	name = emr_bytes_of(line.data, (size_t)(colon - line.data));
	value = trimmed(emr_bytes_of(colon + 1, line.len - name.len - 1));
	if (is_named(name, "content-type")) {
		const char *type = "application/grpc";

		said->is_grpc = begins(value, type) &&
				(value.len == strlen(type) || value.data[strlen(type)] == '+' ||
					value.data[strlen(type)] == ';');
	} else if (is_named(name, "grpc-status")) {
		read_status(said, value);
	} else if (is_named(name, "grpc-message")) {
		read_message(said, value);
	} else if (is_named(name, "grpc-status-details-bin")) {
		read_details(said, value);
	}
}
