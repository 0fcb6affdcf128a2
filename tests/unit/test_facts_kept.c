/* These tests are about the kept file of decrypted facts: it saves time and can do nothing else,
 * whatever happens to it. */

#include "base/codec.h"
#include "facts_cache.h"
#include "others_kit.h"

#include "replica/follower.h"

#define CACHE "facts.cache"
#define HEADER_BYTES 80
#define PAGE_BYTES 65536
#define MANY 400 /* more than one page */

/* ---- what a walk gives, as text that can be compared ---- */

typedef struct line {
	char text[400];
} line;

typedef struct lines {
	line *all;
	size_t n, cap;
} lines;

static void note(emr_facts_walk all, lines *l)
{
	emr_place place;
	emr_meta meta;

	while (emr_facts_next(&all, &place, &meta)) {
		char object[33], root[73];

		if (l->n == l->cap) {
			l->cap = l->cap == 0 ? 64 : l->cap * 2;
			l->all = realloc(l->all, l->cap * sizeof *l->all);
			assert_non_null(l->all);
		}
		emr_hex(place.object.b, 16, object);
		emr_hex(place.root.b, 36, root);
		snprintf(l->all[l->n++].text, sizeof l->all->text,
			"%s %s %d %o %llu %lld %.*s %llu %llu %llu %zu", object, root,
			(int)meta.type, meta.mode, (unsigned long long)meta.n,
			(long long)meta.mtime_ns, (int)meta.name.len, (const char *)meta.name.data,
			(unsigned long long)place.version, (unsigned long long)place.cver,
			(unsigned long long)place.padded, meta.xattrs.len);
	}
	assert_ok(all.status);
	assert_int_equal(all.damaged, 0);
	emr_facts_walk_end(&all);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const line *)a)->text, ((const line *)b)->text);
}

/* Both ways of reading give the same records. */
static void expect_same(kit *k)
{
	lines fresh = {0}, kept = {0};

	note(emr_facts_all(k->stack.facts), &fresh);
	note(emr_facts_all_kept(k->stack.facts), &kept);
	assert_int_equal(fresh.n, kept.n);
	qsort(fresh.all, fresh.n, sizeof *fresh.all, by_text);
	qsort(kept.all, kept.n, sizeof *kept.all, by_text);
	for (size_t i = 0; i < fresh.n; i++)
		assert_string_equal(fresh.all[i].text, kept.all[i].text);
	free(fresh.all);
	free(kept.all);
}

static size_t count_kept(kit *k)
{
	lines kept = {0};

	note(emr_facts_all_kept(k->stack.facts), &kept);
	free(kept.all);
	return kept.n;
}

static void read_cache(const kit *k, emr_buf *out)
{
	emr_buf_clear(out);
	assert_ok(emr_file_read(k->stack.state_dirfd, CACHE, (size_t)1 << 24, out));
}

static void put_cache(const kit *k, emr_bytes bytes)
{
	assert_ok(emr_file_replace(k->stack.state_dirfd, CACHE, bytes, 0600));
}

static void make_many(kit *k, const char *stem)
{
	char name[64];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "Imaging/%s%d", stem, i);
		kit_text(k, name, name);
	}
	kit_publish_all(k);
}

static int open_many(void **state)
{
	kit *k = calloc(1, sizeof *k);

	kit_open(k);
	kit_mkdir(k, "Imaging");
	make_many(k, "slice");
	kit_restart(k);
	assert_ok(emr_facts_forget_kept(k->stack.facts));
	assert_ok(emr_facts_keep(k->stack.facts, UINT64_MAX));
	*state = k;
	return 0;
}

static int close_many(void **state)
{
	kit_close(*state);
	free(*state);
	return 0;
}

TEST_IN(open_many, close_many, a_file_cut_off_or_put_together_anew_is_not_used)
{
	EMR_AUTO_BUF good = {0};
	EMR_AUTO_BUF bad = {0};

	read_cache(*state, &good);
	assert_true(good.len >= HEADER_BYTES + 2 * PAGE_BYTES);
	for (size_t len = 0; len < good.len; len += PAGE_BYTES / 2) {
		put_cache(*state, emr_bytes_of(good.data, len));
		expect_same(*state);
	}
	put_cache(*state,
		emr_bytes_of(good.data, good.len - PAGE_BYTES)); /* ends with a whole page */
	expect_same(*state);
	assert_ok(emr_buf_append(&bad, good.data, HEADER_BYTES));
	assert_ok(emr_buf_append(&bad, good.data + HEADER_BYTES + PAGE_BYTES, PAGE_BYTES));
	assert_ok(emr_buf_append(&bad, good.data + HEADER_BYTES, PAGE_BYTES));
	put_cache(*state, emr_buf_view(&bad));
	expect_same(*state);
}

TEST_IN(open_many, close_many, a_file_that_is_ahead_of_the_ledger_is_not_used)
{
	kit *k = *state;
	EMR_AUTO_BUF ahead = {0};

	read_cache(k, &ahead);
	emr_put_u64(ahead.data + 32, UINT64_MAX);
	put_cache(k, emr_buf_view(&ahead));
	expect_same(k);
}

static bool is_device;

/* Of a second computer: keys of some folders come to it by letter. */
WRAPPED(emr_keyring_kind, emr_keyring_kind_of, const emr_keyring *kr)
{
	return is_device ? EMR_KEYRING_DEVICE : __real_emr_keyring_kind_of(kr);
}

