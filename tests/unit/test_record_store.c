/* These tests are about working copies and contents over the real block store: segments on the
 * disk, closed and opened again. */
#include "record_kit.h"

#include <dirent.h>
#include <pthread.h>

#include "forge_kit.h"
#include "reader.h"
#include "store/car_store.h"

AUTO_OF(emr_content_reader_free, emr_content_reader *)

AUTO_OF(emr_record_ctx_free, emr_record_ctx *)

typedef struct disk {
	char dir[64];
	char store_dir[96];
	char tags_dir[96];
	emr_unit_key *unit_key;
	int spill_dirfd;
	emr_keyring *keyring;
	emr_store *store;
	emr_record_ctx *ctx;
} disk;

static void open_disk(disk *d)
{
	emr_store_options options = {.path = d->store_dir,
		.tags_path = d->tags_dir,
		.writer = {{7}},
		.no_background = true};
	emr_record_options record = {.keyring = d->keyring, .spill_dirfd = d->spill_dirfd};

	assert_ok(emr_local_unit_key(d->keyring, &d->unit_key));
	options.unit_key = d->unit_key;
	assert_ok(emr_store_open(&options, &d->store));
	record.store = emr_store_blocks(d->store);
	assert_ok(emr_record_ctx_new(&record, &d->ctx));
}

static void close_disk(disk *d)
{
	emr_record_ctx_free(d->ctx);
	emr_store_close(d->store);
	emr_unit_key_free(d->unit_key);
}

static int make_disk(void **state)
{
	disk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 0, &d->keyring));
	strcpy(d->dir, "/tmp/emr-record-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->store_dir, sizeof d->store_dir, "%s/store", d->dir);
	snprintf(d->tags_dir, sizeof d->tags_dir, "%s/tags", d->dir);
	d->spill_dirfd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	open_disk(d);
	*state = d;
	return 0;
}

static int drop_disk(void **state)
{
	EMR_AUTO_FREE disk *d = *state;

	close_disk(d);
	emr_keyring_free(d->keyring);
	close(d->spill_dirfd);
	assert_int_equal(system(printed("rm -rf %s", d->dir)), 0);
	return 0;
}

TEST_IN(make_disk, drop_disk, a_file_is_read_back_after_the_store_was_closed)
{
	disk *d = *state;
	EMR_AUTO_FREE uint8_t *data = kit_bytes(7000001, 3);
	EMR_AUTO_FREE uint8_t *bytes = malloc(7000001);
	emr_bundle_facts facts = {
		.record_id = {{5}}, .cver = 1, .mime = emr_bytes_of("application/dicom", 17)};
	emr_content content;
	emr_content_key *key;
	emr_content_reader *reader;
	emr_bundle bundle;
	emr_staging *st;
	emr_cid root;
	size_t got;

	assert_ok(emr_staging_new(d->ctx, emr_id16_random(), NULL, 0, &st));
	for (size_t at = 0; at < 7000001; at += 100000)
		assert_ok(emr_staging_write(
			st, at, data + at, 7000001 - at < 100000 ? 7000001 - at : 100000));
	assert_ok(emr_staging_freeze(st, &content, &key));
	assert_ok(emr_bundle_build(d->ctx, &content, key, &facts, &root));
	emr_staging_discard(st);
	emr_content_key_free(key);
	close_disk(d);
	open_disk(d);
	assert_ok(emr_content_open_key(d->ctx, &content, &key));
	assert_ok(emr_bundle_open(d->ctx, &root, key, facts.record_id, 1, &bundle));
	assert_ok(emr_content_reader_open(d->ctx, &bundle.content, key, &reader));
	assert_ok(emr_content_reader_verify(reader));
	assert_ok(emr_content_reader_read(reader, 0, bytes, 7000001, &got));
	assert_int_equal(got, 7000001);
	assert_memory_equal(bytes, data, got);
	emr_content_reader_free(reader);
	emr_content_key_free(key);
}

