/* These tests are about grants, requests, releases and writers, between people who each read
 * their own copy. */
#include "folk_kit.h"

/* ---- grants ---- */

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

	folk_see(m);
	assert_ok(emr_replica_grants_to(m->replica, lima.public.signer_id, find_grant, &f));
	assert_int_equal(f.n, 1);
	assert_memory_equal(f.grant.grant.b, grant.b, 16);
	assert_memory_equal(f.grant.domain.b, health.id.b, 16);
	return emr_grant_phase_at(&f.grant, now);
}

static emr_act answer_to(emr_id32 req, emr_id16 access)
{
	emr_domain_public public;

	assert_ok(emr_keyring_domain_public(ana.keyring, health.id, 1, 1, &public));
	return emr_act_served(health.id, public.signer_id, req, access, EMR_SERVED_OWNER, 2, 0);
}

TEST_IN(folk_with_clinic, folk_end, what_is_granted_is_asked_for_answered_and_told)
{
	emr_id16 grant = emr_id16_random(), access = emr_id16_random(), none = {{0}};
	emr_domain_public owner;
	emr_known_answer answer;
	emr_id32 req;
	found f = {0};

	assert_ok(emr_keyring_domain_public(ana.keyring, health.id, 1, 1, &owner));
	assert_int_equal(folk_ask(&lima, access, grant, none, NULL), EMR_RESULT_NO_GRANT);
	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, DAY), folk_part_of(GRANT_PART(0))));
	assert_int_equal(phase_for(&lima, grant), EMR_GRANT_IN_FORCE);
	assert_int_equal(folk_ask(&agent, access, grant, none, NULL), EMR_RESULT_NOT_GRANTEE);
	assert_applied(folk_ask(&lima, access, grant, none, &req));
	folk_see(&ana);
	assert_ok(emr_replica_releases(ana.replica, health.id, find_release, &f));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.release.asked, 2);
	assert_memory_equal(f.release.req.b, req.b, 32);
	assert_memory_equal(f.release.signer.b, lima.public.signer_id.b, 32);
	assert_memory_equal(f.release.grant.b, grant.b, 16);
	assert_status(EMR_NOT_FOUND,
		emr_replica_answer(ana.replica, &f.release, owner.signer_id, &answer));
	assert_applied(folk_own(answer_to(req, access), folk_part_of(160 + 512)));
	folk_see(&lima);
	assert_ok(emr_replica_answer(lima.replica, &f.release, owner.signer_id, &answer));
	assert_int_equal(answer.mode, EMR_SERVED_OWNER);
	assert_int_equal(answer.given, 2);
	assert_applied(folk_say(&lima, emr_act_report(health.id, emr_id16_random(), grant, none),
		folk_part_of(82 + 72)));
	folk_see(&ana);
	f.n = 0;
	assert_ok(emr_replica_reports(ana.replica, health.id, find_report, &f));
	assert_int_equal(f.n, 1);
	assert_memory_equal(f.report.signer.b, lima.public.signer_id.b, 32);
}

TEST_IN(folk_with_clinic, folk_end, after_a_revocation_nothing_is_asked_for_and_nothing_answered)
{
	emr_id16 grant = emr_id16_random(), access = emr_id16_random(), none = {{0}};
	emr_id32 req;

	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, DAY), folk_part_of(GRANT_PART(0))));
	assert_applied(folk_ask(&lima, access, grant, none, &req));
	assert_applied(folk_own(emr_act_revoke(health.id, grant, 0), folk_nothing()));
	assert_int_equal(phase_for(&lima, grant), EMR_GRANT_IS_REVOKED);
	assert_int_equal(
		folk_ask(&lima, emr_id16_random(), grant, none, NULL), EMR_RESULT_GRANT_DEAD);
	assert_int_equal(
		folk_own(answer_to(req, access), folk_part_of(160 + 512)), EMR_RESULT_GRANT_DEAD);
	assert_int_equal(folk_own(folk_grant_to(grant, lima.public.signer_id.b, DAY),
				 folk_part_of(GRANT_PART(0))),
		EMR_RESULT_GRANT_DEAD);
	assert_applied(folk_say(&lima, emr_act_report(health.id, emr_id16_random(), grant, none),
		folk_part_of(82 + 72)));
}

