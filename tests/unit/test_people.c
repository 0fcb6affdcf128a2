/* These tests are about organisations, keys and copies: what one member does on the ledger, the
 * others have verified and read. */

#include "folk_kit.h"
#include "rotated.h"
#include "session/session.h"

/* ---- organisations ---- */

TEST_IN(folk_begin, folk_end, an_organisations_people_come_in_once_it_is_admitted)
{
	EMR_AUTO_BUF orgs = {0}, people = {0};
	emr_row_network network;
	emr_known_person person;
	bool is_active = false;

	assert_int_equal(folk_register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima.clinic"),
		1000 + EMR_RESULT_SUBMITTER);
	folk_admit_the_clinic();
	assert_applied(folk_register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima.clinic"));
	folk_see(&agent); /* who replays all this from the beginning, certificates included */
	assert_ok(EMR_ASK_ALL(&orgs, agent.replica, ORGS));
	assert_ok(EMR_ASK_ALL(&people, agent.replica, PEOPLE));
	assert_int_equal(orgs.len, 2 * sizeof(emr_known_org));
	EMR_EACH (const emr_known_org, org, &orgs)
		assert_int_equal(org->row.head.state, EMR_ORG_MEMBER);
	assert_int_equal(people.len, 2 * sizeof(emr_known_person));
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

TEST_IN(folk_begin, folk_end, another_organisations_certificate_does_not_do)
{
	emr_id16 real = clinic;

	folk_admit_the_clinic();
	clinic = home; /* the clinic's CA says that she is of the other organisation */
	assert_int_equal(folk_register_in_clinic(&lima, EMR_ROLE_CLINICIAN, "lima@home"),
		1000 + EMR_RESULT_SUBMITTER);
	clinic = real;
}

/* ---- keys ---- */

TEST_IN(folk_with_clinic, folk_end, a_device_acts_for_its_owner_until_it_is_lost)
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

	folk_create(&phone, "phone");
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
	assert_applied(folk_own(emr_act_writer_add(health.id, phone.public.signer_id,
					EMR_RIGHT_MANAGE, now + 300 * DAY),
		folk_part_of(592)));
	assert_applied(folk_say(&phone, folk_grant_to(grant, lima.public.signer_id.b, DAY),
		folk_part_of(GRANT_PART(0))));
	assert_applied(
		folk_say(&ana, emr_act_key_revoke(phone.public.signer_id, now, 1), folk_nothing()));
	assert_int_equal(folk_say(&phone, emr_act_revoke(health.id, grant, 0), folk_nothing()),
		1000 + EMR_RESULT_SUBMITTER);
	folk_close_member(&phone, false);
}

TEST_IN(folk_with_clinic, folk_end, a_rotated_key_keeps_what_its_person_was_granted)
{
	emr_id16 grant = emr_id16_random(), none = {{0}};
	member next = {0};
	emr_known_person person;
	emr_act act;

	folk_create(&next, "next");
	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, DAY), folk_part_of(GRANT_PART(0))));
	act = rotated_key(lima.public.signer_id, next.keyring, k.net_id);
	assert_applied(folk_say(&lima, act, folk_nothing()));
	assert_int_equal(
		folk_ask(&lima, emr_id16_random(), grant, none, NULL), 1000 + EMR_RESULT_SUBMITTER);
	assert_applied(folk_ask(&next, emr_id16_random(), grant, none, NULL));
	folk_see(&ana);
	assert_ok(emr_replica_person(ana.replica, next.public.signer_id, &person));
	assert_memory_equal(person.row.root, lima.public.signer_id.b, 32);
	folk_close_member(&next, false);
}

