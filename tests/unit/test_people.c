/* Several people on one ledger, each with a keyring, a handle and a verified copy of his own: what
 * one does, the others read. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring/cert.h"
#include "ledger_kit.h"
#include "ledger/act.h"
#include "ledger/register.h"
#include "replica/people.h"

#define DAY 86400u
#define GRANT_PART(n) (210 + 32 * (n) + 512)

static kit k;		  /* ana, the first of the network */
static kit_domain health; /* hers */
static uint64_t now;
static emr_id16 home, clinic; /* organisations */
static emr_buf clinic_ca;

typedef struct member {
	emr_keyring *keyring;
	emr_public public;
	emr_ledger *ledger;
	emr_replica *replica;
	int state_fd;
} member;
static member ana, lima, agent, boss; /* boss keeps the clinic's CA */

/* ---- sending ---- */

static emr_bytes part_of(size_t len)
{
	static uint8_t bytes[4096];

	assert_true(len <= sizeof bytes);
	memset(bytes, 0x66, len);
	return emr_bytes_of(bytes, len);
}

static emr_bytes nothing(void)
{
	return (emr_bytes){0};
}

/* One operation of M, signed as AS, following his own copy; the wire code of the answer, with 1000
 * added when the whole batch was refused. */
static int say_as(member *m, emr_signer as, emr_act act, emr_bytes part, emr_id32 *out_item)
{
	static uint64_t turn; /* the same bytes again would get the old answer again */
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_batch_options options = {.keyring = m->keyring, .signer = as, .net_id = k.net_id};
	emr_ledger_answer answer;
	emr_operation operation;
	emr_id32 item;

	assert_ok(emr_replica_catch_up(m->replica, NULL, NULL, NULL));
	assert_ok(emr_batch_new(&options, &builder));
	assert_ok(emr_replica_follow(m->replica, emr_batch_signer_id(builder), &act));
	operation = emr_act_operation(&act, now, part);
	assert_ok(emr_batch_add(builder, &operation, &item));
	assert_ok(emr_batch_finish(builder, now, 200 + turn++ % 300, &bytes, NULL));
	assert_ok(emr_ledger_submit(m->ledger, emr_buf_view(&bytes), &answer));
	if (out_item)
		*out_item = item;
	return answer.refusal != 0 ? 1000 + answer.refusal : answer.results[0];
}

static int say(member *m, emr_act act, emr_bytes part)
{
	return say_as(m, emr_signer_identity(), act, part, NULL);
}

/* As the owner of the domain. */
static int own(emr_act act, emr_bytes part)
{
	return say_as(&ana, emr_signer_domain(health.id, 1), act, part, NULL);
}

#define assert_applied(got) assert_int_equal(EMR_RESULT_APPLIED, (got))

static void see(member *m)
{
	assert_ok(emr_replica_catch_up(m->replica, NULL, NULL, NULL));
}

static void pass(uint64_t seconds)
{
	now += seconds;
	kit_clock_set(&k.clock, now);
}

/* ---- people ---- */

static void open_member(member *m, const char *name)
{
	emr_ledger_options ledger = {
		.path = k.network, .submitter = m->keyring, .clock = &k.clock.clock};
	emr_replica_options replica = {.clock = &k.clock.clock};
	char path[160];

	(void)snprintf(path, sizeof path, "%s/state-%s", k.base, name);
	assert_int_equal(mkdir(path, 0700), 0);
	m->state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(m->state_fd >= 0);
	assert_ok(emr_keyring_public(m->keyring, &m->public));
	assert_ok(emr_ledger_open(&ledger, &m->ledger));
	replica.state_dirfd = m->state_fd;
	replica.ledger = m->ledger;
	assert_ok(emr_replica_open(&replica, &m->replica));
}

static void close_member(member *m, bool is_kits)
{
	emr_replica_close(m->replica);
	emr_ledger_close(m->ledger);
	if (!is_kits)
		emr_keyring_free(m->keyring);
	(void)close(m->state_fd);
	memset(m, 0, sizeof *m);
}

