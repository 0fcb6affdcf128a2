/* These tests are about the ground that everything stands on: status texts, buffers, arrays,
 * readers and writers, hexadecimal and base32, clocks and the log. */
#include "emr_test.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"

TEST(every_status_has_its_own_text)
{
	for (int i = 0; i < EMR_STATUS_COUNT; i++) {
		assert_string_not_equal(emr_status_text((emr_status)i), "unknown status");
		for (int j = 0; j < i; j++)
			assert_string_not_equal(
				emr_status_text((emr_status)i), emr_status_text((emr_status)j));
	}
	assert_string_equal(emr_status_text(EMR_STATUS_COUNT), "unknown status");
	assert_string_equal(emr_status_text((emr_status)-1), "unknown status");
}

TEST(what_may_pass_by_itself_is_told_from_what_stays)
{
	static const emr_status local[] = {EMR_NO_MEMORY, EMR_IO, EMR_NO_SPACE, EMR_QUOTA, EMR_BUSY,
		EMR_INTERRUPTED, EMR_LETTERS_SPENT, EMR_BYTES_SPENT, EMR_NEWER_RULES,
		EMR_NO_MODULE};
	static const emr_status away[] = {EMR_OFFLINE, EMR_TIMEOUT, EMR_AWAITED};
	static const emr_status moved[] = {EMR_CONFLICT, EMR_EPOCH};
	static const emr_status damage[] = {EMR_DAMAGED, EMR_BAD_SIGNATURE, EMR_MISSING_DATA};
	static const emr_status fork[] = {EMR_ROLLBACK, EMR_FORK};
	static const emr_status unfit[] = {EMR_NOT_FOUND, EMR_INVALID, EMR_LIMIT, EMR_TOO_BIG,
		EMR_UNSUPPORTED, EMR_NEWER_FORMAT};
	unsigned may_pass = 0, unreadable = 0, unanswered = 0;

	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		assert_int_equal(emr_status_kind_of(local[i]), EMR_KIND_LOCAL);
	for (size_t i = 0; i < sizeof away / sizeof *away; i++)
		assert_int_equal(emr_status_kind_of(away[i]), EMR_KIND_AWAY);
	for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
		assert_int_equal(emr_status_kind_of(moved[i]), EMR_KIND_MOVED);
	for (size_t i = 0; i < sizeof damage / sizeof *damage; i++)
		assert_int_equal(emr_status_kind_of(damage[i]), EMR_KIND_DAMAGE);
	for (size_t i = 0; i < sizeof fork / sizeof *fork; i++)
		assert_int_equal(emr_status_kind_of(fork[i]), EMR_KIND_FORK);
	for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++)
		assert_int_equal(emr_status_kind_of(unfit[i]), EMR_KIND_UNFIT);
	/* Nothing but EMR_OK is fine, which a row without a kind would be. */
	for (int i = 0; i < EMR_STATUS_COUNT; i++) {
		assert_int_equal(emr_status_kind_of((emr_status)i) == EMR_KIND_FINE, i == EMR_OK);
		may_pass += emr_status_may_pass((emr_status)i);
		unreadable += emr_status_is_unreadable((emr_status)i);
		unanswered += emr_status_is_unanswered((emr_status)i);
	}
	assert_int_equal(may_pass, 13);
	assert_int_equal(unreadable, 9);
	assert_int_equal(unanswered, 2);
	assert_false(emr_status_is_unanswered(EMR_AWAITED)); /* somebody did answer: not yet */
	assert_int_equal(emr_status_kind_of(EMR_STATUS_COUNT), EMR_KIND_FINAL);
	assert_int_equal(emr_status_kind_of((emr_status)-1), EMR_KIND_FINAL);
}

TEST(an_errno_becomes_its_status)
{
	assert_ok(emr_status_from_errno(0));
	assert_status(EMR_NO_SPACE, emr_status_from_errno(ENOSPC));
	assert_status(EMR_QUOTA, emr_status_from_errno(EDQUOT));
	assert_status(EMR_DENIED, emr_status_from_errno(EPERM));
	assert_status(EMR_DENIED, emr_status_from_errno(EACCES));
	assert_status(EMR_NOT_FOUND, emr_status_from_errno(ENOENT));
	assert_status(EMR_IO, emr_status_from_errno(EIO));
	assert_status(EMR_IO, emr_status_from_errno(ENOTTY));
}

