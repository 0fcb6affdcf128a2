/* Whatever programs write, hold open, rewrite, cut and remove, the store has at most twice the
 * bytes that count and a constant: a model of random writers, with the constants a 64th of the
 * usual ones. */

#include "reclaim.h"
#include "view_kit.h"

#define SCALE 64
#define STEP_BYTES ((UINT64_C(32) << 20) / SCALE)
#define ALLOWED_BYTES ((UINT64_C(300) << 20) / SCALE)
#define SEGMENT_BYTES ((UINT64_C(256) << 20) / SCALE)
#define AHEAD_BYTES (64 * STEP_BYTES) /* that may be of no use until the next lull */
#define FILES 6
#define FILE_MAX ((UINT64_C(64) << 20) / SCALE)
#define STEPS 4000
#define SEEDS 6 /* of the others EMR_SEED names one */

typedef struct writer {
	emr_handle *handle; /* NULL: nobody has it open */
	bool is_there;
	bool has_changed; /* since it became a version */
	uint64_t size;	  /* what the name has, or whoever holds it */
	/* Two lives of one file count while a program is at work on it: what is saved must be there
	 * until the next close. */
	bool has_copy;	   /* changed since it was sealed */
	bool lies_on_base; /* the copy: a close does not seal it */
	uint64_t saved;	   /* sealed, and no version yet */
} writer;

typedef struct world {
	kit k;
	writer files[FILES];
	uint64_t random;
	uint64_t versions; /* bytes of versions on the ledger: they are kept */
	uint64_t most;	   /* that counted since the last quiet moment */
	uint8_t *bytes;
} world;

static const char *path_of(size_t i)
{
	static char path[16];

	snprintf(path, sizeof path, "d/%zu", i);
	return path;
}

static uint64_t below(world *w, uint64_t limit)
{
	return kit_random(&w->random) % limit;
}

/* Bytes that count, sealed: each content is padded, and has a bundle and nodes. */
static uint64_t counts(const world *w)
{
	uint64_t bytes = w->versions;

	for (size_t i = 0; i < FILES; i++) {
		const writer *f = &w->files[i];
		uint64_t lives = f->saved + (f->has_copy ? f->size : 0);

		bytes += lives + lives / 8;
	}
	return bytes;
}

static uint64_t on_disk(world *w)
{
	return emr_store_disk_bytes(w->k.stack.store);
}

/* At every moment: of what counted lately, for removing takes its time. */
static void must_fit(world *w, const char *what)
{
	uint64_t now = counts(w);

	if (now > w->most)
		w->most = now;
	if (on_disk(w) > 2 * w->most + ALLOWED_BYTES)
		fail_msg("%s: %llu bytes on the disk, %llu count", what,
			(unsigned long long)on_disk(w), (unsigned long long)w->most);
}

static void note_change(writer *f, bool needs_old)
{
	if (!f->has_copy)
		f->lies_on_base = needs_old && f->size > 0;
	f->has_copy = f->has_changed = true;
}

static void note_handed_out(writer *f)
{
	if (!f->has_copy || !f->is_there || f->lies_on_base)
		return;
	f->saved = f->size;
	f->has_copy = false;
}

static void note_gone(writer *f)
{
	*f = (writer){.handle = NULL};
}

static void cut_one(world *w, size_t i, uint64_t size)
{
	writer *f = &w->files[i];
	emr_attr wanted = {0}, attr;

	if (f->handle == NULL)
		return;
	wanted.size_bytes = size;
	assert_ok(emr_view_set_attr(
		w->k.view, f->handle->node->number, EMR_SET_SIZE, &wanted, &attr));
	note_change(f, size > 0);
	f->size = size;
}

static void open_one(world *w, size_t i)
{
	writer *f = &w->files[i];

	if (f->handle != NULL)
		return;
	if (!f->is_there)
		kit_text(&w->k, path_of(i), "");
	f->is_there = true;
	f->handle = kit_open_file(&w->k, path_of(i), O_RDWR);
	if (below(w, 2) == 0)
		cut_one(w, i, 0);
}

static void write_one(world *w, size_t i)
{
	writer *f = &w->files[i];
	uint64_t from = below(w, 3) == 0 ? below(w, f->size + 1) : 0;
	uint64_t len = below(w, FILE_MAX);

	if (f->handle == NULL)
		open_one(w, i);
	for (uint64_t at = 0; at < len; at += 128 << 10) {
		uint64_t n = len - at < 128 << 10 ? len - at : 128 << 10;

		assert_ok(emr_view_write(f->handle, from + at, emr_bytes_of(w->bytes, n)));
		note_change(f, true);
		if (from + at + n > f->size)
			f->size = from + at + n;
		must_fit(w, "writing");
	}
}

