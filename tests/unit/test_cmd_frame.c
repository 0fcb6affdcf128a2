/* These tests send requests over the socket: they arrive as they were sent, nonsense and too
 * much is refused, and so is a process of another user. */
#include "emr_test.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/codec.h"
#include "kit/frame.h"

static emr_status parse(const char *json, emr_request *out)
{
	const size_t len = strlen(json);
	json_t *object = NULL;
	uint8_t head[4];
	emr_status status;
	int ends[2];

	emr_put_u32(head, (uint32_t)len);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[0], head, sizeof head), sizeof head);
	assert_int_equal(write(ends[0], json, len), (ssize_t)len);
	status = emr_frame_receive(ends[1], 1000, &object);
	if (status == EMR_OK)
		status = emr_request_parse(object, out);
	json_decref(object);
	close(ends[0]);
	close(ends[1]);
	return status;
}

TEST(a_request_survives_the_way)
{
	emr_request sent = {.ask = EMR_ASK_VERIFY, .has_path = true, .quick = true, .limit = 7},
		    received;
	int ends[2];
	json_t *object = NULL, *made;

	snprintf(sent.path, sizeof sent.path, "Imaging/São.pdf");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	made = emr_request_make(&sent);
	assert_ok(emr_frame_send(ends[0], made, 1000));
	assert_ok(emr_frame_receive(ends[1], 1000, &object));
	assert_ok(emr_request_parse(object, &received));
	assert_int_equal(received.ask, EMR_ASK_VERIFY);
	assert_true(received.has_path && received.quick && !received.now && !received.chain);
	assert_string_equal(received.path, sent.path);
	assert_int_equal(received.limit, 7);
	json_decref(object);
	json_decref(made);
	close(ends[0]);
	assert_status(EMR_NOT_FOUND, emr_frame_receive(ends[1], 1000, &object));
	close(ends[1]);
}

TEST(the_language_of_the_answer_survives_and_a_long_one_is_refused)
{
	emr_request sent = {.ask = EMR_ASK_STATUS, .language = "pt"}, received;
	json_t *made = emr_request_make(&sent);

	assert_ok(emr_request_parse(made, &received));
	assert_string_equal(received.language, "pt");
	json_decref(made);
	assert_ok(parse("{\"v\":1,\"verb\":\"status\"}", &received));
	assert_string_equal(received.language, "");
	assert_status(EMR_INVALID,
		parse("{\"v\":1,\"verb\":\"status\",\"language\":\"0123456789abcdef\"}",
			&received));
	assert_status(EMR_DAMAGED,
		parse("{\"v\":1,\"verb\":\"status\",\"language\":\"p\\u0000t\"}", &received));
	assert_status(
		EMR_INVALID, parse("{\"v\":1,\"verb\":\"status\",\"language\":1}", &received));
}

TEST(a_path_that_is_no_utf8_survives_too)
{
	emr_request sent = {.ask = EMR_ASK_STATUS, .has_path = true}, received;
	json_t *made;

	snprintf(sent.path, sizeof sent.path, "a\xff\x01z");
	made = emr_request_make(&sent);
	assert_ok(emr_request_parse(made, &received));
	assert_string_equal(received.path, "a\xff\x01z");
	json_decref(made);
}

TEST(a_request_for_access_survives_the_way)
{
	emr_request sent = {.ask = EMR_ASK_REQUEST, .purposes = 9, .until_unix_s = 1795183500},
		    received;
	json_t *made;

	snprintf(sent.who, sizeof sent.who, "ana");
	snprintf(sent.id, sizeof sent.id, "r-4m8t");
	memset(sent.reason, 'x', EMR_ASK_REASON_MAX);
	made = emr_request_make(&sent);
	assert_ok(emr_request_parse(made, &received));
	assert_int_equal(received.purposes, 9);
	assert_string_equal(received.id, "r-4m8t");
	assert_string_equal(received.reason, sent.reason);
	json_decref(made);
	assert_status(
		EMR_INVALID, parse("{\"v\":1,\"verb\":\"request\",\"purposes\":512}", &received));
	assert_status(EMR_INVALID, parse("{\"v\":1,\"verb\":\"deny\",\"id\":\"\"}", &received));
	assert_status(EMR_INVALID, parse("{\"v\":1,\"verb\":\"deny\",\"id\":7}", &received));
}

