/* These tests use the locked memory for secrets: it is wiped at once, does not overlap, and is
 * in no core file, no child process and no swap. */
#include "emr_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER true
#else
#define UNDER_SANITIZER false
#endif

TEST(a_secret_is_zeroed_and_sized)
{
	static const size_t sizes[] = {1, 31, 32, 33, 64, 65, 127, 128};
	emr_secret secret = {0};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_ok(emr_secret_new(sizes[i], &secret));
		assert_int_equal(secret.len, sizes[i]);
		for (size_t j = 0; j < secret.len; j++)
			assert_int_equal(secret.data[j], 0);
		memset(secret.data, 0xee, secret.len);
		emr_secret_free(&secret);
		assert_null(secret.data);
		emr_secret_free(&secret); /* an empty one is fine */
	}
	assert_status(EMR_INVALID, emr_secret_new(0, &secret));
	assert_status(EMR_INVALID, emr_secret_new(EMR_SECRET_MAX + 1, &secret));
}

TEST(a_freed_slot_is_wiped_at_once)
{
	emr_secret secret = {0};
	const volatile uint8_t *slot;

	assert_ok(emr_secret_new(32, &secret));
	slot = secret.data;
	memset(secret.data, 0xab, 32);
	emr_secret_free(&secret);
	for (int i = 0; i < 32; i++)
		assert_int_equal(slot[i], 0);
}

/* A reader has the keys of all that he has opened in hand: of a dataset that is more than 1 MiB. */
#define MANY 200000

TEST(keys_of_many_files_are_held_at_once)
{
	static emr_secret held[MANY];

	for (uint32_t i = 0; i < MANY; i++) {
		assert_ok(emr_secret_new(32, &held[i]));
		memcpy(held[i].data, &i, sizeof i);
	}
	/* Slots do not overlap. */
	for (uint32_t i = 0; i < MANY; i++)
		assert_memory_equal(held[i].data, &i, sizeof i);
	for (size_t i = 0; i < MANY; i++)
		emr_secret_free(&held[i]);
	for (size_t i = 0; i < MANY; i++) {
		assert_ok(emr_secret_new(32, &held[i]));
		for (size_t j = 0; j < 32; j++)
			assert_int_equal(held[i].data[j], 0);
	}
	for (size_t i = 0; i < MANY; i++)
		emr_secret_free(&held[i]);
}

#define ALL (EMR_SECRETS_MAX_BYTES / EMR_SECRET_MAX)

TEST(what_is_full_refuses_and_recovers)
{
	static emr_secret held[ALL + 1];
	emr_secret part[3] = {{NULL, 0}}, more = {.data = NULL, .len = 77};
	size_t n = 0;

	while (n <= ALL && emr_secret_new(EMR_SECRET_MAX, &held[n]) == EMR_OK)
		n++;
	assert_int_equal(n, ALL);
	assert_status(EMR_NO_MEMORY, emr_secret_new(1, &more));
	assert_int_equal(more.len, 77); /* untouched */
	/* Three of four neighbours are no room for a long secret. */
	emr_secret_free(&held[n / 2]);
	for (size_t i = 0; i < 3; i++)
		assert_ok(emr_secret_new(32, &part[i]));
	assert_status(EMR_NO_MEMORY, emr_secret_new(EMR_SECRET_MAX, &more));
	for (size_t i = 0; i < 3; i++)
		emr_secret_free(&part[i]);
	assert_ok(emr_secret_new(EMR_SECRET_MAX, &more));
	emr_secret_free(&more);
	for (size_t i = 0; i < n; i++)
		emr_secret_free(&held[i]);
}

TEST(mixed_sizes_never_overlap)
{
	static emr_secret held[3000];
	static const size_t sizes[] = {32, 64, 128, 16, 44, 76};

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 3000; i++) {
			assert_ok(emr_secret_new(sizes[i % 6], &held[i]));
			memset(held[i].data, (int)(i % 251), held[i].len);
		}
		for (size_t i = 0; i < 3000; i++) {
			for (size_t j = 0; j < held[i].len; j++)
				assert_int_equal(held[i].data[j], i % 251);
		}
		for (size_t i = 0; i < 3000; i++)
			emr_secret_free(&held[(i * 7) % 3000]);
	}
}

static void *churn(void *argument)
{
	size_t seed = (size_t)argument;

	for (int i = 0; i < 2000; i++) {
		emr_secret secret = {0};

		if (emr_secret_new(32 + seed * 32, &secret) != EMR_OK)
			return (void *)1;
		memset(secret.data, (int)seed, secret.len);
		for (size_t j = 0; j < secret.len; j++) {
			if (secret.data[j] != (uint8_t)seed)
				return (void *)2;
		}
		emr_secret_free(&secret);
	}
	return NULL;
}

TEST(threads_share_the_arena)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)i), 0);
	for (size_t i = 0; i < 4; i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_null(result);
	}
}

/* The VmFlags line of the mapping that holds ADDRESS. */
static void vm_flags(const void *address, char flags[256])
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long target = (unsigned long)address;
	unsigned long from;
	unsigned long to;
	bool inside = false;
	char line[256];

	flags[0] = '\0';
	assert_non_null(smaps);
	while (fgets(line, sizeof line, smaps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = target >= from && target < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			memcpy(flags, line, sizeof line);
	}
	fclose(smaps);
}

TEST(the_arena_is_in_no_core_no_child_and_no_swap)
{
	EMR_AUTO_SECRET secret = {0};
	char flags[256];

	assert_ok(emr_secret_random(32, &secret));
	vm_flags(secret.data, flags);
	assert_non_null(strstr(flags, " dd")); /* not in a core dump */
	assert_non_null(strstr(flags, " dc")); /* not copied by fork */
	/* Sanitizers turn mlock into nothing. */
	if (!UNDER_SANITIZER)
		assert_int_equal(strstr(flags, " lo") != NULL, emr_secret_is_locked());
}

TEST(a_child_cannot_read_a_secret)
{
	EMR_AUTO_SECRET secret = {0};
	int status;
	pid_t child;

	assert_ok(emr_secret_random(32, &secret));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		(void)*(const volatile uint8_t *)secret.data;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	/* Under a sanitizer the fault becomes an exit with an error; never 0. */
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(a_hardened_process_leaves_no_core)
{
	struct rlimit limit;

	assert_ok(emr_process_harden());
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
	assert_int_equal(limit.rlim_max, 0);
}

TEST(random_secrets_differ)
{
	EMR_AUTO_SECRET a = {0};
	EMR_AUTO_SECRET b = {0};

	assert_ok(emr_secret_random(32, &a));
	assert_ok(emr_secret_random(32, &b));
	assert_memory_not_equal(a.data, b.data, 32);
}

TESTS(NULL, NULL)
