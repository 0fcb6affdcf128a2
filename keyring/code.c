/* This file writes and reads the code that leads to an invitation, and seals the invitation for who
 * has the code. */
#include "keyring/invite.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/aead.h"
#include "crypto/hashsig.h"
#include "crypto/kdf.h"
#include "keyring/card.h"
#include "letters_private.h"

#define MARK 0x48 /* the first letter is a J; its low bits are the way */
#define WAY_BITS 7u
#define SUM_BYTES 3
#define HEAD_BYTES (1 + 2 + 32 + EMR_CODE_SECRET_BYTES)
#define BYTES_MAX (HEAD_BYTES + EMR_CODE_ADDRESS_MAX + SUM_BYTES)
#define TEXT_MAX 1024 /* with blanks */

_Static_assert((BYTES_MAX * 8 + 4) / 5 <= EMR_CODE_CHARS_MAX, "a code has its length");

static bool is_ok(const emr_code *code)
{
	size_t len = strnlen(code->address, sizeof code->address);

	return code->way <= EMR_CODE_SOCKET && code->roles != 0 && len <= EMR_CODE_ADDRESS_MAX &&
	       (len > 0 || code->way == EMR_CODE_SOCKET) && emr_text_ok(code->address, len);
}

/* All but the sum at the end; how many. */
static size_t encode(const emr_code *code, uint8_t out[BYTES_MAX])
{
	const size_t len = strlen(code->address);

	out[0] = (uint8_t)(MARK | code->way);
	emr_put_u16(out + 1, code->roles);
	memcpy(out + 3, code->print.b, 32);
	memcpy(out + 35, code->secret, EMR_CODE_SECRET_BYTES);
	memcpy(out + HEAD_BYTES, code->address, len);
	return HEAD_BYTES + len;
}

static void sum_of(const uint8_t *bytes, size_t len, uint8_t out[SUM_BYTES])
{
	static const char label[] = "emrfs/v1/code"; /* hashed with its NUL */
	const emr_bytes parts[] = {emr_bytes_of(label, sizeof label), emr_bytes_of(bytes, len)};
	uint8_t hash[32];
	emr_sha256_ctx sum;

	emr_sha256_init(&sum);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		emr_sha256_update(&sum, parts[i].data, parts[i].len);
	emr_sha256_final(&sum, hash);
	memcpy(out, hash, SUM_BYTES);
}

emr_status emr_code_write(const emr_code *code, char out[EMR_CODE_CHARS_MAX + 1])
{
	uint8_t bytes[BYTES_MAX];
	size_t len;

	if (!is_ok(code))
		return EMR_INVALID;
	len = encode(code, bytes);
	sum_of(bytes, len, bytes + len);
	out[text_to_base32(emr_bytes_of(bytes, len + SUM_BYTES), out)] = '\0';
	emr_wipe(bytes, sizeof bytes);
	return EMR_OK;
}

static emr_status decode(emr_bytes bytes, emr_code *out)
{
	uint8_t sum[SUM_BYTES];
	emr_code code = {.way = EMR_CODE_PINNED};
	size_t address;

	if (bytes.len < HEAD_BYTES + SUM_BYTES || bytes.len > BYTES_MAX)
		return EMR_DAMAGED;
	sum_of(bytes.data, bytes.len - SUM_BYTES, sum);
	if (memcmp(sum, bytes.data + bytes.len - SUM_BYTES, SUM_BYTES) != 0)
		return EMR_DAMAGED;
	/* Whole, and of another kind: of a later emrfs. */
	if ((bytes.data[0] & ~WAY_BITS) != MARK || (bytes.data[0] & WAY_BITS) > EMR_CODE_SOCKET)
		return emr_newer_format(bytes.data[0], MARK);
	address = bytes.len - SUM_BYTES - HEAD_BYTES;
	code.way = (emr_code_way)(bytes.data[0] & WAY_BITS);
	code.roles = emr_get_u16(bytes.data + 1);
	memcpy(code.print.b, bytes.data + 3, 32);
	memcpy(code.secret, bytes.data + 35, EMR_CODE_SECRET_BYTES);
	memcpy(code.address, bytes.data + HEAD_BYTES, address);
	if (strlen(code.address) != address || !is_ok(&code))
		return EMR_DAMAGED;
	*out = code;
	emr_wipe(&code, sizeof code);
	return EMR_OK;
}

emr_status emr_code_read(emr_bytes text, emr_code *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_status status;

	if (text.len > TEXT_MAX)
		return EMR_DAMAGED;
	status = text_from_base32((const char *)text.data, text.len, &bytes);
	if (status == EMR_OK)
		status = decode(emr_buf_view(&bytes), out);
	if (bytes.len > 0)
		emr_wipe(bytes.data, bytes.len);
	return status;
}

