/* This program lets fifty folders join one dataset at once through gateways of Fabric. Every join
 * moves the row of the dataset's fund, so a block takes one; each must be paid by one call, and the
 * last within a minute. */
#include <time.h>

#include "live_kit.h"
#include "points_kit.h"
#include "replica/ask.h"

#define JOINERS 50
#define MOST_S 60
#define PRICE 7u

static emr_id16 fund_new(emr_replica *replica)
{
	emr_id16 dataset;

	points_mint(&live.k, replica, JOINERS * PRICE);
	dataset = points_dataset(&live.k, replica, PRICE);
	points_say(&live.k, replica,
		emr_act_transfer(live.k.owner.signer_id, emr_fund_of(dataset), JOINERS * PRICE),
		(emr_bytes){0});
	return dataset;
}

static void write_join(live_client *j, emr_id16 dataset)
{
	kit_domain domain = {.id = emr_id16_random()};
	emr_batch_builder *b = kit_batch(&live.k, domain.id);

	kit_domain_into(&live.k, b, &domain);
	points_join_into(&live.k, b, domain.id, dataset);
	kit_finish(&live.k, b, &j->batch);
}

static void *join(void *arg)
{
	live_client *j = arg;

	j->status = emr_ledger_submit(j->ledger, emr_buf_view(&j->batch), &j->answer);
	return NULL;
}

TEST(fifty_who_join_a_dataset_at_once_are_paid_within_a_minute_by_one_call_each)
{
	live_client *joiners = live_clients_new(JOINERS);
	emr_replica *replica;
	emr_id16 dataset;
	uint64_t left = 1;
	time_t begun;

	live.k.ledger = joiners[0].ledger;
	kit_clock_set(&live.k.clock, (uint64_t)time(NULL));
	replica = kit_replica(&live.k);
	dataset = fund_new(replica);
	for (int i = 0; i < JOINERS; i++)
		write_join(&joiners[i], dataset);
	begun = time(NULL);
	live_clients_run(joiners, JOINERS, join);
	begun = time(NULL) - begun;
	printf("%d joins of one fund: %lld s\n", JOINERS, (long long)begun);
	for (int i = 0; i < JOINERS; i++) {
		assert_int_equal(joiners[i].answer.refusal, 0);
		for (size_t k = 0; k < joiners[i].answer.n_results; k++)
			assert_int_equal(joiners[i].answer.results[k], EMR_RESULT_APPLIED);
	}
	assert_true(begun <= MOST_S);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_points(replica, emr_fund_of(dataset), &left));
	assert_int_equal(left, 0);
	emr_replica_close(replica);
	live.k.ledger = NULL;
	live_clients_free(joiners, JOINERS);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: gateway_joins NETWORK\n");
		return 2;
	}
	live.net = argv[1];
	return emr_tests_run(live_begin, live_end);
}
