/* This file seals a seed so that some of its owner's trustees together find it again, with agents
 * beside them where there are some: the part of TRUSTEE_SET, the answer of one of them, and the
 * seed out of enough of them. */
#include "keyring/letters.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/aead.h"
#include "crypto/hashsig.h"
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

/* Of the trustees, and of the agents: T of N must answer. */
enum { TRUSTEES, AGENTS, GROUPS };

typedef struct group {
	unsigned t, n;
	const uint8_t (*commitments)[32];
} group;

/* The part, taken apart; borrows from it. */
typedef struct trust {
	emr_part_item item;
	group of[GROUPS];
	emr_bytes commitments;	/* of both */
	const uint8_t *letters; /* (id, letter), ...: the agents' behind the trustees' */
	const uint8_t *nonce, *sealed;
} trust;

/* Places of agents stand behind those that trustees can have. */
static unsigned place_of(int of, unsigned at)
{
	return at + (of == AGENTS ? EMR_SHARES_MAX : 0);
}

static emr_status read_sizes(emr_bytes item, trust *out)
{
	EMR_TRY(emr_part_item_read(item, EMR_PART_TRUSTEE_SET, &out->item));
	for (int i = 0; i < GROUPS; i++) {
		group *g = &out->of[i];

		g->t = out->item.pub.data[i == AGENTS ? 2 : 0];
		g->n = out->item.pub.data[i == AGENTS ? 3 : 1];
		if (g->t > g->n || g->n > EMR_SHARES_MAX ||
			(g->t == 0 && (i == TRUSTEES || g->n > 0)))
			return EMR_DAMAGED;
	}
	return EMR_OK;
}

static emr_status read_part(emr_bytes item, emr_bytes part, trust *out)
{
	emr_reader r;

	EMR_TRY(read_sizes(item, out));
	EMR_TRY(emr_part_open(item, EMR_PART_TRUSTEE_SET, part, &out->item, &r));
	out->commitments =
		emr_read_bytes(&r, (size_t)32 * (out->of[TRUSTEES].t + out->of[AGENTS].t));
	out->of[TRUSTEES].commitments = (const void *)out->commitments.data;
	out->letters = emr_read_bytes(
		&r, (size_t)(32 + LETTER_BYTES) * (out->of[TRUSTEES].n + out->of[AGENTS].n))
			       .data;
	out->nonce = emr_read_bytes(&r, EMR_AEAD_NONCE_BYTES).data;
	out->sealed = emr_read_bytes(&r, EMR_SEED_BYTES + EMR_AEAD_TAG_BYTES).data;
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	out->of[AGENTS].commitments = out->of[TRUSTEES].commitments + out->of[TRUSTEES].t;
	return EMR_OK;
}

