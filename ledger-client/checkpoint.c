/* This file writes and reads checkpoints, the signed heads of a ledger (C2SP), and signs and
 * checks them. Members who have signed the same head can later prove what they saw. */
#include "ledger/checkpoint.h"

#include <sodium.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/secret.h"
#include "ledger/hash.h"

#define ORIGIN_CHARS (6 + 32) /* emrfs/<32 hex> */
#define RESTART "/restart/"
#define FIRST_MAX (ORIGIN_CHARS + 9 + 32)  /* .../restart/<32 hex> */
#define NAME_CHARS (ORIGIN_CHARS + 1 + 16) /* .../<16 hex> */
#define SIG_BYTES (4 + 8 + 64)		   /* key id, time, Ed25519 */
#define SIG_CHARS 104			   /* base64 of it, with padding */
#define ROOT_CHARS 44
#define BODY_MAX (FIRST_MAX + 1 + 20 + 1 + ROOT_CHARS + 1)
#define SIG_PREFIX "\xe2\x80\x94 " /* em dash, blank */
#define COSIGNATURE_TYPE 0x04

_Static_assert(
	sodium_base64_ENCODED_LEN(SIG_BYTES, sodium_base64_VARIANT_ORIGINAL) == SIG_CHARS + 1,
	"base64");
_Static_assert(
	sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL) == ROOT_CHARS + 1, "base64");

static void origin_of(emr_id16 net_id, char out[ORIGIN_CHARS + 1])
{
	memcpy(out, "emrfs/", 6);
	emr_hex(net_id.b, sizeof net_id.b, out + 6);
}

static void name_of(emr_id16 net_id, const uint8_t name_id[8], char out[NAME_CHARS + 1])
{
	origin_of(net_id, out);
	out[ORIGIN_CHARS] = '/';
	emr_hex(name_id, 8, out + ORIGIN_CHARS + 1);
}

/* The first line, which says what is signed. */
static void first_of(const emr_checkpoint *checkpoint, char out[FIRST_MAX + 1])
{
	origin_of(checkpoint->net_id, out);
	if (emr_id16_is_zero(checkpoint->recovery))
		return;
	memcpy(out + ORIGIN_CHARS, RESTART, sizeof RESTART);
	emr_hex(checkpoint->recovery.b, 16, out + ORIGIN_CHARS + sizeof RESTART - 1);
}

static size_t body_of(const emr_checkpoint *checkpoint, char out[BODY_MAX + 1])
{
	char first[FIRST_MAX + 1];
	char root[ROOT_CHARS + 1];

	first_of(checkpoint, first);
	(void)sodium_bin2base64(
		root, sizeof root, checkpoint->root, 32, sodium_base64_VARIANT_ORIGINAL);
	return (size_t)snprintf(out, BODY_MAX + 1, "%s\n%llu\n%s\n", first,
		(unsigned long long)checkpoint->size, root);
}

/* C2SP signed-note: first 4 bytes of SHA-256(name, newline, signature type, public key). */
static void key_id_of(
	emr_id16 net_id, const uint8_t name_id[8], const uint8_t log_pk[32], uint8_t out[4])
{
	char name[NAME_CHARS + 1];
	const uint8_t type[2] = {'\n', COSIGNATURE_TYPE};
	emr_id32 digest;

	name_of(net_id, name_id, name);
	digest = emr_sha256_of((emr_bytes[]){emr_bytes_of(name, NAME_CHARS), emr_bytes_of(type, 2),
				       emr_bytes_of(log_pk, 32)},
		3);
	memcpy(out, digest.b, 4);
}

/* ---- text ---- */

static emr_status write_sig(
	const emr_checkpoint *checkpoint, const emr_checkpoint_sig *sig, emr_buf *out)
{
	uint8_t raw[SIG_BYTES];
	char base64[SIG_CHARS + 1];
	char name[NAME_CHARS + 1];
	char line[sizeof SIG_PREFIX + NAME_CHARS + SIG_CHARS + 8];
	int n;

	memcpy(raw, sig->key_id, 4);
	emr_put_u64(raw + 4, sig->time);
	memcpy(raw + 12, sig->sig, 64);
	(void)sodium_bin2base64(
		base64, sizeof base64, raw, sizeof raw, sodium_base64_VARIANT_ORIGINAL);
	name_of(checkpoint->net_id, sig->name_id, name);
	n = snprintf(line, sizeof line, SIG_PREFIX "%s %s\n", name, base64);
	return emr_buf_append(out, line, (size_t)n);
}