TEST_IN(open_many, close_many, what_becomes_ours_or_ceases_to_be_is_not_of_the_time_it_was_made)
{
	kit *k = *state;
	emr_id16 awaited = {{0}}, imaging;

	assert_ok(emr_unhex(
		kit_attribute(k, "Imaging", "user.emrfs.id"), imaging.b, sizeof imaging.b));
	k->options.own_parts = true;
	k->options.awaited = &awaited;
	kit_restart(k);
	is_device = true;
	awaited = imaging;
	assert_true(count_kept(k) < MANY);
	assert_ok(emr_facts_forget_kept(k->stack.facts));
	assert_ok(emr_facts_keep(k->stack.facts, UINT64_MAX));
	assert_true(count_kept(k) < MANY);
	awaited = (emr_id16){{0}}; /* the ledger says nothing of it now */
	assert_true(count_kept(k) > MANY);
	expect_same(k);
	assert_ok(emr_facts_keep(k->stack.facts, UINT64_MAX));
	is_device = false; /* nothing is looked for: what the file itself has now */
	assert_true(count_kept(k) > MANY);
	expect_same(k);
}

/* ---- what rests in it ---- */

struct emr_loading {
	uint8_t every; /* one in so many rests, by its id */
};

static bool one_in(struct emr_loading *judge, const emr_place *place, const emr_meta *meta)
{
	return meta->type == EMR_META_FILE && place->object.b[15] % judge->every == 0;
}

/* Together the files that rest and those that do not are all that there are, and each that rests is
 * found. */
static void expect_whole(kit *k, uint8_t every)
{
	struct emr_loading judge = {.every = every};
	lines fresh = {0}, kept = {0};
	emr_kept_facts *facts;
	emr_kept_run *runs;
	size_t awake;
	uint32_t n, found;

	note(emr_facts_all(k->stack.facts), &fresh);
	assert_ok(emr_kept_open(k->stack.facts, one_in, &judge, &facts));
	note(emr_kept_awake(k->stack.facts, facts), &kept);
	awake = kept.n;
	runs = emr_kept_runs(facts, &n);
	for (uint32_t i = 0; i < n; i++) {
		const size_t before = kept.n;

		note(emr_kept_resting(k->stack.facts, facts, &runs[i]), &kept);
		assert_int_equal(kept.n - before, runs[i].count);
	}
	for (size_t i = 0; i < kept.n; i++) {
		emr_id16 object;

		assert_ok(emr_unhex(strndupa(kept.all[i].text, 32), object.b, sizeof object.b));
		assert_int_equal(emr_kept_find(facts, object, &found), i >= awake);
	}
	assert_true(n > 0 && kept.n > awake);
	assert_int_equal(kept.n, fresh.n);
	qsort(fresh.all, fresh.n, sizeof *fresh.all, by_text);
	qsort(kept.all, kept.n, sizeof *kept.all, by_text);
	for (size_t i = 0; i < fresh.n; i++)
		assert_string_equal(fresh.all[i].text, kept.all[i].text);
	emr_kept_close(facts);
	free(fresh.all);
	free(kept.all);
}

TEST_IN(open_many, close_many, what_rests_is_left_out_and_nothing_else)
{
	kit *k = *state;
	EMR_AUTO_BUF before = {0};

	for (uint8_t every = 1; every < 9; every++)
		expect_whole(k, every);
	read_cache(k, &before);
	kit_unlink(k, "Imaging/slice7");
	kit_save(k, "Imaging/slice9", "anew");
	put_cache(k, emr_buf_view(&before));
	for (uint8_t every = 1; every < 4; every++)
		expect_whole(k, every);
}

/* A writer chooses ids: of two that begin alike neither must be taken for the other. */
TEST_IN(open_many, close_many, files_whose_ids_begin_alike_are_told_apart)
{
	kit *k = *state;
	EMR_AUTO_SNAPSHOT snapshot = {0};
	struct emr_loading judge = {.every = 1};
	emr_facts_walk all = emr_facts_all_kept(k->stack.facts);
	emr_replica_position at;
	facts_cache_writer *writer;
	emr_kept_facts *facts;
	emr_kept_run *runs;
	facts_row row;
	lines kept = {0};
	uint32_t n, ambiguous = 0;
	size_t written = 0;

	assert_ok(emr_replica_snapshot_begin(k->stack.replica, &snapshot));
	assert_ok(emr_replica_at(k->stack.replica, &at));
	assert_ok(facts_cache_begin(k->stack.facts, &at, &writer));
	for (; facts_cache_next(all.cache, &row) == EMR_OK; written++) {
		if (written == 100 || written == 300)
			memset(row.place.object.b, 7, 8);
		assert_ok(facts_cache_add(writer, &row));
	}
	assert_ok(facts_cache_finish(writer));
	facts_cache_abandon(writer);
	emr_facts_walk_end(&all);
	assert_ok(emr_kept_open(k->stack.facts, one_in, &judge, &facts));
	runs = emr_kept_runs(facts, &n);
	note(emr_kept_awake(k->stack.facts, facts), &kept);
	for (uint32_t i = 0; i < n; i++) {
		note(emr_kept_resting(k->stack.facts, facts, &runs[i]), &kept);
		ambiguous += runs[i].is_ambiguous;
	}
	assert_in_range(ambiguous, 1, 2);
	assert_int_equal(kept.n, written);
	free(kept.all);
	emr_kept_close(facts);
}

TESTS(NULL, NULL)