static emr_status count_block(void *context, const emr_cid *cid)
{
	assert_int_equal(emr_cid_codec(cid), EMR_CODEC_RAW);
	++*(unsigned *)context;
	return EMR_OK;
}

TEST_IN(make_disk, drop_disk, a_half_written_file_comes_back_with_its_sealed_leaves)
{
	disk *d = *state;
	EMR_AUTO_FREE uint8_t *data = kit_bytes(6u << 20, 4);
	EMR_AUTO_FREE uint8_t *bytes = malloc(6u << 20);
	emr_id16 id = emr_id16_random();
	unsigned blocks = 0;
	emr_staging *st;
	size_t got;

	assert_ok(emr_staging_new(d->ctx, id, NULL, 0, &st));
	for (size_t at = 0; at < 6u << 20; at += 65536)
		assert_ok(emr_staging_write(st, at, data + at, 65536));
	assert_ok(emr_staging_spill(st, 9));
	assert_true(emr_staging_needs_store_flush(st));
	assert_ok(emr_store_flush(d->store));
	emr_staging_store_flushed(st);
	assert_ok(emr_staging_sync(st));
	emr_staging_free(st);
	close_disk(d);
	open_disk(d);
	assert_ok(emr_staging_recover(d->ctx, id, NULL, &st));
	assert_ok(emr_record_each_block(d->ctx, count_block, &blocks));
	assert_int_equal(blocks, 8);
	assert_ok(emr_staging_read(st, 0, bytes, 6u << 20, &got));
	assert_int_equal(got, 6u << 20);
	assert_memory_equal(bytes, data, got);
	emr_staging_discard(st);
}

/* ---- Bytes that change in place ---- */

#define WORD_AT 100000

typedef struct scribbler {
	forger forger;
	_Atomic bool stop;
	_Atomic unsigned turns;
} scribbler;

static void *scribble(void *arg)
{
	scribbler *s = arg;

	while (!s->stop) {
		forger_write(&s->forger, s->turns % 2 == 0 ? "false" : "truth");
		s->turns++;
	}
	return NULL;
}

/* One read as another process would do it: nothing of it is in memory.  OUT_VERIFIED: NULL, or what
 * somebody found who looked before. */
static emr_status read_afresh(disk *d, const emr_content *content, const emr_content_key *key,
	uint8_t word[5], emr_status *out_verified)
{
	emr_record_options options = {.keyring = d->keyring,
		.store = emr_store_blocks(d->store),
		.spill_dirfd = -1,
		.workers = EMR_RECORD_NO_WORKERS};
	AUTO(auto_emr_content_reader_free) emr_content_reader *reader = NULL;
	AUTO(auto_emr_record_ctx_free) emr_record_ctx *ctx;
	size_t got = 0;
	emr_status status;

	assert_ok(emr_record_ctx_new(&options, &ctx));
	status = emr_content_reader_open(ctx, content, key, &reader);
	if (status == EMR_OK && out_verified != NULL)
		*out_verified = emr_content_reader_verify(reader);
	if (status == EMR_OK)
		status = emr_content_reader_read(reader, WORD_AT, word, 5, &got);
	return status;
}

/* Between the hash and the tag there is no second look at the disk: a chunk that its writer seals
 * again and puts back all the time is the true one or none. */
static void change_while_reading(disk *d, size_t len)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(len, 3);
	kit k = {.ctx = d->ctx};
	scribbler s = {.turns = 0};
	emr_content content;
	emr_content_key *key;
	emr_content_reader *his;
	unsigned good = 0, refused = 0;
	bool wrong = false;
	pthread_t thread;

	memcpy(data + WORD_AT, "truth", 5);
	his = kit_reader_of(&k, data, len, &content, &key);
	forger_begin(&s.forger, his, d->store_dir, WORD_AT);
	assert_int_equal(pthread_create(&thread, NULL, scribble, &s), 0);
	/* Nothing is asserted while the thread writes: it would go on behind a failure. */
	while (!wrong && (s.turns < 200 || good == 0 || refused == 0)) {
		emr_status verified = EMR_OK, status;
		uint8_t word[5] = {0};

		status = read_afresh(d, &content, key, word, &verified);
		wrong = (verified != EMR_OK && verified != EMR_DAMAGED) ||
			(status == EMR_OK ? memcmp(word, "truth", 5) != 0 : status != EMR_DAMAGED);
		good += status == EMR_OK;
		refused += status != EMR_OK;
	}
	s.stop = true;
	pthread_join(thread, NULL);
	assert_false(wrong);
	forger_end(&s.forger);
	emr_content_reader_free(his);
	emr_content_key_free(key);
}

