/* This file is the folder, the store and the nodes that the publisher sees in its tests. */
#include "publisher_kit.h"

#include "emr_test.h"

#include <sched.h>
#include <sys/resource.h>

#include "store/dag_pb.h"

uint32_t kit_store_ms;

/* ---- The other side of the publisher ---- */

static emr_status each_leaving(void *arg, emr_cid_visit visit, void *visit_arg)
{
	scene *s = arg;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; status == EMR_OK && i < s->leaving.len / sizeof(emr_cid); i++)
		status = visit(visit_arg, (const emr_cid *)(const void *)s->leaving.data + i);
	pthread_mutex_unlock(&s->lock);
	return status;
}

static emr_status each_living(void *arg, emr_cid_visit visit, void *visit_arg)
{
	scene *s = arg;
	emr_status status;

	pthread_mutex_lock(&s->lock);
	status = s->is_ledger_away ? EMR_OFFLINE : EMR_OK;
	for (size_t i = 0; status == EMR_OK && i < s->living.len / sizeof(emr_cid); i++)
		status = visit(visit_arg, (const emr_cid *)(const void *)s->living.data + i);
	pthread_mutex_unlock(&s->lock);
	return status;
}

static emr_status each_left(void *arg, emr_cid_visit visit, void *visit_arg)
{
	scene *s = arg;
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < s->others.len / sizeof(emr_cid); i++)
		status = visit(visit_arg, (const emr_cid *)(const void *)s->others.data + i);
	return status;
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
	s->said++;
	s->last = node->fault;
	pthread_mutex_unlock(&s->lock);
}

size_t said_count(scene *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->said;
	pthread_mutex_unlock(&s->lock);
	return n;
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
	s->looks++;
	s->is_said = false;
	pthread_mutex_unlock(&s->lock);
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

size_t looked_count(scene *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->looks;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static emr_status note_lost(void *arg, const emr_cid *roots, size_t count)
{
	scene *s = arg;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(emr_cid_codec(&roots[i]), EMR_CODEC_DAG_PB);
	s->lost += count;
	pthread_mutex_unlock(&s->lock);
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

void node_address(const char *name, char *out, size_t size)
{
	snprintf(out, size, "unix:%s/%s.sock", getenv("EMR_NODE_DIR"), name);
}

emr_ipfs *open_node(const char *name)
{
	char address[600];
	emr_ipfs_options options = {.kind = EMR_IPFS_KUBO, .address = address, .version = "0.1.0"};
	emr_ipfs *node = NULL;

	node_address(name, address, sizeof address);
	assert_ok(emr_ipfs_open(&options, &node, NULL));
	return node;
}

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

emr_status scene_try_start(scene *s, size_t count, const char *const *names)
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
		.store_ms = kit_store_ms,
		.arg = s};
	emr_ipfs *nodes[PLACES_MAX];

	s->count = count;
	for (size_t i = 0; i < count; i++)
		nodes[i] = open_node(names[i]);
	assert_ok(emr_publisher_new(nodes, count, &s->publisher));
	return emr_publisher_start(s->publisher, &options);
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

emr_cid scene_save(scene *s, const char *text, size_t number)
{
	EMR_AUTO_BUF node = {0};
	char leaf[700];
	emr_cid root;

	snprintf(leaf, sizeof leaf, "%s %zu of %s", text, number, s->path);
	root = scene_put(s, EMR_CODEC_RAW, emr_bytes_of(leaf, strlen(leaf)));
	assert_ok(emr_dag_pb_write_link(&node, &root, (emr_bytes){0}, strlen(leaf)));
	assert_ok(emr_dag_pb_write_data(&node, emr_bytes_of("\x08\x01", 2)));
	root = scene_put(s, EMR_CODEC_DAG_PB, emr_buf_view(&node));
	scene_pin(s, &root, false);
	return root;
}

emr_cid scene_save_leaves(scene *s, size_t number, size_t leaves)
{
	EMR_AUTO_FREE uint8_t *leaf = calloc(1, LEAF_BYTES);
	EMR_AUTO_BUF node = {0};
	emr_cid root;

	assert_non_null(leaf);
	for (size_t i = 0; i < leaves; i++) {
		const size_t seed = number * 1000 + i;

		memcpy(leaf, &seed, sizeof seed);
		root = scene_put(s, EMR_CODEC_RAW, emr_bytes_of(leaf, LEAF_BYTES));
		emr_store_note_units(s->store, &root, (emr_units){0, EMR_UNITS_PER_LEAF}, leaf);
		assert_ok(emr_dag_pb_write_link(&node, &root, (emr_bytes){0}, LEAF_BYTES));
	}
	assert_ok(emr_dag_pb_write_data(&node, emr_bytes_of("\x08\x01", 2)));
	root = scene_put(s, EMR_CODEC_DAG_PB, emr_buf_view(&node));
	scene_pin(s, &root, false);
	return root;
}

void scene_lose_pin(scene *s, const emr_cid *root)
{
	pthread_mutex_lock(&s->lock);
	assert_ok(emr_buf_append(&s->living, root, sizeof *root));
	pthread_mutex_unlock(&s->lock);
	scene_pin(s, root, true);
}

void scene_erase(scene *s, const emr_cid *root)
{
	pthread_mutex_lock(&s->lock);
	assert_ok(emr_buf_append(&s->leaving, root, sizeof *root));
	pthread_mutex_unlock(&s->lock);
	scene_pin(s, root, true);
}

unsigned scene_held(scene *s, const emr_cid *root)
{
	unsigned n = 0, wanted = 0;

	emr_publisher_count(s->publisher, root, &n, &wanted);
	assert_int_equal(wanted, s->count + 1);
	return n;
}

void wait_held(scene *s, const emr_cid *root, unsigned wanted)
{
	while (scene_held(s, root) != wanted)
		usleep(1000);
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

bool is_kept(const emr_cid *root)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_node("good");
	emr_ipfs_holding holding = {0};

	assert_ok(emr_ipfs_holds(good, &call, root, &holding));
	return holding.is_pinned && holding.is_whole;
}

static emr_status count_pin(void *arg, const emr_cid *root)
{
	(void)root;
	++*(size_t *)arg;
	return EMR_OK;
}

size_t pins_of_good(void)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_node("good");
	size_t n = 0;

	assert_ok(emr_ipfs_each_pin(good, &call, count_pin, &n));
	return n;
}

/* ---- What nodes were asked ---- */

void node_file(const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", getenv("EMR_NODE_DIR"), name);
}

void forget_asked(void)
{
	remove_node_file("asked");
}

size_t asked(const char *words)
{
	char path[512], line[1024];
	size_t n = 0;
	FILE *file;

	node_file("asked", path, sizeof path);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		n += strstr(line, words) != NULL;
	if (file != NULL)
		fclose(file);
	return n;
}

void make_node_file(const char *name)
{
	char path[512];

	node_file(name, path, sizeof path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

void remove_node_file(const char *name)
{
	char path[512];

	node_file(name, path, sizeof path);
	unlink(path);
}

void gate_is(bool is_open)
{
	if (is_open)
		make_node_file("open");
	else
		remove_node_file("open");
}

void store_is(const char *id)
{
	char path[512];
	FILE *file;

	node_file("store", path, sizeof path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(id, file) >= 0);
	assert_int_equal(fclose(file), 0);
}
