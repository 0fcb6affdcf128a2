/* Most tests of sharing use this file: it makes ana's folder with real files, a clinic with a
 * doctor, and agents of three organisations, all on one ledger, and lets them share, release and
 * read. */
#include "story_kit.h"
#include <sqlite3.h>

#include "contract/codes.h"
#include "keyring/cert.h"
#include "keyring/coowned.h"
#include "ledger/act.h"
#include "ledger/hash.h"
#include "ledger/register.h"
#include "share/write.h"
#include "share/devices.h"
#include "ledger/network.h"

uint64_t story_now(const story *s)
{
	return (uint64_t)(s->k.clock.unix_ns / 1000000000);
}

void story_pass(story *s, uint64_t seconds)
{
	s->k.clock.unix_ns += (int64_t)seconds * 1000000000;
	s->k.clock.boot_ns += (int64_t)seconds * 1000000000;
}

void story_sql(const story *s, const char *text)
{
	sqlite3 *db = NULL;

	assert_int_equal(
		sqlite3_open(printed("%s/network/" EMR_NETWORK_LEDGER, s->k.path), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void story_see(person *m)
{
	assert_ok(emr_replica_catch_up(m->replica, NULL, NULL, NULL));
}

emr_share *begins(emr_share *share)
{
	emr_status followed;

	(void)!emr_share_begin(share, &followed);
	return share;
}

/* ---- people ---- */

static int open_dir(const story *s, const char *name)
{
	int fd;

	fd = open(printed("%s/%s", s->k.path, name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int make_dir(const story *s, const char *name)
{
	assert_int_equal(mkdir(printed("%s/%s", s->k.path, name), 0700), 0);
	return open_dir(s, name);
}

/* M reads from the blocks of ana's folder, as long as that is open. */
static void open_reading(story *s, person *m)
{
	const emr_record_options records = {.store = emr_store_blocks(s->k.stack.store),
		.spill_dirfd = -1,
		.workers = EMR_RECORD_NO_WORKERS,
		.keyring = m->keyring};
	emr_share_options share = {.clock = &s->k.clock.clock,
		.keyring = m->keyring,
		.ledger = m->ledger,
		.replica = m->replica};

	assert_ok(emr_record_ctx_new(&records, &m->records));
	share.records = m->records;
	assert_ok(emr_share_new(&share, &m->share));
}

static void close_reading(person *m)
{
	emr_share_free(m->share);
	emr_record_ctx_free(m->records);
}

/* With the keyring and the directory that M has. */
static void open_handles(story *s, person *m)
{
	char network[400];
	emr_ledger_options ledger = {.path = network, .clock = &s->k.clock.clock};
	emr_replica_options replica = {.clock = &s->k.clock.clock};

	(void)snprintf(network, sizeof network, "%s/network", s->k.path);
	assert_ok(emr_keyring_public(m->keyring, &m->public));
	ledger.submitter = m->keyring;
	assert_ok(emr_ledger_open(&ledger, &m->ledger));
	replica.state_dirfd = m->state_fd;
	replica.ledger = m->ledger;
	assert_ok(emr_replica_open(&replica, &m->replica));
	open_reading(s, m);
	story_see(m);
}

static void open_person(story *s, person *m, const char *name)
{
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, story_now(s), &m->keyring));
	m->state_fd = make_dir(s, name);
	open_handles(s, m);
}

void story_device(story *s, person *m, const char *name, bool only_reads)
{
	uint8_t owner[32];

	memset(m, 0, sizeof *m);
	assert_ok(emr_keyring_create(EMR_KEYRING_DEVICE, story_now(s), &m->keyring));
	assert_ok(emr_keyring_person_pk(s->k.stack.keyring, owner));
	assert_ok(emr_keyring_tlv_set(
		m->keyring, EMR_KEYRING_OWNER, emr_bytes_of(owner, sizeof owner)));
	m->state_fd = make_dir(s, name);
	open_handles(s, m);
	assert_ok(emr_share_device_add(
		begins(s->ana), m->keyring, name, only_reads, story_now(s) + 3650 * DAY));
	story_see(m);
}

static void close_person(person *m)
{
	close_reading(m);
	emr_replica_close(m->replica);
	emr_ledger_close(m->ledger);
	emr_keyring_free(m->keyring);
	emr_buf_free(&m->ca);
	(void)close(m->state_fd);
}

static int say(story *s, emr_keyring *keyring, emr_ledger *ledger, emr_replica *replica,
	emr_act act, emr_bytes part)
{
	static uint64_t turn;
	EMR_AUTO_BATCH batch = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_batch_options options = {.keyring = keyring,
		.signer = emr_signer_identity(),
		.net_id = emr_ledger_net_id(ledger)};
	emr_ledger_answer answer;
	emr_operation operation;
	emr_id32 id;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_batch_new(&options, &batch));
	assert_ok(emr_replica_follow(replica, emr_batch_signer_id(batch), &act));
	operation = emr_act_operation(&act, story_now(s), part);
	assert_ok(emr_batch_add(batch, &operation, &id));
	assert_ok(emr_batch_finish(batch, story_now(s), 200 + turn++ % 300, &bytes, NULL));
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&bytes), &answer));
	return answer.refusal != 0 ? 1000 + answer.refusal : answer.results[0];
}

