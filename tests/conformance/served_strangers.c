/* These tests show who may read from a host. Hostile clients come without a token, with a forged or
 * an old one, with garbage, with bodies and headers beyond all limits, with connections that say
 * nothing; and the host goes away and comes back. */
#include "served_kit.h"

#include <pthread.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/codec.h"
#include "crypto/kdf.h"
#include "http/request.h"
#include "ledger/act_send.h"
#include "ledger/admission.h"
#include "ledger/hash.h"
#include "replica/people.h"

AUTO_OF(emr_served_stop, emr_served *)

static kit k;

AROUND(begin)
{
	kit_backend_in_use = &kit_served;
	kit_new(&k);
}

AROUND_BY(end, kit_end(&k))

/* ---- a second door of the same host: a Unix socket, for requests made by hand ---- */

static char socket_path[108];

static emr_served *host_with(unsigned connections_max, int mail_dirfd, uint64_t bytes_max)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char dir[96];
	emr_served *host = NULL;
	emr_served_options options = {.path = dir,
		.mail_dirfd = mail_dirfd,
		.clock = &k.clock.clock,
		.connections_max = connections_max,
		.bytes_max = bytes_max,
		.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	memcpy(options.secret, kit_host_secret, sizeof options.secret);
	(void)snprintf(dir, sizeof dir, "%s/host", k.base);
	(void)snprintf(socket_path, sizeof socket_path, "%s/socket", k.base);
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path);
	(void)unlink(socket_path);
	assert_int_equal(bind(options.listen_fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(options.listen_fd, 64), 0);
	assert_ok(emr_served_start(&options, &host));
	return host;
}

static emr_served *host_at_socket(unsigned connections_max)
{
	return host_with(connections_max, -1, 0);
}

static int connect_raw(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static long ask(emr_http *http, const char *method, const char *path, const char *header,
	emr_bytes body, emr_buf *out)
{
	const char *headers[] = {header, NULL};
	emr_http_answer answer;
	emr_http_request request = {.method = method,
		.path = path,
		.body = body,
		.headers = headers,
		.timeout_ms = 30000,
		.answer_max = (size_t)16 << 20};

	emr_buf_clear(out);
	(void)!emr_http_ask(http, &request, out, &answer);
	return answer.status;
}

static emr_http *open_socket(void)
{
	emr_http *http = NULL;
	emr_http_server server = {.url = "http://host", .socket = socket_path};

	assert_ok(emr_http_open(&server, &http));
	return http;
}

TEST_IN(begin, end, reading_takes_a_token)
{
	static const char *const closed[] = {
		"size", "entries", "note", "items/00", "subtree?level=0&index=0"};
	AUTO(auto_emr_served_stop) emr_served *host = host_at_socket(0);
	EMR_AUTO_HTTP http = open_socket();
	EMR_AUTO_BUF out = {0};
	char path[64], forged[8 + 24 + 96];

	assert_int_equal(ask(http, "GET", "/emrfs/v1/descriptor", NULL, (emr_bytes){0}, &out), 200);
	assert_true(emr_bytes_equal(emr_buf_view(&out), emr_ledger_descriptor(k.ledger)));
	(void)snprintf(forged, sizeof forged, "Authorization: Bearer %096d", 0);
	for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
		(void)snprintf(path, sizeof path, "/emrfs/v1/%s", closed[i]);
		assert_int_equal(ask(http, "GET", path, NULL, (emr_bytes){0}, &out), 401);
		assert_int_equal(ask(http, "GET", path, forged, (emr_bytes){0}, &out), 401);
	}
	assert_int_equal(ask(http, "POST", "/emrfs/v1/parts", forged, (emr_bytes){0}, &out), 401);
	assert_int_equal(ask(http, "GET", "/etc/passwd", NULL, (emr_bytes){0}, &out), 404);
	assert_int_equal(emr_served_count(host).refused, 2 * 5 + 2);
}

/* The kit's member, with a token of this host. */
static void write_bearer(emr_http *http, char out[160])
{
	uint8_t request[104];
	EMR_AUTO_BUF answer = {0};

	kit_sign(&k, k.keyring, emr_served_key(kit_host_secret), KIT_NOW, (emr_bytes){0}, request);
	assert_int_equal(ask(http, "POST", "/emrfs/v1/token", NULL,
				 emr_bytes_of(request, sizeof request), &answer),
		200);
	(void)snprintf(out, 160, "Authorization: Bearer %.96s", (const char *)answer.data);
}

typedef struct letter_case {
	const char *method, *letter, *bearer, *body; /* BODY NULL: an end in a minute */
	long code;
} letter_case;

