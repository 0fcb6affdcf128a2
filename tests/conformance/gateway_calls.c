/* These tests try the client of Fabric's gateways against one that is written for tests on Fabric's
 * own message types and grpc-go (chaincode/gateway_peer), and against answers that no gRPC library
 * gives: each call is done or refused, and every fault has its name. */
#include "gateway_kit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "contract/item.h"
#include "gateway/host.h"
#include "ledger/ledger.h"

AUTO_OF(emr_gateway_close, emr_gateway *)

/* ---- what works ---- */

TEST(a_transaction_goes_from_proposal_to_block)
{
	static const emr_gateway_endpoint none;
	const emr_gateway_identity *identities[] = {p256, ed25519};

	for (int i = 0; i < 6; i++) {
		int kind = i % 3;
		char channel[32];
		emr_gateway_endpoint endpoint = none;
		emr_gateway *gateway;
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		EMR_AUTO_BUF envelope = {0}, result = {0};
		emr_bytes args[3];
		emr_gateway_invocation invocation = asking(args, "echo", "batch ");
		emr_gateway_commit commit = {.validation = -1};

		(void)snprintf(channel, sizeof channel, "honest.%d", i);
		endpoint.address = address_of(kind);
		if (kind != PLAIN)
			endpoint.ca_file = file_of("tlsca.pem");
		if (kind == MUTUAL) {
			endpoint.cert_file = file_of("tls-client.pem");
			endpoint.key_file = file_of("tls-client.key");
		}
		gateway = open_of(&endpoint, 1, channel, identities[i / 3]);
		invocation.transient_name = "parts";
		invocation.transient = emr_bytes_of("sealed", 6);
		assert_ok(emr_gateway_endorse(gateway, &call, &invocation, &envelope, &result));
		assert_true(
			emr_bytes_equal(emr_buf_view(&result), emr_bytes_of("batch sealed", 12)));
		assert_false(call.is_open);
		assert_ok(emr_gateway_submit(gateway, &call, emr_buf_view(&envelope)));
		assert_true(call.is_open);
		assert_ok(emr_gateway_commit_status(gateway, &call, call.tx_id, &commit));
		assert_int_equal(commit.validation, 0);
		assert_int_equal(commit.block, 1);
		assert_false(call.is_open);
		assert_said(gateway, "effects", "batch ", "1");
		emr_gateway_close(gateway);
	}
}

TEST(megabytes_go_both_ways)
{
	static char text[6u << 20];
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(PLAIN, "honest.big");
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF out = {0};

	memset(text, 'x', sizeof text - 1);
	assert_ok(evaluate(gateway, &call, "echo", text, &out));
	assert_true(emr_bytes_equal(emr_buf_view(&out), emr_bytes_of(text, sizeof text - 1)));
}

typedef struct asker {
	emr_gateway *gateway;
	int number;
	bool is_fine;
} asker;

static void *ask_often(void *arg)
{
	asker *a = arg;

	for (int i = 0; i < 50; i++) {
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		EMR_AUTO_BUF out = {0};
		char text[32];

		(void)snprintf(text, sizeof text, "%d of %d", i, a->number);
		if (evaluate(a->gateway, &call, "echo", text, &out) != EMR_OK ||
			!emr_bytes_equal(emr_buf_view(&out), emr_bytes_of(text, strlen(text))))
			return NULL;
	}
	a->is_fine = true;
	return NULL;
}

