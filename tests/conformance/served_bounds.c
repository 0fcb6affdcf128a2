/* These tests show what one key gets of a host that others ask, too: two workers of those that read
 * blocks, and none of those that take batches; 2 GiB a minute that are read for it; 64 connections,
 * whatever address they come from.  The key that is held back or refused is named. */
#include "served_kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/secret.h"
#include "node/host.h"
#include "store/car_store.h"
#include "store/dag_pb.h"

#define ASKING 28 /* connections, as they were measured */

static kit k;
static emr_store *store;
static emr_node *node;
static emr_served *host; /* a second door of the kit's, in clear, with blocks */
static uint16_t port;

/* ---- a gate before each leaf that is read ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static bool is_open = true;
static unsigned inside, most_inside;

WRAPPED(emr_status, emr_block_store_get_verified, emr_block_store *blocks, const emr_cid *cid,
	emr_buf *out)
{
	(void)pthread_mutex_lock(&lock);
	most_inside = ++inside > most_inside ? inside : most_inside;
	(void)pthread_cond_broadcast(&turned);
	while (!is_open)
		(void)pthread_cond_wait(&turned, &lock);
	inside--;
	(void)pthread_mutex_unlock(&lock);
	return __real_emr_block_store_get_verified(blocks, cid, out);
}

static void gate_is(bool open)
{
	(void)pthread_mutex_lock(&lock);
	is_open = open;
	(void)pthread_cond_broadcast(&turned);
	(void)pthread_mutex_unlock(&lock);
}

static void await_inside(unsigned n)
{
	(void)pthread_mutex_lock(&lock);
	while (inside < n)
		(void)pthread_cond_wait(&turned, &lock);
	(void)pthread_mutex_unlock(&lock);
}

/* ---- keys by a header in the place of tokens ---- */

static _Atomic uint64_t over[256]; /* how often the key of that number was told of */
static atomic_bool has_had_much;   /* a key has had more than its share */

static emr_status may(void *arg, emr_serve_call *call, emr_bytes root)
{
	const char *key = emr_serve_header(call, "X-Key");

	(void)arg;
	(void)root;
	memset(&call->asks, 0, sizeof call->asks);
	call->asks.b[0] = (uint8_t)strtoul(key != NULL ? key : "0", NULL, 10);
	if (emr_serve_header(call, "X-Much") != NULL) {
		emr_serve_worked(call, (uint64_t)3 << 30);
		atomic_store(&has_had_much, true);
	}
	return EMR_OK;
}

static void note_over(void *arg, emr_id32 key, uint64_t times)
{
	(void)arg;
	atomic_store(&over[key.b[0]], times);
}

AROUND(begin)
{
	char path[96], dir[96];
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = 0};
	socklen_t len = sizeof at;
	emr_store_options options = {.path = path, .writer = {{7}}, .no_background = true};
	emr_node_options node_options = {.may = may};
	emr_served_options served = {.path = dir,
		.mail_dirfd = -1,
		.clock = &k.clock.clock,
		.over = note_over,
		.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	kit_backend_in_use = &kit_served;
	kit_new(&k);
	for (size_t i = 0; i < 256; i++)
		atomic_store(&over[i], 0);
	(void)snprintf(path, sizeof path, "%s/store", k.base);
	(void)snprintf(dir, sizeof dir, "%s/host", k.base);
	assert_ok(emr_store_open(&options, &store));
	node_options.store = emr_store_blocks(store);
	node_options.spool_dirfd = open(k.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_node_new(&node_options, &node));
	memcpy(served.secret, kit_host_secret, sizeof served.secret);
	served.beside = (emr_serve_set){emr_node_routes, node};
	assert_int_equal(bind(served.listen_fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(served.listen_fd, 200), 0);
	assert_int_equal(getsockname(served.listen_fd, (struct sockaddr *)&at, &len), 0);
	port = at.sin_port;
	assert_ok(emr_served_start(&served, &host));
}

AROUND(end)
{
	gate_is(true);
	emr_served_stop(host);
	emr_node_free(node);
	emr_store_close(store);
	kit_end(&k);
}

/* ---- requests by hand ---- */

static int connect_raw(void)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = port};
	const struct timeval patience = {.tv_sec = 60};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void say(int fd, const char *command, unsigned key, const char *more)
{
	char text[512];

	(void)snprintf(text, sizeof text,
		"POST /api/v0/%s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-Key: "
		"%u\r\n%s\r\n",
		command, key, more);
	send_text(fd, text);
}

