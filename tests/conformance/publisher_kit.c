/* This file is the folder, the store and the nodes that the publisher sees in its tests. */
#include "publisher_kit.h"

#include <sched.h>
#include <sys/resource.h>

#include "store/dag_pb.h"

uint32_t kit_store_ms;

/* ---- The other side of the publisher ---- */

static emr_status visit_all(scene *s, const emr_buf *roots, emr_cid_visit visit, void *visit_arg)
{
	emr_status status = EMR_OK;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; status == EMR_OK && i < roots->len / sizeof(emr_cid); i++)
		status = visit(visit_arg, (const emr_cid *)(const void *)roots->data + i);
	pthread_mutex_unlock(&s->lock);
	return status;
}

static emr_status each_leaving(void *arg, emr_cid_visit visit, void *visit_arg)
{
	scene *s = arg;

	return visit_all(s, &s->leaving, visit, visit_arg);
}

static emr_status each_living(void *arg, emr_cid_visit visit, void *visit_arg)
{
	scene *s = arg;

	return atomic_load(&s->is_ledger_away) ? EMR_OFFLINE
					       : visit_all(s, &s->living, visit, visit_arg);
}

static emr_status each_left(void *arg, emr_cid_visit visit, void *visit_arg)
{
	scene *s = arg;

	return visit_all(s, &s->others, visit, visit_arg);
}

static emr_status bring(void *arg, const emr_cid *root)
{
	scene *s = arg;

	(void)root;
	atomic_fetch_add(&s->bring_asked, 1);
	if (!atomic_load(&s->can_bring))
		return EMR_OFFLINE;
	(void)scene_put(s, EMR_CODEC_RAW, emr_bytes_of("lost", 4));
	return EMR_OK;
}

static emr_status left(void *arg, const emr_cid *root)
{
	scene *s = arg;
	emr_cid *all = (void *)s->leaving.data;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->leaving.len / sizeof *all; i++) {
		if (!emr_cid_equal(&all[i], root))
			continue;
		all[i] = all[s->leaving.len / sizeof *all - 1];
		s->leaving.len -= sizeof *all;
	}
	pthread_mutex_unlock(&s->lock);
	return EMR_OK;
}

size_t leaving_count(scene *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->leaving.len / sizeof(emr_cid);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void say(void *arg, const emr_publisher_node *node)
{
	scene *s = arg;

	pthread_mutex_lock(&s->lock);
	s->last = *node;
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->said, 1);
}

static void note_copied(void *arg)
{
	scene *s = arg;
	EMR_AUTO_BUF file = {0};

	assert_ok(emr_file_read(s->state_fd, "copies", 1 << 20, &file));
	s->was_written = memmem(file.data, file.len, "\nh ", 3) != NULL;
	s->niceness = getpriority(PRIO_PROCESS, (id_t)gettid());
	atomic_fetch_add(&s->copied, 1);
}

static void note_unheld(void *arg, const emr_cid *root)
{
	scene *s = arg;

	pthread_mutex_lock(&s->lock);
	s->mixed += s->is_said && !pthread_equal(s->speaker, pthread_self());
	s->speaker = pthread_self();
	s->is_said = true;
	assert_ok(emr_buf_append(&s->unheld, root, sizeof *root));
	pthread_mutex_unlock(&s->lock);
	(void)sched_yield(); /* others may come between */
}

static void note_look(void *arg)
{
	scene *s = arg;

	pthread_mutex_lock(&s->lock);
	s->is_said = false;
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->looks, 1);
}

