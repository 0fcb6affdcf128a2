/* These tests use a node of an IPFS Cluster as a node: the requests to the cluster, which of its
 * peers count as copies, and the outcome when the cluster fails, lies, or never does what it was
 * asked (against the clusters of tests/support/fake_node.py). */
#include "ipfs/cluster.h"
#include "publisher_kit.h"

#define COPIES 2

static emr_cid root_of(const char *text)
{
	return emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(text, strlen(text)));
}

/* ---- What a cluster is asked, and what its answers count for ---- */

TEST(what_is_to_be_pinned_counts_when_peers_say_that_it_is)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS cluster = open_node("cluster", EMR_IPFS_CLUSTER);
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
	EMR_AUTO_IPFS cluster = open_node("cluster-one-node", EMR_IPFS_CLUSTER);
	emr_cid root = root_of("three names of one node");
	emr_ipfs_pinning pinning;

	assert_ok(emr_ipfs_cluster_pin(cluster, &call, &root, 3));
	assert_ok(emr_ipfs_cluster_look(cluster, &call, &root, &pinning));
	assert_int_equal(pinning.pinned, 1);
}

TEST(as_many_peers_as_there_are_are_asked_when_there_are_too_few)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS cluster = open_node("cluster-few", EMR_IPFS_CLUSTER);
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
		const emr_ipfs_options options = {.kind = EMR_IPFS_CLUSTER,
			.address = node_address("cluster-login"),
			.token = logins[i],
			.version = "0.1.0"};
		EMR_AUTO_IPFS cluster = NULL;

		assert_ok(emr_ipfs_open(&options, &cluster, NULL));
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
		EMR_AUTO_IPFS cluster = open_node(rows[i].name, EMR_IPFS_CLUSTER);
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
	EMR_AUTO_IPFS cluster = open_node("cluster", EMR_IPFS_CLUSTER);
	emr_cid root = root_of("not from here");
	emr_ipfs_holding holding;
	EMR_AUTO_BUF out = {0};

	assert_status(EMR_UNSUPPORTED, emr_ipfs_block(cluster, &call, &root, true, &out));
	assert_status(EMR_UNSUPPORTED, emr_ipfs_holds(cluster, &call, &root, &holding));
}

/* ---- As a node of the publisher ---- */

static void start(scene *s, const char *cluster)
{
	emr_ipfs *node = open_node("good", EMR_IPFS_KUBO);

	emr_ipfs_join(node, open_node(cluster, EMR_IPFS_CLUSTER), COPIES);
	assert_ok(
		scene_start_at(s, &node, 1, COPIES, strcmp(cluster, "cluster-never") == 0 ? 1 : 0));
}

static void begin(scene *s, const char *name, const char *cluster)
{
	scene_begin(s, name);
	start(s, cluster);
}

/* How often the clusters were asked for ROOT in this way. */
static size_t asked_to(const char *method, const emr_cid *root)
{
	char text[EMR_CID_TEXT_CHARS + 1];

	emr_cid_text(root, text);
	return asked(printed("%s /pins/%s", method, text));
}

static emr_publisher_node last_said(scene *s)
{
	emr_publisher_node node;

	pthread_mutex_lock(&s->lock);
	node = s->last;
	pthread_mutex_unlock(&s->lock);
	return node;
}

TEST(what_peers_have_pinned_and_nothing_else_is_a_copy)
{
	emr_cid root;
	AUTO(scene_end) scene s;

	gate_is(false);
	begin(&s, "counts", "cluster-gate");
	root = scene_save(&s, "a record", 0);
	UNTIL(asked_to("GET", &root) >= 3); /* before it was asked, and twice while it pins */
	assert_true(is_kept(&root));
	assert_int_equal(asked_to("POST", &root), 1);
	assert_int_equal(scene_held(&s, &root), 1); /* this computer: the node's word is no copy */
	gate_is(true);
	wait_held(&s, &root, 3);
	UNTIL(scene_look(&s, 0).held != 0); /* it is written down a moment after it counts */
	assert_int_equal(scene_look(&s, 0).held, 1);
	assert_non_null(strstr(scene_look(&s, 0).address, "cluster-gate"));
	assert_int_equal(asked_to("POST", &root), 1);
	/* A publisher that starts again knows it, and has it pinned by nobody again. */
	scene_stop(&s);
	start(&s, "cluster-gate");
	wait_held(&s, &root, 3);
	assert_int_equal(asked_to("POST", &root), 1);
}

