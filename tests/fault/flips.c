/* One flipped bit anywhere on the disk, a segment cut short, a file removed: never a wrong byte and
 * never a wrong name; a named error, a quarantine or a rebuild, and everything else stays readable.
 */
#include "view_kit.h"

#include <dirent.h>

enum { FILES = 7, BIG = 600000 };

typedef struct wanted {
	const char *path;
	const uint8_t *bytes;
	size_t len;
	const uint8_t *older; /* also right: an earlier content; NULL: none */
	size_t older_len;
	bool is_confirmed;
} wanted;

static uint8_t *noise;
static char base_path[200];
static kit base;
static wanted all[FILES];

/* The state of the files after a damage. */
typedef struct outcome {
	emr_status opened;
	unsigned exact, older, failed, missing;
	bool read_only, noticed;
} outcome;

static void note(void *arg, const char *id, const char *path)
{
	(void)id;
	(void)path;
	*(bool *)arg = true;
}

/* ---- a state as kill -9 leaves it: with logs, spills and unpublished files ---- */

static void fill_folder(kit *k)
{
	uint8_t *spilled = malloc(BIG);
	emr_handle *h;

	assert_non_null(spilled);
	kit_mkdir(k, "A");
	kit_mkdir(k, "A/in");
	kit_write(k, "A/small", noise, 100);
	kit_write(k, "A/big", noise, BIG);
	kit_write(k, "A/in/two", noise + 5, 40000);
	kit_publish_all(k);
	kit_write(k, "A/in/two", noise + 6, 40000);
	kit_write(k, "A/exact", noise + 7, 16384);
	kit_publish_all(k);
	kit_write(k, "A/working", noise + 8, 50000);
	kit_publish_all(k);
	kit_write(k, "A/fresh", noise + 9, 30000);
	kit_text(k, "A/own.part", "local only");
	h = kit_open_file(k, "A/working", O_RDWR);
	memcpy(spilled, noise + 8, 50000);
	memcpy(spilled + 20000, noise + 99, 5000);
	assert_ok(emr_view_write(h, 20000, emr_bytes_of(noise + 99, 5000)));
	assert_ok(emr_view_fsync(h));
	all[0] = (wanted){.path = "A/small", .bytes = noise, .len = 100, .is_confirmed = true};
	all[1] = (wanted){.path = "A/big", .bytes = noise, .len = BIG, .is_confirmed = true};
	all[2] = (wanted){
		.path = "A/in/two", .bytes = noise + 6, .len = 40000, .is_confirmed = true};
	all[3] =
		(wanted){.path = "A/exact", .bytes = noise + 7, .len = 16384, .is_confirmed = true};
	all[4] = (wanted){.path = "A/working",
		.bytes = spilled,
		.len = 50000,
		.older = noise + 8,
		.older_len = 50000,
		.is_confirmed = true};
	all[5] = (wanted){.path = "A/fresh",
		.bytes = noise + 9,
		.len = 30000,
		.older = noise,
		.older_len = 0};
	all[6] = (wanted){.path = "A/own.part",
		.bytes = (const uint8_t *)"local only",
		.len = 10,
		.older = noise,
		.older_len = 0};
	assert_ok(emr_store_index_now(k->stack.store));
	snprintf(base_path, sizeof base_path, "%.190s-base", k->path);
	kit_copy_tree(k->path, base_path);
	emr_view_release(h);
}

AROUND(make_base)
{
	noise = kit_bytes(BIG + 100000, 77);
	kit_open(&base);
	fill_folder(&base);
	kit_close(&base);
}

AROUND(remove_base)
{
	kit_remove_state(base_path);
	free((void *)(uintptr_t)all[4].bytes);
	free(noise);
}

/* ---- looking ---- */

static bool is_content(const uint8_t *got, size_t n, const uint8_t *want, size_t len)
{
	return want != NULL && n == len && memcmp(got, want, len) == 0;
}