static void close_one(world *w, size_t i)
{
	writer *f = &w->files[i];

	if (f->handle == NULL)
		return;
	assert_ok(emr_view_flush(f->handle));
	emr_view_release(f->handle);
	f->handle = NULL;
	note_handed_out(f);
	if (!f->is_there)
		note_gone(f);
}

static void remove_one(world *w, size_t i)
{
	writer *f = &w->files[i];

	if (!f->is_there)
		return;
	kit_unlink(&w->k, path_of(i));
	f->is_there = false;
	if (f->handle == NULL)
		note_gone(f);
}

/* Everything that is closed becomes a version; what was looked for is found. */
static void be_quiet(world *w)
{
	for (size_t i = 0; i < FILES; i++)
		if (w->files[i].is_there && w->files[i].handle == NULL && below(w, 8) != 0)
			remove_one(w, i);
	for (size_t i = 0; i < FILES; i++) {
		writer *f = &w->files[i];

		if (!f->is_there || f->handle != NULL || !f->has_changed)
			continue;
		w->versions += f->size + f->size / 8;
		f->has_changed = f->has_copy = false;
		f->saved = 0;
	}
	assert_ok(emr_view_publish_now(w->k.view));
	assert_ok(emr_view_publish_now(w->k.view));
	w->most = 0;
	must_fit(w, "quiet");
}

static void act(world *w)
{
	size_t i = (size_t)below(w, FILES);

	switch (below(w, 12)) {
	case 0:
		open_one(w, i);
		break;
	case 1:
	case 2:
		close_one(w, i);
		break;
	case 3:
		remove_one(w, i);
		break;
	case 4:
		cut_one(w, i, below(w, w->files[i].size + 1));
		break;
	case 5:
		if (w->files[i].handle == NULL)
			break;
		assert_ok(emr_view_fsync(w->files[i].handle));
		note_handed_out(&w->files[i]);
		break;
	case 6:
		if (below(w, 10) == 0)
			be_quiet(w);
		break;
	default:
		write_one(w, i);
	}
	must_fit(w, "at work");
}

static void begin(world *w, uint64_t seed)
{
	*w = (world){.random = seed, .bytes = kit_bytes(128 << 10, seed)};
	kit_open(&w->k);
	w->k.options.segment_bytes = SEGMENT_BYTES;
	w->k.options.space_step_bytes = STEP_BYTES;
	kit_restart(&w->k);
	kit_mkdir(&w->k, "d");
}

static void end(world *w)
{
	kit_close(&w->k);
	free(w->bytes);
}

TEST(any_pattern_of_writing_fits)
{
	const char *wanted = getenv("EMR_SEED");
	world w;

	for (uint64_t seed = 0; seed < (wanted != NULL ? 1 : SEEDS); seed++) {
		begin(&w, wanted != NULL ? strtoull(wanted, NULL, 0) : seed);
		print_message("seed %llu\n", (unsigned long long)w.random);
		for (unsigned i = 0; i < STEPS; i++)
			act(&w);
		for (size_t i = 0; i < FILES; i++)
			close_one(&w, i);
		be_quiet(&w);
		print_message("%llu MiB were sealed\n",
			(unsigned long long)(emr_store_appended(w.k.stack.store) >> 20));
		assert_true(emr_store_appended(w.k.stack.store) > 20 * ALLOWED_BYTES);
		end(&w);
	}
}

TEST(of_two_files_one_is_always_open)
{
	SCENE_OF(world, w, end, begin, 5);
	open_one(&w, 0);
	for (unsigned turn = 1; turn < 160; turn++) {
		size_t i = turn % 2;

		open_one(&w, i);
		for (uint64_t at = 0; at < FILE_MAX / 2; at += 128 << 10)
			assert_ok(emr_view_write(
				w.files[i].handle, at, emr_bytes_of(w.bytes, 128 << 10)));
		w.files[i].size = FILE_MAX / 2;
		close_one(&w, 1 - i);
		must_fit(&w, "in turns");
	}
	close_one(&w, 1); /* that of the last turn */
}

static void name_of(unsigned i, char out[16])
{
	snprintf(out, 16, "d/n%u", i);
}

/* A folder whose ledger is away, or a program that makes and removes files all the time. */
TEST(what_was_removed_goes_though_nothing_is_published)
{
	char name[16];

	SCENE_OF(world, w, end, begin, 7);
	for (unsigned i = 0; i < 160; i++) {
		name_of(i, name);
		kit_write(&w.k, name, w.bytes, 128 << 10);
		kit_unlink(&w.k, name);
		must_fit(&w, "removed");
	}
}

