/* These tests are about a node that is asked for a part of a tree and says nothing: a program that
 * writes meanwhile, and is far ahead of the search for room, does not wait for it. */

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fetch/fetch.h"
#include "ipfs/node.h"
#include "node.h"
#include "store/car_store.h"
#include "view_kit.h"

#define STEP_BYTES (UINT64_C(16) << 10) /* writers may be 66 of them ahead */
#define FILE_BYTES 700000
#define AHEAD 4 /* files: so much that a writer waits for a search */
#define ROUNDS                                                                                     \
	5 /* a question ends by itself after half a minute, which is late for no test but          \
	     one on a computer that stands still, too */
#define QUESTIONS 8

/* A place in the settings: its socket takes every question, and answers none. */
typedef struct still_node {
	char path[300];
	int socket;
	int asked[QUESTIONS];
	size_t asked_count;
	emr_ipfs *ipfs;
} still_node;

static void still_begin(still_node *s, const kit *k)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char address[320];
	const emr_ipfs_options options = {
		.kind = EMR_IPFS_KUBO, .address = address, .version = "0.1.0"};

	*s = (still_node){.socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	(void)snprintf(s->path, sizeof s->path, "%s.sock", k->path);
	assert_true(strlen(s->path) < sizeof at.sun_path);
	memcpy(at.sun_path, s->path, strlen(s->path));
	assert_int_equal(bind(s->socket, (const struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(s->socket, QUESTIONS), 0);
	(void)snprintf(address, sizeof address, "unix:%s", s->path);
	assert_ok(emr_ipfs_open(&options, &s->ipfs, NULL));
}

/* Somebody asks, and goes on waiting. */
static bool still_is_asked(still_node *s)
{
	struct pollfd here = {.fd = s->socket, .events = POLLIN};

	if (poll(&here, 1, 0) != 1)
		return false;
	assert_true(s->asked_count < QUESTIONS);
	s->asked[s->asked_count] = accept(s->socket, NULL, NULL);
	assert_true(s->asked[s->asked_count++] >= 0);
	return true;
}

static void still_hang_up(still_node *s)
{
	while (s->asked_count > 0)
		close(s->asked[--s->asked_count]);
}

static void still_end(still_node *s)
{
	emr_ipfs_close(s->ipfs);
	close(s->socket);
	assert_int_equal(unlink(s->path), 0);
}

static bool is_asking(emr_view *view)
{
	bool is;

	pthread_mutex_lock(&view->lock);
	is = view->space.is_asking;
	pthread_mutex_unlock(&view->lock);
	return is;
}

static void save_and_remove(kit *k, const char *name)
{
	EMR_AUTO_FREE uint8_t *bytes = kit_bytes(FILE_BYTES, 3);

	kit_write(k, name, bytes, FILE_BYTES);
	kit_unlink(k, name);
}

/* Bytes that no record needs, and of which nobody knows whether they are below a node that is not
 * here: they are looked at again ten minutes later. */
static void make_spared(kit *k)
{
	const emr_pin pin = {.root = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_bytes_of("away", 4)),
		.owner = {{9}},
		.state = EMR_PIN_REGISTERED};
	uint8_t *bytes = kit_bytes(FILE_BYTES, 4);
	emr_view_counts counts;
	emr_handle *h;
	uint64_t freed;

	assert_ok(emr_block_store_pin(emr_store_blocks(k->stack.store), &pin, 1));
	kit_write(k, "gone", bytes, FILE_BYTES);
	free(bytes);
	h = kit_open_file(k, "gone", O_RDWR);
	assert_ok(emr_view_fsync(h));
	emr_view_release(h);
	kit_unlink(k, "gone");
	kit_publish_all(k);
	assert_ok(emr_view_purge(k->view, &freed));
	emr_view_count(k->view, &counts);
	assert_true(counts.spared_bytes > FILE_BYTES / 2);
}

/* True: all was written while the node was still being waited for. */
static bool writes_while_it_is_asked(kit *k, still_node *s)
{
	bool was_asking;

	do {
		kit_wait_ms(k, 600001); /* again: what did not come just now is not asked for */
		assert_ok(emr_view_publish_now(k->view)); /* its threads look at the clock */
		usleep(1000);
	} while (!still_is_asked(s));
	for (unsigned i = 0; i < AHEAD; i++)
		save_and_remove(k, "more");
	was_asking = is_asking(k->view);
	do {
		still_hang_up(s);
		usleep(1000);
	} while (still_is_asked(s) || is_asking(k->view));
	still_hang_up(s);
	return was_asking;
}

TEST(who_writes_does_not_wait_for_a_node_that_stands_still)
{
	emr_fetcher_options options = {.node_count = 1, .clock = emr_clock_system()};
	emr_fetcher *fetcher = NULL;
	unsigned waited = 0;
	AUTO(still_end) still_node s;
	kit k;

	kit_open(&k);
	still_begin(&s, &k);
	k.options.space_step_bytes = STEP_BYTES;
	kit_restart(&k);
	make_spared(&k);
	options.nodes = &s.ipfs;
	options.store = emr_store_blocks(k.stack.store);
	assert_ok(emr_fetcher_open(&options, &fetcher));
	k.view->options.fetcher = fetcher;
	assert_ok(emr_view_start(k.view));
	while (!writes_while_it_is_asked(&k, &s))
		assert_true(++waited < ROUNDS);
	kit_close(&k);
	emr_fetcher_close(fetcher);
}

TESTS(NULL, NULL)
