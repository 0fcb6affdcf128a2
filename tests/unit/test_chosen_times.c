/* Who appends to an embedded ledger says what time it is.  Here members lie about it, ahead and
 * back: what a date has ended stays ended, and what is in force stays in force. */
#include "rogue_kit.h"

#include "contract/pubs.h"
#include "ledger/chain.h"

/* What the ledger answers when M brings OPERATION with a clock that says UNIX_S; 1000 is added when
 * the whole batch was refused.  Everybody else's clock stays. */
static int bring_at(uint64_t unix_s, const member *m, const emr_operation *operation)
{
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;

	rogue_batch(m, emr_signer_identity(), operation, unix_s, &batch);
	kit_clock_set(&k.clock, unix_s);
	assert_ok(emr_ledger_submit(m->ledger, emr_buf_view(&batch), &answer));
	kit_clock_set(&k.clock, now);
	return answer.refusal != 0 ? 1000 + answer.refusal : answer.results[0];
}

/* M writes OPERATION into the ledger file as applied, of the time UNIX_S: WHO's copy refuses it. */
static void expect_forgery_refused(
	uint64_t unix_s, const member *m, const emr_operation *operation, member *who)
{
	static const uint8_t applied[1] = {EMR_RESULT_APPLIED};
	emr_operation another = *operation;
	EMR_AUTO_BUF batch = {0};
	emr_replica_trouble trouble;

	folk_see(who);
	rogue_batch(m, emr_signer_identity(), &another, unix_s + 1, &batch);
	rogue_append(m, emr_buf_view(&batch), unix_s + 1, applied);
	assert_status(EMR_DAMAGED, emr_replica_catch_up(who->replica, NULL, NULL, NULL));
	emr_replica_last_trouble(who->replica, &trouble);
}

/* ---- ahead ---- */

/* Ana lets lima read for SECONDS through the agent, whose fragment lies on the ledger. */
static emr_part_key fragments_for_lima(uint64_t seconds)
{
	emr_pub_grant terms = {.not_before_unix_s = now,
		.not_after_unix_s = now + seconds,
		.purposes = 1,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.t = 1,
		.n = 1};
	emr_part_key at = {.family = EMR_FAMILY_KFRAGS,
		.domain = health.id,
		.object = emr_id16_random(),
		.version = 1};

	memcpy(terms.grantee, lima.public.signer_id.b, 32);
	assert_applied(folk_own(
		emr_act_grant(health.id, at.object, 1, &terms), folk_part_of(GRANT_PART(1))));
	assert_applied(folk_own(emr_act_kfrags(health.id, at.object, 1), folk_part_of(72 + 208)));
	folk_see(&ana);
	return at;
}

static emr_operation purge_of(const emr_part_key *at, uint8_t pub[24])
{
	emr_pub_erase erase = {.family = at->family, .from_version = 1, .to_version = at->version};

	emr_pub_erase_encode(&erase, pub);
	return (emr_operation){.op = EMR_OP_ERASE,
		.domain = at->domain,
		.object = at->object,
		.pub = emr_bytes_of(pub, 24)};
}

static void nobody_who_is_ahead_purges_the_fragments_of_a_grant_in_force(void **state)
{
	emr_part_key at = fragments_for_lima(30 * DAY);
	EMR_AUTO_BUF part = {0};
	uint8_t pub[24];
	emr_operation purge = purge_of(&at, pub);

	(void)state;
	for (int days = 0; days < 400; days += 31)
		assert_int_equal(bring_at(now + (uint64_t)days * DAY, &agent, &purge),
			EMR_RESULT_NOT_AUTHORISED);
	assert_int_equal(bring_at(now + 31 * DAY, &lima, &purge), EMR_RESULT_NOT_AUTHORISED);
	expect_forgery_refused(now + 31 * DAY, &agent, &purge, &ana);
	assert_ok(emr_replica_part(ana.replica, &at, &part));
}