static void check_letters(emr_http *http, const letter_case *cases, size_t n, uint64_t now)
{
	EMR_AUTO_BUF out = {0};
	uint8_t end[8];

	emr_put_u64(end, now + 60);
	for (size_t i = 0; i < n; i++) {
		const letter_case *c = &cases[i];

		assert_int_equal(
			ask(http, c->method, printed("/emrfs/v1/letters/%s", c->letter), c->bearer,
				c->body != NULL ? emr_bytes_of(c->body, strlen(c->body))
						: emr_bytes_of(end, sizeof end),
				&out),
			c->code);
	}
}

#define LETTER_ID "00112233445566778899aabbccddeeff"
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223.application" /* the SHA-256 of "abc" */

/* The administrator's side of a letter is a member's; an answered invitation waits to its end. */
TEST_IN(begin, end, letters_are_for_their_two_sides)
{
	static const char reply[] = LETTER_ID ".reply", answer[] = LETTER_ID ".certificate",
			  invitation[] = LETTER_ID ".invitation";
	char bearer[160];
	const letter_case cases[] = {{"POST", reply, NULL, "abc", 404},
		{"POST", invitation, NULL, NULL, 401}, {"POST", invitation, bearer, "abc", 400},
		{"POST", invitation, bearer, "\x01\xff\xff\xff\xff\xff\xff\xff", 400},
		{"GET", invitation, NULL, "", 404}, {"POST", invitation, bearer, NULL, 200},
		{"GET", invitation, NULL, "", 200}, {"POST", reply, NULL, "abc", 200},
		{"GET", reply, NULL, "", 401}, {"GET", reply, bearer, "", 200},
		{"POST", answer, NULL, "abc", 401}, {"GET", answer, NULL, "", 404},
		{"POST", answer, bearer, "abc", 200}, {"GET", answer, NULL, "", 200},
		{"GET", reply, bearer, "", 404}, {"POST", reply, NULL, "abc", 404},
		{"GET", invitation, NULL, "", 200}, {"POST", OF_ABC, NULL, "abc", 200},
		{"POST", OF_ABC, NULL, "abd", 400}, {"GET", "../applications", NULL, "", 401},
		{"POST", "../host/x", NULL, "", 404}};
	EMR_AUTO_FD mail = open(k.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(auto_emr_served_stop) emr_served *host = host_with(0, mail, 0);
	EMR_AUTO_HTTP http = open_socket();

	write_bearer(http, bearer);
	check_letters(http, cases, sizeof cases / sizeof cases[0], KIT_NOW);
}

/* Of the organisation ORG. */
static void fill(int dirfd, size_t n, const char *step, emr_id16 org)
{
	uint8_t end[24];

	emr_put_u64(end, KIT_NOW + 60);
	memcpy(end + 8, org.b, sizeof org.b);
	for (size_t i = 0; i < n; i++) {
		assert_ok(emr_file_replace(
			dirfd, printed("%032zx.%s", i, step), emr_bytes_of(end, sizeof end), 0600));
	}
}

static emr_id16 own_org(void)
{
	emr_replica *replica = kit_replica(&k);
	emr_known_person me;
	emr_id16 org;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(replica, k.owner.signer_id, &me));
	emr_replica_close(replica);
	memcpy(org.b, me.row.org, sizeof org.b);
	return org;
}

/* Only what is open counts: an end makes room, and applications take none of it. */
TEST_IN(begin, end, letters_that_ended_make_room)
{
	static const char reply[] = "00000000000000000000000000000000.reply";
	char bearer[160];
	const letter_case full[] = {{"POST", OF_ABC, NULL, "abc", 413},
		{"POST", LETTER_ID ".invitation", bearer, NULL, 413}};
	const letter_case after[] = {{"POST", reply, NULL, "abc", 404},
		{"POST", LETTER_ID ".invitation", bearer, NULL, 200},
		{"GET", reply, bearer, "", 404}};
	const emr_id16 org = own_org();
	EMR_AUTO_FD mail = open(k.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(auto_emr_served_stop) emr_served *host = host_with(0, mail, 0);
	EMR_AUTO_HTTP http = open_socket();

	write_bearer(http, bearer);
	fill(mail, EMR_SERVED_APPLICATIONS_MAX, "application", org);
	fill(mail, EMR_SERVED_INVITATIONS_MAX, "invitation", emr_id16_random());
	check_letters(http, after + 1, 1, KIT_NOW); /* what others have left is their share */
	fill(mail, EMR_SERVED_INVITATIONS_MAX, "invitation", org);
	fill(mail, 1, "reply", org);
	check_letters(http, full, 2, KIT_NOW);
	kit_clock_set(&k.clock, KIT_NOW + 61);
	check_letters(http, after, 3, KIT_NOW + 61);
}

/* A member's token ends after a day, and the next call fetches another without a word. */
TEST_IN(begin, end, a_token_is_for_a_day_and_for_members)
{
	emr_keyring *member = k.keyring, *stranger = NULL;
	EMR_AUTO_LEDGER other = NULL;
	uint64_t size;

	assert_ok(emr_ledger_size(k.ledger, &size));
	kit_clock_set(&k.clock, KIT_NOW + 2 * 86400);
	assert_ok(emr_ledger_size(k.ledger, &size));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &stranger));
	k.keyring = stranger;
	other = kit_open(&k);
	assert_status(EMR_DENIED, emr_ledger_size(other, &size));
	k.keyring = member;
	emr_ledger_close(other);
	other = NULL;
	emr_keyring_free(stranger);
}

