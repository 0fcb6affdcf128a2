/* This program measures what sealing, reading and freezing cost, over the real block store in a
 * directory: medians of several runs. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "record/staging.h"
#include "store/car_store.h"

#define LARGE_BYTES ((size_t)200 << 20)
#define REPORT_BYTES 63884
#define RUNS 5

typedef struct bench {
	emr_store *store;
	emr_keyring *keyring;
	emr_record_ctx *ctx;
	uint8_t *data;
} bench;

static void must(emr_status status, const char *what)
{
	if (status != EMR_OK) {
		fprintf(stderr, "%s: %s\n", what, emr_status_text(status));
		exit(1);
	}
}

/* Time on the clock, or with -c of the processors: what is left when the machine has other work. */
static clockid_t clock_used = CLOCK_MONOTONIC;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(clock_used, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, by_value);
	return values[count / 2];
}

static void open_all(bench *b, const char *path, unsigned workers)
{
	char spill[4096];
	emr_record_options options = {.workers = workers};
	emr_store_options store = {.path = path, .writer = {{1}}};

	must(emr_base_init(), "base");
	must(emr_keyring_create(EMR_KEYRING_PERSON, 0, &b->keyring), "keyring");
	must(emr_store_open(&store, &b->store), "store");
	snprintf(spill, sizeof spill, "%s/spill", path);
	if (access(spill, F_OK) != 0 && mkdirat(AT_FDCWD, spill, 0700) != 0)
		exit(1);
	options.store = emr_store_blocks(b->store);
	options.keyring = b->keyring;
	options.spill_dirfd = open(spill, O_RDONLY | O_DIRECTORY);
	must(emr_record_ctx_new(&options, &b->ctx), "ctx");
	b->data = malloc(LARGE_BYTES);
	if (b->data == NULL)
		exit(1);
	for (size_t i = 0; i < LARGE_BYTES; i++)
		b->data[i] = (uint8_t)(i * 2654435761u >> 13);
}

/* One sequential file in writes of STEP bytes, frozen at the end; MB/s. */
static double seal_large(bench *b, size_t step, emr_content *content, emr_content_key **key)
{
	emr_staging *st;
	double begin = now_us();

	must(emr_staging_new(b->ctx, emr_id16_random(), NULL, 0, &st), "new");
	for (size_t at = 0; at < LARGE_BYTES; at += step)
		must(emr_staging_write(st, at, b->data + at, step), "write");
	must(emr_staging_freeze(st, content, key), "freeze");
	emr_staging_discard(st);
	return (double)LARGE_BYTES / (now_us() - begin);
}

static double read_sequential(emr_content_reader *reader, uint8_t *buffer)
{
	double begin = now_us();
	size_t got;

	for (size_t at = 0; at < LARGE_BYTES; at += got)
		must(emr_content_reader_read(reader, at, buffer, 131072, &got), "read");
	return (double)LARGE_BYTES / (now_us() - begin);
}

/* As after a reboot: the segments are on the disk only. */
static void forget_pages(bench *b, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	must(emr_store_flush(b->store), "flush");
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY);

		if (fd >= 0 && strncmp(entry->d_name, "seg-", 4) == 0)
			(void)!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		if (fd >= 0)
			close(fd);
	}
	closedir(dir);
}

static double read_random(emr_content_reader *reader, uint8_t *buffer)
{
	enum { READS = 20000 };
	uint32_t x = 1;
	double begin = now_us();
	size_t got;

	for (int i = 0; i < READS; i++) {
		x = x * 1664525u + 1013904223u;
		must(emr_content_reader_read(reader, (uint64_t)(x % (LARGE_BYTES / 4096)) * 4096,
			     buffer, 4096, &got),
			"read");
	}
	return (now_us() - begin) / READS;
}

