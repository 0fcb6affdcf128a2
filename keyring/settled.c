/* After a seed was followed by another, the ledger says which folders are still of a former one,
 * and up to which epoch each seed gave a folder its keys. This file keeps that beside the seeds,
 * for every derivation of a folder's key. */
#include <stdlib.h>
#include <string.h>

#include "keyring_private.h"
#include "base/worker.h"
#include "crypto/hashsig.h"
#include "keyring/coowned.h"

/* Owners that are told apart: a thief who has two former seeds may hand a folder to and fro. */
#define OWNERS_MAX (2 * (EMR_FORMER_MAX + 1))

typedef struct settled {
	emr_id16 domain;
	size_t n;
	struct {
		uint32_t from; /* the first epoch of that seed */
		uint8_t seed;
	} owners[OWNERS_MAX]; /* the last one signs there */
} settled;

struct emr_settled {
	pthread_mutex_t lock;
	settled *all; /* by domain */
	size_t n, cap;
	bool is_closed;
};

emr_settled *emr_settled_new(void)
{
	emr_settled *s = calloc(1, sizeof *s);

	if (s != NULL && pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		s = NULL;
	}
	return s;
}

void emr_settled_free(emr_settled *s)
{
	if (s == NULL)
		return;
	free(s->all);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Under the lock: where DOMAIN is, or would be. */
static size_t place_of(const emr_settled *s, emr_id16 domain)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (memcmp(s->all[middle].domain.b, domain.b, sizeof domain.b) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const settled *find(const emr_settled *s, emr_id16 domain)
{
	size_t at = place_of(s, domain);

	return at < s->n && emr_id16_equal(s->all[at].domain, domain) ? &s->all[at] : NULL;
}

static emr_status keep(emr_settled *s, const settled *one)
{
	EMR_LOCKED(&s->lock);
	size_t at = place_of(s, one->domain);
	settled *grown;

	if (at == s->n || !emr_id16_equal(s->all[at].domain, one->domain)) {
		if (s->n == s->cap) {
			grown = realloc(s->all, (2 * s->cap + 16) * sizeof *grown);
			if (grown == NULL)
				return EMR_NO_MEMORY;
			s->all = grown;
			s->cap = 2 * s->cap + 16;
		}
		memmove(s->all + at + 1, s->all + at, (s->n++ - at) * sizeof *s->all);
	}
	s->all[at] = *one;
	return EMR_OK;
}

size_t emr_settled_owner(const emr_keyring *kr, emr_id16 domain, bool *out_is)
{
	const settled *one;
	EMR_LOCKED(&kr->settled->lock);

	one = find(kr->settled, domain);
	if (out_is != NULL)
		*out_is = one != NULL;
	return one != NULL ? one->owners[one->n - 1].seed : 0;
}

size_t emr_settled_epoch(const emr_keyring *kr, emr_id16 domain, uint32_t epoch)
{
	const settled *one;
	size_t at;
	EMR_LOCKED(&kr->settled->lock);

	one = find(kr->settled, domain);
	if (one == NULL)
		return 0;
	for (at = one->n - 1; at > 0 && epoch < one->owners[at].from; at--)
		;
	return one->owners[at].seed;
}

bool emr_settled_is_closed(const emr_keyring *kr)
{
	EMR_LOCKED(&kr->settled->lock);

	return kr->settled->is_closed;
}

void emr_keyring_settled(const emr_keyring *kr)
{
	EMR_LOCKED(&kr->settled->lock);

	kr->settled->is_closed = true;
}

size_t emr_keyring_owner_of(const emr_keyring *kr, emr_id16 domain)
{
	return emr_settled_owner(kr, domain, NULL);
}

/* ---- what the ledger says ---- */

emr_status emr_keyring_domain_owner(
	const emr_keyring *kr, emr_id16 domain, size_t number, uint8_t out_pk[32])
{
	return number > kr->n_former
		       ? EMR_NOT_FOUND
		       : emr_signer_public_of(kr, emr_signer_domain(domain, 1), number, out_pk);
}

static emr_status seed_of(
	const emr_keyring *kr, emr_id16 domain, const uint8_t owner_pk[32], uint8_t *out_seed)
{
	uint8_t own[32];

	for (uint8_t i = 0; i <= kr->n_former; i++) {
		EMR_TRY(emr_signer_public_of(kr, emr_signer_domain(domain, 1), i, own));
		if (memcmp(own, owner_pk, sizeof own) == 0) {
			*out_seed = i;
			return EMR_OK;
		}
	}
	return EMR_NOT_FOUND;
}

static void add(settled *one, uint32_t from, uint8_t seed)
{
	if (one->n > 0 && one->owners[one->n - 1].seed == seed)
		return;
	if (one->n == OWNERS_MAX) /* whoever owned it so often loses the oldest */
		memmove(one->owners, one->owners + 1, --one->n * sizeof *one->owners);
	one->owners[one->n].from = from;
	one->owners[one->n++].seed = seed;
}

emr_status emr_keyring_settle(
	const emr_keyring *kr, emr_id16 domain, const emr_domain_owned *owners, size_t n)
{
	settled one = {.domain = domain};
	emr_status status = EMR_NOT_FOUND;
	uint8_t seed;

	if (kr->n_former == 0 || emr_keyring_coowns(kr, domain))
		return EMR_OK;
	for (size_t i = 0; i < n; i++) {
		status = seed_of(kr, domain, owners[i].owner_pk, &seed);
		if (status == EMR_OK)
			add(&one, owners[i].from, seed);
		else if (status != EMR_NOT_FOUND)
			return status;
	}
	return status == EMR_OK ? keep(kr->settled, &one) : status;
}

emr_status emr_keyring_handed_over(const emr_keyring *kr, emr_id16 domain, uint32_t epoch)
{
	settled one = {.n = 0};

	pthread_mutex_lock(&kr->settled->lock);
	if (find(kr->settled, domain) != NULL)
		one = *find(kr->settled, domain);
	pthread_mutex_unlock(&kr->settled->lock);
	if (one.n == 0)
		return EMR_NOT_FOUND;
	add(&one, epoch + 1, 0);
	return keep(kr->settled, &one);
}

/* ---- handing over ---- */

emr_status emr_keyring_domain_heir(
	const emr_keyring *kr, emr_id16 domain, uint32_t epoch, emr_domain_public *out)
{
	emr_domain_public made;

	EMR_TRY(emr_signer_public_of(kr, emr_signer_domain(domain, 1), 0, made.owner_pk));
	emr_sha256(made.owner_pk, 32, made.signer_id.b);
	EMR_TRY(emr_domain_box_public(kr, domain, 0, made.box));
	EMR_TRY(emr_domain_pre_public(kr, domain, epoch, 0, made.A));
	*out = made;
	return EMR_OK;
}

emr_status emr_keyring_sign_handover(const emr_keyring *kr, emr_id16 domain, emr_bytes message,
	uint8_t out_owner_sig[64], uint8_t out_heir_sig[64])
{
	const emr_signer who = emr_signer_domain(domain, 1);

	EMR_TRY(emr_keyring_sign(kr, who, EMR_SIGN_ROTATE, message, out_owner_sig));
	return emr_sign_by_seed(kr, who, 0, EMR_SIGN_ROTATE, message, out_heir_sig);
}