static void look_at(kit *k, const wanted *f, outcome *o, const char *where)
{
	static uint8_t got[BIG + 100];
	emr_handle *h;
	emr_attr attr;
	emr_status status;
	size_t n = 0;

	if (emr_view_find(k->view, f->path, &attr) != EMR_OK) {
		o->missing++;
		return;
	}
	status = emr_view_open_file(k->view, attr.node, O_RDONLY, &h);
	if (status == EMR_OK) {
		status = emr_view_read(h, 0, got, sizeof got, &n);
		emr_view_release(h);
	}
	if (status != EMR_OK) {
		if (status != EMR_DAMAGED && status != EMR_MISSING_DATA &&
			status != EMR_NEWER_FORMAT)
			fail_msg("%s: %s gives \"%s\"", where, f->path, emr_status_text(status));
		o->failed++;
	} else if (is_content(got, n, f->bytes, f->len)) {
		o->exact++;
	} else if (is_content(got, n, f->older, f->older_len)) {
		o->older++;
	} else {
		fail_msg("%s: %s has wrong bytes (%zu)", where, f->path, n);
	}
}

static bool count_known(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	static const char *const known[] = {".", "..", "Inbox", "A", "in", "small", "big", "two",
		"exact", "working", "fresh", "own.part"};

	(void)attr;
	(void)next;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	*(const char **)arg = name;
	return false;
}

/* A record whose directory cannot be read hangs at the top: under its own name all the same. */
static void look_for_strangers(kit *k, const char *where)
{
	static const char *const directories[] = {"", "A", "A/in", "in"};

	for (size_t i = 0; i < 4; i++) {
		const char *stranger = NULL;
		emr_attr attr;

		if (emr_view_find(k->view, directories[i], &attr) != EMR_OK)
			continue;
		assert_ok(
			emr_view_each_entry(k->view, attr.node, 0, false, count_known, &stranger));
		if (stranger != NULL)
			fail_msg("%s: a strange name %s", where, stranger);
	}
}

/* Writing on may be refused; it must not harm what is there. */
static void try_to_go_on(kit *k)
{
	emr_handle *h;
	emr_attr attr;

	if (emr_view_create(k->view, EMR_ROOT_NODE, "new.part", 0600, O_RDWR, &attr, &h) != EMR_OK)
		return;
	(void)!emr_view_write(h, 0, emr_bytes_of("new", 3));
	(void)!emr_view_fsync(h);
	emr_view_release(h);
	emr_view_forget(k->view, attr.node, 1);
	(void)!emr_view_publish_now(k->view);
	(void)!emr_view_unlink(k->view, EMR_ROOT_NODE, "new.part");
}

static outcome look(const char *path, const char *where)
{
	outcome o = {0}, again = {0};
	kit k;

	kit_adopt(&k, path, base.clock.unix_ns, base.clock.boot_ns);
	kit_wait_ms(&k, 60000);
	k.options.notice = note;
	k.options.notice_arg = &o.noticed;
	o.opened = emr_stack_open(k.path, &k.options, &k.stack);
	if (o.opened != EMR_OK)
		return o;
	k.view = k.stack.view;
	for (size_t i = 0; i < FILES; i++)
		look_at(&k, &all[i], &o, where);
	look_for_strangers(&k, where);
	o.read_only = emr_journal_state_get(k.stack.journal).read_only;
	try_to_go_on(&k);
	for (size_t i = 0; i < FILES; i++)
		look_at(&k, &all[i], &again, where);
	if (again.exact + again.older < o.exact + o.older)
		fail_msg("%s: going on lost something", where);
	emr_stack_close(&k.stack);
	return o;
}

/* ---- damaging ---- */

static char damaged_path[256];

static void copy_base(void)
{
	snprintf(damaged_path, sizeof damaged_path, "%.199s-copy", base_path);
	if (access(damaged_path, F_OK) == 0) /* left by a failed test */
		kit_remove_state(damaged_path);
	kit_copy_tree(base_path, damaged_path);
}

