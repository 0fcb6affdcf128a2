/* This program measures what following everything costs a computer whose own records are few: a
 * ledger of ENTRIES that others made (one save each, one item), and one domain of one's own.
 * Prints time, disk and memory of the first look, of opening again, and of going through what is
 * there once more. bench_following [entries] */
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

#include "ledger_kit.h"

#define OWN_RECORDS 500
#define DOMAINS 1000

static kit k;
static emr_keyring *reader; /* of the computer that follows */

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_of(clockid_t whose)
{
	struct timespec t;

	(void)clock_gettime(whose, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
	return cpu_of(CLOCK_PROCESS_CPUTIME_ID);
}

/* Of the thread that judges: what a first look takes where the other cores are idle. */
static double own_cpu_ms(void)
{
	return cpu_of(CLOCK_THREAD_CPUTIME_ID);
}

static long peak_kib(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static double heap_kib(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd) / 1024;
}

/* Returns how many bytes this process handed to write(2) and its like so far. */
static double written_bytes(void)
{
	FILE *io = fopen("/proc/self/io", "r");
	double bytes = 0;
	char line[128];

	assert_non_null(io);
	while (fgets(line, sizeof line, io))
		(void)sscanf(line, "wchar: %lf", &bytes);
	(void)fclose(io);
	return bytes;
}

static double bytes_of_file(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

/* As a session does it. */
static bool is_mine(void *arg, emr_id16 domain, emr_bytes tail)
{
	(void)arg;
	return emr_keyring_owns(reader, domain, tail.data);
}

static emr_replica *open_replica(void)
{
	emr_replica *replica = NULL;
	emr_replica_options options = {.state_dirfd = k.state_fd,
		.ledger = k.ledger,
		.clock = &k.clock.clock,
		.is_mine = is_mine};

	assert_ok(emr_replica_open(&options, &replica));
	return replica;
}

static void follow(const char *what, size_t entries)
{
	double start = now_ms(), cpu = cpu_ms(), heap = heap_kib(), written = written_bytes();
	double own = own_cpu_ms();
	uint64_t n = 0;
	size_t seen = 0;
	emr_replica_change change;
	emr_replica *replica = open_replica();

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, &n));
	printf("%s: %llu entries in %.0f ms, %.0f ms of processor, %.1f us an entry, %.1f of them "
	       "in the thread that judges; heap +%.0f KiB, peak %ld KiB\n",
		what, (unsigned long long)n, now_ms() - start, cpu_ms() - cpu,
		(cpu_ms() - cpu) * 1e3 / (double)entries,
		(own_cpu_ms() - own) * 1e3 / (double)entries, heap_kib() - heap, peak_kib());
	start = now_ms();
	{
		EMR_ASK(asked, replica, SINCE);
		while (emr_next(&asked, &change))
			seen++;
		assert_ok(asked.status);
	}
	printf("going through all %zu items: %.0f ms\n", seen, now_ms() - start);
	for (int i = 0; i < 2; i++) {
		start = now_ms();
		EMR_AUTO_BUF domains = {0};
		assert_ok(EMR_ASK_ALL(&domains, replica, DOMAINS));
		printf("which of %zu domains are mine: %.0f ms\n",
			domains.len / sizeof(emr_known_domain), now_ms() - start);
	}
	/* Bytes that were put off until then count, too. */
	emr_replica_close(replica);
	printf("written until it was closed: %.0f bytes an entry\n",
		(written_bytes() - written) / (double)entries);
}

/* The local copy, computed again from its own entries in a file on no name. */
static void verify(size_t entries)
{
	double cpu = cpu_ms(), written = written_bytes();
	uint64_t n = 0;
	emr_replica_trouble trouble;
	emr_replica *replica = open_replica();

	assert_ok(emr_replica_verify_own(replica, &trouble, &n));
	printf("verified: %llu entries, %.1f us of processor an entry; written %.0f bytes an "
	       "entry\n",
		(unsigned long long)n, (cpu_ms() - cpu) * 1e3 / (double)entries,
		(written_bytes() - written) / (double)entries);
	emr_replica_close(replica);
}

int main(int argc, char **argv)
{
	size_t entries = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 20000;
	kit_domain own, *others = calloc(DOMAINS, sizeof *others);
	double start;

	assert_non_null(others);
	kit_new(&k);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &reader));
	own = kit_domain_new(&k);
	kit_fill(&k, &own, OWN_RECORDS);
	start = now_ms();
	for (size_t i = 0; i < entries; i++) {
		kit_domain *d = &others[i % DOMAINS];

		if (i < DOMAINS)
			*d = kit_domain_new(&k);
		else
			kit_fill(&k, d, 1);
	}
	printf("%zu entries of others in %.0f ms\n", entries, now_ms() - start);
	follow("first look", entries);
	printf("ledger %.0f bytes an entry, own copy %.0f\n",
		bytes_of_file(k.network, "ledger.sqlite") / (double)entries,
		bytes_of_file(k.state, "replica.sqlite") / (double)entries);
	follow("opened again", entries);
	verify(entries);
	kit_fill(&k, &others[0], 1);
	follow("one more", 1);
	free(others);
	kit_end(&k);
	return 0;
}