TEST_IN(folk_with_clinic, folk_end, a_domain_can_be_handed_to_its_next_key)
{
	emr_id16 grant = emr_id16_random();
	EMR_AUTO_BUF bytes = {0};
	emr_row_domain row;
	emr_key_text key;
	emr_act act;

	folk_see(&ana);
	emr_key_domain(health.id.b, &key);
	assert_ok(emr_replica_state_get(ana.replica, key.text, &bytes));
	assert_int_equal(
		emr_row_domain_parse((emr_span){bytes.data, bytes.len}, &row), EMR_CONTRACT_OK);
	act = rotated_domain(ana.keyring, health.id, row.head.epoch + 1, EMR_ID32_AT(row.head.item),
		2, k.net_id);
	assert_applied(folk_own(act, folk_nothing()));
	act = folk_grant_to(grant, lima.public.signer_id.b, DAY);
	act.epoch = row.head.epoch + 1;
	assert_int_equal(folk_own(act, folk_part_of(GRANT_PART(0))), EMR_RESULT_NOT_AUTHORISED);
	assert_applied(folk_say_as(
		&ana, emr_signer_domain(health.id, 2), act, folk_part_of(GRANT_PART(0)), NULL));
}

/* A member who has the key that was followed lets his own computer bring the folder in. */
TEST_IN(folk_with_clinic, folk_end,
	a_folder_that_a_key_makes_after_it_was_followed_is_not_its_person_s)
{
	const emr_id16 planted = emr_id16_random();
	member heir = {0}, thief = lima;
	emr_act act = {.op = EMR_OP_DOMAIN_NEW, .domain = planted, .object = planted, .epoch = 1};
	emr_replica_options options = {.clock = &k.clock.clock, .is_mine = emr_session_is_mine};
	EMR_AUTO_BUF domains = {0};
	emr_session session = {0};
	emr_domain_public keys;
	emr_pub_domain_new pub;

	assert_ok(emr_keyring_draw_next(ana.keyring));
	assert_ok(emr_keyring_succeed(ana.keyring, &heir.keyring));
	assert_applied(folk_say(
		&ana, rotated_key(ana.public.signer_id, heir.keyring, k.net_id), folk_nothing()));
	thief.keyring = ana.keyring;
	assert_ok(emr_keyring_domain_public(ana.keyring, planted, 1, 1, &keys));
	memcpy(pub.box, keys.box, sizeof pub.box);
	memcpy(pub.A, keys.A, sizeof pub.A);
	emr_pub_domain_new_encode(&pub, act.pub);
	assert_applied(
		folk_say_as(&thief, emr_signer_domain(planted, 1), act, folk_nothing(), NULL));
	folk_bring(&heir, "heir");
	emr_replica_close(heir.replica);
	options.state_dirfd = heir.state_fd;
	options.ledger = heir.ledger;
	options.is_mine_arg = heir.keyring;
	assert_ok(emr_replica_open(&options, &heir.replica));
	folk_see(&heir);
	session.keyring = heir.keyring;
	session.replica = heir.replica;
	assert_ok(emr_session_settle(&session));
	assert_ok(emr_session_unmoved(&session, &domains, NULL));
	assert_int_equal(domains.len, sizeof health.id);
	assert_memory_equal(domains.data, health.id.b, sizeof health.id);
	folk_close_member(&heir, false);
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

TEST_IN(folk_with_clinic, folk_end, the_parts_of_a_domain_come_with_the_grant_and_its_fragments_go)
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
	assert_applied(
		folk_own(emr_act_grant(health.id, grant, 1, &terms), folk_part_of(GRANT_PART(1))));
	assert_applied(folk_own(emr_act_kfrags(health.id, grant, 1), folk_part_of(72 + 208)));
	folk_see(&lima);
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
	assert_applied(folk_own(emr_act_revoke(health.id, grant, 0), folk_nothing()));
	folk_see(&lima); /* the fragments go with the grant, everywhere */
	assert_status(EMR_NOT_FOUND, part_of_version(&lima, EMR_FAMILY_KFRAGS, grant, 1));
	check_all(&lima);
	assert_ok(part_of_version(&lima, EMR_FAMILY_OBJECT, record, 1)); /* the rest stays */
	is_health_mine = false;
	open_choosy(&lima);
	folk_see(&lima);
	assert_status(EMR_NOT_FOUND, part_of_version(&lima, EMR_FAMILY_OBJECT, record, 1));
	check_all(&lima);
	is_health_mine = true; /* and once more, in a new copy after the revocation */
	assert_ok(emr_replica_adopt(lima.replica, health.id, &n));
	assert_int_equal(n, 4);
	check_all(&lima);
}