static void flip(const char *file, off_t at, int bit)
{
	uint8_t byte;
	EMR_AUTO_FD fd;

	fd = open(printed("%s/%s", damaged_path, file), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= (uint8_t)(1 << bit);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static off_t size_of(const char *file)
{
	struct stat st;

	return stat(printed("%s/%s", base_path, file), &st) == 0 ? st.st_size : 0;
}

/* The only file in DIRECTORY whose name begins and ends so. */
static void find_file(const char *directory, const char *start, const char *end, char out[300])
{
	struct dirent *entry;
	DIR *dir;

	dir = opendir(printed("%s/%s", base_path, directory));
	assert_non_null(dir);
	out[0] = 0;
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] != '.' && strncmp(entry->d_name, start, strlen(start)) == 0 &&
			len >= strlen(end) && strcmp(entry->d_name + len - strlen(end), end) == 0)
			snprintf(out, 300, "%s/%s", directory, entry->d_name);
	}
	closedir(dir);
	assert_true(out[0] != 0);
}

typedef void (*judge)(const outcome *o, const char *where);

/* TIMES flips: the first bytes one by one, the rest spread over the file by a fixed draw. */
static void flip_all_over(const char *file, int times, judge fn)
{
	off_t size = size_of(file);
	uint64_t seed = (uint64_t)size;
	unsigned exact = 0, damaged = 0, refused = 0;

	assert_true(size > 0);
	for (int i = 0; i < times; i++) {
		off_t at =
			i < times / 4 ? i * 3 % size : (off_t)(kit_random(&seed) % (uint64_t)size);
		char where[400];
		outcome o;

		snprintf(where, sizeof where, "%s at %lld", file, (long long)at);
		if (getenv("EMR_FLIP_SAY") != NULL)
			fprintf(stderr, "%s\n", where);
		copy_base();
		flip(file, at, (int)(kit_random(&seed) % 8));
		o = look(damaged_path, where);
		kit_remove_state(damaged_path);
		fn(&o, where);
		exact += o.opened == EMR_OK && o.exact == FILES;
		damaged += o.opened == EMR_OK && o.exact < FILES;
		refused += o.opened != EMR_OK;
	}
	print_message("%s: %u times all there, %u times something damaged, %u times refused\n",
		file, exact, damaged, refused);
}

static void everything_is_there(const outcome *o, const char *where)
{
	if (o->opened != EMR_OK || o->exact != FILES)
		fail_msg("%s: opened \"%s\", %u exact, %u older, %u failed, %u missing", where,
			emr_status_text(o->opened), o->exact, o->older, o->failed, o->missing);
}

/* One file's bytes at most, and nobody's name. */
static void one_file_at_most_is_hurt(const outcome *o, const char *where)
{
	if (o->opened != EMR_OK || o->exact + 1 < FILES || o->missing > 0)
		fail_msg("%s: opened \"%s\", %u exact, %u older, %u failed, %u missing", where,
			emr_status_text(o->opened), o->exact, o->older, o->failed, o->missing);
}

/* Files on the ledger are there; those that only the journal knew may be missing, and then the
 * folder says so. */
static void confirmed_files_are_there(const outcome *o, const char *where)
{
	if (o->opened != EMR_OK || o->exact + o->older + o->failed < 5 || o->failed > 1 ||
		(o->missing > 0 && !o->read_only && !o->noticed))
		fail_msg("%s: opened \"%s\", %u exact, %u older, %u failed, %u missing, %s", where,
			emr_status_text(o->opened), o->exact, o->older, o->failed, o->missing,
			o->read_only ? "read-only"
			: o->noticed ? "noticed"
				     : "silent");
}

static void all_or_a_named_refusal(const outcome *o, const char *where)
{
	bool named = o->opened == EMR_DAMAGED || o->opened == EMR_NEWER_FORMAT ||
		     o->opened == EMR_FORK || o->opened == EMR_ROLLBACK ||
		     o->opened == EMR_WRONG_PASSPHRASE || o->opened == EMR_LIMIT ||
		     o->opened == EMR_UNSUPPORTED || o->opened == EMR_BAD_SIGNATURE;

	if (!named)
		everything_is_there(o, where);
}

TEST(a_bit_of_the_ledger)
{
	flip_all_over("network/ledger.sqlite", 60, everything_is_there);
}

TEST(a_bit_of_the_ledgers_log)
{
	flip_all_over("network/ledger.sqlite-wal", 40, everything_is_there);
}

TEST(a_bit_of_the_replica)
{
	flip_all_over("replica.sqlite", 60, everything_is_there);
}