static void create(member *m, const char *name)
{
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &m->keyring));
	open_member(m, name);
}

/* M comes in under a certificate that the clinic's CA gave her. */
static int register_in_clinic(member *m, uint16_t roles, const char *name)
{
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF part = {0};
	emr_cert_subject subject = {.handle = name,
		.roles = roles,
		.org = clinic,
		.not_before = now - DAY,
		.not_after = now + 400 * DAY};
	emr_register who = {.keyring = m->keyring,
		.net_id = k.net_id,
		.org = clinic,
		.roles = roles,
		.name = name};
	emr_act act;

	assert_ok(emr_cert_issue(boss.keyring, emr_buf_view(&clinic_ca), &subject,
		emr_bytes_of(m->public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	assert_ok(emr_register_certified(&who, emr_buf_view(&cert), &act, &part));
	return say(m, act, emr_buf_view(&part));
}

static emr_status note_home(void *arg, emr_id16 org, const emr_row_org *row)
{
	(void)arg;
	(void)row;
	home = org;
	return EMR_OK;
}

static void admit_the_clinic(void)
{
	EMR_AUTO_BUF part = {0};
	emr_id16 proposal = emr_id16_random();
	emr_pub_org_propose what = emr_proposal_admit(
		clinic, boss.public.signer_id, emr_buf_view(&clinic_ca), now + 9 * DAY);

	assert_ok(emr_proposal_admit_part("Clinic", "", emr_buf_view(&clinic_ca), &part));
	assert_applied(say(&ana, emr_act_propose(proposal, &what), emr_buf_view(&part)));
	assert_applied(say(&ana, emr_act_approve_proposal(proposal, home), nothing()));
}

static int begin(void **state)
{
	emr_cert_subject ca = {.handle = "Clinic CA"};

	(void)state;
	now = KIT_NOW;
	kit_new(&k);
	health = kit_domain_new(&k);
	ana = (member){.keyring = k.keyring};
	open_member(&ana, "ana");
	create(&boss, "boss");
	create(&lima, "lima");
	create(&agent, "agent");
	clinic = emr_id16_random();
	ca.not_before = now - DAY;
	ca.not_after = now + 4000 * DAY;
	assert_ok(emr_cert_make_ca(boss.keyring, &ca, &clinic_ca));
	see(&ana);
	assert_ok(emr_replica_orgs(ana.replica, note_home, NULL));
	return 0;
}

static int with_clinic(void **state)
{
	(void)begin(state);
	admit_the_clinic();
	assert_applied(register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima@clinic"));
	assert_applied(register_in_clinic(&agent, EMR_ROLE_AGENT, "agent@clinic"));
	return 0;
}

static int end(void **state)
{
	(void)state;
	close_member(&ana, true);
	close_member(&lima, false);
	close_member(&agent, false);
	close_member(&boss, false);
	emr_buf_free(&clinic_ca);
	kit_end(&k);
	return 0;
}

/* ---- organisations ---- */

static emr_status count_org(void *arg, emr_id16 org, const emr_row_org *row)
{
	(void)org;
	*(size_t *)arg += row->head.state == EMR_ORG_MEMBER;
	return EMR_OK;
}

static emr_status count_person(void *arg, const emr_known_person *person)
{
	(void)person;
	(*(size_t *)arg)++;
	return EMR_OK;
}

static void an_organisations_people_come_in_once_it_is_admitted(void **state)
{
	size_t orgs = 0, people = 0;
	emr_row_network network;
	emr_known_person person;
	bool is_active = false;

	(void)state;
	assert_int_equal(register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima@clinic"),
		1000 + EMR_RESULT_SUBMITTER);
	admit_the_clinic();
	assert_applied(register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima@clinic"));
	see(&agent); /* who replays all this from the beginning, certificates included */
	assert_ok(emr_replica_orgs(agent.replica, count_org, &orgs));
	assert_ok(emr_replica_people(agent.replica, count_person, &people));
	assert_int_equal(orgs, 2);
	assert_int_equal(people, 2);
	assert_ok(emr_replica_network(agent.replica, &network));
	assert_int_equal(network.norg, 2);
	assert_ok(emr_replica_person(agent.replica, lima.public.signer_id, &person));
	assert_int_equal(person.row.roles, EMR_ROLE_CLINICIAN);
	assert_ok(emr_replica_person_is_active(agent.replica, &person, now, &is_active));
	assert_true(is_active);
	assert_ok(
		emr_replica_person_is_active(agent.replica, &person, now + 400 * DAY, &is_active));
	assert_false(is_active);
}

static void another_organisations_certificate_does_not_do(void **state)
{
	emr_id16 real = clinic;

	(void)state;
	admit_the_clinic();
	clinic = home; /* the clinic's CA says that she is of the other organisation */
	assert_int_equal(register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima@home"),
		1000 + EMR_RESULT_SUBMITTER);
	clinic = real;
}

/* ---- grants ---- */

static emr_act grant_to(emr_id16 grant, const uint8_t grantee[32], uint64_t seconds)
{
	emr_pub_grant terms = {.not_before_unix_s = now,
		.not_after_unix_s = now + seconds,
		.purposes = 1,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ};

	memcpy(terms.grantee, grantee, 32);
	return emr_act_grant(health.id, grant, 1, &terms);
}

typedef struct found {
	size_t n;
	emr_known_grant grant;
	emr_known_request request;
	emr_known_release release;
	emr_known_report report;
	emr_row_writer writer;
} found;

static emr_status find_grant(void *arg, const emr_known_grant *grant)
{
	found *f = arg;

	f->n++;
	f->grant = *grant;
	return EMR_OK;
}

static emr_status find_release(void *arg, const emr_known_release *release)
{
	found *f = arg;

	f->n++;
	f->release = *release;
	return EMR_OK;
}

static emr_status find_report(void *arg, const emr_known_report *report)
{
	found *f = arg;

	f->n++;
	f->report = *report;
	return EMR_OK;
}

static emr_grant_phase phase_for(member *m, emr_id16 grant)
{
	found f = {0};

	see(m);
	assert_ok(emr_replica_grants_to(m->replica, lima.public.signer_id, find_grant, &f));
	assert_int_equal(f.n, 1);
	assert_memory_equal(f.grant.grant.b, grant.b, 16);
	assert_memory_equal(f.grant.domain.b, health.id.b, 16);
	return emr_grant_phase_at(&f.grant, now);
}

static int ask(member *m, emr_id16 access, emr_id16 grant, emr_id16 via, emr_id32 *out_req)
{
	/* two slots, one reader */
	return say_as(m, emr_signer_identity(), emr_act_access(health.id, access, grant, via, 2),
		part_of(152 + 112 + 64), out_req);
}

static emr_act answer_to(emr_id32 req, emr_id16 access)
{
	emr_domain_public public;

	assert_ok(emr_keyring_domain_public(ana.keyring, health.id, 1, 1, &public));
	return emr_act_served(health.id, public.signer_id, req, access, EMR_SERVED_OWNER, 2, 0);
}

static void what_is_granted_is_asked_for_answered_and_told(void **state)
{
	emr_id16 grant = emr_id16_random(), access = emr_id16_random(), none = {{0}};
	emr_domain_public owner;
	emr_known_answer answer;
	emr_id32 req;
	found f = {0};

	(void)state;
	assert_ok(emr_keyring_domain_public(ana.keyring, health.id, 1, 1, &owner));
	assert_int_equal(ask(&lima, access, grant, none, NULL), EMR_RESULT_NO_GRANT);
	assert_applied(own(grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0))));
	assert_int_equal(phase_for(&lima, grant), EMR_GRANT_IN_FORCE);
	assert_int_equal(ask(&agent, access, grant, none, NULL), EMR_RESULT_NOT_GRANTEE);
	assert_applied(ask(&lima, access, grant, none, &req));
	see(&ana);
	assert_ok(emr_replica_releases(ana.replica, health.id, find_release, &f));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.release.asked, 2);
	assert_memory_equal(f.release.req.b, req.b, 32);
	assert_memory_equal(f.release.signer.b, lima.public.signer_id.b, 32);
	assert_memory_equal(f.release.grant.b, grant.b, 16);
	assert_status(EMR_NOT_FOUND,
		emr_replica_answer(ana.replica, &f.release, owner.signer_id, &answer));
	assert_applied(own(answer_to(req, access), part_of(160 + 512)));
	see(&lima);
	assert_ok(emr_replica_answer(lima.replica, &f.release, owner.signer_id, &answer));
	assert_int_equal(answer.mode, EMR_SERVED_OWNER);
	assert_int_equal(answer.given, 2);
	assert_applied(say(&lima, emr_act_report(health.id, emr_id16_random(), grant, none),
		part_of(82 + 72)));
	see(&ana);
	f.n = 0;
	assert_ok(emr_replica_reports(ana.replica, health.id, find_report, &f));
	assert_int_equal(f.n, 1);
	assert_memory_equal(f.report.signer.b, lima.public.signer_id.b, 32);
}

static void after_a_revocation_nothing_is_asked_for_and_nothing_answered(void **state)
{
	emr_id16 grant = emr_id16_random(), access = emr_id16_random(), none = {{0}};
	emr_id32 req;

	(void)state;
	assert_applied(own(grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0))));
	assert_applied(ask(&lima, access, grant, none, &req));
	assert_applied(own(emr_act_revoke(health.id, grant, 0), nothing()));
	assert_int_equal(phase_for(&lima, grant), EMR_GRANT_IS_REVOKED);
	assert_int_equal(ask(&lima, emr_id16_random(), grant, none, NULL), EMR_RESULT_GRANT_DEAD);
	assert_int_equal(own(answer_to(req, access), part_of(160 + 512)), EMR_RESULT_GRANT_DEAD);
	assert_int_equal(own(grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0))),
		EMR_RESULT_GRANT_DEAD);
	assert_applied(say(&lima, emr_act_report(health.id, emr_id16_random(), grant, none),
		part_of(82 + 72)));
}

