/* These tests are about the CAR store as its callers see it: append, read, reopen, pins, import
 * and export, reclaim. */
#include "store_kit.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "store/car.h"
#include "store/dag_pb.h"
#include "store/unixfs.h"

TEST_IN(kit_setup, kit_teardown, blocks_survive_closing)
{
	kit *k = *state;

	for (uint32_t i = 0; i < 100; i++)
		kit_put(k, i, i * 37);
	kit_close(k);
	kit_segments_are_cars(k);
	kit_open(k);
	for (uint32_t i = 0; i < 100; i++)
		kit_has(k, i, i * 37);
}

static void put_hundred(kit *k)
{
	for (uint32_t i = 0; i < 100; i++)
		kit_put(k, i, 1000 + i);
}

TEST_IN(kit_setup, kit_teardown, blocks_survive_the_death_of_the_process)
{
	kit *k = *state;

	kit_run_and_die(k, put_hundred);
	kit_open(k);
	for (uint32_t i = 0; i < 100; i++)
		kit_has(k, i, 1000 + i);
	assert_int_equal(kit_quarantined(k), 0);
}

static void put_and_flush(kit *k)
{
	put_hundred(k);
	if (emr_store_flush(k->store) != EMR_OK)
		_exit(3);
}

TEST_IN(kit_setup, kit_teardown, zeros_written_ahead_are_cut_after_a_crash)
{
	kit *k = *state;

	k->options.no_background = false;
	kit_run_and_die(k, put_and_flush);
	kit_open(k);
	kit_has(k, 99, 1099);
	kit_close(k);
	kit_segments_are_cars(k);
	assert_int_equal(kit_quarantined(k), 0);
}

TEST_IN(kit_setup, kit_teardown, segments_roll_over_at_their_size)
{
	kit *k = *state;

	kit_close(k);
	k->options.segment_bytes = 65536;
	kit_open(k);
	for (uint32_t i = 0; i < 40; i++)
		kit_put(k, i, 10000);
	assert_true(kit_size(k, "seg-6") > 0);
	assert_true(kit_size(k, "seg-1") <= 65536);
	kit_close(k);
	kit_segments_are_cars(k);
	kit_open(k);
	for (uint32_t i = 0; i < 40; i++)
		kit_has(k, i, 10000);
}

TEST_IN(kit_setup, kit_teardown, a_second_writer_is_told_busy)
{
	kit *k = *state;
	emr_store *second;

	assert_status(EMR_BUSY, emr_store_open(&k->options, &second));
}

TEST_IN(kit_setup, kit_teardown, a_newer_store_is_left_alone)
{
	kit *k = *state;
	char path[512];
	FILE *file;

	kit_close(k);
	kit_file(k, "format", path);
	file = fopen(path, "w");
	fputs("emrfs store 3\nand more\n", file);
	fclose(file);
	assert_status(EMR_NEWER_FORMAT, emr_store_open(&k->options, &k->store));
}

/* The last words of a sentence, another number, one byte: nothing but rot. */
TEST_IN(kit_setup, kit_teardown, a_format_that_rotted_is_made_again)
{
	static const char *const texts[] = {"emrfs store 3\n", "emrfs stgre 1\n", "x", ""};
	EMR_AUTO_BUF now = {0};
	kit *k = *state;
	char path[512];

	kit_file(k, "format", path);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		FILE *file;

		kit_close(k);
		file = fopen(path, "w");
		fputs(texts[i], file);
		fclose(file);
		kit_open(k);
		emr_buf_clear(&now);
		assert_ok(emr_file_read(emr_store_directory(k->store), "format", 64, &now));
		assert_true(emr_bytes_equal(emr_buf_view(&now), emr_store_format()));
	}
}

/* ---- Pins ---- */

static emr_status count_pin(void *context, const emr_pin *pin)
{
	(void)pin;
	++*(size_t *)context;
	return EMR_OK;
}

static size_t pins(kit *k)
{
	size_t n = 0;

	assert_ok(emr_store_each_pin(k->store, count_pin, &n));
	return n;
}