emr_status emr_checkpoint_format(const emr_checkpoint *checkpoint, emr_buf *out_note)
{
	char body[BODY_MAX + 1];
	size_t n = body_of(checkpoint, body);

	if (checkpoint->n_sigs > EMR_CHECKPOINT_SIGS_MAX)
		return EMR_LIMIT;
	emr_buf_clear(out_note);
	EMR_TRY(emr_buf_append(out_note, body, n));
	EMR_TRY(emr_buf_append(out_note, "\n", 1));
	for (size_t i = 0; i < checkpoint->n_sigs; i++)
		EMR_TRY(write_sig(checkpoint, &checkpoint->sigs[i], out_note));
	return EMR_OK;
}

/* The line at *at without its newline; false when there is none or it is longer than MAX. */
static bool next_line(emr_reader *r, size_t max, emr_bytes *out_line)
{
	const uint8_t *end;

	if (r->left == 0)
		return false;
	end = memchr(r->at, '\n', r->left < max + 1 ? r->left : max + 1);
	if (end == NULL)
		return false;
	*out_line = emr_read_bytes(r, (size_t)(end - r->at));
	(void)emr_read_u8(r);
	return true;
}

static bool unbase64(emr_bytes text, uint8_t *out, size_t len)
{
	size_t got = 0;
	const char *end = NULL;

	return sodium_base642bin(out, len, (const char *)text.data, text.len, NULL, &got, &end,
		       sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == len && end == (const char *)text.data + text.len;
}

static bool unhex(emr_bytes text, uint8_t *out, size_t len)
{
	char copy[65];

	if (text.len != 2 * len || text.len >= sizeof copy)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return emr_unhex(copy, out, len) == EMR_OK;
}

static bool parse_size(emr_bytes text, uint64_t *out)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > 19)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	}
	*out = value;
	return true;
}

/* The rest of the line is compared when the text is made again. */
static bool parse_first(emr_bytes line, emr_checkpoint *out)
{
	const size_t id_at = ORIGIN_CHARS + sizeof RESTART - 1;

	if (line.len < ORIGIN_CHARS || memcmp(line.data, "emrfs/", 6) != 0 ||
		!unhex(emr_bytes_of(line.data + 6, 32), out->net_id.b, 16))
		return false;
	return line.len == ORIGIN_CHARS ||
	       (line.len == FIRST_MAX &&
		       unhex(emr_bytes_of(line.data + id_at, 32), out->recovery.b, 16));
}

static bool parse_body(emr_reader *r, emr_checkpoint *out)
{
	emr_bytes line;

	if (!next_line(r, FIRST_MAX, &line) || !parse_first(line, out))
		return false;
	if (!next_line(r, 20, &line) || !parse_size(line, &out->size))
		return false;
	if (!next_line(r, ROOT_CHARS, &line) || !unbase64(line, out->root, 32))
		return false;
	return next_line(r, 0, &line);
}

static bool parse_sig(emr_bytes line, emr_checkpoint_sig *out)
{
	const size_t prefix = sizeof SIG_PREFIX - 1;
	uint8_t raw[SIG_BYTES];

	if (line.len != prefix + NAME_CHARS + 1 + SIG_CHARS)
		return false;
	if (!unhex(emr_bytes_of(line.data + prefix + ORIGIN_CHARS + 1, 16), out->name_id, 8))
		return false;
	if (!unbase64(
		    emr_bytes_of(line.data + prefix + NAME_CHARS + 1, SIG_CHARS), raw, sizeof raw))
		return false;
	memcpy(out->key_id, raw, 4);
	out->time = emr_get_u64(raw + 4);
	memcpy(out->sig, raw + 12, 64);
	return true;
}

static emr_status parse(emr_bytes note, bool is_said, emr_checkpoint *out_checkpoint)
{
	emr_checkpoint checkpoint = {0};
	EMR_AUTO_BUF again = {0};
	emr_reader r = emr_reader_of(note);
	emr_bytes line;

	if (note.len > EMR_CHECKPOINT_MAX)
		return EMR_LIMIT;
	if (!parse_body(&r, &checkpoint))
		return EMR_DAMAGED;
	while (r.left > 0) {
		if (checkpoint.n_sigs == EMR_CHECKPOINT_SIGS_MAX)
			return EMR_LIMIT;
		if (!next_line(&r, 256, &line) ||
			!parse_sig(line, &checkpoint.sigs[checkpoint.n_sigs]))
			return EMR_DAMAGED;
		checkpoint.n_sigs++;
	}
	/* One text a checkpoint: upper-case hex, leading zeros or another name would not come out
	 * again. */
	EMR_TRY(emr_checkpoint_format(&checkpoint, &again));
	if (!emr_bytes_equal(emr_buf_view(&again), note) ||
		emr_id16_is_zero(checkpoint.recovery) == is_said ||
		(is_said && checkpoint.n_sigs != 1))
		return EMR_DAMAGED;
	*out_checkpoint = checkpoint;
	return EMR_OK;
}