static void a_grant_ends_by_itself(void **state)
{
	emr_id16 grant = emr_id16_random(), none = {{0}};

	(void)state;
	assert_applied(own(grant_to(grant, lima.public.signer_id.b, 100), part_of(GRANT_PART(0))));
	pass(99);
	assert_applied(ask(&lima, emr_id16_random(), grant, none, NULL));
	pass(1);
	assert_int_equal(phase_for(&lima, grant), EMR_GRANT_IS_OVER);
	assert_int_equal(ask(&lima, emr_id16_random(), grant, none, NULL), EMR_RESULT_GRANT_DEAD);
	/* new terms revive it; what they say is in force from then on */
	assert_applied(own(grant_to(grant, lima.public.signer_id.b, 100), part_of(GRANT_PART(0))));
	assert_int_equal(phase_for(&lima, grant), EMR_GRANT_IN_FORCE);
}

/* The embedded ledger believes its appender's clock.  Whoever has to answer has one, too. */
static void a_clock_set_back_asks_for_what_nobody_answers(void **state)
{
	emr_id16 grant = emr_id16_random(), access = emr_id16_random(), none = {{0}};
	emr_ledger_options options = {.path = k.network, .submitter = lima.keyring};
	kit_clock back = {0};
	member liar = lima;
	emr_id32 req;

	(void)state;
	assert_applied(own(grant_to(grant, lima.public.signer_id.b, 100), part_of(GRANT_PART(0))));
	kit_clock_set(&back, now + 50);
	pass(3600);
	assert_int_equal(ask(&lima, access, grant, none, NULL), EMR_RESULT_GRANT_DEAD);
	options.clock = &back.clock;
	assert_ok(emr_ledger_open(&options, &liar.ledger));
	now -= 3550;
	assert_applied(ask(&liar, access, grant, none, &req));
	now += 3550;
	assert_int_equal(phase_for(&ana, grant), EMR_GRANT_IS_OVER);
	assert_int_equal(own(answer_to(req, access), part_of(160 + 512)), EMR_RESULT_GRANT_DEAD);
	emr_ledger_close(liar.ledger);
}