static forger *puts_back; /* false bytes once the true ones were hashed; NULL: nobody does */

WRAPPED(emr_status, emr_cid_verify, const emr_cid *cid, emr_bytes data)
{
	emr_status status = __real_emr_cid_verify(cid, data);

	if (puts_back != NULL && status == EMR_OK && data.len > WORD_AT)
		forger_write(puts_back, "false");
	return status;
}

/* The same without luck: they change in the very moment in which their hash was found right, when
 * they are read for the first time and when their place is known. */
TEST_IN(make_disk, drop_disk, bytes_that_change_once_they_are_hashed_are_not_read_again)
{
	disk *d = *state;
	EMR_AUTO_FREE uint8_t *data = kit_bytes(200000, 3);
	kit k = {.ctx = d->ctx};
	forger f;
	emr_content content;
	emr_content_key *key;
	emr_content_reader *his;

	memcpy(data + WORD_AT, "truth", 5);
	his = kit_reader_of(&k, data, 200000, &content, &key);
	forger_begin(&f, his, d->store_dir, WORD_AT);
	for (int i = 0; i < 3; i++) {
		uint8_t word[5] = {0};

		forger_write(&f, "truth");
		puts_back = &f;
		assert_ok(read_afresh(d, &content, key, word, NULL));
		puts_back = NULL;
		assert_memory_equal(word, "truth", 5);
	}
	forger_end(&f);
	emr_content_reader_free(his);
	emr_content_key_free(key);
}

TEST_IN(make_disk, drop_disk, bytes_that_change_while_they_are_read_are_never_given_out)
{
	change_while_reading(*state, 200000);
}

TEST_IN(make_disk, drop_disk, nor_are_those_of_a_leaf_that_is_known_by_tags)
{
	change_while_reading(*state, 300000);
}

/* ---- Leaves that were right once ---- */

#define LARGE ((size_t)1 << 20) /* has whole leaves, which alone have tags */
#define HEAD 1024		/* of a file of tags */

typedef struct known {
	uint8_t *data;
	emr_content content;
	emr_content_key *key;
	emr_content_reader *his; /* of whoever was given the key, too */
} known;

static void save_known(disk *d, known *f)
{
	kit k = {.ctx = d->ctx};

	f->data = kit_bytes(LARGE, 5);
	memcpy(f->data + WORD_AT, "truth", 5);
	f->his = kit_reader_of(&k, f->data, LARGE, &f->content, &f->key);
}

static void free_known(known *f)
{
	emr_content_reader_free(f->his);
	emr_content_key_free(f->key);
	free(f->data);
}

/* Reads one word as a new process sees it. */
static emr_status see(disk *d, known *f, uint64_t at, uint8_t word[5])
{
	emr_record_options options = {.keyring = d->keyring,
		.store = emr_store_blocks(d->store),
		.spill_dirfd = -1,
		.workers = EMR_RECORD_NO_WORKERS};
	AUTO(auto_emr_content_reader_free) emr_content_reader *reader = NULL;
	AUTO(auto_emr_record_ctx_free) emr_record_ctx *ctx;
	size_t got = 0;
	emr_status status;

	assert_ok(emr_record_ctx_new(&options, &ctx));
	status = emr_content_reader_open(ctx, &f->content, f->key, &reader);
	if (status == EMR_OK)
		status = emr_content_reader_read(reader, at, word, 5, &got);
	return status;
}

