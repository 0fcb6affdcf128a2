/* This kit makes points, a dataset that pays, and the items of a folder that joins it. */
#include "points_kit.h"

#include "ledger/act_send.h"
#include "replica/people.h"

void points_say(kit *k, emr_replica *replica, emr_act act, emr_bytes part)
{
	uint8_t code = EMR_RESULT_FORMAT;

	assert_ok(emr_replica_follow(replica, k->owner.signer_id, &act));
	assert_ok(emr_act_send(k->keyring, k->ledger, &act, part, &k->clock.clock, &code));
	assert_int_equal(code, EMR_RESULT_APPLIED);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
}

void points_mint(kit *k, emr_replica *replica, uint64_t points)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_MINT,
		.not_after_unix_s = emr_clock_unix_s(&k->clock.clock) + 1000};
	emr_pub_mint pub = {.amount = points};
	emr_id16 proposal = emr_id16_random();
	emr_known_person me;
	emr_id16 org;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(replica, k->owner.signer_id, &me));
	memcpy(org.b, me.row.org, 16);
	memcpy(pub.proposal, proposal.b, 16);
	memcpy(pub.account, k->owner.signer_id.b, 32);
	emr_mint_subject(pub.account, pub.amount, what.subject);
	points_say(k, replica, emr_act_propose(proposal, &what), (emr_bytes){0});
	points_say(k, replica, emr_act_approve_proposal(proposal, org), (emr_bytes){0});
	points_say(k, replica, emr_act_mint(&pub), (emr_bytes){0});
}

emr_id16 points_dataset(kit *k, emr_replica *replica, uint64_t price)
{
	emr_pub_dataset_new what = {.price = price,
		.not_after_unix_s = emr_clock_unix_s(&k->clock.clock) + 1000,
		.purposes = 1};
	emr_id16 dataset = emr_id16_random();
	uint8_t part[40] = {0};

	memcpy(what.B, k->owner.B, sizeof what.B);
	assert_ok(emr_keyring_pop(k->keyring, k->net_id, what.pop));
	points_say(k, replica, emr_act_dataset(dataset, &what), emr_bytes_of(part, sizeof part));
	return dataset;
}

void points_join_into(kit *k, emr_batch_builder *b, emr_id16 domain, emr_id16 dataset)
{
	const uint64_t now = emr_clock_unix_s(&k->clock.clock);
	const emr_id16 grant = emr_id16_random();
	emr_pub_grant terms = {.not_before_unix_s = now,
		.not_after_unix_s = now + 1000,
		.purposes = 1,
		.rights = EMR_GRANT_READ};
	emr_pub_dataset_join how;
	uint8_t part[722] = {0};
	emr_operation operation;
	emr_id32 item;
	emr_act act;

	emr_grantee_dataset(dataset.b, terms.grantee);
	memcpy(how.grant, grant.b, sizeof how.grant);
	memcpy(how.account, k->owner.signer_id.b, sizeof how.account);
	act = emr_act_grant(domain, grant, 1, &terms);
	operation = emr_act_operation(&act, now, emr_bytes_of(part, sizeof part));
	assert_ok(emr_batch_add(b, &operation, &item));
	act = emr_act_join(domain, dataset, &how);
	operation = emr_act_operation(&act, now, (emr_bytes){0});
	assert_ok(emr_batch_add(b, &operation, &item));
}
