/* Every version of a record can be opened, and the folder can be seen as it was. */
#include "view_kit.h"

#include <pthread.h>

#include "contract/codes.h"
#include "record/content.h"
#include "settle/history.h"
#include "settle/whose.h"

#define BIG 700000

static uint64_t now_s(const kit *k)
{
	return (uint64_t)(k->clock.unix_ns / 1000000000);
}

/* Publishes, and goes on to another second of the ledger.  The last second of what was published.
 */
static uint64_t settle(kit *k)
{
	uint64_t then;

	kit_publish_all(k);
	then = now_s(k);
	kit_wait_ms(k, 20000);
	return then;
}

/* ---- one record as text: "PUT v1 x 3+" is version 1 called x with 3 bytes, and the record is
 * there ---- */

typedef struct story {
	char text[2000];
	emr_place places[40];
	uint64_t sizes[40];
	size_t n;
} story;

static const char *op_text(uint8_t op)
{
	return op == EMR_OP_PUT	     ? "PUT"
	       : op == EMR_OP_META   ? "META"
	       : op == EMR_OP_REWRAP ? "REWRAP"
				     : "UNLINK";
}

static emr_status tell(void *arg, const emr_version *v)
{
	story *s = arg;
	size_t used = strlen(s->text);

	assert_true(s->n < 40);
	s->places[s->n] = v->place;
	s->sizes[s->n++] = v->meta->n;
	snprintf(s->text + used, sizeof s->text - used, "%s%s v%d %.*s %d%s", used > 0 ? ", " : "",
		op_text(v->op), (int)v->place.cver, (int)v->meta->name.len,
		(const char *)v->meta->name.data, (int)v->meta->n, v->is_live ? "+" : "-");
	return EMR_OK;
}

static void find_live(kit *k, const char *path, emr_place *out_place);

static const char *story_of(kit *k, const emr_place *place, story *s)
{
	uint64_t damaged = 99;

	*s = (story){.n = 0};
	assert_ok(emr_facts_record_history(k->stack.facts, place->record_id, tell, s, &damaged));
	assert_int_equal(damaged, 0);
	return s->text;
}

static void expect_bytes(kit *k, const emr_place *place, const void *data, size_t len)
{
	emr_content_reader *reader;
	emr_content_key *key;
	emr_whose whose;
	emr_content content;
	EMR_AUTO_FREE uint8_t *got = malloc(len + 1);
	size_t n;

	assert_non_null(got);
	assert_ok(emr_facts_open_signed(k->stack.facts, emr_ledger_descriptor(k->stack.ledger),
		place, &content, &key, &whose));
	assert_int_equal(content.n, len);
	assert_ok(emr_content_reader_open(k->stack.records, &content, key, &reader));
	assert_ok(emr_content_reader_read(reader, 0, got, len + 1, &n));
	assert_int_equal(n, len);
	assert_memory_equal(got, data, len);
	emr_content_reader_free(reader);
	emr_content_key_free(key);
}

/* ---- the folder as text, sorted: "Imaging/ x=3 " ---- */

typedef struct folder {
	struct {
		emr_place place;
		emr_id16 parent;
		char name[64];
		uint64_t n;
		bool is_dir, is_live;
	} all[60];
	size_t n;
} folder;

static emr_status note(void *arg, const emr_version *v)
{
	folder *f = arg;

	assert_true(f->n < 60);
	f->all[f->n].place = v->place;
	f->all[f->n].parent = v->meta->parent;
	f->all[f->n].n = v->meta->n;
	f->all[f->n].is_dir = v->meta->type == EMR_META_DIR;
	f->all[f->n].is_live = v->is_live;
	snprintf(f->all[f->n++].name, 64, "%.*s", (int)v->meta->name.len,
		(const char *)v->meta->name.data);
	return EMR_OK;
}