static void expect_true(disk *d, known *f, uint64_t at)
{
	uint8_t word[5] = {0};

	assert_ok(see(d, f, at, word));
	assert_memory_equal(word, f->data + at, 5);
}

static void expect_refused(disk *d, known *f, uint64_t at)
{
	uint8_t word[5] = {0};

	assert_status(EMR_DAMAGED, see(d, f, at, word));
	assert_memory_not_equal(word, "false", 5);
}

/* The tags of the only segment there is. */
static int open_tags(disk *d)
{
	DIR *dir = opendir(d->tags_dir);
	const struct dirent *entry;
	int fd = -1;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "seg-", 4) != 0)
			continue;
		assert_int_equal(fd, -1);
		fd = openat(dirfd(dir), entry->d_name, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
	}
	closedir(dir);
	assert_true(fd >= 0);
	return fd;
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

/* Only these bytes are read: elsewhere in the leaf something was changed, which the hash of all of
 * it would show. */
TEST_IN(make_disk, drop_disk, of_a_leaf_that_was_right_once_only_what_is_asked_for_is_read)
{
	disk *d = *state;
	AUTO(free_known) known f;

	save_known(d, &f);
	forge(f.his, d->store_dir, WORD_AT, "false");
	expect_refused(d, &f, WORD_AT);
	expect_true(d, &f, WORD_AT + EMR_CHUNK_BYTES);
	expect_true(d, &f, EMR_LEAF_BYTES - 3); /* of two leaves */
	expect_true(d, &f, 3 * EMR_CHUNK_BYTES - 2);
	close_disk(d);
	open_disk(d);
	expect_refused(d, &f, WORD_AT);
	expect_true(d, &f, WORD_AT + EMR_CHUNK_BYTES);
}

/* The holder of the content's key makes the chunk's tag fit, and perhaps writes among the tags,
 * too: zeros, those of another leaf, or made ones. */
TEST_IN(make_disk, drop_disk, a_chunk_sealed_again_is_refused_whatever_stands_among_the_tags)
{
	disk *d = *state;
	static uint8_t forged[EMR_UNIT_LEAF_BYTES];
	uint8_t tags[4 * EMR_UNITS_PER_LEAF * EMR_UNIT_TAG_BYTES] = {0};
	const emr_units all = {0, EMR_UNITS_PER_LEAF};
	const size_t slot = sizeof tags / 4;
	uint8_t digest[32];
	EMR_AUTO_SECRET secret = {0};
	emr_unit_key *his_key = NULL;
	emr_cid cid;
	forger who;
	AUTO(free_known) known f;
	off_t leaf, mine, others;
	EMR_AUTO_FD fd;

	save_known(d, &f);
	expect_true(d, &f, WORD_AT);
	forger_begin(&who, f.his, d->store_dir, WORD_AT);
	leaf = who.at - WORD_AT / EMR_CHUNK_BYTES * EMR_CHUNK_SEALED_BYTES;
	mine = HEAD + (leaf >> 18) * (off_t)slot;
	others = mine == HEAD ? HEAD + (off_t)slot : HEAD;
	forger_write(&who, "false");
	expect_refused(d, &f, WORD_AT);
	fd = open_tags(d);
	assert_true(size_of(fd) > (off_t)(HEAD + sizeof tags / 4 * 3));
	assert_ok(emr_pwrite_all(fd, tags, slot, mine));
	expect_refused(d, &f, WORD_AT);
	assert_ok(emr_pread_all(fd, tags, slot, others));
	assert_ok(emr_pwrite_all(fd, tags, slot, mine));
	expect_refused(d, &f, WORD_AT);
	assert_ok(emr_unixfs_tree_leaf(f.his->tree, 0, &cid, NULL));
	memcpy(digest, emr_cid_digest(&cid), sizeof digest);
	assert_ok(emr_pread_all(who.fd, forged, sizeof forged, leaf));
	assert_ok(emr_secret_random(32, &secret));
	assert_ok(emr_unit_key_new(&secret, &his_key));
	assert_ok(emr_unit_tags(his_key, digest, all, forged, tags));
	assert_ok(emr_pwrite_all(fd, tags, slot, mine));
	expect_refused(d, &f, WORD_AT);
	expect_true(d, &f, EMR_LEAF_BYTES + 100);
	/* The true bytes are known again by their hash, and then by new tags. */
	forger_write(&who, "truth");
	expect_true(d, &f, WORD_AT);
	forger_write(&who, "false");
	expect_refused(d, &f, WORD_AT);
	expect_refused(d, &f, WORD_AT + EMR_CHUNK_BYTES); /* that one had not been asked for */
	forger_end(&who);
	emr_unit_key_free(his_key);
}

