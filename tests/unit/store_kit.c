/* Tests of store and journal use this file: it gives each of them a directory of its own, blocks
 * from numbers, and ways to damage files. */
#include "store_kit.h"

#include <dirent.h>
#include <sys/wait.h>

#include "store/car.h"

static const emr_id16 kit_writer = {{0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

emr_id16 kit_writer_id(void)
{
	return kit_writer;
}

int kit_setup(void **state)
{
	kit *k = calloc(1, sizeof *k);
	/* In memory where that is possible: these tests are about bytes, and open and close flush a
	 * lot. */
	const char *base = getenv("EMR_TEST_DIR") != NULL  ? getenv("EMR_TEST_DIR")
			   : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
							   : "/tmp";

	assert_ok(emr_base_init());
	snprintf(k->path, sizeof k->path, "%s/emr-store-XXXXXX", base);
	assert_non_null(mkdtemp(k->path));
	k->options =
		(emr_store_options){.path = k->path, .writer = kit_writer, .no_background = true};
	kit_open(k);
	*state = k;
	return 0;
}

static void remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char child[1024];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		if (unlink(child) != 0)
			remove_directory(child);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

int kit_teardown(void **state)
{
	EMR_AUTO_FREE kit *k = *state;

	kit_close(k);
	remove_directory(k->path);
	return 0;
}

void kit_open(kit *k)
{
	assert_ok(emr_store_open(&k->options, &k->store));
}

void kit_close(kit *k)
{
	emr_store_close(k->store);
	k->store = NULL;
}

void kit_run_and_die(kit *k, void (*work)(kit *k))
{
	pid_t child;
	int status;

	kit_close(k);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (emr_store_open(&k->options, &k->store) != EMR_OK)
			_exit(2);
		work(k);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void kit_xorshift(uint32_t *state, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i += 4) {
		uint32_t x = *state;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		*state = x;
		for (size_t j = 0; j < 4 && i + j < len; j++)
			out[i + j] = (uint8_t)(x >> (8 * j));
	}
}

emr_block kit_block(uint32_t seed, size_t len)
{
	uint32_t state = seed * 2654435761u + 12345;
	uint8_t *data = malloc(len + 1);
	emr_block block;

	kit_xorshift(&state, data, len);
	block.data = emr_bytes_of(data, len);
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	return block;
}

void kit_block_free(emr_block *block)
{
	free((void *)(uintptr_t)block->data.data);
}

uint64_t kit_one_byte(const void *context)
{
	(void)context;
	return 1;
}

emr_cid kit_put(kit *k, uint32_t seed, size_t len)
{
	AUTO(kit_block_free) emr_block block = kit_block(seed, len);
	emr_cid cid = block.cid;

	assert_ok(emr_store_append(k->store, &block, 1, NULL));
	return cid;
}

emr_status kit_try(kit *k, uint32_t seed, size_t len)
{
	AUTO(kit_block_free) emr_block block = kit_block(seed, len);
	EMR_AUTO_BUF out = {0};
	emr_status status = emr_store_get_verified(k->store, &block.cid, &out);

	if (status == EMR_OK)
		assert_true(emr_bytes_equal(emr_buf_view(&out), block.data));
	return status;
}

void kit_has(kit *k, uint32_t seed, size_t len)
{
	emr_status status = kit_try(k, seed, len);

	if (status != EMR_OK)
		print_message("block %u of %zu bytes\n", seed, len);
	assert_ok(status);
}

emr_id16 kit_owner(uint8_t n)
{
	emr_id16 owner = {{0xbb, n}};

	return owner;
}

emr_pin kit_pin(const emr_cid *root, uint8_t owner)
{
	return (emr_pin){.root = *root, .owner = kit_owner(owner), .state = EMR_PIN_WRITTEN};
}

void kit_pin_one(kit *k, const emr_cid *root, bool unpin)
{
	emr_pin_change change = {.pin = kit_pin(root, 1), .unpin = unpin};

	assert_ok(emr_store_pin(k->store, &change, 1));
}

void kit_file(kit *k, const char *name, char out[512])
{
	char hex[33];
	int number;

	emr_hex(k->options.writer.b, 16, hex);
	if (sscanf(name, "seg-%d", &number) == 1)
		snprintf(out, 512, "%s/seg-%s-%06d.car", k->path, hex, number);
	else
		snprintf(out, 512, "%s/%s", k->path, name);
}

uint64_t kit_size(kit *k, const char *name)
{
	char path[512];
	struct stat st;

	kit_file(k, name, path);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void kit_flip(kit *k, const char *name, uint64_t offset, uint8_t mask)
{
	char path[512];
	uint8_t byte;
	EMR_AUTO_FD fd;

	kit_file(k, name, path);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= mask;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
}

void kit_truncate(kit *k, const char *name, uint64_t size)
{
	char path[512];

	kit_file(k, name, path);
	assert_int_equal(truncate(path, (off_t)size), 0);
}

void kit_lose_index(kit *k)
{
	char path[512];

	kit_file(k, "index.sqlite", path);
	assert_int_equal(unlink(path), 0);
}

size_t kit_quarantined(kit *k)
{
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	dir = opendir(printed("%s/quarantine", k->path));
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* A header with one root, the empty block, then sections whose blocks fit their names. */
static size_t blocks_of_car(const char *path)
{
	const emr_cid empty = emr_cid_of_block(EMR_CODEC_RAW, (emr_bytes){0});
	EMR_AUTO_BUF header = {0}, car = {0};
	emr_car_section section;
	size_t blocks = 0, at;

	assert_ok(emr_file_read(AT_FDCWD, path, SIZE_MAX, &car));
	assert_ok(emr_car_write_header(&header, &empty, 1));
	assert_true(car.len > header.len);
	assert_memory_equal(car.data, header.data, header.len);
	for (at = header.len; at < car.len; at += section.head_len + section.data_len, blocks++) {
		assert_ok(emr_car_read_section_head(
			emr_bytes_of(car.data + at, car.len - at), &section));
		assert_true(section.data_len <= car.len - at - section.head_len);
		assert_ok(emr_cid_verify(&section.cid,
			emr_bytes_of(car.data + at + section.head_len, section.data_len)));
	}
	return blocks;
}

void kit_segments_are_cars(kit *k)
{
	struct dirent *entry;
	DIR *dir = opendir(k->path);

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "seg-", 4) != 0)
			continue;
		assert_true(blocks_of_car(printed("%s/%s", k->path, entry->d_name)) >= 1);
	}
	closedir(dir);
}
