/* These tests are about a ledger in a directory whose members have agreed to go on in a channel: it
 * takes nothing more, and no member's copy takes what somebody writes there all the same. */
#include "contract/rows.h"
#include "ledger/act.h"
#include "ledger/act_send.h"
#include "ledger_kit.h"
#include "replica/people.h"

static kit k;
static emr_replica *replica;
static kit_domain domain;

AROUND(begin)
{
	kit_new(&k);
	domain = kit_domain_new(&k);
	replica = kit_replica(&k);
}

AROUND(end)
{
	emr_replica_close(replica);
	kit_end(&k);
}

/* Followed first, as each act names what the rows had before. */
static void send(emr_act act)
{
	uint8_t code = EMR_RESULT_FORMAT;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_follow(replica, k.owner.signer_id, &act));
	assert_ok(emr_act_send(k.keyring, k.ledger, &act, (emr_bytes){0}, &k.clock.clock, &code));
	assert_int_equal(code, EMR_RESULT_APPLIED);
}

/* The only organisation agrees with itself. */
static void move(void)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_MOVE, .not_after_unix_s = KIT_NOW + 1000};
	emr_id16 proposal = emr_id16_random(), org;
	emr_known_person me;

	memset(what.subject, 0x55, sizeof what.subject);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(replica, k.owner.signer_id, &me));
	memcpy(org.b, me.row.org, sizeof org.b);
	send(emr_act_propose(proposal, &what));
	send(emr_act_approve_proposal(proposal, org));
}

static emr_status save(emr_ledger_answer *answer)
{
	EMR_AUTO_BUF bytes = {0};
	emr_batch_builder *b = kit_batch(&k, domain.id);

	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	return emr_ledger_submit(k.ledger, emr_buf_view(&bytes), answer);
}

static void save_or_fail(void)
{
	emr_ledger_answer answer;

	assert_ok(save(&answer));
	assert_int_equal(answer.refusal, 0);
}

TEST_IN(begin, end, a_directory_that_has_moved_takes_nothing)
{
	emr_ledger_answer answer;
	uint64_t size = 0;

	save_or_fail();
	move();
	/* No refusal: what was sent waits for the ledger where it is now. */
	assert_status(EMR_OFFLINE, save(&answer));
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_ledger_size(k.ledger, &size));
	assert_int_equal(size, 6); /* the beginning, the key, the domain, a save, two of the move */
}

/* A writer of the directory takes away what keeps that writer's program from it. */
TEST_IN(begin, end, what_is_written_there_all_the_same_no_copy_takes)
{
	emr_replica_trouble trouble;
	emr_replica_position position;

	move();
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	kit_sql(k.network, "ledger.sqlite", "DELETE FROM state WHERE key='NC'");
	save_or_fail();
	assert_status(EMR_DAMAGED, emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.seq, 5);
	assert_string_equal(trouble.cause, "the entry has another number or host");
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, 5);
}

/* Entries of a channel have no signature of whoever brought them; they are taken from blocks, and
 * from no directory. */
TEST_IN(begin, end, an_entry_of_the_channel_is_taken_from_no_directory)
{
	emr_ledger_trouble found;
	emr_replica_trouble trouble;
	emr_replica_position position;

	move();
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	kit_sql(k.network, "ledger.sqlite", "DELETE FROM state WHERE key='NC'");
	save_or_fail();
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET "
		"entry=CAST(substr(entry,1,5)||x'01'||substr(entry,7,61)||x'01'||"
		"substr(entry,69) AS BLOB) WHERE seq=5;"
		"DELETE FROM nodes WHERE level=0 AND idx=5"); /* nothing else says so */
	assert_status(EMR_DAMAGED, emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.seq, 5);
	assert_string_equal(trouble.cause, "the entry cannot be read");
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, 5);
	assert_status(EMR_DAMAGED, emr_ledger_verify(k.ledger, &found));
}

TESTS(NULL, NULL)
