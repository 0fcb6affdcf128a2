/* An entry of a channel, which nobody signs, is taken from no directory: neither by a copy, nor
 * when the ledger is verified. */
#include "ledger_kit.h"

static kit k;

AROUND_BY(begin, kit_new(&k))

AROUND_BY(end, kit_end(&k))

TEST_IN(begin, end, an_entry_of_the_channel_is_taken_from_no_directory)
{
	EMR_AUTO_REPLICA replica = kit_replica(&k);
	kit_domain domain = kit_domain_new(&k);
	emr_batch_builder *b = kit_batch(&k, domain.id);
	emr_ledger_trouble found;
	emr_replica_trouble trouble;
	emr_replica_position position;

	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET "
		"entry=CAST(substr(entry,1,5)||x'01'||substr(entry,7) AS BLOB) WHERE seq=3;"
		"DELETE FROM nodes WHERE level=0 AND idx=3"); /* nothing else says so */
	assert_status(EMR_DAMAGED, emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.seq, 3);
	assert_string_equal(trouble.cause, "the entry has another number or host");
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, 3);
	assert_status(EMR_DAMAGED, emr_ledger_verify(k.ledger, &found));
	assert_string_equal(found.cause, "the entry has another number or host");
}

TESTS(NULL, NULL)