int story_says(story *s, person *m, emr_act act, emr_bytes part)
{
	return say(s, m->keyring, m->ledger, m->replica, act, part);
}

void story_does(story *s, person *m, emr_act act)
{
	assert_int_equal(story_says(s, m, act, (emr_bytes){0}), EMR_RESULT_APPLIED);
}

bool story_is_due(story *s, emr_id16 domain)
{
	bool is_due = false;

	assert_ok(emr_share_epoch_is_due(s->ana, domain, &is_due));
	return is_due;
}

static int ana_says(story *s, emr_act act, emr_bytes part)
{
	return say(s, s->k.stack.keyring, s->k.stack.ledger, s->k.stack.replica, act, part);
}

static emr_id32 story_ana(const story *s)
{
	emr_public public;

	assert_ok(emr_keyring_public(s->k.stack.keyring, &public));
	return public.signer_id;
}

static void register_called(story *s, person *m, const person *boss, uint16_t roles,
	const char *handle, const char *name)
{
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF part = {0};
	emr_cert_subject subject = {.handle = handle,
		.roles = roles,
		.org = boss->org,
		.not_before = story_now(s) - DAY,
		.not_after = story_now(s) + 400 * DAY};
	emr_register who = {.keyring = m->keyring,
		.net_id = emr_ledger_net_id(m->ledger),
		.org = boss->org,
		.roles = roles,
		.name = name};
	emr_act act;

	assert_ok(emr_cert_issue(boss->keyring, emr_buf_view(&boss->ca), &subject,
		emr_bytes_of(m->public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	assert_ok(emr_register_certified(&who, emr_buf_view(&cert), &act, &part));
	assert_int_equal(story_says(s, m, act, emr_buf_view(&part)), EMR_RESULT_APPLIED);
	m->org = boss->org;
}

static void register_in(story *s, person *m, const person *boss, uint16_t roles, const char *name)
{
	register_called(s, m, boss, roles, name, name);
}

void story_newcomer(story *s, person *m, const person *boss, uint16_t roles, const char *name)
{
	memset(m, 0, sizeof *m);
	open_person(s, m, name);
	register_in(s, m, boss, roles, name);
}

void story_newcomer_called(
	story *s, person *m, const person *boss, const char *handle, const char *name)
{
	memset(m, 0, sizeof *m);
	open_person(s, m, handle);
	register_called(s, m, boss, EMR_ROLE_CLINICIAN, handle, name);
}

void story_part(person *m)
{
	close_person(m);
}

/* The organisation of BOSS comes in; N bosses and ana approve. */
static void admit(story *s, emr_id16 home, person *boss, const char *name, int n)
{
	EMR_AUTO_BUF part = {0};
	emr_id16 proposal = emr_id16_random();
	emr_pub_org_propose what;

	what = emr_proposal_admit(
		boss->org, boss->public.signer_id, emr_buf_view(&boss->ca), story_now(s) + 9 * DAY);
	assert_ok(emr_proposal_admit_part(name, "", emr_buf_view(&boss->ca), &part));
	assert_int_equal(ana_says(s, emr_act_propose(proposal, &what), emr_buf_view(&part)), 0);
	assert_int_equal(ana_says(s, emr_act_approve_proposal(proposal, home), (emr_bytes){0}), 0);
	for (int i = 0; i < n; i++) /* those after a majority come too late, and that is fine */
		(void)story_says(s, &s->bosses[i],
			emr_act_approve_proposal(proposal, s->bosses[i].org), (emr_bytes){0});
	register_in(s, boss, boss, EMR_ROLE_ORG_ADMIN, "boss");
}

void story_organisation(story *s, person *boss, const char *name)
{
	const emr_cert_subject ca = {.handle = "CA",
		.not_before = story_now(s) - DAY,
		.not_after = story_now(s) + 4000 * DAY};
	emr_known_person ana;
	emr_id16 home;

	memset(boss, 0, sizeof *boss);
	open_person(s, boss, "another");
	boss->org = emr_id16_random();
	assert_ok(emr_cert_make_ca(boss->keyring, &ca, &boss->ca));
	assert_ok(emr_replica_person(s->k.stack.replica, story_ana(s), &ana));
	memcpy(home.b, ana.row.org, sizeof home.b);
	admit(s, home, boss, name, AGENTS + 1);
}

void story_agree(story *s, const emr_pub_org_propose *what, emr_bytes part)
{
	emr_id16 home, proposal = emr_id16_random();
	emr_known_person ana;

	assert_ok(emr_replica_person(s->k.stack.replica, story_ana(s), &ana));
	memcpy(home.b, ana.row.org, sizeof home.b);
	assert_int_equal(ana_says(s, emr_act_propose(proposal, what), part), 0);
	assert_int_equal(ana_says(s, emr_act_approve_proposal(proposal, home), (emr_bytes){0}), 0);
	for (int i = 0; i <= AGENTS;
		i++) /* those after a majority come too late, and that is fine */
		(void)story_says(s, &s->bosses[i],
			emr_act_approve_proposal(proposal, s->bosses[i].org), (emr_bytes){0});
}

static void people(story *s)
{
	emr_id16 home = {{0}};
	emr_known_org org;
	emr_cert_subject ca = {.handle = "CA"};

	ca.not_before = story_now(s) - DAY;
	ca.not_after = story_now(s) + 4000 * DAY;
	EMR_ASK(asked, s->k.stack.replica, ORGS);
	while (emr_next(&asked, &org))
		home = org.org;
	assert_ok(asked.status);
	for (int i = 0; i <= AGENTS; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "boss%d", i);
		open_person(s, &s->bosses[i], name);
		s->bosses[i].org = emr_id16_random();
		assert_ok(emr_cert_make_ca(s->bosses[i].keyring, &ca, &s->bosses[i].ca));
		(void)snprintf(name, sizeof name, "org%d", i);
		admit(s, home, &s->bosses[i], name, i);
	}
	open_person(s, &s->lima, "lima");
	register_in(s, &s->lima, &s->bosses[0], EMR_ROLE_CLINICIAN, "lima.clinic");
	open_person(s, &s->eve, "eve");
	register_in(s, &s->eve, &s->bosses[0], EMR_ROLE_CLINICIAN, "eve.clinic");
	for (int i = 0; i < AGENTS; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "agent%d", i);
		open_person(s, &s->agents[i], name);
		register_in(s, &s->agents[i], &s->bosses[i + 1], EMR_ROLE_AGENT, name);
		(void)snprintf(name, sizeof name, "store%d", i);
		s->agency_fds[i] = make_dir(s, name);
		assert_ok(emr_agency_open(s->agents[i].share, s->agency_fds[i], &s->agencies[i]));
		(void)story_agent(s, i);
	}
}

void story_auditor(story *s)
{
	open_person(s, &s->auditor, "auditor");
	register_in(s, &s->auditor, &s->bosses[0], EMR_ROLE_AUDITOR, "auditor.clinic");
	s->has_auditor = true;
}

/* ---- the folder ---- */

static emr_status let_go(void *arg, emr_id16 domain)
{
	const kit *k = arg;

	return emr_view_let_go(k->view, domain);
}

emr_share *story_handle(kit *k)
{
	const emr_share_options share = {.keyring = k->stack.keyring,
		.ledger = k->stack.ledger,
		.replica = k->stack.replica,
		.records = k->stack.records,
		.clock = &k->clock.clock,
		.owner_name = "Ana Silva",
		.owner_born = "1984-03-12",
		.let_go = let_go,
		.let_go_arg = k};
	emr_share *out = NULL;

	assert_ok(emr_share_new(&share, &out));
	return out;
}

static void open_ana(story *s)
{
	s->ana = story_handle(&s->k);
	assert_ok(emr_release_new(s->ana, &s->release));
}

static void build(story *s)
{
	kit_open(&s->k);
	kit_mkdir(&s->k, "Imaging");
	kit_mkdir(&s->k, "Imaging/Old");
	kit_text(&s->k, "Imaging/MRI.pdf", "%PDF a knee");
	kit_save(&s->k, "Imaging/Old/CT.pdf", "%PDF a head");
	open_ana(s);
	s->imaging = story_place_called(s, "Imaging").domain;
	people(s);
}

static void close_all(story *s)
{
	for (int i = 0; i < AGENTS; i++) {
		emr_agency_close(s->agencies[i]);
		(void)close(s->agency_fds[i]);
		close_person(&s->agents[i]);
	}
	for (int i = 0; i <= AGENTS; i++)
		close_person(&s->bosses[i]);
	if (s->has_auditor)
		close_person(&s->auditor);
	close_person(&s->lima);
	close_person(&s->eve);
	emr_release_free(s->release);
	emr_share_free(s->ana);
}

void story_restart(story *s)
{
	emr_release_free(s->release);
	emr_share_free(s->ana);
	close_reading(&s->lima);
	close_reading(&s->eve);
	kit_restart(&s->k);
	open_ana(s);
	open_reading(s, &s->lima);
	open_reading(s, &s->eve);
}

/* ---- the same beginning for each test of a process ---- */

/* It takes more time than most tests do: it is made once, closed, and copied. */
static struct {
	story closed; /* of each person ORG and CA; the clock */
	pid_t owner;
} beginning;

static emr_bytes passphrase(void)
{
	return emr_bytes_of("test", 4);
}

/* Each of the people with the name of his directory. */
static void each_person(story *s, void (*fn)(story *s, person *m, const char *name))
{
	for (int i = 0; i <= AGENTS; i++) {
		fn(s, &s->bosses[i], printed("boss%d", i));
	}
	fn(s, &s->lima, "lima");
	fn(s, &s->eve, "eve");
	for (int i = 0; i < AGENTS; i++) {
		fn(s, &s->agents[i], printed("agent%d", i));
	}
}

static void save_keyring(story *s, person *m, const char *name)
{
	const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = 8 << 20};

	(void)s, (void)name;
	assert_ok(emr_keyring_save_new(m->keyring, m->state_fd, "keyfile", passphrase(), &cheap));
}

