/* These tests are about protocol buffers, frames of gRPC and its trailers, as bytes that others
 * made: which are read, which are refused, and that it makes no difference where they were cut. */
#include "emr_test.h"

#include <sodium.h>

#include "grpc.h"
#include "proto.h"
#include "vectors.h"

/* ---- protocol buffers ---- */

static emr_status read_bytes(const void *data, size_t len, emr_bytes *out)
{
	const proto_want wants[] = {{2, PROTO_BYTES, out}};

	return proto_read(emr_bytes_of(data, len), wants, 1);
}

TEST(a_field_is_read_and_what_nobody_asks_for_is_passed_over)
{
	/* 1: 300, 2: "ab", 3: eight bytes, 4: a group with a group in it, 5: four bytes, 7: -1 */
	static const uint8_t bytes[] = {0x08, 0xac, 0x02, 0x12, 2, 'a', 'b', 0x19, 1, 2, 3, 4, 5, 6,
		7, 8, 0x23, 0x08, 1, 0x2b, 0x2c, 0x24, 0x2d, 1, 2, 3, 4, 0x38, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
	uint64_t one = 0, minus = 0;
	emr_bytes two = {0}, none = {0};
	const proto_want wants[] = {{1, PROTO_NUMBER, &one}, {2, PROTO_BYTES, &two},
		{6, PROTO_BYTES, &none}, {7, PROTO_NUMBER, &minus}};

	assert_ok(proto_read(emr_bytes_of(bytes, sizeof bytes), wants, 4));
	assert_int_equal(one, 300);
	assert_true(minus == UINT64_MAX);
	assert_true(emr_bytes_equal(two, emr_bytes_of("ab", 2)));
	assert_null(none.data);
	/* Cut anywhere but between two fields, it is none. */
	for (size_t n = 0; n < sizeof bytes; n++) {
		emr_status status = proto_read(emr_bytes_of(bytes, n), NULL, 0);
		bool is_between = n == 0 || n == 3 || n == 7 || n == 16 || n == 22 || n == 27;

		assert_status(is_between ? EMR_OK : EMR_DAMAGED, status);
	}
}

TEST(the_last_of_several_counts_and_a_message_in_pieces_is_one)
{
	/* 2: { 1: 5, 2: "a" }, 1: 7, 2: { 3: "x" }, 2: 9 (of another type), 2: { 2: "b", 3: "y" }
	 */
	static const uint8_t bytes[] = {0x12, 5, 0x08, 5, 0x12, 1, 'a', 0x08, 7, 0x12, 3, 0x1a, 1,
		'x', 0x10, 9, 0x12, 6, 0x12, 1, 'b', 0x1a, 1, 'y'};
	emr_bytes two = {0}, items[2];
	uint64_t one = 0;
	proto_list list = {.items = items, .max = 2};
	const proto_want inner[] = {
		{1, PROTO_NUMBER, &one}, {2, PROTO_BYTES, &two}, {3, PROTO_REPEATED, &list}};
	const proto_want wants[] = {{2, PROTO_MESSAGE, PROTO_INSIDE(inner)}};

	assert_ok(proto_read(emr_bytes_of(bytes, sizeof bytes), wants, 1));
	assert_int_equal(one, 5);
	assert_true(emr_bytes_equal(two, emr_bytes_of("b", 1)));
	assert_int_equal(list.count, 2);
	assert_true(emr_bytes_equal(items[0], emr_bytes_of("x", 1)));
	assert_true(emr_bytes_equal(items[1], emr_bytes_of("y", 1)));
	/* Each piece is looked into. */
	assert_status(EMR_DAMAGED,
		proto_read(emr_bytes_of((const uint8_t[]){0x12, 1, 0x08, 0x12, 0}, 5), wants, 1));
	assert_ok(read_bytes(bytes, sizeof bytes, &two));
	assert_int_equal(two.len, 6);
}

TEST(an_empty_message_is_there)
{
	static const uint8_t bytes[] = {0x12, 0};
	emr_bytes message = {0};
	const proto_want wants[] = {{2, PROTO_BYTES, &message}};

	assert_ok(proto_read(emr_bytes_of(bytes, sizeof bytes), wants, 1));
	assert_non_null(message.data);
	assert_int_equal(message.len, 0);
}

TEST(what_cannot_be_is_refused)
{
	static const struct {
		const char *why;
		uint8_t bytes[24];
		size_t len;
	} bad[] = {
		{"field 0", {0x00, 1}, 2},
		{"a number over 29 bits", {0x80, 0x80, 0x80, 0x80, 0x10, 1}, 6},
		{"wire type 6", {0x16, 1}, 2},
		{"wire type 7", {0x17, 1}, 2},
		{"a varint of eleven bytes",
			{0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 12},
		{"a varint over 64 bits",
			{0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}, 11},
		{"a length over the end", {0x12, 3, 'a', 'b'}, 4},
		{"a length near 2^64",
			{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 'a'}, 12},
		{"an end without a group", {0x24}, 1},
		{"a group that another ends", {0x23, 0x2c}, 2},
		{"a group without an end", {0x23, 0x08, 1}, 3},
	};
	static uint8_t deep[2 * (PROTO_GROUPS_MAX + 1)];
	/* A number that is none for a field may stand inside of an unknown group: Go has it so. */
	static const uint8_t over[] = {0x23, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 0x24};
	emr_bytes out = {0};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (read_bytes(bad[i].bytes, bad[i].len, &out) != EMR_DAMAGED)
			fail_msg("%s was taken", bad[i].why);
	}
	memset(deep, 0x23, PROTO_GROUPS_MAX + 1);
	memset(deep + PROTO_GROUPS_MAX + 1, 0x24, PROTO_GROUPS_MAX + 1);
	assert_status(EMR_DAMAGED, read_bytes(deep, sizeof deep, &out));
	assert_ok(read_bytes(deep + 1, sizeof deep - 2, &out));
	assert_ok(read_bytes(over, sizeof over, &out));
	assert_status(EMR_DAMAGED, read_bytes(over + 1, sizeof over - 2, &out));
}

TEST(more_than_there_is_room_for_is_counted)
{
	static const uint8_t bytes[] = {0x12, 1, 'a', 0x12, 0, 0x12, 1, 'c'};
	emr_bytes items[3];
	proto_list list = {.items = items, .max = 2};
	const proto_want wants[] = {{2, PROTO_REPEATED, &list}};

	assert_ok(proto_read(emr_bytes_of(bytes, sizeof bytes), wants, 1));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.total, 3);
	list = (proto_list){.items = items, .max = 3};
	assert_ok(proto_read(emr_bytes_of(bytes, sizeof bytes), wants, 1));
	assert_int_equal(list.count, 3);
	assert_int_equal(items[1].len, 0);
	assert_true(emr_bytes_equal(items[2], emr_bytes_of("c", 1)));
}