static void pin_and_put(kit *k)
{
	emr_cid cid = kit_put(k, 7, 500);

	kit_pin_one(k, &cid, false);
}

TEST_IN(kit_setup, kit_teardown, a_pin_survives_the_death_of_the_process)
{
	kit *k = *state;
	AUTO(kit_block_free) emr_block block = kit_block(7, 500);

	kit_run_and_die(k, pin_and_put);
	kit_open(k);
	assert_int_equal(pins(k), 1);
	kit_pin_one(k, &block.cid, true);
	kit_pin_one(k, &block.cid, true);
	assert_int_equal(pins(k), 0);
	kit_close(k);
	kit_open(k);
	assert_int_equal(pins(k), 0);
}

TEST_IN(kit_setup, kit_teardown, a_block_that_looks_like_a_pin_frame_pins_nothing)
{
	kit *k = *state;
	uint8_t bytes[48 + 56] = "EMRS\1\0\0\1";
	EMR_AUTO_BUF out = {0};
	emr_block block = {.data = {bytes, sizeof bytes}};

	memcpy(bytes + 8, k->options.writer.b, 16);
	bytes[31] = 1;
	bytes[39] = 97; /* not where it will stand */
	bytes[48] = 1;
	bytes[49] = 1;
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	memcpy(bytes + 48 + 20, block.cid.b, 36);
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	assert_ok(emr_store_append(k->store, &block, 1, NULL));
	kit_close(k);
	kit_lose_index(k);
	kit_open(k);
	assert_int_equal(pins(k), 0);
	assert_ok(emr_store_get_verified(k->store, &block.cid, &out));
}

/* ---- Reclaim ---- */

static void small_segments(kit *k)
{
	kit_close(k);
	k->options.segment_bytes = 65536;
	kit_open(k);
}

TEST_IN(kit_setup, kit_teardown, reclaim_frees_dead_segments_and_keeps_pinned_blocks)
{
	kit *k = *state;
	emr_reclaim_options options = {0};
	emr_reclaim_report report;

	small_segments(k);
	for (uint32_t i = 0; i < 60; i++) {
		emr_cid cid = kit_put(k, i, 10000);

		if (i % 10 == 0)
			kit_pin_one(k, &cid, false);
	}
	assert_ok(emr_store_reclaim(k->store, &options, &report));
	assert_true(report.segments_removed >= 8);
	assert_true(report.blocks_moved >= 5);
	assert_int_equal(kit_size(k, "seg-1"), 0);
	for (uint32_t i = 0; i < 60; i += 10)
		kit_has(k, i, 10000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 1, 10000));
	kit_close(k);
	kit_segments_are_cars(k);
	kit_open(k);
	assert_int_equal(pins(k), 6);
	for (uint32_t i = 0; i < 60; i += 10)
		kit_has(k, i, 10000);
}

/* Its bytes may be the only ones there are: who wants to save what is left of them needs them. */
TEST_IN(kit_setup, kit_teardown, a_segment_with_a_pinned_block_that_rotted_stays)
{
	kit *k = *state;
	emr_reclaim_options options = {0};
	emr_reclaim_report report;
	uint64_t size;

	small_segments(k);
	for (uint32_t i = 0; i < 30; i++) {
		emr_cid cid = kit_put(k, i, 10000);

		if (i % 10 == 0)
			kit_pin_one(k, &cid, false);
	}
	kit_close(k);
	size = kit_size(k, "seg-1");
	kit_flip(k, "seg-1", 96 + 5000, 1);
	kit_open(k);
	assert_ok(emr_store_reclaim(k->store, &options, &report));
	assert_int_equal(report.segments_skipped, 1);
	assert_true(report.segments_removed > 0);
	assert_int_equal(kit_size(k, "seg-1"), size);
	assert_status(EMR_DAMAGED, kit_try(k, 0, 10000));
	kit_has(k, 10, 10000);
	kit_has(k, 20, 10000);
}

