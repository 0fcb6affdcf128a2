/* These tests try the client of Fabric's gateways against the one for tests (gateway_calls.c):
 * no transaction is lost or made twice whatever sending it says, and events are told as they
 * come. */
#include "gateway_kit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

AUTO_OF(emr_gateway_close, emr_gateway *)

/* ---- never lost, never twice ---- */

/* How often the gateway was given the transaction that came there most often. */
static int came(emr_gateway *gateway)
{
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF out = {0};

	assert_ok(evaluate(gateway, &call, "came", "", &out));
	assert_ok(emr_buf_append(&out, "", 1));
	return atoi((const char *)out.data);
}

/* All seems well, and nothing comes of it: whoever waited tries again, longer each time, until the
 * gateway has had it twice. Envelopes from then on are taken. */
static void give_in_vain(emr_gateway *gateway, emr_bytes envelope)
{
	emr_gateway_call call = emr_gateway_call_of(300, -1);
	emr_gateway_commit commit;
	bool is_retry = false;

	while (came(gateway) < 2) {
		assert_status(EMR_TIMEOUT,
			emr_gateway_settle(gateway, &call, envelope, is_retry, &commit));
		assert_true(call.is_open);
		call.timeout_ms *= 2;
		is_retry = true;
	}
	assert_said(gateway, "take", "", "");
}

TEST(a_failed_submit_is_no_failed_transaction)
{
	static const char *const channels[] = {
		"lost-answer", "lost-first", "late", "other-orderer", "duplicate"};

	for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
		bool is_late = strcmp(channels[i], "late") == 0;
		emr_gateway *gateway = open_at(PLAIN, channels[i]);
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		EMR_AUTO_BUF envelope = {0};
		emr_gateway_commit commit = {.validation = -1};

		assert_ok(endorse(gateway, &call, "batch", &envelope));
		if (is_late)
			give_in_vain(gateway, emr_buf_view(&envelope));
		assert_ok(emr_gateway_settle(
			gateway, &call, emr_buf_view(&envelope), is_late, &commit));
		assert_int_equal(commit.validation, 0);
		assert_false(call.is_open);
		assert_said(gateway, "effects", "batch", "1");
		assert_said(gateway, "proposals", "batch", "1");
		emr_gateway_close(gateway);
	}
}

TEST(what_nobody_can_tell_stays_open)
{
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(PLAIN, "lost-all");
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};
	emr_gateway_commit commit;

	assert_ok(endorse(gateway, &call, "batch", &envelope));
	assert_status(EMR_OFFLINE, emr_gateway_submit(gateway, &call, emr_buf_view(&envelope)));
	assert_true(call.is_open);
	call.timeout_ms = 1250;
	do { /* too little time for any answer tells nothing */
		call.timeout_ms *= 2;
		(void)emr_gateway_settle(gateway, &call, emr_buf_view(&envelope), false, &commit);
		assert_true(call.is_open);
	} while (call.fault == EMR_GATEWAY_SLOW && call.timeout_ms < PATIENCE_MS);
	assert_fault(EMR_GATEWAY_UNAVAILABLE, &call);
	assert_string_equal(emr_gateway_stage_name(call.stage), "submit");
	assert_int_equal(strlen(call.tx_id), 64);
}

TEST(a_transaction_that_counts_for_nothing_is_told_apart)
{
	static const struct {
		const char *channel;
		emr_gateway_fault fault;
		int validation;
		const char *said;
	} rows[] = {{"overtaken", EMR_GATEWAY_OVERTAKEN, 11, "validation code 11"},
		{"policy", EMR_GATEWAY_POLICY, 10, "validation code 10"},
		{"expired-chaincode", EMR_GATEWAY_INVALID, 17, "validation code 17"}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		emr_gateway *gateway = open_at(PLAIN, rows[i].channel);
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		EMR_AUTO_BUF envelope = {0};
		emr_gateway_commit commit = {.validation = -1};

		assert_ok(endorse(gateway, &call, "batch", &envelope));
		assert_status(emr_gateway_fault_status(rows[i].fault),
			emr_gateway_settle(
				gateway, &call, emr_buf_view(&envelope), false, &commit));
		assert_fault(rows[i].fault, &call);
		assert_int_equal(call.validation, rows[i].validation);
		assert_int_equal(commit.validation, rows[i].validation);
		assert_string_equal(call.said, rows[i].said);
		assert_string_equal(emr_gateway_stage_name(call.stage), "commit");
		assert_false(call.is_open);
		assert_said(gateway, "effects", "batch", "0");
		emr_gateway_close(gateway);
	}
}

TEST(a_status_of_no_block_is_no_success)
{
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(PLAIN, "no-block");
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	emr_gateway_commit commit;
	char tx_id[EMR_GATEWAY_TX_ID_BYTES];

	memset(tx_id, 'a', sizeof tx_id - 1);
	tx_id[sizeof tx_id - 1] = '\0';
	assert_status(EMR_UNSUPPORTED, emr_gateway_commit_status(gateway, &call, tx_id, &commit));
	assert_fault(EMR_GATEWAY_STRANGE, &call);
	assert_true(call.is_open);
}

