/* The appender to an embedded ledger says what time it is. Here members say a time that is ahead:
 * what is in force stays in force. */
#include "rogue_kit.h"

#include "contract/pubs.h"
#include "ledger/chain.h"

/* Returns the ledger's answer when M brings OPERATION with a clock that says UNIX_S; 1000 is added
 * when the whole batch was refused. Everybody else's clock stays. */
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

TEST_IN(folk_with_clinic, folk_end, nobody_who_is_ahead_purges_the_fragments_of_a_grant_in_force)
{
	emr_part_key at = fragments_for_lima(30 * DAY);
	EMR_AUTO_BUF part = {0};
	uint8_t pub[24];
	emr_operation purge = purge_of(&at, pub);

	for (int days = 0; days < 400; days += 31)
		assert_int_equal(bring_at(now + (uint64_t)days * DAY, &agent, &purge),
			EMR_RESULT_NOT_AUTHORISED);
	assert_int_equal(bring_at(now + 31 * DAY, &lima, &purge), EMR_RESULT_NOT_AUTHORISED);
	expect_forgery_refused(now + 31 * DAY, &agent, &purge, &ana);
	assert_ok(emr_replica_part(ana.replica, &at, &part));
}

TESTS(NULL, NULL)