TEST(threads_ask_at_once_and_each_gets_its_own_answer)
{
	emr_gateway_endpoint endpoint = {
		.address = address_of(SECURE), .ca_file = file_of("tlsca.pem")};
	AUTO(auto_emr_gateway_close)
	emr_gateway *gateway = open_of(&endpoint, 1, "honest.threads", p256);
	pthread_t threads[6];
	asker askers[6];

	for (int i = 0; i < 6; i++) {
		askers[i] = (asker){.gateway = gateway, .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
	}
	for (int i = 0; i < 6; i++) {
		(void)pthread_join(threads[i], NULL);
		assert_true(askers[i].is_fine);
	}
}

/* ---- faults by what the peer says ---- */

TEST(every_error_of_fabric_has_its_name_and_stage)
{
	static const struct {
		const char *name;
		emr_gateway_fault fault;
		int code, chaincode_status;
	} rows[] = {{"refused", EMR_GATEWAY_REFUSED, 2, 400},
		{"chaincode", EMR_GATEWAY_CHAINCODE, 2, 500}, {"busy", EMR_GATEWAY_BUSY, 2, 0},
		{"identity", EMR_GATEWAY_IDENTITY, 9, 0},
		{"org-unknown", EMR_GATEWAY_IDENTITY, 9, 0},
		{"no-peers", EMR_GATEWAY_NO_PEERS, 9, 0},
		{"no-evaluators", EMR_GATEWAY_NO_PEERS, 9, 0},
		{"no-endorsers", EMR_GATEWAY_NO_PEERS, 14, 0},
		{"precondition", EMR_GATEWAY_PRECONDITION, 9, 0},
		{"endorsement", EMR_GATEWAY_ENDORSEMENT, 10, 0},
		{"endorse-no", EMR_GATEWAY_REFUSED, 10, 400},
		{"mismatch", EMR_GATEWAY_MISMATCH, 10, 0},
		{"mismatch-at", EMR_GATEWAY_MISMATCH, 10, 0},
		{"duplicate", EMR_GATEWAY_DUPLICATE, 10, 0},
		{"not-spread", EMR_GATEWAY_NOT_SPREAD, 10, 0},
		{"too-large", EMR_GATEWAY_TOO_LARGE, 10, 0},
		{"too-large-bft", EMR_GATEWAY_TOO_LARGE, 14, 0},
		{"orderer", EMR_GATEWAY_ORDERER, 10, 0}, {"clock", EMR_GATEWAY_CLOCK, 14, 0},
		{"expired", EMR_GATEWAY_EXPIRED, 14, 0},
		{"unavailable", EMR_GATEWAY_UNAVAILABLE, 14, 0},
		{"permission", EMR_GATEWAY_PERMISSION, 7, 0},
		{"argument", EMR_GATEWAY_ARGUMENT, 3, 0},
		{"unimplemented", EMR_GATEWAY_UNIMPLEMENTED, 12, 0},
		{"slow", EMR_GATEWAY_SLOW, 4, 0}, {"exhausted", EMR_GATEWAY_TOO_LARGE, 8, 0},
		{"other", EMR_GATEWAY_ERROR, 15, 0}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		emr_gateway *gateway;
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		EMR_AUTO_BUF out = {0};

		gateway = open_at(PLAIN, printed("fail.%s", rows[i].name));
		assert_status(emr_gateway_fault_status(rows[i].fault),
			evaluate(gateway, &call, "echo", "x", &out));
		assert_fault(rows[i].fault, &call);
		assert_int_equal(call.grpc_status, rows[i].code);
		assert_int_equal(call.chaincode_status, rows[i].chaincode_status);
		assert_string_equal(emr_gateway_stage_name(call.stage), "evaluate");
		assert_status(emr_gateway_fault_status(rows[i].fault),
			endorse(gateway, &call, "x", &out));
		assert_fault(rows[i].fault, &call);
		assert_string_equal(emr_gateway_stage_name(call.stage), "endorse");
		assert_int_equal(strlen(call.tx_id), 64);
		assert_int_equal(out.len, 0);
		assert_false(call.is_open);
		emr_gateway_close(gateway);
	}
}

TEST(who_said_it_is_told)
{
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(PLAIN, "fail.unavailable");
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF out = {0};

	(void)evaluate(gateway, &call, "echo", "x", &out);
	assert_non_null(strstr(call.said, "OrgB at peer.org-b:7051: received unsuccessful"));
}

TEST(a_refusal_inside_of_an_answer_is_one)
{
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(PLAIN, "refuse");
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF out = {0};

	assert_status(EMR_REFUSED, evaluate(gateway, &call, "echo", "x", &out));
	assert_fault(EMR_GATEWAY_REFUSED, &call);
	assert_int_equal(call.chaincode_status, 400);
	assert_string_equal(call.said, "refused 23 : not authorised");
}

/* ---- lies ---- */

TEST(no_lie_gets_a_signature)
{
	static const char *const lies[] = {"channel", "transaction-id", "nonce", "creator",
		"argument", "chaincode", "private-part", "proposal-hash", "result", "two-actions",
		"one-endorsement", "one-organisation-twice", "broken-endorsement", "stranger",
		"other-organisations-peer", "unknown-field", "nothing", "noise"};

	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		emr_gateway *gateway;
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		EMR_AUTO_BUF out = {0};

		gateway = open_at(PLAIN, printed("lie.%s", lies[i]));
		assert_status(EMR_DAMAGED, endorse(gateway, &call, "x", &out));
		assert_fault(EMR_GATEWAY_LIE, &call);
		assert_string_equal(emr_gateway_stage_name(call.stage), "sign");
		assert_true(strlen(call.said) > 10);
		assert_int_equal(out.len, 0);
		emr_gateway_close(gateway);
	}
}

