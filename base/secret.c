/* This file keeps secrets in memory that is locked where the system allows it (so that it is
 * never written to the swap file), lies between guard pages and is left out of core dumps. They
 * are wiped when they are freed. */
#include "base/secret.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

/* Slots are runs of 1, 2 or 4 granules inside one word of the map, so a run is found with a mask.
 * One arena is enough for most; who has many keys in hand gets more, which stay. */
#define ARENA_BYTES (EMR_SECRETS_MAX_BYTES / ARENAS_MAX)
#define ARENAS_MAX 64
#define GRANULE_BYTES 32
#define GRANULES (ARENA_BYTES / GRANULE_BYTES)
#define WORDS (GRANULES / 64)

/* Protects all of these. */
static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *arenas[ARENAS_MAX];
static size_t arena_count;
static bool is_unlocked;		  /* one of them is not locked */
static uint64_t used[ARENAS_MAX * WORDS]; /* bit = granule taken */
static size_t next_word;		  /* where the last search ended */

/* Maps one more arena between two pages that nobody may touch.  Holds arena_lock. */
static emr_status arena_open(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, ARENA_BYTES + 2 * page, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *inside;

	if (map == MAP_FAILED)
		return EMR_NO_MEMORY;
	inside = map + page;
	if (mprotect(inside, ARENA_BYTES, PROT_READ | PROT_WRITE) != 0 ||
		madvise(inside, ARENA_BYTES, MADV_DONTDUMP) != 0 ||
		madvise(inside, ARENA_BYTES, MADV_DONTFORK) != 0) {
		munmap(map, ARENA_BYTES + 2 * page);
		return EMR_NO_MEMORY;
	}
	/* Each page once it holds something; a kernel without that takes all of them. */
	if (mlock2(inside, ARENA_BYTES, MLOCK_ONFAULT) != 0 && mlock(inside, ARENA_BYTES) != 0)
		is_unlocked = true;
	arenas[arena_count++] = inside;
	return EMR_OK;
}

/* Without the lock: whoever logs may need a secret. */
static void say_unlocked(void)
{
	emr_log(EMR_LOG_WARN, "keys are not locked in memory: RLIMIT_MEMLOCK is too low");
}

static emr_status init_status;

static void init_once(void)
{
	pthread_mutex_lock(&arena_lock);
	init_status = sodium_init() < 0 ? EMR_NO_MEMORY : arena_open();
	pthread_mutex_unlock(&arena_lock);
	if (is_unlocked)
		say_unlocked();
}

emr_status emr_base_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_once);
	return init_status;
}

emr_status emr_process_harden(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return EMR_DENIED;
	return EMR_OK;
}

bool emr_secret_is_locked(void)
{
	bool is_locked;

	if (emr_base_init() != EMR_OK)
		return false;
	pthread_mutex_lock(&arena_lock);
	is_locked = !is_unlocked;
	pthread_mutex_unlock(&arena_lock);
	return is_locked;
}

/* How many granules hold LEN bytes: 1, 2 or 4. */
static unsigned run_of(size_t len)
{
	if (len <= GRANULE_BYTES)
		return 1;
	return len <= 2 * GRANULE_BYTES ? 2 : 4;
}

static uint64_t run_mask(unsigned run)
{
	return ((uint64_t)1 << run) - 1;
}

/* Takes RUN granules of one word; -1 when it has no free aligned run.  Holds arena_lock. */
static int take_in_word(size_t word, unsigned run)
{
	if (used[word] == UINT64_MAX)
		return -1;
	for (unsigned bit = 0; bit < 64; bit += run) {
		uint64_t mask = run_mask(run) << bit;

		if ((used[word] & mask) == 0) {
			used[word] |= mask;
			return (int)bit;
		}
	}
	return -1;
}

/* Among the arenas that there are; NULL: they are full.  Holds arena_lock. */
static uint8_t *find_run(unsigned run)
{
	const size_t words = arena_count * WORDS;

	for (size_t i = 0; i < words; i++) {
		size_t word = (next_word + i) % words;
		int bit = take_in_word(word, run);

		if (bit >= 0) {
			next_word = word;
			return arenas[word / WORDS] +
			       (word % WORDS * 64 + (size_t)bit) * GRANULE_BYTES;
		}
	}
	return NULL;
}

static uint8_t *take_run(unsigned run)
{
	uint8_t *found;
	bool was_unlocked, is_news;

	pthread_mutex_lock(&arena_lock);
	was_unlocked = is_unlocked;
	found = find_run(run);
	if (found == NULL && arena_count < ARENAS_MAX && arena_open() == EMR_OK) {
		next_word = (arena_count - 1) * WORDS;
		found = find_run(run);
	}
	is_news = is_unlocked && !was_unlocked;
	pthread_mutex_unlock(&arena_lock);
	if (is_news)
		say_unlocked();
	return found;
}

/* The first granule of DATA, counted through all arenas.  Holds arena_lock. */
static size_t granule_of(const uint8_t *data)
{
	size_t i = 0;

	while ((uintptr_t)data - (uintptr_t)arenas[i] >= ARENA_BYTES)
		i++;
	return i * GRANULES + (size_t)(data - arenas[i]) / GRANULE_BYTES;
}

emr_status emr_secret_new(size_t len, emr_secret *out_secret)
{
	uint8_t *data;

	if (len == 0 || len > EMR_SECRET_MAX)
		return EMR_INVALID;
	if (emr_base_init() != EMR_OK)
		return EMR_NO_MEMORY;
	data = take_run(run_of(len));
	EMR_TRY_MEMORY(data);
	/* Freed slots are wiped, new pages are zero: the slot is zero already. */
	*out_secret = (emr_secret){.data = data, .len = len};
	return EMR_OK;
}

emr_status emr_secret_random(size_t len, emr_secret *out_secret)
{
	EMR_TRY(emr_secret_new(len, out_secret));
	randombytes_buf(out_secret->data, len);
	return EMR_OK;
}

emr_status emr_secret_copy(const emr_secret *secret, emr_secret *out)
{
	emr_secret copy = {0};

	EMR_TRY(emr_secret_new(secret->len, &copy));
	memcpy(copy.data, secret->data, secret->len);
	*out = copy;
	return EMR_OK;
}

void emr_secret_free(emr_secret *secret)
{
	size_t granule;
	unsigned run;

	if (secret->data == NULL)
		return;
	run = run_of(secret->len);
	/* Wiped before the lock is left: the next owner finds zeros. */
	sodium_memzero(secret->data, run * GRANULE_BYTES);
	pthread_mutex_lock(&arena_lock);
	granule = granule_of(secret->data);
	used[granule / 64] &= ~(run_mask(run) << granule % 64);
	pthread_mutex_unlock(&arena_lock);
	*secret = (emr_secret){0};
}

void emr_wipe(void *data, size_t len)
{
	if (len > 0)
		sodium_memzero(data, len);
}
