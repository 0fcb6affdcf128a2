/* These tests are about random operations, publications and restarts against a model in memory:
 * names, bytes, modes, times and attributes agree after every few steps. Another model saves,
 * removes and purges while the ledger has not answered: every version that is registered keeps its
 * bytes. A failed run prints its seed; EMR_MODEL_SEED and EMR_MODEL_STEPS choose others. */
#include "view_kit.h"

enum { ENTRIES = 60, FILE_MAX = 400000, SESSIONS = 4 };

typedef struct entry {
	char path[200];
	bool is_used;
	emr_meta_type type;
	uint8_t *bytes;
	size_t len;
	uint16_t mode;
	int64_t mtime_ns; /* of files; the clock stands still within a step */
	char target[40];
	char value[3][24]; /* attributes user.0 to user.2; "" is none */
} entry;

typedef struct session {
	emr_handle *h;
	bool has_name, may_write;
	char path[200];
	uint8_t *bytes; /* of a file that lost its name */
	size_t len;
} session;

typedef struct world {
	kit k;
	uint64_t seed;
	entry entries[ENTRIES];
	session sessions[SESSIONS];
	long step;
} world;

static uint64_t any(world *w, uint64_t below)
{
	return kit_random(&w->seed) % below;
}

static entry *entry_at(world *w, const char *path)
{
	for (int i = 0; i < ENTRIES; i++)
		if (w->entries[i].is_used && strcmp(w->entries[i].path, path) == 0)
			return &w->entries[i];
	return NULL;
}

static entry *any_entry(world *w, emr_meta_type type)
{
	size_t n = 0, at;

	for (int i = 0; i < ENTRIES; i++)
		n += w->entries[i].is_used && w->entries[i].type == type;
	if (n == 0)
		return NULL;
	at = any(w, n);
	for (int i = 0;; i++)
		if (w->entries[i].is_used && w->entries[i].type == type && at-- == 0)
			return &w->entries[i];
}

static bool is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && path[len] == '/';
}

static bool is_empty(world *w, const char *directory)
{
	for (int i = 0; i < ENTRIES; i++)
		if (w->entries[i].is_used && is_below(w->entries[i].path, directory))
			return false;
	return true;
}

/* A path in some directory of the model, or at the top. */
static bool new_path(world *w, char out[200])
{
	static const char *const names[] = {"a", "b", "c", "scan.dcm", "x~", "x", ".x.swp",
		"y.part", "y", "z.bak", "z", "\xff\nodd", ".q.pdf.Ab3dE6", "q.pdf"};
	entry *d = any(w, 4) == 0 ? NULL : any_entry(w, EMR_META_DIR);

	if (d != NULL && strlen(d->path) > 120)
		return false;
	snprintf(out, 200, "%.150s%s%s", d != NULL ? d->path : "", d != NULL ? "/" : "",
		names[any(w, 14)]);
	return true;
}

static entry *add(world *w, const char *path, emr_meta_type type, uint16_t mode)
{
	for (int i = 0; i < ENTRIES; i++) {
		entry *e = &w->entries[i];

		if (e->is_used)
			continue;
		*e = (entry){.is_used = true,
			.type = type,
			.mode = mode,
			.mtime_ns = w->k.clock.unix_ns};
		snprintf(e->path, sizeof e->path, "%s", path);
		if (type == EMR_META_FILE) {
			e->bytes = malloc(FILE_MAX);
			assert_non_null(e->bytes);
		}
		return e;
	}
	return NULL;
}

static bool is_full(world *w)
{
	for (int i = 0; i < ENTRIES; i++)
		if (!w->entries[i].is_used)
			return false;
	return true;
}

/* Sessions of a file that loses its name keep its bytes. */
static void forget(world *w, entry *e)
{
	for (int i = 0; i < SESSIONS; i++) {
		session *s = &w->sessions[i];

		if (s->h == NULL || !s->has_name || strcmp(s->path, e->path) != 0)
			continue;
		s->has_name = false;
		s->bytes = malloc(FILE_MAX);
		assert_non_null(s->bytes);
		memcpy(s->bytes, e->bytes, e->len);
		s->len = e->len;
	}
	free(e->bytes);
	*e = (entry){0};
}

