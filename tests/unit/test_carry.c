/* Records in a CAR: pages that are not what was signed, blocks that are not what they are called,
 * and other people's records. */
#include <sys/mman.h>
#include <unistd.h>

#include "car_blocks.h"
#include "carry/carry.h"
#include "carry/catalogue.h"
#include "contract/codes.h"
#include "crypto/merkle.h"
#include "emr_test.h"
#include "ledger/batch.h"
#include "store/car.h"

static const emr_id16 domain = {{1, 2, 3}};
static emr_keyring *patient, *stranger;

/* ---- pages ---- */

/* A page of N metadata items of one batch, signed with KEYRING's key of the domain. */
static void make_page(const emr_keyring *keyring, size_t n, emr_buf *out_page)
{
	const emr_batch_options options = {
		.keyring = keyring, .signer = emr_signer_domain(domain, 1)};
	emr_batch *batch = malloc(sizeof *batch);
	emr_merkle_hash leaves[16];
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_id32 id;

	assert_non_null(batch);
	assert_ok(emr_batch_new(&options, &builder));
	for (size_t i = 0; i < n; i++) {
		uint8_t part[616] = {(uint8_t)i};
		const emr_operation op = {.op = EMR_OP_META,
			.domain = domain,
			.object = {{(uint8_t)(i + 1)}},
			.version = 1,
			.time = 5,
			.epoch = 1,
			.priv = emr_bytes_of(part, sizeof part)};

		assert_ok(emr_batch_add(builder, &op, &id));
	}
	assert_ok(emr_batch_finish(builder, 10, 100, &bytes, NULL));
	assert_int_equal(
		emr_batch_parse((emr_span){bytes.data, bytes.len}, batch), EMR_RESULT_APPLIED);
	for (size_t i = 0; i < n; i++)
		emr_entry_leaf(batch->items[i].bytes, leaves[i].b);
	for (size_t i = 0; i < n; i++) {
		emr_page_entry entry = {
			.item = emr_bytes_of(batch->items[i].bytes.data, EMR_ITEM_BYTES),
			.header = emr_bytes_of(bytes.data, EMR_HEADER_BYTES),
			.index = (uint16_t)i,
			.priv = emr_bytes_of(batch->items[i].part.data, batch->items[i].part.len)};

		assert_true(
			emr_merkle_inclusion_of(leaves, n, i, entry.path.hashes, &entry.path.n));
		assert_ok(emr_page_add(out_page, &entry));
	}
	free(batch);
}

static emr_status count(void *arg, const emr_page_item *item)
{
	emr_domain_public public;

	assert_ok(emr_keyring_domain_public(patient, domain, 1, 1, &public));
	assert_memory_equal(item->signer_pk, public.owner_pk, 32);
	assert_int_equal(item->priv.len, 616);
	(*(size_t *)arg)++;
	return EMR_OK;
}

static void a_page_gives_back_what_went_in(void **state)
{
	EMR_AUTO_BUF page = {0};
	size_t n = 0;

	(void)state;
	make_page(patient, 7, &page);
	assert_ok(emr_page_each(emr_buf_view(&page), count, &n));
	assert_int_equal(n, 7);
}

static emr_status take_all(void *arg, const emr_page_item *item)
{
	(void)arg, (void)item;
	return EMR_OK;
}

static void no_byte_of_a_page_can_change_unseen(void **state)
{
	EMR_AUTO_BUF page = {0};

	(void)state;
	make_page(patient, 3, &page);
	for (size_t at = 0; at < page.len; at += 3) {
		page.data[at] ^= 0x10;
		assert_int_not_equal(emr_page_each(emr_buf_view(&page), take_all, NULL), EMR_OK);
		page.data[at] ^= 0x10;
	}
	assert_ok(emr_page_each(emr_buf_view(&page), take_all, NULL));
	for (size_t len = 0; len < page.len; len += 11)
		assert_status(
			EMR_DAMAGED, emr_page_each(emr_bytes_of(page.data, len), take_all, NULL));
	assert_ok(emr_buf_append_zeros(&page, 1));
	assert_status(EMR_DAMAGED, emr_page_each(emr_buf_view(&page), take_all, NULL));
	page.data[4] = 3;
	assert_status(EMR_NEWER_FORMAT, emr_page_each(emr_buf_view(&page), take_all, NULL));
	page.data[4] = 1;
	assert_status(EMR_UNSUPPORTED, emr_page_each(emr_buf_view(&page), take_all, NULL));
}

static void a_page_has_room_for_512_entries(void **state)
{
	static const uint8_t bytes[EMR_HEADER_BYTES];
	const emr_page_entry entry = {.item = emr_bytes_of(bytes, EMR_ITEM_BYTES),
		.header = emr_bytes_of(bytes, sizeof bytes)};
	EMR_AUTO_BUF page = {0};

	(void)state;
	for (int i = 0; i < EMR_PAGE_ENTRIES_MAX; i++)
		assert_ok(emr_page_add(&page, &entry));
	assert_status(EMR_LIMIT, emr_page_add(&page, &entry));
}