size_t unheld_count(scene *s, const emr_cid *root)
{
	const emr_cid *all;
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	all = (const void *)s->unheld.data;
	for (size_t i = 0; i < s->unheld.len / sizeof *all; i++)
		n += emr_cid_equal(&all[i], root);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static emr_status note_lost(void *arg, const emr_cid *roots, size_t count)
{
	scene *s = arg;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(emr_cid_codec(&roots[i]), EMR_CODEC_DAG_PB);
	atomic_fetch_add(&s->lost, count);
	return EMR_OK;
}

static int64_t quiet_ns(void *arg)
{
	scene *s = arg;

	if (!atomic_load(&s->are_at_work))
		return INT64_MAX;
	atomic_fetch_add(&s->gave_way, 1);
	return 0;
}

/* ---- A store, and nodes by the names of their sockets ---- */

static emr_unit_key *make_unit_key(void)
{
	EMR_AUTO_SECRET secret = {0};
	emr_unit_key *key = NULL;

	assert_ok(emr_secret_random(32, &secret));
	assert_ok(emr_unit_key_new(&secret, &key));
	return key;
}

void scene_begin(scene *s, const char *name)
{
	char tags[600];
	emr_store_options options = {
		.path = s->path, .writer = {{7}}, .index_delay_ms = 1, .tags_path = tags};

	*s = (scene){.lock = PTHREAD_MUTEX_INITIALIZER};
	s->unit_key = options.unit_key = make_unit_key();
	snprintf(tags, sizeof tags, "%s/tags-%s", getenv("EMR_NODE_DIR"), name);
	snprintf(s->path, sizeof s->path, "%s/state-%s", getenv("EMR_NODE_DIR"), name);
	assert_ok(emr_dir_open(s->path, &s->state_fd));
	assert_ok(emr_store_open(&options, &s->store));
	assert_ok(emr_store_pins_complete(s->store, NULL, 0));
}

emr_status scene_start_at(
	scene *s, emr_ipfs **nodes, size_t count, unsigned copies, uint32_t late_ms)
{
	emr_publisher_options options = {.store = s->store,
		.state_dirfd = s->state_fd,
		.say = say,
		.each_leaving = each_leaving,
		.left = left,
		.each_living = each_living,
		.each_left = each_left,
		.bring = bring,
		.push_ms =
			PATIENCE_MS, /* a gate stays closed for as long as a loaded machine needs */
		.import_ms = s->import_ms,
		.first_bytes = s->first_bytes,
		.lost = note_lost,
		.unheld = note_unheld,
		.looked = note_look,
		.copied = note_copied,
		.is_awaited = s->is_awaited,
		.is_still = s->is_still,
		.quiet_ns = s->has_programs ? quiet_ns : NULL,
		.patience_ms = s->patience_ms,
		.still_ms = s->still_ms,
		.back_ms = s->back_ms,
		.late_ms = late_ms,
		.store_ms = kit_store_ms,
		.arg = s};

	s->copies = copies;
	assert_ok(emr_publisher_new(nodes, count, &s->publisher));
	return emr_publisher_start(s->publisher, &options);
}

emr_status scene_try_start(scene *s, size_t count, const char *const *names)
{
	emr_ipfs *nodes[PLACES_MAX];

	for (size_t i = 0; i < count; i++)
		nodes[i] = open_node(names[i], EMR_IPFS_KUBO);
	return scene_start_at(s, nodes, count, (unsigned)count, 0);
}

void scene_start(scene *s, size_t count, const char *const *names)
{
	assert_ok(scene_try_start(s, count, names));
}

void scene_stop(scene *s)
{
	emr_publisher_stop(s->publisher);
	emr_publisher_free(s->publisher);
	s->publisher = NULL;
}

void scene_end(scene *s)
{
	scene_stop(s);
	emr_store_close(s->store);
	emr_unit_key_free(s->unit_key);
	close(s->state_fd);
	emr_buf_free(&s->leaving);
	emr_buf_free(&s->living);
	emr_buf_free(&s->unheld);
	emr_buf_free(&s->others);
}

emr_cid scene_put(scene *s, emr_codec codec, emr_bytes bytes)
{
	emr_block block = {.cid = emr_cid_of_block(codec, bytes), .data = bytes};

	assert_ok(emr_store_append(s->store, &block, 1, NULL));
	return block.cid;
}

void scene_pin(scene *s, const emr_cid *root, bool unpin)
{
	emr_pin_change change = {
		.pin = {.root = *root, .owner = {{1}}, .state = EMR_PIN_REGISTERED},
		.unpin = unpin};

	assert_ok(emr_store_pin(s->store, &change, 1));
	if (s->publisher != NULL)
		emr_publisher_wake(s->publisher);
}

/* The node NODE, with its end, of what is below it. */
static emr_cid save_node(scene *s, emr_buf *node)
{
	emr_cid root;

	assert_ok(emr_dag_pb_write_data(node, emr_bytes_of("\x08\x01", 2)));
	root = scene_put(s, EMR_CODEC_DAG_PB, emr_buf_view(node));
	scene_pin(s, &root, false);
	return root;
}

emr_cid scene_save(scene *s, const char *text, size_t number)
{
	EMR_AUTO_BUF node = {0};
	const char *leaf = printed("%s %zu of %s", text, number, s->path);
	const emr_cid cid = scene_put(s, EMR_CODEC_RAW, emr_bytes_of(leaf, strlen(leaf)));

	assert_ok(emr_dag_pb_write_link(&node, &cid, (emr_bytes){0}, strlen(leaf)));
	return save_node(s, &node);
}

void scene_save_all(scene *s, const char *text, size_t count, emr_cid *out_roots)
{
	for (size_t i = 0; i < count; i++)
		out_roots[i] = scene_save(s, text, i);
}

emr_cid scene_save_lacking(scene *s)
{
	const emr_cid lost = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("lost", 4));
	EMR_AUTO_BUF node = {0};

	assert_ok(emr_dag_pb_write_link(&node, &lost, (emr_bytes){0}, 4));
	return save_node(s, &node);
}

