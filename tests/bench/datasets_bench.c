/* This program measures how a frozen dataset opens and lists: bench_datasets [participants
 * [files of each]]. Makes such a ledger as people would have made it, through the library: each
 * participant has a keyring, a certificate, a folder with files in two directories, and a grant
 * through three agents; only their copies of the ledger are one, and they save in one go. Then a
 * researcher opens the frozen state for the first time, when every folder's names have to be
 * asked for, and once more. The processor's time is that of the researcher's computer: what
 * agents do meanwhile is left out. It judges no time: numbers are for people. The disk is that
 * of /dev/shm, or EMR_TEST_SCRATCH. */
#include <malloc.h>
#include <time.h>

#include "contract/codes.h"
#include "keyring/cert.h"
#include "ledger/act.h"
#include "ledger/register.h"
#include "record/staging.h"
#include "settle/settle.h"
#include "share/frozen.h"
#include "datasets_kit.h"
#include "shared_kit.h"

#define TERMS                                                                                      \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\"}"
#define DIRECTORIES 2

static size_t participants = 100, files = 100;

/* ---- the clock of the processor, and memory ---- */

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t memory_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* ---- one participant ---- */

typedef struct giver {
	person m; /* with ana's ledger and her copy of it */
	char path[400];
	emr_store *store;
	emr_journal *journal;
	emr_facts *facts;
	emr_settle *settle;
	emr_content *contents;
	emr_meta *metas;
	emr_change *changes;
	char (*names)[32];
	size_t n;
} giver;

static void register_giver(story *s, person *m, size_t number)
{
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF part = {0};
	person *boss = &s->bosses[0];
	char handle[32];
	emr_cert_subject subject = {.handle = handle,
		.roles = EMR_ROLE_PATIENT,
		.org = boss->org,
		.not_before = story_now(s) - DAY,
		.not_after = story_now(s) + 400 * DAY};
	emr_register who = {.keyring = m->keyring,
		.net_id = emr_ledger_net_id(m->ledger),
		.org = boss->org,
		.roles = EMR_ROLE_PATIENT,
		.name = ""};
	emr_act act;

	(void)snprintf(handle, sizeof handle, "patient%zu", number);
	assert_ok(emr_cert_issue(boss->keyring, emr_buf_view(&boss->ca), &subject,
		emr_bytes_of(m->public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	assert_ok(emr_register_certified(&who, emr_buf_view(&cert), &act, &part));
	assert_int_equal(story_says(s, m, act, emr_buf_view(&part)), EMR_RESULT_APPLIED);
}

static void open_giver(story *s, giver *g, size_t number)
{
	const emr_clock *clock = &s->k.clock.clock;
	emr_store_options store = {.path = g->path, .no_background = true};
	emr_record_options records = {.spill_dirfd = -1, .workers = EMR_RECORD_NO_WORKERS};
	emr_settle_options settle = {.clock = clock};
	emr_share_options share = {.clock = clock};
	person *m = &g->m;

	*g = (giver){.m = {.ledger = s->k.stack.ledger, .replica = s->k.stack.replica}};
	(void)snprintf(g->path, sizeof g->path, "%s/giver", s->k.path);
	assert_int_equal(mkdir(g->path, 0700), 0);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, story_now(s), &m->keyring));
	assert_ok(emr_keyring_public(m->keyring, &m->public));
	register_giver(s, m, number);
	store.writer = emr_keyring_device_id(m->keyring);
	assert_ok(emr_store_open(&store, &g->store));
	assert_ok(emr_journal_open(g->store, m->keyring, &g->journal));
	records.store = emr_store_blocks(g->store);
	settle.keyring = records.keyring = share.keyring = m->keyring;
	assert_ok(emr_record_ctx_new(&records, &m->records));
	settle.records = share.records = m->records;
	settle.ledger = share.ledger = m->ledger;
	settle.replica = share.replica = m->replica;
	assert_ok(emr_facts_new(m->keyring, m->replica, m->records, &g->facts));
	settle.facts = g->facts;
	settle.journal = g->journal;
	settle.store = g->store;
	assert_ok(emr_settle_new(&settle, &g->settle));
	assert_ok(emr_share_new(&share, &m->share));
}

static void close_giver(giver *g)
{
	emr_share_free(g->m.share);
	emr_settle_free(g->settle);
	emr_facts_free(g->facts);
	emr_record_ctx_free(g->m.records);
	emr_journal_close(g->journal);
	emr_store_close(g->store);
	emr_keyring_free(g->m.keyring);
	kit_remove_state(g->path);
}

static emr_status all_applied(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		assert_ok(outcomes[i].error);
		assert_int_equal(outcomes[i].result, EMR_RESULT_APPLIED);
	}
	return emr_journal_commit(txn, NULL);
}

