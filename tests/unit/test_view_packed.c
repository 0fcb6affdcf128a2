/* A node takes little memory. The place of its record on the ledger is kept in half of that memory:
 * a place comes out as it was put in, and one that would not is never put in. Members that only a
 * changed node needs are made as it changes, and given back when the ledger has it. */
#include "view_kit.h"

#include "record/format.h"
#include "edit.h"
#include "times.h"

_Static_assert(sizeof(node) <= 248, "a folder may have a million of them: see fs/view/DESIGN.md");

static emr_view *loses_room; /* with the ledger's next answer, for a place that is kept whole */
static bool has_no_room;
static bool has_no_pending; /* no memory for a changed node */

WRAPPED(void *, malloc, size_t size)
{
	return has_no_room && size == sizeof(emr_place) ? NULL : __real_malloc(size);
}

WRAPPED(void *, calloc, size_t count, size_t size)
{
	return has_no_pending && size == sizeof(node_pending) ? NULL : __real_calloc(count, size);
}

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	if (loses_room != NULL) {
		free(loses_room->index.spare_place);
		loses_room->index.spare_place = NULL;
		has_no_room = true;
	}
	return __real_emr_ledger_submit(ledger, batch, out_answer);
}

static uint64_t state_of_random = 1;

static uint64_t next(void)
{
	state_of_random = state_of_random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return state_of_random >> 11;
}

static void fill(uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)next();
}

/* A file that is published, as nearly all are. */
static emr_place ordinary(void)
{
	emr_place place = {.cver = 1 + next() % 1000,
		.version = 1 + next() % 100000,
		.padded = emr_padded_len(next() % EMR_RECORD_MAX_BYTES, next() % 2 == 0)};
	uint8_t digest[32];

	fill(digest, sizeof digest);
	fill(place.domain.b, sizeof place.domain.b);
	fill(place.object.b, sizeof place.object.b);
	fill(place.r_pid, sizeof place.r_pid);
	place.pversion = place.version;
	place.record_id = place.object;
	place.root = emr_cid_of_digest(EMR_CODEC_DAG_PB, digest);
	return place;
}

static void assert_same(const emr_place *a, const emr_place *b)
{
	assert_memory_equal(a->domain.b, b->domain.b, 16);
	assert_memory_equal(a->object.b, b->object.b, 16);
	assert_memory_equal(a->record_id.b, b->record_id.b, 16);
	assert_memory_equal(a->r_pid, b->r_pid, 32);
	assert_true(emr_cid_equal(&a->root, &b->root));
	assert_int_equal(a->cver, b->cver);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->pversion, b->pversion);
	assert_int_equal(a->padded, b->padded);
}

static void assert_comes_back(const emr_place *place)
{
	packed_place packed;
	emr_place back;

	assert_true(packed_fits(place, place->object));
	packed = packed_of(place);
	assert_memory_equal(packed_record(&packed, place->object).b, place->record_id.b, 16);
	back = packed_open(&packed, place->domain, place->object, place->record_id);
	assert_same(place, &back);
}

TEST(every_ordinary_file_comes_back)
{
	for (int i = 0; i < 20000; i++) {
		emr_place place = ordinary();

		if (i % 3 == 0)
			place.pversion += (uint64_t)(i % 8) * EMR_VERSION_MOVE;
		if (i % 5 == 0)
			place.version += (uint64_t)(i % 8) * EMR_VERSION_MOVE;
		assert_comes_back(&place);
	}
}

TEST(a_directory_comes_back_without_a_content)
{
	const emr_place other = ordinary();
	emr_place place = {
		.domain = other.domain, .object = other.object, .version = other.version};

	memcpy(place.r_pid, other.r_pid, sizeof place.r_pid);
	assert_comes_back(&place);
}

TEST(of_what_was_never_published_all_is_zero)
{
	const node none = {.id = emr_id16_random()};
	const emr_place zero = {.version = 0}, back = node_place(&none);

	assert_same(&zero, &back);
}

