/* This file gives tokens to members who sign for one, and checks them. A token is sealed with the
 * server's secret, so that nothing is kept for it; whether its key is still in force is looked up
 * each time, so that a revocation ends reading at once, behind the entry that says so. */
#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "contract/rows.h"
#include "crypto/kdf.h"
#include "keyring/keyring.h"
#include "served_private.h"

static void seal(const emr_served *served, const uint8_t token[40], uint8_t out[32])
{
	emr_hmac_sha256(emr_bytes_of(served->secret, 32), emr_bytes_of(token, 40), out);
}

static emr_status key_in_force(emr_served *served, emr_id32 signer, uint8_t out_pk[32])
{
	EMR_AUTO_BUF value = {0};
	emr_key_text key;
	emr_row_key row;
	emr_status status;

	emr_key_signer(signer.b, &key);
	(void)pthread_mutex_lock(&served->rows_lock);
	status = emr_chain_row(served->rows, key.text, &value, NULL, NULL);
	(void)pthread_mutex_unlock(&served->rows_lock);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DENIED : status;
	if (emr_row_key_parse((emr_span){value.data, value.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(out_pk, row.pk, 32);
	return row.head.state == EMR_KEY_ACTIVE ? EMR_OK : EMR_DENIED;
}

emr_status served_end_of(emr_served *served, emr_id32 signer, uint64_t *out_below)
{
	EMR_AUTO_BUF value = {0};
	emr_key_text key;
	emr_row_key row;
	uint64_t seq = 0;
	emr_status status;

	emr_key_signer(signer.b, &key);
	(void)pthread_mutex_lock(&served->rows_lock);
	status = emr_chain_row(served->rows, key.text, &value, &seq, NULL);
	(void)pthread_mutex_unlock(&served->rows_lock);
	if (status != EMR_OK ||
		emr_row_key_parse((emr_span){value.data, value.len}, &row) != EMR_CONTRACT_OK ||
		row.head.state != EMR_KEY_REVOKED)
		return EMR_DENIED;
	*out_below = seq + 1;
	return EMR_OK;
}

emr_status served_give_token(emr_served *served, emr_serve_call *call)
{
	uint8_t message[WIRE_TOKEN_MESSAGE_BYTES], token[WIRE_TOKEN_BYTES], pk[32];
	char text[WIRE_TOKEN_CHARS + 1];
	uint64_t now = emr_clock_unix_s(served->clock), said, below;
	emr_id32 signer;
	emr_status status;

	if (call->body.len != WIRE_TOKEN_REQUEST_BYTES)
		return EMR_INVALID;
	memcpy(signer.b, call->body.data, 32);
	said = emr_get_u64(call->body.data + 32);
	if (said > now + WIRE_CLOCKS_APART_S || now > said + WIRE_CLOCKS_APART_S)
		return EMR_DENIED;
	status = key_in_force(served, signer, pk);
	if (status == EMR_DENIED)
		status = served_end_of(served, signer, &below);
	wire_token_message(served->net_id, signer, said, message);
	if (status == EMR_OK &&
		emr_sign_verify(pk, EMR_SIGN_TOKEN, emr_bytes_of(message, sizeof message),
			call->body.data + 40) != EMR_OK)
		status = EMR_DENIED;
	if (status != EMR_OK)
		return status;
	memcpy(token, signer.b, 32);
	emr_put_u64(token + 32, now + WIRE_TOKEN_S);
	seal(served, token, token + 40);
	(void)sodium_bin2base64(
		text, sizeof text, token, sizeof token, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return emr_buf_append(&call->out, text, WIRE_TOKEN_CHARS);
}

emr_status emr_served_check(emr_served *served, emr_serve_call *call)
{
	const char *text = emr_serve_header(call, "Authorization");
	uint8_t token[WIRE_TOKEN_BYTES], wanted[32], pk[32];
	size_t len;

	if (text == NULL || strncmp(text, "Bearer ", 7) != 0 ||
		strlen(text + 7) != WIRE_TOKEN_CHARS ||
		sodium_base642bin(token, sizeof token, text + 7, WIRE_TOKEN_CHARS, NULL, &len, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		len != sizeof token)
		return EMR_BAD_SIGNATURE;
	seal(served, token, wanted);
	if (sodium_memcmp(wanted, token + 40, 32) != 0 ||
		emr_get_u64(token + 32) <= emr_clock_unix_s(served->clock))
		return EMR_BAD_SIGNATURE;
	memcpy(call->asks.b, token, 32);
	return key_in_force(served, call->asks, pk);
}