/* The boss keeps a dataset, ana's domain joins it by a grant with fragments, and leaves again. */
static void join_and_leave(emr_id16 dataset, emr_id16 grant)
{
	emr_pub_dataset_new what = {.not_after_unix_s = now + 90 * DAY, .purposes = 1};
	emr_pub_dataset_join how = {.account = {0}};
	emr_pub_grant terms = {.not_before_unix_s = now,
		.not_after_unix_s = now + DAY,
		.purposes = 1,
		.rights = EMR_GRANT_READ,
		.t = 1,
		.n = 1};

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	memcpy(what.B, boss.public.B, 32);
	assert_ok(emr_keyring_pop(boss.keyring, k.net_id, what.pop));
	assert_applied(folk_say(&boss, emr_act_dataset(dataset, &what), folk_part_of(60)));
	emr_grantee_dataset(dataset.b, terms.grantee);
	memcpy(how.grant, grant.b, 16);
	assert_int_equal(folk_own(emr_act_join(health.id, dataset, &how), folk_nothing()),
		EMR_RESULT_NO_GRANT);
	assert_applied(
		folk_own(emr_act_grant(health.id, grant, 1, &terms), folk_part_of(GRANT_PART(1))));
	assert_applied(folk_own(emr_act_kfrags(health.id, grant, 1), folk_part_of(72 + 208)));
	assert_applied(folk_own(emr_act_join(health.id, dataset, &how), folk_nothing()));
	assert_applied(folk_own(emr_act_leave(health.id, dataset), folk_nothing()));
}

/* A follower, and a computer that fetches the domain's parts later, has no fragment of it left. */
TEST_IN(folk_with_clinic, folk_end, leaving_a_dataset_takes_the_fragments_from_everybody)
{
	emr_id16 dataset = emr_id16_random(), grant = emr_id16_random();
	emr_known_grant known;
	emr_replica_item last = {0};
	uint64_t n = 0;

	is_health_mine = false;
	open_choosy(&lima);
	join_and_leave(dataset, grant);
	folk_see(&lima);
	folk_see(&ana);
	assert_status(EMR_NOT_FOUND, part_of_version(&ana, EMR_FAMILY_KFRAGS, grant, 1));
	assert_ok(emr_replica_grant(ana.replica, health.id, grant, &known));
	assert_int_equal(known.row.head.state, EMR_GRANT_REVOKED);
	EMR_ASK(asked, ana.replica, HISTORY, .family = EMR_FAMILY_GRANT, .domain = health.id,
		.object = grant);
	while (emr_next(&asked, &last))
		;
	assert_ok(asked.status);
	assert_int_equal(last.op, EMR_OP_DATASET_LEAVE);
	is_health_mine = true;
	assert_ok(emr_replica_adopt(lima.replica, health.id, &n));
	assert_status(EMR_NOT_FOUND, part_of_version(&lima, EMR_FAMILY_KFRAGS, grant, 1));
	check_all(&lima);
	check_all(&ana);
}

/* ---- everything again ---- */

TEST_IN(folk_with_clinic, folk_end, a_newcomer_who_replays_all_of_it_agrees)
{
	emr_id16 grant = emr_id16_random(), none = {{0}};
	emr_replica_trouble trouble;
	uint64_t checked = 0;

	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, DAY), folk_part_of(GRANT_PART(0))));
	assert_applied(folk_ask(&lima, emr_id16_random(), grant, none, NULL));
	assert_applied(folk_own(emr_act_revoke(health.id, grant, 3), folk_nothing()));
	folk_see(&boss);
	assert_ok(emr_replica_verify_chain(boss.replica, &trouble, &checked));
	assert_true(checked > 7);
	assert_int_equal(trouble.status, EMR_OK);
}

TESTS(NULL, NULL)
