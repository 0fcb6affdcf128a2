/* These tests use nodes that fail, lie, hang or are none, each in its own way
 * (tests/support/fake_node.py): every one has a name of its own, ends in time, and no wrong byte
 * gets through. */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fake_nodes.h"

static const char first[] = "the first block", second[] = "the second block";

typedef enum deed {
	BLOCK,
	ONLINE, /* a block, asked with the short time that a call may take */
	GATEWAY,
	PUSH,
	HOLDS,
	LET_GO,
	PINS,
	VERSION,
	GATEWAY_VERSION,
	PUSH_LARGE,   /* what is sent as two imports */
	PUSH_REFUSED, /* of which the rest goes when the node has answered */
} deed;

/* ---- What is done to a node ---- */

static emr_status next_block(void *arg, bool *out_more, emr_block *out_block)
{
	size_t *at = arg;
	const char *text = *at == 0 ? first : second;

	*out_more = *at < 2;
	out_block->data = emr_bytes_of(text, strlen(text));
	out_block->cid = emr_cid_of_block(EMR_CODEC_RAW, out_block->data);
	(*at)++;
	return EMR_OK;
}

static emr_status no_pin(void *arg, const emr_cid *root)
{
	(void)arg;
	(void)root;
	return EMR_OK;
}

/* The second when the node has answered, not having it.  Before it a block that is longer than what
 * libcurl gathers before it sends anything, so that the node has heard of the request. */
static emr_status next_when_refused(void *arg, bool *out_more, emr_block *out_block)
{
	static uint8_t filler[1 << 20];
	static bool is_filled;

	if (*(size_t *)arg == 1 && !is_filled) {
		is_filled = *out_more = true;
		out_block->data = emr_bytes_of(filler, sizeof filler);
		out_block->cid = emr_cid_of_block(EMR_CODEC_RAW, out_block->data);
		return EMR_OK;
	}
	UNTIL(*(size_t *)arg != 1 || access(node_file("refused"), F_OK) == 0);
	return next_block(arg, out_more, out_block);
}

static emr_status push(emr_ipfs *node, emr_ipfs_call *call, deed what)
{
	emr_cid roots[2] = {
		emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(first, strlen(first))),
		emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(second, strlen(second))),
	};
	size_t at = 0;
	emr_ipfs_parcel parcel = {.roots = roots,
		.root_count = 2,
		.next = what == PUSH_REFUSED ? next_when_refused : next_block,
		.arg = &at};

	return emr_ipfs_push(node, call, &parcel);
}

/* Blocks until two of them were asked for by another thread than the caller's, the first of which
 * is the root. */
typedef struct many {
	pthread_t caller;
	size_t count, by_another;
	int cancel_fd; /* of the call: given up when all was asked for; -1: is not */
	uint8_t block[1 << 20];
} many;

static emr_status next_of_many(void *arg, bool *out_more, emr_block *out_block)
{
	many *m = arg;

	m->by_another += !pthread_equal(pthread_self(), m->caller);
	*out_more = m->by_another < 2;
	if (!*out_more && m->cancel_fd >= 0)
		assert_int_equal(eventfd_write(m->cancel_fd, 1), 0);
	memcpy(m->block, &m->count, sizeof m->count);
	m->count++;
	*out_block = (emr_block){.data = emr_bytes_of(m->block, sizeof m->block)};
	out_block->cid = emr_cid_of_block(EMR_CODEC_RAW, out_block->data);
	return EMR_OK;
}

static emr_status push_large(emr_ipfs *node, emr_ipfs_call *call)
{
	EMR_AUTO_FREE many *m = calloc(1, sizeof *m);
	emr_ipfs_parcel parcel = {
		.root_count = 1, .next = next_of_many, .arg = m, .bytes = (uint64_t)100 << 20};
	emr_cid root;
	emr_status status;

	assert_non_null(m);
	m->caller = pthread_self();
	m->cancel_fd = call->cancel_fd;
	root = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(m->block, sizeof m->block));
	parcel.roots = &root;
	status = emr_ipfs_push(node, call, &parcel);
	assert_true(m->by_another > 0);
	return status;
}

