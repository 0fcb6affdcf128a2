/* This file makes names for people in a dataset that lead from no dataset to another, and seals the
 * key that they are made with. */
#include "keyring/pseudonym.h"

#include <string.h>

#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "held_private.h"

static const char label[] = "emrfs/v1/pseudonym";

static emr_bytes info(void)
{
	return emr_bytes_of(label, sizeof label - 1);
}

emr_status emr_pseudonym_key_seal(const uint8_t x25519[32], const char *name,
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES], uint8_t out[EMR_PSEUDONYM_SEALED_BYTES])
{
	return emr_hpke_seal(x25519, info(), emr_bytes_of(name, strlen(name)),
		emr_bytes_of(key, EMR_PSEUDONYM_KEY_BYTES), out);
}

emr_status emr_pseudonym_key_open(const emr_box_key *box, const char *name,
	const uint8_t sealed[EMR_PSEUDONYM_SEALED_BYTES], uint8_t out_key[EMR_PSEUDONYM_KEY_BYTES])
{
	return emr_box_key_hpke_open(box, info(), emr_bytes_of(name, strlen(name)),
		emr_bytes_of(sealed, EMR_PSEUDONYM_SEALED_BYTES), out_key);
}

/* HMAC over label, 0, WHAT and DATA. */
static void named(
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES], uint8_t what, emr_bytes data, uint8_t out[32])
{
	uint8_t message[sizeof label + 1 + 32];

	memcpy(message, label, sizeof label);
	message[sizeof label] = what;
	if (data.len > 0)
		memcpy(message + sizeof label + 1, data.data, data.len);
	emr_hmac_sha256(emr_bytes_of(key, EMR_PSEUDONYM_KEY_BYTES),
		emr_bytes_of(message, sizeof label + 1 + data.len), out);
}

void emr_pseudonym(
	const uint8_t key[EMR_PSEUDONYM_KEY_BYTES], emr_id32 owner, char out[EMR_PSEUDONYM_CHARS])
{
	uint8_t mac[32];
	char text[53];

	named(key, 1, emr_bytes_of(owner.b, sizeof owner.b), mac);
	emr_base32(mac, sizeof mac, text);
	memcpy(out, text, EMR_PSEUDONYM_CHARS - 1);
	out[EMR_PSEUDONYM_CHARS - 1] = '\0';
}

emr_id16 emr_pseudonym_line(const uint8_t key[EMR_PSEUDONYM_KEY_BYTES], emr_id32 terms)
{
	uint8_t mac[32];
	emr_id16 line;

	named(key, 2, emr_bytes_of(terms.b, sizeof terms.b), mac);
	memcpy(line.b, mac, sizeof line.b);
	return line;
}