static void path_in(const folder *f, size_t i, char out[300])
{
	snprintf(out, 300, "%s", f->all[i].name);
	for (int depth = 0; depth < 20; depth++) {
		size_t up = 0;

		while (up < f->n && !emr_id16_equal(f->all[up].place.object, f->all[i].parent))
			up++;
		if (up == f->n || f->all[up].name[0] == 0) /* the folder itself has no name */
			return;
		snprintf(out, 300, "%.60s/%.200s", f->all[up].name, printed("%s", out));
		i = up;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static const char *folder_at(kit *k, uint64_t until, bool deleted_only)
{
	static char text[21000];
	static folder f;
	char lines[60][340];
	size_t n = 0;
	uint64_t damaged = 99;

	f.n = 0;
	assert_ok(emr_facts_each_as_of(k->stack.facts, until, deleted_only, note, &f, &damaged));
	assert_int_equal(damaged, 0);
	for (size_t i = 0; i < f.n; i++) {
		char path[300];

		path_in(&f, i, path);
		if (path[0] != 0 && strcmp(path, "Inbox") != 0 && f.all[i].is_live != deleted_only)
			snprintf(lines[n++], 340, "%s%s%d", path, f.all[i].is_dir ? "/" : "=",
				(int)f.all[i].n);
	}
	qsort(lines, n, sizeof lines[0], by_text);
	text[0] = 0;
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "",
			lines[i]);
	return text;
}

static void find_live(kit *k, const char *path, emr_place *out_place)
{
	static folder f;
	uint64_t damaged;

	f.n = 0;
	assert_ok(emr_facts_each_as_of(k->stack.facts, UINT64_MAX, false, note, &f, &damaged));
	for (size_t i = 0; i < f.n; i++) {
		char found[300];

		path_in(&f, i, found);
		if (strcmp(found, path) == 0) {
			*out_place = f.all[i].place;
			return;
		}
	}
	fail_msg("%s is not there", path);
}

/* ---- tests ---- */

TEST(every_version_of_a_file_opens_bit_for_bit)
{
	EMR_AUTO_FREE uint8_t *first = kit_bytes(BIG, 1), *third = kit_bytes(BIG + 5, 3);
	emr_place place;
	story s;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "Imaging");
	kit_write(&k, "Imaging/x", first, BIG);
	settle(&k);
	kit_text(&k, "Imaging/x", "two");
	settle(&k);
	kit_rename(&k, "Imaging/x", "Imaging/y");
	settle(&k);
	kit_write(&k, "Imaging/y", third, BIG + 5);
	settle(&k);
	kit_restart(&k);
	find_live(&k, "Imaging/y", &place);
	assert_string_equal(story_of(&k, &place, &s),
		"PUT v1 x 700000+, PUT v2 x 3+, META v2 y 3+, PUT v3 y 700005+");
	expect_bytes(&k, &s.places[0], first, BIG);
	expect_bytes(&k, &s.places[1], "two", 3);
	expect_bytes(&k, &s.places[2], "two", 3);
	expect_bytes(&k, &s.places[3], third, BIG + 5);
}

TEST(a_record_that_moved_to_another_domain_keeps_its_history)
{
	emr_place place;
	story s;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "B");
	kit_text(&k, "A/x", "one");
	settle(&k);
	kit_text(&k, "A/x", "two!");
	settle(&k);
	kit_rename(&k, "A/x", "B/x");
	settle(&k);
	kit_text(&k, "B/x", "three");
	settle(&k);
	find_live(&k, "B/x", &place);
	/* It moved: at no time was it away. */
	assert_string_equal(story_of(&k, &place, &s),
		"PUT v1 x 3+, PUT v2 x 4+, REWRAP v2 x 4+, UNLINK v2 x 4+, PUT v3 x 5+");
	expect_bytes(&k, &s.places[0], "one", 3);
	expect_bytes(&k, &s.places[2], "two!", 4);
	kit_unlink(&k, "B/x");
	settle(&k);
	(void)story_of(&k, &place, &s);
	assert_string_equal(s.text + strlen(s.text) - 14, "UNLINK v3 x 5-");
}

TEST(the_folder_is_seen_as_it_was)
{
	uint64_t none, one, two, three, four;

	SCENE(kit, k, kit_open, kit_close);
	none = settle(&k);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "A/in");
	kit_text(&k, "A/in/x", "one");
	kit_text(&k, "top", "t");
	one = settle(&k);
	kit_text(&k, "A/in/x", "three");
	kit_rename(&k, "A/in", "A/out");
	two = settle(&k);
	kit_unlink(&k, "A/out/x");
	kit_rename(&k, "A", "Z");
	three = settle(&k);
	kit_rmdir(&k, "Z/out");
	kit_text(&k, "Z/y", "y");
	four = settle(&k);
	kit_restart(&k);
	assert_string_equal(folder_at(&k, none, false), "");
	assert_string_equal(folder_at(&k, one, false), "A/0 A/in/0 A/in/x=3 top=1");
	assert_string_equal(folder_at(&k, two, false), "A/0 A/out/0 A/out/x=5 top=1");
	assert_string_equal(folder_at(&k, three, false), "Z/0 Z/out/0 top=1");
	assert_string_equal(folder_at(&k, four, false), "Z/0 Z/y=1 top=1");
	assert_string_equal(folder_at(&k, UINT64_MAX, false), "Z/0 Z/y=1 top=1");
	/* Between two times it is as at the earlier one. */
	assert_string_equal(folder_at(&k, one + 10, false), "A/0 A/in/0 A/in/x=3 top=1");
}