static void keep_what_is_no_file(story *s, person *m, const char *name)
{
	person *kept = (person *)((char *)&beginning.closed + ((char *)m - (char *)s));

	(void)name;
	kept->org = m->org;
	assert_ok(emr_buf_append(&kept->ca, m->ca.data, m->ca.len));
}

static void forget_what_is_no_file(story *s, person *m, const char *name)
{
	(void)s, (void)name;
	emr_buf_free(&m->ca);
}

static void remove_beginning(void)
{
	if (getpid() != beginning.owner)
		return;
	kit_remove_state(beginning.closed.k.path);
	each_person(&beginning.closed, forget_what_is_no_file);
}

static void make_once(void)
{
	story s = {0};

	if (beginning.owner != 0)
		return;
	build(&s);
	each_person(&s, save_keyring);
	each_person(&s, keep_what_is_no_file);
	beginning.closed.imaging = s.imaging;
	beginning.closed.k.clock.unix_ns = s.k.clock.unix_ns;
	beginning.closed.k.clock.boot_ns = s.k.clock.boot_ns;
	beginning.closed.k.ledger_size = s.k.ledger_size;
	strcpy(beginning.closed.k.path, s.k.path);
	close_all(&s);
	emr_stack_close(&s.k.stack);
	beginning.owner = getpid();
	(void)atexit(remove_beginning);
}