/* Of the trustees' number, and the agents' behind it where there are some. */
static emr_status seal_key(const emr_secret *trustees, const emr_secret *agents, emr_secret *out)
{
	static const char info[] = "trustee"; /* with its NUL */
	EMR_AUTO_SECRET both = {0};

	EMR_TRY(emr_secret_new(trustees->len + agents->len, &both));
	memcpy(both.data, trustees->data, trustees->len);
	if (agents->len > 0)
		memcpy(both.data + trustees->len, agents->data, agents->len);
	return emr_hkdf_secret("emrfs/v1/id", &both, emr_bytes_of(info, sizeof info), 32, out);
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

static emr_status write_letter(const trust *of, int which, const emr_secret *f, unsigned at,
	const emr_trustee *to, emr_writer *w)
{
	const emr_bytes id = emr_bytes_of(to->id.b, sizeof to->id.b);
	EMR_AUTO_SECRET plain = {0};
	EMR_AUTO_SECRET share = {0};

	EMR_TRY(emr_shamir_share(f, of->of[which].t, at, &share));
	EMR_TRY(emr_secret_new(SHARE_BYTES, &plain));
	plain.data[0] = (uint8_t)place_of(which, at);
	memcpy(plain.data + 1, share.data, share.len);
	emr_write_bytes(w, id.data, id.len);
	return emr_part_letter_seal(
		&of->item, LETTER_INFO, id, to->x25519, emr_secret_view(&plain), w);
}

static emr_status write_seed(const emr_keyring *kr, const emr_secret *trustees,
	const emr_secret *agents, emr_bytes commitments, emr_writer *w)
{
	uint8_t nonce[EMR_AEAD_NONCE_BYTES], sealed[EMR_SEED_BYTES + EMR_AEAD_TAG_BYTES];
	EMR_AUTO_SECRET key = {0};

	randombytes_buf(nonce, sizeof nonce);
	EMR_TRY(seal_key(trustees, agents, &key));
	EMR_TRY(emr_aead_seal(&key, nonce, commitments, emr_secret_view(&kr->seed), sealed));
	emr_write_bytes(w, nonce, sizeof nonce);
	emr_write_bytes(w, sealed, sizeof sealed);
	return w->status;
}

static emr_status write_part(const emr_keyring *kr, const trust *of,
	emr_secret (*f)[EMR_SHARES_MAX], const emr_trustee *all, emr_buf *out)
{
	uint8_t commitments[GROUPS * EMR_SHARES_MAX][32];
	emr_writer w = emr_writer_of(out);
	size_t n = 0;

	emr_part_write_salt(&w);
	for (int i = 0; i < GROUPS; i++)
		for (unsigned j = 0; j < of->of[i].t; j++)
			EMR_TRY(emr_pre_public(&f[i][j], commitments[n++]));
	emr_write_bytes(&w, commitments, 32 * n);
	for (int i = 0; i < GROUPS; i++)
		for (unsigned at = 1; at <= of->of[i].n; at++)
			EMR_TRY(write_letter(of, i, f[i], at, all++, &w));
	return write_seed(
		kr, &f[TRUSTEES][0], &f[AGENTS][0], emr_bytes_of(commitments[0], 32 * n), &w);
}

emr_status emr_trustees_part_seal(
	const emr_keyring *kr, emr_bytes item, const emr_trustee *all, emr_buf *out_part)
{
	emr_secret f[GROUPS][EMR_SHARES_MAX] = {{{0}}};
	EMR_AUTO_BUF part = {0};
	trust of = {0};
	emr_status status;

	if (read_sizes(item, &of) != EMR_OK)
		return EMR_INVALID;
	for (unsigned i = 0; i < of.of[TRUSTEES].n + of.of[AGENTS].n; i++)
		for (unsigned j = 0; j < i; j++)
			if (emr_id32_equal(all[i].id, all[j].id))
				return EMR_INVALID;
	status = draw(f[TRUSTEES], of.of[TRUSTEES].t);
	if (status == EMR_OK)
		status = draw(f[AGENTS], of.of[AGENTS].t);
	if (status == EMR_OK)
		status = write_part(kr, &of, f, all, &part);
	free_all(f[0], GROUPS * EMR_SHARES_MAX);
	return status == EMR_OK ? emr_buf_append(out_part, part.data, part.len) : status;
}

/* ---- helping ---- */

#define EXECUTOR                                                                                   \
	"EXECUTOR" /* the first half of the object; then the beginning of the reader's id */

bool emr_trustees_is_executor(const uint8_t object[16])
{
	return memcmp(object, EXECUTOR, strlen(EXECUTOR)) == 0;
}

emr_id16 emr_trustees_executor(emr_id32 reader)
{
	emr_id16 object;

	memcpy(object.b, EXECUTOR, strlen(EXECUTOR));
	memcpy(object.b + strlen(EXECUTOR), reader.b, sizeof object.b - strlen(EXECUTOR));
	return object;
}

emr_status emr_trustees_check(emr_bytes item, emr_bytes part)
{
	trust of = {0};

	return read_part(item, part, &of);
}

emr_status emr_trustee_at(emr_bytes item, emr_bytes part, unsigned i, emr_id32 *out)
{
	trust of = {0};

	EMR_TRY(read_part(item, part, &of));
	if (i >= of.of[TRUSTEES].n + of.of[AGENTS].n)
		return EMR_NOT_FOUND;
	*out = EMR_ID32_AT(of.letters + (size_t)i * (32 + LETTER_BYTES));
	return EMR_OK;
}

emr_id32 emr_trustees_about(emr_bytes item, const uint8_t box[32])
{
	uint8_t both[64];
	emr_id32 about;

	emr_sha256(item.data, item.len, both);
	memcpy(both + 32, box, 32);
	emr_sha256(both, sizeof both, about.b);
	return about;
}

static emr_status open_letter(
	const trust *of, const emr_box_key *box, emr_id32 me, emr_secret *out_plain)
{
	EMR_AUTO_SECRET plain = {0};

	EMR_TRY(emr_secret_new(SHARE_BYTES, &plain));
	for (unsigned i = 0; i < of->of[TRUSTEES].n + of->of[AGENTS].n; i++) {
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
	free_all(shares->shares, 2 * EMR_SHARES_MAX);
	shares->n = 0;
}

emr_status emr_trustee_shares_add(emr_trustee_shares *shares, const emr_box_key *box,
	emr_bytes item, emr_bytes part, emr_id32 about, emr_bytes answer)
{
	EMR_AUTO_SECRET plain = {0};
	EMR_AUTO_SECRET share = {0};
	trust of = {0};
	const group *g;
	unsigned at;

	EMR_TRY(read_part(item, part, &of));
	if (answer.len != EMR_TRUSTEE_ANSWER_BYTES)
		return EMR_DAMAGED;
	EMR_TRY(emr_secret_new(SHARE_BYTES, &plain));
	EMR_TRY(emr_secret_new(32, &share));
	EMR_TRY(emr_hpke_open(&box->sk, emr_bytes_of(ANSWER_INFO, strlen(ANSWER_INFO)),
		emr_bytes_of(about.b, sizeof about.b), answer, plain.data));
	memcpy(share.data, plain.data + 1, 32);
	g = &of.of[plain.data[0] > EMR_SHARES_MAX ? AGENTS : TRUSTEES];
	at = plain.data[0] - place_of(plain.data[0] > EMR_SHARES_MAX ? AGENTS : TRUSTEES, 0);
	if (at > g->n || !emr_shamir_fits(g->commitments, g->t, at, &share))
		return EMR_DAMAGED;
	if (memchr(shares->at, plain.data[0], shares->n) != NULL)
		return EMR_EXISTS;
	shares->at[shares->n] = plain.data[0];
	shares->shares[shares->n++] = share;
	share = (emr_secret){0};
	return EMR_OK;
}

unsigned emr_trustee_shares_count(const emr_trustee_shares *shares, bool of_agents)
{
	unsigned n = 0;

	for (unsigned i = 0; i < shares->n; i++)
		n += (shares->at[i] > EMR_SHARES_MAX) == of_agents;
	return n;
}

/* EMR_NOT_FOUND: fewer than T. */
static emr_status combine(
	const trust *of, int which, const emr_trustee_shares *shares, emr_secret *out)
{
	uint8_t at[EMR_SHARES_MAX];
	emr_secret some[EMR_SHARES_MAX]; /* the caller's still */
	unsigned n = 0;

	for (unsigned i = 0; i < shares->n && n < of->of[which].t; i++)
		if ((shares->at[i] > EMR_SHARES_MAX) == (which == AGENTS)) {
			at[n] = (uint8_t)(shares->at[i] - place_of(which, 0));
			some[n++] = shares->shares[i];
		}
	if (n < of->of[which].t)
		return EMR_NOT_FOUND;
	return n == 0 ? EMR_OK : emr_shamir_combine(at, some, n, out);
}

emr_status emr_trustees_recover(const emr_trustee_shares *shares, emr_bytes item, emr_bytes part,
	uint64_t created_unix_s, emr_keyring **out)
{
	EMR_AUTO_SECRET trustees = {0};
	EMR_AUTO_SECRET agents = {0};
	EMR_AUTO_SECRET key = {0};
	EMR_AUTO_SECRET seed = {0};
	trust of = {0};

	EMR_TRY(read_part(item, part, &of));
	EMR_TRY(combine(&of, TRUSTEES, shares, &trustees));
	EMR_TRY(combine(&of, AGENTS, shares, &agents));
	EMR_TRY(seal_key(&trustees, &agents, &key));
	EMR_TRY(emr_secret_new(EMR_SEED_BYTES, &seed));
	EMR_TRY(emr_aead_open(&key, of.nonce, of.commitments,
		emr_bytes_of(of.sealed, EMR_SEED_BYTES + EMR_AEAD_TAG_BYTES), seed.data));
	return emr_keyring_from_seed(
		EMR_KEYRING_PERSON, created_unix_s, (emr_id16){{0}}, &seed, out);
}