TEST_IN(make_disk, drop_disk, a_file_of_tags_that_is_none_of_ours_is_left_alone)
{
	disk *d = *state;
	uint8_t before[HEAD] = "EMRU\x02 of a later version";
	uint8_t after[HEAD];
	AUTO(free_known) known f;
	EMR_AUTO_FD fd;

	save_known(d, &f);
	close_disk(d);
	fd = open_tags(d);
	assert_ok(emr_pwrite_all(fd, before, sizeof before, 0));
	open_disk(d);
	forge(f.his, d->store_dir, WORD_AT, "false");
	expect_refused(d, &f, WORD_AT + EMR_CHUNK_BYTES); /* all of it is hashed */
	expect_true(d, &f, EMR_LEAF_BYTES + 100);
	assert_ok(emr_pread_all(fd, after, sizeof after, 0));
	assert_memory_equal(before, after, sizeof before);
}

/* The power went, or the disk was full, before the file's first bytes were there. */
TEST_IN(make_disk, drop_disk, a_file_of_tags_without_its_beginning_is_begun_again)
{
	static const off_t sizes[] = {0, 3, HEAD};
	disk *d = *state;
	AUTO(free_known) known f;
	int fd;

	save_known(d, &f);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		close_disk(d);
		fd = open_tags(d);
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(ftruncate(fd, sizes[i]), 0);
		open_disk(d);
		expect_true(d, &f, WORD_AT + EMR_CHUNK_BYTES);
		assert_true(size_of(fd) > HEAD);
		close(fd);
	}
	forge(f.his, d->store_dir, WORD_AT, "false");
	expect_true(d, &f, WORD_AT + EMR_CHUNK_BYTES); /* known, so only that is read */
	expect_refused(d, &f, WORD_AT);
}

static void put_file(const disk *d, const char *name)
{
	EMR_AUTO_FD fd;

	fd = open(
		printed("%s/%s", d->tags_dir, name), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
}

static bool has_file(const disk *d, const char *name)
{
	return access(printed("%s/%s", d->tags_dir, name), F_OK) == 0;
}

static emr_status roots(void *context, emr_cid_visit visit, void *visit_context)
{
	return emr_record_each_block(context, visit, visit_context);
}

static void reclaim_all(disk *d)
{
	emr_reclaim_options options = {
		.scrub = true, .extra_roots = roots, .roots_context = d->ctx};

	assert_ok(emr_store_close_segment(d->store));
	assert_ok(emr_store_reclaim(d->store, &options, NULL));
}

/* Returns how much the fullest file of tags holds. */
static off_t most_tags(disk *d)
{
	DIR *dir = opendir(d->tags_dir);
	const struct dirent *entry;
	off_t most = 0;
	struct stat st;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, 0), 0);
		if (S_ISREG(st.st_mode) && st.st_size > most)
			most = st.st_size;
	}
	closedir(dir);
	return most;
}