/* ---- cards for emergencies ---- */

#define CARD_MARK 0x20 /* the first letter is an E */
#define CARD_BYTES (1 + sizeof(emr_id16) + SUM_BYTES)

_Static_assert(CARD_BYTES * 8 == EMR_EMERGENCY_CODE_CHARS * 5, "a card's code has its length");

void emr_emergency_code_write(emr_id16 word, char out[EMR_EMERGENCY_CODE_CHARS + 1])
{
	uint8_t bytes[CARD_BYTES] = {CARD_MARK};

	memcpy(bytes + 1, word.b, sizeof word.b);
	sum_of(bytes, CARD_BYTES - SUM_BYTES, bytes + CARD_BYTES - SUM_BYTES);
	out[text_to_base32(emr_bytes_of(bytes, sizeof bytes), out)] = '\0';
}

emr_status emr_emergency_code_read(const char *text, emr_id16 *out)
{
	EMR_AUTO_BUF bytes = {0};
	uint8_t sum[SUM_BYTES];
	const size_t len = strlen(text);

	EMR_TRY(len <= TEXT_MAX ? text_from_base32(text, len, &bytes) : EMR_DAMAGED);
	if (bytes.len != CARD_BYTES || bytes.data[0] != CARD_MARK)
		return EMR_DAMAGED;
	sum_of(bytes.data, CARD_BYTES - SUM_BYTES, sum);
	if (memcmp(sum, bytes.data + CARD_BYTES - SUM_BYTES, SUM_BYTES) != 0)
		return EMR_DAMAGED;
	memcpy(out->b, bytes.data + 1, sizeof out->b);
	return EMR_OK;
}

/* ---- what waits under a code ---- */

/* Id and key follow from everything in the code, so that none of it can be changed. */
static emr_status derive(const emr_code *code, emr_id16 *out_id, emr_secret *out_key)
{
	uint8_t bytes[BYTES_MAX];
	emr_status status = is_ok(code) ? EMR_OK : EMR_INVALID;
	EMR_AUTO_SECRET made = {0};
	size_t len;

	EMR_TRY(status);
	len = encode(code, bytes);
	status = emr_secret_new(sizeof out_id->b + EMR_AEAD_KEY_BYTES, &made);
	if (status == EMR_OK)
		status = emr_hkdf_sha512("emrfs/v1/code", emr_bytes_of(bytes, len), (emr_bytes){0},
			made.data, made.len);
	emr_wipe(bytes, sizeof bytes);
	if (status == EMR_OK && out_key != NULL)
		status = emr_secret_new(EMR_AEAD_KEY_BYTES, out_key);
	EMR_TRY(status);
	if (out_key != NULL)
		memcpy(out_key->data, made.data + sizeof out_id->b, EMR_AEAD_KEY_BYTES);
	memcpy(out_id->b, made.data, sizeof out_id->b);
	return EMR_OK;
}

emr_status emr_code_id(const emr_code *code, emr_id16 *out)
{
	return derive(code, out, NULL);
}

/* The key is for this one text, so no nonce is needed. */
static const uint8_t nonce[EMR_AEAD_NONCE_BYTES];

emr_status emr_code_seal(const emr_code *code, emr_bytes invitation, emr_buf *out)
{
	EMR_AUTO_SECRET key = {0};
	const size_t start = out->len;
	emr_id16 id;

	if (invitation.len > EMR_INVITE_MAX)
		return EMR_LIMIT;
	EMR_TRY(derive(code, &id, &key));
	EMR_TRY(emr_buf_append_zeros(out, invitation.len + EMR_AEAD_TAG_BYTES));
	return emr_aead_seal(
		&key, nonce, emr_bytes_of(id.b, sizeof id.b), invitation, out->data + start);
}

emr_status emr_code_open(const emr_code *code, emr_bytes sealed, emr_buf *out)
{
	EMR_AUTO_SECRET key = {0};
	const size_t start = out->len;
	emr_id16 id;
	emr_status status;

	if (sealed.len < EMR_AEAD_TAG_BYTES || sealed.len > EMR_INVITE_MAX + EMR_AEAD_TAG_BYTES)
		return EMR_DAMAGED;
	EMR_TRY(derive(code, &id, &key));
	EMR_TRY(emr_buf_append_zeros(out, sealed.len - EMR_AEAD_TAG_BYTES));
	status = emr_aead_open(
		&key, nonce, emr_bytes_of(id.b, sizeof id.b), sealed, out->data + start);
	if (status != EMR_OK)
		out->len = start;
	return status;
}