/* A report of 63,884 bytes: written, frozen; and flushed as fsync would. */
static double freeze_report(bench *b, bool flush)
{
	enum { FILES = 400 };
	double times[FILES];

	for (int i = 0; i < FILES; i++) {
		emr_content content;
		emr_content_key *key;
		emr_staging *st;
		double begin = now_us();

		must(emr_staging_new(b->ctx, emr_id16_random(), NULL, 0, &st), "new");
		must(emr_staging_write(st, 0, b->data + i, REPORT_BYTES), "write");
		must(emr_staging_freeze(st, &content, &key), "freeze");
		if (flush)
			must(emr_store_flush(b->store), "flush");
		times[i] = now_us() - begin;
		emr_content_key_free(key);
		emr_staging_discard(st);
	}
	return median(times, FILES);
}

/* 4 KiB somewhere in a file, then fsync: spill and one fdatasync. */
static double rewrite_random(bench *b)
{
	enum { WRITES = 1000 };
	double times[WRITES];
	emr_staging *st;
	uint32_t x = 1;

	must(emr_staging_new(b->ctx, emr_id16_random(), NULL, 0, &st), "new");
	must(emr_staging_write(st, 0, b->data, 64 << 20), "write");
	must(emr_staging_spill(st, 0), "spill");
	must(emr_store_flush(b->store), "flush");
	emr_staging_store_flushed(st);
	for (int i = 0; i < WRITES; i++) {
		double begin = now_us();

		x = x * 1664525u + 1013904223u;
		must(emr_staging_write(st, (uint64_t)(x % (60 << 8)) * 4096, b->data + i, 4096),
			"write");
		must(emr_staging_spill(st, i), "spill");
		if (emr_staging_needs_store_flush(st)) {
			must(emr_store_flush(b->store), "flush");
			emr_staging_store_flushed(st);
		}
		must(emr_staging_sync(st), "sync");
		times[i] = now_us() - begin;
	}
	emr_staging_discard(st);
	return median(times, WRITES);
}

static void run(const char *path, unsigned workers)
{
	bench b = {0};
	double write_mb[RUNS], read_mb[RUNS], cold_mb[RUNS], random_us[RUNS];
	EMR_AUTO_FREE uint8_t *buffer = malloc(1 << 20);

	open_all(&b, path, workers);
	for (int i = 0; i < RUNS; i++) {
		emr_content content;
		emr_content_key *key;
		emr_content_reader *reader;

		write_mb[i] = seal_large(&b, 131072, &content, &key);
		must(emr_content_reader_open(b.ctx, &content, key, &reader), "open");
		read_mb[i] = read_sequential(reader, buffer);
		random_us[i] = read_random(reader, buffer);
		forget_pages(&b, path);
		cold_mb[i] = read_sequential(reader, buffer);
		emr_content_reader_free(reader);
		emr_content_key_free(key);
	}
	printf("workers %u\n", workers == EMR_RECORD_NO_WORKERS ? 0 : workers);
	printf("  seal 200 MiB, 128 KiB writes   %8.0f MB/s\n", median(write_mb, RUNS));
	printf("  read 200 MiB, 128 KiB reads    %8.0f MB/s\n", median(read_mb, RUNS));
	printf("  the same from the disk         %8.0f MB/s\n", median(cold_mb, RUNS));
	printf("  read 4 KiB at random           %8.1f us\n", median(random_us, RUNS));
	printf("  report of 63,884 B frozen      %8.1f us\n", freeze_report(&b, false));
	printf("  the same and flushed           %8.1f us\n", freeze_report(&b, true));
	printf("  4 KiB rewritten and synced     %8.1f us\n", rewrite_random(&b));
	emr_record_ctx_free(b.ctx);
	emr_store_close(b.store);
	emr_keyring_free(b.keyring);
	free(b.data);
}

int main(int argc, char **argv)
{
	char one[4096], two[4096];

	if (argc == 3 && strcmp(argv[1], "-c") == 0) {
		clock_used = CLOCK_PROCESS_CPUTIME_ID;
		argv++;
		argc--;
	}
	if (argc != 2) {
		fprintf(stderr, "usage: %s [-c] DIRECTORY (will hold 2 GB)\n", argv[0]);
		return 2;
	}
	snprintf(one, sizeof one, "%s/alone", argv[1]);
	snprintf(two, sizeof two, "%s/workers", argv[1]);
	run(one, EMR_RECORD_NO_WORKERS);
	run(two, 2);
	return 0;
}