TEST(what_is_written_is_read_again)
{
	static const uint64_t numbers[] = {1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		EMR_AUTO_BUF buf = {0};
		proto_writer w = proto_writer_of(&buf);
		uint64_t number = 0, zero = 9;
		emr_bytes text = {0}, empty = {0};
		const proto_want wants[] = {{1, PROTO_NUMBER, &number}, {2, PROTO_NUMBER, &zero},
			{536870911, PROTO_BYTES, &text}, {4, PROTO_BYTES, &empty}};

		proto_put_number(&w, 1, numbers[i]);
		proto_put_number(&w, 2, 0);
		proto_put_text(&w, 536870911, "last");
		proto_put_text(&w, 4, "");
		assert_ok(w.status);
		assert_ok(proto_read(emr_buf_view(&buf), wants, 4));
		assert_true(number == numbers[i]);
		assert_int_equal(zero, 9); /* as the caller has set it */
		assert_true(emr_bytes_equal(text, emr_bytes_of("last", 4)));
		assert_null(empty.data);
	}
}

/* ---- frames ---- */

typedef struct heard {
	char text[256];
	emr_status answer;
} heard;

static emr_status hear(void *arg, emr_bytes message)
{
	heard *h = arg;
	size_t used = strlen(h->text);

	(void)snprintf(h->text + used, sizeof h->text - used, "[%.*s]", (int)message.len,
		message.len > 0 ? (const char *)message.data : "");
	return h->answer;
}

