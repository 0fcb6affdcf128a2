/* This file writes cards as text and reads them again: as a file that survives mail, and as a QR
 * code that survives paper. */
#include "keyring/card.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "letters_private.h"

#define FILE_LINE "emrfs card v1"
#define QR_PREFIX "EMRFS:"
#define LINE_CHARS 64
#define FILE_BYTES_MAX (32 * 1024)
#define TEXT_IN_MAX (64 * 1024)
#define NOTE_LINE                                                                                  \
	"\nemrfs/" /* how a note of a host begins, and no line of base64 that stands there */
#define QR_BYTES_MAX ((EMR_CARD_QR_MAX - sizeof QR_PREFIX) * 5 / 8)

_Static_assert(QR_BYTES_MAX >= EMR_CARD_MAX - 64 + EMR_CARD_MAX - (EMR_CARD_LABEL_MAX - 1),
	"a person's card and the nameless one of her Inbox fit");

static const char base32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

emr_status emr_card_file_text(emr_bytes card, emr_buf *out_text)
{
	static const size_t line_bytes = LINE_CHARS / 4 * 3;
	EMR_AUTO_BUF text = {0};
	emr_writer w = emr_writer_of(&text);
	const uint8_t *at = card.data;

	if (card.len == 0 || card.len > FILE_BYTES_MAX)
		return EMR_LIMIT;
	emr_write_bytes(&w, FILE_LINE "\n", sizeof FILE_LINE);
	for (size_t left = card.len; left > 0;) {
		char line[LINE_CHARS + 1];
		size_t n = left < line_bytes ? left : line_bytes;

		sodium_bin2base64(line, sizeof line, at, n, sodium_base64_VARIANT_ORIGINAL);
		emr_write_bytes(&w, line, strlen(line));
		emr_write_u8(&w, '\n');
		at += n;
		left -= n;
	}
	return w.status == EMR_OK ? emr_buf_append(out_text, text.data, text.len) : w.status;
}

size_t text_to_base32(emr_bytes bytes, char *out)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t at = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		bits = bits << 8 | bytes.data[i];
		for (have += 8; have >= 5; have -= 5)
			out[at++] = base32_alphabet[bits >> (have - 5) & 31];
	}
	if (have > 0)
		out[at++] = base32_alphabet[bits << (5 - have) & 31];
	return at;
}

emr_status emr_card_qr_text(emr_bytes card, char out[EMR_CARD_QR_MAX])
{
	size_t at = sizeof QR_PREFIX - 1;

	if (card.len == 0 || card.len > QR_BYTES_MAX)
		return EMR_LIMIT;
	memcpy(out, QR_PREFIX, at);
	out[at + text_to_base32(card, out + at)] = '\0';
	return EMR_OK;
}

emr_status text_from_base32(const char *text, size_t len, emr_buf *out)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 32) : text[i];
		const char *found = c == '\0' ? NULL : strchr(base32_alphabet, c);
		uint8_t byte;

		if (is_blank(c))
			continue;
		if (found == NULL)
			return EMR_DAMAGED;
		bits = bits << 5 | (uint32_t)(found - base32_alphabet);
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		byte = (uint8_t)(bits >> have);
		if (emr_buf_append(out, &byte, 1) != EMR_OK)
			return EMR_NO_MEMORY;
	}
	return have < 5 && (bits & ((1u << have) - 1)) == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status from_base64(const char *text, size_t len, emr_buf *out)
{
	size_t start = out->len;
	size_t got;
	const char *end;

	EMR_TRY(emr_buf_append_zeros(out, len / 4 * 3 + 3));
	if (sodium_base642bin(out->data + start, out->len - start, text, len, " \t\r\n", &got, &end,
		    sodium_base64_VARIANT_ORIGINAL) != 0 ||
		end != text + len)
		return EMR_DAMAGED;
	out->len = start + got;
	return EMR_OK;
}

static bool begins(const char *text, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

emr_bytes emr_card_text_note(emr_bytes text)
{
	const uint8_t *at =
		text.len > 0 ? memmem(text.data, text.len, NOTE_LINE, sizeof NOTE_LINE - 1) : NULL;

	return at != NULL ? emr_bytes_of(at + 1, text.len - (size_t)(at + 1 - text.data))
			  : (emr_bytes){0};
}

emr_status emr_card_from_text(emr_bytes text, emr_buf *out)
{
	const char *at = (const char *)text.data;
	size_t len = text.len;
	EMR_AUTO_BUF made = {0};
	emr_status status;

	if (len > TEXT_IN_MAX)
		return EMR_LIMIT;
	if (begins(at, len, "EMCD"))
		return emr_buf_append(out, at, len);
	while (len > 0 && is_blank(*at))
		at++, len--;
	while (len > 0 && is_blank(at[len - 1]))
		len--;
	if (begins(at, len, QR_PREFIX))
		status = text_from_base32(
			at + sizeof QR_PREFIX - 1, len - (sizeof QR_PREFIX - 1), &made);
	else if (begins(at, len, FILE_LINE) && len >= sizeof FILE_LINE &&
		 is_blank(at[sizeof FILE_LINE - 1]))
		status = from_base64(at + sizeof FILE_LINE,
			len - sizeof FILE_LINE - emr_card_text_note(emr_bytes_of(at, len)).len,
			&made);
	else
		return EMR_DAMAGED;
	if (status != EMR_OK)
		return status;
	return begins((const char *)made.data, made.len, "EMCD")
		       ? emr_buf_append(out, made.data, made.len)
		       : EMR_DAMAGED;
}