TEST_IN(begin, end, garbage_and_what_is_too_long_is_refused)
{
	static const char *const raw[] = {"\x16\x03\x01 no HTTP\r\n\r\n", "GET\r\n\r\n",
		"GET /emrfs/v1/size HTTP/9.9\r\n\r\n",
		"POST /emrfs/v1/batches HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
		("POST /emrfs/v1/batches HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		 "chunked\r\n\r\nzz\r\n")};
	emr_served *host = host_at_socket(0);
	EMR_AUTO_HTTP http = open_socket();
	EMR_AUTO_BUF out = {0};
	EMR_AUTO_BUF large = {0};
	char answer[256];
	uint64_t size;

	for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++) {
		int fd = connect_raw();

		assert_true(write(fd, raw[i], strlen(raw[i])) > 0);
		(void)shutdown(fd, SHUT_WR);
		while (read(fd, answer, sizeof answer) > 0)
			;
		(void)close(fd);
	}
	assert_ok(emr_buf_append_zeros(&large, 200000));
	assert_int_equal(
		ask(http, "POST", "/emrfs/v1/batches", NULL, emr_bytes_of(large.data, 10), &out),
		400);
	memset(large.data, 'a', 100000);
	memcpy(large.data, "X: ", 3);
	large.data[100000] = '\0';
	assert_true(ask(http, "GET", "/emrfs/v1/descriptor", (char *)large.data, (emr_bytes){0},
			    &out) != 200);
	assert_int_equal(ask(http, "GET", "/emrfs/v1/descriptor", NULL, (emr_bytes){0}, &out), 200);
	emr_served_stop(host);
	assert_ok(emr_ledger_size(k.ledger, &size));
	assert_int_equal(size, 2);
}

/* The only organisation proposes it, and it is in force. */
static void decide(emr_pub_org_propose what, emr_bytes part)
{
	const emr_id16 proposal = emr_id16_random(), own = own_org();
	uint64_t size;
	uint8_t code = 0;

	memcpy(what.org, own.b, what.kind == EMR_PROPOSAL_REMOVE ? sizeof own.b : 0);
	what.not_after_unix_s = KIT_NOW + 86400;
	{
		const emr_act acts[] = {
			emr_act_propose(proposal, &what), emr_act_approve_proposal(proposal, own)};
		const emr_bytes parts[] = {part, {0}};

		assert_ok(emr_act_send_all(
			k.keyring, k.ledger, acts, parts, 2, NULL, &k.clock.clock, &code, &size));
	}
	assert_int_equal(code, EMR_RESULT_APPLIED);
}

static void rules_of_one(void)
{
	static const char rules[64] = "one is enough";
	const emr_bytes text = emr_bytes_of(rules + 32, 32);
	const emr_id32 hash = emr_sha256_of(&text, 1);
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_RULES, .quorum = 1};

	memcpy(what.subject, hash.b, sizeof what.subject);
	decide(what, emr_bytes_of(rules, sizeof rules));
}