static void a_member_of_a_team_uses_the_teams_grant(void **state)
{
	emr_id16 team = emr_id16_random(), grant = emr_id16_random();
	emr_pub_dataset_new what = {.not_after_unix_s = now + 90 * DAY, .purposes = 1};
	emr_id32 in_the_name_of;
	found f = {0};

	(void)state;
	assert_applied(register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss@clinic"));
	memcpy(what.B, boss.public.B, 32);
	assert_ok(emr_keyring_pop(boss.keyring, k.net_id, what.pop));
	assert_applied(say(&boss, emr_act_dataset(team, &what), part_of(60)));
	assert_applied(
		say(&boss, emr_act_admit(team, lima.public.signer_id, now + DAY), part_of(112)));
	emr_grantee_dataset(team.b, in_the_name_of.b);
	assert_applied(own(grant_to(grant, in_the_name_of.b, 9 * DAY), part_of(GRANT_PART(0))));
	see(&lima);
	assert_ok(emr_replica_grants_to(lima.replica, in_the_name_of, find_grant, &f));
	assert_int_equal(f.n, 1);
	assert_applied(ask(&lima, emr_id16_random(), grant, team, NULL));
	assert_int_equal(ask(&agent, emr_id16_random(), grant, team, NULL), EMR_RESULT_NOT_GRANTEE);
	assert_applied(say(&boss, emr_act_drop(team, lima.public.signer_id), nothing()));
	assert_int_equal(ask(&lima, emr_id16_random(), grant, team, NULL), EMR_RESULT_NOT_GRANTEE);
}

/* ---- requests ---- */

static emr_status find_request(void *arg, const emr_known_request *request)
{
	found *f = arg;

	f->n++;
	f->request = *request;
	return EMR_OK;
}

static uint8_t state_of_request(member *m, emr_id16 domain)
{
	found f = {0};

	see(m);
	assert_ok(emr_replica_requests(m->replica, domain, find_request, &f));
	assert_int_equal(f.n, 1);
	return f.request.row.head.state;
}

static void a_request_is_seen_and_decided(void **state)
{
	emr_id16 request = emr_id16_random(), grant = emr_id16_random();
	emr_id32 nobody = {{0}};

	(void)state;
	assert_applied(say(&lima, emr_act_request(health.id, request, nobody), part_of(592)));
	assert_int_equal(state_of_request(&ana, health.id), EMR_REQUEST_OPEN);
	assert_int_equal(own(emr_act_approve(health.id, request, health.id, grant), nothing()),
		EMR_RESULT_NO_GRANT);
	assert_applied(own(grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0))));
	assert_applied(own(emr_act_approve(health.id, request, health.id, grant), nothing()));
	assert_int_equal(state_of_request(&lima, health.id), EMR_REQUEST_APPROVED);
	assert_int_equal(
		say(&lima, emr_act_withdraw(health.id, request), nothing()), EMR_RESULT_GONE);
}

