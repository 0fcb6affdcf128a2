/* How a test lets memory run out: the n-th request of the allocator fails, or the locked memory for
 * keys is full.  Link with --wrap=calloc,--wrap=realloc. */
#pragma once

#include "emr_test.h"

#include <stdatomic.h>

/* Requests until one fails; 0 = none does. */
static atomic_int countdown;
static atomic_bool failed;

static bool fail_now(void)
{
	int left = atomic_load(&countdown);

	if (left == 0)
		return false;
	atomic_store(&countdown, left - 1);
	if (left != 1)
		return false;
	atomic_store(&failed, true);
	return true;
}

WRAPPED(void *, calloc, size_t n, size_t size)
{
	return fail_now() ? NULL : __real_calloc(n, size);
}

WRAPPED(void *, realloc, void *old, size_t size)
{
	return fail_now() ? NULL : __real_realloc(old, size);
}

typedef struct step {
	const char *name;
	emr_status (*run)(void);
} step;

#define SLOTS (EMR_SECRETS_MAX_BYTES / 32)

/* With SPARE_MAX slots free at the most; what the kit holds already is not counted. */
static void keys_run_out(const step *steps, size_t count, size_t spare_max)
{
	static emr_secret held[SLOTS];
	size_t n = 0;

	while (n < SLOTS && emr_secret_new(32, &held[n]) == EMR_OK)
		n++;
	assert_true(n > 0 && n < SLOTS); /* full: the kit holds the others */
	for (size_t i = 0; i < count; i++) {
		bool good = false;

		for (size_t spare = 0; spare < spare_max && !good; spare++) {
			emr_status status;

			/* SPARE neighbours free: long secrets find their runs among them. */
			for (size_t j = 0; j < spare; j++)
				emr_secret_free(&held[j]);
			status = steps[i].run();
			for (size_t j = 0; j < spare; j++)
				assert_ok(emr_secret_new(32, &held[j]));
			if (status != EMR_OK && status != EMR_NO_MEMORY)
				fail_msg("%s with %zu slots: %s", steps[i].name, spare,
					emr_status_text(status));
			good = status == EMR_OK;
		}
		assert_true(good);
	}
	for (size_t j = 0; j < n; j++)
		emr_secret_free(&held[j]);
}