TEST_IN(begin, end, an_application_goes_when_its_organisation_is_a_member)
{
	emr_keyring *admin = NULL;
	emr_public public;
	emr_application application;
	EMR_AUTO_BUF bytes = {0}, part = {0}, out = {0};
	EMR_AUTO_FD mail = open(k.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(auto_emr_served_stop) emr_served *host = host_with(0, mail, 0);
	EMR_AUTO_HTTP http = open_socket();
	char bearer[160];

	write_bearer(http, bearer);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &admin));
	assert_ok(emr_keyring_public(admin, &public));
	assert_ok(emr_application_make(admin, emr_ledger_net_id(k.ledger), "Other", NULL, KIT_NOW,
		KIT_NOW + 86400, &bytes, &application));
	assert_ok(emr_file_replace(mail, OF_ABC, emr_buf_view(&bytes), 0600));
	assert_int_equal(
		ask(http, "GET", "/emrfs/v1/applications", bearer, (emr_bytes){0}, &out), 200);
	assert_true(out.len > 0);
	rules_of_one();
	assert_ok(emr_proposal_admit_part("Other", "", application.ca_der, &part));
	decide(emr_proposal_admit(application.org, public.signer_id, application.ca_der, 0),
		emr_buf_view(&part));
	emr_buf_clear(&out);
	assert_int_equal(
		ask(http, "GET", "/emrfs/v1/applications", bearer, (emr_bytes){0}, &out), 200);
	assert_int_equal(out.len, 0);
	assert_int_not_equal(faccessat(mail, OF_ABC, F_OK, 0), 0);
	emr_keyring_free(admin);
}

/* Its computer hears of the end, and of nothing behind it. */
TEST_IN(begin, end, who_belongs_to_an_organisation_that_left_hears_of_its_end_and_reads_no_more)
{
	const emr_bytes ca = emr_bytes_of("a CA", 4);
	EMR_AUTO_BUF part = {0};
	uint8_t root[32];
	uint64_t size;

	rules_of_one();
	assert_ok(emr_proposal_admit_part("Other", "", ca, &part));
	decide(emr_proposal_admit(emr_id16_random(), emr_id32_random(), ca, 0),
		emr_buf_view(&part));
	assert_ok(emr_ledger_root(k.ledger, 1, root));
	decide((emr_pub_org_propose){.kind = EMR_PROPOSAL_REMOVE}, (emr_bytes){0});
	assert_status(EMR_DENIED, emr_ledger_root(k.ledger, 1, root));
	assert_ok(emr_ledger_size(k.ledger, &size)); /* with a token from before */
	assert_int_equal(size, 5);
	kit_clock_set(&k.clock, KIT_NOW + 2 * 86400);
	assert_ok(emr_ledger_size(k.ledger, &size)); /* and with a new one */
	assert_int_equal(size, 5);
	assert_status(EMR_DENIED, emr_ledger_root(k.ledger, 1, root));
}

/* Sends TEXT, and LEN bytes of nothing behind it. */
static int say_raw(const char *text, size_t len)
{
	static const char nothing[65536];
	int fd = connect_raw();

	assert_true(len <= sizeof nothing);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_true(len == 0 || write(fd, nothing, len) == (ssize_t)len);
	return fd;
}

/* By the headers alone: the body is never sent. */
TEST_IN(begin, end, a_body_that_nobody_takes_is_not_waited_for)
{
	static const struct {
		const char *asked, *answer;
	} all[] = {
		{"batches HTTP/1.1\r\nHost: a\r\nContent-Length: 6000000\r\n\r\n", "HTTP/1.1 401"},
		{"batches HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", "HTTP/1.1 401"},
		{"batches HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
			"HTTP/1.1 401"},
		{"parts HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", "HTTP/1.1 401"},
		{"token HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", "HTTP/1.1 413"},
		{"none HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", "HTTP/1.1 404"}};
	const struct timeval patience = {.tv_sec = 20};
	AUTO(auto_emr_served_stop) emr_served *host = host_at_socket(0);
	char answer[13];

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		EMR_AUTO_FD fd = -1;

		fd = say_raw(printed("POST /emrfs/v1/%s", all[i].asked), 0);
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		memset(answer, 0, sizeof answer);
		assert_int_equal(recv(fd, answer, 12, MSG_WAITALL), 12);
		assert_string_equal(answer, all[i].answer);
	}
}

/* A batch of somebody else cannot be handed in in a member's name. */
TEST_IN(begin, end, what_is_handed_in_is_signed_by_whom_it_names)
{
	emr_served *host = host_at_socket(0);
	EMR_AUTO_HTTP http = open_socket();
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_BUF body = {0};
	EMR_AUTO_BUF out = {0};
	kit_domain d = {.id = emr_id16_random()};
	emr_batch_builder *b = kit_batch(&k, d.id);
	uint64_t size;

	kit_domain_into(&k, b, &d);
	kit_finish(&k, b, &batch);
	assert_ok(emr_buf_append(&body, k.owner.signer_id.b, 32));
	assert_ok(emr_buf_append_zeros(&body, 64));
	assert_ok(emr_buf_append(&body, batch.data, batch.len));
	assert_int_equal(
		ask(http, "POST", "/emrfs/v1/batches", NULL, emr_buf_view(&body), &out), 403);
	body.data[0] ^=
		1; /* of nobody: the same answer, so that a card tells nobody who is a member */
	emr_buf_clear(&out);
	assert_int_equal(
		ask(http, "POST", "/emrfs/v1/batches", NULL, emr_buf_view(&body), &out), 403);
	assert_int_equal(out.len, strlen("denied"));
	emr_served_stop(host);
	assert_ok(emr_ledger_size(k.ledger, &size));
	assert_int_equal(size, 2);
}