/* ---- answers that are none ---- */

TEST(answers_are_whole_or_an_error)
{
	static const struct {
		const char *script;
		emr_gateway_fault fault;
	} rows[] = {{"whole", EMR_GATEWAY_FINE}, {"split", EMR_GATEWAY_FINE},
		{"headers-first", EMR_GATEWAY_FINE}, {"trailers-only", EMR_GATEWAY_IDENTITY},
		{"long-message", EMR_GATEWAY_ERROR}, {"bad-details", EMR_GATEWAY_ENDORSEMENT},
		{"strange-code", EMR_GATEWAY_ERROR}, {"code-no-number", EMR_GATEWAY_ERROR},
		{"no-status", EMR_GATEWAY_NO_STATUS}, {"no-trailers", EMR_GATEWAY_NO_STATUS},
		{"no-message", EMR_GATEWAY_BROKEN_OFF}, {"two-messages", EMR_GATEWAY_STRANGE},
		{"half-head", EMR_GATEWAY_BROKEN_OFF}, {"half-message", EMR_GATEWAY_BROKEN_OFF},
		{"compressed", EMR_GATEWAY_STRANGE}, {"huge", EMR_GATEWAY_TOO_LARGE},
		{"no-proto", EMR_GATEWAY_STRANGE}, {"reset", EMR_GATEWAY_BROKEN_OFF},
		{"reset-behind", EMR_GATEWAY_BROKEN_OFF}, {"reset-at-once", EMR_GATEWAY_BROKEN_OFF},
		{"goaway", EMR_GATEWAY_BROKEN_OFF}, {"closed", EMR_GATEWAY_BROKEN_OFF},
		{"closed-within", EMR_GATEWAY_BROKEN_OFF}, {"html", EMR_GATEWAY_STRANGE},
		{"grpc-web", EMR_GATEWAY_STRANGE}, {"redirect", EMR_GATEWAY_STRANGE},
		{"status-503", EMR_GATEWAY_UNAVAILABLE}, {"status-403", EMR_GATEWAY_PERMISSION},
		{"endless", EMR_GATEWAY_STRANGE}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		emr_gateway *gateway = open_at(RAW, rows[i].script);
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		EMR_AUTO_BUF out = {0};
		emr_status status = evaluate(gateway, &call, "echo", "x", &out);

		if (call.fault != rows[i].fault ||
			status != emr_gateway_fault_status(rows[i].fault))
			fail_msg("%s is \"%s\" (%s)", rows[i].script,
				emr_gateway_fault_name(call.fault), call.said);
		assert_int_equal(out.len, status == EMR_OK ? 5 : 0);
		for (const char *at = call.said; *at != '\0'; at++)
			assert_in_range(*at, 0x20, 0x7e);
		emr_gateway_close(gateway);
	}
}