/* The number of the answer; 0: the connection was ended. */
static int answer_of(int fd)
{
	char text[13] = "";

	if (recv(fd, text, 12, MSG_WAITALL) != 12)
		return 0;
	assert_memory_equal(text, "HTTP/1.1 ", 9);
	return atoi(text + 9);
}

static bool is_silent(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

/* A tree of three leaves, and the command that has each of them read. */
static void tree_command(char out[160])
{
	EMR_AUTO_BUF bytes = {0};
	char text[EMR_CID_TEXT_CHARS + 1];
	emr_block block;

	for (size_t i = 0; i < 3; i++) {
		const emr_bytes leaf = emr_bytes_of(&"one two three"[4 * i], 4);

		block = (emr_block){.cid = emr_cid_of_block(EMR_CODEC_RAW, leaf), .data = leaf};
		assert_ok(emr_block_store_put(emr_store_blocks(store), &block, 1));
		assert_ok(emr_dag_pb_write_link(&bytes, &block.cid, (emr_bytes){0}, 4));
	}
	assert_ok(emr_dag_pb_write_data(&bytes, emr_bytes_of("\x08\x01", 2)));
	block = (emr_block){.cid = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(&bytes)),
		.data = emr_buf_view(&bytes)};
	assert_ok(emr_block_store_put(emr_store_blocks(store), &block, 1));
	emr_cid_text(&block.cid, text);
	(void)snprintf(out, 160, "dag/stat?arg=%s", text);
}

/* A batch of a member, by a client at the second door. */
static void save(void)
{
	const kit_domain d = kit_domain_new(&k); /* at the first one, for what follows */
	emr_batch_builder *b = kit_batch(&k, d.id);
	EMR_AUTO_BUF batch = {0}, body = {0};
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES], sig[64];
	char head[256];
	EMR_AUTO_FD fd = connect_raw();

	(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){0});
	kit_finish(&k, b, &batch);
	emr_submit_message(k.net_id.b, batch.data, message);
	assert_ok(emr_keyring_sign(k.keyring, emr_signer_identity(), EMR_SIGN_SUBMIT,
		emr_bytes_of(message + sizeof message - 32, 32), sig));
	assert_ok(emr_buf_append(&body, k.owner.signer_id.b, 32));
	assert_ok(emr_buf_append(&body, sig, sizeof sig));
	assert_ok(emr_buf_append(&body, batch.data, batch.len));
	(void)snprintf(head, sizeof head,
		"POST /emrfs/v1/batches HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
		body.len);
	send_text(fd, head);
	assert_int_equal(send(fd, body.data, body.len, MSG_NOSIGNAL), body.len);
	assert_int_equal(answer_of(fd), 200);
}

#define STACK_BYTES ((size_t)7 << 20) /* of a thread has more, and nothing of the library */

/* Whether TEXT, of which the caller keeps each byte plus one, stands in memory that can be read. */
static bool is_in_memory(const char *hidden, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	EMR_AUTO_FD memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512], mode[8];
	size_t from, to;
	bool is = false;

	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%zx-%zx %7s", &from, &to, mode) != 3 || mode[1] != 'w' ||
			to - from > STACK_BYTES)
			continue;
		for (; from < to && !is; from += 4096 - 64) {
			uint8_t page[4096];
			const ssize_t n = pread(memory, page, sizeof page, (off_t)from);

			for (ssize_t i = 0; i + (ssize_t)len <= n && !is; i++) {
				size_t same = 0;

				while (same < len &&
					page[i + (ssize_t)same] == (uint8_t)(hidden[same] - 1))
					same++;
				is = same == len;
			}
			emr_wipe(page, sizeof page);
		}
	}
	(void)fclose(maps);
	return is;
}

/* Each by another kind of refusal: its body is too long, it comes from no member, it ends before
 * its body is whole, or before its headers are. */
TEST_IN(begin, end, what_proves_who_logs_in_stays_nowhere_where_it_is_refused)
{
	static const char *const refused[] = {"POST /emrfs/v1/login/enroll HTTP/1.1\r\nHost: a\r\n"
					      "Content-Length: 900000\r\nEmrfs-Login: ",
		"POST /emrfs/v1/login/revoke HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
		"Emrfs-Login: ",
		"POST /emrfs/v1/login/enroll HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n"
		"Emrfs-Login: ",
		"POST /emrfs/v1/login/enroll HTTP/1.1\r\nHost: a\r\nEmrfs-Login: "};
	char hidden[] = "Cbtjd!xqa83hbvLm0oT7rD"; /* each byte plus one */
	int fds[4];

	for (size_t i = 0; i < 4; i++) {
		char secret[sizeof hidden];

		fds[i] = connect_raw();
		hidden[21] = (char)('E' + i);
		for (size_t j = 0; j < sizeof hidden; j++)
			secret[j] = hidden[j] != '\0' ? (char)(hidden[j] - 1) : '\0';
		send_text(fds[i], refused[i]);
		send_text(fds[i], secret);
		emr_wipe(secret, sizeof secret);
		if (i < 3)
			send_text(fds[i], "\r\n\r\n");
		if (i < 2)
			assert_int_not_equal(answer_of(fds[i]), 200);
		else
			while (!is_in_memory(hidden, sizeof hidden - 1))
				;
	}
	emr_served_stop(host);
	host = NULL;
	for (size_t i = 0; i < 4; i++) {
		hidden[21] = (char)('E' + i);
		assert_false(is_in_memory(hidden, sizeof hidden - 1));
		(void)close(fds[i]);
	}
}

