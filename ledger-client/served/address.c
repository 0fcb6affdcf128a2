/* This file reads, writes and judges the signed text about where a host is now. */
#include "served/client.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"

#define KIND_ADDRESS 1u
#define KIND_SUCCESSOR 2u
#define WITH_PIN 4u
#define HEAD_MAX (1 + 8 + 32 + 32)
#define RAW_MAX (HEAD_MAX + EMR_ADDRESS_VOICES_MAX * sizeof(emr_address_voice))
#define PIN_PREFIX_CHARS 8 /* "sha256//" */
#define UNIX_PREFIX "unix:"
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* ---- text ---- */

static size_t place_of(const emr_served_at *at, char out[EMR_ADDRESS_MESSAGE_MAX])
{
	return (size_t)snprintf(out, EMR_ADDRESS_MESSAGE_MAX, "%s%s",
		at->socket[0] != '\0' ? UNIX_PREFIX : "",
		at->socket[0] != '\0' ? at->socket : at->url);
}

static size_t put_head(const emr_address *address, uint8_t out[HEAD_MAX])
{
	const bool has_pin = address->at.pin[0] != '\0';
	size_t n = 9;

	out[0] = (uint8_t)((address->is_successor ? KIND_SUCCESSOR : KIND_ADDRESS) |
			   (has_pin ? WITH_PIN : 0));
	emr_put_u64(out + 1, address->unix_s);
	if (address->is_successor) {
		memcpy(out + n, address->at.key.b, 32);
		n += 32;
	}
	if (has_pin) {
		(void)sodium_base642bin(out + n, 32, address->at.pin + PIN_PREFIX_CHARS,
			strlen(address->at.pin) - PIN_PREFIX_CHARS, NULL, NULL, NULL,
			sodium_base64_VARIANT_ORIGINAL);
		n += 32;
	}
	return n;
}

emr_status emr_address_write(const emr_address *address, emr_buf *out)
{
	uint8_t raw[RAW_MAX];
	char text[sodium_base64_ENCODED_LEN(RAW_MAX, BASE64)], place[EMR_ADDRESS_MESSAGE_MAX];
	size_t n = put_head(address, raw);
	const size_t voices = address->n_voices * sizeof *address->voices;

	if (address->n_voices > EMR_ADDRESS_VOICES_MAX)
		return EMR_LIMIT;
	if (address->is_successor)
		memcpy(raw + n, address->voices, voices);
	else
		memcpy(raw + n, address->sig, sizeof address->sig);
	n += address->is_successor ? voices : sizeof address->sig;
	(void)sodium_bin2base64(text, sizeof text, raw, n, BASE64);
	EMR_TRY(emr_buf_append(out, place, place_of(&address->at, place)));
	EMR_TRY(emr_buf_append(out, "#", 1));
	EMR_TRY(emr_buf_append(out, text, strlen(text)));
	return emr_buf_append(out, "\n", 1);
}

static bool read_raw(emr_bytes raw, emr_address *out)
{
	emr_reader r = emr_reader_of(raw);
	const uint8_t kind = emr_read_u8(&r);
	emr_id32 pin;

	out->is_successor = (kind & KIND_SUCCESSOR) != 0;
	out->unix_s = emr_read_u64(&r);
	if (out->is_successor)
		emr_read_copy(&r, out->at.key.b, 32);
	if ((kind & WITH_PIN) != 0) {
		emr_read_copy(&r, pin.b, sizeof pin.b);
		emr_served_pin_text(pin, out->at.pin);
	}
	if (!out->is_successor)
		emr_read_copy(&r, out->sig, sizeof out->sig);
	while (out->is_successor && r.left > 0 && out->n_voices < EMR_ADDRESS_VOICES_MAX)
		emr_read_copy(&r, &out->voices[out->n_voices++], sizeof *out->voices);
	return emr_reader_done(&r) &&
	       (kind & ~WITH_PIN) == (out->is_successor ? KIND_SUCCESSOR : KIND_ADDRESS);
}

/* It is as settings may have it. */
static emr_status read_place(emr_bytes place, emr_served_at *at)
{
	const size_t prefix = sizeof UNIX_PREFIX - 1;
	const bool is_socket = place.len > prefix && memcmp(place.data, UNIX_PREFIX, prefix) == 0;
	EMR_AUTO_BUF json = {0};
	emr_served_at again;

	if (place.len >= sizeof at->url || memchr(place.data, '\0', place.len) != NULL)
		return EMR_INVALID;
	if (is_socket)
		memcpy(at->socket, place.data + prefix, place.len - prefix);
	else
		memcpy(at->url, place.data, place.len);
	EMR_TRY(emr_served_at_write(at, &json));
	return emr_served_at_read(emr_buf_view(&json), &again);
}

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