/* A look that came while it was open has found it needed. */
TEST(what_had_no_name_goes_with_its_last_close)
{
	emr_handle *open[80];
	char name[16];

	SCENE_OF(world, w, end, begin, 8);
	for (unsigned i = 0; i < 80; i++) {
		name_of(i, name);
		kit_write(&w.k, name, w.bytes, 128 << 10);
		open[i] = kit_open_file(&w.k, name, O_RDONLY);
		kit_unlink(&w.k, name);
	}
	assert_true(on_disk(&w) > 2 * ALLOWED_BYTES);
	for (unsigned i = 0; i < 80; i++)
		emr_view_release(open[i]);
	kit_text(&w.k, "d/next", "the first who writes looks");
	must_fit(&w, "closed");
}

/* All but the last 4 MiB is sealed while it is written. */
#define SEALED_BYTES ((uint64_t)12 << 20)

/* Blocks that a spill on the disk still names are needed until a later one is there, and a look
 * that came before has found it so. */
TEST(what_a_spill_named_goes_with_the_next_one)
{
	uint64_t at = 0;

	SCENE_OF(world, w, end, begin, 9);
	kit_write(&w.k, "d/f", w.bytes, 100);
	kit_publish_all(&w.k);
	w.files[0] = (writer){.handle = kit_open_file(&w.k, "d/f", O_RDWR), .is_there = true};
	for (; at < SEALED_BYTES; at += 128 << 10)
		assert_ok(emr_view_write(w.files[0].handle, at, emr_bytes_of(w.bytes, 128 << 10)));
	assert_ok(emr_view_fsync(w.files[0].handle));
	assert_true(on_disk(&w) > ALLOWED_BYTES);
	cut_one(&w, 0, 0);
	assert_ok(emr_view_write(w.files[0].handle, 0, emr_bytes_of(w.bytes, 1)));
	assert_ok(emr_view_fsync(w.files[0].handle));
	assert_ok(emr_view_write(w.files[0].handle, 1, emr_bytes_of(w.bytes, 1)));
	must_fit(&w, "spilled again");
	close_one(&w, 0);
}

/* The clock of the kit stands still, so there is no lull in what is written. */
TEST(a_look_gives_way_to_those_who_write_until_its_room_is_needed)
{
	SCENE_OF(world, w, end, begin, 10);
	emr_view *view = w.k.view;

	EMR_LOCKED(&view->lock);
	view->space.has_looked = true;
	view_note_busy(view);
	space_died(view, 2 * STEP_BYTES);
	assert_true(view->space.wants_look);
	assert_true(space_look_due(view) > view_boot_ns(view));
	kit_wait_ms(&w.k, 1000);
	assert_true(space_look_due(view) <= view_boot_ns(view));
	view_note_busy(view);
	assert_true(space_look_due(view) > view_boot_ns(view));
	kit_wait_ms(&w.k, 1000);
	view_note_reader(view);
	assert_true(space_look_due(view) > view_boot_ns(view));
	want_reclaim(view); /* the disk is full */
	assert_true(space_look_due(view) <= view_boot_ns(view));
	view->space.wants_reclaim = false;
	view->space.is_pressed = true; /* it was when this look began */
	assert_true(space_look_due(view) <= view_boot_ns(view));
	view->space.is_pressed = false;
	view->space.spared_bytes = 1; /* an erasure goes on */
	assert_true(space_look_due(view) <= view_boot_ns(view));
	view->space.spared_bytes = 0;
	assert_true(space_look_due(view) > view_boot_ns(view));
	space_died(view, AHEAD_BYTES);
	assert_true(space_look_due(view) <= view_boot_ns(view));
}

/* Space that a life left is looked at when the next one begins. */
TEST(the_next_life_gives_back_what_the_last_one_left)
{
	SCENE_OF(world, w, end, begin, 6);
	w.k.options.space_step_bytes = UINT64_C(1) << 40;
	kit_restart(&w.k);
	for (unsigned i = 0; i < 30; i++)
		for (unsigned part = 0; part < 4; part++)
			kit_write(&w.k, "d/f", w.bytes, 128 << 10);
	kit_unlink(&w.k, "d/f");
	assert_true(on_disk(&w) > ALLOWED_BYTES);
	w.k.options.space_step_bytes = STEP_BYTES;
	kit_restart(&w.k);
	be_quiet(&w);
}

TESTS(NULL, NULL)