static emr_status do_it(emr_ipfs *node, emr_ipfs_call *call, deed what)
{
	emr_cid cid = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(first, strlen(first)));
	char version[EMR_IPFS_VERSION_BYTES];
	emr_ipfs_holding holding;
	EMR_AUTO_BUF out = {0};
	emr_status status;

	switch (what) {
	case PUSH:
	case PUSH_REFUSED:
		return push(node, call, what);
	case PUSH_LARGE:
		return push_large(node, call);
	case HOLDS:
		return emr_ipfs_holds(node, call, &cid, &holding);
	case LET_GO:
		return emr_ipfs_let_go(node, call, &cid);
	case PINS:
		return emr_ipfs_each_pin(node, call, no_pin, NULL);
	case VERSION:
	case GATEWAY_VERSION:
		return emr_ipfs_version(node, call, version);
	case BLOCK:
	case ONLINE:
	case GATEWAY:
	default:
		status = emr_ipfs_block(node, call, &cid, what == ONLINE, &out);
		assert_int_equal(out.len, 0);
		return status;
	}
}

static void assert_meets(const emr_ipfs_options *options, deed what, emr_ipfs_fault wanted)
{
	/* A node that hangs, hangs as long as it may. */
	emr_ipfs_call call = emr_ipfs_call_of(wanted == EMR_IPFS_SLOW ? 300 : PATIENCE_MS, -1);
	EMR_AUTO_IPFS node = NULL;
	emr_status status;

	assert_ok(emr_ipfs_open(options, &node, NULL));
	status = do_it(node, &call, what);
	if (call.fault != wanted)
		print_message("%s, deed %d: %s, http %ld, said: %s\n", options->address, (int)what,
			emr_ipfs_fault_name(call.fault), call.http_status, call.said);
	assert_string_equal(emr_ipfs_fault_name(call.fault), emr_ipfs_fault_name(wanted));
	assert_status(emr_ipfs_fault_status(wanted), status);
	for (const char *at = call.said; *at != '\0'; at++)
		assert_true(*at >= 0x20 && *at < 0x7f);
}

static void meets(const char *scene, deed what, emr_ipfs_fault wanted)
{
	const bool is_gateway = what == GATEWAY || what == GATEWAY_VERSION;
	const emr_ipfs_options options = {.kind = is_gateway ? EMR_IPFS_GATEWAY : EMR_IPFS_KUBO,
		.address = node_address(scene),
		.version = "0.1.0"};

	assert_meets(&options, what, wanted);
}

/* ---- The four shapes of errors ---- */

TEST(an_error_before_the_answer_is_told_by_what_it_says)
{
	meets("error", BLOCK, EMR_IPFS_ERROR);
	meets("error", HOLDS, EMR_IPFS_ERROR);
	meets("error-html", BLOCK, EMR_IPFS_ERROR);
	meets("full", PUSH, EMR_IPFS_FULL);
	meets("full-deep", PUSH, EMR_IPFS_FULL);
	meets("full-text", PUSH, EMR_IPFS_FULL);
	meets("full-for-pins", PUSH, EMR_IPFS_FULL);
	meets("trailer-full", BLOCK, EMR_IPFS_FULL);
	meets("unavailable", BLOCK, EMR_IPFS_UNAVAILABLE);
	meets("overloaded", PUSH, EMR_IPFS_UNAVAILABLE);
	meets("unauthorized", BLOCK, EMR_IPFS_TOKEN);
	meets("conflict", PUSH, EMR_IPFS_CONFLICT);
	meets("too-large", PUSH, EMR_IPFS_TOO_LARGE);
	meets("busy", BLOCK, EMR_IPFS_BUSY);
	meets("busy", PUSH, EMR_IPFS_BUSY);
	meets("not-found", PINS, EMR_IPFS_STRANGE);
	meets("not-found", GATEWAY, EMR_IPFS_MISSING);
	meets("redirect", BLOCK, EMR_IPFS_STRANGE);
	meets("redirect", GATEWAY, EMR_IPFS_STRANGE);
}