TEST(more_headers_than_anybody_keeps_end_the_call)
{
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(RAW, "many-headers");
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF out = {0};

	assert_true(evaluate(gateway, &call, "echo", "x", &out) != EMR_OK);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

TEST(a_peer_that_says_nothing_is_given_up)
{
	static const struct {
		int kind;
		const char *channel;
	} rows[] = {{RAW, "silent"}, {RAW, "drip"}, {PLAIN, "fail.silent"}};

	for (size_t i = 0; i < 3; i++) {
		emr_gateway *gateway = open_at(rows[i].kind, rows[i].channel);
		emr_gateway_call call = emr_gateway_call_of(300, -1);
		EMR_AUTO_BUF out = {0};
		int64_t began = now_ms();

		assert_status(EMR_TIMEOUT, evaluate(gateway, &call, "echo", "x", &out));
		assert_fault(EMR_GATEWAY_SLOW, &call);
		assert_true(now_ms() - began >= 200); /* and it was waited for */
		emr_gateway_close(gateway);
	}
}

static void *end_it(void *arg)
{
	uint64_t one = 1;

	assert_int_equal(write(*(int *)arg, &one, sizeof one), (ssize_t)sizeof one);
	return NULL;
}

TEST(somebody_who_gives_up_need_not_wait)
{
	EMR_AUTO_FD fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_at(RAW, "silent");
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, fd);
	EMR_AUTO_BUF out = {0};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, end_it, &fd), 0);
	assert_status(EMR_INTERRUPTED, evaluate(gateway, &call, "echo", "x", &out));
	assert_fault(EMR_GATEWAY_CANCELLED, &call);
	(void)pthread_join(thread, NULL);
}

static void *stop(void *arg)
{
	emr_ledger_stop(arg);
	return NULL;
}

/* Each of its calls may take a minute, and a service that ends has ninety seconds in all. */
TEST(who_ends_waits_for_no_peer)
{
	char *path = file_of("stopped-XXXXXX");
	const emr_span word = {(const uint8_t *)"OrgA", 4};
	const emr_descriptor_org org = {
		.org = {1}, .admin_pk = {2}, .name = word, .msp = word, .ca_der = word};
	const emr_descriptor network = {.norg = 1, .created_unix_s = 1, .name = word};
	uint8_t descriptor[1024];
	emr_host_options options = {.gateway = open_at(RAW, "silent"), .timeout_ms = 20000};
	size_t len = 0;
	emr_ledger *ledger = NULL;
	uint64_t size;
	pthread_t thread;

	assert_int_equal(emr_descriptor_encode(&network, &org, descriptor, sizeof descriptor, &len),
		EMR_CONTRACT_OK);
	options.descriptor = emr_bytes_of(descriptor, len);
	assert_non_null(mkdtemp(path));
	options.dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(options.dirfd >= 0);
	assert_ok(emr_host_open(&options, &ledger));
	assert_int_equal(pthread_create(&thread, NULL, stop, ledger), 0);
	for (int i = 0; i < 5; i++) /* that one, and all that come */
		assert_status(EMR_INTERRUPTED, emr_ledger_size(ledger, &size));
	(void)pthread_join(thread, NULL);
	emr_ledger_close(ledger);
	emr_gateway_close(options.gateway);
	(void)close(options.dirfd);
}

/* ---- the line ---- */

static emr_gateway_fault fault_at(const emr_gateway_endpoint *endpoint)
{
	emr_gateway *gateway = open_of(endpoint, 1, "honest.tls", p256);
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF out = {0};

	(void)evaluate(gateway, &call, "echo", "x", &out);
	emr_gateway_close(gateway);
	return call.fault;
}

/* Stands for somebody who is at the address for a moment only: a peer that ends, or another program
 * behind its port. */
static void *hang_up(void *arg)
{
	int line;

	while ((line = accept(*(int *)arg, NULL, NULL)) >= 0)
		(void)close(line);
	return NULL;
}

TEST(a_peer_that_hangs_up_is_away_and_refuses_nobody)
{
	char address[64];
	emr_gateway_endpoint endpoint = {.address = address, .ca_file = file_of("tlsca.pem")};
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof here;
	EMR_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &len), 0);
	(void)snprintf(address, sizeof address, "https://127.0.0.1:%d", ntohs(here.sin_port));
	assert_int_equal(pthread_create(&thread, NULL, hang_up, &fd), 0);
	assert_int_equal(fault_at(&endpoint), EMR_GATEWAY_BROKEN_OFF);
	(void)shutdown(fd, SHUT_RDWR);
	(void)pthread_join(thread, NULL);
}