TEST(what_is_erased_is_let_go_by_the_cluster_and_by_its_node)
{
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin, "erases", "cluster");
	root = scene_save_held(&s, "a record", 0);
	scene_erase(&s, &root);
	UNTIL(!is_kept(&root));
	assert_int_equal(asked_to("DELETE", &root), 1);
}

/* As one that was away: seconds after the cluster was asked it does not know that it is to pin. */
TEST(a_peer_that_hears_of_a_pin_late_is_waited_for)
{
	SCENE_OF(scene, s, scene_end, begin, "behind", "cluster-behind");
	(void)scene_save_held(&s, "heard of late", 0);
	assert_int_equal(last_said(&s).fault, EMR_IPFS_FINE);
}

TEST(what_one_peer_does_not_pin_is_one_copy_fewer_and_keeps_no_other_back)
{
	static const char *const clusters[] = {"cluster-fails", "cluster-lost", "cluster-few"};

	for (size_t i = 0; i < 3; i++) {
		emr_cid roots[2];

		SCENE_OF(scene, s, scene_end, begin, clusters[i], clusters[i]);
		scene_save_all(&s, "a record", 2, roots);
		wait_all_held(&s, roots, 2, 2);
		UNTIL(scene_look(&s, 0).stuck >= 2);
		assert_int_equal(scene_look(&s, 0).held, 0);
		assert_int_equal(last_said(&s).fault, EMR_IPFS_NOT_KEPT);
		assert_non_null(strstr(last_said(&s).said, "1 of 2 peers"));
	}
}

TEST(a_pin_that_never_comes_is_no_copy_is_not_sent_again_and_is_told)
{
	emr_publisher_node node;
	emr_cid root;

	SCENE_OF(scene, s, scene_end, begin, "never", "cluster-never");
	root = scene_save(&s, "a record", 0);
	UNTIL(asked_to("GET", &root) >= 4);
	assert_int_equal(scene_held(&s, &root), 1);
	assert_int_equal(asked_to("POST", &root), 1);
	assert_int_equal(last_said(&s).fault, EMR_IPFS_UNFINISHED);
	assert_string_equal(last_said(&s).said, "1, for over 0 s");
	/* Not only at that moment: the cluster answers every request. */
	for (size_t seen = asked_to("GET", &root); asked_to("GET", &root) == seen;)
		usleep(1000);
	node = scene_look(&s, 0);
	assert_int_equal(node.fault, EMR_IPFS_UNFINISHED);
	assert_int_equal(node.late, 1);
	assert_int_equal(node.stuck, 0);
}

TEST(what_is_pinned_in_time_is_never_late)
{
	SCENE_OF(scene, s, scene_end, begin, "in-time", "cluster");
	(void)scene_save_held(&s, "a record", 0);
	assert_int_equal(scene_look(&s, 0).late, 0);
	assert_int_equal(scene_look(&s, 0).fault, EMR_IPFS_FINE);
	assert_int_equal(last_said(&s).fault, EMR_IPFS_FINE);
}

/* The node was replaced by an empty one, and nobody else had finished. */
TEST(what_the_node_and_all_peers_have_lost_is_sent_again)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS cluster = open_node("cluster-empty", EMR_IPFS_CLUSTER);
	emr_cid root;

	SCENE_OF(scene, s, scene_end, scene_begin, "empty");
	root = scene_save(&s, "a record", 0);
	assert_ok(emr_ipfs_cluster_pin(cluster, &call, &root, COPIES));
	start(&s, "cluster-empty");
	wait_held(&s, &root, 3);
	assert_true(is_kept(&root));
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
		emr_cid root;

		SCENE_OF(scene, s, scene_end, begin, rows[i].name, rows[i].name);
		root = scene_save(&s, "a record", 0);
		UNTIL(last_said(&s).fault != EMR_IPFS_FINE);
		assert_int_equal(last_said(&s).fault, rows[i].fault);
		assert_non_null(strstr(scene_look(&s, 0).failed, rows[i].name));
		assert_int_equal(scene_held(&s, &root), 1);
	}
}

TESTS(NULL, NULL)