/* While somebody has the content, and when nobody has it any more. */
TEST_IN(make_disk, drop_disk, an_erasure_leaves_no_tags)
{
	static const char left_over[] = "seg-07000000000000000000000000000000-000099.car.tags";
	disk *d = *state;
	emr_pin pin = {.owner = {{1}}, .state = EMR_PIN_WRITTEN};
	char path[200];
	known f;

	save_known(d, &f);
	pin.root = f.content.c;
	assert_ok(emr_block_store_pin(emr_store_blocks(d->store), &pin, 1));
	assert_true(most_tags(d) > HEAD);
	reclaim_all(d);
	assert_true(most_tags(d) <= HEAD);
	expect_true(d, &f, WORD_AT);
	assert_true(most_tags(d) > HEAD);
	/* A file that cannot be cut goes. */
	snprintf(path, sizeof path, "%s/%s", d->tags_dir, left_over);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_ok(emr_block_store_unpin(emr_store_blocks(d->store), &pin, 1));
	reclaim_all(d);
	assert_int_equal(unlink(path), -1);
	assert_true(most_tags(d) <= HEAD);
	free_known(&f);
	put_file(d, left_over);
	put_file(d, "notes of a person.tags");
	close_disk(d);
	open_disk(d);
	assert_false(has_file(d, left_over));
	assert_true(has_file(d, "notes of a person.tags"));
}

static uint64_t disk_bytes(disk *d)
{
	return emr_store_disk_bytes(d->store);
}

TEST_IN(make_disk, drop_disk, what_a_crash_may_bring_back_outlives_a_reclaim)
{
	disk *d = *state;
	EMR_AUTO_FREE uint8_t *data = kit_bytes(6u << 20, 4);
	EMR_AUTO_FREE uint8_t *bytes = malloc(6u << 20);
	emr_id16 id = emr_id16_random();
	emr_staging *st;
	size_t got;

	assert_ok(emr_staging_new(d->ctx, id, NULL, 0, &st));
	for (size_t at = 0; at < 6u << 20; at += 65536)
		assert_ok(emr_staging_write(st, at, data + at, 65536));
	assert_ok(emr_staging_spill(st, 9));
	assert_ok(emr_store_flush(d->store));
	assert_ok(emr_staging_sync(st));
	/* Of no use any more to whoever writes, but nobody has told the disk. */
	assert_ok(emr_staging_truncate(st, 0));
	reclaim_all(d);
	emr_staging_free(st);
	close_disk(d);
	open_disk(d);
	assert_ok(emr_staging_recover(d->ctx, id, NULL, &st));
	assert_ok(emr_staging_read(st, 0, bytes, 6u << 20, &got));
	assert_int_equal(got, 6u << 20);
	assert_memory_equal(bytes, data, got);
	/* Once it knows, they go. */
	assert_ok(emr_staging_truncate(st, 0));
	assert_ok(emr_staging_spill(st, 10));
	assert_true(disk_bytes(d) > 8 * EMR_LEAF_SEALED_BYTES);
	reclaim_all(d);
	assert_true(disk_bytes(d) > 8 * EMR_LEAF_SEALED_BYTES);
	assert_ok(emr_staging_sync(st));
	reclaim_all(d);
	assert_true(disk_bytes(d) < EMR_LEAF_SEALED_BYTES);
	emr_staging_discard(st);
}

TEST_IN(make_disk, drop_disk, what_is_written_besides_goes_while_somebody_writes)
{
	disk *d = *state;
	EMR_AUTO_FREE uint8_t *data = kit_bytes(6u << 20, 4);
	emr_staging *open_all_the_time, *st;

	assert_ok(emr_staging_new(d->ctx, emr_id16_random(), NULL, 0, &open_all_the_time));
	assert_ok(emr_staging_write(open_all_the_time, 0, "x", 1));
	for (int i = 0; i < 4; i++) {
		emr_content content;
		emr_content_key *key;

		assert_ok(emr_staging_new(d->ctx, emr_id16_random(), NULL, 0, &st));
		assert_ok(emr_staging_write(st, 0, data, 6u << 20));
		assert_ok(emr_staging_freeze(st, &content, &key));
		reclaim_all(d);
		assert_true(disk_bytes(d) > 6u << 20); /* it is nobody's, but it is open */
		emr_content_key_free(key);
		emr_staging_discard(st);
		reclaim_all(d);
		assert_true(disk_bytes(d) < EMR_LEAF_SEALED_BYTES);
	}
	emr_staging_discard(open_all_the_time);
}

TESTS(NULL, NULL)