emr_status emr_checkpoint_parse(emr_bytes note, emr_checkpoint *out_checkpoint)
{
	return parse(note, false, out_checkpoint);
}

emr_status emr_checkpoint_parse_said(emr_bytes note, emr_checkpoint *out_checkpoint)
{
	return parse(note, true, out_checkpoint);
}

/* ---- cosignatures ---- */

#define LABEL "cosignature/v1\n"

/* The message behind the label: "time N\n" and the note's text. */
static size_t message_of(
	const emr_checkpoint *checkpoint, uint64_t time, char out[32 + BODY_MAX + 1])
{
	size_t n = (size_t)snprintf(out, 32, "time %llu\n", (unsigned long long)time);

	return n + body_of(checkpoint, out + n);
}

static emr_checkpoint_sig *place_for(emr_checkpoint *checkpoint, const uint8_t name_id[8])
{
	for (size_t i = 0; i < checkpoint->n_sigs; i++)
		if (memcmp(checkpoint->sigs[i].name_id, name_id, 8) == 0)
			return &checkpoint->sigs[i];
	if (checkpoint->n_sigs == EMR_CHECKPOINT_SIGS_MAX)
		return NULL;
	return &checkpoint->sigs[checkpoint->n_sigs++];
}

/* Of the key PK, which SIGNER is known by. */
static emr_status put_sig(
	emr_checkpoint *checkpoint, emr_id32 signer, const uint8_t pk[32], emr_checkpoint_sig *sig)
{
	emr_checkpoint_sig *place;

	memcpy(sig->name_id, signer.b, 8);
	key_id_of(checkpoint->net_id, sig->name_id, pk, sig->key_id);
	place = place_for(checkpoint, sig->name_id);
	if (place == NULL)
		return EMR_LIMIT;
	*place = *sig;
	return EMR_OK;
}

emr_status emr_checkpoint_cosign(
	emr_checkpoint *checkpoint, const emr_keyring *keyring, uint64_t time)
{
	emr_checkpoint_sig sig = {.time = time};
	emr_public public;
	uint8_t log_pk[32];
	char message[32 + BODY_MAX + 1];
	size_t n = message_of(checkpoint, time, message);

	EMR_TRY(emr_keyring_public(keyring, &public));
	EMR_TRY(emr_keyring_log_public(keyring, checkpoint->net_id, log_pk));
	EMR_TRY(emr_keyring_sign(keyring, emr_signer_log(checkpoint->net_id), EMR_SIGN_COSIGNATURE,
		emr_bytes_of(message, n), sig.sig));
	return put_sig(checkpoint, public.signer_id, log_pk, &sig);
}

emr_id32 emr_checkpoint_host_id(const uint8_t pk[32])
{
	const emr_bytes bytes = emr_bytes_of(pk, 32);

	return emr_sha256_of(&bytes, 1);
}

emr_status emr_checkpoint_sign(emr_checkpoint *checkpoint, const uint8_t seed[32], uint64_t time)
{
	emr_checkpoint_sig sig = {.time = time};
	uint8_t pk[32], sk[64];
	char message[sizeof LABEL + 32 + BODY_MAX] = LABEL;
	size_t n = sizeof LABEL - 1 + message_of(checkpoint, time, message + sizeof LABEL - 1);

	(void)crypto_sign_seed_keypair(pk, sk, seed);
	(void)crypto_sign_detached(sig.sig, NULL, (const uint8_t *)message, n, sk);
	emr_wipe(sk, sizeof sk);
	return put_sig(checkpoint, emr_checkpoint_host_id(pk), pk, &sig);
}

emr_status emr_checkpoint_verify(
	const emr_checkpoint *checkpoint, emr_id32 signer_id, const uint8_t log_pk[32])
{
	uint8_t key_id[4];
	char message[32 + BODY_MAX + 1];

	key_id_of(checkpoint->net_id, signer_id.b, log_pk, key_id);
	for (size_t i = 0; i < checkpoint->n_sigs; i++) {
		const emr_checkpoint_sig *sig = &checkpoint->sigs[i];
		size_t n;
		if (memcmp(sig->name_id, signer_id.b, 8) != 0)
			continue;
		if (memcmp(sig->key_id, key_id, 4) != 0)
			return EMR_BAD_SIGNATURE;
		n = message_of(checkpoint, sig->time, message);
		return emr_sign_verify(
			log_pk, EMR_SIGN_COSIGNATURE, emr_bytes_of(message, n), sig->sig);
	}
	return EMR_NOT_FOUND;
}