TEST(a_restore_says_what_when_and_where_to)
{
	emr_request sent = {.ask = EMR_ASK_RESTORE,
		.has_path = true,
		.has_to = true,
		.until_unix_s = 1795183500,
		.version = 12};
	emr_request received;
	json_t *made;

	snprintf(sent.path, sizeof sent.path, "Imaging/São.pdf");
	snprintf(sent.to, sizeof sent.to, "b\xff");
	made = emr_request_make(&sent);
	assert_ok(emr_request_parse(made, &received));
	assert_int_equal(received.ask, EMR_ASK_RESTORE);
	assert_true(received.has_path && received.has_to);
	assert_string_equal(received.path, sent.path);
	assert_string_equal(received.to, sent.to);
	assert_int_equal(received.until_unix_s, 1795183500);
	assert_int_equal(received.version, 12);
	json_decref(made);
	assert_status(
		EMR_INVALID, parse("{\"v\":1,\"verb\":\"restore\",\"version\":-1}", &received));
	assert_status(
		EMR_INVALID, parse("{\"v\":1,\"verb\":\"restore\",\"until\":\"now\"}", &received));
	assert_status(EMR_INVALID,
		parse("{\"v\":1,\"verb\":\"restore\",\"to\":\"a\",\"to_hex\":\"62\"}", &received));
}

TEST(a_question_about_people_survives_the_way)
{
	static emr_request request = {.ask = EMR_ASK_PEOPLE,
		.who = "jo\xc3\xa3o",
		.name = "N",
		.mine = true,
		.number = true,
		.compared = true,
		.card = {1, 0, 255},
		.card_len = 3};
	static emr_request again;
	json_t *object = emr_request_make(&request);

	assert_ok(emr_request_parse(object, &again));
	assert_int_equal(again.ask, EMR_ASK_PEOPLE);
	assert_string_equal(again.who, request.who);
	assert_string_equal(again.name, "N");
	assert_true(again.mine && again.number && again.compared && !again.drop);
	assert_int_equal(again.card_len, 3);
	assert_memory_equal(again.card, request.card, 3);
	json_object_set_new(object, "card", json_string("01f"));
	assert_status(EMR_INVALID, emr_request_parse(object, &again));
	json_object_set_new(object, "card", json_string(""));
	assert_status(EMR_INVALID, emr_request_parse(object, &again));
	json_object_del(object, "card");
	json_object_set_new(object, "who", json_stringn("a\0b", 3));
	assert_status(EMR_INVALID, emr_request_parse(object, &again));
	json_decref(object);
}

TEST(every_kind_of_question_is_understood)
{
	for (int ask = 0; ask < EMR_ASK_COUNT; ask++) {
		const emr_request sent = {.ask = (emr_request_kind)ask};
		emr_request received;
		json_t *made = emr_request_make(&sent);

		assert_ok(emr_request_parse(made, &received));
		assert_int_equal(received.ask, ask);
		json_decref(made);
	}
}

TEST(what_is_no_request_is_refused)
{
	static const struct {
		const char *json;
		emr_status status;
	} cases[] = {
		{"", EMR_LIMIT},
		{"[]", EMR_DAMAGED},
		{"{\"v\":1,\"verb\":\"status\"", EMR_DAMAGED},
		{"{\"v\":1,\"verb\":\"status\"} x", EMR_DAMAGED},
		{"{\"v\":1,\"v\":1,\"verb\":\"status\"}", EMR_DAMAGED},
		{"{}", EMR_INVALID},
		{"{\"verb\":\"status\"}", EMR_INVALID},
		{"{\"v\":\"1\",\"verb\":\"status\"}", EMR_INVALID},
		{"{\"v\":1,\"verb\":7}", EMR_INVALID},
		{"{\"v\":2,\"verb\":\"status\"}", EMR_NEWER_FORMAT},
		{"{\"v\":1,\"verb\":\"decrypt\"}", EMR_UNSUPPORTED},
		{"{\"v\":1,\"verb\":\"sign\"}", EMR_UNSUPPORTED},
		{"{\"v\":1,\"verb\":\"status\",\"key\":1}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"status\",\"now\":1}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"status\",\"path\":1}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"status\",\"path\":\"a\",\"path_hex\":\"62\"}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"status\",\"path_hex\":\"6\"}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"status\",\"path_hex\":\"6100\"}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"wait\",\"timeout_ms\":10001}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"wait\",\"timeout_ms\":-1}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"wait\",\"timeout_ms\":1.5}", EMR_INVALID},
		{"{\"v\":1,\"verb\":\"ledger\",\"limit\":99999999999}", EMR_INVALID},
	};
	emr_request request;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_status(cases[i].status, parse(cases[i].json, &request));
}