/* As an import that puts blocks, and pins what is above them later. */
TEST_IN(kit_setup, kit_teardown, what_came_behind_a_place_is_left_for_the_next_reclaim)
{
	kit *k = *state;
	emr_reclaim_options options = {0};
	emr_cid late;

	(void)kit_put(k, 1, 5000);
	assert_ok(emr_store_close_segment(k->store));
	options.before = emr_store_log_end(k->store).number;
	late = kit_put(k, 2, 5000);
	assert_ok(emr_store_close_segment(k->store));
	assert_ok(emr_store_reclaim(k->store, &options, NULL));
	assert_status(EMR_NOT_FOUND, kit_try(k, 1, 5000));
	kit_has(k, 2, 5000);
	kit_pin_one(k, &late, false);
	options.before = 0;
	assert_ok(emr_store_reclaim(k->store, &options, NULL));
	kit_has(k, 2, 5000);
	kit_pin_one(k, &late, true);
	assert_ok(emr_store_close_segment(k->store));
	assert_ok(emr_store_reclaim(k->store, &options, NULL));
	assert_status(EMR_NOT_FOUND, kit_try(k, 2, 5000));
}

TEST_IN(kit_setup, kit_teardown, pins_whose_frames_were_reclaimed_are_found_again_without_an_index)
{
	kit *k = *state;
	emr_reclaim_report report;

	small_segments(k);
	for (uint32_t i = 0; i < 30; i++) {
		emr_cid cid = kit_put(k, i, 10000);

		if (i == 0)
			kit_pin_one(k, &cid, false);
	}
	assert_ok(emr_store_reclaim(k->store, &(emr_reclaim_options){0}, &report));
	assert_true(report.segments_removed > 0);
	kit_close(k);
	kit_lose_index(k);
	kit_open(k);
	assert_int_equal(pins(k), 1);
	kit_has(k, 0, 10000);
}

TEST_IN(kit_setup, kit_teardown, a_rebuilt_index_reclaims_nothing_until_pins_are_stated)
{
	kit *k = *state;
	emr_cid cid;
	emr_pin pin;

	small_segments(k);
	cid = kit_put(k, 1, 10000);
	pin = kit_pin(&cid, 1);
	kit_pin_one(k, &cid, false);
	for (uint32_t i = 2; i < 30; i++)
		kit_put(k, i, 10000);
	assert_false(emr_store_pins_incomplete(k->store));
	kit_close(k);
	kit_lose_index(k);
	kit_open(k);
	assert_true(emr_store_pins_incomplete(k->store));
	assert_status(EMR_BUSY, emr_store_reclaim(k->store, &(emr_reclaim_options){0}, NULL));
	assert_ok(emr_store_pins_complete(k->store, &pin, 1));
	assert_false(emr_store_pins_incomplete(k->store));
	assert_ok(emr_store_reclaim(k->store, &(emr_reclaim_options){0}, NULL));
	kit_has(k, 1, 10000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 2, 10000));
}

/* ---- An index of a moment before a power cut ---- */

static void copy_index(kit *k, const char *from, const char *to)
{
	static const char *const suffixes[] = {"", "-wal"};
	char path[512], source[600], copy[600];
	uint8_t bytes[65536];

	kit_file(k, "index.sqlite", path);
	for (size_t i = 0; i < 2; i++) {
		size_t n = 0;
		FILE *f;

		snprintf(source, sizeof source, "%s%s%s", path, from, suffixes[i]);
		snprintf(copy, sizeof copy, "%s%s%s", path, to, suffixes[i]);
		unlink(copy);
		f = fopen(source, "re");
		if (f == NULL)
			continue;
		for (FILE *out = fopen(copy, "we"); out != NULL; out = NULL) {
			while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
				assert_int_equal(fwrite(bytes, 1, n, out), n);
			assert_int_equal(fclose(out), 0);
		}
		(void)fclose(f);
	}
}

/* The pin of block 0 ends in a segment that is reclaimed, when the index has been set aside.
 * BESIDE: that one had rows by then. */
