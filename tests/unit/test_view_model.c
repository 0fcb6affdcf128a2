/* A model saves, removes and purges at random while the ledger has not answered: every version that
 * is registered keeps its bytes. A failed run prints its seed; EMR_MODEL_SEED chooses another. */
#include "view_kit.h"

enum { ROAD_FILES = 6, ROAD_BYTES_MAX = 90000, ROAD_STEPS = 250, ROAD_LEFT_BYTES = 1 << 20 };

/* Somebody is at work in the folder while the ledger has a batch, and answers are lost. */
typedef struct road {
	kit k;
	uint64_t seed;
	unsigned batches, lost;
} road;

static road *open_road; /* NULL: the ledger is as always, and nobody is at work */

static uint64_t draw(road *r, uint64_t below)
{
	return kit_random(&r->seed) % below;
}

static const char *road_path(road *r, char out[16])
{
	snprintf(out, 16, "d/%d", (int)draw(r, ROAD_FILES));
	return out;
}

static void act(road *r)
{
	char path[16], to[16];
	unsigned what = (unsigned)draw(r, 100);
	uint64_t freed;

	road_path(r, path);
	if (what < 45) {
		size_t len = draw(r, ROAD_BYTES_MAX);
		EMR_AUTO_FREE uint8_t *bytes = kit_bytes(len, r->seed);

		kit_write(&r->k, path, bytes, len);
	} else if (what < 92 && kit_exists(&r->k, path)) {
		if (what < 70)
			kit_unlink(&r->k, path);
		else
			kit_rename(&r->k, path, road_path(r, to));
	} else if (what >= 92) {
		assert_ok(emr_view_purge(r->k.view, &freed));
	}
}

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out)
{
	road *r = open_road;
	uint64_t fate;
	emr_status status;

	if (r == NULL)
		return __real_emr_ledger_submit(ledger, batch, out);
	r->batches++;
	fate = draw(r, 6); /* 0: it never arrives; 1: its answer does not */
	for (uint64_t n = draw(r, 4); n > 0; n--)
		act(r);
	status = fate == 0 ? EMR_TIMEOUT : __real_emr_ledger_submit(ledger, batch, out);
	for (uint64_t n = draw(r, 4); n > 0; n--)
		act(r);
	r->lost += fate < 2;
	return fate < 2 ? EMR_TIMEOUT : status;
}

/* Between the look at what is to be sent and the row that names it. */
WRAPPED(emr_status, emr_bundle_build, emr_record_ctx *ctx, const emr_content *content,
	const emr_content_key *key, const emr_bundle_facts *facts, emr_cid *out_root)
{
	uint64_t freed;

	if (open_road != NULL && draw(open_road, 3) == 0) {
		act(open_road);
		act(open_road);
		assert_ok(emr_view_purge(open_road->k.view, &freed));
	}
	return __real_emr_bundle_build(ctx, content, key, facts, out_root);
}

static emr_status note_pin(void *arg, const emr_pin *pin)
{
	assert_int_equal(pin->state, EMR_PIN_REGISTERED); /* nothing waits any more */
	return emr_buf_append(arg, pin, sizeof *pin);
}

static int by_all(const void *a, const void *b)
{
	const emr_pin *x = a, *y = b;
	int roots = memcmp(x->root.b, y->root.b, sizeof x->root.b);

	return roots != 0 ? roots : memcmp(x->owner.b, y->owner.b, sizeof x->owner.b);
}

static emr_status must_be_here(void *arg, const emr_cid *cid)
{
	emr_block_store *blocks = arg;

	return emr_block_store_has(blocks, cid) ? EMR_OK : EMR_MISSING_DATA;
}

/* The ledger's versions, which restore asks for, are those that the pins name, which backup, verify
 * and reclaim go by; and all of it is here. */
static void pins_are_versions(road *r)
{
	emr_block_store *blocks = emr_store_blocks(r->k.stack.store);
	EMR_AUTO_BUF pins = {0};
	EMR_AUTO_BUF versions = {0};
	const emr_pin *all;
	size_t n;

	assert_ok(emr_store_each_pin(r->k.stack.store, note_pin, &pins));
	assert_ok(emr_facts_bundles(r->k.stack.facts, false, NULL, &versions));
	n = versions.len / sizeof *all;
	assert_int_equal(pins.len / sizeof *all, n);
	if (n == 0)
		return;
	qsort(pins.data, n, sizeof *all, by_all);
	qsort(versions.data, n, sizeof *all, by_all);
	all = (const emr_pin *)(const void *)versions.data;
	for (size_t i = 0; i < n; i++) {
		emr_cid missing;

		assert_int_equal(by_all(&all[i], (const emr_pin *)(const void *)pins.data + i), 0);
		assert_ok(emr_store_walk(blocks, &all[i].root, must_be_here, blocks, &missing));
	}
}