TEST(what_was_deleted_is_known_by_its_last_name_place_and_size)
{
	uint64_t before, after;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_text(&k, "A/x", "one");
	kit_text(&k, "A/keep", "k");
	settle(&k);
	kit_text(&k, "A/x", "twenty");
	kit_rename(&k, "A/x", "A/last");
	before = settle(&k);
	kit_unlink(&k, "A/last");
	after = settle(&k);
	assert_string_equal(folder_at(&k, before, true), "");
	assert_string_equal(folder_at(&k, after, true), "A/last=6");
	kit_unlink(&k, "A/keep");
	kit_rmdir(&k, "A");
	settle(&k);
	assert_string_equal(folder_at(&k, UINT64_MAX, true), "A/0 A/keep=1 A/last=6");
	assert_string_equal(folder_at(&k, after, true), "A/last=6");
}

/* ---- reading while the ledger grows ---- */

typedef struct onlooker {
	kit *k;
	emr_place place;
	bool stop;
	unsigned looks;
} onlooker;

static emr_status count(void *arg, const emr_version *v)
{
	(void)v;
	(*(unsigned *)arg)++;
	return EMR_OK;
}

static void *look(void *arg)
{
	onlooker *o = arg;

	while (!__atomic_load_n(&o->stop, __ATOMIC_RELAXED)) {
		unsigned versions = 0, objects = 0;

		assert_ok(emr_facts_record_history(
			o->k->stack.facts, o->place.record_id, count, &versions, NULL));
		assert_ok(emr_facts_each_as_of(
			o->k->stack.facts, UINT64_MAX, true, count, &objects, NULL));
		assert_true(versions >= 1);
		assert_true(objects >= 3);
		__atomic_add_fetch(&o->looks, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST(history_is_read_while_the_ledger_grows)
{
	onlooker o = {0};
	pthread_t threads[2];
	unsigned versions = 0;

	SCENE(kit, k, kit_open, kit_close);
	kit_text(&k, "x", "one");
	settle(&k);
	o.k = &k;
	find_live(&k, "x", &o.place);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, &o), 0);
	for (int i = 0; i < 20 || __atomic_load_n(&o.looks, __ATOMIC_RELAXED) < 4; i++) {
		kit_text(&k, "x", printed("take %d", i));
		kit_publish(&k);
	}
	__atomic_store_n(&o.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_ok(
		emr_facts_record_history(k.stack.facts, o.place.record_id, count, &versions, NULL));
	assert_true(versions >= 21);
}

/* ---- what it costs ---- */

#define MANY EMR_MANY(2000) /* what is read is counted: one more row for one more file is seen */

static uint64_t cost_of_history(kit *k, const emr_place *place)
{
	uint64_t before = emr_replica_rows_read(k->stack.replica);
	unsigned versions = 0;

	assert_ok(
		emr_facts_record_history(k->stack.facts, place->record_id, count, &versions, NULL));
	assert_int_equal(versions, 4); /* with the end of the row that it was moved from */
	return emr_replica_rows_read(k->stack.replica) - before;
}

TEST(the_history_of_one_among_two_thousand_costs_what_it_has)
{
	uint64_t alone;
	emr_place place;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "B");
	kit_text(&k, "A/x", "one");
	settle(&k);
	kit_text(&k, "A/x", "two");
	settle(&k);
	kit_rename(&k, "A/x", "B/x");
	settle(&k);
	find_live(&k, "B/x", &place);
	alone = cost_of_history(&k, &place);
	for (int i = 0; i < MANY; i++) {
		kit_text(&k, printed("%c/%d", "AB"[i % 2], i), "a page");
	}
	settle(&k);
	assert_int_equal(cost_of_history(&k, &place), alone);
}

TESTS(NULL, NULL)