static emr_pin end_pin_and_reclaim(kit *k, bool beside)
{
	emr_reclaim_options options = {.scrub = true};
	emr_cid cid, other;

	k->options.states_pins = true;
	cid = kit_put(k, 0, 10000);
	kit_pin_one(k, &cid, false);
	assert_ok(emr_store_close_segment(k->store));
	if (beside)
		kit_put(k, 1, 10000);
	assert_ok(emr_store_index_now(k->store));
	copy_index(k, "", ".old");
	if (!beside)
		kit_put(k, 1, 10000);
	other = kit_put(k, 2, 10000);
	kit_pin_one(k, &other, false);
	if (!beside)
		assert_ok(emr_store_close_segment(k->store));
	kit_pin_one(k, &cid, true);
	assert_ok(emr_store_close_segment(k->store));
	assert_ok(emr_store_reclaim(k->store, &options, NULL));
	assert_false(emr_store_pins_incomplete(k->store));
	return kit_pin(&other, 1);
}

static void state_pins_after_a_cut(kit *k, bool beside)
{
	emr_pin pin;

	small_segments(k);
	pin = end_pin_and_reclaim(k, beside);
	kit_close(k);
	kit_open(k);
	assert_false(emr_store_pins_incomplete(k->store));
	assert_int_equal(pins(k), 1);
	kit_close(k);
	copy_index(k, ".old", "");
	kit_open(k);
	assert_true(emr_store_pins_incomplete(k->store));
	kit_close(k);
	kit_open(k); /* nobody has stated them meanwhile */
	assert_true(emr_store_pins_incomplete(k->store));
	assert_ok(emr_store_pins_complete(k->store, &pin, 1));
	assert_false(emr_store_pins_incomplete(k->store));
	assert_int_equal(pins(k), 1);
	kit_close(k);
	kit_open(k);
	assert_false(emr_store_pins_incomplete(k->store));
	assert_int_equal(pins(k), 1);
}

TEST_IN(kit_setup, kit_teardown, an_index_that_lacks_the_end_of_a_segment_that_went_is_not_believed)
{
	state_pins_after_a_cut(*state, true);
}

TEST_IN(kit_setup, kit_teardown, an_index_that_never_heard_of_a_segment_that_went_is_not_believed)
{
	state_pins_after_a_cut(*state, false);
}

/* How much SQLite has flushed of the log of the index (it calls these), and how long it is when a
 * segment goes. */
static struct {
	bool is_on;
	char log[520];
	off_t flushed;
	size_t gone, unsafe;
} order;

static off_t size_of_log(void)
{
	struct stat st;

	return stat(order.log, &st) == 0 ? st.st_size : 0;
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	struct stat st, log;

	if (order.is_on && fstat(fd, &st) == 0 && stat(order.log, &log) == 0 &&
		st.st_ino == log.st_ino)
		order.flushed = log.st_size;
	return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	return fdatasync(fd);
}

int unlinkat(int dirfd, const char *name, int flags)
{
	if (order.is_on && strncmp(name, "seg-", 4) == 0) {
		order.gone++;
		order.unsafe += size_of_log() == 0 || order.flushed != size_of_log();
	}
	return (int)syscall(SYS_unlinkat, dirfd, name, flags);
}

TEST_IN(kit_setup, kit_teardown, no_segment_goes_before_the_index_without_it_is_on_the_disk)
{
	kit *k = *state;

	kit_file(k, "index.sqlite-wal", order.log);
	order.is_on = true;
	end_pin_and_reclaim(k, true);
	order.is_on = false;
	assert_true(order.gone > 0);
	assert_int_equal(order.unsafe, 0);
}

TEST_IN(kit_setup, kit_teardown, stating_pins_ends_the_others)
{
	kit *k = *state;
	emr_cid first = kit_put(k, 1, 100);
	emr_cid second = kit_put(k, 2, 100);
	emr_pin keep = kit_pin(&second, 1);

	kit_pin_one(k, &first, false);
	assert_ok(emr_store_pins_complete(k->store, &keep, 1));
	assert_int_equal(pins(k), 1);
	kit_close(k);
	kit_open(k);
	assert_int_equal(pins(k), 1);
}

