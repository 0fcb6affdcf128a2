/* These tests are about the bytes of batches, places and nodes in the journal: bytes that were
 * written come back, anything else is refused. */
#include "emr_test.h"

#include "settle/place.h"

#include "outbox.h"
#include "row.h"

static emr_place some_place(uint8_t seed)
{
	emr_place place = {.cver = 3, .version = 9, .pversion = 7, .padded = 16383};

	memset(place.domain.b, seed, 16);
	memset(place.object.b, seed + 1, 16);
	memset(place.record_id.b, seed + 2, 16);
	place.root = emr_cid_of_digest(EMR_CODEC_RAW, (const uint8_t[32]){seed, 4});
	memset(place.r_pid, seed + 3, 32);
	return place;
}

static void expect_same_place(const emr_place *a, const emr_place *b)
{
	assert_true(emr_id16_equal(a->domain, b->domain) && emr_id16_equal(a->object, b->object));
	assert_true(
		emr_id16_equal(a->record_id, b->record_id) && emr_cid_equal(&a->root, &b->root));
	assert_true(a->cver == b->cver && a->version == b->version && a->pversion == b->pversion);
	assert_true(a->padded == b->padded && memcmp(a->r_pid, b->r_pid, 32) == 0);
}

TEST(a_place_has_its_size_and_comes_back)
{
	EMR_AUTO_BUF bytes = {0};
	emr_writer w = emr_writer_of(&bytes);
	emr_place place = some_place(5), back;
	emr_reader r;

	emr_place_write(&w, &place);
	assert_ok(w.status);
	assert_int_equal(bytes.len, 148);
	r = emr_reader_of(emr_buf_view(&bytes));
	emr_place_read(&r, &back);
	assert_true(emr_reader_done(&r));
	expect_same_place(&place, &back);
	for (size_t len = 0; len < bytes.len; len++) {
		r = emr_reader_of(emr_bytes_of(bytes.data, len));
		emr_place_read(&r, &back);
		assert_true(r.bad);
	}
}

TEST(a_batch_comes_back_with_its_outcomes)
{
	emr_change_outcome outcomes[2] = {
		{.kind = EMR_CHANGE_PUT, .change = 17, .place = some_place(1)},
		{.kind = EMR_CHANGE_UNLINK, .change = 2, .place = some_place(9)}};
	outbox box = {.first = 2, .count = 2, .outcomes = outcomes}, back;
	EMR_AUTO_BUF bytes = {0};

	memset(outcomes[0].node.b, 0x44, 16);
	assert_ok(emr_buf_append(&box.batch, "a batch", 7));
	assert_ok(outbox_encode(&box, &bytes));
	assert_ok(outbox_decode(emr_buf_view(&bytes), &back));
	assert_int_equal(back.first, 2);
	assert_int_equal(back.count, 2);
	assert_int_equal(back.outcomes[0].kind, EMR_CHANGE_PUT);
	assert_int_equal(back.outcomes[0].change, 17);
	assert_true(emr_id16_equal(back.outcomes[0].node, outcomes[0].node));
	expect_same_place(&back.outcomes[1].place, &outcomes[1].place);
	assert_int_equal(back.batch.len, 7);
	outbox_free(&back);
	for (size_t len = 0; len < bytes.len - 7; len++)
		assert_status(EMR_DAMAGED, outbox_decode(emr_bytes_of(bytes.data, len), &back));
	bytes.data[0] = 99;
	assert_status(EMR_NEWER_FORMAT, outbox_decode(emr_buf_view(&bytes), &back));
	emr_buf_free(&box.batch);
}

static node_row some_row(uint16_t flags)
{
	node_row row = {.type = EMR_META_FILE,
		.flags = flags,
		.change = 8,
		.mode = 01640,
		.ino = 77,
		.size = 5,
		.mtime_ns = -5,
		.ctime_ns = 1234567890123,
		.place = some_place(3)};

	row.name = emr_bytes_of("\xff\n name", 7);
	row.target = emr_bytes_of("", 0);
	row.attributes = emr_bytes_of("attributes", 10);
	memset(row.parent.b, 2, 16);
	memset(row.next_id.b, 3, 16);
	memset(row.staging.b, 4, 16);
	row.content =
		(emr_content){.n = 5, .padded = 16383, .suite = 1, .leaf_log2 = EMR_LEAF_LOG2};
	row.content.c = emr_cid_of_digest(EMR_CODEC_DAG_PB, (const uint8_t[32]){6});
	return row;
}

TEST(a_node_comes_back_with_whatever_it_has)
{
	for (uint16_t flags = 0; flags < 128; flags++) {
		EMR_AUTO_BUF bytes = {0};
		node_row row = some_row(flags), back;

		assert_ok(row_encode(&row, &bytes));
		assert_ok(row_decode(emr_buf_view(&bytes), &back));
		assert_int_equal(back.flags, flags);
		assert_int_equal(back.mode, row.mode);
		assert_int_equal(back.ino, row.ino);
		assert_true(back.mtime_ns == row.mtime_ns && back.ctime_ns == row.ctime_ns);
		assert_true(emr_bytes_equal(back.name, row.name));
		assert_true(emr_bytes_equal(back.attributes, row.attributes));
		assert_true(emr_id16_equal(back.parent, row.parent) &&
			    emr_id16_equal(back.next_id, row.next_id));
		if (flags & ROW_HAS_PLACE)
			expect_same_place(&back.place, &row.place);
		if (flags & ROW_HAS_STAGING)
			assert_true(emr_id16_equal(back.staging, row.staging));
		for (size_t len = 0; len < bytes.len; len++)
			assert_status(
				EMR_DAMAGED, row_decode(emr_bytes_of(bytes.data, len), &back));
		assert_ok(emr_buf_append(&bytes, "", 1));
		assert_status(EMR_DAMAGED, row_decode(emr_buf_view(&bytes), &back));
	}
}

TEST(impossible_nodes_are_refused)
{
	node_row back, wrong[4] = {some_row(0), some_row(0), some_row(0), some_row(0)};

	wrong[0].type = 9;
	wrong[1].flags = 0x4000;
	wrong[2].mode = 010000;
	wrong[3].name = emr_bytes_of("a\0b", 3);
	for (size_t i = 0; i < 4; i++) {
		EMR_AUTO_BUF bytes = {0};

		assert_ok(row_encode(&wrong[i], &bytes));
		assert_status(EMR_DAMAGED, row_decode(emr_buf_view(&bytes), &back));
	}
}

TEST(a_name_that_went_away_comes_back)
{
	vacated_row row = {.place = some_place(7),
			    .type = EMR_META_FILE,
			    .may_be_adopted = true,
			    .name = emr_bytes_of("x", 1)},
		    back;
	EMR_AUTO_BUF bytes = {0};

	assert_ok(vacated_encode(&row, &bytes));
	assert_ok(vacated_decode(emr_buf_view(&bytes), &back));
	expect_same_place(&row.place, &back.place);
	assert_true(back.may_be_adopted);
	assert_true(emr_bytes_equal(back.name, row.name));
	for (size_t len = 0; len < bytes.len; len++)
		assert_status(EMR_DAMAGED, vacated_decode(emr_bytes_of(bytes.data, len), &back));
}

TESTS(NULL, NULL)