typedef struct listed {
	char names[400][40];
	size_t n;
} listed;

static bool list_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	listed *l = arg;

	(void)attr;
	(void)next;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	assert_true(l->n < sizeof l->names / sizeof l->names[0]);
	snprintf(l->names[l->n++], sizeof l->names[0], "%s", name);
	return true;
}

static emr_attr look_below(kit *k, const emr_attr *directory, const char *name)
{
	emr_attr attr;

	assert_ok(emr_view_lookup(k->view, directory->node, name, &attr));
	return attr;
}

/* All of what .emrfs/deleted lists can be read. */
static size_t read_deleted(kit *k)
{
	static uint8_t got[ROAD_BYTES_MAX];
	const emr_attr top = kit_attr(k, "");
	emr_attr special = look_below(k, &top, ".emrfs"), deleted, d;
	EMR_AUTO_FREE listed *l = calloc(1, sizeof *l);
	size_t n = 0, files;

	assert_non_null(l);
	deleted = look_below(k, &special, "deleted");
	if (emr_view_lookup(k->view, deleted.node, "d", &d) == EMR_OK) {
		assert_ok(emr_view_each_entry(k->view, d.node, 0, false, list_name, l));
		for (size_t i = 0; i < l->n; i++) {
			emr_attr file = look_below(k, &d, l->names[i]);
			emr_handle *h;

			assert_ok(emr_view_open_file(k->view, file.node, O_RDONLY, &h));
			assert_ok(emr_view_read(h, 0, got, sizeof got, &n));
			assert_int_equal(n, file.size_bytes);
			emr_view_release(h);
			emr_view_forget(k->view, file.node, 1);
		}
		emr_view_forget(k->view, d.node, 1);
	}
	emr_view_forget(k->view, deleted.node, 1);
	emr_view_forget(k->view, special.node, 1);
	files = l->n;
	return files;
}

static void look_at_all(road *r)
{
	open_road = NULL;
	kit_publish_all(&r->k);
	(void)read_deleted(&r->k);
	pins_are_versions(r);
	open_road = r;
}

static void erase_deleted(road *r)
{
	const emr_erase all = {.path = NULL};
	emr_erased erased;

	open_road = NULL;
	kit_publish_all(&r->k); /* an erasure waits for the answers */
	assert_ok(emr_view_erase(r->k.view, &all, &erased));
	assert_true(erased.is_finished);
	open_road = r;
}

/* Answers that were lost are heard before there is a tree. */
static void come_again(road *r)
{
	open_road = NULL;
	kit_restart(&r->k);
	open_road = r;
}

static void travel(uint64_t seed)
{
	EMR_AUTO_FREE road *r = calloc(1, sizeof *r);
	char path[16];
	uint64_t freed;

	assert_non_null(r);
	print_message("road %llu\n", (unsigned long long)seed);
	r->seed = seed;
	kit_open(&r->k);
	kit_mkdir(&r->k, "d");
	kit_publish_all(&r->k);
	open_road = r;
	for (int step = 0; step < ROAD_STEPS; step++) {
		unsigned what = (unsigned)draw(r, 100);
		emr_status status = EMR_OK;

		kit_wait_ms(&r->k, 1 + (int64_t)draw(r, 4000));
		if (what < 50)
			act(r);
		else if (what < 88)
			status = emr_view_publish_now(r->k.view);
		else if (what < 92)
			come_again(r);
		else if (what < 98)
			look_at_all(r);
		else
			erase_deleted(r);
		if (status != EMR_OK)
			assert_status(EMR_TIMEOUT, status);
	}
	assert_true(r->batches > 20 && r->lost > 2);
	look_at_all(r);
	open_road = NULL;
	kit_restart(&r->k);
	pins_are_versions(r);
	for (int i = 0; i < ROAD_FILES; i++) {
		snprintf(path, sizeof path, "d/%d", i);
		if (kit_exists(&r->k, path))
			kit_unlink(&r->k, path);
	}
	erase_deleted(r);
	open_road = NULL;
	assert_int_equal(read_deleted(&r->k), 0);
	pins_are_versions(r);
	assert_ok(emr_view_purge(r->k.view, &freed));
	assert_true(emr_store_disk_bytes(r->k.stack.store) < ROAD_LEFT_BYTES);
	kit_close(&r->k);
}

TEST(a_version_on_its_way_keeps_its_bytes)
{
	const char *seed = getenv("EMR_MODEL_SEED");

	if (seed != NULL)
		travel(strtoull(seed, NULL, 10));
	for (uint64_t s = 1; s <= 4 && seed == NULL; s++)
		travel(s);
}

TESTS(NULL, NULL)