/* ---- back ---- */

/* A record of ana's, in a folder where lima may write for SECONDS; what lima sends to remove it. */
static emr_operation removal_by_lima(uint64_t seconds)
{
	emr_batch_builder *b = kit_batch(&k, health.id);
	emr_id16 object = emr_id16_random();
	emr_operation op = {.op = EMR_OP_UNLINK,
		.domain = health.id,
		.object = object,
		.epoch = 1,
		.version = 2};
	emr_replica_head head;

	(void)kit_put(b, &health, object, 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	assert_applied(folk_own(emr_act_writer_add(health.id, lima.public.signer_id,
					EMR_RIGHT_META | EMR_RIGHT_ANY, now + seconds),
		folk_part_of(592)));
	assert_ok(emr_replica_head_get(ana.replica, health.id, object, &head));
	op.prev = head.item_id;
	return op;
}

/* M says something, whatever it is, with a clock that says UNIX_S. */
static void speaks_at(uint64_t unix_s, member *m)
{
	uint64_t real = now;

	folk_pass(unix_s - now);
	assert_applied(
		folk_say(m, emr_act_key_kx(m->public.signer_id, m->public.x25519), folk_nothing()));
	folk_pass(real - now);
}

static void whoever_dates_back_does_not_get_behind_what_two_others_say(void **state)
{
	emr_operation removal = removal_by_lima(DAY);
	emr_ledger_trouble trouble;
	uint64_t in_time = now + DAY / 2;

	(void)state;
	folk_pass(2 * DAY);
	speaks_at(now, &ana);
	speaks_at(now, &agent);
	for (uint64_t hours = 0; hours <= 12; hours += 6)
		assert_int_equal(bring_at(in_time + hours * 3600 - 1, &lima, &removal),
			EMR_RESULT_NOT_AUTHORISED);
	/* Everybody comes to the same answer, from the beginning, too. */
	folk_see(&ana);
	assert_ok(emr_ledger_verify(ana.ledger, &trouble));
	expect_forgery_refused(in_time, &lima, &removal, &ana);
	assert_status(EMR_DAMAGED, emr_ledger_verify(agent.ledger, &trouble));
}

static void a_key_whose_certificate_has_ended_does_not_act_as_of_earlier(void **state)
{
	emr_operation removal = removal_by_lima(900 * DAY);
	uint64_t in_time = now + 399 * DAY;

	(void)state;
	folk_pass(300 * DAY);
	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_HOSPITAL, "boss"));
	folk_pass(200 * DAY);
	speaks_at(now, &ana);
	speaks_at(now, &boss);
	assert_int_equal(bring_at(in_time, &lima, &removal), 1000 + EMR_RESULT_SUBMITTER);
}

/* She asks the owner for keys when the grant is over, and says that it is not. */
static void a_question_does_not_stand_as_of_earlier(void **state)
{
	emr_id16 grant = emr_id16_random(), none = {{0}};
	uint64_t in_time = now + DAY / 2;

	(void)state;
	assert_applied(folk_own(
		folk_grant_to(grant, lima.public.signer_id.b, DAY), folk_part_of(GRANT_PART(0))));
	folk_pass(2 * DAY);
	speaks_at(now, &ana);
	speaks_at(now, &agent);
	folk_see(&lima);
	folk_pass(in_time - now);
	assert_int_equal(
		folk_ask(&lima, emr_id16_random(), grant, none, NULL), EMR_RESULT_GRANT_DEAD);
}

/* ---- clocks that are wrong ---- */

static void one_clock_that_is_ahead_ends_nobodys_rights(void **state)
{
	emr_operation removal = removal_by_lima(DAY);

	(void)state;
	speaks_at(now + 300 * DAY, &agent);
	assert_applied(bring_at(now, &lima, &removal));
}