static void make_something(world *w)
{
	char path[200];
	const char *name;
	uint64_t parent;
	emr_status status;
	emr_attr attr;
	unsigned what = (unsigned)any(w, 10);

	if (!new_path(w, path) || is_full(w))
		return;
	parent = kit_parent(&w->k, path, &name);
	if (what < 6)
		status = emr_view_make(w->k.view, parent, name, 0640, &attr);
	else if (what < 9)
		status = emr_view_mkdir(w->k.view, parent, name, 0750, &attr);
	else
		status = emr_view_symlink(w->k.view, parent, name, "../some/target", &attr);
	if (entry_at(w, path) != NULL) {
		assert_status(EMR_EXISTS, status);
		return;
	}
	assert_ok(status);
	emr_view_forget(w->k.view, attr.node, 1);
	if (what < 6)
		(void)add(w, path, EMR_META_FILE, 0640);
	else if (what < 9)
		(void)add(w, path, EMR_META_DIR, 0750);
	else
		snprintf(add(w, path, EMR_META_SYMLINK, 0777)->target, 40, "../some/target");
}

static void open_session(world *w)
{
	session *s = &w->sessions[any(w, SESSIONS)];
	entry *e = any_entry(w, EMR_META_FILE);

	if (s->h != NULL || e == NULL)
		return;
	s->may_write = any(w, 4) != 0;
	s->h = kit_open_file(&w->k, e->path, s->may_write ? O_RDWR : O_RDONLY);
	s->has_name = true;
	snprintf(s->path, sizeof s->path, "%s", e->path);
}

static session *any_session(world *w)
{
	session *s = &w->sessions[any(w, SESSIONS)];

	return s->h != NULL ? s : NULL;
}

static void session_bytes(
	world *w, session *s, uint8_t **out_bytes, size_t **out_len, entry **out_entry)
{
	entry *e = s->has_name ? entry_at(w, s->path) : NULL;

	*out_entry = e;
	*out_bytes = e != NULL ? e->bytes : s->bytes;
	*out_len = e != NULL ? &e->len : &s->len;
	assert_non_null(*out_bytes);
}

static void write_something(world *w)
{
	static uint8_t noise[70000];
	session *s = any_session(w);
	uint8_t *bytes;
	size_t *len, at, n;
	uint64_t seed;
	entry *e;

	if (s == NULL || !s->may_write)
		return;
	session_bytes(w, s, &bytes, &len, &e);
	at = any(w, *len + 3000);
	n = 1 + any(w, any(w, 4) == 0 ? 70000 : 3000);
	if (at + n > FILE_MAX)
		return;
	seed = w->seed;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t word = kit_random(&seed);

		memcpy(noise + i, &word, n - i < 8 ? n - i : 8);
	}
	if (emr_view_write(s->h, at, emr_bytes_of(noise, n)) != EMR_OK)
		fail_msg("write");
	if (at > *len)
		memset(bytes + *len, 0, at - *len);
	memcpy(bytes + at, noise, n);
	if (at + n > *len)
		*len = at + n;
	if (e != NULL)
		e->mtime_ns = w->k.clock.unix_ns;
}

static void read_something(world *w)
{
	static uint8_t got[FILE_MAX + 10];
	session *s = any_session(w);
	uint8_t *bytes;
	size_t *len, n = 0, at;
	entry *e;

	if (s == NULL)
		return;
	session_bytes(w, s, &bytes, &len, &e);
	at = any(w, *len + 1);
	assert_ok(emr_view_read(s->h, at, got, sizeof got, &n));
	assert_int_equal(n, *len - at);
	if (n > 0)
		assert_memory_equal(got, bytes + at, n);
}

static void sync_something(world *w)
{
	session *s = any_session(w);

	if (s != NULL)
		assert_ok(emr_view_fsync(s->h));
}

