/* These tests are about several readers at once, the view's own thread between them and the
 * owner, and a share that ends under them. */
#include "shared_kit.h"

#include "share/write.h"

#include <stdatomic.h>

#define READERS 6
#define ROUNDS 20

typedef struct reader {
	viewer *v;
	uint64_t node;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool has_come, is_over;
	emr_status status;
	unsigned read;
} reader;

static void ready(void *arg, emr_status status)
{
	reader *r = arg;

	pthread_mutex_lock(&r->lock);
	r->has_come = true;
	r->status = status;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

static emr_status wait_for(reader *r, emr_need need)
{
	emr_status status = emr_view_await(r->v->view, r->node, need, NULL, ready, r);

	if (status != EMR_BUSY)
		return status;
	pthread_mutex_lock(&r->lock);
	while (!r->has_come)
		pthread_cond_wait(&r->wake, &r->lock);
	r->has_come = false;
	status = r->status;
	pthread_mutex_unlock(&r->lock);
	return status;
}

/* Between being told and opening another one's close may have taken the reader away: EMR_BUSY, and
 * it is asked for again. */
static emr_status open_once(reader *r, emr_handle **out_handle)
{
	emr_status status = wait_for(r, EMR_NEED_BYTES);

	if (status == EMR_TIMEOUT) /* a slow machine, on which the owner answers late */
		return EMR_BUSY;
	return status == EMR_OK ? emr_view_open_file(r->v->view, r->node, O_RDONLY, out_handle)
				: status;
}

static emr_status read_once(reader *r)
{
	emr_handle *h = NULL;
	char bytes[64];
	size_t got = 0;
	emr_status status = open_once(r, &h);

	if (status != EMR_OK)
		return status;
	status = emr_view_read(h, 0, bytes, sizeof bytes, &got);
	emr_view_release(h);
	return status == EMR_OK && memcmp(bytes, "%PDF a ", 7) != 0 ? EMR_DAMAGED : status;
}

static void *read_on(void *arg)
{
	reader *r = arg;
	emr_status status = EMR_OK;

	while (status == EMR_OK || status == EMR_BUSY) {
		status = read_once(r);
		__atomic_add_fetch(&r->read, status == EMR_OK, __ATOMIC_RELAXED);
	}
	r->status = status;
	__atomic_store_n(&r->is_over, true, __ATOMIC_RELEASE);
	return NULL;
}

typedef struct scene {
	story s;
	viewer v;
	reader readers[READERS];
	pthread_t threads[READERS];
	uint64_t nodes[2];
} scene;

/* Pauses end by themselves while the threads run; the time of the wall stands still. */
static int64_t real_boot_ns(const emr_clock *clock)
{
	(void)clock;
	return emr_clock_boot_ns(emr_clock_system());
}

/* Dr lima knows of the folder, in which he may also write with WRITES. */
static void begin_alone(scene *c, uint16_t writes)
{
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.writes = writes,
		.purposes = 1u << CONSULT};
	emr_grant_made made;

	story_begin(&c->s);
	assert_ok(emr_store_index_now(c->s.k.stack.store));
	viewer_open(&c->v, &c->s, &c->s.lima, "lima-folder", CONSULT);
	order.not_after_unix_s = story_now(&c->s) + 7 * DAY;
	assert_ok(story_try_share(&c->s, &c->s.lima, &order, false, &made));
	viewer_run(&c->v, NULL, 0);
	viewer_learn_owner(&c->v);
}

/* Two files, three readers each. */
static void begin(scene *c, uint16_t writes)
{
	emr_attr attr;

	begin_alone(c, writes);
	c->s.k.clock.clock.boot_ns = real_boot_ns;
	for (int i = 0; i < 2; i++) {
		assert_ok(viewer_find(&c->v,
			viewer_at(&c->v, i == 0 ? "Imaging/MRI.pdf" : "Imaging/Old/CT.pdf"),
			owner_answers, &attr));
		c->nodes[i] = attr.node;
	}
	assert_ok(emr_view_start(c->v.view));
	for (int i = 0; i < READERS; i++) {
		c->readers[i] = (reader){.v = &c->v,
			.node = c->nodes[i % 2],
			.lock = PTHREAD_MUTEX_INITIALIZER,
			.wake = PTHREAD_COND_INITIALIZER};
		assert_int_equal(pthread_create(&c->threads[i], NULL, read_on, &c->readers[i]), 0);
	}
}

static void end(scene *c)
{
	size_t n = 0;

	assert_ok(emr_share_revoke_person(
		begins(c->s.ana), c->s.imaging, c->s.lima.public.signer_id, &n));
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(c->threads[i], NULL), 0);
	for (int i = 0; i < READERS; i++)
		assert_status(EMR_ACCESS_REVOKED, c->readers[i].status);
	viewer_close(&c->v);
	story_end(&c->s);
}

