/* These tests show what a token of a host may and may not: it ends within a day and with the host,
 * is for the host whose key its member named, and destroys nothing.  Letting go takes the member's
 * signature, for this host, this root and this moment.  The messages are made here byte by byte. */
#include "served_kit.h"

#include <pthread.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/codec.h"
#include "http/request.h"
#include "node/host.h"
#include "store/car_store.h"

#define BEARER "Authorization: Bearer "

static kit k;
static emr_store *store;
static emr_node *node;
static emr_served *host; /* a second door of the kit's, at a socket, with blocks */
static char socket_path[108];
static uint8_t host_secret[32];

static emr_status may(void *arg, emr_serve_call *call, emr_bytes root)
{
	(void)arg;
	return emr_served_check(host, call, root);
}

static void start(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char dir[96];
	emr_served_options options = {.path = dir,
		.mail_dirfd = -1,
		.clock = &k.clock.clock,
		.beside = {emr_node_routes, node},
		.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	memcpy(options.secret, host_secret, sizeof options.secret);
	(void)snprintf(dir, sizeof dir, "%s/host", k.base);
	(void)snprintf(socket_path, sizeof socket_path, "%s/socket", k.base);
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path);
	(void)unlink(socket_path);
	assert_int_equal(bind(options.listen_fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(options.listen_fd, 64), 0);
	assert_ok(emr_served_start(&options, &host));
}

AROUND(begin)
{
	char path[96];
	emr_store_options options = {.path = path, .writer = {{7}}, .no_background = true};
	emr_node_options node_options = {.may = may};

	kit_backend_in_use = &kit_served;
	kit_new(&k);
	memcpy(host_secret, kit_host_secret, sizeof host_secret);
	(void)snprintf(path, sizeof path, "%s/store", k.base);
	assert_ok(emr_store_open(&options, &store));
	node_options.store = emr_store_blocks(store);
	node_options.spool_dirfd = open(k.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_node_new(&node_options, &node));
	start();
}

AROUND(end)
{
	emr_served_stop(host);
	emr_node_free(node);
	emr_store_close(store);
	kit_end(&k);
}

static long ask(
	const char *method, const char *path, const char *header, emr_bytes body, emr_buf *out)
{
	const char *headers[] = {header, NULL};
	emr_http_answer answer;
	const emr_http_request request = {.method = method,
		.path = path,
		.body = body,
		.headers = headers,
		.timeout_ms = 30000,
		.answer_max = (size_t)1 << 20};
	const emr_http_server server = {.url = "http://host", .socket = socket_path};
	EMR_AUTO_HTTP http = NULL;

	emr_buf_clear(out);
	assert_ok(emr_http_open(&server, &http));
	(void)!emr_http_ask(http, &request, out, &answer);
	return answer.status;
}

static emr_id32 own_key(void)
{
	return emr_served_key(host_secret);
}

/* The code, and at 200 the header with the token. */
static long fetch(emr_id32 key, uint64_t at, char out[160])
{
	uint8_t request[104], given[221] = "emrfs/v1/token-given";
	EMR_AUTO_BUF answer = {0};
	long code;

	kit_sign(&k, k.keyring, key, at, (emr_bytes){0}, request);
	code = ask("POST", "/emrfs/v1/token", NULL, emr_bytes_of(request, sizeof request), &answer);
	if (code != 200)
		return code;
	assert_int_equal(answer.len, 96 + 64);
	memcpy(given + 21, request, sizeof request);
	memcpy(given + 125, answer.data, 96);
	assert_int_equal(
		crypto_sign_verify_detached(answer.data + 96, given, sizeof given, own_key().b), 0);
	(void)snprintf(out, 160, BEARER "%.96s", (const char *)answer.data);
	return code;
}

static long size_with(const char *bearer)
{
	EMR_AUTO_BUF out = {0};

	return ask("GET", "/emrfs/v1/size", bearer, (emr_bytes){0}, &out);
}

TEST_IN(begin, end, a_token_is_for_the_host_whose_key_was_named)
{
	uint8_t other[32] = {9};
	char bearer[160];

	assert_int_equal(fetch(emr_served_key(other), KIT_NOW, bearer), 403);
	assert_int_equal(fetch(own_key(), KIT_NOW, bearer), 200);
	assert_int_equal(size_with(bearer), 200);
}

/* Whether it may is asked of the keys' rows, which one thread looks at at a time. */
TEST_IN(begin, end, a_member_who_brings_much_is_answered_and_the_host_goes_on)
{
	EMR_AUTO_BUF out = {0}, large = {0};
	char bearer[160];

	assert_ok(emr_buf_append_zeros(&large, 70000));
	assert_int_equal(fetch(own_key(), KIT_NOW, bearer), 200);
	assert_int_equal(
		ask("POST", "/emrfs/v1/recovery", bearer, emr_buf_view(&large), &out), 400);
	assert_int_equal(ask("POST", "/emrfs/v1/recovery", NULL, emr_buf_view(&large), &out), 401);
	assert_int_equal(size_with(bearer), 200);
}

TEST_IN(begin, end, a_token_that_is_for_longer_than_a_day_is_none)
{
	char bearer[160];

	kit_clock_set(&k.clock, KIT_NOW + 30);
	assert_int_equal(fetch(own_key(), KIT_NOW + 30, bearer), 200);
	assert_int_equal(size_with(bearer), 200);
	kit_clock_set(&k.clock, KIT_NOW); /* from here on it has more than a day */
	assert_int_equal(size_with(bearer), 401);
	kit_clock_set(&k.clock, KIT_NOW + 30 + 86400);
	assert_int_equal(size_with(bearer), 401);
}

/* Nothing on its disk makes tokens: not the secret of its key either. */
TEST_IN(begin, end, tokens_end_with_the_host_and_members_ask_for_others_by_themselves)
{
	char bearer[160], forged[160] = BEARER;
	uint8_t token[72];
	uint64_t size;

	assert_int_equal(fetch(own_key(), KIT_NOW, bearer), 200);
	memcpy(token, k.owner.signer_id.b, 32);
	emr_put_u64(token + 32, KIT_NOW + 86400);
	crypto_auth_hmacsha256(token + 40, token, 40, host_secret);
	assert_non_null(sodium_bin2base64(forged + strlen(forged), 120, token, sizeof token,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING));
	assert_int_equal(size_with(forged), 401);
	emr_served_stop(host);
	start();
	assert_int_equal(size_with(bearer), 401);
	assert_ok(emr_ledger_size(k.ledger, &size));
	kit_host_stop(&k);
	kit_host_start(&k);
	assert_ok(emr_ledger_size(k.ledger, &size));
}

/* ---- clocks ---- */

static emr_ledger *open_by(const kit_clock *clock)
{
	const emr_ledger_options options = {.path = k.network,
		.submitter = k.keyring,
		.clock = &clock->clock,
		.host = emr_served_open};
	emr_ledger *ledger = NULL;

	assert_ok(emr_ledger_open(&options, &ledger));
	return ledger;
}

TEST_IN(begin, end, a_clock_that_is_two_minutes_off_is_known_by_how_much)
{
	static const struct {
		int64_t ahead, said;
		emr_status status;
	} cases[] = {{0, 0, EMR_OK}, {120, 0, EMR_OK}, {-120, 0, EMR_OK}, {121, 121, EMR_OK},
		{-121, -121, EMR_OK}, {600, 600, EMR_OK}, {601, 601, EMR_OFFLINE},
		{-1200, -1200, EMR_OFFLINE}, {400 * 86400, 400 * 86400, EMR_OFFLINE}};
	kit_clock mine = k.clock;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		emr_ledger_absence now;
		emr_ledger *ledger;
		uint64_t size;

		kit_clock_set(&mine, (uint64_t)((int64_t)KIT_NOW - cases[i].ahead));
		ledger = open_by(&mine);
		assert_int_equal(emr_ledger_size(ledger, &size), cases[i].status);
		emr_ledger_look(ledger, &now);
		assert_int_equal(now.ahead_s, cases[i].said);
		assert_int_equal(now.status, cases[i].status);
		assert_int_equal(now.refusal != NULL, cases[i].status != EMR_OK);
		if (cases[i].status != EMR_OK)
			assert_string_equal(now.refusal, "clock");
		kit_clock_set(&mine, KIT_NOW); /* somebody sets it */
		assert_ok(emr_ledger_size(ledger, &size));
		emr_ledger_look(ledger, &now);
		assert_int_equal(now.ahead_s, 0);
		assert_ok(now.status);
		emr_ledger_close(ledger);
	}
}