static uint64_t room_of_segments(kit *k)
{
	char path[512];
	struct stat st;
	uint64_t bytes = 0;

	for (uint32_t i = 1; i < 20; i++) {
		char name[EMR_SEGMENT_NAME_MAX];

		emr_store_segment_name(k->store, i, name);
		kit_file(k, name, path);
		bytes += stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
	}
	return bytes;
}

/* With room for not one copy. */
TEST_IN(kit_setup, kit_teardown, what_is_dead_goes_without_any_room)
{
	kit *k = *state;
	emr_reclaim_options options = {.scrub = true, .copy_room = kit_one_byte};
	emr_reclaim_report report;
	uint64_t before;
	char path[512];

	small_segments(k);
	for (uint32_t i = 0; i < 60; i++) {
		emr_cid cid = kit_put(k, i, 10000);

		if (i % 3 != 0)
			kit_pin_one(k, &cid, false);
	}
	assert_ok(emr_store_close_segment(k->store));
	before = room_of_segments(k);
	for (int again = 0; again < 3; again++) {
		assert_ok(emr_store_reclaim(k->store, &options, &report));
		assert_int_equal(report.segments_left, 0);
		assert_int_equal(report.bytes_copied, 0);
		assert_int_equal(report.bytes_blanked > 0, again == 0);
	}
	assert_true(room_of_segments(k) < before - UINT64_C(40000));
	for (int life = 0; life < 3; life++) {
		for (uint32_t i = 0; i < 60; i++)
			if (i % 3 != 0)
				kit_has(k, i, 10000);
			else
				assert_status(EMR_NOT_FOUND, kit_try(k, i, 10000));
		assert_ok(emr_store_mend(k->store, NULL));
		kit_close(k);
		kit_segments_are_cars(k);
		kit_file(k, "index.sqlite", path);
		if (life == 1)
			unlink(path);
		kit_open(k);
	}
}

static emr_status extra_root(void *context, emr_cid_visit visit, void *visit_context)
{
	return visit(visit_context, context);
}

TEST_IN(kit_setup, kit_teardown, extra_roots_live)
{
	kit *k = *state;
	emr_cid cid;
	emr_reclaim_options options = {.extra_roots = extra_root};

	small_segments(k);
	cid = kit_put(k, 0, 10000);
	options.roots_context = &cid;
	for (uint32_t i = 1; i < 30; i++)
		kit_put(k, i, 10000);
	assert_ok(emr_store_reclaim(k->store, &options, NULL));
	kit_has(k, 0, 10000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 1, 10000));
}

typedef struct meanwhile {
	kit *k;
	emr_cid cid;
} meanwhile;

/* Asked for behind the pins, which have been walked. */
static emr_status pin_meanwhile(void *context, emr_cid_visit visit, void *visit_context)
{
	meanwhile *m = context;

	(void)visit;
	(void)visit_context;
	kit_pin_one(m->k, &m->cid, false);
	return EMR_OK;
}

TEST_IN(kit_setup, kit_teardown, what_is_pinned_while_space_is_given_back_lives)
{
	kit *k = *state;
	meanwhile m = {.k = k};
	emr_reclaim_options options = {.extra_roots = pin_meanwhile, .roots_context = &m};

	small_segments(k);
	m.cid = kit_put(k, 0, 10000);
	for (uint32_t i = 1; i < 30; i++)
		kit_put(k, i, 10000);
	assert_ok(emr_store_reclaim(k->store, &options, NULL));
	kit_has(k, 0, 10000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 1, 10000));
}

static emr_cid put_bundle(kit *k, uint32_t seed)
{
	emr_block content = kit_block(seed, 16399);
	emr_block manifest = kit_block(seed + 1, 1140);
	emr_unixfs_bundle bundle = {.content = content.cid,
		.content_tsize = 16399,
		.manifest = manifest.cid,
		.manifest_bytes = 1140};
	emr_buf bytes = {0};
	emr_unixfs_link dir;
	emr_block group[3] = {content, manifest, {{{0}}, {0}}};

	assert_ok(emr_unixfs_bundle_encode(&bundle, &bytes, &dir));
	group[2] = (emr_block){dir.cid, emr_buf_view(&bytes)};
	assert_ok(emr_store_append(k->store, group, 3, NULL));
	emr_buf_free(&bytes);
	kit_block_free(&content);
	kit_block_free(&manifest);
	return dir.cid;
}