static void end_session(session *s)
{
	if (s->h == NULL)
		return;
	assert_ok(emr_view_flush(s->h));
	emr_view_release(s->h);
	free(s->bytes);
	*s = (session){0};
}

static void truncate_something(world *w)
{
	entry *e = any_entry(w, EMR_META_FILE);
	emr_attr want = {0}, got;

	if (e == NULL)
		return;
	want.size_bytes = any(w, 3) == 0 ? 0 : any(w, e->len + 5000);
	if (want.size_bytes > FILE_MAX)
		return;
	assert_ok(emr_view_set_attr(
		w->k.view, kit_attr(&w->k, e->path).node, EMR_SET_SIZE, &want, &got));
	if (want.size_bytes > e->len)
		memset(e->bytes + e->len, 0, want.size_bytes - e->len);
	e->len = want.size_bytes;
	e->mtime_ns = w->k.clock.unix_ns;
}

static void set_something(world *w)
{
	entry *e = any_entry(w, any(w, 3) == 0 ? EMR_META_DIR : EMR_META_FILE);
	emr_attr want, got;
	unsigned mask = (unsigned)any(w, 2) == 0 ? EMR_SET_MODE : EMR_SET_MTIME;
	char name[20];
	uint64_t node;
	unsigned i;

	if (e == NULL)
		return;
	node = kit_attr(&w->k, e->path).node;
	want = (emr_attr){.mode = (uint16_t)(0600 + any(w, 0100)),
		.mtime_ns = (int64_t)any(w, UINT64_C(1) << 60)};
	i = (unsigned)any(w, 3);
	snprintf(name, sizeof name, "user.%u", i);
	if (any(w, 2) == 0) {
		assert_ok(emr_view_set_attr(w->k.view, node, mask, &want, &got));
		if (mask == EMR_SET_MODE)
			e->mode = want.mode;
		else
			e->mtime_ns = want.mtime_ns;
	} else if (any(w, 3) != 0) {
		snprintf(e->value[i], sizeof e->value[i], "value %llu",
			(unsigned long long)any(w, 1000000));
		assert_ok(emr_view_set_attribute(
			w->k.view, node, name, emr_bytes_of(e->value[i], strlen(e->value[i])), 0));
	} else {
		emr_status status = emr_view_remove_attribute(w->k.view, node, name);

		assert_status(e->value[i][0] != 0 ? EMR_OK : EMR_NO_ATTRIBUTE, status);
		e->value[i][0] = 0;
	}
}

static emr_status expected_rename(world *w, const entry *from, const entry *to, const char *to_path)
{
	bool from_is_dir = from->type == EMR_META_DIR;

	if (from_is_dir && (is_below(to_path, from->path)))
		return EMR_CROSS;
	if (to == NULL || to == from)
		return EMR_OK;
	if (from_is_dir && to->type != EMR_META_DIR)
		return EMR_NOT_DIRECTORY;
	if (!from_is_dir && to->type == EMR_META_DIR)
		return EMR_IS_DIRECTORY;
	return to->type == EMR_META_DIR && !is_empty(w, to->path) ? EMR_NOT_EMPTY : EMR_OK;
}

static void replace_start(char path[200], const char *from, const char *to)
{
	snprintf(path, 200, "%.140s%.59s", to, printed("%s", path + strlen(from)));
}

static void move_below(world *w, const char *from, const char *to)
{
	for (int i = 0; i < ENTRIES; i++)
		if (w->entries[i].is_used && (strcmp(w->entries[i].path, from) == 0 ||
						     is_below(w->entries[i].path, from)))
			replace_start(w->entries[i].path, from, to);
	for (int i = 0; i < SESSIONS; i++)
		if (w->sessions[i].h != NULL && w->sessions[i].has_name &&
			(strcmp(w->sessions[i].path, from) == 0 ||
				is_below(w->sessions[i].path, from)))
			replace_start(w->sessions[i].path, from, to);
}

static bool fits(world *w, const char *from, const char *to)
{
	for (int i = 0; i < ENTRIES; i++)
		if (w->entries[i].is_used && is_below(w->entries[i].path, from) &&
			strlen(w->entries[i].path) - strlen(from) > 58)
			return false;
	return strlen(to) < 139;
}