/* A batch lives for an hour, and the token for a day. */
TEST_IN(begin, end, a_clock_that_is_set_later_is_known_by_what_it_has_refused)
{
	kit_clock mine = k.clock;
	EMR_AUTO_LEDGER ledger = open_by(&mine);
	emr_batch_builder *b;
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;
	emr_ledger_absence now;
	kit_domain d = {.id = {{7}}};
	uint64_t size;

	assert_ok(emr_ledger_size(ledger, &size));
	b = kit_batch(&k, d.id);
	kit_domain_into(&k, b, &d);
	kit_finish(&k, b, &batch);
	kit_clock_set(&k.clock, KIT_NOW + 3601);
	assert_ok(emr_ledger_size(ledger, &size));
	emr_ledger_look(ledger, &now);
	assert_int_equal(now.ahead_s, 0);
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &answer));
	assert_int_equal(answer.refusal, EMR_RESULT_EXPIRED_BATCH);
	assert_status(EMR_OFFLINE, emr_ledger_size(ledger, &size));
	emr_ledger_look(ledger, &now);
	assert_int_equal(now.ahead_s, 3601);
}

/* Also to who has no key: nobody else at that address could. */
TEST_IN(begin, end, a_refusal_says_the_time_and_the_host_has_signed_it)
{
	uint8_t request[104] = {1}, given[133] = "emrfs/v1/token-given";
	EMR_AUTO_BUF answer = {0};

	assert_int_equal(ask("POST", "/emrfs/v1/token", NULL, emr_bytes_of(request, sizeof request),
				 &answer),
		403);
	assert_int_equal(answer.len, 8 + 64);
	assert_int_equal(emr_get_u64(answer.data), KIT_NOW);
	memcpy(given + 21, request, sizeof request);
	memcpy(given + 125, answer.data, 8);
	assert_int_equal(
		crypto_sign_verify_detached(answer.data + 8, given, sizeof given, own_key().b), 0);
}