/* Lima's own clock was ahead yesterday: it is not hers that counts. */
static void ones_own_clock_that_was_ahead_ends_nothing_afterwards(void **state)
{
	emr_operation removal = removal_by_lima(DAY);

	(void)state;
	speaks_at(now + 300 * DAY, &lima);
	speaks_at(now + 300 * DAY, &agent);
	assert_applied(bring_at(now, &lima, &removal));
}

static void two_clocks_that_are_put_right_are_forgiven(void **state)
{
	emr_operation removal = removal_by_lima(DAY);
	emr_ledger_trouble trouble;

	(void)state;
	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_HOSPITAL, "boss"));
	speaks_at(now + 300 * DAY, &agent);
	speaks_at(now + 300 * DAY, &boss);
	assert_int_equal(bring_at(now, &lima, &removal), EMR_RESULT_NOT_AUTHORISED);
	speaks_at(now, &agent);
	assert_applied(bring_at(now + 1, &lima, &removal));
	folk_see(&ana);
	assert_ok(emr_ledger_verify(ana.ledger, &trouble));
}

/* Whoever may write the file changes what an entry says: nobody is judged by that. */
static void a_time_that_nobody_signed_judges_nobody(void **state)
{
	emr_operation removal = removal_by_lima(DAY);
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;

	(void)state;
	speaks_at(now, &agent);
	speaks_at(now, &ana);
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET entry = substr(entry,1,16) || x'0000000077777777' || "
		"substr(entry,25) WHERE seq=(SELECT max(seq)-1 FROM entries)");
	rogue_batch(&lima, emr_signer_identity(), &removal, now, &batch);
	assert_status(EMR_DAMAGED, emr_ledger_submit(lima.ledger, emr_buf_view(&batch), &answer));
}

