/* This file makes and opens the letters of a request for access (REQUEST) and of a no (DENY). */
#include "keyring/letters.h"

#include <string.h>

#include "letters_private.h"

#define REQUEST_INFO "emrfs/v1/request"
#define DENY_INFO "emrfs/v1/deny"
#define FOR_ANOTHER 1u
#define REQUEST_MAX (6 * EMR_LETTER_UNIT)
#define REASON_MAX (3 * EMR_LETTER_UNIT)

/* ---- In the clear ---- */

static void write_text(emr_writer *w, const char *text)
{
	size_t len = strlen(text);

	emr_write_u16(w, (uint16_t)len);
	emr_write_bytes(w, text, len);
}

/* At most CAP - 1 bytes of good text, NUL behind. */
static void read_text(emr_reader *r, char *out, size_t cap)
{
	size_t len = emr_read_u16(r);

	if (len >= cap) {
		r->bad = true;
		return;
	}
	emr_read_copy(r, out, len);
	out[len] = '\0';
	if (!r->bad && !emr_text_ok(out, len))
		r->bad = true;
}

static bool text_fits(const char *text, size_t cap)
{
	size_t len = strnlen(text, cap);

	return len < cap && emr_text_ok(text, len);
}

emr_status emr_request_body_encode(const emr_request_body *body, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	size_t start = out->len;
	const bool is_for_another = !emr_id32_is_zero(body->reader);

	if (body->card_len > EMR_CARD_MAX || !text_fits(body->path, sizeof body->path) ||
		!text_fits(body->reason, sizeof body->reason))
		return EMR_INVALID;
	emr_write_bytes(&w, body->rsalt, 32);
	emr_write_u16(&w, body->rights);
	emr_write_u16(&w, is_for_another ? FOR_ANOTHER : 0);
	emr_write_u32(&w, body->purposes);
	emr_write_u64(&w, body->until);
	emr_write_u16(&w, (uint16_t)body->card_len);
	emr_write_bytes(&w, body->card, body->card_len);
	write_text(&w, body->path);
	write_text(&w, body->reason);
	if (is_for_another) {
		emr_write_bytes(&w, body->reader.b, sizeof body->reader.b);
		emr_write_bytes(&w, body->domain.b, sizeof body->domain.b);
	}
	emr_part_write_padding(&w, start);
	return w.status;
}

emr_status emr_request_body_decode(emr_bytes plain, emr_request_body *out)
{
	emr_reader r = emr_reader_of(plain);
	emr_request_body body = {0};
	uint16_t flags;

	emr_read_copy(&r, body.rsalt, 32);
	body.rights = emr_read_u16(&r);
	flags = emr_read_u16(&r);
	body.purposes = emr_read_u32(&r);
	body.until = emr_read_u64(&r);
	body.card_len = emr_read_u16(&r);
	if (body.card_len > EMR_CARD_MAX)
		return EMR_DAMAGED;
	emr_read_copy(&r, body.card, body.card_len);
	read_text(&r, body.path, sizeof body.path);
	read_text(&r, body.reason, sizeof body.reason);
	if (flags == FOR_ANOTHER) {
		emr_read_copy(&r, body.reader.b, sizeof body.reader.b);
		emr_read_copy(&r, body.domain.b, sizeof body.domain.b);
	}
	emr_part_read_padding(&r, plain.len);
	if (!emr_reader_done(&r) || flags != (emr_id32_is_zero(body.reader) ? 0 : FOR_ANOTHER))
		return EMR_DAMAGED;
	*out = body;
	return EMR_OK;
}

emr_status emr_reason_encode(const char *reason, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	size_t start = out->len;

	if (!text_fits(reason, EMR_REQUEST_REASON_MAX + 1))
		return EMR_INVALID;
	write_text(&w, reason);
	emr_part_write_padding(&w, start);
	return w.status;
}

emr_status emr_reason_decode(emr_bytes plain, char out[EMR_REQUEST_REASON_MAX + 1])
{
	emr_reader r = emr_reader_of(plain);
	char reason[EMR_REQUEST_REASON_MAX + 1] = "";

	read_text(&r, reason, sizeof reason);
	emr_part_read_padding(&r, plain.len);
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	memcpy(out, reason, sizeof reason);
	return EMR_OK;
}

/* ---- Parts of one letter ---- */

static emr_status seal_part(emr_bytes bytes, emr_part_op op, const char *info, const uint8_t pk[32],
	const emr_buf *plain, emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	emr_part_item item;
	emr_status status = emr_part_item_read(bytes, op, &item);

	if (status != EMR_OK)
		return EMR_INVALID;
	emr_part_write_salt(&w);
	EMR_TRY(emr_part_letter_seal(&item, info, (emr_bytes){0}, pk, emr_buf_view(plain), &w));
	return emr_buf_append(out_part, part.data, part.len);
}

/* At most MAX bytes of plaintext into PLAIN. */
static emr_status open_part(const emr_box_key *box, emr_bytes bytes, emr_part_op op,
	const char *info, emr_bytes part, size_t max, uint8_t *plain, size_t *out_len)
{
	emr_part_item item;
	emr_reader r;
	emr_bytes letter;

	EMR_TRY(emr_part_open(bytes, op, part, &item, &r));
	letter = emr_read_bytes(&r, r.left);
	if (letter.len < EMR_LETTER_UNIT + EMR_LETTER_OVERHEAD ||
		letter.len > max + EMR_LETTER_OVERHEAD)
		return EMR_DAMAGED;
	*out_len = letter.len - EMR_LETTER_OVERHEAD;
	return emr_part_letter_open(&item, info, (emr_bytes){0}, box, letter, plain);
}

emr_status emr_request_part_seal(emr_bytes request_item, const uint8_t to_box[32],
	const emr_request_body *body, emr_buf *out_part)
{
	EMR_AUTO_BUF plain = {0};

	EMR_TRY(emr_request_body_encode(body, &plain));
	return seal_part(request_item, EMR_PART_REQUEST, REQUEST_INFO, to_box, &plain, out_part);
}

emr_status emr_request_part_open(
	const emr_box_key *box, emr_bytes request_item, emr_bytes part, emr_request_body *out)
{
	uint8_t plain[REQUEST_MAX];
	size_t len;

	EMR_TRY(open_part(box, request_item, EMR_PART_REQUEST, REQUEST_INFO, part, sizeof plain,
		plain, &len));
	return emr_request_body_decode(emr_bytes_of(plain, len), out);
}

emr_status emr_deny_part_seal(emr_bytes deny_item, const uint8_t requester_x25519[32],
	const char *reason, emr_buf *out_part)
{
	EMR_AUTO_BUF plain = {0};

	EMR_TRY(emr_reason_encode(reason, &plain));
	return seal_part(deny_item, EMR_PART_DENY, DENY_INFO, requester_x25519, &plain, out_part);
}

emr_status emr_deny_part_open(const emr_box_key *box, emr_bytes deny_item, emr_bytes part,
	char out_reason[EMR_REQUEST_REASON_MAX + 1])
{
	uint8_t plain[REASON_MAX];
	size_t len;

	EMR_TRY(open_part(
		box, deny_item, EMR_PART_DENY, DENY_INFO, part, sizeof plain, plain, &len));
	return emr_reason_decode(emr_bytes_of(plain, len), out_reason);
}