TEST(a_403_means_a_wrong_token_or_one_that_may_not_do_this)
{
	for (deed what = BLOCK; what <= VERSION; what++) {
		if (what == GATEWAY || what == VERSION)
			continue;
		meets("token", what, EMR_IPFS_TOKEN);
		meets("not-allowed", what, EMR_IPFS_NOT_ALLOWED);
	}
	meets("token", VERSION, EMR_IPFS_TOKEN);
	meets("token", GATEWAY, EMR_IPFS_TOKEN);
}

TEST(an_error_behind_the_answer_is_one)
{
	meets("trailer", BLOCK, EMR_IPFS_BROKEN_OFF);
	meets("short", BLOCK, EMR_IPFS_BROKEN_OFF);
	meets("short", GATEWAY, EMR_IPFS_BROKEN_OFF);
	meets("hangs-up", BLOCK, EMR_IPFS_BROKEN_OFF);
	meets("hangs-up", PUSH, EMR_IPFS_BROKEN_OFF);
}

TEST(an_error_inside_the_answer_is_one)
{
	meets("in-band", HOLDS, EMR_IPFS_MISSING);
	meets("in-band", LET_GO, EMR_IPFS_MISSING);
	meets("in-band-message", PUSH, EMR_IPFS_FULL);
	meets("in-band-message", PINS, EMR_IPFS_FULL);
	meets("not-pinned", PUSH, EMR_IPFS_NOT_KEPT);
}

TEST(an_empty_answer_is_an_error)
{
	for (deed what = BLOCK; what <= VERSION; what++) {
		if (what != PINS)
			meets("empty", what, EMR_IPFS_BROKEN_OFF);
	}
}

TEST(a_node_without_a_pin_has_an_empty_list_of_them)
{
	meets("no-pin", PINS, EMR_IPFS_FINE);
}

/* ---- Answers that are none ---- */

TEST(a_push_counts_only_when_all_of_it_is_named)
{
	meets("byte-by-byte", PUSH, EMR_IPFS_FINE);
	meets("good", PUSH, EMR_IPFS_FINE); /* which names the roots in another order */
	meets("root-missing", PUSH, EMR_IPFS_BROKEN_OFF);
	meets("stats-missing", PUSH, EMR_IPFS_BROKEN_OFF);
	meets("root-twice", PUSH, EMR_IPFS_OTHER_ANSWER);
	meets("root-other", PUSH, EMR_IPFS_OTHER_ANSWER);
	meets("stats-wrong", PUSH, EMR_IPFS_OTHER_ANSWER);
	meets("cut-json", PUSH, EMR_IPFS_BROKEN_OFF);
	meets("html", PUSH, EMR_IPFS_STRANGE);
	meets("long-line", PUSH, EMR_IPFS_STRANGE);
	meets("refuses-early", PUSH_REFUSED, EMR_IPFS_FULL);
}

TEST(a_large_push_counts_only_when_both_its_imports_do)
{
	meets("good", PUSH_LARGE, EMR_IPFS_FINE);
	meets("beside-full", PUSH_LARGE, EMR_IPFS_FULL);
	meets("beside-hangs-up", PUSH_LARGE, EMR_IPFS_BROKEN_OFF);
	meets("beside-empty", PUSH_LARGE, EMR_IPFS_BROKEN_OFF);
	meets("beside-stats-wrong", PUSH_LARGE, EMR_IPFS_OTHER_ANSWER);
}

TEST(who_gives_up_a_large_push_waits_for_neither_import)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, eventfd(0, EFD_CLOEXEC));
	EMR_AUTO_IPFS node = open_node("beside-hangs", EMR_IPFS_KUBO);

	assert_status(EMR_INTERRUPTED, push_large(node, &call));
	assert_int_equal(call.fault, EMR_IPFS_CANCELLED);
	close(call.cancel_fd);
}