TEST(what_is_read_is_changed_and_goes_back_meanwhile)
{
	SCENE_OF(scene, c, end, begin, EMR_WRITES_ALL);
	for (unsigned round = 0; round < ROUNDS; round++) {
		emr_attr wanted = {.mode = round % 2 == 0 ? 0600 : 0640}, attr;

		for (int i = 0; i < 2; i++)
			assert_ok(emr_view_set_attr(
				c.v.view, c.nodes[i], EMR_SET_MODE, &wanted, &attr));
		assert_ok(emr_view_publish_now(c.v.view));
		(void)story_owner(&c.s);
	}
	for (int i = 0; i < READERS; i++)
		while (__atomic_load_n(&c.readers[i].read, __ATOMIC_RELAXED) < ROUNDS)
			(void)story_owner(&c.s);
}

/* The kernel's question at each close of a copied descriptor, as long as the file is open. */
static void *close_on(void *arg)
{
	reader *r = arg;
	emr_handle *h = NULL;
	emr_status status;

	do
		status = open_once(r, &h);
	while (status == EMR_BUSY);
	while (status == EMR_OK && !__atomic_load_n(&r->is_over, __ATOMIC_RELAXED)) {
		status = emr_view_flush(h);
		__atomic_add_fetch(&r->read, 1, __ATOMIC_RELAXED);
	}
	r->status = status;
	if (h != NULL)
		emr_view_release(h);
	return NULL;
}

TEST(a_copy_of_a_descriptor_is_closed_while_its_record_is_taken)
{
	emr_attr wanted = {.mode = 0600}, attr;
	pthread_t thread;
	reader r;

	SCENE_OF(scene, c, end, begin, EMR_WRITES_ALL);
	r = (reader){.v = &c.v,
		.node = c.nodes[0],
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.wake = PTHREAD_COND_INITIALIZER};
	assert_int_equal(pthread_create(&thread, NULL, close_on, &r), 0);
	while (__atomic_load_n(&r.read, __ATOMIC_RELAXED) < ROUNDS)
		(void)story_owner(&c.s);
	assert_ok(emr_view_set_attr(c.v.view, c.nodes[0], EMR_SET_MODE, &wanted, &attr));
	__atomic_store_n(&r.is_over, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_ok(r.status);
}

/* ---- a share inside another one, whose names cannot be read ---- */

static _Atomic(const emr_shared *) readable; /* the one whose names come; NULL: all */
static atomic_bool only_one;		     /* the first that is asked for, from now on */

WRAPPED(emr_status, emr_shared_ask_names, emr_shared *shared, emr_ask **out_ask,
	emr_share_trouble *out_trouble)
{
	if (atomic_exchange(&only_one, false))
		atomic_store(&readable, shared);
	return atomic_load(&readable) != NULL && atomic_load(&readable) != shared
		       ? EMR_IO
		       : __real_emr_shared_ask_names(shared, out_ask, out_trouble);
}

typedef struct looker {
	emr_view *view;
	uint64_t directory;
	char name[300]; /* of the share inside, which lies there until it can be read */
	atomic_bool stop;
	emr_status status;
} looker;

/* A folder that came with a share has its name, and a code. */
static bool look_for_inner(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	looker *l = arg;

	(void)attr;
	(void)next;
	if (strncmp(name, "Imaging~", 8) == 0)
		(void)snprintf(l->name, sizeof l->name, "%s", name);
	return true;
}

static bool pass_by(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)arg;
	(void)name;
	(void)attr;
	(void)next;
	return true;
}

static void *look_on(void *arg)
{
	looker *l = arg;

	while (!atomic_load(&l->stop) && l->status == EMR_OK)
		l->status = emr_view_each_entry(l->view, l->directory, 0, false, pass_by, NULL);
	return NULL;
}