static void rename_something(world *w)
{
	entry *e = any_entry(w, any(w, 3) == 0 ? EMR_META_DIR : EMR_META_FILE), *target;
	char to[200], from[200];
	const char *a, *b;
	uint64_t from_dir, to_dir;
	emr_status wanted;

	if (e == NULL || !new_path(w, to) || !fits(w, e->path, to))
		return;
	target = entry_at(w, to);
	wanted = expected_rename(w, e, target, to);
	snprintf(from, sizeof from, "%s", e->path);
	from_dir = kit_parent(&w->k, from, &a);
	to_dir = kit_parent(&w->k, to, &b);
	assert_status(wanted, emr_view_rename(w->k.view, from_dir, a, to_dir, b, 0));
	if (wanted != EMR_OK || target == e)
		return;
	if (target != NULL)
		forget(w, target);
	move_below(w, from, to);
}

static void exchange_something(world *w)
{
	entry *x = any_entry(w, EMR_META_FILE), *y = any_entry(w, EMR_META_FILE);
	char path[200];
	const char *a, *b;
	uint64_t from_dir, to_dir;

	if (x == NULL || x == y)
		return;
	from_dir = kit_parent(&w->k, x->path, &a);
	to_dir = kit_parent(&w->k, y->path, &b);
	assert_ok(emr_view_rename(w->k.view, from_dir, a, to_dir, b, EMR_RENAME_EXCHANGE));
	snprintf(path, sizeof path, "%s", x->path);
	for (int i = 0; i < SESSIONS; i++) {
		session *s = &w->sessions[i];

		if (s->h == NULL || !s->has_name)
			continue;
		if (strcmp(s->path, path) == 0)
			snprintf(s->path, sizeof s->path, "%s", y->path);
		else if (strcmp(s->path, y->path) == 0)
			snprintf(s->path, sizeof s->path, "%s", path);
	}
	snprintf(x->path, sizeof x->path, "%s", y->path);
	snprintf(y->path, sizeof y->path, "%s", path);
}

static void remove_something(world *w)
{
	entry *e = any_entry(w, (emr_meta_type)(1 + any(w, 3)));
	const char *name;
	uint64_t parent;

	if (e == NULL)
		return;
	parent = kit_parent(&w->k, e->path, &name);
	if (e->type != EMR_META_DIR) {
		assert_ok(emr_view_unlink(w->k.view, parent, name));
		forget(w, e);
	} else if (is_empty(w, e->path)) {
		assert_ok(emr_view_rmdir(w->k.view, parent, name));
		forget(w, e);
	} else {
		assert_status(EMR_NOT_EMPTY, emr_view_rmdir(w->k.view, parent, name));
	}
}

/* ---- comparison ---- */

static bool count_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)attr;
	(void)next;
	*(size_t *)arg += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
	return true;
}

static size_t names_in(world *w, const char *path)
{
	size_t n = 0;

	assert_ok(emr_view_each_entry(
		w->k.view, kit_attr(&w->k, path).node, 0, false, count_name, &n));
	return n;
}

static void compare_entry(world *w, const entry *e)
{
	emr_attr attr;
	char *target;

	if (emr_view_find(w->k.view, e->path, &attr) != EMR_OK)
		fail_msg("step %ld: %s is missing", w->step, e->path);
	assert_int_equal(attr.type, e->type);
	assert_int_equal(attr.mode, e->mode);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(
			kit_attribute(&w->k, e->path, printed("user.%d", i)), e->value[i]);
	}
	if (e->type == EMR_META_SYMLINK) {
		assert_ok(emr_view_read_link(w->k.view, attr.node, &target));
		assert_string_equal(target, e->target);
		free(target);
	} else if (e->type == EMR_META_FILE) {
		if (attr.mtime_ns != e->mtime_ns)
			fail_msg("step %ld: %s has mtime %lld, not %lld", w->step, e->path,
				(long long)attr.mtime_ns, (long long)e->mtime_ns);
		if (attr.size_bytes != e->len)
			fail_msg("step %ld: %s has %llu bytes, not %zu", w->step, e->path,
				(unsigned long long)attr.size_bytes, e->len);
		kit_expect(&w->k, e->path, e->bytes, e->len);
	}
}