static void open_again(story *s, person *m, const char *name)
{
	const person *kept = (const person *)((char *)&beginning.closed + ((char *)m - (char *)s));

	m->state_fd = open_dir(s, name);
	assert_ok(emr_keyring_open(m->state_fd, "keyfile", passphrase(), &m->keyring, NULL));
	m->org = kept->org;
	assert_ok(emr_buf_append(&m->ca, kept->ca.data, kept->ca.len));
	open_handles(s, m);
}

void story_begin(story *s)
{
	const kit *k = &beginning.closed.k;
	char path[256];

	make_once();
	memset(s, 0, sizeof *s);
	kit_copy_to_new(k->path, path);
	kit_adopt(&s->k, path, k->clock.unix_ns, k->clock.boot_ns);
	kit_start(&s->k);
	s->k.ledger_size = k->ledger_size;
	s->imaging = beginning.closed.imaging;
	open_ana(s);
	each_person(s, open_again);
	for (int i = 0; i < AGENTS; i++) {
		s->agency_fds[i] = open_dir(s, printed("store%d", i));
		assert_ok(emr_agency_open(s->agents[i].share, s->agency_fds[i], &s->agencies[i]));
	}
}

void story_end(story *s)
{
	close_all(s);
	kit_close(&s->k);
}

/* ---- sharing ---- */