/* Counted, and not by the clock: with 28 stats of one key outstanding a batch is taken, and another
 * key is answered, before the second of them ends. */
TEST_IN(begin, end, one_key_holds_two_workers_and_a_save_passes_by_all_that_it_asks_for)
{
	char command[160];
	int fds[ASKING], other;

	tree_command(command);
	gate_is(false);
	most_inside = 0;
	for (size_t i = 0; i < ASKING; i++) {
		fds[i] = connect_raw();
		say(fds[i], command, 1, "");
	}
	await_inside(2);
	save();
	other = connect_raw();
	say(other, "pin/ls", 2, "");
	assert_int_equal(answer_of(other), 200);
	say(other, command, 2, ""); /* it has its own two */
	await_inside(3);
	for (size_t i = 0; i < ASKING; i++)
		assert_true(is_silent(fds[i]));
	assert_int_equal(most_inside, 3);
	gate_is(true);
	for (size_t i = 0; i < ASKING; i++) {
		assert_int_equal(answer_of(fds[i]), 200);
		(void)close(fds[i]);
	}
	assert_true(most_inside <= 3);
	(void)close(other);
}

TEST_IN(begin, end, what_is_read_for_one_key_in_a_minute_is_bounded_and_it_is_told_of)
{
	char command[160];
	int much = connect_raw(), waits = connect_raw(), other = connect_raw();

	tree_command(command);
	say(much, command, 1, "X-Much: 1\r\n");
	while (!atomic_load(&has_had_much))
		(void)sched_yield();
	say(waits, command, 1, "");
	while (atomic_load(&over[1]) == 0 && is_silent(waits))
		(void)sched_yield();
	say(other, command, 2, "");
	assert_int_equal(answer_of(other), 200);
	(void)close(other);
	other = connect_raw();
	say(other, "pin/ls", 1, ""); /* little things of the same key, too */
	assert_int_equal(answer_of(other), 200);
	assert_true(is_silent(waits));
	assert_int_equal(atomic_load(&over[2]), 0);
	(void)close(much);
	(void)close(waits);
	(void)close(other);
}

/* A house with more computers than one address may have connections: each is known by its key. */
TEST_IN(begin, end, connections_are_counted_by_key_once_one_has_shown_itself_and_by_address_before)
{
	static const char version[] = "POST /api/v0/version HTTP/1.1\r\nHost: a\r\n\r\n";
	int known[70], strangers[64], one[64], last;

	for (size_t i = 0; i < 70; i++) {
		known[i] = connect_raw();
		say(known[i], "version", 100 + (unsigned)i, "");
		assert_int_equal(answer_of(known[i]), 200);
	}
	for (size_t i = 0; i < 64; i++) {
		strangers[i] = connect_raw();
		say(strangers[i], "version", 0, "");
		assert_int_equal(answer_of(strangers[i]), 200);
	}
	last = connect_raw(); /* the 65th of whom nobody knows anything */
	(void)!send(last, version, sizeof version - 1, MSG_NOSIGNAL);
	assert_int_equal(answer_of(last), 0);
	(void)close(last);
	for (size_t i = 0; i < 64; i++)
		(void)close(strangers[i]);
	for (size_t i = 0; i < 64; i++) {
		do { /* until the places of the strangers are free */
			one[i] = connect_raw();
			say(one[i], "version", 9, "");
		} while (answer_of(one[i]) == 0 && close(one[i]) == 0);
	}
	assert_int_equal(atomic_load(&over[9]), 0);
	last = connect_raw();
	say(last, "version", 9, "");
	assert_int_equal(answer_of(last), 429);
	assert_int_equal(atomic_load(&over[9]), 1);
	(void)close(last);
	for (size_t i = 0; i < 64; i++)
		(void)close(one[i]);
	for (size_t i = 0; i < 70; i++)
		(void)close(known[i]);
}

TESTS(NULL, NULL)