/* Others choose numbers, too: whatever they are, a place that fits comes back as it was. */
TEST(what_would_not_come_back_is_refused)
{
	static const uint64_t edges[] = {0, 1, INT32_MAX, (uint64_t)INT32_MAX + 1, UINT32_MAX,
		(uint64_t)UINT32_MAX + 1, (UINT64_C(1) << 26) - 1, UINT64_C(1) << 26,
		(UINT64_C(1) << 26) + 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
	size_t fitted = 0, refused = 0;

	for (int i = 0; i < 20000; i++) {
		emr_place place = ordinary();
		uint64_t *const numbers[] = {
			&place.cver, &place.version, &place.pversion, &place.padded};

		*numbers[next() % 4] = edges[next() % (sizeof edges / sizeof *edges)];
		if (packed_fits(&place, place.object)) {
			assert_comes_back(&place);
			fitted++;
		} else {
			refused++;
		}
	}
	assert_true(fitted > 1000 && refused > 1000);
}

TEST(another_id_or_another_kind_of_root_is_refused)
{
	emr_place place = ordinary();

	assert_false(packed_fits(&place, emr_id16_random()));
	place.root = emr_cid_of_digest(EMR_CODEC_RAW, emr_cid_digest(&place.root));
	assert_false(packed_fits(&place, place.object));
}

static node *node_at(kit *k, const char *path)
{
	return tree_by_number(k->view, kit_attr(k, path).node);
}

TEST(a_file_keeps_its_record_id_in_another_domain)
{
	emr_place before, now;

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "A");
	kit_mkdir(&k, "B");
	kit_save(&k, "A/x", "one");
	assert_null(node_place_memory(node_at(&k, "A/x")));
	before = node_place(node_at(&k, "A/x"));
	kit_rename(&k, "A/x", "B/x");
	kit_publish_all(&k);
	now = node_place(node_at(&k, "B/x"));
	assert_true(node_at(&k, "B/x")->has_own_record);
	assert_memory_equal(now.record_id.b, before.record_id.b, 16);
	assert_memory_equal(now.domain.b, node_at(&k, "B")->id.b, 16);
	assert_memory_equal(now.object.b, node_at(&k, "B/x")->id.b, 16);
	kit_restart(&k);
	assert_true(node_at(&k, "B/x")->has_own_record);
	before = node_place(node_at(&k, "B/x"));
	assert_same(&before, &now);
}

/* Numbers that others choose for a record of theirs may fit today, and not tomorrow. */
TEST(a_place_takes_what_it_needs_and_gives_it_back)
{
	emr_place places[3];
	node *n;

	SCENE(kit, k, kit_open, kit_close);
	kit_save(&k, "x", "one");
	n = node_at(&k, "x");
	for (size_t i = 0; i < 3; i++)
		places[i] = node_place(n);
	places[1].record_id = emr_id16_random();
	places[2].cver = UINT64_MAX;
	for (size_t i = 0; i < 20; i++) {
		const emr_place *place = &places[(i * i + i / 4) % 3];
		emr_place back;

		assert_ok(tree_need_place(k.view, place));
		tree_set_place(k.view, n, place);
		back = node_place(n);
		assert_same(place, &back);
		assert_memory_equal(node_domain(n).b, place->domain.b, 16);
		assert_memory_equal(node_object(n).b, place->object.b, 16);
		assert_int_equal(node_version(n), place->version);
		assert_int_equal(node_pversion(n), place->pversion);
		assert_int_equal(n->has_own_record, place == &places[1]);
		assert_int_equal(n->has_whole_place, place == &places[2]);
	}
}

/* The room that was ready is used up, and the file was renamed as well. */
TEST(an_answer_that_finds_no_memory_for_a_place_changes_nothing)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_save(&k, "x", "one");
	kit_rename(&k, "x", "y");
	kit_wait_ms(&k, 2000);
	loses_room = k.view;
	assert_status(EMR_NO_MEMORY, emr_view_publish_now(k.view));
	loses_room = NULL;
	has_no_room = false;
	assert_string_equal(node_at(&k, "y")->was->name, "x");
	kit_publish_all(&k);
	assert_null(node_at(&k, "y")->was);
	kit_expect_text(&k, "y", "one");
	kit_restart_and_compare(&k);
}