/* ---- CAR files ---- */

/* A CAR of these raw blocks, all of them roots; the last byte of block SPOILED is not what its name
 * says. */
static int make_car(const emr_bytes *blocks, size_t n, size_t spoiled, emr_cid *out_cids)
{
	int fd = memfd_create("car", MFD_CLOEXEC);
	EMR_AUTO_BUF car = {0};

	assert_true(fd >= 0);
	for (size_t i = 0; i < n; i++)
		out_cids[i] = emr_cid_of_block(EMR_CODEC_RAW, blocks[i]);
	assert_ok(emr_car_write_header(&car, out_cids, n));
	for (size_t i = 0; i < n; i++) {
		uint8_t head[EMR_CAR_SECTION_HEAD_MAX];

		assert_ok(emr_buf_append(
			&car, head, emr_car_section_head(head, &out_cids[i], blocks[i].len)));
		assert_ok(emr_buf_append(&car, blocks[i].data, blocks[i].len));
		if (i == spoiled)
			car.data[car.len - 1] ^= 1;
	}
	assert_int_equal(write(fd, car.data, car.len), (ssize_t)car.len);
	return fd;
}

static void the_blocks_of_a_car_are_read_where_they_are(void **state)
{
	const emr_bytes blocks[] = {
		emr_bytes_of("one", 3), emr_bytes_of("a second block", 14), emr_bytes_of("", 0)};
	emr_cid cids[3];
	int fd = make_car(blocks, 3, 9, cids);
	car_blocks *car;
	EMR_AUTO_BUF out = {0};

	(void)state;
	assert_ok(car_blocks_open(fd, &car));
	for (size_t i = 0; i < 3; i++) {
		emr_buf_clear(&out);
		assert_ok(emr_block_store_get_verified(car_blocks_face(car), &cids[i], &out));
		assert_true(emr_bytes_equal(emr_buf_view(&out), blocks[i]));
	}
	cids[0].b[20] ^= 1;
	assert_status(
		EMR_NOT_FOUND, emr_block_store_get_verified(car_blocks_face(car), &cids[0], &out));
	assert_status(EMR_READ_ONLY, emr_block_store_put(car_blocks_face(car), NULL, 0));
	car_blocks_close(car);
	close(fd);
}

static void a_block_that_is_not_what_it_is_called_is_refused(void **state)
{
	const emr_bytes blocks[] = {emr_bytes_of("one", 3), emr_bytes_of("two", 3)};
	emr_cid cids[2];
	car_blocks *car;
	int fd = make_car(blocks, 2, 1, cids);

	(void)state;
	assert_status(EMR_DAMAGED, car_blocks_open(fd, &car));
	close(fd);
	fd = make_car(blocks, 2, 9, cids);
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 1), 0);
	assert_status(EMR_DAMAGED, car_blocks_open(fd, &car));
	assert_int_equal(ftruncate(fd, 20), 0);
	assert_status(EMR_DAMAGED, car_blocks_open(fd, &car));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_status(EMR_DAMAGED, car_blocks_open(fd, &car));
	close(fd);
}

static emr_status open_with(const emr_bytes *blocks, size_t n, emr_keyring *keyring)
{
	emr_cid cids[4];
	EMR_AUTO_PARCEL parcel = NULL;
	int fd = make_car(blocks, n, 9, cids);
	emr_status status = emr_parcel_open(fd, keyring, NULL, &parcel);

	close(fd);
	return status;
}

static void a_car_of_somebody_else_gives_nothing(void **state)
{
	EMR_AUTO_BUF page = {0};
	emr_bytes block = emr_bytes_of("a file of one leaf", 18);

	(void)state;
	assert_status(EMR_NOT_FOUND, open_with(&block, 1, patient));
	make_page(stranger, 3, &page);
	block = emr_buf_view(&page);
	assert_status(EMR_DENIED, open_with(&block, 1, patient));
}

/* Signed by the right key, and still no name: the sealed parts are nonsense. */
static void signed_nonsense_is_refused(void **state)
{
	EMR_AUTO_BUF page = {0};
	emr_bytes block;

	(void)state;
	make_page(patient, 1, &page);
	block = emr_buf_view(&page);
	assert_status(EMR_DAMAGED, open_with(&block, 1, patient));
}

static int begin(void **state)
{
	(void)state;
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &patient));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &stranger));
	return 0;
}

static int end(void **state)
{
	(void)state;
	emr_keyring_free(patient);
	emr_keyring_free(stranger);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_gives_back_what_went_in),
		cmocka_unit_test(no_byte_of_a_page_can_change_unseen),
		cmocka_unit_test(a_page_has_room_for_512_entries),
		cmocka_unit_test(the_blocks_of_a_car_are_read_where_they_are),
		cmocka_unit_test(a_block_that_is_not_what_it_is_called_is_refused),
		cmocka_unit_test(a_car_of_somebody_else_gives_nothing),
		cmocka_unit_test(signed_nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