TEST_IN(folk_with_clinic, folk_end, a_grant_ends_by_itself)
{
	emr_id16 grant = emr_id16_random(), none = {{0}};

	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, 100), folk_part_of(GRANT_PART(0))));
	folk_pass(99);
	assert_applied(folk_ask(&lima, emr_id16_random(), grant, none, NULL));
	folk_pass(1);
	assert_int_equal(phase_for(&lima, grant), EMR_GRANT_IS_OVER);
	assert_int_equal(
		folk_ask(&lima, emr_id16_random(), grant, none, NULL), EMR_RESULT_GRANT_DEAD);
	/* new terms revive it; what they say is in force from then on */
	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, 100), folk_part_of(GRANT_PART(0))));
	assert_int_equal(phase_for(&lima, grant), EMR_GRANT_IN_FORCE);
}

/* The embedded ledger believes its appender's clock. The computer that has to answer has one,
 * too. */
TEST_IN(folk_with_clinic, folk_end, a_clock_set_back_asks_for_what_nobody_answers)
{
	emr_id16 grant = emr_id16_random(), access = emr_id16_random(), none = {{0}};
	emr_ledger_options options = {.path = k.network, .submitter = lima.keyring};
	kit_clock back = {0};
	member liar = lima;
	emr_id32 req;

	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, 100), folk_part_of(GRANT_PART(0))));
	kit_clock_set(&back, now + 50);
	folk_pass(3600);
	assert_int_equal(folk_ask(&lima, access, grant, none, NULL), EMR_RESULT_GRANT_DEAD);
	options.clock = &back.clock;
	assert_ok(emr_ledger_open(&options, &liar.ledger));
	now -= 3550;
	assert_applied(folk_ask(&liar, access, grant, none, &req));
	now += 3550;
	assert_int_equal(phase_for(&ana, grant), EMR_GRANT_IS_OVER);
	assert_int_equal(
		folk_own(answer_to(req, access), folk_part_of(160 + 512)), EMR_RESULT_GRANT_DEAD);
	emr_ledger_close(liar.ledger);
}

TEST_IN(folk_with_clinic, folk_end, a_member_of_a_team_uses_the_teams_grant)
{
	emr_id16 team = emr_id16_random(), grant = emr_id16_random();
	emr_pub_dataset_new what = {.not_after_unix_s = now + 90 * DAY, .purposes = 1};
	emr_id32 in_the_name_of;
	found f = {0};

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	memcpy(what.B, boss.public.B, 32);
	assert_ok(emr_keyring_pop(boss.keyring, k.net_id, what.pop));
	assert_applied(folk_say(&boss, emr_act_dataset(team, &what), folk_part_of(60)));
	assert_applied(folk_say(
		&boss, emr_act_admit(team, lima.public.signer_id, now + DAY), folk_part_of(112)));
	emr_grantee_dataset(team.b, in_the_name_of.b);
	assert_applied(folk_own(
		folk_grant_to(grant, in_the_name_of.b, 9 * DAY), folk_part_of(GRANT_PART(0))));
	folk_see(&lima);
	assert_ok(emr_replica_grants_to(lima.replica, in_the_name_of, find_grant, &f));
	assert_int_equal(f.n, 1);
	assert_applied(folk_ask(&lima, emr_id16_random(), grant, team, NULL));
	assert_int_equal(
		folk_ask(&agent, emr_id16_random(), grant, team, NULL), EMR_RESULT_NOT_GRANTEE);
	assert_applied(folk_say(&boss, emr_act_drop(team, lima.public.signer_id), folk_nothing()));
	assert_int_equal(
		folk_ask(&lima, emr_id16_random(), grant, team, NULL), EMR_RESULT_NOT_GRANTEE);
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

	folk_see(m);
	assert_ok(emr_replica_requests(m->replica, domain, find_request, &f));
	assert_int_equal(f.n, 1);
	return f.request.row.head.state;
}