TEST(what_is_no_node_is_not_taken_for_one)
{
	for (deed what = HOLDS; what <= VERSION; what++)
		meets("html", what, EMR_IPFS_STRANGE);
	meets("html", BLOCK, EMR_IPFS_BAD_BLOCK);
	meets("no-http", BLOCK, EMR_IPFS_STRANGE);
	meets("long-line", PINS, EMR_IPFS_STRANGE);
	meets("long-header", BLOCK, EMR_IPFS_STRANGE);
	meets("long-header", PUSH, EMR_IPFS_STRANGE);
	meets("strange-version", VERSION, EMR_IPFS_OLD);
}

TEST(an_old_kubo_is_named_and_a_newer_one_is_not)
{
	meets("old", VERSION, EMR_IPFS_OLD);
	meets("newer", VERSION, EMR_IPFS_FINE);
}

TEST(no_wrong_byte_and_no_endless_answer_gets_through)
{
	meets("wrong-bytes", BLOCK, EMR_IPFS_BAD_BLOCK);
	meets("wrong-bytes", GATEWAY, EMR_IPFS_BAD_BLOCK);
	meets("three-mib", BLOCK, EMR_IPFS_TOO_LARGE);
	meets("three-mib", GATEWAY, EMR_IPFS_TOO_LARGE);
	meets("endless", BLOCK, EMR_IPFS_TOO_LARGE);
	meets("endless", GATEWAY, EMR_IPFS_TOO_LARGE);
	meets("endless", PINS, EMR_IPFS_STRANGE);
	meets("endless", PUSH, EMR_IPFS_STRANGE);
	meets("endless-lines", PUSH, EMR_IPFS_STRANGE);
	meets("endless-lines", HOLDS, EMR_IPFS_STRANGE);
	meets("endless-error", BLOCK, EMR_IPFS_ERROR);
	meets("endless-error", PUSH, EMR_IPFS_ERROR);
	meets("endless-headers", BLOCK, EMR_IPFS_STRANGE);
	meets("endless-headers", PUSH, EMR_IPFS_STRANGE);
	meets("endless-version", BLOCK, EMR_IPFS_STRANGE);
	meets("endless", GATEWAY_VERSION, EMR_IPFS_STRANGE);
	assert_int_not_equal(access(node_file("taken"), F_OK), 0); /* nobody listened on */
	/* Nobody knows how much a node keeps for others: a list may be as long as the call. */
	meets("endless-pins", PINS, EMR_IPFS_SLOW);
}

TEST(what_is_said_of_another_record_or_of_no_block_counts_for_nothing)
{
	meets("other-pin", HOLDS, EMR_IPFS_OTHER_ANSWER);
	meets("other-pin", LET_GO, EMR_IPFS_OTHER_ANSWER);
	meets("other-tree", HOLDS, EMR_IPFS_OTHER_ANSWER);
	meets("tree-of-nothing", HOLDS, EMR_IPFS_STRANGE);
}

TEST(a_node_that_does_not_answer_costs_the_time_of_the_call_and_no_more)
{
	for (deed what = BLOCK; what <= VERSION; what++)
		meets("hangs", what, EMR_IPFS_SLOW);
}

/* ---- Names that nobody answers for ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool may_end, has_ended;
	int asked_fd; /* told when somebody asks; -1: nobody */
} lookup = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, -1};

typedef int lookup_fn(
	const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);

__attribute__((visibility("default"))) int getaddrinfo(
	const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	struct timespec last;
	int waited = 0;

	if (name == NULL || strcmp(name, "slow.example") != 0)
		return ((lookup_fn *)dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, out);
	(void)clock_gettime(CLOCK_REALTIME, &last);
	last.tv_sec += 60; /* so that whoever waits for it is seen to */
	pthread_mutex_lock(&lookup.lock);
	if (lookup.asked_fd >= 0)
		(void)eventfd_write(lookup.asked_fd, 1);
	while (!lookup.may_end && waited == 0)
		waited = pthread_cond_timedwait(&lookup.told, &lookup.lock, &last);
	lookup.has_ended = true;
	pthread_cond_broadcast(&lookup.told);
	pthread_mutex_unlock(&lookup.lock);
	return EAI_AGAIN;
}