emr_status story_try_share(
	story *s, const person *with, emr_grant_order *order, bool with_agents, emr_grant_made *out)
{
	static const emr_id32 nobody[1];

	order->domain = s->imaging;
	order->grantee = with->public.signer_id;
	order->label = "Imaging";
	order->owner_name = "Silva, Ana";
	order->owner_born = "1984-03-12";
	if (!with_agents)
		order->agents = nobody; /* and no count */
	return emr_share_grant(begins(s->ana), order, out);
}

static emr_grant_made share_for_a_week(
	story *s, const person *with, emr_grant_order order, bool with_agents)
{
	emr_grant_made made;

	order.rights |= EMR_GRANT_LIST | EMR_GRANT_READ;
	order.purposes = 1u << CONSULT;
	order.not_after_unix_s = story_now(s) + 7 * DAY;
	assert_ok(story_try_share(s, with, &order, with_agents, &made));
	return made;
}

emr_grant_made story_share(story *s, const person *with, uint16_t more_rights, bool with_agents)
{
	return share_for_a_week(s, with, (emr_grant_order){.rights = more_rights}, with_agents);
}

emr_grant_made story_lets_write(story *s, const person *with, bool with_agents)
{
	return share_for_a_week(s, with, (emr_grant_order){.writes = EMR_WRITES_ALL}, with_agents);
}

emr_release_tally story_agent(story *s, int i)
{
	emr_release_tally tally;

	assert_ok(emr_agency_run(s->agencies[i], &tally));
	return tally;
}

emr_release_tally story_owner(story *s)
{
	emr_release_tally tally;

	assert_ok(emr_release_run(s->release, &tally));
	return tally;
}

