/* These tests are about records in a CAR: pages that differ from the signed ones, blocks under a
 * wrong name, and other people's records. */
#include <sys/mman.h>

#include "car_blocks.h"
#include "base/codec.h"
#include "carry/carry.h"
#include "carry/catalogue.h"
#include "contract/codes.h"
#include "crypto/merkle.h"
#include "emr_test.h"
#include "keyring/words.h"
#include "ledger/batch.h"
#include "store/car.h"
#include "tree.h"
#include "vectors.h"

static const emr_id16 domain = {{1, 2, 3}};
static emr_keyring *patient, *stranger;

/* ---- pages ---- */

/* A page of N metadata items of one batch, signed with KEYRING's key of the domain. */
static void make_page(const emr_keyring *keyring, size_t n, emr_buf *out_page)
{
	const emr_batch_options options = {
		.keyring = keyring, .signer = emr_signer_domain(domain, 1)};
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
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

TEST(a_page_gives_back_what_went_in)
{
	EMR_AUTO_BUF page = {0};
	size_t n = 0;

	make_page(patient, 7, &page);
	assert_ok(emr_page_each(emr_buf_view(&page), count, &n));
	assert_int_equal(n, 7);
}

static emr_status count_any(void *arg, const emr_page_item *item)
{
	(void)item;
	(*(size_t *)arg)++;
	return EMR_OK;
}

static emr_status take_all(void *arg, const emr_page_item *item)
{
	(void)arg, (void)item;
	return EMR_OK;
}

TEST(no_byte_of_a_page_can_change_unseen)
{
	EMR_AUTO_BUF page = {0};

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

TEST(a_page_has_room_for_512_entries)
{
	static const uint8_t bytes[EMR_HEADER_BYTES];
	const emr_page_entry entry = {.item = emr_bytes_of(bytes, EMR_ITEM_BYTES),
		.header = emr_bytes_of(bytes, sizeof bytes)};
	EMR_AUTO_BUF page = {0};

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

TEST(the_blocks_of_a_car_are_read_where_they_are)
{
	const emr_bytes blocks[] = {
		emr_bytes_of("one", 3), emr_bytes_of("a second block", 14), emr_bytes_of("", 0)};
	emr_cid cids[3];
	EMR_AUTO_FD fd = make_car(blocks, 3, 9, cids);
	car_blocks *car;
	EMR_AUTO_BUF out = {0};

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
}

TEST(a_block_that_is_not_what_it_is_called_is_refused)
{
	const emr_bytes blocks[] = {emr_bytes_of("one", 3), emr_bytes_of("two", 3)};
	emr_cid cids[2];
	car_blocks *car;
	int fd = make_car(blocks, 2, 1, cids);

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

/* ---- archives of other tools ---- */

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

/* PAGE as it lies in a CAR of KEYRING's owner; what was there goes. */
static void seal(const emr_keyring *keyring, emr_buf *page)
{
	const emr_page_folder folder = {.domain = domain, .epoch = 1};
	emr_buf sealed = {0};

	assert_ok(emr_page_seal(keyring, &folder, 1, emr_buf_view(page), &sealed));
	emr_buf_free(page);
	*page = sealed;
}

/* A CAR says no operation, time, key or part to somebody who has none of its keys. */
TEST(a_sealed_page_says_nothing_to_others)
{
	static const emr_page_folder two[] = {{{{7}}, 1}, {{{8}}, 3}};
	EMR_AUTO_BUF page = {0}, sealed = {0}, back = {0};
	emr_public public;

	make_page(patient, 3, &page);
	assert_ok(emr_keyring_public(patient, &public));
	assert_ok(emr_page_seal(patient, two, 2, emr_buf_view(&page), &sealed));
	for (size_t at = 12; at + 16 <= page.len; at += 16) {
		size_t zeros = 0;

		for (size_t i = 0; i < 16; i++)
			zeros += page.data[at + i] == 0;
		if (zeros < 4) /* hashes, keys and signatures */
			assert_null(memmem(sealed.data, sealed.len, page.data + at, 16));
	}
	assert_ok(emr_page_open(patient, emr_buf_view(&sealed), &back));
	assert_true(emr_bytes_equal(emr_buf_view(&page), emr_buf_view(&back)));
	assert_status(EMR_DENIED, emr_page_open(stranger, emr_buf_view(&sealed), &back));
	/* one key of them is enough, and no byte can change */
	sealed.data[12 + 20] ^= 1;
	emr_buf_clear(&back);
	assert_status(EMR_DAMAGED, emr_page_open(patient, emr_buf_view(&sealed), &back));
	sealed.data[12 + 20] ^= 1;
	for (size_t at = 0; at < sealed.len; at += 37) {
		sealed.data[at] ^= 0x10;
		assert_int_not_equal(emr_page_open(patient, emr_buf_view(&sealed), &back), EMR_OK);
		sealed.data[at] ^= 0x10;
	}
	for (size_t len = 0; len < sealed.len; len += 41)
		assert_int_not_equal(
			emr_page_open(patient, emr_bytes_of(sealed.data, len), &back), EMR_OK);
	assert_int_equal(back.len, 0);
	assert_status(EMR_UNSUPPORTED, emr_page_open(patient, emr_buf_view(&page), &back));
	sealed.data[4] = 4;
	assert_status(EMR_NEWER_FORMAT, emr_page_open(patient, emr_buf_view(&sealed), &back));
	assert_status(EMR_INVALID, emr_page_seal(patient, two, 0, emr_buf_view(&page), &back));
}

static emr_status open_with(const emr_bytes *blocks, size_t n, emr_keyring *keyring)
{
	emr_cid cids[4];
	EMR_AUTO_PARCEL parcel = NULL;
	EMR_AUTO_FD fd = make_car(blocks, n, 9, cids);
	emr_status status = emr_parcel_open(fd, keyring, NULL, &parcel);

	return status;
}

TEST(a_car_of_somebody_else_gives_nothing)
{
	EMR_AUTO_BUF page = {0};
	emr_bytes block = emr_bytes_of("a file of one leaf", 18);

	assert_status(EMR_NOT_FOUND, open_with(&block, 1, patient));
	make_page(stranger, 3, &page);
	seal(stranger, &page);
	block = emr_buf_view(&page);
	assert_status(EMR_DENIED, open_with(&block, 1, patient));
	/* nor when it is sealed for him */
	emr_buf_clear(&page);
	make_page(stranger, 3, &page);
	seal(patient, &page);
	block = emr_buf_view(&page);
	assert_status(EMR_DENIED, open_with(&block, 1, patient));
}

/* Signed by the right key, and still no name: the sealed parts are nonsense. */
TEST(signed_nonsense_is_refused)
{
	EMR_AUTO_BUF page = {0};
	emr_bytes block;

	make_page(patient, 1, &page);
	seal(patient, &page);
	block = emr_buf_view(&page);
	assert_status(EMR_DAMAGED, open_with(&block, 1, patient));
}

/* ---- known answers of the second model ---- */

TEST(a_page_is_spelled_as_the_second_model_spells_it)
{
	AUTO(auto_json_decref) json_t *known = vectors_open("carry.json");
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF again = {0};
	emr_bytes page = vectors_unhex(vectors_text(known, "page"), &bytes);
	size_t at = 12, n = 0;

	assert_ok(emr_page_each(page, count_any, &n));
	assert_int_equal(n, vectors_u64(known, "page_entries"));
	while (at < page.len) {
		emr_page_entry entry = {.item = emr_bytes_of(page.data + at, EMR_ITEM_BYTES)};
		emr_item item;

		assert_int_equal(emr_item_parse((emr_span){entry.item.data, entry.item.len}, &item),
			EMR_CONTRACT_OK);
		at += EMR_ITEM_BYTES;
		entry.header = emr_bytes_of(page.data + at, EMR_HEADER_BYTES);
		at += EMR_HEADER_BYTES;
		entry.index = emr_get_u16(page.data + at);
		entry.path.n = page.data[at + 2];
		at += 4;
		memcpy(entry.path.hashes, page.data + at, entry.path.n * 32);
		at += entry.path.n * 32;
		entry.priv = emr_bytes_of(page.data + at, item.priv_len);
		at += item.priv_len;
		assert_ok(emr_page_add(&again, &entry));
	}
	assert_true(emr_bytes_equal(page, emr_buf_view(&again)));
}

/* Child I of the model's directories: the raw block of I in four bytes. */
static emr_buf links_of(size_t n)
{
	emr_buf links = {0};

	for (size_t i = 0; i < n; i++) {
		uint8_t block[4];
		emr_unixfs_link link = {.tsize = sizeof block};

		emr_put_u32(block, (uint32_t)i);
		link.cid = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(block, sizeof block));
		assert_ok(emr_buf_append(&links, &link, sizeof link));
	}
	return links;
}

static void is_cid(const json_t *one, const char *key, const emr_cid *cid)
{
	EMR_AUTO_BUF wanted = {0};

	assert_true(emr_bytes_equal(vectors_unhex(vectors_text(one, key), &wanted),
		emr_bytes_of(cid->b, sizeof cid->b)));
}

TEST(directories_are_such_as_ipfs_makes)
{
	AUTO(auto_json_decref) json_t *known = vectors_open("carry.json");
	EMR_AUTO_BUF bytes = {0};
	emr_bytes page = vectors_unhex(vectors_text(known, "sealed"), &bytes);
	const emr_unixfs_link catalogue = {
		.cid = emr_cid_of_block(EMR_CODEC_RAW, page), .tsize = page.len};
	json_t *one;
	size_t i;

	json_array_foreach(vectors_get(known, "directories"), i, one)
	{
		size_t n = vectors_u64(one, "links");
		bool has = json_is_true(vectors_get(one, "has_catalogue"));
		EMR_AUTO_BUF links = links_of(n);
		EMR_AUTO_BUF block = {0};
		emr_unixfs_link dir;

		assert_ok(carry_dir_encode((const emr_unixfs_link *)(const void *)links.data, n,
			has ? &catalogue : NULL, &block, &dir));
		is_cid(one, "cid", &dir.cid);
		assert_int_equal(dir.tsize, vectors_u64(one, "tsize"));
		assert_int_equal(block.len, vectors_u64(one, "block_len"));
	}
}

static emr_status count_node(void *arg, const emr_cid *cid, emr_bytes block)
{
	assert_ok(emr_cid_verify(cid, block));
	(*(size_t *)arg)++;
	return EMR_OK;
}

TEST(one_node_is_above_any_number_of_parts)
{
	AUTO(auto_json_decref) json_t *known = vectors_open("carry.json");
	json_t *one;
	size_t i;

	json_array_foreach(vectors_get(known, "trees"), i, one)
	{
		EMR_AUTO_BUF links = links_of(vectors_u64(one, "parts"));
		size_t nodes = 0;
		emr_cid root;

		assert_ok(carry_tree_finish(&links, count_node, &nodes, &root));
		is_cid(one, "root", &root);
		assert_int_equal(nodes, vectors_u64(one, "nodes"));
	}
}

TEST(a_page_that_the_second_model_sealed_opens)
{
	AUTO(auto_json_decref) json_t *known = vectors_open("carry.json");
	EMR_AUTO_BUF bytes = {0}, plain = {0}, opened = {0};
	emr_bytes sealed = vectors_unhex(vectors_text(known, "sealed"), &bytes);
	emr_bytes page = vectors_unhex(vectors_text(known, "page"), &plain);
	static const char words[] = /* of the seed 00..1f */
		"abandon amount liar amount expire adjust cage candy arch gather drum bullet "
		"absurd math era live bid rhythm alien crouch range attend journey unaware";
	emr_words_problem problem;
	AUTO(emr_keyring_auto_free) emr_keyring *hers = NULL;

	assert_ok(emr_keyring_from_words(
		emr_bytes_of(words, strlen(words)), EMR_KEYRING_PERSON, 1, &problem, &hers));
	assert_ok(emr_page_open(hers, sealed, &opened));
	assert_true(emr_bytes_equal(page, emr_buf_view(&opened)));
}

TEST(a_car_of_the_second_model_is_somebody_elses)
{
	AUTO(auto_json_decref) json_t *known = vectors_open("carry.json");
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_PARCEL parcel = NULL;
	emr_bytes car = vectors_unhex(vectors_text(vectors_get(known, "car"), "car"), &bytes);
	EMR_AUTO_FD fd = memfd_create("car", MFD_CLOEXEC);

	assert_int_equal(write(fd, car.data, car.len), (ssize_t)car.len);
	assert_status(EMR_DENIED, emr_parcel_open(fd, patient, NULL, &parcel));
}

AROUND(begin)
{
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &patient));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &stranger));
}

AROUND(end)
{
	emr_keyring_free(patient);
	emr_keyring_free(stranger);
}

TESTS(begin, end)