static void assert_gives_up_before_the_name_is_known(int timeout_ms, int cancel_fd, emr_status is)
{
	const emr_ipfs_options options = {
		.kind = EMR_IPFS_KUBO, .address = "https://slow.example", .version = "0.1.0"};
	emr_ipfs_call call = emr_ipfs_call_of(timeout_ms, cancel_fd);
	emr_ipfs *node = NULL;

	lookup.may_end = lookup.has_ended = false;
	lookup.asked_fd = cancel_fd;
	assert_ok(emr_ipfs_open(&options, &node, NULL));
	assert_status(is, do_it(node, &call, BLOCK));
	emr_ipfs_close(node);
	pthread_mutex_lock(&lookup.lock);
	assert_false(lookup.has_ended);
	lookup.may_end = true;
	pthread_cond_broadcast(&lookup.told);
	while (!lookup.has_ended)
		pthread_cond_wait(&lookup.told, &lookup.lock);
	pthread_mutex_unlock(&lookup.lock);
}

TEST(a_name_that_nobody_answers_for_holds_nobody_up)
{
	EMR_AUTO_FD cancel_fd = eventfd(0, EFD_CLOEXEC);

	assert_gives_up_before_the_name_is_known(1000, -1, emr_ipfs_fault_status(EMR_IPFS_SLOW));
	assert_gives_up_before_the_name_is_known(PATIENCE_MS, cancel_fd, EMR_INTERRUPTED);
}

/* ---- Places where there is no node ---- */