TEST_IN(kit_setup, kit_teardown, a_pinned_directory_keeps_all_below_it)
{
	kit *k = *state;
	emr_cid root;

	small_segments(k);
	root = put_bundle(k, 1000);
	kit_pin_one(k, &root, false);
	for (uint32_t i = 1; i < 40; i++)
		kit_put(k, i, 10000);
	assert_ok(emr_store_reclaim(k->store, &(emr_reclaim_options){0}, NULL));
	kit_has(k, 1000, 16399);
	kit_has(k, 1001, 1140);
	assert_true(emr_block_store_has(emr_store_blocks(k->store), &root));
}

/* Another writer's copy of them may be the one that the index names, and he may take it away. */
TEST_IN(kit_setup, kit_teardown, nodes_of_holes_that_are_not_there_stop_nothing)
{
	kit *k = *state;
	emr_cid hole = emr_unixfs_hole(2);

	kit_pin_one(k, &hole, false);
	assert_ok(emr_store_reclaim(k->store, &(emr_reclaim_options){0}, NULL));
}

static const emr_id16 forsaken_owner = {{77}};

static bool is_forsaken_here(void *context, emr_id16 owner)
{
	(void)context;
	return emr_id16_equal(owner, forsaken_owner);
}

/* Blocks below it cannot be told from dead ones, but for those that are known to be below what
 * goes. */
TEST_IN(kit_setup, kit_teardown, a_missing_node_below_a_pin_stops_reclaim)
{
	kit *k = *state;
	AUTO(kit_block_free) emr_block leaf = kit_block(40, 10000);
	emr_block node;
	EMR_AUTO_BUF bytes = {0};
	emr_cid nowhere = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_bytes_of("x", 1));
	emr_reclaim_options options = {0};
	emr_reclaim_report report;

	small_segments(k);
	for (uint32_t i = 0; i < 30; i++)
		kit_put(k, i, 10000);
	assert_ok(emr_dag_pb_write_link(&bytes, &leaf.cid, (emr_bytes){0}, leaf.data.len));
	assert_ok(emr_dag_pb_write_data(&bytes, emr_bytes_of("\x08\x01", 2)));
	node = (emr_block){.cid = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(&bytes)),
		.data = emr_buf_view(&bytes)};
	assert_ok(emr_store_append(k->store, &leaf, 1, NULL));
	assert_ok(emr_store_append(k->store, &node, 1, NULL));
	assert_ok(emr_store_pin(k->store,
		&(emr_pin_change){.pin = {.root = node.cid,
					  .owner = forsaken_owner,
					  .state = EMR_PIN_REGISTERED}},
		1));
	kit_pin_one(k, &nowhere, false);
	assert_ok(emr_store_close_segment(k->store));
	assert_status(EMR_MISSING_DATA, emr_store_reclaim(k->store, &options, &report));
	assert_int_equal(report.missing_nodes, 1);
	assert_true(emr_cid_equal(&report.first_missing, &nowhere));
	kit_has(k, 0, 10000);
	options = (emr_reclaim_options){
		.allow_missing = true, .scrub = true, .is_forsaken = is_forsaken_here};
	assert_ok(emr_store_reclaim(k->store, &options, &report));
	for (uint32_t i = 0; i < 30; i++)
		kit_has(k, i, 10000);
	assert_true(report.bytes_spared > 300000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 40, 10000));
	kit_pin_one(k, &nowhere, true);
	assert_ok(emr_store_reclaim(k->store, &options, &report));
	assert_int_equal(report.bytes_spared, 0);
	assert_status(EMR_NOT_FOUND, kit_try(k, 0, 10000));
}

/* As the cache of a folder whose blocks were brought from elsewhere: a store of one node. */
typedef struct one_node {
	emr_block_store face;
	emr_block_store *store;
	emr_block node;
} one_node;