static void a_request_to_a_person_is_his_to_deny(void **state)
{
	emr_id16 request = emr_id16_random(), none = {{0}};
	emr_id32 rsalt = emr_id32_random(), to;

	(void)state;
	emr_request_to(rsalt.b, ana.public.signer_id.b, to.b);
	assert_applied(say(&lima, emr_act_request(none, request, to), part_of(592)));
	assert_int_equal(say(&agent, emr_act_deny(none, request, rsalt), part_of(100)),
		EMR_RESULT_NOT_AUTHORISED);
	assert_applied(say(&ana, emr_act_deny(none, request, rsalt), part_of(100)));
	assert_int_equal(state_of_request(&lima, none), EMR_REQUEST_DENIED);
}

/* ---- writers ---- */

static emr_status find_writer(void *arg, emr_id16 domain, const emr_row_writer *row)
{
	found *f = arg;

	assert_memory_equal(domain.b, health.id.b, 16);
	f->n++;
	f->writer = *row;
	return EMR_OK;
}

static emr_act object_act(uint8_t op, emr_id16 object)
{
	emr_act act = {.op = op, .domain = health.id, .object = object, .version = 1, .epoch = 1};

	return act;
}

static void a_hospital_writes_and_amends_until_its_right_ends(void **state)
{
	emr_id16 record = emr_id16_random(), listkey;
	emr_replica_head head;
	found f = {0};

	(void)state;
	emr_object_listkey(lima.public.signer_id.b, 1, listkey.b);
	assert_int_equal(say(&lima, object_act(EMR_OP_LISTKEY, listkey), part_of(160)),
		EMR_RESULT_NOT_AUTHORISED);
	assert_applied(
		own(emr_act_writer_add(health.id, lima.public.signer_id, EMR_RIGHT_PUT, now + 100),
			part_of(592)));
	see(&lima);
	assert_ok(emr_replica_writes_of(lima.replica, lima.public.signer_id, find_writer, &f));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.writer.rights, EMR_RIGHT_PUT);
	assert_applied(say(&lima, object_act(EMR_OP_LISTKEY, listkey), part_of(160)));
	assert_applied(say(&lima, object_act(EMR_OP_PUT, record), part_of(828)));
	assert_applied(say(&lima, object_act(EMR_OP_PUT, record), part_of(828)));
	see(&ana);
	assert_ok(emr_replica_head_get(ana.replica, health.id, record, &head));
	assert_int_equal(head.version, 2);
	assert_memory_equal(head.creator.b, lima.public.signer_id.b, 32);
	pass(100);
	assert_int_equal(say(&lima, object_act(EMR_OP_PUT, record), part_of(828)),
		EMR_RESULT_NOT_AUTHORISED);
	assert_applied(
		own(emr_act_writer_add(health.id, lima.public.signer_id, EMR_RIGHT_PUT, now + 100),
			part_of(592)));
	assert_applied(say(&lima, emr_act_writer_del(health.id, lima.public.signer_id), nothing()));
	assert_int_equal(say(&lima, object_act(EMR_OP_PUT, record), part_of(828)),
		EMR_RESULT_NOT_AUTHORISED);
	f.n = 0;
	see(&ana);
	assert_ok(emr_replica_writers(ana.replica, health.id, find_writer, &f));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.writer.head.state, EMR_WRITER_ENDED);
}