static void describe(const story *s, giver *g, emr_id16 domain, emr_id16 object, emr_id16 parent,
	const char *text)
{
	size_t i = g->n++;
	emr_meta *meta = &g->metas[i];

	*meta = (emr_meta){.type = text == NULL ? EMR_META_DIR : EMR_META_FILE,
		.mode = text == NULL ? 0700 : 0600,
		.n = text == NULL ? 0 : strlen(text),
		.mtime_ns = s->k.clock.unix_ns,
		.parent = parent,
		.name = emr_bytes_of(g->names[i], strlen(g->names[i]))};
	memcpy(meta->r_pid, emr_id32_random().b, sizeof meta->r_pid);
	g->changes[i] = (emr_change){.kind = text == NULL ? EMR_CHANGE_META : EMR_CHANGE_PUT,
		.node = object,
		.domain = domain,
		.object = object,
		.meta = meta};
}

static void put(const story *s, giver *g, emr_id16 domain, emr_id16 parent)
{
	static const char text[] = "a slice";
	emr_content *content = &g->contents[g->n];
	emr_id16 object = emr_id16_random();
	emr_content_key *key;
	emr_staging *staging;
	emr_change *change;

	assert_ok(emr_staging_new(g->m.records, emr_id16_random(), NULL, 0, &staging));
	assert_ok(emr_staging_write(staging, 0, text, strlen(text)));
	assert_ok(emr_staging_freeze(staging, content, &key));
	emr_content_key_free(key);
	emr_staging_discard(staging);
	change = &g->changes[g->n];
	describe(s, g, domain, object, parent, text);
	change->record_id = object;
	change->cver = 1;
	change->content = content;
}

/* A domain with all files. */
static emr_id16 save_all(const story *s, giver *g)
{
	size_t room = files + DIRECTORIES + 1;
	emr_id16 domain = emr_id16_random(), directory[DIRECTORIES];

	g->contents = calloc(room, sizeof *g->contents);
	g->metas = calloc(room, sizeof *g->metas);
	g->changes = calloc(room, sizeof *g->changes);
	g->names = calloc(room, sizeof *g->names);
	assert_true(
		g->contents != NULL && g->metas != NULL && g->changes != NULL && g->names != NULL);
	(void)snprintf(g->names[0], sizeof g->names[0], "Research");
	describe(s, g, domain, domain, (emr_id16){{0}}, NULL);
	for (size_t i = 0; i < DIRECTORIES; i++) {
		directory[i] = emr_id16_random();
		(void)snprintf(g->names[g->n], sizeof g->names[0], "SERIES-%zu", i);
		describe(s, g, domain, directory[i], domain, NULL);
	}
	for (size_t i = 0; i < files; i++) {
		(void)snprintf(g->names[g->n], sizeof g->names[0], "%06zu.dcm", i);
		put(s, g, domain, directory[i % DIRECTORIES]);
	}
	assert_ok(emr_settle_publish(g->settle, g->changes, g->n, all_applied, NULL));
	free(g->contents);
	free(g->metas);
	free(g->changes);
	free(g->names);
	return domain;
}

static void take_part(story *s, const called *d, size_t number)
{
	emr_grant_order order = {.grantee = d->grantee,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH,
		.not_after_unix_s = story_now(s) + 7 * DAY,
		.label = "Research"};
	emr_grant_made made;
	giver g;

	open_giver(s, &g, number);
	order.domain = save_all(s, &g);
	assert_ok(emr_share_grant(g.m.share, &order, &made));
	assert_int_equal(made.n, AGENTS);
	close_giver(&g);
}

/* ---- listing, as ls -lR does ---- */

typedef struct entry {
	uint64_t directory;
	char name[EMR_NAME_MAX + 1];
} entry;

typedef struct listing {
	uint64_t directory, next;
	size_t n, room;
	entry *all;
} listing;

static bool note(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	listing *l = arg;

	(void)attr;
	l->next = next;
	if (name[0] == '.')
		return true;
	if (l->n == l->room) {
		l->room = l->room > 0 ? 2 * l->room : 64;
		l->all = realloc(l->all, l->room * sizeof *l->all);
		assert_non_null(l->all);
	}
	l->all[l->n].directory = l->directory;
	(void)snprintf(l->all[l->n++].name, EMR_NAME_MAX + 1, "%s", name);
	return l->n % 50 != 0; /* as many as the kernel takes at once */
}

static size_t rounds;	/* in which an agent had something to answer: a person waits so often */
static double others_s; /* what the agents' computers did meanwhile */

static void agents_answer(story *s)
{
	double began = cpu_s();
	emr_release_tally first = story_agent(s, 0), second = story_agent(s, 1);

	rounds += first.answered + second.answered > 0;
	s->k.clock.boot_ns += 200000000;
	(void)story_agent(s, 0);
	(void)story_agent(s, 1);
	others_s += cpu_s() - began;
}

