/* At a host's address is something else: another host, a proxy whose host is away, a line that is
 * cut, an old version of TLS. These tests show how the client meets it. */
#include "served_kit.h"

#include "base/file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "http/request.h"

static kit k;

AROUND(begin)
{
	kit_backend_in_use = &kit_served;
	kit_new(&k);
}

AROUND_BY(end, kit_end(&k))

static void expect_away(emr_ledger *ledger, const char *refusal)
{
	emr_ledger_absence absence;
	uint64_t size;

	assert_status(EMR_OFFLINE, emr_ledger_size(ledger, &size));
	emr_ledger_look(ledger, &absence);
	assert_status(EMR_OFFLINE, absence.status);
	assert_true(
		refusal == NULL ? absence.refusal == NULL : strcmp(absence.refusal, refusal) == 0);
}

/* Somebody else at its address is not given a batch, and is named. */
TEST_IN(begin, end, another_host_at_that_address_is_not_spoken_to)
{
	EMR_AUTO_BUF key = {0};
	EMR_AUTO_BUF certificate = {0};
	emr_served_at at = {.url = ""};
	EMR_AUTO_LEDGER mistaken = NULL;
	emr_id32 pin;

	assert_ok(emr_served_make_key(&key));
	assert_ok(emr_served_make_certificate((const char *)key.data, &certificate));
	assert_ok(emr_served_pin((const char *)certificate.data, &pin));
	(void)snprintf(at.url, sizeof at.url, "https://127.0.0.1:%u", kit_host_port);
	emr_served_pin_text(pin, at.pin);
	mistaken = kit_open_at(&k, &at);
	expect_away(mistaken, "another host");
	assert_int_equal(emr_served_count(kit_host).batches, 0);
}

static void *ask_until_answered(void *arg)
{
	uint64_t size;

	while (emr_ledger_size(arg, &size) != EMR_OK)
		;
	return NULL;
}

/* As `emrfs network address` does while a folder is open. */
TEST_IN(begin, end, where_settings_lead_by_then_an_open_ledger_goes_on)
{
	EMR_AUTO_BUF settings = {0};
	EMR_AUTO_LEDGER ledger = NULL;
	EMR_AUTO_FD fd = open(k.network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_served_at at, elsewhere;
	pthread_t other;

	assert_ok(emr_file_read(fd, EMR_SERVED_SETTINGS, 4096, &settings));
	assert_ok(emr_served_at_read(emr_buf_view(&settings), &at));
	elsewhere = at;
	emr_served_pin_text(at.key, elsewhere.pin);
	ledger = kit_open_at(&k, &elsewhere);
	expect_away(ledger, "another host");
	assert_int_equal(pthread_create(&other, NULL, ask_until_answered, ledger), 0);
	kit_write_at(&k, &at);
	(void)ask_until_answered(ledger);
	assert_int_equal(pthread_join(other, NULL), 0);
}

/* Whether the host speaks this version of TLS with who wants no other. */
static bool speaks_tls(int version)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)kit_host_port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	EMR_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *line = SSL_new(context);
	bool does;

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(SSL_set_min_proto_version(line, version), 1);
	assert_int_equal(SSL_set_max_proto_version(line, version), 1);
	assert_int_equal(SSL_set_cipher_list(line, "ALL:@SECLEVEL=0"), 1);
	assert_int_equal(SSL_set_fd(line, fd), 1);
	does = SSL_connect(line) == 1;
	SSL_free(line);
	SSL_CTX_free(context);
	return does;
}

TEST_IN(begin, end, old_versions_of_tls_are_not_spoken)
{
	assert_false(speaks_tls(TLS1_VERSION));
	assert_false(speaks_tls(TLS1_1_VERSION));
	assert_true(speaks_tls(TLS1_2_VERSION));
	assert_true(speaks_tls(TLS1_3_VERSION));
}

typedef struct speaker {
	int listener;
	const char *says; /* to each who asks; then it ends the connection */
} speaker;

static void *speak(void *arg)
{
	const speaker *s = arg;
	char asked[4096];
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		if (read(fd, asked, sizeof asked) > 0)
			(void)!write(fd, s->says, strlen(s->says));
		(void)close(fd);
	}
	return NULL;
}

