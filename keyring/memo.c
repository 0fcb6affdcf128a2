/* This file remembers the public halves of keys, which cost a multiplication on a curve each, and
 * this computer's own local keys. Its content follows from the seed alone, so it is never wrong:
 * a folder of which the keys came by letter is asked about before it is, and is not remembered. */
#include "base/worker.h"

#include "keyring_private.h"
#include "memo_private.h"

#include <stdlib.h>
#include <string.h>

#define PUBLICS 2048	      /* a domain has three; one takes the place of another by chance */
#define OTHERS_MIN 256	      /* places for domains of others; half of them at most are taken */
#define OTHERS_MAX (1u << 17) /* 2 MiB; a network with more is begun again with */

typedef struct public_half {
	emr_memo_key of; /* kind MEMO_NONE: empty */
	uint8_t bytes[32];
} public_half;

typedef struct local {
	emr_memo_device of;
	emr_secret key; /* empty: not asked for yet */
} local;

struct emr_memo {
	pthread_mutex_t lock;
	public_half publics[PUBLICS];
	emr_public identity; /* gen 0: not asked for yet */
	local locals[EMR_LOCAL_USE_COUNT];
	emr_id16 *others; /* a hash table, NULL while there are none; zero id: empty */
	size_t n_others, cap_others;
};

emr_memo *emr_memo_new(void)
{
	emr_memo *memo = calloc(1, sizeof *memo);

	if (memo != NULL && pthread_mutex_init(&memo->lock, NULL) != 0) {
		free(memo);
		memo = NULL;
	}
	return memo;
}

void emr_memo_free(emr_memo *memo)
{
	if (memo == NULL)
		return;
	for (size_t i = 0; i < EMR_LOCAL_USE_COUNT; i++)
		emr_secret_free(&memo->locals[i].key);
	free(memo->others);
	pthread_mutex_destroy(&memo->lock);
	free(memo);
}

static public_half *place_of(emr_memo *memo, const emr_memo_key *of)
{
	uint32_t h;

	memcpy(&h, of->id.b, sizeof h); /* random, or all zeros */
	return &memo->publics[(h + (uint32_t)of->kind + 7 * (uint32_t)of->seed) % PUBLICS];
}

static bool is_same(const emr_memo_key *a, const emr_memo_key *b)
{
	return a->kind == b->kind && a->number == b->number && a->seed == b->seed &&
	       emr_id16_equal(a->id, b->id);
}

bool emr_memo_find(emr_memo *memo, const emr_memo_key *of, uint8_t out[32])
{
	const public_half *at;
	bool found;
	EMR_LOCKED(&memo->lock);

	at = place_of(memo, of);
	found = is_same(&at->of, of);
	if (found)
		memcpy(out, at->bytes, sizeof at->bytes);
	return found;
}

void emr_memo_keep(emr_memo *memo, const emr_memo_key *of, const uint8_t bytes[32])
{
	public_half *at;
	EMR_LOCKED(&memo->lock);

	at = place_of(memo, of);
	at->of = *of;
	memcpy(at->bytes, bytes, sizeof at->bytes);
}

bool emr_memo_find_public(emr_memo *memo, emr_public *out)
{
	const emr_id16 device_id = out->device_id;
	bool found;

	pthread_mutex_lock(&memo->lock);
	found = memo->identity.gen == out->gen;
	if (found)
		*out = memo->identity;
	pthread_mutex_unlock(&memo->lock);
	out->device_id = device_id;
	return found;
}

void emr_memo_keep_public(emr_memo *memo, const emr_public *made)
{
	EMR_LOCKED(&memo->lock);

	memo->identity = *made;
}

/* ---- what is another's ---- */

/* Where WHAT is, or would be.  There is always an empty place. */
static emr_id16 *other_at(emr_id16 *others, size_t cap, const emr_id16 *what)
{
	uint64_t h;

	memcpy(&h, what->b, sizeof h); /* of a hash */
	for (size_t i = (size_t)h & (cap - 1);; i = (i + 1) & (cap - 1))
		if (emr_id16_is_zero(others[i]) || emr_id16_equal(others[i], *what))
			return &others[i];
}

/* Without memory, or with more than there may be: what was known is forgotten, and asked again. */
static bool make_room(emr_memo *memo)
{
	size_t cap = memo->cap_others == 0 ? OTHERS_MIN : 2 * memo->cap_others;
	emr_id16 *grown;

	if (memo->n_others < memo->cap_others / 2)
		return true;
	grown = cap <= OTHERS_MAX ? calloc(cap, sizeof *grown) : NULL;
	if (grown == NULL) {
		if (memo->others != NULL)
			memset(memo->others, 0, memo->cap_others * sizeof *memo->others);
		memo->n_others = 0;
		return memo->others != NULL;
	}
	for (size_t i = 0; i < memo->cap_others; i++)
		if (!emr_id16_is_zero(memo->others[i]))
			*other_at(grown, cap, &memo->others[i]) = memo->others[i];
	free(memo->others);
	memo->others = grown;
	memo->cap_others = cap;
	return true;
}

bool emr_memo_is_others(emr_memo *memo, const emr_id16 *what)
{
	EMR_LOCKED(&memo->lock);

	return memo->others != NULL && !emr_id16_is_zero(*what) &&
	       emr_id16_equal(*other_at(memo->others, memo->cap_others, what), *what);
}

void emr_memo_keep_others(emr_memo *memo, const emr_id16 *what)
{
	emr_id16 *at;
	EMR_LOCKED(&memo->lock);

	if (!emr_id16_is_zero(*what) && make_room(memo)) {
		at = other_at(memo->others, memo->cap_others, what);
		memo->n_others += emr_id16_is_zero(*at);
		*at = *what;
	}
}

/* ---- local keys ---- */

emr_status emr_memo_local(emr_memo *memo, emr_local_use use, const emr_memo_device *of,
	emr_secret *out, bool *out_found)
{
	const local *at = &memo->locals[use];
	emr_status status = EMR_OK;
	EMR_LOCKED(&memo->lock);

	*out_found =
		at->key.len > 0 && at->of.seed == of->seed && emr_id16_equal(at->of.id, of->id);
	if (*out_found)
		status = emr_secret_copy(&at->key, out);
	return status;
}

emr_status emr_memo_keep_local(
	emr_memo *memo, emr_local_use use, const emr_memo_device *of, const emr_secret *key)
{
	local fresh = {.of = *of};

	EMR_TRY(emr_secret_copy(key, &fresh.key));
	pthread_mutex_lock(&memo->lock);
	emr_secret_free(&memo->locals[use].key);
	memo->locals[use] = fresh;
	pthread_mutex_unlock(&memo->lock);
	return EMR_OK;
}