/* ---- keys ---- */

static void a_device_acts_for_its_owner_until_it_is_lost(void **state)
{
	EMR_AUTO_BUF part = {0};
	emr_id16 grant = emr_id16_random();
	emr_register who = {.net_id = k.net_id, .org = home, .name = "telephone"};
	emr_batch_options options = {.signer = emr_signer_identity(), .net_id = k.net_id};
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;
	emr_operation operation;
	member phone = {0};
	emr_id32 item;
	emr_act act;

	(void)state;
	create(&phone, "phone");
	who.keyring = options.keyring = phone.keyring;
	assert_ok(emr_register_device(&who, ana.keyring, now + 300 * DAY, &act, &part));
	/* ana brings what the telephone signed: it is nobody yet */
	assert_ok(emr_batch_new(&options, &builder));
	operation = emr_act_operation(&act, now, emr_buf_view(&part));
	assert_ok(emr_batch_add(builder, &operation, &item));
	assert_ok(emr_batch_finish(builder, now, 500, &bytes, NULL));
	assert_ok(emr_ledger_submit(ana.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	assert_applied(answer.results[0]);
	assert_applied(own(emr_act_writer_add(health.id, phone.public.signer_id, EMR_RIGHT_MANAGE,
				   now + 300 * DAY),
		part_of(592)));
	assert_applied(
		say(&phone, grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0))));
	assert_applied(say(&ana, emr_act_key_revoke(phone.public.signer_id, now, 1), nothing()));
	assert_int_equal(say(&phone, emr_act_revoke(health.id, grant, 0), nothing()),
		1000 + EMR_RESULT_SUBMITTER);
	close_member(&phone, false);
}