/* The administrator's key under a new certificate that her CA gives her. */
static int renew_boss(uint64_t not_after)
{
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF part = {0};
	emr_cert_subject subject = {.handle = "boss",
		.roles = EMR_ROLE_ORG_ADMIN,
		.org = clinic,
		.not_before = now - DAY,
		.not_after = not_after};
	emr_register who = {.keyring = boss.keyring,
		.net_id = k.net_id,
		.org = clinic,
		.roles = EMR_ROLE_ORG_ADMIN,
		.name = "boss"};
	emr_act act;

	assert_ok(emr_cert_issue(boss.keyring, emr_buf_view(&clinic_ca), &subject,
		emr_bytes_of(boss.public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	assert_ok(emr_register_renew(&who, emr_buf_view(&cert), &act, &part));
	return folk_say(&boss, act, emr_buf_view(&part));
}

/* Two who lie far ahead together end every certificate that ends before the time they say.  One
 * that ends later brings its key back, also hers who can revoke one of theirs. */
static void whom_two_liars_lock_out_a_later_certificate_brings_back(void **state)
{
	emr_act act = emr_act_key_kx(lima.public.signer_id, lima.public.x25519);
	member one, two;

	(void)state;
	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss"));
	folk_pass(100 * DAY);
	folk_create(&one, "one");
	folk_create(&two, "two");
	assert_applied(folk_register_in_clinic(&one, EMR_ROLE_HOSPITAL, "one"));
	assert_applied(folk_register_in_clinic(&two, EMR_ROLE_HOSPITAL, "two"));
	speaks_at(now + 350 * DAY, &one);
	speaks_at(now + 350 * DAY, &two);
	assert_int_equal(folk_say(&lima, act, folk_nothing()), 1000 + EMR_RESULT_SUBMITTER);
	assert_int_equal(
		folk_say(&boss, emr_act_key_revoke(one.public.signer_id, now, 1), folk_nothing()),
		1000 + EMR_RESULT_SUBMITTER);
	assert_applied(renew_boss(now + 800 * DAY));
	assert_applied(
		folk_say(&boss, emr_act_key_revoke(one.public.signer_id, now, 1), folk_nothing()));
	assert_applied(folk_say(&lima, act, folk_nothing()));
	folk_close_member(&one, false);
	folk_close_member(&two, false);
}

/* A second key under the same certificate, and one of a device: he is still one. */
static void nobody_is_two_by_having_two_keys(void **state)
{
	emr_operation removal = removal_by_lima(DAY);
	emr_register who = {.net_id = k.net_id, .org = clinic, .roles = EMR_ROLE_DEVICE};
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;
	emr_operation operation;
	emr_act act;
	member tablet;

	(void)state;
	folk_create(&tablet, "tablet");
	who.keyring = tablet.keyring;
	who.name = "tablet";
	assert_ok(emr_register_device(&who, agent.keyring, now + 300 * DAY, &act, &part));
	operation = emr_act_operation(&act, now, emr_buf_view(&part));
	rogue_batch(&tablet, emr_signer_identity(), &operation, now, &batch);
	assert_ok(emr_ledger_submit(agent.ledger, emr_buf_view(&batch), &answer));
	assert_applied(answer.results[0]);
	speaks_at(now + 200 * DAY, &agent);
	speaks_at(now + 200 * DAY, &tablet);
	assert_applied(bring_at(now, &lima, &removal));
	folk_close_member(&tablet, false);
}

/* ---- who is heard ---- */

/* By somebody who has just opened ana's copy. */
static uint64_t heard_by(const member *m)
{
	EMR_AUTO_CHAIN copy = NULL;
	uint64_t heard = 0;

	assert_ok(emr_chain_open(
		ana.state_fd, "replica.sqlite", EMR_CHAIN_PRIVATE, false, 10000, &copy));
	assert_ok(emr_chain_heard(copy, m->public.signer_id.b, &heard));
	return heard;
}

static void expect_heard(const member *m, uint64_t unix_s)
{
	uint64_t heard = 0;

	assert_int_equal(heard_by(m), unix_s);
	assert_ok(emr_replica_heard(ana.replica, m->public.signer_id, &heard));
	assert_int_equal(heard, unix_s);
}

static void expect_all_heard(uint64_t unix_s)
{
	expect_heard(&ana, unix_s + 500);
	expect_heard(&lima, unix_s + 500);
	expect_heard(&boss, unix_s + 500);
	expect_heard(&agent, unix_s + 300);
}

/* The index leads from one submitter to the next, past all of his entries but the newest. */
static void the_newest_word_of_everybody_is_heard_with_an_index_and_without(void **state)
{
	uint64_t before = now;
	char dir[96];

	(void)state;
	(void)snprintf(dir, sizeof dir, "%s/state-ana", k.base);
	for (uint64_t round = 0; round < 3; round++) {
		speaks_at(before + 400 + round, &lima);
		speaks_at(before + 450 - round, &ana);
		speaks_at(before + 200 + round, &agent);
	}
	speaks_at(before + 300, &lima); /* his clock was put right */
	speaks_at(before + 250, &ana);
	speaks_at(before + 500, &agent);
	folk_see(&ana);
	expect_all_heard(before);
	kit_sql(dir, "replica.sqlite", "DROP INDEX submitters");
	expect_all_heard(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, folk_with_clinic, folk_end)
		WITH(nobody_who_is_ahead_purges_the_fragments_of_a_grant_in_force),
		WITH(whoever_dates_back_does_not_get_behind_what_two_others_say),
		WITH(a_key_whose_certificate_has_ended_does_not_act_as_of_earlier),
		WITH(a_question_does_not_stand_as_of_earlier),
		WITH(one_clock_that_is_ahead_ends_nobodys_rights),
		WITH(ones_own_clock_that_was_ahead_ends_nothing_afterwards),
		WITH(two_clocks_that_are_put_right_are_forgiven),
		WITH(a_time_that_nobody_signed_judges_nobody),
		WITH(whom_two_liars_lock_out_a_later_certificate_brings_back),
		WITH(nobody_is_two_by_having_two_keys),
		WITH(the_newest_word_of_everybody_is_heard_with_an_index_and_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