static emr_status one_node_get(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	one_node *n = (one_node *)face;

	if (emr_cid_equal(cid, &n->node.cid))
		return emr_buf_append(out, n->node.data.data, n->node.data.len);
	return emr_block_store_get_verified(n->store, cid, out);
}

TEST_IN(kit_setup, kit_teardown, what_lies_below_a_node_that_is_here_elsewhere_lives)
{
	static const emr_block_store_ops ops = {.get_verified = one_node_get};
	kit *k = *state;
	AUTO(kit_block_free) emr_block leaf = kit_block(7, 10000);
	EMR_AUTO_BUF node = {0};
	one_node elsewhere = {.face = {.ops = &ops}, .store = emr_store_blocks(k->store)};
	emr_reclaim_options options = {.nodes = &elsewhere.face};

	small_segments(k);
	for (uint32_t i = 0; i < 30; i++)
		kit_put(k, i, 10000);
	assert_ok(emr_dag_pb_write_link(&node, &leaf.cid, (emr_bytes){0}, 10000));
	assert_ok(emr_dag_pb_write_data(&node, emr_bytes_of("\x08\x01", 2)));
	elsewhere.node.data = emr_buf_view(&node);
	elsewhere.node.cid = emr_cid_of_block(EMR_CODEC_DAG_PB, elsewhere.node.data);
	kit_pin_one(k, &elsewhere.node.cid, false);
	assert_ok(emr_store_reclaim(k->store, &options, NULL));
	kit_has(k, 7, 10000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 8, 10000));
}

/* ---- Readers and writers beside a reclaim ---- */

typedef struct busy {
	kit *k;
	_Atomic int stop;
	emr_status first_failure;
	unsigned rounds;
} busy;

static void *read_pinned(void *argument)
{
	busy *b = argument;

	do {
		for (uint32_t i = 0; i < 60 && b->first_failure == EMR_OK; i += 10) {
			emr_block block = kit_block(i, 10000);
			emr_buf out = {0};

			b->first_failure = emr_store_get_verified(b->k->store, &block.cid, &out);
			emr_buf_free(&out);
			kit_block_free(&block);
		}
		b->rounds++;
	} while (!b->stop && b->rounds < 1000 && b->first_failure == EMR_OK);
	return NULL;
}

static void *append_and_flush(void *argument)
{
	busy *b = argument;
	uint32_t seed = 5000;

	do {
		emr_block block = kit_block(seed++, 3000);

		b->first_failure = emr_store_append(b->k->store, &block, 1, NULL);
		if (b->first_failure == EMR_OK)
			b->first_failure = emr_store_flush(b->k->store);
		kit_block_free(&block);
		b->rounds++;
	} while (!b->stop && b->rounds < 1000 && b->first_failure == EMR_OK);
	return NULL;
}

TEST_IN(kit_setup, kit_teardown, readers_and_writers_go_on_during_reclaim)
{
	kit *k = *state;
	busy reader = {.k = k}, writer = {.k = k};
	pthread_t threads[2];

	kit_close(k);
	k->options.segment_bytes = 65536;
	k->options.no_background = false;
	k->options.index_delay_ms = 1;
	kit_open(k);
	for (uint32_t i = 0; i < 60; i++) {
		emr_cid cid = kit_put(k, i, 10000);

		if (i % 10 == 0)
			kit_pin_one(k, &cid, false);
	}
	assert_int_equal(pthread_create(&threads[0], NULL, read_pinned, &reader), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, append_and_flush, &writer), 0);
	for (int i = 0; i < 5; i++)
		assert_ok(emr_store_reclaim(k->store, &(emr_reclaim_options){0}, NULL));
	reader.stop = writer.stop = 1;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_ok(reader.first_failure);
	assert_ok(writer.first_failure);
	assert_true(reader.rounds > 0 && writer.rounds > 0);
}

