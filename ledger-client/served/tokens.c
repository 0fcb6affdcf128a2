/* This file gives tokens to members who sign for one, and checks them. A token is sealed with a
 * secret that is made when the server starts, so that nothing is kept for it, on no disk either;
 * whether its key is still in force is looked up each time, so that a revocation ends reading at
 * once, behind the entry that says so.  No token destroys anything: that takes a signature each. */
#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "base/worker.h"
#include "contract/rows_share.h"
#include "crypto/kdf.h"
#include "keyring/keyring.h"
#include "ledger/network.h"
#include "served_private.h"

static void seal(const emr_served *served, const uint8_t token[40], uint8_t out[32])
{
	emr_hmac_sha256(emr_bytes_of(served->seal, 32), emr_bytes_of(token, 40), out);
}

/* EMR_DENIED: of no member is SIGNER the administrator. */
static emr_status find_admitted(emr_chain *chain, emr_id32 signer)
{
	EMR_AUTO_CHAIN_ROWS rows = {.chain = chain, .prefix = "M/"};
	emr_row_org row;

	while (emr_chain_next_row(&rows))
		if (emr_row_org_parse(emr_span_of(rows.value), &row) == EMR_CONTRACT_OK &&
			row.head.state == EMR_ORG_MEMBER &&
			memcmp(row.admin_id, signer.b, sizeof signer.b) == 0)
			return EMR_OK;
	return rows.status == EMR_OK ? EMR_DENIED : rows.status;
}

/* The number of entries that people of ORG may read: all while it is a member. */
static emr_status readable_by_org(emr_served *served, const uint8_t org[16], uint64_t *out_below)
{
	emr_row_org row;
	uint64_t seq = 0;

	EMR_TRY(emr_chain_org_row(served->rows, org, &row, &seq));
	*out_below = row.head.state == EMR_ORG_MEMBER ? UINT64_MAX : seq + 1;
	return EMR_OK;
}

/* The number of entries that SIGNER may read.  All (UINT64_MAX): its row is active, and its
 * organisation a member; or it has no row yet, and is that of an organisation that was admitted and
 * reads the ledger before it registers.  Others: those up to the one that ended it, of which its
 * computer would never hear.  EMR_DENIED: none. */
static emr_status readable_by(emr_served *served, emr_id32 signer, uint64_t *out_below)
{
	emr_row_key row;
	uint64_t seq = 0;
	emr_status status;
	EMR_LOCKED(&served->rows_lock);

	status = emr_chain_key_row(served->rows, signer.b, &row, &seq);
	if (status == EMR_NOT_FOUND) {
		*out_below = UINT64_MAX;
		return find_admitted(served->rows, signer);
	}
	EMR_TRY(status);
	if (row.head.state == EMR_KEY_ACTIVE)
		return readable_by_org(served, row.org, out_below);
	*out_below = seq + 1;
	return row.head.state == EMR_KEY_REVOKED ? EMR_OK : EMR_DENIED;
}

/* REQUEST is signed for this host, about now, and about ROOT; as readable_by of who did. */
static emr_status check_signed(emr_served *served, const uint8_t request[WIRE_TOKEN_REQUEST_BYTES],
	emr_bytes root, emr_id32 *out_signer, uint64_t *out_below)
{
	const uint64_t now = emr_clock_unix_s(served->clock), said = emr_get_u64(request + 32);
	uint8_t message[WIRE_TOKEN_MESSAGE_BYTES];
	size_t len;

	emr_signer_id(request, out_signer->b);
	if (said > now + WIRE_CLOCKS_APART_S || now > said + WIRE_CLOCKS_APART_S)
		return EMR_DENIED;
	/* The signature first: how long the answer takes says nothing of whose key it is. */
	len = wire_token_message(served->net_id, served->key, *out_signer, said, root, message);
	if (emr_sign_verify(request, EMR_SIGN_TOKEN, emr_bytes_of(message, len), request + 40) !=
		EMR_OK)
		return EMR_DENIED;
	return readable_by(served, *out_signer, out_below);
}

/* In the place of a token: a wrong clock is as good a reason as a key that is none. */
static emr_status give_time(emr_served *served, emr_serve_call *call)
{
	uint8_t answer[WIRE_TIME_BYTES], given[WIRE_TOKEN_GIVEN_BYTES];
	size_t len;

	emr_put_u64(answer, emr_clock_unix_s(served->clock));
	len = wire_token_given(call->body.data, emr_bytes_of(answer, 8), given);
	(void)crypto_sign_detached(answer + 8, NULL, given, len, served->sk);
	return emr_buf_append(&call->out, answer, sizeof answer);
}