/* ---- participants of whom nothing comes ---- */

#define LOOK_NS INT64_C(25000000)

/* The names of DIRECTORY, which agents give if they ANSWER; *WAITED_NS grows by how long a person
 * waited. */
static emr_status list_or_wait(viewer *v, uint64_t directory, bool answer, int64_t *waited_ns)
{
	reply r = {.has_come = false};
	emr_status status =
		emr_view_await(v->view, directory, EMR_NEED_NAMES, NULL, viewer_ready, &r);

	if (status != EMR_BUSY)
		return status;
	while (!r.has_come) {
		emr_view_shared_turn(v->view, NULL);
		if (answer && !r.has_come)
			agents_answer(v->s);
		v->s->k.clock.boot_ns += LOOK_NS;
		*waited_ns += LOOK_NS;
	}
	return r.status;
}

/* As the thread that answers the kernel does it: once round, and again when agents have said
 * something. */
static void wait_for_names(viewer *v, uint64_t directory)
{
	reply r = {.has_come = false};
	emr_status status =
		emr_view_await(v->view, directory, EMR_NEED_NAMES, NULL, viewer_ready, &r);

	if (status != EMR_BUSY) {
		assert_ok(status);
		return;
	}
	for (int i = 0; !r.has_come; i++) {
		assert_true(i < 8);
		if (i > 0)
			agents_answer(v->s);
		emr_view_shared_turn(v->view, NULL);
	}
	assert_ok(r.status);
}

typedef struct counts {
	size_t files, directories;
} counts;

static void list(viewer *v, uint64_t directory, counts *c)
{
	listing l = {.directory = directory};
	size_t before;

	wait_for_names(v, directory);
	do {
		before = l.n;
		assert_ok(emr_view_each_entry(v->view, directory, l.next, false, note, &l));
	} while (l.n > before);
	for (size_t i = 0; i < l.n; i++) {
		emr_attr attr;

		assert_ok(emr_view_lookup(v->view, directory, l.all[i].name, &attr));
		if (attr.type == EMR_META_DIR)
			list(v, attr.node, c);
		c->files += attr.type == EMR_META_FILE;
		c->directories += attr.type == EMR_META_DIR;
	}
	free(l.all);
}

/* ---- one mount ---- */

static void show(story *s, viewer *v, const called *d)
{
	EMR_AUTO_FROZEN_LOOK look = {.n = 0};
	emr_replica_position at;
	emr_team team;
	emr_id16 line;

	(void)s;
	assert_ok(emr_replica_at(v->replica, &at));
	assert_ok(emr_team_get(v->replica, d->id, &team));
	assert_ok(emr_dataset_line(
		v->replica, s->lima.keyring, &team, s->lima.public.signer_id, &line));
	assert_ok(emr_frozen_look_at(v->replica, &team, at.size, story_now(s), &look));
	assert_int_equal(look.n, participants * files);
	assert_ok(emr_view_show_frozen(v->view, line, at.size, emr_buf_view(&look.domains)));
}

static uint64_t entries_of(const viewer *v)
{
	emr_replica_position at;

	assert_ok(emr_replica_at(v->replica, &at));
	return at.size;
}

static void open_and_list(story *s, const called *d, const char *what)
{
	size_t memory = memory_bytes(), told;
	uint64_t entries;
	double at = cpu_s(), opened, frozen, looked, listed;
	counts c = {.files = 0};
	viewer v;

	rounds = 0;
	others_s = 0;
	viewer_open(&v, s, &s->lima, "lima-folder", RESEARCH);
	opened = cpu_s();
	assert_ok(emr_replica_catch_up(v.replica, NULL, NULL, NULL));
	show(s, &v, d);
	frozen = cpu_s();
	emr_view_shared_turn(v.view, NULL);
	looked = cpu_s();
	entries = entries_of(&v);
	list(&v, EMR_ROOT_NODE, &c);
	entries = entries_of(&v) - entries;
	listed = cpu_s() - others_s;
	told = memory_bytes() - memory;
	printf("%s: ledger and folder %.2f s, frozen state %.2f s, grants %.2f s, ls -lR %.2f s "
	       "and %zu answers waited for in %zu entries; %zu files in %zu directories, %.2f KB "
	       "of memory a "
	       "file\n",
		what, opened - at, frozen - opened, looked - frozen, listed - looked, rounds,
		(size_t)entries, c.files, c.directories, (double)told / 1e3 / (double)c.files);
	assert_int_equal(c.files, participants * files);
	assert_true(rounds <= 4 + participants / 8); /* a person does not wait for each of them */
	/* Nor does the ledger take an entry for each: there is his question, one for those ahead,
	 * and two of each agent, at once and in place of the one who is away. */
	assert_true(entries <= 6 * rounds);
	at = cpu_s();
	c = (counts){.files = 0};
	list(&v, EMR_ROOT_NODE, &c);
	printf("%s, again: ls -lR %.2f s\n", what, cpu_s() - at);
	viewer_close(&v);
}