TEST(a_peer_is_known_by_its_certificate)
{
	char other_name[64];
	emr_gateway_endpoint endpoint = {
		.address = address_of(SECURE), .ca_file = file_of("ca-a.pem")};

	assert_int_equal(fault_at(&endpoint), EMR_GATEWAY_TLS); /* its ca is not its tlsca */
	endpoint.ca_file = file_of("tlsca-2.pem");		/* of the same name, another key */
	assert_int_equal(fault_at(&endpoint), EMR_GATEWAY_TLS);
	endpoint.ca_file = file_of("tlsca.pem");
	assert_int_equal(fault_at(&endpoint), EMR_GATEWAY_FINE);
	(void)snprintf(other_name, sizeof other_name, "https://localhost:%d", ports[SECURE]);
	endpoint.address = other_name;
	assert_int_equal(fault_at(&endpoint), EMR_GATEWAY_TLS);
	endpoint.address = address_of(MUTUAL); /* without a certificate of ours */
	assert_int_equal(fault_at(&endpoint), EMR_GATEWAY_BROKEN_OFF);
	endpoint.cert_file = file_of("nowhere.pem");
	endpoint.key_file = file_of("tls-client.key");
	assert_int_equal(fault_at(&endpoint), EMR_GATEWAY_CERTIFICATE_FILE);
}

/* A name of 64 letters without a dot is none that a name server is asked for. */
TEST(a_name_that_nobody_has_is_told)
{
	const emr_gateway_endpoint endpoint = {
		.address = "https://"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:7051",
		.ca_file = file_of("tlsca.pem")};

	assert_int_equal(fault_at(&endpoint), EMR_GATEWAY_NO_HOST);
}

TEST(the_next_gateway_is_asked_and_one_that_fails_rests)
{
	emr_gateway_endpoint endpoints[] = {
		{.address = "http://127.0.0.1:1"}, {.address = address_of(PLAIN)}};
	emr_gateway *gateway = open_of(endpoints, 2, "honest.two", p256);
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF out = {0};

	for (int i = 0; i < 5; i++) {
		assert_ok(evaluate(gateway, &call, "echo", "x", &out));
		assert_int_equal(call.endpoint, 1);
	}
	emr_gateway_close(gateway);
	gateway = open_of(endpoints, 1, "honest.two", p256);
	for (int i = 0; i < 3; i++) {
		assert_status(EMR_OFFLINE, evaluate(gateway, &call, "echo", "x", &out));
		assert_fault(EMR_GATEWAY_NO_ANSWER, &call);
	}
	assert_status(EMR_OFFLINE, evaluate(gateway, &call, "echo", "x", &out));
	assert_fault(EMR_GATEWAY_RESTING, &call);
	emr_gateway_close(gateway);
}

/* A peer that was stopped, or cut off, holds up one call, and not every one behind it. */
TEST(one_that_says_nothing_is_asked_after_the_others)
{
	emr_gateway_endpoint endpoints[] = {
		{.address = address_of(RAW)}, {.address = address_of(PLAIN)}};
	AUTO(auto_emr_gateway_close) emr_gateway *gateway = open_of(endpoints, 2, "silent", p256);
	emr_gateway_call call = emr_gateway_call_of(300, -1);
	EMR_AUTO_BUF out = {0};

	assert_status(EMR_TIMEOUT, evaluate(gateway, &call, "echo", "x", &out));
	assert_int_equal(call.endpoint, 0);
	call.timeout_ms = PATIENCE_MS;
	assert_ok(evaluate(gateway, &call, "echo", "x", &out));
	assert_int_equal(call.endpoint, 1);
}

int main(int argc, char **argv)
{
	return kit_begin(argc, argv) ? emr_tests_run(NULL, NULL) : 2;
}
