/* This fuzz target sends a host whole requests, as they come over the line, of a stranger and of a
 * member: tokens, batches, letters, Kubo's RPC with its queries, forms and CAR files, trees of
 * blocks, the gateway.  Whatever it is sent, the host answers with HTTP or ends the connection. */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/file.h"
#include "fuzz_dir.h"
#include "keyring/keyring.h"
#include "ledger/network.h"
#include "node/host.h"
#include "served/client.h"
#include "served/server.h"
#include "store/car_store.h"

#define TOKEN_BYTES 128
#define REQUEST_MAX ((size_t)64 << 10)

static struct sockaddr_un at = {.sun_family = AF_UNIX};
static char token[TOKEN_BYTES];
static emr_keyring *keyring;

static void must(bool is_fine)
{
	if (!is_fine)
		abort();
}

static char *below(const char *name)
{
	char *path = NULL;

	must(asprintf(&path, "%s/%s", fuzz_dir, name) > 0);
	return path;
}

static void serve(int base_fd)
{
	EMR_AUTO_FREE char *blocks = below("blocks");
	EMR_AUTO_FREE char *ledger = below("ledger");
	const emr_store_options store_options = {
		.path = blocks, .writer = emr_id16_random(), .no_background = true};
	emr_node_options node_options = {.spool_dirfd = base_fd, .car_max = REQUEST_MAX};
	emr_served_options options = {.path = ledger,
		.mail_dirfd = base_fd,
		.secret = {1},
		.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	emr_store *store = NULL;
	emr_node *node = NULL;
	emr_served *host = NULL;

	must(emr_store_open(&store_options, &store) == EMR_OK);
	node_options.store = emr_store_blocks(store);
	must(emr_node_new(&node_options, &node) == EMR_OK);
	options.beside = (emr_serve_set){emr_node_routes, node};
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", fuzz_dir);
	must(bind(options.listen_fd, (struct sockaddr *)&at, sizeof at) == 0 &&
		listen(options.listen_fd, 64) == 0);
	must(emr_served_start(&options, &host) == EMR_OK);
}

/* As the computer of a member asks for one. */
static void take_token(int base_fd)
{
	const uint8_t secret[32] = {1};
	emr_served_at settings = {.key = emr_served_key(secret)};
	EMR_AUTO_FREE char *ledger = below("ledger/" EMR_NETWORK_DESCRIPTOR);
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF descriptor = {0};
	emr_served_tokens *tokens = NULL;

	(void)snprintf(settings.socket, sizeof settings.socket, "%s", at.sun_path);
	must(emr_served_at_write(&settings, &text) == EMR_OK &&
		emr_file_replace(base_fd, EMR_SERVED_SETTINGS, emr_buf_view(&text), 0600) ==
			EMR_OK &&
		emr_file_read(AT_FDCWD, ledger, (size_t)1 << 16, &descriptor) == EMR_OK &&
		emr_file_replace(base_fd, EMR_NETWORK_DESCRIPTOR, emr_buf_view(&descriptor),
			0600) == EMR_OK);
	must(emr_served_tokens_open(fuzz_dir, 0, &keyring, &tokens) == EMR_OK &&
		emr_served_token(tokens, (emr_bytes){0}, token, sizeof token) == EMR_OK);
	emr_served_tokens_close(tokens);
}

static void begin(void)
{
	emr_network_new network = {.name = "Silva", .handle = "ana@silva"};
	EMR_AUTO_FREE char *ledger = NULL;
	const int base_fd = fuzz_dir_fd();
	emr_id16 net_id;

	must(emr_base_init() == EMR_OK &&
		emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &keyring) == EMR_OK);
	ledger = below("ledger");
	network.keyring = keyring;
	network.path = ledger;
	must(emr_network_create(&network, &net_id, NULL) == EMR_OK);
	serve(base_fd);
	take_token(base_fd);
}

/* SIZE bytes, with the token behind the first line where IS_MEMBER. */
static void say(int fd, const uint8_t *data, size_t size, bool is_member)
{
	const uint8_t *end = memchr(data, '\n', size);
	const size_t line = end != NULL ? (size_t)(end - data) + 1 : 0;
	char header[TOKEN_BYTES + 32];
	int n = snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", token);

	(void)!send(fd, data, line, MSG_NOSIGNAL);
	if (is_member)
		(void)!send(fd, header, (size_t)n, MSG_NOSIGNAL);
	(void)!send(fd, data + line, size - line, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct timeval patience = {.tv_usec = 100000}; /* who waits for entries is left */
	char answer[65536];
	size_t got = 0;
	ssize_t n;
	int fd;

	if (token[0] == '\0')
		begin();
	if (size < 2 || size > REQUEST_MAX)
		return 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	say(fd, data + 1, size - 1, data[0] & 1);
	while ((n = read(fd, answer, sizeof answer)) > 0) {
		must(got > 0 || n < 9 || memcmp(answer, "HTTP/1.", 7) == 0);
		got += (size_t)n;
	}
	(void)close(fd);
	return 0;
}