TEST(nobody_behind_an_address_is_told_from_a_wrong_one)
{
	struct sockaddr_un stale = {.sun_family = AF_UNIX};
	emr_ipfs_options options = {.kind = EMR_IPFS_KUBO, .version = "0.1.0"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	meets("nothing-is-here", BLOCK, EMR_IPFS_NO_ANSWER);
	/* The file that a killed node leaves. */
	snprintf(stale.sun_path, sizeof stale.sun_path, "%s", node_file("stale.sock"));
	assert_int_equal(bind(fd, (struct sockaddr *)&stale, sizeof stale), 0);
	close(fd);
	meets("stale", BLOCK, EMR_IPFS_NO_ANSWER);
	options.address = "http://127.0.0.1:1";
	assert_meets(&options, BLOCK, EMR_IPFS_NO_ANSWER);
	options.address = "https://node.invalid";
	assert_meets(&options, BLOCK, EMR_IPFS_NO_HOST);
}

static void refused(const char *address, const char *token, emr_ipfs_fault wanted)
{
	emr_ipfs_options options = {
		.kind = EMR_IPFS_KUBO, .address = address, .token = token, .version = "0.1.0"};
	emr_ipfs_fault fault = EMR_IPFS_FINE;
	emr_ipfs *node = NULL;

	assert_status(emr_ipfs_fault_status(wanted), emr_ipfs_open(&options, &node, &fault));
	assert_string_equal(emr_ipfs_fault_name(fault), emr_ipfs_fault_name(wanted));
	assert_null(node);
}

TEST(addresses_that_are_none_or_unsafe_are_refused_before_a_byte_is_sent)
{
	static const char *const wrong[] = {"", "node", "unix:", "unix:api.sock", "ftp://127.0.0.1",
		"http://", "https://user:secret@host", "https://host/?a=b", "https://host/#a",
		"file:///etc/passwd", "https://a b", "https://host\r\nX: y", "localhost:5001"};
	static const char *const clear[] = {"http://192.168.1.2:5001", "http://example.org",
		"http://127.0.0.1.example.org", "http://128.0.0.1", "http://[fe80::1]:5001",
		"HTTP://0.0.0.0:5001"};
	static const char *const fine[] = {"unix:/run/ipfs/api.sock", "http://127.0.0.1:5001",
		"http://127.9.9.9", "http://[::1]:5001/", "http://LOCALHOST:5001",
		"https://node.example.org/ipfs-rpc/"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refused(wrong[i], NULL, EMR_IPFS_ADDRESS);
	for (size_t i = 0; i < sizeof clear / sizeof *clear; i++)
		refused(clear[i], NULL, EMR_IPFS_CLEAR_TEXT);
	refused(printed("unix:/%0*d", 200, 0), NULL, EMR_IPFS_ADDRESS);
	refused(fine[0], "two\r\nlines", EMR_IPFS_TOKEN);
	refused(fine[0], "", EMR_IPFS_TOKEN);
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
		emr_ipfs_options options = {
			.kind = EMR_IPFS_KUBO, .address = fine[i], .version = "0.1.0"};
		EMR_AUTO_IPFS node = NULL;

		assert_ok(emr_ipfs_open(&options, &node, NULL));
		assert_string_equal(emr_ipfs_address(node), fine[i]);
	}
}

typedef struct tokens {
	unsigned asked, forgotten;
	unsigned right_after; /* so many were forgotten */
} tokens;

static emr_status give_token(void *arg, emr_bytes root, char *out, size_t size)
{
	tokens *t = arg;

	(void)root;
	if (out == NULL) {
		t->forgotten++;
		return EMR_OK;
	}
	t->asked++;
	(void)snprintf(out, size, "%s", t->forgotten >= t->right_after ? "right" : "old");
	return EMR_OK;
}

/* A host that was restored has another secret. */
TEST(a_token_that_a_node_takes_no_more_is_asked_for_again_once)
{
	tokens t = {.right_after = 1};
	const emr_ipfs_options options = {.kind = EMR_IPFS_KUBO,
		.version = "0.1.0",
		.address = node_address("right-token"),
		.token_of = give_token,
		.token_arg = &t};

	assert_meets(&options, VERSION, EMR_IPFS_FINE);
	assert_int_equal(t.asked, 2);
	assert_int_equal(t.forgotten, 1);
	t = (tokens){.right_after = 9};
	assert_meets(&options, VERSION, EMR_IPFS_TOKEN);
	assert_int_equal(t.asked, 2);
	/* The bytes that were sent are gone, and cannot be sent again. */
	t = (tokens){.right_after = 1};
	assert_meets(&options, PUSH, EMR_IPFS_TOKEN);
	assert_true(t.forgotten > 0);
	assert_meets(&options, PUSH, EMR_IPFS_FINE);
}

TEST(another_host_is_believed_by_its_certificate_and_gets_the_token)
{
	const char *by_name;
	emr_ipfs_options options = {.kind = EMR_IPFS_KUBO, .version = "0.1.0", .token = "right"};
	FILE *port_file = fopen(node_file("port"), "re");
	int port = 0;

	assert_non_null(port_file);
	assert_int_equal(fscanf(port_file, "%d", &port), 1);
	fclose(port_file);
	options.address = by_name = printed("https://localhost:%d", port);
	assert_meets(&options, PUSH, EMR_IPFS_CERTIFICATE); /* nobody vouches for it */
	options.ca_file = node_file("certificate");
	assert_meets(&options, PUSH, EMR_IPFS_FINE);
	options.token = "wrong";
	assert_meets(&options, PUSH, EMR_IPFS_TOKEN);
	options.token = NULL;
	assert_meets(&options, BLOCK, EMR_IPFS_TOKEN);
	options.token = "right";
	options.address =
		printed("https://127.0.0.1:%d", port); /* the certificate is for another name */
	assert_meets(&options, PUSH, EMR_IPFS_CERTIFICATE);
	options.ca_file = "/nowhere";
	options.address = by_name;
	assert_meets(&options, PUSH, EMR_IPFS_CERTIFICATE);
	options.ca_file = NULL;
	options.address =
		printed("http://127.0.0.1:%d", port); /* a port with TLS hangs up on clear text */
	assert_meets(&options, BLOCK, EMR_IPFS_BROKEN_OFF);
}

TESTS(NULL, NULL)