TEST(what_cannot_be_read_inside_is_asked_for_while_others_look)
{
	reader r = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
	pthread_t threads[2];
	looker l, lookers[2];
	emr_id16 inner;
	emr_attr attr;
	SCENE(story, s, story_begin, story_end);
	AUTO(viewer_close) viewer v;

	s.k.clock.clock.boot_ns = real_boot_ns;
	assert_ok(emr_store_index_now(s.k.stack.store));
	(void)story_share(&s, &s.lima, 0, false);
	assert_ok(emr_view_make_domain(s.k.view, "Imaging/Old", &inner));
	for (int i = 0; i < 4; i++) /* which carries the share there */
		kit_publish_all(&s.k);
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	viewer_run(&v, NULL, 0);
	(void)snprintf(v.owner, sizeof v.owner, "shared-with-me/%s",
		viewer_list(&v, "shared-with-me", NULL));
	atomic_store(&only_one, true);
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &attr));
	viewer_run(&v, owner_answers, 4);
	assert_ok(viewer_find(&v, v.owner, NULL, &attr));
	l = (looker){.view = v.view, .directory = attr.node};
	assert_ok(emr_view_each_entry(v.view, l.directory, 0, false, look_for_inner, &l));
	assert_ok(emr_view_lookup(v.view, l.directory, l.name, &attr));
	assert_ok(emr_view_start(v.view));
	for (int i = 0; i < 2; i++) {
		lookers[i] = (looker){.view = v.view, .directory = l.directory};
		assert_int_equal(pthread_create(&threads[i], NULL, look_on, &lookers[i]), 0);
	}
	r.v = &v;
	r.node = attr.node;
	for (int i = 0; i < ROUNDS; i++)
		assert_status(EMR_IO, wait_for(&r, EMR_NEED_NAMES));
	for (int i = 0; i < 2; i++) {
		atomic_store(&lookers[i].stop, true);
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_ok(lookers[i].status);
	}
	atomic_store(&readable, NULL);
}

/* ---- an end that comes between two looks of the same turn ---- */

/* When the owner takes it back: before the next record of it is asked for; before names that came
 * are read. */
static scene *before_question, *before_names;

static void take_back(scene **which, bool is_heard_of)
{
	scene *c = *which;
	size_t revoked = 0;

	*which = NULL;
	if (c == NULL)
		return;
	assert_ok(emr_share_revoke_person(
		begins(c->s.ana), c->s.imaging, c->s.lima.public.signer_id, &revoked));
	if (is_heard_of) /* by another thread of the doctor's computer */
		assert_ok(emr_replica_catch_up(c->v.replica, NULL, NULL, NULL));
}

WRAPPED(emr_status, emr_shared_ask_records, emr_shared *shared, const emr_id16 *objects, size_t n,
	emr_ask **out_ask, emr_share_trouble *out_trouble)
{
	take_back(&before_question, false);
	return __real_emr_shared_ask_records(shared, objects, n, out_ask, out_trouble);
}

WRAPPED(emr_status, emr_shared_each, emr_shared *shared, emr_shared_known_fn known,
	emr_shared_fn fn, void *arg, uint64_t *out_unreadable)
{
	take_back(&before_names, true);
	return __real_emr_shared_each(shared, known, fn, arg, out_unreadable);
}

TEST(what_is_taken_back_while_it_is_asked_for_has_not_run_out)
{
	emr_attr attr;
	scene c;

	begin_alone(&c, 0);
	assert_ok(viewer_find(&c.v, viewer_at(&c.v, "Imaging/MRI.pdf"), owner_answers, &attr));
	before_question = &c;
	assert_status(
		EMR_ACCESS_REVOKED, viewer_wait(&c.v, attr.node, EMR_NEED_BYTES, owner_answers));
	assert_non_null(strstr(c.v.notices, "grant-revoked"));
	assert_null(strstr(c.v.notices, "grant-expired"));
	viewer_close(&c.v);
	story_end(&c.s);
}

TEST(names_that_are_taken_back_while_they_are_read_are_not_refused)
{
	emr_attr attr;
	scene c;

	begin_alone(&c, 0);
	before_names = &c;
	assert_status(EMR_ACCESS_REVOKED,
		viewer_find(&c.v, viewer_at(&c.v, "Imaging/MRI.pdf"), owner_answers, &attr));
	assert_null(before_names);
	assert_non_null(strstr(c.v.notices, "grant-revoked"));
	viewer_close(&c.v);
	story_end(&c.s);
}

TEST(several_files_that_are_shared_by_themselves_are_listed_at_once)
{
	const char *names;
	LIMAS_FOLDER;

	ana_shares_domain(&s, ana_makes_domain(&s, "Imaging/MRI.pdf"), "MRI.pdf");
	ana_shares_domain(&s, ana_makes_domain(&s, "Imaging/Old/CT.pdf"), "CT.pdf");
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	assert_string_equal(viewer_list(&v, v.owner, NULL), "!timed out");
	story_pass(&s, 60);
	names = viewer_list(&v, v.owner, owner_answers); /* in the order of their ids */
	assert_true(strcmp(names, "MRI.pdf,CT.pdf") == 0 || strcmp(names, "CT.pdf,MRI.pdf") == 0);
}

TESTS(NULL, NULL)