TEST(a_path_may_have_4096_bytes_and_no_more)
{
	char json[5000], path[EMR_ASK_PATH_MAX + 2];
	emr_request request;

	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	snprintf(json, sizeof json, "{\"v\":1,\"verb\":\"status\",\"path\":\"%s\"}", path);
	assert_status(EMR_INVALID, parse(json, &request));
	path[EMR_ASK_PATH_MAX] = '\0';
	snprintf(json, sizeof json, "{\"v\":1,\"verb\":\"status\",\"path\":\"%s\"}", path);
	assert_ok(parse(json, &request));
	assert_int_equal(strlen(request.path), EMR_ASK_PATH_MAX);
}

TEST(a_frame_has_1_to_65536_bytes)
{
	uint8_t head[4];
	size_t len;

	emr_put_u32(head, 0);
	assert_status(EMR_LIMIT, emr_frame_length(head, &len));
	emr_put_u32(head, EMR_FRAME_MAX + 1);
	assert_status(EMR_LIMIT, emr_frame_length(head, &len));
	emr_put_u32(head, UINT32_MAX);
	assert_status(EMR_LIMIT, emr_frame_length(head, &len));
	emr_put_u32(head, EMR_FRAME_MAX);
	assert_ok(emr_frame_length(head, &len));
	assert_int_equal(len, EMR_FRAME_MAX);
}

TEST(an_answer_that_does_not_fit_is_not_sent)
{
	char *text = malloc(EMR_FRAME_MAX + 1);
	json_t *object;
	uint8_t byte;
	int ends[2];

	assert_non_null(text);
	memset(text, 'x', EMR_FRAME_MAX);
	text[EMR_FRAME_MAX] = '\0';
	object = json_pack("{s:s}", "t", text);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_status(EMR_LIMIT, emr_frame_send(ends[0], object, 1000));
	assert_int_equal(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1);
	json_decref(object);
	free(text);
	close(ends[0]);
	close(ends[1]);
}

TEST(a_peer_that_stops_in_the_middle_does_not_hold_us)
{
	static const uint8_t half[] = {0, 0, 0, 10, '{'};
	json_t *object = NULL;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[0], half, sizeof half), sizeof half);
	assert_status(EMR_TIMEOUT, emr_frame_receive(ends[1], 20, &object));
	close(ends[0]);
	assert_status(EMR_NOT_FOUND, emr_frame_receive(ends[1], 1000, &object));
	close(ends[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[0], half, sizeof half), sizeof half);
	close(ends[0]);
	assert_status(EMR_IO, emr_frame_receive(ends[1], 1000, &object));
	assert_null(object);
	close(ends[1]);
}

TEST(the_process_at_the_other_end_is_this_user)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_ok(emr_peer_check(ends[0]));
	close(ends[0]);
	close(ends[1]);
}

static uid_t also; /* added to what this process is */

WRAPPED(uid_t, geteuid, void)
{
	return __real_geteuid() + also;
}

/* Somebody else than this user: his process where this one may become it, else as if this were
 * another. */
TEST(a_process_of_another_user_is_refused)
{
	const struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "\0emrfs-frame-peer"};
	socklen_t len = sizeof at.sun_family + 1 + 16;
	int ends[2], listener, fd, code;
	pid_t child;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	also = 1;
	assert_status(EMR_DENIED, emr_peer_check(ends[0]));
	also = 0;
	close(ends[0]);
	close(ends[1]);
	if (__real_geteuid() != 0)
		return;
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	child = fork();
	if (child == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		_exit(setresuid(65534, 65534, 65534) != 0 ||
					connect(fd, (const struct sockaddr *)&at, len) != 0
				? 1
				: 0);
	}
	assert_int_equal(waitpid(child, &code, 0), child);
	assert_int_equal(code, 0);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_status(EMR_DENIED, emr_peer_check(fd));
	close(fd);
	close(listener);
}

TESTS(NULL, NULL)
