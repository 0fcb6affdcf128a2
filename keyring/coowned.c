/* A person's second computer has no seed; it gets the keys of the folders one by one. This file
 * holds them, and says "not here yet" for one that has not come. */
#include "keyring/coowned.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "keyring_private.h"
#include "held_private.h"

typedef struct coowned {
	emr_id16 domain_id;
	size_t n;
	uint32_t *epochs;
	emr_secret *keys; /* n of each */
} coowned;

struct emr_coowned {
	pthread_rwlock_t lock;
	coowned *all;
	size_t n;
};

emr_coowned *emr_coowned_new(void)
{
	emr_coowned *c = calloc(1, sizeof *c);

	if (c != NULL && pthread_rwlock_init(&c->lock, NULL) != 0) {
		free(c);
		c = NULL;
	}
	return c;
}

static void wipe(coowned *one)
{
	for (size_t i = 0; i < one->n; i++)
		emr_secret_free(&one->keys[i]);
	free(one->epochs);
	free(one->keys);
}

void emr_coowned_free(emr_coowned *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		wipe(&c->all[i]);
	free(c->all);
	pthread_rwlock_destroy(&c->lock);
	free(c);
}

/* Under the lock. */
static coowned *coowned_find(emr_coowned *c, emr_id16 domain_id)
{
	for (size_t i = 0; i < c->n; i++)
		if (emr_id16_equal(c->all[i].domain_id, domain_id))
			return &c->all[i];
	return NULL;
}

static emr_status find_or_add(emr_coowned *c, emr_id16 domain_id, coowned **out)
{
	coowned *grown;

	*out = coowned_find(c, domain_id);
	if (*out != NULL)
		return EMR_OK;
	if (c->n == EMR_COOWNED_MAX)
		return EMR_LIMIT;
	grown = realloc(c->all, (c->n + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	c->all = grown;
	c->all[c->n] = (coowned){.domain_id = domain_id};
	*out = &c->all[c->n++];
	return EMR_OK;
}

static emr_status put_key(coowned *one, uint32_t epoch, const emr_secret *a)
{
	uint32_t *epochs;
	emr_secret *keys, copy = {0};
	size_t i = 0;

	EMR_TRY(emr_secret_copy(a, &copy));
	while (i < one->n && one->epochs[i] != epoch)
		i++;
	if (i < one->n) {
		emr_secret_free(&one->keys[i]);
		one->keys[i] = copy;
		return EMR_OK;
	}
	epochs = realloc(one->epochs, (one->n + 1) * sizeof *epochs);
	if (epochs != NULL)
		one->epochs = epochs;
	keys = realloc(one->keys, (one->n + 1) * sizeof *keys);
	if (keys != NULL)
		one->keys = keys;
	if (epochs == NULL || keys == NULL) {
		emr_secret_free(&copy);
		return EMR_NO_MEMORY;
	}
	epochs[one->n] = epoch;
	keys[one->n++] = copy;
	return EMR_OK;
}

emr_status emr_keyring_coown(const emr_keyring *kr, emr_id16 domain_id)
{
	emr_coowned *c = kr->coowned;
	coowned *one;
	emr_status status;

	pthread_rwlock_wrlock(&c->lock);
	status = find_or_add(c, domain_id, &one);
	pthread_rwlock_unlock(&c->lock);
	return status;
}

emr_status emr_keyring_coown_key(const emr_keyring *kr, const emr_epoch_key *key)
{
	emr_coowned *c = kr->coowned;
	coowned *one;
	emr_status status;

	pthread_rwlock_wrlock(&c->lock);
	status = find_or_add(c, key->domain_id, &one);
	if (status == EMR_OK)
		status = put_key(one, key->epoch, &key->a);
	pthread_rwlock_unlock(&c->lock);
	return status;
}

void emr_keyring_coown_end(const emr_keyring *kr, emr_id16 domain_id)
{
	emr_coowned *c = kr->coowned;
	coowned *one;

	pthread_rwlock_wrlock(&c->lock);
	one = coowned_find(c, domain_id);
	if (one != NULL) {
		wipe(one);
		*one = c->all[--c->n];
	}
	pthread_rwlock_unlock(&c->lock);
}

bool emr_keyring_coowns(const emr_keyring *kr, emr_id16 domain_id)
{
	bool is;

	pthread_rwlock_rdlock(&kr->coowned->lock);
	is = coowned_find(kr->coowned, domain_id) != NULL;
	pthread_rwlock_unlock(&kr->coowned->lock);
	return is;
}

emr_signer emr_keyring_signer_of(const emr_keyring *kr, emr_id16 domain_id)
{
	return emr_keyring_coowns(kr, domain_id) ? emr_signer_identity()
						 : emr_signer_domain(domain_id, 1);
}

emr_status emr_coowned_pre(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, bool *out_is, emr_secret *out_a)
{
	const coowned *one;
	emr_status status = EMR_AWAITED; /* the letter is on its way */

	pthread_rwlock_rdlock(&kr->coowned->lock);
	one = coowned_find(kr->coowned, domain_id);
	*out_is = one != NULL;
	for (size_t i = 0; one != NULL && i < one->n; i++)
		if (one->epochs[i] == epoch)
			status = emr_secret_copy(&one->keys[i], out_a);
	pthread_rwlock_unlock(&kr->coowned->lock);
	return status;
}