TEST_IN(kit_setup, kit_teardown, the_index_is_written_while_segments_roll)
{
	kit *k = *state;
	busy writer = {.k = k};
	pthread_t thread;

	kit_close(k);
	k->options.segment_bytes = 65536;
	kit_open(k);
	assert_int_equal(pthread_create(&thread, NULL, append_and_flush, &writer), 0);
	for (int i = 0; i < 100; i++)
		assert_ok(emr_store_index_now(k->store));
	writer.stop = 1;
	pthread_join(thread, NULL);
	assert_ok(writer.first_failure);
	kit_close(k);
	kit_open(k);
	kit_has(k, 5000, 3000);
	kit_has(k, 5000 + writer.rounds - 1, 3000);
}

static int reader_process(kit *k, int ready_fd, int stop_fd)
{
	emr_store_options options = k->options;
	char byte = 1;

	options.read_only = true;
	if (emr_store_open(&options, &k->store) != EMR_OK)
		return 10;
	for (;;) {
		for (uint32_t i = 0; i < 60; i += 10) {
			emr_block block = kit_block(i, 10000);
			emr_buf out = {0};
			emr_status status = emr_store_get_verified(k->store, &block.cid, &out);

			emr_buf_free(&out);
			kit_block_free(&block);
			if (status != EMR_OK)
				return 20 + (int)status;
		}
		if (byte == 1 && write(ready_fd, "r", 1) != 1)
			return 11;
		byte = 0;
		if (read(stop_fd, &byte, 1) == 0) /* not blocking: the parent closed its end */
			break;
	}
	emr_store_close(k->store);
	return 0;
}

TEST_IN(kit_setup, kit_teardown, two_reader_processes_keep_reading_during_reclaim)
{
	kit *k = *state;
	int ready[2], stop[2];
	pid_t children[2];
	char byte;

	small_segments(k);
	for (uint32_t i = 0; i < 60; i++) {
		emr_cid cid = kit_put(k, i, 10000);

		if (i % 10 == 0)
			kit_pin_one(k, &cid, false);
	}
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe2(stop, O_NONBLOCK), 0);
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			close(stop[1]);
			_exit(reader_process(k, ready[1], stop[0]));
		}
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(read(ready[0], &byte, 1), 1);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 20; i++)
			kit_put(k, 100 + round * 20 + i, 10000);
		assert_ok(emr_store_reclaim(
			k->store, &(emr_reclaim_options){.max_live_percent = 100}, NULL));
	}
	close(stop[1]);
	for (int i = 0; i < 2; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	close(stop[0]);
	close(ready[0]);
	close(ready[1]);
}

TEST_IN(kit_setup, kit_teardown, a_reader_sees_what_is_written_after_it_opened)
{
	kit *k = *state;
	AUTO(kit_close) kit reader = *k;

	reader.options.read_only = true;
	kit_open(&reader);
	kit_put(k, 1, 5000);
	kit_has(&reader, 1, 5000);
	assert_ok(emr_store_index_now(k->store));
	kit_put(k, 2, 5000);
	kit_has(&reader, 2, 5000);
	assert_status(EMR_READ_ONLY, emr_store_append(reader.store, &(emr_block){0}, 1, NULL));
}

TEST_IN(kit_setup, kit_teardown, concurrent_appends_and_flushes_lose_nothing)
{
	kit *k = *state;
	busy writers[4];
	pthread_t threads[4];

	kit_close(k);
	k->options.no_background = false;
	kit_open(k);
	for (int i = 0; i < 4; i++) {
		writers[i] = (busy){.k = k, .stop = 1};
		assert_int_equal(
			pthread_create(&threads[i], NULL, append_and_flush, &writers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_ok(writers[i].first_failure);
	}
	kit_has(k, 5000, 3000);
}

/* Each byte would be a flush that whoever opens the folder waits for. */
TEST_IN(kit_setup, kit_teardown, a_store_in_which_nothing_changed_is_opened_without_a_write)
{
	const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char path[512];
	kit *k = *state;
	struct stat st;

	kit_put(k, 1, 3000);
	kit_close(k);
	kit_file(k, "seg-1", path);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
	kit_open(k);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1);
	kit_file(k, "index.sqlite-wal", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	kit_has(k, 1, 3000);
}

TESTS(NULL, NULL)