emr_status served_give_token(emr_served *served, emr_serve_call *call)
{
	uint8_t token[WIRE_TOKEN_BYTES], given[WIRE_TOKEN_GIVEN_BYTES];
	char text[WIRE_TOKEN_CHARS + 64];
	emr_id32 signer;
	uint64_t below;
	emr_status status;

	if (call->body.len != WIRE_TOKEN_REQUEST_BYTES)
		return EMR_INVALID;
	status = check_signed(served, call->body.data, (emr_bytes){0}, &signer, &below);
	if (status == EMR_DENIED)
		EMR_TRY(give_time(served, call));
	EMR_TRY(status);
	memcpy(token, signer.b, 32);
	emr_put_u64(token + 32, emr_clock_unix_s(served->clock) + WIRE_TOKEN_S);
	seal(served, token, token + 40);
	(void)sodium_bin2base64(
		text, sizeof text, token, sizeof token, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	(void)wire_token_given(call->body.data, emr_bytes_of(text, WIRE_TOKEN_CHARS), given);
	(void)crypto_sign_detached(
		(uint8_t *)text + WIRE_TOKEN_CHARS, NULL, given, sizeof given, served->sk);
	return emr_buf_append(&call->out, text, WIRE_TOKEN_ANSWER_BYTES);
}

/* Exactly SIZE bytes behind "Bearer ". */
static bool read_bearer(emr_serve_call *call, uint8_t *out, size_t size)
{
	const char *text = emr_serve_header(call, "Authorization");
	size_t len;

	return text != NULL && strncmp(text, "Bearer ", 7) == 0 &&
	       sodium_base642bin(out, size, text + 7, strlen(text + 7), NULL, &len, NULL,
		       sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
	       len == size;
}

emr_status served_check_reader(emr_served *served, emr_serve_call *call, uint64_t *out_below)
{
	const uint64_t now = emr_clock_unix_s(served->clock);
	uint8_t token[WIRE_TOKEN_BYTES], wanted[32];

	/* Whose keys are in force it knows again when it has all entries. */
	EMR_TRY(served_is_open(served));
	if (!read_bearer(call, token, sizeof token))
		return EMR_BAD_SIGNATURE;
	seal(served, token, wanted);
	if (sodium_memcmp(wanted, token + 40, 32) != 0 || emr_get_u64(token + 32) <= now ||
		emr_get_u64(token + 32) > now + WIRE_TOKEN_S)
		return EMR_BAD_SIGNATURE;
	memcpy(call->asks.b, token, 32);
	return readable_by(served, call->asks, out_below);
}

/* A host that changed its key is in no row yet, and has no guests. */
emr_status emr_served_at_home(emr_served *served, emr_id32 signer)
{
	emr_row_key row;
	emr_row_host_key host;
	uint8_t org[16];
	bool is_of_others = false, is_elsewhere = false;
	EMR_AUTO_FREE char *channel = NULL; /* a directory has one host */
	EMR_LOCKED(&served->rows_lock);
	EMR_AUTO_CHAIN_ROWS rows = {.chain = served->rows, .prefix = "MH/"};

	if (emr_network_channel(served->dirfd, &channel) != EMR_OK ||
		emr_chain_key_row(served->rows, signer.b, &row, NULL) != EMR_OK)
		return EMR_OK;
	while (emr_chain_next_row(&rows)) {
		if (emr_row_host_key_parse(emr_span_of(rows.value), &host) != EMR_CONTRACT_OK ||
			emr_unhex(rows.key + 3, org, sizeof org) != EMR_OK)
			continue;
		const bool is_here = memcmp(host.key, served->key.b, sizeof host.key) == 0;
		const bool is_ours = memcmp(org, row.org, sizeof org) == 0;

		is_of_others = is_of_others || (is_here && !is_ours);
		is_elsewhere = is_elsewhere || (is_ours && !is_here);
	}
	return is_of_others && is_elsewhere ? EMR_DENIED : EMR_OK;
}

emr_status emr_served_check(emr_served *served, emr_serve_call *call, emr_bytes root)
{
	uint8_t request[WIRE_TOKEN_REQUEST_BYTES];
	uint64_t below;

	EMR_TRY(served_is_open(served));
	if (root.len == 0)
		EMR_TRY(served_check_reader(served, call, &below));
	else if (root.len != WIRE_ROOT_BYTES || !read_bearer(call, request, sizeof request))
		return EMR_BAD_SIGNATURE;
	else
		EMR_TRY(check_signed(served, request, root, &call->asks, &below));
	return below == UINT64_MAX ? EMR_OK : EMR_DENIED;
}
