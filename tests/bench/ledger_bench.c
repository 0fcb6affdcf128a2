/* This program measures the ledger and the replica: latency of a batch, rate of catching up,
 * listing, size of an item. bench_ledger [records [served]] The disk is that of /tmp: what a flush
 * costs there is most of the latency of a batch. "served": the same over HTTPS, from a host in this
 * process. */
#include <pthread.h>
#include <time.h>

#include "served_kit.h"

static kit k;

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double size_of(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void latency(const kit_domain *d, size_t items, int rounds)
{
	double took[256];
	double sign = 0;

	for (int i = 0; i < rounds; i++) {
		EMR_AUTO_BUF bytes = {0};
		emr_ledger_answer answer;
		emr_batch_builder *b;
		double start = now_ms();
		b = kit_batch(&k, d->id);
		for (size_t j = 0; j < items; j++)
			(void)kit_put(b, d, emr_id16_random(), 1, (emr_id32){{0}});
		kit_finish(&k, b, &bytes);
		sign += now_ms() - start;
		start = now_ms();
		assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
		took[i] = now_ms() - start;
	}
	qsort(took, (size_t)rounds, sizeof took[0], by_value);
	printf("submit of %zu: median %.2f ms, 9 of 10 under %.2f ms (building and signing %.2f "
	       "ms)\n",
		items, took[rounds / 2], took[rounds * 9 / 10], sign / rounds);
}

/* Programs that save at once, each a record at a time. */
#define CLIENTS 20
#define SAVES 200

static void *save_often(void *arg)
{
	const kit_domain *d = arg;

	for (int i = 0; i < SAVES; i++) {
		emr_batch_builder *b = kit_batch(&k, d->id);

		(void)kit_put(b, d, emr_id16_random(), 1, (emr_id32){{0}});
		(void)kit_send(&k, b);
	}
	return NULL;
}

static void save_at_once(kit_domain *d)
{
	pthread_t threads[CLIENTS];
	double start = now_ms();

	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, save_often, d), 0);
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	printf("%d at once, a record each time: %.0f a second\n", CLIENTS,
		CLIENTS * SAVES / (now_ms() - start) * 1e3);
}

int main(int argc, char **argv)
{
	size_t records = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 20000;
	emr_replica *replica;
	emr_replica_trouble trouble;
	kit_domain d;
	EMR_AUTO_BUF heads = {0};
	uint64_t n = 0;
	uint64_t checked;
	double start;

	kit_on_disk = true;
	if (argc > 2 && strcmp(argv[2], "served") == 0)
		kit_backend_in_use = &kit_served;
	kit_new(&k);
	d = kit_domain_new(&k);
	latency(&d, 1, 200);
	latency(&d, 500, 20);
	save_at_once(&d);
	start = now_ms();
	kit_fill(&k, &d, records - 11200);
	printf("%zu more records in batches of 500: %.0f a second\n", records - 11200,
		(double)(records - 11200) / (now_ms() - start) * 1e3);
	replica = kit_replica(&k);
	start = now_ms();
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, &n));
	printf("catch up: %.0f items a second (%llu entries)\n",
		(double)records / (now_ms() - start) * 1e3, (unsigned long long)n);
	for (int i = 0; i < 2; i++) {
		kit_fill(&k, &d, 1);
		start = now_ms();
		assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
		printf("catch up by one entry: %.2f ms\n", now_ms() - start);
	}
	start = now_ms();
	assert_ok(EMR_ASK_ALL(&heads, replica, ALL_HEADS));
	printf("%zu heads listed in %.0f ms\n", heads.len / sizeof(emr_replica_head),
		now_ms() - start);
	start = now_ms();
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
	printf("verify everything: %.0f ms\n", now_ms() - start);
	emr_replica_close(replica);
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	printf("ledger %.0f bytes an item, replica %.0f (private part 828, item 160)\n",
		size_of(k.network, "ledger.sqlite") / (double)records,
		size_of(k.state, "replica.sqlite") / (double)records);
	kit_end(&k);
	return 0;
}
