/* These tests are about several programs at once, while publishing, syncing and reclaiming go on:
 * each program reads what it wrote. */
#include "view_kit.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 60, BYTES = 30000 };

typedef struct worker {
	kit *k;
	int number;
	uint64_t seed;
	uint8_t bytes[3][BYTES];
	size_t len[3];
	bool wrong;
	emr_status status;
} worker;

/* cmocka's assertions belong to the main thread: a worker only notes. */
static bool ok(worker *w, emr_status status)
{
	if (status == EMR_OK)
		return true;
	if (w->status == EMR_OK)
		w->status = status;
	return false;
}

static bool node_of(worker *w, const char *path, uint64_t *out_node)
{
	emr_attr attr;

	if (!ok(w, emr_view_find(w->k->view, path, &attr)))
		return false;
	*out_node = attr.node;
	return true;
}

/* By another name first, then over the old one, as editors do; sometimes in place. */
static void save(worker *w, int file)
{
	char path[40], name[20];
	size_t len = 1 + kit_random(&w->seed) % BYTES;
	bool in_place = kit_random(&w->seed) % 3 == 0;
	uint64_t directory;
	emr_handle *h;
	emr_attr attr;

	for (size_t i = 0; i < len; i++)
		w->bytes[file][i] = (uint8_t)kit_random(&w->seed);
	w->len[file] = len;
	snprintf(path, sizeof path, "common/w%d-%d", w->number, file);
	snprintf(name, sizeof name, "w%d-%d.tmp", w->number, file);
	if (!node_of(w, "common", &directory))
		return;
	if (in_place && emr_view_find(w->k->view, path, &attr) == EMR_OK) {
		if (!ok(w, emr_view_open_file(w->k->view, attr.node, O_RDWR | O_TRUNC, &h)))
			return;
	} else {
		in_place = false;
		if (!ok(w, emr_view_create(w->k->view, directory, name, 0600, O_RDWR, &attr, &h)))
			return;
		emr_view_forget(w->k->view, attr.node, 1);
	}
	for (size_t at = 0; at < len; at += 7000)
		ok(w, emr_view_write(h, at,
			      emr_bytes_of(
				      w->bytes[file] + at, len - at < 7000 ? len - at : 7000)));
	ok(w, kit_random(&w->seed) % 4 == 0 ? emr_view_fsync(h) : emr_view_flush(h));
	emr_view_release(h);
	if (!in_place)
		ok(w, emr_view_rename(
			      w->k->view, directory, name, directory, strrchr(path, '/') + 1, 0));
}

static void look(worker *w, int file)
{
	EMR_AUTO_FREE uint8_t *got = malloc(BYTES + 10);
	uint64_t node;
	emr_handle *h;
	size_t n = 0;

	if (w->len[file] > 0 && node_of(w, printed("common/w%d-%d", w->number, file), &node) &&
		ok(w, emr_view_open_file(w->k->view, node, O_RDONLY, &h))) {
		if (ok(w, emr_view_read(h, 0, got, BYTES + 10, &n)) &&
			(n != w->len[file] || memcmp(got, w->bytes[file], n) != 0))
			w->wrong = true;
		emr_view_release(h);
	}
}

static bool ignore_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)name;
	(void)attr;
	(void)next;
	++*(size_t *)arg;
	return true;
}

static void *work(void *arg)
{
	worker *w = arg;
	emr_reclaim_report report;
	emr_view_counts counts;
	uint64_t node;
	size_t names = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int file = (int)(kit_random(&w->seed) % 3);

		save(w, file);
		look(w, (file + i) % 3);
		look(w, file);
		if (node_of(w, "common", &node))
			ok(w, emr_view_each_entry(w->k->view, node, 0, false, ignore_name, &names));
		emr_view_count(w->k->view, &counts);
		if (i % 20 == 7)
			ok(w, emr_view_publish_now(w->k->view));
		if (i % 30 == 11 && w->number == 0)
			ok(w, emr_stack_reclaim(w->k->view, 90, &report));
		if (i % 15 == 3)
			ok(w, emr_view_sync(w->k->view));
	}
	return NULL;
}

TEST(everyone_finds_what_he_wrote)
{
	static worker workers[THREADS];
	pthread_t threads[THREADS];

	SCENE(kit, k, kit_open, kit_close);
	emr_stack_close(&k.stack);
	k.options = (emr_stack_options){.threads = true,
		.quiet_ns = 20000000,
		.sync_ns = 30000000,
		.segment_bytes = 1 << 20};
	assert_ok(emr_stack_open(k.path, &k.options, &k.stack));
	k.view = k.stack.view;
	kit_mkdir(&k, "common");
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (worker){.k = &k, .number = i, .seed = (uint64_t)i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int restarted = 0; restarted < 2; restarted++) {
		for (int i = 0; i < THREADS; i++) {
			assert_ok(workers[i].status);
			for (int file = 0; file < 3; file++)
				look(&workers[i], file);
			assert_false(workers[i].wrong);
		}
		assert_ok(emr_view_publish_now(k.view));
		emr_stack_close(&k.stack);
		assert_ok(emr_stack_open(k.path, &k.options, &k.stack));
		k.view = k.stack.view;
	}
}

TESTS(NULL, NULL)