static emr_status feed(
	grpc_frames *frames, const uint8_t *bytes, size_t len, size_t piece, heard *h)
{
	emr_status status = EMR_OK;

	for (size_t at = 0; at < len && status == EMR_OK; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		status = grpc_frames_take(frames, emr_bytes_of(bytes + at, n), hear, h);
	}
	return status;
}

TEST(messages_come_whole_however_they_were_cut)
{
	static const uint8_t bytes[] = {0, 0, 0, 0, 3, 'o', 'n', 'e', 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
		't', 'h', 'r', 'e', 'e'};

	for (size_t piece = 1; piece <= sizeof bytes; piece++) {
		grpc_frames frames = {.max_bytes = 5};
		heard h = {.answer = EMR_OK};

		assert_ok(feed(&frames, bytes, sizeof bytes, piece, &h));
		assert_string_equal(h.text, "[one][][three]");
		assert_int_equal(frames.count, 3);
		assert_true(grpc_frames_is_whole(&frames));
		grpc_frames_free(&frames);
	}
	for (size_t len = 1; len < sizeof bytes; len++) {
		grpc_frames frames = {.max_bytes = 5};
		heard h = {.answer = EMR_OK};

		assert_ok(feed(&frames, bytes, len, len, &h));
		assert_int_equal(grpc_frames_is_whole(&frames), len == 8 || len == 13);
		grpc_frames_free(&frames);
	}
}

TEST(a_frame_that_is_compressed_or_too_long_is_refused)
{
	static const uint8_t compressed[] = {1, 0, 0, 0, 1, 'x'};
	static const uint8_t longer[] = {0, 0, 0, 0, 6, 's'};
	static const uint8_t one[] = {0, 0, 0, 0, 1, 'x', 0, 0, 0, 0, 1, 'y'};

	for (size_t piece = 1; piece < 7; piece++) {
		grpc_frames frames = {.max_bytes = 5};
		heard h = {.answer = EMR_OK};

		assert_status(
			EMR_UNSUPPORTED, feed(&frames, compressed, sizeof compressed, piece, &h));
		frames = (grpc_frames){.max_bytes = 5};
		assert_status(EMR_LIMIT, feed(&frames, longer, sizeof longer, piece, &h));
		assert_string_equal(h.text, "");
		frames = (grpc_frames){.max_bytes = 5};
		h.answer = EMR_INTERRUPTED;
		assert_status(EMR_INTERRUPTED, feed(&frames, one, sizeof one, piece, &h));
		assert_string_equal(h.text, "[x]");
		grpc_frames_free(&frames);
	}
}

/* ---- how it ended ---- */

static grpc_said said_of(const char *const *lines)
{
	grpc_said said;

	grpc_said_begin(&said);
	for (size_t i = 0; lines[i] != NULL; i++)
		grpc_said_line(&said, emr_bytes_of(lines[i], strlen(lines[i])));
	return said;
}

