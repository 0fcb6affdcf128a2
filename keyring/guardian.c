/* This file seals the passphrase of a keyring to the guardians of the person whom it belongs to,
 * and opens it again by the keyring of one of them. */
#include "keyring/letters.h"

#include <string.h>

#include "base/codec.h"
#include "crypto/hpke.h"
#include "crypto/sum.h"
#include "keyring/held.h"

#include "held_private.h"
#include "keyring_private.h"
#include "part_private.h"

#define INFO "emrfs/v1/guardian"
#define PLAIN_BYTES (2 + EMR_GUARDIAN_PASSPHRASE_MAX)
#define SEALED_BYTES (PLAIN_BYTES + EMR_HPKE_OVERHEAD)

static const uint8_t head[8] = {'E', 'M', 'G', 'U', 1, 0, 0, 0};

emr_status emr_guardians_seal(
	emr_bytes passphrase, const emr_guardian *all, size_t n, emr_buf *out_file)
{
	emr_writer w = emr_writer_of(out_file);
	EMR_AUTO_VAULT plain = {0};

	if (n == 0 || n > EMR_GUARDIANS_MAX || passphrase.len == 0 ||
		passphrase.len > EMR_GUARDIAN_PASSPHRASE_MAX)
		return EMR_INVALID;
	EMR_TRY(emr_vault_new(PLAIN_BYTES, &plain)); /* padded: its length says nothing */
	memset(plain.data, 0, plain.len);
	emr_put_u16(plain.data, (uint16_t)passphrase.len);
	memcpy(plain.data + 2, passphrase.data, passphrase.len);
	emr_write_bytes(&w, head, sizeof head);
	emr_write_u8(&w, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		uint8_t sealed[SEALED_BYTES];

		EMR_TRY(emr_hpke_seal(all[i].x25519, emr_bytes_of(INFO, strlen(INFO)),
			emr_bytes_of(all[i].id.b, sizeof all[i].id.b),
			emr_bytes_of(plain.data, plain.len), sealed));
		emr_write_u8(&w, (uint8_t)strlen(all[i].as));
		emr_write_bytes(&w, all[i].as, strlen(all[i].as));
		emr_write_bytes(&w, all[i].id.b, sizeof all[i].id.b);
		emr_write_bytes(&w, sealed, sizeof sealed);
	}
	return w.status == EMR_OK ? emr_sum_append(out_file) : w.status;
}

/* Guardian I, and what is sealed to that one; the whole file is read. */
static emr_status find(emr_bytes file, size_t i, emr_guardian *out, emr_bytes *out_sealed)
{
	emr_reader r = emr_reader_of(file);
	emr_bytes begins;
	size_t n;

	if (!emr_sum_fits(file))
		return EMR_DAMAGED;
	r.left -= EMR_SUM_BYTES;
	begins = emr_read_bytes(&r, sizeof head);
	if (r.bad || memcmp(begins.data, head, sizeof head) != 0)
		return EMR_DAMAGED;
	n = emr_read_u8(&r);
	if (n == 0 || n > EMR_GUARDIANS_MAX)
		return EMR_DAMAGED;
	for (size_t at = 0; at < n; at++) {
		emr_guardian one = {.as = ""};
		size_t len = emr_read_u8(&r);
		emr_bytes sealed;

		if (len > EMR_GUARDIAN_AS_MAX)
			return EMR_DAMAGED;
		emr_read_copy(&r, (uint8_t *)one.as, len);
		emr_read_copy(&r, one.id.b, sizeof one.id.b);
		sealed = emr_read_bytes(&r, SEALED_BYTES);
		if (r.bad || memchr(one.as, '\0', len) != NULL)
			return EMR_DAMAGED;
		if (at == i) {
			*out = one;
			*out_sealed = sealed;
		}
	}
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	return i < n ? EMR_OK : EMR_NOT_FOUND;
}

emr_status emr_guardians_at(emr_bytes file, size_t i, emr_guardian *out)
{
	emr_guardian one;
	emr_bytes sealed;

	EMR_TRY(find(file, i, &one, &sealed));
	*out = one;
	return EMR_OK;
}

emr_status emr_guardians_open(
	emr_bytes file, size_t i, const emr_keyring *kr, uint8_t *out, size_t *out_len)
{
	EMR_AUTO_VAULT plain = {0};
	emr_status status = EMR_DAMAGED;
	emr_box_key *box = NULL;
	emr_bytes sealed, phrase;
	emr_guardian one;
	emr_reader r;

	EMR_TRY(find(file, i, &one, &sealed));
	EMR_TRY(emr_vault_new(PLAIN_BYTES, &plain));
	EMR_TRY(emr_box_key_identity(kr, &box));
	for (const emr_box_key *at = box; at != NULL && status != EMR_OK; at = at->former)
		status = emr_hpke_open(&at->sk, emr_bytes_of(INFO, strlen(INFO)),
			emr_bytes_of(one.id.b, sizeof one.id.b), sealed, plain.data);
	emr_box_key_free(box);
	EMR_TRY(status);
	r = emr_reader_of(emr_bytes_of(plain.data, plain.len));
	phrase = emr_read_bytes(&r, emr_read_u16(&r));
	emr_read_zeros(&r, r.left);
	if (phrase.len == 0 || !emr_reader_done(&r))
		return EMR_DAMAGED;
	memcpy(out, phrase.data, phrase.len);
	*out_len = phrase.len;
	return EMR_OK;
}
