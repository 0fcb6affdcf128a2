/* This file seals a seed so that some of its owner's trustees together find it again: the part of
 * TRUSTEE_SET, the answer of one trustee, and the seed out of enough of them. */
#include "keyring/letters.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/aead.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/pre.h"
#include "held_private.h"
#include "keyring_private.h"
#include "part_private.h"

#define LETTER_INFO "emrfs/v1/trustee"
#define ANSWER_INFO "emrfs/v1/recover"
#define SHARE_BYTES 33 /* place, f(place) */
#define LETTER_BYTES (SHARE_BYTES + EMR_LETTER_OVERHEAD)

/* The part, taken apart; borrows from it. */
typedef struct trust {
	emr_part_item item;
	unsigned t, n;
	const uint8_t (*commitments)[32];
	const uint8_t *letters; /* N x (id, letter) */
	const uint8_t *nonce, *sealed;
} trust;

static emr_status read_sizes(emr_bytes item, trust *out)
{
	EMR_TRY(emr_part_item_read(item, EMR_PART_TRUSTEE_SET, &out->item));
	out->t = out->item.pub.data[0];
	out->n = out->item.pub.data[1];
	return out->t >= 1 && out->t <= out->n && out->n <= EMR_SHARES_MAX ? EMR_OK
										    : EMR_DAMAGED;
}

static emr_status read_part(emr_bytes item, emr_bytes part, trust *out)
{
	emr_reader r;

	EMR_TRY(read_sizes(item, out));
	EMR_TRY(emr_part_open(item, EMR_PART_TRUSTEE_SET, part, &out->item, &r));
	out->commitments = (const void *)emr_read_bytes(&r, (size_t)32 * out->t).data;
	out->letters = emr_read_bytes(&r, (size_t)(32 + LETTER_BYTES) * out->n).data;
	out->nonce = emr_read_bytes(&r, EMR_AEAD_NONCE_BYTES).data;
	out->sealed = emr_read_bytes(&r, EMR_SEED_BYTES + EMR_AEAD_TAG_BYTES).data;
	return emr_reader_done(&r) ? EMR_OK : EMR_DAMAGED;
}

static emr_status seal_key(const emr_secret *number, emr_secret *out)
{
	static const char info[] = "trustee"; /* with its NUL */

	return emr_hkdf_secret("emrfs/v1/id", number, emr_bytes_of(info, sizeof info), 32, out);
}

static void free_all(emr_secret *secrets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		emr_secret_free(&secrets[i]);
}

/* ---- making ---- */

static emr_status draw(emr_secret *f, unsigned t)
{
	for (unsigned j = 0; j < t; j++) {
		EMR_AUTO_SECRET wide = {0};

		EMR_TRY(emr_secret_random(64, &wide));
		EMR_TRY(emr_pre_scalar(&wide, &f[j]));
	}
	return EMR_OK;
}

static emr_status write_letter(
	const trust *of, const emr_secret *f, unsigned at, const emr_trustee *to, emr_writer *w)
{
	const emr_bytes id = emr_bytes_of(to->id.b, sizeof to->id.b);
	EMR_AUTO_SECRET plain = {0};
	EMR_AUTO_SECRET share = {0};

	EMR_TRY(emr_shamir_share(f, of->t, at, &share));
	EMR_TRY(emr_secret_new(SHARE_BYTES, &plain));
	plain.data[0] = (uint8_t)at;
	memcpy(plain.data + 1, share.data, share.len);
	emr_write_bytes(w, id.data, id.len);
	return emr_part_letter_seal(
		&of->item, LETTER_INFO, id, to->x25519, emr_secret_view(&plain), w);
}

static emr_status write_seed(
	const emr_keyring *kr, const emr_secret *number, emr_bytes commitments, emr_writer *w)
{
	uint8_t nonce[EMR_AEAD_NONCE_BYTES], sealed[EMR_SEED_BYTES + EMR_AEAD_TAG_BYTES];
	EMR_AUTO_SECRET key = {0};

	randombytes_buf(nonce, sizeof nonce);
	EMR_TRY(seal_key(number, &key));
	EMR_TRY(emr_aead_seal(&key, nonce, commitments, emr_secret_view(&kr->seed), sealed));
	emr_write_bytes(w, nonce, sizeof nonce);
	emr_write_bytes(w, sealed, sizeof sealed);
	return w->status;
}

static emr_status write_part(const emr_keyring *kr, const trust *of, const emr_secret *f,
	const emr_trustee *all, emr_buf *out)
{
	uint8_t commitments[EMR_SHARES_MAX][32];
	emr_writer w = emr_writer_of(out);

	emr_part_write_salt(&w);
	for (unsigned j = 0; j < of->t; j++)
		EMR_TRY(emr_pre_public(&f[j], commitments[j]));
	emr_write_bytes(&w, commitments, (size_t)32 * of->t);
	for (unsigned i = 0; i < of->n; i++)
		EMR_TRY(write_letter(of, f, i + 1, &all[i], &w));
	return write_seed(kr, &f[0], emr_bytes_of(commitments, (size_t)32 * of->t), &w);
}