void story_agents(story *s, unsigned mask)
{
	for (int turn = 0; turn < AGENTS; turn++) {
		for (int i = 0; i < AGENTS; i++)
			if ((mask & 1u << i) != 0)
				(void)story_agent(s, i);
		s->k.clock.boot_ns += 200000000;
	}
}

void all_agents(story *s)
{
	story_agents(s, (1u << AGENTS) - 1);
}

void owner_answers(story *s)
{
	(void)story_owner(s);
}

/* ---- reading ---- */

typedef struct sought {
	const char *name;
	story_found found;
} sought;

static emr_status note_found(void *arg, const emr_shared_record *record)
{
	sought *w = arg;

	if (record->meta->name.len == strlen(w->name) &&
		memcmp(record->meta->name.data, w->name, record->meta->name.len) == 0)
		w->found = (story_found){.object = record->object, .pversion = record->pversion};
	return EMR_OK;
}

story_found story_find(emr_shared *shared, const char *name)
{
	sought w = {.name = name};

	assert_ok(emr_shared_each(shared, NULL, note_found, &w, NULL));
	return w.found;
}

static emr_status answered(
	story *s, person *m, emr_ask *ask, story_fn answer, emr_share_trouble *trouble)
{
	emr_status status = EMR_OK;

	if (ask != NULL) {
		if (answer != NULL)
			answer(s);
		status = ask_wait(m->replica, ask, 0, trouble);
	}
	emr_ask_free(ask);
	return status;
}

static emr_status open_reader(story *s, person *m, emr_shared *shared, const char *name,
	story_fn answer, emr_content_reader **out_reader, emr_share_trouble *trouble)
{
	emr_shared_word word;
	sought w = {.name = name};
	emr_ask *ask = NULL;
	emr_status status = emr_shared_ask_names(shared, &ask, trouble);

	if (status == EMR_OK)
		status = answered(s, m, ask, answer, trouble);
	if (status == EMR_OK)
		status = emr_shared_each(shared, NULL, note_found, &w, NULL);
	if (status == EMR_OK && emr_id16_is_zero(w.found.object))
		return EMR_NOT_FOUND;
	if (status == EMR_OK)
		status = emr_shared_ask_records(shared, &w.found.object, 1, &ask, trouble);
	if (status == EMR_OK)
		status = answered(s, m, ask, answer, trouble);
	if (status == EMR_OK)
		status = emr_shared_open_signed(shared, w.found.object, out_reader, &word);
	if (status == EMR_OK && (word.is.verdict != EMR_STATEMENT_VALID ||
					word.is.standing == EMR_SIGNED_MISMATCH)) {
		emr_content_reader_free(*out_reader);
		*out_reader = NULL;
		status = EMR_BAD_SIGNATURE;
	}
	return status;
}

emr_status story_reader(story *s, person *m, emr_id16 grant, const char *name, story_fn answer,
	emr_content_reader **out_reader, emr_share_trouble *out_trouble)
{
	emr_shared *shared = NULL;
	emr_status status;

	story_see(m);
	status = emr_shared_open(
		m->share, s->imaging, grant, CONSULT, EMR_READER_PERSON, &shared, out_trouble);
	if (status == EMR_OK)
		status = open_reader(s, m, shared, name, answer, out_reader, out_trouble);
	emr_shared_free(shared);
	return status;
}

emr_status story_read(story *s, person *m, emr_id16 grant, const char *name, story_fn answer,
	emr_buf *out_bytes, emr_share_trouble *out_trouble)
{
	emr_content_reader *reader = NULL;
	uint8_t bytes[4096];
	size_t got = 0;
	emr_status status = story_reader(s, m, grant, name, answer, &reader, out_trouble);

	emr_buf_clear(out_bytes);
	if (status == EMR_OK)
		status = emr_content_reader_read(reader, 0, bytes, sizeof bytes, &got);
	if (status == EMR_OK)
		status = emr_buf_append(out_bytes, bytes, got);
	emr_content_reader_free(reader);
	return status;
}