TEST(a_bit_of_the_replicas_log)
{
	flip_all_over("replica.sqlite-wal", 40, everything_is_there);
}

TEST(a_bit_of_the_high_water_mark)
{
	flip_all_over("replica.hw", 40, all_or_a_named_refusal);
}

TEST(a_bit_of_the_index)
{
	flip_all_over("store/index.sqlite", 60, everything_is_there);
}

TEST(a_bit_of_the_store_format)
{
	flip_all_over("store/format", 14, all_or_a_named_refusal);
}

TEST(a_bit_of_the_keyfile)
{
	flip_all_over("keyfile", 60, all_or_a_named_refusal);
}

TEST(a_bit_of_the_descriptor)
{
	flip_all_over("network/descriptor", 40, all_or_a_named_refusal);
}

TEST(a_bit_of_a_spill)
{
	char spill[300];

	find_file("spill", "", "", spill);
	flip_all_over(spill, 40, one_file_at_most_is_hurt);
}

TEST(a_bit_of_a_segment)
{
	char segment[300];

	find_file("store", "seg-", ".car", segment);
	flip_all_over(segment, 120, confirmed_files_are_there);
}

/* Small things in a segment of large blocks: headers, frames and pins, each byte's neighbourhood.
 */
TEST(a_bit_near_every_frame_of_a_segment)
{
	char segment[300];
	EMR_AUTO_FREE uint8_t *bytes;
	off_t size;
	int fd, frames = 0, seen = 0;

	find_file("store", "seg-", ".car", segment);
	size = size_of(segment);
	bytes = malloc((size_t)size);
	fd = open(printed("%s/%s", base_path, segment), O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
	close(fd);
	for (off_t at = 0; at + 4 < size; at++)
		seen += memcmp(bytes + at, "EMR", 3) == 0;
	for (off_t at = 40; at + 200 < size; at++) {
		static const int offsets[] = {-38, -10, 0, 3, 10, 60};
		char where[400];
		outcome o;

		if (memcmp(bytes + at, "EMR", 3) != 0 || frames++ % (seen / 12 + 1) != 0)
			continue;
		for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
			snprintf(
				where, sizeof where, "frame at %lld%+d", (long long)at, offsets[i]);
			copy_base();
			flip(segment, at + offsets[i], 3);
			o = look(damaged_path, where);
			kit_remove_state(damaged_path);
			confirmed_files_are_there(&o, where);
		}
	}
	assert_true(frames > 3);
}

TEST(a_segment_cut_short)
{
	char segment[300];
	off_t size;

	find_file("store", "seg-", ".car", segment);
	size = size_of(segment);
	for (int part = 1; part < 10; part++) {
		char where[80];
		outcome o;

		snprintf(where, sizeof where, "a segment cut to %d tenths", part);
		copy_base();
		assert_int_equal(
			truncate(printed("%s/%s", damaged_path, segment), size * part / 10), 0);
		o = look(damaged_path, where);
		kit_remove_state(damaged_path);
		if (o.opened != EMR_OK)
			fail_msg("%s: %s", where, emr_status_text(o.opened));
		if (o.missing > 0 && !o.read_only && !o.noticed)
			fail_msg("%s: %u are missing and nobody says so", where, o.missing);
	}
}

TEST(files_that_are_gone)
{
	static const char *const gone[] = {
		"replica.sqlite", "store/index.sqlite", "store/journal.head"};
	char segment[300];
	outcome o;

	for (size_t i = 0; i < 3; i++) {
		copy_base();
		(void)!unlink(printed("%s/%s", damaged_path, gone[i]));
		(void)!unlink(printed("%s/%s-wal", damaged_path, gone[i]));
		o = look(damaged_path, gone[i]);
		kit_remove_state(damaged_path);
		everything_is_there(&o, gone[i]);
	}
	find_file("store", "seg-", ".car", segment);
	copy_base();
	assert_int_equal(unlink(printed("%s/%s", damaged_path, segment)), 0);
	o = look(damaged_path, "no segment");
	kit_remove_state(damaged_path);
	if (o.opened == EMR_OK && (o.exact > 0 || o.failed + o.missing + o.older < FILES))
		fail_msg("bytes from nowhere");
}

TESTS(make_base, remove_base)
