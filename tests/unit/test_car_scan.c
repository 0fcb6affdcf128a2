/* These tests are about CAR files of other tools: roots, blocks that are not what they are called,
 * and torn ends. */
#include <sys/mman.h>

#include "emr_test.h"
#include "store/car.h"
#include "vectors.h"

typedef struct other_car {
	const json_t *sections; /* NULL: a changed one */
	size_t blocks;
	uint64_t data; /* of the last block: where it begins */
	size_t data_len;
} other_car;

static emr_status is_genuine(void *arg, const emr_block *block, uint64_t offset)
{
	other_car *car = arg;

	assert_ok(emr_cid_verify(&block->cid, block->data));
	if (car->sections != NULL) {
		const json_t *expected = json_array_get(car->sections, car->blocks);
		EMR_AUTO_BUF bytes = {0}, name = {0};

		assert_true(emr_bytes_equal(
			block->data, vectors_unhex(vectors_text(expected, "data"), &bytes)));
		assert_true(emr_bytes_equal(emr_bytes_of(block->cid.b, EMR_CID_BYTES),
			vectors_unhex(vectors_text(expected, "cid"), &name)));
	}
	car->blocks++;
	car->data = offset;
	car->data_len = block->data.len;
	return EMR_OK;
}

static emr_status scan_bytes(emr_bytes bytes, other_car *car)
{
	int fd = memfd_create("car", MFD_CLOEXEC);
	uint64_t end;
	emr_status status;

	assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
	status = emr_car_scan(fd, is_genuine, car, &end);
	close(fd);
	if (status == EMR_OK)
		assert_int_equal(end, bytes.len);
	return status;
}

/* A changed bit is damage, or takes a whole block away by changing what it is called; no block
 * comes out that is not what it is called. */
TEST(no_bit_of_another_tools_car_changes_a_block)
{
	AUTO(auto_json_decref) json_t *known = vectors_open("unixfs.json");
	json_t *one;
	size_t i;

	json_array_foreach(vectors_get(known, "cars"), i, one)
	{
		other_car whole = {.sections = vectors_get(one, "sections")};
		EMR_AUTO_BUF car = {0};
		emr_bytes bytes = vectors_unhex(vectors_text(one, "car"), &car);

		assert_ok(scan_bytes(bytes, &whole));
		assert_int_equal(whole.blocks, json_array_size(whole.sections));
		for (size_t bit = 0; bit < bytes.len * 8; bit += 5) {
			other_car changed = {0};
			emr_status status;

			car.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			status = scan_bytes(bytes, &changed);
			if (bit / 8 >= whole.data && bit / 8 < whole.data + whole.data_len)
				assert_status(EMR_DAMAGED, status);
			car.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_status(EMR_DAMAGED,
			scan_bytes(emr_bytes_of(bytes.data, bytes.len - 1), &(other_car){0}));
	}
	assert_status(EMR_NEWER_FORMAT,
		scan_bytes(emr_bytes_of("\x0a\xa1gversion\x02", 11), &(other_car){0}));
}

/* All of them, none where one more is not to be taken, and not those of a cut or changed header. */
static void roots_are_read(emr_bytes header, const emr_cid *roots, size_t n)
{
	static emr_cid read[EMR_CAR_ROOTS_MAX];
	EMR_AUTO_FD fd = memfd_create("car", MFD_CLOEXEC);
	size_t found;

	assert_int_equal(write(fd, header.data, header.len), (ssize_t)header.len);
	assert_ok(emr_car_scan_roots(fd, read, n, &found));
	assert_int_equal(found, n);
	assert_memory_equal(read, roots, n * sizeof *roots);
	assert_status(EMR_LIMIT, emr_car_scan_roots(fd, read, n - 1, &found));
	assert_int_equal(pwrite(fd, "\xd9", 1, (off_t)(header.len - 9 - EMR_CID_BYTES - 5)), 1);
	assert_status(EMR_DAMAGED, emr_car_scan_roots(fd, read, n, &found));
	assert_int_equal(ftruncate(fd, (off_t)header.len - 1), 0);
	assert_status(EMR_DAMAGED, emr_car_scan_roots(fd, read, n, &found));
}

TEST(headers_of_any_number_of_roots_are_read)
{
	static const size_t counts[] = {1, 2, 23, 24, 255, 256, EMR_CAR_ROOTS_MAX};
	static emr_cid roots[EMR_CAR_ROOTS_MAX];

	for (size_t i = 0; i < EMR_CAR_ROOTS_MAX; i++)
		roots[i] = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(&i, sizeof i));
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		EMR_AUTO_BUF header = {0};

		assert_ok(emr_car_write_header(&header, roots, counts[c]));
		assert_ok(scan_bytes(emr_buf_view(&header), &(other_car){0}));
		roots_are_read(emr_buf_view(&header), roots, counts[c]);
		for (size_t cut = 0; cut < header.len; cut += 1 + header.len / 50)
			assert_status(EMR_DAMAGED,
				scan_bytes(emr_bytes_of(header.data, cut), &(other_car){0}));
	}
}

TESTS(NULL, NULL)