TEST(a_buffer_grows_and_keeps_what_it_has)
{
	EMR_AUTO_BUF buf = {0};

	for (unsigned i = 0; i < 1000; i++) {
		uint8_t byte = (uint8_t)i;

		assert_ok(emr_buf_append(&buf, &byte, 1));
	}
	assert_int_equal(buf.len, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(buf.data[i], (uint8_t)i);
	assert_status(EMR_NO_MEMORY, emr_buf_reserve(&buf, SIZE_MAX));
	assert_status(EMR_NO_MEMORY, emr_buf_reserve(&buf, SIZE_MAX / 2));
	assert_int_equal(buf.len, 1000);
	assert_int_equal(buf.data[999], (uint8_t)999);
	assert_ok(emr_buf_append(&buf, NULL, 0));
	emr_buf_clear(&buf);
	assert_int_equal(buf.len, 0);
}

TEST(an_array_grows_an_item_at_a_time_and_keeps_what_it_has)
{
	uint32_t *items = NULL, *before;
	size_t cap = 0, much = SIZE_MAX / sizeof *items;

	for (uint32_t n = 0; n < 1000; n++) {
		assert_ok(emr_array_room(&items, n, &cap, sizeof *items));
		assert_true(n < cap);
		items[n] = n;
	}
	for (uint32_t n = 0; n < 1000; n++)
		assert_int_equal(items[n], n);
	/* A failed allocation leaves it as it was. */
	before = items;
	assert_status(EMR_NO_MEMORY, emr_array_room(&items, much, &much, sizeof *items));
	assert_ptr_equal(items, before);
	assert_true(much == SIZE_MAX / sizeof *items);
	much = SIZE_MAX;
	assert_status(EMR_NO_MEMORY, emr_array_room(&items, much, &much, 1));
	assert_int_equal(items[999], 999);
	free(items);
}

TEST(equal_means_same_length_and_bytes)
{
	assert_true(emr_bytes_equal(emr_bytes_of("ab", 2), emr_bytes_of("ab", 2)));
	assert_false(emr_bytes_equal(emr_bytes_of("ab", 2), emr_bytes_of("ab", 1)));
	assert_false(emr_bytes_equal(emr_bytes_of("ab", 2), emr_bytes_of("ac", 2)));
	assert_true(emr_bytes_equal(emr_bytes_of(NULL, 0), emr_bytes_of("x", 0)));
}

TEST(a_reader_gives_back_what_a_writer_wrote)
{
	EMR_AUTO_BUF buf = {0};
	emr_writer w = emr_writer_of(&buf);
	emr_reader r;
	uint8_t copy[3];

	emr_write_bytes(&w, "EMRX", 4);
	emr_write_u8(&w, 0xab);
	emr_write_u16(&w, 0x0102);
	emr_write_u32(&w, 0xfffefdfc);
	emr_write_u64(&w, UINT64_C(0x8000000000000001));
	emr_write_zeros(&w, 5);
	emr_write_bytes(&w, "xyz", 3);
	assert_ok(w.status);
	assert_int_equal(buf.data[5], 1); /* big-endian */
	r = emr_reader_of(emr_buf_view(&buf));
	emr_read_magic(&r, "EMRX");
	assert_int_equal(emr_read_u8(&r), 0xab);
	assert_int_equal(emr_read_u16(&r), 0x0102);
	assert_int_equal(emr_read_u32(&r), 0xfffefdfc);
	assert_true(emr_read_u64(&r) == UINT64_C(0x8000000000000001));
	emr_read_zeros(&r, 5);
	assert_false(emr_reader_done(&r));
	emr_read_copy(&r, copy, 3);
	assert_memory_equal(copy, "xyz", 3);
	assert_true(emr_reader_done(&r));
}

TEST(a_reader_that_ran_out_stays_bad)
{
	emr_reader r = emr_reader_of(emr_bytes_of("\1\2\3", 3));
	uint8_t copy[2] = {9, 9};

	assert_int_equal(emr_read_u32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(emr_read_u8(&r), 0);
	emr_read_copy(&r, copy, 2);
	assert_int_equal(copy[0] | copy[1], 0);
	assert_null(emr_read_bytes(&r, 1).data);
	assert_int_equal(emr_read_bytes(&r, SIZE_MAX).len, 0);
	assert_false(emr_reader_done(&r));
}

TEST(a_reader_refuses_a_wrong_magic_and_non_zero_padding)
{
	emr_reader r = emr_reader_of(emr_bytes_of("EMRY", 4));

	emr_read_magic(&r, "EMRX");
	assert_true(r.bad);
	r = emr_reader_of(emr_bytes_of("\0\0\1", 3));
	emr_read_zeros(&r, 3);
	assert_true(r.bad);
	r = emr_reader_of(emr_bytes_of(NULL, 0));
	assert_true(emr_reader_done(&r));
	assert_int_equal(emr_read_bytes(&r, 0).len, 0);
	assert_false(r.bad);
}

TEST(hex_is_strict)
{
	uint8_t bytes[3] = {7, 7, 7};
	char text[7];

	emr_hex("\x00\xff\x1a", 3, text);
	assert_string_equal(text, "00ff1a");
	assert_ok(emr_unhex("00Ff1A", bytes, 3));
	assert_memory_equal(bytes, "\x00\xff\x1a", 3);
	assert_status(EMR_INVALID, emr_unhex("00ff1", bytes, 3));
	assert_status(EMR_INVALID, emr_unhex("00ff1a0", bytes, 3));
	assert_status(EMR_INVALID, emr_unhex("00ff1g", bytes, 3));
	assert_status(EMR_INVALID, emr_unhex(" 0ff1a", bytes, 3));
	assert_ok(emr_unhex("", bytes, 0));
}

/* RFC 4648 section 10, in lower case and without padding. */
TEST(base32_matches_the_rfc)
{
	static const char *const in[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
	static const char *const out[] = {
		"", "my", "mzxq", "mzxw6", "mzxw6yq", "mzxw6ytb", "mzxw6ytboi"};
	char text[17];

	for (int i = 0; i < 7; i++) {
		emr_base32(in[i], strlen(in[i]), text);
		assert_string_equal(text, out[i]);
	}
}

TEST(random_ids_differ)
{
	emr_id16 a = emr_id16_random();
	emr_id16 b = emr_id16_random();

	assert_false(emr_id16_equal(a, b));
	assert_false(emr_id16_is_zero(a));
	assert_false(emr_id32_is_zero(emr_id32_random()));
	assert_true(emr_id32_is_zero((emr_id32){{0}}));
}

static int64_t noon(const emr_clock *clock)
{
	(void)clock;
	return INT64_C(43200000000000) + 999999999;
}

TEST(a_clock_can_be_replaced)
{
	const emr_clock fake = {.unix_ns = noon, .boot_ns = noon};
	const emr_clock *real = emr_clock_system();
	int64_t first = emr_clock_boot_ns(real);

	assert_true(emr_clock_unix_s(&fake) == 43200);
	assert_true(emr_clock_boot_ns(real) >= first);
	assert_true(emr_clock_unix_s(real) > 1700000000);
}

TEST(a_log_line_stays_one_line_and_obeys_its_level)
{
	int ends[2];
	char text[2048];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	emr_log_open(ends[1], EMR_LOG_WARN);
	errno = EXDEV;
	emr_log(EMR_LOG_ERROR, "id %d\nforged\x1b[1m", 7);
	assert_int_equal(errno, EXDEV);
	emr_log(EMR_LOG_INFO, "not shown");
	emr_log(EMR_LOG_WARN, "%0700d", 1); /* longer than a line may be: cut */
	emr_log_open(-1, EMR_LOG_DEBUG);
	emr_log(EMR_LOG_ERROR, "nowhere");
	close(ends[1]);
	n = read(ends[0], text, sizeof text - 1);
	close(ends[0]);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "Z E id 7?forged?[1m\n"));
	assert_null(strstr(text, "not shown"));
	assert_null(strstr(text, "nowhere"));
	assert_non_null(strstr(text, "Z W 000"));
	assert_int_equal(text[n - 1], '\n');
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + n - 1);
	assert_true(n < 1100);
}

TESTS(NULL, NULL)