emr_cid scene_save_leaves(scene *s, size_t number, size_t leaves)
{
	EMR_AUTO_FREE uint8_t *leaf = calloc(1, LEAF_BYTES);
	EMR_AUTO_BUF node = {0};
	emr_cid cid;

	assert_non_null(leaf);
	for (size_t i = 0; i < leaves; i++) {
		const size_t seed = number * 1000 + i;

		memcpy(leaf, &seed, sizeof seed);
		cid = scene_put(s, EMR_CODEC_RAW, emr_bytes_of(leaf, LEAF_BYTES));
		emr_store_note_units(s->store, &cid, (emr_units){0, EMR_UNITS_PER_LEAF}, leaf);
		assert_ok(emr_dag_pb_write_link(&node, &cid, (emr_bytes){0}, LEAF_BYTES));
	}
	return save_node(s, &node);
}

static void unpin(scene *s, emr_buf *noted, const emr_cid *root)
{
	pthread_mutex_lock(&s->lock);
	assert_ok(emr_buf_append(noted, root, sizeof *root));
	pthread_mutex_unlock(&s->lock);
	scene_pin(s, root, true);
}

void scene_lose_pin(scene *s, const emr_cid *root)
{
	unpin(s, &s->living, root);
}

void scene_erase(scene *s, const emr_cid *root)
{
	unpin(s, &s->leaving, root);
}

unsigned scene_held(scene *s, const emr_cid *root)
{
	unsigned n = 0, wanted = 0;

	emr_publisher_count(s->publisher, root, &n, &wanted);
	assert_int_equal(wanted, s->copies + 1);
	return n;
}

void wait_held(scene *s, const emr_cid *root, unsigned wanted)
{
	UNTIL(scene_held(s, root) == wanted);
}

void wait_all_held(scene *s, const emr_cid *roots, size_t count, unsigned wanted)
{
	for (size_t i = 0; i < count; i++)
		wait_held(s, &roots[i], wanted);
}

void wait_sent_again(scene *s, const emr_cid *root)
{
	UNTIL(is_kept(root));
	wait_held(s, root, s->copies + 1);
}

emr_cid scene_save_held(scene *s, const char *text, size_t number)
{
	const emr_cid root = scene_save(s, text, number);

	wait_held(s, &root, s->copies + 1);
	return root;
}

emr_publisher_node scene_look(scene *s, size_t node)
{
	emr_publisher_node found;

	emr_publisher_look(s->publisher, node, &found);
	return found;
}

uint64_t short_of(scene *s)
{
	emr_publisher_totals totals;

	emr_publisher_sum(s->publisher, &totals);
	return totals.records - totals.pinned;
}

void store_is(const char *id)
{
	FILE *file = fopen(node_file("store"), "we");

	assert_non_null(file);
	assert_true(fputs(id, file) >= 0);
	assert_int_equal(fclose(file), 0);
}
