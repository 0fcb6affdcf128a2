/* After a seed was followed by another, the ledger says which folders are still of a former one,
 * and up to which epoch each seed gave a folder its keys. This file keeps that beside the seeds,
 * for every derivation of a folder's key. */
#include <stdlib.h>
#include <string.h>

#include "keyring_private.h"
#include "base/worker.h"

struct emr_settled {
	pthread_mutex_t lock;
	emr_settled_one *all; /* by domain */
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

static const emr_settled_one *find(const emr_settled *s, emr_id16 domain)
{
	size_t at = place_of(s, domain);

	return at < s->n && emr_id16_equal(s->all[at].domain, domain) ? &s->all[at] : NULL;
}

emr_status emr_settled_keep(emr_settled *s, const emr_settled_one *one)
{
	EMR_LOCKED(&s->lock);
	size_t at = place_of(s, one->domain);
	emr_settled_one *grown;

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
	const emr_settled_one *one;
	EMR_LOCKED(&kr->settled->lock);

	one = find(kr->settled, domain);
	if (out_is != NULL)
		*out_is = one != NULL;
	return one != NULL ? one->owners[one->n - 1].seed : 0;
}

size_t emr_settled_epoch(const emr_keyring *kr, emr_id16 domain, uint32_t epoch)
{
	const emr_settled_one *one;
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

/* ---- learning ---- */

void emr_settled_add(emr_settled_one *one, uint32_t from, uint8_t seed)
{
	if (one->n > 0 && one->owners[one->n - 1].seed == seed)
		return;
	/* A folder that went to and fro so often was in a thief's hands: the last turns are lost,
	 * and not the epochs before them. */
	if (one->n == EMR_SETTLED_OWNERS)
		one->n--;
	one->owners[one->n].from = from;
	one->owners[one->n++].seed = seed;
}