static void compare_all(world *w)
{
	size_t names = names_in(w, ""), want = 1; /* Inbox */

	for (int i = 0; i < ENTRIES; i++) {
		const entry *e = &w->entries[i];

		if (!e->is_used)
			continue;
		want++;
		compare_entry(w, e);
		if (e->type == EMR_META_DIR)
			names += names_in(w, e->path);
	}
	if (names != want)
		fail_msg("step %ld: %zu names, not %zu", w->step, names, want);
}

static void one_step(world *w)
{
	unsigned what = (unsigned)any(w, 1000);

	kit_wait_ms(&w->k, 1 + (int64_t)any(w, 400));
	if (what < 150)
		make_something(w);
	else if (what < 250)
		open_session(w);
	else if (what < 450)
		write_something(w);
	else if (what < 520)
		read_something(w);
	else if (what < 600)
		end_session(&w->sessions[any(w, SESSIONS)]);
	else if (what < 640)
		truncate_something(w);
	else if (what < 710)
		set_something(w);
	else if (what < 820)
		rename_something(w);
	else if (what < 840)
		exchange_something(w);
	else if (what < 890)
		remove_something(w);
	else if (what < 920)
		kit_publish(&w->k);
	else if (what < 940)
		assert_ok(emr_view_sync(w->k.view));
	else if (what < 960)
		sync_something(w);
}

static void restart(world *w)
{
	for (int i = 0; i < SESSIONS; i++)
		end_session(&w->sessions[i]);
	kit_restart(&w->k);
	compare_all(w);
}

static void live(uint64_t seed, long steps)
{
	EMR_AUTO_FREE world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	print_message("seed %llu, %ld steps\n", (unsigned long long)seed, steps);
	w->seed = seed;
	kit_open(&w->k);
	for (w->step = 1; w->step <= steps; w->step++) {
		one_step(w);
		if (any(w, 25) == 0)
			compare_all(w);
		if (any(w, 60) == 0)
			restart(w);
	}
	restart(w);
	kit_publish_all(&w->k);
	compare_all(w);
	restart(w);
	for (int i = 0; i < ENTRIES; i++)
		if (w->entries[i].is_used)
			free(w->entries[i].bytes);
	kit_close(&w->k);
}

TEST(the_folder_is_what_the_model_says)
{
	const char *seed = getenv("EMR_MODEL_SEED"), *steps = getenv("EMR_MODEL_STEPS");
	long n = steps != NULL ? strtol(steps, NULL, 10) : 1000;

	if (seed != NULL)
		live(strtoull(seed, NULL, 10), n);
	for (uint64_t s = 1; s <= 3 && seed == NULL; s++)
		live(s, n);
}

/* ---- versions on their way to the ledger ---- */

enum { ROAD_FILES = 6, ROAD_BYTES_MAX = 90000, ROAD_STEPS = 250, ROAD_LEFT_BYTES = 1 << 20 };

/* Somebody is at work in the folder while the ledger has a batch, and answers are lost. */
typedef struct road {
	kit k;
	uint64_t seed;
	unsigned batches, lost;
} road;

static road *open_road; /* NULL: the ledger is as always, and nobody is at work */

static uint64_t draw(road *r, uint64_t below)
{
	return kit_random(&r->seed) % below;
}

static const char *road_path(road *r, char out[16])
{
	snprintf(out, 16, "d/%d", (int)draw(r, ROAD_FILES));
	return out;
}