/* At AT, which becomes a Unix socket, or with TLS a port. */
static int listen_strangely(bool is_tls, emr_served_at *at)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct sockaddr_in port = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof port;
	int fd = socket(is_tls ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (emr_served_at){.url = ""};
	(void)snprintf(name.sun_path, sizeof name.sun_path, "%s/strange", k.base);
	(void)unlink(name.sun_path);
	assert_int_equal(is_tls ? bind(fd, (struct sockaddr *)&port, len)
				: bind(fd, (struct sockaddr *)&name, sizeof name),
		0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(is_tls ? getsockname(fd, (struct sockaddr *)&port, &len) : 0, 0);
	if (is_tls)
		(void)snprintf(at->url, sizeof at->url, "https://127.0.0.1:%u",
			(unsigned)ntohs(port.sin_port));
	else
		(void)snprintf(at->socket, sizeof at->socket, "%s", name.sun_path);
	return fd;
}

/* A proxy whose host is away, a line that is cut, a host that ends while hands are shaken: it is
 * away, and nobody believes its ledger less for that. */
TEST_IN(begin, end, who_answers_otherwise_than_a_host_is_away)
{
	static const char *const all[] = {"", "no HTTP at all\r\n\r\n",
		("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 50\r\n\r\n"
		 "<html><body><h1>502 Bad Gateway</h1></body></html>"),
		"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\ngone\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12"};
	emr_served_at at;

	for (size_t i = 0; i < 2 * sizeof all / sizeof all[0]; i++) {
		speaker s = {.listener = listen_strangely(i % 2, &at), .says = all[i / 2]};
		emr_ledger *ledger = kit_open_at(&k, &at);
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, speak, &s), 0);
		expect_away(ledger, NULL);
		emr_ledger_close(ledger);
		(void)shutdown(s.listener, SHUT_RDWR);
		assert_int_equal(pthread_join(thread, NULL), 0);
		(void)close(s.listener);
	}
}

#define LONG_HEADER ((size_t)200 << 10)

/* Answers each of two requests with a header that has no end. */
static void *answer_too_long(void *arg)
{
	static const char begin_of[] = "HTTP/1.1 200 OK\r\nX-Long: ";
	EMR_AUTO_FREE char *text = malloc(LONG_HEADER);
	char asked[1000];

	memset(text, 'a', LONG_HEADER);
	memcpy(text, begin_of, sizeof begin_of - 1);
	for (int i = 0; i < 2; i++) {
		int fd = accept(*(int *)arg, NULL, NULL);

		(void)!read(fd, asked, sizeof asked);
		(void)!send(fd, text, LONG_HEADER, MSG_NOSIGNAL);
		(void)close(fd);
	}
	return NULL;
}

TEST_IN(begin, end, a_header_without_an_end_is_too_long_and_no_answer)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	emr_served_at served = {.url = ""};
	const emr_http_request request = {
		.method = "GET", .path = "/", .timeout_ms = 30000, .answer_max = 1000};
	char socket_path[sizeof at.sun_path];
	const emr_http_server server = {.url = "http://host", .socket = socket_path};
	EMR_AUTO_FD listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EMR_AUTO_HTTP http = NULL;
	EMR_AUTO_BUF out = {0};
	EMR_AUTO_BUF way = {0};
	emr_http_answer answer;
	pthread_t thread;
	char dir[200];
	EMR_AUTO_FD ledger = -1;

	(void)snprintf(socket_path, sizeof socket_path, "%s/odd", k.base);
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path);
	(void)snprintf(served.socket, sizeof served.socket, "%s", socket_path);
	assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listening, 4), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer_too_long, &listening), 0);
	assert_ok(emr_http_open(&server, &http));
	assert_status(EMR_LIMIT, emr_http_ask(http, &request, &out, &answer));
	assert_int_equal(answer.fault, EMR_HTTP_STRANGE);
	(void)snprintf(dir, sizeof dir, "%s/to-odd/ledger", k.base);
	assert_ok(emr_dir_open(dir, &ledger));
	assert_ok(emr_served_at_write(&served, &way));
	assert_ok(emr_file_replace(ledger, EMR_SERVED_SETTINGS, emr_buf_view(&way), 0600));
	assert_ok(emr_file_replace(
		ledger, EMR_NETWORK_DESCRIPTOR, emr_ledger_descriptor(k.ledger), 0600));
	dir[strlen(dir) - strlen("/ledger")] = '\0';
	assert_status(EMR_LIMIT, emr_served_find(dir, NULL, emr_id16_random(), "reply", &out));
	assert_int_equal(pthread_join(thread, NULL), 0);
}

TESTS(NULL, NULL)
