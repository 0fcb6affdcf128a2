/* This program prints what append, flush, get, commit, sync, scan and rebuild cost in a
 * directory: bench_store DIR */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "journal/journal.h"

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *x, const void *y)
{
	double a = *(const double *)x;
	double b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static void show(const char *what, double *us, size_t count)
{
	qsort(us, count, sizeof *us, compare);
	printf("%-44s p50 %8.1f us   p99 %8.1f us\n", what, us[count / 2], us[count * 99 / 100]);
}

static void must(emr_status status, const char *what)
{
	if (status == EMR_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, emr_status_text(status));
	exit(1);
}

static emr_block block_of(uint8_t *buffer, size_t len, uint32_t seed)
{
	emr_block block;

	memcpy(buffer, &seed, sizeof seed);
	block.data = emr_bytes_of(buffer, len);
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	return block;
}

static void appends(emr_store *store, size_t len, bool flush, size_t count)
{
	double *us = calloc(count, sizeof *us);
	uint8_t *buffer = calloc(1, len);
	char what[80];

	for (size_t i = 0; i < count; i++) {
		emr_block block = block_of(buffer, len, (uint32_t)(i + len * 1000 + flush));
		double from = now_us();

		must(emr_store_append(store, &block, 1, NULL), "append");
		if (flush)
			must(emr_store_flush(store), "flush");
		us[i] = now_us() - from;
		if (flush)
			usleep(500);
	}
	snprintf(what, sizeof what, "append %zu bytes%s", len, flush ? " and flush" : "");
	show(what, us, count);
	free(us);
	free(buffer);
}

static void gets(emr_store *store, size_t len, size_t count, const char *what)
{
	double *us = calloc(count, sizeof *us);
	uint8_t *buffer = calloc(1, len);
	EMR_AUTO_BUF out = {0};

	for (size_t i = 0; i < count; i++) {
		emr_block block = block_of(buffer, len, (uint32_t)(i * 7919 % count + len * 1000));
		double from = now_us();

		emr_buf_clear(&out);
		must(emr_store_get_verified(store, &block.cid, &out), "get");
		us[i] = now_us() - from;
	}
	show(what, us, count);
	free(us);
	free(buffer);
}

static void commits(emr_store *store, bool sync, size_t count)
{
	double *us = calloc(count, sizeof *us);
	uint8_t value[300] = {7};
	emr_keyring *keyring;
	emr_journal *journal;

	must(emr_keyring_create(EMR_KEYRING_PERSON, 1, &keyring), "keyring");
	must(emr_journal_open(store, keyring, &journal), "journal");
	for (size_t i = 0; i < count; i++) {
		emr_id16 key = {{(uint8_t)i, (uint8_t)(i >> 8)}};
		emr_journal_txn *txn;
		uint64_t seq;
		double from = now_us();

		must(emr_journal_begin(journal, &txn), "begin");
		must(emr_journal_put(txn, 1, key, emr_bytes_of(value, sizeof value)), "put");
		must(emr_journal_commit(txn, &seq), "commit");
		if (sync)
			must(emr_journal_sync(journal, seq), "sync");
		us[i] = now_us() - from;
		if (sync)
			usleep(500);
	}
	show(sync ? "journal commit of 300 bytes and sync" : "journal commit of 300 bytes", us,
		count);
	emr_journal_close(journal);
	emr_keyring_free(keyring);
	free(us);
}

static void rebuild(const char *path, const emr_store_options *options)
{
	emr_store_stats stats;
	emr_store *store;
	char index[4096];
	double from;

	snprintf(index, sizeof index, "%s/index.sqlite", path);
	unlink(index);
	from = now_us();
	must(emr_store_open(options, &store), "open without index");
	from = now_us() - from;
	must(emr_store_stats_get(store, &stats), "stats");
	printf("%-44s %.0f blocks in %.2f s: %.0f a second\n", "index made again, and opened",
		(double)stats.blocks, from / 1e6, (double)stats.blocks / from * 1e6);
	emr_store_close(store);
}

int main(int argc, char **argv)
{
	emr_store_options options = {.path = argc > 1 ? argv[1] : "bench-store", .writer = {{1}}};
	emr_store *store;
	double from;

	must(emr_base_init(), "base");
	must(emr_store_open(&options, &store), "open");
	commits(store, false, 5000);
	emr_store_close(store);
	options.writer.b[0] = 2;
	must(emr_store_open(&options, &store), "open");
	commits(store, true, 400);
	for (size_t len = 4096; len <= 262400; len = len == 65536 ? 262400 : len * 4)
		appends(store, len, true, 400);
	appends(store, 262400, false, 400);
	appends(store, 1200, false, 200000);
	must(emr_store_index_now(store), "index");
	gets(store, 262400, 400, "get a leaf of 262,400 bytes, place cached");
	gets(store, 1200, 200000, "get 1,200 bytes, 200,000 blocks, shuffled");
	emr_store_close(store);
	from = now_us();
	must(emr_store_open(&options, &store), "open");
	printf("%-44s %.1f ms\n", "open with index", (now_us() - from) / 1e3);
	emr_store_close(store);
	rebuild(options.path, &options);
	return 0;
}