emr_status emr_trustees_part_seal(
	const emr_keyring *kr, emr_bytes item, const emr_trustee *all, emr_buf *out_part)
{
	emr_secret f[EMR_SHARES_MAX] = {{0}};
	EMR_AUTO_BUF part = {0};
	trust of = {0};
	emr_status status;

	if (read_sizes(item, &of) != EMR_OK)
		return EMR_INVALID;
	for (unsigned i = 0; i < of.n; i++)
		for (unsigned j = 0; j < i; j++)
			if (emr_id32_equal(all[i].id, all[j].id))
				return EMR_INVALID;
	status = draw(f, of.t);
	if (status == EMR_OK)
		status = write_part(kr, &of, f, all, &part);
	free_all(f, EMR_SHARES_MAX);
	return status == EMR_OK ? emr_buf_append(out_part, part.data, part.len) : status;
}

/* ---- helping ---- */

static emr_status open_letter(
	const trust *of, const emr_box_key *box, emr_id32 me, emr_secret *out_plain)
{
	EMR_AUTO_SECRET plain = {0};

	EMR_TRY(emr_secret_new(SHARE_BYTES, &plain));
	for (unsigned i = 0; i < of->n; i++) {
		const uint8_t *one = of->letters + (size_t)i * (32 + LETTER_BYTES);

		if (memcmp(one, me.b, 32) != 0)
			continue;
		EMR_TRY(emr_part_letter_open(&of->item, LETTER_INFO, emr_bytes_of(me.b, 32), box,
			emr_bytes_of(one + 32, LETTER_BYTES), plain.data));
		*out_plain = plain;
		plain = (emr_secret){0};
		return EMR_OK;
	}
	return EMR_NOT_FOUND;
}

emr_status emr_trustee_answer(const emr_box_key *box, emr_id32 me, emr_bytes item, emr_bytes part,
	const uint8_t to[32], emr_id32 about, uint8_t out[EMR_TRUSTEE_ANSWER_BYTES])
{
	EMR_AUTO_SECRET plain = {0};
	trust of = {0};

	EMR_TRY(read_part(item, part, &of));
	EMR_TRY(open_letter(&of, box, me, &plain));
	return emr_hpke_seal(to, emr_bytes_of(ANSWER_INFO, strlen(ANSWER_INFO)),
		emr_bytes_of(about.b, sizeof about.b), emr_secret_view(&plain), out);
}

/* ---- recovering ---- */

void emr_trustee_shares_free(emr_trustee_shares *shares)
{
	free_all(shares->shares, EMR_SHARES_MAX);
	shares->n = 0;
}

emr_status emr_trustee_shares_add(emr_trustee_shares *shares, const emr_box_key *box,
	emr_bytes item, emr_bytes part, emr_id32 about, emr_bytes answer)
{
	EMR_AUTO_SECRET plain = {0};
	EMR_AUTO_SECRET share = {0};
	trust of = {0};

	EMR_TRY(read_part(item, part, &of));
	if (answer.len != EMR_TRUSTEE_ANSWER_BYTES)
		return EMR_DAMAGED;
	EMR_TRY(emr_secret_new(SHARE_BYTES, &plain));
	EMR_TRY(emr_secret_new(32, &share));
	EMR_TRY(emr_hpke_open(&box->sk, emr_bytes_of(ANSWER_INFO, strlen(ANSWER_INFO)),
		emr_bytes_of(about.b, sizeof about.b), answer, plain.data));
	memcpy(share.data, plain.data + 1, 32);
	if (!emr_shamir_fits(of.commitments, of.t, plain.data[0], &share))
		return EMR_DAMAGED;
	if (memchr(shares->at, plain.data[0], shares->n) != NULL)
		return EMR_EXISTS;
	shares->at[shares->n] = plain.data[0];
	shares->shares[shares->n++] = share;
	share = (emr_secret){0};
	return EMR_OK;
}

emr_status emr_trustees_recover(const emr_trustee_shares *shares, emr_bytes item, emr_bytes part,
	uint64_t created_unix_s, emr_keyring **out)
{
	EMR_AUTO_SECRET number = {0};
	EMR_AUTO_SECRET key = {0};
	EMR_AUTO_SECRET seed = {0};
	trust of = {0};

	EMR_TRY(read_part(item, part, &of));
	if (shares->n < of.t)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_shamir_combine(shares->at, shares->shares, of.t, &number));
	EMR_TRY(seal_key(&number, &key));
	EMR_TRY(emr_secret_new(EMR_SEED_BYTES, &seed));
	EMR_TRY(emr_aead_open(&key, of.nonce, emr_bytes_of(of.commitments, (size_t)32 * of.t),
		emr_bytes_of(of.sealed, EMR_SEED_BYTES + EMR_AEAD_TAG_BYTES), seed.data));
	return emr_keyring_from_seed(
		EMR_KEYRING_PERSON, created_unix_s, (emr_id16){{0}}, &seed, out);
}