static emr_status list_participant(viewer *v, const char *name, bool answer, int64_t *waited_ns)
{
	emr_attr owner, share;
	listing l = {.n = 0};
	emr_status status;

	assert_ok(emr_view_lookup(v->view, EMR_ROOT_NODE, name, &owner));
	l.directory = owner.node;
	assert_ok(emr_view_each_entry(v->view, owner.node, 0, false, note, &l));
	assert_int_equal(l.n, 1);
	assert_ok(emr_view_lookup(v->view, owner.node, l.all[0].name, &share));
	free(l.all);
	status = list_or_wait(v, share.node, answer, waited_ns);
	if (status == EMR_OK) {
		l = (listing){.directory = share.node};
		assert_ok(emr_view_each_entry(v->view, share.node, 0, false, note, &l));
		assert_int_equal(l.n, DIRECTORIES);
		free(l.all);
	}
	return status;
}

/* Ten seconds for each of them would be an hour for a researcher of some hundreds. */
static void those_of_whom_nothing_comes_are_waited_for_together(void **state)
{
	static story s;
	listing all = {.directory = EMR_ROOT_NODE};
	int64_t waited_ns = 0;
	AUTO(called_end) called d;
	viewer v;

	(void)state;
	story_begin(&s);
	dataset_call_on(&d, &s, TERMS, (emr_id16){{0}}, 0);
	dataset_admit(&d, &s.lima);
	for (size_t i = 0; i < participants; i++)
		take_part(&s, &d, i);
	story_agents(&s, 3);
	viewer_open(&v, &s, &s.lima, "lima-folder", RESEARCH);
	assert_ok(emr_replica_catch_up(v.replica, NULL, NULL, NULL));
	show(&s, &v, &d);
	emr_view_shared_turn(v.view, NULL);
	assert_ok(emr_view_each_entry(v.view, EMR_ROOT_NODE, 0, false, note, &all));
	assert_int_equal(all.n, participants);
	/* The first are there at once, then the agents fall silent. */
	for (size_t i = 0; i < 2; i++)
		assert_ok(list_participant(&v, all.all[i].name, true, &waited_ns));
	assert_true(waited_ns < EMR_SHARED_WAIT_NS / 2);
	waited_ns = 0;
	for (size_t i = 2; i < participants; i++) {
		emr_status status = list_participant(&v, all.all[i].name, false, &waited_ns);

		assert_true(status == EMR_OK || status == EMR_TIMEOUT);
		assert_true(status == EMR_TIMEOUT || i < participants / 2);
	}
	assert_true(waited_ns >= EMR_SHARED_WAIT_NS);
	assert_true(waited_ns < 2 * EMR_SHARED_WAIT_NS);
	assert_non_null(strstr(v.notices, "absent"));
	/* They are back: what was asked is answered, and nobody has to wait again. */
	agents_answer(&s);
	emr_view_shared_turn(v.view, NULL);
	waited_ns = 0;
	for (size_t i = 0; i < participants; i++)
		assert_ok(list_participant(&v, all.all[i].name, true, &waited_ns));
	assert_true(waited_ns < EMR_SHARED_WAIT_NS / 2);
	free(all.all);
	viewer_close(&v);
	story_end(&s);
}

static void run(void **state)
{
	static story s;
	AUTO(called_end) called d;
	double at;

	(void)state;
	story_begin(&s);
	dataset_call_on(&d, &s, TERMS, (emr_id16){{0}}, 0);
	dataset_admit(&d, &s.lima);
	at = cpu_s();
	for (size_t i = 0; i < participants; i++)
		take_part(&s, &d, i);
	printf("%zu participants with %zu files each: made in %.1f s\n", participants, files,
		cpu_s() - at);
	story_agents(&s, 3);
	fflush(stdout);
	open_and_list(&s, &d, "first");
	fflush(stdout);
	open_and_list(&s, &d, "opened again");
	story_end(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(run)};
	const struct CMUnitTest silent[] = {
		cmocka_unit_test(those_of_whom_nothing_comes_are_waited_for_together)};

	if (argc > 1)
		participants = (size_t)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		files = (size_t)strtoul(argv[2], NULL, 10);
	if (participants == 0 || files == 0) {
		fprintf(stderr, "bench_datasets [participants [files of each [silent]]]\n");
		return 2;
	}
	if (argc > 3 && strcmp(argv[3], "silent") == 0)
		return cmocka_run_group_tests(silent, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