/* ---- letting go ---- */

static emr_cid pin(emr_id32 owner, const char *text)
{
	const emr_bytes data = emr_bytes_of(text, strlen(text));
	const emr_block block = {.cid = emr_cid_of_block(EMR_CODEC_RAW, data), .data = data};
	emr_pin one = {.root = block.cid, .state = EMR_PIN_KEPT};

	memcpy(one.owner.b, owner.b, sizeof one.owner.b);
	assert_ok(emr_block_store_put(emr_store_blocks(store), &block, 1));
	assert_ok(emr_block_store_pin(emr_store_blocks(store), &one, 1));
	return block.cid;
}

static long let_go(const emr_cid *root, const char *header)
{
	char text[EMR_CID_TEXT_CHARS + 1];
	EMR_AUTO_BUF out = {0};

	emr_cid_text(root, text);
	return ask("POST", printed("/api/v0/pin/rm?arg=%s", text), header, (emr_bytes){0}, &out);
}

static long let_go_signed(const emr_cid *root, const uint8_t request[104])
{
	char header[200] = BEARER;

	assert_non_null(sodium_bin2base64(header + strlen(header), 160, request, 104,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING));
	return let_go(root, header);
}

static emr_bytes bytes_of(const emr_cid *root)
{
	return emr_bytes_of(root->b, sizeof root->b);
}