TEST(a_rename_that_finds_no_memory_changes_nothing)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_save(&k, "x", "one");
	kit_restart_and_compare(&k);
	assert_null(node_at(&k, "x")->pending);
	has_no_pending = true;
	assert_status(
		EMR_NO_MEMORY, emr_view_rename(k.view, EMR_ROOT_NODE, "x", EMR_ROOT_NODE, "y", 0));
	has_no_pending = false;
	assert_false(node_at(&k, "x")->has_row);
	kit_restart_and_compare(&k);
	kit_expect_text(&k, "x", "one");
	kit_rename(&k, "x", "y");
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
	kit_expect_text(&k, "y", "one");
}

/* A node that is put into the queue behind a commit cannot be refused any more. */
TEST(what_finds_no_memory_to_say_that_it_changed_is_published_all_the_same)
{
	uint64_t before;
	node *n;

	SCENE(kit, k, kit_open, kit_close);
	kit_save(&k, "x", "one");
	kit_restart_and_compare(&k);
	n = node_at(&k, "x");
	before = node_version(n);
	has_no_pending = true;
	pthread_mutex_lock(&k.view->lock);
	n->meta_dirty = true;
	mark_changed(k.view, n);
	pthread_mutex_unlock(&k.view->lock);
	assert_true(n->is_queued);
	assert_null(n->pending);
	assert_status(EMR_NO_MEMORY, emr_view_publish_now(k.view));
	assert_true(n->is_queued);
	has_no_pending = false;
	kit_publish_all(&k);
	assert_false(n->meta_dirty);
	assert_true(node_version(n) > before);
}

TEST(what_the_ledger_has_gives_back_what_its_change_needed)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_text(&k, "x", "one");
	assert_non_null(node_at(&k, "x")->pending);
	kit_publish_all(&k);
	assert_ok(emr_view_publish_now(k.view)); /* which looks at the queue */
	assert_null(node_at(&k, "x")->pending);
	kit_rename(&k, "x", "y");
	assert_true(node_change_count(node_at(&k, "y")) > 0);
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
}

/* ---- times ---- */

static int64_t found_time(kit *k, emr_id16 id, uint64_t version)
{
	EMR_AUTO_BUF buf = {0};
	int64_t ns = 0;
	emr_status status = times_find(k->view, id, version, &buf, &ns);

	assert_true(status == EMR_OK || status == EMR_NOT_FOUND);
	return status == EMR_OK ? ns : -1;
}

/* Ids of one beginning share a row, and who shares a folder chooses the ids of what he makes
 * there: the row takes so many and no more, and saving goes on. */
TEST(times_of_many_ids_with_one_beginning_have_an_end)
{
	const unsigned count = 1000, most = 256;

	SCENE(kit, k, kit_open, kit_close);
	for (unsigned i = 0; i < count; i += 500) {
		edit e = edit_begin(k.view);

		for (unsigned j = i; j < i + 500; j++)
			edit_file_time(&e,
				(emr_id16){{7, 7, 1, (uint8_t)(j >> 8), (uint8_t)j, 0, 0, 0, 9}}, 3,
				1000 + j);
		assert_ok(edit_commit(&e, NULL));
	}
	for (unsigned i = 0; i < count; i++) {
		const emr_id16 id = {{7, 7, 1, (uint8_t)(i >> 8), (uint8_t)i}};

		assert_int_equal(found_time(&k, id, 3), i < most ? 1000 + (int64_t)i : -1);
		assert_int_equal(found_time(&k, id, 4), -1); /* another version */
	}
}

/* In one edit the last word counts; the others of the row stay. */
TEST(times_that_change_leave_their_neighbours)
{
	const emr_id16 a = {{7, 7, 1}}, b = {{7, 7, 2}};
	const node like = {.type = EMR_META_FILE};
	edit e;

	SCENE(kit, k, kit_open, kit_close);
	e = edit_begin(k.view);
	edit_file_time(&e, a, 1, 10);
	edit_file_time(&e, b, 1, 20);
	edit_forget_times(&e, &like, a);
	edit_file_time(&e, a, 2, 30);
	assert_ok(edit_commit(&e, NULL));
	assert_int_equal(found_time(&k, a, 2), 30);
	assert_int_equal(found_time(&k, a, 1), -1);
	e = edit_begin(k.view);
	edit_forget_times(&e, &like, a);
	assert_ok(edit_commit(&e, NULL));
	assert_int_equal(found_time(&k, a, 2), -1);
	assert_int_equal(found_time(&k, b, 1), 20);
}

TESTS(NULL, NULL)
