/* These tests use a node of an IPFS Cluster as a node: the requests to the cluster, which of its
 * peers count as copies, and the outcome when the cluster fails, lies, or never does what it was
 * asked (against the clusters of tests/support/fake_node.py). */
#include "emr_test.h"

#include <pthread.h>

#include "ipfs/cluster.h"
#include "publisher/publisher.h"

#define PATIENCE_MS 600000
#define COPIES 2

static void node_file(const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", getenv("EMR_NODE_DIR"), name);
}

static emr_ipfs *open_with(const char *name, emr_ipfs_kind kind, const char *token)
{
	char address[600];
	emr_ipfs_options options = {
		.kind = kind, .address = address, .token = token, .version = "0.1.0"};
	emr_ipfs *node = NULL;

	snprintf(address, sizeof address, "unix:%s/%s.sock", getenv("EMR_NODE_DIR"), name);
	assert_ok(emr_ipfs_open(&options, &node, NULL));
	return node;
}

static emr_cid root_of(const char *text)
{
	return emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(text, strlen(text)));
}

/* ---- What a cluster is asked, and what its answers count for ---- */

TEST(what_is_to_be_pinned_counts_when_peers_say_that_it_is)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS cluster = open_with("cluster", EMR_IPFS_CLUSTER, NULL);
	emr_cid root = root_of("pinned in two nodes");
	char version[EMR_IPFS_VERSION_BYTES];
	emr_ipfs_pinning pinning;

	assert_ok(emr_ipfs_version(cluster, &call, version));
	assert_string_equal(version, "1.1.6");
	assert_ok(emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
	assert_int_equal(pinning.pinned + pinning.underway + pinning.failed, 0);
	assert_ok(emr_ipfs_cluster_pin(cluster, &call, &root, COPIES));
	assert_ok(emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
	assert_int_equal(pinning.pinned, 0);
	assert_int_equal(pinning.underway, 2);
	assert_ok(emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
	assert_int_equal(pinning.pinned, 2);
	assert_ok(emr_ipfs_let_go(cluster, &call, &root));
	assert_ok(emr_ipfs_let_go(cluster, &call, &root)); /* it does not know it any more */
	assert_ok(emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
	assert_int_equal(pinning.pinned + pinning.underway + pinning.failed, 0);
}

TEST(peers_before_one_node_are_one_copy)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS cluster = open_with("cluster-one-node", EMR_IPFS_CLUSTER, NULL);
	emr_cid root = root_of("three names of one node");
	emr_ipfs_pinning pinning;

	assert_ok(emr_ipfs_cluster_pin(cluster, &call, &root, 3));
	assert_ok(emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
	assert_int_equal(pinning.pinned, 1);
}

TEST(as_many_peers_as_there_are_are_asked_when_there_are_too_few)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS cluster = open_with("cluster-few", EMR_IPFS_CLUSTER, NULL);
	emr_cid root = root_of("one peer only");
	emr_ipfs_pinning pinning;

	assert_ok(emr_ipfs_cluster_pin(cluster, &call, &root, COPIES));
	assert_ok(emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
	assert_ok(emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
	assert_int_equal(pinning.pinned, 1);
}

TEST(a_cluster_may_want_a_token_or_a_password)
{
	static const char *const logins[] = {"right", "emrfs:right", "wrong", "emrfs:wrong", NULL};
	emr_cid root = root_of("guarded");

	for (size_t i = 0; i < 5; i++) {
		emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
		EMR_AUTO_IPFS cluster = open_with("cluster-login", EMR_IPFS_CLUSTER, logins[i]);

		assert_status(i < 2 ? EMR_OK : EMR_DENIED,
			emr_ipfs_cluster_pin(cluster, &call, &root, COPIES));
		assert_int_equal(call.fault, i < 2 ? EMR_IPFS_FINE : EMR_IPFS_TOKEN);
	}
}

/* No answer of these is a copy, and each says what it was. */
TEST(each_way_in_which_a_cluster_fails_has_its_name)
{
	static const struct {
		const char *name;
		emr_ipfs_fault fault;
	} rows[] = {{"nothing-is-here", EMR_IPFS_NO_ANSWER}, {"unauthorized", EMR_IPFS_TOKEN},
		{"error", EMR_IPFS_ERROR}, {"unavailable", EMR_IPFS_UNAVAILABLE},
		{"html", EMR_IPFS_STRANGE}, {"not-found", EMR_IPFS_STRANGE},
		{"cut-json", EMR_IPFS_STRANGE}, {"empty", EMR_IPFS_STRANGE},
		{"endless", EMR_IPFS_STRANGE}, {"in-band", EMR_IPFS_STRANGE},
		{"cluster-other", EMR_IPFS_OTHER_ANSWER}, {"cluster-no-map", EMR_IPFS_OTHER_ANSWER},
		{"short", EMR_IPFS_BROKEN_OFF}, {"hangs", EMR_IPFS_SLOW}};
	emr_cid root = root_of("asked of clusters that fail");

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool hangs = rows[i].fault == EMR_IPFS_SLOW;
		emr_ipfs_call call = emr_ipfs_call_of(hangs ? 300 : PATIENCE_MS, -1);
		EMR_AUTO_IPFS cluster = open_with(rows[i].name, EMR_IPFS_CLUSTER, NULL);
		emr_ipfs_pinning pinning = {.pinned = 77};

		print_message("%s\n", rows[i].name);
		assert_true(EMR_OK != emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
		assert_int_equal(call.fault, rows[i].fault);
		assert_int_equal(pinning.pinned, 77);
		assert_true(EMR_OK != emr_ipfs_cluster_pin(cluster, &call, &root, COPIES));
		assert_int_equal(call.fault, rows[i].fault);
		assert_true(EMR_OK != emr_ipfs_let_go(cluster, &call, &root));
		assert_int_equal(call.fault, rows[i].fault);
	}
}

TEST(a_cluster_carries_no_blocks)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS cluster = open_with("cluster", EMR_IPFS_CLUSTER, NULL);
	emr_cid root = root_of("not from here");
	emr_ipfs_holding holding;
	EMR_AUTO_BUF out = {0};

	assert_status(EMR_UNSUPPORTED, emr_ipfs_block(cluster, &call, &root, true, &out));
	assert_status(EMR_UNSUPPORTED, emr_ipfs_holds(cluster, &call, &root, &holding));
}

/* ---- As a node of the publisher ---- */

typedef struct scene {
	char path[512];
	int state_fd;
	emr_store *store;
	emr_publisher *publisher;
	pthread_mutex_t lock;
	emr_cid leaving;
	bool is_leaving;
	emr_ipfs_fault said;
	char words[EMR_IPFS_SAID_BYTES];
} scene;

static emr_status each_leaving(void *arg, emr_cid_visit visit, void *visit_arg)
{
	scene *s = arg;
	bool is_leaving;

	pthread_mutex_lock(&s->lock);
	is_leaving = s->is_leaving;
	pthread_mutex_unlock(&s->lock);
	return is_leaving ? visit(visit_arg, &s->leaving) : EMR_OK;
}

static emr_status left(void *arg, const emr_cid *root)
{
	scene *s = arg;

	(void)root;
	pthread_mutex_lock(&s->lock);
	s->is_leaving = false;
	pthread_mutex_unlock(&s->lock);
	return EMR_OK;
}

static void say(void *arg, const emr_publisher_node *node)
{
	scene *s = arg;

	pthread_mutex_lock(&s->lock);
	s->said = node->fault;
	memcpy(s->words, node->said, sizeof s->words);
	pthread_mutex_unlock(&s->lock);
}

static void start(scene *s, const char *cluster)
{
	emr_publisher_options options = {.store = s->store,
		.state_dirfd = s->state_fd,
		.late_ms = strcmp(cluster, "cluster-never") == 0 ? 1 : 0,
		.say = say,
		.each_leaving = each_leaving,
		.left = left,
		.arg = s};
	emr_ipfs *node = open_with("good", EMR_IPFS_KUBO, NULL);

	emr_ipfs_join(node, open_with(cluster, EMR_IPFS_CLUSTER, NULL), COPIES);
	assert_ok(emr_publisher_new(&node, 1, &s->publisher));
	assert_ok(emr_publisher_start(s->publisher, &options));
}

static void stop(scene *s)
{
	emr_publisher_stop(s->publisher);
	emr_publisher_free(s->publisher);
	s->publisher = NULL;
}

static void begin(scene *s, const char *name, const char *cluster)
{
	emr_store_options options = {.path = s->path, .writer = {{7}}, .index_delay_ms = 1};

	*s = (scene){.lock = PTHREAD_MUTEX_INITIALIZER};
	snprintf(s->path, sizeof s->path, "%s/cluster-%s", getenv("EMR_NODE_DIR"), name);
	assert_ok(emr_dir_open(s->path, &s->state_fd));
	assert_ok(emr_store_open(&options, &s->store));
	assert_ok(emr_store_pins_complete(s->store, NULL, 0));
	start(s, cluster);
}

static void end(scene *s)
{
	stop(s);
	emr_store_close(s->store);
	close(s->state_fd);
}

static void pin(scene *s, const emr_cid *root, bool unpin)
{
	emr_pin_change change = {
		.pin = {.root = *root, .owner = {{1}}, .state = EMR_PIN_REGISTERED},
		.unpin = unpin};

	assert_ok(emr_store_pin(s->store, &change, 1));
	emr_publisher_wake(s->publisher);
}

/* The root that save will send; BYTES are of 700. */
static emr_cid name(const scene *s, const char *text, char *bytes)
{
	snprintf(bytes, 700, "%s of %s", text, s->path);
	return root_of(bytes);
}

static emr_cid save(scene *s, const char *text)
{
	char bytes[700];
	emr_block block;

	block.cid = name(s, text, bytes);
	block.data = emr_bytes_of(bytes, strlen(bytes));
	assert_ok(emr_store_append(s->store, &block, 1, NULL));
	pin(s, &block.cid, false);
	return block.cid;
}

static unsigned held(scene *s, const emr_cid *root)
{
	unsigned n = 0, wanted = 0;

	emr_publisher_count(s->publisher, root, &n, &wanted);
	assert_int_equal(wanted, 1 + COPIES);
	return n;
}

#define LOOKS_MAX 300000 /* a millisecond each: the thing does not come any more */

/* Before each further look at what is waited for. */
static void look_again(void)
{
	static size_t looks;

	assert_true(looks++ < LOOKS_MAX);
	usleep(1000);
}

static void wait_held(scene *s, const emr_cid *root, unsigned wanted)
{
	while (held(s, root) != wanted)
		look_again();
}

/* Counts the questions to the fakes: lines with all of these words. */
static size_t asked(const char *method, const emr_cid *root)
{
	char path[512], line[1024], text[EMR_CID_TEXT_CHARS + 1];
	size_t n = 0;
	FILE *file;

	emr_cid_text(root, text);
	node_file("asked", path, sizeof path);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		n += strncmp(line, method, strlen(method)) == 0 && strstr(line, text) != NULL;
	if (file != NULL)
		fclose(file);
	return n;
}

static bool is_at_the_node(const emr_cid *root)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_with("good", EMR_IPFS_KUBO, NULL);
	emr_ipfs_holding holding = {0};

	assert_ok(emr_ipfs_holds(good, &call, root, &holding));
	return holding.is_pinned && holding.is_whole;
}

static void open_gate(bool is_open)
{
	char path[512];

	node_file("open", path, sizeof path);
	if (is_open)
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	else
		unlink(path);
}

TEST(what_peers_have_pinned_and_nothing_else_is_a_copy)
{
	emr_publisher_node node;
	emr_cid root;
	AUTO(end) scene s;

	open_gate(false);
	begin(&s, "counts", "cluster-gate");
	root = save(&s, "a record");
	while (asked("GET", &root) < 3) /* before it was asked, and twice while it pins */
		look_again();
	assert_true(is_at_the_node(&root));
	assert_int_equal(asked("POST", &root), 1);
	assert_int_equal(held(&s, &root), 1); /* this computer: the node's word is no copy */
	open_gate(true);
	wait_held(&s, &root, 3);
	do { /* it is written down a moment after it counts */
		look_again();
		emr_publisher_look(s.publisher, 0, &node);
	} while (node.held == 0);
	assert_int_equal(node.held, 1);
	assert_non_null(strstr(node.address, "cluster-gate"));
	assert_int_equal(asked("POST", &root), 1);
	/* A publisher that starts again knows it, and has it pinned by nobody again. */
	stop(&s);
	start(&s, "cluster-gate");
	wait_held(&s, &root, 3);
	assert_int_equal(asked("POST", &root), 1);
}

TEST(what_is_erased_is_let_go_by_the_cluster_and_by_its_node)
{
	emr_cid root;

	SCENE_OF(scene, s, end, begin, "erases", "cluster");
	root = save(&s, "a record");
	wait_held(&s, &root, 3);
	pthread_mutex_lock(&s.lock);
	s.leaving = root;
	s.is_leaving = true;
	pthread_mutex_unlock(&s.lock);
	pin(&s, &root, true);
	while (is_at_the_node(&root))
		look_again();
	assert_int_equal(asked("DELETE", &root), 1);
}

/* As one that was away: seconds after the cluster was asked it does not know that it is to pin. */
TEST(a_peer_that_hears_of_a_pin_late_is_waited_for)
{
	emr_cid root;

	SCENE_OF(scene, s, end, begin, "cluster-behind", "cluster-behind");
	root = save(&s, "heard of late");
	wait_held(&s, &root, 3);
	pthread_mutex_lock(&s.lock);
	assert_int_equal(s.said, EMR_IPFS_FINE);
	pthread_mutex_unlock(&s.lock);
}

TEST(what_one_peer_does_not_pin_is_one_copy_fewer_and_keeps_no_other_back)
{
	static const char *const clusters[] = {"cluster-fails", "cluster-lost", "cluster-few"};

	for (size_t i = 0; i < 3; i++) {
		emr_publisher_node node = {0};
		emr_cid first, second;
		scene s;

		begin(&s, clusters[i], clusters[i]);
		first = save(&s, "a record");
		second = save(&s, "another");
		wait_held(&s, &first, 2);
		wait_held(&s, &second, 2);
		while (node.stuck < 2) {
			emr_publisher_look(s.publisher, 0, &node);
			look_again();
		}
		assert_int_equal(node.held, 0);
		pthread_mutex_lock(&s.lock);
		assert_int_equal(s.said, EMR_IPFS_NOT_KEPT);
		assert_non_null(strstr(s.words, "1 of 2 peers"));
		pthread_mutex_unlock(&s.lock);
		end(&s);
	}
}

TEST(a_pin_that_never_comes_is_no_copy_is_not_sent_again_and_is_told)
{
	emr_publisher_node node = {0};
	emr_cid root;

	SCENE_OF(scene, s, end, begin, "never", "cluster-never");
	root = save(&s, "a record");
	while (asked("GET", &root) < 4)
		look_again();
	assert_int_equal(held(&s, &root), 1);
	assert_int_equal(asked("POST", &root), 1);
	pthread_mutex_lock(&s.lock);
	assert_int_equal(s.said, EMR_IPFS_UNFINISHED);
	assert_string_equal(s.words, "1, for over 0 s");
	pthread_mutex_unlock(&s.lock);
	/* Not only at that moment: the cluster answers every request. */
	for (size_t seen = asked("GET", &root); asked("GET", &root) == seen;)
		look_again();
	emr_publisher_look(s.publisher, 0, &node);
	assert_int_equal(node.fault, EMR_IPFS_UNFINISHED);
	assert_int_equal(node.late, 1);
	assert_int_equal(node.stuck, 0);
}

TEST(what_is_pinned_in_time_is_never_late)
{
	emr_publisher_node node;
	emr_cid root;

	SCENE_OF(scene, s, end, begin, "in-time", "cluster");
	root = save(&s, "a record");
	wait_held(&s, &root, 3);
	emr_publisher_look(s.publisher, 0, &node);
	assert_int_equal(node.late, 0);
	assert_int_equal(node.fault, EMR_IPFS_FINE);
	assert_int_equal(s.said, EMR_IPFS_FINE);
}

/* The node was replaced by an empty one, and nobody else had finished. */
TEST(what_the_node_and_all_peers_have_lost_is_sent_again)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS cluster = open_with("cluster-empty", EMR_IPFS_CLUSTER, NULL);
	char bytes[700];
	emr_cid root;

	SCENE_OF(scene, s, end, begin, "empty", "cluster-empty");
	root = name(&s, "a record", bytes);
	assert_ok(emr_ipfs_cluster_pin(cluster, &call, &root, COPIES));
	(void)save(&s, "a record");
	wait_held(&s, &root, 3);
	assert_true(is_at_the_node(&root));
}

TEST(a_cluster_that_fails_holds_no_copy_and_a_person_is_told)
{
	static const struct {
		const char *name;
		emr_ipfs_fault fault;
	} rows[] = {{"nothing-is-here", EMR_IPFS_NO_ANSWER}, {"unauthorized", EMR_IPFS_TOKEN},
		{"error", EMR_IPFS_ERROR}, {"html", EMR_IPFS_STRANGE},
		{"cluster-other", EMR_IPFS_OTHER_ANSWER}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		emr_ipfs_fault said = EMR_IPFS_FINE;
		emr_publisher_node node;
		emr_cid root;
		scene s;

		begin(&s, rows[i].name, rows[i].name);
		root = save(&s, "a record");
		while (said == EMR_IPFS_FINE) {
			pthread_mutex_lock(&s.lock);
			said = s.said;
			pthread_mutex_unlock(&s.lock);
			look_again();
		}
		assert_int_equal(said, rows[i].fault);
		emr_publisher_look(s.publisher, 0, &node);
		assert_non_null(strstr(node.failed, rows[i].name));
		assert_int_equal(held(&s, &root), 1);
		end(&s);
	}
}

TESTS(NULL, NULL)