static void a_rotated_key_keeps_what_its_person_was_granted(void **state)
{
	emr_id16 grant = emr_id16_random(), none = {{0}};
	member next = {0};
	emr_known_person person;
	emr_act act;

	(void)state;
	create(&next, "next");
	assert_applied(own(grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0))));
	assert_ok(emr_act_key_rotate(lima.public.signer_id, next.keyring, k.net_id, &act));
	assert_applied(say(&lima, act, nothing()));
	assert_int_equal(
		ask(&lima, emr_id16_random(), grant, none, NULL), 1000 + EMR_RESULT_SUBMITTER);
	assert_applied(ask(&next, emr_id16_random(), grant, none, NULL));
	see(&ana);
	assert_ok(emr_replica_person(ana.replica, next.public.signer_id, &person));
	assert_memory_equal(person.row.root, lima.public.signer_id.b, 32);
	close_member(&next, false);
}

static void a_domain_can_be_handed_to_its_next_key(void **state)
{
	emr_id16 grant = emr_id16_random();
	emr_act act;

	(void)state;
	assert_ok(emr_act_domain_rotate(ana.keyring, health.id, 2, k.net_id, &act));
	assert_applied(own(act, nothing()));
	assert_int_equal(own(grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0))),
		EMR_RESULT_NOT_AUTHORISED);
	assert_applied(say_as(&ana, emr_signer_domain(health.id, 2),
		grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0)), NULL));
}

/* ---- whose parts are kept ---- */

static bool is_health_mine;

static bool says_mine(void *arg, emr_id16 id, emr_bytes d_row)
{
	(void)arg;
	(void)d_row;
	return is_health_mine && emr_id16_equal(id, health.id);
}

/* A copy of lima's that keeps what SAYS_MINE says, and the file's other copy closed. */
static void open_choosy(member *m)
{
	emr_replica_options options = {.state_dirfd = m->state_fd,
		.ledger = m->ledger,
		.clock = &k.clock.clock,
		.is_mine = says_mine};

	emr_replica_close(m->replica);
	assert_int_equal(unlinkat(m->state_fd, "replica.sqlite", 0), 0);
	assert_ok(emr_replica_open(&options, &m->replica));
}

static emr_status part_of_version(member *m, uint8_t family, emr_id16 object, uint64_t version)
{
	emr_part_key key = {
		.family = family, .domain = health.id, .object = object, .version = version};
	EMR_AUTO_BUF part = {0};

	return emr_replica_part(m->replica, &key, &part);
}

static void check_all(member *m)
{
	emr_replica_trouble trouble;
	uint64_t checked;

	assert_ok(emr_replica_verify_chain(m->replica, &trouble, &checked));
}