static void act(road *r)
{
	char path[16], to[16];
	unsigned what = (unsigned)draw(r, 100);
	uint64_t freed;

	road_path(r, path);
	if (what < 45) {
		size_t len = draw(r, ROAD_BYTES_MAX);
		EMR_AUTO_FREE uint8_t *bytes = kit_bytes(len, r->seed);

		kit_write(&r->k, path, bytes, len);
	} else if (what < 92 && kit_exists(&r->k, path)) {
		if (what < 70)
			kit_unlink(&r->k, path);
		else
			kit_rename(&r->k, path, road_path(r, to));
	} else if (what >= 92) {
		assert_ok(emr_view_purge(r->k.view, &freed));
	}
}

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out)
{
	road *r = open_road;
	uint64_t fate;
	emr_status status;

	if (r == NULL)
		return __real_emr_ledger_submit(ledger, batch, out);
	r->batches++;
	fate = draw(r, 6); /* 0: it never arrives; 1: its answer does not */
	for (uint64_t n = draw(r, 4); n > 0; n--)
		act(r);
	status = fate == 0 ? EMR_TIMEOUT : __real_emr_ledger_submit(ledger, batch, out);
	for (uint64_t n = draw(r, 4); n > 0; n--)
		act(r);
	r->lost += fate < 2;
	return fate < 2 ? EMR_TIMEOUT : status;
}

/* Between the look at what is to be sent and the row that names it. */
WRAPPED(emr_status, emr_bundle_build, emr_record_ctx *ctx, const emr_content *content,
	const emr_content_key *key, const emr_bundle_facts *facts, emr_cid *out_root)
{
	uint64_t freed;

	if (open_road != NULL && draw(open_road, 3) == 0) {
		act(open_road);
		act(open_road);
		assert_ok(emr_view_purge(open_road->k.view, &freed));
	}
	return __real_emr_bundle_build(ctx, content, key, facts, out_root);
}

static emr_status note_pin(void *arg, const emr_pin *pin)
{
	assert_int_equal(pin->state, EMR_PIN_REGISTERED); /* nothing waits any more */
	return emr_buf_append(arg, pin, sizeof *pin);
}

static int by_all(const void *a, const void *b)
{
	const emr_pin *x = a, *y = b;
	int roots = memcmp(x->root.b, y->root.b, sizeof x->root.b);

	return roots != 0 ? roots : memcmp(x->owner.b, y->owner.b, sizeof x->owner.b);
}

static emr_status must_be_here(void *arg, const emr_cid *cid)
{
	emr_block_store *blocks = arg;

	return emr_block_store_has(blocks, cid) ? EMR_OK : EMR_MISSING_DATA;
}

/* The ledger's versions, which restore asks for, are those that the pins name, which backup, verify
 * and reclaim go by; and all of it is here. */
static void pins_are_versions(road *r)
{
	emr_block_store *blocks = emr_store_blocks(r->k.stack.store);
	EMR_AUTO_BUF pins = {0};
	EMR_AUTO_BUF versions = {0};
	const emr_pin *all;
	size_t n;

	assert_ok(emr_store_each_pin(r->k.stack.store, note_pin, &pins));
	assert_ok(emr_facts_bundles(r->k.stack.facts, false, NULL, &versions));
	n = versions.len / sizeof *all;
	assert_int_equal(pins.len / sizeof *all, n);
	if (n == 0)
		return;
	qsort(pins.data, n, sizeof *all, by_all);
	qsort(versions.data, n, sizeof *all, by_all);
	all = (const emr_pin *)(const void *)versions.data;
	for (size_t i = 0; i < n; i++) {
		emr_cid missing;

		assert_int_equal(by_all(&all[i], (const emr_pin *)(const void *)pins.data + i), 0);
		assert_ok(emr_store_walk(blocks, &all[i].root, must_be_here, blocks, &missing));
	}
}

typedef struct listed {
	char names[400][40];
	size_t n;
} listed;

static bool list_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	listed *l = arg;

	(void)attr;
	(void)next;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	assert_true(l->n < sizeof l->names / sizeof l->names[0]);
	snprintf(l->names[l->n++], sizeof l->names[0], "%s", name);
	return true;
}

static emr_attr look_below(kit *k, const emr_attr *directory, const char *name)
{
	emr_attr attr;

	assert_ok(emr_view_lookup(k->view, directory->node, name, &attr));
	return attr;
}