TEST(a_status_is_read_from_headers_and_trailers)
{
	grpc_said said = said_of((const char *const[]){"HTTP/2 103 \r\n", "grpc-status: 0\r\n",
		"HTTP/2 200 \r\n", "Content-Type: application/grpc+proto\r\n", "\r\n", NULL});

	assert_true(said.is_grpc);
	assert_int_equal(said.code, GRPC_MISSING); /* what an earlier head said is over */
	grpc_said_line(&said, emr_bytes_of("GRPC-Status:0\r\n", 15));
	assert_int_equal(said.code, 0);
	said = said_of((const char *const[]){"grpc-status:", NULL});
	assert_int_equal(said.code, GRPC_UNKNOWN);
	said = said_of((const char *const[]){"grpc-status: 00000000000000000014", NULL});
	assert_int_equal(said.code, 14);
	said = said_of((const char *const[]){"grpc-status: 4294967296", NULL});
	assert_int_equal(said.code, GRPC_UNKNOWN);
	said = said_of((const char *const[]){"grpc-status: -0", NULL});
	assert_int_equal(said.code, GRPC_UNKNOWN);
	said = said_of((const char *const[]){"content-type: application/grpc-web", NULL});
	assert_false(said.is_grpc);
	said = said_of((const char *const[]){"", ":", "grpc-status", "no colon", NULL});
	assert_int_equal(said.code, GRPC_MISSING);
}

TEST(a_message_is_one_line_of_printable_characters)
{
	grpc_said said = said_of(
		(const char *const[]){"grpc-message: caf%C3%A9%0d%0a%1B[31m %zz %2 100%", NULL});
	char longest[4000] = "grpc-message: ";

	assert_string_equal(said.message, "caf     [31m %zz %2 100%");
	memset(longest + 14, 'x', sizeof longest - 15);
	said = said_of((const char *const[]){longest, NULL});
	assert_int_equal(strlen(said.message), GRPC_TEXT_BYTES - 1);
}

TEST(details_name_who_said_what)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("gateway.json");
	EMR_AUTO_BUF buf = {0};
	emr_bytes status = vectors_hex(root, "status_details", &buf);
	char line[4096] = "grpc-status-details-bin: ";
	size_t head = strlen(line);
	grpc_said said;

	/* One that is padded is taken, too. */
	for (int variant = 0; variant < 2; variant++) {
		(void)sodium_bin2base64(line + head, sizeof line - head, status.data, status.len,
			variant == 0 ? sodium_base64_VARIANT_ORIGINAL_NO_PADDING
				     : sodium_base64_VARIANT_ORIGINAL);
		said = said_of((const char *const[]){"grpc-status: 10", line, NULL});
		assert_string_equal(said.detail,
			"OrgA at 127.0.0.1:7051: chaincode response 400, refused 23: not "
			"authorised ; "
			"OrgA at 127.0.0.1:7051: chaincode response 400, refused 23: not "
			"authorised ");
		assert_int_equal(grpc_fault(&said), EMR_GATEWAY_REFUSED);
	}
	said = said_of(
		(const char *const[]){"grpc-status: 10", "grpc-status-details-bin: !!", NULL});
	assert_string_equal(said.detail, "");
	assert_int_equal(grpc_fault(&said), EMR_GATEWAY_ENDORSEMENT);
}

TEST(every_fault_has_a_name_a_status_and_a_line)
{
	for (int i = 1; i < EMR_GATEWAY_FAULT_COUNT; i++) {
		emr_gateway_fault fault = (emr_gateway_fault)i;

		assert_true(strlen(emr_gateway_fault_name(fault)) > 0);
		assert_true(emr_gateway_fault_status(fault) != EMR_OK);
		assert_true(strlen(emr_gateway_fault_advice(fault)) > 20);
		for (int j = 1; j < i; j++)
			assert_string_not_equal(emr_gateway_fault_name(fault),
				emr_gateway_fault_name((emr_gateway_fault)j));
	}
	assert_int_equal(emr_gateway_fault_status(EMR_GATEWAY_FINE), EMR_OK);
	assert_string_equal(emr_gateway_fault_name(EMR_GATEWAY_FAULT_COUNT), "");
}

TESTS(NULL, NULL)