/* A computer that loses power between two lines of this: the envelope is all that is left. */
TEST(who_is_killed_at_any_point_ends_what_he_began)
{
	for (int point = 0; point < 3; point++) {
		char channel[32];
		int fds[2];
		pid_t child;
		int status;
		EMR_AUTO_BUF envelope = {0};
		uint8_t bytes[65536];
		ssize_t n;
		emr_gateway *gateway;
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		emr_gateway_commit commit;

		(void)snprintf(channel, sizeof channel, "honest.killed.%d", point);
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			gateway = open_at(PLAIN, channel);
			if (endorse(gateway, &call, "batch", &envelope) != EMR_OK ||
				write(fds[1], envelope.data, envelope.len) < 0)
				_exit(1);
			if (point > 0 && emr_gateway_submit(
						 gateway, &call, emr_buf_view(&envelope)) != EMR_OK)
				_exit(1);
			if (point > 1 && emr_gateway_commit_status(
						 gateway, &call, call.tx_id, &commit) != EMR_OK)
				_exit(1);
			(void)raise(SIGKILL);
		}
		(void)close(fds[1]);
		while ((n = read(fds[0], bytes, sizeof bytes)) > 0)
			assert_ok(emr_buf_append(&envelope, bytes, (size_t)n));
		(void)close(fds[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		gateway = open_at(PLAIN, channel);
		assert_ok(
			emr_gateway_settle(gateway, &call, emr_buf_view(&envelope), true, &commit));
		assert_said(gateway, "effects", "batch", "1");
		assert_said(gateway, "came", "", "1");
		emr_gateway_close(gateway);
	}
}

TEST(nothing_but_an_envelope_of_ours_is_sent)
{
	AUTO(auto_emr_gateway_close)
	emr_gateway *gateway = open_at(PLAIN, "honest.ours"),
		    *other = open_at(PLAIN, "honest.other");
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};
	emr_gateway_commit commit;

	assert_ok(endorse(gateway, &call, "batch", &envelope));
	assert_status(EMR_DAMAGED, emr_gateway_submit(other, &call, emr_buf_view(&envelope)));
	assert_status(EMR_DAMAGED,
		emr_gateway_settle(other, &call, emr_buf_view(&envelope), true, &commit));
	assert_true(call.is_open); /* it may have been sent before */
	assert_status(EMR_DAMAGED, emr_gateway_submit(gateway, &call, emr_bytes_of("noise", 5)));
	assert_false(call.is_open);
}

/* ---- events ---- */

typedef struct listener {
	int fd; /* ends it after WANTED events */
	size_t wanted, told, ends;
	uint64_t last_block;
	char text[256];
} listener;

static emr_status hear(void *arg, const emr_gateway_event *event)
{
	listener *l = arg;
	size_t used = strlen(l->text);
	uint64_t one = 1;

	if (event->is_block_end) {
		l->ends++;
		l->last_block = event->block;
		if (l->told == l->wanted && write(l->fd, &one, sizeof one) < 0)
			return EMR_IO;
		return EMR_OK;
	}
	l->told++;
	(void)snprintf(l->text + used, sizeof l->text - used, "%llu:%.*s:%.*s ",
		(unsigned long long)event->block, (int)event->name.len, event->name.data,
		(int)event->payload.len, event->payload.data);
	return EMR_OK;
}

static void commit_one(emr_gateway *gateway, const char *text)
{
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};
	emr_gateway_commit commit;

	assert_ok(endorse(gateway, &call, text, &envelope));
	assert_ok(emr_gateway_settle(gateway, &call, emr_buf_view(&envelope), false, &commit));
}

static void *commit_more(void *arg)
{
	commit_one(arg, "three");
	return NULL;
}

TEST(events_are_told_from_a_block_on_and_as_they_come)
{
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(PLAIN, "honest.events");
	listener l = {.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .wanted = 2};
	emr_gateway_call call = emr_gateway_call_of(0, l.fd);
	pthread_t thread;

	commit_one(gateway, "one");
	commit_one(gateway, "two");
	assert_int_equal(pthread_create(&thread, NULL, commit_more, gateway), 0);
	assert_status(EMR_INTERRUPTED, emr_gateway_events(gateway, &call, 2, hear, &l));
	(void)pthread_join(thread, NULL);
	assert_string_equal(l.text, "2:batch:two 3:batch:three ");
	assert_int_equal(l.ends, 2);
	assert_int_equal(l.last_block, 3);
	(void)close(l.fd);
}

TEST(events_that_cannot_be_end_the_stream)
{
	static const struct {
		const char *channel;
		emr_gateway_fault fault;
		size_t told;
	} rows[] = {{"events-of-another", EMR_GATEWAY_STRANGE, 0},
		{"events-backwards", EMR_GATEWAY_STRANGE, 1},
		{"events-end", EMR_GATEWAY_BROKEN_OFF, 1}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		emr_gateway *gateway = open_at(PLAIN, rows[i].channel);
		listener l = {.fd = -1, .wanted = 99};
		emr_gateway_call call = emr_gateway_call_of(0, -1);

		commit_one(gateway, "one");
		commit_one(gateway, "two");
		assert_status(emr_gateway_fault_status(rows[i].fault),
			emr_gateway_events(gateway, &call, 0, hear, &l));
		assert_fault(rows[i].fault, &call);
		assert_int_equal(l.told, rows[i].told);
		emr_gateway_close(gateway);
	}
}

TEST(listening_ends_with_its_time)
{
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(PLAIN, "honest.quiet");
	listener l = {.fd = -1, .wanted = 99};
	emr_gateway_call call = emr_gateway_call_of(200, -1);

	assert_status(EMR_TIMEOUT, emr_gateway_events(gateway, &call, 0, hear, &l));
	assert_fault(EMR_GATEWAY_SLOW, &call);
}

int main(int argc, char **argv)
{
	return kit_begin(argc, argv) ? emr_tests_run(NULL, NULL) : 2;
}