TEST_IN(folk_with_clinic, folk_end, a_request_is_seen_and_decided)
{
	emr_id16 request, grant = emr_id16_random();
	emr_act ask = emr_act_request(health.id, lima.public.signer_id, emr_id32_random());

	request = ask.object;
	assert_applied(folk_say(&lima, ask, folk_part_of(592)));
	assert_int_equal(state_of_request(&ana, health.id), EMR_REQUEST_OPEN);
	assert_int_equal(
		folk_own(emr_act_approve(health.id, request, health.id, grant), folk_nothing()),
		EMR_RESULT_NO_GRANT);
	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, DAY), folk_part_of(GRANT_PART(0))));
	assert_applied(
		folk_own(emr_act_approve(health.id, request, health.id, grant), folk_nothing()));
	assert_int_equal(state_of_request(&lima, health.id), EMR_REQUEST_APPROVED);
	assert_int_equal(folk_say(&lima, emr_act_withdraw(health.id, request), folk_nothing()),
		EMR_RESULT_GONE);
}

TEST_IN(folk_with_clinic, folk_end, a_request_to_a_person_is_his_to_deny)
{
	emr_id16 request, none = {{0}};
	emr_id32 rsalt = emr_id32_random(), to;
	emr_act ask;

	emr_request_to(rsalt.b, ana.public.signer_id.b, to.b);
	ask = emr_act_request(none, lima.public.signer_id, to);
	request = ask.object;
	assert_applied(folk_say(&lima, ask, folk_part_of(592)));
	assert_int_equal(folk_say(&agent, emr_act_deny(none, request, rsalt), folk_part_of(100)),
		EMR_RESULT_NOT_AUTHORISED);
	assert_applied(folk_say(&ana, emr_act_deny(none, request, rsalt), folk_part_of(100)));
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

TEST_IN(folk_with_clinic, folk_end, a_hospital_writes_and_amends_until_its_right_ends)
{
	emr_id16 record = emr_id16_random(), listkey;
	emr_replica_head head;
	found f = {0};

	emr_object_listkey(lima.public.signer_id.b, 1, listkey.b);
	assert_int_equal(folk_say(&lima, object_act(EMR_OP_LISTKEY, listkey), folk_part_of(160)),
		EMR_RESULT_NOT_AUTHORISED);
	assert_applied(folk_own(
		emr_act_writer_add(health.id, lima.public.signer_id, EMR_RIGHT_PUT, now + 100),
		folk_part_of(592)));
	folk_see(&lima);
	assert_ok(emr_replica_writes_of(lima.replica, lima.public.signer_id, find_writer, &f));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.writer.rights, EMR_RIGHT_PUT);
	assert_applied(folk_say(&lima, object_act(EMR_OP_LISTKEY, listkey), folk_part_of(160)));
	assert_applied(folk_say(&lima, object_act(EMR_OP_PUT, record), folk_part_of(828)));
	assert_applied(folk_say(&lima, object_act(EMR_OP_PUT, record), folk_part_of(828)));
	folk_see(&ana);
	assert_ok(emr_replica_head_get(ana.replica, health.id, record, &head));
	assert_int_equal(head.version, 2);
	assert_memory_equal(head.creator.b, lima.public.signer_id.b, 32);
	folk_pass(100);
	assert_int_equal(folk_say(&lima, object_act(EMR_OP_PUT, record), folk_part_of(828)),
		EMR_RESULT_NOT_AUTHORISED);
	assert_applied(folk_own(
		emr_act_writer_add(health.id, lima.public.signer_id, EMR_RIGHT_PUT, now + 100),
		folk_part_of(592)));
	assert_applied(folk_say(
		&lima, emr_act_writer_del(health.id, lima.public.signer_id), folk_nothing()));
	assert_int_equal(folk_say(&lima, object_act(EMR_OP_PUT, record), folk_part_of(828)),
		EMR_RESULT_NOT_AUTHORISED);
	f.n = 0;
	folk_see(&ana);
	assert_ok(emr_replica_writers(ana.replica, health.id, find_writer, &f));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.writer.head.state, EMR_WRITER_ENDED);
}

TESTS(NULL, NULL)