/* All of what .emrfs/deleted lists can be read. */
static size_t read_deleted(kit *k)
{
	static uint8_t got[ROAD_BYTES_MAX];
	const emr_attr top = kit_attr(k, "");
	emr_attr special = look_below(k, &top, ".emrfs"), deleted, d;
	EMR_AUTO_FREE listed *l = calloc(1, sizeof *l);
	size_t n = 0, files;

	assert_non_null(l);
	deleted = look_below(k, &special, "deleted");
	if (emr_view_lookup(k->view, deleted.node, "d", &d) == EMR_OK) {
		assert_ok(emr_view_each_entry(k->view, d.node, 0, false, list_name, l));
		for (size_t i = 0; i < l->n; i++) {
			emr_attr file = look_below(k, &d, l->names[i]);
			emr_handle *h;

			assert_ok(emr_view_open_file(k->view, file.node, O_RDONLY, &h));
			assert_ok(emr_view_read(h, 0, got, sizeof got, &n));
			assert_int_equal(n, file.size_bytes);
			emr_view_release(h);
			emr_view_forget(k->view, file.node, 1);
		}
		emr_view_forget(k->view, d.node, 1);
	}
	emr_view_forget(k->view, deleted.node, 1);
	emr_view_forget(k->view, special.node, 1);
	files = l->n;
	return files;
}

static void look_at_all(road *r)
{
	open_road = NULL;
	kit_publish_all(&r->k);
	(void)read_deleted(&r->k);
	pins_are_versions(r);
	open_road = r;
}

static void erase_deleted(road *r)
{
	const emr_erase all = {.path = NULL};
	emr_erased erased;

	open_road = NULL;
	kit_publish_all(&r->k); /* an erasure waits for the answers */
	assert_ok(emr_view_erase(r->k.view, &all, &erased));
	assert_true(erased.is_finished);
	open_road = r;
}

/* Answers that were lost are heard before there is a tree. */
static void come_again(road *r)
{
	open_road = NULL;
	kit_restart(&r->k);
	open_road = r;
}

static void travel(uint64_t seed)
{
	EMR_AUTO_FREE road *r = calloc(1, sizeof *r);
	char path[16];
	uint64_t freed;

	assert_non_null(r);
	print_message("road %llu\n", (unsigned long long)seed);
	r->seed = seed;
	kit_open(&r->k);
	kit_mkdir(&r->k, "d");
	kit_publish_all(&r->k);
	open_road = r;
	for (int step = 0; step < ROAD_STEPS; step++) {
		unsigned what = (unsigned)draw(r, 100);
		emr_status status = EMR_OK;

		kit_wait_ms(&r->k, 1 + (int64_t)draw(r, 4000));
		if (what < 50)
			act(r);
		else if (what < 88)
			status = emr_view_publish_now(r->k.view);
		else if (what < 92)
			come_again(r);
		else if (what < 98)
			look_at_all(r);
		else
			erase_deleted(r);
		if (status != EMR_OK)
			assert_status(EMR_TIMEOUT, status);
	}
	assert_true(r->batches > 20 && r->lost > 2);
	look_at_all(r);
	open_road = NULL;
	kit_restart(&r->k);
	pins_are_versions(r);
	for (int i = 0; i < ROAD_FILES; i++) {
		snprintf(path, sizeof path, "d/%d", i);
		if (kit_exists(&r->k, path))
			kit_unlink(&r->k, path);
	}
	erase_deleted(r);
	open_road = NULL;
	assert_int_equal(read_deleted(&r->k), 0);
	pins_are_versions(r);
	assert_ok(emr_view_purge(r->k.view, &freed));
	assert_true(emr_store_disk_bytes(r->k.stack.store) < ROAD_LEFT_BYTES);
	kit_close(&r->k);
}

TEST(a_version_on_its_way_keeps_its_bytes)
{
	const char *seed = getenv("EMR_MODEL_SEED");

	if (seed != NULL)
		travel(strtoull(seed, NULL, 10));
	for (uint64_t s = 1; s <= 4 && seed == NULL; s++)
		travel(s);
}

TESTS(NULL, NULL)