emr_status emr_address_read(emr_bytes text, emr_address *out)
{
	EMR_AUTO_BUF again = {0};
	uint8_t raw[RAW_MAX];
	const uint8_t *hash;
	const char *end;
	size_t n = 0;

	*out = (emr_address){.n_voices = 0};
	while (text.len > 0 && is_space(text.data[text.len - 1]))
		text.len--;
	for (; text.len > 0 && is_space(*text.data); text.len--)
		text.data++;
	hash = text.len > 0 && text.len <= EMR_ADDRESS_TEXT_MAX ? memchr(text.data, '#', text.len)
								: NULL;
	if (hash == NULL ||
		sodium_base642bin(raw, sizeof raw, (const char *)hash + 1,
			text.len - (size_t)(hash + 1 - text.data), NULL, &n, &end, BASE64) != 0 ||
		!read_raw(emr_bytes_of(raw, n), out))
		return EMR_INVALID;
	EMR_TRY(read_place(emr_bytes_of(text.data, (size_t)(hash - text.data)), &out->at));
	if (!out->is_successor)
		(void)snprintf(out->at.word, sizeof out->at.word, "%.*s",
			(int)(text.len - (size_t)(hash + 1 - text.data)), hash + 1);
	/* One text of an address: what would be written otherwise is none. */
	EMR_TRY(emr_address_write(out, &again));
	again.len--;
	return emr_bytes_equal(emr_buf_view(&again), text) ? EMR_OK : EMR_INVALID;
}

emr_status emr_address_of(const emr_served_at *at, emr_address *out)
{
	char place[EMR_ADDRESS_MESSAGE_MAX], text[EMR_ADDRESS_MESSAGE_MAX + sizeof at->word];

	(void)place_of(at, place);
	(void)snprintf(text, sizeof text, "%s#%s", place, at->word);
	return emr_address_read(emr_bytes_of(text, strlen(text)), out);
}

/* ---- who says it ---- */

size_t emr_address_message(const emr_address *address, emr_id16 net_id, emr_id32 host,
	uint8_t out[EMR_ADDRESS_MESSAGE_MAX])
{
	char place[EMR_ADDRESS_MESSAGE_MAX];
	const size_t len = place_of(&address->at, place);
	size_t n = sizeof net_id.b + sizeof host.b;

	memcpy(out, net_id.b, sizeof net_id.b);
	memcpy(out + sizeof net_id.b, host.b, sizeof host.b);
	n += put_head(address, out + n);
	memcpy(out + n, place, len);
	return n + len;
}

emr_status emr_address_follow(
	const emr_address *address, emr_id16 net_id, const emr_served_at *have, emr_served_at *out)
{
	uint8_t message[EMR_ADDRESS_MESSAGE_MAX];
	const size_t n = emr_address_message(address, net_id, have->key, message);
	emr_address known;

	if (address->is_successor || emr_sign_verify(have->key.b, EMR_SIGN_ADDRESS,
					     emr_bytes_of(message, n), address->sig) != EMR_OK)
		return EMR_BAD_SIGNATURE;
	if (emr_address_of(have, &known) == EMR_OK && known.unix_s > address->unix_s)
		return EMR_ROLLBACK;
	*out = address->at;
	out->key = have->key;
	return EMR_OK;
}

emr_status emr_address_votes(const emr_address *address, emr_id16 net_id, emr_id32 host,
	emr_ledger_copy *rows, unsigned *out_n)
{
	uint8_t message[EMR_ADDRESS_MESSAGE_MAX], orgs[EMR_ADDRESS_VOICES_MAX][16];
	const size_t len = emr_address_message(address, net_id, host, message);
	unsigned n = 0;

	for (size_t i = 0; i < address->n_voices; i++) {
		const emr_address_voice *voice = &address->voices[i];
		uint8_t pk[32];
		bool counts = false;

		EMR_TRY(emr_ledger_copy_administrator(rows, voice->signer, pk, orgs[n], &counts));
		counts = counts && emr_sign_verify(pk, EMR_SIGN_ADDRESS, emr_bytes_of(message, len),
					   voice->sig) == EMR_OK;
		for (unsigned j = 0; j < n; j++)
			counts = counts && memcmp(orgs[j], orgs[n], 16) != 0;
		n += counts;
	}
	*out_n = n;
	return EMR_OK;
}