TEST_IN(begin, end, letting_go_takes_the_signature_of_the_member_for_this_host_and_root_and_moment)
{
	emr_id32 stranger_id = {{3}};
	emr_cid mine = pin(k.owner.signer_id, "mine"), other = pin(k.owner.signer_id, "other"),
		theirs = pin(stranger_id, "theirs");
	uint8_t request[104], secret[32] = {9};
	emr_keyring *stranger = NULL;
	char bearer[160];

	assert_int_equal(fetch(own_key(), KIT_NOW, bearer), 200);
	assert_int_equal(let_go(&mine, bearer), 401);
	assert_int_equal(let_go(&mine, NULL), 401);
	kit_sign(&k, k.keyring, own_key(), KIT_NOW, (emr_bytes){0}, request); /* as for a token */
	assert_int_equal(let_go_signed(&mine, request), 403);
	kit_sign(&k, k.keyring, own_key(), KIT_NOW, bytes_of(&other), request);
	assert_int_equal(let_go_signed(&mine, request), 403);
	kit_sign(&k, k.keyring, emr_served_key(secret), KIT_NOW, bytes_of(&mine), request);
	assert_int_equal(let_go_signed(&mine, request), 403);
	kit_sign(&k, k.keyring, own_key(), KIT_NOW - 601, bytes_of(&mine), request);
	assert_int_equal(let_go_signed(&mine, request), 403);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &stranger));
	kit_sign(&k, stranger, own_key(), KIT_NOW, bytes_of(&mine), request);
	assert_int_equal(let_go_signed(&mine, request), 403);
	emr_keyring_free(stranger);
	kit_sign(&k, k.keyring, own_key(), KIT_NOW, bytes_of(&theirs), request);
	assert_int_equal(let_go_signed(&theirs, request), 500); /* not pinned by her */
	kit_sign(&k, k.keyring, own_key(), KIT_NOW, bytes_of(&mine), request);
	assert_int_equal(let_go_signed(&mine, request), 200);
	assert_int_equal(let_go_signed(&mine, request), 500); /* there is nothing any more */
	assert_int_equal(let_go_signed(&other, request), 403);
}

/* ---- somebody else at the address ---- */

/* Answers two requests for a token as a host does, with one and with the time, but cannot sign as
 * this one. */
static void *pretend(void *arg)
{
	char *asked = arg, answer[161] = "";
	int listening = *(int *)arg;

	memset(answer, 'A', 160);
	for (size_t i = 0; i < 2; i++) {
		int fd = accept(listening, NULL, NULL), len = i == 0 ? 72 : 160;

		asked[read(fd, asked, 2000)] = '\0';
		(void)!dprintf(fd, "HTTP/1.1 %d It\r\nContent-Length: %d\r\n\r\n%.*s",
			i == 0 ? 403 : 200, len, len, answer);
		(void)close(fd);
	}
	return NULL;
}

TEST_IN(begin, end, an_answer_that_the_host_did_not_sign_is_no_token)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	emr_served_at served = {.key = own_key()};
	EMR_AUTO_FD listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union {
		int fd;
		char asked[2001];
	} it = {.fd = listening};
	EMR_AUTO_LEDGER ledger = NULL;
	emr_ledger_absence now;
	pthread_t thread;
	uint64_t size;

	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s/other", k.base);
	(void)snprintf(served.socket, sizeof served.socket, "%s", at.sun_path);
	assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listening, 4), 0);
	assert_int_equal(pthread_create(&thread, NULL, pretend, &it), 0);
	ledger = kit_open_at(&k, &served);
	assert_status(
		EMR_DENIED, emr_ledger_size(ledger, &size)); /* and it is asked nothing more */
	assert_status(EMR_DENIED, emr_ledger_size(ledger, &size));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_non_null(strstr(it.asked, "POST /emrfs/v1/token"));
	emr_ledger_look(ledger, &now);
	assert_int_equal(now.ahead_s, 0);
}

TEST_IN(begin, end, a_socket_where_others_may_put_theirs_is_not_asked)
{
	char dir[96];
	emr_served_at served = {.key = own_key()};
	emr_ledger_options options = {.path = k.network, .host = emr_served_open};
	emr_ledger *ledger = NULL;

	(void)snprintf(dir, sizeof dir, "%s/open", k.base);
	(void)snprintf(served.socket, sizeof served.socket, "%s/host.sock", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_ok(emr_file_check_socket(served.socket));
	for (size_t i = 0; i < 3; i++) {
		static const mode_t modes[] = {0777, 01777, 0702};

		assert_int_equal(chmod(dir, modes[i]), 0);
		assert_status(EMR_EXPOSED, emr_file_check_socket(served.socket));
	}
	kit_write_at(&k, &served);
	assert_status(EMR_EXPOSED, emr_ledger_open(&options, &ledger));
	assert_status(EMR_EXPOSED, emr_file_check_socket("/tmp/emrfs-nobodys.sock"));
	assert_status(EMR_EXPOSED, emr_file_check_socket("/tmp/emrfs-nobodys/host.sock"));
}

TESTS(NULL, NULL)