/* Connections that say nothing take their places and no more: whoever is served is served on. */
TEST_IN(begin, end, silent_connections_do_not_end_a_client_that_is_served)
{
	AUTO(auto_emr_served_stop) emr_served *host = host_at_socket(16);
	EMR_AUTO_HTTP http = open_socket();
	EMR_AUTO_BUF out = {0};
	int fds[64];

	assert_int_equal(ask(http, "GET", "/emrfs/v1/descriptor", NULL, (emr_bytes){0}, &out), 200);
	for (size_t i = 0; i < 64; i++)
		fds[i] = connect_raw();
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(
			ask(http, "GET", "/emrfs/v1/descriptor", NULL, (emr_bytes){0}, &out), 200);
	for (size_t i = 0; i < 64; i++)
		(void)close(fds[i]);
}

/* A host that holds as much as it may is away for the moment, and nothing is lost by that. */
TEST_IN(begin, end, what_all_hold_together_is_bounded)
{
	const uint8_t secret[32] = {9}, nothing[5000] = {0};
	const uint64_t held = 65536; /* for a body of more than half as much */
	emr_served *host = host_with(0, -1, 2 * held + 100);
	EMR_AUTO_HTTP http = open_socket();
	EMR_AUTO_BUF out = {0};
	EMR_AUTO_BUF batch = {0};
	kit_domain d = {.id = emr_id16_random()};
	emr_batch_builder *b = kit_batch(&k, d.id);
	emr_served_at at = {.key = emr_served_key(secret)};
	EMR_AUTO_LEDGER ledger = NULL;
	emr_ledger_answer answer;
	int fd;

	kit_domain_into(&k, b, &d);
	for (size_t i = 0; i < 8; i++)
		(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){0});
	kit_finish(&k, b, &batch);
	(void)snprintf(at.socket, sizeof at.socket, "%s", socket_path);
	ledger = kit_open_at(&k, &at);
	fd = say_raw("POST /emrfs/v1/batches HTTP/1.1\r\nHost: a\r\nContent-Length: 60001\r\n\r\n",
		60000);
	while (emr_served_count(host).bytes != held)
		(void)sched_yield();
	assert_int_equal(ask(http, "POST", "/emrfs/v1/batches", NULL,
				 emr_bytes_of(nothing, sizeof nothing), &out),
		503);
	/* Short answers have a half that long ones cannot fill. */
	assert_int_equal(
		ask(http, "POST", "/emrfs/v1/token", NULL, emr_bytes_of(nothing, 104), &out), 403);
	assert_status(EMR_OFFLINE, emr_ledger_submit(ledger, emr_buf_view(&batch), &answer));
	(void)close(fd);
	while (emr_served_count(host).bytes > 0)
		(void)sched_yield();
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &answer));
	assert_int_equal(answer.refusal, 0);
	emr_served_stop(host);
}

static void *wait_long(void *arg)
{
	uint64_t size;
	emr_status *status = arg;

	*status = emr_ledger_wait(k.ledger, 2, 50000, &size);
	return NULL;
}

TEST_IN(begin, end, a_host_that_goes_is_away_until_it_comes_back)
{
	emr_ledger_absence absence;
	emr_status waited = EMR_OK;
	pthread_t waiter;
	uint64_t size;

	emr_ledger_look(k.ledger, &absence);
	assert_status(EMR_OK, absence.status);
	assert_int_equal(pthread_create(&waiter, NULL, wait_long, &waited), 0);
	while (emr_served_count(kit_host).waiting == 0)
		(void)sched_yield();
	kit_host_stop(&k);
	assert_int_equal(pthread_join(waiter, NULL), 0);
	assert_true(waited == EMR_TIMEOUT || waited == EMR_OFFLINE);
	assert_status(EMR_OFFLINE, emr_ledger_size(k.ledger, &size));
	emr_ledger_look(k.ledger, &absence);
	assert_status(EMR_OFFLINE, absence.status);
	assert_null(absence.refusal);
	kit_host_start(&k);
	emr_ledger_look(k.ledger, &absence); /* at once, and before any other request */
	assert_status(EMR_OK, absence.status);
	assert_ok(emr_ledger_size(k.ledger, &size));
}

TESTS(NULL, NULL)