static void the_parts_of_a_domain_come_and_go_with_the_grant(void **state)
{
	emr_id16 record = emr_id16_random(), erased = emr_id16_random(), grant = emr_id16_random();
	emr_batch_builder *b = kit_batch(&k, health.id);
	emr_pub_grant terms = {.not_before_unix_s = now,
		.not_after_unix_s = now + DAY,
		.purposes = 1,
		.rights = EMR_GRANT_READ,
		.t = 1,
		.n = 1};
	emr_id32 first, gone;
	uint64_t n = 0;

	(void)state;
	is_health_mine = false;
	open_choosy(&lima);
	first = kit_put(b, &health, record, 1, (emr_id32){{0}});
	gone = kit_put(b, &health, erased, 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	b = kit_batch(&k, health.id);
	(void)kit_put(b, &health, record, 2, first);
	(void)kit_erase(b, &health, erased, 2, gone, 1, 1);
	(void)kit_send(&k, b);
	memcpy(terms.grantee, lima.public.signer_id.b, 32);
	assert_applied(own(emr_act_grant(health.id, grant, 1, &terms), part_of(GRANT_PART(1))));
	assert_applied(own(emr_act_kfrags(health.id, grant, 1), part_of(72 + 208)));
	see(&lima);
	assert_status(EMR_NOT_FOUND, part_of_version(&lima, EMR_FAMILY_OBJECT, record, 1));
	is_health_mine = true;
	assert_ok(emr_replica_adopt(lima.replica, health.id, &n));
	assert_int_equal(n, 5); /* listing key, two versions, grant, fragments */
	assert_ok(part_of_version(&lima, EMR_FAMILY_OBJECT, record, 1));
	assert_ok(part_of_version(&lima, EMR_FAMILY_OBJECT, record, 2));
	assert_ok(part_of_version(&lima, EMR_FAMILY_KFRAGS, grant, 1));
	assert_status(EMR_NOT_FOUND, part_of_version(&lima, EMR_FAMILY_OBJECT, erased, 1));
	check_all(&lima);
	assert_ok(emr_replica_adopt(lima.replica, health.id, &n));
	assert_int_equal(n, 0);
	assert_applied(own(emr_act_revoke(health.id, grant, 0), nothing()));
	see(&lima); /* the fragments go with the grant, everywhere */
	assert_status(EMR_NOT_FOUND, part_of_version(&lima, EMR_FAMILY_KFRAGS, grant, 1));
	check_all(&lima);
	is_health_mine = false;
	assert_ok(emr_replica_disown(lima.replica, health.id));
	assert_status(EMR_NOT_FOUND, part_of_version(&lima, EMR_FAMILY_OBJECT, record, 1));
	check_all(&lima);
	is_health_mine = true; /* and once more, after the revocation */
	assert_ok(emr_replica_adopt(lima.replica, health.id, &n));
	assert_int_equal(n, 4);
	check_all(&lima);
}

/* ---- everything again ---- */

static void a_newcomer_who_replays_all_of_it_agrees(void **state)
{
	emr_id16 grant = emr_id16_random(), none = {{0}};
	emr_replica_trouble trouble;
	uint64_t checked = 0;

	(void)state;
	assert_applied(own(grant_to(grant, lima.public.signer_id.b, DAY), part_of(GRANT_PART(0))));
	assert_applied(ask(&lima, emr_id16_random(), grant, none, NULL));
	assert_applied(own(emr_act_revoke(health.id, grant, 3), nothing()));
	see(&boss);
	assert_ok(emr_replica_verify_chain(boss.replica, &trouble, &checked));
	assert_true(checked > 7);
	assert_int_equal(trouble.status, EMR_OK);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, with_clinic, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_organisations_people_come_in_once_it_is_admitted, begin, end),
		cmocka_unit_test_setup_teardown(
			another_organisations_certificate_does_not_do, begin, end),
		WITH(what_is_granted_is_asked_for_answered_and_told),
		WITH(after_a_revocation_nothing_is_asked_for_and_nothing_answered),
		WITH(a_grant_ends_by_itself),
		WITH(a_clock_set_back_asks_for_what_nobody_answers),
		WITH(a_member_of_a_team_uses_the_teams_grant),
		WITH(a_request_is_seen_and_decided),
		WITH(a_request_to_a_person_is_his_to_deny),
		WITH(a_hospital_writes_and_amends_until_its_right_ends),
		WITH(a_device_acts_for_its_owner_until_it_is_lost),
		WITH(a_rotated_key_keeps_what_its_person_was_granted),
		WITH(a_domain_can_be_handed_to_its_next_key),
		WITH(the_parts_of_a_domain_come_and_go_with_the_grant),
		WITH(a_newcomer_who_replays_all_of_it_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
